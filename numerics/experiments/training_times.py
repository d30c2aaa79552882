"""Training times, measured: the losses of networks of random features, from their exact covariances and from real descent.

W and the samples are drawn. U = E phi phi^T and V = E phi xi^T are averages over the noise at every sample, and U', V' over the
whole distribution, both without drawing noise. From them gradient flow follows mode by mode (`measure`). Descent knows none of
them: it draws samples and noise at every step and moves A against the gradient; U and V only say what loss an A has. Two runs
with noise of their own give A A'^T without the scatter of the noise, which is no part of flow.

All is off by order 1/D from the limit of many dimensions; `measure_limit` takes twice what a network of twice the size does, on
twice as many samples in twice as many dimensions, less what one of this size does, and with it that order away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import stream, to_host
from numerics.data import draw
from numerics.experiments.score_covariance import by_subspace
from numerics.measurement import Measurement, crossing, freed, jackknife
from numerics.random_features import covariances, doubled, fresh_covariances, network_of
from numerics.sampling import How, Sampling
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure", "measure_descent", "measure_limit"]

OBSERVABLES = {
    "train_loss": ("time", "training"),
    "test_loss": ("time", "training"),
    "train_loss_final": ("time",),
    "test_loss_final": ("time",),
    "retained_coefficient": ("time", "training", "subspace"),
    "learning_clock": ("time", "training", "subspace"),
    "tau_gen": ("time",),
    "tau_half": ("time",),
}

Array = NDArray[np.float64]
SEARCHED = np.geomspace(
    0.1, 1e6, 211
)  # training times, in units of 1/sigma^2, where the least test loss and half the gap are looked for
ENOUGH = 40  # draws, to take off what they owe to five moments
NOISES = 4  # of each sample, at each step of descent


class Averages(NamedTuple):
    """Of random features, at one time of the schedule.

    Attributes:
        U, V: over the training set, shapes (p, p) and (p, D).
        U_fresh, V_fresh: over the distribution.
        sigma2: sigma^2.
        ridge: added to U in training.
    """

    U: Array
    V: Array
    U_fresh: Array
    V_fresh: Array
    sigma2: float
    ridge: float


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` networks and data sets of the setting's size, and follow the flow.

    Returns:
        train_loss and test_loss, shape (T, S), and their ends, (T,); retained_coefficient, 1 + sigma^2 J with J the mean
        Jacobian at fresh points, and learning_clock, of what changes in it still over how fast, (T, S, K); tau_gen, where the
        mean test loss is least, and tau_half, where its excess over the training loss is half that in the end, (T,).
    """
    return _measured(setting, np.array([flows for [(flows, _)] in _drawn([setting], how)]))


def measure_limit(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """The same, extrapolated to many dimensions from networks of this size and of twice this size.

    Of 40 draws or more what they owe to moments of W and X is taken off, whose means are known.

    Returns:
        What `measure` does.
    """
    draws, known = [], []
    for (flows, moments), (of_twice, moments_of_twice) in _drawn([setting, doubled(setting)], how):
        draws.append(2 * of_twice - flows)
        known.append(2 * moments_of_twice - moments)
    return _measured(setting, freed(draws, known) if len(draws) >= ENOUGH else np.array(draws))


def _drawn(settings: list[Setting], how: How) -> Iterator[list[tuple[Array, Array]]]:
    """What the flows of a network of each setting are, and how far its moments are from their means, anew for each repeat."""
    run = Sampling(**how)
    for repeat in range(run.repeats):
        found = []
        for size, setting in enumerate(settings):
            W, X = _features_and_samples(setting, run, stream(run.rng, "training_times", size, repeat))
            found.append((_flows(setting, W, X), _moments(setting, W, X)))
        yield found
        run.tick()


def _moments(setting: Setting, W: Array, X: Array) -> Array:
    """Of the covariances C of X and K of W: the traces of C, C^2, K, K^2 and C K over D, less their means, shape (5,)."""
    (N, D), p, lam = X.shape, len(W), setting.manifold.spectrum
    C, K = X.T @ X / N, W.T @ W / p
    traces = np.array([np.trace(C), (C**2).sum(), np.trace(K), (K**2).sum(), (C * K).sum()]) / D
    squares = (lam @ lam * (1 + 1 / N) + lam.sum() ** 2 / N) / D
    return np.asarray(traces - [lam.mean(), squares, 1.0, 1 + (D + 1) / p, lam.mean()])


def _features_and_samples(setting: Setting, run: Sampling, random: np.random.Generator) -> tuple[Array, Array]:
    """W, shape (p, D), and X, (N, D)."""
    W = random.standard_normal((network_of(setting, "training_times").width, setting.manifold.ambient_dimension))
    W, X = (to_host(run.on_device(a)).astype(np.float64) for a in (W, draw(setting, setting.samples, random)))
    return W, X


def _flows(setting: Setting, W: Array, X: Array) -> Array:
    """Train, test, what is retained, left and driven, at all training times, those searched and the end: (T, S', 2 + 3 K)."""
    return np.array([_flow(setting, _averages(setting, i, W, X)) for i in range(setting.t.size)])


def _averages(setting: Setting, i: int, W: Array, X: Array) -> Averages:
    network, alpha = network_of(setting, "training_times"), float(setting.alpha[i])
    sigma = alpha * math.sqrt(float(setting.t[i]))
    seen = covariances(W, X, alpha, sigma, network.activation)
    fresh = fresh_covariances(W, setting.manifold.spectrum, alpha, sigma, network.activation)
    return Averages(*seen, *fresh, sigma**2, network.ridge)


def _flow(setting: Setting, of: Averages) -> Array:
    """The flow mode by mode."""
    u, modes = np.linalg.eigh(of.U)
    u = np.maximum(u, np.finfo(float).eps * u[-1])  # which rounding leaves of those that are less
    V, V_fresh = modes.T @ of.V, modes.T @ of.V_fresh
    p, D = V.shape
    rates = 2 * of.sigma2 * (u + of.ridge) * D / p
    left = np.exp(-np.multiply.outer(_all_times(setting, of.sigma2), rates))
    h = (1 - left) / (u + of.ridge)
    between = (modes.T @ of.U_fresh @ modes) * (V @ V.T)
    along = by_subspace(V * V_fresh, setting)
    train = 1 - (2 * h - u * h**2) @ (V**2).sum(axis=1) / D
    test = 1 - (2 * h @ (V * V_fresh).sum(axis=1) - ((h @ between) * h).sum(axis=1)) / D
    return np.column_stack([train, test, 1 - h @ along, left @ along, (left * rates) @ along])


def _all_times(setting: Setting, sigma2: float) -> Array:
    return np.concatenate([network_of(setting, "training_times").tau, SEARCHED / sigma2, [math.inf]])


def _measured(setting: Setting, draws: Array) -> dict[str, Measurement]:
    """From what the flows of every draw were, shape (repeats, T, S', 2 + 3 K)."""
    S, K = len(network_of(setting, "training_times").times), len(setting.manifold.subspaces)
    sigma2 = setting.alpha**2 * setting.t
    return {
        "train_loss": Measurement.of(draws[:, :, :S, 0]),
        "test_loss": Measurement.of(draws[:, :, :S, 1]),
        "train_loss_final": Measurement.of(draws[:, :, -1, 0]),
        "test_loss_final": Measurement.of(draws[:, :, -1, 1]),
        "retained_coefficient": Measurement.of(draws[:, :, :S, 2 : 2 + K]),
        "learning_clock": jackknife(draws[:, :, :S, 2 + K :], _clock),
        "tau_gen": jackknife(draws[:, :, S:-1, 1], lambda mean: _least(mean) / sigma2),
        "tau_half": jackknife(draws[:, :, S:, 1] - draws[:, :, S:, 0], lambda mean: _half(mean) / sigma2),
    }


def _clock(mean: Array) -> Array:
    """What is left over how fast it is learned, shape (T, S, 2 K); NaN where nothing is."""
    left, driven = np.split(mean, 2, axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(left / driven)


def _least(curves: Array) -> Array:
    """Where curves over SEARCHED are least, shape (T, G), by a parabola in the logarithm; NaN for one that falls throughout."""
    found = np.full(len(curves), np.nan)
    for i, curve in enumerate(curves):
        at = int(curve.argmin())
        if 0 < at < curve.size - 1:
            before, here, after = curve[at - 1 : at + 2]
            shift = (before - after) / (before - 2 * here + after) / 2
            found[i] = SEARCHED[at] * (SEARCHED[1] / SEARCHED[0]) ** shift
    return found


def _half(gaps: Array) -> Array:
    """Where gaps over SEARCHED first rise through half the last value, shape (T, G + 1)."""
    return np.array([crossing(SEARCHED, -gap[:-1], -gap[-1] / 2) for gap in gaps])


def measure_descent(
    setting: Setting, step: float, batch: int | None = None, **how: Unpack[How]
) -> dict[str, Measurement]:
    """Descend by steps of that training time, with noise drawn anew at each: twice, for `repeats` networks of the setting's size
    and of twice that.

    Args:
        setting: whose training times are multiples of the step.
        step: of the training time.
        batch: how many samples are drawn for each step, of the size of the setting; all of them if None.
        how: how it is run.

    Returns:
        train_loss and test_loss of the mean A over the noise, extrapolated to many dimensions, shape (T, S).
    """
    pairs, run = [], Sampling(**how)
    for repeat in range(run.repeats):
        pairs.append(
            [
                _descents(
                    one, run, step, batch and batch * size, stream(run.rng, "training_times.descent", size, repeat)
                )
                for size, one in ((1, setting), (2, doubled(setting)))
            ]
        )
        run.tick()
    found = np.array(pairs)
    losses = 2 * found[:, 1] - found[:, 0]
    return {name: Measurement.of(losses[..., k]) for k, name in enumerate(("train_loss", "test_loss"))}


def _descents(setting: Setting, run: Sampling, step: float, batch: int | None, random: np.random.Generator) -> Array:
    """The two losses at each time and training time, shape (T, S, 2)."""
    W, X = _features_and_samples(setting, run, random)
    found = []
    for i in range(setting.t.size):
        of = _averages(setting, i, W, X)
        runs = [_descent(setting, i, W, X, step, batch, random) for _ in range(2)]
        found.append([_losses(of, A, other) for A, other in zip(*runs, strict=True)])
    return np.array(found)


def _losses(of: Averages, A: Array, other: Array) -> tuple[float, float]:
    """Of the mean A, from two of the same mean with noise of their own."""
    p, D = of.V.shape
    once, twice = math.sqrt(of.sigma2 / p) / D, of.sigma2 / (D * p)
    train, test = (
        1 + once * float(((A + other).T * V).sum()) + twice * float((A @ U * other).sum())
        for U, V in ((of.U, of.V), (of.U_fresh, of.V_fresh))
    )
    return train, test


def _descent(
    setting: Setting, i: int, W: Array, X: Array, step: float, batch: int | None, random: np.random.Generator
) -> list[Array]:
    """A, shape (D, p), at each training time, of descent of E|sigma s_A + xi|^2/D, from 0."""
    network, alpha, (p, D) = network_of(setting, "training_times"), float(setting.alpha[i]), W.shape
    sigma = alpha * math.sqrt(float(setting.t[i]))
    A, found = np.zeros((D, p)), []
    stops = np.rint(network.tau / step).astype(int)
    for k in range(1, int(stops.max()) + 1):
        seen = X if batch is None else X[random.integers(len(X), size=batch)]
        xi = random.standard_normal((NOISES, *seen.shape)).reshape(-1, D)
        phi = network((alpha * np.tile(seen, (NOISES, 1)) + sigma * xi) @ W.T / math.sqrt(D))
        error = sigma * phi @ A.T / math.sqrt(p) + xi
        slope = 2 * sigma / (D * math.sqrt(p)) * error.T @ phi / len(phi)
        A -= step * D**2 * (slope + 2 * sigma**2 * network.ridge / (D * p) * A)
        found += [A.copy()] * int((stops == k).sum())
    return found
