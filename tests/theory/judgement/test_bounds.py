"""Named bounds, series and integrals against numbers: what is trusted by name is true."""

import mpmath
import pytest
import sympy as sp

from theory.judgement.bounds import BOUNDED, bounded
from theory.judgement.judge import judge

a = sp.Symbol("a", positive=True)
y = sp.Symbol("y", real=True)
k = sp.Symbol("k", integer=True)
PLACES = ["1e-6", "1e-2", "0.3", "1", "3", "20", "1e3"]


@pytest.mark.parametrize("function", BOUNDED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_a_bound_is_one(function, place):
    f = sp.digamma(a) if function is sp.polygamma else function(a)
    with mpmath.workdps(400):
        below, value, above = (sp.lambdify(a, e, "mpmath")(mpmath.mpf(place)) for e in
                               (BOUNDED[function][0](a), f, BOUNDED[function][1](a)))  # fmt: skip
    assert below < value < above


def test_a_bound_is_taken_from_the_side_that_the_coefficient_asks_for():
    assert [sp.simplify(e) for e in bounded(sp.log(a) - sp.digamma(a))] == [1 / (2 * a)]
    assert list(bounded((a - 1) * sp.digamma(a))) == []  # its sign is not known
    assert list(bounded(sp.digamma(sp.Symbol("x", real=True)))) == []
    assert list(bounded(sp.polygamma(1, a))) == []


@pytest.mark.parametrize(
    ("left", "right", "true"), [(sp.log(a), sp.digamma(a), True), (sp.digamma(a), sp.log(a), False)]
)
def test_an_inequality_by_bounds(left, right, true):
    assert judge(left, right, ">").verdict == ("proved" if true else "refuted")


PERIOD = (y, 0, 2 * sp.pi)


@pytest.mark.parametrize(
    ("whole", "value"),
    [
        (sp.Integral(sp.sin(2 * y) / y, (y, 0, sp.oo)), sp.pi / 2),
        (sp.Integral(sp.cos(2 * y**2), (y, -sp.oo, sp.oo)), sp.sqrt(sp.pi) / 2),
        (sp.Integral(1 / (5 + 3 * sp.cos(y)), PERIOD), sp.pi / 2),
        (sp.Sum((-1) ** k / (2 * k + 1), (k, 0, sp.oo)), sp.pi / 4),
        (sp.Sum((-1) ** (k + 1) / k, (k, 1, sp.oo)), sp.log(2)),
        (sp.Sum(sp.Integer(2) ** k, (k, -sp.oo, 3)), sp.Integer(16)),
    ],
    ids=str,
)
def test_a_named_value_is_proved_and_another_refuted(whole, value):
    found = judge(whole, value)
    assert found.verdict == "proved"
    assert found.trusts
    assert judge(whole, value * (1 + sp.Rational(1, 10**6))).verdict == "refuted"


def test_a_series_converges_where_it_is_assumed_to():
    whole = sp.Sum(a**k, (k, 0, sp.oo))
    assert judge(whole, 1 / (1 - a), assume=(a < 1,)).verdict == "proved"
    assert judge(whole, 1 / (1 - a), assume=(a <= 1,)).verdict == "refuted"
