"""Functions without a formula, f(x): identities of them and their derivatives, and lines tried on functions that have one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from theory.judgement.judgement import Judge, Judgement, Relation
from theory.judgement.patience import patiently

__all__ = ["is_of_functions", "judge_functions"]

FOR_A_FUNCTION = 0.8  # seconds
Tried = Callable[[sp.Expr], sp.Expr]
EVERYWHERE: tuple[Tried, ...] = (
    lambda u: u,
    lambda u: u**2 + 1,
    lambda u: u**3 - u,
    lambda u: sp.exp(u / 2),
    lambda u: sp.sin(u),
)
POSITIVE: tuple[Tried, ...] = (
    lambda u: u**2 + 1,
    lambda u: sp.exp(u / 2),
    lambda u: 2 + sp.sin(u),
    lambda u: 1 / (1 + u**2),
)


def is_of_functions(*sides: sp.Basic) -> bool:
    """Whether a side holds a function without a formula."""
    return any(side.has(AppliedUndef) for side in sides)


def judge_functions(
    judge: Judge,
    left: sp.Expr,
    right: sp.Expr,
    relation: Relation,
    at: Sequence[Any],
    assume: Sequence[sp.Basic],
) -> Judgement:
    """Whether a line holds of all functions: proved as an identity between them, refuted by one that has a formula.

    Args:
        judge: of lines without such functions.
        left: the left side.
        right: the right side.
        relation: as of `judge`.
        at: as of `judge`; empty where there is none.
        assume: as of `judge`.
    """
    if relation == "=" and _is_identity(left - right):
        evidence = "a rational identity between the functions and their derivatives"
        return Judgement("proved", evidence, ("rational arithmetic",))
    held = []
    for formulas in _formulas(left, right):
        one, other = (_with(side, formulas) for side in (left, right))
        asked = partial(judge, one, other, relation, at=tuple(at) or None, assume=assume)
        found = patiently(FOR_A_FUNCTION, asked)
        told = {f"{f.func.__name__}({', '.join(map(str, f.args))})": str(made) for f, made in formulas.items()}
        if found is None or found.verdict == "inconclusive" or _is_undefined(found):
            continue
        if found.verdict == "refuted":
            return replace(found, witness={**told, **found.witness}, hint="")
        held.append(", ".join(f"{f} = {made}" for f, made in told.items()))
    if not held:
        return Judgement("inconclusive", "no identity between the functions, and none that has a formula tells")
    return Judgement("supported", f"holds with {'; '.join(held)}", cannot_exclude="other functions")


def _is_identity(difference: sp.Expr) -> bool:
    """Whether it vanishes with the functions and their derivatives as independent symbols."""
    e = difference.replace(lambda d: isinstance(d, sp.Derivative), lambda d: d.doit(deep=False))
    atoms = sorted(e.atoms(sp.Derivative), key=lambda a: -a.derivative_count)
    symbols = {a: sp.Dummy(f"d{k}") for k, a in enumerate(atoms)}
    return bool(sp.cancel(sp.together(e.xreplace(symbols))) == 0)


def _is_undefined(found: Judgement) -> bool:
    """Whether what fails is only that an integral or a sum of that function has no value."""
    return found.verdict == "refuted" and not found.sides


def _formulas(*sides: sp.Expr) -> Iterator[Mapping[AppliedUndef, sp.Expr]]:
    """A formula for each function, in letters of its own, another for each at a time; none where assumptions are not met."""
    functions = {f.func: f for side in sides for f in side.atoms(AppliedUndef)}
    known = [(f, POSITIVE if f.is_positive else EVERYWHERE) for f in sorted(functions.values(), key=str)]
    if any(f.is_positive is None and (f.is_integer or f.is_nonnegative or f.is_negative) for f, _ in known):
        return
    for shift in range(max(len(formulas) for _, formulas in known)):
        made = {}
        for k, (f, formulas) in enumerate(known):
            letters = sp.symbols(f"x1:{len(f.args) + 1}") if len(f.args) > 1 else (sp.Symbol("x"),)
            mixed = sum((place + 1) * letter for place, letter in enumerate(letters))
            made[f.func(*letters)] = formulas[(shift + k) % len(formulas)](mixed)
        yield made


def _with(side: sp.Expr, formulas: Mapping[AppliedUndef, sp.Expr]) -> sp.Expr:
    """The side with the formulas put in, and what is derived of them done."""
    for f, made in formulas.items():
        side = side.replace(f.func, sp.Lambda(f.args, made))
    return side.replace(lambda d: isinstance(d, sp.Derivative | sp.Subs), lambda d: d.doit())
