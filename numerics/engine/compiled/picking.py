r"""Certified screening in compiled loops: a product finds candidates, which wait, and differences in float64 weigh them.

How near the nearest sample of a query is, is known at the end only. Candidates wait until then, or until there is no room
for more, and those that turn out too far away are never weighed. See numerics.engine.screening for why the others suffice.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from numerics.engine.compiled.exp import exp
from numerics.engine.compiled.loops import SUMS, double, rescale
from numerics.engine.compiled.products import lay_out, lowered, overlaps
from numerics.engine.compiled.vectors import PRODUCTS, ROWS, VECTORS, lowest_bit, reaching

__all__ = ["find", "weigh"]


@njit(nogil=True)
def _bars(room, own, first, bound, lowest, reach, bar):
    """Raise lowest to max S - bound; what S must not be below, of the `own` queries of a panel from `first` on."""
    bar[:] = np.inf
    for lane in range(own):
        i = first + lane
        lowest[i] = max(lowest[i], room.largest[lane] - bound[i])
        bar[lane] = lowered(lowest[i] - reach[i] - bound[i])


@njit(nogil=True)
def _pick(room, n, vectors, bar, columns, counts):
    """Which of n samples are not below the bar, and how many, for each query of a panel."""
    S, peaks = room.S, room.peaks
    lanes = bar.size // VECTORS
    shift, rows = lowest_bit(lanes), min(ROWS, 64 // lanes)  # as many as one number has bits for
    counts[:] = 0
    for tile in range(-(-n // ROWS)):
        for v in range(vectors):
            if reaching(peaks, tile, bar, v):
                for j in range(tile * ROWS, min((tile + 1) * ROWS, n), rows):
                    bits = 0
                    for r in range(min(rows, n - j)):
                        bits |= reaching(S, j + r, bar, v) << r * lanes
                    while bits:
                        bit = lowest_bit(bits)  # of sample j + bit / lanes
                        lane = v * lanes + (bit & lanes - 1)
                        columns[lane, counts[lane]] = j + (bit >> shift)
                        counts[lane] += 1
                        bits &= bits - 1


@njit(nogil=True)
def _append(room, start, first, after, columns, picked, waiting):
    """Those of the queries first to after, counted from `start` on, to the samples that wait for them."""
    samples, values, counts = waiting
    S = room.S
    for i in range(first, after):
        lane, place = i - first, counts[i]
        for a in range(picked[lane]):
            j = columns[lane, a]
            samples[i, place + a], values[i, place + a] = start + j, S[j, lane]
        counts[i] = place + picked[lane]


@njit(nogil=True)
def _drop(first, after, most, widest, lowest, reach, waiting):
    """Of the queries first to after that have more than `most`, those samples whose S + bound is below lowest - reach by now."""
    samples, values, counts = waiting
    for i in range(first, after):
        if counts[i] > most:
            bar, kept = lowered(lowest[i] - reach[i] - widest[i]), 0
            for a in range(counts[i]):
                if values[i, a] >= bar:
                    samples[i, kept], values[i, kept] = samples[i, a], values[i, a]
                    kept += 1
            counts[i] = kept


@njit(fastmath=SUMS, nogil=True)
def _differences(x, i, data, samples, begin, count, away, squares):
    """y - x of some samples and their squares; the smallest, and the first that has it."""
    least, first = 1e308, 0
    for a in range(count):
        j, square = samples[i, begin + a], 0.0
        for d in range(x.shape[1]):
            difference = double(data[j, d]) - x[i, d]
            away[a, d] = difference
            square += difference * difference
        squares[a] = square
        if square < least:
            least, first = square, j
    return least, first


@njit(fastmath=SUMS, nogil=True)
def _add(squares, count, least, rate, cut, e, away, weights, total, k, i):
    """Add samples to the sums of e, e^2, e u and e u^2, u = (least - |x - y|^2) rate, but for those below -cut; and e (y - x)."""
    weight = weight_squared = log_weight = log_weight_squared = 0.0
    for a in range(count):
        u = max((least - squares[a]) * rate, -700.0)
        w = exp(u) if u >= -cut else 0.0
        e[a] = w
        weight += w
        weight_squared += w * w
        log_weight += w * u
        log_weight_squared += w * u * u
    weights[k, i, 0] += weight
    weights[k, i, 1] += weight_squared
    weights[k, i, 2] += log_weight
    weights[k, i, 3] += log_weight_squared
    for a in range(count):
        w = e[a]
        if w > 0:
            for d in range(total.shape[2]):
                total[k, i, d] += w * away[a, d]


@njit(fastmath=SUMS, nogil=True)
def _project(count, away, basis, along):
    """Along the columns of the basis."""
    along[:count] = 0
    for a in range(count):
        for d in range(basis.shape[0]):
            for c in range(basis.shape[1]):
                along[a, c] += away[a, d] * basis[d, c]


@njit(fastmath=SUMS, nogil=True)
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


@njit(nogil=True)
def _weigh(first, after, most, data, waiting, x, rate, cut, scratch, sums):
    """Weigh the samples that wait for those of the queries that have more than `most`, in units of the nearest so far."""
    samples, _, counts = waiting
    away, squares, e, basis, along, rest = scratch
    least, nearest, weights, total, mean, scatter = sums
    for i in range(first, after):
        if counts[i] <= most:
            continue
        for begin in range(0, counts[i], squares.size):
            count = min(squares.size, counts[i] - begin)
            low, closest = _differences(x, i, data, samples, begin, count, away, squares)
            if low < least[i]:
                for k in range(rate.shape[0]):
                    shrink = rescale(weights, k, i, (low - least[i]) * rate[k, i])
                    total[k, i] *= shrink
                    scatter[k, i] *= shrink
                least[i], nearest[i] = low, closest
            if basis.size:
                _project(count, away, basis, along)
            for k in range(rate.shape[0]):
                before = weights[k, i, 0]
                _add(squares, count, least[i], rate[k, i], cut, e, away, weights, total, k, i)
                if scatter.size:
                    _add_scatter(count, e, along, before, mean[k, i], scatter[k, i], rest)
        counts[i] = 0


@njit(nogil=True, cache=True)
def find(
    data,
    start,
    stop,
    centre,
    scale,
    panels,
    vectors,
    room,
    bound,
    widest,
    lowest,
    reach,
    waiting,
    *question,
):
    """Let those samples of a slice wait whose S + bound is not below lowest - reach; how many pairs there were.

    `lowest`, shape (m,), is raised to max S - bound. The columns of the panels are x'. Where there is no room left, those of
    a query that are still wanted, by `widest`, the largest bound so far, are weighed.
    """
    (P, _, W), m, block, seen = panels.shape, lowest.size, room.norms.size, 0
    bar, most = np.empty(W, room.S.dtype), waiting.S.shape[1] - block
    columns, counts = np.empty((W, block), np.int32), np.empty(W, np.int64)
    for i in range(m):
        widest[i] = max(widest[i], bound[i])
    for begin in range(start, stop, block):
        n = min(block, stop - begin)
        lay_out(data[begin : begin + n], centre, scale, room)
        for p in range(P):
            first, after = p * W, min((p + 1) * W, m)
            overlaps(room, n, panels, p, vectors[p], centre.size, PRODUCTS)
            _bars(room, after - first, first, bound, lowest, reach, bar)
            _pick(room, n, vectors[p], bar, columns, counts)
            seen += counts[: after - first].sum()
            _append(room, begin, first, after, columns, counts, waiting)
            if most:
                _drop(first, after, most, widest, lowest, reach, waiting)
            _weigh(first, after, most, data, waiting, *question)
    return seen


@njit(nogil=True, cache=True)
def weigh(data, widest, lowest, reach, waiting, *question):
    """Weigh the samples that wait and are still wanted.

    The question is: the queries x in float64, shape (m, D), the times as `rate`, 1/2tT, shape (T, m), and the `cut`;
    then scratch and sums, of numerics.engine.candidates.
    """
    _drop(0, lowest.size, 0, widest, lowest, reach, waiting)
    _weigh(0, lowest.size, 0, data, waiting, *question)
