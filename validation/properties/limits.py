"""Laws of limits: what a quantity becomes towards an end of an argument, constants included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties.expression import expression
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.order import moved
from validation.properties.subject import Subject

__all__ = ["expansion", "limit"]

Array = NDArray[np.float64]
REACHED = 1e-3  # of the limit, at one of its far points
FAR = 1e3, 1e6, 1e12, 1e40  # of the scale of an argument
PART = 0.05  # of what comes second in an expansion
LARGE = 30.0  # that infinity is held against


def _far(setting: Setting, argument: str, end: str) -> list[Setting]:
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
        "separation": np.sqrt(_widest(setting) if up else _narrowest(setting)) / max(setting.separation, 1e-100),
    }
    scales |= _of_network(setting)
    at = [moved(setting, argument, float(scales.get(argument, 1.0) * step)) for step in steps]
    return [one for one in at if one is not None]


def _widest(setting: Setting) -> float:
    return float(max(setting.manifold.variances.max(), setting.t.max()))


def _narrowest(setting: Setting) -> float:
    return float(max(setting.manifold.variances.min(), setting.t.min()))


def _of_network(setting: Setting) -> dict[str, float]:
    """The ridge that is as large as the largest eigenvalue of the features, and the training time that learns along it."""
    network = setting.network
    if network is None:
        return {}
    sigma2 = float((setting.alpha**2 * setting.t).max())
    size = 1 + float((setting.alpha**2).max() * setting.manifold.variances.max()) + sigma2  # of a feature, at most
    D, p = setting.manifold.ambient_dimension, network.features
    rate = sigma2 * (size * (1 + D / p + D / setting.samples) + network.ridge * D / p)
    largest = size * (1 + p / D + p / setting.samples) if p < np.inf else 1.0
    return {"training": 1 / (rate * network.tau.max()), "ridge": largest / network.ridge if network.ridge else 1.0}


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
        if not f.own and np.isnan(f(case.setting)).any():
            return None  # the catalogue does not know it there
        at = _far(case.setting, argument, end)
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
        for one in _far(case.setting, argument, end)[:2]:
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
