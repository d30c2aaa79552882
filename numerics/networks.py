r"""Networks: what a network that denoises is to geomem, and those of others made one.

A `Denoiser` is the posterior mean m(x, t) that a network has learned, of noised points x = x_0 + sqrt(t) xi in data units. Its
score is (m - x)/t. What a network is trained to say, x_0, the noise xi, or the velocity v = alpha xi - sigma x_0, and in which
schedule, x_tau = alpha x_0 + sigma xi = alpha x, is settled once, where it is made one:

    sample   m = output         epsilon   m = x - sqrt(t) output         velocity   m = alpha (alpha x) - sigma output

Networks that are trained at once stay together: points have shape (R, M, D), a table for each of R networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import slices, to_host
from numerics.gibbs import posterior_means
from numerics.scores import Score

__all__ = ["Denoiser", "of_diffusers", "of_mean", "of_module", "of_samples", "of_score"]

Array = NDArray[np.float64]
Mean = Callable[[Array, float], Array]
ROWS = 4096  # points of a network at a time


@dataclass(frozen=True, eq=False)
class Denoiser:
    """The posterior means that R networks have learned.

    Attributes:
        mean: a function of points (R, M, D) and a noise variance, with values (R, M, D), on the host.
    """

    mean: Mean

    def __call__(self, x: Array, t: float) -> Array:
        """m(x, t), shape (R, M, D), data units.

        Args:
            x: noised points, a table for each network, shape (R, M, D), data units.
            t: noise variance, data units squared.

        Raises:
            ValueError: for points of another shape, and values that are not finite or have another shape than the points.
        """
        if x.ndim != 3:
            raise ValueError(
                f"points must have shape (R, M, D), a table for each network, got {x.shape}; one is x[None]"
            )
        return np.concatenate(
            [_checked(self.mean(x[:, part], t), x[:, part], t) for part in slices(x.shape[1], ROWS)], 1
        )

    def score(self, x: Array, t: float) -> Array:
        """(m - x)/t, shape (R, M, D), inverse data units.

        Raises:
            ValueError: as for the mean.
        """
        return (self(x, t) - x) / t


def of_samples(data: Array) -> Denoiser:
    """What R data sets, shape (R, N, D), say themselves: the posterior means of their samples, in the dtype of the data."""
    return Denoiser(lambda x, t: posterior_means(x.astype(data.dtype), data, t)[0].astype(np.float64))


def of_mean(mean: Mean) -> Denoiser:
    """One network, a function of points (M, D) and a noise variance whose values are posterior means, (M, D)."""
    return Denoiser(lambda x, t: np.stack([to_host(mean(_one(x), t))]))


def of_score(score: Score) -> Denoiser:
    """One network whose values are scores, as all of numerics.scores are."""
    return of_mean(lambda x, t: x + t * to_host(score(x, t)).astype(np.float64))  # which t times halves may not fit


def of_module(module: Any, shape: tuple[int, ...] | None = None) -> Denoiser:
    """A module of torch, called with points (M, *shape) and their noise variances (M,), whose values are posterior means.

    It is asked in the dtype and on the device of its parameters, in its mode of evaluation, and left in that in which it was.

    Args:
        module: the network.
        shape: of one point as the network takes it, (D,) by default; (1, 28, 28) for an image.
    """
    return of_mean(lambda x, t: _ask(module, x, np.full(len(x), t), shape))


def of_diffusers(unet: Any, scheduler: Any, shape: tuple[int, ...]) -> Denoiser:
    """A network of diffusers, with the schedule it was trained in.

    The network is asked at the step whose noise variance is nearest to t in its logarithm, and takes the point as if it were of
    that: t between steps is rounded.

    Args:
        unet: called with points (M, *shape) and steps (M,); what it returns, or the attribute `sample` of that.
        scheduler: with `alphas_cumprod`, alpha^2 at each step, and `config.prediction_type`, one of epsilon, sample and
            v_prediction.
        shape: of one point, (3, 32, 32) say.

    Raises:
        ValueError: for another prediction type.
    """
    squares = np.asarray(to_host(scheduler.alphas_cumprod), dtype=np.float64)  # alpha^2; sigma^2 is 1 - alpha^2
    noises = (1 - squares) / squares
    kind = getattr(scheduler.config, "prediction_type", "epsilon")
    if kind not in PREDICTED:
        raise ValueError(f"the prediction type must be one of {', '.join(PREDICTED)}, got {kind!r}")

    def mean(x: Array, t: float) -> Array:
        step = int(np.argmin(np.abs(np.log(noises / t))))
        alpha, sigma = squares[step] ** 0.5, (1 - squares[step]) ** 0.5
        output = _ask(unet, alpha * x, np.full(len(x), step), shape)
        return PREDICTED[kind](x, output, alpha, sigma)

    return of_mean(mean)


PREDICTED: dict[str, Callable[[Array, Array, float, float], Array]] = {
    "sample": lambda x, output, alpha, sigma: output,
    "epsilon": lambda x, output, alpha, sigma: x - sigma / alpha * output,
    "v_prediction": lambda x, output, alpha, sigma: alpha**2 * x - sigma * output,
}
"""The posterior mean from a point in data units and what a network says of it."""


def _ask(module: Any, x: Array, times: ArrayLike, shape: tuple[int, ...] | None) -> Array:
    """What a module of torch says of points (M, D), with a time each, as a table (M, D)."""
    import torch

    like = next(iter(module.parameters()), torch.zeros(()))
    points = torch.as_tensor(x, dtype=like.dtype, device=like.device).reshape(len(x), *(shape or x.shape[1:]))
    given = np.asarray(times)
    steps = torch.as_tensor(given, dtype=None if given.dtype.kind == "i" else like.dtype, device=like.device)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            output = module(points, steps)
    finally:
        module.train(training)
    return to_host(getattr(output, "sample", output)).reshape(len(x), -1).astype(np.float64)


def _one(x: Array) -> Array:
    """The points of the one network there is."""
    if len(x) != 1:
        raise ValueError(f"this is one network, whose points have shape (1, M, D), got {x.shape}")
    return x[0]


def _checked(values: Array, x: Array, t: float) -> Array:
    if values.shape != x.shape:
        raise ValueError(
            f"posterior means must have the shape {x.shape} of the points, got {values.shape} at t = {t:g}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"posterior means must be finite, got NaN or infinite values at t = {t:g}")
    return values
