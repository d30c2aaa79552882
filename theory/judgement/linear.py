"""Linear: whether what is of degree 1 is positive where linear relations hold, by eliminating symbols (Fourier and Motzkin).

That it is not, together with the relations and the signs of the symbols, is brought to relations between numbers, each a sum of
them with positive weights; where one of these is false there is no such point.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

__all__ = ["is_shown_linear"]

MOST_SYMBOLS, MOST_RELATIONS = 4, 60
Row = tuple[
    tuple[sp.Rational, ...], bool
]  # coefficients and the constant last, of what is not negative; whether it is positive


def is_shown_linear(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> tuple[str, ...]:
    """What was trusted to show that e > 0, or >= 0, for real symbols; empty where it is not shown."""
    symbols = sorted(e.free_symbols.union(*(r.free_symbols for r in assume)), key=str)
    if not 0 < len(symbols) <= MOST_SYMBOLS or not all(s.is_extended_real for s in symbols):
        return ()
    known = [
        (r.gts - r.lts, isinstance(r, sp.Gt | sp.Lt)) for r in assume if isinstance(r, sp.Ge | sp.Le | sp.Gt | sp.Lt)
    ]
    known += [(s, bool(s.is_positive)) for s in symbols if s.is_nonnegative]
    known += [(-s, bool(s.is_negative)) for s in symbols if s.is_nonpositive]
    first = _row(-e, not strict, symbols)
    rows = [row for part, strictly in known if (row := _row(part, strictly, symbols)) is not None]
    if first is None:
        return ()
    rows.append(first)
    for place in range(len(symbols)):
        rows = _without(rows, place)
        if len(rows) > MOST_RELATIONS:
            return ()
    contradiction = any(c[-1] < 0 or (c[-1] == 0 and strictly) for c, strictly in rows)
    return ("linear relations between the symbols", "Fourier-Motzkin elimination") if contradiction else ()


def _row(e: sp.Expr, strictly: bool, symbols: Sequence[sp.Symbol]) -> Row | None:
    if not e.is_polynomial(*symbols):
        return None
    p = sp.Poly(e, *symbols)
    if p.total_degree() > 1 or not all(c.is_Rational for c in p.coeffs()):
        return None
    return (*(p.coeff_monomial(s) for s in symbols), p.coeff_monomial(1)), strictly


def _without(rows: Sequence[Row], place: int) -> list[Row]:
    """What follows for the other symbols: each lower bound of one beside each upper one."""
    kept = [row for row in rows if row[0][place] == 0]
    low, high = ([row for row in rows if sign * row[0][place] > 0] for sign in (1, -1))
    for (a, one), (b, other) in ((x, y) for x in low for y in high):
        kept.append((tuple(p * -b[place] + q * a[place] for p, q in zip(a, b, strict=True)), one or other))
    return list(dict.fromkeys(kept))
