r"""Reverse time: samples from any score, by the probability-flow ODE and by the reverse SDE.

In canonical form, x_t = x_0 + sqrt(t) xi with t the noise variance, and with the posterior mean m(x, t) = x + t s(x, t),

    ODE   dx/dt = -s/2 = (x - m)/2t                    SDE   dx = -s dt + dW,    t falling.

Both are linear but for m. With m constant from t to t' they are solved exactly:

    ODE   x' = m + sqrt(t'/t) (x - m)                  SDE   x' = m + (t'/t) (x - m) + sqrt(t' (t - t')/t) xi

so neither a large t nor a small one restricts the step: what has to be resolved is how m changes. `exponential` takes m
where the step begins; `midpoint` where it has come half way, in log t, at two evaluations of the score a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import Array, checked, namespace, of_its_library, stream
from numerics.scores import Score, noise_variances
from theory.real import brief, number, whole
from theory.setting import LinearManifold, Setting

__all__ = [
    "METHODS",
    "as_asked",
    "diffusion",
    "falling",
    "flow",
    "grid",
    "grid_by",
    "log_density",
    "start",
    "stops",
]

Method = Literal["exponential", "midpoint"]
Random = int | np.random.SeedSequence | np.random.Generator
METHODS: dict[Method, int] = {"exponential": 1, "midpoint": 2}
"""The order of convergence in the largest step of log t, of the flow and, weakly, of the diffusion."""


def flow(score: Score, x: Array, t: ArrayLike, *, method: Method = "midpoint", denoise: bool = False) -> Array:
    """The probability-flow ODE from t[0] down to t[-1]; of order 1 with `exponential`, 2 with `midpoint`.

    Args:
        score: a function of points (M, D) and t, with values (M, D).
        x: points at t[0], shape (M, D), data units.
        t: noise variances, falling, shape (T,), T - 1 steps.
        method: one of METHODS.
        denoise: end at the posterior mean of x at t[-1], a step to t = 0 at the cost of one evaluation.

    Returns:
        The points at t[-1], shape (M, D), float64, of the library and device of x.

    Raises:
        ValueError: for points, times or a method that are none, and a score of another shape or with NaN or infinite values.
    """
    return _reverse(score, x, t, method, denoise, lambda now, then: (then / now) ** 0.5, lambda x, now, then: 0.0)


def diffusion(
    score: Score, x: Array, t: ArrayLike, rng: Random = 0, *, method: Method = "midpoint", denoise: bool = False
) -> Array:
    """The reverse SDE from t[0] down to t[-1]; of weak order 1 with `exponential`, 2 with `midpoint`.

    Args:
        score: as for `flow`, and so are x, t, method and denoise.
        x: points at t[0].
        t: noise variances, falling.
        rng: seed, seed sequence, or a stream that advances; drawn from on the host.
        method: one of METHODS.
        denoise: end at the posterior mean.

    Returns:
        As `flow`.

    Raises:
        ValueError: as `flow`.
    """
    random = stream(rng, "reverse diffusion")

    def kick(x: Array, now: float, then: float) -> Array:
        deviation = (then * (1 - then / now)) ** 0.5
        return deviation * namespace(x).asarray(random.standard_normal(tuple(x.shape)), device=x.device)

    return _reverse(score, x, t, method, denoise, lambda now, then: then / now, kick)


def _reverse(
    score: Score,
    x: Array,
    t: ArrayLike,
    method: Method,
    denoise: bool,
    shrink: Callable[[float, float], float],
    kick: Callable[[Array, float, float], Any],
) -> Array:
    """Steps of x' = m + shrink (x - m) + kick."""
    if method not in METHODS:
        raise ValueError(f"the method must be one of {', '.join(METHODS)}, got {method!r}")
    x, times = checked(x, "x", "(M, D)"), _falling(t)
    x = namespace(x).astype(x, namespace(x).float64, copy=False)
    for now, then in pairwise(times):
        mean = _posterior_mean(score, x, now)
        if method == "exponential":
            noise = kick(x, now, then)
        else:
            half = now**0.5 * then**0.5
            first = kick(x, now, half)
            mean = _posterior_mean(score, mean + shrink(now, half) * (x - mean) + first, half)
            noise = shrink(half, then) * first + kick(x, half, then)  # the same noise, to the end of the step
        x = mean + shrink(now, then) * (x - mean) + noise
    return _posterior_mean(score, x, times[-1]) if denoise else x


def log_density(posterior: Callable[[Array, float], tuple[Array, Array]], x: Array, t: ArrayLike) -> Array:
    """log of the density at x of what `flow` generates, started from N(0, t[0] I) and ended at t[-1]; of order 2.

    Up the flow d log p/dt = -div dx/dt = -(D - tr dm/dx)/2t, so that its points lead to where the density is known.

    Args:
        posterior: a function of points (M, D) and t, with the values m, (M, D), and tr dm/dx, (M,), as those of scores.
        x: points, shape (M, D), data units.
        t: noise variances, falling, shape (T,).

    Returns:
        Nats, shape (M,), of the library and device of x.

    Raises:
        ValueError: for points or times that are none.
    """
    x, times = checked(x, "x", "(M, D)"), _falling(t)
    xp, D = namespace(x), x.shape[1]
    x = xp.astype(x, xp.float64, copy=False)
    found = xp.zeros(x.shape[0], dtype=x.dtype, device=x.device)
    for now, then in pairwise(reversed(times)):
        half = now**0.5 * then**0.5
        mean, _ = posterior(x, now)
        mean, trace = posterior(mean + (half / now) ** 0.5 * (x - mean), half)
        x = mean + (then / now) ** 0.5 * (x - mean)
        found = found + 0.5 * (D - trace) * math.log(then / now)
    return found - 0.5 * (xp.sum(x**2, axis=1) / times[0] + D * math.log(2 * math.pi * times[0]))


def _posterior_mean(score: Score, x: Array, t: float) -> Array:
    """m = x + t s, of a score that may be anybody's."""
    values = of_its_library(score(x, t), "the score")
    xp = namespace(x, values)
    if values.shape != x.shape:
        raise ValueError(f"the score must have the shape {tuple(x.shape)} of x, got {tuple(values.shape)} at t = {t:g}")
    if xp.isdtype(values.dtype, "complex floating"):
        raise ValueError(f"the score must be real, got dtype {values.dtype} at t = {t:g}")
    if not bool(xp.all(xp.isfinite(values))):
        raise ValueError(f"the score must be finite, got NaN or infinite values at t = {t:g}; end at a larger t")
    return x + t * xp.astype(values, x.dtype, copy=False)  # which t times it may not fit, if it came in halves


def _falling(t: ArrayLike) -> list[float]:
    times = noise_variances(t, "t", at_least=2)
    if not (np.diff(times) < 0).all():
        raise ValueError("t must fall from the largest noise variance to the smallest; give t[::-1], or sort it")
    return times.tolist()


def grid(t_max: float, t_min: float, steps: int) -> NDArray[np.float64]:
    """Noise variances from t_max down to t_min, geometric, shape (steps + 1,).

    Raises:
        ValueError: unless t_max > t_min > 0 are finite, and steps is 1 or more.
    """
    first, last = number(t_max), number(t_min)
    if not 0 < last < first < np.inf:
        raise ValueError(f"expected t_max > t_min > 0, both finite, got {brief(t_max)} and {brief(t_min)}")
    return np.geomspace(first, last, whole(steps, "the number of steps", 1) + 1)


def grid_by(t_max: float, t_min: float, steps: float) -> NDArray[np.float64]:
    """The same with so many steps per factor e of t, one at least.

    Raises:
        ValueError: as `grid`.
    """
    first, last = grid(t_max, t_min, 1).tolist()
    return grid(first, last, max(1, math.ceil(steps * math.log(first / last))))


def start(
    of: Setting | LinearManifold, count: int, t: float, rng: Random = 0, *, law: Literal["data", "noise"] = "data"
) -> NDArray[np.float64]:
    """Points to start from at the largest noise variance, in principal axes, shape (count, D), data units.

    Args:
        of: the setting, of which only the manifold counts, or the manifold.
        count: how many.
        t: the noise variance.
        rng: seed, seed sequence, or a stream that advances.
        law: `data` for N(0, Sigma + t I), which is exact for Gaussian data; `noise` for N(0, t I), as is customary.

    Raises:
        ValueError: for a count that is no integer, a t that is not positive, and another law.
    """
    count = whole(count, "the number of points", 0)
    manifold = of.manifold if isinstance(of, Setting) else of
    if law not in ("data", "noise"):
        raise ValueError(f"the law must be 'data' or 'noise', got {law!r}")
    (variance,) = noise_variances([t], "t", at_least=1)
    normal = stream(rng, "reverse start").standard_normal((count, manifold.ambient_dimension))
    return np.asarray(normal * np.sqrt(manifold.spectrum * (law == "data") + variance))


def falling(setting: Setting) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """t and alpha at the times of the setting, largest noise first, both of shape (T,).

    The flow is along t; alpha x is the point as its schedule has it, x_tau = alpha x_0 + sigma xi.
    """
    order = np.argsort(-setting.t)
    return setting.t[order], setting.alpha[order]


def stops(
    advance: Callable[[Array, float, float], Array], x: Array, setting: Setting, first: float
) -> Iterator[tuple[float, Array]]:
    """The noise variances of the setting, falling, and the points there.

    Args:
        advance: takes points from one noise variance down to another.
        x: points at `first`.
        setting: of which only the times count.
        first: where generation starts.
    """
    now = first
    for t in falling(setting)[0].tolist():
        if t < now:
            x = advance(x, now, t)
        now = t
        yield t, x


def as_asked(setting: Setting) -> NDArray[np.intp]:
    """Where each time of the setting is among them falling, shape (T,)."""
    return np.argsort(np.argsort(-setting.t, kind="stable"), kind="stable")
