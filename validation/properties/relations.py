"""Laws of relation: to a quantity of the catalogue, and to what a quantity becomes where nothing is applied to the score."""

from __future__ import annotations

import numpy as np

from validation.properties.law import Case, Law, Sides, lawgiver
from validation.properties.subject import Subject, catalogued

__all__ = ["agrees", "approaches"]

DECADES = 12
NEAR, NEARER = 0.1, 1e-9  # relative errors between which an order is measured
SLACK = 0.3  # of an order, that is measured over a decade


@lawgiver
def agrees(name: str) -> Law:
    """It is a quantity of the catalogue."""
    known = catalogued(name)

    def check(f: Subject, case: Case) -> Sides:
        at = case.at
        tolerance = f.tolerance(at) + known.tolerance(at)
        return Sides(f(at), known(at), tolerance, (at,), ("value", name))

    return Law(
        f"agrees({name})", f"it is {name}", rf"f = \mathrm{{{name}}}", check, anchored=True, of_points=known.of_points
    )


@lawgiver
def approaches(name: str, order: str) -> Law:
    """As N grows its relative distance from a quantity of the catalogue falls as N^-order."""
    known = catalogued(name)

    def check(f: Subject, case: Case) -> Sides | None:
        plain = case.setting
        errors, at = [], []
        for k in range(1, DECADES):
            setting = plain.at(samples=10**k)
            with np.errstate(all="ignore"):
                error = np.abs(f(setting) / known(setting) - 1)
            errors.append(error)
            at.append(setting)
            if error.max() < NEAR and len(errors) > 1 and errors[-2].max() < NEAR:
                break
        else:
            return None
        coarse, fine = errors[-2:]
        tolerance = NEARER + f.tolerance(at[-1]) / np.abs(f(at[-1]))
        return Sides(
            fine,
            coarse * 10 ** -(float(order) - SLACK),
            tolerance,
            (at[-1], at[-2]),
            ("error with ten times the samples", f"error times 10^-{float(order) - SLACK:g}"),
            "<=",
        )

    return Law(
        f"approaches({name}, {order})",
        f"as N grows it approaches {name}, the error falling as N^-{order}",
        rf"f / \mathrm{{{name}}} = 1 + O(N^{{-{order}}})",
        check,
        anchored=True,
    )
