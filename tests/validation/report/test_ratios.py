import math
import re

import pytest

from tests.validation.report.test_page import row
from validation.report.ratios import LARGE, SMALL, drawn
from validation.report.standing import Standing

DIFFER = {"verdict": "disagrees", "expected": "disagrees"}


def heights(picture, kind):
    """Of the markers of a kind."""
    found = re.search(rf"class='marks {kind}' stroke-width='\d' d='([^']*)'", picture)
    return [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h", found[1])] if found else []


def of(*rows):
    return drawn(Standing("a", "a", rows))


def test_equality_is_in_the_middle_and_a_factor_as_far_up_as_its_inverse_down():
    same, twice, half = heights(of(*(row(predicted=1.0, measured=m) for m in (1.0, 2.0, 0.5))), "agree")
    assert same == SMALL.middle
    assert twice - same == pytest.approx(same - half)
    assert twice < same


@pytest.mark.parametrize(("predicted", "measured"), [(1.0, 1e9), (0.0, 2.0), (-1.0, -1e4)])
def test_what_is_far_above_stands_at_the_upper_edge(predicted, measured):
    assert heights(of(row(predicted=predicted, measured=measured)), "agree") == [SMALL.middle - SMALL.half]


@pytest.mark.parametrize("measured", [1e-9, 0.0, -3.0])
def test_what_is_far_below_or_not_positive_stands_at_the_lower_edge(measured):
    assert heights(of(row(predicted=1.0, measured=measured)), "agree") == [SMALL.middle + SMALL.half]


def test_disagreement_that_is_expected_has_marks_of_its_own():
    picture = of(row(measured=0.5), row(measured=1.0, **DIFFER), row(measured=1.0, **DIFFER))
    assert (len(heights(picture, "agree")), len(heights(picture, "differ"))) == (1, 2)


def test_a_point_without_numbers_has_no_mark():
    assert not heights(of(row(predicted=math.nan), row(measured=None)), "agree")


def test_the_label_says_what_is_shown():
    label = re.search("aria-label='([^']*)'", of(row(measured=0.505), row(measured=0.495), row(measured=1.5, **DIFFER)))
    wanted = (
        "Measured over predicted: 2 points expected to agree, from 0.990 to 1.010; 1 point expected to disagree, 3."
    )
    assert label[1] == wanted


def test_large_it_has_a_scale_and_numbers_its_claims_within_the_figure():
    picture = drawn(Standing("a", "a", [row(claim=f"a.{i % 40}") for i in range(80)]), large=True)
    words = re.findall(r"<text x='([\d.]+)' y='[\d.]+' text-anchor='(\w+)'>([^<]*)", picture)
    assert [word for *_, word in words if not word.isdigit()][:5] == ["×100", "×10", "×2", "+10 %", "equal"]
    numbers = [int(word) for *_, word in words if word.isdigit()]
    assert numbers == list(range(1, 41, 2))
    assert all(0 < float(x) < LARGE.width - 5 for x, *_ in words)
