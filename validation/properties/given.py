"""Another law, asked where it says more: settings of which half have no kernel, or no second centre, are given one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from theory.setting import Setting
from validation.properties.law import Case, Law, Sides, law, lawgiver
from validation.properties.subject import Subject

__all__ = ["given"]

WIDEST = 4.0  # between centres, in standard deviations


def _with_bandwidth(setting: Setting, share: float) -> Setting:
    """Below t, so that averages over x exist."""
    return setting if setting.bandwidth else setting.at(bandwidth=float(setting.t.min()) * share)


def _with_separation(setting: Setting, share: float) -> Setting:
    apart = WIDEST * share * float(np.sqrt(setting.manifold.variances[0]))
    return setting if setting.ensemble == "mixture" else setting.at(ensemble="mixture", separation=apart)


GIVEN = {"bandwidth": _with_bandwidth, "separation": _with_separation}


@lawgiver
def given(argument: str, text: str) -> Law:
    """Another law, where there is a bandwidth, or a separation of two centres: a setting that has none is given one."""
    if argument not in GIVEN:
        raise ValueError(f"given takes bandwidth or separation; got {argument!r}")
    inner, move = law(text), GIVEN[argument]

    def check(f: Subject, case: Case) -> Sides | None:
        return inner.check(f, replace(case, setting=move(case.setting, case.size / (1 + case.size))))

    return Law(
        f"given({argument}, {inner.name})",
        f"with a {argument}, {inner.sentence}",
        inner.statement,
        check,
        inner.reference,
        lambda f: inner.needs(f) and (argument in f.about.follows if argument == "bandwidth" else _mixes(f)),
        inner.anchored,
    )


def _mixes(f: Subject) -> bool:
    return "mixture" in f.about.ensembles
