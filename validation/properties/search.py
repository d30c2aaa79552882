"""Search: hypothesis draws settings, steers towards large errors, and shrinks what breaks a law to what a person would write."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

try:
    import hypothesis
except ImportError:
    raise ImportError(
        "laws are tried at settings that hypothesis draws, which is not installed; pip install hypothesis"
    ) from None

import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from theory.network import ACTIVATIONS
from theory.setting import Setting
from validation import strategies
from validation.properties.cloud import Cloud, CloudCase
from validation.properties.law import Case, Law, Sides
from validation.properties.subject import CallError, Subject, roughly

__all__ = ["Broken", "Found", "cases", "search"]

SIZES = 2.0, 3.0, 10.0, 0.5, 1.5, 0.1, 100.0, 1.01
PICKS = 7
SLIGHT, SHARE = math.log(1e-2), math.log(3.0)  # an error below the one is asked for again, of a third of the largest
SLOW_EXAMPLES = 12
ELSEWHERE = 10  # cases besides the simplest, where the ratio of the sides is compared


@dataclass(frozen=True, eq=False)
class Broken:
    """A law that does not hold.

    Attributes:
        law: which.
        case: the simplest found, a `Case` or a `CloudCase`.
        sides: what it compared there.
        ratios: of the two sides at some cases that break it.
        raised: what the function raised there, in place of a value.
    """

    law: Law
    case: Case | CloudCase
    sides: Sides
    ratios: tuple[float, ...]
    raised: Exception | None = None


@dataclass(frozen=True)
class Found:
    """What came of a law: how many settings it spoke of, and where it is broken."""

    law: Law
    settings: int
    broken: Broken | None = None


class _MissError(Exception):
    def __init__(self, case: Case | CloudCase, sides: Sides, raised: Exception | None = None) -> None:
        super().__init__(f"broken at {case}")
        self.case, self.sides, self.raised = case, sides, raised


@dataclass
class _Seen:
    spoke: int = 0
    drama: float = -math.inf
    ratios: list[float] = field(default_factory=list)

    def note(self, sides: Sides) -> None:
        self.spoke += 1
        if sides.broken:
            self.drama = max(self.drama, sides.drama)
            left, right = sides.worst
            if right and math.isfinite(left / right):
                self.ratios.append(left / right)


def cases(subject: Subject, where: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Cases in the domain of a subject, or at settings or clouds drawn from `where`."""
    if where is None:
        where = strategies.clouds().map(lambda drawn: Cloud(*drawn)) if subject.of_points else _known(subject)
    kind = CloudCase if subject.of_points else Case
    return st.builds(kind, where, st.sampled_from(SIZES), st.integers(0, PICKS))


def _known(subject: Subject) -> st.SearchStrategy[Setting]:
    """Settings that a subject is known in, and small ones where a call takes seconds."""
    about = subject.about
    options: dict[str, Any] = {"ambient": about.ambient, "ensembles": about.ensembles, "remedies": about.follows}
    if about.slow:
        options |= {"max_subspaces": 2, "max_dimension": 3, "max_samples": 1000, "times": 1}
    if about.network:
        options |= {"activations": list(ACTIVATIONS), "max_dimension": 100, "max_samples": 10_000, "times": 1}
    if subspaces := about.subspaces or subject.most_subspaces:
        options["max_subspaces"] = subspaces
    directions = about.directions or subject.most_directions
    if directions:
        options["directions"] = directions
    if "sample" in about.dims:
        options["max_samples"] = 1000
    return strategies.settings(**options)


def search(subject: Subject, law: Law, *, where: st.SearchStrategy[Any] | None = None, **options: Any) -> Found:
    """Look for a setting that breaks a law.

    Args:
        subject: of which it should hold.
        law: the law.
        where: settings or clouds to draw from, in place of the domain of the subject.
        options: of `hypothesis.settings`, such as max_examples and derandomize.
    """
    drawn = cases(subject, where)
    if subject.about.slow:
        options = {"max_examples": SLOW_EXAMPLES} | options
    seen = _Seen()
    miss = _miss(_test(subject, law, drawn, seen, -math.inf, options))
    if miss is None:
        return Found(law, seen.spoke)
    if miss.raised is not None or Phase.shrink not in options.get(
        "phases", Phase
    ):  # that it is broken is all that is asked
        return Found(law, seen.spoke, Broken(law, miss.case, miss.sides, (), miss.raised))
    if miss.sides.drama < SLIGHT and seen.drama > miss.sides.drama + SHARE:
        miss = _miss(_test(subject, law, drawn, seen, seen.drama - SHARE, options)) or miss
    others = _Seen()
    few = options | {
        "max_examples": min(ELSEWHERE, options.get("max_examples", ELSEWHERE)),
        "phases": (Phase.generate,),
    }
    _test(subject, law, drawn, others, math.inf, few)()
    return Found(law, seen.spoke, Broken(law, miss.case, miss.sides, tuple(others.ratios)))


def _test(
    subject: Subject,
    law: Law,
    drawn: st.SearchStrategy[Any],
    seen: _Seen,
    least: float,
    options: dict[str, Any],
) -> Callable[[], None]:
    """A test that fails where the law is broken by `least` or more."""

    def holds(case: Case | CloudCase) -> None:
        try:
            sides = _sides(subject, law, case)
        except CallError as raised:
            nothing = np.array(np.nan)
            raise _MissError(case, Sides(nothing, nothing, nothing, at=(raised.at,)), raised.error) from None
        if sides is None:
            return
        seen.note(sides)
        if sides.broken:
            hypothesis.target(max(sides.drama, -700.0), label="log of the error")
            if sides.drama >= least:
                raise _MissError(case, sides)

    holds.__name__ = holds.__qualname__ = re.sub(r"\W+", "_", f"{subject.name}_{law.name}")  # its key in the database
    suppressed = [HealthCheck.too_slow, HealthCheck.differing_executors]
    usual = {
        "deadline": None,
        "report_multiple_bugs": False,
        "suppress_health_check": suppressed,
        "print_blob": False,
        "phases": tuple(set(Phase) - {Phase.explain}),  # a report of its own explains
    }
    return hypothesis.settings(**(usual | options))(hypothesis.given(drawn)(holds))


def _sides(subject: Subject, law: Law, case: Case | CloudCase) -> Sides | None:
    """With tolerances that are measured only where what they are at least does not do."""
    with np.errstate(all="ignore"):
        with roughly():
            sides = law.check(subject, case)
        return law.check(subject, case) if sides is not None and sides.broken else sides


def _miss(test: Callable[[], None]) -> _MissError | None:
    try:
        test()
    except _MissError as miss:
        return miss
    except hypothesis.errors.Flaky:
        raise ValueError(
            "the function must do the same for the same arguments, and fails at some only once; take chance and memory out of it"
        ) from None
    return None
