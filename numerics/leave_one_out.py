r"""Leave one out: what the empirical score of a given data set does, measured with the data set alone.

Two kinds of query, at noise variance t:

    trajectory   x = x^mu + sqrt(t) xi, x^mu one of the N samples. Does the score point back at x^mu? The *own
                 weight* is the Gibbs weight of x^mu and of its copies, where the data hold it more than once.
    held out     x = y + sqrt(t) xi, y taken out of the data first: a fresh point, as far as the rest can tell

The held-out density gives the information about the origin that noise leaves,

    I^ = -|xi|^2/2 - log (1/n) sum_nu exp(-|x - x^nu|^2/2t) = log p(x|y) - log p^(x),    E I^ >= I,

an estimate from above, by Jensen's inequality, for n samples of any distribution: close where many samples share
the weight, too large where few do. Noise normal to the data moves all samples alike, so everything happens in the
span of the data, in principal axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import checked, stream, to_device, to_host
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.measurement import Measurement, crossing, jackknife
from theory.setting import LinearManifold, Setting

__all__ = [
    "SMALLEST",
    "HeldOut",
    "PrincipalAxes",
    "Trajectory",
    "by_time",
    "held_out",
    "moments_of_noised",
    "noised",
    "principal_axes",
    "retained_variance",
    "split",
    "trajectory",
    "trajectory_through_collapse",
]

Array = NDArray[np.float64]
SMALLEST = 10  # distinct samples: a fifth of them, at least two, is held out
# of the largest number of a column: rows that differ by less are copies, printed or kept in single precision
ROUNDED = 1e-5
SHARP = 1e-4  # of the width of a column: more than that is no rounding
# of the largest column: with smaller ones beside it plain rotations lose these to rounding
GRADED = 1e-6
LOST = 1e-3  # of the quartiles of a column: rounding by more than that is no small change
PROJECTIONS, HUGE, BLOCK = 4, 1e12, 2**24
CHANCE = 1e-3  # of pairs that are as near by accident, above which only equal rows are copies
REPRESENTABLE = 1e45  # spreads beyond it, or below its inverse, leave too little of float64's range to their squares
WIDEN, WIDENINGS = 100.0, 20  # how far, and how often, the times are extended to find the collapse
RETAINED_COST = 4e8  # queries x samples x directions x times


@dataclass(frozen=True)
class PrincipalAxes:
    """A data set about its mean, in the principal axes of its covariance.

    Attributes:
        coordinates: in units of `unit`; largest variance first, every direction in which samples differ; shape (N, m).
        spectrum: eigenvalues of the covariance, data units squared, 0 in all others, shape (D,).
        unit: a power of two near the largest distance from the mean, data units.
        group: which of the distinct points each sample is, shape (N,).
        copies: how often each sample occurs, shape (N,).
    """

    coordinates: Array
    spectrum: Array
    unit: float
    group: NDArray[np.int64]
    copies: NDArray[np.int64]

    @property
    def distinct(self) -> int:
        """How many samples differ."""
        return int(self.group.max()) + 1

    def setting(self, resolution: float) -> Setting:
        """Gaussian data of the same spectrum, eigenvalues within a factor `resolution` taken for one, and distinct samples."""
        return Setting(LinearManifold.from_spectrum(self.spectrum, resolution=resolution), samples=self.distinct)


def principal_axes(data: ArrayLike) -> PrincipalAxes:
    """Centre, scale and rotate a data set, shape (N, D).

    Raises:
        ValueError: unless it is a finite table of at least `SMALLEST` distinct samples.
    """
    samples = checked(data, "data").astype(np.float64)
    group, counts = _groups(samples)
    if counts.size < SMALLEST:
        raise ValueError(
            f"expected at least {SMALLEST} distinct samples, for some are held out; got {counts.size} distinct "
            f"among {len(samples)}; give more data"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        centred = samples - np.median(samples, axis=0)  # first: the mean of samples far from the origin is rounded
        _check_held(centred)
        centred -= centred.mean(axis=0)
        largest = np.abs(centred).max()
    if not 1 / REPRESENTABLE < largest < REPRESENTABLE:
        raise ValueError(
            f"data must spread over {1 / REPRESENTABLE:g} to {REPRESENTABLE:g}, so that float64 holds their "
            f"variances, got {largest:.3g}; change their unit"
        )
    unit = float(2.0 ** np.ceil(np.log2(largest)))
    singular, coordinates = _rotated(centred / unit)
    spectrum = np.zeros(samples.shape[1])
    spectrum[: singular.size] = singular**2 / len(samples)
    coordinates *= np.where((coordinates**3).sum(axis=0) < 0, -1, 1)  # so that a rotation of the data changes nothing
    return PrincipalAxes(coordinates, spectrum * unit**2, unit, group, counts[group])


def _check_held(samples: Array) -> None:
    """Refuse a number so far from the median, 0, that about the mean float64 does not tell the others of its column apart."""
    low, high = np.quantile(samples, (0.25, 0.75), axis=0)
    lost = np.finfo(np.float64).eps * np.abs(samples.mean(axis=0))
    column = int(np.argmax(np.where(high > low, lost - LOST * (high - low), -np.inf)))
    if lost[column] > LOST * (high - low)[column] > 0:
        row = int(np.argmax(np.abs(samples[:, column])))
        raise ValueError(
            f"row {row + 1} is so far from the others in column {column + 1} that float64 does not hold how these differ "
            "beside it; mend that number, or leave the row out"
        )


def _rotated(centred: Array) -> tuple[Array, Array]:
    """The singular values that are more than rounding, shape (m,), and the coordinates along their axes, (N, m)."""
    largest, eps = np.abs(centred).max(axis=0), np.finfo(np.float64).eps
    used = largest > 0
    if used.sum() <= len(centred) and largest[used].min() < GRADED * largest.max():
        singular, left = _graded(centred[:, used])
        rank = np.count_nonzero(singular > eps * max(centred.shape) * largest[used].min())
        return singular[:rank], left[:, :rank] * singular[:rank]
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    rank = np.count_nonzero(singular > eps * max(centred.shape) * singular[0])
    return singular[:rank], centred @ axes[:rank].T


def _graded(table: Array) -> tuple[Array, Array]:
    """Singular values and left vectors to full relative accuracy where columns differ by many orders of magnitude.

    One-sided Jacobi rotations (Drmac and Veselic, SIAM J. Matrix Anal. Appl. 29 (2008) 1322).
    """
    from scipy.linalg.lapack import dgejsv

    singular, left, _, work, _, info = dgejsv(table)
    if info != 0:
        raise ValueError(
            f"the principal axes of columns so different were not found (LAPACK dgejsv says {info}); scale them"
        )
    return singular * work[0] / work[1], left


def _groups(samples: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which distinct point each sample is, numbered as they first occur, (N,), and how often each occurs.

    Rows that differ by the rounding of a text or of single precision are one point.
    """
    distinct, inverse = np.unique(samples + 0.0, axis=0, return_inverse=True)
    labels = _near_copies(distinct)[inverse.reshape(-1)]
    _, first, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    return np.argsort(order)[inverse], counts[order]


def _near_copies(rows: Array) -> NDArray[np.int64]:
    """A label for each of the distinct rows, the same for those that are copies but for rounding, shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    alone = np.arange(len(rows))
    with np.errstate(over="ignore", invalid="ignore"):
        widths = _widths(rows)
        reach = np.minimum(ROUNDED * np.abs(rows).max(axis=0), SHARP * widths)
    if not np.isfinite(widths).all() or (differ := reach > 0).sum() == 0:
        return alone
    log_pairs = 2 * np.log(len(rows)) + np.log(reach[differ] / widths[differ]).sum()
    if log_pairs > np.log(CHANCE):
        return alone
    with np.errstate(over="ignore"):
        scaled = rows[:, differ] / reach[differ]
    pairs = _within_one(scaled)
    near = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(rows), len(rows)))
    return np.asarray(connected_components(near, directed=False)[1], dtype=np.int64)


def _within_one(rows: Array) -> NDArray[np.int64]:
    """The pairs of rows whose numbers all differ by at most 1, shape (P, 2).

    A tree of many columns looks at all pairs. Sums over the columns with random signs, which then differ by at most D,
    tell most pairs apart, and do so in few columns.
    """
    from scipy.spatial import cKDTree

    D = rows.shape[1]
    if D <= PROJECTIONS:
        return np.asarray(cKDTree(rows).query_pairs(1.0, p=np.inf, output_type="ndarray"))
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (D, PROJECTIONS))
    sums = np.clip(rows, -HUGE, HUGE) @ signs / D  # no two rows are farther apart for being clipped
    pairs = cKDTree(sums).query_pairs(1.01, p=np.inf, output_type="ndarray")
    parts = np.array_split(pairs, 1 + pairs.size * D // BLOCK)
    with np.errstate(invalid="ignore"):  # of two infinite numbers, which nobody calls near
        near = [(np.abs(rows[part[:, 0]] - rows[part[:, 1]]) <= 1).all(axis=1) for part in parts]
    return pairs[np.concatenate(near)]


def _widths(rows: Array) -> Array:
    """How wide the columns are, whatever a few rows are, shape (D,): the median distance from the median, where it is not 0."""
    away = np.abs(rows - np.median(rows, axis=0))
    away[away == 0] = np.nan
    some = ~np.isnan(away).all(axis=0)
    found = np.zeros(rows.shape[1])
    found[some] = np.nanmedian(away[:, some], axis=0)
    return found


@dataclass(frozen=True)
class Trajectory:
    """What became of noised samples: a row per sample, a column per time; xi is the same at all times.

    Attributes:
        t: noise variance, data units squared, shape (T,).
        own_weight: Gibbs weight of the sample and its copies, shape (M, T).
        memorized: 1 where the nearest sample is the sample itself or a copy, else 0, shape (M, T).
        participation: sum w^2, shape (M, T).
        copies: of each sample in the data, shape (M,).
    """

    t: Array
    own_weight: Array
    memorized: Array
    participation: Array
    copies: NDArray[np.int64]

    @property
    def collapse_time(self) -> Measurement:
        """Where the mean own weight falls through 1/2, jackknife error over samples; NaN where it does not."""
        return jackknife(self.own_weight, lambda mean: crossing(self.t, mean, 0.5))

    @property
    def bandwidth(self) -> Measurement:
        """The noise variance below which most noised samples are nearest to themselves, jackknife error; NaN where none is."""
        return jackknife(self.memorized, lambda mean: crossing(self.t, mean, 0.5))

    def and_at(self, other: Trajectory) -> Trajectory:
        """The same samples at the times of both, in order."""
        order = np.argsort(np.concatenate([self.t, other.t]))
        names = ("own_weight", "memorized", "participation")
        joined = {n: np.concatenate([getattr(self, n), getattr(other, n)], axis=1)[:, order] for n in names}
        return replace(self, t=np.concatenate([self.t, other.t])[order], **joined)


def trajectory(
    data: PrincipalAxes,
    t: ArrayLike,
    *,
    queries: int = 256,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
) -> Trajectory:
    """Noise `queries` samples chosen at random, or all there are, and ask the whole data set where they came from.

    The rows are independent given the data set: all face the same N samples.
    """
    times = np.asarray(t, dtype=np.float64)
    random = stream(rng, "leave one out", "trajectory")
    count, m = data.coordinates.shape
    chosen = np.sort(random.choice(count, min(queries, count), replace=False))
    xi = random.standard_normal((chosen.size, m))
    moments = moments_of_noised(data.coordinates[chosen], xi, data.coordinates, times / data.unit**2, device, dtype)
    hit = data.group[to_host(moments.nearest)].reshape(-1, chosen.size) == data.group[chosen]
    own = np.exp(np.minimum(-0.5 * (xi**2).sum(axis=1) - by_time(moments.log_partition, times), 0))
    # where it is the nearest its weight is the largest: no rounding of distances enters
    own = np.minimum(np.where(hit, by_time(moments.largest_weight, times), own) * data.copies[chosen], 1)
    participation = by_time(moments.participation, times)
    return Trajectory(times, own.T, hit.T.astype(float), participation.T, data.copies[chosen])


def trajectory_through_collapse(data: PrincipalAxes, t: ArrayLike, **options: Any) -> Trajectory:
    """`trajectory`, with its options, at geometric times extended until the mean own weight has risen and fallen.

    At most forty decades on either side; with most of the data in copies of one point it never falls.
    """
    found = trajectory(data, t, **options)
    ratio = found.t[1] / found.t[0]
    steps = np.arange(1, max(1, round(np.log(WIDEN) / np.log(ratio))) + 1)
    floor = (found.copies / len(data.coordinates)).mean()  # of the own weight, as t grows
    for _ in range(WIDENINGS):
        below = found.own_weight[:, 0].mean() < 0.75
        above = found.own_weight[:, -1].mean() > 0.25 + floor / 2 and floor < 0.5
        if below:
            found = found.and_at(trajectory(data, found.t[0] / ratio ** steps[::-1], **options))
        if above:
            found = found.and_at(trajectory(data, found.t[-1] * ratio**steps, **options))
        if not (below or above):
            break
    return found


@dataclass(frozen=True)
class HeldOut:
    """What the rest of the data makes of held-out points; errors over points, which share the rest.

    Attributes:
        t: noise variance, data units squared, shape (T,).
        information: I^ of the module's head, nats, shape (T,).
        participation: sum w^2, shape (T,): its inverse counts the samples that carry the weight.
        variances: of the rest about its own mean, per principal axis, data units squared, shape (m,).
        samples: how many samples the rest holds.
    """

    t: Array
    information: Measurement
    participation: Measurement
    variances: Array
    samples: int


def held_out(
    data: PrincipalAxes,
    t: ArrayLike,
    *,
    queries: int = 256,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
) -> HeldOut:
    """Hold out min(queries, a fifth) of the distinct points with their copies, noise them, and ask the rest."""
    times = np.asarray(t, dtype=np.float64)
    points, rest = split(data, queries, rng)
    xi = _held_out_noise(points, rng)
    moments = moments_of_noised(points, xi, rest, times / data.unit**2, device, dtype)
    density = by_time(moments.log_partition, times) - np.log(len(rest))
    information = -0.5 * (xi**2).sum(axis=1) - density
    return HeldOut(
        times,
        Measurement.of(information.T),
        Measurement.of(by_time(moments.participation, times).T),
        rest.var(axis=0) * data.unit**2,
        len(rest),
    )


def retained_variance(
    data: PrincipalAxes,
    t: ArrayLike,
    slices: tuple[slice, ...],
    *,
    queries: int = 256,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[float], object] = lambda share: None,
) -> Measurement:
    """The posterior variance per direction at held-out points, averaged over the directions of each subspace.

    The same points and noise as in `held_out`, or the first of them where all would cost more than
    `RETAINED_COST`; at least 16, if there are.

    Args:
        data: the data set.
        t: noise variance, data units squared, shape (T,).
        slices: where each of K subspaces sits among the principal axes.
        queries: as in `held_out`.
        rng: as in `held_out`.
        device: as in `held_out`.
        dtype: as in `held_out`.
        tick: called after each time with the share of the work that is done.

    Returns:
        data units squared, shape (T, K); errors over points.
    """
    times = np.asarray(t, dtype=np.float64)
    points, rest = split(data, queries, rng)
    afford = max(16, int(RETAINED_COST / (rest.size * times.size)))
    xi = _held_out_noise(points, rng)[:afford]
    points = points[:afford]
    on_device = to_device(rest, device, dtype)
    draws = np.empty((len(points), times.size, len(slices)))
    for i, s in enumerate(times / data.unit**2):
        x = to_device(points + np.sqrt(s) * xi, device, dtype)
        variances = to_host(gibbs_moments(x, on_device, float(s), covariance="diagonal").covariance)
        draws[:, i] = np.stack([variances[:, part].mean(axis=1) for part in slices], axis=1)
        tick((i + 1) / times.size)
    return Measurement.of(draws * data.unit**2)


def split(data: PrincipalAxes, queries: int, rng: int | np.random.SeedSequence) -> tuple[Array, Array]:
    """Held-out points, one per distinct point, and the samples that are not copies of them."""
    random = stream(rng, "leave one out", "split")
    distinct = data.distinct
    out = random.choice(distinct, max(2, min(queries, distinct // 5)), replace=False)
    _, first = np.unique(data.group, return_index=True)
    keep = ~np.isin(data.group, out)
    return data.coordinates[first[out]], data.coordinates[keep]


def _held_out_noise(points: Array, rng: int | np.random.SeedSequence) -> Array:
    return stream(rng, "leave one out", "held out").standard_normal(points.shape)


def noised(points: Array, xi: Array, t: Array) -> Array:
    """points + sqrt(t) xi, time after time, shape (T * M, D)."""
    return np.asarray((points + np.sqrt(t)[:, None, None] * xi).reshape(-1, points.shape[1]))


def moments_of_noised(points: Array, xi: Array, data: Array, t: Array, device: str, dtype: str) -> GibbsMoments:
    """Gibbs averages over `data` at noised points, time after time, shape (T * M,)."""
    x, each = noised(points, xi, t), to_device(np.repeat(t, len(points)), device)
    return gibbs_moments(to_device(x, device, dtype), to_device(data, device, dtype), each)


def by_time(values: Any, times: Array) -> Array:
    """A row per time, on the host."""
    return to_host(values).reshape(times.size, -1)
