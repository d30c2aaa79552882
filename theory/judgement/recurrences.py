"""Recurrences: special functions of orders that differ by whole numbers, by the one or two of the lowest order among them.

NIST Digital Library of Mathematical Functions 8.8, 8.19.12, 10.6.1, 10.29.1, 18.9, 25.11.3, 13.2.39 (Kummer), 5.5.4 and 4.13.1.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

__all__ = ["lowered"]

MOST_STEPS = 6
Step = Callable[..., sp.Expr | None]


def _edge(s: sp.Expr, x: sp.Expr) -> sp.Expr:
    return x**s * sp.exp(-x)


# f(s + 1, x) by f(s, x); None where that divides by what may vanish
ONE_LOWER: dict[type, Step] = {
    sp.uppergamma: lambda f, s, x: s * f(s, x) + _edge(s, x) if x.is_positive else None,
    sp.lowergamma: lambda f, s, x: s * f(s, x) - _edge(s, x) if x.is_positive else None,
    sp.expint: lambda f, s, x: (sp.exp(-x) - x * f(s, x)) / s if s.is_nonzero else None,
}
# f(n + 1, x) by f(n, x) and f(n - 1, x)
TWO_LOWER: dict[type, Step] = {
    sp.besselj: lambda f, n, x: 2 * n / x * f(n, x) - f(n - 1, x) if x.is_nonzero else None,
    sp.bessely: lambda f, n, x: 2 * n / x * f(n, x) - f(n - 1, x) if x.is_nonzero else None,
    sp.besseli: lambda f, n, x: f(n - 1, x) - 2 * n / x * f(n, x) if x.is_nonzero else None,
    sp.besselk: lambda f, n, x: f(n - 1, x) + 2 * n / x * f(n, x) if x.is_nonzero else None,
    sp.hermite: lambda f, n, x: 2 * x * f(n, x) - 2 * n * f(n - 1, x),
    sp.legendre: lambda f, n, x: (
        ((2 * n + 1) * x * f(n, x) - n * f(n - 1, x)) / (n + 1) if (n + 1).is_nonzero else None
    ),
    sp.laguerre: lambda f, n, x: (
        ((2 * n + 1 - x) * f(n, x) - n * f(n - 1, x)) / (n + 1) if (n + 1).is_nonzero else None
    ),
    sp.chebyshevt: lambda f, n, x: 2 * x * f(n, x) - f(n - 1, x),
    sp.chebyshevu: lambda f, n, x: 2 * x * f(n, x) - f(n - 1, x),
}


def lowered(e: sp.Expr) -> sp.Expr:
    """The expression with each function of a higher order replaced, and what is reflected or inverted turned about."""
    e = _turned(e)
    for kinds, left in ((ONE_LOWER, 1), (TWO_LOWER, 2)):
        for f in sorted(e.atoms(*kinds), key=sp.default_sort_key):
            others = [g for g in e.atoms(f.func) if len(f.args) == len(g.args) == 2 and g.args[1] == f.args[1]]
            gaps = [sp.expand(f.args[0] - g.args[0]) for g in others]
            above = max((int(gap) for gap in gaps if gap.is_Integer), default=0)
            if left <= above <= MOST_STEPS and (value := _down(f, above, left, kinds[f.func])) is not None:
                e = e.xreplace({f: value})
    return _by_hurwitz(e)


def _down(f: sp.Expr, above: int, left: int, step: Step) -> sp.Expr | None:
    """f, `above` orders above the lowest, by those that are `left` of them."""
    order, x = f.args
    lowest = sp.expand(order - above)
    known = [f.func(sp.expand(lowest + k), x) for k in range(left)]
    names = [sp.Dummy() for _ in known]
    values = list(names)
    for k in range(left, above + 1):
        marks = {sp.expand(lowest + k - 1 - i): values[-1 - i] for i in range(left)}
        value = step(lambda n, _, marks=marks: marks[sp.expand(n)], sp.expand(lowest + k - 1), x)
        if value is None:
            return None
        values.append(value)
    return values[-1].xreplace(dict(zip(names, known, strict=True)))


def _by_hurwitz(e: sp.Expr) -> sp.Expr:
    """zeta(s, a + 1) = zeta(s, a) - a^-s for a > 0."""
    for f in sorted(e.atoms(sp.zeta), key=sp.default_sort_key):
        if len(f.args) == 2 and (f.args[1] - 1).is_positive and sp.zeta(f.args[0], f.args[1] - 1) in e.atoms(sp.zeta):
            s, a = f.args[0], f.args[1] - 1
            e = e.xreplace({f: sp.zeta(s, a) - a ** (-s)})
    return e


def _turned(e: sp.Expr) -> sp.Expr:
    """Kummer's transformation, digamma reflected, and log W(z) = log z - W(z) for z > 0."""
    e = e.replace(
        lambda h: isinstance(h, sp.hyper) and len(h.ap) == len(h.bq) == 1 and h.argument.could_extract_minus_sign(),
        lambda h: sp.exp(h.argument) * sp.hyper([h.bq[0] - h.ap[0]], h.bq, -h.argument),
    )
    e = e.replace(
        lambda p: isinstance(p, sp.polygamma) and p.args[0] == 0 and p.args[1].could_extract_minus_sign(),
        lambda p: sp.digamma(1 - p.args[1]) - sp.pi * sp.cot(sp.pi * p.args[1]),
    )
    return e.replace(
        lambda f: isinstance(f, sp.log) and isinstance(f.args[0], sp.LambertW) and f.args[0].args[0].is_positive,
        lambda f: sp.log(f.args[0].args[0]) - f.args[0] if len(f.args[0].args) == 1 else f,
    )
