"""Laws of structure: what a change of units, schedule, coordinates or bookkeeping does to a quantity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from theory.setting import SCHEDULES, LinearManifold, Setting, Subspace
from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.subject import Subject

__all__ = ["joined", "scaled"]

Array = NDArray[np.float64]
NOTHING = 1e-60  # of the smallest variance and noise: a direction that holds none


def scaled(setting: Setting, c: float) -> Setting:
    """In other units: x -> c x, and what is a variance by c^2."""
    schedule = setting.schedule
    return setting.at(
        manifold=setting.manifold.scaled(c**2),
        times=schedule.time(c**2 * setting.t),
        point=None if setting.point is None else tuple(c * x for x in setting.point),
        bandwidth=c**2 * setting.bandwidth,
        separation=c * setting.separation,
    )


def joined(setting: Setting, parts: Sequence[tuple[float, int]], ambient: int = 0) -> Setting:
    """The setting with other subspaces, without normal directions but to fill up the ambient dimension."""
    return setting.at(manifold=LinearManifold(tuple(Subspace(*part) for part in parts), ambient), point=None)


def _parts(setting: Setting) -> list[tuple[float, int]]:
    return [(s.variance, s.dimension) for s in setting.manifold.subspaces]


def _equal(subject: Subject, one: Setting, other: Setting, turned: Array, factor: float | Array = 1.0) -> Sides:
    """f(other) = factor * turned, with `turned` what became of f(one)."""
    right = factor * turned
    tolerance = subject.tolerance(other) + np.abs(factor) * _like(turned, subject.tolerance(one))
    return Sides(subject(other), right, tolerance, (other, one))


def _like(turned: Array, tolerance: Array) -> Array:
    """A tolerance for other subspaces than it belongs to: at each time the largest."""
    return tolerance if tolerance.shape == turned.shape else np.fmax.reduce(tolerance, axis=1, keepdims=True)


@lawgiver
def scaling(degree: str) -> Law:
    """In other units, x -> c x, lambda -> c^2 lambda, t -> c^2 t, the value is c^degree times itself."""
    d = float(degree)

    def check(f: Subject, case: Case) -> Sides | None:
        c = case.size
        return _equal(f, case.setting, scaled(case.setting, c), f(case.setting), c**d)

    return Law(
        f"scaling({degree})",
        f"in other units, x -> c x and t, lambda -> c^2 of themselves, it is c^{degree} times itself",
        rf"f(c x, c^2 \lambda, c^2 t) = c^{{{degree}}} f(x, \lambda, t)",
        check,
        "dimensional analysis",
    )


@lawgiver
def log_scaling(degree: str) -> Law:
    """In other units the value is itself plus degree log c."""
    d = float(degree)

    def check(f: Subject, case: Case) -> Sides | None:
        other = scaled(case.setting, case.size)
        right = f(case.setting) + d * np.log(case.size)
        return Sides(f(other), right, f.tolerance(other) + f.tolerance(case.setting) + 1e-14, (other, case.setting))

    return Law(
        f"log_scaling({degree})",
        f"in other units, x -> c x and t, lambda -> c^2 of themselves, it grows by {degree} log c",
        rf"f(c x, c^2 \lambda, c^2 t) = f(x, \lambda, t) + {degree} \log c",
        check,
        "dimensional analysis",
    )


@lawgiver
def schedule(power: str) -> Law:
    """In another schedule it is the same at the same t, times alpha^power; for power `time` it is the schedule's own time."""

    def check(f: Subject, case: Case) -> Sides | None:
        other = list(SCHEDULES.values())[case.pick % len(SCHEDULES)]
        plain = case.setting.at(schedule="ve", times=case.setting.t)
        times = other.time(plain.times)
        if not (times < other.last_time).all() or plain.point is not None:
            return None
        lens = plain.at(schedule=other, times=times)
        if not np.allclose(lens.t, plain.t, rtol=1e-9, atol=0):
            return None  # near its last time a schedule does not resolve t
        value = f(plain)
        if power == "time":
            with np.errstate(all="ignore"):
                by = np.abs(other.time(value * (1 + 1e-9)) / other.time(value) - 1) / 1e-9
            return Sides(
                f(lens), other.time(value), np.abs(other.time(value)) * (1e-12 + f.accuracy * by), (lens, plain)
            )
        factor = lens.alpha[:, None] ** float(power) if float(power) else 1.0
        sides = _equal(f, plain, lens, value, factor)
        loss = 1e-9 * np.abs(sides.right) if other.last_time < np.inf else 0.0
        return Sides(sides.left, sides.right, sides.tolerance + loss, sides.at)

    said = "its time is the schedule's" if power == "time" else f"it is that at the same t times alpha^{power}"
    return Law(
        f"schedule({power})",
        f"in another schedule {said}",
        rf"f_{{\alpha,\sigma}}(\tau) = \alpha^{{{power}}} f(\sigma^2/\alpha^2)",
        check,
        "x_tau = alpha x_0 + sigma xi is x_0 + sqrt(t) xi seen through a lens",
        needs=lambda f: f.schedules,
    )


@lawgiver
def permutation() -> Law:
    """The order in which subspaces are written does not matter."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting
        if len(setting.manifold.subspaces) < 2 or setting.point is not None or setting.ensemble == "mixture":
            return None
        other = setting.at(
            manifold=LinearManifold(setting.manifold.subspaces[::-1], setting.manifold.ambient_dimension)
        )
        turned = f(setting)
        own = f.tolerance(setting)
        if "subspace" in f.about.dims:
            turned, own = turned[:, ::-1], own[:, ::-1]
        return Sides(f(other), turned, f.tolerance(other) + own, (other, setting))

    return Law(
        "permutation",
        "the order of the subspaces does not matter",
        r"f(\lambda_{\pi k}, m_{\pi k}) = \pi f(\lambda_k, m_k)",
        check,
        "rotation invariance of the Gaussian",
        needs=lambda f: f.most_subspaces is None and f.about.directions is None and f.about.subspaces is None,
    )


@lawgiver
def splitting() -> Law:
    """A subspace of m + 1 directions is one of m and one of 1, of the same variance."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting
        if setting.point is not None or setting.ensemble == "mixture":
            return None
        parts = _parts(setting)
        k = case.pick % len(parts)
        variance, m = parts[k]
        ambient = setting.manifold.ambient_dimension + 1
        whole, apart = (
            joined(setting, (*parts[:k], *pieces, *parts[k + 1 :]), ambient)
            for pieces in (((variance, m + 1),), ((variance, m), (variance, 1)))
        )
        value = f(whole)
        if "subspace" in f.about.dims:
            value = np.insert(value, k, value[:, k], axis=1)
        return _equal(f, whole, apart, value)

    return Law(
        "splitting",
        "a subspace may be split in two of the same variance, and equal ones merged",
        r"f(\lambda^{m + 1}) = f(\lambda^m, \lambda^1)",
        check,
        "only the spectrum matters",
        needs=lambda f: f.most_subspaces is None and f.about.directions is None and f.about.subspaces is None,
    )


@lawgiver
def normal_directions() -> Law:
    """Directions in which the data do not vary change nothing."""

    def check(f: Subject, case: Case) -> Sides | None:
        manifold = case.setting.manifold
        wide = LinearManifold(manifold.subspaces, manifold.ambient_dimension + 1 + case.pick)
        if case.setting.point is not None and len(case.setting.point) != manifold.intrinsic_dimension:
            return None
        other = case.setting.at(manifold=wide)
        return _equal(f, case.setting, other, f(case.setting))

    return Law(
        "normal_directions",
        "directions in which the data do not vary change nothing",
        r"f(\lambda, 0) = f(\lambda)",
        check,
        "noise normal to the manifold is the same for all samples",
        needs=lambda f: f.most_directions is None,
    )


@lawgiver
def vanishing_direction() -> Law:
    """A direction of vanishing variance adds nothing to the others."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting
        if setting.point is not None:
            return None
        parts = _parts(setting)
        least = NOTHING * min([v for v, _ in parts] + setting.t.tolist())
        if least < 1e-95:
            return None
        ambient = setting.manifold.ambient_dimension + 1
        more, wide = (joined(setting, one, ambient) for one in ((*parts, (least, 1)), parts))
        value = f(wide)
        left = f(more)[:, : value.shape[1]]
        return Sides(left, value, 1e-9 * np.abs(value) + 2 * f.tolerance(wide), (more, wide))

    return Law(
        "vanishing_direction",
        "a direction of vanishing variance changes nothing",
        r"f(\lambda, \epsilon) \to f(\lambda)",
        check,
        "continuity of the spectrum at 0",
        needs=lambda f: f.most_subspaces is None and f.about.directions is None and f.about.subspaces is None,
    )


@lawgiver
def intensive() -> Law:
    """With twice the samples, features and directions, normal ones too, it is the same."""

    def check(f: Subject, case: Case) -> Sides | None:
        setting = case.setting
        if setting.point is not None or setting.network is None:
            return None
        twice = [(variance, 2 * m) for variance, m in _parts(setting)]
        other = joined(setting, twice, 2 * setting.manifold.ambient_dimension).trained(
            features=2 * setting.network.features
        )
        return _equal(f, setting, other.at(samples=2 * setting.samples), f(setting))

    return Law(
        "intensive",
        "twice the samples, features and directions change nothing",
        r"f(2N, 2p, 2m, 2D) = f(N, p, m, D)",
        check,
        "limits of large sizes know their ratios alone",
        needs=lambda f: f.about.network,
    )


def _parted(case: Case, m: int) -> tuple[Setting, Setting, Setting]:
    """All subspaces, the first of them, and the others; where there is one, another of m directions."""
    first, *rest = _parts(case.setting)
    rest = rest or [(case.size * first[0], m)]
    whole, one, other = (joined(case.setting, parts) for parts in ((first, *rest), (first,), rest))
    return whole, one, other


@lawgiver
def additive() -> Law:
    """Over directions: the value of two manifolds together is the sum of theirs."""

    def check(f: Subject, case: Case) -> Sides | None:
        whole, one, other = _parted(case, 1 + case.pick)
        tolerance = f.tolerance(whole) + f.tolerance(one) + f.tolerance(other)
        return Sides(f(whole), f(one) + f(other), tolerance, (whole, one, other), ("together", "sum of the parts"))

    return Law(
        "additive",
        "it is a sum over directions",
        r"f(\lambda, \mu) = f(\lambda) + f(\mu)",
        check,
        "independent directions",
        needs=lambda f: "subspace" not in f.about.dims and f.most_subspaces is None,
    )


@lawgiver
def multiplicative() -> Law:
    """Over directions: the value of two manifolds together is the product of theirs."""

    def check(f: Subject, case: Case) -> Sides | None:
        whole, one, other = _parted(case, 1)
        a, b = f(one), f(other)
        tolerance = f.tolerance(whole) + f.tolerance(one) * np.abs(b) + np.abs(a) * f.tolerance(other)
        return Sides(f(whole), a * b, tolerance, (whole, one, other), ("together", "product of the parts"))

    return Law(
        "multiplicative",
        "it is a product over directions",
        r"f(\lambda, \mu) = f(\lambda) f(\mu)",
        check,
        "independent directions",
        needs=lambda f: "subspace" not in f.about.dims and f.most_subspaces is None,
    )


@lawgiver
def same_for(what: str) -> Law:
    """It does not depend on samples, time, dimension, ..."""
    from validation.properties.order import moved

    def check(f: Subject, case: Case) -> Sides | None:
        other = moved(case.setting, what, case.size)
        return None if other is None else _equal(f, case.setting, other, f(case.setting))

    return Law(
        f"same_for({what})",
        f"it does not depend on {what}",
        rf"\partial f / \partial\,\mathrm{{{what}}} = 0",
        check,
    )
