"""The cache of derivations: what comes out of it is what went in, and nothing else comes out of it."""

import json
import subprocess
import sys
from importlib import import_module

import mpmath
import numpy as np
import pytest
import sympy as sp

from tests.theory.conftest import PREDICTIONS, prediction
from theory import derived as module
from theory.algebra.symbols import t
from theory.derivation import Derivation
from theory.derived import derived
from theory.formula import Formula
from theory.lines import judging
from theory.source import cache_directory, check_sum

MODULES = [*(f"theory.derivations.{name}" for name in PREDICTIONS), "theory.algebra.squared_distance"]
DISTANCE = "theory.algebra.squared_distance"  # the quickest of them


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path))
    return tmp_path / "derivations"


@pytest.fixture
def filled(cache):
    """The file of one derivation."""
    derived(DISTANCE)()
    (path,) = cache.iterdir()
    return path


@pytest.fixture
def counted(monkeypatch):
    """How often a derivation is made."""
    made, derive = [], import_module(DISTANCE).derive
    monkeypatch.setattr(import_module(DISTANCE), "derive", lambda: made.append(1) or derive())
    return made


def rewrite(path, change):
    """A tampered file whose check sum is right."""
    content = json.loads(path.read_text())["content"]
    change(content)
    path.write_text(json.dumps({"check_sum": check_sum(path, content), "content": content}))


@pytest.mark.parametrize("name", MODULES)
def test_a_formula_from_the_cache_is_that_of_its_expression(name):
    kept = (derived(name)(), derived(name)())[1]
    for formula in kept.formulas.values():
        assert type(formula) is not Formula
        anew = Formula(formula.name, formula.expression, formula.symbols)
        assert (formula.latex, formula.domain, formula.code) == (anew.latex, anew.domain, anew.code)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != DISTANCE)) for n in MODULES])
def test_what_comes_from_the_cache_is_what_was_derived(name, cache):
    fresh, kept = import_module(name).derive(), (derived(name)(), derived(name)())[1]
    assert kept is not fresh
    assert (kept.steps, kept.verdict, kept.as_dict()) == (fresh.steps, fresh.verdict, fresh.as_dict())
    for attribute in ("prediction", "statement", "source", "assumptions"):
        assert getattr(kept, attribute) == getattr(fresh, attribute)
    assert list(kept.formulas) == list(fresh.formulas)
    for formula in fresh.formulas:
        same(kept[formula], fresh[formula])


def same(kept, fresh):
    assert type(fresh) is Formula
    assert isinstance(kept, Formula)
    assert (kept.name, kept.latex, kept.domain, kept.code) == (fresh.name, fresh.latex, fresh.domain, fresh.code)
    values = np.exp(np.random.default_rng(0).normal(size=(len(fresh.symbols), 50))) * 3
    values[:, -1] = [-1.0, *[1.0] * (len(values) - 1)]
    np.testing.assert_array_equal(kept(*values), fresh(*values))
    if "polygamma" not in fresh.code:  # polygamma functions are real in SciPy
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(kept.compiled(*values + 0.5j), fresh.compiled(*values + 0.5j))
    assert "expression" not in vars(kept)
    assert kept.expression == fresh.expression
    assert kept.symbols == fresh.symbols
    assert kept.reference(*values[:, 0], digits=30) == fresh.reference(*values[:, 0], digits=30) != mpmath.nan


def test_it_is_derived_once(filled, counted):
    assert derived(DISTANCE)()["log Laplace transform, derivative 1"](1.0, 2.0, 0.5) == pytest.approx(-1.0)
    derivation = derived(DISTANCE)
    assert derivation() is derivation()
    assert not counted


def test_another_key_is_derived_anew_and_takes_the_place(filled, counted, monkeypatch):
    other, stranger = (
        filled.with_name("squared_distance-formulas-0000.json"),
        filled.with_name("collapse-formulas-0000.json"),
    )
    other.write_text(filled.read_text())
    stranger.write_text("")
    monkeypatch.setattr(module, "version", lambda package: f"{package} 99")
    derived(DISTANCE)()
    (new,) = [path for path in filled.parent.iterdir() if path != stranger]
    assert new not in (filled, other)
    assert counted == [1]


def test_a_file_under_another_key_is_not_taken(filled, counted, monkeypatch):
    monkeypatch.setattr(module, "version", lambda package: f"{package} 99")
    filled.rename(module._place("formulas", DISTANCE))
    derived(DISTANCE)()
    assert counted == [1]


@pytest.mark.parametrize("keep", [0, 1, 40, 0.5, -3])
def test_a_truncated_file_is_derived_anew(filled, counted, keep):
    whole = filled.read_bytes()
    filled.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    derived(DISTANCE)()
    assert counted == [1]
    assert filled.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 100_000, b'{"check_sum": 1, "content": {}}']
)
def test_a_file_of_something_else_is_derived_anew(filled, counted, content):
    filled.write_bytes(content)
    derived(DISTANCE)()
    assert counted == [1]


def test_an_altered_number_is_noticed(filled, counted):
    text = filled.read_text()
    assert "2*theta" in text
    filled.write_text(text.replace("2*theta", "3*theta"))
    assert derived(DISTANCE)()["log Laplace transform, derivative 1"](1.0, 2.0, 0.5) == pytest.approx(-1.0)
    assert counted == [1]


@pytest.mark.parametrize("part", ["code", "srepr", "arguments"])
def test_tampered_code_is_refused_whatever_its_check_sum(filled, counted, tmp_path, part):
    target = tmp_path / "written"
    evil = f"__import__('pathlib').Path({str(target)!r}).touch()"
    tampered = {"code": f"def f(lambda_, q, theta):\n    return {evil}\n", "srepr": evil, "arguments": [evil] * 3}[part]

    def change(content):
        content["formulas"]["log Laplace transform, derivative 0"][part] = tampered

    rewrite(filled, change)
    found = derived(DISTANCE)()["log Laplace transform, derivative 0"]
    found(1.0, 2.0, 0.5)
    assert found.expression.free_symbols == set(found.symbols)
    assert counted == [1]
    assert not target.exists()


def test_the_check_sum_of_an_honest_change_is_right(filled, counted):
    """Or the test above would pass for the wrong reason."""
    rewrite(filled, lambda content: None)
    derived(DISTANCE)()
    assert not counted


@pytest.mark.parametrize("where", ["/proc/nowhere", "file"])
def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch, counted, where):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path / where))
    assert derived(DISTANCE)().verdict == "proved"
    assert counted == [1]


def test_what_does_not_print_as_arithmetic_is_derived_every_time(cache, monkeypatch):
    d = Derivation("x", "statement", "source", "assumptions")
    d.define("zeta", sp.zeta(t), "as it is", symbol="z")
    d.result("zeta", sp.zeta(t), t)
    monkeypatch.setattr(import_module(DISTANCE), "derive", lambda: d)
    assert derived(DISTANCE)()["zeta"] is d["zeta"]
    assert not list(cache.glob("*"))


@pytest.fixture
def judged(monkeypatch):
    """How often the lines of a derivation are judged."""
    asked, judge_lines = [], judging.judge_lines
    monkeypatch.setattr(judging, "judge_lines", lambda *given, **named: asked.append(1) or judge_lines(*given, **named))
    return asked


def test_lines_are_judged_once_they_are_asked_for_and_kept(filled, judged):
    derivation = derived(DISTANCE)()
    assert not judged
    assert derivation.verdict == "proved"
    again = derived(DISTANCE)()
    assert again.steps == derivation.steps
    assert again.as_dict() == derivation.as_dict()
    assert judged == [1]
    assert len(list(filled.parent.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b'{"steps": 1}'])
def test_verdicts_that_cannot_be_read_are_earned_anew(filled, judged, content):
    first = derived(DISTANCE)().steps
    module._place("steps", DISTANCE, *module.JUDGES).write_bytes(content)
    assert derived(DISTANCE)().steps == first
    assert judged == [1, 1]


def test_another_judge_judges_anew_what_is_not_derived_anew(filled, judged, counted, monkeypatch):
    derived(DISTANCE)().judged()
    counted.clear()
    fingerprint = module.fingerprint
    monkeypatch.setattr(module, "fingerprint", lambda *names: fingerprint(*names) + "x" * (module.JUDGES[0] in names))
    derivation = derived(DISTANCE)()
    assert not counted
    assert derivation.verdict == "proved"
    assert judged == [1, 1]


def test_nothing_is_left_beside(filled):
    assert [path.suffix for path in filled.parent.iterdir()] == [".json"]


def run(code, directory):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={"GEOMEM_CACHE_DIR": str(directory), "PATH": "", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once(tmp_path):
    code = (
        "from theory.averages.squared_distance import log_laplace\n"
        "print(log_laplace(2)(1.0, 2.0, 0.5), type(log_laplace(2)).__name__)\n"
    )
    said = [process.communicate(timeout=120)[0] for process in [run(code, tmp_path) for _ in range(2)]]
    assert {line.split()[0] for line in said} == {said[0].split()[0]}
    (path,) = (tmp_path / "derivations").iterdir()
    assert path.suffix == ".json"
    (last,) = [run(code, tmp_path).communicate(timeout=120)[0]]
    assert last.split() == [said[0].split()[0], "_KeptFormula"]


def test_predictions_are_evaluated_without_what_is_slow_to_import():
    slow = (
        "sympy",
        "mpmath",
        "flint",
        "matplotlib",
        "scipy.stats",
        "scipy.optimize",
        "scipy.linalg",
        "scipy.integrate",
    )
    heads = "".join(f"import theory.predictions.{name}\n" for name in PREDICTIONS)
    code = (
        "import sys\n"
        f"{heads}"
        f"print([m for m in {slow!r} if m in sys.modules])\n"
        "from theory.predictions import collapse, condensation\n"
        "from theory.setting import Setting\n"
        "setting = Setting.of('1x20', times=[0.1])\n"
        "collapse.collapse_time(setting), condensation.participation_asymptotic(setting)\n"
        f"print([m for m in {slow!r} if m in sys.modules])\n"
    )
    for name in ("collapse", "condensation"):
        prediction(name).derivation()  # in the cache from now on
    assert run(code, cache_directory()).communicate(timeout=240)[0].splitlines() == ["[]", "[]"]
