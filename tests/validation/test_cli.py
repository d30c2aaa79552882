import csv
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from numerics import partitions
from numerics.gibbs import gibbs_moments
from numerics.storage import checkpoint, files
from tests.numerics.conftest import COARSELY
from tests.validation.conftest import ROW, geomem
from theory.observable import observables
from theory.predictions import condensation
from theory.setting import SCHEDULES, Setting
from validation import cli, job, suite, sweep
from validation.claims import CLAIMED, PREDICTIONS, SURVEYS
from validation.claims import subspace_loss as loss_claims
from validation.commands.options import trains
from validation.report.tables import strict_json
from validation.workers import WorkerLostError

HEAVY = (
    "numpy", "scipy", "sympy", "matplotlib", "mpmath", "flint", "sklearn", "torch", "pyarrow", "math_core", "tqdm",
    "distributed", "dask", "zarr",
)  # fmt: skip
TWO_SUBSPACES = Setting.of("1.0x30,0.1x20")
OBSERVABLES = {
    name: {o: list(about.dims) for o, about in observables(suite.prediction(name)).items() if about.fits(TWO_SUBSPACES)}
    for name in PREDICTIONS
}


def predict(name, *arguments):
    done = geomem("predict", name, *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out, parse_constant=pytest.fail)


def simulate(name, *arguments):
    done = geomem("simulate", name, *arguments, "--device", "cpu", "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out, parse_constant=pytest.fail)


def is_one_line(done):
    """Bad usage: exit code 2 and one line on stderr, no traceback, nothing on stdout."""
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("geomem: ")
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")
    assert len(done.err) < 400
    assert "Traceback" not in done.err


# help, and what it costs


def test_help_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from validation.cli import main\n"
        "for arguments in [['--help'], *([c, '--help'] for c in sys.argv[1:])]:\n"
        "    try: main(arguments)\n"
        "    except SystemExit as left: assert not left.code, left.code\n"
        f"print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, *cli.cli.commands]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert done.stderr == ""


def test_the_installed_command_runs():
    command = shutil.which("geomem", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if command is None:
        pytest.skip("geomem is not on the path")
    done = subprocess.run([command, "predict", "collapse", "--nope"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_help_names_every_command():
    done = geomem("--help")
    assert (done.code, done.err) == (0, "")
    assert set(cli.cli.commands) == {
        "list",
        "derive",
        "check",
        "predict",
        "simulate",
        "compare",
        "validate",
        "laws",
        "audit",
        "moments",
        "doctor",
    }
    for name in cli.cli.commands:
        assert f"\n  {name} " in done.out
        shown = geomem(name, "-h")
        assert shown.code == 0
        assert shown.out.startswith(f"Usage: geomem {name}")
        assert cli.cli.commands[name].help


def test_version():
    assert version("geomem") in geomem("--version").out


def test_a_bare_geomem_shows_the_help():
    assert geomem() == geomem("--help")


@pytest.mark.parametrize("command", [[], ["moments"]], ids=["geomem", "moments"])
def test_examples_keep_their_lines(command):
    shown = geomem(*command, "--help").out
    assert "\\b" not in shown
    assert [line for line in shown.splitlines() if line.startswith("    geomem ")]


def test_every_command_is_one_of_the_group():
    assert CliRunner().invoke(cli.cli, ["list"]).exit_code == 0


# list, derive, doctor


def test_list_is_the_catalogue():
    done = geomem("list")
    assert (done.code, done.err) == (0, "")
    assert [line for line in done.out.splitlines() if line and line[0] != " "] == list(CLAIMED)
    for name in PREDICTIONS:
        module = suite.prediction(name)
        for part in (module.STATEMENT, f"source: {module.SOURCE}", f"regime: {module.REGIME}"):
            assert part in done.out
    for name, stems in SURVEYS.items():
        for part in (suite.claims_module(name).STATEMENT, f"survey, to validate: {', '.join(stems)}"):
            assert part in done.out


def test_list_of_one_prediction_names_its_observables():
    for name in PREDICTIONS:
        done = geomem("list", "--of", name)
        assert (done.code, done.err) == (0, "")
        module = suite.prediction(name)
        assert module.STATEMENT in done.out
        known = observables(module)
        shown = dict(re.findall(r"^    (\w+) \((\w+)[^)]*\)\n        \S", done.out, flags=re.MULTILINE))
        assert shown == {one: about.kind for one, about in known.items()}
    wrong = geomem("list", "--of", "collaps")
    is_one_line(wrong)
    assert "prediction must be one of collapse, " in wrong.err


def test_times_are_numbers_or_a_range():
    asked = ["predict", "collapse", "--subspaces", "1x2", "--only", "information", "--json", "--times"]
    spread, told = (json.loads(geomem(*asked, times).out)["observables"] for times in ("0.1:10:3", "0.1,1,10"))
    assert spread == told
    wrong = geomem(*asked, "0:1:3")
    is_one_line(wrong)
    assert "a:b:n, n of them from a to b above 0, as in 0.1:10:9; got '0:1:3'" in wrong.err


@pytest.mark.parametrize("name", SURVEYS)
@pytest.mark.parametrize("command", ["derive", "predict", "simulate"])
def test_a_survey_is_for_validate_alone(command, name):
    done = geomem(command, name, *(["--subspaces", "1x2"] if command != "derive" else []))
    is_one_line(done)
    assert "prediction must be one of" in done.err


def test_validate_takes_a_survey(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(suite, "hold", lambda names, run, **_: asked.append(names) or suite.Outcome([], [], []))
    assert geomem("validate", "sizes", "--budget", "standard", "--output", tmp_path).code == 0
    assert geomem("validate", "--budget", "standard", "--output", tmp_path).code == 0
    assert geomem("validate", "--output", tmp_path).code == 0
    assert asked == [("sizes",), CLAIMED, PREDICTIONS]
    done = geomem("validate", "sizes", "--output", tmp_path)
    is_one_line(done)
    assert "--budget standard" in done.err


def test_output_that_nobody_reads_is_no_broken_claim():
    command = subprocess.Popen([sys.executable, "-m", "geomem", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    command.stdout.close()
    assert (command.wait(), command.stderr.read()) == (141, b"")
    command.stderr.close()


def test_doctor_says_what_a_bug_report_needs():
    done = geomem("doctor")
    assert (done.code, done.err) == (0, "")
    for word in ("versions: ", f'"numpy": "{np.__version__}"', "git: ", "machine: ", "devices: ", "matmul_precision: "):
        assert word in done.out
    assert "run" not in [line.split(":")[0] for line in done.out.splitlines()]


# predict

ISOTROPIC = ["--subspaces", "1.0x20", "--samples", "20000"]
TWO = ["--subspaces", "1.0x3,0.1x2", "--samples", "500", "--times", "0.2,0.7"]
# many directions: averages over x take less time
MANY = ["--subspaces", "1.0x30,0.1x20", "--samples", "500", "--times", "7"]


def of_two_classes(name):
    """The options of a mixture where a prediction is derived for no other ensemble."""
    known = observables(suite.prediction(name)).values()
    return (
        [] if any("gaussian" in about.ensembles for about in known) else ["--ensemble", "mixture", "--separation", "4"]
    )


# 0 above t_c, or infinite, which in JSON is null
NOTHING_ABOVE = (
    "participation_asymptotic",
    "kl_asymptotic",
    "signal_to_noise_asymptotic",
    "effective_samples_asymptotic",
    "score_bias",
)
# without normal directions the spectrum of a random F begins at 0, and no eigenvalue is above this t
WITHOUT_NORMALS = "edge_lowest", "gap_width", "gap_opening_time", "estimated_dimension"
# the distance of the true score from itself, and directions of a variance above t
AT_THE_TRUE_END = "distance_to_true", "dimension"
# 128 features of 500 samples have one bulk below that of the population, and no eigenvalue at rest
FEW_FEATURES = "edge_lowest", "edge_highest", "bulk_weight", "delta_weight"
ZERO = {
    "spectral_gap": WITHOUT_NORMALS,
    "trained_network": AT_THE_TRUE_END,
    "training_times": ("learning_clock",),  # nothing is left to learn at this t
    "random_features": (*FEW_FEATURES, *(f"{name}_published" for name in FEW_FEATURES)),
}
BY_DEFAULT = {"network": {"activation": "tanh", "features": 128, "ridge": 0.0, "times": [3000.0]}}


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predict_has_the_documented_parts(name):
    mixture = of_two_classes(name)
    found = predict(name, *MANY, *mixture, "--ambient-dimension", "59")
    assert list(found) == ["prediction", "setting", "coordinates", "dims", "observables"]
    assert found["prediction"] == name
    assert found["setting"] == {
        "subspaces": [{"variance": 1.0, "dimension": 30}, {"variance": 0.1, "dimension": 20}],
        "ambient_dimension": 59,
        "samples": 500,
        "schedule": "ve",
        "ensemble": "mixture" if mixture else "gaussian",
        "at": "fresh",
        "x": None,
        "temperature": 1.0,
        "bandwidth": 0.0,
        "separation": 4.0 if mixture else 0.0,
        "share": 0.5,
    } | (BY_DEFAULT if trains(name) else {})
    assert (found["coordinates"]["time"], found["coordinates"]["subspace"]) == ([7], [0, 1])
    assert found["dims"].keys() == found["observables"].keys()
    known = observables(suite.prediction(name))
    for observable, dims in OBSERVABLES[name].items():
        assert found["dims"][observable] == dims
        if found["setting"]["ensemble"] not in known[observable].ensembles:
            continue
        values = np.array(found["observables"][observable], dtype=float)
        sizes = {"time": 1, "training": 1, "subspace": 2, "place": 3, "bulk": 3}
        assert values.shape == tuple(sizes[d] for d in dims)
        assert (values > 0).all() or observable.startswith("log_") or observable in ZERO.get(name, NOTHING_ABOVE)


def test_only_some_observables():
    found = predict("subspace_loss", *MANY, "--only", "loss_time_typical,loss_time_annealed")
    whole = predict("subspace_loss", *MANY)["observables"]
    names = ["loss_time_annealed", "loss_time_typical"]
    assert found["observables"] == {name: whole[name] for name in names}
    assert list(found["observables"]) == list(found["dims"]) == names
    refused = geomem("predict", "subspace_loss", *TWO, "--only", "loss_time_typical,loss_times")
    assert refused.code == 2
    assert "'loss_times'" in refused.err
    assert "loss_time_typical" in refused.err
    refused = geomem("predict", "kl_bound", *TWO, "--at", "trajectory", "--only", "kl_leading")  # knows no x
    assert refused.code == 2


def test_an_accuracy_that_was_not_reached_is_a_note(monkeypatch):
    def inaccurate(setting):
        warnings.warn("averages are off", stacklevel=2)
        return np.ones(len(setting.times))

    for observable in ("participation", "entropy"):
        monkeypatch.setattr(condensation, observable, wraps(getattr(condensation, observable))(inaccurate))
    done = geomem("predict", "condensation", *TWO, "--only", "participation,entropy")
    assert (done.code, done.err) == (0, "geomem: averages are off\n")


def test_collapse_at_known_points():
    t_C = 1 / (20_000**0.1 - 1)
    found = predict("collapse", *ISOTROPIC, "--times", f"0.5,{t_C!r}")["observables"]
    assert found["collapse_time"] == pytest.approx(t_C, rel=1e-12)
    assert found["information"] == pytest.approx([10 * math.log(3), math.log(20_000)], rel=1e-12)
    assert found["dispersion"] == pytest.approx([20 / 1.5, 20 / (1 + t_C)], rel=1e-12)
    assert found["memorized_probability_asymptotic"][1] == pytest.approx(0.5, abs=1e-9)
    assert found["memorized_probability"][1] == pytest.approx(0.673, abs=5e-4)


def test_score_covariance_at_known_points():
    found = predict("score_covariance", *TWO)["observables"]
    t, lam = np.array([0.2, 0.7]), np.array([1.0, 0.1])
    X = (1 + 1 / t) ** 3 * (1 + 0.1 / t) ** 2
    assert found["effective_samples_annealed"] == pytest.approx(500 / X)
    noise = lam / (t[:, None] * (lam + t[:, None])) * (X / 500)[:, None]
    np.testing.assert_allclose(found["noise_variance_annealed"], noise, rtol=1e-10)
    assert (np.array(found["effective_samples_typical"]) > found["effective_samples_annealed"]).all()


def test_kl_bound_at_known_points():
    found = predict("kl_bound", *TWO, "--kl", "0.01")
    t = np.array([0.2, 0.7])
    X = (1 + 1 / t) ** 3 * (1 + 0.1 / t) ** 2
    assert found["observables"]["kl_leading"] == pytest.approx((X - 1) / 1000)
    assert found["observables"]["samples_for_kl"] == pytest.approx((X - 1) / 0.02)
    assert found["dims"]["samples_for_kl"] == ["time"]
    assert "samples_for_kl" not in predict("kl_bound", *TWO)["observables"]


def test_subspace_loss_at_known_points():
    only = "critical_samples_annealed,loss_time_annealed,loss_time_typical,loss_time_published"
    found = predict("subspace_loss", *TWO, "--only", only)["observables"]
    t, lam, log_N = np.array([0.2, 0.7]), np.array([1.0, 0.1]), math.log(500)
    X = (1 + 1 / t) ** 3 * (1 + 0.1 / t) ** 2
    np.testing.assert_allclose(found["critical_samples_annealed"], lam / t[:, None] * X[:, None], rtol=1e-10)
    published = (lam + np.sqrt(lam**2 + 4 * log_N * (3 + 2 * 0.01))) / (4 * log_N)
    assert found["loss_time_published"] == pytest.approx(published)
    for kind in ("annealed", "typical"):  # N is critical at the loss time
        times = found[f"loss_time_{kind}"]
        critical = ["--times", ",".join(map(repr, times)), "--only", f"critical_samples_{kind}"]
        at = predict("subspace_loss", *TWO[:4], *critical)["observables"]
        np.testing.assert_allclose(np.diag(at[f"critical_samples_{kind}"]), 500, rtol=1e-8)


def test_by_default_there_are_nine_times_around_the_collapse():
    found = predict("kl_bound", *ISOTROPIC, "--only", "kl_leading")
    np.testing.assert_allclose(found["coordinates"]["time"], np.geomspace(0.1, 10, 9) / (20_000**0.1 - 1))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_map_of_time(name):
    schedule = SCHEDULES[name]
    t = np.array([0.05, 0.3])
    times = ",".join(repr(float(v)) for v in schedule.time(t))
    only = ["--only", "critical_samples_typical,loss_time_annealed"]
    here = predict("subspace_loss", *TWO[:4], "--times", "0.05,0.3", *only)["observables"]
    there = predict("subspace_loss", *TWO[:4], "--times", times, "--schedule", name, *only)
    assert there["setting"]["schedule"] == name
    np.testing.assert_allclose(there["observables"]["critical_samples_typical"], here["critical_samples_typical"])
    expected = schedule.time(np.array(here["loss_time_annealed"]))
    np.testing.assert_allclose(there["observables"]["loss_time_annealed"], expected)


def test_ou_times_are_half_logarithms():
    found = predict("collapse", *ISOTROPIC, "--schedule", "ou", "--times", "0.1")["observables"]
    t_C = 1 / (20_000**0.1 - 1)
    assert found["collapse_time"] == pytest.approx(math.log1p(t_C) / 2)
    assert found["information"] == pytest.approx([10 * math.log1p(1 / math.expm1(0.2))])
    scores = predict("score_covariance", *TWO[:4], "--schedule", "ou", "--times", "0.1")["observables"]
    plain = predict("score_covariance", *TWO[:4], "--times", repr(math.expm1(0.2)))["observables"]
    ratio = np.array(scores["noise_variance_annealed"]) / plain["noise_variance_annealed"]
    np.testing.assert_allclose(ratio, math.exp(0.2))  # 1 / alpha^2


def test_the_sphere_has_only_what_was_published():
    done = geomem("predict", "subspace_loss", *TWO, "--ensemble", "sphere", "--json")
    assert done.code == 0
    found = json.loads(done.out)["observables"]
    assert found["loss_time_published"] == pytest.approx([0.5 / math.log(500), 0.05 / math.log(500)])
    assert all(value is None for name, value in found.items() if name != "loss_time_published")
    assert set(OBSERVABLES["subspace_loss"]) <= set(found)
    underived = ", ".join(name for name, value in found.items() if value is None)
    assert done.err == f"geomem: not derived for the sphere ensemble: {underived}\n"


def test_what_was_not_derived_for_the_sphere_is_left_out_of_the_table():
    done = geomem("predict", "subspace_loss", *TWO, "--ensemble", "sphere")
    assert done.code == 0
    assert "loss_time_published" in done.out
    assert not [name for name in OBSERVABLES["subspace_loss"] if name in done.out and name != "loss_time_published"]


@pytest.mark.parametrize(
    "name", ["collapse", "score_covariance", "kl_bound", "condensation", "frozen_jacobian", "supervision_region"]
)
def test_what_was_derived_for_gaussians_alone_refuses_the_sphere(name):
    done = geomem("predict", name, *TWO, "--ensemble", "sphere")
    is_one_line(done)
    assert "derived for the gaussian ensemble" in done.err


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predict_prints_a_table(name):
    mixture = of_two_classes(name)
    done = geomem("predict", name, *MANY, *mixture)
    assert done.code == 0
    ensemble = "mixture" if mixture else "gaussian"
    assert done.out.startswith(f"{name}: 1x30,0.1x20, N = 500, {ensemble}, schedule ve")
    known = observables(suite.prediction(name))
    for observable in OBSERVABLES[name]:
        assert observable in done.out or ensemble not in known[observable].ensembles


def with_room(name, *arguments):
    """The same in three directions where it takes as many dimensions."""
    least = min(about.ambient for about in observables(suite.prediction(name)).values())
    return [re.sub(r"^([\d.e-]+)x1$", rf"\1x{least}", argument) for argument in arguments]


CAUTIONED = {
    "kl_bound": "geomem: the leading order needs more than N = ",
    "score_covariance": "geomem: fewer than ten samples are effective at some of these times",
    "led_kde": "geomem: not derived for the gaussian ensemble: mode_separation",
}


@pytest.mark.parametrize("name", PREDICTIONS)
def test_what_is_out_of_its_range_is_cautioned_about_beside_the_numbers(name):
    mixture = of_two_classes(name)
    done = geomem("predict", name, *MANY, *mixture, "--json")
    assert done.code == 0
    json.loads(done.out)  # nothing but the document
    assert done.err.count("\n") == (name in CAUTIONED)
    assert done.err.startswith(CAUTIONED.get(name, ""))
    within = geomem("predict", name, "--subspaces", "1x3", "--samples", "1e6", "--times", "2", *mixture)
    notes = [line for line in within.err.splitlines() if "not derived for the gaussian ensemble" not in line]
    assert (within.code, notes) == (0, [])


EXTREMES = [
    ["--subspaces", "1.0x3", "--times", "1e-12,1e12"],
    pytest.param(["--subspaces", "1e12x3,1x2", "--times", "1e-3,1e10"], marks=pytest.mark.slow),
    ["--subspaces", "1x100000", "--times", "1e3,2e4"],
    pytest.param(["--subspaces", "1x3", "--samples", "1e12", "--times", "0.001,1"], marks=pytest.mark.slow),
    ["--subspaces", "1e-6x1", "--samples", "2", "--times", "1e-8,1e-6,1e-4"],
]


@pytest.mark.parametrize("arguments", EXTREMES, ids=" ".join)
@pytest.mark.parametrize("name", PREDICTIONS)
def test_what_is_extreme_is_answered_without_a_warning(name, arguments):
    arguments = [*with_room(name, *arguments), *of_two_classes(name)]
    found = geomem("predict", name, *arguments, "--json")  # warnings are errors in these tests
    assert found.code == 0
    notes = found.err.splitlines()
    assert all(note.startswith(CAUTIONED[name]) for note in notes)
    assert len(notes) <= 1
    assert "NaN" not in found.out
    observables = json.loads(found.out)["observables"]
    if name == "collapse":
        P = np.array(observables["memorized_probability"], dtype=float)
        assert ((P >= 0) & (P <= 1)).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--subspaces", "1x3", "--times", "1e-300,1"], "times must make noise variances between"),
        (["--subspaces", "1x3", "--times", "1,1e300"], "times must make noise variances between"),
        (["--subspaces", "1x3", "--times", "1e60", "--schedule", "edm"], "times must make noise variances between"),
        (["--subspaces", "1e300x2"], "variance of a subspace must be positive and finite, between"),
        (["--subspaces", "1e-300x2"], "variance of a subspace must be positive and finite, between"),
        (["--subspaces", "1x100000001"], "dimension of a subspace must be at most 1e+08"),
        (["--subspaces", "1x99999999999999999999"], "dimension of a subspace must be at most 1e+08"),
        (["--subspaces", "1x3", "--ambient-dimension", "1000000000"], "ambient dimension must be at most 1e+08"),
        (["--subspaces", "1x3", "--ambient-dimension", "0"], "ambient dimension must be an integer of at least 1"),
        (["--subspaces", "1e-100x2"], "the default times lie about the collapse time, .*; give --times"),
        (["--subspaces", "1x5", "--samples", "1e300"], "the default times lie about the collapse time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("command", ["predict", "simulate"])
def test_what_is_absurd_is_refused_by_name(command, arguments, named):
    done = geomem(command, "collapse", *arguments)
    is_one_line(done)
    assert re.search(named.replace("+", r"\+"), done.err)


# simulate

SMALL = ["--subspaces", "1.0x2,0.3x1", "--samples", "40", "--repeats", "6"]


@pytest.fixture
def coarse(name, monkeypatch):
    """Fewer points and steps where a prediction is generated: what the command does with them is the same."""
    for constant, value in COARSELY.get(name, {}).items():
        monkeypatch.setattr(f"numerics.experiments.{name}.{constant}", value)


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("name", PREDICTIONS)
def test_simulate_has_the_observables_and_their_errors(name):
    setting = [*SMALL, *of_two_classes(name), "--times", "0.2,1.5"]
    found = simulate(name, *setting, "--seed", "3")
    assert list(found)[:5] == ["prediction", "setting", "coordinates", "dims", "observables"]
    assert found["observables"].keys() == found["standard_errors"].keys() == found["dims"].keys()
    for observable, dims in found["dims"].items():
        shape = tuple(len(found["coordinates"][d]) for d in dims)
        assert np.shape(found["observables"][observable]) == np.shape(found["standard_errors"][observable]) == shape
    assert found == simulate(name, *setting, "--seed", "3")
    assert found != simulate(name, *setting, "--seed", "4")


def test_simulate_measures_what_predict_predicts():
    arguments = ["--subspaces", "1.0x3", "--samples", "200", "--times", "0.3,2.0"]
    names = ("information", "dispersion", "memorized_probability")
    theory = predict("collapse", *arguments, "--only", ",".join(names))
    found = simulate("collapse", *arguments, "--repeats", "60")
    for observable in names:
        gap = np.subtract(found["observables"][observable], theory["observables"][observable])
        assert (np.abs(gap) < 6 * np.array(found["standard_errors"][observable])).all()


@pytest.mark.parametrize(
    "more",
    [
        ["--schedule", "ou", "--ambient-dimension", "7"],
        ["--schedule", "flow", "--dtype", "float32"],
        ["--times", "1e-12,1e12", "--repeats", "2"],
        ["--samples", "2", "--repeats", "2"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("name", PREDICTIONS)
def test_simulate_takes_every_setting(name, more):
    done = geomem("simulate", name, *SMALL, *of_two_classes(name), *more, "--device", "cpu")
    assert (done.code, done.err) == (0, "")
    assert "±" in done.out


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("collapse", {"memorized_probability", "own_weight"}),
        ("score_covariance", {"effective_samples_typical", "effective_samples_annealed"}),
    ],
)
def test_on_the_sphere_what_takes_no_density_is_measured(name, measured):
    arguments = ["--ensemble", "sphere", "--times", "0.01,0.5"]
    assert set(simulate(name, *SMALL, *arguments)["observables"]) == measured
    assert "±" in geomem("simulate", name, *SMALL, *arguments, "--device", "cpu").out


def test_on_a_sphere_of_two_points_half_the_samples_are_effective():
    arguments = ["--subspaces", "1x1", "--ensemble", "sphere", "--times", "0.01", "--repeats", "6"]
    found = simulate("score_covariance", *arguments, "--samples", "400")
    for kind in ("typical", "annealed"):
        # the binomial count of either point: its mean within 6 standard errors of 200, false alarm 1e-8
        assert found["observables"][f"effective_samples_{kind}"] == pytest.approx([200], abs=6 * 10 / math.sqrt(6))


@pytest.mark.parametrize("name", ["kl_bound", "subspace_loss"])
def test_on_the_sphere_what_takes_the_density_is_refused(name):
    done = geomem("simulate", name, *SMALL, "--times", "0.5", "--ensemble", "sphere")
    is_one_line(done)
    assert "gaussian ensemble only, got 'sphere'" in done.err


# validate

BUDGET = 0.5  # of the repeats: enough for the claims of subspace_loss to hold


LOSS_CLAIMS = ("bracket.300", "bracket.3000", "published.300", "published.3000", "critical_samples", "authors_setting")


def _few(patch):
    """Those claims of subspace_loss that do not take an exact average over x, which takes seconds, and no lines."""
    claims = loss_claims.claims
    patch.setattr(loss_claims, "claims", lambda: [c for c in claims() if c.name.partition(".")[2] in LOSS_CLAIMS])
    patch.setattr(loss_claims, "curves", lambda: [])
    patch.setattr(loss_claims, "figures", lambda done: [])
    patch.setitem(job.BUDGETS, "quick", BUDGET)
    patch.setattr(sweep, "local_executor", lambda: ThreadPoolExecutor(1))


@pytest.fixture
def few(monkeypatch):
    _few(monkeypatch)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run of a prediction; the tests below look at what it left."""
    directory = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        _few(patch)
        done = geomem(*_validate(directory / "out", directory / "claims.json"))
    return directory, done


def _validate(output, file, *more):
    arguments = ["--budget", "quick", "--device", "cpu", "--output", output, "--json", file]
    return ["validate", "subspace_loss", *arguments, *more]


@pytest.fixture
def again(finished, tmp_path, few):
    """The same run taken up again from a copy of what it left."""
    shutil.copytree(finished[0] / "out", tmp_path / "out")
    return lambda *more: geomem(*_validate(tmp_path / "out", tmp_path / "claims.json", *more))


def test_validate_prints_verdicts_and_succeeds(finished):
    directory, done = finished
    assert (done.code, done.err) == (0, "")
    assert "6 of 6 claims hold" in done.out
    assert done.out.splitlines()[0].split()[:3] == ["claim", "verdict", "expected"]
    assert done.out.endswith(f"report: {directory / 'out' / 'report.html'}\n")


def test_validate_leaves_a_report(finished):
    output = finished[0] / "out"
    files = {"report.html", "claims.csv", "manifest.json", "measurements"}
    assert {p.name for p in output.iterdir()} == files
    assert (output / "report.html").read_text().startswith("<!")
    wanted = {
        one.name for made in loss_claims.claims() if made.name.partition(".")[2] in LOSS_CLAIMS for one in made.jobs
    }
    assert {path.stem for path in (output / "measurements").iterdir()} == wanted
    rows = list(csv.DictReader((output / "claims.csv").read_text().splitlines()))
    assert len(rows) == len(json.loads((finished[0] / "claims.json").read_text())["claims"])
    assert {row["claim"] for row in rows} == {f"subspace_loss.{name}" for name in LOSS_CLAIMS}
    assert {row["verdict"] for row in rows} == {"agrees", "disagrees"}
    run = json.loads((output / "manifest.json").read_text())["run"]
    assert (run["predictions"], run["budget"], run["seed"]) == (["subspace_loss"], "quick", 0)


def test_validate_writes_the_claims_as_json(finished):
    document = json.loads((finished[0] / "claims.json").read_text(), parse_constant=pytest.fail)
    assert list(document) == ["claims", "manifest"]
    assert {row["claim"].split(".")[0] for row in document["claims"]} == {"subspace_loss"}
    for row in document["claims"]:
        assert list(row) == ROW
        assert {"description", "rejected"} <= set(row["control"])
        assert row["control"]["rejected"] is True
    assert document["manifest"]["run"]["device"] == "cpu"


def test_a_second_run_measures_nothing(again, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(job.Experiment, "do", pytest.fail)
    monkeypatch.setattr(job.Evaluation, "do", pytest.fail)
    done = again()
    assert (done.code, done.err) == (0, "")
    first, second = (json.loads((d / "claims.json").read_text())["claims"] for d in (finished[0], tmp_path))
    assert first == second


def test_a_wrong_formula_makes_it_fail(again, monkeypatch):
    right = loss_claims.annealed_ratio

    def wrong(setting):
        return 2 * right(setting)

    monkeypatch.setattr(loss_claims, "annealed_ratio", wrong)
    done = again()
    assert (done.code, done.err) == (1, "")
    assert "5 of 6 claims hold" in done.out
    assert "disagrees" in next(line for line in done.out.splitlines() if "critical_samples" in line)


def test_an_interruption_is_said_in_a_line(few, tmp_path, monkeypatch):
    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(suite, "sweep", interrupt)
    done = geomem(*_validate(tmp_path / "out", tmp_path / "claims.json"))
    assert done.code == 130
    assert done.out.split()[0] == "claim"
    assert done.err.strip() == "geomem: interrupted; what was finished is kept"  # after the ^C of a terminal
    assert not (tmp_path / "claims.json").exists()


def test_workers_that_are_killed_have_an_exit_code_of_their_own(few, tmp_path, monkeypatch):
    def lose(*arguments, **named):
        raise WorkerLostError("kl_bound.large has lost two workers, the second by signal 9")

    monkeypatch.setattr(suite, "sweep", lose)
    done = geomem(*_validate(tmp_path / "out", tmp_path / "claims.json"))
    assert done.code == 3
    assert done.err == (
        "geomem: kl_bound.large has lost two workers, the second by signal 9, for want of memory perhaps; what was "
        "finished is kept, and the same command goes on from it\n"
    )
    assert " 3 if workers were killed" in geomem("validate", "--help").out


def test_an_interrupted_run_does_not_wait_for_derivations(few, tmp_path, monkeypatch):
    going_on = threading.Event()

    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(suite, "sweep", interrupt)
    monkeypatch.setattr(suite, "derive", lambda names: going_on.wait(60))
    assert geomem(*_validate(tmp_path / "out", tmp_path / "claims.json")).code == 130
    assert not going_on.is_set()
    going_on.set()


@pytest.fixture
def nothing_measured(monkeypatch):
    monkeypatch.setattr(suite, "hold", lambda *a, **k: pytest.fail("work was done for bad usage"))


@pytest.mark.parametrize("where", ["file", "file/below", "file/far/below"])
def test_an_output_that_is_no_directory_is_refused_before_any_work(nothing_measured, tmp_path, where):
    (tmp_path / "file").write_text("mine")
    done = geomem("validate", "kl_bound", "--output", tmp_path / where)
    is_one_line(done)
    assert "expected a writable directory" in done.err
    is_one_line(geomem("validate", "kl_bound", "--output", tmp_path / "out", "--json", tmp_path / "file" / "x.json"))
    assert (tmp_path / "file").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.access("/", os.W_OK), reason="this user ignores permissions")
def test_an_output_that_is_read_only_is_refused_before_any_work(nothing_measured, tmp_path):
    tmp_path.chmod(0o500)
    try:
        for output in (tmp_path, tmp_path / "below"):
            is_one_line(geomem("validate", "kl_bound", "--output", output))
    finally:
        tmp_path.chmod(0o700)


def test_a_json_file_that_is_a_directory_is_refused_before_any_work(nothing_measured, tmp_path):
    done = geomem("validate", "kl_bound", "--output", tmp_path / "out", "--json", tmp_path)
    is_one_line(done)
    assert "--json must name a file" in done.err


@pytest.mark.parametrize("name", ["report.html", "claims.csv", "manifest.json", "sub/../report.html"])
def test_a_json_file_of_the_report_is_refused_before_any_work(nothing_measured, tmp_path, name):
    (tmp_path / "out" / "sub").mkdir(parents=True)
    done = geomem("validate", "kl_bound", "--output", tmp_path / "out", "--json", tmp_path / "out" / name)
    is_one_line(done)
    assert "--json must be a file of its own" in done.err


def test_a_json_file_in_a_directory_to_come_is_written(again, tmp_path):
    file = tmp_path / "to" / "come" / "claims.json"
    assert again("--json", file).code == 0
    assert list(json.loads(file.read_text())) == ["claims", "manifest"]


# moments

SAMPLES_AT, POINTS_AT = (np.random.default_rng(k).standard_normal((n, 3)) for k, n in enumerate((95, 4)))
AVERAGES = (
    "log_partition",
    "energy",
    "energy_variance",
    "entropy",
    "participation",
    "largest_weight",
    "nearest",
    "error",
)


@pytest.fixture
def asked(tmp_path):
    """A complete command on files in the working directory."""
    np.save(tmp_path / "samples.npy", SAMPLES_AT)
    np.save(tmp_path / "points.npy", POINTS_AT)
    return ["moments", "samples.npy", "--queries", "points.npy", "--t", "0.1,1", "--output", "out.npz"]


def averages(path="out.npz"):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("more", [[], ["--rows", "10"], ["--dtype", "float64", "--temperature", "2"]], ids=" ".join)
@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
def test_moments_are_those_of_the_engine(asked, covariance, more):
    options = ["--covariance", covariance] if covariance else []
    done = geomem(*asked, *options, *more)
    assert (done.code, done.err) == (0, "")
    temperature = 2.0 if "--temperature" in more else 1.0
    expected = gibbs_moments(POINTS_AT, SAMPLES_AT, [[0.1], [1.0]], covariance=covariance, temperature=temperature)
    found = averages()
    names = [*AVERAGES, "mean", "score", *(["covariance"] if covariance else [])]
    assert set(found) == {*names, "t", "queries", "samples"}
    for name in names:
        # |x - y|^2 / 2t is below 200 here: rounded by 200 eps, 4e-14, in every block
        np.testing.assert_allclose(found[name], getattr(expected, name), rtol=1e-10, atol=1e-10, err_msg=name)
    assert (found["error"] < 1e-10).all()
    assert found["energy"].shape == (2, 4)
    assert found["t"].tolist() == [0.1, 1]
    assert (found["queries"] == POINTS_AT).all()
    assert found["samples"] == 95


def test_moments_prints_a_table_and_where_the_rest_is(asked):
    done = geomem(*asked)
    lines = done.out.splitlines()
    assert lines[0] == "95 samples, 4 queries, 2 times; medians over the queries:"
    assert lines[2].split() == ["t", "log_partition", "energy", "entropy", "participation"]
    assert [line.split()[0] for line in lines[3:5]] == ["0.1", "1"]
    assert float(lines[4].split()[3]) == pytest.approx(np.median(averages()["entropy"][1]), rel=1e-5)
    assert lines[-1] == "output: out.npz"


@pytest.mark.parametrize("suffix", [".parquet", ".zarr", "directory"])
def test_moments_of_other_formats(asked, tmp_path, suffix):
    geomem(*asked)
    expected = averages()
    path = tmp_path / f"a{suffix}"
    if suffix == ".zarr":
        zarr = pytest.importorskip("zarr")
        zarr.open_array(str(path), mode="w", shape=SAMPLES_AT.shape, dtype="float64")[...] = SAMPLES_AT
    else:
        (tmp_path / "adirectory").mkdir()
        table = pyarrow.table({name: SAMPLES_AT[:, k] for k, name in enumerate("xyz")})
        pyarrow.parquet.write_table(table, path if suffix == ".parquet" else path / "part.parquet")
    assert geomem("moments", path, *asked[2:]).code == 0
    assert (averages()["nearest"] == expected["nearest"]).all()
    np.testing.assert_allclose(averages()["mean"], expected["mean"], rtol=1e-10)


def test_moments_by_a_cluster(asked):
    distributed = pytest.importorskip("distributed")
    geomem(*asked)
    expected = averages()["mean"]
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as workers:
        done = geomem(*asked, "--rows", "10", "--scheduler", workers.scheduler_address)
    assert (done.code, done.err) == (0, "")
    np.testing.assert_allclose(averages()["mean"], expected, rtol=1e-10)


def test_interrupted_moments_go_on_from_their_checkpoint(asked, monkeypatch):
    command = [*asked, "--rows", "10", "--checkpoint", "to/come/sum.npz"]
    with monkeypatch.context() as patch:
        _interrupt_at(patch, 40)
        done = geomem(*command)
    assert (done.code, done.out) == (130, "")
    assert done.err.strip() == "geomem: interrupted; what was finished is kept"
    assert not Path("out.npz").exists()
    asked_for = []
    ask = partitions._moments
    monkeypatch.setattr(partitions, "_moments", lambda *a: (asked_for.append(a[3]), ask(*a))[1])
    assert geomem(*command).code == 0
    assert asked_for == [40, 50, 60, 70, 80, 90]
    resumed = averages()
    assert geomem(*command[:-2]).code == 0
    whole = averages()
    assert all(resumed[name].tobytes() == whole[name].tobytes() for name in whole)


def test_interrupted_moments_without_a_checkpoint_say_that_nothing_is_kept(asked, monkeypatch):
    _interrupt_at(monkeypatch, 40)
    done = geomem(*asked, "--rows", "10")
    assert (done.code, done.out) == (130, "")
    assert done.err.strip() == "geomem: interrupted; nothing is kept without --checkpoint"


def _interrupt_at(patch, row):
    ask = partitions._moments

    def moments(block, source, question, start, stop):
        if start == row:
            raise KeyboardInterrupt
        return ask(block, source, question, start, stop)

    patch.setattr(partitions, "_moments", moments)


def test_interrupted_moments_that_finished_nothing_keep_nothing(asked, monkeypatch):
    _interrupt_at(monkeypatch, 0)
    done = geomem(*asked, "--rows", "10", "--checkpoint", "sum.npz")
    assert (done.code, done.err.strip()) == (130, "geomem: interrupted; nothing is kept")


def test_an_interrupted_simulation_does_not_say_that_something_is_kept(monkeypatch):
    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("numerics.experiments.collapse.measure", interrupt)
    done = geomem("simulate", "collapse", "--subspaces", "1x2")
    assert (done.code, done.out, done.err.strip()) == (130, "", "geomem: interrupted; nothing is kept")


SPELLINGS = ["./{}", "sub/../{}", "link/../{}", "soft-{}", "hard-{}", "sub/soft-{}"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("file", ["points.npy", "samples.npy", "sum.npz"])
@pytest.mark.parametrize("option", ["--output", "--checkpoint"])
def test_what_is_read_is_never_written_over(asked, nothing_summed, tmp_path, option, file, spelling):
    for folder in ("sub", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "sum.npz").write_bytes(b"mine")
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / f"soft-{file}").symlink_to(tmp_path / file)
    (tmp_path / f"hard-{file}").hardlink_to(tmp_path / file)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = ["--checkpoint" if option == "--output" else "--output", "sum.npz"]
    done = geomem(*asked, *other, option, spelling.format(file))
    is_one_line(done)
    assert "must be a file of its own" in done.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("option", ["--output", "--checkpoint"])
def test_no_file_is_written_that_would_belong_to_the_data(asked, nothing_summed, tmp_path, option):
    (tmp_path / "parts").mkdir()
    table = pyarrow.table({name: SAMPLES_AT[:, k] for k, name in enumerate("xyz")})
    pyarrow.parquet.write_table(table, tmp_path / "parts" / "a.parquet")
    done = geomem("moments", "parts", *asked[2:], option, "parts/b.parquet")
    is_one_line(done)
    assert "must be a file of its own" in done.err


def _full(monkeypatch, *names):
    """A disk that is full for files of some names."""
    write = files.write_atomic

    def write_atomic(path, content):
        if path.name in names:
            raise OSError(f"cannot write {path}: No space left on device; free space there")
        write(path, content)

    for module in (files, checkpoint):
        monkeypatch.setattr(module, "write_atomic", write_atomic)


def test_averages_that_cannot_be_written_are_in_the_checkpoint(asked, monkeypatch):
    command = [*asked, "--checkpoint", "sum.npz"]
    with monkeypatch.context() as patch:
        _full(patch, "out.npz")
        done = geomem(*command)
    is_one_line(done)
    assert "cannot write out.npz: No space left on device" in done.err
    assert "the sum is kept in sum.npz, and the same command writes it" in done.err
    monkeypatch.setattr(partitions, "_moments", lambda *a: pytest.fail("it is summed already"))
    assert geomem(*command).code == 0
    assert averages()["samples"] == 95


def test_averages_that_can_be_kept_nowhere_else_are_written_elsewhere(asked, monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    assert geomem(*asked).code == 0
    expected = Path("out.npz").read_bytes()
    _full(monkeypatch, "out.npz")
    done = geomem(*asked)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    (place,) = (tmp_path / "elsewhere").iterdir()
    assert f"the averages are in {place} instead" in done.err
    with np.load(place) as found, np.load(io.BytesIO(expected)) as wanted:
        assert all(found[name].tobytes() == wanted[name].tobytes() for name in wanted)


def test_a_checkpoint_that_cannot_be_written_does_not_cost_the_averages(asked, monkeypatch):
    _full(monkeypatch, "sum.npz")
    done = geomem(*asked, "--checkpoint", "sum.npz")
    assert done.code == 0
    assert done.err.startswith("geomem: cannot write sum.npz: No space left on device")
    assert done.err.count("\n") == 1
    assert averages()["samples"] == 95


def test_moments_of_rows_that_are_not_finite_name_them(asked):
    bad = SAMPLES_AT.copy()
    bad[27] = np.nan
    np.save("samples.npy", bad)
    done = geomem(*asked, "--rows", "10")
    is_one_line(done)
    assert "rows 20 to 29 of samples.npy (counted from 0): data must be finite" in done.err


def test_moments_say_what_they_took_for_data(asked):
    table = {"when": np.arange(95), **{name: SAMPLES_AT[:, k] for k, name in enumerate("xyz")}}
    pyarrow.parquet.write_table(pyarrow.table(table), "samples.parquet")
    geomem(*asked)
    expected = averages()["mean"]
    command = ["moments", "samples.parquet", *asked[2:], "--query-columns", "1-3"]
    done = geomem(*command)
    is_one_line(done)
    assert "column 1 ('when') counts the rows from 0" in done.err
    done = geomem(*command, "--columns", "x-z")
    assert (averages()["mean"] == expected).all()
    assert "read: 95 x 3 numbers, columns x to z; left out: column 1, not asked for (samples.parquet)" in done.out
    assert "queries: 4 x 3 numbers, columns 1 to 3; left out: nothing (points.npy)" in done.out
    done = geomem(*command, "--columns", "x-z", "--scheduler", "tcp://127.0.0.1:1")
    is_one_line(done)
    assert "write these --columns to a file of their own" in done.err


def test_columns_in_another_order_are_not_held_against_one_another(tmp_path):
    samples = np.random.default_rng(0).standard_normal((40, 3)).round(4)

    def written(name, columns, order, rows):
        table = pyarrow.table({column: samples[:rows, k] for column, k in zip(columns, order, strict=True)})
        pyarrow.parquet.write_table(table, tmp_path / name)
        return name

    data = written("data.parquet", "abc", range(3), 40)
    other = written("other.parquet", "cab", (2, 0, 1), 9)
    moments = ("moments", data, "--t", "0.1", "--output", "m.npz", "--queries")
    for command in (("audit", data, "--generated", other), (*moments, other)):
        done = geomem(*command)
        is_one_line(done)
        assert (
            "must have its columns in the order of the data, got 'c' as number 1 of them, which is number 3" in done.err
        )
    counted = written("counted.parquet", "123", range(3), 9)
    for same in (written("same.parquet", "abc", range(3), 9), written("own.parquet", "xyz", range(3), 9), counted):
        assert geomem(*moments, same).code == 0
    assert geomem("moments", counted, *moments[2:], written("from0.parquet", "012", range(3), 9)).code == 0


def test_the_audit_says_what_it_took_for_data(tmp_path):
    samples = np.random.default_rng(0).standard_normal((40, 2))
    lines = [f"{k};{a:.4f};{b:.4f}".replace(".", ",") for k, (a, b) in enumerate(samples)]
    (tmp_path / "a.csv").write_text("\n".join(["when;x;y", *lines, "40;NA;1,5"]))
    done = geomem("audit", "a.csv")
    is_one_line(done)
    assert "column 1 ('when') counts the rows from 0" in done.err
    done = geomem("audit", "a.csv", "--columns", "2-3")
    is_one_line(done)
    assert "row 41 of the data, column 2 ('x'), is missing" in done.err
    options = ["--columns", "2-3", "--drop-missing", "--device", "cpu"]
    left_out = ["column 1, not asked for", "1 of 41 rows, with missing cells"]
    done = geomem("audit", "a.csv", *options, "--json", "--output", "report")
    assert json.loads(done.out)["read"] == {
        "rows": 40, "columns": 2, "first": "x", "last": "y", "left_out": left_out, "doubts": [],
    }  # fmt: skip
    page = " ".join(Path("report/report.html").read_text().split())
    assert "Read: 40 x 2 numbers, columns x to y; left out: column 1, not asked for, 1 of 41 rows" in page


@pytest.fixture
def nothing_summed(monkeypatch):
    monkeypatch.setattr(partitions, "_moments", lambda *a: pytest.fail("work was done for bad usage"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--t", "0"], "t must be positive and finite"),
        (["--t", "a,b"], "--t must be comma separated numbers"),
        (["--t", "nan"], "t must be positive and finite"),
        (["--temperature", "0"], "temperature must be one positive"),
        (["--temperature", "x"], "temperature"),
        (["--covariance", "both"], "covariance"),
        (["--dtype", "float16"], "dtype must be one of float64, float32, got 'float16'"),
        (["--dtype", ""], "dtype must be one of"),
        (["--tolerance", "2"], "tolerance must be a number between 0 and 1"),
        (["--rows", "0"], "rows"),
        (["--rows", "1.5"], "rows"),
        (["--scheduler", "nope"], "expected the address of a running dask scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1"], "expected the address of a running dask scheduler"),
        (["--queries", "missing.npy"], "data file not found: 'missing.npy'"),
        (["--queries", "points.csv"], "queries must be a .npy or .parquet file"),
        (["--output", "points.npy"], "--output must be a file of its own"),
        (["--output", "samples.npy"], "--output must be a file of its own"),
        (["--checkpoint", "samples.npy"], "--checkpoint must be a file of its own"),
        (["--checkpoint", "out.npz"], "must be a file of its own"),
        (["--checkpoint", "text"], "text is no whole checkpoint"),
        (["--output", "."], "--output must name a file, got the directory"),
        (["--checkpoint", "."], "--checkpoint must name a file, got the directory"),
        (["--output", "text/out.npz"], "expected a writable directory"),
        (["--checkpoint", "text/sum.npz"], "expected a writable directory"),
        (["surplus"], "surplus"),
    ],
    ids=" ".join,
)
def test_moments_that_cannot_be_had(asked, nothing_summed, change, named):
    Path("text").write_text("mine")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = geomem(*asked, *change)
    is_one_line(done)
    assert named in done.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize("missing", ["--queries", "--t", "--output"])
def test_moments_need_their_options(asked, nothing_summed, missing):
    at = asked.index(missing)
    done = geomem(*asked[:at], *asked[at + 2 :])
    is_one_line(done)
    assert missing in done.err


@pytest.mark.parametrize("data", ["missing.npy", "data.csv", "digits", "."])
def test_moments_of_what_is_no_data_set(asked, data):
    is_one_line(geomem("moments", data, *asked[2:]))


# bad usage

SUBSPACES = [
    "1.0y20", "", "0x3", "-1x2", "1xnan", "infx2", "1x0", "1x2.5", "nanx2", "1x-2", "x", "x3", "1x2,", ",1x2", "1x2x3",
    "1e400x2", "1x1e3", "1;2", "onextwo",
]  # fmt: skip
TIMES = ["-1", "0", "nan", "inf", "", "1,,2", "a", "0.1,-1", "1e400", "1e-400", "0.1;0.2"]
SAMPLES = ["1", "0", "-5", "1.5", "nan", "inf", "abc", "1e400", ""]


@pytest.mark.parametrize("command", ["predict", "simulate"])
@pytest.mark.parametrize("name", ["collapse", "kl_bound"])
@pytest.mark.parametrize("text", SUBSPACES)
def test_malformed_subspaces(command, name, text):
    done = geomem(command, name, "--subspaces", text)
    is_one_line(done)
    assert "VARIANCExDIMENSION" in done.err


SETTING = ["--subspaces", "1.0x3,0.1x1"]
BAD_SETTINGS = [
    *(["--times", text] for text in TIMES),
    *(["--samples", text] for text in SAMPLES),
    *(["--ambient-dimension", text] for text in ("3", "-1", "1.5", "a", "nan")),
    ["--schedule", "linear"],
    ["--schedule", ""],
    ["--ensemble", "cube"],
    ["--schedule", "flow", "--times", "1"],
    ["--schedule", "flow", "--times", "1.5"],
    ["--schedule", "cosine", "--times", "0.5,1.0"],
    ["--schedule", "ddpm", "--times", "0"],
    ["--nope"],
    ["--samples"],
    ["surplus"],
]


@pytest.mark.parametrize("command", ["predict", "simulate"])
@pytest.mark.parametrize("arguments", BAD_SETTINGS, ids=" ".join)
def test_settings_out_of_their_domain(command, arguments):
    is_one_line(geomem(command, "subspace_loss", *SETTING, *arguments))


def test_what_float32_does_not_hold_is_refused():
    done = geomem("simulate", "collapse", "--subspaces", "1e40x2", "--samples", "10", "--dtype", "float32")
    is_one_line(done)
    assert "float32 does not hold numbers up to" in done.err


def test_labels_that_are_not_one_for_each_sample_are_refused_with_the_remedy(tmp_path):
    rows = np.random.default_rng(0).standard_normal((20, 2)).round(3).tolist()
    (tmp_path / "whole.csv").write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows))
    (tmp_path / "gap.csv").write_text("a,b\n,1\n" + "\n".join(f"{a},{b}" for a, b in rows[1:]))
    (tmp_path / "with_header.csv").write_text("label\n" + "x\ny\n" * 10)
    (tmp_path / "one_short.csv").write_text("label\n" + "x\ny\n" * 9 + "x\n")
    (tmp_path / "all.csv").write_text("x\ny\n" * 10)
    (tmp_path / "few.csv").write_text("x\ny\n")
    for data, labels, said in (
        (
            ["whole.csv"],
            "one_short.csv",
            "the first of the labels in .*, 'label', looks like a header; give one a line",
        ),
        (["whole.csv"], "with_header.csv", "got 21 in .*; give one a line, and no header"),
        (["whole.csv"], "few.csv", "one for each of 20 samples, got 2 in .*; give one a line"),
        (
            ["gap.csv", "--drop-missing"],
            "all.csv",
            "one for each of 19 samples, got 20 in .*leave out their labels too",
        ),
    ):
        done = geomem("audit", tmp_path / data[0], *data[1:], "--labels", tmp_path / labels)
        is_one_line(done)
        assert re.search(said, done.err)


def test_moments_are_written_to_an_archive_alone(asked, nothing_summed):
    done = geomem(*asked[:-1], "out.csv")
    is_one_line(done)
    assert "--output must be a file that ends in .npz, got out.csv" in done.err


def test_a_name_that_is_no_text_is_written_with_question_marks():
    assert json.loads(strict_json({"n\udcff": ["\udcff.csv"]})) == {"n?": ["?.csv"]}


def test_what_does_not_fit_into_memory_is_said_in_a_line(monkeypatch):
    def exhausted(setting):  # as simulate --subspaces 1x999999999999 is
        raise MemoryError("Unable to allocate 7.28 TiB for an array")

    monkeypatch.setattr(suite.prediction("collapse"), "information", exhausted)
    is_one_line(geomem("predict", "collapse", "--subspaces", "1x1", "--only", "information"))


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "inf", "x", ""])
def test_a_divergence_out_of_its_domain(epsilon):
    is_one_line(geomem("predict", "kl_bound", *SETTING, "--times", "1", "--kl", epsilon))


def test_kl_belongs_to_kl_bound():
    done = geomem("predict", "collapse", *SETTING, "--times", "1", "--kl", "0.1")
    is_one_line(done)
    assert "--kl belongs to kl_bound" in done.err
    is_one_line(geomem("simulate", "kl_bound", *SETTING, "--kl", "0.1"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "-1"],
        ["--seed", "1.5"],
        ["--repeats", "1"],
        ["--repeats", "0"],
        ["--repeats", "-3"],
        ["--repeats", "many"],
        ["--device", "tpu"],
        ["--device", ""],
        ["--dtype", "float16"],
        ["--dtype", ""],
    ],
    ids=" ".join,
)
def test_simulations_that_cannot_be_run(arguments):
    is_one_line(geomem("simulate", "score_covariance", *SETTING, *arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["--nope"],
        ["list", "collapse"],
        ["derive"],
        ["derive", "nope"],
        ["derive", ""],
        ["derive", "collapse", "kl_bound"],
        ["derive", "collapse", "--format", "html"],
        ["derive", "--format", "text"],
        ["predict"],
        ["predict", "collapse"],
        ["predict", "--subspaces", "1x2"],
        ["predict", "nope", "--subspaces", "1x2"],
        ["simulate"],
        ["simulate", "collapse"],
        ["simulate", "nope", "--subspaces", "1x2"],
        ["validate", "nope"],
        ["validate", "collapse", "nope"],
        ["validate", "--budget", "endless"],
        ["validate", "--seed", "-1"],
        ["validate", "--seed", "x"],
        ["validate", "--device", "tpu"],
        ["validate", "--output"],
        ["audit"],
        ["audit", "--seed", "-1", "digits"],
        ["audit", "--schedule", "mine", "digits"],
        ["audit", "--device", "tpu", "digits"],
        ["audit", "nope.txt"],
        ["audit", "missing.npy"],
        ["moments"],
        ["moments", "missing.npy"],
        ["doctor", "now"],
        ["doctor", "--nope"],
    ],
    ids=" ".join,
)
def test_commands_that_are_not(arguments, nothing_measured):
    is_one_line(geomem(*arguments))


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("numerics.arrays._cuda_available", lambda: False)
    for command in (["simulate", "collapse", *SETTING], ["validate", "collapse"]):
        done = geomem(*command, "--device", "cuda")
        is_one_line(done)
        assert "--device cpu" in done.err


# x


def test_a_point_and_a_trajectory_can_be_asked_for():
    where = ["--subspaces", "1x2", "--samples", "30", "--times", "0.1,0.5"]
    fresh, own, one = (
        json.loads(geomem("predict", "condensation", *where, "--json", *more).out)
        for more in ((), ("--at", "trajectory"), ("--x", "0.5,-1"))
    )
    assert fresh["setting"]["at"] == one["setting"]["at"] == "fresh"
    assert (own["setting"]["at"], one["setting"]["x"]) == ("trajectory", [0.5, -1.0])
    found = [answer["observables"]["participation"] for answer in (fresh, own, one)]
    assert len({tuple(values) for values in found}) == 3
    measured = json.loads(geomem("simulate", "condensation", *where, "--json", "--at", "trajectory").out)
    off = np.subtract(measured["observables"]["participation"], found[1])
    assert (abs(off) < 5 * np.array(measured["standard_errors"]["participation"])).all()
    assert (
        "trajectory, x = 0.5,-1" in geomem("predict", "condensation", *where, "--at", "trajectory", "--x", "0.5,-1").out
    )


def test_what_does_not_follow_x_is_left_out_where_x_is_asked_for():
    where = ["supervision_region", "--subspaces", "1x2", "--samples", "30", "--times", "0.5", "--json"]
    for command, *more in (("predict",), ("simulate", "--repeats", "2")):
        everywhere, there = (
            json.loads(geomem(command, *where, *more, *at).out)["observables"] for at in ((), ("--at", "trajectory"))
        )
        assert "shell_overlap" in everywhere
        assert "shell_overlap" not in there
        assert "shell_ratio" in there


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("collapse", "--at", "fresh"), "got them for collapse"),
        (("condensation", "--at", "home"), "query must be one of fresh, trajectory"),
        (("condensation", "--x", "1,2,3"), "a point must have finite coordinates, 2 of them"),
        (("condensation", "--x", "a"), "--x must be comma separated numbers"),
    ],
)
def test_a_point_that_does_not_fit_is_one_line(options, said):
    for command in ("predict", "simulate"):
        found = geomem(command, *options, "--subspaces", "1x2")
        assert found.code == 2
        assert said in found.err
