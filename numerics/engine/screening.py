r"""Certified screening: one float32 product finds the samples that can matter, float64 differences weigh them.

Where weights are concentrated almost no sample matters, and a rounded distance is enough to see it. With S^ and the
bound B of numerics.engine.layout, S_mu lies within B of S^_mu. So max (S^ - B) bounds the largest S from below, and every
sample with

    S^_mu + B < max (S^ - B) - cut tT / L^2

has a log weight more than `cut` below the largest: together these weigh no more than N exp(-cut), the tolerance. The
others, the candidates, include all that matter, whatever the rounding, and are weighed anew by direct differences in
float64.

Where weights are diffuse candidates are many. A time is given up as soon as more than a share of the pairs are among
them, at which weighing them one by one would cost more than the dense pass.

Compiled loops, of numerics.engine.candidates, let a few candidates of each query wait, and weigh them when there is no room for
more; for tensors of torch there is a list of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numerics.arrays import Array, add_to_rows, least_of_rows, namespace, slices
from numerics.engine.door import compiled
from numerics.engine.layout import Rows
from numerics.engine.question import Question, Weights, log_weight_error, state_of
from numerics.moments import NEGLIGIBLE, GibbsMoments

__all__ = ["screened"]

SHARE, OVERHEAD = 1 / 16, 80  # of the pairs, for many dimensions; what a candidate costs besides its own
PILOT, PILOT_ENTRIES, PILOT_QUERIES = 4096, 2**20, 8  # samples and queries that tell whether screening is worth a try
PILOT_SHARE = 2  # times that share: the nearest of a few samples is farther than that of all, so the pilot sees more
RESCORED = 2**18  # elements of differences at once


def screened(x: Array, data: Array, rows: Rows, t: Array, question: Question) -> dict[int, GibbsMoments]:
    """The moments at those of the times t, shape (T, m), where few samples matter, by index of the time."""
    xp = namespace(x)
    reach = rows.scale(t, question.temperature) * question.cut(data.shape[0])
    order = sorted(range(t.shape[0]), key=lambda i: -float(xp.max(reach[i, :])))
    # the widest time is not the widest for all queries
    reaches = [xp.max(xp.stack([reach[i, :] for i in order[k:]]), axis=0) for k in range(len(order))]
    if compiled(x) is not None:
        return _rescored(x, rows, reaches, t, order, question)
    skipped, found = _candidates(x, rows, reaches)
    if found is None:
        return {}
    pairs = _Pairs(xp.astype(x, xp.float64), data, found.query, found.sample)
    return {i: pairs.moments(t[i, :], question) for i in order[skipped:]}


def _rescored(
    x: Array, rows: Rows, reaches: list[Array], t: Array, order: list[int], question: Question
) -> dict[int, GibbsMoments]:
    """The same in compiled loops."""
    from numerics.engine.candidates import rescored

    most = SHARE * (2 if x.dtype == np.float64 else 1)  # as measured, at which the dense pass is as fast
    if question.takes_differences(rows.data.shape[0]):
        most = 1.0  # the dense pass is never as fast
    share = _pilot(x, rows)
    wide = sum(share(reach) > PILOT_SHARE * most for reach in reaches)
    while wide < len(order):
        found = rescored(x, rows, reaches[wide], t[order[wide:]], question, most)
        if found is not None:
            return dict(zip(order[wide:], found.apart(), strict=True))
        wide += max(1, (len(order) - wide) // 2)  # so that passes in vain are few
    return {}


class _Kept(NamedTuple):
    """Candidates: whose, which, and the most that S can be; shape (K,), by query within a block of samples."""

    query: Array
    sample: Array
    upper: Array

    def above(self, threshold: Array) -> _Kept:
        keep = self.upper >= threshold[self.query]
        return _Kept(*(a[keep] for a in self))


def _candidates(x: Array, rows: Rows, reaches: list[Array]) -> tuple[int, _Kept | None]:
    """How many of the widest reaches are given up, and the candidates for the others, by query."""
    xp = namespace(x)
    z, norms = rows.of(x)
    most = _worthwhile(x)
    share = _pilot(x, rows)
    wide = sum(share(reach) > PILOT_SHARE * most for reach in reaches)
    lowest = xp.full_like(norms, -xp.inf)
    kept: list[_Kept] = []
    seen = 0
    if wide == len(reaches):
        return wide, None
    for part, norm, S in rows.products(z):
        lowest, more = _above(S, part.start, rows.bound(norms, norm), lowest, reaches[wide])
        kept.append(more)
        seen += z.shape[0] * (part.stop - part.start)
        while _held(kept) > most * seen:
            kept = [part.above(lowest - reaches[wide]) for part in kept]  # earlier ones faced a lower maximum
            if _held(kept) > most * seen:
                wide += 1
            if wide == len(reaches):
                return wide, None
    query, sample, upper = (xp.concat(list(a)) for a in zip(*kept, strict=True))
    found = _Kept(query, sample, upper).above(lowest - reaches[wide])
    order = xp.argsort(found.query, stable=True)
    return wide, _Kept(*(a[order] for a in found))


def _held(kept: list[_Kept]) -> int:
    return sum(part.query.shape[0] for part in kept)


def _worthwhile(x: Array) -> float:
    """The share of the pairs at which weighing candidates one by one costs what the dense pass would, as measured."""
    xp, D = namespace(x), x.shape[1]
    return SHARE * D / (D + OVERHEAD) * (1 if x.dtype == xp.float64 else 1 / 3)


def _pilot(x: Array, rows: Rows) -> Callable[[Array], float]:
    """What tells from a few queries and samples which share of the pairs are candidates, within a reach."""
    xp, D = namespace(x), x.shape[1]
    few = slice(None, None, max(1, x.shape[0] // PILOT_QUERIES))
    z, norms = rows.of(x[few, :])
    count = max(PILOT // 8, min(PILOT, PILOT_ENTRIES // D))
    S = z @ rows.some(max(1, rows.parts[-1].stop // count)).T
    gap = xp.astype(xp.max(S, axis=-1)[:, None] - S, xp.float64)

    def share(reach: Array) -> float:
        width = reach[few] + 2 * rows.bound(norms, max(rows.norms))
        return float(xp.mean(xp.astype(gap < width[:, None], xp.float64)))

    return share


def _above(S: Array, start: int, bound: Array, lowest: Array, reach: Array) -> tuple[Array, _Kept]:
    """The largest S is at least `lowest`, shape (m,), and max S - bound; the pairs that S + bound puts within reach of it."""
    xp = namespace(S)
    lowest = xp.maximum(lowest, xp.astype(xp.max(S, axis=-1), xp.float64) - bound)
    least = lowest - reach - bound
    least = least - float(xp.finfo(S.dtype).eps) * xp.abs(least)  # so that rounding does not raise it
    flat = xp.nonzero(xp.reshape(xp.astype(least, S.dtype)[:, None] <= S, (-1,)))[0]
    query, sample = flat // S.shape[1], flat % S.shape[1]
    return lowest, _Kept(query, sample + start, xp.astype(S[query, sample], xp.float64) + bound[query])


class _Pairs:
    """Queries x, float64, and their candidates, by query; all averages over them are taken in float64."""

    def __init__(self, x: Array, data: Array, query: Array, sample: Array) -> None:
        xp = namespace(x)
        self.x, self.data, self.query, self.sample = x, data, query, sample
        self.squares = self._squares()
        self.least = xp.full_like(x[:, 0], xp.inf)
        least_of_rows(self.least, query, self.squares)
        self.nearest = xp.zeros(x.shape[:1], dtype=sample.dtype, device=x.device) + data.shape[0]
        tied = self.squares == self.least[query]
        least_of_rows(self.nearest, query[tied], sample[tied])

    def difference(self, part: slice) -> Array:
        """y - x of some pairs, shape (K, D)."""
        xp = namespace(self.x)
        return xp.astype(self.data[self.sample[part], :], xp.float64) - self.x[self.query[part], :]

    def total(self, values: Array) -> Array:
        """The sum of a number per pair over the candidates of each query, shape (m,)."""
        total = namespace(self.x).zeros_like(self.least)
        add_to_rows(total, self.query, values)
        return total

    def moments(self, t: Array, question: Question) -> GibbsMoments:
        """The state at the times t, shape (m,)."""
        xp = namespace(self.x)
        scale = 2 * (t * question.temperature)
        u = (self.least[self.query] - self.squares) / scale[self.query]
        u = xp.maximum(u, xp.asarray(-NEGLIGIBLE, dtype=u.dtype, device=u.device))
        e = xp.exp(u)
        top = -self.least / 2
        found = Weights(top, self.nearest, *(self.total(v) for v in (e, e * e, e * u, e * u * u)))
        away = self._away(e) / found.weight[:, None]
        scatter = None if question.covariance is None else self._scatter(e, away, question)
        shift = -self.least / scale
        count = self.data.shape[0]
        rounding = log_weight_error(self.x, shift, question.cut(count))
        return state_of(self.x, t, question, count, found, shift, self.x + away, scatter, rounding)

    def _squares(self) -> Array:
        """|x - y|^2 of all pairs, shape (K,)."""
        xp = namespace(self.x)
        return xp.concat([xp.sum(self.difference(part) ** 2, axis=-1) for part in self._pieces(1)])

    def _away(self, e: Array) -> Array:
        """Sum e (y - x), shape (m, D)."""
        total = namespace(self.x).zeros_like(self.x)
        for part in self._pieces(1):
            add_to_rows(total, self.query[part], e[part, None] * self.difference(part))
        return total

    def _scatter(self, e: Array, away: Array, question: Question) -> Array:
        """Sum e (z - mean z)^2, shape (m, k), or the outer products, (m, k, k)."""
        xp = namespace(e)
        mean = question.along(away)
        m, k = mean.shape
        full = question.covariance == "full"
        total = xp.zeros((m, k * k if full else k), dtype=xp.float64, device=e.device)
        for part in self._pieces(k * k if full else k):
            rest = question.along(self.difference(part)) - mean[self.query[part], :]
            squares = xp.reshape(rest[:, :, None] * rest[:, None, :], (-1, k * k)) if full else rest**2
            add_to_rows(total, self.query[part], e[part, None] * squares)
        return xp.reshape(total, (m, k, k)) if full else total

    def _pieces(self, width: int) -> list[slice]:
        step = max(1, RESCORED // max(width, self.x.shape[1]))
        return slices(self.query.shape[0], step)
