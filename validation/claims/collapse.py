"""Claims of collapse: the memorized probability is exact, the second-order formula is not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

import numpy as np

from numerics.experiments import collapse as experiment
from theory.predictions import collapse as prediction
from theory.setting import LinearManifold, Setting, Subspace
from validation.claim import Claim, Control, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure
from validation.statistics import Verdict

__all__ = ["claims", "figures", "prepare"]

CASES = {
    "isotropic": Setting.of("1.0x20", samples=1000, times=np.array([0.4, 0.9, 1.1, 1.7, 3.0])),
    "two_subspaces": Setting.of("1.0x4,0.2x6", samples=300, times=np.array([0.05, 0.1, 0.18, 0.22, 0.6])),
    "few": Setting.of("1.0x2,0.1x1", samples=4, times=np.array([0.1, 0.4, 1.0, 3.0])),
}
REPEATS = {"isotropic": 800, "two_subspaces": 800, "few": 2000}
EXPERIMENTS = {
    name: Experiment(f"collapse.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}


def scaled(setting: Setting, factor: float) -> Setting:
    """The setting with every variance multiplied by a factor: a wrong lambda."""
    parts = tuple(Subspace(s.variance * factor, s.dimension) for s in setting.manifold.subspaces)
    return setting.at(manifold=LinearManifold(parts, setting.manifold.ambient_dimension))


def claims() -> list[Claim]:
    """The claims, a few per case."""
    return [claim for name in CASES for claim in _of_case(name)]


def _of_case(name: str) -> list[Claim]:
    setting = CASES[name]
    exact = Control("lambda off by 10 %", lambda _: prediction.memorized_probability(scaled(setting, 1.1)))
    if name == "few":
        exact = Control("N impostors, not N - 1", lambda _: prediction.memorized_probability(setting.at(samples=5)))
    twice = Control("V = 2 I", lambda _: 2 * prediction.information(setting))
    made = partial(_claim, name, setting)
    hard = Control("the nearest sample has all the weight", lambda _: prediction.memorized_probability(setting))
    found = [
        made("memorized_probability", "exact at finite N and D", exact),
        made("own_weight", "exact at finite N and D", hard),
        made("dispersion", "the variance of the information density", twice),
    ]
    if name != "few":  # there log N is reached outside the times looked at, and queries are few
        found += [
            made("information", "the mean information density"),
            made("collapse_time", "where the measured information falls to log N", bias=0.004),  # of the interpolation
            made(
                "memorized_probability_asymptotic",
                "second order only: off at this N and D",
                expected="disagrees",
            ),
        ]
    return found


def _claim(
    name: str,
    setting: Setting,
    observable: str,
    statement: str,
    control: Control | None = None,
    *,
    bias: float = 0.0,
    expected: Verdict = "agrees",
) -> Claim:
    evaluate = getattr(prediction, observable)
    measured = observable.removesuffix("_asymptotic")
    return Claim(
        name=f"collapse.{name}.{observable}",
        statement=f"{observable} of {setting.manifold}, N = {setting.samples}: {statement}",
        observable=observable,
        coordinates={} if observable == "collapse_time" else {"time": setting.times},
        experiment=EXPERIMENTS[name],
        measured=lambda results: results[measured],
        predict=lambda: evaluate(setting),
        control=control or Control("lambda off by 5 %", lambda _: evaluate(scaled(setting, 1.05))),
        allowed_bias=lambda: bias * np.abs(evaluate(setting)) if bias else 0.0,
        expected=expected,
    )


def prepare() -> None:
    """Compute the curves of the figure, which takes seconds, while the experiments run."""
    for name, setting in CASES.items():
        _curve(name)
        prediction.own_weight(setting)


@cache
def _curve(name: str) -> tuple[Setting, np.ndarray]:
    """The case at times to draw a line through, and its exact memorized probability there."""
    times = CASES[name].times
    fine = CASES[name].at(times=draw.between(times, 11))
    return fine, prediction.memorized_probability(fine)


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """The memorized probability against t for every case, and the information it falls with."""
    with draw.style():
        figure, axes = draw.canvas(len(CASES))
        for axis, (name, setting) in zip(axes, CASES.items(), strict=True):
            fine, exact = _curve(name)
            t = fine.times
            draw.theory(axis, t, exact, "exact")
            draw.theory(axis, setting.times, prediction.own_weight(setting), "own weight, exact", series=3)
            draw.theory(axis, t, prediction.memorized_probability_asymptotic(fine), "second order", series=2)
            draw.control(axis, 1.1 * t, exact, r"control, $\lambda$ 10 % off")  # P depends on lambda/t alone
            m = results[EXPERIMENTS[name].name]["memorized_probability"]
            draw.measured(axis, setting.times, m.mean, m.sem, "simulation", series=1)
            m = results[EXPERIMENTS[name].name]["own_weight"]
            draw.measured(axis, setting.times, m.mean, m.sem, series=3)
            axis.axvline(prediction.collapse_time(setting), color="0.8", zorder=0)
            draw.logarithmic(axis)
            axis.set(
                xlabel=f"noise variance $t$; {setting.manifold}, $N$ = {setting.samples}",
                ylim=(0, 1.02),
            )
            draw.legend(axis)
        axes[0].set_ylabel("memorized probability")
    caption = (
        "Probability that the training sample nearest to $x^1 + \\sqrt{t}\\,\\xi$ is $x^1$ itself, against the noise variance "
        "$t$ (data units squared), for three linear manifolds (variance x dimension) and numbers of samples $N$; and the weight "
        "of $x^1$ under the denoiser, at the times of the simulation. Error bars: "
        "one standard error over data sets. Grey line: the collapse time, $I(t_C) = \\log N$."
    )
    return [Figure("collapse", caption, figure)]
