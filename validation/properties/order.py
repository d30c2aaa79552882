"""Laws of order: what grows, what falls, and how a quantity bends."""

from __future__ import annotations

import numpy as np

from theory.setting import LinearManifold, Setting, Subspace
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.subject import Subject

__all__ = ["moved"]

TRAINED = "features", "training", "ridge"
ARGUMENTS = ("time", "samples", "variance", "dimension", "temperature", "bandwidth", "separation", *TRAINED)
MOST = 10**300


def moved(setting: Setting, argument: str, factor: float) -> Setting | None:
    """The setting with one argument times a factor, integers rounded away from where they were; None outside its domain."""
    try:
        return _moved(setting, argument, factor)
    except ValueError:
        return None


def _moved(setting: Setting, argument: str, factor: float) -> Setting | None:
    if argument == "time":
        times = setting.times * factor
        return setting.at(times=times) if (times < setting.schedule.last_time).all() else None
    if argument == "samples":
        return setting.at(samples=max(2, _rounded(setting.samples, factor)))
    if argument in ("variance", "dimension"):
        parts = [
            Subspace(s.variance * factor, s.dimension)
            if argument == "variance"
            else Subspace(s.variance, max(1, _rounded(s.dimension, factor)))
            for s in setting.manifold.subspaces
        ]
        normal = setting.manifold.ambient_dimension - setting.manifold.intrinsic_dimension
        ambient = sum(p.dimension for p in parts) + normal
        return None if setting.point is not None else setting.at(manifold=LinearManifold(tuple(parts), ambient))
    if argument in TRAINED:
        return _trained(setting, argument, factor)
    value = getattr(setting, argument)
    return setting.at(**{argument: value * factor}) if value else None


def _trained(setting: Setting, argument: str, factor: float) -> Setting | None:
    """With another network, where there is one, and a ridge where it has one."""
    network = setting.network
    if (
        network is None
        or (argument == "ridge" and not network.ridge)
        or (argument == "features" and network.features == np.inf)
    ):
        return None
    if argument == "training":
        return setting.trained(times=tuple(factor * network.tau))
    if argument == "ridge":
        return setting.trained(ridge=factor * network.ridge)
    return setting.trained(features=max(1, _rounded(int(network.features), factor)))


def _rounded(count: int, factor: float) -> int:
    """A count times a factor, by one at least."""
    if count > MOST:
        return count
    found = round(count * factor)
    return found if found != count else count + (1 if factor > 1 else -1)


def _argument(name: str) -> str:
    if name not in ARGUMENTS:
        raise ValueError(f"an argument is one of {', '.join(ARGUMENTS)}; got {name!r}")
    return name


@lawgiver
def monotone(argument: str, direction: str) -> Law:
    """It goes up, or down, with an argument, or stays."""
    name = _argument(argument)
    if direction not in ("up", "down"):
        raise ValueError(f"monotone takes up or down, as in monotone(samples, down); got {direction!r}")

    def check(f: Subject, case: Case) -> Sides | None:
        more = moved(case.setting, name, max(case.size, 1 / case.size))
        if more is None:
            return None
        tolerance = f.tolerance(case.setting) + f.tolerance(more)
        relation = ">=" if direction == "up" else "<="
        return Sides(f(more), f(case.setting), tolerance, (more, case.setting), ("with more", "with less"), relation)  # type: ignore[arg-type]

    return Law(
        f"monotone({argument}, {direction})",
        f"with more {argument} it goes {direction}, or stays",
        rf"\partial f / \partial\,\mathrm{{{argument}}} {'≥' if direction == 'up' else '≤'} 0",
        check,
    )


@lawgiver
def data_processing() -> Law:
    """Information falls along the noise."""
    down = monotone("time", "down")
    return Law(
        "data_processing",
        "information falls along the noise: later times know no more",
        r"t' > t \Rightarrow I(x_0; x_{t'}) \le I(x_0; x_t)",
        down.check,
        "data processing inequality",
    )


def _bent(argument: str, convex: bool) -> Law:
    name, word = _argument(argument), "convex" if convex else "concave"

    def check(f: Subject, case: Case) -> Sides | None:
        factor = max(case.size, 1 / case.size)
        middle, far = moved(case.setting, name, factor), moved(case.setting, name, 2 * factor - 1)
        if middle is None or far is None:
            return None
        if name == "samples":
            whole = 2 * middle.samples - case.setting.samples
            far = case.setting.at(samples=whole)
        tolerance = f.tolerance(case.setting) + f.tolerance(middle) + f.tolerance(far)
        chord = (f(case.setting) + f(far)) / 2
        at = (middle, case.setting, far)
        return Sides(f(middle), chord, tolerance, at, ("in the middle", "mean of the ends"), "<=" if convex else ">=")

    return Law(
        f"{word}({argument})",
        f"it is {word} in {argument}",
        rf"\partial^2 f / \partial\,\mathrm{{{argument}}}^2 {'≥' if convex else '≤'} 0",
        check,
    )


@lawgiver
def convex(argument: str) -> Law:
    """It lies below its chords."""
    return _bent(argument, True)


@lawgiver
def concave(argument: str) -> Law:
    """It lies above its chords."""
    return _bent(argument, False)


@lawgiver
def ordered() -> Law:
    """Subspaces come in the order of their variances: a larger variance has the larger value."""

    def check(f: Subject, case: Case) -> Sides | None:
        variances = case.setting.manifold.variances
        if variances.size < 2 or case.setting.point is not None:
            return None
        order = np.argsort(variances)
        value, tolerance = f(case.setting)[:, order], f.tolerance(case.setting)[:, order]
        return Sides(
            value[:, 1:],
            value[:, :-1],
            tolerance[:, 1:] + tolerance[:, :-1],
            (case.setting,),
            ("of larger variance", "of smaller variance"),
            ">=",
        )

    return Law(
        "ordered",
        "a subspace of larger variance has the larger value",
        r"\lambda_j > \lambda_k \Rightarrow f_j \ge f_k",
        check,
        needs=lambda f: "subspace" in f.about.dims,
    )
