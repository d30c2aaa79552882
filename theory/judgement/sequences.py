"""Sequences: lines over lambda[k], k = 1, ..., n, term by term where that proves them, and written out for small n."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

import sympy as sp

from theory.judgement.judgement import WORST_FIRST, Judge, Judgement, Relation
from theory.judgement.patience import patiently
from theory.judgement.points import admits

__all__ = ["is_of_sequences", "judge_sequences"]

SMALL, LARGEST, MOST = 2, 4, 6  # sizes tried before a proof is and after it, and how many of them
FOR_A_SIZE = 0.9  # seconds
_AtSize = tuple[Mapping[sp.Symbol, sp.Integer], Judgement]


def is_of_sequences(*sides: sp.Basic) -> bool:
    """Whether a side holds elements of a sequence, such as lambda[k]."""
    return any(side.has(sp.Indexed) for side in sides)


def judge_sequences(
    judge: Judge,
    left: sp.Expr,
    right: sp.Expr,
    relation: Relation,
    at: Sequence[Any],
    assume: Sequence[sp.Basic],
) -> Judgement:
    """Whether a line holds of every sequence whose elements are as the assumptions on it say.

    Args:
        judge: of lines without sequences.
        left: the left side.
        right: the right side.
        relation: as of `judge`.
        at: as of `judge`; empty where there is none.
        assume: as of `judge`.
    """
    if not (sizes := _sizes(left, right)):
        return _written_out(judge, left, right, relation, at, assume)
    found: list[_AtSize] = []
    values = list(islice(_values(sizes, assume), MOST))
    for first in (True, False):
        for here in (some for some in values if first == (max(some.values()) <= SMALL)):
            judged = patiently(FOR_A_SIZE, _at_size, judge, left, right, relation, at, assume, here)
            if judged is not None and judged.verdict == "refuted":
                return replace(judged, witness={**{str(s): str(v) for s, v in here.items()}, **judged.witness})
            found.append((here, judged or Judgement("inconclusive", "its time was up")))
        proof = _term_by_term(judge, left - right, relation, at, assume) if first else None
        if proof is not None:
            return proof
    return _all_together(found, sizes)


# --- written out ---


def _sizes(*sides: sp.Expr) -> list[sp.Symbol]:
    """The symbols that the ends of sums and the places of elements depend on."""
    inert = {e for side in sides for e in side.atoms(sp.Sum, sp.Product)}
    bound = {k for e in inert for k, *_ in e.limits}
    ends = {s for e in inert for _, *limits in e.limits for limit in limits for s in limit.free_symbols}
    places = {s for side in sides for e in side.atoms(sp.Indexed) for i in e.indices for s in i.free_symbols}
    return sorted((ends | (places if ends else set())) - bound, key=str)


def _at_size(
    judge: Judge,
    left: sp.Expr,
    right: sp.Expr,
    relation: Relation,
    at: Sequence[Any],
    assume: Sequence[sp.Basic],
    values: Mapping[sp.Symbol, sp.Integer],
) -> Judgement:
    """The line written out for one size, each element a symbol of its own."""
    one, other = left.subs(values), right.subs(values)
    point = [p.subs(values) if isinstance(p, sp.Basic) else p for p in at]
    held = [there for a in assume if (there := a.subs(values)) != sp.true]
    return _written_out(judge, one, other, relation, point, held)


def _all_together(found: Sequence[_AtSize], sizes: Sequence[sp.Symbol]) -> Judgement:
    """What holds at small sizes is supported."""
    if not found:
        return Judgement("inconclusive", f"no size up to {LARGEST} is in the domain of {', '.join(map(str, sizes))}")
    known = [(values, judged) for values, judged in found if judged.verdict != "inconclusive"]
    if not known:
        return found[0][1]
    worst = min((judged for _, judged in known), key=lambda j: WORST_FIRST.index(j.verdict))
    told = "; ".join(", ".join(f"{s} = {v}" for s, v in values.items()) for values, _ in known)
    trusts = tuple(dict.fromkeys(trust for _, judged in known for trust in judged.trusts))
    evidence = f"written out at {told}: {worst.verdict}, {worst.evidence}"
    return Judgement("supported", evidence, trusts, cannot_exclude="other sizes")


def _values(sizes: Sequence[sp.Symbol], assume: Sequence[sp.Basic]) -> Iterator[dict[sp.Symbol, sp.Integer]]:
    """Small sizes that the assumptions admit, the smallest first."""
    numbers = range(LARGEST + 1)
    for chosen in sorted(product(numbers, repeat=len(sizes)), key=lambda values: (max(values), values)):
        values = {s: sp.Integer(n) for s, n in zip(sizes, chosen, strict=True)}
        fits = all(admits(s, n) for s, n in values.items())
        if fits and all(relation.subs(values) != sp.false for relation in assume):
            yield values


def _written_out(
    judge: Judge, left: sp.Expr, right: sp.Expr, relation: Relation, at: Sequence[Any], assume: Sequence[sp.Basic]
) -> Judgement:
    """The line with sums of known length written out, and a symbol for each element."""
    sides = [_plain(_doit(side)) for side in (left, right)]
    if is_of_sequences(*sides):
        return Judgement("inconclusive", "a sum over a sequence has no end that is known; name it, as in (k, 1, n)")
    return judge(*sides, relation, at=tuple(at) or None, assume=assume)


def _doit(side: sp.Expr) -> sp.Expr:
    """The sums and products with elements in them written out, the innermost first."""
    return side.replace(
        lambda e: isinstance(e, sp.Sum | sp.Product) and e.has(sp.Indexed) and e.has_finite_limits,
        lambda e: e.doit(deep=False),
    )


def _plain(e: sp.Expr) -> sp.Expr:
    """A symbol for each element whose place is no index of a sum."""
    summed = {k for inert in e.atoms(sp.Sum, sp.Product) for k, *_ in inert.limits}
    return _with_symbols(e, (one for one in e.atoms(sp.Indexed) if not one.free_symbols & summed))


def _with_symbols(e: sp.Expr, elements: Iterable[sp.Indexed]) -> sp.Expr:
    """A symbol for each of the elements, with the assumptions on the sequence."""
    return e.xreplace({one: sp.Symbol(str(one), **one.base.label._assumptions_orig) for one in elements})


# --- term by term ---


def _term_by_term(
    judge: Judge, gap: sp.Expr, relation: Relation, at: Sequence[Any], assume: Sequence[sp.Basic]
) -> Judgement | None:
    """A proof that a sum vanishes, is positive or tends to 0, for each of its terms does; None where that is none."""
    if relation not in ("=", ">", ">=", "tends"):
        return None
    gap = _inside(gap)
    if gap == 0 and relation in ("=", ">="):
        return Judgement("proved", "both sides are the same sum", ("rational arithmetic",))
    found = _as_one_sum(gap)
    if found is None:
        return None
    term, (k, low, high) = found
    element = _plain_at(term, k)
    if element is None:
        return None
    if relation == "tends" and (high - low).has(at[0]):
        return None
    judged = [judge(element, sp.S.Zero, relation, at=tuple(at) or None, assume=assume)]
    if relation in (">", ">="):
        judged.append(judge(high - low, sp.S.Zero, ">=", assume=assume))  # there is a term
    if any(j.verdict != "proved" for j in judged):
        return None
    trusts = tuple(dict.fromkeys(trust for j in judged for trust in j.trusts))
    return Judgement("proved", f"term by term: {judged[0].evidence}", trusts)


def _plain_at(term: sp.Expr, k: sp.Symbol) -> sp.Expr | None:
    """A term of a sum with a symbol for each element at k; None where it holds others, or sums."""
    elements = term.atoms(sp.Indexed)
    if term.has(sp.Sum, sp.Product) or any(one.indices != (k,) for one in elements):
        return None
    return _with_symbols(term, elements)


def _as_one_sum(gap: sp.Expr) -> tuple[sp.Expr, tuple[Any, Any, Any]] | None:
    """The expression as one sum, by its term and limits; None where it is none.

    What stands beside the sums is a multiple of their length, as in sum of 1 + lambda[k] = n + sum of lambda[k].
    """
    terms: dict[tuple[Any, Any], sp.Expr] = {}
    k, rest = sp.Dummy("k", integer=True), sp.S.Zero
    for part in sp.Add.make_args(sp.expand(gap, deep=False)):
        factor, sums = part.as_independent(sp.Sum, as_Add=False)
        if sums == 1:
            rest += part
            continue
        if not isinstance(sums, sp.Sum) or len(sums.limits) != 1:
            return None
        i, *ends = sums.limits[0]
        ends_key = tuple(ends)
        terms[ends_key] = terms.get(ends_key, sp.S.Zero) + factor * sums.function.xreplace({i: k})
    if len(terms) != 1:
        return None
    ((low, high), term) = terms.popitem()
    each = sp.cancel(rest / (high - low + 1))
    if each.free_symbols & (high - low).free_symbols:
        return None
    return term + each, (k, low, high)


def _inside(e: sp.Expr) -> sp.Expr:
    """Derivatives of sums as sums of derivatives, logarithms of products of positive factors as sums of logarithms."""

    def of_derivative(d: sp.Derivative) -> sp.Expr:
        total = d.expr
        return sp.Sum(sp.Derivative(total.function, *d.variable_count).doit(), *total.limits)

    def of_logarithm(logarithm: sp.log) -> sp.Expr:
        total = logarithm.args[0]
        return sp.Sum(sp.log(total.function), *total.limits)

    e = e.replace(lambda d: isinstance(d, sp.Derivative) and isinstance(d.expr, sp.Sum), of_derivative)
    return e.replace(
        lambda g: isinstance(g, sp.log) and isinstance(g.args[0], sp.Product) and _is_positive(g.args[0].function),
        of_logarithm,
    )


def _is_positive(factor: sp.Expr) -> bool:
    return bool(_with_symbols(factor, factor.atoms(sp.Indexed)).is_positive)
