r"""Classes: when does the noise hide which class a sample is of, measured with a labelled data set alone?

A point y of class c is held out and noised, x = y + sqrt(t) xi. The rest of the data says of which class x is, with

    p_c = sum of the Gibbs weights of the samples of class c,

and two reverse trajectories from x end in one class with probability sum_c p_c^2 (the cloning probability of
arXiv:2402.18491), one returns to the class of y with p of that class. As t falls the weights of a finite sample condense: the
first goes to 1, the second to how often the nearest sample is of the right class.

The information about the class is at least E log(q/share), q of the class of y, whatever the probabilities q are: a cross
entropy is not below the entropy. They are p, but for one part in N + 1 that is left to the shares: a class that no weight is
on costs log(N + 1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.arrays import stream, to_device, to_host
from numerics.gibbs import gibbs_moments
from numerics.leave_one_out import PrincipalAxes
from numerics.measurement import Measurement, crossing, jackknife

__all__ = ["Speciation", "class_log_weights", "classes", "speciation"]

Array = NDArray[np.float64]
FOLDS = 5
MISSING = {"", "nan", "NaN", "NA", "<NA>", "N/A", "n/a", "NaT", "null", "NULL", "None"}  # as pandas and R write it
LEAST = 2  # samples of a class that can lose one and still be found


@dataclass(frozen=True)
class Speciation:
    """What noise leaves of classes; errors over held-out points, which share most of the rest.

    Attributes:
        t: noise variance, data units squared, shape (T,).
        names: of the C classes.
        shares: of the samples, shape (C,).
        cloning_probability: that two reverse trajectories from one noised point end in one class, shape (T,).
        return_probability: that one ends in the class of the clean point, shape (T,).
        class_information: that the noised point has about its class, at least, nats, shape (T,).
        draws: the cloning probability of every held-out point, shape (M, T).
    """

    t: Array
    names: tuple[str, ...]
    shares: Array
    cloning_probability: Measurement
    return_probability: Measurement
    class_information: Measurement
    draws: Array

    @property
    def speciation_time(self) -> Measurement:
        """Where the cloning probability falls through the middle of its ends, 1 and sum of shares^2; NaN where it does not.

        Of two Gaussians that is close to where their density gets its second mode.
        """
        middle = (1 + (self.shares**2).sum()) / 2
        return jackknife(self.draws, lambda mean: crossing(self.t, mean, middle))


def class_log_weights(
    x: Array,
    data: Array,
    of: NDArray[np.int64],
    count: int,
    t: ArrayLike,
    device: str = "cpu",
    dtype: str = "float64",
) -> Array:
    """The log of the weight that the samples of each class have together, up to a constant of x.

    Args:
        x: points, shape (M, D).
        data: samples, shape (N, D).
        of: the class of each sample, from 0, shape (N,).
        count: C.
        t: noise variance, data units squared, a number or shape (M,).
        device: where it is done.
        dtype: of distances and weights.

    Returns:
        shape (M, C); -inf for a class without samples.
    """
    found = np.full((len(x), count), -np.inf)
    queries, times = to_device(x, device, dtype), to_device(np.broadcast_to(t, len(x)), device)
    for c in np.unique(of):
        samples = to_device(data[of == c], device, dtype)
        moments = gibbs_moments(queries, samples, times)
        found[:, c] = to_host(moments.log_partition)
    return found


def speciation(
    data: PrincipalAxes,
    labels: ArrayLike | Sequence[Any],
    t: ArrayLike,
    *,
    queries: int = 256,
    rng: int | np.random.SeedSequence = 0,
    device: str = "cpu",
    dtype: str = "float64",
) -> Speciation:
    """Hold out `queries` distinct points, or all, a fifth of them at a time, noise them, and ask the rest for their class.

    Args:
        data: the data set.
        labels: the class of each sample, numbers or words, N of them.
        t: noise variance, data units squared, shape (T,).
        queries: how many points are noised, at most.
        rng: of which points, and of the noise.
        device: `cpu` or `cuda`.
        dtype: of distances and weights, `float64` or `float32`.

    Raises:
        ValueError: for labels that are not one for each sample, or of which fewer than two have two distinct samples.
    """
    names, of = classes(labels, len(data.coordinates))
    shares = np.bincount(of) / of.size
    times = np.asarray(t, dtype=np.float64)
    random = stream(rng, "classes", "folds")
    _, first = np.unique(data.group, return_index=True)
    chosen = random.permutation(first)[: max(FOLDS, queries)]
    parts = np.array_split(chosen, FOLDS)
    logs = np.concatenate([_held_out(data, of, len(names), part, times, random, device, dtype) for part in parts])
    of_held_out = of[np.concatenate(parts)]
    own = np.take_along_axis(logs, of_held_out[:, None, None], axis=2)[..., 0]
    same = np.exp(2 * logs).sum(axis=2)
    cloned, returned, known = map(Measurement.of, (same, np.exp(own), _gained(own, shares[of_held_out], of.size)))
    return Speciation(times, names, shares, cloned, returned, known, same)


def _gained(own: Array, share: Array, count: int) -> Array:
    """log q/share of the own class, by its log probability, shape (M, T), and its share, (M,)."""
    surely, hardly = np.log(count / (count + 1)), -np.log(count + 1)
    return np.logaddexp(own - np.log(share)[:, None] + surely, hardly)


def _held_out(
    data: PrincipalAxes,
    of: NDArray[np.int64],
    count: int,
    out: NDArray[np.int64],
    times: Array,
    random: np.random.Generator,
    device: str,
    dtype: str,
) -> Array:
    """Log probabilities of the classes of some points, held out with their copies, at all times, shape (M, T, C)."""
    keep = ~np.isin(data.group, data.group[out])
    rest, classes_of = data.coordinates[keep], of[keep]
    xi = random.standard_normal((out.size, rest.shape[1]))
    t = np.tile(times / data.unit**2, out.size)
    x = np.repeat(data.coordinates[out], times.size, axis=0) + np.sqrt(t)[:, None] * np.repeat(xi, times.size, axis=0)
    logs = class_log_weights(x, rest, classes_of, count, t, device, dtype).reshape(out.size, times.size, count)
    return np.asarray(logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True))


def classes(labels: ArrayLike | Sequence[Any], count: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names of classes in order, and the class of each sample, from 0, shape (N,).

    Raises:
        ValueError: for labels that are not one for each of `count` samples, missing ones, or fewer than two classes of `LEAST`.
    """
    given: Any = np.ma.asanyarray(labels)
    if given.shape != (count,):
        raise ValueError(f"labels must be one for each of {count} samples, shape ({count},); got shape {given.shape}")
    words = [_word(label) for label in given.tolist()]  # None for what is masked
    if "" in words:
        raise ValueError(
            f"every sample needs a label, got none for sample {words.index('') + 1}; leave such samples out"
        )
    found, of, sizes = np.unique(words, return_inverse=True, return_counts=True)
    if (sizes >= LEAST).sum() < 2:
        raise ValueError(
            f"labels must name at least 2 classes of {LEAST} samples or more, got {found.size} among {count} samples"
        )
    return tuple(found.tolist()), of.reshape(-1)


def _word(label: Any) -> str:
    """A label in words, empty where it is missing."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if isinstance(label, bytes):
        label = label.decode(errors="replace")
    if isinstance(label, str):
        word = unicodedata.normalize("NFC", label.strip())
        return "" if word in MISSING else word
    try:
        known = label is not None and bool(label == label)
    except TypeError:  # missing values of data frames do not say
        known = False
    return str(label) if known else ""
