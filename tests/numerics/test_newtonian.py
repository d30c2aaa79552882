import numpy as np
import pytest

from numerics.newtonian import ascend, weights
from numerics.scores import Unconditioned


def score(x, data):
    w, squares = weights(x, data)
    pulls = (x.shape[1] - 2) * w / squares
    return pulls @ data - pulls.sum(axis=1, keepdims=True) * x


@pytest.mark.parametrize("D", [3, 4, 11])
def test_it_is_the_score_of_levels_without_end(D, rng):
    """The integral over levels from 1e-9 to 1e13."""
    data, x = rng.normal(size=(40, D)), 1.5 * rng.normal(size=(9, D))
    expected = Unconditioned(data, 1e-9, 1e13)(x, 1.0)
    np.testing.assert_allclose(score(x, data), expected, rtol=1e-5, atol=1e-6)


def test_weights_are_powers_of_the_distance(backend, rng):
    x, data = rng.normal(size=(5, 6)), rng.normal(size=(8, 6))
    w, squares = (backend.host(a) for a in weights(backend.array(x), backend.array(data)))
    expected = ((x[:, None] - data) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, expected, rtol=1e-12)
    np.testing.assert_allclose(w, expected**-2 / (expected**-2).sum(axis=1, keepdims=True), rtol=1e-12)


def test_at_a_sample_it_has_all_weight(rng):
    data = rng.normal(size=(20, 6))
    w, squares = weights(data[:3], data)
    np.testing.assert_allclose(w[:, :3], np.eye(3), atol=1e-12)
    assert (squares > 0).all()


@pytest.mark.parametrize("D", [3, 10])
def test_ascent_leads_up_to_a_sample(D, rng):
    data, x = rng.normal(size=(30, D)), 2 * rng.normal(size=(50, D))
    ends = ascend(x, data)
    nearest, second = np.sort(((ends[:, None] - data) ** 2).sum(axis=2), axis=1)[:, :2].T
    assert (nearest < 1.01e-4 * second).all()
    chosen = ((ends[:, None] - data) ** 2).sum(axis=2).argmin(axis=1)
    assert len(np.unique(chosen)) > 5
    assert (chosen != ((x[:, None] - data) ** 2).sum(axis=2).argmin(axis=1)).any()  # not all by the shortest way


@pytest.mark.parametrize("function", [weights, ascend])
@pytest.mark.parametrize(
    ("x", "data", "message"),
    [
        (np.zeros((1, 2)), np.zeros((2, 2)), "must share a dimension of 3 or more, got 2 and 2"),
        (np.zeros((1, 3)), np.zeros((2, 4)), "must share a dimension of 3 or more, got 3 and 4"),
        (np.zeros(3), np.zeros((2, 3)), r"x must have shape \(M, D\), got \(3,\)"),
        (np.zeros((1, 3)), np.full((2, 3), np.nan), "data must be finite"),
        (np.zeros((1, 3)), np.zeros((0, 3)), "data must not be empty"),
    ],
)
def test_what_has_no_potential_is_refused(function, x, data, message):
    with pytest.raises(ValueError, match=message):
        function(x, data)


def test_ascent_takes_two_samples_and_leaves_its_points_alone():
    with pytest.raises(ValueError, match="data must hold 2 samples or more, got 1"):
        ascend(np.zeros((1, 3)), np.ones((1, 3)))
    x = np.full((1, 3), 0.1)
    ends = ascend(x, [[0, 0, 0], [4, 0, 0]])  # numbers of any kind
    assert (x == 0.1).all()
    np.testing.assert_allclose(ends, 0, atol=0.05)


@pytest.mark.parametrize("offset", [2.0**20, 2.0**40])
def test_far_from_the_origin_nothing_is_lost(offset, rng):
    data, x = (np.ldexp(rng.integers(-999, 999, (n, 4)), -9) for n in (20, 7))
    for moved, there in zip(weights(x + offset, data + offset), weights(x, data), strict=True):
        np.testing.assert_allclose(moved, there, rtol=1e-12)
    np.testing.assert_allclose(ascend(x + offset, data + offset) - offset, ascend(x, data), atol=4e-16 * offset)


@pytest.mark.parametrize("exponent", [-900, -520, -300, 300, 500])
def test_the_ascent_scales(exponent, rng):
    data, x = rng.normal(size=(20, 4)), rng.normal(size=(7, 4))
    found = ascend(np.ldexp(x, exponent), np.ldexp(data, exponent))
    np.testing.assert_allclose(np.ldexp(found, -exponent), ascend(x, data), rtol=1e-12)


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [(1e-154, "float64"), (1e-200, "float64"), (1e200, "float64"), (1e-19, "float32"), (1e19, "float32")],
)
def test_squares_that_the_dtype_does_not_hold_are_refused(scale, dtype, rng):
    data = (scale * rng.normal(size=(20, 4))).astype(dtype)
    with pytest.raises(ValueError, match="change their unit"):
        weights(data[:3], data)
