import numpy as np
import pytest

from numerics.experiments import temperature as experiment
from numerics.experiments.temperature import measure, measure_distribution, measure_samples, measure_shares
from tests.numerics.conftest import COARSELY, Generating
from theory.setting import Setting

HOT = Setting.of("1.0x2,0.1x1", samples=30, temperature=2, times=[1.0, 0.01, 0.1])


class TestContract(Generating):
    name = "temperature"
    on_sphere = ("memorized_fraction", "largest_weight_generated", "frozen_variance")
    elsewhere = ("sample_probabilities",)
    coarsely = COARSELY["temperature"]


def test_in_one_dimension_the_samples_have_an_order():
    line = Setting.of("1x1", samples=4, temperature=2, times=[0.1])
    found = measure(line, repeats=2)
    assert set(found) == set(experiment.OBSERVABLES)
    np.testing.assert_allclose(found["sample_probabilities"].mean.sum(), 1)
    ends, middle = measure_shares(line, repeats=10)["sample_probabilities"][[0, 1]].mean
    assert middle > ends + 0.1
    ends, middle = measure_shares(line.at(temperature=0.5), repeats=10)["sample_probabilities"][[0, 1]].mean
    assert ends > middle + 0.05


def test_a_sample_is_chosen_as_the_noise_goes_to_nothing():
    found = measure_samples(HOT.at(times=[1e-6, 1e3]), repeats=5)
    np.testing.assert_allclose(found["largest_weight_generated"].mean[0], 1, atol=1e-3)
    assert found["largest_weight_generated"].mean[1] < 0.1
    assert found["memorized_fraction"].mean[0] > 0.99
    assert found["memorized_fraction"].mean[1] < 0.01


def test_times_come_in_the_order_asked_for():
    found = measure_samples(HOT, repeats=8)
    low, middle, high = found["largest_weight_generated"].mean[[1, 2, 0]]
    assert low > middle > high
    variance = measure_distribution(HOT, repeats=8)["generated_variance_ode"].mean[:, 0]
    assert variance[1] < variance[2] < variance[0]


def test_the_steps_are_fine_enough():
    """Twice as many move no variance by more than the claims allow."""
    found = measure_distribution(HOT, repeats=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "FINE", 2 * experiment.FINE)
        finer = measure_distribution(HOT, repeats=3)
    for name in ("generated_variance_ode", "denoised_variance"):
        np.testing.assert_allclose(found[name].mean, finer[name].mean, rtol=5e-4)
