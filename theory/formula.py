"""Formula: one sympy expression that is evaluated, printed and tested, so that the three cannot drift apart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.rounding import rounding_error

if TYPE_CHECKING:
    import mpmath
    import sympy as sp

__all__ = ["Formula", "in_float64"]

TRUSTED, UNDERFLOW = 1e-10, 1e-307  # rounding errors of float64 up to these, relative and absolute, are let pass
DIGITS = 60, 800, 1600, 3200  # until two agree; float64 numbers span 632 decades
SIGNS = ("zero", "positive", "negative", "nonnegative", "nonpositive", "nonzero")  # the first that holds says it all
KINDS = ("even", "odd", "prime", "composite", "integer", "noninteger")
MENDING = ContextVar("MENDING", default=True)


@contextmanager
def in_float64() -> Iterator[None]:
    """Inside, formulas say what float64 gives: for searches, that weigh values against numbers of order one."""
    token = MENDING.set(False)
    try:
        yield
    finally:
        MENDING.reset(token)


@dataclass(frozen=True)
class Formula:
    """An expression in named symbols.

    Attributes:
        name: what it computes, in the field's words.
        expression: the right-hand side, as the derivation left it.
        symbols: the arguments, in order. Their sympy assumptions are the domain: outside it, and at NaN, the value is NaN.

    A formula pickles, before and after it was used.
    """

    name: str
    expression: sp.Expr
    symbols: tuple[sp.Symbol, ...]

    def __post_init__(self) -> None:
        strangers = self.expression.free_symbols - set(self.symbols)
        if strangers:
            raise ValueError(f"the formula {self.name} leaves {sorted(map(str, strangers))} undeclared")

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The float64 evaluation without domain checks; takes complex arguments too."""
        return self.compiled_with()

    def compiled_with(self, **functions: Callable[..., Any]) -> Callable[..., Any]:
        """The same with other functions of some names, such as a faster `log1p`."""
        import sympy as sp

        modules = [functions, "scipy", "numpy"]
        return sp.lambdify(self.symbols, _without_cancellation(self.expression), modules, cse=True)

    @cached_property
    def code(self) -> str:
        """Its source, a Python function; `lambda`, `L_+` and other names that Python does not take are spelt `lambda_`, `L__`."""
        source = inspect.getsource(self.compiled)
        names = [symbol.name for symbol in self.symbols]
        strange = [name for name in names if not name.isidentifier() or iskeyword(name)]
        taken = set(names)
        for dummy, name in zip(dict.fromkeys(re.findall(r"\b_?Dummy_\d+", source)), strange, strict=True):
            spelt = re.sub(r"\W", "_", name) + "_" * iskeyword(name)
            while spelt in taken:
                spelt += "_"
            taken.add(spelt)
            source = re.sub(rf"\b{dummy}\b", spelt, source)
        return source

    @cached_property
    def domain(self) -> tuple[str, ...]:
        """Where each argument may be, in sympy's words: `real`, `positive`, `nonpositive odd`; `infinite` or not."""
        return tuple(map(_domain_of, self.symbols))

    def __call__(self, *values: ArrayLike) -> NDArray[np.float64]:
        """Evaluate elementwise, broadcasting; NaN outside the domain, infinity where float64 overflows or there is a pole.

        Where float64 overflows, underflows or cancels on the way, the value at that point comes of more digits.
        """
        arrays = [np.asarray(v, dtype=np.float64) for v in values]
        inside = np.ones(np.broadcast_shapes(*(a.shape for a in arrays)), dtype=bool)
        for where, a in zip(self.domain, arrays, strict=True):
            inside &= _admits(where, a)
        with np.errstate(all="ignore"):
            found = np.where(inside, self.compiled(*arrays), np.nan)
            if not MENDING.get():
                return found
            error = self._rounding(*arrays)
            trusted = error <= np.maximum(TRUSTED * np.abs(found), UNDERFLOW)
        if np.all(trusted | ~inside):
            return found
        return self._mended(found, inside & ~trusted, arrays)

    @cached_property
    def _rounding(self) -> Callable[..., Any]:
        return rounding_error(self.compiled)

    @cached_property
    def _in_mpmath(self) -> Callable[..., Any]:
        import sympy as sp

        return sp.lambdify(self.symbols, self.expression, "mpmath")

    def _mended(
        self, found: NDArray[np.float64], wrong: NDArray[np.bool_], arrays: list[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """The values, those that are wrong taken anew, each point once; at a pole float64's infinity stays."""
        points = list(zip(*(np.broadcast_to(a, found.shape)[wrong].tolist() for a in arrays), strict=True))
        anew = {point: self._exact(point) for point in dict.fromkeys(points)}
        values = np.array([anew[point] for point in points])
        found[wrong] = np.where(np.isnan(values) & np.isinf(found[wrong]), found[wrong], values)
        return found

    def _exact(self, point: tuple[float, ...]) -> float:
        """The value at one point, enclosed or of as many digits as it takes; NaN where there is none."""
        from theory.algebra.enclosure import value_at

        try:
            return value_at(self.expression, dict(zip(self.symbols, point, strict=True)))
        except NotImplementedError:  # for lack of an enclosure
            return self._agreed(point)

    def _agreed(self, point: tuple[float, ...]) -> float:
        """The value on which two precisions agree."""
        last = np.nan
        for digits in DIGITS:
            try:
                value = self.reference(*point, digits=digits)
            except (ArithmeticError, ValueError, TypeError, NotImplementedError, NameError):  # poles, unknown functions
                return np.nan
            number = float(value.real) if value.imag == 0 else np.nan
            if number == last or abs(number - last) <= 1e-15 * abs(number):
                return number
            last = number
        return np.nan

    def reference(self, *values: Any, digits: int = 50) -> mpmath.mpf:
        """The same expression at one point in mpmath arithmetic of `digits` digits, without domain checks."""
        import mpmath

        with mpmath.workdps(digits):
            return self._in_mpmath(*map(mpmath.mpf, values))

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the functions, which are made again."""
        return {
            name: value for name, value in vars(self).items() if name not in ("compiled", "_rounding", "_in_mpmath")
        }

    @cached_property
    def latex(self) -> str:
        """The expression in LaTeX."""
        import sympy as sp

        return str(sp.latex(self.expression))


def _domain_of(symbol: sp.Symbol) -> str:
    """The assumptions of a symbol that tell which float64 numbers it may be."""
    finite = [] if symbol.is_finite else ["infinite"]
    sign = [word for word in SIGNS if getattr(symbol, f"is_extended_{word}", getattr(symbol, f"is_{word}"))][:1]
    kind = [word for word in KINDS if getattr(symbol, f"is_{word}")]
    never = ["imaginary"] if symbol.is_extended_real is False else []
    return " ".join([*finite, *sign, *kind, *never]) or "real"


def _admits(where: str, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    words = where.split()
    inside = ~np.isnan(values) if "infinite" in words else np.isfinite(values)
    with np.errstate(invalid="ignore"):  # the remainder of infinity
        for word in words:
            if word in ADMITS:
                inside = inside & ADMITS[word](values)
    return inside


def _is_prime(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    from sympy import isprime

    return np.vectorize(lambda v: bool(v.is_integer() and isprime(int(v))), otypes=[bool])(values)


ADMITS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]] = {
    "zero": lambda v: v == 0,
    "positive": lambda v: v > 0,
    "negative": lambda v: v < 0,
    "nonnegative": lambda v: v >= 0,
    "nonpositive": lambda v: v <= 0,
    "nonzero": lambda v: v != 0,
    "integer": lambda v: v == np.rint(v),
    "noninteger": lambda v: v != np.rint(v),
    "even": lambda v: v % 2 == 0,
    "odd": lambda v: v % 2 == 1,
    "prime": _is_prime,
    "composite": lambda v: (v > 1) & (v == np.rint(v)) & ~_is_prime(v),
    "imaginary": lambda v: np.zeros(v.shape, dtype=bool),
}


def _without_cancellation(expression: sp.Expr) -> sp.Expr:
    """log(1 + r) as log1p(r) for r > 0, exp(x) - 1 as expm1(x): the same function, accurate where its argument is small."""
    import sympy as sp
    from sympy.codegen.cfunctions import log1p
    from sympy.codegen.rewriting import expm1_opt, optimize

    def logarithm(argument: sp.Expr) -> sp.Expr:
        rest = sp.expand(argument) - 1
        return log1p(rest) if rest.is_positive else sp.log(argument)

    return optimize(expression.replace(sp.log, logarithm), [expm1_opt])
