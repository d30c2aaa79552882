"""What the tests of validation share; read as `from tests.validation.conftest import ...`."""

import contextlib
import importlib
import io
from collections import namedtuple
from functools import cache

import numpy as np
import pytest

from numerics.measurement import Measurement
from tests.numerics.conftest import COARSELY
from theory.setting import Setting
from validation import suite
from validation.claims import CLAIMED
from validation.cli import main
from validation.job import Experiment, Run

Finished = namedtuple("Finished", "code out err")
ROW = [
    "claim", "statement", "observable", "coordinates", "predicted", "measured", "sem", "allowed_bias", "z", "verdict",
    "expected", "detectable", "coarse", "control",
]  # fmt: skip


def geomem(*arguments):
    """The command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return Finished(left.value.code, out.getvalue(), err.getvalue())


def claims_of(name):
    return importlib.import_module(f"validation.claims.{name}")


@cache
def all_claims(name):
    return tuple(claims_of(name).claims())


@cache
def rough(experiment):
    """An experiment by its name, at four data sets of at most 10^3 samples, in few steps: the right shapes, with large errors."""
    job = next(e for name in CLAIMED for claim in all_claims(name) for e in claim.experiments if e.name == experiment)
    arguments = {name: _smaller(value) for name, value in job.arguments.items()}
    stem = experiment.partition(".")[0]
    with pytest.MonkeyPatch.context() as patch:
        for constant, value in COARSELY.get(stem, {}).items():
            patch.setattr(f"numerics.experiments.{stem}.{constant}", value)
        result = job.measure(**arguments, repeats=4, rng=0)
    return {"value": result} if isinstance(result, Measurement) else result


def _smaller(argument):
    return argument.at(samples=min(argument.samples, 1000)) if isinstance(argument, Setting) else argument


EVALUATED = {}


def evaluated(job):
    """An evaluation, once in a process."""
    if job.name not in EVALUATED:
        EVALUATED[job.name] = job.do(Run())
    return EVALUATED[job.name]


class Roughly(dict):
    """What jobs find, done when they are asked for: experiments roughly, evaluations as they are or as `instead` says."""

    def __init__(self, jobs, instead=None):
        super().__init__()
        self.jobs = {job.name: job for job in jobs}
        self.instead = instead

    def __missing__(self, name):
        job = self.jobs[name]
        if isinstance(job, Experiment):
            return rough(name)
        return self.instead(job) if self.instead else evaluated(job)


def rough_results(name):
    """Of all jobs of a prediction or survey."""
    return Roughly(suite.jobs_of([name]))


def check_structure(claim, name):
    """What holds for every claim, short of evaluating it: its name, its words, its coordinates, its data."""
    stem, _, word = claim.name.partition(".")
    assert {stem} == {name} == {experiment.name.partition(".")[0] for experiment in claim.experiments}
    assert word
    assert claim.statement.strip()
    assert claim.control.description.strip()
    assert claim.expected in ("agrees", "disagrees")
    mean, sem, n, _ = claim.points(Roughly(claim.jobs))
    shape = np.shape(mean)
    assert np.shape(sem) == np.shape(n) == shape
    assert (np.asarray(sem)[np.isfinite(sem)] >= 0).all()
    points = [np.broadcast_to(values, shape).ravel().tolist() for values in claim.coordinates.values()]
    assert len(set(zip(*points, strict=True))) == int(np.prod(shape)) or not points
    assert points or shape == ()


def check_evaluation(claim):
    """The prediction, its allowed bias and its control are finite numbers of the measurement's shape."""
    done = Roughly(claim.jobs)
    predicted, bias, wrong = claim.quantities(done)
    assert np.shape(predicted) == np.shape(bias) == np.shape(wrong) == np.shape(claim.points(done)[0])
    assert np.isfinite([predicted, bias, wrong]).all()
    assert (bias >= 0).all()
    assert (np.abs(wrong - predicted) > bias).any()  # else no data could reject the control
    return predicted, bias, wrong


def check_rows(claim):
    done = Roughly(claim.jobs)
    rows = claim.rows(done)
    assert len(rows) == np.size(claim.points(done)[0])
    for row in rows:
        assert list(row) == ROW
        assert row["claim"] == claim.name
        assert set(row["coordinates"]) == set(claim.coordinates)


def draw_figures(name):
    """The figures of a prediction from rough results, every one drawn, and closed under what the report needs."""

    def in_shape(job):  # lines take long, and here only need to be lines
        if job.name in EVALUATED or not (found := getattr(job.function, "observable", None)) or not found.slow:
            return evaluated(job)
        setting = job.arguments[0]
        sizes = {"time": setting.times.size, "subspace": setting.manifold.dimensions.size}
        return np.linspace(1, 0.1, int(np.prod([sizes[d] for d in found.dims]))).reshape([sizes[d] for d in found.dims])

    made = claims_of(name).figures(Roughly(suite.jobs_of([name]), in_shape))
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
