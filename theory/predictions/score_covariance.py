r"""Score covariance: how the score of N samples scatters about the score of the distribution.

The empirical score is a ratio of two averages over the data, s^ = (sum g y / sum g - x)/t with g = exp(-|x-y|^2/2t). The
delta method makes it Gaussian for large N,

    sqrt(N) (s^ - s) -> N(0, S_t(x)),      S_t(x) = E[g^2 (y - m)(y - m)^T] / (t^2 (E g)^2),     m = E[y | x],

and since g^2 is the same weight at half the noise variance, S_t(x) is a **PCA of the data re-weighted with t/2**, times
N over the effective number of samples N/R at x. It holds for any data; here for the linear manifold in closed
form, and for a mixture of Gaussians, of which a data set is the case of zero widths.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from theory.derived import derived
from theory.extensive import extensive
from theory.observable import observable
from theory.predictions import collapse
from theory.setting import LinearManifold, Setting

__all__ = [
    "LAWS",
    "caution",
    "correlation_length",
    "covariance",
    "derivation",
    "effective_samples_annealed",
    "effective_samples_typical",
    "kernel",
    "log_chi_square_factor",
    "log_weight_ratio",
    "mixture_covariance",
    "noise_variance_annealed",
    "reweighted_pca",
]

STATEMENT = "the covariance of the empirical score is a PCA of the data re-weighted with half the noise variance"
SOURCE = "arXiv:2505.22841; closed forms, two-point kernel and annealed averages derived here"
REGIME = "N large against the weight ratio R(x), any data law; closed forms for Gaussian data"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.score_covariance")


def caution(setting: Setting) -> str | None:
    """What to mind about the numbers of a setting, or None."""
    if setting.ensemble == "gaussian" and (effective_samples_annealed(setting) < 10).any():
        return "fewer than ten samples are effective at some of these times: the central limit theorem is out of its range there"
    return None


@observable("time", kind="leading", symbol=r"N e^{-E \log R}", scaling=0)
def effective_samples_typical(setting: Setting) -> Array:
    """N exp(-E log R): the samples that count at a typical fresh x ~ p_t."""
    return _effective(setting, "log_weight_ratio_typical")


@observable("time", kind="leading", symbol=r"N / E R", scaling=0)
def effective_samples_annealed(setting: Setting) -> Array:
    """N / E R = N / prod (1 + lambda/t): the effective number in the average over fresh x ~ p_t."""
    return np.asarray(setting.samples * np.exp(-log_chi_square_factor(setting)))


@observable("time", "subspace", kind="leading", symbol=r"E (\hat s_k - s_k)^2", scaling=-2)
def noise_variance_annealed(setting: Setting) -> Array:
    """E (s^_k - s_k)^2 of one score component in subspace k, averaged over data and fresh x: CLT order.

    In the units of the setting's schedule, whose score is the variance exploding one divided by alpha.
    """
    share = derivation()["noise_share"](setting.manifold.variances, setting.t[:, None])
    with np.errstate(over="ignore"):
        factor = np.exp(log_chi_square_factor(setting) - setting.log_samples)
        return np.asarray(share * (factor / setting.alpha**2)[:, None])


@observable("time", "subspace", kind="leading", symbol=r"\ell_k", scaling=1)
def correlation_length(setting: Setting) -> Array:
    """The distance along a direction of subspace k over which the score noise decorrelates, data units (times alpha)."""
    return setting.alpha[:, None] * derivation()["correlation_length"](setting.manifold.variances, setting.t[:, None])


def log_chi_square_factor(setting: Setting) -> Array:
    """log X(t) = sum log(1 + lambda/t), shape (T,)."""
    return 2 * collapse.information(setting)


def log_weight_ratio(x: ArrayLike, t: float, manifold: LinearManifold) -> Array:
    """Sum over directions of log R at points x, shape (..., D) in principal axes: N_eff(x) = N exp(-this).

    Returns:
        shape (...).
    """
    x, m = _coordinates(x, t, manifold)
    return np.asarray(derivation()["log_weight_ratio"](manifold.spectrum[:m], x[..., :m] ** 2, t).sum(axis=-1))


def covariance(x: ArrayLike, t: float, manifold: LinearManifold) -> Array:
    """S_t(x), the limit of N Cov(s^(x)), for Gaussian data; x shape (D,) in principal axes.

    Returns:
        shape (D, D).
    """
    d = derivation()
    x, m = _coordinates(x, t, manifold, one=True)
    lams = manifold.spectrum[:m]
    S = np.zeros((x.size, x.size))
    shift = d["shift"](lams, t) * x[:m]
    S[:m, :m] = np.diag(d["spread"](lams, t)) + np.outer(shift, shift)
    return np.asarray(S * np.exp(log_weight_ratio(x, t, manifold)) / t**2)


def kernel(x: ArrayLike, other: ArrayLike, t: float, manifold: LinearManifold) -> Array:
    """N G_t(x, x'): the limit of N E[(s^_k(x) - s_k)(s^_k(x') - s_k)] for each direction k; x, x' shape (D,).

    Returns:
        shape (D,).
    """
    d = derivation()
    x, m = _coordinates(x, t, manifold, one=True)
    other, _ = _coordinates(other, t, manifold, one=True)
    at = manifold.spectrum[:m], ((x + other) / 2)[:m], (other - x)[:m], t
    normal = np.exp(-((other - x)[m:] ** 2).sum() / (4 * t))
    G = np.zeros(x.size)
    G[:m] = d["pair"](*at) * np.exp(d["log_overlap"](*at).sum()) * normal / t**2
    return G


def mixture_covariance(
    x: ArrayLike, t: float, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike | None = None
) -> Array:
    """S_t(x) for a mixture of A Gaussians; without covariances, for the discrete distribution on the means.

    With the samples of a data set as means and equal weights this is the plug-in estimate of S_t(x).

    Args:
        x: shape (D,).
        t: noise variance.
        weights: shape (A,), summing to one.
        means: shape (A, D).
        covariances: shape (A, D, D).

    Returns:
        shape (D, D).

    Raises:
        ValueError: for shapes that do not fit, weights that do not sum to one, and what is not finite or positive.
    """
    return reweighted_pca(x, t, t / 2, weights, means, covariances)


def reweighted_pca(
    x: ArrayLike,
    t: float,
    noise: float,
    weights: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike | None = None,
) -> Array:
    """`mixture_covariance` with the data re-weighted at another noise variance: S_t(x) at t/2, its control at t."""
    x, weights, means = (np.asarray(a, dtype=np.float64) for a in (x, weights, means))
    fits = x.ndim == 1 and means.shape[1:] == x.shape
    _require(fits, "x must have shape (D,) and means (A, D)", f"{x.shape} and {means.shape}")
    _require(weights.shape == means.shape[:1], f"weights must have shape ({len(means)},)", weights.shape)
    if covariances is None:
        covariances = np.zeros((1, x.size, x.size))
    covariances = np.asarray(covariances, dtype=np.float64)
    fits = covariances.shape[1:] == 2 * x.shape and len(covariances) in (1, len(means))
    _require(fits, f"covariances must have shape {means.shape + x.shape}", covariances.shape)
    for name, values in (("x", x), ("means", means), ("covariances", covariances)):
        _require(np.isfinite(values).all(), f"{name} must be finite", "NaN or infinite entries")
    _require((weights >= 0).all() and abs(weights.sum() - 1) < 1e-8, "weights must be >= 0 and sum to one", weights)
    for name, variance in (("t", t), ("noise", noise)):
        _require(np.isfinite(variance) and variance > 0, f"{name} must be a positive and finite variance", variance)
    with np.errstate(divide="ignore"):  # a weight may be zero
        parts = np.log(weights), means, covariances
    log_p, centre, _ = _posterior(x, t, *parts)
    log_half, _, _ = _posterior(x, t / 2, *parts)
    _, centre_noise, spread = _posterior(x, noise, *parts)
    shift = centre_noise - centre
    log_factor = log_half - 2 * log_p - x.size / 2 * np.log(4 * np.pi * t)
    return np.asarray(np.exp(log_factor) / t**2 * (spread + np.outer(shift, shift)))


def _posterior(x: Array, t: float, log_weights: Array, means: Array, covariances: Array) -> tuple[float, Array, Array]:
    """log p_t(x), and mean and covariance of the clean sample given x, for a mixture of Gaussians."""
    noisy = covariances + t * np.eye(x.size)
    gain = np.linalg.solve(noisy, covariances)  # (C + t)^-1 C, which commutes
    offset = x - means
    scaled = np.linalg.solve(noisy, offset[..., None])[..., 0]
    log_norm = np.linalg.slogdet(2 * np.pi * noisy)[1]
    log_joint = log_weights - ((offset * scaled).sum(axis=-1) + log_norm) / 2
    log_p = logsumexp(log_joint)
    r = np.exp(log_joint - log_p)
    centres = means + np.einsum("aij,aj->ai", np.broadcast_to(gain, (len(means), *gain.shape[1:])), offset)
    centre = r @ centres
    inner = np.einsum("a,aij->ij", r, np.broadcast_to(t * gain, (len(means), *gain.shape[1:])))
    away = centres - centre
    return float(log_p), centre, inner + np.einsum("a,ai,aj->ij", r, away, away)


def _coordinates(x: ArrayLike, t: float, manifold: LinearManifold, *, one: bool = False) -> tuple[Array, int]:
    x = np.asarray(x, dtype=np.float64)
    size = manifold.ambient_dimension
    fits = x.shape == (size,) if one else x.shape[-1:] == (size,)
    place = "be one point of" if one else "end in"
    _require(fits, f"x must {place} {size} coordinates in principal axes", f"shape {x.shape}")
    _require(np.isfinite(x).all(), "x must be finite", "NaN or infinite entries")
    _require(np.isfinite(t) and t > 0, "t must be a positive and finite noise variance", t)
    return x, manifold.intrinsic_dimension


def _require(holds: Any, what: str, got: Any) -> None:
    if not holds:
        raise ValueError(f"{what}, got {got}")


def _effective(setting: Setting, formula: str) -> Array:
    return np.asarray(setting.samples * np.exp(-extensive(derivation()[formula], setting.manifold, setting.t)))


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "effective_samples_typical": (
        "schedule(0); power(samples, 1); monotone(time, up); at_most(N); "
        "at_least(score_covariance.effective_samples_annealed); limit(time, inf, N); "
        "slope(time, f*sum(m*(lam/(lam+t) - lam/(2*lam+t) + lam*t/(2*lam+t)**2)))"
    ),
    "effective_samples_annealed": (
        "schedule(0); power(samples, 1); monotone(time, up); at_most(N); limit(time, inf, N); "
        "slope(time, f*sum(m*lam/(lam+t)))"
    ),
    "noise_variance_annealed": (
        "schedule(-2); power(samples, -1); monotone(time, down); ordered; at_least(0); "
        "limit(time, inf, lam/(N*t**2)); slope_of(kl_bound.kl_leading, time, -t*sum(m*f)/2)"
    ),
    "correlation_length": (
        "schedule(1); same_for(samples); same_for(dimension); monotone(time, up); limit(time, 0, sqrt(2*t)); "
        "limit(time, inf, sqrt(2/lam)*t); equation(f**2*lam/t, 2*(lam+t))"
    ),
}
