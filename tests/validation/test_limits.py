"""The claims of limits and leading orders allow no more bias than there is, by the exact values."""

import numpy as np
import pytest

from tests.validation.conftest import all_claims
from theory.predictions import (
    collapse,
    condensation,
    frozen_jacobian,
    generalization_time,
    kl_bound,
    subspace_loss,
    supervision_region,
)
from validation.claims import PREDICTIONS
from validation.comparison import MILD

CLAIMS = {claim.name: claim for name in PREDICTIONS for claim in all_claims(name)}
EXACT = {
    "collapse.deep.memorized_probability_asymptotic": collapse.memorized_probability,
    "condensation.deep.participation_asymptotic": condensation.participation,
    "condensation.deep.entropy_asymptotic": condensation.entropy,
    "condensation.deep.heat_capacity_asymptotic": condensation.heat_capacity,
    "condensation.onset.condensation_time_gaussian": collapse.collapse_time,
    "frozen_jacobian.deep.retained_variance_asymptotic": frozen_jacobian.retained_variance,
    "frozen_jacobian.deep.estimated_dimension_asymptotic": frozen_jacobian.estimated_dimension,
    "generalization_time.deep.kl_clean_asymptotic": generalization_time.kl_clean,
    "generalization_time.lowest.generalization_time_asymptotic": generalization_time.generalization_time,
    "kl_bound.deep.kl_asymptotic": kl_bound.kl_exact,
    "kl_bound.mild.kl_leading": kl_bound.kl_exact,
    "subspace_loss.deep.signal_to_noise_asymptotic": subspace_loss.signal_to_noise,
    "subspace_loss.many.loss_time_asymptotic": subspace_loss.loss_time_exact,
    "supervision_region.deep.nearest_distance_squared_asymptotic": supervision_region.nearest_distance_squared,
    "supervision_region.deep.shell_ratio_asymptotic": supervision_region.shell_ratio,
}


@pytest.mark.parametrize("name", EXACT)
def test_the_bias_is_about_what_the_limit_is_off_by(name):
    claim = CLAIMS[name]
    (setting,) = claim.predicted.arguments
    off = np.abs(claim.predicted.function(setting) / EXACT[name](setting) - 1).max()
    assert off < claim.relative_bias < max(1.6 * off, 1.1e-3)


@pytest.mark.parametrize("kind", ["annealed", "typical"])
def test_the_order_of_one_over_n_holds_where_most_samples_are_effective(kind):
    exact = MILD.samples / subspace_loss.signal_to_noise(MILD)
    leading = getattr(subspace_loss, f"critical_samples_{kind}")(MILD)
    assert np.abs(leading / exact - 1).max() < CLAIMS[f"subspace_loss.mild.critical_samples_{kind}"].relative_bias
