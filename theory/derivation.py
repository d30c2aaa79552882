"""Derivation: the steps from definition to formula, each with its reason and a verdict that was earned.

Verdicts are four, and mean what they say:

    proved        by definition, by symbolic reduction under the declared assumptions, or by Arb over the whole domain
    supported     high-precision enclosures agree at sampled points of the domain, but no proof was found
    refuted       an enclosure excludes equality at a point, which is given
    inconclusive  neither

They are earned in theory.algebra.judgement. Here is what is kept of a derivation; sympy is imported where one is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from theory.formula import Formula

if TYPE_CHECKING:
    import sympy as sp

__all__ = ["Derivation", "Step", "Verdict"]

Verdict = Literal["proved", "supported", "refuted", "inconclusive"]
WORST_FIRST: tuple[Verdict, ...] = ("refuted", "inconclusive", "supported", "proved")


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        name: what the step obtains.
        statement: the line itself, LaTeX.
        text: the same for a terminal.
        reason: why it follows, a sentence.
        verdict: one of the four.
        evidence: what the verdict rests on.
    """

    name: str
    statement: str
    reason: str
    verdict: Verdict
    evidence: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """The JSON form."""
        return {name: getattr(self, name) for name in ("name", "statement", "reason", "verdict", "evidence")}


@dataclass
class Derivation:
    """Steps in order, and the formulas they end in.

    Attributes:
        prediction: the stem of the prediction.
        statement: what is derived, a sentence.
        source: where it was published, or that it is derived here.
        assumptions: what is assumed throughout, a sentence.
        steps: the lines.
        formulas: the named results; what is evaluated is exactly what was derived.
    """

    prediction: str
    statement: str
    source: str
    assumptions: str
    steps: list[Step] = field(default_factory=list)
    formulas: dict[str, Formula] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The weakest verdict of the steps."""
        return min((s.verdict for s in self.steps), key=WORST_FIRST.index)

    def __getitem__(self, name: str) -> Formula:
        return self.formulas[name]

    def define(self, name: str, symbol: str, expression: sp.Expr, reason: str) -> sp.Expr:
        """Add a definition and return its right-hand side."""
        self._add(name, (symbol, expression), reason, "proved", "by definition")
        return expression

    def conclude(self, name: str, symbol: str, expression: sp.Expr | str, reason: str) -> None:
        """Add what the lines before it say together."""
        self._add(name, (symbol, expression), reason, "proved", "the lines above, put together")

    def approximate(
        self, name: str, symbol: str, expression: sp.Expr, reason: str, errors: Mapping[str, float]
    ) -> sp.Expr:
        """Add a limit law, supported where its errors {at: error} against exact values fall all along, and return it."""
        shown = ", ".join(f"{error:.2g} at {at}" for at, error in errors.items())
        falling = all(later < earlier for earlier, later in pairwise(errors.values()))
        verdict: Verdict = "supported" if falling else "refuted"
        self._add(name, (symbol, expression), reason, verdict, f"a limit law; error against the exact value: {shown}")
        return expression

    def compute(self, name: str, symbol: sp.Expr | str, result: sp.Expr, check: sp.Expr, reason: str) -> sp.Expr:
        """Add a result that sympy computed, judged against an independent expression, and return it."""
        from theory.algebra.judgement import judge_equal

        self._add(name, (symbol, result), reason, *judge_equal(result, check))
        return result

    def equal(self, name: str, left: sp.Expr, right: sp.Expr, reason: str) -> sp.Expr:
        """Add the identity left = right, judged, and return its right-hand side."""
        from theory.algebra.judgement import judge_equal

        self._add(name, (left, right), reason, *judge_equal(left, right))
        return right

    def positive(self, name: str, expression: sp.Expr, reason: str, statement: str = "") -> None:
        """Add the inequality expression > 0 on the domain of its symbols, judged."""
        from theory.algebra.judgement import judge_positive

        self._add(name, (statement or expression, "0"), reason, *judge_positive(expression), relation=" > ")

    def result(self, name: str, expression: sp.Expr, *symbols: sp.Symbol) -> Formula:
        """Keep an expression as a named formula of the given symbols."""
        self.formulas[name] = Formula(name, expression, symbols)
        return self.formulas[name]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: prediction, steps, verdict."""
        steps = [step.as_dict() for step in self.steps]
        return {"prediction": self.prediction, "steps": steps, "verdict": self.verdict}

    def _add(
        self,
        name: str,
        sides: tuple[sp.Expr | str, sp.Expr | str],
        reason: str,
        verdict: Verdict,
        evidence: str,
        relation: str = " = ",
    ) -> None:
        from sympy import latex as in_latex

        latex, text = (
            relation.join(aloud(side) if isinstance(side, str) else write(side) for side in sides)
            for write, aloud in ((in_latex, str), (str, _plain))
        )
        self.steps.append(Step(name, latex, reason, verdict, evidence, text))


def _plain(latex: str) -> str:
    """A LaTeX fragment as a terminal shows it."""
    for pattern, plain in (
        (r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)"),
        (r"\\(mathrm|mathcal|bar|operatorname)\{?([A-Za-z]*)\}?", r"\2"),
        (r"\\hat ?(\w)", r"\1^"),
        (r"\\Big|\\[,;]|\\quad|\\left|\\right", " "),
        (r"\\mid", "|"),
        (r"\\", ""),
        (r"\{(\w)\}", r"\1"),
        (r"\{([^{}]*)\}", r"(\1)"),
        (r" +", " "),
    ):
        latex = re.sub(pattern, plain, latex)
    return latex


def __getattr__(name: str) -> Any:
    """The judges by the name of this module too: they import sympy, which what keeps a derivation does not need."""
    if name in ("judge_equal", "judge_positive"):
        return getattr(import_module("theory.algebra.judgement"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
