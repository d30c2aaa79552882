"""How a prediction stands: what the rows of its claims say together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from validation.claim import by_claim, holds

__all__ = ["Row", "Standing", "farthest", "ratio", "standings"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """A prediction, or a survey, and the rows of its claims.

    Attributes:
        name: its stem, with which the names of its claims begin.
        statement: what it says, a sentence.
        rows: a row per point.
    """

    name: str
    statement: str
    rows: Sequence[Row]

    @property
    def claims(self) -> dict[str, list[Row]]:
        """The rows of each claim by its name."""
        return by_claim(self.rows)

    @property
    def holds(self) -> bool:
        """Whether every point came out as expected, its control rejected."""
        return all(map(holds, self.rows))

    @property
    def failing(self) -> dict[str, list[Row]]:
        """The claims that do not hold."""
        return {name: rows for name, rows in self.claims.items() if not all(map(holds, rows))}

    @property
    def agreeing(self) -> list[Row]:
        """The points where theory and experiment are expected to agree."""
        return [row for row in self.rows if row["expected"] == "agrees"]

    @property
    def differing(self) -> list[Row]:
        """The points where they are expected to disagree."""
        return [row for row in self.rows if row["expected"] != "agrees"]

    @property
    def largest_z(self) -> float | None:
        """The largest |z| where agreement is expected, None where no number is known."""
        row = farthest(self.agreeing)
        return None if row is None else abs(row["z"])

    @property
    def sees(self) -> float | None:
        """The smallest relative error that one of its claims would have noticed, None where none is known."""
        return min((row["detectable"] for row in self.agreeing if _finite(row.get("detectable"))), default=None)


def standings(rows: Iterable[Row], statements: Mapping[str, str]) -> list[Standing]:
    """Every prediction that has claims, in their order; by its name where no statement is known."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["claim"].partition(".")[0], []).append(row)
    return [Standing(name, statements.get(name, name), group) for name, group in groups.items()]


def farthest(rows: Iterable[Row]) -> Row | None:
    """The point of the largest |z|, None where no z is a number."""
    return max((row for row in rows if _known(row["z"])), key=lambda row: abs(row["z"]), default=None)


def ratio(row: Row, errors: int = 0) -> float:
    """Measured, and some standard errors, over predicted; infinite where 0 is predicted, NaN where a number is unknown."""
    predicted, measured, sem = row["predicted"], row["measured"], row["sem"]
    if not (_finite(predicted) and _finite(measured)):
        return math.nan
    value = measured + errors * (sem if _finite(sem) else 0.0)
    if predicted == 0:
        return math.copysign(math.inf, value) if value else math.nan
    return float(value / predicted)


def _known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
