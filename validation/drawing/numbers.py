"""Numbers to draw: each is one choice from a table of decimals, simplest first.

Tables begin with the numbers of one digit, m 10^e, those near 1 first, in PLACES places; d times PLACES further on stand the
same with d as second digit. Hypothesis draws the small indices more often than the large ones, about evenly among the first
PLACES, and makes one smaller by dropping its high bits, which rounds the number.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = [
    "MOST_SAMPLES",
    "PLACES",
    "bound",
    "counts",
    "decimals",
    "entry",
    "integers",
    "noise",
    "one_digit",
    "repeated",
    "some_of",
    "variances",
    "with_second_digits",
]

T = TypeVar("T")
PLACES = 2**8  # more than the numbers of one digit in 28 decades
MOST_SAMPLES = 10**27


@st.composite
def variances(draw: DrawFn) -> float:
    """Variances lambda, over 12 decades about 1, data units squared."""
    return entry(draw, decimals(-6, 6))


@st.composite
def noise(draw: DrawFn) -> float:
    """Noise variances t, over 24 decades about 1, data units squared."""
    return entry(draw, decimals(-12, 12))


def counts(*, at_least: int = 1, at_most: int = 10**12) -> SearchStrategy[int]:
    """Numbers of samples N, even in their logarithm; they shrink to 2.

    Raises:
        ValueError: for bounds that are no integers, or leave nothing between them.
    """
    bound(at_least, 1, MOST_SAMPLES, "at_least")
    return _counts(at_least, bound(at_most, at_least, MOST_SAMPLES, "at_most"))


@st.composite
def _counts(draw: DrawFn, at_least: int, at_most: int) -> int:
    return entry(draw, integers(at_least, at_most, 2))


def entry(draw: DrawFn, table: Sequence[T]) -> T:
    """An entry of a table, the first if it may be; as of sampled_from, which would tell the table whenever it is named."""
    return table[draw(_index(len(table)))]


@cache
def _index(size: int) -> SearchStrategy[int]:
    return st.integers(0, size - 1)


@cache
def decimals(low: int, high: int) -> tuple[float, ...]:
    """The table of numbers from 10^low to 10^high, even in their logarithm."""
    return with_second_digits(repeated(one_digit(low, high), PLACES))


def one_digit(low: int, high: int) -> list[tuple[int, int]]:
    """(m, e) of the numbers m 10^e from 10^low to 10^high, those near 1 first."""
    return sorted(((m, e) for e in range(low, high) for m in range(1, 10)), key=lambda n: (abs(n[1]), n))


def with_second_digits(places: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    """The table that begins with these numbers."""
    return tuple(float(f"{m}.{d}e{e}") for d in range(10) for m, e in places)


@cache
def integers(at_least: int, at_most: int, first: int = 1) -> tuple[int, ...]:
    """The table of integers, even in their logarithm, and of the two ends."""
    found = (m * 10**e for m, e in one_digit(0, len(str(at_most))))
    plain = {at_least, at_most, *(n for n in found if at_least <= n <= at_most)}
    places = repeated(sorted(plain, key=lambda n: (n != first, len(str(n)), n)), PLACES)
    further = ((n, n + d * 10 ** int(math.log10(n)) // 10) for d in range(10) for n in places)
    return tuple(n if m > at_most else m for n, m in further)


def repeated(values: Sequence[T], count: int) -> list[T]:
    """The values again and again, `count` of them."""
    return [values[i % len(values)] for i in range(count)]


def bound(value: Any, at_least: int, at_most: float, what: str) -> int:
    """`value` if it is an integer between the two, or a ValueError that names `what`."""
    if not isinstance(value, int) or not at_least <= value <= at_most:
        most = "more" if at_most == math.inf else f"{at_most:g}"
        raise ValueError(f"{what} must be an integer from {at_least} to {most}, got {value!r}")
    return value


def some_of(values: Sequence[Any], known: Collection[Any], what: str) -> tuple[Any, ...]:
    """The values if all of them are known, or a ValueError that names `what`."""
    if isinstance(values, str) or not values or any(value not in known for value in values):
        raise ValueError(f"{what} must be some of {', '.join(map(str, known))}, got {values!r}")
    return tuple(values)
