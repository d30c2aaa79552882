"""Numbers to draw: each is one choice from a table of decimals, simplest first.

Tables begin with the numbers of one digit, m 10^e, those near 1 first, in PLACES places; d times PLACES further on stand the
same with d as second digit. Hypothesis makes an index smaller by dropping its high bits, which rounds the number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = [
    "MOST_SAMPLES",
    "PLACES",
    "bound",
    "counts",
    "decimals",
    "noise",
    "numbers",
    "one_of",
    "some_of",
    "variances",
]

PLACES = 2**8  # more than the numbers of one digit in 28 decades
MOST_SAMPLES = 10**27


def variances() -> SearchStrategy[float]:
    """Variances lambda, over 12 decades about 1, data units squared."""
    return numbers(-6, 6)


def noise() -> SearchStrategy[float]:
    """Noise variances t, over 24 decades about 1, data units squared."""
    return numbers(-12, 12)


def counts(*, at_least: int = 1, at_most: int = 10**12) -> SearchStrategy[int]:
    """Numbers of samples N, even in their logarithm; they shrink to 2.

    Raises:
        ValueError: for bounds that are no integers, or leave nothing between them.
    """
    bound(at_least, 1, MOST_SAMPLES, "at_least")
    return integers(at_least, bound(at_most, at_least, MOST_SAMPLES, "at_most"), 2)


@cache
def numbers(low: int, high: int) -> SearchStrategy[float]:
    """Numbers from 10^low to 10^high, even in their logarithm."""
    return st.sampled_from(decimals(low, high))


@cache
def integers(at_least: int, at_most: int, first: int = 1) -> SearchStrategy[int]:
    """Integers, even in their logarithm; those out of bounds are folded into them."""
    places = _places(range(len(str(at_most))), first)
    found = (m * 10**e + d * 10**e // 10 for d in range(10) for m, e in places)
    return st.sampled_from([n if at_least <= n <= at_most else at_least + n % (at_most - at_least + 1) for n in found])


@cache
def one_of(*values: Any) -> SearchStrategy[Any]:
    """One of a few values."""
    return st.sampled_from(values)


@cache
def decimals(low: int, high: int) -> tuple[float, ...]:
    """The table of the numbers from 10^low to 10^high."""
    places = _places(range(low, high))
    return tuple(float(f"{m}.{d}e{e}") for d in range(10) for m, e in places)


def _places(exponents: Iterable[int], first: int = 1) -> list[tuple[int, int]]:
    """(m, e) of the numbers m 10^e of one digit, again and again."""
    one_digit = sorted(((m, e) for e in exponents for m in range(1, 10)), key=lambda n: (abs(n[1]), n != (first, 0), n))
    return [one_digit[i % len(one_digit)] for i in range(PLACES)]


def bound(value: Any, at_least: int, at_most: float, what: str) -> int:
    """`value` if it is an integer between the two, or a ValueError that names `what`."""
    if not isinstance(value, int) or not at_least <= value <= at_most:
        raise ValueError(f"{what} must be an integer from {at_least} to {at_most:g}, got {value!r}")
    return value


def some_of(values: Sequence[Any], known: Collection[Any], what: str) -> tuple[Any, ...]:
    """The values if all of them are known, or a ValueError that names `what`."""
    if isinstance(values, str) or not values or any(value not in known for value in values):
        raise ValueError(f"{what} must be some of {', '.join(map(str, known))}, got {values!r}")
    return tuple(values)
