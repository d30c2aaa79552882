"""Laws of slopes: derivatives by the logarithm of an argument, and powers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties.expression import expression
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.order import moved
from validation.properties.subject import Subject, catalogued

__all__ = ["power", "slope", "slope_of"]

Array = NDArray[np.float64]
STEP = 0.02  # in the logarithm of an argument


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
