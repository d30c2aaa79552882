"""Smooth: whether a function has no break, pole or branch point as one symbol runs through its domain."""

from __future__ import annotations

import sympy as sp

__all__ = ["ENTIRE", "is_smooth"]

ENTIRE = sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.erf, sp.erfc, sp.erfi, sp.sinc
REAL = sp.atan, sp.asinh, sp.tanh, sp.sech  # analytic on the whole real line
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
        return e.args[-1].is_positive is True and is_smooth(e.args[-1], s)
    if isinstance(e, OF_AN_ORDER):
        return s not in e.args[0].free_symbols and e.args[1].is_positive is True and is_smooth(e.args[1], s)
    return False


def _power(e: sp.Pow, s: sp.Symbol) -> bool:
    if not is_smooth(e.base, s) or not is_smooth(e.exp, s):
        return False
    if e.exp.is_integer and s not in e.exp.free_symbols:  # (-1)^k is no function of a real k
        return e.exp.is_nonnegative is True or e.base.is_nonzero is True
    return e.base.is_positive is True
