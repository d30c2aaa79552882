"""The file of `geomem moments`: the averages as arrays for numpy.load, and a table of them to look at."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.gibbs import GibbsMoments
from numerics.storage.sources import Source

__all__ = ["SCALARS", "content", "points", "table"]

SCALARS = (
    "log_partition",
    "energy",
    "energy_variance",
    "entropy",
    "participation",
    "largest_weight",
    "nearest",
    "error",
)
SHOWN = ("log_partition", "energy", "entropy", "participation")


def points(source: Source) -> NDArray[Any]:
    """All rows of a source: queries are few."""
    N = source.shape[0]
    return next(source.blocks(0, N, N))


def content(found: GibbsMoments) -> bytes:
    """An .npz file: `SCALARS` of shape (T, M), mean and score (T, M, D), the covariance if there is one, t (T,), queries."""
    names = (*SCALARS, "mean", "score", *(["covariance"] if found.scatter is not None else []))
    arrays = {name: getattr(found, name) for name in names}
    file = io.BytesIO()
    np.savez(file, t=found.t[:, 0], queries=found.queries, samples=np.array(found.count), **arrays)
    return file.getvalue()


def table(found: GibbsMoments) -> str:
    """Medians over the queries, a line per time."""
    T, M = found.t.shape
    heading = f"{found.count:,} samples, {M:,} queries, {T:,} times; medians over the queries:\n"
    lines = [["t", *SHOWN]]
    lines += [
        [f"{t:g}", *(f"{np.median(getattr(found, n)[k]):.6g}" for n in SHOWN)] for k, t in enumerate(found.t[:, 0])
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join([heading, *("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in lines)])
