"""Steps: inequalities of sums, factorials and the gamma function by what a step of 1 changes."""

import pytest
import sympy as sp

from theory.judgement.judge import judge
from theory.judgement.steps import shown_by_steps, stepped

a = sp.Symbol("a", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
k = sp.Symbol("k", integer=True)
HALF = sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (sp.polygamma(1, a), 1 / a + 1 / (2 * a**2), ">"),
        (sp.sqrt(a), sp.gamma(a + HALF) / sp.gamma(a), ">"),
        (sp.gamma(a) * sp.gamma(a + 2), sp.gamma(a + 1) ** 2, ">"),
        (4**n, sp.binomial(2 * n, n), ">"),
        (sp.binomial(2 * n, n), 4**n / (2 * n + 1), ">="),
        (sp.factorial(n), (n / sp.E) ** n, ">"),
        (1 + sp.log(n), sp.harmonic(n), ">="),
        (2 - 1 / n, sp.Sum(1 / k**2, (k, 1, n)), ">="),
        (2 * sp.sqrt(n), sp.Sum(1 / sp.sqrt(k), (k, 1, n)), ">"),
        ((1 + a) ** n, 1 + n * a, ">="),
    ],
)
def test_true_lines_are_proved(left, right, relation):
    assert judge(left, right, relation).verdict == "proved"


@pytest.mark.usefixtures("as_users_ask")
@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (sp.polygamma(1, a), 1 / a + 1 / a**2, ">"),
        (sp.polygamma(1, a), 1 / a + sp.Rational(51, 100) / a**2, ">"),
        (sp.sqrt(a), sp.gamma(a + HALF + sp.Rational(1, 100)) / sp.gamma(a), ">"),
        (sp.gamma(a + 1) ** 2, sp.gamma(a) * sp.gamma(a + 2), ">"),
        (sp.binomial(2 * n, n), 4**n / (2 * n), ">"),
        (sp.binomial(2 * n, n), 4**n / (n + 1), ">"),
        (sp.factorial(n), (n / 2) ** n, ">"),
        (1 + sp.log(n), sp.harmonic(n), ">"),
        (sp.Rational(3, 2), sp.Sum(1 / k**2, (k, 1, n)), ">="),
        (2 * sp.sqrt(n) - 1, sp.Sum(1 / sp.sqrt(k), (k, 1, n)), ">"),
        ((1 + a) ** n, 1 + n * a, ">"),
    ],
)
def test_false_lines_are_refuted(left, right, relation):
    assert judge(left, right, relation).verdict == "refuted"
    assert not shown_by_steps(left - right, relation == ">")


def test_a_step_of_a_family_is_elementary():
    step = stepped(sp.loggamma(a + 1) - 2 * sp.digamma(a), a)
    assert sp.simplify(step - sp.log(a + 1) + 2 / a) == 0
    assert stepped(sp.Sum(n / k, (k, 1, n)), n) is None
