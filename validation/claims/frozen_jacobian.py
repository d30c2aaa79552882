"""Claims of frozen_jacobian: retained variance is exact at finite N and D, its limit is not there yet, one spectrum is not it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from numerics.experiments import frozen_jacobian as experiment
from numerics.measurement import Measurement
from theory.predictions import frozen_jacobian as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.claims.collapse import scaled
from validation.claims.condensation import where
from validation.claims.subspace_loss import AUTHORS
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures", "prepare"]

Array = NDArray[np.float64]
TYPICAL = (1.0, -1.0, *(0.3, -0.3) * 2, 0.3, *(0.01, -0.01) * 11, 0.01)  # one deviation from 0 in every direction
CASES = {
    "small": Setting.of("1.0x2", samples=10, times=np.array([0.05, 0.2, 0.8, 3.0])),
    "fresh": Setting.of("1.0x12,0.1x12", samples=1000, times=np.array([0.15, 0.5, 1.5])),
    "trajectory": Setting.of("1.0x12", samples=100, times=np.array([0.3, 0.7, 2.0]), query="trajectory"),
    "through_a_point": Setting.of(
        "1.0x4,0.1x4",
        samples=300,
        times=np.array([0.1, 0.3, 1.0]),
        query="trajectory",
        point=(1.0, -1.0, 1.0, -1.0, 0.3, -0.3, 0.3, -0.3),
    ),
    "at_a_point": AUTHORS.at(times=np.array([0.01, 0.1, 0.3]), point=TYPICAL),
    "authors": AUTHORS.at(times=np.array([0.01, 0.1])),
}
REPEATS = {"small": 1000, "fresh": 80, "trajectory": 400, "through_a_point": 2000, "at_a_point": 1200, "authors": 60}
EXPERIMENTS = {
    name: Experiment(f"frozen_jacobian.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}
SPECTRAL_TIMES = np.array([0.6, 0.3, 0.1, 0.01, 1e-5])
MANY, FROZEN = slice(3), 3  # times at which many data sets carry the mean, of which only t/t_c do; in the frozen phase
SPECTRA = {N: AUTHORS.at(samples=N, times=SPECTRAL_TIMES, point=TYPICAL) for N in (10, 1000, 20000)}
SHOWN = 12  # eigenvalues to draw, of 30
LOWEST = -5  # and down to where: with two samples equally near x there is one of -(distance)^2/4t, however small t is
SPECTRAL_REPEATS = {10: 2000, 1000: 400, 20000: 60}
SPECTRAL = {
    N: Experiment(f"frozen_jacobian.spectrum{N}", experiment.measure_spectrum, {"setting": s}, SPECTRAL_REPEATS[N])
    for N, s in SPECTRA.items()
}


def claims() -> list[Claim]:
    """The exact average in every case, its limit, the order of loss, and the spectrum at one x."""
    return [
        *(_retained(name) for name in CASES),
        _limit(),
        _order(),
        *(_dimension(N) for N in SPECTRA),
        *(_dimension_seen(N) for N in (1000, 20000)),
    ]


def _retained(name: str) -> Claim:
    setting = CASES[name]
    return Claim(
        name=f"frozen_jacobian.{name}.retained_variance",
        statement=f"retained_variance of {_told(setting)}: exact at finite N and D",
        observable="retained_variance",
        coordinates=_coordinates(setting),
        experiment=EXPERIMENTS[name],
        measured=lambda results: results["retained_variance"],
        predict=lambda: prediction.retained_variance(setting),
        control=Control("thermodynamic limit", lambda _: prediction.retained_variance_asymptotic(setting)),
    )


def _limit() -> Claim:
    """Not at the first time, where the limit is off by too little for a quick run."""
    setting = CASES["fresh"].at(times=CASES["fresh"].times[1:])
    off = Control("lambda off by 20 %", lambda _: prediction.retained_variance_asymptotic(scaled(setting, 1.2)))
    return Claim(
        name="frozen_jacobian.fresh.retained_variance_asymptotic",
        statement=f"retained_variance_asymptotic of {_told(setting)}: the limit is off at this N and D",
        observable="retained_variance_asymptotic",
        coordinates=_coordinates(setting),
        experiment=EXPERIMENTS["fresh"],
        measured=lambda results: _part(results["retained_variance"], slice(1, None)),
        predict=lambda: prediction.retained_variance_asymptotic(setting),
        control=off,
        expected="disagrees",
    )


def _told(setting: Setting) -> str:
    return f"{setting.manifold}, N = {setting.samples}, {where(setting)}"


def _coordinates(setting: Setting) -> dict[str, NDArray[Any]]:
    return {"time": setting.times[:, None], "subspace": np.arange(setting.manifold.dimensions.size)}


def _part(m: Measurement, times: int | slice) -> Measurement:
    """The measurement at some of its times."""
    return Measurement(m.mean[times], m.sem[times], m.n)


def _order() -> Claim:
    """The share C^_k/t in the frozen phase, N between the critical sizes of the two subspaces."""
    setting = CASES["fresh"]
    first = setting.at(times=setting.times[:1])

    def share() -> Array:
        return prediction.retained_variance(first)[0] / first.t

    def measured(results: Results) -> Measurement:
        m = _part(results["retained_variance"], 0)
        return Measurement(m.mean / first.t, m.sem / first.t, m.n)

    return Claim(
        name="frozen_jacobian.order",
        statement="low variance is lost first: frozen, C^_k/t is above 1/2 along variance 1 and below it along 0.1 "
        f"({setting.manifold}, N = {setting.samples}, between the critical sizes, t = {first.times[0]:g})",
        observable="retained_variance / t",
        coordinates={"subspace": np.arange(2)},
        experiment=EXPERIMENTS["fresh"],
        measured=measured,
        predict=share,
        control=Control("the order of the score, high variance first", lambda _: share()[::-1]),
    )


def _dimension(N: int) -> Claim:
    setting = SPECTRA[N].at(times=SPECTRAL_TIMES[MANY])

    return Claim(
        name=f"frozen_jacobian.spectrum{N}.estimated_dimension",
        statement=f"D less the eigenvalues of -t J^ ({setting.manifold}, N = {N}, at one x): exact at finite N and D",
        observable="estimated_dimension",
        coordinates={"time": setting.times},
        experiment=SPECTRAL[N],
        measured=lambda results: _part(results["estimated_dimension"], MANY),
        predict=lambda: prediction.estimated_dimension(setting),
        control=Control("lambda off by 20 %", lambda _: prediction.estimated_dimension(scaled(setting, 1.2))),
    )


def _dimension_seen(N: int) -> Claim:
    setting = SPECTRA[N].at(times=SPECTRAL_TIMES[FROZEN : FROZEN + 1])
    return Claim(
        name=f"frozen_jacobian.spectrum{N}.dimension_seen",
        statement="the frozen spectrum is that of the mean Jacobian: one Jacobian has fewer eigenvalues below 1/2 than its limit "
        f"({setting.manifold}, N = {N}, at one x, t = {setting.times[0]:g})",
        observable="eigenvalues of -t J^ below 1/2",
        coordinates={"time": setting.times[0]},
        experiment=SPECTRAL[N],
        measured=lambda results: _part(results["dimension_seen"], FROZEN),
        predict=lambda: float((_limit_spectrum(setting) < 0.5).sum()),
        control=Control("all weight on one sample", lambda _: 0.0),
        expected="disagrees",
    )


def _limit_spectrum(setting: Setting) -> Array:
    """Eigenvalues of -t E J^ in the limit, in order, shape (T, D)."""
    share = prediction.retained_variance_asymptotic(setting) / setting.t[:, None]
    return np.sort(1 - np.repeat(share, setting.manifold.dimensions, axis=1), axis=1)


PANELS = {"small": 4, "fresh": 4, "trajectory": 8, "at_a_point": 30}  # points of the exact lines besides those measured


def prepare() -> None:
    """Compute what takes seconds, the averages over x, while the experiments run."""
    for setting in (*map(_fine, PANELS), CASES["authors"]):
        prediction.retained_variance(setting)


@cache
def _fine(name: str) -> Setting:
    """The case at times to draw a line through, those of the simulation among them."""
    times = CASES[name].times
    return CASES[name].at(times=np.union1d(times, draw.between(times, PANELS[name])))


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """Retained variance and estimated dimension against t, and the spectrum of -t J^ at five times."""
    with draw.style():
        figure, axes = draw.canvas(5, 2, width=2.7, height=2.4)
        for axis, name in zip(axes[0], PANELS, strict=False):
            _retained_panel(axis, name, results)
        axes[0, 0].set_ylabel(r"$E\,\hat C_k / t$")
        axes[0, 0].legend(loc="upper right")
        _dimension_panel(axes[0, 4], results)
        for i, axis in enumerate(axes[1]):
            _spectrum_panel(axis, i, results)
        axes[1, 0].set_ylabel(r"eigenvalue of $-t\,\hat J$")
        axes[1, 0].legend(loc="lower right")
    caption = (
        "Above: share $E\\,\\hat C_k/t = 1 + t\\,E\\hat J_k$ of each subspace against the noise variance $t$ (data units "
        "squared): exact at finite $N$ and $D$, simulation, and the thermodynamic limit, dashed; last, the estimated dimension "
        "$D + t\\,E\\,\\mathrm{tr}\\hat J$ at one $x$ in the authors' setting (standard deviations 1, 0.3, 0.01). Below: the "
        "eigenvalues of $-t\\hat J$ at this $x$, in order, mean over data sets, and the limit of $-t\\,E\\hat J$ for the three "
        "$N$, dashed: where the weights have condensed the two differ. Error bars: one standard error over data sets; at "
        "$t = 10^{-5}$ a data set in thousands carries the average, far below the panel."
    )
    return [Figure("frozen_jacobian", caption, figure)]


def _retained_panel(axis: Axes, name: str, results: Mapping[str, Results]) -> None:
    setting, fine = CASES[name], _fine(name)
    many = fine.at(times=np.geomspace(fine.times[0], fine.times[-1], 400))
    m = results[EXPERIMENTS[name].name]["retained_variance"]
    exact, limit = prediction.retained_variance(fine), prediction.retained_variance_asymptotic(many)
    for k, variance in enumerate(setting.manifold.variances):
        said = ("limit", "exact", "simulation") if k == 0 else (None, None, None)
        draw.control(axis, many.times, limit[:, k] / many.t, said[0])
        draw.theory(axis, fine.times, exact[:, k] / fine.t, said[1], series=k)
        draw.measured(axis, setting.times, m.mean[:, k] / setting.t, m.sem[:, k] / setting.t, said[2], series=k)
        height = exact[0, k] / fine.t[0]
        above = height < 0.1
        beside = fine.times[0], height + (0.03 if above else -0.03)
        axis.annotate(rf"$\lambda = {variance:g}$", beside, fontsize=7, va="bottom" if above else "top")
    axis.set_title(f"{setting.manifold}, $N$ = {setting.samples}\n{where(setting)}")
    axis.set(xlabel="noise variance $t$", ylim=(0, 1.04))
    draw.logarithmic(axis)


def _dimension_panel(axis: Axes, results: Mapping[str, Results]) -> None:
    for k, (N, setting) in enumerate(SPECTRA.items()):
        fine = setting.at(times=np.geomspace(0.005, 1.2, 25))
        m = results[SPECTRAL[N].name]["estimated_dimension"]
        draw.control(axis, fine.times, prediction.estimated_dimension_asymptotic(fine))
        draw.theory(axis, fine.times, prediction.estimated_dimension(fine), series=k)
        draw.measured(axis, setting.times[:-1], m.mean[:-1], m.sem[:-1], f"$N$ = {N}", series=k)
    axis.set_title("estimated dimension\nauthors' setting, at one x")
    axis.set(xlabel="noise variance $t$", ylim=(0, 8))
    axis.legend(loc="upper right")
    draw.logarithmic(axis)


def _spectrum_panel(axis: Axes, i: int, results: Mapping[str, Results]) -> None:
    rank = np.arange(1, SHOWN + 1)
    for k, (N, setting) in enumerate(SPECTRA.items()):
        m = _part(results[SPECTRAL[N].name]["spectrum"], i)
        draw.control(axis, rank, _limit_spectrum(setting)[i, :SHOWN], "limit" if k == 0 else None)
        draw.measured(axis, rank, m.mean[:SHOWN], m.sem[:SHOWN], f"$N$ = {N}", series=k)
    low = max(axis.get_ylim()[0], LOWEST)
    axis.set_title(f"$t$ = {SPECTRAL_TIMES[i]:g}")
    axis.set(xlabel="rank of the eigenvalue, of 30", xticks=(1, 4, 8, 12), ylim=(low, 1 + 0.06 * (1 - low)))
