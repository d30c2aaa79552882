r"""What compiled loops add up about the nearest sample so far, from direct differences, and the moments that come of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.dense import Asked, Weighed, states_about
from numerics.moments import GibbsMoments

__all__ = ["Sums"]

Floats = NDArray[np.floating]


class Sums(NamedTuple):
    """Sums over samples for m queries and T times, u = log e.

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
    def of(cls, T: int, m: int, D: int, k: int, asked: Asked, dtype: Any = np.float64) -> Sums:
        """Over no sample yet, squared distances of this dtype."""
        if asked.covariance is None:
            k = 0
        shapes = (4,), (D,), (k,), (k if asked.covariance == "full" else 1, k)
        weights, total, mean, scatter = (np.zeros((T, m, *shape)) for shape in shapes)
        return cls(np.full(m, np.finfo(dtype).max, dtype), np.full(m, -1), weights, total, mean, scatter)

    def moments(self, x: Floats, t: Floats, asked: Asked, count: int) -> GibbsMoments:
        """The moments of `count` samples at queries x, shape (m, D), and times t, shape (T, m)."""
        found = [Weighed(-self.least.astype(np.float64) / 2, self.nearest, *weights.T) for weights in self.weights]
        scatter = None if asked.covariance is None else self.scatter
        if asked.covariance == "diagonal":
            scatter = self.scatter[:, :, 0]
        return states_about(x, t, asked, count, found, self.total[..., : x.shape[1]], scatter)
