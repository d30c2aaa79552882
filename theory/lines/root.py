"""Root: the symbol that stands for the root of an equation, and knows what the root depends on.

A plain symbol would have no derivative by N, and nothing of N to put a number for: both would be wrong without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

__all__ = ["Root", "roots_of", "written_plainly"]


class Root(sp.Symbol):  # type: ignore[misc]
    """A symbol for the root of left = right in a symbol.

    Its derivatives are those of an implicit function, which hold of any true root; with something put in for a parameter it
    is the root of the equation with that put in, another symbol.

    Attributes:
        equation: both sides and the symbol that is solved for.
        value: the root as it was given.
        origin: the name of the root that `solve` returned.
    """

    equation: tuple[Any, Any, Any]
    value: Any
    origin: str

    def __new__(  # noqa: D102
        cls, name: str, assumptions: Mapping[str, bool], equation: tuple[Any, Any, Any], value: Any, origin: str = ""
    ) -> Root:
        root: Root = sp.Symbol.__xnew__(cls, name, **assumptions)
        root.equation, root.value, root.origin = equation, value, origin or name
        return root

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self._assumptions_orig, self.equation, self.value, self.origin), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), *self.equation, self.value)

    @property
    def parameters(self) -> set[Any]:
        """What it depends on."""
        left, right, symbol = self.equation
        return (left.free_symbols | right.free_symbols | self.value.free_symbols) - {symbol}

    @property
    def free_symbols(self) -> set[Any]:
        """Itself and what it depends on, without which sympy would take a derivative for zero."""
        return {self} | self.parameters

    @property
    def plain(self) -> sp.Symbol:
        """The symbol of its name, as it is judged."""
        return sp.Symbol(self.name, **self._assumptions_orig)

    def _eval_derivative(self, s: Any) -> Any:
        if s == self:
            return sp.S.One
        if s not in self.parameters:
            return sp.S.Zero
        left, right, symbol = self.equation
        gap = left - right
        return -(gap.diff(s) / gap.diff(symbol)).subs(symbol, self)

    def _eval_derivative_n_times(self, s: Any, n: Any) -> Any:
        return sp.Basic._eval_derivative_n_times(self, s, n)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        left, right, symbol = self.equation
        there = (left.subs(old, new), right.subs(old, new), symbol)
        value = self.value.subs(old, new)
        if old == symbol or (*there, value) == (*self.equation, self.value):
            return self
        if new.has(symbol):
            raise ValueError(
                f"{self} solves an equation for {symbol}, so that {old} = {new} cannot be put in; declare another symbol"
            )
        return Root(f"{self.name}|_{{{old} = {new}}}", self._assumptions_orig, there, value, self.origin)


def roots_of(*expressions: Any) -> Iterator[Root]:
    """The roots in some expressions, each after those that its own equation holds."""
    found = {root for e in expressions if isinstance(e, sp.Basic | sp.MatrixBase) for root in e.atoms(Root)}
    for root in sorted(found, key=lambda r: r.name):
        yield from roots_of(*root.equation, root.value)
        yield root


def written_plainly(expression: Any) -> Any:
    """The expression in the plain symbols of its roots; anything else as it is."""
    if not isinstance(expression, sp.Basic | sp.MatrixBase):
        return expression
    return expression.xreplace({root: root.plain for root in expression.atoms(Root)})
