import numpy as np
import pytest

from tests.validation.conftest import Roughly, all_claims, check_evaluation, check_rows, check_structure, draw_figures
from theory.observable import observables
from theory.setting import Setting
from validation.claims import CLAIMED, PREDICTIONS, SURVEYS, UNCLAIMED
from validation.job import Evaluation
from validation.statistics import COMPARISONS, Verdict
from validation.suite import prediction

CLAIMS = {claim.name: claim for name in CLAIMED for claim in all_claims(name)}


def takes_long(claim):
    """Whether exact values are averages over x, which take seconds; tests/theory has them by other routes."""
    return not claim.headline and any(isinstance(job, Evaluation) and _averages(job) for job in claim.jobs)


def _averages(job):
    settings = [a for a in job.arguments if isinstance(a, Setting) and not a.point]
    return bool(settings) and getattr(getattr(job.function, "observable", None), "slow", False)


EVALUATED = [pytest.param(n, marks=[pytest.mark.slow] * takes_long(claim)) for n, claim in CLAIMS.items()]


@pytest.mark.parametrize("name", CLAIMS)
def test_structure(name):
    check_structure(CLAIMS[name], name.partition(".")[0])


def test_all_comparisons_are_within_the_budget_they_are_judged_by():
    assert 0 < sum(np.size(claim.points(Roughly(claim.jobs))[0]) for claim in CLAIMS.values()) <= COMPARISONS


@pytest.mark.parametrize("name", EVALUATED)
def test_prediction_bias_and_control_fit_the_measurement(name):
    check_evaluation(CLAIMS[name])
    check_rows(CLAIMS[name])


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_headline_has_an_exact_claim_a_control_and_a_failure_where_there_is_one(name):
    headline = [claim for claim in all_claims(name) if claim.headline]
    expected: set[Verdict] = {claim.expected for claim in headline}
    assert "agrees" in expected
    assert ("disagrees" in expected) == any(claim.expected == "disagrees" for claim in all_claims(name))
    assert all(claim.control.description for claim in headline)


@pytest.mark.parametrize("name", SURVEYS)
def test_surveys_are_no_headline(name):
    assert not [claim for claim in all_claims(name) if claim.headline]


@pytest.mark.parametrize("name", CLAIMED)
def test_figures(name):
    draw_figures(name)


def test_every_observable_has_an_agreeing_claim_of_its_own_or_a_reason():
    known = {f"{name}.{o}" for name in PREDICTIONS for o in observables(prediction(name))}
    agreeing = {
        (name.partition(".")[0], claim.observable) for name, claim in CLAIMS.items() if claim.expected == "agrees"
    }
    claimed = {f"{name}.{o}" for stem, o in agreeing for name in SURVEYS.get(stem, [stem])}
    assert set(UNCLAIMED) == known - claimed
