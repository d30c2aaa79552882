"""Many small data sets at once are what the engine finds of one after the other."""

import numpy as np
import pytest

from numerics.engine import sets
from numerics.gibbs import gibbs_moments, posterior_means
from tests.numerics.conftest import backend_of, without_numba


@pytest.fixture(params=["numpy", "plain", "array_api_strict", "torch", pytest.param("cuda", marks=pytest.mark.gpu)])
def backend(request):
    """As everywhere, and NumPy without the compiled loops."""
    with without_numba(request.param == "plain"):
        yield backend_of("numpy" if request.param == "plain" else request.param)


def one_by_one(x, data, t):
    found = [gibbs_moments(*of) for of in zip(x, data, np.broadcast_to(t, x.shape[:2]), strict=True)]
    return np.array([m.mean for m in found]), np.array([m.log_density for m in found])


@pytest.mark.parametrize(("N", "D"), [(1, 1), (20, 1), (37, 2), (64, 5)])
def test_they_are_as_one_by_one(backend, rng, N, D):
    x, data = rng.normal(size=(7, 11, D)), rng.normal(size=(7, N, D))
    t = rng.uniform(0.05, 3, size=(7, 11))
    found = posterior_means(*map(backend.array, (x, data, t)))
    for got, expected in zip(found, one_by_one(x, data, t), strict=True):
        np.testing.assert_allclose(backend.host(got), expected, rtol=1e-11, atol=1e-12)


def test_one_time_is_for_all(backend, rng):
    x, data = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 9, 2))
    found = posterior_means(backend.array(x), backend.array(data), 0.3)
    np.testing.assert_allclose(backend.host(found[0]), one_by_one(x, data, 0.3)[0], rtol=1e-12)


def test_blocks_change_nothing(rng, monkeypatch):
    x, data = rng.normal(size=(9, 5, 2)), rng.normal(size=(9, 8, 2))
    with without_numba():
        plain = posterior_means(x, data, 0.2)
        monkeypatch.setattr(sets, "ENTRIES", 100)
        for got, expected in zip(posterior_means(x, data, 0.2), plain, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_float32_stays_float32(rng):
    x, data = (rng.normal(size=(4, 3, 2)).astype(np.float32) for _ in range(2))
    found = posterior_means(x, data, 0.5)
    assert found[0].dtype == found[1].dtype == np.float32
    np.testing.assert_allclose(found[0], one_by_one(x, data, 0.5)[0], rtol=1e-4, atol=1e-5)


def test_far_from_all_samples_the_nearest_is_left(backend, rng):
    data = rng.normal(size=(2, 6, 1))
    mean, log_density = posterior_means(backend.array(np.full((2, 1, 1), 60.0)), backend.array(data), 1e-2)
    np.testing.assert_allclose(backend.host(mean)[:, 0, 0], data[:, :, 0].max(axis=1), rtol=1e-6)
    assert (backend.host(log_density) < -1e5).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), np.zeros((2, 4, 1)), 1.0), r"queries must have shape \(B, M, D\), got \(2, 3\)"),
        ((np.zeros((2, 3, 1)), np.zeros((1, 4, 1)), 1.0), "must share B and D, got shapes"),
        ((np.zeros((2, 3, 1)), np.zeros((2, 4, 2)), 1.0), "must share B and D, got shapes"),
        ((np.zeros((2, 3, 1)), np.zeros((2, 4, 1)), np.ones(3)), r"or have shape \(B, M\) = \(2, 3\), got \(3,\)"),
        ((np.zeros((2, 3, 1)), np.zeros((2, 4, 1)), 0.0), "t must be positive and finite"),
        ((np.zeros((2, 3, 1)), np.full((2, 4, 1), np.nan), 1.0), "data must be finite"),
        ((np.zeros((2, 3, 1)), np.zeros((2, 0, 1)), 1.0), "data must not be empty"),
        ((np.full((2, 3, 1), 1e200), np.zeros((2, 4, 1)), 1.0), "must stay below"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        posterior_means(*arguments)


@pytest.mark.parametrize("shape", [(0, 5, 2), (2, 0, 2), (2, 5, 0)])
def test_no_samples_are_refused(shape):
    with pytest.raises(ValueError, match=r"data must not be empty, got shape \("):
        posterior_means(np.ones((2, 3, 2)), np.ones(shape), 0.3)
