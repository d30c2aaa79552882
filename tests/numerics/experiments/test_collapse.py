import numpy as np
import pytest

from numerics.arrays import stream
from numerics.data import draw
from numerics.experiments.collapse import QUERIES, measure
from tests.numerics.conftest import SMALL, Contract
from theory.setting import Setting


class TestContract(Contract):
    name = "collapse"
    on_sphere = ("memorized_probability", "own_weight")


def test_the_memorized_fraction_by_hand():
    found = measure(SMALL, repeats=4, rng=9)["memorized_probability"]
    expected = []
    for repeat in range(4):
        random = stream(9, "collapse", repeat)
        data = draw(SMALL, SMALL.samples, random)
        xi = random.standard_normal((60, 4))
        x = data + np.sqrt(SMALL.t)[:, None, None] * xi
        distances = np.linalg.norm(x[:, :, None] - data, axis=-1)
        expected.append((distances.argmin(axis=-1) == np.arange(60)).mean(axis=1))
    np.testing.assert_allclose(found.mean, np.mean(expected, axis=0))
    np.testing.assert_allclose(found.sem, np.std(expected, axis=0, ddof=1) / 2)


def test_information_and_dispersion_of_a_gaussian():
    # 10 numbers at 5 sigma: a false alarm in 2e5 seeds
    setting = Setting.of("2.0x3,0.1x2", samples=64, times=np.geomspace(0.01, 10, 5))
    found = measure(setting, repeats=60)
    assert found["information"].n == found["dispersion"].n == 60 * QUERIES
    ratio = setting.manifold.spectrum / setting.t[:, None]
    for name, expected in (
        ("information", np.log1p(ratio).sum(axis=1) / 2),
        ("dispersion", (ratio / (1 + ratio)).sum(axis=1)),
    ):
        assert (np.abs(found[name].mean - expected) < 5 * found[name].sem).all(), name


def test_the_collapse_time_is_where_information_is_log_n():
    setting = Setting.of("1.0x10", samples=500, times=np.geomspace(0.1, 2, 12))
    found = measure(setting, repeats=20)["collapse_time"]
    assert abs(found.mean - 1 / (500 ** (2 / 10) - 1)) < 5 * found.sem + 1e-3
    assert found.sem < 0.02


def test_without_bracket_there_is_no_collapse_time():
    found = measure(Setting.of("1.0x10", samples=500, times=[5.0, 6.0]), repeats=3)["collapse_time"]
    assert np.isnan(found.mean)
    assert np.isnan(found.sem)


def test_memorization_at_the_ends():
    setting = Setting.of("1.0x5", samples=100, times=[1e-10, 1e6])
    found = measure(setting, repeats=10)["memorized_probability"].mean
    assert found[0] == 1
    assert found[1] < 0.05


@pytest.mark.parametrize("times", [[0.8, 0.2, 0.05], [0.2, 0.05, 0.8]])
def test_times_in_any_order(times):
    setting = Setting.of("1.0x2,0.1x2", samples=60, times=np.array(times))
    found, expected = measure(setting, repeats=5), measure(SMALL, repeats=5)
    assert np.isfinite(expected["collapse_time"].mean)
    np.testing.assert_allclose(found["collapse_time"].mean, expected["collapse_time"].mean)
    order = np.argsort(times)
    np.testing.assert_allclose(found["memorized_probability"].mean[order], expected["memorized_probability"].mean)


def test_the_catalogue():
    """D = 20, lambda = 1, t/t_C = 3, 1, 0.3 at a smaller N: memorization sets in where information is log N."""
    N = 1000
    collapse = 1 / (N ** (2 / 20) - 1)
    setting = Setting.of("1.0x20", samples=N, times=collapse * np.array([0.1, 0.3, 1, 3, 10]))
    found = measure(setting, repeats=6)["memorized_probability"].mean
    assert (np.diff(found) < 0).all()
    assert found[0] > 0.99
    assert 0.4 < found[2] < 0.8
    assert found[4] < 0.1
