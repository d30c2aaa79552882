r"""Compiled products: S of a block of samples and queries, and sums of samples by weight, at the rate of the registers.

What a BLAS packs first is laid out so from the start, and numbers are used while they are in the first caches: a panel of
queries, as many as numerics.compiled_vectors takes at once, is overlapped with a block of samples, weighed, and the samples
are summed, before the next.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from numerics.compiled_exp import exp
from numerics.compiled_loops import SUMS, double, rescale
from numerics.compiled_vectors import ROWS, VECTORS, gather, lowest_bit, overlap, place, reaching, weigh

__all__ = ["RUN", "above", "rescored", "weighed"]

RUN = 64 // ROWS  # tiles whose weights are added up in the dtype, before they go to the sums in float64
PIECE = 256  # coordinates of ROWS samples that are laid out at a time, in the first cache
EPS = float(np.finfo(np.float32).eps)


@njit(nogil=True)
def _overlaps(samples, norms, n, panels, p, vectors, count, S, peaks, largest, differences):
    """S of n samples and a panel of queries, the largest of each tile, and the largest of all."""
    largest[:] = -np.inf
    for tile in range(-(-n // ROWS)):
        overlap(samples, norms, tile, panels, p, count, S, peaks, largest, vectors, differences)


@njit(fastmath=SUMS, nogil=True)
def _lay_out(data, centre, scale, samples, norms):
    """y' = (y - centre) scale and -|y'|^2/2; the last of them again up to a multiple of ROWS, which raises no peak."""
    n, D = data.shape
    row, squares = np.zeros(PIECE, samples.dtype), np.empty(ROWS)
    for tile in range(-(-n // ROWS)):
        squares[:] = 0
        for begin in range(0, D, PIECE):
            piece = slice(begin, min(begin + PIECE, D))
            origin = centre[piece]
            row[origin.size :] = 0
            for q in range(ROWS):
                sample, square = data[min(tile * ROWS + q, n - 1), piece], 0.0
                for k in range(origin.size):
                    y = (double(sample[k]) - origin[k]) * scale
                    row[k] = y
                    square += y * y
                squares[q] += square
                place(row, samples, tile, begin // ROWS, q, -(-origin.size // ROWS))
        for q in range(ROWS):
            norms[tile * ROWS + q] = -squares[q] / 2


@njit(nogil=True)
def _lowered(bar):
    """So that rounding does not raise it."""
    return bar - EPS * abs(bar)


@njit(nogil=True)
def _raise(S, vectors, peaks, largest, start, top, best, first):
    """The largest S so far of the queries of a panel, and whose it is."""
    for lane in range(vectors * largest.size // VECTORS):
        i, most = first + lane, largest[lane]
        if most > top[i] or start == 0:
            top[i] = most
            tile = 0
            while peaks[tile, lane] != most:
                tile += 1
            j = tile * ROWS
            while S[j, lane] != most:
                j += 1
            best[i] = start + j


@njit(nogil=True)
def _weigh_panel(S, e, n, peaks, bar, vectors, top, rate, i, sums):
    """The weights e of a panel, 0 in tiles of which no query of a vector needs one, and their sums."""
    sums[:] = 0
    lanes, tiles = peaks.shape[1] // VECTORS, -(-n // ROWS)
    for v in range(vectors):
        tile = 0
        while tile < tiles:
            after = tile
            while after < min(tiles, tile + RUN) and reaching(peaks, after, bar, v):
                after += 1
            if after > tile:
                begin = tile * ROWS
                weigh(S, e, begin, min(after * ROWS, n) - begin, v, top, rate, i, sums)
                tile = after
            else:
                e[tile * ROWS : (tile + 1) * ROWS, v * lanes : (v + 1) * lanes] = 0
                tile += 1


@njit(nogil=True, cache=True)
def weighed(
    data,
    centre,
    scale,
    differences,
    panels,
    vectors,
    rate,
    reach,
    samples,
    norms,
    S,
    e,
    peaks,
    largest,
    top,
    best,
    sums,
    total,
):
    """Over the samples for all queries, m with padding, and T times.

    The columns of panels, of numerics.panels, are x', or x where differences are wanted. At the times of `rate`, 1/scale of
    S, and `reach`, how far below the largest S counts, both shape (T, m), it finds top and best, shape (m,), the largest S
    and whose it is, and adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, P, D with padding, W),
    of e y', or of e (y - x).
    """
    (P, length, W), T, block = panels.shape, rate.shape[0], norms.size
    shrink, bar, more = np.empty(W), np.empty(W, S.dtype), np.empty((4, W))
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            first = p * W
            before = top[first : first + W].copy()
            _overlaps(samples, norms, n, panels, p, vectors[p], data.shape[1], S, peaks, largest, differences)
            _raise(S, vectors[p], peaks, largest, start, top, best, first)
            for k in range(T):
                for lane in range(W):
                    i = first + lane
                    shrink[lane] = 1.0
                    if top[i] > before[lane]:
                        gap = (before[lane] - top[i]) * rate[k, i] if start else 0.0
                        shrink[lane] = rescale(sums, k, i, gap)
                    bar[lane] = _lowered(top[i] - reach[k, i])
                _weigh_panel(S, e, n, peaks, bar, vectors[p], top, rate[k], first, more)
                for lane in range(W):
                    for s in range(4):
                        sums[k, first + lane, s] += more[s, lane]
                for group in range(length // ROWS):
                    gather(e, samples, group, n, panels, p, total[k], shrink, vectors[p], differences)


@njit(nogil=True)
def _wanted(S, n, own, vectors, peaks, largest, bound, lowest, reach, first, bar, columns, counts):
    """Raise lowest to max S - bound; columns are those whose S + bound is not below lowest - reach, so many of each query."""
    W = largest.size
    lanes = W // VECTORS
    shift, rows = lowest_bit(lanes), min(ROWS, 64 // lanes)  # as many as one number has bits for
    for lane in range(W):
        counts[lane], bar[lane] = 0, np.inf
        if lane < own:
            i = first + lane
            lowest[i] = max(lowest[i], largest[lane] - bound[i])
            bar[lane] = _lowered(lowest[i] - reach[i] - bound[i])
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


@njit(nogil=True, cache=True)
def above(data, centre, scale, panels, vectors, samples, norms, S, peaks, largest, bound, lowest, reach):
    """The pairs whose S + bound is not below lowest - reach, as arrays of queries, samples and S; data, shape (n, D).

    `lowest`, shape (m,), is raised to max S - bound first. The columns of panels, of numerics.panels, are x'.
    """
    (P, _, W), m, block = panels.shape, lowest.size, norms.size
    bar, columns, counts = np.empty(W, S.dtype), np.empty((W, block), np.int32), np.empty(W, np.int64)
    room, found = 4096, 0
    rows, numbers, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, S.dtype)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            own, first = min(W, m - p * W), p * W
            _overlaps(samples, norms, n, panels, p, vectors[p], data.shape[1], S, peaks, largest, 0)
            _wanted(S, n, own, vectors[p], peaks, largest, bound, lowest, reach, first, bar, columns, counts)
            more = found + counts[:own].sum()
            if more > room:
                room = 2 * more
                rows, values = _longer(rows, room), _longer(values, room)
                numbers = _longer(numbers, room)
            for lane in range(own):
                for a in range(counts[lane]):
                    j = columns[lane, a]
                    rows[found], numbers[found], values[found] = first + lane, start + j, S[j, lane]
                    found += 1
    return rows[:found], numbers[:found], values[:found]


@njit(nogil=True)
def _longer(a, room):
    longer = np.empty(room, a.dtype)
    longer[: a.size] = a
    return longer


@njit(fastmath=SUMS, nogil=True)
def _pair_squares(x, i, data, columns, start, count, squares):
    """|x - y|^2 of a query and some samples; the smallest, and the first that has it."""
    low, first = 1e308, 0
    for a in range(count):
        j, square = start + columns[a], 0.0
        for k in range(x.shape[1]):
            square += (double(data[j, k]) - x[i, k]) ** 2
        squares[a] = square
        if square < low:
            low, first = square, j
    return low, first


@njit(fastmath=SUMS, nogil=True)
def _add_pairs(x, i, data, columns, start, count, squares, least, rate, cut, e, sums, k, total):
    """Add the samples to the sums of a query at one time, u = (least - |x - y|^2) rate, but for those below -cut."""
    weight = weight_squared = log_weight = log_weight_squared = 0.0
    for a in range(count):
        u = max((least - squares[a]) * rate, -700.0)
        w = exp(u) if u >= -cut else 0.0
        e[a] = w
        weight += w
        weight_squared += w * w
        log_weight += w * u
        log_weight_squared += w * u * u
    sums[k, i, 0] += weight
    sums[k, i, 1] += weight_squared
    sums[k, i, 2] += log_weight
    sums[k, i, 3] += log_weight_squared
    for a in range(count):
        w, j = e[a], start + columns[a]
        if w > 0:
            for d in range(x.shape[1]):
                total[k, i, d] += w * (double(data[j, d]) - x[i, d])


@njit(nogil=True, cache=True)
def rescored(
    data,
    begin,
    centre,
    scale,
    panels,
    vectors,
    samples,
    norms,
    S,
    peaks,
    largest,
    bound,
    lowest,
    reach,
    x,
    rate,
    cut,
    least,
    nearest,
    sums,
    total,
):
    """Add those pairs of `above` whose weight counts, by direct differences in float64; how many pairs there were.

    `data` are the samples from `begin` on, x the queries in float64, shape (m, D). At the times of `rate`, 1/2tT, shape (T, m),
    it adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, m, D), of e (y - x), in units of the
    nearest sample so far and its squared distance `least`.
    """
    (P, _, W), (m, D), block, seen = panels.shape, x.shape, norms.size, 0
    bar, columns, counts = np.empty(W, S.dtype), np.empty((W, block), np.int32), np.empty(W, np.int64)
    squares, e = np.empty(block), np.empty(block)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            own, first = min(W, m - p * W), p * W
            _overlaps(samples, norms, n, panels, p, vectors[p], D, S, peaks, largest, 0)
            _wanted(S, n, own, vectors[p], peaks, largest, bound, lowest, reach, first, bar, columns, counts)
            for lane in range(own):
                count, i, mine = counts[lane], first + lane, columns[lane]
                if count == 0:
                    continue
                seen += count
                low, closest = _pair_squares(x, i, data, mine, start, count, squares)
                if nearest[i] < 0 or low < least[i]:
                    for k in range(rate.shape[0]):
                        if nearest[i] >= 0:
                            total[k, i] *= rescale(sums, k, i, (low - least[i]) * rate[k, i])
                    least[i], nearest[i] = low, begin + closest
                for k in range(rate.shape[0]):
                    _add_pairs(x, i, data, mine, start, count, squares, least[i], rate[k, i], cut, e, sums, k, total)
    return seen
