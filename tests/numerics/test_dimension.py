"""Tests of the dimension that a score tells: Gaussian data exactly, a sphere, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.dimension import by_eigenvalues, by_flipd, by_local_pca, by_normal_bundle, jacobians
from numerics.scores import Empirical, Gaussian
from theory.setting import LinearManifold

MANIFOLD = LinearManifold.parse("1.0x2,0.5x1", 6)
GAUSSIAN = Gaussian(MANIFOLD)
POINTS = np.random.default_rng(0).standard_normal((2000, 6)) * np.sqrt(MANIFOLD.spectrum)


def test_jacobians_are_those_of_a_gaussian():
    expected = np.diag(-1 / (MANIFOLD.spectrum + 0.1))
    np.testing.assert_allclose(
        jacobians(GAUSSIAN, POINTS[:3], 0.1), np.broadcast_to(expected, (3, 6, 6)), rtol=1e-8, atol=1e-8
    )


def test_rows_of_a_jacobian_are_components_of_the_score():
    turn = np.array([[0.0, 1.0], [0.0, 0.0]])  # s_0 = x_1
    np.testing.assert_allclose(jacobians(lambda x, t: x @ turn.T, np.ones((1, 2)), 1.0)[0], turn, atol=1e-9)


@pytest.mark.parametrize("t", [1e-6, 1e-3, 0.01])
def test_all_see_the_dimension_of_gaussian_data(t):
    assert (by_eigenvalues(GAUSSIAN, POINTS[:5], t) == 3).all()
    assert (by_normal_bundle(GAUSSIAN, POINTS[:5], t) == 3).all()
    assert by_flipd(GAUSSIAN, POINTS, t).mean() == pytest.approx(3, abs=0.01)


def test_flipd_has_the_mean_that_is_said_of_it():
    found, t = by_flipd(GAUSSIAN, POINTS, 0.3), 0.3
    expected = (1 - (t / (MANIFOLD.spectrum + t)) ** 2).sum()
    assert abs(found.mean() - expected) < 5 * found.std() / np.sqrt(found.size)
    assert abs(found.mean() - by_eigenvalues(GAUSSIAN, POINTS[:1], t)[0]) > 5 * found.std() / np.sqrt(found.size)


def test_estimates_on_a_sphere_and_what_collapse_makes_of_them():
    normal = np.random.default_rng(1).standard_normal((3020, 3))
    sphere = np.pad(normal / np.linalg.norm(normal, axis=1, keepdims=True), ((0, 0), (0, 2)))
    score, x = Empirical(sphere[20:]), sphere[:20]
    for t in (0.01, 0.03):
        assert by_eigenvalues(score, x, t).mean() == pytest.approx(2, abs=0.1)
        assert by_normal_bundle(score, x, t).mean() == pytest.approx(2, abs=0.2)
        assert by_flipd(score, x, t).mean() == pytest.approx(2, abs=0.2)
    assert by_eigenvalues(score, x, 1e-5).mean() < 0.5
    assert by_flipd(score, x, 1e-5).mean() > 4


def test_a_local_pca_sees_a_plane_and_what_noise_across_makes_of_it():
    plane = np.pad(np.random.default_rng(2).standard_normal((2000, 2)), ((0, 0), (0, 4)))
    assert (by_local_pca(plane, plane[:20]) == 2).all()
    thick = plane + 0.3 * np.random.default_rng(3).standard_normal(plane.shape)
    assert (by_local_pca(thick, thick[:20]) == 6).all()  # neighbours are nearer than the noise is wide
    wide = plane + 0.05 * np.random.default_rng(3).standard_normal(plane.shape)
    assert (by_local_pca(wide, wide[:20], 1000) == 2).all()


def test_a_local_pca_needs_neighbours():
    for neighbours in (1, 11):
        with pytest.raises(ValueError, match=f"neighbours must be from 2 to the 10 samples, got {neighbours}"):
            by_local_pca(POINTS[:10], POINTS[:1], neighbours)


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e-100, 1e100, 1e150])
def test_a_local_pca_is_the_same_in_any_unit(unit):
    assert (by_local_pca(unit * POINTS, unit * POINTS[:5]) == by_local_pca(POINTS, POINTS[:5])).all()


def test_a_local_pca_of_what_has_no_squares_is_refused():
    with pytest.raises(ValueError, match=r"must stay below .*, so that squares are numbers; change their unit"):
        by_local_pca(1e160 * POINTS, POINTS[:5])


@pytest.mark.parametrize("offset", [2.0**30, 2.0**35])
def test_differences_are_by_what_they_are_of(offset):
    x = offset + np.round(POINTS[:3])

    def score(x, t):
        return -(x - offset) / (MANIFOLD.spectrum + t)

    expected = np.diag(-1 / (MANIFOLD.spectrum + 0.1))
    np.testing.assert_allclose(jacobians(score, x, 0.1), np.broadcast_to(expected, (3, 6, 6)), rtol=1e-8, atol=1e-8)
    assert (by_eigenvalues(score, x, 0.1) == 3).all()


def test_points_whose_differences_float64_does_not_hold_are_refused():
    with pytest.raises(
        ValueError, match=r"float64 holds steps of 3\.2e-05 from them, got 1e\+12; take the mean of the data"
    ):
        by_eigenvalues(GAUSSIAN, 0 * POINTS[:3] + 1e12, 0.1)


def test_points_in_a_list_are_points():
    np.testing.assert_array_equal(by_flipd(GAUSSIAN, POINTS[:3].tolist(), 0.1), by_flipd(GAUSSIAN, POINTS[:3], 0.1))


def test_one_dimension_is_a_line():
    line = Gaussian(LinearManifold.parse("1.0x1"))
    assert by_eigenvalues(line, np.ones((2, 1)), 0.01).tolist() == [1, 1]


def test_scores_and_points_that_do_not_fit_are_refused():
    for estimate in (by_eigenvalues, by_normal_bundle, by_flipd):
        with pytest.raises(ValueError, match="the score must be finite and of the shape"):
            estimate(lambda x, t: x[:, :1], POINTS[:2], 0.1)
        with pytest.raises(ValueError, match="x must"):
            estimate(GAUSSIAN, np.ones(6), 0.1)
        with pytest.raises(ValueError, match="t must"):
            estimate(GAUSSIAN, POINTS[:2], -1.0)
