"""Frozen jacobian: from the Jacobian as a covariance to its frozen mean, and to the size below which a direction never shows."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, q, t, theta, x, y
from theory.derivation import Derivation
from theory.disorder import Disorder
from theory.predictions import condensation
from theory.predictions.frozen_jacobian import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From the Jacobian as a covariance to its frozen mean, and to the size below which a direction never shows."""
    d = Derivation(
        "frozen_jacobian",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y ~ N(0, lambda) in each direction, weights w ~ g = exp(-(x - y)^2/2t), C^ = <y^2> - <y>^2; "
        "lambda, t > 0; t_c the condensation time of x",
    )
    critical = sp.Symbol("t_c", positive=True)
    tilted = _jacobian(d)
    share = _phases(d, critical)
    frozen = d.compute(
        "frozen variance",
        r"E\,\hat C",
        sp.factor(share.subs(theta, t / critical) * tilted.subs(theta, 1 / (2 * critical))),
        t / critical / (1 / lam + 1 / critical),
        "theta = t/t_c, and the tilt e^-(x - y)^2/2t_c of a sample at the lowest energies; compared with the sum of precisions",
    )
    d.result("retained_variance_asymptotic", frozen, lam, t, critical)
    d.equal(
        "continuity",
        frozen.subs(critical, t),
        tilted.subs(theta, 1 / (2 * t)),
        "at t = t_c both phases have the posterior variance: one formula for both, with the larger of t and t_c",
    )
    d.compute(
        "frozen eigenvalue",
        r"t\,E\,\hat J",
        sp.factor(-1 + frozen / t),
        critical * sp.diff(sp.log(gaussian.density(x, lam + critical)), x, 2),
        "free of t; compared with t J of the true score at t_c",
    )
    d.approximate(
        "frozen variance at finite size",
        r"E\,\hat C",
        frozen,
        "the saddle at finite log N; error of E C^/t at t = t_c/2, lambda = 1, log N = m/4, x typical at t_c",
        {f"m = {size}": _error_below(size) for size in (20, 80, 320)},
    )
    _critical_size(d, frozen / t, critical)
    return d


def _jacobian(d: Derivation) -> sp.Expr:
    """The Jacobian of the empirical and of the true score; returns the variance of a tilted sample."""
    norm, square = sp.symbols("S_0 S_2", positive=True)
    first = sp.Symbol("S_1", real=True)
    slopes = {x: sp.Integer(1), norm: (first - x * norm) / t, first: (square - x * first) / t}
    score = (first / norm - x) / t
    d.compute(
        "Jacobian of the empirical score",
        r"\hat J = \partial_x \hat s",
        sp.expand(sum(sp.diff(score, a) * slope for a, slope in slopes.items())),
        -1 / t + (square / norm - (first / norm) ** 2) / t**2,
        "S_k = sum of g y^k and dg/dx = g (y - x)/t; compared with -1/t + C^/t^2",
    )
    norm, first, square = (gaussian.mean(y**k, y, lam, -theta * (x - y) ** 2) for k in range(3))
    tilted = sp.factor(sp.simplify(square / norm - (first / norm) ** 2))
    d.compute(
        "Jacobian of the true score",
        "J",
        sp.factor(sp.diff(sp.log(gaussian.density(x, lam + t)), x, 2)),
        -1 / t + tilted.subs(theta, 1 / (2 * t)) / t**2,
        "second derivative of log p_t; compared with the same formula and the posterior variance lambda t/(lambda + t)",
    )
    return tilted


def _phases(d: Derivation, critical: sp.Symbol) -> sp.Expr:
    """E C^ in units of the variance of a tilted sample; returns it for the condensed phase."""
    u, G, F = sp.symbols("u G F", positive=True)
    d.compute(
        "self-averaging phase",
        r"N^2 \int A[1]^2 \varphi^N dv, \quad \varphi^N = e^{-N u G}",
        sp.Integral(N**2 * (u * G) ** 2 * sp.exp(-N * u * G) / u, (u, 0, sp.oo)),
        sp.Integer(1),
        "E C^ = N (N-1) int (A[f^2] A[1] - A[f]^2) phi^(N-2) dv of condensation, f = y: A[f]/A[1] is the mean of a sample tilted "
        "at the saddle, so A[1]^2 is left times its variance; here theta = 1, A[1] = u E g, N large: all of it",
    )
    return d.compute(
        "condensed phase",
        r"N^2 \int A[1]^2 \varphi^N dv, \quad \varphi^N = e^{-NF}",
        1 - condensation.derivation()["participation_asymptotic"].expression.subs(t, theta * critical),
        sp.Integral(N**2 * (theta * F) ** 2 * sp.exp(-N * F) / (theta * F), (F, 0, sp.oo)),
        "F = C e^(theta v), A[1] = dF/dv = theta F; compared with 1 - E Y2: Poisson-Dirichlet weights know nothing of y",
    )


def _critical_size(d: Derivation, share: sp.Expr, critical: sp.Symbol) -> None:
    """When a direction shows at all, and which goes first."""
    own = sp.Symbol("lambda_k", positive=True)
    d.greater(
        "the share of a direction",
        -sp.diff(share, critical),
        0,
        "1 + t E J^ = lambda/(lambda + max(t, t_c)) is largest in the frozen phase, and falls with t_c",
        symbol=r"-\partial_{t_c} E\,\hat C/t",
    )
    d.compute(
        "critical condensation time",
        "t_c",
        sp.solve(sp.Eq(share, sp.Rational(1, 2)), critical)[0],
        lam,
        "a direction shows where its eigenvalue of t J^ is nearer to 0, that of the tangent space, than to -1, that of the "
        "normal space: at no t where t_c > lambda",
    )
    level = condensation.derivation()["level"].expression
    d.greater(
        "it falls as x comes closer",
        sp.diff(level, q),
        0,
        "log N = KL(t_c), which falls with t_c and grows with x^2: the least t_c of typical x is that of clean points, x^2 = "
        "lambda, as t falls to 0",
        symbol=r"\partial_{x^2} KL",
    )
    size = d.define(
        "critical size",
        level.subs({q: lam, t: own}),
        "log N = KL(t_c) at a clean point, and t_c = lambda_k: each direction adds its own at the noise lambda_k",
        symbol=r"\log N_k",
    )
    d.greater(
        "low variance is lost first",
        sp.factor(-sp.diff(size, own)),
        0,
        "the smaller lambda_k, the more samples it takes; every term of the sum falls with lambda_k",
        symbol=r"-\partial_{\lambda_k} \log N_k",
    )


def _error_below(dimension: int) -> float:
    """How far E C^/t is from its limit at half the condensation time of x; log N = m/4, one subspace of variance 1."""
    critical = 1 / np.expm1(0.5)
    x = np.array([[dimension * (1 + critical)]])  # a typical x at t_c, so that t_c is its condensation time
    manifold = LinearManifold.parse(f"1x{dimension}")
    exact = Disorder(manifold, critical / 2, round(np.exp(dimension / 4)), x).spread()
    return abs(float(exact[0, 0]) / (dimension * critical / 2) - 1 / (1 + critical))
