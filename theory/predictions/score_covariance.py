r"""Score covariance: how the score of N samples scatters about the score of the distribution.

The empirical score is a ratio of two averages over the data, s^ = (sum g y / sum g - x)/t with g = exp(-|x-y|^2/2t). The
delta method makes it Gaussian for large N,

    sqrt(N) (s^ - s) -> N(0, S_t(x)),      S_t(x) = E[g^2 (y - m)(y - m)^T] / (t^2 (E g)^2),     m = E[y | x],

and since g^2 is the same weight at half the noise variance, S_t(x) is a **PCA of the data re-weighted with t/2**, times
N over the effective number of samples N/R at x. It holds for any data; here for the linear manifold in closed
form, and for a mixture of Gaussians, of which a data set is the case of zero widths.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, q, t, x, y
from theory.derivation import Derivation
from theory.extensive import extensive
from theory.observable import observable
from theory.predictions import collapse
from theory.setting import LinearManifold, Setting

__all__ = [
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


@cache
def derivation() -> Derivation:
    """From the delta method to the covariance, its averages over x, and the two-point kernel."""
    d = Derivation(
        "score_covariance",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y; g = exp(-(x-y)^2/2t); for the closed forms y ~ N(0, lambda) in each direction, lambda, t > 0",
    )
    _delta_method(d)
    half_noise = -((x - y) ** 2) / t
    d.compute(
        "the squared weight is the weight at half the noise",
        r"\mathcal{N}(x-y; t)^2",
        gaussian.density(x - y, t) ** 2,
        gaussian.density(x - y, t / 2) / sp.sqrt(4 * sp.pi * t),
        "compared with N(x-y; t/2) / sqrt(4 pi t): averages with g^2 are averages over the posterior at noise t/2",
    )
    d.conclude(
        "re-weighted PCA",
        "S_t(x)",
        r"(4 \pi t)^{-D/2}\, p_{t/2}(x)\, E[(y - m)(y - m)^T \mid x_{t/2} = x] \,/\, (t\, p_t(x))^2",
        "the two lines above together, D directions, any data law; m = E[y | x_t = x]",
    )
    A = [gaussian.mean(y**n, y, lam, half_noise / 2) for n in range(2)]
    B = [gaussian.mean(y**n, y, lam, half_noise) for n in range(3)]
    p, p_half = gaussian.density(x, lam + t), gaussian.density(x, lam + t / 2)
    log_R = d.compute(
        "weight ratio",
        r"\log R",
        gaussian.log_terms(sp.log(B[0]) - 2 * sp.log(A[0])),
        sp.log(p_half / (p**2 * sp.sqrt(4 * sp.pi * t))),
        "R = E g^2 / (E g)^2, one direction; N / prod R samples are effective at x; compared with p_{t/2} / p_t^2",
    )
    spread = d.compute(
        "re-weighted variance",
        "v",
        sp.factor(B[2] / B[0] - (B[1] / B[0]) ** 2),
        1 / (1 / lam + 2 / t),
        "variance of y under weight g^2; compared with precisions adding up at noise t/2",
    )
    shift = d.compute(
        "re-weighted shift",
        r"\delta",
        sp.factor(B[1] / B[0] - A[1] / A[0]),
        x * lam / (lam + t / 2) - x * lam / (lam + t),
        "mean of y under g^2 minus mean under g; compared with the posterior means at t/2 and t",
    )
    log_ratio = _stable_log(log_R)
    d.result("log_weight_ratio", log_ratio.subs(x**2, q), lam, q, t)
    d.result("spread", spread, lam, t)
    d.result("shift", sp.simplify(shift / x), lam, t)
    typical = d.compute(
        "typical weight ratio",
        r"E_x \log R",
        _stable_log(gaussian.mean(log_R, x, lam + t)),
        log_ratio.subs(x**2, lam + t),
        "average over a fresh x ~ N(0, lambda + t); log R is linear in x^2",
    )
    d.result("log_weight_ratio_typical", typical, lam, t)
    at_0 = log_R.subs(x, 0)

    def annealed(f: sp.Expr) -> sp.Expr:
        return sp.exp(at_0) * gaussian.mean(f, x, lam + t, log_R - at_0)

    by_x_first = gaussian.log_terms(sp.log(gaussian.integral(sp.Integer(1), half_noise + x**2 / (2 * (lam + t)), x)))
    other_route = sp.exp(by_x_first.subs(y, 0)) * gaussian.mean(
        sp.Integer(1), y, lam, by_x_first - by_x_first.subs(y, 0)
    )
    ratio = d.compute(
        "annealed weight ratio",
        r"E_x R",
        sp.expand(_exp_of_logs(sp.log(annealed(sp.Integer(1))))),
        other_route * sp.sqrt(2 * sp.pi * (lam + t)) / (2 * sp.pi * t),
        "average over a fresh x; compared with int dy p_0(y) int dx N(x-y; t)^2 / p_t(x), x integrated first",
    )
    noise = d.compute(
        "annealed score noise",
        r"E_x[R\,(v + \delta^2)] / (t^2 E_x R)",
        sp.factor(_exp_of_logs(sp.log(annealed(spread + shift**2) / t**2 / ratio))),
        -sp.diff(sp.log(ratio), t),
        "share of one direction; compared with -d log E_x R / dt, which kl_bound will telescope",
    )
    d.result("noise_share", noise, lam, t)
    _two_points(d)
    return d


def _delta_method(d: Derivation) -> None:
    a, b, m_ = sp.symbols("a b m", real=True)
    g0 = sp.Symbol("g_0", positive=True)
    e = sp.Symbol("epsilon", real=True)
    d.compute(
        "delta method",
        r"\frac{d}{d\epsilon} \frac{m g_0 + \epsilon a}{g_0 + \epsilon b}, \epsilon = 0",
        sp.factor(sp.diff((m_ * g0 + e * a) / (g0 + e * b), e).subs(e, 0)),
        (a - m_ * b) / g0,
        "numerator and denominator fluctuate by a = mean(g y) - E g y and b = mean(g) - E g of order N^-1/2; to that "
        "order t (s^ - s) = mean(g (y - m)) / E g, so N Cov = E[g^2 (y-m)(y-m)^T] / (t E g)^2",
    )


def _two_points(d: Derivation) -> None:
    centre, gap = sp.symbols("c h", real=True)
    ends = (centre - gap / 2, centre + gap / 2)
    weight = sum(-((e - y) ** 2) / (2 * t) for e in ends)
    d.equal(
        "two weights are one at the midpoint",
        sp.exp(weight),
        sp.exp(-(gap**2) / (4 * t)) * sp.exp(-((centre - y) ** 2) / t),
        "the same re-weighting with t/2, about the midpoint c of x = c - h/2 and x' = c + h/2",
    )
    A = [[gaussian.mean(y**n, y, lam, -((e - y) ** 2) / (2 * t)) for n in range(2)] for e in ends]
    B = [gaussian.mean(y**n, y, lam, weight) for n in range(3)]
    overlap = gaussian.log_terms(sp.log(B[0]) - sp.log(A[0][0]) - sp.log(A[1][0]))
    left, right = (a[1] / a[0] for a in A)
    p = [gaussian.density(e, lam + t) for e in ends]
    overlap = d.compute(
        "overlap of two points",
        r"\log \frac{E g g'}{E g\, E g'}",
        overlap,
        sp.log(gaussian.density(gap, 2 * t) * gaussian.density(centre, lam + t / 2) / (p[0] * p[1])),
        "compared with N(h; 0, 2t) p_{t/2}(c) / (p_t(x) p_t(x'))",
    )
    b = B[1] / B[0]
    pair = d.compute(
        "covariance kernel",
        r"E[g g' (y - m)(y - m')] / E[g g']",
        sp.factor(B[2] / B[0] - b * (left + right) + left * right),
        lam * t / (2 * lam + t)
        + (2 * lam * centre / (2 * lam + t) - lam * ends[0] / (lam + t))
        * (2 * lam * centre / (2 * lam + t) - lam * ends[1] / (lam + t)),
        "one direction of N t^2 G_t(x, x') / overlap; compared with the variance at t/2 plus the two shifts",
    )
    decay = sp.simplify(-sp.diff(overlap, gap, 2))
    length = d.compute(
        "correlation length",
        r"\ell",
        sp.sqrt(sp.factor(1 / decay)),
        sp.sqrt(2 * t * (1 + t / lam)),
        "the overlap falls as exp(-h^2 / 2 l^2) along a direction: of order sqrt(t), sqrt(2t) where lambda is large",
    )
    d.result("log_overlap", _stable_log(overlap), lam, centre, gap, t)
    d.result("pair", pair, lam, centre, gap, t)
    d.result("correlation_length", length, lam, t)


def _exp_of_logs(expression: sp.Expr) -> sp.Expr:
    return sp.exp(sp.logcombine(gaussian.log_terms(expression), force=True))


def _stable_log(expression: sp.Expr) -> sp.Expr:
    """Logarithms as log(1 + lambda/t) and log(1 + 2 lambda/t), which keep their accuracy where t is large."""
    rest = gaussian.log_terms(expression)
    logs = {
        sp.log(lam + t): sp.log(1 + lam / t) + sp.log(t),
        sp.log(2 * lam + t): sp.log(1 + 2 * lam / t) + sp.log(t),
    }
    return gaussian.log_terms(rest.subs(logs))


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
