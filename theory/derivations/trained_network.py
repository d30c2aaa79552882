"""Trained networks: what training is least at, what bounds the way between the two ends, and what is memorized by chance."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, m, t, x, z
from theory.derivation import Derivation
from theory.predictions.trained_network import SOURCE, STATEMENT

__all__ = ["derive"]

f = sp.Symbol("f", real=True)  # what a network says of x
y, w = sp.symbols("y_1 y_2", real=True)  # two samples
k = sp.Symbol("k", real=True)
rho = sp.Symbol("rho", positive=True)  # ratio of distances below which a point is memorized
a, b = sp.symbols("a b", real=True)  # f - m along m^ - m and across, in units of |m^ - m|
v = lam + t  # of x


@cache
def derive() -> Derivation:
    """From the denoising loss to the two ends, the region between, the Jacobian's bound, and the share of chance."""
    d = Derivation(
        "trained_network",
        STATEMENT,
        SOURCE,
        "x = x_0 + sqrt(t) xi; x_0 ~ N(0, lambda) along a direction, or drawn from N samples; lambda, t > 0; f any function of x",
    )
    _least(d)
    _jacobians(d)
    _stein(d)
    _between(d)
    _by_chance(d)
    return d


def _least(d: Derivation) -> None:
    """The denoising loss at one x, over the x_0 that it may have come from."""
    p = sp.Symbol("p", nonnegative=True)  # weight of the first sample
    mean = p * y + (1 - p) * w
    d.equal(
        "loss on samples",
        p * (f - y) ** 2 + (1 - p) * (f - w) ** 2,
        (f - mean) ** 2 + p * (1 - p) * (y - w) ** 2,
        "of two samples with weights p and 1 - p at x, and of any number alike: |f - m^|^2 and the variance under the weights. "
        "So L(f) = L(m^) + E |f - m^|^2, L(m^) = E tr C^ over the noised samples, and no function has less",
    )
    left = lam * t / v
    posterior = lam * x / v + sp.sqrt(left) * z
    d.compute(
        "loss on the distribution",
        r"E[(f - x_0)^2 \mid x]",
        sp.expand(gaussian.mean(sp.expand((f - posterior) ** 2), z, sp.Integer(1))),
        (f - lam * x / v) ** 2 + left,
        "x_0 given x is normal about lambda x/(lambda + t): least at the true posterior mean, and the loss of that is lambda "
        "t/(lambda + t) along each direction. So the loss at new points less that is the squared distance from it, of any f",
    )
    d.result("least_loss_fresh", left, lam, t)


def _jacobians(d: Derivation) -> None:
    """The slopes of the two posterior means."""
    jacobian = d.compute("Jacobian, true", "J", lam / v, sp.diff(lam * x / v, x), "the same at all x")
    d.result("jacobian", jacobian, lam, t)
    d.solve(
        "one half", sp.Eq(jacobian, sp.Rational(1, 2)), t, lam, "it falls with t: directions of lambda > t are counted"
    )
    near, far = (sp.exp(-((x - s) ** 2) / (2 * t)) for s in (y, w))
    share = near / (near + far)
    d.equal(
        "Jacobian, empirical",
        sp.diff(share * y + (1 - share) * w, x),
        share * (1 - share) * (y - w) ** 2 / t,
        "of two samples, and of any number alike: the variance under the weights over t, C^/t",
    )


def _stein(d: Derivation) -> None:
    """A mean slope is a mean product, and bounded by a mean square."""
    d.compute(
        "Stein's identity",
        r"E\,\partial_x e^{kx}",
        k * sp.exp(k**2 * v / 2),
        sp.diff(sp.exp(k**2 * v / 2), k) / v,
        "E x e^(kx)/(lambda + t) with x ~ N(0, lambda + t): of every k, and so of what is made of them: "
        "E f' = E x f/(lambda + t)",
    )
    square, product = sp.Symbol("G", nonnegative=True), sp.Symbol("c", real=True)  # E g^2 and E x g, g = f - m
    shift = product / v
    d.equal(
        "what a slope leaves",
        square - 2 * shift * product + shift**2 * v,
        square - product**2 / v,
        "E (g - x E[x g]/(lambda + t))^2, which is not negative: with Stein (E g')^2 is at most E g^2/(lambda + t), the "
        "error of the mean Jacobian of a network at squared distance E g^2 from the true posterior mean",
    )


def _between(d: Derivation) -> None:
    """Distances from both ends, in units of what is between them."""
    from_true, from_empirical = a**2 + b**2, (1 - a) ** 2 + b**2
    gap = d.compute(
        "both distances",
        "d_e - d_t",
        sp.expand(from_empirical - from_true),
        1 - 2 * a,
        "f - m is a along m^ - m and b across, in units of |m^ - m|; nearer to the true score where a < 1/2",
    )
    u = sp.Symbol("u", nonnegative=True)  # sqrt(d_t)
    below = sp.Symbol("s", nonnegative=True)  # u - |a|
    d.at_least("along is at most all", (b**2 + a**2) - a**2, 0, "a lies between -sqrt(d_t) and sqrt(d_t)")
    d.at_least(
        "triangle",
        gap.subs(a, u - below) + u**2 - (1 - u) ** 2,
        0,
        "d_e is at least (1 - sqrt(d_t))^2, for a = sqrt(d_t) - s, s not negative; with a = s - sqrt(d_t) it is at most "
        "(1 + sqrt(d_t))^2",
    )
    d.result(
        "distance_to_empirical",
        d.define("at the true end", (1 - u) ** 2, "the least that u = sqrt(d_t) allows, and 1 at u = 0", symbol="d_e"),
        u,
    )
    d.solve(
        "half way",
        sp.Eq((1 - u) ** 2, u**2),
        u,
        sp.Rational(1, 2),
        "d_t < 1/4 is enough to be nearer to the true score",
    )


def _by_chance(d: Derivation) -> None:
    """The nearest sample of a fresh point, much nearer than the second."""
    n = sp.Symbol("n", integer=True, positive=True)  # N - 1, the samples but the second nearest
    d.compute(
        "volume to the second nearest",
        r"\int_0^1 N(N-1) V (1-V)^{N-2} dV",
        sp.gammasimp(n * (n + 1) * sp.gamma(2) * sp.gamma(n) / sp.gamma(n + 2)),
        n * (n + 1) * (1 / n - 1 / (n + 1)),
        "n = N - 1; V of the ball that reaches to the second nearest of N points of constant density has this law, compared with "
        "the integral of (1 - U) U^(N-2), and one point lies within, evenly in volume",
    )
    chance = d.define(
        "by chance",
        rho**m,
        "that it lies in the ball of rho times the radius, at any N; for N large the density is constant that far",
        symbol="P",
    )
    d.result("share_by_chance", chance, rho, m)
