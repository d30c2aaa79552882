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
from validation.drawing.numbers import MOST_SAMPLES, bound, decimals, entry, integers, some_of

if TYPE_CHECKING:
    from numerics.data import Mixture

__all__ = [
    "DATA_SETS",
    "NORMAL",
    "SPECTRA",
    "data_sets",
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
SEEDS = range(2**16)


def _array(values: Any, xp: Any, dtype: Any) -> Any:
    return xp.asarray(values, dtype=getattr(xp, dtype) if isinstance(dtype, str) else dtype)


def rounded(value: float, digits: int) -> float:
    """`value` to a number of digits."""
    return float(f"{value:.{digits}g}")


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
    bound(max_dimension, 1, MOST_DIRECTIONS, "max_dimension")
    return _spectra(some_of(kinds, SPECTRA, "kinds"), max_dimension, xp, dtype)


@st.composite
def _spectra(draw: DrawFn, kinds: tuple[str, ...], max_dimension: int, xp: Any, dtype: Any) -> Any:
    shape, D = SPECTRA[entry(draw, kinds)], entry(draw, integers(1, max_dimension))
    normal, largest, condition = entry(draw, NORMAL), entry(draw, decimals(-6, 6)), entry(draw, decimals(0, 12))
    return _array(np.concatenate([largest * shape(np.arange(float(D)), condition), np.zeros(normal)]), xp, dtype)


# points and data


@st.composite
def points(draw: DrawFn, setting: Setting, *, xp: Any = np, dtype: Any = "float64") -> Any:
    """Points x of a setting, shape (D,), in its schedule's units at its first time: at the origin, typical, far, near.

    The coordinates repeat after four, in units of their typical size to a digit.
    """
    manifold, alpha, t = setting.manifold, float(setting.alpha[0]), float(setting.t[0])
    D, distance = manifold.ambient_dimension, entry(draw, DISTANCES)
    if not distance:
        return _array(np.zeros(D), xp, dtype)
    sizes = [rounded(distance * alpha * math.sqrt(lam + t), 1) for lam in (*manifold.variances, 0.0)]
    repeats = (*manifold.dimensions, D - manifold.intrinsic_dimension)
    pattern = [entry(draw, COORDINATES) for _ in range(min(D, PERIOD))]
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
    bound(max_samples, 2, MOST_SAMPLES, "max_samples")
    bound(max_dimension, 1, MOST_DIRECTIONS, "max_dimension")
    return _data_sets(some_of(kinds, DATA_SETS, "kinds"), max_samples, max_dimension, xp, dtype)


@st.composite
def _data_sets(draw: DrawFn, kinds: tuple[str, ...], max_samples: int, max_dimension: int, xp: Any, dtype: Any) -> Any:
    make, N = DATA_SETS[entry(draw, kinds)], entry(draw, integers(2, max_samples))
    D, unit = entry(draw, integers(1, max_dimension)), entry(draw, UNITS)
    return _array(unit * make(_stream(draw), N, D), xp, dtype)


def _stream(draw: DrawFn) -> np.random.Generator:
    return np.random.default_rng(entry(draw, SEEDS))


@st.composite
def mixtures(draw: DrawFn, *, max_parts: int = 3, max_dimension: int = 3) -> Mixture:
    """Mixtures of Gaussians of independent directions, for `numerics.data`."""
    from numerics.data import Mixture

    A, D = draw(st.integers(1, max_parts)), draw(st.integers(1, max_dimension))
    shares = [draw(st.integers(1, 9)) for _ in range(A)]
    means = tuple(tuple(float(draw(st.integers(-9, 9))) for _ in range(D)) for _ in range(A))
    scales = [[entry(draw, decimals(-2, 2)) for _ in range(D)] for _ in range(A)]
    factors = tuple(tuple(map(tuple, np.diag(scale).tolist())) for scale in scales)
    return Mixture(tuple(share / sum(shares) for share in shares), means, factors)


# maps


def orthogonal(D: int, *, xp: Any = np, dtype: Any = "float64") -> SearchStrategy[Any]:
    """Orthogonal maps, shape (D, D), even over rotations and reflections; they shrink to the identity.

    Raises:
        ValueError: unless D is a positive integer.
    """
    bound(D, 1, MOST_DIRECTIONS, "D")
    return _orthogonal(D, xp, dtype)


@st.composite
def _orthogonal(draw: DrawFn, D: int, xp: Any, dtype: Any) -> Any:
    seed = entry(draw, SEEDS)
    Q, R = np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))
    return _array(Q * np.sign(np.diagonal(R)) if seed else np.eye(D), xp, dtype)


def permutations(K: int, *, xp: Any = np) -> SearchStrategy[Any]:
    """Orders of K things, indices of shape (K,) in the integers of the library; they shrink to that which changes nothing.

    Raises:
        ValueError: unless K is a positive integer.
    """
    return st.permutations(range(bound(K, 1, math.inf, "K"))).map(xp.asarray)
