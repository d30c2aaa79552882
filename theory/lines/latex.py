"""LaTeX that is read: only what prints back as it was written, so that the line judged is the line of the paper.

It is parsed by sympy's grammar for lark (`geomem[latex]`). A formula that has several readings is taken in the one that
prints back; one that has none is refused, with what would be printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from theory.lines.declared import declaration

__all__ = ["parsed"]

SPACES = re.compile(r"\\[,;:! ]|\\quad|~|\s+")
MOST = 64  # readings


def parsed(text: str, declared: Mapping[str, sp.Symbol]) -> sp.Expr:
    """The expression that a formula stands for, in declared symbols.

    Args:
        text: LaTeX without dollar signs.
        declared: the symbols, by name.

    Raises:
        ValueError: where lark is not installed, the formula is not understood, a symbol of it is not declared, or it prints
            back as another one.
    """
    named = {_plain(sp.latex(s)): s for s in declared.values()}
    found = [_with_symbols(reading, named) for reading in _readings(text)]
    for expression in found:
        if _plain(sp.latex(expression)) == _plain(text):
            _check_declared(expression, declared, text)
            return expression
    prints = f"; read so it prints as {sp.latex(found[0])}" if found else ""
    raise ValueError(f"{text} is not what sympy prints{prints}. Write it in that form, or as a sympy expression")


def _readings(text: str) -> list[sp.Expr]:
    try:
        from lark.exceptions import LarkError  # type: ignore[import-not-found,unused-ignore]
        from sympy.parsing.latex import parse_latex
    except ImportError:
        raise ValueError("LaTeX is read with lark; install it by pip install 'geomem[latex]', or write sympy") from None
    try:
        tree = parse_latex(text, backend="lark")
    except (LarkError, TypeError, ValueError, AttributeError, sp.SympifyError):
        raise ValueError(f"{text} is not understood as LaTeX; write it as a sympy expression") from None
    return [e for _, e in zip(range(MOST), _unfolded(tree), strict=False)]


def _unfolded(tree: Any) -> Iterator[sp.Expr]:
    """The readings of a formula."""
    if isinstance(tree, sp.Expr):
        yield tree
    for child in getattr(tree, "children", ()):
        yield from _unfolded(child)


def _with_symbols(e: sp.Expr, named: Mapping[str, sp.Symbol]) -> sp.Expr:
    """The expression in declared symbols, and in the numbers e, i and pi where these are not declared."""
    known = {"e": sp.E, "i": sp.I, r"\pi": sp.pi} | dict(named)
    return e.subs({s: known[_plain(sp.latex(s))] for s in e.free_symbols if _plain(sp.latex(s)) in known})


def _check_declared(e: sp.Expr, declared: Mapping[str, sp.Symbol], text: str) -> None:
    for s in sorted(e.free_symbols - set(declared.values()), key=str):
        raise ValueError(f"{s} in {text} is not declared; {declaration(s)}")


def _plain(text: str) -> str:
    r"""The formula without spaces; {x}_{C} of one letter as x_C."""
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", SPACES.sub("", text))
