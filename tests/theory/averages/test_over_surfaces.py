import numpy as np
import pytest
from scipy.integrate import dblquad

from theory.averages.over_surfaces import counted_about_a_sphere, counted_on_a_torus, on_a_sphere, on_a_torus


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def slopes(x, y, weights, t):
    """C/t of points y with weights at x."""
    weights = weights * np.exp(-((x - y) ** 2).sum(axis=1) / (2 * t))
    weights /= weights.sum()
    off = y - weights @ y
    return (off * weights[:, None]).T @ off / t


def sphere(rng, count, radius=1.0):
    points = rng.standard_normal((count, 3))
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("t", [0.1, 0.5, 2.0])
def test_a_sphere_is_an_average_over_its_points(rng, t):
    # 400,000 points, of which t/2 count: an error of about sqrt(2/(t 400,000)) of what is retained, five of them
    y = sphere(rng, 400_000, 2.0)
    found = np.trace(slopes(np.array([0.0, 0.0, 2.0]), y, np.ones(len(y)), t))
    assert found == pytest.approx(float(on_a_sphere(t, 2.0)), rel=5 * np.sqrt(8 / (t * len(y))))


def test_little_noise_on_a_sphere_is_the_leading_order():
    t = np.array([1e-6, 1e-3, 0.05])
    np.testing.assert_allclose(on_a_sphere(t, 1.0), 2 - t, rtol=1e-9)
    assert float(on_a_sphere(1.0, 1.0)) < 0.95


def test_a_torus_is_an_integral_over_its_angles():
    """The trace at one place by adaptive quadrature, and the mean over places from a third sum."""
    ring, tube, t = 2.0, 1.0, 0.5

    def trace(a):
        x = np.array([ring + tube * np.cos(a), 0.0, tube * np.sin(a)])

        def moment(f):
            def at(b, c):
                out = ring + tube * np.cos(c)
                y = np.array([out * np.cos(b), out * np.sin(b), tube * np.sin(c)])
                return out * np.exp(-((x - y) ** 2).sum() / (2 * t)) * f(y)

            return dblquad(at, -np.pi, np.pi, 0, 2 * np.pi, epsabs=1e-7)[0]

        norm = moment(lambda y: 1.0)
        return (
            sum(moment(lambda y, k=k: y[k] ** 2) / norm - (moment(lambda y, k=k: y[k]) / norm) ** 2 for k in range(3))
            / t
        )

    nodes, weights = np.polynomial.legendre.leggauss(8)
    a = np.pi * (nodes + 1) / 2
    share = weights * (ring + tube * np.cos(a))
    mean = share @ [trace(one) for one in a] / share.sum()
    assert float(on_a_torus(np.array([t]), ring, tube)[0]) == pytest.approx(mean, rel=1e-5)


def test_the_mean_over_a_torus_loses_nothing_to_first_order():
    """Halving t takes what is off by a quarter, where on a sphere it takes half."""
    t = np.array([0.02, 0.04])
    small, large = np.abs(on_a_torus(t, 3.0, 1.0) - 2)
    assert large / small == pytest.approx(4, rel=0.15)
    assert small < 0.1 * t[0]
    small, large = np.abs(on_a_sphere(t, 1.0) - 2)
    assert large / small == pytest.approx(2, rel=1e-9)


def test_dimensions_are_counted_down_with_noise(rng):
    np.testing.assert_allclose(counted_about_a_sphere(np.array([1e-3]), 1.0), 2, atol=1e-3)
    np.testing.assert_allclose(counted_on_a_torus(np.array([0.05]), 2.0, 1.0), 2, atol=1e-12)
    t, many = 0.3, sphere(rng, 4000)
    x = many[:2000] + np.sqrt(t) * rng.standard_normal((2000, 3))
    k, r = np.linalg.norm(x, axis=1) / t, np.linalg.norm(x, axis=1)
    counts = 2 * ((1 / np.tanh(k) - 1 / k) / r > 0.5) + ((1 / k**2 - 1 / np.sinh(k) ** 2) / t > 0.5)
    off = counts.mean() - counted_about_a_sphere(np.array([t]), 1.0)[0]
    assert abs(off) < 5 * counts.std() / np.sqrt(counts.size)
