"""Judgement: whether an identity or an inequality holds, and on what evidence.

A symbolic reduction alone is not trusted: it must also survive the attempt to refute it at points of the domain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from theory.algebra.enclosure import enclose, is_positive_on, point
from theory.derivation import Verdict

__all__ = ["judge_equal", "judge_positive"]

POINTS = 24
DECADES = (sp.Rational(1, 1000), sp.Integer(1000))  # of a positive symbol, for proofs by subdivision


def judge_equal(left: sp.Expr, right: sp.Expr) -> tuple[Verdict, str]:
    """Whether left = right for all values their symbols' assumptions admit, and on what evidence."""
    difference = sp.sympify(left) - sp.sympify(right)
    if difference.atoms(sp.Derivative):
        return _judge_differential(difference)
    try:
        witness, radius = _refute(difference)
    except (NotImplementedError, ZeroDivisionError) as error:
        return "inconclusive", f"not enclosed: {error}"
    if witness is not None:
        at = ", ".join(f"{s} = {v.str(6, radius=False)}" for s, v in witness.items())
        return "refuted", f"the Arb enclosure of the difference excludes 0 at {at or 'every point'}"
    if not math.isfinite(radius):
        return "inconclusive", "no finite enclosure at the sampled points"
    numbers = f"Arb enclosures at {POINTS} points contain 0 (radius below {max(radius, 1e-99):.0e})"
    if _reduces_to_zero(difference):
        return "proved", f"the difference reduces to 0 under the assumptions; {numbers}"
    return "supported", numbers


def _judge_differential(difference: sp.Expr) -> tuple[Verdict, str]:
    """An identity between functions and their derivatives, taken as independent symbols."""
    atoms = sorted(difference.atoms(sp.Derivative), key=lambda a: -a.derivative_count)
    symbols = {a: sp.Dummy(f"d{k}") for k, a in enumerate(atoms)}
    if sp.cancel(sp.together(difference.xreplace(symbols))) == 0:
        return "proved", "a rational identity between the functions and their derivatives"
    return "inconclusive", "not a rational identity between the functions and their derivatives"


def judge_positive(expression: sp.Expr) -> tuple[Verdict, str]:
    """Whether the expression is positive for all values its symbols' assumptions admit, and on what evidence."""
    for form in (expression, sp.factor(sp.together(expression)), sp.simplify(expression)):
        if form.is_positive:
            return "proved", "every factor is positive under the assumptions"
    try:
        for values in _points(expression.free_symbols):
            value = enclose(expression, values).real
            if value <= 0:
                at = ", ".join(f"{s} = {v.str(6, radius=False)}" for s, v in values.items())
                return "refuted", f"the Arb enclosure is not positive at {at or 'any point'}"
            if not value > 0:
                return "inconclusive", "an enclosure of the value does not exclude 0"
        if all(s.is_positive for s in expression.free_symbols):
            if _grows_from_zero(expression):
                return "proved", "it vanishes where a symbol does, and its derivative there on is positive"
            if is_positive_on(expression, dict.fromkeys(expression.free_symbols, DECADES)):
                return "supported", "Arb enclosures are positive on a cover of the domain from 1e-3 to 1e3"
    except (NotImplementedError, ZeroDivisionError) as error:
        return "inconclusive", f"not enclosed: {error}"
    return "supported", f"Arb enclosures are positive at {POINTS} points"


def _grows_from_zero(expression: sp.Expr) -> bool:
    for s in sorted(expression.free_symbols, key=str):
        if sp.factor(sp.diff(expression, s)).is_positive and sp.limit(expression, s, 0, "+").is_nonnegative:
            return True
    return False


def _refute(difference: sp.Expr) -> tuple[Mapping[sp.Symbol, Any] | None, float]:
    """A point where the difference cannot vanish, or None and the widest enclosure's radius."""
    widest = 0.0
    for values in _points(difference.free_symbols):
        enclosure = enclose(difference, values)
        if not (enclosure.real.contains(0) and enclosure.imag.contains(0)):
            return values, math.inf
        radius = max(float(enclosure.real.rad()), float(enclosure.imag.rad()))
        widest = max(widest, radius if math.isfinite(radius) else math.inf)
    return None, widest


def _points(symbols: set[sp.Symbol]) -> list[dict[sp.Symbol, Any]]:
    """Points of the domain: the same ones every time, spread over six decades for what is positive."""
    rng = np.random.default_rng(20260101)
    ordered = sorted(symbols, key=str)
    # the signs of real symbols run through every pattern, so that no quadrant is missed by chance
    return [{s: _draw(s, rng, negative=bool(k >> j & 1)) for j, s in enumerate(ordered)} for k in range(POINTS)]


def _draw(symbol: sp.Symbol, rng: np.random.Generator, negative: bool) -> Any:
    if symbol.is_integer:
        low = 2 if symbol.is_positive else 0 if symbol.is_nonnegative else -20  # counts: at 1 the formulas degenerate
        return point(int(rng.integers(low, 41)))
    if symbol.is_nonnegative:
        return point(round(10 ** rng.uniform(-3, 3), 6))
    if symbol.is_real:
        return point(round(rng.uniform(0, 5) * (-1 if negative else 1), 6))
    return point(*(round(v, 6) for v in rng.uniform(-5, 5, 2)))


def _reduces_to_zero(difference: sp.Expr) -> bool:
    """Symbolic reduction under the symbols' assumptions: exact for rational functions, attempted beyond."""
    if sp.cancel(sp.together(difference)) == 0:
        return True
    expanded = sp.expand_log(sp.powdenest(sp.expand_power_base(difference)))
    return any(sp.simplify(form) == 0 for form in (expanded, sp.expand_log(expanded, force=False), difference))
