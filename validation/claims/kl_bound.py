"""Claims of kl_bound: Girsanov holds with equality, the exact value everywhere, the leading order in its range alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import kl_bound as experiment
from numerics.measurement import Measurement
from theory.predictions import kl_bound as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import DEEP, LIMIT, MILD, cases, compare, evaluated, told, wrong
from validation.job import Evaluation, Results
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]
LAST = 20.0
CASES = cases(
    prediction,
    experiment.measure,
    {
        "range": (2000, Setting.of("1.0x2,0.3x1", samples=1000, times=[0.5, 1.0, 2.0, 4.0])),
        "small": (3000, Setting.of("1.0x1,0.3x1", samples=50, times=[0.05, 0.1])),  # far below samples_trusted
        "trajectory": (600, Setting.of("1.0x5", samples=100, times=[0.05, 0.3, 1.0, 3.0], query="trajectory")),
    },
)
ROUTES = cases(
    prediction,
    experiment.measure_routes,
    {"routes": (3000, Setting.of("1.0x1,0.3x1", samples=200, times=[2.0]))},
    last=LAST,
)["routes"]
LIMITED = cases(
    prediction,
    experiment.measure,
    {"deep": (200, DEEP.at(times=[0.1, 1.0], query="trajectory")), "mild": (2400, MILD)},
)
FEW = "the divergence of one data set scatters like the square of a few normal numbers"


def twice_leading(setting: Setting) -> Array:
    """The leading order without the factor 2 of (X - 1)/2N."""
    return 2 * prediction.kl_leading(setting)


def log_twice_leading(setting: Setting) -> Array:
    """Its logarithm."""
    return np.log(twice_leading(setting))


def log_of_kl(results: Results) -> Measurement:
    """The logarithm of the measured divergence."""
    return results["kl"].through(np.log, lambda mean: 1 / mean)


def middle(setting: Setting) -> Array:
    """Of the interval that the leading order allows."""
    return prediction.kl_leading(setting) * (1 - prediction.rare_share(setting) / 2)


def half_width(setting: Setting) -> Array:
    """Of the interval, and the next order of the log at points with ten effective samples or more."""
    return prediction.kl_leading(setting) * (prediction.rare_share(setting) / 2 + 0.02)


def claims() -> list[Claim]:
    """Girsanov's equality, the exact value, the leading order in and out of its range."""
    doubled = wrong("the factor 2 of (X - 1)/2N left out", twice_leading)
    leading = wrong("the leading order", prediction.kl_leading)
    inside, below = CASES["range"], CASES["small"]
    return [
        _girsanov(),
        compare(inside, "kl_exact", doubled, name="exact.range", coarse=FEW),
        compare(below, "kl_exact", leading, name="exact.small", coarse=FEW),
        compare(
            CASES["trajectory"],
            "kl_exact",
            wrong("KL(p_t || p^_t)", prediction.kl_exact, CASES["trajectory"].setting.at(query="fresh")),
            name="exact.trajectory",
            headline=True,
        ),
        compare(
            inside,
            "kl_leading",
            doubled,
            "E KL lies between (1 - rare_share) and 1 times it",
            name="leading_order",
            predicted=middle,
            allowed_bias=evaluated(half_width, inside.setting),
            coarse=FEW,
        ),
        *_limits(doubled),
        compare(
            below,
            "kl_leading",
            doubled,
            "below samples_trusted it overestimates E KL",
            name="small_samples",
            expected="disagrees",
            headline=True,
        ),
    ]


def _limits(doubled: Control) -> list[Claim]:
    deep, mild = LIMITED["deep"], LIMITED["mild"]
    order, log_doubled = "the order 1/N, where all samples are effective", wrong(doubled.description, log_twice_leading)
    fresh = wrong("KL(p_t || p^_t)", prediction.kl_asymptotic, deep.setting.at(query="fresh"))
    return [
        compare(deep, "kl_asymptotic", fresh, LIMIT, bias=1e-3),
        compare(mild, "kl_leading", doubled, order, bias=0.0015),
        compare(mild, "log_kl_leading", log_doubled, order, measured=log_of_kl, allowed_bias=0.0015),
    ]


def _girsanov() -> Claim:
    setting = ROUTES.setting
    return Claim(
        name="kl_bound.girsanov",
        statement=f"KL falls by the integral of E|s - s^|^2/2 from t = {setting.t[0]:g} to {LAST:g}, for {told(setting)}",
        observable="difference of the two routes",
        coordinates={"time": setting.times[0]},
        experiments=(ROUTES.experiment,),
        measured=Picked("difference"),
        predicted=0.0,
        control=Control("the factor 1/2 before the integral left out", "by_scores"),
        allowed_bias=1e-6,  # of the quadrature
        coarse="nothing is predicted, and of nothing there is no part",
    )


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return []


def figures(done: Done) -> list[Figure]:
    """E KL against t with the range of the leading order, and its ratio to it."""
    with draw.style():
        figure, axes = draw.canvas(2)
        t = np.geomspace(0.04, 6, 60)
        for k, name in enumerate(("range", "small")):
            setting = CASES[name].setting
            m = done[CASES[name].experiment.name]["kl"]
            fine = setting.at(times=t)
            leading = prediction.kl_leading(fine)
            draw.theory(axes[0], t, leading, f"leading order, {setting.manifold}, $N$ = {setting.samples}", series=k)
            draw.measured(axes[0], setting.times, m.mean, m.sem, "simulation" if k == 0 else None, series=k)
            at_points = prediction.kl_leading(setting)
            exact = done[evaluated(prediction.kl_exact, setting).name]
            for axis, values in zip(axes, (exact, exact / at_points), strict=True):
                axis.plot(setting.times, values, color=draw.COLOURS[k], lw=0.7, label="exact" if k == 0 else None)
            draw.measured(axes[1], setting.times, m.mean / at_points, m.sem / at_points, None, series=k)
            draw.theory(axes[1], t, 1 - prediction.rare_share(fine), "1 - rare share", series=k)
        draw.control(axes[0], t, twice_leading(CASES["range"].setting.at(times=t)), "control, factor 2")
        draw.control(axes[1], t, np.full_like(t, 2), None)
        axes[1].axhline(1, color="0.85", zorder=0)
        for axis in axes:
            draw.logarithmic(axis)
        axes[0].set(yscale="log", xlabel="noise variance $t$", ylabel=r"$E\,KL(p_t \| \hat{p}_t)$ (nats)")
        axes[1].set(xlabel="noise variance $t$", ylabel="relative to the leading order", ylim=(0, 2.1))
        draw.legend(axes[0], columns=1)
        draw.legend(axes[1], columns=1)
    caption = (
        "Left: mean divergence of the noised samples from the noised distribution against the noise variance $t$ (data units "
        "squared): leading order, exact (thin) and simulation. Right: the same relative to the leading order $(X-1)/2N$; the "
        "truth lies between 1 and the line, one minus the share of the average carried by points with fewer than ten effective "
        "samples. Error bars: one standard error over data sets."
    )
    return [Figure("kl_bound", caption, figure)]
