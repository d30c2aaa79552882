r"""KL bound: how far the distribution that the empirical score generates lies from the one the data came from.

Both densities p_t and p^_t, of the distribution and of its N samples under noise t, obey the same heat equation, so

    d/dt KL(p_t || p^_t) = -1/2 E |s - s^|^2,      KL(p_t || p^_t) = 1/2 int_t^inf E |s - s^|^2 dt',

Girsanov's bound with equality. To leading order in 1/N the score error is -(1/N) dX/dt with X = prod (1 + lambda/t), the
integral telescopes, and E KL = (X - 1)/2N. It is leading order only, and slow to set in: the average over x is carried by
rare points, where few samples are near. Below `samples_trusted` those points see no sample at all and the true value is
smaller; the next order in 1/N exists only for t > 3 lambda.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory import gaussian
from theory.derivation import Derivation
from theory.extensive import extensive, gaussian_only
from theory.predictions import collapse, score_covariance
from theory.setting import Setting
from theory.symbols import I, N, lam, q, t, x, y

__all__ = [
    "OBSERVABLES",
    "derivation",
    "kl_leading",
    "kl_second_order",
    "log_kl_leading",
    "samples_for_kl",
    "samples_trusted",
]

STATEMENT = "the mean divergence of the reverse process is (X - 1)/2N to leading order, X = prod (1 + lambda/t)"
SOURCE = "arXiv:2505.22841 (bounds); telescoped leading order, next order and trusted range derived here"
REGIME = "N above samples_trusted; Gaussian data"

Array = NDArray[np.float64]
n = sp.Symbol("n", positive=True)  # a number of samples to solve for


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
    leading = d.define("leading order", r"E\,KL", (sp.exp(2 * I) - 1) / (2 * N), "X = exp(2I), I the information summed over directions")
    d.result("kl_leading", leading, I, N)
    epsilon = sp.Symbol("epsilon", positive=True)
    d.result(
        "samples_for_kl",
        d.compute(
            "sample complexity",
            r"N_\epsilon",
            sp.solve(sp.Eq(leading.subs(N, n), epsilon), n)[0],
            (sp.exp(2 * I) - 1) / (2 * epsilon),
            "solve the leading order for N",
        ),
        I,
        epsilon,
    )
    _next_order(d)
    _trusted(d)
    return d


def _heat_equation(d: Derivation) -> None:
    space, time = sp.symbols("x t", real=True)
    p, r = (sp.Function(name)(space, time) for name in ("p", "r"))
    heat = {sp.Derivative(f, time): sp.Derivative(f, (space, 2)) / 2 for f in (p, r)}
    rate = sp.diff(p * sp.log(p / r), time).subs(heat)
    flux = (sp.diff(p, space) * (sp.log(p / r) + 1) - p * sp.diff(r, space) / r) / 2
    d.compute(
        "the divergence falls by the score error",
        r"\partial_t (p \log\frac{p}{\hat p}) - \partial_x J",
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


def _next_order(d: Derivation) -> None:
    """E KL = sum over powers of 1/N of cumulants of h = g/E g - 1 at fixed x."""
    e, k2, k3 = sp.symbols("epsilon kappa_2 kappa_3", real=True)
    # moments of mean(h): E = 0, kappa_2/N, kappa_3/N^2, 3 kappa_2^2/N^2 + O(N^-3)
    moments = {1: 0, 2: k2 / n, 3: k3 / n**2, 4: 3 * k2**2 / n**2}
    log_series = sp.series(-sp.log(1 + e), e, 0, 5).removeO()
    order = sp.expand(sum(log_series.coeff(e, j) * moments[j] for j in moments))
    d.compute(
        "two orders at fixed x",
        r"-E \log(1 + \bar h)",
        order,
        k2 / (2 * n) + (3 * k2**2 / 4 - k3 / 3) / n**2,
        "KL = E_x[-log(p^/p)], p^/p = 1 + mean of h; kappa_2, kappa_3 the second and third moments of h = g/E g - 1",
    )
    excess = sp.Symbol("e", positive=True)
    for power in (2, 3):
        log_R = _log_moment_ratio(power)
        exponent = 2 if power == 2 else 1
        # beyond t = 3 lambda both averages converge: let sympy see it by writing t = 3 lambda + e
        shifted = (exponent * log_R).subs(t, 3 * lam + excess)
        constant = shifted.subs(x, 0)
        average = sp.log(gaussian.mean(sp.Integer(1), x, 4 * lam + excess, gaussian.log_terms(shifted - constant)))
        name = {2: r"\log E_x R^2", 3: r"\log E_x \frac{E g^3}{(E g)^3}"}[power]
        found = gaussian.log_terms((average + constant).subs(excess, t - 3 * lam))
        d.define(f"moment {power}", name, found, "average over a fresh x; the next order is finite only for t > 3 lambda")
        d.result({2: "log_squared_ratio", 3: "log_third_ratio"}[power], found, lam, t)


def _log_moment_ratio(power: int) -> sp.Expr:
    """log E g^power / (E g)^power, one direction."""
    g = -((x - y) ** 2) / (2 * t)
    top, bottom = (gaussian.mean(sp.Integer(1), y, lam, n * g) for n in (power, 1))
    return gaussian.log_terms(sp.log(top) - power * sp.log(bottom))


def _trusted(d: Derivation) -> None:
    log_R = score_covariance.derivation()["log_weight_ratio"].expression
    at_0, slope = log_R.subs(q, 0), sp.diff(log_R, q)
    tilted = sp.factor(1 / (1 / (lam + t) - 2 * slope))
    trusted = d.compute(
        "samples the annealed average needs",
        r"\log N^* = E_x[R \log R] / E_x R",
        at_0 + sp.factor(slope * tilted),
        at_0 + slope * (lam + t) * (2 * lam + t) / t,
        "the average E_x R is carried by x of variance (lambda+t)(2 lambda+t)/t, not lambda+t; there R must be below N",
    )
    d.positive(
        "trust comes later than a finite leading order",
        sp.factor(slope * tilted) - sp.log(1 + 2 * lam / t) / 2,
        "log N* exceeds log X: where X = N the leading order, 1/2, is already meaningless",
    )
    d.result("log_samples_trusted", trusted, lam, t)


def kl_leading(setting: Setting) -> Array:
    """E KL(p_t || p^_t) to leading order, (X - 1)/2N, nats; infinite where float64 overflows.

    Returns:
        shape (T,).
    """
    return derivation()["kl_leading"](collapse.information(setting), setting.samples)


def log_kl_leading(setting: Setting) -> Array:
    """log of `kl_leading`, finite where the value overflows, shape (T,)."""
    twice = 2 * collapse.information(setting)
    return np.asarray(twice + np.log(-np.expm1(-twice)) - np.log(2 * setting.samples))


def kl_second_order(setting: Setting) -> Array:
    """The 1/N^2 term of E KL(p_t || p^_t), nats; NaN where it does not exist, t <= 3 max lambda.

    Returns:
        shape (T,).
    """
    gaussian_only(setting, "kl_second_order")
    d = derivation()
    exists = setting.t > 3 * setting.manifold.variances.max()
    beyond = np.where(exists, setting.t, np.nan)
    with np.errstate(all="ignore"):
        chi = np.expm1(2 * extensive(collapse.derivation()["information"], setting.manifold, beyond))
        R2 = np.expm1(extensive(d["log_squared_ratio"], setting.manifold, beyond))
        R3 = np.expm1(extensive(d["log_third_ratio"], setting.manifold, beyond))
    kappa_2_squared = R2 - 2 * chi  # E (R - 1)^2
    kappa_3 = R3 - 3 * chi  # E [R_3 - 3 R + 2]
    return np.asarray((3 * kappa_2_squared / 4 - kappa_3 / 3) / setting.samples**2)


def samples_trusted(setting: Setting) -> Array:
    """N*: below it `kl_leading` overestimates, since the points that carry the average see no sample.

    Returns:
        shape (T,).
    """
    gaussian_only(setting, "samples_trusted")
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(extensive(derivation()["log_samples_trusted"], setting.manifold, setting.t)))


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


OBSERVABLES = {
    "kl_leading": ("time",),
    "log_kl_leading": ("time",),
    "kl_second_order": ("time",),
    "samples_trusted": ("time",),
}
