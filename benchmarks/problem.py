"""The problem every contestant gets, and how far from the truth its answer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import slices, stream

__all__ = ["CHECKED", "Problem", "dense_time", "errors", "reference", "single"]

Floats = NDArray[np.float64]
CHECKED = 16  # queries


@dataclass(frozen=True)
class Problem:
    """N standard normal samples y, and M queries x: first half noised samples, then half fresh points.

    All numbers are float32 numbers, so that contestants of both dtypes are asked the same.

    Attributes:
        x: shape (M, D).
        y: shape (N, D).
        t: noise variance.
    """

    x: Floats
    y: Floats
    t: float

    @classmethod
    def of(cls, size: tuple[int, int, int], t: float, seed: int = 0) -> Problem:
        """The same samples at all t of a size."""
        N, M, D = size
        data = stream(seed, "benchmark", size)
        y = data.standard_normal((N, D), dtype=np.float32).astype(np.float64)
        noised = data.choice(N, M // 2, replace=M > N)
        x = data.standard_normal((M, D), dtype=np.float32).astype(np.float64)
        x[: M // 2] = y[noised] + t**0.5 * x[: M // 2]
        return cls(x.astype(np.float32).astype(np.float64), y, t)

    def arrays(self, dtype: str) -> tuple[NDArray[Any], NDArray[Any]]:
        return self.x.astype(dtype, copy=False), self.y.astype(dtype, copy=False)

    @property
    def checked(self) -> NDArray[np.intp]:
        """The queries that are checked, half of them noised samples, half fresh points."""
        M = len(self.x)
        return np.unique(np.linspace(0, M - 1, min(M, CHECKED)).astype(int))


def single(t: float) -> float:
    """The float32 number next to t."""
    return float(np.float32(t))


def dense_time(N: int, D: int) -> float:
    """The t at which I(t) = D/2 log(1 + 1/t) is half of log N: well above the collapse, many samples weigh in."""
    return 1 / (N ** (1 / D) - 1)


def reference(problem: Problem) -> dict[str, Floats]:
    """Averages at the checked queries from direct differences, added up in extended precision."""
    found = [_averages(x, problem.y, problem.t) for x in problem.x[problem.checked]]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def _averages(x: Floats, y: Floats, t: float) -> dict[str, Any]:
    squares = np.concat([_squares(x, y[rows]) for rows in slices(len(y), max(1, 2**20 // y.shape[1]))])
    energy = squares / (2 * t)
    lowest = energy.min()
    e = np.exp(lowest - energy)
    w = e / e.sum()
    mean_energy = (w * energy).sum()
    heavy = np.flatnonzero(w)
    return {
        "log_partition": float(np.log(e.sum()) - lowest),
        "mean": w.astype(np.float64) @ y,
        "energy": float(mean_energy),
        "energy_variance": float((w * (energy - mean_energy) ** 2).sum()),
        "entropy": float(-(w[heavy] * np.log(w[heavy])).sum()),
        "participation": float((w**2).sum()),
        "largest_weight": float(w.max()),
    }


def _squares(x: Floats, y: Floats) -> NDArray[np.longdouble]:
    difference = y - x  # exact, or nearly: all are float32 numbers
    return (difference**2).sum(axis=1, dtype=np.longdouble)


def errors(answer: Mapping[str, Any], truth: Mapping[str, Floats], problem: Problem, dtype: str) -> dict[str, float]:
    """The largest error of each quantity: of the mean in units of sqrt t, of the variance of E relative to 1 + itself.

    The error of the score, in units of 1/sqrt t, is that of the mean in units of sqrt t. `beyond_rounding` is the error of
    log Z less two units of rounding of log Z itself: far from the data it is large, and float32 cannot hold it to 0.01.
    """
    found = {}
    for name in truth:
        if name in answer:
            away = np.abs(answer[name][problem.checked].astype(np.float64) - truth[name])
            unit = {"mean": problem.t**0.5, "energy_variance": 1 + truth[name]}.get(name, 1.0)
            found[name] = float(np.max(away / unit))
            if name == "log_partition":
                rounding = 2 * np.finfo(dtype).eps * np.abs(truth[name])
                found["beyond_rounding"] = float(np.max(np.maximum(away - rounding, 0.0)))
    return found
