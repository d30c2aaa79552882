"""Rounding: a float64 function evaluated together with a bound, to first order, on what rounding did to its value.

Overflow and underflow on the way count as rounding: 1e-400 held as 0 is off by what a smallest float64 number is.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

__all__ = ["rounding_error"]

Array = NDArray[np.float64]
UNIT = 2.0**-53  # of an arithmetic operation, relative
OF_A_FUNCTION = 16 * UNIT  # what SciPy's functions keep to
SMALLEST, SMALLEST_NORMAL = 5e-324, 2.3e-308


def rounding_error(function: Callable[..., Any]) -> Callable[..., Array]:
    """The function of the same arguments, taken as exact, that bounds its rounding error; not finite where it cannot.

    The function is one that lambdify or `theory.algebra.code` made: it calls ufuncs, and functions of numbers.
    """
    scope = {
        name: _bounded(value) for name, value in function.__globals__.items() if name in function.__code__.co_names
    }
    traced = FunctionType(function.__code__, scope)

    def error(*arguments: Array) -> Array:
        try:
            found = traced(*(_Bounded(a, np.zeros_like(a)) for a in arguments))
        except (TypeError, ValueError):  # it branches, or calls a function of lists
            return np.asarray(np.nan)
        return found.error if isinstance(found, _Bounded) else np.asarray(_constant_error(found))

    return error


class _Bounded(NDArrayOperatorsMixin):
    """Values, and a bound on how far each is from what exact arithmetic would give."""

    def __init__(self, value: Array, error: Array) -> None:
        self.value, self.error = value, np.where(np.isfinite(value), error, np.inf)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return _applied(ufunc, inputs)


def _bounded(value: Any) -> Any:
    """A function of numbers as one of bounded numbers; ufuncs are already, and so is what is no function."""
    if isinstance(value, np.ufunc) or not callable(value):
        return value
    return lambda *inputs: _applied(value, inputs)


def _applied(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    if not any(isinstance(i, _Bounded) for i in inputs):
        return function(*inputs)
    values = [i.value if isinstance(i, _Bounded) else i for i in inputs]
    errors = [i.error if isinstance(i, _Bounded) else _constant_error(i) for i in inputs]
    found = np.asarray(function(*values))
    if found.dtype == bool:
        return found
    rule: Callable[..., Array] = ARITHMETIC.get(function, _by_differences)
    return _Bounded(found, rule(function, found, values, errors))


def _constant_error(value: ArrayLike) -> float:
    """Of a constant of the code: none where it is a whole number."""
    number = float(value)  # type: ignore[arg-type]
    return 0.0 if number.is_integer() else UNIT * abs(number)


def _of_sum(_: Any, found: Array, values: list[Any], errors: list[Any]) -> Array:
    return errors[0] + errors[1] + UNIT * np.abs(found)


def _of_product(_: Any, found: Array, values: list[Any], errors: list[Any]) -> Array:
    (a, b), (ea, eb) = map(np.abs, values), errors
    return a * eb + b * ea + ea * eb + UNIT * np.abs(found) + np.where((a == 0) | (b == 0), 0, SMALLEST)


def _of_quotient(_: Any, found: Array, values: list[Any], errors: list[Any]) -> Array:
    (a, b), (ea, eb) = map(np.abs, values), errors
    moved = np.where(eb < b, (ea + np.abs(found) * eb) / (b - eb), np.inf)
    return moved + UNIT * np.abs(found) + np.where(a == 0, 0, SMALLEST)


def _of_sign(_: Any, found: Array, values: list[Any], errors: list[Any]) -> Array:
    return errors[0]


def _by_differences(function: Callable[..., Any], found: Array, values: list[Any], errors: list[Any]) -> Array:
    """Of any other function: its own rounding, and how far it moves when an argument moves by its error."""
    total = OF_A_FUNCTION * np.abs(found) + SMALLEST_NORMAL
    for i, error in enumerate(errors):
        if np.any(error):
            step = np.where(error == 0, 0, np.maximum(error, np.spacing(np.abs(values[i]))))
            moved = (function(*values[:i], values[i] + sign * step, *values[i + 1 :]) for sign in (-1, 1))
            total = total + np.maximum(*(np.abs(m - found) for m in moved))
    return total


ARITHMETIC: dict[Any, Callable[..., Array]] = {
    np.add: _of_sum,
    np.subtract: _of_sum,
    np.multiply: _of_product,
    np.divide: _of_quotient,
    np.negative: _of_sign,
    np.abs: _of_sign,
}
