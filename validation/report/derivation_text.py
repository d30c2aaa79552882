"""Derivations as text, LaTeX and JSON: those of the catalogue, and those that were checked, line by line of their source."""

from __future__ import annotations

import json as json_
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from theory.derivation import Derivation, Step
from theory.judgement.judgement import WORST_FIRST
from theory.lines.line import KINDS

__all__ = ["checked_json", "checked_text", "faults", "footnotes", "json", "latex", "tallied", "text"]

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
        lines += [line for words in step.told() for line in _wrapped(words)] + [""]
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


def tallied(derivation: Derivation) -> str:
    """How many lines of each verdict, and how many inherit a fault."""
    counts = Counter(step.verdict for step in derivation.steps)
    heirs = sum(bool(step.inherits) for step in derivation.steps)
    words = [f"{counts[verdict]} {verdict}" for verdict in (*WORST_FIRST, *KINDS) if counts[verdict]]
    return ", ".join(words + ([f"of these {heirs} inherit a fault"] if heirs else []))


def faults(derivation: Derivation) -> list[tuple[int, Step, str]]:
    """The lines that fail by themselves: their number from 1, the line, and what would mend it or where it fails."""
    failing = [
        (number, step)
        for number, step in enumerate(derivation.steps, 1)
        if step.verdict in ("refuted", "inconclusive") and not step.inherits
    ]
    return [(number, step, f"{step.verdict}; {step.hint or _where(step)}") for number, step in failing]


def _where(step: Step) -> str:
    at = ", ".join(f"{s} = {value}" for s, value in step.witness.items())
    return f"at {at}" if at else step.evidence


def checked_text(derivations: Sequence[Derivation]) -> str:
    """For a terminal: each line as it is written, in LaTeX, with its verdict and what that rests on."""
    return "\n".join(line for derivation in derivations for line in _checked_lines(derivation))


def _checked_lines(derivation: Derivation) -> list[str]:
    about = {"source": derivation.source, "given": derivation.assumptions}
    lines = [derivation.prediction]
    lines += [line for what, words in about.items() if words for line in _wrapped(f"{what}: {words}")] + [""]
    for step in derivation.steps:
        lines += [f"{step.file}:{step.number}  {step.name}  [{step.label}]"]
        lines += [*textwrap.indent(step.code, "      ").splitlines(), f"      {step.statement}"]
        lines += [line for words in step.told() for line in _wrapped(words)] + [""]
    if len(derivation.steps) > 1:
        told = [f"{step.file}:{step.number}  {step.name}: {words}" for _, step, words in faults(derivation)]
        lines += [line for words in told for line in _wrapped(words, "")] + [""] * bool(told)
    return [*lines, f"{tallied(derivation)}", f"verdict: {derivation.verdict}"]


def footnotes(derivations: Sequence[Derivation]) -> str:
    """For the margin of a paper: each equation, and a footnote that says what is known of it."""
    return "\n".join(
        f"% {step.file}:{step.number} {step.name}\n\\[ {step.statement} \\]\n\\footnote{{{_escaped(_known(step))}.}}\n"
        for derivation in derivations
        for step in derivation.steps
    )


def _known(step: Step) -> str:
    """What a footnote says, in a few words."""
    if step.verdict == "definition":
        return "Definition"
    if step.where:
        return f"{step.verdict.capitalize()}: {step.where}"
    if step.relation == "approximate" and step.curve:
        at, error = step.curve["worst"]
        known = f"An approximation: relative error {error:.2g} at worst, at {step.curve['along']} = {at:.3g}"
    elif step.verdict == "proved":
        known = f"Proved, trusting {', '.join(step.trusts)}" if step.trusts else f"Proved: {step.evidence}"
    elif step.verdict == "supported":
        known = f"Supported, not proved: {step.evidence}"
    elif step.witness:
        known = f"Refuted {_where(step)}"
    else:
        known = f"{step.verdict.capitalize()}: {step.evidence}"
    return known + "".join(f"; it rests on {name}, refuted" for name in step.inherits)


def checked_json(derivations: Sequence[Derivation]) -> str:
    """Everything that is known of every line."""
    told = [
        {"prediction": d.prediction, "source": d.source, "assumptions": d.assumptions, "verdict": d.verdict}
        | {"steps": [asdict(step) for step in d.steps]}
        for d in derivations
    ]
    return json_.dumps({"derivations": told}, indent=1)
