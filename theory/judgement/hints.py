"""Hints: what a refuted equality lacks to be true. A ratio that is the same everywhere, or one small edit of the right side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from theory.judgement.equality import value_at, values_at
from theory.judgement.points import Point, points

__all__ = ["hint"]

BITS = 128
POINTS = 6
RATIOS = (-1, 2, sp.Rational(1, 2), 4, sp.Rational(1, 4), 3, sp.Rational(1, 3), sp.pi, 1 / sp.pi, 2 * sp.pi, 1 / (2 * sp.pi),
          sp.sqrt(2), 1 / sp.sqrt(2), sp.sqrt(sp.pi), 1 / sp.sqrt(sp.pi))  # fmt: skip


def hint(left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic] = ()) -> str:
    """One sentence, or none."""
    tried = _tried(left, right, assume)
    if len(tried) < 3:
        return ""
    said = []
    if ratio := _ratio(left, right, tried):
        said.append(f"the two sides' ratio is {ratio} everywhere")
    for edited, words in (*_edits(right), *_edits(left, "left")):
        if _agree(edited, right if words.startswith("left") else left, tried):
            said.append(words)
            break
    return ": ".join(said)


def _tried(left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic]) -> list[Point]:
    """Points where both sides have values that are neither 0 nor equal."""
    kept: list[Point] = []
    for k, point in enumerate(points(left.free_symbols | right.free_symbols, assume=assume)):
        try:
            values = values_at((left, right), point, BITS)
        except (ArithmeticError, NotImplementedError, TypeError, ValueError):
            continue
        if all(v.is_finite() and not v.contains(0) for v in values):
            kept.append(point)
        if len(kept) == POINTS or k > 40:
            break
    return kept


def _ratio(left: sp.Expr, right: sp.Expr, tried: Sequence[Point]) -> str:
    found = [value_at(left, p, BITS) / value_at(right, p, BITS) for p in tried]
    if not all(f.overlaps(found[0]) and f.rad() < 1e-8 for f in found):
        return ""
    for known in RATIOS:
        if found[0].overlaps(value_at(sp.sympify(known), {}, BITS)):
            return str(known)
    return found[0].real.str(8, radius=False)


def _agree(edited: sp.Expr, other: sp.Expr, tried: Sequence[Point]) -> bool:
    agreed = 0
    for point in tried:
        try:
            a, b = values_at((edited, other), point, BITS)
        except (ArithmeticError, NotImplementedError, TypeError, ValueError):
            continue
        if a.is_finite() and b.is_finite():
            if not _close(a, b):
                return False
            agreed += 1
    return agreed >= 3


def _close(a: Any, b: Any) -> bool:
    return bool(a.overlaps(b)) and bool((a - b).rad() < (1 + abs(b).upper()) * 1e-10)


def _edits(side: sp.Expr, which: str = "right") -> Iterator[tuple[sp.Expr, str]]:
    """The side with one thing changed, and what was."""
    where = "" if which == "right" else "left side: "
    yield -side, f"{where}the sign is off"
    for power in sorted(side.atoms(sp.Pow), key=sp.default_sort_key):
        if (power.base is not sp.E and power.exp.free_symbols) or not power.exp.is_Integer:
            for factor in (2, sp.Rational(1, 2), -1):
                words = "the sign of the exponent is off" if factor == -1 else "the exponent is off by a factor 2"
                yield (
                    side.xreplace({power: power.base ** (power.exp * factor)}),
                    f"{where}{words}: {power} should be {power.base ** (power.exp * factor)}",
                )
    for s in sorted(side.free_symbols, key=str):
        edits = (s - 1, s + 1) if s.is_integer else (s / 2, 2 * s, -s)
        for value in edits:
            yield side.subs(s, value), f"{where}{s} should be {value}"
    for call in sorted(side.atoms(sp.exp), key=sp.default_sort_key):
        for factor in (2, sp.Rational(1, 2), -1):
            yield (
                side.xreplace({call: sp.exp(call.args[0] * factor)}),
                f"{where}{call} should be {sp.exp(call.args[0] * factor)}",
            )
    for factor in RATIOS[1:]:
        yield side * factor, f"{where}a factor {factor} is missing"
    terms = sp.Add.make_args(side)
    if 1 < len(terms) < 8:
        for term in terms:
            yield side - 2 * term, f"{where}the sign of {term} is off"
            yield side - term, f"{where}{term} is too much"
