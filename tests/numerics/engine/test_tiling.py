"""Tiles hold their samples, skipped tiles hold none that matters, and direct differences hold at any noise."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba")

from numerics.engine import tiling
from numerics.engine.question import Question
from numerics.engine.tiling import TILE, TILE_BYTES, tiled, tiles_of
from numerics.gibbs import gibbs_moments
from tests.numerics.conftest import ATTACKS, PROPERTY, TINY, Exact, attacked

DTYPES = ["float32", "float64"]


def asked(dtype, tolerance=None, temperature=1.0):
    return Question(temperature, None, None, float(np.finfo(dtype).eps) if tolerance is None else tolerance)


def unit(dtype):
    return float(np.finfo(dtype).eps) / 2


def answer(x, data, t, question=None, *, ordered=True):
    t = np.broadcast_to(np.asarray(t, dtype=np.float64), (*np.shape(t)[:-1], len(x)))
    found = tiled(x, tiles_of(data, ordered=ordered), t, asked(x.dtype) if question is None else question)
    assert found.mean.dtype == found.weight.dtype == np.float64
    assert found.shift.shape == t.shape
    return found


# -- the tiles


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles_hold_each_sample_once(rng, name, dtype):
    for D in (1, 2, 3, 4, 8, 9, 21):
        for N in (1, 2, TILE - 1, TILE, TILE + 1, 900):
            _, data = attacked(name, rng, 1, N, D, dtype)
            tiles = tiles_of(data)
            assert sorted(tiles.numbers) == list(range(N))
            rows = tiles.samples.swapaxes(1, 2).reshape(-1, tiles.samples.shape[1])
            assert rows.dtype == data.dtype
            n = tiles.samples.shape[2]
            assert n == TILE or n * rows.itemsize * rows.shape[1] <= TILE_BYTES
            assert rows.shape == (-(-N // n) * n, D + D % 2)
            assert (rows[:N, :D] == data[tiles.numbers]).all()
            assert (rows[:, D:] == 0).all()
            assert tiles.dimension == D


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_balls_hold_their_samples(rng, name, dtype):
    for D in (1, 2, 3, 8):
        _, data = attacked(name, rng, 1, 3 * TILE + 17, D, dtype)
        tiles = tiles_of(data)
        for k in range(len(tiles.radii)):
            inside = data[tiles.numbers[k * TILE : (k + 1) * TILE]].astype(np.longdouble)
            away = np.sqrt(((inside - tiles.centres[k, :D]) ** 2).sum(axis=-1)).max()
            assert away <= tiles.radii[k] + D * math.sqrt(TINY)  # the squares of what is closer underflow


def test_tiles_of_neighbours_are_small(rng):
    """In the plane a hundredth of the samples could be within a tenth of the radius of all; three tenths are enough."""
    data = rng.uniform(size=(100 * TILE, 2))
    assert np.median(tiles_of(data).radii) < 0.3 * np.linalg.norm(data - 0.5, axis=1).max()


def test_neighbours_are_found_where_tiles_can_be_skipped(rng, monkeypatch):
    """The log weights that matter reach down to log(2000/eps) = 43: at t = 1e-3 as far as 0.3, at t = 1 as far as 9."""
    x, data = rng.standard_normal((5, 2)), rng.standard_normal((2000, 2))
    asked_for, found = [], tiling.tiles_of
    monkeypatch.setattr(
        tiling, "tiles_of", lambda data, *, ordered: asked_for.append(ordered) or found(data, ordered=ordered)
    )
    for t in (1e-3, 1.0, np.array([[1e-3], [1.0]])):
        Exact(x, data, t).certify(gibbs_moments(x, data, t))
    assert asked_for == [True, False, False]


# -- the answers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 8, 9, 16, 40])
@pytest.mark.parametrize("N", [1, 2, TILE - 1, TILE, TILE + 1, 700])
def test_answers_at_any_noise(rng, dtype, D, N):
    """In one pass and time by time, for queries near samples and between them."""
    data = rng.standard_normal((N, D)).astype(dtype)
    x = np.concatenate([data[rng.integers(N, size=2)], rng.standard_normal((2, D)).astype(dtype)])
    x[1] += 1e-3 * rng.standard_normal(D).astype(dtype)
    t = np.geomspace(1e-12, 1e12, 9)[:, None]
    exact = Exact(x, data, t)
    found = answer(x, data, t)
    exact.certify(found, u=unit(dtype))
    assert (found.nearest == exact.nearest).all()
    assert found.count == N
    for k in (0, 3, 4, 5, 8):
        Exact(x, data, t[k]).certify(answer(x, data, t[k : k + 1]).each(lambda a: a[0]), u=unit(dtype))
    # where all samples weigh the same there are N of them, and none of what fills up the last tile
    np.testing.assert_allclose(found.log_partition[-1], math.log(N), rtol=(N + 8) * unit(dtype), atol=1e-9)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [2, 3, 17])
@pytest.mark.parametrize("ordered", [True, False])
def test_attacks(rng, name, dtype, D, ordered):
    x, data = attacked(name, rng, 5, 2 * TILE + 40, D, dtype)
    scale = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    least = 1e-250 if dtype == "float64" else 1e-30
    t = np.array([[1e-4], [1e-2], [1.0]]) * np.where(scale > least, scale, 1.0)
    exact = Exact(x, data, t, temperature=0.7)
    found = answer(x, data, t, asked(dtype, temperature=0.7), ordered=ordered)
    exact.certify(found, u=unit(dtype))
    assert (found.nearest == found.nearest[0]).all()
    assert exact.near(found.nearest[0], dtype)
    off = abs(found.log_partition - exact.log_partition)
    sums = (len(data) + 8) * unit(dtype)
    assert (off <= found.rounding + 2 * found.neglected + sums * (1 + abs(exact.log_partition))).all()


@PROPERTY
@given(
    name=st.sampled_from(sorted(ATTACKS)),
    M=st.integers(1, 4),
    N=st.integers(1, 2 * TILE + 1),
    D=st.integers(1, 12),
    log_t=st.floats(-4, 1),
    tolerance=st.floats(1e-12, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_anything(name, M, N, D, log_t, tolerance, seed):
    x, data = attacked(name, np.random.default_rng(seed), M, N, D)
    scale = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    t = 10**log_t * np.where(scale > 1e-250, scale, 1.0)[None]
    Exact(x, data, t).certify(answer(x, data, t, asked(np.float64, tolerance)))


@pytest.mark.parametrize("name", ["noised", "offset", "duplicates", "near_ties", "outlier", "anisotropic"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("along", [None, 2])
def test_covariances(rng, name, dtype, covariance, along):
    """Digit for digit, over several tiles, down to variances far below t."""
    D = 3
    x, data = attacked(name, rng, 5, 2 * TILE + 40, D, dtype)
    basis = None if along is None else np.linalg.qr(rng.standard_normal((D, along)))[0]
    scale = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    t = np.array([[3e-4], [3e-3], [3e-2], [1.0]]) * np.where(scale > 0, scale, 1.0)
    found = answer(x, data, t, Question(1.0, covariance, basis, 1e-300 if dtype == "float64" else 1e-30))
    exact = Exact(x, data, t)
    exact.certify(found, u=unit(dtype))
    known = exact.certify_covariance(found, u=unit(dtype))
    assert known or (name, dtype) != ("noised", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [1, 3, 9])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_first_of_ties_is_the_nearest(rng, dtype, D, ordered):
    """Small integers, whose squared distances are exact; equal samples lie in several tiles."""
    data = rng.integers(-1, 2, (700, D)).astype(dtype)
    x = np.concatenate([data[:5], rng.integers(-3, 4, (20, D)).astype(dtype)])
    exact = Exact(x, data, 1.0)
    found = answer(x, data, np.full((2, 25), 1e-3), ordered=ordered)
    assert (found.nearest == exact.nearest).all()
    tied = exact.squares == exact.squares.min(axis=1, keepdims=True)
    tile = np.argsort(tiles_of(data).numbers) // TILE
    assert any(np.unique(tile[row]).size > 1 for row in tied)


@pytest.mark.parametrize("t", [1e-6, 1.0, 1e6])
def test_an_outlier_of_a_hundred_and_twenty_digits(rng, t):
    data = rng.standard_normal((700, 2))
    data[300] = 1e120
    x = rng.standard_normal((4, 2))
    found = answer(x, data, np.full((1, 4), t)).each(lambda a: a[0])
    rest = np.delete(data, 300, axis=0)
    assert (found.nearest == np.delete(np.arange(700), 300)[Exact(x, rest, t).nearest]).all()
    Exact(x, rest, t).certify(found)


# -- what is skipped


def skipped(x, tiles, least, t, question):
    """Tiles that no query can need, by their balls: (|x - c| - r)^2 > least + 2 tT cut, with a margin of a millionth."""
    away = np.sqrt(((x[:, None] - tiles.centres[None, :, : x.shape[1]]) ** 2).sum(axis=-1))
    gap = np.maximum(away - tiles.radii, 0) ** 2
    return (gap > (1 + 1e-6) * (least[:, None] + 2 * t * question.cut(tiles.numbers.size))).all(axis=0)


def test_skipped_tiles_are_not_looked_at(rng):
    """A sample put at the query, unknown to the ball of its tile, is found or not found."""
    data = rng.uniform(size=(80 * TILE, 2))
    x, t, question = data[:1] + 0.01, 1e-6, asked(np.float64)
    tiles = tiles_of(data)
    plain = tiled(x, tiles, np.full((1, 1), t), question)
    # of the closest tile at least, and so from the start of the pass on
    closest = (np.linalg.norm(x - tiles.centres[:, :2], axis=1) - tiles.radii).argmin()
    first = tiles.samples[closest, :2].T
    out = skipped(x, tiles, np.array([((first - x) ** 2).sum(axis=-1).min()]), t, question)
    assert out.mean() > 0.8
    assert not out[closest]
    for k in (closest, *np.flatnonzero(out)):
        samples = tiles.samples.copy()
        samples[k, :2, 0] = x[0]
        found = tiled(x, replace(tiles, samples=samples), np.full((1, 1), t), question)
        same = all((getattr(found, f) == getattr(plain, f)).all() for f in ("shift", "weight", "mean", "nearest"))
        assert same == out[k]


def test_what_is_skipped_weighs_no_more_than_the_tolerance(rng):
    """Two tiles of coinciding samples, the second lighter by exp(-8): out at a tolerance of a half, in by default.

    The log weights that matter reach down to log(2 TILE/0.5) = 7.6.
    """
    t, gap = 0.5, 8.0
    data = np.zeros((2 * TILE, 1))
    data[TILE:] = math.sqrt(2 * t * gap)
    x = np.zeros((1, 1))
    exact = Exact(x, data, t)
    share = float(exact.weights[0, TILE:].sum())
    assert math.isclose(share, math.exp(-gap) / (1 + math.exp(-gap)))
    rough, fine = (answer(x, data, np.full((1, 1), t), asked(np.float64, s)) for s in (0.5, None))
    assert rough.mean[0, 0, 0] == 0
    assert math.isclose(fine.mean[0, 0, 0], share * data[-1, 0], rel_tol=1e-12)
    assert share <= rough.neglected[0, 0] == 0.5
    assert 2 * share > fine.error[0, 0]  # the default would not have allowed it
    Exact(x, data, t).certify(rough.each(lambda a: a[0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_and_narrow_times_in_one_pass(rng, dtype):
    """The widest time decides which tiles are looked at; each is right."""
    data = rng.uniform(size=(8 * TILE, 2)).astype(dtype)
    x = data[:6] + rng.uniform(0, 0.01, (6, 2)).astype(dtype)
    t = np.array([[1e-2], [1e-6], [1.0]]) * np.geomspace(0.1, 10, 6)
    t[0, 0], t[1, 1] = 3.0, 3.0  # not in the same order for all queries
    found = answer(x, data, t)
    Exact(x, data, t).certify(found, u=unit(dtype))
    # a time on its own is as right, though it skips more
    alone = answer(x, data, t[1:2])
    Exact(x, data, t[1:2]).certify(alone, u=unit(dtype))
