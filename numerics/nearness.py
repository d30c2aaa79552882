r"""Nearness: how far a network's posterior mean is from that of its samples, and what of the two it is most like.

All is of R networks at once, each with points (R, M, D) of its own, at one noise variance t. What samples say is another
`Denoiser`, their posterior mean m^_t(x). Remedies change it to

    smoothed by h      x + t K_h * s^(x, t), the mean of m^_t over shifts of x by N(0, h I)
    at temperature T   m^_{tT}(x)

and the equivalent bandwidth and temperature of a network are those at which the one or the other is nearest to it, in the mean
over points of the squared distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import stream
from numerics.networks import Denoiser

__all__ = [
    "BANDWIDTHS",
    "TEMPERATURES",
    "differences",
    "dimension",
    "distance",
    "equivalents",
    "heated",
    "jacobian",
    "nearest",
    "profile",
    "smoothed",
]

Array = NDArray[np.float64]
BANDWIDTHS = np.concatenate([[0.0], np.geomspace(0.01, 100, 17)])  # h that are tried, in units of t
TEMPERATURES = np.geomspace(0.1, 1000, 49)  # and temperatures
SHIFTS = 32  # of a point, where the score is smoothed
STEP = 0.03  # of differences, in units of sqrt(t), the length on which a posterior mean changes at most


def distance(one: Array, other: Array, unit: Array | float = 1.0) -> Array:
    """The mean squared distance of each network's points (R, M, D), shape (R,), in units of another."""
    return np.asarray(((one - other) ** 2).sum(axis=2).mean(axis=1) / unit)


def jacobian(denoiser: Denoiser, x: Array, t: float) -> Array:
    """d m_i/d x_j by central differences, shape (R, M, D, D): of networks known by their values alone."""
    return differences(lambda at: denoiser(at, t), x, STEP * t**0.5)


def differences(f: Callable[[Array], Array], x: Array, step: float) -> Array:
    """The derivatives d f_i/d x_j at points (..., D) of a function with values of their shape, central, shape (..., D, D).

    Raises:
        ValueError: where points are so far away that float64 does not hold what is a step from them.
    """
    columns = []
    for j, shift in enumerate(step * np.eye(x.shape[-1])):
        above, below = x + shift, x - shift
        apart = above[..., j, None] - below[..., j, None]  # far away, no more than nearly two steps
        if not apart.all():
            raise ValueError(
                f"points must be near enough that float64 holds steps of {step:.2g} from them, got {np.abs(x).max():.3g}; "
                "take the mean of the data from both"
            )
        columns.append((f(above) - f(below)) / apart)
    return np.stack(columns, axis=-1)


def dimension(jacobians: Array) -> Array:
    """How many eigenvalues of the symmetrized Jacobian (R, M, D, D) are above 1/2, the mean over points, shape (R,)."""
    symmetric = (jacobians + jacobians.swapaxes(2, 3)) / 2
    return np.asarray((np.linalg.eigvalsh(symmetric) > 0.5).sum(axis=2).mean(axis=1))


def equivalents(network: Denoiser, samples: Denoiser, x: Array, t: float) -> tuple[Array, Array]:
    """The bandwidth, data units squared, and the temperature at which samples are nearest to each network, both of shape (R,).

    Args:
        network: R networks.
        samples: what R data sets say, `numerics.networks.of_samples`.
        x: points under noise, shape (R, M, D).
        t: noise variance.
    """
    mean = network(x, t)
    h = t * nearest(profile(mean, smoothed(samples, x, t)), BANDWIDTHS)
    return h, nearest(profile(mean, heated(samples, x, t)), TEMPERATURES)


def smoothed(samples: Denoiser, x: Array, t: float) -> Iterable[Array]:
    """The smoothed posterior means at BANDWIDTHS times t, each twice, from shifts of their own, shape (2, R, M, D).

    Every point has its own shifts, so that their errors do not add up.
    """
    shifts = [_shifts(stream(0, "shifts", k), x.shape) for k in range(2)]
    for h in BANDWIDTHS * t:
        yield np.stack([_at_shifts(samples, x, t, h**0.5 * one).mean(axis=2) for one in shifts])


def _shifts(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal shifts of every point and their negatives, shape (M, SHIFTS, D)."""
    half = random.standard_normal((shape[1], SHIFTS // 2, shape[2]))
    return np.concatenate([half, -half], axis=1)


def _at_shifts(samples: Denoiser, x: Array, t: float, shifts: Array) -> Array:
    """The posterior means at all points shifted, shape (R, M, SHIFTS, D)."""
    points = x[:, :, None] + shifts
    return samples(points.reshape(len(x), -1, x.shape[2]), t).reshape(points.shape)


def heated(samples: Denoiser, x: Array, t: float) -> Iterable[Array]:
    """The posterior means at TEMPERATURES, each of shape (1, R, M, D)."""
    return (samples(x, t * T)[None] for T in TEMPERATURES)


def profile(mean: Array, remedied: Iterable[Array]) -> Array:
    """What `nearest` takes: the distance of a network's values from each of H remedied ones, and of each of these from the next.

    Of two with errors of their own it takes the product of the distances from both: errors do not add to it.

    Returns:
        Shape (R, 2 H - 1).
    """
    tried = list(remedied)
    found = [_product(mean - one) for one in tried] + [_product(one - other) for one, other in pairwise(tried)]
    return np.stack(found, axis=1)


def _product(apart: Array) -> Array:
    """Of the first and the last, summed over directions, the mean over points, shape (R,)."""
    return (apart[0] * apart[-1]).sum(axis=2).mean(axis=1)


def nearest(profiles: Array, tried: Array) -> Array:
    """At which of the remedies a network is the nearest, profiles of shape (..., 2 H - 1), on straight lines between those tried.

    Returns:
        Shape (...), between two that were tried by the logarithm, next to 0 by the number itself; the last that was tried
        stands for all beyond.
    """
    flat = profiles.reshape(-1, 2 * len(tried) - 1)
    return np.array([_foot(row[: len(tried)], row[len(tried) :], tried) for row in flat]).reshape(profiles.shape[:-1])


def _foot(distances: Array, steps: Array, tried: Array) -> float:
    """Where the perpendicular meets the nearest of the lines."""
    left, right = distances[:-1], distances[1:]
    share = np.clip((left - right + steps) / np.where(steps > 0, 2 * steps, np.inf), 0, 1)
    i = int(np.argmin((1 - share) * left + share * right - share * (1 - share) * steps))
    low, high, s = tried[i], tried[i + 1], share[i]
    return float(low ** (1 - s) * high**s if low > 0 else s * high)
