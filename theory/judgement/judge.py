"""The judge: one line in, a judgement out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from theory.judgement.curve import judge_error
from theory.judgement.equality import judge_equal
from theory.judgement.functions import is_of_functions, judge_functions
from theory.judgement.hints import hint
from theory.judgement.inequality import judge_differs, judge_greater
from theory.judgement.judgement import Judgement, Relation
from theory.judgement.limits import judge_limit
from theory.judgement.matrices import is_of_matrices, judge_matrices, judge_order
from theory.judgement.patience import in_time, patiently
from theory.judgement.sequences import is_of_sequences, judge_sequences

__all__ = ["judge"]

FOR_A_HINT, LONGEST = 0.8, 10.0  # seconds


def judge(
    left: sp.Basic,
    right: sp.Basic,
    relation: Relation = "=",
    *,
    at: Sequence[Any] | None = None,
    assume: Sequence[sp.Basic] = (),
) -> Judgement:
    """Whether `left relation right` holds wherever the assumptions of the symbols admit and both sides are defined.

    Args:
        left: the left side.
        right: the right side.
        relation: `=`, `>`, `>=`, `!=`; `tends` where left goes to right, `leading` where left / right goes to 1.
        at: of a limit, (symbol, point) or (symbol, point, side) with side `+`, `-` or `+-`.
        assume: relations between the symbols beyond their assumptions, such as `h < t`.

    Raises:
        ValueError: for a relation that is none of these, or a limit without its point.
    """
    left, right = (side if isinstance(side, sp.MatrixBase) else sp.sympify(side) for side in (left, right))
    if relation in ("tends", "leading") and at is None:
        raise ValueError(f"a line that {relation} needs at=(symbol, point) or (symbol, point, side)")
    if relation not in ("=", ">", ">=", "!=", "tends", "leading"):
        raise ValueError(f"the relation must be one of = > >= != tends leading, got {relation!r}")
    try:
        return in_time(LONGEST, _judged, left, right, relation, at or (), assume)
    except NotImplementedError as error:
        return Judgement("inconclusive", str(error))
    except TimeoutError:
        return Judgement("inconclusive", f"not decided in {LONGEST:g} s of the processor")


def _judged(
    left: sp.Basic, right: sp.Basic, relation: Relation, at: Sequence[Any], assume: Sequence[sp.Basic]
) -> Judgement:
    if is_of_functions(left, right):
        return judge_functions(judge, left, right, relation, at, assume)
    if is_of_sequences(left, right):
        return judge_sequences(judge, left, right, relation, at, assume)
    if relation == "leading":
        error = judge_error(right, left, at[0], assume=assume)
        return replace(judge_limit(left, right, relation, at, assume), curve=error.curve)
    if relation == "tends":
        return judge_limit(left, right, relation, at, assume)
    if relation == "=":
        return _of_equality(left, right, assume)
    if any(side.has(sp.MatrixExpr) for side in (left, right)):
        return judge_order(judge, left, right, relation, assume)
    if relation == "!=":
        return judge_differs(left, right, assume)
    found = judge_greater(left, right, relation == ">", assume)
    if found.verdict != "refuted":
        return found
    return replace(found, hint=patiently(FOR_A_HINT, _turned_told, left, right, relation, assume) or "")


def _turned_told(left: sp.Expr, right: sp.Expr, relation: Relation, assume: Sequence[sp.Basic]) -> str:
    """Of a refuted inequality, that it holds with equality or the other way round, where that is proved."""
    if relation == ">" and judge_greater(left, right, False, assume).verdict == "proved":
        return "it holds with >="
    for strict, sign in ((True, "<"), (False, "<=")):
        if judge_greater(right, left, strict, assume).verdict == "proved":
            return f"it holds the other way round, {left} {sign} {right}"
    return ""


def _of_equality(left: sp.Basic, right: sp.Basic, assume: Sequence[sp.Basic]) -> Judgement:
    if is_of_matrices(left, right):
        return judge_matrices(left, right, assume)
    left, right = (_differentiated(side) for side in (left, right))
    found = judge_equal(left, right, assume)
    if found.verdict != "refuted" or not found.sides:
        return found
    return replace(found, hint=patiently(FOR_A_HINT, hint, left, right, assume) or "")


def _differentiated(side: sp.Expr) -> sp.Expr:
    """The derivatives taken, under integrals too, and nothing else done."""
    return side.replace(lambda e: isinstance(e, sp.Derivative), lambda e: e.doit(deep=False))
