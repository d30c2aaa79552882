import numpy as np
import pytest

from tests.validation.conftest import check_evaluation
from theory.predictions import subspace_loss as prediction
from validation.claims import subspace_loss

CLAIMS = {claim.name: claim for claim in subspace_loss.claims()}


@pytest.mark.parametrize("N", subspace_loss.LOSSES)
def test_the_bracket_is_that_of_typical_and_annealed_and_the_grid_covers_it(N):
    setting = subspace_loss.LOSSES[N].setting
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


def test_the_authors_are_held_to_their_participation():
    claim, setting = CLAIMS["subspace_loss.authors_setting"], subspace_loss.AUTHORS
    lost = prediction.loss_time_published(setting)
    predicted, _, _ = check_evaluation(claim)
    np.testing.assert_allclose(predicted, np.clip(1 - setting.times[:, None] / lost, 0, 1))
    assert ((predicted > 0) & (predicted < 1)).any(axis=0)[0]
    assert claim.experiments[0].arguments["setting"] == setting
