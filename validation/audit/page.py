"""The audit in words, tables and a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numerics.storage.columns import Taken
from theory.setting import SCHEDULES
from validation.audit.dominance import Dominance
from validation.audit.of_data import ENOUGH, EVERY, Audit
from validation.report import figures as plot
from validation.report.page import Figure, Section
from validation.report.words import counted, plus_minus, power_of_ten, short, tex

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["figures", "introduction", "on_the_clock", "sections", "text"]

Array = NDArray[np.float64]
SHOWN = 5  # subspaces in a figure or in the text
WIDTH = 100  # of the text


def text(audit: Audit, schedule: str = "ve") -> str:
    """The answers, for the terminal, those on classes and on copies where there are labels and generated points.

    Args:
        audit: what was found.
        schedule: a schedule whose own clock the collapse is told in too.
    """
    (first, second, *more), *answers = _paragraphs(audit.summary, schedule)
    head = [first, second, *(folded for line in more for folded in _folded(line))]
    told = [[question, *(folded for line in lines for folded in _folded(line, "  "))] for question, *lines in answers]
    return "\n\n".join(map("\n".join, [head, *told]))


def introduction(audit: Audit, schedule: str = "ve") -> str:
    """The same for a page, which breaks its lines itself."""
    (first, second, *more), *answers = _paragraphs(audit.summary, schedule)
    return "\n\n".join(map("\n".join, [[f"{first} {second}", *more], *answers]))


def on_the_clock(s: dict[str, Any], schedule: str) -> dict[str, Any]:
    """The collapse, and where generation has to stop, in a schedule's own time, from a summary."""
    found = {name: s[name] for name in ("measured_collapse_time", "gaussian_collapse_time", "collapse_time")}
    found["stopping_time"] = s["stopping"]["stopping_time"]
    times = {
        name: None if t is None else float(SCHEDULES[schedule].time(np.asarray(t, dtype=np.float64)))
        for name, t in found.items()
    }
    return {"schedule": schedule, **times}


def _paragraphs(s: dict[str, Any], schedule: str) -> list[list[str]]:
    """What is audited, and the answers: a question and what is said to it."""
    when = [*_when(s), *_clock(on_the_clock(s, schedule))]
    return [_head(s), when, *_of_classes(s), _which(s), _how_many(s), _how_early(s), _how_far(s), *_copied(s)]


def _head(s: dict[str, Any]) -> list[str]:
    copies = f", {s['duplicated_samples']} of them not unique ({s['distinct_samples']} distinct)"
    unit = "deviations of the columns" if s["standardized"] else "data units"
    return [
        f"{s['name']}: {counted(s['samples'], 'sample')} in {counted(s['ambient_dimension'], 'dimension')}"
        f"{copies if s['duplicated_samples'] else ''}, varying along {s['intrinsic_dimension']},",
        f"in {counted(len(s['subspaces']), 'subspace')}. Times t are noise variances, in {unit} squared.",
        f"Read: {Taken(**s['read'])}.",
        *([Dominance(**s["dominance"]).sentence()] if s["dominance"] else []),
    ]


def _clock(times: dict[str, Any]) -> list[str]:
    name, measured, _, predicted, stop = times.values()
    if name == "ve":
        return []
    found = "" if measured is None else f"{short(measured)}, measured, and "
    early = "" if stop is None else f" Denoised, few copies are left from tau = {short(stop)} on."
    return [
        f"In the schedule {name}, where it noises data in these units: below tau = {found}{short(predicted)}, theory.{early}"
    ]


def _when(s: dict[str, Any]) -> list[str]:
    measured = s["measured_collapse_time"]
    if measured is None:
        found = "No collapse was found: the weight of a noised sample's origin does not cross 1/2."
    else:
        error = s["measured_collapse_time_error"]
        found = f"Measured: below t = {plus_minus(measured, error)} most of the score's weight is on the sample noised."
    gaussian = plus_minus(s["gaussian_collapse_time"], s["gaussian_collapse_time_error"])
    return [
        "When is it memorized?",
        found,
        f"Gaussian data of the same spectrum and number, simulated: below t = {gaussian}.",
        f"Theory, log N = I(t): below t = {short(s['collapse_time'])}.",
    ]


def _of_classes(s: dict[str, Any]) -> list[list[str]]:
    found, collapse = s["classes"], s["measured_collapse_time"]
    if found is None:
        return []
    time, error = found["speciation_time"], found["speciation_time_error"]
    if time is None:
        said = "No speciation was found: the weights hold to one class, or to none, at all t."
    else:
        after = f", {short(time / collapse)} times the collapse" if collapse else ""
        said = f"Measured: at t = {plus_minus(time, error)}{after}. Below, reverse trajectories that part end in one class."
    right = 100 * found["return_probability"][0]
    nearest = f"The nearest of the other samples is of the same class for {right:.3g} % of held-out ones."
    return [[f"When is it chosen which of {len(found['names'])} classes a sample will be of?", said, nearest]]


def _which(s: dict[str, Any]) -> list[str]:
    lines, shown = [], _spread(len(s["loss_order"]))
    for place, k in enumerate(s["loss_order"]):
        if place in shown:
            lines.append(_lost(place + 1, s["subspaces"][k]))
        elif place - 1 in shown:
            lines.append("...")
    return ["What is lost first, as t falls? (Gaussian theory at typical points; on average rare ones rule)", *lines]


def _lost(place: int, part: dict[str, Any]) -> str:
    what = f"variance {short(part['variance'])} ({counted(part['dimension'], 'direction')})"
    typical, annealed = short(part["loss_time_typical"]), short(part["loss_time_annealed"])
    return f"{place}. {what}: below t = {typical}; on average, {annealed}"


def _how_many(s: dict[str, Any]) -> list[str]:
    wanted, measured = s["wanted_time"], s["measured_collapse_time"]
    lines = [f"At most {power_of_ten(s['log10_samples_needed'])}, what Gaussian data of this spectrum need."]
    log10, error = s["log10_samples_needed_from_data"], s["log10_samples_needed_from_data_error"]
    if log10 is not None:
        lines.append(
            f"At most {power_of_ten(log10)} ({power_of_ten(log10 - error)} to {power_of_ten(log10 + error)}) by the information "
            f"measured at t = {short(s['anchor_time'])}, Gaussian below."
        )
    if measured is not None and wanted >= measured:
        lines.append(f"The {s['distinct_samples']} there are suffice: the measured collapse is below.")
    else:
        lines.append("Both take the spectrum of these samples for that of all.")
    return [f"How many samples would move the collapse to t = {short(wanted)}?", *lines]


def _how_early(s: dict[str, Any]) -> list[str]:
    """What stopping early and smoothing do, as measured."""
    found = s["stopping"]
    stop, noised, closest, width = (
        None if found[key] is None else plus_minus(found[key], found[f"{key}_error"])
        for key in ("stopping_time", "stopping_time_noised", "closest_time", "bandwidth")
    )
    by_chance = found["copied_by_chance"]
    few = f"{100 * (found['copied'] + by_chance):.3g} %" + (f" ({100 * by_chance:.3g} by chance)" if by_chance else "")
    lines = []
    if stop is None:
        lines.append(_without_stop(s["curves"], found["copied"] + by_chance, few))
    else:
        percent = float(f"{100 * found['variance_left']:.2g}")
        left = f"; {percent:g} % of the variance is left"
        lines.append(f"Stopped at t = {stop} and denoised {few} are copies, above fewer{left}.")
    if noised is not None:
        below = f"{found['directions_below_noise']} of {counted(s['intrinsic_dimension'], 'direction')}"
        lines.append(f"Not denoised {few} are copies at t = {noised}, above the variance of {below}.")
    if closest is not None:
        copies = f"{100 * found['copied_where_closest']:.3g} %"
        lines.append(
            f"Its law is closest to held-out samples at t = {closest}, where {copies} are copies once denoised."
        )
    if width is not None:
        lines.append(f"Smoothed by a bandwidth above h = {width} it ends between samples, however late it stops.")
    return ["How early must generation stop?", *lines]


def _without_stop(curves: dict[str, Any], few: float, told: str) -> str:
    """Where the share of copies does not come to be few at any time, or is few at all."""
    last = curves["copied_fraction"][-1]
    if last >= few:
        return f"Denoised {100 * last:.3g} % are copies even at t = {short(curves['times'][-1])}, the largest tried."
    return f"Denoised fewer than {told} are copies at all t that were tried, from t = {short(curves['times'][0])} up."


def _how_far(s: dict[str, Any]) -> list[str]:
    return ["Where does linear Gaussian theory describe the data?", s["validity"]["sentence"]]


def _copied(s: dict[str, Any]) -> list[list[str]]:
    found = s.get("generated")
    if found is None:
        return []
    share, low, high = (f"{100 * found[part]:.3g}" for part in ("share", "low", "high"))
    return [
        [
            "How much of what was generated is copied?",
            f"{share} % ({low} to {high} %) of {counted(found['points'], 'point')}: "
            "the nearest sample is less than a third as far as the second nearest.",
            "Held-out samples in their place say how many are so by chance.",
        ]
    ]


def _folded(line: str, indent: str = "") -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _spread(count: int) -> list[int]:
    """The first, the last, and some between."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, SHOWN))})


def sections(audit: Audit) -> list[Section]:
    """The tables of the report."""
    s = audit.summary
    curves = s["curves"]
    return [
        _collapse_table(s),
        _loss_table(s),
        _samples_table(s),
        _stopping_table(s["stopping"]),
        _validity_table(s["validity"]),
        _curves_table(curves),
        _retained_table(curves),
        _stopped_table(curves),
        *([_classes_table(s["classes"])] if s["classes"] else []),
    ]


def _classes_table(found: dict[str, Any]) -> Section:
    header, rows = _over_time(found, "cloning_probability", "return_probability", "class_information")
    said = (
        "The probability that two reverse trajectories from one noised point end in one class, and that one ends in the class "
        "of the clean point, by the weights of the other samples; and what a noised point says of its class at least, nats."
    )
    return Section("Classes", said, header, rows, folded=True)


def _over_time(
    curves: dict[str, Any], *names: str, without_errors: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The header and the rows of curves over their times, with errors, and of others without."""
    columns = ("times", *(part for name in names for part in (name, f"{name}_error")), *without_errors)
    return tuple(c.replace("_", " ") for c in columns), list(zip(*(curves[c] for c in columns), strict=True))


def _curves_table(curves: dict[str, Any]) -> Section:
    names = ["memorized_fraction", "own_weight", "participation", "held_out_participation", "held_out_information"]
    names += ["gaussian_memorized_fraction", "gaussian_own_weight"]
    header, rows = _over_time(curves, *names, without_errors=("memorized_probability_asymptotic",))
    return Section("Curves", "Everything measured against $t$, with standard errors.", header, rows, folded=True)


def _retained_table(curves: dict[str, Any]) -> Section:
    rows = [
        (t, k, found, error, expected)
        for t, *values in zip(
            curves["retained_times"],
            curves["retained_variance"],
            curves["retained_variance_error"],
            curves["predicted_retained_variance"],
            strict=True,
        )
        for k, (found, error, expected) in enumerate(zip(*values, strict=True))
    ]
    header = ("t", "subspace", "retained variance", "standard error", "Gaussian")
    return Section(
        "Retained variance", "Posterior variance at held-out points, by subspace.", header, rows, folded=True
    )


def _stopped_table(curves: dict[str, Any]) -> Section:
    names = ("copied_fraction", "copied_fraction_noised", "variance_left", "held_out_log_density")
    header, rows = _over_time(curves, *names)
    said = (
        "What generation leaves that is stopped at $t$: copies after a last denoising and without, the variance of what is "
        "denoised over that of the data, and the log density at held-out samples in the span of the data, nats."
    )
    return Section("Copies", said, ("t", *header[1:]), rows, folded=True)


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
    parts = ",".join(f"{part['variance']:.6g}x{part['dimension']}" for part in s["subspaces"])
    return Section(
        "Loss of subspaces",
        "In the order in which the score loses them as $t$ falls: its signal to noise reaches 1, at typical points, "
        "and averaged over points (annealed), where rare ones dominate. Gaussian theory. As options of predict, simulate and "
        f"compare: --subspaces {parts} --samples {s['samples']} --ambient-dimension {s['ambient_dimension']}",
        ("Subspace", "Variance (data units squared)", "Dimension", "Typical loss time t", "Annealed loss time t"),
        [(k, *s["subspaces"][k].values()) for k in s["loss_order"]],
    )


def _samples_table(s: dict[str, Any]) -> Section:
    names = {"": "spectrum", "_from_data": "measured information"}
    return Section(
        "Samples needed",
        f"To move the collapse to $t = {tex(s['wanted_time'])}$, at most: from the spectrum, and from the "
        "information measured on held-out points, continued by the spectrum. The error is of the logarithm.",
        ("From", "Samples", "log10 samples", "Standard error"),
        [
            (what, s[f"samples_needed{key}"], *(s.get(f"log10_samples_needed{key}{e}") for e in ("", "_error")))
            for key, what in names.items()
        ],
    )


def _stopping_table(found: dict[str, Any]) -> Section:
    names = {
        "stopping_time": "few copies after a last denoising, above t",
        "stopping_time_noised": "few copies with the noise left on, above t",
        "closest_time": "law closest to that of held-out samples, at t",
        "bandwidth": "a smoothed score ends between samples, above h",
    }
    return Section(
        "Stopping early",
        "Measured on noised samples, which generation draws that is stopped at $t$. A copy is three times as near to one sample "
        f"as to any other; few are {100 * found['copied']:.3g} % beyond those that are so by chance "
        f"({100 * found['copied_by_chance']:.3g} %). A smoothed score ends between samples where noise of its bandwidth takes "
        "more than half of the samples nearer to others.",
        ("What", "Value (data units squared)", "Standard error"),
        [(what, found[key], found[f"{key}_error"]) for key, what in names.items()],
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


def figures(audit: Audit) -> list[Figure]:
    """Collapse, retained variance, copies and spectrum."""
    s = audit.summary
    curves = {key: np.array(value, dtype=float) for key, value in s["curves"].items()}
    with plot.style():
        figure, panels = plot.canvas(2, 2, width=4.2, height=3.1)
        panels = panels.ravel()
        _draw_collapse(panels[0], s, curves)
        _draw_retained(panels[1], s, curves)
        _draw_copies(panels[2], s, curves)
        _draw_spectrum(panels[3], s, audit.spectrum)
        for axes, letter in zip(panels, "abcd", strict=True):
            axes.text(-0.06, 1.02, f"({letter})", transform=axes.transAxes, ha="right", va="bottom")
        for axes in panels[:3]:
            axes.set_xscale("log")
            axes.set_xlim(curves["times"][0] / 1.3, curves["times"][-1] * 1.3)
            axes.set_xlabel("noise variance $t$ (data units squared)")
    caption = (
        f"{audit.name}, {s['samples']} samples. (a) The fraction of noised samples that are nearest to themselves, and "
        "the weight the score gives them: points are measured, with bars of one standard error; lines are simulated "
        "Gaussian data of the same spectrum; crosses exact, the grey dashed line second order. Vertical lines, "
        "horizontal in (d): collapse time, dashed as predicted from the spectrum, solid as measured. (b) The variance "
        r"the posterior retains at held-out points, over that of the data, by subspace of variance $\lambda$; lines "
        r"are the Gaussian $t/(\lambda+t)$, triangles the times where the score loses the subspace; points are filled "
        f"where at least {ENOUGH} samples share the weight. (c) What is left where generation stops at $t$: the share of copies, "
        "and the variance of what is denoised over that of the data; dotted, where the law is closest to that of held-out "
        "samples. (d) Eigenvalues of the covariance and their subspaces."
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
        label = rf"$\lambda = {tex(part['variance'])}$ ({part['dimension']} dir.)"
        plot.theory(axes, t, expected[:, k], None, series)
        plot.measured(axes, t, found[:, k], error[:, k], label, series)
        axes.plot(t[enough], found[enough, k], marker, color=colour, zorder=4)
        axes.plot([part["loss_time_typical"]], [0.97], "v", color=colour, transform=axes.get_xaxis_transform())
    _mark_collapse(axes.axvline, s)
    axes.set_yscale("log")
    axes.set_ylim(max(3e-4, expected[0, shown].min() / 2), 3)
    axes.set_ylabel("retained variance / variance")
    plot.legend(axes)


def _draw_copies(axes: Axes, s: dict[str, Any], curves: dict[str, Any]) -> None:
    labels = {
        "copied_fraction": "copies, denoised",
        "copied_fraction_noised": "copies, noise left on",
        "variance_left": "variance left, denoised",
    }
    for series, (name, label) in enumerate(labels.items()):
        plot.measured(axes, curves["times"], curves[name], curves[f"{name}_error"], label, series)
    _mark_collapse(axes.axvline, s)
    if s["stopping"]["closest_time"] is not None:
        axes.axvline(s["stopping"]["closest_time"], color="0.4", linewidth=0.9, linestyle=":", zorder=0)
    axes.set_ylabel("share")
    plot.legend(axes)


def _draw_spectrum(axes: Axes, s: dict[str, Any], spectrum: Array) -> None:
    from matplotlib.ticker import MaxNLocator

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
