import numpy as np
import pytest

from theory.predictions import kernel_smoothing
from theory.setting import LinearManifold
from validation.claims import kernel_smoothing as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_two_claims_expect_a_disagreement():
    expected = [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert expected == ["kernel_smoothing.few.gain_mean", "kernel_smoothing.beyond.error_growth"]


def test_no_claim_is_coarse():
    assert not [name for name, claim in CLAIMS.items() if claim.coarse]


def test_beyond_the_bound_there_is_no_variance():
    assert np.isnan(kernel_smoothing.score_variance(claims.BEYOND.setting)).all()


def test_the_settings_are_below_the_bounds_of_their_orders():
    for name in ("average", "few"):
        setting = claims.MEAN[name].setting
        assert setting.bandwidth < kernel_smoothing.largest_bandwidth(setting)[0]
    assert np.isfinite(kernel_smoothing.kl_leading(claims.MILDER)).all()


def test_the_balance_is_looked_for_where_it_is():
    for case in claims.BEST.values():
        best = kernel_smoothing.best_bandwidth(case.setting)[0]
        assert 0.8 < best / case.setting.bandwidth < 1.2


def test_without_its_own_bias_the_score_would_be_smoothed_less():
    """The control is what balances variance and bias alone: slopes at h = 0, by differences."""
    setting = claims.BEST["balance"].setting
    e = 1e-6
    steps = [setting.at(bandwidth=k * e) for k in range(3)]
    variance = [kernel_smoothing.score_variance(at)[0, 0] for at in steps]
    slope = (4 * variance[1] - 3 * variance[0] - variance[2]) / (2 * e)
    bent = 2 * kernel_smoothing.score_bias(steps[1])[0, 0] / e
    found = claims.without_own_bias(setting)[0]
    assert found == pytest.approx(-2 * slope / bent**2, rel=1e-3)
    assert found < 0.85 * kernel_smoothing.best_bandwidth(setting)[0]


def test_the_first_order_of_the_bias_is_its_slope():
    setting = claims.AT_POINT["mixture"].setting
    small = setting.at(bandwidth=1e-4)
    found = claims.half_bent(small)[0, 0]
    assert found == pytest.approx(kernel_smoothing.score_bias(small)[0, 0], rel=1e-2)
    assert abs(claims.half_bent(setting)[0, 0] / kernel_smoothing.score_bias(setting)[0, 0] - 1) > 0.2


def test_what_the_leading_orders_leave_out_is_small():
    for case in claims.VARIANCE.values():
        for left_out, of in ((claims.next_variance, "score_variance"), (claims.next_gain, "variance_gain")):
            assert (left_out(case.setting) < 0.005 * getattr(kernel_smoothing, of)(case.setting)).all()
    for left_out, case in ((claims.next_best, "best"), (claims.next_balance, "balance")):
        setting = claims.BEST[case].setting
        assert (left_out(setting) < 0.01 * kernel_smoothing.best_bandwidth(setting)).all()


@pytest.mark.slow
def test_the_leading_orders_averaged_over_x_leave_out_as_much_as_more_points_say(monkeypatch):
    found = claims.next_mean(claims.MILDER)
    assert found < 0.005 * kernel_smoothing.score_variance_mean(claims.MILDER)
    monkeypatch.setattr(claims, "QUADRATURE", 24)
    claims._exact_mean.cache_clear()
    np.testing.assert_allclose(claims.next_mean(claims.MILDER), found, rtol=1e-2)
    claims._exact_mean.cache_clear()


@pytest.mark.slow
def test_at_later_times_less_of_the_divergence_is_left_out():
    parts = [
        claims.next_mean(at) / kernel_smoothing.score_variance_mean(at)
        for at in (claims.MILDER, claims.MILDER.at(times=[24.0]), claims.MILDER.at(times=[48.0]))
    ]
    assert parts[0] > parts[1] > parts[2]


def test_the_balance_is_moved_by_what_its_expansion_leaves_out():
    """Where the kernel is a tenth as wide as the noise, by a fifth; the direction is that of the simulation."""
    wide = claims.MIXTURE.at(
        manifold=LinearManifold.parse("0.2x1"), samples=2000, times=[0.05], bandwidth=0.005, point=(0.4,)
    )
    best = kernel_smoothing.best_bandwidth(wide)
    assert 0.15 < claims.next_balance(wide) / best < 0.25


def test_the_bias_of_the_score_itself_is_small():
    mixture = claims.AT_POINT["mixture"].setting
    own = kernel_smoothing.own_bias(mixture) / kernel_smoothing.score_bias(mixture)
    assert abs(own[0, 0]) < claims.OWN_BIAS
