"""The report: claims, figures, derivations and provenance, as one page that needs nothing else to be read.

The page loads nothing (its content policy forbids it), runs no script, and carries the font of its formulas.
Beside it lies what a reader will want to compute with or to print: claims.csv, manifest.json, every figure.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from importlib.resources import files
from numbers import Integral, Real
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from math_core import LatexError, LatexToMathML

from numerics.storage.files import check_directory, write_atomic
from theory.lines.line import KINDS
from validation.claim import by_claim, holds
from validation.report import figures as drawing
from validation.report.derivation_text import tallied
from validation.report.tables import plain, seen

if TYPE_CHECKING:
    import matplotlib.figure

    from theory.derivation import Derivation, Step

__all__ = ["Figure", "Section", "checked_page", "write_report"]

Row = Mapping[str, Any]

ASSETS = files("validation").joinpath("assets")
CONVERTER = LatexToMathML(annotation=True)
TONES = {"proved": "good", "supported": "good", "inconclusive": "weak", "underpowered": "weak"} | dict.fromkeys(
    KINDS, "noted"
)
RULE = """A point holds if its verdict is the expected one and the same data reject its negative control, a
deliberately wrong prediction. z is the distance of measurement from prediction, in standard errors. A claim sees a relative error
of its prediction if data like these would have rejected it with a probability of 99 %, at the best of its points."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: the stem of its files.
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
) -> Path:
    """Write report.html, manifest.json, every figure as NAME.pdf and NAME.svg and, given claims, claims.csv.

    Everything is composed before the first file is written; each file is written atomically, the page last.

    Args:
        directory: where to; created if missing.
        title: the heading of the page.
        introduction: paragraphs parted by an empty line; formulas between dollar signs are typeset.
        claims: a row per point: claim, observable, coordinates, predicted, measured, sem, allowed_bias, z,
            verdict, expected, control. It holds if its verdict is the expected one and its control rejected.
        derivations: shown folded, each step with its verdict.
        figures: shown in order.
        manifest: where the numbers come from.
        sections: further tables, shown between the claims and the figures.

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
    body = (
        "".join(f"<p class='lead'>{_lines(part)}</p>" for part in introduction.split("\n\n")),
        _claims(claims) if claims else "",
        *map(_section, sections),
        _figures(figures, outputs) if figures else "",
        "<h2>Derivations</h2>" if derivations else "",
        *map(_derivation, derivations),
        f"<h2>Provenance</h2>{_fold('manifest.json', f'<pre>{escape(provenance)}</pre>')}",
        f"<footer class='quiet'>Beside this page: {', '.join(sorted(outputs))}.</footer>",
    )
    outputs["report.html"] = _page(title, "\n".join(filter(None, body))).encode()
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in outputs.items():
        write_atomic(directory / name, content)
    return directory / "report.html"


def checked_page(title: str, derivations: Sequence[Derivation]) -> str:
    """The whole page of derivations that were checked: each line beside its source, with its verdict and what that rests on."""
    return _page(title, "".join(_checked(d) for d in derivations))


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


def _page(title: str, body: str) -> str:
    style, template = (ASSETS.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "html"))
    if "<math" in body:
        font = _data_url("font/woff2", ASSETS.joinpath("math.woff2").read_bytes())
        style = f"@font-face {{ font-family: 'Report Math'; src: url({font}) format('woff2'); }}\n{style}"
    return Template(template).substitute(title=escape(title), style=style, body=body)


def _lines(paragraph: str) -> str:
    return "<br>".join(_prose(line) for line in paragraph.splitlines())


def _claims(claims: Sequence[Row]) -> str:
    groups = by_claim(claims)
    held = sum(all(map(holds, rows)) for rows in groups.values())
    tally = f"<strong>{held} of {len(groups)} claims hold</strong>, at {_count(holds, claims)} points."
    tone = "tally" if held == len(groups) else "tally fails"
    header = _header(["Claim", "Points hold", "Largest |z|", "Sees", "Controls", "Outcome"], {1, 2, 3, 4})
    body = "".join(_claim(name, rows) for name, rows in groups.items())
    table = f"<div class='scroll'><table class='outer'>{header}{body}</table></div>"
    return f"<p class='{tone}'>{tally}</p><h2>Claims</h2><p class='quiet'>{RULE}</p>{table}"


def _claim(name: str, rows: Sequence[Row]) -> str:
    whole = all(map(holds, rows))
    z = max((abs(row["z"]) for row in rows if _is_finite(row["z"])), default=None)
    values = _Html(_count(holds, rows)), _Html(_number(z, ".2f")), seen(rows[0]), _Html(_count(_rejected, rows))
    expected = rows[0]["expected"]
    outcome = _badge("holds" if expected == "agrees" else f"{expected}, as expected", "good")
    if not whole:
        outcome = _badge("does not hold", "bad")
    tables = _grouped(rows, lambda row: (row["observable"], row["control"]["description"]))
    label = "1 point" if len(rows) == 1 else f"{len(rows)} points"
    points = _fold(label, "".join(map(_points, tables.values())), opened=not whole)
    statement = rows[0].get("statement", "")
    if coarse := rows[0].get("coarse"):
        statement = f"{statement}. It sees large errors alone: {coarse}."
    title = _Html(f"{escape(name)}<p class='quiet'>{escape(statement)}</p>" if statement else escape(name))
    line = _line([title, *values, outcome], {1, 2, 3, 4})
    return f"<tbody>{line}<tr class='points'><td colspan='6'>{points}</td></tr></tbody>"


def _points(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(key for row in rows for key in row["coordinates"]))
    header = [*names, "Predicted", "Measured", "Allowed bias", "z", "Verdict", "Control"]
    lines = [[*(row["coordinates"].get(name) for name in names), *_judgement(row)] for row in rows]
    caption = f"{rows[0]['observable']}. Negative control: {rows[0]['control']['description'].rstrip('.')}."
    return _table("inner", header, lines, set(range(len(header) - 2)), caption)


def _judgement(row: Row) -> tuple[object, ...]:
    verdict, expected = row["verdict"], row["expected"]
    met = verdict == expected
    remark = ("" if expected == "agrees" else " as expected") if met else f" expected: {escape(expected)}"
    return (
        row["predicted"],
        _measured(row["measured"], row["sem"]),
        row["allowed_bias"],
        _Html(_number(row["z"], "+.2f")),
        _Html(_badge(verdict, "good" if met else "") + remark),
        _badge("rejected", "good") if _rejected(row) else _badge("not rejected", "bad"),
    )


def _section(section: Section) -> str:
    columns = range(len(section.header))
    numeric = {i for i in columns if all(row[i] is None or _is_number(row[i]) for row in section.rows)}
    text = f"<p>{_prose(section.text)}</p>" if section.text else ""
    table = f"<div class='scroll'>{_table('plain', section.header, section.rows, numeric)}</div>"
    shown = _fold(f"{len(section.rows)} rows", table) if section.folded else table
    return f"<h2>{escape(section.title)}</h2>{text}{shown}"


def _figures(figures: Sequence[Figure], drawings: Mapping[str, bytes]) -> str:
    shown = []
    for f in figures:
        width, height = f.figure.get_size_inches()
        source = _data_url("image/svg+xml", drawings[f"{f.name}.svg"])
        image = f"<img src='{source}' alt='{escape(f.caption)}'>"
        kind = "wide" if width > 1.8 * height else "half"
        shown.append(f"<figure class='{kind}'>{image}<figcaption>{_prose(f.caption)}</figcaption></figure>")
    return f"<h2>Figures</h2><div class='figures'>{''.join(shown)}</div>"


def _derivation(d: Derivation) -> str:
    about = f"<p>{_prose(d.assumptions)}</p><p class='quiet'>{_prose(d.source)}</p>"
    steps = f"<ol class='steps'>{''.join(map(_step, d.steps))}</ol>"
    return _fold(f"<h3>{_prose(d.statement)}</h3> {_badge(d.verdict)}", about + steps)


def _checked(d: Derivation) -> str:
    tone = "tally" if d.verdict in ("proved", "supported") else "tally fails"
    about = "".join(f"<p class='quiet'>{_prose(words)}</p>" for words in (d.source, d.assumptions) if words)
    steps = "".join(_step(step, f"{step.file}:{step.number}\n{step.code}") for step in d.steps)
    tally = f"<p class='{tone}'><strong>{escape(d.verdict)}</strong>: {escape(tallied(d))}</p>"
    return f"<h2>{_prose(d.prediction)}</h2>{tally}{about}<ol class='steps'>{steps}</ol>"


def _step(step: Step, source: str = "") -> str:
    code = f"<pre>{escape(source)}</pre>" if source else ""
    reason = f"<p>{_prose(step.reason)}</p>" if step.reason else ""
    told = "".join(
        f"<p class='quiet'>{_prose(words[:1].upper() + words[1:])}</p>" for words in step.told() if words != step.reason
    )
    return (
        f"<li><h4>{_prose(step.name)}</h4> {_badge(step.label, TONES.get(step.verdict, 'bad'))}{code}"
        f"<div class='formula'>{_math(step.statement, display=True)}</div>{reason}{told}</li>"
    )


# elements


class _Html(str):
    """Text that is markup already."""


def _table(
    kind: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Collection[int],
    caption: str = "",
) -> str:
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(_line(row, numeric) for row in rows)
    return f"<table class='{kind}'>{above}{_header(header, numeric)}<tbody>{body}</tbody></table>"


def _header(names: Sequence[str], numeric: Collection[int]) -> str:
    cells = (f"<th scope='col'{_align(i in numeric)}>{escape(name)}</th>" for i, name in enumerate(names))
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _line(values: Sequence[object], numeric: Collection[int]) -> str:
    first, *rest = (f"{_align(i in numeric)}>{_cell(value)}" for i, value in enumerate(values))
    return f"<tr><th scope='row'{first}</th>{''.join(f'<td{cell}</td>' for cell in rest)}</tr>"


def _align(numeric: bool) -> str:
    return " class='number'" if numeric else ""


def _cell(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or _is_number(value):
        return _number(value)
    return value if isinstance(value, _Html) else escape(str(value))


def _badge(verdict: str, tone: str = "") -> _Html:
    return _Html(f"<span class='badge {tone or TONES.get(verdict, 'bad')}'>{escape(verdict)}</span>")


def _fold(summary: str, body: str, *, opened: bool = False) -> str:
    state = " open" if opened else ""
    return f"<details{state}><summary>{summary}</summary><div class='inset'>{body}</div></details>"


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


# formulas and numbers


def _prose(text: str) -> str:
    """Escaped text whose $...$ are formulas."""
    pieces = re.split(r"\$([^$]+)\$", text)
    return "".join(_math(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces))


def _math(latex: str, *, display: bool = False) -> str:
    try:
        return str(CONVERTER.convert_with_local_state(latex, displaystyle=display))
    except LatexError:
        return f"<code>{escape(latex)}</code>"


def _number(value: object, spec: str = ".6g") -> str:
    if not _is_finite(value):
        return "–"
    if isinstance(value, Integral):
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "−")  # narrow spaces between thousands
    mantissa, _, exponent = format(float(value), spec).partition("e")
    return (mantissa + (f" × 10<sup>{int(exponent)}</sup>" if exponent else "")).replace("-", "−")


def _measured(value: object, sem: object) -> _Html:
    """The value ± its error to two digits of the error, with one power of ten where it is far from 1."""
    if not (_is_finite(value) and _is_finite(sem) and sem > 1e-9 * abs(value)):
        return _Html(_number(value))
    exponent = math.floor(math.log10(max(abs(value), sem)))
    shift = 0 if -4 < exponent < 6 else exponent
    digits = max(0, 1 - math.floor(math.log10(sem)) + shift)
    both = " ± ".join(f"{Decimal(float(v)).scaleb(-shift):.{digits}f}" for v in (value, sem))
    return _Html((f"({both}) × 10<sup>{shift}</sup>" if shift else both).replace("-", "−"))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_finite(value: object) -> TypeGuard[float]:
    return _is_number(value) and math.isfinite(value)


# rows


def _rejected(row: Row) -> bool:
    return bool(row["control"]["rejected"])


def _count(test: Callable[[Row], bool], rows: Sequence[Row]) -> str:
    return f"{sum(map(test, rows))} of {len(rows)}"


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
