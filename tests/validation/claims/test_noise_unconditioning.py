import numpy as np
import pytest

from theory.predictions import condensation, noise_unconditioning
from validation.claims import noise_unconditioning as claims

CLAIMS = {claim.name.partition(".")[2]: claim for claim in claims.claims()}


def test_two_claims_expect_a_disagreement():
    expected = [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert expected == ["large.participation_asymptotic", "ends.removed"]


def test_the_deep_case_has_condensed_and_the_broad_one_has_not():
    deep, broad = (claims.CASES[name].setting for name in ("deep", "broad"))
    assert (condensation.critical_noise_variance(deep) > 100 * deep.t).all()
    assert (
        condensation.critical_noise_variance(broad) < noise_unconditioning.implied_noise_asymptotic(broad) / 2
    ).all()


@pytest.mark.parametrize("name", ["participation", "effective_samples"])
def test_a_limit_is_allowed_what_it_falls_short_by(name):
    """At a typical x of the deep case, and not twice as much as it needs."""
    setting = claims._typical(claims.CASES["deep"].setting, 0.1)
    exact, limit = (getattr(noise_unconditioning, o)(setting)[0] for o in (name, f"{name}_asymptotic"))
    assert claims.SLOW / 2 < abs(exact / limit - 1) < claims.SLOW


def test_controls_are_of_the_score_that_is_told_the_level():
    setting = claims.CASES["at_a_point"].setting
    np.testing.assert_allclose(claims.told_samples(setting) * condensation.participation(setting), 1)
    assert claims.published_level(setting) == noise_unconditioning.implied_noise(setting) * 6 / 8
    assert claims.noise_there(setting) == setting.t
    assert claims.nothing(setting) == 0


def test_the_number_of_samples_at_a_typical_x():
    found = claims.typical_samples(20, np.array([0.3]))
    assert 1 / found[0] == pytest.approx(0.3333, abs=1e-3)
