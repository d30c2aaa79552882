"""KL bound, measured: the divergence between the noised distribution and its noised samples, along two routes.

Directly, KL(p_t || p^_t) = E[r - 1 - log r] with r = p^_t/p_t at fresh x (E r = 1, so that r - 1 costs nothing and takes
most of the variance away); and through the scores, as the integral of E|s - s^|^2 / 2 over noise variance. The two share
every random number, so their difference is known more sharply than either.
"""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.data import draw, log_density, needs_density, score
from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_routes"]

Array = NDArray[np.float64]
OBSERVABLES = {"kl": ("time",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x
NODES = 24  # of the integral over noise variance


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and average r - 1 - log r over fresh points, or log r over trajectories: KL(p^_t || p_t).

    Returns:
        kl, in nats, shape (T,).
    """
    needs_density(setting, "the divergence")
    run = Sampling(**how)

    def divergence(x: Array, data: AnyArray, t: float) -> float:
        log_r, _ = _log_ratio(run.moments(x, data, t), setting)
        return float((log_r if setting.query == "trajectory" else np.expm1(log_r) - log_r).mean())

    return {"kl": Measurement.of(run.at_points(divergence, setting, "kl_bound"))}


def measure_routes(setting: Setting, *, last: float, **how: Unpack[How]) -> dict[str, Measurement]:
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
    run, draws = Sampling(**how), []
    for random, samples in run.data_sets(setting, "kl_routes"):
        data = run.on_device(samples)
        clean, xi = draw(setting, QUERIES, random), random.standard_normal((QUERIES, data.shape[1]))

        def at(t: float, clean: Array = clean, xi: Array = xi, data: AnyArray = data) -> tuple[float, float]:
            log_r, error = _log_ratio(run.moments(clean + np.sqrt(t) * xi, data, t), setting)
            return float((np.expm1(log_r) - log_r).mean()), float(error.mean())

        by_densities = at(t0)[0] - at(last)[0]
        by_scores = sum(w * at(float(t))[1] for t, w in zip(times, weights, strict=True)) / 2
        draws.append((by_densities, by_scores, by_densities - by_scores))
    whole = Measurement.of(draws)
    names = ("by_densities", "by_scores", "difference")
    return {name: Measurement(whole.mean[k], whole.sem[k], whole.n) for k, name in enumerate(names)}


def _log_ratio(moments: GibbsMoments, setting: Setting) -> tuple[Array, Array]:
    """log r and |s - s^|^2 at each x."""
    x, t = moments.queries, moments.t[:, None]
    log_r = moments.log_density - log_density(x, t, setting.manifold)
    error = score(x, t, setting.manifold) - moments.score
    return log_r, (error**2).sum(axis=-1)
