"""Data: the ensembles the theory speaks of, and the data sets users bring."""

from __future__ import annotations

import csv
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import stream
from theory.setting import LinearManifold, Setting

__all__ = [
    "FORMATS",
    "Mixture",
    "Resampled",
    "at_points",
    "data_sets",
    "draw",
    "load",
    "log_density",
    "needs_density",
    "noise",
    "points",
    "score",
]

Array = NDArray[np.float64]
FORMATS = (".npy", ".npz", ".csv", ".parquet")


def draw(setting: Setting, count: int, rng: np.random.Generator) -> Array:
    """`count` samples of the setting's ensemble in principal axes, shape (count, D)."""
    manifold = setting.manifold
    D, m = manifold.ambient_dimension, manifold.intrinsic_dimension
    samples = rng.standard_normal((count, m))
    samples *= np.sqrt(manifold.spectrum[:m])
    if m < D:  # else a copy would double the memory
        samples = np.pad(samples, ((0, 0), (0, D - m)))
    if setting.ensemble == "sphere":
        radius = np.sqrt(manifold.spectrum.sum())
        samples *= radius / np.linalg.norm(samples, axis=1, keepdims=True)
    return samples


@dataclass(frozen=True)
class Mixture:
    """A mixture of A Gaussians to draw from: called with (count, rng), it returns samples of shape (count, D).

    Attributes:
        weights: shape (A,), summing to one.
        means: shape (A, D).
        factors: matrices F_a of shape (A, D, D); the covariances are F_a F_a^T.
    """

    weights: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    factors: tuple[tuple[tuple[float, ...], ...], ...]

    def __call__(self, count: int, rng: np.random.Generator) -> Array:
        """`count` samples, shape (count, D)."""
        component = rng.choice(len(self.weights), count, p=self.weights)
        samples = rng.standard_normal((count, len(self.means[0])))
        for a, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            samples[component == a] = mean + samples[component == a] @ np.array(factor).T
        return samples

    def parts(self) -> dict[str, Any]:
        """weights, means and covariances as arrays."""
        factors = np.array(self.factors)
        covariances = factors @ factors.swapaxes(-1, -2)
        return {"weights": np.array(self.weights), "means": np.array(self.means), "covariances": covariances}


@dataclass(frozen=True)
class Resampled:
    """A data set as a distribution: drawing from it resamples with replacement.

    Attributes:
        samples: shape (A, D).
    """

    samples: Array

    def __call__(self, count: int, rng: np.random.Generator) -> Array:
        """`count` samples with replacement, shape (count, D)."""
        return self.samples[rng.integers(len(self.samples), size=count)]


def data_sets(
    draw_one: Callable[[np.random.Generator], Array],
    name: str,
    *,
    repeats: int,
    rng: int | np.random.SeedSequence,
    tick: Callable[[], object],
) -> Iterator[tuple[np.random.Generator, Array]]:
    """Independent data sets, each with the random stream it came from; ticks when the caller is done with one.

    The streams are keyed by `name` and the number of the data set.
    """
    for repeat in range(repeats):
        random = stream(rng, name, repeat)
        yield random, draw_one(random)
        tick()


def noise(samples: Array, t: float, rng: np.random.Generator) -> Array:
    """Samples + sqrt(t) xi."""
    return samples + np.sqrt(t) * rng.standard_normal(samples.shape)


def points(setting: Setting, i: int, samples: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The points x of the setting at its i-th time, shape (M, D), and the samples they look at.

    Its own point, M = 1; else `count` points of its query. On a trajectory through a point the first sample is drawn
    given that x came from it.

    Raises:
        ValueError: for that, unless the ensemble is `gaussian`.
    """
    t, trajectory = setting.t[i], setting.query == "trajectory"
    if setting.point is None:
        return noise(samples[:count] if trajectory else draw(setting, count, rng), t, rng), samples
    x = np.zeros(samples.shape[1])
    x[: len(setting.point)] = setting.point
    x = x / setting.alpha[i]
    if trajectory:
        needs_density(setting, "on a trajectory through a given point")
        spectrum = setting.manifold.spectrum
        own = spectrum / (spectrum + t) * x + np.sqrt(spectrum * t / (spectrum + t)) * rng.standard_normal(x.size)
        samples = np.concatenate([own[None], samples[1:]])
    return x[None], samples


def at_points(
    f: Callable[[Array, Array, float], Any],
    setting: Setting,
    name: str,
    count: int,
    *,
    repeats: int,
    rng: int | np.random.SeedSequence,
    tick: Callable[[], object],
) -> Array:
    """f(x, data, t) at the `points` of each time of each of `repeats` data sets, shape (repeats, T, ...)."""

    def at_times(random: np.random.Generator, samples: Array) -> list[Any]:
        return [f(*points(setting, i, samples, count, random), float(t)) for i, t in enumerate(setting.t)]

    sets = data_sets(partial(draw, setting, setting.samples), name, repeats=repeats, rng=rng, tick=tick)
    return np.array(list(starmap(at_times, sets)))  # starmap lets go of a data set before the next is drawn


def needs_density(setting: Setting, what: str) -> None:
    """Refuse an ensemble whose density and score have no closed form to compare with.

    Raises:
        ValueError: unless the ensemble is `gaussian`.
    """
    if setting.ensemble != "gaussian":
        raise ValueError(
            f"measuring {what} takes the density of the data, known for the gaussian ensemble only, got "
            f"{setting.ensemble!r}; memorized_probability and effective_samples are measured for either"
        )


def score(x: Array, t: float, manifold: LinearManifold) -> Array:
    """The score of the Gaussian distribution itself under noise t, x of shape (..., D)."""
    return -x / (manifold.spectrum + t)


def log_density(x: Array, t: float, manifold: LinearManifold) -> Array:
    """log p_t(x) of the Gaussian distribution itself, x of shape (..., D)."""
    variances = manifold.spectrum + t
    return np.asarray(-0.5 * (x**2 / variances + np.log(2 * np.pi * variances)).sum(axis=-1))


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
