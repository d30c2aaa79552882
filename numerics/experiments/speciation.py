"""Speciation, measured: reverse trajectories of two Gaussians, two from one noised point, and which class each ends in.

The reverse SDE runs in all directions, with the score of the distribution, from t down to where the class is as good as chosen.
There a point is of a class with its odds under the two densities, which is exact wherever it stops, and the sign along the first
direction where the classes do not overlap. The second mode is looked for in data sets, with their own score.
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from numerics.arrays import to_host
from numerics.data import draw, noise
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement, crossing, jackknife
from numerics.reverse import diffusion, grid_by
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure", "measure_bifurcation", "measure_clones"]

OBSERVABLES = {"cloning_probability": ("time",), "return_probability": ("time",), "bifurcation_time": ()}

Array = NDArray[np.float64]
POINTS = 128  # noised at a time
STEPS = 6  # per factor e of t
LAST = 0.1  # where trajectories stop, in units of the variance within or of the time, whichever is less
NOISES = np.geomspace(0.02, 1.1, 48)  # where a second mode is looked for, in units of half the separation squared


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known.

    Returns:
        What the other two do.
    """
    return measure_clones(setting, **how) | measure_bifurcation(setting, **(how | {"tick": lambda: None}))


def measure_clones(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Noise POINTS points at each time, and run two reverse trajectories from each, `repeats` times.

    Returns:
        cloning_probability, that both end in one class, and return_probability, that one ends in the class of the clean point,
        shape (T,).
    """
    _two_classes(setting)
    run, draws = Sampling(**how), []
    for random, clean in run.drawn(partial(draw, setting, POINTS), "speciation.clones"):
        draws.append([_agreements(setting, clean, t, random) for t in setting.t.tolist()])
    cloned, returned = np.moveaxis(np.array(draws), 2, 0)
    return {"cloning_probability": Measurement.of(cloned), "return_probability": Measurement.of(returned)}


def measure_bifurcation(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets, and see at which noise the score of the samples pulls away from the middle of the classes.

    The slope of the score along the first direction is (V/t - 1)/t, V the variance of the weighted samples.

    Returns:
        bifurcation_time, in the setting's own time; NaN where no noise variance of NOISES brackets it.
    """
    _two_classes(setting)
    run, draws = Sampling(**how), []
    t = NOISES * (setting.separation / 2) ** 2
    for _, data in run.data_sets(setting, "speciation.bifurcation"):
        line = run.on_device(data[:, :1])
        middle = run.on_device(np.zeros((len(t), 1)))
        found = gibbs_moments(middle, line, run.on_device(t), covariance="diagonal")
        draws.append(to_host(found.covariance)[:, 0] / t)
    return {"bifurcation_time": jackknife(draws, lambda mean: setting.schedule.time(crossing(t, mean, 1.0)))}


def _agreements(setting: Setting, clean: Array, t: float, random: np.random.Generator) -> tuple[float, float]:
    """How often two clones are of one class, and how often the first is of that of the clean point."""
    x = noise(clean, t, random)
    last = LAST * min(t, float(setting.manifold.variances[0]))
    ends = diffusion(partial(_score, setting), np.concatenate([x, x]), grid_by(t, last, STEPS), random)
    first, second = np.split(_share(setting, ends, last), 2)
    return _same(first, second), _same(first, _share(setting, clean, 0.0))


def _same(p: Array, q: Array) -> float:
    """How often two draws with these probabilities agree."""
    return float((p * q + (1 - p) * (1 - q)).mean())


def _share(setting: Setting, x: Array, t: float) -> Array:
    """The probability of the upper class at points (M, D), by its density over that of both, shape (M,)."""
    upper, lower = ((x[:, 0] - side * setting.separation / 2) ** 2 for side in (1, -1))
    return np.asarray(expit((lower - upper) / (2 * (setting.manifold.variances[0] + t))))


def _score(setting: Setting, x: Array, t: float) -> Array:
    """Of the distribution: both centres pull with the probability of their class."""
    pull = -x
    pull[:, 0] += setting.separation * (_share(setting, x, t) - 0.5)
    return pull / (setting.manifold.spectrum + t)


def _two_classes(setting: Setting) -> None:
    if setting.ensemble != "mixture":
        raise ValueError(
            f"speciation takes two classes, those of the mixture ensemble, got {setting.ensemble!r}; give a separation too"
        )
