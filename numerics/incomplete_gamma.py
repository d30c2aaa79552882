r"""The incomplete gamma integral between two bounds, as a logarithm: int_low^high u^{a-1} e^{-u} du.

From the regularized functions P and Q of scipy where these are numbers; below them from the series, beyond them from
the continued fraction, so that no bound is too small or too large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc, exp1, gammainc, gammaincc, gammaln, hyp1f1

__all__ = ["log_incomplete_gamma"]

Array = NDArray[np.float64]
TINY = 1e-280  # below it the regularized functions lose digits, and vanish
NEAR, FRACTIONS = 2.0, 60  # the continued fraction has 15 digits from there on after so many terms
ORDERS = (-0.5, 0.0)  # of the orders that are not positive


def log_incomplete_gamma(a: float, low: ArrayLike, high: ArrayLike) -> Array:
    """log int_low^high u^{a-1} e^{-u} du, elementwise; an interval of relative width w costs log10(1/w) digits.

    Args:
        a: the order, positive, or -1/2 or 0.
        low: positive, of the shape of `high`.
        high: larger than `low`.

    Raises:
        ValueError: for another order, or bounds that are not positive and in order.
    """
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if not (0 < a < np.inf or a in ORDERS):
        raise ValueError(f"the order must be positive and finite, or one of {ORDERS}, got {a}")
    if not ((low > 0) & (high > low) & np.isfinite(high)).all():
        raise ValueError("the bounds must be positive, finite and in order; give low < high")
    if a <= 0:
        return _difference(_log_upper(a, low), _log_upper(a, high))
    found = np.empty(low.shape)
    left, right = high <= a, low >= a
    across = ~(left | right)
    found[left] = _difference(_log_lower(a, high[left]), _log_lower(a, low[left]))
    found[right] = _difference(_log_upper(a, low[right]), _log_upper(a, high[right]))
    found[across] = gammaln(a) + np.log1p(-gammainc(a, low[across]) - gammaincc(a, high[across]))
    return found


def _difference(larger: Array, smaller: Array) -> Array:
    """log(exp(larger) - exp(smaller))."""
    return larger + np.log1p(-np.exp(smaller - larger))


def _log_lower(a: float, u: Array) -> Array:
    """log int_0^u, for a > 0 and u <= a."""
    return _patched(gammainc(a, u), a, u, lambda v: a * np.log(v) - v - np.log(a) + np.log(hyp1f1(1, a + 1, v)))


def _log_upper(a: float, u: Array) -> Array:
    """log int_u^infinity."""
    if a > 0:
        return _patched(gammaincc(a, u), a, u, lambda v: _log_fraction(a, v))
    found = np.empty(u.shape)
    near = u < NEAR
    found[near] = np.log(_upper_near(a, u[near]))
    found[~near] = _log_fraction(a, u[~near])
    return found


def _upper_near(a: float, u: Array) -> Array:
    """int_u^infinity for an order that is not positive, by what raises it to 1/2."""
    if a == 0:
        return np.asarray(exp1(u))
    return np.asarray(2 * np.exp(-u) / np.sqrt(u) - 2 * np.sqrt(np.pi) * erfc(np.sqrt(u)))


def _patched(regularized: NDArray[np.floating[Any]], a: float, u: Array, otherwise: Callable[[Array], Array]) -> Array:
    """The logarithm of what was regularized, and another where that is too small."""
    small = regularized < TINY
    found = np.log(np.where(small, 1.0, regularized)) + gammaln(a)
    found[small] = otherwise(u[small])
    return found


def _log_fraction(a: float, u: Array) -> Array:
    """log int_u^infinity by Legendre's continued fraction, in the order of Lentz."""
    b = u + 1 - a
    d = 1 / b
    c = np.full(u.shape, np.inf)
    fraction = d
    for i in range(1, FRACTIONS):
        b = b + 2
        d = 1 / (b - i * (i - a) * d)
        c = b - i * (i - a) / c
        fraction = fraction * c * d
    return a * np.log(u) - u + np.log(fraction)
