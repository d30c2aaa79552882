r"""Two resolvents: averages of functions of a random matrix, and of two functions of it with another matrix between them.

By Cauchy, of functions f and h that are analytic where Re z > 0, over the spectrum of a matrix M inside a loop,

    e^T f(M) e = -1/(2 pi i) \oint f(z) R(z) dz,  e^T f(M) T h(M) e = -1/(4 pi^2) \oint\oint f(z) h(z') R(z, z') dz dz',

with R(z) = e^T (M - z)^{-1} e and R(z, z') = e^T (M - z)^{-1} T (M - z')^{-1} e. The loop is an ellipse about the logarithm of
the spectrum, and the trapezoid rule on it good to 1e-14. R(z, z') is minus the response of the upper triangular resolvent
at diag(z, z') to T beside the diagonal: linear equations, given the saddle at z and at z'.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Loop", "of_samples"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
HALF_HEIGHT = math.pi / 4  # of the ellipse: as far from the spectrum as from Re z = 0
DIGITS = 36.0  # -log of what the trapezoid rule is good to
POLISH = 2  # Newton steps, from the eigenvalue of a bordered matrix


class Loop(NamedTuple):
    """Points around a spectrum, and the resolvents there.

    Attributes:
        points: z, shape (n,).
        weights: dz/(2 pi i), shape (n,).
        one: minus R(z) of a direction of each variance, shape (K, n).
        two: R(z, z'), the mean over directions, shape (n, n).
    """

    points: Complex
    weights: Complex
    one: Complex
    two: Complex

    def single(self, f: Complex) -> Array:
        """e^T f(M) e of a direction of each variance, from f at the points, shape (..., n) to (..., K)."""
        return np.asarray(((f * self.weights) @ self.one.T).real)

    def double(self, f: Complex) -> Array:
        """e^T f(M) T f(M) e, the mean over directions, from f at the points, shape (..., n) to (...)."""
        weighed = f * self.weights
        return np.asarray(((weighed @ self.two) * weighed).sum(axis=-1).real)


def around(low: float, high: float) -> tuple[Complex, Complex]:
    """Points on a loop about (low, high), 0 < low, and dz/(2 pi i); none is real."""
    half = math.log(high / low) / 2
    a = math.hypot(half, HALF_HEIGHT)
    n = 4 * math.ceil(DIGITS * a / HALF_HEIGHT / 4)
    angle = (np.arange(n) + 0.5) * (2 * math.pi / n)
    z = np.sqrt(low * high) * np.exp(a * np.cos(angle) + 1j * HALF_HEIGHT * np.sin(angle))
    return z, z * (1j * a * np.sin(angle) + HALF_HEIGHT * np.cos(angle)) / n


def of_samples(lam: Array, p: Array, psi_n: float, between: tuple[float, float], pull: float) -> Loop:
    """Of the covariance X^T X/N of N = psi_n D samples with variances lam, of shares p of the directions.

    Args:
        lam: shape (K,).
        p: shape (K,), of sum one.
        psi_n: samples over dimensions.
        between: c and b^2, of the matrix T = c Sigma + b^2.
        pull: how far below 0 functions are analytic; the loop goes around (0, g_max).
    """
    c, b2 = between
    highest = lam.max() * (1 + 1 / math.sqrt(psi_n)) ** 2
    shifted, weights = around(pull, pull + highest)
    g = shifted - pull
    omega = _omega(g, lam, p, psi_n)
    R = 1 / (lam[:, None] * omega - g)
    X = [np.einsum("k,ka,kb->ab", p * lam**k, R, R) for k in range(3)]
    apart = np.multiply.outer(omega, omega) / psi_n
    response = apart * (c * X[2] + b2 * X[1]) / (1 - apart * X[2])
    return Loop(g, weights, -R, (c + response) * X[1] + b2 * X[0])


def _omega(g: Complex, lam: Array, p: Array, psi_n: float) -> Complex:
    """1/(1 + <lambda R>/psi_n), R = 1/(lambda omega - g) the resolvent of the covariance along a direction, shape of g.

    delta = -g/omega is an eigenvalue of a bordered matrix: the only one in the half plane that g is not in.
    """
    upper = np.where(g.imag > 0, g, g.conj())
    K = lam.size
    bordered = np.zeros((g.size, K + 1, K + 1), dtype=complex)
    border = np.sqrt(p / psi_n) * lam
    bordered[:, 0, 0] = (p @ lam) / psi_n - upper
    bordered[:, 0, 1:], bordered[:, 1:, 0] = border, -border
    bordered[:, range(1, K + 1), range(1, K + 1)] = -lam
    roots = np.linalg.eigvals(bordered)
    delta = np.take_along_axis(roots, roots.imag.argmin(axis=1)[:, None], axis=1)
    for _ in range(POLISH):
        pole = p * lam / (lam + delta) / psi_n
        value = delta[:, 0] + upper - delta[:, 0] * pole.sum(axis=1)
        slope = 1 - (pole * lam / (lam + delta)).sum(axis=1)
        delta = delta - (value / slope)[:, None]
    omega = -upper / delta[:, 0]
    return np.asarray(np.where(g.imag > 0, omega, omega.conj()))
