"""Flags against all distances in plain NumPy, and the interval against the binomial law."""

import numpy as np
import pytest
from scipy.stats import binom

from numerics import memorized as module
from numerics.memorized import fraction, memorized


def two_nearest(x, data):
    """To the distinct samples, by differences."""
    distances = np.sqrt(((x[:, None] - np.unique(data, axis=0)) ** 2).sum(axis=-1))
    return np.sort(distances, axis=1)[:, :2].T


def cloud(D, M=60, N=50, seed=1):
    """Points at distances from samples over many orders of magnitude."""
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((N, D))
    away = rng.standard_normal((M, D)) * np.geomspace(1e-6, 3, M)[:, None]
    return data[rng.integers(N, size=M)] + away, data


@pytest.mark.parametrize("D", [1, 2, 3, 40])
@pytest.mark.parametrize("N", [2, 4, 5, 50])
@pytest.mark.parametrize("ratio", [1 / 3, 0.7])
def test_it_compares_the_two_nearest(D, N, ratio):
    x, data = cloud(D, N=N)
    nearest, second = two_nearest(x, data)
    found = memorized(x, data, ratio)
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, nearest < ratio * second)
    assert found.any()
    assert not found.all()


@pytest.mark.parametrize("distance", [0.0, 0.01, 0.5])
def test_a_distance_counts_too(distance):
    x, data = cloud(3)
    nearest, second = two_nearest(x, data)
    np.testing.assert_array_equal(memorized(x, data, 0, distance), nearest < distance)
    np.testing.assert_array_equal(memorized(x, data, 0.1, distance), (nearest < distance) | (nearest < 0.1 * second))


def test_copies_count_once():
    x, data = cloud(3)
    copies = np.concatenate([data, data[:20], data[:20], data[:1] * np.ones((30, 1))])
    np.testing.assert_array_equal(memorized(x, copies), memorized(x, data))


def test_zero_has_one_sign():
    assert memorized(np.array([[0.1, 0.0]]), np.array([[0.0, 0.0], [-0.0, -0.0], [1.0, 0.0]])).all()


@pytest.mark.parametrize("D", [2, 784])
def test_a_sample_itself_is_at_no_distance(D):
    rng = np.random.default_rng(3)
    data = rng.standard_normal((30, D))
    others = data[:5] + 1e-12 * rng.standard_normal((5, D))  # near copies, which products do not tell from it
    assert memorized(data[:5].copy(), np.concatenate([data, others])).all()


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4])
def test_near_copies_more_than_there_are_candidates(offset):
    """Ten samples in a row, closer than products can tell: the two nearest are found among all of them."""
    gap = 2.0**-30
    along = gap * np.arange(10)[:, None] * np.array([1.0, 0.0, 0.0])
    data = offset + np.concatenate([along, np.eye(3) + 5])
    x = offset + gap * np.array([[4.25, 0, 0], [4.5, 0, 0], [-3.0, 0, 0], [9.25, 0, 0]])
    for ratio in (0.15, 0.3, 0.35, 0.7, 0.8):  # the two nearest are at 1/3, 1, 3/4 and 1/5 of each other
        np.testing.assert_array_equal(memorized(x, data, ratio), ratio > np.array([1 / 3, 1, 3 / 4, 1 / 5]))


def test_far_from_the_origin():
    x, data = cloud(3)
    moved = x + 2.0**30, data + 2.0**30
    nearest, second = two_nearest(*moved)
    np.testing.assert_array_equal(memorized(*moved), nearest < second / 3)


@pytest.mark.parametrize(("queries", "samples"), [(1, 1), (7, 3), (13, 50)])
def test_blocks_change_nothing(monkeypatch, queries, samples):
    x, data = cloud(3)
    plain = memorized(x, data)
    monkeypatch.setattr(module, "QUERIES", queries)
    monkeypatch.setattr(module, "SAMPLES", samples)
    np.testing.assert_array_equal(memorized(x, data), plain)


def test_arrays_of_a_library_come_back(backend):
    x, data = cloud(3)
    data = np.concatenate([data, data[:3]])
    found = memorized(backend.array(x), backend.array(data), distance=0.01)
    assert backend.owns(found)
    np.testing.assert_array_equal(backend.host(found), memorized(x, data, distance=0.01))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((2, 4))}, "x and data must share the dimension D, got 4 and 3"),
        ({"x": np.ones(3)}, r"x must have shape \(M, D\)"),
        ({"x": np.full((2, 3), np.nan)}, "x must be finite"),
        ({"data": np.full((2, 3), np.inf)}, "data must be finite"),
        ({"x": np.full((2, 3), 1e200)}, r"x and data must stay below \S+, so that squares are numbers"),
        ({"data": np.ones((5, 3))}, "data must hold at least 2 distinct samples, got 1 among 5"),
        ({"ratio": 1.5}, "the ratio must lie between 0 and 1, got 1.5"),
        ({"ratio": np.nan}, "the ratio must lie between 0 and 1, got nan"),
        ({"ratio": True}, "the ratio must lie between 0 and 1, got True"),
        ({"ratio": "0.3"}, "the ratio must lie between 0 and 1, got '0.3'"),
        ({"distance": -1.0}, "the distance must be a number that is not negative, got -1.0"),
        ({"distance": True}, "the distance must be a number that is not negative, got True"),
        ({"distance": [1.0]}, r"the distance must be a number that is not negative, got \[1.0\]"),
    ],
)
def test_refusals(change, message):
    x, data = cloud(3)
    with pytest.raises(ValueError, match=message):
        memorized(**{"x": x, "data": data, **change})


# -- the interval


def flags(k, n):
    return np.arange(n) < k


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_at_none_and_all_it_is_known(n, level):
    edge = ((1 - level) / 2) ** (1 / n)
    assert fraction(flags(0, n), level) == (0.0, 0.0, pytest.approx(1 - edge))
    assert fraction(flags(n, n), level) == (1.0, pytest.approx(edge), 1.0)


def test_it_is_that_of_the_tables():
    """3 of 10: Clopper and Pearson, Biometrika 26 (1934) 404, to the digits of every table since."""
    assert fraction(flags(3, 10)) == (0.3, pytest.approx(0.0667, abs=5e-5), pytest.approx(0.6525, abs=5e-5))


@pytest.mark.parametrize("n", [1, 2, 5, 20, 80])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_its_coverage_is_its_level_or_more(n, level):
    """Summed over all outcomes, at shares everywhere and just beside the ends of the intervals, where it is least."""
    intervals = np.array([fraction(flags(k, n), level)[1:] for k in range(n + 1)])
    ends = intervals[(intervals > 0) & (intervals < 1)]
    p = np.concatenate([np.linspace(0.001, 0.999, 97), ends - 1e-9, ends + 1e-9])
    covers = (intervals[:, :1] <= p) & (p <= intervals[:, 1:])
    coverage = (binom.pmf(np.arange(n + 1)[:, None], n, p) * covers).sum(axis=0)
    assert coverage.min() >= level - 1e-9
    if n == 80:  # and not much more, else everything would pass
        assert np.median(coverage) < level + 0.06
    # on either side no more than half of what is left is missed
    above = (binom.pmf(np.arange(n + 1)[:, None], n, p) * (p > intervals[:, 1:])).sum(axis=0)
    assert above.max() <= (1 - level) / 2 + 1e-9


@pytest.mark.parametrize(
    ("given", "level", "message"),
    [
        (np.array([], dtype=bool), 0.95, r"flags must be booleans, shape \(n,\), got dtype bool and shape \(0,\)"),
        (np.array([0.0, 1.0]), 0.95, "flags must be booleans, .* got dtype float64"),
        (np.ones((2, 2), dtype=bool), 0.95, r"flags must be booleans, .* shape \(2, 2\)"),
        ([True], 1.0, "the level must lie between 0 and 1, got 1.0"),
        ([True], "0.95", "the level must lie between 0 and 1, got '0.95'"),
        (np.ma.array([True, False], mask=[False, True]), 0.95, "flags must not be masked, got 1 masked cells"),
    ],
)
def test_flags_must_be_flags(given, level, message):
    with pytest.raises(ValueError, match=message):
        fraction(given, level)


@pytest.mark.parametrize("exponent", [-480, -530, -560, -1000])
def test_squares_that_float64_does_not_hold(exponent):
    x, data = cloud(3)
    small = np.ldexp(x, exponent), np.ldexp(data, exponent)
    np.testing.assert_array_equal(memorized(*small), memorized(x, data))
    small_distance = 2.0 ** (exponent - 6)
    np.testing.assert_array_equal(memorized(*small, 0, small_distance), memorized(x, data, 0, 2.0**-6))
