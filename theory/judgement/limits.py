"""Limits: a line that holds only on the way to a point, followed there numerically and by Taylor's theorem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement.judgement import Judgement
from theory.judgement.patience import GivenUpError, for_seconds
from theory.judgement.points import Point, balls, points, told
from theory.judgement.smooth import is_smooth

__all__ = ["along", "judge_limit", "limit_of"]

STEPS = *(10**k for k in range(1, 7)), 12, 10**18  # exponents of ten: from 1e10 on, beyond what float64 knows
SLOW = 3, 6, 12, 30, 100, 10**3, 10**4, 10**6, 10**9, 10**12, 10**15
PRECISIONS = 256, 2048, 16384
ORDERS = 6


def judge_limit(left: sp.Expr, right: sp.Expr, relation: str, at: Sequence[Any], assume: Sequence[sp.Basic]) -> Judgement:
    """Whether left tends to right, or left / right to 1, as a symbol goes to a point."""
    symbol, end, sides = _where(at)
    gap = left / right - 1 if relation == "leading" else left - right
    others = gap.free_symbols - {symbol}
    seen = 0
    for point in _few(points(others, assume=[a for a in assume if symbol not in a.free_symbols])):
        for side in sides:
            found = _followed(gap, symbol, end, side, point)
            if found is None:
                continue
            seen += 1
            away, last = found
            if away:
                return _refuted(left, right, relation, symbol, end, side, point, last)
    trusted = [_by_taylor(gap, symbol, end, side) for side in sides]
    if all(trusted):
        return Judgement("proved", f"the Taylor series at {symbol} = {end} has the constant term claimed", ("Taylor's theorem", "sympy.diff"))
    if not seen:
        return Judgement("inconclusive", "no enclosure on the way to the point; a rigorous series would help")
    return _supported(gap, symbol, end, sides, seen)


def _where(at: Sequence[Any]) -> tuple[sp.Symbol, sp.Expr, tuple[str, ...]]:
    symbol, end, *side = at
    end = sp.sympify(end)
    if end.is_infinite:
        return symbol, end, ("",)
    given = side[0] if side else "+" if symbol.is_positive else "+-"
    return symbol, end, ("+", "-") if given == "+-" else (given,)


def along(symbol: sp.Symbol, end: sp.Expr, side: str, exponent: int) -> sp.Expr:
    """A point on the way, 10^-exponent short of the end, or 10^exponent out."""
    step = sp.Integer(10) ** exponent if exponent < 400 else sp.Pow(10, exponent, evaluate=False)
    if end is sp.S.Infinity:
        return step
    if end is sp.S.NegativeInfinity:
        return -step
    return end + (1 / step if side == "+" else -1 / step)


def _few(found: Any) -> list[Point]:
    kept = []
    for point in found:
        kept.append(point)
        if len(kept) == 4:
            break
    return kept or [{}]


def _gaps(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point) -> list[Any]:
    """|gap| on the way, as far as it is enclosed."""
    found = []
    for exponent in SLOW if end.is_infinite and not symbol.is_integer else SLOW[:8]:
        ball = _at(gap, symbol, end, side, exponent, point)
        if ball is not None:
            found.append(ball)
    return found


def _at(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, exponent: int, point: Point) -> Any:
    for precision in PRECISIONS:
        if exponent > precision // 2 and end.is_finite and end != 0:
            continue
        with flint.ctx.workprec(precision):
            step = flint.arb(10) ** exponent
            if end.is_infinite:
                value = flint.acb(step if end is sp.S.Infinity else -step)
            else:
                value = enclosure.enclose(end, {}, precision) + (1 / step if side == "+" else -1 / step)
            try:
                ball = enclosure.enclose(gap, {**balls(point, precision), symbol: value}, precision)
            except (NotImplementedError, ZeroDivisionError, OverflowError):
                return None
            if ball.is_finite() and (ball.rad() < abs(ball).lower() / 1000 or ball.rad() < flint.arb("1e-40")):
                return ball
    return None


def _followed(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point) -> tuple[bool, Any] | None:
    """Whether the gap stays away from 0, and its last value; None where it is not enclosed."""
    found = _gaps(gap, symbol, end, side, point)
    if len(found) < 3:
        return None
    sizes = [abs(b) for b in found]
    tiny = flint.arb("1e-12")
    if sizes[-1] < tiny:
        return False, found[-1]
    stays = sizes[-1] > sizes[-2] * 0.98 and sizes[-2] > sizes[-3] * 0.98
    return bool(stays), found[-1]


def _refuted(left: sp.Expr, right: sp.Expr, relation: str, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point, last: Any) -> Judgement:
    what = "left / right" if relation == "leading" else "left - right"
    value = last + 1 if relation == "leading" else last
    return Judgement(
        "refuted",
        f"as {symbol} goes to {end}{side}, {what} goes to {value.real.str(8, radius=False)}, not to {1 if relation == 'leading' else 0}",
        ("Arb",),
        witness={**told(point), str(symbol): f"-> {end}{side}"},
        sides=(f"{what} -> {value.real.str(8, radius=False)}", str(1 if relation == "leading" else 0)),
    )


def _supported(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, sides: Sequence[str], seen: int) -> Judgement:
    try:
        with for_seconds(1.5):
            by_sympy = all(sp.limit(gap, symbol, end, side or "+") == 0 for side in sides)
    except (GivenUpError, ArithmeticError, NotImplementedError, TypeError, ValueError, AttributeError, RecursionError):
        by_sympy = False
    trusts = ("Arb", "sympy.limit") if by_sympy else ("Arb",)
    return Judgement(
        "supported",
        f"the difference falls on the way to {symbol} = {end} in {seen} cases" + ("; sympy's limit is the one claimed" if by_sympy else ""),
        trusts,
        cannot_exclude="another limit, reached only beyond 10^(10^15), or at other values of the parameters",
    )


# --- by Taylor's theorem ---


def _by_taylor(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> bool:
    value = limit_of(gap, symbol, end, side)
    return value is not None and sp.simplify(value) == 0


def limit_of(e: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """The limit of a quotient of functions that are analytic at the end, by the first of their Taylor coefficients."""
    u = sp.Dummy("u", nonnegative=True)
    path = 1 / u if end is sp.S.Infinity else -1 / u if end is sp.S.NegativeInfinity else end + (-u if side == "-" else u)
    try:
        with for_seconds(1.5):
            positive = sp.Dummy("u", positive=True)  # for the algebra; analytic at 0 is asked of u itself
            quotient = sp.together(sp.expand_log(e.subs(symbol, path.xreplace({u: positive}))))
            above, below = (part.xreplace({positive: u}) for part in sp.fraction(sp.cancel(quotient) if quotient.is_rational_function() else quotient))
            return _of_quotient(above, below, u)
    except (GivenUpError, ArithmeticError, NotImplementedError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _of_quotient(above: sp.Expr, below: sp.Expr, u: sp.Symbol) -> sp.Expr | None:
    if not (is_smooth(above, u) and is_smooth(below, u)):
        return None
    for _ in range(ORDERS):
        upper, lower = (sp.simplify(part.subs(u, 0)) for part in (above, below))
        if lower != 0:
            return upper / lower if lower.is_nonzero else None
        if upper != 0:
            return None
        above, below = sp.diff(above, u), sp.diff(below, u)
    return None
