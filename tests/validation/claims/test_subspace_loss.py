import numpy as np
import pytest

from tests.validation.conftest import check_evaluation, check_rows, check_structure, draw_figures
from theory.predictions import subspace_loss as prediction
from validation.claims import subspace_loss

CLAIMS = {claim.name: claim for claim in subspace_loss.claims()}


@pytest.mark.parametrize("name", CLAIMS)
def test_structure(name):
    check_structure(CLAIMS[name], "subspace_loss")


@pytest.mark.parametrize("name", CLAIMS)
def test_prediction_bias_and_control_fit_the_measurement(name):
    check_evaluation(CLAIMS[name])
    check_rows(CLAIMS[name])


@pytest.mark.parametrize("N", subspace_loss.LOSSES)
def test_the_bracket_is_that_of_typical_and_annealed_and_the_grid_covers_it(N):
    setting = subspace_loss.LOSSES[N]
    typical, annealed = prediction.loss_time_typical(setting), prediction.loss_time_annealed(setting)
    predicted, bias, wrong = check_evaluation(CLAIMS[f"subspace_loss.bracket.{N}"])
    np.testing.assert_allclose(predicted - bias, typical)
    np.testing.assert_allclose(predicted + bias, annealed)
    assert (typical < annealed).all()
    assert (np.abs(wrong - predicted) > bias).all()
    assert (setting.times[0] < typical).all()
    assert (setting.times[-1] > annealed * 0.8).all()


def test_what_is_expected_to_fail_is_what_was_published():
    expected = {name for name, claim in CLAIMS.items() if claim.expected == "disagrees"}
    assert expected == {"subspace_loss.published.300", "subspace_loss.published.3000", "subspace_loss.authors_setting"}


def test_the_authors_are_held_to_half_their_time():
    claim = CLAIMS["subspace_loss.authors_setting"]
    half = prediction.loss_time_published(subspace_loss.AUTHORS) / 2
    np.testing.assert_allclose(np.ravel(claim.coordinates["time"]), half)
    np.testing.assert_array_equal(claim.predict(), 0.5)
    setting = claim.experiment.arguments["setting"]
    np.testing.assert_allclose(setting.times[-3:], half)


def test_figures():
    draw_figures("subspace_loss")
