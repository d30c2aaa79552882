r"""Few dimensions: direct differences to tiles of neighbouring samples, of which those that lie too far away are skipped.

A k-d tree puts the samples into tiles of `TILE`, each within a ball of centre c and radius r. A sample of a tile is at least |x - c| - r
from x, so where

    (|x - c| - r)^2 > least + 2 tT cut,      least: the smallest |x - y|^2 found so far,

its weight is less than exp(-cut) of the largest, and the tile is skipped; as it is where its own smallest |x - y|^2 says so. All that is
skipped weighs no more than N exp(-cut), the tolerance. Direct differences do not care how small t is. Where nothing can be skipped the pass
costs what a compiled dense pass costs, and a comparison per tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from numerics import compiled_loops
from numerics.dense import Asked, Weighed, log_weight_error, state_of
from numerics.moments import GibbsMoments
from numerics.samples import difference_error

__all__ = ["LARGEST_DIMENSION", "Tiles", "tiled", "tiles_of"]

LARGEST_DIMENSION = 32  # above it matrix products are faster
TILE = 256
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Tiles:
    """A data set in K tiles.

    Attributes:
        samples: coordinates, padded with zeros to E, a multiple of four, shape (K, E, TILE); the last tile may not be full.
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


def tiles_of(data: Floats) -> Tiles:
    """The data set, shape (N, D), in tiles of neighbours."""
    N, D = data.shape
    numbers = cKDTree(data, leafsize=TILE, balanced_tree=False, compact_nodes=False).indices.astype(np.int64)
    K, E = -(-N // TILE), -(-D // 4) * 4
    rows = np.zeros((K * TILE, E), dtype=data.dtype)
    rows[:N, :D] = data[numbers]
    rows[N:, :D] = data[numbers[-1]]
    rows = rows.reshape(K, TILE, E)
    centres = rows.mean(axis=1, dtype=np.float64)
    radii = np.sqrt(((rows - centres[:, None]) ** 2).sum(axis=-1).max(axis=-1)) * (1 + 1e-12)
    return Tiles(np.ascontiguousarray(rows.swapaxes(1, 2)), numbers, centres, radii, D)


def tiled(x: Floats, tiles: Tiles, t: Floats, asked: Asked) -> GibbsMoments:
    """The moments at queries x, shape (m, D), of the tiles' dtype, and times t, shape (T, m)."""
    T, m = t.shape
    E, D, count = tiles.samples.shape[1], tiles.dimension, tiles.numbers.size
    queries = np.zeros((m, E), dtype=x.dtype)
    queries[:, :D] = x
    rate = 1 / (2 * t * asked.temperature)
    reach = asked.cut(count) / rate.min(axis=0)
    margin = 1 + 2 * difference_error(E, x.dtype, np)
    work = np.empty((2, TILE), dtype=x.dtype)
    least, nearest = np.full(m, np.inf, dtype=x.dtype), np.full(m, count)
    sums, away = np.zeros((T, m, 4)), np.zeros((T, m, E))
    compiled_loops.tiles(
        queries,
        tiles.samples,
        tiles.numbers,
        tiles.centres,
        tiles.radii,
        rate,
        reach,
        margin,
        work,
        work.view(f"i{x.itemsize}"),
        least,
        nearest,
        sums,
        away,
    )
    least = least.astype(np.float64)
    states = [_state(x, t[i], least, nearest, sums[i], away[i, :, :D], count, asked) for i in range(T)]
    return GibbsMoments.joined(states, axis=0)


def _state(
    x: Floats, t: Floats, least: Floats, nearest: Floats, sums: Floats, away: Floats, count: int, asked: Asked
) -> GibbsMoments:
    found = Weighed(-least / 2, nearest, *sums.T)
    shift = -least / (2 * t * asked.temperature)
    mean = x + away / found.weight[:, None]
    return state_of(x, t, asked, count, found, shift, mean, None, log_weight_error(x, shift, asked.cut(count)))
