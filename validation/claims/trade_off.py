"""Claims over remedies: what each trades for the share of memorized points, against stopping the plain process early."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import trade_off as experiment
from numerics.measurement import Measurement
from theory.predictions import generalization_time
from theory.setting import Setting
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import EXACT, evaluated, told
from validation.job import Evaluation, Experiment
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["STATEMENT", "claims", "curves", "figures"]

STATEMENT = (
    "where points are memorized, stopping early keeps closer to the data than a temperature or a bandwidth; where none are, both "
    "keep closer than it"
)

Array = NDArray[np.float64]
EARLY = Setting.of("1.0x8", samples=100, times=[0.05, 0.1, 0.2, 0.4, 0.8])
HOT, HOTTER, SMOOTH = EARLY.at(temperature=2), EARLY.at(temperature=4), EARLY.at(bandwidth=0.4)
EXACTLY = evaluated(generalization_time.kl_clean, EARLY)
FINELY, SLOWLY = "claimed finely by generalization_time", "few data sets, since densities of a flow take many steps"
STEPS = 0.01  # what they may be off by
DIVERGENCE, WHERE = r"$E\,\mathrm{KL}(p_0\|q)$ (nats)", "noise variance $t$ where it stops"
LEAST = 1e-3  # of the logarithmic scale


def _experiment(name: str, measure: Callable[..., Any], repeats: int, setting: Setting, **others: Any) -> Experiment:
    return Experiment(f"trade_off.{name}", measure, {"setting": setting, **others}, repeats)


NOISED = _experiment("noised", experiment.measure_noised, 200, EARLY)
NARROWED = _experiment("narrowed", experiment.measure_noised, 200, EARLY, narrowed=True)
STOPPED = _experiment("stopped", experiment.measure, 6, EARLY)
HEATED = _experiment("hot", experiment.measure, 24, HOT)
HEATED_MORE = _experiment("hotter", experiment.measure, 16, HOTTER)
SMOOTHED = _experiment("smoothed", experiment.measure, 10, SMOOTH)


def clock(setting: Setting) -> Array:
    """kl_clean of stopping early at tT, where about as many points are memorized."""
    return generalization_time.kl_clean(setting.plain.at(times=setting.temperature * setting.times))


def wider(setting: Setting) -> Array:
    """kl_clean of stopping early at t + h."""
    return generalization_time.kl_clean(setting.plain.at(times=setting.times + setting.bandwidth))


def claims() -> list[Claim]:
    """What the flow generates without a remedy, and that a remedy is not more noise, or another width, by another name."""
    half = Control("half the noise", evaluated(generalization_time.kl_clean, EARLY.at(times=EARLY.times / 2)))
    flow = "of what the flow generates is that of noised samples"
    none, wide = Control("none, as of the distribution itself", 0.0), "is that of stopping early at t + h"
    clocked = "is that of stopping early at tT, where about as many points are memorized"
    return [
        _claim(NOISED, f"of noised samples: {EXACT}", EXACTLY, half, coarse=FINELY),
        _claim(STOPPED, flow, EXACTLY, half, coarse=SLOWLY, relative_bias=STEPS),
        _claim(NARROWED, "of noised samples, as narrow as the data, is theirs", EXACTLY, half, expected="disagrees"),
        _claim(HEATED, clocked, evaluated(clock, HOT.at(times=EARLY.times[:3])), none, 3, expected="disagrees"),
        _claim(HEATED_MORE, clocked, evaluated(clock, HOTTER.at(times=EARLY.times[:3])), none, 3, expected="disagrees"),
        _claim(SMOOTHED, wide, evaluated(wider, SMOOTH.at(times=EARLY.times[:2])), none, 2, expected="disagrees"),
    ]


def _claim(
    of: Experiment, statement: str, predicted: Evaluation, control: Control, count: int | None = None, **others: Any
) -> Claim:
    """Of the first `count` times, at which points are memorized; by default of all."""
    return Claim(
        name=f"{of.name}.kl_clean",
        statement=f"kl_clean of {told(of.arguments['setting'])} {statement}",
        observable="kl_clean",
        coordinates={"time": EARLY.times[:count]},
        experiments=(of,),
        measured=Picked("kl_clean", slice(count)),
        predicted=predicted,
        control=control,
        **others,
    )


SHOWN = {
    "stopping early": NOISED,
    "stopping early, as narrow as the data": NARROWED,
    "temperature 2": HEATED,
    "temperature 4": HEATED_MORE,
    "bandwidth 0.4": SMOOTHED,
}


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return []


def figures(done: Done) -> list[Figure]:
    """The divergence against the share of memorized points, and both against t."""
    with draw.style():
        figure, axes = draw.canvas(3)
        for series, (label, of) in enumerate(SHOWN.items()):
            _remedy(axes, done[of.name], label, series)
        axes[0].set_xscale("symlog", linthresh=LEAST)
        axes[0].set(xlabel="memorized fraction", ylabel=DIVERGENCE, yscale="log", xlim=(-LEAST / 5, 1))
        axes[1].set(xlabel=WHERE, ylabel=DIVERGENCE, yscale="log")
        axes[2].set(xlabel=WHERE, ylabel="memorized fraction", ylim=(0, None))
        for axis in axes[1:]:
            draw.logarithmic(axis)
        axes[2].legend(loc="upper right")
    caption = (
        f"What remedies trade, {told(EARLY)}: the share of generated points that are memorized, and the divergence of the "
        "clean distribution from what is generated, as generation stops at noise variances from "
        f"{EARLY.times[0]:g} to {EARLY.times[-1]:g} (on the left from right to left, the scale linear below {LEAST:g}). "
        "Stopping early is a kernel density estimate. Lines join the times. Error bars: one standard error over data sets."
    )
    return [Figure("trade_off", caption, figure)]


def _remedy(axes: Sequence[Axes], found: dict[str, Measurement], label: str, series: int) -> None:
    share, divergence = found["memorized_fraction"], found["kl_clean"]
    colour = draw.COLOURS[series]
    axes[0].errorbar(share.mean, divergence.mean, xerr=share.sem, fmt="none", color=colour, zorder=2)
    for axis, x, m in (
        (axes[0], share.mean, divergence),
        (axes[1], EARLY.times, divergence),
        (axes[2], EARLY.times, share),
    ):
        axis.plot(x, m.mean, color=colour, linewidth=0.8)
        draw.measured(axis, x, m.mean, m.sem, label, series=series)
