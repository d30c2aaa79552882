import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.conftest import PREDICTIONS, decades, prediction
from theory.algebra.symbols import lam, q, t, x
from theory.averages.squared_distance import log_laplace
from theory.formula import Formula

DOMAINS = {
    "lambda": decades(-6, 6),
    "lambda_i": decades(-6, 6),
    "t": decades(-6, 6),
    "q": st.just(0.0) | decades(-6, 6),
    "N": decades(0.31, 12).map(round),
    "m": decades(0, 5).map(round),
    "I": st.just(0.0) | decades(-6, 2.4),
    "V": decades(-6, 5),
    "epsilon": decades(-9, 3),
    "c": st.floats(-1e3, 1e3),
    "h": st.floats(-1e3, 1e3),
    "sigma": decades(-6, 6),
    "S": decades(-6, 6),
    "g": st.sampled_from([0.0, 1.0]),
    "theta": decades(-6, 6),
    "a": decades(-6, 6),
    "b": decades(-6, 6),
    "t_c": decades(-6, 6),
}
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
    values = {str(s): data.draw(DOMAINS[str(s)], label=str(s)) for s in found.symbols}
    if formula == "log_overlap":  # the Gaussian tail: a gap of many correlation lengths only underflows
        values["h"] *= values["t"] ** 0.5 / 1e2
        values["c"] *= (values["t"] + values["lambda"]) ** 0.5 / 1e2
    if formula == "memorized_probability_asymptotic":
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
