"""Law: what must hold of a quantity, whatever its formula is.

A law compares two sides at a setting, each off by as much as its tolerance says; it is broken where they differ by more.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties.subject import Subject

__all__ = ["Case", "Law", "Sides", "law", "lawgiver", "lawgivers"]

Array = NDArray[np.float64]
Relation = Literal["=", "<=", ">="]
SMALLEST = 1e-290  # below, float64 has not all its digits


@dataclass(frozen=True)
class Case:
    """Where a law is asked.

    Attributes:
        setting: at which.
        size: a positive number for the law to step, scale or add by.
        pick: a natural number for it to choose by.
    """

    setting: Setting
    size: float = 2.0
    pick: int = 0

    @property
    def at(self) -> Setting:
        """The setting, as `CloudCase` has a cloud."""
        return self.setting


@dataclass(frozen=True)
class Sides:
    """What a law compares.

    Attributes:
        left, right: the two sides, of shapes that broadcast.
        relation: that must hold between them.
        tolerance: by which it may be missed.
        at: the settings, or clouds, that the subject was called at.
        words: what the sides are.
    """

    left: Array
    right: Array
    tolerance: Array
    at: tuple[Any, ...]
    words: tuple[str, str] = ("left", "right")
    relation: Relation = "="

    @property
    def excess(self) -> Array:
        """By how much the relation is missed, 0 where it holds; infinite where one side alone is infinite or not a number."""
        left, right, tolerance = np.broadcast_arrays(self.left, self.right, self.tolerance)
        with np.errstate(all="ignore"):
            miss = {"=": np.abs(left - right), "<=": left - right, ">=": right - left}[self.relation]
            certain = np.isfinite(tolerance) | np.isneginf(miss)
            holds = ((miss <= tolerance) & certain) | (left == right) | (np.isnan(left) & np.isnan(right))
            tiny = (np.abs(left) < SMALLEST) & (np.abs(right) < SMALLEST)
        unordered = self.relation != "=" and np.isnan(left) | np.isnan(right)
        return np.where(holds | tiny | unordered, 0.0, np.where(np.isfinite(miss), miss, np.inf))

    @property
    def broken(self) -> bool:
        """Whether the relation does not hold."""
        return bool((self.excess > 0).any())

    @property
    def drama(self) -> float:
        """The largest relative error beyond the tolerance, as a logarithm; -inf where the relation holds."""
        left, right, excess = np.broadcast_arrays(self.left, self.right, self.excess)
        with np.errstate(all="ignore"):
            share = excess / np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-300)
            share = np.where(excess > 0, np.nan_to_num(share, nan=1.0, posinf=1.0), 0.0)
            return float(np.log(share.max(initial=0.0)))

    @property
    def worst(self) -> tuple[float, float]:
        """Both sides where it is missed most."""
        left, right, excess = np.broadcast_arrays(self.left, self.right, self.excess)
        with np.errstate(all="ignore"):
            share = excess / np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-300)
        k = int(np.argmax(np.where(np.isfinite(share), share, np.where(excess > 0, np.inf, 0.0))))
        return float(left.flat[k]), float(right.flat[k])


@dataclass(frozen=True)
class Law:
    """A law.

    Attributes:
        name: as it is asked for, with its arguments: `scaling(1)`.
        sentence: what it says, for people.
        statement: the same in LaTeX.
        check: the two sides for a subject at a case; None where the law says nothing there.
        reference: where it comes from.
        needs: whether it says anything of a subject.
        anchored: whether it has a constant in it, which tells 1.05 from 1.
        of_points: whether it is of functions of points and data, not of a setting.
    """

    name: str
    sentence: str
    statement: str
    check: Callable[[Any, Any], Sides | None]
    reference: str = ""
    needs: Callable[[Subject], bool] = field(default=lambda _: True)
    anchored: bool = False
    of_points: bool = False

    def fits(self, subject: Subject) -> bool:
        """Whether it may be asked of a subject."""
        return self.of_points == subject.of_points and self.needs(subject)

    def __str__(self) -> str:
        return self.name


LAWGIVERS: dict[str, Callable[..., Law]] = {}


def lawgiver(make: Callable[..., Law]) -> Callable[..., Law]:
    """Register a function that makes a law of its arguments, by its name."""
    LAWGIVERS[make.__name__.strip("_")] = make
    return make


def lawgivers() -> dict[str, Callable[..., Law]]:
    """All, by name."""
    from validation.properties import (  # noqa: F401  (they register)
        calculus,
        given,
        limits,
        order,
        places,
        points,
        relations,
        slopes,
        smoothing,
        structure,
        values,
    )

    return LAWGIVERS


def law(text: str | Law) -> Law:
    """A law from its text, `scaling(1)` or `monotone(samples, down)`.

    Raises:
        ValueError: for a name that is none, or arguments it does not take.
    """
    if isinstance(text, Law):
        return text
    known = lawgivers()
    name, arguments = _read(text)
    if name not in known:
        raise ValueError(
            f"a law is one of {', '.join(sorted(known))}, with its arguments as in scaling(1); got {text!r}"
        )
    try:
        return known[name](*arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the law {name} cannot be read from {text!r}: {error}") from None


def _read(text: str) -> tuple[str, Sequence[Any]]:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(
            f"a law is written NAME or NAME(ARGUMENTS), as in scaling(1); got {text!r} ({error.msg})"
        ) from None
    if isinstance(tree, ast.Name):
        return tree.id, ()
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)) or tree.keywords:
        raise ValueError(f"a law is written NAME or NAME(ARGUMENTS), as in scaling(1); got {text!r}")
    return tree.func.id, [ast.unparse(one) for one in tree.args]
