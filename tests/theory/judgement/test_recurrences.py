"""Special functions of neighbouring orders: each recurrence by Arb, and what is not one."""

import pytest
import sympy as sp
from sympy import (
    besseli,
    besselj,
    besselk,
    bessely,
    chebyshevt,
    chebyshevu,
    digamma,
    exp,
    expint,
    hermite,
    hyper,
    laguerre,
    legendre,
    log,
    lowergamma,
    pi,
    uppergamma,
    zeta,
)

from theory.algebra import enclosure
from theory.judgement.judge import judge
from theory.judgement.recurrences import lowered

a, b = sp.symbols("a b", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
x = sp.Symbol("x", real=True)
ORDERED = (uppergamma, lowergamma, expint, besselj, bessely, besseli, besselk)
POLYNOMIALS = hermite, legendre, laguerre, chebyshevt, chebyshevu


@pytest.mark.parametrize("f", ORDERED, ids=str)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_values_stay(f, steps):
    e = f(a, b) + 3 * f(a + 1, b) - f(a + steps, b)
    at = {a: enclosure.point("0.3"), b: enclosure.point("1.7")}
    assert enclosure.enclose(lowered(e), at).overlaps(enclosure.enclose(e, at))
    assert len(lowered(e).atoms(f)) <= 2


@pytest.mark.parametrize("f", POLYNOMIALS, ids=str)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_values_of_polynomials_stay(f, order):
    e = f(n + 2, x) + f(n, x) - f(n - 1, x)
    assert sp.expand((lowered(e) - e).subs(n, order).doit()) == 0


TRUE = [
    (uppergamma(a + 2, b), a * (a + 1) * uppergamma(a, b) + (a + 1 + b) * b**a * exp(-b)),
    (a * expint(a + 1, b), exp(-b) - b * expint(a, b)),
    (besseli(a - 1, b) - besseli(a + 1, b), 2 * a / b * besseli(a, b)),
    (zeta(2, a + 1), zeta(2, a) - 1 / a**2),
    (hermite(n + 1, x), 2 * x * hermite(n, x) - 2 * n * hermite(n - 1, x)),
    (digamma(1 - a) - digamma(a), pi * sp.cot(pi * a)),
    (hyper([a], [b], x), exp(x) * hyper([b - a], [b], -x)),
    (log(sp.LambertW(a)), log(a) - sp.LambertW(a)),
]
FALSE = [
    (uppergamma(a + 2, b), a * (a + 1) * uppergamma(a, b) + (a + b) * b**a * exp(-b)),
    (a * expint(a + 1, b), exp(-b) - expint(a, b)),
    (besseli(a - 1, b) + besseli(a + 1, b), 2 * a / b * besseli(a, b)),
    (zeta(2, a + 1), zeta(2, a) - 1 / a),
    (hermite(n + 1, x), 2 * x * hermite(n, x) - n * hermite(n - 1, x)),
    (digamma(1 - a) - digamma(a), pi / sp.sin(pi * a)),
    (hyper([a], [b], x), exp(x) * hyper([b - a], [b], x)),
    (log(sp.LambertW(x)), log(x) - sp.LambertW(x)),
]


@pytest.mark.parametrize(("left", "right"), TRUE, ids=str)
def test_recurrences_are_proved(left, right):
    assert judge(left, right).verdict == "proved"


@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_near_misses_are_not_proved(left, right):
    assert judge(left, right).verdict != "proved"


def test_nothing_is_divided_by_zero():
    s = sp.Symbol("s", real=True)
    assert lowered(expint(s + 1, b) + expint(s, b)) == expint(s + 1, b) + expint(s, b)
