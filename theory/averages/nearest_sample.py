r"""The sample nearest to a point: exactly how far is it, and how often is it the one that was noised?

Let x = x^1 + sqrt(t) xi. Given x, the distance to each of the N - 1 impostors has the law F_x, and the distance to x^1
the law H_x, F_x tilted by exp(-s/2t). Hence, exactly at every N and D, with the nearest impostor's law
G_x(s) = 1 - (1 - F_x(s))^(N-1),

    P(x^1 is nearest)  = E_x int H_x(s) dG_x(s),
    E min |x - x^mu|^2 = E_x int E[min(s_1, s)] dG_x(s),       s_1 = |x - x^1|^2 ~ H_x,

and at a fresh x, with N impostors and no own sample, E_x int s dG_x(s).

The nearest impostor sits where N F_x(s) is of order one, and its measure is a Gumbel density in log F_x whatever N and D
are. So the integral runs over the level Phi, which is log F_x up to slow terms: there the trapezoidal rule converges as
exp(-pi^2 / 2 step) or faster, with some hundred nodes from N = 2 to 10^12 and beyond. The total of dG_x must come out as 1:
every call checks it. Directions normal to the manifold shift all distances alike and are left out.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

from theory.averages.over_points import average
from theory.averages.squared_distance import SquaredDistance
from theory.setting import LinearManifold, Subspace

__all__ = ["OVER_X", "nearest_distance", "own_is_nearest", "own_is_nearest_reference", "tilted_is_nearest"]

Array = NDArray[np.float64]
LEVEL_STEP = 0.25  # at N = 2 and large D the error is exp(-pi^2 / (2 step)), 3e-9
LOWEST_LEVEL = 20.0  # e-folds below 1/N
ACCURACY = 1e-6  # of the total probability, or a warning
OVER_X = 1e-9  # by estimate, of averages over x; where t far exceeds lambda they fall short, by up to 1e-6


def own_is_nearest(
    manifold: LinearManifold, t: Array, samples: int, *, temperature: float = 1.0, accuracy: float = OVER_X
) -> Array:
    """P(the sample nearest to x^1 + sqrt(t) xi among N is x^1) for each noise variance, shape (T,).

    At a temperature x has the variance (lambda + t)/temperature, and is from x^1 with the weight that it has at x. Relative
    accuracy 1e-6; 1e-4 for five subspaces of few directions and more. The average over x is that of
    theory.averages.over_points, of that accuracy; one of 1e-4 takes a fifth of the time.
    """
    manifold = LinearManifold.from_spectrum(manifold.spectrum)  # equal variances count once
    unit = (
        2.0 ** math.frexp(manifold.variances.max())[1]
    )  # of which P knows nothing; powers of saddles are numbers in it
    manifold = LinearManifold(tuple(Subspace(s.variance / unit, s.dimension) for s in manifold.subspaces))
    t = t / unit
    # at a trillion variances of noise P is 1/N to a millionth, and beyond float64 cannot tell the distances apart
    reachable = np.minimum(t, 1e12 * manifold.variances.max())
    return np.array([_own_is_nearest(manifold, s, samples, temperature, accuracy) for s in reachable.tolist()])


@lru_cache(maxsize=1024)
def _own_is_nearest(manifold: LinearManifold, t: float, samples: int, temperature: float, accuracy: float) -> float:
    """The same at one time."""

    def given(squares: Array) -> Array:
        offsets = squares * (manifold.variances + t) / temperature
        return tilted_is_nearest(manifold, offsets, 1 / (2 * t), samples)

    return min(float(average(given, manifold.dimensions, accuracy)[0]), 1.0)  # its error may be above


def own_is_nearest_reference(variance: float, dimension: int, t: float, samples: int) -> float:
    """The same for one subspace by another route: Gauss-Legendre over |x| and the own distance, SciPy's chi-squares.

    Within a second; N = 2 comes out within 1e-10 of Student's law.
    """
    from scipy.stats import chi2, ncx2  # slow to import

    z, weights = np.polynomial.legendre.leggauss(90)

    def rule(law: Any) -> tuple[Array, Array]:
        """Nodes and weights of an average over the square of a distance, in the distance itself."""
        low, high = np.sqrt(law.ppf(1e-13)), np.sqrt(law.isf(1e-13))
        r = (low + high) / 2 + (high - low) / 2 * z
        return r**2, (high - low) * weights * r * law.pdf(r**2)

    posterior = variance * t / (variance + t)
    total = 0.0
    for square, weight in zip(*rule(chi2(dimension, scale=variance + t)), strict=True):
        own_centre = square * t / (variance + t) / variance  # |x - E[x_0 | x]|^2 in units of the posterior variance
        s, w = rule(ncx2(dimension, own_centre, scale=posterior))
        impostor = ncx2(dimension, square / variance, scale=variance)
        total += weight * (w @ np.exp((samples - 1) * impostor.logsf(s)))
    return float(total)


def nearest_distance(manifold: LinearManifold, t: float, samples: float, offsets: Array, *, own: bool) -> Array:
    """E min |x - x^mu|^2 over N samples and the directions of the manifold, data units squared.

    Args:
        manifold: of the samples.
        t: noise variance.
        samples: N.
        offsets: |x_k|^2 of each x, shape (n, K).
        own: whether x came from one of the samples; else all are impostors.

    Returns:
        shape (n,).
    """
    law = SquaredDistance.to_samples(manifold, offsets)
    if not law.is_resolved():  # all samples are as far
        return law.moments()[0][:, 0]
    s, probability = _of_nearest(law, float(samples) - own)
    nearest = law.tilted(1 / (2 * t)).limited_mean(s) if own else s
    return np.asarray((nearest * probability).sum(axis=-1))


def tilted_is_nearest(manifold: LinearManifold, offsets: Array, rate: float, samples: int) -> Array:
    """P(a sample drawn with the weight exp(-rate |x - y|^2) is nearer to x than N - 1 others), shape (n,).

    At rate 1/2t that sample is one that x may have come from. |x_k|^2 of each x are its offsets, shape (n, K).
    """
    if samples == 1:
        return np.ones(len(offsets))
    law = SquaredDistance.to_samples(manifold, offsets)
    s, probability = _of_nearest(law, float(samples) - 1)
    return np.asarray((np.exp(law.tilted(rate).log_cdf(s)) * probability).sum(axis=-1))


def _of_nearest(impostor: SquaredDistance, count: float) -> tuple[Array, Array]:
    """The law of the distance of the nearest of `count` impostors: values and probabilities, shapes (n, L)."""
    saddle, step = _levels(impostor, count)
    s = impostor.distance_at(saddle)
    log_cdf, log_pdf = impostor.log_cdf_and_pdf(s, saddle)
    log_density = np.log(count) + log_pdf + xlog1py(count - 1, -np.exp(np.minimum(log_cdf, 0)))
    probability = np.exp(log_density) / saddle * step  # ds = dPhi / theta
    error = np.abs(probability.sum(axis=-1) - 1).max()
    if not error <= ACCURACY:
        warnings.warn(f"averages over the nearest sample are off by about {error:.1g}", stacklevel=2)
    return s, probability


def _levels(impostor: SquaredDistance, count: float) -> tuple[Array, Array]:
    """Saddles equally spaced in level over all distances where a nearest impostor may be, and the spacing."""
    mean, deviation = impostor.moments()
    low = impostor.positive_saddle(mean + 12 * deviation + 80 * impostor.variances.max())
    high = low * np.exp(250.0)
    if count > 600:  # then the farthest of interest is where N F = 60
        low = impostor.saddle_of_tail(np.log(60 / count), low, high)
    high = impostor.saddle_of_tail(-np.log(count) - LOWEST_LEVEL, low, high)
    top, bottom = impostor.level(low), impostor.level(high)
    nodes = int(np.ceil((top - bottom).max() / LEVEL_STEP))
    fraction = (np.arange(nodes) + 0.5) / nodes
    return impostor.saddle_of_level(bottom + (top - bottom) * fraction, low, high), (top - bottom) / nodes
