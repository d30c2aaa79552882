"""Random features, measured: draw weights and samples, and take the eigenvalues of the covariance of the features.

The covariance over the noise is exact (numerics.random_features). The linear model has, in place of features, what is linear
in sample and noise and independent normal rests of the same variances: it has the same limit, and comes to it sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import to_host
from numerics.data import draw
from numerics.measurement import Measurement, jackknife
from numerics.random_features import covariances, doubled, linear_model, network_of, parts
from numerics.sampling import How, Sampling
from theory.network import Network
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure", "measure_features", "measure_limit", "measure_model", "measure_parts"]

OBSERVABLES = {
    "linear_slope": ("time",),
    "noise_part": ("time",),
    "sample_part": ("time",),
    "rest_part": ("time",),
    "feature_variance": ("time",),
    "resolvent": ("time",),
    "edge_lowest": ("time", "bulk"),
    "edge_highest": ("time", "bulk"),
    "bulk_weight": ("bulk",),
    "delta_weight": (),
}

Array = NDArray[np.float64]
Spectra = Callable[[Array, Array, np.random.Generator], list[Array]]
DRAWS = 50_000  # arguments of features at a time
BULKS = 3


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known, of the linear model.

    Returns:
        What `measure_parts` and `measure_model` do.
    """
    return measure_model(setting, **how) | measure_parts(setting, **(how | {"tick": lambda: None}))


def measure_parts(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw DRAWS arguments of features, each of one sample and two noises, `repeats` times.

    Returns:
        linear_slope, by the sample; noise_part, the square of what goes with the noise; sample_part and rest_part, what one
        sample has in common over two noises and what it has not, without what is linear; feature_variance; shape (T,).
    """
    network, run = network_of(setting, "random_features"), Sampling(**how)
    signal = np.sqrt(setting.manifold.spectrum.mean())
    draws = []
    for _, normal in run.drawn(lambda random: random.standard_normal((3, DRAWS)), "random_features.parts"):
        u, first, second = to_host(run.on_device(normal))
        lens = zip(setting.alpha, np.sqrt(setting.t), strict=True)
        draws.append([_products(network, a * signal, a * noise, u, first, second) for a, noise in lens])
    scale = setting.alpha * signal
    return {name: jackknife(draws, partial(of, scale)) for name, of in _PARTS.items()}


def _products(network: Network, signal: float, noise: float, u: Array, first: Array, second: Array) -> Array:
    """Mean products of 1, u, the noises' difference, and the features' sum and difference over two, shape (5, 5)."""
    f, g = (network(signal * u + noise * one) for one in (first, second))
    columns = np.stack([np.ones_like(u), u, (first - second) / np.sqrt(2), (f + g) / 2, (f - g) / np.sqrt(2)])
    return np.asarray(columns @ columns.T / u.size)


def _covariance(mean: Array, i: int, j: int) -> Array:
    return np.asarray(mean[:, i, j] - mean[:, 0, i] * mean[:, 0, j])


def _slope(scale: Array, mean: Array) -> Array:
    """By u, of which the sum of both features has what either has."""
    return np.asarray(_covariance(mean, 1, 3) / _covariance(mean, 1, 1) / scale)


def _by_noise(scale: Array, mean: Array) -> Array:
    return np.asarray((_covariance(mean, 2, 4) / _covariance(mean, 2, 2)) ** 2)


def _own(scale: Array, mean: Array) -> Array:
    """The covariance of both features, (their sum's variance less their difference's), without what goes with u."""
    common = _covariance(mean, 3, 3) - _covariance(mean, 4, 4) / 2
    return np.asarray(common - _covariance(mean, 1, 3) ** 2 / _covariance(mean, 1, 1))


def _rest(scale: Array, mean: Array) -> Array:
    """Half the variance of their difference, without what goes with that of the noises."""
    return np.asarray(_covariance(mean, 4, 4) - _covariance(mean, 2, 4) ** 2 / _covariance(mean, 2, 2))


def _whole(scale: Array, mean: Array) -> Array:
    return np.asarray(_covariance(mean, 3, 3) + _covariance(mean, 4, 4) / 2)


_PARTS = {
    "linear_slope": _slope,
    "noise_part": _by_noise,
    "sample_part": _own,
    "rest_part": _rest,
    "feature_variance": _whole,
}


def measure_model(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` linear models of the features.

    Bulks are told by the two widest gaps between the logarithms of the eigenvalues above the least one.

    Returns:
        resolvent, the mean of 1/(u + ridge), shape (T,); edge_lowest and edge_highest, the extreme eigenvalues of each bulk,
        shape (T, 3); bulk_weight, the share of eigenvalues in each over all times, shape (3,), and delta_weight, of the least,
        each with an error of one eigenvalue of a draw at least.
    """
    spectra = _spectra(setting, how, "random_features.model", _of_model(setting))
    return {
        "resolvent": Measurement.of(_resolvents(setting, spectra)),
        **_of_bulks(spectra),
    }


def measure_features(setting: Setting, levels: tuple[float, ...] = (), **how: Unpack[How]) -> dict[str, Measurement]:
    """The same of the features themselves.

    Returns:
        resolvent, shape (T,), which has corrections of order 1/D; share_below, of the eigenvalues below each level, shape (T, L).
    """
    spectra = _spectra(setting, how, "random_features.features", _of_features(setting))
    below = (spectra[..., None, :] < np.array(levels)[:, None]).mean(axis=-1)
    return {"resolvent": Measurement.of(_resolvents(setting, spectra)), "share_below": Measurement.of(below)}


def measure_limit(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """The same twice as large too, in all directions, samples and features, and what follows for D to infinity.

    Returns:
        resolvent, that of twice the size twice less that of the size itself, shape (T,): the corrections of order 1/D drop out.
    """
    quiet: How = {**how, "tick": lambda: None}
    own = _resolvents(setting, _spectra(setting, how, "random_features.limit", _of_features(setting)))
    twice = doubled(setting)
    larger = _resolvents(twice, _spectra(twice, quiet, "random_features.twice", _of_features(twice)))
    return {"resolvent": Measurement.of(2 * larger - own)}


def _spectra(setting: Setting, how: How, name: str, of: Spectra) -> Array:
    """The eigenvalues of `repeats` draws of weights and samples, rising, shape (repeats, T, p)."""
    p, D = network_of(setting, "random_features").width, setting.manifold.ambient_dimension
    run = Sampling(**how)

    def draw_both(random: np.random.Generator) -> Array:
        return np.concatenate([random.standard_normal((p, D)), draw(setting, setting.samples, random)])

    return np.array([of(both[:p], both[p:], random) for random, both in run.drawn(draw_both, name)])


def _of_model(setting: Setting) -> Spectra:
    """The linear model of the features, with their own variances."""
    activation, signal = network_of(setting, "random_features").activation, setting.manifold.spectrum.mean()
    lens = [(alpha, alpha * np.sqrt(t)) for alpha, t in zip(setting.alpha, setting.t, strict=True)]
    shares = [parts(activation, float(alpha**2 * signal), float(sigma**2)) for alpha, sigma in lens]

    def of(W: Array, X: Array, random: np.random.Generator) -> list[Array]:
        return [linear_model(W, X, *at, share, random) for at, share in zip(lens, shares, strict=True)]

    return of


def _of_features(setting: Setting) -> Spectra:
    """The features themselves."""
    activation = network_of(setting, "random_features").activation

    def of(W: Array, X: Array, random: np.random.Generator) -> list[Array]:
        lens = zip(setting.alpha, np.sqrt(setting.t), strict=True)
        return [_eigenvalues(covariances(W, X, alpha, alpha * s, activation)[0]) for alpha, s in lens]

    return of


def _eigenvalues(U: Array) -> Array:
    return np.asarray(np.linalg.eigvalsh(U), dtype=np.float64)


def _resolvents(setting: Setting, spectra: Array) -> Array:
    """Shape (repeats, T)."""
    return np.asarray((1 / (spectra + network_of(setting, "random_features").ridge)).mean(axis=-1))


def _of_bulks(spectra: Array) -> dict[str, Measurement]:
    """The edges of the bulks and the shares of the eigenvalues that they have, of spectra of (repeats, T, p)."""
    R, T, p = spectra.shape
    found = [_bulks(spectrum) for spectrum in spectra.reshape(-1, p)]
    ends = np.array([ends for ends, _ in found]).reshape(R, T, BULKS, 2)
    weights = Measurement.of(np.array([counts / p for _, counts in found]).reshape(R, T, -1).mean(axis=1))
    weights = replace(weights, sem=np.maximum(weights.sem, 1 / (p * np.sqrt(R))))
    return {
        "edge_lowest": Measurement.of(ends[..., 0]),
        "edge_highest": Measurement.of(ends[..., 1]),
        "bulk_weight": weights[:BULKS],
        "delta_weight": weights[BULKS],
    }


def _bulks(spectrum: Array) -> tuple[Array, NDArray[np.int64]]:
    """The extreme eigenvalues of the bulks, shape (3, 2), how many eigenvalues each has, and how many are the least one."""
    least = int((spectrum == spectrum[0]).sum())
    moved = spectrum[least if least > 1 else 0 :]
    cuts = np.sort(np.argsort(np.diff(np.log(moved)))[1 - BULKS :]) + 1
    starts, stops = np.r_[0, cuts], np.r_[cuts, moved.size]
    return np.column_stack([moved[starts], moved[stops - 1]]), np.r_[stops - starts, spectrum.size - moved.size]
