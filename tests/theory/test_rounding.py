import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.conftest import PREDICTIONS, decades, prediction
from theory.formula import Formula
from theory.rounding import rounding_error

FORMULAS = [f for p in PREDICTIONS for f in prediction(p).derivation().formulas.values()]


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f.name)
@settings(max_examples=3)
@given(data=st.data())
def test_the_bound_holds(formula, data):
    values = {str(s): data.draw(decades(-3, 3)) for s in formula.symbols}
    if "N" in values:
        values["N"] = max(2, round(values["N"]))
    if "w" in values:
        values["w"] *= -1  # at the variances it has poles
    if {"t", "t_c"} <= set(values):
        values["t"] = 0.9 * values["t_c"]  # below which they hold
    arrays = [np.array([float(v)]) for v in values.values()]
    with np.errstate(all="ignore"):
        found, bound = formula.compiled(*arrays), rounding_error(formula.compiled)(*arrays)
    exact = formula.reference(*values.values(), digits=100)
    if np.isfinite(bound[0]):
        assert abs(float(exact) - found[0]) <= bound[0] + 1e-15 * abs(found[0])


@pytest.mark.parametrize(
    ("text", "point"),
    [("erfc(a)*gamma(100)", 30.0), ("1e300/gamma(a)", 300.0), ("exp(a)/(1 + exp(a))", 800.0), ("log1p(a) - a", 1e-12)],
)
def test_what_is_lost_is_seen(text, point):
    from scipy import special

    scope = {name: getattr(special, name) for name in ("erfc", "gamma", "log1p")} | {"exp": np.exp}
    exec(f"def f(a): return {text}", scope)
    with np.errstate(all="ignore"):
        value = scope["f"](np.array([point]))
        assert not rounding_error(scope["f"])(np.array([point])) <= 1e-6 * abs(value)


def test_what_branches_has_no_bound():
    import sympy as sp

    a = sp.Symbol("a", positive=True)
    branching = Formula("f", sp.Piecewise((a, a < 1), (a**2, True)), (a,))
    assert np.isnan(rounding_error(branching.compiled)(np.array([0.5]))).all()


def test_a_constant_has_the_rounding_of_a_constant():
    def third(a):
        return 1 / 3

    assert rounding_error(third)(np.array([1.0])) == 2.0**-53 / 3
