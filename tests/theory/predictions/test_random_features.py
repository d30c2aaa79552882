import numpy as np
import pytest

from theory.network import ACTIVATIONS, Network
from theory.predictions import random_features
from theory.setting import LinearManifold, Setting
from validation.statistics import threshold


def of(text, samples, features, ambient=None, **others):
    others = {"times": [0.01], "schedule": "ou"} | others
    network = Network(features, others.pop("activation", "tanh"), ridge=others.pop("ridge", 0.03))
    return Setting.of(LinearManifold.parse(text, ambient), samples=samples, network=network, **others)


NOTES = of("1x100", 400, 800)
WIDE = of("1x100", 800, 6400)
ATOMS = of("1.5x30,0.5x30", 360, 1200, times=[0.003, 0.01])
NORMALS = of("2x30,0.3x30", 300, 1200, ambient=100)
FEW = of("1x40", 240, 160, activation="erf")
ALL = pytest.mark.parametrize("setting", [NOTES, WIDE, ATOMS, NORMALS, FEW], ids=str)
EDGES = random_features.edge_lowest, random_features.edge_highest


def bulks(setting):
    """Edges of the bulks, shape (T, 3, 2)."""
    return np.stack([edge(setting) for edge in EDGES], axis=-1)


def test_the_numbers_of_the_notes():
    """Resolvent and edges of isotropic data at psi = (8, 4) and (64, 8), and the published edges of the samples' bulk."""
    for ridge, expected in ((0.003, 111.10), (0.03, 21.296), (0.3, 2.796)):
        assert random_features.resolvent(NOTES.trained(ridge=ridge))[0] == pytest.approx(expected, rel=2e-4)
    first = [[0.001975, 0.004021], [0.007366, 0.124007], [0.637559, 8.005067]]
    np.testing.assert_allclose(bulks(NOTES)[0], first, atol=5.1e-7)
    second = [[0.003683, 0.010189], [0.091330, 0.359474], [9.83588, 44.69297]]
    np.testing.assert_allclose(bulks(WIDE)[0], second, atol=5.1e-6)
    for setting, edges in ((NOTES, [0.0063, 0.151]), (WIDE, [0.0873, 0.376])):
        found = (
            random_features.edge_lowest_published(setting)[0, 1],
            random_features.edge_highest_published(setting)[0, 1],
        )
        np.testing.assert_allclose(found, edges, rtol=8e-3)


@ALL
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_parts_are_all_of_the_variance(setting, activation):
    setting = setting.trained(activation=activation)
    a, sample, rest = (
        getattr(random_features, f"{name}")(setting) for name in ("linear_slope", "sample_part", "rest_part")
    )
    argument = setting.alpha**2 * (setting.manifold.spectrum.mean() + setting.t)
    np.testing.assert_allclose(a**2 * argument + sample + rest, random_features.feature_variance(setting), rtol=1e-10)


def test_parts_of_relu_are_known():
    """The arc cosine of Cho and Saul; the slope is 1/2."""
    setting = of("3x2,1x2", 10, 20, activation="relu", times=[0.1])
    signal, noise = 2 * np.exp(-0.2), -np.expm1(-0.2)
    whole, angle = signal + noise, np.arccos(signal / (signal + noise))
    overlap = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) * whole / (2 * np.pi)
    assert random_features.linear_slope(setting)[0] == pytest.approx(0.5)
    assert random_features.noise_part(setting)[0] == pytest.approx(noise / 4)
    assert random_features.sample_part(setting)[0] == pytest.approx(overlap - whole / (2 * np.pi) - signal / 4)
    assert random_features.rest_part(setting)[0] == pytest.approx(whole / 2 - overlap - noise / 4)


@ALL
def test_the_spectrum_has_the_weights_of_the_bulks(setting):
    """Below, between and above the bulks, the share below is that of the bulks passed; where they are apart."""
    edges, weights = bulks(setting), random_features.bulk_weight(setting)
    assert (edges[..., 0] < edges[..., 1]).all() or setting is FEW
    if setting is FEW:
        assert np.isnan(edges[:, :2]).all()
        assert np.isnan(weights).all()
        assert random_features.delta_weight(setting) == 0
        weights = np.array([0, 1 - 40 / 160, 40 / 160])
    for at, saddle in zip(edges, random_features.saddles(setting), strict=True):
        below = random_features.delta_weight(setting) + np.cumsum(weights)
        np.testing.assert_allclose(saddle.share_below(at[2] * [1 - 1e-6, 1 + 1e-6]), below[1:], atol=1e-7)
        if setting is not FEW:
            np.testing.assert_allclose(saddle.share_below(at[:, 1] * (1 + 1e-9)), below, atol=1e-9)


def test_bulks_that_are_one_are_not_told():
    late = NOTES.at(times=[0.01, 0.1])
    edges = bulks(late)
    assert np.isfinite(edges[0]).all()
    assert np.isnan(edges[1, :2]).all()
    assert np.isfinite(edges[1, 2]).all()


def test_more_normals_are_a_bulk_between():
    """The features of noise alone, along 40 of 100 directions, are in the middle."""
    assert (1200 * random_features.bulk_weight(NORMALS)).round(9).tolist() == [60, 280, 60]
    assert random_features.delta_weight(NORMALS) == pytest.approx(800 / 1200)


def test_infinitely_many_features_have_parts_and_no_spectrum():
    setting = NOTES.trained(features=np.inf)
    assert np.isfinite(random_features.sample_part(setting)).all()
    assert np.isnan(random_features.resolvent(setting)).all()
    assert np.isnan(bulks(setting)).all()
    assert random_features.delta_weight(setting) == 1


def test_published_edges_are_the_leading_order():
    """With ever more samples in a dimension, and features to a sample, the bulk of the samples comes to its published edges."""
    off = []
    for ratio in (4, 16, 64):
        setting = of("1x20", 20 * ratio, 20 * ratio**2)
        found, published = (
            bulks(setting)[0, 1],
            [getattr(random_features, f"{name}_published")(setting)[0, 1] for name in ("edge_lowest", "edge_highest")],
        )
        off.append(np.abs(found / published - 1).max())
    assert off[0] > 2 * off[1] > 4 * off[2]
    assert off[2] < 0.02


def test_published_population_is_that_of_many_samples():
    setting = of("2x10,0.5x20", 10**9, 120, ambient=40)
    published = [
        getattr(random_features, f"{name}_published")(setting)[0, 2] for name in ("edge_lowest", "edge_highest")
    ]
    np.testing.assert_allclose(bulks(setting)[0, 2], published, rtol=1e-3)


@pytest.mark.parametrize("setting", [of("2x24", 96, 192), of("1x20", 100, 400)], ids=str)
def test_the_shift_of_the_edges_against_draws(setting):
    """Of the linear model; what is left to the next order is about D^(-1/3) of it, and half more for the few of a slow bulk."""
    n, rng = 400, np.random.default_rng(0)
    (saddle,) = random_features.saddles(setting)
    p, N, D = setting.network.features, setting.samples, setting.manifold.ambient_dimension
    counts, found = np.array([0, D, D, N, N, N + D]), []
    for _ in range(n):
        W = rng.standard_normal((p, D))
        X = rng.standard_normal((N, D)) * np.sqrt(setting.manifold.spectrum)
        G = np.sqrt(saddle.linear / D) * W @ X.T + np.sqrt(saddle.sample) * rng.standard_normal((p, N))
        factor = np.hstack([G / np.sqrt(N), np.sqrt(saddle.noise / D) * W])
        eigenvalues = np.linalg.eigvalsh(factor.T @ factor) + saddle.rest
        found.append(eigenvalues[counts - np.array([0, 1, 0, 1, 0, 1])])
    found, shift = np.array(found), random_features.edge_shifts(setting)[0].ravel()
    off = (found.mean(axis=0) - bulks(setting)[0].ravel()) * np.array([1, -1] * 3) - shift
    error = threshold(n) * found.std(axis=0, ddof=1) / np.sqrt(n)
    assert (np.abs(off) < error + 1.5 * shift * D ** (-1 / 3)).all()
    assert (error < shift / 2).all()


def test_the_density_integrates_to_the_weights():
    nodes, weights = np.polynomial.legendre.leggauss(300)
    angle = np.pi / 4 * (nodes + 1)
    for (low, high), weight in zip(bulks(NOTES)[0], random_features.bulk_weight(NOTES), strict=True):
        u = low + (high - low) * np.sin(angle) ** 2
        density = random_features.density(NOTES, u)[0]
        mass = (weights * np.pi / 4 * density * (high - low) * np.sin(2 * angle)).sum()
        assert mass == pytest.approx(weight, rel=1e-8)
    assert random_features.share_below(NOTES, [1.0, 100.0]).shape == (1, 2)
