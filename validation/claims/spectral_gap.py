"""Claims of spectral_gap: averages over the spectrum and its edges; few columns miss the edge; on curved surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import spectral_gap as experiment
from numerics.experiments.spectral_gap import Sphere, Torus
from theory.averages import over_surfaces
from theory.predictions import spectral_gap as prediction
from theory.setting import LinearManifold, Setting, Subspace
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import Case, cases, compare, evaluated, wrong
from validation.job import Evaluation, Experiment
from validation.report import figures as draw
from validation.report.page import Figure
from validation.report.panels import curve, over_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]


def of(text: str, ambient: int, times: list[float]) -> Setting:
    """A setting of random directions."""
    return Setting.of(LinearManifold.parse(text, ambient), times=times)


CASES = cases(
    prediction,
    experiment.measure,
    {"one": (100, of("1x50", 200, [0.5, 2.0, 6.0])), "two": (200, of("1x10,0.1x30", 100, [0.2, 0.8, 2.0]))},
)
# many dimensions, where the edges' relative shift is small
EDGES = cases(
    prediction,
    experiment.measure_spectrum,
    {"edges": (300, of("1x100", 2500, [4.0, 16.0, 60.0])), "mixed": (300, of("1x80,0.3x80", 2400, [4.0, 12.0]))},
)
FEW = cases(prediction, experiment.measure_spectrum, {"few": (400, of("1x10", 40, [0.5, 1.0, 2.0]))})["few"]
COUNTED = {"one": slice(1, 2), "two": slice(1)}  # times inside a bulk, above which most eigenvalues lie
SAMPLES = 8000
# noise variances on the sphere of radius 1, and on the torus of radii 2 and 1
ROUND, TUBE = (0.1, 0.2, 0.4), (0.3, 0.6, 1.0)
ON_SPHERE, ON_TORUS = (
    Experiment(
        f"spectral_gap.{name}", experiment.measure_surface, {"surface": of, "samples": SAMPLES, "times": times}, repeats
    )
    for name, of, times, repeats in (("sphere", Sphere(1.0), ROUND, 300), ("torus", Torus(2.0, 1.0), TUBE, 200))
)
# what counts may be off by: 1/128 by the places of the sum, and as the square of the scatter of slopes, 0.04 at most
COUNTED_TO = 0.02
LIMIT = "the limit, but for order 1/m"
OFF = "the limit is off at this D and m"
LINES = {
    "one": curve(CASES["one"], "mean_retained", 25),
    "two": curve(CASES["two"], "mean_retained", 25),
    "few": curve(FEW, "gap_width", 25),
    "edges": curve(EDGES["edges"], "gap_width", 25),
}


def apart(setting: Setting) -> list[tuple[float, Setting]]:
    """The share of each variance, and the setting whose spectrum its columns alone would have."""
    manifold = setting.manifold
    m = manifold.intrinsic_dimension
    alone = [(Subspace(k.variance * k.dimension / m, k.dimension),) for k in manifold.subspaces]
    return [
        (parts[0].dimension / m, setting.at(manifold=LinearManifold(parts, manifold.ambient_dimension)))
        for parts in alone
    ]


def union(observable: str, setting: Setting) -> Array:
    """A mean over eigenvalues, by the laws of Marchenko and Pastur of each variance alone."""
    return np.asarray(sum(share * getattr(prediction, observable)(one) for share, one in apart(setting)))


def union_count(setting: Setting) -> Array:
    """How many eigenvalues lie above t by those."""
    return np.asarray(sum(prediction.estimated_dimension(one) for _, one in apart(setting)))


def union_latent(setting: Setting) -> Array:
    """What each keeps of its own coordinates."""
    return np.column_stack([prediction.mean_retained(one) for _, one in apart(setting)])


def orthogonal(setting: Setting) -> float:
    """The only eigenvalue of orthogonal columns of the least variance, c lambda."""
    manifold = setting.manifold
    return float(manifold.variances.min() * manifold.ambient_dimension / manifold.intrinsic_dimension)


def orthogonal_highest(setting: Setting) -> float:
    """That of the largest."""
    return orthogonal(setting) * float(setting.manifold.variances.max() / setting.manifold.variances.min())


def orthogonal_gap(setting: Setting) -> Array:
    """The gap that they leave."""
    return np.asarray(orthogonal(setting) / (orthogonal(setting) + setting.t))


def spread(setting: Setting) -> Array:
    """A bound of the next order of the mean of f = s/(s + t), shape (T,).

    For real entries and one variance it is [(f(s_-) + f(s_+))/2 - E f]/2m, E over the arcsine law between the edges: at most a
    quarter of f(s_+) - f(s_-), over m.
    """
    lowest, highest = prediction.edge_lowest(setting), prediction.edge_highest(setting)
    width = highest / (highest + setting.t) - lowest / (lowest + setting.t)
    return np.asarray(width / (4 * setting.manifold.intrinsic_dimension))


def spread_latent(setting: Setting) -> Array:
    """The same for the coordinates of each variance, shape (T, K)."""
    return np.repeat(spread(setting)[:, None], setting.manifold.variances.size, axis=1)


def spread_flipd(setting: Setting) -> Array:
    """The same for the sum over eigenvalues of f = 1 - (t/(s + t))^2, which rises with s too."""
    lowest, highest = (
        setting.t / (edge(setting) + setting.t) for edge in (prediction.edge_highest, prediction.edge_lowest)
    )
    return np.asarray((highest**2 - lowest**2) / 4)


def union_flipd(setting: Setting) -> Array:
    """What FLIPD makes of those laws."""
    return np.asarray(sum(prediction.flipd_dimension(one) for _, one in apart(setting)))


def shift(setting: Setting, edge: int) -> float:
    """How far the mean extreme eigenvalue is from its edge, 0 or -1, at most: to leading order, and m^(-1/3) of it for the next.

    The centring constants of Johnstone (Ann. Stat. 29 (2001) 295), with D - 1/2 and m - 1/2, are of that order.
    """
    return float(prediction.edge_shifts(setting)[edge] * (1 + setting.manifold.intrinsic_dimension ** (-1 / 3)))


def gap_shift(setting: Setting) -> Array:
    """What the shift of the least eigenvalue makes of the gap, at most, for the gap bends down."""
    return np.asarray(shift(setting, 0) * setting.t / (prediction.edge_lowest(setting) + setting.t) ** 2)


def claims() -> list[Claim]:
    """Averages over the spectrum, what the coordinates keep, the edges and the gap, and an edge at small m."""
    return [
        *(_mean(name) for name in CASES),
        *(_count(name) for name in CASES),
        *(_flipd(name) for name in CASES),
        compare(
            CASES["two"],
            "latent_retained",
            wrong("each variance by itself", union_latent),
            LIMIT,
            allowed_bias=evaluated(spread_latent, CASES["two"].setting),
        ),
        *(claim for at in EDGES.values() for claim in _edges(at)),
        *_gap(EDGES["edges"]),
        compare(
            FEW,
            "edge_lowest",
            wrong("columns that are orthogonal", orthogonal),
            OFF,
            expected="disagrees",
            headline=True,
        ),
        *_surfaces(),
    ]


def nearby(t: tuple[float, ...], area: float) -> Array:
    """The participation of samples on a surface at one of its points, A/(4 pi t N).

    On a plane what the covariance under weights is off by, to order 1/N, is -1/2 of it for their mean and +1/2 for their norm.
    The whole of it is allowed.
    """
    return np.asarray(area / (4 * np.pi * np.array(t) * SAMPLES))


def as_a_sphere(t: tuple[float, ...], area: float) -> Array:
    """What is retained of a surface of Euler characteristic 2, to first order."""
    return np.asarray(2 - 4 * np.pi * np.array(t) / area)


def _surfaces() -> list[Claim]:
    """Curved data: what the score of samples retains at their points, and how many dimensions it counts."""
    sphere, torus = 4 * np.pi, 8 * np.pi**2
    retained, counted = "mean_retained", "estimated_dimension"
    flat, far = Control("a plane", 2.0), slice(1, None)
    of_sphere = wrong("that of a sphere of its area", as_a_sphere, TUBE[:2], torus)
    larger = wrong("a radius larger by a tenth", over_surfaces.counted_about_a_sphere, ROUND[far], 1.1)
    on_sphere = evaluated(over_surfaces.on_a_sphere, ROUND, 1.0)
    on_torus = evaluated(over_surfaces.on_a_torus, TUBE[:2], 2.0, 1.0)
    about = evaluated(over_surfaces.counted_about_a_sphere, ROUND[far], 1.0)
    in_tube = evaluated(over_surfaces.counted_on_a_torus, TUBE[far], 2.0, 1.0)
    lost, kept = (
        "t/R^2 of two dimensions is lost at clean points",
        "the curvature of a torus is 0 in the mean: next to none is",
    )
    return [
        _surface(ON_SPHERE, retained, lost, slice(None), on_sphere, flat, evaluated(nearby, ROUND, sphere)),
        _surface(ON_SPHERE, counted, "at noised points", far, about, larger, COUNTED_TO, measured="noised_dimension"),
        _surface(ON_TORUS, retained, kept, slice(2), on_torus, of_sphere, evaluated(nearby, TUBE[:2], torus)),
        _surface(ON_TORUS, counted, "at clean points", far, in_tube, flat, COUNTED_TO),
    ]


def _surface(
    of: Experiment,
    observable: str,
    statement: str,
    times: slice,
    predicted: Evaluation,
    control: Control,
    bias: Evaluation | float,
    *,
    measured: str = "",
) -> Claim:
    name = of.name.rpartition(".")[2]
    return Claim(
        name=f"{of.name}.{observable}",
        statement=f"{observable} of {SAMPLES} samples on a {name} in R^10: {statement}",
        observable=observable,
        coordinates={"time": np.array(of.arguments["times"][times])},
        experiments=(of,),
        measured=Picked(measured or observable, times),
        predicted=predicted,
        control=control,
        allowed_bias=bias,
    )


def _against(name: str, function: Callable[..., Array], *arguments: str) -> Control:
    """The union of laws; of one variance, which has a law alone, that of columns longer by a tenth."""
    setting = CASES[name].setting
    if name == "two":
        return wrong("the union of two laws", function, *arguments, setting)
    longer = LinearManifold((Subspace(1.1, 50),), setting.manifold.ambient_dimension)
    return wrong("lambda off by 10 %", function, *arguments, setting.at(manifold=longer))


def _mean(name: str) -> Claim:
    return compare(
        CASES[name],
        "mean_retained",
        _against(name, union, "mean_retained"),
        LIMIT,
        allowed_bias=evaluated(spread, CASES[name].setting),
        headline=True,
    )


def _flipd(name: str) -> Claim:
    at = CASES[name]
    return compare(
        at, "flipd_dimension", _against(name, union_flipd), LIMIT, allowed_bias=evaluated(spread_flipd, at.setting)
    )


def _count(name: str) -> Claim:
    at, times = CASES[name], COUNTED[name]
    control = _against(name, union_count)
    assert isinstance(control.value, Evaluation)
    (setting,) = control.value.arguments
    return compare(
        at,
        "estimated_dimension",
        wrong(control.description, union_count, setting.at(times=setting.times[times])),
        "the limit, but for a quarter of an eigenvalue",
        times=times,
        allowed_bias=0.25,  # of `spread`, where f steps from 0 to 1: m times 1/4m
    )


def _edges(at: Case) -> list[Claim]:
    return _shifted(
        at,
        "the limit, but for the shift of order m^(-2/3) of the extreme eigenvalue",
        ("edge_lowest", orthogonal, evaluated(shift, at.setting, 0)),
        ("edge_highest", orthogonal_highest, evaluated(shift, at.setting, -1)),
    )


def _gap(at: Case) -> list[Claim]:
    return _shifted(
        at,
        "the limit, but for the shift of the least eigenvalue",
        ("gap_width", orthogonal_gap, evaluated(gap_shift, at.setting)),
        ("gap_opening_time", orthogonal, evaluated(shift, at.setting, 0)),
    )


def _shifted(at: Case, reason: str, *of: tuple[str, Any, Evaluation]) -> list[Claim]:
    """Observables with their controls and what they are shifted by."""
    return [
        compare(at, observable, wrong("columns that are orthogonal", control), reason, allowed_bias=bias)
        for observable, control, bias in of
    ]


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [part for line in LINES.values() for part in line]


def figures(done: Done) -> list[Figure]:
    """What is retained against t, the density of two variances, and the gap to the normals against t."""
    with draw.style():
        figure, axes = draw.canvas(3)
        _retained(axes[0], done)
        _density(axes[1])
        _gaps(axes[2], done)
    one, two = (str(at.setting.manifold) for at in CASES.values())
    caption = (
        "Data $x = Fz$ with a random $F$, exact score. Left: the mean of $s/(s + t)$ over the nonzero eigenvalues $s$ of "
        f"$FF^T$ for {one} (above) and {two}; dashed, for the second, the union of two Marchenko-Pastur laws. Middle: the "
        "density of $\\log s$ for the second, and that union. Right: the gap between the normals' eigenvalue of $-tJ$ and the "
        f"tangents', for {EDGES['edges'].setting.manifold} and for {FEW.setting.manifold}, where the least eigenvalue is not at "
        "the edge. Error bars: one standard error over data sets."
    )
    return [Figure("spectral_gap", caption, figure)]


def _retained(axis: Axes, done: Done) -> None:
    for series, name in enumerate(CASES):
        said = ("limit", None, "simulation") if not series else (None, None, None)
        times, _ = over_times(axis, done, CASES[name], LINES[name], limit=False, said=said, series=2 * series)
    draw.control(axis, times, union("mean_retained", CASES["two"].setting.at(times=times)), "union of two laws")
    draw.logarithmic(axis)
    axis.set(xlabel="noise variance $t$", ylabel="mean retained", ylim=(0, 1.02))
    draw.legend(axis)


def _density(axis: Axes) -> None:
    setting = CASES["two"].setting
    s = np.geomspace(0.02, 6.0, 800)
    draw.theory(axis, s, s * prediction.density(setting, s), "limit", series=2)
    draw.control(
        axis, s, s * np.sum([share * prediction.density(one, s) for share, one in apart(setting)], axis=0), "union"
    )
    draw.logarithmic(axis)
    axis.set(xlabel="eigenvalue $s$ of $FF^T$", ylabel=r"density of $\log s$", ylim=(0, None))
    draw.legend(axis)


def _gaps(axis: Axes, done: Done) -> None:
    for series, at in enumerate((EDGES["edges"], FEW)):
        name = at.experiment.name.rpartition(".")[2]
        said = (f"limit, m = {at.setting.manifold.intrinsic_dimension}", None, "simulation" if series else None)
        over_times(axis, done, at, LINES[name], limit=False, said=said, series=2 * series)
    draw.logarithmic(axis)
    axis.set(xlabel="noise variance $t$", ylabel="gap to the normals", ylim=(0, 1.02))
    draw.legend(axis)
