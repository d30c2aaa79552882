import numpy as np
import pytest

from numerics.random_features import covariances, hermite, resolvent
from theory.network import ACTIVATIONS

rng = np.random.default_rng(0)
W, X = rng.standard_normal((7, 2)), rng.standard_normal((5, 2))
SCALES = pytest.mark.parametrize(("alpha", "sigma"), [(0.9, 0.3), (1.0, 2.0)])


def by_hand(alpha, sigma, activation, nodes=401):
    """The averages over two coordinates of the noise by the trapezoid rule, which a kink leaves good to 1e-4."""
    z = np.linspace(-8, 8, nodes)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    noise = np.stack(np.meshgrid(z, z), axis=-1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel()
    U, V = np.zeros((7, 7)), np.zeros((7, 2))
    for x in X:
        f = ACTIVATIONS[activation]((alpha * x + sigma * noise) @ W.T / np.sqrt(2))
        U, V = U + (f.T * weights) @ f / 5, V + (f.T * weights) @ noise / 5
    return U, V


@SCALES
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_averages_over_the_noise_against_a_grid(activation, alpha, sigma):
    """In two dimensions, where features are nearly parallel."""
    found, expected = covariances(W, X, alpha, sigma, activation), by_hand(alpha, sigma, activation)
    accuracy = 1e-4 if activation == "relu" else 1e-8
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=accuracy * np.abs(other).max())


def test_blocks_of_samples_change_nothing(monkeypatch):
    whole = covariances(W, X, 0.9, 0.5)
    monkeypatch.setattr("numerics.random_features.BLOCK", 14)
    for one, other in zip(whole, covariances(W, X, 0.9, 0.5), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_it_is_symmetric_and_positive():
    U, V = covariances(rng.standard_normal((60, 20)), rng.standard_normal((30, 20)), 0.95, 0.3)
    np.testing.assert_array_equal(U, U.T)
    assert np.linalg.eigvalsh(U - V @ V.T).min() > 0  # of the features less what is linear in the noise


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_coefficients_add_up_to_the_square(activation):
    """Those of relu fall as k^(-5/4), whose squares leave k^(-3/2) behind k terms."""
    mean, width = np.array([[-0.4, 0.1, 1.3]]), np.array([[0.5]])
    terms = [term for _, term in zip(range(120), hermite(activation, mean, width), strict=False)]
    total, square = sum(c**2 for c, _ in terms), terms[0][1]
    np.testing.assert_allclose(total, square, rtol=1e-3 if activation == "relu" else 1e-9)


def test_the_resolvent_is_a_mean():
    assert resolvent(np.array([1.0, 3.0]), 1.0) == 0.375
