r"""The Newtonian potential of samples, sum r^-(D-2), which a score that serves all levels of noise is the gradient of the log of.

`numerics.scores.Unconditioned` comes to it as its levels reach from 0 to infinity: a sample at distance r weighs r^-(D-2),
which takes D > 2 dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, checked, namespace

__all__ = ["ascend", "weights"]

STEP = 0.3  # of ascent, in units of what would lead to the nearest sample if it were alone
NEAR = 1e-2  # of the distance to the second nearest, where ascent ends
MOST = 2000  # steps


def weights(x: Array, data: Array) -> tuple[Array, Array]:
    """The weights of the samples at points, and the squared distances they come from, data units squared.

    Distances are rounded by the precision of |x|^2 + |y|^2, and no nearer than that.

    Args:
        x: points, shape (M, D).
        data: samples, shape (N, D), of the same library and device.

    Returns:
        two arrays of shape (M, N).

    Raises:
        ValueError: for shapes that do not fit, and in fewer than 3 dimensions.
    """
    x, data = checked(x, "x", "(M, D)"), checked(data, "data", "(N, D)")
    xp, D = namespace(x, data), x.shape[1]
    if data.shape[1] != D or D < 3:
        raise ValueError(f"x and data must share a dimension of 3 or more, got {D} and {data.shape[1]}")
    return _weights(xp, x, data)


def _weights(xp: Any, x: Array, data: Array) -> tuple[Array, Array]:
    rounding = xp.finfo(x.dtype)
    lengths = xp.sum(x**2, axis=1)[:, None] + xp.sum(data**2, axis=1)[None, :]
    squares = xp.maximum(lengths - 2 * x @ data.T, rounding.eps * lengths + rounding.smallest_normal)
    logs = (1 - x.shape[1] / 2) * xp.log(squares)
    found = xp.exp(logs - xp.max(logs, axis=1, keepdims=True))
    return found / xp.sum(found, axis=1, keepdims=True), squares


def ascend(x: NDArray[np.float64], data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where gradient ascent leads: x of shape (M, D), until every point is at a sample, or for 2000 steps.

    Steps are short against the distance of the nearest sample, so that none is jumped at.
    """
    x = np.array(x)
    for _ in range(MOST):
        w, squares = _weights(np, x, data)
        nearest, second = np.partition(squares, 1, axis=1)[:, :2].T
        moving = nearest > NEAR**2 * second
        if not moving.any():
            break
        pulls = w / squares
        x += STEP * (nearest * moving)[:, None] * (pulls @ data - pulls.sum(axis=1, keepdims=True) * x)
    return x
