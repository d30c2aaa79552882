"""Spectral gap: from one column of a random F to the mean of what is retained, the edges of the spectrum, and its count."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, t, z
from theory.derivation import Derivation
from theory.predictions.spectral_gap import SOURCE, STATEMENT

__all__ = ["derive"]

kappa = sp.Symbol("kappa", positive=True)  # effective noise variance
gamma = sp.Symbol("gamma", positive=True)  # tr (F F^T + t)^-1 / m
c = sp.Symbol("c", positive=True)  # D/m
w = sp.Symbol("w", real=True)  # -kappa, where t is minus an eigenvalue
s = sp.Symbol("s", positive=True)  # an eigenvalue


@cache
def derive() -> Derivation:
    """From one column to what is retained, the edges of the spectrum, and how many eigenvalues lie beyond a value."""
    d = Derivation(
        "spectral_gap",
        STATEMENT,
        SOURCE,
        "x = F z, z ~ N(0, I); F is D x m, of independent entries of mean 0, variance lambda/m in a column of variance lambda; "
        "D, m to infinity at c = D/m >= 1; terms of one variance stand for their mean over columns; t > 0",
    )
    _retained(d)
    _one_variance(d)
    _edges(d)
    _count(d)
    _sphere(d)
    _surface(d)
    return d


def _retained(d: Derivation) -> None:
    """What is retained of one coordinate of z, and of all."""
    d.equal(
        "retained along an eigenvector", lam / (lam + t), 1 - t / (lam + t), "-t J has the eigenvalues t/(lambda + t)"
    )
    d.define(
        "resolvent",
        r"\mathrm{tr}\,(FF^T + t)^{-1}/m",
        "of the D x D matrix; one column more or less changes it by order 1/m, and F_j^T (F F^T + t)^-1 F_j, taken without "
        "column j, is lambda gamma, the trace times lambda/m (independent entries)",
        symbol=r"\gamma",
    )
    norm, second = (gaussian.integral(z**k, -(z**2) * (1 + lam * gamma) / 2, z) for k in (0, 2))
    posterior = d.compute(
        "one coordinate",
        r"1 - \mathrm{Var}(z_j | x_t)",
        sp.factor(sp.simplify(1 - second / norm)),
        1 - 1 / (1 + lam * gamma),
        "the others integrated out, x_t tells z_j with the precision lambda gamma; compared with the sum of precisions",
    )
    retained = d.compute(
        "at an effective noise",
        r"r_j",
        sp.factor(posterior.subs(gamma, 1 / kappa)),
        lam / (lam + kappa),
        "is what noise of variance kappa = 1/gamma leaves of a direction of variance lambda",
    )
    lost = d.compute("lost", r"1 - r_j", sp.factor(1 - retained), kappa / (lam + kappa), "of the coordinate")
    d.equal(
        "all coordinates",
        c - t / kappa - retained.subs(lam, lam),
        c - 1 - t / kappa + lost,
        "both are 0: the trace of F F^T (F F^T + t)^-1 is that of 1 - t (F F^T + t)^-1 over D directions, m (c - t gamma), and "
        "that of F^T (F F^T + t)^-1 F over m columns, m r. This gives kappa",
    )
    _flipd(d)
    d.result("retained", retained, lam, kappa)
    d.result("lost", lost, lam, kappa)


def _flipd(d: Derivation) -> None:
    """What D + t (div s + |s|^2) is at a clean point, in the mean over points."""
    score = -z / (lam + t)
    square = gaussian.integral(score**2, -(z**2) / (2 * lam), z) / gaussian.integral(1, -(z**2) / (2 * lam), z)
    flipd = d.compute(
        "FLIPD of one direction",
        r"1 + t (\partial s + E s^2)",
        sp.factor(sp.simplify(1 + t * (sp.diff(score, z) + square))),
        1 - t**2 / (lam + t) ** 2,
        "z ~ N(0, lambda) clean; compared with what is retained, 1 - t/(lambda + t), with the square lost. A normal direction, "
        "lambda = 0, adds nothing",
    )
    d.equal(
        "by what is retained",
        flipd,
        lam / (lam + t) - t * sp.diff(lam / (lam + t), t),
        "for each eigenvalue in place of lambda, so that the mean over any spectrum follows from the mean retained: r - t dr/dt",
    )
    seen = lam / (lam + kappa)
    d.equal(
        "slope of what is retained",
        -t * sp.diff(seen, kappa) / sp.diff(_noise(), kappa),
        t * seen / (lam + kappa) / (c - seen**2),
        "at an effective noise kappa, dr/dt = dr/dkappa dkappa/dt; squares stand for their means over columns",
    )


def _noise() -> sp.Expr:
    """T at an effective noise kappa, for one variance."""
    return c * kappa - lam * kappa / (lam + kappa)


def _one_variance(d: Derivation) -> None:
    """The law of Marchenko and Pastur."""
    lower, upper = (lam * (sp.sqrt(c) + sign) ** 2 for sign in (-1, 1))
    d.equal(
        "quadratic of Marchenko and Pastur",
        sp.numer(sp.together(_noise().subs(kappa, 1 / gamma) - t)),
        -(lam * t * gamma**2 + (t + lam - c * lam) * gamma - c),
        "for one variance",
    )
    d.equal(
        "its discriminant",
        ((t + lam - c * lam) ** 2 + 4 * c * lam * t).subs(t, -s),
        (s - lower) * (s - upper),
        "at an eigenvalue s = -t gamma is complex between the two edges",
    )
    r = (lam * (1 + c) + t - sp.sqrt((lam * (1 + c) + t) ** 2 - 4 * c * lam**2)) / (2 * lam)
    d.equal(
        "mean retained of one variance",
        sp.expand(lam * r**2 - (lam * (1 + c) + t) * r + c * lam),
        0,
        "r = lambda/(lambda + kappa) in the equation of kappa: t r = lambda (c - r)(1 - r)",
    )


def _edges(d: Derivation) -> None:
    """Where the spectrum of any mixture of variances ends."""
    level = d.compute(
        "level",
        "s(w)",
        sp.factor(-_noise().subs(kappa, -w)),
        (c - 1) * w + w**2 / (w - lam),
        "the eigenvalue s = -t where kappa = -w; real w with a rising level are outside the spectrum, and each of its edges is "
        "where the level turns",
    )
    pull = lam**2 / (w - lam) ** 2
    d.equal("it turns", sp.diff(level, w), c - pull, "where the mean of the pulls is c")
    tug = d.compute(
        "between two variances",
        "-p'/2",
        sp.factor(-sp.diff(pull, w) / 2),
        lam**2 / (w - lam) ** 3,
        "its mean vanishes once between neighbouring variances, where the level rises most or falls least: there is a gap of the "
        "spectrum between the two if the mean pull there is below c",
    )
    for sign, name in ((-1, "lower"), (1, "upper")):
        at = lam * (1 + sign / sp.sqrt(c))
        d.equal(f"where it turns, {name}", pull.subs(w, at), c, "for one variance")
        d.equal(f"{name} edge", sp.simplify(level.subs(w, at)), lam * (sp.sqrt(c) + sign) ** 2, "for one variance")
    d.equal(
        "how it bends",
        sp.diff(level, w, 2),
        2 * tug,
        "the density there is a square root whose constant follows, and with it the scale m^(-2/3) of the extreme eigenvalue",
    )
    d.result("pull", pull, lam, w)
    d.result("tug", tug, lam, w)
    d.result("seen", w / (w - lam), lam, w)


def _count(d: Derivation) -> None:
    """How many eigenvalues lie beyond a value, without an integral."""
    t_of_gamma = _noise().subs(kappa, 1 / gamma)
    d.equal(
        "primitive",
        sp.diff(-gamma * t_of_gamma + c * sp.log(gamma) - sp.log(1 + lam * gamma), gamma),
        -gamma * sp.diff(t_of_gamma, gamma),
        "its derivative by the eigenvalue s = -t is gamma, whose imaginary part over pi is the density: the count is the "
        "imaginary part of the primitive, at no more than the root gamma itself",
    )


def _sphere(d: Derivation) -> None:
    """Of data on a curved manifold, where it is closed: uniform on the sphere of radius R in three dimensions, at its points."""
    k, x = sp.Symbol("k", positive=True), sp.Symbol("x", real=True)  # R^2/t, and the cosine of the angle to the point
    norm = sp.integrate(sp.exp(k * x), (x, -1, 1)) / 2
    mean = d.compute(
        "mean on the sphere",
        r"\langle\cos\theta\rangle",
        sp.coth(k) - 1 / k,
        sp.integrate(x * sp.exp(k * x), (x, -1, 1)) / 2 / norm,
        "a sample at the angle theta has the weight e^(k cos theta), k = R^2/t, and every cosine is as likely",
    )
    slope = sp.diff(mean, k)
    left = d.compute(
        "retained on the sphere",
        r"\mathrm{tr}\,C/t",
        k * (1 - mean**2),
        2 * mean + k * slope,
        "all samples are at the distance R, their mean at R <cos>; compared with the slopes of the posterior mean, m/|x| along "
        "both tangents and R^2 <cos>'/t along the normal",
    )
    d.result("sphere_mean", mean, k)
    d.result("sphere_slope", slope, k)
    d.result("sphere_retained", left, k)
    e = sp.Symbol("e", positive=True)  # e^(-2k)
    far = left.rewrite(sp.exp).subs(sp.exp(k), 1 / sp.sqrt(e)).subs(sp.exp(-k), sp.sqrt(e))
    d.tends("but for e^(-2k)", far, 2 - 1 / k, e, 0, "+", "t/R^2 is lost of two dimensions, no other power of t")


def _surface(d: Derivation) -> None:
    """Of data uniform on any surface, to first order in t: z = (k_1 u^2 + k_2 v^2)/2 over the tangents at the point."""
    u, v = sp.symbols("u v", real=True)
    k1, k2 = sp.symbols("k_1 k_2", real=True)  # principal curvatures
    height = (k1 * u**2 + k2 * v**2) / 2
    weight = 1 - height**2 / (2 * t) + ((k1 * u) ** 2 + (k2 * v) ** 2) / 2

    def mean(f: sp.Expr) -> sp.Expr:
        """Under the weights of the tangent plane alone."""
        return gaussian.mean(sp.expand(gaussian.mean(sp.expand(f), u, t)), v, t)

    def first(f: sp.Expr) -> sp.Expr:
        """Under those of the surface, to first order beside the leading one."""
        plain, bent = mean(f), mean(f * (weight - 1)) - mean(f) * mean(weight - 1)
        return sp.factor(sp.expand((plain + bent) / t))

    along, other, across = first(u**2), first(v**2), sp.factor((mean(height**2) - mean(height) ** 2) / t)
    d.equal(
        "along a tangent",
        along,
        1 - t * k1 * (k1 + k2) / 2,
        "the weight e^(-z^2/2t) of the distance off the plane, and the area that the slope adds; cubic terms of z are odd",
    )
    d.equal("along the normal", across, t * (k1**2 + k2**2) / 2, "the variance of z, over t")
    d.equal(
        "on a surface",
        sp.expand(along + other + across),
        2 - t * k1 * k2,
        "how the surface lies in space drops out: its Gaussian curvature K = k_1 k_2 is left, 1/R^2 on the sphere",
    )
    d.cited(
        "Gauss and Bonnet",
        "the integral of K over a closed surface is 2 pi chi, chi = 2 of a sphere and 0 of a torus",
        "Gauss-Bonnet theorem",
        "the mean curvature of a surface is its topology's",
    )
    d.conclude(
        "mean over a closed surface",
        "2 - 2 pi chi t/A, A its area: to first order what is retained tells the topology; on a torus nothing is lost",
        "on a surface",
        "Gauss and Bonnet",
        reason="the mean over the surface of 2 - t K",
    )
