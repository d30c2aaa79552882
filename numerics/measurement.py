"""Measurement: a mean, its standard error, and what the draws behind it say of the law of that error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.real import real_array

__all__ = ["Measurement", "crossing", "freed", "jackknife"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """Mean and standard error over n independent draws; arrays of one shape, elementwise.

    Attributes:
        mean: shape (...).
        sem: standard error of the mean, shape (...); 0 where the draws are equal but for rounding.
        n: number of independent draws.
        skewness: of the draws, shape (...); 0 where they are equal.
    """

    mean: Array
    sem: Array
    n: int
    skewness: Array | float = 0.0

    @classmethod
    def of(cls, draws: ArrayLike) -> Self:
        """From independent draws along the first axis, at least two.

        Raises:
            ValueError: for fewer than two, and for draws that are no real numbers.
        """
        values = _drawn(draws)
        if values.ndim < 1 or len(values) < 2:
            raise ValueError(f"a standard error needs at least 2 independent draws, got shape {values.shape}")
        unit = _unit(values)
        values = values / unit
        n, scattered = len(values), _scattered(values)
        with np.errstate(invalid="ignore"):  # of infinite draws
            sem = np.where(scattered, unit * values.std(axis=0, ddof=1) / np.sqrt(n), 0.0)
            return cls(unit * values.mean(axis=0), sem, n, _skewness(values, scattered))

    @classmethod
    def of_events(cls, draws: ArrayLike) -> Self:
        """The same of draws that are 0 or 1, whose error is not 0 where all happen to be the one or the other.

        Two successes and two failures more (Agresti and Coull, Am. Stat. 52 (1998) 119) for the error, not for the mean.
        """
        plain = cls.of(draws)
        share = (plain.n * plain.mean + 2) / (plain.n + 4)
        return replace(plain, sem=np.maximum(plain.sem, np.sqrt(share * (1 - share) / (plain.n + 4))))

    def each(self, f: Callable[[Array], Array]) -> Measurement:
        """With f, which picks or rearranges, done to every array."""
        return Measurement(f(self.mean), f(self.sem), self.n, f(np.broadcast_to(self.skewness, np.shape(self.mean))))

    def __getitem__(self, at: Any) -> Measurement:
        """Some of the elements."""
        return self.each(lambda a: a[at])

    def through(self, f: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Measurement:
        """F of the mean, with the error the slope of f carries over (delta method)."""
        steepness = slope(self.mean)
        return Measurement(f(self.mean), np.abs(steepness) * self.sem, self.n, np.sign(steepness) * self.skewness)

    def __str__(self) -> str:
        return f"{self.mean} ± {self.sem}"


def jackknife(draws: ArrayLike, estimate: Callable[[Array], ArrayLike], groups: int = 200) -> Measurement:
    """estimate(mean of the draws) with its standard error, leaving out one group of draws at a time.

    For nonlinear functions of several correlated means, such as ratios and crossings. `n` is the number of groups,
    which is what the error's own uncertainty depends on.

    Args:
        draws: shape (R, ...), independent along the first axis.
        estimate: a function of the mean, shape (...).
        groups: how many groups, at most R.

    Raises:
        ValueError: for fewer than two draws or groups, and for draws that are no real numbers.
    """
    values = _drawn(draws)
    if values.ndim < 1 or min(len(values), groups) < 2:
        raise ValueError(
            f"a jackknife needs at least 2 independent draws and 2 groups, got shape {values.shape} and {groups} groups"
        )
    groups = min(groups, len(values))
    totals = np.array([part.sum(axis=0) for part in np.array_split(values, groups)])
    sizes = np.array([len(part) for part in np.array_split(values, groups)])
    whole = values.sum(axis=0)
    left_out = np.array([estimate((whole - s) / (len(values) - n)) for s, n in zip(totals, sizes, strict=True)])
    spread = np.std(left_out, axis=0) * np.sqrt(groups - 1)
    # a group left out moves the estimate against where it lies
    return Measurement(
        np.asarray(estimate(whole / len(values))), spread, groups, -_skewness(left_out, _scattered(left_out))
    )


def freed(draws: ArrayLike, known: ArrayLike) -> Array:
    """Draws less what they owe to quantities whose mean is known to be 0, by linear regression (control variates).

    Their scatter is enlarged by what residues of a fit are too small by, and by what its coefficients add to the error of the
    mean, exactly so of Gaussian draws.

    Args:
        draws: shape (R, ...), independent along the first axis.
        known: of the same draws, shape (R, K), R > K + 2.

    Raises:
        ValueError: for fewer draws.
    """
    values, known = _drawn(draws), _drawn(known)
    R, K = known.shape
    if R < K + 3:
        raise ValueError(f"a regression on {K} quantities needs at least {K + 3} draws, got {R}")
    flat = values.reshape(R, -1)
    slopes = np.linalg.lstsq(known - known.mean(axis=0), flat - flat.mean(axis=0), rcond=None)[0]
    kept = flat - known @ slopes
    center = kept.mean(axis=0)
    enlarged = np.sqrt((R - 1) / (R - 1 - K) * (R - 2) / (R - 2 - K))
    return np.asarray(center + (kept - center) * enlarged).reshape(values.shape)


def _drawn(draws: ArrayLike) -> Array:
    """In float64; of masked draws, text and dates it is not for NumPy to make numbers."""
    return real_array(draws, "draws").astype(np.float64, copy=False)


def _unit(draws: Array) -> Array:
    """A power of two, in units of which draws can be squared and summed; 1 where they can as they are."""
    size = np.abs(draws).max(axis=0)
    as_they_are = ((size > 1e-100) & (size < 1e100)) | ~np.isfinite(size) | (size == 0)
    return np.where(as_they_are, 1.0, np.ldexp(1.0, np.frexp(size)[1] - 1))


def _scattered(draws: Array) -> NDArray[np.bool_]:
    """Where more than rounding tells the draws apart; NaN and what is infinite is not equal to anything."""
    with np.errstate(invalid="ignore"):
        apart = np.ptp(draws, axis=0)
    return ~((apart <= 8 * np.finfo(float).eps * np.abs(draws).max(axis=0)) & (apart < np.inf))


def _skewness(draws: Array, scattered: NDArray[np.bool_]) -> Array:
    """The third central moment in units of the standard deviation."""
    with np.errstate(invalid="ignore"):
        from_mean = draws - draws.mean(axis=0)
        unit = from_mean / np.where(scattered, np.abs(from_mean).max(axis=0), 1.0)  # no power underflows
        return np.where(scattered, (unit**3).mean(axis=0) / (unit**2).mean(axis=0) ** 1.5, 0.0)


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
