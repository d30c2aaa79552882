"""The predictions on the page: a row for each, which opens to its figures, its claims, their points and its derivation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from validation.claim import holds
from validation.report import ratios
from validation.report.markup import Html, badge, fold, measured, number, prose, scrolled, slug, table
from validation.report.standing import Row, Standing, farthest
from validation.report.tables import seen
from validation.report.words import counted

__all__ = ["address", "coordinates", "predictions", "verdict"]

ROW = ("points agree", "largest |z|", "expected disagreements", "smallest error seen")
CLAIMS = ("Claim", "Points hold", "Largest |z|", "Sees", "Control rejected", "Outcome")
ABOUT = """A point holds if its verdict is the expected one and the same data reject its negative control, a deliberately wrong
prediction. z is the distance of measurement from prediction, in standard errors; the largest is that of the points where
agreement is expected. The smallest error seen is the relative error of a prediction that data like these would have rejected
with a probability of 99 %, at the best of its points. The figures show measured over predicted at every point, all on one
scale: dots where agreement is expected, squares where disagreement is, dotted lines 10 % off, the edges a factor 100."""
RATIOS = """Measured over predicted at every point, by claim as numbered below: dots where agreement is expected, squares where
disagreement is. Bars: one standard error. Ratios beyond the edges, or not positive, are drawn there."""


def address(standing: Standing) -> str:
    """Of what a prediction opens to."""
    return f"prediction-{slug(standing.name)}"


def verdict(standings: Sequence[Standing]) -> str:
    """Whether all predictions hold, and if not, which do not."""
    rows = [row for standing in standings for row in standing.rows]
    claims = [claim for standing in standings for claim in standing.claims.values()]
    failing = [standing for standing in standings if not standing.holds]
    held = sum(all(map(holds, claim)) for claim in claims)
    tally = f"{held} of {len(claims)} claims hold, at {_count(rows)} points."
    if not failing:
        return f"<p class='tally'><strong>{_all(len(standings))}.</strong> {tally}</p>"
    links = ", ".join(f"<a href='#{address(standing)}'>{escape(standing.name)}</a>" for standing in failing)
    do = "does" if len(failing) == 1 else "do"
    said = f"{len(failing)} of {counted(len(standings), 'prediction')} {do} not hold"
    return f"<p class='tally fails'><strong>{said}</strong>: {links}. {tally}</p>"


def _all(count: int) -> str:
    return "The prediction holds" if count == 1 else f"All {count} predictions hold"


def predictions(standings: Sequence[Standing], figures: Mapping[str, str], derivations: Mapping[str, str]) -> str:
    """A row for each prediction; those that do not hold are open.

    Args:
        standings: the predictions.
        figures: the markup of their figures, by their names.
        derivations: the markup of their derivations.
    """
    names = "".join(f"<span>{name}</span>" for name in ROW)
    header = f"<div class='row columns' aria-hidden='true'><span></span><span></span>{names}</div>"
    rows = "".join(_prediction(s, figures.get(s.name, ""), derivations.get(s.name, "")) for s in standings)
    return f"{header}{rows}{fold('How to read this', f'<p>{ABOUT}</p>')}"


def _prediction(standing: Standing, figures: str, derivation: str) -> str:
    statement = standing.statement[:1].upper() + standing.statement[1:]
    name = "" if standing.statement == standing.name else f" <code>{escape(standing.name)}</code>"
    mark = "" if standing.holds else f" {badge('does not hold', 'bad')}"
    summary = f"<h3>{prose(statement)}{name}{mark}</h3>{ratios.drawn(standing)}{_values(standing)}"
    ratio = scrolled(f"Ratios of {standing.name}", ratios.drawn(standing, large=True))
    ratio = f"<figure class='wide'>{ratio}<figcaption>{RATIOS}</figcaption></figure>"
    opened = (
        f"<div class='figures'>{figures}{ratio}</div>",
        f"<h4>Claims</h4>{_claims(standing)}{_points(standing)}",
        f"<h4>Derivation</h4>{derivation}" if derivation else "",
    )
    state = "" if standing.holds else " open"
    return (
        f"<details class='prediction'{state}><summary class='row'>{summary}</summary>"
        f"<div class='inset' id='{address(standing)}'>{''.join(opened)}</div></details>"
    )


def _values(standing: Standing) -> str:
    values = (
        _count(standing.agreeing),
        number(standing.largest_z, ".2f"),
        _count(standing.differing),
        seen({"detectable": standing.sees}) or "–",
    )
    return "".join(
        f"<span class='value'>{value} <span class='label'>{name}</span></span>"
        for value, name in zip(values, ROW, strict=True)
    )


def _claims(standing: Standing) -> str:
    rows = [_claim(number, name, points) for number, (name, points) in enumerate(standing.claims.items(), 1)]
    return scrolled(f"Claims of {standing.name}", table("claims", CLAIMS, rows, {1, 2, 3}))


def _claim(number_: int, name: str, rows: Sequence[Row]) -> list[object]:
    first, worst = rows[0], farthest(rows)
    z = None if worst is None else abs(worst["z"])
    statement, coarse = first.get("statement", ""), first.get("coarse", "")
    said = f"{number_}. {prose(statement)}{'. It sees large errors alone: ' + escape(coarse) + '.' if coarse else ''}"
    rejected = sum(bool(row["control"]["rejected"]) for row in rows)
    return [
        Html(f"{said} <code>{escape(name)}</code>"),
        _count(rows),
        Html(number(z, ".2f" if z is not None and z < 100 else ".0f")),
        seen(first) or Html("–"),
        f"{first['control']['description']} ({rejected} of {len(rows)})",
        _outcome(rows),
    ]


def _outcome(rows: Sequence[Row]) -> Html:
    expected = rows[0]["expected"]
    if not all(map(holds, rows)):
        return badge("does not hold", "bad")
    return badge("holds" if expected == "agrees" else f"{expected}, as expected", "good")


def _points(standing: Standing) -> str:
    """Every point, folded; those of claims that do not hold are shown."""
    failing = standing.failing
    held = {name: rows for name, rows in standing.claims.items() if name not in failing}
    shown = scrolled(f"Points of {standing.name} that do not hold", _tables(failing)) if failing else ""
    if not held:
        return shown
    count = sum(map(len, held.values()))
    return shown + fold(counted(count, "point"), scrolled(f"Points of {standing.name}", _tables(held)))


def _tables(claims: Mapping[str, Sequence[Row]]) -> str:
    return "".join(
        _table(name, [row for row in rows if _kind(row) == kind])
        for name, rows in claims.items()
        for kind in dict.fromkeys(map(_kind, rows))
    )


def _kind(row: Row) -> tuple[str, str]:
    return row["observable"], row["control"]["description"]


def _table(name: str, rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(key for row in rows for key in row["coordinates"]))
    header = [*names, "Predicted", "Measured", "Allowed bias", "z", "Verdict", "Control"]
    lines = [[*(row["coordinates"].get(name) for name in names), *_judgement(row)] for row in rows]
    observable, control = _kind(rows[0])
    caption = f"{name}: {observable}. Negative control: {control.rstrip('.')}."
    return table("inner", header, lines, (), caption)  # its style sets numbers flush right: all but the last two


def _judgement(row: Row) -> tuple[object, ...]:
    verdict, expected = row["verdict"], row["expected"]
    remark = "" if expected == "agrees" else ", as expected"
    return (
        row["predicted"],
        measured(row["measured"], row["sem"]),
        row["allowed_bias"],
        Html(number(row["z"], "+.2f")),
        f"{verdict}{remark}" if verdict == expected else Html(f"{badge(verdict, 'bad')} expected: {escape(expected)}"),
        "rejected" if row["control"]["rejected"] else badge("not rejected", "bad"),
    )


def coordinates(row: Row) -> str:
    """Where a point is."""
    return ", ".join(f"{name} {_short(value)}" for name, value in row["coordinates"].items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _count(rows: Sequence[Row]) -> str:
    return f"{sum(map(holds, rows))} of {len(rows)}" if rows else "0"
