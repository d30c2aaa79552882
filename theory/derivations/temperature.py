"""Temperature: from the tempered score as one at another time to what it generates, and when that condenses."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import I, N, V, lam, q, t, x, xi, y, z
from theory.averages.nearest_sample import own_is_nearest
from theory.derivation import Derivation
from theory.predictions import collapse, condensation
from theory.predictions.temperature import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]

T = sp.Symbol("T", positive=True)
first = sp.Symbol("t_max", positive=True)  # where generation starts
s = sp.Symbol("t'", positive=True)  # T t


@cache
def derive() -> Derivation:
    """From the tempered score as one at another time to what it generates, and when that condenses."""
    d = Derivation(
        "temperature",
        STATEMENT,
        SOURCE,
        "any N samples y, weights w ~ g = exp(-(x - y)^2/2tT), T constant; generation from x ~ N(0, t_max) at t_max; T, t, "
        "t_max > 0; for variances and condensation y ~ N(0, lambda), lambda > 0, for the latter t_max large",
    )
    _change_of_time(d)
    _population(d)
    _one_dimension(d)
    _condensation(d)
    return d


def _change_of_time(d: Derivation) -> None:
    """The tempered process is the one at T = 1 in t' = tT."""
    norm, moment = sp.symbols("S_0 S_1", real=True, nonzero=True)
    slope = (moment - x * norm) / s  # of S_0 in x
    score = slope / norm
    tempered = d.compute(
        "tempered score",
        r"s_T = (\hat m_{tT} - x)/t",
        (moment / norm - x) / t,
        (T * score).subs(s, t * T),
        "S_k = sum of g y^k and dg/dx = g (y - x)/tT, in each direction; compared with T times the score at the noise variance "
        "tT, the slope of log S_0: only tT is in the weights",
    )
    rate = sp.diff(T * t, t)
    in_time = (tempered / rate).subs(t, s / T)  # per dt'
    d.compute(
        "probability flow in t'",
        r"\partial_{t'} x",
        -in_time / 2,
        -score / 2,
        "dx/dt = -s_T/2 and t' = tT; compared with the flow at T = 1: the same for any data, in any dimension",
    )
    d.compute(
        "start",
        r"\sqrt{t'_{max} / E\,x^2}",
        sp.sqrt((T * t).subs(t, first) / first),
        sp.sqrt(T),
        "the flow at T = 1 starts from x ~ N(0, t'_max), this one from N(0, t_max): sqrt T times too narrow",
    )
    d.conclude(
        "no temperature removes memorization",
        r"\lim_{t' \to 0} x",
        "probability flow in t'",
        "start",
        reason="at T = 1 x falls towards m^ and m^ to the nearest sample from almost every start; temperature moves where it "
        "starts and where it stops: which sample it is, not that it is one",
        symbol=r"\lim_{t_0 \to 0} x",
    )
    c, a = sp.symbols("c a", positive=True)
    rising = (c / t) ** a
    d.compute(
        "a temperature that rises as t falls",
        r"T\,dt/dt'",
        sp.simplify(rising / sp.diff(t * rising, t)),
        1 / (1 - a),
        "T = (c/t)^a: the speed of the flow in t' over that at T = 1. For a < 1, as in sigma_c/sigma, a = 1/2, t' still falls "
        "to 0 and x ends on a sample; at a = 1 t' stays at c, and x climbs to a mode of p^_c",
    )
    d.compute(
        "drift of the reverse SDE in t'",
        r"- E[dx]/dt'",
        -in_time,
        -score,
        "dx = s_T dt + dW as t falls; compared with the drift at T = 1",
    )
    d.compute(
        "its noise in t'",
        r"E\,dx^2/dt'",
        1 / rate,
        sp.diff(sp.solve(sp.Eq(s, T * t), t)[0], s),
        "E dW^2 = dt: the noise at T = 1 with its variance divided by T",
    )


def _population(d: Derivation) -> None:
    """What infinitely many samples generate."""
    u = sp.Symbol("u", positive=True)
    start, end = T * first, T * t
    flow = d.compute(
        "variance by the ODE",
        r"E\,x^2",
        sp.factor((lam + end) * first / (lam + start)),
        first * sp.exp(sp.Integral(1 / (lam + u), (u, start, end))),
        "the score of N(0, lambda + t') is -x/(lambda + t'): x^2 grows with the integral of its inverse from t'_max to t'",
    )
    noise = sp.Integral((lam + u) ** -2, (u, end, start)) / T
    noisy = d.compute(
        "variance by the reverse SDE",
        r"E\,x^2",
        sp.factor(lam / T + t - lam / T * ((lam + end) / (lam + start)) ** 2),
        (lam + end) ** 2 * (first / (lam + start) ** 2 + noise),
        "what starts, and the noise of variance 1/T at every u, shrink by (lambda + t')/(lambda + u)",
    )
    d.compute(
        "balance of the reverse SDE",
        r"\partial_t E\,x^2",
        sp.factor(sp.diff(noisy, t)),
        2 * T * noisy / (lam + T * t) - 1,
        "compared with -2 E[x s_T] - 1, in t itself",
    )
    d.result("variance_ode", flow, lam, t, T, first)
    d.result("variance_sde", noisy, lam, t, T, first)
    for route, variance in (("ODE", flow), ("reverse SDE", noisy)):
        generated = d.compute(
            f"generated variance, {route}",
            r"\lim_{t_{max} \to \infty} E\,x^2",
            lam / T + t,
            sp.Limit(variance, first, sp.oo),
            "narrower than the data with their noise, lambda + t, for T > 1",
        )
    d.result("generated_variance", generated, lam, t, T)


def _one_dimension(d: Derivation) -> None:
    """The share of each sample, by the ODE."""
    kernel = sp.erfc((y - x) / sp.sqrt(2 * s)) / 2
    d.compute(
        "heat equation",
        r"\partial_{t'} \Phi((x - y)/\sqrt{t'})",
        sp.diff(kernel, s),
        sp.diff(kernel, x, 2) / 2,
        "compared with half the second derivative in x: the mean over samples, F^, the distribution function of p^_t', "
        "solves it too",
    )
    p, slope = sp.symbols("p p'", positive=True)
    d.compute(
        "the flow keeps ranks",
        r"d \hat F(x)/dt'",
        slope / 2 + p * (-slope / p / 2),
        sp.Integer(0),
        "d F^/dt' = p^'/2 at fixed x, and dx/dt' = -p^'/2p^: what ends on sample k began at ranks from (k - 1)/N to k/N of p^",
    )
    density = gaussian.density(x, first)
    end = sp.sqrt(T * first) * z
    beyond = d.compute(
        "starts beyond a rank",
        r"P(x > \sqrt{t'_{max}}\, z)",
        sp.erfc(end / sp.sqrt(2 * first)) / 2,
        sp.Integral(density, (x, end, sp.oo)),
        "p^ is N(0, t'_max) for t'_max large, and the rank of x there Phi(z): 1 - Phi(sqrt T z) of the starts. Sample k has "
        "those between z = Phi^-1((k - 1)/N) and Phi^-1(k/N)",
    )
    within = d.compute(
        "starts about the middle",
        r"P(|x| < \sqrt{t'_{max}}\, z)",
        1 - 2 * beyond.rewrite(sp.erf),
        2 * sp.Integral(density, (x, 0, end)),
        "twice those between the middle and z",
    )
    d.compute(
        "share of a rank",
        r"\partial_z \Phi(\sqrt T z) / \partial_z \Phi(z)",
        sp.simplify(sp.diff(beyond, z) / sp.diff(beyond.subs(T, 1), z)),
        sp.sqrt(T) * sp.exp(-(T - 1) * z**2 / 2),
        "over its share at T = 1, the same for all: it falls from the middle outward for T > 1, and rises for T < 1",
    )
    d.result("starts_beyond", beyond, z, T)
    d.result("starts_within", within, z, T)


def _condensation(d: Derivation) -> None:
    """When generated points condense, and what is frozen then."""
    square = d.compute(
        "generated points on their way",
        r"E\,x^2",
        sp.factor(d["generated_variance"].expression.subs(t, s / T)),
        (lam + s) / T,
        "both by the ODE and by the SDE: not lambda + t', where p_t' has its points",
    )
    v, rho = (sp.Function(name)(x, s) for name in ("v", "rho"))
    carried = -sp.diff(v * rho, x)
    d.compute(
        "density along the flow",
        r"d \log \rho(x)/dt'",
        sp.expand((carried + v * sp.diff(rho, x)) / rho),
        -sp.diff(v, x),
        "the same of any density that dx/dt' = v carries: of two the ratio is kept. So generated x are those of p^_t', a sample "
        "y and its noise, weighted by their starts; given x, y is one of the N by its weight",
    )
    ratio = sp.expand_log(sp.log(gaussian.density(x, square) / gaussian.density(x, lam + s)), force=True)
    weight = d.compute(
        "weight of a start",
        r"\log \rho/p_{t'}",
        sp.factor(ratio - ratio.subs(x, 0)),
        -(T - 1) * x**2 / (2 * (lam + s)),
        "but for a constant, where infinitely many samples lead: x/sqrt(lambda + t') is constant there, and the ratio with it",
    )
    given_x = lam * x / (lam + s) + sp.sqrt(lam * s / (lam + s)) * xi
    _information(d, square, given_x)
    joint = weight - (x - y) ** 2 / (2 * s) - y**2 / (2 * lam)
    frozen = d.compute(
        "frozen variance",
        r"E\,y^2",
        sp.factor(gaussian.variance(given_x, {x: square, xi: sp.Integer(1)})),
        (-sp.hessian(joint, (x, y)))[0, 0] / sp.hessian(joint, (x, y)).det(),
        "of the sample that x condenses on, at t'_C: y given x is its posterior; compared with the joint law of y, its noise and "
        "the weight of the start. x itself has (lambda + t')/T",
    )
    d.result("frozen_variance", frozen.subs(s, t), lam, t, T)


def _information(d: Derivation, square: sp.Expr, given_x: sp.Expr) -> None:
    """Mean and variance of the information density at generated points, and what they decide."""
    gain = x**2 / (2 * (lam + s)) - (x - y) ** 2 / (2 * s)
    gain = sp.expand(sp.expand(gain.subs(y, given_x)).subs(x, sp.sqrt(square) * z))  # i less its value at 0
    of_one = {z: sp.Integer(1), xi: sp.Integer(1)}
    fresh, spread = (collapse.derivation()[name].expression.subs(t, s) for name in ("information", "dispersion"))
    information = d.compute(
        "information at generated points",
        r"E\,i",
        fresh + sp.factor(gaussian.mean(gaussian.mean(gain, z, sp.Integer(1)), xi, sp.Integer(1))),
        condensation.derivation()["level"].expression.subs({q: square, t: s}, simultaneous=True),
        "i = log p(x | y)/p_t'(x), which is log(1 + lambda/t')/2 at x = y = 0, y given x its posterior; compared with the "
        "relative entropy of condensation at this x^2",
    )
    matrix = sp.hessian(gain, (z, xi)) / 2
    dispersion = d.compute(
        "dispersion at generated points",
        r"\mathrm{Var}\,i",
        gaussian.variance(gain, of_one),
        2 * (matrix * matrix).trace(),
        "compared with 2 tr A^2 for the quadratic form i = (z, xi) A (z, xi)^T + const",
    )
    d.equal("information at T = 1", information.subs(T, 1), fresh, "that of collapse")
    d.equal("dispersion at T = 1", dispersion.subs(T, 1), spread, "that of collapse")
    d.result("information_generated", information.subs(s, t), lam, t, T)
    d.result("dispersion_generated", dispersion.subs(s, t), lam, t, T)
    d.greater(
        "it falls with t'",
        -sp.factor(sp.diff(information, s)),
        0,
        "from infinity to 0: log N = E i has one root t'_C, and t_C(T) = t'_C/T",
        symbol=r"-\partial_{t'} E\,i",
    )
    more = sp.Symbol("a", positive=True)
    d.greater(
        "generated points condense later in the reverse process",
        sp.factor((fresh - information).subs(T, 1 + more)),
        0,
        "T = 1 + a: closer to the data than x ~ p_t', they have more samples within reach; t_C(T) < t_C/T, where the weights at "
        "x ~ p_t' condense. For T < 1 the sign turns",
        symbol=r"I - E\,i",
    )
    _against_early_stopping(d, information)
    d.conclude(
        "largest weight",
        r"E\,w_{max}",
        "density along the flow",
        reason="y is drawn by the weights, and the nearest sample has the largest",
        symbol=r"P(\mathrm{nearest})",
    )
    asymptotic = d.approximate(
        "memorized fraction",
        "P",
        collapse.derivation()["memorized_probability_asymptotic"].expression,
        "y outweighs all others together where i > log N; i is a sum over directions, so Gaussian(I, V), I = E i and V = Var i; "
        "error against E w_max at log N = I, t' = lambda, T = 2",
        {f"m = {size}": _error_at_threshold(size) for size in (20, 80, 320, 1280)},
    )
    d.result("memorized_fraction", asymptotic, I, V, N)


def _against_early_stopping(d: Derivation, information: sp.Expr) -> None:
    """What is left of the variance where points condense, after a last denoising."""
    denoised = d.compute(
        "denoised variance",
        r"E\,m^2",
        (lam / (lam + s)) ** 2 * d["generated_variance"].expression.subs(t, s / T),
        lam**2 / (T * (lam + s)),
        "m = lambda x/(lambda + t'), for infinitely many samples",
    )
    d.result("denoised_variance", sp.factor(denoised.subs(s, T * t)), lam, t, T)
    more = sp.Symbol("a", positive=True)
    d.greater(
        "early stopping keeps more",
        sp.factor((T * sp.diff(information, T) - s * sp.diff(information, s)).subs(T, 1 + more)),
        0,
        "T = 1 + a, summed over directions: along E i = log N it has the sign of the slope of T t'_C in T. So T (lambda + t'_C) "
        "grows from T = 1 on, and at the threshold the denoised variance falls, along every direction of any spectrum",
        symbol=r"(T \partial_T - t' \partial_{t'}) E\,i",
    )


def _error_at_threshold(dimension: int) -> float:
    """E w_max less 1/2, its second-order value, at log N = E i, t' = 1, T = 2, one subspace of variance 1."""
    samples = round(np.exp(dimension / 2 * (np.log(2) - 1 / 4)))
    return float(own_is_nearest(LinearManifold.parse(f"1x{dimension}"), np.ones(1), samples, temperature=2.0)[0] - 0.5)
