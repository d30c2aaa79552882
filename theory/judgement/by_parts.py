"""By parts: integrals over the line whose integrands, taken together, are a derivative that a Gaussian weight makes vanish.

Of w = exp(-quadratic), (p w)' = (p' + p (log w)') w; p is sought as a polynomial in y times what else there is.
"""

from __future__ import annotations

import sympy as sp

from theory.algebra import enclosure
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth

__all__ = ["may_vanish", "taken_together", "vanishes_by_parts"]

TAMED = sp.tanh, sp.erf, sp.erfc, sp.atan, sp.sin, sp.cos  # bounded on the line, as their derivatives are
MOST_STEPS = 4


def vanishes_by_parts(difference: sp.Expr) -> tuple[str, ...]:
    """What was trusted to show that a sum of integrals over the line is 0; empty where it is not seen."""
    y, ends, total = taken_together(difference)
    return _is_derivative(total, y) if ends == (-sp.oo, sp.oo) else ()


def taken_together(difference: sp.Expr) -> tuple[sp.Symbol, tuple[sp.Expr, ...], sp.Expr]:
    """(y, ends, integrand) of a sum of integrals over one interval; no ends where it is none."""
    nothing = sp.Dummy("y", real=True), (), sp.S.Zero
    integrals = sorted(difference.atoms(sp.Integral), key=sp.default_sort_key)
    limits = {i.limits[0] for i in integrals if len(i.limits) == 1 and len(i.limits[0]) == 3}
    if len(limits) != 1 or any(len(i.limits) != 1 for i in integrals):
        return nothing
    y, *ends = limits.pop()
    names = {i: sp.Dummy() for i in integrals}
    linear = sp.expand(difference.xreplace(names))
    shares = [sp.diff(linear, name) for name in names.values()]
    free = any(s.has(*names.values()) or y in s.free_symbols for s in shares)
    if free or sp.expand(linear.subs(dict.fromkeys(names.values(), 0))) != 0:
        return nothing
    real = sp.Dummy("y", real=True)
    total = sum((s * i.function for s, i in zip(shares, integrals, strict=True)), sp.S.Zero).xreplace({y: real})
    return real, tuple(ends), total


def _is_derivative(total: sp.Expr, y: sp.Symbol) -> tuple[str, ...]:
    weights = {e for e in total.atoms(sp.exp) if e.args[0].is_polynomial(y) and sp.degree(e.args[0], y) == 2}
    if len(weights) != 1:
        return ()
    weight = weights.pop()
    slope = sp.diff(weight.args[0], y)
    if not sp.diff(slope, y).is_negative:
        return ()
    rest, p = sp.expand(sp.powsimp(total / weight)), sp.S.Zero
    left = rest
    for _ in range(MOST_STEPS):
        degree = max((_power(term, y) for term in sp.Add.make_args(left)), default=0)
        if degree < 1:
            break
        leading = sp.Add(*(term for term in sp.Add.make_args(left) if _power(term, y) == degree))
        step = sp.expand(leading / (y * sp.diff(slope, y)))
        p += step
        left = sp.expand(left - sp.diff(step, y) - step * slope)
    if not _is_tame(p, y) or not is_smooth(p, y):
        return ()
    remains = sp.diff(p, y) + p * slope - rest
    trusts = reduces_to_zero(remains) if may_vanish(remains) else ()
    return ("integration by parts", *trusts) if trusts else ()


def may_vanish(e: sp.Expr) -> bool:
    """Whether it may be 0 at some point: what is not need not be reduced."""
    places = {v: enclosure.point(sp.Rational(7 + 2 * k, 5 + k)) for k, v in enumerate(sorted(e.free_symbols, key=str))}
    return bool(enclosure.enclose(e, places).contains(0))


def _power(term: sp.Expr, y: sp.Symbol) -> int:
    """How often y is a factor of it."""
    return int(sum(f.as_base_exp()[1] for f in sp.Mul.make_args(term) if f.as_base_exp()[0] == y))


def _is_tame(p: sp.Expr, y: sp.Symbol) -> bool:
    """Whether it grows no faster than a polynomial: of y and of bounded functions."""
    if y not in p.free_symbols or p == y:
        return True
    if isinstance(p, sp.Add | sp.Mul):
        return all(_is_tame(a, y) for a in p.args)
    if isinstance(p, sp.Pow):
        return bool(p.exp.is_Integer and p.exp.is_positive) and _is_tame(p.base, y)
    return isinstance(p, TAMED) and p.args[0].is_extended_real is True
