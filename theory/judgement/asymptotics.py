"""Asymptotics: functions far out by their leading terms, and what is left out by a bounded number.

For x > 0 (NIST Digital Library of Mathematical Functions 5.11, 7.12, and Taylor's theorem), |theta| <= 1:
erfc x = exp(-x^2) (1 + theta/x^2) / (x sqrt(pi)), digamma x = log x - 1/(2 x) + theta/x^2,
log Gamma x = (x - 1/2) log x - x + log(2 pi)/2 + theta/x, log(1 + x) = x + theta x^2 and exp x = 1 + 2 theta x for |x| <= 1/2.
"""

from __future__ import annotations

import sympy as sp

from theory.judgement.growth import grows, vanishes

__all__ = ["expanded", "thetas"]

HYPERBOLIC = sp.cosh, sp.sinh


def expanded(e: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """The expression as u falls to 0, with bounded unknowns in place of what is left out."""
    e = e.replace(lambda f: f.func in MIRRORED and grows(-f.args[0], u), lambda f: MIRRORED[f.func](-f.args[0]))
    e = e.replace(lambda f: isinstance(f, HYPERBOLIC) and grows(f.args[0], u), lambda f: f.rewrite(sp.exp))
    e = e.replace(
        lambda f: isinstance(f, sp.harmonic) and len(f.args) == 1, lambda f: sp.digamma(f.args[0] + 1) + sp.EulerGamma
    )
    e = e.replace(lambda f: _kind(f) in FORMS and grows(f.args[-1], u), lambda f: FORMS[_kind(f)](f.args[-1]))
    e = e.replace(sp.log, lambda z: _logarithm(z, u))
    e = e.replace(lambda p: isinstance(p, sp.Pow) and u in p.exp.free_symbols and u in p.base.free_symbols,
                  lambda p: sp.exp(p.exp * sp.log(p.base)))  # fmt: skip
    return e.replace(
        sp.exp, lambda z: 1 + 2 * _theta() * z if vanishes(z, u) and not z.is_rational_function(u) else sp.exp(z)
    )


def _kind(f: sp.Basic) -> type:
    """The function; sympy's digamma is a polygamma of order 0."""
    return sp.digamma if isinstance(f, sp.polygamma) and f.args[0] == 0 else type(f)


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
MIRRORED = {  # of what goes to -infinity, by -x
    sp.erf: lambda x: -FORMS[sp.erf](x),
    sp.erfc: lambda x: 2 - FORMS[sp.erfc](x),
    sp.tanh: lambda x: -FORMS[sp.tanh](x),
}


def _logarithm(z: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """log of a sum with exponentials by its largest term, where all others vanish beside it."""
    terms = sp.Add.make_args(sp.expand(z))
    if len(terms) == 1 or not any(t.has(sp.exp) for t in terms):
        return sp.log(z)
    for largest in terms:
        rest = [sp.powsimp(t / largest) for t in terms if t != largest]
        if largest.is_positive and all(vanishes(t, u) for t in rest):
            small = sp.Add(*rest)
            return sp.expand_log(sp.log(largest)) + small + _theta() * small**2
    return sp.log(z)
