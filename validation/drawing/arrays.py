"""Arrays to draw, in the library `xp`: any namespace of the array API standard, as of hypothesis.extra.array_api.

A few numbers say what they are; the entries follow from these or from a seed, not drawn one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

from theory.setting import MOST_DIRECTIONS, Setting
from validation.drawing.numbers import bound, counts, integers, numbers, one_of, some_of, variances

if TYPE_CHECKING:
    from numerics.data import Mixture

__all__ = [
    "DATA_SETS",
    "NORMAL",
    "SPECTRA",
    "data_sets",
    "dimensions",
    "mixtures",
    "orthogonal",
    "permutations",
    "points",
    "rounded",
    "spectra",
]

Array = NDArray[np.float64]
NORMAL = (0, 0, 1, 2, 10)  # directions that data do not vary along
DISTANCES = (0, 1, 10, 100, 0.1)  # of a point: at the origin, typical, far, near
COORDINATES = (1, -1, 0, 2, -2, 0.5, -0.5, 0.1)  # in typical units
PERIOD = 4  # of them are drawn; then they repeat
UNITS = (1, 10, 0.1, 1000, 0.001)
SEEDS = 2**16


def _array(values: Any, xp: Any, dtype: Any) -> Any:
    return xp.asarray(values, dtype=getattr(xp, dtype) if isinstance(dtype, str) else dtype)


def dimensions(at_most: int) -> SearchStrategy[int]:
    """Numbers of directions, even in their logarithm.

    Raises:
        ValueError: for another bound than a positive integer.
    """
    return integers(1, bound(at_most, 1, MOST_DIRECTIONS // 10, "max_dimension"))


def rounded(value: float, digits: int) -> float:
    """`value` to a number of digits."""
    return float(f"{value:.{digits}g}")


@st.composite
def _made(draw: DrawFn, make: Callable[..., Any], *parts: SearchStrategy[Any]) -> Any:
    """As st.builds, but shown as what is made, not as the call."""
    return make(*(draw(part) for part in parts))


# spectra

SPECTRA: dict[str, Callable[[Array, float], Array]] = {
    "isotropic": lambda i, c: np.ones(i.size),
    "two scales": lambda i, c: np.where(2 * i < i.size, 1, 1 / c),
    "power law": lambda i, c: (1 + i) ** (-math.log(c) / math.log(max(i.size, 2))),
    "geometric": lambda i, c: c ** (-i / max(i.size - 1, 1)),
    "nearly equal": lambda i, c: 1 - 1e-3 * i / (i.size * c),
    "degenerate": lambda i, c: c ** (-(i // 2) / max((i.size - 1) // 2, 1)),
}
"""Spectra of largest eigenvalue 1, shape (D,), by the index i of the direction and a condition number c."""


def spectra(
    *, max_dimension: int = 8, kinds: Sequence[str] = tuple(SPECTRA), xp: Any = np, dtype: Any = "float64"
) -> SearchStrategy[Any]:
    """Eigenvalues of a covariance, shape (D,), falling, of condition numbers to 1e12; some end in zeros.

    Args:
        max_dimension: the largest number of eigenvalues that are not zero.
        kinds: of SPECTRA.
        xp: the library of the arrays.
        dtype: by name, or of the library.

    Raises:
        ValueError: for a kind or a bound outside its domain.
    """

    def spectrum(kind: str, D: int, normal: int, largest: float, condition: float) -> Any:
        values = largest * SPECTRA[kind](np.arange(float(D)), condition)
        return _array(np.concatenate([values, np.zeros(normal)]), xp, dtype)

    kind = one_of(*some_of(kinds, SPECTRA, "kinds"))
    return _made(spectrum, kind, dimensions(max_dimension), one_of(*NORMAL), variances(), numbers(0, 12))


# points and data


@st.composite
def points(draw: DrawFn, setting: Setting, *, xp: Any = np, dtype: Any = "float64") -> Any:
    """Points x of a setting, shape (D,), in its schedule's units at its first time: at the origin, typical, far, near.

    The coordinates repeat after four, in units of their typical size to a digit.
    """
    manifold, alpha, t = setting.manifold, float(setting.alpha[0]), float(setting.t[0])
    D, distance = manifold.ambient_dimension, draw(one_of(*DISTANCES))
    if not distance:
        return _array(np.zeros(D), xp, dtype)
    sizes = [rounded(distance * alpha * math.sqrt(lam + t), 1) for lam in (*manifold.variances, 0.0)]
    repeats = (*manifold.dimensions, D - manifold.intrinsic_dimension)
    pattern = [draw(one_of(*COORDINATES)) for _ in range(min(D, PERIOD))]
    return _array(np.repeat(sizes, repeats) * np.resize(pattern, D), xp, dtype)


def _gaussian(rng: np.random.Generator, N: int, D: int) -> Array:
    return np.round(rng.standard_normal((N, D)), 1)


def _sphere(rng: np.random.Generator, N: int, D: int) -> Array:
    x = rng.standard_normal((N, D))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def _outlier(rng: np.random.Generator, N: int, D: int) -> Array:
    x = _gaussian(rng, N, D)
    x[-1] += 1e6
    return x


DATA_SETS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "gaussian": _gaussian,
    "sphere": _sphere,
    "mixture": lambda rng, N, D: _gaussian(rng, N, D) + 10 * rng.integers(2, size=(N, 1)),
    "duplicates": lambda rng, N, D: _gaussian(rng, N, D)[rng.integers((N + 1) // 2, size=N)],
    "collinear": lambda rng, N, D: _gaussian(rng, N, 1) * _gaussian(rng, 1, D),
    "heavy tails": lambda rng, N, D: np.round(rng.standard_cauchy((N, D)), 1),
    "one outlier": _outlier,
    "offset": lambda rng, N, D: _gaussian(rng, N, D) + 1e8,
    "constant": lambda rng, N, D: np.repeat(_gaussian(rng, 1, D), N, axis=0),
    "one sample": lambda rng, N, D: _gaussian(rng, 1, D),
}
"""Data sets, shape (N, D), of a random stream, N and D; numbers of one decimal but on the sphere."""


def data_sets(
    *,
    max_samples: int = 50,
    max_dimension: int = 8,
    kinds: Sequence[str] = tuple(DATA_SETS),
    xp: Any = np,
    dtype: Any = "float64",
) -> SearchStrategy[Any]:
    """Data sets, shape (N, D), of at least 2 samples but for `one sample`, in units from 1e-3 to 1e3.

    Args:
        max_samples: the largest N.
        max_dimension: the largest D.
        kinds: of DATA_SETS.
        xp: the library of the arrays.
        dtype: by name, or of the library.

    Raises:
        ValueError: for a kind or a bound outside its domain.
    """

    def data_set(kind: str, N: int, D: int, unit: float, seed: int) -> Any:
        return _array(unit * DATA_SETS[kind](np.random.default_rng(seed), N, D), xp, dtype)

    kind, N = one_of(*some_of(kinds, DATA_SETS, "kinds")), counts(at_least=2, at_most=max_samples)
    return _made(data_set, kind, N, dimensions(max_dimension), one_of(*UNITS), st.integers(0, SEEDS))


def mixtures(*, max_parts: int = 3, max_dimension: int = 3) -> SearchStrategy[Mixture]:
    """Mixtures of Gaussians of independent directions, for `numerics.data`.

    Raises:
        ValueError: for bounds that are no positive integers.
    """
    from numerics.data import Mixture

    def mixture(parts: int, D: int, spread: float, seed: int) -> Mixture:
        rng = np.random.default_rng(seed)
        weights, means = rng.integers(1, 10, parts), rng.integers(-9, 10, (parts, D))
        factors = np.eye(D) * rng.integers(1, 10, (parts, D, 1)) * spread
        return Mixture(
            tuple((weights / weights.sum()).tolist()),
            tuple(tuple(map(float, mean)) for mean in means),
            tuple(tuple(map(tuple, factor)) for factor in factors.tolist()),
        )

    A = st.integers(1, bound(max_parts, 1, math.inf, "max_parts"))
    return _made(mixture, A, dimensions(max_dimension), numbers(-2, 2), st.integers(0, SEEDS))


# maps


def orthogonal(D: int, *, xp: Any = np, dtype: Any = "float64") -> SearchStrategy[Any]:
    """Orthogonal maps, shape (D, D), even over rotations and reflections; they shrink to the identity.

    Raises:
        ValueError: unless D is a positive integer.
    """
    bound(D, 1, MOST_DIRECTIONS, "D")

    def turn(seed: int) -> Any:
        Q, R = np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))
        return _array(Q * np.sign(np.diagonal(R)) if seed else np.eye(D), xp, dtype)

    return _made(turn, st.integers(0, SEEDS))


def permutations(K: int, *, xp: Any = np) -> SearchStrategy[Any]:
    """Orders of K things, indices of shape (K,); they shrink to that which changes nothing.

    Raises:
        ValueError: unless K is a positive integer.
    """
    return st.permutations(range(bound(K, 1, math.inf, "K"))).map(lambda order: _array(order, xp, "int64"))
