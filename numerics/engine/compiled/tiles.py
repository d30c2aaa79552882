"""All there is to do with a tile of samples while it stays in the first cache: differences, weights, sums, covariances."""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from numerics.engine.compiled.compiler import SUMS, compiled, inlined
from numerics.engine.compiled.sums import nearer, weigh

__all__ = ["tiles"]

# Rows are passed as an array and an index, blocks as an array and a size: a view made in a loop costs as much as the loop.


@inlined(fastmath=SUMS)
def _squares(x, i, tile, n, squares):
    """|x - y|^2 to the samples of a tile, shape (E, n), two of the E coordinates and then four at a time."""
    if x.shape[1] % 4:
        a, b = x[i, 0], x[i, 1]
        for j in range(n):
            p, q = tile[0, j] - a, tile[1, j] - b
            squares[j] = p * p + q * q
    else:
        for j in range(n):
            squares[j] = 0
    for k in range(x.shape[1] % 4, x.shape[1], 4):
        a, b, c, d = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
        for j in range(n):
            p, q = tile[k, j] - a, tile[k + 1, j] - b
            r, s = tile[k + 2, j] - c, tile[k + 3, j] - d
            squares[j] += (p * p + q * q) + (r * r + s * s)


def _number(bits):
    """The floating-point number of these bits."""


@overload(_number)
def _number_of(bits):
    if bits == types.int32:
        return lambda bits: np.int32(bits).view(np.float32)
    return lambda bits: np.int64(bits).view(np.float64)


@inlined()
def _least(bits, n):
    """The smallest of n squares, by `bits`, the squares as integers, whose order is the same and faster to find."""
    least = bits[0]
    for j in range(n):
        least = min(least, bits[j])
    return _number(least)


@inlined(fastmath=SUMS)
def _add(x, i, tile, n, e, k, away):
    """Add a tile to sum e (y - x)."""
    if x.shape[1] % 4:
        a, b = x[i, 0], x[i, 1]
        p = q = e.dtype.type(0)
        for j in range(n):
            p += e[j] * (tile[0, j] - a)
            q += e[j] * (tile[1, j] - b)
        away[k, i, 0] += p
        away[k, i, 1] += q
    for d in range(x.shape[1] % 4, x.shape[1], 4):
        a, b, c, f = x[i, d], x[i, d + 1], x[i, d + 2], x[i, d + 3]
        p = q = r = s = e.dtype.type(0)
        for j in range(n):
            p += e[j] * (tile[d, j] - a)
            q += e[j] * (tile[d + 1, j] - b)
            r += e[j] * (tile[d + 2, j] - c)
            s += e[j] * (tile[d + 3, j] - f)
        away[k, i, d] += p
        away[k, i, d + 1] += q
        away[k, i, d + 2] += r
        away[k, i, d + 3] += s


@inlined(fastmath=SUMS)
def _project(x, i, tile, n, basis, along):
    """z, coordinates of y - x along the columns of the basis, shape (k, n)."""
    for c in range(basis.shape[1]):
        for j in range(n):
            along[c, j] = 0
        for d in range(basis.shape[0]):
            slope, origin = basis[d, c], x[i, d]
            for j in range(n):
                along[c, j] += slope * (tile[d, j] - origin)


@inlined(fastmath=SUMS)
def _product(e, n, along, b, own, c, other):
    """Sum e (z_b - own)(z_c - other)."""
    total = e.dtype.type(0)
    for j in range(n):
        total += e[j] * (along[b, j] - own) * (along[c, j] - other)
    return total


@inlined(fastmath=SUMS)
def _add_scatter(e, n, along, weight, mean, scatter, k, i):
    """Add a tile to sum e (z - mean z)(z - mean z)^T, or its diagonal, and to mean z; `weight` is what the others weigh."""
    own, added = np.zeros(along.shape[0], e.dtype), e.dtype.type(0)
    for j in range(n):
        added += e[j]
    if added == 0:
        return
    for c in range(own.size):
        for j in range(n):
            own[c] += e[j] * along[c, j]
        own[c] /= added
    share = added / (weight + added)
    diagonal = scatter.shape[2] == 1
    for c in range(own.size):
        for b in range(c if diagonal else 0, c + 1):
            more = _product(e, n, along, b, own[b], c, own[c])
            more += weight * share * (own[b] - mean[k, i, b]) * (own[c] - mean[k, i, c])
            scatter[k, i, 0 if diagonal else b, c] += more
            if b < c:
                scatter[k, i, c, b] += more
    for c in range(own.size):
        mean[k, i, c] += share * (own[c] - mean[k, i, c])


@compiled()
def tiles(x, samples, numbers, gaps, closest, rate, reach, margin, basis, squares, bits, e, along, sums):
    """One pass over the tiles for all queries and times; see numerics.engine.tiling for the arrays."""
    size = squares.size
    least, nearest, weights, total, mean, scatter = sums
    # first the tile that may hold the nearest sample, so that others can be skipped from the start
    for i in range(x.shape[0]):
        n = min(size, numbers.size - closest[i] * size)
        _squares(x, i, samples[closest[i]], n, squares)
        least[i] = _least(bits, n)
    for b in range(samples.shape[0]):
        n = min(size, numbers.size - b * size)
        tile = samples[b]
        for i in range(x.shape[0]):
            if gaps[i, b] > margin * (least[i] + reach[i]):
                continue
            _squares(x, i, tile, n, squares)
            low = _least(bits, n)
            if low > least[i] + reach[i]:
                continue
            if low < least[i]:
                nearer(low, i, rate, least, weights, total, scatter)
                nearest[i] = -1
            if low == least[i]:
                for j in range(n):
                    if squares[j] == low and not 0 <= nearest[i] < numbers[b * size + j]:
                        nearest[i] = numbers[b * size + j]
            if scatter.size:
                _project(x, i, tile, n, basis, along)
            for k in range(rate.shape[0]):
                if (low - least[i]) * rate[k, i] <= reach[i] * rate[k, i]:
                    before = weights[k, i, 0]
                    weigh(squares, n, least[i], -rate[k, i], e, weights, k, i)
                    _add(x, i, tile, n, e, k, total)
                    if scatter.size:
                        _add_scatter(e, n, along, before, mean, scatter, k, i)
