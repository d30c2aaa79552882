"""Every line of the list through the judge: what must never happen to one, and what share must come out as it should."""

import pytest

from tests.theory.identities import LINES
from theory.judgement.judge import judge

OBSCURE = "window", "tail", "beyond", "below"  # what a supported line says that it cannot exclude


@pytest.fixture(scope="module")
def judged():
    """Each line's judgement, made once."""
    return {line.name: judge(line.lhs, line.rhs, line.relation, at=line.at) for line in LINES}


def of(truth):
    return [line for line in LINES if line.truth is truth]


def test_the_list_is_what_it_says():
    assert len({line.name for line in LINES}) == len(LINES) >= 208
    assert len(of(True)) >= 94
    assert len(of(False)) >= 100


@pytest.mark.parametrize("line", of(False), ids=lambda line: line.name)
def test_a_false_line_is_never_proved(line, judged):
    found = judged[line.name]
    assert found.verdict != "proved", found.evidence
    if found.verdict == "supported":
        assert any(word in found.cannot_exclude for word in OBSCURE)


@pytest.mark.parametrize("line", of(True), ids=lambda line: line.name)
def test_a_true_line_is_never_refuted_and_a_proof_says_what_it_trusts(line, judged):
    found = judged[line.name]
    assert found.verdict != "refuted", found.evidence
    if found.verdict == "proved":
        assert found.trusts
    if found.verdict == "supported":
        assert found.cannot_exclude


def test_the_shares(judged):
    verdicts = {truth: [judged[line.name].verdict for line in of(truth)] for truth in (True, False)}
    assert verdicts[True].count("proved") >= 0.75 * len(verdicts[True])
    assert verdicts[False].count("refuted") >= 0.9 * len(verdicts[False])
    assert verdicts[False].count("supported") <= 0.03 * len(verdicts[False])
