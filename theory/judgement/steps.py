"""Steps: inequalities by what a step of one symbol by 1 changes, in which sums, factorials and the like become elementary.

Of a whole number: not negative at the least one, and not falling from one to the next. Of any positive symbol a: falling with
each step, and not negative in the limit, since f(a) = f(a) - f(a + 1) + f(a + 1) - f(a + 2) + ... + the limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.points import admits
from theory.judgement.positivity import is_shown
from theory.judgement.reduction import reduces_to_zero

__all__ = ["shown_by_steps", "stepped"]

A_STEP = 0.8  # seconds
LARGEST = 80  # operations
FARTHEST = 5  # steps between two arguments
FAMILIES = sp.loggamma, sp.gamma, sp.factorial, sp.polygamma, sp.harmonic, sp.binomial, sp.Sum
Trusts = tuple[str, ...]


def shown_by_steps(e: sp.Expr, strict: bool, assume: Sequence[sp.Basic] = ()) -> Trusts:
    """How it is shown, and what that trusts; empty where it is not."""
    if e.count_ops() > LARGEST:
        return ()
    for s in sorted(e.free_symbols, key=str):
        if any(s in relation.free_symbols for relation in assume) or not (s.is_nonnegative and _is_stepped(e, s)):
            continue
        step = patiently(A_STEP, stepped, e, s)
        if step is None or step.has(sp.Sum):
            continue
        if s.is_integer and (trusts := _from_the_least(e, s, step, strict, assume)):
            return trusts
        if s.is_positive and (trusts := _from_infinity(e, s, step, strict, assume)):
            return trusts
    return ()


def _is_stepped(e: sp.Expr, s: sp.Symbol) -> bool:
    """Whether a step makes it simpler: of a family's member, or, of a whole number, of a power."""
    members = e.atoms(*FAMILIES)
    if s.is_integer:
        members = members | {p for p in e.atoms(sp.Pow) if s in p.exp.free_symbols}
    return any(s in f.free_symbols for f in members)


def _from_the_least(e: sp.Expr, n: sp.Symbol, step: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    least = next((sp.Integer(k) for k in range(FARTHEST) if admits(n, sp.Integer(k))), None)
    if least is None or not admits(n, least + 1):
        return ()
    first = e.subs(n, least).doit()
    below = _is_sound(first, strict, assume)
    rising = is_shown(_from(step, n, least), False, assume) if below else ()
    return _told("not negative at the least, and not falling from one to the next", rising, below) if rising else ()


def _from(e: sp.Expr, n: sp.Symbol, least: sp.Integer) -> sp.Expr:
    """What holds of a real number from there on holds of a whole one."""
    real = sp.Dummy(n.name, nonnegative=True)
    return e if e.has(sp.Mod, sp.floor, sp.ceiling) else e.xreplace({n: least + real})


def _is_sound(value: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    if not strict and (trusts := reduces_to_zero(value)):
        return trusts
    return is_shown(value, strict, assume)


def _from_infinity(e: sp.Expr, s: sp.Symbol, step: sp.Expr, strict: bool, assume: Sequence[sp.Basic]) -> Trusts:
    value = limit_of(e, s, sp.S.Infinity, "")
    if value is None or not (value is sp.S.Infinity or value.is_finite):
        return ()
    beyond = ("rational arithmetic",) if value is sp.S.Infinity else _is_sound(value, False, assume)
    falling = is_shown(-step.xreplace({s: sp.Dummy(s.name, positive=True)}), strict, assume) if beyond else ()
    return _told("not negative at infinity, and falling with each step", falling, beyond) if falling else ()


def _told(words: str, *parts: Trusts) -> Trusts:
    """The words of this proof, and what its parts trust, theirs left out."""
    return tuple(dict.fromkeys((words, "recurrences", *(t for part in parts for t in part[1:] or part))))


# --- one step ---


def stepped(e: sp.Expr, s: sp.Symbol) -> sp.Expr | None:
    """e(s + 1) - e(s), each family by its lowest member; None where a sum is not longer by one term."""
    sums = {total: sp.Dummy("S") for total in e.atoms(sp.Sum) if s in total.free_symbols}
    if not all(_is_longer_by_one(total, s) for total in sums):
        return None
    longer = {
        name: total + total.function.subs(total.limits[0][0], total.limits[0][2] + 1) for total, name in sums.items()
    }
    grown = e.xreplace(sums).subs(s, s + 1).xreplace(longer)
    real = sp.Dummy(s.name, positive=s.is_positive, nonnegative=True)
    step = _lowered(_by_two_families(sp.expand(grown - e).xreplace({s: real})))
    return sp.expand(step.xreplace({real: s}))


def _is_longer_by_one(total: sp.Sum, s: sp.Symbol) -> bool:
    _, low, high = total.limits[0]
    free = total.function.free_symbols | low.free_symbols
    return len(total.limits) == 1 and s not in free and sp.expand(high.subs(s, s + 1) - high) == 1


def _by_two_families(e: sp.Expr) -> sp.Expr:
    """By log Gamma and digamma, of whole numbers as of real ones, of which sympy does not put log Gamma apart again."""
    e = e.replace(
        lambda f: isinstance(f, sp.log) and isinstance(f.args[0], sp.gamma), lambda f: sp.loggamma(*f.args[0].args)
    )
    return e.replace(sp.harmonic, lambda z: sp.digamma(z + 1) + sp.EulerGamma)


def _lowered(e: sp.Expr) -> sp.Expr:
    """log Gamma(z + 1) = log z + log Gamma(z), psi_m(z + 1) = psi_m(z) + (-1)^m m!/z^(m + 1), z > 0 (DLMF 5.5.1, 5.15.5)."""
    found = sorted(e.atoms(sp.loggamma, sp.polygamma), key=sp.default_sort_key)
    swaps = {}
    for f in found:
        below = [g for g in found if g.args[:-1] == f.args[:-1] and g.func == f.func]
        gaps = {g: sp.expand(f.args[-1] - g.args[-1]) for g in below}
        lowest = max((g for g in gaps if gaps[g].is_Integer), key=gaps.__getitem__)
        z, count = lowest.args[-1], int(gaps[lowest])
        if count <= FARTHEST and z.is_positive and (len(f.args) == 1 or f.args[0].is_Integer):
            swaps[f] = lowest + sum(_added(f, z + i) for i in range(count))
    return e.xreplace(swaps)


def _added(f: sp.Expr, z: sp.Expr) -> sp.Expr:
    if isinstance(f, sp.loggamma):
        return sp.log(z)
    m = f.args[0]
    return (-1) ** m * sp.factorial(m) / z ** (m + 1)
