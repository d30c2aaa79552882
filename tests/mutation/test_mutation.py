"""How strong the catalogue's checks are: every observable is broken in a dozen ways and more, and what sees it is counted."""

import pytest

from tests.mutation.outcomes import names_of, outcomes, survivors, table
from validation.claims import PREDICTIONS

pytestmark = pytest.mark.mutation
LAWS, ALL = 0.95, 0.99  # shares that are to be caught


@pytest.fixture(scope="module")
def found():
    return {name: one for prediction in PREDICTIONS for name, one in outcomes(names_of(prediction)).items()}


def caught(found, way=None):
    every = sum(len(one["mutants"]) for one in found.values())
    return 1 - len(survivors(found, way)) / every


def test_every_observable_is_broken_in_a_dozen_ways(found):
    assert {
        name: len(one["mutants"]) + one["dropped"]
        for name, one in found.items()
        if len(one["mutants"]) + one["dropped"] < 12
    } == {}


def test_nearly_all_mutants_are_caught(found, capsys):
    with capsys.disabled():
        print("\n" + table(found))
        for way in ("laws", None):
            print(f"\nSurvive {way or 'all together'}:")
            print("\n".join(f"- `{name}`: {mutant}" for name, mutant in survivors(found, way)))
    assert caught(found, "laws") >= LAWS
    assert caught(found) >= ALL
