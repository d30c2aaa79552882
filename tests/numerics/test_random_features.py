import numpy as np
import pytest

from numerics.experiments import random_features
from numerics.random_features import covariances, doubled, hermite, linear_model, parts
from theory.network import ACTIVATIONS
from theory.setting import Setting

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


@pytest.mark.parametrize(("signal", "noise"), [(1.0, 1e-6), (1e4, 1.0), (1e-3, 1e4), (1e6, 1e6)])
def test_parts_at_any_scale_are_those_of_the_arcsine(signal, noise):
    """Of erf, by Williams; what is small is off by what the closed form cancels."""
    whole = signal + noise
    overlap = 2 / np.pi * np.arcsin(2 * np.array([signal, whole]) / (1 + 2 * whole))
    slope = 2 / np.sqrt(np.pi * (1 + 2 * whole))
    a, own, rest = parts("erf", signal, noise)
    assert a == pytest.approx(slope, rel=1e-7)
    assert own == pytest.approx(overlap[0] - slope**2 * signal, rel=1e-7, abs=1e-12)
    assert rest == pytest.approx(overlap[1] - overlap[0] - slope**2 * noise, rel=1e-7, abs=1e-12)


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
    monkeypatch.setattr("numerics.random_features.BLOCK", 1000)
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


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parts_against_draws(activation):
    """Two noises to one sample."""
    u, w, other = rng.standard_normal((3, 1_000_000))
    f, g = (ACTIVATIONS[activation](np.sqrt(0.7) * u + np.sqrt(0.6) * one) for one in (w, other))
    a, own, rest = parts(activation, 0.7, 0.6)
    assert np.mean(w * f) == pytest.approx(a * np.sqrt(0.6), abs=5e-3)
    assert np.mean(f * g) - np.mean(f) ** 2 == pytest.approx(own + 0.7 * a**2, abs=5e-3)
    assert np.mean((f - g) ** 2) / 2 == pytest.approx(rest + 0.6 * a**2, abs=5e-3)


def test_the_linear_model_is_as_it_is_said_to_be():
    """With many and with few features: all p eigenvalues of the matrix itself."""
    for p, n in ((40, 8), (12, 30)):
        W, X = rng.standard_normal((p, 5)), rng.standard_normal((n, 5))
        found = linear_model(W, X, 0.9, 0.4, (0.6, 0.05, 0.01), np.random.default_rng(3))
        G = 0.6 * 0.9 / np.sqrt(5) * W @ X.T + np.sqrt(0.05) * np.random.default_rng(3).standard_normal((p, n))
        U = G @ G.T / n + (0.6 * 0.4) ** 2 * W @ W.T / 5 + 0.01 * np.eye(p)
        np.testing.assert_allclose(found, np.linalg.eigvalsh(U), rtol=1e-9)


def test_a_setting_twice_as_large_has_twice_of_everything_and_its_ratios():
    setting = Setting.of("1x3,0.2x2", samples=7).trained(features=11, ridge=0.5)
    twice = doubled(setting)
    assert (twice.samples, twice.network.features, twice.network.ridge) == (14, 22, 0.5)
    assert twice.manifold.dimensions.tolist() == [6, 4]


def test_features_that_are_drawn_are_finitely_many():
    with pytest.raises(ValueError, match="finitely many features, got inf; give some, as --features 128"):
        random_features.measure(Setting.of("1x3").trained(features=np.inf), repeats=2)
