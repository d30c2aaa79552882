r"""LED-KDE: what is the density that is proportional to exp(K_h * log p^_t), and what becomes of it in generation?

The log-exponential double kernel density estimator smooths the logarithm of the kernel density estimate p^_t by another kernel,
K_h = N(0, h I). Its score is the smoothed score K_h * s^.

    On a linear manifold it is (that of the tangent space) x N(0, t I): it spreads mass along the manifold and none across, where
    a kernel estimate of width t + h has the normal variance t + h.
    Of infinitely many Gaussian samples it is p_t itself at every h; of two samples it has two modes up to a bandwidth
    h_m <= 2 a^2/pi, a half their separation, and one from there on.
    Langevin dynamics at fixed t samples it; the reverse process with its score at all t does not, for it does not obey the heat
    equation: it misses by half the variance of the score under the kernel.
    At fixed h, as t falls to 0, the flow still condenses, on the stable fixed points of the smoothed nearest sample.

What holds for two samples under noise v holds for infinitely many of the ensemble `mixture` with v = lambda + t. Variances and
densities are of x over alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.averages import over_shifts
from theory.derived import derived
from theory.formula import in_float64
from theory.observable import observable
from theory.setting import Setting

__all__ = [
    "LAWS",
    "atoms",
    "derivation",
    "kl_leading",
    "log_density",
    "merging_bandwidth",
    "merging_bandwidth_asymptotic",
    "mode_separation",
    "mode_separation_asymptotic",
    "normal_variance",
    "normal_variance_plain",
    "normalization",
    "variance",
]

STATEMENT = (
    "LED-KDE spreads mass along a linear manifold, not across; the reverse process misses it and condenses all the same"
)
SOURCE = (
    "arXiv:2505.22841 (estimator); normal variance, modes, divergence, what the reverse process samples derived here"
)
REGIME = (
    "normal variance, Langevin, condensation: any data; log-density and modes: infinitely many samples of a Gaussian or of two "
    "apart; kl_leading: order 1/N, lambda h < t (lambda + t)"
)

FOLLOWS = ("bandwidth",)
BOTH = ("gaussian", "mixture")
QUADRATURE = 1e-11  # relative accuracy
DEPTH = 45.0  # of log pi below its peak, beyond which it counts for nothing
PANELS, NODES = 24, 32
SMALL = 0.1  # -log Z, below which it is not taken from an integral of order 1, whose rounding it would inherit
CENTRE = 1e-9  # of half the separation, below which two modes are one

Array = NDArray[np.float64]
derivation = derived("theory.derivations.led_kde")
_nodes, _weights = np.polynomial.legendre.leggauss(NODES)


@observable(
    "time",
    kind="exact",
    symbol=r"\log \pi",
    anywhere=True,
    directions=1,
    ensembles=BOTH,
    follows=FOLLOWS,
    accuracy=QUADRATURE,
)
def log_density(setting: Setting) -> Array:
    """log pi at the setting's point, or where x^2 has its mean, in one direction, for infinitely many samples.

    Density of x over alpha, inverse data units. For the Gaussian it is log p_t, at every bandwidth. The normalization is by
    quadrature, to 1e-12.
    """
    squares = setting.squares[:, 0] + (setting.point is None) * _half(setting) ** 2
    if setting.ensemble == "gaussian":
        return derivation()["log_density_gaussian"](np.sqrt(squares), _noise(setting))
    found = [_smoothed(np.sqrt(square) - at[0], *at) for square, at in zip(squares, _each(setting), strict=True)]
    return np.array(found) - normalization(setting)


@observable(
    "time",
    kind="exact",
    symbol=r"\log Z",
    scaling=0,
    directions=1,
    ensembles=BOTH,
    follows=FOLLOWS,
    accuracy=QUADRATURE,
)
def normalization(setting: Setting) -> Array:
    """log of int exp(K_h * log p_t), in one direction, for infinitely many samples: 0 or below, by Jensen."""
    if setting.ensemble == "gaussian":
        return derivation()["normalization_gaussian"](_noise(setting), setting.bandwidth) + 0.0  # not -0
    return np.array([_log_mass(*at) for at in _each(setting)]) + 0.0


@observable(
    "time",
    "subspace",
    kind="exact",
    symbol=r"E\,x_k^2",
    scaling=2,
    ensembles=BOTH,
    follows=FOLLOWS,
    accuracy=QUADRATURE,
)
def variance(setting: Setting) -> Array:
    """Mean square of x under pi along a direction, over those of the subspace, for infinitely many samples.

    lambda + t of the Gaussian, at every bandwidth; of the mixture's first direction by quadrature, to 1e-12.
    """
    found = setting.manifold.variances + setting.t[:, None]
    if setting.ensemble == "mixture":
        excess = np.array([_second_moment(*at) for at in _each(setting)]) - found[:, 0]
        found[:, 0] += excess / setting.manifold.dimensions[0]
    return found


@observable(
    "time", kind="exact", symbol=r"\Delta x", scaling=1, ensembles=("mixture",), follows=FOLLOWS, accuracy=QUADRATURE
)
def mode_separation(setting: Setting) -> Array:
    """Distance between the two modes of pi, data units, for infinitely many samples; 0 where there is one."""
    return np.array([2 * _mode(*at) for at in _each(setting)])


@observable(
    "time",
    kind="limit",
    symbol=r"\Delta x",
    of="mode_separation",
    scaling=1,
    ensembles=("mixture",),
    follows=FOLLOWS,
    accuracy=QUADRATURE,
)
def mode_separation_asymptotic(setting: Setting) -> Array:
    """Its limit for a^2 >> lambda + t, a half the separation: the distance of the atoms of two samples, x = a erf(x/sqrt(2h))."""
    return np.full_like(setting.t, 2 * _atom(_half(setting), setting.bandwidth))


@observable("time", kind="exact", symbol="h_m", scaling=2, ensembles=("mixture",), follows=FOLLOWS, accuracy=QUADRATURE)
def merging_bandwidth(setting: Setting) -> Array:
    """The bandwidth from which on pi has one mode, data units squared; 0 where p_t has one. Whatever the setting's."""
    return np.array([_merging(a, v) for a, v, _ in _each(setting)])


@observable(
    "time", kind="limit", symbol="h_m", of="merging_bandwidth", scaling=2, ensembles=("mixture",), follows=FOLLOWS
)
def merging_bandwidth_asymptotic(setting: Setting) -> Array:
    """Its limit for a^2 >> lambda + t, 2 a^2/pi, above it at every t."""
    return np.full_like(setting.t, derivation()["merging_bandwidth_asymptotic"](_half(setting)))


@observable(kind="limit", symbol="n", scaling=0, ensembles=("mixture",), follows=FOLLOWS)
def atoms(setting: Setting) -> float:
    """On how many points the flow of two samples at the centres ends as t falls to 0 at this bandwidth, 2 or 1.

    They are `mode_separation_asymptotic` apart. Of any samples: `numerics.led.atoms`.
    """
    return 2.0 if setting.bandwidth < derivation()["merging_bandwidth_asymptotic"](_half(setting)) else 1.0


@observable("time", kind="exact", symbol=r"E\,z^2", scaling=2, ensembles=BOTH, follows=FOLLOWS)
def normal_variance(setting: Setting) -> Array:
    """Variance of pi normal to the manifold, t at every bandwidth, data units squared, for any samples on it."""
    return derivation()["normal_variance"](setting.t)


@observable("time", kind="exact", symbol=r"E\,z^2", scaling=2, ensembles=BOTH, follows=FOLLOWS)
def normal_variance_plain(setting: Setting) -> Array:
    """The same of the plain kernel density estimate K_h * p^_t, t + h."""
    return derivation()["normal_variance_plain"](setting.t, setting.bandwidth)


@observable("time", kind="leading", symbol=r"E\,KL", scaling=0, follows=FOLLOWS)
def kl_leading(setting: Setting) -> Array:
    """E KL(p_t || pi) to leading order in 1/N, nats; NaN unless lambda h < t (lambda + t) in every direction."""
    at = setting.manifold.variances, setting.t[:, None], setting.bandwidth
    shift, margin = (derivation()[name](*at) for name in ("shift", "margin"))
    logs = (derivation()[f"log_{name}_ratio"](at[0], margin, shift) for name in ("smoothed", "common"))
    return derivation()["kl_leading"](*(log @ setting.manifold.dimensions for log in logs), setting.samples)


def _half(setting: Setting) -> float:
    """a, half the separation."""
    return setting.separation / 2


def _noise(setting: Setting) -> Array:
    """v = lambda + t of the first direction, shape (T,)."""
    return setting.manifold.variances[0] + setting.t


def _each(setting: Setting) -> list[tuple[float, float, float]]:
    """a, v and h at each time."""
    return [(_half(setting), v, setting.bandwidth) for v in _noise(setting).tolist()]


def _smoothed(z: Array, a: float, v: float, h: float) -> Array:
    """K_h * log p^ of two samples at |x| = a + z, in the shape of z."""
    return derivation()["log_smoothed"](z, v, h, over_shifts.excess(a * (a + z) / v, a * math.sqrt(h) / v))


def _mode(a: float, v: float, h: float) -> float:
    """The mode at x > 0, 0 where there is none: the fixed point of a E tanh."""
    deviation = a * math.sqrt(h) / v
    if _slope(a, v, deviation) <= 1:
        return 0.0
    return _fixed_point(lambda r: a * float(over_shifts.tanh(np.array(a * r / v), deviation)), a)


def _slope(a: float, v: float, deviation: float) -> float:
    """Of a E tanh at the centre."""
    return float(derivation()["slope_at_centre"](a, v, over_shifts.sech_squared(np.zeros(()), deviation)))


def _atom(a: float, h: float) -> float:
    """The fixed point of a erf(x/sqrt(2h)) at x > 0, 0 where there is none."""
    if h == 0 or h >= derivation()["merging_bandwidth_asymptotic"](a):
        return a * (h == 0)
    return _fixed_point(lambda r: float(derivation()["pull_asymptotic"](r, a, h)), a)


def _fixed_point(pull: Callable[[float], float], a: float) -> float:
    """Where a concave function from 0, steeper than the diagonal there and at most a, meets the diagonal again."""
    low = a
    with in_float64():
        while pull(low) <= low and low > a * CENTRE:
            low /= 2
        return _root(lambda r: pull(r) - r, low, min(2 * low, a)) if low < a else a


def _merging(a: float, v: float) -> float:
    """Where the slope at the centre, which falls with h from a^2/v on, is 1."""
    most = float(derivation()["merging_bandwidth_asymptotic"](a))

    def excess(share: float) -> float:
        return _slope(a, v, a * math.sqrt(share * most) / v) - 1

    if excess(0.0) <= 0:
        return 0.0
    return most * _root(excess, 0.0, 1.0, xtol=1e-15) if excess(1.0) < 0 else most


def _root(f: Callable[[float], float], low: float, high: float, xtol: float = 2e-12, rtol: float = 1e-14) -> float:
    from scipy.optimize import brentq  # slow to import

    return float(brentq(f, low, high, xtol=xtol, rtol=rtol, maxiter=1000))


class _Panels(NamedTuple):
    """Where pi counts, at x = a + z > 0.

    Attributes:
        z: nodes.
        weights: of an integral over the line.
        peak: of K_h * log p^.
    """

    z: Array
    weights: Array
    peak: float


def _panels(a: float, v: float, h: float) -> _Panels:
    mode = _mode(a, v, h) - a
    with in_float64():
        peak = float(_smoothed(np.array(mode), a, v, h))
        left, right = -a, math.sqrt(2 * DEPTH * v)  # beyond a it falls as that of one sample, or faster
        fallen = partial(_fallen, a=a, v=v, h=h, level=peak - DEPTH)
        if fallen(left) < 0:
            left = _root(fallen, left, mode)
    ends = np.linspace(left, right, PANELS + 1)[:, None]
    half = np.diff(ends, axis=0) / 2
    return _Panels(ends[:-1] + half * (_nodes + 1), 2 * half * _weights, peak)


def _log_mass(a: float, v: float, h: float) -> float:
    """log of int exp(K_h * log p^); where it is small, log(1 + int p^ (exp(change) - 1)) by what smoothing changes."""
    z, weights, peak = _panels(a, v, h)
    with in_float64():
        log_pi = _smoothed(z, a, v, h)
        log_mass = peak + math.log((weights * np.exp(log_pi - peak)).sum())
        if log_mass < -SMALL:
            return log_mass
        gain = over_shifts.gain(a * (a + z) / v, a * math.sqrt(h) / v)
        change = derivation()["log_change"](v, h, gain)
    return math.log1p(-(weights * np.exp(log_pi) * np.expm1(-change)).sum())


def _second_moment(a: float, v: float, h: float) -> float:
    """The mean square under it."""
    z, weights, peak = _panels(a, v, h)
    with in_float64():
        masses = weights * np.exp(_smoothed(z, a, v, h) - peak)
    return float((masses * (a + z) ** 2).sum() / masses.sum())


def _fallen(z: float, a: float, v: float, h: float, level: float) -> float:
    return float(_smoothed(np.array(z), a, v, h)) - level


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "log_density": (
        "log_scaling(-1); same_for(samples); normalized; "
        "at(bandwidth, 0, -log(2*pi*(lam+t))/2 - (lam + t + a**2/2)/(2*(lam+t)) + logcosh(a*sqrt(lam + t + "
        "a**2/4)/2/(lam+t))); "
        "given(separation, given(bandwidth, expansion(bandwidth, 0, plain.led_kde.log_density, h/2*(-1/(lam+t) + "
        "(a/2/(lam+t)/cosh(a*sqrt(lam + t + a**2/4)/2/(lam+t)))**2) - led_kde.normalization)))"
    ),
    "normalization": (
        "same_for(samples); at_most(0); monotone(bandwidth, down); at(bandwidth, 0, 1 + f, 1); "
        "equation(g*f, -g*h/(2*(lam+t))); limit(separation, inf, -h/(2*(lam1+t))); "
        "given(separation, given(bandwidth, expansion(separation, 0, -h/(2*(lam1+t)), "
        "h*a**2/(8*(lam1+t)**2))))"
    ),
    "variance": (
        "same_for(samples); normal_directions; at(bandwidth, 0, sum(m*f), sum(m*(lam+t)) + a**2/4); "
        "equation(g*f, g*(lam+t)); at_least(t); given(separation, given(bandwidth, mean_square(led_kde.log_density)))"
    ),
    "mode_separation": (
        "same_for(samples); normal_directions; vanishing_direction; at_least(0); at_most(a); monotone(bandwidth, down); "
        "monotone(time, down); limit(separation, inf, a); at(bandwidth, 0, f, a*tanh(a*f/4/(lam1+t))); "
        "at_bandwidth(led_kde.merging_bandwidth, 1.01, 0); "
        "at(bandwidth, 0, if_positive(a**2/4/(lam1+t) - 1.001, if_positive(f, 1, 0), 1), 1)"
    ),
    "mode_separation_asymptotic": (
        "same_for(samples); same_for(time); normal_directions; at_least(0); at_most(a); "
        "monotone(bandwidth, down); limit(separation, inf, a); equation(f, a*erf(f/2/sqrt(2*h)))"
    ),
    "merging_bandwidth": (
        "same_for(samples); same_for(bandwidth); normal_directions; vanishing_direction; at_least(0); monotone(time, down); "
        "at_most(led_kde.merging_bandwidth_asymptotic); limit(separation, inf, a**2/(2*pi)); "
        "vanishes_from(led_kde.mode_separation); equation(if_positive(f, 1, 0), if_positive(a**2/4 - lam1 - t, 1, 0))"
    ),
    "merging_bandwidth_asymptotic": "same_for(samples); same_for(time); normal_directions; equation(2*pi*f, a**2)",
    "atoms": ("same_for(samples); same_for(time); normal_directions; equation(f, if_positive(a**2/(2*pi) - h, 2, 1))"),
    "normal_variance": "same_for(samples); same_for(variance); equation(f, t)",
    "normal_variance_plain": "same_for(samples); same_for(variance); equation(f, led_kde.normal_variance + h)",
    "kl_leading": (
        "normal_directions; power(samples, -1); at(bandwidth, 0, kl_bound.kl_leading); "
        "limit(time, inf, sum(m*lam)/(2*N*t)); "
        "equation(2*N*f, prod(((lam+t)/sqrt(t**2 - (h*lam/(lam+t))**2))**m) - prod(((lam+t)/sqrt((lam+t)**2 - "
        "(h*lam/(lam+t))**2))**m))"
    ),
}
