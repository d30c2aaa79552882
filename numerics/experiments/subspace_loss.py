"""Subspace loss, measured: when does the error of the empirical score on a subspace outgrow the score itself?"""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.data import needs_density, score
from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement, crossing, jackknife
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_participation"]

Array = NDArray[np.float64]
OBSERVABLES = {"signal_to_noise": ("time", "subspace"), "loss_time": ("subspace",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and compare score and score error at the setting's points, subspace by subspace.

    Returns:
        signal_to_noise, shape (T, K); loss_time, shape (K,), where it passes 1 (NaN where the times do not bracket it).
    """
    needs_density(setting, "the signal-to-noise ratio")

    def squares(moments: GibbsMoments) -> Array:
        true = score(moments.queries, moments.t[..., None], setting.manifold)
        both = np.array([true, moments.score - true])
        return np.swapaxes(by_subspace(both**2, setting).mean(axis=2), 0, 1)  # (T, 2, K)

    draws = Sampling(**how).at_points(squares, setting, "subspace_loss")

    def noise_to_signal(mean: np.ndarray) -> np.ndarray:  # falls with t
        return np.asarray(mean[:, 1] / mean[:, 0])

    return {
        "signal_to_noise": jackknife(draws, lambda mean: 1 / noise_to_signal(mean)),
        "loss_time": jackknife(draws, lambda mean: crossing(setting.times, np.log(noise_to_signal(mean)), 0.0)),
    }


def measure_participation(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Y2 at the published reference points x = sqrt(t) e_i, e_i a direction of each subspace.

    Returns:
        participation, shape (T, K).
    """
    firsts = [part.start for part in setting.manifold.slices]
    axes = np.eye(setting.manifold.ambient_dimension)[firsts]
    run, draws = Sampling(**how), []
    for _, samples in run.data_sets(setting, "participation"):
        x = np.sqrt(setting.t)[:, None, None] * axes
        draws.append(run.moments(x, run.on_device(samples), setting.t).participation)
    return {"participation": Measurement.of(draws)}
