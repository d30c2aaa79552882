"""The error of an approximation as a curve: against values known otherwise, within the domain alone."""

import math

import pytest
import sympy as sp

from theory.judgement.curve import judge_error

a, b = sp.symbols("a b", positive=True)
x = sp.Symbol("x", real=True)
n = sp.Symbol("n", integer=True, positive=True)


def test_each_point_has_the_relative_error_there():
    curve = judge_error(a, sp.sinh(a), a).curve
    assert (curve["along"], curve["at"]) == ("a", {})
    assert len(curve["points"]) > 20
    for at, error in curve["points"]:
        if at < 100:
            assert error == pytest.approx(at / math.sinh(at) - 1, rel=1e-9, abs=1e-15)
    assert curve["worst"][1] == pytest.approx(-1)


def test_it_stays_within_the_domain_and_takes_what_is_given():
    curve = judge_error(a * b, a * b + a**2, a, assume=(a < b,), given=((b, sp.Integer(10)),)).curve
    assert curve["at"] == {"b": "10"}
    assert all(0 < at < 10 for at, _ in curve["points"])
    assert judge_error(1 + x, sp.exp(x), x).curve["points"][0][0] < 0
    assert all(at == int(at) > 0 for at, _ in judge_error(n, n + 1, n).curve["points"])


def test_an_error_that_is_known_nowhere_is_no_curve():
    found = judge_error(a, sp.mathieuc(a, 1, a), a)
    assert (found.verdict, found.curve) == ("inconclusive", {})
