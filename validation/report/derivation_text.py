"""Derivations as text, LaTeX and JSON."""

from __future__ import annotations

import json as json_
import textwrap

from theory.derivation import Derivation

__all__ = ["json", "latex", "text"]

_SPECIAL = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
}


def text(derivation: Derivation) -> str:
    """For a terminal."""
    lines = [derivation.prediction, *_wrapped(derivation.statement), "", f"source: {derivation.source}"]
    lines += [*_wrapped(f"given: {derivation.assumptions}", ""), ""]
    for number, step in enumerate(derivation.steps, 1):
        lines += [f"{number}. {step.name}  [{step.verdict}]", f"      {step.text}"]
        lines += [*_wrapped(step.reason), *_wrapped(f"evidence: {step.evidence}"), ""]
    return "\n".join([*lines, f"verdict: {derivation.verdict}"])


def _wrapped(paragraph: str, indent: str = "   ") -> list[str]:
    return textwrap.wrap(paragraph, 100, initial_indent=indent, subsequent_indent=indent)


def latex(derivation: Derivation) -> str:
    """A document that compiles."""
    steps = [
        f"\\item \\textbf{{{_escaped(step.name)}}} (\\emph{{{step.verdict}}}): {_escaped(step.reason)}\n"
        f"\\[ {step.statement} \\]\n{{\\small {_escaped(step.evidence)}}}\n"
        for step in derivation.steps
    ]
    return "\n".join(
        [
            r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}",
            rf"\section*{{{_escaped(derivation.prediction)}}}",
            rf"{_escaped(derivation.statement)}.\par {_escaped(derivation.source)}.\par {_escaped(derivation.assumptions)}.",
            r"\begin{enumerate}",
            *steps,
            r"\end{enumerate}",
            rf"Verdict: {derivation.verdict}.",
            r"\end{document}",
        ]
    )


def _escaped(plain: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in plain)


def json(derivation: Derivation) -> str:
    """prediction, steps, verdict."""
    return json_.dumps(derivation.as_dict(), indent=1)
