"""Substitution: other symbols, in which sympy sees more. What holds for all values of them holds for those that are meant.

A count or another symbol from 1 on is written exp(L), where its powers and logarithms matter; exp(p) with p > 0 is
written 1 + w, which forgets what w is.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from theory.judgement.points import admits

__all__ = ["above_one", "in_logarithms", "lower_bounds"]


def lower_bounds(symbols: set[sp.Symbol], assume: Sequence[sp.Basic]) -> dict[sp.Symbol, tuple[sp.Expr, bool]]:
    """{symbol: (lower bound, whether it is exceeded)} of counts and of what relations bound from below."""
    found = {s: (_least(s), False) for s in symbols if s.is_integer and s.is_nonnegative}
    for relation in assume:
        if isinstance(relation, sp.core.relational.Relational) and not isinstance(relation, sp.Eq | sp.Ne):
            strictly = isinstance(relation, sp.StrictGreaterThan | sp.StrictLessThan)
            above, below = relation.gts, relation.lts
            if above.is_Symbol and above in symbols and above not in below.free_symbols:
                found[above] = (below, strictly)
    return found


def _least(s: sp.Symbol) -> sp.Integer:
    """The least whole number that the assumptions of a symbol that is not negative admit."""
    return next(sp.Integer(v) for v in range(10**6) if admits(s, sp.Integer(v)))


def in_logarithms(e: sp.Expr, assume: Sequence[sp.Basic] = ()) -> sp.Expr:
    """The expression with exp(L) in place of what is at least 1 and has its logarithm or a symbolic power taken."""
    swaps = {}
    for s, (bound, strictly) in lower_bounds(e.free_symbols, assume).items():
        if (bound - 1).is_nonnegative and _matters(e, s):
            above = strictly or (bound - 1).is_positive
            swaps[s] = sp.exp(sp.Dummy("L", positive=True) if above else sp.Dummy("L", nonnegative=True))
    return sp.powdenest(e.subs(swaps, simultaneous=True)) if swaps else e


def _matters(e: sp.Expr, s: sp.Symbol) -> bool:
    return e.has(sp.log(s)) or any(p.base == s and p.exp.free_symbols for p in e.atoms(sp.Pow))


def above_one(e: sp.Expr) -> sp.Expr:
    """The expression with powers of 1 + w, w > 0, in place of exp(p) and exp(-p), p > 0; multiples of a p share its w."""
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
