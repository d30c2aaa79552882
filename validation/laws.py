"""Laws: property tests for anybody's formula.

A formula for a quantity of this field must scale, split, fall and end as the quantity does, whatever it looks like.

    from validation.laws import assert_laws

    def test_my_formula():
        assert_laws(my_loss_time, dims=("subspace",), laws=["scaling(2)", "permutation", "splitting", "monotone(samples, down)"])
        assert_laws(my_kl, like="kl_bound.kl_exact")
        assert_laws(my_score, like="gibbs.score")

hypothesis draws the settings, and a counterexample comes back small, as code to paste. See docs/laws.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from validation.properties.catalogue import declared
from validation.properties.cloud import Cloud, CloudCase
from validation.properties.field import field, is_of_points
from validation.properties.law import Case, Law, Sides, law, lawgivers
from validation.properties.subject import Subject, catalogued, subject

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from validation.properties.search import Broken, Found

__all__ = [
    "Case",
    "Cloud",
    "CloudCase",
    "Law",
    "LawError",
    "Sides",
    "Subject",
    "assert_laws",
    "each_law",
    "examine",
    "known_laws",
    "laws_for",
]

ACCURACY = 1e-9


class LawError(AssertionError):
    """Laws that a formula breaks.

    Attributes:
        broken: each with its law, the simplest case, and the sides there.
    """

    def __init__(self, message: str, broken: tuple[Broken, ...]) -> None:
        super().__init__(message)
        self.broken = broken


def laws_for(name: str) -> tuple[Law, ...]:
    """The laws that a quantity of the catalogue obeys, as `kl_bound.kl_exact`, or of the engine, as `gibbs.score`.

    Raises:
        ValueError: for a name that is not in the catalogue.
    """
    return declared(name)


def known_laws() -> dict[str, str]:
    """Every law by its name, with what it says."""
    return {name: (make.__doc__ or "").split("\n")[0] for name, make in sorted(lawgivers().items())}


def assert_laws(
    function: Callable[..., Any],
    *,
    dims: Sequence[str] | None = None,
    laws: Iterable[str | Law] | None = None,
    like: str | None = None,
    accuracy: float = ACCURACY,
    where: SearchStrategy[Any] | None = None,
    **options: Any,
) -> None:
    """Search for settings where a formula breaks a law.

    Args:
        function: of a `Setting`, or of letters: lam (a variance), lams (all), m, dims, d, D, t, N, T, h, x. With lam and
            without m it is of one direction. Or of points x (M, D), data (N, D) and t, a number, as a score.
        dims: of what it returns, from `time`, `subspace`, `sample`; those of `like`, or `time` where it takes t. At points
            ("point",), ("point", "direction"), ("point", "direction", "direction") or ("point", "sample").
        laws: by name, `scaling(1)`, or `Law` objects of your own.
        like: a quantity of the catalogue, or of the engine, as gibbs.score: all its laws, and that quantity itself.
        accuracy: relative, that the function's own method has; rounding is measured and comes on top.
        where: a strategy of settings to draw from, or of `Cloud`.
        options: of `hypothesis.settings`, such as `max_examples`.

    Raises:
        LawError: an AssertionError, with each broken law in its message.
        ValueError: where there is no law, one is unknown or needs other dims, or the function takes or returns what does not
            fit.
    """
    __tracebackhide__ = True
    examined = examine(function, dims=dims, laws=laws, like=like, accuracy=accuracy, where=where, **options)
    _raise([(tried, found.broken) for tried, found in examined if found.broken])


def _raise(broken: Sequence[tuple[Subject, Broken]]) -> None:
    from validation.properties.report import reports

    __tracebackhide__ = True  # of pytest: what is broken is in the message
    if broken:
        raise LawError("\n\n".join(reports(broken)), tuple(one for _, one in broken))


def each_law(
    function: Callable[..., Any],
    *,
    dims: Sequence[str] | None = None,
    laws: Iterable[str | Law] | None = None,
    like: str | None = None,
    accuracy: float = ACCURACY,
    **options: Any,
) -> dict[str, Callable[[], None]]:
    """What `assert_laws` asserts as a test for each law, by its name; arguments and errors are its own."""
    from validation.properties.search import search

    tried, chosen = _chosen(function, dims, laws, like, accuracy)

    def test(one: Law) -> None:
        __tracebackhide__ = True
        found = search(tried, one, **options)
        _raise([(tried, found.broken)] if found.broken else [])

    return {one.name: partial(test, one) for one in chosen}


def examine(
    function: Callable[..., Any],
    *,
    dims: Sequence[str] | None = None,
    laws: Iterable[str | Law] | None = None,
    like: str | None = None,
    accuracy: float = ACCURACY,
    where: SearchStrategy[Any] | None = None,
    **options: Any,
) -> Iterator[tuple[Subject, Found]]:
    """What `assert_laws` asserts, law by law, as it is found; arguments and errors are its own."""
    from validation.properties.search import search

    tried, chosen = _chosen(function, dims, laws, like, accuracy)
    for one in chosen:
        yield tried, search(tried, one, where=where, **options)


def _chosen(
    function: Callable[..., Any],
    dims: Sequence[str] | None,
    laws: Iterable[str | Law] | None,
    like: str | None,
    accuracy: float,
) -> tuple[Subject, tuple[Law, ...]]:
    """The function as a subject, and the laws it is held to.

    Raises:
        ValueError: as `assert_laws`.
    """
    if not 0 < accuracy < 1:
        raise ValueError(f"the accuracy must be a relative one, between 0 and 1, got {accuracy!r}")
    reference = catalogued(like) if like else None
    about, least = (reference.about, reference.accuracy) if reference else (None, 0.0)
    make = field if is_of_points(function, dims, about) else subject
    tried = make(function, dims, about, max(accuracy, least))
    asked = [law(one) for one in laws or ()]
    if unfit := [one.name for one in asked if not one.fits(tried)]:
        told = ", ".join(tried.about.dims) or "none"
        raise ValueError(f"the law {unfit[0]} says nothing of {tried.name}, of the dims {told} and these arguments")
    if like:
        asked += [one for one in (*laws_for(like), law(f"agrees({like})")) if one.fits(tried)]
    if not asked:
        raise ValueError(
            "name laws, as laws=['scaling(1)'], or a quantity of the catalogue, as like='collapse.collapse_time'"
        )
    return tried, tuple({one.name: one for one in asked}.values())
