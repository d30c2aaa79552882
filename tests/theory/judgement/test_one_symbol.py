"""One symbol: what balls and monotone pieces show, and what they must not."""

import pytest
import sympy as sp

from theory.judgement.one_symbol import shown_of_one

x = sp.symbols("x", real=True)
a, p = sp.symbols("a p", positive=True)
H = -p * sp.log(p) - (1 - p) * sp.log(1 - p)
I0, I1, I2 = (sp.besseli(n, a) for n in range(3))
ERF = sp.erf(a) ** 2


@pytest.mark.parametrize(
    ("e", "strict"),
    [
        (1 - sp.exp(-4 * a**2 / sp.pi) - ERF, True),
        (H - 4 * sp.log(2) * p * (1 - p), False),
        (p * sp.log(2 * p) + (1 - p) * sp.log(2 * (1 - p)) - 2 * (p - sp.Rational(1, 2)) ** 2, False),
        (sp.sin(a) - a + a**3 / 6, True),
        (a / 3 - sp.coth(a) + 1 / a, True),
        (a - sp.log(sp.cosh(a)), True),
        (x**2 / 2 - sp.log(sp.cosh(x)), False),
        (I0 - 1, True),
        (sp.exp(a) - I0, True),
        (I1**2 - I0 * I2, True),
        (sp.exp(-a) * sp.log(1 + 1 / a) - sp.expint(1, a), True),
    ],
)
def test_it_shows(e, strict):
    assert shown_of_one(e, strict, (p < 1,) if e.has(p) else ())


@pytest.mark.parametrize(
    ("e", "strict"),
    [
        (1 - sp.exp(-(a**2)) - ERF, False),
        (1 - sp.exp(-sp.Rational(127, 100) * a**2) - ERF, False),
        (H - sp.Rational(28, 10) * p * (1 - p), False),
        (H - 4 * sp.log(2) * p * (1 - p), True),
        (
            p * sp.log(2 * p) + (1 - p) * sp.log(2 * (1 - p)) - sp.Rational(201, 100) * (p - sp.Rational(1, 2)) ** 2,
            False,
        ),
        (sp.sin(a) - a + a**3 / 7, False),
        (a / 4 - sp.coth(a) + 1 / a, False),
        (a - sp.log(sp.cosh(a)) - sp.Rational(7, 10), False),
        (x**2 / 2 - sp.log(sp.cosh(x)), True),
        (sp.Rational(49, 100) * x**2 - sp.log(sp.cosh(x)), False),
        (I0 - 1 - a**2 / 3, False),
        (I0 * I2 - I1**2, False),
        (sp.exp(-a) * sp.log(1 + 1 / a) / 2 - sp.expint(1, a), False),
        ((a - sp.sqrt(2)) ** 2 - sp.Rational(1, 10**12), False),
        (sp.exp(-a) - sp.Rational(1, 10**30), False),
        (sp.log(a) ** 2 - sp.Rational(1, 10**6), False),
        (1 / (a - 1) ** 2 - 1 / (a - 1), False),
    ],
)
def test_it_does_not_show_what_is_false(e, strict):
    assert not shown_of_one(e, strict, (p < 1,) if e.has(p) else ())


def test_it_leaves_whole_numbers_and_two_symbols_alone():
    n = sp.Symbol("n", integer=True, positive=True)
    assert not shown_of_one(n - sp.Rational(1, 2), True)
    assert not shown_of_one(a + p, True)
