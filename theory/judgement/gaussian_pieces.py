"""Gaussian pieces: polynomials times exp of a quadratic over any interval, with error functions and with what breaks at points.

From l to h, with m = b/(2 a):
int exp(-a y^2 + b y) dy = sqrt(pi/a)/2 exp(a m^2) (erf(sqrt(a) (h - m)) - erf(sqrt(a) (l - m))).
Over the line: with erf(p y + q) inside, sqrt(pi/a) exp(a m^2) erf((p m + q)/sqrt(1 + p^2/a)); with erf(p y) erf(q y) and b = 0,
sqrt(pi/a) (2/pi) asin(p q/sqrt((a + p^2)(a + q^2))); from 0 on with
erf(p y) and b = 0, atan(p/sqrt(a))/sqrt(pi a). One more power of y is an integration by parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp

from theory.judgement.switches import BROKEN, argument

__all__ = ["NotOfThisKindError", "integral"]

MOST_BREAKS = 4


class NotOfThisKindError(ValueError):
    """No polynomial times exp of a quadratic and error functions."""


def integral(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """int_low^high f dy.

    Raises:
        NotOfThisKindError: where f is of another kind, or the order of its breaks is not seen.
    """
    f = f.replace(sp.Abs, lambda z: sp.Mul(*map(sp.Abs, sp.Mul.make_args(sp.factor(z)))))
    total = sp.S.Zero
    for ends in itertools.pairwise([low, *_breaks(f, y, low, high), high]):
        total += sum((_term(term, y, *ends) for term in _terms(_between(f, y, *ends), y)), sp.S.Zero)
    return total


# --- pieces ---


def _breaks(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> list[sp.Expr]:
    """Where a modulus, sign, step or maximum switches between the ends, in order."""
    places: list[sp.Expr] = []
    for e in f.atoms(*BROKEN):
        if y in e.free_symbols:
            slope, constant = _linear(argument(e), y)
            places.append(sp.simplify(-constant / slope))
    inside = [p for p in dict.fromkeys(places) if _is_inside(p, low, high)]
    if len(inside) > MOST_BREAKS:
        raise NotOfThisKindError("too many breaks")
    ordered: list[sp.Expr] = []
    for p in inside:
        k = sum(1 for other in ordered if _is_less(other, p))
        ordered.insert(k, p)
    return ordered


def _is_inside(p: sp.Expr, low: sp.Expr, high: sp.Expr) -> bool:
    return _is_less(low, p) and _is_less(p, high)


def _is_less(one: sp.Expr, other: sp.Expr) -> bool:
    if one is sp.S.NegativeInfinity or other is sp.S.Infinity:
        return True
    gap = sp.expand(other - one)
    if gap.is_positive or gap.is_nonpositive:
        return bool(gap.is_positive)
    raise NotOfThisKindError(f"it is not seen whether {one} < {other}")


def _between(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """The branch that holds from one break to the next: y by a positive symbol on that side of one of them."""
    if not any(y in e.free_symbols for e in f.atoms(*BROKEN)):
        return f
    u = sp.Dummy("u", positive=True)
    middle = (low + high) / 2 if low.is_finite and high.is_finite else None
    place = middle if middle is not None else low + u if low.is_finite else high - u if high.is_finite else None
    if place is None:
        raise NotOfThisKindError("no break between infinite ends")

    def decided(e: sp.Expr) -> sp.Expr:
        gap = sp.expand(argument(e).subs(y, place))
        if not (gap.is_positive or gap.is_negative):
            raise NotOfThisKindError(f"the branch of {e} is not seen")
        sign = 1 if gap.is_positive else -1
        if isinstance(e, sp.Abs):
            return sign * e.args[0]
        if isinstance(e, sp.sign):
            return sp.Integer(sign)
        if isinstance(e, sp.Heaviside):
            return sp.Integer(sign == 1)
        first = isinstance(e, sp.Max) == (sign == 1)
        return e.args[0] if first else e.args[1]

    swaps = {e: decided(e) for e in f.atoms(*BROKEN) if y in e.free_symbols}
    if any(y in e.free_symbols for v in swaps.values() for e in v.atoms(*BROKEN)):
        raise NotOfThisKindError("a break inside a break")
    return f.xreplace(swaps)


# --- terms ---


def _terms(f: sp.Expr, y: sp.Symbol) -> Iterator[sp.Expr]:
    real = sp.Dummy("y", real=True)
    f = f.replace(sp.erfc, lambda z: 1 - sp.erf(z)).xreplace({y: real})
    waves = [w for w in f.atoms(sp.sin, sp.cos, sp.sinh, sp.cosh) if real in w.free_symbols]
    f = sp.expand_log(f.xreplace({w: w.rewrite(sp.exp) for w in waves}))
    yield from (term.xreplace({real: y}) for term in sp.Add.make_args(sp.expand(f, power_exp=False)) if term != 0)


def _term(term: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    exponent, front, errors = sp.S.Zero, sp.S.One, []
    for factor in sp.Mul.make_args(term):
        base, power = factor.as_base_exp()
        if isinstance(factor, sp.exp) and y in factor.free_symbols:
            exponent += factor.args[0]
        elif isinstance(base, sp.erf) and y in base.free_symbols and power.is_Integer and power > 0:
            errors += [_linear(base.args[0], y)] * int(power)
        else:
            front *= factor
    constant, polynomial = front.as_independent(y, as_Add=False)
    if not polynomial.is_polynomial(y) or not exponent.is_polynomial(y) or sp.degree(exponent, y) > 2:
        raise NotOfThisKindError(f"of another kind: {term}")
    c, b, a = (sp.expand(exponent).coeff(y, k) for k in range(3))
    coefficients = sp.Poly(polynomial, y).all_coeffs()[::-1]
    if a == 0 and not errors and low.is_finite and high.is_finite:
        raise NotOfThisKindError("an elementary integrand")
    if not (-a).is_positive or not b.is_complex:
        raise NotOfThisKindError(f"an exponent that is not seen to be concave: {exponent}")
    half = {(sp.S.Zero, sp.S.Infinity): 1, (sp.S.NegativeInfinity, sp.S.Zero): -1}.get((low, high))
    if half and len(errors) == len(coefficients) == 1 and b == errors[0][1] == 0 and errors[0][0].is_real:
        return half * constant * sp.exp(c) * coefficients[0] * sp.atan(errors[0][0] / sp.sqrt(-a)) / sp.sqrt(-sp.pi * a)
    if errors and (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        raise NotOfThisKindError("error functions over a part of the line")
    moments = (
        _with_errors(-a, b, errors, y, len(coefficients))
        if errors
        else _moments(-a, b, y, low, high, len(coefficients))
    )
    return constant * sp.exp(c) * sum(p * v for p, v in zip(coefficients, moments, strict=True))


def _moments(a: sp.Expr, b: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr, count: int) -> list[sp.Expr]:
    """int_low^high y^n exp(-a y^2 + b y) dy for n from 0 on."""
    m = b / (2 * a)
    at = [_erf_at(sp.sqrt(a), m, end) for end in (low, high)]
    found = [sp.sqrt(sp.pi / a) / 2 * sp.exp(sp.expand(a * m**2)) * (at[1] - at[0])]
    for n in range(1, count):
        ends = [sp.S.Zero if end.is_infinite else end ** (n - 1) * sp.exp(-a * end**2 + b * end) for end in (low, high)]
        before = found[n - 2] if n > 1 else sp.S.Zero
        found.append((b * found[n - 1] + (n - 1) * before - ends[1] + ends[0]) / (2 * a))
    return found


def _erf_at(root: sp.Expr, m: sp.Expr, end: sp.Expr) -> sp.Expr:
    if end.is_infinite:
        return sp.S.One if end is sp.S.Infinity else -sp.S.One
    return sp.erf(sp.simplify(root * (end - m)))


def _with_errors(
    a: sp.Expr, b: sp.Expr, errors: list[tuple[sp.Expr, sp.Expr]], y: sp.Symbol, count: int
) -> list[sp.Expr]:
    """int y^n exp(-a y^2 + b y) erf(p y + q) dy over the line for n from 0 on; of two error functions at b = q = 0."""
    if not all(v.is_extended_real for pair in errors for v in (*pair, b)) or len(errors) > 2:
        raise NotOfThisKindError("error functions of what is not seen to be real, or many of them")
    if len(errors) == 2:
        (p, q), (r, s) = errors
        if count > 1 or any(v != 0 for v in (b, q, s)):
            raise NotOfThisKindError("two error functions off the centre")
        return [sp.sqrt(sp.pi / a) * 2 / sp.pi * sp.asin(p * r / sp.sqrt((a + p**2) * (a + r**2)))]
    ((p, q),) = errors
    m, line = b / (2 * a), (sp.S.NegativeInfinity, sp.S.Infinity)
    inside = sp.simplify((p * m + q) / sp.sqrt(1 + p**2 / a))
    found = [sp.sqrt(sp.pi / a) * sp.exp(sp.expand(a * m**2)) * sp.erf(inside)]
    slopes = _moments(sp.expand(a + p**2), b - 2 * p * q, y, *line, count)
    for n in range(1, count):
        before = found[n - 2] if n > 1 else sp.S.Zero
        edge = 2 * p / sp.sqrt(sp.pi) * sp.exp(-(q**2)) * slopes[n - 1]
        found.append((b * found[n - 1] + (n - 1) * before + edge) / (2 * a))
    return found


def _linear(e: sp.Expr, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    slope = sp.diff(e, y)
    constant = sp.expand(e - slope * y)
    if slope == 0 or {y} & (slope.free_symbols | constant.free_symbols):
        raise NotOfThisKindError(f"not linear: {e}")
    return slope, constant
