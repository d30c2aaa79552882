"""What the engine knows at points, as a reference for anybody's score, denoiser, log density or weights; and its laws."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from numerics.gibbs import GibbsMoments, gibbs_moments
from validation.properties.cloud import Cloud
from validation.properties.field import SHAPES, Field, Local

__all__ = ["LAWS", "laws", "quantity"]

Array = NDArray[np.float64]
VECTOR, MATRIX = ("point", "direction"), ("point", "direction", "direction")

_READ: dict[str, tuple[tuple[str, ...], Callable[[GibbsMoments, Cloud], Array]]] = {
    "score": (VECTOR, lambda g, c: g.score),
    "posterior_mean": (VECTOR, lambda g, c: g.mean),
    "log_density": (("point",), lambda g, c: g.log_density),
    "log_partition": (("point",), lambda g, c: g.log_partition),
    "energy": (("point",), lambda g, c: g.energy),
    "heat_capacity": (("point",), lambda g, c: g.energy_variance),
    "entropy": (("point",), lambda g, c: g.entropy),
    "participation": (("point",), lambda g, c: g.participation),
    "largest_weight": (("point",), lambda g, c: g.largest_weight),
    "weights": (("point", "sample"), lambda g, c: np.exp(-c.squares / (2 * c.t) - g.log_partition[:, None])),
    "covariance": (MATRIX, lambda g, c: g.covariance),
    "jacobian": (MATRIX, lambda g, c: g.covariance / c.t**2 - np.eye(c.x.shape[1]) / c.t),
}
ALWAYS = "rotation({kind}); coordinates({kind}); exchange; independent_points"
LAWS = {
    "score": "units(-1); translation(0); duplicates; far_sample; cold((nearest - x)/t); hot((mean - x)/t); "
    "one_sample((nearest - x)/t); tweedie; gradient_of(gibbs.log_density); jacobian_symmetric; second_tweedie; stein",
    "posterior_mean": "units(1); translation(1); duplicates; far_sample; cold(nearest); hot(mean); one_sample(nearest); "
    "hull; identity((f - x)/t, gibbs.score); jacobian_symmetric; has_gradient(gibbs.covariance/t)",
    "log_density": "log_units(-1); translation(0); duplicates; far_sample(f + log(N/(N + 1))); normalization; "
    "cold(-D/2*log(2*pi*t) - logN - nearest2/(2*t)); hot(-D/2*log(2*pi*t) - mean2/(2*t)); "
    "one_sample(-D/2*log(2*pi*t) - nearest2/(2*t)); has_gradient(gibbs.score); noise_slope(gibbs.energy - D/2)",
    "log_partition": "units(0); translation(0); duplicates(f + log(2)); far_sample; cold(-nearest2/(2*t)); "
    "hot(logN - mean2/(2*t)); one_sample(-nearest2/(2*t)); has_gradient(gibbs.score); noise_slope(gibbs.energy)",
    "energy": "units(0); translation(0); duplicates; far_sample; between(0, inf); cold(nearest2/(2*t)); hot(mean2/(2*t)); "
    "one_sample(nearest2/(2*t)); identity(gibbs.entropy - f, gibbs.log_partition); noise_slope(gibbs.heat_capacity - f)",
    "heat_capacity": "units(0); translation(0); duplicates; far_sample; between(0, inf); cold(0); hot(0); one_sample(0); "
    "noise_slope_of(gibbs.entropy); noise_slope_of(gibbs.energy, f - gibbs.energy)",
    "entropy": "units(0); translation(0); duplicates(f + log(2)); far_sample; between(0, logN); cold(0); hot(logN); "
    "one_sample(0); identity(f, gibbs.energy + gibbs.log_partition); noise_slope(gibbs.heat_capacity)",
    "participation": "units(0); translation(0); duplicates(f/2); far_sample; between(1/N, 1); cold(1); hot(1/N); "
    "one_sample(1); renyi; between(exp(-gibbs.entropy), gibbs.largest_weight)",
    "largest_weight": "units(0); translation(0); duplicates(f/2); far_sample; between(1/N, 1); cold(1); hot(1/N); "
    "one_sample(1); identity(f, exp(-nearest2/(2*t) - gibbs.log_partition))",
    "weights": "units(0); translation(0); duplicates(f/2); far_sample; between(0, 1); sum_to_one; cold(chosen); hot(1/N); "
    "one_sample(1); averages_samples",
    "covariance": "units(2); translation(0); duplicates; far_sample; cold(0); one_sample(0); jacobian_symmetric; "
    "identity((f - t*eye)/t**2, gibbs.jacobian); gradient_of(gibbs.posterior_mean, f/t)",
    "jacobian": "units(-2); translation(0); duplicates; far_sample; cold(-eye/t); hot(-eye/t); one_sample(-eye/t); "
    "jacobian_symmetric; second_tweedie; gradient_of(gibbs.score)",
}  # fmt: skip


@lru_cache(maxsize=256)
def _moments(cloud: Cloud) -> GibbsMoments:
    return gibbs_moments(cloud.x, cloud.data, cloud.t, covariance="full")


def quantity(name: str) -> Field:
    """A quantity that `gibbs_moments` knows.

    Raises:
        ValueError: for a name that is none.
    """
    if name not in _READ:
        raise ValueError(f"gibbs has the quantities {', '.join(_READ)}; got {name!r}")
    dims, read = _READ[name]
    return Field(
        f"gibbs.{name}",
        lambda cloud: read(_moments(cloud), cloud),
        Local(name, dims, "exact", "f"),
        1e-12,
        lambda cloud: f"gibbs.{name}(...)",
    )


def laws(name: str) -> list[str]:
    """The laws of a quantity, as text."""
    kind = SHAPES[quantity(name).about.dims]
    return [text.strip() for text in f"{ALWAYS.format(kind=kind)}; {LAWS[name]}".split(";")]
