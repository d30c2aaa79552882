"""Claims of kl_bound: Girsanov holds with equality, the exact value everywhere, the leading order in its range alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from numerics.experiments import kl_bound as experiment
from theory.predictions import kl_bound as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures", "prepare"]

RANGE = Setting.of("1.0x2,0.3x1", samples=1000, times=np.array([0.5, 1.0, 2.0, 4.0]))
SMALL = Setting.of("1.0x1,0.3x1", samples=2000, times=np.array([0.05, 0.1]))  # far below samples_trusted
OWN = Setting.of("1.0x5", samples=100, times=np.array([0.05, 0.3, 1.0, 3.0]), query="trajectory")
ROUTES = Setting.of("1.0x1,0.3x1", samples=50, times=np.array([0.5]))
LAST = 20.0

MEASURED = {
    "range": Experiment("kl_bound.range", experiment.measure, {"setting": RANGE}, 800),
    "small": Experiment("kl_bound.small", experiment.measure, {"setting": SMALL}, 800),
    "trajectory": Experiment("kl_bound.trajectory", experiment.measure, {"setting": OWN}, 600),
    "routes": Experiment("kl_bound.routes", experiment.measure_routes, {"setting": ROUTES, "last": LAST}, 600),
}
FACTOR_2 = "the factor 2 of (X - 1)/2N left out"


def claims() -> list[Claim]:
    """Girsanov's equality, the exact value, the leading order in and out of its range."""
    return [
        _girsanov(),
        _exact("range", RANGE, Control(FACTOR_2, lambda _: 2 * prediction.kl_leading(RANGE))),
        _exact("small", SMALL, Control("the leading order", lambda _: prediction.kl_leading(SMALL))),
        _exact("trajectory", OWN, Control("KL(p_t || p^_t)", lambda _: prediction.kl_exact(OWN.at(query="fresh")))),
        _range(),
        _small(),
    ]


def _exact(name: str, setting: Setting, control: Control) -> Claim:
    return Claim(
        name=f"kl_bound.exact.{name}",
        statement=f"E {_divergence(setting)}, exact at finite N and D ({setting.manifold}, N = {setting.samples})",
        observable="kl_exact",
        coordinates={"time": setting.times},
        experiment=MEASURED[name],
        measured=lambda r: r["kl"],
        predict=lambda: prediction.kl_exact(setting),
        control=control,
    )


def _divergence(setting: Setting) -> str:
    return "KL(p_t || p^_t)" if setting.query == "fresh" else "KL(p^_t || p_t)"


def prepare() -> None:
    """Compute the exact values, which takes seconds, while the experiments run."""
    for setting in (RANGE, SMALL, OWN):
        prediction.kl_exact(setting)


def _girsanov() -> Claim:
    return Claim(
        name="kl_bound.girsanov",
        statement=f"KL at t = 0.5 minus KL at t = {LAST:g} is the integral of E|s - s^|^2/2 between ({ROUTES.manifold}, N = 50)",
        observable="difference of the two routes",
        coordinates={"time": ROUTES.times[0]},
        experiment=MEASURED["routes"],
        measured=lambda r: r["difference"],
        predict=lambda: 0.0,
        control=Control("the factor 1/2 before the integral left out", lambda r: r["by_scores"].mean),
        allowed_bias=lambda: 1e-6,  # of the quadrature
    )


def _range() -> Claim:
    def share() -> np.ndarray:
        return prediction.rare_share(RANGE) * prediction.kl_leading(RANGE)

    return Claim(
        name="kl_bound.leading_order",
        statement=f"E KL lies between (1 - rare_share) and 1 times (X - 1)/2N ({RANGE.manifold}, N = {RANGE.samples})",
        observable="kl_leading",
        coordinates={"time": RANGE.times},
        experiment=MEASURED["range"],
        measured=lambda r: r["kl"],
        predict=lambda: prediction.kl_leading(RANGE) - share() / 2,
        control=Control(FACTOR_2, lambda _: 2 * prediction.kl_leading(RANGE)),
        # half the interval, and the next order of the log at points with ten effective samples or more
        allowed_bias=lambda: share() / 2 + 0.02 * prediction.kl_leading(RANGE),
    )


def _small() -> Claim:
    return Claim(
        name="kl_bound.small_samples",
        statement=f"below samples_trusted the leading order overestimates E KL ({SMALL.manifold}, N = {SMALL.samples})",
        observable="kl_leading",
        coordinates={"time": SMALL.times},
        experiment=MEASURED["small"],
        measured=lambda r: r["kl"],
        predict=lambda: prediction.kl_leading(SMALL),
        control=Control(FACTOR_2, lambda _: 2 * prediction.kl_leading(SMALL)),
        expected="disagrees",
    )


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """E KL against t with the range of the leading order, and its ratio to it."""
    with draw.style():
        figure, axes = draw.canvas(2)
        t = np.geomspace(0.04, 6, 60)
        for k, (name, setting) in enumerate((("range", RANGE), ("small", SMALL))):
            m = results[MEASURED[name].name]["kl"]
            fine = setting.at(times=t)
            leading = prediction.kl_leading(fine)
            draw.theory(axes[0], t, leading, f"leading order, {setting.manifold}, $N$ = {setting.samples}", series=k)
            draw.measured(axes[0], setting.times, m.mean, m.sem, "simulation" if k == 0 else None, series=k)
            at_points = prediction.kl_leading(setting)
            exact = prediction.kl_exact(setting)
            for axis, values in zip(axes, (exact, exact / at_points), strict=True):
                axis.plot(setting.times, values, color=draw.COLOURS[k], lw=0.7, label="exact" if k == 0 else None)
            draw.measured(axes[1], setting.times, m.mean / at_points, m.sem / at_points, None, series=k)
            draw.theory(axes[1], t, 1 - prediction.rare_share(fine), "1 - rare share", series=k)
        draw.control(axes[0], t, 2 * prediction.kl_leading(RANGE.at(times=t)), "control, factor 2")
        draw.control(axes[1], t, np.full_like(t, 2), None)
        axes[1].axhline(1, color="0.85", zorder=0)
        for axis in axes:
            draw.logarithmic(axis)
        axes[0].set(
            yscale="log",
            xlabel="noise variance $t$",
            ylabel=r"$E\,KL(p_t \| \hat{p}_t)$ (nats)",
        )
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
