"""Figures: theory as lines, experiment as points with error bars, the negative control dashed.

Every series differs in line style or marker as well as in colour, and the colours (Okabe and Ito) differ in lightness,
so that a figure reads in grey and by colour-blind readers. All are drawn by `plain_plot`, as those of `compare` are.
matplotlib is imported by what draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.report import plain_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = [
    "COLOURS",
    "CONTROL",
    "MARKERS",
    "between",
    "canvas",
    "check",
    "control",
    "legend",
    "logarithmic",
    "measured",
    "style",
    "theory",
]

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", (0, (6, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1, 1)))
CONTROL: dict[str, Any] = {"color": "0.55", "style": (0, (3, 2))}
_RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "mathtext.fontset": "stix",
    "font.family": "STIXGeneral",
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2,
    "svg.fonttype": "path",
}


def between(times: NDArray[np.float64], count: int, beyond: float = 2.0) -> NDArray[np.float64]:
    """Times to draw an exact line through, as far beyond the first and the last as this factor."""
    return np.geomspace(times[0] / beyond, times[-1] * beyond, count)


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, whatever that of the user is, for the time of drawing."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def check() -> None:
    """See that figures can be drawn, before work is done for them.

    Raises:
        ValueError: where matplotlib cannot be imported.
    """
    try:
        import matplotlib as mpl
    except Exception as error:  # of a setting that it refuses, a file that it cannot read, a library that is missing
        reason = " ".join(str(error).split())
        raise ValueError(
            f"figures take matplotlib, which cannot be imported: {reason}; mend MPLBACKEND, or the matplotlibrc file"
        ) from None
    del mpl


def canvas(columns: int = 1, rows: int = 1, *, width: float = 3.4, height: float = 2.7) -> tuple[Canvas, Any]:
    """A figure of panels of `width` x `height` inches, and its axes, one or an array of shape (rows, columns)."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns)


def logarithmic(axis: Any) -> None:
    """A logarithmic x axis with plain numbers, to be called when the data are drawn."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_xscale("log")
    low, high = axis.get_xlim()
    # over less than two decades the default would label minor ticks, which collide
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def theory(axes: Axes, x: ArrayLike, y: ArrayLike, label: str | None = None, series: int = 0, **options: Any) -> None:
    """A line."""
    plain_plot.line(axes, x, y, color=COLOURS[series % 7], style=LINES[series % 4], label=label, **options)


def measured(
    axes: Axes, x: ArrayLike, mean: ArrayLike, sem: ArrayLike, label: str | None = None, series: int = 0
) -> None:
    """Points with error bars of one standard error."""
    look = {"color": COLOURS[series % 7], "marker": MARKERS[series % 7]}
    plain_plot.points(axes, x, mean, np.asarray(sem), **look, label=label)


def control(axes: Axes, x: ArrayLike, y: ArrayLike, label: str | None = None) -> None:
    """The negative control, dashed and grey."""
    plain_plot.line(axes, x, y, **CONTROL, label=label, linewidth=1.1)


def legend(axes: Axes, columns: int = 2) -> None:
    """A legend above the panel, where no data are."""
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        handlelength=2.2,
        labelspacing=0.25,
        columnspacing=1.0,
    )
