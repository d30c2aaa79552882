"""`python docs/real_data.py`: draw the figure of docs/real_data.md and print its numbers, in a few minutes.

Samples on a circle, and the handwritten digits of scikit-learn: what the estimator LED-KDE holds, beside what the reverse process
generates with the same smoothed score, stopped at the same noise variance t.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from numerics.arrays import stream
from numerics.langevin import langevin
from numerics.memorized import fraction, memorized
from numerics.reverse import flow, grid
from numerics.scores import Smoothed
from validation.report import figures as draw

HERE = Path(__file__).parent
Floats = NDArray[np.float64]

FARTHEST, STEPS = 1e3, 60  # where generation starts, and steps down to t
LANGEVIN = 200  # steps of Langevin's equation, of a quarter of t
ON_CIRCLE, CIRCLE_T, CIRCLE_SHIFTS = 20, 0.003, 64
CIRCLE_BANDWIDTHS = (0.001, 0.003, 0.01, 0.03, 0.1)
SHOWN, REACH = 0.03, 1.4  # the bandwidth whose points are drawn, and half the square they are drawn in
DIGITS_T, DIGITS_SHIFTS = 0.05, 16
DIGITS_BANDWIDTHS = (0.1, 0.2, 0.4, 0.7, 1.0)
IMAGES = (0.1, 0.7, 1.0)  # bandwidths whose digits are shown


def main() -> None:
    """Draw and print all."""
    circle, digits = _circle(), _digits()
    round_it = {h: _of_the_circle(circle, h) for h in CIRCLE_BANDWIDTHS}
    of_digits = {h: _of_the_digits(digits, h) for h in DIGITS_BANDWIDTHS}
    with draw.style():
        figure, axes = draw.canvas(3, 2)
        for axis, (title, points) in zip(axes[0], round_it[SHOWN].items(), strict=True):
            _scatter(axis, circle, points, title)
        axes[0, 0].legend(loc="center")
        _against_bandwidth(axes[1, 0], round_it, circle, CIRCLE_T, "circle")
        _against_bandwidth(axes[1, 1], of_digits, digits, DIGITS_T, "digits")
        _faces(axes[1, 2], {h: of_digits[h]["reverse process"][:8] for h in IMAGES}, digits)
    figure.savefig(HERE / "images/real_data.svg")


def _circle() -> Floats:
    angle = stream(0, "circle").uniform(0, 2 * np.pi, ON_CIRCLE)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _digits() -> Floats:
    """In units of which a pixel has variance 1 on average."""
    data = load_digits().data
    return np.asarray(data / (data - data.mean(axis=0)).std())


def _of_the_circle(data: Floats, h: float) -> dict[str, Floats]:
    """Points of LED-KDE, of the reverse process, and of a plain KDE as wide as both kernels, each at t."""
    score, noised = Smoothed(data, h, CIRCLE_SHIFTS), _noised(data, CIRCLE_T + h, 500)
    return {
        "LED-KDE": _by_langevin(score, noised, CIRCLE_T),
        "reverse process": _generated(score, *noised.shape, CIRCLE_T),
        "plain KDE": noised,
    }


def _of_the_digits(data: Floats, h: float) -> dict[str, Floats]:
    """Points of LED-KDE and of the reverse process, at t."""
    score, noised = Smoothed(data, h, DIGITS_SHIFTS), _noised(data, DIGITS_T + h, 100)
    return {
        "LED-KDE": _by_langevin(score, noised, DIGITS_T),
        "reverse process": _generated(score, *noised.shape, DIGITS_T),
    }


def _noised(data: Floats, variance: float, count: int) -> Floats:
    random = stream(0, "noised", variance)
    return data[random.integers(len(data), size=count)] + variance**0.5 * random.standard_normal((count, data.shape[1]))


def _by_langevin(score: Smoothed, x: Floats, t: float) -> Floats:
    """LED-KDE has the score at t for its own."""
    return langevin(score, x, t, t / 4, LANGEVIN, stream(0, "langevin"))


def _generated(score: Smoothed, count: int, dimensions: int, t: float) -> Floats:
    x = FARTHEST**0.5 * stream(0, "generated").standard_normal((count, dimensions))
    return np.asarray(flow(score, x, grid(FARTHEST, t, STEPS)))


def _scatter(axis: Any, data: Floats, points: Floats, title: str) -> None:
    axis.plot(*points.T, ".", color=draw.COLOURS[1], markersize=2, label="generated")
    axis.plot(*data.T, "o", color=draw.COLOURS[0], markersize=3, label="samples")
    axis.set(title=title, xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    radius = np.linalg.norm(points, axis=1)
    print(f"{title}: radius {radius.mean():.4f}, its variance {radius.var():.5f}")


def _against_bandwidth(axis: Any, generated: dict[float, dict[str, Floats]], data: Floats, t: float, name: str) -> None:
    """The share of points that are memorized after a last denoising, with its interval of 95 %."""
    for series, kind in enumerate(("LED-KDE", "reverse process")):
        found = {h: fraction(memorized(_denoised(points[kind], data, t, h), data)) for h, points in generated.items()}
        for h, (share, low, high) in found.items():
            print(f"{name}, {kind}, h = {h:g}: memorized {share:.3f} ({low:.3f} to {high:.3f})")
        share, low, high = np.array(list(found.values())).T
        style = {"fmt": draw.MARKERS[series], "color": draw.COLOURS[series], "mfc": "white", "label": kind}
        axis.errorbar(list(found), share, yerr=[share - low, high - share], **style)
    draw.logarithmic(axis)
    axis.set(title=name, xlabel="bandwidth $h$", ylabel="memorized fraction", ylim=(0, 1.02))
    axis.legend()


def _denoised(x: Floats, data: Floats, t: float, h: float) -> Floats:
    return x + t * Smoothed(data, h, DIGITS_SHIFTS)(x, t)


def _faces(axis: Any, generated: dict[float, Floats], data: Floats) -> None:
    """Generated digits, two rows for each bandwidth: denoised, and the nearest sample of each."""
    rows = []
    for h, points in generated.items():
        x = _denoised(points, data, DIGITS_T, h)
        nearest = data[((x[:, None] - data) ** 2).sum(axis=2).argmin(axis=1)]
        rows += [_side_by_side(x), _side_by_side(nearest), np.full((4, 80), np.nan)]
    axis.imshow(np.concatenate(rows[:-1]), cmap="gray_r", interpolation="nearest")
    axis.set(title="generated, and nearest sample", xticks=[], ylabel="bandwidth $h$")
    axis.set_yticks([10 + 24 * k for k in range(len(generated))], [f"{h:g}" for h in generated])


def _side_by_side(images: Floats) -> Floats:
    squares = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    return np.concatenate(list(squares), axis=1)


if __name__ == "__main__":
    main()
