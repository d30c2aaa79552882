"""Judgement: a verdict and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["WORST_FIRST", "Judge", "Judgement", "Relation", "Verdict", "told"]

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

    def __str__(self) -> str:
        return "\n  ".join([self.verdict, *told(self)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # of notebooks
        printer.text(str(self))


def told(found: Any) -> list[str]:
    """What is to be said of a judgement, or of a step that holds one, a sentence each."""
    said = []
    if found.witness or found.sides:
        point = ", ".join(f"{s} = {value}" for s, value in found.witness.items()) or "every point"
        sides = "".join(f"; {side} side {value}" for side, value in zip(("left", "right"), found.sides, strict=False))
        said.append(f"witness: {point}{sides}")
    said += [f"hint: {found.hint}"] if found.hint else []
    said.append(f"evidence: {found.evidence}")
    said += [f"trusts: {', '.join(found.trusts)}"] if found.trusts else []
    said += [f"except {', '.join(found.exceptions)}"] if found.exceptions else []
    said += [f"this cannot exclude {found.cannot_exclude}"] if found.cannot_exclude else []
    return said + _told_of_error(found.curve)


def _told_of_error(curve: Mapping[str, Any]) -> list[str]:
    """A curve of errors in a sentence: at five of its points, and the worst."""
    if not curve:
        return []
    points, along = curve["points"], curve["along"]
    some = points[:: max(1, (len(points) - 1) // 4)]
    shown = ", ".join(f"{error:.2g} at {along} = {at:.3g}" for at, error in some)
    others = ", ".join(f"{s} = {value}" for s, value in curve["at"].items())
    at, worst = curve["worst"]
    return [f"relative error{f' at {others}' if others else ''}: {shown}; the worst {worst:.2g} at {along} = {at:.3g}"]


Judge = Callable[..., Judgement]  # of lines, as `judge` is
