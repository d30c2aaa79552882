"""Rigorous numbers for symbolic expressions, by Arb's ball arithmetic.

An Arb ball is an interval that is guaranteed to hold the exact value: one that excludes zero *refutes* an identity.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import flint
import sympy as sp

__all__ = ["FINER", "FUNCTIONS", "PRECISION", "about_zero", "branch", "enclose", "holds", "point", "value_at"]

PRECISION = 240  # bits; about 72 digits
FINER = PRECISION, 960, 3840  # bits, tried in turn where an enclosure is too wide
LARGE = 10**6  # exponents beyond it go by the logarithm
NOTHING = flint.arb("1e-330")  # 0 in float64

FUNCTIONS = {
    sp.conjugate: "conjugate",
    sp.sinc: "sinc",
    sp.sec: "sec",
    sp.csc: "csc",
    sp.cot: "cot",
    sp.sech: "sech",
    sp.csch: "csch",
    sp.digamma: "digamma",
    sp.Ei: "ei",
    sp.li: "li",
    sp.Si: "si",
    sp.Ci: "ci",
    sp.Shi: "shi",
    sp.Chi: "chi",
    sp.fresnels: "fresnel_s",
    sp.fresnelc: "fresnel_c",
    sp.dirichlet_eta: "dirichlet_eta",
    sp.airyai: "airy_ai",
    sp.airybi: "airy_bi",
    sp.elliptic_k: "elliptic_k",
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
_OF_AN_ORDER = {  # Arb takes the argument first
    sp.besseli: "bessel_i",
    sp.besselj: "bessel_j",
    sp.besselk: "bessel_k",
    sp.bessely: "bessel_y",
    sp.expint: "expint",
    sp.hermite: "hermite_h",
    sp.laguerre: "laguerre_l",
    sp.legendre: "legendre_p",
    sp.lowergamma: "gamma_lower",
    sp.polygamma: "polygamma",
    sp.polylog: "polylog",
    sp.uppergamma: "gamma_upper",
}
_REWRITTEN: dict[Any, Callable[..., sp.Expr]] = {
    sp.factorial: lambda n: sp.gamma(n + 1),
    sp.beta: lambda a, b: sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b),
    sp.acot: lambda z: sp.atan(1 / z),
    sp.acoth: lambda z: sp.atanh(1 / z),
    sp.acsc: lambda z: sp.asin(1 / z),
    sp.asec: lambda z: sp.acos(1 / z),
    sp.erf2: lambda a, b: sp.erf(b) - sp.erf(a),
    sp.rf: lambda a, k: sp.gamma(a + k) / sp.gamma(a),
    sp.catalan: lambda n: 4**n * sp.gamma(n + sp.Rational(1, 2)) / (sp.sqrt(sp.pi) * sp.gamma(n + 2)),
    sp.harmonic: lambda n: sp.digamma(n + 1) + sp.EulerGamma,
    sp.subfactorial: lambda n: sp.uppergamma(n + 1, -1) / sp.E,
}
_CONSTANTS = {sp.pi: "pi", sp.E: "const_e", sp.EulerGamma: "const_euler", sp.Catalan: "const_catalan"}


def about_zero(radius: Any) -> Any:
    """The complex ball of a radius about 0."""
    return flint.acb(flint.arb(0, radius), flint.arb(0, radius))


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
    if e is sp.GoldenRatio:
        return (1 + flint.acb(5).sqrt()) / 2
    if isinstance(e, sp.Pow):
        return _power(e, values)
    if isinstance(e, sp.Piecewise):
        return _enclose(branch(e, values), values)
    if isinstance(e, sp.Heaviside):
        return _step(_enclose(e.args[0], values), e.args[1], values)
    if isinstance(e, sp.hyper):
        return _hypergeometric(e, values)
    if isinstance(e, sp.binomial | sp.ff):
        return _chosen(e, values)
    arguments = [_enclose(a, values) for a in e.args]
    if e.func in _REAL_PARTS:
        return _REAL_PARTS[e.func](arguments)
    if isinstance(e, sp.Add):
        return sum(arguments, flint.acb(0))
    if isinstance(e, sp.Mul):
        product = flint.acb(1)
        for a in arguments:
            product *= a
        return product
    if e.func in FUNCTIONS:
        return getattr(arguments[0], FUNCTIONS[e.func])()
    if e.func in _OF_AN_ORDER:
        return getattr(arguments[1], _OF_AN_ORDER[e.func])(arguments[0])
    if isinstance(e, sp.LambertW):
        return arguments[0].lambertw(int(arguments[1].unique_fmpz()) if len(arguments) > 1 else 0)
    if isinstance(e, sp.zeta):
        return arguments[0].zeta(*arguments[1:])
    if e.func in _REWRITTEN and len(e.args) == _REWRITTEN[e.func].__code__.co_argcount:
        return _enclose(_REWRITTEN[e.func](*e.args), values)
    raise NotImplementedError(f"no enclosure for {e.func.__name__}")


def _real(z: Any, what: str) -> Any:
    if not z.imag == 0:
        raise NotImplementedError(f"{what} of what is not seen to be real")
    return z.real


def _sign(z: Any) -> Any:
    return flint.acb(0) if z == 0 else flint.acb(z.real.sgn()) if z.imag == 0 else z / abs(z)


_REAL_PARTS: dict[Any, Callable[[list[Any]], Any]] = {
    sp.Abs: lambda z: flint.acb(abs(z[0])),
    sp.re: lambda z: flint.acb(z[0].real),
    sp.im: lambda z: flint.acb(z[0].imag),
    sp.arg: lambda z: flint.acb(z[0].arg()),
    sp.sign: lambda z: _sign(z[0]),
    sp.floor: lambda z: flint.acb(_real(z[0], "floor").floor()),
    sp.ceiling: lambda z: flint.acb(_real(z[0], "ceiling").ceil()),
    sp.frac: lambda z: z[0] - flint.acb(_real(z[0], "frac").floor()),
    sp.Mod: lambda z: z[0] - z[1] * flint.acb(_real(z[0] / z[1], "Mod").floor()),
    sp.Max: lambda z: flint.acb(functools.reduce(flint.arb.max, (_real(v, "Max") for v in z))),
    sp.Min: lambda z: flint.acb(functools.reduce(flint.arb.min, (_real(v, "Min") for v in z))),
    sp.atan2: lambda z: flint.acb(flint.arb.atan2(_real(z[0], "atan2"), _real(z[1], "atan2"))),
}


def holds(condition: sp.Basic, values: Mapping[sp.Symbol, Any]) -> bool | None:
    """Whether a relation, or a combination of relations, holds at the balls; None where they do not tell."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.Not):
        inner = holds(condition.args[0], values)
        return None if inner is None else not inner
    if isinstance(condition, sp.And | sp.Or):
        parts = [holds(part, values) for part in condition.args]
        decisive = isinstance(condition, sp.Or)
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if not isinstance(condition, sp.core.relational.Relational):
        raise NotImplementedError(f"no decision of {condition}")
    difference = _enclose(condition.lhs - condition.rhs, values)
    if isinstance(condition, sp.Eq | sp.Ne):
        equal = True if difference == 0 else None if difference.contains(0) else False
        return equal if equal is None else equal is isinstance(condition, sp.Eq)
    real = _real(difference, "an inequality")
    strict = isinstance(condition, sp.StrictGreaterThan | sp.StrictLessThan)
    if isinstance(condition, sp.StrictLessThan | sp.LessThan):
        real = -real
    if real > 0 or (real == 0 and not strict):
        return True
    return False if real < 0 or (real == 0 and strict) else None


def branch(e: sp.Piecewise, values: Mapping[sp.Symbol, Any]) -> sp.Expr:
    """The expression of the branch that holds at the balls.

    Raises:
        NotImplementedError: where they do not tell.
    """
    for expression, condition in e.args:
        decision = holds(condition, values)
        if decision is None:
            raise NotImplementedError(f"undecided: {condition}")
        if decision:
            return expression
    return sp.nan


def _step(z: Any, at_zero: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Any:
    if z == 0:
        return _enclose(at_zero, values)
    real = _real(z, "Heaviside")
    if real.contains(0):
        return flint.acb(real.union(0).union(1))
    return flint.acb(1 if real > 0 else 0)


def _hypergeometric(e: sp.hyper, values: Mapping[sp.Symbol, Any]) -> Any:
    upper, lower, z = (
        [_enclose(a, values) for a in e.ap],
        [_enclose(b, values) for b in e.bq],
        _enclose(e.argument, values),
    )
    return z.hypgeom(upper, lower)


def _chosen(e: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Any:
    """A binomial coefficient or a falling factorial, 0 where more is chosen than there is."""
    n, k = (_enclose(a, values) for a in e.args)
    falling = (n + 1).gamma() * (n - k + 1).rgamma()
    return falling * (k + 1).rgamma() if isinstance(e, sp.binomial) else falling


def _power(e: sp.Pow, values: Mapping[sp.Symbol, Any]) -> Any:
    base, exponent = e.args
    if base is sp.E:
        return _enclose(exponent, values).exp()
    below = _enclose(base, values)
    if exponent.is_Integer:
        return below ** int(exponent)
    if exponent == sp.Rational(1, 2):
        return below.sqrt()
    if exponent == sp.Rational(-1, 2):
        return below.rsqrt()
    above = _enclose(exponent, values)
    if below == 0 and (above == 0 or above.real > 0):  # sympy's 0**0 = 1
        return flint.acb(1 if above == 0 else 0)
    if above.is_exact() and (whole := above.unique_fmpz()) is not None and abs(int(whole)) < LARGE:
        return below ** int(whole)
    return (above * below.log()).exp()
