r"""The dense pass in compiled loops: a panel of queries against a block of samples, while both are in the caches.

S of a panel and a block is one product, from the rows of numerics.samples or, with differences, -|x - y|^2/2 itself;
its weights and their sums follow at once, and a second product adds the samples. Chunks of samples whose weights are
below exp(-cut) of the largest are left out: together they weigh no more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics import compiled_products
from numerics.compiled_products import CHUNK, LANES_BYTES, ROWS, VECTORS
from numerics.dense import Asked, Weighed, state_of, states_about
from numerics.moments import GibbsMoments
from numerics.samples import Rows

__all__ = ["BLOCK", "Room", "by_differences", "by_products", "rescored", "screen"]

BLOCK, ENTRIES = 640, 2**20  # samples of a block, as long as their rows are not more numbers than that
WEIGHTS = 2**17  # of panels and a block that are added up at once
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Room:
    """Where a block of samples is laid out, and what is made of it and a panel of queries.

    Attributes:
        samples: rows of the block, shape (n, an odd number of vectors); so columns are spread over the cache.
        S: of the block and G panels, shape (G W, n with padding to an odd number of vectors).
        e: their weights, of the same shape.
        peaks: the largest S of a query and a chunk of samples, shape (G, n / CHUNK, W).
    """

    samples: Floats
    S: Floats
    e: Floats
    peaks: Floats

    @classmethod
    def of(cls, dtype: Any, length: int, n: int, m: int = 1) -> Room:
        """For rows of `length` numbers, n of them or a few more, and some of m queries at once, a panel at least."""
        L = LANES_BYTES // np.dtype(dtype).itemsize
        n, W = -(-n // ROWS) * ROWS, VECTORS * L
        columns = (-(-n // L) | 1) * L
        at_once = max(1, min(-(-m // W), WEIGHTS // (W * columns)))
        S, e = np.zeros((2, at_once * W, columns), dtype)
        peaks = np.zeros((at_once, -(-n // CHUNK), W), dtype)
        return cls(np.zeros((n, (-(-length // L) | 1) * L), dtype), S, e, peaks)

    @property
    def lanes(self) -> int:
        """Numbers in a vector."""
        return self.peaks.shape[2] // VECTORS

    def padded(self, x: Floats) -> Floats:
        """x with zeros, rows to a multiple of ROWS and columns to one of a vector."""
        (m, D), L = x.shape, self.lanes
        found = np.zeros((-(-m // ROWS) * ROWS, -(-D // L) * L), x.dtype)
        found[:m, :D] = x
        return found

    def panels(self, z: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Rows z, shape (m, K), as panels of W queries, shape (P, K, W), and the vectors that each of them fills."""
        m, K = z.shape
        W = self.peaks.shape[2]
        panels = np.zeros((-(-m // W), W, K), z.dtype)
        panels.reshape(-1, K)[:m] = z
        vectors = [-(-min(W, m - start) // self.lanes) for start in range(0, m, W)]
        return np.ascontiguousarray(panels.swapaxes(1, 2)), np.array(vectors)


def _block(data: Floats) -> int:
    """Samples that are laid out at once."""
    return min(len(data), BLOCK, max(CHUNK, ENTRIES // data.shape[1] // CHUNK * CHUNK))


def by_products(x: Floats, rows: Rows, t: Floats, asked: Asked) -> GibbsMoments:
    """The moments at queries x, shape (m, D), and times t, shape (T, m), of the samples that `rows` lays out."""
    z, norms = rows.of(x)
    half = (z[:, :-1].astype(np.float64) ** 2).sum(axis=-1) / 2
    scales = t * asked.temperature / rows.unit**2
    found, total = _weighed(z, rows.data, rows.centre, 1 / rows.unit, scales, asked)
    rounding = 2 * rows.bound(norms, max(rows.norms)) / scales
    states = []
    for i, one in enumerate(found):
        mean = rows.centre + rows.unit * total[i] / one.weight[:, None]
        shift = np.minimum((one.top - half) / scales[i], 0)
        states.append(state_of(x, t[i], asked, len(rows.data), one, shift, mean, None, rounding[i]))
    return GibbsMoments.joined(states, axis=0)


def by_differences(x: Floats, data: Floats, t: Floats, asked: Asked) -> GibbsMoments:
    """The same of the samples `data`, shape (N, D), of the dtype of x, from distances by direct differences."""
    found, total = _weighed(x, data, np.zeros(x.shape[1]), 1.0, t * asked.temperature, asked)
    return states_about(x, t, asked, len(data), found, total)


def screen(z: Floats, rows: Rows) -> Callable[..., tuple[Floats, Floats, Floats]]:
    """What finds the pairs of query rows z and samples of a slice whose S is not too far below the largest.

    It takes the slice, the bound of S, the largest lower bound so far, which it raises, and how far below it S counts; it
    gives queries, samples and their S.
    """
    room = Room.of(z.dtype, z.shape[1], _block(rows.data))
    panels, vectors = room.panels(z)

    def above(part: slice, bound: Floats, lowest: Floats, reach: Floats) -> tuple[Floats, Floats, Floats]:
        data = rows.data[part]
        layout = rows.centre, 1 / rows.unit, panels, vectors, room.samples, room.S, room.peaks
        query, sample, S = compiled_products.above(data, *layout, bound, lowest, reach)
        return query, sample + part.start, S

    return above


def rescored(x: Floats, rows: Rows, reach: Floats, t: Floats, asked: Asked, most: float) -> GibbsMoments | None:
    """The moments at times t, shape (T, m), of the samples that screening leaves for them, from differences in float64.

    None as soon as more than a share `most` of the pairs had to be weighed. `reach`, shape (m,), is how far below the
    largest S one counts.
    """
    (T, m), D = t.shape, x.shape[1]
    z, norms = rows.of(x)
    room = Room.of(z.dtype, D + 1, _block(rows.data))
    layout = rows.centre, 1 / rows.unit, *room.panels(z), room.samples, room.S, room.peaks
    x, rate = np.ascontiguousarray(x, dtype=np.float64), 1 / (2 * t * asked.temperature)
    lowest, least, nearest = np.full(m, -np.inf), np.zeros(m), np.full(m, -1)
    sums, total, cut, pairs = np.zeros((T, m, 4)), np.zeros((T, m, D)), asked.cut(len(rows.data)), 0
    for part, norm in zip(rows.parts, rows.norms, strict=True):
        data, bound = rows.data[part], rows.bound(norms, norm)
        state = lowest, reach, x, rate, cut, least, nearest, sums, total
        pairs += compiled_products.rescored(data, part.start, *layout, bound, *state)
        if pairs > most * m * len(rows.data):
            return None
    found = [Weighed(-least / 2, nearest, *sums[i].T) for i in range(T)]
    return states_about(x, t, asked, len(rows.data), found, total)


def _weighed(
    z: Floats, data: Floats, centre: Floats, scale: float, scales: Floats, asked: Asked
) -> tuple[list[Weighed], Floats]:
    """The sums at each of the scales of S, shape (T, m), and sum e y' or sum e (y - x), shape (T, m, D).

    For rows z of queries, shape (m, D + 1), products of rows are taken; for queries themselves, (m, D), differences.
    """
    (T, m), D = scales.shape, data.shape[1]
    room = Room.of(z.dtype, D + 1, _block(data), len(z))
    padded = room.padded(z[:, :D])
    top, best = np.zeros(len(padded)), np.zeros(len(padded), dtype=np.int64)
    rate, reach = np.ones((2, T, len(padded)))
    rate[:, :m], reach[:, :m] = 1 / scales, asked.cut(len(data)) * scales
    sums, total = np.zeros((T, len(padded), 4)), np.zeros((T, *padded.shape))
    panels, vectors = room.panels(z)
    compiled_products.weighed(
        data,
        centre,
        scale,
        z.shape[1] == D,
        panels,
        vectors,
        rate,
        reach,
        padded,
        room.samples,
        room.S,
        room.e,
        room.peaks,
        top,
        best,
        sums,
        total,
    )
    found = [Weighed(top[:m], best[:m], *sums[i, :m].T) for i in range(T)]
    return found, total[:, :m, :D]
