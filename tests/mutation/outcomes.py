"""Outcomes: what caught each mutant, and the table that says how strong the catalogue's checks are."""

import random
from functools import cache

from tests.mutation.catching import by_derivation, by_laws
from tests.mutation.keeping import remembered, test_file
from tests.mutation.mutants import distinct, module, mutants, slow
from tests.mutation.second_route import by_second_route
from tests.mutation.validating import by_validate
from theory.observable import observables

WAYS = "laws", "second route", "validate", "derivation"
ALONE = {"laws": by_laws, "validate": by_validate, "derivation": by_derivation}
SAMPLE = 12  # mutants of an observable that every way is asked for, besides all that survive the laws


def names_of(prediction):
    """Its observables, PREDICTION.OBSERVABLE."""
    return [f"{prediction}.{name}" for name in observables(module(prediction))]


@cache
def known(name):
    """{"mutants": the ways in which an observable is broken, "dropped": how many are equal}."""

    def find():
        kept, dropped = distinct(name)
        return {"mutants": [m.way for m in kept], "dropped": dropped}

    return remembered(name, "mutants", find)


def sample(name):
    """The mutants that every way is asked for; the name of the observable is the seed."""
    ways = known(name)["mutants"]
    return sorted(random.Random(name).sample(ways, min(SAMPLE, len(ways))), key=ways.index)


def asked(name, way):
    """The mutants that one way is asked for: the laws for all, but where a call takes seconds."""
    if way == "laws":
        return sample(name) if slow(name) else known(name)["mutants"]
    survived = [mutant for mutant, by in caught(name, "laws").items() if not by]
    return list(dict.fromkeys([*sample(name), *survived]))


def caught(name, way):
    """What catches each mutant that one way is asked for, {mutant: what, or None}."""
    prediction = name.partition(".")[0]
    alone = way != "second route"
    return remembered(name, way, lambda: _alone(name, way) if alone else _second(prediction, slow(name))[name])


def _alone(name, way):
    wanted = asked(name, way)
    return {m.way: ALONE[way](name, m) for m in mutants(name) if m.way in wanted}


@cache
def _second(prediction, dear):
    """All observables at once, those that take seconds or the others: each test is run once as it is."""
    names = [name for name in names_of(prediction) if slow(name) == dear]
    return by_second_route({name: asked(name, "second route") for name in names}, test_file(prediction))


def outcomes(name):
    """{"dropped": number, "mutants": {mutant: {way: what caught it, or None}}} of an observable, where a way was asked."""
    found = {mutant: {} for mutant in known(name)["mutants"]}
    for way in WAYS:
        for mutant, by in caught(name, way).items():
            found[mutant][way] = by
    return {"dropped": known(name)["dropped"], "mutants": {mutant: by for mutant, by in found.items() if by}}


def share(of):
    """In per cent, rounded down to a tenth, and of how many: 100 is said of all alone; - where nothing was asked."""
    of = list(of)
    return f"{1000 * sum(of) // len(of) / 10} % of {len(of)}" if of else "-"


def table(found):
    """The outcomes of observables in Markdown: a row for each prediction, and how many each way was asked for."""
    head = ["Prediction", "Observables", "Mutants", "Equal, dropped", *(way.capitalize() for way in WAYS), "All"]
    predictions = dict.fromkeys(name.partition(".")[0] for name in found)
    rows = [_row(f"`{p}`", [found[name] for name in found if name.startswith(f"{p}.")]) for p in predictions]
    lines = [head, ["---"] * len(head), *rows, _row("all", list(found.values()))]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(label, observables):
    every = [by for one in observables for by in one["mutants"].values()]
    alone = [[bool(by[way]) for by in every if way in by] for way in WAYS]
    dropped = sum(one["dropped"] for one in observables)
    together = share(any(by.values()) for by in every)
    return [label, str(len(observables)), str(len(every)), str(dropped), *map(share, alone), together]


def survivors(found, way=None):
    """The mutants that one way, or all together, did not catch: (observable, mutant)."""
    return [
        (name, mutant)
        for name, one in found.items()
        for mutant, by in one["mutants"].items()
        if not (by.get(way) if way else any(by.values()))
    ]
