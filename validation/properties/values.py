"""Laws of values: bounds, and the equations that a quantity solves, everywhere or where they are simple."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.setting import LinearManifold, Setting, Subspace
from validation.properties.expression import expression
from validation.properties.law import Case, Law, Relation, Sides, lawgiver
from validation.properties.subject import Subject, catalogued

__all__ = ["at", "at_least", "at_most", "equation", "finite", "mean_square", "normalized", "on_a_line"]

Array = NDArray[np.float64]
POINTS, WIDTHS = 201, 9.0  # of a density, and standard deviations to both sides


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


def _fits(text: str, argument: str, value: str) -> Callable[[Setting], Setting]:
    """The setting with an argument at a value."""
    if argument == "query":
        return lambda s: s.at(query=value)
    number: float = int(value) if argument == "samples" else float(value)
    if argument == "point":
        return lambda s: s.at(point=(number, *[0.0] * (s.manifold.intrinsic_dimension - 1)))
    if argument not in ("samples", "temperature", "bandwidth"):
        raise ValueError(f"{text} takes samples, temperature, bandwidth, query or point; got {argument!r}")
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
    """With samples, temperature, bandwidth, query or point at a value it is an expression, or two expressions of f are equal.

    The value of a point is that along the first direction; it is 0 along the others.
    """
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


def _over_a_line(log_density: Subject, setting: Setting) -> tuple[Setting, Array, Array] | None:
    """The first direction alone at the first time, points along it, and the density there times their distance."""
    line = _line(setting)
    line = line.at(times=line.times[:1])
    width = float(np.sqrt(line.manifold.variances[0] + line.t[0]))
    x = np.linspace(-1, 1, POINTS) * (WIDTHS * width + line.separation)
    step = min(x[1] - x[0], 1e300)
    if step > width / 2:
        return None
    return line, x, step * np.exp([log_density(line.at(point=(float(one),)))[0, 0] for one in x])


@lawgiver
def normalized() -> Law:
    """The exponential of a log-density integrates to one over a line."""

    def check(f: Subject, case: Case) -> Sides | None:
        found = _over_a_line(f, case.setting)
        if found is None:
            return None
        line, _, masses = found
        total = np.array([[masses.sum()]])
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
def mean_square(name: str) -> Law:
    """In one direction it is the mean of x^2 under a log-density of the catalogue, by quadrature."""
    known = catalogued(name)

    def check(f: Subject, case: Case) -> Sides | None:
        found = _over_a_line(known, case.setting)
        if found is None:
            return None
        line, x, masses = found
        right = np.array([[masses @ x**2]])
        return Sides(f(line), right, f.tolerance(line) + 1e-6 * right, (line,), ("value", "mean of x^2"))

    return Law(
        f"mean_square({name})",
        f"in one direction it is the mean of x^2 under {name}",
        rf"f|_{{D = 1}} = \int x^2 e^{{\mathrm{{{name}}}}} dx",
        check,
        anchored=True,
    )
