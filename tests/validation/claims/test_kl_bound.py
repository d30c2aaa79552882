import numpy as np

from tests.validation.conftest import check_evaluation, rough
from theory.predictions import kl_bound as prediction
from validation.claims import kl_bound

CLAIMS = {claim.name: claim for claim in kl_bound.claims()}


def test_what_is_claimed_is_the_interval_of_the_prediction_and_a_little():
    predicted, bias, wrong = check_evaluation(CLAIMS["kl_bound.leading_order"])
    setting = kl_bound.CASES["range"].setting
    leading, share = prediction.kl_leading(setting), prediction.rare_share(setting)
    np.testing.assert_allclose(predicted + bias, 1.02 * leading)
    np.testing.assert_allclose(predicted - bias, (1 - share - 0.02) * leading)
    assert (wrong > predicted + bias).all()


def test_the_small_setting_is_out_of_the_range_and_expected_to_disagree():
    inside, below = (kl_bound.CASES[name].setting for name in ("range", "small"))
    assert (prediction.samples_trusted(below) > 10 * below.samples).all()
    assert CLAIMS["kl_bound.small_samples"].expected == "disagrees"
    assert (prediction.rare_share(inside)[1:] < 0.2).all()


def test_the_control_of_girsanov_is_half_the_integral_off():
    results = rough("kl_bound.routes")
    predicted, _, wrong = check_evaluation(CLAIMS["kl_bound.girsanov"])
    assert (predicted, wrong) == (0, results["by_scores"].mean)
