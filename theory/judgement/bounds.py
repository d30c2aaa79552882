"""Bounds: named inequalities of special functions, put in place of them where the sign of their coefficient is seen.

For z > 0 (NIST Digital Library of Mathematical Functions 7.8.2, 5.11; W exp(W) = z and exp(-W) > 1 - W):
2/(z + sqrt(z^2 + 2)) < sqrt(pi) exp(z^2) erfc z < 2/(z + sqrt(z^2 + 4/pi)),
log z - 1/(2 z) - 1/(12 z^2) < digamma z < log z - 1/(2 z),   and harmonic z = digamma z + 1/z + gamma,
0 < log Gamma z - (z - 1/2) log z + z - log(2 pi)/2 < 1/(12 z),   z/(1 + z) < W(z) < log(1 + z).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

__all__ = ["BOUNDED", "bounded"]

Bound = Callable[[sp.Expr], sp.Expr]


def _mills(c: sp.Expr) -> Bound:
    return lambda z: 2 * sp.exp(-(z**2)) / (sp.sqrt(sp.pi) * (z + sp.sqrt(z**2 + c)))


def _stirling(z: sp.Expr) -> sp.Expr:
    return (z - sp.Rational(1, 2)) * sp.log(z) - z + sp.log(2 * sp.pi) / 2


BOUNDED: dict[type, tuple[Bound, Bound]] = {  # below and above, neither reached
    sp.erfc: (_mills(sp.Integer(2)), _mills(4 / sp.pi)),
    sp.polygamma: (
        lambda z: sp.log(z) - 1 / (2 * z) - 1 / (12 * z**2),
        lambda z: sp.log(z) - 1 / (2 * z),
    ),
    sp.harmonic: (
        lambda z: sp.log(z) + sp.EulerGamma + 1 / (2 * z) - 1 / (12 * z**2),
        lambda z: sp.log(z) + sp.EulerGamma + 1 / (2 * z),
    ),
    sp.loggamma: (_stirling, lambda z: _stirling(z) + 1 / (12 * z)),
    sp.LambertW: (lambda z: z / (1 + z), lambda z: sp.log(1 + z)),
}


def bounded(e: sp.Expr) -> Iterator[sp.Expr]:
    """Expressions that are less than e wherever it is defined: with a bound in place of one of its functions."""
    for f in sorted(e.atoms(*BOUNDED), key=sp.default_sort_key):
        if not f.args[-1].is_positive or (isinstance(f, sp.polygamma) and f.args[0] != 0) or _is_another(f):
            continue
        name = sp.Dummy("f")
        linear = sp.expand(e.xreplace({f: name}))
        share = sp.diff(linear, name)
        if share.has(name) or not (share.is_positive or share.is_negative):
            continue
        below, above = BOUNDED[type(f)]
        yield linear.xreplace({name: (below if share.is_positive else above)(f.args[-1])})


def _is_another(f: sp.Expr) -> bool:
    """Another branch, or a sum of other powers."""
    return isinstance(f, sp.LambertW | sp.harmonic) and len(f.args) > 1
