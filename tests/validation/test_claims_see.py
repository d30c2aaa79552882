"""A prediction that is off by a twentieth turns its claim red, at the standard budget, by data that are drawn for it."""

import functools
from functools import cache

import numpy as np
import pytest

from tests.validation.conftest import Roughly, all_claims
from theory.observable import observables
from theory.setting import Setting
from validation.claims import CLAIMED, PREDICTIONS, UNCLAIMED
from validation.job import Experiment, Run
from validation.suite import claims_module, prediction

FURTHER = ("covariance", "kernel", "mixture_covariance")  # functions of points, not of a setting
MODULES = {o: prediction(name) for name in PREDICTIONS for o in observables(prediction(name))}
MODULES |= dict.fromkeys(FURTHER, prediction("score_covariance"))
CHEAP = 3e7  # coordinates drawn, sooner than which a test is not slow


def size(claim):
    """Coordinates that the data sets of a claim have, all together."""
    settings = [(e.arguments.get("setting"), e.repeats) for e in claim.experiments]
    known = [(s.samples * s.manifold.ambient_dimension, n) for s, n in settings if isinstance(s, Setting)]
    return sum(coordinates * (n + 500) for coordinates, n in known) or 1e12  # a data set costs more than its numbers


def slow(claim):
    about = getattr(MODULES[claim.observable], claim.observable, None)
    exact = getattr(getattr(about, "observable", None), "slow", False)
    return size(claim) > CHEAP or exact


def of(observable):
    """The claim that has its own measurement of an observable at the least cost; None where all say why they are coarse."""
    claims = [c for name in CLAIMED for c in all_claims(name) if c.observable == observable]
    return min((c for c in claims if c.expected == "agrees" and not c.coarse), key=size, default=None)


OWN = {o: claim for o in MODULES if o not in UNCLAIMED and (claim := of(o))}


EXPERIMENTS = {e.name: e for claim in OWN.values() for e in claim.experiments}


@cache
def measured(name):
    return EXPERIMENTS[name].do(Run("standard"))


class Measured(Roughly):
    """Experiments as a standard run does them, evaluations as they are now."""

    def __missing__(self, name):
        job = self.jobs[name]
        return measured(name) if isinstance(job, Experiment) else job.do(Run())


@pytest.mark.parametrize(
    "observable", [pytest.param(o, marks=[pytest.mark.slow] * slow(claim)) for o, claim in OWN.items()]
)
def test_an_error_of_a_twentieth_is_seen(observable, monkeypatch):
    before = OWN[observable]
    assert {row["verdict"] for row in before.rows(Measured(before.jobs))} == {"agrees"}
    module, right = MODULES[observable], getattr(MODULES[observable], observable)
    off = functools.wraps(right)(lambda *args, **kwargs: 1.05 * np.asarray(right(*args, **kwargs)))
    monkeypatch.setattr(module, observable, off)
    stem = before.name.partition(".")[0]
    (claim,) = [c for c in claims_module(stem).claims() if c.name == before.name]
    rows = claim.rows(Measured(claim.jobs))
    assert "disagrees" in {row["verdict"] for row in rows}
    assert rows[0]["detectable"] <= 0.05
