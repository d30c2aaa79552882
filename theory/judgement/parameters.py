"""Parameters: what an integral depends on, a sum that is shown to be positive, as one positive symbol that its rules know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import sympy as sp

from theory.judgement.closed_forms import ClosedForm, closed_form
from theory.judgement.positivity import is_shown

__all__ = ["closed_form_by_parameters"]


def closed_form_by_parameters(integral: sp.Integral, assume: Sequence[sp.Basic] = ()) -> ClosedForm | None:
    """A closed form for all positive values of such parameters, with theirs put in; None where there are none, or no form.

    Args:
        integral: of which no rule knows that, say, a variance 1 - exp(-2 t) is positive.
        assume: relations between the symbols.
    """
    swaps: dict[sp.Expr, sp.Expr] = {}
    names: dict[sp.Expr, sp.Dummy] = {}
    trusts: list[str] = []
    for total in sorted(set(_parameters(integral.function, set(integral.variables))), key=sp.default_sort_key):
        content, positive = total.primitive()
        shown = is_shown(positive, True, assume)
        if not shown and (shown := is_shown(-positive, True, assume)):
            content, positive = -content, -positive
        if shown:
            swaps[total] = content * names.setdefault(positive, sp.Dummy("v", positive=True))
            trusts += shown[1:]
    if not swaps:
        return None
    form = closed_form(sp.Integral(integral.function.xreplace(swaps), *integral.limits))
    if form is None:
        return None
    value = form.value.xreplace({name: positive for positive, name in names.items()})
    return replace(form, value=value, trusts=", ".join(dict.fromkeys((form.trusts, *trusts))))


def _parameters(e: sp.Basic, variables: Collection[sp.Symbol]) -> Iterator[sp.Add]:
    """The largest sums without the variables of integration, whose sign sympy does not know."""
    if isinstance(e, sp.Add) and not e.free_symbols & set(variables):
        if e.free_symbols and e.is_positive is None:
            yield e
        return
    for part in e.args:
        yield from _parameters(part, variables)
