"""Derived: what a derivation found, from the cache or anew.

Derivations take seconds and their results a few kilobytes: of each formula the expression, its LaTeX and its float64 code;
and, once they are asked for, the steps with their verdicts. Both are kept in the cache directory by the hash of the sources
they rest on, verdicts by those of the judge too, and may be deleted there at any time. A file that is truncated, altered or
of another key is as good as none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theory.algebra import code
from theory.derivation import Derivation, Step
from theory.formula import Formula
from theory.source import cache_directory, fingerprint, keep, kept

if TYPE_CHECKING:
    import sympy as sp

    from theory.lines.judging import Ask

__all__ = ["derived"]

UNREADABLE = (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError)
TOLD = "prediction", "statement", "source", "assumptions"
JUDGES = "theory.judgement.judge", "theory.lines.judging"


def derived(module: str) -> Callable[[], Derivation]:
    """What `derive()` of a module returns, as a function that derives, and judges, only what is not in the cache."""

    @cache
    def derivation() -> Derivation:
        """The formulas, and the steps with their verdicts where they are asked for; kept in the cache, by source."""
        path = _place("formulas", module)
        if (content := kept(path)) is not None:
            with suppress(*UNREADABLE):
                return _Kept(
                    module, content, {name: _KeptFormula(name, record) for name, record in content["formulas"].items()}
                )
        made = import_module(module).derive()
        content = {name: getattr(made, name) for name in TOLD}
        with suppress(ValueError):  # a formula whose code is not arithmetic is derived every time
            _keep(path, content | {"formulas": {name: _record(formula) for name, formula in made.formulas.items()}})
        return _Kept(module, content, made.formulas, made)

    return derivation


class _Kept(Derivation):
    """A derivation by its formulas, its lines read or judged once they are asked for."""

    def __init__(
        self, module: str, content: Mapping[str, Any], formulas: Mapping[str, Formula], made: Derivation | None = None
    ) -> None:
        prediction, statement, source, assumptions = (content[name] for name in TOLD)
        super().__init__(prediction, statement, source, assumptions, formulas=formulas)
        self._module, self._made = module, made

    def judged(self, ask: Ask | None = None, *, needs: bool = False, only: str = "") -> Derivation:
        """With its steps, from the cache where they are all that is wanted."""
        if needs or only:
            return import_module(self._module).derive().judged(ask, needs=needs, only=only)
        if not self._steps:
            path = _place("steps", self._module, *JUDGES)
            steps = None
            with suppress(*UNREADABLE):
                steps = [Step.of(step) for step in (kept(path) or {})["steps"]]
            if steps is None:
                made = self._made or import_module(self._module).derive()
                steps = made.judged(ask).judged_steps
                _keep(path, {"steps": [asdict(step) for step in steps]})
            self._steps, self._made = {step.name: step for step in steps}, None
        return self


class _KeptFormula(Formula):
    """A formula from the cache, its expression restored only where it is asked for."""

    def __init__(self, name: str, kept: Mapping[str, Any]) -> None:
        code.check_function(kept["code"])
        for text in (kept["srepr"], *kept["arguments"]):
            code.check_expression(text)
        domain = tuple(kept["domain"])
        vars(self).update(name=name, code=kept["code"], domain=domain, latex=kept["latex"], _kept=kept)

    @cached_property
    def expression(self) -> sp.Expr:
        """The right-hand side, as the derivation left it."""
        return code.expression(vars(self)["_kept"]["srepr"])

    @cached_property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The arguments, in order."""
        return tuple(map(code.expression, vars(self)["_kept"]["arguments"]))

    def compiled_with(self, **functions: Callable[..., Any]) -> Callable[..., Any]:
        """The float64 evaluation without domain checks, with other functions of some names."""
        return code.function(self.code, **functions)


def _place(what: str, *modules: str) -> Path:
    """Where it is kept: the name says what it rests on."""
    rests_on = fingerprint(*modules, __name__), version("sympy"), version("python-flint")
    key = hashlib.sha256(" ".join(rests_on).encode()).hexdigest()[:16]
    return cache_directory() / "derivations" / f"{modules[0].rpartition('.')[2]}-{what}-{key}.json"


def _keep(path: Path, content: Mapping[str, Any]) -> None:
    """Keep it, and delete what was kept for other sources; a directory that cannot be written is no error."""
    with suppress(OSError):
        keep(path, content)
        for other in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.json"):
            if other != path:
                other.unlink(missing_ok=True)


def _record(formula: Formula) -> dict[str, Any]:
    """What is kept of a formula.

    Raises:
        ValueError: where its code is not arithmetic.
    """
    from sympy import srepr

    kept = {
        "code": formula.code,
        "srepr": srepr(formula.expression),
        "arguments": [srepr(s) for s in formula.symbols],
        "domain": list(formula.domain),
        "latex": formula.latex,
    }
    _KeptFormula(formula.name, kept)
    return kept
