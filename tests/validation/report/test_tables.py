import json
import math
from itertools import groupby
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from numerics.measurement import Measurement
from theory.observable import observable as declared
from theory.setting import ENSEMBLES, Setting
from validation.report import tables
from validation.report.tables import Verdicts, predicted, render, strict_json, tally

SETTING = Setting.of("1.0x3,0.1x2", samples=500, times=np.array([0.1, 0.25]), schedule="ou")
SPHERE = SETTING.at(ensemble="sphere")
DIMS = {"number": (), "by_time": ("time",), "by_subspace": ("subspace",), "by_both": ("time", "subspace")}
VALUES = {
    "number": 0.5,
    "by_time": np.array([1.0, 2.0]),
    "by_subspace": np.array([3.0, np.nan]),
    "by_both": np.array([[1e-30, 2.0], [np.inf, -4.0]]),
}


def refuse(setting):
    raise ValueError("derived for the gaussian ensemble")


def stand_in(**functions):
    """A prediction of these observables, one that refuses of the gaussian ensemble alone."""
    module = ModuleType(__name__)
    for name, function in functions.items():
        ensembles = ("gaussian",) if function is refuse else ENSEMBLES
        setattr(module, name, declared(kind="exact", symbol="", ensembles=ensembles)(function))
    return module


def row(claim, verdict="agrees", z=0.5, expected="agrees", rejected=True):
    return {"claim": claim, "verdict": verdict, "expected": expected, "z": z, "control": {"rejected": rejected}}


def cells(text):
    return [line.split() for line in text.splitlines() if line.strip()]


def test_json_names_the_setting_the_coordinates_and_the_dimensions():
    document = json.loads(render("collapse", SETTING, DIMS, VALUES, as_json=True))
    assert list(document) == ["prediction", "setting", "coordinates", "dims", "observables"]
    assert document["prediction"] == "collapse"
    assert document["setting"] == {
        "subspaces": [{"variance": 1.0, "dimension": 3}, {"variance": 0.1, "dimension": 2}],
        "ambient_dimension": 5,
        "samples": 500,
        "schedule": "ou",
        "at": "fresh",
        "x": None,
        "temperature": 1.0,
        "bandwidth": 0.0,
        "separation": 0.0,
        "share": 0.5,
        "ensemble": "gaussian",
    }
    assert document["coordinates"] == {"time": [0.1, 0.25], "subspace": [0, 1]}
    assert document["dims"] == {o: list(d) for o, d in DIMS.items()}
    assert document["observables"] == {
        "number": 0.5,
        "by_time": [1.0, 2.0],
        "by_subspace": [3.0, None],
        "by_both": [[1e-30, 2.0], [None, -4.0]],
    }
    for observable, dims in document["dims"].items():
        shape = np.shape(document["observables"][observable])
        assert shape == tuple(len(document["coordinates"][d]) for d in dims)


def test_json_of_a_measurement_has_its_errors():
    observables = {o: Measurement(np.asarray(v), np.abs(v) / 10, 7) for o, v in VALUES.items()}
    document = json.loads(render("collapse", SETTING, DIMS, observables, as_json=True))
    assert list(document) == [
        "prediction", "setting", "coordinates", "dims", "observables", "standard_errors", "draws",
    ]  # fmt: skip
    assert document["observables"]["number"] == 0.5
    assert document["standard_errors"]["number"] == pytest.approx(0.05)
    assert document["standard_errors"]["by_both"][1] == [None, pytest.approx(0.4)]
    assert document["draws"] == dict.fromkeys(DIMS, 7)


def test_only_the_dimensions_of_what_is_shown_are_given():
    document = json.loads(render("x", SETTING, DIMS, {"number": 1.0}, as_json=True))
    assert document["dims"] == {"number": []}


def test_a_table_has_a_row_per_time_and_a_column_per_subspace():
    lines = cells(render("collapse", SETTING, DIMS, VALUES, as_json=False))
    assert " ".join(lines[0]) == "collapse: 1x3,0.1x2, N = 500, gaussian, schedule ou"
    assert lines[1:] == [
        ["number", "=", "0.5"],
        ["time", "by_time"],
        ["0.1", "1"],
        ["0.25", "2"],
        ["subspace", "by_subspace"],
        ["0", "3"],
        ["1", "nan"],
        ["by_both"],
        ["time", "subspace", "0", "subspace", "1"],
        ["0.1", "1e-30", "2"],
        ["0.25", "inf", "-4"],
    ]


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.51234, 0.0123, "0.512 ± 0.012"),
        (-1234.5, 20.0, "-1234 ± 20"),
        (1.2349e-5, 1e-8, "(1.2349 ± 0.0010)e-05"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (1.0, 0.0, "1 ± 0"),
        (np.inf, 1.0, "inf ± 1"),
        (np.nan, np.nan, "nan ± nan"),
    ],
)
def test_a_measurement_is_shown_to_two_digits_of_its_error(value, error, expected):
    text = render("x", SETTING, DIMS, {"number": Measurement(np.array(value), np.array(error), 9)}, as_json=False)
    assert text.endswith(f"number = {expected}")


def test_the_heading_names_the_number_of_samples():
    assert "N = 1234567" in render("x", SETTING.at(samples=1234567), {}, {}, as_json=False)


def test_remedies_are_in_the_heading():
    assert render("x", SETTING, {}, {}, as_json=False).endswith("schedule ou")
    text = render("x", SETTING.at(temperature=2, bandwidth=0.1), {}, {}, as_json=False)
    assert text.endswith("schedule ou, temperature 2, bandwidth 0.1")


def test_what_is_known_of_each_sample_is_numbered():
    setting = Setting.of("1x1", samples=3)
    document = json.loads(render("x", setting, {"p": ("sample",)}, {"p": np.array([0.2, 0.5, 0.3])}, as_json=True))
    assert document["coordinates"]["sample"] == [0, 1, 2]
    text = render("x", setting, {"p": ("sample",)}, {"p": np.array([0.2, 0.5, 0.3])}, as_json=False)
    assert cells(text)[1:] == [["sample", "p"], ["0", "0.2"], ["1", "0.5"], ["2", "0.3"]]


def test_what_is_known_in_one_direction_is_left_out_in_more():
    module, declare = ModuleType(__name__), declared(kind="exact", symbol="", directions=1)
    module.a, module.b = declared(kind="exact", symbol="")(lambda s: 1.0), declare(lambda s: 2.0)
    module.a.__name__, module.b.__name__ = "a", "b"
    assert predicted(module, Setting.of("1x1")) == ({"a": 1.0, "b": 2.0}, [])
    assert predicted(module, SETTING, ["a", "b"]) == ({"a": 1.0}, [])
    with pytest.raises(ValueError, match=r"is known in 1 direction, got 1x3,0.1x2"):
        predicted(module, SETTING, ["b"])


def test_predictions_of_a_setting_that_is_not_theirs_are_noted():
    module = stand_in(a=lambda s: 1.0, b=refuse, c=refuse)
    assert predicted(module, SPHERE) == (
        {"a": 1.0, "b": None, "c": None},
        ["not derived for the sphere ensemble: b, c"],
    )
    with pytest.raises(ValueError, match="derived for the gaussian ensemble"):
        predicted(stand_in(b=refuse), SPHERE)


def test_what_fails_for_another_reason_is_not_said_to_be_underived():
    def fail(setting):
        raise ValueError("too large")

    with pytest.raises(ValueError, match="too large"):
        predicted(stand_in(a=lambda s: 1.0, b=fail), SETTING)


@pytest.mark.parametrize(("said", "notes"), [("", []), ("too few samples", ["too few samples"])])
def test_a_prediction_out_of_its_range_is_cautioned_about(said, notes):
    module = stand_in(a=lambda s: 1.0)
    module.caution = lambda s: said
    assert predicted(module, SETTING) == ({"a": 1.0}, notes)


def test_what_was_not_derived_is_null_in_json_and_no_table():
    values = {"number": None, "by_time": VALUES["by_time"]}
    assert json.loads(render("x", SPHERE, DIMS, values, as_json=True))["observables"]["number"] is None
    assert "number" not in render("x", SPHERE, DIMS, values, as_json=False)


def verdicts(rows):
    """What validate prints, all claims at once."""
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row["claim"])]
    lines = Verdicts(group[0]["claim"] for group in groups)
    return "\n".join([lines.header, *map(lines.line, groups), "", tally(rows)])


def test_claims_are_a_line_each():
    rows = [
        row("a", z=0.5),
        row("a", z=-1.25),
        row("b", verdict="disagrees", z=math.inf),
        row("b"),
        row("c", verdict="disagrees", expected="disagrees", z=40),
        row("d", verdict="underpowered", rejected=False),
        row("e", verdict="disagrees", expected="disagrees", rejected=False),
    ]
    text = verdicts(rows)
    assert [" ".join(line) for line in cells(text)] == [
        "claim verdict expected points max |z| sees control holds",
        "a agrees agrees 2 1.25 rejected yes",
        "b agrees, disagrees agrees 2 inf rejected NO",
        "c disagrees disagrees 1 40.00 rejected yes",
        "d underpowered agrees 1 0.50 survives NO",
        "e disagrees disagrees 1 0.50 survives NO",
        "2 of 5 claims hold",
    ]


def test_columns_are_aligned_and_nothing_trails():
    lines = verdicts([row("a"), row("a longer name")]).splitlines()
    assert len({line.index("agrees") for line in lines[1:3]}) == 1
    assert all(line == line.rstrip() for line in lines)
    assert verdicts([]).endswith("0 of 0 claims hold")


def test_the_largest_z_does_not_depend_on_where_a_missing_one_stands():
    first, last = (
        verdicts([row("a", "underpowered", z=z) for z in zs]).splitlines()[1]
        for zs in ((math.nan, 3.0), (3.0, math.nan))
    )
    assert first == last


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (-math.inf, None),
        (np.float64("nan"), None),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        (np.array(2.0), 2.0),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (True, True),
        ((1, (2.0, math.inf)), [1, [2.0, None]]),
        ({1: {"a": math.nan}}, {"1": {"a": None}}),
        ("NaN", "NaN"),
        (None, None),
    ],
)
def test_json_is_strict(value, expected):
    found = json.loads(strict_json({"x": value}), parse_constant=pytest.fail)["x"]
    assert found == expected
    assert type(found) is type(expected)


def test_what_json_has_no_word_for_is_its_text():
    assert json.loads(strict_json({"x": [Path("a/b")]})) == {"x": ["a/b"]}


def test_the_names_are_the_public_ones():
    assert set(tables.__all__) == {
        "Verdicts",
        "aligned",
        "plain",
        "predicted",
        "render",
        "seen",
        "strict_json",
        "tally",
    }
