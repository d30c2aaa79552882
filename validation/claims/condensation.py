"""Claims of condensation: the averages at finite N and D are exact, their thermodynamic limit is not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from types import ModuleType

import numpy as np
from matplotlib.axes import Axes

from numerics.experiments import condensation as experiment
from theory.predictions import condensation as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.claims.collapse import scaled
from validation.report import figures as draw
from validation.report.page import Figure
from validation.statistics import Verdict

__all__ = ["claims", "figures", "over_times", "prepare", "where"]

CASES = {
    "small": Setting.of("1.0x2", samples=10, times=np.array([0.05, 0.2, 0.8, 3.0])),
    "at_a_point": Setting.of(
        "1.0x2,0.1x3", samples=300, times=np.array([0.02, 0.1, 0.5]), point=(0.8, -0.5, 0.3, 0.0, -0.1)
    ),
    "large": Setting.of("1.0x20", samples=20000, times=np.array([0.3, 0.59, 1.2, 2.5])),
    "wide": Setting.of("1.0x50", samples=100_000, times=np.array([0.8, 1.7, 4.0])),
    "trajectory": Setting.of("1.0x20", samples=1000, times=np.array([0.3, 0.7, 1.0, 2.0]), query="trajectory"),
}
OBSERVABLES = {"participation": "$E\\,Y_2$", "entropy": "entropy (nats)", "heat_capacity": "heat capacity"}
REPEATS = {"small": 4000, "at_a_point": 3000, "large": 40, "wide": 20, "trajectory": 400}
EXPERIMENTS = {
    name: Experiment(f"condensation.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}


def claims() -> list[Claim]:
    """Three exact averages in every case, and the limit of one."""
    return [claim for name in CASES for claim in _of_case(name)]


def _of_case(name: str) -> list[Claim]:
    setting = CASES[name]
    limit = Control("thermodynamic limit", lambda _: prediction.participation_asymptotic(setting))
    doubled = Control("twice as many samples", lambda _: prediction.entropy(setting.at(samples=2 * setting.samples)))
    wider = Control("lambda off by 20 %", lambda _: prediction.heat_capacity(scaled(setting, 1.2)))
    made = partial(over_times, prediction, EXPERIMENTS[name])
    found = [
        made("participation", "exact at finite N and D", limit),
        made("entropy", "exact at finite N and D", doubled),
        made("heat_capacity", "exact at finite N and D", wider),
    ]
    if name == "large":
        off = Control("lambda off by 20 %", lambda _: prediction.participation_asymptotic(scaled(setting, 1.2)))
        found.append(made("participation_asymptotic", "the limit is off at this N and D", off, "disagrees"))
    return found


def over_times(
    prediction: ModuleType,
    experiment: Experiment,
    observable: str,
    statement: str,
    control: Control,
    expected: Verdict = "agrees",
) -> Claim:
    """That an observable of a prediction, or its limit, is what the experiment measures at each time of its setting."""
    setting = experiment.arguments["setting"]
    measured = observable.removesuffix("_asymptotic")
    evaluate = getattr(prediction, observable)
    return Claim(
        name=f"{experiment.name}.{observable}",
        statement=f"{observable} of {setting.manifold}, N = {setting.samples}, {where(setting)}: {statement}",
        observable=observable,
        coordinates={"time": setting.times},
        experiment=experiment,
        measured=lambda results: results[measured],
        predict=lambda: evaluate(setting),
        control=control,
        expected=expected,
    )


def where(setting: Setting) -> str:
    """Where x is."""
    return "at one x" if setting.point else "fresh x" if setting.query == "fresh" else "on trajectories"


def prepare() -> None:
    """Compute the curves of the figure, which takes seconds, while the experiments run."""
    for name in CASES:
        _fine(name)


@cache
def _fine(name: str) -> Setting:
    """The case at times to draw a line through, its exact averages computed."""
    times = CASES[name].times
    fine = CASES[name].at(times=draw.between(times, 17))
    prediction.participation(fine)
    return fine


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """Participation ratio, entropy and heat capacity against t in every case."""
    with draw.style():
        figure, axes = draw.canvas(len(CASES), 3, width=2.7, height=2.2)
        for row, (observable, label) in zip(axes, OBSERVABLES.items(), strict=True):
            for axis, name in zip(row, CASES, strict=True):
                _panel(axis, name, observable, results)
            row[0].set_ylabel(label)
        for axis, setting in zip(axes[0], CASES.values(), strict=True):
            axis.set_title(f"{setting.manifold}, $N$ = {setting.samples}\n{where(setting)}")
        axes[0, 0].legend(loc="upper right")
    caption = (
        "Participation ratio, entropy of the weights and heat capacity (variance of $|x - y|^2/2t$) against the noise variance "
        "$t$ (data units squared): exact at finite $N$ and $D$, simulation, and dashed the thermodynamic limit, where entropy "
        "and heat capacity diverge. Error bars: one standard error over data sets. Grey line: the condensation time at the given "
        "$x$, or from which on typical $x$ condense."
    )
    return [Figure("condensation", caption, figure)]


def _panel(axis: Axes, name: str, observable: str, results: Mapping[str, Results]) -> None:
    setting, fine = CASES[name], _fine(name)
    exact = getattr(prediction, observable)(fine)
    draw.theory(axis, fine.times, exact, "exact")
    many = fine.at(times=np.geomspace(fine.times[0], fine.times[-1], 400))
    draw.control(axis, many.times, getattr(prediction, f"{observable}_asymptotic")(many), "limit")
    axis.set_ylim(0, 1.04 if observable == "participation" else 1.3 * exact.max())
    m = results[EXPERIMENTS[name].name][observable]
    draw.measured(axis, setting.times, m.mean, m.sem, "simulation", series=1)
    axis.axvline(prediction.condensation_time(setting), color="0.8", zorder=0)
    draw.logarithmic(axis)
    axis.set_xlabel("noise variance $t$")
