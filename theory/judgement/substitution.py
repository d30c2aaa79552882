"""Substitution: other symbols, in which sympy sees more. What holds for all values of them holds for those that are meant.

A count or another symbol from 1 on is written exp(L), where its powers and logarithms matter; exp(p) with p > 0 is
written 1 + w, which forgets what w is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from theory.judgement.points import admits

__all__ = ["above_one", "contradict", "in_logarithms", "open_intervals", "within_bounds"]

Bound = tuple[sp.Expr, bool]  # and whether it is not reached


def within_bounds(e: sp.Expr, assume: Sequence[sp.Basic] = ()) -> tuple[sp.Expr, ...]:
    """The expression in symbols u, positive or not negative, that no relation bounds; one for each case that there is.

    s is c + u from c on, c - u up to c, (a + b u)/(1 + u) from a to b; a closed end that this leaves out is a case of its own.
    """
    symbols = e.free_symbols.union(*(r.free_symbols for r in assume))
    low, high = _lower_bounds(symbols, assume), _upper_bounds(symbols, assume)
    low |= {s: (sp.S.Zero, bool(s.is_positive)) for s in high if s.is_nonnegative and s not in low}
    high |= {s: (sp.S.Zero, bool(s.is_negative)) for s in low if s.is_nonpositive and s not in high}
    closed = {s: b for s, (b, strictly) in high.items() if not strictly and s in low and not low[s][1]}
    swaps = {s: _between(low.get(s), high.get(s)) for s in {**low, **high}}
    swaps |= {s: -_positive() for s in symbols if s.is_negative and s not in swaps}
    swaps |= {s: -_nonnegative() for s in symbols if s.is_nonpositive and s not in swaps}
    ends = (
        within_bounds(e.subs(s, b), [r for r in assume if s not in r.free_symbols])
        for s, b in closed.items()
        if s in e.free_symbols
    )
    inside = e
    for _ in range(2):  # a bound may hold a symbol that has one itself
        inside = inside.subs(swaps, simultaneous=True)
    return (inside, *(case for cases in ends for case in cases))


def _between(low: Bound | None, high: Bound | None) -> sp.Expr:
    """Values from a bound on, up to one, or from the one to the other, which is reached where that is closed and this open."""
    if low is None or high is None:
        bound, strictly = low or high or (sp.S.Zero, True)
        return bound + (1 if low else -1) * (_positive() if strictly else _nonnegative())
    near, far = (high, low) if low[1] and not high[1] else (low, high)
    u = _positive() if near[1] else _nonnegative()
    return (near[0] + far[0] * u) / (1 + u)


def _positive() -> sp.Dummy:
    return sp.Dummy("u", positive=True)


def _nonnegative() -> sp.Dummy:
    return sp.Dummy("u", nonnegative=True)


def _lower_bounds(symbols: set[sp.Symbol], assume: Sequence[sp.Basic]) -> dict[sp.Symbol, Bound]:
    """{symbol: (lower bound, whether it is exceeded)} of counts and of what relations bound from below."""
    found = {s: (_least(s), False) for s in symbols if s.is_integer and s.is_nonnegative}
    for above, below, strictly in _orders(assume):
        if above.is_Symbol and above in symbols and above not in below.free_symbols:
            found[above] = _nearer(found.get(above), (below, strictly), 1)
    return found


def _nearer(one: Bound | None, other: Bound, sign: int) -> Bound:
    """The bound that says more, of two from below (1) or from above (-1); the later where that is not seen."""
    gap = sp.S.Zero if one is None else sign * (one[0] - other[0])
    return one if one is not None and (gap.is_positive or (gap == 0 and one[1])) else other


def contradict(symbols: set[sp.Symbol], assume: Sequence[sp.Basic]) -> bool:
    """Whether bounds are seen to leave a symbol no value."""
    low, high = _lower_bounds(symbols, assume), _upper_bounds(symbols, assume)
    return any(_is_empty(low[s], high[s]) for s in low.keys() & high.keys())


def _is_empty(low: Bound, high: Bound) -> bool:
    gap = low[0] - high[0]
    return bool(gap.is_positive or (gap == 0 and (low[1] or high[1])))


def _upper_bounds(symbols: set[sp.Symbol], assume: Sequence[sp.Basic]) -> dict[sp.Symbol, Bound]:
    """The like from above, by what is no symbol itself."""
    found: dict[sp.Symbol, Bound] = {}
    for above, below, strictly in _orders(assume):
        if below.is_Symbol and below in symbols and not above.is_Symbol and below not in above.free_symbols:
            found[below] = _nearer(found.get(below), (above, strictly), -1)
    return found


def _orders(assume: Sequence[sp.Basic]) -> Iterator[tuple[sp.Expr, sp.Expr, bool]]:
    """(what is above, what is below, whether strictly) of each relation that orders."""
    for relation in assume:
        if isinstance(relation, sp.core.relational.Relational) and not isinstance(relation, sp.Eq | sp.Ne):
            yield relation.gts, relation.lts, isinstance(relation, sp.StrictGreaterThan | sp.StrictLessThan)


def open_intervals(symbols: set[sp.Symbol], assume: Sequence[sp.Basic]) -> Iterator[tuple[sp.Symbol, sp.Expr, sp.Expr]]:
    """(symbol, lower end, upper end) of each that lies between two numbers and reaches neither."""
    low, high = _lower_bounds(symbols, assume), _upper_bounds(symbols, assume)
    low |= {s: (sp.S.Zero, True) for s in high if s.is_positive and s not in low}
    for s in sorted(low.keys() & high.keys(), key=str):
        (below, above_it), (above, below_it) = low[s], high[s]
        if above_it and below_it and below.is_number and above.is_number and not s.is_integer:
            yield s, below, above


def _least(s: sp.Symbol) -> sp.Integer:
    """The least whole number that the assumptions of a symbol that is not negative admit."""
    return next(sp.Integer(v) for v in range(10**6) if admits(s, sp.Integer(v)))


def in_logarithms(e: sp.Expr, assume: Sequence[sp.Basic] = ()) -> sp.Expr:
    """The expression with exp(L) in place of what is at least 1 and has its logarithm or a symbolic power taken."""
    swaps = {}
    for s, (bound, strictly) in _lower_bounds(e.free_symbols, assume).items():
        if (bound - 1).is_nonnegative and _matters(e, s):
            above = strictly or (bound - 1).is_positive
            swaps[s] = sp.exp(sp.Dummy("L", positive=True) if above else sp.Dummy("L", nonnegative=True))
    return sp.powdenest(e.subs(swaps, simultaneous=True)) if swaps else e


def _matters(e: sp.Expr, s: sp.Symbol) -> bool:
    return e.has(sp.log(s)) or any(p.base == s and p.exp.free_symbols for p in e.atoms(sp.Pow))


def _by_exponentials(e: sp.Expr) -> sp.Expr:
    """exp(p l), l > 0, in place of b^p where b > 1 and the exponent holds a symbol."""
    swaps: dict[sp.Expr, sp.Expr] = {}
    logarithms: dict[sp.Expr, sp.Dummy] = {}
    for power in sorted(e.atoms(sp.Pow), key=sp.default_sort_key):
        base, exponent = power.as_base_exp()
        if base is sp.E or not exponent.free_symbols:
            continue
        gap = sp.factor(sp.together(base - 1))
        if gap.is_positive or (base.is_positive and gap.is_negative):
            rate = logarithms.setdefault(base, sp.Dummy("l", positive=True))
            swaps[power] = sp.exp(exponent * rate * (1 if gap.is_positive else -1))
    return e.xreplace(swaps)


def above_one(e: sp.Expr) -> sp.Expr:
    """The expression with powers of 1 + w, w > 0, in place of exp(p) and exp(-p), p > 0; multiples of a p share its w.

    Powers of what is more than 1, or less, are such exponentials.
    """
    e = _by_exponentials(e)
    bases: dict[sp.Expr, sp.Symbol] = {}
    swaps = {}
    exponents = sorted((f.args[0] for f in e.atoms(sp.exp)), key=lambda p: (sp.count_ops(p), str(p)))
    for p in exponents:
        if not (p.is_positive or p.is_negative):
            continue
        known = next((b for b in bases if sp.cancel(p / b).is_Integer), None)
        if known is None:
            known = abs(p)
            bases[known] = sp.Dummy("w", positive=True)
        swaps[sp.exp(p)] = (1 + bases[known]) ** sp.cancel(p / known)
    return e.xreplace(swaps)
