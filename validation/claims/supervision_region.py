"""Claims of the supervision region: the nearest sample is where the exact law says, the shells end at collapse."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

import numpy as np
from matplotlib.axes import Axes

from numerics.experiments import supervision_region as experiment
from theory.predictions import supervision_region as prediction
from theory.setting import LinearManifold, Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.claims.collapse import scaled
from validation.claims.condensation import over_times, where
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures", "prepare"]

CASES = {
    "few": Setting.of("1.0x2", samples=10, times=np.array([0.02, 0.1, 0.5, 2.0])),
    "ambient": Setting(LinearManifold.parse("1.0x3,0.1x2", 10), samples=100, times=np.array([0.03, 0.1, 0.3, 1.0])),
    "large": Setting.of("1.0x20", samples=20000, times=np.array([0.15, 0.3, 1.2, 2.4])),
    "trajectory": Setting.of("1.0x20", samples=1000, times=np.array([0.7, 1.0, 2.0, 4.0]), query="trajectory"),
    "at_a_point": Setting(
        LinearManifold.parse("1.0x2,0.1x3", 7),
        samples=300,
        times=np.array([0.02, 0.1, 0.4]),
        schedule="ou",  # type: ignore[arg-type]
        point=(0.8, -0.5, 0.3, 0.0, -0.1, 0.2, 0.1),
    ),
}
REPEATS = {"few": 1500, "ambient": 1000, "large": 60, "trajectory": 400, "at_a_point": 1500}
EXPERIMENTS = {
    name: Experiment(f"supervision_region.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}
OVERLAPS = "few", "ambient", "large"  # where the overlap is claimed


def claims() -> list[Claim]:
    """The distance in every case, the overlap in some, and what it says of extrapolation in one."""
    return [claim for name in CASES for claim in _of_case(name)]


def _of_case(name: str) -> list[Claim]:
    setting = CASES[name]
    limit = Control("thermodynamic limit", lambda _: prediction.nearest_distance_squared_asymptotic(setting))
    made = partial(over_times, prediction, EXPERIMENTS[name])
    found = [made("nearest_distance_squared", "exact at finite N and D", limit)]
    if name in OVERLAPS:
        twice = setting.at(samples=2 * setting.samples)
        doubled = Control("twice as many samples", lambda _: prediction.shell_overlap(twice))
        found.append(made("shell_overlap", "exact at finite N and D", doubled))
    if name == "large":
        stays = Control("a fresh point stays on the shell", lambda _: np.ones_like(setting.times))
        off = Control("lambda off by 20 %", lambda _: prediction.shell_ratio_asymptotic(scaled(setting, 0.8)))
        found += [
            made("shell_ratio", "a fresh point is inside a shell above collapse and outside of all below", stays),
            made("shell_ratio_asymptotic", "the limit is off at this N and D", off, "disagrees"),
        ]
    return found


def prepare() -> None:
    """Compute the curves of the figure, which takes seconds, while the experiments run."""
    for name in CASES:
        prediction.shell_ratio(_fine(name))
    for name in OVERLAPS:
        prediction.shell_overlap(_fine(name))


@cache
def _fine(name: str) -> Setting:
    """The case at times to draw a line through, fewer where averages over x take a second."""
    setting = CASES[name]
    count = 9 if setting.point is None and len(setting.manifold.subspaces) > 1 else 25
    return setting.at(times=draw.between(setting.times, count))


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """The shell ratio against t in every case, and the overlap of shells."""
    with draw.style():
        figure, axes = draw.canvas(3, 2, width=3.1, height=2.6)
        panels = axes.ravel()
        for axis, name in zip(panels, CASES, strict=False):
            _ratio(axis, name, results)
        panels[0].legend(loc="upper right")
        _overlaps(panels[-1], results)
        for row in axes:
            row[0].set_ylabel(r"shell ratio $\sqrt{E\,r^2/tD}$")
    caption = (
        "Distance $r$ to the nearest sample in units of the radius $\\sqrt{tD}$ of the shells where the denoiser is supervised, "
        "against the noise variance $t$ (data units squared): exact at finite $N$ and $D$, simulation, and the thermodynamic "
        "limit, dashed. Dotted: on the shell; grey line: the collapse time. Last panel: overlap of the shells of a sample and of "
        "its nearest neighbour. Error bars: one standard error over data sets."
    )
    return [Figure("supervision_region", caption, figure)]


def _ratio(axis: Axes, name: str, results: Mapping[str, Results]) -> None:
    setting, fine = CASES[name], _fine(name)
    draw.theory(axis, fine.t, prediction.shell_ratio(fine), "exact")
    many = fine.at(times=np.geomspace(fine.times[0], fine.times[-1], 200))
    draw.control(axis, many.t, prediction.shell_ratio_asymptotic(many), "limit")
    m = results[EXPERIMENTS[name].name]["shell_ratio"]
    draw.measured(axis, setting.t, m.mean, m.sem, "simulation", series=1)
    axis.axhline(1, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    if setting.point is None:
        axis.axvline(prediction.extrapolation_time(setting), color="0.8", zorder=0)
    draw.logarithmic(axis)
    axis.set_title(f"{setting.manifold}, $N$ = {setting.samples}, {where(setting)}")
    axis.set_xlabel("noise variance $t$")


def _overlaps(axis: Axes, results: Mapping[str, Results]) -> None:
    for series, name in enumerate(OVERLAPS):
        setting, fine = CASES[name], _fine(name)
        label = f"{setting.manifold}, $N$ = {setting.samples}"
        draw.theory(axis, fine.t, prediction.shell_overlap(fine), series=series)
        m = results[EXPERIMENTS[name].name]["shell_overlap"]
        draw.measured(axis, setting.t, m.mean, m.sem, label, series=series)
    draw.logarithmic(axis)
    axis.set(xlabel="noise variance $t$", ylabel=r"overlap $E\,e^{-r^2/8t}$", ylim=(0, 1.02))
    draw.legend(axis, columns=1)
