"""Rigorous numbers for symbolic expressions, by Arb's ball arithmetic.

An Arb ball is an interval that is guaranteed to hold the exact value. Evaluated at a point, a ball that excludes zero
*refutes* an identity; evaluated on a whole box, a ball above zero *proves* an inequality on that box.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import flint
import sympy as sp

__all__ = ["FINER", "PRECISION", "ball", "enclose", "is_positive_on", "point", "value_at"]

PRECISION = 240  # bits; about 72 digits
FINER = PRECISION, 960, 3840  # bits, tried in turn where an enclosure is too wide
NOTHING = flint.arb("1e-330")  # 0 in float64

_FUNCTIONS = {
    sp.log: "log",
    sp.exp: "exp",
    sp.erf: "erf",
    sp.erfc: "erfc",
    sp.erfi: "erfi",
    sp.gamma: "gamma",
    sp.loggamma: "lgamma",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.tan: "tan",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.coth: "coth",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.atan: "atan",
    sp.asinh: "asinh",
    sp.acosh: "acosh",
    sp.atanh: "atanh",
}
_OF_AN_ORDER = {sp.besseli: "bessel_i", sp.besselk: "bessel_k", sp.polygamma: "polygamma"}
_REWRITTEN: dict[Any, Callable[..., sp.Expr]] = {
    sp.factorial: lambda n: sp.gamma(n + 1),
    sp.binomial: lambda n, k: sp.gamma(n + 1) / (sp.gamma(k + 1) * sp.gamma(n - k + 1)),
    sp.beta: lambda a, b: sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b),
}
_CONSTANTS = {sp.pi: "pi", sp.E: "const_e", sp.EulerGamma: "const_euler"}


def ball(low: Any, high: Any) -> Any:
    """The smallest Arb ball round [low, high], each an integer, a decimal string or a sympy rational."""
    with flint.ctx.workprec(PRECISION):
        return _exact(low).union(_exact(high))


def point(real: Any, imaginary: Any = 0, precision: int = PRECISION) -> Any:
    """A complex ball round the number real + i imaginary, each an integer, a decimal string or a sympy rational."""
    with flint.ctx.workprec(precision):
        return flint.acb(_exact(real), _exact(imaginary))


def _exact(value: Any) -> Any:
    if isinstance(value, sp.Rational):
        return flint.arb(flint.fmpq(int(value.p), int(value.q)))
    return flint.arb(str(value))


def enclose(expression: sp.Expr, values: Mapping[sp.Symbol, Any], precision: int = PRECISION) -> Any:
    """An enclosure (complex ball) of the expression, each symbol standing for its ball.

    Raises:
        NotImplementedError: for a function Arb is not taught here.
    """
    with flint.ctx.workprec(precision):
        return _enclose(sp.sympify(expression), values)


def value_at(expression: sp.Expr, values: Mapping[sp.Symbol, float]) -> float:
    """The float64 number next to the expression at float64 numbers; NaN where it is not real or no enclosure is narrow.

    Raises:
        NotImplementedError: for a function Arb is not taught here.
    """
    exact = {symbol: flint.acb(value) for symbol, value in values.items()}
    for precision in FINER:
        found = enclose(expression, exact, precision)
        if not found.is_finite() or not found.imag.contains(0):
            continue
        real, imaginary = found.real, found.imag
        if imaginary.abs_upper() + real.rad() <= abs(real) * 2.0**-60:
            return float(real.mid())
        if found.abs_upper() < NOTHING:
            return 0.0
    return math.nan


def _enclose(e: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Any:
    if e in values:
        return flint.acb(values[e])
    if isinstance(e, sp.Rational):
        return flint.acb(flint.fmpq(int(e.p), int(e.q)))
    if e in _CONSTANTS:
        return flint.acb(getattr(flint.arb, _CONSTANTS[e])())
    if e is sp.I:
        return flint.acb(0, 1)
    if isinstance(e, sp.Pow):
        return _power(e, values)
    arguments = [_enclose(a, values) for a in e.args]
    if isinstance(e, sp.Abs):
        return flint.acb(abs(arguments[0]))
    if isinstance(e, sp.Add):
        return sum(arguments, flint.acb(0))
    if isinstance(e, sp.Mul):
        product = flint.acb(1)
        for a in arguments:
            product *= a
        return product
    if e.func in _FUNCTIONS:
        return getattr(arguments[0], _FUNCTIONS[e.func])()
    if e.func in _OF_AN_ORDER:
        return getattr(arguments[1], _OF_AN_ORDER[e.func])(arguments[0])
    if e.func in _REWRITTEN:
        return _enclose(_REWRITTEN[e.func](*e.args), values)
    raise NotImplementedError(f"no enclosure for {e.func.__name__}")


def _power(e: sp.Pow, values: Mapping[sp.Symbol, Any]) -> Any:
    base, exponent = e.args
    if base is sp.E:
        return _enclose(exponent, values).exp()
    if exponent.is_Integer:
        return _enclose(base, values) ** int(exponent)
    if exponent == sp.Rational(1, 2):
        return _enclose(base, values).sqrt()
    if exponent == sp.Rational(-1, 2):
        return _enclose(base, values).rsqrt()
    return (_enclose(exponent, values) * _enclose(base, values).log()).exp()


def is_positive_on(expression: sp.Expr, box: Mapping[sp.Symbol, tuple[Any, Any]], *, boxes: int = 4000) -> bool:
    """Whether subdivision proves the expression positive on the whole box {symbol: (low, high)}, 0 < low < high.

    Sides are halved in ratio, since the domains here span decades. False means only that it was not proved within
    `boxes` subdivisions.
    """
    queue = [tuple((sp.Rational(low), sp.Rational(high)) for low, high in box.values())]
    for _ in range(boxes):
        if not queue:
            return True
        sides = queue.pop()
        values = {symbol: ball(*side) for symbol, side in zip(box, sides, strict=True)}
        if not enclose(expression, values).real > 0:
            queue.extend(itertools.product(*map(_halves, sides)))
    return not queue


def _halves(side: tuple[sp.Rational, sp.Rational]) -> tuple[tuple[sp.Rational, sp.Rational], ...]:
    low, high = side
    middle = sp.Rational(math.sqrt(low * high)).limit_denominator(10**9)
    return (low, middle), (middle, high)
