"""`geomem derive`, and the catalogue's lines as the README counts them: in one file, so that one process judges them, once."""

import json

import pytest

from tests.test_project import README, table
from tests.validation.conftest import geomem
from validation import suite
from validation.claims import PREDICTIONS
from validation.report import overview


@pytest.mark.parametrize("name", PREDICTIONS)
def test_derive_in_three_formats(name):
    text, latex, document = (geomem("derive", name, "--format", form) for form in ("text", "latex", "json"))
    assert all((done.code, done.err) == (0, "") for done in (text, latex, document))
    assert text.out == geomem("derive", name).out
    assert text.out.startswith(f"{name}\n")
    assert latex.out.startswith(r"\documentclass")
    found = json.loads(document.out)
    assert list(found) == ["prediction", "steps", "verdict"]
    assert all(list(s) == ["name", "statement", "reason", "verdict", "evidence"] for s in found["steps"])
    assert found["verdict"] == suite.prediction(name).derivation().verdict


def test_the_lines_of_the_catalogue_are_counted_as_they_are_judged():
    assert table(README, "lines") == [line.strip("| ").split(" | ") for line in overview.lines().splitlines()[2:]]
