"""Sources: data sets that need not fit into memory, read as blocks of rows that follow one another.

A source knows its shape and how to read any range of its rows; no more than the block asked for is ever in memory, in
the dtype of the disk. What it reads is never unpickled. Samples of more than one axis, such as images, are flattened.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.storage.columns import (
    Columns,
    Taken,
    chosen,
    doubts,
    kept,
    not_asked_for,
    of_axes,
    positions,
    without_labels,
)
from theory.real import REMEDIES, plain_array, require_exact

__all__ = ["BUDGET", "Source", "mapped_npy", "open_source", "parquet_columns"]

BUDGET = 2**28  # bytes of a block in float64, what it takes once it is computed with
DECODED = 2**20  # numbers decoded at a time from Parquet
LOOK = 1000  # rows that tell whether a column numbers them
READ_AT_ONCE = 2**16  # bytes of a Parquet column: whole columns of a row group may not fit


@dataclass(frozen=True)
class Source(ABC):
    """Samples in rows, wherever they lie.

    Attributes:
        name: what messages call it.
        shape: (N, D).
        dtype: as stored.
        grain: rows stored together, which cost least when read together.
        told: what was taken for data, where that is not everything or has names.
    """

    name: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    grain: int = 1
    told: Taken | None = None

    @property
    def taken(self) -> Taken:
        """What was taken for data."""
        return self.told or Taken.of(self.shape)

    @property
    def path(self) -> Path | None:
        """The file or directory that another process could open; None for an array."""
        return None

    def blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        """The samples from `start` to before `stop`, in arrays of `rows` rows, of which the last may be shorter.

        Raises:
            ValueError: where a block is reached that holds numbers which float64 cannot.
        """
        return map(self._exact, self._blocks(start, stop, rows), range(start, stop, rows))

    def _exact(self, block: NDArray[Any], first: int) -> NDArray[Any]:
        require_exact(block, self.name, first=first)
        return block

    @abstractmethod
    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        """The blocks as they are stored."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What changes when the data do, as far as can be told without reading them all; of JSON's types."""

    def rows(self) -> int:
        """Rows of a block of at most `BUDGET` bytes in float64, whole grains where they fit."""
        rows = max(1, BUDGET // (8 * self.shape[1]))
        return rows - rows % self.grain if self.grain <= rows else rows


def open_source(data: Any, what: str = "data", *, columns: Columns = None) -> Source:
    """A data set as a source.

    Args:
        data: a path to a .npy or .parquet file, to a directory of .parquet files (taken in the order of their names),
            or to a Zarr array; or anything with a shape whose rows can be sliced, `data[start:stop]`; or a data frame.
        what: what errors call it.
        columns: those to take: names, positions from 1, and ranges, as in "1-6,8", or a sequence of them. By default
            all, but for an index in a file.

    Raises:
        ValueError: for what is missing, unreadable, of another kind, or not a table of real numbers; for a column of a
            file that numbers the rows, unless it was asked for; for a Zarr array where zarr is not installed.
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, str | os.PathLike):
        return _on_disk(Path(data), what, columns)
    return _of_columns(_in_memory(data, what), columns)[0]


def _in_memory(data: Any, what: str) -> Source:
    if isinstance(data, list | tuple | np.ma.MaskedArray) or any(
        hasattr(data, n) for n in ("collect", "columns", "tocsr", "todense")
    ):
        data = plain_array(data, what)  # whole: a frame has columns of their own types, a mask is one for all rows
    if not (hasattr(data, "shape") and hasattr(data, "__getitem__")):
        raise ValueError(f"{what} must be a path, or have a shape and rows to slice, got {type(data).__name__}")
    shape = _flat(data.shape, what)
    try:
        row = data[0:1]
    except Exception as error:  # whatever its library raises
        reason = " ".join(str(error).split())
        raise ValueError(f"{what} must have rows to slice, got {type(data).__name__}, which says: {reason}") from None
    if isinstance(row, np.ndarray) and row.dtype.kind != "O":
        _real(row.dtype, what)
    return _Rows(what, shape, plain_array(row, what).dtype, array=data)


def _on_disk(path: Path, what: str, columns: Columns) -> Source:
    try:
        opener = _opener(path)
    except OSError as error:  # a folder that may not be entered, a name too long
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if opener is None:
        raise ValueError(
            f"{what} must be a .npy or .parquet file, a directory of .parquet files or a Zarr array, got {str(path)!r}"
        )
    try:
        if opener is _open_parquet:
            source, names, places = _open_parquet(path, columns)
        else:
            source, names, places = _of_columns(opener(path), columns)
        return _looked_at(source, names, places, columns is not None)
    except _UnfitError:
        raise
    except Exception as error:  # readers raise whatever their format's library raises
        raise ValueError(f"cannot read {str(path)!r}: {' '.join(str(error).split())}") from None


def _of_columns(source: Source, columns: Columns) -> tuple[Source, None, Sequence[int]]:
    """The source, or the columns of it that were asked for; that they have no names; and their places, from 0."""
    D = source.shape[1]
    if columns is None:
        return source, None, range(D)
    places = chosen(columns, None, D)
    told = Taken.of((source.shape[0], len(places)), None, places).but(*not_asked_for(places, D))
    return _Columns.of(source, places, told), None, places


def _looked_at(source: Source, names: Sequence[str] | None, places: Sequence[int], asked: bool) -> Source:
    """The source, without columns that number its rows unless they were asked for, as far as its first rows tell."""
    if isinstance(source, _File) and len(source.axes) > 2:  # images
        return replace(source, told=source.taken.but(doubts=of_axes(source.axes)))
    rows = min(source.shape[0], LOOK, source.rows())
    try:
        block = next(source._blocks(0, rows, rows))
    except ValueError:  # of a cell, which whoever reads these rows will hear of
        return source
    data, labels = (range(len(places)), []) if asked else without_labels(block, names, places)
    suspicious = doubts(block[:, list(data)], names, [places[k] for k in data])
    if not labels:
        return replace(source, told=source.taken.but(doubts=suspicious))
    told = Taken.of((source.shape[0], len(data)), names, [places[k] for k in data])
    told = told.but(*source.taken.left_out, *labels, doubts=suspicious)
    return _Columns.of(source, data, told, path=source.path)


def _opener(path: Path) -> Any:
    """What opens the path, by its suffix or what lies in it; None where nothing does."""
    if path.is_dir():
        if any((path / name).exists() for name in _ZARR):
            return _open_zarr
        return _open_parquet if _parquet_files(path) else None
    if path.suffix.lower() not in (".npy", ".parquet"):
        return None
    if not path.is_file():
        raise _UnfitError(f"data file not found: {str(path)!r}")
    return _open_npy if path.suffix.lower() == ".npy" else _open_parquet


class _UnfitError(ValueError):
    """A data set that was read and will not do."""


def _flat(shape: Sequence[int], name: str) -> tuple[int, int]:
    if not all(isinstance(n, int | np.integer) for n in shape):  # of a dask array that was filtered
        raise _UnfitError(
            f"{name} must know its number of rows, got shape {tuple(shape)}; call its compute_chunk_sizes()"
        )
    if len(shape) < 2:
        raise _UnfitError(f"{name} must hold a table (samples, dimensions), got shape {tuple(shape)}")
    if 0 in shape:
        raise _UnfitError(f"{name} must not be empty, got shape {tuple(shape)}")
    return int(shape[0]), math.prod(map(int, shape[1:]))


def _real(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    if dtype.kind not in "biuf":
        raise _UnfitError(f"{name} must hold real numbers, got dtype {dtype}{REMEDIES.get(dtype.kind, '')}")
    return dtype


def _stamp(files: Sequence[Path]) -> dict[str, Any]:
    """How many bytes the files have, and when the last of them changed: that a file was given its old time back shows too."""
    stats = [file.stat() for file in files]
    changed = [max(times) for times in zip(*((s.st_mtime_ns, s.st_ctime_ns) for s in stats), strict=True)]
    return {"files": len(stats), "bytes": sum(s.st_size for s in stats), "changed": changed}


# anything with rows


@dataclass(frozen=True)
class _Rows(Source):
    """An array, or what behaves like one."""

    array: Any = None

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            yield plain_array(self.array[first:last], self.name, first=first).reshape(last - first, -1)

    def identity(self) -> dict[str, Any]:
        # its shape, and the content of three of its rows
        digest = hashlib.sha256()
        for row in (0, self.shape[0] // 2, self.shape[0] - 1):
            digest.update(np.asarray(self.array[row : row + 1]).tobytes())
        return {"shape": list(self.shape), "dtype": str(self.dtype), "rows": digest.hexdigest()}


@dataclass(frozen=True)
class _Columns(Source):
    """Some columns of another source.

    Attributes:
        whole: the other source.
        places: of the columns in it, from 0.
        location: where another process finds the same columns by opening it; None where they were asked for.
    """

    whole: Source | None = None
    places: tuple[int, ...] = ()
    location: Path | None = None

    @classmethod
    def of(cls, whole: Source, places: Sequence[int], told: Taken, path: Path | None = None) -> _Columns:
        shape = (whole.shape[0], len(places))
        return cls(whole.name, shape, whole.dtype, whole.grain, told, whole, tuple(places), path)

    @property
    def path(self) -> Path | None:
        return self.location

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        assert self.whole is not None
        places = list(self.places)
        return (block[:, places] for block in self.whole.blocks(start, stop, rows))

    def identity(self) -> dict[str, Any]:
        assert self.whole is not None
        return {**self.whole.identity(), "shape": list(self.shape), "columns": positions(self.places)}


@dataclass(frozen=True)
class _File(Source):
    """What lies on a disk.

    Attributes:
        location: absolute path of the file or directory.
        axes: the shape of the array in it.
    """

    location: Path = Path()
    axes: tuple[int, ...] = ()

    @property
    def path(self) -> Path | None:
        return self.location

    def files(self) -> Sequence[Path]:
        """Every file it consists of."""
        return [self.location]

    def identity(self) -> dict[str, Any]:
        return {
            "path": str(self.location),
            "shape": list(self.shape),
            "dtype": str(self.dtype),
            **_stamp(self.files()),
        }


# .npy


@dataclass(frozen=True)
class _Npy(_File):
    """A .npy file, read rather than mapped: a file cut short is then an error, where a map would kill the process."""

    offset: int = 0

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        D = self.shape[1]
        with self.location.open("rb") as file:
            for first in range(start, stop, rows):
                wanted = (min(first + rows, stop) - first) * D
                file.seek(self.offset + first * D * self.dtype.itemsize)
                block = np.fromfile(file, self.dtype, wanted)
                if block.size < wanted:
                    raise OSError(f"the file ends in row {first + block.size // D:,}; it was cut short")
                yield block.reshape(-1, D)


@dataclass(frozen=True)
class _NpyByColumns(_File):
    """A .npy file in Fortran order: its rows lie apart, so they are mapped, one block at a time."""

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        for first in range(start, stop, rows):
            mapped = np.lib.format.open_memmap(self.location, mode="r")
            last = min(first + rows, stop)
            yield np.array(mapped[first:last], order="C").reshape(last - first, -1)


def mapped_npy(path: Path) -> np.memmap[Any, Any]:
    """The array in a .npy file; nothing is unpickled.

    Raises:
        ValueError: where it holds Python objects, or the file goes on behind it.
    """
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        if "Python objects" not in str(error):
            raise
        raise ValueError("it holds Python objects, which are not unpickled; save it with .astype(float)") from None
    behind = path.stat().st_size - mapped.offset - mapped.nbytes
    if behind:
        raise ValueError(
            f"{behind:,} bytes follow its array of shape {mapped.shape}, as where several were saved to one file; save them "
            "as one"
        )
    return mapped


def _open_npy(path: Path) -> Source:
    mapped = mapped_npy(path)
    dtype, shape = _real(mapped.dtype, repr(str(path))), _flat(mapped.shape, repr(str(path)))
    location = path.resolve()
    if not mapped.flags.c_contiguous:
        return _NpyByColumns(path.name, shape, dtype, location=location, axes=mapped.shape)
    return _Npy(path.name, shape, dtype, location=location, axes=mapped.shape, offset=mapped.offset)


# Parquet


@dataclass(frozen=True)
class _Parquet(_File):
    """Parquet files, one after the other; every column that is read is a dimension.

    Attributes:
        names: of the columns to read; None for all.
        asked: whether these were asked for; another process would not know.
        parts: the files.
        groups: for each file, the number of rows in each of its row groups.
    """

    names: tuple[str, ...] | None = None
    asked: bool = False
    parts: tuple[Path, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def path(self) -> Path | None:
        return None if self.asked else self.location

    def identity(self) -> dict[str, Any]:
        return super().identity() | ({} if self.names is None else {"columns": list(self.names)})

    def files(self) -> Sequence[Path]:
        return self.parts

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        batches = self._batches(start, stop)
        batch = next(batches)
        for first in range(start, stop, rows):
            block = np.empty((min(first + rows, stop) - first, self.shape[1]), self.dtype)
            filled = 0
            while filled < len(block):
                batch = batch if batch.num_rows else next(batches)
                part = batch.slice(0, len(block) - filled)
                batch = batch.slice(part.num_rows)
                _fill(block[filled : filled + part.num_rows], part)
                filled += part.num_rows
            yield block

    def _batches(self, start: int, stop: int) -> Iterator[Any]:
        """The rows as record batches of any length."""
        import pyarrow.parquet

        size = max(1, DECODED // self.shape[1])
        first = 0
        for path, groups in zip(self.parts, self.groups, strict=True):
            if first + sum(groups) <= start or first >= stop:
                first += sum(groups)
                continue
            options = {"pre_buffer": False, "buffer_size": READ_AT_ONCE, "page_checksum_verification": True}
            with pyarrow.parquet.ParquetFile(path, **options) as file:
                for group, count in enumerate(groups):
                    low, high = max(start - first, 0), min(stop - first, count)
                    first += count
                    if low < high:
                        batches = file.iter_batches(size, row_groups=[group], columns=self.names)
                        yield from _sliced(batches, low, high)


def _sliced(batches: Iterator[Any], low: int, high: int) -> Iterator[Any]:
    """Rows `low` to before `high` of batches that follow one another."""
    first = 0
    for batch in batches:
        last = first + batch.num_rows
        if first < high and last > low:
            begin = max(low - first, 0)
            yield batch.slice(begin, min(high, last) - first - begin)
        first = last
        if first >= high:
            return


def _fill(block: NDArray[Any], batch: Any) -> None:
    for k, column in enumerate(batch.columns):
        if column.null_count:
            raise ValueError(
                f"column {batch.schema.names[k]!r} must be finite, got {column.null_count} empty cells; "
                "drop or impute them first"
            )
        numbers = column.to_numpy(zero_copy_only=False)
        if block.dtype.kind == "f":
            require_exact(numbers, f"column {batch.schema.names[k]!r}")
        block[:, k] = numbers


def _parquet_files(directory: Path) -> list[Path]:
    """The .parquet files right below a directory, by name; those of writers' own names begin with _ or a dot."""
    found = (p for p in directory.iterdir() if p.suffix.lower() == ".parquet" and p.name[0] not in "._")
    return sorted(p for p in found if p.is_file())


def _open_parquet(path: Path, columns: Columns) -> tuple[_Parquet, Sequence[str], Sequence[int]]:
    """The source, the names of all columns, and the places of those it reads."""
    import pyarrow.parquet

    location = path.resolve()
    parts = _parquet_files(location) if location.is_dir() else [location]
    groups: list[tuple[int, ...]] = []
    schema: Any = None
    for part in parts:
        with pyarrow.parquet.ParquetFile(part) as file:
            metadata, found = file.metadata, file.schema_arrow
            groups.append(tuple(metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)))
        schema = schema or found
        if [(c.name, c.type) for c in found] != [(c.name, c.type) for c in schema]:
            raise _UnfitError(f"files of one data set must have the same columns, got others in {str(part)!r}")
    places, left_out = parquet_columns(schema, columns, repr(str(path)))
    names = [str(name) for name in schema.names]
    wanted = None if len(places) == len(names) else tuple(names[k] for k in places)
    if wanted and any(names.count(name) > 1 for name in wanted):
        raise _UnfitError(f"columns to choose from must have names of their own, got {', '.join(names)}; rename them")
    shape = _flat((sum(map(sum, groups)), len(places)), repr(str(path)))
    source = _Parquet(
        path.name,
        shape,
        np.result_type(*(_column_dtype(names[k], schema.types[k], repr(str(path))) for k in places)),
        max(map(max, filter(None, groups))),
        Taken.of(shape, names, places).but(*left_out),
        location=location,
        names=wanted,
        asked=columns is not None,
        parts=tuple(parts),
        groups=tuple(groups),
    )
    return source, names, places


def parquet_columns(schema: Any, columns: Columns, name: str) -> tuple[list[int], list[str]]:
    """Which columns of a Parquet schema to read, from 0, and what is said of the others.

    Raises:
        ValueError: as `kept`, and for columns to read that are no real numbers.
    """
    from pyarrow import types

    names = [str(column) for column in schema.names]
    index = [column for column in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(column, str)]
    places, left_out = kept(
        names, ["float" if types.is_floating(kind) else "" for kind in schema.types], index, columns
    )
    for k in places:
        _column_dtype(names[k], schema.types[k], name)
    return places, left_out


def _column_dtype(column: str, kind: Any, name: str) -> np.dtype[Any]:
    from pyarrow import array, types

    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise _UnfitError(f"{name} must hold real numbers, got {kind} in column {column!r}; leave that column out")
    return np.asarray(array([], kind).to_numpy(zero_copy_only=False)).dtype


# Zarr

_ZARR = ("zarr.json", ".zarray", ".zgroup")


@dataclass(frozen=True)
class _Zarr(_File):
    """A Zarr array in a directory."""

    def files(self) -> Sequence[Path]:
        return [Path(root, name) for root, _, names in os.walk(self.location) for name in names]

    def _blocks(self, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            yield np.asarray(self._array[first:last]).reshape(last - first, -1)

    @cached_property
    def _array(self) -> Any:
        return _zarr().open(str(self.location), mode="r")


def _open_zarr(path: Path) -> Source:
    array = _zarr().open(str(path), mode="r")
    if not hasattr(array, "shape"):
        names = ", ".join(sorted(array.array_keys())) or "none"
        raise _UnfitError(f"{str(path)!r} is a group of Zarr arrays ({names}); name one of them, as in {path / 'NAME'}")
    for name in _ZARR:  # Zarr 2 has a codec that unpickles what it reads
        if (path / name).is_file() and '"pickle"' in json.dumps(json.loads((path / name).read_bytes())):
            raise _UnfitError(f"{str(path)!r} is pickled, and what is read here is never unpickled; store it without")
    shape, dtype = _flat(array.shape, repr(str(path))), _real(np.dtype(array.dtype), repr(str(path)))
    grain = (getattr(array, "shards", None) or array.chunks)[0]
    return _Zarr(path.name, shape, dtype, grain, location=path.resolve(), axes=tuple(map(int, array.shape)))


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise _UnfitError("reading a Zarr array takes zarr, not found here; pip install 'geomem[zarr]'") from None
    return zarr
