"""Random features: from the parts of an activation to the saddle, by one sample and one direction, its counts and its bulks."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam
from theory.derivation import Derivation
from theory.predictions.random_features import SOURCE, STATEMENT

__all__ = ["derive"]

u = sp.Symbol("u", real=True)  # standard normal, of the sample
w = sp.Symbol("w", real=True)  # standard normal, of the noise
k = sp.Symbol("k", real=True)  # of an exponential
g, h = sp.symbols("g h", positive=True)  # variances of the argument, of sample and noise
a = sp.Symbol("a", real=True)  # E f'
b2, c, v2, s2 = sp.symbols("b^2 c v^2 s^2", positive=True)
q, Y, r = sp.symbols("q y r", positive=True)
psi_p, psi_n = sp.symbols("psi_p psi_n", positive=True)
S, V = sp.symbols("S V", positive=True)  # s^2 and v^2
z = sp.Symbol("z", real=True)
p, n, D, few = sp.symbols("p n D r", positive=True)
weight = sp.Symbol("omega", positive=True)  # of a sample or a direction in what the others leave
gamma = sp.Symbol("gamma", positive=True)  # an eigenvalue of X X^T/n

GAIN = b2 + c * lam * Y
X = psi_p * q * GAIN


@cache
def derive() -> Derivation:
    """From the parts of an activation to the saddle, its edges, how many eigenvalues lie below a gap, and the published bulks."""
    d = Derivation(
        "random_features",
        STATEMENT,
        SOURCE,
        "f of W (alpha x + sigma xi)/sqrt D, W of p x D independent standard normal entries; p, N, D to infinity at psi_p = p/D, "
        "psi_n = N/D; features as the linear model of their parts; terms in lambda stand for their mean over directions",
    )
    _parts(d)
    _saddle(d)
    _published_saddle(d)
    _counts(d)
    _three_bulks(d)
    _published(d)
    return d


def _parts(d: Derivation) -> None:
    """What is linear in the noise, in the sample, and the rest, for f = exp(k eta), whose sums any f is."""
    eta = sp.sqrt(g) * u + sp.sqrt(h) * w
    alone = k * sp.sqrt(g) * u + k**2 * h / 2  # log E_w f
    average = sp.exp(k**2 * (g + h) / 2)  # E f
    d.compute(
        "mean of an exponential",
        r"E\,e^{k\eta}",
        _normal(1, alone, u),
        average,
        "eta = sqrt(g) u + sqrt(h) w, of sample and noise; any f is a sum of these, and its mean slope a that of k E e^(k eta)",
    )
    d.equal("over the noise", _normal(1, k * eta, w), sp.exp(alone), "E_w f")
    d.equal(
        "linear in the noise",
        _normal(w, k * eta, w),
        sp.sqrt(h) * k * sp.exp(alone),
        "E_w w f = sqrt(h) E_w f' at every sample (Stein): b = E w f is sqrt(h) a, and E u f is sqrt(g) a alike",
    )
    noise = d.define("linear noise", a**2 * h, "(E w f)^2: no constant of its own", symbol="b^2")
    d.result("noise_part", noise, a, h)
    both = _normal(1, 2 * alone, u)  # E_u (E_w f)^2
    d.compute(
        "samples' own part",
        "v^2",
        both - average**2 - (k * average) ** 2 * g,
        average**2 * (sp.exp(k**2 * g) - 1 - k**2 * g),
        "the variance over samples of E_w f less what is linear: from the second order on, of the exponential",
    )
    d.compute(
        "noise's own part",
        "s^2",
        sp.exp(2 * k**2 * (g + h)) - both - (k * average) ** 2 * h,
        average**2 * (sp.exp(k**2 * (g + h)) - sp.exp(k**2 * g) - k**2 * h),
        "E f^2 less the others; the parts of two features have no correlation but by what is linear, whose overlaps are of order "
        "D^(-1/2): the others' are its powers",
    )


def _normal(factor: sp.Expr, exponent: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """E factor exp(exponent) over a standard normal x."""
    return gaussian.integral(sp.sympify(factor), exponent - x**2 / 2, x) / sp.sqrt(2 * sp.pi)


def _saddle(d: Derivation) -> None:
    """From one sample and one direction to the equations of q and y."""
    d.equal(
        "one sample more",
        weight - weight**2 / (1 + weight),
        1 - 1 / (1 + weight),
        "G^T (A + G G^T/N)^-1 G/N of one sample, omega that without it in the matrix (Sherman and Morrison): 1 - y, with "
        "y = 1/(1 + omega)",
    )
    d.define(
        "weight of a sample",
        psi_p / psi_n * (v2 * q + c * r),
        "omega: given W, G has the covariance c W Sigma W^T/D + v^2 over samples; q = Tr (U - z)^-1/p, and r = Tr (U - z)^-1 W "
        "Sigma W^T/pD",
        symbol=r"1/y - 1",
    )
    d.define(
        "gain of a direction",
        GAIN,
        "that of the column of W along it, over D, in what all samples make of it: c lambda y of them, b^2 of the noise",
        symbol=r"g_\lambda",
    )
    x = d.define("weight of a direction", X, "of its column, without itself, where W has unit entries", symbol="x")
    kept = d.compute(
        "one direction more",
        r"s_\lambda",
        sp.factor((x / GAIN - x**2 / GAIN / (1 + x)) / psi_p),
        q / (1 + X),
        "w^T (U - z)^-1 w/p, w its column; with lambda the mean over directions is r, without it s",
    )
    of_samples = psi_n / psi_p * Y * (psi_p / psi_n * (v2 * q + c * lam * kept))
    d.equal(
        "all of them",
        of_samples + b2 * kept,
        v2 * Y * q + x / (1 + x) / psi_p,
        "Tr (U - z)^-1 (U - z) = p: 1 = q (s^2 - z) + (psi_n/psi_p) (1 - y) + b^2 s, and 1 - y is omega y. This gives "
        "z = s^2 + v^2 y - (1 - <x/(1 + x)>/psi_p)/q",
    )


def _published_saddle(d: Derivation) -> None:
    """The four equations of arXiv:2505.17638 are these two."""
    hat_s, hat_r = b2 * psi_p + 1 / q, psi_p * c * Y
    d.cited(
        "published saddle",
        "s^ = b^2 psi_p + 1/q, r^ = psi_p c y, r = <lambda/(s^ + lambda r^)>, s = <1/(s^ + lambda r^)>, "
        "psi_p (s_t^2 - z) + psi_p v_t^2 y + (1 - psi_p)/q - s/q^2 = 0",
        "arXiv:2505.17638",
        "in the letters here; c = a^2 e^(-2t), 1/y = 1 + (psi_p/psi_n)(c r + v^2 q), noise of variance 1 - e^(-2t)",
    )
    s = d.compute("its s", "s", 1 / (hat_s + lam * hat_r), q / (1 + X), "the same s, and with lambda r")
    d.equal(
        "its last equation",
        psi_p * (s2 - z) + psi_p * v2 * Y + (1 - psi_p) / q - sp.factor(s) / q**2,
        psi_p * (s2 + v2 * Y - (1 - X / (1 + X) / psi_p) / q - z),
        "is that of z",
    )


def _counts(d: Derivation) -> None:
    """The logarithm of the determinant is stationary, and its imaginary part counts."""
    potential = -sp.log(q) + sp.log(1 + X) / psi_p + psi_n / psi_p * (Y - 1 - sp.log(Y)) + q * (s2 + v2 * Y - z) - 1
    d.equal(
        "stationary in q",
        sp.diff(potential, q),
        (s2 + v2 * Y - z) - (1 - X / (1 + X) / psi_p) / q,
        "of Phi = log det(U - z)/p = -log q + <log(1 + x)>/psi_p + (psi_n/psi_p)(y - 1 - log y) + q (s^2 + v^2 y - z) - 1: "
        "0 by the equation of z",
    )
    d.equal(
        "stationary in y",
        sp.diff(potential, Y),
        psi_n / psi_p * (1 + psi_p / psi_n * (v2 * q + c * lam * q / (1 + X)) - 1 / Y),
        "0 by the equation of y",
    )
    d.equal(
        "its derivative",
        sp.diff(potential, z),
        -q,
        "what is left of the derivative by z is minus the resolvent, as of the logarithm of the determinant",
    )
    at_rest = d.define(
        "at s^2",
        1 - (n + D) / p,
        "in a gap of the spectrum -Im Phi/pi is the share of the eigenvalues below, where log q, log y and the logarithms of "
        "1 + x have the phases pi, -pi and 0 or pi: just above s^2 q, y and 1 + x are all negative",
        symbol="w_0",
    )
    along = d.define(
        "slow and population",
        few / p,
        "each, of r directions along which both data and samples vary: 1 + x of these are the first and the last to turn",
    )
    between = d.define("between", (n + D - 2 * few) / p, "N - r of the samples' own parts and D - r of noise alone")
    d.equal("all eigenvalues", at_rest + 2 * along + between, 1, "for p > N + D")
    d.result("weight_along", along, p, few)
    d.result("weight_between", between, p, n, D, few)


def _three_bulks(d: Derivation) -> None:
    """For many features W^T W/p is 1, and a principal component of the samples is by itself."""
    own, shared = v2 / psi_n, sp.sqrt(v2 * c * gamma / psi_n)
    block = sp.Matrix([[c * gamma + b2, shared], [shared, own]])
    total = d.compute(
        "two modes together",
        r"\mathrm{tr} M",
        block.trace(),
        c * gamma + b2 + v2 / psi_n,
        "psi_p to infinity, eigenvalues of U - s^2 in units of psi_p: a principal component of the samples, of variance gamma, "
        "is seen by W and by the samples' own parts",
    )
    product = d.compute(
        "two modes multiplied",
        r"\det M",
        sp.expand(block.det()),
        b2 * v2 / psi_n,
        "no gamma: where the component is large its second mode is slow",
    )
    root = sp.sqrt(total**2 - 4 * product)
    d.compute(
        "slow mode",
        r"\mu_-",
        (total - root) / 2,
        product / ((total + root) / 2),
        "d of them, and d fast ones; the samples' other N - d directions have v^2/psi_n: three bulks",
    )
    d.equal(
        "apart from the others",
        sp.expand((block - own * sp.eye(2)).det()),
        -own * c * gamma,
        "negative, so that v^2/psi_n, the samples' own mode, lies between the slow and the fast one",
    )


def _published(d: Derivation) -> None:
    """The published edges of the samples' own parts."""
    d.cited(
        "published bulks",
        "N eigenvalues in s^2 + v^2 (1 -+ sqrt(p/N))^2, and D of the population covariance",
        "arXiv:2505.17638",
        "for psi_p/psi_n and psi_n large",
    )
    ratio = sp.Symbol("rho", positive=True)  # p/N
    edges = {sign: v2 * (1 + sign * sp.sqrt(ratio)) ** 2 for sign in (-1, 1)}
    level = sp.Symbol("u", positive=True)  # z - s^2
    alone = sp.numer(sp.together(v2 / (1 + ratio * v2 * q) - 1 / q - level))
    d.compute(
        "discriminant of the samples' own parts",
        r"\Delta",
        sp.discriminant(alone, q),
        (level - edges[-1]) * (level - edges[1]),
        "of the quadratic equation of q that is left without what is linear, c = b = 0: the law of Marchenko and Pastur; q is "
        "complex between",
    )
    for name, sign in (("own_lowest", -1), ("own_highest", 1)):
        edge = d.define(f"{name.replace('_', ' ')} edge", s2 + edges[sign].subs(ratio, p / n), "rho = p/N", symbol="u")
        d.result(name, edge.subs({s2: S, v2: V}), S, V, p, n)
