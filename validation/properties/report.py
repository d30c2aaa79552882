"""How a broken law is told: the law, the simplest setting, both numbers, their ratio, and code that shows it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from validation.properties.law import Case
from validation.properties.search import Broken
from validation.properties.subject import Subject

__all__ = ["constant_ratio", "record", "report", "reports", "reproduction"]

SAME = 1e-6
KNOWN = {
    "2": 2.0, "3": 3.0, "4": 4.0, "pi": math.pi, "2 pi": 2 * math.pi, "sqrt 2": math.sqrt(2), "sqrt pi": math.sqrt(math.pi),
    "sqrt(2 pi)": math.sqrt(2 * math.pi), "log 2": math.log(2),
}  # fmt: skip


def reports(broken: Iterable[tuple[Subject, Broken]]) -> list[str]:
    """One for each broken law; what the function raises is told once."""
    told: dict[tuple[str, str], tuple[Subject, Broken]] = {}
    for subject, one in broken:
        told.setdefault((subject.name, repr(one.raised) if one.raised is not None else one.law.name), (subject, one))
    return [report(subject, one) for subject, one in told.values()]


def report(subject: Subject, broken: Broken) -> str:
    """Some lines of text."""
    if broken.raised is not None:
        raised = f"{subject.name} raises {type(broken.raised).__name__}: {broken.raised}"
        lines = [raised, f"  at {told(broken)}"]
        if isinstance(broken.raised, OverflowError):
            lines.append(
                "  by NumPy it would be infinite, as laws allow: np.exp(x) for math.exp(x), np.float64(n) for a whole n"
            )
        return "\n".join([*lines, *_shown(subject, broken)])
    left, right = broken.sides.worst
    law = broken.law
    lines = [f"{subject.name} breaks the law {law.name}: {law.sentence}"]
    if law.reference:
        lines[-1] += f" ({law.reference})"
    lines.append(f"  at {told(broken)}")
    words = broken.sides.words
    if words == ("left", "right"):
        words = ("value", "by the law")
    numbers = f"{words[0]}: {left:.10g}; {words[1]}: {right:.10g}"
    said = constant_ratio(broken.ratios) if broken.sides.relation == "=" else ""
    ratio = f"; ratio {left / right:.6g}{said}" if right and math.isfinite(left / right) else ""
    lines.append(f"  {numbers}{ratio}")
    if broken.sides.relation != "=":
        lines[-1] += f", where the first must be {broken.sides.relation} the second"
    return "\n".join([*lines, *_shown(subject, broken)])


def _shown(subject: Subject, broken: Broken) -> list[str]:
    return ["  To see it:", *(f"    {line}" for line in reproduction(subject, broken))]


def record(subject: Subject, broken: Broken) -> dict[str, Any]:
    """The same for programs."""
    left, right = (side if math.isfinite(side) else None for side in broken.sides.worst)
    return {
        "at": told(broken),
        "left": left,
        "right": right,
        "relation": broken.sides.relation,
        "words": broken.sides.words,
        "everywhere": constant_ratio(broken.ratios).removeprefix(": ") if broken.sides.relation == "=" else "",
        "raised": f"{type(broken.raised).__name__}: {broken.raised}" if broken.raised is not None else None,
        "code": reproduction(subject, broken),
    }


def told(broken: Broken) -> str:
    """The simplest setting, or points and data, in words."""
    if not isinstance(broken.case, Case):
        return str(broken.sides.at[-1])
    setting = broken.case.setting if broken.raised is None else broken.sides.at[-1]
    times = ", ".join(f"{t:g}" for t in setting.times)
    words = [f"{setting.manifold}", f"N = {setting.samples}", f"t = {times}"]
    if setting.schedule.name != "ve":
        words[-1] = f"time {times} of the schedule {setting.schedule.name}"
    words += [f"{name} = {value:g}" for name, value in setting.extras.items()]
    words += setting.network.told() if setting.network else []
    if setting.point is not None:
        words.append(f"x = {setting.point}")
    return ", ".join(words)


def constant_ratio(ratios: Sequence[float]) -> str:
    """Whether the ratio is the same wherever the law was broken, and by which factor then."""
    if len(ratios) < 3 or not all(math.isclose(r, ratios[0], rel_tol=SAME) for r in ratios):
        return ""
    return f": off by the factor {_named(ratios[0])} everywhere"


def _named(factor: float) -> str:
    for name, value in KNOWN.items():
        for minus, sign in (("", 1), ("-", -1)):
            if math.isclose(factor, sign * value, rel_tol=SAME):
                return f"{minus}{name}"
            if math.isclose(factor, sign / value, rel_tol=SAME):
                return f"{minus}1/{f'({name})' if ' ' in name else name}"
    return f"{factor:.6g}"


def reproduction(subject: Subject, broken: Broken) -> list[str]:
    """Lines of Python that print what was compared."""
    calls = [subject.call(setting) for setting in broken.sides.at]
    imports = sorted({name for name in ("LinearManifold", "Setting") if any(f"{name}." in call for call in calls)})
    arrays = ["import numpy as np"] if any("np." in call for call in calls) else []
    first = [f"from theory.setting import {', '.join(imports)}"] if imports else []
    network = ["from theory.network import Network"] if any("Network(" in call for call in calls) else []
    origin = [subject.origin] if subject.origin else []
    return [*arrays, *network, *first, *origin, *(f"print({call})" for call in calls)]
