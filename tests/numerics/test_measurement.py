import numpy as np
import pytest

from numerics.measurement import Measurement, crossing, freed, jackknife


def close(a, b, rtol=1e-10):
    np.testing.assert_allclose(a.mean, b.mean, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(a.sem, b.sem, rtol=rtol, atol=1e-12)
    assert a.n == b.n


# -- mean and standard error


@pytest.mark.parametrize("shape", [(5,), (2,), (40, 3), (7, 2, 4)])
def test_of(rng, shape):
    draws = rng.standard_normal(shape)
    found = Measurement.of(draws)
    np.testing.assert_allclose(found.mean, draws.mean(axis=0))
    np.testing.assert_allclose(found.sem, np.std(draws, axis=0, ddof=1) / np.sqrt(shape[0]))
    assert found.n == shape[0]
    assert found.mean.shape == found.sem.shape == shape[1:]


def test_of_lists_and_integers():
    assert str(Measurement.of([1, 3])) == "2.0 ± 1.0"
    assert Measurement.of([[1, 2], [1, 4]]).sem.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("draws", "shape"), [([], r"\(0,\)"), ([1.0], r"\(1,\)"), (3.0, r"\(\)"), ([[1, 2]], r"\(1, 2\)")]
)
def test_too_few_draws(draws, shape):
    with pytest.raises(ValueError, match=f"a standard error needs at least 2 independent draws, got shape {shape}"):
        Measurement.of(draws)


def test_the_standard_error_covers():
    # 4000 means of 50 Gaussian draws: 2 sem hold 94.9 % (Student, 49 degrees of freedom), 5 sigma either way
    draws = np.random.default_rng(1).standard_normal((50, 4000))
    found = Measurement.of(draws)
    share = (np.abs(found.mean) < 2 * found.sem).mean()
    assert abs(share - 0.9490) < 5 * np.sqrt(0.949 * 0.051 / 4000)


def test_the_skewness_is_that_of_the_draws(rng):
    draws = rng.standard_exponential((100_000, 2))
    found = Measurement.of(draws)
    from_mean = draws - draws.mean(axis=0)
    np.testing.assert_allclose(found.skewness, (from_mean**3).mean(axis=0) / from_mean.std(axis=0) ** 3)
    np.testing.assert_allclose(found.skewness, 2, atol=0.2)
    np.testing.assert_allclose(Measurement.of(1e-150 * draws).skewness, found.skewness)
    np.testing.assert_allclose(Measurement.of(1e150 * draws).skewness, found.skewness)


@pytest.mark.parametrize("value", [0.1, -1e150, 0.0, 5e-324])
def test_draws_that_rounding_alone_tells_apart_are_equal(value):
    for draws in ([value] * 7, [value, np.nextafter(value, 1)] * 7) if value == 0.1 else ([value] * 7,):
        found = Measurement.of(draws)
        assert found.mean == pytest.approx(value)
        assert found.sem == found.skewness == 0
    assert Measurement.of([1.0, 1.0 + 1e-14]).sem > 0


def test_nan_among_the_draws_is_nan_in_all():
    found = Measurement.of([1.0, 1.0, np.nan])
    assert np.isnan([found.mean, found.sem, found.skewness]).all()


@pytest.mark.parametrize("unit", [-1000, -600, 600, 1010])
def test_draws_may_have_any_unit(rng, unit):
    draws = 3 + rng.standard_normal((50, 2))
    found, plain = Measurement.of(np.ldexp(draws, unit)), Measurement.of(draws)
    np.testing.assert_array_equal(found.mean, np.ldexp(plain.mean, unit))
    np.testing.assert_array_equal(found.sem, np.ldexp(plain.sem, unit))
    np.testing.assert_allclose(found.skewness, plain.skewness, rtol=1e-12)


@pytest.mark.parametrize(
    ("draws", "said"),
    [
        (np.ma.masked_greater([1.0, 2.0, 3.0], 2), "must not be masked, got 1 masked cells"),
        (["1", "2"], "must be a numeric array"),
        ([1j, 2], "must be a numeric array"),
        (np.array(["2020", "2021"], dtype="M8[Y]"), "must be a numeric array"),
        ([1.0, None], "is missing"),
    ],
)
def test_draws_are_numbers(draws, said):
    for make in (Measurement.of, lambda draws: jackknife(draws, np.exp)):
        with pytest.raises(ValueError, match=said):
            make(draws)


@pytest.mark.parametrize("draws", [[1, 2, np.inf], [np.inf, np.inf], [-np.inf, np.inf]])
def test_infinite_draws_have_no_error(draws):
    assert np.isnan(Measurement.of(draws).sem)


def test_some_of_the_elements(rng):
    whole = Measurement.of(rng.standard_exponential((50, 3, 2)))
    part = whole[1:, 0]
    for array in ("mean", "sem", "skewness"):
        np.testing.assert_array_equal(getattr(part, array), getattr(whole, array)[1:, 0])
    assert part.n == 50
    assert Measurement(np.ones((3, 2)), np.ones((3, 2)), 5)[0].skewness.tolist() == [0, 0]


# -- functions of means


def test_delta_method(rng):
    draws = 2 + 0.01 * rng.standard_normal((500, 3))
    found = Measurement.of(draws).through(np.exp, np.exp)
    plain = Measurement.of(draws)
    np.testing.assert_allclose(found.mean, np.exp(plain.mean))
    np.testing.assert_allclose(found.sem, np.exp(plain.mean) * plain.sem)
    assert found.n == 500
    falling = plain.through(lambda v: -3 * v, lambda v: -3.0 + 0 * v)
    np.testing.assert_allclose(falling.sem, 3 * plain.sem)
    np.testing.assert_allclose(falling.skewness, -plain.skewness)
    np.testing.assert_allclose(found.skewness, plain.skewness)
    np.testing.assert_allclose(found.sem, jackknife(draws, np.exp).sem, rtol=0.5)


def test_jackknife_of_a_mean_is_its_standard_error(rng):
    draws = rng.standard_normal((40, 3))
    found = jackknife(draws, lambda mean: mean, groups=40)
    close(found, Measurement.of(draws))
    np.testing.assert_allclose(found.skewness, Measurement.of(draws).skewness, rtol=1e-9)


def test_jackknife_of_a_ratio_is_the_delta_method(rng):
    n = 4000
    a = rng.standard_normal(n)
    draws = np.stack([3 + a + rng.standard_normal(n), 5 + 2 * a + rng.standard_normal(n)], axis=1)
    found = jackknife(draws, lambda mean: mean[0] / mean[1])
    m = draws.mean(axis=0)
    slope = np.array([1 / m[1], -m[0] / m[1] ** 2])
    expected = np.sqrt(slope @ np.cov(draws.T) @ slope / n)
    np.testing.assert_allclose(found.mean, m[0] / m[1])
    # the error of an error from 200 groups is 5 %: 5 of those
    np.testing.assert_allclose(found.sem, expected, rtol=0.25)
    assert found.n == 200


def test_the_jackknife_covers():
    # 1500 ratios of two correlated means, 60 draws each: 2 sem hold 94 to 96 %, and 5 sigma of 1500 trials is 2.9 %
    random = np.random.default_rng(2)
    a = random.standard_normal((60, 1500))
    draws = np.stack([3 + a + random.standard_normal(a.shape), 10 + a + random.standard_normal(a.shape)], axis=1)
    found = jackknife(draws, lambda mean: mean[0] / mean[1], groups=30)
    share = (np.abs(found.mean - 0.3) < 2 * found.sem).mean()
    assert 0.94 - 0.029 < share < 0.96 + 0.029


@pytest.mark.parametrize("n", [2, 3, 7, 201, 399])
def test_jackknife_with_groups_that_do_not_divide(rng, n):
    found = jackknife(rng.standard_normal((n, 2)), lambda mean: mean**2)
    assert found.n == min(n, 200)
    assert (found.sem > 0).all()


@pytest.mark.parametrize(("draws", "groups"), [([1.0], 50), ([], 50), (1.0, 50), ([1.0, 2.0, 3.0], 1), ([1.0, 2.0], 0)])
def test_too_few_draws_to_leave_out(draws, groups):
    with pytest.raises(ValueError, match="a jackknife needs at least 2 independent draws and 2 groups, got shape"):
        jackknife(draws, lambda mean: mean, groups)


# -- crossings


def test_crossing_is_linear_in_log_t():
    t = np.geomspace(0.01, 100, 9)
    f = -3 * np.log(t)[:, None] + np.array([0.0, 2.0, -5.5])
    np.testing.assert_allclose(crossing(t, f, 1.0), np.exp((np.array([0.0, 2.0, -5.5]) - 1) / 3), rtol=1e-12)


def test_crossing_keeps_the_shape():
    t = np.array([1.0, 2.0, 4.0])
    assert crossing(t, np.array([3.0, 2.0, 1.0]), 2.5).shape == ()
    assert crossing(t, np.ones((3, 2, 4)), 0.0).shape == (2, 4)


def test_crossing_on_a_grid_point():
    assert crossing(np.array([1.0, 2.0, 4.0]), np.array([3.0, 2.0, 1.0]), 2.0) == 2.0


def test_crossing_takes_the_first_fall():
    f = np.array([0.0, 2.0, 0.0, 2.0, 0.0])
    t = np.exp(np.arange(5.0))
    np.testing.assert_allclose(crossing(t, f, 1.0), np.exp(1.5))


@pytest.mark.parametrize("f", [[3, 2, 1.5], [0.9, 0.5, 0], [0, 1, 2], [np.nan, np.nan, np.nan]])
def test_crossing_without_bracket(f):
    assert np.isnan(crossing(np.array([1.0, 2.0, 4.0]), np.array(f, dtype=float), 1.0))


def test_crossing_on_one_time():
    assert np.isnan(crossing(np.array([1.0]), np.array([3.0]), 1.0))


def test_crossing_of_a_grid_in_any_order(rng):
    t = np.geomspace(0.01, 10, 12)
    f = np.stack([-np.log(t), 1 - t], axis=1)
    expected = crossing(t, f, 0.2)
    assert np.isfinite(expected).all()
    for order in (slice(None, None, -1), rng.permutation(12)):
        assert (crossing(t[order], f[order], 0.2) == expected).all()


def test_events_that_all_happened_have_an_error():
    never, half, always = (Measurement.of_events(draws) for draws in ([0] * 30, [0, 1] * 15, [1] * 30))
    assert (never.mean, always.mean) == (0, 1)
    assert [never.sem, always.sem] == pytest.approx([0.04035] * 2, rel=1e-4)
    assert half.sem == Measurement.of([0, 1] * 15).sem


def test_the_interval_of_events_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for chance in (0.01, 0.1, 0.5):
        m = Measurement.of_events(rng.random((30, 20_000)) < chance)
        assert (np.abs(m.mean - chance) <= 1.96 * m.sem).mean() > 0.94


# -- what is known is taken off


def test_what_is_known_is_taken_off(rng):
    """All of it where draws owe everything to it, and nothing but its share of the error else."""
    known = rng.standard_normal((50, 2))
    np.testing.assert_allclose(freed(3 + known @ [[1.0], [2.0]], known), 3, rtol=1e-12)
    draws = rng.standard_normal((50, 4, 3))
    assert freed(draws, known).shape == draws.shape


def test_the_error_of_freed_draws_covers():
    """Of 4000 means of 12 draws with two fitted coefficients: the scatter of a standard deviation is 1.1 %."""
    random = np.random.default_rng(3)
    means, errors = [], []
    for _ in range(4000):
        known = random.standard_normal((12, 2))
        found = Measurement.of(freed(known @ [2.0, -1.0] + random.standard_normal(12), known))
        means.append(found.mean)
        errors.append(found.sem)
    assert np.std(means) / np.sqrt(np.mean(np.square(errors))) == pytest.approx(1, abs=0.055)


def test_too_few_draws_for_a_regression():
    with pytest.raises(ValueError, match="a regression on 3 quantities needs at least 6 draws, got 4"):
        freed(np.zeros(4), np.zeros((4, 3)))
