"""Which products vanish, and which expansions far out leave bounded remainders only."""

import pytest
import sympy as sp

from theory.judgement.asymptotics import expanded, thetas
from theory.judgement.growth import grows, vanishes
from theory.judgement.limits import limit_of

u = sp.Symbol("u", positive=True)
a, b = sp.symbols("a b", positive=True)
x = sp.Symbol("x", real=True)


@pytest.mark.parametrize(
    "term",
    [
        u**a,
        sp.exp(-1 / u) / u**100,
        u * sp.log(u) ** 50,
        u * sp.sin(1 / u),
        1 / sp.log(-sp.log(u)),
        sp.erfc(1 / u) * sp.exp(1 / u),
        1 / (1 + sp.exp(1 / u)),
    ],
)
def test_it_vanishes(term):
    assert vanishes(term, u)


@pytest.mark.parametrize(
    "term",
    [
        u ** (a - b),
        sp.exp(-1 / u) * sp.exp(2 / u),
        sp.sin(1 / u),
        sp.log(u),
        sp.exp((a - b) / u),
        1 / sp.sin(1 / u) * u,
    ],
)
def test_nothing_is_said_to_vanish_that_does_not(term):
    assert not vanishes(term, u)


def test_growth_is_of_the_leading_term():
    assert grows(1 / u - 5, u)
    assert not grows(-1 / u + 5, u)
    assert not grows((a - b) / u, u)
    assert not grows(5 + u, u)


@pytest.mark.parametrize("f", [sp.digamma, sp.loggamma, lambda z: sp.log(sp.cosh(z)), sp.erfc])
def test_an_expansion_bounds_what_it_leaves_out(f):
    form = expanded(f(1 / u), u)
    (theta,) = [s for s in form.free_symbols if s != u]
    assert thetas(form)
    for at in (sp.Rational(1, 3), sp.Rational(1, 10)):
        (value,) = sp.solve(sp.N(form.subs(u, at) - f(1 / at), 30), theta)
        assert abs(value) <= 1


def test_a_limit_from_both_sides_needs_both():
    assert limit_of(sp.Abs(x) / x, x, sp.S.Zero, "+") == 1
    assert limit_of(sp.Abs(x) / x, x, sp.S.Zero, "+-") is None
    assert limit_of(sp.sin(x) / x, x, sp.S.Zero, "+-") == 1
