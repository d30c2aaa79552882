"""Laws of places: the time, size or bandwidth at which something happens, and what a quantity is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties.expression import expression
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.subject import Subject, catalogued

__all__ = ["at_bandwidth", "at_samples", "at_time", "crosses", "least_at", "vanishes_from"]

Array = NDArray[np.float64]
COUNTABLE = 10.5, 1e15  # numbers of samples that a change of one does not move much, and float64 tells apart
ASIDE = 0.02  # of what is least


def _at(setting: Setting, **changes: Any) -> Setting | None:
    """The setting with changes; None where they are outside its domain."""
    try:
        return setting.at(**changes)
    except ValueError:
        return None


def _moved(setting: Setting, argument: str, value: float) -> Setting | None:
    """With another time, training time or bandwidth."""
    if argument == "training":
        return setting.trained(times=(value,)) if 0 < value < np.inf else None
    return _at(setting, **{"times" if argument == "time" else argument: value})


@lawgiver
def crosses(name: str, value: str, argument: str = "time") -> Law:
    """It is the time, training time or number of samples at which a quantity of the catalogue, of the subspace, has a value."""
    other, wanted = catalogued(name), expression(value)
    find = {"time": _crossing_in_time, "training": _crossing_in_training, "samples": _crossing_in_samples}.get(argument)
    if find is None:
        raise ValueError(f"crosses takes time, training or samples, got {argument!r}")

    def check(f: Subject, case: Case) -> Sides | None:
        found = find(f, other, case.setting)
        if found is None:
            return None
        known, there, tolerance, at = found
        known = known & np.isfinite(tolerance)  # where it diverges within what the place may be off by, nothing is said
        right = np.where(known, wanted(at).ravel()[0], 0.0)
        return Sides(np.where(known, there, 0.0), right, np.where(known, tolerance, 0.0), (case.setting,), words)

    words = f"{name} there", value
    last = "" if argument == "time" else f", {argument}"
    what = {"time": "time", "training": "training time"}.get(argument, "number of samples")
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
    there = _at(setting, times=np.where(known, times, 1.0)) if known.any() else None
    if there is None:
        return None
    near = [_at(setting, times=there.times * (1 + s * off / times)) for s in (-1, 1)]
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


def _crossing_in_training(f: Subject, other: Subject, setting: Setting) -> Crossing | None:
    """The same for a training time at the setting's first time."""
    first = setting.at(times=setting.times[:1])
    tau = float(f(first).ravel()[0])
    if not 0 < tau < np.inf:
        return None
    off = max(float(f.tolerance(first).ravel()[0]) / tau, 1e-9)
    there, *near = (first.trained(times=(tau * (1 + s * off),)) for s in (0, -1, 1))
    value = other(there)[0]
    tolerance = other.tolerance(there)[0] + sum(np.abs(other(one)[0] - value) for one in near)
    return np.isfinite(value), value, tolerance, there


def _own(values: Array) -> Array:
    """Of a quantity at K times, that of subspace k at time k; of a time for all, the value there."""
    return np.diagonal(values) if values.shape[0] == values.shape[1] else values[:, 0]


@lawgiver
def at_time(name: str, value: str) -> Law:
    """At a time that the catalogue knows it has a value."""
    when, wanted = catalogued(name), expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        times = when(case.setting)[0]
        there = _at(case.setting, times=times) if np.isfinite(times).all() else None
        if there is None:
            return None
        near = _at(case.setting, times=times * (1 + 1e-9))
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
        there = _at(setting, bandwidth=float(width(setting).ravel()[0]) * float(factor))
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
        below, above = (_at(setting, bandwidth=width * factor) for factor in (1 - ASIDE, 1 + ASIDE))
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
    """It is where an expression of the catalogue's quantities is least, as a time, a training time or a bandwidth."""
    whole = expression(value)

    def check(f: Subject, case: Case) -> Sides | None:
        best = f(case.setting)[:, 0]
        rows = range(1) if argument == "time" else range(best.size)
        values, off = [], []
        for i in rows:
            one = case.setting if best.size == 1 else case.setting.at(times=case.setting.times[[i]])
            near = [_moved(one, argument, best[i] * factor) for factor in (1.0, 1 + ASIDE, 1 / (1 + ASIDE))]
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
