"""Exponential integrals: by exp(y), and by the series of zeta; against quadrature, and where they have no value."""

import mpmath
import pytest
import sympy as sp

from theory.judgement import exponential_integrals

y = sp.Symbol("y", real=True)
LOGISTIC = sp.exp(-y) / (1 + sp.exp(-y)) ** 2
WAYS = exponential_integrals.over_the_line, exponential_integrals.with_powers


def values(f, low, high):
    found = (way(sp.sympify(f), y, sp.sympify(low), sp.sympify(high)) for way in WAYS)
    return [value for value in found if value is not None]


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (LOGISTIC, -sp.oo, sp.oo),
        (y**2 * LOGISTIC, -sp.oo, sp.oo),
        (sp.tanh(y) ** 2 / sp.cosh(y) ** 2, -sp.oo, sp.oo),
        (1 / sp.cosh(3 * y / 2), -sp.oo, sp.oo),
        (1 / (sp.exp(y) + sp.exp(-y)) ** 3, -sp.oo, sp.oo),
        (y / sp.sinh(y), -sp.oo, sp.oo),
        (y**2 / sp.cosh(y) ** 2, -sp.oo, sp.oo),
        (1 / (1 + sp.exp(y)), 0, sp.oo),
        (y**3 / (sp.exp(2 * y) - 1), 0, sp.oo),
        (sp.sqrt(y) / (sp.exp(y) + 1), 0, sp.oo),
        (y**4 * sp.exp(y) / (sp.exp(y) - 1) ** 2, 0, sp.oo),
        (sp.log(1 + sp.exp(-y)), 0, sp.oo),
        (sp.log(y) ** 2 / (1 - y), 0, 1),
    ],
)
def test_against_quadrature(f, low, high):
    ends = [0, 0.25, 0.5, 1] if high == 1 else [-60 if low == -sp.oo else 0, 0.5, 4, 60]
    number = mpmath.quad(sp.lambdify(y, f, "mpmath"), ends)  # what is beyond 60 is less than 1e-20
    found = values(f, low, high)
    assert found
    assert all(abs(mpmath.mpf(sp.N(value, 20)) - number) < 1e-9 for value in found)


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (1 / (sp.exp(y) - 1), 0, sp.oo),
        (y / (sp.exp(y) - 1) ** 2, 0, sp.oo),
        (1 / sp.sinh(y) ** 2, -sp.oo, sp.oo),
        (1 / sp.sinh(y), 0, sp.oo),
        (sp.coth(y), -sp.oo, sp.oo),
        (sp.tanh(y), 0, sp.oo),
        (1 / (1 - y), 0, 1),
        (y / (1 + sp.exp(-y)), 0, sp.oo),
        (1 / (sp.exp(y) - 2), 0, sp.oo),
        (y ** sp.Rational(-3, 2) / (1 + sp.exp(y)), 0, sp.oo),
    ],
)
def test_what_has_no_value_is_given_none(f, low, high):
    assert values(f, low, high) == []
