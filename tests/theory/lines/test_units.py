"""Units of length: sums of unlike units are refused, and what depends on the unit is seen."""

import pytest
import sympy as sp

from theory.derivation import Derivation
from theory.lines.units import scaling, unit_of, unlike

lam, t, m = sp.symbols("lambda t m", positive=True)
x, y = sp.symbols("x y", real=True)
UNITS = {lam: sp.Integer(2), t: sp.Integer(2), x: sp.Integer(1), y: sp.Integer(1)}
f = sp.Function("f")(x)


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        (lam + t, 2),
        (sp.sqrt(lam + t) - x, 1),
        (lam / t, 0),
        (sp.exp(-(x**2) / (2 * t)) / sp.sqrt(2 * sp.pi * t), -1),
        (sp.log(lam + t) - sp.log(t), 0),
        (sp.Integral(sp.exp(-((x - y) ** 2) / t), (y, -sp.oo, sp.oo)), 1),
        (sp.Derivative(sp.exp(-(x**2) / t), t), -2),
        (sp.Derivative(x**4 / t, (x, 2)), 0),
        (sp.Limit(lam * t, t, 0), 4),
        (sp.Max(lam, t), 2),
        (sp.Abs(x), 1),
        (sp.Piecewise((lam, x > 0), (t, True)), 2),
        ((lam / t) ** m, 0),
        (x**m, m),
        (sp.Integer(0), None),
        (f, None),
        (f + lam, 2),
        (m + 1, 0),
    ],
    ids=str,
)
def test_units_are_read_off(expression, unit):
    found = unit_of(expression, UNITS)
    assert found == unit
    if unit is not None and not expression.has(sp.Integral, sp.Derivative, sp.Limit, sp.Function("f")) and unit != m:
        c = sp.Symbol("c", positive=True)
        stretched = expression.subs({s: c**u * s for s, u in UNITS.items()}, simultaneous=True)
        point = {lam: 2, t: 3, x: sp.Rational(5, 4), y: 1, m: 2, c: 7}
        assert sp.N((stretched / expression / c**unit).subs(point)) == pytest.approx(1)


@pytest.mark.parametrize(
    "expression",
    [t + lam**2, x + lam, 1 + t, sp.exp(t), sp.sin(x), m**t, sp.Max(x, t), sp.erf(lam), sp.log(t + x)],
    ids=str,
)
def test_unlike_units_are_refused(expression):
    with pytest.raises(ValueError, match=r"unlike units are added|must be a pure number"):
        unit_of(expression, UNITS)


def test_sides_of_unlike_units_are_told():
    assert (
        unlike(lam * t, lam, UNITS)
        == "the left side is a length to the power 4, the right side a length to the power 2"
    )
    assert unlike(m, x, UNITS) == "the left side is a pure number, the right side a length to the power 1"
    assert not unlike(lam, 0, UNITS)
    assert not unlike(lam, f, UNITS)


def test_a_derivation_refuses_them_where_units_are_declared():
    d = Derivation("p")
    s = d.declare("s", positive=True, unit=2)
    n = d.declare("n", positive=True)
    with pytest.raises(ValueError, match="unlike units"):
        d.equal("line", s, s**2)
    with pytest.raises(ValueError, match="unlike units"):
        d.define("line", s + n)
    root = d.solve("root", sp.Eq(n * s, 3 * s**2 / n), s, n**2 * s / 3)
    with pytest.raises(ValueError, match="unlike units"):
        d.equal("line", root, n)


@pytest.mark.parametrize(
    ("left", "right", "kept"),
    [
        (sp.log(1 + lam / t), sp.log(lam + t) - sp.log(t), True),
        (sp.log(1 + lam / t), lam / t, True),
        (sp.log(t), sp.log(lam), True),
        (sp.log(t), m, False),
        (sp.log(1 + lam / t), sp.log(lam), False),
        (sp.erf(x / sp.sqrt(t)), 0, True),
    ],
    ids=str,
)
def test_a_line_that_depends_on_the_unit_is_seen(left, right, kept):
    assert scaling(left, right, UNITS).startswith("kept" if kept else "not kept")


def test_nothing_is_said_where_there_is_nothing_to_stretch():
    assert scaling(m, 1, UNITS) == ""
    assert scaling(sp.Integral(f, (x, 0, 1)), 0, UNITS) == ""
