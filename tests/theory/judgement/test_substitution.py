"""Bounds: each value that relations admit, and no other, is reached by the symbols that take the place of what they bound."""

import pytest
import sympy as sp

from theory.judgement.substitution import contradict, within_bounds
from theory.judgement.switches import sides

a, b = sp.symbols("a b", positive=True)
q = sp.Symbol("q", nonnegative=True)
u = sp.Symbol("u", negative=True)
x, y = sp.symbols("x y", real=True)


def reached(s, *relations):
    """Where s goes as the new symbols do, at 0 where they may be, at 1, and far out; of each case."""
    found = []
    for case in within_bounds(s, relations):
        (free,) = case.free_symbols or [sp.Dummy("none", positive=True)]
        found += [case.subs(free, 0)] if free.is_positive is not True else []
        found += [case.subs(free, 1), sp.limit(case, free, sp.oo)]
    return found


@pytest.mark.parametrize(
    ("s", "relations", "found"),
    [
        (a, [a < 1], [sp.Rational(1, 2), 1]),  # 1 only in the limit
        (a, [a <= 1], [1, sp.Rational(1, 2), 0]),
        (q, [q <= 1], [0, sp.Rational(1, 2), 1, 1, 1]),  # the closed end by itself
        (x, [x <= 1], [1, 0, -sp.oo]),
        (x, [x > 3], [4, sp.oo]),
        (u, [u >= -1], [-1, -sp.Rational(1, 2), 0]),
        (x, [x >= 0, x >= 2], [2, 3, sp.oo]),
    ],
    ids=str,
)
def test_a_bounded_symbol_reaches_its_domain(s, relations, found):
    assert reached(s, *relations) == found


def test_a_bound_may_hold_a_symbol_that_has_one():
    (case,) = within_bounds(y - x, [x <= -b, y >= b])
    assert case.is_positive


def test_bounds_that_leave_nothing_are_seen():
    assert contradict({x}, [x >= 2, x <= 1])
    assert contradict({x}, [x > 1, x <= 1])
    assert not contradict({x}, [x >= 1, x <= 1])
    assert not contradict({q}, [q <= 0])


@pytest.mark.parametrize("e", [sp.Abs(x - 2), sp.Max(x, 3), sp.Min(x, y), sp.Max(a, 1 / a)], ids=str)
def test_a_switch_is_its_branch_on_either_side(e):
    for value in (sp.Rational(1, 3), 1, 2, 3, 7):
        for other in (1, 5):
            point = {x: value, y: other, a: value}
            held = [there for there, relation in sides(e) if relation.subs(point) == sp.true]
            assert held
            assert all(there.subs(point) == e.subs(point) for there in held)


def test_what_no_symbol_decides_is_no_switch():
    assert sides(sp.Abs(x**2 - 2)) == ()
    assert sides(sp.Abs(sp.Symbol("c"))) == ()
