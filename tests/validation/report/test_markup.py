import math

import numpy as np
import pytest
import sympy as sp

from tests.validation.report.test_page import Page
from validation.report import markup

t, s = sp.symbols("t sigma", positive=True)
x, a_1 = sp.symbols("x alpha_1", real=True)
k, n = sp.symbols("k n", integer=True, positive=True)
f = sp.Function("f")


@pytest.mark.parametrize(
    ("value", "sem", "shown"),
    [
        (0.501234, 0.0021, "0.5012 ± 0.0021"),
        (-1234.5, 20, "−1234 ± 20"),
        (1.2349e-5, 1e-8, "(1.2349 ± 0.0010) × 10<sup>-5</sup>"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (1.5, 0.0, "1.5"),
        (1e308, 1e306, "(1.000 ± 0.010) × 10<sup>308</sup>"),
        (math.nan, 1.0, "–"),
        (2.0, None, "2"),
    ],
)
def test_a_measurement_shows_two_digits_of_its_error(value, sem, shown):
    assert markup.measured(value, sem) == shown.replace("-", "−")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1\u202f234\u202f567"), (-0.25, "−0.25"), (1e-7, "1 × 10<sup>−7</sup>"), (np.int64(12), "12")],
)
def test_numbers_are_set_as_in_print(value, shown):
    assert markup.number(value) == shown


@pytest.mark.parametrize(
    "expression",
    [
        s / (s + t),
        sp.sqrt(s / t) + sp.sqrt(2),
        sp.exp(-(x**2) / (2 * t)),
        sp.log(1 + s / t) / 2,
        sp.Eq(sp.Symbol("I"), sp.log(s)),
        sp.Sum(sp.log(1 + k**2), (k, 1, n)),
        sp.Product(1 + 1 / k, (k, 1, n)),
        sp.Integral(sp.exp(-(x**2)), (x, -sp.oo, sp.oo)),
        sp.Integral(f(x), x),
        sp.Derivative(f(x, t), x),
        sp.Derivative(f(x), (x, 2)),
        sp.Limit(f(x), x, 0, "+"),
        sp.Piecewise((s, t < s), (0, True)),
        sp.Matrix([[s, t], [0, 1]]),
        sp.erf(x) + sp.erfc(x) + sp.gamma(n) + sp.polygamma(1, n) + sp.loggamma(n),
        sp.LambertW(x) + sp.besselk(n, x) + sp.hyper((1, 2), (3,), x),
        sp.binomial(n, k) + sp.factorial(n) + sp.floor(x) + sp.ceiling(x),
        sp.Abs(x) ** a_1 + sp.sign(x) + sp.Max(x, t) + sp.conjugate(sp.Symbol("z")),
        sp.Symbol("Sigma_tau") ** -sp.Symbol("D_eff") + sp.Symbol("hat_x^2") + sp.pi + sp.oo,
        sp.And(x > 0, t <= 1) & sp.Ne(x, 3),
        sp.Interval.open(0, 1),
        sp.Function("RSB")(x) + sp.coth(x) + sp.sinh(x) ** 2 + sp.atan(x),
        sp.Rational(1, 3) * 1e-12 * x,
    ],
    ids=str,
)
def test_what_sympy_prints_becomes_mathml(expression):
    shown = markup.mathml(sp.latex(expression), display=True)
    assert shown.startswith('<math display="block">')
    Page(shown)


def test_what_cannot_be_converted_stays_latex():
    assert markup.mathml(r"\frac{a < b") == r"<code>\frac{a &lt; b</code>"
    assert markup.prose("at $x$, for $5").count("<math") == 1


def test_formulas_are_read_without_their_marks():
    assert markup.spoken(r"the time $I(t_C) = \log N$, $\mathrm{KL}$") == "the time I(t_C) = log N, KL"


def test_an_address_has_no_spaces():
    assert markup.slug("Samples needed: <b> & kl_bound") == "samples-needed-b-kl-bound"


def test_what_may_be_wider_than_the_page_is_reached_by_keyboard():
    assert "tabindex='0'" in markup.formula(" + ".join("abcdefghijklmnopq"))
    assert "tabindex" not in markup.formula("a + b")
