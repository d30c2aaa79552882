import numpy as np
import pytest

from numerics.data import Mixture, Resampled
from numerics.experiments.score_covariance import by_subspace, measure, scatter
from numerics.gibbs import gibbs_moments
from tests.numerics.conftest import SMALL, Contract
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "score_covariance"
    on_sphere = ("effective_samples_typical", "effective_samples_annealed")


def test_by_subspace(rng):
    setting = Setting.of(LinearManifold(((1.0, 2), (0.1, 3)), 6))
    values = rng.standard_normal((4, 7, 6))
    found = by_subspace(values, setting)
    assert found.shape == (4, 7, 2)
    np.testing.assert_allclose(found[..., 0], values[..., :2].mean(axis=-1))
    np.testing.assert_allclose(found[..., 1], values[..., 2:5].mean(axis=-1))


def test_effective_samples_lie_between_one_and_all():
    setting = SMALL.at(times=np.array([1e-8, 0.1, 1.0, 1e8]))
    found = measure(setting, repeats=20)
    for kind in ("typical", "annealed"):
        effective = found[f"effective_samples_{kind}"].mean
        assert (np.diff(effective) > 0).all()
        np.testing.assert_allclose(effective[[0, -1]], [1, setting.samples], rtol=1e-6)
    # Jensen: exp E log 1/Y2 >= 1/E Y2
    assert (found["effective_samples_typical"].mean >= found["effective_samples_annealed"].mean - 1e-9).all()


def test_noise_at_large_t():
    # weights become equal: the error is that of a mean, lambda/(N t^2). 2 numbers at 5 sigma
    setting = SMALL.at(times=np.array([1e4]))
    found = measure(setting, repeats=400)["noise_variance_annealed"]
    expected = setting.manifold.variances / setting.samples / 1e8
    assert (np.abs(found.mean - expected) < 5 * found.sem + 1e-3 * expected).all()


def test_schedules_are_one_process_through_a_lens():
    tau = np.array([0.1, 0.5])
    ou = SMALL.at(schedule="ou", times=tau)
    ve = SMALL.at(times=ou.t)
    a, b = measure(ou, repeats=3), measure(ve, repeats=3)
    np.testing.assert_allclose(a["effective_samples_typical"].mean, b["effective_samples_typical"].mean)
    np.testing.assert_allclose(
        a["noise_variance_annealed"].mean, b["noise_variance_annealed"].mean / ou.alpha[:, None] ** 2
    )


def gaussian(lam):
    return Mixture((1.0,), ((0.0,) * len(lam),), (tuple(map(tuple, np.diag(np.sqrt(lam)))),))


def test_scatter_of_gaussian_data():
    """Theory.md: S = prod R/t^2 (diag(lambda t/(2 lambda+t)) + d d^T). 4 numbers at 5 sigma and 2 % for finite N."""
    lam, t, x = np.array([1.0, 0.3]), 0.5, np.array([0.7, -0.4])
    found = scatter(gaussian(lam), x[None], t, 2000, repeats=1500)
    R = (lam + t) / np.sqrt(t * (t + 2 * lam)) * np.exp(x**2 * lam / ((lam + t) * (2 * lam + t)))
    d = lam * t * x / ((lam + t) * (2 * lam + t))
    expected = R.prod() / t**2 * (np.diag(lam * t / (2 * lam + t)) + np.outer(d, d))
    assert found.mean.shape == (1, 2, 1, 2)
    off = np.abs(found.mean[0, :, 0] - expected)
    assert (off < 5 * found.sem[0, :, 0] + 0.02 * np.abs(expected).max()).all()
    assert off[0, 0] < 0.2 * expected[0, 0]


def test_scatter_is_a_covariance(rng):
    points = rng.standard_normal((3, 2))
    found = scatter(Resampled(rng.standard_normal((20, 2))), points, 0.3, 30, repeats=50)
    matrix = found.mean.reshape(6, 6)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12
    assert found.n == 50


def test_scatter_by_hand():
    points = np.array([[0.1, 0.2]])
    found = scatter(gaussian([1.0, 1.0]), points, 0.3, 10, repeats=5, rng=4)
    from numerics.arrays import stream

    scores = np.array(
        [gibbs_moments(points, gaussian([1.0, 1.0])(10, stream(4, "scatter", r)), 0.3).score[0] for r in range(5)]
    )
    np.testing.assert_allclose(found.mean[0, :, 0], 10 * np.cov(scores.T))


def test_scatter_is_that_of_its_seed():
    options = {"draw_data": gaussian([1.0]), "points": np.zeros((1, 1)), "t": 0.3, "samples": 10, "repeats": 5}
    ticks = []
    first = scatter(**options, rng=1, tick=lambda: ticks.append(None))
    assert len(ticks) == 5
    assert (scatter(**options, rng=np.random.SeedSequence(1)).mean == first.mean).all()
    assert (scatter(**options, rng=2).mean != first.mean).all()


@pytest.mark.parametrize("t", [0.0, -1.0, np.nan])
def test_scatter_wants_noise(t):
    with pytest.raises(ValueError, match="t must be positive and finite"):
        scatter(gaussian([1.0]), np.zeros((1, 1)), t, 10, repeats=2)
