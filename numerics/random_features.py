r"""Random features: draws of f(W x_tau/sqrt D), and their covariances over the noise without drawing it.

At a noised sample x_tau = alpha x + sigma xi the pre-activation of feature i is N(m_i, s_i^2), m_i = alpha W_i x/sqrt D and
s_i = sigma |W_i|/sqrt D, and those of two features have the correlation rho_ij = W_i W_j/|W_i||W_j|. With the coefficients
c_k = E f(m + s z) He_k(z)/sqrt k!, z standard normal (Mehler, Stein),

    U_ij = E f_i f_j = mean over samples of sum_k c_k,i c_k,j rho_ij^k,     V_ij = E f_i xi_j = mean of c_1,i W_ij/|W_i|.

The diagonal is E f^2 itself. The sum ends where what is left of E f^2 counts for no other entry.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from numerics.data import needs_density
from theory.network import ACTIVATIONS, Network
from theory.setting import LinearManifold, Setting, Subspace, without_remedies

__all__ = ["covariances", "doubled", "fresh_covariances", "hermite", "linear_model", "network_of", "parts"]

Array = NDArray[np.float64]
REACH = 9.0  # standard deviations of z
STEP = 0.25  # of the trapezoid rule, over s where s > 1: poles at distance 1.5/s leave exp(-2 pi 1.5/0.25)
WIDE = 32.0  # the largest s at which it is taken
TOGETHER = 8  # terms
FINE, FINEST = 0.05, 0.02  # of sinh^-1 z
LEFT = 1e-10  # of the mean square, that may be missing from an entry of U
MOST = 200  # terms
BLOCK = 3_000_000  # of features, samples and points


def network_of(setting: Setting, experiment: str) -> Network:
    """The network of a setting.

    Raises:
        ValueError: where it has none, or a remedy, or data without a density.
    """
    without_remedies(setting, f"the experiment {experiment}", network=True)
    needs_density(setting, "random features")
    assert setting.network is not None
    return setting.network


def doubled(setting: Setting) -> Setting:
    """A setting twice as large: directions, dimensions, samples and the features of its network."""
    manifold = setting.manifold
    parts = tuple(Subspace(part.variance, 2 * part.dimension) for part in manifold.subspaces)
    twice = LinearManifold(parts, 2 * manifold.ambient_dimension)
    return setting.at(manifold=twice, samples=2 * setting.samples).trained(
        features=2 * (setting.network or Network()).features
    )


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
    points = _nodes(np.zeros((1, 1)), width.max(keepdims=True))[0].size
    for block in np.array_split(np.arange(n), min(n, max(1, p * n * points // BLOCK))):
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
    z, weights = _nodes(mean, width)
    values = ACTIVATIONS[activation](mean[..., None] + width[..., None] * z)
    square = _summed(values**2, weights)
    if weights.ndim > 1:
        yield from ((_summed(values, weights * polynomial), square) for polynomial in _polynomials(z))
        return
    polynomials = _polynomials(z)
    while some := list(itertools.islice(polynomials, TOGETHER)):
        sums = values @ (weights * np.array(some)).T
        yield from ((np.ascontiguousarray(sums[..., k]), square) for k in range(len(some)))


def _nodes(mean: Array, width: Array) -> tuple[Array, Array]:
    """Points z and probabilities of N(0, 1): the same for all, shape (n,), or denser where mean + width z passes 0, (..., n)."""
    widest = float(np.max(width))
    if widest <= WIDE:
        step = STEP / max(1.0, widest)
        z = np.arange(-REACH, REACH + step / 2, step)
        weights = np.exp(-(z**2) / 2)
        return z, weights / weights.sum()
    return _dense(np.clip(-mean / width, -REACH, REACH)[..., None], 1 / widest, FINE)


def _dense(centre: Array, scale: float, step: float) -> tuple[Array, Array]:
    """Points and probabilities of N(0, 1), a trapezoid rule in s of z = centre + scale sinh s."""
    end = math.asinh(2 * REACH / scale)
    s = np.linspace(-end, end, 2 * math.ceil(end / step) + 1)
    z = centre + scale * np.sinh(s)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return z, density * scale * np.cosh(s) * (s[1] - s[0])


def _summed(values: Array, weights: Array) -> Array:
    """Over the last axis."""
    return np.asarray(values @ weights if weights.ndim == 1 else (values * weights).sum(axis=-1))


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


def parts(activation: str, signal: float, noise: float) -> tuple[float, float, float]:
    """a, v^2 and s^2 of an activation whose argument has the variances `signal` of the sample and `noise` of the noise.

    a is its mean slope; E_w f, less its mean and what is linear in the sample, has the variance v^2; and f, less E_w f and what
    is linear in the noise, has s^2.
    """
    u, weights = _dense(np.zeros(1), min(1.0, math.sqrt(noise)) / max(1.0, math.sqrt(signal)), FINEST)
    terms = hermite(activation, math.sqrt(signal) * u, np.array(math.sqrt(noise)))
    (over_noise, square), (along, _) = next(terms), next(terms)
    own = over_noise - weights @ over_noise - weights @ (u * over_noise) * u
    a = weights @ along / math.sqrt(noise)
    return float(a), float(weights @ own**2), float(weights @ (square - over_noise**2) - a**2 * noise)


def linear_model(
    W: Array, X: Array, alpha: float, sigma: float, parts: tuple[float, float, float], rng: np.random.Generator
) -> Array:
    """The eigenvalues, rising, shape (p,), of the covariance of features that are linear in sample and noise but for their parts.

    U = G G^T/n + a^2 sigma^2 W W^T/D + s^2, G = a alpha W X^T/sqrt D + v Z, the entries of Z independent standard normal.
    """
    a, own, rest = parts
    (p, D), n = W.shape, len(X)
    G = a * alpha / math.sqrt(D) * W @ X.T + math.sqrt(own) * rng.standard_normal((p, n))
    factor = np.hstack([G / math.sqrt(n), a * sigma / math.sqrt(D) * W])
    moved = np.linalg.eigvalsh(factor.T @ factor if n + D < p else factor @ factor.T)
    return np.concatenate([np.zeros(max(0, p - n - D)), np.maximum(moved, 0.0)]) + rest
