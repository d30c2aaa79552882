"""Clouds to draw: data, points near it, and a noise variance about the squared distances between samples."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

from validation.drawing.arrays import data_sets, rounded
from validation.drawing.numbers import bound, decimals, entry, integers

__all__ = ["clouds"]

Array = NDArray[np.float64]
STEPS = (0, 1, -1, 0.5, -0.5, 2, -2, 10, 0.1, 100)  # of a point from a sample, in units of sqrt(t)


def clouds(
    *, max_points: int = 3, max_samples: int = 12, max_dimension: int = 3
) -> SearchStrategy[tuple[Array, Array, float]]:
    """Points x, shape (M, D), data, shape (N, D), and a noise variance t, from which anybody's score can be asked.

    Half of the data sets are of small integers, half are `data_sets`. They shrink to x = [[0.]], data = [[0.], [1.]], t = 1.

    Args:
        max_points: the largest M.
        max_samples: the largest N.
        max_dimension: the largest D.

    Raises:
        ValueError: for bounds that are no positive integers.
    """
    bound(max_points, 1, 10**6, "max_points")
    bound(max_samples, 2, 10**6, "max_samples")
    bound(max_dimension, 1, 10**6, "max_dimension")
    return _clouds(max_points, max_samples, max_dimension)


@st.composite
def _clouds(draw: DrawFn, max_points: int, max_samples: int, max_dimension: int) -> tuple[Array, Array, float]:
    if entry(draw, (False, True)):
        data = draw(data_sets(max_samples=max_samples, max_dimension=max_dimension))
    else:
        data = _counted(entry(draw, integers(2, max_samples)), entry(draw, integers(1, max_dimension)))
    t = rounded(_spacing(data) * entry(draw, decimals(-3, 3)), 1)
    M = entry(draw, integers(1, max_points))
    steps = [[entry(draw, STEPS) for _ in range(data.shape[1])] for _ in range(M)]
    near = [entry(draw, range(len(data))) for _ in range(M)]
    return data[near] + rounded(math.sqrt(t), 1) * np.array(steps), data, t


def _counted(N: int, D: int) -> Array:
    """Sample mu lies at mu on axis mu - 1 modulo D."""
    data = np.zeros((N, D))
    data[np.arange(N), np.arange(N) % D - 1] = np.arange(N)
    return data


def _spacing(data: Array) -> float:
    """The median squared distance to the nearest other sample, 1 where there is none."""
    squares = ((data[:, None] - data) ** 2).sum(axis=2)
    nearest = np.where(squares > 0, squares, np.inf).min(axis=1)
    return float(np.median(nearest[np.isfinite(nearest)])) if np.isfinite(nearest).any() else 1.0
