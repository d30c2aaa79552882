"""Claims of frozen_jacobian: retained variance is exact at finite N and D, its limit is not there yet, one spectrum is not it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import frozen_jacobian as experiment
from numerics.measurement import Measurement
from theory.predictions import frozen_jacobian as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Done, Picked
from validation.claims.subspace_loss import AUTHORS
from validation.comparison import DEEP, LIMIT, cases, compare, evaluated, off, told, wrong
from validation.job import Evaluation, Results
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]
TYPICAL = (1.0, -1.0, *(0.3, -0.3) * 2, 0.3, *(0.01, -0.01) * 11, 0.01)  # one deviation from 0 in every direction
POINT = (1.0, -1.0, 1.0, -1.0, 0.3, -0.3, 0.3, -0.3)
CASES = cases(
    prediction,
    experiment.measure,
    {
        "small": (1000, Setting.of("1.0x2", samples=10, times=[0.05, 0.2, 0.8, 3.0])),
        "fresh": (150, Setting.of("1.0x12,0.1x12", samples=1000, times=[0.15, 0.5, 1.5])),
        "trajectory": (400, Setting.of("1.0x12", samples=100, times=[0.3, 0.7, 2.0], query="trajectory")),
        "through_a_point": (
            2000,
            Setting.of("1.0x4,0.1x4", samples=300, times=[0.1, 0.3, 1.0], query="trajectory", point=POINT),
        ),
        "at_a_point": (1200, AUTHORS.at(times=np.array([0.01, 0.1, 0.3]), point=TYPICAL)),
        "authors": (150, AUTHORS.at(times=np.array([0.01, 0.1]))),
    },
)
SPECTRAL_TIMES = np.array([0.6, 0.3, 0.1, 0.01, 1e-5])
MANY, FROZEN = slice(3), slice(3, 4)  # times at which many data sets carry the mean; in the frozen phase only t/t_c do
SPECTRA = cases(
    prediction,
    experiment.measure_spectrum,
    {
        f"spectrum{N}": (repeats, AUTHORS.at(samples=N, times=SPECTRAL_TIMES, point=TYPICAL))
        for N, repeats in ((10, 4000), (1000, 400), (20000, 150))
    },
)
LIMITED = cases(prediction, experiment.measure, {"deep": (150, DEEP.at(times=[60.0, 150.0]))})["deep"]
SHOWN = 12  # eigenvalues to draw, of 30
LOWEST = -5  # and down to where: with two samples equally near x there is one of -(distance)^2/4t, however small t is
LINES = {
    name: curve(CASES[name], "retained_variance", count)
    for name, count in (("small", 4), ("fresh", 4), ("trajectory", 8), ("at_a_point", 30))
}
DIMENSIONS = {
    name: evaluated(prediction.estimated_dimension, at.setting.at(times=np.geomspace(0.005, 1.2, 25)))
    for name, at in SPECTRA.items()
}


def share(setting: Setting) -> Array:
    """C^_k/t at the first time."""
    return prediction.retained_variance(setting)[0] / setting.t[0]


def share_of_high_first(setting: Setting) -> Array:
    """The same in the order of the score."""
    return share(setting)[::-1]


def measured_share(results: Results) -> Measurement:
    """C^_k/t at the first time of the case `fresh`."""
    m = Picked("retained_variance", 0)(results)
    t = CASES["fresh"].setting.t[0]
    return m.through(lambda v: v / t, lambda v: 1 / t)


def limit_spectrum(setting: Setting) -> Array:
    """Eigenvalues of -t E J^ in the limit, in order, shape (T, D)."""
    left = prediction.retained_variance_asymptotic(setting) / setting.t[:, None]
    return np.sort(1 - np.repeat(left, setting.manifold.dimensions, axis=1), axis=1)


def dimension_in_the_limit(setting: Setting) -> Array:
    """How many of them lie below 1/2, shape (T,)."""
    return (limit_spectrum(setting) < 0.5).sum(axis=1)


def claims() -> list[Claim]:
    """The exact average in every case, its limit, the order of loss, and the spectrum at one x."""
    limit, fresh = prediction.retained_variance_asymptotic, CASES["fresh"]
    later = slice(1, None)  # at the first time the limit is off by too little for a quick run
    return [
        *(
            compare(at, "retained_variance", wrong("thermodynamic limit", limit), headline=name == "small")
            for name, at in CASES.items()
        ),
        compare(
            fresh,
            "retained_variance_asymptotic",
            off(1.2, limit, fresh[later]),
            "the limit is off at this N and D",
            times=later,
            expected="disagrees",
            headline=True,
        ),
        _order(),
        *(
            compare(at, "estimated_dimension", off(1.2, prediction.estimated_dimension, at[MANY]), times=MANY)
            for at in SPECTRA.values()
        ),
        *(_dimension_seen(f"spectrum{N}") for N in (1000, 20000)),
        *(
            compare(LIMITED, name, off(1.2, getattr(prediction, name), LIMITED.setting), LIMIT, bias=0.006)
            for name in ("retained_variance_asymptotic", "estimated_dimension_asymptotic")
        ),
    ]


def _order() -> Claim:
    """In the frozen phase, N between the critical sizes of the two subspaces."""
    first = CASES["fresh"][:1]
    return Claim(
        name="frozen_jacobian.order",
        statement="low variance is lost first: frozen, C^_k/t is above 1/2 along variance 1 and below it along 0.1 "
        f"({told(first)}, between the critical sizes, t = {first.times[0]:g})",
        observable="retained_variance / t",
        coordinates={"subspace": np.arange(2)},
        experiments=(CASES["fresh"].experiment,),
        measured=measured_share,
        predicted=evaluated(share, first),
        control=wrong("the order of the score, high variance first", share_of_high_first, first),
        headline=True,
        coarse="an order, of two numbers that lie apart",
    )


def _dimension_seen(name: str) -> Claim:
    setting = SPECTRA[name][FROZEN]
    return Claim(
        name=f"frozen_jacobian.{name}.dimension_seen",
        statement="the frozen spectrum is that of the mean Jacobian: one Jacobian has fewer eigenvalues below 1/2 than its limit "
        f"({told(setting)}, t = {setting.times[0]:g})",
        observable="eigenvalues of -t J^ below 1/2",
        coordinates={"time": setting.times},
        experiments=(SPECTRA[name].experiment,),
        measured=Picked("dimension_seen", FROZEN),
        predicted=evaluated(dimension_in_the_limit, setting),
        control=Control("all weight on one sample", 0.0),
        expected="disagrees",
    )


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [*(part for line in LINES.values() for part in line), *DIMENSIONS.values()]


def figures(done: Done) -> list[Figure]:
    """Retained variance and estimated dimension against t, and the spectrum of -t J^ at five times."""
    with draw.style():
        figure, axes = draw.canvas(5, 2, width=2.7, height=2.4)
        for axis, name in zip(axes[0], LINES, strict=False):
            _retained_panel(axis, name, done)
        axes[0, 0].set_ylabel(r"$E\,\hat C_k / t$")
        axes[0, 0].legend(loc="upper right")
        _dimension_panel(axes[0, 4], done)
        for i, axis in enumerate(axes[1]):
            _spectrum_panel(axis, i, done)
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


def _retained_panel(axis: Axes, name: str, done: Done) -> None:
    at = CASES[name]
    times, exact = over_times(axis, done, at, LINES[name], unit=lambda setting: setting.t)
    for variance, height in zip(at.setting.manifold.variances, exact[0], strict=True):
        above = height < 0.1
        beside = times[0], height + (0.03 if above else -0.03)
        axis.annotate(rf"$\lambda = {variance:g}$", beside, fontsize=7, va="bottom" if above else "top")
    axis.set_title(title(at))
    axis.set_ylim(0, 1.04)


def _dimension_panel(axis: Axes, done: Done) -> None:
    for k, (name, at) in enumerate(SPECTRA.items()):
        line = DIMENSIONS[name]
        fine = line.arguments[0]
        m = Picked("estimated_dimension", slice(-1))(done[at.experiment.name])
        draw.control(axis, fine.times, prediction.estimated_dimension_asymptotic(fine))
        draw.theory(axis, fine.times, done[line.name], series=k)
        draw.measured(axis, at.setting.times[:-1], m.mean, m.sem, f"$N$ = {at.setting.samples}", series=k)
    axis.set_title("estimated dimension\nauthors' setting, at one x")
    axis.set(xlabel="noise variance $t$", ylim=(0, 8))
    axis.legend(loc="upper right")
    draw.logarithmic(axis)


def _spectrum_panel(axis: Axes, i: int, done: Done) -> None:
    rank = np.arange(1, SHOWN + 1)
    for k, at in enumerate(SPECTRA.values()):
        m = Picked("spectrum", (i, slice(SHOWN)))(done[at.experiment.name])
        draw.control(axis, rank, limit_spectrum(at.setting)[i, :SHOWN], "limit" if k == 0 else None)
        draw.measured(axis, rank, m.mean, m.sem, f"$N$ = {at.setting.samples}", series=k)
    low = max(axis.get_ylim()[0], LOWEST)
    axis.set_title(f"$t$ = {SPECTRAL_TIMES[i]:g}")
    axis.set(xlabel="rank of the eigenvalue, of 30", xticks=(1, 4, 8, 12), ylim=(low, 1 + 0.06 * (1 - low)))
