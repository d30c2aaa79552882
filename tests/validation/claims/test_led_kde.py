import numpy as np

from tests.validation.conftest import check_evaluation
from theory.predictions import led_kde as prediction
from validation.claims import led_kde as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_that_the_reverse_process_samples_it_is_expected_to_disagree():
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == ["led_kde.reverse.variance"]
    headline = [name for name, claim in CLAIMS.items() if claim.headline]
    assert headline == ["led_kde.sampled.variance", "led_kde.reverse.variance"]


def test_the_plain_estimate_is_a_mixture_under_more_noise():
    x, h = 0.4, 0.5
    v = 0.05 + claims.TWO.t + h
    expected = np.log(sum(np.exp(-((x - y) ** 2) / (2 * v)) for y in (-1, 1)) / 2 / np.sqrt(2 * np.pi * v))
    np.testing.assert_allclose(claims.plain_density(claims.TWO.at(point=(x,))), expected, rtol=1e-11)
    merging = claims.plain_merging(claims.TWO)[0]
    below, above = (claims.TWO.at(bandwidth=merging + e) for e in (-1e-3, 1e-3))
    curvature = [
        claims.plain_density(s.at(point=(0.01,))) - claims.plain_density(s.at(point=(0.0,))) for s in (below, above)
    ]
    assert curvature[0] > 0 > curvature[1]


def test_biases_are_what_theory_says_is_left_out():
    far = claims.MODES["far"].setting
    left = 1 - prediction.merging_bandwidth(far) / prediction.merging_bandwidth_asymptotic(far)
    assert 0 < left[0] < claims.NEXT_ORDER
    spacing = np.diff(np.log(claims.experiment.BANDWIDTHS)).max()
    assert spacing**2 / 16 < claims.INTERPOLATED
    predicted, bias, samples = check_evaluation(CLAIMS["led_kde.condensed.mode_separation_asymptotic"])
    assert bias < (samples - predicted) / 5


def test_the_divergence_is_where_its_leading_order_exists():
    setting = claims.DIVERGENCE.setting
    assert np.isfinite(prediction.kl_leading(setting)).all()
    assert np.isnan(prediction.kl_leading(setting.at(bandwidth=2 * setting.t[0] * (1 + setting.t[0])))).all()
