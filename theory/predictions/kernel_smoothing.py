r"""Kernel smoothing: what does a Gaussian kernel, s_h = K_h * s^ with K_h = N(0, h I), do to the noise of the score?

To order 1/N s_h - s is a bias K_h * s - s, 0 for Gaussian data, and the mean over samples of grad K_h * (g/p). At a fixed x

    N Cov s_h = prod R [diag(lambda/(t + u) a) + d d^T],    u = lambda h/(lambda + t),   a = 2 lambda + t - u,

which falls with h where samples are: x = 0 has its least variance at h = lambda + t. Averaged over x ~ p_t it is

    N E Var_k = X_h lambda t/((lambda + t)(t^2 - u^2)),    X_h = prod (lambda + t)/sqrt(t^2 - u^2),

which **grows** with h, to infinity at u = t: on average over x smoothing gains nothing at order 1/N. What it gains there is an
effect of finite N, so that the size of the data set that would do as well is no one number.

Scores are in the units of the setting's schedule, bandwidths in data units squared. Where a setting has no point, x_k^2 is
lambda_k + t along every direction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.averages import over_pairs, second_order, two_gaussians, two_points
from theory.derived import derived
from theory.extensive import time_where
from theory.observable import gaussian_only, observable
from theory.setting import Setting

__all__ = [
    "LAWS",
    "best_bandwidth",
    "derivation",
    "kl_leading",
    "largest_bandwidth",
    "next_variance",
    "own_bias",
    "score_bias",
    "score_bias_exact",
    "score_error_exact",
    "score_error_sampled",
    "score_variance",
    "score_variance_mean",
    "variance_gain",
    "weight_ratio",
]

STATEMENT = "a kernel lowers the noise of the score where samples are, and raises its average over x, at order 1/N"
SOURCE = (
    "arXiv:2505.22841 (kernel-smoothed score); variance, its existence, average over x and best bandwidth derived here"
)
REGIME = (
    "leading order in 1/N, existing for u < 2 lambda + t at a point and u < t on average; exact at finite N in one "
    "subspace, the bias in one direction; Gaussian data, or a mixture of two"
)

FOLLOWS = ("bandwidth",)
EITHER = ("gaussian", "mixture")
FAR = 1e12  # how much closer to the largest bandwidth than to 0 the best is sought

Array = NDArray[np.float64]
derivation = derived("theory.derivations.kernel_smoothing")


@observable(
    "time",
    "subspace",
    kind="leading",
    symbol="(K_h * s - s)_k",
    scaling=-1,
    anywhere=True,
    ensembles=EITHER,
    follows=FOLLOWS,
    accuracy=1e-9,
)
def score_bias(setting: Setting) -> Array:
    """The bias of infinitely many samples along the first direction of each subspace, inverse data units.

    0 for Gaussian data; of a mixture, along the direction of its centres, to 1e-10 of the score.
    """
    found = np.zeros((setting.t.size, setting.manifold.variances.size))
    if setting.ensemble == "mixture":
        score = derivation()["mixture_score"]
        at = zip(_first(setting), setting.t, strict=True)
        found[:, 0] = [two_gaussians.bias(score, x, t, setting.bandwidth, *_components(setting)) for x, t in at]
    return found / setting.alpha[:, None]


@observable(
    "time",
    "subspace",
    kind="leading",
    symbol=r"\mathrm{Var}\,s_{h,k}",
    scaling=-2,
    anywhere=True,
    ensembles=EITHER,
    follows=FOLLOWS,
)
def score_variance(setting: Setting) -> Array:
    """The variance over data sets of a component of s_h, the mean over the directions of a subspace, inverse data units squared.

    NaN where it does not exist: u >= 2 lambda + t in some direction. On trajectories the same to this order.
    """
    log_ratio, noise = _variance(setting)
    with np.errstate(over="ignore"):
        return np.asarray((np.exp(log_ratio - setting.log_samples) / setting.alpha**2)[:, None] * noise)


@observable(
    "time", "subspace", kind="leading", symbol="G_k", scaling=0, anywhere=True, ensembles=EITHER, follows=FOLLOWS
)
def variance_gain(setting: Setting) -> Array:
    """The same without a kernel, over that with it: by what factor more samples would have lowered the variance at x as much."""
    (log_plain, plain), (log_ratio, noise) = (_variance(at) for at in (setting.plain, setting))
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(log_plain - log_ratio)[:, None] * plain / noise)


@observable("time", "subspace", kind="leading", symbol=r"E_x \mathrm{Var}\,s_{h,k}", scaling=-2, follows=FOLLOWS)
def score_variance_mean(setting: Setting) -> Array:
    """The variance of one component in each subspace, averaged over x ~ p_t; NaN from `largest_bandwidth` on. It grows with h."""
    log_ratio, noise = _on_average(setting, setting.t)
    with np.errstate(over="ignore", divide="ignore"):
        of_unit = np.exp((log_ratio - setting.log_samples)[:, None] + np.log(noise))
        return np.asarray(of_unit / setting.alpha[:, None] ** 2)


@observable("time", kind="leading", symbol=r"h_{max}", scaling=2, follows=FOLLOWS)
def largest_bandwidth(setting: Setting) -> Array:
    """The bandwidth from which on the average over x is infinite at order 1/N, t + t^2/lambda_max, data units squared."""
    return derivation()["limit_on_average"](setting.manifold.variances.max(), setting.t)


@observable(
    "time",
    kind="exact",
    symbol=r"E (s_h - s)",
    scaling=-1,
    anywhere=True,
    slow=True,
    accuracy=1e-6,
    directions=1,
    follows=FOLLOWS,
)
def score_bias_exact(setting: Setting) -> Array:
    """E (s_h - s) at finite N in one direction, at a fresh x: see `theory.averages.two_points`."""
    return _exact(two_points.smoothed_mean, setting) / setting.alpha


@observable(
    "time",
    kind="exact",
    symbol=r"E |s_h - s|^2",
    scaling=-2,
    anywhere=True,
    slow=True,
    accuracy=1e-6,
    subspaces=1,
    follows=FOLLOWS,
)
def score_error_exact(setting: Setting) -> Array:
    """E |s_h - s|^2 at finite N in one subspace, at a fresh x, to 1e-6.

    NaN where that would take too long, for few samples at small t or h much above t. For several subspaces there is
    `score_error_sampled`. See `theory.averages.two_points` and `theory.averages.over_pairs`.
    """
    if setting.manifold.intrinsic_dimension == 1:
        return _exact(two_points.smoothed_error, setting) / setting.alpha**2
    return _over_pairs(setting)


@observable("time", kind="leading", symbol="KL", scaling=0, follows=FOLLOWS, accuracy=1e-9)
def kl_leading(setting: Setting) -> Array:
    """(1/2N) int_t^inf sum_k N E Var_k dt' at constant h, nats; NaN from `largest_bandwidth` on.

    By Girsanov a bound, strict at h > 0, on the divergence of the law at t of the true process from that of the one driven
    by s_h, to this order; at h = 0 it is the divergence itself, `kl_bound.kl_leading`.
    """
    return np.array([_divergence(setting, t) for t in setting.t]) / setting.samples


@observable(
    "time", kind="leading", symbol="h^*", scaling=2, anywhere=True, ensembles=EITHER, follows=FOLLOWS, accuracy=1e-9
)
def best_bandwidth(setting: Setting) -> Array:
    """The bandwidth of least error at x to leading order, data units squared, whatever that of the setting is.

    For Gaussian data that of least variance: of any order, lambda + t at x = 0 in directions of one variance. For a mixture
    where variance and bias balance, -2 (tr S'(0) + beta . Lap s)/N |Lap s|^2 with beta/N the bias at h = 0, of order 1/N; 0
    where the error grows at once.
    """
    if setting.ensemble == "gaussian":
        return _least_variance(setting)
    return _balance(setting)


def _variance(setting: Setting) -> tuple[Array, Array]:
    """log R of all directions, shape (T,), and the mean noise of those of each subspace, shape (T, K)."""
    counts, log_ratios, noise = _directions(setting, setting.bandwidth)
    K = setting.manifold.variances.size
    of = counts[:, :K] * noise[:, :K]
    if setting.ensemble == "mixture":
        of[:, 0] += noise[:, K]
    return (log_ratios * counts).sum(axis=1), of / setting.manifold.dimensions


def weight_ratio(setting: Setting) -> Array:
    """R = prod R at the setting's bandwidth, shape (T,): N/R samples count at x. NaN where it does not exist."""
    with np.errstate(over="ignore"):
        return np.exp(_variance(setting)[0])


def score_error_sampled(setting: Setting) -> Array:
    """`score_error_exact` of any manifold, in several subspaces by quasi-Monte Carlo over shifts; shape (T,).

    The average over data sets is exact, the one over pairs of shifts is over scrambled Sobol points, to a standard error of a
    quarter of a per cent, in 256 pairs to 4096 of some milliseconds each; NaN where those are not enough.

    Raises:
        ValueError: unless the data are Gaussian.
    """
    gaussian_only(setting, "the error of a smoothed score")
    return score_error_exact(setting) if len(setting.manifold.subspaces) == 1 else _over_pairs(setting)


def next_variance(setting: Setting) -> Array:
    """What `score_variance` leaves out at order 1/N^2, shape (T, K), inverse data units squared: `theory.averages.second_order`.

    Of either sign; NaN where an average of that order does not exist.

    Raises:
        ValueError: unless the data are Gaussian.
    """
    if setting.ensemble != "gaussian":
        raise ValueError(
            f"the second order is known for Gaussian data, got {setting.ensemble!r}; give the ensemble gaussian"
        )
    m, found = setting.manifold, []
    for x, t in zip(_coordinates(setting), setting.t.tolist(), strict=True):
        _, second = second_order.variance(x, t, setting.bandwidth, m.spectrum)
        found.append([second[part].mean() for part in m.slices])
    return np.array(found) / (setting.samples * setting.alpha[:, None]) ** 2


def own_bias(setting: Setting) -> Array:
    """The bias that the score of a mixture has by itself, E s^ - s = beta/N to order 1/N, along its centres.

    Returns:
        shape (T, 1), inverse data units (over alpha).
    """
    counts, log_ratios, _ = _directions(setting.plain, 0.0)
    ratio = np.exp((log_ratios * counts).sum(axis=1) - setting.log_samples)
    return (-ratio * _slopes_of_components(setting)[:, 2] / setting.alpha)[:, None]


def _slopes_of_components(setting: Setting) -> Array:
    """What `two_gaussians.slopes_at_0` finds at each time, shape (T, 3)."""
    at = zip(_first(setting), setting.t, strict=True)
    return np.array([two_gaussians.slopes_at_0(derivation().formulas, *one, *_components(setting)) for one in at])


def _components(setting: Setting) -> tuple[float, float]:
    """Variance and half the separation of the two components, along the first direction."""
    return float(setting.manifold.variances[0]), setting.separation / 2


def _first(setting: Setting) -> Array:
    """x along the first direction at each time, data units."""
    if setting.point is None:
        return np.sqrt(setting.manifold.variances[0] + setting.t)
    return setting.point[0] / setting.alpha


def _coordinates(setting: Setting) -> Array:
    """x in all D directions at each time, data units, shape (T, D): 0 in those that a point does not name."""
    spectrum = setting.manifold.spectrum
    if setting.point is None:
        return np.asarray(np.sqrt(spectrum + setting.t[:, None]))
    return np.pad(np.array(setting.point), (0, spectrum.size - len(setting.point))) / setting.alpha[:, None]


def _squares(setting: Setting) -> tuple[Array, Array]:
    """How many directions of each subspace are Gaussian, shape (K,), and x^2 of one, shape (T, K)."""
    counts, sums = setting.manifold.dimensions.astype(float), setting.offsets
    if setting.ensemble == "mixture":
        counts[0] -= 1
        sums[:, 0] = np.maximum(sums[:, 0] - _first(setting) ** 2, 0.0)
    return counts, sums / np.maximum(counts, 1)


def _in_metric(setting: Setting, h: float | Array) -> tuple[Array, Array, Array, Array]:
    """lambda, shape (K,), t, u and a of each direction at a bandwidth, or one at each time."""
    d, lam, t = derivation(), setting.manifold.variances, setting.t[:, None]
    u = d["shrunk"](lam, t, np.reshape(h, (-1, 1)))
    return lam, t, u, d["room"](lam, t, u)


def _directions(setting: Setting, h: float) -> tuple[Array, Array, Array]:
    """How many directions there are of each kind, last that of the mixture, log R and noise of one; each (T, K or K + 1)."""
    d, (counts, squares) = derivation(), _squares(setting)
    lam, t, u, a = _in_metric(setting, h)
    log_ratios, noise = (d[name](lam, squares, t, u, a) for name in ("log_weight_ratio", "noise"))
    if setting.ensemble == "mixture":
        at = zip(_first(setting), setting.t, strict=True)
        own = np.array([two_gaussians.ratio_and_noise(d.formulas, x, t, h, *_components(setting)) for x, t in at])
        log_ratios, noise = np.column_stack([log_ratios, own[:, 0]]), np.column_stack([noise, own[:, 1]])
        counts = np.append(counts, 1.0)
    return np.broadcast_to(counts, noise.shape), log_ratios, noise


def _slopes(setting: Setting, h: float | Array) -> tuple[Array, Array]:
    """d/dh of log R and of noise for one Gaussian direction of each subspace, shape (T, K)."""
    d, (lam, t, u, a) = derivation(), _in_metric(setting, h)
    beyond = np.zeros_like(u) if setting.point is None else _squares(setting)[1] - (lam + t)
    log_slope, slope = (d[f"{name}_slope"](lam, t, u, a, beyond) for name in ("log_weight_ratio", "noise"))
    return log_slope, slope


def _least_variance(setting: Setting) -> Array:
    """Where the slope of the log of the total variance, which is convex in h, passes 0; at h = 0 if it is positive there."""
    d, m = derivation(), setting.manifold.dimensions.astype(float)
    bound = d["limit_at_a_point"](setting.manifold.variances, setting.t[:, None]).min(axis=1)
    (_, squares) = _squares(setting)

    def bandwidth(share: Array) -> Array:
        return bound * np.minimum(share, FAR) / (1 + np.minimum(share, FAR))

    def falling(share: Array) -> Array:
        h = bandwidth(share)
        lam, t, u, a = _in_metric(setting, h)
        log_slope, slope = _slopes(setting, h)
        return np.asarray(-(log_slope @ m) - (slope @ m) / (d["noise"](lam, squares, t, u, a) @ m))

    return np.nan_to_num(bandwidth(time_where(falling, np.zeros_like(setting.t))), nan=0.0)


def _balance(setting: Setting) -> Array:
    """Between the bias and the variance of a mixture, both to leading order in h."""
    d, (lam, c) = derivation(), _components(setting)
    x, own = _first(setting), _slopes_of_components(setting)
    counts, log_ratios, noise = _directions(setting, 0.0)
    log_slopes, slopes = _slopes(setting, 0.0)
    log_slopes = np.column_stack([log_slopes, own[:, 0]])
    slopes = np.column_stack([slopes, own[:, 1] - noise[:, -1] * own[:, 0]])
    change = (log_slopes * counts).sum(axis=1) * (noise * counts).sum(axis=1) + (slopes * counts).sum(axis=1)
    bent = d["mixture_laplacian"](x, c, lam, setting.t)
    of_unit = d["best_bandwidth"](setting.samples, change, -own[:, 2], bent)  # R = 1: S' and beta go with it
    with np.errstate(over="ignore"):
        found = np.exp((log_ratios * counts).sum(axis=1)) * of_unit
    return np.where(bent == 0, np.where(change < 0, np.inf, 0.0), np.where(of_unit > 0, found, 0.0))


def _on_average(setting: Setting, t: Array) -> tuple[Array, Array]:
    """log X_h, shape (T,), and the noise of one direction, (T, K), at noise variances t; NaN beyond the largest bandwidth."""
    d, lam, t = derivation(), setting.manifold.variances, np.asarray(t)[:, None]
    below = d["inside"](t, d["shrunk"](lam, t, setting.bandwidth))
    log_ratio = d["log_ratio_mean"](lam, t, below) @ setting.manifold.dimensions.astype(float)
    return log_ratio, d["noise_mean"](lam, t, below)


def _divergence(setting: Setting, t: float) -> float:
    """N times it: over s = t/t' from 0 to 1."""
    from scipy.integrate import quad

    m = setting.manifold.dimensions.astype(float)

    def rate(s: float) -> float:
        log_ratio, noise = _on_average(setting, np.array([t / s]))
        return float(np.exp(log_ratio[0] + np.log(noise[0] @ m)) * t / s**2 / 2)

    if not setting.bandwidth < derivation()["limit_on_average"](setting.manifold.variances.max(), t):
        return np.nan
    with np.errstate(over="ignore"):
        return float(quad(rate, 0, 1, epsrel=1e-11, epsabs=0, limit=200)[0])


def _over_pairs(setting: Setting) -> Array:
    m = setting.manifold
    x = _coordinates(setting)[:, : m.intrinsic_dimension]
    of = setting.bandwidth, m, setting.samples
    errors = [over_pairs.smoothed_error(one, t, *of) for one, t in zip(x, setting.t.tolist(), strict=True)]
    return np.array(errors) / setting.alpha**2


def _exact(average: Callable[[float, float, float, float, int], float], setting: Setting) -> Array:
    lam, x = float(setting.manifold.variances[0]), _first(setting)
    at = zip(x.tolist(), setting.t.tolist(), strict=True)
    return np.array([average(*one, setting.bandwidth, lam, setting.samples) for one in at])


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "score_bias": (
        "at(bandwidth, 0, 0); equation(if_positive(g, f, 0), 0); "
        "given(separation, given(bandwidth, limit(bandwidth, 0, "
        "-first*h*a**3/8*tanh(a*sqrt(lam1+t)/2/(lam1+t))/(cosh(a*sqrt(lam1+t)/2/(lam1+t))**2*(lam1+t)**3))))"
    ),
    "score_variance": (
        "power(samples, -1); at_least(0); "
        "at(bandwidth, 0, g*f, g*(lam*t/(2*lam+t) + lam**2*t**2/((lam+t)*(2*lam+t)**2))/"
        "score_covariance.effective_samples_typical/t**2); "
        "given(bandwidth, variance_of_smoothing); given(separation, given(bandwidth, variance_of_smoothing))"
    ),
    "variance_gain": (
        "same_for(samples); at_least(0); at(bandwidth, 0, 1); "
        "equation(f*kernel_smoothing.score_variance, plain.kernel_smoothing.score_variance); given(separation, given(bandwidth, "
        "equation(f*kernel_smoothing.score_variance, plain.kernel_smoothing.score_variance)))"
    ),
    "score_variance_mean": (
        "schedule(-2); normal_directions; power(samples, -1); at_least(0); monotone(bandwidth, up); "
        "at(bandwidth, 0, score_covariance.noise_variance_annealed); "
        "given(bandwidth, slope_of(kernel_smoothing.kl_leading, time, -t*sum(m*f)/2))"
    ),
    "largest_bandwidth": (
        "schedule(0); normal_directions; same_for(samples); same_for(bandwidth); monotone(time, up); "
        "equation(max(lam)*f/(max(lam)+t), t)"
    ),
    "score_bias_exact": "limit(time, inf, -lam/(N*t**1.5)); limit(samples, inf, 0)",
    "score_error_exact": "at_least(0); limit(time, inf, sum(m*lam)/(N*t**2)); monotone(samples, down)",
    "kl_leading": (
        "schedule(0); normal_directions; power(samples, -1); at_least(0); at(bandwidth, 0, kl_bound.kl_leading); "
        "limit(time, inf, sum(m*lam)/(2*N*t)); slope(time, -t*sum(m*kernel_smoothing.score_variance_mean)/2)"
    ),
    "best_bandwidth": (
        "same_for(bandwidth); at_least(0); least_at(bandwidth, g*sum(m*kernel_smoothing.score_variance)); "
        "at(point, 0, if_positive(g, smaller(larger(f, min(lam)+t), max(lam)+t), 0), if_positive(g, f, 0)); "
        "given(separation, balance_of_smoothing)"
    ),
}
