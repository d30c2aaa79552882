import numpy as np
import pytest

from numerics.experiments import kernel_smoothing as experiment
from numerics.experiments.kernel_smoothing import (
    measure,
    measure_best,
    measure_error,
    measure_growth,
    measure_mean,
    measure_variance,
)
from numerics.measurement import Measurement
from numerics.scores import Empirical
from tests.numerics.conftest import SMALL, Contract
from theory.setting import Setting

LINE = Setting.of("1x1", samples=20, times=[0.2], bandwidth=0.1, point=(0.7,))


class TestContract(Contract):
    """With fewer data sets to a batch: what is owed does not depend on them."""

    name = "kernel_smoothing"
    on_sphere = ("score_variance", "variance_gain")
    elsewhere = ("best_bandwidth", "error_growth")

    def measure(self, setting=SMALL, **options):
        return super().measure(setting.at(bandwidth=0.05), **options)

    @pytest.fixture(autouse=True)
    def coarse(self, monkeypatch):
        for constant, value in {"SETS": 8, "PARTS": 4}.items():
            monkeypatch.setattr(experiment, constant, value)


def test_points_on_trajectories_are_refused():
    with pytest.raises(ValueError, match="is measured at fresh points, got the query 'trajectory'"):
        measure(LINE.at(query="trajectory"))


def test_a_mixture_has_no_averages_over_x():
    mixture = Setting.of("0.1x1", samples=50, times=[0.1, 0.3], bandwidth=0.02, ensemble="mixture", separation=2.0)
    assert set(measure(mixture, repeats=3)) == set(experiment.ANYWHERE)
    with pytest.raises(ValueError, match="the error of a smoothed score averaged over x takes the density"):
        measure_mean(mixture)
    with pytest.raises(ValueError, match="the experiment kernel_smoothing is of two classes of equal weight"):
        measure(mixture.at(share=0.1), repeats=3)


def test_the_error_is_bias_and_variance():
    variance, error = measure_variance(LINE, repeats=50)["score_variance"], measure_error(LINE, repeats=50)
    off = error["score_error"].mean - variance.mean[:, 0] - error["score_bias"].mean[:, 0] ** 2
    assert abs(off) < 5 * np.hypot(error["score_error"].sem, variance.sem[:, 0])


def test_without_a_kernel_the_gain_is_one():
    plain = SMALL.at(bandwidth=0.0)
    np.testing.assert_allclose(measure_variance(plain, repeats=5)["variance_gain"].mean, 1, rtol=1e-12)
    np.testing.assert_allclose(measure_mean(plain, repeats=5)["gain_mean"].mean, 1, rtol=1e-12)


def one_batch(setting, repeats=1, rng=0):
    return list(experiment._batches(setting, "test", repeats=repeats, rng=rng))


def test_the_scores_are_smoothed():
    """By Gauss-Hermite nodes and by a fine sum over shifts of the empirical score."""
    (batch,) = one_batch(LINE)
    smooth, plain = batch.scores(experiment._point(LINE), LINE.t, (0.1, 0.0))[:, 0, :, 0, 0]
    z = np.linspace(-8, 8, 2001)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    for i in (0, 17, 255):
        score = Empirical(batch.data[i])
        expected = weights @ score((0.7 + np.sqrt(0.1) * z)[:, None], 0.2)[:, 0]
        assert smooth[i] == pytest.approx(expected, rel=1e-3)
        assert plain[i] == pytest.approx(score(np.array([[0.7]]), 0.2).item(), rel=1e-12)


@pytest.mark.parametrize(
    "setting",
    [
        LINE,
        Setting.of("1x1", samples=20, times=[1.0], bandwidth=3, point=(2.5,)),
        Setting.of("0.1x1", samples=200, times=[0.1], bandwidth=2e-4, ensemble="mixture", separation=2, point=(0.4,)),
        Setting.of("1x1", samples=200, times=[16.0], bandwidth=54, point=(8.0,)),
    ],
)
def test_more_nodes_change_little(setting, monkeypatch):
    """Against the scatter of the score, a thousandth: less than is measured of it."""
    scores = []
    for nodes in (experiment.NODES, (24, 24)):
        monkeypatch.setattr(experiment, "NODES", nodes)
        (batch,) = one_batch(setting)
        scores.append(batch.scores(experiment._point(setting), setting.t, (setting.bandwidth,))[0, 0])
    assert np.sqrt(((scores[0] - scores[1]) ** 2).mean()) < 1e-3 * scores[1].std()


@pytest.mark.parametrize(
    "setting",
    [
        Setting.of("1x1,0.3x1", samples=100, times=[0.5], bandwidth=0.2, point=(0.7, -0.4)),
        Setting.of("0.2x1", samples=100, times=[0.2], bandwidth=0.02, ensemble="mixture", separation=2, point=(0.4,)),
    ],
)
def test_what_is_taken_off_has_the_mean_0(setting):
    """Both orders, and their products with each other and with the bias."""
    x, found = experiment._point(setting), []
    for batch in one_batch(setting, repeats=40):
        orders = experiment._orders(setting, batch, x, setting.bandwidth)
        bias = experiment._bias(setting, batch, x, setting.bandwidth)
        parts = orders[0].mean(axis=2), orders[1], experiment._control(*orders), experiment._control(*orders, bias)
        found += [np.concatenate([np.atleast_3d(a.mean(axis=-3)).ravel() for a in parts])]
    m = Measurement.of(found)
    assert (np.abs(m.mean) < 5 * m.sem).all(), m.mean / m.sem


def test_controls_follow_the_squares(monkeypatch):
    """Errors are a third of those without at most, and the means are the same within them."""
    setting = Setting.of("1x1", samples=1000, times=[1.0], bandwidth=0.5, point=(0.7,))
    with_control = measure_variance(setting, repeats=40)["score_variance"]
    monkeypatch.setattr(experiment, "PARTS", 1)  # of which there are no pairs
    without = measure_variance(setting, repeats=40)["score_variance"]
    assert with_control.sem < without.sem / 3
    assert abs(with_control.mean - without.mean) < 5 * without.sem


def test_no_sample_is_left_over():
    for samples, parts in ((60, 60), (61, 61), (67, 1), (1000, 50)):
        (batch,) = one_batch(SMALL.at(samples=samples, point=(0.0,) * 4))
        first, _ = experiment._orders(SMALL.at(samples=samples), batch, np.zeros((3, 4)), 0.1)
        assert first.shape[2] == parts


def test_below_the_bound_the_error_falls_as_the_number_of_samples():
    setting = Setting.of("1x1", samples=2000, times=[1.0], bandwidth=0.5, point=(0.7,))
    found = measure_growth(setting, repeats=60)["error_growth"]
    assert abs(found.mean - 1) < 5 * found.sem + 0.01  # the next order, 1.3/200
    assert found.sem < 0.05


def test_what_is_measured_is_in_the_units_of_the_schedule():
    """The same data sets, scores larger by 1/alpha."""
    own = LINE.at(schedule="ou", times=[0.2])
    alpha, t = own.alpha[0], own.t[0]
    same = LINE.at(times=[t], point=(0.7 / alpha,))
    for measured in (measure_error, measure_variance):
        found, expected = (measured(at, repeats=3) for at in (own, same))
        for name, power in {"score_bias": 1, "score_error": 2, "score_variance": 2, "variance_gain": 0}.items():
            if name in found:
                np.testing.assert_allclose(found[name].mean, expected[name].mean / alpha**power, rtol=1e-9)


def test_the_best_bandwidth_is_found_within_its_grid():
    centre = Setting.of("1x4", samples=500, times=[0.5], point=(0.0,) * 4)
    found = measure_best(centre.at(bandwidth=1.4), repeats=10)["best_bandwidth"]
    assert 1.2 < found.mean < 1.8
    far = measure_best(centre.at(bandwidth=0.3), repeats=5)["best_bandwidth"]
    assert far.mean == pytest.approx(0.45)


@pytest.mark.parametrize("point", [None, (0.5, 0.2, 0.1, -0.3)])
def test_points_are_in_the_units_of_the_schedule(point):
    own = SMALL.at(schedule="ou", point=point)
    x = experiment._point(own)
    expected = np.sqrt(own.manifold.spectrum + own.t[:, None]) if point is None else point / own.alpha[:, None]
    np.testing.assert_allclose(x, expected)
