import numpy as np
import pytest

from numerics.gibbs import gibbs_moments
from numerics.nearness import (
    dimension,
    distance,
    equivalents,
    jacobian,
    nearest,
    profile,
    smoothed,
)
from numerics.networks import Denoiser, of_mean, of_samples, of_score
from numerics.scores import Smoothed, Tempered

DATA = np.random.default_rng(0).normal(size=(8, 3))
X = np.random.default_rng(1).normal(size=(1, 40, 3))
SAMPLES = of_samples(DATA[None])
T = 0.5


def equivalent(network):
    """Bandwidth and temperature of a network."""
    (bandwidth,), (temperature,) = equivalents(network, SAMPLES, X, T)
    return bandwidth, temperature


def test_distances_are_of_each_network(rng):
    one, other = rng.normal(size=(2, 2, 5, 3))
    expected = [
        np.mean([np.sum((a - b) ** 2) for a, b in zip(*pair, strict=True)]) for pair in zip(one, other, strict=True)
    ]
    np.testing.assert_allclose(distance(one, other), expected)
    np.testing.assert_allclose(distance(one, other, 2.0), np.array(expected) / 2)


def test_the_jacobian_of_samples_is_their_covariance(monkeypatch):
    exact = gibbs_moments(X[0], DATA, T, covariance="full").covariance / T

    def off(step):
        monkeypatch.setattr("numerics.nearness.STEP", step)
        return np.abs(jacobian(SAMPLES, X, T)[0] - exact).max()

    assert off(0.03) < 2e-3
    assert off(0.003) == pytest.approx(off(0.03) / 100, rel=0.02)  # by the square of the step, and nothing else


def test_a_jacobian_has_the_derivative_in_its_last_axis():
    matrix = np.array([[1.0, 2.0], [0.0, 0.3]])
    found = jacobian(of_mean(lambda x, t: x @ matrix.T), np.zeros((1, 2, 2)), 0.1)
    np.testing.assert_allclose(found, np.broadcast_to(matrix, (1, 2, 2, 2)), atol=1e-12)
    # of the symmetrized matrix, whose eigenvalues are -0.41 and 1.71
    assert dimension(found) == pytest.approx([1.0])


@pytest.mark.parametrize("h", [0.05, 0.2, 1.0])
def test_a_smoothed_score_has_its_bandwidth(h, monkeypatch):
    """Smoothed by other shifts: of as many as there are here the errors are some percent, and do not favour one side."""
    bandwidth, _ = equivalent(of_score(Smoothed(DATA, h, 512)))
    assert bandwidth == pytest.approx(h, rel=0.2)
    monkeypatch.setattr("numerics.nearness.SHIFTS", 512)
    bandwidth, _ = equivalent(of_score(Smoothed(DATA, h, 512)))
    assert bandwidth == pytest.approx(h, rel=0.03)


@pytest.mark.parametrize("temperature", [0.5, 2.0, 7.0])
def test_a_tempered_score_has_its_temperature(temperature):
    network = of_mean(lambda x, t: x + t * Tempered(DATA, temperature)(x, t))
    assert equivalent(network)[1] == pytest.approx(temperature, rel=0.02)


def test_the_samples_themselves_have_none():
    bandwidth, temperature = equivalent(SAMPLES)
    assert bandwidth < 0.01 * T
    assert temperature == pytest.approx(1, rel=0.02)


def test_the_nearest_lies_on_lines_between_those_tried():
    """Points on a bent line in the plane, and networks beside it and beyond its ends."""
    tried, corners = np.array([0.0, 1.0, 4.0]), np.array([[0.0, 0], [1, 0], [1, 2]])

    def at(point):
        remedied = [corner[None, None, None] for corner in corners]
        return nearest(profile(np.array([[point]]), remedied), tried)[0]

    assert at([-3.0, 1.0]) == 0
    assert at([0.25, -1.0]) == pytest.approx(0.25)  # next to 0 by the number itself
    assert at([2.0, 1.0]) == pytest.approx(2.0)  # half way in the logarithm
    assert at([1.5, 7.0]) == 4
    assert nearest(np.zeros(5), tried) == 0  # where none differs from the next


def test_what_is_smoothed_are_posterior_means_of_a_network_of_any_kind():
    """Averages of shifts leave what is linear as it is."""
    line = Denoiser(lambda x, t: x / (1 + t))
    for other in smoothed(line, X, T):
        np.testing.assert_allclose(other, [X / 1.5] * 2, atol=1e-9)
