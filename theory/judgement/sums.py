"""Sums: added up in balls at a point, in closed form by rules, and identities of them by induction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement import hypergeometric, tails
from theory.judgement.closed_forms import ClosedForm
from theory.judgement.patience import patiently
from theory.judgement.points import Point
from theory.judgement.positivity import is_shown
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.tails import DivergesError
from theory.judgement.telescoping import by_certificate, telescoped

__all__ = ["added", "by_induction", "closed_form"]

MOST_TERMS = 3000
MARGIN = 1000  # of the estimate of what is left out
SLOWEST = 0.999  # ratio of a geometric fall
LENGTHS = 40, 60
FAR = 10**40, 10**42  # x^k/k! grows as long as k < x, which is up to 10^30 here
DOUBLED = 10**3, 10**5, 10**15, 10**28, 10**40
MOST_FIRST = 5  # terms taken off a series that starts later than at 0


def added(total: sp.Sum | sp.Product, point: Point, precision: int) -> Any:
    """A complex ball round a sum or a finite product at a point; what is left out of infinitely many terms is estimated.

    Raises:
        DivergesError: where the terms do not fall.
        NotImplementedError: where there are too many, or they fall too slowly.
    """
    if len(total.limits) != 1:
        raise NotImplementedError("no enclosure of a multiple sum")
    k, low, high = total.limits[0]
    low, high = (sp.sympify(end).xreplace(dict(point)) for end in (low, high))
    term = total.function.xreplace({s: v for s, v in point.items() if s != k})
    if low is sp.S.NegativeInfinity and isinstance(total, sp.Sum):
        return _both_sides(term, k, high, precision)
    if term.free_symbols - {k} or not low.is_Integer:
        raise NotImplementedError(f"no value of {total} while symbols are free")
    if high is sp.S.Infinity and isinstance(total, sp.Sum):
        return _without_end(term, k, int(low), precision)
    if not high.is_Integer or high - low >= MOST_TERMS:
        raise NotImplementedError(f"no sum from {low} to {high} term by term")
    if high < low - 1:  # Karr's convention, which sympy follows
        turned = total.func(total.function, (k, high + 1, low - 1))
        return -added(turned, point, precision) if isinstance(total, sp.Sum) else 1 / added(turned, point, precision)
    with flint.ctx.workprec(precision):
        terms = [_term(term, k, j, precision) for j in range(int(low), int(high) + 1)]
        return sum(terms, flint.acb(0)) if isinstance(total, sp.Sum) else math.prod(terms, start=flint.acb(1))


def _both_sides(term: sp.Expr, k: sp.Symbol, high: sp.Expr, precision: int) -> Any:
    """A sum from minus infinity, turned about; over all integers, in two halves."""
    turned = term.subs(k, -k)
    ends = [(turned, 1), (term, 0)] if high is sp.S.Infinity else [(turned, -high)]
    halves = [added(sp.Sum(f, (k, low, sp.oo)), {}, precision) for f, low in ends]
    with flint.ctx.workprec(precision):
        return sum(halves, flint.acb(0))


def _term(term: sp.Expr, k: sp.Symbol, j: int, precision: int) -> Any:
    return enclosure.enclose(term, {k: flint.acb(j)}, precision)


def _without_end(term: sp.Expr, k: sp.Symbol, low: int, precision: int) -> Any:
    """Term by term as long as they fall like a geometric series; else by what kind they are."""
    if (alternating := _alternating(term, k, low, precision)) is not None:
        return alternating
    total, last, falling, small = flint.acb(0), None, 0, 0
    smallest = flint.arb(2) ** (-precision)
    with flint.ctx.workprec(precision):
        for j in range(low, low + MOST_TERMS):
            here = _term(term, k, j, precision)
            total += here
            size = abs(here)
            if last is not None and last > 0:
                ratio = size / last
                falling = falling + 1 if ratio < SLOWEST else 0
                over = falling > 8 and (rest := size / (1 - ratio)) < smallest * (1 + abs(total))
                small = small + 1 if over else 0
                if small > 8:  # one small term may be a zero of them, before they rise again
                    return total + enclosure.about_zero(rest.upper() * MARGIN)
            last = size
    real = sp.Dummy("k", positive=True)
    if tails.diverges(term.xreplace({k: real}), real, sp.Integer(low + 2), sp.S.Infinity):  # the integral test
        raise DivergesError("the terms do not fall fast enough")
    if not _falls_as_a_power(term, k):
        raise NotImplementedError("the terms fall too slowly to be added up")
    return _extrapolated(term, k, low)


def _alternating(term: sp.Expr, k: sp.Symbol, low: int, precision: int) -> Any:
    """Terms of alternating sign, accelerated in two lengths that have to agree (Cohen, Rodriguez Villegas, Zagier 2000)."""
    if not any(isinstance(p, sp.Pow) and p.base.is_negative for p in term.atoms(sp.Pow)):
        return None
    with flint.ctx.workprec(2 * precision):
        sizes = [_term(term, k, low + i, 2 * precision) * (-1) ** i for i in range(LENGTHS[-1])]
        if not all(a.real.overlaps(abs(a)) or (-a).real.overlaps(abs(a)) for a in sizes):
            return None
        if len({bool(a.real > 0) for a in sizes if not a.contains(0)}) != 1:
            return None
        far = [abs(_term(term, k, j, precision)) for j in FAR]
        if far[1] > far[0] * 0.999:
            raise DivergesError("the terms do not fall to 0")
        first, second = (_accelerated(sizes[:length]) for length in LENGTHS)
        apart = abs(first - second).upper()
        if not apart < 1e-15:
            return None
        return second + enclosure.about_zero(apart * MARGIN)


def _accelerated(sizes: Sequence[Any]) -> Any:
    n = len(sizes)
    whole = (3 + flint.arb(8).sqrt()) ** n
    whole = (whole + 1 / whole) / 2
    b, c, total = flint.arb(-1), -whole, flint.acb(0)
    for i, a in enumerate(sizes):
        c = b - c
        total += c * a
        b = b * (i + n) * (i - n) * 2 / ((2 * i + 1) * (i + 1))
    return total / whole


def _falls_as_a_power(term: sp.Expr, k: sp.Symbol) -> bool:
    """Whether doubling k costs the same factor far out as nearer, and always enough.

    Of anything else extrapolations are wrong and agree, as of k exp(-k/10^30), which grows for long.
    """
    falls = [abs(_term(term, k, 2 * j, 128)) / abs(_term(term, k, j, 128)) for j in DOUBLED]
    return bool(abs(falls[0] - falls[1]) < falls[0] * 0.05) and all(fall < 0.5 for fall in falls)


def _both_ways(f: Any, low: int) -> tuple[Any, ...]:
    import mpmath

    with mpmath.workdps(25):
        return tuple(mpmath.nsum(f, [low, mpmath.inf], method=m) for m in ("richardson+shanks", "euler-maclaurin"))


def _extrapolated(term: sp.Expr, k: sp.Symbol, low: int) -> Any:
    """Terms that fall as a power, by two extrapolations that have to agree; the radius is a thousand times their difference."""
    import mpmath

    both = patiently(1.0, _both_ways, sp.lambdify(k, term, "mpmath"), low)
    if both is None:
        raise NotImplementedError("the terms fall too slowly to be added up")
    first, second = both
    apart = abs(first - second)
    if not apart < 1e-10 * (1 + abs(first)):
        raise NotImplementedError("the terms fall too slowly to be added up")
    rest = enclosure.about_zero(float(apart) * MARGIN + 1e-13 * float(1 + abs(first)))
    return flint.acb(flint.arb(str(mpmath.re(first))), flint.arb(str(mpmath.im(first)))) + rest


def closed_form(total: sp.Sum, assume: Sequence[sp.Basic] = ()) -> ClosedForm | None:
    """A sum to infinity of the geometric or the exponential kind, or what sympy says, unchecked; None for others."""
    if len(total.limits) != 1:
        return None
    k, low, high = total.limits[0]
    if (low, high) == (sp.S.NegativeInfinity, sp.S.Infinity):
        return _over_all(total.function, k, assume)
    if low is sp.S.NegativeInfinity and high.is_Integer:
        return closed_form(sp.Sum(total.function.subs(k, -k), (k, -high, sp.oo)), assume)
    if high is sp.S.Infinity and low.is_Integer and low < 0:
        low, shift = sp.S.Zero, low
        return closed_form(sp.Sum(total.function.subs(k, k + shift), (k, low, high)), assume)
    if high is sp.S.Infinity and low.is_Integer:
        tries = (
            *(rule(total.function, k, low, assume) for rule in POWERS),
            *(rule(total.function, k, low) for rule in SERIES),
        )
        found = next(filter(None, tries), None) or _hypergeometric(total.function, k, low, assume)
        if found:
            return found
    finite = (
        _newton(total.function, k, low, high)
        or _vandermonde(total.function, k, low, high)
        or _by_telescoping(total.function, k, low, high)
    )
    return finite or _by_sympy(total)


def _over_all(f: sp.Expr, k: sp.Symbol, assume: Sequence[sp.Basic]) -> ClosedForm | None:
    """Over all integers, in two halves, each with its value."""
    halves = [closed_form(sp.Sum(part, (k, low, sp.oo)), assume) for part, low in ((f, 0), (f.subs(k, -k), 1))]
    found = [half for half in halves if half is not None and half.checked]
    if len(found) < len(halves):
        return None
    return ClosedForm(sum(h.value for h in found), ", ".join(dict.fromkeys(h.trusts for h in found)))


def _hypergeometric(f: sp.Expr, k: sp.Symbol, low: sp.Integer, assume: Sequence[sp.Basic]) -> ClosedForm | None:
    value = hypergeometric.series(f, k, low, assume)
    return None if value is None else ClosedForm(value, "sympy.hyperexpand of a convergent series")


def _vandermonde(f: sp.Expr, k: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """sum over k from 0 to l of binomial(a, k) binomial(b, l - k) = binomial(a + b, l) (Chu and Vandermonde).

    binomial(l, k) is binomial(l, l - k).
    """
    constant, rest = f.as_independent(k, as_Add=False)
    powers = [p.as_base_exp() for p in sp.Mul.make_args(rest)]
    factors = [base for base, n in powers for _ in range(int(n) if n.is_Integer and n > 0 else MOST_FIRST)]
    if low != 0 or not high.is_integer or not high.is_nonnegative or len(factors) != 2:
        return None
    if not all(isinstance(c, sp.binomial) and k not in c.args[0].free_symbols for c in factors):
        return None
    for one, other in (factors, factors[::-1]):
        turned = sp.expand(high - other.args[1]) == k or (other.args == (high, k))
        if one.args[1] == k and turned:
            return ClosedForm(constant * sp.binomial(one.args[0] + other.args[0], high), "Vandermonde's identity")
    return None


def _newton(f: sp.Expr, k: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """sum over k from 0 to n of binomial(n, k) k (k-1) ... (k-r+1) x^k = n (n-1) ... (n-r+1) x^r (1 + x)^(n-r)."""
    if low != 0 or not high.is_integer or not high.is_nonnegative or not f.has(sp.binomial(high, k)):
        return None
    if (found := _as_power(sp.powsimp(f / sp.binomial(high, k)), k)) is None:
        return None
    x, p = found
    if not (1 + x).is_nonzero and p.degree() > 0:
        return None
    whole = sum(
        (c * sp.prod([high - i for i in range(r)]) * x**r * (1 + x) ** (high - r) for r, c in _falling(p, k)), sp.S.Zero
    )
    return ClosedForm(whole, "Newton's binomial theorem")


def _by_telescoping(f: sp.Expr, k: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = patiently(2.0, telescoped, f, k, low, high) if low.is_integer else None
    return None if value is None else ClosedForm(value, "a telescoping sum")


def _by_sympy(total: sp.Sum) -> ClosedForm | None:
    value = patiently(1.0, total.doit)
    return (
        None
        if value is None or value.has(sp.Sum, sp.Piecewise, sp.nan, sp.oo)
        else ClosedForm(value, "sympy.summation", checked=False)
    )


def _as_power(f: sp.Expr, k: sp.Symbol) -> tuple[sp.Expr, sp.Poly] | None:
    """(x, p) of f = x^k p(k), p a polynomial; None where it is not."""
    x, rest = sp.S.One, sp.S.One
    f = f.replace(sp.exp, lambda z: sp.exp(sp.expand(z)))
    for factor in sp.Mul.make_args(sp.expand_power_exp(f)):
        if isinstance(factor, sp.exp) and k not in (rate := sp.cancel(factor.args[0] / k)).free_symbols:
            x *= sp.exp(rate)
        elif isinstance(factor, sp.Pow) and factor.exp == k and k not in factor.base.free_symbols:
            x *= factor.base
        elif isinstance(factor, sp.Pow) and factor.exp == -k and k not in factor.base.free_symbols:
            x /= factor.base
        else:
            rest *= factor
    return (x, sp.Poly(rest, k)) if rest.is_polynomial(k) else None


def _falling(p: sp.Poly, k: sp.Symbol) -> list[tuple[int, sp.Expr]]:
    """p(k) = sum of c k (k-1) ... (k-r+1), as pairs (r, c)."""
    found = []
    while not p.is_zero:
        r, c = p.degree(), p.LC()
        found.append((r, c))
        p -= sp.Poly(c * sp.prod([k - i for i in range(r)]), k)
    return found


def _geometric(f: sp.Expr, k: sp.Symbol, low: sp.Integer, assume: Sequence[sp.Basic] = ()) -> ClosedForm | None:
    """sum over k from 0 of k (k-1) ... (k-r+1) x^k = r! x^r / (1 - x)^(r+1) for -1 < x < 1."""
    if (
        low > MOST_FIRST
        or (found := _as_power(f, k)) is None
        or not all(is_shown(e, True, assume) for e in (1 + found[0], 1 - found[0]))
    ):
        return None
    x, p = found
    whole = sum((c * sp.factorial(r) * x**r / (1 - x) ** (r + 1) for r, c in _falling(p, k)), sp.S.Zero)
    return ClosedForm(whole - sum((f.subs(k, j) for j in range(int(low))), sp.S.Zero), "the geometric series")


def _mercator(f: sp.Expr, k: sp.Symbol, low: sp.Integer, assume: Sequence[sp.Basic] = ()) -> ClosedForm | None:
    """sum over k from 1 of x^k/k = -log(1 - x) for -1 < x < 1."""
    if not 1 <= low <= MOST_FIRST or (found := _as_power(sp.powsimp(f * k), k)) is None or found[1].degree() != 0:
        return None
    x, p = found
    if not all(is_shown(e, True, assume) for e in (1 + x, 1 - x)):
        return None
    first = sum((f.subs(k, j) for j in range(1, int(low))), sp.S.Zero)
    return ClosedForm(-p.LC() * sp.log(1 - x) - first, "Mercator's series")


def _polylogarithm(f: sp.Expr, k: sp.Symbol, low: sp.Integer, assume: Sequence[sp.Basic] = ()) -> ClosedForm | None:
    """sum over k from 1 of x^k/k^s = Li_s(x) for -1 < x < 1 (DLMF 25.12.10)."""
    s = next((-p.exp for p in sp.Mul.make_args(f) if isinstance(p, sp.Pow) and p.base == k), sp.S.Zero)
    if low != 1 or k in s.free_symbols or not s.is_real or (found := _as_power(f * k**s, k)) is None:
        return None
    x, p = found
    if p.degree() != 0 or x == 1 or not all(is_shown(e, True, assume) for e in (1 + x, 1 - x)):
        return None
    return ClosedForm(p.LC() * sp.polylog(s, x), "the series of the polylogarithm")


def _lorentzian(f: sp.Expr, k: sp.Symbol, low: sp.Integer) -> ClosedForm | None:
    """sum over k from 1 of 1/(k^2 + a^2) = (pi a coth(pi a) - 1)/(2 a^2), a > 0 (DLMF 4.36.3)."""
    constant, rest = f.as_independent(k, as_Add=False)
    if low not in (0, 1) or not (1 / rest).is_polynomial(k):
        return None
    below = sp.Poly(1 / rest, k)
    if below.degree() != 2 or below.coeff_monomial(k) != 0:
        return None
    square = sp.cancel(below.TC() / below.LC())
    if not square.is_positive:
        return None
    a = sp.sqrt(square)
    value = (sp.pi * a * sp.coth(sp.pi * a) - 1) / (2 * square) + (1 / square if low == 0 else 0)
    return ClosedForm(constant / below.LC() * value, "the expansion of coth in partial fractions")


def _exponential(f: sp.Expr, k: sp.Symbol, low: sp.Integer) -> ClosedForm | None:
    """sum over k from 0 of k (k-1) ... (k-r+1) x^k / k! = x^r e^x."""
    if low > MOST_FIRST or (found := _as_power(f * sp.factorial(k), k)) is None:
        return None
    x, p = found
    whole = sum((c * x**r for r, c in _falling(p, k)), sp.S.Zero) * sp.exp(x)
    return ClosedForm(whole - sum((f.subs(k, j) for j in range(int(low))), sp.S.Zero), "the exponential series")


def _dirichlet(f: sp.Expr, k: sp.Symbol, low: sp.Integer) -> ClosedForm | None:
    """sum over k from 1 of k^-s = zeta(s), s > 1; of (-1)^(k+1) k^-s = (1 - 2^(1-s)) zeta(s), s > 0, and log 2 at s = 1."""
    n = sp.Dummy("n", positive=True, integer=True)
    if (low, sp.simplify(f * (-1) ** k * (2 * k + 1)).free_symbols) == (0, set()) and f.has((-1) ** k):
        return ClosedForm(f.subs(k, 0) * sp.pi / 4, "the series of Leibniz")
    for sign, share in ((sp.S.One, lambda s: 1), ((-1) ** (n + 1), lambda s: 1 - 2 ** (1 - s))):
        constant, power = sp.simplify(f.subs(k, n) / sign).as_independent(n, as_Add=False)
        base, exponent = power.as_base_exp()
        if low == 1 and power == 1 / n and sign != 1:
            return ClosedForm(constant * sp.log(2), "Mercator's series at 1")
        if low == 1 and base == n and (-exponent if sign != 1 else -1 - exponent).is_positive:
            return ClosedForm(constant * share(-exponent) * sp.zeta(-exponent), "the Dirichlet series of zeta")
    return None


POWERS = _geometric, _mercator, _polylogarithm
SERIES = _exponential, _dirichlet, _lorentzian


def by_induction(difference: sp.Expr) -> tuple[str, ...]:
    """What was trusted to show that a difference with one sum or product up to n is 0, from n to n + 1; empty where not."""
    found = [s for s in difference.atoms(sp.Sum, sp.Product) if len(s.limits) == 1]
    if len(found) != 1 or len(difference.atoms(sp.Sum, sp.Product, sp.Integral, sp.Limit)) != 1:
        return ()
    (k, low, high), f = found[0].limits[0], found[0].function
    n = next((s for s in high.free_symbols if high - s == (high - s).doit() and (high - s).is_Integer), None)
    if n is None or not n.is_integer or not low.is_Integer or not n.is_nonnegative:
        return ()
    whole = sp.Dummy("S")
    linear = difference.xreplace({found[0]: whole})
    if n in f.free_symbols:
        return _by_certificate(found[0], linear, whole)
    step = f.subs(k, high + 1)
    start = sp.S.One if n.is_positive else sp.S.Zero
    first = found[0].func(f, (k, low, high.subs(n, start))).doit()
    slope = sp.diff(linear, whole)
    if slope.has(whole, n) or slope == 0:
        return ()
    closed = sp.solve(linear, whole)[0]
    grown = closed + step if isinstance(found[0], sp.Sum) else closed * step
    induction = reduces_to_zero(closed.subs(n, n + 1) - grown)
    base = reduces_to_zero(sp.simplify(closed.subs(n, start) - first))
    return ("induction", *induction) if induction and base else ()


def _by_certificate(total: sp.Basic, linear: sp.Expr, whole: sp.Symbol) -> tuple[str, ...]:
    """What was trusted, where the summand holds the number of terms too."""
    k, low, high = total.limits[0]
    slope = sp.diff(linear, whole)
    if not isinstance(total, sp.Sum) or not high.is_Symbol or slope.has(whole) or not slope.is_nonzero:
        return ()
    claimed = sp.solve(linear, whole)[0]
    known = patiently(2.5, by_certificate, total.function, k, low, high, claimed)
    return ("induction", "a telescoping sum", "sympy.combsimp") if known else ()
