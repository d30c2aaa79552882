"""Closed forms of integrals, by rules whose conditions are checked; by sympy alone, which checks none it tells, marked so."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.algebra import gaussian_integrals
from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth

__all__ = ["ClosedForm", "closed_form"]

A_RULE = 1.5  # seconds


@dataclass(frozen=True)
class ClosedForm:
    """A value, what it trusts, and whether its conditions were checked (sympy's own integration checks none that it tells)."""

    value: sp.Expr
    trusts: str
    checked: bool = True


def closed_form(integral: sp.Integral) -> ClosedForm | None:
    """The integral by a rule; the innermost variable first. None where there is none."""
    if any(len(limit) != 3 for limit in integral.limits):
        return None
    value, trusts, checked = integral.function, [], True
    for y, low, high in integral.limits:
        found = _single(value, y, low, high)
        if found is None:
            return None
        value, checked = found.value, checked and found.checked
        trusts.append(found.trusts)
    return ClosedForm(value, ", ".join(dict.fromkeys(trusts)), checked)


def _single(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    for rule in (_gaussian, _gamma, _beta, _antiderivative, _by_sympy):
        if (found := patiently(A_RULE, rule, f, y, low, high)) is not None:
            return found
    return None


def _terms(f: sp.Expr, y: sp.Symbol) -> list[tuple[sp.Expr, sp.Expr]]:
    """f as a sum of polynomials times exp: pairs (factor without an exponential, exponent)."""
    real = sp.Dummy("y", real=True)
    f = sp.expand_log(f.xreplace({y: real}))
    pairs = []
    for term in sp.Add.make_args(sp.expand(f, power_exp=False)):
        exponents, rest = [], []
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.exp) and real in factor.free_symbols:
                exponents.append(factor.args[0])
            else:
                rest.append(factor)
        pairs.append((sp.Mul(*rest).xreplace({real: y}), sp.Add(*exponents).xreplace({real: y})))
    return pairs


def _gaussian(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    if (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    total = sp.S.Zero
    for factor, exponent in _terms(f, y):
        constant, polynomial = factor.as_independent(y, as_Add=False)
        total += constant * gaussian_integrals.integral(polynomial, exponent, y)
    return ClosedForm(total, "the Gaussian integral")


def _gamma(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^oo y^(p-1) exp(-b y) dy = Gamma(p) b^-p for p, b > 0."""
    if (low, high) != (sp.S.Zero, sp.S.Infinity):
        return None
    total, s = sp.S.Zero, sp.Dummy("s", positive=True)
    for factor, exponent in _terms(f, y):
        constant, power = factor.xreplace({y: s}).as_independent(s, as_Add=False)
        p = sp.simplify(s * sp.diff(power, s) / power) + 1 if power != 1 else sp.S.One
        rate = -exponent.xreplace({y: s}) / s
        if s in p.free_symbols or s in sp.simplify(rate).free_symbols:
            return None
        rate = sp.simplify(rate)
        if not (p.is_positive and rate.is_positive):
            return None
        total += constant * (power / s ** (p - 1)).subs(s, 1) * sp.gamma(p) * rate**-p
    return ClosedForm(total, "Euler's integral of the gamma function")


def _beta(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^1 y^(p-1) (1-y)^(q-1) dy = B(p, q) for p, q > 0."""
    if (low, high) != (sp.S.Zero, sp.S.One):
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    p = q = sp.S.One
    for factor in sp.Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if base == y:
            p += exponent
        elif sp.expand(base - 1 + y) == 0:
            q += exponent
        else:
            return None
    if y in p.free_symbols or y in q.free_symbols or not (p.is_positive and q.is_positive):
        return None
    return ClosedForm(constant * sp.gamma(p) * sp.gamma(q) / sp.gamma(p + q), "Euler's beta integral")


def _antiderivative(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """F(high) - F(low), where F' = f by differentiation and F is seen to be smooth between them."""
    if high is not sp.S.Infinity and not (high - low).is_nonnegative:
        return None
    s = sp.Dummy("s", real=True) if low is sp.S.NegativeInfinity else sp.Dummy("s", nonnegative=True)
    shift = s if low is sp.S.NegativeInfinity else low + s
    inside = sp.integrate(f, y)
    if inside.has(sp.Integral, sp.Piecewise) or not is_smooth(sp.expand(inside.subs(y, shift)), s):
        return None
    if not reduces_to_zero(sp.diff(inside, y) - f):
        return None
    ends = [_at_end(inside, y, end) for end in (low, high)]
    return ClosedForm(ends[1] - ends[0], "an antiderivative, differentiated")


def _at_end(F: sp.Expr, y: sp.Symbol, end: sp.Expr) -> sp.Expr:
    """F there, or its limit at infinity by Taylor's theorem.

    Raises:
        ValueError: where it has none by this rule.
    """
    value = F.subs(y, end) if end.is_finite else limit_of(F, y, end, "")
    if value is None:
        raise ValueError("no limit of the antiderivative")
    return value


def _by_sympy(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = sp.integrate(f, (y, low, high))
    return (
        None
        if value.has(sp.Integral, sp.Piecewise, sp.nan, sp.zoo, sp.oo)
        else ClosedForm(value, "sympy.integrate", checked=False)
    )
