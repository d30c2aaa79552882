r"""Training: networks that learn to denoise, many at once, each from random numbers of its own.

A perceptron of two hidden layers, p units each, preconditioned as in arXiv:2206.00364: with v the variance of the data,

    m(x, t) = v/(v + t) x + sqrt(v t/(v + t)) F(x/sqrt(v + t), log(t)/8),

so that F has inputs and targets of variance 1 at all noise. It is trained by Adam (arXiv:1412.6980), at a rate that falls as a
cosine to 0, on the squared error of F. The noise variance of each point is uniform in its logarithm. Products are those of stacks
of matrices, of NumPy or torch, and gradients are written out: a network is the same whatever is trained beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.arrays import erf, namespace, to_device, to_host
from numerics.networks import Denoiser
from theory.network import Network

__all__ = ["BATCH", "Draw", "bootstrap", "train"]

Array = NDArray[np.float64]
Draw = Callable[[int, np.random.Generator], Array]
"""So many clean points, shape (count, D)."""
BATCH = 256  # points a step
RATE = 2e-3  # of Adam, where it begins
MEMORY, SQUARES = 0.9, 0.999  # of Adam: what a step leaves of the mean gradient, and of its square
SMALL = 1e-8  # of Adam, beside the root of the mean square


def train(
    network: Network,
    draws: Sequence[Draw],
    randoms: Sequence[np.random.Generator],
    noise: tuple[float, float],
    *,
    variance: float,
    batch: int = BATCH,
    device: str = "cpu",
    tick: Callable[[], object] = lambda: None,
) -> list[Denoiser]:
    """Train one network for each of R sources of clean points, all at once.

    Args:
        network: p, the activation, and after how many steps networks are wanted.
        draws: where each takes its clean points from, R of them.
        randoms: a stream of random numbers for each.
        noise: the least and the largest noise variance, data units squared.
        variance: v, the mean variance of the data along their D directions, data units squared.
        batch: points a step.
        device: `cpu` or `cuda`, as numerics.arrays has them.
        tick: called R times while they are trained.

    Returns:
        The R networks as they were after each of the steps of `network.times`, in that order.

    Raises:
        ValueError: for steps that are no whole numbers, infinitely many features, and a ridge, which Adam does not have.
    """
    steps = _steps(network)
    last, R = max(steps), len(draws)
    first = [draw(1, random) for draw, random in zip(draws, randoms, strict=True)]
    layers = _Layers(first[0].shape[1], network.width, ACTIVATIONS[network.activation])
    learner = _Adam(_send(np.stack([layers.start(random) for random in randoms]), device))
    kept = {}
    for step in range(1, last + 1):
        points = [_noised(draw, random, noise, batch) for draw, random in zip(draws, randoms, strict=True)]
        x, clean, t = (np.stack(parts) for parts in zip(*points, strict=True))
        inputs, targets = (_send(a, device) for a in (_inputs(x, t, variance), _targets(x, clean, t, variance)))
        learner.step(layers.gradient(learner.weights, inputs, targets), RATE * _cosine(step / last))
        if step in steps:
            kept[step] = layers.denoiser(learner.weights, variance, device)
        for _ in range(step * R // last - (step - 1) * R // last):
            tick()
    return [kept[step] for step in steps]


def bootstrap(data: Array) -> Draw:
    """Clean points from a data set, shape (N, D), with replacement."""
    return lambda count, random: data[random.integers(len(data), size=count)]


def _steps(network: Network) -> list[int]:
    if not all(tau == int(tau) for tau in network.times):
        raise ValueError(
            f"steps must be whole numbers, 1 or more, got {', '.join(f'{tau:g}' for tau in network.times)}"
        )
    if network.ridge:
        raise ValueError(f"a network that is trained by Adam has no ridge, got {network.ridge:g}")
    return [int(tau) for tau in network.times]


def _send(a: Array, device: str) -> AnyArray:
    return to_device(a, device, "float32")


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _noised(
    draw: Draw, random: np.random.Generator, noise: tuple[float, float], count: int
) -> tuple[Array, Array, Array]:
    """Points under noise, the clean ones, both (B, D), and the noise variance of each, (B, 1)."""
    clean = draw(count, random)
    t = np.exp(random.uniform(math.log(noise[0]), math.log(noise[1]), (count, 1)))
    return clean + np.sqrt(t) * random.standard_normal(clean.shape), clean, t


def _inputs(x: Array, t: Array, v: float) -> Array:
    """What F is given, shape (..., D + 1)."""
    return np.concatenate([x / np.sqrt(v + t), np.log(t) / 8], axis=-1)


def _targets(x: Array, clean: Array, t: Array, v: float) -> Array:
    """What F is to say."""
    return (clean - v / (v + t) * x) / np.sqrt(v * t / (v + t))


def _silu(u: AnyArray) -> tuple[AnyArray, AnyArray]:
    share = (1 + namespace(u).tanh(u / 2)) / 2
    return u * share, share * (1 + u * (1 - share))


def _tanh(u: AnyArray) -> tuple[AnyArray, AnyArray]:
    value = namespace(u).tanh(u)
    return value, 1 - value * value


def _relu(u: AnyArray) -> tuple[AnyArray, AnyArray]:
    above = namespace(u).astype(u > 0, u.dtype)
    return u * above, above


def _erf(u: AnyArray) -> tuple[AnyArray, AnyArray]:
    return erf(u), 2 / math.pi**0.5 * namespace(u).exp(-u * u)


Activation = Callable[[AnyArray], tuple[AnyArray, AnyArray]]
ACTIVATIONS: dict[str, Activation] = {"tanh": _tanh, "erf": _erf, "relu": _relu, "silu": _silu}
"""Value and slope of each activation of theory.network."""


@dataclass(frozen=True)
class _Layers:
    """F of R networks, whose weights are the rows of one matrix: of each layer a matrix and a bias, one after the other."""

    dimension: int
    features: int
    activation: Activation

    @property
    def widths(self) -> tuple[int, ...]:
        return self.dimension + 1, self.features, self.features, self.dimension

    def start(self, random: np.random.Generator) -> Array:
        """Weights of variance 1 over the number of inputs; the last layer, and the biases, begin at 0."""
        parts = [random.standard_normal(n * m) / n**0.5 for n, m in pairwise(self.widths)]
        parts[-1] *= 0
        return np.concatenate([part for n, p in zip(self.widths[1:], parts, strict=True) for part in (p, np.zeros(n))])

    def parts(self, weights: AnyArray) -> list[tuple[AnyArray, AnyArray]]:
        """Matrix, (R, n, m), and bias, (R, 1, m), of each layer."""
        xp, R, at, found = namespace(weights), len(weights), 0, []
        for n, m in pairwise(self.widths):
            matrix = xp.reshape(weights[:, at : at + n * m], (R, n, m))
            found.append((matrix, xp.reshape(weights[:, at + n * m : at + (n + 1) * m], (R, 1, m))))
            at += (n + 1) * m
        return found

    def values(self, weights: AnyArray, inputs: AnyArray) -> tuple[AnyArray, list[AnyArray], list[AnyArray]]:
        """F, what each layer is given, and the slopes of what it is given by the last."""
        layers, slopes = [inputs], []
        *hidden, (matrix, bias) = self.parts(weights)
        for W, b in hidden:
            value, slope = self.activation(layers[-1] @ W + b)
            layers.append(value)
            slopes.append(slope)
        return layers[-1] @ matrix + bias, layers, slopes

    def gradient(self, weights: AnyArray, inputs: AnyArray, targets: AnyArray) -> AnyArray:
        """Of the mean squared error of F, a row for each network."""
        xp = namespace(weights)
        output, layers, slopes = self.values(weights, inputs)
        back = (output - targets) * (2 / output.shape[1] / output.shape[2])
        found: list[AnyArray] = []
        for k in reversed(range(len(layers))):
            matrix = xp.reshape(xp.matrix_transpose(layers[k]) @ back, (len(weights), -1))
            found = [matrix, xp.sum(back, axis=1), *found]
            if k:
                back = (back @ xp.matrix_transpose(self.parts(weights)[k][0])) * slopes[k - 1]
        return xp.concat(found, axis=1)

    def denoiser(self, weights: AnyArray, v: float, device: str) -> Denoiser:
        """The networks of these weights."""

        def mean(x: Array, t: float) -> Array:
            inputs = _inputs(x, np.full((*x.shape[:-1], 1), t), v)
            output = to_host(self.values(weights, _send(inputs, device))[0]).astype(np.float64)
            return v / (v + t) * x + (v * t / (v + t)) ** 0.5 * output

        return Denoiser(mean)


class _Adam:
    """Weights, the mean of their gradient and of its square; a step makes new arrays, so that old weights may be kept."""

    def __init__(self, weights: AnyArray) -> None:
        self.weights = weights
        self.mean = self.square = 0.0 * weights
        self.steps = 0

    def step(self, gradient: AnyArray, rate: float) -> None:
        self.steps += 1
        self.mean = MEMORY * self.mean + (1 - MEMORY) * gradient
        self.square = SQUARES * self.square + (1 - SQUARES) * gradient * gradient
        mean, square = self.mean / (1 - MEMORY**self.steps), self.square / (1 - SQUARES**self.steps)
        self.weights = self.weights - rate * mean / (namespace(square).sqrt(square) + SMALL)
