"""Integrals that depend on a sum which is positive, as a variance 1 - exp(-2 t) is, for all that sympy knows of it."""

import pytest
import sympy as sp
from sympy import Integral, exp, oo, pi, sqrt

from theory.judgement.judge import judge

t, s, mu = sp.symbols("t s mu", positive=True)
h = sp.Symbol("h", positive=True)
x = sp.Symbol("x", real=True)
noise = 1 - exp(-2 * t)
variance = exp(-2 * t) * s**2 + noise


def density(v, mean=0):
    return exp(-((x - mean) ** 2) / (2 * v)) / sqrt(2 * pi * v)


def over_the_line(f):
    return Integral(f, (x, -oo, oo))


@pytest.mark.parametrize("v", [noise, variance])
def test_moments_of_a_schedule_are_proved(v):
    mixture = (density(v, mu * exp(-t)) + density(v, -mu * exp(-t))) / 2
    for left, right in (
        (density(v), 1),
        (x**2 * density(v), v),
        (x**4 * density(v), 3 * v**2),
        (mixture, 1),
        (x**2 * mixture, v + mu**2 * exp(-2 * t)),
    ):
        found = judge(over_the_line(left), sp.sympify(right))
        assert found.verdict == "proved"
        assert "the Gaussian integral" in found.trusts


def test_what_the_sign_rests_on_is_told():
    found = judge(over_the_line(density(noise)), sp.S.One)
    assert "exp(p) > 1" in found.trusts


def test_near_misses_are_refuted():
    assert judge(over_the_line(x**2 * density(noise)), 2 * noise).verdict == "refuted"
    assert judge(over_the_line(x**2 * density(variance)), noise).verdict == "refuted"


def test_a_sum_that_is_not_always_positive_is_no_parameter():
    found = judge(over_the_line(density(1 - 2 * exp(-2 * t))), sp.S.One)
    assert found.verdict == "refuted"
    assert found.evidence.startswith("undefined at")


def test_assumptions_make_a_sum_positive():
    line = over_the_line(density(s - h)), sp.S.One
    assert judge(*line, assume=(h < s,)).verdict == "proved"
    assert judge(*line).verdict == "refuted"
