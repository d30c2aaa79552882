import numpy as np
import pytest

from numerics import voronoi
from numerics.voronoi import Cells, fixed_points
from validation.statistics import threshold

FIVE = np.array([[0.0, 0.0], [1.0, 0.3], [-0.4, 0.8], [0.5, -0.7], [1.2, 1.1]])
PLACES = np.array([[0.5, -0.4], [0.1, -0.2], [1.2, 1.1], [0.7, 0.7], [3.0, -2.0], [0.0, 0.0]])


@pytest.mark.parametrize("h", [0.01, 0.3])
def test_the_smoothed_nearest_sample_against_drawn_shifts(h):
    shifts = np.sqrt(h) * np.random.default_rng(0).standard_normal((100_000, 2))
    for x, mean in zip(PLACES, Cells(FIVE, h).smoothed(PLACES)[0], strict=True):
        drawn = FIVE[(((x + shifts)[:, None] - FIVE) ** 2).sum(axis=2).argmin(axis=1)]
        allowed = threshold(len(shifts)) * drawn.std(axis=0) / np.sqrt(len(shifts))
        unseen = 20 / len(shifts) * np.ptp(FIVE, axis=0)  # of cells that no shift reaches
        assert (np.abs(drawn.mean(axis=0) - mean) <= allowed + unseen).all()


def test_its_jacobian_is_its_slope():
    cells, e = Cells(FIVE, 0.05), 1e-5
    _, slope = cells.smoothed(PLACES)
    for k in range(2):
        beside = e * np.eye(2)[k]
        found = (cells.smoothed(PLACES + beside)[0] - cells.smoothed(PLACES - beside)[0]) / (2 * e)
        np.testing.assert_allclose(found, slope[:, :, k], atol=1e-8)
    np.testing.assert_allclose(slope, slope.transpose(0, 2, 1), atol=1e-15)
    assert (np.linalg.eigvalsh(slope) > -1e-12).all()


def test_a_far_point_has_the_nearest_sample_and_an_edge_half_of_both():
    cells = Cells(FIVE, 1e-4)
    mean, _ = cells.smoothed(np.array([[0.02, 0.01], [0.5, 0.15]]))
    np.testing.assert_allclose(mean, [[0.0, 0.0], [0.5, 0.15]], atol=1e-12)


@pytest.mark.parametrize(("N", "h"), [(5, 0.05), (12, 0.02), (12, 1e-4), (30, 0.1)])
def test_fixed_points_are_fixed_and_of_the_right_index(N, h):
    samples = np.random.default_rng(N).standard_normal((N, 2))
    found, unstable = fixed_points(samples, h)
    mean, slope = Cells(samples, h).smoothed(found)
    np.testing.assert_allclose(mean, found, atol=1e-9)
    np.testing.assert_array_equal((np.linalg.eigvalsh(slope) > 1).sum(axis=1), unstable)
    assert ((-1) ** unstable).sum() == 1
    if h == 1e-4:  # all samples, and the saddles and maxima of the distance to them
        assert (unstable == 0).sum() == N
        assert (unstable == 2).sum() > 0


def test_three_samples_have_their_seven():
    """Three atoms, a saddle between any two, and a maximum at the centre of their circle, for an acute triangle."""
    turn = 2 * np.pi / 3 * np.arange(3)
    found, unstable = fixed_points(np.column_stack([np.cos(turn), np.sin(turn)]), 1e-3)
    assert np.bincount(unstable).tolist() == [3, 3, 1]
    np.testing.assert_allclose(found[unstable == 2], 0, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(found[unstable == 1], axis=1), 0.5, atol=1e-9)


def test_what_is_not_complete_is_refused(monkeypatch):
    monkeypatch.setattr(voronoi, "_newton", lambda cells, x, extent: cells.samples[:2])
    with pytest.raises(
        ValueError, match=r"the indices of the fixed points must add up to 1, those of the 2 found add up to 2"
    ):
        fixed_points(FIVE, 1e-4)
