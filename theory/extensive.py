"""Extensive quantities: sums over directions, and the times at which they reach a value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.formula import Formula, in_float64
from theory.setting import LinearManifold

__all__ = ["extensive", "rising_root", "time_where"]

Array = NDArray[np.float64]
LARGEST = 230.0  # log t: from 1e-100 to 1e100, whose squares are finite
STEPS = 200  # some twenty are enough
REACH = 20.0  # in log t, of what takes long
SLOPE = 2.0  # of the first step; those of what is asked for are about that


def extensive(formula: Formula, manifold: LinearManifold, t: ArrayLike) -> Array:
    """sum_k m_k f(lambda_k, t), in the shape of t."""
    values = formula(manifold.variances, np.asarray(t)[..., None])
    return np.asarray(values @ manifold.dimensions.astype(float))


def time_where(f: Callable[[Array], Array], value: ArrayLike) -> Array:
    """The noise variance t at which f, decreasing from infinity to zero or below, reaches each value > 0.

    The root is sought in log t, so that it has full relative accuracy over two hundred decades; f takes a t for each value.
    Where even the largest or smallest t does not reach the value the answer is NaN.
    """
    wanted = np.asarray(value, dtype=np.float64)
    edge = np.full_like(wanted, LARGEST)
    with np.errstate(all="ignore"), in_float64():
        return np.asarray(np.exp(_root(lambda u: f(np.exp(u)) - wanted, -edge, edge)))


def _root(f: Callable[[Array], Array], a: Array, b: Array) -> Array:
    """Where f passes 0 between a and b, elementwise, NaN where it does not: Chandrupatla, Adv. Eng. Softw. 28 (1997) 145."""
    fa, fb = f(a), f(b)
    done = ~(np.sign(fa) * np.sign(fb) <= 0)
    found, share = np.full_like(a, np.nan), np.full_like(a, 0.5)
    for _ in range(STEPS):
        x = a + share * (b - a)
        fx = f(x)
        beside = np.sign(fx) == np.sign(fa)
        c, fc = np.where(beside, a, b), np.where(beside, fa, fb)
        b, fb = np.where(beside, b, a), np.where(beside, fb, fa)
        a, fa = x, fx
        found = np.where(done, found, np.where(np.abs(fa) < np.abs(fb), a, b))
        least = (1e-15 + 4e-16 * np.abs(a)) / np.abs(b - a)  # share of the bracket that rounding leaves
        done |= (least > 0.5) | (fa == 0) | (fb == 0)
        if done.all():
            break
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        by_parabola = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        share = np.clip(np.where(smooth, by_parabola, 0.5), least, 1 - least)
    return found


def rising_root(rising: Callable[[float], float], first: float, tolerance: float) -> tuple[float, float]:
    """Where a function that takes long to evaluate passes 0, from a guess, and its slope there; NaN where it does not.

    By secants, at most four times as long as the one before, between what is known to lie below and above, within REACH.
    """
    x, y, slope, low, high = first, rising(first), SLOPE, -np.inf, np.inf
    for _ in range(STEPS):
        low, high = (x, high) if y < 0 else (low, x)
        next_x = x - y / slope
        if not low <= next_x <= high:
            next_x = (low + high) / 2
        if abs(next_x - x) < tolerance:
            return float(next_x), float(slope)
        next_x = np.clip(next_x, first - REACH, first + REACH)
        if next_x == x:
            break
        step, before, x = next_x - x, y, float(next_x)
        y = rising(x)
        slope = max((y - before) / step, abs(y / step) / 4)
    return np.nan, np.nan
