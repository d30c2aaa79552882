"""The state of an average: what merging and slicing leave as it is, and what its certificate promises."""

from dataclasses import fields, replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.gibbs import gibbs_moments
from numerics.moments import NEGLIGIBLE, SHARED, GibbsMoments
from tests.numerics.conftest import PROPERTY, Exact, without_numba

U = {"float32": 2.0**-24, "float64": 2.0**-53}
KINDS = [(None, None), ("diagonal", None), ("full", None), ("diagonal", 2), ("full", 2)]  # covariance, basis


def states(rng, parts, T, covariance=None, along=None, M=4, D=3):
    """The moments over several sets of samples, at shape (T, M) or, for T = 0, (M,), with certificates of their own."""
    x = rng.standard_normal((M, D))
    t = np.geomspace(0.1, 10, T)[:, None] if T else 0.5
    basis = None if along is None else np.linalg.qr(rng.standard_normal((D, along)))[0]
    found = [gibbs_moments(x, rng.standard_normal((n, D)), t, covariance=covariance, basis=basis) for n in parts]
    shape = found[0].shift.shape
    return [replace(m, rounding=rng.uniform(size=shape), neglected=rng.uniform(size=shape)) for m in found]


def same(a, b, rtol=0.0, but=()):
    for field in fields(GibbsMoments):
        mine, theirs = getattr(a, field.name), getattr(b, field.name)
        if field.name in but or mine is None or theirs is None:
            assert field.name in but or mine is theirs, field.name
        else:
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=10 * rtol, err_msg=field.name)


# -- slicing


@pytest.mark.parametrize(("covariance", "along"), KINDS)
@pytest.mark.parametrize("T", [1, 2, 5])
def test_joined_is_the_inverse_of_apart(rng, T, covariance, along):
    (m,) = states(rng, [7], T, covariance, along)
    parts = m.apart()
    assert len(parts) == T
    for k, part in enumerate(parts):
        assert part.t.shape == (1, 4)
        assert part.queries is m.queries
        assert (part.mean == m.mean[k : k + 1]).all()
        assert (part.rounding == m.rounding[k : k + 1]).all()
    same(GibbsMoments.joined(parts, axis=0), m)
    if T == 5:
        same(GibbsMoments.joined([GibbsMoments.joined(parts[:2], axis=0), *parts[2:]], axis=0), m)


@pytest.mark.parametrize(("covariance", "along"), KINDS)
def test_queries_side_by_side(rng, covariance, along):
    (m,) = states(rng, [7], 3, covariance, along)
    parts = [replace(m.each(lambda a, k=k: a[:, k : k + 1]), queries=m.queries[k : k + 1]) for k in range(4)]
    same(GibbsMoments.joined(parts, axis=1), m)


def test_one_part_is_itself(rng):
    (m,) = states(rng, [7], 1)
    assert GibbsMoments.joined([m], axis=0) is m
    assert GibbsMoments.joined([m], axis=1) is m


def test_each_changes_every_array_of_that_shape_and_no_other(rng):
    (m,) = states(rng, [7], 2, "full", 2)
    changed = m.each(lambda a: a[:1] * 0 + 17)
    for field in fields(GibbsMoments):
        before, after = getattr(m, field.name), getattr(changed, field.name)
        if field.name in SHARED:
            assert before is after
        else:
            assert (after == 17).all()
            assert after.shape == (1, *before.shape[1:])


# -- merging


@pytest.mark.parametrize(("covariance", "along"), KINDS)
@pytest.mark.parametrize("T", [0, 1, 3])
def test_merging_is_associative_and_all_but_commutative(rng, T, covariance, along):
    a, b, c = states(rng, [5, 1, 9], T, covariance, along)
    left, right = (a + b) + c, a + (b + c)
    same(left, right, rtol=1e-13)
    same(a + b, b + a, rtol=1e-13, but=("nearest",))
    assert left.count == 15
    assert (left.nearest == right.nearest).all()
    for name in ("rounding", "neglected"):  # of the worst part, exactly
        worst = reduce(np.maximum, (getattr(m, name) for m in (a, b, c)))
        assert (getattr(left, name) == worst).all()
        assert (getattr(right, name) == worst).all()
    assert (left.error == np.minimum(2, np.expm1(2 * left.rounding) + 2 * left.neglected)).all()


@pytest.mark.parametrize(("covariance", "along"), KINDS)
def test_merging_is_that_of_the_union(rng, covariance, along):
    x, data = rng.standard_normal((4, 3)), rng.standard_normal((15, 3))
    basis = None if along is None else np.linalg.qr(rng.standard_normal((3, along)))[0]
    t = np.array([[1e-3], [0.3], [1e3]])
    parts = [gibbs_moments(x, data[k : k + 5], t, covariance=covariance, basis=basis) for k in (0, 5, 10)]
    whole = gibbs_moments(x, data, t, covariance=covariance, basis=basis)
    merged = reduce(add, parts)
    # rounding of energies up to 1e4 moves log weights by 1e4 * 2^-52 or so, a dozen times over
    same(merged, whole, rtol=1e-10, but=("rounding", "neglected"))


def test_a_lighter_state_far_away_adds_nothing(rng):
    """Beyond exp(-700) a part is held there, and stays without weight."""
    (a,) = states(rng, [5], 2)
    b = a.each(lambda v: v)
    b = replace(b, shift=a.shift - 1e5, mean=a.mean + 1e100)
    for both in (a + b, b + a):
        np.testing.assert_allclose(both.mean, a.mean, rtol=1e-15)
        np.testing.assert_allclose(both.log_partition, a.log_partition, rtol=1e-15)
        np.testing.assert_allclose(both.energy_variance, a.energy_variance, rtol=1e-9)
        assert (both.weight >= a.weight).all()
    assert np.exp(-NEGLIGIBLE) * 1e100 < 1e-200


OTHERS = {
    "queries": lambda m: replace(m, queries=m.queries[:2]),
    "times": lambda m: m.each(lambda a: a[:1]),
    "shape of t": lambda m: m.each(lambda a: a[0]),
    "temperature": lambda m: replace(m, temperature=2.0),
    "no covariance": lambda m: replace(m, scatter=None),
    "diagonal": lambda m: replace(m, scatter=m.scatter[..., 0]),
    "fewer directions": lambda m: replace(m, scatter=m.scatter[..., :1, :1]),
}


@pytest.mark.parametrize("other", OTHERS)
def test_different_questions_do_not_add_up(rng, other):
    (m,) = states(rng, [7], 2, "full")
    for pair in ((m, OTHERS[other](m)), (OTHERS[other](m), m)):
        with pytest.raises(ValueError, match="only moments at the same queries, times and temperature"):
            add(*pair)


# -- the certificate


def certified(D, N, log_t, offset, dtype, noised, seed, tolerance=None, covariance=None, **options):
    """How much of its certificate an answer uses."""
    random = np.random.default_rng(seed)
    data = (10**offset * random.standard_normal(D) + random.standard_normal((N, D))).astype(dtype)
    x = data[random.integers(N, size=3)]
    if noised:
        x = (x + 10 ** (log_t / 2) * random.standard_normal(x.shape)).astype(dtype)
    t = 10**log_t * np.array([[1.0], [30.0]])
    found = gibbs_moments(x, data, t, tolerance=tolerance, covariance=covariance, **options)
    return Exact(x, data, t).certify(found, u=U[dtype])


@PROPERTY
@given(
    D=st.sampled_from([1, 2, 3, 5, 16, 17, 32, 33, 64, 100]),  # either side of where the ways part
    N=st.integers(1, 700),
    log_t=st.floats(-6, 6),
    offset=st.floats(-3, 3),
    dtype=st.sampled_from(sorted(U)),
    noised=st.booleans(),
    tolerance=st.sampled_from([None, 1e-3, 0.5]),
    covariance=st.sampled_from([None, "diagonal", "full"]),
    plain=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_error_bounds_what_is_done_to_the_weights(
    D, N, log_t, offset, dtype, noised, tolerance, covariance, plain, seed
):
    with without_numba(plain):
        certified(D, N, log_t, offset, dtype, noised, seed, tolerance, covariance)


@PROPERTY
@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    D=st.sampled_from([1, 3, 17, 40, 100]),
    log_t=st.floats(-6, 6),
    dtype=st.sampled_from(sorted(U)),
    plain=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_error_of_what_was_merged(sizes, D, log_t, dtype, plain, seed):
    random = np.random.default_rng(seed)
    parts = [(random.standard_normal((n, D)) * 10 ** random.uniform(-2, 1)).astype(dtype) for n in sizes]
    x = (random.standard_normal((3, D)) * 10 ** random.uniform(-2, 1)).astype(dtype)
    with without_numba(plain):
        merged = reduce(add, [gibbs_moments(x, part, 10**log_t) for part in parts])
    Exact(x, np.concatenate(parts), 10**log_t).certify(merged, u=U[dtype])


@pytest.mark.parametrize("dtype", sorted(U))
@pytest.mark.parametrize("D", [1, 64])
def test_a_small_part_of_the_certificate_is_too_little(ways, rng, dtype, D):
    """Two samples of nearly the same weight, at a distance of many sqrt(t), where log weights are rounded most.

    The certificate is for the worst case, where D roundings add up; as they come they add up to sqrt(D).
    """
    used = 0.0
    for _ in range(50):
        t = 10 ** rng.uniform(0, 1) * U[dtype] ** 0.5
        x, away = rng.uniform(-1, 1, (1, D)), rng.standard_normal((2, D))
        away *= (1 + t * rng.uniform(size=(2, 1))) / np.linalg.norm(away, axis=1, keepdims=True)
        x, data = x.astype(dtype), (x + away).astype(dtype)
        found = gibbs_moments(x, data, t)
        off = abs(found.largest_weight - Exact(x, data, t).largest_weight)
        used = max(used, float((off / found.error).max()))
    assert 2e-3 / D**0.5 < used <= 1


# -- numbers at the edge


def test_an_unbounded_rounding_bounds_weights_by_two(rng):
    (m,) = states(rng, [7], 1)
    for rounding in (0.3, 1.0, 400.0, 1e308, np.inf):
        found = replace(m, rounding=np.full_like(m.rounding, rounding), neglected=np.zeros_like(m.neglected)).error
        assert (found == min(2.0, np.expm1(min(2 * rounding, 5.0)))).all()


def test_what_float64_cannot_hold_is_infinite_without_a_warning():
    m = gibbs_moments(np.zeros((1, 1)), np.array([[1.0], [2.0]]), 1e-150, temperature=1e100)
    hot = replace(m, t=np.array([5e-324]), temperature=1e308, shift=np.array([-1e308]))
    assert np.isposinf(hot.score).all()
    assert np.isposinf(hot.energy).all()
    assert np.isposinf(replace(m, temperature=1e155, log_weight_squared=m.weight * 3).energy_variance).all()


@pytest.mark.parametrize("temperature", [1e-100, 1e-10, 1e10, 1e100])
def test_the_energy_of_any_temperature(temperature):
    data = np.array([[1.0], [2.0], [4.0]])
    m = gibbs_moments(np.zeros((1, 1)), data, 1.0, temperature=temperature)
    energies = data[:, 0] ** 2 / 2
    w = np.exp((energies[0] - energies) / temperature)
    w /= w.sum()
    assert m.energy[0] == pytest.approx(w @ energies, rel=1e-12)
    if temperature < 1e20:  # beyond, the energies are differences of log weights that rounding has
        assert m.energy_variance[0] == pytest.approx(w @ (energies - w @ energies) ** 2, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("temperature", [5e-324, 1e-101, 1e101, 1e155, 1e308])
def test_temperatures_whose_energies_float64_loses_are_refused(temperature):
    t = 1 / max(temperature, 1e-300)
    with pytest.raises(ValueError, match=r"temperature must lie between 1e-100 and 1e\+100|t times the temperature"):
        gibbs_moments(np.zeros((1, 2)), np.ones((3, 2)), t, temperature=temperature)


def test_noise_variances_at_the_edge_of_float64():
    x, data = np.zeros((1, 12)), np.stack([np.full(12, v) for v in (1.0, 2.0, 3.0)])
    m = gibbs_moments(x, data, 1e308, temperature=1e-100)
    assert m.participation[0] == pytest.approx(1 / 3, rel=1e-14)
    assert np.isfinite(m.log_density).all()
