"""Outcomes: what caught each mutant, and the table that says how strong the catalogue's checks are."""

from collections.abc import Iterable
from pathlib import Path

from tests.mutation.catching import by_derivation, by_laws, by_validate
from tests.mutation.mutants import distinct, module
from tests.mutation.second_route import by_second_route
from theory.observable import observables

WAYS = "laws", "second route", "validate", "derivation"
TESTS = Path(__file__).parents[1] / "theory" / "predictions"


def names_of(prediction):
    """Its observables, PREDICTION.OBSERVABLE."""
    return [f"{prediction}.{name}" for name in observables(module(prediction))]


def outcomes(names, ways=WAYS):
    """For each observable, {"dropped": number, "mutants": {mutant: {way: what caught it, or None}}}."""
    alone = {"laws": by_laws, "validate": by_validate, "derivation": by_derivation}
    mutants = {name: distinct(name) for name in names}
    found = {name: {m.way: {} for m in kept} for name, (kept, _) in mutants.items()}
    for way in set(ways) & alone.keys():
        for name, (kept, _) in mutants.items():
            for m in kept:
                found[name][m.way][way] = alone[way](name, m)
    if "second route" in ways:
        files = sorted({TESTS / f"test_{name.partition('.')[0]}.py" for name in names})
        caught = by_second_route(names, files)
        for name, ways_of in found.items():
            for way, by in ways_of.items():
                by["second route"] = caught[name].get(way)
    return {name: {"dropped": mutants[name][1], "mutants": found[name]} for name in names}


def share(caught: Iterable[bool]) -> str:
    """In per cent, rounded down: 100 is said of all alone; - where nothing was asked."""
    caught = list(caught)
    return f"{100 * sum(caught) // len(caught)} %" if caught else "-"


def table(found):
    """The outcomes in Markdown: a row for each observable, and what survived."""
    rows = [_row(f"`{name}`", one["mutants"].values(), one["dropped"]) for name, one in found.items()]
    every = [by for one in found.values() for by in one["mutants"].values()]
    total = _row("all", every, sum(one["dropped"] for one in found.values()))
    head = ["Observable", "mutants", "equal, dropped", *WAYS, "all together"]
    lines = [head, ["---"] * len(head), *rows, total]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(label, every, dropped):
    every = list(every)
    alone = [share(bool(by[way]) for by in every if way in by) for way in WAYS]
    return [label, str(len(every)), str(dropped), *alone, share(any(by.values()) for by in every)]


def survivors(found, way=None):
    """The mutants that one way, or all together, did not catch: (observable, mutant)."""
    return [
        (name, mutant)
        for name, one in found.items()
        for mutant, by in one["mutants"].items()
        if not (by.get(way) if way else any(by.values()))
    ]
