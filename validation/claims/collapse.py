"""Claims of collapse: the memorized probability is exact, the second-order formula is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import collapse as experiment
from theory.predictions import collapse as prediction
from theory.setting import Setting
from validation.claim import Claim, Done
from validation.comparison import DEEP, LIMIT, cases, compare, evaluated, off, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

CASES = cases(
    prediction,
    experiment.measure,
    {
        "isotropic": (1100, Setting.of("1.0x20", samples=1000, times=[0.4, 0.9, 1.1, 1.7, 3.0])),
        "two_subspaces": (1300, Setting.of("1.0x4,0.2x6", samples=300, times=[0.05, 0.1, 0.18, 0.22, 0.6])),
        "few": (2000, Setting.of("1.0x2,0.1x1", samples=4, times=[0.1, 0.4, 1.0, 3.0])),
    },
)
LIMITED = cases(prediction, experiment.measure, {"deep": (3500, DEEP.at(times=[2.0]))})["deep"]
LINES = {name: curve(at, "memorized_probability", 7) for name, at in CASES.items()}


def twice_information(setting: Setting) -> NDArray[np.float64]:
    """What the dispersion would be if i were a chi-square."""
    return 2 * prediction.information(setting)


def claims() -> list[Claim]:
    """The claims, a few per case."""
    return [claim for name in CASES for claim in _of_case(name)] + [_limit()]


def _limit() -> Claim:
    limit = prediction.memorized_probability_asymptotic
    return compare(LIMITED, limit.__name__, off(0.5, limit, LIMITED.setting), LIMIT, bias=0.0105)


def _of_case(name: str) -> list[Claim]:
    at, memorized = CASES[name], prediction.memorized_probability
    headline = name == "isotropic"
    control = off(1.1, memorized, at.setting)
    if name == "few":
        control = wrong("N impostors, not N - 1", memorized, at.setting.at(samples=5))
    coarse = "a variance, over few queries" if name == "few" else ""
    found = [
        compare(at, "memorized_probability", control, headline=headline),
        compare(at, "own_weight", wrong("the nearest sample has all the weight", memorized)),
        compare(
            at, "dispersion", wrong("V = 2 I", twice_information), "that of the information density", coarse=coarse
        ),
    ]
    if name == "few":  # there log N is reached outside the times looked at, and queries are few
        return found
    controls = {
        o: off(1.05, getattr(prediction, o), at.setting)
        for o in ("information", "collapse_time", "memorized_probability_asymptotic")
    }
    time, approximate = "where the measured information falls to log N", "second order only: off at this N and D"
    return [
        *found,
        compare(at, "information", controls["information"], "the mean information density"),
        compare(at, "collapse_time", controls["collapse_time"], time, bias=0.004),  # of the interpolation
        compare(
            at,
            "memorized_probability_asymptotic",
            controls["memorized_probability_asymptotic"],
            approximate,
            expected="disagrees",
            headline=headline,
        ),
    ]


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [part for line in LINES.values() for part in line]


def figures(done: Done) -> list[Figure]:
    """The memorized probability against t for every case, and the weight of the own sample."""
    with draw.style():
        figure, axes = draw.canvas(len(CASES))
        for axis, name in zip(axes, CASES, strict=True):
            _panel(axis, done, name)
        axes[0].set_ylabel("memorized probability")
    caption = (
        "Probability that the training sample nearest to $x^1 + \\sqrt{t}\\,\\xi$ is $x^1$ itself, against the noise variance "
        "$t$ (data units squared), for three linear manifolds (variance x dimension) and numbers of samples $N$; and the weight "
        "of $x^1$ under the denoiser, at the times of the simulation. Error bars: "
        "one standard error over data sets. Grey line: the collapse time, $I(t_C) = \\log N$."
    )
    return [Figure("collapse", caption, figure)]


def _panel(axis: Axes, done: Done, name: str) -> None:
    at = CASES[name]
    setting = at.setting
    times, exact = over_times(axis, done, at, LINES[name], limit=False)
    fine = setting.at(times=times)
    draw.theory(
        axis, setting.times, done[evaluated(prediction.own_weight, setting).name], "own weight, exact", series=3
    )
    m = done[at.experiment.name]["own_weight"]
    draw.measured(axis, setting.times, m.mean, m.sem, series=3)
    draw.theory(axis, times, prediction.memorized_probability_asymptotic(fine), "second order", series=2)
    draw.control(axis, 1.1 * times, exact[:, 0], r"control, $\lambda$ 10 % off")  # P depends on lambda/t alone
    axis.axvline(prediction.collapse_time(setting), color="0.8", zorder=0)
    axis.set(xlabel=f"noise variance $t$; {setting.manifold}, $N$ = {setting.samples}", ylim=(0, 1.02))
    draw.legend(axis)
