"""The doors: assert_laws, each_law, the command and the marker of pytest."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import softmax

from theory.predictions import collapse, kl_bound, random_features
from theory.setting import Setting
from validation import laws
from validation.cli import cli
from validation.laws import Cloud, LawError, assert_laws, each_law, examine, known_laws, laws_for
from validation.properties.report import constant_ratio

ROOT = Path(__file__).parents[2]
pytest_plugins = "pytester"
QUICK = {"derandomize": True, "database": None, "max_examples": 30}
LEADING = "limit(time, inf, sum(m * lam) / (2 * N * t))"


def my_kl(lam, t, N):
    return lam / t / N


def right_kl(lam, t, N):
    return lam / t / N / 2


def my_time(setting):
    lam, m = setting.manifold.variances, setting.manifold.dimensions
    return lam / np.expm1(2 / m * setting.log_samples)


def test_the_example_of_the_docstring():
    names = ["scaling(2)", "monotone(samples, down)", "permutation"]
    assert_laws(my_time, dims=("subspace",), laws=names, **QUICK)
    with pytest.raises(LawError, match="my_time breaks the law splitting") as found:
        assert_laws(my_time, dims=("subspace",), laws=[*names, "splitting"], **QUICK)
    assert isinstance(found.value, AssertionError)
    assert [one.law.name for one in found.value.broken] == ["splitting"]


def test_a_counterexample_is_small_and_says_the_factor_and_runs():
    with pytest.raises(LawError) as found:
        assert_laws(my_kl, like="kl_bound.kl_leading", **QUICK)
    message = str(found.value)
    assert "at 1x1, N = 2, t = 1\n" in message
    assert "value: 0.5; kl_bound.kl_leading: 0.25; ratio 2: off by the factor 2 everywhere" in message
    code = f"from {__name__} import my_kl\n    print(my_kl(lam=1.0, t=1.0, N=2))"
    assert code in message


def wrong_slope(setting):
    return 1.05 * random_features.linear_slope(setting)


def diverging(lam, t):
    if t > lam:
        raise ValueError("the series does not converge")
    return lam / t


def test_what_a_function_raises_is_a_counterexample_told_once():
    with pytest.raises(LawError) as found:
        assert_laws(diverging, laws=["scaling(0)", "finite"], **QUICK)
    message = str(found.value)
    assert message.count("diverging raises ValueError: the series does not converge\n  at ") == 1
    assert f"from {__name__} import diverging\n    print(diverging(lam=" in message
    assert [type(one.raised) for one in found.value.broken] == [ValueError, ValueError]


def score_that_raises(x, data, t):
    return 1 / 0


def test_a_score_that_raises_is_told_of():
    with pytest.raises(LawError, match="score_that_raises raises ZeroDivisionError: division by zero\n  at x = "):
        assert_laws(score_that_raises, dims=("point", "direction"), laws=["exchange"], **QUICK)


def test_a_counterexample_of_a_network_imports_what_it_names(capsys):
    with pytest.raises(LawError) as found:
        assert_laws(wrong_slope, like="random_features.linear_slope", **QUICK)
    message = str(found.value)
    assert "1 tanh features, training time 1, ridge 1" in message
    lines = message.partition("To see it:\n")[2].splitlines()
    code = [line.strip() for line in lines if line.strip().startswith(("from", "import", "print"))]
    assert "from theory.network import Network" in code
    exec("\n".join(line for line in code if __name__ not in line), {"wrong_slope": wrong_slope})
    assert capsys.readouterr().out.startswith("[")


def test_a_right_formula_of_letters_passes_what_it_can_be_asked():
    assert_laws(right_kl, like="kl_bound.kl_leading", **QUICK)
    asked = each_law(right_kl, like="kl_bound.kl_leading", **QUICK)
    assert "splitting" not in asked  # it takes one variance
    assert {"scaling(0)", "power(samples, -1)", LEADING, "agrees(kl_bound.kl_leading)"} <= set(asked)


def test_what_overflows_in_a_right_formula_is_infinite_and_no_counterexample():
    def written_plainly(lam, m, t, N):
        return ((1 + lam / t) ** m - 1) / (2 * N)

    def exponent_halved(lam, m, t, N):
        return ((1 + lam / t) ** (m / 2) - 1) / (2 * N)

    assert_laws(written_plainly, like="kl_bound.kl_leading", **QUICK)
    with pytest.raises(LawError, match=r"kl_bound\.kl_leading: 0\.25; ratio 0\.41421") as found:
        assert_laws(exponent_halved, like="kl_bound.kl_leading", **QUICK)
    assert "exponent_halved(lam=1.0, m=1, t=1.0, N=2)" in str(found.value)


def test_an_overflow_that_raises_says_how_it_would_not():
    def by_math(lam, m, t, N):
        return math.exp(m * math.log(1 + lam / t)) / N

    with pytest.raises(LawError, match=r"by_math raises OverflowError: math range error\n  at .*\n  .*np.exp\(x\)"):
        assert_laws(by_math, laws=["power(samples, -1)"], **QUICK | {"max_examples": 200})


def test_without_hypothesis_the_command_says_how_it_is_installed():
    code = "import sys; sys.modules['hypothesis'] = None; from geomem.__main__ import main; main()"
    program = [sys.executable, "-c", code, "laws", "math:exp", "--law", "finite"]
    found = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.splitlines() == [
        "geomem: laws are tried at settings that hypothesis draws, which is not installed; pip install hypothesis"
    ]


def test_a_scalar_function_is_called_time_by_time():
    def scalar(lam, t, N):
        return math.sqrt(1 + lam / t) / N

    def vectorized(lam, m, t, N):
        return np.sqrt(1 + lam / t) ** m / N

    for f in (scalar, vectorized):
        assert_laws(f, laws=["scaling(0)", "power(samples, -1)", "monotone(time, down)"], **QUICK)


def test_rounding_breaks_no_law():
    def cancelling(lam, t, N):
        return (math.exp(math.log1p(lam / t)) - 1) / 2 / N

    assert_laws(cancelling, like="kl_bound.kl_leading", **QUICK | {"max_examples": 200})


def test_what_fits_no_law_is_said():
    for wrong, said in (
        ({"laws": ["scale(1)"]}, "a law is one of additive, .* with its arguments"),
        ({"laws": ["scaling(1"]}, "a law is written NAME or NAME"),
        ({"laws": ["scaling"]}, "the law scaling cannot be read"),
        ({"laws": ["monotone(size, up)"]}, "an argument is one of time, samples"),
        ({"laws": ["monotone(samples, sideways)"]}, "up or down"),
        ({"laws": ["at_most(q)"]}, "arithmetic in f, N, .* got q in 'q'"),
        ({"laws": ["at_most(__import__('os'))"]}, "got"),
        ({"laws": ["limit(time, 1, 0)"]}, "goes to 0 or inf"),
        ({"laws": ["ordered"]}, "the law ordered says nothing of my_kl, of the dims time and"),
        ({"like": "kl_bound.kl"}, "kl_bound has the observables"),
        ({"like": "kl"}, "PREDICTION.OBSERVABLE"),
        ({}, "name laws, as laws="),
    ):
        with pytest.raises(ValueError, match=said):
            assert_laws(my_kl, **wrong, **QUICK)


def test_functions_that_cannot_be_called_are_said():
    def of_strangers(lam, q):
        return lam * q

    with pytest.raises(ValueError, match=r"of_strangers must take a setting, or letters of lam, .*; got q"):
        assert_laws(of_strangers, laws=["scaling(0)"], **QUICK)
    with pytest.raises(ValueError, match=r"must return real numbers of shape \(1,\) for the dims .*'subspace'"):
        assert_laws(lambda setting: np.ones(5), dims=("subspace",), laws=["scaling(0)"], **QUICK)


@pytest.mark.parametrize("noise", [1.0, 0.01, 1e-6])
def test_chance_does_not_pass_for_rounding(noise):
    random = np.random.default_rng(0)

    def noisy(lam, m, N):
        return lam / (N ** (2 / m) - 1) * (1 + noise * random.random())

    with pytest.raises(
        ValueError, match=r"noisy must return the same for the same arguments, got .* and .*; take what"
    ):
        assert_laws(noisy, like="collapse.collapse_time", **QUICK)
    assert_laws(noisy, laws=["finite"], **QUICK)  # which rounding has no part in


def test_a_function_that_raises_by_chance_ends_in_a_line():
    random = np.random.default_rng(0)

    def sometimes(lam, m, N):
        return lam / (N ** (2 / m) - 1) if random.random() < 0.9 else 1 / 0

    with pytest.raises(ValueError, match="must do the same for the same arguments, and fails at some only once"):
        assert_laws(sometimes, laws=["scaling(2)"], **QUICK)


def test_a_function_may_write_to_its_arguments():
    def information(lams, dims, t):
        lams /= t
        return np.sum(dims * np.log1p(lams)) / 2

    def score(x, data, t):
        found = -my_score(x, data, t)  # whose sign is a draft's
        x[:], data[:] = 0, 0
        return found

    assert_laws(information, like="collapse.information", **QUICK)
    assert_laws(score, dims=("point", "direction"), laws=["translation(0)", "duplicates", "tweedie"], **QUICK)


def test_a_function_may_have_arguments_without_names():
    def information(lams, dims, t, /):
        return np.sum(dims * np.log1p(lams / t)) / 2

    assert_laws(information, like="collapse.information", **QUICK)
    with pytest.raises(LawError, match=r"print\(information\(\[1\.0\], \[1\], 1\.0\)\)"):
        assert_laws(information, laws=["scaling(2)"], **QUICK)


@pytest.mark.parametrize("masked", [np.ma.masked, np.ma.array(2.0, mask=True)])
def test_masked_numbers_are_no_numbers(masked):
    for function in (lambda lam, N: masked, lambda lam, t: masked):
        with pytest.raises(ValueError, match="must return real numbers, got masked ones"):
            assert_laws(function, laws=["finite"], **QUICK)


def test_laws_of_the_catalogue_are_listed():
    assert [law.name for law in laws_for("collapse.collapse_time")][:3] == ["scaling(2)", "permutation", "splitting"]
    assert known_laws()["scaling"].startswith("In other units")
    assert set(laws.__all__) >= {"assert_laws", "laws_for", "Law", "LawError"}


def test_what_is_examined_counts_the_settings():
    ((tried, found),) = examine(kl_bound.kl_leading, dims=("time",), laws=["at_least(0)"], **QUICK)
    assert (tried.name, found.settings, found.broken) == ("kl_leading", 30, None)


def test_settings_of_ones_own_are_drawn_from():
    from hypothesis import strategies as st

    where = st.just(Setting.of("1x3", samples=7, times=[0.5]))
    with pytest.raises(LawError, match=r"at 1x3, N = 7, t = 0\.5"):
        assert_laws(collapse.information, dims=("time",), laws=["at_most(1)"], where=where, **QUICK)


def test_ratios_that_are_the_same_everywhere():
    assert constant_ratio([2.0] * 3) == ": off by the factor 2 everywhere"
    assert constant_ratio([-0.5] * 3) == ": off by the factor -1/2 everywhere"
    assert constant_ratio([1 / math.sqrt(2 * math.pi)] * 3) == ": off by the factor 1/(sqrt(2 pi)) everywhere"
    assert constant_ratio([1.05] * 4) == ": off by the factor 1.05 everywhere"
    assert constant_ratio([1.0, 2.0, 3.0]) == constant_ratio([2.0]) == ""


def weights(x, data, t):
    return softmax(-((x[:, None] - data) ** 2).sum(axis=2) / (2 * t), axis=1)


def my_score(x, data, t):
    return (x - weights(x, data, t) @ data) / t


def reordered(training_set, noise_variance, queries):
    return (weights(queries, training_set, noise_variance) @ training_set - queries) / noise_variance


def test_a_score_is_held_like_that_of_the_engine():
    with pytest.raises(LawError) as found:
        assert_laws(my_score, like="gibbs.score", **QUICK | {"max_examples": 8})
    message = str(found.value)
    assert "my_score breaks the law tweedie: x + t times it is the posterior mean (Robbins 1956" in message
    assert "at x = [[0.0]], data = [[0.0], [1.0]], t = 1\n" in message
    assert "gibbs.score: 0.3775406688; ratio -1: off by the factor -1 everywhere" in message
    code = "print(my_score(np.array([[0.0]]), np.array([[0.0], [1.0]]), 1.0))"
    assert f"    import numpy as np\n    from {__name__} import my_score\n    {code}" in message
    tried = [one.law.name for one in found.value.broken]
    assert {"agrees(gibbs.score)", "stein", "gradient_of(gibbs.log_density)"} <= set(tried)
    assert not {"rotation(vector)", "exchange", "units(-1)", "jacobian_symmetric"} & set(tried)


def test_arguments_of_points_may_have_other_names_and_another_order():
    laws = ["tweedie", "translation(0)", "agrees(gibbs.score)"]
    assert_laws(reordered, dims=("point", "direction"), laws=laws, **QUICK)
    assert_laws(lambda a, b, c: reordered(b, c, a), like="gibbs.score", laws=["stein"], **QUICK | {"max_examples": 5})


def test_a_ratio_of_one_case_alone_is_not_said_to_be_everywhere():
    def of_twice_the_noise(x, data, t):
        return -my_score(x, data, 2 * t)

    with pytest.raises(LawError, match=r"ratio 0\.\d+\n") as found:
        assert_laws(of_twice_the_noise, dims=("point", "direction"), laws=["agrees(gibbs.score)"], **QUICK)
    assert "everywhere" not in str(found.value)


def test_clouds_of_ones_own_are_drawn_from():
    from hypothesis import strategies as st

    where = st.just(Cloud(np.zeros((1, 1)), np.array([[1.0], [3.0]]), 2.0))
    with pytest.raises(LawError, match=r"at x = \[\[0\.0\]\], data = \[\[1\.0\], \[3\.0\]\], t = 2"):
        assert_laws(my_score, dims=("point", "direction"), laws=["tweedie"], where=where, **QUICK)


def test_what_no_function_of_points_can_be_is_said():
    vector = ("point", "direction")
    for function, wrong, said in (
        (my_score, {"laws": ["tweedie"]}, "name the dims that my_score returns"),
        (my_score, {"laws": ["tweedie"], "dims": ("point",)}, "the law tweedie says nothing of my_score"),
        (my_score, {"laws": ["scaling(1)"], "dims": vector}, "the law scaling.* says nothing of my_score"),
        (my_kl, {"laws": ["tweedie"]}, "the law tweedie says nothing of my_kl"),
        (my_score, {"laws": ["exchange"], "dims": ("point", "time")}, "are one of .*; got .'point', 'time'"),
        (
            my_score,
            {"laws": ["exchange"], "dims": ("point",)},
            r"shape \(1,\) for the dims .*; got float64 of shape \(1, 1\)",
        ),
        (lambda x, t: x, {"laws": ["exchange"], "dims": vector}, "must take three arrays, x, data and t"),
        (my_score, {"like": "gibbs.forces"}, "gibbs has the quantities score, "),
    ):
        with pytest.raises(ValueError, match=said):
            assert_laws(function, **wrong, **QUICK)


DRAFT = """
def my_kl(lam, t, N):
    return lam / t / N

def right(lam, t, N):
    return lam / t / N / 2

def my_denoiser(x, data, t):
    return data.mean(axis=0) + 0 * x

def raises(lam, t):
    return 1 / 0

def leaves(lam, t):
    raise SystemExit(3)

def fails(lam, t):
    raise GeneratorExit

def prints(lam, t, N):
    print("here")
    return lam / t / N
"""


@pytest.fixture
def draft(tmp_path, monkeypatch):
    (tmp_path / "draft.py").write_text(DRAFT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "draft", raising=False)


def run(*arguments):
    return CliRunner().invoke(cli, ["laws", *arguments], standalone_mode=False)


def test_the_command(draft):
    found = run("draft.py:my_kl", "--like", "kl_bound.kl_leading", "--examples", "20")
    assert found.return_value == 1
    assert "scaling(0): holds in 20 settings\n" in found.stdout
    assert f"{LEADING}: BROKEN\n" in found.stdout
    assert "    from draft import my_kl\n    print(my_kl(lam=1.0, t=1.0, N=2))\n" in found.stdout
    assert run("draft:right", "--like", "kl_bound.kl_leading", "--examples", "20").return_value == 0


def test_the_command_in_json(draft):
    found = json.loads(run("draft.py:my_kl", "--law", LEADING, "--examples", "20", "--json").stdout)
    assert found["function"] == "my_kl"
    (law,) = found["laws"]
    assert law["verdict"] == "broken"
    assert law["counterexample"]["everywhere"] == "off by the factor 2 everywhere"
    assert law["counterexample"]["code"][0] == "from draft import my_kl"


def test_what_a_function_prints_is_no_answer(draft):
    found = run("draft.py:prints", "--law", "finite", "--examples", "20", "--json")
    assert json.loads(found.stdout)["laws"][0]["verdict"] == "holds"
    assert found.stderr.startswith("here\n")


def test_the_command_of_a_function_that_raises(draft):
    found = run("draft.py:raises", "--law", "finite", "--law", "scaling(0)")
    assert found.return_value == 1
    assert found.stdout.startswith("finite: it raises\nscaling(0): it raises\n")
    assert found.stdout.count("raises raises ZeroDivisionError: division by zero") == 1
    found = json.loads(run("draft.py:raises", "--law", "finite", "--json").stdout)
    assert found["laws"][0]["counterexample"]["raised"] == "ZeroDivisionError: division by zero"


def test_the_command_of_a_denoiser(draft):
    found = run("draft.py:my_denoiser", "--dims", "point,direction", "--law", "hull", "--examples", "9")
    assert (found.return_value, found.stdout) == (0, "hull: holds in 9 settings\n")
    found = run("draft.py:my_denoiser", "--like", "gibbs.posterior_mean", "--law", "cold(nearest)", "--examples", "9")
    assert found.return_value == 1
    assert "my_denoiser breaks the law cold(nearest): as t goes to 0" in found.stdout


def test_the_command_lists():
    assert "tweedie " in run("--like", "gibbs.score").stdout
    assert "scaling " in run().stdout
    assert "crosses(collapse.information, logN)" in run("--like", "collapse.collapse_time").stdout
    assert json.loads(run("--json").stdout)["additive"].startswith("Over directions")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("draft.py", "MODULE:FUNCTION"),
        ("draft.py:nothing", "has no function 'nothing'"),
        ("nowhere.py:f", "there is no file nowhere.py"),
        ("nowhere:f", "cannot be imported"),
        ("broken.py:f", "broken.py, line 1"),
        ("raising.py:f", "raising.py, line 2: RuntimeError: boom"),
        ("leaving.py:f", "leaving.py ends the process, with exit code 7"),
        ("draft.py:leaves", "draft.py:leaves ends the process, with exit code 3"),
        ("draft.py:fails", "draft.py:fails raises GeneratorExit, which ends the process"),
        ("zero.py:f", r"zero.py(, line 1|: ValueError): source code string cannot contain null bytes"),
    ],
)
def test_targets_that_cannot_be_used_are_said(draft, tmp_path, target, said):
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "raising.py").write_text("x = 1\nraise RuntimeError('boom')\n")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(7)\n")
    (tmp_path / "zero.py").write_bytes(b"x = 1\0\n")
    with pytest.raises(ValueError, match=said):
        raise run(target, "--law", "finite").exception


@pytest.mark.parametrize("accuracy", [0, -1, float("nan"), float("inf"), 1])
def test_an_accuracy_that_is_none_is_refused(accuracy):
    with pytest.raises(ValueError, match="the accuracy must be a relative one, between 0 and 1"):
        assert_laws(lambda lam, t, N: lam / t / N, laws=["scaling(0)"], accuracy=accuracy)


def test_the_marker_and_the_fixture_of_pytest(pytester):
    pytester.makepyfile(
        """
        import pytest

        def my_kl(lam, t, N):
            return lam / t / N

        @pytest.mark.laws(my_kl, laws=["scaling(0)", "limit(time, inf, lam/(2*N*t))"], derandomize=True)
        def test_my_kl(law):
            law()

        def test_mine(assert_laws):
            assert_laws(my_kl, laws=["scaling(0)"], derandomize=True)
        """
    )
    plugin = ("-p", "no:geomem", "-p", "geomem.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "-v")
    found = pytester.runpytest_inprocess(*plugin)
    found.assert_outcomes(passed=2, failed=1)
    found.stdout.fnmatch_lines(["*test_my_kl*limit(time, inf, lam / (2 `*` N `*` t))*FAILED*".replace("`*`", "[*]")])


def test_the_plugin_imports_nothing_but_pytest():
    code = "import sys, pytest; a = set(sys.modules); import geomem.pytest_plugin; print(*sorted(set(sys.modules) - a))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert found in (["geomem", "geomem.pytest_plugin"], [])
