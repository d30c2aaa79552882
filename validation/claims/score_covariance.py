"""Claims of score_covariance: the re-weighted PCA, for Gaussian data, a mixture, and a data set; its averages over x."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from numerics import data
from numerics.experiments import score_covariance as experiment
from numerics.measurement import Measurement
from numerics.sampling import How
from theory.predictions import kl_bound
from theory.predictions import score_covariance as prediction
from theory.setting import LinearManifold, Setting
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import MILD, cases, compare, evaluated, off, wrong
from validation.job import Evaluation, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]
SAMPLES = 5_000
T, T_DIGITS = 0.5, 60.0
MANIFOLD = LinearManifold.parse("1.0x1,0.3x1")
POINTS = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.8, 0.0], [0.7, -0.8]])
MIXTURE = data.Mixture(
    weights=(0.5, 0.3, 0.2),
    means=((-1.5, 0.0), (1.0, 0.7), (0.8, -1.2)),
    factors=(((0.5, 0.0), (0.2, 0.3)), ((0.3, 0.0), (0.0, 0.6)), ((0.1, 0.0), (0.3, 0.1))),
)
MIXTURE_POINTS = np.array([[-1.0, 0.2], [0.0, 0.0], [0.9, 0.5]])
AVERAGED = cases(
    prediction,
    experiment.measure,
    {"averaged": (800, Setting.of("1.0x2,0.3x1", samples=2000, times=[2.0, 4.0, 8.0]))},
)["averaged"]
AVERAGES = cases(prediction, experiment.measure, {"mild": (900, MILD)})["mild"]
LENGTHS = cases(
    prediction,
    experiment.measure_overlap,
    {"overlap": (300, Setting.of("1.0x1,0.3x1", samples=20_000, times=[0.2, 0.5]))},
)["overlap"]
ANNEALED, TYPICAL = prediction.effective_samples_annealed, prediction.effective_samples_typical


ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
PATHS = {  # closed, of points a fraction of the correlation length apart
    "gaussian": 0.8 * np.column_stack([np.cos(ANGLES), 0.6 * np.sin(ANGLES)]),
    "mixture": np.concatenate(
        [
            m + np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])[::3] @ np.array(f).T
            for m, f in zip(MIXTURE.means, MIXTURE.factors, strict=True)
        ]
    ),
}
T_PATH, SAMPLES_PATH = 0.1, 4_000
COARSE = "the covariance of R data sets is known to sqrt(2/R); its size is claimed along a path"
LAWS = {"gaussian": (5, T), "mixture": (3, T), "digits": (3, T_DIGITS)}  # points and noise of each


@cache
def digits() -> data.Resampled:
    """scikit-learn's digits on their two leading principal axes, a distribution of 1797 atoms."""
    _, samples = data.load("digits")
    centred = samples - samples.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    return data.Resampled(centred @ axes.T)


class Law(NamedTuple):
    """What data are drawn from, where the score is looked at, and the law as a mixture of Gaussians or atoms."""

    draw_data: Callable[[int, np.random.Generator], Array]
    points: Array
    t: float
    parts: dict[str, Any]


def law(name: str) -> Law:
    """One of three laws, by name; the digits are read only when they are asked for."""
    if name == "gaussian":
        parts = {"weights": np.ones(1), "means": np.zeros((1, 2)), "covariances": np.diag(MANIFOLD.spectrum)[None]}
        return Law(partial(data.draw, Setting(MANIFOLD)), POINTS, T, parts)
    if name == "mixture":
        return Law(MIXTURE, MIXTURE_POINTS, T, MIXTURE.parts())
    atoms = digits()
    plug_in = {"weights": np.full(len(atoms.samples), 1 / len(atoms.samples)), "means": atoms.samples}
    return Law(atoms, atoms.samples[[0, 500, 1000]] / 2, T_DIGITS, plug_in)


def scatter(name: str, **how: Unpack[How]) -> Measurement:
    """The scatter of scores at points, N = SAMPLES, of a law."""
    of = law(name)
    return experiment.scatter(of.draw_data, of.points, of.t, SAMPLES, **how)


SCATTERS = {name: Experiment(f"score_covariance.{name}", scatter, {"name": name}, 3000) for name in LAWS}


def on_path(name: str) -> Law:
    """The law, looked at along its path."""
    return law(name)._replace(points=PATHS[name], t=T_PATH)


def along(name: str, **how: Unpack[How]) -> dict[str, Measurement]:
    """The scatter along a path, as numbers."""
    of = on_path(name)
    return experiment.scatter_along(of.draw_data, of.points, of.t, SAMPLES_PATH, **how)


ALONG = {name: Experiment(f"score_covariance.path.{name}", along, {"name": name}, 8500) for name in PATHS}


def size(name: str) -> float:
    """The trace of the covariance, averaged along the path of a law."""
    return _mean_trace(_covariances(name, on_path(name)))


def size_at_full_noise(name: str) -> float:
    """The same with t in place of t/2."""
    return _mean_trace(_at_full_noise(on_path(name)))


def neighbours(stretch: float) -> float:
    """The trace of the kernel between neighbours, averaged along the path, at `stretch` times their distance."""
    path = PATHS["gaussian"]
    pairs = zip(path, np.roll(path, 1, axis=0), strict=True)
    return float(np.mean([prediction.kernel(x, x + stretch * (y - x), T_PATH, MANIFOLD).sum() for x, y in pairs]))


def covariance(name: str) -> Array:
    """The prediction for a law, shape (P, D, D)."""
    return _covariances(name, law(name))


def _covariances(name: str, of: Law) -> Array:
    if name == "gaussian":
        return np.array([prediction.covariance(x, of.t, manifold=MANIFOLD) for x in of.points])
    return np.array([prediction.mixture_covariance(x, of.t, **of.parts) for x in of.points])


def at_full_noise(name: str) -> Array:
    """The PCA re-weighted with t in place of t/2."""
    return _at_full_noise(law(name))


def _at_full_noise(of: Law) -> Array:
    return np.array([prediction.reweighted_pca(x, of.t, of.t, **of.parts) for x in of.points])


def _mean_trace(matrices: Array) -> float:
    return float(np.trace(matrices, axis1=1, axis2=2).mean())


def next_order(name: str) -> Array:
    """Of the delta method, 1/N_eff; N_eff is above 500 at these points."""
    return 1e-2 * np.linalg.norm(np.einsum("pii->pi", covariance(name)), axis=1)[:, None, None]


def kernel(stretch: float) -> Array:
    """N Cov(s^(0), s^(x)) along the axes, x at `stretch` times the distance, shape (4, 2)."""
    first = POINTS[0]
    return np.array([prediction.kernel(first, first + stretch * (x - first), T, MANIFOLD) for x in POINTS[:4]])


def hundredth_of_kernel() -> float:
    """One per cent of its largest value."""
    return float(1e-2 * np.abs(kernel(1.0)).max())


def noise_of_all(setting: Setting) -> Array:
    """What R = 1 would make of the noise."""
    return prediction.noise_variance_annealed(setting) * (ANNEALED(setting) / setting.samples)[:, None]


def few_effective(observable: str, setting: Setting) -> Array:
    """How far an average is off for points with few effective samples, and by the next order at the others."""
    share = kl_bound.rare_share(setting) + 2 / ANNEALED(setting)
    predicted = getattr(prediction, observable)(setting)
    return np.asarray(predicted * (share if predicted.ndim == 1 else share[:, None]))


def same_point(results: Results) -> Measurement:
    """The covariance at each point, shape (P, D, D)."""
    return results["value"].each(lambda a: np.einsum("pipj->pij", a))


def with_origin(results: Results) -> Measurement:
    """The covariance of each component at the origin with the same at four points, shape (4, 2)."""
    return results["value"].each(lambda a: np.einsum("ipi->pi", a[0][:, :4]))


def claims() -> list[Claim]:
    """Three laws at given points, the two-point kernel, and three averages over x."""
    return [
        *(_covariance(name, points, t) for name, (points, t) in LAWS.items()),
        _kernel(),
        *(
            _along(name, "size", evaluated(size, name), wrong("t/2 replaced by t", size_at_full_noise, name))
            for name in PATHS
        ),
        _along(
            "gaussian", "neighbours", evaluated(neighbours, 1.0), wrong("no distance between them", neighbours, 0.0)
        ),
        compare(
            LENGTHS, "correlation_length", off(1.2, prediction.correlation_length, LENGTHS.setting), "of two weights"
        ),
        compare(AVERAGES, "noise_variance_annealed", off(1.2, prediction.noise_variance_annealed, MILD), bias=0.0035),
        _average("effective_samples_annealed", "1/E Y2", wrong("annealed replaced by typical", TYPICAL)),
        _average("effective_samples_typical", "exp E log 1/Y2", wrong("typical replaced by annealed", ANNEALED)),
        _average("noise_variance_annealed", "E (s^_k - s_k)^2", wrong("all N samples effective, R = 1", noise_of_all)),
    ]


def _covariance(name: str, points: int, t: float) -> Claim:
    return Claim(
        name=f"score_covariance.{name}",
        statement=f"N Cov of the score at {points} points is the PCA re-weighted with t/2 ({name}, N = {SAMPLES}, t = {t:g})",
        observable="covariance",
        coordinates={"point": np.arange(points)[:, None, None], "row": np.arange(2)[:, None], "column": np.arange(2)},
        experiments=(SCATTERS[name],),
        measured=same_point,
        predicted=evaluated(covariance, name),
        control=wrong("t/2 replaced by t", at_full_noise, name),
        allowed_bias=evaluated(next_order, name),
        headline=name == "gaussian",
        coarse=COARSE,
    )


def _along(name: str, what: str, predicted: Evaluation, control: Control) -> Claim:
    observable = {"gaussian.neighbours": "kernel", "mixture.size": "mixture_covariance"}
    return Claim(
        name=f"score_covariance.path.{name}.{what}",
        statement=f"the trace of N Cov of the score, of {len(PATHS[name])} points along a path with "
        f"{'themselves' if what == 'size' else 'the next'} ({name}, N = {SAMPLES_PATH}, t = {T_PATH:g})",
        observable=observable.get(f"{name}.{what}", "covariance"),
        coordinates={},
        experiments=(ALONG[name],),
        measured=Picked(what),
        predicted=predicted,
        control=control,
        relative_bias=0.003,  # of the next order, 1/N_eff
    )


def _kernel() -> Claim:
    return Claim(
        name="score_covariance.kernel",
        statement="the noise of the score is correlated over a length of order sqrt(t): N Cov(s^(0), s^(x)) along an axis",
        observable="kernel",
        coordinates={"distance": np.linalg.norm(POINTS[:4], axis=1)[:, None], "direction": np.arange(2)},
        experiments=(SCATTERS["gaussian"],),
        measured=with_origin,
        predicted=evaluated(kernel, 1.0),
        control=wrong("correlation length sqrt(t), not sqrt(2t)", kernel, np.sqrt(2.0)),
        allowed_bias=evaluated(hundredth_of_kernel),
        coarse=COARSE,
    )


def _average(observable: str, statement: str, control: Control) -> Claim:
    bias = evaluated(few_effective, observable, AVERAGED.setting)
    coarse = "few directions at few effective samples" if observable == "noise_variance_annealed" else ""
    return compare(AVERAGED, observable, control, statement, name=observable, allowed_bias=bias, coarse=coarse)


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return []


def figures(done: Done) -> list[Figure]:
    """Covariance ellipses at points of the plane, and the two-point kernel."""
    with draw.style():
        figure, axes = draw.canvas(2)
        _ellipses(axes[0], done["score_covariance.mixture"]["value"].mean)
        _kernel_panel(axes[1], done["score_covariance.gaussian"])
    caption = (
        f"Left: covariance of the empirical score at three points (crosses) for a mixture of three Gaussians (dots: samples), "
        f"drawn as ellipses of one standard deviation, rescaled; $t = {T}$, $N = {SAMPLES}$ (samples per data set). Right: "
        f"covariance of the score at the origin with the score at distance $h$ along the first axis, relative to $h = 0$, for "
        f"{MANIFOLD}. Units of the data throughout; error bars: one standard error over data sets."
    )
    return [Figure("score_covariance", caption, figure)]


def _ellipses(axis: Axes, found: Array) -> None:
    samples = MIXTURE(400, np.random.default_rng(0))
    axis.plot(*samples.T, ".", color="0.8", markersize=2, zorder=0)
    parts = MIXTURE.parts()
    for p, x in enumerate(MIXTURE_POINTS):
        right = prediction.mixture_covariance(x, T, **parts)
        wrong = prediction.reweighted_pca(x, T, T, **parts)
        size = 0.5 / np.sqrt(np.trace(right))
        names = ("theory, $t/2$", "control, $t$", "simulation") if p == 0 else (None, None, None)
        drawn, dashed, dots = (_ellipse(x, S, size) for S in (right, wrong, found[p, :, p, :]))
        draw.theory(axis, drawn[0], drawn[1], names[0])
        draw.control(axis, dashed[0], dashed[1], names[1])
        axis.plot(dots[0, ::6], dots[1, ::6], "o", color=draw.COLOURS[1], mfc="white", ms=3, label=names[2])
        axis.plot(*x, "+", color="black")
    axis.set(xlabel="$x_1$ (data units)", ylabel="$x_2$", aspect="equal", xlim=(-3, 2.6), ylim=(-2.1, 2.1))
    draw.legend(axis)


def _ellipse(centre: Array, S: Array, size: float) -> Array:
    angle = np.linspace(0, 2 * np.pi, 97)
    return centre[:, None] + size * np.linalg.cholesky(S) @ np.array([np.cos(angle), np.sin(angle)])


def _kernel_panel(axis: Axes, results: Results) -> None:
    h, m = np.linspace(0, 2.2, 60), with_origin(results)

    def along(stretch: float) -> Array:
        return np.array([prediction.kernel(POINTS[0], np.array([d * stretch, 0.0]), T, MANIFOLD) for d in h])

    line, short = along(1.0), along(2**0.5)
    for k, label in enumerate(("component along $h$", "across")):
        first = line[0, k]
        draw.theory(axis, h, line[:, k] / first, f"theory, {label}", series=k)
        draw.control(axis, h, short[:, k] / first, r"control, length $\sqrt{t}$" if k == 0 else None)
        mean, sem = m.mean[:, k] / first, m.sem[:, k] / first
        draw.measured(axis, np.linalg.norm(POINTS[:4], axis=1), mean, sem, "simulation" if k == 0 else None, series=k)
    axis.axhline(0, color="0.85", zorder=0)
    axis.set(xlabel="distance $h$ (data units)", ylabel="$G_t(0, h) / G_t(0, 0)$", ylim=(-0.55, 1.1))
    draw.legend(axis)
