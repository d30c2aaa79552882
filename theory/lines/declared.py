"""Declared: the symbols of a derivation, with the assumptions, the intervals and the units that are their domain."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.core.assumptions import _assume_defined

__all__ = ["Declared", "check_matrices", "check_symbols", "connected", "declaration", "declared", "exact", "weaker"]

BOUNDS = {"at_least": sp.Ge, "at_most": sp.Le, "above": sp.Gt, "below": sp.Lt}
SAID = "positive", "negative", "nonnegative", "integer"
WEAKER = {
    "positive": "real",
    "negative": "real",
    "nonnegative": "real",
    "nonpositive": "real",
    "nonzero": "",
    "integer": "real",
    "even": "integer",
    "odd": "integer",
    "prime": "integer",
    "rational": "real",
    "real": "",
}


@dataclass(frozen=True)
class Declared:
    """A symbol as it was declared.

    Attributes:
        symbol: sympy's, with the assumptions that the bounds imply.
        assumptions: those that were written.
        bounds: {at_least, at_most, above or below: expression}.
        unit: the power of a length it is measured in; None where none was given.
    """

    symbol: sp.Symbol
    assumptions: Mapping[str, bool]
    bounds: Mapping[str, sp.Expr]
    unit: sp.Expr | None

    @property
    def relations(self) -> tuple[sp.Basic, ...]:
        """What the bounds say beyond the symbol's own assumptions."""
        found = (BOUNDS[name](self.symbol, bound) for name, bound in self.bounds.items())
        return tuple(relation for relation in found if relation != sp.true)

    def __str__(self) -> str:
        words = [name if holds else f"not {name}" for name, holds in self.assumptions.items()]
        words += [f"{name.replace('_', ' ')} {bound}" for name, bound in self.bounds.items()]
        words += [f"a length to the power {self.unit}"] if self.unit else []
        return f"{self.symbol} {', '.join(words)}".strip()


def declared(name: str, assumptions: Mapping[str, bool], bounds: Mapping[str, Any], unit: Any) -> Declared:
    """A symbol of a name, of sympy's assumptions, within bounds, in units of a power of a length.

    Raises:
        ValueError: for an assumption that there is not, one that contradicts another, an empty interval, a float.
    """
    for word in assumptions:
        if word not in _assume_defined and word != "commutative":
            near = difflib.get_close_matches(word, _assume_defined, 1)
            raise ValueError(
                f"{word} is no assumption of sympy{f'; did you mean {near[0]}?' if near else ''} "
                f"Intervals are given by {', '.join(BOUNDS)}"
            )
    exact_bounds = {word: exact(bound) for word, bound in bounds.items()}
    whole = {**_implied(exact_bounds), **assumptions}
    try:
        symbol = sp.Symbol(name, **whole)
    except ValueError:
        raise ValueError(f"the assumptions of {name} contradict each other: {_listed(whole)}") from None
    found = Declared(symbol, dict(assumptions), exact_bounds, None if unit is None else exact(unit))
    if sp.false in (BOUNDS[word](symbol, bound) for word, bound in exact_bounds.items()):
        raise ValueError(f"the bounds of {name} contradict its assumptions, so that there is no such {name}: {found}")
    return found


def _implied(bounds: Mapping[str, sp.Expr]) -> dict[str, bool]:
    """The assumptions that bounds imply, so that sympy knows of them."""
    if not bounds:
        return {}
    low, high = (sp.sympify(bounds.get(closed, bounds.get(opened))) for closed, opened in CLOSED_OPENED)
    if low is not None and (low.is_positive or (low.is_nonnegative and "above" in bounds)):
        return {"positive": True}
    if high is not None and (high.is_negative or (high.is_nonpositive and "below" in bounds)):
        return {"negative": True}
    if low is not None and low.is_nonnegative:
        return {"nonnegative": True}
    return {"nonpositive": True} if high is not None and high.is_nonpositive else {"real": True}


CLOSED_OPENED = (("at_least", "above"), ("at_most", "below"))


def exact(value: Any) -> Any:
    """A sympy expression of exact numbers.

    Raises:
        ValueError: for a float, a relation, or what sympy does not understand.
    """
    try:
        found = sp.sympify(value, strict=True)
    except sp.SympifyError:
        raise ValueError(f"expected a sympy expression, got {value!r}") from None
    if not isinstance(found, sp.Expr | sp.MatrixBase):
        raise ValueError(f"expected an expression, got {found}; a line takes its two sides, not their comparison")
    if floats := sorted(map(float, found.atoms(sp.Float))):
        raise ValueError(f"expected exact numbers, got the float {floats[0]}; write it as Rational('{floats[0]}')")
    return found


def check_symbols(expression: sp.Basic, known: Mapping[str, sp.Symbol]) -> None:
    """Refuse free symbols that were not declared, or not with these assumptions.

    Args:
        expression: of a line.
        known: the symbols that were declared, by name.

    Raises:
        ValueError: for the first of them.
    """
    strangers = {s for s in expression.free_symbols if isinstance(s, sp.Symbol)} - set(known.values())
    for symbol in sorted(strangers, key=str):
        if (other := known.get(symbol.name)) is not None:
            raise ValueError(
                f"{symbol.name} was declared with {_listed(other._assumptions_orig)} and here has "
                f"{_listed(symbol._assumptions_orig)}: another symbol of the same name; use the one that declare returned"
            )
        raise ValueError(f"{symbol.name} is not declared; {declaration(symbol)}")


def declaration(symbol: sp.Symbol) -> str:
    """How a symbol that was not declared should be, with the assumption that it has."""
    word = next((word for word in SAID if getattr(symbol, f"is_{word}")), "real")
    return f"declare it first, as in d.declare({symbol.name!r}, {word}=True)"


def check_matrices(expression: sp.Basic, known: Mapping[str, sp.MatrixSymbol]) -> None:
    """Refuse a matrix symbol that was declared with another shape.

    Raises:
        ValueError: for the first of them.
    """
    for matrix in sorted(expression.atoms(sp.MatrixSymbol), key=str) if known else ():
        declared_as = known.get(matrix.name, matrix)
        if declared_as.shape != matrix.shape:
            raise ValueError(f"{matrix.name} was declared with shape {declared_as.shape} and here has {matrix.shape}")


def _listed(assumptions: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={holds}" for name, holds in assumptions.items()) or "no assumptions"


def connected(relations: tuple[sp.Basic, ...], expressions: tuple[Any, ...]) -> tuple[sp.Basic, ...]:
    """The relations that bear on the symbols of some expressions, directly or through other relations."""
    symbols = set().union(*(e.free_symbols for e in expressions if isinstance(e, sp.Basic | sp.MatrixBase)))
    while True:
        bearing = tuple(r for r in relations if r.free_symbols & symbols)
        wider = symbols.union(*(r.free_symbols for r in bearing))
        if wider == symbols:
            return bearing
        symbols = wider


def weaker(one: Declared) -> Iterator[tuple[str, Declared]]:
    """Each assumption of a symbol weakened in turn: what it was, and the symbol without it."""
    for word, bound in one.bounds.items():
        rest = {other: b for other, b in one.bounds.items() if other != word}
        if word == "at_least" and bound.is_Integer and one.symbol.is_integer:
            rest["at_least"] = bound - 1
        yield (
            f"{one.symbol} {word.replace('_', ' ')} {bound}",
            _redeclared(one, {"real": True, **one.assumptions}, rest),
        )
    for word, holds in one.assumptions.items():
        if holds and word in WEAKER:
            fewer = {other: h for other, h in one.assumptions.items() if other != word}
            fewer |= {WEAKER[word]: True} if WEAKER[word] else {}
            yield f"{one.symbol} {word}", _redeclared(one, fewer, one.bounds)


def _redeclared(one: Declared, assumptions: Mapping[str, bool], bounds: Mapping[str, sp.Expr]) -> Declared:
    found = declared(one.symbol.name, assumptions, bounds, one.unit)
    return replace(found, bounds={word: b.xreplace({one.symbol: found.symbol}) for word, b in bounds.items()})
