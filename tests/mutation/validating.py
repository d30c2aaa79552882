"""What catches a mutant: `validate` alone, whose measurements are taken once."""

from functools import cache, partial

import numpy as np

from tests.mutation.mutants import RAISED, original
from theory.source import cache_directory
from validation.claims import PREDICTIONS
from validation.job import Evaluation, Run
from validation.statistics import distance, judge
from validation.store import Store
from validation.suite import claims_module
from validation.sweep import sweep

RUN = Run("standard")
FOUND = {}  # by the jobs of claims, by their names


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
            return np.asarray(self.function(*job.arguments), dtype=np.float64)
        return _found(job)


@cache
def _store():
    return Store(cache_directory() / "mutation")


def _found(job):
    if job.name not in FOUND:
        FOUND[job.name] = sweep([job], RUN, store=_store())[job.name]
    return FOUND[job.name]


def _holds(claim, done):
    """Whether a claim's verdicts are what it expects, its control aside."""
    done.of(claim)
    with np.errstate(all="ignore"):  # of a mutant's numbers
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
