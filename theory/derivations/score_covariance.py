"""Score covariance: from the delta method to the covariance, its averages over x, and the two-point kernel."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, q, t, x, y
from theory.derivation import Derivation
from theory.predictions.score_covariance import SOURCE, STATEMENT

__all__ = ["derive"]


@cache
def derive() -> Derivation:
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
        r"(4 \pi t)^{-D/2}\, p_{t/2}(x)\, E[(y - m)(y - m)^T \mid x_{t/2} = x] \,/\, (t\, p_t(x))^2",
        "delta method",
        "the squared weight is the weight at half the noise",
        reason="the two lines above together, D directions, any data law; m = E[y | x_t = x]",
        symbol="S_t(x)",
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
