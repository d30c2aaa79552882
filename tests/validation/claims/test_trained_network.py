import numpy as np

from numerics.measurement import Measurement
from theory.predictions import trained_network as prediction
from theory.setting import Setting
from validation.claims import trained_network as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}
SIGNS = [name for name, claim in CLAIMS.items() if claim.coarse == claims.SIGN]


def test_all_are_expected_to_agree_and_the_headline_is_of_new_points():
    assert {claim.expected for claim in CLAIMS.values()} == {"agrees"}
    assert [name for name, claim in CLAIMS.items() if claim.headline] == ["trained_network.little.jacobian"]


def verdicts(claim, mean, sem):
    """As if this had been measured, alike at all points, by many networks."""
    shape = np.shape(claim.predicted.function(*claim.predicted.arguments))
    found = Measurement(np.full(shape, mean), np.full(shape, sem), 1000)
    done = {claim.experiments[0].name: None}
    done |= {job.name: job.function(*job.arguments) for job in claim.jobs if job is not claim.experiments[0]}
    (claim,) = [type(claim)(**(vars(claim) | {"measured": lambda _: found}))]
    return {row["verdict"] for row in claim.rows(done)}


def test_a_sign_is_told_from_the_other_and_from_none():
    for name in SIGNS:
        claim = CLAIMS[name]
        right, wrong = (0.2, -0.2) if name != "trained_network.small.dimension" else (3.0, 4.5)
        assert verdicts(claim, right, 0.01) == {"agrees"}
        assert verdicts(claim, wrong, 0.01) == {"disagrees"}
        assert verdicts(claim, right, 10.0) == {"underpowered"}
    assert len(SIGNS) == 4


def test_the_interval_between_the_ends_is_that():
    line = Setting.of("1x1", samples=4, times=[0.2]).trained(times=(1, 2))  # where it takes no seconds
    middle, half = claims.middle(line), claims.half_width(line)
    np.testing.assert_allclose(middle + half, prediction.jacobian(line)[:, -1])
    np.testing.assert_allclose(middle - half, prediction.jacobian_empirical(line))
    np.testing.assert_allclose(claims.beyond(line) + half, middle - half)


def test_the_network_of_new_points_is_that_of_the_samples():
    """Two settings that differ by what they are given alone."""
    few, new = (CLAIMS[f"trained_network.{name}"].experiments[0] for name in ("small.between", "fresh.jacobian"))
    assert new.arguments["setting"] == few.arguments["setting"].trained(times=(3000.0,))
    assert (few.arguments["batch"], few.repeats) == (new.arguments["batch"], new.repeats)
    assert new.arguments["fresh"]
    assert "fresh" not in few.arguments


def test_controls_are_near_the_truth_and_not_the_truth():
    for name in ("little.jacobian", "fresh.jacobian", "chance.memorized_fraction"):
        claim = CLAIMS[f"trained_network.{name}"]
        right, wrong = (np.asarray(job.function(*job.arguments)) for job in (claim.predicted, claim.control.value))
        apart = np.abs(wrong / right - 1)
        assert (apart > 0.05).any(), name
        assert (apart < 2.5).all(), name
