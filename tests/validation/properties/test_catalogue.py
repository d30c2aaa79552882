"""Every observable of the catalogue obeys the laws that it declares."""

import importlib

import pytest

from theory.observable import observables
from validation.claims import PREDICTIONS
from validation.laws import laws_for
from validation.properties.report import report
from validation.properties.search import search
from validation.properties.subject import catalogued

ALL = {
    f"{name}.{observable}": about
    for name in PREDICTIONS
    for observable, about in observables(importlib.import_module(f"theory.predictions.{name}")).items()
}
ROOTS = "kl_bound.samples_trusted"  # a tenth of a second at each time
CHEAP = [name for name, about in ALL.items() if not about.slow and name != ROOTS]
DEAR = [name for name in ALL if name not in CHEAP]
FEW, MANY = 4, 100


def broken(name, examples):
    subject = catalogued(name)
    found = [search(subject, law, max_examples=examples, derandomize=True, database=None) for law in laws_for(name)]
    return [report(subject, one.broken) for one in found if one.broken]


@pytest.mark.parametrize("name", CHEAP)
def test_laws_hold(name):
    assert broken(name, FEW) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEAP)
def test_laws_hold_everywhere(name):
    assert broken(name, MANY) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", DEAR)
def test_laws_hold_where_a_call_takes_seconds(name):
    assert broken(name, FEW) == []


@pytest.mark.parametrize("name", ALL)
def test_every_observable_declares_an_anchored_law_and_none_that_says_nothing_of_it(name):
    laws = laws_for(name)
    assert any(law.anchored for law in laws)
    assert [law.name for law in laws if not law.needs(catalogued(name))] == []
    assert len({law.name for law in laws}) == len(laws)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_table_is_of_the_observables(name):
    module = importlib.import_module(f"theory.predictions.{name}")
    assert list(module.LAWS) == list(observables(module))
