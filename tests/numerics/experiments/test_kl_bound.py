import numpy as np
import pytest

from numerics.arrays import stream
from numerics.data import draw
from numerics.experiments.kl_bound import QUERIES, measure, measure_routes
from tests.numerics.conftest import SMALL, Contract
from theory.setting import Setting


class TestContract(Contract):
    name = "kl_bound"


def test_by_hand():
    found = measure(SMALL, repeats=3, rng=9)["kl"]
    expected = []
    for repeat in range(3):
        random = stream(9, "kl_bound", repeat)
        data = draw(SMALL, SMALL.samples, random)
        row = []
        for t in SMALL.t:
            x, v = draw(SMALL, QUERIES, random), SMALL.manifold.spectrum + t
            x = x + np.sqrt(t) * random.standard_normal((QUERIES, 4))
            p = np.exp(-0.5 * (x**2 / v).sum(-1)) / np.sqrt(2 * np.pi * v).prod()
            kernels = np.exp(-0.5 * ((x[:, None] - data) ** 2).sum(-1) / t) / (2 * np.pi * t) ** 2
            r = kernels.mean(axis=1) / p
            row.append((r - 1 - np.log(r)).mean())
        expected.append(row)
    np.testing.assert_allclose(found.mean, np.mean(expected, axis=0), rtol=1e-9)


def test_divergences_are_positive_and_fall_with_noise():
    setting = SMALL.at(times=np.geomspace(0.01, 100, 6))
    found = measure(setting, repeats=30)["kl"].mean
    assert (found > 0).all()
    assert (np.diff(found) < 0).all()


def test_leading_order_at_large_noise():
    """Theory.md: (X - 1)/2N, once t is large. 2 numbers at 5 sigma."""
    setting = SMALL.at(times=np.array([5.0, 20.0]))
    found = measure(setting, repeats=600)["kl"]
    X = np.prod(1 + setting.manifold.spectrum / setting.t[:, None], axis=1)
    expected = (X - 1) / (2 * setting.samples)
    assert (np.abs(found.mean - expected) < 5 * found.sem + 0.02 * expected).all()


def test_the_catalogue():
    """Theory.md: at t = 0.1, lambda = (1, 0.3), N = 2000 the divergence is 0.0057(2)."""
    found = measure(Setting.of("1.0x1,0.3x1", samples=2000, times=[0.1]), repeats=250)["kl"]
    assert abs(found.mean[0] - 0.0057) < 4 * np.hypot(found.sem[0], 0.0002)
    assert found.mean[0] + 4 * found.sem[0] < 0.0108  # the leading order, which fails here


def test_two_routes_to_one_divergence():
    # at 5 sigma: a false alarm in 2e6 seeds
    setting = Setting.of("1.0x1,0.3x1", samples=200, times=[0.1])
    ticks = []
    found = measure_routes(setting, last=10.0, repeats=60, tick=lambda: ticks.append(None))
    assert len(ticks) == 60
    assert list(found) == ["by_densities", "by_scores", "difference"]
    assert abs(found["difference"].mean) < 5 * found["difference"].sem
    assert found["difference"].sem < 0.3 * found["by_scores"].mean
    np.testing.assert_allclose(
        found["difference"].mean, found["by_densities"].mean - found["by_scores"].mean, atol=1e-12
    )
    again = measure_routes(setting, last=10.0, repeats=2, rng=3)
    assert again == measure_routes(setting, last=10.0, repeats=2, rng=3)


def test_routes_take_the_density_of_the_data():
    with pytest.raises(ValueError, match="known for the gaussian ensemble only, got 'sphere'"):
        measure_routes(SMALL.at(ensemble="sphere"), last=1.0, repeats=2)
