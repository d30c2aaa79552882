"""Polynomials: inequalities between rational functions of real symbols, by z3, where that is installed (`geomem[z3]`).

z3 decides the theory of real closed fields. That it finds no point where a line fails is a proof that trusts it; a point
that it finds is looked at again exactly, and a refutation trusts rational arithmetic alone. Its work is bounded by a count
of its own steps, so that the verdict does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import sympy as sp

from theory.judgement.points import Point, admits, fulfils

__all__ = ["decided"]

STEPS = 2_000_000  # of z3, about a second
LARGEST = 400  # operations
DIGITS = 40
SIGNS = (
    ("is_positive", ">"),
    ("is_negative", "<"),
    ("is_nonnegative", ">="),
    ("is_nonpositive", "<="),
    ("is_nonzero", "!="),
)
FAILS = {">": "<=", ">=": "<", "!=": "==", "=": "!="}
TESTS: dict[str, Any] = {
    ">": lambda p: p > 0,
    ">=": lambda p: p >= 0,
    "<": lambda p: p < 0,
    "<=": lambda p: p <= 0,
    "==": lambda p: p == 0,
    "!=": lambda p: p != 0,
}


def decided(difference: sp.Expr, relation: str, assume: Sequence[sp.Basic] = ()) -> Point | bool:
    """Whether `difference relation 0` on the whole domain: True, or a point where it may fail; False where that is not known.

    Args:
        difference: of the sides, a rational function of real symbols.
        relation: `>`, `>=` or `!=`.
        assume: relations between the symbols; those that are no polynomials are left out, and tried at the point.
    """
    z3 = _z3()
    if z3 is None:
        return False
    symbols = sorted(difference.free_symbols.union(*(a.free_symbols for a in assume)), key=str)
    parts = _parts(difference)
    if parts is None or not all(s.is_extended_real for s in symbols):
        return False
    names = {s: z3.Real(f"s{k}") for k, s in enumerate(symbols)}
    above, below = (_translated(part, names, z3) for part in parts)
    solver = z3.SolverFor("QF_NRA")
    solver.set("rlimit", STEPS)
    solver.add(below != 0, TESTS[FAILS[relation]](above * below if relation != "!=" else above))
    solver.add(*_domain(symbols, names), *_assumed(assume, names, z3))
    answer = solver.check()
    if answer == z3.unsat:
        return True
    return _checked(solver.model(), names, assume, z3) if answer == z3.sat else False


def _z3() -> Any:
    try:
        return import_module("z3")
    except ImportError:
        return None


def _parts(e: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """Numerator and denominator, where both are polynomials with rational coefficients."""
    if not e.free_symbols or e.count_ops() > LARGEST or not e.is_rational_function(*e.free_symbols):
        return None
    above, below = (sp.expand(part) for part in sp.fraction(sp.cancel(sp.together(e))))
    numbers = [c for part in (above, below) for c in sp.Poly(part, *sorted(e.free_symbols, key=str)).coeffs()]
    return (above, below) if all(c.is_Rational for c in numbers) else None


def _translated(e: sp.Expr, names: Mapping[sp.Symbol, Any], z3: Any) -> Any:
    total = z3.RealVal(0)
    for term in sp.Add.make_args(e):
        product = z3.RealVal(1)
        for factor in sp.Mul.make_args(term):
            base, power = factor.as_base_exp()
            for _ in range(int(power) if base in names else 1):
                product = product * (names[base] if base in names else z3.RealVal(str(factor)))
        total = total + product
    return total


def _domain(symbols: Sequence[sp.Symbol], names: Mapping[sp.Symbol, Any]) -> Iterator[Any]:
    """What the symbols' signs say."""
    for s in symbols:
        yield from (TESTS[relation](names[s]) for word, relation in SIGNS if getattr(s, word))
        if s.is_integer and s.is_positive:
            yield names[s] >= 1


def _assumed(assume: Sequence[sp.Basic], names: Mapping[sp.Symbol, Any], z3: Any) -> Iterator[Any]:
    for relation in assume:
        if not isinstance(relation, sp.core.relational.Relational):
            continue
        parts = _parts(relation.lhs - relation.rhs)
        if parts is not None and parts[1].is_number:
            yield TESTS[relation.rel_op](_translated(sp.expand(parts[0] / parts[1]), names, z3))


def _checked(model: Any, names: Mapping[sp.Symbol, Any], assume: Sequence[sp.Basic], z3: Any) -> Point | bool:
    """The point of a model, where it is one of the domain."""
    point = {s: _exact(model.eval(name, model_completion=True), z3) for s, name in names.items()}
    inside = all(v is not None and admits(s, v) for s, v in point.items())
    return point if inside and all(fulfils(point, relation) for relation in assume) else False


def _exact(value: Any, z3: Any) -> sp.Expr | None:
    """A rational number as it is, an algebraic one as the root of its polynomial, or next to it where that has no radicals."""
    if z3.is_rational_value(value):
        return sp.Rational(value.numerator_as_long(), value.denominator_as_long())
    if not z3.is_algebraic_value(value):
        return None
    x = sp.Dummy("x")
    coefficients = [sp.Rational(str(c)) for c in reversed(value.poly())]
    root = sp.real_roots(sp.Poly(coefficients, x))[value.index() - 1]
    return sp.Rational(str(sp.N(root, DIGITS))) if root.has(sp.CRootOf) else root
