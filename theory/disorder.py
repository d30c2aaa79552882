r"""Exact averages over the data set, at every N and D.

Euler's integral for the powers of 1/Z, Z = sum exp(-E), turns every average over N independent samples into one
integral over v = log u of averages over one sample, z = u exp(-E). With phi = E e^-z, A[f] = E[f z e^-z] and
B[f] = E[f z^2 e^-z], which theory.averages.over_a_sample evaluates,

    E sum w f                    = N int A[f] phi^(N-1) dv,
    E sum w^2                    = N int B[1] phi^(N-1) dv,
    E (sum w f)^2                = N int B[f^2] phi^(N-1) dv + N (N-1) int A[f]^2 phi^(N-2) dv,
    E sum w f^2 - E (sum w f)^2  = N (N-1) int (A[f^2] A[1] - A[f]^2) phi^(N-2) dv,
    E log Z                      = -gamma - N int v A[1] phi^(N-1) dv,
    log E Z - E log Z            = int (phi^N - exp(-N E z)) dv,

for phi^N is the probability that v stays below log Exp(1) - log Z. The first and the third with f = 1 must give 1:
every call checks both, and `error` is what they are off by. The average over x estimates its own (theory.averages.over_points).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing import parent_process
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.averages.over_a_sample import PATH_NODES, Paths, Sample, Tilted
from theory.averages.over_points import asked, average, legendre
from theory.observable import gaussian_only
from theory.setting import SMALLEST, LinearManifold, Setting

__all__ = ["Disorder", "averages", "log1p_less", "reference"]

Array = NDArray[np.float64]
PANEL_NODES = 12
PANEL, SLOPE = 3.0, 1.0  # e-folds of probability and of its slope to a panel
GRADE = 3.0  # e-folds below 1/N where panels grow to twice that
LOWEST = 36.0  # e-folds below 1/N from where the integrals over v start
TAILS = 40.0  # e-folds of the upper tail at which they end, where samples are few
ROUNDING = 1e-12  # of averages of order one; below it they are nothing
RARE = 1e-35  # of the posterior's variance: a smaller spread is of ties beyond the ends of the integrals, and nothing
EULER = 0.5772156649015329
AT_ONCE = 8  # points x
ACCURACY = 1e-6
# noise, in units of the largest variance: below, cubes of energies are no numbers; above, nothing tells the samples apart
DEEPEST, HIGHEST = 1e-100, 1e10
USUAL = 1e-30, 1e30  # variances whose units are as good as any
# below which 1e-6 of that is accuracy enough
FLOORS = {"log_partition": 1.0, "entropy": 1e-6, "heat_capacity": 1e-6, "divergence": 1e-8}
BY_SUBSPACE = {"mean_error", "spread"}
KNOWN = {"participation", "log_partition", "entropy", "energy", "heat_capacity", "divergence", *BY_SUBSPACE}


def averages(setting: Setting, *names: str, clean: bool = False, accuracy: float = ACCURACY) -> dict[str, Array]:
    """Averages over data sets at each time of a setting, for Gaussian data, at its point or over x.

    Relative accuracy 1e-6, or as told, or a warning; NaN beyond t of 1e10 times the largest variance.
    A few milliseconds at each x and time; averages over x take 10 points
    for one subspace, 300 for two, 1000 for three of few directions each, 4000 for four, fewer for many directions, and where
    that is not enough Sobol points, with an accuracy of about 1e-4.

    Args:
        setting: where, when, of how many samples.
        names: `participation`, `log_partition` (over the directions of the manifold), `entropy`, `energy`, `heat_capacity`,
            `divergence` (E log p_t/p^_t, in nats: over fresh x KL(p_t||p^_t), on trajectories -KL(p^_t||p_t)),
            `own_weight` (on trajectories), shape (T,); `mean_error` (E |m^ - m|^2, t^2 times that of the score) and
            `spread` (E tr C^) in each subspace, data units squared, (T, K).
        clean: average over x ~ p_0, fresh samples without noise.
        accuracy: relative, of the average over x.

    Returns:
        name -> array, and `error`, shape (T,): what E sum w and E (sum w)^2 are off by, at most, or the estimated relative
        error of the average over x where that is more.

    Raises:
        ValueError: for another ensemble, or a name that is not one of these or not for this query.
    """
    gaussian_only(setting, " and ".join(names))
    own = setting.query == "trajectory"
    known = KNOWN | ({"own_weight"} if own else set())
    if unknown := set(names) - known:
        raise ValueError(f"{setting.query} points have {', '.join(sorted(known))}, got {', '.join(sorted(unknown))}")
    if clean and (own or setting.point is not None):
        raise ValueError("clean points are fresh and averaged over, got a trajectory or a point")
    where = setting.manifold, setting.samples, own
    found = [_known(*where, t, x, clean, accuracy, names) for t, x in asked(setting)]
    whole = {name: np.stack([one[name] for one in found]) for name in (*names, "error")}
    worst = float(whole["error"].max())
    if not worst <= accuracy:
        at = setting.t[whole["error"].argmax()]
        warnings.warn(f"averages at t = {at:g} are off by about {worst:.1g}, more than {accuracy:g}", stacklevel=2)
    return whole


def _known(
    manifold: LinearManifold, samples: int, own: bool, t: float, x: tuple[float, ...] | None, *how: Any
) -> dict[str, Array]:
    """The averages at one time, in units of the largest variance where that is not of a usual size; NaN where they are lost."""
    names, largest = how[-1], manifold.variances.max()
    if not DEEPEST <= t / largest <= HIGHEST:
        return _unknown(manifold, names)
    if USUAL[0] < largest < USUAL[1]:
        return _at_time(manifold, samples, own, t, x, *how)
    unit = 2.0 ** int(np.frexp(largest)[1])
    if manifold.variances.min() / unit < SMALLEST:
        return _unknown(manifold, names)
    point = None if x is None else tuple(square / unit for square in x)
    found = _at_time(manifold.scaled(1 / unit), samples, own, t / unit, point, *how)
    return {name: unit * a if name in BY_SUBSPACE else a for name, a in found.items()}


def _unknown(manifold: LinearManifold, names: tuple[str, ...]) -> dict[str, Array]:
    shapes = {name: manifold.variances.shape if name in BY_SUBSPACE else () for name in names}
    return {**{name: np.full(shape, np.nan) for name, shape in shapes.items()}, "error": np.array(0.0)}


@lru_cache(maxsize=1024)
def _at_time(
    manifold: LinearManifold,
    samples: int,
    own: bool,
    t: float,
    x: tuple[float, ...] | None,
    clean: bool,
    accuracy: float,
    names: tuple[str, ...],
) -> dict[str, Array]:
    """The averages at one time, shapes () and (K,)."""
    worst = 0.0
    widths = [manifold.dimensions.size if name in BY_SUBSPACE else 1 for name in names]

    def at(offsets: Array) -> Array:
        """The averages at points x, in columns."""
        nonlocal worst

        def of(part: Array) -> tuple[Array, float]:
            d = Disorder(manifold, t, samples, part, own=own)
            error = d.error().max()
            if not error < ACCURACY / 10:  # about one path in thousands is not as smooth as the rest
                d = Disorder(manifold, t, samples, part, own=own, nodes=4 * PATH_NODES)
                error = d.error().max()
            return np.column_stack([getattr(d, name)() for name in names]), error

        parts = np.split(offsets, range(AT_ONCE, len(offsets), AT_ONCE))
        if parent_process() or len(parts) == 1:  # a worker has its core for itself and no other
            found, errors = zip(*map(of, parts), strict=True)
        else:
            with ThreadPoolExecutor() as pool:
                found, errors = zip(*pool.map(of, parts), strict=True)
        worst = max(worst, *errors)
        return np.concatenate(found)

    if x is not None:
        found, error = at(np.array([x]))[0], 0.0
    else:
        variances = manifold.variances + (0 if clean else t)
        floor = np.repeat([FLOORS.get(name, 0.0) for name in names], widths)
        found, error = average(lambda squares: at(squares * variances), manifold.dimensions, accuracy, floor)
    columns = np.split(found, np.cumsum(widths)[:-1])
    shaped = {name: a if name in BY_SUBSPACE else a[0] for name, a in zip(names, columns, strict=True)}
    return {**shaped, "error": np.array(max(worst, error))}


class Disorder:
    """Averages over N samples at points x, shape (n,) each.

    Args:
        manifold: of the samples.
        t: noise variance.
        samples: N.
        offsets: |x_k|^2, shape (n, K).
        temperature: T of the weights.
        own: whether one of the N samples is the one that x came from.
        nodes: of each path of integration.
    """

    def __init__(
        self,
        manifold: LinearManifold,
        t: float,
        samples: float,
        offsets: Array,
        *,
        temperature: float = 1.0,
        own: bool = False,
        nodes: int = PATH_NODES,
    ) -> None:
        self.offsets = np.atleast_2d(np.asarray(offsets, dtype=np.float64))
        self.samples = float(samples)
        self.posterior = manifold.dimensions * manifold.variances * t / (manifold.variances + t)
        groups = [(self.samples - own, Sample.impostor(manifold, self.offsets, t, temperature))]
        if own:
            groups.append((1.0, Sample.own(manifold, self.offsets, t, temperature)))
        self.v, self.weights = _panels(groups)
        self.counts = [count for count, _ in groups]
        self.kinds = [sample for _, sample in groups]
        self.paths = [Paths(sample, self.v, nodes) for sample in self.kinds]
        below = [paths.average(0) for paths in self.paths]  # E[e^-z], or that less 1
        self.log_phi = [
            np.where(paths.strip < 0, np.log(np.maximum(b, 1e-300)), np.log1p(np.maximum(b, -1 + 1e-300)))
            for paths, b in zip(self.paths, below, strict=True)
        ]
        self.log_all = np.sum([n * log for n, log in zip(self.counts, self.log_phi, strict=True)], axis=0)

    @cached_property
    def _one(self) -> list[Array]:
        """A[1] of each kind of sample."""
        return self._averages(1)

    @cached_property
    def _two(self) -> list[Array]:
        """B[1] of each kind of sample."""
        return self._averages(2)

    def _others(self, averages: list[Array]) -> Array:
        """N a phi^(N-1), shape (n, V), where a is an average of z e^-z or z^2 e^-z over each kind."""
        total = np.zeros_like(self.v)
        for count, a, log_phi in zip(self.counts, averages, self.log_phi, strict=True):
            total += count * a * np.exp(self.log_all - log_phi)
        return total

    def _single(self, averages: list[Array]) -> Array:
        """The integral of that over v, shape (n,)."""
        return np.asarray((self._others(averages) * self.weights).sum(axis=-1))

    def _pair(self, product: Callable[[int, int], Array]) -> Array:
        """N (N-1) int a b phi^(N-2) dv, shape (n,), `product` giving a b for a pair of kinds."""
        total = np.zeros_like(self.v)
        for g, count in enumerate(self.counts):
            for h, other in enumerate(self.counts):
                pairs = count * (other - (g == h))
                if pairs > 0:
                    total += pairs * product(g, h) * np.exp(self.log_all - self.log_phi[g] - self.log_phi[h])
        return np.asarray((total * self.weights).sum(axis=-1))

    def _averages(self, power: int, f: Tilted | None = None) -> list[Array]:
        """E[f z^power e^-z] for each kind of sample; f is its tilted average at theta."""
        return [paths.average(power, f) for paths in self.paths]

    def _covariance(self, mean: Tilted, variance: Tilted, points: Any = 1.0) -> Array:
        """E of sum w f^2 - (sum w f)^2 from the tilted average, in units of the root of `points`, and variance of f."""
        one, first = self._one, self._averages(1, mean)
        weight, total = self._others(one), self._others(first)
        centre = np.divide(total, weight, out=np.zeros_like(self.v), where=weight > 0)  # or small variances cancel
        around = centre.reshape(-1, 1)
        spread = np.repeat(np.broadcast_to(points, (self.v.shape[0], 1)), self.v.shape[1], axis=0)
        square = self._averages(1, lambda s, theta: variance(s, theta) + spread * (mean(s, theta) - around) ** 2)
        first = [a - centre * b for a, b in zip(first, one, strict=True)]
        return self._pair(lambda g, h: (square[g] * one[h] + one[g] * square[h]) / 2 - points * first[g] * first[h])

    def error(self) -> Array:
        """How far E sum w and E (sum w)^2 come out from 1."""
        square = self._single(self._two) + self._pair(lambda g, h: self._one[g] * self._one[h])
        return np.maximum(np.abs(self._single(self._one) - 1), np.abs(square - 1))

    def participation(self) -> Array:
        """E Y2."""
        return self._single(self._two)

    def own_weight(self) -> Array:
        """E w of the sample that x came from.

        Raises:
            ValueError: where there is none.
        """
        if len(self.kinds) < 2:
            raise ValueError("a fresh point has no sample of its own; ask with own=True")
        impostors, own = self._one
        return self._single([np.zeros_like(impostors), own])

    def mean(self) -> Array:
        """E of the posterior mean less the true one, in units of x, shape (n, K)."""
        return self._by_subspace(lambda k: self._single(self._averages(1, lambda s, theta: s.flat.mean(theta, k))))

    def mean_error(self) -> Array:
        """E |m^ - m|^2 of each subspace, t^2 times that of the score, shape (n, K)."""

        def of(k: int) -> Array:
            points = np.repeat(self.offsets[:, k], self.v.shape[1])[:, None]
            first = self._averages(1, lambda s, theta: s.flat.mean(theta, k))
            square = self._averages(2, lambda s, theta: s.flat.variance(theta, k) + points * s.flat.mean(theta, k) ** 2)
            return self._single(square) + self.offsets[:, k] * self._pair(lambda g, h: first[g] * first[h])

        return self._by_subspace(of)

    def spread(self) -> Array:
        """E of the trace of the posterior covariance in each subspace, shape (n, K)."""

        def of(k: int) -> Array:
            found = self._covariance(
                lambda s, theta: s.flat.mean(theta, k),
                lambda s, theta: s.flat.variance(theta, k),
                self.offsets[:, k, None],
            )
            return _but_rounding(found, RARE * self.posterior[k])

        return self._by_subspace(of)

    def _by_subspace(self, of: Callable[[int], Array]) -> Array:
        return np.stack([of(k) for k in range(self.offsets.shape[1])], axis=-1)

    def log_partition(self) -> Array:
        """E log Z, Z = sum exp(-E) over the directions of the manifold."""
        return -EULER - self._single([a * self.v for a in self._one])

    def divergence(self) -> Array:
        """E log p_t/p^_t = log(N E z) - E log Z; of fresh points never negative, and where Z is self-averaging very small."""
        paths, N = self.paths[0], self.samples
        expected = np.log(N) + paths.log_powers[:, 1]
        if len(self.kinds) > 1:
            return expected - self.log_partition()
        log_mean = self.v + paths.log_powers[:, 1, None]  # of z
        right = paths.strip >= 1
        mean = np.exp(np.minimum(log_mean, 30))
        rest = paths.average(0, first=1)
        y = np.where(right, rest - mean, 0.0)
        small = N * (log1p_less(y) + rest)  # N log phi + N E z, free of cancellation
        gap = np.exp(-N * mean)
        gap = np.where(right, gap * np.expm1(small), np.exp(N * self.log_phi[0]) - gap)
        found = (gap * self.weights).sum(axis=-1)
        # far left of 1 exp(-N E z) is a step too sharp for these nodes
        centre = np.abs(N * self.log_phi[0] + 1).argmin(axis=-1)
        averaging = np.take_along_axis(paths.strip, centre[:, None], axis=1)[:, 0] >= 1
        return _but_rounding(np.where(averaging, found, expected - self.log_partition()), ROUNDING**1.25)

    def entropy(self) -> Array:
        """E of -sum w log w, which is log Z + <E>."""
        return _but_rounding(self._single(self._averages(1, Paths.energy)) - EULER)

    def energy(self) -> Array:
        """E <E>, in units of the temperature."""
        return self.entropy() - self.log_partition()

    def heat_capacity(self) -> Array:
        """E of the variance of E, in units of the temperature squared."""
        return _but_rounding(self._covariance(Paths.energy, Paths.energy_variance))


def _panels(groups: list[tuple[float, Sample]]) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights over all v that matter, shapes (n, V)."""
    tables = [_measure(count, sample) for count, sample in groups]
    edges, most = [], 0.0
    for i in range(groups[0][1].distance.offsets.shape[0]):
        low, high = min(t.low[i] for t in tables), min(t.high[i] for t in tables)
        grid = np.concatenate([t.v[i] for t in tables])
        grid = np.concatenate([[low], np.sort(grid[(grid > low) & (grid < high)]), [high]])
        panels = np.sum([np.interp(grid, t.v[i], t.panels[i]) for t in tables], axis=0)
        edges.append((grid, panels - panels[0]))
        most = max(most, edges[-1][1][-1])
    count = int(np.ceil(most))
    cuts = np.array([np.interp(np.linspace(0, p[-1], count + 1), p, grid) for grid, p in edges])
    nodes, weights = legendre(PANEL_NODES)
    half = np.diff(cuts)[..., None] / 2
    v = (cuts[:, :-1, None] + half * (nodes + 1)).reshape(cuts.shape[0], -1)
    return v, (half * weights).reshape(v.shape)


@dataclass(frozen=True)
class _Measure:
    """How many panels there are to be up to v, shapes (n, LEVELS), and from where to where v matters, (n,)."""

    v: Array
    panels: Array
    low: Array
    high: Array


def _measure(count: float, sample: Sample) -> _Measure:
    v, level, slope = sample.levels()
    zero = np.zeros((v.shape[0], 1))
    mean, deviation = -sample.exponent(zero, 1), np.sqrt(sample.exponent(zero, 2) + np.pi**2 / 6)
    tail = 2 * sample.distance.variances.max() / sample.scale  # the probability beyond falls by e over this
    low = np.array([np.interp(-np.log(count) - LOWEST, *pair) for pair in zip(level, v, strict=True)])
    high = (mean + 12 * deviation + TAILS * tail)[:, 0]
    if count > 200:
        high = np.array([np.interp(np.log(60 / count) + 0.5, *pair) for pair in zip(level, v, strict=True)])
    # in e-folds of probability, and of its slope; where it is nearly one, in standard deviations, and in e-folds of the tail
    below = np.clip(-np.log(count) - level, 0, LOWEST)
    panels = (level + below) / PANEL - GRADE / PANEL * np.log1p(below / GRADE) - np.log(slope) / SLOPE
    bulk = np.clip((v - mean) / deviation, -2, 12)
    beyond = np.clip(v - mean - 12 * deviation, 0, TAILS * tail)
    panels += bulk / 1.5 + beyond / (4 * tail)
    # none where only samples of the other kind matter
    lowest = [np.interp(end, *pair) for end, *pair in zip(low, v, panels, strict=True)]
    return _Measure(v, np.maximum(panels, np.array(lowest)[:, None]), low, high)


def _but_rounding(found: Array, rounding: float = ROUNDING) -> Array:
    return np.where(np.abs(found) < rounding, 0.0, found)


def log1p_less(y: Array) -> Array:
    """log(1 + y) - y, y > -1, with relative accuracy."""
    series = y**2 * (-1 / 2 + y * (1 / 3 - y * (1 / 4 - y * (1 / 5 - y / 6))))
    return np.where(np.abs(y) < 1e-3, series, np.log1p(np.maximum(y, -1 + 1e-300)) - y)


def reference(
    variance: float, dimension: int, t: float, samples: int, offset: float, temperature: float = 1.0
) -> dict[str, float]:
    """E Y2, E log Z and E <E> at |x|^2 = offset by another route, for one subspace and few samples; takes seconds.

    The average over a sample is a sum over the density of its distance to x, a Bessel function, by the tanh-sinh rule;
    no transform is inverted. 25 digits of mpmath, about 12 of them right.
    """
    import mpmath

    with mpmath.workdps(25):
        lam, q, half = mpmath.mpf(variance), mpmath.mpf(offset), mpmath.mpf(dimension) / 2
        farthest = mpmath.sqrt(q) + mpmath.sqrt(lam) * (mpmath.sqrt(dimension) + 11)
        energies, weights = [], []
        for j in range(-100, 101):
            sinh = mpmath.pi / 2 * mpmath.sinh(mpmath.mpf(j) / 32)
            r = farthest * (1 + mpmath.tanh(sinh)) / 2
            width = farthest * mpmath.pi / 4 * mpmath.cosh(mpmath.mpf(j) / 32) / mpmath.cosh(sinh) ** 2 / 32
            bessel = mpmath.besseli(half - 1, r * mpmath.sqrt(q) / lam)
            density = r / lam * (r / mpmath.sqrt(q)) ** (half - 1) * mpmath.exp(-(r**2 + q) / (2 * lam)) * bessel
            energies.append(r**2 / (2 * t * temperature))
            weights.append(density * width)
        step = mpmath.mpf("0.4")
        first, last = -mpmath.log(samples) - 45, energies[-1] + 5
        total = dict.fromkeys(("participation", "log_partition", "energy"), mpmath.mpf(0))
        for i in range(int((last - first) / step)):
            v = first + i * step
            phi = a = b = e = mpmath.mpf(0)
            for energy, weight in zip(energies, weights, strict=True):
                z = mpmath.exp(v - energy)
                if z < 100:
                    left = weight * mpmath.exp(-z)
                    phi, a, b, e = phi + left, a + left * z, b + left * z**2, e + left * z * energy
            rest = samples * phi ** (samples - 1) * step
            for name, term in (("participation", b), ("log_partition", -v * a), ("energy", e)):
                total[name] += rest * term
        total["log_partition"] -= mpmath.euler
        return {name: float(value) for name, value in total.items()}
