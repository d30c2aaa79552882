"""Kl bound: from the heat equation to the leading order, the next one, and the number of samples they need."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.squared_distance import log_laplace
from theory.algebra.symbols import I, N, lam, q, t, theta, x
from theory.derivation import Derivation
from theory.predictions import collapse, condensation, score_covariance, supervision_region
from theory.predictions.kl_bound import SOURCE, STATEMENT

__all__ = ["derive"]

n = sp.Symbol("n", positive=True)  # a number of samples to solve for


@cache
def derive() -> Derivation:
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
        sp.Integral(sp.expand(-sp.diff(pair, t).subs(t, s)), (s, t, sp.oo)) / (2 * N),
        (pair - 1) / (2 * N),
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
    transform = log_laplace().subs(theta, 1 / (2 * t))
    condensed = d.define(
        "condensed divergence",
        level + transform + nearest / (2 * t),
        "at x, log N = O(D) large: log N is the relative entropy at t_c(x), and log Z = -r^2/2t, r^2 of the nearest sample "
        "(supervision_region)",
        symbol=r"\log(N E e^{-E}) - E \log Z",
    )
    d.equal(
        "continuity of the divergence",
        gaussian.log_terms(condensed.subs(t, critical)),
        sp.Integer(0),
        "at t_c, and above it Z is self-averaging: no divergence of the order D",
    )
    d.greater(
        "it grows as t falls",
        sp.factor(-sp.diff(condensed, t).subs(critical, t + mu)),
        0,
        "<E> = r^2/2t, r^2 that of the posterior at t_c > t, is above the energy of the posterior at t",
        symbol=r"-\partial_t KL, \quad t_c = t + \mu",
    )
    d.result("kl_condensed", condensed, lam, q, t, critical)
