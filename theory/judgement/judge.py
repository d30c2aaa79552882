"""The judge: one line in, a judgement out."""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.algebra.judgement import judge_equal, judge_positive
from theory.judgement.judgement import Judgement, Relation

__all__ = ["judge"]


def judge(
    left: sp.Basic,
    right: sp.Basic,
    relation: Relation = "=",
    *,
    at: tuple[Any, ...] | None = None,
    assume: tuple[sp.Basic, ...] = (),
) -> Judgement:
    """Whether `left relation right` holds wherever the assumptions of the symbols admit and both sides are defined.

    Args:
        left: the left side.
        right: the right side.
        relation: `=`, `>`, `>=`, `!=`; `tends` where left goes to right, `leading` where left / right goes to 1.
        at: of a limit, (symbol, point) or (symbol, point, side) with side `+`, `-` or `+-`.
        assume: relations between the symbols beyond their assumptions, such as `h < t`.
    """
    if relation in ("=", "!="):
        return Judgement(*judge_equal(left, right))
    return Judgement(*judge_positive(sp.sympify(left) - sp.sympify(right)))
