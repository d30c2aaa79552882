"""Judgement: a verdict and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["WORST_FIRST", "Judge", "Judgement", "Relation", "Verdict"]

Verdict = Literal["proved", "supported", "refuted", "inconclusive"]
WORST_FIRST: tuple[Verdict, ...] = ("refuted", "inconclusive", "supported", "proved")
Relation = Literal["=", ">", ">=", "!=", "tends", "leading"]


@dataclass(frozen=True)
class Judgement:
    """What was found of one line.

    Attributes:
        verdict: one of the four.
        evidence: what the verdict rests on, in words.
        trusts: what a proof takes for granted, such as `Arb`, `rational arithmetic`, `sympy.simplify`.
        witness: of a refuted line, {symbol: value} as text, a point of the domain where it fails.
        sides: of a refuted line, left and right side there, as text.
        exceptions: where a side is not defined, so that nothing is said of it.
        cannot_exclude: of a supported line, what the evidence would not have seen.
        hint: of a refuted line, what would make it true, or what the two sides have in common.
        curve: of an approximation, its relative error: `along` a symbol, `at` values of the others, `points` and the `worst`.
    """

    verdict: Verdict
    evidence: str
    trusts: tuple[str, ...] = ()
    witness: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    cannot_exclude: str = ""
    hint: str = ""
    curve: Mapping[str, Any] = field(default_factory=dict)


Judge = Callable[..., Judgement]  # of lines, as `judge` is
