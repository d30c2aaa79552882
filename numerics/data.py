"""Data: the ensembles the theory speaks of, and the data sets users bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.storage.tables import load, read
from theory.setting import FAIR, LinearManifold, Setting

__all__ = [
    "Mixture",
    "Resampled",
    "draw",
    "load",
    "log_density",
    "mean_squares",
    "needs_density",
    "noise",
    "point_at",
    "points",
    "read",
    "score",
]

Array = NDArray[np.float64]
MOST = 2**59  # numbers of an array: NumPy counts no more bytes


def draw(setting: Setting, count: int, rng: np.random.Generator) -> Array:
    """`count` samples of the setting's ensemble in principal axes, shape (count, D).

    Raises:
        MemoryError: where no machine holds as many.
    """
    manifold = setting.manifold
    D, m = manifold.ambient_dimension, manifold.intrinsic_dimension
    if count * D > MOST:
        raise MemoryError(f"{count:.3g} samples of {D} numbers are more than an array holds")
    samples = rng.standard_normal((count, m))
    samples *= np.sqrt(manifold.spectrum[:m])
    if m < D:  # else a copy would double the memory
        samples = np.pad(samples, ((0, 0), (0, D - m)))
    if setting.ensemble == "sphere":
        radius = np.sqrt(manifold.spectrum.sum())
        samples *= radius / np.linalg.norm(samples, axis=1, keepdims=True)
    if setting.ensemble == "mixture":
        samples[:, 0] += setting.separation * (_upper(setting, count, rng) - 0.5)
    return samples


def _upper(setting: Setting, count: int, rng: np.random.Generator) -> Array:
    """1 for what is of the upper class, 0 else, shape (count,); a fair coin is one bit of the stream."""
    fair = setting.share == FAIR
    return np.asarray(rng.integers(2, size=count) if fair else rng.random(count) < setting.share, dtype=np.float64)


@dataclass(frozen=True)
class Mixture:
    """A mixture of A Gaussians to draw from: called with (count, rng), it returns samples of shape (count, D).

    Attributes:
        weights: shape (A,), summing to one.
        means: shape (A, D).
        factors: matrices F_a of shape (A, D, D); the covariances are F_a F_a^T.
    """

    weights: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    factors: tuple[tuple[tuple[float, ...], ...], ...]

    def __call__(self, count: int, rng: np.random.Generator) -> Array:
        """`count` samples, shape (count, D)."""
        component = rng.choice(len(self.weights), count, p=self.weights)
        samples = rng.standard_normal((count, len(self.means[0])))
        for a, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            samples[component == a] = mean + samples[component == a] @ np.array(factor).T
        return samples

    def parts(self) -> dict[str, Any]:
        """weights, means and covariances as arrays."""
        factors = np.array(self.factors)
        covariances = factors @ factors.swapaxes(-1, -2)
        return {"weights": np.array(self.weights), "means": np.array(self.means), "covariances": covariances}


@dataclass(frozen=True)
class Resampled:
    """A data set as a distribution: drawing from it resamples with replacement.

    Attributes:
        samples: shape (A, D).
    """

    samples: Array

    def __call__(self, count: int, rng: np.random.Generator) -> Array:
        """`count` samples with replacement, shape (count, D)."""
        return self.samples[rng.integers(len(self.samples), size=count)]


def noise(samples: Array, t: float | Array, rng: np.random.Generator) -> Array:
    """Samples + sqrt(t) xi."""
    return samples + np.sqrt(t) * rng.standard_normal(samples.shape)


def points(setting: Setting, i: int, samples: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The points x of the setting at its i-th time, shape (M, D), and the samples they look at.

    Its own point, M = 1; else `count` points of its query. On a trajectory through a point the first sample is drawn
    given that x came from it.

    Raises:
        ValueError: for that, unless the ensemble is `gaussian`.
    """
    t, trajectory = setting.t[i], setting.query == "trajectory"
    if setting.point is None:
        return noise(samples[:count] if trajectory else draw(setting, count, rng), t, rng), samples
    x = point_at(setting, i)
    if trajectory:
        needs_density(setting, "on a trajectory through a given point")
        spectrum = setting.manifold.spectrum
        own = spectrum / (spectrum + t) * x + np.sqrt(spectrum * t / (spectrum + t)) * rng.standard_normal(x.size)
        samples = np.concatenate([own[None], samples[1:]])
    return x[None], samples


def point_at(setting: Setting, i: int) -> Array:
    """The setting's own point at its i-th time, data units, shape (D,)."""
    given = setting.point
    assert given is not None
    x = np.zeros(setting.manifold.ambient_dimension)
    x[: len(given)] = given
    return x / setting.alpha[i]


def mean_squares(x: Array, manifold: LinearManifold) -> Array:
    """The mean square along a direction of each subspace, of points (M, D) of mean zero, shape (K,)."""
    return np.array([(x[:, part] ** 2).mean() for part in manifold.slices])


def needs_density(setting: Setting, what: str) -> None:
    """Refuse an ensemble whose density and score have no closed form to compare with.

    Raises:
        ValueError: unless the ensemble is `gaussian`.
    """
    if setting.ensemble != "gaussian":
        raise ValueError(
            f"measuring {what} takes the density of the data, known for the gaussian ensemble only, got "
            f"{setting.ensemble!r}; memorized_probability and effective_samples are measured for either"
        )


def score(x: Array, t: float | Array, manifold: LinearManifold) -> Array:
    """The score of the Gaussian distribution itself under noise t, x of shape (..., D)."""
    return -x / (manifold.spectrum + t)


def log_density(x: Array, t: float | Array, manifold: LinearManifold) -> Array:
    """log p_t(x) of the Gaussian distribution itself, x of shape (..., D)."""
    variances = manifold.spectrum + t
    return np.asarray(-0.5 * (x**2 / variances + np.log(2 * np.pi * variances)).sum(axis=-1))
