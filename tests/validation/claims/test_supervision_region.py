from validation.claims import supervision_region

CLAIMS = {claim.name: claim for claim in supervision_region.claims()}


def test_exact_averages_are_allowed_no_bias():
    assert all(
        claim.allowed_bias == claim.relative_bias == 0
        for name, claim in CLAIMS.items()
        if name.split(".")[1] not in ("deep", "onset", "ends")
    )


def test_the_limit_is_the_control_of_every_distance():
    for name, claim in CLAIMS.items():
        if name.endswith(".nearest_distance_squared"):
            assert claim.control.description == "thermodynamic limit"
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == [
        "supervision_region.large.shell_ratio_asymptotic"
    ]


def test_a_fresh_point_is_outside_of_all_shells_below_collapse_alone():
    setting = supervision_region.CASES["large"].setting
    below = setting.times < supervision_region.prediction.extrapolation_time(setting)
    ratio = supervision_region.prediction.shell_ratio(setting)
    assert below.any()
    assert not below.all()
    assert ((ratio > 1) == below).all()
