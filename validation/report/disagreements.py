"""The expected disagreements: what approximations and published formulas get wrong, and by what factor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from validation.claim import by_claim, holds
from validation.report.markup import Html, badge, is_finite, measured, number, prose, scrolled, table
from validation.report.predictions import address, coordinates
from validation.report.standing import Row, Standing, farthest, ratio
from validation.report.words import short

__all__ = ["disagreements"]

HEADER = ("What fails", "At", "Predicted", "Measured", "Measured / predicted", "z")
ABOUT = """These claims expect a disagreement, and it is part of the result: where an approximation or a published formula does
not hold, and by what factor. Each is shown at its point of the largest |z|, with the range of the factor over all points."""


def disagreements(standings: Iterable[Standing]) -> str:
    """A row for each claim that expects a disagreement; nothing where none does."""
    rows = [
        _line(standing, name, points) for standing in standings for name, points in by_claim(standing.differing).items()
    ]
    if not rows:
        return ""
    return (
        f"<p class='quiet'>{ABOUT}</p>{scrolled('Expected disagreements', table('plain', HEADER, rows, {2, 3, 4, 5}))}"
    )


def _line(standing: Standing, name: str, points: Sequence[Row]) -> list[object]:
    worst = farthest(points) or points[0]
    link = f"<a href='#{address(standing)}'><code>{escape(name)}</code></a>"
    unmet = "" if all(map(holds, points)) else f" {badge('does not hold', 'bad')}"
    return [
        Html(f"{prose(worst.get('statement', ''))} {link}{unmet}"),
        Html(escape(coordinates(worst))),
        Html(number(worst["predicted"], ".4g")),
        measured(worst["measured"], worst["sem"]),
        Html(f"<b>{_factor(ratio(worst))}</b>{_range(points)}"),
        _factor(worst["z"]),
    ]


def _factor(value: float | None) -> str:
    return short(value).replace("-", "−") if is_finite(value) else "–"


def _range(points: Sequence[Row]) -> str:
    known = [value for value in map(ratio, points) if math.isfinite(value)]
    if len(known) < 2:
        return ""
    return f"<br><span class='quiet'>{_factor(min(known))} to {_factor(max(known))} at {len(known)} points</span>"
