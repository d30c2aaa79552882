"""Positivity: ways to show that an expression is positive, or not negative, on its whole domain.

Signs under the assumptions; growth from an end where it is not negative; convexity about a stationary point; a single peak
between two ends. Each rests on derivatives, which are shown positive in the same ways, three deep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth
from theory.judgement.substitution import above_one, in_logarithms, lower_bounds

__all__ = ["is_shown"]

DEPTH = 3
A_WAY = 0.5  # seconds
LARGEST = 150  # operations in what is tried
Trusts = tuple[str, ...]
Way = Callable[[sp.Expr], sp.Expr]
CHEAP: tuple[tuple[str, Way], ...] = (
    ("sympy.factor", lambda e: sp.factor(sp.together(e))),
    ("exp(p) > 1", lambda e: sp.factor(sp.together(above_one(e)))),
)
DEAR: tuple[tuple[str, Way], ...] = (
    ("sympy.expand", sp.expand),
    ("sympy.simplify", lambda e: sp.simplify(e, doit=False)),
)


def is_shown(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Trusts:
    """How it is shown, and what that trusts; empty where it is not."""
    forms = dict.fromkeys(_on_half_lines(form, assume) for form in (in_logarithms(e, assume), e))
    tries: list[tuple[Callable[..., Trusts], tuple[Any, ...]]] = [
        *((_by_signs, (form, strict, CHEAP)) for form in forms),
        *((_shown, (form, strict, depth)) for depth in range(1, DEPTH + 1) for form in forms),
        *((_by_signs, (form, strict, DEAR)) for form in forms),
    ]
    return next((trusts for way, arguments in tries if (trusts := way(*arguments))), ())


def _on_half_lines(e: sp.Expr, assume: Sequence[sp.Basic]) -> sp.Expr:
    """Symbols written by positive and nonnegative ones: -p for a negative, 1 + u for a count, c + u where s >= c is assumed."""
    swaps = {
        s: bound + (sp.Dummy("u", positive=True) if strictly else sp.Dummy("u", nonnegative=True))
        for s, (bound, strictly) in lower_bounds(e.free_symbols, assume).items()
    }
    swaps |= {s: -sp.Dummy("p", positive=True) for s in e.free_symbols if s.is_negative}
    swaps |= {s: -sp.Dummy("p", nonnegative=True) for s in e.free_symbols if s.is_nonpositive and not s.is_negative}
    return e.subs(swaps, simultaneous=True)


def _shown(e: sp.Expr, strict: bool, depth: int) -> Trusts:
    if signs := _by_signs(e, strict, CHEAP):
        return signs
    if depth == 0 or e.count_ops() > LARGEST:
        return ()
    core = _core(e)
    if core != e and (signs := _by_signs(core, strict, CHEAP)):
        return signs
    for form in dict.fromkeys((e, core)):
        for s in sorted(form.free_symbols, key=str):
            if not is_smooth(form, s):
                continue
            for way in (_by_growth, _by_one_peak, _by_convexity, _by_fall):
                if trusts := way(form, s, strict, depth):
                    return trusts
    return ()


def _by_signs(e: sp.Expr, strict: bool, ways: Sequence[tuple[str, Way]]) -> Trusts:
    def holds(form: sp.Expr) -> bool:
        return bool(form.is_positive if strict else form.is_nonnegative)

    if holds(e):
        return ("every part has its sign under the assumptions",)
    for name, way in ways:
        if (form := patiently(A_WAY, way, e)) is not None and holds(form):
            return ("every factor has its sign under the assumptions", name)
    return ()


def _core(e: sp.Expr) -> sp.Expr:
    """The expression without factors that are positive."""
    whole = patiently(A_WAY, CHEAP[0][1], e)
    if whole is None:
        return e
    return sp.Mul(*(f for f in sp.Mul.make_args(whole) if not _is_positive(f)))


def _is_positive(factor: sp.Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return bool(factor.is_positive or (exponent.is_real and sp.expand(above_one(base)).is_positive))


def _ends(s: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    return (sp.S.Zero if s.is_nonnegative else sp.S.NegativeInfinity), sp.S.Infinity


def _at_end(e: sp.Expr, s: sp.Symbol, end: sp.Expr) -> tuple[sp.Expr | None, Trusts]:
    """The limit there, and what it trusts."""
    value = limit_of(e, s, end, "+")
    if value is not None:
        return value, ("Taylor's theorem",)
    value = patiently(A_WAY, sp.limit, e, s, end, "+")
    return (None, ()) if value is None or value.has(sp.Limit, sp.AccumBounds, sp.nan) else (value, ("sympy.limit",))


def _is_not_negative(value: sp.Expr | None, strict: bool, depth: int) -> Trusts:
    """Whether an end or a stationary value allows it."""
    if value is None:
        return ()
    if value is sp.S.Infinity:
        return ("rational arithmetic",)
    if not strict and (trusts := reduces_to_zero(value)):
        return trusts
    return _shown(value, strict, depth - 1)


def _by_growth(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Not negative at the lower end, and growing from there."""
    low, _ = _ends(s)
    if low is not sp.S.Zero:
        return ()
    value, taken = _at_end(e, s, low)
    includes_end = not s.is_positive
    below = _is_not_negative(value, strict and includes_end, depth)
    rising = _shown(sp.diff(e, s), strict and not includes_end, depth - 1) if below else ()
    return _put("not negative at the lower end, and growing", rising, (*below, *taken)) if rising else ()


def _by_fall(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Not negative at infinity, and falling towards it."""
    falling = _shown(-sp.diff(e, s), strict, depth - 1)
    if not falling:
        return ()
    value, taken = _at_end(e, s, sp.S.Infinity)
    below = _is_not_negative(value, False, depth)
    return _put("not negative at infinity, and falling towards it", falling, (*below, *taken)) if below else ()


def _by_convexity(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Convex, and not negative where it is stationary."""
    slope = sp.diff(e, s)
    found = [r for r in patiently(A_WAY, sp.solve, slope, s) or () if r.is_real is not False]
    if len(found) != 1 or not _is_inside(found[0], s):
        return ()
    below = _is_not_negative(e.subs(s, found[0]), strict, depth)
    convex = _shown(sp.diff(slope, s), False, depth - 1) if below else ()
    if not convex or not reduces_to_zero(slope.subs(s, found[0])):
        return ()
    return _put("convex, and not negative where it is stationary", convex, below)


def _is_inside(value: sp.Expr, s: sp.Symbol) -> bool:
    """Whether the value is seen to be one of the symbol's: outside nothing is known to be convex."""
    if s.is_positive:
        return bool(value.is_positive)
    return bool(value.is_nonnegative if s.is_nonnegative else value.is_real)


def _by_one_peak(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Rising to one peak and falling from there, and not negative at both ends."""
    low, high = _ends(s)
    if not s.is_positive:
        return ()
    turning = [f for f in sp.Mul.make_args(sp.factor(sp.diff(e, s))) if not f.is_positive]
    falls = _shown(-sp.diff(sp.Mul(*turning), s), True, depth - 1) if len(turning) <= 2 else ()
    if not falls:
        return ()
    taken: Trusts = ()
    for end in (low, high):
        value, how = _at_end(e, s, end)
        below = _is_not_negative(value, False, depth)
        if not below:
            return ()
        taken += (*below, *how)
    return _put("one peak between two ends where it is not negative", falls, taken)


def _put(words: str, *trusts: Trusts) -> Trusts:
    """The words first, then what is trusted, each once."""
    ways = ("every part", "every factor", "not negative", "convex", "one peak")
    flat = [t for part in trusts for t in part if not t.startswith(ways)]
    return tuple(dict.fromkeys((words, "sympy.diff", *flat)))
