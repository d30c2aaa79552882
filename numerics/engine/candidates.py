r"""What numerics.engine.compiled.picking works on: samples that wait to be weighed, and a piece of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled import picking as compiled_candidates
from numerics.engine.dense import Asked
from numerics.engine.layout import Rows
from numerics.engine.panels import Room
from numerics.engine.sums import Sums
from numerics.moments import GibbsMoments

__all__ = ["Waiting", "rescored", "screen", "weighing"]

WAITING = 1024  # samples that wait for a query, besides a block of them
WORTH_WAITING = 128  # dimensions from which on that costs less than weighing what is too far away
PIECE = 2**14  # numbers of the differences that are weighed at once, in the second cache
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

    @classmethod
    def of(cls, m: int, D: int, room: Room) -> Waiting:
        """None yet."""
        shape = m, (WAITING if D >= WORTH_WAITING else 0) + room.norms.size
        return cls(np.empty(shape, np.int64), np.empty(shape, room.S.dtype), np.zeros(m, np.int64))


class Scratch(NamedTuple):
    """What is made of n of them.

    Attributes:
        away: y - x, shape (n, D).
        squares: |y - x|^2, shape (n,).
        e: weights, shape (n,).
        basis: columns of which the covariance is asked, shape (D, k); no columns where it is that of y itself, or not asked.
        along: z, coordinates of y - x along them, shape (n, k), or `away`.
        rest: z - mean z of one, shape (k,).
    """

    away: Floats
    squares: Floats
    e: Floats
    basis: Floats
    along: Floats
    rest: Floats


def rescored(x: Floats, rows: Rows, reach: Floats, t: Floats, asked: Asked, most: float) -> GibbsMoments | None:
    """The moments at times t, shape (T, m), of the samples that screening leaves for them, from differences in float64.

    None as soon as more than a share `most` of the pairs would have to wait. `reach`, shape (m,), is how far below the
    largest S one counts.
    """
    m, N = len(x), len(rows.data)
    layout, bounds = screen(x, rows)
    widest, lowest, seen = np.zeros(m), np.full(m, -np.inf), 0
    kept = widest, lowest, reach, Waiting.of(m, x.shape[1], layout[-1])
    question = weighing(x, t, asked, N)
    for part, bound in zip(rows.parts, bounds, strict=True):
        seen += compiled_candidates.find(rows.data, part.start, part.stop, *layout, bound, *kept, *question)
        if seen > most * m * N:
            return None
    compiled_candidates.weigh(rows.data, *kept, *question)
    x, *_, sums = question  # queries in float64, so that what is certified is of float64 too
    return sums.moments(x, t, asked, N)


def screen(x: Floats, rows: Rows) -> tuple[tuple[Any, ...], Iterator[Floats]]:
    """The layout that numerics.engine.compiled.picking asks for, and for each part the bound of S, shape (m,)."""
    z, norms = rows.of(x)
    room = Room.of(rows.data, z.dtype)
    return (rows.centre, 1 / rows.unit, *room.panels(z[:, :-1]), room), (rows.bound(norms, norm) for norm in rows.norms)


def weighing(x: Floats, t: Floats, asked: Asked, N: int) -> tuple[Floats, Floats, float, Scratch, Sums]:
    """The question of numerics.engine.compiled.picking at times t, shape (T, m), and sums over nothing yet."""
    (T, m), D = t.shape, x.shape[1]
    n, nothing = max(8, PIECE // D), np.empty((D, 0))
    away = np.empty((n, D))
    basis = nothing if asked.basis is None else np.ascontiguousarray(asked.basis)
    along = np.empty((n, basis.shape[1])) if basis.size else away
    scratch = Scratch(away, np.empty(n), np.empty(n), basis, along, np.empty(along.shape[1]))
    sums = Sums.of(T, m, D, along.shape[1], asked)
    return np.ascontiguousarray(x, dtype=np.float64), 1 / (2 * t * asked.temperature), asked.cut(N), scratch, sums
