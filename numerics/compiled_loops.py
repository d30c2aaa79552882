r"""Compiled loops over pairs of queries and samples; numba makes them, and numerics.arrays.compiled gives them where it can.

`weigh` turns a block of S into weights and their sums in one sweep. `tiles` does the whole of a tile of samples for a few dimensions:
distances by direct differences, weights, sums and means, while the tile stays in the first cache.

The exponential is written out, for what a compiler makes of a library call is one number at a time: with n = round(x / log 2),
exp(x) = 2^n exp(r), |r| <= log(2)/2, and the Taylor polynomial of exp(r), to r^7/7! in float32 and r^12/12! in float64, errs by less
than the rounding: (log(2)/2)^(k+1)/(k+1)! = 5e-9 at k = 7 and 2e-16 at k = 12.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from numerics.dense import Weighed

__all__ = ["tiles", "weigh"]

EXACT = {"contract", "nnan", "ninf", "nsz"}  # no reassociation: r is a difference of nearly equal numbers
SUMS = EXACT | {"reassoc"}  # sums in any order, so that they are taken many at a time
single, double = np.float32, np.float64


def _exp(x):
    """exp(x) for x <= 0, in the dtype of x; 0 below the logarithm of its smallest normal number."""


@njit(fastmath=EXACT)
def _exp_double(u):
    x = max(u, -707.0)
    n = math.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10  # log 2 in two parts: n times the first is exact
    p = 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((np.int64(n) + 1023) << 52).view(double) if u > -707.0 else 0.0


@njit(fastmath=EXACT)
def _exp_single(u):
    x = max(u, single(-87.0))
    n = single(math.floor(x * single(1.4426950408889634) + single(0.5)))
    r = (x - n * single(0.693359375)) - n * single(-2.12194440e-4)
    p = single(1 / 5040.0)
    p = p * r + single(1 / 720.0)
    p = p * r + single(1 / 120.0)
    p = p * r + single(1 / 24.0)
    p = p * r + single(1 / 6.0)
    p = p * r + single(0.5)
    p = p * r + single(1.0)
    p = p * r + single(1.0)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(single) if u > single(-87.0) else single(0.0)


@overload(_exp, jit_options={"fastmath": EXACT})
def _exp_of(x):
    return (lambda x: _exp_single(x)) if x == types.float32 else (lambda x: _exp_double(x))


@njit(fastmath=SUMS, nogil=True, cache=True)
def _weigh(S, top, scale, e, best, sums):
    zero = S.dtype.type(0)
    for i in range(S.shape[0]):
        row, out, greatest, unit = S[i], e[i], top[i], S.dtype.type(1 / scale[i])
        first = np.int32(row.size)
        for j in range(row.size):
            first = min(first, np.int32(j) if row[j] == greatest else np.int32(row.size))
        best[i] = first
        weight = weight_squared = log_weight = log_weight_squared = zero
        for j in range(row.size):
            u = (row[j] - greatest) * unit
            x = _exp(u)
            u = max(u, S.dtype.type(-700))
            out[j] = x
            weight += x
            weight_squared += x * x
            log_weight += x * u
            log_weight_squared += x * u * u
        sums[0, i], sums[1, i], sums[2, i], sums[3, i] = weight, weight_squared, log_weight, log_weight_squared


def weigh(S, scale, e):
    """numerics.dense.weigh, into e, which may be S itself."""
    top = S.max(axis=1)
    best, sums = np.empty(top.shape, dtype=np.int64), np.empty((4, *top.shape))
    _weigh(S, top, scale, e, best, sums)
    return e, Weighed(top.astype(double), best, *sums)


@njit(fastmath=SUMS, nogil=True)
def _squares(x, samples, squares):
    """|x - y|^2 to a tile of samples, shape (D, n), D a multiple of four: four coordinates at a time."""
    squares[:] = 0
    for k in range(0, x.size, 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        for j in range(squares.size):
            p, q = samples[k, j] - a, samples[k + 1, j] - b
            r, s = samples[k + 2, j] - c, samples[k + 3, j] - d
            squares[j] += (p * p + q * q) + (r * r + s * s)


@njit(nogil=True)
def _least(squares, bits):
    """The smallest of the squares; `bits` is their memory as integers, whose order is the same and faster to find."""
    least = bits[0]
    for j in range(bits.size):
        least = min(least, bits[j])
    first = bits.size - 1
    for j in range(bits.size):
        first = min(first, j if bits[j] == least else first)
    return squares[first]


@njit(nogil=True)
def _distance(a, b):
    total = 0.0
    for k in range(a.size):
        total += (a[k] - b[k]) ** 2
    return math.sqrt(total)


@njit(nogil=True)
def _rescale(u: float, sums, away):
    """Sums in units of a weight exp(-u) times larger than before."""
    u = max(u, -700.0)
    e = math.exp(u)
    sums[3] = e * (sums[3] + 2 * u * sums[2] + u * u * sums[0])
    sums[2] = e * (sums[2] + u * sums[0])
    sums[1] *= e * e
    sums[0] *= e
    away *= e


@njit(fastmath=SUMS, nogil=True)
def _add(x, samples, squares, least, rate, e, sums, away):
    """Add a tile to sum e, sum e^2, sum e u, sum e u^2 and sum e (y - x), u = (least - |x - y|^2) rate."""
    weight = weight_squared = log_weight = log_weight_squared = squares.dtype.type(0)
    for j in range(squares.size):
        u = (least - squares[j]) * rate
        weigh = _exp(u)
        u = max(u, squares.dtype.type(-700))
        e[j] = weigh
        weight += weigh
        weight_squared += weigh * weigh
        log_weight += weigh * u
        log_weight_squared += weigh * u * u
    sums[0] += weight
    sums[1] += weight_squared
    sums[2] += log_weight
    sums[3] += log_weight_squared
    for k in range(0, x.size, 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        p = q = r = s = squares.dtype.type(0)
        for j in range(squares.size):
            p += e[j] * (samples[k, j] - a)
            q += e[j] * (samples[k + 1, j] - b)
            r += e[j] * (samples[k + 2, j] - c)
            s += e[j] * (samples[k + 3, j] - d)
        away[k] += p
        away[k + 1] += q
        away[k + 2] += r
        away[k + 3] += s


@njit(nogil=True, cache=True)
def tiles(
    x,
    samples,
    numbers,
    centres,
    radii,
    rate,
    reach,
    margin,
    work,
    bits,
    least,
    nearest,
    sums,
    away,
):
    """One pass over the tiles for all queries and times; see numerics.tiling for the shapes."""
    size = work.shape[1]
    for i in range(x.shape[0]):  # the tile that may hold the nearest sample, so that others can be skipped from the start
        closest = 0
        smallest = _distance(x[i], centres[0]) - radii[0]
        for b in range(1, radii.size):
            gap = _distance(x[i], centres[b]) - radii[b]
            if gap < smallest:
                closest, smallest = b, gap
        n = min(size, numbers.size - closest * size)
        _squares(x[i], samples[closest], work[0, :n])
        least[i] = _least(work[0, :n], bits[0, :n])
    for b in range(radii.size):
        n = min(size, numbers.size - b * size)
        squares, e = work[0, :n], work[1, :n]
        for i in range(x.shape[0]):
            gap = _distance(x[i], centres[b]) - radii[b]
            if gap > 0 and gap * gap > margin * (least[i] + reach[i]):
                continue
            _squares(x[i], samples[b], squares)
            low = _least(squares, bits[0, :n])
            if low > least[i] + reach[i]:
                continue
            if low < least[i]:
                for k in range(rate.shape[0]):
                    _rescale((low - least[i]) * rate[k, i], sums[k, i], away[k, i])
                least[i], nearest[i] = low, numbers.size
            if low == least[i]:
                for j in range(squares.size):
                    if squares[j] == low:
                        nearest[i] = min(nearest[i], numbers[b * size + j])
            for k in range(rate.shape[0]):
                if (low - least[i]) * rate[k, i] <= reach[i] * rate[k, i]:
                    _add(x[i], samples[b], squares, least[i], squares.dtype.type(rate[k, i]), e, sums[k, i], away[k, i])
