"""Spectral gap, measured: draw F, and take the singular values of every one.

An eigenvalue of -t J is t/(s + t) along a tangent, s the square of a singular value of F, and 1 along a normal. On a curved
surface, of which no F is, it is by the score of samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_host
from numerics.data import needs_density, noise
from numerics.experiments.score_covariance import by_subspace
from numerics.measurement import Measurement
from numerics.sampling import How, Sampling
from theory.setting import Setting, without_remedies

__all__ = ["OBSERVABLES", "Sphere", "Torus", "measure", "measure_spectrum", "measure_surface"]

OBSERVABLES = {
    "latent_retained": ("time", "subspace"),
    "mean_retained": ("time",),
    "estimated_dimension": ("time",),
    "flipd_dimension": ("time",),
    "edge_lowest": (),
    "edge_highest": (),
    "gap_width": ("time",),
    "gap_opening_time": (),
}

Array = NDArray[np.float64]
POINTS = 64  # of a surface, where the score of each data set is looked at


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` matrices F, D x m, and decompose them.

    Returns:
        latent_retained, the diagonal of F^T (F F^T + t)^-1 F averaged over the columns of each variance, shape (T, K), and what
        `measure_spectrum` does.
    """
    eigenvalues, latent = [], []
    for F in _matrices(setting, how):
        _, singular, axes = np.linalg.svd(F, full_matrices=False)
        eigenvalues.append(singular**2)
        latent.append(_retained(singular**2, setting) @ axes**2)
    return {"latent_retained": Measurement.of(by_subspace(np.array(latent), setting))} | _of_spectra(
        np.array(eigenvalues), setting
    )


def measure_spectrum(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """The same without singular vectors, in a fraction of the time.

    Returns:
        mean_retained, the mean of s/(s + t); estimated_dimension, how many s are above t; flipd_dimension, of D + t (div s +
        |s|^2) over clean points; gap_width, from the largest t/(s + t) to 1, shape (T,); edge_lowest and edge_highest, the
        extreme s, data units squared; gap_opening_time, the time of the schedule at which the gap is 1/2 wide.
    """
    spectra = [np.linalg.svd(F, compute_uv=False) ** 2 for F in _matrices(setting, how)]
    return _of_spectra(np.array(spectra), setting)


def measure_surface(
    surface: Surface, samples: int, times: tuple[float, ...], ambient: int = 10, **how: Unpack[How]
) -> dict[str, Measurement]:
    """Draw `repeats` data sets uniform on a surface in three of the dimensions, and POINTS more points of it.

    Args:
        surface: draws points, shape (count, 3).
        samples: N.
        times: noise variances t, data units squared.
        ambient: D.
        how: as of `Sampling`.

    Returns:
        mean_retained, the trace of the Jacobian of the posterior mean at clean points; estimated_dimension, how many of its
        eigenvalues are above 1/2, and noised_dimension, how many at the same points noised, shape (T,).
    """
    run, draws, t = Sampling(**how), [], np.array(times)
    for random, data in run.drawn(partial(surface, samples), "spectral_gap.surface"):
        x = np.tile(_padded(surface(POINTS, random), ambient), (t.size, 1, 1))
        noised = np.stack([noise(clean, one, random) for clean, one in zip(x, t.tolist(), strict=True)])
        slopes = np.linalg.eigvalsh(
            run.moments(
                np.concatenate([x, noised], axis=1), run.on_device(_padded(data, ambient)), t, covariance="full"
            ).covariance
            / t[:, None, None, None]
        )
        clean, other = np.split((slopes > 0.5).sum(axis=2), 2, axis=1)
        draws.append([slopes[:, :POINTS].sum(axis=2).mean(axis=1), clean.mean(axis=1), other.mean(axis=1)])
    names = "mean_retained", "estimated_dimension", "noised_dimension"
    return {name: Measurement.of(found) for name, found in zip(names, np.moveaxis(np.array(draws), 1, 0), strict=True)}


def _padded(points: Array, ambient: int) -> Array:
    return np.pad(points, ((0, 0), (0, ambient - points.shape[1])))


@dataclass(frozen=True)
class Sphere:
    """Points uniform on the sphere of a radius."""

    radius: float

    def __call__(self, count: int, random: np.random.Generator) -> Array:
        """Shape (count, 3)."""
        x = random.standard_normal((count, 3))
        return np.asarray(self.radius * x / np.linalg.norm(x, axis=1, keepdims=True))


@dataclass(frozen=True)
class Torus:
    """Points uniform on a torus, by its area: the tube of one radius round a ring of another."""

    ring: float
    tube: float

    def __call__(self, count: int, random: np.random.Generator) -> Array:
        """Shape (count, 3)."""
        a, b, kept = random.uniform(0, 2 * np.pi, (3, 3 * count + 100))
        a = a[kept < np.pi * (1 + self.tube / self.ring * np.cos(a))][:count]  # the outer half has more area
        out, b = self.ring + self.tube * np.cos(a), b[: a.size]
        return np.stack([out * np.cos(b), out * np.sin(b), self.tube * np.sin(a)], axis=1)


Surface = Sphere | Torus


def _matrices(setting: Setting, how: How) -> Iterator[Array]:
    needs_density(setting, "the spectrum of random directions")
    without_remedies(setting, "the experiment spectral_gap")
    run = Sampling(**how)
    for _, F in run.drawn(partial(_draw, setting), "spectral_gap"):
        yield to_host(run.on_device(F))


def _draw(setting: Setting, random: np.random.Generator) -> Array:
    """F, entries of variance lambda/m in a column of variance lambda, shape (D, m)."""
    manifold = setting.manifold
    m = manifold.intrinsic_dimension
    scales = np.sqrt(np.repeat(manifold.variances, manifold.dimensions) / m)
    return np.asarray(random.standard_normal((manifold.ambient_dimension, m)) * scales)


def _retained(eigenvalues: Array, setting: Setting) -> Array:
    """s/(s + t), shape (..., T, m)."""
    s = eigenvalues[..., None, :]
    return np.asarray(s / (s + setting.t[:, None]))


def _flipd(eigenvalues: Array, setting: Setting) -> Array:
    """D + t (tr J + E |J x|^2), x of covariance F F^T, shape (..., T)."""
    s, t = eigenvalues[..., None, :], setting.t[:, None]
    slopes = -1 / (s + t)
    normals = setting.manifold.ambient_dimension - eigenvalues.shape[-1]
    along = (slopes + slopes**2 * s).sum(axis=-1)
    return np.asarray(setting.manifold.ambient_dimension + setting.t * (along - normals / setting.t))


def _of_spectra(eigenvalues: Array, setting: Setting) -> dict[str, Measurement]:
    """What follows from the eigenvalues of F F^T, falling, shape (repeats, m)."""
    retained, lowest = _retained(eigenvalues, setting), eigenvalues[:, -1]
    draws = {
        "mean_retained": retained.mean(axis=-1),
        "estimated_dimension": (eigenvalues[:, None] > setting.t[:, None]).sum(axis=-1),
        "edge_lowest": lowest,
        "edge_highest": eigenvalues[:, 0],
        "flipd_dimension": _flipd(eigenvalues, setting),
        "gap_width": retained[..., -1],
        "gap_opening_time": setting.schedule.time(lowest),
    }
    return {name: Measurement.of(values) for name, values in draws.items()}
