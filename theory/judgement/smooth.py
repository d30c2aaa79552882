"""Smooth: whether a function has no break, pole or branch point as one symbol runs through its domain."""

from __future__ import annotations

import sympy as sp

__all__ = ["ENTIRE", "is_analytic_at", "is_positive", "is_smooth"]

ENTIRE = sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.erf, sp.erfc, sp.erfi, sp.sinc
REAL = sp.atan, sp.asinh, sp.tanh, sp.sech  # analytic on the whole real line
WITHIN_ONE = sp.asin, sp.acos, sp.atanh  # analytic between -1 and 1
POSITIVE = (
    sp.log,
    sp.gamma,
    sp.loggamma,
    sp.digamma,
    sp.expint,
    sp.besselk,
    sp.Ei,
    sp.LambertW,
    sp.lowergamma,
    sp.uppergamma,
)
OF_AN_ORDER = sp.polygamma, sp.besseli


def is_smooth(e: sp.Expr, s: sp.Symbol) -> bool:
    """Whether the real expression is seen to be analytic in s wherever the assumptions let s be; its domain is an interval.

    A symbol that is only known not to be zero has two intervals: false.
    """
    if s not in e.free_symbols or e == s:
        return s.is_positive is True or s.is_negative is True or s.is_nonzero is not True
    if isinstance(e, sp.Add | sp.Mul):
        return all(is_smooth(a, s) for a in e.args)
    if isinstance(e, sp.Pow):
        return _power(e, s)
    if isinstance(e, ENTIRE):
        return is_smooth(e.args[0], s)
    if isinstance(e, REAL):
        return e.args[0].is_extended_real is True and is_smooth(e.args[0], s)
    if isinstance(e, POSITIVE):
        if any(s in a.free_symbols for a in e.args[:-1]):
            return False
        return is_positive(e.args[-1]) and is_smooth(e.args[-1], s)
    if isinstance(e, WITHIN_ONE):
        return e.args[0].is_extended_real is True and is_positive(1 - e.args[0] ** 2) and is_smooth(e.args[0], s)
    if _is_entire(e):
        return is_smooth(e.args[1], s)
    if isinstance(e, sp.polylog):  # analytic but for arguments from 1 on
        return s not in e.args[0].free_symbols and is_positive(1 - e.args[1]) and is_smooth(e.args[1], s)
    if isinstance(e, OF_AN_ORDER):
        return s not in e.args[0].free_symbols and e.args[1].is_positive is True and is_smooth(e.args[1], s)
    return False


def _is_entire(e: sp.Expr) -> bool:
    """Whether it is a Bessel function I_n or J_n of a whole order n >= 0."""
    return isinstance(e, sp.besseli | sp.besselj) and e.args[0].is_Integer and e.args[0].is_nonnegative is True


def _power(e: sp.Pow, s: sp.Symbol) -> bool:
    if not is_smooth(e.base, s) or not is_smooth(e.exp, s):
        return False
    if e.exp.is_integer and s not in e.exp.free_symbols:  # (-1)^k is no function of a real k
        return e.exp.is_nonnegative is True or e.base.is_nonzero is True
    return is_positive(e.base)


def is_analytic_at(e: sp.Expr, s: sp.Symbol, place: sp.Expr) -> bool:
    """Whether the expression is seen to be analytic in s near one finite place, by its parts and their values."""
    if s not in e.free_symbols or e == s:
        return e.is_finite is not False
    if isinstance(e, sp.Add | sp.Mul):
        return all(is_analytic_at(a, s, place) for a in e.args)
    if isinstance(e, sp.Pow):
        return _power_at(e, s, place)
    if isinstance(e, (*ENTIRE, *REAL)):
        return e.args[0].is_extended_real is True and is_analytic_at(e.args[0], s, place)
    if _is_entire(e):
        return is_analytic_at(e.args[1], s, place)
    if isinstance(e, (*POSITIVE, *OF_AN_ORDER)):
        free = all(s not in a.free_symbols for a in e.args[:-1])
        return free and is_analytic_at(e.args[-1], s, place) and is_positive(e.args[-1].subs(s, place))
    return False


def _power_at(e: sp.Pow, s: sp.Symbol, place: sp.Expr) -> bool:
    if not is_analytic_at(e.base, s, place) or not is_analytic_at(e.exp, s, place):
        return False
    there = e.base.subs(s, place)
    if e.exp.is_integer and s not in e.exp.free_symbols:
        return e.exp.is_nonnegative is True or sp.factor(there).is_nonzero is True
    return is_positive(there)


def is_positive(e: sp.Expr) -> bool:
    """Whether it is seen to be: as it is, by its factors, or as p + sqrt(q) where q > p^2."""
    if e.is_positive is not None or not e.is_extended_real:
        return e.is_positive is True
    factored = sp.factor(sp.together(e.replace(sp.tanh, lambda z: 1 - 2 / (sp.exp(2 * z) + 1))))
    return factored.is_positive is True or any(
        _exceeds(root, sp.expand(e - root)) for root in sp.Add.make_args(sp.expand(e))
    )


def _exceeds(root: sp.Expr, rest: sp.Expr) -> bool:
    """Whether a root, positive, is larger than the modulus of the rest."""
    is_root = root.is_nonnegative and root.has(sp.Pow) and rest.is_extended_real
    return bool(is_root and sp.expand(root**2 - rest**2).is_positive)
