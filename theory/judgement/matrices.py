"""Matrices and operators: element by element, or by random rational matrices of small sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp

from theory.judgement.equality import judge_equal
from theory.judgement.judgement import Judgement

__all__ = ["is_of_matrices", "judge_matrices"]

SIZES = 2, 3, 1


def is_of_matrices(*sides: sp.Basic) -> bool:
    """Whether a side is a matrix, or holds matrix symbols or symbols that do not commute."""
    return any(
        isinstance(s, sp.MatrixBase | sp.MatrixExpr) or s.atoms(sp.MatrixSymbol) or s.is_commutative is False for s in sides
    )


def judge_matrices(left: sp.Basic, right: sp.Basic, assume: Sequence[sp.Basic] = ()) -> Judgement:
    """Whether two matrices, or two expressions of matrices, are equal."""
    if all(isinstance(s, sp.MatrixBase) for s in (left, right)):
        return _by_element(left, right, assume)
    if not (left - right if not isinstance(left, sp.MatrixExpr) else sp.S.Zero).atoms(sp.MatrixSymbol) and not isinstance(left, sp.MatrixExpr):
        return _of_operators(left, right)
    return _of_symbols(left, right)


def _by_element(left: sp.MatrixBase, right: sp.MatrixBase, assume: Sequence[sp.Basic]) -> Judgement:
    if left.shape != right.shape:
        return Judgement("refuted", f"shapes {left.shape} and {right.shape}")
    found = [judge_equal(a, b, assume) for a, b in zip(left, right, strict=True) if a != b]
    if not found:
        return Judgement("proved", "element by element the same", ("rational arithmetic",))
    worst = min(found, key=lambda j: ("refuted", "inconclusive", "supported", "proved").index(j.verdict))
    trusts = tuple(dict.fromkeys(t for j in found for t in j.trusts))
    return Judgement(worst.verdict, f"element by element; {worst.evidence}", trusts, worst.witness, worst.sides, worst.exceptions, worst.cannot_exclude)


def _of_operators(left: sp.Expr, right: sp.Expr) -> Judgement:
    """Symbols that do not commute: words in the free algebra, or tried as matrices."""
    symbols = sorted((s for s in (left - right).free_symbols if not s.is_commutative), key=str)
    if sp.expand(left - right) == 0:
        return Judgement("proved", "the same in the free algebra", ("sympy.expand",))
    for n in SIZES[:2]:
        found = {s: _random(n, seed) for seed, s in enumerate(symbols)}
        a, b = (_as_matrix(side, found, n) for side in (left, right))
        if a is None or b is None:
            return Judgement("inconclusive", "a function of operators that is not known for matrices")
        if not np.allclose(a, b, rtol=1e-9, atol=1e-9):
            return Judgement("refuted", f"as {n} x {n} matrices the sides differ", ("numpy",), {str(s): str(m.tolist()) for s, m in found.items()},
                             (str(a.round(6).tolist()), str(b.round(6).tolist())))  # fmt: skip
    return Judgement("supported", "the sides agree as matrices of sizes 2 and 3", ("numpy",), cannot_exclude="operators that are no small matrices")


def _random(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(20260101 + seed).integers(-3, 4, (n, n)) / 4


def _as_matrix(e: sp.Expr, values: dict[sp.Symbol, np.ndarray], n: int) -> np.ndarray | None:
    if e in values:
        return values[e]
    if e.is_number:
        return complex(e) * np.eye(n)
    if isinstance(e, sp.Add | sp.Mul):
        parts = [_as_matrix(a, values, n) for a in e.args]
        if any(p is None for p in parts):
            return None
        total = parts[0]
        for p in parts[1:]:
            total = total + p if isinstance(e, sp.Add) else total @ p
        return total
    if isinstance(e, sp.exp):
        from scipy.linalg import expm

        inner = _as_matrix(e.args[0], values, n)
        return None if inner is None else expm(inner)
    if isinstance(e, sp.Pow) and e.exp.is_Integer:
        inner = _as_matrix(e.base, values, n)
        return None if inner is None else np.linalg.matrix_power(inner, int(e.exp))
    return None


def _of_symbols(left: sp.Basic, right: sp.Basic) -> Judgement:
    """Matrix symbols of a symbolic size: integer matrices of small sizes, exactly."""
    if left == right or left.doit() == right.doit():
        return Judgement("proved", "the same after sympy's rules for matrices", ("sympy.matrices",))
    symbols = sorted(left.atoms(sp.MatrixSymbol) | right.atoms(sp.MatrixSymbol), key=str)
    lengths = sorted({length for s in symbols for length in s.shape if isinstance(length, sp.Symbol)}, key=str)
    for n in SIZES:
        try:
            sides = [_instantiated(side, symbols, {length: sp.Integer(n) for length in lengths}) for side in (left, right)]
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            return Judgement("inconclusive", f"not evaluated for matrices of size {n}: {error}")
        if sides[0] != sides[1] and not sp.simplify(sides[0] - sides[1]).is_zero_matrix if isinstance(sides[0], sp.MatrixBase) else sides[0] != sides[1]:
            return Judgement("refuted", f"for integer matrices of size {n} the sides are {_short(sides[0])} and {_short(sides[1])}", ("rational arithmetic",),
                             {**{str(length): str(n) for length in lengths}}, (_short(sides[0]), _short(sides[1])))  # fmt: skip
    return Judgement("supported", "equal for integer matrices of sizes 1, 2 and 3", ("rational arithmetic",), cannot_exclude="larger sizes")


def _short(e: sp.Basic) -> str:
    return str(e.tolist()) if isinstance(e, sp.MatrixBase) else str(e)


def _instantiated(e: sp.Basic, symbols: Sequence[sp.MatrixSymbol], lengths: dict[sp.Symbol, sp.Integer]) -> sp.Basic:
    filled = {}
    for seed, s in enumerate(symbols):
        rows, columns = (int(sp.sympify(length).subs(lengths)) for length in s.shape)
        entries = np.random.default_rng(20260101 + seed).integers(-4, 5, (rows, columns))
        filled[s] = sp.ImmutableMatrix(entries.tolist())
    return e.xreplace(filled).subs(lengths).doit()
