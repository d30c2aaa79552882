"""Comparison: claims of what prediction and experiment know by one name, a line each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numerics.measurement import Measurement
from theory.observable import Observable
from theory.observable import coordinates as coordinates_of
from theory.setting import Setting
from validation.claim import Claim, Control, Picked, Quantity
from validation.job import Evaluation, Experiment, Results
from validation.statistics import Verdict

__all__ = [
    "BRACKET",
    "DEEP",
    "LIMIT",
    "MILD",
    "Case",
    "besides",
    "cases",
    "compare",
    "coordinates",
    "evaluated",
    "measured_name",
    "off",
    "scaled",
    "told",
    "where",
    "wrong",
]

EXACT = "exact at finite N and D"
BRACKET = "a bracket: the truth lies between the two"  # why a claim is coarse
LIMIT = "the limit, where it holds: many directions, far from the transition"
DEEP = Setting.of("1.0x100", samples=1000)  # its collapse time is 6.7
MILD = Setting.of("1.0x64", samples=500, times=[128.0, 256.0])  # most samples are effective: the order 1/N holds


@dataclass(frozen=True)
class Case:
    """A setting where a prediction and an experiment are held against each other.

    Attributes:
        prediction: theory.predictions.X.
        experiment: what is measured there.
        setting: where.
    """

    prediction: ModuleType
    experiment: Experiment
    setting: Setting

    def __getitem__(self, times: slice) -> Setting:
        """The setting at some of its times."""
        return self.setting.at(times=self.setting.times[times])


def cases(
    prediction: ModuleType,
    measure: Callable[..., dict[str, Measurement]],
    at: Mapping[str, tuple[int, Setting]],
    in_headline: float = 1.0,
    **arguments: Any,
) -> dict[str, Case]:
    """Cases by name, from how many data sets each takes and where it is; further arguments are the experiment's.

    The experiments are called X.name, X the stem of the prediction; the headline takes that share of their data sets.
    """
    stem = prediction.__name__.rpartition(".")[2]
    return {
        name: Case(
            prediction,
            Experiment(f"{stem}.{name}", measure, {"setting": setting, **arguments}, repeats, in_headline),
            setting,
        )
        for name, (repeats, setting) in at.items()
    }


def evaluated(function: Callable[..., ArrayLike], *arguments: Any) -> Evaluation:
    """The job of evaluating a function."""
    return Evaluation(function, arguments)


def wrong(description: str, function: Callable[..., ArrayLike], *arguments: Any) -> Control:
    """A control by a function; without arguments that of the claim's own setting."""
    return Control(description, Evaluation(function, arguments))


def off(factor: float, function: Callable[..., ArrayLike], setting: Setting) -> Control:
    """The control of a wrong lambda: every variance multiplied by a factor."""
    return wrong(f"lambda off by {abs(100 * factor - 100):.0f} %", function, scaled(setting, factor))


def compare(
    at: Case,
    observable: str,
    control: Control,
    statement: str = EXACT,
    *,
    name: str = "",
    predicted: Callable[..., ArrayLike] | None = None,
    times: slice = slice(None),
    bias: float = 0.0,
    allowed_bias: Quantity = 0.0,
    expected: Verdict = "agrees",
    headline: bool = False,
    measured: Callable[[Results], Measurement] | str = "",
    coarse: str = "",
) -> Claim:
    """That an observable of the prediction, or what is said to approximate it, is what the experiment measures.

    Args:
        at: the case.
        observable: its name in the prediction; the experiment calls it, or what it is a limit of, the same.
        control: a wrong prediction.
        statement: what is claimed of it.
        name: of the claim, after the stem of the prediction; by default case and observable.
        predicted: what the prediction makes of the observable, where that is not its own value.
        times: which of the case's times, where the observable depends on time.
        bias: relative, that the comparison allows for.
        allowed_bias: absolute.
        expected: the verdict.
        headline: whether the shortest run holds it.
        measured: what of the experiment's results, or under which name, where it is called something else there.
        coarse: why it does not see errors of 5 %.
    """
    evaluate = getattr(at.prediction, observable)
    known: Observable = evaluate.observable
    setting = at[times]
    stem, _, called = at.experiment.name.partition(".")
    picked = times if "time" in known.dims else ...
    measured = measured or measured_name(at.prediction, observable)
    if isinstance(control.value, Evaluation) and not control.value.arguments:
        control = wrong(control.description, control.value.function, setting)
    return Claim(
        name=f"{stem}.{name or f'{called}.{observable}'}",
        statement=f"{observable} of {told(setting)}: {statement}",
        observable=observable,
        coordinates=coordinates(known, setting),
        experiments=(at.experiment,),
        measured=measured if callable(measured) else Picked(measured, picked),
        predicted=evaluated(predicted or evaluate, setting),
        control=control,
        allowed_bias=allowed_bias,
        relative_bias=bias,
        expected=expected,
        headline=headline,
        coarse=coarse,
    )


def measured_name(prediction: ModuleType, observable: str) -> str:
    """What an experiment calls an observable, or what it approximates."""
    known: Observable = getattr(prediction, observable).observable
    return (known.of or observable).removesuffix("_exact")


def coordinates(known: Observable, setting: Setting) -> dict[str, ArrayLike]:
    """Of every dimension of an observable its values at a setting."""
    values = coordinates_of(setting)
    grid = np.ix_(*(np.arange(len(values[dim])) for dim in known.dims))
    return {dim: np.array(values[dim])[at] for dim, at in zip(known.dims, grid, strict=True)}


def told(setting: Setting) -> str:
    """A setting in a few words."""
    return f"{setting.manifold}, N = {setting.samples}, {where(setting)}{besides(setting)}"


def besides(setting: Setting, varied: Collection[str] = ()) -> str:
    """Its remedies, the separation of a mixture and the network, each after a comma, but for what is varied."""
    extras = [f"{name} {value:g}" for name, value in setting.extras.items() if name not in varied]
    extras += setting.network.told(varied) if setting.network else []
    return "".join(f", {extra}" for extra in extras)


def where(setting: Setting) -> str:
    """Where x is."""
    return "at one x" if setting.point else "fresh x" if setting.query == "fresh" else "on trajectories"


def scaled(setting: Setting, factor: float) -> Setting:
    """The setting with every variance multiplied by a factor: a wrong lambda."""
    return setting.at(manifold=setting.manifold.scaled(factor))
