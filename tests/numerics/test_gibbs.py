import math
import threading
from dataclasses import fields
from functools import cached_property, reduce
from operator import add

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_limits

from numerics import gibbs
from numerics.data import noise, score
from numerics.engine import dense, door
from numerics.engine import ways as routes
from numerics.gibbs import GibbsMoments, gibbs_moments
from tests.numerics.conftest import PROPERTY, Exact, backend_of, without_numba
from theory.setting import LinearManifold

SCALARS = ("log_partition", "energy", "energy_variance", "entropy", "participation", "largest_weight")
EPS64, EPS32 = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)
FLOOR = 1e-290  # weights below exp(-700) are held there
SLACK = 50  # rounding errors add up over D, N and the merges


@pytest.fixture(params=["numpy", "plain", "array_api_strict", "torch", pytest.param("cuda", marks=pytest.mark.gpu)])
def backend(request):
    """As everywhere, and NumPy without the compiled loops."""
    with without_numba(request.param == "plain"):
        yield backend_of("numpy" if request.param == "plain" else request.param)


class Reference:
    """Every attribute, written out in extended precision, and how far rounding may take the engine from it.

    A log weight may be wrong by `du`: by what the matrix product rounds, which the engine keeps below half the digits,
    and by the rounding of the energies themselves; the other bounds say what comes of that. What may be neglected, by
    default a share of eps, is known: samples with a log weight log(N/share) below the largest, or nearly so.
    """

    def __init__(self, queries, data, t, temperature=1.0, eps=EPS64, neglected=None):
        x, y = (np.asarray(a, dtype=np.longdouble) for a in (queries, data))
        t = np.asarray(t, dtype=np.longdouble)
        self.t = np.broadcast_to(t, (*t.shape[:-1], len(x)))
        away = y[None] - x[:, None]  # (M, N, D)
        squares = (away**2).sum(-1)
        E = squares / (2 * self.t[..., None])  # B + (N,)
        log_weights = -E / temperature
        shift = log_weights.max(-1)
        e = np.exp(log_weights - shift[..., None])
        Z = e.sum(-1)
        w = e / Z[..., None]
        self.weights = w
        self.log_partition = shift + np.log(Z)
        self.energy = (w * E).sum(-1)
        rest = E - self.energy[..., None]
        self.energy_variance = (w * rest**2).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.entropy = -np.where(w > 0, w * np.log(w), 0).sum(-1)
        self.participation = (w**2).sum(-1)
        self.largest_weight = w.max(-1)
        from_query = (w[..., None, :] @ away)[..., 0, :]
        self.mean = x + from_query
        self.score = from_query / self.t[..., None]
        self.spread = away - from_query[..., None, :]
        square = (self.spread**2).sum(-1)
        self.nearest = E.argmin(-1)
        # the bounds
        centre = y.mean(0)
        largest = ((x - centre) ** 2).sum(-1).max() + ((y - centre) ** 2).sum(-1).max()
        lowest = self.t.min() * temperature
        product = min(eps * largest / lowest, eps**0.5)
        du = SLACK * (product + eps * (E.min(-1) / temperature + 40))
        sd = np.sqrt(self.energy_variance) / temperature
        fourth = np.sqrt((w * (rest / temperature) ** 4).sum(-1))
        small = SLACK * eps
        above = ((w * (E / temperature + shift[..., None]) ** 2).sum(-1)) ** 0.5  # rms of u
        self.bounds = {
            "log_partition": du + small * abs(self.log_partition),
            "energy": temperature * du * sd + SLACK * temperature * product + small * self.energy,
            "energy_variance": temperature**2 * (du * (4 * sd + 2 * fourth) + du**2 + small * above**2 + FLOOR),
            "entropy": du * sd + small * (1 + math.log(len(y))),
            "participation": (2 * du + small) * self.participation,
            "largest_weight": (2 * du + small) * self.largest_weight,
        }
        size = (w @ abs(y)).max(-1) + abs(x).max() + abs(centre).max()  # means are taken about it
        width = np.sqrt((w * square).sum(-1))
        self.bounds["mean"] = (du * width + small * size)[..., None]
        self.bounds["score"] = self.bounds["mean"] / self.t[..., None]
        reach = (w * np.sqrt(squares)).sum(-1)
        wide = np.sqrt((w * square**2).sum(-1))
        cov = du * wide + small * (width * reach + width**2) + (small * reach) ** 2 + FLOOR * largest
        self.bounds["diagonal"], self.bounds["full"] = cov[..., None], cov[..., None, None]
        self._allow_for_what_is_neglected(w, rest, square, temperature, math.log(len(y) / (neglected or eps)))

    def _allow_for_what_is_neglected(self, w, rest, square, temperature, cut):
        """The average of f without samples of weight n together is that of all less sum w (f - <f>)/(1 - n) over them.

        That is so for E, y and, with what it does to the mean squared, for second moments; log Z loses -log(1 - n), and Y2
        gains a factor 1/(1 - n)^2 and loses sum w^2. A factor of two is for 1 - n, and for products of such terms.
        """
        out = np.where(np.log(w.max(-1, keepdims=True) / np.maximum(w, FLOOR)) > 0.9 * cut, w, 0)
        n, E, E2, y, y2 = (2 * (out * f).sum(-1) for f in (1, abs(rest), rest**2, np.sqrt(square), square))
        for name, extra in {
            "log_partition": n,
            "energy": E,
            "energy_variance": E2 + E**2 + n * self.energy_variance,
            "entropy": n + E / temperature,
            "participation": 2 * n * self.participation + (out**2).sum(-1),
            "largest_weight": n * self.largest_weight,
            "mean": y[..., None],
            "score": (y / self.t)[..., None],
            "diagonal": (y2 + y**2 + n * (w * square).sum(-1))[..., None],
            "full": (y2 + y**2 + n * (w * square).sum(-1))[..., None, None],
        }.items():
            self.bounds[name] = self.bounds[name] + extra

    @cached_property
    def diagonal(self):
        return (self.weights[..., None] * self.spread**2).sum(-2)

    @cached_property
    def full(self):
        return np.swapaxes(self.weights[..., None] * self.spread, -1, -2) @ self.spread

    def check(self, found, host=np.asarray, nearest=True, only=None):
        for name in only or (*SCALARS, "mean", "score"):
            self.check_one(name, host(getattr(found, name)))
        if nearest:
            assert (host(found.nearest) == self.nearest).all()

    def check_one(self, name, found):
        expected = getattr(self, name)
        assert found.shape == expected.shape, name
        assert found.dtype == np.float64, name
        bound = np.broadcast_to(self.bounds[name], expected.shape)
        off = np.abs(found - expected)
        assert (off <= bound).all(), (name, float(off.max()), float(bound[off > bound].max()))


def cloud(rng, M, N, D, scale=1.0):
    return scale * rng.standard_normal((M, D)), scale * rng.standard_normal((N, D))


def states_agree(a, b, rtol=1e-11, nearest=True):
    for field in fields(GibbsMoments):
        mine, theirs = getattr(a, field.name), getattr(b, field.name)
        if field.name == "nearest":
            assert not nearest or (mine == theirs).all()
        elif mine is None or theirs is None:
            assert mine is theirs
        else:
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=1e-11, err_msg=field.name)


# -- against the reference


@pytest.mark.parametrize("t", [10.0**k for k in range(-12, 13, 3)])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
def test_all_averages(backend, rng, t, temperature):
    queries, data = cloud(rng, 5, 40, 3)
    expected = Reference(queries, data, t, temperature)
    found = gibbs_moments(backend.array(queries), backend.array(data), t, temperature=temperature)
    expected.check(found, backend.host)
    assert found.count == 40
    assert found.temperature == temperature
    assert found.scatter is None
    for kind in ("diagonal", "full"):
        found = gibbs_moments(backend.array(queries), backend.array(data), t, temperature=temperature, covariance=kind)
        expected.check(found, backend.host)
        expected.check_one(kind, backend.host(found.covariance))


@pytest.mark.parametrize("t", [1e-12, 1e-4, 1.0, 1e12])
@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
def test_near_the_samples(backend, rng, t, covariance):
    """Where weights are shared at every t: the samples lie sqrt(t) apart."""
    queries, data = cloud(rng, 6, 30, 4, scale=math.sqrt(t))
    expected = Reference(queries, data, t)
    found = gibbs_moments(backend.array(queries), backend.array(data), t, covariance=covariance)
    expected.check(found, backend.host)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 1), (3, 7), (1, 7)])
@pytest.mark.parametrize("as_array", [True, False])
def test_shapes_of_t(backend, rng, shape, covariance, as_array):
    queries, data = cloud(rng, 7, 12, 2)
    t = 10.0 ** rng.uniform(-2, 1, shape)
    found = gibbs_moments(
        backend.array(queries), backend.array(data), backend.array(t) if as_array else t.tolist(), covariance=covariance
    )
    expected = Reference(queries, data, t)
    expected.check(found, backend.host)
    B = (*shape[:-1], 7)
    assert tuple(found.t.shape) == tuple(found.nearest.shape) == B
    assert tuple(found.mean.shape) == (*B, 2)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
@pytest.mark.parametrize(("queries_block", "samples_block"), [(1, 1), (3, 4), (7, 12), (100, 100)])
@pytest.mark.parametrize("times", [1, 3])
def test_blocks_of_any_size(backend, rng, monkeypatch, queries_block, samples_block, covariance, times):
    queries, data = cloud(rng, 7, 12, 2)
    t = np.geomspace(0.1, 2, times)[:, None] * np.ones((times, 7))
    monkeypatch.setattr(gibbs, "QUERY_BLOCK", queries_block)
    monkeypatch.setattr(gibbs, "SAMPLE_BLOCK", samples_block)
    monkeypatch.setattr(dense, "DIFFERENCE_BLOCK", samples_block * queries_block * 2)
    monkeypatch.setattr(dense, "BLOCK", samples_block)
    monkeypatch.setattr("numerics.engine.question.FEW", samples_block)
    found = gibbs_moments(backend.array(queries), backend.array(data), backend.array(t), covariance=covariance)
    expected = Reference(queries, data, t)
    expected.check(found, backend.host)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))


@pytest.mark.parametrize("t", [1e-9, 0.5])
def test_many_blocks_of_the_real_size(rng, t):
    M, N = gibbs.QUERY_BLOCK + 3, gibbs.SAMPLE_BLOCK + 5
    queries, data = cloud(rng, M, N, 2)
    queries = data[:M] + math.sqrt(t) * queries
    expected = Reference(queries, data, t)
    expected.check(gibbs_moments(queries, data, t))
    found = gibbs_moments(queries, data, t, covariance="diagonal")
    expected.check(found)
    expected.check_one("diagonal", found.covariance)


def test_exactly_one_block(rng):
    queries, data = cloud(rng, gibbs.QUERY_BLOCK, gibbs.SAMPLE_BLOCK, 1)
    Reference(queries, data, 0.01).check(gibbs_moments(queries, data, 0.01))


@pytest.mark.parametrize(("M", "N", "D"), [(1, 1, 1), (1, 9, 3), (4, 1, 3), (4, 9, 1), (2, 2, 30)])
@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
def test_single_samples_queries_and_dimensions(backend, rng, M, N, D, covariance):
    queries, data = cloud(rng, M, N, D)
    found = gibbs_moments(backend.array(queries), backend.array(data), 0.3, covariance=covariance)
    expected = Reference(queries, data, 0.3)
    expected.check(found, backend.host)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))


def test_one_sample_is_certain(backend):
    found = gibbs_moments(backend.array([[3.0, -1.0]]), backend.array([[1.0, 2.0]]), 1e-12, covariance="full")
    assert (backend.host(found.mean) == [[1, 2]]).all()
    assert (backend.host(found.covariance) == 0).all()
    assert backend.host(found.entropy).tolist() == [0]
    assert backend.host(found.participation).tolist() == [1]
    assert backend.host(found.energy_variance).tolist() == [0]


@pytest.mark.parametrize("t", [1e-12, 1.0, 1e12])
def test_duplicated_samples(backend, rng, t):
    queries, data = cloud(rng, 4, 10, 3)
    thrice = np.concatenate([data] * 3)
    found = gibbs_moments(backend.array(queries), backend.array(thrice), t)
    Reference(queries, thrice, t).check(found, backend.host, nearest=False)
    once = gibbs_moments(backend.array(queries), backend.array(data), t)
    for name, expected in (
        ("log_partition", backend.host(once.log_partition) + math.log(3)),
        ("entropy", backend.host(once.entropy) + math.log(3)),
        ("participation", backend.host(once.participation) / 3),
        ("mean", backend.host(once.mean)),
    ):
        np.testing.assert_allclose(backend.host(getattr(found, name)), expected, rtol=1e-6, atol=1e-8)
    assert (backend.host(found.nearest) % 10 == backend.host(once.nearest)).all()


def test_identical_samples(backend):
    found = gibbs_moments(backend.array(np.zeros((2, 3))), backend.array(np.ones((50, 3))), 1e-6, covariance="full")
    np.testing.assert_allclose(backend.host(found.entropy), math.log(50), rtol=1e-12)
    assert (backend.host(found.covariance) == 0).all()
    assert (backend.host(found.energy_variance) == 0).all()


@pytest.mark.parametrize("covariance", [None, "diagonal"])
@pytest.mark.parametrize("t", [1e-6, 1e-2, 1.0, 1e6])
def test_a_large_common_offset(backend, rng, t, covariance):
    queries, data = cloud(rng, 5, 30, 3)
    queries, data = queries + 1e8, data + 1e8
    expected = Reference(queries, data, t)
    found = gibbs_moments(backend.array(queries), backend.array(data), t, covariance=covariance)
    expected.check(found, backend.host)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
@pytest.mark.parametrize("t", [1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("ratio", [1e4, 1e8, 1e16, 1e60, 1e120])
def test_one_sample_far_away_changes_nothing(backend, rng, ratio, t, covariance):
    """The mean of the data, about which products are taken, goes with the outlier; the others must not notice."""
    queries, data = cloud(rng, 5, 30, 3)
    outlier = np.full((1, 3), ratio)
    found = gibbs_moments(
        backend.array(queries), backend.array(np.concatenate([data, outlier])), t, covariance=covariance
    )
    expected = Reference(queries, data, t)
    expected.check(found, backend.host)
    if covariance:
        expected.check_one(covariance, backend.host(found.covariance))
    first, last = (gibbs_moments(queries, part, t, covariance=covariance) for part in (data, outlier))
    expected.check(first + last)
    expected.check(last + first, nearest=False)


def test_a_query_far_away(rng):
    queries, data = cloud(rng, 3, 20, 2)
    queries[1] = 1e10
    Reference(queries, data, 1.0).check(gibbs_moments(queries, data, 1.0), only=("log_partition", "energy", "mean"))


def test_an_outlier_in_float32(rng):
    queries, data = (a.astype(np.float32) for a in cloud(rng, 5, 200, 3))
    data[0] = 1e6
    found = gibbs_moments(queries, data, 1e-2)
    Reference(queries, data[1:], 1e-2, eps=EPS32).check(found, nearest=False)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-100, 1e100, 1e140])
def test_units_at_the_ends_of_the_range(backend, rng, scale):
    queries, data = cloud(rng, 4, 20, 3)
    plain = gibbs_moments(backend.array(queries), backend.array(data), 0.5)
    if scale < 1e-200:  # the squares are denormal or zero: all samples weigh the same at any t that float64 holds
        found = gibbs_moments(backend.array(scale * queries), backend.array(scale * data), 1e-12)
        np.testing.assert_allclose(backend.host(found.entropy), math.log(20), rtol=1e-12)
        np.testing.assert_allclose(backend.host(found.mean) / scale, [data.mean(0)] * 4, rtol=1e-9)
        return
    found = gibbs_moments(backend.array(scale * queries), backend.array(scale * data), 0.5 * scale**2)
    for name in (*SCALARS, "nearest"):
        np.testing.assert_allclose(backend.host(getattr(found, name)), backend.host(getattr(plain, name)), rtol=1e-7)
    np.testing.assert_allclose(backend.host(found.mean) / scale, backend.host(plain.mean), rtol=1e-7)


@pytest.mark.parametrize(
    ("dtype", "exponent", "t"), [("float64", -540, 1e-300), ("float64", -700, 1.0), ("float32", -75, 4e-38)]
)
@pytest.mark.parametrize("D", [3, 40])
def test_squares_that_the_dtype_does_not_hold(backend, rng, dtype, exponent, t, D):
    """In units of a power of two, everything is that of numbers near 1."""
    queries, data = (a.astype(dtype) for a in cloud(rng, 4, 200, D))
    tiny = [backend.array(np.ldexp(a, exponent), dtype) for a in (queries, data)]
    found = gibbs_moments(*tiny, t, covariance="diagonal")
    energies = ((queries.astype(float)[:, None] - data.astype(float)) ** 2).sum(axis=2) / 2
    np.testing.assert_array_equal(backend.host(found.nearest), energies.argmin(axis=1))
    np.testing.assert_array_equal(backend.host(found.queries), backend.host(tiny[0]))
    np.testing.assert_array_equal(backend.host(found.t), t)
    rtol = 1e-12 if dtype == "float64" else 1e-5
    # all weights are alike where distances are so far below sqrt(t)
    energy = np.ldexp(energies.mean(axis=1) / t, 2 * exponent)
    np.testing.assert_allclose(backend.host(found.energy), energy, rtol=rtol, atol=1e-300)
    np.testing.assert_allclose(np.ldexp(backend.host(found.mean), -exponent), [data.mean(axis=0)] * 4, atol=10 * rtol)


@pytest.mark.parametrize("t", [1e-12, 1e-4, 1e-1, 1.0, 1e4, 1e12])
@pytest.mark.parametrize("covariance", [None, "full"])
def test_float32(backend, rng, t, covariance):
    queries, data = (a.astype(np.float32) for a in cloud(rng, 5, 300, 3))
    expected = Reference(queries, data, t, eps=EPS32)
    for found in (
        gibbs_moments(backend.array(queries, "float32"), backend.array(data, "float32"), t, covariance=covariance),
        gibbs_moments(backend.array(queries), backend.array(data), t, covariance=covariance, dtype=backend.xp.float32),
    ):
        expected.check(found, backend.host)
        if covariance:
            expected.check_one(covariance, backend.host(found.covariance))


def test_float32_queries_with_float64_data(rng):
    queries, data = cloud(rng, 3, 20, 2)
    queries = queries.astype(np.float32)
    Reference(queries, data, 1e-3).check(gibbs_moments(queries, data, 1e-3))


def test_integers_and_lists(rng):
    data = rng.integers(-3, 4, (20, 2))
    states_agree(gibbs_moments([[1, 2]], data, 1), gibbs_moments(np.array([[1.0, 2.0]]), data.astype(float), 1.0))


@PROPERTY
@given(
    M=st.integers(1, 5),
    N=st.integers(1, 30),
    D=st.integers(1, 6),
    log_t=st.floats(-12, 12),
    log_scale=st.floats(-6, 6),
    log_offset=st.floats(-3, 8),
    temperature=st.floats(0.1, 10),
    seed=st.integers(0, 2**32 - 1),
    grid=st.booleans(),
)
def test_any_cloud(M, N, D, log_t, log_scale, log_offset, temperature, seed, grid):
    random = np.random.default_rng(seed)
    queries, data = cloud(random, M, N, D)
    if grid:  # ties and duplicates
        queries, data = np.round(queries), np.round(data)
    queries, data = 10**log_scale * queries + 10**log_offset, 10**log_scale * data + 10**log_offset
    expected = Reference(queries, data, 10**log_t, temperature)
    for covariance in (None, "diagonal", "full"):
        found = gibbs_moments(queries, data, 10**log_t, temperature=temperature, covariance=covariance)
        expected.check(found, nearest=not grid)
        if covariance:
            expected.check_one(covariance, found.covariance)


# -- answers in kind


def test_answers_in_kind(backend, rng):
    queries, data = cloud(rng, 3, 8, 2)
    found = gibbs_moments(backend.array(queries), backend.array(data), 0.5, covariance="full")
    for name in (*SCALARS, "mean", "score", "covariance", "nearest", "t", "shift", "scatter", "queries"):
        assert backend.owns(getattr(found, name)), name
    both = found + found
    assert backend.owns(both.covariance)
    assert both.count == 16


def test_answers_on_the_same_device():
    there = array_api_strict.Device("device1")
    queries, data = (array_api_strict.asarray(np.eye(3) + k, device=there) for k in range(2))
    for t in (0.5, [0.1, 0.2, 0.3], np.array([[0.1], [0.2]]), array_api_strict.asarray(0.5, device=there)):
        found = gibbs_moments(queries, data, t, covariance="diagonal")
        for name in (*SCALARS, "mean", "score", "covariance", "nearest"):
            assert getattr(found, name).device == there, name


def test_backends_agree(backend, rng):
    queries, data = cloud(rng, 5, 60, 3)
    here = gibbs_moments(queries, data, 0.2)
    there = gibbs_moments(backend.array(queries), backend.array(data), 0.2)
    for name in (*SCALARS, "mean", "score"):
        np.testing.assert_allclose(backend.host(getattr(there, name)), getattr(here, name), rtol=1e-9, err_msg=name)


def test_nothing_is_changed_in_place(rng):
    queries, data = cloud(rng, 5, 60, 3)
    t = np.full(5, 0.2)
    before = queries.copy(), data.copy(), t.copy()
    gibbs_moments(queries, data, t, covariance="full")
    assert all((a == b).all() for a, b in zip(before, (queries, data, t), strict=True))


def test_read_only_arrays(rng):
    queries, data = cloud(rng, 2, 6, 2)
    t = np.ones(2)
    for a in (queries, data, t):
        a.setflags(write=False)
    gibbs_moments(queries, data, t)


# -- merging


@PROPERTY
@given(
    sizes=st.lists(st.integers(1, 8), min_size=3, max_size=3),
    log_t=st.floats(-8, 4),
    covariance=st.sampled_from([None, "diagonal", "full"]),
    times=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_merging_is_that_of_sets(sizes, log_t, covariance, times, seed):
    random = np.random.default_rng(seed)
    parts = [random.standard_normal((n, 3)) for n in sizes]
    queries = random.standard_normal((4, 3))
    t = 10**log_t * (np.array([[1.0], [3.0]]) if times else 1.0)
    a, b, c = (gibbs_moments(queries, part, t, covariance=covariance) for part in parts)
    left, right = (a + b) + c, a + (b + c)
    states_agree(left, right)
    states_agree(a + b, b + a, nearest=False)
    whole = np.concatenate(parts)
    assert left.count == len(whole)
    # states differ by what distances are rounded to in the other blocks, observables are the check
    expected = Reference(queries, whole, np.broadcast_to(t, (2, 4)) if times else t)
    expected.check(left)
    if covariance:
        expected.check_one(covariance, left.covariance)


def test_nearest_counts_through_the_merge(rng):
    queries, data = cloud(rng, 6, 40, 2)
    merged = reduce(add, [gibbs_moments(queries, data[k : k + 10], 0.1) for k in range(0, 40, 10)])
    assert (merged.nearest == gibbs_moments(queries, data, 0.1).nearest).all()
    assert merged.nearest.max() > 10


def test_merging_without_covariances_has_none(rng):
    queries, data = cloud(rng, 2, 6, 2)
    merged = gibbs_moments(queries, data, 1.0) + gibbs_moments(queries, data, 1.0)
    with pytest.raises(ValueError, match="the covariance was not computed; ask for it with covariance="):
        _ = merged.covariance


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
def test_times_together_are_times_one_by_one(rng, covariance):
    queries, data = cloud(rng, 5, 30, 3)
    t = np.geomspace(1e-6, 1e6, 7)
    together = gibbs_moments(queries, data, t[:, None], covariance=covariance)
    for k, one in enumerate(t):
        expected = Reference(queries, data, one)
        expected.check(gibbs_moments(queries, data, one, covariance=covariance))
        for name in (*SCALARS, "mean", "score"):
            expected.check_one(name, getattr(together, name)[k])
        if covariance:
            expected.check_one(covariance, together.covariance[k])


# -- identities and symmetries


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), log_t=st.floats(-3, 3), covariance=st.sampled_from([None, "full"]))
def test_symmetries(seed, log_t, covariance):
    random = np.random.default_rng(seed)
    D, t = 4, 10**log_t
    queries, data = cloud(random, 3, 25, D)
    plain = gibbs_moments(queries, data, t, covariance=covariance)

    def same(found, mean, score, full=None, factor=1.0):
        for name in SCALARS:
            np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-6, atol=1e-7, err_msg=name)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-6 * factor)
        np.testing.assert_allclose(found.score, score, rtol=1e-6, atol=1e-6 * (1 + 1 / t) / factor)
        if covariance:
            np.testing.assert_allclose(found.covariance, full, rtol=1e-6, atol=1e-6 * factor**2)
        assert (found.nearest == plain.nearest).all()

    full = plain.covariance if covariance else None
    shift = 10 * random.standard_normal(D)
    moved = gibbs_moments(queries + shift, data + shift, t, covariance=covariance)
    same(moved, plain.mean + shift, plain.score, full)
    O = np.linalg.qr(random.standard_normal((D, D)))[0]  # noqa: E741
    turned = gibbs_moments(queries @ O.T, data @ O.T, t, covariance=covariance)
    same(turned, plain.mean @ O.T, plain.score @ O.T, O @ full @ O.T if covariance else None)
    c = 10 ** random.uniform(-5, 5)
    scaled = gibbs_moments(c * queries, c * data, c**2 * t, covariance=covariance)
    same(scaled, c * plain.mean, plain.score / c, c**2 * full if covariance else None, factor=c)


@pytest.mark.parametrize("t", [1e-12, 1e-3, 0.1, 1.0, 1e6])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_participation_is_a_ratio_of_partition_functions(rng, t, temperature):
    """Y2 = sum w^2 = Z(t/2)/Z(t)^2: squaring a weight is halving its noise."""
    queries, data = cloud(rng, 6, 50, 3, scale=min(1, 10 * math.sqrt(t)))
    whole = gibbs_moments(queries, data, t, temperature=temperature)
    half = gibbs_moments(queries, data, t / 2, temperature=temperature)
    np.testing.assert_allclose(
        np.log(whole.participation), half.log_partition - 2 * whole.log_partition, rtol=1e-9, atol=1e-6
    )


@pytest.mark.parametrize("t", [1e-3, 0.1, 10.0])
def test_temperature_scales_the_noise_of_the_weights(rng, t):
    queries, data = cloud(rng, 6, 50, 3)
    hot, noisy = gibbs_moments(queries, data, t, temperature=3.0), gibbs_moments(queries, data, 3 * t)
    for name in ("participation", "entropy", "largest_weight", "mean", "log_partition"):
        np.testing.assert_allclose(getattr(hot, name), getattr(noisy, name), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(hot.energy, 3 * noisy.energy, rtol=1e-7)
    np.testing.assert_allclose(hot.score, 3 * noisy.score, rtol=1e-7, atol=1e-7)


def test_the_log_density_is_that_of_a_mixture_of_gaussians(rng):
    data, queries = rng.standard_normal((30, 3)), rng.standard_normal((4, 3))
    times = np.array([[0.2], [1.5]])
    found = gibbs_moments(queries, data, times, temperature=2.0).log_density
    for row, t in zip(found, times[:, 0], strict=True):
        densities = [multivariate_normal(y, 2 * t).pdf(queries) for y in data]
        np.testing.assert_allclose(row, np.log(np.mean(densities, axis=0)), rtol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("t", [0.05, 1.0, 50.0])
def test_score_is_the_gradient_of_the_log_partition_function(rng, t, temperature):
    queries, data = cloud(rng, 4, 20, 3)
    h = 1e-4 * math.sqrt(t)
    found = gibbs_moments(queries, data, t, temperature=temperature).score
    for d in range(3):
        up, down = (gibbs_moments(queries + s * h * np.eye(3)[d], data, t, temperature=temperature) for s in (1, -1))
        slope = (up.log_partition - down.log_partition) / (2 * h)
        np.testing.assert_allclose(temperature * slope, found[:, d], rtol=1e-5, atol=1e-5 / math.sqrt(t))


@pytest.mark.parametrize("t", [0.05, 1.0, 50.0])
def test_jacobian_is_the_gradient_of_the_score(rng, t):
    queries, data = cloud(rng, 4, 20, 3)
    h = 1e-4 * math.sqrt(t)
    jacobian = gibbs_moments(queries, data, t, covariance="full").covariance / t**2 - np.eye(3) / t
    for d in range(3):
        up, down = (gibbs_moments(queries + s * h * np.eye(3)[d], data, t).score for s in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * h), jacobian[:, :, d], rtol=1e-5, atol=1e-5 / t)


@pytest.mark.parametrize("t", [0.05, 1.0, 50.0])
def test_energy_and_its_variance_are_derivatives_in_temperature(rng, t):
    """d log Z/d(1/T) = -<E> and d^2 log Z/d(1/T)^2 = <E^2> - <E>^2."""
    queries, data = cloud(rng, 4, 20, 3)
    h = 1e-3
    low, mid, high = (
        gibbs_moments(queries, data, t, temperature=1 / b, covariance="diagonal").log_partition
        for b in (1 - h, 1.0, 1 + h)
    )
    found = gibbs_moments(queries, data, t, covariance="diagonal")
    np.testing.assert_allclose(-(high - low) / (2 * h), found.energy, rtol=1e-4)
    np.testing.assert_allclose((high - 2 * mid + low) / h**2, found.energy_variance, rtol=1e-3, atol=1e-7)


@PROPERTY
@given(N=st.integers(1, 40), log_t=st.floats(-12, 12), temperature=st.floats(0.1, 10), seed=st.integers(0, 2**32 - 1))
def test_bounds_and_their_order(N, log_t, temperature, seed):
    queries, data = cloud(np.random.default_rng(seed), 3, N, 2)
    found = gibbs_moments(queries, data, 10**log_t, temperature=temperature, covariance="full")
    ulp = 1e-12
    S, Y2, largest = found.entropy, found.participation, found.largest_weight
    assert ((S >= 0) & (math.log(N) + ulp >= S)).all()
    assert ((1 / N - ulp <= Y2) & (1 + ulp >= Y2)).all()
    assert ((largest + ulp >= Y2) & (largest <= np.sqrt(Y2) + ulp)).all()
    assert (-np.log(Y2) <= S + 1e-9).all()  # Renyi entropies fall with their order
    assert (-np.log(largest) <= -np.log(Y2) + 1e-9).all()
    assert (found.energy >= 0).all()
    assert (found.energy_variance >= -1e-12 * temperature**2).all()
    C = found.covariance
    np.testing.assert_allclose(C, np.swapaxes(C, -1, -2), rtol=1e-12, atol=1e-300)
    assert (np.linalg.eigvalsh(C) >= -1e-12 * np.trace(C, axis1=-2, axis2=-1)[:, None] - 1e-300).all()
    free = found.log_partition  # log Z = S - <E>/T
    np.testing.assert_allclose(free, S - found.energy / temperature, rtol=1e-9, atol=1e-9)


def test_the_diagonal_is_the_diagonal(rng):
    queries, data = cloud(rng, 5, 30, 4)
    full = gibbs_moments(queries, data, 0.4, covariance="full").covariance
    diagonal = gibbs_moments(queries, data, 0.4, covariance="diagonal").covariance
    np.testing.assert_allclose(np.diagonal(full, axis1=-2, axis2=-1), diagonal, rtol=1e-12)


def test_limits_of_small_and_large_noise(rng):
    queries, data = cloud(rng, 5, 30, 4)
    cold, hot = gibbs_moments(queries, data, 1e-12), gibbs_moments(queries, data, 1e12)
    assert (cold.participation == 1).all()
    np.testing.assert_allclose(cold.mean, data[cold.nearest])
    np.testing.assert_allclose(hot.mean, [data.mean(axis=0)] * 5, atol=1e-9)
    np.testing.assert_allclose(hot.participation, 1 / 30, rtol=1e-9)


# -- Stein's identity: E[s(x) x^T] = -I for x drawn from the density whose score s is


def stein(x, s, sigmas=5.0):
    """Every entry of E[s x^T] + I within `sigmas` of 0."""
    products = np.einsum("na,nb->nab", s, x) + np.eye(x.shape[1])
    error = products.std(axis=0, ddof=1) / math.sqrt(len(x))
    return (np.abs(products.mean(axis=0)) <= sigmas * error).all()


@pytest.mark.parametrize("t", [0.01, 0.3, 5.0])
def test_stein_identity_of_the_samples(rng, t):
    # 9 entries at 5 sigma: a false alarm in 2e5 seeds
    data = rng.standard_normal((15, 3)) * [1.0, 0.5, 0.1]
    x = noise(data[rng.integers(15, size=20000)], t, rng)
    found = gibbs_moments(x, data, t)
    assert stein(x, found.score)
    assert not stein(x, 1.3 * found.score)  # the check can fail


@pytest.mark.parametrize("t", [0.01, 0.3, 5.0])
def test_stein_identity_of_the_distribution(rng, t):
    # 9 entries at 5 sigma: a false alarm in 2e5 seeds
    manifold = LinearManifold(((1.0, 1), (0.2, 1)), 3)
    x = noise(rng.standard_normal((20000, 3)) * np.sqrt(manifold.spectrum), t, rng)
    assert stein(x, score(x, t, manifold))
    assert not stein(x, 1.3 * score(x, t, manifold))


# -- bad input

GOOD = np.ones((3, 2))


@pytest.mark.parametrize(
    ("queries", "data", "message"),
    [
        (np.ones(2), GOOD, r"queries must have shape \(M, D\), got \(2,\); one vector is x\[None, :\]"),
        (GOOD, np.ones(2), r"data must have shape \(N, D\), got \(2,\)"),
        (np.ones((1, 3, 2)), GOOD, r"queries must have shape \(M, D\), got \(1, 3, 2\)"),
        (GOOD, np.ones((3, 5)), "queries and data must share the dimension D, got 2 and 5"),
        (np.ones((0, 2)), GOOD, r"queries must not be empty, got shape \(0, 2\)"),
        (GOOD, np.ones((0, 2)), r"data must not be empty, got shape \(0, 2\)"),
        (GOOD, np.full((3, 2), "1", dtype=object), "data must be a numeric array, got dtype object with str"),
        (GOOD * 1j, GOOD, "queries must be a numeric array, got dtype complex128"),
        (GOOD, GOOD * np.nan, "data must be finite, got NaN or infinite entries; drop or impute them first"),
        (GOOD * np.inf, GOOD, "queries must be finite, got NaN or infinite entries"),
        (None, GOOD, "queries must be an array of numbers, got NoneType"),
        (GOOD, "data", "data must be an array of numbers, got str"),
        (GOOD, np.ma.masked_equal(GOOD, 1), r"data must not be masked, got 6 masked cells, the first at data\[0, 0\]"),
        (GOOD, GOOD + np.longdouble(1) / 3, r"data\[0, 0\] is 1.33.*, which float64 cannot hold exactly"),
        (GOOD, np.array([[1, 2], [2**53 + 1, 3]]), r"data\[1, 0\] is 9007199254740993, which float64 cannot hold"),
        (GOOD, array_api_strict.ones((3, 2)), "expected arrays of one library"),
        (GOOD * 1e160, GOOD, r"must stay below .*so that float64 holds squared distances.*, got 1e\+160"),
        (GOOD.astype(np.float32), (GOOD * 1e20).astype(np.float32), r"must stay below .*float32 .*got 1e\+20"),
    ],
)
def test_bad_arrays(queries, data, message):
    with pytest.raises(ValueError, match=message):
        gibbs_moments(queries, data, 1.0)


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (0, "t must be positive and finite, .*got 0.0"),
        (-1.0, "t must be positive and finite, .*got -1.0"),
        (np.nan, "t must be positive and finite, .*got nan"),
        (np.inf, "t must be positive and finite, .*got inf"),
        ([1.0, 0.0, 1.0], "t must be positive and finite, .*got 0.0"),
        (np.ones(2), r"t must be a number, or have shape \(M,\), \(T, 1\) or \(T, M\) with M = 3, got \(2,\)"),
        (np.ones((3, 2)), r"with M = 3, got \(3, 2\)"),
        (np.ones((1, 1, 3)), r"with M = 3, got \(1, 1, 3\)"),
        (np.ones((0, 3)), r"with M = 3, got \(0, 3\)"),
        ([], r"with M = 3, got \(0,\)"),
        (None, "t must be a real number or an array of them, got None"),
        ("1", "t must be a real number or an array of them, got '1'"),
        (1j, "t must be a real number or an array of them, got 1j"),
        (True, "t must be a real number or an array of them, got True"),
        ([[1], [2, 3]], "t must be a numeric array, got rows of different lengths"),
        (array_api_strict.ones(3), "expected arrays of one library"),
        (1e-310, "t times the temperature must lie between .* in float64, got 1e-310 to 1e-310"),
        (1e306, "t times the temperature must lie between"),
    ],
)
def test_bad_times(t, message):
    with pytest.raises(ValueError, match=message):
        gibbs_moments(GOOD, GOOD, t)


def test_times_too_small_for_float32():
    with pytest.raises(ValueError, match=r"must lie between .* in float32, got 1e-40"):
        gibbs_moments(GOOD.astype(np.float32), GOOD.astype(np.float32), 1e-40)


def test_arrays_on_two_devices():
    here, there = array_api_strict.ones((3, 2)), array_api_strict.Device("device1")
    with pytest.raises(ValueError, match="expected arrays on one device"):
        gibbs_moments(here, array_api_strict.ones((3, 2), device=there), 1.0)
    with pytest.raises(ValueError, match="expected arrays on one device"):
        gibbs_moments(here, here, array_api_strict.ones(3, device=there))


def test_complex_times_of_another_library(backend):
    if backend.name == "numpy":
        pytest.skip("refused as not a number")
    good = backend.array(GOOD)
    with pytest.raises(ValueError, match="t must be real, got dtype"):
        gibbs_moments(good, good, backend.xp.asarray(1j, device=good.device))


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf, None, "1", 1j, np.ones(2), [1.0]])
def test_bad_temperatures(temperature):
    with pytest.raises(ValueError, match=r"temperature must be .* number"):
        gibbs_moments(GOOD, GOOD, 1.0, temperature=temperature)


@pytest.mark.parametrize("covariance", ["diag", "", True, 1, "Full"])
def test_unknown_covariance(covariance):
    with pytest.raises(ValueError, match="covariance must be None, 'diagonal' or 'full', got"):
        gibbs_moments(GOOD, GOOD, 1.0, covariance=covariance)


@pytest.mark.parametrize("dtype", ["int64", "complex128", "bool"])
def test_unfit_dtypes(backend, dtype):
    good = backend.array(GOOD)
    with pytest.raises(ValueError, match="dtype must be float64 or float32 of the library, got"):
        gibbs_moments(good, good, 1.0, dtype=getattr(backend.xp, dtype))


def test_a_covariance_nobody_asked_for():
    with pytest.raises(ValueError, match="ask for it with covariance='diagonal' or 'full'"):
        _ = gibbs_moments(GOOD, GOOD, 1.0).covariance


@pytest.mark.parametrize(
    "other", [{"t": 0.5, "temperature": 2.0}, {"t": [[0.5], [1.0]]}, {"t": 0.5, "covariance": "full"}]
)
def test_moments_of_different_questions_do_not_add_up(other):
    queries, data = np.zeros((2, 3)), np.arange(12.0).reshape(4, 3)
    with pytest.raises(ValueError, match="only moments at the same queries"):
        gibbs_moments(queries, data, 0.5) + gibbs_moments(queries, data, **other)


# -- many samples, where blocks go the fast ways


def many(rng, M, N, D, t, dtype="float64"):
    """Queries half noised samples, half new ones."""
    queries, data = cloud(rng, M, N, D)
    queries[::2] = data[rng.integers(N, size=len(queries[::2]))] + math.sqrt(t) * queries[::2]
    return queries.astype(dtype), data.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("t", [1e-6, 1e-3, 0.1, 3.0, 100.0])
@pytest.mark.parametrize("D", [2, 6, 20, 40, 130])
@pytest.mark.parametrize("N", [700, 5000])
def test_many_samples(rng, N, D, t, dtype):
    queries, data = many(rng, 4, N, D, t, dtype)
    expected = Reference(queries, data, t, eps=float(np.finfo(dtype).eps))
    for plain in (False, True):
        with without_numba(plain):
            expected.check(gibbs_moments(queries, data, t))


@pytest.fixture
def taken(monkeypatch):
    """The ways that were taken, and whether screening answered."""
    ways = []

    def noted(module, name, label):
        function = getattr(module, name)

        def call(*args, **options):
            found = function(*args, **options)
            ways.append(label if found else f"{label} in vain")
            return found

        monkeypatch.setattr(module, name, call)

    noted(routes, "screened", "screening")
    noted(dense, "_by_products", "products")
    noted(dense, "_by_differences", "differences")
    if door._compiled() is not None:
        from numerics.engine import products, tiling

        noted(tiling, "tiled", "tiles")
        noted(products, "moments", "compiled products")
    return ways


@pytest.mark.parametrize(
    ("D", "t", "covariance", "compiled", "plain"),
    [
        (2, 1e-6, None, ["tiles"], ["products"]),
        (2, 100.0, None, ["tiles"], ["products"]),
        (20, 100.0, None, ["screening in vain", "compiled products"], ["products"]),
        (40, 1e-6, None, ["screening"], ["differences"]),
        (40, 100.0, None, ["screening in vain", "compiled products"], ["products"]),
        (40, 1e-6, "full", ["screening"], ["differences"]),
        (40, 100.0, "diagonal", ["screening in vain", "compiled products"], ["products"]),
        (40, 100.0, "full", ["screening"], ["differences"]),
        (2, 100.0, "full", ["tiles"], ["differences"]),
    ],
)
def test_the_ways_are_taken(rng, ways, taken, D, t, covariance, compiled, plain):
    """So that the tests above and below are of all of them."""
    gibbs_moments(*many(rng, 16, 1500, D, 1e-6), t, covariance=covariance)
    assert taken == (compiled if ways == "compiled" else plain)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("D", [2, 20, 40])
def test_times_that_part_ways(ways, rng, taken, D, dtype):
    """In one call, some times are screened and others are not."""
    queries, data = many(rng, 4, 1500, D, 1e-4, dtype)
    t = np.array([3.0, 1e-6, 100.0, 1e-3])
    found = gibbs_moments(queries, data, t[:, None])
    for k, one in enumerate(t):
        expected = Reference(queries, data, one, eps=float(np.finfo(dtype).eps))
        for name in (*SCALARS, "mean", "score"):
            expected.check_one(name, getattr(found, name)[k])
        assert (found.nearest[k] == expected.nearest).all()
    if D == 40:
        assert taken == (["screening", "compiled products"] if ways == "compiled" else ["differences"])


# -- covariances along a basis


def projected(expected, basis):
    """The reference with V^T C V for C; its bounds hold along any direction."""
    along = np.asarray(basis, dtype=np.longdouble)
    expected.full = along.T @ expected.full @ along
    expected.diagonal = np.diagonal(expected.full, axis1=-2, axis2=-1)
    return expected


@pytest.mark.parametrize("kind", ["diagonal", "full"])
@pytest.mark.parametrize("t", [1e-3, 0.1, 3.0, 100.0])
@pytest.mark.parametrize(("N", "D", "k"), [(60, 5, 5), (60, 5, 1), (1500, 6, 2), (1500, 40, 3)])
def test_covariances_along_a_basis(ways, rng, N, D, k, t, kind):
    queries, data = many(rng, 4, N, D, t)
    basis = np.linalg.qr(rng.standard_normal((D, k)))[0]
    expected = projected(Reference(queries, data, t), basis)
    found = gibbs_moments(queries, data, t, covariance=kind, basis=basis)
    assert found.covariance.shape == ((4, k) if kind == "diagonal" else (4, k, k))
    assert found.basis.shape == (D, k)
    parts = [gibbs_moments(queries, data[i::3], t, covariance=kind, basis=basis) for i in range(3)]
    both = reduce(
        add, [gibbs_moments(queries, part, t, covariance=kind, basis=basis) for part in np.split(data, [7, N // 2])]
    )
    for state in (found, reduce(add, parts), both):
        expected.check_one(kind, state.covariance)
        assert state.basis is found.basis or (state.basis == found.basis).all()
    expected.check(found)
    expected.check(both)


def test_covariances_along_a_basis_in_every_library(backend, rng):
    queries, data = cloud(rng, 5, 60, 3)
    basis = np.linalg.qr(rng.standard_normal((3, 2)))[0]
    expected = projected(Reference(queries, data, [[1e-3], [0.3]]), basis)
    for kind in ("diagonal", "full"):
        found = gibbs_moments(
            backend.array(queries), backend.array(data), [[1e-3], [0.3]], covariance=kind, basis=backend.array(basis)
        )
        expected.check_one(kind, backend.host(found.covariance))
        assert backend.owns(found.basis)


def test_a_basis_good_to_float32_will_do(rng):
    queries, data = cloud(rng, 3, 60, 3)
    basis = np.linalg.qr(rng.standard_normal((3, 2)))[0]
    exact, rounded = (
        gibbs_moments(queries, data, 0.3, covariance="full", basis=b).covariance
        for b in (basis, basis.astype(np.float32))
    )
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=10 * EPS32 * exact.max())
    assert (rounded != exact).any()


AXES = np.eye(2)


@pytest.mark.parametrize(
    ("basis", "message"),
    [
        (2 * AXES, "columns of basis must be orthonormal, their products are off by 3; take numpy.linalg.qr"),
        (np.array([[1.0, 1.0], [0.0, 1e-4]]), "must be orthonormal, their products are off by 1"),
        (np.array([[1.0, 1e-4], [0.0, 1.0]]), "must be orthonormal, their products are off by 0.0001"),
        (np.ones((2, 3)) / math.sqrt(2), "must be orthonormal"),  # more of them than dimensions
        (np.zeros((2, 1)), "must be orthonormal, their products are off by 1"),
        (np.eye(3), r"basis must have shape \(D, k\) with D = 2, got \(3, 3\)"),
        (AXES[0], r"basis must have shape \(D, k\), got \(2,\)"),
        (np.ones((2, 0)), r"basis must not be empty, got shape \(2, 0\)"),
        (AXES * np.nan, "basis must be finite, got NaN or infinite entries"),
        (AXES * 1j, "basis must be a numeric array, got dtype complex128"),
        ("axes", "basis must be an array of numbers, got str"),
        (array_api_strict.eye(2), "expected arrays of one library"),
    ],
)
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_bad_bases(basis, message, covariance):
    with pytest.raises(ValueError, match=message):
        gibbs_moments(GOOD, GOOD, 1.0, covariance=covariance, basis=basis)


def test_a_basis_is_for_the_covariance():
    with pytest.raises(ValueError, match="a basis is for the covariance; ask for covariance='diagonal' or 'full'"):
        gibbs_moments(GOOD, GOOD, 1.0, basis=AXES)


# -- what may be neglected


@pytest.mark.parametrize(
    "tolerance", [0, 1, 0.0, 1.0, -0.1, 2, np.nan, np.inf, "a", "0.1", [0.1], np.ones(1), 1j, True]
)
def test_bad_tolerances(tolerance):
    with pytest.raises(ValueError, match=r"tolerance must be a .*number"):
        gibbs_moments(GOOD, GOOD, 1.0, tolerance=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("t", [1e-3, 0.1, 1.0, 3.0])
@pytest.mark.parametrize("D", [2, 40])
def test_what_is_neglected_is_within_its_bound(ways, rng, D, t, dtype):
    queries, data = many(rng, 4, 1500, D, t, dtype)
    exact = Exact(queries, data, t)
    for tolerance in (1e-12, 1e-3, 0.5):
        found = gibbs_moments(queries, data, t, tolerance=tolerance)
        exact.certify(found, u=float(np.finfo(dtype).eps) / 2)
        assert (found.neglected == tolerance).all()
        assert (found.error >= 2 * tolerance).all()
    for tolerance in (1e-12, 1e-3):
        expected = Reference(queries, data, t, eps=float(np.finfo(dtype).eps), neglected=tolerance)
        expected.check(gibbs_moments(queries, data, t, tolerance=tolerance))


@pytest.mark.skipif(door._compiled() is None, reason="dense products leave nothing out")
def test_a_tolerance_does_change_something(rng):
    """By less than a half of the weight, and more than rounding does."""
    queries, data = many(rng, 4, 1500, 40, 1.0)
    fine, rough = (gibbs_moments(queries, data, 0.5, tolerance=s) for s in (None, 0.5))
    off = abs(fine.largest_weight - rough.largest_weight)
    assert off.max() > 1e-6 > 100 * fine.error.max()
    assert (off <= rough.error).all()


# -- dtypes


def test_halves_are_worked_on_in_float32(backend, rng):
    queries, data = (a.astype(np.float16) for a in cloud(rng, 4, 60, 3))
    expected = Reference(queries, data, 0.1, eps=EPS32)
    halves = [backend.xp.float16] if hasattr(backend.xp, "float16") and backend.name != "array_api_strict" else []
    halves += [backend.xp.bfloat16] if backend.name in ("torch", "cuda") else []
    for half in halves:
        x, y = (backend.xp.asarray(a, device=backend.device) for a in (queries, data))
        if half != backend.xp.float16:
            x, y = x.to(half), y.to(half)
            expected = Reference(*(backend.host(a.to(backend.xp.float64)) for a in (x, y)), 0.1, eps=EPS32)
        found = gibbs_moments(x, y, 0.1, covariance="full")
        expected.check(found, backend.host)
        expected.check_one("full", backend.host(found.covariance))
        single = [backend.array(expected_input, "float32") for expected_input in (queries, data)]
        if half == backend.xp.float16:
            same = gibbs_moments(*single, 0.1, covariance="full")
            states_agree(found.each(backend.host), same.each(backend.host), rtol=0)
        assert (found.neglected == EPS32).all()
        with pytest.raises(ValueError, match="dtype must be float64 or float32 of the library, got"):
            gibbs_moments(x, y, 0.1, dtype=half)


def test_halves_with_wider_arrays(rng):
    queries, data = cloud(rng, 4, 60, 3)
    halves = queries.astype(np.float16)
    for dtype, eps in ((np.float32, EPS32), (np.float64, EPS64)):
        found = gibbs_moments(halves, data.astype(dtype), 0.1)
        Reference(halves, data.astype(dtype), 0.1, eps=eps).check(found)
        assert (found.neglected == eps).all()


LAYOUTS = {
    "columns first": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "the other end first": lambda a: a.astype(a.dtype.newbyteorder()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("D", "t"), [(3, 0.1), (40, 1e-3), (40, 100.0)])
def test_any_layout_in_memory(ways, rng, layout, D, t):
    queries, data = many(rng, 4, 700, D, t)
    plain = gibbs_moments(queries, data, t)
    found = gibbs_moments(LAYOUTS[layout](queries), LAYOUTS[layout](data), t)
    states_agree(found, plain, rtol=1e-13)


# -- threads


@pytest.fixture
def threaded(monkeypatch):
    """So many threads, whatever the work is worth; and a BLAS that has what it had when the test is over."""
    monkeypatch.setattr(gibbs, "WORTH_THREADS", 0)

    def use(number):
        monkeypatch.setattr(gibbs, "workers", lambda: number)

    with threadpool_limits():
        yield use


WORK = [(3, 1500, 2, 0.1), (3, 1500, 40, 1e-3), (3, 1500, 40, 3.0), (260, 60, 3, 0.1), (520, 40, 40, 1.0)]


@pytest.mark.parametrize(("M", "N", "D", "t"), WORK)
@pytest.mark.parametrize("covariance", [None, "diagonal"])
def test_threads_change_nothing_but_rounding(ways, rng, threaded, monkeypatch, M, N, D, t, covariance):
    """Few queries: threads share the samples, and merge. Many queries: each has its own."""
    queries, data = many(rng, M, N, D, t)
    expected = Reference(queries, data, t)
    for number in (1, 2, 3, 7):
        threaded(number)
        found = gibbs_moments(queries, data, t, covariance=covariance)
        expected.check(found)
        if covariance:
            expected.check_one(covariance, found.covariance)
        assert found.count == N
        again = gibbs_moments(queries, data, t, covariance=covariance)
        states_agree(found, again, rtol=0)  # and from run to run not even rounding


def test_threads_are_used(rng, threaded, monkeypatch):
    """One task for each thread: parts of the samples for one block of queries, and blocks of queries otherwise."""
    asked = []
    monkeypatch.setattr(gibbs, "QUERY_BLOCK", 256)
    monkeypatch.setattr(gibbs, "SAMPLE_BLOCK", 256)
    monkeypatch.setattr(
        gibbs,
        "parallel",
        lambda function, items, threads: asked.append((len(list(items)), threads)) or [function(i) for i in items],
    )
    for number, M, tasks in ((1, 3, 1), (4, 3, 4), (4, 600, 4), (2, 600, 4), (1, 600, 3)):
        threaded(number)
        gibbs_moments(*many(rng, M, 1024, 3, 0.1), 0.1)
        assert asked.pop() == (tasks, number)


def test_little_work_is_done_by_one_thread(rng, monkeypatch):
    def unwanted():
        raise AssertionError

    monkeypatch.setattr(gibbs, "workers", unwanted)
    gibbs_moments(*many(rng, 30, 100, 3, 0.1), 0.1)


@pytest.mark.parametrize(("M", "N", "D", "t"), WORK[:3])
def test_concurrent_calls_do_not_meddle(ways, rng, threaded, M, N, D, t):
    threaded(2)
    tasks = [many(rng, M, N, D, t) for _ in range(4)]
    alone = [gibbs_moments(*task, t) for task in tasks]
    found = [None] * len(tasks)

    def call(k):
        for _ in range(3):
            found[k] = gibbs_moments(*tasks[k], t)

    callers = [threading.Thread(target=call, args=(k,)) for k in range(len(tasks))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for one, other in zip(alone, found, strict=True):
        states_agree(one, other, rtol=0)


# -- without the compiled loops

WITHOUT_NUMBA = [
    test_any_cloud,
    test_merging_is_that_of_sets,
    test_symmetries,
    test_bounds_and_their_order,
]


@pytest.mark.parametrize("test", WITHOUT_NUMBA)
def test_properties_without_numba(test):
    with without_numba():
        test()


@pytest.mark.parametrize("test", [test_a_query_far_away, test_an_outlier_in_float32, test_exactly_one_block])
def test_the_same_without_numba(rng, test):
    with without_numba():
        test(rng)
