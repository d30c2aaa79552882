"""Sizes, measured: the averages that theory knows exactly at finite N and D, all from the same data sets."""

from __future__ import annotations

from dataclasses import replace
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
    some, t = samples[:QUERIES], setting.t
    pairs = [(noise(draw(setting, QUERIES, random), s, random), noise(some, s, random)) for s in t]
    x = np.array([np.concatenate(pair) for pair in pairs])
    moments = run.moments(x, run.on_device(samples), t)
    own = ((x[:, QUERIES:] - some) ** 2).sum(axis=-1) / t[:, None]
    fresh, noised = (_at(moments, part) for part in (slice(QUERIES), slice(QUERIES, None)))
    return _at_fresh_points(fresh, setting, samples) | of_own_samples(noised, own)


def _at(moments: GibbsMoments, part: slice) -> GibbsMoments:
    """The averages at some of the points of each time."""
    return replace(moments.each(lambda a: a[:, part]), queries=moments.queries[:, part])


def _at_fresh_points(moments: GibbsMoments, setting: Setting, samples: Array) -> dict[str, Array]:
    """At points x that no sample knows, shape (T,), or (T, ...)."""
    x, t, mean = moments.queries, moments.t[..., None], moments.mean
    distance, to_mean = (((x - y) ** 2).sum(axis=-1) for y in (samples[moments.nearest], mean))
    spread = 2 * moments.t * moments.energy - to_mean  # tr C^, by the parallel axis theorem
    true = score(x, t, setting.manifold)
    both = np.array([true, (mean - x) / t - true])
    by_points = {
        "participation": moments.participation,
        "entropy": moments.entropy,
        "heat_capacity": moments.energy_variance,
        "estimated_dimension": spread / moments.t,
        "distance": distance,
        "kl": log_density(x, t, setting.manifold) - moments.log_density,
    }
    averages = {name: values.mean(axis=-1) for name, values in by_points.items()}
    return averages | {"score": np.swapaxes(by_subspace(both**2, setting).mean(axis=2), 0, 1)}
