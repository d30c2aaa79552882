import numpy as np
import pytest

from tests.validation.conftest import geomem
from validation.audit import of_data
from validation.audit.dominance import Dominance, dominance, standardized


def cloud(n=150, d=6):
    return np.random.default_rng(5).standard_normal((n, d)) * np.linspace(3, 0.5, d)


def test_one_row_far_from_all_others_is_named_with_what_there_is_without_it():
    samples = cloud()
    without = dominance(np.delete(samples, 7, axis=0), 2.0)
    samples[7, 2] = 1e8
    found = dominance(samples, 2.0)
    assert without is None
    assert (found.what, found.number) == ("row", 8)
    assert found.share == pytest.approx(1)
    assert 0.1 < found.collapse_time_without < 10
    assert "Row 8 alone makes 100 % of the variance; without it theory says t = " in found.sentence()


def test_one_column_in_another_unit_is_named_and_standardizing_offered():
    samples = np.column_stack([cloud(), 1e15 * np.random.default_rng(1).standard_normal(150)])
    found = dominance(samples, 2.0)
    assert (found.what, found.number) == ("column", 7)
    assert "--standardize" in found.sentence()
    assert dominance(standardized(samples), 2.0) is None


@pytest.mark.parametrize(
    "samples", [cloud(), cloud(d=1), np.ones((20, 3)), cloud() + 1e6], ids=["", "one", "same", "far"]
)
def test_nothing_dominates_ordinary_data(samples):
    assert dominance(samples, 2.0) is None


def test_too_little_may_be_left():
    samples = np.column_stack([np.ones((20, 1)), np.random.default_rng(2).standard_normal(20)])
    assert dominance(samples, 2.0).collapse_time_without is None
    assert Dominance("row", 1, 1.0, None).sentence() == "Row 1 alone makes 100 % of the variance."


def test_standardized_columns_have_deviation_one_and_constant_ones_none():
    found = standardized(np.column_stack([cloud(), np.full(150, 7.0)]))
    np.testing.assert_allclose(found.std(axis=0), [1] * 6 + [0], atol=1e-12)


def test_the_audit_says_it(tmp_path, monkeypatch):
    monkeypatch.setattr(of_data, "EXACT_SUBSPACES", 0)  # which has tests of its own
    samples = cloud(60, 3)
    samples[4, 1] = 1e8
    np.save(tmp_path / "cell.npy", samples)
    done = geomem("audit", tmp_path / "cell.npy")
    assert done.code == 0
    assert "Row 5 alone makes 100 % of the variance" in " ".join(done.out.split())
    plain = geomem("audit", tmp_path / "cell.npy", "--standardize")
    assert "deviations of the columns squared" in plain.out


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_columns_whose_squares_float64_does_not_hold_are_standardized(scale):
    samples = np.random.default_rng(3).standard_normal((50, 3))
    found = standardized(samples * [1, scale, 1])
    np.testing.assert_allclose(found, standardized(samples), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-12)
