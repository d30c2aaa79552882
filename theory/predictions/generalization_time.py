r"""Generalization time: at which noise are the noised samples closest to the distribution itself?

On the manifold p^_t is a kernel density estimate, with a Gaussian kernel of variance t. Its divergence from the clean
distribution is least at t_g, where the weights leave an energy of half a unit to each of the d directions,

    KL(p_0 || p^_t) = E log p_0(x) - E log p^_t(x),      t d/dt E log p^_t = E <|x - x^mu|^2 / 2t> - d/2 = 0,

both averages over fresh samples x ~ p_0 and over data sets. For log N = O(D) large and t below the condensation time t_c of a
clean x one sample has the weight, so that t_g is the squared distance of the nearest sample for each direction,

    t_g = 1/d sum lambda t_c (lambda + 2 t_c) / (lambda + t_c)^2 < t_c < t_C < t_o:

the best estimate is a memorized one. t_C is the collapse time and t_o the onset, where the weight at a sample is its own.
At any N and D the averages are integrals, which `theory.disorder` evaluates: `kl_clean` and `generalization_time` are exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.disorder import averages, log1p_less
from theory.extensive import extensive, rising_root, time_where
from theory.observable import observable
from theory.predictions import condensation
from theory.setting import Setting

__all__ = [
    "LAWS",
    "derivation",
    "generalization_time",
    "generalization_time_asymptotic",
    "kl_clean",
    "kl_clean_asymptotic",
    "onset_time",
]

STATEMENT = (
    "the noised samples are closest to the clean distribution at a time below collapse, where they are memorized"
)
SOURCE = "arXiv:2502.09578 (t_g < t_c < t_o, random energy model); energy condition, its limit and exact averages derived here"
REGIME = "kl_clean, generalization_time: exact at every N and D, Gaussian data; the others: log N = O(D)"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.generalization_time")
TOLERANCE = 1e-5  # of t_g
STEEPNESS = 0.1  # of log energy in log t at t_g, where few samples make it flat: 0.24 in two directions, N = 40


@observable("time", kind="exact", symbol=r"KL(p_0 \| \hat p_t)", scaling=0, slow=True, accuracy=1e-6)
def kl_clean(setting: Setting) -> Array:
    """E KL(p_0 || p^_t) on the manifold, nats, exact at finite N and D."""
    clean = setting.at(query="fresh", point=None)
    divergence = averages(clean, "divergence", clean=True)["divergence"]
    return _bias(setting) + divergence


@observable("time", kind="limit", symbol=r"KL(p_0 \| \hat p_t)", of="kl_clean", scaling=0)
def kl_clean_asymptotic(setting: Setting) -> Array:
    """Its limit, log N = O(D) large: the bias KL(p_0 || p_t) above t_c of clean points, one sample has the weight below."""
    critical = _critical(setting)
    condensed = derivation()["kl_condensed"](setting.manifold.variances, setting.t[:, None], critical)
    return np.where(setting.t < critical, condensed @ setting.manifold.dimensions, _bias(setting))


def _bias(setting: Setting) -> Array:
    """KL(p_0 || p_t), the derivation's `bias` without its cancellation at small and at large t, shape (T,)."""
    u = setting.t[:, None] / setting.manifold.variances
    share = u / (1 + u)
    of_one = np.where(u < 1, -log1p_less(-np.minimum(share, 0.5)), np.log1p(u) - share) / 2
    return np.asarray(of_one @ setting.manifold.dimensions)


@observable(kind="exact", symbol="t_g", scaling=2, slow=True, accuracy=TOLERANCE)
def generalization_time(setting: Setting) -> float:
    """The time t_g where E KL(p_0 || p^_t) is least, exact at finite N and D, to 1e-5 of itself; a few seconds."""
    clean = setting.at(query="fresh", point=None, schedule="ve")

    def missing(log_t: float) -> float:
        """How far the energy is below half a unit a direction, in e-folds."""
        energy = averages(clean.at(times=np.exp([log_t])), "energy", clean=True, accuracy=STEEPNESS * TOLERANCE)[
            "energy"
        ][0]
        return float(np.log(setting.manifold.intrinsic_dimension / 2 / energy))

    found, _ = rising_root(missing, np.log(_nearest(setting)), TOLERANCE)
    return float(setting.schedule.time(np.exp(found)))


@observable(kind="limit", symbol="t_g", of="generalization_time", scaling=2)
def generalization_time_asymptotic(setting: Setting) -> float:
    """Its limit, log N = O(D) large: the squared distance of the nearest sample for each direction."""
    return float(setting.schedule.time(np.array(_nearest(setting))))


def _nearest(setting: Setting) -> float:
    """E r^2/d at a clean point, in the limit."""
    manifold = setting.manifold
    squares = derivation()["nearest_squared"](manifold.variances, _critical(setting))
    return float(squares @ manifold.dimensions / manifold.intrinsic_dimension)


def _critical(setting: Setting) -> float:
    """t_c of a clean point."""
    clean = setting.manifold.variances * setting.manifold.dimensions
    return float(condensation.critical_noise_at(setting.manifold, setting.samples, clean[None])[0])


@observable(kind="limit", symbol="t_o", scaling=2)
def onset_time(setting: Setting) -> float:
    """The time t_o below which the weight at a sample is its own, log N = O(D) large: traps appear, far above collapse."""
    found = time_where(lambda t: extensive(derivation()["onset"], setting.manifold, t), setting.log_samples)
    return float(setting.schedule.time(found))


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "kl_clean": (
        "schedule(0); normal_directions; at_least(0); monotone(samples, down); "
        "limit(time, inf, sum(m*(log1p(t/lam) - t/(lam+t)))/2); "
        "limit(time, 0, supervision_region.nearest_distance_squared/(2*t))"
    ),
    "kl_clean_asymptotic": (
        "schedule(0); normal_directions; at_least(0); monotone(samples, down); "
        "limit(time, inf, sum(m*(log1p(t/lam) - t/(lam+t)))/2); "
        "equation(f, if_positive(sum(m*(log1p(lam/t)/2 - lam*t/(2*(lam+t)**2))) - logN, logN + d*(log(t) + "
        "generalization_time.generalization_time_asymptotic/t)/2 - sum(m*(log(lam) + 1))/2, sum(m*(log1p(t/lam) - "
        "t/(lam+t)))/2))"
    ),
    "generalization_time": (
        "schedule(time); normal_directions; same_for(time); monotone(samples, down); "
        "least_at(time, generalization_time.kl_clean)"
    ),
    "generalization_time_asymptotic": (
        "finite; schedule(time); normal_directions; same_for(time); monotone(samples, down); "
        "at_most(collapse.collapse_time); least_at(time, generalization_time.kl_clean_asymptotic)"
    ),
    "onset_time": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "at_least(collapse.collapse_time); equation(sum(m*(lam/(lam+f) + log1p(lam/f)))/2, logN)"
    ),
}
