"""Growth: which products vanish as u falls to 0, by comparing exponentials, powers, logarithms and their logarithms.

The logarithm of a factor is put on the scale 1/u^p, log(1/u), log log(1/u), log log log(1/u): what comes first decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.judgement.smooth import is_smooth

__all__ = ["grows", "vanishes"]

BOUNDED = sp.sin, sp.cos, sp.atan, sp.tanh, sp.erf, sp.sign


@dataclass(frozen=True)
class _Size:
    """log|factor| <= exponent + power log(1/u) + log_power log log(1/u) + loglog_power log log log(1/u) + a constant."""

    exponent: sp.Expr = sp.S.Zero
    power: sp.Expr = sp.S.Zero
    log_power: sp.Expr = sp.S.Zero
    loglog_power: sp.Expr = sp.S.Zero

    def times(self, other: _Size) -> _Size:
        return _Size(
            self.exponent + other.exponent,
            self.power + other.power,
            self.log_power + other.log_power,
            self.loglog_power + other.loglog_power,
        )


def vanishes(term: sp.Expr, u: sp.Symbol) -> bool:
    """Whether a product of known factors goes to 0 as the positive symbol u does."""
    size = _of_product(term, u)
    if size is None:
        return False
    exponent = sp.cancel(sp.together(size.exponent))
    if exponent != 0:
        return grows(-exponent, u)
    for power in (sp.simplify(size.power), size.log_power, size.loglog_power):
        if power != 0:
            return bool(power.is_negative)
    return False


def _of_product(term: sp.Expr, u: sp.Symbol) -> _Size | None:
    size = _Size()
    for factor in sp.Mul.make_args(term):
        here = _size(factor, u)
        if here is None:
            return None
        size = size.times(here)
    return size


def _size(factor: sp.Expr, u: sp.Symbol) -> _Size | None:
    if u not in factor.free_symbols:
        return _Size()
    if isinstance(factor, sp.exp):
        return (
            _Size(exponent=factor.args[0])
            if factor.args[0].is_rational_function(u) and factor.args[0].is_real
            else None
        )
    if isinstance(factor, sp.erfc) and grows(factor.args[0], u):  # erfc(z) <= exp(-z^2)
        return _Size(exponent=-(factor.args[0] ** 2))
    base, exponent = factor.as_base_exp()
    if isinstance(base, BOUNDED) and base.args[0].is_extended_real and exponent.is_Integer and exponent.is_positive:
        return _Size()
    if u in exponent.free_symbols or not exponent.is_real:
        return None
    if (degree := _degree(base, u)) is not None:
        return _Size(power=-degree * exponent)
    if isinstance(base, sp.log) and (found := _of_logarithm(base.args[0], exponent, u)) is not None:
        return found
    if isinstance(base, sp.Add) and (largest := _dominant(base, u)) is not None:
        return _to_the(largest, exponent)
    u_closed = sp.Dummy("u", nonnegative=True)
    return _Size() if is_smooth(factor.xreplace({u: u_closed}), u_closed) else None


def _to_the(size: _Size, n: sp.Expr) -> _Size:
    return _Size(size.exponent * n, size.power * n, size.log_power * n, size.loglog_power * n)


def _dominant(total: sp.Add, u: sp.Symbol) -> _Size | None:
    """The size of the one term beside which all others vanish."""
    for term in total.args:
        if all(vanishes(other / term, u) for other in total.args if other != term):
            return _exactly(term, u)
    return None


def _exactly(term: sp.Expr, u: sp.Symbol) -> _Size | None:
    """The size of a term where it is no mere bound: of exponentials, powers and logarithms, and constants that are not 0."""
    return _of_product(term, u) if all(_is_exact(f, u) for f in sp.Mul.make_args(term)) else None


def _is_exact(factor: sp.Expr, u: sp.Symbol) -> bool:
    if u not in factor.free_symbols:
        return bool(factor.is_nonzero)
    base, _ = factor.as_base_exp()
    if isinstance(base, sp.log):
        return _of_logarithm(base.args[0], sp.S.One, u) is not None
    return isinstance(factor, sp.exp) or _degree(base, u) is not None


def _of_logarithm(inside: sp.Expr, exponent: sp.Expr, u: sp.Symbol) -> _Size | None:
    """log of c u^d is d log u, of a logarithm of that log log(1/u), to leading order."""
    degree = _degree(inside, u)
    if degree is not None and degree.is_nonzero:
        return _Size(log_power=exponent)
    inner = _exactly(inside, u)
    if inner is not None and inner.exponent == 0 and inner.power == 0 and inner.log_power.is_positive:
        return _Size(loglog_power=exponent)
    return None


def _degree(e: sp.Expr, u: sp.Symbol) -> sp.Expr | None:
    """n where a power of a rational function goes as c u^n, c not 0."""
    if e == u:
        return sp.S.One
    base, exponent = e.as_base_exp()
    if base != e and exponent.is_real and u not in exponent.free_symbols:
        inner = _degree(base, u)
        return None if inner is None else inner * exponent
    if not e.is_rational_function(u):
        return None
    above, below = (sp.Poly(part, u) for part in sp.fraction(sp.cancel(sp.together(e))))
    lowest = [part.monoms()[-1][0] for part in (above, below)]
    leading = [part.coeffs()[-1] for part in (above, below)]
    return sp.Integer(lowest[0] - lowest[1]) if all(c.is_nonzero for c in leading) else None


def grows(e: sp.Expr, u: sp.Symbol) -> bool:
    """Whether a rational function goes to +infinity as u falls to 0."""
    degree = _degree(e, u)
    if degree is None or not degree.is_negative:
        return False
    return bool(sp.cancel(sp.together(e / u**degree)).subs(u, 0).is_positive)
