"""Noise unconditioning, measured: the weights of samples in the score that serves all levels, and where its ascent ends."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_host
from numerics.data import points
from numerics.measurement import Measurement, jackknife
from numerics.memorized import memorized
from numerics.newtonian import ascend, weights
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["ANYWHERE", "OBSERVABLES", "measure", "measure_ends", "measure_weights"]

OBSERVABLES = {
    "implied_noise": ("time",),
    "participation": ("time",),
    "effective_samples": ("time",),
    "own_weight": ("time",),
    "collapsed_fraction": (),
}
ANYWHERE = "implied_noise", "participation", "effective_samples", "own_weight"  # averaged or at one x

Array = NDArray[np.float64]
AT_A_SAMPLE = 0.011  # of the second distance; ascent ends at 0.01, but for rounding


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known.

    Returns:
        What the other two do.
    """
    return measure_weights(setting, **how) | measure_ends(setting, **how | {"tick": lambda: None})


def measure_weights(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and look at the weights at the setting's points, and at trajectories.

    Returns:
        implied_noise, the mean of sum w r^2/(D - 2), data units squared; participation; effective_samples, over the mean
        participation; own_weight, of the sample that x came from, on trajectories; each of shape (T,).
    """
    run, own, room = Sampling(**how), setting.at(query="trajectory"), setting.manifold.ambient_dimension - 2
    draws = []
    for random, data in run.data_sets(setting, "noise_unconditioning"):
        found = []
        for i in range(setting.t.size):
            here, there = (points(where, i, data, QUERIES, random) for where in (setting, own))
            found.append(_averages(*_weights(run, *here), _weights(run, *there)[0]))
        draws.append(found)
    implied, participation, weight = np.moveaxis(np.array(draws), 2, 0)
    return {
        "implied_noise": Measurement.of(implied / room),
        "participation": Measurement.of(participation),
        "effective_samples": jackknife(participation, lambda mean: 1 / mean),
        "own_weight": Measurement.of(weight),
    }


def _weights(run: Sampling, x: Array, samples: Array) -> tuple[Array, Array]:
    """Weights and squared distances, on the host."""
    w, squares = weights(run.on_device(x), run.on_device(samples))
    return to_host(w).astype(np.float64), to_host(squares).astype(np.float64)


def _averages(w: Array, squares: Array, own: Array) -> list[float]:
    """Over points, of sum w r^2, of sum w^2, and of the weight of the sample that x came from, from weights on trajectories."""
    return [float(a.mean()) for a in ((w * squares).sum(axis=1), (w**2).sum(axis=1), np.diagonal(own))]


def measure_ends(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and climb the potential of each from a fresh point of the largest time.

    Returns:
        collapsed_fraction, the share of points that end a hundred times nearer to a sample than to any other.
    """
    run, latest = Sampling(**how), int(np.argmax(setting.t))
    fresh, flags = setting.at(point=None, query="fresh"), []
    for random, data in run.data_sets(setting, "noise_unconditioning.ends"):
        x, _ = points(fresh, latest, data, 1, random)
        flags.append(bool(memorized(ascend(x, data), data, ratio=AT_A_SAMPLE)[0]))
    return {"collapsed_fraction": Measurement.of_events(flags)}
