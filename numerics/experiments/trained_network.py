"""Trained networks, measured: how near each is to the score of its samples and to that of the distribution, as it is trained.

Each data set has a network of its own, a perceptron of two hidden layers that is trained by Adam to denoise its samples; it is
looked at after each of the setting's numbers of steps. Jacobians, dimensions, bandwidths and temperatures are those at fresh
points; losses, E |m(x) - x_0|^2, those at noised samples, the least that of the samples' own posterior mean. At new points the
least is what any network's loss leaves of itself when its squared distance from the true posterior mean is taken off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import slices, stream
from numerics.data import draw, needs_density, noise, score
from numerics.measurement import Measurement, jackknife
from numerics.memorized import memorized
from numerics.nearness import (
    BANDWIDTHS,
    TEMPERATURES,
    dimension,
    distance,
    heated,
    jacobian,
    nearest,
    profile,
    smoothed,
)
from numerics.networks import Denoiser, of_samples
from numerics.reverse import as_asked, flow, grid_by, start, stops
from numerics.sampling import How, Sampling
from numerics.training import BATCH, bootstrap, train
from theory.setting import Setting, without_remedies

__all__ = ["OBSERVABLES", "measure", "measure_all", "measure_generated", "measure_sizes"]

OBSERVABLES = {
    "distance_to_empirical": ("time", "training", "place"),
    "distance_to_true": ("time", "training", "place"),
    "jacobian": ("time", "training", "subspace"),
    "dimension": ("time", "training"),
    "equivalent_bandwidth": ("time", "training"),
    "equivalent_temperature": ("time", "training"),
    "memorized_fraction": ("training",),
    "training_loss": ("time", "training"),
    "least_loss": ("time",),
    "least_loss_fresh": ("time",),
    "jacobian_empirical": ("time", "subspace"),
}

Array = NDArray[np.float64]
POINTS = 64  # of each network, at a time and place
NEW = 1024  # of them, at which losses are taken
COMPARED = 32  # of them, those that remedies are tried at
GENERATED = 256  # points that each network generates
LEAST, MOST = 1e-3, 25.0  # noise variances between which it is trained and generates, in units of the largest variance
STEPS = 2.5  # of generation, per factor e of t
ENTRIES = 2**18  # hidden units times points of the networks that are trained at once, so that the cache holds them


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Train a network on each of `repeats` data sets, and look at it.

    Returns:
        What is in OBSERVABLES, distances in units of the distance of the two posterior means.

    Raises:
        ValueError: for a setting without a network, whose network cannot be trained by steps, or that is not Gaussian.
    """
    found = measure_all(setting, **how)
    return {name: found[name] for name in OBSERVABLES}


def measure_all(
    setting: Setting, *, fresh: bool = False, batch: int = BATCH, **how: Unpack[How]
) -> dict[str, Measurement]:
    """The same, and what it is claimed by.

    Args:
        setting: with a network.
        fresh: whether a network is given new points of the distribution at every step, and never its samples.
        batch: points a step.
        how: as of `Sampling`.

    Returns:
        All of OBSERVABLES, and besides
        jacobian_error: (T, S, K), the root of the mean squared distance from the true posterior mean along a direction of a
            subspace, over that of x; the Jacobian, averaged over x, is off by no more;
        distance_error: (T, S, 3), 2 sqrt(d) + d with d the distance to the true score, which by the triangle of the two posterior
            means and the network's bounds how far the distance to the empirical one is from 1;
        walk: (T, S, 3), by how much the distance to the empirical score is less than at the first of the steps;
        loss_fresh: (T,), the loss at new points after the last of the steps;
        order: (T, S), how much more of the true Jacobian is lost along the last subspace than along the first.

    Raises:
        ValueError: as `measure`.
    """
    draws = _draws(setting, fresh, batch, **how)
    true, empirical = draws["distance_to_true"], draws["distance_to_empirical"]
    draws |= {"distance_error": 2 * np.sqrt(true) + true, "walk": empirical[:, :, :1] - empirical}
    nearest_of = {
        "equivalent_bandwidth": jackknife(
            draws.pop("bandwidths"), lambda mean: setting.t[:, None] * nearest(mean, BANDWIDTHS)
        ),
        "equivalent_temperature": jackknife(draws.pop("temperatures"), lambda mean: nearest(mean, TEMPERATURES)),
    }
    return {name: Measurement.of(values) for name, values in draws.items()} | nearest_of


def measure_sizes(
    setting: Setting, sizes: tuple[int, ...], *, batch: int = BATCH, **how: Unpack[How]
) -> dict[str, Measurement]:
    """How much farther from the empirical score a network is that was trained on more samples, `repeats` times.

    Args:
        setting: with a network; its number of samples does not count.
        sizes: numbers of samples, growing, of L data sets, each of which begins with the one before.
        batch: points a step.
        how: as of `Sampling`; it does not tick.

    Returns:
        growth: (L - 1, T, S, 3), of the distance to the empirical score, from each size to the next.
    """
    quiet = how | {"tick": lambda: None}
    found = [_draws(setting.at(samples=N), False, batch, **quiet)["distance_to_empirical"] for N in sizes]
    return {"growth": Measurement.of(np.diff(np.array(found), axis=0).swapaxes(0, 1))}


def measure_generated(
    setting: Setting, *, fresh: bool = False, batch: int = BATCH, **how: Unpack[How]
) -> dict[str, Measurement]:
    """What is generated alone, which with many samples takes less.

    Returns:
        memorized_fraction, as of `measure_all`.
    """
    return {"memorized_fraction": Measurement.of(_joined(few.shares() for few in _some(setting, fresh, batch, **how)))}


def _draws(setting: Setting, fresh: bool, batch: int, **how: Unpack[How]) -> dict[str, Array]:
    """What is found of each network, by name, shape (repeats, ...)."""
    parts = []
    for few in _some(setting, fresh, batch, **how):
        looks = [_look(setting, i, few) for i in range(setting.t.size)]
        found = {name: np.stack([look[name] for look in looks], axis=1) for name in looks[0]}
        parts.append(found | {"memorized_fraction": few.shares()})
    return {name: _joined(part[name] for part in parts) for name in parts[0]}


def _joined(parts: Iterable[Array]) -> Array:
    return np.concatenate(list(parts))


@dataclass(frozen=True)
class _Few:
    """Some of the data sets, and the networks that were trained on them.

    Attributes:
        ends: what samples and distribution say.
        data: shape (R, N, D).
        randoms: the stream of each.
        networks: as they were after each of S numbers of steps.
        generated: by each of them as they pass the setting's times, shape (T, R, M, D), and in the end, (R, M, D).
    """

    ends: _Ends
    data: Array
    randoms: list[np.random.Generator]
    networks: list[Denoiser]
    generated: list[tuple[Array, Array]]

    def shares(self) -> Array:
        """The share of generated points that are memorized, shape (R, S)."""
        found = [[memorized(*pair).mean() for pair in zip(made, self.data, strict=True)] for _, made in self.generated]
        return np.array(found).T


def _some(setting: Setting, fresh: bool, batch: int, **how: Unpack[How]) -> Iterator[_Few]:
    """All of them, as many at once as the cache holds."""
    without_remedies(setting, "the experiment trained_network", network=True)
    needs_density(setting, "trained networks")
    run, network = Sampling(**how), setting.network
    assert network is not None
    for some in slices(run.repeats, max(1, int(ENTRIES // (network.features * batch)))):
        randoms = [stream(run.rng, "trained_network", repeat) for repeat in range(run.repeats)[some]]
        data = np.stack([draw(setting, setting.samples, random) for random in randoms])
        networks = train(
            network,
            [partial(draw, setting) if fresh else bootstrap(samples) for samples in data],
            randoms,
            _noises(setting),
            variance=float(setting.manifold.spectrum.mean()),
            batch=batch,
            device=run.device,
            tick=run.tick,
        )
        most = _noises(setting)[1]
        begin = np.concatenate([start(setting, GENERATED, most, random, law="noise") for random in randoms])
        generated = [_generated(setting, network, begin) for network in networks]
        yield _Few(_Ends.of(setting, data.astype(run.dtype)), data, randoms, networks, generated)


def _noises(setting: Setting) -> tuple[float, float]:
    """The least and the largest noise variance that networks see: those of the setting are within."""
    largest = float(setting.manifold.variances.max())
    return min(LEAST * largest, float(setting.t.min())), max(MOST * largest, float(setting.t.max()))


def _generated(setting: Setting, network: Denoiser, begin: Array) -> tuple[Array, Array]:
    """Points that each network generates, as they pass each of the setting's times, (T, R, M, D), and in the end, (R, M, D)."""
    least, most = _noises(setting)
    shape = -1, GENERATED, setting.manifold.ambient_dimension

    def score(x: Array, t: float) -> Array:
        return network.score(x.reshape(shape), t).reshape(x.shape)

    def advance(x: Array, now: float, then: float) -> Array:
        return np.asarray(flow(score, x, grid_by(now, then, STEPS)))

    passed = list(stops(advance, begin, setting, most))
    now, x = passed[-1]
    end = advance(x, now, least) if now > least else x
    at_times = np.array([x.reshape(shape) for _, x in passed])
    return at_times[as_asked(setting)], network(end.reshape(shape), least)


@dataclass(frozen=True)
class _Ends:
    """Where a network may go: the posterior means of the samples and of the distribution."""

    empirical: Denoiser
    true: Denoiser

    @classmethod
    def of(cls, setting: Setting, data: Array) -> _Ends:
        return cls(
            of_samples(data),
            Denoiser(lambda x, t: x + t * score(x, t, setting.manifold)),
        )

    def distances(self, network: Denoiser, x: Array, t: float) -> tuple[Array, Array]:
        """Of a network from either at points (R, M, D), in units of what is between them, shape (R,)."""
        mean, empirical, true = (one(x, t) for one in (network, self.empirical, self.true))
        gap = distance(empirical, true)
        return distance(mean, empirical, gap), distance(mean, true, gap)


def _look(setting: Setting, i: int, few: _Few) -> dict[str, Array]:
    """All that is found at the i-th time, (R, ...); of the networks after each of their steps (R, S, ...)."""
    t, ends = float(setting.t[i]), few.ends
    fresh = np.stack([noise(draw(setting, POINTS, random), t, random) for random in few.randoms])
    clean = np.stack([np.resize(samples, (POINTS, samples.shape[1])) for samples in few.data])
    own = np.stack([noise(x, t, random) for x, random in zip(clean, few.randoms, strict=True)])
    compared = fresh[:, :COMPARED]
    remedied = {
        "bandwidths": list(smoothed(ends.empirical, compared, t)),
        "temperatures": list(heated(ends.empirical, compared, t)),
    }
    found = []
    for network, (made, _) in zip(few.networks, few.generated, strict=True):
        empirical, true = zip(*(ends.distances(network, x, t) for x in (fresh, own, made[i])), strict=True)
        seen = {"distance_to_empirical": np.stack(empirical, axis=1), "distance_to_true": np.stack(true, axis=1)}
        seen |= {name: profile(network(compared, t), tried) for name, tried in remedied.items()}
        seen["training_loss"] = distance(network(own, t), clean)
        found.append(seen | _jacobians(setting, network, ends.true, fresh, t))
    of_samples = jacobian(ends.empirical, fresh, t)
    return {name: np.stack([seen[name] for seen in found], axis=1) for name in found[0]} | {
        "jacobian_empirical": _along(setting, _diagonal(of_samples)),
        "least_loss": distance(ends.empirical(own, t), clean),
        **_at_new_points(setting, few, t),
    }


def _at_new_points(setting: Setting, few: _Few, t: float) -> dict[str, Array]:
    """The loss of the last networks, and what is left of it without their distance from the true posterior mean, (R,)."""
    randoms = [random.spawn(1)[0] for random in few.randoms]  # of their own: nothing else moves
    clean = np.stack([draw(setting, NEW, random) for random in randoms])
    x = np.stack([noise(points, t, random) for points, random in zip(clean, randoms, strict=True)])
    mean = few.networks[-1](x, t)
    loss = distance(mean, clean)
    return {"loss_fresh": loss, "least_loss_fresh": loss - distance(mean, few.ends.true(x, t))}


def _jacobians(setting: Setting, network: Denoiser, true: Denoiser, x: Array, t: float) -> dict[str, Array]:
    """What there is in the Jacobian of each network, (R, K) or (R,)."""
    found = jacobian(network, x, t)
    along = _along(setting, _diagonal(found))
    lost = 1 - along / _along(setting, _diagonal(jacobian(true, x[:, :1], t)))
    off = (network(x, t) - true(x, t)) ** 2 / (setting.manifold.spectrum + t)
    return {
        "jacobian": along,
        "jacobian_error": np.sqrt(_along(setting, off.mean(axis=1))),
        "dimension": dimension(found),
        "order": lost[:, -1] - lost[:, 0],
    }


def _diagonal(jacobians: Array) -> Array:
    """d m_i/d x_i, the mean over points, shape (R, D)."""
    return np.diagonal(jacobians, axis1=2, axis2=3).mean(axis=1)


def _along(setting: Setting, values: Array) -> Array:
    """The mean over the directions of each subspace, of values (R, D), shape (R, K)."""
    return np.stack([values[:, part].mean(axis=1) for part in setting.manifold.slices], axis=1)
