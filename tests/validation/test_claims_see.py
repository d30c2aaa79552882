"""A prediction that is off by a twentieth turns its claim red, at the standard budget, by data that are drawn for it."""

import functools
from functools import cache

import numpy as np
import pytest

from tests.validation.conftest import Roughly, all_claims
from theory.observable import observables
from theory.setting import Setting
from validation.claims import PREDICTIONS, SURVEYS, UNCLAIMED
from validation.job import Evaluation, Experiment, Run
from validation.suite import claims_module, prediction

FURTHER = ("covariance", "kernel", "mixture_covariance")  # functions of points, not of a setting
NAMES = [f"{name}.{o}" for name in PREDICTIONS for o in observables(prediction(name))]
NAMES += [f"score_covariance.{function}" for function in FURTHER]
GENERATING = (
    "temperature",
    "trade_off",
    "led_kde",
    "kernel_smoothing",
    "speciation",
    "trained_network",
    "training_times",
    "random_features",
)  # whose data sets cost more than their coordinates say
CHEAP = 3e7  # coordinates drawn, sooner than which a test is not slow


def size(claim):
    """Coordinates that the data sets of a claim have, all together."""
    settings = [(e.arguments.get("setting"), e.repeats) for e in claim.experiments]
    known = [(s.samples * s.manifold.ambient_dimension, n) for s, n in settings if isinstance(s, Setting)]
    return sum(coordinates * (n + 500) for coordinates, n in known) or 1e12  # a data set costs more than its numbers


def slow(claim):
    evaluated = (job.function for job in claim.jobs if isinstance(job, Evaluation))
    exact = any(getattr(getattr(f, "observable", None), "slow", False) for f in evaluated)
    return size(claim) > CHEAP or exact or claim.name.partition(".")[0] in GENERATING


def of(name):
    """The claim that has its own measurement of an observable at the least cost; None where all say why they are coarse."""
    prediction, _, observable = name.partition(".")
    stems = [prediction, *(survey for survey, held in SURVEYS.items() if prediction in held)]
    claims = [c for stem in stems for c in all_claims(stem) if c.observable == observable]
    return min((c for c in claims if c.expected == "agrees" and not c.coarse), key=size, default=None)


OWN = {name: claim for name in NAMES if name not in UNCLAIMED and (claim := of(name))}
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
    "name", [pytest.param(name, marks=[pytest.mark.slow] * slow(claim)) for name, claim in OWN.items()]
)
def test_an_error_of_a_twentieth_is_seen(name, monkeypatch):
    before = OWN[name]
    assert {row["verdict"] for row in before.rows(Measured(before.jobs))} == {"agrees"}
    module, observable = prediction(name.partition(".")[0]), before.observable
    right = getattr(module, observable)
    off = functools.wraps(right)(lambda *args, **kwargs: 1.05 * np.asarray(right(*args, **kwargs)))
    monkeypatch.setattr(module, observable, off)
    stem = before.name.partition(".")[0]
    (claim,) = [c for c in claims_module(stem).claims() if c.name == before.name]
    rows = claim.rows(Measured(claim.jobs))
    assert "disagrees" in {row["verdict"] for row in rows}
    assert rows[0]["detectable"] <= 0.05
