"""Curve: the relative error of an approximation, along one symbol of its domain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from theory.judgement.equality import values_at
from theory.judgement.judgement import Judgement
from theory.judgement.patience import in_time, patiently
from theory.judgement.points import Point, admits, candidates, fulfils

__all__ = ["judge_error"]

A_CURVE, A_POINT, BITS = 2.0, 0.2, 192
CLOSE = sp.Rational(1, 1000)  # relative, to an open end
PER_DECADE, DECADES = 3, 5  # of the distance from 0, or from the end, either way


def judge_error(
    approximation: sp.Expr,
    exact: sp.Expr,
    symbol: sp.Symbol,
    *,
    assume: Sequence[sp.Basic] = (),
    given: tuple[tuple[sp.Symbol, sp.Expr], ...] = (),
) -> Judgement:
    """The error of an approximation along a symbol, as the curve of the judgement; what it is worth is for the line to say.

    Args:
        approximation: of what is exact.
        exact: what it stands for.
        symbol: along which the error is told.
        assume: relations that each point has to fulfil.
        given: values of other symbols; those not given have simple ones.
    """
    found: list[list[float]] = []
    others = _others(approximation.free_symbols | exact.free_symbols, symbol, dict(given))
    patiently(A_CURVE, _follow, approximation, exact, symbol, others, assume, found)
    if not found:
        return Judgement("inconclusive", f"the error is enclosed at no point along {symbol}")
    worst = max(found, key=lambda pair: abs(pair[1]))
    told = {"along": str(symbol), "at": {str(s): str(v) for s, v in others.items()}, "points": found, "worst": worst}
    return Judgement("supported", f"its error along {symbol}", ("Arb",), curve=told)


def _others(symbols: set[sp.Symbol], symbol: sp.Symbol, given: Mapping[sp.Symbol, sp.Expr]) -> Point:
    """Of each other symbol the value that is given, or the simplest."""
    return {s: given.get(s, candidates(s)[0]) for s in sorted(symbols - {symbol}, key=str)}


def _follow(
    approximation: sp.Expr,
    exact: sp.Expr,
    symbol: sp.Symbol,
    others: Point,
    assume: Sequence[sp.Basic],
    found: list[list[float]],
) -> None:
    for value in sorted({*_values(symbol), *_near_ends(symbol, assume)}):
        point = {**others, symbol: value}
        if not all(fulfils(point, relation) for relation in assume):
            continue
        error = _error(approximation, exact, point)
        if error is not None:
            found.append([float(value), error])


def _values(symbol: sp.Symbol) -> Iterator[sp.Expr]:
    """Over ten decades, of either sign where it may have one, in order."""
    sizes = [sp.Rational(round(10 ** (k / PER_DECADE % 1), 3)) * sp.Integer(10) ** (k // PER_DECADE)
             for k in range(-DECADES * PER_DECADE, DECADES * PER_DECADE + 1)]  # fmt: skip
    if symbol.is_integer:
        sizes = list(dict.fromkeys(map(sp.Integer, map(round, sizes))))
    yield from (v for v in [*(-s for s in reversed(sizes)), *sizes] if admits(symbol, v))


def _near_ends(symbol: sp.Symbol, assume: Sequence[sp.Basic]) -> Iterator[sp.Expr]:
    """The ends of its interval, where the error of an approximation is mostly worst; of an open one what is close to it."""
    for relation in assume:
        if relation.free_symbols == {symbol}:
            end = relation.rhs if relation.lhs == symbol else relation.lhs
            if end.is_Rational:
                yield from (v for v in (end * (1 - CLOSE), end, end * (1 + CLOSE)) if admits(symbol, v))


def _error(approximation: sp.Expr, exact: sp.Expr, point: Point) -> float | None:
    try:
        one, other = in_time(A_POINT, values_at, (approximation, exact), point, BITS)
    except (TimeoutError, ArithmeticError, NotImplementedError, TypeError, ValueError):
        return None
    error = one / other - 1
    known = error.is_finite() and error.imag.contains(0) and error.rad() < 1e-9 * (1 + abs(error).upper())
    size = float(error.real.mid()) if known else math.nan
    return size if math.isfinite(size) else None
