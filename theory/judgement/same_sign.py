"""Same sign: other expressions, of the sign of the one that is to be shown positive, in which that is more easily seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp

from theory.judgement.substitution import above_one

__all__ = ["beside_a_term", "in_order", "plainer", "squared", "unscaled"]

MOST_TERMS, MOST_SCALED = 4, 4
HALF = sp.Rational(1, 2)


def unscaled(e: sp.Expr) -> sp.Expr:
    """The expression with 1 for a positive symbol, where all of some symbols times c > 0 multiply it by a power of c."""
    lengths = [s for s in sorted(e.free_symbols, key=str) if s.is_nonnegative and not s.is_integer]
    positive = [s for s in lengths if s.is_positive]
    if not positive or len(lengths) > MOST_SCALED:
        return e
    for size in range(len(lengths), 1, -1):
        for some in itertools.combinations(lengths, size):
            ones = [s for s in some if s in positive]
            if ones and _is_homogeneous(e, some):
                return min((e.subs(s, 1) for s in ones), key=sp.count_ops)
    return e


def _is_homogeneous(e: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> bool:
    c = sp.Dummy("c", positive=True)
    scaled = _with_factors(e.subs({s: c * s for s in symbols}, simultaneous=True))
    powers = {term.as_independent(c, as_Add=False)[1] for term in sp.Add.make_args(sp.expand(scaled))}
    return len(powers) == 1 and all(
        c not in p.as_base_exp()[1].free_symbols and p.as_base_exp()[0] in (c, 1) for p in powers
    )


def _with_factors(e: sp.Expr) -> sp.Expr:
    """Arguments and what powers are of in factors, and roots of products as products of roots."""
    if e.is_Atom:
        return e
    parts = [_with_factors(a) for a in e.args]
    if isinstance(e, sp.Function):
        parts = [sp.factor(sp.together(a)) for a in parts]
    if isinstance(e, sp.Pow) and isinstance(parts[0], sp.Add):
        parts[0] = sp.factor(sp.together(parts[0]))
    return sp.expand_power_base(e.func(*parts), deep=False)


def plainer(e: sp.Expr) -> sp.Expr:
    """With a logarithm that stands alone, or without an exponential that can be divided by."""
    alone = _lone_logarithm(e)
    return alone if alone != e else _without_an_exponential(e)


def _without_an_exponential(e: sp.Expr) -> sp.Expr:
    """A sum over the exponential that leaves the fewest terms with one."""
    if not isinstance(e, sp.Add):
        return e
    rates = sorted({f.args[0] for f in e.atoms(sp.exp) if f.args[0].is_real}, key=sp.default_sort_key)
    forms = [e, *(sp.expand(e * sp.exp(-rate)) for rate in rates)]
    return min(forms, key=lambda form: sum(term.has(sp.exp) for term in sp.Add.make_args(form)))


def _lone_logarithm(e: sp.Expr) -> sp.Expr:
    """A/|B| +- log C of A + B log C, where B has its sign and no other logarithm is left: the slope has none then."""
    above, below = sp.fraction(sp.together(e))
    names = {f: sp.Dummy("l") for f in sorted(e.atoms(sp.log), key=sp.default_sort_key) if f.free_symbols}
    linear = sp.expand(sp.expand(above).xreplace(names))
    shares = [linear.coeff(name) for name in names.values()]
    rest = linear.subs(dict.fromkeys(names.values(), 0))
    is_linear = sp.expand(linear - rest - sum(s * n for s, n in zip(shares, names.values(), strict=True))) == 0
    if not names or not is_linear or shares[0] == 0 or not sp.factor(below).is_positive:
        return e
    times = [sp.cancel(share / shares[0]) for share in shares]
    first = sp.factor(shares[0])
    if len(names) > 1 and not all(f.args[0].is_positive for f in names):
        return e
    if not all(n.is_Integer for n in times) or not (first.is_positive or first.is_negative):
        return e
    inside = sp.factor(sp.together(sp.prod([f.args[0] ** n for f, n in zip(names, times, strict=True)])))
    return (sp.cancel(rest / first) + sp.log(inside)) * (1 if first.is_positive else -1)


def beside_a_term(e: sp.Expr) -> sp.Expr:
    """A sum over the modulus of one of its terms: of powers with a symbol for their exponent, 1 and what is less are left."""
    terms = sp.Add.make_args(sp.expand(sp.numer(sp.together(e)), power_base=False))
    below = sp.factor(above_one(sp.denom(sp.together(e))))
    if not 2 <= len(terms) <= MOST_TERMS or not below.is_positive:
        return e
    for term in terms:
        if not (term.is_positive or term.is_negative):
            continue
        beside = [sp.powsimp(other / term) for other in terms]
        found = sp.factor(sp.together(above_one(sp.Add(*beside) * (1 if term.is_positive else -1))))
        if found.is_positive or found.is_nonnegative:
            return found
    return e


def squared(e: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """Pairs of which both have to be positive: R and R^2 - c^2 Q of R + c sqrt(Q), Q > 0, or c and c^2 Q - R^2."""
    if e.has(sp.log, sp.exp):  # whose squares are no simpler
        return
    roots = [p for p in e.atoms(sp.Pow) if abs(p.exp) == HALF and isinstance(p.base, sp.Add) and p.free_symbols]
    for inside in sorted({p.base for p in roots}, key=sp.default_sort_key):
        if not inside.is_positive:
            continue
        root = sp.Dummy("r", positive=True)
        above, below = sp.fraction(sp.together(e.replace(
            lambda p, q=inside: isinstance(p, sp.Pow) and p.base == q and (2 * p.exp).is_Integer,
            lambda p, r=root: r ** (2 * p.exp),
        )))  # fmt: skip
        if not sp.factor(below).is_positive or not above.is_polynomial(root):
            continue
        share, rest = _linear(sp.Poly(above, root), inside)
        if share == 0:
            continue
        gap = sp.factor(sp.expand(rest**2 - share**2 * inside))
        yield sp.factor(rest), gap
        yield sp.factor(share), -gap


def _linear(p: sp.Poly, square: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """c and R of c r + R, where r^2 is known."""
    parts = [sp.S.Zero, sp.S.Zero]
    for (n,), value in p.terms():
        parts[n % 2] += value * square ** (n // 2)
    return sp.expand(parts[1]), sp.expand(parts[0])


def in_order(e: sp.Expr) -> list[sp.Expr]:
    """The expression in each order of its two or three positive symbols: c, c + u, c + u + v; none where it is not rational."""
    symbols = sorted(e.free_symbols, key=str)
    if not 2 <= len(symbols) <= 3 or not all(s.is_positive for s in symbols) or not e.is_rational_function(*symbols):
        return []
    steps = [sp.Dummy("c", positive=True), *(sp.Dummy("u", nonnegative=True) for _ in symbols[1:])]
    sizes = list(itertools.accumulate(steps))
    return [
        e.subs(dict(zip(order, sizes, strict=True)), simultaneous=True) for order in itertools.permutations(symbols)
    ]
