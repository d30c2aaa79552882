"""Sampling: how an experiment is run, over how many data sets, from which random streams, on which device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import starmap
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array as AnyArray
from numerics.arrays import stream, to_device, to_host
from numerics.data import draw, points
from numerics.gibbs import GibbsMoments, gibbs_moments
from theory.setting import Setting

__all__ = ["QUERIES", "How", "Sampling"]

Array = NDArray[np.float64]
QUERIES = 64  # points per data set, where they are averaged over


class How(TypedDict, total=False):
    """The keyword arguments of every experiment; see Sampling for what they mean and default to."""

    repeats: int
    rng: int | np.random.SeedSequence
    device: str
    dtype: str
    tick: Callable[[], object]


@dataclass(frozen=True)
class Sampling:
    """Independent data sets, and the Gibbs averages over them.

    Attributes:
        repeats: how many data sets.
        rng: seed or seed sequence; streams are keyed by the name of what is sampled and the number of the data set.
        device: `cpu` or `cuda`.
        dtype: of distances and weights, `float64` or `float32`.
        tick: called when a data set is done with.
    """

    repeats: int = 100
    rng: int | np.random.SeedSequence = 0
    device: str = "cpu"
    dtype: str = "float64"
    tick: Callable[[], object] = lambda: None

    def data_sets(self, setting: Setting, name: str) -> Iterator[tuple[np.random.Generator, Array]]:
        """Data sets of the setting's N samples, shape (N, D), each with the random stream it came from."""
        return self.drawn(partial(draw, setting, setting.samples), name)

    def drawn(
        self, draw_one: Callable[[np.random.Generator], Array], name: str
    ) -> Iterator[tuple[np.random.Generator, Array]]:
        """Data sets that `draw_one` draws, each with the random stream it came from."""
        for repeat in range(self.repeats):
            random = stream(self.rng, name, repeat)
            yield random, draw_one(random)
            self.tick()

    def at_points(
        self, f: Callable[[Array, AnyArray, float], Any], setting: Setting, name: str, count: int = QUERIES
    ) -> Array:
        """f(x, data, t) at the `points` of each time of each data set, the data on the device, shape (repeats, T, ...)."""

        def at_times(random: np.random.Generator, samples: Array) -> list[Any]:
            times = enumerate(map(float, setting.t))
            at = ((*points(setting, i, samples, count, random), t) for i, t in times)
            return [f(x, self.on_device(data), t) for x, data, t in at]

        # starmap lets go of a data set before the next is drawn
        return np.array(list(starmap(at_times, self.data_sets(setting, name))))

    def on_device(self, a: Array) -> AnyArray:
        """A host array where it is worked on."""
        return to_device(a, self.device, self.dtype)

    def moments(self, x: Array, data: AnyArray, t: float, **options: Any) -> GibbsMoments:
        """The Gibbs averages at x, shape (M, D), on the host; options are those of `gibbs_moments`."""
        found = gibbs_moments(self.on_device(x), data, t, **options)
        return replace(found.each(to_host), queries=x)
