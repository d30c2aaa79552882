r"""Training times: when does gradient descent learn the score of the distribution, and when that of the samples?

A network of p random features, s_A(x) = A phi(W x/sqrt D)/sqrt p, sees x = alpha x_0 + sigma xi, alpha and sigma those of the
schedule at one time. Of its loss L = E|sigma s_A + xi|^2/D the gradient flow dA/dtau = -D^2 grad L from A = 0 is closed given
U = E phi phi^T and V = E phi xi^T over the training set: a mode of U of eigenvalue u = psi_p mu, psi_p = p/D, is learned at
the rate 2 sigma^2 mu,

    h(mu) = (1 - e^{-2 sigma^2 mu tau})/mu,     L_train = 1 - b^2 <2 h - mu h^2>,     L_test = 1 - 2 b^2 <h> + b^2 <h T h>,

averages over the spectrum of U as V sees it. T is U/psi_p of the whole distribution between the two: it takes two resolvents
of one random matrix. A ridge is added to u in h alone. Of infinitely many features M = U/psi_p has 2 x 2 blocks, one for each
principal component g of the data, of trace c g + b^2 + v^2/psi_n and determinant b^2 v^2/psi_n, psi_n = N/D: a fast mode and a
slow one, that is learned after

    tau_mem = (psi_n (c lambda + b^2) + v^2) / (2 sigma^2 b^2 v^2).

What is published is psi_n/(sigma^2 v^2), the clock of modes that have no overlap with V: nothing is learned along them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.averages import two_resolvents
from theory.averages.feature_saddle import FeatureSaddle
from theory.averages.two_resolvents import Loop
from theory.derived import derived
from theory.network import Network
from theory.observable import observable
from theory.predictions.random_features import feature_parts
from theory.setting import Setting

__all__ = [
    "LAWS",
    "Constants",
    "Flow",
    "constants",
    "derivation",
    "learning_clock",
    "linear_range",
    "retained_coefficient",
    "step_excess",
    "tau_gen",
    "tau_gen_published",
    "tau_half",
    "tau_mem",
    "tau_mem_published",
    "test_loss",
    "test_loss_final",
    "test_loss_kernel",
    "train_loss",
    "train_loss_final",
    "train_loss_kernel",
]

STATEMENT = (
    "training loses low variance first, on a clock that grows with N and is 1/2 sigma^2 times as slow as published"
)
SOURCE = (
    "arXiv:2505.17638 (random features, two clocks); losses at every training time, for any variances, and the kernel limit "
    "with its clocks derived here"
)
REGIME = (
    "D, N and features large at fixed ratios: off by order 1/D; the kernel limit: features without end at fixed N/D"
)

ACCURACY = 1e-9  # of the loops, beside losses of order one
SEARCHED = 400  # training times, equally spaced in their logarithm
LEFT = 1e-9  # of what is learned: where less is left, its clock is lost in rounding

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
derivation = derived("theory.derivations.training_times")


class Flow(NamedTuple):
    """Gradient flow at one time of the schedule.

    Attributes:
        loop: around the spectrum.
        rates: mu at its points, of one mode or two, shape (J, n).
        shares: of these modes, shape (J, n).
        p: shares of the directions, in the end that of the normal ones, shape (K + 1,).
        b2: b^2.
        ridge: over psi_p.
        sigma2: sigma^2.
    """

    loop: Loop
    rates: Complex
    shares: Complex
    p: Array
    b2: float
    ridge: float
    sigma2: float

    def learned(self, tau: Array) -> Complex:
        """h at the rates, shape (S, J, n)."""
        return np.asarray(derivation()["learned"].compiled(self.rates + self.ridge, self.sigma2, tau[:, None, None]))

    def left(self, tau: Array) -> Complex:
        """e^(-2 sigma^2 mu tau) at the rates, shape (S, J, n): the derivative of h over 2 sigma^2."""
        return np.asarray(np.exp(-2 * self.sigma2 * tau[:, None, None] * (self.rates + self.ridge)))

    def along(self, f: Complex) -> Array:
        """The averages of f, given at the rates, that V sees along a direction of each variance, (S, J, n) to (S, K + 1)."""
        return self.loop.single(self._of(f))

    def train(self, h: Complex) -> Array:
        """The training loss, shape (S,)."""
        return 1 - self.b2 * self.along(2 * h - self.rates * h**2) @ self.p

    def test(self, h: Complex) -> Array:
        """The test loss, shape (S,)."""
        once = self._of(h)
        return np.asarray(1 - self.b2 * (2 * self.loop.single(once) @ self.p - self.loop.double(once, once)))

    def slope(self, tau: float) -> float:
        """A positive multiple of the derivative of the test loss by the training time."""
        once, faster = (self._of(f(np.array([tau]))) for f in (self.learned, self.left))
        return float((self.loop.double(once, faster) - self.loop.single(faster) @ self.p)[0])

    def gap(self, h: Complex) -> Array:
        """By how much the test loss exceeds the training loss, shape (S,)."""
        return self.test(h) - self.train(h)

    @property
    def end(self) -> Complex:
        """h after infinite training, shape (1, J, n)."""
        return np.asarray(1 / (self.rates + self.ridge))[None]

    def search(self) -> Array:
        """Training times from before the fastest mode to after the slowest."""
        rates = 2 * self.sigma2 * (np.abs(self.rates) + self.ridge)
        return np.geomspace(0.01 / rates.max(), 100 / rates.min(), SEARCHED)

    def _of(self, f: Complex) -> Complex:
        return np.asarray((self.shares * f).sum(axis=-2))


@observable("time", "training", kind="limit", symbol=r"L_{\rm train}", accuracy=ACCURACY, network=True)
def train_loss(setting: Setting) -> Array:
    """Loss E|sigma s + xi|^2/D on the training set, noise drawn anew, of gradient flow after each training time.

    It begins at 1. Of infinitely many features the kernel limit.
    """
    return np.array([flow.train(flow.learned(_tau(setting))) for flow in _flows(setting)])


@observable("time", "training", kind="limit", symbol=r"L_{\rm test}", accuracy=ACCURACY, network=True)
def test_loss(setting: Setting) -> Array:
    """The same loss on the whole distribution."""
    return np.array([flow.test(flow.learned(_tau(setting))) for flow in _flows(setting)])


@observable(
    "time", "training", kind="model", symbol=r"L^\infty_{\rm train}", of="train_loss", accuracy=ACCURACY, network=True
)
def train_loss_kernel(setting: Setting) -> Array:
    """The training loss of infinitely many features, on which no ridge weighs."""
    return train_loss(setting.trained(features=math.inf))


@observable(
    "time", "training", kind="model", symbol=r"L^\infty_{\rm test}", of="test_loss", accuracy=ACCURACY, network=True
)
def test_loss_kernel(setting: Setting) -> Array:
    """The test loss of infinitely many features."""
    return test_loss(setting.trained(features=math.inf))


@observable("time", kind="limit", symbol=r"L_{\rm train}(\infty)", accuracy=ACCURACY, network=True)
def train_loss_final(setting: Setting) -> Array:
    """The training loss after infinite training; 0 of infinitely many features."""
    return np.array([flow.train(flow.end)[0] for flow in _flows(setting)])


@observable("time", kind="limit", symbol=r"L_{\rm test}(\infty)", accuracy=ACCURACY, network=True)
def test_loss_final(setting: Setting) -> Array:
    """The test loss after infinite training; of infinitely many features alpha^2 tr Sigma/(D sigma^2), that of -x/sigma^2."""
    return np.array([flow.test(flow.end)[0] for flow in _flows(setting)])


@observable("time", "training", "subspace", kind="limit", symbol="r_k", accuracy=ACCURACY, network=True)
def retained_coefficient(setting: Setting) -> Array:
    """What is retained of x along each subspace by the denoiser x + sigma^2 s(x), in its linear part: 1 + sigma^2 J_k.

    It begins at 1, where there is no score, is near alpha^2 lambda/(alpha^2 lambda + sigma^2) for that of the distribution, and
    falls to 0 as the samples are learned by infinitely many features.
    """
    K = len(setting.manifold.subspaces)
    return np.array([1 - flow.b2 * flow.along(flow.learned(_tau(setting)))[:, :K] for flow in _flows(setting)])


@observable("time", "training", "subspace", kind="limit", symbol=r"\tau_k", accuracy=ACCURACY, network=True)
def learning_clock(setting: Setting) -> Array:
    """In how much more training what changes along each subspace changes by a factor of e less: 1/2 sigma^2 over the mean mu.

    The mean is over what V sees of modes after each training time. First it is 1/2 sigma^2 (c lambda + b^2), and once the fast
    modes are learned about tau_mem. NaN where there is nothing left to learn.
    """
    K = len(setting.manifold.subspaces)
    return np.array([_clock(flow, _tau(setting))[:, :K] for flow in _flows(setting)])


def step_excess(setting: Setting, step: float) -> tuple[Array, Array]:
    """What the mean of gradient descent by steps of that training time adds to training and test loss, each of shape (T, S).

    The training times are multiples of the step; noise is drawn anew at each. Steps below 1/2 sigma^2 mu of the fastest mode.
    """
    tau = _tau(setting)
    steps = np.rint(tau / step)[:, None, None]
    found = []
    for flow in _flows(setting):
        h = derivation()["learned_by_steps"].compiled(flow.rates + flow.ridge, flow.sigma2, step, steps)
        smooth = flow.learned(tau)
        found.append((flow.train(h) - flow.train(smooth), flow.test(h) - flow.test(smooth)))
    train, test = zip(*found, strict=True)
    return np.array(train), np.array(test)


@observable("time", kind="limit", symbol=r"\tau_{\rm gen}", accuracy=ACCURACY, network=True)
def tau_gen(setting: Setting) -> Array:
    """The training time at which the test loss is least; infinite where it rises by less than 1e-9 after it."""
    return np.array([_least(flow) for flow in _flows(setting)])


@observable("time", kind="limit", symbol=r"\tau_{1/2}", accuracy=ACCURACY, network=True)
def tau_half(setting: Setting) -> Array:
    """The training time at which the test loss exceeds the training loss by half as much as in the end."""
    return np.array([_half(flow) for flow in _flows(setting)])


@observable("time", "subspace", kind="limit", symbol=r"\tau_{\rm mem}", network=True)
def tau_mem(setting: Setting) -> Array:
    """When infinitely many features lose a direction of each variance: one over the rate of the slow mode, but for mu_2/mu_1.

    Linear in the number of samples, from N = D v^2/(c lambda + b^2) on.
    """
    lam, psi_n, found = setting.manifold.variances, _psi_n(setting), derivation()["memorization_time"]
    return np.array([found(lam, k.c, k.b2, k.v2, psi_n, k.sigma2) for k in constants(setting)])


@observable("time", kind="leading", symbol="n^*", network=True)
def linear_range(setting: Setting) -> Array:
    """The number of samples from which on the clock of memorization grows no more: the rest s^2 drives the slow mode as much.

    Of a direction of the mean variance, and many samples per dimension; infinite of infinitely many features.
    """
    lam, found = _mean_variance(setting), derivation()["linear_range"]
    return np.array([_network(setting).features * found(lam, k.c, k.b2, k.v2, k.s2) for k in constants(setting)])


@observable("time", "subspace", kind="published", symbol=r"\tau_{\rm mem}'", of="tau_mem", network=True)
def tau_mem_published(setting: Setting) -> Array:
    """As arXiv:2505.17638 has it, by the lower edge of U: psi_n/(sigma^2 v^2) of many features, in all directions."""
    psi_n, found = _psi_n(setting), derivation()["published_memorization_time"]
    every = np.ones(setting.manifold.variances.size)
    return np.array([found(psi_n, k.v2, k.sigma2) * every for k in constants(setting)])


@observable("time", kind="published", symbol=r"\tau_{\rm gen}'", of="tau_gen", network=True)
def tau_gen_published(setting: Setting) -> Array:
    """As arXiv:2505.17638 has it, 1/sigma^2 at any number of samples."""
    return np.array([derivation()["published_generalization_time"](k.sigma2) for k in constants(setting)])


class Constants(NamedTuple):
    """Of the features at one time of the schedule.

    Attributes:
        c: of a direction of variance lambda in the data U has c lambda.
        b2: of the noise, b^2.
        v2: of what is each sample's own, v^2.
        s2: of the rest, s^2.
        sigma2: sigma^2.
    """

    c: float
    b2: float
    v2: float
    s2: float
    sigma2: float


@lru_cache(maxsize=64)
def constants(setting: Setting) -> list[Constants]:
    """At each time."""
    signal = setting.alpha**2
    at_each = zip(signal.tolist(), (signal * setting.t).tolist(), feature_parts(setting), strict=True)
    return [Constants(s * of.slope**2, noise * of.slope**2, of.sample, of.rest, noise) for s, noise, of in at_each]


def _flows(setting: Setting) -> list[Flow]:
    """At each time; they are the same at all training times."""
    return _found(setting.trained(times=(1.0,)))


@lru_cache(maxsize=16)
def _found(setting: Setting) -> list[Flow]:
    infinite = math.isinf(_network(setting).features)
    return [(_of_kernel if infinite else _of_features)(setting, k) for k in constants(setting)]


def _of_features(setting: Setting, k: Constants) -> Flow:
    lam, p = _directions(setting)
    network, psi_n = _network(setting), _psi_n(setting)
    psi_p = network.features / setting.manifold.ambient_dimension
    loop = two_resolvents.of_features(FeatureSaddle(k.c, k.b2, k.v2, k.s2, lam, p, psi_p, psi_n))
    rates = loop.points[None] / psi_p
    return Flow(loop, rates, np.ones_like(rates), p, k.b2, network.ridge / psi_p, k.sigma2)


def _of_kernel(setting: Setting, k: Constants) -> Flow:
    """The blocks of all principal components g, in which nothing is singular where the trace has a positive real part."""
    lam, p = _directions(setting)
    psi_n = _psi_n(setting)
    loop = two_resolvents.of_samples(lam, p, psi_n, (k.c, k.b2), (k.b2 + k.v2 / psi_n) / k.c)
    fast = derivation()["fast_rate"].compiled(loop.points, k.c, k.b2, k.v2, psi_n)
    slow = derivation()["product"](k.b2, k.v2, psi_n) / fast
    share = derivation()["share"].compiled(fast, fast - slow, k.v2, psi_n)
    return Flow(loop, np.array([fast, slow]), np.array([share, 1 - share]), p, k.b2, 0.0, k.sigma2)


def _clock(flow: Flow, tau: Array) -> Array:
    left = flow.left(tau)
    now, drive = flow.along(left), 2 * flow.sigma2 * flow.along((flow.rates + flow.ridge) * left)
    with np.errstate(all="ignore"):
        return np.where(now > LEFT, now / drive, np.nan)


def _least(flow: Flow) -> float:
    tau = flow.search()
    curve = flow.test(flow.learned(tau))
    at = int(np.argmin(curve))
    if curve[-1] - curve[at] <= ACCURACY:
        return math.inf
    return _zero(lambda x: flow.slope(math.exp(x)), tau[max(at - 1, 0)], tau[at + 1])


def _half(flow: Flow) -> float:
    tau, half = flow.search(), float(flow.gap(flow.end)[0]) / 2

    def over(x: Array | float) -> Array:
        return flow.gap(flow.learned(np.exp(np.atleast_1d(x)))) - half

    at = int(np.argmax(over(np.log(tau)) > 0))
    return _zero(lambda x: float(over(x)[0]), tau[at - 1], tau[at])


def _zero(f: Callable[[float], float], first: float, last: float) -> float:
    """The training time between two where a function of its logarithm is 0."""
    from scipy.optimize import brentq

    return math.exp(brentq(f, math.log(first), math.log(last)))


def _network(setting: Setting) -> Network:
    assert setting.network is not None  # which the declaration sees to
    return setting.network


def _tau(setting: Setting) -> Array:
    return _network(setting).tau


def _psi_n(setting: Setting) -> float:
    return setting.samples / setting.manifold.ambient_dimension


def _mean_variance(setting: Setting) -> float:
    """tr Sigma/D."""
    manifold = setting.manifold
    return float(manifold.variances @ manifold.dimensions / manifold.ambient_dimension)


def _directions(setting: Setting) -> tuple[Array, Array]:
    """The variances, in the end that of normal directions, 0, and the shares of the directions."""
    manifold = setting.manifold
    m = np.append(manifold.dimensions, manifold.ambient_dimension - manifold.intrinsic_dimension)
    return np.append(manifold.variances, 0.0), m / manifold.ambient_dimension


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "train_loss": (
        "intensive; at_least(0); at_most(1); monotone(training, down); limit(training, 0, 1); "
        "limit(training, inf, training_times.train_loss_final); "
        "expansion(training, 0, 1 - 4*alpha**2*t*random_features.noise_part*training, "
        "4*alpha**4*t**2*random_features.noise_part*D/p*training**2*(2*random_features.feature_variance "
        "+ 2*p/D*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D + random_features.noise_part) + ridge))"
    ),
    "test_loss": (
        "intensive; at_least(training_times.train_loss); limit(training, 0, 1); "
        "limit(training, inf, training_times.test_loss_final); "
        "expansion(training, 0, 1 - 4*alpha**2*t*random_features.noise_part*training, "
        "4*alpha**4*t**2*random_features.noise_part*D/p*training**2*(2*random_features.feature_variance "
        "+ 2*p/D*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D + random_features.noise_part) + ridge))"
    ),
    "train_loss_kernel": (
        "intensive; same_for(features); same_for(ridge); at_least(0); at_most(1); monotone(training, down); convex(training); "
        "limit(training, 0, 1); limit(training, inf, 0); limit(features, inf, training_times.train_loss); "
        "expansion(training, 0, 1 - 4*alpha**2*t*random_features.noise_part*training, "
        "8*alpha**4*t**2*random_features.noise_part*training**2*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D "
        "+ random_features.noise_part))"
    ),
    "test_loss_kernel": (
        "intensive; same_for(features); same_for(ridge); at_least(training_times.train_loss_kernel); limit(training, 0, 1); "
        "limit(training, inf, sum(m*lam)/(D*t)); limit(features, inf, training_times.test_loss); "
        "expansion(training, 0, 1 - 4*alpha**2*t*random_features.noise_part*training, "
        "8*alpha**4*t**2*random_features.noise_part*training**2*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D "
        "+ random_features.noise_part))"
    ),
    "train_loss_final": (
        "intensive; same_for(training); at_least(0); at_most(1); monotone(ridge, up); limit(ridge, inf, 1); "
        "expansion(ridge, inf, 1 - 2*random_features.noise_part*p/(D*ridge), "
        "3*random_features.noise_part*p/D*(random_features.feature_variance "
        "+ p/D*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D + random_features.noise_part))/ridge**2)"
    ),
    "test_loss_final": (
        "intensive; same_for(training); at_least(training_times.train_loss_final); limit(ridge, inf, 1); "
        "expansion(ridge, inf, 1 - 2*random_features.noise_part*p/(D*ridge), "
        "3*random_features.noise_part*p/D*(random_features.feature_variance "
        "+ p/D*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D + random_features.noise_part))/ridge**2)"
    ),
    "retained_coefficient": (
        "intensive; at_least(0); at_most(1); ordered; monotone(training, down); limit(training, 0, 1); "
        "expansion(training, 0, 1 - 2*alpha**2*t*random_features.noise_part*training, "
        "2*alpha**4*t**2*random_features.noise_part*training**2*(alpha**2*random_features.linear_slope**2*lam "
        "+ random_features.noise_part + D/p*(random_features.feature_variance + ridge)))"
    ),
    "learning_clock": (
        "intensive; monotone(training, up); limit(training, 0, 1/(2*alpha**2*t*(alpha**2*random_features.linear_slope**2*lam"
        " + random_features.noise_part + D/p*(random_features.feature_variance + ridge))))"
    ),
    "tau_gen": (
        "intensive; same_for(training); at_least(0); least_at(training, training_times.test_loss); "
        "equation(if_positive(1/f, 0, larger(training_times.test_loss_final - training_times.test_loss, 0)), 0)"
    ),
    "tau_half": (
        "intensive; same_for(training); at_least(0); crosses(training_times.test_loss, "
        "training_times.train_loss + (training_times.test_loss_final - training_times.train_loss_final)/2, training)"
    ),
    "tau_mem": (
        "same_for(features); same_for(training); same_for(ridge); monotone(samples, up); ordered; "
        "limit(samples, inf, training_times.tau_mem_published*(lam + t)/(2*t)); "
        "equation(f, training_times.tau_mem_published*(lam + t)/(2*t) + 1/(2*alpha**2*t*random_features.noise_part))"
    ),
    "linear_range": (
        "same_for(samples); same_for(training); same_for(ridge); "
        "equation(f*random_features.rest_part*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D"
        " + random_features.noise_part), "
        "p*random_features.noise_part*random_features.sample_part)"
    ),
    "tau_mem_published": (
        "same_for(features); same_for(training); same_for(ridge); power(samples, 1); "
        "equation(alpha**2*t*f*random_features.sample_part, N/D)"
    ),
    "tau_gen_published": (
        "same_for(samples); same_for(features); same_for(training); same_for(ridge); same_for(variance); "
        "equation(alpha**2*t*f, 1)"
    ),
}
