"""Integrals that a Gaussian weight and an integration by parts make equal, and near misses."""

import pytest
import sympy as sp
from sympy import Integral, cos, cosh, diff, exp, oo, pi, sin, sqrt, tanh

from theory.judgement.by_parts import vanishes_by_parts
from theory.judgement.judge import judge

s, t = sp.symbols("s t", positive=True)
x, y = sp.symbols("x y", real=True)


def average(f, variance=t, mean=0):
    return Integral(f * exp(-((y - mean) ** 2) / (2 * variance)) / sqrt(2 * pi * variance), (y, -oo, oo))


TRUE = [
    (average(y * tanh(s * y)), s * t * average(1 / cosh(s * y) ** 2)),
    (average((y - x) * sin(y), t, x), t * average(cos(y), t, x)),
]
FALSE = [
    (average(y * tanh(s * y)), s * average(1 / cosh(s * y) ** 2)),
    (average(y * sin(y), t, x), t * average(cos(y), t, x)),
    (average(y * tanh(s * y)), s * t * average(1 / cosh(s * y) ** 2, 2 * t)),
]


@pytest.mark.parametrize(("left", "right"), TRUE, ids=str)
def test_equal_by_parts(left, right):
    assert judge(left, right).verdict == "proved"


@pytest.mark.usefixtures("as_users_ask")
@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_near_misses(left, right):
    assert not vanishes_by_parts(left - right)
    assert judge(left, right).verdict == "refuted"


def test_only_what_the_weight_makes_vanish():
    h = exp(y**2)
    assert not vanishes_by_parts(average(y * h) - t * average(diff(h, y)))
    assert not vanishes_by_parts(average(y / (y - x)) - t * average(diff(1 / (y - x), y)))
    half = [e.replace(sp.oo, 0) for e in TRUE[0]]
    assert not vanishes_by_parts(half[0] - half[1])
