r"""Laws of smoothing: what a kernel makes of the score's noise, from its definition, by sums over samples and shifts.

To order 1/N the smoothed score of samples y ~ p_0 differs from K_h * s by the mean of grad F, F = K_h * (g/p). With x typical,

    N Var_k = E (d_k F)^2 = R n_k,    R = prod_j E F_j^2,    n_k = E (dF_k)^2 / E F_k^2,

each of one direction, Gaussian or two Gaussians about +-c. Nodes lie where F^2 p_0 would be Gaussian, whatever is summed there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.subject import Subject

__all__ = ["balance_of_smoothing", "variance_of_smoothing"]

Array = NDArray[np.float64]
STEP, REACH = 0.1, 10.0  # of the sums, in standard deviations
BENT = 1.0  # how far 1/cosh may bend over one of them
RATIOS = 1e-6, 1e6  # of t to lambda, that float64 resolves differences of
SHORT, SLIGHT = 1e-3, 0.01  # of what h, and x, are held against in differences
SUMS, SLOPES = 1e-9, 1e-5  # what sums, and their slopes, may be off by
ROUNDING = 1e-13  # of the sums of one direction


class _Direction(NamedTuple):
    """One of so many directions alike: its subspace, x, variance, and half the distance of two centres."""

    of: int
    alike: int
    x: float
    lam: float
    c: float


class _Moments(NamedTuple):
    """E F^2, E F dF and E (dF)^2."""

    ratio: float
    pull: float
    slope: float


def _log_normal(x: Array, variance: float) -> Array:
    return np.asarray(-(x**2) / (2 * variance) - np.log(2 * np.pi * variance) / 2)


def _log_density(z: Array, c: float, variance: float) -> Array:
    return np.asarray(np.logaddexp(_log_normal(z - c, variance), _log_normal(z + c, variance)) - np.log(2))


def _moments(at: _Direction, t: float, h: float) -> _Moments | None:
    """By trapezoidal sums; None where they do not exist, or nodes would have to lie closer."""
    lam, x, c, sigma = at.lam, at.x, at.c, at.lam + t
    u = lam * h / sigma
    a = 2 * lam + t - u
    if a <= 0:
        return None
    width, spread = np.sqrt(lam * (t + u) / a), np.sqrt(h * t / (t + u))
    if c * max(spread, width * h / (t + u)) > BENT * sigma or not RATIOS[0] < t / lam < RATIOS[1]:
        return None
    nodes = np.arange(-REACH, REACH + STEP / 2, STEP)
    found = np.zeros(3)
    for b in (c, -c):
        y = ((2 * lam * x + b * (t + u)) / a + width * nodes)[:, None]
        shift = (h * y - u * x) / (t + u) + spread * (nodes if h else 0 * nodes[:1])  # not z - x, which would round
        z = x + shift
        kernel = _log_normal(shift, h) + np.log(spread * STEP) if h else 0.0
        F = np.exp(kernel + _log_normal(z - y, t) - _log_density(z, c, sigma))
        dF = F * ((y - z) / t + (z - c * np.tanh(c * z / sigma)) / sigma)
        F, dF = F.sum(axis=1), dF.sum(axis=1)
        prior = np.exp(_log_normal(y[:, 0] - b, lam)) * width * STEP / 2
        found += [prior @ F**2, prior @ (F * dF), prior @ dF**2]
    return _Moments(*found.tolist()) if np.isfinite(found).all() and found[0] > 0 else None


def _directions(setting: Setting) -> list[_Direction]:
    t, parts = float(setting.t[0]), setting.manifold.subspaces
    counts = [part.dimension for part in parts]
    own = []
    if setting.ensemble == "mixture":
        counts[0] -= 1
        first = parts[0].variance
        own = [_Direction(0, 1, float(np.sqrt(first + t)), first, setting.separation / 2)]
    lams = [part.variance for part in parts]
    alike = [_Direction(k, counts[k], float(np.sqrt(lam + t)), lam, 0.0) for k, lam in enumerate(lams) if counts[k]]
    return alike + own


def _log_ratio_and_noise(directions: list[_Direction], t: float, h: float) -> tuple[float, list[float]] | None:
    """log R of all directions, and the noise of one of each kind."""
    found = [_moments(at, t, h) for at in directions]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    log_ratio = sum(at.alike * np.log(one.ratio) for at, one in zip(directions, known, strict=True))
    return float(log_ratio), [one.slope / one.ratio for one in known]


def _typical(case: Case) -> Setting | None:
    """The setting at its first time, where x is typical."""
    setting = case.setting
    return None if setting.point is not None else setting.at(times=setting.times[:1])


@lawgiver
def variance_of_smoothing() -> Law:
    """It is the variance that a smoothed score has by its definition, of a component in each subspace."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = _typical(case)
        if setting is None:
            return None
        directions = _directions(setting)
        found = _log_ratio_and_noise(directions, float(setting.t[0]), setting.bandwidth)
        if found is None:
            return None
        noise = np.zeros(len(setting.manifold.subspaces))
        for at, one in zip(directions, found[1], strict=True):
            noise[at.of] += at.alike * one / setting.manifold.subspaces[at.of].dimension
        right = np.exp(found[0] - setting.log_samples) * noise[None] / setting.alpha[:, None] ** 2
        off = (SUMS + 1e-12 * setting.manifold.intrinsic_dimension) * right
        return Sides(f(setting), right, f.tolerance(setting) + off, (setting,), ("value", "variance of grad F, over N"))

    return Law(
        "variance_of_smoothing",
        "it is the mean over samples of (grad K_h * (g/p))^2, over N, by sums",
        r"f = E[(\partial_k K_h * g/p)^2]/N",
        check,
        "what a smoothed score differs by from its mean, to order 1/N",
        anchored=True,
        needs=lambda f: f.about.dims == ("time", "subspace"),
    )


def _balance(setting: Setting) -> tuple[float, float, float] | None:
    """log R at h = 0; then, over R, the slope S' + beta B by h of N times the error, and what it is off by."""
    t, directions = float(setting.t[0]), _directions(setting)
    D, widest = setting.manifold.intrinsic_dimension, max(at.lam + at.c**2 for at in directions)
    step = SHORT * t * (1 + t / widest) / D
    found = [_log_ratio_and_noise(directions, t, h) for h in (0.0, step, 2 * step)]
    own = _moments(directions[-1], t, 0.0)
    known = [one for one in found if one is not None]
    if own is None or len(known) < len(found):
        return None
    plain, alike = known[0][0], [at.alike for at in directions]
    totals = [np.exp(log_ratio - plain) * (np.array(noise) @ alike) for log_ratio, noise in known]
    of_variance = (-3 * totals[0] + 4 * totals[1] - totals[2]) / (2 * step)
    of_bias = -own.pull / own.ratio * _bend(directions[-1], t)
    off = SLOPES * (abs(of_variance) + abs(of_bias)) + ROUNDING * D * totals[0] / step
    return plain, float(of_variance + of_bias), float(off)


def _bend(at: _Direction, t: float) -> float:
    """The second derivative of the score at x, that of its tanh: by differences, of tanh - 1 for that is small."""
    k = at.c / (at.lam + t)
    near = -2 / (np.exp(2 * (k * at.x + SLIGHT * np.arange(-2, 3))) + 1)
    return float(k**3 * (near @ [-1, 16, -30, 16, -1]) / (12 * SLIGHT**2))


@lawgiver
def balance_of_smoothing() -> Law:
    """It is the bandwidth at which variance and bias of the score of a mixture balance, by their definitions."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = _typical(case)
        if setting is None or setting.ensemble != "mixture":
            return None
        found, bend = _balance(setting), _bend(_directions(setting)[-1], float(setting.t[0]))
        if found is None or bend == 0:
            return None
        log_ratio, slope, off = found
        with np.errstate(all="ignore"):
            per_slope = 2 * np.exp(log_ratio - setting.log_samples - 2 * np.log(abs(bend)))
        right = np.array([[-slope * per_slope if slope < 0 else 0.0]])
        tolerance = f.tolerance(setting) + off * per_slope
        return Sides(f(setting), right, tolerance, (setting,), ("value", "- 2 (S' + beta B)/N B^2"))

    return Law(
        "balance_of_smoothing",
        "of a mixture it is where the slopes in h of variance and squared bias cancel, to leading order, by sums",
        r"f = \max(0, -2 (S' + \beta B) / N B^2)",
        check,
        "h S'/N + (h B/2 + beta/N)^2 is least",
        anchored=True,
        needs=lambda f: f.about.dims == ("time",) and "mixture" in f.about.ensembles,
    )
