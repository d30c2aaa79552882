"""Spectral gap, measured: draw F, and take the singular values of every one.

An eigenvalue of -t J is t/(s + t) along a tangent, s the square of a singular value of F, and 1 along a normal.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_host
from numerics.data import needs_density
from numerics.experiments.score_covariance import by_subspace
from numerics.measurement import Measurement
from numerics.sampling import How, Sampling
from theory.setting import Setting, without_remedies

__all__ = ["OBSERVABLES", "measure", "measure_spectrum"]

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
