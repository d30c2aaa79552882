r"""Stopping early: what generation leaves where it ends at noise variance t, measured with the data set alone.

Flow and diffusion of the empirical score draw noised samples, x = x^mu + sqrt(t) xi. Samplers mostly take a last step
from there to the posterior mean m^_t(x), which takes the noise away and most of what it hid. So of either is asked

    how many are copies      the nearest sample is less than a third as far as the second nearest
    what they have lost      the variance of m^_t(x), over that of the data
    how near their law is    log p^_t(y) at samples y held out, which is largest where KL(p || p^_t) is least

Smoothing the score by a kernel of variance h is another remedy. As t falls to 0 the smoothed posterior mean at a sample is the
average over the cells of all samples, and its own has the weight P(x^mu is the nearest to x^mu + sqrt(h) xi): the memorized
fraction at noise h. Where that is below 1/2 the flow does not end there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import stream, to_host
from numerics.leave_one_out import PrincipalAxes, by_time, moments_of_noised, noised, split
from numerics.measurement import Measurement, crossing, jackknife
from numerics.memorized import memorized

__all__ = ["COPIED", "Stopped", "stopped"]

Array = NDArray[np.float64]
COPIED = 0.05  # of points generated, beyond those that are so by chance: few
DOUBT = 2  # standard errors of a share


@dataclass(frozen=True)
class Stopped:
    """What generation leaves; rows are points, which share the data, columns times.

    Attributes:
        t: noise variance, data units squared, shape (T,).
        copied: 1 where a noised sample is a copy, shape (M, T).
        copied_denoised: 1 where its posterior mean is, shape (M, T).
        variance_left: of posterior means, over that of the samples noised, shape (T,).
        log_density: log p^_t at held-out samples, nats, in the span of the data, shape (H, T).
        by_chance: how many samples held out would count as copies.
    """

    t: Array
    copied: Array
    copied_denoised: Array
    variance_left: Measurement
    log_density: Array
    by_chance: float

    @property
    def stopping_time(self) -> Measurement:
        """Above it fewer than `COPIED` are copies, beyond chance, after a last denoising; NaN where no time tells."""
        return self._few(self.copied_denoised)

    @property
    def stopping_time_noised(self) -> Measurement:
        """The same with the noise left on."""
        return self._few(self.copied)

    @property
    def closest_time(self) -> Measurement:
        """Where the density at held-out samples is largest; NaN where that is at an end of the times, or too flat to be told."""
        found = jackknife(self.log_density, lambda mean: _peak(self.t, mean))
        told = DOUBT * found.sem < found.mean
        return found if told else replace(found, mean=np.asarray(np.nan), sem=np.asarray(np.nan))

    def _few(self, copied: Array) -> Measurement:
        """By interpolation in the logarithm of the share, which falls like a power where it is small.

        A share may rise again, as where points are drawn to the middle of a cluster, beside which a sample lies: what counts is
        its fall after it was last beyond all doubt.
        """
        few, count = COPIED + self.by_chance, len(copied)
        beyond = few + DOUBT * np.sqrt(few * (1 - few) / count)

        def fall(mean: Array) -> Array:
            start = int(np.flatnonzero(mean > beyond)[-1]) if (mean > beyond).any() else 0
            return crossing(self.t[start:], np.log(np.maximum(mean[start:], 0.5 / count)), np.log(few))

        return jackknife(copied, fall)


def stopped(
    data: PrincipalAxes,
    t: ArrayLike,
    *,
    queries: int = 256,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
) -> Stopped:
    """Noise `queries` samples drawn with replacement, denoise them, and look for copies; hold others out for the density.

    Raises:
        ValueError: as `memorized`.
    """
    times, samples = np.asarray(t, dtype=np.float64), data.coordinates
    random, at = stream(rng, "stopping", "noised"), times / data.unit**2
    points = samples[random.integers(len(samples), size=queries)]
    xi = random.standard_normal(points.shape)
    mean = to_host(moments_of_noised(points, xi, samples, at, device, dtype).mean).astype(np.float64)
    fresh, rest = split(data, queries, rng)
    density = moments_of_noised(fresh, np.zeros_like(fresh), rest, at, device, dtype).log_density
    distinct = samples[np.unique(data.group, return_index=True)[1]]
    across = _length(random, data.spectrum.size - samples.shape[1], queries)
    ends = noised(_beside(points), np.column_stack([xi, across]), at)
    return Stopped(
        times,
        by_time(memorized(ends, _beside(distinct)), times).T.astype(np.float64),
        by_time(memorized(mean, distinct), times).T.astype(np.float64),
        _ratio(by_time((mean**2).sum(axis=1), times).T, (points**2).sum(axis=1)),
        by_time(density, times).T - samples.shape[1] * np.log(data.unit),
        float(memorized(fresh, rest).mean()) if len(fresh) == queries else _by_chance(distinct[:queries]),
    )


def _length(random: np.random.Generator, normals: int, count: int) -> Array:
    """Of the noise in the directions in which samples do not differ, for one; it takes points from all samples alike."""
    return np.sqrt(random.chisquare(normals, count)) if normals else np.zeros(count)


def _beside(points: Array) -> Array:
    """In one more direction, in which samples do not differ."""
    return np.column_stack([points, np.zeros(len(points))])


def _ratio(kept: Array, of: Array) -> Measurement:
    """The mean of rows over that of `of`, which vary together; the error is that to first order."""
    share = kept.mean(axis=0) / of.mean()
    return Measurement.of(share + (kept - share * of[:, None]) / of.mean())


def _by_chance(distinct: Array) -> float:
    """The share of samples that would count as copies of others, each held out alone: a fifth of few would be too few."""
    alone = [memorized(distinct[[i]], np.delete(distinct, i, axis=0)) for i in range(len(distinct))]
    return float(np.mean(alone))


def _peak(t: Array, f: Array) -> float:
    """Where the parabola through the largest value and its neighbours, in log t, is largest."""
    i = int(np.argmax(f))
    if not 0 < i < len(t) - 1:
        return np.nan
    a, b, _ = np.polyfit(np.log(t[i - 1 : i + 2] / t[i]), f[i - 1 : i + 2] - f[i], 2)
    return float(t[i] * np.exp(-b / (2 * a)))
