"""Line: one line of a derivation as it is written, and the step that judging makes of it."""

from __future__ import annotations

import linecache
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from theory.judgement.judgement import Verdict, told

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["JUDGED", "KINDS", "Kind", "Line", "Place", "Step", "here"]

Kind = Literal["definition", "cited", "simulated", "concluded"]
KINDS: tuple[Kind, ...] = ("definition", "cited", "simulated", "concluded")  # not verdicts of truth
JUDGED = ("=", "<", "<=", ">", ">=", "!=", "tends", "leading", "solves")
Signs = Mapping[str, str]
HOME = Path(__file__).parents[2]
LATEX = {
    "<=": r"\leq",
    ">=": r"\geq",
    "!=": r"\neq",
    "tends": r"\to",
    "leading": r"\sim",
    "solves": "=",
    "approximate": r"\approx",
}
RELATED = (">", "<", r"\leq", r"\geq", "leq", "geq")
PLAIN = {"tends": "->", "leading": "~", "solves": "=", "approximate": "~="}


@dataclass(frozen=True)
class Place:
    """Where a line is written: file, line number from 1, and the statement's own text."""

    file: str
    number: int
    code: str


@dataclass(frozen=True)
class Line:
    """A line as it is written, not judged.

    Attributes:
        name: what it obtains.
        relation: one of JUDGED, `approximate`, or its kind, one of KINDS.
        sides: what is judged, or the one thing that is defined, cited or concluded; sympy expressions, or prose.
        reason: why it follows.
        place: where it is written.
        symbol: LaTeX that is printed for the left side, or stands for what is defined.
        at: of a limit, (symbol, point) or (symbol, point, side).
        equation: of a root, the two sides and the symbol that are solved.
        where: of what is cited or simulated, where it is to be found.
        errors: of an approximation, {at: error}.
        exact: of an approximation, what it stands for.
        along: of an approximation, the symbol along which its error is told, and (symbol, value) of others.
        lines: of a conclusion, the names of the lines it rests on.
    """

    name: str
    relation: str
    sides: tuple[Any, ...]
    reason: str
    place: Place
    symbol: str = ""
    at: tuple[Any, ...] = ()
    equation: tuple[Any, ...] = ()
    where: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    exact: Any = None
    along: tuple[Any, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def expressions(self) -> tuple[Any, ...]:
        """All that it holds of sympy's."""
        from sympy import Basic

        along = (part for given in self.along for part in (given if isinstance(given, tuple) else (given,)))
        parts = (*self.sides, *self.equation, *self.at, self.exact, *along)
        return tuple(part for part in parts if isinstance(part, Basic))

    def over(self, change: Callable[[Any], Any]) -> Line:
        """The line with its sides, its equation and its limit changed."""
        sides, equation, at = (tuple(map(change, part)) for part in (self.sides, self.equation, self.at))
        return replace(self, sides=sides, equation=equation, at=at, exact=change(self.exact))

    @property
    def symbols(self) -> set[Any]:
        """The free symbols of what it says; a symbol of a matrix is none."""
        from sympy import Basic, Symbol, Tuple

        said = Tuple(*(e for e in (*self.sides, *self.equation, *self.at, self.exact) if isinstance(e, Basic)))
        return {s for s in said.free_symbols if isinstance(s, Symbol)}

    @property
    def statement(self) -> str:
        """The line in LaTeX."""
        from sympy import latex

        return self._written(latex, _escaped, str, LATEX)

    @property
    def text(self) -> str:
        """The line for a terminal."""
        return self._written(str, str, _plain, PLAIN)

    def _written(
        self, write: Callable[[Any], str], prose: Callable[[str], str], formula: Callable[[str], str], signs: Signs
    ) -> str:
        """The line, its expressions, its prose and its formulas that are given in LaTeX each in their way."""
        aloud = formula if self.symbol else prose
        sides = [aloud(side) if isinstance(side, str) else write(side) for side in self.sides]
        if self.symbol:
            sides = [formula(self.symbol), *(sides if len(sides) == 1 else sides[1:])]
        sign = "=" if self.relation in KINDS else signs.get(self.relation, self.relation)
        if self.relation in KINDS and sides[-1].startswith(RELATED):
            sign = ""  # it brings its own
        line = f" {sign} ".join(sides)
        if self.at:
            symbol, point, *side = self.at
            goes = f"{write(symbol)} {signs['tends']} {write(point)}{''.join(side).join(('^{', '}')) if side else ''}"
            line += formula(rf",\quad {goes}")
        if self.equation:
            left, right, _ = self.equation
            line += formula(rf"\quad \mathrm{{solves}} \quad {write(left)} = {write(right)}")
        return line


@dataclass(frozen=True)
class Step:
    """One line of a derivation, judged.

    Attributes:
        name: what the step obtains.
        statement: the line itself, LaTeX.
        reason: why it follows, a sentence.
        verdict: one of the four, or its kind: definition, cited, simulated, concluded.
        evidence: what the verdict rests on.
        text: the line for a terminal.
        relation: how the sides are related, as in `Line`.
        trusts, witness, sides, exceptions, cannot_exclude, hint, curve: those of the judgement.
        inherits: names of refuted lines that it rests on; the verdict is then that of the line judged again.
        scaling: whether both sides scale alike with the unit of length, where units are declared and it is not proved.
        needs: what is assumed, whether it is `needed`, `unused` or `unknown`, and how that shows; where it was asked for.
        where: of what is cited or simulated, where it is to be found.
        file, number, code: where the line is written, and its source.
    """

    name: str
    statement: str
    reason: str
    verdict: Verdict | Kind
    evidence: str
    text: str
    relation: str = ""
    trusts: tuple[str, ...] = ()
    witness: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    cannot_exclude: str = ""
    hint: str = ""
    curve: Mapping[str, Any] = field(default_factory=dict)
    inherits: tuple[str, ...] = ()
    scaling: str = ""
    needs: tuple[tuple[str, str, str], ...] = ()
    where: str = ""
    file: str = ""
    number: int = 0
    code: str = ""

    def as_dict(self) -> dict[str, str]:
        """The short JSON form."""
        return {name: getattr(self, name) for name in ("name", "statement", "reason", "verdict", "evidence")}

    @property
    def label(self) -> str:
        """The verdict; where a fault is inherited, that it is, and the verdict of the line judged again."""
        if not self.inherits:
            return self.verdict
        again = "judged again: " if self.relation in JUDGED else ""
        return f"inherits; {again}{self.verdict}"

    def told(self) -> list[str]:
        """What is to be said of the step below its statement, a sentence each."""
        said = [self.reason, *(f"it rests on {name!r}, refuted" for name in self.inherits)]
        said += told(self)
        said += [f"unit of length: {self.scaling}"] if self.scaling.startswith("not") else []
        said += [f"{what}: {found}{f' ({why})' if why else ''}" for what, found, why in self.needs]
        return [words for words in said if words]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Step:
        """A step from the JSON of its `dataclasses.asdict`.

        Raises:
            TypeError, KeyError: where it is not that.
        """
        return cls(**{f.name: _as_tuples(record[f.name]) for f in fields(cls)})


def here() -> Place:
    """The statement that called a derivation, outside the modules that keep one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in INSIDE:
        frame = frame.f_back
    if frame is None:
        return Place("", 0, "")
    first, last = _extent(frame)
    file = frame.f_code.co_filename
    code = textwrap.dedent("".join(linecache.getline(file, number) for number in range(first, last + 1))).strip()
    path = Path(file)
    return Place(path.relative_to(HOME).as_posix() if path.is_relative_to(HOME / "theory") else file, first, code)


INSIDE = {__file__, str(HOME / "theory" / "derivation.py")}


def _extent(frame: FrameType) -> tuple[int, int]:
    """First and last line of the call that a frame is in."""
    first, last, *_ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    return (first, last) if first and last else (frame.f_lineno, frame.f_lineno)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _escaped(prose: str) -> str:
    """Prose within a formula."""
    special = {c: "\\" + c for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
    return rf"\text{{{''.join(special.get(c, c) for c in prose)}}}"


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
