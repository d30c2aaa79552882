import numpy as np
import pytest

from numerics.experiments.generalization_time import lowest
from tests.validation.conftest import check_evaluation, check_rows, check_structure, draw_figures
from theory.predictions import generalization_time as prediction
from validation.claims import generalization_time

CLAIMS = {claim.name: claim for claim in generalization_time.claims()}


@pytest.mark.parametrize("name", CLAIMS)
def test_structure(name):
    check_structure(CLAIMS[name], "generalization_time")


@pytest.mark.parametrize("name", CLAIMS)
def test_prediction_bias_and_control_fit_the_measurement(name):
    check_rows(CLAIMS[name], check_evaluation(CLAIMS[name]))


@pytest.mark.parametrize("name", generalization_time.CASES)
def test_the_spline_is_allowed_what_it_takes(name):
    setting = generalization_time.CASES[name]
    predicted, bias, _ = check_evaluation(CLAIMS[f"generalization_time.{name}.generalization_time"])
    assert abs(lowest(setting.times, prediction.kl_clean(setting)) - predicted) < bias < 1e-3 * predicted


def test_divergences_are_allowed_no_bias():
    assert all((np.asarray(c.allowed_bias()) == 0).all() for name, c in CLAIMS.items() if name.endswith("kl_clean"))
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "generalization_time.many.generalization_time_asymptotic"
    ]


def test_figures():
    draw_figures("generalization_time")
