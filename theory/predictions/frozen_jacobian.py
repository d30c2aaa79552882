r"""Frozen Jacobian: which directions does the Jacobian of the empirical score keep once the weights have condensed?

The Jacobian is J^ = -1/t + C^/t^2, C^ the covariance of the samples under their weights. Along a direction of variance
lambda at fresh x, for log N = O(D) large,

    E C^ = lambda t / (lambda + t)      above the condensation time t_c,
    E C^ = lambda t / (lambda + t_c)    below it:

a share t/t_c of the variance at t_c, for so much of the weight is not on one sample. So E t J^ = -t_c/(lambda + t_c) is
frozen at x, and D + t tr J^, the usual estimate of the dimension, with it. Typical x ~ p_t come closer to the data as t falls,
and with them t_c(x) falls from the collapse time to t_c of clean points: averaged over x both still drift. Directions of
lambda below that of clean points never show: those of low variance are lost first as N falls, where the score loses those
of high variance first (subspace_loss). At any N and D E C^ is an integral, which `theory.disorder` evaluates.

It is the average that freezes. At most x one sample has all the weight; at a share of order t/t_c of them a few samples
have it, and these x carry the average. So the eigenvalues of one J^ are not those of E J^.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.disorder import averages
from theory.observable import observable
from theory.predictions import condensation
from theory.setting import Setting

__all__ = [
    "LAWS",
    "derivation",
    "estimated_dimension",
    "estimated_dimension_asymptotic",
    "log_critical_samples_jacobian",
    "retained_variance",
    "retained_variance_asymptotic",
]

STATEMENT = "below the condensation time the mean Jacobian of the score freezes; it never shows directions of variance below t_c"
SOURCE = (
    "arXiv:2410.08727, arXiv:2410.05898 (Jacobian spectrum, estimated dimension); frozen values, their order and exact averages "
    "at finite N and D derived here"
)
REGIME = "retained_variance, estimated_dimension: exact at every N and D, Gaussian data; frozen values: log N = O(D), mean over x"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.frozen_jacobian")


@observable("time", "subspace", kind="exact", symbol=r"E\,\hat C_k", scaling=2, anywhere=True, slow=True, accuracy=1e-6)
def retained_variance(setting: Setting) -> Array:
    """E tr C^_k / m_k, data units squared: the variance under the weights along a direction, exact at finite N and D."""
    return averages(setting, "spread")["spread"] / setting.manifold.dimensions


@observable("time", "subspace", kind="limit", symbol=r"E\,\hat C_k", of="retained_variance", scaling=2, anywhere=True)
def retained_variance_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: lambda t/(lambda + max(t, t_c(x))) at fresh x; on trajectories 0 below t_c."""
    critical = condensation.critical_noise_variance(setting)
    later = np.maximum(setting.t, critical)
    found = derivation()["retained_variance_asymptotic"](setting.manifold.variances, setting.t[:, None], later[:, None])
    if setting.query == "trajectory":
        return np.where((setting.t < critical)[:, None], 0.0, found)
    return found


@observable("time", kind="exact", symbol=r"E\,\hat d", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def estimated_dimension(setting: Setting) -> Array:
    """E tr C^/t = D + t E tr J^, exact at finite N and D."""
    return _dimension(setting, retained_variance(setting))


@observable("time", kind="limit", symbol=r"E\,\hat d", of="estimated_dimension", scaling=0, anywhere=True)
def estimated_dimension_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large."""
    return _dimension(setting, retained_variance_asymptotic(setting))


def _dimension(setting: Setting, variance: Array) -> Array:
    return variance @ setting.manifold.dimensions / setting.t


@observable("subspace", kind="limit", symbol=r"\log N_k", scaling=0)
def log_critical_samples_jacobian(setting: Setting) -> Array:
    """log N_k = KL(lambda_k) at a clean point: with fewer samples E C^_k/t stays below 1/2 at every t, limit, typical fresh x."""
    manifold = setting.manifold
    return condensation.relative_entropy(manifold, manifold.variances, manifold.dimensions * manifold.variances)


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "retained_variance": (
        "schedule(0); normal_directions; at_least(0); at_most((N-1)/N*lam); monotone(time, up); "
        "monotone(samples, up); limit(time, inf, (N-1)/N*lam)"
    ),
    "retained_variance_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); at_most(lam*t/(lam+t)); "
        "monotone(time, up); monotone(samples, up); ordered; limit(time, inf, lam); "
        "equation(f*(lam + t/(1 - condensation.participation_asymptotic)), lam*t)"
    ),
    "estimated_dimension": (
        "schedule(0); normal_directions; at_least(0); equation(f*t, sum(m*frozen_jacobian.retained_variance)); "
        "limit(time, inf, (N-1)/N*sum(m*lam)/t)"
    ),
    "estimated_dimension_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); at_most(d); monotone(samples, up); "
        "equation(f*t, sum(m*frozen_jacobian.retained_variance_asymptotic)); limit(time, inf, sum(m*lam)/t)"
    ),
    "log_critical_samples_jacobian": (
        "schedule(0); normal_directions; vanishing_direction; same_for(time); same_for(samples); at_least(0); "
        "equation(f, over(mj*(log1p(lamj/pairs(lam)) - lamj*pairs(lam)/(lamj + pairs(lam))**2))/2)"
    ),
}
