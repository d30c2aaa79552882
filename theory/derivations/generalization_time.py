"""Generalization time: from the divergence to the energy at its minimum, its limits, and the order of the four times."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.squared_distance import log_laplace
from theory.algebra.symbols import lam, m, q, t, theta, x
from theory.derivation import Derivation
from theory.disorder import Disorder
from theory.predictions import collapse, condensation, supervision_region
from theory.predictions.condensation import critical_noise_at
from theory.predictions.generalization_time import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From the divergence to the energy at its minimum, its limits, and the order of the four times."""
    d = Derivation(
        "generalization_time",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y ~ N(0, lambda) in each of d directions, fresh x ~ p_0; E = (x - y)^2/2t; lambda, t > 0",
    )
    _limit(d, _energy_at_minimum(d))
    _order(d)
    return d


def _energy_at_minimum(d: Derivation) -> sp.Expr:
    """The stationarity condition; returns KL(p_0 || p_t) of one direction."""
    a, b = sp.symbols("s_1 s_2", positive=True)
    energies = [a / (2 * t), b / (2 * t)]
    Z = sum(sp.exp(-e) for e in energies)
    mean = sum(e * sp.exp(-e) for e in energies) / Z
    d.compute(
        "how the estimate changes",
        r"t\, \partial_t \log \hat p_t",
        sp.simplify(t * sp.diff(sp.log(Z) - m / 2 * sp.log(2 * sp.pi * t), t) - mean),
        -m / 2,
        "less <E>; two samples at squared distances s_1, s_2, m directions: log p^_t = log Z - m/2 log 2 pi t - log N",
    )
    ratio = sp.expand_log(sp.log(gaussian.density(x, lam)) - sp.log(gaussian.density(x, lam + t)), force=True)
    bias = d.compute(
        "bias of the kernel",
        r"KL(p_0 \| p_t)",
        gaussian.log_terms(gaussian.mean(sp.expand(ratio), x, lam)),
        (sp.log((lam + t) / lam) - t / (lam + t)) / 2,
        "what is left for N = infinity; compared with the divergence of two Gaussians",
    )
    posterior, spread = lam * x / (lam + t), lam * t / (lam + t)
    energy = gaussian.mean(sp.expand((x - posterior) ** 2 + spread), x, lam) / (2 * t)
    d.equal(
        "energy without memorization",
        sp.Rational(1, 2) - energy,
        t * sp.diff(bias, t),
        "<E> under the posterior at clean x: below 1/2 a direction, so that without condensation less noise is always better",
    )
    d.result("bias", bias, lam, t)
    return bias


def _limit(d: Derivation, bias: sp.Expr) -> None:
    """The condensed phase: where the divergence turns."""
    critical = sp.Symbol("t_c", positive=True)
    squared = d.define(
        "nearest sample of a clean point",
        sp.factor(supervision_region.derivation()["nearest_distance_squared_asymptotic"].expression.subs(q, lam)),
        "the limit of supervision_region at x^2 = lambda, where t_c is the condensation time of a clean x",
        symbol="r^2",
    )
    level = condensation.derivation()["level"].expression.subs({q: lam, t: critical})
    condensed = d.define(
        "condensed divergence",
        level + squared / (2 * t) + (sp.log(t) - sp.log(lam) - 1) / 2,
        "log Z = -r^2/2t, one sample has the weight, and log N is the level at t_c; E log p_0 = -(1 + log 2 pi lambda)/2",
        symbol=r"KL(p_0 \| \hat p_t)",
    )
    d.equal(
        "continuity of the divergence",
        sp.expand_log(condensed.subs(t, critical), force=True),
        sp.expand_log(bias.subs(t, critical), force=True),
        "at t_c; above it the bias is all there is",
    )
    found = d.compute(
        "generalization time",
        "t_g",
        sp.factor(sp.solve(sp.Eq(sp.diff(condensed, t), 0), t)[0]),
        squared,
        "the minimum: <E> = r^2/2t is 1/2; directions add up, so that t_g = sum r^2 / d",
    )
    d.greater("it is below t_c", sp.factor(critical - found), 0, "in every direction", symbol="t_c - r^2")
    d.result("nearest_squared", found, lam, critical)
    d.result("kl_condensed", condensed, lam, t, critical)
    d.approximate(
        "generalization time at finite size",
        "t_g",
        found,
        "what the nearest distance fluctuates by; relative error of the energy there, log N = m/4, a typical clean x",
        {f"m = {size}": _error_of_limit(size) for size in (20, 80, 320)},
    )


def _error_of_limit(dimension: int) -> float:
    """How far the energy at the limit of t_g is from half a unit a direction, relative; log N = m/4, a typical clean x."""
    manifold, samples = LinearManifold.parse(f"1x{dimension}"), np.exp(dimension / 4)
    offsets = np.array([[float(dimension)]])
    critical = critical_noise_at(manifold, samples, offsets)[0]
    nearest = critical * (1 + 2 * critical) / (1 + critical) ** 2
    energy = Disorder(manifold, nearest, samples, offsets).energy()[0]
    return abs(float(energy) / (dimension / 2) - 1)


def _order(d: Derivation) -> None:
    """t_g < t_c < t_C < t_o; the first is shown with the limit."""
    clean = condensation.derivation()["level"].expression.subs(q, lam)
    information = collapse.derivation()["information"].expression
    d.greater(
        "clean points condense below collapse",
        sp.factor(gaussian.log_terms(information - clean)),
        0,
        "log N is reached by the smaller level at the smaller t",
        symbol="I - KL",
    )
    onset = d.compute(
        "onset",
        r"-\log E_y e^{-E}, \quad x^2 = \lambda",
        gaussian.log_terms(-log_laplace().subs(theta, 1 / (2 * t)).subs(q, lam)),
        information + gaussian.mean(x**2, x, lam) / (2 * (lam + t)),
        "at a sample its own e^-E is 1, that of all others N E e^-E: a trap once log N is below",
    )
    d.greater(
        "traps appear above collapse",
        sp.factor(gaussian.log_terms(onset - information)),
        0,
        "the same",
        symbol="onset - I",
    )
    d.result("onset", onset, lam, t)
