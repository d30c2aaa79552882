"""Claims: a tempered score memorizes as any other does, later on another clock, from a start that is too narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import temperature as experiment
from theory.predictions import temperature as prediction
from theory.setting import Setting
from validation.claim import Claim, Done
from validation.comparison import BRACKET, cases, compare, evaluated, told, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]

INFINITE = cases(
    prediction,
    experiment.measure_distribution,
    {"infinite": (100, Setting.of("1.0x6,0.2x4", samples=300, temperature=2, times=[0.05, 0.078, 0.083, 0.3, 1.0]))},
)["infinite"]
# they condense at the third time
FEW = Setting.of("1.0x8", samples=300, temperature=2, times=[0.03, 0.06, 0.0936, 0.2, 0.4])
GENERATED = cases(prediction, experiment.measure_samples, {"few": (200, FEW)})["few"]
SHARES = cases(
    prediction,
    experiment.measure_shares,
    {"line": (75, Setting.of("1.0x1", samples=5, temperature=2, times=[0.1]))},
    in_headline=0.5,
)["line"]
DEEP, AT_COLLAPSE = slice(1), slice(2, 3)
INFINITELY_MANY = "exact for infinitely many samples"
STEPS = 1e-3  # what the steps of generation may be off by
NORMAL = "a normal approximation, which has more points not condensed"
OFF = "the model is off at this N and D"
LINE = curve(GENERATED, "largest_weight_generated", 12)
SEVERAL = np.geomspace(0.25, 8, 41)  # temperatures, of the figure


def not_condensed(observable: str, setting: Setting) -> Array:
    """The share of points that have not condensed, of which the model does not say where the samples draw them."""
    return np.asarray(1 - getattr(prediction, observable)(setting))


def middle(setting: Setting) -> Array:
    """Between the frozen variance of the limit and that of the data."""
    return (prediction.frozen_variance(setting) + setting.manifold.variances) / 2


def half_width(setting: Setting) -> Array:
    """Half of what lies between them."""
    return (setting.manifold.variances - prediction.frozen_variance(setting)) / 2


def too_narrow(setting: Setting) -> Array:
    """The variance of infinitely many samples as t falls to 0."""
    return setting.manifold.variances / setting.temperature


def claims() -> list[Claim]:
    """What infinitely many samples generate, what a few do, and the share of each in one dimension."""
    return [*_infinite(), *_few(), _shares()]


def _infinite() -> list[Claim]:
    plain = INFINITE.setting.at(temperature=1)
    names = "generated_variance_ode", "generated_variance_sde", "denoised_variance"
    found = [
        compare(INFINITE, o, wrong("no temperature", getattr(prediction, o), plain), INFINITELY_MANY, bias=STEPS)
        for o in names
    ]
    condensed = wrong("collapse of fresh points, divided by T", clock_alone)
    reached = "where the information at generated points falls to log N"
    return [*found, compare(INFINITE, "collapse_time_generated", condensed, reached, bias=STEPS)]


def clock_alone(setting: Setting) -> float:
    """The collapse time at temperature 1, on the clock of tT alone."""
    return prediction.collapse_time_generated(setting.at(temperature=1)) / setting.temperature


def _few() -> list[Claim]:
    frozen = wrong("that of infinitely many samples, at twice the temperature", too_narrow, FEW.at(temperature=4))
    bracket = "between the limit, which leaves out that samples attract, and the variance of the data"
    return [
        *(_deep(observable) for observable in ("largest_weight_generated", "memorized_fraction")),
        compare(
            GENERATED,
            "memorized_fraction",
            wrong("all are memorized", np.ones_like, FEW.times[AT_COLLAPSE]),
            OFF,
            name="few.collapse.memorized_fraction",
            times=AT_COLLAPSE,
            expected="disagrees",
            headline=True,
        ),
        compare(
            GENERATED,
            "frozen_variance",
            frozen,
            bracket,
            predicted=middle,
            allowed_bias=evaluated(half_width, FEW),
            coarse=BRACKET,
        ),
    ]


def _deep(observable: str) -> Claim:
    """Where few points have not condensed."""
    setting, model = FEW.at(times=FEW.times[DEEP]), getattr(prediction, observable)
    return compare(
        GENERATED,
        observable,
        wrong("twice the temperature", model, setting.at(temperature=4)),
        "but for the points that have not condensed",
        times=DEEP,
        allowed_bias=evaluated(not_condensed, observable, setting),
        coarse=NORMAL if observable == "memorized_fraction" else "",
    )


def _shares() -> Claim:
    equal = wrong("all samples alike", prediction.sample_probabilities, SHARES.setting.at(temperature=1))
    return compare(SHARES, "sample_probabilities", equal, "exact at every N", bias=STEPS, headline=True)


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return list(LINE)


def figures(done: Done) -> list[Figure]:
    """Weights against t, what is left of the variance at the threshold against T, and the share of each sample."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _weights(axes[0], done)
        _left(axes[1])
        _samples(axes[2], done)
    caption = (
        f"Generation by the ODE with a score at temperature $T$. Left: {told(FEW)}; largest weight and memorized fraction of the "
        "generated points, against the noise variance $t$ where it stops; grey, where generated points condense, and dotted "
        "where fresh ones do, divided by $T$. Middle: the variance that is left along a direction of variance 1 at "
        "the threshold of memorization, after a last denoising and of the samples that are drawn as $t$ falls to 0 (limit); the "
        "circle is early stopping at $T = 1$. Right: the share of points that end on each of five samples in one dimension, in "
        "order. Error bars: one standard error over data sets."
    )
    return [Figure("temperature", caption, figure)]


def _weights(axis: Axes, done: Done) -> None:
    times, _ = over_times(axis, done, GENERATED, LINE, limit=False, said=("model, largest weight", None, "simulation"))
    fraction = done[GENERATED.experiment.name]["memorized_fraction"]
    draw.theory(axis, times, prediction.memorized_fraction(FEW.at(times=times)), "model, memorized", series=2)
    draw.measured(axis, FEW.times, fraction.mean, fraction.sem, "simulation", series=2)
    axis.axvline(prediction.collapse_time_generated(FEW), color="0.8", zorder=0)
    axis.axvline(clock_alone(FEW), color="0.6", linestyle=":", zorder=0)
    axis.set(xlabel="noise variance $t$", ylabel="largest weight, memorized fraction", ylim=(0, 1.02))
    draw.legend(axis)


def _left(axis: Axes) -> None:
    settings = [FEW.at(temperature=T) for T in SEVERAL]
    at = [s.at(times=prediction.collapse_time_generated(s)) for s in settings]
    draw.theory(axis, SEVERAL, [prediction.denoised_variance(s)[0, 0] for s in at], "denoised, at $t_C(T)$")
    draw.theory(axis, SEVERAL, [prediction.frozen_variance(s)[0] for s in settings], "frozen", series=1)
    early = FEW.at(temperature=1)
    early = early.at(times=prediction.collapse_time_generated(early))
    axis.plot(1, prediction.denoised_variance(early)[0, 0], "o", color=draw.COLOURS[0], fillstyle="none", markersize=9)
    axis.axhline(1, color="0.8", zorder=0)
    draw.logarithmic(axis)
    axis.set(xlabel="temperature $T$", ylabel="variance left")
    draw.legend(axis)


def _samples(axis: Axes, done: Done) -> None:
    setting, m = SHARES.setting, done[SHARES.experiment.name]["sample_probabilities"]
    number = np.arange(1, setting.samples + 1)
    draw.theory(axis, number, prediction.sample_probabilities(setting), f"exact, $T$ = {setting.temperature:g}")
    draw.measured(axis, number, m.mean, m.sem, "simulation", series=1)
    draw.control(axis, number, prediction.sample_probabilities(setting.at(temperature=1)), "control, $T$ = 1")
    axis.set(xlabel="sample, in order", ylabel="share of generated points", ylim=(0, None))
    draw.legend(axis)
