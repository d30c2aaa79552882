"""Elements of a page: tables, badges, folds, formulas and numbers, as markup whose text is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from html import escape
from numbers import Integral, Real
from typing import TypeGuard

import numpy as np
from math_core import LatexError, LatexToMathML

from theory.lines.line import KINDS

__all__ = [
    "Html",
    "badge",
    "fold",
    "formula",
    "is_finite",
    "is_number",
    "mathml",
    "measured",
    "number",
    "part",
    "prose",
    "scrolled",
    "slug",
    "spoken",
    "table",
]

WIDE = 60  # characters of LaTeX; on a screen of 400 px formulas overflow from 76 on
CONVERTER = LatexToMathML(annotation=True)
TONES = {"proved": "good", "supported": "good", "inconclusive": "weak", "underpowered": "weak"} | dict.fromkeys(
    KINDS, "noted"
)


class Html(str):
    """Text that is markup already."""


def slug(name: str) -> str:
    """A name as part of an address: letters, digits and dashes."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def part(title: str, body: str) -> str:
    """A part of the page under its heading, to which the page's contents link."""
    name = f"part-{slug(title)}"
    return f"<section id='{name}' aria-labelledby='{name}-title'><h2 id='{name}-title'>{escape(title)}</h2>{body}</section>"


def table(
    kind: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Collection[int],
    caption: str = "",
) -> str:
    """A table whose first column names the rows; the columns `numeric` are set flush right."""
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
    if value is None or is_number(value):
        return number(value)
    return value if isinstance(value, Html) else escape(str(value))


def scrolled(label: str, body: str) -> str:
    """What may be wider than the page, and is then moved by keyboard too."""
    return f"<div class='scroll' role='group' tabindex='0' aria-label='{escape(label)}'>{body}</div>"


def badge(verdict: str, tone: str = "") -> Html:
    """A verdict in a colour of its own."""
    return Html(f"<span class='badge {tone or TONES.get(verdict, 'bad')}'>{escape(verdict)}</span>")


def fold(summary: str, body: str, *, opened: bool = False) -> str:
    """What is shown when asked for."""
    state = " open" if opened else ""
    return f"<details{state}><summary>{summary}</summary><div class='inset'>{body}</div></details>"


# formulas and numbers


def prose(text: str) -> str:
    """Escaped text whose $...$ are formulas."""
    pieces = re.split(r"\$([^$]+)\$", text)
    return "".join(mathml(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces))


def spoken(text: str) -> str:
    """The same for who hears it: formulas without their marks."""
    return re.sub(r"\\(?:text|mathrm|mathbb|left|right|[,;! ])|[$\\{}]", "", text)


def formula(latex: str) -> str:
    """A formula on a line of its own; what may be wider than a page can be moved."""
    shown = mathml(latex, display=True)
    return scrolled("Formula", shown) if len(latex) > WIDE else f"<div>{shown}</div>"


def mathml(latex: str, *, display: bool = False) -> str:
    """A formula, or its source where that cannot be read."""
    try:
        return str(CONVERTER.convert_with_local_state(latex, displaystyle=display))
    except LatexError:
        return f"<code>{escape(latex)}</code>"


def number(value: object, spec: str = ".6g") -> str:
    """A number as in print, a dash where there is none."""
    if not is_finite(value):
        return "–"
    if isinstance(value, Integral):
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "−")  # narrow spaces between thousands
    mantissa, _, exponent = format(float(value), spec).partition("e")
    return (mantissa + (f" × 10<sup>{int(exponent)}</sup>" if exponent else "")).replace("-", "−")


def measured(value: object, sem: object) -> Html:
    """The value ± its error to two digits of the error, with one power of ten where it is far from 1."""
    if not (is_finite(value) and is_finite(sem) and sem > 1e-9 * abs(value)):
        return Html(number(value))
    exponent = math.floor(math.log10(max(abs(value), sem)))
    shift = 0 if -4 < exponent < 6 else exponent
    digits = max(0, 1 - math.floor(math.log10(sem)) + shift)
    both = " ± ".join(f"{Decimal(float(v)).scaleb(-shift):.{digits}f}" for v in (value, sem))
    return Html((f"({both}) × 10<sup>{shift}</sup>" if shift else both).replace("-", "−"))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a real number, NaN and infinities included."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: object) -> TypeGuard[float]:
    """Whether it is a number that can be shown."""
    return is_number(value) and math.isfinite(value)
