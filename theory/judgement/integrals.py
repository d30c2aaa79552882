"""Integrals: enclosed by Arb piece by piece, and in closed form by rules whose conditions are checked.

Arb's integration is rigorous on a finite piece where every function is told whether it has to be analytic there: ignored,
the flag gives tight wrong balls. An infinite end, or one where the integrand is singular, is mapped to e^v; what is cut off
is estimated from where it was cut, so that such a value refutes and supports, and never proves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure, gaussian_integrals
from theory.judgement.limits import limit_of
from theory.judgement.patience import GivenUpError, patiently
from theory.judgement.points import Point, breaks
from theory.judgement.smooth import is_smooth

__all__ = ["ClosedForm", "DivergesError", "closed_form", "enclosed"]

BITS = 80
EVALUATIONS, TOLERANCE = 4000, flint.arb("1e-15")
A_RULE = 1.5  # seconds
NEAR = 4, 16, 64, 256  # an end that is this far is cut off as it is
FAR = 320  # ends are mapped to e^v up to e^320
CUT = flint.arb("1e-16")
MARGIN = 1000  # of the estimate of what is cut off
OSCILLATES = sp.sin, sp.cos, sp.tan, sp.sinc, sp.besselj, sp.bessely
ENTIRE = sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.erf, sp.erfc, sp.erfi, sp.sinc
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


class DivergesError(ArithmeticError):
    """The integral has no value."""


# --- enclosures at a point ---


def enclosed(integral: sp.Integral, point: Point) -> Any:
    """A complex ball round the integral at a point of its parameters, its radius holding the estimated tails.

    Raises:
        DivergesError: where it has no value.
        NotImplementedError: where no enclosure was found.
    """
    if len(integral.limits) > 1:
        inner = closed_form(sp.Integral(integral.function, integral.limits[0]))
        if inner is not None and inner.checked:
            return enclosed(sp.Integral(inner.value, *integral.limits[1:]), point)
    if len(integral.limits) != 1 or len(integral.limits[0]) != 3:
        raise NotImplementedError(
            "no enclosure of an indefinite integral, or of a multiple one without closed form inside"
        )
    y, low, high = integral.limits[0]
    low, high = (sp.sympify(end).xreplace(dict(point)) for end in (low, high))
    inside = {s: v for s, v in point.items() if s != y}
    real = sp.Dummy(str(y), real=True)
    integrand, y = _gathered(integral.function.xreplace({**inside, y: real})), real
    if integrand.free_symbols - {y} or (low - high).free_symbols:
        raise NotImplementedError(f"no value of {integral} while symbols are free")
    with flint.ctx.workprec(BITS):
        return _over(integrand, y, low, high)


def _gathered(integrand: sp.Expr) -> sp.Expr:
    """Exponents together and logarithms apart, so that nothing huge meets nothing small far out."""
    return sp.powsimp(sp.expand_log(integrand), combine="exp")


def _over(integrand: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> Any:
    if low == high:
        return flint.acb(0)
    if low is sp.S.Infinity or high is sp.S.NegativeInfinity:
        return -_over(integrand, y, high, low)
    inner = [b for b in breaks([integrand], y, {}) if (b - low).is_positive and (high - b).is_positive]
    finite = [end for end in (low, high) if end.is_finite]
    if not inner and len(finite) < 2:
        inner = [finite[0] + (1 if high is sp.S.Infinity else -1) if finite else sp.S.Zero]
    ends = [low, *inner, high]
    return sum((_piece(integrand, y, a, b) for a, b in itertools.pairwise(ends)), flint.acb(0))


def _piece(integrand: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> Any:
    """Over a piece without breaks inside; an end that is far or singular is mapped to e^v."""
    middle = (low + high) / 2 if low.is_finite and high.is_finite else _inside(low, high)
    f = _compiled(_on_its_branch(integrand, y, middle), y)
    plain = [end.is_finite and _ball(f, end).is_finite() for end in (low, high)]
    if all(plain):
        return _integral(f, _number(low), _number(high))
    if not any(plain):
        return _piece(integrand, y, low, middle) + _piece(integrand, y, middle, high)
    good, bad = (low, high) if plain[0] else (high, low)
    sign = 1 if plain[0] else -1
    if bad.is_finite:
        return sign * _to_the_end(
            lambda v, a: f(_number(bad) + _number(good - bad) * (-v).exp(), a) * (-v).exp() * _number(bad - good),
            integrand,
        )
    outward = 1 if bad is sp.S.Infinity else -1
    for reach in NEAR:
        heights = [abs(f(_number(good) + outward * far, False)) * far for far in (reach, 2 * reach)]
        if heights[0] < CUT and heights[1] < CUT * CUT:
            within = _integral(f, _number(good), _number(good) + outward * reach)
            return sign * (within + _unknown(heights[0]))
    return sign * _to_the_end(lambda v, a: f(_number(good) + outward * (v.exp() - 1), a) * v.exp() * outward, integrand)


def _on_its_branch(integrand: sp.Expr, y: sp.Symbol, middle: sp.Expr) -> sp.Expr:
    """The branches that hold between two breaks, as they do at a point between them."""
    there = {y: _number(middle)}
    return integrand.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: enclosure.branch(e, there))


def _inside(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    return low + 1 if low.is_finite else high - 1 if high.is_finite else sp.S.Zero


def _to_the_end(g: Integrand, integrand: sp.Expr) -> Any:
    """int_0^infinity g(v) dv: cut where g is small, and what is beyond estimated from its fall."""
    total, cut = flint.acb(0), 4
    heights = [abs(g(flint.acb(v), False)) for v in (5, 10, 20, 40, 80, 160, 320)]
    heights = [h for h in heights if h.is_finite() and (h.rad() < h.mid() / 2 or h < CUT)]
    if len(heights) > 2 and not integrand.has(*OSCILLATES) and _stays_up(heights):
        raise DivergesError("the integrand does not fall fast enough at an end")
    start = 0
    while cut <= FAR:
        total += _integral(g, flint.acb(start), flint.acb(cut))
        here, beyond = (abs(g(flint.acb(v), False)) for v in (cut, cut + 1))
        if (here < CUT and beyond < here / 2) or here < flint.arb("1e-60"):
            return total + _unknown(here)
        start, cut = cut, cut + max(cut // 2, 4)
    raise NotImplementedError("the integrand falls too slowly to be cut off")


def _unknown(height: Any) -> Any:
    """What was cut off where the integrand was this high."""
    rest = (height.upper() + flint.arb("1e-60")) * MARGIN
    return flint.acb(flint.arb(0, rest), flint.arb(0, rest))


def _stays_up(heights: list[Any]) -> bool:
    """Whether the integrand in e^v does not fall: no enclosure is small, and none below the one before."""
    return all(h > CUT for h in heights) and all(b > a * 0.9 for a, b in itertools.pairwise(heights[-3:]))


def _integral(f: Integrand, low: Any, high: Any) -> Any:
    """Over a finite piece, with bounded work.

    Raises:
        NotImplementedError: where that gives no narrow enclosure.
    """
    try:
        ball = flint.acb.integral(f, low, high, eval_limit=EVALUATIONS, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except SystemError as error:  # the time was up, in the middle of it
        raise GivenUpError from error
    if not ball.is_finite() or ball.rad() > flint.arb("1e-8") * (1 + abs(ball).upper()):
        raise NotImplementedError("no narrow enclosure of an integral")
    return ball


def _number(end: sp.Expr) -> Any:
    return enclosure.enclose(end, {}, BITS)


def _ball(f: Integrand, end: sp.Expr) -> Any:
    return f(_number(end), False)


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


# --- closed forms ---


@dataclass(frozen=True)
class ClosedForm:
    """A value, what it trusts, and whether its conditions were checked (sympy's own integration checks none that it tells)."""

    value: sp.Expr
    trusts: str
    checked: bool = True


def closed_form(integral: sp.Integral) -> ClosedForm | None:
    """The integral by a rule; the innermost variable first. None where there is none."""
    if any(len(limit) != 3 for limit in integral.limits):
        return None
    value, trusts, checked = integral.function, [], True
    for y, low, high in integral.limits:
        found = _single(value, y, low, high)
        if found is None:
            return None
        value, checked = found.value, checked and found.checked
        trusts.append(found.trusts)
    return ClosedForm(value, ", ".join(dict.fromkeys(trusts)), checked)


def _single(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    for rule in (_gaussian, _gamma, _beta, _antiderivative, _by_sympy):
        if (found := patiently(A_RULE, rule, f, y, low, high)) is not None:
            return found
    return None


def _terms(f: sp.Expr, y: sp.Symbol) -> list[tuple[sp.Expr, sp.Expr]]:
    """f as a sum of polynomials times exp: pairs (factor without an exponential, exponent)."""
    real = sp.Dummy("y", real=True)
    f = sp.expand_log(f.xreplace({y: real}))
    pairs = []
    for term in sp.Add.make_args(sp.expand(f, power_exp=False)):
        exponents, rest = [], []
        for factor in sp.Mul.make_args(term):
            is_exp = isinstance(factor, sp.exp) or (isinstance(factor, sp.Pow) and isinstance(factor.base, sp.exp))
            if is_exp and real in factor.free_symbols:
                exponents.append(
                    sp.expand_log(sp.log(factor), force=True) if not isinstance(factor, sp.exp) else factor.args[0]
                )
            else:
                rest.append(factor)
        pairs.append((sp.Mul(*rest).xreplace({real: y}), sp.Add(*exponents).xreplace({real: y})))
    return pairs


def _gaussian(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    if (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    total = sp.S.Zero
    for factor, exponent in _terms(f, y):
        constant, polynomial = factor.as_independent(y, as_Add=False)
        total += constant * gaussian_integrals.integral(polynomial, exponent, y)
    return ClosedForm(total, "the Gaussian integral")


def _gamma(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^oo y^(p-1) exp(-b y) dy = Gamma(p) b^-p for p, b > 0."""
    if (low, high) != (sp.S.Zero, sp.S.Infinity):
        return None
    total, s = sp.S.Zero, sp.Dummy("s", positive=True)
    for factor, exponent in _terms(f, y):
        constant, power = factor.xreplace({y: s}).as_independent(s, as_Add=False)
        p = sp.simplify(s * sp.diff(power, s) / power) + 1 if power != 1 else sp.S.One
        rate = -exponent.xreplace({y: s}) / s
        if s in p.free_symbols or s in sp.simplify(rate).free_symbols:
            return None
        rate = sp.simplify(rate)
        if not (p.is_positive and rate.is_positive):
            return None
        total += constant * (power / s ** (p - 1)).subs(s, 1) * sp.gamma(p) * rate**-p
    return ClosedForm(total, "Euler's integral of the gamma function")


def _beta(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^1 y^(p-1) (1-y)^(q-1) dy = B(p, q) for p, q > 0."""
    if (low, high) != (sp.S.Zero, sp.S.One):
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    p = q = sp.S.One
    for factor in sp.Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if base == y:
            p += exponent
        elif sp.expand(base - 1 + y) == 0:
            q += exponent
        else:
            return None
    if y in p.free_symbols or y in q.free_symbols or not (p.is_positive and q.is_positive):
        return None
    return ClosedForm(constant * sp.gamma(p) * sp.gamma(q) / sp.gamma(p + q), "Euler's beta integral")


def _antiderivative(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """F(high) - F(low), where F' = f by differentiation and F is seen to be smooth between them."""
    from theory.judgement.reduction import reduces_to_zero

    s, shift = _between(low, high)
    inside = sp.integrate(f, y)
    if inside.has(sp.Integral, sp.Piecewise) or not is_smooth(sp.expand(inside.subs(y, shift)), s):
        return None
    if not reduces_to_zero(sp.diff(inside, y) - f):
        return None
    ends = [_at_end(inside, y, end) for end in (low, high)]
    return ClosedForm(ends[1] - ends[0], "an antiderivative, differentiated")


def _between(low: sp.Expr, high: sp.Expr) -> tuple[sp.Symbol, sp.Expr]:
    """A symbol, and an expression of it that takes all values between the ends."""
    if low is sp.S.NegativeInfinity or high is sp.S.NegativeInfinity:
        return (s := sp.Dummy("s", real=True)), s
    if high is sp.S.Infinity or (high - low).is_nonnegative:
        return (s := sp.Dummy("s", nonnegative=True)), low + s
    if low.is_positive and high.is_positive:
        return (s := sp.Dummy("s", positive=True)), s
    return (s := sp.Dummy("s", real=True)), s


def _at_end(F: sp.Expr, y: sp.Symbol, end: sp.Expr) -> sp.Expr:
    """F there, or its limit at infinity by Taylor's theorem.

    Raises:
        ValueError: where it has none by this rule.
    """
    value = F.subs(y, end) if end.is_finite else limit_of(F, y, end, "")
    if value is None:
        raise ValueError("no limit of the antiderivative")
    return value


def _by_sympy(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = sp.integrate(f, (y, low, high))
    return (
        None
        if value.has(sp.Integral, sp.Piecewise, sp.nan, sp.zoo, sp.oo)
        else ClosedForm(value, "sympy.integrate", checked=False)
    )
