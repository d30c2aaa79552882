"""Points of a domain, exactly: where formulas are tried, the simplest first.

The domain is what the assumptions of the symbols admit. Of each symbol: small numbers, both ends, sixty decades; then the
places where an expression breaks (signs, maxima, branches, poles, zeros), what lies between two of them and at either side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from theory.algebra import enclosure

__all__ = ["Point", "admits", "balls", "breaks", "candidates", "fulfils", "points", "spread"]

Point = Mapping[sp.Symbol, sp.Expr]

R = sp.Rational
SMALL = 2, 1, R(1, 2), 3, R(1, 3), R(7, 3), 5, R(1, 10), 10, R(41, 10)
DECADES = tuple(sp.Integer(10) ** (s * k) for k in (2, 3, 4, 6, 10, 20, 30) for s in (1, -1))
POSITIVE = tuple(map(sp.sympify, SMALL)) + DECADES
COUNTS = tuple(map(sp.Integer, (2, 1, 3, 0, 4, 5, 7, 10, 13, 41, 100, 1000, 10**4, 10**6, 10**12, 10**30)))
I = sp.I  # noqa: E741
COMPLEX = (
    2 + I,
    -1,
    I,
    -I,
    1 - 2 * I,
    -2 - I / 3,
    12 * I,
    R(1, 2),
    -R(3, 2) + 7 * I,
    0,
    100 * I - 3,
    40,
    -40,
    1000 * I,
)
RANDOM, CORNERS = 60, 64
FIRST, LONGEST = 8, 400  # of points, where few can be tried
NEAR, NEAREST = R(1, 1000), R(1, 10**12)
MOST_OTHERS, BORDERS = 7, 24  # values of each symbol, and of all together, beside which a relation's border is met


def candidates(symbol: sp.Symbol) -> tuple[sp.Expr, ...]:
    """Numbers that the assumptions of the symbol admit, the simplest first.

    Raises:
        NotImplementedError: where none is known.
    """
    found = _candidates(symbol)
    if not found:
        declared = ", ".join(f"{fact}={holds}" for fact, holds in symbol._assumptions_orig.items())
        raise NotImplementedError(f"no sample of the symbol {symbol}, declared {declared}")
    return found


@cache
def _candidates(symbol: sp.Symbol) -> tuple[sp.Expr, ...]:
    if symbol.is_integer:
        of_kind = _both_signs(COUNTS)
    elif symbol.is_imaginary or symbol.is_antihermitian:
        of_kind = tuple(I * v for v in (*_both_signs(POSITIVE), sp.S.Zero))
    elif symbol.is_extended_real or symbol.is_hermitian:
        of_kind = (*_both_signs(POSITIVE)[:2], sp.S.Zero, *_both_signs(POSITIVE)[2:])
    else:
        of_kind = COMPLEX
    unit = sp.pi if symbol.is_transcendental else sp.sqrt(2) if symbol.is_irrational else sp.S.One
    return tuple(v for v in (unit * sp.sympify(v) for v in of_kind) if admits(symbol, v))


def _both_signs(values: Sequence[sp.Expr]) -> tuple[sp.Expr, ...]:
    return tuple(dict.fromkeys(itertools.chain.from_iterable((v, -v) for v in values)))


def admits(symbol: sp.Symbol, value: sp.Expr) -> bool:
    """Whether no assumption of the symbol contradicts the number."""
    return all(getattr(value, f"is_{fact}", None) in (holds, None) for fact, holds in symbol.assumptions0.items())


def points(symbols: Iterable[sp.Symbol], *expressions: sp.Expr, assume: Sequence[sp.Basic] = ()) -> Iterator[Point]:
    """Points of the domain, the same ones every time, each once, the simplest first.

    Args:
        symbols: what is to have a value.
        expressions: whose breaks are visited too.
        assume: relations that each point has to fulfil.
    """
    ordered = sorted(symbols, key=str)
    seen = set()
    for point in _all_points(ordered, expressions, assume):
        key = tuple(point[s] for s in ordered)
        if key not in seen and all(fulfils(point, relation) for relation in assume):
            seen.add(key)
            yield point


def spread(every: Iterable[Point]) -> Iterator[Point]:
    """The first few of the points, then some from all the way: for lines of which few can be tried."""
    listed = list(itertools.islice(every, LONGEST))
    yield from listed[:FIRST]
    yield from listed[FIRST :: max(1, len(listed) // FIRST)]
    yield from listed[FIRST:]


def fulfils(point: Point, relation: sp.Basic) -> bool:
    """Whether a relation is seen to hold at the point."""
    return enclosure.holds(relation, balls(point, enclosure.PRECISION)) is True


def _all_points(
    ordered: Sequence[sp.Symbol], expressions: Sequence[sp.Expr], assume: Sequence[sp.Basic]
) -> Iterator[Point]:
    values = {s: candidates(s) for s in ordered}
    deep = 4 if len(ordered) < 3 else 3 if len(ordered) < 4 else 2
    corners = itertools.product(*(range(min(deep, len(values[s]))) for s in ordered))
    for places in itertools.islice(sorted(corners, key=sum), CORNERS):
        yield {s: values[s][k] for s, k in zip(ordered, places, strict=True)}
    bases = [{s: values[s][k % len(values[s])] for s in ordered} for k in (0, 1)]
    relations = [r for r in assume if isinstance(r, sp.core.relational.Relational)]
    for base in bases:
        for s in ordered:
            for value in _beside(s, breaks([*expressions, *relations], s, base)):
                yield {**base, s: value}
    yield from _bordering(ordered, values, relations)
    for base in bases[: len(ordered)]:
        for s in ordered:
            for value in values[s]:
                yield {**base, s: value}
    if len(ordered) > 1:
        rng = np.random.default_rng(20260101)
        for _ in range(RANDOM):
            yield {s: values[s][int(rng.integers(len(values[s])))] for s in ordered}


def _bordering(
    ordered: Sequence[sp.Symbol], values: Mapping[sp.Symbol, Sequence[sp.Expr]], relations: Sequence[sp.Basic]
) -> Iterator[Point]:
    """Where an assumed relation ends, and very near to that, the other symbols at simple values."""
    for s in ordered if relations else ():
        others = [o for o in ordered if o != s]
        for numbers in itertools.islice(itertools.product(*(values[o][:MOST_OTHERS] for o in others)), BORDERS):
            base = dict(zip(others, numbers, strict=True))
            found = breaks(relations, s, base)
            nearest = [b + sign * NEAREST * (abs(b) if b else 1) for b in found for sign in (1, -1)]
            for value in itertools.chain(_beside(s, found), (v for v in nearest if admits(s, v))):
                yield {**base, s: value}


def _beside(symbol: sp.Symbol, found: Sequence[sp.Expr]) -> Iterator[sp.Expr]:
    """The breaks, what lies between two of them, and near and far at either side."""
    tried = list(found)
    tried += [(a + b) / 2 for a, b in itertools.pairwise(found)]
    for b in found:
        width = NEAR * (abs(b) if b else 1)
        tried += [b + width, b - width, b + 1, b - 1]
    if found:
        tried += [2 * found[-1], found[0] / 2]
    if symbol.is_integer:
        tried = [sp.sympify(v) for b in tried for v in dict.fromkeys((sp.floor(b), sp.ceiling(b)))]
    yield from (v for v in dict.fromkeys(tried) if admits(symbol, v))


def breaks(expressions: Iterable[sp.Basic], symbol: sp.Symbol, base: Point) -> list[sp.Expr]:
    """Where signs, maxima, branches and poles of the expressions change as the symbol does, in order; exact or near it."""
    others = {s: v for s, v in base.items() if s != symbol}
    found: set[sp.Expr] = set()
    for switch in dict.fromkeys(itertools.chain.from_iterable(map(_switches, expressions))):
        if symbol in switch.free_symbols:
            found.update(_roots(switch.xreplace(others), symbol))
    return sorted(found, key=float)


def _switches(expression: sp.Basic) -> Iterator[sp.Expr]:
    """What changes sign where the expression breaks."""
    for e in sp.preorder_traversal(expression):
        if isinstance(e, sp.Integral | sp.Sum | sp.Limit):
            continue
        if isinstance(e, sp.core.relational.Relational):
            yield e.lhs - e.rhs
        elif isinstance(e, sp.Abs | sp.sign | sp.log | sp.Heaviside | sp.arg | sp.gamma | sp.loggamma):
            yield e.args[0]
        elif isinstance(e, sp.floor | sp.ceiling):
            yield from (e.args[0], e.args[0] - 1)
        elif isinstance(e, sp.Max | sp.Min):
            yield from (a - b for a, b in itertools.combinations(e.args, 2))
        elif isinstance(e, sp.asin | sp.acos | sp.atanh | sp.acosh):
            yield from (e.args[0] - 1, e.args[0] + 1)
        elif isinstance(e, sp.Pow) and e.base is not sp.E and not (e.exp.is_integer and e.exp.is_nonnegative):
            yield e.base


def _roots(switch: sp.Expr, symbol: sp.Symbol) -> Iterator[sp.Expr]:
    """Real roots of the numerator, where it is a polynomial: exact where it is of degree 1 or 2; else a rational next to it."""
    numerator = sp.numer(sp.together(switch))
    if not numerator.is_polynomial(symbol) or len(numerator.free_symbols) != 1:
        return
    polynomial = sp.Poly(numerator, symbol)
    if polynomial.degree() == 1 and not all(c.is_Rational for c in polynomial.all_coeffs()):
        slope, constant = polynomial.all_coeffs()
        yield from (r for r in [-constant / slope] if r.is_real)
    if not all(c.is_Rational for c in polynomial.all_coeffs()) or polynomial.degree() > 12:
        return
    for root in polynomial.real_roots(multiple=False):
        value = root[0]
        yield R(str(sp.N(value, 30))) if isinstance(value, sp.CRootOf) else value


def balls(point: Point, precision: int) -> dict[sp.Symbol, Any]:
    """The point as complex balls."""
    return {s: enclosure.enclose(value, {}, precision) for s, value in point.items()}
