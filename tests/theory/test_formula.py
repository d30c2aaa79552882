import copy
import inspect
import pickle
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.conftest import PREDICTIONS, decades, prediction
from theory.algebra.code import function
from theory.algebra.symbols import lam, q, t, x
from theory.averages.squared_distance import log_laplace
from theory.formula import Formula, in_float64

DOMAINS = {
    "q": st.just(0.0) | decades(-6, 6),
    "N": decades(0.31, 12).map(round),
    "m": decades(0, 5).map(round),
    "I": st.just(0.0) | decades(-6, 2.4),
    "V": decades(-6, 5),
    "epsilon": decades(-9, 3),
    "g": st.sampled_from([0.0, 1.0]),
    "T": decades(-3, 3),
    "z": st.floats(-40, 40),
    "x": st.floats(-40, 40),
    "r": st.just(0.0) | decades(-6, 3),
    "u": st.just(0.0) | decades(-6, 6),
    "A": decades(-6, 2),
    "B": decades(-6, 2),
    "p": decades(0, 6),
    "n": decades(0, 6),
    "D": decades(0, 6),
    "psi_n": decades(-3, 3),
    "k": st.integers(1, 1000),
    "eta": decades(-14, -13),  # short, against the rates above
    "w": decades(-6, 6).map(lambda w: -w),  # at the variances it has poles
    "rho": decades(-3, 0),
}


def domain(symbol):
    """What is drawn for a symbol: that of its letter, else what its assumptions allow."""
    return DOMAINS.get(str(symbol), decades(-6, 6) if symbol.is_nonnegative else st.floats(-1e3, 1e3))


FORMULAS = [(p, f) for p in PREDICTIONS for f in prediction(p).derivation().formulas]


def reaches(formula, values):
    """Relative distance from the reference; of a logarithm absolute below one: its exp is what is used."""
    found = float(formula(*values))
    exact = formula.reference(*values)
    scale = max(abs(exact), 1) if "log" in formula.name else max(abs(exact), mpmath.mpf(10) ** -300)
    return float(abs(mpmath.mpf(found) - exact) / scale)


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
@given(data=st.data())
def test_the_fast_value_is_the_reference(name, formula, data):
    found = prediction(name).derivation()[formula]
    values = {str(s): data.draw(domain(s), label=str(s)) for s in found.symbols}
    values |= {str(s): abs(values[str(s)]) or float(bool(s.is_positive)) for s in found.symbols if s.is_nonnegative}
    if name == "speciation" and "w" in values:  # the weight of a class
        values["w"] = data.draw(st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9, 0.999]))
    if formula == "fold":  # near 0 it cancels
        values["a"] = min(max(values["a"], 0.1), 100.0)
    if formula == "log_overlap":  # the Gaussian tail: a gap of many correlation lengths only underflows
        values["h"] *= values["t"] ** 0.5 / 1e2
        values["c"] *= (values["t"] + values["lambda"]) ** 0.5 / 1e2
    if formula in ("memorized_probability_asymptotic", "memorized_fraction"):
        values["N"] = round(min(1e12, max(2.0, np.exp(min(values["I"] + 5 * values["V"] ** 0.5, 28.0)))))
    if formula == "bias":  # its logarithm cancels at small t, where another form is used
        values["t"] = max(values["t"], values["lambda"])
    if formula in (
        "entropy_condensed",
        "heat_capacity_condensed",
        "kl_condensed",
    ):  # below t_c; near it and far they cancel
        values["t"] = values["t_c"] * min(max(values["t"] / values["t_c"], 1e-3), 0.9)
    if formula == "kl_condensed":
        values["lambda"] = max(values["lambda"], values["t_c"])
    assert reaches(found, list(values.values())) < 1e-10


@pytest.mark.parametrize("order", range(4))
@given(v=decades(-6, 6), s=st.just(0.0) | decades(-6, 6), rate=decades(-6, 6))
def test_the_laplace_transform_is_its_reference(order, v, s, rate):
    assert reaches(log_laplace(order), (v, s, rate)) < 1e-10


@pytest.mark.parametrize("formula", ["log_weight_ratio_typical", "information", "dispersion", "noise_share"])
@pytest.mark.parametrize("v", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("noise", [1e-12, 1.0, 1e12])
def test_the_corners_of_the_domain(formula, v, noise):
    found = next(p.derivation()[formula] for p in map(prediction, PREDICTIONS) if formula in p.derivation().formulas)
    assert reaches(found, (v, noise)) < 1e-12


def test_outside_the_domain_is_nan_element_by_element():
    found = Formula("f", sp.log(1 + lam / t), (lam, t))
    values = found([1.0, 0.0, -1.0, np.nan, 2.0], [1.0, 1.0, 1.0, 1.0, -3.0])
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, True, True])
    assert values[0] == pytest.approx(np.log(2))
    nonnegative = Formula("g", q + 1, (q,))
    np.testing.assert_array_equal(nonnegative([-1e-300, 0.0, 4.0]), [np.nan, 1.0, 5.0])
    real = Formula("h", x**2, (x,))
    np.testing.assert_array_equal(real([-2.0, np.nan]), [4.0, np.nan])


def test_overflow_is_infinity_without_a_warning():
    assert np.isposinf(Formula("e", sp.exp(lam), (lam,))(1e4))
    assert Formula("e", sp.exp(-lam), (lam,))(1e4) == 0


@given(st.lists(decades(-3, 3), min_size=1, max_size=4), st.lists(decades(-3, 3), min_size=1, max_size=4))
def test_arguments_broadcast(v, noise):
    found = Formula("f", lam / (lam + t), (lam, t))
    table = found(np.array(v)[:, None], np.array(noise))
    assert table.shape == (len(v), len(noise))
    for i, a in enumerate(v):
        for j, b in enumerate(noise):
            assert table[i, j] == found(a, b)


def test_a_constant_formula_takes_the_shape_of_its_arguments():
    np.testing.assert_array_equal(Formula("c", sp.Integer(3), (lam,))([1.0, 2.0, -1.0]), [3, 3, np.nan])


def test_undeclared_symbols_and_missing_arguments_are_refused():
    with pytest.raises(ValueError, match="undeclared"):
        Formula("f", lam + t, (lam,))
    with pytest.raises(ValueError, match="argument"):
        Formula("f", lam + t, (lam, t))(1.0)


@pytest.mark.parametrize("ratio", [1e-8, 1e-12, 1e-20, 1e-30])
def test_logarithms_of_nearly_one_do_not_cancel(ratio):
    assert reaches(Formula("f", sp.log((lam + t) / t), (lam, t)), (ratio, 1.0)) < 1e-12


@given(decades(-30, 2))
def test_exponentials_of_nearly_zero_do_not_cancel(value):
    assert reaches(Formula("f", sp.exp(2 * lam) - 1, (lam,)), (value,)) < 1e-12


def test_the_reference_has_the_digits_asked_for():
    found = Formula("f", sp.log(1 + lam), (lam,))
    with mpmath.workdps(90):
        exact = mpmath.log(3)
        assert abs(found.reference(2, digits=80) - exact) < mpmath.mpf(10) ** -78
        assert abs(found.reference(2, digits=20) - exact) > mpmath.mpf(10) ** -40
    assert mpmath.mp.dps == 15


def test_latex_is_the_expression():
    assert Formula("f", lam / t, (lam, t)).latex == r"\frac{\lambda}{t}"


# -- the declared domain


@pytest.mark.parametrize(
    ("assumptions", "inside", "outside"),
    [
        ({"negative": True}, [-4.0, -5e-324], [4.0, 0.0, -0.0]),
        ({"nonpositive": True}, [-4.0, 0.0, -0.0], [5e-324]),
        ({"nonzero": True}, [-4.0, 1e-300], [0.0]),
        ({"integer": True}, [-3.0, 0.0, 2.0**60], [1.5, 1e-300]),
        ({"integer": True, "positive": True}, [1.0, 7.0], [0.0, -1.0, 1.5]),
        ({"odd": True}, [-3.0, 1.0], [2.0, 0.0, 1.5]),
        ({"even": True}, [-2.0, 0.0, 2.0**60], [1.0, 0.5]),
        ({"even": True, "negative": True}, [-2.0], [2.0, -1.0]),
        ({"prime": True}, [2.0, 13.0], [1.0, 4.0, 2.5]),
        ({"composite": True}, [4.0], [1.0, 2.0, 4.5]),
        ({"noninteger": True}, [1.5], [1.0]),
        ({"zero": True}, [0.0], [1.0]),
        ({"imaginary": True}, [], [0.0, 1.0]),
        ({"real": True}, [-1e308, 1e308], []),
        ({}, [-1.0, np.inf], []),
    ],
    ids=str,
)
def test_the_assumptions_of_a_symbol_are_the_domain(assumptions, inside, outside):
    symbol = sp.Symbol("s", **assumptions)
    found = Formula("f", symbol, (symbol,))
    outside = [*outside, np.nan, *([np.inf, -np.inf] if assumptions else [])]
    np.testing.assert_array_equal(found([*inside, *outside]), [*inside, *[np.nan] * len(outside)])
    assert all(np.isnan(found(value)) for value in outside)


# -- where float64 is not enough

one, other = sp.Symbol("a", positive=True), sp.Symbol("b", positive=True)
count = sp.Symbol("n", integer=True, nonnegative=True)
HARD = [
    (sp.erfc(one) * sp.exp(one**2), [30.0]),  # 0 times infinity
    (sp.erfc(one) * sp.exp(one**2), [1e5]),
    (sp.exp(one) / (1 + sp.exp(one)), [800.0]),
    (sp.gamma(one + 2) / sp.gamma(one), [200.0]),
    (sp.factorial(count + 1) / sp.factorial(count), [200.0]),
    (sp.erfc(one) * sp.gamma(other), [30.0, 100.0]),  # a factor that underflows to 0
    (other**100 / sp.gamma(one), [300.0, 1e3]),  # one that overflows, of a quotient that is 0 then
    (sp.loggamma(one + 1) - sp.loggamma(one), [1e10]),  # cancels to six digits, to none
    (sp.loggamma(one + 1) - sp.loggamma(one), [1e200]),
    (sp.besseli(0, one) * sp.exp(-one), [1e3]),
    (sp.cosh(one) / sp.cosh(one - 1), [800.0]),
    (1 - sp.cos(one), [1e-9]),
    (sp.sqrt(one + 1) - sp.sqrt(one), [1e20]),
    (sp.besselj(0, one) * sp.exp(one) * sp.exp(-(one**2)), [40.0]),  # without an enclosure
]


@pytest.mark.parametrize(("expression", "point"), HARD, ids=str)
def test_what_float64_loses_on_the_way_is_found_by_more_digits(expression, point):
    found = Formula("f", expression, tuple(sorted(expression.free_symbols, key=str)))
    exact = found.reference(*point, digits=500)
    assert float(found(*point)) == pytest.approx(float(exact), rel=1e-12, abs=1e-307)


def test_only_points_that_fail_are_taken_anew(monkeypatch):
    found = Formula("f", sp.erfc(one) * sp.exp(one**2), (one,))
    asked, exact = [], Formula._exact
    monkeypatch.setattr(Formula, "_exact", lambda self, point: asked.append(point) or exact(self, point))
    values = found([1.0, 30.0, -2.0, 30.0, 40.0])
    assert asked == [(30.0,), (40.0,)]
    exact = [float(found.reference(v, digits=80)) for v in (1.0, 30.0, 30.0, 40.0)]
    np.testing.assert_allclose(values[[0, 1, 3, 4]], exact, rtol=1e-13)
    assert np.isnan(values[2])


def test_true_zeros_poles_and_overflows():
    assert Formula("f", one - other, (one, other))(3.0, 3.0) == 0
    assert np.isposinf(Formula("f", 1 / q, (q,))(0.0))
    assert np.isneginf(Formula("f", sp.log(q), (q,))(0.0))
    assert np.isposinf(Formula("f", sp.sinh(one) / one, (one,))(900.0))
    assert np.isnan(Formula("f", sp.log(x), (x,))(-1.0))


def test_a_search_is_in_float64(monkeypatch):
    found = Formula("f", sp.exp(one) / (1 + sp.exp(one)), (one,))
    with in_float64():
        assert np.isnan(found(800.0))
    assert found(800.0) == 1


def test_branches_are_taken_by_more_digits():
    split = sp.Piecewise((one, one < 1), (one**2, True))
    np.testing.assert_array_equal(Formula("f", split, (one,))([0.5, 3.0]), [0.5, 9.0])


# -- pickles


COPIES = copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))


MANY = "kernel_smoothing", "score_covariance", "led_kde", "temperature"  # formulas, of the same kinds


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in MANY)) for n in PREDICTIONS])
def test_derivations_are_copied_before_and_after_use(name):
    derivation = prediction(name).derivation()
    fresh = {n: Formula(n, f.expression, f.symbols) for n, f in derivation.formulas.items()}
    for formulas in (derivation.formulas, fresh):
        for formula in formulas.values():
            values = [3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.2][: len(formula.symbols)]
            values = [np.ceil(v) + 1 if s.is_integer else v for v, s in zip(values, formula.symbols, strict=True)]
            twins = [copied(formula) for copied in COPIES]
            found = formula(*values)
            formula.code, formula.latex, formula.reference(*values)
            twins += [copied(formula) for copied in COPIES]
            for twin in twins:
                assert type(twin) is type(formula)
                np.testing.assert_array_equal(twin(*values), found)
                assert twin == formula
    for copied in COPIES:
        assert copied(derivation).as_dict() == derivation.as_dict()


def test_code_spells_names_that_python_does_not_take_each_in_its_own_way():
    plus, minus, lam, taken = sp.symbols("L_+ L_- lambda L__", positive=True)
    formula = Formula("f", sp.log(plus / minus) + lam**2 * taken, (plus, minus, lam, taken))
    run = function(formula.code)
    assert list(inspect.signature(run).parameters) == ["L___", "L____", "lambda_", "L__"]
    assert run(2.0, 3.0, 5.0, 7.0) == formula(2.0, 3.0, 5.0, 7.0)


def test_another_process_evaluates_a_pickled_formula(tmp_path):
    found = Formula("f", sp.erfc(one) * sp.exp(one**2) + sp.log(1 + one / other), (one, other))
    points = np.geomspace(1e-3, 50, 40), np.geomspace(1e3, 1e-3, 40)
    values = found(*points)
    (tmp_path / "formula").write_bytes(pickle.dumps((found, points)))
    code = (
        "import pathlib, pickle, sys\n"
        "formula, points = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(*(float(v).hex() for v in formula(*points)))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "formula")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.split() == [float(v).hex() for v in values]
