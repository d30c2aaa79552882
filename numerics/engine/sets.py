"""Many small data sets at once, each with points of its own: a pass of the engine over one costs more in checks than in sums."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, namespace, slices
from numerics.engine.door import compiled

__all__ = ["means"]

ENTRIES = 2**17  # weights at a time, where nothing is compiled: what a cache can hold


def means(x: Array, data: Array, t: Array) -> tuple[Array, Array]:
    """Posterior means at x, (B, M, D), of data, (B, N, D), under noise t, (B, M), of one dtype; and log p^_t, (B, M)."""
    mean, log_sum = (_looped if compiled(x) is not None else _dense)(x, data, t)
    N, D = data.shape[1:]
    return mean, log_sum - D / 2 * namespace(t).log(2 * math.pi * t) - math.log(N)


def _looped(
    x: NDArray[np.floating], data: NDArray[np.floating], t: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    from numerics.engine.compiled import sets

    squares, e = np.empty((2, data.shape[1]), x.dtype)
    mean, least, total, rate = np.empty_like(x), np.empty_like(t), np.empty_like(t), 1 / (2 * t)
    sets.means(np.ascontiguousarray(x), np.ascontiguousarray(data.swapaxes(1, 2)), rate, squares, e, mean, least, total)
    return mean, np.log(total) - least * rate


def _dense(x: Array, data: Array, t: Array) -> tuple[Array, Array]:
    """By products, a block of data sets after the other."""
    xp = namespace(x)
    blocks = slices(x.shape[0], max(1, ENTRIES // (x.shape[1] * data.shape[1])))
    found = [_products(x[block, ...], data[block, ...], t[block, ...]) for block in blocks]
    mean, log_sum = (xp.concat(parts) for parts in zip(*found, strict=True))
    return mean, log_sum


def _products(x: Array, y: Array, t: Array) -> tuple[Array, Array]:
    xp, rate = namespace(x), (1 / t)[..., None]
    lengths = xp.sum(y**2, axis=-1, keepdims=True)
    at, samples = xp.concat([x * rate, -rate / 2], axis=-1), xp.concat([y, lengths], axis=-1)
    logs = at @ xp.matrix_transpose(samples)  # -|x - y|^2/2t but for x^2
    top = xp.max(logs, axis=-1, keepdims=True)
    e = xp.exp(logs - top)
    total = xp.sum(e, axis=-1, keepdims=True)
    return e @ y / total, xp.log(total[..., 0]) + top[..., 0] - xp.sum(x**2, axis=-1) / (2 * t)
