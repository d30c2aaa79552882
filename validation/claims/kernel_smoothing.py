"""Claims: a kernel lowers the noise of the score where samples are, and on average over x what finite N lets it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermitenorm

from numerics.experiments import kernel_smoothing as experiment
from numerics.measurement import Measurement
from theory.predictions import kernel_smoothing as prediction
from theory.setting import LinearManifold, Setting
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
    "1.0x1", samples=1000, times=[16.0], bandwidth=54
)  # most samples are effective where x is shifted to
MIXTURE = Setting.of("0.1x1", samples=2000, times=[0.1], bandwidth=0.05, ensemble="mixture", separation=2, point=(0.4,))
AT_POINT = cases(
    prediction,
    experiment.measure_error,
    {
        "outside": (500, Setting.of("1.0x1", samples=20, times=[1.0], bandwidth=3, point=(2.5,))),
        "line": (700, Setting.of("1.0x1", samples=20, times=[0.2], bandwidth=0.1, point=(0.7,))),
        "ball": (200, Setting.of("1.0x3", samples=20, times=[0.5], bandwidth=0.2, point=(1.0, 0.0, 0.0))),
        "apart": (500, Setting.of("1.0x1,0.3x1", samples=20, times=[0.5], bandwidth=0.2, point=(0.7, -0.4))),
        "mixture": (150, MIXTURE),
    },
)
VARIANCE = cases(
    prediction,
    experiment.measure_variance,
    {
        "plane": (120, Setting.of("1.0x1,0.3x1", samples=1000, times=[0.2], bandwidth=0.1, point=(0.7, -0.4))),
        "many": (150, Setting.of("1.0x32", samples=1000, times=[8.0], bandwidth=3, point=MIDDLE)),
    },
)
BEST = cases(
    prediction,
    experiment.measure_best,
    {
        "best": (130, Setting.of("1.0x1", samples=2000, times=[1.0], bandwidth=2, point=(0.0,))),
        "balance": (
            400,
            MIXTURE.at(manifold=LinearManifold.parse("0.15x1"), samples=8000, bandwidth=0.0002, point=(0.4,)),
        ),
    },
)
MEAN = cases(
    prediction,
    experiment.measure_mean,
    {
        "average": (900, MILDER),
        "few": (60, Setting.of("1.0x1", samples=10, times=[0.1], bandwidth=0.1)),
    },
)
DIVERGENCE = cases(prediction, experiment.measure_divergence, {"integral": (900, MILDER)})["integral"]
BEYOND = cases(
    prediction,
    experiment.measure_growth,
    {"beyond": (120, Setting.of("1.0x1", samples=1000, times=[0.2], bandwidth=4, point=(0.0,)))},
)["beyond"]
OWN_BIAS = 0.003  # that of the score itself, beta/N = 0.0017 of 0.63
SAMPLED = 0.005  # what quasi-Monte Carlo may be off by
LEADING = "leading order in 1/N"
QUADRATURE = 14  # points over x of the exact mean: twice as many change 1e-6 of it
WIDTHS = np.geomspace(0.01, 0.47, 60)  # bandwidths, of the figure
SHOWN = np.array([0.01, 0.025, 0.05, 0.15, 0.22, 0.32, 0.45])
LINE = AT_POINT["line"].setting
CURVE = [evaluated(prediction.score_error_exact, LINE.at(bandwidth=h)) for h in SHOWN]


def next_variance(setting: Setting) -> Array:
    """What the leading variance leaves out at order 1/N^2."""
    return np.abs(prediction.next_variance(setting))


def next_gain(setting: Setting) -> Array:
    """What the same, of both variances, makes of their ratio."""
    before, after = (
        1 + prediction.next_variance(at) / prediction.score_variance(at) for at in (setting.plain, setting)
    )
    return np.abs(before / after - 1) * prediction.variance_gain(setting)


def next_best(setting: Setting) -> Array:
    """By how much the same moves the least variance."""

    def total(at: Setting) -> float:
        both = prediction.score_variance(at) + prediction.next_variance(at)
        return float(both[0] @ at.manifold.dimensions)

    return _moved(setting, total)


def next_balance(setting: Setting) -> Array:
    """By how much what is left out at order h^2 moves the balance, and at 1/N^2 twice R/N of it, where Gaussian data have 1.4."""

    def total(at: Setting) -> float:
        bias = prediction.score_bias(at) + prediction.own_bias(at)
        return float((prediction.score_variance(at) + bias**2)[0, 0])

    of_samples = 2 * prediction.weight_ratio(setting.plain) / setting.samples
    return _moved(setting, total) + of_samples * prediction.best_bandwidth(setting)


def _moved(setting: Setting, total: Callable[[Setting], float]) -> Array:
    """How far the best bandwidth lies from where this error is least, at the only time."""
    from scipy.optimize import minimize_scalar

    best = prediction.best_bandwidth(setting)
    unit = total(setting.at(bandwidth=best[0]))
    found = minimize_scalar(
        lambda share: total(setting.at(bandwidth=share * best[0])) / unit,
        bounds=(0.5, 1.5),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return np.abs(found.x - 1) * best


def next_mean(setting: Setting) -> Array:
    """What the leading variance averaged over x leaves out in one direction, by the exact one."""
    return np.abs(_exact_mean(setting) - prediction.score_variance_mean(setting))


def next_divergence(setting: Setting) -> Array:
    """Of the divergence no larger a part than at its end, where u is nearest to t."""
    return (next_mean(setting) / prediction.score_variance_mean(setting))[:, 0] * prediction.kl_leading(setting)


def next_gain_mean(setting: Setting) -> Array:
    """What the leading gain averaged over x leaves out in one direction, by the exact one."""
    return np.abs((_exact_mean(setting.plain) / _exact_mean(setting))[:, 0] - on_average(setting))


@cache
def _exact_mean(setting: Setting) -> Array:
    """E |s_h - s|^2 over x ~ p_t in one direction, at the only time, shape (1, 1); even in x."""
    nodes, weights = roots_hermitenorm(QUADRATURE)
    half = nodes > 0
    x = nodes[half] * np.sqrt(setting.manifold.variances[0] + setting.t[0]) * setting.alpha[0]
    errors = [prediction.score_error_exact(setting.at(point=(one,))) for one in x]
    return np.asarray(weights[half] @ np.array(errors) / weights[half].sum())[:, None]


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


def claims() -> list[Claim]:
    """At a point, exact and to leading order; the best bandwidth; averaged over x; and where there is no leading order."""
    return [*_exact(), *_leading(), *_best(), *_average(), _beyond()]


def _exact() -> list[Claim]:
    outside, line = AT_POINT["outside"], AT_POINT["line"]
    leading = wrong("the variance to leading order", total_variance, outside.setting)
    no_kernel, unshifted = (
        wrong("no kernel", function, at.setting.plain)
        for function, at in ((prediction.score_error_exact, line), (prediction.score_bias_exact, outside))
    )
    return [
        compare(outside, "score_error_exact", leading),
        compare(outside, "score_bias_exact", unshifted, headline=True, measured=bias_of_a_line),
        compare(line, "score_error_exact", no_kernel),
        *_in_more_directions(),
    ]


def _in_more_directions() -> list[Claim]:
    sampled = prediction.score_error_sampled
    no_kernel = [wrong("no kernel", sampled, AT_POINT[name].setting.plain) for name in ("ball", "apart")]
    by_sobol = "exact at finite N, quasi-Monte Carlo over shifts"
    apart = AT_POINT["apart"], "score_error_exact", no_kernel[1], by_sobol
    return [
        compare(AT_POINT["ball"], "score_error_exact", no_kernel[0]),
        compare(*apart, predicted=sampled, bias=SAMPLED),
    ]


def _leading() -> list[Claim]:
    found = []
    for at in VARIANCE.values():
        no_kernel = wrong("no kernel", prediction.score_variance, at.setting.plain)
        none = Control("no gain", 1.0)
        bias, of_gain = (evaluated(f, at.setting) for f in (next_variance, next_gain))
        found += [
            compare(at, "score_variance", no_kernel, LEADING, allowed_bias=bias),
            compare(at, "variance_gain", none, LEADING, allowed_bias=of_gain),
        ]
    bent = wrong("to first order in h, h Lap s/2", half_bent)
    return [*found, compare(AT_POINT["mixture"], "score_bias", bent, "of infinitely many samples", bias=OWN_BIAS)]


def _best() -> list[Claim]:
    best, balance = BEST["best"], BEST["balance"]
    moved, unbalanced = (evaluated(f, at.setting) for f, at in ((next_best, best), (next_balance, balance)))
    variance, alone = Control("the variance of the data", 1.0), wrong("no bias of the score itself", without_own_bias)
    middle = "lambda + t in the middle of Gaussian data"
    return [
        compare(best, "best_bandwidth", variance, middle, allowed_bias=moved),
        compare(balance, "best_bandwidth", alone, "of a mixture, of order 1/N", allowed_bias=unbalanced),
    ]


def _average() -> list[Claim]:
    average, integral = (off(1.2, f, MILDER) for f in (prediction.score_variance_mean, prediction.kl_leading))
    bias, of_integral, of_gain = (evaluated(f, MILDER) for f in (next_mean, next_divergence, next_gain_mean))
    half = "half the integral of the error"
    return [
        compare(MEAN["average"], "score_variance_mean", average, LEADING, allowed_bias=bias),
        compare(DIVERGENCE, "kl_leading", integral, half, allowed_bias=of_integral),
        _gain("average", "it is a loss", Control("no loss", 1.0), allowed_bias=of_gain),
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


def _beyond() -> Claim:
    """Where the variance of order 1/N does not exist the error falls more slowly, though it falls."""
    return Claim(
        name="kernel_smoothing.beyond.error_growth",
        statement=f"N E |s_h - s|^2 over that at N/10, {told(BEYOND.setting)}, h beyond its bound: the error falls as 1/N",
        observable="growth of N times the error",
        coordinates={"time": BEYOND.setting.times},
        experiments=(BEYOND.experiment,),
        measured=Picked("error_growth"),
        predicted=1.0,
        control=Control("the error does not fall", 10.0),
        expected="disagrees",
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
