import numpy as np
import pytest

from tests.validation.conftest import check_evaluation, check_rows, check_structure, draw_figures, rough
from theory.predictions import kl_bound as prediction
from validation.claims import kl_bound

CLAIMS = {claim.name: claim for claim in kl_bound.claims()}


@pytest.mark.parametrize("name", CLAIMS)
def test_structure(name):
    check_structure(CLAIMS[name], "kl_bound")


@pytest.mark.parametrize("name", CLAIMS)
def test_prediction_bias_and_control_fit_the_measurement(name):
    check_rows(CLAIMS[name], check_evaluation(CLAIMS[name]))


def test_what_is_claimed_is_the_interval_of_the_prediction_and_a_little():
    predicted, bias, wrong = check_evaluation(CLAIMS["kl_bound.leading_order"])
    leading, share = prediction.kl_leading(kl_bound.RANGE), prediction.rare_share(kl_bound.RANGE)
    np.testing.assert_allclose(predicted + bias, 1.02 * leading)
    np.testing.assert_allclose(predicted - bias, (1 - share - 0.02) * leading)
    assert (wrong > predicted + bias).all()


def test_the_small_setting_is_out_of_the_range_and_expected_to_disagree():
    assert (prediction.samples_trusted(kl_bound.SMALL) > 10 * kl_bound.SMALL.samples).all()
    assert CLAIMS["kl_bound.small_samples"].expected == "disagrees"
    assert (prediction.rare_share(kl_bound.RANGE)[1:] < 0.2).all()


def test_the_control_of_girsanov_is_half_the_integral_off():
    results = rough("kl_bound.routes")
    assert CLAIMS["kl_bound.girsanov"].control.predict(results) == results["by_scores"].mean
    assert CLAIMS["kl_bound.girsanov"].predict() == 0


def test_figures():
    draw_figures("kl_bound")
