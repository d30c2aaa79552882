"""Limits: a line that holds only on the way to a point, followed there numerically and by Taylor's theorem."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement.judgement import Judgement
from theory.judgement.patience import patiently
from theory.judgement.points import Point, balls, points
from theory.judgement.smooth import is_smooth
from theory.judgement.words import told

__all__ = ["along", "judge_limit", "limit_of"]

STEPS = 1, 2, 3, 4, 6, 12, 30, 100, 10**3, 10**4, 10**6, 10**9, 10**12, 10**15  # exponents of ten
TO_A_POINT = 9  # of them, where the point is finite
PRECISIONS = 256, 2048, 16384
ORDERS = 6


def judge_limit(
    left: sp.Expr, right: sp.Expr, relation: str, at: Sequence[Any], assume: Sequence[sp.Basic]
) -> Judgement:
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
        return Judgement(
            "proved",
            f"the Taylor series at {symbol} = {end} has the constant term claimed",
            ("Taylor's theorem", "sympy.diff"),
        )
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
    for exponent in STEPS if end.is_infinite else STEPS[:TO_A_POINT]:
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


def _refuted(
    left: sp.Expr, right: sp.Expr, relation: str, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point, last: Any
) -> Judgement:
    what, claimed = ("left / right", 1) if relation == "leading" else ("left - right", 0)
    value = (last + claimed).real.str(8, radius=False)
    return Judgement(
        "refuted",
        f"as {symbol} goes to {end}{side}, {what} goes to {value}, not to {claimed}",
        ("Arb",),
        witness={**told(point), str(symbol): f"-> {end}{side}"},
        sides=(f"{what} -> {value}", str(claimed)),
    )


def _supported(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, sides: Sequence[str], seen: int) -> Judgement:
    by_sympy = all(patiently(1.0, sp.limit, gap, symbol, end, side or "+") == 0 for side in sides)
    trusts = ("Arb", "sympy.limit") if by_sympy else ("Arb",)
    return Judgement(
        "supported",
        f"the difference falls on the way to {symbol} = {end} in {seen} cases"
        + ("; sympy's limit is the one claimed" if by_sympy else ""),
        trusts,
        cannot_exclude="another limit, reached only beyond 10^(10^15), or at other values of the parameters",
    )


# --- by Taylor's theorem ---


def _by_taylor(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> bool:
    value = limit_of(gap, symbol, end, side)
    return value is not None and sp.simplify(value) == 0


def limit_of(e: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """The limit of a quotient of functions that are analytic at the end, by the first of their Taylor coefficients."""
    u, v = sp.Dummy("u", nonnegative=True), sp.Dummy("u", positive=True)  # u for what holds at 0 too, v for algebra
    for step, form in itertools.product((v, v**2), (sp.expand_log, _with_plain_logarithms)):
        path = end + (-step if side == "-" else step) if end.is_finite else 1 / step if end is sp.oo else -1 / step
        value = patiently(0.8, _by_coefficients, e.subs(symbol, path), v, u, form, end.is_infinite)
        if value is not None:
            return value
    return None


def _by_coefficients(
    e: sp.Expr, v: sp.Symbol, u: sp.Symbol, form: Callable[[sp.Expr], sp.Expr], far: bool
) -> sp.Expr | None:
    quotient = sp.together(form(_vanished(e, v) if far else e))
    above, below = (part.xreplace({v: u}) for part in sp.fraction(quotient))
    return _of_quotient(above, below, u)


def _with_plain_logarithms(e: sp.Expr) -> sp.Expr:
    """Logarithms put together, and their arguments in lowest terms."""
    return sp.logcombine(e).replace(sp.log, lambda z: sp.log(sp.cancel(sp.together(z))))


def _vanished(e: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """The expression without what falls exponentially as u goes to 0, where only powers of rational functions multiply it."""
    original = e
    falling: list[sp.Symbol] = []

    def named(f: sp.Expr) -> sp.Expr:
        """f by a symbol w > 0 that falls exponentially."""
        w = sp.Dummy("w", positive=True)
        for sign in (1, -1):
            if _grows(sign * f.args[0], u):
                falling.append(w)
                return LARGE[f.func](w) if sign == 1 else LARGE_NEGATIVE[f.func](w)
        return f

    e = e.replace(lambda f: f.func in LARGE, named)
    gone = dict.fromkeys(falling, sp.S.Zero)
    if falling and e.is_rational_function(u, *falling):
        above, below = sp.fraction(sp.cancel(sp.together(e)))
        if below.xreplace(gone) != 0:
            return above.xreplace(gone) / below.xreplace(gone)
    kept = sp.Add(*(term for term in sp.Add.make_args(sp.expand(e, deep=False)) if not _falls(term, u, falling)))
    return original if kept.has(*falling) else kept


LARGE: dict[Any, Callable[[sp.Expr], sp.Expr]] = {  # a function of what goes to infinity
    sp.exp: lambda w: 1 / w,
    sp.erf: lambda w: 1 - w,
    sp.erfc: lambda w: w,
    sp.tanh: lambda w: (1 - w) / (1 + w),
}
LARGE_NEGATIVE: dict[Any, Callable[[sp.Expr], sp.Expr]] = {
    sp.exp: lambda w: w,
    sp.erf: lambda w: w - 1,
    sp.erfc: lambda w: 2 - w,
    sp.tanh: lambda w: (w - 1) / (w + 1),
}


def _falls(term: sp.Expr, u: sp.Symbol, falling: Sequence[sp.Symbol]) -> bool:
    """Whether a product holds what falls exponentially, and else only powers of rational functions and constants."""
    shrinking = False
    for factor in sp.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if base in falling and exponent.is_positive:
            shrinking = True
        elif factor.has(*falling) or not _is_power_of_rational(factor, u):
            return False
    return shrinking


def _is_power_of_rational(e: sp.Expr, u: sp.Symbol) -> bool:
    base, exponent = e.as_base_exp()
    return bool(base.is_rational_function(u) and exponent.is_Rational)


def _grows(e: sp.Expr, u: sp.Symbol) -> bool:
    """Whether a rational function goes to +infinity as u falls to 0."""
    if not e.is_rational_function(u) or u not in e.free_symbols:
        return False
    above, below = (sp.Poly(part, u).as_expr().as_leading_term(u) for part in sp.fraction(sp.cancel(sp.together(e))))
    ratio = sp.powsimp(above / below)
    power = sp.simplify(u * sp.diff(ratio, u) / ratio)
    return bool(power.is_negative and (ratio / u**power).is_positive)


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
