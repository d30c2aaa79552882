import json
import re
import shutil
import subprocess

import pytest
import sympy as sp

from theory.derivation import Derivation, Step
from validation.claims import PREDICTIONS
from validation.report import derivation_text
from validation.suite import prediction

t, s = sp.symbols("t sigma", positive=True)
WILD = r"50 % of $x_1$ & {a} #2 ~ ^3 \alpha <b> |c|"


def small():
    d = Derivation("collapse", "when samples are recited", "derived here", "variance and noise positive")
    d.define("information", sp.log(1 + s / t) / 2, "a Gaussian channel", symbol="I")
    d.equal("shrinkage", 1 - t / (t + s), s / (s + t), "Wiener's filter")
    return d


def balanced(source):
    """Braces, environments and displays are closed in the order they were opened."""
    depth = 0
    for token in re.findall(r"\\.|[{}]", source):
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    assert depth == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", source):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    assert source.count(r"\[") == source.count(r"\]")
    assert source.count(r"\left") - source.count(r"\leftarrow") == source.count(r"\right") - source.count(
        r"\rightarrow"
    )


@pytest.mark.parametrize("name", PREDICTIONS)
def test_json_has_the_steps_and_the_verdict(name):
    document = json.loads(derivation_text.json(prediction(name).derivation()))
    assert list(document) == ["prediction", "steps", "verdict"]
    assert document["prediction"] == name
    assert len(document["steps"]) > 3
    for step in document["steps"]:
        assert list(step) == ["name", "statement", "reason", "verdict", "evidence"]
        assert all(isinstance(part, str) and part.strip() for part in step.values())
    assert document["verdict"] in ("proved", "supported")


def test_the_verdict_is_that_of_the_weakest_step():
    d = small()
    assert json.loads(derivation_text.json(d))["verdict"] == "proved"
    d.equal("slip", s / t, t / s, "upside down")
    assert json.loads(derivation_text.json(d))["verdict"] == "refuted"
    assert derivation_text.text(d).endswith("verdict: refuted")
    assert "Verdict: refuted." in derivation_text.latex(d)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_text_shows_every_step_in_order(name):
    d = prediction(name).derivation()
    lines = derivation_text.text(d).splitlines()
    assert lines[0] == name
    headings = [line for line in lines if re.match(r"\d+\. ", line)]
    assert headings == [f"{k}. {step.name}  [{step.verdict}]" for k, step in enumerate(d.steps, 1)]
    assert lines[-1] == f"verdict: {d.verdict}"
    flat = " ".join(" ".join(lines).split())
    for step in d.steps:
        assert " ".join(step.reason.split()) in flat
        assert " ".join(step.text.split()) in flat


@pytest.mark.parametrize("name", PREDICTIONS)
def test_prose_is_wrapped(name):
    d = prediction(name).derivation()
    statements = {f"      {step.text}" for step in d.steps} | {f"source: {d.source}"}
    for line in derivation_text.text(d).splitlines():
        assert len(line) <= 100 or line in statements


@pytest.mark.parametrize("name", PREDICTIONS)
def test_text_is_free_of_latex(name):
    text = derivation_text.text(prediction(name).derivation())
    assert "\\" not in text
    assert "$" not in text


@pytest.mark.parametrize("name", PREDICTIONS)
def test_latex_is_balanced_and_shows_every_step(name):
    d = prediction(name).derivation()
    source = derivation_text.latex(d)
    balanced(source)
    assert source.startswith(r"\documentclass")
    assert source.rstrip().endswith(r"\end{document}")
    assert source.count(r"\item ") == len(d.steps)
    for step in d.steps:
        assert rf"\[ {step.statement} \]" in source
    source.encode("ascii")  # whatever engine compiles it


def test_latex_escapes_what_is_special_in_prose_and_nothing_in_formulas():
    wild = Derivation(WILD, WILD, WILD, WILD, [Step(WILD, r"\frac{a}{b}", WILD, "proved", WILD, "a/b")])
    source = derivation_text.latex(wild)
    balanced(source)
    escaped = r"50 \% of \$x\_1\$ \& \{a\} \#2 \~{} \^{}3 \textbackslash{}alpha $<$b$>$ $|$c$|$"
    assert source.count(escaped) == 7
    assert r"\[ \frac{a}{b} \]" in source


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", PREDICTIONS)
def test_latex_compiles(name, tmp_path):
    (tmp_path / "d.tex").write_text(derivation_text.latex(prediction(name).derivation()))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "d.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
