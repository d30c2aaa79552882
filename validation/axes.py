"""Axes: what of a setting is varied, and over which values: time, samples, a variance, a remedy, the network, the manifold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theory.real import brief
from theory.setting import LinearManifold, Setting

__all__ = ["AXES", "HELD", "Axis", "axes_of", "ranged"]

LABELS = {
    "time": r"noise variance $t$",
    "samples": r"samples $N$",
    "ambient": r"ambient dimension $D$",
    "temperature": r"temperature $T$",
    "bandwidth": r"bandwidth $h$",
    "separation": r"separation $2a$",
    "share": r"share $w$",
    "features": r"features $p$",
    "training": r"training time $\tau$",
    "ridge": r"ridge $\rho$",
    "variance": r"variance $\lambda_{}$",
    "dimension": r"dimension $m_{}$",
    "subspaces": "manifold",
}
AXES = (
    "time",
    "samples",
    "variance.K",
    "dimension.K",
    "ambient",
    "temperature",
    "bandwidth",
    "separation",
    "share",
    "features",
    "training",
    "ridge",
    "subspaces",
)
COUNTS = ("samples", "dimension", "ambient", "features")
HELD = ("time", "training")  # that a setting holds many values of


@dataclass(frozen=True)
class Axis:
    """Something of a setting, and the values it takes.

    Attributes:
        name: one of AXES, K the number of a subspace from 0.
        values: at least two, numbers or, of `subspaces`, manifolds.

    Raises:
        ValueError: for another name, or fewer than two different values.
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        kind, _, number = self.name.partition(".")
        if kind not in LABELS or (kind in ("variance", "dimension")) != number.isdigit() or self.name.endswith("."):
            raise ValueError(f"an axis must be one of {', '.join(AXES)}, K a subspace from 0; got {self.name!r}")
        values = tuple(dict.fromkeys(map(self._read, self.values)))
        if len(values) < 2:
            raise ValueError(
                f"the axis {self.name} takes at least 2 different values, got {len(values)}; give one value by its option"
            )
        object.__setattr__(self, "values", values if self.kind == "subspaces" else tuple(sorted(values)))

    @property
    def kind(self) -> str:
        """The name without the number of a subspace."""
        return self.name.partition(".")[0]

    @property
    def numeric(self) -> bool:
        """Whether its values lie on a line."""
        return self.kind != "subspaces"

    @property
    def label(self) -> str:
        """The name and its letter, for a figure."""
        return LABELS[self.kind].replace("{}", self.name.partition(".")[2] or "{}")

    def told(self, value: Any) -> str:
        """One of its values, for a legend."""
        letter = self.label.partition(" $")[2].rstrip("$")
        return f"${letter}$ = {value:g}" if self.numeric else str(value)

    def plain(self, value: Any) -> str:
        """The same without formulas."""
        return f"{value:g}" if self.numeric else str(value)

    def at(self, setting: Setting, value: Any) -> Setting:
        """The setting with this value.

        Raises:
            ValueError: where it has no such subspace, or the value is outside its domain.
        """
        return self.through(setting, [value]) if self.kind in HELD else self._at(setting, value)

    def through(self, setting: Setting, values: Sequence[float]) -> Setting:
        """The setting that holds all these values, of an axis of HELD."""
        return setting.at(times=np.array(values)) if self.kind == "time" else setting.trained(times=tuple(values))

    def _at(self, setting: Setting, value: Any) -> Setting:
        if self.kind in ("features", "ridge"):
            return setting.trained(**{self.kind: value})
        if self.kind == "subspaces":
            return setting.at(manifold=value)
        if self.kind in ("variance", "dimension", "ambient"):
            return setting.at(manifold=self._manifold(setting.manifold, value))
        return setting.at(**{self.name: value})

    def between(self, low: float, high: float, count: int) -> list[float]:
        """Values between two of them, both included, evenly on the scale it is drawn on; counts are whole numbers."""
        values = np.geomspace(low, high, count) if low > 0 else np.linspace(low, high, count)
        values[0], values[-1] = low, high
        return list(dict.fromkeys(map(self._read, np.round(values) if self.kind in COUNTS else values)))

    def _read(self, value: Any) -> Any:
        if not self.numeric:
            return value if isinstance(value, LinearManifold) else LinearManifold.parse(str(value))
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"the axis {self.name} takes numbers, got {value!r}") from None
        if self.kind not in COUNTS or (self.kind == "features" and number == np.inf):
            return number
        if not number.is_integer():
            raise ValueError(
                f"the axis {self.name} takes whole numbers, got {number:g}; a range rounds, as {self.name}=30:100:3"
            )
        return round(number)

    def _manifold(self, manifold: LinearManifold, value: Any) -> LinearManifold:
        if self.kind == "ambient":
            return LinearManifold(manifold.subspaces, value)
        parts, k = list(manifold.subspaces), int(self.name.partition(".")[2])
        if k >= len(parts):
            raise ValueError(f"{self.name} must name one of {len(parts)} subspaces, from 0; got {k}")
        normal = manifold.ambient_dimension - manifold.intrinsic_dimension
        parts[k] = replace(parts[k], **{self.kind: value})
        return LinearManifold(tuple(parts), normal + sum(part.dimension for part in parts))


def axes_of(over: Mapping[str, Sequence[Any]]) -> tuple[Axis, ...]:
    """Axes by name and values.

    Raises:
        ValueError: for no axis that is known, or more than two.
    """
    if single := [name for name, values in over.items() if not isinstance(values, Iterable)]:
        raise ValueError(f"the axis {single[0]} takes a list of values, got {brief(over[single[0]])}")
    found = tuple(Axis(name, tuple(values)) for name, values in over.items())
    if len(found) > 2:
        raise ValueError(f"expected one axis or two, got {', '.join(axis.name for axis in found)}; fix all but two")
    return found


def ranged(text: str) -> tuple[str, tuple[float, ...]]:
    """Read AXIS=a:b:n, n values evenly on a logarithmic scale and whole where they count, or AXIS=a,b,c, the values.

    Raises:
        ValueError: where it is neither.
    """
    name, equals, told = text.partition("=")
    usage = f"--over is written AXIS=a:b:n or AXIS=a,b,c, as in samples=100:30000:9; got {text!r}"
    if not equals:
        raise ValueError(usage)
    try:
        if ":" not in told:
            return name, tuple(map(float, told.split(",")))
        first, last, n = told.split(":")
        low, high, count = float(first), float(last), int(n)
    except ValueError:
        raise ValueError(usage) from None
    if count < 2:
        raise ValueError(f"--over {name}=a:b:n takes n of at least 2, got {count}; give one value by its option")
    if not (0 < low < np.inf and 0 < high < np.inf):
        raise ValueError(
            f"--over {name}=a:b:n is logarithmic, from a to b above 0, got {told}; write the values: a,b,c"
        )
    return name, tuple(Axis(name, (low, high)).between(low, high, count)) if low != high else (low, high)
