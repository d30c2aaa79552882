"""Judgement: whether an identity or an inequality holds, and on what evidence.

A symbolic reduction alone is not trusted: it must also survive the attempt to refute it at points of the domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint
import numpy as np
import sympy as sp

from theory.algebra.enclosure import FINER, PRECISION, enclose, is_positive_on, point
from theory.derivation import Verdict

__all__ = ["judge_equal", "judge_positive"]

POINTS = 24
TRIES = 1000
NARROW = flint.arb("1e-20")  # an enclosure, beside 1 or the terms that cancel
NOT_DRAWN = ("rational", "irrational", "algebraic", "transcendental")  # what the unit of a draw sees to
Point = Mapping[sp.Symbol, tuple[Any, Any]]  # real and imaginary part, decimals
DECADES = (sp.Rational(1, 1000), sp.Integer(1000))  # of a positive symbol, for proofs by subdivision


def judge_equal(left: sp.Expr, right: sp.Expr) -> tuple[Verdict, str]:
    """Whether left = right for all values their symbols' assumptions admit, and on what evidence."""
    difference = sp.sympify(left) - sp.sympify(right)
    if difference.atoms(sp.Derivative):
        return _judge_differential(difference)
    try:
        witness, radii = _refute(difference)
    except (NotImplementedError, ZeroDivisionError) as error:
        return "inconclusive", f"not enclosed: {error}"
    if witness is not None:
        return "refuted", f"the Arb enclosure of the difference excludes 0 at {_told(witness) or 'every point'}"
    if len(radii) < POINTS / 2:
        return "inconclusive", f"a narrow enclosure at {len(radii)} of {POINTS} points only"
    numbers = f"Arb enclosures at {len(radii)} points contain 0 (radius below {_power_of_ten(max(radii))})"
    if _reduces_to_zero(difference):
        return "proved", f"the difference reduces to 0 under the assumptions; {numbers}"
    return "supported", numbers


def _judge_differential(difference: sp.Expr) -> tuple[Verdict, str]:
    """An identity between functions and their derivatives, taken as independent symbols."""
    atoms = sorted(difference.atoms(sp.Derivative), key=lambda a: -a.derivative_count)
    symbols = {a: sp.Dummy(f"d{k}") for k, a in enumerate(atoms)}
    if sp.cancel(sp.together(difference.xreplace(symbols))) == 0:
        return "proved", "a rational identity between the functions and their derivatives"
    return "inconclusive", "not a rational identity between the functions and their derivatives"


def judge_positive(expression: sp.Expr) -> tuple[Verdict, str]:
    """Whether the expression is positive for all values its symbols' assumptions admit, and on what evidence."""
    for form in (expression, sp.factor(sp.together(expression)), sp.simplify(expression)):
        if form.is_positive:
            return "proved", "every factor is positive under the assumptions"
    try:
        for values in _points(expression.free_symbols):
            value = enclose(expression, _balls(values, PRECISION))
            if value.real <= 0 or not value.imag.contains(0):
                return "refuted", f"the Arb enclosure is not positive at {_told(values) or 'any point'}"
            if not value.real > 0:
                return "inconclusive", "an enclosure of the value does not exclude 0"
        if all(s.is_positive for s in expression.free_symbols):
            if _grows_from_zero(expression):
                return "proved", "it vanishes where a symbol does, and its derivative there on is positive"
            if is_positive_on(expression, dict.fromkeys(expression.free_symbols, DECADES)):
                return "supported", "Arb enclosures are positive on a cover of the domain from 1e-3 to 1e3"
    except (NotImplementedError, ZeroDivisionError) as error:
        return "inconclusive", f"not enclosed: {error}"
    return "supported", f"Arb enclosures are positive at {POINTS} points"


def _grows_from_zero(expression: sp.Expr) -> bool:
    for s in sorted(expression.free_symbols, key=str):
        if sp.factor(sp.diff(expression, s)).is_positive and sp.limit(expression, s, 0, "+").is_nonnegative:
            return True
    return False


def _refute(difference: sp.Expr) -> tuple[Point | None, list[Any]]:
    """A point where the difference cannot vanish, or None and the radii of the enclosures that are narrow."""
    radii = []
    for values in _points(difference.free_symbols):
        enclosure, radius = _narrowed(difference, values)
        if not (enclosure.real.contains(0) and enclosure.imag.contains(0)):
            return values, []
        if radius is not None:
            radii.append(radius)
    return None, radii


def _narrowed(difference: sp.Expr, values: Point) -> tuple[Any, Any]:
    """An enclosure, and its radius where it is narrow, in absolute terms or beside the terms of the difference."""
    for precision in FINER:
        balls = _balls(values, precision)
        found = enclose(difference, balls, precision)
        if not found.is_finite():
            continue
        radius = max(found.real.rad(), found.imag.rad())
        if radius < NARROW:
            return found, radius
        terms = (enclose(term, balls, precision) for term in sp.Add.make_args(difference))
        if radius < NARROW * max(abs(term).lower() for term in terms):
            return found, radius
    return found, None


def _told(values: Point) -> str:
    return ", ".join(f"{s} = {ball.str(6, radius=False)}" for s, ball in _balls(values, PRECISION).items())


def _power_of_ten(radius: Any) -> str:
    return f"{max(float(radius), 1e-99):.0e}" if radius < NARROW else f"{float(NARROW):.0e} of the terms"


def _balls(values: Point, precision: int) -> dict[sp.Symbol, Any]:
    with flint.ctx.workprec(precision):
        return {s: point(real, imaginary, precision) * _unit(s) for s, (real, imaginary) in values.items()}


def _unit(symbol: sp.Symbol) -> Any:
    """What makes a decimal number an irrational one, where the symbol has to be."""
    if symbol.is_transcendental:
        return flint.acb.pi()
    return flint.acb(2).sqrt() if symbol.is_irrational else 1


def _points(symbols: set[sp.Symbol]) -> list[Point]:
    """Points of the domain: the same ones every time, spread over six decades for what is positive."""
    rng = np.random.default_rng(20260101)
    ordered = sorted(symbols, key=str)
    # the signs of real symbols run through every pattern, so that no quadrant is missed by chance
    return [{s: _admitted(s, rng, negative=bool(k >> j & 1)) for j, s in enumerate(ordered)} for k in range(POINTS)]


def _admitted(symbol: sp.Symbol, rng: np.random.Generator, negative: bool) -> tuple[Any, Any]:
    """A number (real, imaginary) that no assumption of the symbol contradicts."""
    for _ in range(TRIES):
        real, imaginary = _draw(symbol, rng, negative)
        number = sp.Rational(str(real)) + sp.I * sp.Rational(str(imaginary))
        facts = symbol.assumptions0.items()
        if all(getattr(number, f"is_{fact}", None) in (holds, None) for fact, holds in facts if fact not in NOT_DRAWN):
            return real, imaginary
    raise NotImplementedError(f"no sample of the symbol {symbol}, declared {_declared(symbol)}")


def _declared(symbol: sp.Symbol) -> str:
    return ", ".join(f"{fact}={holds}" for fact, holds in symbol._assumptions_orig.items())


def _draw(symbol: sp.Symbol, rng: np.random.Generator, negative: bool) -> tuple[Any, Any]:
    """A candidate, of the sign and kind of the symbol."""
    if symbol.is_zero:
        return 0, 0
    if symbol.is_integer:
        low = 2 if symbol.is_positive else 0 if symbol.is_nonnegative else -20  # counts: at 1 the formulas degenerate
        return int(rng.integers(low, 1 if symbol.is_nonpositive else 41)), 0
    if symbol.is_extended_nonnegative:
        return round(10 ** rng.uniform(-3, 3), 6), 0
    if symbol.is_extended_nonpositive:
        return -round(10 ** rng.uniform(-3, 3), 6), 0
    if symbol.is_extended_real or symbol.is_hermitian:
        return round(rng.uniform(0, 5) * (-1 if negative else 1), 6), 0
    real, imaginary = (round(v, 6) for v in rng.uniform(-5, 5, 2))
    return (0 if symbol.is_imaginary or symbol.is_antihermitian else real), imaginary


def _reduces_to_zero(difference: sp.Expr) -> bool:
    """Symbolic reduction under the symbols' assumptions: exact for rational functions, attempted beyond."""
    if sp.cancel(sp.together(difference)) == 0:
        return True
    expanded = sp.expand_log(sp.powdenest(sp.expand_power_base(difference)))
    return any(sp.simplify(form) == 0 for form in (expanded, sp.expand_log(expanded, force=False), difference))
