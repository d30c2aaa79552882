"""Kernel smoothing, measured: how the score of a data set, averaged over shifts of the point, scatters and errs.

In one dimension shifts are Gauss-Hermite nodes. In more they are two independent sets of normals and their negatives: the product
of what the two find is an unbiased square. Points are fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermitenorm

from numerics.data import draw, needs_density, noise, point_at
from numerics.measurement import Measurement, jackknife
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = [
    "ANYWHERE",
    "OBSERVABLES",
    "measure",
    "measure_at_point",
    "measure_best",
    "measure_divergence",
    "measure_mean",
]

OBSERVABLES = {
    "score_bias": ("time", "subspace"),
    "score_variance": ("time", "subspace"),
    "variance_gain": ("time", "subspace"),
    "score_error": ("time",),
    "best_bandwidth": ("time",),
    "score_variance_mean": ("time", "subspace"),
    "gain_mean": ("time",),
    "kl_leading": ("time",),
}
ANYWHERE = ("score_bias", "score_variance", "variance_gain", "score_error")

Array = NDArray[np.float64]
NODES, WEIGHTS = roots_hermitenorm(16)  # of the shifts in one dimension
GAUSS_HERMITE = NODES, WEIGHTS / WEIGHTS.sum()
SHIFTS = 16  # in each set of them in more
POINTS = 4  # per data set, where they are averaged over
TIMES = 6  # of the integral over time
SHARES = np.linspace(0.5, 1.5, 5)  # of a bandwidth, among which the best is sought
FINE = np.linspace(0.5, 1.5, 2001)


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known for the setting's ensemble at its bandwidth; the best one is for `measure_best` to look for.

    Returns:
        What the other three do; of the ensemble `sphere`, whose density is not known, variance and gain alone.

    Raises:
        ValueError: for points on trajectories.
    """
    if setting.query != "fresh":
        raise ValueError(f"kernel_smoothing is measured at fresh points, got the query {setting.query!r}; give fresh")
    silent = how | {"tick": lambda: None}
    found = measure_at_point(setting, **how)
    if setting.ensemble == "gaussian":
        found |= measure_mean(setting, **silent) | measure_divergence(setting, **silent)
    return found


def measure_at_point(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and look at one point, x_k = sqrt(lambda_k + t) in every direction where the setting has none.

    Returns:
        score_variance and variance_gain, of one component of the score in each subspace, shape (T, K), inverse data units
        squared; score_bias, along the first direction of each; score_error, the squared distance from the true score, (T,).
    """
    x, bandwidths = _point(setting), (setting.bandwidth, 0.0)
    scores = np.array([scores for scores, _ in _smoothed(setting, x, bandwidths, "kernel_smoothing", **how)])
    smooth, plain = np.moveaxis(scores[:, :, :, :, 0], 1, 0)  # (R, 2, T, D)
    scatter, before = (_scatter(a, setting) for a in (smooth, plain))
    found = {
        "score_variance": Measurement.of(scatter),
        "variance_gain": jackknife(np.stack([before, scatter], axis=1), lambda mean: mean[0] / mean[1]),
    }
    if setting.ensemble == "sphere":
        return found
    error = smooth - _true_score(setting, x)[:, 0]
    first = [part.start for part in setting.manifold.slices]
    bias = Measurement.of(error.mean(axis=1)[..., first])
    return {"score_bias": bias, **found, "score_error": Measurement.of(error.prod(axis=1).sum(axis=-1))}


def measure_best(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Measure the error at the same point and its negative at bandwidths about the setting's, or about t where it has none.

    Returns:
        best_bandwidth, where a polynomial through the errors is least, from half to 3/2 of that, shape (T,), data units squared.
    """
    x, unit = _point(setting), setting.bandwidth or float(setting.t.min())
    x = np.concatenate([x, -x], axis=1)  # as likely
    true = _true_score(setting, x)
    draws = [
        (scores - true).prod(axis=1).sum(axis=-1).mean(axis=-1)
        for scores, _ in _smoothed(setting, x, unit * SHARES, "kernel_smoothing.best", **how)
    ]

    def least(mean: Array) -> Array:
        by_power = np.polynomial.polynomial.polyfit(SHARES - 1, mean / np.abs(mean).max(axis=0), len(SHARES) - 1)
        return np.asarray(unit * FINE[np.polynomial.polynomial.polyval(FINE - 1, by_power).argmin(axis=-1)])

    return {"best_bandwidth": jackknife(draws, least)}


def measure_mean(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and compare with the true score at POINTS fresh points at each time.

    Returns:
        score_variance_mean, the mean square of one component of s_h - s in each subspace, shape (T, K), inverse data units
        squared; gain_mean, that of all without a kernel over that with it, shape (T,).
    """
    needs_density(setting, "the error of a smoothed score averaged over x")
    bandwidths = setting.bandwidth, 0.0
    draws = np.array(
        [_errors(setting, *of) for of in _smoothed(setting, None, bandwidths, "kernel_smoothing.mean", **how)]
    )
    both = draws @ setting.manifold.dimensions.astype(float)
    return {
        "score_variance_mean": Measurement.of(draws[:, 0] / setting.alpha[:, None] ** 2),
        "gain_mean": jackknife(both, lambda mean: mean[1] / mean[0]),
    }


def measure_divergence(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Integrate half the mean squared error at fresh points over t' from each time to infinity.

    Returns:
        kl_leading, nats, shape (T,).
    """
    needs_density(setting, "the error of a smoothed score averaged over x")
    nodes, weights = np.polynomial.legendre.leggauss(TIMES)
    share = (nodes + 1) / 2  # t/t'
    later = Setting(
        setting.manifold, setting.samples, np.ravel(setting.t[:, None] / share), bandwidth=setting.bandwidth
    )
    sets = _smoothed(later, None, (setting.bandwidth,), "kernel_smoothing.divergence", **how)
    errors = np.array([_errors(later, *of)[0] for of in sets]) @ setting.manifold.dimensions.astype(float)
    rates = errors.reshape(-1, setting.t.size, TIMES) * setting.t[:, None] / share**2 / 2
    return {"kl_leading": Measurement.of(rates @ (weights / 2))}


def _smoothed(
    setting: Setting, x: Array | None, bandwidths: tuple[float, ...] | Array, name: str, **how: Unpack[How]
) -> Iterator[tuple[Array, Array]]:
    """Of each data set the scores at every bandwidth by both sets of shifts, (H, 2, T, M, D), and the points, (T, M, D)."""
    run = Sampling(**how)
    for random, data in run.data_sets(setting.plain, name):
        at = _fresh(setting, random) if x is None else x
        nodes, weights = _rules(data.shape[1], random)
        shifts = np.sqrt(np.asarray(bandwidths))[:, None, None, None] * nodes
        points = at[:, :, None, None, None] + shifts
        means = run.moments(points.reshape(len(at), -1, at.shape[-1]), run.on_device(data), setting.t).mean
        means = np.moveaxis(np.tensordot(means.reshape(points.shape), weights, (4, 0)), (2, 3), (0, 1))
        scores = (means - at) / setting.t[:, None, None]
        yield np.broadcast_to(scores, (len(scores), 2, *at.shape)), at


def _rules(D: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Shifts in units of sqrt(h), one rule in one dimension, two independent ones in more, (1 or 2, S, D), and weights, (S,)."""
    if D == 1:
        return GAUSS_HERMITE[0][None, :, None], GAUSS_HERMITE[1]
    half = random.standard_normal((2, SHIFTS // 2, D))
    return np.concatenate([half, -half], axis=1), np.full(SHIFTS, 1 / SHIFTS)


def _fresh(setting: Setting, random: np.random.Generator) -> Array:
    """POINTS points of p_t at each time, shape (T, M, D)."""
    clean = draw(setting, POINTS, random)
    return np.array([noise(clean, t, random) for t in setting.t])


def _point(setting: Setting) -> Array:
    """The point at each time, data units, shape (T, 1, D)."""
    if setting.point is not None:
        return np.array([point_at(setting, i) for i in range(setting.t.size)])[:, None]
    x, m = np.zeros((setting.t.size, 1, setting.manifold.ambient_dimension)), setting.manifold.intrinsic_dimension
    x[:, 0, :m] = np.sqrt(setting.manifold.spectrum[:m] + setting.t[:, None])
    return x


def _true_score(setting: Setting, x: Array) -> Array:
    """Of Gaussian data or a mixture of two at points, shape (T, M, D)."""
    variances = setting.manifold.spectrum + setting.t[:, None, None]
    found = -x / variances
    pull = setting.separation / 2 / variances[..., 0]
    found[..., 0] += pull * np.tanh(pull * x[..., 0])
    return found


def _scatter(scores: Array, setting: Setting) -> Array:
    """Unbiased squares about the mean over data sets, of one component in each subspace, (R, T, K), in the schedule's units."""
    away = scores - scores.mean(axis=0)
    squares = _by_subspace(away.prod(axis=1), setting) * len(scores) / max(1, len(scores) - 1)
    return squares / setting.alpha[:, None] ** 2


def _errors(setting: Setting, scores: Array, x: Array) -> Array:
    """Unbiased squares of one component of s_h - s in each subspace, the mean over points, (H, T, K)."""
    return _by_subspace((scores - _true_score(setting, x)).prod(axis=1), setting).mean(axis=2)


def _by_subspace(values: Array, setting: Setting) -> Array:
    """The mean over the directions of each subspace: (..., D) -> (..., K)."""
    return np.stack([values[..., part].mean(axis=-1) for part in setting.manifold.slices], axis=-1)
