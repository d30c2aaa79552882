"""Sizes, measured: the averages that theory knows exactly at finite N and D, all from the same data sets."""

from __future__ import annotations

from functools import partial
from itertools import starmap
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.data import draw, log_density, needs_density, noise, score
from numerics.experiments.collapse import of_own_samples
from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement, jackknife
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure"]

OBSERVABLES = {
    "participation": ("time",),
    "entropy": ("time",),
    "heat_capacity": ("time",),
    "estimated_dimension": ("time",),
    "shell_ratio": ("time",),
    "signal_to_noise": ("time", "subspace"),
    "kl": ("time",),
    "own_weight": ("time",),
    "memorized_probability": ("time",),
}

Array = NDArray[np.float64]


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and look at each from fresh points and from noised samples, whatever the setting's query.

    Returns:
        At fresh points participation, entropy and kl in nats, heat_capacity, estimated_dimension, shell_ratio, shape (T,),
        and signal_to_noise, shape (T, K); on trajectories own_weight and memorized_probability, shape (T,).
    """
    needs_density(setting, "the signal-to-noise ratio")
    run = Sampling(**how)
    # starmap lets go of a data set before the next is drawn
    found = list(starmap(partial(_averages, setting, run), run.data_sets(setting, "sizes")))
    draws = {name: np.array([averages[name] for averages in found]) for name in found[0]}
    shell = setting.t * setting.manifold.ambient_dimension
    ratios = {
        "shell_ratio": jackknife(draws.pop("distance"), lambda mean: np.sqrt(mean / shell)),
        "signal_to_noise": jackknife(draws.pop("score"), lambda mean: mean[:, 0] / mean[:, 1]),
    }
    return {name: Measurement.of(values) for name, values in draws.items()} | ratios


def _averages(setting: Setting, run: Sampling, random: np.random.Generator, samples: Array) -> dict[str, Array]:
    """Averages over QUERIES fresh points and as many noised samples of one data set at every time, by name."""
    data, some = run.on_device(samples), samples[:QUERIES]
    rows = []
    for t in setting.t:
        fresh, noised = noise(draw(setting, QUERIES, random), t, random), noise(some, t, random)
        moments = run.moments(np.concatenate([fresh, noised]), data, t)
        rows.append(
            _at_fresh_points(moments.each(lambda a: a[:QUERIES]), setting, fresh, samples, t)
            | of_own_samples(moments.each(lambda a: a[QUERIES:]), ((noised - some) ** 2).sum(axis=1) / t)
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _at_fresh_points(moments: GibbsMoments, setting: Setting, x: Array, samples: Array, t: float) -> dict[str, Array]:
    """At points x that no sample knows."""
    nearest, mean = samples[moments.nearest], moments.mean
    spread = 2 * t * moments.energy - ((x - mean) ** 2).sum(axis=1)  # tr C^, by the parallel axis theorem
    true = score(x, t, setting.manifold)
    error = (mean - x) / t - true
    return {
        "participation": moments.participation.mean(),
        "entropy": moments.entropy.mean(),
        "heat_capacity": moments.energy_variance.mean(),
        "estimated_dimension": spread.mean() / t,
        "distance": ((x - nearest) ** 2).sum(axis=1).mean(),
        "kl": (log_density(x, t, setting.manifold) - moments.log_density).mean(),
        "score": by_subspace(np.array([true, error]) ** 2, setting).mean(axis=1),
    }
