r"""The audit of a user's data set: when will a diffusion model recite it, what goes first, and what would prevent it?

The predictions are those of the linear manifold with the spectrum of the data; the measurements, `numerics.leave_one_out`,
use the data alone. Where the two part, linear Gaussian theory stops describing the data. The thermodynamic formulas
are joined by *Gaussian data of the same spectrum, number and dimension*, simulated and measured in the same way: what
they share with the data is finite size, what they do not is shape.

How many samples move the collapse to t? Two bounds from above on the information I(t), hence on N = exp I(t), both
exact statements about any data distribution. Of all distributions of a covariance the Gaussian has the largest I, and
loses it fastest as noise grows, since dI/dt = -mmse/2t^2 and no mmse exceeds that of the linear estimator. So

    I(t) <= I_G(t),        I(t) <= I^(t*) + I_G(t) - I_G(t*)    for every t* >= t,

with I^ measured on held-out points, itself from above. The second is anchored in the data, where there are enough of them.
Both take the spectrum of the sample for that of the population.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
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
TICKS = 24  # calls of `tick`: spectrum 1, theory 2, trajectories 3, Gaussian data 8, held-out points 2, covariances 8
TIMES = np.geomspace(0.01, 100, 25)  # in units of the predicted collapse time
EVERY = 2  # covariances are measured at every second time
TWINS, TWIN_QUERIES = 8, 64  # Gaussian data sets, and noised samples of each
EXACT_SUBSPACES = (
    2  # up to here the exact memorized probability takes tenths of a second a time, then seconds
)
FRACTION_TOLERANCE = 0.05
VARIANCE_TOLERANCE = 0.2
ERRORS = 4  # standard errors
ENOUGH = 20  # samples that share the weight, for a posterior variance to speak of the distribution
SHOWN = 5  # subspaces in a figure


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
        wanted_time: the noise variance, in data units squared, that the collapse should be moved to; by default half
            of the predicted collapse time.
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
    trained = trajectory_through_collapse(axes, predicted * TIMES, **options)
    _repeat(tick, 3)
    setting = setting.at(times=trained.t)
    twin = _twin(setting, options, tick)
    fresh = held_out(axes, trained.t, **options)
    _repeat(tick, 2)
    retained = retained_variance(axes, trained.t[::EVERY], manifold.slices, tick=_shares(tick, 8), **options)
    wanted = predicted / 2 if wanted_time is None else float(wanted_time)
    curves = _curves(setting, predicted, trained, twin, fresh, retained)
    counts = {
        "name": name,
        "samples": len(axes.coordinates),
        "distinct_samples": axes.distinct,
        "duplicated_samples": int((axes.copies > 1).sum()),
        "ambient_dimension": axes.spectrum.size,
        "intrinsic_dimension": manifold.intrinsic_dimension,
    }
    times = _collapse_times(predicted, trained, twin)
    needed = _samples_needed(setting, wanted, fresh)
    validity = _validity(curves, times, manifold)
    summary = {
        **counts,
        "resolution": float(resolution),
        "subspaces": _subspaces(manifold, loss),
        **times,
        **_orders(loss),
        **needed,
        "validity": validity,
        "queries": len(trained.own_weight),
        "held_out_queries": fresh.information.n,
        "covariance_queries": retained.n,
        "gaussian_data_sets": TWINS,
        "seed": int(seed),
        "device": options["device"],
        "dtype": dtype,
        "curves": curves,
    }
    validity["sentence"] = _sentence(summary)
    return Audit(name, _strict(summary), axes.spectrum)


def _checked(
    wanted_time: float | None, resolution: float, queries: int, seed: int, device: str, dtype: str
) -> dict[str, Any]:
    """The options of a measurement."""
    if wanted_time is not None and not (_is_number(wanted_time) and 0 < wanted_time < math.inf):
        raise ValueError(
            f"the wanted time must be positive and finite, a noise variance t, got {wanted_time!r}"
        )
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


def _twin(setting: Setting, options: dict[str, Any], tick: Callable[[], object]) -> _Twin:
    memorized, own_weight = [], []
    for number in range(TWINS):
        random = stream(options["rng"], "audit", "twin", number)
        seed = np.random.SeedSequence(options["rng"], spawn_key=(number,))
        twin = _gaussian(draw(setting, setting.samples, random), setting.manifold)
        found = trajectory(twin, setting.t, **options | {"queries": TWIN_QUERIES, "rng": seed})
        memorized.append(found.memorized.mean(axis=0))
        own_weight.append(found.own_weight.mean(axis=0))
        tick()
    times = [crossing(setting.t, weight, 0.5) for weight in own_weight]
    return _Twin(Measurement.of(memorized), Measurement.of(own_weight), Measurement.of(times))


def _gaussian(samples: Array, manifold: LinearManifold) -> PrincipalAxes:
    """Samples that are in principal axes already, and distinct."""
    number = np.arange(len(samples))
    coordinates = samples[:, : manifold.intrinsic_dimension]
    unit = float(2.0 ** np.ceil(np.log2(np.abs(coordinates).max())))
    return PrincipalAxes(coordinates / unit, manifold.spectrum, unit, number, np.ones_like(number))


def _memorized_probability(setting: Setting, predicted: float) -> Array | None:
    """The exact probability, shape (T,), where it is cheap."""
    if len(setting.manifold.subspaces) > EXACT_SUBSPACES:
        return None
    # the probability has no units: those of the collapse keep every number near 1
    parts = tuple(Subspace(s.variance / predicted, s.dimension) for s in setting.manifold.subspaces)
    return collapse.memorized_probability(
        Setting(LinearManifold(parts), setting.samples, setting.t / predicted)
    )


def _curves(
    setting: Setting,
    predicted: float,
    trained: Trajectory,
    twin: _Twin,
    fresh: HeldOut,
    retained: Measurement,
) -> dict[str, Any]:
    """Everything that depends on t, predicted and measured."""
    exact = _memorized_probability(setting, predicted)
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
    return curves | {
        "memorized_probability": exact,
        "memorized_probability_asymptotic": collapse.memorized_probability_asymptotic(setting),
        "information": collapse.information(setting),
        "predicted_retained_variance": _posterior_variance(setting, fresh.variances),
        "rest_variance": np.array([fresh.variances[part].mean() for part in setting.manifold.slices]),
    }


def _posterior_variance(setting: Setting, variances: Array) -> Array:
    """c_t averaged over the directions of each subspace, shape (S, K), for the variances of the samples that were not held out.

    Directions that a few outliers make would otherwise differ at all t, whichever samples are held out.
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
    """N from the spectrum, and from the information measured at the anchor t* >= wanted that gives the lowest bound."""
    information = collapse.derivation()["information"]
    gaussian = float(extensive(information, setting.manifold, wanted))
    later = np.flatnonzero(setting.t >= wanted)
    found = {
        "wanted_time": wanted,
        "samples_needed": _count(gaussian),
        "log10_samples_needed": gaussian / math.log(10),
        "samples_needed_from_data": None,
        "log10_samples_needed_from_data": None,
        "log10_samples_needed_from_data_error": None,
        "anchor_time": None,
    }
    if later.size:
        bounds = fresh.information.mean + gaussian - extensive(information, setting.manifold, setting.t)
        best = later[np.argmin(bounds[later])]
        found |= {
            "samples_needed_from_data": _count(float(bounds[best])),
            "log10_samples_needed_from_data": float(bounds[best]) / math.log(10),
            "log10_samples_needed_from_data_error": float(fresh.information.sem[best]) / math.log(10),
            "anchor_time": float(setting.t[best]),
        }
    return found


def _count(log_samples: float) -> float:
    return math.exp(log_samples) if log_samples < 700 else math.inf


# validity


def _validity(curves: dict[str, Any], times: dict[str, float], manifold: LinearManifold) -> dict[str, Any]:
    """From which t on theory and data agree, and where, coming from above, they first do not."""
    t, s = curves["times"], curves["retained_times"]
    fraction, variance, supported = _agreement(curves)
    both = fraction.copy()
    both[::EVERY] &= variance.all(axis=1)
    start, last = _from_above(both), t.size
    measured, predicted = times["measured_collapse_time"], times["collapse_time"]
    valid = float(t[start]) if start < last else math.nan
    tested = _from_above(supported)
    known = math.isfinite(measured)
    return {
        "valid_above": valid,
        "memorized_fraction_valid_above": _at(t, _from_above(fraction)),
        "retained_variance_valid_above": _at(s, _from_above(variance.all(axis=1))),
        "retained_variance_tested_above": _at(s, tested),
        "lowest_time": float(t[0]),
        "everywhere": start == 0,
        "through_collapse": bool(known and valid <= min(measured, predicted)),
        "collapse_ratio": measured / predicted,
        "collapse_ratio_error": times["measured_collapse_time_error"] / predicted,
        "collapse_ratio_to_gaussian_data": measured / times["gaussian_collapse_time"],
        "first_disagreement": _first_disagreement(curves, fraction, variance, start, manifold),
    }


def _agreement(curves: dict[str, Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the memorized fraction agrees, (T,); the retained variances, (S, K), true where untested; tested, (S,)."""
    error = np.hypot(curves["memorized_fraction_error"], curves["gaussian_memorized_fraction_error"])
    gap = np.abs(curves["memorized_fraction"] - _expected_fraction(curves))
    fraction = gap <= np.maximum(FRACTION_TOLERANCE, ERRORS * error)
    supported = 1 / curves["held_out_participation"][::EVERY] >= ENOUGH
    expected = curves["predicted_retained_variance"]
    allowed = np.maximum(VARIANCE_TOLERANCE * expected, ERRORS * curves["retained_variance_error"])
    variance = np.abs(curves["retained_variance"] - expected) <= allowed
    return fraction, variance | ~supported[:, None], supported


def _expected_fraction(curves: dict[str, Any]) -> Array:
    exact = curves["memorized_probability"]
    return np.asarray(curves["gaussian_memorized_fraction"] if exact is None else exact)


def _from_above(holds: NDArray[np.bool_]) -> int:
    """The first index from which on all hold; the length where the last does not."""
    fails = np.flatnonzero(~holds)
    return int(fails[-1]) + 1 if fails.size else 0


def _at(t: Array, index: int) -> float:
    return float(t[index]) if index < t.size else math.nan


def _first_disagreement(
    curves: dict[str, Any],
    fraction: NDArray[np.bool_],
    variance: NDArray[np.bool_],
    start: int,
    manifold: LinearManifold,
) -> dict[str, Any] | None:
    if start == 0:
        return None
    i = start - 1
    found = {"time": float(curves["times"][i])}
    if not fraction[i]:
        measured, predicted = float(curves["memorized_fraction"][i]), float(_expected_fraction(curves)[i])
        return found | {
            "quantity": "memorized fraction",
            "subspace": None,
            "measured": measured,
            "predicted": predicted,
        }
    j = i // EVERY
    ratio = curves["retained_variance"][j] / curves["predicted_retained_variance"][j]
    wrong = np.flatnonzero(~variance[j])
    k = int(wrong[np.argmax(np.abs(np.log(np.maximum(ratio[wrong], 1e-300))))])
    measured, predicted = (float(curves[f"{p}retained_variance"][j, k]) for p in ("", "predicted_"))
    return found | {
        "quantity": "retained variance",
        "subspace": k,
        "measured": measured,
        "predicted": predicted,
    }


def _sentence(summary: dict[str, Any]) -> str:
    """The validity in words."""
    v = summary["validity"]
    floor = v["retained_variance_tested_above"]
    tested = f" (retained variance tested above t = {_short(floor)})" if math.isfinite(floor) else ""
    if v["everywhere"]:
        return (
            "Linear Gaussian theory describes this data set wherever it could be tested, from "
            f"t = {_short(v['lowest_time'])} up{tested}."
        )
    why = _disagreement(v["first_disagreement"])
    if not math.isfinite(v["valid_above"]):
        return f"Linear Gaussian theory describes this data set at no t that was tested: {why}."
    collapse_time = summary["measured_collapse_time"]
    if v["through_collapse"]:
        return (
            f"Linear Gaussian theory describes this data set above t = {_short(v['valid_above'])}, through its collapse; "
            f"below, {why}."
        )
    times = (
        f", {_short(v['valid_above'] / collapse_time)} times its collapse"
        if math.isfinite(collapse_time)
        else ""
    )
    return (
        f"Linear Gaussian theory describes this data set only above t = {_short(v['valid_above'])}{times}; below, {why}: "
        "near its collapse the data are not Gaussian."
    )


def _disagreement(found: dict[str, Any]) -> str:
    if found["subspace"] is None:
        what = "the memorized fraction"
        values = f"{found['measured']:.2f} where Gaussian data have {found['predicted']:.2f}"
    else:
        what = f"the retained variance of subspace {found['subspace']}"
        values = f"{found['measured'] / found['predicted']:.2f} of the Gaussian one"
    return f"{what} is {values} at t = {_short(found['time'])}"


# what is said


def text(audit: Audit) -> str:
    """The four answers, for the terminal."""
    s = audit.summary
    return "\n\n".join([_head(s), _when(s), _which(s), _how_many(s), _how_far(s)])


def _head(s: dict[str, Any]) -> str:
    copies = s["duplicated_samples"]
    distinct = f", {copies} of them copies of another ({s['distinct_samples']} distinct)" if copies else ""
    return (
        f"{s['name']}: {s['samples']} samples in {s['ambient_dimension']} dimensions{distinct}.\n"
        f"{_counted(s['intrinsic_dimension'], 'direction')} of non-zero variance, in {_counted(len(s['subspaces']), 'subspace')}. "
        "Times t are noise variances, in data units squared."
    )


def _when(s: dict[str, Any]) -> str:
    measured = s["measured_collapse_time"]
    if measured is None:
        found = "No collapse was found: the own weight of noised samples does not cross 1/2."
    else:
        found = (
            f"Below t = {_pm(measured, s['measured_collapse_time_error'])} the empirical score recites the samples: "
            "half the weight is the sample's own. (measured)"
        )
    gaussian = _pm(s["gaussian_collapse_time"], s["gaussian_collapse_time_error"])
    return _answer(
        "When is it memorized?",
        found,
        f"Gaussian data of the same spectrum and size: t = {gaussian} (simulated).",
        f"Theory, log N = I(t): t = {_short(s['collapse_time'])}.",
    )


def _which(s: dict[str, Any]) -> str:
    lines = []
    shown = _spread(len(s["loss_order"]))
    for place, k in enumerate(s["loss_order"]):
        part = s["subspaces"][k]
        if place in shown:
            lines.append(
                f"{place + 1:>3}. variance {_short(part['variance'])} ({_counted(part['dimension'], 'direction')}): lost below "
                f"t = {_short(part['loss_time_typical'])}, at rare points from {_short(part['loss_time_annealed'])}"
            )
        elif place - 1 in shown:
            lines.append("     ...")
    return _answer(
        "What is lost first, as t falls? (Gaussian theory: signal to noise of the score falls to 1)", *lines
    )


def _how_many(s: dict[str, Any]) -> str:
    wanted = s["wanted_time"]
    lines = [
        f"At most {_samples(s['log10_samples_needed'])}, exp I(t) for Gaussian data of this spectrum, which need the most."
    ]
    if s["log10_samples_needed_from_data"] is not None:
        low, high = _interval(s["log10_samples_needed_from_data"], s["log10_samples_needed_from_data_error"])
        lines.append(
            f"At most {_samples(s['log10_samples_needed_from_data'])} ({low} to {high} within one standard error), with the "
            f"information measured at t = {_short(s['anchor_time'])} and Gaussian below."
        )
    measured = s["measured_collapse_time"]
    if measured is not None and wanted >= measured:
        lines.append(f"The {s['distinct_samples']} there are suffice: the measured collapse is below.")
    else:
        lines.append("Both take the sample's spectrum for the population's.")
    return _answer(f"How many samples would move the collapse to t = {_short(wanted)}?", *lines)


def _how_far(s: dict[str, Any]) -> str:
    return _answer("Where does linear Gaussian theory stop describing the data?", s["validity"]["sentence"])


def _answer(question: str, *lines: str) -> str:
    return "\n".join([question, *(f"  {line}" for line in lines)])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _short(value: float) -> str:
    """Three digits."""
    return (
        f"{value:.3g}"
        if not 1e3 <= abs(value) < 1e6
        else f"{round(value, 2 - math.floor(math.log10(abs(value)))):.0f}"
    )


def _pm(value: float, error: float | None) -> str:
    """The value to two digits of its error."""
    if error is None or not error > 0:
        return _short(value)
    exponent = math.floor(math.log10(abs(value)))
    shift = 0 if -3 <= exponent < 5 else exponent
    digits = max(0, 1 - math.floor(math.log10(error)) + shift)
    power = f"e{shift}" if shift else ""
    return f"{value / 10.0**shift:.{digits}f}{power} ± {error / 10.0**shift:.{digits}f}{power}"


def _samples(log10: float) -> str:
    return f"{_number(log10)} samples"


def _number(log10: float) -> str:
    return (
        _short(float(round(10**log10)))
        if 1 <= log10 < 6
        else _short(10**log10)
        if log10 < 15
        else f"10^{log10:.0f}"
    )


def _interval(log10: float, error: float) -> tuple[str, str]:
    return _number(log10 - error), _number(log10 + error)


def _spread(count: int, shown: int = SHOWN) -> list[int]:
    """The first, the last, and some between."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, shown))})


def sections(audit: Audit) -> list[Section]:
    """The tables of the report."""
    s = audit.summary
    return [
        Section(
            "Collapse",
            "Below the collapse time the empirical score points back at the sample that was noised. Prediction: "
            r"$\log N = I(t)$ for Gaussian data; measured: mean own weight $1/2$.",
            ("Collapse time", "t (data units squared)", "Standard error"),
            [
                ("measured on the data", s["measured_collapse_time"], s["measured_collapse_time_error"]),
                (
                    "Gaussian data of the same spectrum, simulated",
                    s["gaussian_collapse_time"],
                    s["gaussian_collapse_time_error"],
                ),
                ("predicted", s["collapse_time"], None),
            ],
        ),
        Section(
            "Loss of subspaces",
            "In the order in which the score loses them as $t$ falls; signal to noise 1 at typical points, and averaged over points "
            "(annealed), where rare ones dominate. Gaussian theory.",
            (
                "Subspace",
                "Variance (data units squared)",
                "Dimension",
                "Typical loss time t",
                "Annealed loss time t",
            ),
            [(k, *s["subspaces"][k].values()) for k in s["loss_order"]],
        ),
        Section(
            "Samples needed",
            f"To move the collapse to $t = {_short(s['wanted_time'])}$, at most: from the spectrum, and from the information "
            "measured on held-out points, continued by the spectrum. Errors are of the decimal logarithm.",
            ("From", "Samples", "log10 samples", "Standard error"),
            [
                ("spectrum", s["samples_needed"], s["log10_samples_needed"], None),
                (
                    "measured information",
                    s["samples_needed_from_data"],
                    s["log10_samples_needed_from_data"],
                    s["log10_samples_needed_from_data_error"],
                ),
            ],
        ),
        Section(
            "Validity",
            s["validity"]["sentence"],
            ("Quantity", "Value"),
            [
                ("theory holds above t (data units squared)", s["validity"]["valid_above"]),
                ("memorized fraction agrees above t", s["validity"]["memorized_fraction_valid_above"]),
                ("retained variance agrees above t", s["validity"]["retained_variance_valid_above"]),
                ("retained variance tested above t", s["validity"]["retained_variance_tested_above"]),
                ("measured collapse / predicted", s["validity"]["collapse_ratio"]),
                ("measured collapse / Gaussian data's", s["validity"]["collapse_ratio_to_gaussian_data"]),
            ],
        ),
    ]


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
    """Collapse, retained variance and spectrum, over one axis of t."""
    s = audit.summary
    with plot.style():
        figure, (left, middle, right) = plot.canvas(3, width=3.2, height=2.9)
        curves = {key: _array(value) for key, value in s["curves"].items()}
        window = (curves["times"][0] / 1.3, curves["times"][-1] * 1.3)
        _draw_collapse(left, s, curves)
        _draw_retained(middle, s, curves)
        _draw_spectrum(right, s, audit.spectrum)
        for axes, letter in zip((left, middle, right), "abc", strict=True):
            axes.set_title(f"({letter})", loc="left")
        for axes in (left, middle):
            axes.set_xscale("log")
            axes.set_xlim(window)
            axes.set_xlabel("noise variance $t$ (data units squared)")
    caption = (
        f"{audit.name}, {s['samples']} samples. (a) The fraction of noised samples that are nearest to themselves, and the weight "
        "the score gives them; points are measured, bars one standard error. Vertical lines, horizontal in (c): collapse time, "
        "dashed as predicted from the spectrum, solid as measured. (b) The variance the posterior retains at held-out points, "
        r"over that of the data, by subspace of variance $\lambda$; lines are the Gaussian $t/(\lambda+t)$, triangles at the "
        f"top the times where the score loses the subspace; points are filled where at least {ENOUGH} samples share the weight. "
        "(c) Eigenvalues of the covariance and the subspaces they are grouped into."
    )
    return [Figure("audit", caption, figure)]


def _array(value: Any) -> Any:
    return value if value is None else np.array(value, dtype=float)


def _draw_collapse(axes: Axes, s: dict[str, Any], curves: dict[str, Any]) -> None:
    t = curves["times"]
    exact = curves["memorized_probability"]
    expected, label = (curves["gaussian_memorized_fraction"], "memorized, Gaussian data (simulated)")
    if exact is not None:
        expected, label = exact, "memorized, Gaussian theory (exact)"
    plot.theory(axes, t, expected, label, 0)
    plot.theory(axes, t, curves["gaussian_own_weight"], "own weight, Gaussian data (simulated)", 1)
    plot.control(axes, t, curves["memorized_probability_asymptotic"], "memorized, second order")
    plot.measured(
        axes, t, curves["memorized_fraction"], curves["memorized_fraction_error"], "memorized, this data", 0
    )
    plot.measured(axes, t, curves["own_weight"], curves["own_weight_error"], "own weight, this data", 1)
    _mark_collapse(axes.axvline, s)
    axes.set_ylim(-0.03, 1.55)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_ylabel("fraction")
    plot.legend(axes, loc="upper right", fontsize=7)


def _mark_collapse(line: Callable[..., object], s: dict[str, Any]) -> None:
    line(s["collapse_time"], color="0.4", linestyle=(0, (5, 2)), linewidth=0.9, zorder=0)
    if s["measured_collapse_time"] is not None:
        line(s["measured_collapse_time"], color="0.4", linestyle="-", linewidth=0.9, zorder=0)


def _draw_retained(axes: Axes, s: dict[str, Any], curves: dict[str, Any]) -> None:
    t, scale = curves["retained_times"], curves["rest_variance"]
    enough = 1 / curves["held_out_participation"][::EVERY] >= ENOUGH
    for series, k in enumerate(_spread(len(s["subspaces"]))):
        part = s["subspaces"][k]
        label = rf"$\lambda = {_tex(part['variance'])}$ ({part['dimension']} dir.)"
        plot.theory(axes, t, curves["predicted_retained_variance"][:, k] / scale[k], None, series)
        found, error = (
            curves["retained_variance"][:, k] / scale[k],
            curves["retained_variance_error"][:, k] / scale[k],
        )
        plot.measured(axes, t, found, error, label, series)
        colour, marker = plot.COLOURS[series % 7], plot.MARKERS[series % 7]
        axes.plot(t[enough], found[enough], marker, color=colour, zorder=4)
        top = {"marker": "v", "color": colour, "clip_on": False, "transform": axes.get_xaxis_transform()}
        axes.plot([part["loss_time_typical"]], [1.025], markersize=4.5, **top)
    _mark_collapse(axes.axvline, s)
    axes.set_yscale("log")
    axes.set_ylim(max(1e-3, _lowest(curves, s) / 2), 2)
    axes.set_ylabel("retained variance / variance")
    plot.legend(axes, loc="lower right", fontsize=7)


def _lowest(curves: dict[str, Any], s: dict[str, Any]) -> float:
    shown = _spread(len(s["subspaces"]))
    return float((curves["predicted_retained_variance"][0] / curves["rest_variance"])[shown].min())


def _draw_spectrum(axes: Axes, s: dict[str, Any], spectrum: Array) -> None:
    count = s["intrinsic_dimension"]
    number = np.arange(1, count + 1)
    axes.plot(number, spectrum[:count], ".", color=plot.COLOURS[1], markersize=3.5, label="eigenvalues")
    edges = np.cumsum([0, *(part["dimension"] for part in s["subspaces"])]) + 0.5
    levels = [part["variance"] for part in s["subspaces"]]
    axes.stairs(levels, edges, baseline=None, color=plot.COLOURS[0], linewidth=1.2, label="subspaces")
    _mark_collapse(axes.axhline, s)
    axes.set_yscale("log")
    axes.set_xlim(0, count + 1)
    axes.set_xlabel("principal direction")
    axes.set_ylabel("variance $\lambda$ (data units squared)")
    plot.legend(axes, loc="lower left", fontsize=7)


def _tex(value: float) -> str:
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return mantissa + (rf"\times 10^{{{int(exponent)}}}" if exponent else "")
