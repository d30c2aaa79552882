import numpy as np
import pytest

from numerics.arrays import stream
from numerics.data import draw
from numerics.experiments.frozen_jacobian import SPECTRA, measure, measure_spectrum
from numerics.gibbs import gibbs_moments
from tests.numerics.conftest import SMALL, Contract
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "frozen_jacobian"
    on_sphere = ("retained_variance", "estimated_dimension")


def test_limits():
    """Far below all distances one sample has the weight; far above all have the same."""
    found = measure(Setting.of("1x3,0.1x2", samples=20, times=np.array([1e-7, 1e7])), repeats=300)["retained_variance"]
    np.testing.assert_allclose(found.mean[0], 0, atol=1e-5)
    assert (np.abs(found.mean[1] - 19 / 20 * np.array([1, 0.1])) < 5 * found.sem[1]).all()


def test_the_dimension_is_the_sum_over_directions():
    found = measure(SMALL, repeats=20)
    share = found["retained_variance"].mean / SMALL.t[:, None]
    np.testing.assert_allclose(
        found["estimated_dimension"].mean, share @ SMALL.manifold.dimensions.astype(float), rtol=1e-12
    )


def test_on_a_trajectory_less_is_left():
    setting = Setting.of("1x20", samples=100, times=np.array([0.5]))
    fresh, own = (measure(setting.at(query=q), repeats=40)["retained_variance"] for q in ("fresh", "trajectory"))
    assert fresh.mean[0, 0] > own.mean[0, 0] + 5 * np.hypot(own.sem[0, 0], fresh.sem[0, 0])


def test_the_spectrum_is_that_of_the_derivative_of_the_score():
    setting = Setting.of("1x2,0.1x1", samples=30, times=np.array([0.3]), point=(0.5, -0.2, 0.1))
    found = measure_spectrum(setting, repeats=2, rng=4)["spectrum"].mean[0]
    x, step, spectra = np.array(setting.point), 1e-5, []
    for repeat in range(2):
        data = draw(setting, 30, stream(4, "spectrum", repeat))
        moved = np.concatenate([x + step * np.eye(3), x - step * np.eye(3)])
        score = gibbs_moments(moved, data, 0.3).score
        jacobian = (score[:3] - score[3:]) / (2 * step)
        spectra.append(np.linalg.eigvalsh(-0.3 * jacobian))
    np.testing.assert_allclose(found, np.mean(spectra, axis=0), atol=1e-7)


@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_spectra(query):
    setting = SMALL.at(manifold=LinearManifold(SMALL.manifold.subspaces, 7), query=query)
    found = measure_spectrum(setting, repeats=50)
    spectrum = found["spectrum"].mean
    assert spectrum.shape == (3, 7)
    assert (np.diff(spectrum, axis=1) >= -1e-12).all()
    np.testing.assert_allclose(spectrum[:, 4:], 1, atol=1e-9)  # normal directions
    np.testing.assert_allclose(found["estimated_dimension"].mean, (1 - spectrum).sum(axis=1), rtol=1e-9)
    assert ((found["dimension_seen"].mean >= 0) & (found["dimension_seen"].mean <= 4)).all()
    other = measure(setting, repeats=50)["estimated_dimension"]
    error = 5 * np.hypot(other.sem, found["estimated_dimension"].sem)
    assert (np.abs(other.mean - found["estimated_dimension"].mean) < error).all()


def test_two_samples_show_one_direction_at_most():
    found = measure_spectrum(SMALL.at(samples=2), repeats=20)
    np.testing.assert_allclose(found["spectrum"].mean[:, 1:], 1, atol=1e-9)
    assert (found["dimension_seen"].mean <= 1).all()
    assert (found["dimension_seen"].mean * 20 * SPECTRA % 1 < 1e-9).all()  # a count


def test_a_spectrum_ticks_once_a_repeat():
    ticks = []
    measure_spectrum(SMALL, repeats=3, tick=lambda: ticks.append(None))
    assert len(ticks) == 3
