"""Hypergeometric: series to infinity whose successive terms have a rational ratio, put into functions that have a name.

With t(k + 1)/t(k) = z (k + a_1) .../((k + b_1) ... (k + 1)) the series from 0 on is t(0) pFq(a; b; z). It converges where
p <= q, and where p = q + 1 for |z| < 1, which is shown; its value is then sympy's hyperexpand's, by its tables and
contiguous relations.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from theory.judgement.patience import patiently
from theory.judgement.positivity import is_shown

__all__ = ["series"]

A_FORM = 1.5  # seconds
MOST_PARAMETERS = 4


def series(f: sp.Expr, k: sp.Symbol, low: sp.Integer, assume: Sequence[sp.Basic] = ()) -> sp.Expr | None:
    """The sum of f over k from low on; None where it is no such series, or has no name."""
    if not f.has(sp.factorial, sp.binomial, sp.gamma, sp.RisingFactorial, sp.Pow):
        return None
    found = patiently(A_FORM, _parameters, f, k, low)
    if found is None:
        return None
    upper, lower, z, first = found
    if len(upper) > len(lower) + 1 or not all(b.is_positive for b in lower):
        return None
    if len(upper) == len(lower) + 1 and not all(is_shown(gap, True, assume) for gap in (1 - z, 1 + z)):
        return None
    value = patiently(A_FORM, sp.hyperexpand, sp.hyper(upper, lower, z))
    if value is None or value.has(sp.hyper, sp.meijerg, sp.Piecewise, sp.zoo, sp.nan):
        return None
    return first * value


def _parameters(
    f: sp.Expr, k: sp.Symbol, low: sp.Integer
) -> tuple[list[sp.Expr], list[sp.Expr], sp.Expr, sp.Expr] | None:
    """(a, b, z, t(0)) of t(j) = f(low + j)."""
    j = sp.Dummy("j", integer=True, nonnegative=True)
    term = f.subs(k, low + j)
    ratio = sp.factor(sp.simplify(sp.combsimp(sp.expand_power_exp(sp.powsimp(term.subs(j, j + 1) / term)))))
    above, below = sp.fraction(sp.together(ratio))
    z, sides = sp.S.One, []
    for part in (above, below):
        constants: sp.Expr = sp.S.One
        shifts: list[sp.Expr] = []
        for factor, times in _factors(part, j):
            slope = sp.diff(factor, j)
            if j in slope.free_symbols or slope == 0:
                return None
            constants, shifts = constants * slope**times, shifts + [sp.cancel((factor - slope * j) / slope)] * times
        rest = sp.cancel(part / sp.prod([factor**times for factor, times in _factors(part, j)]))
        if j in rest.free_symbols:
            return None
        sides.append(shifts)
        z = z * rest * constants if part is above else z / (rest * constants)
    upper, lower = sides
    if sp.S.One in lower:
        lower.remove(sp.S.One)
    else:
        upper = [*upper, sp.S.One]
    first = f.subs(k, low)
    if len(upper) > MOST_PARAMETERS or first.has(sp.nan, sp.zoo):
        return None
    return upper, lower, sp.factor(z), first


def _factors(part: sp.Expr, j: sp.Symbol) -> list[tuple[sp.Expr, int]]:
    _, factors = sp.factor_list(part, j)
    return [(factor, int(times)) for factor, times in factors if j in factor.free_symbols]
