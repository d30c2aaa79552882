import numpy as np
import pytest

from theory.averages import second_order, two_points
from theory.predictions import kernel_smoothing
from theory.setting import Setting

PLANE = Setting.of("1x1,0.3x2", samples=1000, times=[0.2], bandwidth=0.1, point=(0.7, -0.4, 0.9))


@pytest.mark.parametrize("h", [0.0, 0.1])
def test_the_first_order_is_that_of_the_derivation(h):
    at = PLANE.at(bandwidth=h)
    first, _ = second_order.variance(np.array(at.point), 0.2, h, at.manifold.spectrum)
    expected = 1000 * kernel_smoothing.score_variance(at)
    np.testing.assert_allclose([[first[0], first[1:].mean()]], expected, rtol=1e-12)


@pytest.mark.parametrize(("x", "t", "h"), [(0.7, 0.2, 0.1), (0.7, 0.2, 0.0), (-0.7, 1.0, 0.5), (0.0, 1.0, 0.8)])
def test_the_second_order_is_what_exact_values_tend_to(x, t, h):
    """In one direction; what is left at twice the samples is the third order, a half or less."""
    first, second = (part[0] for part in second_order.variance(np.array([x]), t, h, np.ones(1)))
    off = []
    for N in (1000, 2000):
        exact = two_points.smoothed_error(x, t, h, 1.0, N) - two_points.smoothed_mean(x, t, h, 1.0, N) ** 2
        off.append((exact - first / N) * N**2 / second - 1)
    assert abs(off[1]) < 0.06
    assert abs(off[1]) < 0.6 * abs(off[0]) + 2e-3  # the exact values are known to 1e-6, of which this is a thousandth


def test_several_directions_against_pairs_of_samples():
    """A, of two directions, by its definition: averages over shifts and samples on a grid."""
    x, lam, t, h = np.array([0.7, -0.4]), np.array([1.0, 0.3]), 0.5, 0.2
    found = second_order._mixed(second_order.B, x, t, h, lam)
    e = 1e-3

    def value(a, b, k):
        return np.prod([_triple(x[d] + a * (d == k), x[d] + b * (d == k), lam[d], t, h) for d in range(2)])

    for k in range(2):
        mixed = (value(e, e, k) - value(e, -e, k) - value(-e, e, k) + value(-e, -e, k)) / (4 * e**2)
        assert found[k] == pytest.approx(mixed, rel=1e-4)


def _triple(x, other, lam, t, h):
    """E f(x + eta) f(x' + eta')^2 in one direction."""
    y = np.linspace(-9, 9, 721) * np.sqrt(lam)
    z = np.linspace(-9, 9, 361)
    kernel, prior = (np.exp(-(a**2) / 2) / np.exp(-(a**2) / 2).sum() for a in (z, y / np.sqrt(lam)))

    def f(at):
        at = at + np.sqrt(h) * z[:, None]
        return np.sqrt((lam + t) / t) * np.exp(at**2 / (2 * (lam + t)) - (at - y) ** 2 / (2 * t))

    return (prior * (kernel @ f(x)) * (kernel @ f(other) ** 2)).sum()


def test_what_does_not_exist_is_nan():
    first, second = second_order.variance(np.zeros(1), 0.2, 2.0, np.ones(1))  # three factors take more room than two
    assert np.isfinite(first).all()
    assert np.isnan(second).all()
    first, _ = second_order.variance(np.zeros(1), 0.2, 2.7, np.ones(1))  # beyond (lambda + t)(2 lambda + t)/lambda
    assert np.isnan(first).all()
