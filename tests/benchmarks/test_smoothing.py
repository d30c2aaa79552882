import numpy as np

from benchmarks import smoothing
from benchmarks.problem import Problem


def test_all_but_the_nearest_sample_have_the_same_answer(capsys):
    smoothing.main(["--size", "300", "20", "6", "--repeats", "1"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:14]]
    errors = {name: float(error) for t, name, *_, error in lines if t == "0.5" and name != "one"}
    assert errors["nearest"] > 1e-2
    assert max(error for name, error in errors.items() if name != "nearest") < 1e-12


def test_the_right_answer_is_the_average_over_shifts():
    problem = Problem.of((50, 8, 2), 0.3)
    x, y = problem.arrays("float64")
    found = smoothing._directly(x, y, np.zeros((3, 2)), 0.3)
    weights = np.exp(-((x[:, None] - y) ** 2).sum(axis=2) / 0.6)
    np.testing.assert_allclose(found, weights @ y / weights.sum(axis=1, keepdims=True), rtol=1e-12)
