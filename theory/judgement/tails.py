"""Tails: what an integral is near an end that is infinite or singular. Whether it converges there, and how much oscillations add.

Both look at functions of a Hardy field, which end monotone: sampled at doubling distances on the scale of the logarithm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement.smooth import is_smooth

__all__ = ["DivergesError", "diverges", "has_pole", "is_tame", "oscillating", "oscillations"]

TAME = (
    sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, sp.sign, sp.erf, sp.erfc, sp.tanh, sp.sinh, sp.cosh, sp.sech, sp.atan,
    sp.asinh, sp.loggamma, sp.gamma, sp.Max, sp.Min, sp.Number, sp.NumberSymbol, sp.Symbol,
)  # fmt: skip
DISTANCES = 80, 160, 320, 640, 1280  # in v, at e^v out or e^-v short of the end
BITS = 4096  # e^-1280 short of an end, and exponents that differ from -1 by 1e-30
HUGE = flint.arb("1e1000")
ROUNDING = flint.arb("1e-40")
GRID, HALVINGS, BITS_OF_POLES = 37, 30, 128
FAR = 10**6, 10**9, 10**40, 10**60  # beyond what a point of the domain may shift
PARTS = 12  # integrations by parts
MOST_WAVES = 4


class DivergesError(ArithmeticError):
    """There is no value."""


def is_tame(e: sp.Expr) -> bool:
    """Whether a real expression is made of functions that end monotone."""
    return not e.has(sp.I) and all(isinstance(node, TAME) for node in sp.preorder_traversal(e))


def diverges(integrand: sp.Expr, y: sp.Symbol, good: sp.Expr, bad: sp.Expr) -> bool:
    """Whether the integral from good to bad is seen to diverge at bad: in e^v, it falls no faster than 1/v.

    Of e^(-epsilon v) the ratios at doubled distances fall, of v^-p they stay: so 1/y is told from y^-(1 + epsilon).
    """
    if not is_tame(integrand):
        return False
    heights = [_height(integrand, y, good, bad, v) for v in DISTANCES]
    if not all(h is not None and h > 0 for h in heights):
        return bad.is_infinite and _explodes([_height(integrand, y, good, bad, v) for v in (3, 4, 5)])
    with flint.ctx.workprec(BITS):
        ratios = [b / a for a, b in itertools.pairwise(heights)]
        return bool(ratios[-1] > 0.5 - ROUNDING and ratios[-1] > ratios[-2] - ROUNDING)


def has_pole(integrand: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether a denominator, smooth, is seen to change its sign between two finite ends, where what is above it is not 0."""
    for power in sorted(integrand.atoms(sp.Pow), key=sp.default_sort_key):
        if y in power.base.free_symbols and power.exp.is_number and (power.exp + 1).is_nonpositive:
            place = _crossed(power.base, y, low, high) if is_smooth(power.base, y) else None
            if place is not None and (above := _value(integrand / power, y, place)) is not None and abs(above) > 0:
                return True
    return False


def _crossed(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> Any:
    """A small ball round a place where f changes its sign; None where none is found."""
    first, last = (enclosure.enclose(end, {}, BITS_OF_POLES).real for end in (low, high))
    places = [first + (last - first) * k / GRID for k in range(GRID + 1)]
    signs = [_sign(f, y, place) for place in places]
    for (a, one), (b, other) in itertools.pairwise(zip(places, signs, strict=True)):
        if one * other < 0:
            for _ in range(HALVINGS):
                middle = (a + b) / 2
                a, b = (middle, b) if _sign(f, y, middle) == one else (a, middle)
            return flint.acb(a.union(b))
    return None


def _sign(f: sp.Expr, y: sp.Symbol, place: Any) -> int:
    value = _value(f, y, flint.acb(place))
    return 0 if value is None or not value.imag.contains(0) else int(value.real > 0) - int(value.real < 0)


def _value(f: sp.Expr, y: sp.Symbol, place: Any) -> Any:
    try:
        value = enclosure.enclose(f, {y: place}, BITS_OF_POLES)
    except (ArithmeticError, NotImplementedError):
        return None
    return value if value.is_finite() else None


def _explodes(heights: list[Any]) -> bool:
    """Whether it is huge and grows faster and faster, where further out it has no number."""
    if not all(h is not None and h > 0 for h in heights):
        return False
    first, second, third = heights
    return bool(third > HUGE and third / second > second / first)


def _height(integrand: sp.Expr, y: sp.Symbol, good: sp.Expr, bad: sp.Expr, v: int) -> Any:
    """|f| e^v out, or |f| e^-v at e^-v of the way short of the end; None where there is no number."""
    with flint.ctx.workprec(BITS):
        inner = enclosure.enclose(good, {}, BITS)
        step = flint.acb(v).exp()
        if bad.is_finite:
            outer = enclosure.enclose(bad, {}, BITS)
            where, weight = outer + (inner - outer) / step, 1 / step
        else:
            where, weight = inner + step * (1 if bad is sp.S.Infinity else -1), step
        try:
            height = abs(enclosure.enclose(integrand, {y: where}, BITS) * weight)
        except (ArithmeticError, NotImplementedError):
            return None
        return height if height.is_finite() else None


def oscillations(f: sp.Expr, y: sp.Symbol) -> dict[sp.Expr, sp.Expr] | None:
    """f = sum p exp(i phase), as {phase: p}, phases polynomial in y, p tame; None where it is no such sum, or a long one."""
    if len(f.atoms(sp.sin, sp.cos, sp.sinc)) > MOST_WAVES:
        return None
    f = f.replace(sp.sinc, lambda z: sp.sin(z) / z)
    found: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(f.rewrite([sp.sin, sp.cos], sp.exp))):
        waves = [w for w in sp.Mul.make_args(term) if isinstance(w, sp.exp) and w.has(sp.I)]
        real, phase = sp.expand(sp.Add(*(w.args[0] for w in waves))).as_real_imag()
        p = term / sp.Mul(*waves) * sp.exp(real)
        constant, rest = p.as_independent(y, as_Add=False)
        if not phase.is_polynomial(y) or phase.has(sp.re, sp.im) or not is_tame(rest):
            return None
        found[phase] = found.get(phase, sp.S.Zero) + constant * rest
    return found


def oscillating(p: sp.Expr, phase: sp.Expr, y: sp.Symbol, start: sp.Expr, bits: int) -> tuple[Any, Any]:
    """int_start^infinity p exp(i phase) dy by parts, and the size of the first part left out.

    Raises:
        DivergesError: where p / phase' does not fall to 0.
    """
    rate = sp.diff(phase, y)
    if _stays(p / rate, y):
        raise DivergesError("the integrand oscillates without falling")
    at = enclosure.enclose(start, {}, bits)
    with flint.ctx.workprec(2 * bits), _terms(PARTS + 1):
        rates = _taylor(rate, y, at)
        amplitude, factor, total = _taylor(p, y, at) / rates, flint.acb(0, 1), flint.acb(0)
        for _ in range(PARTS):
            total += factor * amplitude[0]
            amplitude, factor = amplitude.derivative() / rates, factor * flint.acb(0, 1)
        return total * enclosure.enclose(sp.exp(sp.I * phase), {y: at}, bits), abs(amplitude[0])


@contextmanager
def _terms(count: int) -> Iterator[None]:
    """Inside, power series of Arb have so many terms."""
    before, flint.ctx.cap = flint.ctx.cap, count
    try:
        yield
    finally:
        flint.ctx.cap = before


def _taylor(e: sp.Expr, y: sp.Symbol, at: Any) -> Any:
    """A tame expression as a power series about a ball, on which side of its corners that may be."""
    if y not in e.free_symbols:
        return flint.acb_series([enclosure.enclose(e, {}, flint.ctx.prec)])
    if e == y:
        return flint.acb_series([at, 1])
    if isinstance(e, sp.Max | sp.Min):
        first, *rest = e.args
        other = e.func(*rest)
        sign = sp.sign(first - other) if isinstance(e, sp.Max) else sp.sign(other - first)
        return _taylor((first + other + sign * (first - other)) / 2, y, at)
    if isinstance(e, sp.Abs):
        return _taylor(e.args[0] * sp.sign(e.args[0]), y, at)
    if isinstance(e, sp.sign):
        return flint.acb_series([enclosure.enclose(e, {y: at}, flint.ctx.prec)])
    inner = [_taylor(a, y, at) for a in e.args]
    if isinstance(e, sp.Add):
        return sum(inner, flint.acb_series([0]))
    if isinstance(e, sp.Mul):
        return math.prod(inner, start=flint.acb_series([1]))
    if isinstance(e, sp.Pow) and e.exp.is_Integer:
        power = inner[0] ** abs(int(e.exp))
        return power if e.exp > 0 else 1 / power
    if isinstance(e, sp.Pow):
        return (inner[0].log() * inner[1]).exp()
    if known := getattr(inner[0], enclosure.FUNCTIONS[e.func], None):
        return known()
    return _taylor(e.rewrite(sp.log if isinstance(e, sp.asinh) else sp.exp), y, at)


def _stays(amplitude: sp.Expr, y: sp.Symbol) -> bool:
    with flint.ctx.workprec(BITS):
        sizes = [abs(enclosure.enclose(amplitude, {y: flint.acb(v)}, BITS)) for v in FAR]
        return all(far > near * (1 - ROUNDING) for near, far in itertools.pairwise(sizes))
