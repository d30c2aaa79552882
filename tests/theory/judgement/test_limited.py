"""The judge behind limits: what hangs or dies is inconclusive, and what is kept is what was found."""

import json
import os
import subprocess
import sys
import time

import pytest
import sympy as sp

from theory.derivation import judge
from theory.judgement import limited
from theory.judgement.judgement import Judgement
from theory.judgement.limited import ask

JUDGE = "theory.judgement.judge:judge"
a, b = sp.symbols("a b", positive=True)
x = sp.Symbol("x", real=True)
FOUND = Judgement("refuted", "because", ("Arb",), {"a": "2"}, ("1", "2"), ("a = 0",), "", "a factor 2")


class User(sp.Function):
    """A function of a user's own."""


class Fake:
    """A child that knows the answer."""

    def __init__(self, finished=True):
        self.questions = []
        self.finished = finished

    def answer(self, question, timeout):
        self.questions.append(question)
        return FOUND, self.finished


def answer(function, *arguments, timeout=20):
    """What the child says of a function that is not a judge, and whether it was finished."""
    return limited._CHILD.answer((function, arguments, {}), timeout)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path))
    return tmp_path / "judgements"


@pytest.fixture
def child(cache, monkeypatch):
    fake = Fake()
    monkeypatch.setattr(limited, "_CHILD", fake)
    return fake


# limits


def test_a_line_is_judged_in_another_process_and_by_the_name_of_the_derivation(cache):
    found = judge(sp.log(a * b), sp.log(a) + sp.log(b))
    assert found.verdict == "proved"
    assert len(list(cache.iterdir())) == 1
    assert answer("os:getpid")[0] != os.getpid()


@pytest.mark.parametrize(
    "question",
    [("time:sleep", 60), ("builtins:pow", 3, 10**9)],
    ids=["in Python", "in C, where no signal is heard"],
)
def test_a_hang_is_inconclusive_with_what_would_help(question):
    answer("operator:neg", 1)  # a child that is there
    start = time.monotonic()
    found, finished = answer(*question, timeout=0.3)
    assert time.monotonic() - start < 5
    assert not finished
    assert found.verdict == "inconclusive"
    assert found.evidence.startswith("stopped after 0.3 s; what would help: a longer timeout")


def test_a_death_is_inconclusive_and_the_next_line_is_judged(cache):
    found, finished = answer("os:abort")
    assert not finished
    assert found.verdict == "inconclusive"
    assert "the process of the judge died (killed by signal 6)" in found.evidence
    assert judge(a, 2 * a).verdict == "refuted"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_line_too_large_for_the_memory_is_inconclusive():
    found, finished = answer("builtins:bytearray", 2 * limited.MEMORY)
    assert not finished
    assert found.verdict == "inconclusive"
    assert found.evidence.startswith("MemoryError")


def test_what_the_judge_raises_is_inconclusive():
    found, finished = answer("operator:floordiv", 1, 0)
    assert not finished
    assert found.verdict == "inconclusive"
    assert found.evidence.startswith("ZeroDivisionError: ")


def test_what_cannot_be_sent_is_inconclusive():
    found, finished = answer("operator:neg", lambda: 0)
    assert not finished
    assert found.verdict == "inconclusive"
    assert "cannot be sent" in found.evidence


def test_less_is_greater_turned(child):
    judge(a, b, "<")
    ((_, arguments, _),) = child.questions
    assert arguments == (b, a, ">")


@pytest.mark.parametrize("options", [{"relation": "is"}, {"relation": "tends"}, {"right": 0.5}], ids=str)
def test_a_line_that_is_none_is_refused(options):
    with pytest.raises(ValueError, match=r"expected one of the relations|needs at=|expected exact numbers"):
        judge(**{"left": a, "right": b} | options)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_must_be_positive(timeout):
    with pytest.raises(ValueError, match="the timeout must be a positive number of seconds"):
        judge(a, a, timeout=timeout)


def test_the_door_does_not_import_sympy():
    code = "import sys; from theory.derivation import Derivation, check, judge; print('sympy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "False\n"


# the cache


def test_a_verdict_is_found_again(child, cache):
    assert ask(JUDGE, a, b, "=", at=None, assume=(a < b,)) == FOUND
    assert ask(JUDGE, a, b, "=", at=None, assume=(a < b,)) == FOUND
    assert len(child.questions) == 1


@pytest.mark.parametrize(
    "other",
    [
        ((b, a, "="), {"at": None, "assume": ()}),
        ((a, b, ">"), {"at": None, "assume": ()}),
        ((a, b, "="), {"at": (a, sp.oo), "assume": ()}),
        ((a, b, "="), {"at": None, "assume": (a < b,)}),
        ((sp.Symbol("a", real=True), b, "="), {"at": None, "assume": ()}),
        ((sp.Symbol("a", positive=True, integer=True), b, "="), {"at": None, "assume": ()}),
    ],
    ids=str,
)
def test_another_question_is_asked_anew(child, other):
    ask(JUDGE, a, b, "=", at=None, assume=())
    arguments, named = other
    ask(JUDGE, *arguments, **named)
    assert len(child.questions) == 2


def test_other_versions_and_other_sources_are_asked_anew(child, monkeypatch):
    ask(JUDGE, a, b)
    monkeypatch.setattr(limited, "versions", lambda: ("99", "99"))
    ask(JUDGE, a, b)
    monkeypatch.setattr(limited, "fingerprint", lambda module: "another")
    ask(JUDGE, a, b)
    assert len(child.questions) == 3


@pytest.mark.parametrize("expression", [User(x), sp.Function("g", real=True)(x)], ids=str)
def test_what_the_text_does_not_tell_in_full_is_not_kept(child, cache, expression):
    for _ in range(2):
        ask(JUDGE, expression, x)
    assert len(child.questions) == 2
    assert not list(cache.glob("*"))


def test_what_was_stopped_is_not_kept(child, cache):
    child.finished = False
    ask(JUDGE, a, b)
    assert not list(cache.glob("*"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:40],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace("refuted", "proved"),
        lambda text: json.dumps({"check_sum": 1, "content": {}}),
    ],
    ids=["truncated", "empty", "something else", "altered", "of nothing"],
)
def test_a_file_that_is_not_what_was_written_is_as_good_as_none(child, cache, change):
    ask(JUDGE, a, b)
    (path,) = cache.iterdir()
    path.write_text(change(path.read_text()))
    assert ask(JUDGE, a, b) == FOUND
    assert len(child.questions) == 2


def test_a_file_under_another_key_is_not_taken(child, cache):
    ask(JUDGE, a, b)
    (path,) = cache.iterdir()
    ask(JUDGE, b, a)
    (other,) = set(cache.iterdir()) - {path}
    path.replace(other)
    ask(JUDGE, b, a)
    assert len(child.questions) == 3


def test_a_cache_that_cannot_be_written_is_no_error(child, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path / "file"))
    assert ask(JUDGE, a, b) == FOUND
