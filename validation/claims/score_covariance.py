"""Claims of score_covariance: the re-weighted PCA, for Gaussian data, a mixture, and a data set; its averages over x."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from numerics import data
from numerics.experiments import score_covariance as experiment
from numerics.measurement import Measurement
from theory.predictions import kl_bound
from theory.predictions import score_covariance as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure

__all__ = ["claims", "figures"]

Array = NDArray[np.float64]
SAMPLES = 5_000
T = 0.5
MANIFOLD = Setting.of("1.0x1,0.3x1", samples=SAMPLES).manifold
POINTS = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.8, 0.0], [0.7, -0.8]])
MIXTURE = data.Mixture(
    weights=(0.5, 0.3, 0.2),
    means=((-1.5, 0.0), (1.0, 0.7), (0.8, -1.2)),
    factors=(((0.5, 0.0), (0.2, 0.3)), ((0.3, 0.0), (0.0, 0.6)), ((0.1, 0.0), (0.3, 0.1))),
)
MIXTURE_POINTS = np.array([[-1.0, 0.2], [0.0, 0.0], [0.9, 0.5]])
AVERAGED = Setting.of("1.0x2,0.3x1", samples=2000, times=np.array([2.0, 4.0, 8.0]))


@cache
def digits() -> data.Resampled:
    """scikit-learn's digits on their two leading principal axes, a distribution of 1797 atoms."""
    _, samples = data.load("digits")
    centred = samples - samples.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    return data.Resampled(centred @ axes.T)


def _at_points(
    name: str, draw_data: Callable[[int, np.random.Generator], Array], points: Array, t: float
) -> Experiment:
    arguments = {"draw_data": draw_data, "points": points, "t": t, "samples": SAMPLES}
    return Experiment(f"score_covariance.{name}", experiment.scatter, arguments, 3000)


@cache
def experiments() -> dict[str, Experiment]:
    """Everything measured here."""
    gaussian = partial(data.draw, Setting(MANIFOLD))
    atoms = digits().samples
    return {
        "gaussian": _at_points("gaussian", gaussian, POINTS, T),
        "mixture": _at_points("mixture", MIXTURE, MIXTURE_POINTS, T),
        "digits": _at_points("digits", digits(), atoms[[0, 500, 1000]] / 2, 60.0),
        "averaged": Experiment("score_covariance.averaged", experiment.measure, {"setting": AVERAGED}, 800),
    }


def claims() -> list[Claim]:
    """Three laws at given points, the two-point kernel, and three averages over x."""
    atoms = digits().samples
    gaussian = {
        "weights": np.ones(1),
        "means": np.zeros((1, 2)),
        "covariances": np.diag(MANIFOLD.spectrum)[None],
    }
    plug_in: dict[str, Any] = {"weights": np.full(len(atoms), 1 / len(atoms)), "means": atoms}
    return [
        _covariance("gaussian", POINTS, partial(prediction.covariance, manifold=MANIFOLD), gaussian, T),
        _covariance(
            "mixture",
            MIXTURE_POINTS,
            partial(prediction.mixture_covariance, **MIXTURE.parts()),
            MIXTURE.parts(),
            T,
        ),
        _covariance(
            "digits",
            atoms[[0, 500, 1000]] / 2,
            partial(prediction.mixture_covariance, **plug_in),
            plug_in,
            60.0,
        ),
        _kernel(),
        *(_average(*rest) for rest in _averages()),
    ]


def _covariance(name: str, points: Array, S: Callable[[Array, float], Array], law: dict[str, Any], t: float) -> Claim:
    P, D = points.shape

    def predict() -> Array:
        return np.array([S(x, t) for x in points])

    def diagonal(v: Array) -> Array:
        return np.array([v[p, :, p, :] for p in range(P)])

    return Claim(
        name=f"score_covariance.{name}",
        statement=f"N Cov of the score at {P} points is the PCA re-weighted with t/2 ({name} data, N = {SAMPLES}, t = {t:g})",
        observable="covariance",
        coordinates={
            "point": np.arange(P)[:, None, None],
            "row": np.arange(D)[:, None],
            "column": np.arange(D),
        },
        experiment=experiments()[name],
        measured=lambda r: Measurement(diagonal(r["value"].mean), diagonal(r["value"].sem), r["value"].n),
        predict=predict,
        control=Control("t/2 replaced by t", lambda _: [prediction.reweighted_pca(x, t, t, **law) for x in points]),
        # the next order of the delta method is 1/N_eff; N_eff is above 500 at these points
        allowed_bias=lambda: 1e-2 * np.linalg.norm(np.einsum("pii->pi", predict()), axis=1)[:, None, None],
    )


def _kernel() -> Claim:
    firsts = POINTS[0]

    def predict(stretch: float) -> Array:
        return np.array([prediction.kernel(firsts, firsts + stretch * (x - firsts), T, MANIFOLD) for x in POINTS[:4]])

    def pick(r: Results) -> Measurement:
        m = r["value"]
        mean, sem = (np.array([[v[0, k, p, k] for k in range(2)] for p in range(4)]) for v in (m.mean, m.sem))
        return Measurement(mean, sem, m.n)

    return Claim(
        name="score_covariance.kernel",
        statement="the noise of the score is correlated over a length of order sqrt(t): N Cov(s^(0), s^(x)) along an axis",
        observable="kernel",
        coordinates={"distance": np.linalg.norm(POINTS[:4], axis=1)[:, None], "direction": np.arange(2)},
        experiment=experiments()["gaussian"],
        measured=pick,
        predict=lambda: predict(1.0),
        control=Control("correlation length sqrt(t), not sqrt(2t)", lambda _: predict(np.sqrt(2.0))),
        allowed_bias=lambda: 1e-2 * np.abs(predict(1.0)).max(),
    )


def _averages() -> list[tuple[str, str, str, Callable[[], Array]]]:
    annealed, typical = prediction.effective_samples_annealed, prediction.effective_samples_typical

    def noise_of_all() -> Array:  # what R = 1 would make of the noise
        return prediction.noise_variance_annealed(AVERAGED) * (annealed(AVERAGED) / AVERAGED.samples)[:, None]

    return [
        ("effective_samples_annealed", "1/E Y2", "annealed replaced by typical", lambda: typical(AVERAGED)),
        ("effective_samples_typical", "exp E log 1/Y2", "typical replaced by annealed", lambda: annealed(AVERAGED)),
        ("noise_variance_annealed", "E (s^_k - s_k)^2", "all N samples effective, R = 1", noise_of_all),
    ]


def _average(observable: str, statement: str, description: str, wrong: Callable[[], Array]) -> Claim:
    evaluate = getattr(prediction, observable)
    coordinates: dict[str, Any] = {"time": AVERAGED.times}
    if observable.startswith("noise"):
        coordinates = {"time": AVERAGED.times[:, None], "subspace": np.arange(2)}

    def bias() -> Array:  # points with few effective samples, and the next order at the others
        share = kl_bound.rare_share(AVERAGED) + 2 / prediction.effective_samples_annealed(AVERAGED)
        predicted = evaluate(AVERAGED)
        return predicted * (share if predicted.ndim == 1 else share[:, None])

    return Claim(
        name=f"score_covariance.{observable}",
        statement=f"{statement} at fresh x for {AVERAGED.manifold}, N = {AVERAGED.samples}",
        observable=observable,
        coordinates=coordinates,
        experiment=experiments()["averaged"],
        measured=lambda r: r[observable],
        predict=lambda: evaluate(AVERAGED),
        control=Control(description, lambda _: wrong()),
        allowed_bias=bias,
    )


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """Covariance ellipses at points of the plane, and the two-point kernel."""
    with draw.style():
        figure, axes = draw.canvas(2)
        _ellipses(axes[0], results["score_covariance.mixture"]["value"].mean)
        _kernel_panel(axes[1], results["score_covariance.gaussian"])
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
    h = np.linspace(0, 2.2, 60)
    m = results["value"]
    for k, label in enumerate(("component along $h$", "across")):
        line = np.array([prediction.kernel(POINTS[0], np.array([d, 0.0]), T, MANIFOLD)[k] for d in h])
        draw.theory(axis, h, line / line[0], f"theory, {label}", series=k)
        short = np.array([prediction.kernel(POINTS[0], np.array([d * 2**0.5, 0.0]), T, MANIFOLD)[k] for d in h])
        draw.control(axis, h, short / line[0], r"control, length $\sqrt{t}$" if k == 0 else None)
        mean, sem = ([v[0, k, p, k] / line[0] for p in range(4)] for v in (m.mean, m.sem))
        draw.measured(axis, np.linalg.norm(POINTS[:4], axis=1), mean, sem, "simulation" if k == 0 else None, series=k)
    axis.axhline(0, color="0.85", zorder=0)
    axis.set(xlabel="distance $h$ (data units)", ylabel="$G_t(0, h) / G_t(0, 0)$", ylim=(-0.55, 1.1))
    draw.legend(axis)
