"""Formula: one sympy expression that is evaluated, printed and tested, so that the three cannot drift apart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import mpmath
    import sympy as sp

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
        return self.compiled_with()

    def compiled_with(self, **functions: Callable[..., Any]) -> Callable[..., Any]:
        """The same with other functions of some names, such as a faster `log1p`."""
        import sympy as sp

        modules = [functions, "scipy", "numpy"]
        return sp.lambdify(self.symbols, _without_cancellation(self.expression), modules, cse=True)

    @cached_property
    def code(self) -> str:
        """Its source, a Python function."""
        return re.sub(r"\b_?Dummy_\d+", "lambda_", inspect.getsource(self.compiled))

    @cached_property
    def domain(self) -> tuple[str, ...]:
        """Where each argument may be: positive, nonnegative or real."""
        return tuple(
            "positive" if s.is_positive else "nonnegative" if s.is_nonnegative else "real" for s in self.symbols
        )

    def __call__(self, *values: ArrayLike) -> NDArray[np.float64]:
        """Evaluate elementwise, broadcasting; NaN outside the domain, infinity where float64 overflows."""
        arrays = [np.asarray(v, dtype=np.float64) for v in values]
        inside = np.ones(np.broadcast_shapes(*(a.shape for a in arrays)), dtype=bool)
        for where, a in zip(self.domain, arrays, strict=True):
            inside &= _admits(where, a)
        with np.errstate(all="ignore"):
            return np.where(inside, self.compiled(*arrays), np.nan)

    def reference(self, *values: Any, digits: int = 50) -> mpmath.mpf:
        """The same expression at one point in mpmath arithmetic of `digits` digits."""
        import mpmath
        import sympy as sp

        with mpmath.workdps(digits):
            return sp.lambdify(self.symbols, self.expression, "mpmath")(*map(mpmath.mpf, values))

    @cached_property
    def latex(self) -> str:
        """The expression in LaTeX."""
        import sympy as sp

        return str(sp.latex(self.expression))


def _admits(where: str, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if where == "positive":
        return values > 0
    return values >= 0 if where == "nonnegative" else ~np.isnan(values)


def _without_cancellation(expression: sp.Expr) -> sp.Expr:
    """log(1 + r) as log1p(r) for r > 0, exp(x) - 1 as expm1(x): the same function, accurate where its argument is small."""
    import sympy as sp
    from sympy.codegen.cfunctions import log1p
    from sympy.codegen.rewriting import expm1_opt, optimize

    def logarithm(argument: sp.Expr) -> sp.Expr:
        rest = sp.expand(argument) - 1
        return log1p(rest) if rest.is_positive else sp.log(argument)

    return optimize(expression.replace(sp.log, logarithm), [expm1_opt])
