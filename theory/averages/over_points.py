"""Averages over x ~ p_t, or x ~ p_0, of what depends on its radii |x_k| alone.

The law of |x_k| in units of its deviation is chi. Gauss's rule for it converges geometrically, and the values at its nodes
give the coefficients of what is averaged in the orthonormal polynomials of chi. The rule of n nodes errs from the
coefficient of order 2n on, about the square of that of order n over the mean: an estimate that costs nothing, and is up to
three times too small.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.setting import Setting

__all__ = ["Rule", "asked", "average", "chi", "gauss", "legendre", "normal_squares", "product", "refined", "sobol"]

Array = NDArray[np.float64]
OUTSIDE = 14.0  # deviations of a radius beyond which nothing counts
FINE = 600  # nodes that the Gauss rules are made from
FIRST, MANY = 8, 20  # nodes to begin with; half of them from that many directions on
LARGEST, MOST = 256, 8192  # nodes for one radius, points for all
SOBOL_POINTS = 1024
NOTHING = 1e-20  # weight of a node
DOUBT = 4.0  # times the estimate
FLOOR = 1e-6  # of the largest value: averages below that need no relative accuracy


@dataclass(frozen=True)
class Rule:
    """Nodes and weights of an average.

    Attributes:
        squares: |x_k|^2 / E x_k^2 at n nodes, m_k directions together, shape (n, K).
        weights: shape (n,).
        ends: weights of the coefficients of highest order in each radius, shape (K, 2, n).
    """

    squares: Array
    weights: Array
    ends: Array

    @classmethod
    def of_one(cls, squares: Array, vectors: Array) -> Rule:
        """Of one number at its nodes, shape (n,), by the eigenvectors of `gauss`."""
        return cls(squares[:, None], vectors[0] ** 2, (vectors[0] * vectors[-2:])[None])

    def heavy(self, nothing: float) -> Rule:
        """The same without nodes whose weight is less."""
        kept = self.weights > nothing
        return Rule(self.squares[kept], self.weights[kept], self.ends[..., kept])

    def errors(self, values: Array) -> Array:
        """Estimated errors of the averages of values, shape (n, ...), on account of each radius, shape (K, ...)."""
        mean = np.maximum(np.abs(np.tensordot(self.weights, values, 1)), np.finfo(float).tiny)
        return np.asarray(DOUBT * np.max(np.tensordot(self.ends, values, 1) ** 2, axis=1) / mean)


def asked(setting: Setting) -> list[tuple[float, tuple[float, ...] | None]]:
    """The noise variances, and |x_k|^2 at each where there is a point, None where x is averaged over."""
    if setting.point is None:
        return [(float(t), None) for t in setting.t]
    return [(float(t), tuple(x)) for t, x in zip(setting.t, setting.offsets.tolist(), strict=True)]


def normal_squares(setting: Setting) -> Array:
    """|x|^2 in the directions normal to the manifold at each time, data units squared, shape (T,): the point's, or its mean."""
    m = setting.manifold.intrinsic_dimension
    if setting.point is None:
        return (setting.manifold.ambient_dimension - m) * setting.t
    return float(np.square(setting.point[m:]).sum()) / setting.alpha**2


def average(
    of: Callable[[Array], Array],
    dimensions: NDArray[np.int64],
    accuracy: float,
    floor: ArrayLike = 0.0,
    near: Array | None = None,
) -> tuple[Array, float]:
    """E f over the radii of m_k directions each, and its relative error by estimate.

    Nodes are added to the radius that needs them until the estimate is below the accuracy, or until points are too many.
    Where even the first rule has too many, 1024 Sobol points: then the error is about 1e-4.

    Args:
        of: f at squares |x_k|^2 / E x_k^2, shape (n, K), to shape (n, ...).
        dimensions: m_k, shape (K,).
        accuracy: wanted relative error.
        floor: averages below it, shape (...), need no more than the absolute accuracy that it has.
        near: |x_k|^2 / E x_k^2 about which f changes too, where that may be far below 1, shape (K,).

    Returns:
        shape (...), and a number.
    """
    nodes = [FIRST if m < MANY else FIRST // 2 for m in dimensions]
    if np.prod(nodes) > MOST:
        return _sampled(of, dimensions, floor)
    inner = [math.inf] * len(nodes) if near is None else near.tolist()
    rules = [partial(chi, m, near=r) for m, r in zip(dimensions.tolist(), inner, strict=True)]
    return refined(of, rules, nodes, accuracy, floor)


def refined(
    of: Callable[[Array], Array],
    rules: Sequence[Callable[[int], Rule]],
    nodes: Sequence[int],
    accuracy: float,
    floor: ArrayLike = 0.0,
    most: int = MOST,
    nothing: float = NOTHING,
) -> tuple[Array, float]:
    """E f over independent numbers, each with Gauss rules of its own, and its relative error by estimate, as `average`.

    Args:
        of: f at the rules' squares, shape (n, K), to shape (n, ...); what is not a number is not refined.
        rules: of each number, from how many nodes it has.
        nodes: how many each begins with.
        accuracy: as for `average`.
        floor: as for `average`.
        most: points for all.
        nothing: weight of a point that is left out.
    """
    nodes = list(nodes)
    grown, before = np.zeros(len(nodes), dtype=bool), np.array(np.inf)
    while True:
        rule = product([of_one(n) for of_one, n in zip(rules, nodes, strict=True)]).heavy(nothing)
        values = of(rule.squares)
        mean = np.tensordot(rule.weights, values, 1)
        if np.isnan(mean).any():
            return mean, math.nan
        scale = np.maximum(_scale(mean, values), floor)
        errors = (rule.errors(values) / scale).reshape(len(nodes), -1).max(axis=1)
        # the estimate is far too high where rare points carry the average; fewer nodes err by what they are apart
        apart = np.max(np.abs(mean - before) / scale)
        errors[grown] = np.minimum(errors[grown], apart)
        more = [_more(n, e, accuracy) for n, e in zip(nodes, errors, strict=True)]
        if more == nodes or np.prod(more) > most:
            return mean, float(errors.max())
        grown, before = np.not_equal(more, nodes), mean
        nodes = more


def _more(nodes: int, error: float, accuracy: float) -> int:
    """The nodes it takes, for the logarithm of the error grows with them; at most twice as many at a time."""
    if error <= accuracy:
        return nodes
    wanted = nodes * np.log(accuracy) / np.log(min(error, 0.1))
    return int(min(np.ceil(np.clip(wanted, 1.25 * nodes, 2 * nodes)), LARGEST))


def _scale(mean: Array, values: Array) -> Array:
    return np.maximum(np.maximum(np.abs(mean), FLOOR * np.abs(values).max(axis=0)), np.finfo(float).tiny)


@cache
def legendre(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [-1, 1]."""
    z, weights = np.polynomial.legendre.leggauss(nodes)
    return z, weights


@lru_cache(maxsize=256)
def chi(dimension: int, nodes: int, near: float = math.inf) -> Rule:
    """Gauss's rule for the radius r of one group of directions; of polynomials in log(1 + r/near^(1/2)) where that is finite."""
    centre = np.sqrt(dimension)
    low = max(0.0, centre - OUTSIDE)
    z, fine = legendre(FINE)
    r = low + (centre + OUTSIDE - low) / 2 * (z + 1)
    log_density = (dimension - 1) * np.log(r) - r**2 / 2
    weights = fine * np.exp(log_density - log_density.max())
    if near < math.inf:
        level, vectors = gauss(np.log1p(r / math.sqrt(near)), weights, nodes)
        radius = math.sqrt(near) * np.expm1(level)
    else:
        radius, vectors = gauss(r, weights, nodes)
    return Rule.of_one(radius**2, vectors)


def gauss(x: Array, weights: Array, nodes: int) -> tuple[Array, Array]:
    """Gauss's rule for the law that a fine rule has, shapes (n,): Lanczos's recurrence, then Golub-Welsch.

    Returns:
        the nodes, shape (nodes,), and the eigenvectors of the recurrence in columns; the squares of the first row are the
        weights, of sum 1.
    """
    from scipy.linalg import eigh_tridiagonal  # slow to import

    q = np.sqrt(weights)
    basis = (q / np.linalg.norm(q))[None]
    diagonal, beside = [], []
    for _ in range(nodes):
        q = x * basis[-1]
        diagonal.append(basis[-1] @ q)
        for _twice in range(2):  # or rounding takes the orthogonality
            q = q - basis.T @ (basis @ q)
        beside.append(np.linalg.norm(q))
        basis = np.vstack([basis, q / beside[-1]])
    found, vectors = eigh_tridiagonal(diagonal, beside[:-1])
    return np.asarray(found, dtype=np.float64), np.asarray(vectors, dtype=np.float64)


def product(rules: Sequence[Rule]) -> Rule:
    """One rule for several radii, from one for each."""
    squares = np.array(list(itertools.product(*(rule.squares[:, 0] for rule in rules))))
    weights = [rule.weights for rule in rules]
    ends = [[_outer([*weights[:k], end, *weights[k + 1 :]]) for end in rule.ends[0]] for k, rule in enumerate(rules)]
    return Rule(squares, _outer(weights), np.array(ends))


def _outer(factors: Sequence[Array]) -> Array:
    """All products of one entry of each, the last running fastest."""
    found = np.ones(1)
    for factor in factors:
        found = np.multiply.outer(found, factor).ravel()
    return found


def sobol(dimensions: NDArray[np.int64]) -> Array:
    """1024 evenly spread points, shape (n, K)."""
    from scipy.stats import chi2, qmc  # slow to import

    points = qmc.Sobol(dimensions.size, seed=0).random(SOBOL_POINTS)
    return np.asarray(chi2.ppf(points, dimensions))


def _sampled(of: Callable[[Array], Array], dimensions: NDArray[np.int64], floor: ArrayLike) -> tuple[Array, float]:
    """The average over Sobol points; its error is half of what the two halves of them are apart."""
    values = of(sobol(dimensions))
    mean, half = values.mean(axis=0), values[: SOBOL_POINTS // 2].mean(axis=0)
    return mean, float((np.abs(half - mean) / np.maximum(_scale(mean, values), floor)).max())
