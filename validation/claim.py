"""Claim: a prediction, an experiment that does not know it, and a deliberately wrong prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import stream
from numerics.measurement import Measurement
from validation.statistics import Verdict, distance, judge, power

__all__ = ["BUDGETS", "Claim", "Control", "Experiment", "Results", "holds"]

Array = NDArray[np.float64]
Results = Mapping[str, Measurement]
BUDGETS = {"quick": 0.5, "standard": 1.0, "deep": 10.0}


@dataclass(frozen=True)
class Experiment:
    """A measurement to take, once, for all claims that look at it.

    Attributes:
        name: unique in the suite; keys the random streams and the stored result.
        measure: a function of `numerics.experiments`.
        arguments: what it is called with, besides repeats, rng, device, dtype and tick.
        repeats: independent data sets at the standard budget.
    """

    name: str
    measure: Callable[..., dict[str, Measurement] | Measurement]
    arguments: Mapping[str, Any]
    repeats: int

    def run(self, *, budget: str, seed: int, device: str = "cpu", dtype: str = "float64") -> dict[str, Measurement]:
        """Take the measurement; the same numbers for the same arguments, in any process and order."""
        found = self.measure(
            **self.arguments,
            repeats=self.repeats_at(budget),
            rng=stream(seed, self.name).bit_generator.seed_seq,
            device=device,
            dtype=dtype,
        )
        return {"value": found} if isinstance(found, Measurement) else found

    def repeats_at(self, budget: str) -> int:
        """Independent data sets at a budget."""
        return max(20, round(self.repeats * BUDGETS[budget]))


@dataclass(frozen=True)
class Control:
    """A deliberately wrong prediction, which the same data must reject."""

    description: str
    predict: Callable[[Results], ArrayLike]


@dataclass(frozen=True)
class Claim:
    """An observable whose prediction and measurement are held against each other.

    Attributes:
        name: stem of the prediction, then a word of its own.
        statement: what is claimed, a sentence.
        observable: the predicted observable.
        coordinates: coordinate -> values, broadcastable to the shape of the observable.
        experiment: where the measurement comes from.
        measured: picks it out of an experiment's results.
        predict: the prediction; imports and evaluates theory only when called.
        control: the negative control.
        allowed_bias: by how much the prediction may be off by its own account, absolute; a function like `predict`.
        expected: the verdict that is expected and, when it comes, is the finding.
        others: experiments that further points come from, along the first axis.
    """

    name: str
    statement: str
    observable: str
    coordinates: Mapping[str, ArrayLike]
    experiment: Experiment
    measured: Callable[[Results], Measurement]
    predict: Callable[[], ArrayLike]
    control: Control
    allowed_bias: Callable[[], ArrayLike] = field(default=lambda: 0.0)
    expected: Verdict = "agrees"
    others: tuple[Experiment, ...] = ()

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """All that it looks at."""
        return self.experiment, *self.others

    def points(self, *results: Results) -> tuple[Array, Array, NDArray[np.int64]]:
        """Mean, standard error and number of draws at every point, from the results of its experiments."""
        parts = [(m.mean, m.sem, np.full(np.shape(m.mean), m.n)) for m in map(self.measured, results)]
        mean, sem, n = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return mean, sem, n

    def rows(self, *results: Results) -> list[dict[str, Any]]:
        """One row per point, from the results of its experiments: the claim's part of the report."""
        mean, sem, n = self.points(*results)
        shape = np.shape(mean)
        predicted, bias, wrong = (
            np.broadcast_to(np.asarray(v, dtype=np.float64), shape)
            for v in (self.predict(), self.allowed_bias(), self.control.predict(results[0]))
        )
        z = distance(mean, sem, predicted, bias)
        z_control = distance(mean, sem, wrong, bias)
        verdicts, rejected = judge(z, z_control, n)
        false_pass = 1 - power(np.maximum(np.abs(wrong - predicted) - bias, 0), sem, n)
        coordinates = {name: np.broadcast_to(values, shape).ravel() for name, values in self.coordinates.items()}
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
                "control": {
                    "description": self.control.description,
                    "rejected": rejected,
                    "z": z_control.flat[i],
                    "false_pass": false_pass,
                },
            }
            for i, verdict in enumerate(verdicts)
        ]


def holds(row: Mapping[str, Any]) -> bool:
    """Whether a row came out as expected, with its control rejected."""
    return bool(row["verdict"] == row["expected"] and row["control"]["rejected"])
