"""Generalization time, measured: at which noise are the noised samples closest to the distribution they were drawn from?

The divergence is an average over fresh samples, the same ones at every time, so that its minimum is sharper than its values.
"""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from numerics.data import draw, log_density, needs_density
from numerics.measurement import Measurement, crossing, jackknife
from numerics.sampling import How, Sampling
from theory.setting import LinearManifold, Setting

__all__ = ["OBSERVABLES", "lowest", "measure", "measure_onset"]

Array = NDArray[np.float64]
OBSERVABLES = {"kl_clean": ("time",), "generalization_time": ()}
QUERIES = 256  # fresh samples per data set


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and average log p_0/p^_t over fresh samples without noise, on the manifold.

    Returns:
        kl_clean, in nats, shape (T,); generalization_time, a number, where it is least (NaN where that is the first or the
        last time, or times are fewer than four).
    """
    needs_density(setting, "the divergence")
    flat = setting.at(manifold=LinearManifold(setting.manifold.subspaces))
    run, draws = Sampling(**how), []
    for random, samples in run.data_sets(flat, "generalization_time"):
        x, data = draw(flat, QUERIES, random), run.on_device(samples)
        log_clean = log_density(x, 0.0, flat.manifold)
        moments = run.moments(np.broadcast_to(x, (setting.t.size, *x.shape)), data, setting.t)
        draws.append((log_clean - moments.log_density).mean(axis=-1))
    return {
        "kl_clean": Measurement.of(draws),
        "generalization_time": jackknife(draws, lambda mean: lowest(setting.times, mean)),
    }


def measure_onset(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and weigh some samples of each by themselves against all others.

    Returns:
        onset_time, a number, where the others together weigh as much as the sample itself, in the average of the logarithm
        (NaN where the times do not bracket it).
    """
    run, draws = Sampling(**how), []
    for _, samples in run.data_sets(setting, "onset"):
        x = samples[:QUERIES]
        moments = run.moments(np.broadcast_to(x, (setting.t.size, *x.shape)), run.on_device(samples), setting.t)
        draws.append(np.log(np.expm1(moments.log_partition)).mean(axis=-1))  # of which its own is 1
    return {"onset_time": jackknife(draws, lambda mean: crossing(setting.times, -mean, 0.0))}


def lowest(times: Array, values: Array) -> float:
    """Where a spline through the values is least, in log t, between the first and the last; NaN where it is not between."""
    order = np.argsort(times)
    log_t, f = np.log(np.asarray(times)[order]), np.asarray(values)[order]
    i = int(f.argmin())
    if len(f) < 4 or i in (0, len(f) - 1):
        return float("nan")
    turns = CubicSpline(log_t, f).derivative().roots(extrapolate=False)
    near = turns[(turns > log_t[i - 1]) & (turns < log_t[i + 1])]
    return float(np.exp(near[np.abs(near - log_t[i]).argmin()]))
