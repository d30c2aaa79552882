"""geomem check: exit codes and formats. Files are run in other processes, so that there are few of them."""

import json
import re
from pathlib import Path

import pytest
import sympy as sp

from tests.validation.conftest import geomem
from tests.validation.report.test_derivation_text import balanced
from tests.validation.report.test_page import Page
from theory.derivation import Derivation, Step
from validation.commands import check
from validation.report.derivation_text import footnotes

FILE = """from sympy import log
from theory.derivation import Derivation
d = Derivation("a draft", source="here")
a, b = d.declare("a b", positive=True)
d.equal("right", log(a * b), log(a) + log(b))
d.cited("known", "a < b_1 & 100 %", "arXiv:2402.18491")
"""
WRONG = 'd.equal("wrong", a, 2 * a)\n'


def step(verdict, name="line", **more):
    return Step(
        name, "a = b", "because", verdict, "evidence", "a = b", "=", file="x.derivation.py", number=3, code="d", **more
    )


@pytest.fixture
def found(monkeypatch):
    """Files as they would be found, by their verdicts."""

    def tell(*verdicts, **more):
        made = Derivation("a draft", "", "here", "", [step(v, f"line {k}", **more) for k, v in enumerate(verdicts)])
        monkeypatch.setattr("theory.derivation_file.checked", lambda path, **options: [made])
        return made

    return tell


@pytest.mark.parametrize(
    ("verdicts", "code", "strict"),
    [
        (("proved", "cited", "definition"), 0, 0),
        (("proved", "supported"), 0, 3),
        (("proved", "inconclusive"), 3, 3),
        (("refuted", "inconclusive"), 1, 1),
        (("cited",), 3, 3),  # nothing was judged
    ],
)
def test_exit_codes(found, verdicts, code, strict):
    found(*verdicts)
    assert geomem("check", "x").code == code
    assert geomem("check", "x", "--strict").code == strict


def test_a_file_that_is_right_and_one_that_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "draft.derivation.py").write_text(FILE)
    (tmp_path / "wrong.derivation.py").write_text(FILE + WRONG)
    monkeypatch.chdir(tmp_path)
    right = geomem("check", "draft.derivation.py")
    assert (right.code, right.err) == (0, "")
    assert "draft.derivation.py:5  right  [proved]\n      d.equal(" in right.out
    assert right.out.endswith("1 proved, 1 cited\nverdict: proved\n")
    wrong = geomem("check", "draft.derivation.py", "wrong.derivation.py", "--format", "sarif")
    assert wrong.code == 1
    (result,) = json.loads(wrong.out)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "wrong.derivation.py"},
        "region": {"startLine": 7, "endLine": 7},
    }
    assert (result["level"], result["ruleId"]) == ("error", "refuted")


def test_what_cannot_be_used_is_one_line_and_exit_code_2(tmp_path):
    (tmp_path / "draft.derivation.py").write_text("x = (\n")
    done = geomem("check", tmp_path / "draft.derivation.py")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"geomem: {tmp_path}/draft.derivation.py:1: SyntaxError: '(' was never closed\n"


@pytest.mark.parametrize(
    "arguments",
    [(), ("none.derivation.py",), ("x", "--timeout", "0"), ("x", "--timeout", "nan"), ("x", "--format", "pdf"), (".",)],
    ids=str,
)
def test_bad_usage(arguments):
    done = geomem("check", *arguments)
    assert done.code == 2
    assert done.err.startswith("geomem: ")
    assert done.err.count("\n") == 1


def test_help_says_that_the_file_is_run():
    assert "check only files that you would run" in " ".join(geomem("check", "--help").out.split())


def test_the_example_is_printed_and_its_planted_fault_found(tmp_path):
    draft = tmp_path / "draft.derivation.py"
    draft.write_text(geomem("check", "--example").out)
    done = geomem("check", str(draft))
    assert done.code == 1
    assert "collapse time: refuted; the two sides' ratio is 1/2 everywhere" in " ".join(done.out.split())
    draft.write_text(draft.read_text().replace("N**(1/m)", "N**(2/m)"))
    assert geomem("check", str(draft)).code == 0


def test_a_folder_is_no_file(tmp_path):
    done = geomem("check", str(tmp_path))
    assert done.code == 2
    assert done.err.startswith(f"geomem: there is no file {tmp_path}; geomem check --example > ")


def test_a_file_that_is_not_there_is_told_how_to_begin():
    done = geomem("check", "nowhere.derivation.py")
    assert done.code == 2
    assert done.err.startswith("geomem: there is no file nowhere.derivation.py; geomem check --example > ")


WILD = "<b>50 % of $x_1$ & {a}</b>"


def wild(found):
    return found(
        "refuted",
        "supported",
        "inconclusive",
        "proved",
        witness={"m": "2", "N": "2"},
        sides=("1", "2"),
        hint=WILD,
        trusts=("Arb",),
        needs=(("m positive", "needed", "m = -1"),),
    )


def test_text_tells_all_that_is_known(found):
    wild(found)
    said = " ".join(geomem("check", "x").out.split())
    for words in (
        "x.derivation.py:3 line 0 [refuted] d a = b because",
        "witness: m = 2, N = 2; left side 1; right side 2",
        f"hint: {WILD}",
        "trusts: Arb",
        "m positive: needed (m = -1)",
        f"x.derivation.py:3 line 0: refuted; {WILD} x.derivation.py:3 line 2: inconclusive; {WILD} 1 refuted, 1 inc",
        "1 refuted, 1 inconclusive, 1 supported, 1 proved verdict: refuted",
    ):
        assert words in said


def test_html_is_one_page_that_loads_nothing(found):
    wild(found)
    source = geomem("check", "x", "--format", "html").out
    shown = Page(source)
    assert not shown.all("b")
    assert not {"script", "link", "iframe"} & {tag for tag, _ in shown.seen}
    assert len(shown.all("math")) >= 4
    assert all(url.startswith("data:") for url in re.findall(r"url\(['\"]?([^)'\"]*)", source))
    assert "Witness: m = 2, N = 2" in shown.text
    assert "x.derivation.py:3" in shown.text
    faults = [place["href"].removeprefix("#") for place in shown.all("a") if place["href"].startswith("#d")]
    assert [place["id"] for place in shown.all("li") if place.get("id") in faults] == faults == ["d1-1", "d1-3"]


def test_json_has_every_field(found):
    made = wild(found)
    (document,) = json.loads(geomem("check", "x", "--format", "json").out)["derivations"]
    assert document["verdict"] == "refuted"
    assert [Step.of(record) for record in document["steps"]] == made.steps


def test_a_footnote_of_an_approximation_says_how_large_its_error_is():
    d = Derivation("hyperbolic", source="here")
    x = d.declare("x", above=0, below=sp.Rational(1, 10))
    d.approximate("small", r"\tanh x", x, exact=sp.tanh(x), along=x)
    written = footnotes([d])
    assert r"\[ \tanh x \approx x \]" in written
    assert r"\footnote{An approximation: relative error 0.0033 at worst, at x = 0.0999.}" in written


def test_latex_has_a_footnote_for_each_line(found):
    wild(found)
    source = geomem("check", "x", "--format", "latex").out
    balanced(source)
    assert source.count(r"\footnote{") == source.count(r"\[ a = b \]") == 4
    assert r"\footnote{Refuted at m = 2, N = 2.}" in source
    assert r"\footnote{Supported, not proved: evidence.}" in source
    assert r"\footnote{Proved, trusting Arb.}" in source


def test_sarif_has_the_levels_and_rules_that_it_declares(found):
    wild(found)
    log = json.loads(geomem("check", "x", "--format", "sarif").out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [result["level"] for result in run["results"]] == ["error", "note", "warning"]  # what is proved is no remark
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_an_heir_of_a_fault_is_a_warning(found):
    found("proved", inherits=("other",))
    assert geomem("check", "x", "--strict").code == 0
    (result,) = json.loads(geomem("check", "x", "--format", "sarif").out)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("inherits", "warning")
    assert "inherits; judged again: proved" in result["message"]["text"]


def test_the_formats_are_those_of_the_command():
    assert set(check.FORMATS) == {"text", "html", "json", "latex", "sarif"}


def test_the_hook_runs_the_command_over_derivation_files():
    hook = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    told = dict(re.findall(r"^[- ] (\w+): (.+)$", hook, flags=re.MULTILINE))
    assert (told["id"], told["entry"]) == ("geomem-check", "geomem check")
    assert re.search(told["files"], "section/two.derivation.py")
    assert not re.search(told["files"], "derivation.py")


SARIF = {  # of each object that is written: the keys it must have, and those it may, by the schema of OASIS
    "log": ({"version", "runs"}, {"$schema", "version", "runs"}),
    "run": ({"tool"}, {"tool", "results"}),
    "driver": ({"name"}, {"name", "version", "rules"}),
    "rule": ({"id"}, {"id", "shortDescription", "defaultConfiguration"}),
    "result": ({"message"}, {"ruleId", "level", "message", "locations"}),
    "place": (set(), {"artifactLocation", "region"}),
    "region": (set(), {"startLine", "endLine"}),
}


def objects_of(log):
    """(kind, object) for what has its keys prescribed."""
    yield "log", log
    for run in log["runs"]:
        yield "run", run
        yield "driver", run["tool"]["driver"]
        yield from (("rule", rule) for rule in run["tool"]["driver"]["rules"])
        for result in run["results"]:
            yield "result", result
            place = result["locations"][0]["physicalLocation"]
            yield from (("place", place), ("region", place["region"]))


@pytest.mark.parametrize("number", [0, 3])
def test_sarif_has_the_keys_of_its_schema(found, number):
    made = found("refuted", "supported", "inconclusive", "proved", inherits=("other",))
    for step in made.judged_steps:
        object.__setattr__(step, "number", number)
    log = json.loads(geomem("check", "x", "--format", "sarif").out)
    for kind, value in objects_of(log):
        must, may = SARIF[kind]
        assert must <= set(value) <= may, kind
        if kind == "region":
            assert 1 <= value["startLine"] <= value["endLine"]
        if kind == "result":
            assert value["level"] in ("none", "note", "warning", "error")
            assert set(value["message"]) == {"text"}
