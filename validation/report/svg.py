"""Drawings of matplotlib as part of a page: a third as long, for letters and words, which all drawings share, stand apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from html import escape
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = ["inline", "library"]

NUMBER = re.compile(r"-?\d+\.\d+")
MOVE = re.compile(r"translate\([^)]*\)")
REFERENCE = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")  # of a clip path, and of what is used
MEASURES = ("d", "x", "y", "width", "height", "points")
HIDDEN = "<svg width='0' height='0' class='letters' aria-hidden='true'><defs>{}</defs></svg>"


def inline(name: str, drawing: bytes, label: str) -> tuple[str, dict[str, str]]:
    """A drawing as an element of a page, and the letters and words that it uses.

    Args:
        name: distinct from that of other drawings of the page; its marks are named after it.
        drawing: what matplotlib wrote, with text as paths.
        label: what it shows, for who does not see it.

    Returns:
        the element, as wide as it was drawn, and letters and words by name, for `library`.
    """
    root = ElementTree.fromstring(drawing)
    for element in root.iter():
        _plain(element)
    outlines = {letter.attrib["id"]: _letter(letter) for letter in _taken_out(root)}
    marks = {old: mark for old, (mark, _) in outlines.items()}
    _named(root, name, marks)
    _shortened(root)
    letters = dict(outlines.values()) | dict(_words(root, set(marks.values())))
    width, height = (float(root.attrib[side].removesuffix("pt")) * 4 / 3 for side in ("width", "height"))
    root.attrib = {"viewBox": root.attrib["viewBox"], "width": f"{width:.0f}", "height": f"{height:.0f}"}
    root.attrib |= {"role": "img", "aria-label": label}
    return _written(root), letters


def library(letters: Mapping[str, str]) -> str:
    """The letters and words of all drawings, to stand once on the page."""
    return HIDDEN.format("".join(letters.values())) if letters else ""


def _plain(element: Element) -> None:
    """Without namespaces, with numbers to a tenth of a point, a hundredth within a marker."""
    element.tag = element.tag.rpartition("}")[2]
    element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for key in MEASURES:
        if key in element.attrib:
            element.set(key, _rounded(element.attrib[key], 2 if "id" in element.attrib else 1))
    if "transform" in element.attrib:  # a scale is not a length
        element.set("transform", MOVE.sub(lambda m: _rounded(m[0], 1), element.attrib["transform"]))
    if "style" in element.attrib:
        element.set("style", re.sub(r"([:;]) ", r"\1", element.attrib["style"]))
    element.text = element.tail = None


def _rounded(value: str, digits: int) -> str:
    short = NUMBER.sub(lambda m: f"{float(m[0]):.{digits}f}".rstrip("0").rstrip("."), value)
    return re.sub(r"\s*([MLQCzZ])\s*", r"\1", short).strip() if short.startswith("M") else short


def _taken_out(root: Element) -> Iterator[Element]:
    """The letters, which alone have a dash in their names; what no page needs goes too."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_letter = child.tag == "path" and "-" in child.get("id", "")
            if is_letter or child.tag in ("metadata", "style"):
                parent.remove(child)
            if is_letter:
                yield child


def _letter(letter: Element) -> tuple[str, str]:
    """A letter's mark, made of its outline, and the outline under it."""
    outline = re.sub(r"\s*([MLQCzZ])\s*", r"\1", letter.get("d", ""))  # none of a space
    mark, scale = _mark(letter.attrib["id"] + outline), letter.attrib["transform"]
    return mark, f"<path id='{mark}' d='{escape(outline)}' transform='{escape(scale)}'/>"


def _mark(content: str) -> str:
    return f"l{sha256(content.encode()).hexdigest()[:10]}"


def _written(element: Element) -> str:
    return ElementTree.tostring(element, encoding="unicode").replace(" />", "/>")


def _named(root: Element, name: str, marks: Mapping[str, str]) -> None:
    """Names where one is used alone, distinct on the page; letters by their marks."""
    found = [REFERENCE.search(e.get(key, "")) for e in root.iter() for key in ("href", "clip-path")]
    own = sorted({reference[0] for reference in found if reference} - marks.keys())
    names = {old: f"{name}.{number}" for number, old in enumerate(own)} | dict(marks)
    for element in root.iter():
        old = element.attrib.pop("id", "")
        if old in names:
            element.set("id", names[old])
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(key, REFERENCE.sub(lambda m: names.get(m[0], m[0]), element.attrib[key]))


def _shortened(element: Element) -> None:
    """Groups that say nothing dissolved, places as numbers, one style and what clips it, said once for all marks in a row."""
    for child in element:
        _shortened(child)
    children = [part for child in element for part in (child if _says_nothing(child) else [child])]
    for child in children:
        _placed(child)
    element[:] = [part for look, run in groupby(children, _look) for part in _together(look, list(run))]


def _says_nothing(element: Element) -> bool:
    return (element.tag == "g" and not element.attrib) or (element.tag == "defs" and not len(element))


def _placed(element: Element) -> None:
    move = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    if element.tag == "use" and move and "x" not in element.attrib:
        del element.attrib["transform"]
        element.attrib |= {key: value for key, value in zip("xy", move.groups(), strict=True) if value != "0"}


def _look(element: Element) -> tuple[tuple[str, str], ...]:
    """What several marks in a row may share."""
    if element.tag not in ("use", "path") or element.attrib.keys() & {"id", "transform"}:
        return ()
    return tuple((key, element.attrib[key]) for key in ("style", "clip-path") if key in element.attrib)


def _together(look: tuple[tuple[str, str], ...], run: list[Element]) -> list[Element]:
    if not look or len(run) == 1:
        return run
    for element in run:
        for key, _ in look:
            del element.attrib[key]
    group = Element("g", dict(look))
    group.extend(run)
    return [group]


def _words(root: Element, letters: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each row of letters by a mark of its own, the drawing left with the mark."""
    for element in list(root.iter("g")):
        if len(element) > 1 and all(part.get("href", "").removeprefix("#") in letters for part in element):
            word = "".join(map(_written, element))
            element.tag, element[:] = "use", []
            element.set("href", f"#{_mark(word)}")
            yield _mark(word), f"<g id='{_mark(word)}'>{word}</g>"
