import math

import flint
import mpmath
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.conftest import decades
from theory.algebra.enclosure import ball, enclose, is_positive_on, point

a, b = sp.symbols("a b", positive=True)
x = sp.Symbol("x", real=True)

EXPRESSIONS = [
    sp.log(1 + a / b) / 2,
    a / (a + b),
    sp.exp(-a) * sp.sqrt(b),
    sp.erf(a) + sp.erfc(b),
    sp.gamma(a + 1),
    sp.sin(a) * sp.cos(b),
    a**b,
    a ** sp.Rational(-1, 2) + b ** sp.Rational(1, 3),
    sp.pi * a + sp.E - sp.I**2,
    sp.E**a,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@given(u=decades(-2, 1), v=decades(-2, 1))
def test_the_enclosure_holds_the_value(expression, u, v):
    u, v = round(u, 8), round(v, 8)
    found = enclose(expression, {a: point(u), b: point(v)})
    with mpmath.workdps(60):
        exact = sp.lambdify((a, b), expression, "mpmath")(mpmath.mpf(str(u)), mpmath.mpf(str(v)))
        digits = mpmath.nstr(mpmath.re(exact), 50)
    wide = flint.arb(f"{digits} +/- 1e-40")
    assert found.real.overlaps(wide)
    assert float(found.real.rad()) < 1e-60 * max(1.0, abs(float(found.real)))


@given(st.floats(0.01, 9), st.floats(0.01, 9), st.floats(0, 1))
def test_a_box_holds_the_values_of_its_points(low, width, where):
    low, width = round(low, 6), round(width, 6)
    inside = low + where * width
    box = enclose(sp.log(1 + a) / a, {a: ball(low, low + width)})
    assert float(box.real.lower()) <= math.log1p(inside) / inside * (1 + 1e-13)
    assert float(box.real.upper()) >= math.log1p(inside) / inside * (1 - 1e-13)


def test_balls_hold_both_ends_and_decimals_are_not_binary():
    with flint.ctx.workprec(240):
        third = ball(sp.Rational(1, 3), sp.Rational(1, 3))
        assert (3 * third).contains(1)
        tenth = point("0.1")
        assert (tenth.real * 10).contains(1)
        assert float(abs(tenth.real * 10 - 1).upper()) < 1e-70
    assert ball(1, 2).contains(1)
    assert ball(1, 2).contains(2)


def test_branches_are_those_of_the_principal_values():
    below = enclose(sp.log(x), {x: point(-2)})
    assert below.imag.overlaps(flint.arb.pi())
    root = enclose(sp.sqrt(x), {x: point(-4)})
    assert root.imag.contains(2)


@pytest.mark.parametrize("expression", [sp.zeta(a), sp.besselj(0, a), sp.Function("f")(a), sp.oo, sp.nan, b])
def test_what_arb_was_not_taught_is_refused(expression):
    with pytest.raises(NotImplementedError, match="no enclosure for"):
        enclose(expression, {a: point(1)})


@pytest.mark.parametrize(
    "expression",
    [
        a - sp.log(1 + a),
        sp.exp(a) - 1 - a,
        sp.log(1 + a / b),
        (a - b) ** 2 + 1,
        a / (a + b) + sp.log(a) + 3,
    ],
    ids=str,
)
def test_positive_on_a_box_is_proved(expression):
    box = dict.fromkeys(sorted(expression.free_symbols, key=str), (sp.Rational(1, 10), sp.Integer(10)))
    assert is_positive_on(expression, box)


@pytest.mark.parametrize("expression", [a - 1, (a - 1) ** 2, sp.Integer(0), -a, a - sp.Rational(1, 9)], ids=str)
def test_not_positive_on_a_box_is_never_proved(expression):
    assert not is_positive_on(expression, {a: (sp.Rational(1, 10), sp.Integer(10))}, boxes=200)


def test_too_few_subdivisions_prove_nothing():
    expression = a - sp.log(1 + a)
    assert not is_positive_on(expression, {a: (sp.Rational(1, 1000), sp.Integer(1000))}, boxes=1)
