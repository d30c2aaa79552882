r"""Certified screening in compiled loops: a product finds candidates, which wait, and differences in float64 weigh them.

How near the nearest sample of a query is, is known at the end only. Candidates wait until then, or until there is no room
for more, and those that turn out too far away are never weighed. See numerics.engine.screening for why the others suffice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled.compiler import SUMS, compiled, inlined
from numerics.engine.compiled.loops import lay_out
from numerics.engine.compiled.sums import nearer, weigh

__all__ = ["Scratch", "Waiting", "find", "settle"]

RUN = 32  # samples whose largest S is known before one of them is looked at
EPS = float(np.finfo(np.float32).eps)
Floats = NDArray[np.floating]


class Waiting(NamedTuple):
    """Samples that wait for each of m queries.

    Attributes:
        samples: which, shape (m, K).
        S: in the dtype of the product, shape (m, K).
        counts: how many, shape (m,).
    """

    samples: NDArray[np.int64]
    S: Floats
    counts: NDArray[np.int64]


class Scratch(NamedTuple):
    """What is made of n of them.

    Attributes:
        away: y - x, shape (n, D).
        squares: |y - x|^2, shape (n,).
        e: weights, shape (n,).
        basis: columns along which the covariance is asked for, shape (D, k); none where it is that of y itself, or not wanted.
        along: z, coordinates of y - x along them, shape (n, k), or `away`.
        rest: z - mean z of one, shape (k,).
    """

    away: Floats
    squares: Floats
    e: Floats
    basis: Floats
    along: Floats
    rest: Floats


@inlined()
def _lowered(bar):
    """So that rounding does not raise it."""
    return bar - EPS * abs(bar)


@inlined(fastmath=SUMS)
def _peaks(row, norms, peaks):
    """Add the norms to a row of products, which makes it S; the largest of each RUN of them, and of all."""
    n, largest = row.size, row[0] + norms[0]
    for j in range(n):
        row[j] += norms[j]
    for k in range(n // RUN):
        peak = row[k * RUN]
        for j in range(RUN):
            peak = max(peak, row[k * RUN + j])
        peaks[k] = peak
        largest = max(largest, peak)
    if n % RUN:
        peak = row[n - 1]
        for j in range(n - n % RUN, n):
            peak = max(peak, row[j])
        peaks[n // RUN] = peak
        largest = max(largest, peak)
    return largest


@inlined()
def _pick(row, peaks, bar, start, i, waiting):
    """Let the samples wait whose S is not below the bar."""
    samples, values, counts = waiting
    place = counts[i]
    for k in range(-(-row.size // RUN)):
        if peaks[k] >= bar:
            for j in range(k * RUN, min((k + 1) * RUN, row.size)):
                if row[j] >= bar:
                    samples[i, place], values[i, place] = start + j, row[j]
                    place += 1
    counts[i] = place


@inlined()
def _drop(i, widest, lowest, reach, waiting):
    """Of those that wait for a query, the samples whose S + bound is below lowest - reach by now."""
    samples, values, counts = waiting
    bar, kept = _lowered(lowest[i] - reach[i] - widest[i]), 0
    for a in range(counts[i]):
        if values[i, a] >= bar:
            samples[i, kept], values[i, kept] = samples[i, a], values[i, a]
            kept += 1
    counts[i] = kept


@inlined(fastmath=SUMS)
def _differences(x, i, data, samples, begin, count, away, squares):
    """y - x of some samples and their squares; the smallest, and the first that has it."""
    least, first = 1e308, 0
    for a in range(count):
        j, square = samples[i, begin + a], 0.0
        for d in range(x.shape[1]):
            difference = np.float64(data[j, d]) - x[i, d]
            away[a, d] = difference
            square += difference * difference
        squares[a] = square
        if square < least:
            least, first = square, j
    return least, first


@inlined(fastmath=SUMS)
def _add(count, e, away, total, k, i):
    """Add samples to sum e (y - x)."""
    for a in range(count):
        w = e[a]
        if w > 0:
            for d in range(total.shape[2]):
                total[k, i, d] += w * away[a, d]


@inlined(fastmath=SUMS)
def _project(count, away, basis, along):
    """Along the columns of the basis."""
    for a in range(count):
        for c in range(basis.shape[1]):
            along[a, c] = 0
        for d in range(basis.shape[0]):
            for c in range(basis.shape[1]):
                along[a, c] += away[a, d] * basis[d, c]


@inlined(fastmath=SUMS)
def _add_scatter(count, e, along, weight, mean, scatter, rest):
    """Add to sum e (z - mean z)(z - mean z)^T, or its diagonal, one sample at a time; `weight` is what the others weigh."""
    diagonal = scatter.shape[0] == 1
    for a in range(count):
        w = e[a]
        if w > 0:
            share = w / (weight + w)
            for c in range(mean.size):
                rest[c] = along[a, c] - mean[c]
                mean[c] += share * rest[c]
            for b in range(scatter.shape[0]):
                for c in range(mean.size):
                    scatter[b, c] += weight * share * rest[c if diagonal else b] * rest[c]
            weight += w


@compiled()
def find(data, start, stop, centre, scale, queries, room, bound, widest, lowest, reach, waiting):
    """Let those samples of a slice wait whose S + bound is not below lowest - reach; how many pairs there were.

    `queries` are x', shape (m, D). `lowest`, shape (m,), is raised to max S - bound, and `widest` to the bound.
    """
    m, block, chunk, seen = len(queries), room.norms.size, room.rows, 0
    peaks, kind = np.empty(block // RUN + 1, room.S.dtype), room.S.dtype.type
    for i in range(m):
        widest[i] = max(widest[i], bound[i])
    for begin in range(start, stop, block):
        n = min(block, stop - begin)
        samples = room.samples[:n]
        lay_out(data[begin : begin + n], centre, scale, samples, room.norms)
        for first in range(0, m, chunk):
            after = min(first + chunk, m)
            S = room.S[: (after - first) * n].reshape(after - first, n)
            np.dot(queries[first:after], samples.T, S)
            for i in range(first, after):
                row, before = S[i - first], waiting.counts[i]
                lowest[i] = max(lowest[i], _peaks(row, room.norms, peaks) - bound[i])
                _pick(row, peaks, kind(_lowered(lowest[i] - reach[i] - bound[i])), begin, i, waiting)
                seen += waiting.counts[i] - before
    return seen


@compiled()
def settle(most, data, widest, lowest, reach, waiting, x, rate, scratch, sums):
    """Weigh the samples that wait and are still wanted, by the widest bound so far, for queries that have more than `most`.

    The queries x are in float64, shape (m, D), the times `rate`, 1/2tT, shape (T, m); sums are in units of the nearest so far.
    """
    samples, _, counts = waiting
    away, squares, e, basis, along, rest = scratch
    least, nearest, weights, total, mean, scatter = sums
    for i in range(len(x)):
        if counts[i] > most:
            _drop(i, widest, lowest, reach, waiting)
        if counts[i] <= most:
            continue
        for begin in range(0, counts[i], squares.size):
            count = min(squares.size, counts[i] - begin)
            low, closest = _differences(x, i, data, samples, begin, count, away, squares)
            if low < least[i]:
                nearer(low, i, rate, least, weights, total, scatter)
                nearest[i] = closest
            if basis.size:
                _project(count, away, basis, along)
            for k in range(rate.shape[0]):
                before = weights[k, i, 0]
                weigh(squares, count, least[i], -rate[k, i], e, weights, k, i)
                _add(count, e, away, total, k, i)
                if scatter.size:
                    _add_scatter(count, e, along, before, mean[k, i], scatter[k, i], rest)
        counts[i] = 0
