r"""The second order in 1/N of the variance of a smoothed score at a point, for Gaussian data: what the leading order leaves out.

With f = g/p and r = p^/p - 1, the mean over N samples of f - 1, the noise of the score is the gradient of K_h * log(1 + r),
log(1 + r) = r - r^2/2 + r^3/3. To order N^-2 products of r are products of averages over one sample or two, so that

    Var s_h = A''/N + (-A - B + Q/2 + 2P)''/N^2,    A = E ff',  B = E ff'^2,  Q = E (E_y ff')^2,  P = E (E_y ff')(E_y f'^2)

with f at x + eta and f' at x' + eta', E over both shifts, of variance h, and over samples, and '' the gradients in x and x' at
x' = x. All are Gaussian integrals, products over directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["variance"]

Array = NDArray[np.float64]
Pattern = tuple[tuple[int, int], ...]  # which point, and which sample, of each factor f
A: Pattern = (0, 0), (1, 0)
B: Pattern = (*A, (1, 0))
Q: Pattern = (*A, (0, 1), (1, 1))
P: Pattern = (*A, (1, 1), (1, 1))
ORDERS = ((1.0, A),), ((-1.0, A), (-1.0, B), (0.5, Q), (2.0, P))


def variance(x: Array, t: float, h: float, lam: Array) -> tuple[Array, Array]:
    """N and N^2 times the first two orders of the variance of each component of s_h, shape (D,), inverse data units squared.

    Args:
        x: the point, shape (D,), data units.
        t: noise variance, data units squared.
        h: bandwidth, data units squared.
        lam: variance of the data in each direction, shape (D,).

    Returns:
        NaN where an average does not exist.
    """
    first, second = (sum(share * _mixed(pattern, x, t, h, lam) for share, pattern in order) for order in ORDERS)
    return np.asarray(first), np.asarray(second)


def _mixed(pattern: Pattern, x: Array, t: float, h: float, lam: Array) -> Array:
    """The gradients in x_k and x'_k of an average, shape (D,)."""
    logs, slopes = np.array([_direction(pattern, *at, t, h) for at in zip(x, lam, strict=True)]).T
    return np.asarray(np.exp(logs.sum()) * slopes)


def _direction(pattern: Pattern, x: float, lam: float, t: float, h: float) -> tuple[float, float]:
    """Log of the average in one direction at x' = x, and both gradients over it."""
    unit = np.diag(np.sqrt([1, 1, h, h, lam, lam]))  # x, x', both shifts and both samples, these of variance 1
    form = np.diag([0.0, 0, 1, 1, 1, 1])
    for point, sample in pattern:
        at, y = unit[point] + unit[2 + point], unit[4 + sample]
        form += np.outer(at - y, at - y) / t - np.outer(at, at) / (lam + t)
    inner, across = form[2:, 2:], form[:2, 2:]
    sizes = np.linalg.eigvalsh(inner)
    if not sizes[0] > 0:
        return np.nan, np.nan
    left = across @ np.linalg.solve(inner, across.T) - form[:2, :2]
    log = len(pattern) / 2 * np.log1p(lam / t) - np.log(sizes).sum() / 2 + x**2 * left.sum() / 2
    return float(log), float(left[0, 1] + x**2 * left[0].sum() * left[1].sum())
