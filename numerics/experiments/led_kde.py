"""LED-KDE, measured: draw from exp(K_h * log p^_t) by Langevin dynamics and by the reverse process, and look at it.

Infinitely many samples of two Gaussians are two samples under more noise, so that the density of the ensemble `mixture`, and that
of one Gaussian, is that of their centres. Averages over the kernel are over shifts that are drawn anew, a normal number from
each of SHIFTS equal parts of the law; or, for samplers, by `numerics.led`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from numerics.arrays import to_host
from numerics.data import draw, log_density, mean_squares, needs_density, noise
from numerics.gibbs import gibbs_moments
from numerics.langevin import langevin
from numerics.led import gradient
from numerics.led import log_density as smoothed_log_density
from numerics.measurement import Measurement, crossing, jackknife
from numerics.reverse import as_asked, diffusion, flow, grid_by, start, stops
from numerics.sampling import How, Sampling
from numerics.scores import Score, Smoothed
from theory.setting import Setting, equal_classes

__all__ = [
    "ANYWHERE",
    "OBSERVABLES",
    "measure",
    "measure_condensed",
    "measure_density",
    "measure_kl",
    "measure_modes",
    "measure_normal",
    "measure_samplers",
]

OBSERVABLES = {
    "variance": ("time", "subspace"),
    "variance_reverse": ("time", "subspace"),
    "log_density": ("time",),
    "normalization": ("time",),
    "mode_separation": ("time",),
    "merging_bandwidth": ("time",),
    "condensed_separation": ("time",),
    "normal_variance": ("time",),
    "normal_variance_plain": ("time",),
    "kl": ("time",),
    "kl_plain": ("time",),
}
ANYWHERE = ("log_density",)

Array = NDArray[np.float64]
POINTS = 640  # drawn at a time
STEP = 0.2  # of Langevin dynamics, in units of the smallest width a direction may have
LANGEVIN = 80  # steps
NORMAL = 16  # steps along normal directions, each of which leaves half of the way
FARTHEST = 100.0  # where generation starts, in units of the largest variance, bandwidth or time
FINE = 5  # steps of generation per factor e of t
SHIFTS = 128
CLIMBS = 50  # steps from a centre to the mode, each of which leaves its slope, below 1, of the way
BANDWIDTHS = np.geomspace(0.05, 1.0, 24)  # in units of half the separation squared
LATE = 1e-9  # where the flow has condensed, in units of the same


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known for the setting's ensemble, its dimension and its normal directions.

    Returns:
        What the others do.
    """
    silent = how | {"tick": lambda: None}
    found = measure_samplers(setting, **how)
    if setting.manifold.ambient_dimension > setting.manifold.intrinsic_dimension:
        found |= measure_normal(setting, **silent)
    if setting.manifold.intrinsic_dimension == 1:
        found |= measure_density(setting, **silent)
        if setting.ensemble == "gaussian":
            found |= measure_kl(setting, **silent)
    if setting.ensemble == "mixture":
        found |= measure_modes(setting, **silent) | measure_condensed(setting, **silent)
    return found


def measure_samplers(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw POINTS points by Langevin dynamics at each time, and by the reverse SDE from far, `repeats` times.

    Returns:
        variance and variance_reverse, mean squares along the subspaces, shape (T, K), data units squared.
    """
    _known(setting)
    run, draws = Sampling(**how), []
    score, far, widths = _smoothed_score(setting), _farthest(setting), setting.manifold.spectrum
    for random, begun in run.drawn(lambda random: start(setting, POINTS, far, random), "led_kde.samplers"):
        down, found = partial(_down, score, random), []
        for t, x in stops(down, begun, setting, far):
            first = noise(draw(setting, POINTS, random), t, random)
            drawn = langevin(score, first, t, STEP * (widths + t), LANGEVIN, random)
            found.append([mean_squares(points, setting.manifold) for points in (drawn, x)])
        draws.append(found)
    fixed, reverse = np.moveaxis(np.array(draws)[:, as_asked(setting)], 2, 0)
    return {"variance": Measurement.of(fixed), "variance_reverse": Measurement.of(reverse)}


def measure_density(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Average log p_t over the kernel on a grid of one direction, and at the setting's point, `repeats` times.

    Returns:
        log_density and normalization, shape (T,), of which the first is at the root mean square of x where there is no point.
    """
    _known(setting)
    a, centres = setting.separation / 2, _centres(setting)
    shifts, found = math.sqrt(setting.bandwidth) * _drawn_shifts(Sampling(**how), "led_kde.density"), []
    where = np.sqrt(setting.squares[:, 0] + (setting.point is None) * a**2)
    for v, x in zip(_noise(setting), where, strict=True):
        reach = a + 9 * math.sqrt(v)
        places, step = np.linspace(-reach, reach, math.ceil(6 * reach / math.sqrt(v)), retstep=True)
        at = np.append(places, x)[None]
        smoothed = np.concatenate([_over(own[None], at, _log_density_of(centres, v)) for own in shifts])
        log_norm = np.log(np.exp(smoothed[:, :-1]).sum(axis=1) * step)
        found.append((smoothed[:, -1] - log_norm, log_norm))
    density, norm = np.moveaxis(np.array(found), 0, 2)
    return {"log_density": Measurement.of(density), "normalization": Measurement.of(norm)}


def measure_modes(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Climb from both centres to where the smoothed mean is x, and see at which bandwidth its slope at 0 is 1, `repeats` times.

    Returns:
        mode_separation, data units, and merging_bandwidth, data units squared, NaN where no slope of BANDWIDTHS is 1, shape (T,).
    """
    a, centres, shifts = setting.separation / 2, _centres(setting), _drawn_shifts(Sampling(**how), "led_kde.modes")
    widths, own, modes, slopes = a * np.sqrt(BANDWIDTHS), math.sqrt(setting.bandwidth) * shifts, [], []
    for v in _noise(setting):
        x = np.tile([-a, a], (len(shifts), 1))
        for _ in range(CLIMBS):
            x = _over(own, x, _mean_of(centres, v))
        modes.append(x[:, 1] - x[:, 0])
        at = 0.01 * np.tile([-1.0, 1.0], (len(shifts), 1))
        means = [_over(width * shifts, width * at, _mean_of(centres, v)) for width in widths]
        slopes.append(np.diff(means, axis=2)[..., 0].T / (0.02 * widths))
    steep = np.moveaxis(np.array(slopes), 0, 2)
    return {
        "mode_separation": Measurement.of(np.array(modes).T),
        "merging_bandwidth": jackknife(steep, lambda mean: crossing(widths**2, mean, 1.0)),
    }


def measure_condensed(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Let a point from each side flow down to where it has condensed, with the smoothed score of two samples at the centres.

    Returns:
        condensed_separation, the distance of the two, shape (T,), the same at all times.
    """
    scale, centres = (setting.separation / 2) ** 2, _centres(setting)
    first = FARTHEST * max(scale, setting.bandwidth)
    times = grid_by(first, LATE * scale, 2)
    shifts = math.sqrt(setting.bandwidth) * _drawn_shifts(Sampling(**how), "led_kde.condensed")

    def score(x: Array, t: float) -> Array:
        return (_over(shifts, x.reshape(-1, 2), _mean_of(centres, t)).reshape(-1, 1) - x) / t

    x = flow(score, np.tile([[-math.sqrt(first)], [math.sqrt(first)]], (len(shifts), 1)), times).reshape(-1, 2)
    return {"condensed_separation": Measurement.of(np.tile(x[:, 1:] - x[:, :1], (1, setting.t.size)))}


def measure_normal(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets, and from each POINTS / 2 points by Langevin dynamics and of the plain kernel estimate.

    Returns:
        normal_variance and normal_variance_plain, of a direction normal to the manifold, shape (T,), data units squared.
    """
    _known(setting)
    run, draws, normal = Sampling(**how), [], slice(setting.manifold.intrinsic_dimension, None)
    for random, data in run.data_sets(setting.plain, "led_kde.normal"):
        score, found = _on_host(Smoothed(run.on_device(data), setting.bandwidth, shifts=8), run), []
        for t in setting.t:
            plain = noise(data[random.integers(len(data), size=POINTS // 2)], t + setting.bandwidth, random)
            drawn = langevin(score, plain, t, 0.5 * t, NORMAL, random)
            found.append([(x[:, normal] ** 2).mean() for x in (drawn, plain)])
        draws.append(found)
    drawn, plain = np.moveaxis(np.array(draws), 2, 0)
    return {"normal_variance": Measurement.of(drawn), "normal_variance_plain": Measurement.of(plain)}


def measure_kl(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` data sets in one direction and integrate p_t log(p_t/pi), and the same of K_h * p^_t.

    Returns:
        kl and kl_plain, nats, shape (T,).
    """
    needs_density(setting, "the divergence from the distribution")
    run, draws, h = Sampling(**how), [], setting.bandwidth
    line = Setting.of([(setting.manifold.variances[0], 1)])
    for _, data in run.data_sets(setting.plain, "led_kde.kl"):
        found = []
        for t in setting.t:
            width = math.sqrt(line.manifold.variances[0] + t)
            x, step = np.linspace(-8 * width, 8 * width, max(97, math.ceil(40 * width / math.sqrt(t))), retstep=True)
            truth = log_density(x[:, None], t, line.manifold)
            estimates = (
                smoothed_log_density(x[:, None], data[:, :1], t, h),
                smoothed_log_density(x[:, None], data[:, :1], t + h, 0.0),
            )
            found.append([(np.exp(truth) * (truth - estimate)).sum() * step for estimate in estimates])
        draws.append(found)
    smoothed, plain = np.moveaxis(np.array(draws), 2, 0)
    return {"kl": Measurement.of(smoothed), "kl_plain": Measurement.of(plain)}


def _known(setting: Setting) -> None:
    if setting.ensemble != "mixture":
        needs_density(setting, "what infinitely many samples make of the estimate")


def _noise(setting: Setting) -> list[float]:
    """Of the first direction about the centres, at each time."""
    return (setting.manifold.variances[0] + setting.t).tolist()


def _centres(setting: Setting) -> Array:
    """Of the ensemble along its first direction, shape (2, 1), or (1, 1)."""
    equal_classes(setting, "the experiment led_kde")
    a = setting.separation / 2
    return np.array([[-a], [a]] if a else [[0.0]])


def _farthest(setting: Setting) -> float:
    scales = setting.manifold.variances.max(), (setting.separation / 2) ** 2, setting.bandwidth, setting.t.max()
    return float(FARTHEST * max(scales))


def _down(score: Score, random: np.random.Generator, x: Array, now: float, then: float) -> Array:
    """By the reverse SDE from one noise variance to another."""
    return np.asarray(diffusion(score, x, grid_by(now, then, FINE), random))


def _smoothed_score(setting: Setting) -> Score:
    """K_h * grad log p_t of the ensemble; along its first direction by interpolation between places."""
    centres, spectrum = _centres(setting), setting.manifold.spectrum

    @cache
    def pull(t: float) -> tuple[Array, Array]:
        v = spectrum[0] + t
        reach = centres.max() + 9 * math.sqrt(v)
        places = np.linspace(-reach, reach, 401)
        return places, places + v * gradient(places[:, None], centres, v, setting.bandwidth)[:, 0]

    def score(x: Array, t: float) -> Array:
        v = spectrum + t
        values = -x / v
        values[:, 0] += np.interp(x[:, 0], *pull(t)) / v[0]
        return values

    return score


def _on_host(score: Score, run: Sampling) -> Score:
    """A score that is worked out on the device."""
    return lambda x, t: to_host(score(run.on_device(x), t))


def _drawn_shifts(run: Sampling, name: str) -> Array:
    """Standard normals, one from each of SHIFTS equal parts of the law, anew each time, shape (repeats, SHIFTS)."""

    def drawn(random: np.random.Generator) -> Array:
        return np.asarray(ndtri((np.arange(SHIFTS) + random.random(SHIFTS)) / SHIFTS))

    return np.array([unit for _, unit in run.drawn(drawn, name)])


def _over(shifts: Array, x: Array, f: Callable[[Array], Array]) -> Array:
    """The mean of f, of points (M, 1), over the shifts (R, S) of x, shape (R, M)."""
    at = x[:, :, None] + shifts[:, None, :]
    return np.asarray(f(at.reshape(-1, 1)).reshape(at.shape).mean(axis=2))


def _log_density_of(centres: Array, v: float) -> Callable[[Array], Array]:
    return lambda x: np.asarray(gibbs_moments(x, centres, v).log_density)


def _mean_of(centres: Array, v: float) -> Callable[[Array], Array]:
    return lambda x: np.asarray(gibbs_moments(x, centres, v).mean)
