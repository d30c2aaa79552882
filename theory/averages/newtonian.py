r"""Exact averages over the data set where a sample at distance r weighs r^-(D-2), at every N and D > 2.

With s = r^2 and the energy e = (D/2 - 1) log s, Euler's integral makes of an average over N samples one over v of averages
over one, as in theory.disorder. z = u exp(-e), u = exp(v), and with phi = E e^-z, A[f] = E[f z e^-z], B = E[z^2 e^-z]

    E sum w f = N int A[f] phi^(N-1) dv,    E sum w^2 = N int B phi^(N-1) dv.

The law of s has a density of relative accuracy far into its lower tail (theory.averages.squared_distance), and z e^-z is
smooth in log s, so that Gauss's rule takes the average over one sample, and all its terms are positive. That over v is by the
trapezoidal rule, whose error falls as exp(-pi^2/step). Directions normal to the manifold add a constant to s, and here it counts.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory.averages.over_points import average, legendre, normal_squares
from theory.averages.squared_distance import SquaredDistance
from theory.observable import gaussian_only
from theory.setting import LinearManifold, Setting

__all__ = ["KNOWN", "Weighed", "newtonian_averages"]

Array = NDArray[np.float64]
KNOWN = "participation", "square", "own_weight"
STEP = 0.4  # of v: exp(-pi^2/0.4) is 2e-11
PANEL_NODES = 8
PER_SADDLE, PER_ENERGY, PER_LEVEL = 1.5, 3.0, 12.0  # e-folds of the saddle, of the weight and of probability to a panel
MOST_PANELS = 1500  # which take some ten seconds
TABLE = 500  # points of the table that panels are cut by
DEEP = 34.0  # e-folds below 1/N that are neglected
FAR = 45.0  # e-folds of the tail of phi^N where integrals over v end
NOTHING = 4.0  # log z beyond which e^-z is nothing beside e^-FAR
LARGEST = 30.0  # log z that is told from larger ones
BLOCK = 2**22  # pairs of v and s at a time
ACCURACY = 1e-6
CUSPED = 4  # dimensions up to which x where the samples are, at |x|^2 of order lambda << t, counts in an average over x
NEAR = 4.0  # how many lambda that is


def newtonian_averages(setting: Setting) -> dict[str, Array]:
    """Averages over data sets at each time of a setting, for Gaussian data, at its point or over x.

    Relative accuracy 1e-6, or a warning; over x in 3 and 4 dimensions, where it has cusps, 1e-5. NaN where x is so far that
    rounding hides what the samples differ by, from t of some 1e18 variances on, and where D is thousands and weights so steep
    that it would take minutes. Ten milliseconds at each x and time. Averages over x take 10 points for one radius, a hundred for
    two and a thousand for three, in 3 and 4 dimensions twice as many; the normal directions together have one.

    Returns:
        `participation`, E sum w^2; `square`, E sum w r^2, data units squared; on trajectories `own_weight`, E w of the sample
        that x came from; each of shape (T,).

    Raises:
        ValueError: for another ensemble, and in fewer than 3 dimensions.
    """
    gaussian_only(setting, "an average over data sets")
    D, own = setting.manifold.ambient_dimension, setting.query == "trajectory"
    if D < 3:
        raise ValueError(f"the weights r^-(D-2) take 3 dimensions or more, got D = {D}")
    squares = np.column_stack([setting.offsets, normal_squares(setting)]).tolist()
    where = setting.manifold, setting.samples, own
    found = [
        _at_time(*where, t, None if setting.point is None else tuple(x))
        for t, x in zip(setting.t.tolist(), squares, strict=True)
    ]
    return {name: np.array([one[k] for one in found]) for k, name in enumerate(KNOWN[: 2 + own])}


@lru_cache(maxsize=1024)
def _at_time(
    manifold: LinearManifold, samples: float, own: bool, t: float, x: tuple[float, ...] | None
) -> tuple[float, ...]:
    """The averages at one time."""

    def at(squares: Array) -> Array:
        """With the error of each point last, which the rare ones that have some may have."""
        weighed = Weighed(manifold, t, samples, squares, own=own)
        return np.column_stack([weighed.found, weighed.error])

    floor = np.append(np.zeros(2 + own), 1.0)
    if x is not None:
        found, error = at(np.array([x]))[0], 0.0
    else:
        normal = manifold.ambient_dimension - manifold.intrinsic_dimension
        radii = [*zip(manifold.variances + t, manifold.dimensions, strict=True), *[(t, normal)] * (normal > 0)]
        variances, dimensions = (np.array(column) for column in zip(*radii, strict=True))
        widths = np.append(manifold.variances, [manifold.variances.max()] * (normal > 0))
        near = NEAR * widths / variances if manifold.ambient_dimension <= CUSPED else None
        found, error = average(lambda squares: at(squares * variances), dimensions, ACCURACY, floor, near)
    if max(found[-1], error) > ACCURACY:
        warnings.warn(f"averages at t = {t:g} are off by about {max(found[-1], error):.1g}", stacklevel=2)
    return tuple(found[:-1].tolist())


@dataclass(frozen=True)
class _Kind:
    """Some of the samples, all of one law: how many, and at nodes of it, s falling, their s, energy and probability, (S,)."""

    count: float
    squares: Array
    energy: Array
    probability: Array

    def ends(self) -> tuple[float, float]:
        """Below which v fewer than e^-34 of N count, by E min(1, z), and above which e^-z is nothing for one of them."""
        energy, probability = self.energy[::-1], self.probability[::-1]
        nearer, beyond = probability.cumsum(), probability[::-1].cumsum()[::-1]
        wanted = -DEEP - math.log(self.count)
        with np.errstate(divide="ignore"):
            farther = np.logaddexp.accumulate((np.log(probability) - energy)[::-1])[::-1]
            some = np.logaddexp(np.log(nearer), energy + farther)
        low = energy[0] + wanted - some[0] if some[0] > wanted else np.interp(wanted, some, energy)
        few = np.where(nearer < 0.5, nearer >= -math.expm1(-FAR / self.count), beyond <= math.exp(-FAR / self.count))
        return float(low), float(energy[few.argmax() if few.any() else -1] + NOTHING)

    def averages(self, v: Array) -> Array:
        """1 - phi, phi, A[1], A[s] and B at each v, shape (5, V)."""
        parts = np.array_split(v, max(1, v.size * self.energy.size // BLOCK))
        return np.concatenate([self._averages(part) for part in parts], axis=1)

    def _averages(self, v: Array) -> Array:
        z = np.exp(np.minimum(v[:, None] - self.energy, LARGEST))
        left = np.exp(-z)
        first = z * left
        return np.array(
            [
                -np.expm1(-z) @ self.probability,
                left @ self.probability,
                first @ self.probability,
                first @ (self.probability * self.squares),
                (first * z) @ self.probability,
            ]
        )


class Weighed:
    """Averages over N samples of weights r^-(D-2) at points x.

    Args:
        manifold: of the samples.
        t: noise variance.
        samples: N.
        squares: |x_k|^2 of each subspace and, if there are any, of the normal directions, shape (n, K or K + 1).
        own: whether one of the N samples is the one that x came from.

    Attributes:
        found: E sum w^2, E sum w r^2 and, with `own`, E w of that sample, shape (n, 2 or 3); NaN where they are lost.
        error: what E sum w, E (sum w)^2 and probabilities are off by from 1, at most, shape (n,).
    """

    def __init__(self, manifold: LinearManifold, t: float, samples: float, squares: Array, *, own: bool) -> None:
        self.power = manifold.ambient_dimension / 2 - 1
        along, normal = np.split(squares, [manifold.variances.size], axis=1)
        impostor = SquaredDistance.to_samples(manifold, along)
        laws = [(float(samples) - own, impostor), (1.0, impostor.tilted(1 / (2 * t)))][: 1 + own]
        beyond, (mean, _) = normal.sum(axis=1, keepdims=True), impostor.moments()
        self.found, self.error = np.full((len(squares), 2 + own), np.nan), np.zeros(len(squares))
        if not impostor.is_resolved():
            return

        def energy(s: Array) -> Array:
            """e at squared distances along the manifold, less its value at their mean: of many directions that is little."""
            ratio = (s + beyond) / (mean + beyond)
            near = np.maximum((s - mean) / (mean + beyond), -0.5)
            return self.power * np.where(ratio < 0.5, np.log(ratio), np.log1p(near))

        nodes = [_nodes(law, samples, energy) for _, law in laws]
        if not all(s.size for s, _ in nodes):
            return
        kinds = [(count, s, energy(s), p) for (count, _), (s, p) in zip(laws, nodes, strict=True)]
        rows = [
            self._at([_Kind(count, s[i] + beyond[i], e[i], p[i]) for count, s, e, p in kinds])
            for i in range(len(squares))
        ]
        self.found = np.array([row[1:] for row in rows])
        self.error = np.array([row[0] for row in rows])

    def _at(self, kinds: list[_Kind]) -> list[float]:
        """The error and the averages at one point."""
        v = _levels(kinds)
        step = v[1] - v[0]
        averages = [kind.averages(v) for kind in kinds]
        counts = np.array([kind.count for kind in kinds])
        beyond, phi, one, square, two = np.moveaxis(np.array(averages), 1, 0)
        log_phi = _log_phi(beyond, phi)
        log_all = counts @ log_phi

        def single(a: Array) -> Array:
            """Each kind's part of N int a phi^(N-1) dv."""
            return step * counts * (a * np.exp(log_all - log_phi)).sum(axis=1)

        pairs = counts[:, None] * (counts - np.eye(counts.size))
        both = np.exp(log_all - log_phi[:, None] - log_phi) * one[:, None] * one
        total, participation = single(one), single(two).sum()
        squared = participation + step * (pairs[..., None] * both).sum()
        mass = [abs(kind.probability.sum() - 1) for kind in kinds]
        error = max(abs(total.sum() - 1), abs(squared - 1), *mass)
        return [error, participation, single(square).sum(), *total[1:]]


def _log_phi(beyond: Array, phi: Array) -> Array:
    """log phi, from 1 - phi where that is small."""
    return np.where(beyond < 0.5, np.log1p(-np.minimum(beyond, 0.5)), np.log(np.maximum(phi, 1e-300)))


def _nodes(law: SquaredDistance, samples: float, energy_at: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Squared distances along the manifold and their probabilities, shapes (n, S): Gauss's rule in the log of the saddle.

    That resolves the lower edge of s wherever it lies, down to 1/N. Empty where the weights are so steep that it would take long.
    """
    mean, deviation = law.moments()
    low = law.positive_saddle(mean + 12 * deviation + 80 * law.variances.max())
    high = law.saddle_of_tail(-math.log(samples) - DEEP, low, low * np.exp(400.0))
    u = np.log(low) + np.log(high / low) * np.linspace(0, 1, TABLE)
    theta = np.exp(u)
    energy, level = energy_at(law.distance_at(theta)), law.level(theta)
    panels = (u - u[:, :1]) / PER_SADDLE + (energy[:, :1] - energy) / PER_ENERGY + (level[:, :1] - level) / PER_LEVEL
    if not panels[:, -1].max() < MOST_PANELS:
        return np.empty((len(u), 0)), np.empty((len(u), 0))
    parts = np.linspace(0, 1, int(np.ceil(panels[:, -1].max())) + 1)
    cuts = np.array([np.interp(parts * p[-1], p, row) for p, row in zip(panels, u, strict=True)])
    z, weights = legendre(PANEL_NODES)
    half = np.diff(cuts)[..., None] / 2
    theta = np.exp(cuts[:, :-1, None] + half * (z + 1)).reshape(len(u), -1)
    s = law.distance_at(theta)
    slope = law.curvature(theta) / theta  # -ds/du
    return s, np.exp(law.log_cdf_and_pdf(s, theta)[1]) * slope * (half * weights).reshape(len(u), -1)


def _levels(kinds: list[_Kind]) -> Array:
    """v, evenly spaced over all that matter: from where few samples of any kind count to where those of one are all beyond."""
    lowest, highest = (min(ends) for ends in zip(*(kind.ends() for kind in kinds), strict=True))
    return np.linspace(lowest, highest, int(np.ceil((highest - lowest) / STEP)) + 1)
