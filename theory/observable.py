"""Observable: what a prediction says of one quantity, declared once, at the function that evaluates it.

    @observable("time", kind="limit", symbol="Y_2", of="participation", scaling=0, anywhere=True)
    def participation_asymptotic(setting): ...

The function stays a function of a setting; what is declared is its attribute `observable`. Names follow one rule, with
X or X_exact for what is approximated: its limit is X_asymptotic, an order in 1/N X_leading, or X_annealed and X_typical where
it is averaged over x before or after its logarithm is taken, a published formula X_published.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from typing import Any, Literal, TypeVar

from theory.setting import ENSEMBLES, Setting, without_remedies

__all__ = [
    "DIMS",
    "KINDS",
    "PARTS",
    "Observable",
    "coordinates",
    "gaussian_only",
    "observable",
    "observables",
    "part_of",
]

Kind = Literal["exact", "limit", "leading", "published", "bound", "model"]
KINDS: dict[Kind, str] = {
    "exact": "at every N and D",
    "limit": "for log N = O(D) large, or in the limit named",
    "leading": "to leading order in 1/N",
    "published": "as published, right or wrong",
    "bound": "of an error, or the size from which on it is small",
    "model": "the limit of a simpler model",
}
DIMS = {"time": "T", "training": "S", "subspace": "K", "bulk": "3", "place": "3", "sample": "N"}
PARTS = {"bulk": ("slow", "sample", "population"), "place": ("fresh", "trajectory", "generated")}
"""What those are that are the same in every setting: bulks of a spectrum, and where x is."""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Observable:
    """What is declared of a quantity.

    Attributes:
        name: of the function.
        dims: of what it returns, in the order of DIMS.
        kind: one of KINDS.
        symbol: LaTeX.
        of: the observable it approximates.
        scaling: d, where x -> c x, lambda -> c^2 lambda and t -> c^2 t, in the schedule `ve`, take the value to c^d times
            itself; None where it is not homogeneous.
        anywhere: whether it follows x: fresh or on trajectories, averaged over or at one point.
        slow: whether a call takes seconds, not milliseconds.
        ensembles: that it is derived for.
        follows: which of temperature and bandwidth it depends on.
        directions: how many it is known in; None for any number.
        subspaces: how many it is known in; None for any number.
        ambient: the least ambient dimension it is known in.
        accuracy: relative, of the method that evaluates it.
        network: whether it is of a trained network.
    """

    name: str
    dims: tuple[str, ...]
    kind: Kind
    symbol: str
    of: str | None = None
    scaling: float | None = None
    anywhere: bool = False
    slow: bool = False
    ensembles: tuple[str, ...] = ("gaussian",)
    follows: tuple[str, ...] = ()
    directions: int | None = None
    subspaces: int | None = None
    ambient: int = 1
    accuracy: float = 1e-12
    network: bool = False

    def __post_init__(self) -> None:
        if self.dims != tuple(d for d in DIMS if d in self.dims):
            raise ValueError(f"dims of {self.name} must be from {', '.join(DIMS)}, in that order, got {self.dims}")
        if self.kind not in KINDS:
            raise ValueError(f"the kind of {self.name} must be one of {', '.join(KINDS)}, got {self.kind!r}")

    def fits(self, setting: Setting) -> bool:
        """Whether it is known in as many directions, subspaces and dimensions as the setting has."""
        manifold = setting.manifold
        counts = (self.directions, manifold.intrinsic_dimension), (self.subspaces, len(manifold.subspaces))
        return all(known in (None, asked) for known, asked in counts) and manifold.ambient_dimension >= self.ambient

    @property
    def shape(self) -> str:
        """Its shape in letters, () for a number."""
        letters = [DIMS[d] for d in self.dims]
        return f"({letters[0]},)" if len(letters) == 1 else f"({', '.join(letters)})"


def observable(*dims: str, kind: Kind, symbol: str, **declared: Any) -> Callable[[F], F]:
    """Declare a function of a setting an observable: refuse ensembles it is not derived for, end its docstring by its shape.

    Args:
        dims: of what it returns, in the order of DIMS.
        kind: one of KINDS.
        symbol: LaTeX.
        declared: further attributes of `Observable`.

    Raises:
        ValueError: for other dims, or another kind.
    """

    def declare(function: F) -> F:
        known = Observable(function.__name__, dims, kind, symbol, **declared)

        @wraps(function)
        def checked(setting: Setting, *others: Any, **named: Any) -> Any:
            _derived_for(setting, known.name, known.ensembles)
            without_remedies(setting, known.name, known.follows, network=known.network)
            _in_directions(setting, known)
            with _one_thread_each() if known.slow else nullcontext():
                return function(setting, *others, **named)

        checked.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{_ending(known)}"
        checked.observable = known  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return declare


def _one_thread_each() -> AbstractContextManager[None]:
    from theory.one_thread import OneThreadEach  # slow to import

    return OneThreadEach()


def observables(module: ModuleType) -> dict[str, Observable]:
    """The observables that a module defines, in that order, by name."""
    defined = ((name, getattr(f, "observable", None)) for name, f in vars(module).items() if _is_of(f, module))
    return {name: found for name, found in defined if isinstance(found, Observable)}


def part_of(dims: Sequence[str]) -> str | None:
    """Which of its dims an observable has several values of at one point, subspaces, bulks or places."""
    return next((dim for dim in dims if dim in ("subspace", *PARTS)), None)


def coordinates(setting: Setting) -> dict[str, Sequence[Any]]:
    """Of every dim what it runs over at a setting."""
    known: dict[str, Sequence[Any]] = {
        "time": setting.times.tolist(),
        "training": setting.network.times if setting.network else (),
        "subspace": range(len(setting.manifold.subspaces)),
        "sample": range(setting.samples),
    }
    return known | PARTS


def gaussian_only(setting: Setting, what: str) -> None:
    """Refuse a setting whose ensemble the formula was not derived for.

    Raises:
        ValueError: unless the ensemble is `gaussian`.
    """
    _derived_for(setting, what, ("gaussian",))


def _derived_for(setting: Setting, what: str, ensembles: Sequence[str]) -> None:
    if setting.ensemble not in ensembles:
        known = " and ".join(ensembles)
        raise ValueError(
            f"{what} is derived for the {known} ensemble, got {setting.ensemble!r}; geomem simulate measures any"
        )


def _in_directions(setting: Setting, known: Observable) -> None:
    if not known.fits(setting):
        parts = (known.directions, "direction"), (known.subspaces, "subspace"), (known.ambient, "dimensions or more")
        where = next(f"{count} {what}" for count, what in parts if count)
        raise ValueError(f"{known.name} is known in {where}, got {setting.manifold}")


def _is_of(function: Any, module: ModuleType) -> bool:
    return getattr(function, "__module__", None) == module.__name__


def _ending(known: Observable) -> str:
    lines = ["Returns:", f"    {'shape ' + known.shape if known.dims else 'a number'}, {KINDS[known.kind]}."]
    refused = []
    if set(known.ensembles) < set(ENSEMBLES):
        refused.append(f"    ValueError: for another ensemble than {' and '.join(known.ensembles)}.")
    if known.directions is not None:
        refused.append(f"    ValueError: for a manifold of another number of directions than {known.directions}.")
    if known.subspaces is not None:
        refused.append(f"    ValueError: for a manifold of another number of subspaces than {known.subspaces}.")
    if known.network:
        refused.append("    ValueError: for a setting without a network.")
    if known.ambient > 1:
        refused.append(f"    ValueError: in fewer than {known.ambient} dimensions.")
    if refused:
        lines += ["", "Raises:", *refused]
    return "\n".join(lines)
