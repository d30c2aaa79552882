"""Exponential integrals: of what is rational in exp(y), and of that times a power of y or a logarithm.

Over the line, of a rational function R(exp(r y)), by v = exp(r y) and an antiderivative of R(v)/v that is differentiated.
Over the positive numbers, with v = exp(-b y) and R(v) = sum of c_k (-1)^k k^j v^k or of c k^j v^k, with its only pole at -1 or
1, term by term: int y^p exp(-b k y) dy = Gamma(p + 1)/(b k)^(p + 1), which add up to zeta(p + 1 - j), or to
eta(s) = (1 - 2^(1-s)) zeta(s), by monotone convergence or by Abel's theorem, where the sums of these converge.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from theory.judgement.limits import limit_of
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth

__all__ = ["over_the_line", "with_powers"]

HYPERBOLIC = sp.tanh, sp.coth, sp.sinh, sp.cosh, sp.sech, sp.csch
HIGHEST = 6  # order of a pole
LINE = sp.S.NegativeInfinity, sp.S.Infinity
HALF_LINE = sp.S.Zero, sp.S.Infinity


def over_the_line(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """int f dy from -oo or 0 to oo for f rational in exp(r y), r real and not 0."""
    if (low, high) not in (LINE, HALF_LINE) or not f.has(sp.exp, *HYPERBOLIC):
        return None
    if (found := _in_exponential(f, y)) is None:
        return None
    rational, v, rate = found
    if y in rational.free_symbols or not rational.is_rational_function(v):
        return None
    integrand = sp.factor(rational / v)
    inside = sp.integrate(integrand, v)
    if inside.has(sp.Integral, sp.Piecewise) or not is_smooth(inside, v):
        inside = sp.logcombine(inside, force=True)
        if inside.has(sp.Integral, sp.Piecewise) or not is_smooth(inside, v):
            return None
    if not reduces_to_zero(sp.diff(inside, v) - integrand):
        return None
    start = sp.S.Zero if low is sp.S.NegativeInfinity else sp.S.One
    first = limit_of(inside, v, start, "+") if start == 0 else inside.subs(v, 1)
    far = inside.replace(sp.atan, lambda z: sp.pi / 2 - sp.atan(1 / z) if z.is_positive else sp.atan(z))
    last = limit_of(far, v, sp.S.Infinity, "")
    if first is None or last is None or not (first.is_finite and last.is_finite):
        return None
    return (last - first) / rate


def _in_exponential(f: sp.Expr, y: sp.Symbol, sign: int = 1) -> tuple[sp.Expr, sp.Symbol, sp.Expr] | None:
    """(R, v, r) of f = R(v), v = exp(r y) or exp(-r y) by the sign, r > 0; None where that is not rational."""
    f = f.replace(lambda w: isinstance(w, HYPERBOLIC), lambda w: w.rewrite(sp.exp))
    f = sp.expand(f, power_exp=True, mul=False, multinomial=False, power_base=False, log=False, basic=False)
    rates = [sp.cancel(e.args[0] / y) for e in f.atoms(sp.exp) if y in e.free_symbols]
    if not rates or any(y in rate.free_symbols for rate in rates):
        return None
    quotients = [sp.cancel(rate / rates[0]) for rate in rates]
    if not all(q.is_Rational and q != 0 for q in quotients):
        return None
    unit = abs(sp.gcd_list(quotients)) if len(quotients) > 1 else sp.S.One
    rate = rates[0] * unit
    if rate.is_negative:
        rate = -rate
    if not rate.is_positive:
        return None
    v = sp.Dummy("v", positive=True)
    rational = f.replace(
        lambda e: isinstance(e, sp.exp) and y in e.free_symbols, lambda e: v ** sp.cancel(sign * e.args[0] / (y * rate))
    )
    return rational, v, rate


def with_powers(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """int_0^oo y^p R(exp(-b y)) dy; over the line where the integrand is even; from 0 to 1 by y = exp(-x)."""
    real, x = sp.Dummy("y", real=True), sp.Dummy("x", positive=True)
    if (low, high) == (sp.S.Zero, sp.S.One) and f.has(sp.log):
        inside = f.xreplace({y: x})
        return _from_zero(sp.expand_log(inside.subs(x, sp.exp(-real))).xreplace({real: x}) * sp.exp(-x), x)
    if (low, high) == HALF_LINE:
        return _from_zero(f.xreplace({y: x}), x)
    if (low, high) != LINE or not f.has(sp.exp, *HYPERBOLIC):
        return None
    half = _from_zero(f.xreplace({y: x}), x)
    if half is None:
        return None
    turned = f.xreplace({y: real})
    gap = (turned.xreplace({real: -real}) - turned).replace(
        lambda w: isinstance(w, HYPERBOLIC), lambda w: w.rewrite(sp.exp)
    )
    return 2 * half if reduces_to_zero(gap) else None


def _from_zero(f: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    if (found := _in_exponential(f, x, -1)) is None:
        return None
    whole, v, b = found
    p, total = sp.S.Zero, sp.S.Zero
    constant, rest = sp.factor(whole).as_independent(x, as_Add=False)
    constant, b = _in_squares(constant, v, b)
    for factor in sp.Mul.make_args(rest):
        base, power = factor.as_base_exp()
        if factor == 1:
            continue
        if base != x or x in power.free_symbols or not power.is_real:
            return None
        p += power
    for sign, j, c in _terms(constant, v) or ((0, 0, 0),):
        s = p + 1 - j
        if sign == 0 or not (p + 1).is_positive or not ((s - 1).is_positive if sign == 1 else s.is_positive):
            return None
        total += c * (sp.zeta(s) if sign == 1 else sp.log(2) if s == 1 else (1 - 2 ** (1 - s)) * sp.zeta(s))
    return sp.gamma(p + 1) * b ** (-p - 1) * total


def _terms(rational: sp.Expr, v: sp.Symbol) -> list[tuple[int, int, sp.Expr]] | None:
    """(1, j, c) for sum of c k^j v^k over k from 1 on, (-1, j, c) for that of c (-1)^(k+1) k^j v^k; None for other functions."""
    logarithms = {sp.log(1 - v): (1, -1, -sp.S.One), sp.log(1 + v): (-1, -1, sp.S.One)}
    for f, (sign, j, c) in logarithms.items():
        share = sp.cancel(rational / f)
        if v not in share.free_symbols:
            return [(sign, j, c * share)]
    if not rational.is_rational_function(v):
        return None
    found: list[tuple[int, int, sp.Expr]] = []
    first = sp.S.Zero
    for part in sp.Add.make_args(sp.apart(sp.cancel(rational), v)):
        above, below = sp.fraction(part)
        sign, order = next(((s, m) for s in (1, -1) for m in range(HIGHEST) if _is_pole(below, v, s, m)), (0, 0))
        if sign == 0 or v in above.free_symbols:
            return None
        c = above * sp.cancel((v - sign) ** order / below) * (-sign) ** order
        first += c
        found += _of_pole(c, order, sign)
    return found if sp.expand(first) == 0 else None


def _is_pole(below: sp.Expr, v: sp.Symbol, sign: int, order: int) -> bool:
    return v not in sp.cancel(below / (v - sign) ** order).free_symbols


def _of_pole(c: sp.Expr, order: int, sign: int) -> Iterator[tuple[int, int, sp.Expr]]:
    """c/(1 - sign v)^m = sum of c sign^k binomial(k + m - 1, m - 1) v^k, by powers of k; of m = 0 there is k = 0 alone."""
    k = sp.Dummy("k")
    if order:
        chosen = sp.prod([k + i for i in range(1, order)]) / sp.factorial(order - 1)
        yield from ((sign, j, c * share * sign) for (j,), share in sp.Poly(chosen, k).terms() if share != 0)


def _in_squares(rational: sp.Expr, v: sp.Symbol, b: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """R(v^2) as R(v) with twice the rate."""
    whole = sp.cancel(rational) if rational.is_rational_function(v) else rational
    even = all(n % 2 == 0 for part in sp.fraction(whole) if part.is_polynomial(v) for (n,) in sp.Poly(part, v).monoms())
    if not even or not whole.is_rational_function(v) or v not in whole.free_symbols:
        return rational, b
    return whole.subs(v, sp.sqrt(v)), 2 * b
