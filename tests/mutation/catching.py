"""What catches a mutant: the laws alone, the checks of the derivations alone."""

import time
from functools import cache
from importlib import import_module

import hypothesis
from hypothesis import strategies as st

from tests.mutation.mutants import RAISED, as_subject, cheap_settings, dear, derivation, same, slow
from theory.lines.judging import JUDGE, Book, in_process, turned
from theory.lines.line import JUDGED
from validation.properties.catalogue import declared
from validation.properties.search import search
from validation.properties.subject import catalogued

EXAMPLES, DEAR_EXAMPLES, SLOW_EXAMPLES = 20, 12, 3


def broken(name, subject, law):
    """Whether a search breaks a law; an error that the subject raises is no pass either."""
    options = {"derandomize": True, "database": None, "phases": (hypothesis.Phase.generate,)}
    where = st.sampled_from(cheap_settings(name)) if dear(name) else None
    examples = SLOW_EXAMPLES if slow(name) else DEAR_EXAMPLES if dear(name) else EXAMPLES
    try:
        return search(subject, law, where=where, max_examples=examples, **options).broken is not None
    except RAISED:
        return True


@cache
def held(name):
    """The laws that the observable itself obeys, the fastest first, and those it does not, at these examples."""
    known = catalogued(name)
    taken, wrong = [], []
    for law in declared(name):
        begin = time.process_time()
        (wrong if broken(name, known, law) else taken).append((time.process_time() - begin, law.name, law))
    return [law for _, _, law in sorted(taken, key=lambda one: one[:2])], [law for *_, law in wrong]


def by_laws(name, mutant):
    """The first law that a mutant breaks; None where it survives."""
    subject = as_subject(catalogued(name), mutant)
    laws, _ = held(name)
    for law in laws:
        if broken(name, subject, law):
            laws.remove(law)
            laws.insert(0, law)  # what caught one catches others
            return law.name
    return None


# derivations


@cache
def lines_of(place, formula):
    """Lines of a derivation that are judged, and hold a formula: as a whole side, or else inside one."""
    made = import_module(f"theory.derivations.{place}").derive()
    expression = made[formula].expression
    book = Book(tuple(made.lines), {}, tuple(made._relations), dict(made._roots))
    judged = [line for line in made.lines if line.relation in JUDGED and line.relation != "solves"]
    whole = [(line, k) for line in judged for k, side in enumerate(line.sides) if _is(side, expression)]
    inside = [(line, k) for line in judged for k, side in enumerate(line.sides) if side.has(expression)]
    return [(line, k, book) for line, k in whole or inside]


def _is(side, expression):
    symbols = expression.free_symbols
    return side == expression or (side.free_symbols == symbols and bool(symbols) and same(side, expression))


@cache
def refuted(place, formula, expression):
    """The line that a mutated formula makes false; None where there is none."""
    right = derivation(place)[formula].expression
    for line, k, book in lines_of(place, formula):
        side = line.sides[k]
        broken = expression if _is(side, right) else side.subs(right, expression)
        sides = [broken if i == k else s for i, s in enumerate(line.sides)]
        found = in_process(JUDGE, *turned(*sides, line.relation), at=line.at or None, assume=book.assumed)
        if found.verdict == "refuted":
            return line.name
    return None


def by_derivation(name, mutant):
    """The line that the mutant's formula makes false; None where it has none, or survives."""
    return refuted(*mutant.formula, mutant.by.expression) if mutant.formula else None
