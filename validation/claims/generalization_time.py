"""Claims of generalization_time: divergence and minimum are exact; the limit, below collapse, is far off at few directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numerics.experiments import generalization_time as experiment
from theory.predictions import collapse
from theory.predictions import generalization_time as prediction
from theory.setting import Setting
from validation.claim import Claim, Done
from validation.comparison import DEEP, LIMIT, cases, compare, evaluated, off, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

CASES = cases(
    prediction,
    experiment.measure,
    {
        "few": (500, Setting.of("1.0x4", samples=100, times=np.geomspace(0.08, 1.6, 9))),
        "two_subspaces": (300, Setting.of("1.0x2,0.1x3", samples=300, times=np.geomspace(0.035, 0.2, 9))),
        "many": (200, Setting.of("1.0x20", samples=1000, times=np.geomspace(0.25, 2.5, 9))),
        "wide": (100, Setting.of("1.0x60", samples=5000, times=np.geomspace(0.4, 3, 9))),
    },
)
MANY = Setting.of("1.0x1000", samples=100)
LIMITED = cases(
    prediction,
    experiment.measure,
    {
        "deep": (150, DEEP.at(times=[20.0, 60.0])),
        "lowest": (120, Setting.of("1.0x1000", samples=100, times=np.geomspace(1.2, 2.8, 5))),
    },
)
ONSET = cases(prediction, experiment.measure_onset, {"onset": (150, MANY.at(times=[180.0, 205.0, 230.0, 260.0]))})[
    "onset"
]
LINES = {name: curve(at, "kl_clean", 4, 1.3) for name, at in CASES.items()}
RATES = np.linspace(0.2, 1, 6)  # log N / d, of the figure
ORDER = {
    d: [evaluated(prediction.generalization_time, Setting.of(f"1.0x{d}", samples=round(np.exp(r * d)))) for r in RATES]
    for d in (4, 10, 40)
}


def claims() -> list[Claim]:
    """Divergence and time in every case, and the limit of the time in one."""
    return [claim for name in CASES for claim in _of_case(name)] + [_limit(), *_limits()]


def _of_case(name: str) -> list[Claim]:
    at, limit = CASES[name], wrong("thermodynamic limit", prediction.kl_clean_asymptotic)
    collapsed, least = wrong("collapse time", collapse.collapse_time), "the divergence is least there"
    return [
        compare(at, "kl_clean", limit),
        # the bias is that of the spline through nine times
        compare(at, "generalization_time", collapsed, least, bias=4e-4, headline=name == "many"),
    ]


def _limits() -> list[Claim]:
    deep, lowest = LIMITED["deep"], LIMITED["lowest"]
    other, clean = wrong("the onset of traps", prediction.onset_time), prediction.kl_clean_asymptotic
    traps = "the weight at a sample is its own"
    return [
        compare(deep, "kl_clean_asymptotic", off(1.2, clean, deep.setting), LIMIT, bias=1e-3),
        compare(lowest, "generalization_time_asymptotic", other, LIMIT, bias=0.0215),
        compare(ONSET, "onset_time", wrong("collapse", collapse.collapse_time), traps, bias=0.01),
    ]


def _limit() -> Claim:
    at = CASES["many"]
    control = off(0.8, prediction.generalization_time_asymptotic, at.setting)
    statement = "the limit is off at this N and D"
    return compare(at, "generalization_time_asymptotic", control, statement, expected="disagrees", headline=True)


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [part for line in (*LINES.values(), *ORDER.values()) for part in line]


def figures(done: Done) -> list[Figure]:
    """The divergence against t in every case, and the four times over the number of directions."""
    with draw.style():
        figure, axes = draw.canvas(len(CASES) + 1, width=2.9)
        for axis, name in zip(axes, CASES, strict=False):
            _panel(axis, name, done)
        axes[0].set_ylabel(r"$E\,\mathrm{KL}(p_0 \| \hat p_t)$ (nats)")
        axes[0].legend(loc="upper right")
        _order_panel(axes[-1], done)
    caption = (
        "Divergence of the noised samples from the clean distribution, on the manifold, against the noise variance $t$ (data "
        "units squared): exact at finite $N$ and $D$, simulation, and the thermodynamic limit, dashed. Error bars: one standard "
        "error over data sets. Grey line: the collapse time; dotted: the exact minimum. Right: the time where the divergence is "
        "least over the collapse time, against the samples by direction: in the limit the best estimate is a memorized one at "
        "every rate, with few directions it is not."
    )
    return [Figure("generalization_time", caption, figure)]


def _panel(axis: Axes, name: str, done: Done) -> None:
    at = CASES[name]
    over_times(axis, done, at, LINES[name])
    axis.axvline(collapse.collapse_time(at.setting), color="0.8", zorder=0)
    least = done[evaluated(prediction.generalization_time, at.setting).name]
    axis.axvline(float(least), color="C0", lw=0.8, linestyle=":")
    axis.set_title(title(at))
    axis.set_ylim(0, None)


def _order_panel(axis: Axes, done: Done) -> None:
    """The generalization time over the collapse time against log N / d, of d directions."""
    for series, (d, ones) in enumerate(ORDER.items()):
        settings = [one.arguments[0] for one in ones]
        rates = [setting.log_samples / d for setting in settings]
        collapsed = np.array([collapse.collapse_time(setting) for setting in settings])
        exact = np.array([done[one.name] for one in ones])
        draw.theory(axis, rates, exact / collapsed, f"exact, $d$ = {d}", series=series)
    # in the limit the ratio depends on log N / d alone: the last d stands for all
    limit = np.array([prediction.generalization_time_asymptotic(setting) for setting in settings])
    draw.control(axis, rates, limit / collapsed, "limit")
    axis.axhline(1, color="0.8", zorder=0)
    axis.set(xlabel=r"rate $\log N / d$", ylabel="$t_g / t_C$", ylim=(0, None))
    axis.legend(loc="upper left")
