"""How large samples are, and where they stand for a product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled.compiler import SUMS, compiled, inlined

__all__ = ["Room", "lay_out", "measure"]

Floats = NDArray[np.floating]


class Room(NamedTuple):
    """Where a block of n samples is laid out, and what is made of it and a chunk of queries.

    Attributes:
        samples: coordinates y', shape (n, D).
        norms: -|y'|^2/2, what is added to their products with a query, shape (n,).
        values: what is averaged, y' and k squares of coordinates, shape (n, D + k).
        S: as many numbers as a chunk and a block have pairs.
        e: weights, as many.
        rows: queries of a chunk.
    """

    samples: Floats
    norms: Floats
    values: Floats
    S: Floats
    e: Floats
    rows: int


def measure(data, centre, scale):
    """The largest |y| of an entry, not finite where one is not, and the largest |y - centre|^2 scale^2 of a row."""
    bits = data.view(f"i{data.itemsize}")
    kind = bits.dtype.type
    entry, square = _measure(data, bits, kind(np.iinfo(kind).max), centre, scale)
    return float(kind(entry).view(data.dtype)), square


@compiled(fastmath=SUMS)
def _measure(data, bits, most, centre, scale):
    """Without their signs floating-point numbers are in the order of their bits, and NaN comes above all of them."""
    kind = bits.dtype.type
    entry, largest = kind(0), 0.0
    for i in range(data.shape[0]):
        square = 0.0
        for k in range(centre.size):
            entry = max(entry, kind(bits[i, k] & most))
            y = (np.float64(data[i, k]) - centre[k]) * scale
            square += y * y
        largest = max(largest, square)
    return entry, largest


@inlined(fastmath=SUMS)
def lay_out(data, centre, scale, samples, norms):
    """y' = (y - centre) scale and -|y'|^2/2 of numerics.engine.layout."""
    for i in range(data.shape[0]):
        square = 0.0
        for k in range(centre.size):
            y = (np.float64(data[i, k]) - centre[k]) * scale
            samples[i, k] = y
            square += y * y
        norms[i] = -square / 2
