r"""The saddle of random features: the resolvent of their covariance in the limit of many features, samples and dimensions.

U is the covariance of p features over the noise of n samples in d dimensions. In the limit it is that of

    U = G G^T/n + b^2 W W^T/d + s^2,    G = sqrt(c/d) W X^T + v Z,

W and Z of independent standard normal entries, X the n samples, of variances lambda. With psi_p = p/d, psi_n = n/d, <.> the
mean over directions, and y what is left of a sample's weight where it counts itself, q = Tr (U - z)^-1/p solves

    x(lambda) = psi_p q (b^2 + c lambda y),
    1/y = 1 + (psi_p/psi_n) (v^2 q + c r),             r = q <lambda/(1 + x)> = Tr (U - z)^-1 W Sigma W^T/pd,
    z = s^2 + v^2 y - (1 - <x/(1 + x)>/psi_p)/q,       s = q <1/(1 + x)> = Tr (U - z)^-1 W W^T/pd.

For Im z > 0 these, read as a map of q and 1/y, take the half planes Im q > 0 > Im y into themselves, and have one solution
there (Earle and Hamilton): what Newton's method finds there is the right branch, wherever it began. At a real z outside the
spectrum a real solution is right where the derivative of that map, of positive entries, has a spectral radius below 1. At an
edge it is 1.

The logarithm of det(U - z), over p, is stationary in q and y, and minus its imaginary part over pi counts the eigenvalues
below z:

    -log q + <log(1 + x)>/psi_p + (psi_n/psi_p)(y - 1 - log y) + q (s^2 + v^2 y - z) - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FeatureSaddle", "Found"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
FAR = 100.0  # Im z where the path to the real axis begins, in units of a bound of the spectrum
ROUNDS = 100  # of the path; some ten are enough
LOWEST = 1e-13  # Im z that is as good as none, in units of the distance from s^2: at an edge itself
NEWTON = 12  # steps of a round
CLOSE, CONVERGED = (
    1e-13,
    1e-9,
)  # relative, of the last step: where it may end, and at least, of the root of what is left
REAL = 1e-9  # relative, of an imaginary part that may be rounding
EDGE_STEPS = 40
TINY = 1e-30  # a complex step
LEAST = 1e-14  # of a bound of the spectrum: how near to s^2 eigenvalues are looked for
FIRST, GRID, NARROWINGS = 500, 100, 2  # points of a search for edges, and how often it is narrowed
FEW = 1e-8  # of all eigenvalues, that may lie between an edge and where its search ends


class Found(NamedTuple):
    """The saddle at z, arrays of the shape of z: q, y, and the traces r and s, all of the module's docstring."""

    q: Complex
    y: Complex
    r: Complex
    s: Complex


@dataclass(frozen=True, eq=False)
class FeatureSaddle:
    """The constants of the saddle.

    Attributes:
        linear: c = a^2 alpha^2, of the sample's part of a feature that is linear in the sample.
        noise: b^2 = a^2 sigma^2, of the part linear in the noise.
        sample: v^2, of the rest of the sample's part.
        rest: s^2, of the rest of the noise's part.
        lam: the variances of the data, normal directions with 0, shape (K,).
        weights: the shares of directions that have them, shape (K,), of sum 1.
        psi_p: features over dimensions.
        psi_n: samples over dimensions.
    """

    linear: float
    noise: float
    sample: float
    rest: float
    lam: Array
    weights: Array
    psi_p: float
    psi_n: float

    def solve(self, z: ArrayLike) -> Found:
        """q, y, r and s at z, Im z >= 0, of any shape; at a real z inside the spectrum the limit from above.

        Relative accuracy 1e-12, of 1e-6 at an edge itself. A thousand points take 15 ms.
        """
        z = np.asarray(z, dtype=np.complex128)
        with np.errstate(invalid="ignore", divide="ignore"):
            q, y = self._path(z.ravel())
            return self._found(q.reshape(z.shape), y.reshape(z.shape))

    def density(self, u: ArrayLike) -> Array:
        """Of the p eigenvalues of U at u, shape of u: Im q/pi, 0 outside the spectrum."""
        return np.asarray(np.maximum(self.solve(u).q.imag, 0.0) / np.pi)

    def share_below(self, u: ArrayLike) -> Array:
        """The share of the p eigenvalues below a real u, shape of u, to 1e-12 absolute: between bulks a multiple of 1/p."""
        z = np.asarray(u, dtype=np.complex128)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._share(z, self.solve(z))

    def response(self, found: Found, z: ArrayLike) -> Found:
        """Derivatives of q, y, r and s at z by eps in U + eps times the covariance of features over fresh points and noise.

        To first order b^2 gains eps (b^2 + lambda c) in the direction's own term, s^2 gains eps (v^2 + s^2).
        """
        z, q, y = np.asarray(z, dtype=np.complex128), found.q, found.y
        gain, kept = self._gain(q, y)
        fresh = self.noise + self.linear * self.lam
        w, lam, squares = self.weights, self.lam, kept**2
        pull = self.psi_p * q * q  # of x on q/(1 + x), but for 1/(1 + x)^2
        first = y * self.psi_p / self.psi_n * self.linear * pull * (squares @ (w * lam * fresh))
        second = q * (self.sample + self.rest + squares @ (w * fresh))
        dq, dy = _solve2(self._slopes(q, y, z), first, -second)
        dx = self.psi_p * (dq[..., None] * gain + q[..., None] * (fresh + self.linear * lam * dy[..., None]))
        change = dq[..., None] * kept - q[..., None] * squares * dx
        return Found(dq, dy, change @ (w * lam), change @ w)

    def edges(self, shares: ArrayLike) -> tuple[Array, Array]:
        """The edges of the gaps with these shares of the eigenvalues below them, in the shape of `shares`; NaN for no gap.

        The gap below the spectrum begins at minus infinity, that above `at_rest` at s^2, and the last ends at infinity.
        Relative accuracy 1e-10.
        """
        wanted = np.asarray(shares, dtype=np.float64).ravel()
        few = FEW * min(1.0, 1 / self.psi_p)
        first, last = wanted < self.at_rest + few, wanted > 1 - few
        lower, upper = np.split(self._search(np.concatenate([wanted - few, wanted + few])), 2)
        middle = np.where(first, (self.rest + upper) / 2, np.where(last, 2 * lower, (lower + upper) / 2))
        apart = ~self._inside(middle)
        below, above = np.split(self._edge(np.concatenate([lower, upper])), 2)
        below = np.where(first, self.rest if self.at_rest > 0 else -np.inf, below)
        above = np.where(last, np.inf, above)
        below, above = (np.where(apart, edge, np.nan).reshape(np.shape(shares)) for edge in (below, above))
        return below, above

    @property
    def at_rest(self) -> float:
        """The share of the eigenvalues that are s^2 itself."""
        return max(0.0, 1 - (self.psi_n + 1) / self.psi_p)

    @property
    def bound(self) -> float:
        """Above all the spectrum."""
        samples, directions = 1 + (self.psi_p / self.psi_n) ** 0.5, 1 + self.psi_p**0.5
        along = self.noise + self.linear * self.lam.max() * (1 + self.psi_n**-0.5) ** 2
        return float(self.rest + 2 * self.sample * samples**2 + 2 * along * directions**2)

    # the equations

    def _gain(self, q: Any, y: Any) -> tuple[Any, Any]:
        """b^2 + c lambda y and 1/(1 + x) of each variance, shape (..., K)."""
        gain = self.noise + self.linear * self.lam * y[..., None]
        return gain, 1 / (1 + self.psi_p * q[..., None] * gain)

    def _found(self, q: Complex, y: Complex) -> Found:
        kept = self._gain(q, y)[1]
        return Found(q, y, q * (kept @ (self.weights * self.lam)), q * (kept @ self.weights))

    def _residues(self, q: Any, y: Any, z: Any) -> tuple[Any, Any]:
        """Of the equations of y, times y, and of z, times q."""
        gain, kept = self._gain(q, y)
        w, ratio = self.weights, self.psi_p / self.psi_n
        first = y - 1 + y * ratio * q * (self.sample + self.linear * (kept @ (w * self.lam)))
        second = q * (self.rest - z + self.sample * y + (gain * kept) @ w) - 1
        return first, second

    def _slopes(self, q: Any, y: Any, z: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Their derivatives by q and y."""
        gain, kept = self._gain(q, y)
        w, squares, ratio = self.weights, kept**2, self.psi_p / self.psi_n
        seen = squares @ (w * self.lam)
        of_noise = squares * (1 + self.psi_p * self.noise * q[..., None]) @ (w * self.lam)
        by_q = ratio * y * (self.sample + self.linear * seen), self.rest - z + self.sample * y + (gain * squares) @ w
        by_y = 1 + ratio * q * (self.sample + self.linear * of_noise), q * (self.sample + self.linear * seen)
        return (by_q[0], by_y[0]), (by_q[1], by_y[1])

    def _level(self, q: Any, y: Any) -> Any:
        """z - s^2 of q and y."""
        gain, kept = self._gain(q, y)
        return self.sample * y + (gain * kept) @ self.weights - 1 / q

    def _is_right(self, q: Complex, y: Complex) -> NDArray[np.bool_]:
        """Whether a solution is that of the resolvent: inside the half planes, or real with a contracting map."""
        inside = (q.imag > REAL * np.abs(q)) & (y.imag < 0)
        real = (np.abs(q.imag) <= REAL * np.abs(q)) & (np.abs(y.imag) <= REAL * np.abs(y))
        return np.asarray(inside | (real & self._contracts(q.real, y.real)))

    def _contracts(self, q: Array, y: Array) -> NDArray[np.bool_]:
        own, whole = self._excess(q, y)
        return np.asarray((own > 0) & (whole > 0))

    def _excess(self, q: Any, y: Any) -> tuple[Any, Any]:
        """1 less the derivative J of the map: that of q alone, and det(1 - J), which vanishes at an edge."""
        gain, kept = self._gain(q, y)
        w, squares, lam = self.weights, kept**2, self.lam
        seen = self.sample + self.linear * (squares @ (w * lam))
        own = 1 - self.psi_p * q**2 * ((gain**2 * squares) @ w)
        weight = self.psi_p * (q * y) ** 2 / self.psi_n
        other = 1 - weight * self.psi_p * self.linear**2 * (squares @ (w * lam**2))
        return own, own * other - weight * seen**2

    # the path from far above the real axis

    def _path(self, z: Complex) -> tuple[Complex, Complex]:
        """q and y at each z, shape (n,): from far above down to it, by steps that Newton's method can follow."""
        height = np.full(z.shape, FAR * self.bound)
        q, y = -1 / (z + 1j * height), np.ones(z.shape, dtype=complex)
        q, y, _ = self._newton(q, y, z + 1j * height)
        step = np.full(z.shape, 0.1)
        done = np.isnan(z)
        for _ in range(ROUNDS):
            (left,) = np.nonzero(~done)
            if not left.size:
                break
            self._advance(left, z, q, y, height, step, done)
        q[~done], y[~done] = np.nan, np.nan
        return q, y

    def _advance(
        self, left: Any, z: Complex, q: Complex, y: Complex, height: Array, step: Array, done: NDArray[np.bool_]
    ) -> None:
        """One step of those `left`, in place: to the axis itself if it can be, or to a lower height."""
        away = np.abs(z - self.rest) + LEAST * self.bound
        done[left] = height[left] < LOWEST * away[left]
        near = left[height[left] < away[left]]
        done[near[self._attempt(near, z, q, y, np.zeros(near.size))]] = True
        left = left[~done[left]]
        lower = height[left] * step[left]
        moved = self._attempt(left, z, q, y, lower)
        height[left[moved]] = lower[moved]
        step[left] = np.where(moved, np.maximum(step[left] ** 1.5, 1e-3), np.sqrt(step[left]))

    def _attempt(self, left: Any, z: Complex, q: Complex, y: Complex, height: Array) -> NDArray[np.bool_]:
        """Try to solve at z + i height from where q and y are; they stay where it fails."""
        new_q, new_y, good = self._newton(q[left], y[left], z[left] + 1j * height)
        good &= self._is_right(new_q, new_y)
        q[left[good]], y[left[good]] = new_q[good], new_y[good]
        return good

    def _newton(self, q: Complex, y: Complex, z: Complex) -> tuple[Complex, Complex, NDArray[np.bool_]]:
        """Newton's method, and where it converged."""
        with np.errstate(all="ignore"):
            for _ in range(NEWTON):
                dq, dy = _solve2(self._slopes(q, y, z), *self._residues(q, y, z))
                q, y = q - dq, y - dy
                last = np.maximum(np.abs(dq / q), np.abs(dy / y))
                if (last < CLOSE).all():
                    break
            return q, y, np.asarray(last < CONVERGED)

    # counts and edges

    def _share(self, z: Complex, found: Found) -> Array:
        q, y = found.q, found.y
        gain, _ = self._gain(q, y)
        up = _angle(q)
        of_kept = up - (_angle(np.conj(1 / q[..., None] + self.psi_p * gain)) @ self.weights)  # of 1 + x
        of_samples = -_angle(np.conj(y)) - y.imag
        linear = (q * (self.rest - z + self.sample * y)).imag
        share = up - of_kept / self.psi_p + of_samples * self.psi_n / self.psi_p - linear
        return np.asarray(share / np.pi)

    def _search(self, shares: Array) -> Array:
        """Where so many of the eigenvalues lie below, shape (n,); the least u that is looked at where there are more."""
        log_u = np.linspace(np.log(LEAST * self.bound), np.log(self.bound), FIRST)[None]
        for _ in range(NARROWINGS + 1):
            beyond = self.share_below(self.rest + np.exp(log_u)) >= shares[:, None]
            beyond[:, -1] = True
            first = np.maximum(beyond.argmax(axis=1), 1)[:, None]
            rows = np.broadcast_to(log_u, beyond.shape)
            low, high = (np.take_along_axis(rows, at, axis=1) for at in (first - 1, first))
            log_u = low + (high - low) * np.linspace(0, 1, GRID)
        return np.asarray(self.rest + np.exp((low + high)[:, 0] / 2))

    def _inside(self, u: Array) -> NDArray[np.bool_]:
        """Whether the spectrum has u."""
        q = self.solve(u).q
        return np.asarray(~(np.abs(q.imag) <= REAL * np.abs(q)))

    def _edge(self, u: Array) -> Array:
        """The edge next to each u, which lies inside a bulk near it, shape (n,)."""
        found = self.solve(u)
        q, y = found.q.real, found.y.real
        with np.errstate(all="ignore"):
            for _ in range(EDGE_STEPS):
                dq, dy = _solve2(*self._turning(q, y))
                q, y = q - dq, y - dy
        return np.asarray(self.rest + self._level(q, y))

    def _turning(self, q: Array, y: Array) -> tuple[tuple[tuple[Array, Array], tuple[Array, Array]], Array, Array]:
        """What vanishes at an edge, the equation of y and det(1 - J), after its slopes, of a complex step."""
        by_q, by_y = (self._at_edge(q + 1j * dq, y + 1j * dy) for dq, dy in ((TINY * abs(q), 0), (0, TINY)))
        slopes = tuple((a.imag / (TINY * abs(q)), b.imag / TINY) for a, b in zip(by_q, by_y, strict=True))
        return (slopes, by_q[0].real, by_q[1].real)  # type: ignore[return-value]

    def _at_edge(self, q: Any, y: Any) -> tuple[Any, Any]:
        return self._residues(q, y, 0.0)[0], self._excess(q, y)[1]


def _solve2(slopes: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """The solution of two linear equations, elementwise."""
    (a, b), (c, d) = slopes
    whole = a * d - b * c
    return (d * first - b * second) / whole, (a * second - c * first) / whole


def _angle(value: Complex) -> Array:
    """Of a number in the upper half plane, where a real one may have an imaginary part of rounding: 0 to pi."""
    return np.asarray(np.arctan2(np.maximum(value.imag, 0.0) + 0.0, value.real))
