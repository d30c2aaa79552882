"""The compiled dense pass, by products and by differences, at any size and noise."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("numba")

from numerics.engine.compiled.products import RUN
from numerics.engine.compiled.vectors import LANES_BYTES, ROWS
from numerics.engine.dense import Asked, product_will_do
from numerics.engine.layout import Measured, laid_out
from numerics.engine.panels import BLOCK, Room, by_differences, by_products
from tests.numerics.conftest import ATTACKS, PROPERTY, Exact, attacked

DTYPES = ["float32", "float64"]
WAYS = ["products", "differences"]


def asked(dtype, tolerance=None, temperature=1.0):
    return Asked(temperature, None, None, float(np.finfo(dtype).eps) if tolerance is None else tolerance)


def unit(dtype):
    return float(np.finfo(dtype).eps) / 2


def rows_of(x, data, t):
    size = max(float(abs(x).max()), float(abs(data).max()), 1e-15 * float(t.max()) ** 0.5)
    return laid_out(Measured.of(data, 100), size, x.dtype)


def answer(way, x, data, t, question=None):
    t = np.broadcast_to(np.asarray(t, dtype=np.float64), (*np.shape(t)[:-1], len(x)))
    question = asked(x.dtype) if question is None else question
    if way == "differences":
        return by_differences(x, data, t, question)
    return by_products(x, rows_of(x, data, t), t, question)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("D", [1, 2, 7, 8, 9, 17, 24, 40, 48, 130])
@pytest.mark.parametrize("N", [1, ROWS, ROWS + 1, ROWS * RUN + 1, BLOCK, 2 * BLOCK + 3])
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
    """Panels that are full, all but full, and of one query; each answer is that of the query alone."""
    W = Room.of(np.empty((1, 1)), dtype).largest.size
    data = rng.standard_normal((2 * BLOCK + 5, 10)).astype(dtype)
    x = rng.standard_normal((2 * W + 1, 10)).astype(dtype)
    t = np.array([[0.3], [3.0]])
    whole = answer(way, x, data, t)
    Exact(x, data, t).certify(whole, u=unit(dtype))
    for m in (1, ROWS - 1, ROWS, ROWS + 1, W - 1, W, W + 1, 2 * W):
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


def test_what_is_passed_over_weighs_no_more_than_the_tolerance():
    """Two tiles of coinciding samples, the second lighter by exp(-8): out at a tolerance of a half, in by default."""
    t, gap = 0.5, 8.0
    data = np.zeros((2 * ROWS, 1))
    data[ROWS:] = math.sqrt(2 * t * gap)
    x = np.zeros((1, 1))
    exact = Exact(x, data, t)
    share = float(exact.weights[0, ROWS:].sum())
    rough, fine = (answer("differences", x, data, np.full((1, 1), t), asked(np.float64, s)) for s in (0.5, None))
    assert rough.mean[0, 0, 0] == 0
    assert math.isclose(fine.mean[0, 0, 0], share * data[-1, 0], rel_tol=1e-12)
    assert share <= rough.neglected[0, 0] == 0.5
    Exact(x, data, t).certify(rough.each(lambda a: a[0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_squares_are_spread_over_the_cache(dtype):
    """Tiles an even number of squares apart would share few places in it."""
    for D in (1, 7, 8, 9, 64, 784, 785, 3072):
        samples = Room.of(np.empty((5, D)), dtype).samples
        assert samples.shape[1] * ROWS >= D
        assert samples.strides[0] // samples.strides[1] % 2 == 1


@pytest.mark.skipif(LANES_BYTES < 64, reason="this processor has none")
def test_without_the_widest_vectors():
    """Panels and screening as they are compiled for processors without AVX-512."""
    narrow = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+popcnt,+lzcnt"}
    here = Path(__file__).parent
    files = [str(here / name) for name in ("test_panels.py", "test_screening.py")]
    which = "any_number or (compiled and nothing_within)"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-k", which, *files],
        env=os.environ | narrow,
        cwd=here.parents[1],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:]
