r"""Collapse: the time below which a noised training sample still finds its own way home.

A training set is a random code and the noise a channel: the denoiser *memorizes* x^1 when x^1 is the sample nearest to
x = x^1 + sqrt(t) xi, that is, when decoding succeeds. The information density of one direction,

    i = log p(x | x_0) / p_t(x),        E i = 1/2 log(1 + lambda/t),        Var i = lambda/(lambda + t),

adds up over directions, and decoding fails once the N - 1 impostors outweigh it: log N = I(t_C).
At finite N and D the fraction of memorized samples is an exact integral, `memorized_probability`; so is the weight that the
denoiser gives to the sample of its own, a softmax in place of the nearest, `own_weight`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.averages.nearest_sample import own_is_nearest
from theory.derived import derived
from theory.disorder import averages
from theory.extensive import extensive, time_where
from theory.observable import observable
from theory.setting import Setting

__all__ = [
    "LAWS",
    "collapse_time",
    "derivation",
    "dispersion",
    "information",
    "memorized_probability",
    "memorized_probability_asymptotic",
    "own_weight",
]

STATEMENT = "the threshold of memorization is the time where the information about the sample falls to log N"
SOURCE = "arXiv:2402.18491, arXiv:2502.09578; dispersion and finite-size probability derived here"
REGIME = "time: log N = O(D); memorized_probability, own_weight: exact at every N and D, Gaussian data"

Array = NDArray[np.float64]
derivation = derived("theory.derivations.collapse")


@observable("time", kind="exact", symbol="I", scaling=0)
def information(setting: Setting) -> Array:
    """I(t) = 1/2 sum log(1 + lambda/t), nats: what the noised sample still says about its origin."""
    return extensive(derivation()["information"], setting.manifold, setting.t)


@observable("time", kind="exact", symbol="V", scaling=0)
def dispersion(setting: Setting) -> Array:
    """V(t) = sum lambda/(lambda + t), nats squared: the variance of the information density."""
    return extensive(derivation()["dispersion"], setting.manifold, setting.t)


@observable(kind="limit", symbol="t_C", scaling=2)
def collapse_time(setting: Setting) -> float:
    """The time of the setting's schedule where I(t_C) = log N (arXiv:2402.18491, for any spectrum)."""
    formula = derivation()["information"]
    found = time_where(lambda t: extensive(formula, setting.manifold, t), setting.log_samples)
    return float(setting.schedule.time(found))


@observable("time", kind="exact", symbol="P", scaling=0, slow=True, accuracy=1e-6)
def memorized_probability(setting: Setting) -> Array:
    """P(the training sample nearest to x^1 + sqrt(t) xi is x^1), exact at finite N and D.

    See `theory.averages.nearest_sample` for the integral, its evaluation and its error.
    """
    return own_is_nearest(setting.manifold, setting.t, setting.samples)


@observable("time", kind="limit", symbol="P", of="memorized_probability", scaling=0)
def memorized_probability_asymptotic(setting: Setting) -> Array:
    """Phi((I - log N) / sqrt V): the exact probability's second-order approximation."""
    return derivation()["memorized_probability_asymptotic"](information(setting), dispersion(setting), setting.samples)


@observable("time", kind="exact", symbol=r"E\,w_1", scaling=0, slow=True, accuracy=1e-6)
def own_weight(setting: Setting) -> Array:
    """E of the weight of x^1 at x = x^1 + sqrt(t) xi, exact at finite N and D, over x or at the setting's point.

    The sample x came from is one of N by their weights: this is E Y2 of `condensation` on trajectories.
    """
    return averages(setting.at(query="trajectory"), "own_weight")["own_weight"]


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "information": (
        "finite; schedule(0); normal_directions; vanishing_direction; additive; data_processing; convex(time); "
        "same_for(samples); monotone(variance, up); at_least(0); slope(time, -sum(m*lam/(lam+t))/2); "
        "limit(time, inf, sum(m*lam)/(2*t))"
    ),
    "dispersion": (
        "finite; schedule(0); normal_directions; vanishing_direction; additive; monotone(time, down); "
        "same_for(samples); at_least(0); at_most(d); slope_of(collapse.information, time, -f/2); "
        "limit(time, 0, d); limit(time, inf, sum(m*lam)/t)"
    ),
    "collapse_time": (
        "finite; schedule(time); normal_directions; vanishing_direction; same_for(time); monotone(samples, down); "
        "monotone(variance, up); monotone(dimension, up); crosses(collapse.information, logN); "
        "equation(sum(m*log1p(lam/f))/2, logN)"
    ),
    "memorized_probability": (
        "schedule(0); normal_directions; at_least(1/N); at_most(1); monotone(time, down); "
        "monotone(samples, down); limit(time, 0, 1); limit(time, inf, 1/N); "
        "on_a_line(1/2 + arctan(sqrt(lam/(2*t)))/pi, 2)"
    ),
    "memorized_probability_asymptotic": (
        "finite; schedule(0); normal_directions; at_least(0); at_most(1); monotone(samples, down); "
        "at_time(collapse.collapse_time, 1/2); "
        "equation(f, Phi((collapse.information - logN)/sqrt(collapse.dispersion)))"
    ),
    "own_weight": (
        "schedule(0); normal_directions; at_least(1/N); at_most(1); monotone(time, down); "
        "monotone(samples, down); limit(time, 0, 1); limit(time, inf, 1/N); "
        "expansion(time, inf, 1/N, (N-1)/N**2*sum(m*lam)/t); at(query, trajectory, condensation.participation)"
    ),
}
