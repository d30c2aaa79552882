"""What takes all samples in, by products and by differences, at any size and noise."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("numba")

from numerics.engine import products
from numerics.engine.dense import product_will_do
from numerics.engine.layout import Measured, laid_out
from numerics.engine.products import BLOCK, CHUNK
from numerics.engine.question import Question
from numerics.engine.tiling import tiled, tiles_of
from tests.numerics.conftest import ATTACKS, PROPERTY, Exact, attacked

DTYPES = ["float32", "float64"]
WAYS = ["products", "differences"]


def asked(dtype, tolerance=None, temperature=1.0):
    return Question(temperature, None, None, float(np.finfo(dtype).eps) if tolerance is None else tolerance)


def unit(dtype):
    return float(np.finfo(dtype).eps) / 2


def rows_of(x, data, t):
    size = max(float(abs(x).max()), float(abs(data).max()), 1e-15 * float(t.max()) ** 0.5)
    return laid_out(Measured.of(data, 100), size, x.dtype)


def answer(way, x, data, t, question=None):
    t = np.broadcast_to(np.asarray(t, dtype=np.float64), (*np.shape(t)[:-1], len(x)))
    question = asked(x.dtype) if question is None else question
    if way == "differences":
        return tiled(x, tiles_of(data, ordered=False), t, question)
    return products.moments(x, rows_of(x, data, t), t, question)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [1, 2, 7, 8, 9, 17, 24, 40, 48, 130])
@pytest.mark.parametrize("N", [1, 7, 65, BLOCK, 2 * BLOCK + 3])
def test_answers_at_any_noise(rng, way, dtype, D, N):
    """In one pass and time by time, for queries near samples and between them."""
    data = rng.standard_normal((N, D)).astype(dtype)
    x = np.concatenate([data[rng.integers(N, size=2)], rng.standard_normal((2, D)).astype(dtype)])
    x[1] += 1e-3 * rng.standard_normal(D).astype(dtype)
    t = np.geomspace(1e-12 if way == "differences" else 1e-3, 1e12, 6)[:, None]
    exact = Exact(x, data, t)
    found = answer(way, x, data, t)
    exact.certify(found, u=unit(dtype))
    assert found.mean.dtype == found.weight.dtype == np.float64
    assert (found.nearest == exact.nearest).all()
    assert found.count == N
    for k in (0, 3, 5):
        Exact(x, data, t[k]).certify(answer(way, x, data, t[k : k + 1]).each(lambda a: a[0]), u=unit(dtype))
    # where all samples weigh the same there are N of them, and none of what fills up the last block
    np.testing.assert_allclose(found.log_partition[-1], math.log(N), rtol=(N + 8) * unit(dtype), atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_of_queries(rng, way, dtype):
    """Chunks that are full, all but full, and of one query; each answer is that of the query alone."""
    W = CHUNK
    data = rng.standard_normal((2 * BLOCK + 5, 10)).astype(dtype)
    x = rng.standard_normal((2 * W + 1, 10)).astype(dtype)
    t = np.array([[0.3], [3.0]])
    whole = answer(way, x, data, t)
    Exact(x, data, t).certify(whole, u=unit(dtype))
    for m in (1, 2, 9, W - 1, W, W + 1, 2 * W):
        some = answer(way, x[:m], data, t)
        for name in ("shift", "weight", "log_weight_squared", "mean"):
            np.testing.assert_allclose(
                getattr(some, name), getattr(whole, name)[:, :m], rtol=2e3 * unit(dtype), atol=2e3 * unit(dtype)
            )
        assert (some.nearest == whole.nearest[:, :m]).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [2, 17])
def test_attacks(rng, way, name, dtype, D):
    x, data = attacked(name, rng, 5, 2 * BLOCK + 40, D, dtype)
    scale = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    least = 1e-250 if dtype == "float64" else 1e-30
    t = np.array([[1e-4], [1e-2], [1.0]]) * np.where(scale > least, scale, 1.0)
    if way == "products":
        keep = [product_will_do(x, rows_of(x, data, t), one[None], asked(dtype, temperature=0.7)) for one in t]
        assert any(keep) or name != "noised"
        t = t[keep]
        if not len(t):
            return
    exact = Exact(x, data, t, temperature=0.7)
    found = answer(way, x, data, t, asked(dtype, temperature=0.7))
    exact.certify(found, u=unit(dtype))
    assert (found.nearest == found.nearest[0]).all()
    off = abs(found.log_partition - exact.log_partition)
    sums = (len(data) + 8) * unit(dtype)
    assert (off <= found.rounding + 2 * found.neglected + sums * (1 + abs(exact.log_partition))).all()


@PROPERTY
@given(
    way=st.sampled_from(WAYS),
    name=st.sampled_from(sorted(ATTACKS)),
    M=st.integers(1, 60),
    N=st.integers(1, BLOCK + 30),
    D=st.integers(1, 60),
    log_t=st.floats(-4, 1),
    tolerance=st.floats(1e-12, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_anything(way, name, M, N, D, log_t, tolerance, seed):
    x, data = attacked(name, np.random.default_rng(seed), M, N, D)
    scale = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    t = 10**log_t * np.where(scale > 1e-250, scale, 1.0)[None]
    assume(way == "differences" or product_will_do(x, rows_of(x, data, t), t, asked(np.float64)))
    Exact(x, data, t).certify(answer(way, x, data, t, asked(np.float64, tolerance)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_ties_is_the_nearest(rng, dtype):
    """Small integers, whose squared distances are exact; equal samples lie in several blocks."""
    data = rng.integers(-1, 2, (2 * BLOCK + 60, 3)).astype(dtype)
    x = np.concatenate([data[:5], rng.integers(-3, 4, (20, 3)).astype(dtype)])
    exact = Exact(x, data, 1.0)
    found = answer("differences", x, data, np.full((2, 25), 1e-3))
    assert (found.nearest == exact.nearest).all()
    tied = exact.squares == exact.squares.min(axis=1, keepdims=True)
    assert any(np.unique(np.flatnonzero(row) // BLOCK).size > 1 for row in tied)


def test_differences_hold_where_means_are_close_to_the_query(rng):
    """Two far clusters in float32: y - x errs by the rounding of itself, and so does the mean about x."""
    far = np.where(np.arange(400) % 2, 1e4, -1e4)[:, None]
    data = (far + 1e-2 * rng.standard_normal((400, 12))).astype("f4")
    x, t = data[:6] + np.float32(0.01), 1e-4
    exact = Exact(x, data, t)
    found = answer("differences", x, data, np.full((1, 6), t))
    assert exact.participation.max() < 0.9
    off = np.sqrt(((found.mean[0] - exact.mean) ** 2).sum(axis=-1))
    assert off.max() < 1e-4 * t**0.5
    assert 1e4 * unit("f4") > 1e-2 * t**0.5  # what a product of y itself would have erred by


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("along", [None, 2])
@pytest.mark.parametrize("kind", ["diagonal", "full"])
@pytest.mark.parametrize("N", [30, BLOCK, 5 * BLOCK])
def test_covariances(rng, dtype, N, kind, along):
    """Digit for digit by differences; by products as many digits as there are above the square of the mean."""
    data = rng.standard_normal((N, 12)).astype(dtype)
    x, t = data[:6] + rng.standard_normal((6, 12)).astype(dtype), np.array([[0.1], [1.0], [100.0]])
    basis = None if along is None else np.linalg.qr(rng.standard_normal((12, along)))[0]
    question = Question(1.0, kind, basis, 1e-300)
    exact = Exact(x, data, t)
    exact.certify_covariance(answer("differences", x, data, t, question), u=unit(dtype))
    if kind == "diagonal":
        found = answer("products", x, data, t, question)
        exact.certify(found, u=unit(dtype))
        expected = np.diagonal(exact.covariance(basis), axis1=-2, axis2=-1)
        # each z^2 errs by a few roundings of itself, sums by one for each sample, and weights by `rounding`
        largest = (exact.y.astype(np.float64) ** 2).sum(axis=1).max()
        allowed = 4 * largest * (np.expm1(2 * found.rounding) + (N + 12) * unit(dtype))
        assert (abs(found.covariance - expected) <= allowed[..., None]).all()
