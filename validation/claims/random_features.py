"""Claims: what features are made of, their resolvent, three bulks and their edges; in few dimensions, and for two bulks, off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import random_features as experiment
from numerics.measurement import Measurement
from theory.averages.feature_saddle import FeatureSaddle
from theory.network import Network
from theory.observable import coordinates
from theory.predictions import random_features as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import Case, cases, compare, evaluated, told, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]
PARTS = ("linear_slope", "noise_part", "sample_part", "rest_part", "feature_variance")
EDGES = ("edge_lowest", "edge_highest")
KNOWN = slice(1, 3)  # of the bulks, those that are published
LEVELS = tuple(np.geomspace(1e-3, 30, 46).tolist())


def of(text: str, samples: int, times: list[float], features: int, activation: str = "tanh") -> Setting:
    """Random features in the Ornstein-Uhlenbeck process."""
    return Setting.of(
        text, samples=samples, times=times, schedule="ou", network=Network(features, activation, ridge=0.03)
    )


MADE = cases(
    prediction,
    experiment.measure_parts,
    {"tanh": (60, of("3x10,1x10", 80, [0.01, 0.3], 100)), "relu": (60, of("3x10,1x10", 80, [0.01, 0.3], 100, "relu"))},
)
MODELS = cases(
    prediction,
    experiment.measure_model,
    {
        "three": (100, of("2x100", 400, [0.003, 0.01, 0.03], 800)),
        "wide": (100, of("2x50", 400, [0.01], 3200)),
        "few": (100, of("3x20,1x20", 240, [0.05, 0.3], 160, "erf")),
        "small": (200, of("2x25", 100, [0.01], 200)),
    },
)
THREE, WIDE, FEW, SMALL = MODELS.values()
FEATURES = cases(
    prediction, experiment.measure_features, {"features": (100, of("2x25", 100, [0.01], 200))}, levels=LEVELS
)["features"]
LIMITS = cases(
    prediction,
    experiment.measure_limit,
    {"larger": (150, FEATURES.setting), "kinked": (100, FEATURES.setting.trained(activation="relu"))},
)
LINES = [part for name in EDGES for part in curve(THREE, name, 30, 4.0)]


def without_root(setting: Setting) -> Setting:
    """With tr Sigma/D for the standard deviation of the signal, not for its variance, as public code has it."""
    mean = float(setting.manifold.spectrum.mean())
    return setting.at(manifold=setting.manifold.scaled(mean))


def rootless(observable: str, setting: Setting) -> Array:
    """An observable with that."""
    return np.asarray(getattr(prediction, observable)(without_root(setting)))


def noiseless(setting: Setting) -> Array:
    """The resolvent without what is linear in the noise."""
    ridge = setting.network.ridge if setting.network else 0.0
    bare: list[FeatureSaddle] = [replace(saddle, noise=0.0) for saddle in prediction.saddles(setting)]
    return np.array([float(saddle.solve(-ridge).q.real) for saddle in bare])


def two_bulks(setting: Setting) -> Array:
    """The published weights of the first two bulks."""
    return prediction.bulk_weight_published(setting)[:2]


def exchanged(setting: Setting) -> Array:
    """Those with samples and dimensions the one for the other."""
    return prediction.bulk_weight_published(setting)[[0, 2]]


def samples_alone(setting: Setting) -> float:
    """The share at rest, the dimensions forgotten."""
    assert setting.network
    return 1 - setting.samples / setting.network.features


def quarter(setting: Setting) -> Array:
    """A bound of the next order of a resolvent of real matrices: as for one Marchenko-Pastur law, a quarter of the range of
    1/(u + ridge), over p.
    """
    assert setting.network
    largest = 1 / (prediction.rest_part(setting) + setting.network.ridge)
    return np.asarray(largest / (4 * setting.network.features))


def shift(edge: int, setting: Setting) -> Array:
    """How far mean extreme eigenvalues are from their edges at most: to leading order, and D^(-1/3) of it for the next."""
    shifts = prediction.edge_shifts(setting)[..., edge]
    return np.asarray(shifts * (1 + setting.manifold.ambient_dimension ** (-1 / 3)))


def claims() -> list[Claim]:
    """The parts of features, the resolvent in the limit and off it, weights and edges, and what is published of both."""
    return [
        *(_part(at, name) for at in MADE.values() for name in PARTS),
        *(_resolvent(at) for at in MODELS.values()),
        *_features(),
        *(_weight(at) for at in (THREE, WIDE)),
        _at_rest(),
        *(_edge(at, name) for at in (THREE, WIDE) for name in EDGES),
        *_published(),
    ]


def _no_root(observable: str, setting: Setting) -> Control:
    return wrong("standard deviation without the root", rootless, observable, setting)


def _part(at: Case, name: str) -> Claim:
    """Against the variance of another argument; of relu, whose slope is 1/2 for any, against another activation."""
    control = _no_root(name, at.setting)
    if at is MADE["relu"]:
        control = wrong("features of tanh", getattr(prediction, name), at.setting.trained(activation="tanh"))
    return compare(at, name, control, "the limit, of Gaussian arguments")


def _resolvent(at: Case) -> Claim:
    return compare(
        at,
        "resolvent",
        wrong("b^2 left out", noiseless),
        "the limit, but for order 1/p, where features are linear but for their parts",
        allowed_bias=evaluated(quarter, at.setting),
        headline=at is SMALL,
    )


def _features() -> list[Claim]:
    return [
        *(_limit(at) for at in LIMITS.values()),
        compare(
            FEATURES,
            "resolvent",
            _no_root("resolvent", FEATURES.setting),
            "the features themselves are off by order 1/D",
            expected="disagrees",
        ),
    ]


def _limit(at: Case) -> Claim:
    """Corrections are a series in 1/D whose first coefficients are about one: of order 1/D^2 is left of it."""
    return compare(
        at,
        "resolvent",
        _no_root("resolvent", at.setting),
        "the limit of the features themselves, by two sizes",
        bias=2 / at.setting.manifold.ambient_dimension**2,
    )


def _weight(at: Case) -> Claim:
    published = wrong("two bulks", prediction.bulk_weight_published)
    return compare(at, "bulk_weight", published, "as many eigenvalues as directions, samples or both say")


def _at_rest() -> Claim:
    return compare(THREE, "delta_weight", wrong("samples alone", samples_alone), "eigenvalues with nothing but s^2")


def _edge(at: Case, name: str) -> Claim:
    bias = evaluated(shift, EDGES.index(name), at.setting)
    statement = "the limit, but for the shift of order D^(-2/3) of the extreme eigenvalues"
    return compare(at, name, _no_root(name, at.setting), statement, allowed_bias=bias)


def known(observable: str, setting: Setting) -> Array:
    """Published edges of the bulks that are."""
    return np.asarray(getattr(prediction, observable)(setting)[..., KNOWN])


def known_shift(edge: int, setting: Setting) -> Array:
    """Of those bulks."""
    return shift(edge, setting)[..., KNOWN]


def _published() -> list[Claim]:
    return [
        *(_off(THREE, name, "published") for name in EDGES),
        _off(SMALL, "edge_highest", "published.small", headline=True),
        *(_off(WIDE, name, "published.wide") for name in EDGES),
        Claim(
            name="random_features.published.bulk_weight",
            statement=f"bulk_weight_published of {told(THREE.setting)}: the slow bulk is not known",
            observable="bulk_weight_published",
            coordinates={"bulk": np.array(coordinates(THREE.setting)["bulk"][:2])},
            experiments=(THREE.experiment,),
            measured=Picked("bulk_weight", slice(2)),
            predicted=evaluated(two_bulks, THREE.setting),
            control=wrong("N and D exchanged", exchanged, THREE.setting),
            expected="disagrees",
        ),
    ]


def _off(at: Case, name: str, stem: str, *, headline: bool = False) -> Claim:
    """Published edges, which those of finite psi_n are not; of the bulks that are known."""
    observable, values = f"{name}_published", coordinates(at.setting)
    control = wrong("standard deviation without the root", known, observable, without_root(at.setting))
    return Claim(
        name=f"random_features.{stem}.{name}",
        statement=f"{observable} of {told(at.setting)}: samples and population as if each were alone",
        observable=observable,
        coordinates={"time": np.array(values["time"])[:, None], "bulk": np.array(values["bulk"])[None, KNOWN]},
        experiments=(at.experiment,),
        measured=Picked(name, (..., KNOWN)),
        predicted=evaluated(known, observable, at.setting),
        control=control,
        allowed_bias=evaluated(known_shift, EDGES.index(name), at.setting),
        expected="disagrees",
        headline=headline,
    )


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return LINES


def figures(done: Done) -> list[Figure]:
    """The density of the eigenvalues with its three bulks, and their edges against time."""
    with draw.style():
        figure, axes = draw.canvas(2, width=4.2)
        _density(axes[0], done)
        _edges(axes[1], done)
    caption = (
        f"Left: eigenvalues of the covariance of features over the noise, {told(FEATURES.setting)}, the limit and the features "
        "themselves; grey, the two bulks that are published. The features' least eigenvalues are those that are $s^2$ in the "
        f"limit. Right: edges of the bulks against the Ornstein-Uhlenbeck time, {told(THREE.setting)}; points, extreme "
        "eigenvalues of the linear model, which lie inside; dashed, the published edges. From 0.085 the slow bulk and that of "
        "the samples are one. Error bars: one standard error over data sets."
    )
    return [Figure("random_features", caption, figure)]


def _density(axis: Axes, done: Done) -> None:
    setting = FEATURES.setting
    u, levels = np.geomspace(1e-3, 30, 1200), np.log(LEVELS)
    draw.theory(axis, u, u * prediction.density(setting, u)[0], "limit", series=0)
    found: Measurement = done[FEATURES.experiment.name]["share_below"]
    width, middle = np.diff(levels), np.exp((levels[1:] + levels[:-1]) / 2)
    draw.measured(axis, middle, np.diff(found.mean[0]) / width, found.sem[0, 1:] / width, "features", series=1)
    lowest, highest = (known(f"{name}_published", setting)[0] for name in EDGES)
    for a, b in zip(lowest, highest, strict=True):
        axis.axvspan(a, b, color="0.9", zorder=0)
    draw.logarithmic(axis)
    axis.set(xlabel="eigenvalue $u$", ylabel=r"density of $\log u$", ylim=(0, 0.35))
    draw.legend(axis)


def _edges(axis: Axes, done: Done) -> None:
    for name in EDGES:
        lines = [line for line in LINES if line.function.__name__ == name]
        times = np.concatenate([line.arguments[0].times for line in lines])
        order = np.argsort(times)
        values = np.concatenate([done[line.name] for line in lines])[order]
        many = THREE.setting.at(times=times[order])
        for k, bulk in enumerate(coordinates(THREE.setting)["bulk"]):
            first = name == EDGES[0]
            draw.theory(axis, many.times, values[:, k], bulk if first else None, series=k)
            found: Measurement = done[THREE.experiment.name][name]
            draw.measured(axis, THREE.setting.times, found.mean[:, k], found.sem[:, k], series=k)
        for k, edge in enumerate(known(f"{name}_published", many).T):
            draw.control(axis, many.times, edge, None if k or name != EDGES[0] else "published")
    draw.logarithmic(axis)
    axis.set(xlabel=r"Ornstein-Uhlenbeck time $\tau$", ylabel="edges", yscale="log")
    draw.legend(axis)
