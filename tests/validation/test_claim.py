import json

import numpy as np
import pytest

from numerics.measurement import Measurement
from tests.validation.conftest import ROW
from validation.claim import Claim, Control, Picked, holds
from validation.job import BUDGETS, Evaluation, Experiment, Run

TRUE = np.array([1.0, 2.0, 4.0])


def normal(*, level, repeats, rng, device, dtype):
    return Measurement.of(np.random.default_rng(rng).normal(level, 0.1, (repeats, len(level))))


def given(values):
    """What theory says, a job."""
    return np.asarray(values, dtype=float)


def claim(predicted=TRUE, wrong=1.3 * TRUE, **changes):
    parts = {
        "name": "synthetic.mean",
        "statement": "the mean is the mean",
        "observable": "mean",
        "coordinates": {"time": np.array([0.1, 0.2, 0.3])},
        "experiments": (Experiment("synthetic.normal", normal, {"level": TRUE}, 400),),
        "measured": Picked("value"),
        "predicted": Evaluation(given, (predicted,)),
        "control": Control("a wrong factor", Evaluation(given, (wrong,))),
    }
    return Claim(**(parts | changes))


def judged(c, budget="standard", seed=0):
    return c.rows({job.name: job.do(Run(budget, seed)) for job in c.jobs})


def verdicts(rows):
    return [row["verdict"] for row in rows]


def test_a_true_prediction_agrees_and_holds():
    rows = judged(claim())
    assert verdicts(rows) == ["agrees"] * 3
    assert all(map(holds, rows))


def test_a_wrong_prediction_disagrees_where_it_is_wrong():
    rows = judged(claim(predicted=TRUE * [1, 1.2, 1]))
    assert verdicts(rows) == ["agrees", "disagrees", "agrees"]
    assert list(map(holds, rows)) == [True, False, True]
    assert rows[1]["z"] < 0


def test_a_surviving_control_makes_the_claim_underpowered():
    rows = judged(claim(wrong=1.001 * TRUE))
    assert verdicts(rows) == ["underpowered"] * 3
    assert not any(row["control"]["rejected"] for row in rows)
    assert not any(map(holds, rows))


def test_a_wrong_prediction_that_is_not_told_from_its_control_disagrees_but_is_no_finding():
    rows = judged(claim(predicted=2 * TRUE, wrong=TRUE, expected="disagrees"))
    assert verdicts(rows) == ["disagrees"] * 3
    assert not any(map(holds, rows))


def test_an_expected_disagreement_holds_when_it_comes_and_not_otherwise():
    assert all(map(holds, judged(claim(predicted=1.2 * TRUE, expected="disagrees"))))
    assert not any(map(holds, judged(claim(expected="disagrees"))))


def test_an_allowed_bias_is_allowed():
    off = TRUE + 0.2
    assert verdicts(judged(claim(predicted=off))) == ["disagrees"] * 3
    rows = judged(claim(predicted=off, wrong=2 * TRUE, allowed_bias=0.25))
    assert verdicts(rows) == ["agrees"] * 3
    assert [row["z"] for row in rows] == [0.0] * 3
    assert [row["allowed_bias"] for row in rows] == [0.25] * 3


def test_the_rows_are_those_of_the_report():
    rows = judged(claim())
    for row, time, true in zip(rows, (0.1, 0.2, 0.3), TRUE, strict=True):
        assert list(row) == ROW
        assert row["statement"] == "the mean is the mean"
        assert row["claim"] == "synthetic.mean"
        assert row["observable"] == "mean"
        assert row["coordinates"] == {"time": time}
        assert row["predicted"] == true
        assert row["measured"] == pytest.approx(true, abs=0.05)
        assert row["sem"] == pytest.approx(0.1 / 20, rel=0.2)
        assert row["expected"] == "agrees"
        assert row["control"]["description"] == "a wrong factor"
        assert row["control"]["rejected"] is True
        assert abs(row["control"]["z"]) > 20
        assert 0 <= row["control"]["false_pass"] < 1e-6
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_coordinates_broadcast_to_the_shape_of_the_measurement():
    experiment = Experiment("synthetic.table", normal, {"level": np.zeros(6)}, 50)
    rows = judged(
        claim(
            predicted=0.0,
            wrong=1.0,
            experiments=(experiment,),
            coordinates={"time": np.array([[0.1], [0.2]]), "subspace": np.arange(3)},
            measured=lambda r: Measurement(r["value"].mean.reshape(2, 3), r["value"].sem.reshape(2, 3), r["value"].n),
        )
    )
    assert [tuple(row["coordinates"].values()) for row in rows] == [(t, k) for t in (0.1, 0.2) for k in range(3)]
    assert all(type(row["coordinates"]["subspace"]) is int for row in rows)


def test_a_number_makes_one_row():
    experiment = Experiment("synthetic.one", normal, {"level": np.zeros(1)}, 100)
    one = claim(
        predicted=0.0,
        wrong=1.0,
        experiments=(experiment,),
        coordinates={},
        measured=Picked("value", 0),
    )
    (row,) = judged(one)
    assert row["coordinates"] == {}
    assert row["verdict"] == "agrees"


def test_points_of_several_experiments_come_one_after_the_other_each_judged_by_its_own_draws():
    few, many = (Experiment(f"synthetic.{n}", normal, {"level": TRUE[:2]}, n) for n in (20, 400))
    off = 8 * 0.1 / np.sqrt([20, 20, 400, 400])  # 8 errors: beyond the threshold of 400 draws, within that of 20
    both = claim(
        experiments=(few, many),
        coordinates={"samples": [20, 20, 400, 400], "time": [0.1, 0.2, 0.1, 0.2]},
        predicted=np.array([1, 2, 1, 2]) + off * [0, 1, 0, 1],
        wrong=np.array([1, 2, 1, 3]),
    )
    exact = {job.name: job.do(Run()) for job in both.jobs} | {
        e.name: {"value": Measurement(TRUE[:2], np.full(2, 0.1 / np.sqrt(e.repeats)), e.repeats)}
        for e in both.experiments
    }
    mean, sem, n, _ = both.points(exact)
    assert mean.tolist() == [1, 2, 1, 2]
    assert n.tolist() == [20, 20, 400, 400]
    np.testing.assert_allclose(sem, 0.1 / np.sqrt(n))
    rows = both.rows(exact)
    assert [tuple(row["coordinates"].values()) for row in rows] == [(20, 0.1), (20, 0.2), (400, 0.1), (400, 0.2)]
    assert verdicts(rows) == ["agrees", "agrees", "agrees", "disagrees"]
    assert all(row["control"]["rejected"] for row in rows)  # at one point
    assert all(row["control"]["false_pass"] < 1e-6 for row in rows)


def test_a_measurement_that_failed_is_underpowered():
    broken = {"value": Measurement(np.array([1.0, np.nan, 4.0]), np.array([0.01, np.nan, 0.01]), 100)}
    one = claim()
    rows = one.rows({job.name: job.do(Run()) for job in one.jobs} | {"synthetic.normal": broken})
    assert verdicts(rows) == ["agrees", "underpowered", "agrees"]
    assert [holds(row) for row in rows] == [True, False, True]


def test_a_control_inside_the_allowed_bias_has_no_power():
    rows = judged(claim(wrong=TRUE, allowed_bias=0.5))
    assert verdicts(rows) == ["underpowered"] * 3
    assert all(row["control"]["false_pass"] > 0.999 for row in rows)


def test_the_false_pass_rate_is_what_it_says():
    wrong = TRUE + np.array([0, 0, 0.033])  # near the threshold, so that it is a rate and not 0 or 1
    c = claim(wrong=wrong)
    survived = [not judged(c, seed=seed)[0]["control"]["rejected"] for seed in range(300)]
    stated = np.mean([judged(c, seed=seed)[0]["control"]["false_pass"] for seed in range(20)])
    assert 0.1 < stated < 0.9
    assert np.mean(survived) == pytest.approx(stated, abs=0.12)


def test_a_bias_may_be_relative_and_a_control_what_was_measured_under_another_name():
    c = claim(predicted=1.1 * TRUE, relative_bias=0.15)
    rows = judged(c)
    np.testing.assert_allclose([row["allowed_bias"] for row in rows], 0.15 * 1.1 * TRUE)
    found = {job.name: job.do(Run()) for job in c.jobs}
    found["synthetic.normal"]["twice"] = Measurement(2 * TRUE, TRUE, 400)
    _, _, wrong = claim(predicted=1.1 * TRUE, control=Control("twice", "twice")).quantities(found)
    assert wrong.tolist() == (2 * TRUE).tolist()


def test_an_experiment_repeats_itself_and_answers_to_its_name_and_seed():
    first = Experiment("synthetic.a", normal, {"level": TRUE}, 50)
    same, other = (Experiment(f"synthetic.{n}", normal, {"level": TRUE}, 50) for n in "ab")
    draws = [e.do(Run("quick", s))["value"].mean.tolist() for e, s in ((first, 0), (same, 0), (other, 0), (same, 1))]
    assert draws[0] == draws[1]
    assert len({tuple(d) for d in draws}) == 3


@pytest.mark.parametrize(("repeats", "expected"), [(800, (400, 800, 8000)), (10, (20, 20, 100)), (45, (22, 45, 450))])
def test_budgets_scale_the_repeats_but_never_below_twenty(repeats, expected):
    e = Experiment("synthetic.a", normal, {}, repeats)
    assert list(BUDGETS) == ["headline", "quick", "standard", "deep"]
    assert tuple(map(e.repeats_at, ("quick", "standard", "deep"))) == expected
    assert e.repeats_at("headline") == e.repeats_at("standard")
    assert Run() == Run("standard", 0, "cpu", "float64")
