"""Closed forms of integrals and sums by rules: what they prove, and near misses."""

import mpmath
import pytest
import sympy as sp
from sympy import (
    EulerGamma,
    Integral,
    Sum,
    binomial,
    digamma,
    exp,
    expint,
    gamma,
    log,
    lowergamma,
    oo,
    pi,
    sin,
    sqrt,
    uppergamma,
)

from theory.judgement.closed_forms import (
    _bessel,
    _beta,
    _between_switches,
    _by_exponential,
    _frullani,
    _log_lorentz,
    _lorentz,
    _semicircle,
)
from theory.judgement.judge import judge
from theory.judgement.patience import patiently
from theory.judgement.sums import closed_form
from theory.judgement.telescoping import by_certificate, telescoped

a, b, s, t = sp.symbols("a b s t", positive=True)
mu, y = sp.symbols("mu y", real=True)
n = sp.Symbol("n", integer=True, positive=True)
j = sp.Symbol("j", integer=True, nonnegative=True)
semicircle = sqrt(4 - y**2) / (2 * pi)
LINES = [  # a line, and what it is not
    (Integral(log(y) * exp(-y), (y, 0, oo)), -EulerGamma, EulerGamma),
    (
        Integral(y ** (a - 1) * log(y) * exp(-b * y), (y, 0, oo)),
        gamma(a) * (digamma(a) - log(b)) / b**a,
        gamma(a) / b**a,
    ),
    (Integral(exp(-y) / y, (y, a, oo)), expint(1, a), expint(2, a)),
    (Integral(y ** (b - 1) * exp(-y), (y, a, oo)), uppergamma(b, a), uppergamma(b + 1, a)),
    (Integral(y ** (b - 1) * exp(-y), (y, 0, a)), lowergamma(b, a), uppergamma(b, a)),
    (Integral(y**4 * semicircle, (y, -2, 2)), 2, 3),
    (
        Integral(semicircle / (2 + a - y), (y, -2, 2)),
        (2 + a - sqrt((2 + a) ** 2 - 4)) / 2,
        2 + a - sqrt((2 + a) ** 2 - 4),
    ),
    (Sum(j * binomial(n, j) * a**j * b ** (n - j), (j, 0, n)), n * a * (a + b) ** (n - 1), n * (a + b) ** (n - 1)),
    (Sum(1 / ((j + 1) * (j + 2)), (j, 0, oo)), 1, sp.Rational(1, 2)),
    (Sum((-1) ** j * binomial(n, j) / (j + 1), (j, 0, n)), 1 / (n + 1), 1 / n),
]


@pytest.mark.parametrize(("left", "right", "wrong"), LINES, ids=str)
def test_closed_forms(left, right, wrong):
    right, wrong = map(sp.sympify, (right, wrong))
    found = judge(left, right)
    assert found.verdict == "proved", found.evidence
    assert judge(left, wrong).verdict == "refuted"


POWER = y ** (a - 1) * exp(-y) / gamma(a)
FAR = [
    (
        Integral(sin(y) ** 2 * exp(-((y - mu) ** 2) / (2 * s)) / sqrt(2 * pi * s), (y, -oo, oo)),
        (1 - exp(-2 * s) * sp.cos(2 * mu)) / 2,
    ),
    (Integral(POWER * y, (y, 0, oo)), a),
    (
        -Integral(POWER * ((a - 1) * log(y) - y - log(gamma(a))), (y, 0, oo)),
        a + log(gamma(a)) + (1 - a) * digamma(a),
    ),
    (Sum(j * (a / (1 + a)) ** j / (1 + a), (j, 0, oo)), a),
]


@pytest.mark.parametrize(("left", "right"), FAR, ids=str)
def test_mass_far_away_refutes_nothing(left, right):
    assert judge(left, right).verdict in ("proved", "supported")


def test_no_term_is_divided_by_on_the_way():
    k = sp.Symbol("k", integer=True)
    assert telescoped(1 / (k * (k + 1)), k, sp.S.One, n) is not None
    assert telescoped(1 / (k * (k + 1)), k, sp.Integer(-3), n) is None
    assert (
        closed_form(Sum(1 / (k * (k + 1)), (k, -3, n))) is None
        or not closed_form(Sum(1 / (k * (k + 1)), (k, -3, n))).checked
    )


@pytest.mark.usefixtures("as_users_ask")
@pytest.mark.parametrize("claimed", [n * 2 ** (n - 1) + 1, n * 2**n, n**2 * (n + 1) / 2, (n + 1) * 2 ** (n - 2)])
def test_a_wrong_sum_has_no_certificate(claimed):
    assert by_certificate(j * binomial(n, j), j, sp.S.Zero, n, n * 2 ** (n - 1))
    assert not by_certificate(j * binomial(n, j), j, sp.S.Zero, n, claimed)


def test_roots_of_what_is_negative():
    assert _semicircle(sqrt(2 - y) * sqrt(2 + y), y, sp.Integer(-2), sp.Integer(2)) is not None
    assert _semicircle(sqrt(y - 2) * sqrt(-2 - y), y, sp.Integer(-2), sp.Integer(2)) is None


@pytest.mark.parametrize("f", [log(1 + y**2), 1 / log(2 + y**2), exp(-(y**2)), y, 1 / (1 + y**2), sp.cos(y**2)])
def test_the_residue_of_a_lorentzian_is_of_that_alone(f):
    assert patiently(1.0, _lorentz, f / (1 + y**2), y, -oo, oo) is None


@pytest.mark.parametrize("wave", [0, sp.Rational(3, 2), 2])
def test_lorentzians_by_quadrature(wave):
    f = sp.cos(wave * y) / (3 * y**2 + sp.Rational(7, 5))
    g = sp.lambdify(y, f, "mpmath")
    half = mpmath.quadosc(g, [0, mpmath.inf], omega=float(wave)) if wave else mpmath.quad(g, [0, 1, mpmath.inf])
    assert float(_lorentz(f, y, -oo, oo).value) == pytest.approx(float(2 * half), rel=1e-6)


def test_under_a_derivative_no_integral_is_done():
    turn = Integral(sp.Abs(sin(y) * sp.cos(y)), (y, 0, 2 * pi))  # sympy says 1
    assert judge(sp.Derivative(a * turn, a), sp.S.One).verdict == "refuted"
    assert judge(sp.Derivative(Integral(exp(-(y**2)), (y, 0, a)), a), exp(-(a**2))).verdict == "proved"


BY_RULE = [  # an integral or a sum, its value, and another that is not
    (Integral(y ** (2 * n) * sqrt(4 - y**2) / (2 * pi), (y, -2, 2)), sp.catalan(n), sp.catalan(n + 1)),
    (
        Integral(y ** (a - 1) * (1 - y**2) ** (b - 1), (y, 0, 1)),
        gamma(a / 2) * gamma(b) / gamma(a / 2 + b) / 2,
        gamma(a) * gamma(b) / gamma(a + b),
    ),
    (Integral(y ** (a - 1) * log(1 - y), (y, 0, 1)), -(sp.digamma(a + 1) + sp.EulerGamma) / a, -1 / a),
    (Integral(y**2 * exp(-y - exp(-y)), (y, -oo, oo)), pi**2 / 6 + sp.EulerGamma**2, pi**2 / 6),
    (Integral((exp(-a * y) - exp(-b * y)) / y, (y, 0, oo)), log(b / a), log(a / b)),
    (Integral((1 - sp.cos(a * y)) / y**2, (y, 0, oo)), pi * a / 2, pi * a),
    (Integral(log(a**2 + y**2) / (b**2 + y**2), (y, -oo, oo)), 2 * pi * log(a + b) / b, 2 * pi * log(a + b)),
    (Integral(exp(a * sp.cos(y)) * sp.cos(2 * y), (y, 0, pi)) / pi, sp.besseli(2, a), sp.besseli(0, a)),
    (Integral(sp.Abs(y - a), (y, 0, 3 * a)), 5 * a**2 / 2, 9 * a**2 / 2),
    (sp.Sum((a / (1 + a)) ** j / j, (j, 1, oo)), log(1 + a), log(a)),
]


@pytest.mark.parametrize(("left", "right", "wrong"), BY_RULE, ids=str)
def test_by_rule(left, right, wrong):
    found = judge(left, right)
    assert found.verdict == "proved", found.evidence
    assert judge(left, wrong).verdict == "refuted"


@pytest.mark.parametrize(
    ("rule", "f", "low", "high"),
    [
        (_beta, log(1 + y), 0, 1),
        (_beta, (2 - y) ** a, 0, 1),
        (_beta, y * sp.Abs(y), -1, 1),
        (_beta, 1 / y, 0, 1),
        (_frullani, (exp(-a * y) - 2 * exp(-b * y)) / y, 0, oo),
        (_frullani, (exp(-a * y) - 1) / y, 0, oo),
        (_log_lorentz, log(y + 1) / (1 + y**2), -oo, oo),
        (_log_lorentz, log(y**2) / (1 + y**2), -oo, oo),
        (_bessel, exp(a * sp.cos(y)) * sp.cos(y / 2), 0, pi),
        (_bessel, exp(a * sp.cos(y)) * y, 0, pi),
        (_by_exponential, exp(-y + exp(-y)), -oo, oo),
        (_between_switches, sp.Abs(y - b), 0, a),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_near_a_rule(rule, f, low, high):
    assert patiently(1.0, rule, f, y, sp.sympify(low), sp.sympify(high)) is None


def test_a_sum_over_lorentzians():
    found = closed_form(Sum(1 / (3 * j**2 + 3 * a**2), (j, 1, oo)))
    assert found.checked
    whole = mpmath.nsum(lambda k: 1 / (3 * k**2 + 12), [1, mpmath.inf])
    assert float(found.value.subs(a, 2)) == pytest.approx(float(whole), rel=1e-12)


@pytest.mark.parametrize("f", [1 / (j**2 + j + a), 1 / (j**2 - a), 1 / (j**4 + a)])
def test_near_a_sum_over_lorentzians(f):
    found = closed_form(Sum(f, (j, 1, oo)))
    assert found is None or not found.checked


def test_a_peak_far_out_is_not_cut_off():
    peak = Integral((log(b / a) + sp.Abs(y) / b - sp.Abs(y) / a) * exp(-sp.Abs(y) / a) / (2 * a), (y, -oo, oo))
    assert judge(peak, a / b + log(b / a) - 1).verdict == "proved"  # at a = 10^20 too
    assert judge(peak, a / b + log(b / a)).verdict == "refuted"
