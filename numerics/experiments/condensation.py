"""Condensation, measured: how many samples share the weight at a point, and how their energies scatter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import at_points
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure"]

Array = NDArray[np.float64]
OBSERVABLES = {"participation": ("time",), "entropy": ("time",), "heat_capacity": ("time",)}
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
    """Draw `repeats` data sets and take the Gibbs averages at the setting's point, or at points of its query.

    Returns:
        participation, entropy in nats, heat_capacity, each of shape (T,).
    """

    def averages(x: Array, data: Array, t: float) -> list[float]:
        moments = gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), t)
        return [to_host(a).mean() for a in (moments.participation, moments.entropy, moments.energy_variance)]

    whole = Measurement.of(at_points(averages, setting, "condensation", QUERIES, repeats=repeats, rng=rng, tick=tick))
    return {name: Measurement(whole.mean[:, k], whole.sem[:, k], whole.n) for k, name in enumerate(OBSERVABLES)}
