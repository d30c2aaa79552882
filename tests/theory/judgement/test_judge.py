"""The judge on identities and inequalities, one kind of fault at a time; test_identities has many lines of every kind."""

import pytest
import sympy as sp

from tests.theory.conftest import PREDICTIONS, prediction
from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import I, N, t, x, y
from theory.judgement.judge import judge

a, b = sp.symbols("a b", positive=True)
c, d = sp.symbols("c d")
k = sp.Symbol("k", integer=True)


def formula(name):
    return next(
        p.derivation()[name].expression for p in map(prediction, PREDICTIONS) if name in p.derivation().formulas
    )


# --- identities ---

TRUE = [
    (sp.log(a * b), sp.log(a) + sp.log(b)),
    (sp.sqrt(a**2), a),
    ((x + y) ** 2, x**2 + 2 * x * y + y**2),
    (sp.exp(x + y), sp.exp(x) * sp.exp(y)),
    (sp.exp(c + d), sp.exp(c) * sp.exp(d)),
    (sp.sin(x) ** 2 + sp.cos(x) ** 2, sp.Integer(1)),
    (sp.erf(x) + sp.erfc(x), sp.Integer(1)),
    (sp.sqrt(a) * sp.sqrt(b), sp.sqrt(a * b)),
    (1 / a - 1 / (a + b), b / (a * (a + b))),
    (sp.Integer(2), sp.Integer(2)),
    (sp.log(sp.exp(x)), x),
]
FALSE = [
    (sp.log(x * y), sp.log(x) + sp.log(y)),  # real: both negative
    (sp.log(c * d), sp.log(c) + sp.log(d)),  # complex
    (sp.sqrt(x**2), x),
    (sp.sqrt(c**2), c),
    (sp.log(sp.exp(c)), c),
    (sp.sqrt(x) * sp.sqrt(y), sp.sqrt(x * y)),
    (sp.sqrt(x**2), -x),
    ((-1) ** k, sp.Integer(1)),
    (sp.exp(a), 1 + a + a**2 / 2),
    (sp.erf(a), sp.Integer(1)),
    (a, a + sp.Rational(1, 10**60)),
    (a, a * (1 + sp.Rational(1, 10**50))),
    (sp.exp(-(10**4) * (1 + a)), sp.Integer(0)),
    (sp.Integer(2), sp.Integer(3)),
    ((a + b) ** 3, a**3 + b**3),
    (sp.log(a + b), sp.log(a) + sp.log(b)),
    (sp.gamma(a + 1), sp.gamma(a)),
]


@pytest.mark.parametrize(("left", "right"), TRUE, ids=str)
def test_true_identities_are_not_refuted(left, right):
    found = judge(left, right)
    assert found.verdict in ("proved", "supported"), found.evidence


@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_false_identities_are_refuted_with_a_witness(left, right):
    found = judge(left, right)
    assert found.verdict == "refuted", found.evidence
    assert set(found.witness) <= {str(s) for s in left.free_symbols | right.free_symbols}
    assert len(found.sides) == 2


OWN = ["information", "dispersion", "noise_share", "annealed_factor", "published", "kl_leading"]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("error", ["t/2 is t", "lambda is off by 5 %", "a factor 2", "a sign", "a constant"])
def test_a_formula_of_ours_that_is_off_is_refuted(name, error):
    right = formula(name)
    free = sorted(right.free_symbols, key=str)
    wrong = {
        "t/2 is t": right.subs(free[-1], 2 * free[-1]),
        "lambda is off by 5 %": right.subs(free[0], free[0] * sp.Rational(21, 20)),
        "a factor 2": 2 * right,
        "a sign": -right,
        "a constant": right + sp.Rational(1, 1000),
    }[error]
    assert judge(right, right).verdict == "proved"
    if sp.simplify(wrong - right) != 0:
        assert judge(wrong, right).verdict == "refuted"


def test_the_half_of_the_kl_is_not_a_matter_of_taste():
    assert judge((sp.exp(2 * I) - 1) / N, (sp.exp(2 * I) - 1) / (2 * N)).verdict == "refuted"
    squared = gaussian.density(x - y, t) ** 2
    right = gaussian.density(x - y, t / 2) / sp.sqrt(4 * sp.pi * t)
    assert judge(squared, right).verdict == "proved"
    assert judge(squared, right.subs(t, 2 * t)).verdict == "refuted"
    assert judge(squared, gaussian.density(x - y, t / 2) / sp.sqrt(2 * sp.pi * t)).verdict == "refuted"


def test_what_cannot_be_enclosed_is_inconclusive_and_never_proved():
    unknown = sp.mathieuc(a, 1, x)
    assert judge(unknown, 2 * unknown).verdict == "inconclusive"
    assert judge(unknown, 0, ">").verdict == "inconclusive"
    assert judge(sp.oo, sp.oo).verdict == "inconclusive"


def test_identities_between_functions_and_their_derivatives():
    f = sp.Function("f")(x)
    slope = sp.Derivative(f, x)
    assert judge(sp.diff(f**2, x), 2 * f * slope).verdict == "proved"
    assert judge(sp.diff(f**2, x), f * slope).verdict != "proved"
    assert judge(sp.diff(sp.log(f), x), slope / f).verdict == "proved"


@pytest.mark.parametrize(
    ("left", "right", "relation", "hint"),
    [
        (2 * a * b, a**2 + b**2, ">=", "it holds the other way round, 2*a*b <= a**2 + b**2"),
        (sp.log(1 + a), a, ">", "it holds the other way round, log(a + 1) < a"),
        (a**2 + b**2, 2 * a * b, ">", "it holds with >="),
        (a, b, ">", ""),
    ],
)
def test_the_hint_of_a_refuted_inequality(left, right, relation, hint):
    found = judge(left, right, relation)
    assert (found.verdict, found.hint) == ("refuted", hint)


# --- symbols of every declared kind ---


def declared(**assumptions):
    return sp.Symbol("s", **assumptions)


WITHIN = [
    ({"negative": True}, lambda s: (sp.log(s**2), 2 * sp.log(-s))),
    ({"nonpositive": True}, lambda s: (sp.log((1 - s) ** 2), 2 * sp.log(1 - s))),
    ({"extended_negative": True}, lambda s: (sp.log(s**2), 2 * sp.log(-s))),
    ({"extended_positive": True}, lambda s: (sp.log(s**2), 2 * sp.log(s))),
    ({"odd": True}, lambda s: (sp.cos(sp.pi * s, evaluate=False), sp.Integer(-1))),
    ({"even": True}, lambda s: (sp.cos(sp.pi * s, evaluate=False), sp.Integer(1))),
    ({"even": True, "negative": True}, lambda s: (sp.log(s**2), 2 * sp.log(-s))),
    ({"integer": True}, lambda s: (sp.sin(sp.pi * s, evaluate=False), sp.Integer(0))),
    ({"integer": True, "negative": True}, lambda s: (sp.log(s**2), 2 * sp.log(-s))),
    ({"integer": True, "nonpositive": True}, lambda s: (sp.Abs(s, evaluate=False), -s)),
    ({"prime": True}, lambda s: (sp.log(s**2), 2 * sp.log(s))),
    ({"composite": True}, lambda s: (sp.log(s**2), 2 * sp.log(s))),
    ({"imaginary": True}, lambda s: (sp.Abs(s, evaluate=False) ** 2, -(s**2))),
    ({"irrational": True}, lambda s: (sp.Abs(s, evaluate=False) ** 2, s**2)),
    ({"transcendental": True, "positive": True}, lambda s: (sp.log(s**2), 2 * sp.log(s))),
    ({"hermitian": True}, lambda s: (sp.Abs(s, evaluate=False) ** 2, s**2)),
    ({"zero": True}, lambda s: (sp.exp(s, evaluate=False), sp.Integer(1))),
]


@pytest.mark.parametrize(("assumptions", "sides"), WITHIN, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_identities_of_the_declared_domain_are_not_refuted(assumptions, sides):
    found = judge(*sides(declared(**assumptions)))
    assert found.verdict in ("proved", "supported"), found.evidence


@pytest.mark.parametrize("assumptions", [{"negative": True}, {"odd": True}, {"nonpositive": True}, {"imaginary": True}])
def test_what_fails_within_the_declared_domain_is_refuted(assumptions):
    s = declared(**assumptions)
    assert judge(sp.exp(s), 1 + s + s**2 / 2).verdict == "refuted"


def test_what_has_no_point_is_inconclusive():
    s = declared(infinite=True)
    found = judge(sp.exp(s), sp.exp(s) + sp.sin(s))
    assert found.verdict == "inconclusive"
    assert "no sample of the symbol s, declared infinite=True" in found.evidence


def test_inequalities_of_the_declared_domain():
    assert judge(sp.exp(-declared(negative=True)) - 1, 0, ">").verdict in ("proved", "supported")
    assert judge(1 + sp.I * x, 0, ">").verdict == "refuted"  # not real


# --- numbers of any size ---


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.gamma(a + 1), a * sp.gamma(a)),
        (sp.gamma(a) * sp.gamma(a + sp.Rational(1, 2)), 2 ** (1 - 2 * a) * sp.sqrt(sp.pi) * sp.gamma(2 * a)),
        (sp.factorial(N + 1), (N + 1) * sp.factorial(N)),
        (sp.loggamma(a + 1) - sp.loggamma(a), sp.log(a)),
        (sp.log(sp.cosh(a)), a + sp.log((1 + sp.exp(-2 * a)) / 2)),
        (sp.erfc(a) * sp.exp(a**2), (1 - sp.erf(a)) * sp.exp(a**2)),
        (sp.besseli(0, a) - sp.besseli(2, a), 2 * sp.besseli(1, a) / a),
        (sp.polygamma(0, a + 1), sp.polygamma(0, a) + 1 / a),
    ],
    ids=str,
)
def test_identities_between_numbers_beyond_float64_are_judged(left, right):
    found = judge(left, right)
    assert found.verdict in ("proved", "supported"), found.evidence
    assert judge(left, right * (1 + sp.Rational(1, 10**15))).verdict == "refuted"


def test_a_wide_enclosure_supports_nothing():
    found = judge(sp.cos(sp.exp(10**5 * (1 + a))), sp.cos(sp.exp(10**5 * (1 + a)) + 1))
    assert found.verdict == "inconclusive"
    assert "no narrow enclosure" in found.evidence


# --- inequalities ---


@pytest.mark.parametrize(
    "expression",
    [a, a + b, 1 / a, sp.exp(x), x**2 + 1, sp.log(1 + a), a - sp.log(1 + a), sp.Integer(1), (a - b) ** 2 + a],
    ids=str,
)
def test_positive_expressions_are_not_refuted(expression):
    assert judge(expression, 0, ">").verdict in ("proved", "supported")


@pytest.mark.parametrize(
    "expression",
    [-a, a - b, x, a - 1, sp.log(a), sp.Integer(-1), sp.log(1 + a) - a, -(x**2), sp.cos(x)],
    ids=str,
)
def test_expressions_that_are_negative_somewhere_are_refuted(expression):
    found = judge(expression, 0, ">")
    assert found.verdict == "refuted", found.evidence


@pytest.mark.parametrize(
    "expression",
    [sp.Integer(0), a - a, pytest.param(sp.sqrt(2) * sp.sqrt(3) - sp.sqrt(6), id="hidden zero"), x - x, -(x**2)],
)
def test_zero_is_not_positive(expression):
    assert judge(expression, 0, ">").verdict in ("refuted", "inconclusive")


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        (x + 6, "negative"),
        (x**3 + 200, "negative"),
        (x**2, "at 0"),
        (10**4 - a, "large"),
        (1 + (a - sp.Rational(1, 10**5)) * 10**6, "small"),
        ((x - sp.sqrt(2)) ** 2 - sp.Rational(1, 10**14), "in a window about an irrational point"),
        ((sp.exp(x) - 2) ** 2, "at an irrational point"),
        (a**6 + 4 - 4 * a**3, "at a root"),
    ],
    ids=str,
)
def test_an_inequality_that_fails_in_one_place_is_refuted(expression, where):
    assert judge(expression, 0, ">").verdict == "refuted", where


# --- where sides meet, and matrices of any size ---


@pytest.mark.parametrize(("left", "right"), [(sp.cos(x), x), (c**2 + c + 1, 0), (sp.exp(c), -1), (k**2, 7 * k - 10)])
def test_sides_that_meet_do_not_differ(left, right):
    assert judge(left, right, "!=").verdict == "refuted"


def test_sides_that_are_ordered_differ():
    assert judge(a, b, "!=", assume=(a > b,)).verdict == "proved"
    assert judge(a, b, "!=", assume=(a >= b,)).verdict == "refuted"
    assert judge(sp.exp(x), -1, "!=").verdict == "proved"


n = sp.Symbol("n", integer=True, positive=True)
A, B = (sp.MatrixSymbol(name, n, n) for name in "AB")
ONE = sp.Identity(n)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Determinant(ONE + A * B), sp.Determinant(ONE + B * A)),
        (sp.Inverse(ONE + A * B) * A, A * sp.Inverse(ONE + B * A)),
        (sp.Trace(ONE), n),
    ],
)
def test_what_holds_for_matrices_of_any_size_is_not_refuted(left, right):
    assert judge(left, right).verdict in ("proved", "supported")


@pytest.mark.parametrize(
    ("left", "right"), [(sp.Trace(ONE), sp.Integer(2)), (sp.Inverse(ONE + A), ONE - A), (A * B, sp.Trace(A))]
)
def test_what_fails_for_matrices_is_refuted(left, right):
    assert judge(left, right).verdict == "refuted"


def test_a_power_of_a_huge_degree_is_no_polynomial_to_factor():
    tau, s = sp.symbols("tau sigma", positive=True)
    x = sp.Symbol("x", real=True)
    noise = 1 - sp.exp(-2 * tau)
    assert judge(s**2, s**2 * noise / (sp.exp(-2 * tau) * s**2 + noise), ">=").verdict == "proved"
    assert judge(sp.log(1 + sp.exp(x)), sp.Max(x, 0), ">=").verdict == "proved"


@pytest.mark.usefixtures("as_users_ask")
def test_numbers_made_of_matrices_are_ordered_by_trying():
    square = A * sp.Transpose(A)
    for left, right, relation in (
        (sp.Trace(square), 0, ">="),
        (n * sp.Trace(square), sp.Trace(A) ** 2, ">="),
        (sp.Determinant(ONE + square), 1, ">="),
        (sp.Trace(square) / t, sp.log(sp.Determinant(ONE + square / t)), ">="),
        (sp.Determinant(ONE + square), 0, "!="),
    ):
        found = judge(left, right, relation)
        assert found.verdict == "supported"
        assert found.cannot_exclude


@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (sp.Trace(A * sp.Transpose(A)), 0, ">"),  # of 0
        (sp.Determinant(A), 0, "!="),
        (sp.Trace(A * sp.Transpose(A)), sp.Trace(A) ** 2, ">="),  # of 1
        (sp.Trace(A) * sp.Trace(B), sp.Trace(A * B), ">="),
    ],
)
def test_an_order_of_matrices_that_fails_names_them(left, right, relation):
    found = judge(left, right, relation)
    assert found.verdict == "refuted"
    assert {"n", "A"} <= set(found.witness)


def test_matrices_themselves_have_no_order():
    assert judge(A, B, ">").verdict == "inconclusive"


def test_a_judgement_is_printed_as_a_step_is():
    lines = str(judge(a, 2 * a, ">=")).splitlines()
    assert lines[:2] == ["refuted", "  witness: a = 2; left side 2.00000000000; right side 4.00000000000"]
    assert lines[-1] == "  trusts: Arb"
