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

from theory.averages.feature_saddle import FeatureSaddle

__all__ = ["Loop", "around", "of_features", "of_samples"]

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

    def double(self, f: Complex, h: Complex) -> Array:
        """e^T f(M) T h(M) e, the mean over directions, from f and h at the points, shape (..., n) to (...)."""
        return np.asarray((((f * self.weights) @ self.two) * h * self.weights).sum(axis=-1).real)


def around(low: float, high: float) -> tuple[Complex, Complex]:
    """Points on a loop about (low, high), 0 < low, and dz/(2 pi i): above the real axis, then their mirror images backwards."""
    half = math.log(high / low) / 2
    a = math.hypot(half, HALF_HEIGHT)
    n = 2 * math.ceil(DIGITS * a / HALF_HEIGHT / 2)
    angle = (np.arange(n // 2) + 0.5) * (2 * math.pi / n)
    z = math.sqrt(low) * math.sqrt(high) * np.exp(a * np.cos(angle) + 1j * HALF_HEIGHT * np.sin(angle))
    return _mirrored(z), _mirrored(z * (1j * a * np.sin(angle) + HALF_HEIGHT * np.cos(angle)) / n)


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


def of_features(saddle: FeatureSaddle) -> Loop:
    """Of U, as columns of W/sqrt p of a direction of each variance see it, with the U of the whole distribution between."""
    z, weights = around(saddle.rest, saddle.bound)
    q, y, *_ = map(_mirrored, saddle.solve(z[: z.size // 2]))
    gain = saddle.noise + saddle.linear * saddle.lam[:, None] * y
    kept = 1 / (1 + saddle.psi_p * q * gain)
    return Loop(z, weights, -q * kept, _response(saddle, q, y, gain, kept) / saddle.psi_p)


def _response(saddle: FeatureSaddle, q: Complex, y: Complex, gain: Complex, kept: Complex) -> Complex:
    """Minus what s gains where the test U stands beside diag(z, z'), shape (n, n).

    With gain b^2 + c lambda y and kept 1/(1 + x), x = psi_p q gain, of each direction, the saddle is
    1/q = s^2 + v^2 y - z + <gain kept>, 1/y = 1 + (psi_p/psi_n)(v^2 q + c q <lambda kept>), and s = q <kept>. With upper
    triangular letters the change of a product f h is f dh + df h', that of 1/f is -df/(f f'). All is linear in dq, dy and 1.
    """
    k, p, lam = saddle, saddle.weights, saddle.lam[:, None, None]
    (q, q1), (y, y1), (gain, gain1), (kept, kept1) = ((a[..., :, None], a[..., None, :]) for a in (q, y, gain, kept))
    dq, dy, one = np.eye(3)[:, :, None, None, None]
    dgain = k.linear * lam * dy + (k.noise + k.linear * lam) * one
    dkept = -k.psi_p * kept * kept1 * (dq * gain1 + q * dgain)
    moved = dkept * q1 + kept * dq
    first = dq / (q * q1) + (k.rest + k.sample) * one + k.sample * dy + _mean(p, dgain * kept1 + gain * dkept)
    second = dy / (y * y1) + k.psi_p / k.psi_n * (k.sample * dq + k.linear * _mean(p, lam * moved))
    return _solved(first, second, _mean(p, moved))


def _mean(p: Array, f: Complex) -> Complex:
    """Over directions, shape (3, K, n, n) to (3, 1, n, n)."""
    return np.einsum("k,ck...->c...", p, f)[:, None]


def _solved(first: Complex, second: Complex, asked: Complex) -> Complex:
    """Minus what is asked where the first two are 0, all linear in two unknowns and 1."""
    (a, b, f), (c, d, g), (s, t, u) = first[:, 0], second[:, 0], asked[:, 0]
    determinant = a * d - b * c
    return np.asarray((s * (f * d - b * g) + t * (a * g - f * c)) / determinant - u)


def _omega(g: Complex, lam: Array, p: Array, psi_n: float) -> Complex:
    """1/(1 + <lambda R>/psi_n), R = 1/(lambda omega - g) the resolvent of the covariance along a direction, shape of g.

    delta = -g/omega is an eigenvalue of a bordered matrix: above the real axis the only one that lies below it.
    """
    upper, K = g[: g.size // 2], lam.size
    bordered = np.zeros((upper.size, K + 1, K + 1), dtype=complex)
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
    return _mirrored(-upper / delta[:, 0])


def _mirrored(f: Complex) -> Complex:
    """A function that is real on the real axis at all points of a loop, from those above it."""
    return np.concatenate([f, f[::-1].conj()])
