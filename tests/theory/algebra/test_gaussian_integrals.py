import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.conftest import decades
from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, t, x, y, z

FS = [sp.Integer(1), y, y**2, y**3 - 2 * y, (y - x) ** 2 * y**2, y**6]


@pytest.mark.parametrize("f", FS, ids=str)
@given(v=decades(-1, 1), noise=decades(-1, 1), at=st.floats(-2, 2))
def test_means_are_the_quadratures(f, v, noise, at):
    weight = -((x - y) ** 2) / (2 * t)
    symbolic = float(gaussian.mean(f, y, lam, weight).subs({lam: v, t: noise, x: at}))
    evaluate = sp.lambdify((y, x), f)

    # a polynomial of degree 6 under the posterior, a Gaussian: ten Gauss-Hermite nodes are exact
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)
    points = at * v / (v + noise) + np.sqrt(v * noise / (v + noise)) * nodes
    norm = np.sqrt(noise / (v + noise)) * np.exp(-(at**2) / (2 * (v + noise))) / np.sqrt(2 * np.pi)
    values = evaluate(points, at) * np.ones_like(points)
    assert symbolic == pytest.approx(norm * weights @ values, rel=1e-10, abs=1e-12 * norm * (weights @ abs(values)))


@pytest.mark.parametrize("n", range(3))
def test_sympy_integrates_to_the_same(n):
    """Moments are derivatives in the coefficient of y; here Meijer's functions find them."""
    exponent = -(lam * y**2) + x * y
    exact = sp.integrate(y**n * sp.exp(exponent), (y, -sp.oo, sp.oo))
    assert sp.simplify(gaussian.integral(y**n, exponent, y) - exact) == 0


def test_moments_of_the_normal_law():
    for n, moment in enumerate([1, 0, 1, 0, 3, 0, 15]):
        assert gaussian.mean(z**n, z, sp.Integer(1)) == moment
    assert gaussian.variance(z**2, {z: lam}) == 2 * lam**2
    assert sp.simplify(gaussian.variance(y * z, {y: lam, z: t}) - lam * t) == 0


def test_the_density_is_normalized_and_convolves():
    assert sp.simplify(gaussian.integral(sp.Integer(1), -(x**2) / (2 * t), x) / sp.sqrt(2 * sp.pi * t)) == 1
    joined = gaussian.integral(sp.Integer(1), -(y**2) / (2 * lam) - (x - y) ** 2 / (2 * t), y)
    exact = gaussian.density(x, lam + t) * 2 * sp.pi * sp.sqrt(lam * t)
    assert sp.simplify(joined / exact) == 1


@pytest.mark.parametrize("exponent", [x**2, y * x, sp.Integer(0), x**3, x - y, t * x**2, (lam - t) * x**2])
def test_divergent_and_foreign_integrals_are_refused(exponent):
    with pytest.raises(ValueError, match=r"quadratic|diverge"):
        gaussian.integral(sp.Integer(1), exponent, x)


def test_log_terms_changes_the_form_and_not_the_value():
    expression = sp.log((lam + t) ** 2 / (t * (2 * lam + t))) / 2 + x**2 / (lam + t) - x**2 / (2 * lam + t)
    at = {lam: 1.3, t: 0.7, x: -0.4}
    assert float(gaussian.log_terms(expression).subs(at)) == pytest.approx(float(expression.subs(at)), rel=1e-13)
