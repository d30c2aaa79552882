"""Inequalities between polynomials, by z3: decided where the other ways are not, and its points looked at again."""

import pytest
import sympy as sp

from theory.judgement import polynomials
from theory.judgement.judge import judge
from theory.judgement.polynomials import decided

a, b, c = sp.symbols("a b c", positive=True)
x, y, z = sp.symbols("x y z", real=True)
k = sp.Symbol("k", integer=True)
NESBITT = a / (b + c) + b / (a + c) + c / (a + b)
MOTZKIN = x**4 * y**2 + x**2 * y**4 + 1 - 3 * x**2 * y**2
CIRTOAJE = (x**2 + y**2 + z**2) ** 2 - 3 * (x**3 * y + y**3 * z + z**3 * x)


def test_without_it_nothing_is_decided(monkeypatch):
    monkeypatch.setattr(polynomials, "_z3", lambda: None)
    assert decided(x**2 + 1, ">") is False


@pytest.fixture
def z3():
    return pytest.importorskip("z3")


@pytest.mark.parametrize("e", [NESBITT - sp.Rational(3, 2), MOTZKIN, CIRTOAJE], ids=["Nesbitt", "Motzkin", "Cirtoaje"])
def test_what_is_never_negative_and_sometimes_0(z3, e):
    assert decided(e, ">=") is True
    point = decided(e, ">")
    assert sp.simplify(e.subs(point)) == 0


def test_relations_are_part_of_the_domain(z3):
    disc = (x**2 + y**2 < 1,)
    assert decided(2 - x - y, ">", disc) is True
    point = decided(1 - x - y, ">", disc)
    assert point[x] ** 2 + point[y] ** 2 < 1 <= point[x] + point[y]
    assert judge(2, x + y, ">", assume=disc).trusts == ("z3",)
    assert judge(1, x + y, ">", assume=disc).verdict == "refuted"


def test_a_point_between_the_integers_is_none_of_theirs(z3):
    assert decided(k**2 - k + sp.Rational(1, 8), ">") is False
    assert judge(k**2 - k + sp.Rational(1, 8), 0, ">").verdict != "refuted"


def test_algebraic_points_are_exact(z3):
    assert judge((x**2 - 2) ** 2, 0, ">").verdict == "refuted"
    assert decided((x**2 - 2) ** 2, ">") in ({x: sp.sqrt(2)}, {x: -sp.sqrt(2)})


def test_other_functions_and_complex_symbols_are_left_alone(z3):
    assert decided(sp.exp(x), ">") is False
    assert decided(sp.Symbol("c") ** 2, ">=") is False
    assert decided(sp.sqrt(2) * x**2 + 1, ">") is False
