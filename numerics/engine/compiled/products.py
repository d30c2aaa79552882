"""The dense pass: S of a chunk of queries and a block of samples by the BLAS, weights, and sums of samples by the BLAS again."""

from __future__ import annotations

import numpy as np

from numerics.engine.compiled.compiler import SUMS, compiled, inlined
from numerics.engine.compiled.loops import lay_out
from numerics.engine.compiled.sums import rescale, weigh

__all__ = ["products"]


@inlined(fastmath=SUMS)
def _raise(row, norms, start, i, top, best):
    """Add the norms to a row of products, which makes it S; the largest so far of query i, and whose it is."""
    largest = row[0] + norms[0]
    for j in range(row.size):
        row[j] += norms[j]
        largest = max(largest, row[j])
    if largest > top[i] or start == 0:
        first = 0
        while row[first] != largest:
            first += 1
        top[i], best[i] = largest, start + first


@inlined(fastmath=SUMS)
def _add(total, shrink, more):
    """total = shrink total + more, row by row."""
    for i in range(total.shape[0]):
        for d in range(total.shape[1]):
            total[i, d] = shrink[i] * total[i, d] + more[i, d]


@inlined()
def _averaged(samples, basis, values):
    """What is averaged: the coordinates y', and the squares of those along the basis, or of y' without one."""
    D = samples.shape[1]
    along = np.dot(samples, basis) if basis.size else samples
    for j in range(samples.shape[0]):
        for d in range(D):
            values[j, d] = samples[j, d]
        for d in range(along.shape[1]):
            values[j, D + d] = along[j, d] * along[j, d]


@compiled()
def products(data, centre, scale, x, rate, basis, room, top, best, sums, total):
    """Over all samples, at queries x', shape (m, D), and the times of `rate`, 1/scale of S, shape (T, m).

    It finds top and best, shape (m,), the largest S and whose it is, and adds up sums, shape (T, m, 4), and total, shape
    (T, m, D + k), of e y' and of e z^2 for those k coordinates z, along a basis or of y', whose variance is asked for.
    """
    m, T, block, chunk = len(x), rate.shape[0], room.norms.size, room.rows
    before, shrink, squares = np.empty(chunk), np.empty(chunk), room.values.shape[1] > x.shape[1]
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        samples, values = room.samples[:n], room.values[:n]
        lay_out(data[start : start + n], centre, scale, samples, room.norms)
        if squares:
            _averaged(samples, basis, values)
        for first in range(0, m, chunk):
            some = x[first : first + chunk]
            h = len(some)
            S, e = room.S[: h * n].reshape(h, n), room.e[: h * n].reshape(h, n)
            np.dot(some, samples.T, S)
            for i in range(h):
                before[i] = top[first + i]
                _raise(S[i], room.norms, start, first + i, top, best)
            for k in range(T):
                for i in range(h):
                    q = first + i
                    shrink[i] = 1.0
                    if start and top[q] > before[i]:
                        shrink[i] = rescale(sums, k, q, (before[i] - top[q]) * rate[k, q])
                    weigh(S[i], n, S.dtype.type(top[q]), rate[k, q], e[i], sums, k, q)
                _add(total[k, first : first + h], shrink, np.dot(e, values if squares else samples))
