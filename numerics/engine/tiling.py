r"""Few dimensions: direct differences to tiles of samples, of which those that lie too far away are skipped.

A k-d tree puts neighbours into tiles, each within a ball of centre c and radius r. Its samples are at least |x - c| -
r from x, so where

    (|x - c| - r)^2 > least + 2 tT cut,      least: the smallest |x - y|^2 found so far,

none of them has more than exp(-cut) of the largest weight, and the tile is skipped; so it is where its own smallest
|x - y|^2 says the same. All that is skipped weighs no more than N exp(-cut), the tolerance. Direct differences do not
care how small t is. Where nothing can be skipped the pass costs what a compiled dense pass costs, and a comparison
per tile; there tiles are taken in the order of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from numerics.engine.compiled.sums import Sums
from numerics.engine.compiled.tiles import tiles as compiled_tiles
from numerics.engine.layout import difference_error
from numerics.engine.question import Question, moments_of
from numerics.moments import GibbsMoments

__all__ = ["Tiles", "tiled", "tiles_of", "worth_order"]

TILE, LEAST, TILE_BYTES = 512, 32, 2**15  # samples of a tile, at most and at least: what the first cache takes
WIDE = 1.0  # reach in radii of the data, from which on skipping tiles gains less than finding neighbours costs
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Tiles:
    """A data set in K tiles of n samples.

    Attributes:
        samples: coordinates, padded with zeros to E, an even number, shape (K, E, n); the last tile may not be full.
        numbers: of the samples in the data, shape (N,), tile after tile.
        centres: shape (K, E).
        radii: shape (K,).
        dimension: D.
    """

    samples: Floats
    numbers: NDArray[np.int64]
    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    dimension: int


def worth_order(t: Floats, question: Question, count: int, radius: float) -> bool:
    """Whether tiles of neighbours, of `count` samples within a radius, will be skipped at times t, shape (T, m)."""
    reach = 2 * (t.max() * question.temperature) * question.cut(count)
    return bool(reach < (WIDE * radius) ** 2)


def tiles_of(data: Floats, *, ordered: bool = True) -> Tiles:
    """The data set, shape (N, D), in tiles, of neighbours or as it comes."""
    N, D = data.shape
    E = D + D % 2
    n = max(LEAST, min(TILE, TILE_BYTES // (E * data.itemsize)))
    K = -(-N // n)
    numbers = np.arange(N)
    if ordered:
        numbers = cKDTree(data, leafsize=n, balanced_tree=False, compact_nodes=False).indices.astype(np.int64)
    rows = np.zeros((K * n, E), dtype=data.dtype)
    rows[:N, :D] = data[numbers]
    rows[N:, :D] = rows[N - 1, :D]
    rows = rows.reshape(K, n, E)
    centres = rows.mean(axis=1, dtype=np.float64)
    radii = np.sqrt(((rows - centres[:, None]) ** 2).sum(axis=-1).max(axis=-1)) * (1 + 1e-12)
    return Tiles(np.ascontiguousarray(rows.swapaxes(1, 2)), numbers, centres, radii, D)


def tiled(x: Floats, tiles: Tiles, t: Floats, question: Question) -> GibbsMoments:
    """The moments at queries x, shape (m, D), of the tiles' dtype, and times t, shape (T, m)."""
    T, m = t.shape
    E, D, count = tiles.samples.shape[1], tiles.dimension, tiles.numbers.size
    queries = np.zeros((m, E), dtype=x.dtype)
    queries[:, :D] = x
    rate = 1 / (2 * (t * question.temperature))
    reach = question.cut(count) / rate.min(axis=0)
    margin = 1 + 2 * difference_error(E, x.dtype, np)
    squares, e = np.empty((2, tiles.samples.shape[2]), dtype=x.dtype)
    basis = np.eye(D) if question.basis is None else question.basis
    k = 0 if question.covariance is None else basis.shape[1]
    sums = Sums.of(T, m, E, k, full=question.covariance == "full", dtype=x.dtype)
    outside = cdist(queries, tiles.centres) - tiles.radii
    compiled_tiles(
        queries,
        tiles.samples,
        tiles.numbers,
        np.maximum(outside, 0) ** 2,
        outside.argmin(axis=1),
        rate,
        reach,
        margin,
        np.ascontiguousarray(basis, dtype=x.dtype),
        squares,
        squares.view(f"i{x.itemsize}"),
        e,
        np.empty((sums.mean.shape[2], e.size), dtype=x.dtype),
        sums,
    )
    return moments_of(sums, x, t, question, count)
