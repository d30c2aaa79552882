"""Inequality: refuted at an exact point, a stationary one among them, or proved by signs, growth, convexity or a single peak."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from theory.algebra import enclosure
from theory.judgement.asymptotics import logarithm
from theory.judgement.equality import WHOLE, resolved, values_at
from theory.judgement.integrands import shown_by_integrands
from theory.judgement.judgement import Judgement
from theory.judgement.patience import deadline, in_time, patiently
from theory.judgement.points import Point, admits, candidates, fulfils, points
from theory.judgement.polynomials import decided
from theory.judgement.positivity import is_shown
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth
from theory.judgement.steps import shown_by_steps
from theory.judgement.tails import DivergesError
from theory.judgement.words import in_words, shown, told

__all__ = ["judge_differs", "judge_greater"]

PRECISIONS = 128, 1024, 8192
SECONDS, FOR_DEAR, FOR_A_PROOF, FOR_STEPS = 0.6, 1.5, 3.0, 1.2
FEWEST = 6
DEAR = 12
A_POINT = 1.0
FOR_A_ZERO, FOR_ROOTS = 0.8, 0.3
TOUCHING = 1e-40  # relative to the sides, at a stationary point known to thirty digits
NO_POINT = "z3 finds no point of the domain where it fails"
LARGEST = 10**4  # argument of a factorial
COUNTS = sp.gamma, sp.loggamma, sp.factorial, sp.binomial  # of which bounds of the logarithms are known
STEPS = 100  # of a bisection: thirty digits


@dataclass
class _Tried:
    """What the points said: how many were above, the least room, where a side was not defined."""

    above: int = 0
    room: Any = None
    least: Point | None = None
    touches: Point | None = None
    undefined: list[Point] = field(default_factory=list)
    unknown: str = ""
    refuted: Judgement | None = None


def judge_greater(left: sp.Expr, right: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Judgement:
    """Whether left > right, or >= where not strict, for all values that the assumptions of the symbols admit."""
    tried = _try(left, right, strict, assume)
    if tried.refuted is not None:
        return tried.refuted
    exceptions = tuple(dict.fromkeys(in_words(p) for p in tried.undefined[:3]))
    difference = left - right
    trusts = patiently(FOR_A_PROOF, _proof, left, right, strict, assume) or ()
    if trusts:
        return Judgement("proved", trusts[0], trusts[1:] or ("sympy's assumptions",), exceptions=exceptions)
    answer = decided(difference, ">" if strict else ">=", assume)
    if answer is True:
        return Judgement("proved", NO_POINT, ("z3",), exceptions=exceptions)
    if answer:
        _meet(left, right, strict, answer, tried)
        if tried.refuted is not None:
            return tried.refuted
    if tried.touches is not None:
        return Judgement(
            "inconclusive",
            f"the sides touch, or nearly, at the stationary point {in_words(tried.touches)}",
            exceptions=exceptions,
        )
    if tried.above < (FEWEST if difference.free_symbols else 1):
        return Judgement(
            "inconclusive",
            f"enclosed at {tried.above} points only: {tried.unknown or 'hardly anywhere defined'}",
            exceptions=exceptions,
        )
    room = (
        f"; the least room, relative to the sides, is {tried.room.str(3, radius=False)} at {in_words(tried.least or {})}"
        if tried.room is not None
        else ""
    )
    return Judgement(
        "supported",
        f"it holds at {tried.above} exact points, the stationary ones found among them{room}",
        ("Arb",),
        exceptions=exceptions,
        cannot_exclude="a violation in a narrow window, in tails beyond 1e30, or by less than 1e-300",
    )


def _proof(left: sp.Expr, right: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> tuple[str, ...]:
    """How it is shown: of integrals and sums by their closed forms, of what is positive by the logarithms too."""
    difference = left - right
    if difference.has(*WHOLE):
        if trusts := patiently(FOR_STEPS, shown_by_steps, difference, strict, assume):
            return trusts
        if trusts := patiently(FOR_STEPS, shown_by_integrands, difference, strict, assume):
            return trusts
        difference, rules, checked = resolved(difference, assume)
        difference = difference.replace(sp.erfc, lambda z: 1 - sp.erf(z))
        shown_by = is_shown(difference, strict, assume) if checked and not difference.has(*WHOLE) else ()
        return (*shown_by, *rules) if shown_by else ()
    forms = [(difference, "")]
    above, below = (logarithm(side) for side in (left, right)) if difference.has(sp.exp, *COUNTS) else (None, None)
    if above is not None and below is not None:
        forms.insert(0 if difference.has(*COUNTS) else 1, (above - below, "for the logarithms: "))
    for form, words in forms:
        if trusts := patiently(FOR_STEPS, shown_by_steps, form, strict, assume):
            return (f"{words}{trusts[0]}", *trusts[1:])
    for form, words in forms:
        if trusts := is_shown(form, strict, assume):
            return (f"{words}{trusts[0]}", *trusts[1:])
    return ()


def judge_differs(left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic] = ()) -> Judgement:
    """Whether left is nowhere equal to right."""
    difference, apart, end = left - right, 0, deadline(SECONDS)
    known = [difference] if _is_light(difference) else []
    tried = points(difference.free_symbols, left, right, *known, assume=assume)
    for point in itertools.chain(_meetings(difference, assume), tried):
        sides = _both(left, right, point)
        if sides is not None and (sides[0] - sides[1]).contains(0):
            if _is_zero(difference, point):
                return _meet_there(point, sides)
        else:
            apart += sides is not None
        if time.thread_time() > end:
            break
    if not assume and (crossing := _crossing(difference, "so that the sides are equal in between")):
        return crossing
    for signed in (difference, -difference):
        trusts = patiently(FOR_A_PROOF, is_shown, signed, True, assume)
        if trusts:
            return Judgement("proved", trusts[0], trusts[1:] or ("sympy's assumptions",))
    answer = decided(difference, "!=", assume)
    if answer is True:
        return Judgement("proved", NO_POINT, ("z3",))
    if answer and (sides := _both(left, right, answer)) and _is_zero(difference, answer):
        return _meet_there(answer, sides)
    if apart < FEWEST and difference.free_symbols:
        return Judgement("inconclusive", f"enclosed at {apart} points only")
    return Judgement(
        "supported",
        f"the sides differ at {apart} exact points",
        ("Arb",),
        cannot_exclude="a point where they meet, which no points beside it tell",
    )


def _both(left: sp.Expr, right: sp.Expr, point: Point) -> list[Any] | None:
    """Both sides at a point; None where one is not known there."""
    try:
        sides = in_time(A_POINT, values_at, (left, right), point, PRECISIONS[0])
    except (TimeoutError, ArithmeticError, NotImplementedError, TypeError, ValueError):
        return None
    return sides if all(s.is_finite() for s in sides) else None


def _meet_there(point: Point, sides: Sequence[Any]) -> Judgement:
    evidence = f"at {in_words(point)} both sides are {shown(sides[0])}"
    return Judgement("refuted", evidence, ("Arb",), told(point), tuple(map(shown, sides)))


def _meetings(difference: sp.Expr, assume: Sequence[sp.Basic]) -> Iterator[Point]:
    """Where sympy finds the sides to be equal, of one symbol, the others at their simplest."""
    simplest = {s: candidates(s)[0] for s in difference.free_symbols}
    for s in sorted(simplest, key=str):
        f = difference.xreplace({o: v for o, v in simplest.items() if o != s})
        for root in patiently(FOR_ROOTS, sp.solve, f, s) or ():
            point = {**simplest, s: root}
            known = not root.free_symbols and (root.is_real or not s.is_extended_real)
            if known and admits(s, root) and all(fulfils(point, a) for a in assume):
                yield point


# --- points ---


def _try(left: sp.Expr, right: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> _Tried:
    dear = (left - right).has(sp.Integral, sp.Sum)
    tried, end = _Tried(), deadline(FOR_DEAR if dear else SECONDS)
    symbols = left.free_symbols | right.free_symbols
    known = [left - right] if _is_light(left - right) else []
    for k, point in enumerate(points(symbols, left, right, *known, assume=assume)):
        if time.thread_time() > end or (dear and k >= DEAR):
            break
        _meet(left, right, strict, point, tried)
        if tried.refuted is not None:
            return tried
    if not dear:
        end = deadline(SECONDS)
        for point in _stationary(left - right, assume):
            least, tried.least = tried.least, None
            _meet(left, right, strict, point, tried)
            if tried.least is point and tried.room < TOUCHING:
                tried.touches = point
            tried.least = tried.least or least
            if tried.refuted is not None or time.thread_time() > end:
                break
        if strict and tried.refuted is None:
            tried.refuted = _crossing_of_a_square(left - right)
    return tried


def _is_light(e: sp.Expr) -> bool:
    return bool(e.count_ops() < 200)


def _meet(left: sp.Expr, right: sp.Expr, strict: bool, point: Point, tried: _Tried) -> None:
    sign = ">" if strict else ">="
    for precision in PRECISIONS:
        try:
            sides = in_time(A_POINT, values_at, (left, right), point, precision)
        except DivergesError as error:
            tried.refuted = Judgement("refuted", f"undefined at {in_words(point)}: {error}", ("Arb",), told(point))
            return
        except (TimeoutError, NotImplementedError, ZeroDivisionError, OverflowError, TypeError, ValueError) as error:
            tried.unknown = str(error)
            return
        gap = sides[0] - sides[1]
        if not gap.is_finite():
            continue
        if not all(s.imag.contains(0) for s in sides):  # log(x) + 1 > log(x) orders no numbers where x < 0
            values = tuple(map(shown, sides))
            tried.refuted = Judgement(
                "refuted",
                f"not real at {in_words(point)}: {values[0]} {sign} {values[1]} compares complex numbers",
                ("Arb",),
                told(point),
                values,
            )
            return
        if gap.real > 0:
            _count(tried, gap.real, sides, point)
            return
        if gap.real < 0 or (gap.real == 0 and strict):
            tried.refuted = _refuted(point, sides, sign)
            return
        if gap.real == 0:
            tried.above += 1
            return
    if not gap.is_finite():
        tried.undefined.append(point)
    elif _is_zero(left - right, point):
        if strict:
            tried.refuted = _refuted(point, sides, sign)
        else:
            tried.above += 1
    else:
        tried.unknown = f"no enclosure decides at {in_words(point)}"


def _count(tried: _Tried, gap: Any, sides: Sequence[Any], point: Point) -> None:
    tried.above += 1
    size = max(abs(s).mid() for s in sides)
    room = gap.mid() / size if size > 0 else None
    if room is not None and (tried.room is None or room < tried.room):
        tried.room, tried.least = room, point


def _refuted(point: Point, sides: Sequence[Any], sign: str) -> Judgement:
    values = tuple(map(shown, sides))
    equal = (
        "both sides are equal"
        if (sides[0] - sides[1]).contains(0)
        else f"the left side is {values[0]}, the right side {values[1]}"
    )
    by = (
        f" (less by {(sides[1] - sides[0]).real.str(3, radius=False)})"
        if values[0] == values[1] and "equal" not in equal
        else ""
    )
    return Judgement("refuted", f"at {in_words(point)} {equal}{by}: not {sign}", ("Arb",), told(point), values)


def _is_zero(difference: sp.Expr, point: Point) -> bool:
    arguments = (f.args[0].xreplace(dict(point)) for f in difference.atoms(*COUNTS))
    if any(n.is_Rational and abs(n) > LARGEST for n in arguments):  # sympy would write Gamma(10^30) down
        return False
    there = difference.xreplace(dict(point))
    return there == 0 or bool(patiently(FOR_A_ZERO, reduces_to_zero, there))


# --- where a square or a modulus vanishes ---


def _crossing_of_a_square(difference: sp.Expr) -> Judgement | None:
    """A refutation of f^2 > 0 or |f| > 0 where f, continuous, has both signs: it is 0 in between, at no number known."""
    f = difference.args[0] if isinstance(difference, sp.Abs) or _is_even_power(difference) else None
    return None if f is None else _crossing(f, "so it is 0 in between: not >")


def _crossing(f: sp.Expr, so: str) -> Judgement | None:
    """A refutation where f, continuous, of one symbol, has both signs."""
    s = next(iter(f.free_symbols), None)
    if s is None or len(f.free_symbols) > 1 or not s.is_extended_real or s.is_integer or not is_smooth(f, s):
        return None
    for low, high, below in _changes_of_sign(f, s):
        near = {s: _bisected(f, s, low, high, below)}
        evidence = f"{f} has different signs at {s} = {low} and {s} = {high}, {so}"
        return Judgement("refuted", evidence, ("Arb", "the intermediate value theorem"), told(near))
    return None


def _is_even_power(e: sp.Expr) -> bool:
    return isinstance(e, sp.Pow) and bool(e.exp.is_even) and bool(e.exp.is_positive)


# --- stationary points ---


def _stationary(difference: sp.Expr, assume: Sequence[sp.Basic]) -> Iterator[Point]:
    """Where the derivative by one symbol vanishes, others at simple values: exactly where sympy can, else to thirty digits."""
    symbols = sorted(difference.free_symbols, key=str)
    bases = [{s: candidates(s)[k % len(candidates(s))] for s in symbols} for k in (0, 1)]
    for base in bases:
        for s in symbols:
            if not s.is_extended_real or s.is_integer:
                continue
            f = difference.xreplace({o: v for o, v in base.items() if o != s})
            for value in patiently(0.5, _stationary_of, f, s) or ():
                point = {**base, s: value}
                if admits(s, value) and all(fulfils(point, a) for a in assume):
                    yield point


def _stationary_of(f: sp.Expr, s: sp.Symbol) -> list[sp.Expr]:
    return list(_zeros(sp.diff(f, s), s))


def _zeros(slope: sp.Expr, s: sp.Symbol) -> Iterator[sp.Expr]:
    numerator = sp.numer(sp.together(slope))
    if numerator.is_polynomial(s) and sp.Poly(numerator, s).degree() <= 8:
        exact = [r for r in sp.roots(sp.Poly(numerator, s)) if r.is_real]
        yield from exact or sp.Poly(numerator, s).real_roots()
        return
    yield from _solved(slope, s)
    for low, high, below in _changes_of_sign(slope, s):
        yield _bisected(slope, s, low, high, below)


def _changes_of_sign(f: sp.Expr, s: sp.Symbol) -> Iterator[tuple[sp.Rational, sp.Rational, int]]:
    """Numbers of the domain between which f changes its sign, and the sign at the lower one."""
    grid = sorted((v for v in candidates(s) if v.is_Rational), key=float)
    known = [(v, sign) for v in grid if (sign := _sign(f, s, v))]
    yield from ((low, high, a) for (low, a), (high, b) in itertools.pairwise(known) if a * b < 0)


def _solved(slope: sp.Expr, s: sp.Symbol) -> list[sp.Expr]:
    """Where sympy finds it to vanish, exactly: a touching point is seen at no other number."""
    return [r for r in patiently(FOR_ROOTS, sp.solve, slope, s) or () if r.is_real and not r.free_symbols]


def _sign(e: sp.Expr, s: sp.Symbol, value: sp.Expr) -> int:
    try:
        ball = enclosure.enclose(e, {s: enclosure.enclose(value, {}, 256)}, 256)
    except (ArithmeticError, NotImplementedError, TypeError, ValueError):
        return 0
    if not ball.is_finite() or not ball.imag.contains(0):
        return 0
    return 1 if ball.real > 0 else -1 if ball.real < 0 else 0


def _bisected(slope: sp.Expr, s: sp.Symbol, low: sp.Rational, high: sp.Rational, below: int) -> sp.Expr:
    for _ in range(STEPS):
        middle = (low + high) / 2
        sign = _sign(slope, s, middle)
        if sign == 0:
            return middle
        low, high = (middle, high) if sign == below else (low, middle)
    return sp.Rational(sp.N((low + high) / 2, 40))
