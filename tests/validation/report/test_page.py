import base64
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

VOID = {"meta", "img", "br", "hr", "link"}
t, s = sp.symbols("t sigma", positive=True)
x, a_1 = sp.symbols("x alpha_1", real=True)
k, n = sp.symbols("k n", integer=True, positive=True)
f = sp.Function("f")


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
    (image,) = shown.all("img")
    assert image["alt"] == "Participation ratio against $t$ (variance)."
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert base64.b64decode(image["src"].split(",")[1]) == (tmp_path / "collapse.svg").read_bytes()


def test_the_page_loads_nothing_from_elsewhere(tmp_path):
    source = write(tmp_path, derivations=[derivation()], figures=[drawing()]).read_text(encoding="utf-8")
    assert all(url.startswith("data:") for url in re.findall(r"url\(['\"]?([^)'\"]*)", source))
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
    assert shown.all("img")[0]["alt"] == evil
    assert r"\unknown{<b>}" in shown.text


def test_what_is_empty_vanishes(tmp_path):
    shown = page(tmp_path, claims=[])
    for word in ("claims hold", "Claims", "Derivations", "Figures"):
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


def test_points_are_grouped_by_claim_and_failures_are_open(tmp_path):
    claims = [row(), row(claim="other"), row(verdict="disagrees")]
    shown = page(tmp_path, claims=claims)
    assert "1 of 2 claims hold" in shown.text
    assert "at 2 of 3 points" in shown.text
    assert [("open" in d) for d in shown.all("details")] == [True, False, False]


@pytest.mark.parametrize(
    ("value", "sem", "shown"),
    [
        (0.501234, 0.0021, "0.5012 ± 0.0021"),
        (-1234.5, 20, "−1234 ± 20"),
        (1.2349e-5, 1e-8, "(1.2349 ± 0.0010) × 10<sup>-5</sup>"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (1.5, 0.0, "1.5"),
        (1e308, 1e306, "(1.000 ± 0.010) × 10<sup>308</sup>"),
        (math.nan, 1.0, "–"),
        (2.0, None, "2"),
    ],
)
def test_a_measurement_shows_two_digits_of_its_error(value, sem, shown):
    assert report._measured(value, sem) == shown.replace("-", "−")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1\u202f234\u202f567"), (-0.25, "−0.25"), (1e-7, "1 × 10<sup>−7</sup>"), (np.int64(12), "12")],
)
def test_numbers_are_set_as_in_print(value, shown):
    assert report._number(value) == shown


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


@pytest.mark.parametrize(
    "expression",
    [
        s / (s + t),
        sp.sqrt(s / t) + sp.sqrt(2),
        sp.exp(-(x**2) / (2 * t)),
        sp.log(1 + s / t) / 2,
        sp.Eq(sp.Symbol("I"), sp.log(s)),
        sp.Sum(sp.log(1 + k**2), (k, 1, n)),
        sp.Product(1 + 1 / k, (k, 1, n)),
        sp.Integral(sp.exp(-(x**2)), (x, -sp.oo, sp.oo)),
        sp.Integral(f(x), x),
        sp.Derivative(f(x, t), x),
        sp.Derivative(f(x), (x, 2)),
        sp.Limit(f(x), x, 0, "+"),
        sp.Piecewise((s, t < s), (0, True)),
        sp.Matrix([[s, t], [0, 1]]),
        sp.erf(x) + sp.erfc(x) + sp.gamma(n) + sp.polygamma(1, n) + sp.loggamma(n),
        sp.LambertW(x) + sp.besselk(n, x) + sp.hyper((1, 2), (3,), x),
        sp.binomial(n, k) + sp.factorial(n) + sp.floor(x) + sp.ceiling(x),
        sp.Abs(x) ** a_1 + sp.sign(x) + sp.Max(x, t) + sp.conjugate(sp.Symbol("z")),
        sp.Symbol("Sigma_tau") ** -sp.Symbol("D_eff") + sp.Symbol("hat_x^2") + sp.pi + sp.oo,
        sp.And(x > 0, t <= 1) & sp.Ne(x, 3),
        sp.Interval.open(0, 1),
        sp.Function("RSB")(x) + sp.coth(x) + sp.sinh(x) ** 2 + sp.atan(x),
        sp.Rational(1, 3) * 1e-12 * x,
    ],
    ids=str,
)
def test_what_sympy_prints_becomes_mathml(expression):
    shown = report._math(sp.latex(expression), display=True)
    assert shown.startswith('<math display="block">')
    Page(shown)


def test_what_cannot_be_converted_stays_latex():
    assert report._math(r"\frac{a < b") == r"<code>\frac{a &lt; b</code>"
    assert report._prose("at $x$, for $5").count("<math") == 1
