"""Kernel smoothing, measured: how the score of a data set, averaged over shifts of the point, scatters and errs.

Data sets are small and there are many: a repeat is a batch of B that are drawn and looked at together, the fewer the larger they
are. In one dimension shifts are Gauss-Hermite nodes. In more they are two independent sets of normals and their negatives: the
product of what the two find is an unbiased square. Points are fresh, one for each data set.

At a given point squares follow what the samples do together. To first order s_h - s is its value for infinitely many samples and
a mean over samples, the slope of K_h * (p^/p), whose mean is 0; so is that of the product of two parts of a data set, for they
are independent. Such products are most of the scatter, and are taken off as control variates, by a slope that is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermitenorm

from numerics.data import draw, log_density, needs_density, noise, point_at
from numerics.measurement import Measurement, jackknife
from numerics.sampling import How, Sampling
from theory.setting import Setting, equal_classes

__all__ = [
    "ANYWHERE",
    "OBSERVABLES",
    "measure",
    "measure_best",
    "measure_divergence",
    "measure_error",
    "measure_growth",
    "measure_mean",
    "measure_variance",
]

OBSERVABLES = {
    "score_bias": ("time", "subspace"),
    "score_variance": ("time", "subspace"),
    "variance_gain": ("time", "subspace"),
    "score_error": ("time",),
    "best_bandwidth": ("time",),
    "score_variance_mean": ("time", "subspace"),
    "gain_mean": ("time",),
    "kl_leading": ("time",),
    "error_growth": ("time",),
}
ANYWHERE = ("score_bias", "score_variance", "variance_gain", "score_error")

Array = NDArray[np.float64]
SETS, LEAST, COORDINATES = 256, 8, 2**17  # data sets of a repeat, at most and at least, and what they hold together
NODES = 4, 12  # of the shifts in one dimension: at least, and more for a kernel as wide as the score takes to change
SHIFTS = 8  # in each set of them in more
NO_SHIFT = np.zeros((1, 1, 1, 1)), np.ones(1)
PARTS = 64  # of a data set, at most
SHARES = np.linspace(0.5, 1.5, 5)  # of a bandwidth, among which the best is sought
POWERS = np.linalg.inv(np.vander(SHARES - 1, increasing=True))  # of the polynomial through values there
FINE = np.linspace(0.5, 1.5, 2001)
SILENT: How = {"tick": lambda: None}
AVERAGED = "the error of a smoothed score averaged over x"


def measure(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """All that is known for the setting's ensemble at its bandwidth; the best one is for `measure_best` to look for.

    Returns:
        What the others do; of the ensemble `sphere`, whose density is not known, variance and gain alone.

    Raises:
        ValueError: for points on trajectories.
    """
    if setting.query != "fresh":
        raise ValueError(f"kernel_smoothing is measured at fresh points, got the query {setting.query!r}; give fresh")
    silent = how | SILENT
    found = measure_variance(setting, **how)
    if setting.ensemble != "sphere":
        found |= measure_error(setting, **silent)
    if setting.ensemble == "gaussian":
        found |= measure_mean(setting, **silent) | measure_divergence(setting, **silent)
    return found


def measure_error(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` batches of data sets and look at one point, x_k = sqrt(lambda_k + t) in every direction where there is none.

    Returns:
        score_bias, along the first direction of each subspace, shape (T, K), inverse data units; score_error, the squared
        distance from the true score, (T,).
    """
    x, first = _point(setting), [part.start for part in setting.manifold.slices]
    draws = [
        (batch.scores(x, setting.t, (setting.bandwidth,)) - _true_score(setting, x, setting.t))[0]
        for batch in _batches(setting, "kernel_smoothing.error", **how)
    ]
    errors = np.array(draws)  # (repeats, 2, B, T, D)
    return {
        "score_bias": Measurement.of(errors.mean(axis=(1, 2))[..., first] / setting.alpha[:, None]),
        "score_error": Measurement.of(errors.prod(axis=1).sum(axis=-1).mean(axis=1) / setting.alpha**2),
    }


def measure_variance(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Look at the same point, at the setting's bandwidth and without a kernel.

    Returns:
        score_variance and variance_gain, of one component of the score in each subspace, shape (T, K), inverse data units
        squared.
    """
    x, bandwidths, draws, controls = _point(setting), (setting.bandwidth, 0.0), [], []
    for batch in _batches(setting, "kernel_smoothing.variance", **how):
        draws.append(batch.scores(x, setting.t, bandwidths))
        controls.append([_by_subspace(_control(*_orders(setting, batch, x, h)), setting) for h in bandwidths])
    scatter = _scatter(np.array(draws), setting)  # (repeats, H, B, T, K)
    sums = [_with_control(*of) for of in zip(scatter, np.array(controls), strict=True)]

    def gain(mean: Array) -> Array:
        smooth, plain = _less_control(mean)
        return np.asarray(plain / smooth)

    variance = jackknife(sums, lambda mean: _less_control(mean)[0] / setting.alpha[:, None] ** 2)
    return {"score_variance": variance, "variance_gain": jackknife(sums, gain)}


def measure_best(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Measure the error at the same point at bandwidths about the setting's, or about t where it has none.

    Returns:
        best_bandwidth, where a polynomial through the errors is least, from half to 3/2 of that, shape (T,), data units squared.
    """
    x, unit = _point(setting), setting.bandwidth or float(setting.t.min())
    draws = []
    for batch in _batches(setting, "kernel_smoothing.best", **how):
        errors = _errors(setting, batch.scores(x, setting.t, unit * SHARES), x, setting.t)
        controls = [_control(*_orders(setting, batch, x, h), _bias(setting, batch, x, h)) for h in unit * SHARES]
        draws.append(_with_control(*(np.tensordot(POWERS, a, 1).sum(axis=-1) for a in (errors, np.array(controls)))))

    def least(mean: Array) -> Array:
        values = np.polynomial.polynomial.polyval(FINE - 1, _less_control(mean))
        return np.asarray(unit * FINE[values.argmin(axis=-1)])

    return {"best_bandwidth": jackknife(draws, least)}


def measure_growth(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Measure N times the error at the same point with the setting's samples, and with a tenth of them.

    Returns:
        error_growth, the first over the second, shape (T,); 1 where the error falls as 1/N.
    """
    x, draws = _point(setting), []
    for part, name in ((1, "all"), (10, "tenth")):
        fewer = setting.at(samples=setting.samples // part)
        batches = _batches(fewer, f"kernel_smoothing.growth.{name}", **(how if part == 1 else how | SILENT))
        errors = [
            _errors(fewer, batch.scores(x, setting.t, (setting.bandwidth,)), x, setting.t)[0] for batch in batches
        ]
        draws.append([fewer.samples * each.sum(axis=-1).mean(axis=0) for each in errors])
    return {"error_growth": jackknife(np.moveaxis(np.array(draws), 0, 1), lambda mean: mean[0] / mean[1])}


def measure_mean(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Draw `repeats` batches of data sets and compare with the true score at a fresh point for each at each time.

    Returns:
        score_variance_mean, the mean square of one component of s_h - s in each subspace, shape (T, K), inverse data units
        squared; gain_mean, that of all without a kernel over that with it, shape (T,).
    """
    needs_density(setting, AVERAGED)
    draws = []
    for batch in _batches(setting, "kernel_smoothing.mean", **how):
        x = _fresh(setting, batch, setting.t)
        scores = batch.scores(x, setting.t, (setting.bandwidth, 0.0))
        draws.append(_by_subspace(_errors(setting, scores, x, setting.t), setting).mean(axis=1))
    both = np.array(draws) @ setting.manifold.dimensions.astype(float)
    return {
        "score_variance_mean": Measurement.of(np.array(draws)[:, 0] / setting.alpha[:, None] ** 2),
        "gain_mean": jackknife(both, lambda mean: mean[1] / mean[0]),
    }


def measure_divergence(setting: Setting, **how: Unpack[How]) -> dict[str, Measurement]:
    """Integrate half the mean squared error at fresh points over t' from each time to infinity.

    The share t/t' is drawn for each data set of a batch from one of as many equal parts of 0 to 1.

    Returns:
        kl_leading, nats, shape (T,).
    """
    needs_density(setting, AVERAGED)
    draws = []
    for batch in _batches(setting, "kernel_smoothing.divergence", **how):
        B = len(batch.data)
        share = (np.arange(B)[:, None] + 1 - batch.random.random((B, setting.t.size))) / B  # above 0
        later = setting.t / share
        x = _fresh(setting, batch, later)
        errors = _errors(setting, batch.scores(x, later, (setting.bandwidth,))[0][None], x, later)[0].sum(axis=-1)
        draws.append((errors * setting.t / share**2 / 2).mean(axis=0))
    return {"kl_leading": Measurement.of(draws)}


class _Batch(NamedTuple):
    """Data sets drawn together, shape (B, N, D), the random stream they came from, how they are worked on, and shifts."""

    data: Array
    random: np.random.Generator
    run: Sampling
    rule: tuple[Array, Array]

    def scores(self, x: Array, t: Array, bandwidths: tuple[float, ...] | Array) -> Array:
        """At points (T, D), or (B, T, D), by both sets of shifts, at every bandwidth: shape (H, 2, B, T, D)."""
        return np.array([self.smoothed(self.score, x, t, h) for h in bandwidths])

    def smoothed(self, of: Callable[[Array, Array], Array], x: Array, t: Array, h: float) -> Array:
        """The mean over shifts, (2, ..., T, D), of a function of points (B, P, D) and times (B, P), of shape (..., P, D)."""
        x, t = (np.broadcast_to(a, (len(self.data), *a.shape[-k:])) for a, k in ((x, 2), (t, 1)))
        shifts, weights = self.rule if h else NO_SHIFT
        points = x[:, :, None, None] + np.sqrt(h) * shifts[:, None]  # (B, T, 1 or 2, S, D)
        times = np.broadcast_to(t[:, :, None, None], points.shape[:-1])
        values = of(points.reshape(len(x), -1, x.shape[-1]), times.reshape(len(x), -1))
        values = values.reshape(*values.shape[:-2], *points.shape[1:])
        found = np.moveaxis(np.einsum("...rsd,s->...rd", values, weights), -2, 0)
        return np.broadcast_to(found, (2, *found.shape[1:]))

    def score(self, x: Array, t: Array) -> Array:
        """The empirical score, (B, P, D)."""
        return (self.run.posterior_means(x, self.data, t)[0] - x) / t[..., None]


def _batches(setting: Setting, name: str, **how: Unpack[How]) -> Iterator[_Batch]:
    """Batches of data sets of the setting's samples."""
    equal_classes(setting, "the experiment kernel_smoothing")
    run, N, D = Sampling(**how), setting.samples, setting.manifold.ambient_dimension
    B = max(LEAST, min(SETS, COORDINATES // (N * D)))
    for random, data in run.drawn(lambda random: draw(setting, B * N, random), name):
        yield _Batch(data.reshape(B, N, D), random, run, _rule(setting, B, random))


def _rule(setting: Setting, B: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Shifts in units of sqrt(h), (1, 1, S, 1) in one dimension and two sets for each data set in more, (B, 2, S, D); weights."""
    D = setting.manifold.ambient_dimension
    if D == 1:
        nodes, weights = roots_hermitenorm(_count(setting))
        return nodes[None, None, :, None], weights / weights.sum()
    half = random.standard_normal((B, 2, SHIFTS // 2, D))
    return np.concatenate([half, -half], axis=2), np.full(SHIFTS, 1 / SHIFTS)


def _count(setting: Setting) -> int:
    """How many nodes: a score changes over sqrt(t), and over t beside the width of the data where most samples count."""
    t, h = setting.t.min(), setting.bandwidth or setting.t.min()
    extent = np.sqrt(setting.manifold.spectrum[0] + setting.separation**2 / 4)
    return int(np.ceil(NODES[0] + NODES[1] * np.sqrt(h) * min(1 / np.sqrt(t), extent / t)))


def _fresh(setting: Setting, batch: _Batch, t: Array) -> Array:
    """For each data set a point of p_t at each of its times, (T,) or (B, T): shape (B, T, D)."""
    clean = draw(setting, len(batch.data), batch.random)[:, None]
    return noise(np.repeat(clean, t.shape[-1], axis=1), t[..., None], batch.random)


def _point(setting: Setting) -> Array:
    """The point at each time, data units, shape (T, D)."""
    if setting.point is not None:
        return np.array([point_at(setting, i) for i in range(setting.t.size)])
    x, m = np.zeros((setting.t.size, setting.manifold.ambient_dimension)), setting.manifold.intrinsic_dimension
    x[:, :m] = np.sqrt(setting.manifold.spectrum[:m] + setting.t[:, None])
    return x


def _true_score(setting: Setting, x: Array, t: Array) -> Array:
    """Of Gaussian data or a mixture of two at points, (..., D)."""
    variances = setting.manifold.spectrum + t[..., None]
    found = -x / variances
    pull = setting.separation / 2 / variances[..., 0]
    found[..., 0] += pull * np.tanh(pull * x[..., 0])
    return found


def _true_log_density(setting: Setting, x: Array, t: Array) -> Array:
    """Of the same at points, (...)."""
    half = setting.separation / 2
    pull = half / (setting.manifold.spectrum[0] + t)
    log_cosh = np.logaddexp(pull * x[..., 0], -pull * x[..., 0]) - np.log(2)
    return log_density(x, t[..., None], setting.manifold) + log_cosh - half * pull / 2


def _orders(setting: Setting, batch: _Batch, x: Array, h: float) -> tuple[Array, Array]:
    """What the score at points (T, D) is to first and second order in r = p^/p - 1, but for what has a mean other than 0.

    Returns:
        K_h * grad r, r that of each of M parts of a data set, (2, B, M, T, D); and K_h * (- r grad r), of pairs of parts that
        are not the same, (2, B, T, D). 0 where the density is not known.
    """
    B, N, D = batch.data.shape
    M = max(count for count in range(1, PARTS + 1) if N % count == 0)  # no sample is left over
    if setting.ensemble == "sphere":
        return np.zeros((2, B, M, *x.shape)), np.zeros((2, B, *x.shape))
    parts = batch.data.reshape(B * M, N // M, D)

    def both(at: Array, t: Array) -> Array:
        at, t = np.repeat(at, M, axis=0), np.repeat(t, M, axis=0)
        means, log_densities = batch.run.posterior_means(at, parts, t)
        ratio = np.exp(log_densities - _true_log_density(setting, at, t))[..., None]
        slope = ratio * ((means - at) / t[..., None] - _true_score(setting, at, t))
        r, slope = ((a.reshape(B, M, *a.shape[1:])) for a in (ratio - 1, slope))
        return np.concatenate([slope, -_pairs(r, slope)[:, None]], axis=1)

    found = batch.smoothed(both, x, setting.t, h)
    return found[:, :, :-1], found[:, :, -1]


def _pairs(one: Array, other: Array) -> Array:
    """The product of two means over parts, less that of the same: (B, M, ...) -> (B, ...)."""
    return np.asarray(one.sum(axis=1) * other.sum(axis=1) - (one * other).sum(axis=1)) / one.shape[1] ** 2


def _bias(setting: Setting, batch: _Batch, x: Array, h: float) -> Array:
    """Of infinitely many samples at points (T, D), (2, B, T, D)."""
    smoothed = batch.smoothed(lambda at, t: _true_score(setting, at, t), x, setting.t, h)
    return smoothed - _true_score(setting, x, setting.t)


def _control(first: Array, second: Array, bias: Array | float = 0.0) -> Array:
    """What of the square of the bias and both orders has the mean 0, (B, T, D): no two samples that count there are the same."""
    noise = first.mean(axis=2)
    beside = second + bias
    return _pairs(*first) + noise[0] * beside[1] + noise[1] * beside[0] + (second[::-1] * bias).sum(axis=0)


def _with_control(values: Array, controls: Array) -> Array:
    """Means over the data sets of a batch, (H, B, ...), of values, controls, their products and squares, (4, H, ...)."""
    return np.array([values, controls, values * controls, controls**2]).mean(axis=2)


def _less_control(mean: Array) -> Array:
    """The mean of values less what their regression on controls, whose mean is 0, makes of the mean of those."""
    value, control, product, square = mean
    variance = square - control**2
    slope = np.divide(product - value * control, variance, out=np.zeros_like(value), where=variance > 0)
    return np.asarray(value - slope * control)


def _scatter(scores: Array, setting: Setting) -> Array:
    """Unbiased squares about the mean, of one component in each subspace: (repeats, H, 2, B, T, D) -> (repeats, H, B, T, K)."""
    away = scores - scores.mean(axis=(0, 3), keepdims=True)
    count = scores.shape[0] * scores.shape[3]
    return _by_subspace(away.prod(axis=2), setting) * count / max(1, count - 1)


def _errors(setting: Setting, scores: Array, x: Array, t: Array) -> Array:
    """Unbiased squares of the components of s_h - s, (H, B, T, D)."""
    return (scores - _true_score(setting, x, t)).prod(axis=1)


def _by_subspace(values: Array, setting: Setting) -> Array:
    """The mean over the directions of each subspace: (..., D) -> (..., K)."""
    return np.stack([values[..., part].mean(axis=-1) for part in setting.manifold.slices], axis=-1)
