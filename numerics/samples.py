r"""The data set laid out for matrix products, and how far rounding may take the distances they give.

About a centre c, in units of a power of two L that bounds every coordinate, let x' = (x - c)/L and y' = (y - c)/L. Then

    |x - y|^2 / 2 = L^2 (|x'|^2/2 - S),       S(x, y) = x'.y' - |y'|^2/2,

and S alone decides the weights, log w_mu = S_mu L^2 / tT + const. One product of rows [x', 1] and [y', -|y'|^2/2] gives S.

**The bound.** With u the unit roundoff and h the largest number of the dtype, the computed S^ satisfies |S^ - S| <= B,

    B = 3 (D + 6) u (|x'||y'| + |y'|^2/2) + 16 (D + 1)/h,      while (D + 6) u < 1/100.

*Proof.* Write a = |x'||y'| and b = |y'|^2/2. (1) A coordinate is a difference rounded in float64, then rounded to the dtype:
it errs by 2u of itself at most, two of them in a product by (4u + 4u^2), and sum |x'_i||y'_i| <= a by Cauchy and Schwarz. (2) The
norm is summed in float64 and rounded: at most (D + 3)u of b. (3) A sum of D + 1 products, in any order, with or without fused
multiply-add, errs by g/(1 - g) of the sum of their sizes, a + b up to (1) and (2), with g = (D + 1)u where sums are rounded to
nearest (Higham, Accuracy and Stability of Numerical Algorithms, eq. 3.5) and twice that where they are truncated. In
all, to first order, (2D + 6)u a + (3D + 5)u b, and 3 (D + 6)u (a + b) leaves 8u and a third of the rest to the second order, which
takes less than a tenth. (4) What underflows, gradually or at once, loses less than the smallest normal number, 4/h: D + 1 products,
and 2D + 1 row entries multiplied by numbers up to D + 1; together below 16 (D + 1)/h. QED

Direct differences err by 3 (D + 4) u |x - y|^2 instead, by the same count: a bound that falls with the distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numerics.arrays import Array, namespace, slices

__all__ = ["Rows", "difference_error", "laid_out", "unit_roundoff"]


@dataclass(frozen=True)
class Rows:
    """The data set as rows [y', -|y'|^2/2] of one dtype, block by block.

    Attributes:
        blocks: arrays of shape (n, D + 1).
        parts: the samples of each block.
        norms: the largest |y'| of each block.
        centre: c in float64, shape (D,).
        unit: L.
    """

    blocks: tuple[Array, ...]
    parts: tuple[slice, ...]
    norms: tuple[float, ...]
    centre: Array
    unit: float

    def of(self, x: Array) -> tuple[Array, Array]:
        """The rows [x', 1] of queries, shape (M, D + 1), and |x'| in float64, shape (M,)."""
        xp = namespace(x)
        shifted = (xp.astype(x, xp.float64) - self.centre) / self.unit
        ones = xp.ones((x.shape[0], 1), dtype=shifted.dtype, device=shifted.device)
        rows = xp.concat([shifted, ones], axis=1)
        return xp.astype(rows, self.blocks[0].dtype), xp.sqrt(xp.sum(shifted**2, axis=-1))

    def bound(self, x_norms: Array, y_norm: float) -> Array:
        """B of the module's head for queries of norm |x'|, shape (M,), and samples of norm y_norm at most."""
        xp, dtype = namespace(x_norms), self.blocks[0].dtype
        D = self.centre.shape[0]
        absolute = 16 * (D + 1) / float(xp.finfo(dtype).max)
        return 3 * (D + 6) * unit_roundoff(dtype, xp) * (x_norms * y_norm + y_norm**2 / 2) + absolute


def laid_out(queries: Array, data: Array, length: float, dtype: Any, block: int) -> Rows | None:
    """Centre, scale and augment the data; None where the dimension is too large for the bound.

    `length` is the largest sqrt(tT): data far smaller than it keep their unit within reach of it.
    """
    xp = namespace(queries, data)
    if (data.shape[1] + 6) * unit_roundoff(dtype, xp) >= 0.01:
        return None
    centre = xp.mean(xp.astype(data, xp.float64), axis=0)
    size = max(_reach(queries, centre), _reach(data, centre), 1e-15 * length)
    unit = 2.0 ** math.frexp(size)[1]
    blocks, norms = [], []
    parts = tuple(slices(data.shape[0], block))
    for part in parts:
        shifted = (xp.astype(data[part, :], xp.float64) - centre) / unit
        squares = xp.sum(shifted**2, axis=-1)[:, None]
        blocks.append(xp.astype(xp.concat([shifted, -squares / 2], axis=1), dtype))
        norms.append(float(xp.max(squares)) ** 0.5)
    return Rows(tuple(blocks), parts, tuple(norms), centre, unit)


def _reach(a: Array, centre: Array) -> float:
    """The largest coordinate of a about the centre."""
    xp = namespace(a, centre)
    high, low = (xp.astype(limit(a, axis=0), xp.float64) - centre for limit in (xp.max, xp.min))
    return float(xp.max(xp.maximum(xp.abs(high), xp.abs(low))))


def difference_error(dimension: int, dtype: Any, xp: Any) -> float:
    """The relative error of a squared distance taken by direct differences."""
    return 3 * (dimension + 4) * unit_roundoff(dtype, xp)


def unit_roundoff(dtype: Any, xp: Any) -> float:
    """Half the spacing of the numbers above 1."""
    return float(xp.finfo(dtype).eps) / 2
