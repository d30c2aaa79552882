"""Supervision region, measured: how far the nearest sample is, in units of its shell, and how far shells overlap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import data_sets, draw, points
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement, jackknife
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure"]

OBSERVABLES = {"nearest_distance_squared": ("time",), "shell_ratio": ("time",), "shell_overlap": ("time",)}
ANYWHERE = ("nearest_distance_squared", "shell_ratio")  # at fresh points or on trajectories, averaged or at one x
QUERIES = 64  # points per data set, where they are averaged over

Array = NDArray[np.float64]


def measure(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Draw `repeats` data sets and look for the nearest sample, from the setting's points and from samples themselves.

    Returns:
        nearest_distance_squared in data units squared, shell_ratio (root of its mean over t D), shell_overlap (mean of
        exp(-r^2/8t), r from a sample to the nearest of the others), each of shape (T,).
    """

    def nearest(x: Array, samples: Array, t: float) -> Array:
        """|x - y|^2 to the nearest sample y, by direct differences, shape (M,)."""
        found = gibbs_moments(to_device(x, device, dtype), to_device(samples, device, dtype), t).nearest
        return np.asarray(((x - samples[to_host(found)]) ** 2).sum(axis=1))

    distances, overlaps = [], []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "supervision_region", repeats=repeats, rng=rng, tick=tick
    ):
        found = []
        for i, t in enumerate(setting.t):
            x, data = points(setting, i, samples, QUERIES, random)
            found.append(nearest(x, data, t).mean())
        distances.append(found)
        neighbour = _nearest_other(samples, partial(nearest, t=float(setting.t[0])))
        overlaps.append(np.exp(-neighbour / (8 * setting.t[:, None])).mean(axis=1))
    shell = setting.t * setting.manifold.ambient_dimension
    return {
        "nearest_distance_squared": Measurement.of(distances),
        "shell_ratio": jackknife(distances, lambda mean: np.sqrt(mean / shell)),
        "shell_overlap": Measurement.of(overlaps),
    }


def _nearest_other(samples: Array, nearest: Callable[[Array, Array], Array]) -> Array:
    """|x - y|^2 from some of the samples to the nearest of all others, shape (M,)."""
    count = min(QUERIES, len(samples) - 1)
    some, rest = samples[:count], samples[count:]
    among = ((some[:, None] - some) ** 2).sum(axis=-1)
    np.fill_diagonal(among, np.inf)
    return np.minimum(among.min(axis=1), nearest(some, rest))
