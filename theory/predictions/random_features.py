r"""Random features: the spectrum of their covariance, which is what a network of them learns by, and how fast.

A network s(x) = A f(W x_tau/sqrt D)/sqrt p with fixed Gaussian W, p x D, sees the noised samples x_tau = alpha x + sigma xi.
Its training is a flow in the eigenvectors of U = E_xi f f^T, averaged over the N samples too. In the limit of large p, N and D
the features are those of a linear model: with g = alpha^2 tr Sigma/D of the sample and h = sigma^2 of the noise in the
argument of f,

    f = mean + a (what is linear in sample and noise) + v (the sample's own rest) + s (the noise's own rest),

U has the spectrum of theory.averages.feature_saddle, of b^2 = sigma^2 a^2, c = alpha^2 a^2, v^2 and s^2. For p > N + D it is
s^2 for p - N - D eigenvalues, and there are **three bulks** above: *slow*, of D eigenvalues, in which linear features of the
noise and the samples' own parts compensate; *sample*, of N - D, of the samples' own parts; *population*, of D, of what is
linear. With d < D directions that data have, and D - d normal ones, slow and population have d eigenvalues each, and those of
the normals are in the middle.

What is published knows two bulks, N of the samples' own parts and D of the population, each as if it were alone: the leading
order in 1/psi_n, where psi_p/psi_n and psi_n = N/D are both large. The slow modes, the last to be learnt, are not in it.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.averages.activation import Components, components, variance
from theory.averages.feature_saddle import FeatureSaddle
from theory.derived import derived
from theory.network import ACTIVATIONS, Network
from theory.observable import observable
from theory.predictions import spectral_gap
from theory.setting import LinearManifold, Setting, Subspace

__all__ = [
    "LAWS",
    "bulk_weight",
    "bulk_weight_published",
    "delta_weight",
    "density",
    "derivation",
    "edge_highest",
    "edge_highest_published",
    "edge_lowest",
    "edge_lowest_published",
    "edge_shifts",
    "feature_parts",
    "feature_variance",
    "linear_slope",
    "noise_part",
    "resolvent",
    "rest_part",
    "saddles",
    "sample_part",
    "share_below",
]

STATEMENT = (
    "the covariance of random features has three bulks, not two: the slowest are D modes that no published edge knows"
)
SOURCE = (
    "arXiv:2505.17638 (saddle, two bulks, their edges); the saddle in two unknowns, a slow bulk, exact weights and edges of any "
    "spectrum of the data derived here"
)
REGIME = (
    "features, samples and dimensions large at fixed ratios; averages are off by 1/D, extreme eigenvalues by D^(-2/3)"
)

NEAR = 1e-6  # relative, to an edge, where the density is still a square root of the distance

Array = NDArray[np.float64]
derivation = derived("theory.derivations.random_features")


@observable("time", kind="limit", symbol="a", network=True)
def linear_slope(setting: Setting) -> Array:
    """The mean slope of the activation over its arguments, E f', by which features follow noise and sample alike."""
    return np.array([parts.slope for parts in feature_parts(setting)])


@observable("time", kind="limit", symbol="b^2", network=True)
def noise_part(setting: Setting) -> Array:
    """The variance of a feature that is linear in the noise: (E v f)^2, v the noise's own part of the argument."""
    return np.asarray(derivation()["noise_part"](linear_slope(setting), _noise(setting)))


@observable("time", kind="limit", symbol="v^2", network=True)
def sample_part(setting: Setting) -> Array:
    """The variance of a feature over samples, averaged over the noise, less what is linear in the sample."""
    return np.array([parts.sample for parts in feature_parts(setting)])


@observable("time", kind="limit", symbol="s^2", network=True)
def rest_part(setting: Setting) -> Array:
    """The variance of a feature over the noise at a given sample, less what is linear in the noise: the least eigenvalue of U."""
    return np.array([parts.rest for parts in feature_parts(setting)])


@observable("time", kind="limit", symbol=r"\mathrm{Var} f", network=True)
def feature_variance(setting: Setting) -> Array:
    """The variance of a feature over samples and noise, all its parts together."""
    activation = ACTIVATIONS[_network(setting).activation]
    return np.array([variance(activation, g + h) for g, h in zip(_signal(setting), _noise(setting), strict=True)])


@observable("time", kind="limit", symbol="q", network=True)
def resolvent(setting: Setting) -> Array:
    """Tr (U + ridge)^-1/p; NaN for infinitely many features."""
    ridge = _network(setting).ridge
    found = [float(saddle.solve(-ridge).q.real) for saddle in saddles(setting)]
    return np.array(found or [np.nan] * setting.times.size)


@observable("time", "bulk", kind="limit", symbol="u_-", network=True)
def edge_lowest(setting: Setting) -> Array:
    """Where the eigenvalues of the slow, the sample and the population bulk begin; NaN for one that is not apart, and p < D."""
    return _bulks(setting)[..., 0].copy()


@observable("time", "bulk", kind="limit", symbol="u_+", network=True)
def edge_highest(setting: Setting) -> Array:
    """Where they end."""
    return _bulks(setting)[..., 1].copy()


@observable("bulk", kind="limit", symbol="w", scaling=0, network=True)
def bulk_weight(setting: Setting) -> Array:
    """Which share of the p eigenvalues each bulk has, where it is apart and p > N + D; NaN for fewer features."""
    p, samples, ambient, along = _counts(setting)
    if not samples + ambient <= p < math.inf:
        return np.full(3, np.nan)
    few = min(samples, along)
    own, between = derivation()["weight_along"](p, few), derivation()["weight_between"](p, samples, ambient, few)
    return np.array([own, between, own], dtype=np.float64)


@observable(kind="limit", symbol="w_0", scaling=0, network=True)
def delta_weight(setting: Setting) -> float:
    """The share of the eigenvalues that are s^2 itself, where the noise's own rest is all; 0 for p < N + D."""
    p, samples, ambient, _ = _counts(setting)
    return max(0.0, 1 - (samples + ambient) / p)


@observable("time", "bulk", kind="published", symbol="u_-", of="edge_lowest", network=True)
def edge_lowest_published(setting: Setting) -> Array:
    """As published: of the samples' own parts alone, and of the population covariance; NaN for the slow bulk, and for p <= N."""
    return _published(setting)[..., 0]


@observable("time", "bulk", kind="published", symbol="u_+", of="edge_highest", network=True)
def edge_highest_published(setting: Setting) -> Array:
    """Where those end."""
    return _published(setting)[..., 1]


@observable("bulk", kind="published", symbol="w", of="bulk_weight", scaling=0, network=True)
def bulk_weight_published(setting: Setting) -> Array:
    """As published: nothing, N/p and D/p; NaN for p < N + D."""
    p, samples, ambient, _ = _counts(setting)
    if not samples + ambient <= p < math.inf:
        return np.full(3, np.nan)
    return np.array([0.0, samples / p, ambient / p])


def saddles(setting: Setting) -> list[FeatureSaddle]:
    """The saddle at each time; none for infinitely many features."""
    p, samples, ambient, _ = _counts(setting)
    if p == math.inf:
        return []
    lam, weights = _spectrum(setting.manifold)
    constants = zip(setting.alpha**2, _noise(setting), feature_parts(setting), strict=True)
    return [
        FeatureSaddle(
            a.slope**2 * float(signal),
            a.slope**2 * float(noise),
            a.sample,
            a.rest,
            lam,
            weights,
            p / ambient,
            samples / ambient,
        )
        for signal, noise, a in constants
    ]


def edge_shifts(setting: Setting) -> Array:
    """How far the mean extreme eigenvalues of each bulk lie inside its edges, to leading order, shape (T, 3, 2).

    Where the density near an edge is C sqrt(distance)/pi, that is 1.2065, minus the mean of the Tracy-Widom law of real
    matrices, times (p C)^(-2/3).
    """
    edges = _bulks(setting)
    inside = edges * (1 + NEAR * np.array([1.0, -1.0]))
    slope = np.pi * np.array([saddle.density(u) for saddle, u in zip(saddles(setting), inside, strict=True)])
    slope = slope / np.sqrt(np.abs(inside - edges))
    return np.asarray(spectral_gap.FIRST_EIGENVALUE * (_network(setting).features * slope) ** (-2 / 3))


def density(setting: Setting, u: ArrayLike) -> Array:
    """Of the p eigenvalues of U at u, but for those that are s^2, at each time; shape (T, ...) of u (...)."""
    return np.array([saddle.density(u) for saddle in saddles(setting)])


def share_below(setting: Setting, u: ArrayLike) -> Array:
    """The share of the p eigenvalues below u at each time, shape (T, ...)."""
    return np.array([saddle.share_below(u) for saddle in saddles(setting)])


def feature_parts(setting: Setting) -> list[Components]:
    """What there is in a feature, at each time."""
    activation = ACTIVATIONS[_network(setting).activation]
    return [components(activation, float(g), float(h)) for g, h in zip(_signal(setting), _noise(setting), strict=True)]


def _network(setting: Setting) -> Network:
    assert setting.network is not None  # the observables refuse it
    return setting.network


def _counts(setting: Setting) -> tuple[float, float, int, int]:
    """p, N, D and d."""
    manifold = setting.manifold
    return _network(setting).features, float(setting.samples), manifold.ambient_dimension, manifold.intrinsic_dimension


def _noise(setting: Setting) -> Array:
    """sigma^2, the variance of the noise in the argument of a feature, shape (T,)."""
    return np.asarray(setting.alpha**2 * setting.t)


def _signal(setting: Setting) -> Array:
    """alpha^2 tr Sigma/D, that of the sample, shape (T,)."""
    lam, weights = _spectrum(setting.manifold)
    return np.asarray(setting.alpha**2 * (lam @ weights))


def _spectrum(manifold: LinearManifold) -> tuple[Array, Array]:
    """The distinct variances, 0 for normal directions, and the shares of directions that have them."""
    normal = manifold.ambient_dimension - manifold.intrinsic_dimension
    dimensions = np.r_[manifold.dimensions, [normal] * (normal > 0)].astype(float)
    lam, which = np.unique(np.r_[manifold.variances, [0.0] * (normal > 0)], return_inverse=True)
    return lam, np.bincount(which, weights=dimensions) / manifold.ambient_dimension


@lru_cache(maxsize=256)
def _bulks(setting: Setting) -> Array:
    """The edges of the three bulks at each time, shape (T, 3, 2)."""
    p, samples, ambient, along = _counts(setting)
    found, few = np.full((setting.times.size, 3, 2), np.nan), min(samples, along)
    if not ambient <= p < math.inf:
        return found
    ends = np.array([max(0.0, p - samples - ambient), p - samples - ambient + few, p - few, p])
    empty = ~(np.diff(ends) > 0) | (ends[:-1] < ends[0])
    for at, saddle in zip(found, saddles(setting), strict=True):
        below, above = saddle.edges(ends / p)
        at[:] = np.column_stack([above[:-1], below[1:]])
        at[empty | np.isnan(at).any(axis=1)] = np.nan
    return found


def _published(setting: Setting) -> Array:
    """The edges of N eigenvalues of the samples' own parts and of those of the population covariance, shape (T, 3, 2)."""
    p, samples, _, _ = _counts(setting)
    found = np.full((setting.times.size, 3, 2), np.nan)
    rest, sample = rest_part(setting), sample_part(setting)
    if samples < p < math.inf:
        found[:, 1] = np.column_stack(
            [derivation()[name](rest, sample, p, samples) for name in ("own_lowest", "own_highest")]
        )
    for at, one in zip(found, saddles(setting), strict=False):
        at[2] = _population(setting, one)
    return found


def _population(setting: Setting, one: FeatureSaddle) -> Array:
    """The edges of the largest d eigenvalues of c W Sigma W^T/D + b^2 W W^T/D + v^2 + s^2, where they are apart; shape (2,)."""
    p, _, ambient, along = _counts(setting)
    if p < ambient:
        return np.full(2, np.nan)
    features = one.noise + one.linear * one.lam
    parts = tuple(map(Subspace, features.tolist(), np.rint(one.weights * ambient).astype(int).tolist()))
    bulks = spectral_gap.bulks(Setting(LinearManifold(parts, int(p))))
    apart = np.isclose(np.cumsum(bulks.shares[::-1])[::-1], along / ambient)
    if not apart.any():
        return np.full(2, np.nan)
    lowest, highest = bulks.edges[int(apart.argmax()), 0], bulks.edges[-1, 1]
    return one.sample + one.rest + np.array([lowest, highest])


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "linear_slope": "same_for(samples); same_for(features); at_least(0); equation(alpha**2*t*f**2, random_features.noise_part)",
    "noise_part": "same_for(samples); same_for(features); at_least(0); equation(f, alpha**2*t*random_features.linear_slope**2)",
    "sample_part": (
        "same_for(samples); same_for(features); at_least(0); equation(f + random_features.rest_part, "
        "random_features.feature_variance - alpha**2*(sum(m*lam)/D + t)*random_features.linear_slope**2)"
    ),
    "rest_part": (
        "same_for(samples); same_for(features); at_least(0); equation(f + random_features.sample_part, "
        "random_features.feature_variance - alpha**2*(sum(m*lam)/D + t)*random_features.linear_slope**2)"
    ),
    "feature_variance": (
        "same_for(samples); same_for(features); equation(f, random_features.sample_part + random_features.rest_part + "
        "alpha**2*(sum(m*lam)/D + t)*random_features.linear_slope**2)"
    ),
    "resolvent": (
        "intensive; at_least(0); at_most(1/ridge); monotone(ridge, down); limit(ridge, inf, 1/ridge); "
        "expansion(ridge, inf, 1/ridge - random_features.feature_variance/ridge**2, (random_features.feature_variance**2 "
        "+ p/D*(sum(m*(alpha**2*random_features.linear_slope**2*lam + random_features.noise_part)**2) "
        "+ (D - d)*random_features.noise_part**2)/D "
        "+ p/N*(alpha**2*random_features.linear_slope**2*sum(m*lam)/D + random_features.sample_part)**2)/ridge**3)"
    ),
    "edge_lowest": (
        "intensive; same_for(ridge); same_for(training); at_least(random_features.rest_part); "
        "at_most(random_features.edge_highest); limit(samples, inf, random_features.edge_lowest_published); "
        "limit(features, inf, if_positive(sum(lam/lam) + D - d - 3/2, f, samples_bulk*f + (1 - samples_bulk)*p/D*("
        "alpha**2*random_features.linear_slope**2*lam1*(1 - sqrt(D/N))**2 + random_features.noise_part "
        "+ D/N*random_features.sample_part*(1 - p/D*random_features.noise_part/f))))"
    ),
    "edge_highest": (
        "intensive; same_for(ridge); same_for(training); at_least(random_features.edge_lowest); "
        "limit(samples, inf, random_features.edge_highest_published); "
        "limit(features, inf, if_positive(sum(lam/lam) + D - d - 3/2, f, samples_bulk*f + (1 - samples_bulk)*p/D*("
        "alpha**2*random_features.linear_slope**2*lam1*(1 + sqrt(D/N))**2 + random_features.noise_part "
        "+ D/N*random_features.sample_part*(1 - p/D*random_features.noise_part/f))))"
    ),
    "bulk_weight": (
        "intensive; same_for(ridge); same_for(time); at_least(0); at_most(1); "
        "equation(sum(f), if_positive(p - N - D + 1/2, 1 - random_features.delta_weight, sum(f))); "
        "equation((1 - samples_bulk)*f, (1 - samples_bulk)*if_positive(p - N - D + 1/2, smaller(N, d)/p, f))"
    ),
    "delta_weight": "same_for(ridge); same_for(time); at_least(0); at_most(1); equation(f, larger(1 - (N + D)/p, 0))",
    "edge_lowest_published": (
        "intensive; same_for(ridge); equation(samples_bulk*(f - random_features.rest_part), "
        "samples_bulk*if_positive(p - N, random_features.sample_part*(1 - sqrt(p/N))**2, f) + 0*f); "
        "at_least(random_features.rest_part); at_most(random_features.edge_highest_published); "
        "limit(samples, inf, random_features.edge_lowest); "
        "on_a_line(if_positive(samples_bulk, f, random_features.rest_part + random_features.sample_part "
        "+ (alpha**2*random_features.linear_slope**2*lam1 + random_features.noise_part)*(sqrt(p) - 1)**2 + 0*f))"
    ),
    "edge_highest_published": (
        "intensive; same_for(ridge); equation(samples_bulk*(f - random_features.rest_part), "
        "samples_bulk*if_positive(p - N, random_features.sample_part*(1 + sqrt(p/N))**2, f) + 0*f); "
        "at_least(random_features.edge_lowest_published); limit(samples, inf, random_features.edge_highest); "
        "on_a_line(if_positive(samples_bulk, f, random_features.rest_part + random_features.sample_part "
        "+ (alpha**2*random_features.linear_slope**2*lam1 + random_features.noise_part)*(sqrt(p) + 1)**2 + 0*f))"
    ),
    "bulk_weight_published": (
        "intensive; same_for(ridge); same_for(time); at_least(0); at_most(1); "
        "equation(sum(f), if_positive(p - N - D + 1/2, (N + D)/p, sum(f))); "
        "equation(samples_bulk*f, samples_bulk*if_positive(p - N - D + 1/2, N/p, f))"
    ),
}
