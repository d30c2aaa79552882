"""Averages of what breaks and of error functions over Gaussians, by another route and by near misses."""

import mpmath
import pytest
import sympy as sp
from sympy import Abs, Heaviside, Integral, Max, Min, asin, erf, erfc, exp, oo, pi, sign, sqrt

from theory.judgement.gaussian_pieces import integral
from theory.judgement.judge import judge

a, b = sp.symbols("a b", positive=True)
x, y = sp.symbols("x y", real=True)


def density(z, variance):
    return exp(-(z**2) / (2 * variance)) / sqrt(2 * pi * variance)


def probability(z):
    return (1 + erf(z / sqrt(2))) / 2


INTEGRANDS = [
    (Max(y, 0) * density(y - x, a), -oo, oo),
    (y**3 * Abs(y - x) * density(y, a), -oo, oo),
    (Abs(y * (y - 1)) * density(y, a), -oo, oo),
    (Min(y, 1) * Heaviside(y + 2) * density(y, 1), -oo, oo),
    (sign(y - x) * y * density(y, a), -oo, oo),
    (exp(-a * y**2 + x * y) * y**2, 0, oo),
    (exp(-a * y**2 + x * y) * y**3, -1, 2),
    (y**2 * erf(b * y + x) * density(y - x, a), -oo, oo),
    (y * erfc(-y) * exp(b * y - a * y**2), -oo, oo),
    (erf(y) * erf(b * y) * density(y, a), -oo, oo),
]


@pytest.mark.parametrize(("f", "low", "high"), INTEGRANDS, ids=str)
def test_by_quadrature(f, low, high):
    at = {a: 0.7, b: 1.3, x: -0.4}
    breaks = [v for v in (-2, -0.4, 0, 1) if low < v < high]
    numeric = sp.lambdify(y, f.subs(at), "mpmath")
    expected = mpmath.quad(numeric, [float(low), *breaks, float(high)])
    found = complex(integral(f, y, sp.sympify(low), sp.sympify(high)).subs(at).evalf())
    assert found == pytest.approx(complex(expected), rel=1e-10)


def average(f, variance, mean=0):
    return Integral(f * density(y - mean, variance), (y, -oo, oo))


TRUE = [
    (average(Max(y, 0), a, x), x * probability(x / sqrt(a)) + a * density(x, a)),
    (average(Heaviside(y), a, x), probability(x / sqrt(a))),
    (average(erf(y + x), a), erf(x / sqrt(1 + 2 * a))),
    (average(y * erf(y), a), 2 * a / sqrt(pi * (1 + 2 * a))),
    (average(erf(y) ** 2, a), 2 / pi * asin(2 * a / (1 + 2 * a))),
    (Integral(Abs(x - y) * density(x, a) * density(y, b), (x, -oo, oo), (y, -oo, oo)), sqrt(2 * (a + b) / pi)),
    (Integral(Max(x, y) * density(x, a) * density(y, a), (x, -oo, oo), (y, -oo, oo)), sqrt(a / pi)),
]
FALSE = [
    (average(Max(y, 0), a, x), x * probability(x / sqrt(a)) - a * density(x, a)),
    (average(Heaviside(y), a, x), probability(x / a)),
    (average(erf(y + x), a), erf(x / sqrt(1 + a))),
    (average(y * erf(y), a), 2 * a / sqrt(pi * (1 + a))),
    (average(erf(y) ** 2, a), 2 / pi * asin(a / (1 + 2 * a))),
    (Integral(Abs(x - y) * density(x, a) * density(y, b), (x, -oo, oo), (y, -oo, oo)), sqrt((a + b) / pi)),
    (Integral(Max(x, y) * density(x, a) * density(y, a), (x, -oo, oo), (y, -oo, oo)), sqrt(2 * a / pi)),
]


@pytest.mark.parametrize(("left", "right"), TRUE, ids=str)
def test_averages_are_proved(left, right):
    found = judge(left, right)
    assert found.verdict == "proved", found.evidence
    assert found.trusts


@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_near_misses_are_refuted(left, right):
    assert judge(left, right).verdict == "refuted"


@pytest.mark.parametrize("f", [Abs(y**2 - 2) * density(y, 1), Abs(y - x) * Abs(y) * density(y, 1), exp(y**2), erf(y)])
def test_what_is_of_another_kind_is_left_alone(f):
    with pytest.raises(ValueError, match=r"."):
        integral(f, y, -sp.oo, sp.oo)
