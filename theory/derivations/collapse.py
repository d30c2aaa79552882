"""Collapse: from the information density of one direction to the collapse time and the memorized probability."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.squared_distance import log_laplace
from theory.algebra.symbols import I, N, V, lam, m, q, t, theta, x, xi, y, z
from theory.averages.nearest_sample import own_is_nearest
from theory.derivation import Derivation
from theory.predictions.collapse import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From the information density of one direction to the collapse time and the memorized probability."""
    d = Derivation(
        "collapse",
        STATEMENT,
        SOURCE,
        "x_0 = sqrt(lambda) z and x = x_0 + sqrt(t) xi in each direction; z and xi independent standard normal; "
        "lambda, t > 0; N i.i.d. samples",
    )
    noised = sp.simplify(gaussian.integral(sp.Integer(1), -(y**2) / (2 * lam) - (x - y) ** 2 / (2 * t), y))
    noised = d.compute(
        "noised density",
        "p_t(x)",
        sp.simplify(noised / (2 * sp.pi * sp.sqrt(lam * t))),
        gaussian.density(x, lam + t),
        "integrate the sample out of N(y; 0, lambda) N(x - y; 0, t); compared with N(x; 0, lambda + t)",
    )
    density = d.define(
        "information density",
        sp.expand_log(sp.log(gaussian.density(sp.sqrt(t) * xi, t)) - sp.log(noised)).subs(
            x, sp.sqrt(lam) * z + sp.sqrt(t) * xi
        ),
        "log p(x | x_0) - log p_t(x) at x = x_0 + sqrt(t) xi",
        symbol="i",
    )
    mean = gaussian.mean(gaussian.mean(sp.expand(density), z, sp.Integer(1)), xi, sp.Integer(1))
    information = d.compute(
        "information",
        "I = E\\,i",
        sp.log(sp.apart(sp.exp(2 * sp.logcombine(sp.simplify(mean))), t)) / 2,
        sp.log(2 * sp.pi * sp.E * (lam + t)) / 2 - sp.log(2 * sp.pi * sp.E * t) / 2,
        "average over z and xi; compared with the difference of the entropies of x and of the noise",
    )
    square = sp.hessian(density, (z, xi)) / 2
    dispersion = d.compute(
        "dispersion",
        "V = \\mathrm{Var}\\,i",
        gaussian.variance(sp.expand(density), {z: sp.Integer(1), xi: sp.Integer(1)}),
        2 * (square * square).trace(),
        "average over z and xi; compared with 2 tr A^2 for the quadratic form i = (z, xi) A (z, xi)^T + const",
    )
    d.result("information", information, lam, t)
    d.result("dispersion", dispersion, lam, t)
    d.greater(
        "information falls with t",
        -sp.diff(information, t),
        0,
        "so that log N = I(t) has at most one root; I runs from infinity to 0, so it has one",
        symbol=r"-\partial_t I",
    )
    isotropic = sp.solve(sp.Eq(sp.log(N), m * information), t)[0]
    isotropic = d.compute(
        "isotropic collapse time",
        "t_C",
        isotropic,
        lam / (sp.exp(2 * sp.log(N) / m) - 1),
        "solve log N = m I(t) for t: the rate log N of the code reaches the capacity I of the channel",
    )
    d.result("isotropic_collapse_time", isotropic, lam, m, N)
    growth = sp.Symbol("u", positive=True)  # e^tau
    ou = sp.log(sp.solve(sp.Eq(growth**2 - 1, t), growth)[0]).subs(t, isotropic)
    d.equal(
        "Ornstein-Uhlenbeck form",
        ou,
        sp.log(1 + lam / (N ** (2 / m) - 1)) / 2,
        "alpha = e^-tau and sigma^2 = 1 - e^-2tau give t = e^2tau - 1, solved for tau at t_C; right: arXiv:2402.18491",
    )
    exponent = log_laplace()
    d.compute(
        "law of an impostor's distance",
        r"\log E_y e^{-\theta (x-y)^2}",
        exponent,
        sp.expand_log(sp.log(gaussian.density(x, lam + 1 / (2 * theta)) * sp.sqrt(sp.pi / theta))).subs(x**2, q),
        "q = x^2; integrate y out; compared with N(x; 0, lambda + 1/2theta): the generalized noncentral chi-square",
    )
    rate = 1 / (2 * t)
    shrink = 1 + 2 * lam * rate
    d.equal(
        "law of the own distance",
        exponent.subs({lam: lam / shrink, q: q / shrink**2}, simultaneous=True),
        exponent.subs(theta, theta + rate) - exponent.subs(theta, rate),
        "given x, the own sample has density p_0(y) exp(-|x-y|^2/2t) up to its norm: the tilted law is of the same family",
    )
    d.equal(
        "an impostor wins with probability at most exp(-i)",
        exponent.subs(theta, rate).subs(q, (sp.sqrt(lam) * z + sp.sqrt(t) * xi) ** 2) + xi**2 / 2,
        -density,
        "Chernoff's bound P(|x-y|^2 <= s) <= E exp(-theta |x-y|^2 + theta s) at theta = 1/2t and s = t xi^2 is e^-i",
    )
    asymptotic = d.approximate(
        "second-order memorized probability",
        "P",
        sp.erfc(-(I - sp.log(N)) / sp.sqrt(2 * V)) / 2,
        "decoding succeeds when i > log N; i is a sum over directions, so by the central limit theorem Gaussian(I, V)",
        {f"m = {size}": _error_at_threshold(size) for size in (20, 80, 320, 1280)},
    )
    d.result("memorized_probability_asymptotic", asymptotic, I, V, N)
    return d


def _error_at_threshold(dimension: int) -> float:
    """Exact memorized probability less 1/2, its second-order value, at log N = I = m/2, one subspace."""
    t = np.array([1 / np.expm1(1.0)])
    return float(own_is_nearest(LinearManifold.parse(f"1x{dimension}"), t, round(np.exp(dimension / 2)))[0] - 0.5)
