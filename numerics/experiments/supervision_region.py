"""Supervision region, measured: how far the nearest sample is, in units of its shell, and how far shells overlap."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.data import points
from numerics.measurement import Measurement, jackknife
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure"]

OBSERVABLES = {"nearest_distance_squared": ("time",), "shell_ratio": ("time",), "shell_overlap": ("time",)}
ANYWHERE = ("nearest_distance_squared", "shell_ratio")  # at fresh points or on trajectories, averaged or at one x

Array = NDArray[np.float64]


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and look for the nearest sample, from the setting's points and from samples themselves.

    Returns:
        nearest_distance_squared in data units squared, shell_ratio (root of its mean over t D), shell_overlap (mean of
        exp(-r^2/8t), r from a sample to the nearest of the others), each of shape (T,).
    """
    run, distances, overlaps = Sampling(**how), [], []
    for random, samples in run.data_sets(setting, "supervision_region"):
        at = [points(setting, i, samples, QUERIES, random) for i in range(setting.t.size)]
        nearest = run.moments_at(at, setting.t).nearest
        distances.append([_squares(x, data[n]).mean() for (x, data), n in zip(at, nearest, strict=True)])
        overlaps.append(np.exp(-_nearest_other(samples, run) / (8 * setting.t[:, None])).mean(axis=1))
    shell = setting.t * setting.manifold.ambient_dimension
    return {
        "nearest_distance_squared": Measurement.of(distances),
        "shell_ratio": jackknife(distances, lambda mean: np.sqrt(mean / shell)),
        "shell_overlap": Measurement.of(overlaps),
    }


def _squares(x: Array, y: Array) -> Array:
    """|x - y|^2 by direct differences, shape (M,)."""
    return np.asarray(((x - y) ** 2).sum(axis=1))


def _nearest_other(samples: Array, run: Sampling) -> Array:
    """|x - y|^2 from some of the samples to the nearest of all others, shape (M,)."""
    count = min(QUERIES, len(samples) - 1)
    some, rest = samples[:count], samples[count:]
    among = ((some[:, None] - some) ** 2).sum(axis=-1)
    np.fill_diagonal(among, np.inf)
    nearest = run.moments(some[None], run.on_device(rest), np.ones(1)).nearest[0]
    return np.minimum(among.min(axis=1), _squares(some, rest[nearest]))
