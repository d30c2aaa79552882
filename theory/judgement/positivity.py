"""Positivity: ways to show that an expression is positive, or not negative, on its whole domain.

Signs under the assumptions; growth from an end where it is not negative; convexity about a stationary point; a single peak
between two ends. Each rests on derivatives, which are shown positive in the same ways, three deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sympy as sp

from theory.judgement.bounds import bounded
from theory.judgement.limits import limit_of
from theory.judgement.linear import is_shown_linear
from theory.judgement.one_symbol import shown_of_one
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero, with_factored_bases
from theory.judgement.same_sign import beside_a_term, in_order, plainer, squared, unscaled
from theory.judgement.signs import with_signs
from theory.judgement.smooth import is_smooth
from theory.judgement.substitution import above_one, contradict, in_logarithms, open_intervals, within_bounds
from theory.judgement.switches import Branch, sides

__all__ = ["is_shown"]

DEPTH = 3
A_WAY, FOR_ONE, FOR_BOUNDS = 0.5, 1.5, 1.2  # seconds
MOST_TURNING = 2  # factors of a slope
MOST_ASSUMED = 6  # relations, switches among them
LARGEST = 150  # operations in what is tried
Trusts = tuple[str, ...]
TAYLOR: Trusts = ("Taylor's theorem",)
Way = Callable[[sp.Expr], sp.Expr]


def _by_squares(e: sp.Expr) -> sp.Expr:
    """cos z = 1 - 2 sin(z/2)^2, cosh z = 1 + 2 sinh(z/2)^2, tanh z = 1 - 2/(exp(2z) + 1), conj(z) = |z|^2 / z."""
    e = e.replace(sp.tanh, lambda z: 1 - 2 / (sp.exp(2 * z) + 1))
    e = e.replace(sp.cos, lambda z: 1 - 2 * sp.sin(z / 2) ** 2).replace(sp.cosh, lambda z: 1 + 2 * sp.sinh(z / 2) ** 2)
    return sp.expand(e.replace(sp.conjugate, lambda z: sp.Dummy("modulus", nonnegative=True) ** 2 / z))


def _by_coefficients(e: sp.Expr) -> sp.Expr:
    """A polynomial in one symbol, each coefficient in factors."""
    for s in sorted(e.free_symbols, key=str):
        if s.is_nonnegative and e.is_polynomial(s):
            form = sp.Add(*(sp.factor(c) * s**n for (n,), c in sp.Poly(e, s).terms()))
            if form.is_nonnegative:
                return form
    return e


CHEAP: tuple[tuple[str, Way], ...] = (
    ("sympy.factor", lambda e: sp.factor(sp.together(e))),
    ("half arguments", _by_squares),
    ("tanh by exp", lambda e: sp.factor(sp.together(_by_squares(e))) if e.has(sp.tanh) else e),
    ("exp(p) > 1", lambda e: sp.factor(sp.together(above_one(e)))),
    ("sympy.collect", _by_coefficients),
    ("exp(p) > 1 beside a term", beside_a_term),
)
DEAR: tuple[tuple[str, Way], ...] = (
    ("sympy.expand", sp.expand),
    ("sympy.simplify", lambda e: sp.simplify(e, doit=False)),
)


def is_shown(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Trusts:
    """How it is shown, and what that trusts; empty where it is not."""
    if len(assume) < MOST_ASSUMED and (branches := sides(e)):
        return _on_either_side(branches, strict, assume)
    if by_bounds := is_shown_linear(e, strict, assume) or patiently(FOR_BOUNDS, _by_bounds, e, assume):
        return by_bounds
    if len(e.free_symbols) != 1:
        return _by_convexity_between(e, strict, assume) or _in_cases(e, strict, assume)
    by_cases = patiently(FOR_ONE, lambda: _by_convexity_between(e, strict, assume) or _in_cases(e, strict, assume))
    return by_cases or patiently(FOR_ONE, shown_of_one, e, strict, assume) or ()


def _in_cases(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    if not assume and (ordered := _by_order(e, strict)):
        return ordered
    found = [_is_shown(list(dict.fromkeys(case)), strict) for case in _cases(e, assume)]
    if len(found) < 2 or not all(found):
        return found[0] if all(found) else ()
    return _put("inside its bounds and at a closed end", *found)


def _by_convexity_between(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    """Convex between the two ends of one symbol, and not negative where it is stationary."""
    for s, low, high in open_intervals(e.free_symbols, assume) if e.has(sp.log, sp.exp) else ():
        u, slope = sp.Dummy("u", positive=True), sp.diff(e, s)
        place = (low + high) / 2
        if s not in slope.free_symbols or not is_smooth(e.subs(s, (low + high * u) / (1 + u)), u):
            continue
        if not reduces_to_zero(slope.subs(s, place)) or not (convex := _in_cases(sp.diff(slope, s), False, assume)):
            continue
        if below := _is_not_negative(e.subs(s, place), strict, DEPTH):
            return _put("convex, and not negative where it is stationary", convex, below)
    return ()


def _on_either_side(branches: Sequence[Branch], strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    """Where a modulus or a maximum switches, on the sides that there are."""
    found: list[Trusts] = []
    for there, relation in branches:
        assumed = (*assume, relation)
        if contradict(there.free_symbols | relation.free_symbols, assumed):
            continue
        found.append(is_shown(there, strict, assumed))
        if not found[-1]:
            return ()
    words, *trusts = _put("on either side of where it switches", *found)
    return (words, *(t for t in trusts if t != "sympy.diff" or any(t in part for part in found)))


def _by_bounds(e: sp.Expr, assume: Sequence[sp.Basic]) -> Trusts:
    """With a function's named bound, which is not reached, in its place: what is left need not be strict."""
    for less in bounded(e):
        if trusts := is_shown(less, False, assume):
            return (trusts[0], "bounds of special functions (DLMF)", *trusts[1:])
    return ()


def _cases(e: sp.Expr, assume: Sequence[sp.Basic]) -> Iterator[tuple[sp.Expr, ...]]:
    """The forms of what has to be shown: within the bounds, and at each closed end that this leaves out."""
    inside, *ends = within_bounds(e, assume)
    by_logarithms = in_logarithms(e, assume)
    forms = (inside,) if by_logarithms == e else (within_bounds(by_logarithms, assume)[0], inside)
    simpler = tuple(patiently(A_WAY, lambda form=form: unscaled(_with_plain_bases(form))) or form for form in forms)
    yield (*simpler, *forms)
    yield from ((end,) for end in ends)


def _with_plain_bases(e: sp.Expr) -> sp.Expr:
    """(1 + u)^-n for (1 - u/(1 + u))^n."""
    return with_factored_bases(e, lambda p: bool(p.exp.free_symbols) and isinstance(p.base, sp.Add))


def _is_shown(forms: Sequence[sp.Expr], strict: bool) -> Trusts:
    tries: list[tuple[Callable[..., Trusts], tuple[Any, ...]]] = [
        *((_by_signs, (form, strict, CHEAP)) for form in forms),
        *((_by_valley, (form, strict)) for form in forms),
        *((_shown_by_cases, (form, strict, depth)) for depth in range(1, DEPTH + 1) for form in forms),
        *((_by_signs, (form, strict, DEAR)) for form in forms),
    ]
    return next((trusts for way, arguments in tries if (trusts := way(*arguments))), ())


def _by_order(e: sp.Expr, strict: bool) -> Trusts:
    """Of a rational function, in every order of its symbols."""
    found = []
    for case in in_order(e):
        found.append(_by_signs(case, strict, CHEAP[:1]))
        if not found[-1]:
            return ()
    return ("in every order of its symbols", *found[0][1:]) if found else ()


def _shown_by_cases(e: sp.Expr, strict: bool, depth: int) -> Trusts:
    return _shown(e, strict, depth) or _by_cases(e, strict, depth)


def _by_cases(e: sp.Expr, strict: bool, depth: int) -> Trusts:
    """On either half of the line of one symbol whose sign is not known; of whole numbers, from 1 up and from 0 down."""
    for s in sorted(e.free_symbols, key=str):
        if not s.is_extended_real or s.is_nonnegative or s.is_nonpositive:
            continue
        without_0 = not s.is_integer and (s.is_nonzero or e.subs(s, 0) in (sp.nan, sp.zoo))  # nothing is said there
        u = sp.Dummy("u", positive=True) if without_0 else sp.Dummy("u", nonnegative=True)
        found: list[Trusts] = []
        for half in dict.fromkeys((e.subs(s, 1 + u if s.is_integer else u), e.subs(s, -u))):
            found.append(_shown(half, strict, depth))
            if not found[-1]:
                break
        if all(found):
            return _put("on either half of the line", *found)
    return ()


def _shown(e: sp.Expr, strict: bool, depth: int) -> Trusts:
    if signs := _by_signs(e, strict, CHEAP):
        return signs
    if depth == 0 or e.count_ops() > LARGEST:
        return ()
    core = _core(e)
    if core != e and (signs := _by_signs(core, strict, CHEAP)):
        return signs
    if squares := _by_squaring(e, strict, depth):
        return squares
    plain = patiently(A_WAY, plainer, core) or core
    for form in dict.fromkeys((plain, e, core)):
        for s in sorted(form.free_symbols, key=str):
            if s.is_integer or not s.is_extended_real or not is_smooth(form, s):  # its formula may use that it is whole
                continue
            for way in (_by_growth, _by_fall, _by_one_peak, _by_one_valley, _by_convexity):
                if trusts := way(form, s, strict, depth):
                    return trusts
    return ()


def _by_squaring(e: sp.Expr, strict: bool, depth: int) -> Trusts:
    """A root beside the rest, by their squares."""
    for pair in patiently(A_WAY, lambda: list(squared(e))) or ():
        found = [trusts for part in pair if (trusts := _shown(part, strict, depth - 1))]
        if len(found) == len(pair):
            return (
                "a root and the rest by their squares",
                *(t for t in _put("", *found)[1:] if t != "sympy.diff" or any(t in f for f in found)),
            )
    return ()


def _by_signs(e: sp.Expr, strict: bool, ways: Sequence[tuple[str, Way]]) -> Trusts:
    def holds(form: sp.Expr) -> bool:
        form = with_signs(form)
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
    if whole is None or whole.count_ops() > 2 * e.count_ops():  # (1 + u)^(n + 2) multiplied out
        return e
    return sp.Mul(*(f for f in sp.Mul.make_args(whole) if not _is_positive(f)))


def _is_positive(factor: sp.Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return bool(factor.is_positive or (exponent.is_real and sp.expand(above_one(base)).is_positive))


def _ends(s: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    return (sp.S.Zero if s.is_nonnegative else sp.S.NegativeInfinity), sp.S.Infinity


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
    value = limit_of(e, s, low, "+")
    includes_end = not s.is_positive
    below = _is_not_negative(value, strict and includes_end, depth)
    slope = sp.diff(e, s)
    strictly = strict and not includes_end and not _is_somewhere_positive(slope, s)
    rising = _shown(slope, strictly, depth - 1) if below else ()
    return _put("not negative at the lower end, and growing", rising, below, TAYLOR) if rising else ()


def _is_somewhere_positive(slope: sp.Expr, s: sp.Symbol) -> bool:
    """Whether an analytic slope without other symbols is not 0 throughout: then what it does not make fall grows strictly."""
    return slope.free_symbols == {s} and bool(slope.subs(s, 1).is_positive)


def _by_fall(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Not negative at infinity, and falling towards it."""
    falling = _shown(-sp.diff(e, s), strict, depth - 1)
    if not falling:
        return ()
    below = _is_not_negative(limit_of(e, s, sp.S.Infinity, ""), False, depth)
    return _put("not negative at infinity, and falling towards it", falling, below, TAYLOR) if below else ()


def _by_convexity(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Convex, and not negative where it is stationary."""
    slope = sp.diff(e, s)
    convex = _shown(sp.diff(slope, s), False, depth - 1)
    if not convex or (place := _stationary(slope, s)) is None:
        return ()
    below = _is_not_negative(e.subs(s, place), strict, depth)
    return _put("convex, and not negative where it is stationary", convex, below) if below else ()


def _by_one_valley(e: sp.Expr, s: sp.Symbol, strict: bool, depth: int) -> Trusts:
    """Falling to one place and rising from there, by the one factor of the slope that changes sign; not negative there."""
    factors = sp.Mul.make_args(sp.factor(sp.together(sp.diff(e, s))))
    turning = [f for f in factors if not _is_positive(f) and not f.is_nonnegative]
    if len(turning) != 1 or not (rising := _shown(sp.diff(turning[0], s), True, depth - 1)):
        return ()
    if (place := _stationary(turning[0], s)) is None:
        return ()
    below = _is_not_negative(e.subs(s, place), strict, depth)
    return _put("one valley, and not negative there", rising, below) if below else ()


def _by_valley(e: sp.Expr, strict: bool) -> Trusts:
    """One valley in one symbol, at a place that may hold the others, by the signs of the slope's factors on either side."""
    e = _with_squares(e)
    for s in sorted(e.free_symbols, key=str) if len(e.free_symbols) > 1 and e.count_ops() <= LARGEST else ():
        if s.is_integer or not s.is_extended_real or not is_smooth(e, s):
            continue
        slope = patiently(A_WAY, lambda s=s: sp.factor(sp.together(sp.diff(e, s))))
        turning = [f for f in sp.Mul.make_args(slope or sp.S.Zero) if not f.is_nonnegative and s in f.free_symbols]
        whole = [f for f in sp.Mul.make_args(slope or sp.S.Zero) if not f.is_nonnegative]
        for place in dict.fromkeys(place for f in turning[:MOST_TURNING] for place in _places(f, s)):
            on_sides = _falls_and_rises(sp.Mul(*whole), s, place)
            if on_sides and (below := _is_not_negative(e.subs(s, place), strict, 2)):
                return _put("one valley, and not negative there", on_sides, below)
        if trusts := _by_convexity(e, s, strict, 1):
            return trusts
    return ()


def _with_squares(e: sp.Expr) -> sp.Expr:
    """r^2 in place of a positive symbol of which a root is taken."""
    under = {
        p.base
        for p in e.atoms(sp.Pow)
        if p.base.is_Symbol and p.base.is_positive and p.exp.is_Rational and p.exp.q == 2
    }
    return e.xreplace({s: sp.Dummy(s.name, positive=True) ** 2 for s in under})


def _places(f: sp.Expr, s: sp.Symbol) -> list[sp.Expr]:
    others = [r for r in sorted(f.free_symbols - {s}, key=str) if f.subs(s, r) == 0]
    return [v for v in others or patiently(A_WAY, sp.solve, f, s) or () if _is_inside(v, s) and s not in v.free_symbols]


def _falls_and_rises(slope: sp.Expr, s: sp.Symbol, place: sp.Expr) -> Trusts:
    """Whether the slope is not positive below the place, and not negative above it."""
    w = sp.Dummy("w", positive=True)
    below = place / (1 + w) if s.is_nonnegative and place.is_positive else place - w
    if s.is_nonnegative and place.is_zero:
        return _by_signs(slope.subs(s, w), False, CHEAP)
    found = _by_signs(slope.subs(s, place + w), False, CHEAP), _by_signs(-slope.subs(s, below), False, CHEAP)
    return found[0] + found[1] if all(found) else ()


def _stationary(slope: sp.Expr, s: sp.Symbol) -> sp.Expr | None:
    """The one place where the slope is 0, inside the domain; at 0 or 1 without asking sympy, which is slow."""
    if (
        simple := next((v for v in (sp.S.Zero, sp.S.One) if _is_inside(v, s) and slope.subs(s, v) == 0), None)
    ) is not None:
        return simple
    found = [r for r in patiently(A_WAY, sp.solve, slope, s) or () if r.is_real is not False]
    seen = len(found) == 1 and _is_inside(found[0], s) and reduces_to_zero(slope.subs(s, found[0]))
    return found[0] if seen else None


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
        below = _is_not_negative(limit_of(e, s, end, "+"), False, depth)
        if not below:
            return ()
        taken += below
    return _put("one peak between two ends where it is not negative", falls, taken, TAYLOR)


def _put(words: str, *trusts: Trusts) -> Trusts:
    """The words first, then what is trusted, each once."""
    ways = (
        "every part",
        "every factor",
        "not negative",
        "convex",
        "one peak",
        "one valley",
        "on either",
        "inside its",
        "a root",
        "in every",
    )
    flat = [t for part in trusts for t in part if not t.startswith(ways)]
    return tuple(dict.fromkeys((words, "sympy.diff", *flat)))
