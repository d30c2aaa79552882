"""Gaussian averages by sympy: every expectation of the derivations goes through these two integrals."""

from __future__ import annotations

from functools import cache

import sympy as sp

__all__ = ["density", "mean", "variance"]

_x = sp.Symbol("x", real=True)
_a = sp.Symbol("a", positive=True)
_b = sp.Symbol("b", real=True)


def density(x: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """N(x; 0, variance)."""
    return sp.exp(-(x**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


@cache
def _integral(power: int) -> sp.Expr:
    """int x^power exp(-a x^2 + b x) dx over the line, which sympy integrates once per power."""
    return sp.simplify(sp.integrate(_x**power * sp.exp(-_a * _x**2 + _b * _x), (_x, -sp.oo, sp.oo)))


def integral(polynomial: sp.Expr, exponent: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """int polynomial(x) exp(exponent(x)) dx over the line, for an exponent quadratic in x and concave.

    Raises:
        ValueError: where the exponent is not quadratic, or sympy cannot see that it is concave.
    """
    square, linear, constant = _quadratic(exponent, x)
    if not sp.factor(-square).is_positive:
        raise ValueError(f"the integral over {x} may diverge: the coefficient of {x}^2 is {square}")
    at = {_a: sp.factor(-square), _b: sp.factor(linear)}
    terms = sp.Poly(sp.expand(polynomial), x).terms()
    total = sum(c * _integral(n).subs(at, simultaneous=True) for (n,), c in terms)
    # exp(b^2/4a + c) is one Gaussian again: put its exponent in lowest terms
    completed = sp.factor(sp.together(at[_b] ** 2 / (4 * at[_a]) + constant))
    prefactor = sp.simplify(total * sp.exp(-at[_b] ** 2 / (4 * at[_a])))
    return prefactor * sp.exp(completed)


def _quadratic(exponent: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    coefficients = sp.Poly(sp.expand(exponent), x).all_coeffs()
    if len(coefficients) > 3:
        raise ValueError(f"the exponent must be quadratic in {x}, got {exponent}")
    padded = [sp.Integer(0)] * (3 - len(coefficients)) + coefficients
    return padded[0], padded[1], padded[2]


def mean(f: sp.Expr, x: sp.Symbol, variance: sp.Expr, weight: sp.Expr = sp.Integer(0)) -> sp.Expr:
    """E[f(x) exp(weight(x))] over x ~ N(0, variance); f polynomial, the weight at most quadratic in x."""
    return sp.simplify(integral(f, weight - x**2 / (2 * variance), x) / sp.sqrt(2 * sp.pi * variance))


def variance(f: sp.Expr, variances: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Var f over independent centred Gaussians {symbol: variance}."""
    first, second = f, f**2
    for x, v in variances.items():
        first, second = mean(first, x, v), mean(second, x, v)
    return sp.factor(second - first**2)
