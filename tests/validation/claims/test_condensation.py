from validation.claims import condensation

CLAIMS = {claim.name: claim for claim in condensation.claims()}


def test_exact_averages_are_allowed_no_bias():
    exact = [claim for name, claim in CLAIMS.items() if name.split(".")[1] not in ("deep", "onset")]
    assert len(exact) == 16
    assert all(claim.allowed_bias == claim.relative_bias == 0 for claim in exact)


def test_the_limit_is_the_control_of_the_participation_ratio():
    for name, claim in CLAIMS.items():
        if name.endswith(".participation"):
            assert claim.control.description == "thermodynamic limit"
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "condensation.large.participation_asymptotic"
    ]
