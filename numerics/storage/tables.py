"""Tables: the data sets that users bring, as samples in rows."""

from __future__ import annotations

import csv
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FORMATS", "load"]

Array = NDArray[np.float64]
FORMATS = (".npy", ".npz", ".csv", ".parquet")


def load(source: str, *, largest: int = 2**33) -> tuple[str, Array]:
    """A user's data set: its name and its samples, shape (N, D), in float64.

    Args:
        source: a .npy, .npz, .csv or .parquet file, or the word `digits`. Arrays of more than two dimensions, such as
            images, are flattened from the second axis on; an .npz file must hold one array, or one called `data`;
            a .csv file may have a header line.
        largest: refuse what would take more bytes in memory.

    Raises:
        ValueError: for a file that is missing, unreadable, too large, of an unknown format, or not a table of finite
            numbers with at least 3 samples that differ.
    """
    if source == "digits":
        from sklearn.datasets import load_digits

        return "digits", _checked(load_digits().data, source, largest)
    path = Path(source)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"data must be one of {', '.join(FORMATS)} or the word digits, got {source!r}")
    try:
        found = path.is_file()
    except OSError as error:  # a folder that may not be entered, a name too long
        raise ValueError(f"cannot read {source!r}: {error.strerror}") from None
    if not found:
        raise ValueError(f"data file not found: {source!r}")
    try:
        array = _READERS[path.suffix.lower()](path)
    except MemoryError:
        raise ValueError(f"{source!r} does not fit into memory; audit a subsample of it") from None
    except Exception as error:  # readers raise whatever their format's library raises
        raise ValueError(f"cannot read {source!r} as {path.suffix}: {' '.join(str(error).split())}") from None
    return path.stem, _checked(array, source, largest)


def _checked(array: NDArray[Any], source: str, largest: int) -> Array:
    if array.ndim < 2:
        raise ValueError(f"{source!r} must hold a table (samples, dimensions), got shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{source!r} must hold real numbers, got dtype {array.dtype}")
    if array.shape[0] < 3 or array.size == 0:
        raise ValueError(f"{source!r} must hold at least 3 samples, got shape {array.shape}")
    if 8 * array.size > largest:
        raise ValueError(f"{source!r} takes {8 * array.size / 2**30:.1f} GiB in float64; audit a subsample of it")
    samples = np.asarray(array, dtype=np.float64).reshape(len(array), -1)
    if not np.isfinite(samples).all():
        raise ValueError(f"{source!r} must be finite, got NaN or infinite entries; drop or impute them first")
    if not (samples != samples[0]).any():
        raise ValueError(f"{source!r} must vary, got a constant data set: every sample is the same point")
    return samples


def _read_npz(path: Path) -> NDArray[Any]:
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not an .npz archive")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        name = "data" if "data" in names else names[0] if len(names) == 1 else None
        if name is None:
            raise ValueError(f"it holds {len(names)} arrays ({', '.join(names)}) and none is called data")
        return np.asarray(archive[name])


def _read_csv(path: Path) -> NDArray[Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets write a byte order mark
        first = next(csv.reader(file), [])
    if not first:
        raise ValueError("the file is empty")
    skip = 0 if _all_numbers(first) else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a header and nothing below it: the caller says so
        return np.loadtxt(path, delimiter=",", skiprows=skip, ndmin=2, encoding="utf-8-sig", quotechar='"')


def _all_numbers(cells: list[str]) -> bool:
    try:
        [float(cell) for cell in cells if cell.strip()]  # a gap makes no header of a line of data
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> NDArray[Any]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    return np.column_stack([column.to_numpy() for column in table.columns])


_READERS = {
    ".npy": lambda path: np.lib.format.open_memmap(path, mode="r"),  # which neither unpickles nor opens an .npz
    ".npz": _read_npz,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
