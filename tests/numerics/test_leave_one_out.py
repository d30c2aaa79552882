"""The measurement against brute force, and against densities that are known."""

import numpy as np
import pytest

from numerics import leave_one_out
from numerics.leave_one_out import (
    SMALLEST,
    held_out,
    principal_axes,
    retained_variance,
    trajectory,
    trajectory_through_collapse,
)

TIMES = np.geomspace(0.01, 10, 7)


def gaussian(samples, variances, seed=0):
    return np.random.default_rng(seed).standard_normal((samples, len(variances))) * np.sqrt(variances)


def test_principal_axes_keep_distances_and_drop_normal_directions():
    data = gaussian(40, [4, 1, 0.1, 0], seed=1) @ np.linalg.qr(gaussian(4, np.ones(4)))[0] * 37 + 1e4
    axes = principal_axes(data)
    assert axes.coordinates.shape == (40, 3)
    assert axes.spectrum[3] == 0
    np.testing.assert_allclose(axes.spectrum, np.linalg.eigvalsh(np.cov(data.T, bias=True))[::-1], atol=1e-8)
    mine = axes.coordinates * axes.unit
    np.testing.assert_allclose(
        np.linalg.norm(mine[0] - mine, axis=1), np.linalg.norm(data[0] - data, axis=1), rtol=1e-9
    )
    assert axes.distinct == 40


def test_more_dimensions_than_samples():
    axes = principal_axes(gaussian(15, np.ones(100)))
    assert axes.coordinates.shape == (15, 14)
    assert axes.spectrum.shape == (100,)
    assert np.count_nonzero(axes.spectrum) == 14


def test_own_weight_is_that_of_the_sample_and_its_copies():
    distinct = gaussian(20, [1.0, 0.5])
    data = np.concatenate([distinct, distinct[:5], distinct[:5]])
    axes = principal_axes(data)
    assert axes.distinct == 20
    assert sorted(axes.copies) == [1] * 15 + [3] * 15
    found = trajectory(axes, [1e-9, 1.0, 1e9], queries=30)
    assert (found.copies == axes.copies).all()  # all samples are queried, in order
    np.testing.assert_allclose(found.own_weight[:, 0], 1)
    np.testing.assert_allclose(found.own_weight[:, 2], axes.copies / 30, rtol=1e-3)
    assert found.memorized[:, 0].all()


def test_own_weight_and_participation_are_those_of_a_softmax(monkeypatch):
    axes = principal_axes(gaussian(30, [1.0, 0.3]))
    xi = np.random.default_rng(9).standard_normal((30, 2))

    class Fixed:
        choice = staticmethod(lambda count, size, replace: np.arange(size))
        standard_normal = staticmethod(lambda shape: xi)

    monkeypatch.setattr("numerics.leave_one_out.stream", lambda *key: Fixed)
    t = 0.05
    found = trajectory(axes, [t], queries=30)
    y = axes.coordinates * axes.unit
    squares = ((y[:, None] + np.sqrt(t) * xi[:, None] - y[None]) ** 2).sum(axis=-1)
    weights = np.exp(-squares / (2 * t))
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.own_weight[:, 0], np.diag(weights), rtol=1e-9)
    np.testing.assert_allclose(found.participation[:, 0], (weights**2).sum(axis=1), rtol=1e-9)
    np.testing.assert_array_equal(found.memorized[:, 0], squares.argmin(axis=1) == np.arange(30))


def test_a_time_does_not_depend_on_its_neighbours():
    axes = principal_axes(gaussian(30, [1.0, 0.3]))
    both, one = (trajectory(axes, t, queries=30, rng=3) for t in ([0.05, 0.1], [0.05]))
    np.testing.assert_allclose(both.own_weight[:, :1], one.own_weight, rtol=1e-12)


def test_rotation_and_order_of_axes_change_nothing():
    data = gaussian(100, [1.0, 0.5, 0.2])
    turn = np.linalg.qr(gaussian(3, np.ones(3), seed=8))[0]
    mine, turned = (principal_axes(d) for d in (data, data @ turn + 1e3))
    np.testing.assert_allclose(turned.coordinates * turned.unit, mine.coordinates * mine.unit, atol=1e-9)
    np.testing.assert_array_equal(turned.group, mine.group)


def test_information_of_a_point_held_out_is_the_log_density_ratio():
    # one Gaussian direction, t large: p^ -> p_t, so E I^ -> 1/2 log(1 + lambda/t), 4 sigma: false alarm 1e-4 per time
    axes = principal_axes(gaussian(4000, [1.0], seed=5))
    t = np.array([0.1, 1.0])
    found = held_out(axes, t, queries=800)
    exact = 0.5 * np.log1p(1 / t)
    # on the mean of p^ over data: half its relative variance, a few 1e-3 here, and 1/2N-ish from the spectrum
    assert (np.abs(found.information.mean - exact) < 4 * found.information.sem + 0.02).all()
    assert found.samples == 3200
    np.testing.assert_allclose(found.variances, axes.spectrum[:1], rtol=0.1)


def test_nothing_is_known_far_in_the_noise():
    data = gaussian(25, [1.0, 0.3], seed=7)
    axes = principal_axes(data)
    far = held_out(axes, [1e12], queries=4, rng=1)
    assert far.information.n == 4
    assert far.samples == 21
    np.testing.assert_allclose(far.information.mean, 0, atol=1e-4)
    np.testing.assert_allclose(far.participation.mean, 1 / 21, rtol=1e-4)


def test_retained_variance_of_gaussian_data():
    # false alarm: 4 standard errors at 6 values, 4e-4; the 3 % are finite size where some hundred samples share the weight
    axes = principal_axes(gaussian(3000, [2.0, 0.5], seed=2))
    t = np.array([0.5, 2.0, 8.0])
    shares = []
    found = retained_variance(axes, t, (slice(0, 1), slice(1, 2)), queries=300, tick=shares.append)
    np.testing.assert_allclose(shares, [1 / 3, 2 / 3, 1])
    lam = held_out(axes, t, queries=300).variances
    expected = lam * t[:, None] / (lam + t[:, None])
    assert (np.abs(found.mean - expected) < 4 * found.sem + 0.03 * expected).all()


def test_times_reach_the_collapse_wherever_it_lies():
    axes = principal_axes(gaussian(200, [1.0, 1.0]))
    found = trajectory_through_collapse(axes, np.geomspace(1e3, 1e4, 4), queries=50)
    assert np.isfinite(found.collapse_time.mean)
    other = trajectory_through_collapse(axes, np.geomspace(1e-12, 1e-11, 4), queries=50)
    np.testing.assert_allclose(found.collapse_time.mean, other.collapse_time.mean, rtol=0.2)  # another interpolation
    np.testing.assert_allclose(np.diff(np.log(found.t)), np.log(10) / 3)


def test_a_data_set_of_copies_never_falls():
    data = np.concatenate([np.zeros((300, 2)), gaussian(20, [1.0, 1.0])])
    found = trajectory_through_collapse(principal_axes(data), np.geomspace(0.01, 1, 7), queries=64)
    assert np.isnan(found.collapse_time.mean)


def test_copies_are_held_out_together():
    distinct = gaussian(40, np.ones(3))
    axes = principal_axes(np.repeat(distinct, 3, axis=0))
    found = held_out(axes, [1e-4], queries=8)
    assert found.samples == 120 - 3 * 8
    # were a copy left, noise of 0.01 would leave the information near 3/2 log(1/t) at most; without, it is far above
    assert found.information.mean[0] > 50


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros(5), "shape"),
        (np.zeros((5, 2, 2)), "shape"),
        (np.full((20, 2), np.nan), "finite"),
        (np.zeros((20, 2)), "distinct"),
        (gaussian(SMALLEST - 1, [1.0]), "distinct"),
        (np.array([["a"] * 2] * 20), "numeric"),
        (gaussian(20, [1.0]) * 1e200, "unit"),
        (gaussian(20, [1.0]) * 1e-200, "unit"),
    ],
)
def test_bad_data_are_refused_in_one_line(data, message):
    with pytest.raises(ValueError, match=message) as error:
        principal_axes(data)
    assert "\n" not in str(error.value)


def test_float32_agrees():
    axes = principal_axes(gaussian(300, np.ones(4)))
    double, single = (trajectory(axes, TIMES, queries=50, dtype=d) for d in ("float64", "float32"))
    np.testing.assert_allclose(single.own_weight, double.own_weight, atol=1e-3)


# -- scales that differ, and copies that nearly are


def brute_own_weight(samples, t, seed=9):
    """Mean weight of the own sample at each t, from all differences of the rows as they are."""
    xi = np.random.default_rng(seed).standard_normal(samples.shape)
    found = []
    for s in t:
        energies = ((samples[:, None] - samples[None] + np.sqrt(s) * xi[:, None]) ** 2).sum(axis=-1) / (2 * s)
        weights = np.exp(-(energies - energies.min(axis=1, keepdims=True)))
        found.append(np.diag(weights / weights.sum(axis=1, keepdims=True)).mean())
    return np.array(found)


@pytest.mark.parametrize("scale", [1e8, 1e12])
def test_a_column_far_larger_than_the_others_hides_none_of_their_differences(scale):
    rng = np.random.default_rng(5)
    samples = rng.standard_normal((150, 6)) * [3, 2, 1, 1, 0.5, 0.1]
    wide = np.column_stack([scale * rng.integers(0, 30, 150), samples])
    t = np.array([0.1, 1.0, 10.0])
    found = trajectory(principal_axes(wide), t, queries=150)
    assert found.own_weight.shape == (150, 3)
    np.testing.assert_allclose(found.own_weight.mean(axis=0), brute_own_weight(wide, t), atol=0.05)


def test_one_cell_far_larger_than_the_others_changes_what_is_measured_little():
    samples = np.random.default_rng(5).standard_normal((150, 6)) * [3, 2, 1, 1, 0.5, 0.1]
    samples[7, 2] = 1e8
    t = np.array([0.03, 0.3, 3.0])
    found = trajectory(principal_axes(samples), t, queries=150)
    np.testing.assert_allclose(found.own_weight.mean(axis=0), brute_own_weight(samples, t), atol=0.05)


ROUNDINGS = {
    "single precision": lambda rows: rows.astype(np.float32).astype(np.float64),
    "six digits": lambda rows: np.array([[float(f"{x:.6g}") for x in row] for row in rows]),
}


@pytest.mark.parametrize("rounding", ROUNDINGS.values(), ids=ROUNDINGS)
@pytest.mark.parametrize("offset", [0.0, 20.0])
def test_copies_that_were_rounded_are_copies(rounding, offset):
    samples = offset + np.random.default_rng(5).standard_normal((150, 6))
    axes = principal_axes(np.concatenate([samples, rounding(samples[:75])]))
    assert axes.distinct == 150
    assert (axes.copies == 2).sum() == 150


@pytest.mark.parametrize("D", [1, 2, 4])
@pytest.mark.parametrize("outlier", [1e4, 1e5, 1e8])
def test_beside_a_row_far_away_rows_are_no_copies_of_one_another(D, outlier, rng):
    samples = rng.standard_normal((300, D))
    axes = principal_axes(np.concatenate([samples, np.full((1, D), outlier)]))
    assert axes.distinct == 301
    copies = principal_axes(np.concatenate([samples, samples.astype(np.float32), np.full((1, D), outlier)]))
    assert copies.distinct == (301 if D > 2 else 601)  # in few dimensions so many are as near by accident


def test_rows_that_are_near_by_accident_are_no_copies():
    few = np.random.default_rng(5).standard_normal((100_000, 1))  # some are within that of each other
    assert principal_axes(few).distinct == 100_000
    counts = 1e9 + np.arange(100.0)[:, None] * [1.0, 3.0]  # apart by far less than that of their size
    assert principal_axes(counts).distinct == 100


@pytest.mark.parametrize("row", [0, 3])
def test_a_number_beside_which_the_others_are_lost_is_named(row):
    samples = np.random.default_rng(0).normal(size=(150, 6))
    samples[row, 2] = 1e14
    assert principal_axes(samples).coordinates.shape == (150, 6)
    samples[row, 2] = 1e20
    with pytest.raises(
        ValueError, match=f"^row {row + 1} is so far from the others in column 3 that float64 does not hold"
    ):
        principal_axes(samples)


@pytest.mark.parametrize("dimension", [1, 4, 5, 60])
@pytest.mark.parametrize("spread", [3.0, 1e5, 1e18])
def test_rows_that_are_near_in_all_columns_are_found_in_many(dimension, spread):
    random = np.random.default_rng(dimension)
    rows = spread * random.standard_normal((300, dimension))
    rows[200:] = rows[:100] + random.uniform(-1.2, 1.2, (100, dimension)) * (random.random((100, 1)) < 0.5)
    apart = np.abs(rows[:, None] - rows).max(axis=2)
    expected = np.argwhere(np.triu(apart <= 1, 1))
    found = leave_one_out._within_one(rows)
    assert sorted(map(tuple, np.sort(found, axis=1))) == sorted(map(tuple, expected))
    assert len(expected) > 30
