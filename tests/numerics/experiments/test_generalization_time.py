import numpy as np
import pytest

from numerics.experiments.generalization_time import lowest, measure
from tests.numerics.conftest import Contract
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "generalization_time"


def test_the_lowest_value_is_between_the_times():
    times = np.geomspace(0.1, 10, 9)
    assert lowest(times, (np.log(times) - 0.3) ** 2) == pytest.approx(np.exp(0.3), rel=1e-9)
    assert lowest(times[::-1], (np.log(times[::-1]) - 0.3) ** 2) == pytest.approx(np.exp(0.3), rel=1e-9)
    for values in (times, -times):
        assert np.isnan(lowest(times, values))
    assert np.isnan(lowest(times[:3], np.array([1.0, 0.0, 1.0])))


def test_one_sample_more_or_less_is_known():
    """Two samples and much noise: log p_0/p^_t is that of one Gaussian, E x^2 = lambda and E |x - y|^2 = 2 lambda."""
    setting = Setting.of("1x3", samples=2, times=np.array([1e4]))
    found = measure(setting, repeats=100)["kl_clean"]
    expected = 1.5 * (np.log(1e4) - 1 + 2 / 1e4)
    assert abs(found.mean[0] - expected) < 5 * found.sem[0]


def test_directions_normal_to_the_manifold_do_not_count():
    times = np.geomspace(0.1, 2, 5)
    flat, high = (Setting(LinearManifold.parse("1x3", D), samples=50, times=times) for D in (3, 8))
    one, other = (measure(s, repeats=5, rng=2) for s in (flat, high))
    np.testing.assert_array_equal(one["kl_clean"].mean, other["kl_clean"].mean)


def test_another_ensemble_is_refused():
    with pytest.raises(ValueError, match="gaussian ensemble"):
        measure(Setting.of("1x3", ensemble="sphere"), repeats=2)
