"""`python docs/networks.py`: draw the figure of docs/networks.md and print its numbers, in less than two minutes.

A network is trained on fifty of the handwritten digits of scikit-learn, and looked at as it is trained: how near is it to the
score of its samples, which smoothed or tempered score of theirs is it most like, and does it generate them? Beside it another
is trained on all digits but those and a fifth, which is kept to look at both.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from numerics.arrays import stream
from numerics.memorized import fraction, memorized
from numerics.nearness import distance, equivalents
from numerics.networks import Denoiser, of_samples
from numerics.reverse import flow, grid
from numerics.training import bootstrap, train
from theory.network import Network
from validation.report import figures as draw

HERE = Path(__file__).parent
Floats = NDArray[np.float64]

SAMPLES, KEPT = 50, 360  # that the network is trained on, and that no network is
STEPS = (100.0, 300.0, 1000.0, 3000.0, 10000.0)
FEATURES, BATCH = 256, 128
TIMES = (0.1, 0.5, 2.0)  # noise variances at which it is looked at
NOISE = 0.01, 100.0  # between which it is trained and generates
LOOKS, GENERATED, DOWN = 200, 100, 40  # points at a time, digits, and steps of generation
SHOWN = (1, 4)  # of STEPS, those whose digits are shown


def main() -> None:
    """Train, look, draw and print all."""
    digits = stream(0, "digits").permutation(_digits())
    data, kept, others = digits[:SAMPLES], digits[SAMPLES : SAMPLES + KEPT], digits[SAMPLES + KEPT :]
    network = Network(FEATURES, "silu", STEPS)
    randoms = [stream(0, name) for name in ("network", "control")]
    trained = train(network, [bootstrap(data), bootstrap(others)], randoms, NOISE, variance=1.0, batch=BATCH)
    few, many = ([_part(both, k) for both in trained] for k in range(2))
    found = {t: _looked_at(few, many[-1], data, kept, t) for t in TIMES}
    made = [_generated(network) for network in few]
    shares = [fraction(memorized(x, data)) for x in made]
    _print(found, shares, fraction(memorized(_generated(many[-1]), data)))
    with draw.style():
        figure, axes = draw.canvas(3, 2)
        _losses(axes[0, 0], found[TIMES[1]])
        _curves(
            axes[0, 1], {f"$t = {t:g}$": one["to its samples"] for t, one in found.items()}, "distance to its samples'"
        )
        _curves(axes[0, 2], {f"$t = {t:g}$": one["bandwidth"] / t for t, one in found.items()}, "bandwidth $h_{eq}/t$")
        _curves(axes[1, 0], {f"$t = {t:g}$": one["temperature"] for t, one in found.items()}, "temperature $T_{eq}$")
        _shares(axes[1, 1], np.array(shares))
        for axis in (axes[0, 2], axes[1, 0]):
            axis.set(yscale="log", ylim=(1, None))
        _faces(axes[1, 2], {STEPS[k]: made[k][:8] for k in SHOWN}, data)
    figure.savefig(HERE / "images/networks.svg")


def _digits() -> Floats:
    """About their mean, in units of which a pixel has variance 1 on average."""
    data = load_digits().data
    return np.asarray((data - data.mean(axis=0)) / (data - data.mean(axis=0)).std())


def _mean() -> Floats:
    """What is added to them where they are drawn."""
    data = load_digits().data
    return np.asarray(data.mean(axis=0) / (data - data.mean(axis=0)).std())


def _part(both: Denoiser, k: int) -> Denoiser:
    """One of the two networks."""
    return Denoiser(lambda x, t: both(np.concatenate([x, x]), t)[k, None])


def _looked_at(networks: list[Denoiser], control: Denoiser, data: Floats, kept: Floats, t: float) -> dict[str, Floats]:
    """What is found of the networks after each of the steps, at one noise variance."""
    random, samples = stream(0, "looked at", t), of_samples(data[None])
    own, new = (np.resize(one, (1, LOOKS, one.shape[1])) for one in (data, kept))
    x, z = (clean + t**0.5 * random.standard_normal(clean.shape) for clean in (own, new))
    bandwidths, temperatures = np.array([np.concatenate(equivalents(one, samples, z, t)) for one in networks]).T
    gap = distance(samples(z, t), control(z, t))
    return {
        "loss on its samples": _each(networks, lambda m: distance(m(x, t), own)),
        "loss on others": _each(networks, lambda m: distance(m(z, t), new)),
        "least loss": distance(samples(x, t), own),
        "loss of the control": distance(control(z, t), new),
        "to its samples": _each(networks, lambda m: distance(m(z, t), samples(z, t), gap)),
        "to the control": _each(networks, lambda m: distance(m(z, t), control(z, t), gap)),
        "bandwidth": bandwidths,
        "temperature": temperatures,
        "of the control": np.concatenate(equivalents(control, samples, z, t)),
    }


def _each(networks: list[Denoiser], of: Any) -> Floats:
    return np.array([of(network)[0] for network in networks])


def _generated(network: Denoiser) -> Floats:
    x = NOISE[1] ** 0.5 * stream(0, "generated").standard_normal((GENERATED, 64))
    score = partial(_score, network)
    return np.asarray(flow(score, x, grid(NOISE[1], NOISE[0], DOWN), denoise=True))


def _score(network: Denoiser, x: Floats, t: float) -> Floats:
    return network.score(x[None], t)[0]


def _print(found: dict[float, dict[str, Floats]], shares: list[Any], control: Any) -> None:
    for t, one in found.items():
        for name, values in one.items():
            print(f"t = {t:g}, {name}: {', '.join(f'{v:.3g}' for v in np.atleast_1d(values))}")
    for step, (share, low, high) in zip((*STEPS, "control"), (*shares, control), strict=True):
        print(f"memorized, {step}: {share:.3f} ({low:.3f} to {high:.3f})")


def _losses(axis: Any, one: dict[str, Floats]) -> None:
    for series, name in enumerate(("loss on its samples", "loss on others")):
        axis.plot(STEPS, one[name], draw.MARKERS[series] + "-", color=draw.COLOURS[series], mfc="white", label=name)
    for name, colour in (("least loss", draw.COLOURS[0]), ("loss of the control", draw.COLOURS[1])):
        axis.axhline(one[name][0], color=colour, linestyle="--", label=name)
    axis.set(title=f"$t = {TIMES[1]:g}$", xlabel="training step", ylabel="denoising loss", xscale="log", ylim=(0, None))
    axis.legend()


def _curves(axis: Any, lines: dict[str, Floats], label: str) -> None:
    for series, (name, values) in enumerate(lines.items()):
        axis.plot(STEPS, values, draw.MARKERS[series] + "-", color=draw.COLOURS[series], mfc="white", label=name)
    axis.set(xlabel="training step", ylabel=label, xscale="log", ylim=(0, None))
    axis.legend()


def _shares(axis: Any, shares: Floats) -> None:
    share, low, high = shares.T
    axis.errorbar(STEPS, share, yerr=[share - low, high - share], fmt="o", color=draw.COLOURS[0], mfc="white")
    axis.set(xlabel="training step", ylabel="memorized fraction", xscale="log", ylim=(0, 1.02))


def _faces(axis: Any, generated: dict[float, Floats], data: Floats) -> None:
    """Generated digits, two rows for each step, with the nearest sample of each below."""
    rows = []
    for points in generated.values():
        near = data[((points[:, None] - data) ** 2).sum(axis=2).argmin(axis=1)]
        rows += [_side_by_side(points + _mean()), _side_by_side(near + _mean()), np.full((4, 80), np.nan)]
    axis.imshow(np.concatenate(rows[:-1]), cmap="gray_r", interpolation="nearest")
    axis.set(title="generated, and nearest sample", xticks=[], ylabel="training step")
    axis.set_yticks([10 + 24 * k for k in range(len(generated))], [f"{step:g}" for step in generated])


def _side_by_side(images: Floats) -> Floats:
    squares = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    return np.concatenate(list(squares), axis=1)


if __name__ == "__main__":
    main()
