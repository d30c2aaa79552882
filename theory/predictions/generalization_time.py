r"""Generalization time: at which noise are the noised samples closest to the distribution itself?

On the manifold p^_t is a kernel density estimate, with a Gaussian kernel of variance t. Its divergence from the clean
distribution is least at t_g, where the weights leave an energy of half a unit to each of the d directions,

    KL(p_0 || p^_t) = E log p_0(x) - E log p^_t(x),      t d/dt E log p^_t = E <|x - x^mu|^2 / 2t> - d/2 = 0,

both averages over fresh samples x ~ p_0 and over data sets. For log N = O(D) large and t below the condensation time t_c of a
clean x one sample has the weight, so that t_g is the squared distance of the nearest sample for each direction,

    t_g = 1/d sum lambda t_c (lambda + 2 t_c) / (lambda + t_c)^2 < t_c < t_C < t_o:

the best estimate is a memorized one. t_C is the collapse time and t_o the onset, where the weight at a sample is its own.
At any N and D the averages are integrals, which `theory.disorder` evaluates: `kl_clean` and `generalization_time` are exact.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, m, q, t, theta, x
from theory.averages.squared_distance import log_laplace
from theory.derivation import Derivation
from theory.disorder import Disorder, averages, log1p_less
from theory.extensive import extensive, rising_root, time_where
from theory.observable import observable
from theory.predictions import collapse, condensation, supervision_region
from theory.setting import LinearManifold, Setting

__all__ = [
    "derivation",
    "generalization_time",
    "generalization_time_asymptotic",
    "kl_clean",
    "kl_clean_asymptotic",
    "onset_time",
]

STATEMENT = (
    "the noised samples are closest to the clean distribution at a time below collapse, where they are memorized"
)
SOURCE = "arXiv:2502.09578 (t_g < t_c < t_o, random energy model); energy condition, its limit and exact averages derived here"
REGIME = "kl_clean, generalization_time: exact at every N and D, Gaussian data; the others: log N = O(D)"

Array = NDArray[np.float64]
TOLERANCE = 1e-5  # of t_g, and of the energy there


@cache
def derivation() -> Derivation:
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
        "r^2",
        sp.factor(supervision_region.derivation()["nearest_distance_squared_asymptotic"].expression.subs(q, lam)),
        "the limit of supervision_region at x^2 = lambda, where t_c is the condensation time of a clean x",
    )
    level = condensation.derivation()["level"].expression.subs({q: lam, t: critical})
    condensed = d.define(
        "condensed divergence",
        r"KL(p_0 \| \hat p_t)",
        level + squared / (2 * t) + (sp.log(t) - sp.log(lam) - 1) / 2,
        "log Z = -r^2/2t, one sample has the weight, and log N is the level at t_c; E log p_0 = -(1 + log 2 pi lambda)/2",
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
    d.positive("it is below t_c", sp.factor(critical - found), "in every direction", "t_c - r^2")
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
    critical = condensation.critical_noise_at(manifold, samples, offsets)[0]
    nearest = critical * (1 + 2 * critical) / (1 + critical) ** 2
    energy = Disorder(manifold, nearest, samples, offsets).energy()[0]
    return abs(float(energy) / (dimension / 2) - 1)


def _order(d: Derivation) -> None:
    """t_g < t_c < t_C < t_o; the first is shown with the limit."""
    clean = condensation.derivation()["level"].expression.subs(q, lam)
    information = collapse.derivation()["information"].expression
    d.positive(
        "clean points condense below collapse",
        sp.factor(gaussian.log_terms(information - clean)),
        "log N is reached by the smaller level at the smaller t",
        "I - KL",
    )
    onset = d.compute(
        "onset",
        r"-\log E_y e^{-E}, \quad x^2 = \lambda",
        gaussian.log_terms(-log_laplace().expression.subs(theta, 1 / (2 * t)).subs(q, lam)),
        information + gaussian.mean(x**2, x, lam) / (2 * (lam + t)),
        "at a sample its own e^-E is 1, that of all others N E e^-E: a trap once log N is below",
    )
    d.positive(
        "traps appear above collapse", sp.factor(gaussian.log_terms(onset - information)), "the same", "onset - I"
    )
    d.result("onset", onset, lam, t)


@observable("time", kind="exact", symbol=r"KL(p_0 \| \hat p_t)", scaling=0, slow=True)
def kl_clean(setting: Setting) -> Array:
    """E KL(p_0 || p^_t) on the manifold, nats, exact at finite N and D."""
    clean = setting.at(query="fresh", point=None)
    divergence = averages(clean, "divergence", clean=True)["divergence"]
    return _bias(setting) + divergence


@observable("time", kind="limit", symbol=r"KL(p_0 \| \hat p_t)", of="kl_clean", scaling=0)
def kl_clean_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: the bias KL(p_0 || p_t) above t_c of clean points, one sample has the weight below."""
    critical = _critical(setting)
    condensed = derivation()["kl_condensed"](setting.manifold.variances, setting.t[:, None], critical)
    return np.where(setting.t < critical, condensed @ setting.manifold.dimensions, _bias(setting))


def _bias(setting: Setting) -> Array:
    """KL(p_0 || p_t), the derivation's `bias` without its cancellation at small t, shape (T,)."""
    u = setting.t[:, None] / setting.manifold.variances
    return np.asarray((log1p_less(u) + u**2 / (1 + u)) / 2 @ setting.manifold.dimensions)


@observable(kind="exact", symbol="t_g", scaling=2, slow=True)
def generalization_time(setting: Setting) -> float:
    """The time t_g where E KL(p_0 || p^_t) is least, exact at finite N and D, to 1e-5 of itself; a few seconds."""
    clean = setting.at(query="fresh", point=None, schedule="ve")

    def missing(log_t: float) -> float:
        """How far the energy is below half a unit a direction, in e-folds."""
        energy = averages(clean.at(times=np.exp([log_t])), "energy", clean=True, accuracy=TOLERANCE)["energy"][0]
        return float(np.log(setting.manifold.intrinsic_dimension / 2 / energy))

    return float(setting.schedule.time(np.exp(rising_root(missing, np.log(_nearest(setting)), TOLERANCE))))


@observable(kind="limit", symbol="t_g", of="generalization_time", scaling=2)
def generalization_time_asymptotic(setting: Setting) -> float:
    """Its limit, log N = O(D) large: the squared distance of the nearest sample for each direction."""
    return float(setting.schedule.time(np.array(_nearest(setting))))


def _nearest(setting: Setting) -> float:
    """E r^2/d at a clean point, in the limit."""
    manifold = setting.manifold
    squares = derivation()["nearest_squared"](manifold.variances, _critical(setting))
    return float(squares @ manifold.dimensions / manifold.intrinsic_dimension)


def _critical(setting: Setting) -> float:
    """t_c of a clean point."""
    clean = setting.manifold.variances * setting.manifold.dimensions
    return float(condensation.critical_noise_at(setting.manifold, setting.samples, clean[None])[0])


@observable(kind="limit", symbol="t_o", scaling=2)
def onset_time(setting: Setting) -> float:
    """The time t_o below which the weight at a sample is its own, log N = O(D) large: traps appear, far above collapse."""
    found = time_where(lambda t: extensive(derivation()["onset"], setting.manifold, t), setting.log_samples)
    return float(setting.schedule.time(found))
