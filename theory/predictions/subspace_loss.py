r"""Subspace loss: the times, and data set sizes, at which the empirical score loses each tangent subspace.

Subspace k is lost when its score is no louder than the noise on it, SNR_k = E s_k^2 / E (s^_k - s_k)^2 = 1. With the noise
of score_covariance that is N = N_k(t), in the average over fresh x (annealed) or at a typical x,

    annealed  N_k = (lambda_k / t) prod_j (1 + lambda_j / t)^m_j,
    typical   N_k = lambda_k (lambda_k + t) / (t (2 lambda_k + t)) exp(sum_j m_j E log R_j).

Rare points dominate the annealed noise, so that with few directions the truth lies between. With ten or more it lies below
both: once the weights condense the noise is bounded, and the order 1/N knows no bound. The published times, from a random
energy model with Gaussian energies (arXiv:2410.08727), are kept under their own name: far from the truth at moderate N,
because the lower tail of the energy, a squared distance, is far from Gaussian. `signal_to_noise` and `loss_time_exact` are
exact at every N and D: `theory.disorder` has the average of the noise over data sets. Their limit for log N = O(D) large is
that of condensed weights,

    E |m^_k - m_k|^2 = (m_{t_c} - m_t)^2 + (1 - t/t_c) c_{t_c},      m_t, c_t the posterior's mean and variance,

per direction: the samples with the weight are spread like the posterior at the condensation time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.disorder import averages
from theory.extensive import extensive, rising_root, time_where
from theory.formula import Formula
from theory.observable import observable
from theory.predictions import collapse, condensation, score_covariance
from theory.setting import ENSEMBLES, Setting

__all__ = [
    "LAWS",
    "critical_samples_annealed",
    "critical_samples_typical",
    "derivation",
    "log_critical_samples_annealed",
    "log_critical_samples_typical",
    "loss_time_annealed",
    "loss_time_asymptotic",
    "loss_time_exact",
    "loss_time_published",
    "loss_time_typical",
    "signal_to_noise",
    "signal_to_noise_asymptotic",
]

STATEMENT = "the score loses its subspaces one by one, those of high variance first"
SOURCE = "arXiv:2410.08727 (published times); signal to noise, annealed and typical times derived here"
REGIME = "signal_to_noise, loss_time_exact: exact, Gaussian data; annealed and typical: few directions; published: sphere too"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.subspace_loss")
ACCURACY = 1e-4  # of `loss_time_exact`
ASIDE = 3e-3  # in log t
NEWTON = 5  # steps, of which one is enough but where rough averages are far off


@observable("subspace", kind="leading", symbol="t_k", of="loss_time_exact", scaling=2)
def loss_time_annealed(setting: Setting) -> Array:
    """The time where N = critical_samples_annealed, in the setting's schedule."""
    return _loss_time(setting, *_annealed())


@observable("subspace", kind="leading", symbol="t_k", of="loss_time_exact", scaling=2)
def loss_time_typical(setting: Setting) -> Array:
    """The time where N = critical_samples_typical, in the setting's schedule."""
    return _loss_time(setting, *_typical())


@observable("subspace", kind="published", symbol="t_k", of="loss_time_exact", scaling=2, ensembles=ENSEMBLES)
def loss_time_published(setting: Setting) -> Array:
    """The published time, arXiv:2410.08727: Gaussian random energy model at x = sqrt(t) e_i; either ensemble."""
    squares = setting.manifold.dimensions @ setting.manifold.variances**2
    g = 1.0 if setting.ensemble == "gaussian" else 0.0
    found = derivation()["published"](setting.manifold.variances, squares, setting.samples, g)
    return np.asarray(setting.schedule.time(found))


@observable("time", "subspace", kind="leading", symbol="N_k", scaling=0)
def critical_samples_annealed(setting: Setting) -> Array:
    """N_k(t): below it subspace k is lost at time t, averaged over fresh x; infinite where float64 overflows."""
    with np.errstate(over="ignore"):
        return np.exp(log_critical_samples_annealed(setting))


@observable("time", "subspace", kind="leading", symbol="N_k", scaling=0)
def critical_samples_typical(setting: Setting) -> Array:
    """N_k(t): below it subspace k is lost at time t, at a typical fresh x; infinite where float64 overflows."""
    with np.errstate(over="ignore"):
        return np.exp(log_critical_samples_typical(setting))


@observable("time", "subspace", kind="leading", symbol=r"\log N_k", scaling=0)
def log_critical_samples_annealed(setting: Setting) -> Array:
    """log of `critical_samples_annealed`."""
    return _log_critical_samples(setting, setting.t, *_annealed())


@observable("time", "subspace", kind="leading", symbol=r"\log N_k", scaling=0)
def log_critical_samples_typical(setting: Setting) -> Array:
    """log of `critical_samples_typical`."""
    return _log_critical_samples(setting, setting.t, *_typical())


@observable(
    "time", "subspace", kind="exact", symbol=r"\mathrm{SNR}_k", scaling=0, anywhere=True, slow=True, accuracy=1e-6
)
def signal_to_noise(setting: Setting) -> Array:
    """E s_k^2 / E (s^_k - s_k)^2, exact at finite N and D; seconds a time where there are several subspaces.

    Fresh points or trajectories, averaged over x or at the setting's point.
    """
    return _signal(setting) / averages(setting, "mean_error")["mean_error"]


@observable("time", "subspace", kind="limit", symbol=r"\mathrm{SNR}_k", of="signal_to_noise", scaling=0, anywhere=True)
def signal_to_noise_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: infinite above t_c(x), where the noise is exponentially small in D.

    On trajectories below t_c m^ is the own sample, and the noise the variance of the posterior.
    """
    with np.errstate(divide="ignore"):
        return _signal(setting) / _noise_asymptotic(setting)


def _noise_asymptotic(setting: Setting) -> Array:
    """t^2 times the limit of E (s^_k - s_k)^2, all directions of a subspace together, shape (T, K)."""
    manifold, t = setting.manifold, setting.t[:, None]
    critical = condensation.critical_noise_variance(setting)[:, None]
    if setting.query == "trajectory":
        condensed = manifold.variances * t / (manifold.variances + t)
    else:
        condensed = derivation()["noise_condensed"](manifold.variances, setting.squares, t, critical)
    return np.where(t < critical, condensed * manifold.dimensions, 0.0)


@observable("subspace", kind="exact", symbol="t_k", scaling=2, anywhere=True, slow=True, accuracy=ACCURACY)
def loss_time_exact(setting: Setting) -> Array:
    """The time where `signal_to_noise` passes 1, to 1e-4 of itself; NaN where it does not, as at points near the mean."""
    typical, annealed = (_loss_time(setting.at(schedule="ve"), *kind) for kind in (_typical(), _annealed()))

    def lost(log_t: float, k: int, accuracy: float) -> float:
        """log of the signal-to-noise ratio, which rises with t."""
        at = setting.at(times=setting.schedule.time(np.exp([log_t])))
        return float(np.log(_signal(at) / averages(at, "mean_error", accuracy=accuracy)["mean_error"])[0, k])

    between = np.log(typical * annealed) / 2
    found = [_root(partial(lost, k=k), log_t) for k, log_t in enumerate(between)]
    return np.asarray(setting.schedule.time(np.exp(found)))


def _root(rising: Callable[..., float], first: float) -> float:
    """Where a function of some accuracy passes 0: first roughly, which takes a fifth as long, then by Newton's steps."""
    found, slope = rising_root(partial(rising, accuracy=np.inf), first, ASIDE)
    if np.isnan(found):
        return found
    for _ in range(NEWTON):
        step = rising(found, accuracy=ACCURACY) / slope
        found -= step
        if abs(step) < 2 * ASIDE:  # then what the slope is off by is nothing
            break
    return found


@observable("subspace", kind="limit", symbol="t_k", of="loss_time_exact", scaling=2, anywhere=True)
def loss_time_asymptotic(setting: Setting) -> Array:
    """The time where `signal_to_noise_asymptotic` passes 1, below the condensation time.

    NaN at a point in a schedule that contracts, where x moves with time.
    """
    if setting.point and (setting.alpha != 1).any():
        return np.full(setting.manifold.dimensions.size, np.nan)

    def share_of_noise(t: Array) -> Array:
        at = setting.at(times=t, schedule="ve")  # one for each subspace
        signal, noise = _signal(at), _noise_asymptotic(at)
        return np.diagonal(noise / (signal + noise))

    half = np.full(setting.manifold.dimensions.size, 0.5)
    return np.asarray(setting.schedule.time(time_where(share_of_noise, half)))


def _signal(setting: Setting) -> Array:
    """t^2 E s_k^2, all directions of a subspace together, shape (T, K)."""
    variances, t = setting.manifold.variances, setting.t[:, None]
    return np.asarray(setting.offsets * (t / (variances + t)) ** 2)


def _annealed() -> tuple[Formula, Callable[[Setting, Array], Array]]:
    information = collapse.derivation()["information"]
    return derivation()["annealed_factor"], lambda s, t: 2 * extensive(information, s.manifold, t)


def _typical() -> tuple[Formula, Callable[[Setting, Array], Array]]:
    log_R = score_covariance.derivation()["log_weight_ratio_typical"]
    return derivation()["typical_factor"], lambda s, t: extensive(log_R, s.manifold, t)


def _log_critical_samples(
    setting: Setting, t: Array, factor: Formula, log_common: Callable[[Setting, Array], Array]
) -> Array:
    """log N_k at each t, shape (T, K)."""
    return np.log(factor(setting.manifold.variances, t[:, None])) + log_common(setting, t)[:, None]


def _loss_time(setting: Setting, factor: Formula, log_common: Callable[[Setting, Array], Array]) -> Array:
    variances = setting.manifold.variances  # a time for each

    def log_size(t: Array) -> Array:
        return np.log(factor(variances, t)) + log_common(setting, t)

    found = time_where(log_size, np.full_like(variances, setting.log_samples))
    return np.asarray(setting.schedule.time(found))


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "loss_time_annealed": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "ordered; crosses(subspace_loss.log_critical_samples_annealed, logN)"
    ),
    "loss_time_typical": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "ordered; crosses(subspace_loss.log_critical_samples_typical, logN)"
    ),
    "loss_time_published": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "ordered; equation((4*logN*f - lam)**2, lam**2 + 4*g*logN*sum(m*lam**2))"
    ),
    "critical_samples_annealed": (
        "schedule(0); normal_directions; vanishing_direction; same_for(samples); monotone(time, down); ordered; "
        "at_least(0); equation(f, exp(subspace_loss.log_critical_samples_annealed))"
    ),
    "critical_samples_typical": (
        "schedule(0); normal_directions; vanishing_direction; same_for(samples); monotone(time, down); ordered; "
        "at_least(0); equation(f, exp(subspace_loss.log_critical_samples_typical))"
    ),
    "log_critical_samples_annealed": (
        "schedule(0); normal_directions; vanishing_direction; same_for(samples); monotone(time, down); ordered; "
        "equation(f - logN, log(score_covariance.noise_variance_annealed*(lam+t))); "
        "slope(time, -1 - sum(m*lam/(lam+t)))"
    ),
    "log_critical_samples_typical": (
        "schedule(0); normal_directions; vanishing_direction; same_for(samples); monotone(time, down); "
        "at_most(subspace_loss.log_critical_samples_annealed); ordered; "
        "equation(logN - f, log(score_covariance.effective_samples_typical*t*(2*lam+t)/(lam*(lam+t)))); "
        "slope(time, t/(lam+t) - 1 - t/(2*lam+t) - sum(m*(lam/(lam+t) - lam/(2*lam+t) + lam*t/(2*lam+t)**2)))"
    ),
    "signal_to_noise": (
        "schedule(0); normal_directions; at_least(0); monotone(samples, up); limit(time, inf, N*t/lam)"
    ),
    "signal_to_noise_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); monotone(samples, up); "
        "slope_of(kl_bound.kl_asymptotic, time, -t*sum(m/(lam+t)/f)/2)"
    ),
    "loss_time_exact": (
        "schedule(time); same_for(time); monotone(samples, down); crosses(subspace_loss.signal_to_noise, 1)"
    ),
    "loss_time_asymptotic": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "crosses(subspace_loss.signal_to_noise_asymptotic, 1); at_most(collapse.collapse_time)"
    ),
}
