"""Claims of subspace_loss: loss times are exact, annealed and typical ones bracket them, the published are far off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from numerics.experiments import subspace_loss as experiment
from numerics.measurement import Measurement
from theory.predictions import condensation, kl_bound
from theory.predictions import subspace_loss as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures", "prepare"]

Array = NDArray[np.float64]
SPEC = "1.0x2,0.1x2"
GRIDS = {300: np.geomspace(0.03, 0.25, 10), 3000: np.geomspace(0.015, 0.1, 9)}
LOSSES = {N: Setting.of(SPEC, samples=N, times=times) for N, times in GRIDS.items()}
LARGE = Setting.of(SPEC, samples=1000, times=np.array([2.0, 4.0, 8.0]))
OWN = Setting.of(SPEC, samples=300, times=np.array([0.03, 0.1, 0.3, 1.0]), query="trajectory")
AUTHORS = Setting.of("1.0x2,0.09x5,0.0001x23", samples=1000, times=np.array([0.005, 0.01, 0.02, 0.05, 0.13]))


def _published_participation(setting: Setting, t: Array) -> Array:
    """Y2 = 1 - t/t_i of the published model at x = sqrt(t) e_i, 0 above t_i, shape (T, K)."""
    return np.maximum(1 - t[:, None] / prediction.loss_time_published(setting), 0)


def experiments() -> dict[str, Experiment]:
    """Everything measured here."""
    return {
        **{
            f"loss{N}": Experiment(
                f"subspace_loss.loss{N}", experiment.measure, {"setting": s}, 240 if N == 300 else 80
            )
            for N, s in LOSSES.items()
        },
        "large": Experiment("subspace_loss.large", experiment.measure, {"setting": LARGE}, 600),
        "trajectory": Experiment("subspace_loss.trajectory", experiment.measure, {"setting": OWN}, 400),
        "authors": Experiment(
            "subspace_loss.authors",
            experiment.measure_participation,
            {"setting": AUTHORS},
            200,
        ),
    }


def claims() -> list[Claim]:
    """Exact, bracketing and published times at two sizes, signals to noise, and the authors' own setting."""
    return [
        *(_exact(N) for N in LOSSES),
        _trajectory(),
        *(_bracket(N) for N in LOSSES),
        *(_published(N) for N in LOSSES),
        _signal_to_noise(),
        _authors(),
        _authors_exact(),
    ]


@cache
def _loss_time(N: int) -> Array:
    """The exact loss times, which take seconds."""
    return prediction.loss_time_exact(LOSSES[300].at(samples=N))


def prepare() -> None:
    """Compute the exact loss times and ratios while the experiments run."""
    for N in LOSSES:
        _loss_time(N)
    for query in ("trajectory", "fresh"):
        prediction.signal_to_noise(OWN.at(query=query))


def _exact(N: int) -> Claim:
    return Claim(
        name=f"subspace_loss.exact.{N}",
        statement=f"subspaces are lost at the exact times ({SPEC}, N = {N})",
        observable="loss_time_exact",
        coordinates={"subspace": np.arange(2)},
        experiment=experiments()[f"loss{N}"],
        measured=lambda r: r["loss_time"],
        predict=lambda: _loss_time(N),
        control=Control("annealed times", lambda _: prediction.loss_time_annealed(LOSSES[N])),
        # of the interpolation between times a quarter of an e-fold apart, and of the evaluation
        allowed_bias=lambda: 3e-4 * _loss_time(N),
    )


def _trajectory() -> Claim:
    return Claim(
        name="subspace_loss.trajectory",
        statement=f"signal to noise on trajectories is exact ({SPEC}, N = {OWN.samples})",
        observable="signal_to_noise",
        coordinates={"time": OWN.times[:, None], "subspace": np.arange(2)},
        experiment=experiments()["trajectory"],
        measured=lambda r: r["signal_to_noise"],
        predict=lambda: prediction.signal_to_noise(OWN),
        control=Control("fresh points", lambda _: prediction.signal_to_noise(OWN.at(query="fresh"))),
    )


def _bracket(N: int) -> Claim:
    def ends() -> tuple[Array, Array]:
        return prediction.loss_time_typical(LOSSES[N]), prediction.loss_time_annealed(LOSSES[N])

    return Claim(
        name=f"subspace_loss.bracket.{N}",
        statement=f"subspaces are lost between the typical and the annealed time ({SPEC}, N = {N})",
        observable="loss_time_typical .. loss_time_annealed",
        coordinates={"subspace": np.arange(2)},
        experiment=experiments()[f"loss{N}"],
        measured=lambda r: r["loss_time"],
        predict=lambda: (ends()[0] + ends()[1]) / 2,
        control=Control(
            "published times, Gaussian random energy model",
            lambda _: prediction.loss_time_published(LOSSES[N]),
        ),
        allowed_bias=lambda: (ends()[1] - ends()[0]) / 2,
    )


def _published(N: int) -> Claim:
    sphere = LOSSES[N].at(ensemble="sphere")
    return Claim(
        name=f"subspace_loss.published.{N}",
        statement=f"the published times are not where the score is lost ({SPEC}, N = {N})",
        observable="loss_time_published",
        coordinates={"subspace": np.arange(2)},
        experiment=experiments()[f"loss{N}"],
        measured=lambda r: r["loss_time"],
        predict=lambda: prediction.loss_time_published(LOSSES[N]),
        control=Control("published times of the sphere ensemble", lambda _: prediction.loss_time_published(sphere)),
        expected="disagrees",
    )


def _signal_to_noise() -> Claim:
    def evaluate(critical: Array) -> Array:
        return LARGE.samples / critical

    return Claim(
        name="subspace_loss.critical_samples",
        statement=f"SNR_k = N / N_k(t), annealed, where the leading order holds ({SPEC}, N = {LARGE.samples})",
        observable="signal_to_noise",
        coordinates={"time": LARGE.times[:, None], "subspace": np.arange(2)},
        experiment=experiments()["large"],
        measured=lambda r: r["signal_to_noise"],
        predict=lambda: evaluate(prediction.critical_samples_annealed(LARGE)),
        control=Control("annealed replaced by typical", lambda _: evaluate(prediction.critical_samples_typical(LARGE))),
        allowed_bias=lambda: (
            evaluate(prediction.critical_samples_annealed(LARGE)) * (kl_bound.rare_share(LARGE) + 0.01)[:, None]
        ),
    )


def _authors() -> Claim:
    times, sphere = AUTHORS.times, AUTHORS.at(ensemble="sphere")
    return Claim(
        name="subspace_loss.authors_setting",
        statement="the published model has the weights at x = sqrt(t) e_i condensed, Y2 = 1 - t/t_i, where many samples share "
        f"them still ({AUTHORS.manifold}, N = 1000)",
        observable="participation",
        coordinates={"time": times[:, None], "subspace": np.arange(3)},
        experiment=experiments()["authors"],
        measured=lambda r: r["participation"],
        predict=lambda: _published_participation(AUTHORS, times),
        control=Control("published times of the sphere ensemble", lambda _: _published_participation(sphere, times)),
        expected="disagrees",
    )


def _authors_exact() -> Claim:
    times = AUTHORS.times
    return Claim(
        name="subspace_loss.authors_exact",
        statement=f"the participation ratio at these points is exact ({AUTHORS.manifold}, N = 1000)",
        observable="participation",
        coordinates={"time": times[:, None], "subspace": np.arange(3)},
        experiment=experiments()["authors"],
        measured=lambda r: r["participation"],
        predict=lambda: _participation(times),
        control=Control("published model", lambda _: _published_participation(AUTHORS, times)),
    )


def _participation(t: Array) -> Array:
    """E Y2 at x = sqrt(t) e_i of the authors' setting, shape (T, K)."""
    axes = np.eye(AUTHORS.manifold.intrinsic_dimension)[[part.start for part in AUTHORS.manifold.slices]]
    at = [[AUTHORS.at(times=np.array([s]), point=tuple(np.sqrt(s) * axis)) for axis in axes] for s in t]
    return np.array([[condensation.participation(one)[0] for one in row] for row in at])


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """Loss times against N, the authors' setting, and the phase diagram."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _loss_panel(axes[0], results)
        _authors_panel(axes[1], results["subspace_loss.authors"]["participation"])
        _phase_panel(axes[2])
    caption = (
        f"Left: loss times of the two subspaces of {SPEC} (noise variance, data units squared) against the samples $N$; the band "
        "runs from the typical to the annealed time, the line in it is exact. Middle: participation ratio at "
        "$x = \\sqrt{t}\\,e_i$ in the setting of arXiv:2410.08727 ($N = 1000$, standard deviations 1, 0.3, 0.01 in 2, 5, 23 "
        "directions); lines: exact; dashed: the published model, $1 - t/t_i$. Error bars: one standard error over data sets. "
        "Right: which subspaces of variance $1$ and $r$, two directions each, the score has lost at $t = 0.1$, by variance "
        "ratio $r$ and $N$ (annealed lines, typical dotted): the one of high variance always goes first."
    )
    return [Figure("subspace_loss", caption, figure)]


def _loss_panel(axis: Axes, results: Mapping[str, Results]) -> None:
    N = np.geomspace(100, 10_000, 25)
    settings = [LOSSES[300].at(samples=round(n)) for n in N]
    typical, annealed, published = (
        np.array([f(s) for s in settings])
        for f in (prediction.loss_time_typical, prediction.loss_time_annealed, prediction.loss_time_published)
    )
    for k, name in enumerate(("high", "low")):
        axis.fill_between(N, typical[:, k], annealed[:, k], color=draw.COLOURS[k + 1], alpha=0.2, lw=0)
        exact = [_loss_time(n)[k] for n in LOSSES]
        draw.theory(axis, list(LOSSES), exact, f"{name} variance", series=k + 1)
        draw.control(axis, N, published[:, k], "published times" if k == 0 else None)
        found = [results[f"subspace_loss.loss{n}"]["loss_time"] for n in LOSSES]
        draw.measured(
            axis,
            list(LOSSES),
            [m.mean[k] for m in found],
            [m.sem[k] for m in found],
            "simulation" if k == 0 else None,
            series=k + 1,
        )
    axis.set(xscale="log", yscale="log", xlabel="samples $N$", ylabel="loss time $t_k$", ylim=(0.008, 3))
    draw.legend(axis, columns=1)


def _authors_panel(axis: Axes, m: Measurement) -> None:
    t = np.geomspace(0.003, 0.5, 100)
    few = t[::4]
    exact = _participation(few)
    for k, deviation in enumerate(np.sqrt(AUTHORS.manifold.variances)):
        draw.measured(axis, AUTHORS.times, m.mean[:, k], m.sem[:, k], f"std {deviation:g}", series=k)
        draw.theory(axis, few, exact[:, k], series=k)
        published = _published_participation(AUTHORS, t)[:, k]
        draw.control(axis, t, published, "published model" if k == 0 else None)
    draw.logarithmic(axis)
    axis.set(xlabel="noise variance $t$", ylabel=r"$E\,Y_2$ at $\sqrt{t}\,e_i$", ylim=(0, 1.02))
    draw.legend(axis)


def _phase_panel(axis: Axes) -> None:
    ratio = np.geomspace(0.01, 1, 40)
    settings = [Setting.of([(1.0, 2), (r, 2)], times=np.array([0.1])) for r in ratio]
    annealed, typical = (
        np.array([f(s)[0] for s in settings])
        for f in (prediction.critical_samples_annealed, prediction.critical_samples_typical)
    )
    for k, label in enumerate(("high variance lost below", "low variance lost below")):
        draw.theory(axis, ratio, annealed[:, k], label, series=k)
        axis.plot(ratio, typical[:, k], color=draw.COLOURS[k], linestyle=":")
    axis.fill_between(ratio, annealed[:, 1], annealed[:, 0], color="0.9", lw=0, zorder=0)
    for r, N, text in ((0.02, 2e5, "nothing lost"), (0.012, 300, "high lost"), (0.1, 3, "both lost")):
        axis.text(r, N, text, fontsize=8, va="center")
    axis.set(xscale="log", yscale="log", xlabel="variance ratio $r$", ylabel="samples $N$", ylim=(1, 1e6))
    draw.legend(axis, columns=1)
