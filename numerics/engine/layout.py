r"""The data set laid out for matrix products, and how far rounding may take the distances they give.

About a centre c, in units of a power of two L that bounds every coordinate, let x' = (x - c)/L and y' = (y - c)/L.
Then

    |x - y|^2 / 2 = L^2 (|x'|^2/2 - S),       S(x, y) = x'.y' - |y'|^2/2,

and S alone decides the weights, log w_mu = S_mu L^2 / tT + const. One product of rows [x', 1] and [y', -|y'|^2/2]
gives S.

**The bound.** With u the unit roundoff and h the largest number of the dtype, the computed S^ satisfies |S^ - S| <=
B,

    B = 4 (D + 6) u (|x'||y'| + |y'|^2/2) + 32 (D + 1)/h,      while (D + 6) u < 1/100,

*Proof.* Write a = |x'||y'| and b = |y'|^2/2.

1. A coordinate is rounded in float64 and then to the dtype: it errs by 2u of itself at most, and a product of two by
   4u + 4u^2. By Cauchy and Schwarz that is at most (4u + 4u^2) a of the sum.
2. The norm is summed in float64 and then rounded: it errs by (D + 3)u b at most.
3. A sum of D + 1 products, in any order, with or without fused multiply-add, errs by g/(1 - g) of the sum of their
   sizes, with g = (D + 1)u where sums are rounded to nearest (Higham, Accuracy and Stability of Numerical Algorithms,
   eq. 3.5) and twice that where they are truncated. The sizes add up to a + b, up to 1 and 2.
4. In all, to first order, (2D + 6)u a + (3D + 5)u b. Of 4 (D + 6)u (a + b) more than (D + 18)u (a + b) remains for
   the second order: g^2/(1 - g) and the products of 3 with 1 and 2, less than a tenth of the first.
5. What underflows, gradually or at once, loses less than the smallest normal number, 4/h: of D + 1 products, and of
   2D + 1 entries, twice, that are multiplied by numbers up to 1. Together they stay below 32 (D + 1)/h. QED

Direct differences err by 3 (D + 4) u |x - y|^2 instead, by the same count: a bound that falls with the distance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from numerics.arrays import Array, finite_extent, namespace, slices
from numerics.engine.door import compiled
from numerics.threads import parallel

__all__ = ["Measured", "Rows", "difference_error", "laid_out", "unit_roundoff"]

CENTRED, CENTRED_ENTRIES = 4096, 2**20  # samples whose mean is the centre
WORTH_THREADS = 2**22  # entries to look at


@dataclass(frozen=True)
class Rows:
    """The data set as rows [y', -|y'|^2/2] of one dtype, laid out block by block when they are needed.

    A block of rows costs a small part of its product with a block of queries, fresh memory for all of them may not.

    Attributes:
        data: the samples, shape (N, D).
        dtype: of the rows.
        parts: the samples of each block.
        norms: the largest |y'| of each block.
        centre: c in float64, shape (D,).
        unit: L.
    """

    data: Array
    dtype: Any
    parts: tuple[slice, ...]
    norms: tuple[float, ...]
    centre: Array
    unit: float

    def of(self, x: Array) -> tuple[Array, Array]:
        """The rows [x', 1] of queries, shape (M, D + 1), and |x'| in float64, shape (M,)."""
        xp = namespace(x)
        shifted = (xp.astype(x, xp.float64) - self.centre) * (1 / self.unit)
        ones = xp.ones((x.shape[0], 1), dtype=shifted.dtype, device=shifted.device)
        rows = xp.concat([shifted, ones], axis=1)
        return xp.astype(rows, self.dtype), xp.sqrt(xp.sum(shifted**2, axis=-1))

    def block(self, part: slice) -> Array:
        """The rows of some samples, shape (n, D + 1)."""
        xp = namespace(self.data)
        shifted = (self.data[part, :] - self.centre) * (1 / self.unit)
        return xp.astype(xp.concat([shifted, -xp.vecdot(shifted, shifted)[:, None] / 2], axis=1), self.dtype)

    def some(self, step: int) -> Array:
        """The rows of every so many samples."""
        return replace(self, data=self.data[::step, :]).block(slice(None))

    def swept(self, z: Array) -> Iterator[tuple[slice, float, Array, Array]]:
        """Block after block: samples, largest |y'|, rows, and S for the query rows z."""
        for part, norm in zip(self.parts, self.norms, strict=True):
            block = self.block(part)
            yield part, norm, block, z @ block.T

    def products(self, z: Array) -> Iterator[tuple[slice, float, Array]]:
        """Block after block: samples, largest |y'|, and S for the query rows z."""
        return ((part, norm, S) for part, norm, _, S in self.swept(z))

    def scale(self, t: Array, temperature: float) -> Array:
        """tT/L^2, that of S in the weights; divided twice, for L^2 may underflow where the ratio does not."""
        return t * temperature / self.unit / self.unit

    def bound(self, x_norms: Array, y_norm: float) -> Array:
        """B of the module's head for queries of norm |x'|, shape (M,), and samples of norm y_norm at most."""
        xp, D = namespace(x_norms), self.centre.shape[0]
        return 4 * (D + 6) * unit_roundoff(self.dtype, xp) * (x_norms * y_norm + y_norm**2 / 2) + self.underflow

    @property
    def underflow(self) -> float:
        """What may be lost of S to underflow."""
        return 32 * (self.centre.shape[0] + 1) / float(namespace(self.centre).finfo(self.dtype).max)


@dataclass(frozen=True)
class Measured:
    """How large a data set is.

    Attributes:
        data: shape (N, D).
        extent: the largest size of an entry.
        centre: a mean of some samples, float64, shape (D,); the bound holds about any centre.
        parts: the samples of each block.
        norms: the largest |y - centre| of each block.
    """

    data: Array
    extent: float
    centre: Array
    parts: tuple[slice, ...]
    norms: tuple[float, ...]

    @classmethod
    def of(cls, data: Array, block: int, threads: int = 1, what: str = "data") -> Measured:
        """In one look at the data.

        Raises:
            ValueError: where there is a NaN or an infinite entry.
        """
        xp, data = namespace(data), _plain(data)
        most = max(1, min(CENTRED, CENTRED_ENTRIES // data.shape[1]))
        some = data[:: max(1, data.shape[0] // most), :]
        extent = finite_extent(some, what)
        centre = xp.mean(xp.astype(some, xp.float64), axis=0)
        parts = tuple(slices(data.shape[0], block))
        threads = threads if data.shape[0] * data.shape[1] > WORTH_THREADS else 1
        while True:
            unit = max(_unit(extent), 2.0**-960)  # whose inverse is finite
            found = parallel(lambda part: _sizes(data[part, :], centre, 1 / unit), parts, threads)  # noqa: B023
            largest = max(size for size, _ in found)
            if not all(math.isfinite(size) for size, _ in found):
                finite_extent(data, what)
            if 1e-100 * unit <= largest <= 1e100 * unit or largest == extent:  # squares neither under- nor overflow
                return cls(data, largest, centre, parts, tuple(square**0.5 * unit for _, square in found))
            extent = largest

    def split(self, pieces: int) -> list[Measured]:
        """About so many pieces of whole blocks."""
        found = []
        for some in slices(len(self.parts), -(-len(self.parts) // pieces)):
            start, stop = self.parts[some][0].start, self.parts[some][-1].stop
            parts = tuple(slice(part.start - start, part.stop - start) for part in self.parts[some])
            found.append(replace(self, data=self.data[start:stop, :], parts=parts, norms=self.norms[some]))
        return found


def _plain(data: Array) -> Array:
    """NumPy's arrays in the order of rows and not to be written to, so that loops are compiled once for each dtype."""
    if isinstance(data, np.ndarray):
        data = np.ascontiguousarray(data).view()
        data.setflags(write=False)
    return data


def _unit(size: float) -> float:
    """The next power of two above twice the size; 1 for nothing."""
    return 2.0 ** (math.frexp(size)[1] + 1)


def _sizes(data: Array, centre: Array, scale: float) -> tuple[float, float]:
    """The largest size of an entry, and the largest |y - centre|^2 scale^2."""
    xp, loops = namespace(data), compiled(data)
    if loops is not None:
        entry, square = loops.measure(data, centre, scale)
        return float(entry), float(square)
    shifted = (data - centre) * scale
    with np.errstate(over="ignore"):  # where the scale is not theirs
        return float(xp.max(xp.abs(data))), float(xp.max(xp.vecdot(shifted, shifted)))


def laid_out(data: Measured, size: float, dtype: Any) -> Rows | None:
    """A centre and a unit for the data; None where the dimension is too large for the bound.

    `size` is to bound every coordinate of data and queries; the unit is the next power of two above twice that.
    """
    xp = namespace(data.data)
    if (data.data.shape[1] + 6) * unit_roundoff(dtype, xp) >= 0.01:
        return None
    unit = _unit(size)
    return Rows(data.data, dtype, data.parts, tuple(norm / unit for norm in data.norms), data.centre, unit)


def difference_error(dimension: int, dtype: Any, xp: Any) -> float:
    """The relative error of a squared distance taken by direct differences."""
    return 3 * (dimension + 4) * unit_roundoff(dtype, xp)


def unit_roundoff(dtype: Any, xp: Any) -> float:
    """Half the spacing of the numbers above 1."""
    return float(xp.finfo(dtype).eps) / 2
