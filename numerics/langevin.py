"""Langevin dynamics at a fixed t: samples from the density whose score that is, where the reverse process has others to obey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.scores import Score

__all__ = ["langevin"]

Array = NDArray[np.float64]


def langevin(score: Score, x: Array, t: float, step: Array | float, count: int, random: np.random.Generator) -> Array:
    """Points after so many steps of dx = s dtau + sqrt 2 dW, each with the mean of its noise and the next.

    The law that they come to is off by the step squared (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34), and not at
    all for a linear score. What starts at a sample stays about it where barriers are high.

    Args:
        score: a function of points (M, D) and t, with values (M, D).
        x: points to start from, shape (M, D), data units.
        t: noise variance, data units squared.
        step: of tau, data units squared, below twice the smallest variance; one, or one for each direction, shape (D,).
        count: how many.
        random: a stream of random numbers.

    Returns:
        shape (M, D), data units.
    """
    now = random.standard_normal(x.shape)
    for _ in range(count):
        then = random.standard_normal(x.shape)
        x = x + step * score(x, t) + np.sqrt(step / 2) * (now + then)
        now = then
    return x
