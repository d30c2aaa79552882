"""Claims of generalization_time: divergence and minimum are exact; the limit, below collapse, is far off at few directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from matplotlib.axes import Axes

from numerics.experiments import generalization_time as experiment
from theory.predictions import collapse
from theory.predictions import generalization_time as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.claims.collapse import scaled
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures", "prepare"]

CASES = {
    "few": Setting.of("1.0x4", samples=100, times=np.geomspace(0.08, 1.6, 9)),
    "two_subspaces": Setting.of("1.0x2,0.1x3", samples=300, times=np.geomspace(0.035, 0.2, 9)),
    "many": Setting.of("1.0x20", samples=1000, times=np.geomspace(0.25, 2.5, 9)),
    "wide": Setting.of("1.0x60", samples=20_000, times=np.geomspace(0.4, 3, 9)),
}
REPEATS = {"few": 500, "two_subspaces": 300, "many": 120, "wide": 20}
EXPERIMENTS = {
    name: Experiment(f"generalization_time.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}
RATES = np.linspace(0.2, 1, 9)  # log N / d, of the figure
DIRECTIONS = (4, 10, 40)


def claims() -> list[Claim]:
    """Divergence and time in every case, and the limit of the time in one."""
    return [claim for name in CASES for claim in (_divergence(name), _time(name))] + [_limit("many")]


def _divergence(name: str) -> Claim:
    setting = CASES[name]
    return Claim(
        name=f"generalization_time.{name}.kl_clean",
        statement=f"KL(p_0 || p^_t) of {setting.manifold}, N = {setting.samples}: exact at finite N and D",
        observable="kl_clean",
        coordinates={"time": setting.times},
        experiment=EXPERIMENTS[name],
        measured=lambda results: results["kl_clean"],
        predict=lambda: prediction.kl_clean(setting),
        control=Control("thermodynamic limit", lambda _: prediction.kl_clean_asymptotic(setting)),
    )


def _time(name: str) -> Claim:
    setting = CASES[name]
    return Claim(
        name=f"generalization_time.{name}.generalization_time",
        statement=f"the divergence of {setting.manifold}, N = {setting.samples}, is least at the exact time",
        observable="generalization_time",
        coordinates={},
        experiment=EXPERIMENTS[name],
        measured=lambda results: results["generalization_time"],
        predict=lambda: _exact(name),
        control=Control("collapse time", lambda _: collapse.collapse_time(setting)),
        allowed_bias=lambda: 4e-4 * _exact(name),  # of the spline through nine times
    )


def _limit(name: str) -> Claim:
    setting = CASES[name]
    return Claim(
        name=f"generalization_time.{name}.generalization_time_asymptotic",
        statement=f"the limit of the generalization time of {setting.manifold}, N = {setting.samples}, is off at this size",
        observable="generalization_time_asymptotic",
        coordinates={},
        experiment=EXPERIMENTS[name],
        measured=lambda results: results["generalization_time"],
        predict=lambda: prediction.generalization_time_asymptotic(setting),
        control=Control(
            "lambda off by 20 %", lambda _: prediction.generalization_time_asymptotic(scaled(setting, 0.8))
        ),
        expected="disagrees",
    )


@cache
def _exact(name: str) -> float:
    return prediction.generalization_time(CASES[name])


@cache
def _over_collapse(d: int, evaluate: Callable[[Setting], float]) -> tuple[np.ndarray, np.ndarray]:
    """log N / d, and the generalization time over the collapse time there, of d directions."""
    settings = [Setting.of(f"1.0x{d}", samples=round(np.exp(rate * d))) for rate in RATES]
    rates = np.array([s.log_samples for s in settings]) / d
    return rates, np.array([evaluate(s) / collapse.collapse_time(s) for s in settings])


def prepare() -> None:
    """Compute what takes seconds while the experiments run."""
    for name in CASES:
        _exact(name)
        prediction.kl_clean(_fine(name))
    for d in DIRECTIONS:
        _over_collapse(d, prediction.generalization_time)


@cache
def _fine(name: str) -> Setting:
    """The case at times to draw a line through, those of the simulation among them."""
    times = CASES[name].times
    return CASES[name].at(times=np.union1d(times, draw.between(times, 8, 1.3)))


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """The divergence against t in every case, and the four times over the number of directions."""
    with draw.style():
        figure, axes = draw.canvas(len(CASES) + 1, width=2.9)
        for axis, name in zip(axes, CASES, strict=False):
            _panel(axis, name, results[EXPERIMENTS[name].name])
        axes[0].set_ylabel(r"$E\,\mathrm{KL}(p_0 \| \hat p_t)$ (nats)")
        axes[0].legend(loc="upper right")
        _order_panel(axes[-1])
    caption = (
        "Divergence of the noised samples from the clean distribution, on the manifold, against the noise variance $t$ (data "
        "units squared): exact at finite $N$ and $D$, simulation, and the thermodynamic limit, dashed. Error bars: one standard "
        "error over data sets. Grey line: the collapse time; dotted: the exact minimum. Right: the time where the divergence is "
        "least over the collapse time, against the samples by direction: in the limit the best estimate is a memorized one at "
        "every rate, with few directions it is not."
    )
    return [Figure("generalization_time", caption, figure)]


def _panel(axis: Axes, name: str, results: Results) -> None:
    setting, fine, m = CASES[name], _fine(name), results["kl_clean"]
    many = fine.at(times=np.geomspace(fine.times[0], fine.times[-1], 200))
    draw.control(axis, many.times, prediction.kl_clean_asymptotic(many), "limit")
    draw.theory(axis, fine.times, prediction.kl_clean(fine), "exact")
    draw.measured(axis, setting.times, m.mean, m.sem, "simulation", series=1)
    axis.axvline(collapse.collapse_time(setting), color="0.8", zorder=0)
    axis.axvline(_exact(name), color="C0", lw=0.8, linestyle=":")
    axis.set_title(f"{setting.manifold}, $N$ = {setting.samples}")
    axis.set(xlabel="noise variance $t$", ylim=(0, None))
    draw.logarithmic(axis)


def _order_panel(axis: Axes) -> None:
    for series, d in enumerate(DIRECTIONS):
        draw.theory(axis, *_over_collapse(d, prediction.generalization_time), f"exact, $d$ = {d}", series=series)
    many = 40  # in the limit the ratio depends on log N / d alone
    draw.control(axis, *_over_collapse(many, prediction.generalization_time_asymptotic), "limit")
    axis.axhline(1, color="0.8", zorder=0)
    axis.set(xlabel=r"rate $\log N / d$", ylabel="$t_g / t_C$", ylim=(0, None))
    axis.legend(loc="upper left")
