r"""Condensation: at which noise do a few samples carry the weight, and how many do at finite N and D?

At a point x the N samples are a random energy model with energies E = |x - y|^2 / 2t. Samples are dense among those that
the posterior asks for as long as its relative entropy is below log N. At the condensation time t_c(x),

    KL(p(y | x) || p(y)) = 1/2 sum [log(1 + lambda/t) - lambda/(lambda + t) + lambda x^2/(lambda + t)^2] = log N,

they run out, and below it the weights are those of Poisson and Dirichlet, E Y2 = 1 - t/t_c(x). The average of KL over
x ~ p_t is the information of collapse, so that a typical x condenses from the collapse time t_C on. But t_c(x) is its own:
as t falls a typical x comes closer to the data, and t_c(x) falls from t_C to its value at clean points. All this is for
log N = O(D) large. At any N and D the averages are integrals, which `theory.disorder` evaluates: `participation`, `entropy`
and `heat_capacity` are exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.disorder import averages
from theory.extensive import time_where
from theory.observable import observable
from theory.predictions import collapse
from theory.setting import LinearManifold, Setting

__all__ = [
    "LAWS",
    "condensation_time",
    "condensation_time_gaussian",
    "critical_noise_at",
    "critical_noise_variance",
    "derivation",
    "entropy",
    "entropy_asymptotic",
    "heat_capacity",
    "heat_capacity_asymptotic",
    "participation",
    "participation_asymptotic",
    "relative_entropy",
]

STATEMENT = "the weights condense on a few samples once the relative entropy of posterior and prior exceeds log N"
SOURCE = (
    "arXiv:2402.18491 (random energy model); condensation at given x and exact averages at finite N and D derived here"
)
REGIME = "participation, entropy, heat_capacity: exact at every N and D, Gaussian data; times: log N = O(D)"
EXACT = "participation", "entropy", "heat_capacity"  # which share their integrals

Array = NDArray[np.float64]
derivation = derived("theory.derivations.condensation")


@observable(kind="limit", symbol="t_c", scaling=2, anywhere=True)
def condensation_time(setting: Setting) -> float:
    """The time where KL(posterior || prior) = log N at the setting's point, or from which on typical x condense: collapse.

    NaN at a point in a schedule that contracts, where x moves with time.
    """
    if setting.point is None:
        return collapse.collapse_time(setting)
    return _one(setting, critical_noise_variance(setting))


@observable(kind="model", symbol="t_c", of="condensation_time", scaling=2, anywhere=True)
def condensation_time_gaussian(setting: Setting) -> float:
    """The same for N Gaussian energies of the same variance, the approximation of arXiv:2410.08727."""
    variances, dimensions = setting.manifold.variances, setting.manifold.dimensions.astype(float)
    formula = derivation()["energy_variance"]
    if setting.point is None:  # x^2 = lambda + t
        square = dimensions @ formula(variances, variances)
        return _one(setting, derivation()["gaussian"](square, dimensions @ variances, setting.samples))
    square = formula(variances, setting.squares) @ dimensions
    return _one(setting, np.sqrt(square / (2 * setting.log_samples)))


def critical_noise_at(manifold: LinearManifold, samples: float, offsets: Array) -> Array:
    """The noise variance t_c at which each x condenses, |x_k|^2 of shape (T, K): where KL(posterior || prior) = log N.

    Returns:
        shape (T,).
    """
    log_samples = np.full(len(offsets), math.log(samples))
    return time_where(lambda t: relative_entropy(manifold, t, offsets), log_samples)


def relative_entropy(manifold: LinearManifold, t: Array, offsets: Array) -> Array:
    """KL(posterior || prior), nats, at noise variances t and x with |x_k|^2 of shape (K,), or one for each t; shape of t."""
    dimensions = manifold.dimensions.astype(float)
    return np.asarray(derivation()["level"](manifold.variances, offsets / dimensions, t[..., None]) @ dimensions)


def critical_noise_variance(setting: Setting) -> Array:
    """The noise variance t_c(x) of the x of each time, the setting's point or a typical one, shape (T,), data units squared.

    A typical x is closer to the data at smaller t: its t_c is the collapse time where it equals t, and below that smaller.
    """
    return critical_noise_at(setting.manifold, setting.samples, setting.offsets)


def _one(setting: Setting, critical: Array) -> float:
    """A noise variance as a time, where it is the same at all times."""
    if setting.point and (setting.alpha != 1).any():
        return float("nan")
    return float(setting.schedule.time(np.ravel(critical)[0]))


@observable("time", kind="exact", symbol=r"E\,Y_2", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def participation(setting: Setting) -> Array:
    """E Y2, exact at finite N and D."""
    return averages(setting, *EXACT)["participation"]


@observable("time", kind="limit", symbol=r"E\,Y_2", of="participation", scaling=0, anywhere=True)
def participation_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: below t_c(x) 1 - t/t_c at fresh points, 1 on trajectories; 0 above."""
    return _two_phases(setting, "participation_asymptotic", own=1.0, above=np.zeros_like(setting.t))


@observable("time", kind="exact", symbol=r"E\,S", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def entropy(setting: Setting) -> Array:
    """E of -sum w log w, nats, exact at finite N and D."""
    return averages(setting, *EXACT)["entropy"]


@observable("time", kind="limit", symbol=r"E\,S", of="entropy", scaling=0, anywhere=True)
def entropy_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large, nats: log N - KL above t_c(x); below psi(1) - psi(1 - t/t_c), on trajectories 0."""
    above = setting.log_samples - relative_entropy(setting.manifold, setting.t, setting.offsets)
    return _two_phases(setting, "entropy_condensed", own=0.0, above=above)


def _two_phases(setting: Setting, condensed: str, *, own: float, above: Array) -> Array:
    """Below t_c(x) a formula of t and t_c, or on trajectories its value with all weight on one sample; `above` elsewhere."""
    critical = critical_noise_variance(setting)
    found, below = above.copy(), setting.t < critical
    found[below] = derivation()[condensed](setting.t[below], critical[below]) if setting.query == "fresh" else own
    return found


@observable("time", kind="exact", symbol="C", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def heat_capacity(setting: Setting) -> Array:
    """E of the variance of the energy |x - y|^2 / 2t, exact at finite N and D."""
    return averages(setting, *EXACT)["heat_capacity"]


@observable("time", kind="limit", symbol="C", of="heat_capacity", scaling=0, anywhere=True)
def heat_capacity_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: that of the posterior above t_c(x), m psi'(1 - m) below, m = t/t_c, on trajectories 0."""
    manifold, formula = setting.manifold, derivation()["heat_capacity_self_averaging"]
    above = formula(manifold.variances, setting.squares, setting.t[:, None])
    return _two_phases(setting, "heat_capacity_condensed", own=0.0, above=above @ manifold.dimensions)


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "condensation_time": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "crosses(collapse.information, logN)"
    ),
    "condensation_time_gaussian": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "equation(2*logN*f**2 - f*sum(m*lam), 3*sum(m*lam**2)/2)"
    ),
    "participation": (
        "schedule(0); normal_directions; at_least(1/N); at_most(1); limit(time, 0, 1); limit(time, inf, 1/N); "
        "expansion(time, inf, 1/N, (N-1)/N**2*sum(m*lam)/t)"
    ),
    "participation_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); at_most(1); monotone(samples, down); "
        "limit(time, 0, 1); "
        "equation(if_positive(f, sum(m*(lam*(x2 - lam - t/(1-f))/(2*(lam + t/(1-f))**2) + log1p(lam/(t/(1-f)))/2)), "
        "logN), logN)"
    ),
    "entropy": (
        "schedule(0); normal_directions; at_least(0); at_most(logN); limit(time, 0, 0); limit(time, inf, logN); "
        "expansion(time, inf, logN, -(N-1)/N*sum(m*lam)/t/2)"
    ),
    "entropy_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); limit(time, 0, 0); "
        "limit(time, inf, logN); "
        "equation(f, if_positive(condensation.participation_asymptotic, -0.5772156649015329 - "
        "digamma(condensation.participation_asymptotic), logN - sum(m*(lam*(x2 - lam - t)/(2*(lam + t)**2) + "
        "log1p(lam/(t))/2))))"
    ),
    "heat_capacity": (
        "schedule(0); normal_directions; at_least(0); limit(time, inf, (N-1)/N*sum(m*lam)/t); "
        "slope_of(condensation.entropy, time, f, point)"
    ),
    "heat_capacity_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); limit(time, inf, sum(m*lam)/t); "
        "slope_of(condensation.entropy_asymptotic, time, f, point)"
    ),
}
