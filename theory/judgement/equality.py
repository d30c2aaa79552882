"""Equality: refuted at an exact point, or reduced to 0, or neither."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement import closed_forms, integrals, limits, sums
from theory.judgement.by_parts import vanishes_by_parts
from theory.judgement.integrands import vanishes_by_symmetry
from theory.judgement.judgement import Judgement
from theory.judgement.parameters import closed_form_by_parameters
from theory.judgement.patience import PATIENCE, deadline, in_time, patiently
from theory.judgement.points import Point, balls, candidates, points, spread
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.substitution import above_one, in_logarithms, within_bounds
from theory.judgement.tails import DivergesError
from theory.judgement.words import in_words, shown, told

__all__ = ["WHOLE", "Met", "judge_equal", "met", "resolved", "value_at", "values_at"]

PRECISIONS = 192, 1024
DEEP = 8192  # bits, at a few points: what differs by 1e-2000 is different
DEEPEST = 3
SECONDS = 0.8  # for points
A_POINT, BY_PARTS, BY_CASES = 1.0, 1.5, 2.0
FEWEST = 6
WHOLE = sp.Integral, sp.Sum, sp.Product, sp.Limit
STEPS = sp.Heaviside, sp.sign
FIRST = 40  # points, before a reduction is tried: where it is by rational arithmetic they are enough
OF_INTEGRALS, OF_SUMS = 16, 60  # points, where there are some


@dataclass
class Met:
    """What the points said: where the sides agreed, where one was not defined, and the first where they differ."""

    agreed: int = 0
    undefined: list[Point] = field(default_factory=list)
    tried: list[Point] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    refuted: Judgement | None = None


def judge_equal(left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic] = ()) -> Judgement:
    """Whether left = right for all values that the assumptions of their symbols admit, wherever both are defined."""
    found = met(left, right, assume, most=FIRST)
    if found.refuted is not None:
        return found.refuted
    by_rule: tuple[str, ...] = (
        sums.by_induction(left - right)
        or patiently(BY_PARTS, vanishes_by_parts, left - right)
        or patiently(BY_PARTS, vanishes_by_symmetry, left - right)
        or ()
    )
    trusts: tuple[str, ...] = ()
    checked = True
    if not by_rule:
        difference, trusts, checked = resolved(left - right, assume)
        by_rule = () if difference.has(*WHOLE) else _reduced(difference, assume)
    open_yet = bool(assume) and ((not by_rule and difference.has(*WHOLE)) or not checked)
    if open_yet and (by_cases := patiently(BY_CASES, _reduced_within_bounds, left - right, assume)):
        by_rule, trusts, checked = by_cases, (), True
    if trusts and checked and not by_rule and not difference.has(*WHOLE):
        refuted = met(resolved(left, assume)[0], resolved(right, assume)[0], assume).refuted
        if refuted is not None:
            return replace(refuted, trusts=(*trusts, *refuted.trusts))
    if by_rule != ("rational arithmetic",):
        met(left, right, assume, found=found)
        if found.refuted is not None:
            return found.refuted
    if by_rule and trusts and checked and not found.agreed:  # the closed forms are enclosed where the integrals are not
        found = met(resolved(left, assume)[0], resolved(right, assume)[0], assume)
    exceptions = _named(found)
    if by_rule and found.agreed + len(found.undefined) > 0:
        evidence = f"the difference reduces to 0; at {found.agreed} exact points no enclosure excludes 0"
        trusted = tuple(dict.fromkeys((*trusts, *by_rule)))
        if checked:
            return Judgement("proved", evidence, trusted, exceptions=exceptions)
        return Judgement("supported", f"{evidence}; it rests on {', '.join(trusts)}", trusted, exceptions=exceptions,
                         cannot_exclude="a condition or a branch that sympy did not tell")  # fmt: skip
    if (found.agreed < FEWEST and (left - right).free_symbols) or not found.agreed:
        why = "; ".join(dict.fromkeys(found.unknown[:2])) or "the sides are hardly anywhere defined"
        return Judgement("inconclusive", f"enclosed at {found.agreed} points only: {why}", exceptions=exceptions)
    return Judgement(
        "supported",
        f"at {found.agreed} exact points the enclosures of both sides overlap",
        ("Arb",),
        exceptions=exceptions,
        cannot_exclude="a difference in a narrow window, in tails beyond 1e30, or of terms below 1e-300",
    )


def _reduced(difference: sp.Expr, assume: Sequence[sp.Basic]) -> tuple[str, ...]:
    """What reduces it to 0, as it is or with exp(L) in place of counts."""
    if found := reduces_to_zero(difference):
        return found
    other = above_one(in_logarithms(difference, assume))
    if other != difference and (found := reduces_to_zero(other)):
        return found
    cases = within_bounds(difference, assume) if assume else ()
    by_case = [reduces_to_zero(case) for case in cases]
    return tuple(dict.fromkeys(itertools.chain.from_iterable(by_case))) if by_case and all(by_case) else ()


def _reduced_within_bounds(difference: sp.Expr, assume: Sequence[sp.Basic]) -> tuple[str, ...]:
    """What reduces it to 0 in symbols that no relation bounds, of which rules see more."""
    found: list[str] = []
    for case in within_bounds(difference, assume):
        closed, trusts, checked = resolved(case)
        reduced = reduces_to_zero(closed) if checked and not closed.has(*WHOLE) else ()
        if not reduced:
            return ()
        found += [*trusts, *reduced]
    return tuple(dict.fromkeys(found))


def resolved(expression: sp.Expr, assume: Sequence[sp.Basic] = ()) -> tuple[sp.Expr, tuple[str, ...], bool]:
    """The expression with integrals, sums and limits in closed form where a rule knows one, the rules, and if all are checked."""
    trusts: list[str] = []
    checked = True
    for atom in _outermost(expression):
        form = _closed(atom, assume)
        if form is not None:
            expression = expression.xreplace({atom: form.value})
            trusts += form.trusts.split(", ")
            checked = checked and form.checked
    return expression, tuple(dict.fromkeys(trusts)), checked


def _closed(atom: sp.Basic, assume: Sequence[sp.Basic] = ()) -> closed_forms.ClosedForm | None:
    if isinstance(atom, sp.Integral):
        return closed_form_by_parameters(atom, assume) or closed_forms.closed_form(atom)
    if isinstance(atom, sp.Sum):
        return sums.closed_form(atom, assume)
    if isinstance(atom, sp.Product):
        return None
    return _closed_limit(*atom.args, PATIENCE.get())


@lru_cache(64)  # it is asked for at every point
def _closed_limit(
    inner: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: sp.Symbol, patience: float
) -> closed_forms.ClosedForm | None:
    """In that patience, with which more is found."""
    inner, trusts, checked = resolved(inner)
    value = limits.limit_of(inner, symbol, end, str(side))
    if value is not None:
        return closed_forms.ClosedForm(value, ", ".join((*trusts, "Taylor's theorem")), checked)
    if str(side) == "+-":
        left, right = (limits.limit_of(inner, symbol, end, one) for one in "-+")
        if left is not None and right is not None and (left - right).is_nonzero:
            raise DivergesError(f"the limits are {left} from the left and {right} from the right")
    value = patiently(1.0, sp.limit, inner, symbol, end, str(side))
    if value is None or value.has(sp.Limit):
        return None
    return closed_forms.ClosedForm(value, "sympy.limit", checked=False)


@lru_cache(64)
def _outermost(e: sp.Basic) -> tuple[sp.Basic, ...]:
    if isinstance(e, WHOLE):
        return (e,)
    return tuple(dict.fromkeys(itertools.chain.from_iterable(map(_outermost, e.args)))) if e.has(*WHOLE) else ()


@lru_cache(64)
def _has_branches(e: sp.Basic) -> bool:
    return bool(e.has(sp.Piecewise, *STEPS))


# --- points ---


def value_at(e: sp.Expr, point: Point, precision: int) -> Any:
    """A complex ball round the expression at a point; not finite where it is not defined there.

    Raises:
        DivergesError: of an integral or a sum in it.
        NotImplementedError: where no enclosure is known.
    """
    values: dict[Any, Any] = dict(balls(point, precision))
    if _has_branches(e):  # at sqrt(2) balls do not tell whether x > sqrt(2)
        e = e.replace(lambda p: isinstance(p, (sp.Piecewise, *STEPS)), lambda p: _decided(p, point))
    for atom in _outermost(e):
        if isinstance(atom, sp.Integral):
            values[atom] = _enclosed(atom, frozenset(point.items()))
        elif isinstance(atom, sp.Sum | sp.Product):
            values[atom] = sums.added(atom, point, precision)
        else:
            form = _closed(atom)
            if form is None or not form.checked:  # sympy's limit alone would refute true lines
                raise NotImplementedError("no value of a limit without a rule for it")
            values[atom] = enclosure.enclose(form.value, values, precision)
    return enclosure.enclose(e, values, precision)


@lru_cache(64)  # its precision is its own, and both sides may hold it
def _enclosed(integral: sp.Integral, where: frozenset[tuple[sp.Symbol, sp.Expr]]) -> Any:
    return integrals.enclosed(integral, dict(where))


def values_at(sides: Sequence[sp.Expr], point: Point, precision: int) -> list[Any]:
    """`value_at` of each side; its errors."""
    return [value_at(side, point, precision) for side in sides]


def _decided(e: sp.Expr, point: Point) -> sp.Expr:
    """A branch or a step by exact numbers in its conditions."""
    if isinstance(e, sp.Piecewise):
        return e.func(*((value, condition.xreplace(dict(point))) for value, condition in e.args))
    exact = e.xreplace(dict(point))
    return e if exact.has(*STEPS) else exact


def met(
    left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic] = (), *, most: int | None = None, found: Met | None = None
) -> Met:
    """Try the points of the domain, the simplest first, until one refutes left = right or the time is up.

    Args:
        left: the left side.
        right: the right side.
        assume: relations that each point has to fulfil.
        most: the number of points.
        found: what the points before these said, which is added to.
    """
    found, end = found or Met(), deadline(SECONDS)
    symbols = left.free_symbols | right.free_symbols
    whole = (*_outermost(left), *_outermost(right))
    dear, enough = bool(whole), OF_INTEGRALS if any(isinstance(a, sp.Integral) for a in whole) else OF_SUMS
    deep = len(found.tried) and DEEPEST
    every = points(symbols, left, right, left - right, assume=assume)
    for point in itertools.islice(spread(every) if dear else every, len(found.tried), most):
        if time.thread_time() > end or (dear and len(found.tried) >= enough and found.agreed):
            break
        found.tried.append(point)
        try:
            outcome = in_time(A_POINT, _compared, left, right, point, found)
        except (TimeoutError, NotImplementedError, ZeroDivisionError, OverflowError, TypeError, ValueError) as error:
            found.unknown.append(str(error))
            continue
        if outcome is None and deep < DEEPEST and (not dear or not point):
            deep += 1
            outcome = _deeply(left, right, point, DEEP if not dear else DEEP // 4)
        if outcome is not None:
            found.refuted = _with_fewest_symbols(left, right, point, outcome)
            return found
    return found


def _compared(left: sp.Expr, right: sp.Expr, point: Point, found: Met) -> Judgement | None:
    """A refutation by this point, or None and the outcome is counted."""
    for precision in PRECISIONS:
        try:
            sides = values_at((left, right), point, precision)
        except DivergesError as error:
            return Judgement("refuted", f"undefined at {in_words(point)}: {error}", ("Arb",), told(point))
        if all(s.is_finite() for s in sides):
            gap = sides[0] - sides[1]
            if not gap.contains(0):
                return _refuted(point, sides)
            if _narrow(gap, sides):
                found.agreed += 1
                return None
    if not all(s.is_finite() for s in sides):
        found.undefined.append(point)
    else:
        found.unknown.append("no narrow enclosure")
    return None


def _narrow(gap: Any, sides: Sequence[Any]) -> bool:
    size = max((abs(s).lower() for s in sides), default=0)
    return bool(gap.rad() < flint.arb("1e-12") * (size if size > 1 else 1) or gap.rad() < flint.arb("1e-12") * size)


def _deeply(left: sp.Expr, right: sp.Expr, point: Point, precision: int) -> Judgement | None:
    try:
        sides = values_at((left, right), point, precision)
    except (ArithmeticError, NotImplementedError):
        return None
    gap = sides[0] - sides[1]
    return _refuted(point, sides) if gap.is_finite() and not gap.contains(0) else None


def _refuted(point: Point, sides: Sequence[Any]) -> Judgement:
    values = tuple(map(shown, sides))
    gap = sides[0] - sides[1]
    told_gap = f"; they differ by {shown(gap, 3)}" if values[0] == values[1] else ""
    return Judgement(
        "refuted",
        f"at {in_words(point)} the left side is {values[0]}, the right side {values[1]}{told_gap}",
        ("Arb",),
        told(point),
        values,
    )


def _with_fewest_symbols(left: sp.Expr, right: sp.Expr, point: Point, outcome: Judgement) -> Judgement:
    """The same, without naming symbols on which neither side depends."""
    if not outcome.sides or len(point) < 2:
        return outcome
    idle = [s for s in point if _is_idle(left, right, point, s)]
    if not idle or len(idle) == len(point):
        return outcome
    kept: Mapping[sp.Symbol, sp.Expr] = {s: v for s, v in point.items() if s not in idle}
    evidence = outcome.evidence.replace(in_words(point), in_words(kept), 1)
    return Judgement("refuted", evidence, outcome.trusts, told(kept), outcome.sides)


def _is_idle(left: sp.Expr, right: sp.Expr, point: Point, s: sp.Symbol) -> bool:
    try:
        there = values_at((left, right), point, PRECISIONS[0])
        for value in _others(s, point[s]):
            elsewhere = values_at((left, right), {**point, s: value}, PRECISIONS[0])
            if not all(a.overlaps(b) and b.is_finite() for a, b in zip(there, elsewhere, strict=True)):
                return False
    except (ArithmeticError, NotImplementedError, TypeError, ValueError):
        return False
    return True


def _others(s: sp.Symbol, value: sp.Expr) -> Iterable[sp.Expr]:
    return [v for v in candidates(s) if v != value][:4]


def _named(found: Met) -> tuple[str, ...]:
    """Where nothing is said: a value of one symbol where that is enough, else the points."""
    if not found.undefined:
        return ()
    pairs = dict.fromkeys(itertools.chain.from_iterable(p.items() for p in found.undefined))
    always = [(s, v) for s, v in pairs if all(p in found.undefined for p in found.tried if p[s] == v)]
    named = [f"{s} = {v}" for s, v in always]
    rest = [p for p in found.undefined if not any(p[s] == v for s, v in always)]
    named += [in_words(p) for p in rest[:3]] + (["and more points"] if len(rest) > 3 else [])
    return tuple(named)
