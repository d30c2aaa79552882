"""The small figure of a prediction: measured over predicted at every point, on one scale for all predictions.

The height is linear in the logarithm of the ratio below a twentieth and logarithmic beyond, so that errors of a per cent and
factors of ten are seen at once. The figure is a few paths, written here: a hundred points take some three kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from validation.report.standing import Row, Standing, ratio
from validation.report.words import counted, short

__all__ = ["drawn"]

FINE, FARTHEST = 0.05, 100.0
TICKS = {
    100: "×100",
    10: "×10",
    2: "×2",
    1.1: "+10 %",
    1: "equal",
    1 / 1.1: "−10 %",
    0.5: "÷2",
    0.1: "÷10",
    0.01: "÷100",
}
EDGE = 10  # room for half a marker, and half a number


@dataclass(frozen=True)
class Frame:
    """Where points lie, in units of the figure: `left` to `width`, and `half` above and below `middle`; their `size`."""

    left: float
    width: float
    middle: float
    half: float
    size: float

    def level(self, value: float) -> float:
        """How far down a ratio is."""
        return self.middle - self.half * _height(value)


SMALL, LARGE = Frame(0, 176, 24, 18, 4), Frame(54, 720, 119, 113, 6)


def drawn(standing: Standing, *, large: bool = False) -> str:
    """An element of a page: agreement expected as dots, disagreement as squares, bars of one standard error.

    Large, it has a scale, and the claims' numbers below their points. Ratios beyond a factor 100, and those that are not
    positive, stand at the edge.
    """
    frame, height = (LARGE, 260) if large else (SMALL, 48)
    places = _places(standing, frame)
    marks = _lines(frame) + (_scale(frame) + _numbers(standing, places, height - 4) if large else "")
    for tone, rows in (("agree", standing.agreeing), ("differ", standing.differing)):
        marks += _points(tone, [(places[id(row)], row) for row in rows], frame)
    kind = "ratios large" if large else "ratios"
    size = f"viewBox='0 0 {frame.width:g} {height}' width='{frame.width:g}' height='{height}'"
    return f"<svg class='{kind}' {size} role='img' aria-label='{escape(_said(standing))}'>{marks}</svg>"


def _height(value: float) -> float:
    """From -1 to 1."""
    if not value > 0:
        return -1.0
    distance = math.log1p(abs(math.log(min(max(value, 1 / FARTHEST), FARTHEST))) / FINE)
    return math.copysign(distance / math.log1p(math.log(FARTHEST) / FINE), value - 1)


def _places(standing: Standing, frame: Frame) -> dict[int, float]:
    """How far right each point is: evenly, with room for one between claims."""
    claims = list(standing.claims.values())
    step = (frame.width - frame.left - 2 * EDGE) / max(1, len(standing.rows) + len(claims) - 2)
    order = [row for rows in claims for row in (*rows, None)]
    return {id(row): frame.left + EDGE + step * place for place, row in enumerate(order) if row is not None}


def _lines(frame: Frame) -> str:
    """Equality, and ten per cent off."""
    across = f"M{frame.left:g} {{:.1f}}H{frame.width:g}"
    off = "".join(across.format(frame.level(value)) for value in (1.1, 1 / 1.1))
    return f"<path class='equal' d='{across.format(frame.middle)}'/><path class='off' d='{off}'/>"


def _scale(frame: Frame) -> str:
    return "".join(
        f"<text x='{frame.left - 6:g}' y='{frame.level(value) + 4:.1f}' text-anchor='end'>{word}</text>"
        for value, word in TICKS.items()
    )


def _numbers(standing: Standing, places: dict[int, float], y: float) -> str:
    """Of the claims, as they are numbered in the table below, where there is room."""
    every = math.ceil(len(standing.claims) / 30)
    shown = list(enumerate(standing.claims.values(), 1))[::every]
    return "".join(
        f"<text x='{(places[id(rows[0])] + places[id(rows[-1])]) / 2:.1f}' y='{y:g}' text-anchor='middle'>{number}</text>"
        for number, rows in shown
    )


def _points(tone: str, points: Sequence[tuple[float, Row]], frame: Frame) -> str:
    """A marker is a line as long as it is thick, or, with round ends, of no length; points without a ratio have none."""
    length = 0 if tone == "agree" else frame.size
    bars, marks = "", ""
    for x, row in points:
        value = ratio(row)
        if math.isnan(value):
            continue
        bars += f"M{x:.1f} {frame.level(ratio(row, -1)):.1f}V{frame.level(ratio(row, 1)):.1f}"
        marks += f"M{x - length / 2:.1f} {frame.level(value):.1f}h{length:g}"
    shape = f"stroke-width='{frame.size:g}' d='{marks}'"
    return f"<path class='bars {tone}' d='{bars}'/><path class='marks {tone}' {shape}/>" if marks else ""


def _said(standing: Standing) -> str:
    """What the figure shows, in a sentence."""
    kinds = (("expected to agree", standing.agreeing), ("expected to disagree", standing.differing))
    parts = [f"{counted(len(rows), 'point')} {words}{_range(rows)}" for words, rows in kinds if rows]
    return f"Measured over predicted: {'; '.join(parts)}."


def _range(rows: Iterable[Row]) -> str:
    known = [value for value in map(ratio, rows) if math.isfinite(value)]
    if not known:
        return ""
    low, high = (f"{value:.3f}" if 0.9 < value < 1.1 else short(value) for value in (min(known), max(known)))
    return f", {low}" if low == high else f", from {low} to {high}"
