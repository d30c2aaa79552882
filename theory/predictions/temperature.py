r"""Temperature: what does generation make of a score whose weights are taken at a temperature T?

The weights w ~ exp(-|x - x^mu|^2/2tT) know t and T by tT alone, and the tempered score (m^_tT - x)/t is T s^(x, tT). So

    the probability-flow ODE at constant T is that at T = 1 in t' = tT, started sqrt T times too narrow and stopped at T t0;
    the reverse SDE is that at T = 1 in t', with its noise variance divided by T.

As t0 -> 0 the ODE ends on samples at every T: a constant temperature never removes memorization. What it does change is how
much each sample is drawn, and when: generated points are narrower than p_t', of variance (lambda + t')/T, and condense where

    1/2 sum [log(1 + lambda/t') - (1 - 1/T) lambda/(lambda + t')] = log N,

the relative entropy of condensation at their x^2. Times in a setting are those at which generation stops; variances are of x
over alpha, generation starts at t_max -> infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from theory.averages.nearest_sample import own_is_nearest
from theory.derived import derived
from theory.extensive import time_where
from theory.observable import observable
from theory.setting import Setting

__all__ = [
    "LAWS",
    "collapse_time_generated",
    "denoised_variance",
    "derivation",
    "frozen_variance",
    "generated_variance_ode",
    "generated_variance_sde",
    "largest_weight_generated",
    "memorized_fraction",
    "sample_probabilities",
]

STATEMENT = "generation at a constant temperature T is that at T = 1 in tT from a narrower start, and memorizes as t0 falls to 0"
SOURCE = "arXiv:2601.19285 (tempered score); change of time, generated variance, condensation of generated points derived here"
REGIME = (
    "change of time: any data; generated variance: infinitely many samples; sample probabilities: ODE in one dimension; times: "
    "log N = O(D)"
)

FOLLOWS = ("temperature",)
MOST_SAMPLES = 10**6

Array = NDArray[np.float64]
derivation = derived("theory.derivations.temperature")


@observable("time", "subspace", kind="exact", symbol=r"E\,x_k^2", scaling=2, follows=FOLLOWS)
def generated_variance_ode(setting: Setting) -> Array:
    """Variance along a direction of what the ODE generates, lambda/T + t, data units squared, for infinitely many samples."""
    return _generated_variance(setting)


@observable("time", "subspace", kind="exact", symbol=r"E\,x_k^2", scaling=2, follows=FOLLOWS)
def generated_variance_sde(setting: Setting) -> Array:
    """The same of the reverse SDE: from t_max -> infinity it is that of the ODE; from a finite t_max they differ."""
    return _generated_variance(setting)


def _generated_variance(setting: Setting) -> Array:
    formula = derivation()["generated_variance"]
    return formula(setting.manifold.variances, setting.t[:, None], setting.temperature)


@observable("time", "subspace", kind="exact", symbol=r"E\,m_k^2", scaling=2, follows=FOLLOWS)
def denoised_variance(setting: Setting) -> Array:
    """Variance along a direction after a last denoising, of m_tT at generated points, for infinitely many samples."""
    return derivation()["denoised_variance"](setting.manifold.variances, setting.t[:, None], setting.temperature)


@observable(kind="limit", symbol="t_C(T)", scaling=2, follows=FOLLOWS)
def collapse_time_generated(setting: Setting) -> float:
    """The time of the setting's schedule from which on generated points condense, t'_C/T; at T = 1 the collapse time."""
    return float(setting.schedule.time(_collapse(setting) / setting.temperature))


@observable("subspace", kind="limit", symbol=r"E\,y_k^2", scaling=2, follows=FOLLOWS)
def frozen_variance(setting: Setting) -> Array:
    """Variance along a direction of the samples that are generated as t0 -> 0, lambda (t'_C + lambda/T)/(lambda + t'_C)."""
    return derivation()["frozen_variance"](setting.manifold.variances, _collapse(setting), setting.temperature)


def _collapse(setting: Setting) -> Array:
    """t'_C, the noise variance of the weights where generated points condense."""
    return time_where(lambda noise: _extensive("information_generated", setting, noise), setting.log_samples)


def _extensive(name: str, setting: Setting, noise: Array) -> Array:
    """A sum over directions at noise variances t' of the weights, in their shape."""
    values = derivation()[name](setting.manifold.variances, noise[..., None], setting.temperature)
    return np.asarray(values @ setting.manifold.dimensions.astype(float))


@observable("time", kind="model", symbol="P", scaling=0, follows=FOLLOWS)
def memorized_fraction(setting: Setting) -> Array:
    """The share of generated points whose weights have collapsed on one sample: P(i > log N), i Gaussian.

    The model has points where infinitely many samples would lead them, of variance (lambda + t')/T. It leaves out that with N
    samples the ODE is attracted by them, below t_C(T) above all, where the frozen variance is larger; and that i is no
    Gaussian in few directions, where it is too low (`largest_weight_generated`). At T = 1 it is
    `collapse.memorized_probability_asymptotic`.
    """
    noise = setting.temperature * setting.t
    means = (_extensive(f"{name}_generated", setting, noise) for name in ("information", "dispersion"))
    return derivation()["memorized_fraction"](*means, setting.samples)


@observable("time", kind="model", symbol=r"E\,w_{max}", scaling=0, follows=FOLLOWS, slow=True, accuracy=1e-6)
def largest_weight_generated(setting: Setting) -> Array:
    """E of the largest weight at generated points of the same model, at finite N and D.

    A sample drawn by its weight is the nearest with that probability; at T = 1, where nothing is left out, it is
    `collapse.memorized_probability`. See `theory.averages.nearest_sample` for the integral and its error.
    """
    noise = setting.temperature * setting.t
    return own_is_nearest(setting.manifold, noise, setting.samples, temperature=setting.temperature)


@observable("sample", kind="exact", symbol="P_k", scaling=0, directions=1, follows=FOLLOWS)
def sample_probabilities(setting: Setting) -> Array:
    """The probabilities with which the ODE ends on each of the samples in order, as t0 -> 0, to 1e-14 absolute.

    Phi(sqrt T Phi^-1(k/N)) - Phi(sqrt T Phi^-1((k - 1)/N)), wherever the samples are, if no two are equal. Of 10^6 at most.
    """
    N, T = setting.samples, setting.temperature
    if N > MOST_SAMPLES:
        raise ValueError(
            f"sample_probabilities gives a probability of each of {MOST_SAMPLES:,} samples at most, got N = {N}"
        )
    z = -ndtri(np.arange(1, N // 2 + 1) / N)  # of one half; the other is its mirror image
    outer = np.diff(derivation()["starts_beyond"](z, T), prepend=0.0)
    middle = derivation()["starts_within"](z[-1:], T)[: N % 2]
    return np.concatenate([outer, middle, outer[::-1]])


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "generated_variance_ode": (
        "schedule(0); normal_directions; same_for(samples); same_for(dimension); monotone(temperature, down); "
        "ordered; at(temperature, 1, lam + t); limit(time, 0, lam/T); limit(time, inf, t); slope(time, t)"
    ),
    "generated_variance_sde": (
        "schedule(0); normal_directions; same_for(samples); same_for(dimension); monotone(temperature, down); "
        "ordered; at(temperature, 1, lam + t); limit(time, 0, lam/T); limit(time, inf, t); slope(time, t)"
    ),
    "denoised_variance": (
        "schedule(0); normal_directions; same_for(samples); monotone(temperature, down); ordered; "
        "at(temperature, 1, lam**2/(lam+t)); limit(time, 0, lam/T); limit(time, inf, lam**2/(T**2*t)); "
        "equation(f*(lam+T*t)**2, lam**2*temperature.generated_variance_ode)"
    ),
    "collapse_time_generated": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "at(temperature, 1, collapse.collapse_time); "
        "equation(sum(m*(log1p(lam/(T*f)) - (1 - 1/T)*lam/(lam + T*f)))/2, logN)"
    ),
    "frozen_variance": (
        "finite; schedule(0); normal_directions; vanishing_direction; same_for(time); at_least(0); "
        "at(temperature, 1, lam); "
        "equation(f, lam**2/(T*(lam + T*temperature.collapse_time_generated)) + "
        "lam*T*temperature.collapse_time_generated/(lam + T*temperature.collapse_time_generated))"
    ),
    "memorized_fraction": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); at_most(1); monotone(samples, down); "
        "at(temperature, 1, collapse.memorized_probability_asymptotic); "
        "at_time(temperature.collapse_time_generated, 1/2); "
        "equation(f, Phi((sum(m*(log1p(lam/(T*t)) - (1 - 1/T)*lam/(lam + T*t)))/2 - logN)/sqrt(sum(m*lam*(T**2*lam + "
        "2*T**2*t + lam)/(2*T**2*(lam + T*t)**2)))))"
    ),
    "largest_weight_generated": (
        "schedule(0); normal_directions; at_least(1/N); at_most(1); monotone(samples, down); limit(time, 0, 1); "
        "limit(time, inf, 1/N); at(temperature, 1, collapse.memorized_probability)"
    ),
    "sample_probabilities": (
        "at_least(0); at_most(1); same_for(time); same_for(variance); equation(sum(f), 1); "
        "at(temperature, 1, 1/N); at(samples, 2, 1/2); "
        "at(samples, 3, sum(f**2), 2*Phi(-sqrt(T)*0.4307272992954576)**2 + (1 - 2*Phi(-sqrt(T)*0.4307272992954576))**2)"
    ),
}
