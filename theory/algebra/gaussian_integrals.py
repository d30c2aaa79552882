"""Gaussian averages by sympy: every expectation of the derivations is one of the integrals here."""

from __future__ import annotations

from functools import cache

import sympy as sp

__all__ = ["density", "integral", "log_terms", "mean", "variance"]

_x = sp.Symbol("x", real=True)
_a = sp.Symbol("a", positive=True)
_b = sp.Symbol("b", real=True)


def density(x: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """N(x; 0, variance)."""
    return sp.exp(-(x**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


@cache
def _moment(n: int) -> sp.Expr:
    """int x^n exp(-a x^2 + b x) dx over the line; from n = 1 on, in units of n = 0: d/db brings down an x."""
    norm = sp.sqrt(sp.pi / _a) * sp.exp(_b**2 / (4 * _a))
    return sp.factor(sp.simplify(sp.diff(norm, _b, n) / norm)) if n else norm


def _factors(polynomial: sp.Expr, exponent: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """(average, square of the norm, exponent) of int polynomial exp(exponent) dx = average * norm * e^exponent.

    All three are rational, so that each can be put in lowest terms.
    """
    square, linear, constant = (sp.factor(c) for c in _quadratic(exponent, x))
    if not square.is_negative:
        raise ValueError(f"the integral over {x} may diverge: the coefficient of {x}^2 is {square}")
    at = {_a: -square, _b: linear}
    terms = sp.Poly(sp.expand(polynomial), x).terms()
    average = sum(c * (_moment(n).subs(at, simultaneous=True) if n else 1) for (n,), c in terms)
    flat = _moment(0).subs(_b, 0)
    peak = sp.expand_log(sp.log(_moment(0) / flat)).subs(at, simultaneous=True)
    return sp.factor(average), sp.factor(flat.subs(at) ** 2), sp.factor(sp.together(peak + constant))


def integral(polynomial: sp.Expr, exponent: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """int polynomial(x) exp(exponent(x)) dx over the line, for an exponent quadratic in x and concave.

    Raises:
        ValueError: where the exponent is not quadratic, or sympy cannot see that it is concave.
    """
    average, norm_squared, exponent = _factors(polynomial, exponent, x)
    return average * sp.sqrt(norm_squared) * sp.exp(exponent)


def _quadratic(exponent: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    coefficients = sp.Poly(sp.expand(exponent), x).all_coeffs()
    if len(coefficients) != 3:
        raise ValueError(f"the exponent must be quadratic in {x}, got {exponent}")
    return tuple(coefficients)


def mean(f: sp.Expr, x: sp.Symbol, variance: sp.Expr, weight: sp.Expr = sp.S.Zero) -> sp.Expr:
    """E[f(x) exp(weight(x))] over x ~ N(0, variance); f polynomial, the weight at most quadratic in x.

    Raises:
        ValueError: where the average diverges.
    """
    average, norm_squared, exponent = _factors(f, weight - x**2 / (2 * variance), x)
    return average * sp.sqrt(sp.factor(norm_squared / (2 * sp.pi * variance))) * sp.exp(exponent)


def variance(f: sp.Expr, variances: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Var f over independent centred Gaussians {symbol: variance}."""
    first, second = f, f**2
    for x, v in variances.items():
        first, second = sp.expand(mean(first, x, v)), sp.expand(mean(second, x, v))
    return sp.factor(second - first**2)


def log_terms(expression: sp.Expr) -> sp.Expr:
    """A sum of logarithms and rational terms, every coefficient in lowest terms."""
    expanded = sp.expand(expression, log=True)
    parts = sp.collect(expanded, sorted(expanded.atoms(sp.log), key=str), evaluate=False)
    return sp.Add(*(sp.factor(coefficient) * term for term, coefficient in parts.items()))
