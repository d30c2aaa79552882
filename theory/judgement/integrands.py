"""Integrands: inequalities between integrals over one interval, by that of what is integrated, and those whose integrand is odd.

What stands beside them is spread over the interval, by one of their own weights whose integral is known. Where the integrand is
not negative and, analytic inside, somewhere positive, the integral is positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from theory.algebra import enclosure
from theory.judgement.by_parts import may_vanish, taken_together
from theory.judgement.closed_forms import closed_form
from theory.judgement.patience import patiently
from theory.judgement.positivity import is_shown
from theory.judgement.reduction import reduces_to_zero

__all__ = ["shown_by_integrands", "vanishes_by_symmetry"]

HYPERBOLIC = sp.tanh, sp.sinh, sp.cosh, sp.sech, sp.coth, sp.csch
A_SHARE = 1.0  # seconds
STEPS = sp.Piecewise, sp.sign, sp.Heaviside, sp.floor, sp.ceiling, sp.Mod
Trusts = tuple[str, ...]


def shown_by_integrands(difference: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Trusts:
    """How a sum of integrals is shown to be positive, or not negative, and what that trusts; empty where it is not."""
    if not difference.has(sp.Integral) or difference.has(sp.Sum, sp.Product, sp.Limit):
        return ()
    rest, y, ends, total = _put_together(difference)
    if len(ends) != 2:
        return ()
    for spread, trusts in _spread(rest, total, y, ends):
        if shown := patiently(A_SHARE, _is_shown, sp.factor(spread), y, ends, strict, assume):
            return (f"under the integral: {shown[0]}", *trusts, *shown[1:])
    return ()


def vanishes_by_symmetry(difference: sp.Expr) -> Trusts:
    """What was trusted to show that integrals from -h to h, or over the line, add up to 0: of their integrand, f(y) + f(-y) = 0.

    Each integral is taken to have a value, as everywhere, and both halves of it have one then.
    """
    rest, y, ends, total = _put_together(difference)
    if len(ends) != 2 or (ends != (-sp.oo, sp.oo) and sp.expand(ends[0] + ends[1]) != 0):
        return ()
    for f, trusts in _spread(rest, total, y, ends):
        plain = f.xreplace({w: w.rewrite(sp.exp) for w in f.atoms(*HYPERBOLIC)})
        even = sp.expand(plain, power_exp=True) + sp.expand(plain.xreplace({y: -y}), power_exp=True)
        if f != 0 and may_vanish(even) and (reduced := reduces_to_zero(even)):
            return ("symmetry under y -> -y", *trusts, *reduced)
    return ()


def _put_together(difference: sp.Expr) -> tuple[sp.Expr, sp.Symbol, tuple[sp.Expr, ...], sp.Expr]:
    """(what stands beside them, y, ends, integrand) of a sum of integrals over one interval; no ends where it is none."""
    names = {i: sp.Dummy() for i in difference.atoms(sp.Integral)}
    rest = difference.xreplace(names).subs(dict.fromkeys(names.values(), 0))
    return rest, *taken_together(sp.expand(difference - rest, deep=False))


def _spread(rest: sp.Expr, total: sp.Expr, y: sp.Symbol, ends: tuple[sp.Expr, ...]) -> Iterator[tuple[sp.Expr, Trusts]]:
    """The integrand, with what stands beside the integrals as a share of a weight."""
    if rest == 0:
        yield total, ()
        return
    if ends[0].is_finite and ends[1].is_finite and (ends[1] - ends[0]).is_positive:
        yield total + rest / (ends[1] - ends[0]), ()
    exponents = {e.args[0] for e in total.atoms(sp.exp) if y in e.free_symbols}
    for weight in sorted(
        {sp.exp(sign * z) for z in exponents for sign in (1, -1) if _falls(sign * z, y, ends)}, key=str
    ):
        for share in (weight, y**2 * weight):
            mass = closed_form(sp.Integral(share, (y, *ends)))
            if mass is not None and mass.checked and mass.value.is_positive:
                yield total + rest * share / mass.value, (mass.trusts,)


def _falls(exponent: sp.Expr, y: sp.Symbol, ends: tuple[sp.Expr, ...]) -> bool:
    """Whether it is a polynomial that goes to minus infinity at the infinite ends."""
    if not exponent.is_polynomial(y) or ends[1].is_finite:
        return False
    p = sp.Poly(exponent, y)
    return bool(p.LC().is_negative and (p.degree() % 2 == 0 or ends[0].is_finite))


def _is_shown(f: sp.Expr, y: sp.Symbol, ends: tuple[sp.Expr, ...], strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    """Of the integrand between the ends; positive at a point, where strict."""
    low, high = ends
    s = sp.Dummy("y", positive=True) if low == 0 else sp.Dummy("y", real=True)
    bounds = [*([s > low] if low.is_finite and low != 0 else []), *([s < high] if high.is_finite else [])]
    core = sp.Mul(*(factor for factor in sp.Mul.make_args(f.xreplace({y: s})) if not factor.is_positive))
    if strict and (core.has(*STEPS) or not _is_somewhere_positive(core, s, low, high)):
        return ()
    return is_shown(core, False, (*assume, *bounds))


def _is_somewhere_positive(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether it is positive at a simple place whatever the other symbols are; being continuous, it is so around it."""
    place = low + 1 if low.is_finite else high - 1 if high.is_finite else sp.S.One
    if low.is_finite and high.is_finite:
        place = (low + high) / 2
    there = f.subs(y, place)
    return bool(is_shown(there, True) if there.free_symbols else enclosure.enclose(there, {}).real > 0)
