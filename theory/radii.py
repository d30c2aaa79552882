"""Averages over x ~ p_t of what depends on its radii |x_k| alone: nodes |x_k|^2 / (lambda_k + t) and weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.stats import chi2, qmc

__all__ = ["Rule", "laguerre", "legendre", "product", "sobol"]

Array = NDArray[np.float64]
Rule = tuple[Array, Array]
SOBOL_POINTS = 1024
OUTSIDE = 1e-13  # the probability that Legendre's rule leaves out on each side


def laguerre(dimension: int, nodes: int) -> Rule:
    """Gauss nodes and weights for chi-square, from the three-term recurrence (Golub-Welsch); best for many directions."""
    a = dimension / 2 - 1
    k = np.arange(nodes)
    values, vectors = eigh_tridiagonal(2 * k + 1 + a, np.sqrt(k[1:] * (k[1:] + a)))
    return np.asarray(2 * values, dtype=np.float64), np.asarray(vectors[0] ** 2, dtype=np.float64)


def legendre(dimension: int, nodes: int) -> Rule:
    """Gauss-Legendre in the radius; best for few directions, where what is averaged varies with it."""
    z, w = np.polynomial.legendre.leggauss(nodes)
    low, high = np.sqrt(chi2.ppf(OUTSIDE, dimension)), np.sqrt(chi2.isf(OUTSIDE, dimension))
    r = low + (high - low) / 2 * (z + 1)
    return r**2, (high - low) * w * r * chi2.pdf(r**2, dimension)


def product(rules: Sequence[Rule]) -> Rule:
    """Nodes of shape (n, K) and weights of shape (n,) from one rule for each subspace."""
    squares = np.array(list(itertools.product(*(rule[0] for rule in rules))))
    return squares, np.array(list(itertools.product(*(rule[1] for rule in rules)))).prod(axis=1)


def sobol(dimensions: NDArray[np.int64]) -> Rule:
    """1024 evenly spread points, for many subspaces; an error of about 1e-4."""
    points = qmc.Sobol(dimensions.size, seed=0).random(SOBOL_POINTS)
    return np.asarray(chi2.ppf(points, dimensions)), np.full(SOBOL_POINTS, 1 / SOBOL_POINTS)
