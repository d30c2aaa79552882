"""Matrices and operators: element by element, or by small integer matrices in place of symbols."""

from __future__ import annotations

import functools
import itertools
import operator
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.matrices.exceptions import NonInvertibleMatrixError

from theory.judgement.equality import judge_equal
from theory.judgement.free_algebra import vanishes
from theory.judgement.judgement import WORST_FIRST, Judge, Judgement, Relation
from theory.judgement.patience import deadline, patiently

__all__ = ["is_of_matrices", "judge_matrices", "judge_order"]

SIZES = 2, 3, 1
LARGEST, A_FORM = 3, 1.5  # rows or columns, and seconds, of what is judged entry by entry
DRAWS = 2  # of matrices of each size
A_NUMBER, FOR_ALL = 0.4, 1.6  # seconds, to compare what is made of matrices of numbers
CLOSE = 1e-9
BY_RULES = "0 by the rules of inverses, transposes, traces and determinants"
Matrix = NDArray[Any]


def is_of_matrices(*sides: sp.Basic) -> bool:
    """Whether a side is a matrix, or holds matrix symbols or symbols that do not commute."""
    return any(
        isinstance(s, sp.MatrixBase)
        or s.has(sp.MatrixExpr)
        or any(a.is_commutative is False for a in s.atoms(sp.Symbol))
        for s in sides
    )


def judge_matrices(left: sp.Basic, right: sp.Basic, assume: Sequence[sp.Basic] = ()) -> Judgement:
    """Whether two matrices, or two expressions of matrices, are equal."""
    explicit = [isinstance(s, sp.MatrixBase) for s in (left, right)]
    if all(explicit):
        return _by_element(left, right, assume)
    if any(s.has(sp.MatrixExpr) for s in (left, right)):
        entries = [side.doit() for side in (left, right)] if not _symbols(left, right) else []
        if not entries or any(side.has(sp.MatrixExpr) and not isinstance(side, sp.MatrixBase) for side in entries):
            return _of_symbols(left, right)
        if any(isinstance(side, sp.MatrixBase) for side in entries):
            return judge_matrices(entries[0], entries[1], assume)
        return judge_equal(entries[0], entries[1], assume)
    if any(explicit):
        return Judgement("refuted", "one side is a matrix, the other is not")
    return _of_operators(left, right)


def _by_element(left: sp.MatrixBase, right: sp.MatrixBase, assume: Sequence[sp.Basic]) -> Judgement:
    if left.shape != right.shape:
        return Judgement("refuted", f"shapes {left.shape} and {right.shape}", sides=(str(left.shape), str(right.shape)))
    found = [judge_equal(a, b, assume) for a, b in zip(left, right, strict=True) if a != b]
    if not found:
        return Judgement("proved", "element by element the same", ("rational arithmetic",))
    worst = min(found, key=lambda j: WORST_FIRST.index(j.verdict))
    return Judgement(
        worst.verdict,
        f"element by element; {worst.evidence}",
        tuple(dict.fromkeys(t for j in found for t in j.trusts)),
        worst.witness,
        worst.sides,
        worst.exceptions,
        worst.cannot_exclude,
    )


# --- symbols that do not commute ---


def _of_operators(left: sp.Expr, right: sp.Expr) -> Judgement:
    """Words in the free algebra, or tried as matrices."""
    difference = sp.expand(left - right)
    if difference == 0:
        return Judgement("proved", "the same in the free algebra", ("sympy.expand",))
    if patiently(A_FORM, vanishes, left - right):
        return Judgement("proved", BY_RULES, ("the free algebra", "rational arithmetic"))
    symbols = sorted((left - right).free_symbols, key=str)
    for n in SIZES[:2]:
        values = {
            s: _integers(n, n, k) / 4 if not s.is_commutative else (k + 2) * np.eye(n) for k, s in enumerate(symbols)
        }
        try:
            a, b = (_as_matrix(side, values, n) for side in (left, right))
        except NotImplementedError as error:
            return Judgement("inconclusive", f"{error}")
        if not np.allclose(a, b, rtol=CLOSE, atol=CLOSE):
            witness = {str(s): str(m.tolist()) for s, m in values.items()}
            sides = tuple(str(np.real_if_close(m).round(6).tolist()) for m in (a, b))
            return Judgement("refuted", f"as {n} x {n} matrices the sides differ", ("numpy",), witness, sides)
    if _is_of_words(difference):  # equal for small matrices only: words in free symbols are independent
        evidence = "the sides differ in the free algebra, where they are sums of different words"
        return Judgement("refuted", evidence, ("sympy.expand",))
    return Judgement(
        "supported",
        "equal as matrices of sizes 2 and 3",
        ("numpy",),
        cannot_exclude="other operators",
    )


def _is_of_words(e: sp.Expr) -> bool:
    """Whether it is a sum of numbers times words of symbols, with whole powers."""
    factors = [f for term in sp.Add.make_args(e) for f in sp.Mul.make_args(term)]
    return all(
        f.is_number or (base.is_commutative is False and base.is_Symbol and power.is_Integer and power > 0)
        for f in factors
        for base, power in [f.as_base_exp()]
    )


def _integers(rows: int, columns: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(20260101 + seed).integers(-4, 5, (rows, columns))


def _as_matrix(e: sp.Expr, values: Mapping[sp.Symbol, Matrix], n: int) -> Matrix:
    if e in values:
        return values[e]
    if e.is_number:
        return complex(e) * np.eye(n)
    arguments = [_as_matrix(a, values, n) for a in (e.args[:1] if isinstance(e, sp.Pow) else e.args)]
    if isinstance(e, sp.Add):
        return np.sum(arguments, axis=0)
    if isinstance(e, sp.Mul):
        return functools.reduce(np.matmul, arguments)
    if isinstance(e, sp.exp):
        from scipy.linalg import expm

        return expm(arguments[0])
    if isinstance(e, sp.Pow) and e.base.is_positive and e.base.is_number:
        from scipy.linalg import expm

        return expm(float(sp.log(e.base)) * _as_matrix(e.exp, values, n))
    if isinstance(e, sp.Pow) and e.exp.is_Integer:
        return np.linalg.matrix_power(arguments[0], int(e.exp))
    raise NotImplementedError(f"{e.func.__name__} of operators is not known for matrices")


# --- matrix symbols ---


def _of_symbols(left: sp.Basic, right: sp.Basic) -> Judgement:
    """Matrix symbols of any size: integer matrices of small sizes in their place, exactly."""
    if left == right or left.doit() == right.doit():
        return Judgement("proved", "the same by sympy's rules for matrices", ("sympy.matrices",))
    if getattr(left, "shape", ()) == getattr(right, "shape", ()) and patiently(A_FORM, vanishes, left - right):
        return Judgement("proved", BY_RULES, ("the free algebra", "rational arithmetic"))
    symbols, lengths = _symbols(left, right), _lengths(left, right)
    if not lengths and (found := _symbolically(left, right, symbols)) is not None:
        return found
    tried = 0
    for sizes, draw in itertools.product(_all_sizes(lengths), range(DRAWS)):
        values = {s: _drawn(s, sizes, draw + DRAWS * k) for k, s in enumerate(symbols)}
        try:
            a, b = (_explicit(side, values, sizes) for side in (left, right))
        except NonInvertibleMatrixError:
            continue
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            return Judgement("inconclusive", f"not evaluated for matrices of numbers: {error}")
        if getattr(a, "shape", ()) != getattr(b, "shape", ()):
            return Judgement("refuted", f"one side is {a}, the other {b}: of other shapes")
        tried += 1
        if a != b and _differ(a - b):
            sides = tuple(str(m.tolist()) if isinstance(m, sp.MatrixBase) else str(m) for m in (a, b))
            evidence = f"for these rational matrices the sides are {sides[0]} and {sides[1]}"
            return Judgement("refuted", evidence, ("rational arithmetic",), _told(sizes, values), sides)
    if not tried:
        return Judgement("inconclusive", "defined at none of the matrices tried")
    return Judgement(
        "supported",
        f"equal at {tried} draws of rational matrices of sizes 1, 2 and 3",
        ("rational arithmetic",),
        cannot_exclude="larger sizes, and matrices of a set so thin that none of it was drawn",
    )


def _differ(gap: Any) -> bool:
    """Whether a difference is seen not to vanish: of numbers, or of rational functions, which differ somewhere."""
    entries = list(gap) if isinstance(gap, sp.MatrixBase) else [gap]
    return any(sp.simplify(e) != 0 and e.is_rational_function(*e.free_symbols) for e in entries)


def _told(sizes: Mapping[Any, sp.Integer], values: Mapping[Any, sp.ImmutableMatrix]) -> dict[str, str]:
    """The matrices of a witness, and their sizes."""
    return {str(length): str(n) for length, n in sizes.items()} | {str(s): str(m.tolist()) for s, m in values.items()}


def judge_order(
    judge: Judge, left: sp.Expr, right: sp.Expr, relation: Relation, assume: Sequence[sp.Basic]
) -> Judgement:
    """Whether a number made of matrices is above, or differs from, another: tried on zero, one and rational matrices.

    Args:
        judge: of numbers.
        left: the left side.
        right: the right side.
        relation: `>`, `>=` or `!=`.
        assume: as of `judge`.
    """
    if any(getattr(side, "shape", ()) for side in (left, right)):
        return Judgement("inconclusive", "matrices have no order; take a trace, a determinant or x.T*A*x of them")
    symbols, tried, end = _symbols(left, right), 0, deadline(FOR_ALL)
    for sizes in _all_sizes(_lengths(left, right)):
        for values in _with_the_simplest(symbols, sizes):
            if time.thread_time() > end:
                break
            try:
                a, b = (_number(_explicit(side, values, sizes)) for side in (left, right))
            except NonInvertibleMatrixError:
                continue
            except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
                return Judgement("inconclusive", f"not evaluated for matrices of numbers: {error}")
            found = patiently(A_NUMBER, functools.partial(judge, a, b, relation, assume=assume))
            if found is None or found.verdict == "inconclusive":
                continue
            if found.verdict == "refuted":
                return replace(found, witness={**_told(sizes, values), **found.witness})
            tried += 1
    if not tried:
        return Judgement("inconclusive", "decided at none of the matrices tried")
    return Judgement(
        "supported",
        f"it holds at {tried} draws of rational matrices of sizes 1, 2 and 3",
        ("rational arithmetic",),
        cannot_exclude="larger sizes, and matrices other than those drawn",
    )


def _with_the_simplest(
    symbols: Sequence[sp.MatrixSymbol], sizes: Mapping[Any, sp.Integer]
) -> Iterator[dict[sp.MatrixSymbol, sp.ImmutableMatrix]]:
    """Zeros, where inequalities touch, ones along the diagonal of either sign, and draws."""
    for diagonal in (0, 1, -1):
        yield {s: sp.ImmutableMatrix(diagonal * sp.eye(*_shape(s, sizes))) for s in symbols}
    for draw in range(2 * DRAWS):
        yield {s: _drawn(s, sizes, draw + 2 * DRAWS * k) for k, s in enumerate(symbols)}


def _number(side: Any) -> sp.Expr:
    """The number that a matrix of one row and one column is."""
    return side[0, 0] if isinstance(side, sp.MatrixBase) and side.shape == (1, 1) else sp.sympify(side)


def _symbols(*sides: sp.Basic) -> list[sp.MatrixSymbol]:
    return sorted(set().union(*(side.atoms(sp.MatrixSymbol) for side in sides)), key=str)


def _lengths(*sides: sp.Basic) -> set[sp.Symbol]:
    """The symbols that stand for numbers of rows and columns."""
    shapes = (m.shape for side in sides for m in sp.preorder_traversal(side) if _has_shape(m))
    return {length for shape in shapes for length in shape if isinstance(length, sp.Symbol)}


def _all_sizes(lengths: Collection[sp.Symbol]) -> Iterator[dict[sp.Symbol, sp.Integer]]:
    """The same for all, or different ones for different symbols: what holds for square matrices may hold for no others."""
    ordered = sorted(lengths, key=str)
    for k, n in enumerate(SIZES):
        several = [SIZES[(k + i) % len(SIZES)] for i in range(len(ordered))]
        for sizes in dict.fromkeys(((n,) * len(ordered), tuple(several))):
            yield dict(zip(ordered, map(sp.Integer, sizes), strict=True))


def _symbolically(left: sp.Basic, right: sp.Basic, symbols: Sequence[sp.MatrixSymbol]) -> Judgement | None:
    """Small matrices of one size, with a symbol for each entry; None where that proves nothing."""
    if any(length > LARGEST for s in symbols for length in s.shape):
        return None
    entries = {s: _of_entries(s) for s in symbols}
    sides = patiently(A_FORM, lambda: [_explicit(side, entries, {}) for side in (left, right)])
    if sides is None:
        return None
    explicit = [isinstance(s, sp.MatrixBase) for s in sides]
    if any(explicit) and not all(explicit):
        return None
    found = _by_element(*sides) if all(explicit) else judge_equal(*sides)
    return found if found.verdict == "proved" else None


def _of_entries(s: sp.MatrixSymbol) -> sp.ImmutableMatrix:
    rows, columns = map(int, s.shape)
    return sp.ImmutableMatrix(rows, columns, lambda i, j: sp.Symbol(f"{s.name}_{i + 1}{j + 1}", complex=True))


def _has_shape(e: sp.Basic) -> bool:
    return isinstance(e, sp.MatrixExpr)


def _drawn(s: sp.MatrixSymbol, sizes: Mapping[Any, sp.Integer], seed: int) -> sp.ImmutableMatrix:
    """A matrix of that shape with small rational entries, the same one every time."""
    return sp.ImmutableMatrix(_integers(*_shape(s, sizes), seed).tolist()) / (1 + seed % 3)


def _shape(s: sp.MatrixSymbol, sizes: Mapping[Any, sp.Integer]) -> tuple[int, int]:
    rows, columns = (int(sp.sympify(length).subs(sizes)) for length in s.shape)
    return rows, columns


def _explicit(e: sp.Basic, values: Mapping[Any, sp.ImmutableMatrix], sizes: Mapping[Any, sp.Integer]) -> Any:
    """The expression with matrices of numbers in place of its symbols.

    Raises:
        NotImplementedError: where it stays an expression of matrices.
        NonInvertibleMatrixError: of one that has no inverse.
    """
    if e in values:
        return values[e]
    if isinstance(e, sp.Identity):
        return sp.ImmutableMatrix(sp.eye(int(e.rows.subs(sizes))))
    if isinstance(e, sp.ZeroMatrix):
        return sp.ImmutableMatrix(sp.zeros(*(int(length.subs(sizes)) for length in e.shape)))
    if not e.args or isinstance(e, sp.MatrixBase):
        return e.subs(sizes)
    arguments = [_explicit(a, values, sizes) for a in e.args]
    for kind, known in OPERATIONS.items():
        if isinstance(e, kind):
            return known(*arguments)
    found = e.func(*arguments).doit()
    if found.has(sp.MatrixExpr):
        raise NotImplementedError(f"{e.func.__name__} of matrices of numbers")
    return found


def _product(*factors: Any) -> Any:
    return functools.reduce(operator.mul, factors)


OPERATIONS: dict[Any, Callable[..., Any]] = {
    sp.MatAdd: lambda *terms: functools.reduce(operator.add, terms),
    sp.MatMul: _product,
    sp.Inverse: lambda m, *_: m.inv(),
    sp.MatPow: lambda m, power: m**power,
    sp.Transpose: lambda m: m.T,
    sp.Adjoint: lambda m: m.H,
    sp.Trace: lambda m: m.trace(),
    sp.Determinant: lambda m: m.det(),
}
