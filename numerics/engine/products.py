"""The dense pass in compiled loops: products by the BLAS of a chunk of queries and a block of samples, within the caches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled.loops import Room
from numerics.engine.compiled.products import products
from numerics.engine.layout import Rows
from numerics.engine.question import Question, Weights, state_of
from numerics.moments import GibbsMoments

__all__ = ["BLOCK", "CHUNK", "moments", "room_of"]

BLOCK, CHUNK = 256, 128  # samples and queries: their S and weights fit the second cache
Floats = NDArray[np.floating]


def room_of(rows: Rows, chunk: int, z: Floats, squares: int = 0) -> Room:
    """For blocks of the data that `rows` lays out, and chunks of the queries z."""
    D, n, chunk = z.shape[1], min(BLOCK, len(rows.data)), min(chunk, len(z))
    samples, values = (np.empty((n, width), z.dtype) for width in (D, D + squares))
    S, e = np.empty((2, chunk * n), z.dtype)
    return Room(samples, np.empty(n, z.dtype), values, S, e, chunk)


def moments(x: Floats, rows: Rows, t: Floats, question: Question) -> GibbsMoments:
    """The moments at queries x, shape (m, D), and times t, shape (T, m), but for a full covariance."""
    z, norms = rows.of(x)
    z = np.ascontiguousarray(z[:, :-1])
    (T, m), D = t.shape, z.shape[1]
    half = (z.astype(np.float64) ** 2).sum(axis=-1) / 2
    scales = rows.scale(t, question.temperature)
    basis = np.ascontiguousarray(np.empty((D, 0)) if question.basis is None else question.basis, dtype=z.dtype)
    room = room_of(rows, CHUNK, z, 0 if question.covariance is None else basis.shape[1] or D)
    top, best = np.zeros(m), np.zeros(m, dtype=np.int64)
    sums, total = np.zeros((T, m, 4)), np.zeros((T, m, room.values.shape[1]))
    products(rows.data, rows.centre, 1 / rows.unit, z, 1 / scales, basis, room, top, best, sums, total)
    rounding = 2 * rows.bound(norms, max(rows.norms)) / scales
    states = []
    for i in range(T):
        one = Weights(top, best, *sums[i].T)
        away, second = np.split(total[i], [D], axis=1)
        away = away / one.weight[:, None]
        scatter = None
        if question.covariance is not None:
            scatter = rows.unit**2 * np.maximum(second - one.weight[:, None] * question.along(away) ** 2, 0)
        shift = np.minimum((top - half) / scales[i], 0)
        mean = rows.centre + rows.unit * away
        states.append(state_of(x, t[i], question, len(rows.data), one, shift, mean, scatter, rounding[i]))
    return GibbsMoments.joined(states, axis=0)
