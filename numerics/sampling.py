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
from numerics.gibbs import GibbsMoments, gibbs_moments, posterior_means
from theory.setting import Setting, without_remedies

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
        """Data sets of the setting's N samples, shape (N, D), each with the random stream it came from.

        Raises:
            ValueError: for a setting with a temperature or bandwidth, which are not of the data: give `setting.plain`.
        """
        without_remedies(setting, f"the experiment {name}")
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
        self, f: Callable[[GibbsMoments], Any], setting: Setting, name: str, count: int = QUERIES, **options: Any
    ) -> Array:
        """f of the Gibbs averages at the `points` of each time, B = (T, M), of each data set, shape (repeats, ...)."""

        def of(random: np.random.Generator, samples: Array) -> Any:
            at = [points(setting, i, samples, count, random) for i in range(setting.t.size)]
            return f(self.moments_at(at, setting.t, **options))

        # starmap lets go of a data set before the next is drawn
        return np.array(list(starmap(of, self.data_sets(setting, name))))

    def moments_at(self, at: list[tuple[Array, Array]], t: Array, **options: Any) -> GibbsMoments:
        """The Gibbs averages, B = (T, M), at the points of each time over the samples they look at, pairs as of `points`."""
        x, data = np.array([queries for queries, _ in at]), [samples for _, samples in at]
        if all(samples is data[0] for samples in data):
            return self.moments(x, self.on_device(data[0]), t, **options)
        parts = [self.moments(x[i, None], self.on_device(data[i]), t[i, None], **options) for i in range(len(at))]
        return replace(GibbsMoments.joined(parts, axis=0), queries=x)

    def on_device(self, a: Array) -> AnyArray:
        """A host array where it is worked on."""
        return to_device(a, self.device, self.dtype)

    def moments(self, x: Array, data: AnyArray, t: Array, **options: Any) -> GibbsMoments:
        """The Gibbs averages of all times in one pass, on the host.

        Args:
            x: points, M at each time, shape (T, M, D).
            data: shape (N, D), on the device.
            t: noise variances, shape (T,).
            options: of `gibbs_moments`.

        Returns:
            B = (T, M), the queries as they are.
        """
        T, M, D = x.shape
        found = gibbs_moments(self.on_device(x.reshape(T * M, D)), data, self.on_device(np.repeat(t, M)), **options)
        return replace(found.each(lambda a: to_host(a).reshape(T, M, *a.shape[1:])), queries=x)

    def posterior_means(self, x: Array, data: Array, t: Array) -> tuple[Array, Array]:
        """Those of many small data sets at points of their own, and log densities, on the host; see `numerics.gibbs`."""
        mean, log_density = posterior_means(self.on_device(x), self.on_device(data), t)
        return to_host(mean), to_host(log_density)
