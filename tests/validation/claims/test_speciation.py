import numpy as np

from theory.predictions import speciation as prediction
from validation.claims import speciation as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_the_published_time_is_expected_to_disagree():
    disagreeing = [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert disagreeing == ["speciation.published", "speciation.published.own"]
    headline = [name for name, claim in CLAIMS.items() if claim.headline]
    assert headline == ["speciation.clones.cloning_probability", "speciation.published"]


def test_the_times_are_those_that_the_figure_speaks_of():
    _, appears, published = claims.OTHER.times
    np.testing.assert_allclose(appears, prediction.bifurcation_time(claims.OTHER), rtol=1e-12)
    np.testing.assert_allclose(published, prediction.speciation_time(claims.OTHER), rtol=1e-12)
    assert claims.PAIR.times[1] == prediction.bifurcation_time(claims.PAIR)


def test_little_and_much_signal_are_looked_at():
    found = prediction.cloning_probability(claims.PAIR)
    assert found[0] > 0.85
    assert found[-1] < 0.62


def test_no_control_is_the_truth_by_chance():
    for claim in CLAIMS.values():
        right, wrong = (job.function(*job.arguments) for job in (claim.predicted, claim.control.value))
        if claim.expected == "agrees":
            assert (np.abs(np.subtract(wrong, right)) > 0.01 * np.abs(right)).any(), claim.name
    assert claims.own_eigenvalue(claims.OTHER) != prediction.speciation_time(claims.OTHER)
