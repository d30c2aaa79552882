"""Frozen Jacobian, measured: how much variance the weights leave along each subspace, and the spectrum of t J^."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_spectrum"]

Array = NDArray[np.float64]
OBSERVABLES = {"retained_variance": ("time", "subspace"), "estimated_dimension": ("time",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x
SPECTRA = 8  # points per data set, where each takes the eigenvalues of a D x D matrix


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and take C^ along the principal axes, at the setting's point or at points of its query.

    Returns:
        retained_variance, C^ averaged over the directions of each subspace, data units squared, shape (T, K);
        estimated_dimension, tr C^/t = D + t tr J^, shape (T,).
    """
    run = Sampling(**how)

    def diagonal(moments: GibbsMoments) -> Array:
        return np.asarray(moments.covariance.mean(axis=1))

    spread = run.at_points(diagonal, setting, "frozen_jacobian", covariance="diagonal")
    return {
        "retained_variance": Measurement.of(by_subspace(spread, setting)),
        "estimated_dimension": Measurement.of(spread.sum(axis=-1) / setting.t),
    }


def measure_spectrum(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """The eigenvalues of -t J^ = 1 - C^/t at each of a few points, in order; for D up to some 50.

    Returns:
        spectrum, the mean of the smallest, of the next, ..., shape (T, D); estimated_dimension, D less their sum,
        shape (T,); dimension_seen, how many lie below 1/2, shape (T,).
    """
    run = Sampling(**how)

    def eigenvalues(moments: GibbsMoments) -> Array:
        one = np.eye(moments.queries.shape[-1])
        return np.asarray(np.linalg.eigvalsh(one - moments.covariance / moments.t[..., None, None]))

    # (repeats, T, M, D)
    spectra = run.at_points(eigenvalues, setting, "spectrum", SPECTRA, covariance="full")
    return {
        "spectrum": Measurement.of(spectra.mean(axis=2)),
        "estimated_dimension": Measurement.of((1 - spectra).sum(axis=-1).mean(axis=-1)),
        "dimension_seen": Measurement.of((spectra < 0.5).sum(axis=-1).mean(axis=-1)),
    }
