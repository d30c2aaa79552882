"""Score covariance, measured: the scatter of the empirical score over independent data sets.

`measure` averages over fresh points x ~ p_t; `scatter` looks at given points, for data drawn from anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.data import draw, noise, score
from numerics.measurement import Measurement, jackknife
from numerics.sampling import QUERIES, How, Sampling
from theory.setting import Setting

__all__ = ["OBSERVABLES", "by_subspace", "measure", "measure_overlap", "scatter", "scatter_along"]

Array = NDArray[np.float64]
OBSERVABLES = {
    "effective_samples_typical": ("time",),
    "effective_samples_annealed": ("time",),
    "noise_variance_annealed": ("time", "subspace"),
}


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and compare their score with the distribution's at fresh points.

    The effective number of samples is 1/Y2, the inverse participation ratio, averaged as its name says: 1/E Y2
    (annealed) or exp E log 1/Y2 (typical).

    Returns:
        effective_samples_* of shape (T,), noise_variance_annealed of shape (T, K), in the setting's schedule.
    """
    draws: list[tuple[Any, ...]] = []
    run = Sampling(**how)
    for random, samples in run.data_sets(setting, "score_covariance"):
        clean = draw(setting, QUERIES, random)
        x = np.array([noise(clean, t, random) for t in setting.t])
        moments = run.moments(x, run.on_device(samples), setting.t)
        Y2, t, alpha = moments.participation, moments.t[..., None], setting.alpha[:, None, None]
        error = (moments.score - score(x, t, setting.manifold)) / alpha
        draws.append((Y2.mean(axis=1), np.log(Y2).mean(axis=1), by_subspace(error**2, setting).mean(axis=1)))
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
    **how: Unpack[How],
) -> Measurement:
    """N Cov of the empirical scores at given points, all components of all points with each other.

    Args:
        draw_data: (count, rng) -> samples of shape (count, D).
        points: shape (P, D).
        t: noise variance.
        samples: N of each data set.
        how: see Sampling.

    Returns:
        shape (P, D, P, D).
    """
    away = _away(draw_data, points, t, samples, Sampling(**how))
    return Measurement.of(np.einsum("rpd,rqe->rpdqe", away, away))


def scatter_along(
    draw_data: Callable[[int, np.random.Generator], Array],
    points: Array,
    t: float,
    samples: int,
    **how: Unpack[How],
) -> dict[str, Measurement]:
    """N Cov as of `scatter`, all components together, averaged over points along a closed path.

    Returns:
        size, of each point with itself; neighbours, with the next: numbers.
    """
    away = _away(draw_data, points, t, samples, Sampling(**how))
    pairs = {"size": away, "neighbours": np.roll(away, 1, axis=1)}
    return {name: Measurement.of((away * other).sum(axis=2).mean(axis=1)) for name, other in pairs.items()}


def _away(
    draw_data: Callable[[int, np.random.Generator], Array], points: Array, t: float, samples: int, run: Sampling
) -> Array:
    """sqrt(N) times the scores at points less their mean over data sets, such that squares are unbiased, (repeats, P, D)."""
    sets = run.drawn(partial(draw_data, samples), "scatter")
    at = points[None], np.array([t])
    scores = np.array([run.moments(at[0], run.on_device(data), at[1]).score[0] for _, data in sets])
    return np.asarray((scores - scores.mean(axis=0)) * np.sqrt(samples * run.repeats / (run.repeats - 1)))


def measure_overlap(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Over which distance samples cease to count at two points at once: g g' = exp(-|x-y|^2/2t - |x'-y|^2/2t), x' = -x.

    Returns:
        correlation_length, shape (T, K), from the fall of E g g' / (E g)^2 between |x - x'| = 0 and sqrt(t), data units.
    """
    run, gaps = Sampling(**how), np.sqrt(setting.t)
    firsts = [part.start for part in setting.manifold.slices]
    draws = []
    for _, samples in run.data_sets(setting, "overlap"):
        energies = (samples**2).sum(axis=1) / (2 * setting.t[:, None])
        weights = np.exp(-energies)
        aside = gaps[:, None, None] * samples[:, firsts].T / (2 * setting.t[:, None, None])
        shift = np.exp(-1 / 8)  # of a point aside by half the gap
        g = weights[:, None] * np.exp(aside) * shift
        other = weights[:, None] * np.exp(-aside) * shift
        once = np.broadcast_to(weights[:, None], g.shape)
        draws.append([a.mean(axis=-1) for a in (g * other, g, other, once**2, once)])

    def length(mean: Array) -> Array:
        both, one, two, square, centre = mean
        fall = np.log(square / centre**2) - np.log(both / (one * two))
        return np.asarray(gaps[:, None] / np.sqrt(2 * fall))

    return {"correlation_length": jackknife(draws, length)}
