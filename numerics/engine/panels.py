r"""The dense pass in compiled loops: a panel of queries against a block of samples, while both are in the caches.

S of a panel and a block is one product, of the coordinates of numerics.engine.layout, or, with differences, -|x - y|^2/2
itself; its weights and their sums follow at once, and a second product adds the samples. Tiles of samples whose weights are
below exp(-cut) of the largest for all queries of a vector are left out: together they weigh no more than the tolerance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled import products as compiled_products
from numerics.engine.compiled.vectors import DIFFERENCES, LANES_BYTES, PRODUCTS, ROWS, VECTORS
from numerics.engine.dense import Asked, Weighed, state_of, states_about
from numerics.engine.layout import Rows
from numerics.moments import GibbsMoments

__all__ = ["BLOCK", "Room", "by_differences", "by_products"]

BLOCK, LEAST, BYTES = 640, 64, 2**22  # samples of a block, at most and at least, and room for them, in the last cache
Floats = NDArray[np.floating]


class Room(NamedTuple):
    """Where a block of n samples is laid out, and what is made of it and a panel of W queries.

    Attributes:
        samples: coordinates, in squares of ROWS samples by ROWS coordinates, shape (n / ROWS, D / ROWS, ROWS, ROWS).
        norms: what is added to their products with a query, shape (n,).
        S: shape (n, W).
        e: weights, of the same shape.
        peaks: the largest S of each ROWS samples, shape (n / ROWS, W).
        largest: that of all, shape (W,).
    """

    samples: Floats
    norms: Floats
    S: Floats
    e: Floats
    peaks: Floats
    largest: Floats

    @classmethod
    def of(cls, data: Floats, dtype: Any) -> Room:
        """For a block of the data set, shape (N, D), in this dtype."""
        (N, D), width = data.shape, np.dtype(dtype).itemsize
        n = min(N, BLOCK, max(LEAST, BYTES // (D * width)))
        W, tiles = VECTORS * LANES_BYTES // width, -(-n // ROWS)
        groups = -(-D // ROWS) | 1  # odd, so that the squares of a group are spread over the cache
        samples = np.zeros((tiles, groups, ROWS, ROWS), dtype)
        S, e = np.zeros((2, tiles * ROWS, W), dtype)
        return cls(samples, np.zeros(tiles * ROWS, dtype), S, e, np.zeros((tiles, W), dtype), np.zeros(W, dtype))

    def panels(self, x: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Queries x, shape (m, D), as panels, shape (P, D with padding, W), and the vectors that each of them fills."""
        (m, D), W = x.shape, self.largest.size
        panels = np.zeros((-(-m // W) * W, -(-D // ROWS) * ROWS), x.dtype)
        panels[:m, :D] = x
        panels = np.ascontiguousarray(panels.reshape(-1, W, panels.shape[1]).swapaxes(1, 2))
        return panels, np.array([-(-min(W, m - start) * VECTORS // W) for start in range(0, m, W)])


def by_products(x: Floats, rows: Rows, t: Floats, asked: Asked) -> GibbsMoments:
    """The moments at queries x, shape (m, D), and times t, shape (T, m), of the samples that `rows` lays out."""
    z, norms = rows.of(x)
    half = (z[:, :-1].astype(np.float64) ** 2).sum(axis=-1) / 2
    scales = t * asked.temperature / rows.unit**2
    found, total = _weighed(z[:, :-1], rows.data, rows.centre, 1 / rows.unit, scales, asked, differences=False)
    rounding = 2 * rows.bound(norms, max(rows.norms)) / scales
    states = []
    for i, one in enumerate(found):
        mean = rows.centre + rows.unit * total[i] / one.weight[:, None]
        shift = np.minimum((one.top - half) / scales[i], 0)
        states.append(state_of(x, t[i], asked, len(rows.data), one, shift, mean, None, rounding[i]))
    return GibbsMoments.joined(states, axis=0)


def by_differences(x: Floats, data: Floats, t: Floats, asked: Asked) -> GibbsMoments:
    """The same of the samples `data`, shape (N, D), of the dtype of x, from distances by direct differences."""
    found, total = _weighed(x, data, np.zeros(x.shape[1]), 1.0, t * asked.temperature, asked, differences=True)
    return states_about(x, t, asked, len(data), found, total)


def _weighed(
    x: Floats, data: Floats, centre: Floats, scale: float, scales: Floats, asked: Asked, *, differences: bool
) -> tuple[list[Weighed], Floats]:
    """The sums for queries x, shape (m, D), at each of the scales of S, shape (T, m); and sum e y', shape (T, m, D).

    With differences S is from them, and the last is sum e (y - x).
    """
    (T, m), D = scales.shape, data.shape[1]
    room = Room.of(data, x.dtype)
    panels, vectors = room.panels(x)
    P, length, W = panels.shape
    top, best = np.zeros(P * W), np.zeros(P * W, dtype=np.int64)
    rate, reach = np.ones((2, T, P * W))
    rate[:, :m], reach[:, :m] = 1 / scales, asked.cut(len(data)) * scales
    sums, total = np.zeros((T, P * W, 4)), np.zeros((T, P, length, W))
    question = DIFFERENCES if differences else PRODUCTS, panels, vectors, rate, reach
    state = top, best, sums, total
    compiled_products.weighed(data, centre, scale, *question, room, *state)
    found = [Weighed(top[:m], best[:m], *sums[i, :m].T) for i in range(T)]
    return found, total.swapaxes(2, 3).reshape(T, P * W, length)[:, :m, :D]
