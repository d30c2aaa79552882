"""Columns: which of a table's columns are data, which are labels of its rows, and what a person is told about both.

A column that only numbers the rows is no dimension. Where its name says so too it is left out; where it does not, the
table is refused, for to guess would be a wrong number in one case of two. Columns that were asked for are never doubted.
Positions count from 1, as people count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.real import EXACT

__all__ = [
    "Columns",
    "Taken",
    "chosen",
    "doubts",
    "is_index_name",
    "kept",
    "named",
    "not_asked_for",
    "of_axes",
    "positions",
    "without_labels",
]

Columns = str | Sequence[str | int] | None
"""Columns asked for: names, positions from 1, and ranges, as in "1-6,8", or a sequence of them."""
# what pandas and R write for an index without a name
INDEX_NAME = re.compile(r"\s*|Unnamed: \d+.*|__index_level_\d+__")
NUMBERING = re.compile(
    r"(row|sample|record|obs|observation|item|case)?[ _.-]*(index|idx|id|no|nr|num|number|name)?s?|level_0|#|rn|key",
    re.IGNORECASE,
)
CLASSES = re.compile(r"(class|label|target|category|cluster|group|species|y)(es|s)?([ _.-]?(id|no))?", re.IGNORECASE)
# rows from which whole numbers in equal steps, or 1..N in any order, are no chance
SURELY_STEPS, SURELY_SHUFFLED = 5, 10
ID_ROWS = 10
DAYS = 19000101, 21001231
MOST_CLASSES = 20
STEPPED = 1e-6  # of a step: what rounding of a text may leave
NETCDF = 9.969209968386869e36
CODES = np.array(
    [sign * code for sign in (-1, 1) for code in (*(10.0**k - 1 for k in range(2, 10)), 1e20, 1e30, NETCDF)]
)
"""Numbers that are written for missing cells, one of which is enough."""
SECONDS = 6e8, 4.2e9  # from 1989 to 2103, since 1970


@dataclass(frozen=True)
class Taken:
    """What was taken for data.

    Attributes:
        rows: N.
        columns: D.
        first: name of the first column, or its position, from 1.
        last: of the last.
        left_out: what was not taken and why, a phrase each.
        doubts: what was taken and looks like a label, a phrase each.
        names: of the columns taken; empty where they have none.
    """

    rows: int
    columns: int
    first: str
    last: str
    left_out: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, shape: Sequence[int], names: Sequence[str] | None = None, places: Sequence[int] | None = None) -> Taken:
        """A table of a shape (N, D), of all its columns or of those at some places, from 0."""
        ends = (0, shape[1] - 1) if places is None else (places[0], places[-1])
        first, last = (names[k] if names and names[k].strip() else str(k + 1) for k in ends)
        taken = tuple(names[k].strip() for k in (range(shape[1]) if places is None else places)) if names else ()
        return cls(int(shape[0]), int(shape[1]), first, last, names=taken)

    def check_order(self, of: Taken, file: str) -> None:
        """Refuse columns whose names are in other places in what they are held against, each against another.

        Raises:
            ValueError: naming the first, of `file`.
        """
        counted = all(name.isdecimal() for name in self.names)
        if counted and [int(name) for name in self.names] == sorted(map(int, self.names)):  # from 0 here, from 1 there
            return
        for place, name in enumerate(self.names):
            if name and name in of.names and name not in of.names[place : place + 1]:
                raise ValueError(
                    f"{file!r} must have its columns in the order of the data, got {name!r} as number {place + 1} of them, which "
                    f"is number {of.names.index(name) + 1} there; write them in one order"
                )

    def but(self, *left_out: str, doubts: Iterable[str] = ()) -> Taken:
        """The same, with more left out or in doubt."""
        return replace(self, left_out=(*self.left_out, *left_out), doubts=(*self.doubts, *doubts))

    def summary(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "rows": self.rows,
            "columns": self.columns,
            "first": self.first,
            "last": self.last,
            "left_out": list(self.left_out),
            "doubts": list(self.doubts),
        }

    def __str__(self) -> str:
        which = f"column {self.first}" if self.columns == 1 else f"columns {self.first} to {self.last}"
        said = f"{self.rows:,} x {self.columns:,} numbers, {which}; left out: {', '.join(self.left_out) or 'nothing'}"
        return said + "".join(f"; note that {doubt}" for doubt in self.doubts)


def named(place: int, names: Sequence[str] | None) -> str:
    """A column in words, its place counted from 0: column 3 ('c')."""
    name = names[place] if names else ""
    return f"column {place + 1} ({name!r})" if name.strip() else f"column {place + 1}"


def positions(places: Iterable[int]) -> str:
    """Ascending places, counted from 0, as `--columns` takes them: 1-6,8."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return ",".join(str(a + 1) if a == b else f"{a + 1}-{b + 1}" for a, b in runs)


# what was asked for


def chosen(columns: str | Sequence[str | int], names: Sequence[str] | None, count: int) -> list[int]:
    """The places, from 0 and ascending, of the columns asked for.

    Args:
        columns: names, positions from 1, and ranges of either, comma separated or in a sequence; digits are positions.
        names: of all columns, or None.
        count: of all columns.

    Raises:
        ValueError: for what is no column, or asked for twice.
    """
    asked = _split(columns) if isinstance(columns, str) else [str(part) for part in columns]
    places = [place for part in asked for place in _range(part.strip(), names, count)]
    if not places or len(set(places)) < len(places):
        raise ValueError(f"--columns must name columns, each once, as in 1-6,8; got {columns!r}")
    return sorted(places)


def not_asked_for(places: Sequence[int], count: int) -> list[str]:
    """What is said of the columns that were not asked for, of `count`."""
    others = [k for k in range(count) if k not in set(places)]
    return [f"column{'s' * (len(others) > 1)} {positions(others)}, not asked for"] if others else []


def _split(text: str) -> list[str]:
    """At the commas that are not in quotes."""
    return [part.strip().strip('"') for part in re.findall(r'(?:"[^"]*"|[^,])+', text)]


def _range(part: str, names: Sequence[str] | None, count: int) -> list[int]:
    if (place := _place(part, names, count)) is not None:
        return [place]
    for dash in re.finditer("-", part):
        ends = [_place(end.strip(), names, count) for end in (part[: dash.start()], part[dash.end() :])]
        if ends[0] is not None and ends[1] is not None and ends[0] <= ends[1]:
            return list(range(ends[0], ends[1] + 1))
    known = f"names or positions of the {count} columns" + (f" ({_few(names)})" if names else ", which have no names")
    raise ValueError(f"--columns must hold {known}, as in 1-6,8; got {part!r}")


def _place(name: str, names: Sequence[str] | None, count: int) -> int | None:
    if re.fullmatch(r"[0-9]+", name):
        return int(name) - 1 if 1 <= int(name) <= count else None
    found = [k for k, known in enumerate(names or ()) if known == name]
    if len(found) > 1:
        raise ValueError(
            f"--columns must name one column each, got {name!r}, the name of {len(found)}; give its position"
        )
    return found[0] if found else None


def _few(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:3], "...", names[-1]])


def kept(
    names: Sequence[str], kinds: Sequence[str], index: Iterable[str], columns: Columns
) -> tuple[list[int], list[str]]:
    """Which columns of a file that knows their types to read, from 0, and what is said of the others.

    Args:
        names: of all columns.
        kinds: of each, `float` where it holds floating numbers.
        index: names of those that the file declares to be an index.
        columns: those asked for, or None.

    Raises:
        ValueError: for what is no column, and for one of floats that has no name of its own.
    """
    if columns is not None:
        places = chosen(columns, names, len(names))
        return places, not_asked_for(places, len(names))
    declared = set(index)
    labels = [k for k, name in enumerate(names) if name in declared or is_index_name(name)]
    for k in labels:
        if names[k] not in declared and kinds[k] == "float" and not names[k].startswith("__"):
            raise ValueError(
                f"{named(k, names)} has no name of its own: an index or data; choose columns, as in --columns 1-6,8"
            )
    return [k for k in range(len(names)) if k not in labels], [f"{named(k, names)}, an index" for k in labels]


# labels


def is_index_name(name: str) -> bool:
    """Whether only an index that was never named is written so."""
    return INDEX_NAME.fullmatch(name) is not None


def without_labels(
    samples: NDArray[Any], names: Sequence[str] | None, places: Sequence[int]
) -> tuple[list[int], list[str]]:
    """Which columns of a table, shape (N, D), are data, from 0, and what is said of those that are not.

    Args:
        samples: the table.
        names: of the columns of the file, or None.
        places: where its columns stood in the file, from 0.

    Raises:
        ValueError: for a column that numbers the rows and has no name that says so.
    """
    labels = _labels(samples)
    kept = [k for k in range(samples.shape[1]) if k not in labels]
    for k, reason in labels.items():
        name = names[places[k]].strip() if names else ""
        if not (kept and name and NUMBERING.fullmatch(name)):
            raise ValueError(f"{named(places[k], names)} {reason}, as an index does; {_remedy(places, kept)}")
    return kept, [f"{named(places[k], names)}, which {reason}" for k, reason in labels.items()]


def _remedy(places: Sequence[int], kept: Sequence[int]) -> str:
    as_data = f"--columns {positions(places)}"
    if not kept:
        return f"if it is data, say so with {as_data}"
    return f"leave it out with --columns {positions(places[k] for k in kept)}, or take it with {as_data}"


def _labels(samples: NDArray[Any]) -> dict[int, str]:
    """The columns that number the rows of a table, shape (N, D), and how each does."""
    N = len(samples)
    if N < 3 or samples.dtype.kind == "b":
        return {}
    low, high = np.fmin.reduce(samples), np.fmax.reduce(samples)  # which pass over missing cells
    with np.errstate(invalid="ignore", over="ignore"):
        suspects = np.flatnonzero(
            (high.astype(np.float64) - low >= 2) & (low == np.floor(low)) & (high == np.floor(high))
        )
    found = {int(k): _numbering(samples[:, k].astype(np.float64)) for k in suspects}
    return {k: reason for k, reason in found.items() if reason}


def _numbering(column: NDArray[np.float64]) -> str | None:
    """How a column numbers the rows, by the cells that are not missing; None where it does not."""
    N, present = len(column), np.flatnonzero(np.isfinite(column))
    if len(present) < max(3, N // 2):
        return None
    (i, j), values = present[:2], column[present]
    step = (values[1] - values[0]) / (j - i)
    start = values[0] - i * step
    if step and step == np.floor(step) and (values == start + present * step).all():
        if step == 1 and start in (0, 1):
            return f"counts the rows from {start:g}"
        return f"counts in steps of {step:g} from {start:g}" if N >= SURELY_STEPS else None
    least = values.min()
    if N >= SURELY_SHUFFLED and least in (0, 1) and np.array_equal(np.sort(column), least + np.arange(N)):
        return f"holds the numbers from {least:g} to {least + N - 1:g}, each once"
    return None


def doubts(samples: NDArray[Any], names: Sequence[str] | None, places: Sequence[int]) -> list[str]:
    """What is said of columns that were taken, shape (N, D), and look like labels: counts, dates, times, IDs, classes."""
    if len(samples) < ID_ROWS:
        return []
    labels = _labels(samples)
    said = [f"{named(places[k], names)} {reason}" for k, reason in labels.items()]
    with np.errstate(invalid="ignore"):
        whole = ((samples == np.floor(samples)) & (abs(samples) < np.float64(EXACT))).all(axis=0)
    kinds = {k: _looks_like(samples[:, k], names[places[k]] if names else "") for k in _indices(whole)}
    kinds |= {
        k: kind for k in _ends_beside_fractions(whole) if not kinds[k] and (kind := _looks_like_classes(samples[:, k]))
    }
    said += [f"{named(places[k], names)} looks like {kind}" for k, kind in kinds.items() if kind and k not in labels]
    steps = [k for k in _indices(~whole) if _in_steps(samples[:, k].astype(np.float64))]
    said += [f"{named(places[k], names)} goes in equal steps, as times and places do" for k in steps]
    return said + _totals(samples) + _fill_values(samples, places)


def of_axes(shape: Sequence[int]) -> list[str]:
    """What is said of samples of several axes: that they are flattened, and if their first axis is not the longest."""
    flattened = f"each sample, {' x '.join(map(str, shape[1:]))}, is flattened"
    if shape[0] >= max(shape[1:]):
        return [flattened]
    along = f"samples are along the first axis of {tuple(shape)}, {shape[0]} of them; numpy.moveaxis puts another there"
    return [along, flattened]


def _looks_like(column: NDArray[Any], name: str) -> str | None:
    low, high = float(column.min()), float(column.max())
    if low < high and DAYS[0] <= low and high <= DAYS[1]:
        month, day = column // 100 % 100, column % 100
        if ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all():
            return "dates"
    if low < high and any(SECONDS[0] * unit <= low and high <= SECONDS[1] * unit for unit in (1, 1e3, 1e6, 1e9)):
        return "times since 1970"
    if np.unique(column).size == len(column):
        return "an ID: whole numbers, all different"
    if CLASSES.fullmatch(name.strip()):
        return "a class, by its name"
    return None


def _ends_beside_fractions(whole: NDArray[np.bool_]) -> list[int]:
    """The first or the last column, where it alone holds whole numbers."""
    return [k for k in _indices(whole) if whole.sum() == 1 < whole.size and k in (0, whole.size - 1)]


def _looks_like_classes(column: NDArray[Any]) -> str | None:
    values = np.unique(column)
    few = 2 <= values.size <= MOST_CLASSES and 2 * values.size <= len(column)
    counted = few and values[0] in (0, 1) and values[-1] == values[0] + values.size - 1
    return f"a class: whole numbers from {values[0]:g} to {values[-1]:g} beside fractions" if counted else None


def _in_steps(column: NDArray[np.float64]) -> bool:
    """Whether the numbers go in equal steps but for rounding."""
    step = (column[-1] - column[0]) / (len(column) - 1)
    if not (step and np.isfinite(step) and abs(column[1] - column[0] - step) < STEPPED * abs(step)):
        return False
    return bool((abs(np.diff(column) - step) < STEPPED * abs(step)).all())


def _totals(samples: NDArray[Any]) -> list[str]:
    """What is said of a last row that is the sum or the mean of those above, but for rounding."""
    above, last = samples[:-1].astype(np.float64), samples[-1].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        means, sizes = above.mean(axis=0), np.abs(above).max(axis=0)
        of = {"sum": len(above) * means, "mean": means}
        off = {"sum": STEPPED * len(above) * sizes, "mean": STEPPED * sizes}
        found = [name for name in of if last.any() and (np.abs(last - of[name]) <= off[name]).all()]
    return [f"the last row is the {name} of those above: a total; remove it if it is no sample" for name in found[:1]]


def _fill_values(samples: NDArray[Any], places: Sequence[int]) -> list[str]:
    """What is said of numbers that stand for missing cells, as -999 does: several, and nothing near them."""
    ends = [end.reduce(samples, axis=0).astype(np.float64) for end in (np.minimum, np.maximum)]
    often = [(samples == end).sum(axis=0) for end in ends]
    found: dict[float, dict[int, int]] = {}
    for end, counts in zip(ends, often, strict=True):
        for k in _indices(((counts > 1) & (2 * counts < len(samples))) | np.isin(end, CODES)):
            if _far(samples[:, k].astype(np.float64), float(end[k])):
                found.setdefault(float(end[k]), {})[k] = int(counts[k])
    return [
        f"{value:.7g} in column{'s' * (len(cells) > 1)} {positions(places[k] for k in cells)} ({sum(cells.values())} of them, "
        "nothing near) looks like a code for missing cells: empty these, and leave their rows out with --drop-missing"
        for value, cells in found.items()
    ]


def _far(column: NDArray[np.float64], value: float) -> bool:
    """Whether a value is farther from all others of a column, codes apart, than these are from one another."""
    others = column[(column != value) & ~np.isin(column, CODES)]
    if len(others) < max(ID_ROWS, len(column) / 2):
        return False
    with np.errstate(over="ignore"):
        return bool(0 < np.ptp(others) < np.abs(others - value).min())


def _indices(where: NDArray[np.bool_]) -> list[int]:
    return [int(k) for k in np.flatnonzero(where)]
