import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import elementwise

from tests.theory.conftest import counts, decades, dimensions, manifolds, noise, variances
from theory.extensive import extensive, time_where
from theory.predictions import collapse
from theory.setting import LinearManifold, Subspace


@given(manifolds, noise)
def test_a_sum_over_directions_is_a_sum_over_subspaces(manifold, t):
    formula = collapse.derivation()["dispersion"]
    total = extensive(formula, manifold, t)
    assert total.shape == ()
    parts = [extensive(formula, LinearManifold((s,)), t) for s in manifold.subspaces]
    assert total == pytest.approx(sum(parts), rel=1e-13, abs=0)
    assert extensive(formula, manifold, np.full((2, 3), t)).shape == (2, 3)


@given(variances, st.integers(1, 50), st.integers(1, 50), noise)
def test_splitting_changes_nothing(v, m, n, t):
    formula = collapse.derivation()["dispersion"]
    whole = LinearManifold((Subspace(v, m + n),), m + n + 3)
    split = LinearManifold((Subspace(v, m), Subspace(v, n)))
    assert extensive(formula, split, t) == pytest.approx(extensive(formula, whole, t), rel=1e-13, abs=0)


@given(decades(-90, 90), decades(-9, 9))
def test_the_root_is_found_over_two_hundred_decades(scale, value):
    found = time_where(lambda t: scale / t, value)
    if 1e-99 < scale / value < 1e99:
        assert found == pytest.approx(scale / value, rel=1e-12, abs=0)


def test_where_there_is_no_root_the_answer_is_nan():
    found = time_where(lambda t: 1 / (1 + t), np.array([0.5, 2.0, 1e-120]))
    np.testing.assert_array_equal(np.isnan(found), [False, True, True])
    assert found[0] == pytest.approx(1)


@given(variances, dimensions, counts)
def test_the_isotropic_root_is_the_closed_form(v, m, n):
    formula = collapse.derivation()["information"]
    found = time_where(lambda t: extensive(formula, LinearManifold(((v, m),)), t), np.log(n))
    assert found == pytest.approx(v / np.expm1(2 * np.log(n) / m), rel=1e-9, abs=0)


@given(st.lists(decades(-60, 60), min_size=1, max_size=5), decades(-3, 3), st.floats(0.1, 3))
def test_roots_are_scipys(scales, value, power):
    scales = np.array(scales)

    def excess(u, s):
        return np.logaddexp(0, power * (np.log(s) - u)) - value

    wide = np.full_like(scales, 230.0)
    known = elementwise.find_root(excess, (-wide, wide), args=(scales,))
    found = time_where(lambda t: excess(np.log(t), scales) + value, np.full_like(scales, value))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(known.x))
    np.testing.assert_allclose(np.log(found), known.x, rtol=1e-11, atol=1e-11)
