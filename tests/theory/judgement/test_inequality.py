"""Inequalities by a valley, by logarithms and by closed forms, and remainders; each beside one that is not so."""

import pytest
import sympy as sp
from sympy import Abs, Integral, Mod, cos, cosh, exp, log, oo, pi, sqrt

from theory.judgement.judge import judge

a, b, s, t = sp.symbols("a b s t", positive=True)
x, y = sp.symbols("x y", real=True)
n = sp.Symbol("n", integer=True, positive=True)
d = sp.Symbol("d", odd=True)
LINES = [  # left, right, what is too much, relation
    (log((a + b) / 2), (log(a) + log(b)) / 2, (log(a) + 2 * log(b)) / 3, ">="),
    (exp(x**2 / 2), cosh(x), cosh(x) + x**4 / 3, ">="),
    (Integral(exp(-(y**2) / 2), (y, a, oo)), a / (1 + a**2) * exp(-(a**2) / 2), exp(-(a**2) / 2) / a, ">"),
    (Mod(d**2, 8), 1, d, "="),
    (Mod(n**3 - n, 6), 0, Mod(n, 6), "="),
    (Integral(cos(a * y) / (y**2 + b**2), (y, -oo, oo)), pi * exp(-a * b) / b, pi * exp(-a * b), "="),
    (Integral((1 + a) * y ** (-1 - a) * exp(-(y ** (-1 - a))), (y, 0, oo)), sp.gamma(a / (1 + a)), sp.gamma(a), "="),
    (
        Integral(Abs(x * y) * exp(-(x**2) / (2 * s) - y**2 / (2 * t)), (x, -oo, oo), (y, -oo, oo))
        / (2 * pi * sqrt(s * t)),
        2 * sqrt(s * t) / pi,
        sqrt(s * t) / pi,
        "=",
    ),
]


@pytest.mark.parametrize(("left", "right", "wrong", "relation"), LINES, ids=str)
def test_lines(left, right, wrong, relation):
    found = judge(left, sp.sympify(right), relation)
    assert found.verdict == "proved", found.evidence
    assert judge(left, sp.sympify(wrong), relation).verdict == "refuted"


@pytest.mark.parametrize("m", [2, 4, 7])
def test_a_remainder_of_what_is_no_polynomial_with_whole_coefficients(m):
    assert judge(Mod(n * (n + 1) / 2, m), sp.Integer(0)).verdict == "refuted"
    assert judge(Mod(n**2 + n, 2 * m), sp.Integer(0)).verdict == "refuted"


@pytest.mark.usefixtures("as_users_ask")
def test_no_factorial_of_a_huge_number_is_written_down():
    convex = judge(sp.gamma(a) * sp.gamma(b), sp.gamma(a / 2 + b / 2) ** 2, ">=")  # equal at a = b = 10^30
    assert convex.verdict != "refuted"
    assert judge(sp.gamma(a) * sp.gamma(b), 2 * sp.gamma(a / 2 + b / 2) ** 2, ">=").verdict == "refuted"
