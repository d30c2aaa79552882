"""Notebook: a judged derivation as HTML, its formulas between dollar signs, which notebooks typeset."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from theory.lines.line import Step

if TYPE_CHECKING:
    from theory.derivation import Derivation

__all__ = ["html"]

COLOURS = {"proved": "#1d5c3a", "supported": "#1d5c3a", "inconclusive": "#6b4e00", "refuted": "#9b1c1c"}


def html(derivation: Derivation) -> str:
    """Title, verdict, and a list of the lines, each with its verdict and what it rests on."""
    lines = "".join(map(_line, derivation.steps))
    title = f"<strong>{escape(derivation.prediction)}</strong> {_badge(derivation.verdict)}"
    return f"<div>{title}<br>{escape(derivation.assumptions)}<ol>{lines}</ol></div>"


def _line(step: Step) -> str:
    parts = [f"{escape(step.name)} {_badge(step.label)} ${step.statement}$"]
    parts += [f"<small>{escape(words)}</small>" for words in step.told()]
    return f"<li>{'<br>'.join(parts)}</li>"


def _badge(verdict: str) -> str:
    colour = COLOURS.get(verdict, "#585d66")
    return f"<span style='color: {colour}; font-weight: 600'>[{escape(verdict)}]</span>"
