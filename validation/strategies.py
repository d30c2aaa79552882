"""Strategies: what hypothesis draws from the domains of this field, simplest first.

    @given(settings(max_subspaces=2, schedules=("ve", "flow")))
    def test_my_loss_time(setting): ...

Each number is one choice from a table of decimals of two digits, ordered by how soon a person would write them, so a
counterexample shrinks along it: to 1x1, N = 2, t = 1. Most times lie about the collapse time, where formulas differ:

    sum_k m_k / 2 log(1 + lambda_k / t) = log N.

Nothing is filtered. Arrays come in the library `xp`, any namespace of the array API standard, as of
hypothesis.extra.array_api; the larger ones are made of a seed, not drawn number by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from theory.setting import (
    ENSEMBLES,
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

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy
except ImportError:
    raise ImportError(
        "validation.strategies draws by hypothesis, which is not installed; pip install 'geomem[hypothesis]'"
    ) from None

if TYPE_CHECKING:
    from numerics.data import Mixture

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

Array = NDArray[np.float64]
NORMAL = (0, 0, 1, 2, 10)  # directions that data do not vary along
PLACES = 2**8  # more than one-digit numbers in 28 decades
MOST_SAMPLES = 10**27
EQUAL = (1, 1 + 1e-12, 1 + 1e-9, 1 + 1e-6, 1 + 1e-3)  # ratios of variances that are easily taken for one
SHARE = PLACES // 4  # so many times each of them, among ten PLACES of variances
FACES = (0, 1, 10, 100, 0.1)  # how far a point is out: the origin, typical, far, near
COORDINATES = (1, -1, 0, 2, -2, 0.5, -0.5, 0.1)  # of a point, in its typical size
PERIOD = 4  # coordinates drawn of a point; then they repeat
NEAR = 3  # so many ratios to the collapse time for each time that is none
LATE = 1 - 1e-6  # of the last time
NEWTON = 4  # steps to the collapse time: to a few per cent
UNITS = (1, 10, 0.1, 1000, 0.001)
SEEDS = 2**16


def _places(exponents: Iterable[int], first: int = 1) -> list[tuple[int, int]]:
    """(m, e) of the numbers m 10^e of one digit, those near 1 first, again and again until there are PLACES of them."""
    one_digit = sorted(((m, e) for e in exponents for m in range(1, 10)), key=lambda n: (abs(n[1]), n[0] != first, n))
    return [one_digit[i % len(one_digit)] for i in range(PLACES)]


@cache
def _decimals(low: int, high: int) -> tuple[float, ...]:
    """Numbers from 10^low to 10^high: those of one digit, and PLACES times d further on the same with d as second digit.

    Hypothesis makes an index smaller by dropping its high bits; that rounds the number.
    """
    return tuple(float(f"{m}.{d}e{e}") for d in range(10) for m, e in _places(range(low, high)))


@cache
def _integers(at_least: int, at_most: int, first: int = 1) -> tuple[int, ...]:
    """The same of integers; those out of bounds are folded into them."""
    places = _places(range(len(str(at_most))), first)
    found = (m * 10**e + d * 10**e // 10 for d in range(10) for m, e in places)
    return tuple(n if at_least <= n <= at_most else at_least + n % (at_most - at_least + 1) for n in found)


@cache
def _numbers(low: int, high: int) -> SearchStrategy[float]:
    return st.sampled_from(_decimals(low, high))


def _rounded(value: float, digits: int = 2) -> float:
    return float(f"{value:.{digits}g}")


def _from(values: Sequence[Any], known: Sequence[Any], what: str) -> tuple[Any, ...]:
    """The values, all of them known, or a ValueError that names what they are."""
    if isinstance(values, str) or not values or any(value not in known for value in values):
        raise ValueError(f"{what} must be some of {', '.join(map(str, known))}, got {values!r}")
    return tuple(values)


def _bound(value: Any, at_least: int, at_most: float, what: str) -> int:
    if not isinstance(value, int) or not at_least <= value <= at_most:
        raise ValueError(f"{what} must be an integer from {at_least} to {at_most:g}, got {value!r}")
    return value


# numbers


def variances() -> SearchStrategy[float]:
    """Variances lambda, over 12 decades about 1, data units squared."""
    return _numbers(-6, 6)


def noise() -> SearchStrategy[float]:
    """Noise variances t, over 24 decades about 1, data units squared."""
    return _numbers(-12, 12)


def counts(*, at_least: int = 1, at_most: int = 10**12) -> SearchStrategy[int]:
    """Numbers of samples N, even in their logarithm; they shrink to 2.

    Raises:
        ValueError: for bounds that are no integers, or leave nothing between them.
    """
    _bound(at_least, 1, MOST_SAMPLES, "at_least")
    return st.sampled_from(_integers(at_least, _bound(at_most, at_least, MOST_SAMPLES, "at_most"), first=2))


def schedules() -> SearchStrategy[Schedule]:
    """Schedules of noise by name, `ve` first."""
    return st.sampled_from(list(SCHEDULES.values()))


# manifolds


def _dimensions(at_most: int) -> SearchStrategy[int]:
    return st.sampled_from(_integers(1, _bound(at_most, 1, MOST_DIRECTIONS // 10, "max_dimension")))


def subspaces(*, max_dimension: int = 100_000) -> SearchStrategy[Subspace]:
    """Subspaces of m directions, m even in its logarithm up to `max_dimension`.

    Raises:
        ValueError: for another bound than a positive integer.
    """
    return st.builds(Subspace, variances(), _dimensions(max_dimension))


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
    _bound(max_subspaces, 1, math.inf if directions is None else directions, "max_subspaces")
    sizes = range(_bound(min_subspaces, 1, max_subspaces, "min_subspaces"), max_subspaces + 1)
    shapes = sorted(((K, normal) for K in sizes for normal in NORMAL), key=sum)
    return _manifolds(st.sampled_from(shapes), _dimensions(max_dimension), directions, ambient)


_manifolds_of = manifolds  # an option of `settings` has its name


@cache
def _further() -> SearchStrategy[tuple[float, bool]]:
    """The variance of a second subspace, or its ratio to the first, and whether it is that."""
    free, tied = [(value, False) for value in _decimals(-6, 6)], [(ratio, True) for ratio in EQUAL]
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
        for schedule in _from(schedules, list(SCHEDULES), "schedules")
        for ensemble in _from(ensembles, ENSEMBLES, "ensembles")
        for query in _from(queries, QUERIES, "queries")
    ]
    return _settings(
        manifolds,
        counts(at_least=2, at_most=max_samples),
        st.just(kinds[0]) if len(kinds) == 1 else st.sampled_from(kinds),
        st.sampled_from(range(1, 1 + _bound(times, 1, math.inf, "times"))),
        points,
        _from(remedies, list(REMEDIES), "remedies") if remedies else (),
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
        _within(_rounded(value * collapse, 1)) if near else value
        for value, near in (draw(_times()) for _ in range(draw(sizes)))
    ]
    others: dict[str, Any] = {}
    if ensemble == "mixture":
        others["separation"] = _rounded(draw(_numbers(-1, 1)) * math.sqrt(manifold.subspaces[0].variance))
    if "temperature" in remedies:
        others["temperature"] = draw(_numbers(-1, 1))
    if "bandwidth" in remedies:
        others["bandwidth"] = draw(_numbers(-2, 2)) * t[0] if draw(_of(False, True)) else 0.0
    setting = Setting(
        manifold, N, np.array(sorted({_time(schedule, v) for v in t})), schedule, ensemble, query, **others
    )
    return setting.at(point=tuple(draw(points(setting)))) if pointed else setting


@cache
def _times() -> SearchStrategy[tuple[float, bool]]:
    """A time, or its ratio to the collapse time, as most are, and whether it is that."""
    free, near = [(t, False) for t in _decimals(-12, 12)], [(ratio, True) for ratio in _decimals(-2, 2)]
    return st.sampled_from(free + NEAR * near)


@cache
def _of(*values: Any) -> SearchStrategy[Any]:
    return st.sampled_from(values)


def _within(t: float) -> float:
    return min(max(t, SMALLEST), LARGEST)


def _time(schedule: Schedule, t: float) -> float:
    """The schedule's own time of a noise variance, rounded where that keeps it below the last."""
    last = schedule.last_time
    if last < math.inf:
        t = min(t, float(schedule.noise_variance(np.array(last * LATE))))
    time = float(schedule.time(np.array(t)))
    return _rounded(time) if time < 0.9 * last else time


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


# arrays


def _array(values: Any, xp: Any, dtype: Any) -> Any:
    return xp.asarray(values, dtype=getattr(xp, dtype) if isinstance(dtype, str) else dtype)


@st.composite
def points(draw: DrawFn, setting: Setting, *, xp: Any = np, dtype: Any = "float64") -> Any:
    """Points x of a setting, shape (D,), in its schedule's units at its first time: at the origin, typical, far, near.

    The coordinates repeat after four, in units of their own typical size to a digit.
    """
    manifold, alpha, t = setting.manifold, float(setting.alpha[0]), float(setting.t[0])
    face = draw(_of(*FACES))
    if not face:
        return _array(np.zeros(manifold.ambient_dimension), xp, dtype)
    D = manifold.ambient_dimension
    sizes = [_rounded(face * alpha * math.sqrt(lam + t), 1) for lam in (*manifold.variances, 0.0)]
    repeats = (*manifold.dimensions, D - manifold.intrinsic_dimension)
    pattern = [draw(_of(*COORDINATES)) for _ in range(min(D, PERIOD))]
    return _array(np.repeat(sizes, repeats) * np.resize(pattern, D), xp, dtype)


SPECTRA: dict[str, Callable[[Array, float], Array]] = {
    "isotropic": lambda i, c: np.ones(i.size),
    "two scales": lambda i, c: np.where(2 * i < i.size, 1, 1 / c),
    "power law": lambda i, c: (1 + i) ** (-math.log(c) / math.log(max(i.size, 2))),
    "geometric": lambda i, c: c ** (-i / max(i.size - 1, 1)),
    "nearly equal": lambda i, c: 1 - 1e-3 * i / (i.size * c),
    "degenerate": lambda i, c: c ** (-(i // 2) / max(i.size // 2, 1)),
}
"""Spectra of largest eigenvalue 1 by the index i of the direction, shape (D,), and the condition number c or about that."""


@st.composite
def spectra(
    draw: DrawFn,
    *,
    max_dimension: int = 8,
    kinds: Sequence[str] = tuple(SPECTRA),
    xp: Any = np,
    dtype: Any = "float64",
) -> Any:
    """Eigenvalues of a covariance, shape (D,), falling, of condition numbers to 1e12; some of them end in zeros.

    Args:
        draw: of hypothesis.
        max_dimension: the largest number of eigenvalues that are not zero.
        kinds: of SPECTRA.
        xp: the library of the arrays.
        dtype: by name, or of the library.

    Raises:
        ValueError: for a kind or a bound outside its domain.
    """
    shape = SPECTRA[draw(st.sampled_from(_from(kinds, list(SPECTRA), "kinds")))]
    D, normal = draw(_dimensions(max_dimension)), draw(_of(*NORMAL))
    values = draw(variances()) * shape(np.arange(float(D)), draw(_numbers(0, 12)))
    return _array(np.concatenate([values, np.zeros(normal)]), xp, dtype)


def _gaussian(rng: np.random.Generator, N: int, D: int) -> Array:
    return np.round(rng.standard_normal((N, D)), 1)


DATA_SETS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "gaussian": _gaussian,
    "sphere": lambda rng, N, D: _on_sphere(rng.standard_normal((N, D))),
    "mixture": lambda rng, N, D: _gaussian(rng, N, D) + 10 * rng.integers(2, size=(N, 1)),
    "duplicates": lambda rng, N, D: _gaussian(rng, N, D)[rng.integers((N + 1) // 2, size=N)],
    "collinear": lambda rng, N, D: _gaussian(rng, N, 1) * _gaussian(rng, 1, D),
    "heavy tails": lambda rng, N, D: np.round(rng.standard_cauchy((N, D)), 1),
    "one outlier": lambda rng, N, D: _gaussian(rng, N, D) + np.where(np.arange(N) == N - 1, 1e6, 0)[:, None],
    "offset": lambda rng, N, D: _gaussian(rng, N, D) + 1e8,
    "constant": lambda rng, N, D: np.repeat(_gaussian(rng, 1, D), N, axis=0),
    "one sample": lambda rng, N, D: _gaussian(rng, 1, D),
}
"""Data sets, shape (N, D), of a random stream, N and D."""


def _on_sphere(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


@st.composite
def data_sets(
    draw: DrawFn,
    *,
    max_samples: int = 50,
    max_dimension: int = 8,
    kinds: Sequence[str] = tuple(DATA_SETS),
    xp: Any = np,
    dtype: Any = "float64",
) -> Any:
    """Data sets, shape (N, D), N of at least 2 but for `one sample`, in units from 1e-3 to 1e3.

    Args:
        draw: of hypothesis.
        max_samples: the largest N.
        max_dimension: the largest D.
        kinds: of DATA_SETS.
        xp: the library of the arrays.
        dtype: by name, or of the library.

    Raises:
        ValueError: for a kind or a bound outside its domain.
    """
    kind = DATA_SETS[draw(st.sampled_from(_from(kinds, list(DATA_SETS), "kinds")))]
    N, D = draw(counts(at_least=2, at_most=max_samples)), draw(_dimensions(max_dimension))
    unit = draw(_of(*UNITS))
    return _array(unit * kind(np.random.default_rng(draw(st.integers(0, SEEDS))), N, D), xp, dtype)


@st.composite
def orthogonal(draw: DrawFn, D: int, *, xp: Any = np, dtype: Any = "float64") -> Any:
    """Orthogonal maps, shape (D, D), even over rotations and reflections; they shrink to the identity."""
    seed = draw(st.integers(0, SEEDS))
    if not seed:
        return _array(np.eye(D), xp, dtype)
    Q, R = np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))
    return _array(Q * np.sign(np.diagonal(R)), xp, dtype)


def permutations(K: int, *, xp: Any = np) -> SearchStrategy[Any]:
    """Orders of K things, indices of shape (K,); they shrink to that which changes nothing."""
    return st.permutations(range(K)).map(lambda order: _array(order, xp, "int64"))


@st.composite
def mixtures(draw: DrawFn, *, max_parts: int = 3, max_dimension: int = 3) -> Mixture:
    """Mixtures of Gaussians for `numerics.data`, with independent directions.

    Raises:
        ValueError: for bounds that are no positive integers.
    """
    from numerics.data import Mixture

    A, D = draw(counts(at_most=max_parts)), draw(_dimensions(max_dimension))
    weights = np.array([draw(st.integers(1, 9)) for _ in range(A)], dtype=float)
    means = [[float(draw(st.integers(-9, 9))) for _ in range(D)] for _ in range(A)]
    factors = [np.diag([draw(_numbers(-2, 2)) for _ in range(D)]) for _ in range(A)]
    return Mixture(
        tuple((weights / weights.sum()).tolist()),
        tuple(map(tuple, means)),
        tuple(tuple(map(tuple, factor.tolist())) for factor in factors),
    )
