"""Condensation, measured: how many samples share the weight at a point, and how their energies scatter."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.gibbs import GibbsMoments
from numerics.measurement import Measurement
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure"]

Array = NDArray[np.float64]
OBSERVABLES = {"participation": ("time",), "entropy": ("time",), "heat_capacity": ("time",)}
ANYWHERE = tuple(OBSERVABLES)  # at fresh points or on trajectories, averaged or at one x


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and take the Gibbs averages at the setting's point, or at points of its query.

    Returns:
        participation, entropy in nats, heat_capacity, each of shape (T,).
    """

    def averages(moments: GibbsMoments) -> list[Array]:
        return [a.mean(axis=-1) for a in (moments.participation, moments.entropy, moments.energy_variance)]

    whole = Measurement.of(Sampling(**how).at_points(averages, setting, "condensation"))
    return {name: whole[k] for k, name in enumerate(OBSERVABLES)}
