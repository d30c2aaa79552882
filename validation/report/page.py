"""The report: predictions, what is expected to fail, tables and provenance, as one page that needs nothing else to be read.

The page loads nothing (its content policy forbids it), runs no script, and carries the font of its formulas and the letters of
its figures once.
Beside it lies what a reader will want to compute with or to print: claims.csv, manifest.json, every figure.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from numerics.storage.files import check_directory, write_atomic
from validation.report import figures as drawing
from validation.report.derivation_text import faults, tallied
from validation.report.disagreements import disagreements
from validation.report.error_curve import drawn
from validation.report.markup import TONES, badge, fold, formula, is_number, part, prose, scrolled, slug, spoken, table
from validation.report.predictions import predictions, verdict
from validation.report.standing import Row, standings
from validation.report.svg import inline, library
from validation.report.tables import plain
from validation.report.words import counted

if TYPE_CHECKING:
    import matplotlib.figure

    from theory.derivation import Derivation, Step

__all__ = ["Figure", "Section", "checked_page", "write_report"]

ASSETS = files("validation").joinpath("assets")


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: the stem of its files; that of the prediction which it belongs to.
        caption: what it shows, with units and parameters; formulas between dollar signs are typeset.
        figure: the matplotlib figure.
    """

    name: str
    caption: str
    figure: matplotlib.figure.Figure


@dataclass(frozen=True)
class Section:
    """A table under a heading.

    Attributes:
        title: the heading.
        text: a paragraph above the table; formulas between dollar signs are typeset.
        header: the names of the columns, units included.
        rows: one value per column: numbers, booleans, None or text.
        folded: shown when asked for only.
    """

    title: str
    text: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    folded: bool = False


def write_report(
    directory: Path,
    *,
    title: str,
    introduction: str,
    claims: Sequence[Row],
    derivations: Sequence[Derivation],
    figures: Sequence[Figure],
    manifest: Mapping[str, Any],
    sections: Sequence[Section] = (),
    statements: Mapping[str, str] | None = None,
) -> Path:
    """Write report.html, manifest.json, every figure as NAME.pdf and NAME.svg and, given claims, claims.csv.

    Everything is composed before the first file is written; each file is written atomically, the page last.

    Args:
        directory: where to; created if missing.
        title: the heading of the page.
        introduction: paragraphs parted by an empty line, of which a question that begins one is set bold; formulas between
            dollar signs are typeset.
        claims: a row per point: claim, observable, coordinates, predicted, measured, sem, allowed_bias, z,
            verdict, expected, control. It holds if its verdict is the expected one and its control rejected. A claim belongs
            to the prediction that its name begins with, up to a dot.
        derivations: shown with their predictions, or by themselves, each step with its verdict.
        figures: shown with the predictions of their names, or by themselves.
        manifest: where the numbers come from.
        sections: further tables, shown after the figures.
        statements: what the predictions say, by name; a prediction without one is called by its name.

    Returns:
        The path of report.html.

    Raises:
        ValueError: the directory is a file or not writable, or figures' names are not distinct file stems.
        OSError: the disk refused a file.
    """
    _check_names([f.name for f in figures])
    check_directory(directory)
    outputs = {f"{f.name}.{kind}": _draw(f.figure, kind) for f in figures for kind in ("pdf", "svg")}
    if claims:
        outputs["claims.csv"] = _csv(claims)
    for section in sections:
        rows = [dict(zip(section.header, row, strict=True)) for row in section.rows]
        outputs[f"{_stem(section.title)}.csv"] = _csv(rows)
    provenance = json.dumps(plain(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    outputs["manifest.json"] = provenance.encode()
    shown = _Shown(figures, outputs)
    found = standings(claims, statements or {})
    names = {standing.name for standing in found}
    derived = {d.prediction: _derivation(d, 5) for d in derivations if d.prediction in names}
    parts = {
        "Predictions": predictions(found, shown.figures, derived) if found else "",
        "Expected disagreements": disagreements(found),
        "Figures": shown.all_but(names),
        **{section.title: _section(section) for section in sections},
        "Derivations": "".join(_folded(d) for d in derivations if d.prediction not in names),
        "Provenance": fold("manifest.json", f"<pre>{escape(provenance)}</pre>"),
    }
    lead = "".join(f"<p class='lead'>{_lines(paragraph)}</p>" for paragraph in introduction.split("\n\n"))
    footer = f"<footer class='quiet'>Beside this page: {', '.join(sorted(outputs))}.</footer>"
    body = f"{lead}{verdict(found) if found else ''}{_contents(parts)}"
    outputs["report.html"] = _page(title, body, parts, footer=footer, letters=library(shown.letters)).encode(
        errors="replace"
    )
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in outputs.items():
        write_atomic(directory / name, content)
    return directory / "report.html"


def checked_page(title: str, derivations: Sequence[Derivation]) -> str:
    """The whole page of derivations that were checked: each line beside its source, with its verdict and what that rests on."""
    return _page(title, "".join(_checked(d, f"d{k}") for k, d in enumerate(derivations, 1)))


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not re.fullmatch(r"\w[\w.-]*", name) or names.count(name) > 1:
            wanted = "distinct figure names of letters, digits, '_', '-' and '.'"
            raise ValueError(f"expected {wanted}; got {name!r}; rename that figure")


# the files beside the page


def _draw(figure: matplotlib.figure.Figure, kind: str) -> bytes:
    """The same figure gives the same bytes."""
    import matplotlib as mpl

    date = {"svg": "Date", "pdf": "CreationDate"}[kind]
    options: dict[Any, Any] = {"svg.hashsalt": "geomem", "pdf.fonttype": 42}
    with io.BytesIO() as buffer, drawing.style(), mpl.rc_context(options):
        figure.savefig(buffer, format=kind, metadata={date: None})
        return buffer.getvalue()


def _stem(title: str) -> str:
    return re.sub(r"\W+", "_", title.lower()).strip("_")


def _csv(rows: Sequence[Row]) -> bytes:
    rows = [dict(_flat(row)) for row in rows]
    with io.StringIO(newline="") as buffer:
        writer = csv.DictWriter(buffer, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue().encode()


def _flat(row: Row, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested mappings as columns named a.b, as pandas.json_normalize names them."""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", plain(value)


# the page, part by part


def _page(
    title: str, body: str, parts: Mapping[str, str] = MappingProxyType({}), footer: str = "", letters: str = ""
) -> str:
    style, template = (ASSETS.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "html"))
    body += "\n".join(part(name, content) for name, content in parts.items() if content)
    if "<math" in body:
        font = _data_url("font/woff2", ASSETS.joinpath("math.woff2").read_bytes())
        style = f"@font-face {{ font-family: 'Report Math'; src: url({font}) format('woff2'); }}\n{style}"
    return Template(template).substitute(title=escape(title), style=style, body=body, footer=footer, letters=letters)


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _contents(parts: Mapping[str, str]) -> str:
    """Links to the parts of the page."""
    links = "".join(
        f"<li><a href='#part-{slug(name)}'>{escape(name)}</a></li>" for name, content in parts.items() if content
    )
    return f"<nav aria-label='Contents'><ul>{links}</ul></nav>"


def _lines(paragraph: str) -> str:
    first, *others = map(prose, paragraph.splitlines() or [""])
    return "<br>".join([f"<strong>{first}</strong>" if "?" in first else first, *others])


class _Shown:
    """Figures as markup, and the letters that they share."""

    def __init__(self, figures: Sequence[Figure], drawings: Mapping[str, bytes]) -> None:
        self.figures: dict[str, str] = {}
        self.letters: dict[str, str] = {}
        for f in figures:
            image, letters = inline(f.name, drawings[f"{f.name}.svg"], spoken(f.caption))
            self.letters |= letters
            width, height = f.figure.get_size_inches()
            kind = "wide" if width > 1.8 * height else "half"
            image = scrolled(f"Figure {f.name}", image) if kind == "wide" else image
            caption = f"<figcaption>{prose(f.caption)}</figcaption>"
            self.figures[f.name] = f"<figure class='drawn {kind}'>{image}{caption}</figure>"

    def all_but(self, names: Collection[str]) -> str:
        """Those that are shown elsewhere left out."""
        left = "".join(figure for name, figure in self.figures.items() if name not in names)
        return f"<div class='figures'>{left}</div>" if left else ""


def _section(section: Section) -> str:
    columns = range(len(section.header))
    numeric = {i for i in columns if all(row[i] is None or is_number(row[i]) for row in section.rows)}
    text = f"<p>{prose(section.text)}</p>" if section.text else ""
    rows = scrolled(section.title, table("plain", section.header, section.rows, numeric))
    return text + (fold(counted(len(section.rows), "row"), rows) if section.folded else rows)


def _derivation(d: Derivation, level: int) -> str:
    about = f"<p>{prose(d.assumptions)}</p><p class='quiet'>{prose(d.source)}</p>"
    return f"{about}<ol class='steps'>{''.join(_step(step, level) for step in d.steps)}</ol>"


def _folded(d: Derivation) -> str:
    return fold(f"<h3>{prose(d.statement)}</h3> {badge(d.verdict)}", _derivation(d, 4))


def _checked(d: Derivation, place: str) -> str:
    tone = "tally" if d.verdict in ("proved", "supported") else "tally fails"
    about = "".join(f"<p class='quiet'>{prose(words)}</p>" for words in (d.source, d.assumptions) if words)
    steps = "".join(
        _step(step, 3, f"{step.file}:{step.number}\n{step.code}", f"{place}-{number}")
        for number, step in enumerate(d.steps, 1)
    )
    tally = f"<p class='{tone}'><strong>{escape(d.verdict)}</strong>: {escape(tallied(d))}</p>"
    failing = "".join(
        f"<li><a href='#{place}-{number}'>{prose(step.name)}</a>: {prose(words)}</li>"
        for number, step, words in faults(d)
    )
    failing = f"<ul>{failing}</ul>" if failing else ""
    return f"<section><h2>{prose(d.prediction)}</h2>{tally}{failing}{about}<ol class='steps'>{steps}</ol></section>"


def _step(step: Step, level: int, source: str = "", place: str = "") -> str:
    """A line of a derivation under a heading of this level."""
    anchor = f" id='{place}'" if place else ""
    code = f"<pre>{escape(source)}</pre>" if source else ""
    reason = f"<p>{prose(step.reason)}</p>" if step.reason else ""
    told = "".join(
        f"<p class='quiet'>{prose(words[:1].upper() + words[1:])}</p>" for words in step.told() if words != step.reason
    )
    error = drawn(step.curve) if step.curve else ""
    return (
        f"<li{anchor}><h{level}>{prose(step.name)}</h{level}> {badge(step.label, TONES.get(step.verdict, 'bad'))}{code}"
        f"{formula(step.statement)}{reason}{told}{error}</li>"
    )
