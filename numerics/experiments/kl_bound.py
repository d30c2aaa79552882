"""KL bound, measured: the divergence between the noised distribution and its noised samples, along two routes.

Directly, KL(p_t || p^_t) = E[r - 1 - log r] with r = p^_t/p_t at fresh x (E r = 1, so that r - 1 costs nothing and takes
most of the variance away); and through the scores, as the integral of E|s - s^|^2 / 2 over noise variance. The two share
every random number, so their difference is known more sharply than either.
"""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

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

    def divergence(moments: GibbsMoments) -> Array:
        log_r = _log_ratio(moments, setting)
        return np.asarray((log_r if setting.query == "trajectory" else np.expm1(log_r) - log_r).mean(axis=-1))

    return {"kl": Measurement.of(Sampling(**how).at_points(divergence, setting, "kl_bound"))}


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
    t = np.array([t0, last, *times])
    run, draws = Sampling(**how), []
    for random, samples in run.data_sets(setting, "kl_routes"):
        clean, xi = draw(setting, QUERIES, random), random.standard_normal((QUERIES, samples.shape[1]))
        moments = run.moments(clean + np.sqrt(t)[:, None, None] * xi, run.on_device(samples), t)
        log_r = _log_ratio(moments, setting)[:2]
        first, second = (np.expm1(log_r) - log_r).mean(axis=-1)
        by_scores = weights @ _score_error(moments, setting)[2:].mean(axis=-1) / 2
        draws.append((first - second, by_scores, first - second - by_scores))
    whole = Measurement.of(draws)
    names = ("by_densities", "by_scores", "difference")
    return {name: whole[k] for k, name in enumerate(names)}


def _log_ratio(moments: GibbsMoments, setting: Setting) -> Array:
    """log r, shape (T, M)."""
    return moments.log_density - log_density(moments.queries, moments.t[..., None], setting.manifold)


def _score_error(moments: GibbsMoments, setting: Setting) -> Array:
    """|s - s^|^2, shape (T, M)."""
    error = score(moments.queries, moments.t[..., None], setting.manifold) - moments.score
    return np.asarray((error**2).sum(axis=-1))
