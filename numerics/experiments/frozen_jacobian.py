"""Frozen Jacobian, measured: how much variance the weights leave along each subspace, and the spectrum of t J^."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import data_sets, draw, points
from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_spectrum"]

OBSERVABLES = {"retained_variance": ("time", "subspace"), "estimated_dimension": ("time",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x
QUERIES = 64  # points per data set, where they are averaged over
SPECTRA = 8  # the same, where each takes the eigenvalues of a D x D matrix


def measure(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Draw `repeats` data sets and take C^ along the principal axes, at the setting's point or at points of its query.

    Returns:
        retained_variance, C^ averaged over the directions of each subspace, data units squared, shape (T, K);
        estimated_dimension, tr C^/t = D + t tr J^, shape (T,).
    """
    draws = []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "frozen_jacobian", repeats=repeats, rng=rng, tick=tick
    ):
        found = []
        for i, t in enumerate(setting.t):
            x, data = points(setting, i, samples, QUERIES, random)
            moments = gibbs_moments(
                to_device(x, device, dtype), to_device(data, device, dtype), t, covariance="diagonal"
            )
            found.append(to_host(moments.covariance).mean(axis=0))
        draws.append(found)
    spread = np.array(draws)
    return {
        "retained_variance": Measurement.of(by_subspace(spread, setting)),
        "estimated_dimension": Measurement.of(spread.sum(axis=-1) / setting.t),
    }


def measure_spectrum(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """The eigenvalues of -t J^ = 1 - C^/t at each of a few points, in order; for D up to some 50.

    Returns:
        spectrum, the mean of the smallest, of the next, ..., shape (T, D); estimated_dimension, D less their sum,
        shape (T,); dimension_seen, how many lie below 1/2, shape (T,).
    """
    draws = []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "spectrum", repeats=repeats, rng=rng, tick=tick
    ):
        found = []
        for i, t in enumerate(setting.t):
            x, data = points(setting, i, samples, SPECTRA, random)
            moments = gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), t, covariance="full")
            found.append(np.linalg.eigvalsh(np.eye(x.shape[1]) - to_host(moments.covariance) / t))
        draws.append(found)
    spectra: NDArray[np.float64] = np.array(draws)  # (repeats, T, M, D)
    return {
        "spectrum": Measurement.of(spectra.mean(axis=2)),
        "estimated_dimension": Measurement.of((1 - spectra).sum(axis=-1).mean(axis=-1)),
        "dimension_seen": Measurement.of((spectra < 0.5).sum(axis=-1).mean(axis=-1)),
    }
