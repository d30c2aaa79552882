r"""Random features: draws of f(W x_tau/sqrt D), and their covariances over the noise without drawing it.

At a noised sample x_tau = alpha x + sigma xi the pre-activation of feature i is N(m_i, s_i^2), m_i = alpha W_i x/sqrt D and
s_i = sigma |W_i|/sqrt D, and those of two features have the correlation rho_ij = W_i W_j/|W_i||W_j|. With the coefficients
c_k = E f(m + s z) He_k(z)/sqrt k!, z standard normal (Mehler, Stein),

    U_ij = E f_i f_j = mean over samples of sum_k c_k,i c_k,j rho_ij^k,     V_ij = E f_i xi_j = mean of c_1,i W_ij/|W_i|.

The diagonal is E f^2 itself. The sum ends where what is left of E f^2 counts for no other entry.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.network import ACTIVATIONS

__all__ = ["covariances", "fresh_covariances", "hermite", "resolvent"]

Array = NDArray[np.float64]
REACH = 9.0  # standard deviations of z
STEP = 0.25  # of the trapezoid rule at s <= 1: poles at distance 1.5 leave exp(-2 pi 1.5/0.25)
LEFT = 1e-10  # of the mean square, that may be missing from an entry of U
MOST = 200  # terms
BLOCK = 40_000  # of features times samples, of 73 points each


def covariances(W: Array, X: Array, alpha: float, sigma: float, activation: str = "tanh") -> tuple[Array, Array]:
    """The covariance of features over the noise of samples, and that with the noise; exact but for LEFT of the mean square.

    Args:
        W: shape (p, D).
        X: samples, shape (n, D).
        alpha: contraction of the samples.
        sigma: standard deviation of the noise.
        activation: one of `theory.network.ACTIVATIONS`.

    Returns:
        U = E f f^T, shape (p, p), and V = E f xi^T, shape (p, D), f of W (alpha x + sigma xi)/sqrt D.
    """
    (p, D), n = W.shape, len(X)
    length = np.sqrt((W**2).sum(axis=1, keepdims=True))
    axes = W / length
    overlap = axes @ axes.T
    np.fill_diagonal(overlap, 0.0)
    mean, width = alpha / math.sqrt(D) * W @ X.T, sigma / math.sqrt(D) * length
    U, squares, along = np.zeros((p, p)), np.zeros(p), np.zeros(p)
    for block in np.array_split(np.arange(n), max(1, p * n // BLOCK)):
        sums = _of_samples(hermite(activation, mean[:, block], width), overlap)
        for total, part in zip((U, squares, along), sums, strict=True):
            total += part / n
    np.fill_diagonal(U, squares)
    return U, axes * along[:, None]


def fresh_covariances(
    W: Array, variances: Array, alpha: float, sigma: float, activation: str = "tanh"
) -> tuple[Array, Array]:
    """The same over the whole distribution, as of one sample at 0 under the noise of all.

    Args:
        W: shape (p, D).
        variances: of the data along every direction, shape (D,).
        alpha: contraction of the samples.
        sigma: standard deviation of the noise.
        activation: one of `theory.network.ACTIVATIONS`.

    Returns:
        U, shape (p, p), and V, shape (p, D).
    """
    p, D = W.shape
    spread = W * np.sqrt((alpha**2 * variances + sigma**2) / D)
    width = np.sqrt((spread**2).sum(axis=1, keepdims=True))
    overlap = (spread / width) @ (spread / width).T
    np.fill_diagonal(overlap, 0.0)
    U, own, first = _of_samples(hermite(activation, np.zeros((p, 1)), width), overlap)
    np.fill_diagonal(U, own)
    return U, sigma / math.sqrt(D) * W * first[:, None] / width


def _of_samples(terms: Iterator[tuple[Array, Array]], overlap: Array) -> tuple[Array, Array, Array]:
    """Sums over samples: of c_k,i c_k,j rho_ij^k over k, of E f^2, and of c_1."""
    largest = np.abs(overlap).max(initial=0.0)
    c, square = next(terms)
    total, power, left = c @ c.T, overlap.copy(), square - c**2
    first = np.zeros(len(c))
    for k, (c, _) in enumerate(terms, start=1):
        total += power * (c @ c.T)
        power *= overlap
        left -= c**2
        first += c.sum(axis=1) if k == 1 else 0.0
        if largest ** (k + 1) * left.max() < LEFT * square.max():
            break
    return total, square.sum(axis=1), first


def hermite(activation: str, mean: Array, width: Array) -> Iterator[tuple[Array, Array]]:
    """c_k = E f(mean + width z) He_k(z)/sqrt k! for k = 0, 1, ..., each with E f^2, in the shape of mean; width broadcasts.

    By the trapezoid rule, and of relu, which has a kink, in closed form: its second derivative is a delta function.
    """
    if activation == "relu":
        yield from _of_relu(mean / width, np.broadcast_to(width, mean.shape))
        return
    step = STEP / max(1.0, float(np.max(width)))
    z = np.arange(-REACH, REACH + step / 2, step)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    values = ACTIVATIONS[activation](mean[..., None] + width[..., None] * z)
    square = values**2 @ weights
    for polynomial in _polynomials(z):
        yield values @ (weights * polynomial), square


def _of_relu(u: Array, width: Array) -> Iterator[tuple[Array, Array]]:
    density, below = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi), ndtr(u)
    square = width**2 * ((1 + u**2) * below + u * density)
    yield width * (u * below + density), square
    yield width * below, square
    for k, polynomial in enumerate(_polynomials(-u), start=2):
        yield width * density * polynomial / math.sqrt(k * (k - 1)), square


def _polynomials(z: Array) -> Iterator[Array]:
    """He_k(z)/sqrt k!."""
    before, now = np.zeros_like(z), np.ones_like(z)
    for k in range(MOST):
        yield now
        before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1)


def resolvent(eigenvalues: Array, ridge: float) -> float:
    """Tr (U + ridge)^-1/p of eigenvalues, shape (p,)."""
    return float(np.mean(1 / (eigenvalues + ridge)))
