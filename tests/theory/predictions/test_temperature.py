from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import ndtri

from tests.theory.conftest import cases, decades, legendre, observe, small_manifolds
from theory.averages.nearest_sample import tilted_is_nearest
from theory.observable import observables
from theory.predictions import collapse, condensation, temperature
from theory.setting import LinearManifold, Setting
from validation.statistics import threshold

EIGHT = Setting.of("1.0x8", samples=300, temperature=2.0)
THREE = np.array([-1.0, 0.2, 0.5])
TEMPERATURES = 0.3, 1.0, 2.0, 7.0
CHEAP = [name for name, about in observables(temperature).items() if not about.slow]
temperatures = decades(-1.5, 1.5)


def shares(N, T):
    return temperature.sample_probabilities(Setting.of("1x1", samples=N, temperature=T))


def posterior_mean(x, samples, noise):
    """Of samples in one dimension, by their weights; shape of x."""
    energy = -((x[:, None] - samples) ** 2) / (2 * noise)
    weights = np.exp(energy - energy.max(axis=1, keepdims=True))
    return weights @ samples / weights.sum(axis=1)


def probability_flow(x, samples, T, first, last):
    """Where dx/dt = -s_T/2 takes x from t = first to last, in log t: s_T = (m^_tT - x)/t; T a number or a function of t."""

    def slope(u, x):
        t = np.exp(u)
        return (x - posterior_mean(x, samples, t * (T(t) if callable(T) else T))) / 2

    ends = np.log(first), np.log(last)
    return solve_ivp(slope, ends, x, method="DOP853", rtol=1e-8, atol=1e-10).y[:, -1]


def gauss(function, *variances):
    """E of a polynomial of degree below 20 in independent centred Gaussians, exact."""
    z, w = np.polynomial.hermite_e.hermegauss(10)
    grid = np.meshgrid(*(np.sqrt(v) * z for v in variances), indexing="ij")
    weights = np.prod(np.meshgrid(*(w / w.sum() for _ in variances), indexing="ij"), axis=0)
    return (weights * function(*grid)).sum()


def density(variance, noise, T):
    """The information density of one direction at a generated point, a function of x and of y less its mean given x."""

    def of(x, spread):
        y = variance * x / (variance + noise) + spread
        log_ratio = np.log1p(variance / noise) / 2
        return log_ratio - (x - y) ** 2 / (2 * noise) + x**2 / (2 * (variance + noise))

    return of, ((variance + noise) / T, variance * noise / (variance + noise))


# the change of time


@pytest.mark.parametrize("T", [0.5, 2.0])
def test_the_tempered_flow_is_the_plain_one_in_another_time(T):
    x = np.random.default_rng(0).normal(size=40) * 30
    tempered = probability_flow(x, THREE, T, 1e3, 1e-2)
    np.testing.assert_allclose(probability_flow(x, THREE, 1.0, T * 1e3, T * 1e-2), tempered, rtol=1e-5, atol=1e-6)
    assert np.abs(probability_flow(x, THREE, 1.0, 1e3, 1e-2) - tempered).max() > 1e-2


@pytest.mark.parametrize("T", [0.3, 1.0, 3.0])
def test_at_every_temperature_the_flow_ends_on_samples(T):
    """|x - y| falls as sqrt t: within a thirtieth of the smallest gap, but for starts at an edge, which are not drawn."""
    x = np.random.default_rng(1).normal(size=200) * 10
    distance = np.abs(probability_flow(x, THREE, T, 1e2, 1e-8)[:, None] - THREE).min(axis=1)
    assert distance.max() < 0.01


def test_a_temperature_that_rises_as_t_falls():
    """T = (c/t)^1/2 ends on samples, T = 1 + c/t on the modes of a kernel estimate."""
    x, c = np.random.default_rng(1).normal(size=200) * 10, 0.1
    ends = probability_flow(x, THREE, lambda t: np.sqrt(c / t), 1e2, 1e-8)
    assert np.abs(ends[:, None] - THREE).min(axis=1).max() < 0.01
    ends = probability_flow(x, THREE, lambda t: 1 + c / t, 1e2, 1e-10)
    np.testing.assert_allclose(posterior_mean(ends, THREE, c), ends, atol=1e-3)
    assert len(np.unique(ends.round(2))) == 2  # samples at 0.2 and 0.5 have one mode


@pytest.mark.parametrize("T", [0.5, 2.0])
def test_the_flow_draws_each_sample_as_often_as_predicted(T):
    n, first = 2001, 1e7
    starts = np.sqrt(first) * ndtri((np.arange(n) + 0.5) / n)
    ends = probability_flow(starts, THREE, T, first, 1e-6)
    share = np.bincount(np.abs(ends[:, None] - THREE).argmin(axis=1), minlength=3) / n
    # the grid of starts is wrong by one at each edge, and the mean of samples is 0.1/sqrt(first) deviations off
    np.testing.assert_allclose(share, shares(3, T), atol=2 / n + 1e-4)


# what infinitely many samples generate


@pytest.mark.parametrize("T", TEMPERATURES)
def test_the_variance_solves_its_equation(T):
    """In t itself, from t_max: dv/dt = T v/(lambda + tT) by the ODE, 2 T v/(lambda + tT) - 1 by the reverse SDE."""
    lam, last, first = 0.7, 0.05, 40.0
    for name, slope in (
        ("variance_ode", lambda t, v: T * v / (lam + t * T)),
        ("variance_sde", lambda t, v: 2 * T * v / (lam + t * T) - 1),
    ):
        solved = solve_ivp(slope, (first, last), [first], method="DOP853", rtol=1e-13, atol=1e-13).y[0, -1]
        assert temperature.derivation()[name](lam, last, T, first) == pytest.approx(solved, rel=1e-10)


@given(st.floats(0.1, 10), decades(-3, 2), temperatures)
def test_from_far_both_generate_the_same(lam, t, T):
    for name in ("variance_ode", "variance_sde"):
        found = temperature.derivation()[name](lam, t, T, 1e13)
        assert found == pytest.approx(lam / T + t, rel=1e-9)
    setting = Setting.of([(lam, 2)], times=[t], temperature=T)
    for observable in (temperature.generated_variance_ode, temperature.generated_variance_sde):
        np.testing.assert_allclose(observable(setting), [[lam / T + t]], rtol=1e-13)


@pytest.mark.parametrize("T", TEMPERATURES)
def test_the_denoised_variance_is_that_of_the_posterior_mean(T):
    setting = Setting.of("1x2,0.1x3", times=[0.05, 0.7], temperature=T)
    lam, noise = setting.manifold.variances, T * setting.t[:, None]
    expected = (lam / (lam + noise)) ** 2 * temperature.generated_variance_ode(setting)
    np.testing.assert_allclose(temperature.denoised_variance(setting), expected, rtol=1e-13)


# condensation


def test_the_values_of_the_notes():
    """lambda = 1 in 8 directions, N = 300, T = 2: t_C(T) = .0936, and t_C/T = .158 at x ~ p_t."""
    assert temperature.collapse_time_generated(EIGHT) == pytest.approx(0.0936, abs=5e-5)
    assert collapse.collapse_time(EIGHT.plain) / 2 == pytest.approx(0.158, abs=5e-4)
    np.testing.assert_allclose(shares(3, 2.0), [0.2712, 0.4576, 0.2712], atol=5e-5)


@pytest.mark.parametrize("T", TEMPERATURES)
@pytest.mark.parametrize(("lam", "t"), [(1.0, 0.2), (0.3, 2.0), (5.0, 0.01)])
def test_information_and_dispersion_are_those_of_the_density(lam, t, T):
    of, variances = density(lam, t, T)
    mean = gauss(of, *variances)
    spread = gauss(lambda *at: (of(*at) - mean) ** 2, *variances)
    assert temperature.derivation()["information_generated"](lam, t, T) == pytest.approx(mean, rel=1e-11)
    assert temperature.derivation()["dispersion_generated"](lam, t, T) == pytest.approx(spread, rel=1e-11)


@given(cases(small_manifolds), temperatures)
def test_generated_points_condense_where_their_relative_entropy_is_log_n(setting, T):
    setting = setting.at(temperature=T)
    manifold, noise = setting.manifold, T * temperature.collapse_time_generated(setting)
    squares = manifold.dimensions * (manifold.variances + noise) / T
    level = condensation.relative_entropy(manifold, np.array(noise), squares)
    assert level == pytest.approx(setting.log_samples, rel=1e-10)


@pytest.mark.parametrize("T", TEMPERATURES)
def test_the_collapse_time_against_a_root_of_many_digits(T):
    setting = Setting.of("1.0x6,0.2x9", samples=5000, temperature=T)

    def excess(s):
        directions = ((mpmath.mpf(1), 6), (mpmath.mpf("0.2"), 9))
        level = sum(m * (mpmath.log(1 + v / s) - (1 - 1 / mpmath.mpf(T)) * v / (v + s)) for v, m in directions) / 2
        return level - mpmath.log(5000)

    with mpmath.workdps(30):
        root = mpmath.findroot(excess, (mpmath.mpf("0.01"), mpmath.mpf(3)), solver="anderson", tol=1e-25)
    assert temperature.collapse_time_generated(setting) == pytest.approx(float(root) / T, rel=1e-12)


@given(cases(), decades(0.05, 1.5))
def test_for_more_than_1_they_condense_below_the_weights_at_noised_data(setting, T):
    plain = collapse.collapse_time(setting)
    assert temperature.collapse_time_generated(setting.at(temperature=T)) < plain / T
    assert temperature.collapse_time_generated(setting.at(temperature=1 / T)) > plain * T


@given(cases())
def test_at_the_threshold_the_denoised_variance_falls_from_1_on_along_every_direction(setting):
    def left(T):
        at = setting.at(temperature=T)
        return temperature.denoised_variance(at.at(times=temperature.collapse_time_generated(at)))[0]

    found = np.array([left(T) for T in (1.0, 1.3, 2.0, 10.0)])
    assert (np.diff(found, axis=0) < 1e-12 * found[:-1]).all()
    assert (found[-1] < found[0]).all()


@pytest.mark.parametrize("T", TEMPERATURES)
def test_the_frozen_variance_is_that_of_the_samples_drawn(T):
    """Data weighted by exp(-(T - 1) x^2/2(lambda + t')), x noised to t'_C: the inverse of their precision matrix."""
    setting = Setting.of("1.0x6,0.2x9", samples=5000, temperature=T)
    noise = T * temperature.collapse_time_generated(setting)
    for k, lam in enumerate((1.0, 0.2)):
        precision = [[1 / noise + (T - 1) / (lam + noise), -1 / noise], [-1 / noise, 1 / lam + 1 / noise]]
        covariance = np.linalg.inv(precision)
        assert covariance[0, 0] == pytest.approx((lam + noise) / T, rel=1e-12)  # of x itself
        assert temperature.frozen_variance(setting)[k] == pytest.approx(covariance[1, 1], rel=1e-11)


def test_the_frozen_variance_lies_between_that_of_the_law_and_of_the_data():
    found = np.array([temperature.frozen_variance(EIGHT.at(temperature=T))[0] for T in (1.0, 1.5, 2.0, 4.0)])
    assert found[0] == pytest.approx(1.0, rel=1e-14)
    assert (np.diff(found) < 0).all()
    assert (found[1:] > 1 / np.array([1.5, 2.0, 4.0])).all()


def test_the_memorized_fraction_is_one_half_at_collapse():
    at = EIGHT.at(times=temperature.collapse_time_generated(EIGHT) * np.array([0.3, 1.0, 3.0]))
    found = temperature.memorized_fraction(at)
    assert found[1] == pytest.approx(0.5, abs=1e-9)
    assert (np.diff(found) < 0).all()


def test_the_memorized_fraction_is_a_normal_probability():
    setting = Setting.of("1.0x6,0.2x9", samples=5000, times=[0.02, 0.1, 0.4], temperature=2.0)
    with mpmath.workdps(30):
        for t, found in zip(setting.t, temperature.memorized_fraction(setting), strict=True):
            mean = spread = 0
            for v, m in ((1.0, 6), (0.2, 9)):
                of, variances = density(v, 2 * t, 2.0)
                one = gauss(of, *variances)
                mean += m * one
                spread += m * gauss(lambda *at, of=of, one=one: (of(*at) - one) ** 2, *variances)
            assert found == pytest.approx(float(mpmath.ncdf((mean - np.log(5000)) / np.sqrt(spread))), rel=1e-10)


def test_the_largest_weight_against_another_rule():
    """Gauss-Legendre in the radius of x, of variance (lambda + t')/T."""
    setting = Setting.of("0.7x5", samples=40, times=[0.2], temperature=2.0)
    squares, weights = legendre((5,), 40)
    expected = weights @ tilted_is_nearest(setting.manifold, squares * (0.7 + 0.4) / 2, 1 / 0.8, 40)
    assert temperature.largest_weight_generated(setting)[0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("T", [0.5, 2.0])
def test_the_largest_weight_against_draws(T):
    """Of x, of one sample by its posterior given x, and of all others: how often that one is nearest, and the largest weight."""
    D, N, noise, draws = 3, 20, 0.3, 20000
    rng = np.random.default_rng(0)
    x = rng.normal(size=(draws, 1, D)) * np.sqrt((1 + noise) / T)
    samples = rng.normal(size=(draws, N, D))
    samples[:, :1] = x / (1 + noise) + samples[:, :1] * np.sqrt(noise / (1 + noise))
    energy = ((x - samples) ** 2).sum(axis=2) / (2 * noise)
    weights = np.exp(energy.min(axis=1, keepdims=True) - energy)
    setting = Setting.of([(1.0, D)], samples=N, times=[noise / T], temperature=T)
    expected = temperature.largest_weight_generated(setting)[0]
    for found in (energy.argmin(axis=1) == 0, weights.max(axis=1) / weights.sum(axis=1)):
        assert abs(found.mean() - expected) < threshold(draws) * found.std() / np.sqrt(draws)


# one temperature


@given(cases())
def test_at_one_it_is_collapse(setting):
    assert temperature.collapse_time_generated(setting) == collapse.collapse_time(setting)
    found, expected = temperature.memorized_fraction(setting), collapse.memorized_probability_asymptotic(setting)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(temperature.frozen_variance(setting), setting.manifold.variances, rtol=1e-13)
    for N in (2, 3, 10):
        np.testing.assert_allclose(shares(N, 1.0), 1 / N, rtol=1e-13)


def test_at_one_the_largest_weight_is_the_memorized_probability():
    setting = EIGHT.at(temperature=1.0, times=[0.1, 1.0])
    found, expected = temperature.largest_weight_generated(setting), collapse.memorized_probability(setting)
    np.testing.assert_array_equal(found, expected)


# units, schedules, domains


@pytest.mark.parametrize("name", [*CHEAP, "largest_weight_generated"])
def test_what_follows_the_temperature_changes_with_it(name):
    at = Setting.of("1x4", samples=50, times=[0.1], temperature=2.0)
    found, plain = (np.ravel(observe("temperature", name, setting)) for setting in (at, at.plain))
    assert (np.abs(found / plain - 1) > 0.01).all()


@pytest.mark.parametrize("name", [*CHEAP, "largest_weight_generated"])
@pytest.mark.parametrize("T", [0.5, 3.0])
def test_units_drop_out_at_every_temperature(name, T):
    setting = Setting.of("1x4", samples=50, times=[0.05, 0.4], temperature=T)
    scaled = Setting.of("9x4", samples=50, times=[0.45, 3.6], temperature=T)
    found, plain = (observe("temperature", name, at) for at in (scaled, setting))
    np.testing.assert_allclose(found, 3.0 ** getattr(temperature, name).observable.scaling * plain, rtol=1e-9)


@pytest.mark.parametrize("name", CHEAP)
def test_a_schedule_is_a_map_of_time_at_every_temperature(schedule, name):
    own = Setting.of("1x2,0.1x3", samples=500, times=[0.1, 0.6], schedule=schedule, temperature=2.0)
    exploding = Setting(own.manifold, samples=500, times=own.t, temperature=2.0)
    found, expected = (observe("temperature", name, at) for at in (own, exploding))
    if name == "collapse_time_generated":
        expected = schedule.time(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("T", [1e-6, 1e6])
def test_extreme_temperatures_neither_warn_nor_give_nan(name, T):
    samples = 10**6 if name == "sample_probabilities" else 10**9
    setting = Setting.of("1e6x3,1x20", samples=samples, times=np.geomspace(1e-9, 1e9, 7), temperature=T)
    found = observe("temperature", name, setting)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


@pytest.mark.parametrize("name", ["variance_ode", "information_generated", "frozen_variance"])
def test_formulas_are_nan_outside_their_domain(name):
    formula = temperature.derivation()[name]
    more = (10.0,) * (len(formula.symbols) - 3)
    for outside in ((0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, np.nan)):
        assert np.isnan(formula(*outside, *more))
    assert np.isfinite(formula(1.0, 1.0, 1.0, *more))


# the shares of samples in one dimension


@given(st.integers(2, 200), temperatures)
def test_sample_probabilities_against_their_definition(N, T):
    found = shares(N, T)
    with mpmath.workdps(30):
        z = [mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(k) / N - 1) for k in range(1, N)]
        below = [0, *(mpmath.ncdf(mpmath.sqrt(T) * v) for v in z), 1]
        expected = [float(b - a) for a, b in pairwise(below)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert found.sum() == pytest.approx(1, rel=1e-13)
    assert (found == found[::-1]).all()


@pytest.mark.parametrize("N", [2, 3, 4, 5, 100, 101])
@pytest.mark.parametrize("T", TEMPERATURES)
def test_the_middle_is_drawn_most_often_where_it_is_hot_and_the_ends_where_it_is_cold(N, T):
    found = shares(N, T)
    assert found.max() == pytest.approx(found[N // 2 if T > 1 else 0], rel=1e-12)


def test_what_has_no_order_is_refused():
    with pytest.raises(ValueError, match="sample_probabilities is known in 1 direction, got 1x2"):
        temperature.sample_probabilities(Setting.of("1x2", temperature=2.0))
    with pytest.raises(ValueError, match=r"a probability of each of 1,000,000 samples at most, got N = 1000001"):
        shares(10**6 + 1, 2.0)


def test_normal_directions_have_no_order_to_add():
    flat = Setting.of(LinearManifold.parse("1x1", 5), samples=7, temperature=2.0)
    assert (temperature.sample_probabilities(flat) == shares(7, 2.0)).all()
