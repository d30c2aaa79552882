"""What catches a mutant: the laws alone, `validate` alone, the checks of the derivations alone."""

import time
from functools import cache, partial
from importlib import import_module

import hypothesis
import numpy as np
from hypothesis import strategies as st

from tests.mutation.mutants import RAISED, as_subject, cheap_settings, dear, derivation, original, same, slow
from theory.lines.judging import JUDGE, Book, in_process, turned
from theory.lines.line import JUDGED
from theory.source import cache_directory
from validation.claims import PREDICTIONS
from validation.job import Evaluation, Run
from validation.properties.catalogue import declared
from validation.properties.search import search
from validation.properties.subject import catalogued
from validation.statistics import distance, judge
from validation.store import Store
from validation.suite import claims_module
from validation.sweep import sweep

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


# claims

RUN = Run("standard")


@cache
def all_claims():
    """Of the predictions, no surveys."""
    return [claim for one in PREDICTIONS for claim in claims_module(one).claims()]


@cache
def claims_about(name):
    """The claims that hold an observable itself, and hold."""
    about = [claim for claim in all_claims() if any(map(partial(_asks, name), _parts(claim.predicted)))]
    return [claim for claim in about if _holds(claim, _Done(name, original(name)))]


def _parts(quantity):
    return quantity if isinstance(quantity, tuple) else (quantity,)


def _asks(name, job):
    return isinstance(job, Evaluation) and job.function is original(name)


class _Done(dict):
    """What jobs find: measurements that are kept, evaluations as they are, and those of one observable by a mutant."""

    def __init__(self, name, function):
        super().__init__()
        self.name, self.function = name, function

    def of(self, claim):
        self.jobs = {job.name: job for job in claim.jobs}
        return self

    def __missing__(self, job):
        job = self.jobs[job]
        if _asks(self.name, job):
            with np.errstate(all="ignore"):
                return np.asarray(self.function(*job.arguments), dtype=np.float64)
        return _found(job)


@cache
def _store():
    return Store(cache_directory() / "mutation")


FOUND = {}


def _found(job):
    if job.name not in FOUND:
        FOUND[job.name] = sweep([job], RUN, store=_store())[job.name]
    return FOUND[job.name]


def _holds(claim, done):
    """Whether a claim's verdicts are what it expects, its control aside."""
    done.of(claim)
    mean, sem, n, skewness = claim.points(done)
    predicted = np.broadcast_to(claim._value(claim.predicted, done), np.shape(mean))
    bias = claim._value(claim.allowed_bias, done) + claim.relative_bias * np.abs(predicted)
    z = distance(mean, sem, predicted, bias)
    return set(judge(z, np.full_like(z, 1e9), n, skewness)[0]) == {claim.expected}


def by_validate(name, mutant):
    """The first claim that does not come out as expected; None where all do, or there is none."""
    for claim in claims_about(name):
        try:
            if not _holds(claim, _Done(name, mutant.function)):
                return claim.name
        except RAISED:
            return claim.name
    return None
