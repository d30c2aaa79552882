import pytest

from numerics.experiments.generalization_time import lowest
from tests.validation.conftest import check_evaluation
from theory.predictions import generalization_time as prediction
from validation.claims import generalization_time

CLAIMS = {claim.name: claim for claim in generalization_time.claims()}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (len(at.setting.manifold.subspaces) > 1))
        for name, at in generalization_time.CASES.items()
    ],
)
def test_the_spline_is_allowed_what_it_takes(name):
    setting = generalization_time.CASES[name].setting
    predicted, bias, _ = check_evaluation(CLAIMS[f"generalization_time.{name}.generalization_time"])
    assert abs(lowest(setting.times, prediction.kl_clean(setting)) - predicted) < bias < 1e-3 * predicted


def test_divergences_are_allowed_no_bias():
    assert all(c.allowed_bias == c.relative_bias == 0 for name, c in CLAIMS.items() if name.endswith("kl_clean"))
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "generalization_time.many.generalization_time_asymptotic"
    ]
