"""What is asked of samples, what they weigh, and the moments that come of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from numerics.arrays import Array, namespace
from numerics.engine.layout import difference_error, unit_roundoff
from numerics.moments import NEGLIGIBLE, GibbsMoments, rescaled

__all__ = ["Question", "Weights", "log_weight_error", "moments_of", "state_of"]

FEW = 1024  # samples


@dataclass(frozen=True)
class Question:
    """What is asked of the samples besides where and when.

    Attributes:
        temperature: T.
        covariance: `diagonal`, `full` or None.
        basis: orthonormal columns for the covariance, float64, shape (D, k), or None.
        tolerance: the share of the weight that may be neglected.
    """

    temperature: float
    covariance: Literal["diagonal", "full"] | None
    basis: Array | None
    tolerance: float

    def cut(self, count: int) -> float:
        """Of `count` samples, those whose log weight is this far below the largest weigh no more than the tolerance."""
        return min(NEGLIGIBLE, math.log(count / self.tolerance))

    def takes_differences(self, count: int) -> bool:
        """Whether variances are asked for that only differences give, or give at no cost, for there are few samples."""
        return self.covariance == "full" or (self.covariance is not None and count <= FEW)

    def along(self, vectors: Array) -> Array:
        """The coordinates whose covariance is asked for."""
        return vectors if self.basis is None else vectors @ namespace(vectors).astype(self.basis, vectors.dtype)


class Weights(NamedTuple):
    """Sums over samples, float64, shape (m,): the largest S and whose it is, sum e, e^2, e u and e u^2, u = log e."""

    top: Array
    best: Array
    weight: Array
    weight_squared: Array
    log_weight: Array
    log_weight_squared: Array

    def then(self, block: Weights, scale: Array, start: int) -> tuple[Array, Weights]:
        """exp((top - block.top)/scale), and the sums of both; the block was weighed against its own top or this one."""
        xp = namespace(self.top)
        shrink, sums = rescaled((self.top - block.top) / scale, *self[2:])
        best = xp.where(block.top > self.top, block.best + start, self.best)
        return shrink, Weights(block.top, best, *(a + b for a, b in zip(sums, block[2:], strict=True)))


def state_of(
    x: Array,
    t: Array,
    question: Question,
    count: int,
    found: Weights,
    shift: Array,
    mean: Array,
    scatter: Array | None,
    rounding: Array,
) -> GibbsMoments:
    """The state of `count` samples at the times t, shape (m,), as one of B = (1, m)."""
    xp = namespace(x)
    state = GibbsMoments(
        xp.astype(x, xp.float64),
        t,
        question.temperature,
        count,
        shift,
        found.weight,
        found.weight_squared,
        found.log_weight,
        found.log_weight_squared,
        mean,
        found.best,
        rounding + 4 * unit_roundoff(x.dtype, xp) * question.cut(count),
        xp.full_like(shift, question.tolerance),
        scatter,
        question.basis,
    )
    return state.each(lambda a: a[None, ...])


def moments_of(sums: Any, x: Array, t: Array, question: Question, count: int) -> GibbsMoments:
    """The moments of `count` samples at queries x, shape (m, D), and times t, shape (T, m), from the Sums of compiled loops."""
    xp, D = namespace(x), x.shape[1]
    top = -xp.astype(sums.least, xp.float64) / 2
    shift = top / (t * question.temperature)
    scatter = None
    states = []
    for i in range(t.shape[0]):
        one = Weights(top, sums.nearest, *sums.weights[i].T)
        mean = x + sums.total[i, :, :D] / one.weight[:, None]
        if question.covariance is not None:
            scatter = sums.scatter[i, :, 0] if question.covariance == "diagonal" else sums.scatter[i]
        rounding = log_weight_error(x, shift[i], question.cut(count))
        states.append(state_of(x, t[i], question, count, one, shift[i], mean, scatter, rounding))
    return GibbsMoments.joined(states, axis=0)


def log_weight_error(x: Array, shift: Array, cut: float) -> Array:
    """What direct differences in the dtype of x do to log weights between the largest, `shift`, and `cut` below."""
    return difference_error(x.shape[1], x.dtype, namespace(x)) * (cut - 2 * shift)
