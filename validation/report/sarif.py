"""SARIF 2.1.0, the format in which a pull request shows remarks at the lines of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from theory.derivation import Derivation, Step

__all__ = ["sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "refuted": ("error", "A line that fails at a point of the declared domain."),
    "inconclusive": ("warning", "A line that is neither proved nor refuted."),
    "supported": ("note", "A line that holds at the points looked at, and is not proved."),
    "inherits": ("warning", "A line that rests on a refuted one."),
}


def sarif(derivations: Sequence[Derivation]) -> str:
    """A log of every line that is not proved, at its place in its file."""
    found = [step for derivation in derivations for step in derivation.steps]
    rules = [
        {"id": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for name, (level, text) in RULES.items()
    ]
    driver = {"name": "geomem check", "version": version("geomem"), "rules": rules}
    results = [_result(step, rule) for step in found if (rule := _rule(step))]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=1)


def _rule(step: Step) -> str:
    if step.inherits and step.verdict != "refuted":
        return "inherits"
    return step.verdict if step.verdict in RULES else ""


def _result(step: Step, rule: str) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _uri(step.file)},
        "region": {"startLine": max(step.number, 1), "endLine": max(step.number, 1) + step.code.count("\n")},
    }
    return {
        "ruleId": rule,
        "level": RULES[rule][0],
        "message": {"text": f"{step.name} [{step.label}]: {step.text}. {'. '.join(step.told())}"},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    """Relative to the working folder where it is below it."""
    path = Path(file).absolute()
    if path.is_relative_to(Path.cwd()):
        return quote(path.relative_to(Path.cwd()).as_posix())
    return path.as_uri()
