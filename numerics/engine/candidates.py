"""Screening in compiled loops: candidates wait, and are weighed when there is no room for more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.engine.compiled import picking
from numerics.engine.compiled.picking import Scratch, Waiting
from numerics.engine.compiled.sums import Sums
from numerics.engine.layout import Rows
from numerics.engine.products import room_of
from numerics.engine.question import Question, moments_of
from numerics.moments import GibbsMoments

__all__ = ["rescored", "screen", "unsettled", "waiting_for"]

CHUNK = 256  # queries whose product with a block is found at once
WAITING = 1024  # samples that wait for a query, besides a block of them
WORTH_WAITING = 128  # dimensions from which on that costs less than weighing what is too far away
PIECE = 2**14  # numbers of the differences that are weighed at once, in the second cache
Floats = NDArray[np.floating]


def rescored(x: Floats, rows: Rows, reach: Floats, t: Floats, question: Question, most: float) -> GibbsMoments | None:
    """The moments at times t, shape (T, m), of the samples that screening leaves for them, from differences in float64.

    None as soon as more than a share `most` of the pairs would have to wait. `reach`, shape (m,), is how far below the
    largest S one counts.
    """
    (m, D), N = x.shape, len(rows.data)
    layout, bounds = screen(x, rows)
    room = layout[-1]
    block, most_waiting = room.norms.size, WAITING if D >= WORTH_WAITING else 0
    waiting = waiting_for(m, most_waiting + block, room.S.dtype)
    widest, lowest, seen = np.zeros(m), np.full(m, -np.inf), 0
    kept = widest, lowest, reach, waiting
    # queries are in float64, so that what is certified is of float64 too
    asked = unsettled(x, t, question)
    for part, bound in zip(rows.parts, bounds, strict=True):
        for start in range(part.start, part.stop, block):
            seen += picking.find(rows.data, start, min(start + block, part.stop), *layout, bound, *kept)
            picking.settle(most_waiting, rows.data, *kept, *asked)
        if seen > most * m * N:
            return None
    picking.settle(0, rows.data, *kept, *asked)
    return moments_of(asked[-1], asked[0], t, question, N)


def screen(x: Floats, rows: Rows) -> tuple[tuple[Any, ...], Iterator[Floats]]:
    """The layout that numerics.engine.compiled.picking asks for, and for each part the bound of S, shape (m,)."""
    z, norms = rows.of(x)
    z = np.ascontiguousarray(z[:, :-1])
    layout = rows.centre, 1 / rows.unit, z, room_of(rows, CHUNK, z)
    return layout, (rows.bound(norms, norm) for norm in rows.norms)


def waiting_for(m: int, places: int, dtype: Any) -> Waiting:
    """Nothing yet, for m queries."""
    shape = m, places
    return Waiting(np.empty(shape, np.int64), np.empty(shape, dtype), np.zeros(m, np.int64))


def unsettled(x: Floats, t: Floats, question: Question) -> tuple[Floats, Floats, Scratch, Sums]:
    """The question of numerics.engine.compiled.picking at times t, shape (T, m), and sums over nothing yet."""
    (T, m), D = t.shape, x.shape[1]
    n, nothing = max(8, PIECE // D), np.empty((D, 0))
    away = np.empty((n, D))
    basis = nothing if question.basis is None else np.ascontiguousarray(question.basis)
    along = np.empty((n, basis.shape[1])) if basis.size else away
    scratch = Scratch(away, np.empty(n), np.empty(n), basis, along, np.empty(along.shape[1]))
    k = 0 if question.covariance is None else along.shape[1]
    sums = Sums.of(T, m, D, k, full=question.covariance == "full")
    return np.ascontiguousarray(x, dtype=np.float64), 1 / (2 * (t * question.temperature)), scratch, sums
