"""Dominance: spectra that one row or one column makes, such as a fill value, a date, an identifier, or another unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.leave_one_out import principal_axes
from theory.predictions import collapse

__all__ = ["Dominance", "dominance", "standardized"]

Array = NDArray[np.float64]
SHARE = 0.999  # of the variance about the median


@dataclass(frozen=True)
class Dominance:
    """A row or a column with nearly all the variance.

    Attributes:
        what: `row` or `column`.
        number: which, counted from 1 among those that were taken for data.
        share: of the variance.
        collapse_time_without: predicted for the data without it, data units squared; None where too little is left.
    """

    what: str
    number: int
    share: float
    collapse_time_without: float | None

    def summary(self) -> dict[str, Any]:
        """For the JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """In words."""
        without = self.collapse_time_without
        rest = "" if without is None else f"; without it theory says t = {without:.3g}"
        said = f"{self.what.title()} {self.number} alone makes {100 * self.share:.3g} % of the variance{rest}."
        remedy = " If it is in another unit, --standardize gives every column the same variance."
        return said + remedy * (self.what == "column")


def dominance(samples: Array, resolution: float) -> Dominance | None:
    """The row, or else the column, that makes the spectrum of samples of shape (N, D), or None."""
    away = samples - np.median(samples, axis=0)
    squares = (away / (np.abs(away).max() or 1.0)) ** 2
    for axis, what in enumerate(("row", "column")):
        shares = squares.sum(axis=1 - axis) / (squares.sum() or 1.0)
        number = int(shares.argmax())
        if shares.size > 1 and shares[number] >= SHARE:
            rest = np.delete(samples, number, axis=axis)
            return Dominance(what, number + 1, float(shares[number]), _collapse_time(rest, resolution))
    return None


def _collapse_time(samples: Array, resolution: float) -> float | None:
    try:
        axes = principal_axes(samples)
    except ValueError:
        return None
    return collapse.collapse_time(axes.setting(resolution))


def standardized(samples: Array) -> Array:
    """Every column in units of its own deviation, constant ones as they are."""
    centred = samples - np.median(samples, axis=0)  # first: the mean of samples far from the origin is rounded
    largest = np.abs(centred).max(axis=0)
    centred = centred / np.where(largest > 0, largest, 1.0)  # whose squares neither under- nor overflow
    centred -= centred.mean(axis=0)
    deviation = centred.std(axis=0)
    return np.asarray(centred / np.where(deviation > 0, deviation, 1.0))
