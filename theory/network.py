"""What is trained on the samples: a network, how wide it is, and for how long.

A network sees a noised point in the schedule's own units, alpha x_0 + sigma xi, and is told nothing else of the time: what is
said of one depends on the schedule, by alpha and sigma = alpha sqrt(t).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.real import number

__all__ = ["ACTIVATIONS", "Network"]

Array = NDArray[np.float64]
SMALLEST, LARGEST = 1e-100, 1e100  # training times and ridges: their squares are float64 numbers


def _erf(u: Any) -> Any:
    from scipy.special import erf

    return erf(u)


def _silu(u: Any) -> Any:
    from scipy.special import expit

    return u * expit(u)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "erf": _erf,
    "relu": lambda u: np.maximum(u, 0.0),
    "silu": _silu,
}


@dataclass(frozen=True)
class Network:
    """A network and its training.

    Attributes:
        features: p, hidden units of a layer; infinite for the kernel limit.
        activation: one of ACTIVATIONS.
        times: training times tau, of a gradient flow; of a network trained by steps, their numbers. A tuple of S.
        ridge: what is added to every eigenvalue of the features' covariance; 0 for none.

    Raises:
        ValueError: for features, activation, times or ridge outside their domain.
    """

    features: float = 128
    activation: str = "tanh"
    times: tuple[float, ...] = (3000.0,)
    ridge: float = 0.0

    def __post_init__(self) -> None:
        if self.activation not in tuple(ACTIVATIONS):
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}")
        object.__setattr__(self, "features", _features(self.features))
        object.__setattr__(self, "times", _times(self.times))
        object.__setattr__(self, "ridge", _ridge(self.ridge))

    @property
    def tau(self) -> Array:
        """The training times as an array, shape (S,)."""
        return np.array(self.times)

    @property
    def width(self) -> int:
        """p, of a network that is to be built.

        Raises:
            ValueError: for infinitely many features.
        """
        if math.isinf(self.features):
            raise ValueError(
                "a network that is simulated has finitely many features, got inf; give some, as --features 128"
            )
        return int(self.features)

    def __call__(self, u: Any) -> Any:
        """The activation of u, elementwise."""
        return ACTIVATIONS[self.activation](u)

    def told(self, varied: Collection[str] = ()) -> list[str]:
        """What it is in a few words each, but for what of `features`, `training` and `ridge` is varied."""
        width = "infinitely many " if math.isinf(self.features) else f"{self.features} "
        parts = [f"{width if 'features' not in varied else ''}{self.activation} features"]
        if "training" not in varied:
            parts.append("training time " + ", ".join(f"{tau:g}" for tau in self.times))
        return parts + ([f"ridge {self.ridge:g}"] if self.ridge and "ridge" not in varied else [])

    def __str__(self) -> str:
        return ", ".join(self.told())


def _features(value: Any) -> float:
    """An integer of at least 1, or infinity."""
    found = number(value)
    if found == math.inf:
        return found
    if not (found >= 1 and found == int(found)):
        raise ValueError(f"features must be an integer of at least 1, or inf for the kernel limit; got {value!r}")
    return int(found)


def _times(values: Any) -> tuple[float, ...]:
    found = np.ma.atleast_1d(np.ma.asanyarray(values))
    numbers = [number(value) for value in found.tolist()]
    if (
        found.dtype.kind in "mM"
        or found.ndim != 1
        or not numbers
        or not all(SMALLEST <= one <= LARGEST for one in numbers)
    ):
        raise ValueError(f"training times must be one positive finite number or several, got {values!r}")
    return tuple(numbers)


def _ridge(value: Any) -> float:
    found = number(value)
    if found != 0 and not SMALLEST <= found <= LARGEST:
        raise ValueError(f"the ridge must be 0, or positive and finite, got {value!r}")
    return found
