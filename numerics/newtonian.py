r"""The Newtonian potential of samples, sum r^-(D-2), which a score that serves all levels of noise is the gradient of the log of.

`numerics.scores.Unconditioned` comes to it as its levels reach from 0 to infinity: a sample at distance r weighs r^-(D-2),
which takes D > 2 dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import Array, check_squares, checked, lift, namespace
from theory.real import real_array

__all__ = ["ascend", "weights"]

STEP = 0.3  # of ascent, in units of what would lead to the nearest sample if it were alone
NEAR = 1e-2  # of the distance to the second nearest, where ascent ends
MOST = 2000  # steps


def weights(x: Array, data: Array) -> tuple[Array, Array]:
    """The weights of the samples at points, and the squared distances they come from, data units squared.

    Distances are rounded by the precision of |x|^2 + |y|^2, taken about the first sample, and no nearer than that.

    Args:
        x: points, shape (M, D).
        data: samples, shape (N, D), of the same library and device.

    Returns:
        two arrays of shape (M, N).

    Raises:
        ValueError: for shapes that do not fit, in fewer than 3 dimensions, and where the dtype does not hold squares.
    """
    x, data = _checked(x, data)
    xp = namespace(x, data)
    x, data = x - data[:1, :], data - data[:1, :]
    extent, numbers = check_squares(x, data), xp.finfo(x.dtype)
    if lift(extent, x.dtype, xp) or extent**2 * x.shape[1] > float(numbers.max) / 16:
        raise ValueError(
            f"x and data must spread so that {x.dtype} holds squared distances, got {extent:.2g}; change their unit"
        )
    return _weights(xp, x, data)


def _checked(x: Array, data: Array) -> tuple[Array, Array]:
    x, data = checked(x, "x", "(M, D)"), checked(data, "data", "(N, D)")
    if data.shape[1] != x.shape[1] or x.shape[1] < 3:
        raise ValueError(f"x and data must share a dimension of 3 or more, got {x.shape[1]} and {data.shape[1]}")
    return x, data


def _weights(xp: Any, x: Array, data: Array) -> tuple[Array, Array]:
    rounding = xp.finfo(x.dtype)
    lengths = xp.sum(x**2, axis=1)[:, None] + xp.sum(data**2, axis=1)[None, :]
    squares = xp.maximum(lengths - 2 * x @ data.T, rounding.eps * lengths + rounding.smallest_normal)
    logs = (1 - x.shape[1] / 2) * xp.log(squares)
    found = xp.exp(logs - xp.max(logs, axis=1, keepdims=True))
    return found / xp.sum(found, axis=1, keepdims=True), squares


def ascend(x: ArrayLike, data: ArrayLike) -> NDArray[np.float64]:
    """Where gradient ascent leads, until every point is at a sample, or for 2000 steps.

    Steps are short against the distance of the nearest sample, so that none is jumped at.

    Args:
        x: points, shape (M, D).
        data: samples, shape (N, D), two or more.

    Returns:
        shape (M, D).

    Raises:
        ValueError: as `weights`, and for one sample, which has no second nearest to tell how near is near.
    """
    points, samples = _checked(*(real_array(a, what).astype(np.float64) for a, what in ((x, "x"), (data, "data"))))
    if len(samples) < 2:
        raise ValueError(f"data must hold 2 samples or more, got {len(samples)}; the ascent to one ends at it")
    check_squares(points, samples)
    points, origin = points - samples[0], samples[0]
    samples = samples - origin
    unit = math.frexp(max(np.abs(points).max(), np.abs(samples).max()))[1]
    points, samples = (np.ldexp(a, -unit) for a in (points, samples))
    for _ in range(MOST):
        w, squares = _weights(np, points, samples)
        nearest, second = np.partition(squares, 1, axis=1)[:, :2].T
        moving = nearest > NEAR**2 * second
        if not moving.any():
            break
        pulls = w / squares
        points += STEP * (nearest * moving)[:, None] * (pulls @ samples - pulls.sum(axis=1, keepdims=True) * points)
    return np.asarray(origin + np.ldexp(points, unit))
