import numpy as np

from theory.predictions import collapse, temperature
from validation.claims import temperature as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_one_claim_expects_a_disagreement():
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "temperature.few.collapse.memorized_fraction"
    ]


def test_the_times_are_about_the_collapse_of_generated_points():
    for setting in (claims.FEW, claims.INFINITE.setting):
        assert setting.times[0] < temperature.collapse_time_generated(setting) < setting.times[-1]
    at = claims.FEW.times[claims.AT_COLLAPSE]
    np.testing.assert_allclose(at, temperature.collapse_time_generated(claims.FEW), rtol=1e-3)


def test_the_clock_alone_condenses_too_early():
    setting = claims.FEW
    assert claims.clock_alone(setting) == collapse.collapse_time(setting.plain) / 2
    assert claims.clock_alone(setting) > 1.5 * temperature.collapse_time_generated(setting)


def test_a_model_is_trusted_by_what_has_condensed():
    for observable in ("largest_weight_generated", "memorized_fraction"):
        claim = CLAIMS[f"temperature.few.{observable}"]
        predicted, bias = (np.asarray(job.function(*job.arguments)) for job in (claim.predicted, claim.allowed_bias))
        np.testing.assert_allclose(predicted + bias, 1)
