import numpy as np
import pytest
from scipy.integrate import quad

from theory.predictions import trained_network
from theory.setting import Setting

SETTING = Setting.of("1x2,0.1x3", samples=20, times=[0.01, 0.05]).trained(times=(10, 100, 1000))
ONE = Setting.of("1x1", samples=4, times=[0.2]).trained()


def test_the_true_end_is_the_same_after_any_steps_and_at_any_place():
    np.testing.assert_array_equal(trained_network.distance_to_empirical(SETTING), np.ones((2, 3, 3)))
    np.testing.assert_array_equal(trained_network.distance_to_true(SETTING), np.zeros((2, 3, 3)))
    found = trained_network.jacobian(SETTING)
    assert found.shape == (2, 3, 2)
    np.testing.assert_allclose(found[:, 0], [[1 / 1.01, 0.1 / 0.11], [1 / 1.05, 0.1 / 0.15]])
    np.testing.assert_array_equal(found[:, 0], found[:, 2])


@pytest.mark.parametrize(("t", "expected"), [(0.05, 5), (0.1, 2), (0.5, 2), (2.0, 0)])
def test_directions_count_where_they_vary_more_than_the_noise(t, expected):
    for schedule in ("ve", "ou", "flow"):
        at = SETTING.at(schedule=schedule)
        setting = at.at(times=at.schedule.time(np.array([t])))
        assert (trained_network.dimension(setting) == expected).all()


def jacobians_of_samples(setting, draws):
    """d m^/dx and, on noised samples, |m^ - x_0|^2 in one dimension, by plain weights, mean and standard error."""
    random, t = np.random.default_rng(0), setting.t[0]
    y = random.normal(size=(draws, setting.samples))

    def posterior(x):
        weights = np.exp(
            -((x[:, None] - y) ** 2) / (2 * t) + ((x[:, None] - y) ** 2).min(axis=1, keepdims=True) / (2 * t)
        )
        weights /= weights.sum(axis=1, keepdims=True)
        mean = (weights * y).sum(axis=1)
        return mean, (weights * (y - mean[:, None]) ** 2).sum(axis=1)

    fresh = random.normal(size=draws) + np.sqrt(t) * random.normal(size=draws)
    own = y[:, 0] + np.sqrt(t) * random.normal(size=draws)
    values = posterior(fresh)[1] / t, (posterior(own)[0] - y[:, 0]) ** 2
    return [(v.mean(), v.std() / np.sqrt(draws)) for v in values]


def test_the_empirical_end_by_plain_weights():
    (slope, slope_error), (loss, loss_error) = jacobians_of_samples(ONE, 200_000)
    assert abs(trained_network.jacobian_empirical(ONE)[0, 0] - slope) < 5 * slope_error
    assert abs(trained_network.least_loss(ONE)[0] - loss) < 5 * loss_error


def test_the_empirical_end_is_below_the_true_one():
    true = trained_network.jacobian(ONE)[:, 0]
    assert (trained_network.jacobian_empirical(ONE) < true).all()
    assert (trained_network.least_loss(ONE) < true[:, 0] * ONE.t).all()


@pytest.mark.parametrize("N", [2, 5, 40])
def test_the_share_by_chance_is_that_of_volumes(N):
    """N points of constant density: the nearest lies within a third of the second, over the volume to the second."""
    for m in (1, 2, 4):
        inside = quad(lambda V, m=m: N * (N - 1) * (3.0**-m * V) * (1 - V) ** (N - 2), 0, 1)[0]
        setting = Setting.of([(1.0, m)], samples=N).trained(times=(5, 6))
        np.testing.assert_allclose(trained_network.memorized_fraction(setting), inside)


def test_the_share_by_chance_of_the_distribution_itself():
    from numerics.memorized import memorized

    random = np.random.default_rng(0)
    shares = [memorized(*random.normal(size=(2, 400, 2))).mean() for _ in range(200)]
    found = trained_network.memorized_fraction(Setting.of("1x2", samples=400).trained())[0]
    assert abs(np.mean(shares) - found) < 5 * np.std(shares) / np.sqrt(200) + 1 / 400  # and what the density changes


def test_without_a_network_there_is_nothing_to_ask():
    with pytest.raises(ValueError, match="jacobian is of a trained network"):
        trained_network.jacobian(SETTING.at(network=None))


def test_the_loss_at_new_points_is_the_least_and_the_distance_of_any_function():
    """Of a network that is nothing like the posterior mean, tanh along every direction, by Monte Carlo."""
    random, t = np.random.default_rng(0), SETTING.t[1]
    clean = random.standard_normal((200_000, 5)) * np.sqrt(SETTING.manifold.spectrum)
    x = clean + np.sqrt(t) * random.standard_normal(clean.shape)
    true = x * SETTING.manifold.spectrum / (SETTING.manifold.spectrum + t)
    left = ((np.tanh(x) - clean) ** 2 - (np.tanh(x) - true) ** 2).sum(axis=1)
    exact = trained_network.least_loss_fresh(SETTING)
    assert exact.shape == (2,)
    assert abs(left.mean() - exact[1]) < 5 * left.std() / np.sqrt(len(left))
    assert ((np.tanh(x) - clean) ** 2).sum(axis=1).mean() > 1.5 * exact[1]
