"""Nothing is timed here: that contestants answer the same question rightly, and that verdicts follow from numbers."""

import json

import pytest

from benchmarks import clock, gibbs, goals, report, run, scaling
from benchmarks.peers import CONTESTANTS, ENGINE, STATISTICS
from benchmarks.problem import Problem, dense_time, errors, reference, single
from numerics.arrays import to_host

QUICK = [c for c in CONTESTANTS if set(c.needs) <= {"sklearn", "scipy"}]
SIZE = (300, 20, 3)
RATE = {"flops": 1e11, "exponentials": 1e9}


def answered(contestant, problem, dtype="float64"):
    found = contestant.prepare(*problem.arrays(dtype), problem.t, "cpu")()
    return {name: to_host(value) for name, value in found.items()}


@pytest.mark.parametrize("t", [1.0, 0.01])
@pytest.mark.parametrize("contestant", QUICK, ids=lambda c: c.name)
def test_contestants_agree_with_the_reference(contestant, t):
    problem = Problem.of(SIZE, single(t))
    truth = reference(problem)
    answer = answered(contestant, problem)
    entry = {"dtype": "float64", "errors": errors(answer, truth, problem, "float64")}
    assert entry["errors"]
    assert not goals.wrong(entry)
    if contestant.computes == "all":
        assert set(STATISTICS) <= set(entry["errors"])
        assert max(entry["errors"].values()) < goals.WRONG["float64"]


def test_a_wrong_answer_is_found_out():
    problem = Problem.of(SIZE, 1.0)
    truth = reference(problem)
    answer = answered(QUICK[0], problem)
    answer["mean"] = answer["mean"] + 1e-3
    entry = {"dtype": "float64", "errors": errors(answer, truth, problem, "float64")}
    assert entry["errors"]["mean"] == pytest.approx(1e-3, rel=1e-6)
    assert goals.wrong(entry) == {"mean"}


def row(ratio, *, effective=1.0, D=2, error=0.0, floor=0.5):
    def result(name, dtype, ratio, error):
        times = {"median": ratio, "minimum": ratio, "ratio": ratio}
        return {"name": name, "dtype": dtype, "computes": "score", "errors": {"mean": error}, **times}

    results = [
        result(*one) for d in ("float64", "float32") for one in ((ENGINE, d, 1.0, 0.0), ("numpy", d, ratio, error))
    ]
    shares = {"float64": floor, "float32": floor}
    return {"results": results, "effective_samples": effective, "D": D, "floor": shares}


@pytest.mark.parametrize(
    ("dtype", "ratio", "effective", "goal", "met"),
    [
        ("float64", 3.1, 1.0, 3.0, True),
        ("float64", 2.9, 1.0, 3.0, False),
        ("float64", 1.1, 50.0, 1.0, True),
        ("float64", 0.9, 50.0, 1.0, False),
        ("float32", 1.1, 1.0, 1.0, True),
        ("float32", 0.9, 1.0, 1.0, False),
    ],
)
def test_verdicts_against_peers_follow_from_the_ratio(dtype, ratio, effective, goal, met):
    verdict = goals.peer_verdict(row(ratio, effective=effective), dtype)
    assert (verdict["goal"], verdict["met"]) == (goal, met)


def test_a_peer_that_is_wrong_is_no_rival():
    assert goals.peer_verdict(row(0.5, error=1.0), "float64") is None


def test_the_floor_is_a_goal_of_float32_in_many_dimensions_where_weights_are_spread():
    assert goals.floor_verdict(row(1.0, D=64, effective=50.0, floor=0.9), "float32")["met"]
    assert not goals.floor_verdict(row(1.0, D=64, effective=50.0, floor=0.8), "float32")["met"]
    assert goals.floor_verdict(row(1.0, D=64, effective=1.0), "float32") is None
    assert goals.floor_verdict(row(1.0, D=16, effective=50.0), "float32") is None
    assert goals.floor_verdict(row(1.0, D=64, effective=50.0), "float64") is None


def test_dense_is_above_every_number_or_left_out():
    asked = ("dense", 1.0, 0.5)
    assert run.noise_variances(asked, (20000, 10, 2)) == [1.0, 0.5]
    densest, *numbers = run.noise_variances(asked, (20000, 10, 784))
    assert numbers == [1.0, 0.5]
    assert densest == pytest.approx(dense_time(20000, 784), rel=0.1)


def test_laws_of_growth_are_recovered():
    sizes = [(100, 10, 4), (200, 10, 4), (100, 20, 4), (100, 10, 8), (100, 10, 16)]
    assert scaling.exponent([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0]) == pytest.approx(2)
    found = scaling.growth(sizes, [0.5 * N * D * 8 + 3 * M * D * 8 + 70 * D * 8 + 1e4 for N, M, D in sizes], 8)
    law = {"per_data": 0.5, "per_query": 3.0, "rows": 70.0, "budget": 1e4}
    assert {name: found[name] for name in law} == pytest.approx(law)
    assert found["residual"] < 1e-6


def test_json_is_all_that_is_printed_and_the_tables_can_be_had_from_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(run, "rates", lambda *_: RATE)
    monkeypatch.setattr(clock, "LEAST", 0.0)
    options = [
        "--sizes",
        "200,10,2",
        "--t",
        "0.01",
        "--peers",
        "numpy",
        "--repeats",
        "1",
        "--json",
        "--output",
        str(tmp_path),
    ]
    run.run(gibbs.parsed(options))
    printed = capsys.readouterr().out
    results = json.loads(printed)
    assert [r["name"] for r in results["rows"][0]["results"]] == 2 * ["engine", "numpy"]
    assert json.loads((tmp_path / "gibbs-cpu.json").read_text()) == results
    assert (tmp_path / "gibbs-cpu.svg").read_text().startswith("<?xml")
    report.show(tmp_path / "gibbs-cpu.json", None)
    shown = capsys.readouterr().out
    assert "N = 200  M = 10  D = 2  t = 0.01" in shown
    assert "goals met" in shown
