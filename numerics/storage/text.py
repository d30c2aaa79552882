"""Text: tables in lines of cells, as spreadsheets, R, pandas and NumPy write them.

What parts the cells, what the decimal mark is and whether the first row is a header are told from the first lines where
that is certain. Where two readings are possible the file is refused, and the message says how to choose one.
"""

from __future__ import annotations

import csv
import itertools
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from numerics.storage.columns import Columns, chosen, is_index_name, named, not_asked_for
from theory.real import EXACT

__all__ = ["TextTable", "read_text"]

Array = NDArray[np.float64]
SAMPLE = 200  # lines that tell the form of a file
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
PLAIN = re.compile(r"[+-]?\d+\.?\d*", re.ASCII)  # all digits given: no float64 was rounded to write it
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
ONE_OR_TWO = re.compile(r"[+-]?\d+,\d+", re.ASCII)  # whole numbers, or one with a decimal comma
POINT_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", re.ASCII)
SPACED = re.compile(r"[+-]?\d{1,3}([\s'\u2019._]\d{3})+([.,]\d*)?")  # by other marks than commas
FORTRAN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[dD][+-]?\d+", re.ASCII)
DRESSED = re.compile(r"[^\d.,:/-]*-?[^\d.,:/-]*(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*[^\d\s.,:/-]*", re.ASCII)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
MINUS = "\u2212"  # as typesetters and some spreadsheets write it
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
MISSING = {"", "na", "n/a", "<na>", "nan", "-nan", "+nan", "nat", "null", "none", "nil", "missing", "unknown"}
ERRORS = {"#n/a", "#value!", "#div/0!", "#num!", "#ref!", "#name?", "#null!", "#spill!", "#calc!"}  # of spreadsheets
MISSING |= {"-", "--", "?", ".", "*", *ERRORS}
COMMENT = re.compile(rf"\s*#(?!{'|'.join(re.escape(error[1:]) for error in sorted(ERRORS))})", re.IGNORECASE)
LABELS = 3  # numbers in a row that are no chance where they count
ASCENDING = 6  # and where they ascend, as those of no other row do


@dataclass(frozen=True)
class TextTable:
    """What a file of text holds.

    Attributes:
        samples: shape (N, D); NaN where a cell is missing.
        names: of all columns of the file, or None.
        places: where the columns that were read stand in the file, from 0.
        left_out: what was not read and why, a phrase each.
    """

    samples: Array
    names: tuple[str, ...] | None
    places: tuple[int, ...]
    left_out: tuple[str, ...]


def read_text(
    path: Path,
    *,
    columns: Columns = None,
    header: bool | None = None,
    decimal: str | None = None,
) -> TextTable:
    """A file of text.

    Args:
        path: the file.
        columns: those to read, as `chosen` takes them.
        header: whether the first row holds names; None to tell from the file.
        decimal: the decimal mark, a point or a comma; None to tell from the file.

    Raises:
        ValueError: for a table with two readings, rows of different lengths, and cells that are no numbers, with their line.
    """
    if decimal not in (None, ".", ","):
        raise ValueError(f"the decimal mark must be a point or a comma, got {decimal!r}")
    first = list(itertools.islice(_lines(path), SAMPLE))
    if not first:
        raise ValueError("the file is empty")
    form = _form([line for _, line in first], decimal)
    rows = [(number, form.cells(line)) for number, line in first]
    top, below = rows[0][1], [cells for _, cells in rows[1:]]
    names = _names(top, below, header, form)
    width = len(below[0]) if names is not None and below else len(top)
    if names is not None and len(names) != width:
        raise ValueError(f"the header has {len(names)} names where line {rows[1][0]} has {width} cells")
    data = below if names is not None else [top, *below]
    places, left_out, empty = _places(names, width, data, columns)
    counted = columns is None and bool(data) and 0 not in (*places, *empty) and WHOLE.fullmatch(data[0][0]) is not None
    body = _Body(path, form, rows[0][0] if names is not None else 0, width, tuple(places), tuple(empty), names, counted)
    return TextTable(body.read(), names, tuple(places), (*left_out, *_comments(path)))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold cells and their numbers, from 1: without blank ones, comments, and Excel's `sep=`."""
    with path.open(encoding="utf-8-sig") as file:  # spreadsheets write a byte order mark
        for number, line in enumerate(file, 1):
            text = line.strip("\r\n")
            if "\0" in text:
                raise ValueError(f"line {number} holds bytes of 0, as text in UTF-16 does; save it as UTF-8")
            if text.strip() and not COMMENT.match(text) and not re.fullmatch("sep=.", text.strip()):
                yield number, text


def _comments(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        count = sum(COMMENT.match(line) is not None for line in file)
    return [f"{count} line{'s' * (count > 1)} of comment (#)"] if count else []


# the form


@dataclass(frozen=True)
class _Form:
    """How lines are to be read: what parts cells (None for white space), and the decimal mark."""

    delimiter: str | None
    decimal: str = "."

    def cells(self, line: str) -> list[str]:
        if '"' in line:
            reader = csv.reader([line], delimiter=self.delimiter or " ", skipinitialspace=True)
            return [cell.strip() for cell in next(reader)]
        return [cell.strip() for cell in line.split(self.delimiter)]

    def pointed(self, cell: str) -> str:
        """A cell with a decimal point; one that has a point already is no number here."""
        if self.decimal == ".":
            return cell
        return "" if "." in cell else cell.replace(",", ".")

    def is_number(self, cell: str) -> bool:
        return NUMBER.fullmatch(self.pointed(cell)) is not None


def _form(lines: list[str], decimal: str | None) -> _Form:
    delimiter = _delimiter(lines)
    if delimiter == "," and decimal != "." and _one_column(lines, decimal):
        return _Form(";", ",")  # which is in no line
    cells = [cell for line in lines for cell in _Form(delimiter).cells(line)]
    mark = decimal or _decimal(cells)
    if decimal is None and mark == "." and delimiter == ";":
        _refuse_grouped(cells)
    return _Form(delimiter, mark)


def _one_column(lines: list[str], decimal: str | None) -> bool:
    """Whether commas are decimal marks all, of a table of one column.

    Raises:
        ValueError: where they may also part whole numbers.
    """
    body = lines[1:] if len(lines) > 1 and not ONE_OR_TWO.fullmatch(lines[0].strip()) else lines
    if not all(ONE_OR_TWO.fullmatch(line.strip()) for line in body):
        if decimal and not any('"' in line for line in lines):
            raise ValueError(
                "commas part the cells, so they cannot be the decimal mark; save the table with semicolons"
            )
        return False
    if decimal or (body is not lines and "," not in lines[0]):
        return True
    if body is lines:
        raise ValueError(
            f"lines such as {lines[0].strip()!r} are two whole numbers, or one with a decimal comma; say --decimal . or "
            "--decimal ,"
        )
    return False


def _refuse_grouped(cells: list[str]) -> None:
    """Refuse points that part thousands, or decimals to three places, where semicolons part the cells."""
    pointed = [cell for cell in cells if "." in cell and (NUMBER.fullmatch(cell) or POINT_GROUPED.fullmatch(cell))]
    if pointed and all(POINT_GROUPED.fullmatch(cell) for cell in pointed):
        raise ValueError(
            f"cells such as {pointed[0]!r} have two readings; write numbers without thousands separators, or, if a point is "
            "the decimal mark, say --decimal ."
        )


def _delimiter(lines: list[str]) -> str | None:
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
    delimiter = next((mark for mark in ";\t|," if all(mark in line for line in bare)), None)
    if delimiter is None and any("," in line for line in bare[1:]):
        delimiter = ","
    if delimiter in (",", None) and _spaced(bare[-1]):
        return None
    return delimiter or ","


def _spaced(line: str) -> bool:
    """Whether white space parts the cells of a line: it has some, and no comma but in numbers."""
    cells = line.split()
    numbers = all(NUMBER.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return len(cells) > 1 and (numbers or "," not in line)


def _decimal(cells: list[str]) -> str:
    commas = [cell for cell in cells if DECIMAL_COMMA.fullmatch(cell) or GROUPED.fullmatch(cell)]
    if not commas:
        return "."
    points = [cell for cell in cells if NUMBER.fullmatch(cell) and "." in cell]
    if points or all(GROUPED.fullmatch(cell) for cell in commas):
        seen = f"{commas[0]!r} and {points[0]!r}" if points else repr(commas[0])
        raise ValueError(
            f"cells such as {seen} have two readings; write numbers without thousands separators, or, if a comma is "
            "the decimal mark, say --decimal ,"
        )
    return ","


# the header


def _names(top: list[str], below: list[list[str]], header: bool | None, form: _Form) -> tuple[str, ...] | None:
    """The names in the first row, or None where it is data."""
    if header is None:
        header = _is_header(top, below, form)
    if not header:
        return None
    names = tuple(top)
    if below and len(names) >= 2 and all(len(cells) == len(names) + 1 for cells in below) and _name_rows(below):
        return ("", *names)  # as R writes it
    return names


def _name_rows(rows: list[list[str]]) -> bool:
    first = [cells[0] for cells in rows]
    return len(set(first)) == len(first) and not any(NUMBER.fullmatch(c) and not WHOLE.fullmatch(c) for c in first)


def _is_header(top: list[str], below: list[list[str]], form: _Form) -> bool:
    """Whether the first row is a header.

    Raises:
        ValueError: where it may be either.
    """
    numbers = [cell for cell in top if form.is_number(cell)]
    texts = [k for k, cell in enumerate(top) if not form.is_number(cell) and not _is_gap(cell)]
    if not numbers:
        return bool(texts)
    if any(INFINITE.fullmatch(cell) for cell in top):
        return False
    if texts and all(k < len(cells) and _is_text(cells[k], form) for cells in below for k in texts):
        return False  # the column is text all along
    if texts:
        return _certain(top, below, _counts(numbers, form), form)
    gap = top[0] == "" and all(cells and cells[0] for cells in below)  # the corner above an index
    if any(_is_gap(cell) for cell in top[gap:]):
        return False
    if _counts(numbers, form):
        return _certain(top, below, gap or _others_have_fractions(below, form), form)
    if gap or _may_be_labels(numbers, below, form):
        return _certain(top, below, False, form)
    return False


def _certain(top: list[str], below: list[list[str]], certain: bool, form: _Form) -> bool:
    numbers = [cell for cell in top if form.is_number(cell)]
    if (certain and len(numbers) >= LABELS) or not below:
        return True
    shown = ", ".join(repr(cell) for cell in (top if len(top) <= 4 else [*top[:3], "..."]))
    raise ValueError(
        f"the first row ({shown}) may be a header or data; say --header if it names columns, else --no-header"
    )


def _is_gap(cell: str) -> bool:
    return cell.lower() in MISSING


def _is_text(cell: str, form: _Form) -> bool:
    return not form.is_number(cell) and not _is_gap(cell) and not INFINITE.fullmatch(cell)


def _counts(numbers: list[str], form: _Form) -> bool:
    """Whether the numbers are those of columns, from 0 or from 1."""
    values = [float(form.pointed(cell)) for cell in numbers]
    return values[0] in (0, 1) and all(value == values[0] + k for k, value in enumerate(values))


def _may_be_labels(numbers: list[str], below: list[list[str]], form: _Form) -> bool:
    """Whether the numbers go in equal steps, or are whole and ascend, and those of other rows do not."""
    if len(numbers) < LABELS or not below:
        return False
    if _in_steps(numbers, form):
        return not any(_in_steps(cells, form) for cells in below)
    if not _ascend(numbers, form):
        return False
    whole = all(WHOLE.fullmatch(form.pointed(cell)) for cell in numbers)
    if whole and _others_have_fractions(below, form):
        return True
    return len(numbers) >= ASCENDING and not any(_ascend(cells, form) for cells in below)


def _ascend(cells: list[str], form: _Form) -> bool:
    if not all(form.is_number(cell) for cell in cells):
        return False
    return bool((np.diff([float(form.pointed(cell)) for cell in cells]) > 0).all())


def _in_steps(cells: list[str], form: _Form) -> bool:
    if not all(form.is_number(cell) for cell in cells):
        return False
    values = np.array([float(form.pointed(cell)) for cell in cells])
    steps = np.diff(values)
    return bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=1e-9 * np.abs(values).max()))


def _others_have_fractions(below: list[list[str]], form: _Form) -> bool:
    """Whether every other row holds numbers that are not whole."""
    return all(any(form.is_number(c) and not WHOLE.fullmatch(form.pointed(c)) for c in cells) for cells in below)


# the columns


def _places(
    names: tuple[str, ...] | None, width: int, rows: list[list[str]], columns: Columns
) -> tuple[list[int], list[str], list[int]]:
    """Which columns to read, what is said of the others, and which of these must be empty all along."""
    if columns is not None:
        places = chosen(columns, names, width)
        return places, not_asked_for(places, width), []
    without_name = [k for k in range(width) if is_index_name(names[k])] if names else [width - 1]
    empty = [k for k in without_name if width > 1 and rows and all(len(r) > k and r[k] == "" for r in rows)]
    index = [k for k in without_name if names and k not in empty and width > 1 and _is_index(k, names, rows)]
    left_out = [f"{named(k, names)}, an index without a name" for k in index]
    left_out += [f"{named(k, names)}, which is empty" for k in empty]
    return [k for k in range(width) if k not in (*index, *empty)], left_out, empty


def _is_index(place: int, names: Sequence[str], rows: list[list[str]]) -> bool:
    """Whether a column without a name is an index: in front or called so by pandas, and of whole numbers or text.

    Raises:
        ValueError: where it may be data.
    """
    cells = [cells[place] for cells in rows if len(cells) > place]
    if (place == 0 or names[place].strip()) and not any(NUMBER.fullmatch(c) and not WHOLE.fullmatch(c) for c in cells):
        return True
    raise ValueError(
        f"{named(place, names)} has no name of its own: an index or data; choose columns, as in --columns 1-6,8"
    )


# the numbers


@dataclass(frozen=True)
class _Body:
    """The lines below the header.

    Attributes:
        path: the file.
        form: how to read a line.
        header: number of the header's line, or 0.
        width: cells in a line.
        places: of the columns to read, from 0.
        empty: of columns that must be empty.
        names: of all columns, or None.
        counted: whether the first column is an index of whole numbers.
    """

    path: Path
    form: _Form
    header: int
    width: int
    places: tuple[int, ...]
    empty: tuple[int, ...]
    names: tuple[str, ...] | None
    counted: bool = False

    def read(self) -> Array:
        """The numbers, shape (N, D)."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a header and nothing below it: the caller says so
                delimiter = self.form.delimiter
                samples = np.loadtxt(self._plain(), delimiter=delimiter, usecols=self.places, ndmin=2, comments=None)
        except _LineError:
            raise
        except ValueError:  # a cell that is no number: missing, or to be named
            samples = self._slowly()
        if not samples.size:
            return np.empty((0, len(self.places)))
        self._require_exact(samples)
        return samples

    def _rows(self) -> Iterator[tuple[int, str]]:
        return ((number, line) for number, line in _lines(self.path) if number > self.header)

    def _plain(self) -> Iterator[str]:
        """Lines that NumPy reads: with points, without quotes."""
        comma = self.form.decimal == ","
        for number, line in self._rows():
            quoted = '"' in line
            if quoted or self.empty or (comma and (self.form.delimiter == "," or "." in line)):
                yield (self.form.delimiter or " ").join(self._numbers(self._cells(number, line)))
                continue
            count = len(line.split()) if self.form.delimiter is None else line.count(self.form.delimiter) + 1
            self._check_width(number, count)
            if self.counted:
                self._check_index(number, line.split(self.form.delimiter, 1)[0].strip())
            yield line.replace(",", ".") if comma else line

    def _numbers(self, cells: list[str]) -> Iterator[str]:
        """The cells to read with points, or a mark where one is no number; others may hold anything."""
        for place, cell in enumerate(cells):
            number = self.form.is_number(cell)
            yield self.form.pointed(cell) if number else "?" if place in self.places else "0"

    def _cells(self, number: int, line: str) -> list[str]:
        cells = self.form.cells(line)
        self._check_width(number, len(cells))
        if self.counted:
            self._check_index(number, cells[0])
        for place in self.empty:
            if cells[place]:
                raise _LineError(
                    f"line {number} has {cells[place]!r} in {named(place, self.names)}, which has no name and is empty "
                    "above; choose columns, as in --columns 1-6,8"
                )
        return cells

    def _check_index(self, number: int, cell: str) -> None:
        """Refuse what is no number in an index of numbers: the row of a total, or of means, would be a sample."""
        if not WHOLE.fullmatch(cell):
            raise _LineError(
                f"line {number} has {cell!r} in {named(0, self.names)}, an index of whole numbers above: a total, or "
                f"a row of data; remove that line, or take it with --columns 2-{self.width}"
            )

    def _check_width(self, number: int, count: int) -> None:
        if count != self.width:
            raise _LineError(f"line {number} has {count} cells where those above have {self.width}")

    def _slowly(self) -> Array:
        """Cell by cell, with NaN where one is missing."""
        rows: list[list[float]] = []
        for number, line in self._rows():
            cells = self._cells(number, line)
            if not rows and not any(self.form.is_number(cell) or _is_gap(cell) for cell in cells):
                hint = self._hint(cells[0]) or "remove that line"
                raise _LineError(f"line {number} has no number, as {cells[0]!r} in {named(0, self.names)}; {hint}")
            rows.append([self._number(cells[place], number, place, above=bool(rows)) for place in self.places])
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.places))

    def _number(self, cell: str, number: int, place: int, *, above: bool) -> float:
        if self.form.is_number(cell):
            return float(self.form.pointed(cell))
        if _is_gap(cell):
            return np.nan
        if INFINITE.fullmatch(cell):
            return float(cell)
        hint = "leave that column out with --columns"
        if above:  # there it held numbers
            hint = f"mend or remove that line, or {hint}"
        hint = self._hint(cell) or hint
        raise _LineError(f"line {number} has {cell!r} in {named(place, self.names)}, not a number; {hint}")

    def _hint(self, cell: str) -> str:
        """How to write what is a number to a person, empty where it is none."""
        if NUMBER.fullmatch(cell):  # with a point where a comma is the mark
            return ""
        if DECIMAL_COMMA.fullmatch(cell):
            return "say --decimal , if a comma is the decimal mark"
        if MINUS in cell and self.form.is_number(cell.replace(MINUS, "-")):
            return f"write - for {MINUS}"
        if FORTRAN.fullmatch(cell):
            return "write e for the exponent"
        if SPACED.fullmatch(cell):
            return "write numbers without thousands separators"
        if DRESSED.fullmatch(cell):
            return "write the number alone, without a unit or other signs, or leave that column out with --columns"
        return ""

    def _require_exact(self, samples: Array) -> None:
        """Refuse numbers given to more digits than float64 holds; only of large ones are all digits given."""
        large = np.abs(samples) >= EXACT
        rows = set(np.flatnonzero(large.any(axis=1)).tolist())
        for row, (number, line) in enumerate(self._rows() if rows else ()):
            if row in rows:
                cells = self.form.cells(line)
                for column in np.flatnonzero(large[row]):
                    cell = self.form.pointed(cells[self.places[column]])
                    if PLAIN.fullmatch(cell) and Decimal(cell) != Decimal(float(samples[row, column])):
                        raise _LineError(
                            f"line {number} has {cell} in {named(self.places[column], self.names)}, which float64 cannot "
                            "hold exactly; leave that column out with --columns if it is a label, or round it"
                        )


class _LineError(ValueError):
    """A line that will not do."""
