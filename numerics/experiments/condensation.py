"""Condensation, measured: how many samples share the weight at a point, and how their energies scatter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import data_sets, draw, noise
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure"]

Array = NDArray[np.float64]
OBSERVABLES = {"participation": ("time",), "entropy": ("time",), "heat_capacity": ("time",)}
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
    """Draw `repeats` data sets and take the Gibbs averages at the setting's point, or at points of its query.

    On a trajectory through a point the first sample is drawn given that x came from it.

    Returns:
        participation, entropy in nats, heat_capacity, each of shape (T,).
    """
    draws = []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "condensation", repeats=repeats, rng=rng, tick=tick
    ):
        found = []
        for i, t in enumerate(setting.t):
            x, data = _points(setting, i, samples, random)
            moments = gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), t)
            found.append([to_host(a).mean() for a in (moments.participation, moments.entropy, moments.energy_variance)])
        draws.append(found)
    whole = Measurement.of(draws)
    return {name: Measurement(whole.mean[:, k], whole.sem[:, k], whole.n) for k, name in enumerate(OBSERVABLES)}


def _points(setting: Setting, i: int, samples: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """The points x at the i-th time, shape (M, D), and the samples."""
    t, trajectory = setting.t[i], setting.query == "trajectory"
    if setting.point is None:
        clean = samples[:QUERIES] if trajectory else draw(setting, QUERIES, random)
        return noise(clean, t, random), samples
    x = np.zeros(samples.shape[1])
    x[: len(setting.point)] = setting.point
    x = x / setting.alpha[i]
    if trajectory:
        spectrum = setting.manifold.spectrum
        own = spectrum / (spectrum + t) * x + np.sqrt(spectrum * t / (spectrum + t)) * random.standard_normal(x.size)
        samples = np.concatenate([own[None], samples[1:]])
    return x[None], samples
