import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from theory.averages.feature_saddle import FeatureSaddle
from theory.network import Network
from theory.predictions import training_times
from theory.setting import LinearManifold, Setting


def of(text, samples, time, features, training=(10.0, 1000.0), ambient=None, **network):
    manifold = LinearManifold.parse(text, ambient)
    known = Network(features=features, times=training, **network)
    return Setting.of(manifold, samples=samples, schedule="ou", times=[time], network=known)


WIDE = of("1x20", 80, 0.1, 160)
TWO = of("0.5x10,1.5x10", 100, 0.2, 200)
NARROW = of("1x20", 120, 0.05, 80)
NORMAL = of("0.2x5,2x10", 60, 0.1, 100, ambient=30, activation="erf", ridge=0.02)
KERNEL = WIDE.trained(features=math.inf)
ENDS = {  # training and test loss after endless training
    WIDE: (0.62984, 1.32580),
    TWO: (0.51321, 0.79937),
    NARROW: (0.84875, 1.05748),
}


class Blocks:
    """Infinitely many features on an isotropic setting: eigenvalues of the 2 x 2 blocks, the law of Marchenko and Pastur."""

    def __init__(self, setting):
        self.k = k = training_times.constants(setting)[0]
        n = setting.samples / setting.manifold.ambient_dimension
        angle = np.arange(1, 801) * np.pi / 801
        low, high = (1 - n**-0.5) ** 2, (1 + n**-0.5) ** 2
        g = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
        self.weights = np.sin(angle) ** 2 / g / (np.sin(angle) ** 2 / g).sum()
        off = np.sqrt(k.c * g * k.v2 / n)
        M = np.array([[k.c * g + k.b2, off], [off, k.v2 / n + 0 * g]])
        self.rates, axes = np.linalg.eigh(np.moveaxis(M, 2, 0))
        self.shares = axes[:, 0] ** 2

    def beta(self, tau):
        return (-np.expm1(-2 * self.k.sigma2 * self.rates * tau) / self.rates * self.shares).sum(axis=1)

    def train(self, tau):
        return 1 - self.k.b2 * self.weights @ self.beta(2 * tau)

    def test(self, tau):
        beta = self.beta(tau)
        return 1 - self.k.b2 * self.weights @ (2 * beta - (self.k.c + self.k.b2) * beta**2)


@pytest.mark.parametrize("setting", ENDS, ids=str)
def test_the_ends_of_the_catalogue(setting):
    found = training_times.train_loss_final(setting)[0], training_times.test_loss_final(setting)[0]
    assert found == pytest.approx(ENDS[setting], abs=6e-6)


@pytest.mark.parametrize("setting", [WIDE, TWO, NARROW, NORMAL], ids=str)
@pytest.mark.parametrize("ridge", [1e-3, 0.3])
def test_the_ends_are_the_saddle_at_minus_the_ridge(setting, ridge):
    """Without a loop: L_test = 1 - b^2 psi_p (ds/deps + 2 s), and 1 - L_train by the derivative of s, at z = -ridge."""
    setting = setting.trained(ridge=ridge)
    k, D = training_times.constants(setting)[0], setting.manifold.ambient_dimension
    lam, p = np.unique(setting.manifold.spectrum, return_counts=True)
    saddle = FeatureSaddle(k.c, k.b2, k.v2, k.s2, lam, p / D, setting.network.features / D, setting.samples / D)
    step = 1e-4 * ridge
    at = np.array([-ridge, -ridge - step, -ridge + step])
    s, before, after = saddle.solve(at).s.real
    response = saddle.response(saddle.solve(at[:1]), at[:1]).s.real[0]
    scale = k.b2 * saddle.psi_p
    assert training_times.test_loss_final(setting)[0] == pytest.approx(1 - scale * (response + 2 * s), rel=1e-8)
    # 2 h - u h^2 = h + ridge h^2, and h^2 is the derivative of h = 1/(u - z)
    train = 1 - scale * (s + ridge * (after - before) / (2 * step))
    assert training_times.train_loss_final(setting)[0] == pytest.approx(train, rel=1e-6)


@pytest.mark.parametrize("psi_n", [2, 4, 16, 64])
def test_infinitely_many_features_are_blocks(psi_n):
    setting = KERNEL.at(samples=20 * psi_n).trained(times=(1.0, 10.0, 1e3, 1e5))
    blocks = Blocks(setting)
    for found, exact in (
        (training_times.train_loss_kernel, blocks.train),
        (training_times.test_loss_kernel, blocks.test),
    ):
        np.testing.assert_allclose(found(setting)[0], [exact(tau) for tau in setting.network.times], atol=1e-10)


@pytest.mark.parametrize("psi_n", [2, 8, 64])
def test_the_clocks_of_infinitely_many_features(psi_n):
    setting = KERNEL.at(samples=20 * psi_n)
    blocks = Blocks(setting)
    least = minimize_scalar(
        lambda x: blocks.test(math.exp(x)), bounds=(1, 5), method="bounded", options={"xatol": 1e-9}
    )
    assert training_times.tau_gen(setting)[0] == pytest.approx(
        math.exp(least.x), rel=1e-6
    )  # half the digits of the loss
    end = blocks.k.c / blocks.k.b2
    half = brentq(lambda tau: blocks.test(tau) - blocks.train(tau) - end / 2, 100, 1e6)
    assert training_times.tau_half(setting)[0] == pytest.approx(half, rel=1e-9)


def test_in_the_end_the_kernel_knows_the_samples_and_a_fresh_point_only_its_noise():
    """The loss of -x/sigma^2, in directions of any variances and normal ones."""
    setting = NORMAL.trained(features=math.inf, times=(1e12,))
    t = setting.t[0]
    mean = (0.2 * 5 + 2 * 10) / 30
    assert training_times.train_loss(setting)[0, 0] == pytest.approx(0, abs=1e-9)
    assert training_times.test_loss(setting)[0, 0] == pytest.approx(mean / t, rel=1e-9)
    np.testing.assert_allclose(training_times.retained_coefficient(setting), 0, atol=1e-9)
    assert training_times.train_loss_final(setting)[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("setting", [WIDE, TWO, NORMAL], ids=str)
def test_many_features_are_infinitely_many(setting):
    """With an error that falls as one over their number."""
    setting = setting.trained(ridge=0.0)
    for name in ("train_loss", "test_loss", "retained_coefficient"):
        found = getattr(training_times, name)
        limit = found(setting.trained(features=math.inf))
        off = [np.abs(found(setting.trained(features=p)) - limit).max() for p in (100_000, 400_000)]
        assert off[0] < 0.05
        assert off[0] / off[1] == pytest.approx(4, rel=0.1)


def test_the_learning_clock_steps_from_the_fast_clock_to_the_slow_one():
    many = of("0.5x10,1.5x10", 20 * 3000, 0.1, math.inf, training=(1e-3, 3e3))
    first, later = training_times.learning_clock(many)[0]
    k = training_times.constants(many)[0]
    np.testing.assert_allclose(first, 1 / (2 * k.sigma2 * (k.c * np.array([0.5, 1.5]) + k.b2)), rtol=1e-3)
    slow = training_times.tau_mem(many)[0]
    assert slow[0] < slow[1]
    np.testing.assert_allclose(later, slow, rtol=2e-3)  # what components scatter by, of order 1/psi_n


def test_the_published_clock_is_another():
    for time in (0.3, 0.1, 0.01):
        setting = of("1x20", 20_000, time, 100)
        ratio = training_times.tau_mem(setting)[0, 0] / training_times.tau_mem_published(setting)[0]
        assert ratio == pytest.approx(1 / (2 * (1 - math.exp(-2 * time))), rel=2e-3)


def test_the_training_time_of_the_least_test_loss_grows_with_samples():
    found = [training_times.tau_gen(KERNEL.at(samples=20 * n))[0] for n in (2, 4, 8, 16, 32, 64)]
    assert found == pytest.approx([11.424, 13.339, 15.682, 18.432, 21.556, 25.014], abs=6e-4)
    assert training_times.tau_gen_published(KERNEL)[0] == training_times.tau_gen_published(WIDE)[0] < found[0]


def test_the_slow_clock_stops_at_a_number_of_samples():
    """Linear in N for infinitely many features, and not for 160."""
    assert [training_times.linear_range(WIDE.at(times=[t]))[0] / 160 for t in (0.01, 0.1, 0.3)] == pytest.approx(
        [0.27, 0.18, 0.07], abs=6e-3
    )
    assert training_times.linear_range(KERNEL)[0] == math.inf

    def growth(setting):
        few, many = (training_times.tau_half(setting.at(samples=N))[0] for N in (160, 320))
        return many / few

    assert growth(KERNEL) == pytest.approx(2, rel=0.05)
    assert growth(WIDE) < 1


def test_low_variance_is_lost_first():
    setting = of("0.2x15,1.8x15", 120, 0.1, 1800, training=(1e3, 1e4))
    t, lam = setting.t[0], np.array([0.2, 1.8])
    shares = training_times.retained_coefficient(setting)[0] / (lam / (lam + t))
    assert (shares[:, 0] < 0.7 * shares[:, 1]).all()
    assert (shares[1] < shares[0]).all()


def test_short_steps_of_descent_are_flow():
    setting = WIDE.trained(times=(10.0, 300.0))
    off = [np.abs(training_times.step_excess(setting, step)).max() for step in (0.1, 0.05)]
    assert off[0] < 1e-3
    assert off[0] / off[1] == pytest.approx(2, rel=0.05)


def test_training_times_share_what_is_solved_and_come_in_any_order():
    one = WIDE.trained(times=(1000.0, 10.0))
    np.testing.assert_array_equal(training_times.test_loss(one)[:, ::-1], training_times.test_loss(WIDE))


def test_where_nothing_is_left_to_learn_there_is_no_clock():
    assert np.isnan(training_times.learning_clock(WIDE.trained(times=(1e9,)))).all()


def test_a_large_ridge_lets_the_test_loss_fall_throughout():
    assert training_times.tau_gen(WIDE.trained(ridge=1e4))[0] == math.inf


def test_a_setting_without_a_network_is_refused():
    with pytest.raises(ValueError, match="train_loss is of a trained network"):
        training_times.train_loss(Setting.of("1x20"))
