"""The laws of the catalogue: what an observable's declaration says by itself, and the table LAWS of its prediction."""

from __future__ import annotations

import importlib

from theory.observable import Observable
from validation.properties import gibbs
from validation.properties.law import Law, law
from validation.properties.subject import Subject, catalogued

__all__ = ["declared"]

EVERYWHERE = "permutation", "splitting"


def declared(name: str) -> tuple[Law, ...]:
    """All laws of an observable PREDICTION.OBSERVABLE.

    Raises:
        ValueError: for a name that is not in the catalogue.
    """
    known = catalogued(name)
    prediction, _, observable = name.partition(".")
    if known.of_points:
        return tuple(law(text) for text in gibbs.laws(observable))
    module = importlib.import_module(f"theory.predictions.{prediction}")
    texts = (*_implied(known), *map(str.strip, module.LAWS[observable].split(";")))
    return tuple(law(text) for text in dict.fromkeys(texts))


def _implied(known: Subject) -> list[str]:
    """What follows from the dims and the degree that it declares."""
    about: Observable = known.about
    found = [] if about.scaling is None else [f"scaling({about.scaling:g})"]
    return found + [text for text in EVERYWHERE if law(text).needs(known)]
