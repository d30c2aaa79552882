"""Telescoping: sums by a term whose differences they add up (Gosper 1978), and by one in both indices (Wilf and Zeilberger 1990).

The term is sympy's guess; that its differences are the summand is checked, and that it has no pole on the way.
"""

from __future__ import annotations

import sympy as sp
from sympy.concrete.gosper import gosper_term

from theory.judgement.asymptotics import logarithm
from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero

__all__ = ["by_certificate", "telescoped"]

A_TERM = 1.0  # seconds


def telescoped(f: sp.Expr, k: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """sum over k from low to high of f; None where no such term is found."""
    share = _share(f, k, low)
    if share is None:
        return None
    term = share * f
    last = limit_of(term, k, high, "") if high is sp.S.Infinity else term.subs(k, high + 1)
    return None if last is None or not last.is_finite else last - term.subs(k, low)


def _share(
    f: sp.Expr, k: sp.Symbol, low: sp.Expr, front: sp.Expr = sp.S.One, below: sp.Symbol | None = None
) -> sp.Expr | None:
    """R with R(k + 1) f(k + 1) - R(k) f(k) = front f(k), without pole from low on, or from there to a symbol."""
    guess = patiently(A_TERM, gosper_term, front * f, k)
    if guess is None or not guess.is_rational_function(k):
        return None
    found = sp.factor(guess * front)
    j, i = (sp.Dummy(name, integer=True, nonnegative=True) for name in "ji")
    places = {k: low + j} if below is None else {below: low + j + i, k: low + j}
    parts = [*sp.Mul.make_args(sp.denom(found)), *sp.Mul.make_args(sp.denom(front))]
    parts += _rational_parts(sp.denom(sp.together(f)), k)
    if not all(_is_never_zero(sp.expand(part.subs(places, simultaneous=True))) for part in parts):
        return None
    ratio = sp.combsimp(sp.simplify(f.subs(k, k + 1) / f))
    return found if sp.simplify(found.subs(k, k + 1) * ratio - found - front) == 0 else None


def _rational_parts(under: sp.Expr, k: sp.Symbol) -> list[sp.Expr]:
    return [part for part in sp.Mul.make_args(sp.factor(under)) if part.is_polynomial(k) and k in part.free_symbols]


def _is_never_zero(part: sp.Expr) -> bool:
    return bool(part.is_positive or part.is_negative or part.as_base_exp()[0].is_positive)


def by_certificate(f: sp.Expr, k: sp.Symbol, low: sp.Integer, high: sp.Symbol, claimed: sp.Expr) -> bool:
    """Whether the sum of f over k from low to high, a count that f holds too, is what is claimed, which is not 0.

    With F = f/claimed, F(n + 1, k) - F(n, k) telescopes over k: so the sum of F is the same for every n, and 1 for the least.
    """
    n, F = high, f / claimed
    start = sp.S.One if n.is_positive else sp.S.Zero
    if start < low or not (claimed.is_nonzero or logarithm(claimed) is not None):
        return False
    step = sp.combsimp(F.subs(n, n + 1) / F)
    share = _share(F, k, low, sp.factor(sp.simplify(step - 1)), n)
    if share is None:
        return False
    term = share * F
    edge = sum((F.subs(n, n + 1).subs(k, n + i) for i in (0, 1)), -F.subs(k, n))
    gained = term.subs(k, n) - term.subs(k, low) + edge
    first = sum((f.subs(n, start).subs(k, i) for i in range(int(low), int(start) + 1)), sp.S.Zero)
    return bool(reduces_to_zero(sp.combsimp(gained)) and reduces_to_zero(sp.simplify(first - claimed.subs(n, start))))
