"""Units: the power of a length that an expression is measured in, and whether a line depends on the unit of length."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import mpmath
import sympy as sp

__all__ = ["scaling", "unit_of", "unlike"]

Units = Mapping[sp.Symbol, sp.Expr]
LIKE = (sp.Add, sp.Max, sp.Min)  # whose arguments are of one unit, which is theirs
SAME = (sp.Abs, sp.re, sp.im, sp.conjugate, sp.floor, sp.ceiling)
STRETCH = (sp.Integer(2), sp.Rational(7, 3))  # units of length, in units of length
INERT = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative)
NUMBERS = (sp.Rational(3, 2), sp.Rational(5, 7), sp.Integer(3), sp.Rational(11, 5), sp.Rational(2, 3), sp.Integer(5))
NOTHING, DIGITS = 1e-12, 30


def unit_of(expression: Any, units: Units) -> sp.Expr | None:
    """The power of a length that an expression is measured in; None where it may be any, as of 0 or of f(x).

    Args:
        expression: of sympy.
        units: of its symbols; others are pure numbers.

    Raises:
        ValueError: where unlike units are added, or a function is taken of what is no pure number; a logarithm may be.
    """
    e = sp.sympify(expression)
    if e == 0 or isinstance(e, sp.MatrixBase) or e.has(sp.MatrixExpr):
        return None
    if e.is_Symbol:
        return units.get(e, sp.S.Zero)
    if isinstance(e, sp.Indexed):
        return units.get(e.base.label, sp.S.Zero)
    if isinstance(e, sp.Mul):
        return _total(unit_of(a, units) for a in e.args)
    if isinstance(e, sp.Pow):
        return _of_power(e, units)
    if isinstance(e, LIKE):
        return _common(e.args, units)
    if isinstance(e, sp.Piecewise):
        return _common([value for value, _ in e.args], units)
    if isinstance(e, SAME):
        return unit_of(e.args[0], units)
    if isinstance(e, INERT):
        return _of_inert(e, units)
    if isinstance(e, sp.log):
        unit_of(e.args[0], units)  # log a - log b is a pure number where a and b are alike
        return sp.S.Zero
    return _of_function(e, units)


def unlike(left: Any, right: Any, units: Units) -> str:
    """What is wrong with the units of two sides, in words; empty where nothing is."""
    one, other = unit_of(left, units), unit_of(right, units)
    if one is None or other is None or sp.expand(one - other) == 0:
        return ""
    return f"the left side is {_told(one)}, the right side {_told(other)}"


def _total(found: Iterable[sp.Expr | None]) -> sp.Expr | None:
    parts = list(found)
    return None if None in parts else sp.expand(sp.Add(*parts))


def _common(terms: Iterable[sp.Basic], units: Units) -> sp.Expr | None:
    first: tuple[sp.Basic, sp.Expr] | None = None
    for term in terms:
        unit = unit_of(term, units)
        if unit is None:
            continue
        if first is not None and sp.expand(unit - first[1]) != 0:
            raise ValueError(
                f"unlike units are added: {first[0]} is {_told(first[1])}, {term} is {_told(unit)}; "
                "look for a missing factor, or correct a declared unit"
            )
        first = first or (term, unit)
    return first and first[1]


def _of_power(e: sp.Pow, units: Units) -> sp.Expr | None:
    base, exponent = e.args
    _check_number(exponent, units, f"the exponent of {e}")
    unit = unit_of(base, units)
    return None if unit is None else sp.expand(unit * exponent)


def _of_inert(e: sp.Basic, units: Units) -> sp.Expr | None:
    inside = unit_of(e.args[0], units)
    if inside is None:
        return None
    if isinstance(e, sp.Integral):
        return sp.expand(inside + sum(unit_of(limits[0], units) or 0 for limits in e.limits))
    if isinstance(e, sp.Derivative):
        return sp.expand(inside - sum(count * (unit_of(s, units) or 0) for s, count in e.variable_count))
    if isinstance(e, sp.Product) and inside != 0:
        return None
    return inside


def _of_function(e: sp.Basic, units: Units) -> sp.Expr | None:
    if isinstance(e, sp.core.function.AppliedUndef | sp.Subs):
        return None
    for argument in e.args:
        if isinstance(argument, sp.Expr):
            _check_number(argument, units, f"the argument of {e}")
    return sp.S.Zero


def _check_number(e: sp.Expr, units: Units, what: str) -> None:
    unit = unit_of(e, units)
    if unit is not None and unit != 0:
        raise ValueError(f"{what} must be a pure number, and is {_told(unit)}; look for a missing factor")


def _told(unit: sp.Expr) -> str:
    return "a pure number" if unit == 0 else f"a length to the power {unit}"


def scaling(left: Any, right: Any, units: Units) -> str:
    """Whether the difference of two sides keeps its form in another unit of length; empty where it has none, or not known.

    x -> c x for a length, t -> c^2 t for its square: the difference must come out multiplied by a power of c.
    """
    difference = sp.sympify(left) - sp.sympify(right)
    held = [s for s in difference.free_symbols if units.get(s)]
    if not held or difference.has(*INERT, sp.Indexed):
        return ""
    unit = unit_of(left, units)
    power = unit_of(right, units) if unit is None else unit
    if power is None:
        return ""
    symbols = sorted(difference.free_symbols, key=str)
    point = [number for _, number in zip(symbols, itertools.cycle(NUMBERS), strict=False)]
    of = sp.lambdify(symbols, difference, "mpmath")
    before = _value(of, point)
    for c in STRETCH:
        after = _value(of, [number * c ** units.get(s, 0) for s, number in zip(symbols, point, strict=True)])
        if before is None or after is None:
            return ""
        expected = before * mpmath.mpmathify(sp.N((c**power).subs(dict(zip(symbols, point, strict=True))), DIGITS))
        if abs(after - expected) > NOTHING * (1 + abs(expected)):
            return f"not kept: in another unit of length the difference of the sides is not multiplied by its power {power}"
    return f"kept: the difference of the sides is {_told(power)}"


def _value(of: Any, numbers: Iterable[sp.Expr]) -> Any:
    """A number to DIGITS digits; None where there is none, or mpmath does not know a function."""
    with mpmath.workdps(DIGITS):
        try:
            value = mpmath.mpmathify(of(*(mpmath.mpmathify(sp.N(number, DIGITS)) for number in numbers)))
        except (ArithmeticError, ValueError, TypeError, NameError, NotImplementedError):
            return None
        return value if mpmath.isfinite(value) else None
