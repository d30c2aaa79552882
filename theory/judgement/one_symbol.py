"""One symbol: whether an analytic function is positive, by balls on a middle piece and by monotone pieces towards the ends.

On a piece between a finite place c and an end, a function that is monotone there, of the right sign at c and without the wrong
one in the limit, keeps its sign; that it is monotone is shown the same way of its derivative, of which factors that are positive
are left out first. Where it is 0 inside, with its slope, a derivative of even order is positive on a ball round that place.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.signs import with_signs
from theory.judgement.smooth import is_smooth
from theory.judgement.substitution import open_intervals

__all__ = ["shown_of_one"]

BITS = 96
LARGEST = 120  # operations
DEPTH = 5
MOST_PIECES = 600
MOST_FORMS = 2
HYPERBOLIC = sp.tanh, sp.coth, sp.sech, sp.csch, sp.sinh, sp.cosh
PLACES = tuple(map(sp.Rational, ("1", "1/2", "2", "1/3", "3")))  # where it may touch 0
NEAR, FAR = tuple(map(sp.Rational, ("1/2", "1/8", "1/64"))), tuple(map(sp.Integer, (2, 8, 64)))
RADIUS = sp.Rational(1, 16)  # of the ball round a touching place
ORDERS = 2, 4
PIECES, NOTHING = 16, 1e-20
A_STEP = 0.5  # seconds
WITHIN = tuple(map(sp.Rational, ("1/8", "1/64", "1/1024")))  # of an interval's width
INSIDE = tuple(map(sp.Rational, ("1/2", "1/3", "2/3", "1/4", "3/4")))
WORDS = "by balls inside, and by monotone pieces towards the ends", "Arb", "sympy.diff", "Taylor's theorem"
Trusts = tuple[str, ...]


def shown_of_one(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Trusts:
    """How an expression of one symbol is shown to be positive, or not negative, and what that trusts; empty where it is not.

    Args:
        e: the expression.
        strict: whether it has to be positive.
        assume: relations; of use are those that put the symbol between two numbers.
    """
    if len(e.free_symbols) != 1 or e.count_ops() > LARGEST:
        return ()
    (s,) = e.free_symbols
    if s.is_integer or not s.is_extended_real or (s.is_nonzero and not s.is_positive and not s.is_negative):
        return ()
    if ends := next(((low, high) for t, low, high in open_intervals({s}, assume) if t == s), None):
        return WORDS if _is_positive_within(e, s, *ends, strict) else ()
    if any(s in relation.free_symbols for relation in assume):
        return ()
    x = sp.Dummy("x", positive=True)
    halves = [e.xreplace({s: sign * x}) for sign in (1, -1) if not (s.is_negative if sign == 1 else s.is_nonnegative)]
    if not (s.is_positive or s.is_negative) and not (is_smooth(e, s) and _is_sound_at(e.subs(s, 0), strict)):
        return ()
    return WORDS if all(_is_positive(half, x, strict) for half in halves) else ()


def _is_positive_within(e: sp.Expr, s: sp.Symbol, low: sp.Expr, high: sp.Expr, strict: bool) -> bool:
    """On an open interval between rational ends, from its middle towards either."""
    u, x = sp.Dummy("u", positive=True), sp.Dummy("x", positive=True)
    if not (low.is_Rational and high.is_Rational) or not is_smooth(e.subs(s, (low + high * u) / (1 + u)), u):
        return False
    width, found = high - low, []
    for side in (_plain(e.subs(s, low + x)), _plain(e.subs(s, high - x))):
        found.append(next((c * width for c in WITHIN if _keeps_sign(side, x, c * width, sp.S.Zero, 1, DEPTH)), None))
        if found[-1] is None:
            return False
    inside = e.xreplace({s: x})
    touching = () if strict else tuple(_touched(inside, x, [low + place * width for place in INSIDE], width))
    return _is_positive_between(inside, x, low + found[0], high - found[1], touching, width)


def _is_sound_at(value: sp.Expr, strict: bool) -> bool:
    if not value.is_finite:
        return False
    sign = _sign_of(value)
    return sign > 0 or (not strict and sign == 0 and bool(reduces_to_zero(value)))


def _is_positive(e: sp.Expr, x: sp.Symbol, strict: bool) -> bool:
    """On all positive x."""
    parts = patiently(A_STEP, _parts, e) or (e, sp.S.One)
    if not with_signs(parts[1]).is_positive and not (
        is_smooth(parts[1], x) and _is_positive_everywhere(parts[1], x, True)
    ):
        parts = e, sp.S.One
    return is_smooth(parts[0], x) and _is_positive_everywhere(parts[0], x, strict)


def _parts(e: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Numerator and denominator."""
    above, below = sp.fraction(sp.factor(sp.together(_plain(e))))
    return above, below


def _plain(e: sp.Expr) -> sp.Expr:
    """Exponentials for hyperbolic functions, and logarithms of products as sums."""
    e = e.replace(lambda f: isinstance(f, HYPERBOLIC), lambda f: f.rewrite(sp.exp))
    return e.replace(sp.log, lambda z: sp.expand_log(sp.log(sp.factor(sp.together(z)))))


def _is_positive_everywhere(e: sp.Expr, x: sp.Symbol, strict: bool) -> bool:
    low = next((c for c in NEAR if _keeps_sign(e, x, c, sp.S.Zero, 1, DEPTH)), None)
    high = next((c for c in FAR if _keeps_sign(e, x, c, sp.S.Infinity, 1, DEPTH)), None) if low is not None else None
    if low is None or high is None:
        return False
    touching = () if strict else tuple(_touched(e, x, PLACES, sp.S.One))
    return _is_positive_between(e, x, low, high, touching, sp.S.One)


# --- towards an end ---


def _keeps_sign(e: sp.Expr, x: sp.Symbol, c: sp.Expr, end: sp.Expr, sign: int, depth: int) -> bool:
    """Whether e has that sign, strictly, from c to the end, 0 or infinity."""
    if _ball_sign(e, x, c, c) != sign:
        return False
    if (end == 0 and _ball_sign(e, x, sp.S.Zero, c) == sign) or _has_known_sign(e, sign):
        return True
    if e.is_rational_function(x) and (known := patiently(A_STEP, _has_no_zero, e, x, c, end)) is not None:
        return known
    if depth == 0 or e.count_ops() > LARGEST:
        return False
    if end is sp.S.Infinity and (bounded := _without_waves(e, x, sign)) is not None:
        return _keeps_sign(bounded, x, c, end, sign, depth - 1)
    forms = patiently(A_STEP, _same_sign, e, x) or (e,)
    return any(_is_monotone(form, x, c, end, sign, depth) for form in forms)


def _is_monotone(e: sp.Expr, x: sp.Symbol, c: sp.Expr, end: sp.Expr, sign: int, depth: int) -> bool:
    """Whether e moves one way from c to the end, and not to the other side of 0."""
    core = patiently(A_STEP, _core, sp.diff(e, x), x, c, end)
    if core is None:
        return False
    turned = _ball_sign(core, x, c, c)
    away = turned if end is sp.S.Infinity else -turned
    if away == -sign and not _has_sign(_limit(e, x, end), sign):
        return False
    return turned != 0 and _keeps_sign(core, x, c, end, turned, depth - 1)


def _limit(e: sp.Expr, x: sp.Symbol, end: sp.Expr) -> sp.Expr | None:
    return limit_of(e, x, end, "+" if end == 0 else "")


def _without_waves(e: sp.Expr, x: sp.Symbol, sign: int) -> sp.Expr | None:
    """What e is at least, or at most, by |sin|, |cos| <= 1, where numbers multiply them; None where there are none."""
    waves = {w: sp.Dummy("w") for w in e.atoms(sp.sin, sp.cos) if x in w.free_symbols}
    if not waves or not all(w.args[0].is_extended_real for w in waves):
        return None
    linear = sp.expand(e.xreplace(waves))
    shares = [linear.coeff(w) for w in waves.values()]
    rest = linear.subs(dict.fromkeys(waves.values(), 0))
    if (
        not all(s.is_Rational for s in shares)
        or sp.expand(linear - rest - sum(map(sp.Mul, shares, waves.values()))) != 0
    ):
        return None
    return rest - sign * sum(map(abs, shares))


def _has_no_zero(e: sp.Expr, x: sp.Symbol, c: sp.Expr, end: sp.Expr) -> bool:
    above, below = sp.fraction(sp.cancel(sp.together(e)))
    polynomials = [sp.Poly(part, x) for part in (above, below)]
    if not all(v.is_Rational for p in polynomials for v in p.coeffs()):
        raise ValueError("its zeros are counted where the coefficients are rational")
    first, last = (sp.S.Zero, c) if end == 0 else (c, sp.S.Infinity)
    return all(p.count_roots(first, None if last is sp.S.Infinity else last) == (p.eval(0) == 0 and first == 0)
               for p in polynomials)  # fmt: skip


def _has_sign(value: sp.Expr | None, sign: int) -> bool:
    """Whether a limit is of that sign or 0."""
    if value is None:
        return False
    if value in (sp.S.Infinity, sp.S.NegativeInfinity):
        return (value is sp.S.Infinity) == (sign == 1)
    found = _sign_of(value) if value.is_finite is not False and not value.free_symbols else -2
    return found == sign or (found == 0 and bool(reduces_to_zero(value)))


def _has_known_sign(e: sp.Expr, sign: int) -> bool:
    known = with_signs(e)
    return bool(known.is_positive if sign == 1 else known.is_negative)


def _core(e: sp.Expr, x: sp.Symbol, c: sp.Expr, end: sp.Expr) -> sp.Expr:
    """An expression of the same sign from c to the end: without factors that are positive there."""

    def is_positive(factor: sp.Expr) -> bool:
        known = with_signs(factor).is_positive
        return bool(known) or (end == 0 and known is None and _ball_sign(factor, x, end, c) == 1)

    whole = sp.factor(sp.together(_plain(e)))
    return sp.Mul(*(f for f in sp.Mul.make_args(whole) if not is_positive(f)))


def _same_sign(e: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...]:
    """The expression, and beside an exponential, where that leaves fewer terms with one or as many."""
    rates = sorted({f.args[0] for f in e.atoms(sp.exp) if f.args[0].is_real and x in f.free_symbols}, key=sp.count_ops)
    terms = sp.expand(e)
    if not rates or not isinstance(terms, sp.Add):
        return (e,)
    forms = [e, *(sp.expand(sp.powsimp(sp.expand(terms * sp.exp(-rate)))) for rate in rates)]
    counts = {form: sum(t.has(sp.exp) for t in sp.Add.make_args(form)) for form in forms}
    return tuple(sorted((f for f in counts if counts[f] <= counts[e]), key=counts.__getitem__)[:MOST_FORMS])


# --- inside ---


def _is_positive_between(
    e: sp.Expr, x: sp.Symbol, low: sp.Expr, high: sp.Expr, touching: tuple[sp.Expr, ...], width: sp.Expr
) -> bool:
    r = RADIUS * width
    slope = sp.diff(e, x)
    curvature = sp.diff(slope, x)
    pieces, count = [(low, high)], 0
    while pieces:
        a, b = pieces.pop()
        count += 1
        if any(place - r <= a and b <= place + r for place in touching):
            continue
        if _ball_sign(e, x, a, b) == 1 or _is_positive_by_taylor(e, slope, curvature, x, a, b):
            continue
        if count > MOST_PIECES:
            return False
        middle = _cut(a, b, [place + side * r for place in touching for side in (-1, 1)])
        pieces += [(a, middle), (middle, b)]
    return True


def _is_positive_by_taylor(
    e: sp.Expr, slope: sp.Expr, curvature: sp.Expr, x: sp.Symbol, a: sp.Expr, b: sp.Expr
) -> bool:
    """By value and slope in the middle of a piece and a ball round the curvature on it."""
    middle, r = (a + b) / 2, flint.arb(flint.fmpq(int((b - a).p), 2 * int((b - a).q)))
    here, there = _value(e, x, middle, middle), _value(slope, x, middle, middle)
    bent = _value(curvature, x, a, b)
    if not all(v.is_finite() and v.imag.contains(0) for v in (here, there, bent)):
        return False
    return bool(here.real - abs(there.real) * r - abs(bent.real) * r * r / 2 > 0)


def _cut(a: sp.Expr, b: sp.Expr, edges: Sequence[sp.Expr]) -> sp.Expr:
    """Where to cut a piece: at the edge of a ball round a touching place, else in the middle."""
    return next((edge for edge in edges if a < edge < b), (a + b) / 2)


def _touched(e: sp.Expr, x: sp.Symbol, places: Sequence[sp.Expr], width: sp.Expr) -> Iterator[sp.Expr]:
    """Where it is 0, with all derivatives below an even order that is positive on the ball round there."""
    for place in places:
        near = abs(_value(e, x, place, place)) < NOTHING
        if near and any(_is_least(e, x, place, RADIUS * width, order) for order in ORDERS):
            yield place


def _is_least(e: sp.Expr, x: sp.Symbol, place: sp.Expr, r: sp.Expr, order: int) -> bool:
    slopes = [e]
    for _ in range(order):
        slopes.append(sp.diff(slopes[-1], x))
    if slopes[-1].count_ops() > 4 * LARGEST:
        return False
    edges = [place - r + 2 * r * sp.Rational(k, PIECES) for k in range(PIECES + 1)]
    convex = all(_ball_sign(slopes[-1], x, a, b) == 1 for a, b in itertools.pairwise(edges))
    return convex and all(reduces_to_zero(f.subs(x, place)) for f in slopes[:-1])


# --- balls ---


def _value(e: sp.Expr, x: sp.Symbol, a: sp.Expr, b: sp.Expr) -> Any:
    with flint.ctx.workprec(BITS):
        low, high = (flint.arb(flint.fmpq(int(v.p), int(v.q))) for v in (a, b))
        try:
            return enclosure.enclose(e, {x: flint.acb(low.union(high))}, BITS)
        except (ArithmeticError, NotImplementedError, TypeError, ValueError):
            return flint.acb("nan")


def _ball_sign(e: sp.Expr, x: sp.Symbol, a: sp.Expr, b: sp.Expr) -> int:
    """The sign on the whole piece; 0 where the ball does not tell."""
    ball = _value(e, x, a, b)
    if not ball.is_finite() or not ball.imag.contains(0):
        return 0
    return 1 if ball.real > 0 else -1 if ball.real < 0 else 0


def _sign_of(value: sp.Expr) -> int:
    """The sign of a number; 0 where it is not told apart from 0."""
    return _ball_sign(value, sp.Dummy("x"), sp.S.Zero, sp.S.Zero)
