"""The page by keyboard, by screen reader and in the dark; what axe-core checks in a browser is checked here without one.

A browser is 350 MB, too much for every run. Where there is one, and AXE names the axe.min.js of `npm pack axe-core`, the
slow tests ask it too.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.validation.report.test_page import Page, derivation, drawing, row, write
from validation.report.page import ASSETS, Section, checked_page

LEAST = 4.5  # WCAG 2.2, 1.4.3
TEXT = [
    *itertools.product(("--ink", "--quiet", "--accent"), ("--paper", "--tint")),
    ("--ink", "--good-tint"),
    ("--accent", "--good-tint"),
    *(("--good", tint) for tint in ("--good-tint", "--paper")),
    ("--weak", "--weak-tint"),
    ("--on-bad", "--bad"),
]
MARKS = [("--agree", "--paper"), ("--differ", "--paper"), ("--agree", "--tint"), ("--differ", "--tint")]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A page with everything on it."""
    wrong = {"verdict": "disagrees", "expected": "disagrees"}
    claims = [
        row(claim="collapse.one"),
        row(claim="collapse.limit", **wrong),
        row(claim="b.fails", verdict="disagrees"),
        row(claim="b.limit", predicted=0.0, **wrong),
    ]
    made = write(
        tmp_path_factory.mktemp("full"),
        introduction="At $t$.",
        claims=claims,
        derivations=[derivation()],
        figures=[drawing(), drawing("b"), drawing("other")],
        sections=[Section("Nearest", "", ("sample", "distance"), [("a", 0.25)], folded=True)],
    )
    return made.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(source):
    return Page(source)


@pytest.fixture(scope="module", params=["report", "checked"])
def page(request, full):
    return full if request.param == "report" else Page(checked_page("Checked", [derivation()]))


def test_the_parts_of_the_page_are_landmarks(page, full):
    assert [len(page.all(tag)) for tag in ("header", "main", "h1")] == [1, 1, 1]
    assert [nav["aria-label"] for nav in full.all("nav")] == ["Contents"]
    assert len(full.all("footer")) == 1


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_names_are_distinct_and_what_is_referred_to_exists(page):
    names = Counter(attributes["id"] for _, attributes in page.seen if "id" in attributes)
    assert [name for name, count in names.items() if count > 1] == []
    wanted = [attributes.get("href", "") or "" for _, attributes in page.seen]
    wanted += ["#" + (attributes.get("aria-labelledby") or "") for attributes in page.all("section")]
    assert {link[1:] for link in wanted if len(link) > 1} <= names.keys()


def test_the_first_link_skips_to_the_content(page):
    assert page.all("a")[0] == {"class": "skip", "href": "#content"}
    assert page.all("main") == [{"id": "content"}]


def test_every_figure_says_what_it_shows(full):
    figures = [svg for svg in full.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(figures) == 3 + 2 * 2
    assert all(svg["role"] == "img" and len(svg["aria-label"]) > 20 for svg in figures)


def test_cells_have_headers(full):
    assert all(th.get("scope") in {"col", "row"} for th in full.all("th"))
    assert len(full.all("table")) == len(full.all("thead"))


def test_what_scrolls_is_reached_by_keyboard_and_has_a_name_of_its_own(full):
    scrolled = [part for part in full.all("div") if part.get("class") == "scroll"]
    assert all(part["tabindex"] == "0" and part["aria-label"] for part in scrolled)
    names = Counter(part["aria-label"] for part in scrolled if part["aria-label"] != "Formula")
    assert set(names.values()) == {1}


def test_each_summary_opens_one_thing(full):
    assert len(full.all("summary")) == len(full.all("details"))
    assert not {"button", "script", "input"} & {tag for tag, _ in full.seen}


def _colours(scheme):
    style = ASSETS.joinpath("report.css").read_text(encoding="utf-8")
    light, dark, *_ = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return dict(re.findall(r"(--[\w-]+): (#\w{6})", light if scheme == "light" else dark))


def _luminance(colour):
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the example of WCAG


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT + MARKS)
def test_text_and_marks_stand_out(scheme, front, back):
    colours = _colours(scheme)
    assert _contrast(colours[front], colours[back]) >= LEAST


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("chromium") and "AXE" in os.environ), reason="takes chromium, and AXE=axe.min.js")
def test_axe_core_finds_nothing(source, tmp_path):
    run = (
        "axe.run().then(r => document.body.innerText = JSON.stringify([r.passes.length, r.violations.map(v => v.id)]))"
    )
    axe = Path(os.environ["AXE"]).read_text().replace("</script", "<\\/script")
    open_to_scripts = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    scripts = f"<script>{axe}</script><script>addEventListener('load', () => {run})</script></body>"
    (tmp_path / "page.html").write_text(open_to_scripts.replace("</body>", scripts))
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    how = [f"--user-data-dir={tmp_path / 'user'}", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run(
        [*browser, *how, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    passed, violated = json.loads(re.search(r"<body>(.*)</body>", done.stdout, flags=re.DOTALL)[1])
    assert violated == []
    assert passed > 20
