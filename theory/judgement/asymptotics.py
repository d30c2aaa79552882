"""Asymptotics: functions far out, and near their singular points, by leading terms and a bounded number for what is left out.

For large x, by the NIST Digital Library of Mathematical Functions 5.11, 5.15.8, 6.12, 7.12, 8.11, 10.40, 4.13.10 and Taylor's
theorem: psi_m(x) = (-1)^(m+1) (m-1)!/x^m (1 + m/(2 x) + theta/x^2),
erfc x = exp(-x^2) (1 + theta/x^2) / (x sqrt(pi)), digamma x = log x - 1/(2 x) + theta/x^2,
log Gamma x = (x - 1/2) log x - x + log(2 pi)/2 + theta/x, Gamma(s, x) = x^(s-1) exp(-x) (1 + theta/x),
E_s(x) = exp(-x) (1 + theta/x)/x, I_s(x) = exp(x) (1 + theta/x)/sqrt(2 pi x), K_s(x) = sqrt(pi/(2 x)) exp(-x) (1 + theta/x),
W(x) = log x - log log x + theta log log x/log x, zeta(x) = 1 + theta 2^-x; for small ones, by 5.7, 6.6, 10.31, 25.2.4:
Gamma(x) = (1 - g x + theta x^2)/x, digamma x = -1/x - g + theta x, zeta(1 + x) = 1/x + g + theta x, W(x) = x + theta x^2,
E_1(x) = -log x - g + theta x, K_0(x) = -log(x/2) - g + theta x, log(1 + x) = x + theta x^2 and exp x = 1 + theta x.
The bounds may depend on s.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from theory.judgement.growth import grows, vanishes
from theory.judgement.smooth import is_analytic_at

__all__ = ["expanded", "logarithm", "thetas", "with_logarithms", "with_roots_of_factors"]

ORDERS = 4
HYPERBOLIC = sp.cosh, sp.sinh, sp.coth, sp.csch


def expanded(e: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """The expression as u falls to 0, with bounded unknowns in place of what is left out."""
    e = e.replace(lambda f: f.func in MIRRORED and grows(-f.args[0], u), lambda f: MIRRORED[f.func](-f.args[0]))
    e = e.replace(lambda f: isinstance(f, HYPERBOLIC) and grows(f.args[0], u), lambda f: f.rewrite(sp.exp))
    e = e.replace(
        lambda f: isinstance(f, HYPERBOLIC[2:]), lambda f: f.rewrite(sp.cosh) if isinstance(f, sp.sech) else _by_sinh(f)
    )
    e = e.replace(
        lambda f: isinstance(f, sp.harmonic) and len(f.args) == 1, lambda f: sp.digamma(f.args[0] + 1) + sp.EulerGamma
    )
    e = e.replace(lambda f: _kind(f) in FORMS and grows(f.args[-1], u), lambda f: FORMS[_kind(f)](f.args[-1]))
    e = e.replace(lambda f: isinstance(f, ORDERED) and _is_far(f, u), lambda f: OF_AN_ORDER[f.func](*f.args))
    e = e.replace(lambda f: _kind(f) in NEAR and _is_near(f, u), lambda f: NEAR[_kind(f)](f.args[-1]))
    e = e.replace(sp.log, lambda z: _logarithm(z, u))
    e = e.replace(lambda p: isinstance(p, sp.Pow) and u in p.exp.free_symbols and u in p.base.free_symbols,
                  lambda p: sp.exp(p.exp * sp.log(p.base)))  # fmt: skip
    return e.replace(
        sp.exp, lambda z: 1 + 2 * _theta() * z if vanishes(z, u) and not z.is_rational_function(u) else sp.exp(z)
    )


def _kind(f: sp.Basic) -> type:
    """The function; sympy's digamma is a polygamma of order 0."""
    return sp.digamma if isinstance(f, sp.polygamma) and f.args[0] == 0 else type(f)


def _by_sinh(f: sp.Expr) -> sp.Expr:
    z = f.args[0]
    return sp.cosh(z) / sp.sinh(z) if isinstance(f, sp.coth) else 1 / sp.sinh(z)


def _is_far(f: sp.Expr, u: sp.Symbol) -> bool:
    if isinstance(f, sp.polygamma) and not (f.args[0].is_Integer and f.args[0].is_positive):
        return False
    return len(f.args) == 2 and u not in f.args[0].free_symbols and bool(f.args[0].is_real) and grows(f.args[1], u)


def _is_near(f: sp.Expr, u: sp.Symbol) -> bool:
    """Whether its argument falls to where it is singular."""
    if _kind(f) in OF_ORDER and f.args[0] != OF_ORDER[f.func]:
        return False
    if isinstance(f, sp.zeta | sp.LambertW) and len(f.args) > 1:
        return False
    inside = f.args[-1] - (1 if isinstance(f, sp.zeta) else 0)
    return grows(sp.cancel(1 / inside), u) if inside.has(u) and inside.is_rational_function(u) else False


def logarithm(e: sp.Expr) -> sp.Expr | None:
    """log of a positive product of powers, factorials and the like, as a sum; None where a factor is not seen to be positive."""
    if isinstance(e, sp.Mul):
        parts = [logarithm(factor) for factor in e.args]
        return None if None in parts else sp.Add(*parts)
    if isinstance(e, sp.exp):
        return e.args[0] if e.args[0].is_real else None
    if isinstance(e, sp.Pow):
        below = logarithm(e.base)
        return None if below is None or not e.exp.is_real else e.exp * below
    if isinstance(e, sp.gamma | sp.factorial) and e.args[0].is_positive:
        return sp.loggamma(e.args[0] + (1 if isinstance(e, sp.factorial) else 0))
    if isinstance(e, sp.binomial) and e.args[1].is_nonnegative and (e.args[0] - e.args[1]).is_nonnegative:
        n, k = e.args
        return sp.loggamma(n + 1) - sp.loggamma(k + 1) - sp.loggamma(n - k + 1)
    return sp.log(e) if e.is_positive else None


def with_logarithms(e: sp.Expr) -> sp.Expr:
    """The expression with the logarithm of each product as a sum, and with what has factorials as exp of its logarithm."""

    def taken(f: sp.Expr) -> sp.Expr:
        found = logarithm(f.args[0])
        return f if found is None else found

    return e.replace(lambda f: isinstance(f, sp.log) and f.args[0].has(sp.gamma, sp.factorial, sp.binomial), taken)


def with_roots_of_factors(e: sp.Expr) -> sp.Expr:
    """sqrt(1 - 4 u^2)/u for sqrt(1/u^2 - 4)."""
    return e.replace(
        lambda p: isinstance(p, sp.Pow) and isinstance(p.base, sp.Add) and p.exp.is_Rational and not p.exp.is_Integer,
        lambda p: sp.expand_power_base(sp.factor(sp.together(p.base)) ** p.exp),
    )


def thetas(e: sp.Expr) -> bool:
    """Whether a bounded unknown is left in it."""
    return any(s.name == "theta" and isinstance(s, sp.Dummy) for s in e.free_symbols)


def _theta() -> sp.Dummy:
    return sp.Dummy("theta", real=True)


FORMS = {
    sp.erfc: lambda x: sp.exp(-(x**2)) * (1 + _theta() / x**2) / (x * sp.sqrt(sp.pi)),
    sp.digamma: lambda x: sp.log(x) - 1 / (2 * x) + _theta() / x**2,
    sp.loggamma: lambda x: (x - sp.Rational(1, 2)) * sp.log(x) - x + sp.log(2 * sp.pi) / 2 + _theta() / x,
}
FORMS[sp.erf] = lambda x: 1 - FORMS[sp.erfc](x)
FORMS[sp.tanh] = lambda x: 1 - 2 / (sp.exp(2 * x) + 1)
FORMS[sp.zeta] = lambda x: 1 + _theta() * sp.exp(-x * sp.log(2))
FORMS[sp.LambertW] = lambda x: sp.log(x) - sp.log(sp.log(x)) + _theta() * sp.log(sp.log(x)) / sp.log(x)
OF_AN_ORDER: dict[type, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    sp.polygamma: lambda m, x: (-1) ** (m + 1) * sp.gamma(m) / x**m * (1 + m / (2 * x) + _theta() / x**2),
    sp.uppergamma: lambda s, x: x ** (s - 1) * sp.exp(-x) * (1 + _theta() / x),
    sp.expint: lambda s, x: sp.exp(-x) / x * (1 + _theta() / x),
    sp.besseli: lambda s, x: sp.exp(x) / sp.sqrt(2 * sp.pi * x) * (1 + _theta() / x),
    sp.besselk: lambda s, x: sp.sqrt(sp.pi / (2 * x)) * sp.exp(-x) * (1 + _theta() / x),
}
ORDERED = tuple(OF_AN_ORDER)
G = sp.EulerGamma
NEAR = {  # of what goes to the singular point; of W, to where its derivatives are quotients of 0 by 0
    sp.gamma: lambda x: (1 - G * x + _theta() * x**2) / x,
    sp.digamma: lambda x: -1 / x - G + _theta() * x,
    sp.zeta: lambda x: 1 / (x - 1) + G + _theta() * (x - 1),
    sp.LambertW: lambda x: x + _theta() * x**2,
    sp.expint: lambda x: -sp.log(x) - G + _theta() * x,
    sp.besselk: lambda x: -sp.log(x / 2) - G + _theta() * x,
}
OF_ORDER = {sp.expint: 1, sp.besselk: 0}  # those of NEAR
MIRRORED = {  # of what goes to -infinity, by -x
    sp.erf: lambda x: -FORMS[sp.erf](x),
    sp.erfc: lambda x: 2 - FORMS[sp.erfc](x),
    sp.tanh: lambda x: -FORMS[sp.tanh](x),
}


def _logarithm(z: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """log of a sum with exponentials by its largest term, where all others vanish beside it."""
    if (known := _of_first_coefficient(z, u)) is not None:
        return known
    terms = sp.Add.make_args(sp.expand(z))
    if len(terms) == 1 or not any(t.has(sp.exp) for t in terms):
        return sp.log(z)
    for largest in terms:
        rest = [sp.powsimp(t / largest) for t in terms if t != largest]
        if largest.is_positive and all(vanishes(t, u) for t in rest):
            small = sp.Add(*rest)
            return sp.expand_log(sp.log(largest)) + small + _theta() * small**2
    return sp.log(z)


def _of_first_coefficient(z: sp.Expr, u: sp.Symbol) -> sp.Expr | None:
    """n log u + log c + theta u of c u^n + ..., a quotient of what is analytic at 0, c > 0, n not 0."""
    if not z.has(sp.exp) or not u.is_positive:
        return None
    parts = [known for part in sp.fraction(sp.together(z)) if (known := _first_coefficient(part, u))]
    if len(parts) < 2:
        return None
    (above, n), (below, m) = parts
    c = sp.factor(above / below)
    return (n - m) * sp.log(u) + sp.log(c) + _theta() * u if n != m and c.is_positive else None


def _first_coefficient(part: sp.Expr, u: sp.Symbol) -> tuple[sp.Expr, int] | None:
    """(c, n) of c u^n + ..., analytic at 0."""
    if not is_analytic_at(part, u, sp.S.Zero):
        return None
    for n in range(ORDERS):
        if (there := sp.factor(sp.expand(part.subs(u, 0)))) != 0:
            return (there / sp.factorial(n), n) if there.is_nonzero else None
        part = sp.diff(part, u)
    return None
