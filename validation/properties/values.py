"""Laws of values: bounds, limits with their constants, and the equations that a quantity solves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.setting import LinearManifold, Setting, Subspace
from validation.properties.expression import expression
from validation.properties.law import Case, Law, Relation, Sides, lawgiver
from validation.properties.order import moved
from validation.properties.subject import Subject, catalogued

__all__ = ["far"]

Array = NDArray[np.float64]
REACHED = 1e-3  # of the limit, at one of its far points
FAR = 1e3, 1e6, 1e12, 1e40  # of the scale of an argument
PART = 0.05  # of what comes second in an expansion
LARGE = 30.0  # that infinity is held against
COUNTABLE = 10.5, 1e15  # numbers of samples that a change of one does not move much, and float64 tells apart
ASIDE = 0.02  # of what is least
POINTS, WIDTHS = 201, 9.0  # of a density, and standard deviations to both sides
STEP = 0.02  # in the logarithm of an argument, of a slope


def _bound(text: str, relation: Relation) -> Callable[[Subject, Case], Sides]:
    bound = expression(text)

    def check(f: Subject, case: Case) -> Sides:
        value, setting = f(case.setting), case.setting
        tolerance = f.tolerance(setting) + bound.tolerance(setting, value, 0 * value)
        return Sides(value, bound(setting, value), tolerance, (setting,), ("value", text), relation)

    return check


@lawgiver
def at_least(bound: str) -> Law:
    """A lower bound, an expression."""
    return Law(f"at_least({bound})", f"it is at least {bound}", rf"f \ge {bound}", _bound(bound, ">="))


@lawgiver
def at_most(bound: str) -> Law:
    """An upper bound, an expression."""
    return Law(f"at_most({bound})", f"it is at most {bound}", rf"f \le {bound}", _bound(bound, "<="))


@lawgiver
def finite() -> Law:
    """It is a number wherever it is asked."""

    def check(f: Subject, case: Case) -> Sides:
        value = f(case.setting)
        return Sides(
            np.where(np.isfinite(value), 0.0, np.nan),
            np.zeros_like(value),
            np.zeros_like(value),
            (case.setting,),
            ("value", "a finite number"),
        )

    return Law("finite", "it is a finite number", r"|f| < \infty", check)


def far(setting: Setting, argument: str, end: str) -> list[Setting]:
    """The setting with an argument farther and farther towards an end, 0 or infinity, of the scale that it is held against."""
    variances = setting.manifold.variances
    up = end == "inf"
    steps = FAR if up else [1 / step for step in FAR]
    if argument == "time":
        scale = variances.max() * setting.manifold.intrinsic_dimension if up else variances.min()
        times = [scale * step ** (1 if up else 1.5) for step in steps]
        return [setting.at(times=[t], schedule="ve") for t in times if 1e-95 < t < 1e95]
    if argument == "samples":
        return [setting.at(samples=int(step)) for step in FAR]
    scales = {
        "variance": setting.t.max() / variances.min() if up else setting.t.min() / variances.max(),
        "bandwidth": min(variances.min(), setting.t.min()) / max(setting.bandwidth, 1e-100),
        "temperature": 1 / setting.temperature,
        "separation": np.sqrt(max(variances.max(), setting.t.max())) / max(setting.separation, 1e-100),
    }
    at = [moved(setting, argument, float(scales.get(argument, 1.0) * step)) for step in steps]
    return [one for one in at if one is not None]


def _nearest(subject: Subject, at: list[Setting], wanted: Callable[[Setting, Array], Array]) -> Sides | None:
    """Value and limit at that of the settings where they are closest: rounding may keep them apart farther out."""
    best: Sides | None = None
    for one in at:
        found = subject(one)
        right = np.broadcast_to(wanted(one, found), found.shape)
        tolerance = np.where(right == 0, REACHED, REACHED * np.abs(right)) + subject.tolerance(one)
        sides = Sides(found, right, tolerance, (one,), ("value", "limit"))
        if best is None or sides.drama < best.drama:
            best = sides
        if not sides.broken:
            break
    return best


@lawgiver
def limit(argument: str, end: str, value: str) -> Law:
    """Towards an end of an argument, 0 or inf, it becomes an expression: their ratio goes to 1, or the value to 0 or infinity."""
    if end not in ("0", "inf"):
        raise ValueError(f"a limit goes to 0 or inf, as in limit(time, inf, 0); got {end!r}")
    wanted = expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        at = far(case.setting, argument, end)
        if value in ("inf", "-inf") and at:
            found = f(at[-1])
            large = np.full_like(found, LARGE)
            return Sides(
                found if value == "inf" else -found, large, 0 * large, (at[-1],), ("value", "a large number"), ">="
            )
        return _nearest(f, at, wanted)

    to = {"0": "0", "inf": "infinity"}[end]
    return Law(
        f"limit({argument}, {end}, {value})",
        f"as {argument} goes to {to} it becomes {value}",
        rf"f \to {value}",
        check,
        anchored=value not in ("0", "inf", "-inf"),
    )


@lawgiver
def expansion(argument: str, end: str, first: str, second: str) -> Law:
    """Towards an end of an argument it is one expression, and what it differs from that by becomes another."""
    main, rest = expression(first), expression(second)

    def check(f: Subject, case: Case) -> Sides | None:
        best: Sides | None = None
        for one in far(case.setting, argument, end)[:2]:
            left, right = f(one) - main(one), rest(one)
            tolerance = PART * np.abs(right) + f.tolerance(one)
            sides = Sides(left, right, tolerance, (one,), (f"value less {first}", second))
            if (f.tolerance(one) < PART * np.abs(right)).all() and (best is None or sides.drama < best.drama):
                best = sides
        return best

    return Law(
        f"expansion({argument}, {end}, {first}, {second})",
        f"as {argument} goes to {'0' if end == '0' else 'infinity'} it is {first}, and differs from that by {second}",
        rf"f = {first} + {second} + \dots",
        check,
        anchored=True,
    )


def _fits(text: str, argument: str, value: str) -> Callable[[Setting], Setting]:
    """The setting with an argument at a value."""
    if argument == "query":
        return lambda s: s.at(query=value)
    number: float = int(value) if argument == "samples" else float(value)
    if argument not in ("samples", "temperature", "bandwidth"):
        raise ValueError(f"{text} takes samples, temperature, bandwidth or query; got {argument!r}")
    return lambda s: s.at(**{argument: number})


def _line(setting: Setting) -> Setting:
    """The first direction alone."""
    return setting.at(manifold=LinearManifold((Subspace(float(setting.manifold.variances[0])),)), point=None)


def _equation(f: Subject, setting: Setting, left: str, right: str) -> Sides | None:
    """Two sides of an equation at a setting; nothing is said where both sides are no numbers, or the right one infinite."""
    one, other = expression(left), expression(right)
    value, off = f(setting), f.tolerance(setting)
    sides = one(setting, value), other(setting, value)
    tolerance = one.tolerance(setting, value, off) + other.tolerance(setting, value, off)
    known = one.known(setting) & other.known(setting)
    silent = np.isinf(sides[1]) | (np.isnan(sides[1]) & np.isnan(sides[0])) | ~known
    silent = silent | (np.isinf(value) & np.isnan(sides[0]))  # infinity times nothing
    if silent.all():
        return None
    shown, held, tolerance = (np.where(silent, 0.0, side) for side in (*sides, tolerance))
    return Sides(shown, held, tolerance, (setting,), (left if left != "f" else "value", right))


@lawgiver
def equation(left: str, right: str) -> Law:
    """Two expressions of the value f and the letters are equal."""
    expression(left), expression(right)
    return Law(
        f"equation({left}, {right})",
        f"{left} equals {right}, with f its value",
        rf"{left} = {right}",
        lambda f, case: _equation(f, case.setting, left, right),
        anchored=True,
    )


@lawgiver
def at(argument: str, value: str, left: str, right: str = "") -> Law:
    """With samples, temperature, bandwidth or query at a value it is an expression, or two expressions of f are equal."""
    move = _fits("at", argument, value)
    one, other = (left, right) if right else ("f", left)
    expression(one), expression(other)
    name = f"at({argument}, {value}, {left}{', ' + right if right else ''})"
    return Law(
        name,
        f"at {argument} {value} {'it' if one == 'f' else one} is {other}",
        rf"f|_{{\mathrm{{{argument}}} = {value}}} = {other}",
        lambda f, case: _equation(f, move(case.setting), one, other),
        anchored=True,
    )


@lawgiver
def on_a_line(value: str, samples: str = "") -> Law:
    """In one direction, for any number of samples or as many as are named, it is an expression."""
    expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        line = _line(case.setting)
        return _equation(f, line.at(samples=int(samples)) if samples else line, "f", value)

    return Law(
        f"on_a_line({value}{', ' + samples if samples else ''})",
        f"in one direction{f', for {samples} samples,' if samples else ''} it is {value}",
        rf"f|_{{D = 1}} = {value}",
        check,
        anchored=True,
    )


def _at_times(setting: Setting, times: Array) -> Setting | None:
    """The setting at other times; None where they are not inside its schedule."""
    try:
        return setting.at(times=times)
    except ValueError:
        return None


@lawgiver
def crosses(name: str, value: str, argument: str = "time") -> Law:
    """It is the time, or number of samples, at which a quantity of the catalogue, of the same subspace, has a value."""
    other, wanted = catalogued(name), expression(value)
    find = {"time": _crossing_in_time, "samples": _crossing_in_samples}.get(argument)
    if find is None:
        raise ValueError(f"crosses takes time or samples, got {argument!r}")

    def check(f: Subject, case: Case) -> Sides | None:
        found = find(f, other, case.setting)
        if found is None:
            return None
        known, there, tolerance, at = found
        right = np.where(known, wanted(at).ravel()[0], 0.0)
        return Sides(np.where(known, there, 0.0), right, tolerance, (case.setting,), words)

    words = f"{name} there", value
    last = "" if argument == "time" else f", {argument}"
    what = "time" if argument == "time" else "number of samples"
    return Law(
        f"crosses({name}, {value}{last})",
        f"it is the {what} at which {name} is {value}",
        rf"\mathrm{{{name}}}|_{{f}} = {value}",
        check,
        anchored=True,
    )


Crossing = tuple[Array, Array, Array, Setting]


def _crossing_in_time(f: Subject, other: Subject, setting: Setting) -> Crossing | None:
    """Where a time is known, the other quantity there, what it may be off by, and the setting at those times."""
    times, off = f(setting)[0], f.tolerance(setting)[0]
    known = np.isfinite(times)
    there = _at_times(setting, np.where(known, times, 1.0)) if known.any() else None
    if there is None:
        return None
    near = [_at_times(setting, there.times * (1 + s * off / times)) for s in (-1, 1)]
    value, *around = (_own(other(one)) for one in (there, *near) if one is not None)
    return known, value, sum((np.abs(one - value) for one in around), _own(other.tolerance(there))), there


def _crossing_in_samples(f: Subject, other: Subject, setting: Setting) -> Crossing | None:
    """The same for the number of samples at the setting's first time."""
    first = setting.at(times=setting.times[:1])
    samples = float(f(first).ravel()[0])
    if not COUNTABLE[0] < samples < COUNTABLE[1]:
        return None
    there, more = (first.at(samples=round(samples) + k) for k in (0, 1))
    value = other(there)[0]
    off = 2 + float(f.tolerance(first).ravel()[0])
    return np.isfinite(value), value, other.tolerance(there)[0] + off * np.abs(other(more)[0] - value), there


def _own(values: Array) -> Array:
    """Of a quantity at K times, that of subspace k at time k; of a time for all, the value there."""
    return np.diagonal(values) if values.shape[0] == values.shape[1] else values[:, 0]


@lawgiver
def at_time(name: str, value: str) -> Law:
    """At a time that the catalogue knows it has a value."""
    when, wanted = catalogued(name), expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        times = when(case.setting)[0]
        there = _at_times(case.setting, times) if np.isfinite(times).all() else None
        if there is None:
            return None
        near = _at_times(case.setting, times * (1 + 1e-9))
        found = f(there)
        moves = 0.0 if near is None else np.abs(f(near) - found) * (1 + when.accuracy / 1e-9)
        return Sides(
            found,
            np.broadcast_to(wanted(there), found.shape),
            f.tolerance(there) + moves + 1e-9,
            (there,),
            ("value", value),
        )

    return Law(
        f"at_time({name}, {value})",
        f"at the time {name} it is {value}",
        rf"f(t = \mathrm{{{name}}}) = {value}",
        check,
        anchored=True,
    )


@lawgiver
def at_samples(name: str, value: str) -> Law:
    """With as many samples as the catalogue says it has a value."""
    many, wanted = catalogued(name), expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting.at(times=case.setting.times[:1])
        samples = many(setting).ravel()[0]
        if not COUNTABLE[0] < samples < COUNTABLE[1]:
            return None
        there, more = (setting.at(samples=round(samples) + k) for k in (0, 1))
        off = f.tolerance(there) + np.abs(f(more) - f(there)) * (2 + many.accuracy * samples)
        return Sides(f(there), np.broadcast_to(wanted(there), f(there).shape), off, (there,), ("value", value))

    return Law(
        f"at_samples({name}, {value})",
        f"with {name} samples it is {value}",
        rf"f(N = \mathrm{{{name}}}) = {value}",
        check,
        anchored=True,
    )


@lawgiver
def at_bandwidth(name: str, factor: str, value: str) -> Law:
    """At a bandwidth that the catalogue knows, times a factor, it has a value."""
    width, wanted = catalogued(name), expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting.at(times=case.setting.times[:1])
        there = _with(setting, "bandwidth", float(width(setting).ravel()[0]) * float(factor))
        if there is None or there.bandwidth == 0:
            return None
        return Sides(
            f(there), np.broadcast_to(wanted(there), f(there).shape), f.tolerance(there), (there,), ("value", value)
        )

    return Law(
        f"at_bandwidth({name}, {factor}, {value})",
        f"at the bandwidth {name} times {factor} it is {value}",
        rf"f(h = {factor}\,\mathrm{{{name}}}) = {value}",
        check,
        anchored=True,
    )


@lawgiver
def vanishes_from(name: str) -> Law:
    """It is the bandwidth from which on a quantity of the catalogue is 0."""
    other = catalogued(name)

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting.at(times=case.setting.times[:1])
        width = float(f(setting).ravel()[0])
        below, above = (_with(setting, "bandwidth", width * factor) for factor in (1 - ASIDE, 1 + ASIDE))
        if below is None or above is None or width == 0:
            return None
        found = np.array([[float(other(one).ravel()[0] > 0) for one in (below, above)]])
        return Sides(
            found, np.array([[1.0, 0.0]]), 0 * found, (setting,), (f"{name} beside it is positive", "1 below, 0 above")
        )

    return Law(
        f"vanishes_from({name})",
        f"it is the bandwidth from which on {name} is 0",
        rf"\mathrm{{{name}}}(h) > 0 \iff h < f",
        check,
        anchored=True,
    )


@lawgiver
def least_at(argument: str, value: str) -> Law:
    """It is where an expression of the catalogue's quantities is least, as a time or a bandwidth."""
    whole = expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        best = f(case.setting)[:, 0]
        rows = range(best.size) if argument == "bandwidth" else [0]
        values, off = [], []
        for i in rows:
            one = case.setting if best.size == 1 else case.setting.at(times=case.setting.times[[i]])
            near = [_with(one, argument, best[i] * factor) for factor in (1.0, 1 + ASIDE, 1 / (1 + ASIDE))]
            if best[i] == 0 or any(n is None for n in near):
                return None
            values.append([float(whole(n).ravel()[0]) for n in near if n is not None])
            off.append(float(whole.tolerance(near[0], np.array(np.nan), np.zeros(())).ravel()[0]))
        there, *around = np.array(values).T
        aside = np.fmin(*around)
        own = 1e-12 * np.abs(there) + np.array(off)
        tolerance = own + (np.abs(there) + 1e-12) * sum(catalogued(o).accuracy for o in whole.others)
        return Sides(there, aside, tolerance, (case.setting,), (f"{value} there", "beside it"), "<=")

    return Law(
        f"least_at({argument}, {value})",
        f"it is the {argument} at which {value} is least",
        rf"f = \arg\min\, {value}",
        check,
        anchored=True,
    )


def _with(setting: Setting, argument: str, value: float) -> Setting | None:
    try:
        return setting.at(times=[value]) if argument == "time" else setting.at(**{argument: value})
    except ValueError:
        return None


@lawgiver
def normalized() -> Law:
    """The exponential of a log-density integrates to one over a line."""

    def check(f: Subject, case: Case) -> Sides | None:
        line = _line(case.setting)
        line = line.at(times=line.times[:1])
        width = float(np.sqrt(line.manifold.variances[0] + line.t[0]))
        x = np.linspace(-1, 1, POINTS) * (WIDTHS * width + line.separation)
        step = min(x[1] - x[0], 1e300)
        if step > width / 2:
            return None
        density = np.exp([f(line.at(point=(float(one),)))[0, 0] for one in x])
        total = np.array([[density.sum() * step]])
        return Sides(total, np.ones((1, 1)), np.full((1, 1), 1e-6), (line,), ("integral", "one"))

    return Law(
        "normalized",
        "its exponential integrates to one",
        r"\int e^f dx = 1",
        check,
        anchored=True,
        needs=lambda f: f.about.anywhere and f.about.directions == 1,
    )


@lawgiver
def slope(argument: str, value: str) -> Law:
    """Its derivative by the logarithm of an argument is an expression: finite differences hold it to that."""
    wanted = expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        return _slopes(
            f, case.setting, argument, lambda s: (wanted(s, f(s)), wanted.tolerance(s, f(s), f.tolerance(s)))
        )

    return Law(
        f"slope({argument}, {value})",
        f"its derivative by log {argument} is {value}",
        rf"\partial f / \partial \log \mathrm{{{argument}}} = {value}",
        check,
        anchored=True,
    )


@lawgiver
def slope_of(name: str, argument: str, value: str, where: str = "") -> Law:
    """The derivative of a quantity of the catalogue by log of an argument, at a point if so said, is an expression of f."""
    other, wanted = catalogued(name), expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting
        if where == "point":
            typical = np.sqrt(setting.manifold.spectrum + setting.t[0])
            setting = setting.at(point=tuple(typical.tolist()))
        return _slopes(other, setting, argument, lambda s: (wanted(s, f(s)), wanted.tolerance(s, f(s), f.tolerance(s))))

    there = " at a point" if where else ""
    return Law(
        f"slope_of({name}, {argument}, {value}{', ' + where if where else ''})",
        f"the derivative of {name} by log {argument}{there} is {value}, with f its value",
        rf"\partial\,\mathrm{{{name}}} / \partial \log \mathrm{{{argument}}} = {value}",
        check,
        anchored=True,
    )


@lawgiver
def power(argument: str, exponent: str) -> Law:
    """It is a power of an argument."""
    p = float(exponent)

    def check(f: Subject, case: Case) -> Sides | None:
        other = moved(case.setting, argument, case.size)
        if other is None:
            return None
        by = other.samples / case.setting.samples if argument == "samples" else case.size
        value = f(case.setting)
        return Sides(
            f(other), by**p * value, f.tolerance(other) + by**p * f.tolerance(case.setting), (other, case.setting)
        )

    return Law(
        f"power({argument}, {exponent})",
        f"it goes as {argument} to the power {exponent}",
        rf"f \propto \mathrm{{{argument}}}^{{{exponent}}}",
        check,
    )


def _slopes(
    f: Subject, setting: Setting, argument: str, wanted: Callable[[Setting], tuple[Array, Array]]
) -> Sides | None:
    coarse, fine = _slope(f, setting, argument, STEP), _slope(f, setting, argument, STEP / 2)
    if coarse is None or fine is None:
        return None
    found = fine + (fine - coarse) / 15
    right, off = wanted(setting)
    tolerance = 4 * np.abs(fine - coarse) + 4 * f.tolerance(setting) / STEP + off
    if not np.isfinite(right).any():
        return None
    known = np.isfinite(right)
    found, right, tolerance = (np.where(known, one, 0.0) for one in (found, right, tolerance))
    return Sides(found, right, tolerance, (setting,), (f"slope by log {argument}", "by the law"))


def _slope(f: Subject, setting: Setting, argument: str, step: float) -> Array | None:
    """To fourth order in the step."""
    at = [moved(setting, argument, float(np.exp(k * step))) for k in (-2, -1, 1, 2)]
    if any(one is None for one in at):
        return None
    a, b, c, d = (f(one) for one in at if one is not None)
    with np.errstate(all="ignore"):
        return np.asarray((a - 8 * b + 8 * c - d) / (12 * step))
