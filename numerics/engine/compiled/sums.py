"""Weights and the sums that all ways keep of them: sum e, sum e^2, sum e u and sum e u^2, u = log e."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled.compiler import SUMS, inlined
from numerics.engine.compiled.exp import exp

__all__ = ["Sums", "nearer", "rescale", "weigh"]

Floats = NDArray[np.floating]


class Sums(NamedTuple):
    """Sums over samples about the nearest so far, for m queries and T times, u = log e.

    Attributes:
        least: the smallest |x - y|^2, shape (m,).
        nearest: whose it is, shape (m,); -1 where there was none.
        weights: of e, e^2, e u and e u^2, shape (T, m, 4).
        total: of e (y - x), shape (T, m, D).
        mean: of z, by weight, the k coordinates of y - x whose covariance is asked for, shape (T, m, k).
        scatter: of e (z - mean z)^2, shape (T, m, 1, k), or of the outer products, (T, m, k, k).
    """

    least: Floats
    nearest: NDArray[np.int64]
    weights: NDArray[np.float64]
    total: NDArray[np.float64]
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def of(cls, T: int, m: int, D: int, k: int, *, full: bool, dtype: Any = np.float64) -> Sums:
        """Over no sample yet, squared distances of this dtype; k is 0 unless a covariance is asked for."""
        weights, total, mean, scatter = (np.zeros((T, m, *s)) for s in ((4,), (D,), (k,), (k if full else 1, k)))
        return cls(np.full(m, np.finfo(dtype).max, dtype), np.full(m, -1), weights, total, mean, scatter)


@inlined(fastmath=SUMS)
def weigh(row, n, top, rate, e, sums, k, i):
    """e = exp(u), u = (row - top) rate <= 0, of n samples, and their sums at time k and query i."""
    kind = row.dtype.type
    unit, lowest = kind(rate), kind(-700)
    weight = weight_squared = log_weight = log_weight_squared = kind(0)
    for j in range(n):
        u = (row[j] - top) * unit
        w = exp(u)
        u = max(u, lowest)
        e[j] = w
        weight += w
        weight_squared += w * w
        log_weight += w * u
        log_weight_squared += w * u * u
    sums[k, i, 0] += weight
    sums[k, i, 1] += weight_squared
    sums[k, i, 2] += log_weight
    sums[k, i, 3] += log_weight_squared


@inlined()
def rescale(sums, k, i, gap):
    """The sums once every u is larger by gap <= 0; the factor of e."""
    gap = max(gap, -700.0)
    shrink = math.exp(gap)
    sums[k, i, 3] = shrink * (sums[k, i, 3] + 2 * gap * sums[k, i, 2] + gap * gap * sums[k, i, 0])
    sums[k, i, 2] = shrink * (sums[k, i, 2] + gap * sums[k, i, 0])
    sums[k, i, 1] *= shrink * shrink
    sums[k, i, 0] *= shrink
    return shrink


@inlined()
def _shrink(vectors, k, i, shrink):
    """Vectors of time k and query i times a factor."""
    for d in range(vectors.shape[2]):
        vectors[k, i, d] *= shrink


@inlined()
def nearer(low, i, rate, least, weights, total, scatter):
    """Take the sums of query i, but for the means, in units of a sample that is nearer: `low` is its |x - y|^2."""
    for k in range(rate.shape[0]):
        shrink = rescale(weights, k, i, (low - least[i]) * rate[k, i])
        _shrink(total, k, i, shrink)
        for b in range(scatter.shape[2]):
            _shrink(scatter[:, :, b], k, i, shrink)
    least[i] = low
