"""Inequalities that are seen in another form of the same sign, each beside one that is too much."""

import pytest
import sympy as sp
from sympy import EulerGamma, exp, gamma, harmonic, log, sqrt, tanh

from theory.judgement.judge import judge
from theory.judgement.same_sign import beside_a_term, in_order, plainer, squared, unscaled

a, b, c, p, q, t, z = sp.symbols("a b c p q t z", positive=True)
x = sp.Symbol("x", real=True)
N = sp.Symbol("N", integer=True, positive=True)
half = sp.Rational(1, 2)
m = (-(z + 1 - q) + sqrt((z + 1 - q) ** 2 + 4 * q * z)) / (2 * q * z)
LINES = [  # left, right, what is too much, relation, what is assumed
    (m, 0, m, ">", ()),
    (1 / z, m, 2 * m, ">=", ()),
    (0, sp.diff(m, z), -sp.diff(m, z), ">", ()),
    (a / sqrt(t * (a + t)), log(1 + a / t), 2 * log(1 + a / t), ">", ()),
    ((a - b) / log(a / b), sqrt(a * b), (a + b) / 2, ">", (b < a,)),
    ((a + b) / 2, (a - b) / log(a / b), a * b, ">", (b < a,)),
    (p * log(2 * p) + (1 - p) * log(2 * (1 - p)), 2 * (p - half) ** 2, 4 * (p - half) ** 2, ">=", (p < 1,)),
    (harmonic(N) - log(N), EulerGamma, EulerGamma + 1 / (2 * N), ">", ()),
    (sqrt(t), gamma(t + half) / gamma(t), 2 * gamma(t + half) / gamma(t), ">", ()),
    (1 / (N ** (2 / a) - 1), 1 / ((N + 1) ** (2 / a) - 1), 1 / ((N + 1) ** (1 / a) - 1), ">", (N >= 2,)),
    (t, tanh(t * x) / x, 2 * tanh(t * x) / x, ">", ()),
    (a / (b + c) + b / (a + c) + c / (a + b), 3 * half, 2, ">=", ()),
    (2 * exp(-a / 2), (1 + a) * exp(-a), (3 + a) * exp(-a), ">", ()),
]


@pytest.mark.parametrize(("left", "right", "wrong", "relation", "assume"), LINES, ids=str)
def test_lines(left, right, wrong, relation, assume):
    found = judge(left, right, relation, assume=assume)
    assert found.verdict == "proved", found.evidence
    assert judge(left, wrong, relation, assume=assume).verdict == "refuted"


@pytest.mark.parametrize("e", [a / b + log(a), a + b**2, exp(a - b) - 1, sqrt(a + b) - 1, N * a - 1])
def test_what_is_not_homogeneous_keeps_its_symbols(e):
    assert unscaled(e).free_symbols == e.free_symbols


@pytest.mark.parametrize("e", [sqrt(a * (a + b)) - b * log(1 + a / b), (a - b) ** 2 / (a * b), a**t - b**t])
def test_what_is_homogeneous_has_the_same_sign_with_one_symbol_less(e):
    found = unscaled(e)
    assert len(found.free_symbols) < len(e.free_symbols)
    (s,) = {a, b} - found.free_symbols
    other = a if s == b else b
    at = {other: sp.Rational(7, 3), t: half}
    assert sp.sign(found.subs(at).n()) == sp.sign(e.subs({**at, s: 1}).n())


@pytest.mark.parametrize("e", [x * log(a) - 1, log(a) * log(b) - 1, log(x) + log(x - 1) - 1, sqrt(2) * log(a) - log(b)])
def test_no_logarithm_stands_alone(e):
    assert plainer(e) == e


def test_a_root_whose_square_may_be_negative_is_not_squared():
    assert list(squared(sqrt(a - 1) + a)) == []
    assert len(list(squared(sqrt(a + 1) - a))) == 2


@pytest.mark.parametrize("e", [a**t - b**t, (1 + a) ** x - 1, exp(-a) - exp(-b), (1 + a) ** t - 2 * (1 + b) ** t])
def test_no_term_is_seen_to_be_the_larger(e):
    assert not beside_a_term(e).is_nonnegative


def test_orders_are_of_positive_symbols_in_a_rational_function():
    assert in_order(a**2 - x) == in_order(sqrt(a) - b) == []
    assert len(in_order(a / b + b / c)) == 6


def test_a_form_without_its_value_at_0_is_not_judged_there():
    assert judge(t, tanh(t * x) / x, ">").exceptions
    assert judge(t * x**2, x * tanh(t * x), ">").verdict == "refuted"  # at 0 both are 0
