import numpy as np
import pytest

from numerics.arrays import stream
from numerics.experiments import random_features as experiment
from numerics.random_features import covariances, doubled
from tests.numerics.conftest import Contract, same_as
from theory.network import Network
from theory.setting import Setting

SMALL = Setting.of("1x2,0.5x2", samples=12, times=[0.05, 0.2, 0.8], network=Network(features=24, ridge=0.1))
ISOTROPIC = Setting.of("1x6", samples=24, times=[0.01], schedule="ou", network=Network(features=60, ridge=0.05))


class TestContract(Contract):
    name = "random_features"
    small = SMALL

    @pytest.fixture(autouse=True)
    def fewer(self, monkeypatch):
        monkeypatch.setattr(experiment, "DRAWS", 400)

    def test_block_sizes_change_nothing(self):
        """There are none."""
        same_as(self.measure(rng=3), self.measure(rng=3))


def drawn(setting, name, repeat, seed=4):
    """Weights and samples as they are said to be drawn."""
    random = stream(seed, name, repeat)
    W = random.standard_normal((setting.network.features, setting.manifold.ambient_dimension))
    X = random.standard_normal((setting.samples, setting.manifold.ambient_dimension))
    return W, X * np.sqrt(setting.manifold.spectrum)


def test_the_resolvent_is_that_of_the_covariance_of_features():
    found, expected = experiment.measure_features(ISOTROPIC, (0.1, 1.0), repeats=2, rng=4), []
    alpha = float(ISOTROPIC.alpha[0])
    for repeat in range(2):
        W, X = drawn(ISOTROPIC, "random_features.features", repeat)
        U = covariances(W, X, alpha, np.sqrt(1 - alpha**2))[0]
        expected.append(np.trace(np.linalg.inv(U + 0.05 * np.eye(60))) / 60)
    assert found["resolvent"].mean[0] == pytest.approx(np.mean(expected), rel=1e-10)
    assert found["share_below"].mean.shape == (1, 2)


def test_the_limit_is_by_two_sizes():
    found = experiment.measure_limit(ISOTROPIC, repeats=3, rng=4)["resolvent"]
    twice = doubled(ISOTROPIC)
    assert (twice.manifold.ambient_dimension, twice.samples, twice.network.features) == (12, 48, 120)
    expected = []
    for setting, name in ((ISOTROPIC, "limit"), (twice, "twice")):
        alpha, p, values = float(setting.alpha[0]), setting.network.features, []
        for repeat in range(3):
            U = covariances(*drawn(setting, f"random_features.{name}", repeat), alpha, np.sqrt(1 - alpha**2))[0]
            values.append(np.trace(np.linalg.inv(U + 0.05 * np.eye(p))) / p)
        expected.append(np.mean(values))
    assert found.mean[0] == pytest.approx(2 * expected[1] - expected[0], rel=1e-10)


def test_bulks_are_told_by_the_widest_gaps():
    spectrum = np.array([1e-3, 1e-3, 1e-3, 2e-3, 3e-3, 0.1, 0.2, 0.25, 4.0])
    ends, counts = experiment._bulks(spectrum)
    np.testing.assert_array_equal(ends, [[2e-3, 3e-3], [0.1, 0.25], [4.0, 4.0]])
    np.testing.assert_array_equal(counts, [2, 3, 1, 3])


def test_counts_are_those_of_directions_and_samples():
    """200 features, 80 samples in 20 dimensions; an error of one eigenvalue of a draw, where all counts agree."""
    setting = Setting.of("2x20", samples=80, times=[0.01], schedule="ou", network=Network(features=200, ridge=0.05))
    found = experiment.measure_model(setting, repeats=20)
    np.testing.assert_allclose(200 * found["bulk_weight"].mean, [20, 60, 20])
    np.testing.assert_allclose(found["bulk_weight"].sem, 1 / (200 * np.sqrt(20)))
    assert 200 * found["delta_weight"].mean == pytest.approx(100)


def test_a_remedy_or_no_network_is_refused():
    with pytest.raises(ValueError, match="the experiment random_features is of a trained network"):
        experiment.measure(SMALL.at(network=None), repeats=2)
    with pytest.raises(ValueError, match="with temperature 1"):
        experiment.measure(SMALL.at(temperature=2.0), repeats=2)
