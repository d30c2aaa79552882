r"""The state of a Gibbs average: what the engine keeps of the samples it has seen, and what follows from it.

With e_mu = w_mu / max w, the weights in units of the largest, and u = log e, the state holds, per query,

    max log weight,  sum e,  sum e^2,  sum e u,  sum e u^2,  mean of y,  central second moment of y.

Two states over disjoint samples merge into that of their union, so blocks, threads, files and machines combine by
`+`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from numerics.arrays import Array, namespace, slices

__all__ = ["NEGLIGIBLE", "GibbsMoments", "rescaled"]

NEGLIGIBLE = 700.0  # log weights this far below the largest are held there: their squares would overflow
SHARED = ("queries", "temperature", "count", "basis")  # by all times


@dataclass(frozen=True)
class GibbsMoments:
    """Gibbs averages at M queries, or at T times of each: B is the shape (M,) or (T, M).

    Attributes:
        queries: x, shape (M, D).
        t: noise variance, shape B.
        temperature: T.
        count: number of samples N summed over.
        shift: the largest log weight, shape B.
        weight: sum e, e = weight over largest weight, shape B.
        weight_squared: sum e^2, shape B.
        log_weight: sum e log e, shape B.
        log_weight_squared: sum e log^2 e, shape B.
        mean: the posterior mean of y, shape B + (D,).
        nearest: index of the sample of largest weight, shape B; in a merged state, in the concatenation.
        rounding: how far rounding may have moved the log weights that count, shape B.
        neglected: the share of the weight that may have been left out, shape B.
        scatter: sum e (z - mean z)^2, shape B + (k,), or the outer products, B + (k, k), for the k coordinates z of y;
            None unless asked for.
        basis: the orthonormal columns along which z are taken, shape (D, k); None for the coordinates themselves.
    """

    queries: Array
    t: Array
    temperature: float
    count: int
    shift: Array
    weight: Array
    weight_squared: Array
    log_weight: Array
    log_weight_squared: Array
    mean: Array
    nearest: Array
    rounding: Array
    neglected: Array
    scatter: Array | None = None
    basis: Array | None = None

    def __add__(self, other: GibbsMoments) -> GibbsMoments:
        """The moments over both sets of samples; associative, and commutative but for the numbering of `nearest`.

        Raises:
            ValueError: for moments at other points, times or temperatures, as far as shapes tell.
        """
        if self._kind != other._kind:
            raise ValueError(
                "only moments at the same queries, times and temperature, with the same covariance, add up; got (queries, t, "
                f"temperature, shape of the covariance) {self._kind} and {other._kind}"
            )
        xp = namespace(self.shift, other.shift)
        shift = xp.maximum(self.shift, other.shift)
        mine, theirs = self._rescaled(shift), other._rescaled(shift)
        weight, weight_squared, log_weight, log_weight_squared = (a + b for a, b in zip(mine, theirs, strict=True))
        share = (theirs[0] / weight)[..., None]
        return GibbsMoments(
            self.queries,
            self.t,
            self.temperature,
            self.count + other.count,
            shift,
            weight,
            weight_squared,
            log_weight,
            log_weight_squared,
            (mine[0] / weight)[..., None] * self.mean + share * other.mean,  # the lighter may lie far away
            xp.where(self.shift >= other.shift, self.nearest, other.nearest + self.count),
            xp.maximum(self.rounding, other.rounding),
            xp.maximum(self.neglected, other.neglected),
            _merged_scatter(self, other, shift, share),
            self.basis,
        )

    @property
    def _kind(self) -> tuple[object, ...]:
        """What two states must share to add up, as far as shapes tell."""
        scatter = None if self.scatter is None else tuple(self.scatter.shape)
        return tuple(self.queries.shape), tuple(self.t.shape), self.temperature, scatter

    def _rescaled(self, shift: Array) -> tuple[Array, ...]:
        """The four scalar sums in units of a larger largest weight."""
        sums = self.weight, self.weight_squared, self.log_weight, self.log_weight_squared
        return rescaled(self.shift - shift, *sums)[1]

    @property
    def log_partition(self) -> Array:
        """log Z = log sum_mu exp(-|x - y^mu|^2 / 2tT), shape B."""
        return self.shift + namespace(self.weight).log(self.weight)

    @property
    def log_density(self) -> Array:
        """log p^_{tT}(x), of the N samples under noise, nats for coordinates in data units, shape B."""
        xp, D = namespace(self.weight), self.queries.shape[-1]
        return self.log_partition - math.log(self.count) - 0.5 * D * xp.log(2 * math.pi * (self.t * self.temperature))

    @property
    def score(self) -> Array:
        """(mean - x)/t, the score of the N samples under noise t (at T = 1), shape B + (D,)."""
        with np.errstate(over="ignore"):  # infinity is right
            return (self.mean - self.queries) / self.t[..., None]

    @property
    def energy(self) -> Array:
        """<E>, E = |x - y|^2 / 2t, shape B."""
        with np.errstate(over="ignore"):
            return -self.temperature * (self.shift + self.log_weight / self.weight)

    @property
    def energy_variance(self) -> Array:
        """<E^2> - <E>^2, which is T^2 times the heat capacity, shape B."""
        average = self.log_weight / self.weight
        variance = self.log_weight_squared / self.weight - average**2
        with np.errstate(over="ignore"):
            return self.temperature * (self.temperature * variance)

    @property
    def entropy(self) -> Array:
        """-sum w log w, between 0 and log N, shape B."""
        return namespace(self.weight).log(self.weight) - self.log_weight / self.weight

    @property
    def participation(self) -> Array:
        """The participation ratio Y2 = sum w^2, between 1/N and 1, shape B."""
        return self.weight_squared / self.weight**2

    @property
    def largest_weight(self) -> Array:
        """max w, shape B."""
        return 1 / self.weight

    @property
    def covariance(self) -> Array:
        """Posterior covariance of y, or of its k coordinates in the basis: diagonal B + (k,) or full B + (k, k).

        The Jacobian of the score is -1/t + covariance/t^2.

        Raises:
            ValueError: unless it was asked for.
        """
        if self.scatter is None:
            raise ValueError("the covariance was not computed; ask for it with covariance='diagonal' or 'full'")
        return self.scatter / self.weight[(..., *(None,) * (self.scatter.ndim - self.weight.ndim))]

    @property
    def error(self) -> Array:
        """A bound on sum_mu |w_mu - exact w_mu|, shape B: log weights off by `rounding` at most, `neglected` left out.

        An average of f over the weights is then off by no more than `error` times max |f|, f taken about any origin;
        the rounding of the sums themselves, in float64 across blocks, comes on top.
        """
        xp = namespace(self.rounding)
        most = xp.ones_like(self.rounding) * 2  # also of the exponent: expm1(2) is more
        return xp.minimum(xp.expm1(2 * xp.minimum(self.rounding, most / 2)) + 2 * self.neglected, most)

    def each(self, change: Callable[[Array], Array]) -> GibbsMoments:
        """The state with `change` applied to every array that has the shape B."""
        names = [f.name for f in fields(self) if f.name not in SHARED]
        return replace(self, **{n: change(getattr(self, n)) for n in names if getattr(self, n) is not None})

    def apart(self) -> list[GibbsMoments]:
        """The T states of B = (1, M) that one of B = (T, M) is made of."""
        return [self.each(lambda a, part=part: a[part, ...]) for part in slices(self.t.shape[0], 1)]  # type: ignore[misc]

    @staticmethod
    def joined(parts: list[GibbsMoments], axis: int) -> GibbsMoments:
        """States over the same samples put side by side: 0 for other times, 1 for other queries of states with B = (T, M)."""
        if len(parts) == 1:
            return parts[0]
        xp = namespace(parts[0].shift)
        found: dict[str, Any] = {}
        for field in fields(GibbsMoments):
            values = [getattr(part, field.name) for part in parts]
            if field.name == "queries" and axis == 1:
                found[field.name] = xp.concat(values, axis=0)
            elif field.name in SHARED or values[0] is None:
                found[field.name] = values[0]
            else:
                found[field.name] = xp.concat(values, axis=axis)
        return GibbsMoments(**found)


def rescaled(
    gap: Array, weight: Array, weight_squared: Array, log_weight: Array, log_weight_squared: Array
) -> tuple[Array, tuple[Array, ...]]:
    """exp(gap), and the sums of e, e^2, e u and e u^2 once every log weight u is larger by gap <= 0, shape B."""
    xp = namespace(gap)
    gap = xp.maximum(gap, xp.asarray(-NEGLIGIBLE, dtype=gap.dtype, device=gap.device))
    scale = xp.exp(gap)
    first = log_weight + gap * weight
    second = log_weight_squared + 2 * gap * log_weight + gap**2 * weight
    return scale, (scale * weight, scale**2 * weight_squared, scale * first, scale * second)


def _merged_scatter(a: GibbsMoments, b: GibbsMoments, shift: Array, share: Array) -> Array | None:
    if a.scatter is None or b.scatter is None:
        return None
    xp = namespace(shift)
    step = b.mean - a.mean
    if a.basis is not None:
        step = step @ a.basis
    extra = (None,) * (a.scatter.ndim - shift.ndim)
    left, right = xp.exp(a.shift - shift), xp.exp(b.shift - shift)
    between = step**2 if len(extra) == 1 else step[..., :, None] * step[..., None, :]
    pull = (left * a.weight)[(..., *extra)] * (share if len(extra) == 1 else share[..., None])
    return left[(..., *extra)] * a.scatter + right[(..., *extra)] * b.scatter + pull * between
