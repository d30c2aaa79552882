"""Hypergeometric: series with a rational ratio of terms, where they converge."""

import pytest
import sympy as sp

from theory.judgement.hypergeometric import series
from theory.judgement.judge import judge

a, p = sp.symbols("a p", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
BELOW_ONE = (p < 1,)
CENTRAL = sp.binomial(2 * k, k) * (p / 4) ** k


def judged(term, value):
    return judge(sp.Sum(term, (k, 0, sp.oo)), value, assume=BELOW_ONE if term.has(p) else ()).verdict


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (sp.binomial(k + n - 1, k) * p**k, (1 - p) ** (-n)),
        (CENTRAL, 1 / sp.sqrt(1 - p)),
        (p ** (2 * k + 1) / (2 * k + 1), sp.atanh(p)),
        (a ** (2 * k) / sp.factorial(2 * k), sp.cosh(a)),
        (a ** (2 * k + 1) / sp.factorial(2 * k + 1), sp.sinh(a)),
        ((a / 2) ** (2 * k) / sp.factorial(k) ** 2, sp.besseli(0, a)),
    ],
)
def test_true_lines_are_proved(term, value):
    assert judged(term, value) == "proved"


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (sp.binomial(k + n - 1, k) * p**k, (1 - p) ** (-n - 1)),
        (sp.binomial(k + n, k) * p**k, (1 - p) ** (-n)),
        (CENTRAL, 1 / (1 - p)),
        (CENTRAL, sp.sqrt(1 - p)),
        (p ** (2 * k + 1) / (2 * k + 1), sp.atan(p)),
        (p ** (2 * k) / (2 * k + 1), sp.atanh(p)),
        (a ** (2 * k) / sp.factorial(2 * k), sp.cos(a)),
        (a ** (2 * k + 1) / sp.factorial(2 * k + 1), sp.sinh(a) - a),
        ((a / 2) ** (2 * k) / sp.factorial(k) ** 2, sp.besselj(0, a)),
        (a ** (2 * k) / sp.factorial(k) ** 2, sp.besseli(0, a)),
    ],
)
def test_false_lines_are_refuted(term, value):
    assert judged(term, value) == "refuted"


def test_what_is_not_seen_to_converge_has_no_value():
    assert series(CENTRAL.subs(p, a), k, sp.S.Zero) is None
    assert series(sp.factorial(k) * p**k, k, sp.S.Zero, BELOW_ONE) is None
    assert series(p**k / (k + 1), k, sp.S.Zero, (p < 2,)) is None
