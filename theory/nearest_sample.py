r"""The sample nearest to a noised training sample: exactly how often is it the sample itself?

Let x = x^1 + sqrt(t) xi. Given x, the distance to each of the N - 1 impostors has the law F_x, and the distance to x^1
the law H_x, F_x tilted by exp(-s/2t). Hence, exactly at every N and D,

    P(x^1 is nearest) = E_x int H_x(s) d[1 - (1 - F_x(s))^(N-1)].

The nearest impostor sits where N F_x(s) is of order one, and its measure is a Gumbel density in log F_x whatever N and D
are. So the integral runs over the level Phi, which is log F_x up to slow terms: there the trapezoidal rule converges as
exp(-pi^2 / 2 step) or faster, with some hundred nodes from N = 2 to 10^12 and beyond. Directions normal to the manifold
shift all distances alike and drop out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py
from scipy.stats import chi2, ncx2

from theory.radii import average
from theory.setting import LinearManifold
from theory.squared_distance import SquaredDistance

__all__ = ["own_is_nearest", "own_is_nearest_reference"]

Array = NDArray[np.float64]
ACCURACY = 1e-9  # by estimate, of the average over x; where t far exceeds lambda it falls short, by up to 1e-6
LEVEL_STEP = 0.25  # at N = 2 and large D the error is exp(-pi^2 / (2 step)), 3e-9
LOWEST_LEVEL = 20.0  # e-folds below 1/N


def own_is_nearest(manifold: LinearManifold, t: Array, samples: int) -> Array:
    """P(the sample nearest to x^1 + sqrt(t) xi among N is x^1) for each noise variance, shape (T,).

    Relative accuracy 1e-6; 1e-4 for five subspaces of few directions and more. The average over x is that of
    theory.radii.
    """
    manifold = LinearManifold.from_spectrum(manifold.spectrum)  # equal variances count once
    # at a trillion variances of noise P is 1/N to a millionth, and beyond float64 cannot tell the distances apart
    reachable = np.minimum(t, 1e12 * manifold.variances.max())

    def at(s: float) -> Array:
        given = lambda squares: _given(manifold, squares, s, float(samples))[:, None]  # noqa: E731
        return average(given, manifold.dimensions, ACCURACY)[0]

    return np.minimum([at(s)[0] for s in reachable], 1)  # its error may be above


def own_is_nearest_reference(variance: float, dimension: int, t: float, samples: int) -> float:
    """The same for one subspace by another route: Gauss-Legendre over |x| and the own distance, SciPy's chi-squares.

    Within a second; N = 2 comes out within 1e-10 of Student's law.
    """
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


def _given(manifold: LinearManifold, squares: Array, t: float, samples: float) -> Array:
    """P(own sample is nearest | x) for each x, shape (n,)."""
    offsets = squares * (manifold.variances + t)
    impostor = SquaredDistance(manifold.variances, manifold.dimensions.astype(float), offsets)
    saddle, step = _levels(impostor, samples)
    s = impostor.distance_at(saddle)
    log_cdf, log_pdf = impostor.log_cdf_and_pdf(s, saddle)
    nearest = np.log(samples - 1) + log_pdf + xlog1py(samples - 2, -np.exp(np.minimum(log_cdf, 0)))
    own = impostor.tilted(1 / (2 * t))
    # ds = dPhi / theta
    return np.asarray((np.exp(own.log_cdf(s) + nearest) / saddle).sum(axis=-1) * step[..., 0])


def _levels(impostor: SquaredDistance, samples: float) -> tuple[Array, Array]:
    """Saddles equally spaced in level over all distances where a nearest impostor may be, and the spacing."""
    mean, deviation = impostor.moments()
    low = impostor.positive_saddle(mean + 12 * deviation + 80 * impostor.variances.max())
    high = low * np.exp(250.0)
    if samples > 600:  # then the farthest of interest is where N F = 60
        low = impostor.saddle_of_tail(np.log(60 / samples), low, high)
    high = impostor.saddle_of_tail(-np.log(samples) - LOWEST_LEVEL, low, high)
    top, bottom = impostor.level(low), impostor.level(high)
    count = int(np.ceil((top - bottom).max() / LEVEL_STEP))
    fraction = (np.arange(count) + 0.5) / count
    return impostor.saddle_of_level(bottom + (top - bottom) * fraction, low, high), (top - bottom) / count
