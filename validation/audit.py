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
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import DTYPES, resolve_device, stream
from numerics.data import draw
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
from theory.extensive import extensive
from theory.predictions import collapse, subspace_loss
from theory.setting import LinearManifold, Setting, Subspace
from validation import figures as plot
from validation.report import Figure, Section

__all__ = ["TICKS", "Audit", "audit", "figures", "sections", "text"]

Array = NDArray[np.float64]
Truths = NDArray[np.bool_]
TICKS = 24  # spectrum 1, theory 2, trajectories 3, Gaussian data 8, held-out points 2, covariances 8
LOWEST, HIGHEST, PER_DECADE = 0.01, 100.0, 6  # the times, in units of the predicted collapse time, and
BEYOND, FARTHEST = 10.0, 1e4  # up to this many times the largest variance, where noise hides all shape
EVERY = 2  # covariances are measured at every second time
TWINS, TWIN_QUERIES = 8, 64  # Gaussian data sets, and noised samples of each
EXACT_SUBSPACES = 2  # beyond, the exact memorized probability takes seconds a time
EXACT_TIMES = np.array([0.25, 0.5, 1.0, 2.0, 4.0])  # in units of the predicted collapse time
FRACTION_TOLERANCE = 0.05
VARIANCE_TOLERANCE = 0.2
ERRORS = 4  # standard errors
RELEVANT = 0.01  # of all retained variance: subspaces with less hardly matter to the score
ENOUGH = 20  # samples that share the weight, for a posterior variance to speak of the distribution
SHOWN = 5  # subspaces in a figure or in the text
WIDTH = 100  # of the text


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
    axes = principal_axes(data)
    tick()
    manifold = LinearManifold.from_spectrum(axes.spectrum, resolution=resolution)
    setting = Setting(manifold, samples=axes.distinct)
    predicted = collapse.collapse_time(setting)
    loss = {
        "typical": subspace_loss.loss_time_typical(setting),
        "annealed": subspace_loss.loss_time_annealed(setting),
    }
    _repeat(tick, 2)
    trained = trajectory_through_collapse(axes, _times(manifold, predicted), **options)
    _repeat(tick, 3)
    setting = setting.at(times=trained.t)
    twin = _twin(setting, options, tick)
    fresh = held_out(axes, trained.t, **options)
    _repeat(tick, 2)
    slices, t = manifold.slices, trained.t[::EVERY]
    retained = retained_variance(axes, t, slices, tick=_shares(tick, 8), **options)
    curves = _curves(setting, predicted, trained, twin, fresh, retained)
    times = _collapse_times(predicted, trained, twin)
    validity = _validity(curves, times)
    summary = {
        "name": name,
        "samples": len(axes.coordinates),
        "distinct_samples": axes.distinct,
        "duplicated_samples": int((axes.copies > 1).sum()),
        "ambient_dimension": axes.spectrum.size,
        "intrinsic_dimension": manifold.intrinsic_dimension,
        "resolution": float(resolution),
        "subspaces": _subspaces(manifold, loss),
        **times,
        **_orders(loss),
        **_samples_needed(setting, predicted / 2 if wanted_time is None else float(wanted_time), fresh),
        "validity": validity | {"sentence": _sentence(validity, times)},
        "queries": len(trained.own_weight),
        "held_out_queries": fresh.information.n,
        "covariance_queries": retained.n,
        "gaussian_data_sets": TWINS,
        "seed": int(seed),
        "device": options["device"],
        "dtype": dtype,
        "curves": curves,
    }
    return Audit(name, _strict(summary), axes.spectrum)


def _checked(
    wanted_time: float | None, resolution: float, queries: int, seed: int, device: str, dtype: str
) -> dict[str, Any]:
    """The options of a measurement."""
    if wanted_time is not None and not (_is_number(wanted_time) and 0 < wanted_time < math.inf):
        raise ValueError(f"the wanted time must be positive and finite, a noise variance t, got {wanted_time!r}")
    if not (_is_number(resolution) and 1 <= resolution < math.inf):
        raise ValueError(f"the resolution must be a factor of at least 1, as in 2.0, got {resolution!r}")
    if not (isinstance(queries, int | np.integer) and queries >= 2):
        raise ValueError(f"queries must be an integer of at least 2, for a standard error, got {queries!r}")
    if not (isinstance(seed, int | np.integer) and seed >= 0):
        raise ValueError(f"the seed must be a non-negative integer, got {seed!r}")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return {"queries": int(queries), "rng": int(seed), "device": resolve_device(device), "dtype": dtype}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


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
    for number in range(TWINS):
        random = stream(options["rng"], "audit", "twin", number)
        seed = np.random.SeedSequence(options["rng"], spawn_key=(number,))
        samples = _gaussian(draw(setting, setting.samples, random), setting.manifold)
        found = trajectory(samples, setting.t, **options | {"queries": TWIN_QUERIES, "rng": seed})
        memorized.append(found.memorized.mean(axis=0))
        own_weight.append(found.own_weight.mean(axis=0))
        tick()
    times = [crossing(setting.t, weight, 0.5) for weight in own_weight]
    return _Twin(*map(Measurement.of, (memorized, own_weight, times)))


def _gaussian(samples: Array, manifold: LinearManifold) -> PrincipalAxes:
    """Samples that are in principal axes already, and distinct."""
    number = np.arange(len(samples))
    coordinates = samples[:, : manifold.intrinsic_dimension]
    unit = float(2.0 ** np.ceil(np.log2(np.abs(coordinates).max())))
    return PrincipalAxes(coordinates / unit, manifold.spectrum, unit, number, np.ones_like(number))


def _memorized_probability(setting: Setting, predicted: float) -> Array:
    """The exact probability at `EXACT_TIMES`, NaN where it would take long."""
    if len(setting.manifold.subspaces) > EXACT_SUBSPACES:
        return np.full_like(EXACT_TIMES, np.nan)
    # the probability has no units: those of the collapse keep every number near 1
    parts = tuple(Subspace(s.variance / predicted, s.dimension) for s in setting.manifold.subspaces)
    return collapse.memorized_probability(Setting(LinearManifold(parts), setting.samples, EXACT_TIMES))


def _curves(
    setting: Setting,
    predicted: float,
    trained: Trajectory,
    twin: _Twin,
    fresh: HeldOut,
    retained: Measurement,
) -> dict[str, Any]:
    """Everything that depends on t, predicted and measured."""
    measured = {
        "memorized_fraction": Measurement.of(trained.memorized),
        "own_weight": Measurement.of(trained.own_weight),
        "participation": Measurement.of(trained.participation),
        "held_out_participation": fresh.participation,
        "held_out_information": fresh.information,
        "gaussian_memorized_fraction": twin.memorized,
        "gaussian_own_weight": twin.own_weight,
        "retained_variance": retained,
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


def _sentence(validity: dict[str, Any], times: dict[str, float]) -> str:
    """The validity in words."""
    theory, above = "Linear Gaussian theory describes this data set", validity["valid_above"]
    if validity["everywhere"]:
        floor = validity["retained_variance_tested_above"]
        tested = f" (retained variance: above t = {_short(floor)})" if math.isfinite(floor) else ""
        return f"{theory} wherever it could be tested, from t = {_short(above)} up{tested}."
    why = _in_words(validity["first_disagreement"])
    if not math.isfinite(above):
        return f"{theory} at no t that was tested: {why}."
    if validity["through_collapse"]:
        return f"{theory} above t = {_short(above)}, through its collapse; below, {why}."
    ratio = above / times["measured_collapse_time"]
    place = f", {_short(ratio)} times its collapse" if math.isfinite(ratio) else ""
    return f"{theory} only above t = {_short(above)}{place}; below, {why}. It is not Gaussian near its collapse."


def _in_words(found: dict[str, Any]) -> str:
    at = f"at t = {_short(found['time'])}"
    if found["subspace"] is None:
        return (
            f"the memorized fraction is {found['measured']:.2f} {at} where Gaussian data have {found['predicted']:.2f}"
        )
    ratio = found["measured"] / found["predicted"]
    return f"the retained variance of subspace {found['subspace']} is {_short(ratio)} of the Gaussian one {at}"


# what is said


def text(audit: Audit) -> str:
    """The four answers, for the terminal."""
    s = audit.summary
    return "\n\n".join([_head(s), _when(s), _which(s), _how_many(s), _how_far(s)])


def _head(s: dict[str, Any]) -> str:
    copies = f", {s['duplicated_samples']} of them not unique ({s['distinct_samples']} distinct)"
    return "\n".join(
        [
            f"{s['name']}: {_counted(s['samples'], 'sample')} in {_counted(s['ambient_dimension'], 'dimension')}"
            f"{copies if s['duplicated_samples'] else ''}, varying along {s['intrinsic_dimension']},",
            f"in {_counted(len(s['subspaces']), 'subspace')}. Times t are noise variances, in data units squared.",
        ]
    )


def _when(s: dict[str, Any]) -> str:
    measured = s["measured_collapse_time"]
    if measured is None:
        found = "No collapse was found: the weight of a noised sample's origin does not cross 1/2."
    else:
        error = s["measured_collapse_time_error"]
        found = f"Measured: below t = {_pm(measured, error)} most of the score's weight is on the sample noised."
    gaussian = _pm(s["gaussian_collapse_time"], s["gaussian_collapse_time_error"])
    return _answer(
        "When is it memorized?",
        found,
        f"Gaussian data of the same spectrum and number, simulated: below t = {gaussian}.",
        f"Theory, log N = I(t): below t = {_short(s['collapse_time'])}.",
    )


def _which(s: dict[str, Any]) -> str:
    lines, shown = [], _spread(len(s["loss_order"]))
    for place, k in enumerate(s["loss_order"]):
        if place in shown:
            lines.append(_lost(place + 1, s["subspaces"][k]))
        elif place - 1 in shown:
            lines.append("...")
    return _answer("What is lost first, as t falls? (Gaussian theory)", *lines)


def _lost(place: int, part: dict[str, Any]) -> str:
    what = f"variance {_short(part['variance'])} ({_counted(part['dimension'], 'direction')})"
    typical, annealed = _short(part["loss_time_typical"]), _short(part["loss_time_annealed"])
    return f"{place}. {what}: below t = {typical}; at the worst points, {annealed}"


def _how_many(s: dict[str, Any]) -> str:
    wanted, measured = s["wanted_time"], s["measured_collapse_time"]
    lines = [f"At most {_power(s['log10_samples_needed'])}, what Gaussian data of this spectrum need."]
    log10, error = s["log10_samples_needed_from_data"], s["log10_samples_needed_from_data_error"]
    if log10 is not None:
        lines.append(
            f"At most {_power(log10)} ({_power(log10 - error)} to {_power(log10 + error)}) by the information "
            f"measured at t = {_short(s['anchor_time'])}, Gaussian below."
        )
    if measured is not None and wanted >= measured:
        lines.append(f"The {s['distinct_samples']} there are suffice: the measured collapse is below.")
    else:
        lines.append("Both take the spectrum of these samples for that of all.")
    return _answer(f"How many samples would move the collapse to t = {_short(wanted)}?", *lines)


def _how_far(s: dict[str, Any]) -> str:
    return _answer("Where does linear Gaussian theory describe the data?", s["validity"]["sentence"])


def _answer(question: str, *lines: str) -> str:
    folded = (textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ") for line in lines)
    return "\n".join([question, *folded])


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _short(value: float) -> str:
    """Three digits."""
    if not 1e3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.0f}"


def _pm(value: float | None, error: float | None) -> str:
    """The value, to two digits of its error."""
    if value is None:
        return "unknown"
    if error is None or not error > 0:
        return _short(value)
    exponent = math.floor(math.log10(abs(value)))
    shift = 0 if -3 <= exponent < 5 else exponent
    digits = max(0, 1 - math.floor(math.log10(error)) + shift)
    both = " ± ".join(f"{v / 10.0**shift:.{digits}f}" for v in (value, error))
    return f"({both})e{shift:+03d}" if shift else both


def _power(log10: float) -> str:
    """10**log10, to three digits where it is a number of samples one can have."""
    return _short(10**log10) if log10 < 12 else f"10^{log10:.0f}"


def _spread(count: int) -> list[int]:
    """The first, the last, and some between."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, SHOWN))})


def sections(audit: Audit) -> list[Section]:
    """The tables of the report."""
    s = audit.summary
    return [_collapse_table(s), _loss_table(s), _samples_table(s), _validity_table(s["validity"])]


def _collapse_table(s: dict[str, Any]) -> Section:
    names = {
        "measured_": "measured on the data",
        "gaussian_": "Gaussian data of the same spectrum, simulated",
        "": "predicted",
    }
    return Section(
        "Collapse",
        "Below the collapse time the empirical score points back at the sample that was noised. Measured and "
        r"simulated: its mean weight is $1/2$. Predicted: $\log N = I(t)$.",
        ("Collapse time", "t (data units squared)", "Standard error"),
        [(what, s[f"{key}collapse_time"], s.get(f"{key}collapse_time_error")) for key, what in names.items()],
    )


def _loss_table(s: dict[str, Any]) -> Section:
    return Section(
        "Loss of subspaces",
        "In the order in which the score loses them as $t$ falls: its signal to noise reaches 1, at typical points, "
        "and averaged over points (annealed), where rare ones dominate. Gaussian theory.",
        ("Subspace", "Variance (data units squared)", "Dimension", "Typical loss time t", "Annealed loss time t"),
        [(k, *s["subspaces"][k].values()) for k in s["loss_order"]],
    )


def _samples_table(s: dict[str, Any]) -> Section:
    names = {"": "spectrum", "_from_data": "measured information"}
    return Section(
        "Samples needed",
        f"To move the collapse to $t = {_tex(s['wanted_time'])}$, at most: from the spectrum, and from the "
        "information measured on held-out points, continued by the spectrum. The error is of the logarithm.",
        ("From", "Samples", "log10 samples", "Standard error"),
        [
            (what, s[f"samples_needed{key}"], *(s.get(f"log10_samples_needed{key}{e}") for e in ("", "_error")))
            for key, what in names.items()
        ],
    )


def _validity_table(validity: dict[str, Any]) -> Section:
    names = {
        "valid_above": "theory holds above t (data units squared)",
        "memorized_fraction_valid_above": "memorized fraction agrees above t",
        "retained_variance_valid_above": "retained variance agrees above t",
        "retained_variance_tested_above": "retained variance tested above t",
        "collapse_ratio": "measured collapse time / predicted",
        "collapse_ratio_to_gaussian_data": "measured collapse time / Gaussian data's",
    }
    rows = [(what, validity[key]) for key, what in names.items()]
    return Section("Validity", validity["sentence"], ("Quantity", "Value"), rows)


def _strict(value: Any) -> Any:
    """Strict JSON: arrays as lists, and what is not finite as null."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _strict(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# what is shown


def figures(audit: Audit) -> list[Figure]:
    """Collapse, retained variance and spectrum."""
    s = audit.summary
    curves = {key: np.array(value, dtype=float) for key, value in s["curves"].items()}
    with plot.style():
        figure, panels = plot.canvas(3, width=3.3, height=3.1)
        _draw_collapse(panels[0], s, curves)
        _draw_retained(panels[1], s, curves)
        _draw_spectrum(panels[2], s, audit.spectrum)
        for axes, letter in zip(panels, "abc", strict=True):
            axes.text(-0.06, 1.02, f"({letter})", transform=axes.transAxes, ha="right", va="bottom")
        for axes in panels[:2]:
            axes.set_xscale("log")
            axes.set_xlim(curves["times"][0] / 1.3, curves["times"][-1] * 1.3)
            axes.set_xlabel("noise variance $t$ (data units squared)")
    caption = (
        f"{audit.name}, {s['samples']} samples. (a) The fraction of noised samples that are nearest to themselves, and "
        "the weight the score gives them: points are measured, with bars of one standard error; lines are simulated "
        "Gaussian data of the same spectrum; crosses exact, the grey dashed line second order. Vertical lines, "
        "horizontal in (c): collapse time, dashed as predicted from the spectrum, solid as measured. (b) The variance "
        r"the posterior retains at held-out points, over that of the data, by subspace of variance $\lambda$; lines "
        r"are the Gaussian $t/(\lambda+t)$, triangles the times where the score loses the subspace; points are filled "
        f"where at least {ENOUGH} samples share the weight. (c) Eigenvalues of the covariance and their subspaces."
    )
    return [Figure("audit", caption, figure)]


def _draw_collapse(axes: Axes, s: dict[str, Any], curves: dict[str, Any]) -> None:
    t = curves["times"]
    plot.measured(axes, t, curves["memorized_fraction"], curves["memorized_fraction_error"], "memorized", 0)
    plot.measured(axes, t, curves["own_weight"], curves["own_weight_error"], "own weight", 1)
    plot.theory(axes, t, curves["gaussian_memorized_fraction"], "memorized, Gaussian", 0)
    plot.theory(axes, t, curves["gaussian_own_weight"], "own weight, Gaussian", 1)
    plot.control(axes, t, curves["memorized_probability_asymptotic"], "memorized, second order")
    exact = curves["memorized_probability"]
    if np.isfinite(exact).any():
        red = plot.COLOURS[2]
        axes.plot(curves["exact_times"], exact, "x", color=red, markeredgewidth=1.4, zorder=5, label="memorized, exact")
    _mark_collapse(axes.axvline, s)
    axes.set_ylabel("fraction")
    plot.legend(axes)


def _mark_collapse(line: Callable[..., object], s: dict[str, Any], measured: str = "", predicted: str = "") -> None:
    grey: dict[str, Any] = {"color": "0.4", "linewidth": 0.9, "zorder": 0}
    if s["measured_collapse_time"] is not None:
        line(s["measured_collapse_time"], linestyle="-", label=measured or None, **grey)
    line(s["collapse_time"], linestyle=(0, (5, 2)), label=predicted or None, **grey)


def _draw_retained(axes: Axes, s: dict[str, Any], curves: dict[str, Any]) -> None:
    t = curves["retained_times"]
    enough = 1 / curves["held_out_participation"][::EVERY] >= ENOUGH
    names = ("retained_variance", "retained_variance_error", "predicted_retained_variance")
    found, error, expected = (curves[key] / curves["rest_variance"] for key in names)
    shown = _spread(len(s["subspaces"]))
    for series, k in enumerate(shown):
        part = s["subspaces"][k]
        colour, marker = plot.COLOURS[series % 7], plot.MARKERS[series % 7]
        label = rf"$\lambda = {_tex(part['variance'])}$ ({part['dimension']} dir.)"
        plot.theory(axes, t, expected[:, k], None, series)
        plot.measured(axes, t, found[:, k], error[:, k], label, series)
        axes.plot(t[enough], found[enough, k], marker, color=colour, zorder=4)
        axes.plot([part["loss_time_typical"]], [0.97], "v", color=colour, transform=axes.get_xaxis_transform())
    _mark_collapse(axes.axvline, s)
    axes.set_yscale("log")
    axes.set_ylim(max(3e-4, expected[0, shown].min() / 2), 3)
    axes.set_ylabel("retained variance / variance")
    plot.legend(axes)


def _draw_spectrum(axes: Axes, s: dict[str, Any], spectrum: Array) -> None:
    count = s["intrinsic_dimension"]
    number = np.arange(1, count + 1)
    axes.plot(number, spectrum[:count], ".", color=plot.COLOURS[1], markersize=4, label="eigenvalues")
    edges = np.cumsum([0, *(part["dimension"] for part in s["subspaces"])]) + 0.5
    levels = [part["variance"] for part in s["subspaces"]]
    axes.stairs(levels, edges, baseline=None, color=plot.COLOURS[0], linewidth=1.2, label="subspaces")
    _mark_collapse(axes.axhline, s, "collapse, measured", "collapse, predicted")
    axes.set_yscale("log")
    axes.set_xlim(0, count + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("principal direction")
    axes.set_ylabel(r"variance $\lambda$ (data units squared)")
    plot.legend(axes)


def _tex(value: float) -> str:
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return mantissa + (rf" \times 10^{{{int(exponent)}}}" if exponent else "")
