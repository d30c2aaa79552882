r"""The audit of a user's data set: when is it memorized, what goes first, and what would prevent it?

The predictions are those of the linear manifold with the spectrum of the data; the measurements, those of
`numerics.leave_one_out`, use the data alone. Where the two part, linear Gaussian theory stops describing the data.
Thermodynamic formulas are joined by *Gaussian data of the same spectrum, number and dimension*, simulated and
measured in the same way: what they share with the data is finite size, what they do not is shape.

How many samples move the collapse to t? Two bounds from above on the information I(t), hence on N = exp I(t), hold
for any distribution. Of all distributions of a covariance the Gaussian has the largest I, and loses it fastest as
noise grows, since dI/dt = -mmse/2t^2 and no mmse exceeds that of the best linear estimator. So

    I(t) <= I_G(t),        I(t) <= I^(t*) + I_G(t) - I_G(t*)    for every t* >= t,

with I^ measured on held-out points, itself from above. The second is anchored in the data, at a t* where enough
samples share the weight. Both take the spectrum of the sample for that of the population.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import DTYPES, checked, resolve_device, stream, to_host
from numerics.classes import classes, speciation
from numerics.data import draw
from numerics.early_stopping import COPIED, Stopped, stopped
from numerics.leave_one_out import (
    HeldOut,
    PrincipalAxes,
    Trajectory,
    held_out,
    principal_axes,
    retained_variance,
    trajectory,
    trajectory_through_collapse,
)
from numerics.measurement import Measurement, crossing
from numerics.memorized import fraction, memorized
from numerics.storage.columns import Taken, doubts
from theory.averages.nearest_sample import own_is_nearest
from theory.extensive import extensive
from theory.predictions import collapse, subspace_loss
from theory.real import number, whole
from theory.setting import LinearManifold, Setting
from validation.audit.dominance import dominance, standardized
from validation.report.tables import plain
from validation.report.words import short

__all__ = ["TICKS", "Audit", "audit"]

Array = NDArray[np.float64]
Truths = NDArray[np.bool_]
TICKS = 27  # classes 1, spectrum 1, theory 2, trajectories 3, Gaussian data 8, held out 2, stopping 2, covariances 8
LOWEST, HIGHEST, PER_DECADE = 0.01, 100.0, 6  # the times, in units of the predicted collapse time, and
BEYOND, FARTHEST = 10.0, 1e4  # up to this many times the largest variance, where noise hides all shape
EVERY = 2  # covariances are measured at every second time
TWINS, TWIN_QUERIES = 8, 64  # Gaussian data sets, and noised samples of each
EXACT_SUBSPACES = 2  # beyond, the exact memorized probability takes seconds a time
EXACT_TO = 1e-4  # relative: beside numbers with errors
EXACT_TIMES = np.array([0.25, 0.5, 1.0, 2.0, 4.0])  # in units of the predicted collapse time
FRACTION_TOLERANCE = 0.05
VARIANCE_TOLERANCE = 0.2
ERRORS = 4  # standard errors
RELEVANT = 0.01  # of all retained variance: subspaces with less hardly matter to the score
ENOUGH = 20  # samples that share the weight, for a posterior variance to speak of the distribution


@dataclass(frozen=True)
class Audit:
    """What was found; times and variances in data units squared.

    Attributes:
        name: of the data set.
        summary: everything that was predicted and measured, in strict JSON.
        spectrum: eigenvalues of the covariance, normal directions included as 0, shape (D,).
    """

    name: str
    summary: dict[str, Any]
    spectrum: Array


def audit(
    name: str,
    data: ArrayLike,
    *,
    taken: Taken | None = None,
    labels: ArrayLike | None = None,
    generated: ArrayLike | None = None,
    standardize: bool = False,
    wanted_time: float | None = None,
    resolution: float = 2.0,
    queries: int = 256,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    tick: Callable[[], object] = lambda: None,
) -> Audit:
    """Predict and measure the memorization of a data set.

    Args:
        name: what to call it.
        data: samples, shape (N, D).
        taken: which rows and columns of a file they are; by default all.
        labels: the class of each sample, numbers or words, shape (N,), where there are classes.
        generated: points that a model of the data generated, shape (M, D), to count the copies among.
        standardize: whether to divide every column by its deviation; then the units of t are those of deviations squared.
        wanted_time: the noise variance, in data units squared, that the collapse should be moved to; by default
            half of the predicted collapse time.
        resolution: eigenvalues within this factor become one subspace.
        queries: how many samples to noise, and how many, at most, to hold out.
        seed: of everything random.
        device: `cpu`, `cuda` or `auto`.
        dtype: of distances and weights, `float64` or `float32`.
        tick: called `TICKS` times.

    Raises:
        ValueError: for data or options that do not fit, in one line.
    """
    options = _checked(wanted_time, resolution, queries, seed, device, dtype)
    samples = to_host(checked(data, "data"))
    read = (taken or _taken(samples)).summary()
    if labels is not None:
        classes(labels, len(samples))  # refused before any work is done
    copies = {} if generated is None else {"generated": _copied(generated, samples)}
    samples = standardized(samples) if standardize else samples
    axes = principal_axes(samples)
    alone = dominance(samples, resolution)
    tick()
    setting = axes.setting(resolution)
    manifold = setting.manifold
    predicted = collapse.collapse_time(setting)
    loss = {
        "typical": subspace_loss.loss_time_typical(setting),
        "annealed": subspace_loss.loss_time_annealed(setting),
    }
    _repeat(tick, 2)
    trained = trajectory_through_collapse(axes, _times(manifold, predicted), **options)
    _repeat(tick, 3)
    found = None if labels is None else _classes(axes, labels, trained.t, options)
    tick()
    setting = setting.at(times=trained.t)
    twin = _twin(setting, options, tick)
    fresh = held_out(axes, trained.t, **options)
    _repeat(tick, 2)
    slices, t = manifold.slices, trained.t[::EVERY]
    early = stopped(axes, trained.t, **options)
    _repeat(tick, 2)
    retained = retained_variance(axes, t, slices, tick=_shares(tick, 8), **options)
    curves = _curves(setting, predicted, trained, twin, fresh, retained, early)
    times = _collapse_times(predicted, trained, twin)
    validity = _validity(curves, times)
    summary = {
        "name": name,
        "read": read,
        "standardized": bool(standardize),
        "dominance": alone.summary() if alone else None,
        "samples": len(axes.coordinates),
        "distinct_samples": axes.distinct,
        "duplicated_samples": int((axes.copies > 1).sum()),
        "ambient_dimension": axes.spectrum.size,
        "intrinsic_dimension": manifold.intrinsic_dimension,
        "resolution": float(resolution),
        "subspaces": _subspaces(manifold, loss),
        **times,
        **_orders(loss),
        "classes": found,
        **_samples_needed(setting, predicted / 2 if wanted_time is None else float(wanted_time), fresh),
        "stopping": _stopping(axes.spectrum[: manifold.intrinsic_dimension], trained, early),
        "validity": validity | {"sentence": _sentence(validity, times, manifold)},
        **copies,
        "queries": len(trained.own_weight),
        "held_out_queries": fresh.information.n,
        "covariance_queries": retained.n,
        "gaussian_data_sets": TWINS,
        "seed": int(seed),
        "device": options["device"],
        "dtype": dtype,
        "curves": curves,
    }
    return Audit(name, plain(summary), axes.spectrum)


def _checked(
    wanted_time: float | None, resolution: float, queries: int, seed: int, device: str, dtype: str
) -> dict[str, Any]:
    """The options of a measurement."""
    if wanted_time is not None and not (_is_number(wanted_time) and 0 < wanted_time < math.inf):
        raise ValueError(f"the wanted time must be positive and finite, a noise variance t, got {wanted_time!r}")
    if not (_is_number(resolution) and 1 <= resolution < math.inf):
        raise ValueError(f"the resolution must be a factor of at least 1, as in 2.0, got {resolution!r}")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    checked = {"queries": whole(queries, "queries", 2), "rng": whole(seed, "the seed", 0)}
    return checked | {"device": resolve_device(device), "dtype": dtype}


def _copied(generated: ArrayLike, samples: Array) -> dict[str, Any]:
    """The share of points that are copies of samples, in the units of the data, with the interval of 95 %.

    Raises:
        ValueError: for points of another shape.
    """
    points = to_host(checked(generated, "generated points"))
    if points.ndim != 2 or points.shape[1] != samples.shape[1]:
        raise ValueError(
            f"generated points must have shape (M, {samples.shape[1]}), as the data have, got {points.shape}"
        )
    share, low, high = fraction(memorized(points, samples))
    return {"points": len(points), "share": share, "low": low, "high": high}


def _taken(samples: Array) -> Taken:
    """All of an array, whose columns nobody has looked at."""
    return Taken.of(samples.shape).but(doubts=doubts(samples, None, range(samples.shape[1])))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not math.isnan(number(value))


def _repeat(tick: Callable[[], object], count: int) -> None:
    for _ in range(count):
        tick()


def _shares(tick: Callable[[], object], count: int) -> Callable[[float], None]:
    """A function of the share done that ticks `count` times on its way to 1."""
    done = 0

    def report(share: float) -> None:
        nonlocal done
        due = math.floor(count * share + 1e-9)
        _repeat(tick, due - done)
        done = due

    return report


# predictions


@dataclass(frozen=True)
class _Twin:
    """Gaussian data of the same spectrum; errors over data sets."""

    memorized: Measurement
    own_weight: Measurement
    collapse_time: Measurement


def _times(manifold: LinearManifold, predicted: float) -> Array:
    """Geometric times about the collapse, up to where noise hides the shape of the data, shape (T,)."""
    largest = BEYOND * manifold.variances.max() / predicted
    decades = math.log10(max(HIGHEST, min(FARTHEST, largest)) / LOWEST)
    steps = np.arange(math.ceil(decades * PER_DECADE - 1e-9) + 1)
    return np.asarray(predicted * LOWEST * 10 ** (steps / PER_DECADE))


def _twin(setting: Setting, options: dict[str, Any], tick: Callable[[], object]) -> _Twin:
    memorized, own_weight = [], []
    for k in range(TWINS):
        random = stream(options["rng"], "audit", "twin", k)
        seed = np.random.SeedSequence(options["rng"], spawn_key=(k,))
        samples = _gaussian(draw(setting, setting.samples, random), setting.manifold)
        found = trajectory(samples, setting.t, **options | {"queries": TWIN_QUERIES, "rng": seed})
        memorized.append(found.memorized.mean(axis=0))
        own_weight.append(found.own_weight.mean(axis=0))
        tick()
    times = [crossing(setting.t, weight, 0.5) for weight in own_weight]
    return _Twin(*map(Measurement.of, (memorized, own_weight, times)))


def _gaussian(samples: Array, manifold: LinearManifold) -> PrincipalAxes:
    """Samples that are in principal axes already, and distinct."""
    each = np.arange(len(samples))
    coordinates = samples[:, : manifold.intrinsic_dimension]
    unit = float(2.0 ** np.ceil(np.log2(np.abs(coordinates).max())))
    return PrincipalAxes(coordinates / unit, manifold.spectrum, unit, each, np.ones_like(each))


def _memorized_probability(setting: Setting, predicted: float) -> Array:
    """The exact probability at `EXACT_TIMES`, NaN where it would take long."""
    if len(setting.manifold.subspaces) > EXACT_SUBSPACES:
        return np.full_like(EXACT_TIMES, np.nan)
    return own_is_nearest(setting.manifold, predicted * EXACT_TIMES, setting.samples, accuracy=EXACT_TO)


def _curves(
    setting: Setting,
    predicted: float,
    trained: Trajectory,
    twin: _Twin,
    fresh: HeldOut,
    retained: Measurement,
    early: Stopped,
) -> dict[str, Any]:
    """Everything that depends on t, predicted and measured."""
    measured = {
        "memorized_fraction": Measurement.of_events(trained.memorized),
        "own_weight": Measurement.of(trained.own_weight),
        "participation": Measurement.of(trained.participation),
        "held_out_participation": fresh.participation,
        "held_out_information": fresh.information,
        "gaussian_memorized_fraction": twin.memorized,
        "gaussian_own_weight": twin.own_weight,
        "retained_variance": retained,
        "copied_fraction": Measurement.of_events(early.copied_denoised),
        "copied_fraction_noised": Measurement.of_events(early.copied),
        "variance_left": early.variance_left,
        "held_out_log_density": Measurement.of(early.log_density),
    }
    curves: dict[str, Any] = {"times": setting.t, "retained_times": setting.t[::EVERY]}
    for key, value in measured.items():
        curves |= {key: value.mean, f"{key}_error": value.sem}
    slices = setting.manifold.slices
    return curves | {
        "exact_times": predicted * EXACT_TIMES,
        "memorized_probability": _memorized_probability(setting, predicted),
        "memorized_probability_asymptotic": collapse.memorized_probability_asymptotic(setting),
        "information": collapse.information(setting),
        "predicted_retained_variance": _posterior_variance(setting, fresh.variances),
        "dimensions": setting.manifold.dimensions,
        "rest_variance": np.array([fresh.variances[part].mean() for part in slices]),
    }


def _posterior_variance(setting: Setting, variances: Array) -> Array:
    """c_t averaged over the directions of each subspace, shape (S, K), for given variances, shape (m,).

    These are the variances of the samples that were not held out: a direction that a few outliers make would
    otherwise differ at all t, by which of them are held out.
    """
    t = setting.t[::EVERY, None]
    per_direction = t * collapse.derivation()["dispersion"](variances, t)  # c_t = t lambda/(lambda+t)
    return np.stack([per_direction[:, part].mean(axis=1) for part in setting.manifold.slices], axis=1)


def _collapse_times(predicted: float, trained: Trajectory, twin: _Twin) -> dict[str, float]:
    measured = trained.collapse_time
    return {
        "collapse_time": predicted,
        "measured_collapse_time": float(measured.mean),
        "measured_collapse_time_error": float(measured.sem),
        "gaussian_collapse_time": float(twin.collapse_time.mean),
        "gaussian_collapse_time_error": float(twin.collapse_time.sem),
    }


def _classes(axes: PrincipalAxes, labels: ArrayLike, t: Array, options: dict[str, Any]) -> dict[str, Any]:
    """What noise leaves of the classes, up to where it hides all of the data."""
    farther = np.geomspace(t[-1], max(t[-1], BEYOND * axes.spectrum.sum()), 1 + PER_DECADE)[1:]
    found = speciation(axes, labels, np.unique([*t, *farther]), **options)
    time = found.speciation_time
    return {
        "names": list(found.names),
        "shares": found.shares,
        "speciation_time": float(time.mean),
        "speciation_time_error": float(time.sem),
        "times": found.t,
        "cloning_probability": found.cloning_probability.mean,
        "cloning_probability_error": found.cloning_probability.sem,
        "return_probability": found.return_probability.mean,
        "return_probability_error": found.return_probability.sem,
        "class_information": found.class_information.mean,
        "class_information_error": found.class_information.sem,
    }


def _orders(loss: dict[str, Array]) -> dict[str, Any]:
    def order(times: Array) -> list[int]:
        return [int(k) for k in np.argsort(-times, kind="stable")]

    return {
        "loss_order": order(loss["typical"]),
        "loss_order_annealed": order(loss["annealed"]),
        "loss_times_typical": loss["typical"],
        "loss_times_annealed": loss["annealed"],
    }


def _subspaces(manifold: LinearManifold, loss: dict[str, Array]) -> list[dict[str, Any]]:
    return [
        {
            "variance": s.variance,
            "dimension": s.dimension,
            "loss_time_typical": typical,
            "loss_time_annealed": annealed,
        }
        for s, typical, annealed in zip(manifold.subspaces, loss["typical"], loss["annealed"], strict=True)
    ]


def _samples_needed(setting: Setting, wanted: float, fresh: HeldOut) -> dict[str, Any]:
    """N from the spectrum, and from the measured information: the lowest of the bounds over t* >= wanted."""
    information = collapse.derivation()["information"]
    gaussian = float(extensive(information, setting.manifold, wanted))
    bounds = fresh.information.mean + gaussian - extensive(information, setting.manifold, setting.t)
    bounds[setting.t < wanted] = math.inf
    best = int(np.argmin(bounds))
    found = math.isfinite(bounds[best])
    return {
        "wanted_time": wanted,
        "samples_needed": _exp(gaussian),
        "log10_samples_needed": gaussian / math.log(10),
        "samples_needed_from_data": _exp(bounds[best]),
        "log10_samples_needed_from_data": float(bounds[best]) / math.log(10),
        "log10_samples_needed_from_data_error": fresh.information.sem[best] / math.log(10) if found else math.nan,
        "anchor_time": setting.t[best] if found else math.nan,
    }


def _stopping(variances: Array, trained: Trajectory, early: Stopped) -> dict[str, Any]:
    """When generation has to stop, what it leaves there, and the bandwidth that does as much."""
    times = {
        "stopping_time": early.stopping_time,
        "stopping_time_noised": early.stopping_time_noised,
        "closest_time": early.closest_time,
        "bandwidth": trained.bandwidth,
    }
    found = {key: float(time.mean) for key, time in times.items()}
    errors = {f"{key}_error": float(time.sem) for key, time in times.items()}
    left = {
        "variance_left": _between(early.t, early.variance_left.mean, found["stopping_time"]),
        "directions_below_noise": int((variances < found["stopping_time_noised"]).sum()),
        "copied_where_closest": _between(early.t, early.copied_denoised.mean(axis=0), found["closest_time"]),
    }
    return found | errors | left | {"copied": COPIED, "copied_by_chance": early.by_chance}


def _between(t: Array, f: Array, time: float) -> float:
    """A curve at a time between those of the grid, linear in log t; NaN at none."""
    return float(np.interp(math.log(time), np.log(t), f)) if math.isfinite(time) else math.nan


def _exp(log_samples: float) -> float:
    return math.exp(log_samples) if log_samples < 700 else math.inf


# validity


def _validity(curves: dict[str, Any], times: dict[str, float]) -> dict[str, Any]:
    """From which t on theory and data agree, and where, coming from above, they first do not."""
    t, s = curves["times"], curves["retained_times"]
    fraction, variance, tested = _agreement(curves)
    both = fraction.copy()
    both[::EVERY] &= variance.all(axis=-1)
    start = _from_above(both)
    measured, predicted = times["measured_collapse_time"], times["collapse_time"]
    return {
        "valid_above": _at(t, start),
        "memorized_fraction_valid_above": _at(t, _from_above(fraction)),
        "retained_variance_valid_above": _at(s, _from_above(np.asarray(variance.all(axis=-1)))),
        "retained_variance_tested_above": _at(s, _from_above(tested)),
        "lowest_time": float(t[0]),
        "everywhere": start == 0,
        "through_collapse": bool(_at(t, start) <= min(measured, predicted)),
        "collapse_ratio": measured / predicted,
        "collapse_ratio_error": times["measured_collapse_time_error"] / predicted,
        "collapse_ratio_to_gaussian_data": measured / times["gaussian_collapse_time"],
        "first_disagreement": _disagreement(curves, fraction, variance, start - 1) if start else None,
    }


def _agreement(curves: dict[str, Any]) -> tuple[Truths, Truths, Truths]:
    """Whether the memorized fraction agrees, (T,), and retained variances, (S, K); where these are tested, (S,).

    Retained variances count as agreeing where they are not tested, or too small to matter.
    """
    error = np.hypot(curves["memorized_fraction_error"], curves["gaussian_memorized_fraction_error"])
    gap = np.abs(curves["memorized_fraction"] - curves["gaussian_memorized_fraction"])
    fraction = gap <= np.maximum(FRACTION_TOLERANCE, ERRORS * error)
    expected = curves["predicted_retained_variance"]
    allowed = np.maximum(VARIANCE_TOLERANCE * expected, ERRORS * curves["retained_variance_error"])
    total = expected * curves["dimensions"]
    relevant = total >= RELEVANT * total.sum(axis=1, keepdims=True)
    tested = 1 / curves["held_out_participation"][::EVERY] >= ENOUGH
    wrong = np.abs(curves["retained_variance"] - expected) > allowed
    return fraction, ~(wrong & relevant & tested[:, None]), tested


def _from_above(holds: Truths) -> int:
    """The first index from which on all hold; the length where the last does not."""
    fails = np.flatnonzero(~holds)
    return int(fails[-1]) + 1 if fails.size else 0


def _at(t: Array, index: int) -> float:
    return float(t[index]) if index < t.size else math.nan


def _disagreement(curves: dict[str, Any], fraction: Truths, variance: Truths, i: int) -> dict[str, Any]:
    """What disagrees at time i: the memorized fraction or else the worst retained variance."""
    subspace = None
    if fraction[i]:
        measured, predicted = curves["retained_variance"][i // EVERY], curves["predicted_retained_variance"][i // EVERY]
        subspace = int(np.argmax(np.where(variance[i // EVERY], -1, np.abs(measured - predicted) / predicted)))
        measured, predicted = measured[subspace], predicted[subspace]
    else:
        measured, predicted = curves["memorized_fraction"][i], curves["gaussian_memorized_fraction"][i]
    return {
        "time": float(curves["times"][i]),
        "quantity": "memorized fraction" if subspace is None else "retained variance",
        "subspace": subspace,
        "measured": float(measured),
        "predicted": float(predicted),
    }


def _sentence(validity: dict[str, Any], times: dict[str, float], manifold: LinearManifold) -> str:
    """The validity in words."""
    theory, above = "Linear Gaussian theory describes this data set", validity["valid_above"]
    if validity["everywhere"]:
        floor = validity["retained_variance_tested_above"]
        tested = f" (retained variance: above t = {short(floor)})" if math.isfinite(floor) else ""
        return f"{theory} wherever it could be tested, from t = {short(above)} up{tested}."
    why = _in_words(validity["first_disagreement"], manifold)
    if not math.isfinite(above):
        return f"{theory} at no t that was tested: {why}."
    if validity["through_collapse"]:
        return f"{theory} above t = {short(above)}, through its collapse; below, {why}."
    ratio = above / times["measured_collapse_time"]
    place = f", {short(ratio)} times its collapse" if math.isfinite(ratio) else ""
    return f"{theory} only above t = {short(above)}{place}; below, {why}. It is not Gaussian near its collapse."


def _in_words(found: dict[str, Any], manifold: LinearManifold) -> str:
    at = f"at t = {short(found['time'])}"
    if found["subspace"] is None:
        return (
            f"the memorized fraction is {found['measured']:.2f} {at} where Gaussian data have {found['predicted']:.2f}"
        )
    ratio = found["measured"] / found["predicted"]
    what = f"the retained variance of the subspace of variance {short(float(manifold.variances[found['subspace']]))}"
    return f"{what} is {short(ratio)} of the Gaussian one {at}"
