"""Derivation: the lines from definition to formula, each with its reason and a verdict that was earned.

Verdicts are four, and mean what they say:

    proved        at every point of the declared domain where both sides are defined
    supported     no violation at the points looked at, but no proof was found
    refuted       an exact point of the domain is given where the line fails
    inconclusive  neither

They are earned in theory.judgement. A definition, what is cited or simulated, and a conclusion are not judged, and are
called what they are. Lines are kept as they are written and judged once, when steps, verdict or `check` are asked for:

>>> d = Derivation("two halves", source="here")
>>> m = d.declare("m", positive=True)
>>> d.equal("halves", m / 2 + m / 2, m)
>>> check(d)

Here is what is kept of a derivation; sympy is imported where one is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from theory.judgement.judgement import WORST_FIRST, Judgement, Verdict
from theory.lines.line import KINDS, Line, Step, here

if TYPE_CHECKING:
    import sympy as sp

    from theory.formula import Formula
    from theory.lines.declared import Declared
    from theory.lines.judging import Ask

__all__ = ["Derivation", "Step", "Verdict", "check", "collected", "judge"]

CHAINED = ("=", "<", "<=", ">", ">=", "!=")
MADE: ContextVar[list[Derivation] | None] = ContextVar("MADE", default=None)


class Derivation:
    """Lines in order, and the formulas they end in.

    Attributes:
        prediction: the stem of the prediction, or the title of a draft.
        statement: what is derived, a sentence.
        source: where it was published, or that it is derived here.
        assumptions: what is assumed throughout, a sentence.
        lines: as they are written.
        formulas: the named results; what is evaluated is exactly what was derived.
        place: where it is made.

    Every method that adds a line takes its name first and a reason last. It raises a ValueError for a name that is taken, a
    float, and, where symbols are declared, for one that is not, or not with these assumptions, and for unlike units.
    """

    def __init__(
        self,
        prediction: str,
        statement: str = "",
        source: str = "",
        assumptions: str = "",
        steps: tuple[Step, ...] | list[Step] = (),
        formulas: Mapping[str, Formula] | None = None,
    ) -> None:
        self.prediction, self.statement, self.source, self._assumptions = prediction, statement, source, assumptions
        self.formulas: dict[str, Formula] = dict(formulas or {})
        self.lines: list[Line] = []
        self.place = here()
        self._steps = {step.name: step for step in steps}
        self._declared: dict[str, Declared] = {}
        self._matrices: dict[str, sp.MatrixSymbol] = {}
        self._relations: list[sp.Basic] = []
        self._roots: dict[sp.Symbol, Line] = {}
        if (made := MADE.get()) is not None:
            made.append(self)

    # what holds throughout

    def declare(
        self,
        names: str,
        *,
        at_least: Any = None,
        at_most: Any = None,
        above: Any = None,
        below: Any = None,
        unit: Any = None,
        **assumptions: bool,
    ) -> Any:
        """Declare symbols, and return them: one symbol for one name, a tuple for several, parted by spaces.

        Args:
            names: as they are printed, such as `lambda t`.
            at_least: the least of a closed interval that they are in; integers are positive by `at_least=1`.
            at_most: the largest.
            above: what they exceed, an open end.
            below: what exceeds them.
            unit: the power of a length they are measured in; sums of unlike units are refused.
            assumptions: sympy's, such as positive, real or integer.

        Raises:
            ValueError: for a name declared before with others, an unknown assumption, or a contradiction.
        """
        from theory.lines.declared import declared

        given = {"at_least": at_least, "at_most": at_most, "above": above, "below": below}
        bounds = {word: bound for word, bound in given.items() if bound is not None}
        found = [declared(name, assumptions, bounds, unit) for name in names.replace(",", " ").split()]
        for one in found:
            before = self._declared.setdefault(one.symbol.name, one)
            if before != one:
                raise ValueError(f"{one.symbol} was declared before, as {before}; give it another name")
        return found[0].symbol if len(found) == 1 else tuple(one.symbol for one in found)

    def declare_sequence(self, names: str, *, unit: Any = None, **assumptions: bool) -> Any:
        """Declare sequences, and return what is indexed as in `lam[k]`; a tuple for several names, parted by spaces.

        A line over them holds of every sequence whose elements are as is assumed.

        Args:
            names: as they are printed.
            unit: as of `declare`, of the elements.
            assumptions: sympy's, of the elements.

        Raises:
            ValueError: as `declare`.
        """
        import sympy as sp

        found = [
            sp.IndexedBase(self.declare(name, unit=unit, **assumptions)) for name in names.replace(",", " ").split()
        ]
        return found[0] if len(found) == 1 else tuple(found)

    def declare_matrix(self, name: str, rows: Any, columns: Any = None) -> Any:
        """Declare a matrix of that many rows and columns, square where these are not given, and return its symbol.

        Args:
            name: as it is printed.
            rows: a number, or a positive integer that was declared, which then stands for every size.
            columns: the like.

        Raises:
            ValueError: for a name declared before, or a size that is no positive integer.
        """
        import sympy as sp

        shape = [self._checked(length) for length in (rows, rows if columns is None else columns)]
        for length in shape:
            if not (length.is_integer and length.is_positive):
                raise ValueError(
                    f"the size of {name} must be a positive integer, or one that was declared; got {length}"
                )
        if name in self._declared or name in self._matrices:
            raise ValueError(f"{name} was declared before; give this matrix another name")
        self._matrices[name] = sp.MatrixSymbol(name, *shape)
        return self._matrices[name]

    def assume(self, *relations: Any) -> None:
        """Assume relations between declared symbols, such as h < t.

        Raises:
            ValueError: for what is no relation, or never holds.
        """
        import sympy as sp

        for relation in relations:
            if relation in (False, sp.false):
                raise ValueError("the assumption never holds under the assumptions declared before; drop one of them")
            if relation in (True, sp.true):
                continue
            if not isinstance(relation, sp.core.relational.Relational):
                raise ValueError(f"expected a relation such as h < t, got {relation!r}")
            self._check_units(self._checked(relation.lhs), self._checked(relation.rhs))
            self._relations.append(relation)

    @property
    def assumptions(self) -> str:
        """What is assumed throughout, in words."""
        words = [str(one) for one in self._declared.values()] + list(map(str, self._relations))
        words += [f"{name} a {' x '.join(map(str, m.shape))} matrix" for name, m in self._matrices.items()]
        return "; ".join(filter(None, [self._assumptions, *words]))

    def latex(self, text: str) -> Any:
        r"""The expression of a formula such as `\frac{m \lambda}{2 t}` in declared symbols; it has to print back as written.

        Raises:
            ValueError: where it does not, with what would be printed, or where it is not understood.
        """
        from theory.lines.latex import parsed

        return self._checked(parsed(text, {s.name: s for s in self.symbols}))

    # lines that are judged

    def equal(self, name: str, left: Any, right: Any, reason: str = "") -> Any:
        """Add left = right, and return the right side."""
        return self._relate(name, left, "=", right, reason)

    def compute(self, name: str, symbol: str, result: Any, check: Any, reason: str = "") -> Any:
        """Add symbol = result, which sympy computed, judged against an expression found by another route; return it."""
        return self._relate(name, check, "=", result, reason, symbol=symbol)

    def less(self, name: str, left: Any, right: Any, reason: str = "") -> None:
        """Add left < right."""
        self._relate(name, left, "<", right, reason)

    def at_most(self, name: str, left: Any, right: Any, reason: str = "") -> None:
        """Add left <= right."""
        self._relate(name, left, "<=", right, reason)

    def greater(self, name: str, left: Any, right: Any, reason: str = "", *, symbol: str = "") -> None:
        """Add left > right; `symbol` is LaTeX that stands for the left side."""
        self._relate(name, left, ">", right, reason, symbol=symbol)

    def at_least(self, name: str, left: Any, right: Any, reason: str = "") -> None:
        """Add left >= right."""
        self._relate(name, left, ">=", right, reason)

    def differs(self, name: str, left: Any, right: Any, reason: str = "") -> None:
        """Add left != right, at every point of the domain."""
        self._relate(name, left, "!=", right, reason)

    def chain(self, name: str, *sides: Any, reason: str = "") -> None:
        """Add a < b <= c, given as a, "<", b, "<=", c: a line per relation, named `name (1)`, `name (2)`, ...

        Raises:
            ValueError: where sides and relations do not alternate.
        """
        relations = sides[1::2]
        if len(sides) < 3 or len(sides) % 2 == 0 or not all(r in CHAINED for r in relations):
            raise ValueError(f"expected sides and relations in turn, as in a, '<', b, '<=', c; got {sides!r}")
        for k, relation in enumerate(relations):
            self._relate(f"{name} ({k + 1})", sides[2 * k], relation, sides[2 * k + 2], reason)

    def tends(
        self, name: str, left: Any, limit: Any, symbol: Any, point: Any, side: str = "", reason: str = ""
    ) -> None:
        """Add left -> limit as the symbol goes to the point, from the side `+` or `-` where it matters."""
        self._relate(name, left, "tends", limit, reason, at=self._at(symbol, point, side))

    def leading(
        self, name: str, left: Any, order: Any, symbol: Any, point: Any, side: str = "", reason: str = ""
    ) -> None:
        """Add left / order -> 1 as the symbol goes to the point."""
        self._relate(name, left, "leading", order, reason, at=self._at(symbol, point, side))

    def average(self, name: str, kernel: Any, over: Mapping[Any, Any], result: Any, reason: str = "") -> Any:
        """Add E kernel = result over independent centred Gaussians {symbol: variance}, and return the result."""
        import sympy as sp

        from theory.algebra.gaussian_integrals import density

        inside = self._checked(kernel)
        for symbol, variance in over.items():
            inside = inside * density(self._checked(symbol), self._checked(variance))
        integral = sp.Integral(inside, *((symbol, -sp.oo, sp.oo) for symbol in over))
        return self._relate(name, integral, "=", result, reason)

    def solve(self, name: str, equation: Any, symbol: Any, root: Any, reason: str = "") -> Any:
        """Add that the root solves an equation Eq(left, right) for a symbol, and return the symbol that stands for it.

        It is printed by the name of the variable it is assigned to. Its derivatives are those of an implicit function; with
        something put in for a parameter it is the root of the equation with that put in. Should the root be refuted, lines
        that hold it are judged again with a true root.

        Raises:
            ValueError: where the equation is none, or does not hold the symbol.
        """
        import sympy as sp

        if not isinstance(equation, sp.Equality):
            raise ValueError(
                f"expected an equation Eq(left, right) that holds somewhere and not everywhere, got {equation}"
            )
        sides = self._checked(equation.lhs), self._checked(equation.rhs), self._checked(symbol)
        if symbol not in equation.free_symbols:
            raise ValueError(f"expected an equation for {symbol}, got {equation}, which does not hold it")
        value = self._checked(root)
        self._check_units(symbol, value)
        from theory.lines.root import Root

        place = here()
        stands = Root(self._root_name(symbol, place.code), symbol._assumptions_orig, sides, value)
        line = self._add(Line(name, "solves", (stands.plain, value), reason, place, equation=sides))
        self._roots[stands.plain] = line
        return stands

    # lines that are not

    def define(self, name: str, expression: Any, reason: str = "", *, symbol: str = "") -> Any:
        """Add a definition and return it; `symbol` is LaTeX that stands for it where its name is no symbol."""
        if name in self._declared:
            raise ValueError(f"{name} was declared as a symbol before; define it by another name")
        from sympy import Symbol, latex

        side = expression if isinstance(expression, str) else self._measured(expression)
        self._add(Line(name, "definition", (side,), reason, here(), symbol=symbol or latex(Symbol(name))))
        return expression

    def approximate(
        self,
        name: str,
        symbol: str,
        expression: Any,
        reason: str = "",
        errors: Mapping[str, float] | None = None,
        *,
        exact: Any = None,
        along: Any = None,
        given: Mapping[Any, Any] | None = None,
    ) -> Any:
        """Add an approximation or a limit law, and return it.

        Args:
            name: of the line.
            symbol: LaTeX that is printed for the left side.
            expression: what approximates.
            reason: why it may.
            errors: {at: error} from exact values, in order: it is supported where their absolute values fall all along and
                the last is small, which is no proof.
            exact: what it approximates; its relative error is then told as a curve.
            along: the symbol along which.
            given: values of other symbols on the way; those not given have simple ones.

        Raises:
            ValueError: where one of `exact` and `along` is given without the other.
        """
        if (exact is None) is not (along is None):
            raise ValueError(
                f"the error of {name!r} as a curve needs both exact= and along=, a symbol; got one of them"
            )
        side, measured = self._measured(expression), ()
        if exact is not None:
            exact = self._checked(exact)
            self._check_units(side, exact)
            pairs = ((self._checked(s), self._checked(v)) for s, v in (given or {}).items())
            measured = (self._checked(along), *pairs)
        self._add(Line(name, "approximate", (side,), reason, here(), symbol=symbol, errors=errors or {}, exact=exact,
                       along=measured))  # fmt: skip
        return expression

    def cited(self, name: str, text: str, where: str, reason: str = "") -> None:
        """Add what is known from elsewhere: what it says, and where."""
        self._add(Line(name, "cited", (text,), reason, here(), where=where))

    def simulated(self, name: str, text: str, where: str, reason: str = "") -> None:
        """Add what was measured: what it says, and where."""
        self._add(Line(name, "simulated", (text,), reason, here(), where=where))

    def conclude(self, name: str, what: Any, *lines: str, reason: str = "", symbol: str = "") -> None:
        """Add what some lines, given by their names, say together: prose, an expression, or LaTeX where a symbol is given.

        Raises:
            ValueError: where no line is named, or one that there is not.
        """
        known = [line.name for line in self.lines]
        if unknown := [line for line in lines if line not in known]:
            raise ValueError(f"{name!r} concludes from {unknown[0]!r}, and there is no such line before it")
        if not lines:
            raise ValueError(f"{name!r} must name the lines that it concludes from; got none")
        side = what if isinstance(what, str) else self._measured(what)
        self._add(Line(name, "concluded", (side,), reason, here(), symbol=symbol, lines=lines))

    def result(self, name: str, expression: Any, *symbols: Any) -> Formula:
        """Keep an expression as a named formula of the given symbols."""
        from theory.formula import Formula

        self.formulas[name] = Formula(name, expression, symbols)
        return self.formulas[name]

    def __getitem__(self, name: str) -> Formula:
        return self.formulas[name]

    # what was found

    @property
    def steps(self) -> list[Step]:
        """The lines, judged in this process, without limits, where they are not judged yet."""
        self.judged()
        return list(self._steps.values())

    @property
    def judged_steps(self) -> list[Step]:
        """Those lines that are judged already, and what came from the cache."""
        return list(self._steps.values())

    @property
    def symbols(self) -> set[Any]:
        """The symbols that are declared, and those that stand for roots."""
        return {one.symbol for one in self._declared.values()} | set(self._roots)

    @property
    def verdict(self) -> Verdict:
        """The weakest verdict of the lines that are judged; inconclusive where none is."""
        judged = [step.verdict for step in self.steps if step.verdict not in KINDS]
        return min(judged, key=WORST_FIRST.index, default="inconclusive")  # type: ignore[arg-type]

    def judged(self, ask: Ask | None = None, *, needs: bool = False, only: str = "") -> Derivation:
        """Judge the lines that are not judged yet, and return the derivation.

        Args:
            ask: how the judge is asked, by default in this process.
            needs: ask for each line which assumptions it needs, too.
            only: judge the line of this name alone, and what its roots come from.

        Raises:
            ValueError: where there is no such line.
        """
        if self.lines:
            from theory.lines.judging import Book, judge_lines

            book = Book(tuple(self.lines), dict(self._declared), tuple(self._relations), dict(self._roots))
            judge_lines(book, self._steps, ask, needs=needs, only=only)
        return self

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: prediction, steps, verdict."""
        steps = [step.as_dict() for step in self.steps]
        return {"prediction": self.prediction, "steps": steps, "verdict": self.verdict}

    def __repr__(self) -> str:
        """The title and, of lines that are judged, their verdicts and hints; nothing is judged for it."""
        told = [f"  {step.name}: {step.label}{f'; {step.hint}' if step.hint else ''}" for step in self.judged_steps]
        return "\n".join(
            [f"<Derivation {self.prediction!r}, lines: {len(self.lines) or len(told)}, judged: {len(told)}>", *told]
        )

    def _repr_html_(self) -> str:
        """For a notebook, judged within limits."""
        from theory.lines.notebook import html

        return html(check(self))

    # how lines are made

    def _relate(
        self, name: str, left: Any, relation: str, right: Any, reason: str, symbol: str = "", at: tuple[Any, ...] = ()
    ) -> Any:
        sides = self._checked(left), self._checked(right)
        self._check_units(*sides)
        self._add(Line(name, relation, sides, reason, here(), symbol=symbol, at=at))
        return sides[1]

    def _at(self, symbol: Any, point: Any, side: str) -> tuple[Any, ...]:
        if side not in ("", "+", "-", "+-"):
            raise ValueError(f"expected the side '+', '-' or '+-', got {side!r}")
        return (self._checked(symbol), self._checked(point), *([side] if side else []))

    def _checked(self, expression: Any) -> Any:
        from theory.lines.declared import check_matrices, check_symbols, exact

        found = exact(expression)
        if self._declared:
            known = {name: one.symbol for name, one in self._declared.items()}
            check_symbols(found, known | {root.name: root for root in self._known_roots(found)})
        check_matrices(found, self._matrices)
        return found

    def _known_roots(self, *expressions: Any) -> list[Any]:
        """The roots of this derivation in some expressions, those too in which something was put in for a parameter."""
        from theory.lines.root import roots_of

        solved = {symbol.name for symbol in self._roots}
        return [root for root in roots_of(*expressions) if root.origin in solved]

    def _measured(self, expression: Any) -> Any:
        """The expression, checked, of one unit."""
        found = self._checked(expression)
        self._check_units(found, 0)
        return found

    def _check_units(self, left: Any, right: Any) -> None:
        units = {one.symbol: one.unit for one in self._declared.values() if one.unit}
        if not units:
            return
        from theory.lines.units import unlike

        roots = self._known_roots(left, right)
        units |= {root: units[root.equation[2]] for root in roots if root.equation[2] in units}
        if wrong := unlike(left, right, units):
            raise ValueError(f"unlike units: {wrong}")

    def _root_name(self, symbol: Any, code: str) -> str:
        assigned = re.match(r"(\w+)\s*=[^=]", code)
        name = assigned[1] if assigned else f"{symbol.name}_*"
        taken = {*self._declared, *(root.name for root in self._roots)}
        while name in taken:
            name += "_*"
        return name

    def _add(self, line: Line) -> Line:
        """Add a line, its roots as plain symbols; one in which something was put in is known by the line that it comes from."""
        if any(other.name == line.name for other in self.lines):
            raise ValueError(f"there is a line {line.name!r} already; give this one another name")
        from theory.lines.root import written_plainly

        for root in self._known_roots(*line.expressions):
            if root.plain not in self._roots:
                origin = next(other for symbol, other in self._roots.items() if symbol.name == root.origin)
                value, *equation = map(written_plainly, (root.value, *root.equation))
                self._roots[root.plain] = replace(origin, sides=(root.plain, value), equation=tuple(equation))
        self.lines.append(line.over(written_plainly))
        return self.lines[-1]


def check(derivation: Derivation, *, timeout: float = 20.0, needs: bool = False, only: str = "") -> Derivation:
    """Judge the lines of a derivation, each within limits of time and memory, and return it.

    Args:
        derivation: judged where it is not yet.
        timeout: seconds for a line.
        needs: find which declared assumptions each line needs, too.
        only: the name of one line to judge alone.
    """
    from functools import partial

    from theory.judgement.limited import ask

    return derivation.judged(partial(ask, timeout=timeout), needs=needs, only=only)


def judge(
    left: Any,
    right: Any,
    relation: str = "=",
    *,
    at: tuple[Any, ...] | None = None,
    assume: Any = (),
    timeout: float = 5.0,
) -> Judgement:
    """Whether one line holds wherever the assumptions of its sympy symbols admit, found within limits of time and memory.

    Args:
        left: the left side.
        right: the right side.
        relation: `=`, `<`, `<=`, `>`, `>=`, `!=`; `tends` where left goes to right, `leading` where left / right goes to 1.
        at: of a limit, (symbol, point) or (symbol, point, side).
        assume: relations between the symbols, such as h < t.
        timeout: seconds.

    Raises:
        ValueError: for a float, a relation that is none of these, a limit without its point, a timeout that is not positive.
    """
    from theory.judgement.limited import ask
    from theory.lines.declared import exact
    from theory.lines.judging import JUDGE, turned

    if relation not in (*CHAINED, "tends", "leading"):
        raise ValueError(f"expected one of the relations {' '.join(CHAINED)} tends leading, got {relation!r}")
    if relation in ("tends", "leading") and at is None:
        raise ValueError(f"a line that {relation} needs at=(symbol, point) or (symbol, point, side)")
    return ask(JUDGE, *turned(exact(left), exact(right), relation), at=at, assume=tuple(assume), timeout=timeout)


@contextmanager
def collected() -> Iterator[list[Derivation]]:
    """The derivations that are made inside, in order."""
    made: list[Derivation] = []
    token = MADE.set(made)
    try:
        yield made
    finally:
        MADE.reset(token)
