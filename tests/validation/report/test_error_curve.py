"""The drawing of an error curve: each point in its place, and a label for who does not see it."""

import re
from xml.etree import ElementTree

from validation.report.error_curve import drawn

CURVE = {
    "along": "<t>",
    "at": {},
    "points": [[0.01, 1.0], [0.1, 0.1], [1.0, -0.01], [100.0, 0.0]],
    "worst": [0.01, 1.0],
}


def test_points_are_in_order_and_within_the_drawing():
    root = ElementTree.fromstring(drawn(CURVE))
    width, height = (float(root.attrib[side]) for side in ("width", "height"))
    (line,) = root.iter("polyline")
    places = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert len(places) == 4
    assert [p[0] for p in places] == sorted(p[0] for p in places)
    assert [p[1] for p in places] == sorted(
        p[1] for p in places
    )  # the error falls, and what is drawn lower is further down
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)
    assert root.attrib["aria-label"] == "relative error along <t>, the worst 1 at 0.01"


def test_either_sign_has_its_line():
    both = CURVE | {"points": [[-1.0, 0.5], [-0.1, 0.2], [0.1, 0.2], [1.0, 0.5]]}
    assert len(re.findall("<polyline", drawn(both))) == 2
    assert "|&lt;t&gt;|" in drawn(both)


def test_too_few_points_are_not_drawn():
    assert drawn(CURVE | {"points": [[1.0, 0.5]]}) == ""
