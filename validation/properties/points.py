"""Laws of a score and its kin: symmetries, bounds and limits of what is said of points x, data y and a noise variance t.

Everything here follows from the weights w_mu proportional to exp(-|x - y^mu|^2 / 2t).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.properties.cloud import Cloud, CloudCase
from validation.properties.expression import expression
from validation.properties.field import Field, over_rows
from validation.properties.law import Law, Sides, lawgiver
from validation.properties.subject import EPS, Subject, catalogued

__all__ = ["equal", "of_points"]

Array = NDArray[np.float64]
FROZEN = 800.0  # of E_mu - E_min: exp(-FROZEN) is 0
HOT = 1e12  # of the largest squared distance
REACHED = 1e-9  # of what a limit may be off by, where t is HOT
KINDS = "scalar", "vector", "matrix", "weights"


def of_points(name: str, sentence: str, statement: str, check: Callable[[Field, CloudCase], Sides | None],
              reference: str = "Gibbs weights", **others: Any) -> Law:  # fmt: skip
    """A law of functions of points and data."""
    return Law(name, sentence, statement, check, reference, of_points=True, **others)


def _changed(f: Field, cloud: Cloud, other: Cloud, turn: Callable[[Array], Array], factor: float = 1.0) -> Sides:
    """f(other) = turn(f(cloud)), for a turn that makes no entry larger than `factor` times the largest."""
    right = turn(f(cloud))
    off = f.tolerance(cloud).reshape(len(cloud.x), -1)[:, 0].reshape(-1, *(1,) * (right.ndim - 1))
    return Sides(f(other), right, f.tolerance(other) + factor * off + 8 * EPS * np.abs(right), (other, cloud))


def _turned(kind: str, Q: Array) -> Callable[[Array], Array]:
    return {"vector": lambda v: v @ Q.T, "matrix": lambda v: Q @ v @ Q.T}.get(kind, lambda v: v)


def _of_kind(kind: str) -> Callable[[Field], bool]:
    if kind not in KINDS:
        raise ValueError(f"what is turned is one of {', '.join(KINDS)}; got {kind!r}")
    return lambda f: f.kind == kind


def _linear(name: str, kind: str, words: str, maps: Callable[[int, int], Array]) -> Law:
    def check(f: Field, case: CloudCase) -> Sides:
        D = case.at.x.shape[1]
        Q = maps(D, case.pick)
        return _changed(f, case.at, case.at.mapped(lambda a: a @ Q.T), _turned(kind, Q), float(D))

    turned = {"vector": "turns with them", "matrix": "turns with them on both sides"}.get(kind, "stays as it is")
    statement = {"vector": "Q f(x, y)", "matrix": r"Q f(x, y) Q^\top"}.get(kind, "f(x, y)")
    sentence = f"where {words}, it {turned}"
    return of_points(f"{name}({kind})", sentence, rf"f(Q x, Q y) = {statement}", check, needs=_of_kind(kind))


@lawgiver
def rotation(kind: str) -> Law:
    """Where points and data are turned or mirrored, a scalar stays, a vector turns, a matrix on both sides."""
    return _linear("rotation", kind, "points and data are turned or mirrored", _orthogonal)


@lawgiver
def coordinates(kind: str) -> Law:
    """The order of the coordinates does not matter: a vector's change places with those of points and data."""
    return _linear(
        "coordinates", kind, "coordinates change places", lambda D, pick: np.roll(np.eye(D), 1 + pick, axis=0)
    )


def _orthogonal(D: int, pick: int) -> Array:
    if pick == 0:
        return np.asarray(np.roll(np.diag([-1.0] + [1.0] * (D - 1)), 1, axis=0))
    Q, R = np.linalg.qr(np.random.default_rng(pick).standard_normal((D, D)))
    return np.asarray(-Q * np.sign(np.diagonal(R)))


@lawgiver
def translation(times: str) -> Law:
    """Where points and data are moved together it stays, for 0, or moves with them, for 1."""
    k = float(times)

    def check(f: Field, case: CloudCase) -> Sides:
        by = case.size * (1 + np.arange(float(case.at.x.shape[1])))
        return _changed(f, case.at, case.at.mapped(lambda a: a + by), lambda v: v + (k * by if k else 0.0))

    said = "moves with them" if k else "stays as it is"
    return of_points(
        f"translation({times})",
        f"where points and data are moved, it {said}",
        f"f(x + a, y + a) = f(x, y) + {times} a",
        check,
        needs=lambda f: k == 0 or f.kind == "vector",
    )


def _rescaled(cloud: Cloud, c: float) -> Cloud:
    return cloud.mapped(lambda a: c * a, c**2 * cloud.t)


@lawgiver
def units(degree: str) -> Law:
    """In other units, x, y -> c x, c y and t -> c^2 t, it is c^degree times itself."""
    d = float(degree)

    def check(f: Field, case: CloudCase) -> Sides:
        factor = case.size**d
        return _changed(f, case.at, _rescaled(case.at, case.size), lambda v: factor * v, factor)

    return of_points(
        f"units({degree})",
        f"in other units, x and y -> c times and t -> c^2 times themselves, it is c^{degree} times itself",
        rf"f(c x, c y, c^2 t) = c^{{{degree}}} f(x, y, t)",
        check,
        "dimensional analysis",
    )


@lawgiver
def log_units(degree: str) -> Law:
    """In other units it grows by degree log c for each direction, as a log density by -1."""
    d = float(degree)

    def check(f: Field, case: CloudCase) -> Sides:
        more = d * case.at.x.shape[1] * np.log(case.size)
        return _changed(f, case.at, _rescaled(case.at, case.size), lambda v: v + more)

    return of_points(
        f"log_units({degree})",
        f"in other units, x and y -> c times and t -> c^2 times themselves, it grows by {degree} D log c",
        rf"f(c x, c y, c^2 t) = f(x, y, t) + {degree} D \log c",
        check,
        "dimensional analysis",
    )


@lawgiver
def exchange() -> Law:
    """The order of the samples does not matter; weights change places with them."""

    def check(f: Field, case: CloudCase) -> Sides:
        N = len(case.at.data)
        order = np.random.default_rng(case.pick).permutation(N) if case.pick else np.arange(N)[::-1]
        change = (lambda v: v[:, order]) if f.kind == "weights" else lambda v: v
        return _changed(f, case.at, case.at.at(data=case.at.data[order]), change)

    return of_points("exchange", "the order of the samples does not matter", r"f(y^{\pi\mu}) = f(y^\mu)", check)


def _more(
    name: str, words: str, change: str, add: Callable[[CloudCase], Array], columns: Callable[[Array], Array]
) -> Law:
    """What other data make of it, an expression of what it was."""
    wanted = expression(change, Cloud)

    def check(f: Field, case: CloudCase) -> Sides:
        other = case.at.at(data=add(case))
        whole = columns if f.kind == "weights" else lambda v: v
        return _changed(f, case.at, other, lambda v: wanted(case.at, whole(v)))

    becomes = "it does not change" if change == "f" else f"it becomes {change}"
    label = name if change == "f" else f"{name}({change})"
    return of_points(label, f"{words}, {becomes}", f"f' = {change}", check, anchored=change != "f")


@lawgiver
def duplicates(change: str = "f") -> Law:
    """With every sample twice it does not change, or becomes an expression in f: f + log(2) for an entropy, f/2 for weights."""
    return _more(
        "duplicates",
        "with every sample twice",
        change,
        lambda case: np.concatenate([case.at.data] * 2),
        lambda v: np.concatenate([v, v], axis=1),
    )


@lawgiver
def far_sample(change: str = "f") -> Law:
    """With one more sample, too far away to weigh, it does not change, or becomes an expression in f and N."""

    def add(case: CloudCase) -> Array:
        far = case.at.data[:1] + 10 * np.sqrt(case.at.squares.max() + FROZEN * case.at.t) + np.ptp(case.at.data)
        return np.concatenate([case.at.data, far])

    return _more(
        "far_sample",
        "with one more sample, too far away to weigh",
        change,
        add,
        lambda v: np.pad(v, ((0, 0), (0, 1))),
    )


@lawgiver
def independent_points() -> Law:
    """What it is at a point does not depend on the others of the batch."""

    def check(f: Field, case: CloudCase) -> Sides:
        x, M = case.at.x, len(case.at.x)
        batch = case.at.at(x=np.concatenate([x, x[::-1] + case.size * np.sqrt(case.at.t)]))
        alone = case.at.at(x=x)
        return Sides(f(batch)[:M], f(alone), f.tolerance(batch)[:M] + f.tolerance(alone), (batch, alone))

    words = "what it is at a point does not depend on the other points"
    return of_points("independent_points", words, "f(x)_i = f(x_i)", check)


# values


def equal(f: Subject, cloud: Cloud, left: str, right: str, reached: float = 0.0) -> Sides:
    """Two expressions of the value f and the letters at a cloud."""
    one, other = expression(left, Cloud), expression(right, Cloud)
    value, off = f(cloud), f.tolerance(cloud)
    sides = np.broadcast_arrays(one(cloud, value), other(cloud, value))
    tolerance = one.tolerance(cloud, value, off) + other.tolerance(cloud, value, off) + reached * (1 + np.abs(sides[1]))
    tolerance = over_rows(np.broadcast_to(tolerance, sides[0].shape))
    return Sides(sides[0], sides[1], tolerance, (cloud,), ("value" if left == "f" else left, right))


@lawgiver
def identity(left: str, right: str) -> Law:
    """At every point two expressions of the value f, the letters and the engine's quantities, as gibbs.score, are equal."""
    expression(left, Cloud), expression(right, Cloud)
    return of_points(
        f"identity({left}, {right})",
        f"{left} equals {right}, with f its value",
        f"{left} = {right}",
        lambda f, case: equal(f, case.at, left, right),
        anchored=True,
    )


def _limit(name: str, words: str, value: str, move: Callable[[Cloud], Cloud | None], reached: float = 0.0) -> Law:
    expression(value, Cloud)

    def check(f: Field, case: CloudCase) -> Sides | None:
        there = move(case.at)
        return None if there is None else equal(f, there, "f", value, reached)

    return of_points(f"{name}({value})", f"{words} it is {value}", rf"f \to {value}", check, anchored=True)


def _frozen(cloud: Cloud) -> Cloud | None:
    """At so small a t that all other weights are 0; None where two samples are next to equally near."""
    squares = np.sort(cloud.squares, axis=1)
    if squares.shape[1] == 1:
        return cloud
    gap = squares[:, 1] - squares[:, 0]
    apart = gap > 1e-6 * squares[:, 1]
    return cloud.at(x=cloud.x[apart], t=float(gap[apart].min()) / (2 * FROZEN)) if apart.any() else None


def _molten(cloud: Cloud) -> Cloud | None:
    """At a large t, and off the mean."""
    away = cloud.at(x=cloud.x + np.pi * np.ptp(cloud.data))
    return away.at(t=HOT * away.squares.max()) if away.squares.max() > 0 else None


@lawgiver
def cold(value: str) -> Law:
    """As t goes to 0 the nearest sample alone is left: it becomes an expression."""
    return _limit("cold", "as t goes to 0, where the nearest sample has all the weight,", value, _frozen)


@lawgiver
def hot(value: str) -> Law:
    """As t goes to infinity all samples weigh the same: it becomes an expression."""
    return _limit("hot", "as t goes to infinity, where all samples weigh the same,", value, _molten, REACHED)


@lawgiver
def one_sample(value: str) -> Law:
    """Of one sample alone it is an expression."""
    return _limit("one_sample", "of one sample alone", value, lambda cloud: cloud.at(data=cloud.data[:1]))


@lawgiver
def between(low: str, high: str) -> Law:
    """It lies between two expressions."""
    least, most = expression(low, Cloud), expression(high, Cloud)

    def check(f: Field, case: CloudCase) -> Sides:
        value, off = f(case.at), f.tolerance(case.at)
        ends = [end(case.at, value) for end in (least, most)]
        tolerance = sum((end.tolerance(case.at, value, 0 * value) for end in (least, most)), off)
        return Sides(value, np.clip(value, *ends), np.nan_to_num(tolerance), (case.at,), ("value", "nearest allowed"))

    return of_points(f"between({low}, {high})", f"it lies between {low} and {high}", rf"{low} \le f \le {high}", check)


@lawgiver
def sum_to_one() -> Law:
    """The weights of a point sum to one."""

    def check(f: Field, case: CloudCase) -> Sides:
        total, off = f(case.at).sum(axis=1), f.tolerance(case.at).sum(axis=1)
        return Sides(total, np.ones_like(total), off, (case.at,), ("sum", "one"))

    words = "the weights of a point sum to one"
    return of_points("sum_to_one", words, r"\sum_\mu f_\mu = 1", check, anchored=True, needs=_of_kind("weights"))


@lawgiver
def renyi() -> Law:
    """Of sum w^2: it is Z(t/2) / Z(t)^2, for weights squared are those of half the noise."""
    known = catalogued("gibbs.log_partition")

    def check(f: Field, case: CloudCase) -> Sides:
        cold = case.at.at(t=case.at.t / 2)
        right = np.exp(known(cold) - 2 * known(case.at))
        off = f.tolerance(case.at) + right * (known.tolerance(cold) + 2 * known.tolerance(case.at))
        return Sides(f(case.at), right, off, (case.at,), ("value", "Z(t/2) / Z(t)^2"))

    words = "it is Z(t/2) / Z(t)^2"
    return of_points("renyi", words, "f = Z(t/2) / Z(t)^2", check, anchored=True, needs=_of_kind("scalar"))


@lawgiver
def averages_samples() -> Law:
    """The samples averaged by these weights are x + t score."""

    def check(f: Field, case: CloudCase) -> Sides:
        centre = case.at.data.mean(axis=0)
        left = f(case.at) @ (case.at.data - centre)
        wanted = equal(f, case.at, "gibbs.posterior_mean", "0")
        off = f.tolerance(case.at)[:, :1] * np.abs(case.at.data - centre).sum()
        off = off + wanted.tolerance + EPS * np.abs(case.at.data).max()
        return Sides(left, wanted.left - centre, off, (case.at,), ("average", "x + t score, from the centre"))

    words = "the samples averaged by these weights are x + t score"
    statement = r"\sum_\mu f_\mu y^\mu = x + t s"
    return of_points("averages_samples", words, statement, check, anchored=True, needs=_of_kind("weights"))


@lawgiver
def hull() -> Law:
    """It lies among the samples: along no direction beyond all of them."""

    def check(f: Field, case: CloudCase) -> Sides:
        D = case.at.x.shape[1]
        U = np.concatenate([np.eye(D), -np.eye(D), np.ones((1, D)), -np.ones((1, D))])
        most = np.broadcast_to((case.at.data @ U.T).max(axis=0), (len(case.at.x), len(U)))
        off = D * (f.tolerance(case.at)[:, :1] + 8 * EPS * np.abs(case.at.data).max())
        return Sides(f(case.at) @ U.T, most, off, (case.at,), ("along a direction", "the farthest sample"), "<=")

    words = "along no direction does it lie beyond all samples"
    return of_points("hull", words, r"u \cdot f \le \max_\mu u \cdot y^\mu", check, needs=_of_kind("vector"))
