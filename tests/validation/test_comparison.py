import numpy as np
import pytest

from numerics.experiments import condensation as experiment
from theory.predictions import condensation, frozen_jacobian, kl_bound
from theory.setting import Setting
from validation.comparison import cases, compare, coordinates, measured_name, off, scaled, told, where, wrong
from validation.job import Evaluation

SETTING = Setting.of("1.0x2,0.1x1", samples=10, times=[0.1, 0.5, 2.0])
(AT,) = cases(condensation, experiment.measure, {"few": (40, SETTING)}, more=1).values()


def test_a_case_is_an_experiment_at_a_setting():
    assert (AT.experiment.name, AT.experiment.repeats) == ("condensation.few", 40)
    assert dict(AT.experiment.arguments) == {"setting": SETTING, "more": 1}
    assert AT[1:].times.tolist() == [0.5, 2.0]


def test_a_claim_is_what_both_know_by_one_name():
    claim = compare(AT, "participation", wrong("the limit", condensation.participation_asymptotic), headline=True)
    assert claim.name == "condensation.few.participation"
    assert claim.statement == f"participation of {told(SETTING)}: exact at finite N and D"
    assert claim.predicted == Evaluation(condensation.participation, (SETTING,))
    assert claim.control.value == Evaluation(condensation.participation_asymptotic, (SETTING,))
    assert (claim.expected, claim.headline, claim.relative_bias, claim.allowed_bias) == ("agrees", True, 0.0, 0.0)
    assert list(claim.jobs) == [AT.experiment, claim.predicted, claim.control.value]
    assert claim.coordinates["time"].tolist() == [0.1, 0.5, 2.0]


def test_an_approximation_is_measured_by_what_it_approximates():
    assert measured_name(condensation, "participation") == "participation"
    assert measured_name(condensation, "participation_asymptotic") == "participation"
    assert measured_name(kl_bound, "kl_exact") == measured_name(kl_bound, "kl_leading") == "kl"


def test_some_times_are_picked_in_prediction_control_and_measurement():
    claim = compare(
        AT, "participation", wrong("the limit", condensation.participation_asymptotic), times=slice(1, None)
    )
    assert claim.predicted.arguments[0].times.tolist() == [0.5, 2.0]
    assert claim.control.value.arguments[0].times.tolist() == [0.5, 2.0]
    found = {AT.experiment.name: AT.experiment.measure(SETTING, repeats=3)}
    mean, _, n, _ = claim.points(found)
    assert mean.tolist() == found[AT.experiment.name]["participation"].mean[1:].tolist()
    assert n.tolist() == [3, 3]


def test_a_prediction_may_be_another_function():
    claim = compare(AT, "participation", off(1.1, condensation.participation, SETTING), predicted=condensation.entropy)
    assert claim.predicted.function is condensation.entropy
    assert claim.observable == "participation"


@pytest.mark.parametrize(("factor", "words"), [(1.1, "lambda off by 10 %"), (0.8, "lambda off by 20 %")])
def test_a_wrong_lambda_scales_every_variance(factor, words):
    control = off(factor, condensation.entropy, SETTING)
    assert control.description == words
    (changed,) = control.value.arguments
    np.testing.assert_allclose(changed.manifold.variances, factor * SETTING.manifold.variances)
    assert scaled(SETTING, 1.0).manifold == SETTING.manifold


def test_coordinates_fit_the_dimensions():
    by_both = coordinates(frozen_jacobian.retained_variance.observable, SETTING)
    assert np.broadcast_shapes(*(np.shape(v) for v in by_both.values())) == (3, 2)
    assert list(coordinates(condensation.participation.observable, SETTING)) == ["time"]
    assert coordinates(condensation.condensation_time.observable, SETTING) == {}


def test_where_x_is():
    assert where(SETTING) == "fresh x"
    assert where(SETTING.at(query="trajectory")) == "on trajectories"
    assert where(SETTING.at(point=(0.0, 0.0, 0.0))) == "at one x"
