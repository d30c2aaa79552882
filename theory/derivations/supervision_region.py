"""Supervision region: from the law of a distance to the nearest of N, its limit, and the time when it leaves the shell."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.squared_distance import log_laplace
from theory.algebra.symbols import N, lam, q, t, theta, x, y, z
from theory.averages.nearest_sample import nearest_distance
from theory.derivation import Derivation
from theory.formula import Formula
from theory.predictions import collapse, condensation
from theory.predictions.condensation import critical_noise_at
from theory.predictions.supervision_region import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From the law of a distance to the nearest of N, its limit, and the time when it leaves the shell."""
    d = Derivation(
        "supervision_region",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y ~ N(0, lambda) in each direction, x fixed; s = (x - y)^2, summed over directions, with the law F; "
        "M = E e^(-theta s); lambda, t > 0",
    )
    _nearest_of_many(d)
    _limit(d)
    _overlap(d)
    return d


def _nearest_of_many(d: Derivation) -> None:
    """The least of N distances."""
    F, s = sp.symbols("F s", positive=True)
    d.define(
        "nearest of N",
        (1 - F) ** N,
        "the samples are independent given x; on a trajectory (1 - F)^(N-1) (1 - H), H the law of the own sample's distance, "
        "F tilted by e^(-s/2t)",
        symbol=r"P(\min_\mu s_\mu > s)",
    )
    d.compute(
        "own sample or impostor",
        r"E\,\min(s_1, s)",
        sp.Integral(sp.exp(-y), (y, z, sp.oo), (z, 0, s)),
        sp.Integral(y * sp.exp(-y), (y, 0, s)) + s * sp.Integral(sp.exp(-y), (y, s, sp.oo)),
        "is int_0^s (1 - H), to be averaged over the distance s of the nearest impostor; here for an exponential law, "
        "compared with the two cases",
    )
    d.compute(
        "its transform",
        r"\int_0^\infty s\, e^{-\theta s} ds",
        sp.Integral(s * sp.exp(-theta * s), (s, 0, sp.oo)),
        1 / theta * 1 / theta,
        "(s - s_1)_+ has the transform e^(-theta s_1)/theta^2: the integral that gives H, with one more factor 1/theta",
    )


def _limit(d: Derivation) -> None:
    """Where the nearest sample sits for log N = O(D) large."""
    transform = log_laplace()
    critical = sp.Symbol("t_c", positive=True)
    mean, spread = lam * x / (lam + critical), lam * critical / (lam + critical)
    nearest = d.compute(
        "distance at a saddle",
        "r^2",
        sp.collect(sp.expand((-sp.diff(transform, theta)).subs(theta, 1 / (2 * critical))), q, sp.factor),
        (spread + (x - mean) ** 2).subs(x, sp.sqrt(q)),
        "a distance s has the probability e^(theta s + log M) at its saddle, s = -d log M/d theta; theta = 1/2t_c; compared "
        "with variance and bias of the posterior at noise t_c",
    )
    level = condensation.derivation()["level"].expression
    d.equal(
        "which saddle",
        gaussian.log_terms((theta * sp.diff(transform, theta) - transform).subs(theta, 1 / (2 * t))),
        level,
        "the nearest of N has probability 1/N: the relative entropy of posterior and prior is log N there, so that t_c is the "
        "condensation time of x",
    )
    d.greater(
        "it grows with t_c",
        sp.factor(sp.diff(nearest, critical)),
        0,
        "fewer samples are farther",
        symbol=r"\partial_{t_c} r^2",
    )
    shell = d.compute(
        "shell",
        r"E\,(x - x^1)^2",
        sp.simplify(nearest.subs(critical, t).subs(q, lam + t)),
        gaussian.mean(t * z**2, z, sp.Integer(1)),
        "the own sample is drawn from the posterior at noise t: on a trajectory r^2 is taken at t, or at t_c where that is "
        "less; at x^2 = lambda + t it is the noise",
    )
    d.equal(
        "entropy at the shell",
        level.subs(q, lam + t),
        collapse.derivation()["information"].expression,
        "at x^2 = lambda + t, t_c = t: the level there is the information of collapse",
    )
    d.conclude(
        "extrapolation begins at collapse",
        r"\{t: I(t) > \log N\}",
        "it grows with t_c",
        "shell",
        "entropy at the shell",
        reason=f"r^2 grows with t_c and is {shell} at t_c = t; the level falls with t_c, so that t_c > t where I(t) > log N",
        symbol=r"\{t: r^2 > t D\}",
    )
    formula = d.result("nearest_distance_squared_asymptotic", nearest, lam, q, critical)
    d.approximate(
        "nearest sample",
        "r^2",
        nearest,
        "the least of N distances has a Gumbel law in log F, of width one where log N is large",
        {f"m = {size}": _error_at_half(size, formula) for size in (20, 80, 320)},
    )


def _error_at_half(dimension: int, limit: Formula) -> float:
    """How far E r^2 is from its limit, relative, at a typical x of half the collapse time; log N = m/4, one subspace."""
    manifold, samples = LinearManifold.parse(f"1x{dimension}"), np.exp(dimension / 4)
    square = 1 + 0.5 / np.expm1(0.5)
    offsets = np.array([[dimension * square]])
    critical = critical_noise_at(manifold, samples, offsets)[0]
    exact = nearest_distance(manifold, critical, samples, offsets, own=False)[0]
    return abs(float(exact / (dimension * limit(1.0, square, critical)) - 1))


def _overlap(d: Derivation) -> None:
    """How far the shells of two samples are one."""
    d.compute(
        "overlap of two shells",
        r"\int \sqrt{p(z | x)\, p(z | y)}\, dz",
        sp.simplify(
            gaussian.integral(sp.Integer(1), -((z - x) ** 2 + (z - y) ** 2) / (4 * t), z) / sp.sqrt(2 * sp.pi * t)
        ),
        sp.exp(-((x - y) ** 2) / (8 * t)),
        "the overlap of two clouds of noise (Bhattacharyya) is what arXiv:2510.01378 states, with t = sigma^2/alpha^2",
    )
    inner = gaussian.mean(sp.Integer(1), y, lam, -((x - y) ** 2) / (8 * t))
    weight = sp.expand_log(sp.log(inner), force=True)
    norm, second = (gaussian.mean(x**k, x, lam, -(x**2) / (2 * (lam + 4 * t))) for k in (0, 2))
    d.compute(
        "weight of x",
        r"\log E_y e^{-(x-y)^2/8t}",
        gaussian.log_terms(weight),
        -(x**2) / (2 * (lam + 4 * t)) - sp.log(1 + lam / (4 * t)) / 2,
        "integrate y out; compared with a Gaussian in x of variance lambda + 4t",
    )
    pair = d.compute(
        "overlap of a pair",
        r"\log E\, e^{-s/8t}",
        -sp.log(sp.apart(sp.factor((1 + lam / (4 * t)) / norm**2), t)) / 2,
        sp.log(gaussian.mean(sp.Integer(1), z, 2 * lam, -(z**2) / (8 * t))),
        "and x; compared with the average over x - y, of variance 2 lambda",
    )
    variance = d.compute(
        "x of an overlapping pair",
        r"E\, x^2",
        sp.factor(sp.simplify(second / norm)),
        1 / (1 / lam + 1 / (lam + 4 * t)),
        "the precisions of the prior and of the weight add up",
    )
    n = sp.Symbol("n", positive=True)
    d.compute(
        "nearest neighbour",
        r"E\, e^{-r s_{\min}} = n\, E[e^{-rs}]\, P",
        n * sp.Integral(sp.exp(-theta * y) * sp.exp(-n * y), (y, 0, sp.oo)),
        n * (1 / (1 + theta)) * ((1 + theta) / (1 + theta + n - 1)),
        "each of n neighbours is the nearest equally often; P: a pair drawn with the weight e^(-rs) has no other neighbour "
        "nearer; here for an exponential law, r = theta",
    )
    d.result("log_pair_overlap", pair, lam, t)
    d.result("overlapping_variance", variance, lam, t)
