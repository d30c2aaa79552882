import numpy as np
import pytest

from numerics.experiments.condensation import measure
from tests.numerics.conftest import SMALL, Contract
from theory.setting import Setting


class TestContract(Contract):
    name = "condensation"
    on_sphere = ("participation", "entropy", "heat_capacity")


def test_limits():
    """Far below all distances one sample has the weight; far above all have the same."""
    found = measure(Setting.of("1x3", samples=20, times=np.array([1e-7, 1e7])), repeats=5)
    np.testing.assert_allclose(found["participation"].mean, [1, 1 / 20], rtol=1e-3)
    np.testing.assert_allclose(found["entropy"].mean, [0, np.log(20)], atol=1e-3)
    np.testing.assert_allclose(found["heat_capacity"].mean, 0, atol=1e-3)


@pytest.mark.parametrize("schedule", ["ve", "flow"])
def test_a_point_far_away_sees_few_samples(schedule):
    setting = SMALL.at(times=[0.2], schedule=schedule)
    near, far = (setting.at(point=(x, *[0.0] * (setting.manifold.intrinsic_dimension - 1))) for x in (0.0, 9.0))
    few, many = measure(far, repeats=30)["participation"], measure(near, repeats=30)["participation"]
    assert few.mean[0] > many.mean[0] + 5 * np.hypot(few.sem[0], many.sem[0])


def test_on_a_trajectory_the_own_sample_weighs_more():
    setting = Setting.of("1x20", samples=100, times=np.array([0.5]))
    fresh, own = (measure(setting.at(query=q), repeats=40)["participation"] for q in ("fresh", "trajectory"))
    assert own.mean[0] > fresh.mean[0] + 5 * np.hypot(own.sem[0], fresh.sem[0])
    point = tuple(np.full(20, 1.2))
    fresh, own = (
        measure(setting.at(query=q, point=point), repeats=200)["participation"] for q in ("fresh", "trajectory")
    )
    assert own.mean[0] > fresh.mean[0] + 5 * np.hypot(own.sem[0], fresh.sem[0])
