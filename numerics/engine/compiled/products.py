r"""Compiled products: S of a block of samples and queries, and sums of samples by weight, at the rate of the registers.

What a BLAS packs first is laid out so from the start, and numbers are used while they are in the first caches: a panel of
queries, as many as `vectors` takes at once, is overlapped with a block of samples, weighed, and the samples
are summed, before the next.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from numerics.engine.compiled.loops import SUMS, double, rescale
from numerics.engine.compiled.vectors import ROWS, VECTORS, gather, overlap, place, reaching, weigh

__all__ = ["RUN", "lay_out", "lowered", "overlaps", "weighed"]

RUN = 64 // ROWS  # tiles whose weights are added up in the dtype, before they go to the sums in float64
PIECE = 256  # coordinates of ROWS samples that are laid out at a time, in the first cache
EPS = float(np.finfo(np.float32).eps)


@njit(nogil=True)
def overlaps(room, n, panels, p, vectors, count, kind):
    """S of n samples and a panel of queries, from `count` numbers of each, the largest of each tile, and of all."""
    samples, norms, S, peaks, largest = room.samples, room.norms, room.S, room.peaks, room.largest
    largest[:] = -np.inf
    for tile in range(-(-n // ROWS)):
        overlap(samples, norms, tile, panels, p, count, S, peaks, largest, vectors, kind)


@njit(fastmath=SUMS, nogil=True)
def lay_out(data, centre, scale, room):
    """y' = (y - centre) scale and -|y'|^2/2; the last of them again up to a multiple of ROWS, which raises no peak."""
    n, D = data.shape
    row, squares = np.zeros(PIECE, room.samples.dtype), np.empty(ROWS)
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
                place(row, room.samples, tile, begin // ROWS, q, -(-origin.size // ROWS))
        for q in range(ROWS):
            room.norms[tile * ROWS + q] = -squares[q] / 2


@njit(nogil=True)
def lowered(bar):
    """So that rounding does not raise it."""
    return bar - EPS * abs(bar)


@njit(nogil=True)
def _raise(room, vectors, start, top, best, first):
    """The largest S so far of the queries of a panel, and whose it is."""
    S, peaks, largest = room.S, room.peaks, room.largest
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
def _weigh_panel(room, n, bar, vectors, top, rate, i, sums):
    """The weights e of a panel, 0 in tiles of which no query of a vector needs one, and their sums."""
    S, e, peaks = room.S, room.e, room.peaks
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
def weighed(data, centre, scale, kind, panels, vectors, rate, reach, room, top, best, sums, total):
    """Over the samples for all queries, m with padding, and T times.

    The columns of panels, of numerics.engine.panels, are x', or x for the kind DIFFERENCES. At the times of `rate`, 1/scale of
    S, and `reach`, how far below the largest S counts, both shape (T, m), it finds top and best, shape (m,), the largest S
    and whose it is, and adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, P, D with padding, W),
    of e y', or of e (y - x).
    """
    (P, length, W), T, block = panels.shape, rate.shape[0], room.norms.size
    shrink, bar, more = np.empty(W), np.empty(W, room.S.dtype), np.empty((4, W))
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        lay_out(data[start : start + n], centre, scale, room)
        for p in range(P):
            first = p * W
            before = top[first : first + W].copy()
            overlaps(room, n, panels, p, vectors[p], data.shape[1], kind)
            _raise(room, vectors[p], start, top, best, first)
            for k in range(T):
                for lane in range(W):
                    i = first + lane
                    shrink[lane] = 1.0
                    if top[i] > before[lane]:
                        gap = (before[lane] - top[i]) * rate[k, i] if start else 0.0
                        shrink[lane] = rescale(sums, k, i, gap)
                    bar[lane] = lowered(top[i] - reach[k, i])
                _weigh_panel(room, n, bar, vectors[p], top, rate[k], first, more)
                for lane in range(W):
                    for s in range(4):
                        sums[k, first + lane, s] += more[s, lane]
                for group in range(length // ROWS):
                    gather(room.e, room.samples, group, n, panels, p, total[k], shrink, vectors[p], kind)
