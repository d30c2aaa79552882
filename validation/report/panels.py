"""Panels: a case over time, as figures show it: theory as lines, the limit dashed, the simulation as points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.measurement import Measurement
from theory.observable import observables
from theory.setting import Setting
from validation.claim import Done, by_claim
from validation.comparison import Case, evaluated, measured_name, where
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OverTime", "curve", "headline_figure", "over_times", "title"]

Array = NDArray[np.float64]


def curve(at: Case, observable: str, count: int, beyond: float = 2.0) -> tuple[Evaluation, Evaluation]:
    """What the exact line of a case needs: the observable at its times, and at `count` more, as far beyond them."""
    times, function = at.setting.times, getattr(at.prediction, observable)
    further = np.setdiff1d(draw.between(times, count, beyond), times)
    return evaluated(function, at.setting), evaluated(function, at.setting.at(times=further))


@dataclass(frozen=True)
class OverTime:
    """A figure of cases against time: a panel for each case and observable, with theory, the limit and the simulation.

    Attributes:
        name: of the prediction.
        caption: of the figure.
        cases: by name, a column each.
        shown: observables and what they are called, a row each.
        shares: those of them that are shares of 1.
        mark: of a setting a time to be marked.
        count: points of a line besides those of the simulation.
    """

    name: str
    caption: str
    cases: Mapping[str, Case]
    shown: Mapping[str, str]
    shares: tuple[str, ...]
    mark: Callable[[Setting], float]
    count: int

    def curves(self) -> list[Evaluation]:
        """What the lines need besides the claims."""
        return [part for at in self.cases.values() for one in self.shown for part in curve(at, one, self.count)]

    def figure(self, done: Done) -> Figure:
        """The figure from what jobs found."""
        with draw.style():
            figure, axes = draw.canvas(len(self.cases), len(self.shown), width=2.7, height=2.2)
            for row, (observable, label) in zip(axes, self.shown.items(), strict=True):
                for axis, at in zip(row, self.cases.values(), strict=True):
                    self._panel(axis, done, at, observable)
                row[0].set_ylabel(label)
            for axis, at in zip(axes[0], self.cases.values(), strict=True):
                axis.set_title(title(at))
            axes[0, 0].legend(loc="upper right")
        return Figure(self.name, self.caption, figure)

    def _panel(self, axis: Axes, done: Done, at: Case, observable: str) -> None:
        _, exact = over_times(axis, done, at, curve(at, observable, self.count))
        axis.set_ylim(0, 1.04 if observable in self.shares else 1.3 * exact.max())
        axis.axvline(self.mark(at.setting), color="0.8", zorder=0)


def _joined(done: Done, line: Sequence[Evaluation]) -> tuple[Setting, Array]:
    """The setting at all times of a line, in order, and the exact values there."""
    times = np.concatenate([part.arguments[0].times for part in line])
    order = np.argsort(times)
    return line[0].arguments[0].at(times=times[order]), np.concatenate([done[part.name] for part in line])[order]


def over_times(
    axis: Axes,
    done: Done,
    at: Case,
    line: Sequence[Evaluation],
    *,
    unit: Any = lambda setting: 1.0,
    limit: bool = True,
    said: tuple[str | None, ...] = ("exact", "limit", "simulation"),
    series: int = 0,
) -> tuple[Array, Array]:
    """A case against time: the exact line, the limit, and what was measured; each subspace in its colour.

    Args:
        axis: to draw on.
        done: what jobs found.
        at: the case.
        line: its exact curve.
        unit: a function of the setting to divide by.
        limit: whether to draw the limit, dashed.
        said: of line, limit and points in the legend.
        series: the first colour.

    Returns:
        the times of the line, shape (T,), and the exact values, shape (T, K).
    """
    fine, values = _joined(done, line)
    exact, name = _columns(values, unit(fine)), line[0].function.__name__
    m: Measurement = done[at.experiment.name][measured_name(at.prediction, name)]
    mean, sem = (_columns(a, unit(at.setting)) for a in (m.mean, m.sem))
    many = fine.at(times=np.geomspace(fine.times[0], fine.times[-1], 400))
    dashed = _columns(_limit(at, name)(many), unit(many)) if limit else None
    for k in range(exact.shape[1]):
        labels = said if k == 0 else (None, None, None)
        if dashed is not None:
            draw.control(axis, many.times, dashed[:, k], labels[1])
        draw.theory(axis, fine.times, exact[:, k], labels[0], series=series + k)
        points = series + (k if exact.shape[1] > 1 or series else 1)
        draw.measured(axis, at.setting.times, mean[:, k], sem[:, k], labels[2], series=points)
    draw.logarithmic(axis)
    axis.set_xlabel("noise variance $t$")
    return fine.times, exact


def _limit(at: Case, name: str) -> Any:
    """The limit of an observable of the case's prediction."""
    found = [o.name for o in observables(at.prediction).values() if o.kind == "limit" and o.of == name]
    return getattr(at.prediction, found[0])


def _columns(values: ArrayLike, unit: Any) -> Array:
    """Of shape (T, K), in units that may depend on time."""
    values = np.asarray(values, dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    return columns / np.reshape(unit, (-1, 1))


def title(at: Case) -> str:
    """The case, in two lines."""
    return f"{at.setting.manifold}, $N$ = {at.setting.samples}\n{where(at.setting)}"


def headline_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Every claim in a line: what was measured at its points, in units of the prediction."""
    groups = by_claim(rows)
    with draw.style():
        figure, axis = draw.canvas(width=6.8, height=0.8 + 0.24 * len(groups))
        for line, points in enumerate(groups.values()):
            _ratios(axis, line, points)
        axis.axvline(1, color="0.8", zorder=0)
        draw.logarithmic(axis)
        axis.set(xlabel="measured / predicted", yticks=range(len(groups)), yticklabels=list(groups))
        axis.invert_yaxis()
    caption = (
        "What was measured at the points of every claim, in units of what is predicted; filled where prediction and simulation "
        "are expected to disagree. Error bars: one standard error over data sets. Ratios that are not positive are left out."
    )
    return Figure("headline", caption, figure)


def _ratios(axis: Axes, line: int, points: Sequence[Mapping[str, Any]]) -> None:
    predicted, mean, sem = (np.array([row[what] for row in points]) for what in ("predicted", "measured", "sem"))
    shown = predicted * mean > 0
    ratio, error = mean[shown] / predicted[shown], sem[shown] / np.abs(predicted[shown])
    place = line + np.linspace(-0.25, 0.25, len(points))[shown] * (len(points) > 1)
    agrees = points[0]["expected"] == "agrees"
    colour = draw.COLOURS[1 if agrees else 2]
    axis.errorbar(ratio, place, xerr=error, fmt="o", ms=3, color=colour, mfc="white" if agrees else colour, capsize=1)
