r"""KL bound: how far the distribution that the empirical score generates lies from the one the data came from.

Both densities p_t and p^_t, of the distribution and of its N samples under noise t, obey the same heat equation, so

    d/dt KL(p_t || p^_t) = -1/2 E |s - s^|^2,      KL(p_t || p^_t) = 1/2 int_t^inf E |s - s^|^2 dt',

Girsanov's bound with equality. To leading order in 1/N the score error is -(1/N) dX/dt with X = prod (1 + lambda/t), the
integral telescopes, and E KL = (X - 1)/2N. It is leading order only, and slow to set in: the average of the weight ratio
R over x is carried by rare points, where N/R samples, often fewer than one, are near and the true value is far smaller.
`rare_share` is the part of E R carried by points with fewer than ten effective samples; it bounds the relative error.
`kl_exact` is the average over data sets itself, at every N and D, from the integrals of `theory.disorder`, and
`kl_asymptotic` its limit for log N = O(D) large: nothing until the weights condense, then log Z is that of the nearest sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.averages.squared_distance import SquaredDistance
from theory.derived import derived
from theory.disorder import averages
from theory.extensive import extensive
from theory.observable import observable
from theory.predictions import collapse, condensation
from theory.setting import Setting

__all__ = [
    "LAWS",
    "caution",
    "derivation",
    "kl_asymptotic",
    "kl_exact",
    "kl_leading",
    "log_kl_leading",
    "rare_share",
    "samples_for_kl",
    "samples_trusted",
]

STATEMENT = "the mean divergence of the reverse process is (X - 1)/2N to leading order, X = prod (1 + lambda/t)"
SOURCE = "arXiv:2505.22841 (bounds); telescoped leading order, trusted range and exact value derived here"
REGIME = "N above samples_trusted, where rare_share bounds the error by 5 %; kl_exact at every N and D; Gaussian data"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.kl_bound")
FEW = 10.0  # effective samples below which the leading order fails
TRUSTED_SHARE = 0.05


@observable("time", kind="leading", symbol=r"E\,KL", of="kl_exact", scaling=0)
def kl_leading(setting: Setting) -> Array:
    """E KL(p_t || p^_t) to leading order, (X - 1)/2N, nats; infinite where float64 overflows."""
    return derivation()["kl_leading"](collapse.information(setting), setting.samples)


@observable("time", kind="exact", symbol=r"E\,KL", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def kl_exact(setting: Setting) -> Array:
    """E KL(p_t || p^_t), nats, exact at finite N and D; seconds a time where there are several subspaces.

    On trajectories E KL(p^_t || p_t), the average of log p^_t/p_t over noised samples; at the setting's point the logarithm of
    p_t/p^_t, or p^_t/p_t, there.
    """
    sign = -1 if setting.query == "trajectory" else 1
    return sign * averages(setting, "divergence")["divergence"]


@observable("time", kind="limit", symbol=r"E\,KL", of="kl_exact", scaling=0, anywhere=True)
def kl_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large, nats: 0 above t_c(x); on trajectories below it KL(posterior || prior) - log N."""
    manifold, t, critical = setting.manifold, setting.t, condensation.critical_noise_variance(setting)
    if setting.query == "trajectory":
        excess = condensation.relative_entropy(manifold, t, setting.offsets) - setting.log_samples
        return np.maximum(excess, 0.0)
    condensed = derivation()["kl_condensed"](manifold.variances, setting.squares, t[:, None], critical[:, None])
    return np.where(t < critical, np.maximum(condensed @ manifold.dimensions, 0.0), 0.0)


@observable("time", kind="leading", symbol=r"\log E\,KL", scaling=0)
def log_kl_leading(setting: Setting) -> Array:
    """log of `kl_leading`, finite where the value overflows."""
    twice = 2 * collapse.information(setting)
    return np.asarray(twice + np.log(-np.expm1(-twice)) - np.log(2) - setting.log_samples)


def caution(setting: Setting) -> str | None:
    """What to mind about the numbers of a setting, or None."""
    if setting.ensemble == "gaussian" and (rare_share(setting) > TRUSTED_SHARE).any():
        return (
            f"the leading order needs more than N = {setting.samples:g} samples at some of these times and is too large there; "
            "see samples_trusted and rare_share"
        )
    return None


@observable("time", kind="bound", symbol=r"\epsilon", scaling=0, accuracy=1e-9)
def rare_share(setting: Setting) -> Array:
    """The share of E R from points with fewer than ten effective samples, a bound on the error of `kl_leading`.

    Between 0 and 1: the measured divergence lies between (1 - rare_share) kl_leading and kl_leading. That is what
    simulation shows at every setting tried, not a theorem.
    """
    return np.array([_share_beyond(setting.log_samples - np.log(FEW), setting, t) for t in setting.t])


@observable("time", kind="bound", symbol=r"N_\epsilon", scaling=0, accuracy=1e-9)
def samples_trusted(setting: Setting) -> Array:
    """The N from which on rare_share is at most 5 %, so that `kl_leading` may be trusted to as much; infinite on overflow."""
    from scipy.optimize import brentq

    def log_size(t: float) -> float:
        scale = derivation()["log_ratio_scale"](setting.manifold.variances, t)
        end = 60 * (1 + scale @ setting.manifold.dimensions)
        start = _log_ratio_at_origin(setting, t)
        found = brentq(lambda z: _share_beyond(start + z * end, setting, t) - TRUSTED_SHARE, 0, 1, xtol=1e-15)
        return float(np.log(FEW) + start + found * end)

    with np.errstate(over="ignore"):
        return np.exp([log_size(t) for t in setting.t])


def _log_ratio_at_origin(setting: Setting, t: float) -> float:
    return float(extensive(derivation()["log_ratio_at_origin"], setting.manifold, t))


def _share_beyond(log_ratio: float, setting: Setting, t: float) -> float:
    """The share of E R from points where log R exceeds the given value."""
    excess = log_ratio - _log_ratio_at_origin(setting, t)
    if excess <= 0:
        return 1.0
    scale = derivation()["log_ratio_scale"](setting.manifold.variances, t)
    dimensions = setting.manifold.dimensions.astype(float)
    law = SquaredDistance(scale, dimensions, np.zeros((1, scale.size)))  # a sum of c chi^2 is such a law
    return float(-np.expm1(law.log_cdf(np.array([[excess]]))[0, 0]))


def samples_for_kl(setting: Setting, epsilon: float) -> Array:
    """The N at which E KL(p_t || p^_t) falls to epsilon nats, stopping the reverse process early at t.

    Returns:
        shape (T,).

    Raises:
        ValueError: unless epsilon is positive and finite.
    """
    if not (np.isfinite(epsilon) and epsilon > 0):
        raise ValueError(f"the wanted divergence must be positive and finite, in nats, got {epsilon}")
    return derivation()["samples_for_kl"](collapse.information(setting), epsilon)


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "kl_leading": (
        "schedule(0); normal_directions; vanishing_direction; power(samples, -1); data_processing; at_least(0); "
        "limit(time, inf, sum(m*lam)/(2*N*t)); slope(time, -t*sum(m*score_covariance.noise_variance_annealed)/2)"
    ),
    "kl_exact": (
        "schedule(0); normal_directions; at_least(0); data_processing; monotone(samples, down); "
        "at_most(kl_bound.kl_leading); limit(time, inf, sum(m*lam)/(2*N*t))"
    ),
    "kl_asymptotic": (
        "schedule(0); normal_directions; vanishing_direction; at_least(0); data_processing; "
        "monotone(samples, down); slope(time, -t*sum(m/(lam+t)/subspace_loss.signal_to_noise_asymptotic)/2)"
    ),
    "log_kl_leading": (
        "finite; schedule(0); normal_directions; vanishing_direction; data_processing; "
        "equation(f, log(kl_bound.kl_leading)); slope(time, -sum(m*lam/(lam+t))/-expm1(-sum(m*log1p(lam/t))))"
    ),
    "rare_share": (
        "schedule(0); normal_directions; at_least(0); at_most(1); monotone(samples, down); "
        "on_a_line(erfc(sqrt(larger(0, logN - log(10) - log1p(lam/t) + log1p(2*lam/t)/2)*t/(2*lam)))); "
        "at_samples(kl_bound.samples_trusted, 0.05)"
    ),
    "samples_trusted": (
        "schedule(0); normal_directions; same_for(samples); monotone(time, down); at_least(10); "
        "on_a_line(10*exp(2*lam/t*1.3859038243496777**2)*(1 + lam/t)/sqrt(1 + 2*lam/t)); "
        "crosses(kl_bound.rare_share, 0.05, samples)"
    ),
}
