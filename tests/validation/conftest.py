"""What the tests of validation share; read as `from tests.validation.conftest import ...`."""

import contextlib
import importlib
import io
from collections import namedtuple
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from numerics.measurement import Measurement
from theory.setting import Setting
from validation import suite
from validation.claims import CLAIMED
from validation.cli import main
from validation.report import figures

Finished = namedtuple("Finished", "code out err")
ROW = [
    "claim", "statement", "observable", "coordinates", "predicted", "measured", "sem", "allowed_bias", "z", "verdict",
    "expected", "control",
]  # fmt: skip


def geomem(*arguments):
    """The command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return Finished(left.value.code, out.getvalue(), err.getvalue())


def claims_of(name):
    return importlib.import_module(f"validation.claims.{name}")


EXPERIMENTS = {experiment.name: experiment for experiment in suite.experiments(CLAIMED)}


@cache
def rough(name):
    """One experiment of the suite at four data sets of at most 10^4 samples: the right shapes, with large errors."""
    experiment = EXPERIMENTS[name]
    arguments = {name: _smaller(value) for name, value in experiment.arguments.items()}
    result = experiment.measure(**arguments, repeats=4, rng=0)
    return {"value": result} if isinstance(result, Measurement) else result


def _smaller(argument):
    return argument.at(samples=min(argument.samples, 10_000)) if isinstance(argument, Setting) else argument


def rough_results(name):
    """Those of all experiments of a prediction or survey, by name."""
    return {experiment.name: rough(experiment.name) for experiment in suite.experiments([name])}


def results_of(claim):
    """The rough results of the experiments of a claim."""
    return [rough(experiment.name) for experiment in claim.experiments]


def check_structure(claim, name):
    """What holds for every claim, short of evaluating it: its name, its words, its coordinates, its data."""
    stem, _, word = claim.name.partition(".")
    assert stem == name == claim.experiment.name.partition(".")[0]
    assert word
    assert claim.statement.strip()
    assert claim.control.description.strip()
    assert claim.expected in ("agrees", "disagrees")
    mean, sem, n = claim.points(*results_of(claim))
    shape = np.shape(mean)
    assert np.shape(sem) == np.shape(n) == shape
    assert (np.asarray(sem)[np.isfinite(sem)] >= 0).all()
    points = [np.broadcast_to(values, shape).ravel().tolist() for values in claim.coordinates.values()]
    assert len(set(zip(*points, strict=True))) == int(np.prod(shape)) or not points
    assert points or shape == ()


def check_evaluation(claim):
    """The prediction, its allowed bias and its control are finite numbers of the measurement's shape."""
    results = results_of(claim)
    shape = np.shape(claim.points(*results)[0])
    predicted, bias, wrong = (
        np.broadcast_to(np.asarray(v, dtype=float), shape)
        for v in (claim.predict(), claim.allowed_bias(), claim.control.predict(results[0]))
    )
    assert np.isfinite([predicted, bias, wrong]).all()
    assert (bias >= 0).all()
    assert (np.abs(wrong - predicted) > bias).any()  # else no data could reject the control
    return predicted, bias, wrong


def check_rows(claim, evaluation):
    predicted, bias, wrong = evaluation
    control = replace(claim.control, predict=lambda _: wrong)
    claim = replace(claim, predict=lambda: predicted, allowed_bias=lambda: bias, control=control)
    rows = claim.rows(*results_of(claim))
    assert len(rows) == np.size(claim.points(*results_of(claim))[0])
    for row in rows:
        assert list(row) == ROW
        assert row["claim"] == claim.name
        assert set(row["coordinates"]) == set(claim.coordinates)


def draw_figures(name):
    """The figures of a prediction from rough results, every one drawn, and closed under what the report needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "between", lambda times, count, beyond=2.0: np.geomspace(times[0], times[-1], 3))
        made = claims_of(name).figures(rough_results(name))
    assert [figure.name for figure in made] == [name]
    for figure in made:
        assert "error bars: one standard error over data sets" in figure.caption.lower()
        figure.figure.savefig(io.BytesIO(), format="svg")
        for axis in figure.figure.axes:
            assert axis.get_xlabel()
            assert axis.get_ylabel() or axis is not figure.figure.axes[0]
    return made


@pytest.fixture(autouse=True)
def _nothing_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # so that a default --output does not land in the checkout
