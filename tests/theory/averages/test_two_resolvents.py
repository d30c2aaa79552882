import numpy as np
import pytest

from theory.averages import two_resolvents
from theory.averages.feature_saddle import FeatureSaddle
from theory.averages.two_resolvents import of_features, of_samples
from validation.statistics import threshold

CASES = {
    "one": (np.array([1.0]), np.array([1.0]), 4.0),
    "two": (np.array([0.2, 1.8]), np.array([0.5, 0.5]), 2.0),
    "normal": (np.array([1.0, 0.0]), np.array([0.5, 0.5]), 0.8),
    "few": (np.array([0.3, 2.0]), np.array([0.75, 0.25]), 0.5),
    "square": (np.array([1.0]), np.array([1.0]), 1.0),
}
FEATURES = {
    "wide": (8.0, 4.0, np.array([1.0]), np.array([1.0])),
    "narrow": (3.0, 5.0, np.array([0.5, 1.5]), np.array([0.5, 0.5])),
    "normal": (6.0, 2.0, np.array([1.0, 0.0]), np.array([0.7, 0.3])),
}


def saddle(psi_p, psi_n, lam, p):
    return FeatureSaddle(0.3, 0.066, 0.014, 0.0136, lam, p, psi_p, psi_n)


def decays(z):
    """Two functions that are analytic, and one that is large near 0, shape (3, n)."""
    return np.array([np.exp(-0.3 * z), np.exp(-3 * z), -np.expm1(-3 * z) / z])


@pytest.mark.parametrize("name", CASES)
def test_functions_of_a_sampled_covariance(name):
    """Against matrices of 100 dimensions, averages over which are off by order 1/D^2 of what functions vary by."""
    lam, p, psi_n = CASES[name]
    loop, D, draws = of_samples(lam, p, psi_n, (0.3, 0.07), 0.2), 100, []
    spectrum = np.repeat(lam, np.rint(p * D).astype(int))
    for seed in range(16):
        X = np.random.default_rng(seed).standard_normal((int(psi_n * D), D)) * np.sqrt(spectrum)
        g, axes = np.linalg.eigh(X.T @ X / len(X))
        T = ((0.3 * spectrum + 0.07)[:, None] * axes**2).sum(axis=0)
        f = decays(np.maximum(g, 1e-9))
        along = [[(axes[spectrum == v] ** 2 @ one).mean() for v in lam] for one in f]
        draws.append(np.column_stack([along, f**2 @ T / D]))
    once = decays(loop.points)
    found = np.column_stack([loop.single(once), loop.double(once, once)])
    mean, sem = np.mean(draws, axis=0), np.std(draws, axis=0) / 4
    assert (np.abs(found - mean) < threshold(16) * sem + 100 / D**2 * np.abs(mean)).all()


@pytest.mark.parametrize("name", CASES)
def test_the_moments_of_a_sampled_covariance_are_exact(name):
    lam, p, psi_n = CASES[name]
    c, b2 = 0.3, 0.07
    loop = of_samples(lam, p, psi_n, (c, b2), 0.2)
    g = loop.points
    one, mean, square = np.ones_like(g), p @ lam, p @ lam**2
    np.testing.assert_allclose(loop.single(one), 1, rtol=1e-12)
    np.testing.assert_allclose(loop.single(g), lam, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(loop.single(g**2), lam * (lam + mean / psi_n), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(loop.double(one, one), c * mean + b2, rtol=1e-12)
    np.testing.assert_allclose(loop.double(g, one), c * square + b2 * mean, rtol=1e-11)
    np.testing.assert_allclose(  # E tr C Sigma C = tr Sigma^3 + tr Sigma tr Sigma^2/N
        loop.double(g, g), c * (p @ lam**3 + square * mean / psi_n) + b2 * (square + mean**2 / psi_n), rtol=1e-10
    )


@pytest.mark.parametrize("name", FEATURES)
def test_the_moments_of_features(name):
    """w^T U w/p and w^T U U' w/p^2 by hand, and no more than U' itself where the functions are constant."""
    psi_p, psi_n, lam, p = FEATURES[name]
    k = saddle(psi_p, psi_n, lam, p)
    loop = of_features(k)
    z = loop.points
    variance = k.linear * (p @ lam) + k.noise + k.sample + k.rest
    np.testing.assert_allclose(loop.single(np.ones_like(z)), 1, rtol=1e-11)
    first = psi_p * (k.linear * lam + k.noise) + variance
    np.testing.assert_allclose(loop.single(z), first, rtol=1e-10)
    np.testing.assert_allclose(loop.double(np.ones_like(z), np.ones_like(z)), p @ first / psi_p, rtol=1e-10)


@pytest.mark.parametrize("name", FEATURES)
def test_a_second_resolvent_at_the_same_point_is_the_response(name):
    psi_p, psi_n, lam, p = FEATURES[name]
    k = saddle(psi_p, psi_n, lam, p)
    loop = of_features(k)
    z = loop.points[: loop.points.size // 2]
    response = k.response(k.solve(z), z)
    np.testing.assert_allclose(np.diag(loop.two)[: z.size] * psi_p, -response.s, rtol=1e-9)


@pytest.mark.parametrize("name", FEATURES)
def test_functions_of_features(name):
    """Against Gaussian features in 60 dimensions."""
    psi_p, psi_n, lam, p = FEATURES[name]
    k = saddle(psi_p, psi_n, lam, p)
    loop, D = of_features(k), 60
    f = decays(loop.points)
    draws = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        spectrum = np.repeat(lam, np.rint(p * D).astype(int))
        W = random.standard_normal((int(psi_p * D), D))
        X = random.standard_normal((int(psi_n * D), D)) * np.sqrt(spectrum)
        G = np.sqrt(k.linear / D) * W @ X.T + np.sqrt(k.sample) * random.standard_normal((len(W), len(X)))
        U = G @ G.T / len(X) + k.noise * W @ W.T / D + k.rest * np.eye(len(W))
        fresh = W * (k.linear * spectrum + k.noise) @ W.T / D + (k.sample + k.rest) * np.eye(len(W))
        u, axes = np.linalg.eigh(U)
        seen = decays(u)[:, :, None] * (axes.T @ W)
        between = np.einsum("sik,ij,sjk->s", seen, axes.T @ fresh @ axes, seen)
        draws.append([(seen * (axes.T @ W)).sum(axis=(1, 2)) / W.size, between / (W.size * psi_p)])
    mean, sem = np.mean(draws, axis=0), np.std(draws, axis=0) / np.sqrt(12)
    found = np.array([loop.single(f) @ p, loop.double(f, f)])
    assert (np.abs(found - mean) < threshold(12) * sem + 10 / D**2 * np.abs(mean)).all()


def test_the_loop_closes():
    """Of a pole inside the interval exactly, at the digits that are claimed; of one outside nothing."""
    z, weights = two_resolvents.around(1e-6, 10.0)
    for pole in (1e-6, 1e-3, 1.0, 10.0):
        assert (weights * np.exp(-5 * z) / (z - pole)).sum() == pytest.approx(np.exp(-5 * pole), abs=1e-11)
    assert abs((weights / z).sum()) < 1e-11
    np.testing.assert_array_equal(z[z.size // 2 :], z[: z.size // 2][::-1].conj())
