"""Compare: theory and experiment at a setting of one's own, over one axis or two.

    found = compare("collapse", Setting.of("1.0x20"), over={"samples": [100, 1000]}, observables=["memorized_probability"])

The points are jobs, as those of claims are: done by the same sweep, kept in the same store. Where the theory is exact, or the
user's own, an experiment beyond the threshold of the suite is a disagreement.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.measurement import Measurement
from theory.observable import Observable, coordinates, part_of
from theory.observable import observables as observables_of
from theory.real import brief, real_array
from theory.setting import REMEDIES, Setting, without_remedies
from validation.axes import AXES, HELD, Axis, axes_of, ranged
from validation.comparison import measured_name, told
from validation.job import Run
from validation.points import STEP, Form, Line, Points, Work, precision
from validation.report.words import counted
from validation.statistics import COMPARISONS, FAMILY_BUDGET, distance, rejects, threshold
from validation.store import Store
from validation.suite import check_names, prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CURVES", "Comparison", "compare"]

Array = NDArray[np.float64]
CURVES = 6  # of a second axis; more values make a map


@dataclass(frozen=True, repr=False)
class Comparison:
    """What theory says and an experiment finds, over one axis or two.

    Arrays are by the names of the forms, of shape (first axis, second axis where there is one, K where there are subspaces, or 3
    of bulks or places).

    Attributes:
        name: the prediction, or the user's function.
        setting: what is not varied.
        axes: what is, that of the abscissa first.
        forms: what theory says.
        predicted: at the points.
        measured: mean over data sets.
        sem: its standard error.
        n: data sets.
        skewness: of what they gave.
        bias: that the comparison allows for, of the interpolation between times.
        lines: of each form, for each value of the second axis, through more values of the first.
        own: whether the points are the user's, and not of a simulation.
    """

    name: str
    setting: Setting
    axes: tuple[Axis, ...]
    forms: tuple[Form, ...]
    predicted: Mapping[str, Array]
    measured: Mapping[str, Array]
    sem: Mapping[str, Array]
    n: Mapping[str, Array]
    skewness: Mapping[str, Array]
    bias: Mapping[str, Array]
    lines: Mapping[str, Sequence[Line]]
    own: bool = False

    @cached_property
    def z(self) -> dict[str, Array]:
        """Standard errors from predicted to measured, with sign."""
        return {
            f.name: distance(self.measured[f.name], self.sem[f.name], self.predicted[f.name], self.bias[f.name])
            for f in self.forms
        }

    @property
    def rate(self) -> float:
        """The chance of a false alarm at one point: that of a comparison of the suite, less where points are more."""
        points = sum(self.z[form.name].size for form in self.forms if form.judged)
        return FAMILY_BUDGET / max(COMPARISONS, points)

    @property
    def threshold(self) -> float:
        """The |z| that a true prediction stays below, of symmetric draws."""
        return float(threshold(min(np.min(n) for n in self.n.values()), self.rate))

    def verdicts(self, name: str) -> NDArray[np.str_]:
        """Of each point of a form: `agrees`, `disagrees`, or `undecided` where draws are too few or too skew to say, or equal."""
        z = self.z[name]
        beyond = rejects(z, self.n[name], self.skewness[name], self.rate)
        agrees = np.abs(z) <= threshold(self.n[name], self.rate)
        return np.where(beyond, "disagrees", np.where(agrees, "agrees", "undecided"))

    def count(self, verdict: str) -> int:
        """How many points of forms that are exact, or the user's own, have a verdict."""
        return sum(int((self.verdicts(form.name) == verdict).sum()) for form in self.forms if form.judged)

    @property
    def disagrees(self) -> bool:
        """Whether any has the experiment against it."""
        return self.count("disagrees") > 0

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """The dimensions of the arrays of each form."""
        names = tuple(axis.name for axis in self.axes)
        return {f.name: names + ((part,) if (part := part_of(f.dims)) else ()) for f in self.forms}

    @property
    def parts(self) -> dict[str, Sequence[Any]]:
        """Subspaces, and of bulks and places those that a form has, with their names."""
        known = coordinates(self.setting)
        found = filter(None, (part_of(form.dims) for form in self.forms))
        return {part: known[part] for part in dict.fromkeys(["subspace", *found])}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row per form and point: its coordinates, predicted, measured, sem, n, z, and its verdict."""
        return [row for form in self.forms for row in self._rows(form)]

    def _rows(self, form: Form) -> list[dict[str, Any]]:
        name, verdicts = form.name, self.verdicts(form.name)
        values = [axis.values if axis.numeric else [str(v) for v in axis.values] for axis in self.axes]
        found = []
        for at in np.ndindex(self.predicted[name].shape):
            where = {axis.name: values[k][at[k]] for k, axis in enumerate(self.axes)}
            where |= {part: names[at[-1]] if part in form.dims else None for part, names in self.parts.items()}
            numbers = {
                part: float(getattr(self, part)[name][at]) for part in ("predicted", "measured", "sem", "n", "z")
            }
            found.append({"observable": name, "kind": form.kind, **where, **numbers, "verdict": verdicts[at]})
        return found

    @property
    def verdict(self) -> str:
        """A line: how many points of the forms that are judged agree."""
        judged = [form.name for form in self.forms if form.judged]
        if not judged:
            return "nothing is judged: no form that was asked for is exact"
        counts = {verdict: self.count(verdict) for verdict in ("agrees", "disagrees", "undecided")}
        verbs = {verdict: verdict if count == 1 else verdict.removesuffix("s") for verdict, count in counts.items()}
        said = ", ".join(f"{counts[v]} {verb}" for v, verb in verbs.items() if counts[v] or v == "agrees")
        advice = " (more repeats decide)" if counts["undecided"] else ""
        z = np.concatenate([np.ravel(self.z[name]) for name in judged])
        largest = np.abs(z).max(initial=0.0, where=np.isfinite(z))
        return (
            f"{', '.join(judged)}: of {counted(z.size, 'point')} {said}{advice}; largest |z| {largest:.3g}, "
            f"threshold {self.threshold:.2f}"
        )

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """The points as text, and the verdict."""
        from validation.report.comparison_figure import table

        return table(self)

    def figure(self, style: str | Sequence[str] = ()) -> Figure:
        """Theory as lines, the experiment as points with standard errors, |z| below; in a style of matplotlib, or several."""
        from validation.report.comparison_figure import figure

        return figure(self, [style] if isinstance(style, str) else style)

    def _repr_html_(self) -> str:
        from validation.report.comparison_figure import html

        return html(self)

    def to_xarray(self) -> Any:
        """A `xarray.Dataset` of predicted, measured, sem, n and z, by form.

        Raises:
            ValueError: where xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise ValueError(
                "labelled arrays take xarray, not found here; pip install 'geomem[xarray]', or use .rows"
            ) from None
        coordinates = {a.name: list(a.values) if a.numeric else [str(v) for v in a.values] for a in self.axes}
        parts = ("predicted", "measured", "sem", "n", "z")
        content = {
            f"{form.name}_{part}": (self.dims[form.name], getattr(self, part)[form.name])
            for form in self.forms
            for part in parts
        }
        return xarray.Dataset(content, coords=coordinates, attrs={"setting": told(self.setting), "name": self.name})


def compare(
    theory: str | Callable[[Setting], ArrayLike],
    setting: Setting | None = None,
    *,
    over: Mapping[str, str | Sequence[Any]] | None = None,
    observables: str | Sequence[str] | None = None,
    experiment: str | None = None,
    measured: Any = None,
    times: ArrayLike | None = None,
    repeats: int | str = 200,
    control: bool = False,
    run: Run | None = None,
    store: Store | None = None,
    executor: Executor | None = None,
    finished: Callable[[str, int, int], object] = lambda told, done, of: None,
) -> Comparison:
    """Hold theory against experiment over one axis or two.

    Args:
        theory: the name of a prediction, or a function of a setting that stands in its place, of the shape of the observable.
        setting: what is not varied. Observables that depend on time are taken at its times, an axis where there are several.
        over: values by axis, one or two of validation.axes.AXES: numbers, or text such as `100:10000:5`, as of --over.
        observables: of the prediction, one or several, by default the first that is exact; for a function the one that the
            experiment measures.
        experiment: whose simulation to hold it against; by default the prediction's.
        measured: own points in its place, a mapping, a data frame, a structured array, an arrow table, or rows that are mappings,
            such as `json.load` and `csv.DictReader` give: columns of the axis, `measured`, `sem`, `n`, the number of draws, where
            it is known, and `subspace` where rows are of one each.
        times: that are looked at where the observable is a time itself; by default about the predicted ones.
        repeats: data sets at each point; `auto:0.02` for as many as that relative error takes, in units of a curve's largest
            value, up to 10^5.
        control: whether to hold a wrong prediction too, every variance off by 10 %.
        run: budget, which multiplies the data sets, seed, device and dtype.
        store: where what is found is kept.
        executor: where jobs are done; by default here.
        finished: is told each point that is done, empty for a line of theory, how many are, and of how many.

    Raises:
        ValueError: for what cannot be asked.
    """
    if not isinstance(setting, Setting):
        raise ValueError(f"compare takes a Setting, such as Setting.of('1.0x20', samples=1000); got {setting!r}")
    precision(repeats)
    observables = (observables,) if isinstance(observables, str) else observables or ()
    if callable(theory):
        name, forms = getattr(theory, "__name__", "yours"), _own(theory, experiment, observables)
    else:
        name, forms = theory, _forms(theory, observables, control)
    columns = None if measured is None else _columns(measured)
    over = _values(over or {}) if columns is None else _axis_of(columns, over)
    points = Points(setting, _ordered(setting, axes_of(over), forms))
    _check(points, forms)
    given = _given(columns, points, forms) if columns is not None else {}
    module = None if measured is not None else _experiment(experiment or name, forms)
    work = Work(run or Run(), store, executor, finished)
    predicted = work.predicted(points, forms)
    _check_known(predicted)
    found = work.measured(points, forms, module, repeats, times) if module else given
    lines = work.lines(points, forms, predicted) if not _is_map(points.axes) else {}
    spacing = 0.0 if not module else STEP if times is None else _spacing(times)
    return replace(_compared(name, points, forms, predicted, found, lines, spacing), own=measured is not None)


def _compared(
    name: str,
    points: Points,
    forms: tuple[Form, ...],
    predicted: Mapping[str, Array],
    found: Mapping[str, Measurement],
    lines: Mapping[str, Sequence[Line]],
    spacing: float,
) -> Comparison:
    """All of it, by the names of the forms."""

    def part(what: str) -> dict[str, Array]:
        shapes = {form.name: predicted[form.name].shape for form in forms}
        return {
            f.name: np.broadcast_to(np.asarray(getattr(found[f.quantity], what), float), shapes[f.name]) for f in forms
        }

    # linear interpolation in log t between times a step h apart is off by h^2/8 of its second derivative over its first at most
    bias = {f.name: spacing**2 / 8 * np.abs(predicted[f.name]) if f.sought else np.zeros(()) for f in forms}
    mean, sem, n, skewness = map(part, ("mean", "sem", "n", "skewness"))
    return Comparison(name, points.setting, points.axes, forms, predicted, mean, sem, n, skewness, bias, lines)


# what is asked


def _forms(name: str, asked: Sequence[str], control: bool) -> tuple[Form, ...]:
    """What a prediction says of the observables asked for; for none, of the first that is exact.

    Raises:
        ValueError: for a prediction or an observable that is not there.
    """
    (name,) = check_names([name])
    module = prediction(name)
    known = observables_of(module)
    if unknown := [one for one in asked if one not in known]:
        raise ValueError(f"{name} has the observables {', '.join(known)}; got {unknown[0]!r}")
    chosen = [known[one] for one in dict.fromkeys(asked)] or [_first(module, known)]
    forms = [_form(module, about) for about in chosen]
    if control:
        forms += [_control(form) for form in forms if form.judged] or [_control(forms[0])]
    return tuple(forms)


def _first(module: ModuleType, known: Mapping[str, Observable]) -> Observable:
    """The first exact observable that is a limit's counterpart, or the first."""
    of = [about.of for about in known.values()]
    return next((o for o in known.values() if o.kind == "exact" and o.name in of), next(iter(known.values())))


def _form(module: ModuleType, about: Observable) -> Form:
    return Form(
        about.name,
        about.kind,
        measured_name(module, about.name),
        about.dims,
        getattr(module, about.name),
        about.symbol,
        about.scaling,
        about.slow,
        about.follows,
        about.network,
    )


def _control(form: Form) -> Form:
    return replace(form, name=f"{form.name}_control", kind="control")


def _own(theory: Callable[[Setting], ArrayLike], experiment: str | None, asked: Sequence[str]) -> tuple[Form, ...]:
    """A user's function, of what an experiment measures.

    Raises:
        ValueError: unless one experiment and one observable of it are named.
    """
    if experiment is None or len(asked) != 1:
        raise ValueError(
            "a function in the theory's place takes experiment= and the one of its observables that it predicts, as in "
            "compare(f, setting, experiment='collapse', observables=['memorized_probability'], ...)"
        )
    (name,) = check_names([experiment])
    measures = importlib.import_module(f"numerics.experiments.{name}").OBSERVABLES
    if asked[0] not in measures:
        raise ValueError(f"the experiment {name} measures {', '.join(measures)}; got {asked[0]!r}")
    return (Form(getattr(theory, "__name__", "yours"), "yours", asked[0], measures[asked[0]], theory, slow=True),)


def _experiment(name: str, forms: Sequence[Form]) -> ModuleType:
    """Raises ValueError where it does not measure what theory says."""
    module = importlib.import_module(f"numerics.experiments.{name}")
    if unknown := [form.name for form in forms if form.quantity not in module.OBSERVABLES]:
        raise ValueError(
            f"no experiment measures {unknown[0]}; of {name} there are {', '.join(module.OBSERVABLES)}; bring points of your own "
            "with measured=, or use geomem predict"
        )
    return module


def _ordered(setting: Setting, axes: tuple[Axis, ...], forms: Sequence[Form]) -> tuple[Axis, ...]:
    """The axes, that of the abscissa first; time is one where forms depend on it and the setting has several.

    Raises:
        ValueError: where forms do not depend on the same, or axes are too many or none.
    """
    for kind in HELD:
        axes = _with_held(kind, tuple(coordinates(setting)[kind]), axes, forms)
    axes = axes if not axes or axes[0].numeric else axes[::-1]
    if not axes or not axes[0].numeric:
        raise ValueError(f"expected an axis to compare over, as --over samples=100:10000:5; axes are {', '.join(AXES)}")
    return axes_of({axis.name: axis.values for axis in axes})


def _with_held(kind: str, values: tuple[float, ...], axes: tuple[Axis, ...], forms: Sequence[Form]) -> tuple[Axis, ...]:
    """With the axis of what a setting holds these values of, where they are several and forms depend on it."""
    follow = [form.name for form in forms if kind in form.dims]
    others = [form.name for form in forms if kind not in form.dims]
    explicit = any(axis.kind == kind for axis in axes)
    called = {"training": "training time"}.get(kind, kind)
    if explicit and others:
        raise ValueError(f"{others[0]} does not depend on {called}; give it another axis, of {', '.join(AXES)}")
    if not follow or explicit or len(values) < 2:
        return axes
    if others:
        option = {"time": "--times 0.5", "training": "--steps 3000"}[kind]
        raise ValueError(f"{follow[0]} depends on {called} and {others[0]} does not; give one {called}, as {option}")
    held = Axis(kind, values)
    return (held, *axes) if all(len(axis.values) <= CURVES for axis in axes) else (*axes, held)


def _check(points: Points, forms: Sequence[Form]) -> None:
    """That every point is a setting, and every form follows what is applied to it.

    Raises:
        ValueError: where one is not, or does not.
    """
    settings = points.settings
    if any("sample" in form.dims for form in forms):
        raise ValueError("observables of every sample cannot be drawn over an axis; use geomem predict and simulate")
    if any("subspace" in form.dims for form in forms) and len({len(s.manifold.subspaces) for s in settings}) > 1:
        raise ValueError(
            "observables of every subspace take manifolds of equally many; got manifolds of different numbers"
        )
    for form in forms:
        for setting in settings:
            follows = (*REMEDIES, "share") if form.follows is None else form.follows
            network = form.network if form.network is not None else setting.network is not None
            without_remedies(setting, form.name, follows, network=network)


def _check_known(predicted: Mapping[str, Array]) -> None:
    """Raises ValueError where a formula is NaN at every point."""
    if unknown := [name for name, values in predicted.items() if np.isnan(values).all()]:
        raise ValueError(f"{unknown[0]} is not known (NaN) at any of the points; leave it out, or ask elsewhere")


def _values(over: Mapping[str, str | Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The values of each axis, read where they are text."""
    return dict(ranged(f"{name}={v}") if isinstance(v, str) else (name, v) for name, v in over.items())


def _is_map(axes: Sequence[Axis]) -> bool:
    """Whether the second axis has too many values for curves."""
    return len(axes) == 2 and len(axes[1].values) > CURVES


def _spacing(times: ArrayLike) -> float:
    """The widest step between times, in log t."""
    return float(np.diff(np.sort(np.log(np.ravel(times)))).max(initial=0.0))


# points of one's own


def _columns(measured: Any) -> dict[str, NDArray[Any]]:
    """The columns of a mapping, a data frame, a structured array, an arrow table, or rows that are mappings.

    Raises:
        ValueError: where it has none, or rows have different ones.
    """
    if isinstance(measured, Sequence) and measured and all(isinstance(row, Mapping) for row in measured):
        if ragged := [k for k, row in enumerate(measured) if set(row) != set(measured[0])]:
            raise ValueError(
                f"rows of points of your own must have the same columns, got others in row {ragged[0] + 1}"
            )
        measured = {name: [row[name] for row in measured] for name in measured[0]}
    if not (names := _names(measured)):
        raise ValueError(
            "points of your own must be a table with named columns, such as {'samples': [...], 'measured': [...], 'sem': [...]} "
            f"or a data frame; got {type(measured).__name__}"
        )
    return {str(name): _column(measured[name]) for name in names}


def _column(values: Any) -> NDArray[Any]:
    """As an array, of numbers where text is numbers.

    Raises:
        ValueError: where cells are masked.
    """
    if np.ma.is_masked(values):
        raise ValueError("points of your own must not be masked; leave such rows out")
    column = np.asarray(values)
    try:
        if column.dtype.kind == "O":  # as data frames hold text
            column = np.array(column.tolist())
        return column.astype(np.float64) if column.dtype.kind == "U" else column
    except ValueError:
        return column


def _names(table: Any) -> list[Any]:
    """Of the columns; none where it has none."""
    for known in (getattr(table, "column_names", None), getattr(getattr(table, "dtype", None), "names", None)):
        if known is not None:  # of an arrow table, and of a structured array
            return list(known)
    return list(table.keys() if hasattr(table, "keys") else getattr(table, "columns", ()))


def _axis_of(
    measured: Mapping[str, NDArray[Any]], over: Mapping[str, Sequence[Any]] | None
) -> dict[str, Sequence[Any]]:
    """The axis that own points have a column of.

    Raises:
        ValueError: where there is not one, or columns are missing.
    """
    names = [name for name in measured if name.partition(".")[0] in {axis.partition(".")[0] for axis in AXES}]
    if over or len(names) != 1 or not {"measured", "sem"} <= set(measured):
        raise ValueError(
            "points of your own take the columns measured, sem, and one axis, such as samples, in place of over=; got "
            f"{', '.join(map(repr, measured))}"
        )
    values = np.ravel(measured[names[0]]).tolist()
    if len(set(values)) < 2:
        raise ValueError(
            f"points of your own are along an axis, at two values of {names[0]} or more; got {len(values)} "
            f"at {', '.join(map(brief, set(values)))}"
        )
    return {names[0]: values}


def _given(measured: Mapping[str, NDArray[Any]], points: Points, forms: Sequence[Form]) -> dict[str, Measurement]:
    """Own points in the order of the axis, and of subspaces where rows are of one each."""
    (name,) = _axis_of(measured, None)
    if len({form.quantity for form in forms}) != 1:
        raise ValueError("points of your own are of one quantity; name one of its observables, or several forms of it")
    shape = (len(points.axes[0].values), *forms[0].shape(points.setting)[len(forms[0].held) :])
    own, order = (math.prod(shape),) if "subspace" in measured else shape, _order(measured, name)
    if others := [axis for axis in points.axes if axis.name != name]:
        raise ValueError(
            f"points of your own take one axis, here {name}, and the setting has {len(others[0].values)} values of "
            f"{others[0].name}; give it one, as in --times 0.5"
        )
    if len(order) != own[0]:
        raise ValueError(
            f"points of your own take one axis, each value once, or once a subspace; got {len(order)} rows over {name}"
        )
    _check_subspaces(measured, order, name, own[0] // shape[0])
    if truths := [part for part in ("measured", "sem") if measured[part].dtype.kind == "b"]:
        raise ValueError(f"the column {truths[0]!r} must be numbers, got truth values; give shares with their errors")
    mean, sem = (real_array(measured[part], f"the column {part!r}").astype(np.float64) for part in ("measured", "sem"))
    if not mean.shape == sem.shape == own:
        raise ValueError(f"measured and sem must have shape {own}, got {mean.shape} and {sem.shape}")
    if not (np.isfinite([mean, sem]).all() and (sem > 0).all()):
        raise ValueError("measured must be finite numbers and sem positive ones, got others; leave such rows out")
    n = real_array(measured.get("n", np.array(np.inf)), "the column 'n'").astype(np.float64)
    if not (n >= 2).all():
        raise ValueError("n must be numbers of data sets, two or more, got others; leave such rows out")
    n = np.broadcast_to(n.reshape(*n.shape, *[1] * (len(own) - n.ndim)), own)
    mean, sem, n = (column[order].reshape(shape) for column in (mean, sem, n))
    return {forms[0].quantity: Measurement(mean, sem, n)}  # type: ignore[arg-type]


def _order(measured: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.intp]:
    """The rows by axis, and by subspace.

    Raises:
        ValueError: where one is there twice.
    """
    places = np.stack([measured[name], measured.get("subspace", np.zeros(len(measured[name])))])
    if np.unique(places, axis=1).shape != places.shape:
        raise ValueError(f"points of your own take one axis, each value once, or once a subspace; got {name} twice")
    return np.lexsort(places[::-1])


def _check_subspaces(measured: Mapping[str, NDArray[Any]], order: NDArray[np.intp], name: str, K: int) -> None:
    """Refuse rows of other subspaces than 0 to K - 1 at each value of the axis: in their order they would pass for these.

    Raises:
        ValueError: naming the first.
    """
    if "subspace" not in measured:
        return
    named = measured["subspace"][order]
    wrong = named != np.tile(np.arange(K), len(named) // K)
    if wrong.any():
        at = brief(measured[name][order][wrong].tolist()[0])
        wanted = "0" if K == 1 else f"each of 0 to {K - 1}"
        raise ValueError(
            f"the column subspace must hold {wanted} at each {name}, got {brief(named[wrong].tolist()[0])} at {name} = {at}"
        )
