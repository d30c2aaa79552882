r"""Speciation: when does the reverse process decide of which of two classes its sample will be?

Data are two Gaussians of weights w and 1 - w, of variance s^2 = lambda_1 about centres mu to both sides along the first
direction; all other directions are the same for both classes, and drop out. Given x at noise variance t the odds of the classes
are e^{2u}, with u = h + mu x/(s^2 + t) and h = log(w/(1 - w))/2, and on the points of the two classes u ~ N(h +- gamma, gamma),

    gamma = mu^2 / (s^2 + t),     phi = E[p^2 + (1 - p)^2] = 1 - E[sech^2 u]/2,     p = 1/(1 + e^{-2u}).

phi is the probability that two reverse trajectories from one x, with noise of their own, end in one class, and as well that
a trajectory which turns back at t returns to the class it came from. It rises from w^2 + (1 - w)^2 to 1 with gamma. What x says
of the class, in nats, is

    I(class; x_t) = H(w) - E H(p),     dI/d gamma = 1 - phi.

Modes are where u = h + gamma tanh u. Of classes of equal weight the density gets its second mode at gamma = 1, in the middle:

    t = mu^2 - s^2,     tau = 1/2 log(1 + mu^2 - s^2) in the clock of the Ornstein-Uhlenbeck process.

A field h makes the pitchfork imperfect: the mode of the larger class moves on, that of the smaller appears beside it at

    gamma = (1 + cosh a)/2,     sinh a - a = 2|h|,     later, and where the odds of the smaller class are e^a already.

What is published, tau_S = 1/2 log Lambda with Lambda the largest variance of all the data, is no function of gamma: Lambda may
belong to a direction in which the classes do not differ. It is stated where the noise has variance 1, and knows no other unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.averages.over_classes import surprise, undecided
from theory.derived import derived
from theory.observable import observable
from theory.setting import Setting

__all__ = ["LAWS", "bifurcation_time", "class_information", "cloning_probability", "derivation", "speciation_time"]

STATEMENT = (
    "classes part where the density gets its second mode, t = mu^2 - s^2, not by the largest variance of the data"
)
SOURCE = (
    "arXiv:2402.18491 (cloning probability, time by the largest variance); for any variance within the classes and any weights, "
    "the time of the second mode, and the information about the class, derived here"
)
REGIME = "infinitely many samples of two Gaussians of equal variances, whose centres differ along the first direction"

TWO_CLASSES, FOLLOWS = ("mixture",), ("share",)
LITTLE = 0.25  # signal to noise below which the entropies, nearly equal, are not subtracted
_nodes, _weights = np.polynomial.legendre.leggauss(16)  # of the slope, there

Array = NDArray[np.float64]
derivation = derived("theory.derivations.speciation")


@observable("time", kind="exact", symbol=r"\phi", scaling=0, ensembles=TWO_CLASSES, follows=FOLLOWS)
def cloning_probability(setting: Setting) -> Array:
    """The probability that two reverse trajectories from one noised point end in one class, for infinitely many samples.

    It is that of a U-turn, too: noised to this time and back, a point is of its class again. Where the noise has hidden the
    classes it is w^2 + (1 - w)^2, where it has not 1.
    """
    return derivation()["cloning_probability"](_undecided(setting, _signal(setting)))


@observable(
    "time", kind="exact", symbol=r"I(c; x_t)", scaling=0, accuracy=1e-11, ensembles=TWO_CLASSES, follows=FOLLOWS
)
def class_information(setting: Setting) -> Array:
    """What a noised point says of its class, nats, for infinitely many samples.

    It falls along the noise from the entropy of the weights to 0; its slope in the signal to noise is 1 - phi.
    """
    return np.array([_information(setting, gamma) for gamma in _signal(setting).tolist()])


@observable(kind="exact", symbol="t_b", scaling=2, ensembles=TWO_CLASSES, follows=FOLLOWS)
def bifurcation_time(setting: Setting) -> float:
    """The time of the setting's schedule below which the density of noised data has two modes; NaN where it never has."""
    t = derivation()["bifurcation_time"](_half(setting), _within(setting), _fold(_field(setting)))
    return float(setting.schedule.time(t)) if t > 0 else np.nan


@observable(kind="published", symbol="t_S", ensembles=TWO_CLASSES, follows=FOLLOWS)
def speciation_time(setting: Setting) -> float:
    """As arXiv:2402.18491 has it, where the largest variance of all data is e^{2 tau}: t = Lambda - 1; NaN where Lambda < 1.

    In the schedule's own time. It takes data in units of the noise of the stationary Ornstein-Uhlenbeck process.
    """
    along = float(derivation()["total_variance"](_half(setting), _within(setting), setting.share))
    t = derivation()["speciation_time"](max(along, setting.manifold.variances.max()))
    return float(setting.schedule.time(t)) if t >= 0 else np.nan


def _signal(setting: Setting) -> Array:
    """gamma at each time, shape (T,)."""
    return derivation()["signal_to_noise"](_half(setting), _within(setting), setting.t)


def _field(setting: Setting) -> float:
    """h, half the log odds of the classes before x is seen."""
    return float(derivation()["field"](setting.share))


def _undecided(setting: Setting, gamma: Array) -> Array:
    """E sech^2 u at each gamma."""
    return np.array([undecided(g, _field(setting), setting.share) for g in gamma.tolist()])


def _information(setting: Setting, gamma: float) -> float:
    """I at one gamma: the entropies' difference, or the integral of its slope where they are nearly equal."""
    if gamma > LITTLE:
        return float(derivation()["class_information"](setting.share, *surprise(gamma, _field(setting))))
    slope = derivation()["information_slope"](_undecided(setting, gamma * (1 + _nodes) / 2))
    return float(gamma / 2 * (_weights @ slope))


def _fold(field: float) -> float:
    """a, with sinh a - a = 2|h|; below (12|h|)^(1/3), for sinh a - a is more than a^3/6."""
    if not field:
        return 0.0
    from scipy.optimize import brentq  # slow to import

    wanted, fold = 2 * abs(field), derivation()["fold"]
    return float(brentq(lambda a: float(fold(a)) - wanted, 0.0, np.cbrt(6 * wanted), xtol=1e-15))


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
        "monotone(separation, up); limit(separation, inf, 1); expansion(time, inf, 1 - 2*w*(1-w), 2*(w*(1-w)*a)**2/t); "
        "at_time(speciation.bifurcation_time, if_positive(abs(w - 1/2), speciation.cloning_probability, 0.7752002453966636))"
    ),
    "class_information": (
        "schedule(0); same_for(samples); normal_directions; at_least(0); at_most(-w*log(w) - (1-w)*log1p(-w)); data_processing; "
        "monotone(separation, up); limit(separation, inf, -w*log(w) - (1-w)*log1p(-w)); limit(time, inf, w*(1-w)*a**2/(2*t)); "
        "slope(time, -t*a**2/4/(lam1+t)**2*(1 - speciation.cloning_probability))"
    ),
    "bifurcation_time": (
        "schedule(time); same_for(samples); same_for(time); normal_directions; monotone(separation, up); "
        "at_most(larger(a**2/4 - lam1, 0)); "
        "equation(f, if_positive(abs(w - 1/2), f, if_positive(a**2/4 - lam1, a**2/4 - lam1, f))); "
        "equation(sqrt(larger(a**2/4/(lam1+f)*(a**2/4/(lam1+f) - 1), 0)) - log(sqrt(a**2/4/(lam1+f)) + "
        "sqrt(larger(a**2/4/(lam1+f) - 1, 0))), if_positive(f, abs(log(w/(1-w)))/2, f))"
    ),
    "speciation_time": (
        "schedule(time); same_for(samples); same_for(time); normal_directions; monotone(variance, up); "
        "equation(f, if_positive(larger(w*(1-w)*a**2 + lam1, max(lam)) - 1, larger(w*(1-w)*a**2 + lam1, max(lam)) - 1, f))"
    ),
}
