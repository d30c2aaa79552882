"""Strategies: what hypothesis draws from the domains of this field, simplest first.

    @given(settings(max_subspaces=2, schedules=("ve", "flow")))
    def test_my_loss_time(setting): ...

Each number is one choice among decimals of two digits, ordered by how soon a person would write them, and counterexamples
shrink along that order, to 1x1, N = 2, t = 1. Most times lie about the collapse time, where formulas differ:

    sum_k m_k / 2 log(1 + lambda_k / t) = log N.

Nothing is filtered, and one setting costs about two choices for each subspace and one for each time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError(
        "validation.strategies draws by hypothesis, which is not installed; pip install hypothesis"
    ) from None

import numpy as np
from hypothesis.strategies import DrawFn, SearchStrategy

from theory.network import ACTIVATIONS, Network
from theory.setting import (
    ENSEMBLES,
    FAIR,
    LARGEST,
    MOST_DIRECTIONS,
    QUERIES,
    REMEDIES,
    SCHEDULES,
    SMALLEST,
    LinearManifold,
    Schedule,
    Setting,
    Subspace,
)
from validation.drawing.arrays import (
    DATA_SETS,
    NORMAL,
    SPECTRA,
    data_sets,
    mixtures,
    orthogonal,
    permutations,
    points,
    rounded,
    spectra,
)
from validation.drawing.clouds import clouds
from validation.drawing.numbers import (
    MOST_SAMPLES,
    PLACES,
    bound,
    counts,
    decimals,
    entry,
    integers,
    noise,
    one_digit,
    repeated,
    some_of,
    variances,
    with_second_digits,
)

__all__ = [
    "DATA_SETS",
    "SPECTRA",
    "clouds",
    "counts",
    "data_sets",
    "manifolds",
    "mixtures",
    "networks",
    "noise",
    "orthogonal",
    "permutations",
    "points",
    "schedules",
    "settings",
    "spectra",
    "subspaces",
    "variances",
]

EQUAL = (1, 1 + 1e-12, 1 + 1e-9, 1 + 1e-6, 1 + 1e-3)  # ratios of variances that are easily taken for one
TIED = 40  # of PLACES
FAR = 4  # of so many times in 24 decades that are not ratios to the collapse time one is among PLACES
LATE = 1 - 1e-6  # of the last time
SHARES = (FAIR, 0.25, 0.9, 0.01)  # of the upper class
NEWTON = 4  # steps to the collapse time


def schedules() -> SearchStrategy[Schedule]:
    """Schedules of noise, `ve` first."""
    return st.sampled_from(list(SCHEDULES.values()))


def subspaces(*, max_dimension: int = 100_000) -> SearchStrategy[Subspace]:
    """Subspaces of m directions, m even in its logarithm up to `max_dimension`.

    Raises:
        ValueError: for another bound than a positive integer.
    """
    return _subspaces(bound(max_dimension, 1, MOST_DIRECTIONS, "max_dimension"))


@st.composite
def _subspaces(draw: DrawFn, max_dimension: int) -> Subspace:
    return Subspace(entry(draw, decimals(-6, 6)), entry(draw, integers(1, max_dimension)))


def manifolds(
    *,
    min_subspaces: int = 1,
    max_subspaces: int = 3,
    max_dimension: int = 100_000,
    directions: int | None = None,
    ambient: int = 1,
) -> SearchStrategy[LinearManifold]:
    """Linear manifolds; some have subspaces of nearly or exactly equal variance, some have normal directions.

    Args:
        min_subspaces: the least K.
        max_subspaces: the largest K.
        max_dimension: the largest m_k.
        directions: M = sum m_k, where it is to be that; None for any.
        ambient: the least D.

    Raises:
        ValueError: for bounds that are no positive integers, or leave nothing between them.
    """
    bound(max_subspaces, 1, MOST_DIRECTIONS // max(NORMAL), "max_subspaces")
    bound(ambient, 1, MOST_DIRECTIONS, "ambient")
    if directions is not None:
        max_subspaces = min(max_subspaces, bound(directions, 1, MOST_DIRECTIONS, "directions"))
    bound(min_subspaces, 1, max_subspaces, "min_subspaces")
    bound(max_dimension, 1, MOST_DIRECTIONS // max_subspaces - max(NORMAL), "max_dimension")
    return _manifolds(min_subspaces, max_subspaces, max_dimension, directions, ambient)


@st.composite
def _manifolds(
    draw: DrawFn, min_subspaces: int, max_subspaces: int, max_dimension: int, directions: int | None, ambient: int
) -> LinearManifold:
    K, normal = entry(draw, _shapes(min_subspaces, max_subspaces))
    parts: list[Subspace] = []
    for k in range(K):
        value, tied = entry(draw, _further()) if parts else (entry(draw, decimals(-6, 6)), False)
        m = entry(draw, integers(1, max_dimension)) if directions is None else 1 if k else directions - K + 1
        parts.append(Subspace(value * parts[0].variance if tied else value, m))
    return LinearManifold(tuple(parts), max(sum(part.dimension for part in parts) + normal, ambient))


@cache
def _shapes(least: int, most: int) -> tuple[tuple[int, int], ...]:
    """K and the number of normal directions."""
    return tuple(sorted(((K, normal) for K in range(least, most + 1) for normal in NORMAL), key=sum))


@cache
def _further() -> tuple[tuple[float, bool], ...]:
    """The variance of a second subspace, or its ratio to the first, and whether it is that."""
    found = enumerate(decimals(-6, 6))
    return tuple((EQUAL[i % len(EQUAL)], True) if i % PLACES >= PLACES - TIED else (value, False) for i, value in found)


_manifolds_of = manifolds  # an option of settings has its name


# settings


def settings(
    *,
    manifolds: SearchStrategy[LinearManifold] | None = None,
    max_subspaces: int = 3,
    max_dimension: int | None = None,
    directions: int | None = None,
    ambient: int = 1,
    max_samples: int = 10**12,
    times: int = 3,
    ensembles: Sequence[str] = ("gaussian",),
    queries: Sequence[str] = ("fresh",),
    schedules: Sequence[str] = ("ve",),
    points: bool = False,
    remedies: Sequence[str] = (),
    activations: Sequence[str] = (),
) -> SearchStrategy[Setting]:
    """Settings; of their times, in increasing order, most lie within two decades of the collapse time.

    Args:
        manifolds: to draw from; None for those of the four options that follow.
        max_subspaces: the largest K.
        max_dimension: the largest m_k; None for 100,000, or 8 where a point has to be given.
        directions: M = sum m_k, where it is to be that; None for any.
        ambient: the least D.
        max_samples: the largest N.
        times: the largest number of times.
        ensembles: to choose from; a mixture has a separation.
        queries: to choose from.
        schedules: to choose from, by name.
        points: whether they have a point x, else the average over it is meant.
        remedies: which of temperature and bandwidth they may have, and of a mixture a share that is not 1/2.
        activations: of the network they have, of one training time; none for settings without a network.

    Raises:
        ValueError: for an option outside its domain.
    """
    if manifolds is None:
        largest = (8 if points else 100_000) if max_dimension is None else max_dimension
        manifolds = _manifolds_of(
            max_subspaces=max_subspaces, max_dimension=largest, directions=directions, ambient=ambient
        )
    kinds = [
        (ensemble, query, schedule)
        for schedule in some_of(schedules, list(SCHEDULES), "schedules")
        for ensemble in some_of(ensembles, ENSEMBLES, "ensembles")
        for query in some_of(queries, QUERIES, "queries")
    ]
    bound(max_samples, 2, MOST_SAMPLES, "max_samples")
    bound(times, 1, math.inf, "times")
    remedies = some_of(remedies, (*REMEDIES, "share"), "remedies") if remedies else ()
    trained = networks(activations=activations) if activations else st.none()
    return _settings(manifolds, max_samples, times, kinds, points, remedies, trained)


@st.composite
def _settings(
    draw: DrawFn,
    manifolds: SearchStrategy[LinearManifold],
    max_samples: int,
    times: int,
    kinds: list[tuple[Any, Any, str]],
    pointed: bool,
    remedies: Sequence[str],
    trained: SearchStrategy[Network | None],
) -> Setting:
    manifold, N = draw(manifolds), entry(draw, integers(2, max_samples))
    ensemble, query, schedule = entry(draw, kinds)
    collapse = _collapse_time(manifold, N)
    drawn = (entry(draw, _times()) for _ in range(1 + entry(draw, range(times))))
    t = [_within(rounded(value * collapse, 1)) if near else value for value, near in drawn]
    others: dict[str, Any] = {}
    if ensemble == "mixture":
        others["separation"] = rounded(entry(draw, decimals(-1, 1)) * math.sqrt(manifold.subspaces[0].variance), 2)
        others["share"] = entry(draw, SHARES) if "share" in remedies else FAIR
    if "temperature" in remedies:
        others["temperature"] = entry(draw, decimals(-1, 1))
    if "bandwidth" in remedies:
        others["bandwidth"] = rounded(entry(draw, decimals(-2, 2)) * t[0], 2) if entry(draw, (False, True)) else 0.0
    others["network"] = draw(trained)
    own = np.array(sorted({_time(SCHEDULES[schedule], value) for value in t}))
    setting = Setting(manifold, N, own, SCHEDULES[schedule], ensemble, query, **others)
    return setting.at(point=tuple(draw(points(setting)))) if pointed else setting


def networks(*, activations: Sequence[str] = tuple(ACTIVATIONS), max_features: int = 10_000) -> SearchStrategy[Network]:
    """Networks of one training time, with a ridge; they shrink to one tanh feature, training time 1 and ridge 1.

    Raises:
        ValueError: for an activation that is not known, or another bound than a positive integer.
    """
    bound(max_features, 1, MOST_SAMPLES, "max_features")
    return _networks(some_of(activations, list(ACTIVATIONS), "activations"), max_features)


@st.composite
def _networks(draw: DrawFn, activations: Sequence[str], max_features: int) -> Network:
    features, tau = entry(draw, integers(1, max_features)), entry(draw, decimals(-2, 6))
    return Network(features, entry(draw, activations), (tau,), entry(draw, decimals(-3, 2)))


@cache
def _times() -> tuple[tuple[float, bool], ...]:
    """A time, or its ratio to the collapse time, as most are, and whether it is that."""
    free = one_digit(-12, 12)
    free = free[:9] + free[9::FAR]
    near = repeated(one_digit(-2, 2), PLACES - len(free))
    return tuple((value, i % PLACES >= len(free)) for i, value in enumerate(with_second_digits(free + near)))


def _within(t: float) -> float:
    return min(max(t, 10 * SMALLEST), LARGEST / 10)  # room for the rounding of a schedule's own time


def _time(schedule: Schedule, t: float) -> float:
    """The schedule's own time of a noise variance, rounded where that keeps it below the last."""
    last = schedule.last_time
    if last < math.inf:
        t = min(t, float(schedule.noise_variance(np.array(last * LATE))))
    time = float(schedule.time(np.array(t)))
    return rounded(time, 3) if time < 0.9 * last else time


def _collapse_time(manifold: LinearManifold, N: int) -> float:
    """About where I(t) = log N: Newton's steps in log t, from where one subspace alone would bring it.

    I is convex and falls in log t, so that no step from there goes too far.
    """
    parts = [(part.variance, part.dimension) for part in manifold.subspaces]
    log_N = math.log(N)
    u = max(math.log(SMALLEST), *(math.log(lam) - _log_expm1(2 * log_N / m) for lam, m in parts))
    for _ in range(NEWTON):
        ratios = [(lam * math.exp(-u), m) for lam, m in parts]
        excess = sum(m / 2 * math.log1p(ratio) for ratio, m in ratios) - log_N
        u += excess / sum(m / 2 * ratio / (1 + ratio) for ratio, m in ratios)
    return math.exp(u)


def _log_expm1(x: float) -> float:
    return x + math.log(-math.expm1(-x))
