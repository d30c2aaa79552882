r"""Supervision region: where in space is a denoiser told what to do, and when does a fresh point leave it?

Training shows the denoiser x^mu + sqrt(t) xi alone: shells of radius sqrt(t D) round the samples (sigma sqrt(D) for t = sigma^2).
Their union is the supervision region. A point is outside of it where even the nearest sample is farther than that. That
sample sits where the posterior at the condensation noise t_c(x) puts one,

    r^2 = sum [lambda t_c/(lambda + t_c) + t_c^2 x^2/(lambda + t_c)^2],      KL(p_{t_c}(y | x) || p(y)) = log N,

which at a typical fresh x, x^2 = lambda + t, is t D at t_c = t: extrapolation begins at collapse. All this is for
log N = O(D) large. At any N and D the distance is the least of N draws, and `theory.averages.nearest_sample` averages it exactly.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, q, t, theta, x, y, z
from theory.averages.nearest_sample import OVER_X, nearest_distance, tilted_is_nearest
from theory.averages.over_points import asked, average
from theory.averages.squared_distance import log_laplace
from theory.derivation import Derivation
from theory.extensive import extensive
from theory.formula import Formula
from theory.observable import observable
from theory.predictions import collapse, condensation
from theory.setting import LinearManifold, Setting

__all__ = [
    "derivation",
    "extrapolation_time",
    "nearest_distance_squared",
    "nearest_distance_squared_asymptotic",
    "shell_overlap",
    "shell_ratio",
    "shell_ratio_asymptotic",
]

STATEMENT = "a fresh point leaves the shells round the samples, where the denoiser is supervised, at the collapse time"
SOURCE = "arXiv:2510.01378 (supervision region, shells, overlap); distance of the nearest sample derived here"
REGIME = "nearest_distance_squared, shell_ratio, shell_overlap: exact at every N and D, Gaussian data; the others: log N = O(D)"

Array = NDArray[np.float64]


@cache
def derivation() -> Derivation:
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
        r"P(\min_\mu s_\mu > s)",
        (1 - F) ** N,
        "the samples are independent given x; on a trajectory (1 - F)^(N-1) (1 - H), H the law of the own sample's distance, "
        "F tilted by e^(-s/2t)",
    )
    d.compute(
        "own sample or impostor",
        r"E\,\min(s_1, s)",
        sp.integrate(sp.integrate(sp.exp(-y), (y, z, sp.oo)), (z, 0, s)),
        sp.integrate(y * sp.exp(-y), (y, 0, s)) + s * sp.integrate(sp.exp(-y), (y, s, sp.oo)),
        "is int_0^s (1 - H), to be averaged over the distance s of the nearest impostor; here for an exponential law, "
        "compared with the two cases",
    )
    d.compute(
        "its transform",
        r"\int_0^\infty s\, e^{-\theta s} ds",
        sp.integrate(s * sp.exp(-theta * s), (s, 0, sp.oo)),
        1 / theta * 1 / theta,
        "(s - s_1)_+ has the transform e^(-theta s_1)/theta^2: the integral that gives H, with one more factor 1/theta",
    )


def _limit(d: Derivation) -> None:
    """Where the nearest sample sits for log N = O(D) large."""
    transform = log_laplace().expression
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
    d.positive(
        "it grows with t_c", sp.factor(sp.diff(nearest, critical)), "fewer samples are farther", r"\partial_{t_c} r^2"
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
        r"\{t: r^2 > t D\}",
        r"\{t: I(t) > \log N\}",
        f"r^2 grows with t_c and is {shell} at t_c = t; the level falls with t_c, so that t_c > t where I(t) > log N",
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
    critical = condensation.critical_noise_at(manifold, samples, offsets)[0]
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
        n * sp.integrate(sp.exp(-theta * y) * sp.exp(-n * y), (y, 0, sp.oo)),
        n * (1 / (1 + theta)) * ((1 + theta) / (1 + theta + n - 1)),
        "each of n neighbours is the nearest equally often; P: a pair drawn with the weight e^(-rs) has no other neighbour "
        "nearer; here for an exponential law, r = theta",
    )
    d.result("log_pair_overlap", pair, lam, t)
    d.result("overlapping_variance", variance, lam, t)


@observable("time", kind="exact", symbol=r"E\,r^2", scaling=2, anywhere=True, slow=True)
def nearest_distance_squared(setting: Setting) -> Array:
    """E min |x - x^mu|^2, exact at finite N and D, data units squared, directions normal to the manifold included.

    Over fresh x or trajectories, or at the setting's point; there the normal directions count by its coordinates. Relative
    accuracy 1e-6, or a warning, and 1e-4 for five subspaces of few directions and more.
    """
    where = setting.manifold, setting.samples, setting.query == "trajectory"
    return np.array([_along_manifold(*where, noise, point) for noise, point in asked(setting)]) + _normal(setting)


@lru_cache(maxsize=1024)
def _along_manifold(
    manifold: LinearManifold, samples: int, own: bool, noise: float, point: tuple[float, ...] | None
) -> float:
    """The part of the average along the manifold, at one time."""

    def at(offsets: Array) -> Array:
        return nearest_distance(manifold, noise, samples, offsets, own=own)

    if point is not None:
        return float(at(np.array([point]))[0])
    return float(average(lambda squares: at(squares * (manifold.variances + noise)), manifold.dimensions, OVER_X)[0])


def _normal(setting: Setting) -> Array:
    """What the normal directions, where all samples are at 0, add, shape (T,)."""
    m = setting.manifold.intrinsic_dimension
    if setting.point is None:
        return (setting.manifold.ambient_dimension - m) * setting.t
    return float(np.square(setting.point[m:]).sum()) / setting.alpha**2


@observable("time", kind="limit", symbol=r"E\,r^2", of="nearest_distance_squared", scaling=2, anywhere=True)
def nearest_distance_squared_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large, at typical x, x^2 = lambda + t, or at the setting's point.

    On a trajectory below t_c it is the mean squared distance of the own sample, elsewhere that of the nearest impostor.
    """
    manifold = setting.manifold
    saddle = condensation.critical_noise_variance(setting)
    if setting.query == "trajectory":
        saddle = np.minimum(saddle, setting.t)
    formula = derivation()["nearest_distance_squared_asymptotic"]
    per_direction = formula(manifold.variances, setting.offsets / manifold.dimensions, saddle[:, None])
    return np.asarray(per_direction @ manifold.dimensions + _normal(setting))


@observable("time", kind="exact", symbol=r"r / \sqrt{t D}", scaling=0, anywhere=True, slow=True)
def shell_ratio(setting: Setting) -> Array:
    """Root of E min |x - x^mu|^2 over t D, exact: 1 on the shell of the nearest sample, above 1 outside of all shells."""
    return _in_shells(setting, nearest_distance_squared(setting))


@observable("time", kind="limit", symbol=r"r / \sqrt{t D}", of="shell_ratio", scaling=0, anywhere=True)
def shell_ratio_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large."""
    return _in_shells(setting, nearest_distance_squared_asymptotic(setting))


def _in_shells(setting: Setting, squared: Array) -> Array:
    """A distance in units of the radius of a shell, sqrt(t D)."""
    return np.sqrt(squared / (setting.t * setting.manifold.ambient_dimension))


@observable("time", kind="exact", symbol=r"E\,e^{-r^2/8t}", scaling=0, slow=True)
def shell_overlap(setting: Setting) -> Array:
    """E exp(-r^2/8t), r the distance of a sample to the nearest of the N - 1 others, exact at finite N and D."""
    pair = np.exp(extensive(derivation()["log_pair_overlap"], setting.manifold, setting.t))
    nearest = [_pair_is_nearest(setting.manifold, setting.samples - 1, noise) for noise in setting.t.tolist()]
    return (setting.samples - 1) * pair * nearest


@lru_cache(maxsize=1024)
def _pair_is_nearest(manifold: LinearManifold, neighbours: int, noise: float) -> float:
    """P(no neighbour is nearer) for a pair drawn with the weight of its overlap."""
    variance = derivation()["overlapping_variance"](manifold.variances, noise)

    def at(squares: Array) -> Array:
        return tilted_is_nearest(manifold, squares * variance, 1 / (8 * noise), neighbours)

    return float(average(at, manifold.dimensions, OVER_X)[0])


@observable(kind="limit", symbol="t_C", scaling=2)
def extrapolation_time(setting: Setting) -> float:
    """The time below which a typical fresh point is outside of all shells, log N = O(D) large: the collapse time."""
    return collapse.collapse_time(setting)
