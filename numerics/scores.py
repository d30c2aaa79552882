r"""Scores: of N samples y^mu under noise variance t, and what is said to keep them from memorizing.

A score is a function of points x, shape (M, D), and a noise variance t. With m^_t the posterior mean over the samples,

    Empirical            s^(x, t) = (m^_t(x) - x)/t
    Tempered             (m^_{tT}(x) - x)/t = T s^(x, tT)
    Smoothed             K_h * s^, K_h = N(0, h I)
    Unconditioned        grad log sum_mu int_{t_min}^{t_max} N(x; y^mu, t I) dt, one score for all levels
    UnconditionedLevels  grad log sum_i t_i p^_{t_i}(x), the same for a list of levels
    Gaussian             that of N(0, Sigma + t I) itself

The sums weigh a level by t, as the loss weighted by its noise variance does; the integral is their limit for levels
that are uniform in log t. Between the levels, r^2 well inside 2 t_min to 2 t_max, it is a Newtonian potential: the
weight of a sample at distance r is r^{-(D-2)}.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import roots_hermitenorm, softmax

from numerics.arrays import Array, checked, namespace, slices, stream, to_host
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.incomplete_gamma import log_incomplete_gamma
from theory.real import brief, number, real_array
from theory.setting import LinearManifold

__all__ = [
    "Empirical",
    "Gaussian",
    "Score",
    "Smoothed",
    "Tempered",
    "Unconditioned",
    "UnconditionedLevels",
    "noise_variances",
]

Score = Callable[[Array, float], Array]
OfTime = float | Callable[[float], float]
ENTRIES = 2**24  # of shifted points, or of pairs, at a time
POSITIVE = "temperature must be one positive and finite number"
LOWEST = 1e-300  # whose inverse is a number, and that of a square NEAREST of it
NEAREST = 1e-30  # in units of t_min: closer, and the weight is that of distance 0 to all digits


@dataclass(frozen=True, eq=False)
class _OfSamples:
    """What every score of samples has: data, shape (N, D), of any library."""

    data: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", checked(self.data, "data", "(N, D)"))


@dataclass(frozen=True, eq=False)
class Empirical(_OfSamples):
    """The score of the samples, (m^_t(x) - x)/t.

    Attributes:
        data: y^mu, shape (N, D).
    """

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units.

        Raises:
            ValueError: as `gibbs_moments`.
        """
        return gibbs_moments(x, self.data, t).score

    def posterior(self, x: Array, t: float) -> tuple[Array, Array]:
        """The posterior mean, shape (M, D), and the trace of its Jacobian, shape (M,): that of the covariance, over t.

        Raises:
            ValueError: as `gibbs_moments`.
        """
        return _posterior(gibbs_moments(x, self.data, t, covariance="diagonal"), t)


@dataclass(frozen=True, eq=False)
class Tempered(_OfSamples):
    """The score with its weights at temperature T, (m^_{tT}(x) - x)/t, which is T s^(x, tT).

    Attributes:
        data: y^mu, shape (N, D).
        temperature: T, or a function of t.
    """

    temperature: OfTime

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units.

        Raises:
            ValueError: as `gibbs_moments`.
        """
        return self.moments(x, t).score

    def moments(self, x: Array, t: float) -> GibbsMoments:
        """The Gibbs averages it is one of, B = (M,).

        Raises:
            ValueError: as `gibbs_moments`.
        """
        return gibbs_moments(x, self.data, t, temperature=_at(self.temperature, t, POSITIVE))

    def posterior(self, x: Array, t: float) -> tuple[Array, Array]:
        """As of `Empirical`, the weights at T.

        Raises:
            ValueError: as `gibbs_moments`.
        """
        T = _at(self.temperature, t, POSITIVE)
        return _posterior(gibbs_moments(x, self.data, t, temperature=T, covariance="diagonal"), t * T)


@dataclass(frozen=True, eq=False)
class Smoothed(_OfSamples):
    """The score averaged over shifts of the point, K_h * s^; one pass over `shifts` times as many points.

    In one dimension the shifts are Gauss-Hermite nodes, which see nothing of kinks between them, of width t over a gap
    of the data: where sqrt(h) is much more than that, ask for more of them. In more dimensions they are scrambled Sobol
    normals and their negatives, the same at all points and times.

    Attributes:
        data: y^mu, shape (N, D).
        bandwidth: h, data units squared, 0 or more, or a function of t.
        shifts: how many; a power of two in more than one dimension.
        rng: seed or seed sequence of the shifts.
    """

    bandwidth: OfTime
    shifts: int = 16
    rng: int | np.random.SeedSequence = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        S, in_pairs = self.shifts, self.data.shape[1] > 1
        if not isinstance(S, int) or S < 2 or (in_pairs and S & (S - 1)):
            wanted = "a power of two, 2 or more, in more than one dimension" if in_pairs else "an integer, 2 or more"
            raise ValueError(f"shifts must be {wanted}, got {S!r}; take 16")

    @cached_property
    def rule(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Nodes in units of sqrt(h), shape (S, D), the second half the negative of the first, and weights, (S, 1)."""
        D = self.data.shape[1]
        if D == 1:
            nodes, weights = roots_hermitenorm(self.shifts)
            return nodes[:, None], (weights / weights.sum())[:, None]
        from scipy.stats import qmc  # slow to import

        points = qmc.Sobol(D, rng=stream(self.rng, "smoothed score"))
        # every other one: the next lies across the centre, where the negative is already
        normals = qmc.MultivariateNormalQMC(np.zeros(D), engine=points).random(self.shifts)[::2]
        return np.concatenate([normals, -normals]), np.full((self.shifts, 1), 1 / self.shifts)

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units.

        Raises:
            ValueError: as `gibbs_moments`, and for a bandwidth that is negative or not finite.
        """
        x = checked(x, "x", "(M, D)")
        xp = namespace(x, self.data)
        weights = xp.asarray(self.rule[1], dtype=x.dtype, device=x.device)
        mean = xp.concat([xp.sum(weights * found.mean, axis=1) for found in self._moments(x, t)], axis=0)
        return (mean - x) / t

    def posterior(self, x: Array, t: float) -> tuple[Array, Array]:
        """As of `Empirical`, both averaged over the shifts.

        Raises:
            ValueError: as for the score.
        """
        x = checked(x, "x", "(M, D)")
        xp = namespace(x, self.data)
        weights = xp.asarray(self.rule[1], dtype=x.dtype, device=x.device)
        found = [_posterior(moments, t) for moments in self._moments(x, t, covariance="diagonal")]
        means = [xp.sum(weights * mean, axis=1) for mean, _ in found]
        traces = [xp.sum(weights[:, 0] * trace, axis=1) for _, trace in found]
        return xp.concat(means, axis=0), xp.concat(traces, axis=0)

    def with_error(self, x: Array, t: float) -> tuple[Array, Array]:
        """The score, and the standard error of each of its components, both of shape (M, D).

        The error is over the pairs of a shift and its negative, as if they were independent: scrambled Sobol pairs are
        more even than that, and in few dimensions it is too large. In one dimension it is how far the rule is
        from that of half as many nodes, which is too large as well.

        Raises:
            ValueError: as for the score, and for fewer than 4 shifts.
        """
        if self.shifts < 4:
            raise ValueError(f"an error needs at least 4 shifts, got {self.shifts}")
        found = self(x, t)
        xp = namespace(found)
        if found.shape[1] == 1:
            return found, xp.abs(found - replace(self, shifts=self.shifts // 2)(x, t))
        pairs = self.shifts // 2
        x = checked(x, "x", "(M, D)")
        means = (found.mean for found in self._moments(x, t))
        halves = ((mean[:, :pairs, :] + mean[:, pairs:, :]) / 2 for mean in means)
        spread = xp.concat([xp.std(half, axis=1, correction=1) for half in halves], axis=0)
        return found, spread / pairs**0.5 / t

    def _moments(self, x: Array, t: float, **options: Any) -> Iterator[GibbsMoments]:
        """The Gibbs averages at all shifts of a block of points, B = (m, S).

        Of the score itself, (mean - point)/t, the shifts drop out: they add up to 0.
        """
        h = _at(self.bandwidth, t, "the bandwidth must be finite and not negative")
        if not 0 <= h < np.inf:
            raise ValueError(f"the bandwidth must be finite and not negative, got {h} at t = {t}")
        xp = namespace(x)
        nodes = xp.asarray(h**0.5 * self.rule[0], dtype=x.dtype, device=x.device)
        if x.shape[1] != nodes.shape[1]:
            raise ValueError(f"x must have the {nodes.shape[1]} dimensions of the data, got shape {tuple(x.shape)}")
        for block in slices(x.shape[0], max(1, ENTRIES // self.rule[0].size)):
            points = x[block, None, :] + nodes
            found = gibbs_moments(xp.reshape(points, (-1, x.shape[1])), self.data, t, **options)
            yield found.each(partial(_reshaped, points.shape[:2]))


@dataclass(frozen=True, eq=False)
class Unconditioned(_OfSamples):
    """The optimal score of a network that is not told the level, for levels uniform in log t between two; t is ignored.

    The integral over t is exact, by incomplete gamma functions, in any D. It is taken on the host.

    Attributes:
        data: y^mu, shape (N, D).
        t_min: the smallest level, noise variance in data units squared.
        t_max: the largest.
    """

    t_min: float
    t_max: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not LOWEST <= number(self.t_min) < number(self.t_max) < np.inf:
            raise ValueError(
                f"levels must lie between 0 < t_min < t_max, both finite, got {brief(self.t_min)} and {brief(self.t_max)}; "
                f"t_min is {LOWEST:g} at least"
            )

    @cached_property
    def _samples(self) -> NDArray[np.float64]:
        return to_host(self.data).astype(np.float64)

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units; any t.

        Raises:
            ValueError: for points that are not a finite table of D columns.
        """
        x = checked(x, "x", "(M, D)")
        xp = namespace(x, self.data)
        if x.shape[1] != self.data.shape[1]:
            raise ValueError(f"x must have the {self.data.shape[1]} dimensions of the data, got shape {tuple(x.shape)}")
        points = to_host(x).astype(np.float64)
        blocks = slices(len(points), max(1, ENTRIES // 8 // len(self._samples)))
        found = np.concatenate([self._of(points[block]) for block in blocks])
        return xp.asarray(found, device=x.device)  # float64: halves may hold points, but not their scores

    def _of(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """With u = r^2/2t, int N dt ~ r^{-2a} int u^{a-1} e^{-u} du, a = D/2 - 1, and one order more for N/t."""
        from scipy.spatial.distance import cdist

        a = x.shape[1] / 2 - 1
        half = np.maximum(cdist(x, self._samples, "sqeuclidean") / 2, NEAREST * self.t_min)
        bounds = half / self.t_max, half / self.t_min
        log_weights = log_incomplete_gamma(a, *bounds) - a * np.log(half)
        log_pulls = log_incomplete_gamma(a + 1, *bounds) - (a + 1) * np.log(half)
        pulls = softmax(log_weights, axis=1) * np.exp(log_pulls - log_weights)  # weight times the mean of 1/t
        return pulls @ self._samples - pulls.sum(axis=1, keepdims=True) * x


@dataclass(frozen=True, eq=False)
class UnconditionedLevels(_OfSamples):
    """The same for a list of levels, each weighed by its noise variance; t is ignored.

    Attributes:
        data: y^mu, shape (N, D).
        levels: noise variances t_i, data units squared, shape (L,).
    """

    levels: ArrayLike

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", noise_variances(self.levels, "levels", at_least=1))

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units; any t.

        Raises:
            ValueError: as `gibbs_moments`.
        """
        x = checked(x, "x", "(M, D)")
        xp = namespace(x)
        moments = gibbs_moments(x, self.data, xp.asarray(np.asarray(self.levels)[:, None], device=x.device))
        logs = moments.log_density + xp.log(moments.t)
        weights = xp.exp(logs - xp.max(logs, axis=0, keepdims=True))
        weights = weights / xp.sum(weights, axis=0, keepdims=True)
        return xp.sum(weights[..., None] * moments.score, axis=0)


@dataclass(frozen=True)
class Gaussian:
    """The score of the Gaussian distribution itself, -x/(lambda + t) along the principal axes.

    Attributes:
        manifold: its variances.
    """

    manifold: LinearManifold

    def __call__(self, x: Array, t: float) -> Array:
        """Shape (M, D), inverse data units.

        Raises:
            ValueError: for points that are not a finite table of D columns, and a t that is not positive.
        """
        x = checked(x, "x", "(M, D)")
        noise_variances([t], "t", at_least=1)
        if x.shape[1] != self.manifold.ambient_dimension:
            raise ValueError(
                f"x must have the {self.manifold.ambient_dimension} directions of the manifold, got shape {tuple(x.shape)}"
            )
        xp = namespace(x)
        spectrum = xp.asarray(self.manifold.spectrum, device=x.device)
        return -xp.astype(x, xp.float64, copy=False) / (spectrum + t)


def noise_variances(t: Any, what: str, at_least: int) -> NDArray[np.float64]:
    """t as a one-dimensional array of `at_least` so many positive and finite numbers.

    Raises:
        ValueError: naming `what` and what came.
    """
    times = np.atleast_1d(real_array(t, what).astype(np.float64))
    if times.ndim != 1 or times.size < at_least:
        raise ValueError(f"{what} must be a list of {at_least} noise variances or more, got shape {times.shape}")
    wrong = times[~(np.isfinite(times) & (times > 0))]
    if wrong.size:
        raise ValueError(f"{what} must be positive and finite, got {wrong[0]:g}")
    return times


def _posterior(moments: GibbsMoments, t: float) -> tuple[Array, Array]:
    return moments.mean, namespace(moments.mean).sum(moments.covariance, axis=-1) / t


def _reshaped(lead: tuple[int, ...], a: Array) -> Array:
    return namespace(a).reshape(a, (*lead, *a.shape[1:]))


def _at(value: OfTime, t: float, wanted: str) -> float:
    given = value(t) if callable(value) else value
    if math.isnan(found := number(given)):
        raise ValueError(f"{wanted}, got {brief(given)} at t = {t}")
    return found
