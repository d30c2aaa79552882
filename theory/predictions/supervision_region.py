r"""Supervision region: where in space is a denoiser told what to do, and when does a fresh point leave it?

Training shows the denoiser x^mu + sqrt(t) xi alone: shells of radius sqrt(t D) round the samples (sigma sqrt(D) for t = sigma^2).
Their union is the supervision region. A point is outside of it where even the nearest sample is farther than that. That
sample sits where the posterior at the condensation noise t_c(x) puts one,

    r^2 = sum [lambda t_c/(lambda + t_c) + t_c^2 x^2/(lambda + t_c)^2],      KL(p_{t_c}(y | x) || p(y)) = log N,

which at a typical fresh x, x^2 = lambda + t, is t D at t_c = t: extrapolation begins at collapse. All this is for
log N = O(D) large. At any N and D the distance is the least of N draws, and `theory.averages.nearest_sample` averages it exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory.averages.nearest_sample import OVER_X, nearest_distance, tilted_is_nearest
from theory.averages.over_points import asked, average, normal_squares
from theory.derived import derived
from theory.extensive import extensive
from theory.observable import observable
from theory.predictions import collapse, condensation
from theory.setting import LinearManifold, Setting

__all__ = [
    "LAWS",
    "derivation",
    "extrapolation_time",
    "nearest_distance_squared",
    "nearest_distance_squared_asymptotic",
    "shell_overlap",
    "shell_ratio",
    "shell_ratio_asymptotic",
]

STATEMENT = "a fresh point leaves the shells round the samples, where the denoiser is supervised, at the collapse time"
SOURCE = "arXiv:2510.01378 (supervision region, shells, overlap); distance of the nearest sample derived here"
REGIME = "nearest_distance_squared, shell_ratio, shell_overlap: exact at every N and D, Gaussian data; the others: log N = O(D)"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.supervision_region")


@observable("time", kind="exact", symbol=r"E\,r^2", scaling=2, anywhere=True, slow=True, accuracy=1e-6)
def nearest_distance_squared(setting: Setting) -> Array:
    """E min |x - x^mu|^2, exact at finite N and D, data units squared, directions normal to the manifold included.

    Over fresh x or trajectories, or at the setting's point; there the normal directions count by its coordinates. Relative
    accuracy 1e-6, or a warning, and 1e-4 for five subspaces of few directions and more.
    """
    where = setting.manifold, setting.samples, setting.query == "trajectory"
    return np.array([_along_manifold(*where, noise, point) for noise, point in asked(setting)]) + normal_squares(
        setting
    )


@lru_cache(maxsize=1024)
def _along_manifold(
    manifold: LinearManifold, samples: int, own: bool, noise: float, point: tuple[float, ...] | None
) -> float:
    """The part of the average along the manifold, at one time."""

    def at(offsets: Array) -> Array:
        return nearest_distance(manifold, noise, samples, offsets, own=own)

    if point is not None:
        return float(at(np.array([point]))[0])
    return float(average(lambda squares: at(squares * (manifold.variances + noise)), manifold.dimensions, OVER_X)[0])


@observable("time", kind="limit", symbol=r"E\,r^2", of="nearest_distance_squared", scaling=2, anywhere=True)
def nearest_distance_squared_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large, at typical x, x^2 = lambda + t, or at the setting's point.

    On a trajectory below t_c it is the mean squared distance of the own sample, elsewhere that of the nearest impostor.
    """
    manifold = setting.manifold
    saddle = condensation.critical_noise_variance(setting)
    if setting.query == "trajectory":
        saddle = np.minimum(saddle, setting.t)
    formula = derivation()["nearest_distance_squared_asymptotic"]
    per_direction = formula(manifold.variances, setting.squares, saddle[:, None])
    return np.asarray(per_direction @ manifold.dimensions + normal_squares(setting))


@observable("time", kind="exact", symbol=r"r / \sqrt{t D}", scaling=0, anywhere=True, slow=True, accuracy=1e-6)
def shell_ratio(setting: Setting) -> Array:
    """Root of E min |x - x^mu|^2 over t D, exact: 1 on the shell of the nearest sample, above 1 outside of all shells."""
    return _in_shells(setting, nearest_distance_squared(setting))


@observable("time", kind="limit", symbol=r"r / \sqrt{t D}", of="shell_ratio", scaling=0, anywhere=True)
def shell_ratio_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large."""
    return _in_shells(setting, nearest_distance_squared_asymptotic(setting))


def _in_shells(setting: Setting, squared: Array) -> Array:
    """A distance in units of the radius of a shell, sqrt(t D)."""
    return np.sqrt(squared / (setting.t * setting.manifold.ambient_dimension))


@observable("time", kind="exact", symbol=r"E\,e^{-r^2/8t}", scaling=0, slow=True, accuracy=1e-6)
def shell_overlap(setting: Setting) -> Array:
    """E exp(-r^2/8t), r the distance of a sample to the nearest of the N - 1 others, exact at finite N and D."""
    pair = np.exp(extensive(derivation()["log_pair_overlap"], setting.manifold, setting.t))
    nearest = [_pair_is_nearest(setting.manifold, setting.samples - 1, noise) for noise in setting.t.tolist()]
    return (setting.samples - 1) * pair * nearest


@lru_cache(maxsize=1024)
def _pair_is_nearest(manifold: LinearManifold, neighbours: int, noise: float) -> float:
    """P(no neighbour is nearer) for a pair drawn with the weight of its overlap."""
    variance = derivation()["overlapping_variance"](manifold.variances, noise)

    def at(squares: Array) -> Array:
        return tilted_is_nearest(manifold, squares * variance, 1 / (8 * noise), neighbours)

    return float(average(at, manifold.dimensions, OVER_X)[0])


@observable(kind="limit", symbol="t_C", scaling=2)
def extrapolation_time(setting: Setting) -> float:
    """The time below which a typical fresh point is outside of all shells, log N = O(D) large: the collapse time."""
    return collapse.collapse_time(setting)


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "nearest_distance_squared": (
        "schedule(0); at_least(0); monotone(samples, down); monotone(time, up); limit(time, inf, D*t); "
        "on_a_line(2*lam + t - sqrt(2*lam*(6*lam + 4*t))/pi, 2)"
    ),
    "nearest_distance_squared_asymptotic": (
        "schedule(0); vanishing_direction; at_least(0); monotone(samples, down); limit(time, inf, D*t); "
        "at_time(collapse.collapse_time, D*t); "
        "equation(if_positive(condensation.participation_asymptotic, f, 0), "
        "if_positive(condensation.participation_asymptotic, (D-d)*t + "
        "sum(m*(lam*t/(1-condensation.participation_asymptotic)/(lam + t/(1-condensation.participation_asymptotic)) + "
        "x2*(t/(1-condensation.participation_asymptotic))**2/(lam + t/(1-condensation.participation_asymptotic))**2)), "
        "0))"
    ),
    "shell_ratio": (
        "schedule(0); at_least(0); monotone(samples, down); limit(time, inf, 1); "
        "equation(f**2*t*D, supervision_region.nearest_distance_squared)"
    ),
    "shell_ratio_asymptotic": (
        "schedule(0); at_least(0); monotone(samples, down); limit(time, inf, 1); "
        "equation(f**2*t*D, supervision_region.nearest_distance_squared_asymptotic); "
        "at_time(collapse.collapse_time, 1)"
    ),
    "shell_overlap": (
        "schedule(0); normal_directions; at_least(0); at_most(1); monotone(samples, up); monotone(time, up); "
        "limit(time, inf, 1); at(samples, 2, prod((1 + lam/(2*t))**(-m/2)))"
    ),
    "extrapolation_time": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "crosses(collapse.information, logN)"
    ),
}
