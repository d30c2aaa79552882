"""Integrands: integrals in order because what is integrated is, and integrands that are odd."""

import pytest
import sympy as sp

from theory.judgement.integrands import shown_by_integrands, vanishes_by_symmetry
from theory.judgement.judge import judge

y = sp.Symbol("y", real=True)
a, s = sp.symbols("a s", positive=True)


def mean(f, var=1, at=0):
    return sp.Integral(f * sp.exp(-((y - at) ** 2) / (2 * var)) / sp.sqrt(2 * sp.pi * var), (y, -sp.oo, sp.oo))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, mean(sp.tanh(a * y) ** 2)),
        (s / 2, mean(sp.log(sp.cosh(y)), s)),
        (mean(sp.log(sp.cosh(y)), s), 0),
        (1 / a, sp.Integral(sp.exp(-a * y) / (1 + y), (y, 0, sp.oo))),
        (mean(sp.Abs(y), s), mean(sp.tanh(sp.Abs(y)), s)),
    ],
)
def test_true_lines_are_proved(left, right):
    assert judge(left, right, ">").verdict == "proved"


@pytest.mark.usefixtures("as_users_ask")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Rational(1, 2), mean(sp.tanh(a * y) ** 2)),
        (1 - 1 / a, mean(sp.tanh(a * y) ** 2)),
        (s / 3, mean(sp.log(sp.cosh(y)), s)),
        (sp.sqrt(s) / 2, mean(sp.log(sp.cosh(y)), s)),
        (mean(sp.log(sp.cosh(y)), s), s / 10),
        (1 / (a + 2), sp.Integral(sp.exp(-a * y) / (1 + y), (y, 0, sp.oo))),
        (1 / (2 * a), sp.Integral(sp.exp(-a * y) / (1 + y), (y, 0, sp.oo))),
        (mean(sp.Abs(y), s), mean(y**2, s)),
        (mean(sp.tanh(y) ** 2, s), mean(sp.Abs(sp.tanh(y)), s)),
        (mean(y**3 + 1, s), mean(sp.S(2), s)),
    ],
)
def test_false_lines_are_not(left, right):
    assert judge(left, right, ">").verdict == "refuted"
    assert not shown_by_integrands(left - right, True)


def test_nishimori_by_symmetry():
    assert vanishes_by_symmetry(mean(sp.tanh(y), s, s) - mean(sp.tanh(y) ** 2, s, s))
    assert not vanishes_by_symmetry(mean(sp.tanh(y), s, 2 * s) - mean(sp.tanh(y) ** 2, s, 2 * s))
    assert not vanishes_by_symmetry(mean(sp.tanh(y), s, s) - mean(sp.tanh(y) ** 4, s, s))
    assert not vanishes_by_symmetry(sp.Integral(y, (y, -1, 2)))


def test_a_logistic_mean_by_symmetry():
    logistic = 1 / (1 + sp.exp(-y))
    assert vanishes_by_symmetry(mean(logistic, s) - sp.Rational(1, 2))
    assert not vanishes_by_symmetry(mean(logistic, s) - sp.Rational(1, 3))
    assert not vanishes_by_symmetry(mean(logistic, s, a) - sp.Rational(1, 2))
