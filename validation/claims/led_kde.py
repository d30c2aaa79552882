"""Claims: LED-KDE is what it is said to be, and Langevin dynamics samples it; the reverse process does not, and condenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import led_kde as experiment
from theory.predictions import led_kde as prediction
from theory.setting import LinearManifold, Setting, Subspace
from validation.claim import Claim, Done
from validation.comparison import cases, compare, off, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]

# infinitely many samples: at t = 0.05 the same as two samples at -1 and 1 under noise 0.1
TWO = Setting.of("0.05x1", ensemble="mixture", separation=2.0, bandwidth=0.5, times=[0.05])
SAMPLED = cases(
    prediction,
    experiment.measure_samplers,
    {"sampled": (110, TWO), "over_time": (100, TWO.at(times=[0.02, 0.15, 0.45]))},
)
DENSITY = cases(
    prediction,
    experiment.measure_density,
    {"density": (400, TWO.at(times=[0.05, 1.0], point=(0.4,)))},
)["density"]
MODES = cases(
    prediction,
    experiment.measure_modes,
    {
        "modes": (250, TWO.at(bandwidth=0.3, times=[0.05, 0.3])),
        "far": (250, TWO.at(manifold=LinearManifold.parse("0.025x1"), times=[0.025])),
    },
)
CONDENSED = cases(prediction, experiment.measure_condensed, {"condensed": (250, TWO.at(bandwidth=0.3))})["condensed"]
FLAT = cases(
    prediction,
    experiment.measure_normal,
    {"flat": (85, Setting.of(LinearManifold.parse("1.0x1", 6), samples=10, times=[0.1], bandwidth=0.4))},
)["flat"]
DIVERGENCE = cases(
    prediction,
    experiment.measure_kl,
    {"many": (2000, Setting.of("1.0x1", samples=1000, times=[4.0], bandwidth=3.0))},
)["many"]
HEADLINE = SAMPLED["sampled"]
INFINITELY_MANY = "exact for infinitely many samples"
INTERPOLATED = 2e-3  # a sixteenth of the square of the spacing of bandwidths, 0.13 in their logarithm, and a little
STAIRS = 2 / experiment.SHIFTS  # the smoothed nearest sample rises by steps, and the flow stops at one of them
NEXT_ORDER = 5e-3  # pi^3 v^2/24 a^4, of v = 0.05 a^2
MANY = 0.02  # the next order in 1/N, of N = 1000 and u < t/6; it falls slowly where u is nearer to t
SCATTER = "the divergence of a data set scatters by as much as its mean"
SEVERAL = np.linspace(0.0, 0.8, 81)  # bandwidths, of the figure
PLACES = np.linspace(-2.2, 2.2, 221)


def plain_density(setting: Setting) -> Array:
    """log of K_h * p_t, the plain kernel estimate: that of the same centres under more noise."""
    return prediction.log_density(_widened(setting).plain)


def _widened(setting: Setting) -> Setting:
    parts = tuple(Subspace(s.variance + setting.bandwidth, s.dimension) for s in setting.manifold.subspaces)
    return setting.at(manifold=LinearManifold(parts, setting.manifold.ambient_dimension))


def plain_merging(setting: Setting) -> Array:
    """Where the two modes of the plain kernel estimate merge, at a^2 = lambda + t + h."""
    return np.asarray((setting.separation / 2) ** 2 - setting.manifold.variances[0] - setting.t)


def on_samples(setting: Setting) -> Array:
    """The distance of two samples, on which the score that is not smoothed condenses."""
    return np.full(setting.t.size, setting.separation)


def claims() -> list[Claim]:
    """The density and its modes, what samples it and what does not, its normal directions, its divergence."""
    return [*_sampled(), *_density(), *_modes(), *_flat(), _divergence()]


def _sampled() -> list[Claim]:
    kept = "Langevin dynamics at fixed t samples the estimate"
    found = [
        compare(
            at, "variance", wrong("no kernel", prediction.variance, at.setting.plain), kept, headline=at is HEADLINE
        )
        for at in SAMPLED.values()
    ]
    reverse = compare(
        HEADLINE,
        "variance",
        wrong("no kernel", prediction.variance, TWO.plain),
        "the reverse process with the smoothed score samples the estimate",
        name="reverse.variance",
        measured="variance_reverse",
        expected="disagrees",
        headline=True,
    )
    return [*found, reverse]


def _density() -> list[Claim]:
    alone = wrong("one Gaussian", prediction.normalization, DENSITY.setting.at(ensemble="gaussian", separation=0.0))
    return [
        compare(DENSITY, "log_density", wrong("plain kernel estimate", plain_density), INFINITELY_MANY),
        compare(DENSITY, "normalization", alone, INFINITELY_MANY),
    ]


def _modes() -> list[Claim]:
    modes, far = MODES["modes"], MODES["far"]
    apart, merged = (
        wrong("far apart", f) for f in (prediction.mode_separation_asymptotic, prediction.merging_bandwidth_asymptotic)
    )
    plain = wrong("plain kernel estimate", plain_merging)
    ends = "the flow with the smoothed score still condenses as t falls to 0, between the samples"
    return [
        compare(modes, "mode_separation", apart, INFINITELY_MANY, bias=1e-3),
        compare(modes, "merging_bandwidth", merged, INFINITELY_MANY, bias=INTERPOLATED),
        compare(far, "merging_bandwidth_asymptotic", plain, "the limit, of samples far apart", bias=NEXT_ORDER),
        compare(
            CONDENSED,
            "mode_separation_asymptotic",
            wrong("on the samples", on_samples),
            ends,
            bias=STAIRS,
            measured="condensed_separation",
        ),
    ]


def _flat() -> list[Claim]:
    names = "normal_variance", "normal_variance_plain"
    described = "plain kernel estimate", "smoothed logarithm"
    return [
        compare(FLAT, own, wrong(told, getattr(prediction, other)), "exact for any samples on the manifold")
        for own, other, told in zip(names, reversed(names), described, strict=True)
    ]


def _divergence() -> Claim:
    lower = off(0.75, prediction.kl_leading, DIVERGENCE.setting)
    holds = "the order 1/N, where it holds"
    return compare(DIVERGENCE, "kl_leading", lower, holds, bias=MANY, measured="kl", coarse=SCATTER)


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims: nothing that takes long."""
    return []


def figures(done: Done) -> list[Figure]:
    """The density, its variance and that of what generation makes of it, and the distance of its modes."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _densities(axes[0])
        _variances(axes[1], done)
        _distances(axes[2], done)
    caption = (
        "LED-KDE of two centres at $\\pm 1$, noise $v = \\lambda + t$, bandwidth $h$. Left: its density at $v = 0.1$, $h = 0.5$, "
        "with those of $p_t$ and of the plain kernel estimate $K_h * p_t$ (control). Middle: mean square of $x$ against $t$, "
        "$\\lambda = 0.05$, $h = 0.5$; Langevin dynamics samples the estimate, the reverse process does not. Right: the distance "
        "of its two modes against $h$, and of the atoms where the flow condenses as $t$ falls to 0 (limit). Error "
        "bars: one standard error over data sets or draws."
    )
    return [Figure("led_kde", caption, figure)]


def _densities(axis: Axes) -> None:
    settings = [TWO.at(point=(x,)) for x in PLACES]
    for label, setting, series in (("LED-KDE", TWO, 0), ("$p_t$", TWO.plain, 1)):
        logs = [prediction.log_density(setting.at(point=s.point))[0] for s in settings]
        draw.theory(axis, PLACES, np.exp(logs), label, series=series)
    draw.control(axis, PLACES, np.exp([plain_density(s)[0] for s in settings]), "plain")
    axis.set(xlabel="$x$", ylabel="density", ylim=(0, None))
    draw.legend(axis, 3)


def _variances(axis: Axes, done: Done) -> None:
    fine = TWO.at(times=np.geomspace(0.01, 2, 60))
    draw.theory(axis, fine.times, prediction.variance(fine)[:, 0], "LED-KDE, exact")
    draw.control(axis, fine.times, prediction.variance(fine.plain)[:, 0], "$p_t$")
    for series, (name, label) in enumerate((("variance", "Langevin"), ("variance_reverse", "reverse SDE")), 1):
        for at, said in zip(SAMPLED.values(), (label, None), strict=True):
            m = done[at.experiment.name][name]
            draw.measured(axis, at.setting.times, m.mean[:, 0], m.sem[:, 0], said, series=series)
    draw.logarithmic(axis)
    axis.set(xlabel="noise variance $t$", ylabel="$E\\,x^2$", ylim=(0, None))
    draw.legend(axis)


def _distances(axis: Axes, done: Done) -> None:
    modes = MODES["modes"]
    for series, v in enumerate(modes.setting.t + 0.05):
        shown = [prediction.mode_separation(modes.setting.at(times=v - 0.05, bandwidth=h))[0] for h in SEVERAL]
        draw.theory(axis, SEVERAL, shown, f"exact, $v$ = {v:g}", series=series)
    limit = [prediction.mode_separation_asymptotic(TWO.at(bandwidth=h))[0] for h in SEVERAL]
    draw.control(axis, SEVERAL, limit, "limit")
    for at, name, label, series in (
        (modes, "mode_separation", "modes", 1),
        (CONDENSED, "condensed_separation", "ends of the flow", 2),
    ):
        m = done[at.experiment.name][name]
        draw.measured(axis, np.full(m.mean.size, at.setting.bandwidth), m.mean, m.sem, label, series=series)
    axis.set(xlabel="bandwidth $h$", ylabel="distance", ylim=(0, None))
    draw.legend(axis)
