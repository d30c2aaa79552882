r"""Averages over data sets of posterior means at two points, exact at every N and on every linear manifold.

With E_i = |x_i - y|^2/2t, z_i = u_i exp(-E_i), phi = E e^{-z_1 - z_2}, m_i the mean for infinitely many samples and y_i = y - m_i

    E (m^_1 - m_1).(m^_2 - m_2) = int int N E[y_1.y_2 z_1 z_2 e^..] phi^{N-1} + N (N-1) E[y_1 z_1 e^..].E[y_2 z_2 e^..] phi^{N-2}

over log u_1 and log u_2, the double integral of theory.averages.two_points. A sample enters by its averages tilted by
e^{-theta_1 E_1 - theta_2 E_2} alone, which are Gaussian: in a direction of variance lambda, with s = theta_1 x_1 + theta_2 x_2
and q = 1 + lambda (theta_1 + theta_2)/t,

    M = q^{-1/2} exp(-(theta_1 x_1^2 + theta_2 x_2^2)/2t + lambda s^2/2 t^2 q),    mean lambda s/t q,    variance lambda/q.

Mellin's inversion in both thetas, Gamma(1 - theta) for z e^-z and Gamma(-theta) for e^-z - 1, on a line Re theta = c, 0 < c < 1,
each, is two products of matrices. Sums of step d over the line add what the function is at log u + 2 pi j/d, times
(-1)^j e^{-2 pi j c/d}: of e^-z - 1 that is -1, a constant, which is taken off; of all else nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import loggamma

from theory.setting import LinearManifold

__all__ = ["Samples", "Seen", "least_nodes", "pair", "seen"]

Array = NDArray[np.float64]
STEP = 0.55  # of log u: 2 |Gamma(1 + 2 pi i/STEP)| = 3e-7
HIGHEST = 9.5, 0.5  # Im theta, and its growth with log N: e^{-9.5 pi/2} = 3e-7
ALIAS = 15.0, 0.9  # c times 2 pi/d, likewise: e^-15 = 3e-7, of what is not a constant
LINES = 0.35, 0.3, 0.25, 0.21, 0.17, 0.14, 0.11, 0.09, 0.07  # Re theta: the nearer 0, the less a large u is amplified
AMPLIFIED = 5.0  # log of the amplification that is left
LEAST = 1e-9  # of N (1 - phi) where integrals over log u begin
ENOUGH = 22.0  # of -N log phi where they end
LONGEST = 400.0  # e-folds of u


@dataclass(frozen=True)
class Samples:
    """N samples of a manifold, seen under noise of variance t from points with J coordinates.

    Attributes:
        subspaces: of each the variance, how many directions it has, and which of the coordinates are in it.
        t: noise variance.
        N: how many samples.
    """

    subspaces: tuple[tuple[float, int, slice], ...]
    t: float
    N: int

    @classmethod
    def of(cls, manifold: LinearManifold, t: float, N: int, most: int) -> Samples:
        """Seen from points with so many coordinates in each subspace, or one for each direction where there are fewer."""
        kept = np.minimum(manifold.dimensions, most)
        ends = np.cumsum(kept)
        parts = [slice(int(end - k), int(end)) for end, k in zip(ends, kept, strict=True)]
        return cls(tuple(zip(manifold.variances.tolist(), manifold.dimensions.tolist(), parts, strict=True)), t, N)

    @property
    def along(self) -> Array:
        """Variance in the direction of each coordinate, shape (J,)."""
        return np.concatenate([np.full(part.stop - part.start, lam) for lam, _, part in self.subspaces])

    @property
    def edge(self) -> float:
        """E e^{theta E} exists for theta below."""
        return self.t / max(lam for lam, _, _ in self.subspaces)

    def log_tilt(self, x: Array, theta: Any) -> Any:
        """log E e^{-theta E} at a point x, shape (J,)."""
        total = 0.0
        for lam, m, part in self.subspaces:
            q = 1 + lam / self.t * theta
            total = total - m / 2 * np.log(q) - theta * (x[part] @ x[part]) / (2 * self.t * q)
        return total


@dataclass(frozen=True)
class Seen:
    """The samples as seen from one point, at nodes of log u, shape (A,), and of a line of theta, shape (L,).

    Attributes:
        x, mean: the point and its posterior mean for infinitely many samples, shape (J,).
        theta: the nodes above the real axis.
        rest: what 1 is of which e^-z - 1 and the alias of its sum are taken off.
        kernels: of e^-z - 1 and of z e^-z, shapes (A, L).
        survival: E e^-z less `rest`.
        pulls: E[(y - m) z e^-z], shape (J, A).
        weight: E z e^-z.
    """

    x: Array
    mean: Array
    theta: NDArray[np.complex128]
    rest: float
    kernels: tuple[NDArray[np.complex128], NDArray[np.complex128]]
    survival: Array
    pulls: Array
    weight: Array


def seen(samples: Samples, x: Array) -> Seen:
    """The samples from one point, shape (J,)."""
    log_u = _levels(samples, x)
    c = next((c for c in LINES if c * log_u[-1] + samples.log_tilt(x, c) < AMPLIFIED), LINES[-1])
    theta, rest, (lost, drawn) = _line(log_u, c, samples.N)
    tilt = np.exp(samples.log_tilt(x, theta))
    pull = samples.along / samples.t
    mean = pull / (1 + pull) * x
    towards = pull * x * theta[:, None] / (1 + pull * theta[:, None]) - mean
    survival, weight = ((kernel @ tilt).real / np.pi for kernel in (lost, drawn))
    pulls = (drawn @ (tilt[:, None] * towards)).real.T / np.pi
    return Seen(x, mean, theta, rest, (lost, drawn), survival, pulls, weight)


def pair(samples: Samples, one: Seen, other: Seen) -> tuple[float, float]:
    """E (m^_1 - m_1).(m^_2 - m_2), data units squared, and what E sum w_1 sum w_2 is off by from 1."""
    N, t = samples.N, samples.t
    theta, theta2 = one.theta[:, None], np.concatenate([other.theta, other.theta.conj()])
    right = [np.concatenate([kernel, kernel.conj()], axis=1).T for kernel in other.kernels]
    log_tilt, spread, about_one, about_other = 0.0, 0.0, [], []
    for lam, m, part in samples.subspaces:
        shrink = 1 / (1 + lam / t * (theta + theta2))
        log_tilt, spread = log_tilt + m / 2 * np.log(shrink), spread + m * lam * shrink
        for a, b, centre, centre2 in zip(one.x[part], other.x[part], one.mean[part], other.mean[part], strict=True):
            s = theta * a + theta2 * b
            mean = lam / t * s * shrink
            log_tilt = log_tilt + (mean * s - theta * a**2 - theta2 * b**2) / (2 * t)
            spread = spread + (mean - centre) * (mean - centre2)
            about_one.append(mean - centre)
            about_other.append(mean - centre2)
    tilt = np.exp(log_tilt)

    def inverted(row: int, of: Any, column: int) -> Array:
        return np.asarray(((one.kernels[row] @ of) @ right[column]).real / (2 * np.pi**2))

    phi = one.rest * other.rest + one.rest * other.survival + other.rest * one.survival[:, None] + inverted(0, tilt, 0)
    few = np.maximum(phi, 0) ** (N - 2)
    pairs = N * (N - 1) * few
    weights = other.rest * one.weight[:, None] + inverted(1, tilt, 0), one.rest * other.weight + inverted(0, tilt, 1)
    all_weight = N * few * phi * inverted(1, tilt, 1) + pairs * weights[0] * weights[1]
    found = N * few * phi * inverted(1, tilt * spread, 1)
    for k, (m, n) in enumerate(zip(about_one, about_other, strict=True)):
        left = other.rest * one.pulls[k][:, None] + inverted(1, tilt * m, 0)
        found += pairs * left * (one.rest * other.pulls[k] + inverted(0, tilt * n, 1))
    return float(found.sum() * STEP**2), float(abs(all_weight.sum() * STEP**2 - 1))


def _levels(samples: Samples, x: Array) -> Array:
    """log u from where hardly any sample counts to where one of N is sure to: between Chernoff's bounds, cut at phi^N."""
    N = samples.N
    c, s = np.linspace(0.05, 1, 20), samples.edge * np.linspace(0.02, 0.98, 40)
    low = ((math.log(LEAST / N) - samples.log_tilt(x, c)) / c).max()
    high = ((ENOUGH / N + s * np.log(s / math.e) + samples.log_tilt(x, -s)) / s).min()
    log_u = np.arange(low, min(high, low + LONGEST) + STEP, STEP)
    theta, rest, (lost, _) = _line(log_u, LINES[-1], N)
    phi = rest + (lost @ np.exp(samples.log_tilt(x, theta))).real / np.pi
    enough = np.flatnonzero(-N * np.log(np.maximum(phi, 1e-300)) > ENOUGH)
    return log_u[: enough[0] + 1] if enough.size else log_u


def _line(log_u: Array, c: float, N: int) -> tuple[Any, float, tuple[Any, Any]]:
    """Nodes on Re theta = c, what is left of 1 for the alias, and kernels of e^-z - 1 and z e^-z with the step in them."""
    count, d, away = _nodes(c, N)
    theta = c + 1j * d * (np.arange(count) + 0.5)
    alias = math.exp(-away)
    powers = np.exp(np.outer(log_u, theta)) * d
    return theta, 1 - alias / (1 + alias), tuple(np.exp(loggamma(k - theta)) * powers for k in (0, 1))


def _nodes(c: float, N: int) -> tuple[int, float, float]:
    """How many there are, how far apart, and what the alias is less than, e^-away."""
    away, highest = (least + growth * math.log(N) for least, growth in (ALIAS, HIGHEST))
    d = 2 * np.pi * c / away
    return math.ceil(highest / d), d, away


def least_nodes(N: int) -> int:
    """How many nodes of theta a point takes at least."""
    return _nodes(LINES[0], N)[0]
