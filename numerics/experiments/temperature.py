"""Temperature, measured: generate with a tempered score, and look at what is generated where generation stops.

Infinitely many samples have the score of the distribution itself, T s(x, tT). With it the variances are measured, and the
information about the sample that the posterior would draw, whose crossing of log N is the collapse of generated points. With
the samples of a data set weights, memorized points and frozen variance are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.arrays import to_host
from numerics.data import log_density, mean_squares, needs_density
from numerics.measurement import Measurement, crossing, jackknife
from numerics.memorized import memorized
from numerics.reverse import as_asked, diffusion, flow, grid_by, start, stops
from numerics.sampling import QUERIES, How, Sampling
from numerics.scores import Gaussian, Score, Tempered
from theory.setting import Setting

__all__ = ["OBSERVABLES", "measure", "measure_distribution", "measure_samples", "measure_shares"]

OBSERVABLES = {
    "generated_variance_ode": ("time", "subspace"),
    "generated_variance_sde": ("time", "subspace"),
    "denoised_variance": ("time", "subspace"),
    "collapse_time_generated": (),
    "memorized_fraction": ("time",),
    "largest_weight_generated": ("time",),
    "frozen_variance": ("subspace",),
    "sample_probabilities": ("sample",),
}

Array = NDArray[np.float64]
FARTHEST = 1e4  # where generation starts, in units of the largest variance, or time
STEPS = 4  # per factor e of t: variances to 2e-3
FINE = 12  # the same to 2e-4, where the score costs nothing
POINTS = 512  # generated at a time where samples are few, or none
FROZEN = 1e-2  # where the sample is chosen, in units of the lowest time, or of the least squared distance


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known for the setting's ensemble and dimension.

    Returns:
        What the other three do.
    """
    silent = how | {"tick": lambda: None}
    found = measure_samples(setting, **how)
    if setting.ensemble == "gaussian":
        found |= measure_distribution(setting, **silent)
    if setting.manifold.intrinsic_dimension == 1:
        found |= measure_shares(setting, **silent)
    return found


def measure_distribution(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Generate POINTS points with the score of the distribution, `repeats` times.

    Returns:
        generated_variance_ode, generated_variance_sde and denoised_variance, shape (T, K), data units squared;
        collapse_time_generated, a number, NaN where the times do not bracket it.
    """
    needs_density(setting, "what infinitely many samples generate")
    run, draws, information = Sampling(**how), [], []
    score = _tempered(setting)
    for random, first in run.drawn(lambda random: _begin(setting, random, POINTS), "temperature.distribution"):
        by_ode, by_sde = (
            list(_stops(reverse, score, first, setting, FINE)) for reverse in (flow, partial(diffusion, rng=random))
        )
        means = [(t, x + t * score(x, t)) for t, x in by_ode]
        draws.append([[mean_squares(x, setting.manifold) for _, x in points] for points in (by_ode, by_sde, means)])
        information.append([_information(setting, t, x, random) for t, x in by_ode])
    order = as_asked(setting)
    ode, sde, denoised = (Measurement.of(part[:, order]) for part in np.moveaxis(np.array(draws), 1, 0))
    i = np.array(information)[:, order]
    return {
        "generated_variance_ode": ode,
        "generated_variance_sde": sde,
        "denoised_variance": denoised,
        "collapse_time_generated": jackknife(i, lambda mean: crossing(setting.times, mean, setting.log_samples)),
    }


def measure_samples(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and generate twice QUERIES points with the tempered score of each by the ODE.

    A point counts as memorized where it is, after a last denoising, three times as near to a sample as to any other. Where
    all times are passed generation goes on until the sample is chosen.

    Returns:
        memorized_fraction and largest_weight_generated, shape (T,); frozen_variance, of the samples that are generated, shape
        (K,), data units squared.
    """
    run, draws, frozen = Sampling(**how), [], []
    for random, data in run.data_sets(setting.plain, "temperature"):
        score, found = Tempered(run.on_device(data), setting.temperature), []
        for t, x in _stops(flow, score, run.on_device(_begin(setting, random, 2 * QUERIES)), setting, STEPS):
            moments = score.moments(x, t)
            copied = memorized(to_host(moments.mean), data)
            found.append((copied.mean(), to_host(moments.largest_weight).mean()))
        lowest = float(setting.t.min())
        x = flow(score, x, grid_by(lowest, FROZEN * lowest, STEPS))
        chosen = to_host(score.moments(x, FROZEN * lowest).nearest)
        draws.append(found)
        frozen.append(mean_squares(data[chosen], setting.manifold))
    share, weight = np.moveaxis(np.array(draws)[:, as_asked(setting)], 2, 0)
    return {
        "memorized_fraction": Measurement.of(share),
        "largest_weight_generated": Measurement.of(weight),
        "frozen_variance": Measurement.of(frozen),
    }


def measure_shares(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets in one dimension and generate until every point has chosen its sample.

    Returns:
        sample_probabilities, of the samples in order, shape (N,).
    """
    run, draws = Sampling(**how), []
    for random, data in run.data_sets(setting.plain, "temperature.shares"):
        ordered = np.sort(data[:, 0])
        score = Tempered(run.on_device(ordered[:, None]), setting.temperature)
        t_max, chosen = _farthest(setting), FROZEN * float(np.diff(ordered).min()) ** 2
        x = flow(score, run.on_device(_begin(setting, random, 4 * POINTS)[:, :1]), grid_by(t_max, chosen, STEPS))
        nearest = to_host(score.moments(x, chosen).nearest)
        draws.append(np.bincount(nearest, minlength=setting.samples) / len(nearest))
    return {"sample_probabilities": Measurement.of(draws)}


def _tempered(setting: Setting) -> Score:
    """T s(x, tT) of the distribution."""
    score, T = Gaussian(setting.manifold), setting.temperature
    return lambda x, t: T * score(x, T * t)


def _farthest(setting: Setting) -> float:
    """Where the points that are started with know nothing of the data; with a score that is colder, farther away."""
    largest = setting.manifold.variances.max() * max(1.0, 1 / setting.temperature)
    return float(FARTHEST * max(largest, setting.t.max()))


def _begin(setting: Setting, random: np.random.Generator, count: int) -> Array:
    return start(setting, count, _farthest(setting), random, law="noise")


def _stops(
    reverse: Callable[..., AnyArray], score: Score, x: AnyArray, setting: Setting, steps: int
) -> Iterator[tuple[float, AnyArray]]:
    """The times of the setting, falling from far away, and the points there, by so many steps per factor e of t."""
    return stops(lambda x, now, t: reverse(score, x, grid_by(now, t, steps)), x, setting, _farthest(setting))


def _information(setting: Setting, t: float, x: Array, random: np.random.Generator) -> float:
    """Mean of log p(x|y)/p(x), nats, y drawn from the posterior of the weights that are at tT."""
    noise, spectrum = setting.temperature * t, setting.manifold.spectrum
    mean = x + noise * Gaussian(setting.manifold)(x, noise)
    y = mean + np.sqrt(spectrum * noise / (spectrum + noise)) * random.standard_normal(x.shape)
    given = -0.5 * ((x - y) ** 2 / noise + math.log(2 * math.pi * noise)).sum(axis=1)
    return float((given - log_density(x[None], np.array([noise])[:, None, None], setting.manifold)[0]).mean())
