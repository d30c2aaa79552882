r"""Averages of e^-z, z e^-z and z^2 e^-z over one sample, z = exp(v - E), by Mellin's inversion.

A sample y at a point x has the energy E = |x - y|^2 / 2tT. It enters by its tilted averages M(theta) = E e^(-theta E)
and f(theta) = E[f e^(-theta E)]/M alone:

    E[f z^a e^-z] = 1/(2 pi i) int p_a(theta) Gamma(-theta) e^(theta v) M(theta) f(theta) dtheta + residues,
    p_0 = 1,  p_1 = -theta,  p_2 = theta (theta - 1).

Gamma(-theta) has poles at 0, 1, 2, ..: the path may run in any strip j < Re theta < j + 1, left of them for the average
itself, and right of j for what exceeds its power series in z up to z^j, which is the residues. It runs in the strip
where e^(theta v) M has its saddle, and there along the path of steepest descent: nothing cancels, however small the
result is. The strip tells phases apart: theta in (0, 1) is the condensed one, right of 1 the sum Z is self-averaging.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, factorial, gammaln, loggamma, polygamma

from theory.averages.squared_distance import SquaredDistance
from theory.setting import LinearManifold

__all__ = ["PATH_NODES", "Paths", "Sample", "Tilted"]

Array = NDArray[np.float64]
Tilted = Callable[["Paths", Any], Any]  # paths and theta to the tilted average of some f
PATH_NODES = 32
WIDTHS = 2.5  # of the peak, within which the nodes of a path are evenly spaced
PROBES = np.geomspace(4, 240, 8)  # widths of the peak: how far to follow a path is found between them
BENDS = (0.15, 0.05, 0.0)  # of the path, relative to steepest descent
ROUNDING = -34.0  # log of what is neglected of an integrand
RISE = 0.05  # of its log on the way down, from which on a path is bent less
STRIPS = 12
LEVELS = 700  # points of a table of levels


@dataclass(frozen=True)
class Sample:
    """A Gaussian sample y seen from points x.

    Attributes:
        distance: the law of |x - y|^2, offsets of shape (n, K).
        scale: 2tT.
        reach: (x - E y) is this much of x, shape (K,): 1 for an impostor, t/(lambda + t) for the sample x came from.
        away: E y - m is this much of x, m the posterior mean, shape (K,): -lambda/(lambda + t), and 0.
    """

    distance: SquaredDistance
    scale: float
    reach: Array
    away: Array

    @classmethod
    def impostor(cls, manifold: LinearManifold, offsets: Array, t: float, temperature: float) -> Sample:
        """Drawn independently of x; offsets |x_k|^2 of shape (n, K)."""
        variances = manifold.variances
        law = SquaredDistance.to_samples(manifold, offsets)
        return cls(law, 2 * t * temperature, np.ones_like(variances), -variances / (variances + t))

    @classmethod
    def own(cls, manifold: LinearManifold, offsets: Array, t: float, temperature: float) -> Sample:
        """The one that x came from, given x."""
        variances = manifold.variances
        law = SquaredDistance.to_samples(manifold, offsets).tilted(1 / (2 * t))
        return cls(law, 2 * t * temperature, t / (variances + t), np.zeros_like(variances))

    def exponent(self, theta: Any, order: int = 0) -> Any:
        """The order-th derivative of log M at theta, shape (n, ...)."""
        return self.distance.exponent(theta / self.scale, order) / self.scale**order

    def at(self, index: Any) -> Sample:
        """The same seen from some of the points."""
        law = self.distance
        return Sample(
            SquaredDistance(law.variances, law.dimensions, law.offsets[index]), self.scale, self.reach, self.away
        )

    @property
    def least(self) -> float:
        """The least theta that matters: that of the largest energies, some variances over t."""
        return float(min(1e-30, 1e-3 * self.scale / (2 * self.distance.variances.max())))

    def _shrink(self, k: int, theta: Any) -> Any:
        return 1 / (1 + 2 * self.distance.variances[k] / self.scale * theta)

    def mean(self, theta: Any, k: int) -> Any:
        """The tilted average of y - m in subspace k, in units of x."""
        return self.away[k] + self.reach[k] * (1 - self._shrink(k, theta))

    def variance(self, theta: Any, k: int) -> Any:
        """The tilted variance of y in subspace k, summed over its directions."""
        return self.distance.dimensions[k] * self.distance.variances[k] * self._shrink(k, theta)

    def levels(self) -> tuple[Array, Array, Array]:
        """v, the log of P(E + log Exp(1) <= v) to saddle-point accuracy, and its slope, shapes (n, LEVELS), v increasing."""
        w = np.geomspace(1e4, self.least, LEVELS)
        theta = np.broadcast_to(w / (1 + w), (self.distance.offsets.shape[0], LEVELS))
        v = 1 / theta + digamma(1 / (1 + w)) - self.exponent(theta, 1)
        curvature = 1 + theta**2 * (polygamma(1, 1 / (1 + w)) + self.exponent(theta, 2))
        return v, gammaln(1 / (1 + w)) + theta * v + self.exponent(theta) - np.log(2 * np.pi * curvature) / 2, theta


def _pole_curvature(theta: Array, order: int) -> Array:
    """The order-th derivative, 0 or 1, in theta of the trigamma function at -theta; theta < 0, or in a strip to the right."""
    of = (_trigamma_of, lambda z: -polygamma(2, z))[order]
    direct = of(np.where(theta < 0, -theta, 1.0))
    sine, cosine = np.sin(np.pi * theta), np.cos(np.pi * theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        reflected = np.pi**2 / sine**2 if order == 0 else -2 * np.pi**3 * cosine / sine**3
    right = of(1 + np.maximum(theta, 0))
    return np.where(theta < 0, direct, reflected - right if order == 0 else reflected + right)


class Paths:
    """E[f z^a e^-z] at every v, shape (n, V), along one path of some nodes for each."""

    def __init__(self, sample: Sample, v: Array, nodes: int = PATH_NODES) -> None:
        self.v, self.sample = v, sample
        flat = sample.at(np.repeat(np.arange(v.shape[0]), v.shape[1]))
        self.flat, u = flat, v.reshape(-1, 1)
        poles = np.arange(STRIPS + 1.0)
        self.log_powers = sample.exponent(np.broadcast_to(poles, (v.shape[0], poles.size)))  # of z, without e^(theta v)
        energies = -sample.exponent(np.broadcast_to(poles[:-1], (v.shape[0], STRIPS)), 1)
        self.strip = (v[..., None] < energies[:, None, :]).sum(axis=-1) - 1  # -1: left of all poles
        saddle = self._saddles(flat.scale / (2 * flat.distance.variances.max()))
        self.theta, height = _followed(flat, u, saddle, nodes)
        self.heights = [height, *(_polynomial(power, self.theta) * height for power in (1, 2))]

    def _saddles(self, edge: float) -> Array:
        """Where e^(theta v) M(theta) |Gamma(-theta)| is least in the strip of each v; interpolated: a path may start beside."""
        saddle = np.empty_like(self.v)
        for strip in np.unique(self.strip):
            low, width = (-edge, edge) if strip < 0 else (float(strip), 1.0)
            w = np.geomspace(1e10, self.flat.least if strip == 0 else 1e-11, LEVELS)
            theta = np.broadcast_to(low + width * w / (1 + w), (self.v.shape[0], LEVELS))
            at = digamma(-low - width * w / (1 + w)) - self.sample.exponent(theta, 1)  # the v whose saddle that is
            for i, here in enumerate(self.strip == strip):
                u = np.exp(np.interp(self.v[i, here], at[i], np.log(w)))
                saddle[i, here] = low + width * u / (1 + u)
        return saddle.reshape(-1, 1)

    def average(self, power: int, f: Tilted | None = None, *, first: int = 0) -> Array:
        """E[f z^power e^-z], shape (n, V), less its power series in z up to z^first in strips to the right of that."""
        weight = self.heights[power]
        total = (weight.real.sum(axis=-1) if f is None else _real_of_sum(weight, f(self, self.theta))).reshape(
            self.v.shape
        )
        for j in range(max(power, first + 1), STRIPS + 1):
            inside = self.strip >= j
            if not inside.any():
                break
            factor = _polynomial(power, float(j)) * (-1) ** j / factorial(j)
            term = factor * np.exp(np.where(inside, j * self.v + self.log_powers[:, j, None], -np.inf))
            if f is not None:
                term = term * np.reshape(f(self, np.full((self.theta.shape[0], 1), float(j))), self.v.shape)
            total = total + term
        return np.asarray(total)

    def energy(self, theta: Any) -> Any:
        """The tilted average of E - v; left of 1 by parts, with z e^-z: an average of -log z, which is of order one."""
        exact = -self.flat.exponent(theta, 1) - self.v.reshape(-1, 1)
        left = self._left(theta)
        exact[left] = -_digamma_of(1 - theta[left])
        return exact

    def energy_variance(self, theta: Any) -> Any:
        """The tilted variance of E, likewise."""
        exact, left = self.flat.exponent(theta, 2), self._left(theta)
        exact[left] = _trigamma_of(1 - theta[left])
        return exact

    def _left(self, theta: Any) -> NDArray[np.bool_]:
        return (self.strip.reshape(-1, 1) < 1) & (theta.real < 1)


def _digamma_of(z: Any) -> Any:
    """The digamma function right of the imaginary axis: by recurrence to |z| > 10, where the asymptotic series holds."""
    r = 1 / (z + 10)
    q = r**2
    series = np.log(z + 10) - r / 2 - q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q / 132))))
    return series - sum(1 / (z + k) for k in range(10))


def _trigamma_of(z: Any) -> Any:
    """The trigamma function, likewise."""
    r = 1 / (z + 10)
    q = r**2
    series = r + q / 2 + r * q * (1 / 6 - q * (1 / 30 - q * (1 / 42 - q * (1 / 30 - q * 5 / 66))))
    return series + sum(1 / (z + k) ** 2 for k in range(10))


def _real_of_sum(a: Any, b: Any) -> Array:
    """The real part of sum a b over the last axis."""
    return np.einsum("ij,ij->i", a.real, b.real) - np.einsum("ij,ij->i", a.imag, b.imag)


def _polynomial(power: int, theta: Any) -> Any:
    return (1.0, -theta, theta * (theta - 1))[power]


def _reach(log_heights: Array) -> Array:
    """How far to follow each path, in widths of its peak, shape (n, 1), from the heights at the probes; by interpolation."""
    beyond = np.maximum.accumulate(log_heights < ROUNDING, axis=1)
    last = np.clip(beyond.argmax(axis=1, keepdims=True), 1, None)
    far, near = (np.log(np.maximum(-np.take_along_axis(log_heights, i, axis=1), 1)) for i in (last, last - 1))
    share = np.clip((np.log(-ROUNDING) - near) / np.maximum(far - near, 1e-3), 0, 1)
    found = PROBES[last - 1] * (PROBES[last] / PROBES[last - 1]) ** share
    return np.where(beyond[:, -1:], found, PROBES[-1])


def _followed(flat: Sample, u: Array, saddle: Array, count: int) -> tuple[Any, Any]:
    """Nodes of each path and the integrand there, shapes (n, P), such that its sum is the integral.

    The paths bend to the left, towards steepest descent, but not so far that they meet the singularities there: each is
    bent less until the integrand falls along it steadily.
    """
    poles = _pole_curvature(saddle, 0)
    second = poles + flat.exponent(saddle, 2)
    # the poles bend the path only where they, not M, make the peak
    with np.errstate(over="ignore", invalid="ignore"):
        third = _pole_curvature(saddle, 1) * (poles / second) ** 2 + flat.exponent(saddle, 3)
    third = np.where(np.isfinite(third), third, 0.0)  # where cubes are no numbers, straight paths will do
    width = 1 / np.sqrt(second)
    top = gammaln(-saddle) + saddle * u + flat.exponent(saddle)
    theta = np.empty((u.shape[0], count), dtype=complex)
    height = np.zeros_like(theta)
    left = np.arange(u.shape[0])
    for bend in BENDS:
        law, u_, saddle_, width_, top_ = flat.at(left), u[left], saddle[left], width[left], top[left]
        kappa = bend * np.maximum(-(width_**2) * third[left] / 6, 0)

        def path(omega: Array, saddle_: Array = saddle_, kappa: Array = kappa) -> Any:
            return saddle_ - kappa * omega**2 + 1j * omega

        def log_height(nodes: Any, law: Sample = law, u_: Array = u_, top_: Array = top_) -> Any:
            return loggamma(-nodes) + nodes * u_ + law.exponent(nodes) - top_

        reach = _reach(log_height(path(PROBES * width_)).real)
        last = np.arcsinh(reach / WIDTHS)
        tau = (np.arange(count) + 0.5) / count * last
        omega = WIDTHS * width_ * np.sinh(tau)
        nodes = path(omega)
        exponent = log_height(nodes)
        lowest = np.minimum.accumulate(exponent.real, axis=1)
        rough = ((exponent.real > lowest + RISE) & (exponent.real > ROUNDING)).any(axis=1)
        step = WIDTHS * width_ * np.cosh(tau) * last / count / np.pi
        theta[left] = nodes
        size = np.exp(np.minimum(exponent.real, 0) + top_) * step
        height[left] = (np.cos(exponent.imag) + 1j * np.sin(exponent.imag)) * (1 + 2j * kappa * omega) * size
        left = left[rough]
        if not left.size:
            break
    return theta, height
