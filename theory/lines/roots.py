"""Roots: what is wrong with one, and what becomes of a line that holds it once a true root of the equation takes its place.

First sympy's own solutions are tried, each held against the equation by the judge. Where none passes, the equation is solved
numerically at points of the domain, and the line is looked at there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import mpmath
import sympy as sp

from theory.judgement.judge import judge
from theory.judgement.judgement import Judgement, Relation
from theory.judgement.patience import patiently
from theory.judgement.points import candidates

__all__ = ["explain", "judge_with_true_roots"]

Equation = tuple[Any, Any, Any, Any]  # the symbol that stands for the root, both sides, the symbol solved for
POINTS, ENOUGH, DIGITS, CLOSE = 40, 4, 40, mpmath.mpf(10) ** -25
NUMBERS = 6  # of each parameter, the simplest
STARTS = tuple(mpmath.mpf(s) for s in ("1", "0.1", "10", "0.01", "100", "-1", "1e-4", "1e4"))
EDITS = ((2, "is off by a factor 2"), (sp.Rational(1, 2), "is off by a factor 1/2"), (-1, "has the wrong sign"))
RATIO = "the two sides' ratio"
FOR_A_ROOT = 3.0  # seconds
HOLDS = {
    "=": lambda gap, scale: abs(gap) <= CLOSE * scale,
    "!=": lambda gap, scale: abs(gap) > CLOSE * scale,
    ">": lambda gap, scale: gap > CLOSE * scale,
    ">=": lambda gap, scale: gap > -CLOSE * scale,
}


def explain(
    left: sp.Expr,
    right: sp.Expr,
    symbol: sp.Symbol,
    root: sp.Expr,
    *,
    witness: tuple[tuple[str, str], ...],
    hint: str,
    assume: tuple[sp.Basic, ...],
) -> Judgement:
    """A refuted root: its witness, completed by the symbols that drop out once assumptions are used, and what would mend it.

    Args:
        left: the left side of the equation.
        right: the right side.
        symbol: what it is solved for.
        root: the value that does not solve it.
        witness: what the judge found, (symbol, value) as text.
        hint: the judge's own.
        assume: as of `judge`.
    """
    whole = _completed(dict(witness), _symbols_before_assumptions(left, right, symbol, root), assume)
    if mended := _mended(left, right, symbol, root, assume):
        ratio = hint.partition(":")[0] + ": " if hint.startswith(RATIO) else ""
        return Judgement("refuted", "no root", witness=whole, hint=f"{ratio}{mended}")
    true = patiently(FOR_A_ROOT, _solution_told, left, right, symbol, root, assume) or ""
    return Judgement("refuted", "no root", witness=whole, hint="; ".join(filter(None, (hint, true))))


def _solution_told(
    left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, root: sp.Expr, assume: tuple[sp.Basic, ...]
) -> str:
    """A solution of sympy's that the judge lets pass, and by what factor the root is off where that is a number."""
    for found in sp.solve(sp.Eq(left, right), symbol):
        if not _holds(left.subs(symbol, found), right.subs(symbol, found), "=", assume):
            continue
        factor = sp.simplify(found / root)
        off = f"a factor {factor} is missing, " if factor.is_number and factor.is_finite else ""
        inside = not symbol.is_positive or _holds(found, sp.S.Zero, ">", assume)
        return f"{off}{symbol} = {found} solves it{'' if inside else ' where that is positive'}"
    return ""


def _holds(left: sp.Expr, right: sp.Expr, relation: Relation, assume: tuple[sp.Basic, ...]) -> bool:
    return judge(left, right, relation, assume=assume).verdict in ("proved", "supported")


def _mended(left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, root: sp.Expr, assume: tuple[sp.Basic, ...]) -> str:
    """The change of one exponent that makes it a root, in words; empty where none does."""
    powers = [p for p in root.atoms(sp.Pow, sp.exp) if p.as_base_exp()[1].free_symbols]
    for power in sorted(powers, key=sp.default_sort_key):
        base, exponent = power.as_base_exp()
        for factor, words in EDITS:
            edited = root.xreplace({power: base ** (factor * exponent)})
            if _solves(edited, left, right, symbol, assume):
                return f"the exponent {words}, {symbol} = {edited}"
    return ""


def _symbols_before_assumptions(left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, root: sp.Expr) -> list[sp.Symbol]:
    """The symbols that the equation holds with the root put in, before log(N**(1/m)) becomes log(N)/m."""
    plain = {s: sp.Symbol(s.name) for s in sp.Tuple(left, right, root).free_symbols}
    held = ((left - right).xreplace(plain)).subs(plain[symbol], root.xreplace(plain)).free_symbols
    return sorted((s for s, bare in plain.items() if bare in held), key=lambda s: s.name.lower())


def _completed(witness: dict[str, str], symbols: list[sp.Symbol], assume: tuple[sp.Basic, ...]) -> dict[str, str]:
    """The witness with a simple value for each of the symbols that it does not tell."""
    told = {s: sp.Rational(witness[s.name]) for s in symbols if s.name in witness and _is_rational(witness[s.name])}
    for s in symbols:
        if s.name not in witness:
            admitted = (n for n in candidates(s) if all(r.subs({**told, s: n}) != sp.false for r in assume))
            told[s] = next(admitted, sp.nan)
    found = {s.name: witness.get(s.name, str(told.get(s))) for s in symbols}
    return {**found, **witness}


def _is_rational(text: str) -> bool:
    try:
        sp.Rational(text)
    except (TypeError, ValueError):
        return False
    return True


def judge_with_true_roots(
    left: sp.Expr,
    right: sp.Expr,
    relation: Relation,
    *,
    at: tuple[Any, ...] | None,
    assume: tuple[sp.Basic, ...],
    roots: tuple[Equation, ...],
) -> Judgement:
    """The judgement of a line in which symbols stand for roots of equations that were given wrongly.

    Args:
        left: the left side.
        right: the right side.
        relation: as of `judge`.
        at: as of `judge`.
        assume: as of `judge`.
        roots: (symbol that stands for the root, left side, right side, symbol solved for), the first written first.
    """
    true: dict[Any, Any] = {}
    told = []
    for stands, one, other, symbol in roots:
        found = _true_root(one.xreplace(true), other.xreplace(true), symbol, assume)
        if found is None:
            return _at_points(left, right, relation, at, assume, roots)
        true[stands] = found
        told.append(f"{stands} = {found}")
    judgement = judge(left.xreplace(true), right.xreplace(true), relation, at=at, assume=assume)
    return _with_evidence(judgement, f"judged again with {', '.join(told)}")


def _with_evidence(judgement: Judgement, more: str) -> Judgement:
    return replace(judgement, evidence=f"{more}: {judgement.evidence}")


@cache
def _true_root(left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, assume: tuple[sp.Basic, ...]) -> sp.Expr | None:
    """The first solution of sympy's that the judge does not refute and that is where the symbol may be."""
    try:
        solutions = sp.solve(sp.Eq(left, right), symbol)
    except NotImplementedError:
        return None
    return next((root for root in solutions if _solves(root, left, right, symbol, assume)), None)


def _solves(root: sp.Expr, left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, assume: tuple[sp.Basic, ...]) -> bool:
    claims: list[tuple[Any, Any, Relation]] = [(left.subs(symbol, root), right.subs(symbol, root), "=")]
    if symbol.is_positive:
        claims.append((root, sp.S.Zero, ">"))
    return all(_holds(*claim, assume) for claim in claims)


def _at_points(
    left: sp.Expr,
    right: sp.Expr,
    relation: Relation,
    at: tuple[Any, ...] | None,
    assume: tuple[sp.Basic, ...],
    roots: tuple[Equation, ...],
) -> Judgement:
    """The line at points of the domain where the equations are solved numerically."""
    if relation not in HOLDS or at:
        return Judgement("inconclusive", "the true root has no closed form that was found, and a limit needs one")
    seen = 0
    for values in _points(left, right, assume, roots):
        with mpmath.workdps(DIGITS):
            one, other = (_number(side, values) for side in (left, right))
            gap, scale = mpmath.re(one - other), max(abs(one), abs(other), mpmath.mpf(10) ** -DIGITS)
            fine = HOLDS[relation](gap, scale) and abs(mpmath.im(one - other)) <= CLOSE * scale
        if not fine:
            shown = {str(s): mpmath.nstr(v, 15) if isinstance(v, mpmath.mpf) else str(v) for s, v in values.items()}
            sides = tuple(mpmath.nstr(side, 12) for side in (one, other))
            return Judgement("refuted", "at a true root, found numerically", witness=shown, sides=sides)
        seen += 1
    if seen < ENOUGH:
        return Judgement("inconclusive", f"the equation was solved numerically at {seen} points only")
    return Judgement(
        "supported",
        f"holds at {seen} points where the equation was solved numerically, to {DIGITS} digits",
        cannot_exclude="what fails between these points, or at other roots",
    )


def _points(
    left: sp.Expr, right: sp.Expr, assume: tuple[sp.Basic, ...], roots: tuple[Equation, ...]
) -> Iterator[dict[Any, Any]]:
    """Values of the parameters, and the roots there."""
    standing = {stands for stands, *_ in roots}
    solved = {symbol for *_, symbol in roots}
    free = sp.Tuple(left, right, *assume, *(side for _, one, other, _ in roots for side in (one, other))).free_symbols
    parameters = sorted(free - standing - (solved - left.free_symbols - right.free_symbols), key=str)
    for k, numbers in enumerate(product(*map(_simplest, parameters))):
        if k == POINTS:
            return
        values = dict(zip(parameters, numbers, strict=True))
        if all(relation.subs(values) != sp.false for relation in assume) and _solve_at(values, roots):
            yield values


def _simplest(symbol: sp.Symbol) -> list[sp.Expr]:
    return [v for v in candidates(symbol) if v.is_Rational][:NUMBERS]


def _solve_at(values: dict[Any, Any], roots: tuple[Equation, ...]) -> bool:
    """Add the roots to the values; False where one is not found."""
    for stands, left, right, symbol in roots:
        gap = sp.lambdify([symbol], (left - right).subs({s: v for s, v in values.items() if s != symbol}), "mpmath")
        found = _found(gap, symbol)
        if found is None:
            return False
        values[stands] = found
    return True


def _found(gap: Any, symbol: sp.Symbol) -> mpmath.mpf | None:
    with mpmath.workdps(DIGITS + 10):
        for start in STARTS:
            try:
                root = mpmath.findroot(gap, start)
            except (ValueError, ZeroDivisionError, TypeError, OverflowError):
                continue
            if abs(mpmath.im(root)) > CLOSE * abs(root):
                continue
            if not symbol.is_positive or mpmath.re(root) > 0:
                return mpmath.re(root)
    return None


def _number(side: sp.Expr, values: dict[Any, Any]) -> Any:
    symbols = list(values)
    numbers = [v if isinstance(v, mpmath.mpf) else mpmath.mpf(v.p) / v.q for v in values.values()]
    return mpmath.mpmathify(sp.lambdify(symbols, side, "mpmath")(*numbers))
