"""Speciation: from the odds of two classes to clones, what is known of the class, the second mode, and the published time."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, t, x, z
from theory.derivation import Derivation
from theory.predictions.speciation import SOURCE, STATEMENT

__all__ = ["derive"]

mu = sp.Symbol("mu", positive=True)  # half the distance of the centres
g = sp.Symbol("gamma", positive=True)  # mu^2/v
u = sp.Symbol("u", real=True)  # half the log odds of the own class
tau = sp.Symbol("tau", positive=True)  # time of the Ornstein-Uhlenbeck process
S = sp.Symbol("S", nonnegative=True)  # E sech^2 u, of theory.averages.over_classes
w = sp.Symbol("w", positive=True)  # the weight of the upper class
h = sp.Symbol("h", real=True)  # half the log odds of the classes before x is seen
a = sp.Symbol("a", nonnegative=True)  # twice |u| at the fold
v = lam + t  # of a class under noise
GAMMA = mu**2 / v
SECH_SQUARED = 4 / (sp.exp(u) + sp.exp(-u)) ** 2
TANH = (sp.exp(u) - sp.exp(-u)) / (sp.exp(u) + sp.exp(-u))
ON_ITS_CLASS = g + sp.sqrt(g) * z  # u
ORDER = 6  # of the series in u: u^k has the mean O(gamma^(k/2)), k even


@cache
def derive() -> Derivation:
    """From the odds of two classes to clones, what noise leaves known of the class, the second mode, the published time."""
    d = Derivation(
        "speciation",
        STATEMENT,
        SOURCE,
        "x = +-mu + sqrt(lambda + t) z along the direction in which classes differ, of weights w and 1 - w; lambda = s^2, "
        "the variance of each class there; the same law in all other directions; lambda, t, mu > 0 and 0 < w < 1; w = 1/2 "
        "where no w or h is named",
    )
    _odds(d)
    _clones(d)
    _own_class(d)
    _ends(d)
    _weights(d)
    _information(d)
    _second_mode(d)
    _fold(d)
    _published(d)
    return d


def _odds(d: Derivation) -> None:
    """What a noised point says of its class."""
    odds = d.compute(
        "odds of the classes",
        r"\log p_+(x)/p_-(x)",
        2 * mu * x / v,
        -((x - mu) ** 2) / (2 * v) + (x + mu) ** 2 / (2 * v),
        "the logarithms of the two densities; in the other directions both are the same, and drop out",
    )
    signal = d.define("signal to noise", GAMMA, "of the class, of which each centre has mu", symbol=r"\gamma")
    d.result("signal_to_noise", signal, mu, lam, t)
    d.compute(
        "on its own class",
        "2u",
        odds.subs(x, mu + sp.sqrt(v) * z),
        2 * ON_ITS_CLASS.subs(g, GAMMA),
        "u ~ N(gamma, gamma): mean and variance are one number, and all that is left of mu, lambda and t",
    )
    d.equal(
        "in the Ornstein-Uhlenbeck process",
        (mu * sp.exp(-tau)) ** 2 / (lam * sp.exp(-2 * tau) + 1 - sp.exp(-2 * tau)),
        GAMMA.subs(t, sp.exp(2 * tau) - 1),
        "m_tau = e^(-tau) mu, C_tau = e^(-2 tau) lambda + 1 - e^(-2 tau): m C^-1 m is gamma at t = e^(2 tau) - 1",
    )


def _clones(d: Derivation) -> None:
    """Two trajectories from one point, and one that turns back."""
    plus, minus = sp.symbols("G_+ G_-", positive=True)
    p = plus / (plus + minus)
    d.equal(
        "a clone and a U-turn",
        (plus + minus) / 2 * (p**2 + (1 - p) ** 2),
        (plus * p + minus * (1 - p)) / 2,
        "G the densities of the classes at x. Given x two clones choose with p each by itself, and agree; and x came from a "
        "class with its density, and chooses that again: the same at every x, (G_+^2 + G_-^2)/2(G_+ + G_-), as published",
    )
    chosen = 1 / (1 + sp.exp(-2 * u))
    d.equal(
        "agreement",
        chosen**2 + (1 - chosen) ** 2,
        1 - SECH_SQUARED / 2,
        "p = 1/(1 + e^(-2u)); even in u, so that the average over x is that over one class",
    )
    d.result(
        "cloning_probability",
        d.define(
            "cloning probability",
            1 - S / 2,
            "S = E sech^2 u over both classes, for those of equal weight over u ~ N(gamma, gamma)",
            symbol=r"\phi",
        ),
        S,
    )


def _own_class(d: Derivation) -> None:
    """What u ~ N(gamma, gamma) makes of averages."""
    own = -((u - g) ** 2) / (2 * g)
    d.compute(
        "tilt",
        r"\log N(u; \gamma, \gamma)/N(u; 0, \gamma)",
        u - g / 2,
        own + u**2 / (2 * g),
        "of the law of the own class against the centred one, which is even",
    )
    d.equal(
        "E tanh u = E tanh^2 u",
        (TANH - TANH**2) * sp.exp(u),
        -((TANH - TANH**2) * sp.exp(u)).subs(u, -u),
        "odd under the tilt: its average over the centred law is 0. So phi = (1 + E tanh u)/2, a U-turn",
    )
    even = sp.exp(u) * SECH_SQUARED
    d.equal(
        "E sech^2 u = e^(-gamma/2) E sech",
        even + even.subs(u, -u),
        4 / (sp.exp(u) + sp.exp(-u)),
        "the even part under the tilt, over the centred law, sech u = 2/(e^u + e^-u)",
    )
    e = sp.Symbol("e", positive=True)
    d.at_most("sech is at most 1", 2 / (e + 1 / e), 1, "e = e^u: S lies between 0 and e^(-gamma/2)")


def _ends(d: Derivation) -> None:
    """Little and much separation."""
    series = [sp.series(f, u, 0, ORDER).removeO() for f in (sp.sech(u) ** 2, sp.tanh(u))]
    undecided, decided = (
        sp.expand(gaussian.mean(sp.expand(f.subs(u, ON_ITS_CLASS)), z, sp.Integer(1))) for f in series
    )
    second = d.compute(
        "little separation",
        r"\phi",
        _to_second(1 - undecided / 2),
        _to_second((1 + decided) / 2),
        "to order gamma^2, from the series of sech^2 u; compared with that of tanh u, and E tanh u = 1 - S",
    )
    d.tends("no separation", second, sp.Rational(1, 2), g, 0, "+", "the choice is a coin's")
    d.tends("full separation", sp.exp(-g / 2), 0, g, sp.oo, reason="S is not larger: phi goes to 1")


def _to_second(expression: sp.Expr) -> sp.Expr:
    """The terms up to gamma^2; the series in u has the others not all."""
    return sum(sp.expand(expression).coeff(g, k) * g**k for k in range(3))


def _weights(d: Derivation) -> None:
    """Classes of unequal weight: a field on the odds."""
    field = d.define("field", sp.log(w / (1 - w)) / 2, "half the log odds of the classes before x is seen", symbol="h")
    d.result("field", field, w)
    upper, lower = (weight * gaussian.density(x - side * mu, v) for side, weight in ((1, w), (-1, 1 - w)))
    d.compute(
        "odds with weights",
        "e^{2u}",
        w / (1 - w) * sp.exp(2 * mu * x / v),
        upper / lower,
        "the weights shift u by h: u ~ N(h + gamma, gamma) on the upper class, N(h - gamma, gamma) on the lower",
    )
    d.equal(
        "agreement under noise alone",
        w**2 + (1 - w) ** 2,
        (1 - SECH_SQUARED / 2).subs(u, field),
        "u = h for gamma = 0: two draws from the weights",
    )


def _information(d: Derivation) -> None:
    """What x says of the class, and how fast that grows."""
    on_upper, on_lower = sp.symbols("L_u L_l", nonnegative=True)
    surprise = sp.log(1 + sp.exp(-2 * u))
    d.equal(
        "surprise",
        surprise.rewrite(sp.exp),
        -sp.log(1 / (1 + sp.exp(-2 * u))),
        "-log p of the upper class; of the lower the same of -u",
    )
    information = d.define(
        "class information",
        -w * sp.log(w) - (1 - w) * sp.log(1 - w) - w * on_upper - (1 - w) * on_lower,
        "the entropy of the weights minus that of the class given x, E log(1 + e^(-2u)) over the upper class and "
        "E log(1 + e^(2u)) over the lower",
        symbol=r"I(c; x_t)",
    )
    d.result("class_information", information, w, on_upper, on_lower)
    k = sp.Symbol("k", real=True)
    moved = gaussian.mean(sp.Integer(1), z, sp.Integer(1), k * (h + ON_ITS_CLASS))
    d.equal(
        "averages as gamma grows",
        sp.diff(moved, g) / moved,
        k + k**2 / 2,
        "of e^(ku), and so of any f: d/d gamma E f(u) = E[f' + f''/2] over the upper class, E[-f' + f''/2] over the lower",
    )
    first, second = sp.diff(surprise, u), sp.diff(surprise, u, 2)
    d.equal("the surprise bends", second, SECH_SQUARED, "of either class: sech^2 u")
    p = 1 / (1 + sp.exp(-2 * u))
    d.equal(
        "the surprise falls",
        p * first - (1 - p) * sp.diff(surprise.subs(u, -u), u),
        -SECH_SQUARED,
        "at x, which is of the upper class with p and of the lower with 1 - p: their f' and -f' together",
    )
    slope = d.define(
        "slope of the information",
        S / 2,
        "dI/d gamma = -(-S + S/2), and that is 1 - phi: half of what is undecided, of classes of any weights",
        symbol=r"\partial_\gamma I",
    )
    d.result("information_slope", slope, S)


def _second_mode(d: Derivation) -> None:
    """Where the density of noised data along the direction of the classes gets two modes."""
    halves = sum(gaussian.density(x - side * mu, v) for side in (1, -1)) / 2
    curvature = sp.simplify(sp.diff(halves, x, 2).subs(x, 0) / halves.subs(x, 0))
    bend = d.compute(
        "curvature at the centre",
        r"\partial_x^2 \log p\,|_0",
        curvature,
        (GAMMA - 1) / v,
        "by symmetry the slope is 0 there; it is positive for gamma > 1",
    )
    d.greater(
        "tanh is concave where it is positive",
        2 * sp.sinh(g) / sp.cosh(g) ** 3,
        0,
        "minus its second derivative: x = mu tanh(mu x/(lambda + t)), where modes are, has a root x > 0 for gamma > 1 and none "
        "else",
        symbol=r"-\partial_u^2 \tanh u",
    )
    time = d.compute(
        "bifurcation time",
        "t_b",
        sp.solve(sp.Eq(sp.numer(sp.together(bend)), 0), t)[0],
        mu**2 - lam,
        "gamma = 1; there is none where mu^2 < lambda, two classes that are one hump",
    )
    e = sp.Symbol("e", positive=True)  # e^(-2 tau)
    d.compute(
        "in the clock of the Ornstein-Uhlenbeck process",
        r"e^{2\tau_b}",
        1 + time,
        1 / sp.solve(sp.Eq(mu**2 * e, lam * e + 1 - e), e)[0],
        "t = e^(2 tau) - 1; compared with m_tau^2 = C_tau solved for e^(-2 tau)",
    )


def _fold(d: Derivation) -> None:
    """Where the second mode appears beside the first, of classes of unequal weight."""
    density = sum(sp.exp(side * h) * gaussian.density(x - side * mu, v) for side in (1, -1))
    at = mu * x / v + h
    pull = d.compute(
        "modes with a field",
        r"x + v\,\partial_x \log p",
        mu * TANH.subs(u, at),
        x + v * sp.diff(density, x) / density,
        "weights e^h and e^(-h) over 2 cosh h; modes are where it is x: u = h + gamma tanh u",
    )
    d.equal(
        "slope there",
        sp.diff(pull, x),
        GAMMA * SECH_SQUARED.subs(u, at),
        "two modes and what parts them appear where it is 1: gamma = cosh^2 u",
    )
    d.equal(
        "fold",
        2 * (u - sp.cosh(u) ** 2 * sp.tanh(u)),
        -(sp.sinh(2 * u) - 2 * u),
        "2h = 2u - 2 gamma tanh u there. u - gamma tanh u has three roots where |h| is less, which it is for larger gamma",
    )
    residual = d.define("opening", sp.sinh(a) - a, "a = 2|u|, that is 2|h| at the fold", symbol="2|h|")
    d.result("fold", residual, a)
    b = sp.Symbol("b", positive=True)
    d.greater("one fold", sp.diff(sp.sinh(b) - b, b), 0, "it grows from 0: one a for every h")
    d.leading(
        "a weak field", sp.sinh(b) - b, b**3 / 6, b, 0, "+", "a = (12|h|)^(1/3): gamma exceeds 1 by (3|h|/2)^(2/3)"
    )
    signal = d.compute(
        "signal at the fold",
        r"\gamma_b",
        (1 + sp.cosh(a)) / 2,
        sp.cosh(a / 2) ** 2,
        "of the smaller class, for which the odds at its new mode are e^a",
    )
    time = d.compute(
        "bifurcation time with a field",
        "t_b",
        mu**2 / signal - lam,
        sp.solve(sp.Eq(GAMMA, signal), t)[0],
        "later in the reverse process than for equal weights, a = 0",
    )
    d.result("bifurcation_time", time, mu, lam, a)


def _published(d: Derivation) -> None:
    """The time by the largest variance of all data."""
    largest = sp.Symbol("Lambda", positive=True)
    d.cited(
        "published time",
        "tau_S = 1/2 log Lambda",
        "arXiv:2402.18491",
        "Lambda the largest eigenvalue of the covariance of all data, in units of the noise of the stationary process",
    )
    square, mean = (
        sum(weight * gaussian.mean((side * mu + x) ** power, x, lam) for side, weight in ((1, w), (-1, 1 - w)))
        for power in (2, 1)
    )
    total = d.compute(
        "variance between and within",
        r"\mathrm{Var}\,x",
        4 * w * (1 - w) * mu**2 + lam,
        square - mean**2,
        "of the data along the direction of the classes: Lambda where no other direction varies more",
    )
    d.result("total_variance", total, mu, lam, w)
    published = d.compute(
        "as a noise variance",
        "t_S",
        largest - 1,
        (sp.exp(2 * tau) - 1).subs(tau, sp.log(largest) / 2),
        "t = e^(2 tau) - 1; no power of a unit of the data, for 1 is the variance of the noise",
    )
    d.result("speciation_time", published, largest)
    d.compute(
        "how far they are apart",
        "t_S - t_b",
        sp.expand(published.subs(largest, total.subs(w, sp.Rational(1, 2))) - (mu**2 - lam)),
        2 * lam - 1,
        "with the right eigenvalue and equal weights; with another, as much more as that is larger",
    )
