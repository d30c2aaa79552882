"""Real arrays: what people bring as numbers, as NumPy arrays of them, or a refusal that says what to do.

A mask, a unit or a gap is never dropped, and nothing is rounded on its way to float64: what float64 cannot hold is
refused with its place, for the same reason that a wrong number is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXACT", "REMEDIES", "brief", "is_numeric", "number", "plain_array", "real_array", "require_exact", "whole"]

EXACT = 2.0**53  # whole numbers beyond it have gaps in float64
SHOWN = 80  # letters of a value
REMEDIES = {
    "c": "; give its real part, or real and imaginary parts as columns",
    "S": "; convert it with .astype(float)",
    "U": "; convert it with .astype(float)",
    "T": "; convert it with .astype(float)",
    "V": "; numpy.lib.recfunctions.structured_to_unstructured makes a table of fields",
    "M": "; leave dates out, or give them as numbers in a unit of your choice",
    "m": "; give durations as numbers in a unit of your choice",
}


def real_array(value: Any, what: str, *, first: int = 0) -> NDArray[Any]:
    """`plain_array` in a floating dtype of at most 64 bits: float64, unless it was floating and narrower."""
    array = plain_array(value, what, first=first)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array
    return array.astype(np.float64)


def plain_array(value: Any, what: str, *, first: int = 0) -> NDArray[Any]:
    """`value` as a NumPy array of booleans, integers or real floats that float64 holds exactly; not copied where it is one.

    Args:
        value: an array of NumPy or a subclass, nested sequences of numbers, a data frame or a column of one, a dask
            collection, a tensor of torch, or anything else that NumPy can make an array of.
        what: what errors call it.
        first: the number of its first row, in errors.

    Raises:
        ValueError: in one line, for masked or missing cells, units, sparse and structured arrays, complex numbers,
            text, dates, ragged rows, and numbers that float64 cannot hold.
    """
    array = _unwrapped(value, what)
    if array.dtype.kind == "O":
        return _of_objects(array, what, first)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be a numeric array, got dtype {array.dtype}{REMEDIES.get(array.dtype.kind, '')}")
    require_exact(array, what, first=first)
    return array


def is_numeric(value: Any) -> bool:
    """Whether a value is not a truth value, text, a date or masked, all of which Python or NumPy would make numbers of."""
    return not isinstance(
        value, bool | np.bool_ | str | bytes | np.datetime64 | np.timedelta64 | np.ma.core.MaskedConstant
    )


def number(value: Any) -> float:
    """A real number, rounded to float64; NaN for what is none, as truth values, text, dates and masked cells."""
    if not is_numeric(value):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def whole(value: Any, what: str, at_least: int, at_most: float = math.inf) -> int:
    """`value` as an integer of at least `at_least`; 1e6 counts as an integer, 1.5 and nan do not.

    Raises:
        ValueError: for what is none, or out of range, calling it `what`.
    """
    try:
        count = int(value) if is_numeric(value) else None
        exact = count == value
    except (TypeError, ValueError, OverflowError):
        count, exact = None, False
    if count is None or not exact or count < at_least:
        raise ValueError(f"{what} must be an integer of at least {at_least}, got {brief(value)}")
    if count > at_most:
        raise ValueError(f"{what} must be at most {at_most:g}, got {brief(value)}")
    return count


def brief(value: object) -> str:
    """A value in a line, for errors."""
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."


def require_exact(array: NDArray[Any], what: str, *, first: int = 0) -> None:
    """Refuse numbers, integers or wider floats, that float64 cannot hold.

    Raises:
        ValueError: naming the first of them, at an index counted from 0.
    """
    if array.dtype.itemsize < 8 or array.dtype == np.float64 or not array.size:
        return
    if array.dtype.kind != "f" and max(float(array.max()), -float(array.min())) < EXACT:
        return
    with np.errstate(all="ignore"):
        rounded = array.astype(np.float64)
        wrong = (rounded.astype(array.dtype) != array) & (array == array)
        if array.dtype.kind != "f":  # where the cast back has no answer
            wrong |= rounded > np.iinfo(array.dtype).max
    if wrong.any():
        index = np.unravel_index(int(wrong.argmax()), wrong.shape)
        raise ValueError(_inexact(array[index], _place(what, index, first), str(array.dtype)))


def _inexact(number: Any, place: str, kind: str) -> str:
    return (
        f"{place} is {str(number)[:40]}, which float64 cannot hold exactly (it came as {kind}); leave that column out if it is a "
        "label, or round it first with .astype(numpy.float64)"
    )


def _place(what: str, index: Iterable[Any], first: int) -> str:
    """How Python would name a cell: data[3, 2]."""
    row, *rest = (int(i) for i in index) if index else (0,)
    return f"{what}[{', '.join(map(str, (row + first, *rest)))}]"


# what it may come as


def _unwrapped(value: Any, what: str) -> NDArray[Any]:
    """The array in it, of any dtype."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value, what)
    if hasattr(value, "tocsr") or hasattr(value, "todense"):
        raise ValueError(f"{what} must be a dense array, got the sparse {_kind(value)}; give its .toarray()")
    if hasattr(value, "magnitude") or (isinstance(value, np.ndarray) and hasattr(value, "unit")):
        raise ValueError(
            f"{what} must be numbers without a unit, got {_kind(value)}; give its value in a unit you choose"
        )
    if isinstance(value, str | bytes | dict | set | frozenset) or value is None:
        raise ValueError(f"{what} must be an array of numbers, got {_kind(value)}; convert it with numpy.asarray")
    if isinstance(value, list | tuple):
        return _of_rows(value, what)
    return _of_library(value, what)


def _of_library(value: Any, what: str) -> NDArray[Any]:
    """What a data frame, a cluster, an accelerator or a file holds."""
    if hasattr(value, "collect"):  # a frame of polars that is not computed yet
        return _unwrapped(_called(value.collect, value, what), what)
    if hasattr(value, "dask"):
        return _unwrapped(_called(value.compute, value, what), what)
    if (columns := _columns(value)) is not None:
        return _of_columns(columns, what)
    if hasattr(value, "detach"):
        return _converted(value.detach().cpu(), what)
    if not isinstance(value, np.ndarray) and hasattr(value, "to_numpy"):
        _refuse_gaps(value, what)
        return _unwrapped(_called(value.to_numpy, value, what), what)
    return _converted(value, what)


def _converted(value: Any, what: str) -> NDArray[Any]:
    array = _called(lambda: np.asarray(value), value, what)
    if (
        array.dtype.kind == "O" and not array.ndim and not isinstance(value, Number)
    ):  # NumPy wraps what it does not know
        raise ValueError(f"{what} must be an array of numbers, got {_kind(value)}; convert it with numpy.asarray")
    return array


def _called(convert: Callable[[], Any], value: Any, what: str) -> Any:
    try:
        return convert()
    except Exception as error:  # whatever its library raises
        reason = " ".join(str(error).split())
        raise ValueError(f"{what} must be an array of numbers, got {_kind(value)}, which says: {reason}") from None


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")


def _unmasked(value: np.ma.MaskedArray[Any, Any], what: str) -> NDArray[Any]:
    mask = np.ma.getmaskarray(value)
    if value.dtype.kind != "V" and mask.any():
        index = np.unravel_index(int(mask.argmax()), mask.shape)
        raise ValueError(
            f"{what} must not be masked, got {int(mask.sum())} masked cells, the first at {_place(what, index, 0)}; "
            "drop these rows (numpy.ma.compress_rows) or impute them (.filled)"
        )
    return np.asarray(value.data)


def _of_rows(rows: list[Any] | tuple[Any, ...], what: str) -> NDArray[Any]:
    ragged = f"{what} must be a numeric array, got rows of different lengths"
    if any(getattr(row, "shape", ()) for row in rows):  # whose masks and widths NumPy would forget
        parts = [real_array(row, f"{what}[{k}]") for k, row in enumerate(rows)]
        if len({part.shape for part in parts}) > 1:
            raise ValueError(ragged)
        return np.stack(parts)
    try:
        array = np.asarray(rows)
        if array.dtype.kind == "f" and (np.abs(array) >= EXACT).any():  # integers beside floats were rounded
            array = np.asarray(rows, dtype=object)
    except (ValueError, TypeError, RuntimeError):
        raise ValueError(ragged) from None
    return array


def _columns(frame: Any) -> list[tuple[Any, Any]] | None:
    """The columns of a data frame by name, in the ways of pandas, polars and Arrow; None for what is none."""
    if not hasattr(frame, "columns"):
        return None
    if hasattr(frame, "iter_columns"):
        return [(column.name, column) for column in frame.iter_columns()]
    if hasattr(frame, "itercolumns"):
        return list(zip(frame.column_names, frame.itercolumns(), strict=True))
    return list(frame.items()) if hasattr(frame, "items") else None


def _of_columns(columns: list[tuple[Any, Any]], what: str) -> NDArray[Any]:
    """Column by column: together, a library would round integers that stand beside floats."""
    if not columns:
        raise ValueError(f"{what} must not be empty, got a data frame without columns")
    if "Unnamed: 0" in (names := [name for name, _ in columns]):
        raise ValueError(
            f"{what} must hold data only, got an index as the column 'Unnamed: 0' of {len(names)}; drop it"
        )
    parts = [real_array(column, f"column {name!r} of {what}") for name, column in columns]
    return np.column_stack(parts)


def _refuse_gaps(column: Any, what: str) -> None:
    """Refuse a column with nulls, which become NaN and make integers floats."""
    gaps = getattr(column, "null_count", 0)
    gaps = gaps() if callable(gaps) else gaps
    if isinstance(gaps, int | np.integer) and gaps:
        raise ValueError(f"{what} must be finite, got {gaps} empty cells; drop or impute them first")


def _of_objects(array: NDArray[Any], what: str, first: int) -> NDArray[np.float64]:
    numbers = np.empty(array.shape)
    for index, cell in np.ndenumerate(array):
        alone = isinstance(cell, np.ndarray) and not cell.ndim
        numbers[index] = _number(cell[()] if alone else cell, what, index, first)
    return numbers


def _number(cell: Any, what: str, index: tuple[int, ...], first: int) -> float:
    place = _place(what, index, first)
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        raise ValueError(f"{place} is missing ({cell}); drop or impute missing cells first")
    number = _float(cell)
    if number is None:
        raise ValueError(f"{what} must be a numeric array, got dtype object with {_kind(cell)} at {place}")
    if number == number and number != cell:
        raise ValueError(_inexact(cell, place, _kind(cell)))
    return number


def _float(cell: Any) -> float | None:
    """The cell rounded to float64, or None where it is no real number."""
    if isinstance(cell, str | bytes | complex | np.complexfloating) or hasattr(cell, "__len__"):
        return None
    try:
        return float(cell)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return None
