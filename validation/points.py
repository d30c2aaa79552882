"""Points: the settings that two axes span, and the jobs that find what theory says and an experiment measures there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.measurement import Measurement
from theory.observable import coordinates
from theory.real import brief
from theory.setting import Setting
from validation.axes import HELD, Axis
from validation.comparison import scaled
from validation.job import Evaluation, Experiment, Job, Results, Run
from validation.store import Found, Store
from validation.sweep import sweep

__all__ = ["CONTROL", "LEAST", "STEP", "Form", "Line", "Points", "Work", "precision"]

Array = NDArray[np.float64]
Line = tuple[Array, Array]
"""Values of the first axis, shape (P,), and of a form, (P,) or (P, K)."""
CONTROL = 1.1  # times every variance
LEAST, MOST, MOST_ASKED = 20, 100_000, 10**12  # data sets: fewer hardly know their own error
GROWTH = 20.0  # of their number at a time
FINE = 65  # values of an axis that a quick formula is drawn through
ROUNDS, FLAT = 3, 0.01  # of halving the steps of a slow one, until it is straight to this share of its range
# in log t: how a time is looked for, so many steps about it, and four times as wide beyond
STEP, NEAR, FAR = 1 / 8, 4, 7


@dataclass(frozen=True)
class Form:
    """What theory says of a quantity, in one of its forms.

    Attributes:
        name: of the observable, or of the user's function.
        kind: of theory.observable.KINDS; or `yours`, or `control`.
        quantity: what the experiment calls it.
        dims: of theory.observable.DIMS, but for `sample`.
        evaluate: a function of a setting.
        symbol: LaTeX.
        scaling: as of an observable; None where it is not known.
        slow: whether a call takes seconds.
        follows: which of temperature and bandwidth it depends on; None where that is not known.
        network: whether it is of a trained network; None where that is not known.
    """

    name: str
    kind: str
    quantity: str
    dims: tuple[str, ...]
    evaluate: Callable[[Setting], ArrayLike]
    symbol: str = ""
    scaling: float | None = None
    slow: bool = False
    follows: tuple[str, ...] | None = None
    network: bool | None = None

    @property
    def held(self) -> list[str]:
        """Its dims that a setting holds many values of, in their order."""
        return [dim for dim in self.dims if dim in HELD]

    @property
    def judged(self) -> bool:
        """Whether an experiment beyond the threshold is a disagreement."""
        return self.kind in ("exact", "yours")

    @property
    def sought(self) -> bool:
        """Whether it is a time, which an experiment looks for among many."""
        return "time" not in self.dims and self.quantity.endswith("_time")

    def job(self, setting: Setting) -> Evaluation:
        """Its evaluation: a control has another lambda."""
        return Evaluation(self.evaluate, (scaled(setting, CONTROL) if self.kind == "control" else setting,))

    def shape(self, setting: Setting) -> tuple[int, ...]:
        """Of what it returns."""
        values = coordinates(setting)
        return tuple(len(values[dim]) for dim in self.dims)

    def first(self, value: Array, but: str = "") -> Array:
        """A value at the first of what a setting holds many of, but for those of one axis."""
        for place, dim in reversed(list(enumerate(self.held))):
            value = value if dim == but else np.asarray(value.take(0, axis=place))
        return value


@dataclass(frozen=True)
class Points:
    """The points that one axis or two span.

    Attributes:
        setting: what is not varied.
        axes: what is.
    """

    setting: Setting
    axes: tuple[Axis, ...]

    @property
    def others(self) -> tuple[Axis, ...]:
        """The axes besides those that a setting holds many values of."""
        return tuple(axis for axis in self.axes if axis.kind not in HELD)

    @property
    def settings(self) -> list[Setting]:
        """At every combination of the other axes one setting, with all times."""
        base = self.setting
        for axis in self.axes:
            base = axis.through(base, axis.values) if axis.kind in HELD else base
        return [_at(base, self.others, values) for values in itertools.product(*(a.values for a in self.others))]

    @property
    def told(self) -> list[str]:
        """The same combinations in words."""
        combinations = itertools.product(*(axis.values for axis in self.others))
        return [
            ", ".join(f"{a.name} = {a.plain(v)}" for a, v in zip(self.others, values, strict=True)) or "all times"
            for values in combinations
        ]

    def arranged(self, values: Sequence[ArrayLike], form: Form) -> Array:
        """What was found at each setting, with the axes in their order, and the subspaces last."""
        found = np.array(values, dtype=np.float64)
        found = found.reshape(*(len(axis.values) for axis in self.others), *found.shape[1:])
        names = [axis.name for axis in self.others] + form.held
        for dim in set(form.held) - {axis.name for axis in self.axes}:
            found = np.asarray(found.take(0, axis=names.index(dim)))
            names.remove(dim)
        order = [names.index(axis.name) for axis in self.axes]
        return found.transpose(*order, *range(len(names), found.ndim))

    def curves(self) -> list[Setting]:
        """A setting for each value of the second axis, or the one."""
        return (
            [self.axes[1].at(self.setting, value) for value in self.axes[1].values] if self.axes[1:] else [self.setting]
        )

    def along(self, curve: Setting, form: Form, values: Sequence[float]) -> list[Setting]:
        """The settings to evaluate a form at, for these values of the first axis: one that holds them all where one can."""
        axis = self.axes[0]
        return [axis.through(curve, values)] if axis.kind in HELD else [axis.at(curve, v) for v in values]


def _at(setting: Setting, axes: Sequence[Axis], values: Sequence[object]) -> Setting:
    for axis, value in zip(axes, values, strict=True):
        setting = axis.at(setting, value)
    return setting


@dataclass
class Work:
    """How jobs are done.

    Attributes:
        run: budget, seed, device and dtype.
        store: where what is found is kept.
        executor: where jobs are done; None for here.
        finished: is told each point that is done, empty for a line of theory, how many are, and of how many.
    """

    run: Run
    store: Store | None = None
    executor: Executor | None = None
    finished: Callable[[str, int, int], object] = lambda told, done, of: None
    found: dict[str, Found] = field(default_factory=dict)

    def do(self, jobs: Mapping[str, Job], told: Mapping[str, str] | None = None) -> None:
        """Do jobs by name, those that are not done yet."""
        waiting, done = [job for name, job in jobs.items() if name not in self.found], itertools.count(1)

        def finished(job: Job, found: Found) -> None:
            self.found[job.name] = found
            self.finished((told or {}).get(job.name, ""), next(done), len(waiting))

        sweep(waiting, self.run, store=self.store, executor=self.executor, finished=finished)

    def values(self, asked: Iterable[tuple[Form, Setting]], told: Sequence[str] = ()) -> list[Array]:
        """What forms say at settings, which may be told of; a user's function is called here, and is not kept."""
        asked = list(asked)
        jobs = [form.job(setting) if form.kind != "yours" else None for form, setting in asked]
        self.do(
            {job.name: job for job in jobs if job},
            {job.name: said for job, said in zip(jobs, told, strict=False) if job},
        )
        return [self._value(form, setting) for form, setting in asked]

    def _value(self, form: Form, setting: Setting) -> Array:
        if form.kind != "yours":
            return np.asarray(self.found[form.job(setting).name])
        value, shape = np.asarray(form.evaluate(setting), dtype=np.float64), form.shape(setting)
        if value.shape not in (shape, ()):
            raise ValueError(
                f"{form.name} must return a number or shape {shape}, its {' and '.join(form.dims)}; got shape {value.shape}"
            )
        return np.broadcast_to(value, shape)

    def predicted(self, points: Points, forms: Sequence[Form]) -> dict[str, Array]:
        """What forms say at the points."""
        settings = points.settings
        told = [f"{form.name}, {at}" if form.slow else "" for form in forms for at in points.told]
        values = iter(self.values([(form, setting) for form in forms for setting in settings], told))
        return {form.name: points.arranged([next(values) for _ in settings], form) for form in forms}

    def measured(
        self, points: Points, forms: Sequence[Form], experiment: ModuleType, repeats: int | str, times: ArrayLike | None
    ) -> dict[str, Measurement]:
        """What an experiment finds of each quantity at the points."""
        first = {
            form.quantity: form for form in sorted(forms, key=lambda form: form.judged)
        }  # those that are judged win
        sought = {name: form for name, form in first.items() if form.sought}
        others = {name: form for name, form in first.items() if not form.sought}
        found: dict[str, Measurement] = {}
        for together in [others, *({name: form} for name, form in sought.items())]:
            settings = points.settings
            if together and next(iter(together.values())).sought:
                settings = [self._looked_at(next(iter(together.values())), setting, times) for setting in settings]
            if together:
                found.update(self._taken(points, settings, together, experiment, repeats))
        return found

    def _looked_at(self, form: Form, setting: Setting, times: ArrayLike | None) -> Setting:
        """With times to look for one in: those given, or fine steps about what is predicted, and coarse ones far beyond."""
        if times is not None:
            return setting.at(times=np.asarray(times, dtype=np.float64))
        expected = np.ravel(self._value(form, setting))
        t = np.log(setting.schedule.noise_variance(expected[np.isfinite(expected)]))
        fine = t[:, None] + STEP * np.arange(-NEAR, NEAR + 1)
        coarse = np.arange(fine.min() - 4 * STEP * FAR, fine.max() + 4 * STEP * FAR, 4 * STEP)
        far = coarse[np.abs(coarse[:, None] - t).min(axis=1) > STEP * NEAR]
        wanted = np.unique(np.round(np.concatenate([fine.ravel(), far]), 6))
        return setting.at(times=setting.schedule.time(np.exp(wanted)))

    def _taken(
        self,
        points: Points,
        settings: Sequence[Setting],
        quantities: Mapping[str, Form],
        experiment: ModuleType,
        repeats: int | str,
    ) -> dict[str, Measurement]:
        target, first = precision(repeats)
        counts = [first] * len(settings)
        while True:
            jobs = [_experiment(experiment, setting, n) for setting, n in zip(settings, counts, strict=True)]
            told = dict(zip((job.name for job in jobs), points.told, strict=True))
            self.do({job.name: job for job in jobs}, told)
            results: list[Any] = [self.found[job.name] for job in jobs]
            wanted = [_wanted(found, quantities, n, target) for found, n in zip(results, counts, strict=True)]
            if wanted == counts:
                break
            counts = wanted
        return {name: _arranged(points, form, [found[name] for found in results]) for name, form in quantities.items()}

    def lines(self, points: Points, forms: Sequence[Form], predicted: Mapping[str, Array]) -> dict[str, list[Line]]:
        """Forms along the first axis, at each value of the second, through more values than the points."""
        axis = points.axes[0]
        at = [(form, curve) for form in forms for curve in range(len(points.curves()))]
        known = {
            (form.name, k): dict(
                zip(axis.values, predicted[form.name][(slice(None), k)[: len(points.axes)]], strict=True)
            )
            for form, k in at
        }
        for step in range(ROUNDS):
            further = {(form.name, k): _further(axis, known[form.name, k], form, step) for form, k in at}
            self._extend(points, {(form.name, k): form for form, k in at}, known, further)
        return {form.name: [_line(known[form.name, k]) for k in range(len(points.curves()))] for form in forms}

    def _extend(
        self,
        points: Points,
        forms: Mapping[tuple[str, int], Form],
        known: Mapping[tuple[str, int], dict[float, Array]],
        further: Mapping[tuple[str, int], Sequence[float]],
    ) -> None:
        """Evaluate all lines at further values, together."""
        curves = points.curves()
        asked = {key: points.along(curves[key[1]], forms[key], x) for key, x in further.items() if len(x)}
        values = iter(self.values((forms[key], setting) for key, settings in asked.items() for setting in settings))
        for key, settings in asked.items():
            axis = points.axes[0].kind
            found = [forms[key].first(next(values), but=axis) for _ in settings]
            known[key].update(zip(further[key], found[0] if axis in HELD else found, strict=True))


def precision(repeats: int | str) -> tuple[float, int]:
    """The relative error to reach, infinite where a number of data sets is given, and with how many to begin.

    Raises:
        ValueError: for what is neither a number of data sets nor `auto:ERROR`.
    """
    try:
        if str(repeats).startswith("auto:"):
            error = float(str(repeats).removeprefix("auto:"))
            if 0 < error < 1:
                return error, 100
        elif LEAST <= (count := int(repeats)) <= MOST_ASKED and (isinstance(repeats, str) or count == repeats):
            return math.inf, count
    except (ValueError, TypeError, OverflowError):
        pass
    raise ValueError(
        f"repeats must be a number of data sets of at least {LEAST}, or auto:0.02 for a relative error, and no more than "
        f"{MOST_ASKED:g}; got {brief(repeats)}"
    )


def _experiment(module: ModuleType, setting: Setting, repeats: int) -> Experiment:
    name = Evaluation(module.measure, (setting, repeats)).name  # what else is asked of the same setting draws anew
    return Experiment(f"compare.{name}", module.measure, {"setting": setting}, repeats)


def _wanted(found: Results, quantities: Mapping[str, Form], n: int, target: float) -> int:
    """How many data sets make the error of every quantity this share of its largest value."""
    worst = 0.0
    for name in quantities:
        mean, sem = np.abs(found[name].mean), found[name].sem
        scale = np.max(mean, initial=0.0, where=np.isfinite(mean))
        worst = max(worst, float(np.max(sem, initial=0.0, where=np.isfinite(sem)) / scale) if scale else 0.0)
    return n if worst <= target else max(n, min(MOST, math.ceil(n * min(1.1 * (worst / target) ** 2, GROWTH))))


def _arranged(points: Points, form: Form, found: Sequence[Measurement]) -> Measurement:
    """One measurement of all points."""
    whole = {
        part: points.arranged([np.broadcast_to(getattr(m, part), np.shape(m.mean)) for m in found], form)
        for part in ("mean", "sem", "n", "skewness")
    }
    return Measurement(**whole)  # type: ignore[arg-type]


def _further(axis: Axis, known: Mapping[float, Array], form: Form, step: int) -> list[float]:
    """Where a line is looked at next: a quick one evenly at once, a slow one between values where it is bent."""
    x = sorted(known)
    if form.kind == "control" and step:
        return []
    if not form.slow:
        return [] if step else sorted(set(axis.between(x[0], x[-1], FINE)) - set(x))
    if step == 0:
        pairs = list(itertools.pairwise(x))
    else:
        pairs = _bent(np.log(x) if x[0] > 0 else np.array(x), np.array([known[v] for v in x]), x)
    middles = {value for low, high in pairs for value in axis.between(low, high, 3)[1:-1]}
    return sorted(middles - set(x))


def _bent(u: Array, y: Array, x: Sequence[float]) -> list[tuple[float, float]]:
    """The steps beside a value that lies off the chord of its neighbours."""
    y = y.reshape(len(x), -1)
    chord = y[:-2] + (y[2:] - y[:-2]) * ((u[1:-1] - u[:-2]) / (u[2:] - u[:-2]))[:, None]
    with np.errstate(invalid="ignore"):
        bent = (np.abs(y[1:-1] - chord) > FLAT * (np.nanmax(y, axis=0) - np.nanmin(y, axis=0))).any(axis=1)
    steps = {pair for k in np.flatnonzero(bent).tolist() for pair in ((k, k + 1), (k + 1, k + 2))}
    return [(x[low], x[high]) for low, high in sorted(steps)]


def _line(known: Mapping[float, Array]) -> Line:
    x = sorted(known)
    return np.array(x, dtype=float), np.array([known[value] for value in x], dtype=float)
