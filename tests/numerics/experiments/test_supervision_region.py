import numpy as np
import pytest

from numerics.arrays import stream
from numerics.data import draw
from numerics.experiments.supervision_region import measure
from tests.numerics.conftest import Contract
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "supervision_region"
    on_sphere = ("nearest_distance_squared", "shell_ratio", "shell_overlap")


@pytest.mark.parametrize("samples", [2, 3, 80])
def test_the_overlap_is_that_of_the_nearest_other(samples):
    setting = Setting.of("1x2,0.1x2", samples=samples, times=np.array([0.1, 0.5]))
    found = measure(setting, repeats=3, rng=1)["shell_overlap"].mean
    expected = []
    for repeat in range(3):
        data = draw(setting, samples, stream(1, "supervision_region", repeat))
        squares = ((data[:, None] - data) ** 2).sum(axis=-1) + np.diag(np.full(samples, np.inf))
        nearest = squares.min(axis=1)[: min(64, samples - 1)]
        expected.append(np.exp(-nearest / (8 * setting.t[:, None])).mean(axis=1))
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-12)


def test_the_distance_is_that_of_a_brute_search():
    point = (0.5, -0.2, 0.1, 0.3)
    setting = Setting.of("1x2,0.1x2", samples=30, times=np.array([0.1, 0.5]), schedule="flow", point=point)
    found = measure(setting, repeats=5, rng=1)["nearest_distance_squared"].mean
    sets = [draw(setting, 30, stream(1, "supervision_region", repeat)) for repeat in range(5)]
    expected = [
        np.mean([((np.array(point) / alpha - data) ** 2).sum(axis=1).min() for data in sets]) for alpha in setting.alpha
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_ratio_is_the_root_of_the_mean_distance():
    setting = Setting(LinearManifold.parse("1x2", 6), 30, np.array([0.1, 0.5]))
    found = measure(setting, repeats=7)
    squares = found["nearest_distance_squared"].mean / (6 * setting.t)
    np.testing.assert_allclose(found["shell_ratio"].mean ** 2, squares, rtol=1e-12)
    slope = found["nearest_distance_squared"].sem / (2 * 6 * setting.t * np.sqrt(squares))
    np.testing.assert_allclose(found["shell_ratio"].sem, slope, rtol=0.1)


def test_noised_samples_are_on_their_shells_where_fresh_points_are_outside():
    setting = Setting.of("1x30", samples=100, times=np.array([0.05]))
    fresh, own = (measure(setting.at(query=q), repeats=20)["shell_ratio"] for q in ("fresh", "trajectory"))
    assert abs(own.mean[0] - 1) < 5 * own.sem[0]
    assert fresh.mean[0] > 2
