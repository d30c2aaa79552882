"""Claims of trained_network: seeing new points it has the true score's Jacobian; seeing few samples again it walks to theirs.

What the way between the two ends is like is claimed by its signs: that a number lies in one interval, with the interval beside it
for a control. A statement that is true is called false with no more than the chance at which any other claim is.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.experiments import trained_network as experiment
from theory.network import Network
from theory.observable import PARTS
from theory.predictions import trained_network as prediction
from theory.setting import LinearManifold, Setting, Subspace
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import BRACKET, cases, compare, evaluated, told, wrong
from validation.job import Evaluation, Experiment
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]
STEPS = (100.0, 300.0, 1000.0, 3000.0)
SMALL = Setting.of("1.0x2,0.1x2", samples=10, times=[0.01, 0.05], network=Network(64, times=STEPS))
FRESH = SMALL.trained(times=STEPS[-1:])
LITTLE = Setting.of("1.0x1,0.1x1", samples=10, times=[0.01], network=Network(32, times=(1000.0,)))
MANY = LITTLE.at(samples=3000)  # the density is constant as far as the second nearest of so many
GROWING = SMALL.at(times=[0.01]).trained(features=32, times=(1000.0,))
SIZES = (10, 40, 160)
NETWORKS = 100  # of each kind: fewer do not know how skew they are

FEW = cases(prediction, experiment.measure_all, {"small": (NETWORKS, SMALL)}, batch=64)["small"]
NEW = cases(prediction, experiment.measure_all, {"fresh": (NETWORKS, FRESH)}, fresh=True, batch=64)["fresh"]
QUICK = cases(
    prediction, experiment.measure_all, {"little": (NETWORKS, LITTLE)}, in_headline=0.2, fresh=True, batch=64
)["little"]
CHANCE = cases(prediction, experiment.measure_generated, {"chance": (NETWORKS, MANY)}, fresh=True, batch=64)["chance"]
GROWTH = Experiment(
    "trained_network.sizes", experiment.measure_sizes, {"setting": GROWING, "sizes": SIZES, "batch": 64}, NETWORKS
)
SIGN, FINELY = "a sign: of a number, no more is said", "claimed finely by frozen_jacobian"
END = evaluated(prediction.jacobian_empirical, SMALL)


def of_one_variance(setting: Setting) -> Array:
    """The Jacobian where all that is known of the data is their variance in the mean over directions."""
    manifold = setting.manifold
    D = manifold.ambient_dimension
    alike = LinearManifold((Subspace(float(manifold.spectrum.mean()), D),))
    return np.repeat(prediction.jacobian(setting.at(manifold=alike)), len(manifold.subspaces), axis=2)


def of_squares(setting: Setting) -> Array:
    """The share by chance where a third is of squared distances."""
    return np.sqrt(prediction.memorized_fraction(setting))


def true_end(setting: Setting) -> Array:
    """The Jacobian of the true score, shape (T, K)."""
    return prediction.jacobian(setting)[:, -1]


@cache
def _ends(setting: Setting) -> Array:
    """The Jacobians of the samples' score and of the true one, shape (2, T, K); seconds."""
    return np.stack([prediction.jacobian_empirical(setting), true_end(setting)])


def middle(setting: Setting) -> Array:
    """Half way between the Jacobians of the two ends, shape (T, K)."""
    return np.asarray(_ends(setting).mean(axis=0))


def half_width(setting: Setting) -> Array:
    """Half of what is between them."""
    return np.diff(_ends(setting), axis=0)[0] / 2


def beyond(setting: Setting) -> Array:
    """The middle of as wide an interval beyond the empirical end."""
    return middle(setting) - 2 * half_width(setting)


def claims() -> list[Claim]:
    """The true end, by networks that see new points at every step, and the signs of the walk from there."""
    return [*_true_end(), *_empirical_end(), *_walk()]


def _true_end() -> list[Claim]:
    naive = wrong("one variance in all directions", of_one_variance)
    within = "within what Stein's identity allows at the network's own distance from the true score"
    new = "points are new at every step"
    return [
        *(
            compare(at, "jacobian", naive, f"{new}, {within}", allowed_bias="jacobian_error", headline=at is not NEW)
            for at in (QUICK, NEW)
        ),
        compare(
            NEW,
            "distance_to_empirical",
            Control("the score of the samples", 0.0),
            f"{new}, within what the triangle allows",
            allowed_bias="distance_error",
        ),
        compare(
            CHANCE,
            "memorized_fraction",
            wrong("a third of squared distances", of_squares),
            f"{new}: as many are memorized by chance",
            coarse="to see a twentieth takes thousands of points of each network",
        ),
    ]


def _empirical_end() -> list[Claim]:
    """What the network's samples say themselves, at the points where it is looked at."""
    return [
        compare(FEW, "jacobian_empirical", Control("all weight on one sample", 0.0), coarse=FINELY),
        compare(FEW, "least_loss", Control("all weight on the sample it came from", 0.0), coarse=FINELY),
        compare(
            FEW,
            "least_loss_fresh",
            Control("the whole loss, as of a network at the true posterior mean", "loss_fresh"),
            "the loss at new points of a network that left the true score, less its squared distance from it",
        ),
    ]


def _walk() -> list[Claim]:
    """Of networks that see few samples over and over."""
    last, dimensions = len(STEPS) - 1, prediction.dimension(SMALL)[:, -1]
    time, subspace, place = SMALL.times[:, None], np.arange(2)[None], np.array(PARTS["place"])
    return [
        Claim(
            name="trained_network.small.between",
            statement=f"jacobian of {told(FRESH)}: after {STEPS[-1]:g} steps it lies between those of the two scores, at neither",
            observable="jacobian_empirical .. jacobian",
            coordinates={"time": time, "subspace": subspace},
            experiments=(FEW.experiment,),
            measured=Picked("jacobian", (slice(None), last)),
            predicted=evaluated(middle, SMALL),
            control=wrong("beyond that of the samples", beyond, SMALL),
            allowed_bias=evaluated(half_width, SMALL),
            coarse=BRACKET,
        ),
        _sign(
            "small.dimension",
            f"dimension of {told(FRESH)}: fewer directions are left than the true score has",
            "dimension",
            {"time": SMALL.times},
            FEW.experiment,
            Picked("dimension", (slice(None), last)),
            dimensions,
            "more than it has",
            above=False,
        ),
        _sign(
            "small.order",
            f"of {told(FRESH)}: more of the true Jacobian is lost along variance 0.1 than along 1",
            "order",
            {"time": SMALL.times},
            FEW.experiment,
            Picked("order", (slice(None), last)),
            np.ones(2),
            "the order of the score, high variance first",
        ),
        _sign(
            "small.walk",
            f"of {told(SMALL)}: after all steps a network is nearer to the empirical score than after the first, everywhere",
            "walk",
            {"time": time, "place": place[None]},
            FEW.experiment,
            Picked("walk", (slice(None), last)),
            np.ones((2, 3)),
            "away from it",
        ),
        _sign(
            "sizes.growth",
            f"of {told(GROWING)}: with more samples, {', '.join(map(str, SIZES))}, it stays farther from the empirical score",
            "growth",
            {"samples": np.array(SIZES[1:])[:, None], "place": place[None]},
            GROWTH,
            Picked("growth", (slice(None), 0, 0)),
            np.ones((2, 3)),
            "nearer with more samples",
        ),
    ]


def _sign(
    name: str,
    statement: str,
    observable: str,
    coordinates: dict[str, ArrayLike],
    of: Experiment,
    measured: Picked,
    width: Array,
    control: str,
    *,
    above: bool = True,
) -> Claim:
    """That it lies between 0 and a width, with what lies as far beyond 0 for a control, or, where not above, beyond the width."""
    return Claim(
        name=f"trained_network.{name}",
        statement=f"{statement}: between 0 and {width.flat[0]:g}",
        observable=observable,
        coordinates=coordinates,
        experiments=(of,),
        measured=measured,
        predicted=evaluated(_half, width),
        control=wrong(control, _half, -width if above else 3 * width),
        allowed_bias=evaluated(_half, width),
        coarse=SIGN,
    )


def _half(width: Array) -> Array:
    return width / 2


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [END]


def figures(done: Done) -> list[Figure]:
    """Distances, Jacobians and what is generated, against the steps of training."""
    found = done[FEW.experiment.name]
    with draw.style():
        figure, axes = draw.canvas(4, width=2.9, height=2.6)
        _distances(axes[0], found, "distance_to_empirical", "from the empirical score")
        _distances(axes[1], found, "distance_to_true", "from the true score")
        _jacobians(axes[2], done)
        _left(axes[3], found)
        for axis in axes:
            axis.set_xlabel("training step")
            axis.set_xscale("log")
    caption = (
        f"Networks of {told(SMALL.trained(times=STEPS[-1:]))}, as they are trained on their samples. First and second, "
        f"squared distance from either score at $t = {SMALL.times[1]:g}$ at new points, at their own noised samples and at "
        "points that they generate, in units of the distance of the two. Third, the Jacobian along each subspace, "
        f"at $t = {SMALL.times[0]:g}$; lines, the true score's, dashed, the samples'. Last, the share of directions left at "
        "both $t$, and of generated points that are memorized; dotted, by chance. Error bars: one standard error over data "
        "sets."
    )
    return [Figure("trained_network", caption, figure)]


def _distances(axis: Axes, found: Any, name: str, label: str) -> None:
    m = found[name][1]
    for k, place in enumerate(PARTS["place"]):
        draw.measured(axis, STEPS, m.mean[:, k], m.sem[:, k], place, series=k)
    axis.set(ylabel=f"distance$^2$ {label}", ylim=(0, 1.2))
    draw.legend(axis, columns=1)


def _jacobians(axis: Axes, done: Done) -> None:
    m = done[FEW.experiment.name]["jacobian"][0]
    for k, variance in enumerate(SMALL.manifold.variances):
        draw.theory(axis, STEPS, prediction.jacobian(SMALL)[0, :, k], series=k)
        draw.control(axis, STEPS, np.full(len(STEPS), np.asarray(done[END.name])[0, k]))
        draw.measured(axis, STEPS, m.mean[:, k], m.sem[:, k], rf"$\lambda = {variance:g}$", series=k)
    axis.set(ylabel=r"Jacobian $J_k$", ylim=(0, 1.04))
    draw.legend(axis, columns=1)


def _left(axis: Axes, found: Any) -> None:
    total, shares = SMALL.manifold.intrinsic_dimension, found["memorized_fraction"]
    for k, t in enumerate(SMALL.times):
        m = found["dimension"][k]
        draw.measured(axis, STEPS, m.mean / total, m.sem / total, f"directions left, $t = {t:g}$", series=k)
    draw.measured(axis, STEPS, shares.mean, shares.sem, "memorized", series=2)
    axis.axhline(prediction.memorized_fraction(SMALL)[0], color="0.6", linestyle=":", zorder=0)
    axis.set(ylabel="share", ylim=(0, 1.04))
    draw.legend(axis, columns=1)
