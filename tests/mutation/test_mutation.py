"""How strong the catalogue's checks are: every observable is broken in a dozen ways and more, and what sees it is counted."""

import pytest

from tests.mutation.mutants import slow
from tests.mutation.outcomes import known, names_of, outcomes, survivors, table
from validation.claims import PREDICTIONS

pytestmark = [pytest.mark.mutation, pytest.mark.filterwarnings("ignore")]  # a mutant may make anything of numbers
LAWS, ALL = 0.95, 0.99  # shares that are to be caught
NAMES = [name for prediction in PREDICTIONS for name in names_of(prediction)]
QUICK, SLOW = ([name for name in NAMES if slow(name) == wanted] for wanted in (False, True))


def caught(found, way=None):
    every = sum(len(one["mutants"]) for one in found.values())
    return 1 - len(survivors(found, way)) / every


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_it_is_broken_in_a_dozen_ways(name):
    assert len(known(name)["mutants"]) + known(name)["dropped"] >= 12


@pytest.mark.parametrize("names", [QUICK, pytest.param(NAMES, marks=pytest.mark.slow)], ids=["quick", "all"])
def test_nearly_all_mutants_are_caught(names, capsys):
    found = {name: outcomes(name) for name in names}
    with capsys.disabled():
        print("\n" + table(found))
        for way in ("laws", None):
            print(f"\nSurvive {way or 'all together'}:")
            print("\n".join(f"- `{name}`: {mutant}" for name, mutant in survivors(found, way)))
    assert caught(found, "laws") >= LAWS
    assert caught(found) >= ALL
