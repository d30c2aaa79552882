"""Averages over one sample, against quadrature over its law."""

import mpmath
import numpy as np
import pytest
from scipy.special import roots_hermitenorm
from scipy.stats import ncx2

from theory.averages.over_a_sample import Paths, Sample, _digamma_of, _pole_curvature, _trigamma_of
from theory.setting import LinearManifold


def law(variance, dimension, offset, panels=1000):
    """Squared distances from x to a sample, and their weights."""
    z, w = np.polynomial.legendre.leggauss(16)
    farthest = np.sqrt(offset) + np.sqrt(variance) * (np.sqrt(dimension) + 12)
    half = farthest / panels / 2
    r = (half * (2 * np.arange(panels)[:, None] + 1 + z)).ravel()
    return r**2, np.tile(half * w, panels) * 2 * r * ncx2.pdf(r**2, dimension, offset / variance, scale=variance)


@pytest.mark.parametrize(
    ("variance", "dimension", "t", "offset"), [(1.0, 2, 0.05, 1.5), (0.4, 6, 1.0, 3.0), (1.0, 40, 20.0, 60.0)]
)
@pytest.mark.parametrize("power", [0, 1, 2])
def test_averages_are_those_of_the_law(variance, dimension, t, offset, power):
    """In every strip; right of the first pole E[e^-z] comes less 1, and relative accuracy is kept where that is tiny."""
    sample = Sample.impostor(LinearManifold.parse(f"{variance}x{dimension}"), np.array([[offset]]), t, 1.0)
    squares, weights = law(variance, dimension, offset)
    v = np.linspace(-25, squares.max() / (2 * t) / 2, 60)[None]
    paths = Paths(sample, v)
    assert paths.strip.min() == -1
    assert paths.strip.max() > 5
    z = np.exp(np.minimum(v[0][:, None] - squares / (2 * t), 50))
    integrand = (
        np.where((paths.strip[0] < 0)[:, None], np.exp(-z), np.expm1(-z)) if power == 0 else z**power * np.exp(-z)
    )
    expected = (integrand * weights).sum(axis=1)
    sizes = abs(expected) > 1e-200
    np.testing.assert_allclose(paths.average(power)[0][sizes], expected[sizes], rtol=2e-9)


def test_the_second_order_remains_where_the_first_is_taken_away():
    sample = Sample.impostor(LinearManifold.parse("1x2"), np.array([[2.0]]), 5.0, 1.0)
    v = np.linspace(-30, -3, 20)[None]
    paths = Paths(sample, v)
    assert (paths.strip >= 1).all()
    squares, weights = law(1.0, 2, 2.0)
    z = np.exp(v[0][:, None] - squares / 10)
    small = np.where(z < 1e-3, z**2 / 2 - z**3 / 6 + z**4 / 24, np.expm1(-z) + z)
    np.testing.assert_allclose(paths.average(0, first=1)[0], (small * weights).sum(axis=1), rtol=1e-9)


@pytest.mark.parametrize("own", [False, True])
def test_tilted_averages_of_the_sample(own):
    """y - m and its square, in one direction, against a Gauss-Hermite rule over y."""
    variance, t, x = 0.7, 0.4, 1.3
    kind = Sample.own if own else Sample.impostor
    sample = kind(LinearManifold.parse(f"{variance}x1"), np.array([[x**2]]), t, 1.0)
    m = variance / (variance + t) * x
    y, w = roots_hermitenorm(60)
    y, w = (m + y * np.sqrt(variance * t / (variance + t)), w) if own else (y * np.sqrt(variance), w)
    for theta in (0.0, 0.3, 1.7):
        tilted = w * np.exp(-theta * (x - y) ** 2 / (2 * t))
        tilted /= tilted.sum()
        mean = tilted @ y
        assert sample.mean(theta, 0) * x == pytest.approx(mean - m, abs=1e-10)
        assert sample.variance(theta, 0) == pytest.approx(tilted @ (y - mean) ** 2, rel=1e-8)


def test_polygammas():
    rng = np.random.default_rng(0)
    for z in rng.uniform(0, 4, 40) + 1j * rng.uniform(-40, 40, 40):
        assert abs(_digamma_of(z) - complex(mpmath.digamma(z))) < 1e-13 * abs(z)
        assert abs(_trigamma_of(z) / complex(mpmath.polygamma(1, z)) - 1) < 1e-12
    for theta in (-30.0, -0.2, 0.3, 0.999, 2.5, 7.01):
        for order in (0, 1):
            exact = (-1) ** order * mpmath.polygamma(1 + order, -theta)
            assert float(_pole_curvature(np.array([theta]), order)[0]) == pytest.approx(float(exact), rel=1e-10)
