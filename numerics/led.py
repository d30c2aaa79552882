r"""LED: the log-exponential double kernel density estimate of N samples, pi = exp(K_h * log p^_t)/Z, K_h = N(0, h I).

log p^ is smooth but for kinks, of width t over the gap of two samples, where the nearest sample changes. Gauss-Hermite nodes
do not see them. In one and two dimensions averages over the kernel are taken by the trapezoid rule on a grid that resolves
them, where it converges exponentially. In more, the score is averaged over shifts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.signal import fftconvolve
from scipy.special import ndtr

from numerics.arrays import check_squares, checked
from numerics.gibbs import gibbs_moments
from numerics.scores import Smoothed, noise_variances
from numerics.voronoi import fixed_points
from theory.real import brief, number, real_array

__all__ = ["atoms", "gradient", "log_density", "log_normalization"]

Array = NDArray[np.float64]
REACH = 9.0  # standard deviations of a kernel that are integrated over
POINTS = 2**22  # of a grid at most
FLAT = 1e-12  # extent across over that along, below which samples are on a line
SCAN = 16  # places per bandwidth, or gap, where fixed points are looked for
ROOT = 1e-12  # of a spacing of these places, to which fixed points are found
WIDE = 1e30  # in units of the extent squared: a kernel beyond which all samples are one point to


def log_density(x: ArrayLike, data: ArrayLike, t: float, h: float) -> Array:
    """log pi(x), normalized, in one or two dimensions.

    Args:
        x: points, shape (M, D), data units.
        data: samples, shape (N, D).
        t: noise variance of p^_t, data units squared.
        h: variance of the kernel K_h, data units squared, 0 or more.

    Returns:
        shape (M,), log of inverse data units to the power D; to 1e-10 beside the largest |log p^| within REACH of x.

    Raises:
        ValueError: for more than two dimensions, tables that are none, a noise variance or bandwidth outside its domain, and a
            grid of more than 2^22 points, which a t or h far below the scale of the data squared would take.
    """
    points, samples = _fitting(x, data, t, h, most=2)
    if h == 0:
        return np.asarray(gibbs_moments(points, samples, t).log_density)
    grid = _Grid.about(np.concatenate([points, _ends(samples, t)]), samples, t, h)
    found = grid.reshaped(gibbs_moments(grid.points, samples, t).log_density)
    rows = grid.kernel_at(points, h)
    smoothed = rows[0] @ found if len(rows) == 1 else ((rows[0] @ found) * rows[1]).sum(axis=1)
    return np.asarray(smoothed - _log_integral(grid, found, h))


def log_normalization(data: ArrayLike, t: float, h: float) -> float:
    """log Z = log int exp(K_h * log p^_t), which is 0 or below; arguments, error and what is raised as in `log_density`."""
    _, samples = _fitting(data, data, t, h, most=2)
    if h == 0:
        return 0.0
    grid = _Grid.about(_ends(samples, t), samples, t, h)
    return _log_integral(grid, grid.reshaped(gibbs_moments(grid.points, samples, t).log_density), h)


def _ends(samples: Array, t: float) -> Array:
    """Corners of the box that holds all of the density, shape (2, D)."""
    corners = np.array([samples.min(axis=0), samples.max(axis=0)])
    return np.asarray(corners + REACH * math.sqrt(t) * np.array([[-1.0], [1.0]]))


def _log_integral(grid: _Grid, smoothed: Array, h: float) -> float:
    """log of int exp(K_h * f), f of these values on a grid that ends beyond the integral by the reach of the kernel."""
    half = math.ceil(REACH * math.sqrt(h) / grid.step)
    kernel = _kernel(grid.step * np.arange(-half, half + 1), h, grid.step)
    for k in range(smoothed.ndim):
        along = [-1 if j == k else 1 for j in range(smoothed.ndim)]
        smoothed = fftconvolve(smoothed, kernel.reshape(along), mode="valid", axes=k)
    peak = smoothed.max()
    return float(peak + math.log(np.exp(smoothed - peak).sum() * grid.step**smoothed.ndim))


def gradient(x: ArrayLike, data: ArrayLike, t: float, h: float, *, shifts: int = 64, rng: int = 0) -> Array:
    """The smoothed score K_h * s^, the gradient of log pi, in any dimension.

    Args:
        x: points, shape (M, D), data units.
        data: samples, shape (N, D).
        t: noise variance, data units squared.
        h: variance of the kernel, data units squared, 0 or more.
        shifts: in more than one dimension, of the average over the kernel, a power of two; see `numerics.scores.Smoothed`.
        rng: their seed.

    Returns:
        shape (M, D), inverse data units; in one dimension to 1e-10 of the range of the data over t.

    Raises:
        ValueError: as `log_density`, but for the number of dimensions.
    """
    points, samples = _fitting(x, data, t, h)
    if h == 0 or samples.shape[1] > 1:
        return np.asarray(Smoothed(samples, h, shifts, rng)(points, t))
    grid = _Grid.about(points, samples, t, h)
    mean = grid.kernel_at(points, h)[0] @ gibbs_moments(grid.points, samples, t).mean
    return np.asarray((mean - points) / t)


def atoms(data: ArrayLike, h: float) -> Array:
    """Where the flow with the smoothed score ends as t falls to 0 at a fixed h, in one and two dimensions.

    They are the stable fixed points of K_h * m^_0 = sum y^k K_h(Voronoi cell of y^k), m^_0 the nearest sample: exact, by error
    functions in one dimension and by Owen's in two (`numerics.voronoi`).

    Args:
        data: samples, shape (N, 1) or (N, 2), data units; in the plane some hundreds.
        h: variance of the kernel, data units squared; at 0 the atoms are the samples.

    Returns:
        shape (A,), rising, 1 <= A <= N, but for those of which two lie within a sixteenth of the bandwidth's root; in two
        dimensions (A, 2), by their first coordinate, of fixed points whose indices add up to 1, as those of all must.

    Raises:
        ValueError: for a table that is none, more than two dimensions, a bandwidth that is negative or not finite, and in two
            dimensions where the indices do not add up.
    """
    _, samples = _fitting(data, data, 1.0, h, most=2)
    check_squares(samples, samples)
    y = np.unique(samples, axis=0)
    if h == 0 or len(y) == 1:
        return y if y.shape[1] == 2 else y[:, 0]
    away = y - y[0]
    unit = math.frexp(float(np.abs(away).max()))[1]  # near which all searches are right to rounding
    away, h = np.ldexp(away, -unit), min(float(np.ldexp(h, -2 * unit)), WIDE)
    found = _in_the_plane(away, h) if y.shape[1] == 2 else _on_a_line(away[:, 0], h)
    return np.asarray(np.ldexp(found, unit) + (y[0] if y.shape[1] == 2 else y[0, 0]))


def _in_the_plane(y: Array, h: float) -> Array:
    """Of samples (N, 2), all different."""
    middle = y.mean(axis=0)
    _, sizes, axes = np.linalg.svd(y - middle, full_matrices=False)
    if len(y) == 2 or sizes[1] < FLAT * sizes[0]:  # what is across the line is 0 at a fixed point
        found = middle + _on_a_line(np.sort((y - middle) @ axes[0]), h)[:, None] * axes[0]
    else:
        points, unstable = fixed_points(y, h)
        found = points[unstable == 0]
    return np.asarray(found[np.lexsort(found.T[::-1])])


def _on_a_line(y: Array, h: float) -> Array:
    """Of samples (N,), rising and all different."""
    if h == 0 or y.size == 1:
        return y
    gaps, edges = np.diff(y), (y[1:] + y[:-1]) / 2

    def pull(x: Array) -> Array:
        return np.asarray(y[0] + ndtr((x[..., None] - edges) / math.sqrt(h)) @ gaps - x)

    spacing = min(math.sqrt(h), gaps.min()) / SCAN
    count = min(POINTS // y.size, math.ceil((y[-1] - y[0]) / spacing) + SCAN)
    scan = np.linspace(y[0] - spacing, y[-1] + spacing, count)
    falls = np.flatnonzero((pull(scan[:-1]) > 0) & (pull(scan[1:]) <= 0))
    near = ROOT * spacing
    return np.array([brentq(lambda x: float(pull(np.array(x))), scan[i], scan[i + 1], xtol=near) for i in falls])


class _Grid(NamedTuple):
    """Equally spaced points along each direction, D arrays, and their spacing."""

    axes: list[Array]
    step: float

    @classmethod
    def about(cls, x: Array, data: Array, t: float, h: float) -> _Grid:
        """All that is within the kernel of the box about x, fine enough for the score of the data.

        Two samples a gap apart leave log p^ singular pi t/gap off the real line, so that the rule is off by
        exp(-2 pi^2 t/(gap step)); the kernel itself takes a step of half its width.
        """
        gaps = np.diff(np.unique(data)) if data.shape[1] == 1 else np.hypot.reduce(np.ptp(data, axis=0))
        apart = float(np.max(gaps, initial=0.0))
        step = min(math.sqrt(h), math.sqrt(t), t / apart if apart > 0 else math.inf) / 2
        reach = REACH * math.sqrt(h) + step
        low, counts = x.min(axis=0) - reach, np.ceil((np.ptp(x, axis=0) + 2 * reach) / step) + 1
        wanted = math.prod(counts.tolist())
        if not wanted <= POINTS:
            raise ValueError(
                f"the grid must have at most {POINTS:,} points, got {wanted:.3g} for t = {t:g} and bandwidth {h:g}; "
                "raise them, or give fewer points at a time"
            )
        return cls([first + step * np.arange(int(n)) for first, n in zip(low, counts, strict=True)], step)

    @property
    def points(self) -> Array:
        """Shape (G, D), the last direction running fastest."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, len(self.axes))

    def reshaped(self, flat: Array) -> Array:
        """Values at the points in the shape of the grid."""
        return flat.reshape([axis.size for axis in self.axes])

    def kernel_at(self, x: Array, h: float) -> list[Array]:
        """Weights of the average over the kernel about each x, along each direction, D arrays of shape (M, G_k)."""
        return [_kernel(x[:, k, None] - axis, h, self.step) for k, axis in enumerate(self.axes)]


def _kernel(away: NDArray[np.floating], h: float, step: float) -> Array:
    return np.asarray(step * np.exp(-(away**2) / (2 * h)) / math.sqrt(2 * math.pi * h))


def _fitting(x: ArrayLike, data: ArrayLike, t: float, h: float, most: int | None = None) -> tuple[Array, Array]:
    """Points and samples as float64 tables of as many columns, at most so many."""
    points, samples = (
        checked(real_array(a, what).astype(np.float64), what, shape)
        for a, what, shape in ((x, "x", "(M, D)"), (data, "data", "(N, D)"))
    )
    if points.shape[1] != samples.shape[1]:
        raise ValueError(f"x must have the {samples.shape[1]} dimensions of the data, got shape {points.shape}")
    if most is not None and samples.shape[1] > most:
        raise ValueError(f"this is for data of {most} dimension{'s' * (most > 1)} at most, got shape {samples.shape}")
    noise_variances([t], "t", at_least=1)
    if not 0 <= number(h) < math.inf:
        raise ValueError(f"the bandwidth must be finite and not negative, got {brief(h)}")
    return points, samples
