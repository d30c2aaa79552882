r"""Over surfaces: what noise leaves of data uniform on a sphere or a torus in three of D dimensions.

At a point x the sample y has the weight e^{-|x - y|^2/2t}; C is the covariance of y under these weights, and C/t the Jacobian of
the posterior mean there. On the sphere it is closed, k = R|x|/t: the mean lies at R(coth k - 1/k). On the torus the average over
both angles is a trapezoidal sum, which for periodic analytic functions converges exponentially.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.predictions.spectral_gap import derivation

__all__ = ["counted_about_a_sphere", "counted_on_a_torus", "on_a_sphere", "on_a_torus"]

Array = NDArray[np.float64]
FINE = 0.6  # between neighbouring terms of the sums over the torus, in units of sqrt(t): e^(-2 pi^2/FINE^2) of them is missed
PLACES = 128  # round half of its tube, where C is taken
RADII, REACH = 20_001, 9.0  # of noised points, and how far in standard deviations


def on_a_sphere(t: Array, radius: float) -> Array:
    """tr C/t at a point of the sphere, shape of t: 2 - t/R^2 but for e^(-2R^2/t)."""
    return derivation()["sphere_retained"](radius**2 / np.asarray(t))


def counted_about_a_sphere(t: Array, radius: float) -> Array:
    """The mean number of eigenvalues of C/t above 1/2 at noised points, shape of t, to 1e-3.

    They are R(coth k - 1/k)/|x| along both tangents, and R^2/t times the slope 1/k^2 - 1/sinh^2 k along the normal.
    """
    d, found = derivation(), []
    for one in np.atleast_1d(t).tolist():
        width = np.sqrt(one)
        far = radius + REACH * width
        r = far * (np.arange(RADII) + 0.5) / RADII
        share = r * (np.exp(-((r - radius) ** 2) / (2 * one)) - np.exp(-((r + radius) ** 2) / (2 * one)))
        k = radius * r / one
        along, across = radius * d["sphere_mean"](k) / r, radius**2 * d["sphere_slope"](k) / one
        found.append(share @ (2.0 * (along > 0.5) + (across > 0.5)) / share.sum())
    return np.array(found)


def on_a_torus(t: Array, ring: float, tube: float) -> Array:
    """The mean of tr C/t over its points, each part of the area alike, shape of t: 2 but for order t^2.

    Args:
        t: noise variances, data units squared.
        ring: the radius of the circle round which the tube is laid.
        tube: that of the tube, less than that of the ring.
    """
    return np.array([share @ np.trace(C, axis1=1, axis2=2) / one for one, share, C in _round(t, ring, tube)])


def counted_on_a_torus(t: Array, ring: float, tube: float) -> Array:
    """The mean number of eigenvalues of C/t above 1/2, shape of t, to 1/PLACES."""
    return np.array(
        [share @ (np.linalg.eigvalsh(C / one) > 0.5).sum(axis=1) for one, share, C in _round(t, ring, tube)]
    )


def _round(t: Array, ring: float, tube: float) -> Iterator[tuple[float, Array, Array]]:
    """For each t: t, the share of the area at each place round the tube, (P,), and C there, (P, 3, 3)."""
    a = np.pi * (np.arange(PLACES) + 0.5) / PLACES
    share = ring + tube * np.cos(a)
    x, _ = _points(a, np.zeros(PLACES), ring, tube)
    for one in np.atleast_1d(t).tolist():
        count = int(np.ceil(2 * np.pi * (ring + tube) / (FINE * np.sqrt(one))))
        angles = 2 * np.pi * np.arange(count) / count
        y, area = _points(np.repeat(angles, count), np.tile(angles, count), ring, tube)
        yield one, share / share.sum(), np.array([_covariance(place, y, area, one) for place in x])


def _points(a: Array, b: Array, ring: float, tube: float) -> tuple[Array, Array]:
    """On the torus at the angles round the tube and round the ring, (P, 3), and the area there but for a constant, (P,)."""
    out = ring + tube * np.cos(a)
    return np.stack([out * np.cos(b), out * np.sin(b), tube * np.sin(a)], axis=1), out


def _covariance(x: Array, y: Array, area: Array, t: float) -> Array:
    weight = area * np.exp(-((x - y) ** 2).sum(axis=1) / (2 * t))
    weight /= weight.sum()
    off = y - weight @ y
    return np.asarray((off * weight[:, None]).T @ off)
