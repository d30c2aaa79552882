"""Speciation, measured: reverse trajectories of two Gaussians, two from one noised point, and which class each ends in.

The reverse SDE runs in all directions, with the score of the distribution, from t down to where the class is as good as chosen.
There a point is of a class with its odds under the two densities, which is exact wherever it stops, and the sign along the first
direction where the classes do not overlap. What a noised point says of its class is how much more likely its own class is there
than among all. The second mode is looked for in data sets, with their own score.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit

from numerics.arrays import to_host
from numerics.data import draw, noise
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.measurement import Measurement, crossing, jackknife
from numerics.reverse import diffusion, grid_by
from numerics.sampling import How, Sampling
from theory.setting import FAIR, Setting, without_remedies

__all__ = ["OBSERVABLES", "measure", "measure_bifurcation", "measure_clones", "measure_information"]

OBSERVABLES = {
    "cloning_probability": ("time",),
    "return_probability": ("time",),
    "class_information": ("time",),
    "bifurcation_time": (),
}

Array = NDArray[np.float64]
POINTS = 128  # noised at a time
STEPS = 6  # per factor e of t
LAST = 0.1  # where trajectories stop, in units of the variance within or of the time, whichever is less
NOISES = np.geomspace(0.02, 1.1, 48)  # where a second mode is looked for, in units of half the separation squared
PLACES = np.linspace(0.0, 1.0, 41)  # where that of a smaller class is, in units of half the separation from the middle


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known.

    Returns:
        What the others do.
    """
    silent = how | {"tick": lambda: None}
    others = measure_information(setting, **silent) | measure_bifurcation(setting, **silent)
    return measure_clones(setting, **how) | others


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


def measure_information(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets, noise their samples, and compare the probability of the own class there with its weight.

    Returns:
        class_information, nats, shape (T,).
    """
    _two_classes(setting)
    run, draws = Sampling(**how), []
    for random, clean in run.drawn(partial(draw, setting, setting.samples), "speciation.information"):
        upper = random.random(len(clean)) < _share(setting, clean, 0.0)
        draws.append([_gained(setting, noise(clean, t, random), t, upper) for t in setting.t.tolist()])
    return {"class_information": Measurement.of(draws)}


def measure_bifurcation(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets, and see at which noise the score of the samples lets go of a second mode.

    Of classes of equal weight it is where it pulls away from the middle: its slope along the first direction is (V/t - 1)/t, V
    the variance of the weighted samples. Of others it is where it turns back, somewhere on the side of the smaller class.

    Returns:
        bifurcation_time, in the setting's own time; NaN where no noise variance of NOISES brackets it.
    """
    _two_classes(setting)
    run, half = Sampling(**how), setting.separation / 2
    t, fair = NOISES * half**2, setting.share == FAIR
    places = np.zeros(1) if fair else np.sign(FAIR - setting.share) * half * PLACES
    of_data = partial(_bends if fair else _pulls, run, places, t)
    draws = [of_data(data) for _, data in run.drawn(partial(draw, setting, setting.samples), "speciation.bifurcation")]

    def opens(mean: Array) -> Array:
        return setting.schedule.time(crossing(t, mean[:, 0], 1.0) if fair else crossing(t, mean.max(axis=1), 0.0))

    return {"bifurcation_time": jackknife(draws, opens)}


def _bends(run: Sampling, x: Array, t: Array, data: Array) -> Array:
    """V/t along the first direction at places (P,), shape (T, P)."""
    return to_host(_along(run, x, t, data, covariance="diagonal").covariance).reshape(t.size, -1) / t[:, None]


def _pulls(run: Sampling, x: Array, t: Array, data: Array) -> Array:
    """How far the mean of the weighted samples lies on the outer side of places (P,), shape (T, P), as seen from the middle."""
    mean = to_host(_along(run, x, t, data).mean).reshape(t.size, -1)
    return (mean - x) * np.sign(x[-1])


def _along(run: Sampling, x: Array, t: Array, data: Array, **options: Any) -> GibbsMoments:
    """The Gibbs averages along the first direction, at all places at all noise variances."""
    places, times = np.tile(x, t.size)[:, None], np.repeat(t, x.size)
    return gibbs_moments(run.on_device(places), run.on_device(data[:, :1]), run.on_device(times), **options)


def _gained(setting: Setting, x: Array, t: float, upper: NDArray[np.bool_]) -> float:
    """The mean logarithm of p/w, p the probability of the own class at points (M, D), w its weight."""
    field = logit(setting.share)
    odds = np.where(upper, 1, -1) * np.array([_log_odds(setting, x, t), np.full(len(x), field)])
    return float(np.subtract(*log_expit(odds)).mean())


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
    return np.asarray(expit(_log_odds(setting, x, t)))


def _log_odds(setting: Setting, x: Array, t: float) -> Array:
    """Of the upper class at points (M, D), shape (M,)."""
    upper, lower = ((x[:, 0] - side * setting.separation / 2) ** 2 for side in (1, -1))
    return np.asarray(logit(setting.share) + (lower - upper) / (2 * (setting.manifold.variances[0] + t)))


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
    without_remedies(setting, "the experiment speciation", ("share",))
