"""Switches: where a modulus, a sign or a maximum changes its branch, if one symbol decides it; and the branch on either side."""

from __future__ import annotations

import sympy as sp

__all__ = ["BROKEN", "Branch", "argument", "branches", "sides"]

ORDERS = sp.Gt, sp.Ge, sp.Lt, sp.Le
BROKEN = sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min
Branch = tuple[sp.Expr, sp.Basic]


def sides(e: sp.Expr) -> tuple[Branch, ...]:
    """Two pairs (expression without its first switch, relation under which it is that); none where there is no such switch."""
    for switch in sorted(e.atoms(sp.Abs, sp.Max, sp.Min), key=sp.default_sort_key):
        gap, above, below = branches(switch)
        relation = _decided(gap)
        if relation is not None:
            turned = sp.Le if isinstance(relation, sp.Ge) else sp.Ge
            other = turned(relation.lhs, relation.rhs, evaluate=False)
            return (e.xreplace({switch: above}), relation), (e.xreplace({switch: below}), other)
    return _of_branches(e)


def _of_branches(e: sp.Expr) -> tuple[Branch, ...]:
    """The like where one relation, of numbers that it orders, tells two branches apart; each up to the border and with it."""
    for switch in sorted(e.atoms(sp.Piecewise), key=sp.default_sort_key):
        (first, condition), *others = switch.args
        if len(others) != 1 or others[0][1] != sp.true or not isinstance(condition, ORDERS):
            continue
        relation = _decided(condition.gts - condition.lts)
        if relation is not None:
            turned = sp.Le if isinstance(relation, sp.Ge) else sp.Ge
            other = turned(relation.lhs, relation.rhs, evaluate=False)
            return (e.xreplace({switch: first}), relation), (e.xreplace({switch: others[0][0]}), other)
    return ()


def argument(switch: sp.Expr) -> sp.Expr:
    """What has another sign on either side of it; of a maximum of two, their difference.

    Raises:
        ValueError: of a maximum of more.
    """
    if not isinstance(switch, sp.Max | sp.Min):
        return switch.args[0]
    one, other = switch.args
    return one - other


def branches(switch: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """What decides, what the switch is where that is not negative, and where it is not positive."""
    one, *others = switch.args
    if isinstance(switch, sp.Abs):
        return one, one, -one
    rest = switch.func(*others)
    return (one - rest, one, rest) if isinstance(switch, sp.Max) else (one - rest, rest, one)


def _decided(difference: sp.Expr) -> sp.Basic | None:
    """s >= c or s <= c where that says that a real expression is not negative; None where no symbol is seen to decide it."""
    if not difference.is_extended_real:
        return None
    factors = [f for f in sp.Mul.make_args(sp.factor(sp.together(difference))) if not f.is_positive]
    sign = sp.Mul(*(f for f in factors if f.is_number and f.is_negative))
    rest = [f for f in factors if not f.is_number]
    if len(rest) != 1:
        return None
    for s in sorted(rest[0].free_symbols, key=str):
        slope = sp.diff(rest[0], s)
        if s.is_extended_real and slope.is_Rational and slope != 0:
            bound = sp.expand(s - rest[0] / slope)
            return sp.Ge(s, bound, evaluate=False) if slope * sign > 0 else sp.Le(s, bound, evaluate=False)
    return None
