r"""Averages of the smoothed density ratio F = K_h * (g/p) where p_0 is two Gaussians, N(+-c, lambda), in one direction.

F is that of one component times an average of 1/cosh over a Gaussian; samples y of a component are Gaussian under F^2. Both
averages are trapezoidal sums, which for functions that are analytic in a strip converge exponentially. Where the strip is so
narrow that they would take more than some thousand terms, for kernels much wider than the change of the score, they are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from theory.formula import Formula

__all__ = ["bias", "ratio_and_noise", "slopes_at_0"]

Array = NDArray[np.float64]
Formulas = Mapping[str, Formula]
REACH = 10.0  # standard deviations beyond which nothing counts
COARSEST, FINEST = 0.25, 0.01  # steps of the sums, in standard deviations
STEPS = 5.0  # per distance to the nearest pole: e^{-2 pi 5} = 2e-14


def bias(score: Formula, x: float, t: float, h: float, lam: float, c: float) -> float:
    """(K_h * s - s)(x), inverse data units, to 1e-10 of the score."""
    z, weights = _normal(_pole(lam, t, c, math.sqrt(h)))
    shifted = score(x + math.sqrt(h) * z, c, lam, t) - score(x, c, lam, t)
    return float(weights @ shifted)


def ratio_and_noise(d: Formulas, x: float, t: float, h: float, lam: float, c: float) -> tuple[float, float]:
    """log E F^2 and E (dF)^2 / E F^2 at x, over samples y; NaN where they do not exist."""
    u = d["shrunk"](lam, t, h)
    a = d["room"](lam, t, u)
    if not a > 0:
        return np.nan, np.nan
    width = np.sqrt(d["component_variance"](lam, t, u, a))
    moved = float(d["shifted_mean"](t, u, h, 0.0, width))
    z, weights = _normal(_pole(lam, t, c, moved))
    logs, squares, slopes = [], [], []
    for b in (c, -c):
        y = d["component_mean"](lam, t, u, a, x, b) + width * z
        share, steep = _shifted(d, x, y, t, h, lam, c)
        logs.append(_log_weight(d, x, b, t, lam, c, u, a))
        squares.append(weights @ share**2)
        slopes.append(weights @ (d["component_gradient"](lam, t, u, x, y) * share + steep) ** 2)
    top = max(logs)
    scale = np.exp(np.array(logs) - top)
    norm = scale @ squares
    return float(top + np.log(norm)), float(scale @ slopes / norm)


def _shifted(d: Formulas, x: float, y: Array, t: float, h: float, lam: float, c: float) -> tuple[Array, Array]:
    """E 1/cosh(c x'/(lambda + t)) over the shifted points x' of samples y, in units of that at x, and its slope in x."""
    u = d["shrunk"](lam, t, h)
    spread = float(np.sqrt(d["shifted_variance"](t, u, h)))
    z, weights = _normal(_pole(lam, t, c, spread))
    k = c / (lam + t)
    angle = k * (d["shifted_mean"](t, u, h, x, y)[:, None] + spread * z)
    found = np.exp(_log_sech(angle) - _log_sech(k * x))
    slope = -(k * t / (t + u)) * ((np.tanh(angle) * found) @ weights)
    return np.asarray(found @ weights), np.asarray(slope)


def slopes_at_0(d: Formulas, x: float, t: float, lam: float, c: float) -> tuple[float, float, float]:
    """d/dh at h = 0 of E F^2 and of E (dF)^2, and half d/dx of E F^2, all over E F^2."""
    u, a = 0.0, d["room"](lam, t, 0.0)
    score = d["mixture_score"](x, c, lam, t)
    centres = np.array([c, -c])
    logs = _log_weight(d, x, centres, t, lam, c, u, a)
    weights = np.exp(logs - logs.max())
    pull = (d["component_mean"](lam, t, u, a, x, centres) - x) / t - score
    spread = d["component_variance"](lam, t, u, a) / t**2
    bent = d["mixture_slope"](x, c, lam, t)
    ratio = d["ratio_slope"](t, spread, pull, bent)
    gradient = d["gradient_slope"](t, spread, pull, bent, d["mixture_laplacian"](x, c, lam, t))
    weights /= weights.sum()
    return float(weights @ ratio), float(weights @ gradient), float(weights @ pull)


def _log_weight(
    d: Formulas, x: float, b: float | Array, t: float, lam: float, c: float, u: float | Array, a: float | Array
) -> Array:
    """log E F^2 of samples of one component, half of all, but for the factor of the shifted points."""
    own = d["component_log_ratio"](lam, t, u, a, x, b)
    return np.asarray(own + c**2 / (lam + t) + 2 * _log_sech(c * x / (lam + t)) - math.log(2))


def _log_sech(k: float | Array) -> Array:
    size = np.abs(k)
    return np.asarray(math.log(2) - size - np.log1p(np.exp(-2 * size)))


def _pole(lam: float, t: float, c: float, spread: float) -> float:
    """How far from the real line the first pole of 1/cosh lies, for points of that spread."""
    return math.inf if c * spread == 0 else math.pi * (lam + t) / (2 * c * spread)


def _normal(pole: float) -> tuple[Array, Array]:
    """Nodes and weights of an average over N(0, 1) of what is analytic within `pole` of the real line, or NaN."""
    step = min(COARSEST, pole / STEPS)
    if step < FINEST:
        return np.zeros(1), np.full(1, np.nan)
    z = step * np.arange(-math.ceil(REACH / step), math.ceil(REACH / step) + 1.0)
    weights = np.exp(-(z**2) / 2)
    return z, np.asarray(weights / weights.sum())
