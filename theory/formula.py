"""Formula: one sympy expression that is evaluated, printed and tested, so that the three cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from sympy.codegen.cfunctions import log1p
from sympy.codegen.rewriting import expm1_opt, optimize

__all__ = ["Formula"]


@dataclass(frozen=True)
class Formula:
    """An expression in named symbols.

    Attributes:
        name: what it computes, in the field's words.
        expression: the right-hand side, as the derivation left it.
        symbols: the arguments, in order. Their sympy assumptions are the domain: outside it the value is NaN.
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
        return sp.lambdify(self.symbols, _without_cancellation(self.expression), ["scipy", "numpy"], cse=True)

    def __call__(self, *values: ArrayLike) -> NDArray[np.float64]:
        """Evaluate elementwise, broadcasting; NaN outside the domain, infinity where float64 overflows."""
        arrays = [np.asarray(v, dtype=np.float64) for v in values]
        inside = np.ones(np.broadcast_shapes(*(a.shape for a in arrays)), dtype=bool)
        for symbol, a in zip(self.symbols, arrays, strict=True):
            inside &= _admits(symbol, a)
        with np.errstate(all="ignore"):
            return np.where(inside, self.compiled(*arrays), np.nan)

    def reference(self, *values: Any, digits: int = 50) -> mpmath.mpf:
        """The same expression at one point in mpmath arithmetic of `digits` digits."""
        with mpmath.workdps(digits):
            return sp.lambdify(self.symbols, self.expression, "mpmath")(*map(mpmath.mpf, values))

    @property
    def latex(self) -> str:
        """The expression in LaTeX."""
        return str(sp.latex(self.expression))


def _admits(symbol: sp.Symbol, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if symbol.is_positive:
        return values > 0
    if symbol.is_nonnegative:
        return values >= 0
    return ~np.isnan(values)


def _without_cancellation(expression: sp.Expr) -> sp.Expr:
    """log(1 + r) as log1p(r) for r > 0, exp(x) - 1 as expm1(x): the same function, accurate where its argument is small."""

    def logarithm(argument: sp.Expr) -> sp.Expr:
        rest = sp.expand(argument) - 1
        return log1p(rest) if rest.is_positive else sp.log(argument)

    return optimize(expression.replace(sp.log, logarithm), [expm1_opt])
