"""Cloud: points, data and a noise variance, where laws of a score and its kin are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LETTERS", "Cloud", "CloudCase"]

Array = NDArray[np.float64]
ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points, data and a noise variance.

    Attributes:
        x: points, shape (M, D).
        data: samples y, shape (N, D).
        t: noise variance, data units squared.
    """

    x: Array
    data: Array
    t: float

    def at(self, **changes: Any) -> Cloud:
        """The cloud with other x, data or t."""
        return replace(self, **changes)

    def mapped(self, change: Callable[[Array], Array], t: float | None = None) -> Cloud:
        """The cloud with points and data changed alike."""
        return Cloud(change(self.x), change(self.data), self.t if t is None else t)

    @cached_property
    def squares(self) -> Array:
        """|x - y|^2, shape (M, N)."""
        return np.asarray(((self.x[:, None] - self.data) ** 2).sum(axis=2))

    @cached_property
    def nearest(self) -> NDArray[np.int64]:
        """Which sample is nearest, shape (M,)."""
        return np.argmin(self.squares, axis=1)

    def perturbed(self, step: float) -> Cloud:
        """Stretched by `step` along each direction by its share, and each number off by a few roundings besides."""
        return _perturbed(self, step)

    def __str__(self) -> str:
        return f"x = {_small(self.x)}, data = {_small(self.data)}, t = {self.t:g}"


@dataclass(frozen=True)
class CloudCase:
    """Where a law of points is asked; size and pick are those of `Case`."""

    at: Cloud
    size: float = 2.0
    pick: int = 0


LETTERS: dict[str, Callable[[Cloud], Any]] = {
    "N": lambda c: float(len(c.data)),
    "logN": lambda c: np.log(len(c.data)),
    "D": lambda c: float(c.x.shape[1]),
    "t": lambda c: c.t,
    "x": lambda c: c.x,
    "nearest": lambda c: c.data[c.nearest],
    "mean": lambda c: c.data.mean(axis=0),
    "nearest2": lambda c: c.squares.min(axis=1),
    "mean2": lambda c: c.squares.mean(axis=1),
    "chosen": lambda c: np.eye(len(c.data))[c.nearest],
    "eye": lambda c: np.eye(c.x.shape[1]),
}
"""What expressions at points and data are written with: nearest2 and mean2 are squared distances, chosen is 1 at the nearest."""


@lru_cache(maxsize=512)
def _perturbed(cloud: Cloud, step: float) -> Cloud:
    centre = np.median(cloud.data, axis=0)
    stretch = 1 + step * np.cos(2.4 * np.arange(centre.size))
    own = float(np.clip(step, -ROUNDING, ROUNDING))

    def off(a: Array, phase: float) -> Array:
        shares = np.cos(2.4 * np.arange(a.size) + phase).reshape(a.shape)
        return np.asarray((centre + (a - centre) * stretch) * (1 + own * shares))

    return Cloud(off(cloud.x, 1.0), off(cloud.data, 0.0), cloud.t * (1 + step * float(np.cos(3.0))))


def _small(a: Array) -> str:
    return str(a.tolist()) if a.size <= 12 else f"{a.shape[0]} rows"
