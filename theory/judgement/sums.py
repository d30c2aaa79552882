"""Sums: added up in balls at a point, in closed form by rules, and identities of them by induction."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement.closed_forms import ClosedForm
from theory.judgement.patience import patiently
from theory.judgement.points import Point
from theory.judgement.positivity import is_shown
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.tails import DivergesError

__all__ = ["added", "by_induction", "closed_form"]

MOST_TERMS = 3000
MARGIN = 1000  # of the estimate of what is left out


def added(total: sp.Sum, point: Point, precision: int) -> Any:
    """A complex ball round a sum at a point of its parameters; of infinitely many terms, the rest is estimated from their fall.

    Raises:
        DivergesError: where the terms do not fall.
        NotImplementedError: where there are too many, or they fall too slowly.
    """
    if len(total.limits) != 1:
        raise NotImplementedError("no enclosure of a multiple sum")
    k, low, high = total.limits[0]
    low, high = (sp.sympify(end).xreplace(dict(point)) for end in (low, high))
    term = total.function.xreplace({s: v for s, v in point.items() if s != k})
    if term.free_symbols - {k} or not low.is_Integer:
        raise NotImplementedError(f"no value of {total} while symbols are free")
    if high is sp.S.Infinity:
        return _without_end(term, k, int(low), precision)
    if not high.is_Integer or high - low >= MOST_TERMS:
        raise NotImplementedError(f"no sum from {low} to {high} term by term")
    return sum((_term(term, k, j, precision) for j in range(int(low), int(high) + 1)), flint.acb(0))


def _term(term: sp.Expr, k: sp.Symbol, j: int, precision: int) -> Any:
    return enclosure.enclose(term, {k: flint.acb(j)}, precision)


def _without_end(term: sp.Expr, k: sp.Symbol, low: int, precision: int) -> Any:
    total, last, falling = flint.acb(0), None, 0
    smallest = flint.arb(2) ** (-precision)
    with flint.ctx.workprec(precision):
        for j in range(low, low + MOST_TERMS):
            here = _term(term, k, j, precision)
            total += here
            size = abs(here)
            if last is not None and last > 0:
                falling = falling + 1 if size < last * 0.9 else 0
            if falling > 8 and size < smallest * (1 + abs(total)):
                rest = size.upper() * MARGIN
                return total + flint.acb(flint.arb(0, rest), flint.arb(0, rest))
            last = size
    if last is not None and last > smallest and _does_not_fall(term, k):
        raise DivergesError("the terms do not fall fast enough")
    return _extrapolated(term, k, low)


def _both_ways(f: Any, low: int) -> tuple[Any, Any]:
    import mpmath

    with mpmath.workdps(25):
        first, second = (mpmath.nsum(f, [low, mpmath.inf], method=m) for m in ("richardson+shanks", "euler-maclaurin"))
        return first, second


def _extrapolated(term: sp.Expr, k: sp.Symbol, low: int) -> Any:
    """Slowly falling terms, by two extrapolations that have to agree; the radius is a thousand times their difference."""
    import mpmath

    both = patiently(1.0, _both_ways, sp.lambdify(k, term, "mpmath"), low)
    if both is None:
        raise NotImplementedError("the terms fall too slowly to be added up")
    first, second = both
    apart = abs(first - second)
    if not apart < 1e-10 * (1 + abs(first)):
        raise NotImplementedError("the terms fall too slowly to be added up")
    rest = flint.arb(0, float(apart) * MARGIN + 1e-15)
    return flint.acb(flint.arb(str(mpmath.re(first))), flint.arb(str(mpmath.im(first)))) + flint.acb(rest, rest)


def _does_not_fall(term: sp.Expr, k: sp.Symbol) -> bool:
    """Whether k times the term is no smaller at larger k: no faster than the harmonic series."""
    far = [abs(_term(term, k, j, 128)) * j for j in (10**3, 10**5)]
    return bool(far[1] > far[0] * 0.99) and not term.has(sp.sin, sp.cos) and not _alternates(term, k)


def _alternates(term: sp.Expr, k: sp.Symbol) -> bool:
    return bool(_term(term, k, 100, 128).real * _term(term, k, 101, 128).real < 0)


def closed_form(total: sp.Sum) -> ClosedForm | None:
    """A sum to infinity of the geometric or the exponential kind, or what sympy says, unchecked; None for others."""
    if len(total.limits) != 1:
        return None
    k, low, high = total.limits[0]
    if (
        high is sp.S.Infinity
        and low.is_Integer
        and low >= 0
        and (found := _geometric(total.function, k, low) or _exponential(total.function, k, low))
    ):
        return found
    return _by_sympy(total)


def _by_sympy(total: sp.Sum) -> ClosedForm | None:
    value = patiently(1.0, total.doit)
    return (
        None
        if value is None or value.has(sp.Sum, sp.Piecewise, sp.nan, sp.oo)
        else ClosedForm(value, "sympy.summation", checked=False)
    )


def _geometric(f: sp.Expr, k: sp.Symbol, low: sp.Integer) -> ClosedForm | None:
    ratio = sp.simplify(f.subs(k, k + 1) / f)
    if k in ratio.free_symbols or not all(_is_proved(e) for e in (1 + ratio, 1 - ratio)):
        return None
    return ClosedForm(f.subs(k, low) / (1 - ratio), "the geometric series")


def _is_proved(e: sp.Expr) -> bool:
    trusts = is_shown(e, True)
    return bool(trusts) and "sympy.limit" not in trusts


def _exponential(f: sp.Expr, k: sp.Symbol, low: sp.Integer) -> ClosedForm | None:
    """sum over k from 0 of k (k-1) ... (k-r+1) a^k / k! = a^r e^a, for a polynomial in k times a^k / k!."""
    constant, rest = f.as_independent(k, as_Add=False)
    rest = sp.powsimp(rest * sp.factorial(k))
    base = [p for p in sp.Mul.make_args(rest) if isinstance(p, sp.Pow) and p.exp == k]
    if low != 0 or len(base) != 1:
        return None
    polynomial = rest / base[0]
    if not polynomial.is_polynomial(k):
        return None
    a, total, left = base[0].base, sp.S.Zero, sp.Poly(polynomial, k)
    while not left.is_zero:
        r = left.degree()
        total += left.LC() * a**r
        left -= sp.Poly(left.LC() * sp.prod([k - i for i in range(r)]), k)
    return ClosedForm(constant * total * sp.exp(a), "the exponential series")


def by_induction(difference: sp.Expr) -> tuple[str, ...]:
    """What was trusted to show that a difference with one finite sum to a symbol n is 0, from n to n + 1; empty where not."""
    sums = [s for s in difference.atoms(sp.Sum) if len(s.limits) == 1]
    if len(sums) != 1 or len(difference.atoms(sp.Sum, sp.Integral, sp.Limit)) != 1:
        return ()
    (k, low, high), f = sums[0].limits[0], sums[0].function
    n = next((s for s in high.free_symbols if high - s == (high - s).doit() and (high - s).is_Integer), None)
    if n is None or not n.is_integer or not low.is_Integer or n in f.free_symbols or not n.is_nonnegative:
        return ()
    whole = sp.Dummy("S")
    linear = difference.xreplace({sums[0]: whole})
    step = f.subs(k, high + 1)
    start = sp.S.One if n.is_positive else sp.S.Zero
    first = sum((f.subs(k, j) for j in range(int(low), int(high.subs(n, start)) + 1)), sp.S.Zero)
    slope = sp.diff(linear, whole)
    if slope.has(whole, n) or slope == 0:
        return ()
    closed = sp.solve(linear, whole)[0]
    induction = reduces_to_zero(closed.subs(n, n + 1) - closed - step)
    base = reduces_to_zero(sp.simplify(closed.subs(n, start) - first))
    return ("induction", *induction) if induction and base else ()
