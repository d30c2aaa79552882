"""Measurement: a mean, its standard error, and how many independent draws stand behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Measurement", "crossing", "jackknife"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """Mean and standard error over n independent draws; arrays of one shape, elementwise.

    Attributes:
        mean: shape (...).
        sem: standard error of the mean, shape (...).
        n: number of independent draws.
    """

    mean: Array
    sem: Array
    n: int

    @classmethod
    def of(cls, draws: ArrayLike) -> Self:
        """From independent draws along the first axis, at least two.

        Raises:
            ValueError: for fewer than two.
        """
        values = np.asarray(draws, dtype=np.float64)
        if values.ndim < 1 or len(values) < 2:
            raise ValueError(f"a standard error needs at least 2 independent draws, got shape {values.shape}")
        return cls(values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values)), len(values))

    @classmethod
    def of_events(cls, draws: ArrayLike) -> Self:
        """The same of draws that are 0 or 1, whose error is not 0 where all happen to be the one or the other.

        Two successes and two failures more (Agresti and Coull, Am. Stat. 52 (1998) 119) for the error, not for the mean.
        """
        plain = cls.of(draws)
        share = (plain.n * plain.mean + 2) / (plain.n + 4)
        return cls(plain.mean, np.maximum(plain.sem, np.sqrt(share * (1 - share) / (plain.n + 4))), plain.n)

    def __add__(self, other: Measurement) -> Measurement:
        """The measurement over both sets of draws, as if they had been taken together."""
        n = self.n + other.n
        step = other.mean - self.mean
        squares = sum(m.sem**2 * m.n * (m.n - 1) for m in (self, other)) + step**2 * self.n * other.n / n
        return Measurement(self.mean + step * other.n / n, np.sqrt(squares / (n * (n - 1))), n)

    def through(self, f: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Measurement:
        """F of the mean, with the error the slope of f carries over (delta method)."""
        return Measurement(f(self.mean), np.abs(slope(self.mean)) * self.sem, self.n)

    def __str__(self) -> str:
        return f"{self.mean} ± {self.sem}"


def jackknife(draws: ArrayLike, estimate: Callable[[Array], ArrayLike], groups: int = 50) -> Measurement:
    """estimate(mean of the draws) with its standard error, leaving out one group of draws at a time.

    For nonlinear functions of several correlated means, such as ratios and crossings. `n` is the number of groups,
    which is what the error's own uncertainty depends on.

    Args:
        draws: shape (R, ...), independent along the first axis.
        estimate: a function of the mean, shape (...).
        groups: how many groups, at most R.

    Raises:
        ValueError: for fewer than two draws or groups.
    """
    values = np.asarray(draws, dtype=np.float64)
    if values.ndim < 1 or min(len(values), groups) < 2:
        raise ValueError(
            f"a jackknife needs at least 2 independent draws and 2 groups, got shape {values.shape} and {groups} groups"
        )
    groups = min(groups, len(values))
    totals = np.array([part.sum(axis=0) for part in np.array_split(values, groups)])
    sizes = np.array([len(part) for part in np.array_split(values, groups)])
    whole = values.sum(axis=0)
    left_out = [np.asarray(estimate((whole - s) / (len(values) - n))) for s, n in zip(totals, sizes, strict=True)]
    spread = np.std(left_out, axis=0) * np.sqrt(groups - 1)
    return Measurement(np.asarray(estimate(whole / len(values))), spread, groups)


def crossing(t: Array, f: Array, level: float) -> Array:
    """Where f, shape (T, ...), first falls through the level as t grows, by interpolation linear in log t; in any order.

    NaN where the grid does not bracket it.
    """
    order = np.argsort(t)
    t, f = np.asarray(t)[order], np.asarray(f)[order]
    flat = f.reshape(len(t), -1)
    found = np.full(flat.shape[1], np.nan)
    for k, column in enumerate(flat.T):
        falls = np.flatnonzero((column[:-1] >= level) & (column[1:] < level))
        if falls.size:
            i = falls[0]
            share = (column[i] - level) / (column[i] - column[i + 1])
            found[k] = np.exp(np.log(t[i]) + share * np.log(t[i + 1] / t[i]))
    return found.reshape(f.shape[1:])
