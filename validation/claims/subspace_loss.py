"""Claims of subspace_loss: loss times are exact, annealed and typical ones bracket them, the published are far off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import subspace_loss as experiment
from numerics.measurement import Measurement
from theory.predictions import condensation, kl_bound
from theory.predictions import subspace_loss as prediction
from theory.setting import Setting
from validation.claim import Claim, Done, Picked, Quantity
from validation.comparison import BRACKET, DEEP, LIMIT, MILD, cases, compare, evaluated, off, wrong
from validation.job import Evaluation, Results
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AUTHORS", "claims", "curves", "figures"]

Array = NDArray[np.float64]
SPEC = "1.0x2,0.1x2"
AUTHORS = Setting.of("1.0x2,0.09x5,0.0001x23", samples=1000, times=np.array([0.005, 0.01, 0.02, 0.05, 0.13]))
CASES = cases(
    prediction,
    experiment.measure,
    {
        "loss300": (1500, Setting.of(SPEC, samples=300, times=np.geomspace(0.03, 0.25, 10))),
        "loss3000": (1000, Setting.of(SPEC, samples=3000, times=np.geomspace(0.015, 0.1, 9))),
        "large": (3000, Setting.of(SPEC, samples=1000, times=[2.0, 4.0, 8.0])),
        "trajectory": (2800, Setting.of(SPEC, samples=300, times=[0.1, 0.3, 1.0], query="trajectory")),
    },
)
LOSSES = {300: CASES["loss300"], 3000: CASES["loss3000"]}
LIMITED = cases(
    prediction,
    experiment.measure,
    {
        "deep": (150, DEEP.at(times=[0.1, 1.0], query="trajectory")),
        "mild": (1400, MILD),
        "many": (120, Setting.of("1.0x3000", samples=100, times=[1.8, 1.9, 1.97, 2.1])),
    },
)
PUBLISHED = cases(prediction, experiment.measure_participation, {"authors": (1000, AUTHORS)})["authors"]
FEW = np.geomspace(0.003, 0.5, 100)[::4]


def middle(setting: Setting) -> Array:
    """Of typical and annealed time."""
    return (prediction.loss_time_typical(setting) + prediction.loss_time_annealed(setting)) / 2


def half_width(setting: Setting) -> Array:
    """Half of what lies between them."""
    return (prediction.loss_time_annealed(setting) - prediction.loss_time_typical(setting)) / 2


def critical_samples(results: Results) -> Measurement:
    """N over the signal-to-noise ratio: the N that would do, where noise falls as 1/N."""
    return results["signal_to_noise"].through(lambda v: MILD.samples / v, lambda v: MILD.samples / v**2)


def log_critical_samples(results: Results) -> Measurement:
    """Its logarithm."""
    return critical_samples(results).through(np.log, lambda v: 1 / v)


def annealed_ratio(setting: Setting) -> Array:
    """N / N_k(t), annealed."""
    return setting.samples / prediction.critical_samples_annealed(setting)


def typical_ratio(setting: Setting) -> Array:
    """N / N_k(t), typical."""
    return setting.samples / prediction.critical_samples_typical(setting)


def next_order(setting: Setting) -> Array:
    """What rare points take from the annealed ratio, and the next order."""
    return annealed_ratio(setting) * (kl_bound.rare_share(setting) + 0.01)[:, None]


def published_participation(setting: Setting) -> Array:
    """Y2 = 1 - t/t_i of the published model at x = sqrt(t) e_i, 0 above t_i, shape (T, K)."""
    return np.maximum(1 - setting.times[:, None] / prediction.loss_time_published(setting), 0)


def participation(setting: Setting) -> Array:
    """E Y2 at x = sqrt(t) e_i, shape (T, K)."""
    axes = np.eye(setting.manifold.intrinsic_dimension)[[part.start for part in setting.manifold.slices]]
    at = [[setting.at(times=np.array([s]), point=tuple(np.sqrt(s) * axis)) for axis in axes] for s in setting.times]
    return np.array([[condensation.participation(one)[0] for one in row] for row in at])


def claims() -> list[Claim]:
    """Exact, bracketing and published times at two sizes, signals to noise, and the authors' own setting."""
    trajectory, large = CASES["trajectory"], CASES["large"]
    return [
        *(_exact(N) for N in LOSSES),
        compare(
            trajectory,
            "signal_to_noise",
            wrong("fresh points", prediction.signal_to_noise, trajectory.setting.at(query="fresh")),
            name="trajectory",
        ),
        *(_bracket(N) for N in LOSSES),
        *(_published(N) for N in LOSSES),
        compare(
            large,
            "signal_to_noise",
            wrong("annealed replaced by typical", typical_ratio),
            "N / N_k(t), annealed, where the leading order holds",
            name="critical_samples",
            predicted=annealed_ratio,
            allowed_bias=evaluated(next_order, large.setting),
            coarse="noise along few directions scatters from data set to data set",
        ),
        *_limits(),
        *_authors(),
    ]


def _limits() -> list[Claim]:
    deep, mild, many = (LIMITED[name] for name in ("deep", "mild", "many"))
    order, annealed = "the order 1/N, where all samples are effective", wrong("annealed", prediction.loss_time_annealed)
    fresh = wrong("fresh points", prediction.signal_to_noise_asymptotic, deep.setting.at(query="fresh"))
    found = [
        compare(deep, "signal_to_noise_asymptotic", fresh, LIMIT, bias=1e-3),
        compare(many, "loss_time_asymptotic", annealed, LIMIT, bias=0.0135),
    ]
    for kind, bias in (("annealed", 0.0035), ("typical", 0.009)):
        N, log_N = f"critical_samples_{kind}", f"log_critical_samples_{kind}"
        wrong_N, wrong_log = (off(1.2, getattr(prediction, name), mild.setting) for name in (N, log_N))
        found += [
            compare(mild, N, wrong_N, order, measured=critical_samples, bias=bias),
            compare(mild, log_N, wrong_log, order, measured=log_critical_samples, allowed_bias=bias),
        ]
    return found


def _exact(N: int) -> Claim:
    return compare(
        LOSSES[N],
        "loss_time_exact",
        wrong("annealed times", prediction.loss_time_annealed),
        name=f"exact.{N}",
        bias=3e-4,  # of the interpolation between times a quarter of an e-fold apart, and of the evaluation
    )


def _bracket(N: int) -> Claim:
    found = compare(
        LOSSES[N],
        "loss_time_annealed",
        wrong("published times, Gaussian random energy model", prediction.loss_time_published),
        "subspaces are lost between the typical and the annealed time",
        name=f"bracket.{N}",
        predicted=middle,
        allowed_bias=evaluated(half_width, LOSSES[N].setting),
        coarse=BRACKET,
    )
    return replace(found, observable="loss_time_typical .. loss_time_annealed")


def _published(N: int) -> Claim:
    sphere = LOSSES[N].setting.at(ensemble="sphere")
    return compare(
        LOSSES[N],
        "loss_time_published",
        wrong("published times of the sphere ensemble", prediction.loss_time_published, sphere),
        "the published times are not where the score is lost",
        name=f"published.{N}",
        expected="disagrees",
        headline=N == 300,
    )


def _authors() -> list[Claim]:
    sphere, published = AUTHORS.at(ensemble="sphere"), evaluated(published_participation, AUTHORS)
    model = Claim(
        name="subspace_loss.authors_setting",
        statement="the published model has the weights at x = sqrt(t) e_i condensed, Y2 = 1 - t/t_i, where many samples share "
        f"them still ({AUTHORS.manifold}, N = 1000)",
        observable="participation",
        coordinates={"time": AUTHORS.times[:, None], "subspace": np.arange(3)},
        experiments=(PUBLISHED.experiment,),
        measured=Picked("participation"),
        predicted=published,
        control=wrong("published times of the sphere ensemble", published_participation, sphere),
        expected="disagrees",
    )
    exact: Quantity = evaluated(participation, AUTHORS)
    return [
        model,
        replace(
            model,
            name="subspace_loss.authors_exact",
            statement=f"the participation ratio at these points is exact ({AUTHORS.manifold}, N = 1000)",
            predicted=exact,
            control=wrong("published model", published_participation, AUTHORS),
            expected="agrees",
            headline=True,
        ),
    ]


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [_few()]


def _few() -> Evaluation:
    return evaluated(participation, AUTHORS.at(times=FEW))


def figures(done: Done) -> list[Figure]:
    """Loss times against N, the authors' setting, and the phase diagram."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _loss_panel(axes[0], done)
        _authors_panel(axes[1], done)
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


def _loss_panel(axis: Axes, done: Done) -> None:
    N = np.geomspace(100, 10_000, 25)
    settings = [LOSSES[300].setting.at(samples=round(n)) for n in N]
    typical, annealed, published = (
        np.array([f(s) for s in settings])
        for f in (prediction.loss_time_typical, prediction.loss_time_annealed, prediction.loss_time_published)
    )
    found = [Picked("loss_time")(done[at.experiment.name]) for at in LOSSES.values()]
    exact = np.array([done[evaluated(prediction.loss_time_exact, at.setting).name] for at in LOSSES.values()])
    for k, name in enumerate(("high", "low")):
        axis.fill_between(N, typical[:, k], annealed[:, k], color=draw.COLOURS[k + 1], alpha=0.2, lw=0)
        draw.theory(axis, list(LOSSES), exact[:, k], f"{name} variance", series=k + 1)
        draw.control(axis, N, published[:, k], "published times" if k == 0 else None)
        mean, sem = ([getattr(m, what)[k] for m in found] for what in ("mean", "sem"))
        draw.measured(axis, list(LOSSES), mean, sem, "simulation" if k == 0 else None, series=k + 1)
    axis.set(xscale="log", yscale="log", xlabel="samples $N$", ylabel="loss time $t_k$", ylim=(0.008, 3))
    draw.legend(axis, columns=1)


def _authors_panel(axis: Axes, done: Done) -> None:
    many = AUTHORS.at(times=np.geomspace(0.003, 0.5, 100))
    published, exact = published_participation(many), done[_few().name]
    m: Measurement = done[PUBLISHED.experiment.name]["participation"]
    for k, deviation in enumerate(np.sqrt(AUTHORS.manifold.variances)):
        draw.measured(axis, AUTHORS.times, m.mean[:, k], m.sem[:, k], f"std {deviation:g}", series=k)
        draw.theory(axis, FEW, exact[:, k], series=k)
        draw.control(axis, many.times, published[:, k], "published model" if k == 0 else None)
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
