"""Lines over f(x): proved as identities between functions and derivatives, refuted by a function that has a formula."""

import pytest
import sympy as sp
from sympy import Derivative, Function, Integral, Subs, Sum, exp, log, oo, pi, sqrt

from theory.judgement.judge import judge

x, y = sp.symbols("x y", real=True)
t = sp.Symbol("t", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
k = sp.Symbol("k", integer=True)
f, g, V, p = Function("f"), Function("g"), Function("V", real=True), Function("p", positive=True)
normal = exp(-(x**2) / 2) / sqrt(2 * pi)
slope = Derivative(f(x), x)


def mean(kernel):
    return Integral(kernel * normal, (x, -oo, oo))


PROVED = [
    (Derivative(f(x) * g(x), x), f(x) * Derivative(g(x), x) + g(x) * slope, "="),
    (Derivative(log(p(x)), x), Derivative(p(x), x) / p(x), "="),
    (Derivative(p(x), x, 2) / p(x), Derivative(log(p(x)), x, 2) + Derivative(log(p(x)), x) ** 2, "="),
    (Derivative(exp(-V(x) / t), x), -Derivative(V(x), x) * exp(-V(x) / t) / t, "="),
    (Derivative(f(x, y), x, y), Derivative(f(x, y), y, x), "="),
    (2 * Sum(f(k), (k, 1, n)), Sum(2 * f(k), (k, 1, n)), "="),
]
SUPPORTED = [
    (mean(slope), mean(x * f(x)), "="),  # Stein, where f grows slowly
    (Integral(f(x), (x, 0, 1)) + Integral(f(x), (x, 1, 2)), Integral(f(x), (x, 0, 2)), "="),
    (Derivative(f(g(x)), x), Derivative(g(x), x) * Subs(Derivative(f(t), t), t, g(x)), "="),
    (n * Sum(V(k) ** 2, (k, 1, n)), Sum(V(k), (k, 1, n)) ** 2, ">="),
    (p(x), 0, ">"),
]
REFUTED = [
    (Derivative(f(x) * g(x), x), f(x) * Derivative(g(x), x) - g(x) * slope, "="),
    (Derivative(p(x), x, 2) / p(x), Derivative(log(p(x)), x, 2) - Derivative(log(p(x)), x) ** 2, "="),
    (mean(slope), -mean(x * f(x)), "="),
    (f(x + 1), f(x) + 1, "="),  # of the identity
    (f(x), f(-x), "="),
    (f(x, y), f(y, x), "="),
    (f(x) * g(x), f(g(x)), "="),
    (Sum(f(k), (k, 1, n)) ** 2, n * Sum(f(k) ** 2, (k, 1, n)), "="),
    (f(x), 0, ">"),
    (p(x), 1, ">="),
]


def judged(left, right, relation):
    return judge(sp.sympify(left), sp.sympify(right), relation)


@pytest.mark.parametrize("line", PROVED, ids=str)
def test_identities_between_functions_are_proved(line):
    found = judged(*line)
    assert found.verdict == "proved"
    assert found.trusts == ("rational arithmetic",)


@pytest.mark.usefixtures("as_users_ask")
@pytest.mark.parametrize("line", SUPPORTED, ids=str)
def test_what_holds_with_formulas_is_supported(line):
    found = judged(*line)
    assert found.verdict == "supported"
    assert found.cannot_exclude == "other functions"


@pytest.mark.parametrize("line", REFUTED, ids=str)
def test_what_fails_with_a_formula_is_refuted(line):
    assert judged(*line).verdict == "refuted"


def test_a_witness_tells_the_functions():
    found = judged(*REFUTED[0])
    assert dict(found.witness) == {"f(x)": "x", "g(x)": "x**2 + 1", "x": "2"}
    assert found.sides == ("13.0000000000", "3.00000000000")


def test_a_divergent_integral_of_one_function_is_no_refutation():
    assert judged(Integral(f(x), (x, -oo, oo)), Integral(f(-x), (x, -oo, oo)), "=").verdict != "refuted"


def test_functions_of_other_kinds_are_not_tried():
    whole = Function("w", integer=True)
    assert judged(whole(k), 0, ">=").verdict == "inconclusive"
