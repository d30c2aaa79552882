"""Signs: special functions that are positive, or ordered, as positive symbols, so that sympy sees the sign of what holds them.

For z > 0: I_n(z) > 0 and falls as n >= 0 grows, K_n(z) > 0 (NIST Digital Library of Mathematical Functions 10.37), E_s(z) > 0
(8.19.3), psi'(z) > 0, as all derivatives of odd order, and those of even order < 0 (5.15.1), W(z) > 0, zeta(1 + z) > 1.
"""

from __future__ import annotations

import itertools

import sympy as sp

__all__ = ["with_signs"]

ALWAYS = sp.besselk, sp.expint, sp.LambertW, sp.uppergamma, sp.erfc
RISING = sp.erf, sp.atan, sp.asinh  # on the line
FUNCTIONS = *ALWAYS, sp.besseli, sp.polygamma, sp.zeta


def with_signs(e: sp.Expr) -> sp.Expr:
    """The expression with positive symbols in place of such functions; what holds for all values of them holds for theirs."""
    if not e.has(*FUNCTIONS, *RISING):
        return e
    swaps = _in_order(e) | _rising(e)
    for f in e.atoms(*FUNCTIONS):
        if (known := _known(f)) is not None:
            swaps.setdefault(f, known)
    return e.xreplace(swaps)


def _positive() -> sp.Dummy:
    return sp.Dummy("f", positive=True)


def _known(f: sp.Expr) -> sp.Expr | None:
    if isinstance(f, sp.erfc):
        return _positive() if f.args[0].is_extended_real else None
    if isinstance(f, sp.zeta):
        return 1 + _positive() if len(f.args) == 1 and (f.args[0] - 1).is_positive else None
    order, z = (f.args[0], f.args[-1]) if len(f.args) > 1 else (sp.S.Zero, f.args[0])
    if not z.is_positive or not order.is_real:
        return None
    if isinstance(f, sp.polygamma):
        signs = {True: 1, False: -1}
        return signs[bool(order.is_odd)] * _positive() if order.is_Integer and order > 0 else None
    if isinstance(f, sp.LambertW) and len(f.args) > 1:
        return None
    if isinstance(f, sp.besseli):
        return _positive() if order.is_nonnegative else None
    return _positive()


def _in_order(e: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """I_n of one argument and numbers n, each as what it exceeds the next by."""
    found: dict[sp.Expr, sp.Expr] = {}
    functions = [f for f in e.atoms(sp.besseli) if f.args[1].is_positive and f.args[0].is_Rational and f.args[0] >= 0]
    for z in {f.args[1] for f in functions}:
        falling = sorted((f for f in functions if f.args[1] == z), key=lambda f: -f.args[0])
        found |= dict(zip(falling, itertools.accumulate(_positive() for _ in falling), strict=True))
    return found


def _rising(e: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """Two values of a function that rises, the larger as what it exceeds the other by; of psi for positive arguments."""
    found: dict[sp.Expr, sp.Expr] = {}
    for kind in (*RISING, sp.polygamma):
        values = sorted((f for f in e.atoms(kind) if _rises(f)), key=sp.default_sort_key)
        if len(values) == 2:
            gap = sp.factor(sp.together(values[0].args[-1] - values[1].args[-1]))
            low, high = (values[1], values[0]) if gap.is_positive else (values[0], values[1])
            if gap.is_positive or gap.is_negative:
                found[high] = low + _positive()
    return found


def _rises(f: sp.Expr) -> bool:
    if isinstance(f, sp.polygamma):
        return bool(f.args[0] == 0 and f.args[1].is_positive)
    return bool(f.args[0].is_extended_real)
