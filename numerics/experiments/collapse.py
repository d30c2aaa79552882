"""Collapse, measured: noise a training sample and see whether it is still the one nearest to itself.

The memorized fraction comes from data sets alone. Information and dispersion are sample averages of the information
density log p(x|x_0)/p_t(x), with the densities of the distribution the data are drawn from.
"""

from __future__ import annotations

from typing import Unpack

import numpy as np

from numerics.data import log_density
from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement, crossing, jackknife
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure", "of_own_samples"]

OBSERVABLES = {
    "information": ("time",),
    "dispersion": ("time",),
    "collapse_time": (),
    "memorized_probability": ("time",),
    "own_weight": ("time",),
}


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and noise some samples of each at every time.

    Where the data are not Gaussian their density is not known, and memorized probability and own weight alone are measured.

    Returns:
        information, dispersion, memorized_probability, own_weight of shape (T,); collapse_time, a number, where the measured
        information crosses log N (NaN where the times do not bracket it).
    """
    queries = min(QUERIES, setting.samples)
    t = setting.t[:, None, None]
    run, own, density = Sampling(**how), [], []
    for random, data in run.data_sets(setting, "collapse"):
        xi = random.standard_normal((queries, data.shape[1]))
        x = data[:queries] + np.sqrt(t) * xi
        own.append(of_own_samples(run.moments(x, run.on_device(data), setting.t), (xi**2).sum(axis=1)))
        density.append(_information_density(setting, x, xi, t))
    measured = {name: Measurement.of([one[name] for one in own]) for name in own[0]}
    return measured if setting.ensemble != "gaussian" else measured | _information(setting, np.array(density))


def of_own_samples(moments: GibbsMoments, squares: np.ndarray) -> dict[str, np.ndarray]:
    """Averages at the first samples of a data set, noised, B = (T, M), of which |x - own|^2 / t is given, shape B or (M,)."""
    own = np.exp(-squares / 2 - moments.log_partition)
    nearest = moments.nearest == np.arange(squares.shape[-1])
    return {"memorized_probability": nearest.mean(axis=-1), "own_weight": own.mean(axis=-1)}


def _information(setting: Setting, density: np.ndarray) -> dict[str, Measurement]:
    """Mean, variance and threshold of the information density, shape (repeats, T, queries)."""
    i = np.swapaxes(density, 1, 2).reshape(-1, setting.t.size)  # every query is an independent draw
    squares = (i - i.mean(axis=0)) ** 2 * len(i) / (len(i) - 1)
    return {
        "information": Measurement.of(i),
        "dispersion": Measurement.of(squares),
        "collapse_time": jackknife(i, lambda mean: crossing(setting.times, mean, setting.log_samples)),
    }


def _information_density(setting: Setting, x: np.ndarray, xi: np.ndarray, t: np.ndarray) -> np.ndarray:
    """log p(x|x_0) - log p_t(x), shape (T, M)."""
    given = -0.5 * (xi**2 + np.log(2 * np.pi * t)).sum(axis=-1)
    return np.asarray(given - log_density(x, t, setting.manifold))
