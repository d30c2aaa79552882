"""The compiled loops against NumPy and extended precision."""

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from numerics.engine import dense
from numerics.engine.compiled import exp as compiled_exp
from numerics.engine.compiled import loops as compiled_loops
from numerics.engine.compiled import sums as compiled_sums
from numerics.engine.compiled.compiler import SUMS
from numerics.engine.compiled.loops import lay_out, measure
from numerics.engine.door import compiled
from tests.numerics.conftest import ATTACKS, attacked, without_numba

exp_of = compiled_exp.exp
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


@numba.njit(fastmath=SUMS)
def exps(u):
    """As the loops use it: many at a time."""
    found = np.empty_like(u)
    for i in range(u.size):
        found[i] = exp_of(u[i])
    return found


def test_they_are_in_use():
    assert compiled(np.ones(1)) is compiled_loops
    with without_numba():
        assert compiled(np.ones(1)) is None


# -- the exponential


@pytest.mark.parametrize(
    ("dtype", "lowest", "zero_below"),
    [("float64", -750.0, -707.0), ("float32", -100.0, -87.0)],  # logarithms of the smallest normals: -708.4 and -87.3
)
def test_the_exponential(rng, dtype, lowest, zero_below):
    """Off by 1.7 eps, 2.4 spacings, at most in float64, and by 0.74 eps, 1.05 spacings, in float32.

    The last sum of the polynomial errs by half an eps; its argument r, by up to an eps, n log 2 being subtracted in two
    parts; what is left out of the series, by 2e-16, three quarters of an eps, in float64.
    """
    near = np.nextafter(zero_below, 0), np.nextafter(zero_below, -1e3)
    edges = [0.0, -0.0, zero_below, *near, lowest, -1e-300, -1e30]
    turns = -np.log(2) * (np.arange(100) + 0.5)  # where the rounding of x / log 2 turns
    small = -(10.0 ** rng.uniform(-20, 0, 9000))
    u = np.concatenate([np.linspace(lowest, 0, 300001), rng.uniform(-1, 0, 9000), small, edges, turns]).astype(dtype)
    found = exps(u)
    assert found.dtype == dtype
    far = u <= zero_below
    assert far.sum() > 10000
    assert (found[far] == 0).all()
    exact = np.exp(u[~far].astype(np.longdouble))
    off = abs(found[~far] - exact) / exact
    assert off.max() <= 3 * EPS[dtype]
    assert off.max() > 0.5 * EPS[dtype]  # the rounding of the answer alone: the check looks at the right numbers
    assert (found[u == 0] == 1).all()


# -- weights


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("n", [1, 7, 256, 1001])
@pytest.mark.parametrize("reach", [1e-3, 1.0, 30.0, 1200.0])
def test_weigh_is_the_plain_one(rng, dtype, n, reach):
    S = rng.standard_normal((5, n)).astype(dtype)
    S[:, n // 2 :: 3] = S.max(axis=1, keepdims=True)  # ties
    scale = (S.max(axis=1) - S.min(axis=1) + 0.1) / reach * rng.uniform(0.5, 1, 5)
    before = S.copy()
    plain, expected = dense.weigh(S, scale)
    assert (before == S).all()
    assert (expected.best == S.argmax(axis=1)).all()
    e, sums = np.empty_like(S), np.zeros((1, 5, 4))
    for i in range(5):
        compiled_sums.weigh(S[i], n, S[i].max(), 1 / scale[i], e[i], sums, 0, i)
    found = expected._replace(**dict(zip(expected._fields[2:], sums[0].T, strict=True)))
    assert (before == S).all()
    assert e.dtype == plain.dtype == dtype
    # u = (S - top)/scale is rounded three times on each side, and the exponential by 3 eps; what falls below exp(-700), or
    # exp(-87) in float32, is lost on one side only
    eps, lost = EPS[dtype], np.exp({"float32": -86.99, "float64": -700.0}[dtype])
    u = (S - S.max(axis=1, keepdims=True)).astype(np.float64) / scale[:, None]
    assert (abs(e.astype(np.float64) - plain) <= (3 * abs(u) + 6) * eps * plain + lost).all()
    # sums of n terms err by n u of the sum of their sizes in any order, eps = 2u; u e by what u e is off by
    u = np.maximum(u, -700)
    for name, power in (("weight", 0), ("log_weight", 1), ("log_weight_squared", 2)):
        terms = plain * abs(u) ** power
        bound = ((3 * abs(u) + 12 + n) * eps * terms).sum(axis=1) + n * 700**power * lost
        assert (abs(getattr(found, name) - getattr(expected, name)) <= bound).all(), name
        assert getattr(found, name).dtype == np.float64
    bound = ((6 * abs(u) + 12 + n) * eps * plain**2).sum(axis=1) + n * lost
    assert (abs(found.weight_squared - expected.weight_squared) <= bound).all()


@pytest.mark.parametrize("dtype", EPS)
def test_weighing_against_an_earlier_block(rng, dtype):
    """Block after block gives the sums over all of them, whichever block holds the largest S, and the first of ties."""
    scale = rng.uniform(0.5, 2, 6)
    S = rng.standard_normal((6, 90)).astype(dtype)
    S[0, [5, 40, 80]] = S[1, [40, 80]] = S[2, 80] = 3000.0  # the others lie beyond exp(-700)
    _, expected = dense.weigh(S.copy(), scale)
    found, total = None, 0.0
    for start in (0, 30, 60):
        block = S[:, start : start + 30]
        e, more = dense.weigh(block.copy(), scale, None if found is None else found.top)
        u = np.maximum((block.astype(np.float64) - more.top[:, None]) / scale[:, None], -700)
        np.testing.assert_allclose(e, np.exp(u), rtol=30 * EPS[dtype], atol=2e-38)
        shrink, found = (1.0, more) if found is None else found.then(more, scale, start)
        total = shrink * total + e.sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(total, expected.weight, rtol=100 * EPS[dtype])
    for name in expected._fields:
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=100 * EPS[dtype], atol=1e-200, err_msg=name
        )
    assert list(found.best[:3]) == [5, 40, 80]


# -- loops over all pairs


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("out", EPS)
def test_lay_out(rng, name, dtype, out):
    _, data = attacked(name, rng, 1, 30, 5, dtype)
    centre = data[::2].astype(np.float64).mean(axis=0)
    scale = 2.0 ** -np.ceil(np.log2(max(1e-100, abs(data).max())) + 1)
    samples, norms = np.empty((30, 5), dtype=out), np.empty(30, dtype=out)
    lay_out(data, centre, scale, samples, norms)
    moved = (data - centre) * scale
    squares = (moved**2).sum(axis=1)
    assert (samples == moved.astype(out)).all()
    np.testing.assert_allclose(norms, -squares / 2, rtol=EPS[out] + 5 * EPS["float64"], atol=float(np.finfo(out).tiny))
    largest, square = measure(data, centre, scale)
    assert largest == abs(data).max()
    np.testing.assert_allclose(square, squares.max(), rtol=5 * EPS["float64"])
