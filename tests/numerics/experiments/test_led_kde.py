import numpy as np
import pytest

from numerics import led
from numerics.experiments import led_kde as experiment
from numerics.experiments.led_kde import measure, measure_condensed, measure_kl, measure_modes, measure_samplers
from tests.numerics.conftest import COARSELY, Generating
from theory.setting import LinearManifold, Setting

LINE = Setting.of(LinearManifold.parse("1.0x1", 3), samples=20, times=np.array([0.4, 0.8]), bandwidth=0.1)
TWO = Setting.of("0.05x1", ensemble="mixture", separation=2.0, bandwidth=0.5, times=[0.05])


class TestContract(Generating):
    """On a line in space."""

    name = "led_kde"
    small = LINE
    elsewhere = ("mode_separation", "merging_bandwidth", "condensed_separation")
    coarsely = COARSELY["led_kde"]


def test_a_mixture_has_modes_and_atoms():
    found = measure(TWO.at(times=[0.3, 0.05]), repeats=3)
    assert set(found) == set(experiment.OBSERVABLES) - {"kl", "kl_plain", "normal_variance", "normal_variance_plain"}
    assert all(m.mean.shape[0] == 2 for m in found.values())
    apart = found["mode_separation"].mean
    assert 0 < apart[0] < apart[1] < 2
    merged = measure_modes(TWO.at(bandwidth=1.0), repeats=3)["mode_separation"]
    assert merged.mean[0] < 1e-3


def test_classes_of_unequal_weight_are_refused():
    for measured in (measure_modes, measure_condensed, measure_samplers):
        with pytest.raises(ValueError, match="the experiment led_kde is of two classes of equal weight"):
            measured(TWO.at(share=0.1), repeats=3)


def test_in_more_directions_there_is_the_variance_alone():
    wide = TWO.at(manifold=LinearManifold.parse("0.05x2,1x1"))
    found = measure(wide, repeats=3)
    assert set(found) == {
        "variance",
        "variance_reverse",
        "mode_separation",
        "merging_bandwidth",
        "condensed_separation",
    }
    assert found["variance"].mean.shape == (1, 2)
    np.testing.assert_allclose(found["variance"].mean[0, 1], 1.05, rtol=0.15)


def test_times_come_in_the_order_asked_for():
    found = measure_samplers(TWO.at(times=[1.0, 0.02, 0.2]), repeats=4)
    for name in ("variance", "variance_reverse"):
        high, low, middle = found[name].mean[:, 0]
        assert low < middle < high


def test_without_a_kernel_the_reverse_process_samples_the_distribution():
    found = measure_samplers(TWO.at(bandwidth=0.0, times=[0.2]), repeats=20)
    for m in found.values():
        np.testing.assert_allclose(m.mean, 1.25, atol=5 * m.sem.max())


def test_the_reverse_process_at_fixed_bandwidth_is_wider():
    """Of the notes, P(|x| < .5): .399, and .307 by the reverse SDE."""
    found = measure_samplers(TWO, repeats=20)
    gap = found["variance_reverse"].mean - found["variance"].mean
    assert gap > 10 * np.hypot(found["variance_reverse"].sem, found["variance"].sem)


def test_the_flow_condenses_on_atoms():
    found = measure_condensed(TWO.at(bandwidth=0.3), repeats=20)["condensed_separation"].mean[0]
    assert found == pytest.approx(np.ptp(led.atoms([[-1.0], [1.0]], 0.3)), rel=0.02)


def test_of_few_samples_the_plain_estimate_is_closer():
    """Of the notes at lambda = 1, t = .1, N = 20: .0925 plain; LED-KDE .1995, without a kernel .2073."""
    few = Setting.of("1x1", samples=20, times=[0.1], bandwidth=0.1)
    found, without = measure_kl(few, repeats=150), measure_kl(few.plain, repeats=150)
    plain, led_kde, none = found["kl_plain"], found["kl"], without["kl"]
    assert led_kde.mean - plain.mean > 5 * np.hypot(plain.sem, led_kde.sem)
    for m, value in ((plain, 0.0925), (led_kde, 0.1995), (none, 0.2073)):
        assert abs(m.mean[0] - value) < 5 * m.sem[0]
    np.testing.assert_array_equal(without["kl_plain"].mean, none.mean)
