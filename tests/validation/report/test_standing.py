import math

import pytest

from tests.validation.report.test_page import row
from validation.report.standing import farthest, ratio, standings

DIFFER = {"verdict": "disagrees", "expected": "disagrees"}


def test_claims_belong_to_the_prediction_that_their_names_begin_with():
    found = standings([row(claim="a.x.y"), row(claim="b"), row(claim="a.z")], {"a": "it is so"})
    assert [(s.name, s.statement, list(s.claims)) for s in found] == [
        ("a", "it is so", ["a.x.y", "a.z"]),
        ("b", "b", ["b"]),
    ]


def test_disagreement_that_is_expected_does_not_count_for_the_largest_z():
    (found,) = standings(
        [row(claim="a.x", z=-2.0), row(claim="a.y", z=50.0, **DIFFER), row(claim="a.z", z=math.nan)], {}
    )
    assert found.largest_z == 2.0
    assert [r["z"] for r in found.differing] == [50.0]


def test_the_smallest_error_is_that_of_the_best_agreeing_claim():
    rows = [row(claim="a.x", detectable=0.1), row(claim="a.y", detectable=0.02), row(claim="a.z", detectable=None)]
    (found,) = standings([*rows, row(claim="a.limit", detectable=0.001, **DIFFER), row(claim="a.old")], {})
    assert found.sees == 0.02
    assert standings([row(claim="a.x", detectable=math.inf)], {})[0].sees is None


def test_a_prediction_holds_if_all_its_points_do():
    held, failing = standings([row(claim="a.x"), row(claim="b.x"), row(claim="b.y", verdict="underpowered")], {})
    assert held.holds
    assert not failing.holds
    assert (list(held.failing), list(failing.failing)) == ([], ["b.y"])


@pytest.mark.parametrize(
    ("predicted", "measured", "expected"),
    [
        (2.0, 3.0, 1.5),
        (-2.0, -3.0, 1.5),
        (0.0, 1.0, math.inf),
        (0.0, -1.0, -math.inf),
        (0.0, 0.0, math.nan),
        (1, None, math.nan),
    ],
)
def test_ratios(predicted, measured, expected):
    assert ratio(row(predicted=predicted, measured=measured)) == pytest.approx(expected, nan_ok=True)


def test_a_ratio_some_standard_errors_away():
    point = row(predicted=2.0, measured=3.0, sem=0.5)
    assert [ratio(point, errors) for errors in (-1, 1)] == [1.25, 1.75]
    assert ratio(row(predicted=0.0, measured=0.1, sem=0.2), -1) == -math.inf


def test_the_farthest_point_is_a_number():
    rows = [row(z=1.0), row(z=math.nan), row(z=None), row(z=-3.0)]
    assert farthest(rows)["z"] == -3.0
    assert farthest(rows[1:3]) is None
