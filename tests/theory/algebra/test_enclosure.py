import flint
import mpmath
import pytest
import sympy as sp
from hypothesis import given

from tests.theory.conftest import decades
from theory.algebra.enclosure import enclose, point

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


def test_decimals_are_not_binary():
    with flint.ctx.workprec(240):
        assert (3 * point(sp.Rational(1, 3)).real).contains(1)
        tenth = point("0.1")
        assert (tenth.real * 10).contains(1)
        assert float(abs(tenth.real * 10 - 1).upper()) < 1e-70


def test_branches_are_those_of_the_principal_values():
    below = enclose(sp.log(x), {x: point(-2)})
    assert below.imag.overlaps(flint.arb.pi())
    root = enclose(sp.sqrt(x), {x: point(-4)})
    assert root.imag.contains(2)


@pytest.mark.parametrize("expression", [sp.mathieuc(a, 1, 1), sp.Function("f")(a), sp.oo, sp.nan, b])
def test_what_arb_was_not_taught_is_refused(expression):
    with pytest.raises(NotImplementedError, match="no enclosure for"):
        enclose(expression, {a: point(1)})
