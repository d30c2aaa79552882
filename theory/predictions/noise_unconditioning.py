r"""Noise unconditioning: what is left of memorization where one score serves all levels of noise?

A network that is not told the level, trained with a loss weighted by t at levels uniform in log t, has for its optimum

    grad log Phi,    Phi = sum r_mu^-(D-2),    r_mu = |x - x^mu|,

the score of a Newtonian potential: the weight of a sample is r^-(D-2), D > 2 the ambient dimension, and the level that it
implies is r^2/(D - 2). No further parameter is left. Phi is harmonic off the samples, so that it has no other maxima (Earnshaw's
theorem), and gradient ascent ends on samples from almost every start, for any data.

The weights condense where those of the conditioned score do, at t_c(x), but on more samples: at a typical x in one subspace

    E Y2 -> t_c (t_c - t)/(lambda + t_c)^2,    not 1 - t/t_c,

so that the effective number of samples saturates at (1 + lambda/t_c)^2 as t falls to 0. At any N and D the averages over data
sets are integrals, which `theory.averages.newtonian` evaluates. Times in a setting say which x is typical.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.averages.newtonian import newtonian_averages
from theory.averages.over_points import normal_squares
from theory.derived import derived
from theory.extensive import time_where
from theory.observable import observable
from theory.predictions.condensation import critical_noise_variance
from theory.setting import ENSEMBLES, Setting

__all__ = [
    "LAWS",
    "collapsed_fraction",
    "derivation",
    "effective_samples",
    "effective_samples_asymptotic",
    "implied_noise",
    "implied_noise_asymptotic",
    "own_weight",
    "participation",
    "participation_asymptotic",
]

STATEMENT = "one score for all levels is that of a Newtonian potential: its ascent still ends on samples, its weights are broader"
SOURCE = "arXiv:2601.19285 (noise unconditioning); Newtonian potential, Earnshaw's theorem, exact averages, phases derived here"
REGIME = (
    "levels from 0 to infinity, D > 2; collapsed_fraction: any data; participation, effective_samples, own_weight, "
    "implied_noise: exact at every N and D, Gaussian data; their limits: log N = O(D)"
)

LEAST = 3  # dimensions in which the integral over levels exists

Array = NDArray[np.float64]
derivation = derived("theory.derivations.noise_unconditioning")


@observable("time", kind="exact", symbol=r"E\,t^*", scaling=2, anywhere=True, slow=True, accuracy=1e-5, ambient=LEAST)
def implied_noise(setting: Setting) -> Array:
    """E of the level that the score implies, sum w r^2/(D - 2), data units squared."""
    return newtonian_averages(setting)["square"] / (setting.manifold.ambient_dimension - 2)


@observable("time", kind="limit", symbol=r"E\,t^*", of="implied_noise", scaling=2, anywhere=True, ambient=LEAST)
def implied_noise_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: r_0^2/(D - 2) of the nearest sample where weights condense, else the likeliest level t*.

    t*, the largest where there are several, solves sum [lambda/(lambda + t) + t x^2/(lambda + t)^2] = D - 2. It is below t_c
    where weights condense; on a trajectory below t_c the sample is the own one.
    """
    room, critical = setting.manifold.ambient_dimension - 2.0, critical_noise_variance(setting)
    nearest = _level(setting, critical)
    wanted = np.full_like(critical, room)
    above = critical * time_where(lambda factor: _level(setting, critical * np.maximum(factor, 1)), wanted)
    found = np.where(nearest < room, critical * nearest / room, above)
    own = setting.t * _level(setting, setting.t) / room
    return np.where(_on_its_own(setting, critical), own, found)


@observable("time", kind="exact", symbol=r"E\,Y_2", scaling=0, anywhere=True, slow=True, accuracy=1e-5, ambient=LEAST)
def participation(setting: Setting) -> Array:
    """E of sum w^2, weights r^-(D-2)."""
    return newtonian_averages(setting)["participation"]


@observable("time", kind="limit", symbol=r"E\,Y_2", of="participation", scaling=0, anywhere=True, ambient=LEAST)
def participation_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: 1 - r_0^2/(D t_c) where that is positive, on trajectories 1 below t_c(x); else 0."""
    critical = critical_noise_variance(setting)
    condensed = 1 - _level(setting, critical) / setting.manifold.ambient_dimension
    return np.where(_on_its_own(setting, critical), 1.0, np.maximum(condensed, 0.0))


@observable("time", kind="exact", symbol=r"1/E\,Y_2", scaling=0, anywhere=True, slow=True, accuracy=1e-5, ambient=LEAST)
def effective_samples(setting: Setting) -> Array:
    """1/E Y2, how many samples share the weight."""
    return 1 / participation(setting)


@observable("time", kind="limit", symbol=r"1/E\,Y_2", of="effective_samples", scaling=0, anywhere=True, ambient=LEAST)
def effective_samples_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large; (1 + lambda/t_c)^2 at clean points of one subspace; infinite where none condense."""
    with np.errstate(divide="ignore"):
        return 1 / participation_asymptotic(setting)


@observable("time", kind="exact", symbol=r"E\,w_1", scaling=0, anywhere=True, slow=True, accuracy=1e-5, ambient=LEAST)
def own_weight(setting: Setting) -> Array:
    """E w of x^1 at x^1 + sqrt t xi, whatever the query. Unlike that of the conditioned score it is not E Y2."""
    return newtonian_averages(setting.at(query="trajectory"))["own_weight"]


@observable(kind="exact", symbol="P", scaling=0, ambient=LEAST, ensembles=ENSEMBLES)
def collapsed_fraction(setting: Setting) -> float:
    """The share of starts from which gradient ascent ends on a sample: 1, for any data, by Earnshaw's theorem."""
    return 1.0


def _level(setting: Setting, t: Array) -> Array:
    """sum E[(x - y)^2 | x]/t over all D directions, y the posterior of x at the level t, one for each time; shape (T,)."""
    manifold = setting.manifold
    along = derivation()["level"](manifold.variances, setting.squares, t[:, None]) @ manifold.dimensions.astype(float)
    return np.asarray(along + normal_squares(setting) / t)


def _on_its_own(setting: Setting, critical: Array) -> NDArray[np.bool_]:
    """At which times x is so close to the sample it came from that this one has all weight."""
    return np.asarray((setting.query == "trajectory") & (setting.t < critical))


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "implied_noise": (
        "schedule(0); at_least(0); monotone(samples, down); "
        "expansion(time, inf, (D*t + 2*sum(m*lam))/(D-2), -2*sum(m*lam)*(own/N + (N-1)/N*(D-2)/D)/(D-2))"
    ),
    "implied_noise_asymptotic": (
        "schedule(0); vanishing_direction; at_least(0); monotone(samples, down); limit(time, inf, D*t/(D-2)); "
        "equation(if_positive(noise_unconditioning.participation_asymptotic - 2.001/D, f*(D-2), 0), "
        "if_positive(noise_unconditioning.participation_asymptotic - 2.001/D, "
        "supervision_region.nearest_distance_squared_asymptotic, 0))"
    ),
    "participation": (
        "schedule(0); at_least(1/N); at_most(1); limit(time, inf, 1/N); "
        "expansion(time, inf, 1/N, (N-1)/N**2*(D-2)/D*sum(m*lam)/t)"
    ),
    "participation_asymptotic": (
        "schedule(0); at_least(0); at_most(1); "
        "equation(if_positive(condensation.participation_asymptotic, f, 0), "
        "if_positive(condensation.participation_asymptotic, larger(0, 1 - "
        "supervision_region.nearest_distance_squared_asymptotic*(1-condensation.participation_asymptotic)/(t*D)), 0))"
    ),
    "effective_samples": (
        "schedule(0); at_least(1); at_most(N); equation(f*noise_unconditioning.participation, 1); limit(time, inf, N)"
    ),
    "effective_samples_asymptotic": (
        "schedule(0); at_least(1); "
        "equation(f*noise_unconditioning.participation_asymptotic, "
        "if_positive(noise_unconditioning.participation_asymptotic, 1, inf))"
    ),
    "own_weight": (
        "schedule(0); at_least(1/N); at_most(1); monotone(time, down); monotone(samples, down); "
        "limit(time, inf, 1/N); expansion(time, inf, 1/N, (N-1)/N**2*(D-2)/D*sum(m*lam)/t)"
    ),
    "collapsed_fraction": "same_for(samples); same_for(time); equation(f, 1)",
}
