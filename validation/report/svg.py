"""Drawings of matplotlib as part of a page: a third as long, for letters and words, which all drawings share, stand apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = ["inline", "library"]

NUMBER = re.compile(r"-?\d+\.\d+")
REFERENCE = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")  # of a clip path, and of what is used
MEASURES = ("d", "x", "y", "width", "height", "points", "transform")
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
    letters = {letter.attrib["id"]: _letter(letter) for letter in _taken_out(root)}
    _named(root, name, letters)
    _shortened(root)
    words = dict(_words(root))
    width, height = (float(root.attrib[side].removesuffix("pt")) * 4 / 3 for side in ("width", "height"))
    root.attrib = {"viewBox": root.attrib["viewBox"], "width": f"{width:.0f}", "height": f"{height:.0f}"}
    root.attrib |= {"role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode"), letters | words


def library(letters: Mapping[str, str]) -> str:
    """The letters and words of all drawings, to stand once on the page."""
    return HIDDEN.format("".join(letters.values())) if letters else ""


def _plain(element: Element) -> None:
    """Without namespaces, with numbers to a hundredth of a point."""
    element.tag = element.tag.rpartition("}")[2]
    element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for key in MEASURES:
        if key in element.attrib and not element.get(key, "").startswith("scale"):
            element.set(key, _rounded(element.attrib[key]))
    if "style" in element.attrib:
        element.set("style", re.sub(r"([:;]) ", r"\1", element.attrib["style"]))
    element.text = element.tail = None


def _rounded(value: str) -> str:
    short = NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), value)
    return re.sub(r"\s*([MLQCzZ])\s*", r"\1", short) if short.startswith("M") else short


def _taken_out(root: Element) -> Iterator[Element]:
    """The letters, which alone have a dash in their names; what no page needs goes too."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_letter = child.tag == "path" and "-" in child.get("id", "")
            if is_letter or child.tag in ("metadata", "style"):
                parent.remove(child)
            if is_letter:
                yield child


def _letter(letter: Element) -> str:
    outline = re.sub(r"\s*([MLQCzZ])\s*", r"\1", letter.get("d", ""))  # none of a space
    scale = letter.attrib["transform"]
    return f"<path id='{escape(letter.attrib['id'])}' d='{escape(outline)}' transform='{escape(scale)}'/>"


def _named(root: Element, name: str, letters: Mapping[str, str]) -> None:
    """Names where one is used alone, distinct on the page."""
    used = {
        found[0] for e in root.iter() for key in ("href", "clip-path") if (found := REFERENCE.search(e.get(key, "")))
    }
    names = {old: f"{name}.{number}" for number, old in enumerate(sorted(used - letters.keys()))}
    for element in root.iter():
        mark = element.attrib.pop("id", "")
        if mark in names:
            element.set("id", names[mark])
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(key, REFERENCE.sub(lambda m: names.get(m[0], m[0]), element.attrib[key]))


def _shortened(element: Element) -> None:
    """Groups that say nothing dissolved, places as numbers, one style said once for all that are used in a row."""
    for child in element:
        _shortened(child)
    children = [part for child in element for part in (child if _says_nothing(child) else [child])]
    for child in children:
        _placed(child)
    element[:] = [part for style, run in groupby(children, _style_of_use) for part in _together(style, list(run))]


def _says_nothing(element: Element) -> bool:
    return (element.tag == "g" and not element.attrib) or (element.tag == "defs" and not len(element))


def _placed(element: Element) -> None:
    move = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    if element.tag == "use" and move and "x" not in element.attrib:
        del element.attrib["transform"]
        element.attrib |= {key: value for key, value in zip("xy", move.groups(), strict=True) if value != "0"}


def _style_of_use(element: Element) -> str:
    return element.get("style", "") if element.tag == "use" else ""


def _together(style: str, run: list[Element]) -> list[Element]:
    if not style or len(run) == 1:
        return run
    for element in run:
        del element.attrib["style"]
    group = Element("g", {"style": style})
    group.extend(run)
    return [group]


def _words(root: Element) -> Iterator[tuple[str, str]]:
    """Each row of letters by a name of its own, the drawing left with the name."""
    for element in list(root.iter("g")):
        if len(element) > 1 and all("-" in part.get("href", "") for part in element):
            word = "".join(ElementTree.tostring(part, encoding="unicode") for part in element)
            mark = f"w{sha256(word.encode()).hexdigest()[:12]}"
            element.tag, element[:] = "use", []
            element.set("href", f"#{mark}")
            yield mark, f"<g id='{mark}'>{word}</g>"
