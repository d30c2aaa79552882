r"""Speciation: when does the reverse process decide of which of two classes its sample will be?

Data are two Gaussians of equal weight, of variance s^2 = lambda_1 about centres mu to both sides along the first direction; all
other directions are the same for both classes, and drop out. Given x at noise variance t the odds of the classes are
e^{2 mu x/(s^2 + t)}, and on a class's own points their logarithm is 2u with u ~ N(gamma, gamma),

    gamma = mu^2 / (s^2 + t),     phi = E[p^2 + (1 - p)^2] = 1 - E[sech^2 u]/2,     p = 1/(1 + e^{-2u}).

phi is the probability that two reverse trajectories from one x, with noise of their own, end in one class, and as well that
a trajectory which turns back at t returns to the class it came from. It rises from 1/2 to 1 with gamma. At gamma = 1 the density
along the first direction gets its second mode:

    t = mu^2 - s^2,     tau = 1/2 log(1 + mu^2 - s^2) in the clock of the Ornstein-Uhlenbeck process.

What is published, tau_S = 1/2 log Lambda with Lambda the largest variance of all the data, is no function of gamma: Lambda may
belong to a direction in which the classes do not differ. It is stated where the noise has variance 1, and knows no other unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.averages.over_shifts import sech_squared
from theory.derived import derived
from theory.observable import observable
from theory.setting import Setting

__all__ = ["LAWS", "bifurcation_time", "cloning_probability", "derivation", "speciation_time"]

STATEMENT = (
    "classes part where the density gets its second mode, t = mu^2 - s^2, not by the largest variance of the data"
)
SOURCE = (
    "arXiv:2402.18491 (cloning probability, time by the largest variance); for any variance within the classes, and the time of "
    "the second mode, derived here"
)
REGIME = "infinitely many samples of two Gaussians of equal weight and variances, whose centres differ along the first direction"

TWO_CLASSES = ("mixture",)

Array = NDArray[np.float64]
derivation = derived("theory.derivations.speciation")


@observable("time", kind="exact", symbol=r"\phi", scaling=0, ensembles=TWO_CLASSES)
def cloning_probability(setting: Setting) -> Array:
    """The probability that two reverse trajectories from one noised point end in one class, for infinitely many samples.

    It is that of a U-turn, too: noised to this time and back, a point is of its class again. 1/2 where the noise has hidden the
    classes, 1 where it has not.
    """
    gamma = derivation()["signal_to_noise"](_half(setting), _within(setting), setting.t)
    undecided = np.array([sech_squared(g, float(np.sqrt(g))) for g in gamma])
    return derivation()["cloning_probability"](undecided)


@observable(kind="exact", symbol="t_b", scaling=2, ensembles=TWO_CLASSES)
def bifurcation_time(setting: Setting) -> float:
    """The time of the setting's schedule below which the density of noised data has two modes; NaN where it never has."""
    t = derivation()["bifurcation_time"](_half(setting), _within(setting))
    return float(setting.schedule.time(t)) if t > 0 else np.nan


@observable(kind="published", symbol="t_S", ensembles=TWO_CLASSES)
def speciation_time(setting: Setting) -> float:
    """As arXiv:2402.18491 has it, where the largest variance of all data is e^{2 tau}: t = Lambda - 1; NaN where Lambda < 1.

    In the schedule's own time. It takes data in units of the noise of the stationary Ornstein-Uhlenbeck process.
    """
    largest = max(_half(setting) ** 2 + _within(setting), setting.manifold.variances.max())
    t = derivation()["speciation_time"](largest)
    return float(setting.schedule.time(t)) if t >= 0 else np.nan


def _half(setting: Setting) -> float:
    """mu, half the separation of the centres."""
    return setting.separation / 2


def _within(setting: Setting) -> float:
    """s^2, the variance of a class along the direction in which the classes differ."""
    return float(setting.manifold.variances[0])


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "cloning_probability": (
        "schedule(0); same_for(samples); normal_directions; at_least(1/2); at_most(1); monotone(time, down); "
        "monotone(separation, up); limit(separation, inf, 1); expansion(time, inf, 1/2, a**2/(8*t)); "
        "at_time(speciation.bifurcation_time, 0.7752002453966636)"
    ),
    "bifurcation_time": (
        "schedule(time); same_for(samples); same_for(time); normal_directions; monotone(separation, up); "
        "equation(f, if_positive(a**2/4 - lam1, a**2/4 - lam1, f))"
    ),
    "speciation_time": (
        "schedule(time); same_for(samples); same_for(time); normal_directions; monotone(variance, up); "
        "equation(f, if_positive(larger(a**2/4 + lam1, max(lam)) - 1, larger(a**2/4 + lam1, max(lam)) - 1, f))"
    ),
}
