r"""Over shifts: averages over u ~ N(mean, deviation^2) of log 2cosh u, tanh u and sech^2 u, of two samples smoothed.

A narrow kernel is averaged over by the trapezoid rule, which for functions analytic in |Im u| < pi/2 converges as
exp(-pi^2/(step deviation)). Under a wide one they are the kinks |u|, sign u and 2 delta(u), whose averages are closed, and a
rest that falls as exp(-2|u|), by Gauss-Legendre. Either is good to 1e-14.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfc

__all__ = ["excess", "gain", "sech_squared", "tanh"]

Array = NDArray[np.float64]
WIDE = 2.0  # deviation from which on the kink is narrow beside the kernel
STEP, REACH = 0.125, 9.0  # of the trapezoid rule, in deviations
_shifts = np.arange(-REACH, REACH + STEP / 2, STEP)
_weights = np.exp(-(_shifts**2) / 2) / np.exp(-(_shifts**2) / 2).sum()
_u, _du = np.polynomial.legendre.leggauss(64)
_u, _du = 10 * (_u + 1), 10 * _du  # the rest is below 1e-17 beyond 20


def excess(mean: Array, deviation: float) -> Array:
    """E log 2cosh u - |mean|, which is not negative and falls to 0 as |mean| grows; shape of mean."""
    m = np.abs(mean)
    if deviation < WIDE:
        return np.maximum(_trapezoid(lambda u: np.logaddexp(u, -u), m, deviation) - m, 0.0)
    spread = deviation * math.sqrt(2 / math.pi) * np.exp(-((m / deviation) ** 2) / 2)
    bent = spread - m * erfc(m / (deviation * math.sqrt(2)))  # E|u| - |mean|
    return np.maximum(bent + _rest(np.log1p(np.exp(-2 * _u)), m, deviation, even=True), 0.0)


def gain(mean: Array, deviation: float) -> Array:
    """E log cosh u - log cosh mean, which is not negative; shape of mean.

    Under a narrow kernel to relative accuracy: shifts by w and -w together gain log(1 + (sinh w/cosh mean)^2).
    """
    if deviation < WIDE:
        lowered = 1 / np.cosh(np.clip(mean, -300, 300))
        return np.asarray(np.log1p((lowered[..., None] * np.sinh(deviation * _shifts)) ** 2) @ _weights / 2)
    return excess(mean, deviation) - np.log1p(np.exp(-2 * np.abs(mean)))


def tanh(mean: Array, deviation: float) -> Array:
    """E tanh u; shape of mean."""
    if deviation < WIDE:
        return _trapezoid(np.tanh, mean, deviation)
    return erf(mean / (deviation * math.sqrt(2))) + _rest(np.tanh(_u) - 1, mean, deviation, even=False)


def sech_squared(mean: Array, deviation: float) -> Array:
    """E sech^2 u, the slope of E tanh u in the mean; shape of mean."""
    if deviation < WIDE:
        return _trapezoid(lambda u: 1 / np.cosh(np.clip(u, -300, 300)) ** 2, mean, deviation)
    return _rest(1 / np.cosh(_u) ** 2, mean, deviation, even=True)


def _trapezoid(f: Callable[[Array], Array], mean: Array, deviation: float) -> Array:
    return np.asarray(f(np.asarray(mean)[..., None] + deviation * _shifts) @ _weights)


def _rest(values: Array, mean: Array, deviation: float, *, even: bool) -> Array:
    """The integral over u of an even or odd function that has these values at u > 0."""
    mean = np.asarray(mean)[..., None]
    right, left = (np.exp(-(((_u - side * mean) / deviation) ** 2) / 2) for side in (1, -1))
    density = (right + left if even else right - left) / (deviation * math.sqrt(2 * math.pi))
    return np.asarray(density @ (values * _du))
