import csv
import json
import math
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from matplotlib.figure import Figure as MatplotlibFigure

from theory.derivation import Derivation, Step
from validation.report import page as report
from validation.report.page import Figure, Section, write_report

VOID = {"meta", "br", "hr", "link"}
t, s = sp.symbols("t sigma", positive=True)


class Page(HTMLParser):
    """The page's elements and text; fails where a tag is left open or closed twice."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "style" not in self.stack:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def row(**changes):
    base = {
        "claim": "the samples are recited below the collapse time",
        "observable": "participation ratio",
        "coordinates": {"D": 64, "t": 0.1},
        "predicted": 0.5,
        "measured": 0.501234,
        "sem": 0.0021,
        "allowed_bias": 0.0,
        "z": 0.59,
        "verdict": "agrees",
        "expected": "agrees",
        "control": {"description": "half the entropy", "rejected": True, "z": 31.0},
    }
    return base | changes


def drawing(name="collapse", caption="Participation ratio against $t$ (variance)."):
    figure = MatplotlibFigure(figsize=(2, 1.5))
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], "o-", label="theory")
    axes.legend()
    return Figure(name, caption, figure)


def derivation():
    d = Derivation("collapse", "When the samples are recited", "derived here", "Variance $t > 0$.")
    d.define("Information", sp.log(1 + s / t) / 2, "Each direction is a Gaussian channel.", symbol="I")
    d.equal("Shrinkage", 1 - t / (t + s), s / (s + t), "Wiener's filter.")
    return d


def write(directory, **changes):
    parts = {
        "title": "geomem",
        "introduction": "Theory against simulation.",
        "claims": [row()],
        "derivations": [],
        "figures": [],
        "manifest": {"seed": 1},
    }
    return write_report(directory, **(parts | changes))


def page(directory, **changes):
    return Page(write(directory, **changes).read_text(encoding="utf-8"))


def test_the_full_report_is_well_formed_and_complete(tmp_path):
    section = Section("Nearest", "By $L_2$.", ("sample", "distance"), [("a.png", 0.25), ("b.png", None)])
    shown = page(tmp_path, derivations=[derivation()], figures=[drawing()], sections=[section])
    files = {"report.html", "claims.csv", "nearest.csv", "manifest.json", "collapse.pdf", "collapse.svg"}
    assert {p.name for p in tmp_path.iterdir()} == files
    assert "1 of 1 claims hold" in shown.text
    assert "0.5012 ± 0.0021" in shown.text
    assert "proved" in shown.text
    assert shown.all("html") == [{"lang": "en"}]
    assert all(th.get("scope") in {"col", "row"} for th in shown.all("th"))
    assert len(shown.all("math")) == 5  # two captions and texts, one assumption, two steps
    (image,) = [svg for svg in shown.all("svg") if svg.get("aria-label") == "Participation ratio against t (variance)."]
    assert (image["role"], image["width"], image["height"]) == ("img", "192", "144")


def test_the_page_loads_nothing_from_elsewhere(tmp_path):
    source = write(tmp_path, derivations=[derivation()], figures=[drawing()]).read_text(encoding="utf-8")
    assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(['\"]?([^)'\"]*)", source))
    for tag, attributes in Page(source).seen:
        assert tag not in {"script", "link", "iframe", "object"}
        assert attributes.get("src", "data:").startswith("data:")
    assert "default-src 'none'" in source
    assert "@import" not in source


def test_the_font_is_carried_only_where_there_are_formulas(tmp_path):
    assert "font/woff2" not in write(tmp_path).read_text(encoding="utf-8")
    assert "font/woff2" in write(tmp_path, introduction="At $t$.").read_text(encoding="utf-8")


def test_all_text_is_escaped(tmp_path):
    evil = "<script>alert('1')</script> & \"x\" < y"
    control = {"description": evil, "rejected": True}
    step = Step(evil, r"\unknown{<b>}", evil, "proved", evil, evil)
    shown = page(
        tmp_path,
        title=evil,
        introduction=evil,
        claims=[row(claim=evil, observable=evil, coordinates={evil: evil}, control=control)],
        derivations=[Derivation("x", evil, evil, evil, [step])],
        figures=[drawing(caption=evil)],
        manifest={evil: evil},
        sections=[Section(evil, evil, (evil,), [(evil,)])],
    )
    assert not shown.all("script")
    assert not shown.all("b")
    assert shown.text.count(evil) >= 12
    assert [svg for svg in shown.all("svg") if svg.get("aria-label") == evil]
    assert r"\unknown{<b>}" in shown.text


def test_what_is_empty_vanishes(tmp_path):
    shown = page(tmp_path, claims=[])
    for word in ("hold", "Predictions", "Expected disagreements", "Derivations", "Figures"):
        assert word not in shown.text
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "manifest.json"}


def test_missing_numbers_are_dashes_on_the_page_and_null_in_the_files(tmp_path):
    nothing = dict.fromkeys(("predicted", "measured", "z"), math.nan) | {"sem": None, "allowed_bias": None}
    shown = page(
        tmp_path,
        claims=[row(**nothing, verdict="underpowered")],
        manifest={"missing": math.nan, "deep": [np.float64(np.inf), {"n": np.int64(3), "path": Path("a")}]},
    )
    assert not re.search(r"\bnan\b", shown.text, re.IGNORECASE)
    assert "– – – –" in shown.text
    assert "0 of 1 claims hold" in shown.text
    strict = json.loads((tmp_path / "manifest.json").read_text(), parse_constant=pytest.fail)
    assert strict == {"missing": None, "deep": [None, {"n": 3, "path": "a"}]}
    (line,) = csv.DictReader((tmp_path / "claims.csv").read_text().splitlines())
    assert (line["measured"], line["coordinates.D"], line["control.rejected"]) == ("", "64", "True")


@pytest.mark.parametrize(
    ("changes", "tally", "remark"),
    [
        ({}, "1 of 1", "agrees"),
        ({"verdict": "disagrees", "expected": "disagrees"}, "1 of 1", "as expected"),
        ({"verdict": "disagrees"}, "0 of 1", "expected: agrees"),
        ({"control": {"description": "half", "rejected": np.False_}}, "0 of 1", "not rejected"),
    ],
)
def test_a_claim_holds_if_as_expected_and_its_control_is_rejected(tmp_path, changes, tally, remark):
    shown = page(tmp_path, claims=[row(**changes)])
    assert f"{tally} claims hold" in shown.text
    assert remark in shown.text


def test_claims_are_grouped_by_prediction_and_those_that_fail_are_open(tmp_path):
    claims = [row(claim="a.one"), row(claim="b.one"), row(claim="a.one", verdict="disagrees"), row(claim="b.two")]
    shown = page(tmp_path, claims=claims, statements={"a": "first things first"})
    assert "1 of 2 predictions does not hold : a . 2 of 3 claims hold, at 3 of 4 points." in shown.text
    assert "First things first a does not hold" in shown.text
    opened = [("open" in d) for d in shown.all("details") if d.get("class") == "prediction"]
    assert opened == [True, False]
    assert "Points of a that do not hold" in {d.get("aria-label") for d in shown.all("div")}


def test_a_row_counts_agreement_apart_from_expected_disagreement(tmp_path):
    claims = [
        row(claim="a.one", z=-2.5, detectable=0.04),
        row(claim="a.two", z=1.0, detectable=0.002),
        row(claim="a.limit", z=80.0, verdict="disagrees", expected="disagrees", detectable=None),
    ]
    shown = page(tmp_path, claims=claims)
    wanted = "2 of 2 points agree 2.50 largest |z| 1 of 1 expected disagreements 0.2 % smallest error seen"
    assert wanted in shown.text
    assert "The prediction holds." in shown.text


def test_expected_disagreements_are_shown_with_their_factor(tmp_path):
    point = row(claim="a.limit", statement="the limit", verdict="disagrees", expected="disagrees")
    claims = [point | {"measured": 1.0, "z": 9.0}, point | {"measured": 2.0, "z": 8.0}, row(claim="a.one")]
    shown = page(tmp_path, claims=claims)
    assert "the limit a.limit D 64, t 0.1 0.5 1.0000 ± 0.0021 2 2 to 4 at 2 points 9" in shown.text
    assert "part-expected-disagreements" not in {part.get("id") for part in page(tmp_path).all("section")}


def test_figures_and_derivations_go_to_their_prediction_and_the_others_by_themselves(tmp_path):
    source = write(
        tmp_path,
        claims=[row(claim="collapse.one")],
        derivations=[derivation(), Derivation("other", "Another")],
        figures=[drawing(), drawing("all", "All of them.")],
    ).read_text(encoding="utf-8")
    inside, _, after = source.partition("id='part-figures'")
    assert "Participation ratio against" in inside
    assert "Shrinkage" in inside
    assert "All of them." in after.partition("id='part-derivations'")[0]
    assert "Another" in after.partition("id='part-derivations'")[2]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, figures=[drawing()], derivations=[derivation()])
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    for directory in (path, path / "inside"):
        with pytest.raises(ValueError, match=r"expected a writable directory .* is not a directory; name another"):
            write(directory)
    assert path.read_text() == "mine"


def test_a_directory_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user ignores permissions")
        with pytest.raises(ValueError, match="is not writable"):
            write(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("names", [["a", "a"], ["../a"], [""], ["a/b"]])
def test_names_that_are_no_distinct_file_stems_are_refused(tmp_path, names):
    with pytest.raises(ValueError, match="rename that figure"):
        write(tmp_path, figures=[drawing(name) for name in names])
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_composed_leaves_the_old_one(tmp_path):
    old = write(tmp_path, title="old").read_bytes()
    with pytest.raises(KeyError):
        write(tmp_path, title="new", claims=[{"claim": "only"}], manifest={"seed": 2})
    assert (tmp_path / "report.html").read_bytes() == old
    assert json.loads((tmp_path / "manifest.json").read_text()) == {"seed": 1}


def _panels():
    """A figure as the predictions have it, of five panels."""
    figure = MatplotlibFigure(figsize=(15, 3))
    x = np.geomspace(0.01, 10, 60)
    for axes in figure.subplots(1, 5):
        for power in (1, 2, 3):
            axes.semilogx(x, x / (1 + x) ** power, label=f"$N = {10**power}$")
            axes.errorbar(x[::10], x[::10] / (1 + x[::10]) ** power, yerr=0.02, fmt="o")
        axes.set(xlabel="noise variance $t$", ylabel="participation ratio")
        axes.legend()
    return figure


def test_thirty_predictions_are_a_page_of_three_megabytes(tmp_path, monkeypatch):
    figure = _panels()
    drawn = report._draw(figure, "svg")
    monkeypatch.setattr(report, "_draw", lambda *_: drawn)
    names = [f"prediction_{number}" for number in range(30)]
    steps = [derivation().steps[0]] * 25
    statement = "participation of 1x20, N = 20000, fresh x: exact at finite N and D"
    claims = [row(claim=f"{name}.claim_{i // 4}", statement=statement) for name in names for i in range(45)]
    made = write(
        tmp_path,
        claims=claims,
        derivations=[Derivation(name, name, "", "", steps) for name in names],
        figures=[Figure(name, "Participation ratio against $t$.", figure) for name in names],
    )
    assert len(drawn) > 134_000  # the mean of the fourteen that there are
    assert made.stat().st_size < 3e6
