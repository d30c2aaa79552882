r"""The error of a smoothed score in more than one direction: E (m^_1 - m_1).(m^_2 - m_2) over two shifts of a point, to t^2.

In m directions of one variance it depends on r_1 = |x_1|, r_2 and the angle between both points alone. With kappa = r |x|/h
the law of each point on its sphere is von Mises and Fisher's, whose harmonics are A_l = I_{nu + l}(kappa)/I_nu(kappa),
nu = m/2 - 1, and the law of the angle, against that of two uniform points, is

    sum over l of dim_l A_l(kappa_1) A_l(kappa_2) P_l(cos theta),

P_l Gegenbauer's polynomials, 1 at 1, and dim_l the number of harmonics of degree l. Gauss's rules for both radii and this angle
converge geometrically. In several subspaces there are three such numbers for each: the average is over Sobol points.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive, ndtri

from theory.averages.over_points import chi, gauss, legendre
from theory.averages.two_energies import Samples, Seen, pair, seen
from theory.averages.two_points import settled
from theory.setting import LinearManifold

__all__ = ["smoothed_error"]

Array = NDArray[np.float64]
NODES = 3, 5, 7, 10, 14  # for each radius and the angle
TOLERANCE = 5e-5  # of what the rules to come would still change
ROUNDING = 5e-6  # of the error: what rules that are exact differ by
FINE, OUTSIDE = 400, 12.0  # nodes that the rules for radii are made from, and deviations beyond which nothing counts
LARGE = 4e4  # kappa from which on a sphere is flat, to its inverse
NOTHING = 1e-8  # weight of a pair
LONGEST = 40_000  # nodes of log u times nodes of theta: beyond, a pair of points takes a second
OFF = 2e-4  # that the sum of weights of a pair may be off by
SEQUENCES, FIRST, MOST = 8, 256, 4096  # of Sobol points, and how many of all
SCATTER = 2.5e-3  # standard error of their mean over it: half of what is declared


def smoothed_error(x: Array, t: float, h: float, manifold: LinearManifold, N: int) -> float:
    """E |s_h - s|^2 at x, inverse data units squared: to 1e-4 in one subspace, in several to a standard error of 1 in 400.

    Args:
        x: along the manifold, shape (m,), data units.
        t: noise variance, data units squared.
        h: bandwidth, data units squared.
        manifold: of the samples.
        N: how many samples.

    Returns:
        NaN where 14 nodes for each radius and angle, or 4096 pairs of shifts, are not enough, and where the integrals over u are
        off: for h far above t, for t far below the variances.
    """
    samples = Samples.of(manifold, t, N, most=2)
    with np.errstate(all="ignore"):  # what overflows is NaN
        found = _error(samples, x, h, manifold) / t**2
    return found if math.isfinite(found) else math.nan


def _error(samples: Samples, x: Array, h: float, manifold: LinearManifold) -> float:
    if h == 0:
        at = seen(samples, _in_planes(x, x, manifold)[0])
        return _product(samples, at, at)
    if manifold.variances.size == 1:
        return _by_radii(samples, float(np.linalg.norm(x)), h, x.size)
    return _by_sobol(samples, x, h, manifold)


def _product(samples: Samples, one: Seen, other: Seen) -> float:
    found, error = pair(samples, one, other)
    return found if error < OFF else math.nan


def _by_radii(samples: Samples, x: float, h: float, m: int) -> float:
    """In m directions of one variance, at a distance x from the middle."""

    def by(nodes: int) -> tuple[float, float]:
        r, of_radius = _radii(x, h, m, nodes)
        angles = _Angles(r * x / h, m)
        points = [seen(samples, np.array([one, 0.0])) for one in r]
        if max(point.kernels[0].size for point in points) > LONGEST:
            return math.nan, 0.0
        total = 0.0
        for i, j in combinations_with_replacement(range(nodes), 2):
            cosines, weights = angles.rule(i, j, nodes)
            weights = weights * of_radius[i] * of_radius[j] * (2 - (i == j))
            for cosine, weight in zip(cosines, weights, strict=True):
                if weight > NOTHING and not math.isnan(total):
                    away = r[j] * np.array([cosine, math.sqrt(max(1 - cosine**2, 0.0))])
                    total += weight * _product(samples, points[i], seen(samples, away))
        return total, abs(total)

    return settled(by, NODES, TOLERANCE, ROUNDING)


def _radii(x: float, h: float, m: int, nodes: int) -> tuple[Array, Array]:
    """Gauss's rule for |x + u|, u ~ N(0, h I)."""
    centre, width = math.sqrt(x**2 + (m - 1) * h), OUTSIDE * math.sqrt(h)
    low = max(0.0, centre - width)
    z, fine = legendre(FINE)
    beyond = (low - centre) * (1 - z) / 2 + width * (1 + z) / 2
    r = centre + beyond
    log_density = (m - 1) * np.log(r) - r**2 / (2 * h)
    if x > 0:
        log_density = m / 2 * np.log(r) - (beyond + centre - x) ** 2 / (2 * h) + _log_bessel(m / 2 - 1, r * x / h)
    found, vectors = gauss(beyond, fine * np.exp(log_density - log_density.max()), nodes)
    return centre + found, vectors[0] ** 2


def _log_bessel(nu: float, z: Array) -> Array:
    """log I_nu(z) e^-z, for z beyond LARGE to the second order."""
    near = np.minimum(z, LARGE)
    return np.where(z < LARGE, np.log(ive(nu, near)), -np.log(2 * np.pi * z) / 2 - (4 * nu**2 - 1) / (8 * z))


class _Angles:
    """The laws of the angle between two points in m directions, of von Mises and Fisher's laws of concentrations kappa."""

    def __init__(self, kappa: Array, m: int) -> None:
        self.kappa, self.m, self.sharp = kappa, m, kappa.max() > LARGE
        if self.sharp:
            return
        degrees = math.ceil(24 + 7 * math.sqrt(kappa.max()))
        z, fine = legendre(degrees + 64)
        angle = np.pi / 2 * (z + 1)
        self.cosines = np.cos(angle)
        self.uniform = fine * np.sin(angle) ** (m - 2)
        order = np.arange(degrees)
        plain = ive(m / 2 - 1, kappa)[:, None]
        bent = ive(m / 2 - 1 + order, kappa[:, None])
        self.harmonics = np.divide(bent, plain, out=np.zeros_like(bent), where=plain > 0)
        self.harmonics[:, 0] = 1
        self.polynomials = _gegenbauer(degrees, m, self.cosines)

    def rule(self, i: int, j: int, nodes: int) -> tuple[Array, Array]:
        """Gauss's rule for the cosine between points of two of the concentrations; where one is large, in the tangent plane."""
        if self.sharp:
            plane = chi(self.m - 1, nodes)
            widths = 1 / self.kappa[i] + 1 / self.kappa[j]
            return np.cos(np.minimum(np.sqrt(widths * plane.squares[:, 0]), np.pi)), plane.weights
        against = (self.harmonics[i] * self.harmonics[j]) @ self.polynomials
        found, vectors = gauss(self.cosines, self.uniform * np.maximum(against, 0), nodes)
        return np.clip(found, -1, 1), vectors[0] ** 2


def _gegenbauer(degrees: int, m: int, cosines: Array) -> Array:
    """dim_l P_l, shape (degrees, n), in m directions."""
    found, many = [np.ones_like(cosines), cosines], [1.0, float(m)]
    for k in range(1, degrees - 1):
        found.append(((2 * k + m - 2) * cosines * found[k] - k * found[k - 1]) / (k + m - 2))
        many.append(many[k] * (2 * k + m) / (2 * k + m - 2) * (k + m - 2) / (k + 1))
    return np.array(many)[:, None] * np.array(found)


def _by_sobol(samples: Samples, x: Array, h: float, manifold: LinearManifold) -> float:
    """Over pairs of shifts from several scrambled sequences, whose scatter is the error, until that is small enough."""
    from scipy.stats import qmc  # slow to import

    sequences = [qmc.Sobol(2 * x.size, seed=k) for k in range(SEQUENCES)]
    values = np.empty((SEQUENCES, 0))
    while values.size < MOST:
        count = max(FIRST // SEQUENCES, values.shape[1])
        more = []
        for sequence in sequences:
            uniform = np.asarray(sequence.random(count), dtype=np.float64)
            shifts = math.sqrt(h) * np.asarray(ndtri(uniform)).reshape(-1, 2, x.size)
            more.append([_shifted(samples, x + one, x + other, manifold) for one, other in shifts])
            if math.isnan(more[-1][0]):
                return math.nan
        values = np.concatenate([values, more], axis=1)
        means = values.mean(axis=1)
        if means.std(ddof=1) / math.sqrt(SEQUENCES) <= SCATTER * means.mean():
            return float(means.mean())
    return math.nan


def _shifted(samples: Samples, one: Array, other: Array, manifold: LinearManifold) -> float:
    """The product at two points of all directions."""
    first, second = (seen(samples, at) for at in _in_planes(one, other, manifold))
    return _product(samples, first, second)


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
