"""Judging: the lines of a derivation, in order, each a step; a fault is passed on by name to the lines that rest on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import sympy as sp

from theory.judgement.judgement import WORST_FIRST, Judgement, Verdict
from theory.judgement.patience import unhurried
from theory.lines.declared import BOUNDS, Declared, connected, weaker
from theory.lines.line import JUDGED, Kind, Line, Step
from theory.lines.units import scaling

__all__ = ["Ask", "Book", "in_process", "judge_lines", "turned"]

Ask = Callable[..., Judgement]  # of the name of a function, "module:name", and its arguments
Claim = tuple[Any, Any, str]  # left, right, relation
JUDGE = "theory.judgement.judge:judge"
JUDGE_AGAIN = "theory.lines.roots:judge_with_true_roots"
MEASURE_ERROR = "theory.judgement.curve:judge_error"
EXPLAIN = "theory.lines.roots:explain"
TURNED = {"<": ">", "<=": ">="}
UNHURRIED = 6.0  # times the limits of the judge, in this process: here are no others
SMALL = 0.1  # an error of a limit law at its last setting
SIGNS = (("positive", ">"), ("nonnegative", ">="), ("negative", "<"), ("nonpositive", "<="))


@dataclass(frozen=True)
class Book:
    """What a derivation has written down.

    Attributes:
        lines: in order.
        declared: by name.
        relations: assumed between symbols.
        roots: the symbols that stand for the roots of equations, and the lines that solve them.
    """

    lines: tuple[Line, ...]
    declared: Mapping[str, Declared]
    relations: tuple[Any, ...]
    roots: Mapping[Any, Line]

    @property
    def assumed(self) -> tuple[Any, ...]:
        """All that holds beyond the symbols' own assumptions."""
        bounds = (relation for one in self.declared.values() for relation in one.relations)
        return (*bounds, *self.relations)

    @property
    def units(self) -> dict[Any, Any]:
        """The units of the symbols that have one."""
        return {one.symbol: one.unit for one in self.declared.values() if one.unit}

    def roots_in(self, line: Line) -> list[Line]:
        """The lines whose roots a line holds, directly or through other roots, the first written first."""
        found, waiting = [], [line]
        while waiting:
            held = waiting.pop().symbols
            new = [root for symbol, root in self.roots.items() if symbol in held and root is not line]
            waiting += [root for root in new if root not in found]
            found += [root for root in new if root not in found]
        order = [one.name for one in self.lines]
        return sorted(found, key=lambda root: order.index(root.name))

    def written_out(self, expression: Any) -> Any:
        """The expression with its roots as they were given."""
        for symbol, line in reversed(tuple(self.roots.items())):
            expression = (
                expression.xreplace({symbol: line.sides[1]}) if isinstance(expression, sp.Basic) else expression
            )
        return expression


def in_process(function: str, *arguments: Any, **named: Any) -> Judgement:
    """The answer of a function, `module:name`, in this process and without limits."""
    from importlib import import_module

    module, _, name = function.partition(":")
    with unhurried(UNHURRIED):
        return getattr(import_module(module), name)(*arguments, **named)


def judge_lines(
    book: Book, steps: dict[str, Step], ask: Ask | None = None, *, needs: bool = False, only: str = ""
) -> None:
    """Add a step to `steps` for each line that has none, in order.

    Args:
        book: the lines.
        steps: those judged before, by name of the line.
        ask: how the judge is asked, by default in this process.
        needs: ask which assumptions each line needs, too.
        only: the name of one line that is judged, with those that its roots come from.

    Raises:
        ValueError: where there is no line of that name.
    """
    wanted = book.lines
    if only:
        found = [line for line in book.lines if line.name == only]
        if not found:
            raise ValueError(f"there is no line {only!r}; there are {', '.join(line.name for line in book.lines)}")
        names = {root.name for root in book.roots_in(found[0])}
        wanted = (*(line for line in book.lines if line.name in names), *found)
    for line in wanted:
        if line.name not in steps or (needs and not steps[line.name].needs):
            steps[line.name] = _step(line, book, steps, ask or in_process, needs)


def _step(line: Line, book: Book, steps: Mapping[str, Step], ask: Ask, needs: bool) -> Step:
    plain = Step(
        line.name,
        line.statement,
        line.reason,
        "inconclusive",
        "",
        line.text,
        relation=line.relation,
        where=line.where,
        file=line.place.file,
        number=line.place.number,
        code=line.place.code,
    )
    if line.relation in JUDGED:
        return _judged(line, plain, book, steps, ask, needs)
    rests_on = (*(root.name for root in book.roots_in(line)), *line.lines)
    inherits = tuple(dict.fromkeys(fault for name in rests_on if name in steps for fault in _faults(steps[name])))
    if line.relation == "approximate":
        curve = _curve(line, book, ask)
        verdict, evidence = _of_errors(line.errors) if line.errors or not curve else _of_curve(curve)
        return replace(plain, verdict=verdict, evidence=evidence, inherits=inherits, curve=curve)
    return replace(plain, verdict=cast("Kind", line.relation), evidence=_told_of(line), inherits=inherits)


def _faults(step: Step) -> tuple[str, ...]:
    """The refuted lines that a step brings with it."""
    return (step.name,) if step.verdict == "refuted" else step.inherits


def _told_of(line: Line) -> str:
    """What a line that is not judged rests on."""
    if line.relation == "concluded":
        return f"from {', '.join(line.lines)}: put together, not judged"
    return "by definition" if line.relation == "definition" else f"{line.relation}, not judged: {line.where}"


def _of_errors(errors: Mapping[str, float]) -> tuple[Verdict, str]:
    """A limit law by its errors: whether their absolute values fall all along, and the last is small."""
    shown = ", ".join(f"{error:.2g} at {at}" for at, error in errors.items())
    told = f"a limit law, no proof; error against the exact value: {shown}"
    sizes = [abs(error) for error in errors.values()]
    if len(sizes) < 2:
        return "inconclusive", "a limit law with fewer than two errors; give {at: error} at two settings or more"
    if not all(math.isfinite(size) for size in sizes) or not all(later < size for size, later in pairwise(sizes)):
        return "refuted", f"{told}: they do not fall"
    if sizes[-1] > SMALL:
        return "inconclusive", f"{told}: they fall, and the last is not small; go on to larger settings"
    return "supported", told


def _of_curve(curve: Mapping[str, Any]) -> tuple[Verdict, str]:
    """An approximation by its errors along a symbol: whether they are small all along."""
    worst = curve["worst"][1]
    told = "an approximation, no proof; its relative error is told at points of one line through the domain"
    if abs(worst) <= SMALL:
        return "supported", told
    good = [x for x, error in curve["points"] if abs(error) <= SMALL]
    where = f"below {SMALL:g} at {len(good)} of {len(curve['points'])} points" if good else f"nowhere below {SMALL:g}"
    return "inconclusive", f"{told}, and {where}; bound {curve['along']} by what holds there"


def _curve(line: Line, book: Book, ask: Ask) -> Mapping[str, Any]:
    """The error of an approximation along its symbol."""
    if line.exact is None:
        return {}
    symbol, *given = line.along
    approximation, exact = book.written_out(line.sides[0]), book.written_out(line.exact)
    assume = connected(book.assumed, (approximation, exact, symbol))
    return ask(MEASURE_ERROR, approximation, exact, symbol, assume=assume, given=tuple(given)).curve


def _judged(line: Line, plain: Step, book: Book, steps: Mapping[str, Step], ask: Ask, needs: bool) -> Step:
    roots = [root for root in book.roots_in(line) if steps[root.name].verdict == "refuted"]
    inherited = [*(root.name for root in roots), *_said_before(line, book, steps)]
    if roots:
        equations = tuple((root.sides[0], *root.equation) for root in roots)
        fine = Book(book.lines, book.declared, book.relations, {s: r for s, r in book.roots.items() if r not in roots})
        found = _weakest(_asked(line, fine, ask, JUDGE_AGAIN, roots=equations))
    else:
        found = _weakest(_asked(line, book, ask, JUDGE))
    step = replace(
        plain,
        **vars(found),
        inherits=tuple(dict.fromkeys(inherited)),
        scaling="" if found.verdict == "proved" else _scaling(line, book),  # what is proved is so in every unit
    )
    if needs and not roots and found.verdict in ("proved", "supported"):
        return replace(step, needs=tuple(_needs(line, book, ask, found.verdict)))
    return step


def _expressions(line: Line) -> list[Any]:
    return [e for e in (*line.sides, *line.equation, *line.at) if isinstance(e, sp.Basic)]


def _said_before(line: Line, book: Book, steps: Mapping[str, Step]) -> Iterator[str]:
    """The refuted identities before a line whose right side, no mere symbol, it holds."""
    for other in book.lines[: book.lines.index(line)]:
        step = steps.get(other.name)
        if other.relation != "=" or step is None or step.verdict != "refuted" or not other.sides[1].args:
            continue
        if any(e.has(other.sides[1]) for e in _expressions(line)):
            yield other.name


def _claims(line: Line, book: Book) -> Iterator[Claim]:
    """What a line claims, as the judge takes it."""
    if line.relation == "solves":
        yield from _claims_of_a_root(line, book)
        return
    left, right = line.sides
    yield turned(left, right, line.relation)


def turned(left: Any, right: Any, relation: str) -> Claim:
    """A claim in the relations that the judge knows."""
    return (right, left, TURNED[relation]) if relation in TURNED else (left, right, relation)


def _claims_of_a_root(line: Line, book: Book) -> Iterator[Claim]:
    """That it solves the equation, and is where the symbol may be."""
    left, right, symbol = line.equation
    _, root = line.sides
    yield left.xreplace({symbol: root}), right.xreplace({symbol: root}), "="
    sign = next((relation for word, relation in SIGNS if getattr(symbol, f"is_{word}")), None)
    if sign is not None:
        yield turned(root, sp.S.Zero, sign)
    bounds = book.declared[symbol.name].bounds if symbol.name in book.declared else {}
    for word, bound in bounds.items():
        yield turned(root, bound, BOUNDS[word].rel_op)


def _asked(line: Line, book: Book, ask: Ask, function: str, **further: Any) -> Iterator[Judgement]:
    at = tuple(map(book.written_out, line.at)) or None
    for left, right, relation in _claims(line, book):
        left, right = book.written_out(left), book.written_out(right)
        equations = [e for root in further.get("roots", ()) for e in root]
        assume = connected(book.assumed, (left, right, *(at or ()), *equations))
        found = ask(function, left, right, relation, at=at, assume=assume, **further)
        if line.relation == "solves" and found.verdict == "refuted":
            found = _explained(found, line, book, ask) if relation == "=" else _outside(found, line)
        yield found


def _outside(found: Judgement, line: Line) -> Judgement:
    """A root that is not always where its symbol may be."""
    return replace(found, evidence=f"it leaves the domain of {line.equation[2]}: {found.evidence}")


def _explained(found: Judgement, line: Line, book: Book, ask: Ask) -> Judgement:
    """Why a root is none: with a witness of all its parameters, and with a hint at the root where there is one."""
    equation = tuple(map(book.written_out, (*line.equation, line.sides[1])))
    assume = connected(book.assumed, equation)
    more = ask(EXPLAIN, *equation, witness=tuple(found.witness.items()), hint=found.hint, assume=assume)
    return replace(found, witness=more.witness, hint=more.hint) if more.verdict == "refuted" else found


def _weakest(judgements: Iterator[Judgement]) -> Judgement:
    """The first that is refuted, or the weakest, with the trusts of all."""
    found = []
    for judgement in judgements:
        found.append(judgement)
        if judgement.verdict == "refuted":
            return judgement
    weakest = min(found, key=lambda j: WORST_FIRST.index(j.verdict))
    return replace(weakest, trusts=tuple(dict.fromkeys(trust for j in found for trust in j.trusts)))


def _scaling(line: Line, book: Book) -> str:
    if not book.units or line.relation in ("tends", "leading"):
        return ""
    (left, right, _), *_ = _claims(line, book)
    return scaling(book.written_out(left), book.written_out(right), book.units)


def _needs(line: Line, book: Book, ask: Ask, verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    """For each assumption on the symbols of a line what becomes of it without."""
    held = sp.Tuple(*map(book.written_out, _expressions(line))).free_symbols
    for name, one in book.declared.items():
        if one.symbol not in held:
            continue
        for what, less in weaker(one):
            yield what, *_without(_redeclared(line, book, name, less), ask, verdict)
    for relation in connected(book.relations, tuple(map(book.written_out, _expressions(line)))):
        fewer = tuple(other for other in book.relations if other != relation)
        yield str(relation), *_without((line, replace(book, relations=fewer)), ask, verdict)


def _redeclared(line: Line, book: Book, name: str, less: Declared) -> tuple[Line, Book]:
    """The line and the book with a symbol of weaker assumptions."""
    swap = {book.declared[name].symbol: less.symbol}

    def swapped(parts: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(part.xreplace(swap) if isinstance(part, sp.Basic) else part for part in parts)

    def in_line(old: Line) -> Line:
        return old.over(lambda part: part.xreplace(swap) if isinstance(part, sp.Basic) else part)

    return in_line(line), Book(
        tuple(map(in_line, book.lines)),
        {**book.declared, name: less},
        swapped(book.relations),
        {symbol: in_line(root) for symbol, root in book.roots.items()},
    )


def _without(changed: tuple[Line, Book], ask: Ask, verdict: Verdict) -> tuple[str, str]:
    found = _weakest(_asked(*changed, ask, JUDGE))
    if found.verdict == "refuted":
        return "needed", ", ".join(f"{s} = {value}" for s, value in found.witness.items()) or found.evidence
    return ("unused", "") if found.verdict == verdict else ("unknown", found.evidence)
