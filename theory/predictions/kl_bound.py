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

from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import I, N, lam, q, t, theta, x
from theory.averages.squared_distance import SquaredDistance, log_laplace
from theory.derivation import Derivation
from theory.disorder import averages
from theory.extensive import extensive
from theory.observable import observable
from theory.predictions import collapse, condensation, score_covariance, supervision_region
from theory.setting import Setting

__all__ = [
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
n = sp.Symbol("n", positive=True)  # a number of samples to solve for
FEW = 10.0  # effective samples below which the leading order fails
TRUSTED_SHARE = 0.05


@cache
def derivation() -> Derivation:
    """From the heat equation to the leading order, the next one, and the number of samples they need."""
    d = Derivation(
        "kl_bound",
        STATEMENT,
        SOURCE,
        "x_t = x_0 + sqrt(t) xi; p_t and p^_t smooth and vanishing at infinity; Gaussian data from the leading order on",
    )
    _heat_equation(d)
    information = collapse.derivation()["information"].expression
    share = score_covariance.derivation()["noise_share"].expression
    X = sp.exp(2 * information)
    d.equal(
        "the score error is a derivative",
        share,
        -sp.diff(sp.log(X), t),
        "score_covariance gives E|s^ - s|^2 = (X/N) sum of these shares; hence it is -(1/N) dX/dt, X the product over directions",
    )
    mu = sp.Symbol("mu", positive=True)
    pair = sp.expand(X * X.subs(lam, mu))
    s = sp.Symbol("s", positive=True)
    d.compute(
        "the integral telescopes",
        r"\frac{1}{2N}\int_t^\infty -\frac{dX}{ds}\, ds",
        sp.integrate(sp.expand(-sp.diff(pair, t).subs(t, s)), (s, t, sp.oo)) / (2 * N),
        (pair - sp.limit(pair, t, sp.oo)) / (2 * N),
        "two directions, integrated term by term; compared with (X(t) - X(infinity))/2N, X(infinity) = 1",
    )
    leading = _leading_order(d)
    d.result("kl_leading", leading, I, N)
    epsilon = sp.Symbol("epsilon", positive=True)
    needed = d.compute(
        "sample complexity",
        r"N_\epsilon",
        sp.solve(sp.Eq(leading.subs(N, n), epsilon), n)[0],
        (sp.exp(2 * I) - 1) / (2 * epsilon),
        "solve the leading order for N",
    )
    d.result("samples_for_kl", needed, I, epsilon)
    _carriers(d)
    _condensed(d)
    return d


def _heat_equation(d: Derivation) -> None:
    space, time = sp.symbols("x t", real=True)
    p, r = (sp.Function(name)(space, time) for name in ("p", "r"))
    heat = {sp.Derivative(f, time): sp.Derivative(f, (space, 2)) / 2 for f in (p, r)}
    rate = sp.diff(p * sp.log(p / r), time).subs(heat)
    flux = (sp.diff(p, space) * (sp.log(p / r) + 1) - p * sp.diff(r, space) / r) / 2
    d.compute(
        "the divergence falls by the score error",
        r"\partial_t (p \log (p / r)) - \partial_x J",
        sp.expand(rate - sp.diff(flux, space)),
        -p * (sp.diff(sp.log(p), space) - sp.diff(sp.log(r), space)) ** 2 / 2,
        "p and r = p^ obey the same heat equation; the flux J = (p' log(p/r) + p' - p r'/r)/2 integrates to zero, so "
        "dKL/dt = -1/2 E|s - s^|^2, and KL vanishes at t = infinity: Girsanov's bound is an equality",
    )
    tau = sp.Symbol("tau", positive=True)
    alpha = sp.exp(-tau)
    d.compute(
        "factor of the Ornstein-Uhlenbeck convention",
        r"\tfrac{1}{2}\,\alpha^2\, \frac{dt}{d\tau}",
        sp.simplify(alpha**2 * sp.diff(1 / alpha**2 - 1, tau) / 2),
        sp.Integer(1),
        "s = alpha s_OU and t = alpha^-2 - 1: for dX = -X dtau + sqrt(2) dW the same divergence is int E|s - s^|^2 dtau, "
        "without the 1/2",
    )


def _leading_order(d: Derivation) -> sp.Expr:
    e, R = sp.symbols("epsilon R", real=True)
    # moments of the mean of h = g/E g - 1 over N samples, to order 1/N
    moments = {1: sp.Integer(0), 2: (R - 1) / N}
    series = sp.series(-sp.log(1 + e), e, 0, 3).removeO()
    at_x = d.compute(
        "leading order at fixed x",
        r"-E \log(\hat p_t/p_t)",
        sp.factor(sum(series.coeff(e, j) * moment for j, moment in moments.items())),
        (R - 1) / (2 * N),
        "p^/p = 1 + mean of h, h = g/E g - 1 of variance R - 1: the series of the logarithm to order 1/N",
    )
    return d.compute(
        "leading order",
        r"E\,KL",
        at_x.subs(R, sp.exp(2 * I)),
        (sp.exp(2 * I) - 1) / (2 * N),
        "averaged over x, E R = prod (1 + lambda/t) = X = exp(2I), I the information: the telescoped integral again",
    )


def _carriers(d: Derivation) -> None:
    """The points that carry E R: x under the law p_t R / E R."""
    log_R = score_covariance.derivation()["log_weight_ratio"].expression
    at_0, slope = log_R.subs(q, 0), sp.diff(log_R, q)
    weight = slope * x**2
    second = [gaussian.mean(x**j, x, lam + t, weight) for j in (0, 2)]
    spread = d.compute(
        "points that carry the average",
        r"E_x[R\,x^2] / E_x R",
        sp.factor(second[1] / second[0]),
        1 / (1 / (lam + t) - 2 * slope),
        "the average of R is an average over x of this variance, far more than lambda + t where t is small",
    )
    scale = d.compute(
        "weight ratio there",
        r"\log R - \log R|_{x=0} = c\, \chi^2_1, \quad c",
        sp.factor(slope * spread),
        lam / t,
        "so log R has an exponential tail there: points with R > N keep a share of the average of the order of N^(-t/2 lambda)",
    )
    d.result("log_ratio_at_origin", at_0, lam, t)
    d.result("log_ratio_scale", scale, lam, t)


def _condensed(d: Derivation) -> None:
    """The limit once the weights have condensed."""
    critical, mu = sp.symbols("t_c mu", positive=True)
    level = condensation.derivation()["level"].expression.subs(t, critical)
    nearest = supervision_region.derivation()["nearest_distance_squared_asymptotic"].expression
    transform = log_laplace().expression.subs(theta, 1 / (2 * t))
    condensed = d.define(
        "condensed divergence",
        r"\log(N E e^{-E}) - E \log Z",
        level + transform + nearest / (2 * t),
        "at x, log N = O(D) large: log N is the relative entropy at t_c(x), and log Z = -r^2/2t, r^2 of the nearest sample "
        "(supervision_region)",
    )
    d.equal(
        "continuity of the divergence",
        gaussian.log_terms(condensed.subs(t, critical)),
        sp.Integer(0),
        "at t_c, and above it Z is self-averaging: no divergence of the order D",
    )
    d.positive(
        "it grows as t falls",
        sp.factor(-sp.diff(condensed, t).subs(critical, t + mu)),
        "<E> = r^2/2t, r^2 that of the posterior at t_c > t, is above the energy of the posterior at t",
        r"-\partial_t KL, \quad t_c = t + \mu",
    )
    d.result("kl_condensed", condensed, lam, q, t, critical)


@observable("time", kind="leading", symbol=r"E\,KL", of="kl_exact", scaling=0)
def kl_leading(setting: Setting) -> Array:
    """E KL(p_t || p^_t) to leading order, (X - 1)/2N, nats; infinite where float64 overflows."""
    return derivation()["kl_leading"](collapse.information(setting), setting.samples)


@observable("time", kind="exact", symbol=r"E\,KL", scaling=0, anywhere=True, slow=True)
def kl_exact(setting: Setting) -> Array:
    """E KL(p_t || p^_t), nats, exact at finite N and D; seconds a time where there are several subspaces.

    On trajectories E KL(p^_t || p_t), the average of log p^_t/p_t over noised samples; at the setting's point the logarithm of
    p_t/p^_t, or p^_t/p_t, there.
    """
    sign = -1 if setting.query == "trajectory" else 1
    return sign * averages(setting, "divergence")["divergence"]


@observable("time", kind="limit", symbol=r"E\,KL", of="kl_exact", scaling=0, anywhere=True)
def kl_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: 0 above t_c(x); on trajectories below it KL(posterior || prior) - log N.

    Returns:
        shape (T,), nats.
    """
    manifold, t, critical = setting.manifold, setting.t, condensation.critical_noise_variance(setting)
    if setting.query == "trajectory":
        excess = condensation.relative_entropy(manifold, t, setting.offsets) - setting.log_samples
        return np.maximum(excess, 0.0)
    squares = setting.offsets / manifold.dimensions
    condensed = derivation()["kl_condensed"](manifold.variances, squares, t[:, None], critical[:, None])
    return np.where(t < critical, np.maximum(condensed @ manifold.dimensions, 0.0), 0.0)


@observable("time", kind="leading", symbol=r"\log E\,KL", scaling=0)
def log_kl_leading(setting: Setting) -> Array:
    """log of `kl_leading`, finite where the value overflows, shape (T,)."""
    twice = 2 * collapse.information(setting)
    return np.asarray(twice + np.log(-np.expm1(-twice)) - np.log(2) - setting.log_samples)


def caution(setting: Setting) -> str | None:
    """What to mind about the numbers of a setting, or None."""
    if setting.ensemble == "gaussian" and (samples_trusted(setting) > setting.samples).any():
        return (
            f"the leading order needs more than N = {setting.samples:g} samples at some of these times and is too large there; "
            "see samples_trusted and rare_share"
        )
    return None


@observable("time", kind="bound", symbol=r"\epsilon", scaling=0)
def rare_share(setting: Setting) -> Array:
    """The share of E R from points with fewer than ten effective samples, a bound on the error of `kl_leading`.

    Between 0 and 1: the measured divergence lies between (1 - rare_share) kl_leading and kl_leading. That is what
    simulation shows at every setting tried, not a theorem.
    """
    return np.array([_share_beyond(setting.log_samples - np.log(FEW), setting, t) for t in setting.t])


@observable("time", kind="bound", symbol=r"N_\epsilon", scaling=0)
def samples_trusted(setting: Setting) -> Array:
    """The N from which on rare_share is at most 5 %, so that `kl_leading` may be trusted to as much.

    Returns:
        shape (T,); infinite where float64 overflows.
    """

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
