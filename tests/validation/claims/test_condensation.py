import pytest

from tests.validation.conftest import check_evaluation, check_rows, check_structure, draw_figures
from validation.claims import condensation

CLAIMS = {claim.name: claim for claim in condensation.claims()}


@pytest.mark.parametrize("name", CLAIMS)
def test_structure(name):
    check_structure(CLAIMS[name], "condensation")


@pytest.mark.parametrize("name", CLAIMS)
def test_prediction_bias_and_control_fit_the_measurement(name):
    check_rows(CLAIMS[name], check_evaluation(CLAIMS[name]))


def test_exact_averages_are_allowed_no_bias():
    exact = [claim for claim in CLAIMS.values() if claim.expected == "agrees"]
    assert len(exact) == 15
    assert all(claim.allowed_bias() == 0 for claim in exact)


def test_the_limit_is_the_control_of_the_participation_ratio():
    for name, claim in CLAIMS.items():
        if name.endswith(".participation"):
            assert claim.control.description == "thermodynamic limit"
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "condensation.large.participation_asymptotic"
    ]


def test_figures():
    draw_figures("condensation")
