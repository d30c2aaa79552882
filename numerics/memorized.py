"""Memorized or not: whether a generated point is a copy of a sample, and the share of those that are.

A point counts as memorized where its nearest sample is much closer than the second nearest. Blocks of queries meet blocks
of samples, so memory is bounded; the product of matrices that finds the nearest rounds distances, so those of the few that
may be nearest are taken again, by differences.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from numerics.arrays import Array, check_squares, checked, lift, namespace, scaled, slices, to_host
from theory.real import brief, number, plain_array

__all__ = ["fraction", "memorized"]

QUERIES, SAMPLES = 1024, 4096  # of a block
CANDIDATES = 4  # whose distances are taken again


def memorized(x: Array, data: Array, ratio: float = 1 / 3, distance: float | None = None) -> Array:
    """Whether the nearest sample is closer than `ratio` times the second nearest, or closer than `distance`.

    Copies, equal rows of the data, are one sample. All distances are exact to rounding, that to an equal point is 0.

    Args:
        x: points, shape (M, D).
        data: samples, shape (N, D), of the same library and device.
        ratio: of distances, not of squares, 0 to 1; with 0 only `distance` counts.
        distance: data units.

    Returns:
        Booleans, shape (M,), of the library and device of x.

    Raises:
        ValueError: for shapes and values that do not fit, and for fewer than two distinct samples.
    """
    x, data = checked(x, "x", "(M, D)"), checked(data, "data", "(N, D)")
    xp = namespace(x, data)
    if x.shape[1] != data.shape[1]:
        raise ValueError(f"x and data must share the dimension D, got {x.shape[1]} and {data.shape[1]}")
    share, reach = number(ratio), 0.0 if distance is None else number(distance)
    if not 0 <= share <= 1:
        raise ValueError(f"the ratio must lie between 0 and 1, got {brief(ratio)}")
    if not reach >= 0:
        raise ValueError(f"the distance must be a number that is not negative, got {brief(distance)}")
    exponent = lift(check_squares(x, data), np.float64)
    x, data = (scaled(xp.astype(a, xp.float64, copy=False), exponent) for a in (x, data))
    data = _distinct(data)
    parts = slices(data.shape[0], SAMPLES)
    norms = [xp.sum(data[part, :] ** 2, axis=1) for part in parts]
    squares = [_two_nearest(x[block, :], data, parts, norms) for block in slices(x.shape[0], QUERIES)]
    nearest, second = np.sqrt(np.concatenate(squares)).T
    found = (nearest < share * second) | (np.ldexp(nearest, -exponent) < reach)
    return xp.asarray(found, device=x.device)


def _distinct(data: Array) -> Array:
    """The rows that differ, in their order."""
    xp = namespace(data)
    rows = np.ascontiguousarray(to_host(data) + 0.0)  # -0.0 is 0.0
    bits = rows.view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]  # as numbers they would be sorted column by column
    first = np.sort(np.unique(bits, return_index=True)[1])
    if first.size < 2:
        raise ValueError(f"data must hold at least 2 distinct samples, got {first.size} among {data.shape[0]}")
    return data if first.size == data.shape[0] else xp.take(data, xp.asarray(first, device=data.device), axis=0)


def _two_nearest(x: Array, data: Array, parts: list[slice], norms: list[Array]) -> NDArray[np.float64]:
    """The two smallest squared distances of each query, in order, shape (m, 2); norms are |y|^2 of each part."""
    xp = namespace(x)
    own = xp.sum(x**2, axis=1)
    found = []
    for part, theirs in zip(parts, norms, strict=True):
        squares = own[:, None] + theirs[None, :] - 2 * (x @ data[part, :].T)
        found.append(_least(squares, part.start))
    values, indices = (xp.concat(list(lists), axis=1) for lists in zip(*found, strict=True))
    order = xp.argsort(values, axis=1)[:, :CANDIDATES]
    values, indices = (xp.take_along_axis(a, order, axis=1) for a in (values, indices))
    columns = [_apart(x, xp.take(data, indices[:, k], axis=0)) for k in range(indices.shape[1])]
    exact = np.sort(np.stack([to_host(column) for column in columns], axis=1), axis=1)[:, :2]
    if data.shape[0] > CANDIDATES:
        # |x|^2 + |y|^2 - 2 x y, three sums of D terms, each rounded by D eps at most
        rounding = (2 * x.shape[1] + 8) * float(xp.finfo(x.dtype).eps) * (own + max(float(xp.max(n)) for n in norms))
        unsure = exact[:, 1] >= to_host(values[:, -1] - rounding)  # a sample left out may be nearer
        for row in np.flatnonzero(unsure).tolist():
            exact[row] = _two_nearest_directly(x[row, :], data, parts)
    return exact


def _least(values: Array, first: int) -> tuple[Array, Array]:
    """The `CANDIDATES` smallest of each row, in order, and their columns, counted from `first`."""
    xp = namespace(values)
    columns = xp.arange(values.shape[1], device=values.device)
    found: list[Any] = []
    for _ in range(min(CANDIDATES, values.shape[1])):
        index = xp.argmin(values, axis=1)
        found.append((xp.min(values, axis=1), index + first))
        values = xp.where(columns[None, :] == index[:, None], xp.inf, values)
    smallest, indices = (xp.stack(list(lists), axis=1) for lists in zip(*found, strict=True))
    return smallest, indices


def _apart(x: Array, y: Array) -> Array:
    """Squared distances of rows, by differences."""
    return namespace(x).sum((x - y) ** 2, axis=1)


def _two_nearest_directly(x: Array, data: Array, parts: list[slice]) -> NDArray[np.float64]:
    """The same for one query, shape (2,), with no product."""
    squares = [to_host(_apart(x[None, :], data[part, :])) for part in parts]
    return np.sort(np.concatenate(squares))[:2]


def fraction(flags: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """The share of flags that are set, and its Clopper-Pearson interval, whose coverage is at least `level` at any share.

    It starts at 0 where none is set, and ends at 1 where all are.

    Args:
        flags: independent booleans, shape (n,).
        level: of the two-sided interval.

    Returns:
        (share, low, high).

    Raises:
        ValueError: for flags that are not a non-empty list of booleans, and a level outside of 0 to 1.
    """
    given = plain_array(flags, "flags")
    if given.dtype != np.bool_ or given.ndim != 1 or not given.size:
        raise ValueError(f"flags must be booleans, shape (n,), got dtype {given.dtype} and shape {given.shape}")
    covered = number(level)
    if not 0 < covered < 1:
        raise ValueError(f"the level must lie between 0 and 1, got {brief(level)}")
    n, k, tail = given.size, int(given.sum()), (1 - covered) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return k / n, low, high
