"""Jobs: what claims rest on. An evaluation of theory or an experiment: a picklable function and its arguments.

A job has a name, by which its result is known, and a key, which changes with anything the result depends on, the source
included. The same sweep runs both kinds, and the same store keeps what they found.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import stream
from numerics.measurement import Measurement
from theory.source import WINGS, fingerprint

__all__ = ["BUDGETS", "Evaluation", "Experiment", "Job", "Results", "Run"]

Array = NDArray[np.float64]
Results = Mapping[str, Measurement]
BUDGETS = {"headline": 1.0, "quick": 0.5, "standard": 1.0, "deep": 10.0}


@dataclass(frozen=True)
class Run:
    """How a suite is run.

    Attributes:
        budget: one of BUDGETS, which multiply the number of data sets; `headline` are fewer claims.
        seed: of all random streams.
        device: `cpu` or `cuda`.
        dtype: `float64` or `float32`.
    """

    budget: str = "standard"
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float64"


@dataclass(frozen=True)
class Evaluation:
    """A number, or an array of numbers, that theory knows.

    Attributes:
        function: a function of a module, found again by its name when it is run.
        arguments: what it is called with, a setting first.
    """

    function: Callable[..., ArrayLike]
    arguments: tuple[Any, ...]

    @cached_property
    def name(self) -> str:
        """The function and a hash of the arguments."""
        function = self.function
        return f"{function.__module__.rpartition('.')[2]}.{function.__name__}.{self._asked}"

    @property
    def shared(self) -> str:
        """The same for evaluations that share what takes long."""
        return f"{self.function.__module__} {self._asked}"

    @cached_property
    def _asked(self) -> str:
        return _hash(_told(self.arguments))

    def key(self, run: Run) -> str:
        """Changes with anything the result depends on, which no run is."""
        return _hash(_source(self.function), _told(self.function), self._asked)

    def do(self, run: Run) -> Array:
        """Evaluate."""
        return np.asarray(self.function(*self.arguments), dtype=np.float64)


@dataclass(frozen=True)
class Experiment:
    """A measurement to take, once, for all claims that look at it.

    Attributes:
        name: unique in the suite; keys the random streams and the stored result.
        measure: a function of `numerics.experiments`.
        arguments: what it is called with, besides how it is sampled (numerics.sampling).
        repeats: independent data sets at the standard budget.
        in_headline: the share of them that the shortest run draws.
    """

    name: str
    measure: Callable[..., dict[str, Measurement] | Measurement]
    arguments: Mapping[str, Any]
    repeats: int
    in_headline: float = 1.0

    @property
    def shared(self) -> str:
        """Its name: it shares nothing."""
        return self.name

    def repeats_at(self, budget: str) -> int:
        """Independent data sets at a budget."""
        share = self.in_headline if budget == "headline" else 1.0
        return max(20, round(self.repeats * BUDGETS[budget] * share))

    def key(self, run: Run) -> str:
        """Changes with anything the result depends on: arguments, data sets, seed, device, and the code that measures."""
        how = self.repeats_at(run.budget), run.seed, run.device, run.dtype
        return _hash(_source(self.measure), self.name, _told(self.measure), _told(self.arguments), _told(how))

    def do(self, run: Run) -> Results:
        """Take the measurement; the same numbers for the same arguments, in any process and order."""
        found = self.measure(
            **self.arguments,
            repeats=self.repeats_at(run.budget),
            rng=stream(run.seed, self.name).bit_generator.seed_seq,
            device=run.device,
            dtype=run.dtype,
        )
        return {"value": found} if isinstance(found, Measurement) else found


Job = Evaluation | Experiment


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _source(function: Callable[..., Any]) -> str:
    """A hash of the source a function depends on; of its own file alone where it is not of this project."""
    if isinstance(function, partial):
        return _source(function.func)
    module = function.__module__
    if module.partition(".")[0] in WINGS:
        return _fingerprint(module)
    file = getattr(sys.modules.get(module), "__file__", None)
    return _hash(Path(file).read_bytes()) if file else ""


@cache
def _fingerprint(module: str) -> str:
    """Once in a process: that is the code it runs."""
    return fingerprint(module)


def _told(value: Any) -> object:
    """What can be told of a value by its repr, whatever process or object it comes from; arrays to the last bit."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.generic | np.ndarray):
        array = np.asarray(value)
        return array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()
    if isinstance(value, partial):
        return _told(value.func), _told(value.args), _told(value.keywords)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__qualname__, tuple((f.name, _told(getattr(value, f.name))) for f in fields(value))
    if isinstance(value, Mapping):
        return tuple((name, _told(value[name])) for name in sorted(value))
    if isinstance(value, tuple | list):
        return tuple(map(_told, value))
    if callable(value):
        return value.__module__, value.__qualname__
    raise TypeError(
        f"the arguments of a job must be numbers, text, arrays, dataclasses or functions, got {type(value)}"
    )
