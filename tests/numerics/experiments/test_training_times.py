import numpy as np
import pytest

from numerics.experiments import training_times as experiment
from numerics.experiments.training_times import measure, measure_descent, measure_limit
from numerics.random_features import doubled
from numerics.sampling import Sampling
from tests.numerics.conftest import SMALL, Contract
from theory.network import Network
from theory.setting import SCHEDULES, Setting
from validation.statistics import threshold

LITTLE = Network(features=16, times=(1.0, 30.0))
ONE = Setting.of("1x4", samples=6, schedule="ou", times=[0.3], network=Network(features=8, times=(2.0, 20.0)))


class TestContract(Contract):
    name = "training_times"
    small = SMALL.at(samples=6, network=LITTLE)

    def check(self, setting):
        found = self.measure(setting)
        clocks = ("tau_gen", "tau_half")  # which one network of few may not have
        assert all(np.isfinite(m.mean).all() and (m.sem >= 0).all() for k, m in found.items() if k not in clocks)

    @pytest.mark.parametrize("samples", [2, 64, 65])
    def test_any_number_of_samples(self, samples):
        self.check(self.small.at(samples=samples))

    @pytest.mark.parametrize("schedule", list(SCHEDULES))
    def test_schedules(self, schedule):
        self.check(self.small.at(schedule=schedule))


def drawn(setting):
    run = Sampling()
    return experiment._features_and_samples(setting, run, np.random.default_rng(3))


def loss(setting, A, W, points, draws=200_000):
    """E|sigma s + xi|^2/D over noise, and over these points, by drawing both."""
    random = np.random.default_rng(5)
    alpha, sigma = setting.alpha[0], setting.alpha[0] * np.sqrt(setting.t[0])
    x = points(random, draws)
    xi = random.standard_normal(x.shape)
    features = setting.network((alpha * x + sigma * xi) @ W.T / np.sqrt(x.shape[1]))
    return ((sigma / np.sqrt(len(W)) * features @ A.T + xi) ** 2).sum(axis=1) / x.shape[1]


def test_the_loss_of_a_network_is_what_drawing_noise_gives():
    W, X = drawn(ONE)
    of = experiment._averages(ONE, 0, W, X)
    A = 0.3 * np.random.default_rng(4).standard_normal((4, 8))
    exact = experiment._losses(of, A, A)
    on_samples = loss(ONE, A, W, lambda random, n: X[random.integers(len(X), size=n)])
    on_all = loss(ONE, A, W, lambda random, n: random.standard_normal((n, 4)))
    for found, values in zip(exact, (on_samples, on_all), strict=True):
        assert abs(values.mean() - found) < threshold(len(values)) * values.std() / np.sqrt(len(values))


def test_the_flow_is_that_of_the_loss():
    """Mode by mode it is what many short steps against the gradient give, by the exact U and V."""
    W, X = drawn(ONE)
    of = experiment._averages(ONE, 0, W, X)
    p, D = of.V.shape
    A, step = np.zeros((D, p)), 1e-3
    for _ in range(2000):
        slope = 2 * np.sqrt(of.sigma2 / p) / D * of.V.T + 2 * of.sigma2 / (D * p) * A @ of.U
        A -= step * D**2 * slope
    flow = experiment._flow(ONE, of)
    np.testing.assert_allclose(flow[0, :2], experiment._losses(of, A, A), atol=1e-3)
    retained = 1 + np.sqrt(of.sigma2 / p) * np.diag(A @ of.V_fresh).mean()  # s . xi is sigma times the Jacobian (Stein)
    assert flow[0, 2] == pytest.approx(retained, abs=1e-3)


def test_the_mean_of_descent_decays_by_its_factor_at_every_step():
    """(1 - 2 sigma^2 u h/psi_p)^k mode by mode, which no descent knows; 400 runs of one network."""
    setting, step = ONE, 1.0
    W, X = drawn(setting)
    of = experiment._averages(setting, 0, W, X)
    u, modes = np.linalg.eigh(of.U)
    p, D = of.V.shape
    h = (1 - (1 - 2 * of.sigma2 * u * D / p * step) ** np.rint(setting.network.tau / step)[:, None]) / u
    exact = [-np.sqrt(p / of.sigma2) * (of.V.T @ modes * one) @ modes.T for one in h]
    random = np.random.default_rng(6)
    for batch in (None, 2):
        runs = np.array([experiment._descent(setting, 0, W, X, step, batch, random) for _ in range(400)])
        mean, sem = runs.mean(axis=0), runs.std(axis=0) / 20
        assert (np.abs(mean - exact) < threshold(400) * sem).all()
        twice = np.sqrt(np.mean((runs - mean) ** 2)) / np.abs(mean).max()
        assert twice > 0.01  # a single run is another thing


def test_a_ridge_is_weight_decay():
    setting = ONE.trained(ridge=0.3, times=(30.0,))
    W, X = drawn(setting)
    of, random = experiment._averages(setting, 0, W, X), np.random.default_rng(7)
    runs = [[experiment._descent(setting, 0, W, X, 0.25, None, random)[0] for _ in range(2)] for _ in range(40)]
    losses = np.array([experiment._losses(of, *pair) for pair in runs])
    flow = experiment._flow(setting, of)[0, :2]
    assert (np.abs(losses.mean(axis=0) - flow) < threshold(40) * losses.std(axis=0) / np.sqrt(40) + 1e-3).all()


def test_moments_have_the_means_that_are_taken_off():
    setting = Setting.of("0.5x2,2x1", samples=5, network=Network(features=4))
    draws = []
    for seed in range(4000):
        W, X = experiment._features_and_samples(setting, Sampling(), np.random.default_rng(seed))
        draws.append(experiment._moments(setting, W, X))
    assert (np.abs(np.mean(draws, axis=0)) < threshold(4000) * np.std(draws, axis=0) / np.sqrt(4000)).all()


def test_what_is_taken_off_moves_nothing_but_the_error():
    plain = measure_limit(ONE, repeats=39)["train_loss"]
    freed = measure_limit(ONE, repeats=160)["train_loss"]
    assert (np.abs(plain.mean - freed.mean) < threshold(39) * np.hypot(plain.sem, freed.sem)).all()
    assert (freed.sem < 0.4 * plain.sem).all()  # half by the number alone


def test_twice_the_size_is_nearer_to_the_limit():
    """Off by order 1/D, of the test loss after long training, that extrapolation takes away."""
    setting = Setting.of("1x5", samples=20, schedule="ou", times=[0.1], network=Network(features=40, times=(1000.0,)))
    small, twice = (measure(one, repeats=200)["test_loss"] for one in (setting, doubled(setting)))
    limit, exact = measure_limit(setting, repeats=200)["test_loss"], 1.06657  # of theory, from its page
    assert small.mean < twice.mean - 3 * np.hypot(small.sem, twice.sem)
    assert abs(limit.mean - exact) < 0.5 * abs(twice.mean - exact) + threshold(200) * limit.sem


def test_a_curve_without_a_turn_has_no_least_value():
    falling = np.linspace(1, 0, experiment.SEARCHED.size)
    turning = (np.log(experiment.SEARCHED) - 3.0) ** 2
    assert np.isnan(experiment._least(np.array([falling])))
    assert experiment._least(np.array([turning]))[0] == pytest.approx(np.exp(3.0), rel=1e-9)


def test_descent_agrees_with_the_flow_on_average():
    flow = measure_limit(ONE, repeats=400)
    down = measure_descent(ONE, 0.25, repeats=40)
    for name, found in down.items():
        off = np.abs(found.mean - flow[name].mean)
        assert (off < threshold(40) * np.hypot(found.sem, flow[name].sem) + 0.02).all(), name


def test_infinitely_many_features_are_not_drawn():
    with pytest.raises(ValueError, match="is simulated has finitely many features, got inf"):
        measure(ONE.trained(features=np.inf), repeats=2)
