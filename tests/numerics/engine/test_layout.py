"""The bound on rounding is proved in the module; here it is attacked, against S in integers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as arrays_of

from numerics.arrays import slices
from numerics.engine.dense import _squares
from numerics.engine.door import compiled
from numerics.engine.layout import CENTRED, Measured, difference_error, laid_out, unit_roundoff
from tests.numerics.conftest import ATTACKS, PROPERTY, attacked, awaiting, without_numba

LATTICE = 2**1080  # every float64 is a multiple of 1/LATTICE
BLOCK = 5  # so that there are several blocks, of different norms
KINDS = [("float64", "float32"), ("float64", "float64"), ("float32", "float32")]  # of the data, of the rows
EASY = [
    "noised",
    "offset",
    "near_ties",
    "far_query",
    "duplicates",
    "one_sign",
    "half_ulps",
    "halves",
]  # none underflows


ADDING_UP = "outlier", "half_ulps", "one_sign"  # what errs most in many dimensions, in this order


def integers(a):
    """The numbers times LATTICE, exactly."""
    pairs = (v.as_integer_ratio() for v in np.asarray(a, dtype=np.float64).ravel().tolist())
    return np.array([n * (LATTICE // d) for n, d in pairs], dtype=object).reshape(np.shape(a))


def rows_of(x, data, dtype, threads=1, host=np.asarray):
    size = max(float(abs(host(x)).max()), float(abs(host(data)).max()), 1e-150)
    return laid_out(Measured.of(data, BLOCK, threads), size, dtype)


def overlaps(x, rows):
    """Block after block, S of all pairs, and its bound, by the products that are used for arrays of this kind."""
    z, norms = rows.of(x)
    if compiled(x) is None:
        for part, norm, S in rows.products(z):
            yield part, S, rows.bound(norms, norm)
        return
    m = len(x)
    for part, norm in zip(rows.parts, rows.norms, strict=True):
        bound = rows.bound(norms, norm)
        query, sample, S = awaiting(x, rows, part, bound, np.full(m, -np.inf), np.full(m, 1e300))
        found = np.empty((m, part.stop - part.start), S.dtype)
        found[query, sample - part.start] = S
        assert S.size == found.size
        yield part, found, bound


def errors(x, data, dtype, host=np.asarray):
    """|S^ - S| and B for all pairs, S from the exact inputs about the centre and in the unit that were chosen."""
    rows = rows_of(x, data, dtype, host=host)
    centre, unit = integers(host(rows.centre)), Fraction(rows.unit)
    from_centre, to_sample = (integers(host(a)) - centre for a in (x, data))
    twice = 2 * from_centre @ to_sample.T - (to_sample * to_sample).sum(axis=1)
    error, bound = np.empty((2, *twice.shape))
    for part, S, own in overlaps(x, rows):
        assert S.dtype == dtype
        bound[:, part] = host(own)[:, None]
        for i, row in enumerate(host(S).tolist()):
            for j, value in zip(range(part.start, part.stop), row, strict=True):
                error[i, j] = abs(Fraction(twice[i, j], 2 * LATTICE**2) / unit**2 - Fraction(value))
    return error, bound


def worst(x, data, dtype, host=np.asarray):
    error, bound = errors(x, data, dtype, host)
    return (error / bound).max()


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(("source", "dtype"), KINDS)
def test_no_product_is_off_by_more_than_the_bound(ways, rng, name, source, dtype):
    for D in (1, 2, 3, 17, 130, *([3000] * (name in ADDING_UP))):
        M, N = (2, 6) if D > 1000 else (4, 12)
        assert worst(*attacked(name, rng, M, N, D, source), np.dtype(dtype)) <= 1, D


@PROPERTY
@given(st.data(), st.integers(1, 4), st.integers(1, 12), st.integers(1, 6), st.sampled_from(KINDS), st.booleans())
def test_any_numbers(draws, M, N, D, kinds, plain):
    source, dtype = kinds
    largest = {"float32": 2.0**50, "float64": 2.0**330}[source]
    numbers = st.floats(-largest, largest, width=int(source[-2:]))
    x, data = (draws.draw(arrays_of(source, (n, D), elements=numbers)) for n in (M, N))
    with without_numba(plain):
        assert worst(x, data, np.dtype(dtype)) <= 1


@pytest.mark.parametrize("name", EASY)
def test_other_libraries(backend, rng, name):
    x, data = attacked(name, rng, 3, 12, 7)
    for source, dtype in KINDS:
        here = (backend.array(a, source) for a in (x, data))
        assert worst(*here, getattr(backend.xp, dtype), backend.host) <= 1


def test_bfloat16(rng):
    torch = pytest.importorskip("torch")
    x, data = (torch.tensor(a).to(torch.bfloat16) for a in attacked("noised", rng, 3, 12, 7))
    assert worst(x, data, torch.float32, lambda a: a.to(torch.float64).numpy()) <= 1


# -- the bound says something: each of its terms is needed, and within a factor of a hundred


@pytest.mark.parametrize(("source", "dtype"), KINDS)
@pytest.mark.parametrize("term", ["|x'||y'|", "|y'|^2/2"])
def test_a_hundredth_of_either_term_is_too_little(ways, rng, source, dtype, term):
    far = term == "|x'||y'|"
    x, half = attacked("far_query" if far else "near_ties", rng, 8, 50, 2, source)
    # of both signs, so that the centre, and for near ties x', are near zero; powers of two would not be rounded
    data = np.concatenate([1.1 * half, -1.1 * half])
    rows = rows_of(x, data, np.dtype(dtype))
    cross, norm = rows.of(x)[1] * min(rows.norms), max(rows.norms) ** 2 / 2
    assert (cross > 1e4 * norm if far else cross < 1e-4 * norm).all()
    assert worst(x, data, np.dtype(dtype)) > 0.01


def test_the_absolute_part_is_needed_where_numbers_underflow(ways, rng):
    x, data = attacked("denormals_of_float32", rng, 4, 20, 3)
    error, bound = errors(x, data, np.float32)
    absolute = rows_of(x, data, np.float32).bound(np.zeros(1), 0.0)[0]
    assert absolute == 32 * 4 / float(np.finfo(np.float32).max)
    assert (error <= bound).all()
    assert (error > bound - absolute).any()


# -- the layout


def test_rows_are_what_they_say(ways, rng):
    x, data = attacked("offset", rng, 3, 12, 4)
    rows = rows_of(x, data, np.float64)
    z, norms = rows.of(x)
    assert rows.parts == tuple(slices(12, BLOCK))
    assert math.frexp(rows.unit)[0] == 0.5
    assert rows.unit >= 2 * max(
        abs(x).max(), abs(data).max()
    )  # so that |x'|, |y'| stay below 1 coordinate by coordinate
    moved, laid = (x - rows.centre) / rows.unit, (data - rows.centre) / rows.unit
    np.testing.assert_allclose(z, np.c_[moved, np.ones(3)], rtol=1e-15)
    np.testing.assert_allclose(norms, np.linalg.norm(moved, axis=1), rtol=1e-14)
    blocks = np.concatenate([rows.block(part) for part in rows.parts])
    np.testing.assert_allclose(blocks, np.c_[laid, -(laid**2).sum(axis=1) / 2], rtol=1e-14)
    for part, norm in zip(rows.parts, rows.norms, strict=True):
        np.testing.assert_allclose(norm, np.linalg.norm(laid[part], axis=1).max(), rtol=1e-14)


def test_measured(ways, rng):
    _, data = attacked("offset", rng, 3, 23, 4)
    measured = Measured.of(data, BLOCK)
    assert measured.extent == abs(data).max()
    pieces = measured.split(2)
    assert [len(piece.data) for piece in pieces] == [15, 8]
    np.testing.assert_array_equal(np.concatenate([piece.data for piece in pieces]), data)
    assert sum((piece.norms for piece in pieces), ()) == measured.norms
    for piece in pieces:
        for part, norm in zip(piece.parts, piece.norms, strict=True):
            away = np.linalg.norm(piece.data[part] - piece.centre, axis=1)
            np.testing.assert_allclose(norm, away.max(), rtol=1e-14)


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160])
def test_norms_of_samples_far_from_those_that_tell_the_unit(ways, size):
    """Neither underflow nor overflow of squares goes unnoticed."""
    data = np.zeros((3 * CENTRED + 1, 1))
    data[1] = size
    measured = Measured.of(data, BLOCK)
    assert measured.extent == size
    np.testing.assert_allclose(max(measured.norms), size, rtol=1e-14)


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_cannot_be_measured(ways, where, bad):
    data = np.zeros((3 * CENTRED + 1, 2))
    data[where, 1] = bad
    with pytest.raises(ValueError, match="data must be finite"):
        Measured.of(data, BLOCK)


def test_threads_change_nothing(ways, rng):
    x, data = attacked("noised", rng, 3, 40, 4)
    one, two = (rows_of(x, data, np.float32, threads) for threads in (1, 3))
    assert one.norms == two.norms


def test_a_dimension_too_large_for_the_bound():
    # (D + 6) u < 1/100 is what the proof needs
    most = math.ceil(0.01 * 2**24) - 7
    assert laid_out(Measured.of(np.zeros((1, most)), 1), 1.0, np.float32) is not None
    assert laid_out(Measured.of(np.zeros((1, most + 1)), 1), 1.0, np.float32) is None
    assert laid_out(Measured.of(np.zeros((1, most + 1)), 1), 1.0, np.float64) is not None


def test_the_largest_dimension_allowed(ways, rng):
    query, y = rng.uniform(0.3, 0.34, (2, 1, math.ceil(0.01 * 2**24) - 7)).astype(np.float32)
    rows = rows_of(query, np.concatenate([y, -y]), np.float32)
    assert (rows.centre == 0).all()  # so that products of coordinates are exact in float64, and fsum adds them exactly
    x, y = query[0].astype(np.float64) / rows.unit, y[0].astype(np.float64) / rows.unit
    products, norm = math.fsum(x * y), math.fsum(y * y) / 2
    ((_, S, bound),) = overlaps(query, rows)
    np.testing.assert_array_less(abs(S[0] - [products - norm, -products - norm]), bound[0])


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 24), ("float64", 53)])
def test_the_unit_roundoff_is_the_largest_rounding(dtype, digits):
    u = unit_roundoff(np.dtype(dtype), np)
    one = np.dtype(dtype).type(1)
    assert u == 2.0**-digits
    assert one + one * u == 1 < one + one * u * (1 + 1e-6) * 2


# -- direct differences


@pytest.mark.parametrize("name", [*EASY, "outlier"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_direct_differences_err_by_less_than_their_bound(rng, name, dtype):
    largest = 0.0
    for D in (1, 2, 3, 17, 300):
        x, data = attacked(name, rng, 4, 12, D, dtype)
        exact = ((integers(x)[:, None] - integers(data)[None]) ** 2).sum(axis=-1)
        bound = difference_error(D, np.dtype(dtype), np)
        for found, square in zip(_squares(x, data).ravel().tolist(), exact.ravel(), strict=True):
            error = abs(Fraction(found) - Fraction(square, LATTICE**2))
            assert error <= bound * Fraction(square, LATTICE**2), D
            largest = max(largest, error and float(error / Fraction(square, LATTICE**2) / Fraction(bound)))
    assert name != "noised" or largest > 0.01  # a bound a hundred times smaller would fail
