"""No sample that matters may be missing from the candidates, whatever the clouds do to float32."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.engine import door, screening
from numerics.engine.layout import Measured, Rows, laid_out
from numerics.engine.question import Question
from numerics.engine.screening import _above, _candidates, screened
from numerics.moments import GibbsMoments
from tests.numerics.conftest import ATTACKS, PROPERTY, Exact, attacked, awaiting, backend_of, without_numba

EPS64 = float(np.finfo(np.float64).eps)
BLOCK = 64
NEVER = 1e9  # a share of candidates at which no time is given up


@pytest.fixture(params=["numpy", "hasty", "torch"])
def library(request, monkeypatch):
    """The libraries that screen; of NumPy candidates found roughly wait, others do not."""
    if request.param in ("numpy", "hasty"):
        pytest.importorskip("numba")
        from numerics.engine import candidates

        monkeypatch.setattr(candidates, "WORTH_WAITING", 0 if request.param == "numpy" else math.inf)
    return backend_of("torch" if request.param == "torch" else "numpy")


@pytest.fixture
def never(monkeypatch):
    """Screening that does not give up."""
    monkeypatch.setattr(screening, "SHARE", NEVER)


def rows_of(x, data, width, block=BLOCK, library=np):
    """The rows, for half squared distances of up to `width` beyond the nearest; the unit is within reach of it."""
    size = max(float(abs(x).max()), float(abs(data).max()), 1e-15 * float(width.max()) ** 0.5)
    return laid_out(Measured.of(data, block), size, library.float32)


def candidates(x, data, reach, block=BLOCK):
    """Which pairs are on the list, as a mask (M, N), for a reach of |x - y|^2/2 of shape (M,)."""
    rows = rows_of(x, data, reach, block)
    if door.compiled(x) is not None:
        query, sample = weighed(x, rows, reach / rows.unit**2)
    else:
        wide, found = _candidates(x, rows, [reach / rows.unit**2])
        assert wide == 0
        assert (np.diff(found.query) >= 0).all()
        query, sample = found.query, found.sample
    listed = np.zeros((len(x), len(data)), dtype=int)
    np.add.at(listed, (query, sample), 1)
    assert listed.max() == 1
    return listed.astype(bool)


def weighed(x, rows, reach):
    """The pairs that the compiled loops weigh in the end, as queries and samples, if there is room for all until then."""
    from numerics.engine import candidates
    from numerics.engine.compiled import picking

    found = []

    def noted(most, data, *kept_and_asked):
        waiting = kept_and_asked[3]
        if most == 0:
            for i in range(len(x)):
                picking._drop(i, *kept_and_asked[:4])
            mine = np.arange(waiting.samples.shape[1]) < waiting.counts[:, None]
            found.extend([np.nonzero(mine)[0], waiting.samples[mine]])
        return settle(most, data, *kept_and_asked)

    settle = picking.settle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "WAITING", len(rows.data))
        patch.setattr(candidates, "WORTH_WAITING", 0)
        patch.setattr(picking, "settle", noted)
        candidates.rescored(x, rows, reach, np.ones((1, len(x))), Question(1.0, None, None, EPS64), NEVER)
    return found


def lost(x, data, reach, block=BLOCK):
    """Pairs within the reach that are not on the list, by distances in extended precision."""
    squares = Exact(x, data, 1.0).squares
    within = (squares - squares.min(axis=1, keepdims=True)) / 2 <= reach[:, None]
    return int((within & ~candidates(x, data, reach, block)).sum())


def spreads(x, data):
    """The median |x - y|^2/2 of each query, or one where that is nothing."""
    found = np.median(Exact(x, data, 1.0).squares, axis=1).astype(np.float64) / 2
    return np.where(found > 1e-250, found, 1.0)


# -- the candidates


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("D", [1, 3, 40])
def test_nothing_within_the_reach_is_lost(ways, rng, never, name, dtype, D):
    x, data = attacked(name, rng, 6, 300, D, dtype)
    for share in (0, 1e-12, 1e-6, 1e-2, 0.3):
        assert lost(x, data, share * spreads(x, data)) == 0, share


@PROPERTY
@given(
    name=st.sampled_from(sorted(ATTACKS)),
    N=st.integers(1, 200),
    D=st.integers(1, 8),
    block=st.integers(1, 200),
    reach=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
    plain=st.booleans(),
)
def test_nothing_is_lost_in_blocks_of_any_size(name, N, D, block, reach, seed, plain):
    x, data = attacked(name, np.random.default_rng(seed), 3, N, D)
    with without_numba(plain), pytest.MonkeyPatch.context() as patch:
        patch.setattr(screening, "SHARE", NEVER)
        assert lost(x, data, reach * spreads(x, data), block) == 0


def test_without_the_bound_candidates_are_lost(ways, rng, never, monkeypatch):
    """The test above can fail."""
    x, data = attacked("near_ties", rng, 6, 300, 40)
    x, data = x + 1, np.concatenate([data + 1, data - 1])  # the centre is far from the queries, and products are large
    assert lost(x, data, np.full(6, 1e-8)) == 0
    monkeypatch.setattr(Rows, "bound", lambda self, norms, norm: 0 * norms)
    assert lost(x, data, np.full(6, 1e-8)) > 0


def test_few_are_candidates_where_few_matter(ways, rng, never):
    """In float32 at D = 40 the bound is 2e-6 or so of |x'||y'|; samples differ by far more."""
    x, data = attacked("noised", rng, 6, 300, 40)
    assert candidates(x, data, 1e-3 * spreads(x, data)).sum() == 6


def found_above(x, rows, bound, lowest, reach):
    """Block after block: samples, their S by NumPy, and queries, samples and S + bound of those found; `lowest` is raised."""
    z, _ = rows.of(x)
    for part, _, S in rows.products(z):
        if door.compiled(x) is not None:
            query, sample, own = awaiting(x, rows, part, bound, lowest, reach)
            yield part, S, query, sample - part.start, own + bound[query]
        else:
            lowest[:], found = _above(S, part.start, bound, lowest, reach)
            yield part, S, found.query, found.sample - part.start, found.upper


@pytest.mark.parametrize("N", [1, 50, 64, 333, 700])
def test_above_is_what_it_says(ways, rng, N):
    """All pairs with S + bound >= lowest - reach, and none that is below it by more than the spacing of float32."""
    x, data = attacked("noised", rng, 57, N, 3)
    rows = rows_of(x, data, np.zeros(1), 300)
    bound, lowest = 10.0 ** rng.uniform(-9, -3, 57), np.full(57, -np.inf)
    lowest[3] = 10.0  # no pair of this query
    earlier, reach = lowest.copy(), rng.uniform(0, 0.1, 57)
    seen = 0
    for _, S, query, sample, upper in found_above(x, rows, bound, lowest, reach):
        # S is rounded in another order; a list that was begun before the largest came is longer
        np.testing.assert_allclose(lowest, np.maximum(earlier, S.max(axis=1) - bound), rtol=0, atol=2e-6)
        listed = np.zeros(S.shape, dtype=int)
        np.add.at(listed, (query, sample), 1)
        assert listed.max(initial=0) <= 1
        most, threshold = S + bound[:, None], lowest - reach
        assert (listed >= (most >= threshold[:, None] + 2e-6)).all()
        first = np.maximum(earlier, S[:, 0] - bound) - reach
        assert (listed <= (most >= (np.minimum(first, threshold) - 3e-6)[:, None])).all()
        assert not listed[3].any()
        np.testing.assert_allclose(upper, most[query, sample], rtol=0, atol=2e-6)
        seen += listed.sum()
        earlier = lowest.copy()
    assert seen >= 56


def test_above_finds_more_than_it_had_room_for(ways, rng):
    """A wide reach: all pairs."""
    x, data = attacked("noised", rng, 70, 1000, 2)
    rows = rows_of(x, data, np.zeros(1), 10**4)
    ((_, _, query, sample, _),) = found_above(x, rows, np.zeros(70), np.full(70, -np.inf), np.full(70, 1e9))
    assert sorted(zip(query.tolist(), sample.tolist(), strict=True)) == [(i, j) for i in range(70) for j in range(1000)]


# -- the answers


def asked(library, covariance=None, basis=None, tolerance=EPS64, temperature=1.0):
    return Question(temperature, covariance, basis if basis is None else library.array(basis), tolerance)


def answer(library, x, data, t, question, dtype="float64"):
    """Of screening alone, at times of shape (T, M)."""
    x, data, t = library.array(x, dtype), library.array(data, dtype), library.array(t)
    found = screened(x, data, rows_of(x, data, t, library=library.xp), t, question)
    assert set(found) == set(range(t.shape[0]))
    return GibbsMoments.joined([found[i] for i in range(t.shape[0])], axis=0)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("D", [2, 40])
def test_answers_are_within_their_certificate(library, rng, never, name, dtype, D):
    x, data = attacked(name, rng, 5, 150, D, dtype)
    t = np.array([[1e-4], [1e-2], [1.0]]) * spreads(x, data)
    exact = Exact(x, data, t, temperature=0.7)
    found = answer(library, x, data, t, asked(library, temperature=0.7), dtype)
    exact.certify(found, library.host)
    # log Z errs by what its largest log weight errs by, which is part of `rounding`, by what is neglected, -log(1 - n) <
    # 2n, and by the sum
    off = abs(library.host(found.log_partition) - exact.log_partition)
    sums = (len(data) + 8) * EPS64
    allowed = library.host(found.rounding) + 2 * library.host(found.neglected) + sums * (1 + abs(exact.log_partition))
    assert (off <= allowed).all()
    nearest = library.host(found.nearest)
    assert (nearest == nearest[0]).all()
    assert exact.near(nearest[0], np.float64)
    same = exact.squares == np.take_along_axis(exact.squares, nearest[0][:, None], axis=1)
    assert (nearest[0] == same.argmax(axis=1)).all()  # the first of equals


def test_float32_is_answered_in_float64(library, rng, never):
    """Log weights of a thousand, and a certificate of ten digits."""
    x, data = attacked("noised", rng, 5, 150, 40, "float32")
    found = answer(library, x, data, np.full((1, 5), 1e-6), asked(library, tolerance=1e-12), "float32")
    assert (library.host(found.shift) < -1e3).all()
    assert (library.host(found.error) < 1e-9).all()


@pytest.mark.parametrize("order", ["F", "every other", "read-only"])
def test_data_of_any_order(library, rng, never, order):
    x, data = attacked("noised", rng, 5, 150, 6)
    if order == "F":
        data = np.asfortranarray(data)
    elif order == "every other":
        data = np.repeat(data, 2, axis=1)[:, ::2]
    elif library.name == "numpy":
        data.setflags(write=False)
    t = 0.1 * spreads(x, data)[None]
    Exact(x, data, t).certify(answer(library, x, data, t, asked(library)), library.host)


def test_the_first_of_ties_is_the_nearest(library, rng, never):
    x, data = attacked("duplicates", rng, 5, 150, 3)  # integers: squared distances are exact
    exact = Exact(x, data, 1.0)
    assert ((exact.squares == exact.squares.min(axis=1, keepdims=True)).sum(axis=1) > 1).all()
    found = answer(library, x, data, np.full((1, 5), 1e-3), asked(library))
    assert (library.host(found.nearest) == exact.nearest).all()


@pytest.mark.parametrize("name", ["noised", "offset", "duplicates", "near_ties", "outlier"])
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("along", [None, 2])
def test_covariances(library, rng, never, name, covariance, along):
    """Digit for digit, down to weights of 1e-200 and variances far below t, for nothing above is neglected."""
    D, tolerance = 5, 1e-300
    x, data = attacked(name, rng, 5, 150, D)
    basis = None if along is None else np.linalg.qr(rng.standard_normal((D, along)))[0]
    t = np.array([[3e-3], [3e-2], [1.0]]) * spreads(x, data)
    exact = Exact(x, data, t)
    found = answer(library, x, data, t, asked(library, covariance, basis, tolerance))
    known = exact.certify_covariance(found, library.host)
    assert known or name != "noised"  # condensed, and yet known


# -- giving up


def for_passes(monkeypatch, note):
    """Call `note` whenever a pass over the samples is begun, by whichever loops."""

    def noted(module, name):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **options: note(*args) or function(*args, **options))

    noted(Rows, "products")
    if door._compiled() is not None:
        from numerics.engine import candidates

        noted(candidates, "rescored")


def test_widest_times_are_given_up_first(library, rng, monkeypatch):
    monkeypatch.setattr(screening, "PILOT_SHARE", NEVER)
    x, data = (library.array(a) for a in attacked("noised", rng, 6, 300, 3))
    widths = [3e-3, 1.0, 1e-5, 0.1, 1e-2, 10.0]
    t = library.array(np.array(widths)[:, None] * np.ones(6))
    sizes = []
    for share in np.geomspace(1e-9, NEVER, 60):
        monkeypatch.setattr(screening, "SHARE", share)
        found = screened(x, data, rows_of(x, data, t, library=library.xp), t, asked(library))
        assert set(found) == set(np.argsort(widths)[: len(found)])
        sizes.append(len(found))
        for i, state in found.items():  # and what is left is right
            exact = Exact(library.host(x), library.host(data), widths[i])
            exact.certify(state.each(lambda a: a[0, ...]), library.host)
    assert sizes[0] == 0
    assert sizes[-1] == 6
    assert len(set(sizes)) > 3
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("block", [50, 64, 10**6])
def test_a_list_too_long_is_never_used(library, rng, monkeypatch, block):
    """Whatever is answered, no more than the share of all pairs was on its list."""
    monkeypatch.setattr(screening, "PILOT_SHARE", NEVER)
    x, data = (library.array(a) for a in attacked("noised", rng, 6, 300, 40))
    rows = rows_of(x, data, x, block, library.xp)
    wide = []
    for reach in np.geomspace(1e-6, 100, 30):
        reach = library.array(np.full(6, reach)) / rows.unit**2
        if door.compiled(x) is not None:
            from numerics.engine.candidates import rescored

            found = rescored(x, rows, reach, np.ones((1, 6)), asked(library), screening.SHARE)
            wide.append(int(found is None))
            continue
        skipped, found = _candidates(x, rows, [reach])
        assert (found is None) == (skipped == 1)
        assert found is None or found.query.shape[0] <= screening.SHARE * 6 * 300
        wide.append(skipped)
    assert wide == sorted(wide)
    assert {0, 1} == set(wide)


def test_a_pilot_spares_the_product(library, rng, monkeypatch):
    x, data = (library.array(a) for a in attacked("noised", rng, 20, 300, 3))
    wide, narrow = (library.array(np.full((2, 20), t)) for t in (10.0, 1e-6))
    rows = rows_of(x, data, wide, library=library.xp)

    def unwanted(*args):
        raise AssertionError("a product was taken")

    for_passes(monkeypatch, unwanted)
    assert screened(x, data, rows, wide, asked(library)) == {}
    with pytest.raises(AssertionError, match="a product was taken"):
        screened(x, data, rows, narrow, asked(library))


def test_times_share_one_product(library, rng, never, monkeypatch):
    x, data = (library.array(a) for a in attacked("noised", rng, 6, 300, 3))
    t = library.array(np.geomspace(1e-6, 1, 5)[:, None] * np.ones(6))
    rows = rows_of(x, data, t, library=library.xp)
    passes = []
    for_passes(monkeypatch, lambda *args: passes.append(None))
    assert len(screened(x, data, rows, t, asked(library))) == 5
    assert len(passes) == 1


def test_queries_with_times_of_their_own(library, rng, never):
    """Twelve decades of noise in one block; the widest time is the widest for all queries."""
    x, data = attacked("noised", rng, 13, 300, 6)
    t = np.array([[1.0], [1e-3]]) * np.geomspace(1e-9, 1e3, 13)
    Exact(x, data, t).certify(answer(library, x, data, t, asked(library)), library.host)


def test_times_that_are_not_in_the_same_order_for_all_queries(library, rng, never):
    """Each time is the widest for some query."""
    x, data = attacked("noised", rng, 4, 300, 6)
    data[1] = data[0] + 1e-3
    x[:] = data[0]
    t = np.array([[1e-1, 1e-9, 1e-9, 1e-2], [1e-9, 1e-1, 1e-3, 1e-9], [1e-6, 1e-6, 1e-1, 1e-1]])
    exact = Exact(x, data, t)
    assert (abs(exact.participation - 0.5) < 0.01).sum() >= 4
    exact.certify(answer(library, x, data, t, asked(library)), library.host)


def test_a_higher_tolerance_leaves_more_out(library, rng, never):
    """The control of what is neglected: a sample of a weight just above the tolerance stays, one just below may go."""
    x, data = np.zeros((1, 2)), np.array([[0.0, 1.0], [0.0, 3.0]])
    gap = 4.0  # (9 - 1)/2t at t = 1
    for tolerance in (1e-3, 0.5):
        question = asked(library, tolerance=tolerance)
        kept = question.cut(2) > gap
        assert kept == (tolerance == 1e-3)
        found = answer(library, x, data, np.ones((1, 1)), question)
        exact = Exact(x, data, np.ones((1, 1)))
        left = abs(library.host(found.largest_weight) - exact.largest_weight)[0, 0]
        assert math.isclose(left, 0 if kept else exact.weights.min(), abs_tol=1e-14)
        assert left <= library.host(found.neglected)[0, 0] == tolerance


@pytest.mark.parametrize("numba", ["0", "1"])
def test_subnormal_coordinates_divide_by_nothing_that_underflows(numba):
    code = (
        "import numpy as np\n"
        "from numerics.gibbs import gibbs_moments\n"
        "data = np.zeros((3, 12)) + 1e-310 * np.arange(3)[:, None]\n"
        "x = np.full((2, 12), 1e-310)\n"
        "for t in (1e-300, 1e-306, np.array([[1e-306], [1.0], [1e300]])):\n"
        "    m = gibbs_moments(x, data, t)\n"
        "    assert np.allclose(m.participation, 1 / 3) and np.isfinite(m.score).all(), (t, m)\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": numba}
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True, timeout=120)
