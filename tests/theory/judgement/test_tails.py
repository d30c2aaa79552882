"""What converges slowly is not said to diverge, and what diverges is."""

import pytest
import sympy as sp

from theory.judgement.integrals import enclosed
from theory.judgement.tails import DivergesError, diverges

y = sp.Symbol("y", real=True)
ONE, INFINITY = sp.S.One, sp.S.Infinity


@pytest.mark.parametrize(
    "f", [1 / y, 1 / (1 + y), (1 + 1 / sp.log(1 + y)) / y, 1 / (y * sp.log(1 + y)), y, sp.exp(sp.exp(y) - y**2)]
)
def test_it_diverges(f):
    assert diverges(f, y, sp.Integer(2), INFINITY)


@pytest.mark.parametrize(
    "f",
    [
        y ** (-1 - sp.Rational(1, 10**30)),
        1 / (y * sp.log(y) ** sp.Rational(11, 10)),
        sp.exp(-y / 10**20),
        sp.exp(sp.I * y) / y,
    ],
)
def test_it_is_not_said_to_diverge(f):
    assert not diverges(f, y, sp.Integer(2), INFINITY)


@pytest.mark.parametrize(
    ("integral", "value"),
    [
        (sp.Integral(sp.sin(y) / y, (y, 0, INFINITY)), sp.pi / 2),
        (sp.Integral(sp.cos(y**2), (y, 0, INFINITY)), sp.sqrt(sp.pi / 8)),
        (sp.Integral(sp.exp(-((y - 1000) ** 2)), (y, -INFINITY, INFINITY)), sp.sqrt(sp.pi)),
        (sp.Integral(sp.exp(1000 - y) / (1 + sp.exp(1000 - y)) ** 2, (y, -INFINITY, INFINITY)), ONE),
        (sp.Integral(1 / (y * sp.log(y) ** 2), (y, 2, INFINITY)), 1 / sp.log(2)),
        (sp.Integral(y ** (-ONE - sp.Rational(1, 10**4)), (y, 1, INFINITY)), sp.Integer(10**4)),
        (sp.Integral(1 / sp.sqrt(y), (y, 0, 1)), sp.Integer(2)),
    ],
)
def test_an_enclosure_holds_the_value(integral, value):
    ball = enclosed(integral, {})
    exact = float(value)
    assert abs(complex(ball) - exact) <= float(ball.rad()) + 1e-12 * exact
    assert float(ball.rad()) < 1e-6 * exact


@pytest.mark.parametrize("f", [sp.sin(y), y * sp.sin(y), sp.sqrt(y) * sp.cos(y)])
def test_what_oscillates_without_falling_has_no_value(f):
    with pytest.raises(DivergesError, match="oscillates"):
        enclosed(sp.Integral(f, (y, 0, INFINITY)), {})
