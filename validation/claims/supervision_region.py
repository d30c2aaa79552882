"""Claims of the supervision region: the nearest sample is where the exact law says, the shells end at collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numerics.experiments import collapse as of_collapse
from numerics.experiments import supervision_region as experiment
from theory.predictions import supervision_region as prediction
from theory.setting import LinearManifold, Setting
from validation.claim import Claim, Control, Done
from validation.comparison import DEEP, LIMIT, cases, compare, off, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

AMBIENT = Setting(LinearManifold.parse("1.0x3,0.1x2", 10), samples=100, times=np.array([0.03, 0.1, 0.3, 1.0]))
AT_A_POINT = Setting(
    LinearManifold.parse("1.0x2,0.1x3", 7),
    samples=300,
    times=np.array([0.02, 0.1, 0.4]),
    schedule="ou",  # type: ignore[arg-type]
    point=(0.8, -0.5, 0.3, 0.0, -0.1, 0.2, 0.1),
)
CASES = cases(
    prediction,
    experiment.measure,
    {
        "few": (2000, Setting.of("1.0x2", samples=10, times=[0.02, 0.1, 0.5, 2.0])),
        "ambient": (1000, AMBIENT),
        "large": (150, Setting.of("1.0x20", samples=20000, times=[0.15, 0.3, 1.2, 2.4])),
        "trajectory": (400, Setting.of("1.0x20", samples=1000, times=[0.7, 1.0, 2.0, 4.0], query="trajectory")),
        "at_a_point": (2400, AT_A_POINT),
    },
)
LIMITED = cases(prediction, experiment.measure, {"deep": (150, DEEP.at(times=[0.1, 1.0], query="trajectory"))})["deep"]
MANY = Setting.of("1.0x1000", samples=100, times=[104.0, 112.0])
ENDS = cases(prediction, of_collapse.measure, {"ends": (400, MANY)})["ends"]
OVERLAPS = "few", "ambient", "large"  # where the overlap is claimed
COUNTS = {"ambient": 4}  # points of a line, fewer where averages over x take a second
RATIOS = {name: curve(at, "shell_ratio", COUNTS.get(name, 25)) for name, at in CASES.items()}
SHELLS = {name: curve(CASES[name], "shell_overlap", COUNTS.get(name, 25)) for name in OVERLAPS}


def claims() -> list[Claim]:
    """The distance in every case, the overlap in some, and what it says of extrapolation in one."""
    return [claim for name in CASES for claim in _of_case(name)] + _limits()


def _limits() -> list[Claim]:
    fresh, ends = LIMITED.setting.at(query="fresh"), prediction.extrapolation_time
    limits = [getattr(prediction, name) for name in ("nearest_distance_squared_asymptotic", "shell_ratio_asymptotic")]
    later = off(1.2, ends, MANY)
    return [
        *(compare(LIMITED, f.__name__, wrong("a fresh point", f, fresh), LIMIT, bias=1e-3) for f in limits),
        compare(ENDS, ends.__name__, later, "collapse", measured="collapse_time", bias=1e-3),
    ]


def _of_case(name: str) -> list[Claim]:
    at = CASES[name]
    limit = wrong("thermodynamic limit", prediction.nearest_distance_squared_asymptotic)
    found = [compare(at, "nearest_distance_squared", limit, headline=name == "large")]
    if name in OVERLAPS:
        twice = at.setting.at(samples=2 * at.setting.samples)
        found.append(compare(at, "shell_overlap", wrong("twice as many samples", prediction.shell_overlap, twice)))
    if name == "large":
        stays = Control("a fresh point stays on the shell", 1.0)
        inside = "a fresh point is inside a shell above collapse and outside of all below"
        control, failing = off(0.8, prediction.shell_ratio_asymptotic, at.setting), "the limit is off at this N and D"
        found += [
            compare(at, "shell_ratio", stays, inside, headline=True),
            compare(at, "shell_ratio_asymptotic", control, failing, expected="disagrees", headline=True),
        ]
    return found


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [part for line in (*RATIOS.values(), *SHELLS.values()) for part in line]


def figures(done: Done) -> list[Figure]:
    """The shell ratio against t in every case, and the overlap of shells."""
    with draw.style():
        figure, axes = draw.canvas(3, 2, width=3.1, height=2.6)
        panels = axes.ravel()
        for axis, name in zip(panels, CASES, strict=False):
            _ratio(axis, name, done)
        panels[0].legend(loc="upper right")
        _overlaps(panels[-1], done)
        for row in axes:
            row[0].set_ylabel(r"shell ratio $\sqrt{E\,r^2/tD}$")
    caption = (
        "Distance $r$ to the nearest sample in units of the radius $\\sqrt{tD}$ of the shells where the denoiser is supervised, "
        "against the noise variance $t$ (data units squared): exact at finite $N$ and $D$, simulation, and the thermodynamic "
        "limit, dashed. Dotted: on the shell; grey line: the collapse time. Last panel: overlap of the shells of a sample and of "
        "its nearest neighbour. Error bars: one standard error over data sets."
    )
    return [Figure("supervision_region", caption, figure)]


def _ratio(axis: Axes, name: str, done: Done) -> None:
    at = CASES[name]
    over_times(axis, done, at, RATIOS[name])
    axis.axhline(1, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    if at.setting.point is None:
        axis.axvline(prediction.extrapolation_time(at.setting), color="0.8", zorder=0)
    axis.set_title(title(at))


def _overlaps(axis: Axes, done: Done) -> None:
    for series, name in enumerate(OVERLAPS):
        setting = CASES[name].setting
        label = f"{setting.manifold}, $N$ = {setting.samples}"
        over_times(axis, done, CASES[name], SHELLS[name], limit=False, said=(None, None, label), series=series)
    axis.set(ylabel=r"overlap $E\,e^{-r^2/8t}$", ylim=(0, 1.02))
    draw.legend(axis, columns=1)
