"""What converges slowly is not said to diverge, and what diverges is."""

import pytest
import sympy as sp

from theory.judgement.integrals import enclosed
from theory.judgement.tails import DivergesError, diverges, oscillating

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


SLOWLY = [
    (sp.log(y) / sp.sqrt(y), y**2 + y),
    (sp.tanh(y) * sp.erf(y / 3) / (y + 1), y),
    (sp.Abs(50 - y) / y**2, y),
    (sp.Max(1, 1 / y, 2 / y) / y, -y),
    (sp.Min(1, 1 / y, 2 / y), y),
    (sp.sinh(y) * sp.exp(-y) * sp.loggamma(y) / y**3, 2 * y),
    (sp.sign(y - 2) * sp.erfc(1 / y) * sp.cosh(1 / y) / y, y),
    (sp.asinh(1 / y) * sp.atan(y), y),
    (sp.sech(1 / y) / sp.gamma(1 + 1 / y) / y, y),
]


@pytest.mark.parametrize(("p", "phase"), SLOWLY, ids=str)
def test_what_oscillates_is_added_by_parts(p, phase):
    """From two places: they differ by what is between them, as far as what is left out tells."""
    bits, start, end = 100, sp.Integer(60), sp.Integer(70)
    (here, one), (there, other) = (oscillating(p, phase, y, at, bits) for at in (start, end))
    between = enclosed(sp.Integral(p * sp.exp(sp.I * phase), (y, start, end)), {})
    left_out = float(one.upper() + other.upper())
    assert left_out < 1e-10
    assert float(abs(here - there - between).upper()) < 2 * left_out + 1e-13
