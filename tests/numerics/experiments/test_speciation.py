import numpy as np
import pytest

from numerics.experiments import speciation as experiment
from numerics.experiments.speciation import measure, measure_bifurcation, measure_clones, measure_information
from tests.numerics.conftest import COARSELY, SMALL, Generating
from theory.setting import Setting
from validation.statistics import threshold

TENTH = Setting.of("1.0x1", samples=500, ensemble="mixture", separation=4.0, share=0.1, times=[1.0])
TWO = Setting.of("1.0x1", samples=500, ensemble="mixture", separation=4.0, times=[1.0, 15.0, 3.0])


class TestContract(Generating):
    name = "speciation"
    small = SMALL.at(ensemble="mixture", separation=4.0)
    coarsely = COARSELY["speciation"]

    def test_spheres(self):
        for ensemble in ("sphere", "gaussian"):
            with pytest.raises(ValueError, match=f"takes two classes, those of the mixture ensemble, got '{ensemble}'"):
                self.measure(SMALL.at(ensemble=ensemble))


def test_far_apart_a_class_is_kept_and_under_much_noise_it_is_a_coin():
    found = measure_clones(TWO.at(separation=40.0, times=[1e-2, 1e6]), repeats=20)
    for name in ("cloning_probability", "return_probability"):
        kept, coin = found[name].mean
        assert kept == pytest.approx(1, abs=1e-9)
        assert abs(coin - 0.5) < threshold(20) * found[name].sem[1]


def test_the_draw_of_a_class_is_the_sign_where_classes_do_not_overlap():
    x = np.random.default_rng(0).normal(size=(100, 1)) + 10 * np.repeat([[-1.0], [1.0]], 50, axis=0)
    share = experiment._share(TWO.at(separation=20.0), x, 0.01)
    np.testing.assert_allclose(share, x[:, 0] > 0, atol=1e-12)


def test_clones_and_u_turns_agree_in_any_direction_more():
    """Another way than the formula: they are one probability, and what varies elsewhere drops out."""
    more = TWO.at(manifold=Setting.of("1x1,100x2").manifold)
    parts = [measure_clones(setting, repeats=60, rng=k) for k, setting in enumerate((TWO, more))]
    found = [part[name] for part in parts for name in ("cloning_probability", "return_probability")]
    for one in found[1:]:
        apart, error = np.abs(one.mean - found[0].mean), np.hypot(one.sem, found[0].sem)
        assert (apart < threshold(60) * error).all()


def test_times_come_in_the_order_asked_for():
    low, high, middle = measure_clones(TWO, repeats=10)["cloning_probability"].mean
    assert low > middle + 0.05 > high + 0.1


def test_the_steps_are_fine_enough(monkeypatch):
    """Twice as many move the probability by less than the errors of 20,000 pairs, and a sixth of them by more."""
    monkeypatch.setattr(experiment, "POINTS", 2000)
    at = TWO.at(times=[1.0])

    def with_steps(steps):
        monkeypatch.setattr(experiment, "STEPS", steps)
        return measure_clones(at, repeats=10)["cloning_probability"]

    found, finer, coarse = (with_steps(steps) for steps in (experiment.STEPS, 2 * experiment.STEPS, 1))
    error = np.hypot(found.sem, finer.sem)
    assert np.abs(found.mean - finer.mean) < threshold(10) * error
    assert coarse.mean > finer.mean + 3 * error


def test_the_second_mode_is_on_the_clock_of_the_schedule():
    plain, ou = (measure_bifurcation(TWO.at(times=[0.1], schedule=name), repeats=20) for name in ("ve", "ou"))
    np.testing.assert_allclose(ou["bifurcation_time"].mean, np.log1p(plain["bifurcation_time"].mean) / 2)


def test_classes_that_do_not_overlap_are_known_and_under_much_noise_nothing_is():
    known, nothing = measure_information(TENTH.at(separation=60.0, times=[1e-2, 1e8]), repeats=20)["class_information"]
    entropy = -0.1 * np.log(0.1) - 0.9 * np.log(0.9)
    assert abs(known.mean - entropy) < threshold(20) * known.sem
    assert nothing.mean == pytest.approx(0, abs=1e-4)


def test_it_does_not_matter_which_class_is_the_smaller():
    for share in (0.1, 0.9):
        found = measure_clones(TENTH.at(share=share), repeats=60)["cloning_probability"]
        assert abs(found.mean[0] - 0.9412044) < threshold(60) * found.sem[0]
    times = [
        measure_bifurcation(
            TENTH.at(share=share, manifold=Setting.of("0.1x1").manifold, samples=4000), repeats=10, rng=k
        )["bifurcation_time"]
        for k, share in enumerate((0.1, 0.9))
    ]
    apart, error = times[0].mean - times[1].mean, np.hypot(times[0].sem, times[1].sem)
    assert abs(apart) < threshold(10) * error


def test_a_temperature_is_refused():
    with pytest.raises(ValueError, match="the experiment speciation is of the empirical score itself"):
        measure_clones(TWO.at(temperature=2.0))


def test_classes_that_are_one_hump_have_no_second_mode():
    assert np.isnan(measure(TWO.at(separation=1.0), repeats=3)["bifurcation_time"].mean)
