"""Claims: a kernel lowers the noise of the score where samples are, and on average over x what finite N lets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import kernel_smoothing as experiment
from numerics.measurement import Measurement
from theory.predictions import kernel_smoothing as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import cases, compare, evaluated, off, told, wrong
from validation.job import Evaluation, Results
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]

MIDDLE = (0.0,) * 32
MILDER = Setting.of(
    "1.0x8", samples=3000, times=[16.0], bandwidth=33
)  # most samples are effective where x is shifted to
AT_POINT = cases(
    prediction,
    experiment.measure_at_point,
    {
        "outside": (2000, Setting.of("1.0x1", samples=20, times=[1.0], bandwidth=3, point=(2.5,))),
        "line": (2800, Setting.of("1.0x1", samples=20, times=[0.2], bandwidth=0.1, point=(0.7,))),
        "plane": (1300, Setting.of("1.0x1,0.3x1", samples=2000, times=[0.2], bandwidth=0.1, point=(0.7, -0.4))),
        "many": (3100, Setting.of("1.0x32", samples=1000, times=[8.0], bandwidth=3, point=MIDDLE)),
        "mixture": (
            800,
            Setting.of(
                "0.1x1", samples=2000, times=[0.1], bandwidth=0.05, ensemble="mixture", separation=2, point=(0.4,)
            ),
        ),
    },
)
BEST = cases(
    prediction,
    experiment.measure_best,
    {
        "best": (1800, Setting.of("1.0x1", samples=500, times=[0.5], bandwidth=1.5, point=(0.0,))),
        "balance": (
            4500,
            Setting.of(
                "0.05x1", samples=1000, times=[0.05], bandwidth=0.0012, ensemble="mixture", separation=2, point=(0.2,)
            ),
        ),
    },
)
MEAN = cases(
    prediction,
    experiment.measure_mean,
    {
        "average": (1800, MILDER),
        "few": (500, Setting.of("1.0x1", samples=10, times=[0.1], bandwidth=0.1)),
    },
)
DIVERGENCE = cases(prediction, experiment.measure_divergence, {"integral": (600, MILDER)})["integral"]
NEXT = 0.003  # R/N, R below 3 at the points that a kernel shifts to
OWN_BIAS = 0.003  # that of the score itself, beta/N = 0.0017 of 0.63
SCATTERS = "the square of one score scatters by more than its mean"
FEW_DIRECTIONS = "the square of a few normal numbers scatters from data set to data set"
SKEW = "a ratio of averages that rare points carry has a long tail on one side"
FLAT = "the error is flat about its minimum"
LEADING = "leading order in 1/N"
WIDTHS = np.geomspace(0.01, 0.47, 60)  # bandwidths, of the figure
SHOWN = np.array([0.01, 0.025, 0.05, 0.15, 0.22, 0.32, 0.45])
LINE = AT_POINT["line"].setting
CURVE = [evaluated(prediction.score_error_exact, LINE.at(bandwidth=h)) for h in SHOWN]


def next_order(observable: str, setting: Setting) -> Array:
    """An estimate and no bound: the square of p^/p - 1 beside it, R/N by R itself, R at a point that the kernel has shifted."""
    return np.asarray(_squared_ratio(setting) / setting.samples * getattr(prediction, observable)(setting))


def next_order_of_gain(setting: Setting) -> Array:
    """The same of the gain averaged over x."""
    return np.asarray(_squared_ratio(setting) / setting.samples * on_average(setting))


def _squared_ratio(setting: Setting) -> Array:
    lam, t = setting.manifold.variances[0], setting.t[0]
    size = prediction.derivation()["log_weight_ratio"](lam, lam + t + setting.bandwidth, t, 0.0, 2 * lam + t)
    return np.asarray(np.exp(2 * setting.manifold.intrinsic_dimension * size))


def total_variance(setting: Setting) -> Array:
    """The error of all directions to leading order."""
    return prediction.score_variance(setting) @ setting.manifold.dimensions


def bias_of_a_line(results: Results) -> Measurement:
    """In one direction, shape (T,)."""
    return results["score_bias"][:, 0]


def in_the_middle(setting: Setting) -> Array:
    """The gain at x = 0."""
    return prediction.variance_gain(setting.at(point=(0.0,)))[:, 0]


def on_average(setting: Setting) -> Array:
    """The gain averaged over x, to leading order."""
    averaged = prediction.score_variance_mean
    return (averaged(setting.plain) / averaged(setting))[:, 0]


def half_bent(setting: Setting) -> Array:
    """The bias to first order in h, h Lap s/2."""
    return 1e6 * prediction.score_bias(setting.at(bandwidth=1e-6 * setting.bandwidth))


def without_own_bias(setting: Setting) -> Array:
    """The best bandwidth where the score itself had no bias of order 1/N."""
    first_order = half_bent(setting.at(bandwidth=1.0))[:, 0]  # Lap s/2
    return prediction.best_bandwidth(setting) + prediction.own_bias(setting)[:, 0] / first_order


def next_order_of_mixture(setting: Setting) -> Array:
    """Of the best bandwidth, R/N of it: R = 18.9 at this x."""
    return 18.9 / setting.samples * prediction.best_bandwidth(setting)


def claims() -> list[Claim]:
    """At a point, exact and to leading order; the best bandwidth; and averaged over x."""
    return [*_exact(), *_leading(), *_best(), *_average()]


def _exact() -> list[Claim]:
    outside, line = AT_POINT["outside"], AT_POINT["line"]
    leading = wrong("the variance to leading order", total_variance, outside.setting)
    no_kernel, unshifted = (
        wrong("no kernel", function, at.setting.plain)
        for function, at in ((prediction.score_error_exact, line), (prediction.score_bias_exact, outside))
    )
    return [
        compare(outside, "score_error_exact", leading, coarse=SCATTERS),
        compare(outside, "score_bias_exact", unshifted, headline=True, coarse=SCATTERS, measured=bias_of_a_line),
        compare(line, "score_error_exact", no_kernel, coarse=SCATTERS),
    ]


def _leading() -> list[Claim]:
    mixture, found = AT_POINT["mixture"], []
    for name in ("plane", "many"):
        at, coarse = AT_POINT[name], SCATTERS if name == "plane" else ""
        no_kernel = wrong("no kernel", prediction.score_variance, at.setting.plain)
        none = Control("no gain", 1.0)
        found += [
            compare(at, "score_variance", no_kernel, LEADING, bias=NEXT, coarse=coarse),
            compare(at, "variance_gain", none, LEADING, bias=NEXT, coarse=coarse),
        ]
    bent = wrong("to first order in h, h Lap s/2", half_bent)
    return [*found, compare(mixture, "score_bias", bent, "of infinitely many samples", bias=OWN_BIAS)]


def _best() -> list[Claim]:
    at, bias = BEST["balance"], evaluated(next_order_of_mixture, BEST["balance"].setting)
    middle, alone = Control("the variance of the data", 1.0), wrong("no bias of the score itself", without_own_bias)
    return [
        compare(BEST["best"], "best_bandwidth", middle, "lambda + t in the middle of Gaussian data", coarse=FLAT),
        compare(at, "best_bandwidth", alone, "of a mixture, of order 1/N", allowed_bias=bias, coarse=FLAT),
    ]


def _average() -> list[Claim]:
    average, integral = (off(1.2, f, MILDER) for f in (prediction.score_variance_mean, prediction.kl_leading))
    bias = [evaluated(next_order, observable, MILDER) for observable in ("score_variance_mean", "kl_leading")]
    return [
        compare(MEAN["average"], "score_variance_mean", average, LEADING, allowed_bias=bias[0], coarse=FEW_DIRECTIONS),
        compare(
            DIVERGENCE,
            "kl_leading",
            integral,
            "half the integral of the error",
            allowed_bias=bias[1],
            coarse=FEW_DIRECTIONS,
        ),
        _gain(
            "average",
            "it is a loss",
            Control("no loss", 1.0),
            allowed_bias=evaluated(next_order_of_gain, MILDER),
            coarse=SKEW,
        ),
        _gain(
            "few",
            "the leading order says that it is a loss",
            wrong("the gain at x = 0, to leading order", in_the_middle, MEAN["few"].setting),
            expected="disagrees",
            headline=True,
        ),
    ]


def _gain(name: str, statement: str, control: Control, **further: Any) -> Claim:
    at = MEAN[name]
    return Claim(
        name=f"kernel_smoothing.{name}.gain_mean",
        statement=f"gain of the error averaged over x, {told(at.setting)}: {statement}",
        observable="gain averaged over x",
        coordinates={"time": at.setting.times},
        experiments=(at.experiment,),
        measured=Picked("gain_mean"),
        predicted=evaluated(on_average, at.setting),
        control=control,
        **further,
    )


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return CURVE


def figures(done: Done) -> list[Figure]:
    """Variance against h at points and on average, the gain at finite N, and the balance of a mixture."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _variances(axes[0])
        _errors(axes[1], done)
        _balance(axes[2], done)
    balance = told(BEST["balance"].setting)
    caption = (
        "The score smoothed by a Gaussian kernel of variance $h$. Left: its variance in units of that without a kernel, to "
        f"leading order in $1/N$, {LINE.manifold}, $t$ = {LINE.t[0]:g}, at two points and averaged over $x$; dotted, where the "
        f"average becomes infinite. Middle: squared error of {told(LINE)} at $x$ = 0.7. Right: squared error of {balance}, to "
        "leading order; dashed, as if the score had no bias by itself. Error bars: one standard error over data sets."
    )
    return [Figure("kernel_smoothing", caption, figure)]


def _variances(axis: Axes) -> None:
    setting = LINE.plain.at(samples=1000)
    at = [setting.at(bandwidth=h) for h in WIDTHS]
    for series, (x, label) in enumerate(((0.0, "$x = 0$"), (2.0, "$x = 2$"))):
        there = [prediction.variance_gain(s.at(point=(x,)))[0, 0] for s in at]
        draw.theory(axis, WIDTHS, 1 / np.array(there), label, series=series)
    mean = np.array([1 / on_average(s)[0] for s in at])
    draw.theory(axis, WIDTHS, mean, "mean over $x$", series=2)
    axis.axvline(prediction.largest_bandwidth(setting)[0], color="0.6", linestyle=":", zorder=0)
    axis.axhline(1, color="0.8", zorder=0)
    draw.logarithmic(axis)
    axis.set(xlabel="bandwidth $h$", ylabel="variance / that at $h = 0$", yscale="log", ylim=(0.2, 30))
    draw.legend(axis)


def _errors(axis: Axes, done: Done) -> None:
    h = np.append(SHOWN, LINE.bandwidth)
    exact = np.append([done[one.name][0] for one in CURVE], done[evaluated(prediction.score_error_exact, LINE).name][0])
    order = np.argsort(h)
    m = done[AT_POINT["line"].experiment.name]["score_error"]
    draw.theory(axis, h[order], exact[order], "exact")
    draw.measured(axis, LINE.bandwidth, m.mean[0], m.sem[0], "simulation", series=1)
    draw.control(axis, WIDTHS, [total_variance(LINE.at(bandwidth=b))[0] for b in WIDTHS], "leading order")
    draw.logarithmic(axis)
    axis.set(xlabel="bandwidth $h$", ylabel="$E\\,|s_h - s|^2$", ylim=(0, None))
    draw.legend(axis)


def _balance(axis: Axes, done: Done) -> None:
    at = BEST["balance"]
    best = prediction.best_bandwidth(at.setting)[0]
    h = best * np.linspace(0.01, 2.2, 40)
    settings = [at.setting.at(bandwidth=b) for b in h]
    variance, bias = (
        np.array([f(s)[0, 0] for s in settings]) for f in (prediction.score_variance, prediction.score_bias)
    )
    own = prediction.own_bias(at.setting)[0, 0]
    total = variance + (bias + own) ** 2
    draw.theory(axis, h, total, "variance and bias")
    draw.control(axis, h, variance + bias**2 + own**2, "biases apart")
    m = done[at.experiment.name]["best_bandwidth"]
    axis.errorbar(
        m.mean, total.min(), xerr=m.sem, fmt="s", color=draw.COLOURS[1], mfc="white", label="best, simulation", zorder=3
    )
    axis.set(xlabel="bandwidth $h$", ylabel="$E\\,|s_h - s|^2$", xlim=(0, h[-1]))
    draw.legend(axis)
