"""Score covariance, measured: the scatter of the empirical score over independent data sets.

`measure` averages over fresh points x ~ p_t; `scatter` looks at given points, for data drawn from anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_device, to_host
from numerics.data import data_sets, draw, noise, score
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from theory.setting import Setting

__all__ = ["OBSERVABLES", "by_subspace", "measure", "scatter"]

Array = NDArray[np.float64]
OBSERVABLES = {
    "effective_samples_typical": ("time",),
    "effective_samples_annealed": ("time",),
    "noise_variance_annealed": ("time", "subspace"),
}
QUERIES = 64  # fresh points per data set


def measure(
    setting: Setting,
    *,
    repeats: int = 100,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Measurement]:
    """Draw `repeats` data sets and compare their score with the distribution's at fresh points.

    The effective number of samples is 1/Y2, the inverse participation ratio, averaged as its name says: 1/E Y2
    (annealed) or exp E log 1/Y2 (typical).

    Returns:
        effective_samples_* of shape (T,), noise_variance_annealed of shape (T, K), in the setting's schedule.
    """
    draws: list[tuple[Any, ...]] = []
    for random, samples in data_sets(
        partial(draw, setting, setting.samples), "score_covariance", repeats=repeats, rng=rng, tick=tick
    ):
        data = to_device(samples, device, dtype)
        clean = draw(setting, QUERIES, random)
        rows = []
        for t, alpha in zip(setting.t, setting.alpha, strict=True):
            x = noise(clean, t, random)
            moments = gibbs_moments(to_device(x, device, dtype), data, t)
            Y2 = to_host(moments.participation)
            error = (to_host(moments.score) - score(x, t, setting.manifold)) / alpha
            rows.append((Y2.mean(), np.log(Y2).mean(), by_subspace(error**2, setting).mean(axis=0)))
        draws.append(tuple(zip(*rows, strict=True)))
    participation, log_participation, errors = zip(*draws, strict=True)
    measured = {
        "effective_samples_typical": Measurement.of(log_participation).through(
            lambda v: np.exp(-v), lambda v: np.exp(-v)
        ),
        "effective_samples_annealed": Measurement.of(participation).through(lambda v: 1 / v, lambda v: 1 / v**2),
    }
    if setting.ensemble == "gaussian":  # else the true score is not known
        measured["noise_variance_annealed"] = Measurement.of(errors)
    return measured


def by_subspace(values: Array, setting: Setting) -> Array:
    """Average over the directions of each subspace: (..., D) -> (..., K)."""
    return np.stack([values[..., part].mean(axis=-1) for part in setting.manifold.slices], axis=-1)


def scatter(
    draw_data: Callable[[int, np.random.Generator], Array],
    points: Array,
    t: float,
    samples: int,
    *,
    repeats: int = 1000,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> Measurement:
    """N Cov of the empirical scores at given points, all components of all points with each other.

    Args:
        draw_data: (count, rng) -> samples of shape (count, D).
        points: shape (P, D).
        t: noise variance.
        samples: N of each data set.
        repeats: data sets.
        rng: seed or seed sequence.
        device: `cpu` or `cuda`.
        dtype: `float64` or `float32`.
        tick: called once per data set.

    Returns:
        shape (P, D, P, D).
    """
    scores = []
    queries = to_device(points, device, dtype)
    for _, data in data_sets(partial(draw_data, samples), "scatter", repeats=repeats, rng=rng, tick=tick):
        scores.append(to_host(gibbs_moments(queries, to_device(data, device, dtype), t).score))
    away = np.array(scores) - np.mean(scores, axis=0)
    products = np.einsum("rpd,rqe->rpdqe", away, away) * samples * repeats / (repeats - 1)
    return Measurement.of(products)
