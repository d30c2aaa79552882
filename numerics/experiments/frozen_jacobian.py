"""Frozen Jacobian, measured: how much variance the weights leave along each subspace, and the spectrum of t J^."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import at_points
from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_spectrum"]

Array = NDArray[np.float64]
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

    def diagonal(x: Array, data: Array, t: float) -> Array:
        queries, samples = to_device(x, device, dtype), to_device(data, device, dtype)
        return to_host(gibbs_moments(queries, samples, t, covariance="diagonal").covariance).mean(axis=0)

    spread = at_points(diagonal, setting, "frozen_jacobian", QUERIES, repeats=repeats, rng=rng, tick=tick)
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

    def eigenvalues(x: Array, data: Array, t: float) -> Array:
        moments = gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), t, covariance="full")
        return np.asarray(np.linalg.eigvalsh(np.eye(x.shape[1]) - to_host(moments.covariance) / t))

    # (repeats, T, M, D)
    spectra = at_points(eigenvalues, setting, "spectrum", SPECTRA, repeats=repeats, rng=rng, tick=tick)
    return {
        "spectrum": Measurement.of(spectra.mean(axis=2)),
        "estimated_dimension": Measurement.of((1 - spectra).sum(axis=-1).mean(axis=-1)),
        "dimension_seen": Measurement.of((spectra < 0.5).sum(axis=-1).mean(axis=-1)),
    }
