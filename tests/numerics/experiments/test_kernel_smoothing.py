import numpy as np
import pytest

from numerics.experiments import kernel_smoothing as experiment
from numerics.experiments.kernel_smoothing import measure, measure_at_point, measure_best, measure_mean
from numerics.scores import Empirical
from tests.numerics.conftest import SMALL, Contract
from theory.setting import Setting

LINE = Setting.of("1x1", samples=20, times=[0.2], bandwidth=0.1, point=(0.7,))


class TestContract(Contract):
    """With fewer points: what is owed does not depend on them."""

    name = "kernel_smoothing"
    on_sphere = ("score_variance", "variance_gain")
    elsewhere = ("best_bandwidth",)

    def measure(self, setting=SMALL, **options):
        return super().measure(setting.at(bandwidth=0.05), **options)

    @pytest.fixture(autouse=True)
    def coarse(self, monkeypatch):
        for constant, value in {"POINTS": 4, "TIMES": 2}.items():
            monkeypatch.setattr(experiment, constant, value)


def test_points_on_trajectories_are_refused():
    with pytest.raises(ValueError, match="is measured at fresh points, got the query 'trajectory'"):
        measure(LINE.at(query="trajectory"))


def test_a_mixture_has_no_averages_over_x():
    mixture = Setting.of("0.1x1", samples=50, times=[0.1, 0.3], bandwidth=0.02, ensemble="mixture", separation=2.0)
    assert set(measure(mixture, repeats=3)) == set(experiment.ANYWHERE)
    with pytest.raises(ValueError, match="the error of a smoothed score averaged over x takes the density"):
        measure_mean(mixture)


def test_the_error_is_bias_and_variance():
    found = measure_at_point(LINE, repeats=200)
    expected = found["score_variance"].mean * 199 / 200 + found["score_bias"].mean ** 2
    np.testing.assert_allclose(found["score_error"].mean, expected[:, 0], rtol=1e-12)


def test_without_a_kernel_the_gain_is_one():
    plain = SMALL.at(bandwidth=0.0)
    np.testing.assert_allclose(measure_at_point(plain, repeats=5)["variance_gain"].mean, 1, rtol=1e-12)
    np.testing.assert_allclose(measure_mean(plain, repeats=5)["gain_mean"].mean, 1, rtol=1e-12)


def test_the_scores_are_smoothed():
    """By 16 nodes and by a fine sum over shifts of the empirical score."""
    x = experiment._point(LINE)
    ((scores, _),) = experiment._smoothed(LINE, x, (0.1, 0.0), "test", repeats=1)
    from numerics.sampling import Sampling

    ((_, data),) = Sampling(repeats=1).data_sets(LINE.plain, "test")
    z = np.linspace(-8, 8, 2001)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    expected = weights @ Empirical(data)((0.7 + np.sqrt(0.1) * z)[:, None], 0.2)[:, 0]
    assert scores[0, 0].item() == pytest.approx(expected, rel=1e-6)
    assert scores[1, 0].item() == pytest.approx(Empirical(data)(np.array([[0.7]]), 0.2).item(), rel=1e-12)


def test_the_best_bandwidth_is_found_within_its_grid():
    centre = Setting.of("1x4", samples=500, times=[0.5], point=(0.0,) * 4)
    found = measure_best(centre.at(bandwidth=1.4), repeats=200)["best_bandwidth"]
    assert 1.2 < found.mean < 1.8
    far = measure_best(centre.at(bandwidth=0.3), repeats=50)["best_bandwidth"]
    assert far.mean == pytest.approx(0.45)


@pytest.mark.parametrize("point", [None, (0.5, 0.2, 0.1, -0.3)])
def test_points_are_in_the_units_of_the_schedule(point):
    own = SMALL.at(schedule="ou", point=point)
    x = experiment._point(own)[:, 0]
    expected = np.sqrt(own.manifold.spectrum + own.t[:, None]) if point is None else point / own.alpha[:, None]
    np.testing.assert_allclose(x, expected)
