"""Tables: the data sets that users bring, as samples in rows."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.storage.columns import Columns, Taken, chosen, doubts, named, not_asked_for, of_axes, without_labels
from numerics.storage.sources import mapped_npy, parquet_columns
from numerics.storage.text import read_text
from theory.real import REMEDIES, require_exact

__all__ = ["FORMATS", "Table", "load", "read"]

Array = NDArray[np.float64]
FORMATS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".parquet")
TEXT = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Table:
    """A user's data set.

    Attributes:
        name: what to call it.
        samples: shape (N, D).
        taken: which rows and columns of the file they are.
    """

    name: str
    samples: Array
    taken: Taken


class Reading(TypedDict, total=False):
    """The keyword arguments of `read`, where they are said."""

    columns: Columns
    header: bool | None
    decimal: str | None
    drop_missing: bool
    largest: int


def load(source: str, **reading: Unpack[Reading]) -> tuple[str, Array]:
    """A user's data set: its name and its samples, shape (N, D), in float64. See `read`, which says what it took."""
    table = read(source, **reading)
    return table.name, table.samples


def read(
    source: str,
    *,
    columns: Columns = None,
    header: bool | None = None,
    decimal: str | None = None,
    drop_missing: bool = False,
    largest: int = 2**33,
) -> Table:
    """A user's data set, and what of it was taken for data.

    Args:
        source: a .npy, .npz, .parquet or text file (.csv, .tsv, .txt), or the word `digits`. Arrays of more than two
            dimensions, such as images, are flattened from the second axis on; an .npz file must hold one array, or one
            called `data`. Cells of text are parted by commas, semicolons, tabs, bars or white space.
        columns: those to take: names, positions from 1, and ranges, as in "1-6,8", or a sequence of them. By default
            all but an index.
        header: whether the first row of text holds names; None to tell from the file.
        decimal: the decimal mark of text, a point or a comma; None to tell from the file.
        drop_missing: leave out the rows with missing cells, which are refused otherwise.
        largest: refuse what would take more bytes in memory.

    Raises:
        ValueError: for a file that is missing, unreadable, too large or of an unknown format; not a table of finite
            numbers that float64 holds, with at least 3 samples that differ; or one with two readings, as where a column
            numbers the rows, or a row of numbers may be a header. The message says which option decides.
    """
    if source == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        table = _Raw(found.data, tuple(found.feature_names))
        return _table("digits", source, _chosen(table, columns), columns is not None, drop_missing, largest)
    path = Path(source)
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise ValueError(f"data must be one of {', '.join(FORMATS)} or the word digits, got {source!r}")
    if kind not in TEXT and not (header is None and decimal is None):
        raise ValueError(f"a header and a decimal mark are options of text ({', '.join(TEXT)}), got {source!r}")
    try:
        present = path.is_file()
    except OSError as error:  # a folder that may not be entered, a name too long
        raise ValueError(f"cannot read {source!r}: {error.strerror}") from None
    if not present:
        raise ValueError(f"data file not found: {source!r}")
    try:
        raw = _READERS[kind](path, columns, header=header, decimal=decimal)
    except MemoryError:
        raise ValueError(f"{source!r} does not fit into memory; audit a subsample of it") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {source!r} as {path.suffix}: its text is not UTF-8; save it as UTF-8") from None
    except Exception as error:  # readers raise whatever their format's library raises
        raise ValueError(f"cannot read {source!r} as {path.suffix}: {' '.join(str(error).split())}") from None
    return _table(path.stem, source, raw, columns is not None, drop_missing, largest)


@dataclass(frozen=True)
class _Raw:
    """What a file holds.

    Attributes:
        array: an array of any shape, or the columns as a list of them.
        names: of all columns of the file, or None.
        places: where the columns stood in the file, from 0; None for all.
        left_out: what was not taken and why.
    """

    array: NDArray[Any] | list[NDArray[Any]]
    names: tuple[str, ...] | None = None
    places: tuple[int, ...] | None = None
    left_out: tuple[str, ...] = ()


def _table(name: str, source: str, raw: _Raw, asked: bool, drop_missing: bool, largest: int) -> Table:
    """The samples in float64, once they are known to be right."""
    array = raw.array if isinstance(raw.array, np.ndarray) else np.column_stack(raw.array)
    _check_shape(array, source, largest)
    image, axes = array.ndim > 2, array.shape
    array = array.reshape(len(array), -1)
    places = raw.places or tuple(range(array.shape[1]))
    _exact(raw, places, source)
    samples = np.asarray(array, dtype=np.float64)
    left_out, kept = list(raw.left_out), list(range(len(places)))
    if not (asked or image):
        kept, labels = _named_in(source, without_labels, samples, raw.names, places)
        left_out += labels
    # with the labels, of which the row of a total has none
    samples, dropped = _without_gaps(samples, raw.names, places, source, drop_missing)
    if len(kept) < len(places):
        samples, places = samples[:, kept], tuple(places[k] for k in kept)
    if len(samples) < 3:
        raise ValueError(f"{source!r} must hold at least 3 samples, got shape {samples.shape}")
    if not (samples != samples[0]).any():
        raise ValueError(f"{source!r} must vary, got a constant data set: every sample is the same point")
    taken = Taken.of(samples.shape, raw.names, places).but(*left_out, *dropped)
    suspicious = of_axes(axes) if image else doubts(samples, raw.names, places)
    return Table(name, samples, taken.but(doubts=suspicious))


def _named_in(source: str, function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except ValueError as error:
        raise ValueError(f"{source!r}: {error}") from None


def _check_shape(array: NDArray[Any], source: str, largest: int) -> None:
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{source!r} must hold real numbers, got dtype {array.dtype}{REMEDIES.get(array.dtype.kind, '')}"
        )
    if array.ndim < 2:
        raise ValueError(f"{source!r} must hold a table (samples, dimensions), got shape {array.shape}")
    if array.shape[0] < 3 or array.size == 0:
        raise ValueError(f"{source!r} must hold at least 3 samples, got shape {array.shape}")
    if 8 * array.size > largest:
        raise ValueError(f"{source!r} takes {8 * array.size / 2**30:.1f} GiB in float64; audit a subsample of it")


def _exact(raw: _Raw, places: Sequence[int], source: str) -> None:
    """Refuse what float64 cannot hold, column by column where they have types of their own."""
    if isinstance(raw.array, np.ndarray):
        require_exact(raw.array, repr(source))
        return
    for place, column in zip(places, raw.array, strict=True):
        require_exact(column, f"{named(place, raw.names)} of {source!r}")


def _without_gaps(
    samples: Array, names: Sequence[str] | None, places: Sequence[int], source: str, drop: bool
) -> tuple[Array, list[str]]:
    """The rows without missing cells, and what is said of the others."""
    finite = np.isfinite(samples)
    if finite.all():
        return samples, []
    infinite = np.isinf(samples)
    wrong = infinite if infinite.any() else ~finite
    if infinite.any() or not drop:
        row, column = divmod(int(wrong.argmax()), wrong.shape[1])
        kind = f"is {samples[row, column]}" if infinite.any() else "is missing"
        remedy = "mend it first" if infinite.any() else "impute it first, or leave such rows out with --drop-missing"
        where = f"row {row + 1} of the data, {named(places[column], names)}"
        raise ValueError(f"{source!r} must be finite, but {where}, {kind} ({int(wrong.sum())} such cells); {remedy}")
    whole = finite.all(axis=1)
    return samples[whole], [f"{int((~whole).sum())} of {len(samples)} rows, with missing cells"]


# files


def _chosen(raw: _Raw, columns: Columns) -> _Raw:
    """The columns asked for."""
    if columns is None:
        return raw
    if isinstance(raw.array, np.ndarray):
        if raw.array.ndim < 2:
            return raw  # which is refused for that
        raw = replace(raw, array=raw.array.reshape(len(raw.array), -1))
    width = raw.array.shape[1] if isinstance(raw.array, np.ndarray) else len(raw.array)
    places = chosen(columns, raw.names, width)
    array = raw.array[:, places] if isinstance(raw.array, np.ndarray) else [raw.array[k] for k in places]
    return replace(raw, array=array, places=tuple(places), left_out=tuple(not_asked_for(places, width)))


def _read_npy(path: Path, columns: Columns, **text: Any) -> _Raw:
    return _chosen(_Raw(mapped_npy(path)), columns)


def _read_npz(path: Path, columns: Columns, **text: Any) -> _Raw:
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not an .npz archive")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        name = "data" if "data" in names else names[0] if len(names) == 1 else None
        if {"indptr", "indices"} <= set(names):
            raise ValueError("it holds a sparse matrix; save its .toarray() with numpy.save")
        if name is None:
            known = f"{len(names)} arrays ({', '.join(names)}) and none is called data"
            raise ValueError(f"it holds {known}; save the samples alone, or by that name")
        raw = _chosen(_Raw(np.asarray(archive[name])), columns)
        others = tuple(f"the array {other!r}" for other in names if other != name)
        return replace(raw, left_out=(*others, *raw.left_out))


def _read_text(path: Path, columns: Columns, **text: Any) -> _Raw:
    table = read_text(path, columns=columns, **text)
    return _Raw(table.samples, table.names, table.places, table.left_out)


def _read_parquet(path: Path, columns: Columns, **text: Any) -> _Raw:
    import pyarrow.parquet

    # a file takes nothing from the names of folders, and is held to its check sums where it has some
    with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
    places, left_out = parquet_columns(table.schema, columns, repr(str(path)))
    if not places:
        raise ValueError("it holds no columns of data")
    names = tuple(table.column_names)
    arrays = [_with_nan(table.column(k), f"{named(k, names)} of {str(path)!r}") for k in places]
    return _Raw(arrays, names, tuple(places), tuple(left_out))


def _with_nan(column: Any, what: str) -> NDArray[Any]:
    """A column of Parquet, NaN where a cell is missing."""
    if not column.null_count:
        return column.to_numpy()
    numbers = column.drop_null().to_numpy()
    require_exact(numbers, what)  # before gaps make floats of integers
    filled = np.full(len(column), np.nan)
    filled[column.is_valid().to_numpy()] = numbers
    return filled


_READERS: dict[str, Callable[..., _Raw]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".parquet": _read_parquet,
}
