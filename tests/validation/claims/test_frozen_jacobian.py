import numpy as np

from tests.validation.conftest import check_evaluation
from theory.predictions import frozen_jacobian as prediction
from validation.claims import frozen_jacobian

CLAIMS = {claim.name: claim for claim in frozen_jacobian.claims()}


def test_no_claim_is_allowed_a_bias():
    assert [n for n, c in CLAIMS.items() if ".deep." not in n and (c.allowed_bias or c.relative_bias)] == []


def test_the_limit_is_the_control_of_the_exact_average():
    for name, claim in CLAIMS.items():
        if name.endswith(".retained_variance"):
            assert claim.control.description == "thermodynamic limit"
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "frozen_jacobian.fresh.retained_variance_asymptotic",
        "frozen_jacobian.spectrum1000.dimension_seen",
        "frozen_jacobian.spectrum20000.dimension_seen",
    ]


def test_the_order_is_claimed_between_the_critical_sizes():
    setting = frozen_jacobian.CASES["fresh"].setting
    low, high = prediction.log_critical_samples_jacobian(setting)
    assert low < np.log(setting.samples) < high
    (first, second), _, _ = check_evaluation(CLAIMS["frozen_jacobian.order"])
    assert first > 0.5 > second


def test_the_limit_has_seven_directions_at_both_sizes():
    assert [check_evaluation(CLAIMS[f"frozen_jacobian.spectrum{N}.dimension_seen"])[0] for N in (1000, 20000)] == [7, 7]
