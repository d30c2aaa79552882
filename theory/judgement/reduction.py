"""Reduction: whether an expression is 0 on its domain, by algebra under the assumptions of its symbols.

Each way has a name, which a proof states: sympy's algebra is trusted by name, and only after no point refuted the line.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import sympy as sp

from theory.judgement.patience import patiently
from theory.judgement.recurrences import lowered
from theory.judgement.smooth import is_smooth

__all__ = ["reduces_to_zero", "with_factored_bases"]

SECONDS = 1.0  # for each way
MOST_CASES = 24
HIGHEST = 200  # degree
Way = Callable[[sp.Expr], sp.Expr]


def reduces_to_zero(expression: sp.Expr) -> tuple[str, ...]:
    """What was trusted to reduce the expression to 0; empty where nothing did."""
    expression = _without_polylogarithms(expression)
    if expression == 0:
        return ("rational arithmetic",)
    if _is_of_a_huge_degree(expression):
        return ()
    if trusted := _directly(expression):
        return trusted
    for cases, name in (_by_sign(expression), _by_parity(expression), _by_residue(expression)):
        if cases != [expression] and len(cases) <= MOST_CASES:
            found = [_directly(case) or _constant(case) if case != 0 else ("rational arithmetic",) for case in cases]
            if found and all(found):
                return tuple(dict.fromkeys((name, *itertools.chain.from_iterable(found))))
    return _constant(expression)


def _without_polylogarithms(e: sp.Expr) -> sp.Expr:
    """Li_1(z) = -log(1 - z)."""
    return e.replace(lambda f: isinstance(f, sp.polylog) and f.args[0] == 1, lambda f: -sp.log(1 - f.args[1]))


def _is_of_a_huge_degree(expression: sp.Expr) -> bool:
    """Whether it holds p^n, as exp(-10^30), which as a polynomial in p is more than a factorization in C comes back from."""
    exponents = (power.as_base_exp()[1] for power in expression.atoms(sp.Pow, sp.exp))
    return any(n.is_Rational and max(abs(n.p), n.q) > HIGHEST for n in exponents)


def _directly(expression: sp.Expr) -> tuple[str, ...]:
    positive = _with_positive_symbols(expression)
    for name, way in WAYS.items():
        if patiently(SECONDS, way, positive) == 0:
            return (name,)
    return ()


def _with_positive_symbols(expression: sp.Expr) -> sp.Expr:
    """-p in place of a negative symbol: sympy knows more rules for what is positive."""
    return expression.xreplace({s: -sp.Dummy(str(s), positive=True) for s in expression.free_symbols if s.is_negative})


def _logarithms(e: sp.Expr) -> sp.Expr:
    e = e.replace(sp.log, lambda z: sp.log(sp.factor(sp.together(z))))
    expanded = sp.expand_log(sp.powdenest(sp.expand_power_base(e)))
    return sp.factor(sp.expand(sp.expand_log(sp.expand(expanded, log=True))))


def _exponentials(e: sp.Expr) -> sp.Expr:
    return sp.cancel(sp.together(sp.expand(sp.expand(e.rewrite(sp.exp)), power_exp=True, power_base=True)))


def _conjugates(e: sp.Expr) -> sp.Expr:
    """Real and imaginary parts and squared moduli by z and its conjugate."""

    def squared(p: sp.Pow) -> sp.Expr:
        z = p.base.args[0]
        return (z * sp.conjugate(z)) ** (p.exp / 2)

    e = e.replace(lambda p: isinstance(p, sp.Pow) and isinstance(p.base, sp.Abs) and p.exp.is_even, squared)
    e = e.replace(sp.re, lambda z: (z + sp.conjugate(z)) / 2)
    return sp.expand(e.replace(sp.im, lambda z: (z - sp.conjugate(z)) / (2 * sp.I)))


def _lambert(e: sp.Expr) -> sp.Expr:
    """exp(n W(z)) = (z/W(z))^n, by definition, and W(z exp(z)) = z for z >= 0."""
    e = e.replace(
        lambda w: isinstance(w, sp.LambertW) and len(w.args) == 1 and _of_product(w.args[0]) is not None,
        lambda w: _of_product(w.args[0]),
    )

    def replaced(p: sp.Expr) -> sp.Expr:
        n, w = p.args[0].as_coeff_Mul()
        return (w.args[0] / w) ** n if isinstance(w, sp.LambertW) and n.is_Integer else p

    return sp.cancel(sp.together(e.replace(lambda p: isinstance(p, sp.exp), replaced)))


def _of_product(product: sp.Expr) -> sp.Expr | None:
    """z of z exp(z), where that is not negative."""
    power = next((f for f in sp.Mul.make_args(product) if isinstance(f, sp.exp)), None)
    if power is None or not power.args[0].is_nonnegative or sp.expand(product - power.args[0] * power) != 0:
        return None
    return power.args[0]


def _algebraic(e: sp.Expr) -> sp.Expr:
    """0 where its minimal polynomial is x; of numbers."""
    x = sp.Dummy("x")
    return sp.S.Zero if e.is_number and e.is_algebraic and sp.minimal_polynomial(e, x) == x else e


def _recurrences(e: sp.Expr) -> sp.Expr:
    e = e.replace(
        lambda f: isinstance(f, sp.expint),
        lambda f: f.args[1] ** (f.args[0] - 1) * sp.uppergamma(1 - f.args[0], f.args[1]),
    )
    return sp.simplify(sp.expand_func(sp.gammasimp(sp.combsimp(e.rewrite(sp.gamma) if e.has(sp.factorial) else e))))


def _roots(e: sp.Expr) -> sp.Expr:
    """Roots of products as products of roots, where the factors are positive."""
    return sp.cancel(sp.together(sp.powdenest(sp.expand_power_base(with_factored_bases(e, _is_root)))))


def with_factored_bases(e: sp.Expr, of: Callable[[sp.Pow], bool]) -> sp.Expr:
    """The bases of those powers over one denominator, and in factors."""
    return e.replace(lambda p: isinstance(p, sp.Pow) and of(p), lambda p: sp.factor(sp.together(p.base)) ** p.exp)


def _is_root(power: sp.Pow) -> bool:
    """Whether its exponent is a broken number."""
    return bool(power.exp.is_Rational and not power.exp.is_Integer)


WAYS: dict[str, Way] = {
    "rational arithmetic": lambda e: sp.cancel(sp.together(e)),
    "sympy.expand": lambda e: sp.expand(e, complex=False),
    "sympy.expand_log": _logarithms,
    "|z|^2 = z conj(z)": _conjugates,
    "W exp(W) = z": _lambert,
    "sympy.rewrite(exp)": _exponentials,
    "sympy.gammasimp": _recurrences,
    "recurrences (DLMF)": lambda e: sp.cancel(sp.together(sp.powsimp(sp.expand(lowered(e), func=False)))),
    "roots of factors": _roots,
    "sympy.hyperexpand": lambda e: sp.simplify(sp.hyperexpand(e)) if e.has(sp.hyper, sp.meijerg) else e,
    "sympy.simplify": lambda e: sp.simplify(e, doit=False),
    "sympy.simplify of logarithms": lambda e: sp.simplify(sp.expand_log(sp.powdenest(sp.expand_power_base(e)))),
    "sympy.trigsimp": sp.trigsimp,
    "sympy.minimal_polynomial": _algebraic,
}


# --- cases ---


def _by_sign(e: sp.Expr) -> tuple[list[sp.Expr], str]:
    """The expression where each argument whose sign matters is positive, negative and zero, where that is one symbol's doing."""
    cases = [e]
    for _ in range(2):
        split = [list(_split(case)) for case in cases]
        if all(len(s) == 1 for s in split):
            break
        cases = list(itertools.chain.from_iterable(split))
    return cases, "cases by sign"


def _split(e: sp.Expr) -> Iterator[sp.Expr]:
    for argument in _signed(e):
        for s in sorted(argument.free_symbols, key=str):
            slope = sp.diff(argument, s)
            rest = sp.expand(argument - slope * s)
            if s.is_extended_real and slope.is_Rational and s not in rest.free_symbols and rest.is_extended_real:
                positive = sp.Dummy("p", positive=True)
                for value in (positive - rest, -positive - rest, -rest):
                    yield _evaluated(e, s, value / slope)
                return
    yield e


def _evaluated(e: sp.Expr, s: sp.Symbol, value: sp.Expr) -> sp.Expr:
    """The case, a removable point of it left out."""
    found = e.subs(s, value)
    return sp.S.Zero if found is sp.nan else sp.piecewise_fold(found) if found.has(sp.Piecewise) else found


def _signed(e: sp.Expr) -> list[sp.Expr]:
    found: list[sp.Expr] = []
    for a in sp.preorder_traversal(e):
        if isinstance(a, sp.Abs | sp.sign | sp.Heaviside):
            found.append(a.args[0])
        elif isinstance(a, sp.Max | sp.Min) and len(a.args) == 2:
            found.append(a.args[0] - a.args[1])
        elif isinstance(a, sp.core.relational.Relational):
            found.append(a.lhs - a.rhs)
        elif isinstance(a, sp.log) and a.args[0].is_Symbol:
            found.append(a.args[0])
        elif isinstance(a, sp.Pow) and a.exp.is_integer is not True and a.base.is_Symbol:
            found.append(a.base)
    return [sp.expand(a) for a in dict.fromkeys(found) if a.is_positive is not True]


def _by_parity(e: sp.Expr) -> tuple[list[sp.Expr], str]:
    """The expression at even and at odd values of each integer."""
    integers = [s for s in sorted(e.free_symbols, key=str) if s.is_integer]
    if not integers or len(integers) > 2:
        return [e], ""
    cases = [e]
    for s in integers:
        j = sp.Dummy("j", integer=True)
        halves = [2 * j + 1] if s.is_odd else [2 * j] if s.is_even else [2 * j, 2 * j + 1]
        cases = [sp.expand(case.subs(s, value), power_exp=True, trig=True) for case in cases for value in halves]
    return cases, "cases by parity"


def _by_residue(e: sp.Expr) -> tuple[list[sp.Expr], str]:
    """The expression where the one integer in remainders of polynomials is each of the remainders."""
    remainders = [m for m in e.atoms(sp.Mod) if m.args[1].is_Integer and m.args[0].free_symbols]
    symbols = set().union(*(m.free_symbols for m in remainders))
    modulus = math.lcm(*(int(m.args[1]) for m in remainders))
    if len(symbols) != 1 or not 1 < modulus <= MOST_CASES:
        return [e], ""
    s = symbols.pop()
    if not s.is_integer or not all(m.args[0].is_polynomial(s) and _is_whole(m.args[0], s) for m in remainders):
        return [e], ""
    parity = {r for r in (0, 1) if not (s.is_odd if r == 0 else s.is_even)} if modulus % 2 == 0 else {0, 1}
    values = [
        {m: sp.Integer(m.args[0].subs(s, r) % m.args[1]) for m in remainders} for r in range(modulus) if r % 2 in parity
    ]
    return [e.xreplace(value) for value in values], "cases by remainder"


def _is_whole(polynomial: sp.Expr, s: sp.Symbol) -> bool:
    return all(c.is_Integer for c in sp.Poly(polynomial, s).all_coeffs())


# --- constants ---


def _constant(e: sp.Expr) -> tuple[str, ...]:
    """A smooth function whose derivative is 0 and which is 0 at one point."""
    for s in sorted(e.free_symbols, key=str):
        if s.is_integer or not s.is_extended_real or not is_smooth(e, s):
            continue
        trusted = _directly(_without_polylogarithms(sp.diff(e, s)))
        for there, at in _simple(e, s) if trusted else ():
            below = ("rational arithmetic",) if there == 0 else _directly(there)
            if below:
                return tuple(
                    dict.fromkeys((f"a derivative by {s} that vanishes, and the value at {s} = {at}", *trusted, *below))
                )
    return ()


def _simple(e: sp.Expr, s: sp.Symbol) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """The expression where the symbol is a simple number, and the number; at 0 too where it is smooth up to there."""
    closed = sp.Dummy(str(s), nonnegative=True)
    if s.is_positive and is_smooth(there := e.xreplace({s: closed}), closed):
        yield there.subs(closed, 0), sp.S.Zero
    yield from ((e.subs(s, at), at) for at in map(sp.S, (1, 0, -1)) if _allowed(s, at))


def _allowed(s: sp.Symbol, value: sp.Expr) -> bool:
    return (
        bool(value.is_positive)
        if s.is_positive
        else bool(value.is_negative)
        if s.is_negative
        else not s.is_nonzero or value != 0
    )
