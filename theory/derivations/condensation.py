"""Condensation: from Euler's integral and the tilted averages to the two phases and the time between them."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.squared_distance import log_laplace
from theory.algebra.symbols import N, lam, q, t, theta, x, y
from theory.derivation import Derivation
from theory.disorder import Disorder
from theory.predictions import collapse, score_covariance
from theory.predictions.condensation import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From Euler's integral and the tilted averages to the two phases and the time between them."""
    d = Derivation(
        "condensation",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y ~ N(0, lambda) in each direction, x fixed; E = (x - y)^2/2t, g = e^-E, Z = sum g; lambda, t > 0",
    )
    _averages(d)
    _phases(d)
    return d


def _averages(d: Derivation) -> None:
    """How an average over data sets becomes one over v of averages over one sample."""
    a, Z, u = sp.symbols("a Z u", positive=True)
    d.compute(
        "powers of 1/Z",
        r"\int_0^\infty u\, e^{-uZ} du",
        sp.Integral(u * sp.exp(-u * Z), (u, 0, sp.oo)),
        1 / Z**2,
        "Euler's integral, and 1/Z without the factor u: Z enters as e^-uZ, a product over independent samples, and its "
        "average as a power of phi = E e^-ug",
    )
    end = sp.Symbol("z", positive=True)
    d.compute(
        "the logarithm",
        r"\int_1^z \int_0^\infty e^{-uZ} du\, dZ",
        sp.Integral(sp.exp(-u * Z), (u, 0, sp.oo), (Z, 1, end)),
        sp.log(end),
        "hence E log Z = int (e^-u - phi^N) du/u, phi = E e^-ug (Frullani)",
    )
    p = sp.Symbol("p", nonnegative=True)
    g, h = sp.symbols("g h", positive=True)
    phi = p * sp.exp(-u * g) + (1 - p) * sp.exp(-u * h)
    tilted = p * g**2 * sp.exp(-u * g) + (1 - p) * h**2 * sp.exp(-u * h)
    d.compute(
        "why the averages factor",
        r"N \int u\, E[g^2 e^{-ug}]\, \varphi^{N-1} du, \quad N = 2",
        2 * sp.Integral(sp.expand(u * tilted * phi), (u, 0, sp.oo)),
        p**2 / 2 + (1 - p) ** 2 / 2 + 2 * p * (1 - p) * (g**2 + h**2) / (g + h) ** 2,
        "E Y2 of two samples that are g with probability p and h else; compared with the sum over the four data sets",
    )
    weight = -theta * (x - y) ** 2
    norm, first, second = (gaussian.mean(y**k, y, lam, weight) for k in range(3))
    mean = d.compute(
        "tilted mean",
        r"E[y e^{-\theta(x-y)^2}] / E\, e^{-\theta(x-y)^2}",
        sp.factor(sp.simplify(first / norm)),
        x + sp.diff(log_laplace().subs(q, x**2), x) / (2 * theta),
        "a sample enters by its averages tilted with e^-theta s alone; compared with the derivative of the transform in x",
    )
    d.compute(
        "tilted variance",
        r"\mathrm{Var}\, y",
        sp.factor(sp.simplify(second / norm - mean**2)),
        lam / (1 + 2 * lam * theta),
        "y given s is Gaussian about the tilted mean",
    )
    s = sp.Symbol("s", positive=True)
    d.compute(
        "Mellin transform of e^-z",
        r"\int_0^\infty z^{s-1} e^{-z} dz",
        sp.Integral(a ** (s - 1) * sp.exp(-a), (a, 0, sp.oo)),
        sp.gamma(s),
        "inverted along Re s > 0, s = -theta, it gives E e^-z from E e^(-theta E); across the poles of Gamma(-theta) at 0, 1, .. "
        "the terms of the power series come out",
    )
    for power, product in ((1, s), (2, s * (s + 1))):
        d.equal(
            f"transform of z^{power} e^-z",
            sp.gamma(s + power) / sp.gamma(s),
            product,
            "each factor z shifts the argument: the same integral with a factor p_1 = -theta, p_2 = theta (theta - 1)",
        )


def _phases(d: Derivation) -> None:
    transform = log_laplace()
    posterior, spread = lam * x / (lam + t), lam * t / (lam + t)
    level = d.compute(
        "relative entropy of posterior and prior",
        r"KL(p(y|x) \| p(y))",
        sp.expand_log(
            gaussian.log_terms((theta * sp.diff(transform, theta) - transform).subs(theta, 1 / (2 * t))), force=True
        ),
        (spread / lam + posterior**2 / lam - 1 - sp.log(spread / lam)).subs(x**2, q) / 2,
        "the probability of an energy with saddle theta is e^(theta E + log M): log N samples reach theta = 1 where "
        "-(E + log M) = log N; compared with the divergence of two Gaussians",
    )
    d.result("level", level, lam, q, t)
    d.greater(
        "it falls with t", -sp.diff(level, t), 0, "so that there is one condensation time", symbol=r"-\partial_t KL"
    )
    information = collapse.derivation()["information"].expression
    d.compute(
        "averaged over x",
        r"E_x KL",
        sp.simplify(level.subs(q, lam + t)),
        information,
        "KL is linear in x^2, and E x^2 = lambda + t: a typical x condenses from the collapse time on",
    )
    c, v, m = sp.symbols("C v theta", positive=True)
    F = c * sp.exp(m * v)
    d.compute(
        "condensed phase",
        r"N \int A\, e^{-NF} dv, \quad F = C e^{\theta v}",
        sp.Integral(N * sp.diff(F, v).subs(v, sp.log(y) / m) * sp.exp(-N * c * y) / (m * y), (y, 0, sp.oo)),
        sp.Integer(1),
        "theta < 1 at the lowest energies: 1 - phi = F is exponential there, A = dF/dv, and B = (1 - theta) A for "
        "p_2/p_1 = 1 - theta; so E Y2 = 1 - theta, Poisson-Dirichlet",
    )
    critical = sp.Symbol("t_c", positive=True)
    asymptotic = d.approximate(
        "participation ratio",
        r"E\,Y_2",
        1 - t / critical,
        "theta E at t equals E at t_c, where theta = 1: theta = t/t_c",
        {f"m = {size}": _error_below(size) for size in (20, 80, 320)},
    )
    d.result("participation_asymptotic", asymptotic, t, critical)
    _condensed_energies(d, critical)
    u, G, R = sp.symbols("u G R", positive=True)
    d.compute(
        "self-averaging phase",
        r"N \int u\, R G^2 e^{-N u G} du",
        sp.Integral(N * u * R * G**2 * sp.exp(-N * u * G), (u, 0, sp.oo)),
        R / N,
        "theta > 1: phi^N = exp(-N u E g), G = E g, E g^2 = R G^2; the inverse of the effective number of samples",
    )
    width = gaussian.variance(sp.expand((x - y) ** 2 / 2), {y: spread})
    width = d.compute(
        "heat capacity of the self-averaging phase",
        r"\theta^2 \partial_\theta^2 \log M",
        sp.factor((theta**2 * sp.diff(transform, theta, 2)).subs(theta, 1 / (2 * t))),
        sp.expand(width.subs(x, t * x / (lam + t)) / t**2).subs(x**2, q),
        "of the samples the posterior asks for; compared with the variance of its energy. Their entropy is log N - KL",
    )
    d.result("heat_capacity_self_averaging", width, lam, q, t)
    d.compute(
        "the weight ratio",
        r"\log E g^2 - 2 \log E g",
        sp.expand_log(gaussian.log_terms(transform.subs(theta, 1 / t) - 2 * transform.subs(theta, 1 / (2 * t)))),
        score_covariance.derivation()["log_weight_ratio"].expression,
        "the transform at twice the argument; compared with that of score_covariance",
    )
    _gaussian_energies(d)


def _condensed_energies(d: Derivation, critical: sp.Symbol) -> None:
    """Entropy and heat capacity of the condensed phase, derivatives of E log Z in the inverse temperature b."""
    u, K, c, b, end = sp.symbols("u K C b y", positive=True)
    a, m = sp.symbols("a theta", positive=True)
    p = sp.Symbol("p", positive=True)  # 1 - a: the integral is finite where a < 1
    rate = d.compute(
        "condensed phase at another temperature",
        r"N(1-\varphi) = \int C e^{\theta E}\, d(-e^{-u e^{-bE}}), \quad p = 1 - a, \quad a = \theta/b",
        c * sp.gamma(p) * u ** (1 - p),
        sp.Integral(c * end ** (p - 1) * u * sp.exp(-u * end), (end, 0, sp.oo)),
        "below E there are C e^(theta E) samples, of weights y = e^-bE; by parts",
    ).subs(p, 1 - a)
    log_Z = d.compute(
        "free energy of the condensed phase",
        r"E \log Z",
        -sp.EulerGamma - (sp.diff(sp.gamma(1 + a), a).subs(a, 0) - sp.log(K)) / a,
        -sp.EulerGamma + (sp.EulerGamma + sp.log(K)) / a,
        "-gamma - E v, where v stays below log u with probability phi^N = e^-y, y = K u^a: E log y = Gamma'(1)",
    )
    in_b = log_Z.subs(K, (rate / u**a)).subs(a, m / b)
    entropy = d.compute(
        "entropy of the condensed phase",
        "E S",
        sp.simplify((in_b - b * sp.diff(in_b, b)).subs(b, 1)),
        sp.digamma(1) - sp.digamma(1 - m),
        "log Z + <E>; that of Poisson-Dirichlet weights",
    )
    d.result("entropy_condensed", entropy.subs(m, t / critical), t, critical)
    width = d.compute(
        "heat capacity of the condensed phase",
        r"E\, \partial_b^2 \log Z",
        sp.simplify(sp.diff(in_b, b, 2).subs(b, 1)),
        m * sp.polygamma(1, 1 - m),
        "the variance of the energy under the weights",
    )
    d.result("heat_capacity_condensed", width.subs(m, t / critical), t, critical)


def _gaussian_energies(d: Derivation) -> None:
    square, linear = sp.symbols("a b", positive=True)
    variance = d.compute(
        "variance of the energy",
        r"t^2\,\mathrm{Var}\,E",
        sp.expand(gaussian.variance(sp.expand((x - y) ** 2 / 2), {y: lam})),
        lam**2 / 2 + lam * x**2,
        "of one direction, at fixed x; 3/2 lambda^2 + lambda t at x^2 = lambda + t",
    )
    d.result("energy_variance", variance.subs(x**2, q), lam, q)
    roots = sp.solve(sp.Eq((square + linear * t) / t**2, 2 * sp.log(N)), t)
    root = max(roots, key=lambda r: r.subs({square: 1, linear: 1, N: 10}).evalf())
    found = d.compute(
        "Gaussian random energy model",
        "t_c",
        root,
        (linear + sp.sqrt(linear**2 + 8 * square * sp.log(N))) / (4 * sp.log(N)),
        "N Gaussian energies of variance (a + b t)/t^2 condense where it reaches 2 log N: far too early at moderate log N/D, for "
        "an energy has no Gaussian tail below",
    )
    d.result("gaussian", found, square, linear, N)


def _error_below(dimension: int) -> float:
    """How far E Y2 is from 1/2, its limit, at half the condensation time of x; log N = m/4, one subspace."""
    critical = 1 / np.expm1(0.5)
    x = np.array([[dimension * (1 + critical)]])  # a typical x at t_c, so that t_c is its condensation time
    manifold = LinearManifold.parse(f"1x{dimension}")
    exact = Disorder(manifold, critical / 2, round(np.exp(dimension / 4)), x).participation()
    return abs(float(exact[0]) - 0.5)
