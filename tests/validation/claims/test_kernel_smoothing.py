import numpy as np
import pytest

from theory.predictions import kernel_smoothing
from validation.claims import kernel_smoothing as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_one_claim_expects_a_disagreement():
    expected = [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert expected == ["kernel_smoothing.few.gain_mean"]


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
    assert found < 0.6 * kernel_smoothing.best_bandwidth(setting)[0]


def test_the_first_order_of_the_bias_is_its_slope():
    setting = claims.AT_POINT["mixture"].setting
    small = setting.at(bandwidth=1e-4)
    found = claims.half_bent(small)[0, 0]
    assert found == pytest.approx(kernel_smoothing.score_bias(small)[0, 0], rel=1e-2)
    assert abs(claims.half_bent(setting)[0, 0] / kernel_smoothing.score_bias(setting)[0, 0] - 1) > 0.2


def test_the_next_order_is_small():
    for observable in ("score_variance_mean", "kl_leading"):
        allowed = claims.next_order(observable, claims.MILDER)
        assert (allowed < 0.01 * getattr(kernel_smoothing, observable)(claims.MILDER)).all()


def test_the_sizes_of_what_is_left_out():
    mixture, balance = claims.AT_POINT["mixture"].setting, claims.BEST["balance"].setting
    own = kernel_smoothing.own_bias(mixture) / kernel_smoothing.score_bias(mixture)
    assert abs(own[0, 0]) < claims.OWN_BIAS
    d = kernel_smoothing.derivation()
    assert d["mixture_laplacian"](0.2, 1.0, 0.05, 0.05) != 0
    from theory.averages.two_gaussians import ratio_and_noise

    assert np.exp(ratio_and_noise(d.formulas, 0.2, 0.05, 0.0, 0.05, 1.0)[0]) == pytest.approx(18.9, rel=1e-2)
    assert balance.samples > 50 * 18.9
