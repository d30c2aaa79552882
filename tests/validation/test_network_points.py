"""Tests of points, tables and coordinates of what is of a network: over training times, bulks and places."""

from __future__ import annotations

import json

import numpy as np
import pytest

from theory.observable import Observable
from theory.setting import Setting
from validation.axes import Axis, axes_of
from validation.comparison import besides, coordinates
from validation.job import Run
from validation.points import Form, Points, Work
from validation.report.tables import render

SETTING = Setting.of("1x2,0.5x1", samples=10, times=[0.5, 1.0, 2.0]).trained(features=8, times=(10.0, 100.0))


def product(setting):
    """Of time, training time, and the bulk or place from 1, plus the features."""
    parts = np.array([1.0, 2.0, 3.0])
    return setting.t[:, None, None] * setting.network.tau[:, None] * parts + setting.network.features


FORM = Form("product", "yours", "product", ("time", "training", "bulk"), product, network=True)
PLACES = Observable("product", ("time", "training", "place"), "exact", "f", network=True)


@pytest.mark.parametrize(
    ("over", "shape", "expected"),
    [
        ({"training": (1, 10, 100)}, (3, 3), lambda v, k: 0.5 * v[0] * k + 8),
        ({"time": (1, 2), "training": (1, 10, 100)}, (2, 3, 3), lambda v, k: v[0] * v[1] * k + 8),
        ({"training": (1, 10, 100), "time": (1, 2)}, (3, 2, 3), lambda v, k: v[0] * v[1] * k + 8),
        ({"features": (4, 8), "training": (1, 10, 100)}, (2, 3, 3), lambda v, k: 0.5 * v[1] * k + v[0]),
        ({"training": (1, 10), "samples": (4, 8, 16)}, (2, 3, 3), lambda v, k: 0.5 * v[0] * k + 8),
        ({"ridge": (4, 8)}, (2, 3), lambda v, k: 0.5 * 10 * k + 8),
    ],
)
def test_training_time_is_an_axis_that_a_setting_holds(over, shape, expected):
    points = Points(SETTING, axes_of(over))
    found = Work(Run()).predicted(points, [FORM])["product"]
    assert found.shape == shape
    for at in np.ndindex(shape):
        values = [axis.values[i] for axis, i in zip(points.axes, at[:-1], strict=True)]
        assert found[at] == pytest.approx(expected(values, at[-1] + 1))


def test_lines_pass_through_the_points():
    points = Points(SETTING, axes_of({"training": (1, 10, 100), "time": (1, 2)}))
    work = Work(Run())
    predicted = work.predicted(points, [FORM])
    for k, t in enumerate((1, 2)):
        x, y = work.lines(points, [FORM], predicted)["product"][k]
        assert x.size > 50
        np.testing.assert_allclose(y, t * x[:, None] * [1, 2, 3] + 8)


def test_features_may_be_infinite_but_not_broken():
    assert Axis("features", (8, np.inf)).values == (8, np.inf)
    with pytest.raises(ValueError, match="whole numbers"):
        Axis("features", (8, 8.5))


def test_tables_have_a_row_for_every_time_and_training_time():
    value = product(SETTING)
    text = render("nets", SETTING, {"product": PLACES.dims}, {"product": value}, as_json=False)
    lines = [line.split() for line in text.splitlines()]
    assert "8 tanh features, training time 10, 100" in text
    assert ["time", "training", "fresh", "trajectory", "generated"] in lines
    assert ["1", "100", "108", "208", "308"] in lines
    document = json.loads(render("nets", SETTING, {"product": PLACES.dims}, {"product": value}, as_json=True))
    assert document["setting"]["network"] == {"features": 8, "activation": "tanh", "times": [10.0, 100.0], "ridge": 0.0}
    kernel = render("nets", SETTING.trained(features=np.inf), {}, {}, as_json=True)
    assert json.loads(kernel)["setting"]["network"]["features"] == "inf"
    assert document["coordinates"]["training"] == [10.0, 100.0]
    assert document["coordinates"]["place"] == ["fresh", "trajectory", "generated"]


def test_coordinates_are_of_the_shape_of_the_observable():
    found = coordinates(PLACES, SETTING)
    assert list(found) == ["time", "training", "place"]
    assert np.broadcast_shapes(*(values.shape for values in found.values())) == (3, 2, 3)
    assert found["place"].ravel().tolist() == ["fresh", "trajectory", "generated"]


def test_a_network_is_told_of_but_for_what_is_varied():
    assert besides(SETTING, ("training",)) == ", 8 tanh features"
    assert besides(SETTING.at(network=None)) == ""
