"""Integrals: enclosed by Arb piece by piece.

Arb's integration is rigorous on a finite piece where every function is told whether it has to be analytic there: ignored,
the flag gives tight wrong balls. An infinite end, or one where the integrand is singular, is mapped to e^v; what is cut off
is estimated from where it was cut, so that such a value refutes and supports, and never proves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement import closed_forms
from theory.judgement.points import Point, breaks
from theory.judgement.smooth import ENTIRE
from theory.judgement.tails import DivergesError, diverges, has_pole, oscillating, oscillations

__all__ = ["enclosed"]

BITS = 80
EVALUATIONS, TOLERANCE = 4000, flint.arb("1e-15")
NEAR = 4, 16, 64, 256  # an end that is this far is cut off as it is
WAVES = 10, 40, 80  # where integration by parts takes over
FARTHER = tuple(flint.arb(10) ** k for k in (2, 3, 4, 6, 9, 12, 16, 20, 25, *range(28, 34), 40))
MOST = 10**4  # an exponent that sympy may write a rational power out to, and whose factorial
FAR = 320  # ends are mapped to e^v up to e^320
BETWEEN = tuple(map(flint.arb, range(6, FAR, 4)))  # in e^v a peak of exp(-y/a) is at log a, and no wider than this
CUT = flint.arb("1e-16")
SLOWEST = 0.98  # what is left of the integrand in e^v after one more v
MARGIN = 1000  # of the estimate of what is cut off
OSCILLATES = sp.sin, sp.cos, sp.tan, sp.sinc, sp.besselj, sp.bessely
MEROMORPHIC = sp.tan, sp.tanh, sp.gamma, sp.digamma, sp.sec, sp.sech, sp.coth, sp.cot
RIGHT = (
    sp.loggamma,
    sp.atan,
    sp.asinh,
    sp.expint,
    sp.uppergamma,
    sp.lowergamma,
    sp.Ei,
    sp.LambertW,
    sp.besseli,
    sp.besselk,
)
Integrand = Callable[[Any, bool], Any]


# --- enclosures at a point ---


def enclosed(integral: sp.Integral, point: Point) -> Any:
    """A complex ball round the integral at a point of its parameters, its radius holding the estimated tails.

    Raises:
        DivergesError: where it has no value.
        NotImplementedError: where no enclosure was found.
    """
    if len(integral.limits) > 1:
        inner = closed_forms.closed_form(sp.Integral(integral.function, integral.limits[0]))
        if inner is not None and inner.checked:
            return enclosed(sp.Integral(inner.value, *integral.limits[1:]), point)
    if len(integral.limits) != 1 or len(integral.limits[0]) != 3:
        raise NotImplementedError(
            "no enclosure of an indefinite integral, or of a multiple one without closed form inside"
        )
    y, low, high = integral.limits[0]
    low, high = (sp.sympify(end).xreplace(dict(point)) for end in (low, high))
    inside = {s: v for s, v in point.items() if s != y}
    if any(_is_huge(e, inside) for e in integral.function.atoms(sp.Pow, sp.gamma, sp.factorial)):
        raise NotImplementedError("sympy would write down a number of too many digits")
    real = sp.Dummy(str(y), real=True)
    integrand, y = _gathered(integral.function.xreplace({**inside, y: real})), real
    if integrand.free_symbols - {y} or (low - high).free_symbols:
        raise NotImplementedError(f"no value of {integral} while symbols are free")
    with flint.ctx.workprec(BITS):
        return _over(integrand, y, low, high)


def _is_huge(e: sp.Expr, inside: Point) -> bool:
    """Whether it becomes a number of very many digits, or holds one: a power of a rational, or a factorial."""
    if isinstance(e, sp.Pow):
        coefficient, _ = e.base.xreplace(dict(inside)).as_coeff_Mul()
        return _beyond(e.exp, inside) and abs(coefficient) != 1
    return _beyond(e.args[0], inside)


def _beyond(e: sp.Expr, inside: Point) -> bool:
    value = e.xreplace(dict(inside))
    return bool(value.is_Rational and abs(value) > MOST)


def _gathered(integrand: sp.Expr) -> sp.Expr:
    """Exponents together and logarithms apart, so that nothing huge meets nothing small far out."""
    return sp.powsimp(sp.expand_log(integrand), combine="exp")


def _over(integrand: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> Any:
    if low == high:
        return flint.acb(0)
    if low is sp.S.Infinity or high is sp.S.NegativeInfinity:
        return -_over(integrand, y, high, low)
    peaks = [abs(sp.diff(e.args[0], y)) for e in integrand.atoms(sp.exp)]  # far from one the integrand looks like 0
    inner = [
        b
        for b in breaks([integrand, *peaks], y, {})
        if (b - low).is_extended_positive and (high - b).is_extended_positive
    ]
    finite = [end for end in (low, high) if end.is_finite]
    if not inner and len(finite) < 2:
        inner = [finite[0] + (1 if high is sp.S.Infinity else -1) if finite else sp.S.Zero]
    ends = [low, *inner, high]
    for a, b in itertools.pairwise(ends):
        if a.is_finite and b.is_finite and has_pole(integrand, y, a, b):
            raise DivergesError("the integrand has a pole between the ends")
    return sum((_piece(integrand, y, a, b) for a, b in itertools.pairwise(ends)), flint.acb(0))


def _piece(integrand: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> Any:
    """Over a piece without breaks inside; an end that is far or singular is mapped to e^v."""
    if low is sp.S.NegativeInfinity and high.is_finite:
        return _piece(integrand.xreplace({y: -y}), y, -high, sp.S.Infinity)
    middle = (low + high) / 2 if low.is_finite and high.is_finite else _inside(low, high)
    f = _compiled(_on_its_branch(integrand, y, middle), y)
    plain = [end.is_finite and f(_number(end), False).is_finite() for end in (low, high)]
    if all(plain):
        return _integral(f, _number(low), _number(high))
    if not any(plain):
        if not f(_number(middle), False).is_finite():
            raise NotImplementedError("the integrand is not enclosed inside the ends")
        return _piece(integrand, y, low, middle) + _piece(integrand, y, middle, high)
    good, bad = (low, high) if plain[0] else (high, low)
    sign = 1 if plain[0] else -1
    if diverges(integrand, y, good, bad):
        raise DivergesError("the integrand does not fall fast enough at an end")
    if bad.is_finite:
        return sign * _to_the_end(
            lambda v, a: f(_number(bad) + _number(good - bad) * (-v).exp(), a) * (-v).exp() * _number(bad - good)
        )
    if integrand.has(*OSCILLATES, sp.I) and (waves := oscillations(integrand, y)):
        return _by_waves(f, waves, y, good)
    for reach in NEAR:
        heights = [abs(f(_number(good) + far, False)) * far for far in (reach, 2 * reach)]
        if _is_over(*heights) and not _rises_again(lambda v: f(_number(good) + v, False), NEAR[-1]):
            return _integral(f, _number(good), _number(good) + reach) + _unknown(heights[0])
    try:
        return _to_the_end(lambda v, a: f(_number(good) + (v.exp() - 1), a) * v.exp())
    except NotImplementedError:
        if not good.is_positive or not _is_slow(integrand):
            raise
        return _in_logarithm(integrand, y, good)


def _is_slow(integrand: sp.Expr) -> bool:
    return all(
        isinstance(e, sp.Add | sp.Mul | sp.Pow | sp.log | sp.Symbol | sp.Number)
        for e in sp.preorder_traversal(integrand)
    )


def _in_logarithm(integrand: sp.Expr, y: sp.Symbol, good: sp.Expr) -> Any:
    """To infinity in v = log y by algebra, where powers and logarithms of y become exponentials and powers of v."""
    v = sp.Dummy("v", real=True)
    mapped = sp.powsimp(sp.expand(integrand.subs(y, sp.exp(v)) * sp.exp(v)))
    return _piece(mapped, v, sp.log(good), sp.S.Infinity)


def _is_over(here: Any, further: Any) -> bool:
    """Whether what is small here is far smaller, not larger, at twice the distance."""
    return bool(here < CUT and further < CUT * CUT and further <= here * CUT)


def _by_waves(f: Integrand, waves: dict[sp.Expr, sp.Expr], y: sp.Symbol, good: sp.Expr) -> Any:
    """To infinity: some way by Arb, then each wave by parts, and what does not oscillate as any other integrand."""
    for reach in NEAR:
        heights = [
            sum((abs(_ball(p, y, good + far)) for p in waves.values()), flint.arb(0)) for far in (reach, 2 * reach)
        ]
        if _is_over(*heights):
            return _integral(f, _number(good), _number(good + reach)) + _unknown(heights[0])
    steady = {phase: p for phase, p in waves.items() if y not in phase.free_symbols}
    for reach in WAVES:
        start = good + reach
        tails = [oscillating(p, phase, y, start, BITS) for phase, p in waves.items() if phase not in steady]
        left_out = sum((size for _, size in tails), flint.arb(0))
        if left_out < CUT:
            break
    total = _integral(f, _number(good), _number(start)) + _unknown(left_out)
    for phase, p in steady.items():
        constant, rest = (p * sp.exp(sp.I * phase)).as_independent(y, as_Add=False)
        total += _ball(constant, y, start) * _piece(rest, y, start, sp.S.Infinity)
    return sum((value for value, _ in tails), total)


def _on_its_branch(integrand: sp.Expr, y: sp.Symbol, middle: sp.Expr) -> sp.Expr:
    """The branches that hold between two breaks, as they do at a point between them."""
    there = {y: _number(middle)}
    return integrand.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: enclosure.branch(e, there))


def _inside(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    return low + 1 if low.is_finite else high - 1 if high.is_finite else sp.S.Zero


def _to_the_end(g: Integrand) -> Any:
    """int_0^infinity g(v) dv: cut where g is small and falls, and what is beyond estimated from its fall."""
    total, start, cut = flint.acb(0), 0, 4
    while cut <= FAR:
        total += _integral(g, flint.acb(start), flint.acb(cut))
        here, beyond = (abs(g(flint.acb(v), False)) for v in (cut, cut + 1))
        known = here.contains(0) and beyond < CUT
        if here < CUT and (known or beyond < here * SLOWEST):
            if _rises_again(lambda v: g(v, False), cut):
                break
            return total + _unknown(here if known else here / (1 - beyond / here))
        start, cut = cut, cut + max(cut // 2, 4)
    raise NotImplementedError("the integrand falls too slowly to be cut off")


def _rises_again(g: Callable[[Any], Any], cut: int) -> bool:
    """Whether, far beyond where it is cut off, it is large enough to add up: of y^(s - 1), s = 1e-30, the mass is at e^-1e30."""
    heights = [abs(g(flint.acb(far))) * far for far in (*BETWEEN, *FARTHER) if far > cut]
    return any(height.is_finite() and height > CUT for height in heights)


def _unknown(height: Any) -> Any:
    """What was cut off where the integrand was this high."""
    return enclosure.about_zero((height.upper() + flint.arb("1e-60")) * MARGIN)


def _integral(f: Integrand, low: Any, high: Any) -> Any:
    """Over a finite piece, with bounded work.

    Raises:
        NotImplementedError: where that gives no narrow enclosure.
    """
    try:
        ball = flint.acb.integral(f, low, high, eval_limit=EVALUATIONS, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except SystemError as error:  # the time was up, in the middle of it
        raise NotImplementedError("the time was up in the middle of an integral") from error
    if not ball.is_finite() or ball.rad() > flint.arb("1e-8") * (1 + abs(ball).upper()):
        raise NotImplementedError("no narrow enclosure of an integral")
    return ball


def _number(end: sp.Expr) -> Any:
    return enclosure.enclose(end, {}, BITS)


def _ball(f: sp.Expr, y: sp.Symbol, at: sp.Expr) -> Any:
    return enclosure.enclose(f, {y: _number(at)}, BITS)


def _compiled(e: sp.Expr, y: sp.Symbol) -> Integrand:
    """The integrand as Arb calls it: at a ball, and whether it has to be analytic there."""
    if y not in e.free_symbols:
        constant = enclosure.enclose(e, {}, BITS)
        return lambda z, a: constant
    if e == y:
        return lambda z, a: z
    if isinstance(e, sp.Piecewise):
        return _compiled_branches(e, y)
    if isinstance(e, sp.Abs | sp.sign | sp.Max | sp.Min | sp.floor | sp.ceiling | sp.Heaviside) and not all(
        a.is_extended_real for a in e.args[:1]
    ):
        raise NotImplementedError(f"{e.func.__name__} of what is not seen to be real under an integral")
    inner = [_compiled(a, y) for a in e.args]
    return _FLAGGED.get(e.func, _plain)(e, inner)


def _plain(e: sp.Expr, inner: list[Integrand]) -> Integrand:
    """A function that is analytic everywhere, or right of 0; anything else is only met where it need not be analytic."""
    names = [sp.Dummy() for _ in inner]
    outer = e.func(*names)

    def f(z: Any, analytic: bool) -> Any:
        arguments = [g(z, analytic) for g in inner]
        known = isinstance(e, ENTIRE + MEROMORPHIC) or (isinstance(e, RIGHT) and arguments[-1].real > 0)
        if analytic and not known:
            return flint.acb("nan")
        return enclosure.enclose(outer, dict(zip(names, arguments, strict=True)), BITS)

    return f


def _added(e: sp.Expr, inner: list[Integrand]) -> Integrand:
    return lambda z, a: sum((g(z, a) for g in inner), flint.acb(0))


def _multiplied(e: sp.Expr, inner: list[Integrand]) -> Integrand:
    def f(z: Any, a: bool) -> Any:
        product = flint.acb(1)
        for g in inner:
            product *= g(z, a)
        return product

    return f


def _powered(e: sp.Expr, inner: list[Integrand]) -> Integrand:
    base, exponent = inner
    if e.base is sp.E:
        return lambda z, a: exponent(z, a).exp()
    if e.exp.is_Integer:
        return lambda z, a: base(z, a) ** int(e.exp)
    return lambda z, a: base(z, a).pow(exponent(z, a), analytic=a)


def _compiled_branches(e: sp.Piecewise, y: sp.Symbol) -> Integrand:
    branches = [(_compiled(sp.sympify(value), y), condition) for value, condition in e.args]

    def f(z: Any, a: bool) -> Any:
        for value, condition in branches:
            decision = enclosure.holds(condition, {y: flint.acb(z.real)})
            if decision is None:
                return flint.acb("nan")
            if decision:
                return value(z, a)
        return flint.acb("nan")

    return f


_FLAGGED: dict[Any, Callable[[sp.Expr, list[Integrand]], Integrand]] = {
    sp.Add: _added,
    sp.Mul: _multiplied,
    sp.Pow: _powered,
    sp.exp: lambda e, g: lambda z, a: g[0](z, a).exp(),
    sp.log: lambda e, g: lambda z, a: g[0](z, a).log(analytic=a),
    sp.Abs: lambda e, g: lambda z, a: g[0](z, a).real_abs(analytic=a),
    sp.sign: lambda e, g: lambda z, a: g[0](z, a).real_sgn(analytic=a),
    sp.floor: lambda e, g: lambda z, a: g[0](z, a).real_floor(analytic=a),
    sp.ceiling: lambda e, g: lambda z, a: g[0](z, a).real_ceil(analytic=a),
    sp.Heaviside: lambda e, g: lambda z, a: g[0](z, a).real_heaviside(analytic=a),
    sp.Max: lambda e, g: lambda z, a: _folded("real_max", g, z, a),
    sp.Min: lambda e, g: lambda z, a: _folded("real_min", g, z, a),
}


def _folded(name: str, inner: list[Integrand], z: Any, analytic: bool) -> Any:
    first, *rest = (g(z, analytic) for g in inner)
    for other in rest:
        first = getattr(first, name)(other, analytic=analytic)
    return first
