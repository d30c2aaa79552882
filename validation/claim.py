"""Claim: a prediction, an experiment that does not know it, and a deliberately wrong prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.measurement import Measurement
from validation.job import Evaluation, Experiment, Job, Results
from validation.statistics import Verdict, beyond, detectable, distance, judge, power

__all__ = ["Claim", "Control", "Done", "Picked", "Points", "Quantity", "by_claim", "holds"]

Array = NDArray[np.float64]
Quantity = Evaluation | tuple[Evaluation, ...] | float | str
"""What theory says: an evaluation, one for each experiment, a number, or the name of what the first experiment measured."""
Done = Mapping[str, Any]
"""What jobs found, by their names."""


@dataclass(frozen=True)
class Picked:
    """An observable of an experiment's results, or some of its points.

    Attributes:
        observable: its name.
        at: index along its first axes.
    """

    observable: str
    at: Any = ...

    def __call__(self, results: Results) -> Measurement:
        """The measurement there."""
        return results[self.observable][self.at]


class Points(NamedTuple):
    """Mean, standard error, number of draws and their skewness at every point of a claim; arrays of one shape."""

    mean: Array
    sem: Array
    n: NDArray[np.int64]
    skewness: Array


@dataclass(frozen=True)
class Control:
    """A deliberately wrong prediction, which the same data must reject.

    Attributes:
        description: what is wrong about it.
        value: what it predicts.
    """

    description: str
    value: Quantity


@dataclass(frozen=True)
class Claim:
    """An observable whose prediction and measurement are held against each other.

    Attributes:
        name: stem of the prediction, then words of its own.
        statement: what is claimed, a sentence.
        observable: the predicted observable.
        coordinates: coordinate -> values, broadcastable to the shape of the observable.
        experiments: where the measurement comes from; points of several come along the first axis.
        measured: picks it out of an experiment's results.
        predicted: the prediction.
        control: the negative control.
        allowed_bias: by how much the prediction may be off by its own account, absolute.
        relative_bias: the same in units of the prediction.
        expected: the verdict that is expected and, when it comes, is the finding.
        headline: whether it is one of those that the shortest run holds.
        coarse: why it does not see errors of 5 %, where it does not at the standard budget.
    """

    name: str
    statement: str
    observable: str
    coordinates: Mapping[str, ArrayLike]
    experiments: tuple[Experiment, ...]
    measured: Callable[[Results], Measurement]
    predicted: Quantity
    control: Control
    allowed_bias: Quantity = 0.0
    relative_bias: float = 0.0
    expected: Verdict = "agrees"
    headline: bool = False
    coarse: str = ""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All that must be done before it can be judged."""
        quantities = self.predicted, self.control.value, self.allowed_bias
        return (*self.experiments, *(job for quantity in quantities for job in _jobs(quantity)))

    def points(self, done: Done) -> Points:
        """What was measured at every point."""
        found = [self.measured(done[experiment.name]) for experiment in self.experiments]
        parts = [Points(*np.broadcast_arrays(m.mean, m.sem, m.n, m.skewness)) for m in found]
        return parts[0] if len(parts) == 1 else Points(*map(np.concatenate, zip(*parts, strict=True)))

    def rows(self, done: Done) -> list[dict[str, Any]]:
        """One row per point, from what its jobs found: the claim's part of the report."""
        mean, sem, n, skewness = self.points(done)
        predicted, bias, wrong = self.quantities(done)
        z = distance(mean, sem, predicted, bias)
        z_control = distance(mean, sem, wrong, bias)
        verdicts, rejected = judge(z, z_control, n, skewness)
        false_pass = 1 - power(beyond(wrong, predicted, bias), sem, n, skewness)
        seen = detectable(predicted, sem, n, bias, skewness) if self.expected == "agrees" else None
        coordinates = {
            name: np.broadcast_to(values, np.shape(mean)).ravel() for name, values in self.coordinates.items()
        }
        return [
            {
                "claim": self.name,
                "statement": self.statement,
                "observable": self.observable,
                "coordinates": {name: values[i].item() for name, values in coordinates.items()},
                "predicted": predicted.flat[i],
                "measured": np.ravel(mean)[i],
                "sem": np.ravel(sem)[i],
                "allowed_bias": bias.flat[i],
                "z": z.flat[i],
                "verdict": verdict,
                "expected": self.expected,
                "detectable": seen,
                "coarse": self.coarse,
                "control": {
                    "description": self.control.description,
                    "rejected": rejected,
                    "z": z_control.flat[i],
                    "false_pass": false_pass,
                },
            }
            for i, verdict in enumerate(verdicts)
        ]

    def quantities(self, done: Done) -> tuple[Array, Array, Array]:
        """Prediction, allowed bias and control at every point."""
        shape = np.shape(self.points(done).mean)
        predicted, bias, wrong = (
            np.broadcast_to(self._value(quantity, done), shape)
            for quantity in (self.predicted, self.allowed_bias, self.control.value)
        )
        return predicted, bias + self.relative_bias * np.abs(predicted), wrong

    def _value(self, quantity: Quantity, done: Done) -> Array:
        if isinstance(quantity, str):
            return np.asarray(done[self.experiments[0].name][quantity].mean)
        if isinstance(quantity, tuple):
            return np.concatenate([np.ravel(done[one.name]) for one in quantity])
        return np.asarray(done[quantity.name] if isinstance(quantity, Evaluation) else quantity, dtype=np.float64)


def _jobs(quantity: Quantity) -> Iterator[Job]:
    if isinstance(quantity, Evaluation):
        yield quantity
    elif isinstance(quantity, tuple):
        yield from quantity


def holds(row: Mapping[str, Any]) -> bool:
    """Whether a row came out as expected, with its control rejected."""
    return bool(row["verdict"] == row["expected"] and row["control"]["rejected"])


def by_claim(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of each claim by its name, in the order in which they come."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["claim"], []).append(row)
    return found
