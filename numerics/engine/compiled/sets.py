"""Many small data sets at once: squared distances, weights and sums of one point after the other."""

from __future__ import annotations

from numerics.engine.compiled.compiler import SUMS, compiled, inlined
from numerics.engine.compiled.exp import exp

__all__ = ["means"]


@inlined(fastmath=SUMS)
def _squares(x, b, i, data, squares):
    """|x - y|^2 to the samples of a data set, and the least of them."""
    a = x[b, i, 0]
    for j in range(squares.size):
        p = data[b, 0, j] - a
        squares[j] = p * p
    for d in range(1, x.shape[2]):
        a = x[b, i, d]
        for j in range(squares.size):
            p = data[b, d, j] - a
            squares[j] += p * p
    least = squares[0]
    for j in range(squares.size):
        least = min(least, squares[j])
    return least


@compiled(fastmath=SUMS)
def means(x, data, rate, squares, e, mean, least, total):
    """The mean, the least |x - y|^2 and the sum of weights in units of the largest; data of shape (B, D, N), rate 1/2t."""
    for b in range(x.shape[0]):
        for i in range(x.shape[1]):
            low = _squares(x, b, i, data, squares)
            unit, added = rate[b, i], rate.dtype.type(0)
            for j in range(squares.size):
                w = exp((low - squares[j]) * unit)
                e[j] = w
                added += w
            for d in range(x.shape[2]):
                pulled, a = rate.dtype.type(0), x[b, i, d]
                for j in range(squares.size):
                    pulled += e[j] * (data[b, d, j] - a)
                mean[b, i, d] = a + pulled / added
            least[b, i], total[b, i] = low, added
