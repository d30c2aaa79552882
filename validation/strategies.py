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
        "validation.strategies draws by hypothesis, which is not installed; pip install 'geomem[hypothesis]'"
    ) from None

import numpy as np
from hypothesis.strategies import DrawFn, SearchStrategy

from theory.setting import (
    ENSEMBLES,
    LARGEST,
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
    dimensions,
    mixtures,
    orthogonal,
    permutations,
    points,
    rounded,
    spectra,
)
from validation.drawing.numbers import (
    PLACES,
    bound,
    counts,
    decimals,
    noise,
    numbers,
    one_of,
    some_of,
    variances,
)

__all__ = [
    "DATA_SETS",
    "SPECTRA",
    "counts",
    "data_sets",
    "manifolds",
    "mixtures",
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
SHARE = PLACES // 4  # so many times each of them, among ten PLACES of variances
NEAR = 3  # so many ratios to the collapse time for each time that is none
LATE = 1 - 1e-6  # of the last time
NEWTON = 4  # steps to the collapse time


def schedules() -> SearchStrategy[Schedule]:
    """Schedules of noise, `ve` first."""
    return one_of(*SCHEDULES.values())


def subspaces(*, max_dimension: int = 100_000) -> SearchStrategy[Subspace]:
    """Subspaces of m directions, m even in its logarithm up to `max_dimension`.

    Raises:
        ValueError: for another bound than a positive integer.
    """
    return st.builds(Subspace, variances(), dimensions(max_dimension))


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
    bound(max_subspaces, 1, math.inf if directions is None else directions, "max_subspaces")
    sizes = range(bound(min_subspaces, 1, max_subspaces, "min_subspaces"), max_subspaces + 1)
    shapes = sorted(((K, normal) for K in sizes for normal in NORMAL), key=sum)
    return _manifolds(st.sampled_from(shapes), dimensions(max_dimension), directions, ambient)


_manifolds_of = manifolds  # an option of `settings` has its name


@cache
def _further() -> SearchStrategy[tuple[float, bool]]:
    """The variance of a second subspace, or its ratio to the first, and whether it is that."""
    free, tied = [(value, False) for value in decimals(-6, 6)], [(ratio, True) for ratio in EQUAL]
    return st.sampled_from(free + SHARE * tied)


@st.composite
def _manifolds(
    draw: DrawFn,
    shapes: SearchStrategy[tuple[int, int]],
    dimensions: SearchStrategy[int],
    directions: int | None,
    ambient: int,
) -> LinearManifold:
    K, normal = draw(shapes)
    parts: list[Subspace] = []
    for k in range(K):
        value, tied = draw(_further()) if parts else (draw(variances()), False)
        m = draw(dimensions) if directions is None else directions - K + 1 if k == 0 else 1
        parts.append(Subspace(value * parts[0].variance if tied else value, m))
    return LinearManifold(tuple(parts), max(sum(part.dimension for part in parts) + normal, ambient))


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
        remedies: which of temperature and bandwidth they may have.

    Raises:
        ValueError: for an option outside its domain.
    """
    if manifolds is None:
        most = min(max_subspaces, directions or max_subspaces)
        largest = (8 if points else 100_000) if max_dimension is None else max_dimension
        manifolds = _manifolds_of(max_subspaces=most, max_dimension=largest, directions=directions, ambient=ambient)
    kinds = [
        (ensemble, query, SCHEDULES[schedule])
        for schedule in some_of(schedules, list(SCHEDULES), "schedules")
        for ensemble in some_of(ensembles, ENSEMBLES, "ensembles")
        for query in some_of(queries, QUERIES, "queries")
    ]
    return _settings(
        manifolds,
        counts(at_least=2, at_most=max_samples),
        st.just(kinds[0]) if len(kinds) == 1 else st.sampled_from(kinds),
        st.sampled_from(range(1, 1 + bound(times, 1, math.inf, "times"))),
        points,
        some_of(remedies, list(REMEDIES), "remedies") if remedies else (),
    )


@st.composite
def _settings(
    draw: DrawFn,
    manifolds: SearchStrategy[LinearManifold],
    samples: SearchStrategy[int],
    kinds: SearchStrategy[tuple[Any, Any, Schedule]],
    sizes: SearchStrategy[int],
    pointed: bool,
    remedies: tuple[str, ...],
) -> Setting:
    manifold, N, (ensemble, query, schedule) = draw(manifolds), draw(samples), draw(kinds)
    collapse = _collapse_time(manifold, N)
    t = [
        _within(rounded(value * collapse, 1)) if near else value
        for value, near in (draw(_times()) for _ in range(draw(sizes)))
    ]
    others: dict[str, Any] = {}
    if ensemble == "mixture":
        others["separation"] = rounded(draw(numbers(-1, 1)) * math.sqrt(manifold.subspaces[0].variance), 2)
    if "temperature" in remedies:
        others["temperature"] = draw(numbers(-1, 1))
    if "bandwidth" in remedies:
        others["bandwidth"] = rounded(draw(numbers(-2, 2)) * t[0], 2) if draw(one_of(False, True)) else 0.0
    setting = Setting(
        manifold, N, np.array(sorted({_time(schedule, v) for v in t})), schedule, ensemble, query, **others
    )
    return setting.at(point=tuple(draw(points(setting)))) if pointed else setting


@cache
def _times() -> SearchStrategy[tuple[float, bool]]:
    """A time, or its ratio to the collapse time, as most are, and whether it is that."""
    free, near = [(t, False) for t in decimals(-12, 12)], [(ratio, True) for ratio in decimals(-2, 2)]
    return st.sampled_from(free + NEAR * near)


def _within(t: float) -> float:
    return min(max(t, SMALLEST), LARGEST)


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
