r"""Averages over data sets of posterior means at two points, exact at finite N, for y ~ N(0, lambda) in one direction.

With g_i = exp(-(x_i - y)^2/2t), S_i the sum of g_i over samples, 1/S_1 S_2 = int int e^{-u S_1 - v S_2} du dv, so that with
phi = E e^{-u g_1 - v g_2}, m_i the mean for infinitely many samples and y_i = y - m_i

    E (m^_1 - m_1)(m^_2 - m_2) = int int N E[y_1 y_2 g_1 g_2 e^..] phi^{N-1} + N (N-1) E[y_1 g_1 e^..] E[y_2 g_2 e^..] phi^{N-2}

All sums are trapezoidal: in log u and log v, where the integrand is analytic for |Im| < pi/2, and in y. Averages over y are then
products of matrices. Shifts of the point are Gauss-Hermite nodes, half as many again until nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, roots_hermitenorm

__all__ = ["smoothed_error", "smoothed_mean"]

Array = NDArray[np.float64]
Sum = Callable[[Array, Array, float, float, int], tuple[float, float]]
STEP = 0.5  # of log u: 2 |Gamma(1 + 2 pi i/STEP)| = 5e-8, and 2 pi/STEP times that of a slope in log S
FINE = 0.55  # of y, in units of t over the distance of the nearest sample: e^{-pi^2/FINE} = 2e-8
LEAST = 1e-9  # what is left out at either end
SURELY = 700.0  # u g from which on e^{-u g} is nothing
NOTHING = 1e-11  # weight of a pair of shifts
REACH = 9.0  # standard deviations of samples beyond which there are none
SHIFTS = 8, 12, 18, 27, 40, 60, 90  # nodes
TOLERANCE = 5e-7  # of what the rules to come would still change
ROUNDING = 1e-15  # of what is added
SETTLED = 1e-9  # of the size: what rules that are exact differ by, on account of the pairs left out
LARGEST = 2**19  # entries of a matrix over log u and y


@dataclass(frozen=True)
class _Point:
    """One point x and its weights g over samples.

    Attributes:
        step: of log u.
        weighted: e^{-u g} and u g e^{-u g} (y - m), at every node of log u and y, shape (2 A, Y).
    """

    step: float
    weighted: Array

    def with_other(self, other: _Point, prior: Array) -> tuple[Array, Array, Array, Array]:
        """E of the products of both rows of one point and of another, shape (A, A') each."""
        A, B = len(self.weighted) // 2, len(other.weighted) // 2
        found = (self.weighted * prior) @ other.weighted.T
        return found[:A, :B], found[:A, B:], found[A:, :B], found[A:, B:]


def smoothed_error(x: float, t: float, h: float, lam: float, N: int) -> float:
    """E (s_h - s)^2 at x, inverse data units squared, to 1e-6.

    NaN where 90 shifts are not enough for that, or N so small, or t so small against lambda, that the integrals take too long.
    """
    return _refined(_square, x, t, h, lam, N) / t**2


def smoothed_mean(x: float, t: float, h: float, lam: float, N: int) -> float:
    """E (s_h - s) at x, inverse data units; to 1e-6 of the mean size of its parts, otherwise as `smoothed_error`.

    NaN where t is so large that rounding is more than that.
    """
    return _refined(_mean, x, t, h, lam, N) / t


def _refined(of: Sum, x: float, t: float, h: float, lam: float, N: int) -> float:
    """A sum over shifts, by half as many nodes again until it does not change."""
    if h == 0:
        return of(np.array([x]), np.ones(1), t, lam, N)[0]

    def by(count: int) -> tuple[float, float]:
        nodes, weights = roots_hermitenorm(count)
        weights = weights / weights.sum()
        kept = weights > NOTHING
        return of(x + math.sqrt(h) * nodes[kept], weights[kept], t, lam, N)

    return _settled(by)


def _settled(by: Callable[[int], tuple[float, float]]) -> float:
    """A sum and its size by rules of more and more nodes, until it changes by hardly any of the size, or geometrically."""
    last, before = math.nan, math.nan
    for count in SHIFTS:
        found, size = by(count)
        if math.isnan(found):
            break
        change = abs(found - last)
        if change <= SETTLED * size or change**2 <= TOLERANCE * size * (before - change):  # a geometric series
            return found
        last, before = found, change
    return math.nan


def _mean(x: Array, weights: Array, t: float, lam: float, N: int) -> tuple[float, float]:
    """The mean of m^ - m over points, and of its size."""
    points, prior = _points(x, t, lam, N)
    found = np.full(len(x), math.nan)
    rounded = np.zeros(len(x))
    for i, point in enumerate(points):
        survives, pulls = (point.weighted @ prior).reshape(2, -1)
        pulled = np.abs(point.weighted[len(pulls) :]) @ prior
        found[i] = point.step * N * (pulls * survives ** (N - 1)).sum()
        rounded[i] = ROUNDING * point.step * N * (pulled * survives ** (N - 1)).sum()
    size = float(weights @ np.abs(found))
    return float(weights @ found) if weights @ rounded <= TOLERANCE * size else math.nan, size


def _square(x: Array, weights: Array, t: float, lam: float, N: int) -> tuple[float, float]:
    """The mean square of the mean of m^ - m over points, twice."""
    points, prior = _points(x, t, lam, N)
    total = 0.0 if points else math.nan
    for i, j in combinations_with_replacement(range(len(points)), 2):
        weight = weights[i] * weights[j] * (2 - (i == j))
        if weight > NOTHING:
            total += weight * _pair(points[i], points[j], prior, N)
    return total, total


def _pair(one: _Point, other: _Point, prior: Array, N: int) -> float:
    """E (m^_1 - m_1)(m^_2 - m_2)."""
    phi, right, left, both = one.with_other(other, prior)
    few = phi ** (N - 2)
    return float(one.step * other.step * N * (few * (both * phi + (N - 1) * left * right)).sum())


def _points(x: Array, t: float, lam: float, N: int) -> tuple[list[_Point], Array]:
    """Points with their nodes, and the weights of the samples' nodes, shape (Y,); none where they would be more than LARGEST."""
    reach, nearest = (_distance(x, lam, N, nearer) for nearer in (False, True))
    effective = (np.log1p(lam / t) + x**2 / (lam + t)) / 2 - math.log(N)  # of 1/N E g
    first = np.maximum(effective, nearest**2 / (2 * t) - math.log(N)) + math.log(LEAST)  # S is N g at most
    last = np.maximum(effective, reach**2 / (2 * t)) + 4
    step = min(FINE * t / reach.max(), 0.7 * math.sqrt(t), 0.5 * math.sqrt(lam))
    y = step * np.arange(-math.ceil(REACH * math.sqrt(lam) / step), math.ceil(REACH * math.sqrt(lam) / step) + 1)
    if y.size * (last - first).max() / STEP > LARGEST:
        return [], np.empty(0)
    prior = np.exp(-(y**2) / (2 * lam))
    points = [_point(*at, y, t, lam) for at in zip(x, first, last, strict=True)]
    return points, prior / prior.sum()


def _point(x: float, first: float, last: float, y: Array, t: float, lam: float) -> _Point:
    log_u = np.linspace(first, last, math.ceil((last - first) / STEP) + 1)
    exposed = np.exp(np.minimum(log_u[:, None] - (x - y) ** 2 / (2 * t), SURELY))
    survives = np.exp(-exposed)
    pulls = exposed * survives * (y - lam * x / (lam + t))
    return _Point(log_u[1] - log_u[0], np.concatenate([survives, pulls]))


def _distance(x: Array, lam: float, N: int, nearer: bool) -> Array:
    """The distance from x than which the nearest of N samples is nearer, or farther, with a chance of LEAST/N only."""
    near, far = np.zeros_like(x), np.abs(x) + REACH * math.sqrt(lam)
    for _ in range(60):
        r = (near + far) / 2
        outside = ndtr((x - r) / math.sqrt(lam)) + ndtr(-(x + r) / math.sqrt(lam))
        rare = N * (1 - outside) > LEAST / N if nearer else (N - 1) * np.log(outside) < math.log(LEAST / N)
        near, far = np.where(rare, near, r), np.where(rare, r, far)
    return np.asarray(far)
