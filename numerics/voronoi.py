r"""The smoothed nearest sample in the plane, K_h * m^_0 = sum y^k K_h(Voronoi cell of y^k), exact, and its fixed points.

Seen from x, the mass of N(x, h I) in a cell is that of its angles less (1/2 pi) int e^{-d^2/2h cos^2 phi} dphi over each of
its edges, d the distance of the edge's line: Owen's T. The angles of a cell make 1 where x is in it and 0 elsewhere, so that

    K_h * m^_0 = (the nearest sample) + sum over edges of (sample beyond - sample before) [T(d/sqrt h, b'/d) - T(d/sqrt h, b/d)]

with b and b' where the edge begins and ends along its line. Its Jacobian is a sum over edges too, of (y - y')(y - y')^T/|y - y'|
times the mass of N(x, h I) on the edge. It is the gradient of a convex function, Psi: its fixed points are where |x|^2/2 - Psi is
flat, and the stable ones its minima. On a circle about all samples x - K_h * m^_0 points outwards, so that by Poincare and
Hopf's theorem minima less saddles plus maxima are 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi
from scipy.special import ndtr, owens_t

__all__ = ["Cells", "fixed_points"]

Array = NDArray[np.float64]
BLOCK = 2**21  # pairs of a point and an edge at a time
GRIDS = 12, 24, 48, 96  # places along a side where fixed points are looked for, until their indices add up to 1
RAYS = 0, 4, 8, 16  # and about samples, middles and ends of edges
STEPS = 60  # of Newton's method
LONGEST = 0.25  # of its steps, in units of the kernel's width
SAME = 1e-6  # in units of the extent of the data: fixed points nearer than that are one
TINY = 1e-300
# of that: what is left of x - K_h * m^_0 at a fixed point, and where edges meet, for rounding
FLAT, ROUGH = 1e-12, 1e-6


class Cells:
    """The Voronoi cells of samples in the plane, not all on a line, under a kernel.

    Args:
        samples: y^k, all different, shape (N, 2).
        h: variance of the kernel, above 0.
    """

    def __init__(self, samples: Array, h: float) -> None:
        self.samples, self.width = samples, math.sqrt(h)
        self.first, self.second = (samples[column] for column in Voronoi(samples).ridge_points.T)
        across = self.second - self.first
        self.gap = np.linalg.norm(across, axis=1)
        self.normal = across / self.gap[:, None]
        self.along = np.column_stack([-self.normal[:, 1], self.normal[:, 0]])
        self.middle = (self.first + self.second) / 2
        self.begin, self.end = self._ends()

    def _ends(self) -> tuple[Array, Array]:
        """Where edges begin and end along their lines, from their middles: no other sample is nearer than these two."""
        away = self.samples - self.middle[:, None]  # (R, N, 2)
        slope = 2 * np.einsum("rnk,rk->rn", away, self.along)
        room = (away**2).sum(axis=2) - (self.gap[:, None] / 2) ** 2
        own = np.abs(slope) < SAME * self.gap[:, None]  # both samples of the edge; of others so far off none is near
        bound = room / np.where(own, 1.0, slope)
        begin = np.where(~own & (slope < 0), bound, -np.inf).max(axis=1)
        end = np.where(~own & (slope > 0), bound, np.inf).min(axis=1)
        return begin, np.maximum(begin, end)

    @property
    def corners(self) -> Array:
        """Where edges end, shape (C, 2)."""
        ends = [self.middle + at[:, None] * self.along for at in (self.begin, self.end)]
        found = np.concatenate(ends)
        return np.asarray(found[np.isfinite(found).all(axis=1)])

    def smoothed(self, x: Array) -> tuple[Array, Array]:
        """K_h * m^_0 at points (M, 2), and its Jacobian, shapes (M, 2) and (M, 2, 2)."""
        parts = np.array_split(x, max(1, len(x) * len(self.samples) * 3 // BLOCK))
        means, slopes = zip(*map(self._smoothed, parts), strict=True)
        return np.concatenate(means), np.concatenate(slopes)

    def _smoothed(self, x: Array) -> tuple[Array, Array]:
        away = self.middle - x[:, None]  # (M, R, 2)
        signed = np.einsum("mrk,rk->mr", away, self.normal) / self.width
        d = np.maximum(np.abs(signed), TINY)
        centre = np.einsum("mrk,rk->mr", away, self.along)
        begin, end = ((centre + at) / self.width for at in (self.begin, self.end))
        mass = owens_t(d, end / d) - owens_t(d, begin / d)
        beyond = np.where(signed < 0, -1, 1) * mass  # on the side of the first sample the second gains
        nearest = self.samples[((x[:, None] - self.samples) ** 2).sum(axis=2).argmin(axis=1)]
        density = np.exp(-(signed**2) / 2) / math.sqrt(2 * math.pi) / self.width
        weight = density * (ndtr(end) - ndtr(begin)) * self.gap
        slope = np.einsum("mr,rk,rl->mkl", weight, self.normal, self.normal)
        return nearest + beyond @ (self.second - self.first), slope


def fixed_points(samples: Array, h: float) -> tuple[Array, Array]:
    """Where K_h * m^_0 is x, by Newton's method from samples, middles and ends of edges, about them, and from a grid.

    Returns:
        the points, shape (A, 2), and how many of the directions of each are unstable, (A,).

    Raises:
        ValueError: where those found do not have the indices that all together must have.
    """
    cells = Cells(samples, h)
    low, extent = samples.min(axis=0), float(np.ptp(samples, axis=0).max())
    marks = np.concatenate([samples, cells.middle, cells.corners])
    found, unstable = np.empty((0, 2)), np.empty(0, dtype=int)
    for count, rays in zip(GRIDS, RAYS, strict=True):
        side = np.linspace(0, extent, count)
        grid = low + np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        around = [
            marks + cells.width * np.array([math.cos(a), math.sin(a)])
            for a in 2 * np.pi * np.arange(rays) / (rays or 1)
        ]
        found = np.concatenate([found, _newton(cells, np.concatenate([marks, grid, *around]), extent)])
        found = _apart(found, SAME * extent)
        values = np.linalg.eigvalsh(cells.smoothed(found)[1])
        unstable = (values > 1).sum(axis=1)
        if ((-1) ** unstable).sum() == 1:
            return found, unstable
    raise ValueError(
        f"the indices of the fixed points must add up to 1, those of the {len(found)} found add up to "
        f"{((-1) ** unstable).sum()}; raise the bandwidth, or give samples that are not on top of one another"
    )


def _newton(cells: Cells, x: Array, extent: float) -> Array:
    """Fixed points that are reached from x, (M, 2) -> (A, 2): each step as long as the kernel is wide at most."""
    ended = [np.empty((0, 2))]
    for _ in range(STEPS):
        mean, slope = cells.smoothed(x)
        flat = np.linalg.norm(mean - x, axis=1) < FLAT * extent
        ended.append(x[flat])
        x, mean, slope = x[~flat], mean[~flat], slope[~flat]
        if not len(x):
            break
        matrix = np.eye(2) - slope
        det = np.linalg.det(matrix)
        matrix[np.abs(det) < TINY] = np.eye(2)
        step = np.linalg.solve(matrix, (mean - x)[..., None])[..., 0]
        longest = LONGEST * cells.width + SAME * extent
        x = x + step * np.minimum(1, longest / np.maximum(np.linalg.norm(step, axis=1), TINY))[:, None]
        x = x[(np.abs(x - cells.samples.mean(axis=0)) < 2 * extent).all(axis=1)]
        if not len(x):
            break
    rough = np.linalg.norm(cells.smoothed(x)[0] - x, axis=1) < ROUGH * extent if len(x) else np.zeros(0, dtype=bool)
    return np.concatenate([*ended, x[rough]])


def _apart(x: Array, distance: float) -> Array:
    """One of each group of points that are nearer than that, in the order of their coordinates."""
    x = x[np.lexsort(x.T[::-1])]
    kept: list[Array] = []
    for point in x:
        if not kept or (np.linalg.norm(np.array(kept) - point, axis=1) > distance).all():
            kept.append(point)
    return np.array(kept).reshape(-1, 2)
