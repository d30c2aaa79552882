"""Every line of the lists through the judge: what must never happen to one, and what share must come out as it should."""

from functools import cache

import pytest

from tests.theory.identities import LINES, LISTS
from theory.judgement.judge import judge

pytestmark = pytest.mark.usefixtures("no_hint")
OBSCURE = "window", "tail", "beyond", "below"  # what a supported line says that it cannot exclude
SUPPORTED_FALSE = 0.03  # of the false lines, at most
SLOW = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("own", "adversarial", "foreign")
]  # more lines of the same kinds
NAMES = ["shown", *SLOW]


@cache
def judged(name):
    """The judgements of a list, each made once, by name of the line."""
    return {line.name: judge(line.lhs, line.rhs, line.relation, at=line.at, assume=line.assume) for line in LISTS[name]}


def of(name, truth):
    return [(line, judged(name)[line.name]) for line in LISTS[name] if line.truth is truth]


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_are_what_they_say(name):
    lines = LISTS[name]
    assert len({line.name for line in lines}) == len(lines) >= 60
    assert 0.4 * len(lines) <= sum(not line.truth for line in lines) <= 0.7 * len(lines)
    assert len(LINES) >= 800


@pytest.mark.parametrize("name", NAMES)
def test_no_false_line_is_proved(name):
    assert [line.name for line, found in of(name, False) if found.verdict == "proved"] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_true_line_is_refuted(name):
    assert [(line.name, found.evidence) for line, found in of(name, True) if found.verdict == "refuted"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_proof_says_what_it_trusts_and_support_what_it_cannot_exclude(name):
    for line, found in [*of(name, True), *of(name, False)]:
        if found.verdict == "proved":
            assert found.trusts, line.name
        if found.verdict == "supported":
            assert found.cannot_exclude, line.name
            assert line.truth or any(word in found.cannot_exclude for word in OBSCURE), line.name
        if found.verdict == "refuted" and found.sides and line.relation not in ("tends", "leading"):
            assert found.witness or not (line.lhs.free_symbols | line.rhs.free_symbols), line.name


@pytest.mark.parametrize("name", NAMES)
def test_most_true_lines_are_proved_and_nearly_all_false_ones_refuted(name):
    true, false = ([found.verdict for _, found in of(name, truth)] for truth in (True, False))
    assert true.count("proved") >= 0.75 * len(true)
    assert false.count("refuted") >= 0.9 * len(false)
    assert false.count("supported") <= SUPPORTED_FALSE * len(false)
