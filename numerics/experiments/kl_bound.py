"""KL bound, measured: the divergence between the noised distribution and its noised samples, along two routes.

Directly, KL(p_t || p^_t) = E[r - 1 - log r] with r = p^_t/p_t at fresh x (E r = 1, so that r - 1 costs nothing and takes
most of the variance away); and through the scores, as the integral of E|s - s^|^2 / 2 over noise variance. The two share
every random number, so their difference is known more sharply than either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.arrays import to_device, to_host
from numerics.data import at_points, data_sets, draw, log_density, needs_density, score
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_routes"]

Array = NDArray[np.float64]
OBSERVABLES = {"kl": ("time",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x
QUERIES = 64  # points per data set
NODES = 24  # of the integral over noise variance


def measure(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Draw `repeats` data sets and average r - 1 - log r over fresh points, or log r over trajectories: KL(p^_t || p_t).

    Returns:
        kl, in nats, shape (T,).
    """
    needs_density(setting, "the divergence")

    def divergence(x: Array, data: Array, t: float) -> float:
        log_r, _ = _log_ratio(x, t, to_device(data, device, dtype), setting, device, dtype)
        return float((log_r if setting.query == "trajectory" else np.expm1(log_r) - log_r).mean())

    draws = at_points(divergence, setting, "kl_bound", QUERIES, repeats=repeats, rng=rng, tick=tick)
    return {"kl": Measurement.of(draws)}


def measure_routes(
    setting: Setting,
    *,
    last: float,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """KL at the first time minus KL at noise variance `last`, by densities and by the integral of the score error.

    Returns:
        by_densities, by_scores and difference, numbers, in nats.
    """
    needs_density(setting, "the divergence")
    t0 = float(setting.t[0])
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = np.log(last / t0) / 2
    times = t0 * np.exp(half * (nodes + 1))
    weights = weights * half * times  # dt = t d(log t)
    draws = []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "kl_routes", repeats=repeats, rng=rng, tick=tick
    ):
        data = to_device(samples, device, dtype)
        clean, xi = draw(setting, QUERIES, random), random.standard_normal((QUERIES, data.shape[1]))

        def at(t: float, clean: Array = clean, xi: Array = xi, data: AnyArray = data) -> tuple[float, float]:
            log_r, error = _log_ratio(clean + np.sqrt(t) * xi, t, data, setting, device, dtype)
            return float((np.expm1(log_r) - log_r).mean()), float(error.mean())

        by_densities = at(t0)[0] - at(last)[0]
        by_scores = sum(w * at(float(t))[1] for t, w in zip(times, weights, strict=True)) / 2
        draws.append((by_densities, by_scores, by_densities - by_scores))
    whole = Measurement.of(draws)
    names = ("by_densities", "by_scores", "difference")
    return {name: Measurement(whole.mean[k], whole.sem[k], whole.n) for k, name in enumerate(names)}


def _log_ratio(x: Array, t: float, data: AnyArray, setting: Setting, device: str, dtype: str) -> tuple[Array, Array]:
    """log r and |s - s^|^2 at each x."""
    moments = gibbs_moments(to_device(x, device, dtype), data, t)
    log_r = to_host(moments.log_density) - log_density(x, t, setting.manifold)
    error = score(x, t, setting.manifold) - to_host(moments.score)
    return log_r, (error**2).sum(axis=-1)
