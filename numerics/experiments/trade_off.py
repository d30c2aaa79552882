"""Trade-off, measured: how many points are memorized, against how far their law is from that of the data.

Every remedy is judged by what it generates, as it is, where generation stops: the share of points that are copies, and
E KL(p_0 || q) from the clean distribution, by the density of the flow. Without one the flow draws noised samples, so that
stopping it early is a kernel density estimate, and is drawn as such.
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.arrays import to_host
from numerics.data import draw, log_density, needs_density, noise
from numerics.gibbs import gibbs_moments
from numerics.measurement import Measurement
from numerics.memorized import memorized
from numerics.reverse import as_asked, flow, grid_by, start, stops
from numerics.reverse import log_density as generated_density
from numerics.sampling import How, Sampling
from numerics.scores import Smoothed, Tempered
from theory.setting import LinearManifold, Setting, without_remedies

__all__ = ["OBSERVABLES", "measure", "measure_noised"]

OBSERVABLES = {"memorized_fraction": ("time",), "kl_clean": ("time",)}

Array = NDArray[np.float64]
POINTS = 64  # generated, and fresh, per data set
FARTHEST = 1e4  # where generation starts, in units of the largest variance, or time
SHIFTS = 8  # of a kernel, drawn anew for each data set
STEPS, FAR_STEPS = 8, 2  # per factor e of t, below twice the largest variance and above


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets and generate with the score of each at the setting's temperature, or bandwidth, by the ODE.

    Returns:
        memorized_fraction and kl_clean, nats and on the manifold, shape (T,).

    Raises:
        ValueError: for a temperature and a bandwidth together.
    """
    if len(setting.remedies) > 1:
        raise ValueError("the trade-off is of a temperature or of a bandwidth, one at a time")
    flat, run, draws = _flat(setting), Sampling(**how), []
    grids = _Grids(flat)
    for random, samples in run.data_sets(flat.plain, "trade_off"):
        data, x = run.on_device(samples), draw(flat, POINTS, random)
        score = _score(setting, data, random)
        down, log_clean, found = partial(_down, score, grids), log_density(x, 0.0, flat.manifold), []
        fresh, begun = (run.on_device(a) for a in (x, start(flat, POINTS, grids.far, random, law="noise")))
        for t, generated in stops(down, begun, setting, grids.far):
            log_generated = to_host(generated_density(score.posterior, fresh, grids.between(grids.far, t)))
            found.append((_memorized(generated, samples), (log_clean - log_generated).mean()))
        draws.append(np.array(found)[as_asked(setting)])
    return _named(draws)


def measure_noised(setting: Setting, *, narrowed: bool = False, **how: Unpack[How]) -> dict[str, Measurement]:
    """The same of samples noised, which the flow of the empirical score generates; on request as narrow as the data.

    Args:
        setting: without a remedy.
        narrowed: whether points are scaled by sqrt(lambda/(lambda + t)) along each direction.
        how: repeats, rng, device, dtype and tick.

    Returns:
        memorized_fraction and kl_clean, nats and on the manifold, shape (T,).
    """
    without_remedies(setting, "what is noised")
    flat, run, draws = _flat(setting), Sampling(**how), []
    spectrum = flat.manifold.spectrum
    for random, samples in run.data_sets(flat, "trade_off"):
        data, x, found = run.on_device(samples), draw(flat, POINTS, random), []
        for t in setting.t.tolist():
            scale = np.sqrt(spectrum / (spectrum + t)) if narrowed else np.ones_like(spectrum)
            generated = scale * noise(samples[random.integers(len(samples), size=POINTS)], t, random)
            log_noised = to_host(gibbs_moments(run.on_device(x / scale), data, t).log_density) - np.log(scale).sum()
            divergence = log_density(x, 0.0, flat.manifold) - log_noised
            found.append((_memorized(generated, samples), divergence.mean()))
        draws.append(np.array(found))
    return _named(draws)


def _flat(setting: Setting) -> Setting:
    """On the manifold, where there is a density."""
    needs_density(setting, "the divergence")
    return setting.at(manifold=LinearManifold(setting.manifold.subspaces))


def _memorized(generated: AnyArray, samples: Array) -> float:
    return float(memorized(to_host(generated), samples).mean())


def _named(draws: list[Array]) -> dict[str, Measurement]:
    return {name: Measurement.of([found[:, k] for found in draws]) for k, name in enumerate(OBSERVABLES)}


def _score(setting: Setting, data: AnyArray, random: np.random.Generator) -> Tempered | Smoothed:
    if setting.bandwidth:
        return Smoothed(data, setting.bandwidth, SHIFTS, int(random.integers(2**31)))
    return Tempered(data, setting.temperature)


class _Grids:
    """Steps in log t: fewer where the samples are seen as one."""

    def __init__(self, setting: Setting) -> None:
        largest = setting.manifold.variances.max()
        self.far, self.near = FARTHEST * max(largest, setting.t.max()), 2 * largest

    def between(self, now: float, then: float) -> Array:
        """From one noise variance down to another."""
        middle = min(max(self.near, then), now)
        parts = (now, middle, FAR_STEPS), (middle, then, STEPS)
        return np.concatenate([[now], *(grid_by(*part)[1:] for part in parts if part[0] > part[1])])


def _down(score: Tempered | Smoothed, grids: _Grids, x: AnyArray, now: float, then: float) -> AnyArray:
    """By the flow from one noise variance to another."""
    return flow(score, x, grids.between(now, then))
