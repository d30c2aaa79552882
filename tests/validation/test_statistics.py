import math
from statistics import NormalDist

import numpy as np
import pytest

from benchmarks import calibration
from numerics.measurement import Measurement
from validation import statistics
from validation.statistics import (
    COMPARISONS,
    FAMILY_BUDGET,
    POWER,
    detectable,
    distance,
    judge,
    limits,
    power,
    threshold,
)


@pytest.fixture
def alarms_at(monkeypatch):
    def inflate(family, comparisons=1):
        monkeypatch.setattr(statistics, "FAMILY_BUDGET", family)
        monkeypatch.setattr(statistics, "COMPARISONS", comparisons)

    return inflate


def students(true, n, repeats, rng):
    """`repeats` measurements of a number, from n Gaussian draws each."""
    return Measurement.of(rng.normal(true, 1, (n, repeats)))


@pytest.mark.parametrize(
    ("n", "quantile"), [(2, 12.7062047), (6, 2.5705818), (11, 2.2281389), (31, 2.0422725), (10**9, 1.9599640)]
)
def test_the_threshold_is_students_quantile(alarms_at, n, quantile):
    alarms_at(0.05)
    assert threshold(n) == pytest.approx(quantile, rel=5e-8)


def test_the_budget_is_divided_over_the_comparisons(alarms_at):
    tail = FAMILY_BUDGET / COMPARISONS / 2
    assert FAMILY_BUDGET == 1e-6
    assert threshold(2) == pytest.approx(1 / math.tan(math.pi * tail), rel=1e-9)  # Cauchy
    assert threshold(3) == pytest.approx((1 - 2 * tail) / math.sqrt(2 * tail * (1 - tail)), rel=1e-9)
    assert threshold(10**9) == pytest.approx(-NormalDist().inv_cdf(tail), rel=1e-6)
    before = threshold(50)
    alarms_at(FAMILY_BUDGET, 2 * COMPARISONS)
    assert threshold(50) > before


@pytest.mark.parametrize("n", [3, 10, 200])
def test_false_alarms_come_as_often_as_budgeted(alarms_at, n):
    alarms_at(0.1)
    m = students(2.0, n, 20_000, np.random.default_rng(n))
    z = distance(m.mean, m.sem, 2.0, 0.0)
    assert (np.abs(z) > threshold(n)).mean() == pytest.approx(0.1, abs=5 * math.sqrt(0.09 / 20_000))
    verdicts, _ = judge(z, -np.full_like(z, 1e9), 10**6)
    assert set(verdicts) == {"agrees", "disagrees"}


def alarms(law, n, rate, repeats):
    """Stated rate, and five standard errors of the measured one more; what was measured, by the threshold and by the limits."""
    alone, judged, _ = calibration.rates(law, n, rate, repeats)
    return rate + 5 * math.sqrt(rate / repeats), alone, judged


LONG = calibration.DRAWS[-1]
SKEW_AND_RARE = "exponential squared", "events of 1 %"  # which alone are held to many draws too, but for the slow tests


@pytest.mark.parametrize(
    ("law", "n"),
    [(law, n) for law in calibration.LAWS for n in calibration.DRAWS if n < LONG or law in SKEW_AND_RARE],
)
def test_false_alarms_come_no_more_often_than_stated_whatever_the_law(law, n):
    allowed, _, judged = alarms(law, n, 0.01, 20_000)
    assert judged <= allowed


@pytest.mark.slow
@pytest.mark.parametrize("rate", calibration.RATES)
@pytest.mark.parametrize("n", calibration.DRAWS)
@pytest.mark.parametrize("law", calibration.LAWS)
def test_false_alarms_come_no_more_often_than_stated_in_a_hundred_thousand(law, n, rate):
    allowed, _, judged = alarms(law, n, rate, 100_000)
    assert judged <= allowed


def test_the_threshold_alone_would_not_hold_for_skew_draws():
    for law, times in (("exponential squared", 5), ("lognormal, sigma 1", 3), ("lognormal, sigma 2", 15)):
        allowed, alone, _ = alarms(law, 50, 0.01, 20_000)
        assert alone > times * allowed / 1.4


def test_many_normal_draws_lose_nothing():
    _, alone, judged = alarms("normal", 400, 0.01, 30_000)
    assert 0.9 * alone < judged <= alone


def test_the_limits_are_the_threshold_of_many_symmetric_draws():
    below, above = limits(10**9, 0.0)
    assert below == above == pytest.approx(threshold(10**9), rel=1e-3)


@pytest.mark.parametrize("skewness", [0.3, 0.8])
def test_skew_draws_stretch_one_side(skewness):
    n = 400
    below, above = limits(n, skewness)
    assert below > limits(n, 0.0)[0] >= above >= threshold(n)
    assert limits(n, -skewness) == (above, below)
    # the side that is stretched solves Johnson's equation
    g = (skewness + math.sqrt(6 / n)) / math.sqrt(n)
    assert below - g * (1 + 2 * below**2) / 6 == pytest.approx(threshold(n))


def test_draws_too_skew_or_too_few_reject_nothing():
    assert limits(400, 5.0)[0] == limits(20, 0.0)[0] == limits(400, np.nan)[0] == np.inf
    assert np.isfinite(limits(400, 5.0)[1])
    assert judge([-1e3, 1e3, 3.0], [0.0, 0.0, 1e3], 400, 5.0) == (["underpowered", "disagrees", "agrees"], True)
    assert judge([0.0], [-1e3], 400, 5.0) == (["underpowered"], False)
    assert judge([7.0], [1e3], 60, 0.0) == (["agrees"], True)
    between = (threshold(60) + limits(60, 0.0)[1]) / 2
    assert judge([between], [1e3], 60, 0.0) == (["underpowered"], True)
    assert detectable(1.0, 0.01, 400, 0.0, 5.0) == np.inf
    assert power(1.0, 0.01, 400, 5.0) == 0 < power(-1.0, 0.01, 400, 5.0) == 1


def test_a_whole_run_raises_a_false_alarm_within_the_family_budget(alarms_at):
    alarms_at(0.1, 20)
    runs, n = 4000, 8
    m = students(0.0, n, runs * 20, np.random.default_rng(1))
    alarm = np.abs(distance(m.mean, m.sem, 0.0, 0.0)).reshape(runs, 20) > threshold(n)
    rate, expected = alarm.any(axis=1).mean(), 1 - (1 - 0.1 / 20) ** 20
    assert expected <= 0.1
    assert rate == pytest.approx(expected, abs=5 * math.sqrt(0.09 / runs))


def test_an_allowed_bias_that_is_used_up_raises_no_more_alarms(alarms_at):
    alarms_at(0.1)
    n, bias = 10, 0.7
    m = students(2.0 + bias, n, 20_000, np.random.default_rng(3))
    rate = (np.abs(distance(m.mean, m.sem, 2.0, bias)) > threshold(n)).mean()
    assert rate == pytest.approx(0.05, abs=5 * math.sqrt(0.05 / 20_000))  # of its two tails one is left


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(1.0, 0.0), (1.2, 0.0), (0.8, 0.0), (1.3, 1.0), (0.7, -1.0), (1.6, 4.0), (0.0, -8.0)],
)
def test_distance_counts_from_the_edge_of_the_allowed_bias_with_sign(measured, expected):
    assert distance(measured, 0.1, 1.0, 0.2) == pytest.approx(expected, abs=1e-12)


def test_distance_broadcasts():
    z = distance(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0]), 1.0, np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(z, [[0.0, 0.5], [1.0, 1.0]])


def test_draws_that_are_all_equal_do_not_know_how_far_away_anything_is():
    np.testing.assert_array_equal(distance([1.0, 1.05, 1.5, 0.5], 0.0, 1.0, 0.1), [0, 0, np.nan, np.nan])
    assert judge([0.0, np.nan], np.inf, 50) == (["agrees", "underpowered"], True)


def test_an_infinite_prediction_disagrees_with_finite_data():
    assert distance(1.0, 0.1, np.inf, 0.0) == -np.inf
    assert judge(distance(1.0, 0.1, np.inf, 0.0), 100.0, 50)[0] == ["disagrees"]


@pytest.mark.parametrize(("measured", "sem", "predicted"), [(np.nan, 1.0, 0.0), (0.0, 1.0, np.nan), (5.0, np.nan, 0.0)])
def test_nan_never_agrees(measured, sem, predicted):
    assert judge(distance(measured, sem, predicted, 0.0), 100.0, 50) == (["underpowered"], True)


def test_nan_never_agrees_within_the_allowed_bias_either():
    assert judge(distance(1.0, np.nan, 1.1, 0.5), 100.0, 50) == (["underpowered"], True)


def test_infinities_on_both_sides_are_no_agreement():
    assert judge(distance(np.inf, 1.0, np.inf, 0.0), 100.0, 50)[0] == ["underpowered"]


def test_where_the_control_survives_nothing_agrees():
    limit = limits(50)[0]
    assert judge([0.0, limit + 1, np.nan], [0.0, limit - 0.1, 1.0], 50) == (
        ["underpowered", "disagrees", "underpowered"],
        False,
    )
    assert judge([0.0, limit + 1, np.nan], [0.0, -limit - 0.1, np.nan], 50) == (
        ["agrees", "disagrees", "underpowered"],
        True,
    )
    assert judge([0.0], [np.nan], 50) == (["underpowered"], False)


def test_the_limit_itself_is_no_disagreement():
    assert judge(threshold(50), np.inf, 50)[0] == ["agrees"]
    assert judge(-threshold(50), np.inf, 50)[0] == ["agrees"]


def test_one_draw_shows_nothing():
    assert judge(1e9, 1e9, 1) == (["underpowered"], False)


@pytest.mark.parametrize("shift", [0.5, 2.0, 3.5])
def test_power_is_the_rate_at_which_controls_are_rejected(alarms_at, shift):
    alarms_at(0.05)
    n, repeats = 200, 20_000
    m = students(0.0, n, repeats, np.random.default_rng(7))
    gap = shift / math.sqrt(n)
    rate = (np.abs(distance(m.mean, m.sem, gap, 0.0)) > threshold(n)).mean()
    assert power(gap, 1 / math.sqrt(n), n) == pytest.approx(rate, abs=0.02)


def test_power_is_the_rate_at_few_draws_too():
    n, repeats = 50, 20_000
    m = students(0.0, n, repeats, np.random.default_rng(8))
    gap = (limits(n)[0] + 3) / math.sqrt(n)
    rate = (np.abs(distance(m.mean, m.sem, gap, 0.0)) > limits(n)[0]).mean()
    assert power(gap, 1 / math.sqrt(n), n) == pytest.approx(rate, abs=0.02)  # 0.999 for 0.94


def test_each_point_may_have_its_own_number_of_draws():
    few, many = limits(60)[0], limits(1000)[0]
    between = (few + many) / 2
    assert judge([between, between], 0.0, [60, 1000]) == (["underpowered", "disagrees"], False)
    assert judge([0.0, 0.0], [between, 0.0], [60, 1000]) == (["underpowered"] * 2, False)
    assert judge([0.0, 0.0], [0.0, between], [60, 1000]) == (["agrees"] * 2, True)
    gap = 1.2 * few
    assert power([gap, 0.0], 1.0, [60, 1000]) == power(gap, 1.0, 60)
    assert power([gap, gap], 1.0, [60, 1000]) == power(gap, 1.0, 1000) > power(gap, 1.0, 60)


def test_power_is_that_of_the_most_telling_point():
    assert power([0.1, 3.0, np.nan], 0.1, 100) == power(3.0, 0.1, 100)
    assert power([0.0, 0.0], 0.1, 100) < FAMILY_BUDGET
    assert power(1.0, 0.0, 100) < FAMILY_BUDGET
    assert power(0.0, 0.0, 100) < FAMILY_BUDGET
    assert power(np.nan, 1.0, 100) < FAMILY_BUDGET


@pytest.mark.parametrize("n", [60, 400])
def test_what_is_detectable_is_detected(n):
    """A prediction that is off by as much disagrees in 99 of 100 measurements, where the truth lies at the end of its bias."""
    right, bias = 3.0, 0.05
    error = detectable(right, 1 / math.sqrt(n), n, bias)
    m, limit = students(right, n, 20_000, np.random.default_rng(n)), limits(n)[0]
    for end in (1, -1):
        mean = m.mean + end * bias
        z = distance(mean, m.sem, (1 + end * error) * right, bias)
        assert (np.abs(z) > limit).mean() == pytest.approx(POWER, abs=0.005)
        assert (np.abs(distance(mean, m.sem, (1 + end * error / 2) * right, bias)) > limit).mean() < 0.1


def test_the_best_point_counts_and_what_is_not_known_does_not():
    one = detectable(2.0, 0.01, 100, 0.0)
    assert detectable([2.0, 2.0, 0.0, np.nan], [0.01, 0.5, 0.01, 0.01], 100, 0.0) == one
    assert detectable([2.0, 2.0], 0.01, [100, 20], 0.0) == one
    assert detectable(0.0, 0.01, 100, 0.0) == np.inf
    assert detectable(2.0, 0.01, 2, 0.0) == np.inf
    assert detectable(2.0, 0.01, 100, 0.1) == pytest.approx(one + 0.1)
