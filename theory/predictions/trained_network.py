r"""Trained networks: between which two scores does a network walk, and what does it look like at either end?

The denoising loss of any function f at noise variance t, L(f) = E |f(x) - x_0|^2 with x = x_0 + sqrt(t) xi, is least at the
posterior mean of whatever x_0 is drawn from, and above that by the squared distance: L(f) = L(m) + E |f - m|^2. So a network that
sees new points for ever goes to the posterior mean of the distribution, m = lambda x/(lambda + t), and one that sees N samples
over and over to theirs, m^, whose loss on them is the variance that is left under the weights:

    L = sum_k m_k lambda_k t/(lambda_k + t)   of m, at new points,       E tr C^   of m^, at its own noised samples.

In units of E |m^ - m|^2 it is a walk from distance 1 of the empirical score and 0 of the true one to 0 and 1, and never nearer
to both than sqrt(d_e) + sqrt(d_t) = 1. Its Jacobian, averaged over x, lies within sqrt(E |f - m|^2/(lambda + t)) of
lambda/(lambda + t) by Stein's identity, and at the other end is C^/t. How far a network goes is for the experiment to say: no
theory here knows that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.observable import PARTS, observable
from theory.predictions import frozen_jacobian
from theory.setting import Setting

__all__ = [
    "LAWS",
    "derivation",
    "dimension",
    "distance_to_empirical",
    "distance_to_true",
    "jacobian",
    "jacobian_empirical",
    "least_loss",
    "least_loss_fresh",
    "memorized_fraction",
]

STATEMENT = (
    "a network walks from the true score towards that of its samples as it is trained, and loses low variance first"
)
SOURCE = (
    "arXiv:2410.08727, arXiv:2510.01378 (networks near either score, Jacobians of trained networks); the two ends, what bounds "
    "the way between, and the memorized share of fresh points derived here"
)
REGIME = (
    "the ends: a network that sees infinitely many samples, and the score of N samples, exact at every N and D; in between, "
    "measured"
)

Array = NDArray[np.float64]
ROUNDING = 1e-12  # by which lambda/(lambda + t) may be off, at a t that comes of another schedule
derivation = derived("theory.derivations.trained_network")


@observable("time", "training", "place", kind="limit", symbol=r"d_e", scaling=0, network=True)
def distance_to_empirical(setting: Setting) -> Array:
    """E |f - m^|^2 over E |m^ - m|^2 of a network that sees infinitely many samples: 1 everywhere."""
    return _everywhere(setting, float(derivation()["distance_to_empirical"](0.0)))


@observable("time", "training", "place", kind="limit", symbol=r"d_t", scaling=0, network=True)
def distance_to_true(setting: Setting) -> Array:
    """E |f - m|^2 over E |m^ - m|^2 of a network that sees infinitely many samples: 0 everywhere."""
    return _everywhere(setting, 0.0)


@observable("time", "training", "subspace", kind="limit", symbol=r"J_k", scaling=0, network=True)
def jacobian(setting: Setting) -> Array:
    """d m_k/d x_k of a network that sees infinitely many samples, lambda/(lambda + t), after however many steps."""
    found = derivation()["jacobian"](setting.manifold.variances, setting.t[:, None])
    return np.repeat(found[:, None, :], _steps(setting), axis=1)


@observable("time", "training", kind="limit", symbol=r"\hat d", scaling=0, network=True)
def dimension(setting: Setting) -> Array:
    """How many eigenvalues of that Jacobian are above 1/2: directions of lambda > t, by more than rounding."""
    return (jacobian(setting) > 0.5 + ROUNDING) @ setting.manifold.dimensions.astype(float)


@observable(
    "time", "subspace", kind="exact", symbol=r"E\,\hat C_k/t", scaling=0, slow=True, accuracy=1e-6, network=True
)
def jacobian_empirical(setting: Setting) -> Array:
    """d m^_k/d x_k of the posterior mean of N samples, E tr C^_k/(m_k t) at fresh x: where a network would end."""
    return frozen_jacobian.retained_variance(_of_samples(setting, "fresh")) / setting.t[:, None]


@observable("time", kind="exact", symbol=r"E\,\mathrm{tr}\,\hat C", scaling=2, slow=True, accuracy=1e-6, network=True)
def least_loss(setting: Setting) -> Array:
    """E |m^ - x_0|^2 on noised samples, data units squared: no training loss of a network is less, on average over data sets."""
    left = frozen_jacobian.retained_variance(_of_samples(setting, "trajectory"))
    return left @ setting.manifold.dimensions


@observable("time", kind="exact", symbol=r"E\,|m - x_0|^2", scaling=2, network=True)
def least_loss_fresh(setting: Setting) -> Array:
    """E |m - x_0|^2 at new points, data units squared: the loss there of any network, less its squared distance from m."""
    left = derivation()["least_loss_fresh"](setting.manifold.variances, setting.t[:, None])
    return np.asarray(left @ setting.manifold.dimensions)


@observable("training", kind="limit", symbol="P", scaling=0, network=True)
def memorized_fraction(setting: Setting) -> Array:
    """The share of fresh points whose nearest sample is less than 1/3 as far as the second, 3^-M in M directions, N large.

    It is not 0: what a network generates counts as memorized beyond that share.
    """
    found = derivation()["share_by_chance"](1 / 3, setting.manifold.intrinsic_dimension)
    return np.full(_steps(setting), found)


def _steps(setting: Setting) -> int:
    assert setting.network is not None
    return len(setting.network.times)


def _everywhere(setting: Setting, value: float) -> Array:
    return np.full((setting.t.size, _steps(setting), len(PARTS["place"])), value)


def _of_samples(setting: Setting, query: str) -> Setting:
    """The setting of the empirical score itself."""
    return setting.at(network=None, query=query)


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "distance_to_empirical": "schedule(0); same_for(samples); same_for(time); normal_directions; equation(f, 1)",
    "distance_to_true": "schedule(0); same_for(samples); same_for(time); normal_directions; equation(f, 0)",
    "jacobian": (
        "schedule(0); same_for(samples); normal_directions; at_least(0); at_most(1); monotone(time, down); "
        "monotone(variance, up); equation(f*(lam + t), lam)"
    ),
    "dimension": (
        "schedule(0); same_for(samples); normal_directions; at_least(0); at_most(d); monotone(time, down); "
        "equation(f, sum(m*if_positive(lam - t, 1, 0)))"
    ),
    "jacobian_empirical": (
        "schedule(0); normal_directions; at_least(0); monotone(samples, up); equation(f*t, frozen_jacobian.retained_variance)"
    ),
    "least_loss": (
        "schedule(0); normal_directions; at_least(0); at_most(sum(m*lam*t/(lam + t))); monotone(time, up); "
        "limit(time, inf, (N-1)/N*sum(m*lam))"
    ),
    "least_loss_fresh": (
        "schedule(0); same_for(samples); normal_directions; monotone(time, up); at_most(sum(m*lam)); at_most(d*t); "
        "equation(f, sum(m*lam*t/(lam + t)))"
    ),
    "memorized_fraction": "schedule(0); same_for(samples); same_for(time); normal_directions; equation(f*3**d, 1)",
}
