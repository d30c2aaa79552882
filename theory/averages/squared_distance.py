r"""The law of the squared distance s = |x - y|^2 from a point x to a Gaussian sample y: generalized noncentral chi-square.

Its Laplace transform is a product over directions, which sympy integrates:

    M(theta) = E exp(-theta s) = prod (1 + 2 lambda theta)^(-1/2) exp(-theta x^2 / (1 + 2 lambda theta)).

The nearest of N samples lives in the lower tail at probability 1/N, so the tail is wanted with *relative* accuracy.
Inverting M along the path of steepest descent gives that: the exponential smallness sits at the saddle,

    F(s) = 1/(2 pi i) int exp(theta s) M(theta) dtheta / theta = exp(Phi) * (an integral of order one),
    Phi = min over theta > 0 of  theta s + log M(theta) - log theta,

and the path theta_0 + i v - kappa v^2, kappa = |Phi'''| / 6 Phi'', follows that descent to third order. The
integrand falls along it like a Gaussian, so a trapezoidal rule of a few dozen nodes comes close to rounding
(Rice, SIAM J. Sci. Stat. Comput. 1 (1980) 438; the parabola as in Weideman and Trefethen, Math. Comp. 76 (2007) 1341).
Without the factor 1/theta it gives the density, and with another one the integral of F, for averages of min(s, .).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.derived import derived
from theory.formula import Formula
from theory.setting import LinearManifold

__all__ = ["SquaredDistance", "decreasing_root", "derivation", "log_laplace"]

Array = NDArray[np.float64]
derivation = derived("theory.algebra.squared_distance")
NODES_PER_WIDTH = 4.0  # of the peak; the error falls geometrically in it
USUAL_NODES = 50
BENDS = (1.0, 0.3, 0.0)  # of the path, relative to steepest descent
ROUNDING = -34.0  # log of what is neglected of the integrand
RISE = 0.05  # of its log on the way down, from which on a path is bent less
NEARBY = 1e-5  # in log theta: a path may start beside its saddle
RESOLVED = 1e-9  # of the mean, less than which a deviation is rounding
FARTHEST = 240.0  # widths of the peak to follow a path


def log_laplace(order: int = 0) -> Formula:
    """The order-th theta-derivative, 0 to 3, of log E_y exp(-theta (x - y)^2), y ~ N(0, lambda), at q = x^2, one direction."""
    return derivation()[f"log Laplace transform, derivative {order}"]


@cache
def _on_path() -> Callable[..., Any]:
    """log_laplace() for complex theta, the same expression with a faster logarithm."""
    return log_laplace().compiled_with(log1p=_log1p)


def _log1p(z: Any) -> Any:
    # NumPy's complex logarithm and exponential take several times as long as their real parts
    found, x = np.empty_like(z), 1 + z.real
    found.real, found.imag = np.log(x**2 + z.imag**2) / 2, np.arctan2(z.imag, x)
    return found


def _exp(z: Any) -> Any:
    found, size = np.empty_like(z), np.exp(np.minimum(z.real, 10))  # above 0 only on paths given up
    found.real, found.imag = size * np.cos(z.imag), size * np.sin(z.imag)
    return found


@dataclass(frozen=True)
class SquaredDistance:
    """Squared distance from points x to samples of a linear manifold, many x at once.

    Attributes:
        variances: lambda_k of the samples, shape (K,).
        dimensions: m_k, shape (K,).
        offsets: |x_k|^2, the squared norm of x in each subspace, shape (..., K).
    """

    variances: Array
    dimensions: Array
    offsets: Array

    def exponent(self, theta: Any, order: int = 0) -> Any:
        """The order-th derivative of log M at theta, shape (..., n), which may be complex."""
        per_direction = _on_path() if order == 0 and np.iscomplexobj(theta) else log_laplace(order).compiled
        total = 0.0
        for k, (variance, dimension) in enumerate(zip(self.variances, self.dimensions, strict=True)):
            squares = self.offsets[..., k, None] / dimension
            total = total + dimension * per_direction(variance, squares, theta)
        return total

    def distance_at(self, theta: Array) -> Array:
        """The s whose saddle is theta: decreasing, shape (..., n)."""
        return np.asarray(1 / theta - self.exponent(theta, 1))

    def level(self, theta: Array) -> Array:
        """Phi at the saddle theta: decreasing, with dPhi = theta ds."""
        return np.asarray(1 - theta * self.exponent(theta, 1) + self.exponent(theta) - np.log(theta))

    def curvature(self, theta: Array) -> Array:
        """theta^2 Phi'': the squared width of the saddle is its inverse, relative to theta^2."""
        return np.asarray(1 + theta**2 * self.exponent(theta, 2))

    @classmethod
    def to_samples(cls, manifold: LinearManifold, offsets: Array) -> SquaredDistance:
        """From points with offsets |x_k|^2, shape (..., K), to a sample drawn independently of them."""
        return cls(manifold.variances, manifold.dimensions.astype(float), offsets)

    def moments(self) -> tuple[Array, Array]:
        """Mean and standard deviation of s, shapes (..., 1)."""
        mean = (self.dimensions * self.variances + self.offsets).sum(axis=-1, keepdims=True)
        variance = 2 * self.variances * (self.dimensions * self.variances + 2 * self.offsets)
        return np.asarray(mean), np.asarray(np.sqrt(variance.sum(axis=-1, keepdims=True)))

    def is_resolved(self) -> bool:
        """Whether s scatters by more than rounding leaves of it, wherever it is seen from."""
        mean, deviation = self.moments()
        return bool((deviation > RESOLVED * mean).all())

    def tilted(self, rate: float) -> SquaredDistance:
        """The law re-weighted by exp(-rate s): at rate 1/2t, that of the sample x came from, given x."""
        shrink = 1 + 2 * self.variances * rate
        return SquaredDistance(self.variances / shrink, self.dimensions, self.offsets / shrink**2)

    def positive_saddle(self, s: Array) -> Array:
        """The saddle of each s > 0 on theta > 0, shape (..., n)."""
        # 1 <= s theta <= 1 + m/2 + |x|^2/8 lambda, subspace by subspace
        highest = 1 + (self.dimensions / 2 + self.offsets / (8 * self.variances)).sum(axis=-1, keepdims=True)

        def log_distance(theta: Array) -> tuple[Array, Array]:
            distance = self.distance_at(theta)
            return np.log(distance), self.curvature(theta) / (theta * distance)

        return decreasing_root(log_distance, np.log(s), 1 / s, highest / s, NEARBY)

    def negative_saddle(self, s: Array) -> Array:
        """The saddle of each s on the other side of the pole at 0, short of the singularity at -1/(2 lambda)."""
        edge = 1 / (2 * self.variances.max())

        def minus_distance(w: Array) -> tuple[Array, Array]:
            eta = edge * w / (1 + w)
            return -self.distance_at(-eta), self.curvature(-eta) / (eta * (1 + w))

        w = decreasing_root(minus_distance, -s, np.full_like(s, 1e-12), np.full_like(s, 1e12), NEARBY)
        return np.asarray(-edge * w / (1 + w))

    def saddle_of_tail(self, log_tail: float, low: Array, high: Array) -> Array:
        """The theta in [low, high] where F, to saddle-point accuracy, is exp(log_tail)."""

        def log_cdf(theta: Array) -> tuple[Array, Array]:
            curvature = self.curvature(theta)
            return self.level(theta) + np.log(theta) - np.log(2 * np.pi * curvature) / 2, curvature - 1

        return decreasing_root(log_cdf, np.full_like(low, log_tail), low, high)

    def saddle_of_level(self, level: Array, low: Array, high: Array) -> Array:
        """The theta in [low, high] where Phi = level, shape (..., n)."""
        return decreasing_root(lambda theta: (self.level(theta), self.curvature(theta)), level, low, high)

    def log_cdf_and_pdf(self, s: Array, positive: Array | None = None) -> tuple[Array, Array]:
        """The logs of P(distance^2 <= s), relative accuracy far into the lower tail, and of its density.

        `positive` is the positive saddle of each s, where it is known already; shapes (..., n).
        """
        saddle, top, (pdf, tail, _) = self._inverted(s, positive)
        with np.errstate(divide="ignore"):
            log_tail = top + np.log(np.maximum(np.sign(saddle) * tail, 0))
            log_pdf = top + np.log(np.maximum(pdf, 0))
            # round a positive saddle the integral is F, round a negative one it is 1 - F
            return np.where(saddle > 0, log_tail, np.log1p(-np.exp(np.minimum(log_tail, 0)))), log_pdf

    def log_cdf(self, s: Array) -> Array:
        """The log of P(distance^2 <= s), shape (..., n)."""
        return self.log_cdf_and_pdf(s)[0]

    def limited_mean(self, s: Array) -> Array:
        """E min(distance^2, s), shape (..., n)."""
        saddle, top, (_, _, excess) = self._inverted(s)
        # round a positive saddle the integral is E (s - distance^2)_+, round a negative one E (distance^2 - s)_+
        return np.asarray(np.where(saddle > 0, s, self.moments()[0]) - np.exp(top) * excess)

    def _inverted(self, s: Array, positive: Array | None = None) -> tuple[Array, Array, Array]:
        """The saddle of each s, the exponent there, and the integrals for density, tail and excess in units of its exp."""
        s = np.broadcast_to(s, self.offsets.shape[:-1] + np.shape(s)[-1:])
        mean, deviation = self.moments()
        near = s <= mean + 0.4 * deviation
        saddle = np.empty_like(s)
        # one law per path from here on, so that paths can be told apart
        saddle[near] = self._of(near).positive_saddle(s[near][:, None])[:, 0] if positive is None else positive[near]
        saddle[~near] = self._of(~near).negative_saddle(s[~near][:, None])[:, 0]
        top = saddle * s + self.exponent(saddle)
        columns = (a.reshape(-1, 1) for a in (s, saddle, top))
        return saddle, top, self._of(np.ones_like(near))._integrals(*columns).reshape(3, *s.shape)

    def _of(self, chosen: NDArray[np.bool_]) -> SquaredDistance:
        """The law of each chosen path, offsets of shape (number chosen, K)."""
        return self._at(np.nonzero(chosen)[:-1])

    def _at(self, index: Any) -> SquaredDistance:
        return SquaredDistance(self.variances, self.dimensions, self.offsets[index])

    def _integrals(self, s: Array, saddle: Array, top: Array) -> Array:
        """The integrals for density, tail and excess in units of exp(top), shape (3, n, 1); all others (n, 1).

        Steepest descent bends to the left, but not so far that it meets what other subspaces have there: each path is
        bent less until the integrand falls along it steadily.
        """
        integrals = np.zeros((3, *s.shape))
        left = np.arange(len(s))
        for bend in BENDS:
            law, s_, saddle_, top_ = self._at(left), s[left], saddle[left], top[left]
            kappa, reach, nodes = law._path(s_, saddle_, top_, bend)
            rough = np.ones(len(left), dtype=bool)
            # a few paths ask for many more nodes than the rest
            for part in (
                np.flatnonzero(nodes <= USUAL_NODES),
                np.flatnonzero((nodes > USUAL_NODES) & np.isfinite(nodes)),
            ):
                if part.size:
                    path = s_[part], saddle_[part], top_[part], kappa[part], reach[part]
                    found = law._at(part)._along_path(*path, nodes=int(nodes[part].max()))
                    integrals[:, left[part]], rough[part] = found
            left = left[rough]
            if not left.size:
                break
        return integrals

    def _path(self, s: Array, saddle: Array, top: Array, bend: float) -> tuple[Array, Array, Array]:
        """The bend kappa of each path, how far up the integrand falls to rounding, and the nodes that takes, (n,)."""
        second, third = self.exponent(saddle, 2), self.exponent(saddle, 3)
        # the pole bends the path only where it, not M, makes the peak: M grows to the left of 0
        pole = np.where(saddle > 0, 2 / saddle**3 / (1 + saddle**2 * second) ** 2, 0)
        width = 1 / np.sqrt(second + 1 / saddle**2)
        kappa = bend * width**2 * (pole - third) / 6
        reach = FARTHEST * width if bend == 0 else np.full_like(s, np.inf)
        for v in np.geomspace(FARTHEST, 4, 14)[:, None, None] * width:
            path = saddle - kappa * v**2 + 1j * v
            reach = np.where((path * s + self.exponent(path)).real - top < ROUNDING, v, reach)
        return kappa, reach, np.ceil(reach / width * NODES_PER_WIDTH)[:, 0]

    def _along_path(
        self, s: Array, saddle: Array, top: Array, kappa: Array, reach: Array, nodes: int
    ) -> tuple[Array, NDArray[np.bool_]]:
        """The integrals, over 1, theta and theta^2, by the trapezoidal rule, and whether the integrand rose on the way."""
        integrals = np.zeros((3, *s.shape))
        lowest, rough = np.full_like(s, np.inf), np.zeros_like(s, dtype=bool)
        for j in range(nodes):
            v = (j + 0.5) / nodes * reach
            path = saddle - kappa * v**2 + 1j * v
            exponent = path * s + self.exponent(path) - top
            lowest = np.minimum(lowest, exponent.real)
            rough |= (exponent.real > lowest + RISE) & (exponent.real > ROUNDING)
            height, inverse = _exp(exponent) * (1 + 2j * kappa * v), 1 / path
            for integral in integrals:
                integral += height.real
                height = height * inverse
        return integrals * reach / (nodes * np.pi), rough[:, 0]


def decreasing_root(
    f: Callable[[Array], tuple[Array, Array]], value: Array, low: Array, high: Array, tolerance: float = 4e-15
) -> Array:
    """The theta in [low, high] where a decreasing f equals value: Newton in log theta, bisecting where that is slow.

    `f` returns itself and -df/dlog(theta), elementwise; the tolerance is one of log theta.
    """
    low, high = (np.log(np.broadcast_to(edge, value.shape)) for edge in (low, high))
    u, step = (low + high) / 2, high - low
    for _ in range(100):
        excess, slope = f(np.exp(u))
        excess = excess - value
        low, high = np.where(excess > 0, u, low), np.where(excess > 0, high, u)
        newton = u + excess / slope
        good = (newton > low) & (newton < high) & (np.abs(newton - u) < np.abs(step) / 2)
        new = np.where(good, newton, (low + high) / 2)
        u, step = new, new - u
        if (np.abs(step) <= tolerance * np.maximum(1, np.abs(u))).all():
            break
    return np.asarray(np.exp(u))
