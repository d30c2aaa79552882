"""Field: anybody's function of points and data, as a score, (x, data, t) -> values at the points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.observable import Observable
from validation.properties.cloud import Cloud
from validation.properties.subject import EPS, ROUNDINGS, Subject

__all__ = ["Field", "Local", "field", "is_of_points"]

Array = NDArray[np.float64]
SHAPES = {
    ("point",): "scalar",
    ("point", "direction"): "vector",
    ("point", "direction", "direction"): "matrix",
    ("point", "sample"): "weights",
}
NAMES = {
    "x": ("x", "xs", "points", "query", "queries", "X"),
    "data": ("data", "y", "ys", "samples", "train", "training_set"),
    "t": ("t", "time", "noise_variance"),
}


@dataclass(frozen=True)
class Local(Observable):
    """What is declared of a quantity at points: dims are of SHAPES."""

    def __post_init__(self) -> None:
        if self.dims not in SHAPES:
            known = ", ".join(str(dims) for dims in SHAPES)
            raise ValueError(f"dims of {self.name}, a function of x, data and t, are one of {known}; got {self.dims}")


@dataclass(frozen=True)
class Field(Subject):
    """A function of points and data; `function` is of a Cloud, and values have the shape that its dims say."""

    of_points = True

    @property
    def kind(self) -> str:
        """One of scalar, vector, matrix and weights."""
        return SHAPES[self.about.dims]

    def _shaped(self, setting: Cloud) -> Array:
        (M, D), N = setting.x.shape, len(setting.data)
        shape = tuple({"point": M, "direction": D, "sample": N}[dim] for dim in self.about.dims)
        found = self._asked(setting)
        if found.shape != shape or found.dtype.kind not in "fiub":
            raise ValueError(
                f"{self.name} must return real numbers of shape {shape} for the dims {self.about.dims}, {M} points, {N} samples "
                f"and {D} directions; got {found.dtype} of shape {found.shape}"
            )
        return found.astype(np.float64)

    def tolerance(self, setting: Cloud) -> Array:
        """What a value may be off by; of vectors, matrices and weights the largest of each point.

        Scalars are numbers such as log(1 + w), whose roundings are those of 1.
        """
        least = ROUNDINGS * EPS if self.kind == "scalar" else 0.0
        return over_rows(super().tolerance(setting)) + least


def over_rows(tolerance: Array) -> Array:
    """The largest of each point, in place of each."""
    axes = tuple(range(1, tolerance.ndim))
    return np.broadcast_to(tolerance.max(axis=axes, keepdims=True), tolerance.shape)


def is_of_points(function: Callable[..., Any], dims: Sequence[str] | None, like: Observable | None) -> bool:
    """Whether a function is one of x, data and t: by what it is like, by its dims, or by the names it gives them."""
    if like is not None or dims is not None:
        return isinstance(like, Local) or "point" in (dims or ())
    names = _needed(function)
    return len(names) == 3 and None not in _order(names) and "samples" not in names


def field(function: Callable[..., Any], dims: Sequence[str] | None, like: Observable | None, accuracy: float) -> Field:
    """A user's function of points and data, called by position in the order of its parameters.

    Raises:
        ValueError: where it takes other than three, or its dims are not known.
    """
    name = getattr(function, "__name__", type(function).__name__)
    names = _needed(function)
    if len(names) != 3:
        raise ValueError(f"{name} must take three arrays, x, data and t, or have defaults for more; got {names}")
    if dims is None and like is None:
        raise ValueError(
            f"name the dims that {name} returns, as dims=('point', 'direction') of a score, or what it is like"
        )
    order = [one or known for one, known in zip(_order(names), NAMES, strict=True)]
    if sorted(order) != sorted(NAMES):
        order = list(NAMES)
    about = like if isinstance(like, Local) else Local(name, tuple(dims or ()), "exact", "f")
    home = getattr(function, "__module__", None)
    origin = f"from {home} import {name}" if name.isidentifier() and home not in (None, "__main__") else ""
    return Field(
        name,
        lambda cloud: function(*(_own(getattr(cloud, one)) for one in order)),
        replace(about, name=name, dims=tuple(dims) if dims is not None else about.dims),
        accuracy,
        lambda cloud: f"{name}({', '.join(_written(getattr(cloud, one)) for one in order)})",
        origin,
        own=True,
    )


def _own(value: Any) -> Any:
    """An array that the function may write to."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _needed(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _order(names: Sequence[str]) -> list[str | None]:
    return [next((one for one, known in NAMES.items() if name in known), None) for name in names]


def _written(value: Any) -> str:
    return f"np.array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)
