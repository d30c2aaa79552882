"""Limits and leading orders that are proved, each beside one that is not so."""

import pytest
import sympy as sp
from sympy import (
    EulerGamma,
    LambertW,
    Rational,
    besseli,
    besselk,
    binomial,
    cos,
    cosh,
    coth,
    erf,
    exp,
    expint,
    factorial,
    gamma,
    log,
    oo,
    pi,
    sin,
    sqrt,
    tanh,
    uppergamma,
    zeta,
)

from theory.judgement.judge import judge
from theory.judgement.limits import limit_in_parts

a, b, m, t = sp.symbols("a b m t", positive=True)
x = sp.Symbol("x", real=True)
n, N = sp.symbols("n N", integer=True, positive=True)
half = Rational(1, 2)
LINES = [  # the line, what it tends to or goes as, what it does not, and where
    ((a - sqrt(a**2 - 4)) / 2, 1 / a, 2 / a, "leading", (a, oo)),
    (log(1 + b / (1 - exp(-2 * a))) / 2, -log(a) / 2, -log(a), "leading", (a, 0)),
    (exp(-((b - exp(-a)) ** 2) / (1 + b - exp(-a))), exp(-((b - 1) ** 2) / b), exp(-((b - 1) ** 2)), "tends", (a, 0)),
    (sqrt((a + b) ** 2 + a) - a, b + half, b, "tends", (a, oo)),
    (gamma(a + half) / gamma(a), sqrt(a), sqrt(a) * (1 + 1 / (1 + log(2))), "leading", (a, oo)),
    (factorial(n), sqrt(2 * pi * n) * (n / sp.E) ** n, sqrt(pi * n) * (n / sp.E) ** n, "leading", (n, oo)),
    (binomial(2 * n, n), 4**n / sqrt(pi * n), 4**n / sqrt(2 * pi * n), "leading", (n, oo)),
    (log(binomial(2 * n, n)) / n, 2 * log(2), log(2), "tends", (n, oo)),
    (log(gamma(a + 1)) - a * log(a) + a, log(a) / 2, log(a), "leading", (a, oo)),
    ((exp(1 / a) - 1) * log(1 + a), log(a) / a, 1 / a, "leading", (a, oo)),
    (N ** (2 / m) - 1, 2 * log(N) / m, log(N) / m, "leading", (m, oo)),
    ((1 + a / n) ** n, exp(a), 1 + a, "tends", (n, oo)),
    (((a**t + b**t) / 2) ** (1 / t), sqrt(a * b), (a + b) / 2, "tends", (t, 0, "+")),
    (cosh(x / sqrt(n)) ** n, exp(x**2 / 2), exp(x**2), "tends", (n, oo)),
    (1 - (1 - 1 / n) ** n, 1 - exp(-1), exp(-1), "tends", (n, oo)),
    (besseli(0, a), exp(a) / sqrt(2 * pi * a), exp(a) / sqrt(pi * a), "leading", (a, oo)),
    (besselk(0, a), -log(a), -2 * log(a), "leading", (a, 0, "+")),
    (uppergamma(b, a), a ** (b - 1) * exp(-a), a**b * exp(-a), "leading", (a, oo)),
    (expint(1, a) + log(a), -EulerGamma, EulerGamma, "tends", (a, 0, "+")),
    (LambertW(a), log(a), log(a) / 2, "leading", (a, oo)),
    (LambertW(a) / a, 1, 2, "tends", (a, 0, "+")),
    (zeta(1 + a) - 1 / a, EulerGamma, 0, "tends", (a, 0, "+")),
    (a * coth(a), 1, 0, "tends", (a, 0, "+")),
    (sqrt(log(N) + a) - sqrt(log(N)), 0, 1, "tends", (N, oo)),
    (erf(b / t) * tanh(1 / t), 1, half, "tends", (t, 0, "+")),
]


@pytest.mark.parametrize(("left", "right", "wrong", "relation", "at"), LINES, ids=str)
def test_limits(left, right, wrong, relation, at):
    found = judge(left, right, relation, at=at)
    assert found.verdict == "proved", found.evidence
    assert judge(left, wrong, relation, at=at).verdict == "refuted"


@pytest.mark.parametrize("e", [sin(a), exp(sin(a)), cos(a) * tanh(a), a - a * tanh(a) ** 2, x * a, (-1) ** n])
def test_no_limit_is_found_where_there_is_none_or_it_is_not_seen(e):
    symbol = n if e.has(n) else a
    assert limit_in_parts(e, symbol, oo, "") in (None, sp.S.Zero if e.has(tanh) and not e.has(cos) else None)
