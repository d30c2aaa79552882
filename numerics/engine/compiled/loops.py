r"""Compiled loops over pairs of queries and samples, by numba; numerics.engine.door gives them to who can use them.

`weigh` turns a block of S into weights and their sums in one sweep. `tiles` does all there is to do with a tile of
samples of few dimensions, distances by direct differences, weights, sums, means and covariances, while it stays in the
first cache. numerics.engine.compiled.products does it for many dimensions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from numerics.engine.compiled.exp import exp

__all__ = [
    "add_rescaled",
    "lay_out",
    "measure",
    "rescale",
    "tiles",
    "weigh",
]

SUMS = {"contract", "nnan", "ninf", "nsz", "reassoc"}  # sums in any order, so that they are taken many at a time
single, double = np.float32, np.float64


def _number(bits):
    """The floating-point number of these bits."""


@overload(_number)
def _number_of(bits):
    if bits == types.int32:
        return lambda bits: np.int32(bits).view(single)
    return lambda bits: np.int64(bits).view(double)


@njit(fastmath=SUMS, nogil=True, cache=True)
def add_rescaled(total, shrink, more):
    """total = shrink total + more, row by row."""
    for i in range(total.shape[0]):
        row, new, scale = total[i], more[i], shrink[i]
        for j in range(row.size):
            row[j] = scale * row[j] + new[j]


@njit(nogil=True)
def _largest(bits, sign, most):
    """The bits of the largest of some numbers; a loop of maxima of floats would not be vectorized."""
    kind = bits.dtype.type
    found = kind(-most)  # bits of negative numbers are in reverse order
    for j in range(bits.size):
        found = max(found, kind(bits[j] ^ (kind(bits[j] >> sign) & most)))
    return kind(found ^ (kind(found >> sign) & most))


def _as_bits(S):
    """S as integers, and what to do to them so that they are in the order of the numbers."""
    bits = S.view(f"i{S.itemsize}")
    kind = bits.dtype.type
    return bits, kind(8 * S.itemsize - 1), kind(np.iinfo(kind).max)


@njit(fastmath=SUMS, nogil=True, cache=True)
def _weigh(S, bits, sign, most, scale, top, best, sums):
    zero = S.dtype.type(0)
    for i in range(S.shape[0]):
        row, unit = S[i], S.dtype.type(1 / scale[i])
        own = _largest(bits[i], sign, most)
        first = np.int32(0)
        while bits[i, first] != own:
            first += 1
        best[i] = first
        top[i] = max(top[i], row[first])
        greatest = S.dtype.type(top[i])
        weight = weight_squared = log_weight = log_weight_squared = zero
        for j in range(row.size):
            u = (row[j] - greatest) * unit
            x = exp(u)
            u = max(u, S.dtype.type(-700))
            row[j] = x
            weight += x
            weight_squared += x * x
            log_weight += x * u
            log_weight_squared += x * u * u
        sums[0, i], sums[1, i], sums[2, i], sums[3, i] = weight, weight_squared, log_weight, log_weight_squared


def weigh(S, scale, before):
    """What numerics.engine.dense.weigh does, in the place of S; the sums as a plain tuple."""
    top = np.full(S.shape[0], -np.inf) if before is None else before.copy()
    best, sums = np.zeros(top.shape, dtype=np.int64), np.empty((4, *top.shape))
    _weigh(S, *_as_bits(S), scale, top, best, sums)
    return S, (top, best, *sums)


@njit(fastmath=SUMS, nogil=True, cache=True)
def lay_out(data, centre, scale, rows):
    """The rows [y', -|y'|^2/2] of numerics.engine.layout, y' = (y - centre) scale."""
    D = centre.size
    for i in range(data.shape[0]):
        square = 0.0
        for k in range(D):
            y = (double(data[i, k]) - centre[k]) * scale
            rows[i, k] = y
            square += y * y
        rows[i, D] = -square / 2
    return rows


def measure(data, centre, scale):
    """The largest |y| of an entry, not finite where one is not, and the largest |y - centre|^2 scale^2 of a row."""
    bits, _, most = _as_bits(data)
    entry, square = _measure(data, bits, most, centre, scale)
    return float(bits.dtype.type(entry).view(data.dtype)), square


@njit(fastmath=SUMS, nogil=True, cache=True)
def _measure(data, bits, most, centre, scale):
    kind = bits.dtype.type
    entry, largest = kind(0), 0.0
    for i in range(data.shape[0]):
        square = 0.0
        for k in range(centre.size):
            entry = max(entry, kind(bits[i, k] & most))
            y = (double(data[i, k]) - centre[k]) * scale
            square += y * y
        largest = max(largest, square)
    return entry, largest


# Rows are passed as an array and an index, blocks as an array and a size: a view made in a loop costs as much as the loop.


@njit(fastmath=SUMS, nogil=True)
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


@njit(nogil=True)
def _least(bits, n):
    """The smallest square, by `bits`, the squares as integers, whose order is the same and faster to find."""
    least = bits[0]
    for j in range(n):
        least = min(least, bits[j])
    return _number(least)


@njit(nogil=True)
def rescale(sums, k, i, gap):
    """Sums of e, e^2, e u and e u^2 once every u is larger by gap <= 0; the factor of e."""
    gap = max(gap, -700.0)
    shrink = math.exp(gap)
    sums[k, i, 3] = shrink * (sums[k, i, 3] + 2 * gap * sums[k, i, 2] + gap * gap * sums[k, i, 0])
    sums[k, i, 2] = shrink * (sums[k, i, 2] + gap * sums[k, i, 0])
    sums[k, i, 1] *= shrink * shrink
    sums[k, i, 0] *= shrink
    return shrink


@njit(fastmath=SUMS, nogil=True)
def _add(x, i, tile, n, squares, least, rate, e, sums, k, away):
    """Add a tile to sum e, sum e^2, sum e u, sum e u^2 and sum e (y - x), u = (least - |x - y|^2) rate."""
    lowest = squares.dtype.type(-700)
    weight = weight_squared = log_weight = log_weight_squared = squares.dtype.type(0)
    for j in range(n):
        u = (least - squares[j]) * rate
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
    if x.shape[1] % 4:
        a, b = x[i, 0], x[i, 1]
        p = q = squares.dtype.type(0)
        for j in range(n):
            p += e[j] * (tile[0, j] - a)
            q += e[j] * (tile[1, j] - b)
        away[k, i, 0] += p
        away[k, i, 1] += q
    for d in range(x.shape[1] % 4, x.shape[1], 4):
        a, b, c, f = x[i, d], x[i, d + 1], x[i, d + 2], x[i, d + 3]
        p = q = r = s = squares.dtype.type(0)
        for j in range(n):
            p += e[j] * (tile[d, j] - a)
            q += e[j] * (tile[d + 1, j] - b)
            r += e[j] * (tile[d + 2, j] - c)
            s += e[j] * (tile[d + 3, j] - f)
        away[k, i, d] += p
        away[k, i, d + 1] += q
        away[k, i, d + 2] += r
        away[k, i, d + 3] += s


@njit(fastmath=SUMS, nogil=True)
def _project(x, i, tile, n, basis, along):
    """z, coordinates of y - x along the columns of the basis, shape (k, n)."""
    for c in range(basis.shape[1]):
        for j in range(n):
            along[c, j] = 0
        for d in range(basis.shape[0]):
            slope, origin = basis[d, c], x[i, d]
            for j in range(n):
                along[c, j] += slope * (tile[d, j] - origin)


@njit(fastmath=SUMS, nogil=True)
def _product(e, n, along, b, own, c, other):
    """Sum e (z_b - own)(z_c - other)."""
    total = e.dtype.type(0)
    for j in range(n):
        total += e[j] * (along[b, j] - own) * (along[c, j] - other)
    return total


@njit(fastmath=SUMS, nogil=True)
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


@njit(nogil=True, cache=True)
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
                for k in range(rate.shape[0]):
                    shrink = rescale(weights, k, i, (low - least[i]) * rate[k, i])
                    for d in range(total.shape[2]):
                        total[k, i, d] *= shrink
                    scatter[k, i] *= shrink
                least[i], nearest[i] = low, -1
            if low == least[i]:
                for j in range(n):
                    if squares[j] == low and not 0 <= nearest[i] < numbers[b * size + j]:
                        nearest[i] = numbers[b * size + j]
            if scatter.size:
                _project(x, i, tile, n, basis, along)
            for k in range(rate.shape[0]):
                if (low - least[i]) * rate[k, i] <= reach[i] * rate[k, i]:
                    before = weights[k, i, 0]
                    _add(x, i, tile, n, squares, least[i], squares.dtype.type(rate[k, i]), e, weights, k, total)
                    if scatter.size:
                        _add_scatter(e, n, along, before, mean, scatter, k, i)
