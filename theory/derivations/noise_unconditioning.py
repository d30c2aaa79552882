"""Noise unconditioning: from the loss over all levels to a Newtonian potential, its flow, and how its weights condense."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, q, t, x
from theory.averages.newtonian import Weighed
from theory.derivation import Derivation
from theory.predictions import condensation, supervision_region
from theory.predictions.condensation import critical_noise_at
from theory.predictions.noise_unconditioning import SOURCE, STATEMENT
from theory.setting import LinearManifold

__all__ = ["derive"]

nu = sp.Symbol("nu", positive=True)
D = 2 + 2 * nu  # dimensions, more than 2
r, s = sp.symbols("r s", positive=True)  # distance of a sample, and its square
p = sp.Symbol("p", positive=True)  # weights r^-p
critical = sp.Symbol("t_c", positive=True)


@cache
def derive() -> Derivation:
    """From the loss over all levels to a Newtonian potential, its flow, and how its weights condense."""
    d = Derivation(
        "noise_unconditioning",
        STATEMENT,
        SOURCE,
        "potential and flow: any N samples y in D = 2 + 2 nu > 2 dimensions, levels uniform in log t from 0 to infinity, loss "
        "weighted by t, s = r^2 = |x - y|^2; phases: N i.i.d. samples y ~ N(0, lambda), lambda > 0, log N = O(D)",
    )
    _potential(d)
    _ascent(d)
    _schedule(d)
    _level(d)
    _phases(d)
    return d


def _potential(d: Derivation) -> None:
    """The optimal score that is not told the level, and the weights of samples in it."""
    f, g = (sp.Function(name)(x) for name in ("p_1", "p_2"))
    first, second = sp.symbols("t_1 t_2", positive=True)
    guess = sp.Symbol("s", real=True)
    loss = sum(level * one * (guess - sp.diff(one, x) / one) ** 2 for level, one in ((first, f), (second, g)))
    d.compute(
        "one score for two levels",
        r"\hat s(x)",
        sp.solve(sp.diff(loss, guess), guess)[0],
        sp.diff(first * f + second * g, x) / (first * f + second * g),
        "the least loss at x, each level weighted by t and the density of x there; compared with grad log sum_i t_i p^_i",
    )
    a, u = sp.symbols("a u", positive=True)
    at_level = (2 * sp.pi / u) ** (-D / 2) * sp.exp(-s * u / 2)  # u = 1/t
    potential = d.compute(
        "all levels",
        r"\int_0^\infty t\, N(x; y, t)\, dt/t",
        sp.gamma(nu) / (2 * sp.pi ** (nu + 1)) * s ** (-nu),
        sp.Integral(at_level / u**2, (u, 0, sp.oo)),
        "uniform in log t; compared with Newton's potential in D dimensions, r^-(D-2) over (D - 2) times the area of the unit "
        "sphere, twice: the weight of a sample is w ~ r^-(D-2)",
    )
    d.compute(
        "level that a sample implies",
        "t",
        sp.simplify(-r / sp.diff(sp.log(potential.subs(s, r**2)), r)),
        r**2 / (D - 2),
        "of each sample alone the score is -(x - y)/t; published: r^2/D",
    )
    d.compute(
        "another weight of the levels",
        r"\int_0^\infty t^{a-1} N(x; y, t)\, dt \Big/ s^{a - D/2}",
        sp.Integral(at_level.subs(nu, p / 2 + a - 1) * u ** (-a - 1), (u, 0, sp.oo)) * s ** (p / 2),
        2 ** (-a) * sp.pi ** (-p / 2 - a) * sp.gamma(p / 2),
        "p = D - 2a: a loss weighted by another power of t, or levels of another density, makes weights r^-p; a = 1 above",
    )


def _ascent(d: Derivation) -> None:
    """Gradient ascent ends on samples: Earnshaw's theorem."""
    others = sp.Symbol("R", positive=True)  # s - x^2
    along = sp.diff((others + x**2) ** (-p / 2), x, 2).subs(others, s - x**2)
    constant, square = (sp.expand(sp.simplify(along * s ** (p / 2 + 2))).coeff(x, k) for k in (0, 2))
    radial = sp.diff(r**-p, r, 2) + (D - 1) / r * sp.diff(r**-p, r)
    laplacian = d.compute(
        "Laplacian of a power",
        r"\Delta r^{-p}",
        sp.factor(sp.simplify((D * constant + s * square) * s ** (-p / 2 - 2)).subs(s, r**2)),
        sp.factor(sp.simplify(radial)),
        "the second derivatives of s^(-p/2) along D directions, whose x^2 add up to s; compared with f'' + (D - 1) f'/r",
    )
    d.compute(
        "the potential is harmonic",
        r"\Delta r^{-(D-2)}",
        laplacian.subs(p, D - 2),
        sp.simplify(radial.subs(p, D - 2)),
        "off the samples, and so is their sum Phi: it is its mean over every sphere there, and has no maximum",
    )
    phi = sp.Function("Phi")(x)
    d.equal(
        "curvature of the logarithm",
        sp.diff(sp.log(phi), x, 2),
        sp.diff(phi, x, 2) / phi - (sp.diff(phi, x) / phi) ** 2,
        "summed over directions, with Delta Phi = 0: Delta log Phi = -|s|^2",
    )
    d.conclude(
        "ascent keeps volumes",
        sp.Integer(0),
        "the potential is harmonic",
        "curvature of the logarithm",
        reason="dx/dtau = grad Phi is ascent of log Phi in another time. Phi is analytic and vanishes at infinity, so that each "
        "path ends on a sample or at a critical point. Those that end at critical points are squeezed onto a set of volume 0, "
        "while volumes are kept: their starts have volume 0",
        symbol=r"\nabla \cdot \nabla \Phi",
    )
    d.conclude(
        "ascent ends on samples",
        sp.Integer(1),
        "ascent keeps volumes",
        reason="for almost every start, any data set of 1 sample or more: Earnshaw's theorem, for the flow",
        symbol=r"P(\mathrm{collapse})",
    )
    more, rest = sp.symbols("a b", positive=True)
    d.greater(
        "so it does with steeper weights",
        sp.factor(sp.simplify(laplacian.subs(p, D - 2 + more))),
        0,
        "p = D - 2 + a: Phi exceeds no mean over a sphere, and ascent lets volumes grow",
        symbol=r"\Delta r^{-p}",
    )
    flat = laplacian.subs({p: more, nu: (more + rest) / 2})
    d.greater(
        "flatter weights may have other maxima",
        -sp.factor(sp.simplify(flat)),
        0,
        "p = a, D = a + 2 + b: volumes may shrink off the samples too. Levels uniform in t make such weights, p = D - 4",
        symbol=r"-\Delta r^{-p}",
    )


def _schedule(d: Derivation) -> None:
    """What a schedule makes of this score."""
    start, end = sp.symbols("t_max t_0", positive=True)
    rate = d.compute(
        "probability flow on a schedule",
        r"dr^2/dt",
        sp.simplify(2 * r * (-sp.diff(sp.log(r ** (2 - D)), r) / 2)),
        D - 2,
        "dx/dt = -s/2 about one sample: r^2 falls by D - 2 as t falls by 1, wherever x is",
    )
    z = sp.Symbol("z", positive=True)
    of_one = gaussian.variance(x**2, {x: start})
    there = z - rate * (start - end)
    d.compute(
        "its spread",
        r"\mathrm{Var}\, r^2 / (2 D t_0^2)",
        sp.simplify(D * of_one * sp.diff(there, z) ** 2 / (D * of_one.subs(start, end))),
        (start / end) ** 2,
        "over that of t_0 chi^2_D, which x = y + sqrt t_0 xi has: r^2 = t_max chi^2_D falls by a constant and is not contracted. "
        "On its schedule the flow ends neither on the sample nor on a level; ascent needs no schedule",
    )


def _level(d: Derivation) -> None:
    """The level that infinitely many samples imply."""
    density = -sp.log(lam + t) / 2 - q / (2 * (lam + t))  # log p_t, one direction
    slope = sp.factor(sp.diff(density, t) * t)
    level = d.compute(
        "mean squared distance over the level",
        r"E[(x - y)^2 | x]/t",
        lam / (lam + t) + t * q / (lam + t) ** 2,
        sp.factor(
            supervision_region.derivation()["nearest_distance_squared_asymptotic"].expression.subs(critical, t) / t
        ),
        "y given x at the level t, one direction; compared with the nearest distance of supervision_region where t is t_c. In a "
        "normal direction, lambda = 0, it is x^2/t",
    )
    d.result("level", level, lam, q, t)
    d.compute(
        "the level of x",
        r"\partial_{\log t} \log p_t",
        slope,
        (level - 1) / 2,
        "one direction: over log t the integrand t p_t of Phi is largest where sum E[(x - y)^2 | x]/t = D - 2, at t*, of "
        "relative width O(D^-1/2). So r^2/(D - 2) = t* for most of the weight",
    )
    d.compute(
        "the level of a typical x",
        r"\sum E[(x - y)^2 | x]/t - D, \quad x^2 = \lambda + t",
        sp.simplify(level.subs(q, lam + t) - 1),
        sp.Integer(0),
        "one direction: but for the 2, in D, the level is the noise that is there",
    )


def _phases(d: Derivation) -> None:
    """Where the weights condense, and on how many samples."""
    level, entropy = d["level"].expression, condensation.derivation()["level"].expression
    distance = t * level
    d.compute(
        "samples within reach",
        r"d \log P(r^2 < s)/ds",
        sp.factor(sp.simplify(sp.diff(-entropy, t) / sp.diff(distance, t))),
        1 / (2 * t),
        "P = e^-KL at s = E[(x - y)^2 | x], one direction, t the same in all: the nearest of N is at t_c, r_0^2 = t_c sum level",
    )
    theta = d.compute(
        "saddle of the energies",
        r"\theta = d \log P/d(\nu \log s)",
        sp.simplify((1 / (2 * critical)) / sp.diff(nu * sp.log(s), s)),
        s / ((D - 2) * critical),
        "the energy of the weight s^-nu is nu log s; below 1 at s = r_0^2, where t* < t_c, the weights condense",
    )
    limit = d.compute(
        "condensed participation ratio",
        r"\lim_{D \to \infty} E\,Y_2",
        1 - r / critical,
        sp.Limit((1 - theta).subs(s, D * r), nu, sp.oo),
        "1 - theta, as any condensed weights (condensation), r = r_0^2/D, the mean of t_c level over directions",
    )
    condensed = sp.factor((1 - level).subs({t: critical, q: lam + t}, simultaneous=True))
    typical = d.compute(
        "at a typical x",
        r"E\,Y_2",
        sp.factor(sp.simplify(limit.subs(r, critical * (1 - condensed)))),
        critical * (critical - t) / (lam + critical) ** 2,
        "one variance, x^2 = lambda + t: it vanishes where t = t_c, as it does for the score that is told the level",
    )
    d.result("participation_typical", typical, lam, t, critical)
    more = sp.Symbol("a", positive=True)
    d.greater(
        "fewer samples share the weight of the conditioned score",
        sp.factor((1 - t / critical - typical).subs(critical, t + more)),
        0,
        "1 - t/t_c there, t_c = t + a",
        symbol=r"1 - t/t_c - E\,Y_2",
    )
    d.compute(
        "effective number of samples",
        r"\lim_{t \to 0} 1/E\,Y_2",
        sp.Limit(1 / typical, t, 0),
        (1 + lam / critical) ** 2,
        "one variance, t_c of clean points: it saturates above 1, where that of the conditioned score falls to 1",
    )
    d.approximate(
        "participation ratio at finite size",
        r"E\,Y_2",
        typical,
        "error against the exact average at log N = D/5, t = 0.3, lambda = 1, a typical x",
        {f"D = {size}": _error(size) for size in (20, 80, 320)},
    )


def _error(dimension: int) -> float:
    """How far E Y2 is from its limit at log N = D/5, t = 0.3, one subspace of variance 1, a typical x."""
    noise, samples = 0.3, float(np.exp(dimension / 5))
    manifold, offsets = LinearManifold.parse(f"1x{dimension}"), np.array([[dimension * (1 + noise)]])
    t_c = float(critical_noise_at(manifold, samples, offsets)[0])
    exact = Weighed(manifold, noise, samples, offsets, own=False).found[0, 0]
    return float(abs(exact - t_c * (t_c - noise) / (1 + t_c) ** 2))
