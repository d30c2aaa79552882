import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from validation.report.page import _draw
from validation.report.svg import inline, library


def picture(text="noise variance $t$", points=30):
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.errorbar(range(points), range(points), yerr=0.5, fmt="o", label=text)
    axes.set_xlabel(text)
    axes.legend()
    return _draw(figure, "svg")


def names(markup):
    return set(re.findall(r"id=['\"]([^'\"]+)", markup))


def test_a_drawing_is_a_third_as_long_with_its_letters_apart():
    whole = picture()
    small, letters = inline("a", whole, "Points.")
    assert len(small) < len(whole) / 3
    assert len(small) + len(library(letters)) < len(whole)
    root = ElementTree.fromstring(small)
    assert (root.get("role"), root.get("aria-label")) == ("img", "Points.")
    assert (root.get("width"), root.get("height")) == ("288", "192")  # 3 x 2 in, 96 px to one


def test_every_name_that_is_used_is_there_once():
    drawings = [inline(name, picture(), name) for name in ("a", "b")]
    shared = library(drawings[0][1] | drawings[1][1])
    page = shared + "".join(markup for markup, _ in drawings)
    found = re.findall(r"id=['\"]([^'\"]+)", page)
    assert len(found) == len(set(found))
    used = set(re.findall(r"href=['\"]#([^'\"]+)", page)) | set(re.findall(r"url\(#([^)]+)", page))
    assert used == set(found)


def test_drawings_share_letters_and_words():
    first, second = (inline(name, picture(), name)[1] for name in "ab")
    assert first == second
    assert len(inline("c", picture("another"), "c")[1].keys() - first.keys()) > 1


def test_all_marks_and_letters_are_still_drawn():
    whole, points = picture(), 30
    small, letters = inline("a", whole, "a")
    assert small.count('<use href="#a.') >= points
    assert len(letters) < whole.count(b"<use")
    assert small.count("<path") >= points  # their bars


def test_letters_keep_their_size():
    scales = set(re.findall(r"scale\([^)]*\)", picture().decode())) - {"scale(0.015625)"}
    assert scales
    assert set(re.findall(r"scale\([^)]*\)", inline("a", picture(), "a")[0])) == scales


def test_a_label_is_escaped():
    small, _ = inline("a", picture(), '<b> & "c"')
    assert ElementTree.fromstring(small).get("aria-label") == '<b> & "c"'


def test_no_letters_no_library():
    assert library({}) == ""


@pytest.mark.parametrize("gone", ["metadata", "<style", "xlink", "<g>", "<defs/>"])
def test_what_no_page_needs_is_left_out(gone):
    assert gone not in inline("a", picture(), "a")[0]
