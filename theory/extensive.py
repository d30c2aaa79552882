"""Extensive quantities: sums over directions, and the times at which they reach a value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, elementwise

from theory.formula import Formula
from theory.setting import LinearManifold

__all__ = ["extensive", "rising_root", "time_where"]

Array = NDArray[np.float64]


def extensive(formula: Formula, manifold: LinearManifold, t: ArrayLike) -> Array:
    """sum_k m_k f(lambda_k, t), in the shape of t."""
    values = formula(manifold.variances, np.asarray(t)[..., None])
    return np.asarray(values @ manifold.dimensions.astype(float))


def time_where(f: Callable[..., Array], value: ArrayLike, *others: ArrayLike) -> Array:
    """The noise variance t at which f, decreasing from infinity to zero or below, reaches each value > 0.

    The root is sought in log t, so that it has full relative accuracy over two hundred decades; f takes t, and others if
    they are given, and returns arrays of one shape. Where even the largest or smallest t does not reach the value the answer
    is NaN.
    """
    wanted = np.asarray(value, dtype=np.float64)

    def excess(u: Array, target: Array, *others: Array) -> Array:
        return f(np.exp(u), *others) - target

    edge = np.full_like(wanted, 230.0)  # t from 1e-100 to 1e100: its square stays finite
    root = elementwise.find_root(
        excess,
        (-edge, edge),
        args=(wanted, *others),
        tolerances={"xatol": 1e-15, "xrtol": 4e-16, "fatol": 0.0, "frtol": 0.0},
    )
    return np.where(np.isnan(root.x), np.nan, np.exp(root.x))


def rising_root(rising: Callable[[float], float], first: float, tolerance: float) -> float:
    """Where a function that takes long to evaluate passes 0, from a guess.

    The bracket grows by the value at the guess, which is enough at once where the slope is one or more.
    """
    step = -rising(first)
    near, far = first, first + step
    while rising(far) * step < 0:
        near, far = far, far + step
    return near if near == far else float(brentq(rising, near, far, xtol=tolerance))
