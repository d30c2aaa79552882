"""Squared distance: its Laplace transform, from the average of exp(-theta (x - y)^2) over a Gaussian sample."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import lam, q, theta, x, y
from theory.derivation import Derivation

__all__ = ["derive", "log_laplace"]

ORDERS = range(4)


@cache
def log_laplace() -> sp.Expr:
    """log E_y exp(-theta (x - y)^2), y ~ N(0, lambda), at q = x^2, one direction."""
    transform = gaussian.mean(sp.Integer(1), y, lam, -theta * (x - y) ** 2)
    return sp.expand_log(sp.log(transform)).subs(x**2, q)


@cache
def derive() -> Derivation:
    """The transform, and its derivatives: the cumulants of the tilted law."""
    d = Derivation(
        "squared_distance",
        "the logarithm of the Laplace transform of a squared distance adds up over directions",
        "derived here",
        "y ~ N(0, lambda) in each direction, x fixed, q = x^2; lambda, theta > 0",
    )
    shrink = 1 + 2 * lam * theta
    transform = d.compute(
        "Laplace transform",
        r"\log E_y e^{-\theta (x-y)^2}",
        log_laplace(),
        -sp.log(shrink) / 2 - theta * q / shrink,
        "complete the square in y; compared with a Gaussian in x of variance lambda + 1/2theta, up to its norm",
    )
    for order in ORDERS:
        d.result(f"log Laplace transform, derivative {order}", sp.diff(transform, theta, order), lam, q, theta)
    return d
