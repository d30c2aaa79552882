r"""The error of a smoothed score in more than one direction: E (m^_1 - m_1).(m^_2 - m_2) over two shifts of a point, to t^2.

With both points at c + d/2 and c - d/2, c ~ N(x, h/2) and d ~ N(0, 2h) are independent. What depends on nearest samples changes
with d, where the points part, and hardly with c. In m directions of one variance it depends on |c|, |d| and cos^2 of their angle
alone, that of a uniform point on the sphere, and Gauss's rules for the three converge geometrically. In several subspaces there
are three such numbers for each: the average is over Sobol points.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive, ndtri

from theory.averages.over_points import Rule, chi, gauss, legendre, refined
from theory.averages.two_energies import Samples, least_nodes, pair, seen
from theory.setting import LinearManifold

__all__ = ["smoothed_error"]

Array = NDArray[np.float64]
NODES = 4, 8, 2  # for |c|, |d| and their angle, to begin with
ACCURACY, MOST_OFF = 1.2e-5, 4e-5  # aimed at, and accepted, by an estimate that is hundreds of times too high
MOST_NODES = 1500  # pairs of points
NOTHING = 1e-10  # weight of a pair
FINE, OUTSIDE = 400, 12.0  # nodes that the rules for |c| are made from, and deviations beyond which nothing counts
LARGE = 4e4  # of Bessel functions, from which on their asymptotic series serves
WORK = 2e9  # nodes of log u times nodes of both thetas, of all pairs of a rule: beyond, it takes half a minute
EACH = 8e6  # the same of a pair on average, so that what would take long is given up with the first rule
OFF = 3e-6  # that the sum of weights of a pair may be off by
SEQUENCES, FIRST, MOST = 8, 256, 4096  # of Sobol points, and how many of all
SCATTER = 2.5e-3  # standard error of their mean over it: half of what is declared


def smoothed_error(x: Array, t: float, h: float, manifold: LinearManifold, N: int) -> float:
    """E |s_h - s|^2 at x, inverse data units squared: to 1e-6 in one subspace, in several to a standard error of 1 in 400.

    Args:
        x: along the manifold, shape (m,), data units.
        t: noise variance, data units squared.
        h: bandwidth, data units squared.
        manifold: of the samples.
        N: how many samples.

    Returns:
        NaN where 1500 pairs of points, or 4096 pairs of shifts, are not enough, and where integrals over u take too long: for
        t far below the variances.
    """
    samples = Samples.of(manifold, t, N, most=2)
    with np.errstate(all="ignore"):  # what overflows is NaN
        found = _error(samples, x, h, manifold) / t**2
    return found if math.isfinite(found) else math.nan


def _error(samples: Samples, x: Array, h: float, manifold: LinearManifold) -> float:
    if h == 0:
        one, _ = _in_planes(x, x, manifold)
        return _Products(samples, 1).at(one, one)
    if manifold.variances.size == 1:
        return _by_distance(samples, float(np.linalg.norm(x)), h, x.size)
    return _by_sobol(samples, x, h, manifold)


class _Products:
    """E (m^_1 - m_1).(m^_2 - m_2) at pairs of points, NaN once all together take too long."""

    def __init__(self, samples: Samples, count: int) -> None:
        self.samples, self.left = samples, min(WORK, EACH * count)

    def at(self, x: Array, x2: Array) -> float:
        """At two points, shape (J,) each."""
        if least_nodes(self.samples.N) ** 2 > self.left:
            return math.nan
        one, other = (seen(self.samples, y) for y in (x, x2))
        self.left -= one.kernels[0].size * other.theta.size
        if self.left < 0:
            return math.nan
        found, error = pair(self.samples, one, other)
        return found if error < OFF else math.nan


def _by_distance(samples: Samples, x: float, h: float, m: int) -> float:
    """In m directions of one variance, at a distance x from the middle."""

    def of(squares: Array) -> Array:
        products, found = _Products(samples, len(squares)), np.full(len(squares), math.nan)
        for i, (c2, d2, cos2) in enumerate(squares.tolist()):
            d = math.sqrt(h * d2 / 2) * np.array([math.sqrt(cos2), math.sqrt(max(1 - cos2, 0.0))])
            c = np.array([math.sqrt(c2), 0.0])
            found[i] = products.at((c + d)[:m], (c - d)[:m])
            if math.isnan(found[i]):
                break
        return found

    rules = partial(_radius, x, h / 2, m), partial(chi, m, near=samples.t / h), partial(_angle, m)
    found, error = refined(of, rules, NODES, ACCURACY, most=MOST_NODES, nothing=NOTHING)
    return float(found) if error < MOST_OFF else math.nan


def _radius(x: float, h: float, m: int, nodes: int) -> Rule:
    """Gauss's rule for |x + u|, u ~ N(0, h I); its squares are those."""
    centre, width = math.sqrt(x**2 + (m - 1) * h), OUTSIDE * math.sqrt(h)
    low = max(0.0, centre - width)
    z, fine = legendre(FINE)
    beyond = (low - centre) * (1 - z) / 2 + width * (1 + z) / 2
    r = centre + beyond
    log_density = (m - 1) * np.log(r) - r**2 / (2 * h)
    if x > 0:
        log_density = m / 2 * np.log(r) - (beyond + centre - x) ** 2 / (2 * h) + _log_bessel(m / 2 - 1, r * x / h)
    found, vectors = gauss(beyond, fine * np.exp(log_density - log_density.max()), nodes)
    return Rule.of_one((centre + found) ** 2, vectors)


def _angle(m: int, nodes: int) -> Rule:
    """Gauss's rule for cos^2 of the angle with a uniform point on the sphere of m directions."""
    if m == 1:
        return Rule(np.ones((1, 1)), np.ones(1), np.zeros((1, 2, 1)))
    z, fine = legendre(FINE)
    angle = np.pi / 4 * (z + 1)
    found, vectors = gauss(np.cos(angle) ** 2, fine * np.sin(angle) ** (m - 2), nodes)
    return Rule.of_one(np.clip(found, 0, 1), vectors)


def _log_bessel(nu: float, z: Array) -> Array:
    """log I_nu(z) e^-z, for z beyond LARGE to the second order."""
    near = np.minimum(z, LARGE)
    return np.where(z < LARGE, np.log(ive(nu, near)), -np.log(2 * np.pi * z) / 2 - (4 * nu**2 - 1) / (8 * z))


def _by_sobol(samples: Samples, x: Array, h: float, manifold: LinearManifold) -> float:
    """Over pairs of shifts from several scrambled sequences, whose scatter is the error, until that is small enough."""
    from scipy.stats import qmc  # slow to import

    products = _Products(samples, MOST)
    sequences = [qmc.Sobol(2 * x.size, seed=k) for k in range(SEQUENCES)]
    values = np.empty((SEQUENCES, 0))
    while values.size < MOST:
        count = max(FIRST // SEQUENCES, values.shape[1])
        more = []
        for sequence in sequences:
            uniform = np.asarray(sequence.random(count), dtype=np.float64)
            shifts = math.sqrt(h) * np.asarray(ndtri(uniform)).reshape(-1, 2, x.size)
            more.append([products.at(*_in_planes(x + one, x + other, manifold)) for one, other in shifts])
            if math.isnan(more[-1][0]):
                return math.nan
        values = np.concatenate([values, more], axis=1)
        means = values.mean(axis=1)
        if means.std(ddof=1) / math.sqrt(SEQUENCES) <= SCATTER * means.mean():
            return float(means.mean())
    return math.nan


def _in_planes(one: Array, other: Array, manifold: LinearManifold) -> Array:
    """Two points in the plane, or on the line, that they span in each subspace: (m,) and (m,) -> (2, J)."""
    found: list[Array] = []
    for part in manifold.slices:
        a, b = one[part], other[part]
        if a.size > 2:
            r = float(np.linalg.norm(a))
            along = float(a @ b) / r if r else 0.0
            a, b = np.array([r, 0.0]), np.array([along, math.sqrt(max(float(b @ b) - along**2, 0.0))])
        found.append(np.array([a, b]))
    return np.concatenate(found, axis=1)
