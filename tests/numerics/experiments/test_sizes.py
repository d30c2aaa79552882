import numpy as np

from numerics.arrays import stream
from numerics.data import draw, noise
from numerics.experiments import condensation, frozen_jacobian, kl_bound, sizes, subspace_loss, supervision_region
from numerics.experiments.sizes import measure
from tests.numerics.conftest import SMALL, Contract, Exact
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "sizes"


FRESH = {
    "participation": condensation,
    "entropy": condensation,
    "heat_capacity": condensation,
    "estimated_dimension": frozen_jacobian,
    "shell_ratio": supervision_region,
    "signal_to_noise": subspace_loss,
    "kl": kl_bound,
}


def test_it_measures_what_the_experiments_of_the_predictions_do():
    """Other data sets and points, so that the two agree within their errors; 50 groups to an error, 24 comparisons."""
    setting = Setting(LinearManifold.parse("1x2,0.1x2", 6), 60, SMALL.times)
    found = measure(setting, repeats=200, rng=1)
    for name, module in FRESH.items():
        other = module.measure(setting, repeats=200, rng=2)[name]
        z = (found[name].mean - other.mean) / np.hypot(found[name].sem, other.sem)
        assert (np.abs(z) < 5).all(), name


def test_every_average_is_that_of_the_weights():
    setting = Setting.of("1x3", samples=30, times=np.array([0.3]))
    found = measure(setting, repeats=4, rng=1)
    (t,), shell, rows = setting.t, 3 * 0.3, []
    for repeat in range(4):
        random = stream(1, "sizes", repeat)
        data = draw(setting, 30, random)
        x = noise(draw(setting, sizes.QUERIES, random), t, random)
        noised = noise(data, t, random)
        fresh, own = Exact(x, data, t), Exact(noised, data, t)
        error = (fresh.mean - x) / t + x / (1 + t)
        rows.append(
            {
                "participation": fresh.participation.mean(),
                "entropy": -(fresh.weights * np.log(fresh.weights)).sum(axis=-1).mean(),
                "estimated_dimension": np.trace(fresh.covariance(), axis1=-2, axis2=-1).mean() / t,
                "own_weight": np.diag(own.weights).mean(),
                "memorized_probability": (own.nearest == np.arange(30)).mean(),
                "distance": fresh.squares.min(axis=-1).mean(),
                "signal": ((x / (1 + t)) ** 2).mean(),
                "noise": (error**2).mean(),
            }
        )
    expected = {name: np.mean([float(row[name]) for row in rows]) for name in rows[0]}
    expected["shell_ratio"] = np.sqrt(expected.pop("distance") / shell)
    expected["signal_to_noise"] = expected.pop("signal") / expected.pop("noise")
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].mean.item(), value, rtol=1e-10, err_msg=name)


def test_the_own_sample_weighs_as_much_as_its_weight_says():
    """A noised sample comes from each sample as often as that one's weight: E own weight is E Y2 on trajectories."""
    setting = Setting.of("1x4", samples=40, times=np.array([0.1, 0.5]))
    own = measure(setting, repeats=300, rng=1)["own_weight"]
    square = condensation.measure(setting.at(query="trajectory"), repeats=300, rng=2)["participation"]
    assert (np.abs(own.mean - square.mean) < 5 * np.hypot(own.sem, square.sem)).all()


def test_limits():
    """Far below all distances the own sample has all the weight; far above all have the same."""
    found = measure(Setting.of("1x3", samples=20, times=np.array([1e-7, 1e7])), repeats=5)
    np.testing.assert_allclose(found["own_weight"].mean, [1, 1 / 20], rtol=1e-3)
    assert found["memorized_probability"].mean[0] == 1


def test_the_query_and_the_point_play_no_part():
    setting = SMALL.at(times=[0.2])
    plain = measure(setting, repeats=3)
    for other in (setting.at(query="trajectory"), setting.at(point=(1.0, 0.0, 0.0, 0.0))):
        found = measure(other, repeats=3)
        assert all((found[name].mean == plain[name].mean).all() for name in plain)
