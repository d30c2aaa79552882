"""Subspace loss, measured: when does the error of the empirical score on a subspace outgrow the score itself?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import at_points, data_sets, draw, needs_density, score
from numerics.experiments.score_covariance import by_subspace
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement, crossing, jackknife
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_participation"]

Array = NDArray[np.float64]
OBSERVABLES = {"signal_to_noise": ("time", "subspace"), "loss_time": ("subspace",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x
QUERIES = 64  # points per data set, where they are averaged over


def measure(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Draw `repeats` data sets and compare score and score error at the setting's points, subspace by subspace.

    Returns:
        signal_to_noise, shape (T, K); loss_time, shape (K,), where it passes 1 (NaN where the times do not bracket it).
    """
    needs_density(setting, "the signal-to-noise ratio")

    def squares(x: Array, data: Array, t: float) -> list[Array]:
        true = score(x, t, setting.manifold)
        found = gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), t)
        return [by_subspace(v**2, setting).mean(axis=0) for v in (true, to_host(found.score) - true)]

    draws = at_points(squares, setting, "subspace_loss", QUERIES, repeats=repeats, rng=rng, tick=tick)

    def noise_to_signal(mean: np.ndarray) -> np.ndarray:  # falls with t
        return np.asarray(mean[:, 1] / mean[:, 0])

    return {
        "signal_to_noise": jackknife(draws, lambda mean: 1 / noise_to_signal(mean)),
        "loss_time": jackknife(draws, lambda mean: crossing(setting.times, np.log(noise_to_signal(mean)), 0.0)),
    }


def measure_participation(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Y2 at the published reference points x = sqrt(t) e_i, e_i a direction of each subspace.

    Returns:
        participation, shape (T, K).
    """
    firsts = [part.start for part in setting.manifold.slices]
    draws = []
    for _, samples in data_sets(
        partial(draw, setting, setting.samples), "participation", repeats=repeats, rng=rng, tick=tick
    ):
        data = to_device(samples, device, dtype)
        axes = np.eye(data.shape[1])[firsts]
        found = [gibbs_moments(to_device(np.sqrt(t) * axes, device, dtype), data, t).participation for t in setting.t]
        draws.append([to_host(f) for f in found])
    return {"participation": Measurement.of(draws)}
