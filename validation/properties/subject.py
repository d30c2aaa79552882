"""Subject: anybody's formula as a function of a setting, with what its rounding is worth measured by perturbed inputs."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from theory.observable import DIMS, Observable, coordinates
from theory.setting import LinearManifold, Setting, Subspace
from validation.properties.cloud import Cloud

__all__ = ["CallError", "Subject", "catalogued", "perturbed", "roughly", "rounding", "subject"]

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
STEPS = 4 * EPS, -4 * EPS, 3 * EPS  # relative, that inputs are perturbed by
FINEST, FINE, COARSE = 1e-6, 1e-3, 0.1  # relative, over which a value is smooth but for its rounding
SPREAD, ROUNDINGS = 8.0, 64.0  # tolerance: times the change that perturbed inputs make, and roundings of the value
CAREFUL = ContextVar("CAREFUL", default=True)
DEFAULT = Observable("f", (), "exact", "f")

_READ: dict[str, Callable[[Setting], Any]] = {
    "lam": lambda s: s.manifold.variances[0],
    "lams": lambda s: s.manifold.variances,
    "m": lambda s: int(s.manifold.dimensions[0]),
    "dims": lambda s: s.manifold.dimensions,
    "d": lambda s: s.manifold.intrinsic_dimension,
    "D": lambda s: s.manifold.ambient_dimension,
    "spectrum": lambda s: s.manifold.spectrum,
    "t": lambda s: s.t,
    "N": lambda s: s.samples,
    "T": lambda s: s.temperature,
    "h": lambda s: s.bandwidth,
    "separation": lambda s: s.separation,
    "p": lambda s: s.network.features if s.network else None,
    "training": lambda s: s.network.times[0] if s.network else None,
    "ridge": lambda s: s.network.ridge if s.network else None,
    "x": lambda s: np.array(s.point) if s.point else None,
    "setting": lambda s: s,
}
_ALIASES = {
    "lambda_": "lam",
    "variance": "lam",
    "variances": "lams",
    "lambdas": "lams",
    "dimension": "m",
    "dimensions": "dims",
    "ms": "dims",
    "ambient_dimension": "D",
    "time": "t",
    "times": "t",
    "noise_variance": "t",
    "n": "N",
    "samples": "N",
    "temperature": "T",
    "bandwidth": "h",
    "features": "p",
    "training_time": "training",
    "point": "x",
}


class CallError(Exception):
    """A user's function raises.

    Attributes:
        error: what.
        at: the setting, or the cloud.
    """

    def __init__(self, error: Exception, at: Any) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error, self.at = error, at


@dataclass(frozen=True)
class Subject:
    """What laws are asked of.

    Attributes:
        name: in words that a reader can find it by.
        function: of a setting, of the shape that `about` declares.
        about: its dims, and where it may be asked.
        accuracy: relative, that its own method has.
        call: how it is called at a setting, as source.
        origin: the line that imports it, where one does.
        schedules: whether it knows of them, or of t alone.
        most_directions, most_subspaces: that it takes, any by default.
        own: whether it is a user's, and not of the catalogue.
        kept: its values.
        of_points: whether it is of points and data (a `Field`, asked at a Cloud), not of a setting.
    """

    of_points: ClassVar[bool] = False
    name: str
    function: Callable[[Any], Any]
    about: Observable
    accuracy: float
    call: Callable[[Any], str]
    origin: str = ""
    schedules: bool = True
    most_directions: int | None = None
    most_subspaces: int | None = None
    own: bool = False
    kept: dict[Any, Array] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, setting: Any) -> Array:
        """Its value, shape (T or 1, K or 1): (1, N) for what is said of every sample, (T, 3) of bulks or places.

        Of settings with one training time.
        """
        if setting not in self.kept:
            if len(self.kept) > 4096:
                self.kept.clear()
            self.kept[setting] = self._shaped(setting)
        return self.kept[setting]

    def _check_again(self, setting: Any, value: Array) -> None:
        """Raises ValueError where the same arguments make another value: chance, or memory, would pass for rounding."""
        again = self._shaped(setting)
        if not np.allclose(again, value, rtol=self.accuracy + ROUNDINGS * EPS, atol=0, equal_nan=True):
            k = int(np.argmax(np.abs(np.nan_to_num(again - value, nan=np.inf))))
            raise ValueError(
                f"{self.name} must return the same for the same arguments, got {value.flat[k]:.10g} and {again.flat[k]:.10g}; "
                "take what is random in it from a seed of its own, inside, and keep nothing between calls"
            )

    def _shaped(self, setting: Any) -> Array:
        found = self._asked(setting)
        values = coordinates(setting)
        shape = tuple(len(values[dim]) for dim in self.about.dims)
        if found.size != np.prod(shape) or found.ndim > len(shape) or found.dtype.kind not in "fiub":
            raise ValueError(
                f"{self.name} must return real numbers of shape {shape} for the dims {self.about.dims or '()'}, got "
                f"{found.dtype} of shape {found.shape} at {setting.manifold}; name its dims, from {', '.join(DIMS)}"
            )
        rows = setting.times.size if "time" in self.about.dims else 1
        return found.astype(np.float64).reshape(rows, -1)

    def _asked(self, setting: Any) -> Any:
        """What the function returns; CallError where a user's own raises."""
        with np.errstate(all="ignore"):
            try:
                found = self.function(setting)
            except Exception as error:
                if self.own:
                    raise CallError(error, setting) from error
                raise
        if np.ma.is_masked(found):
            raise ValueError(f"{self.name} must return real numbers, got masked ones; fill them, or return NaN there")
        return np.asarray(found)

    def tolerance(self, setting: Any) -> Array:
        """What its value may be off by: its accuracy, a few roundings, and what roundings of its inputs change.

        Inside `roughly` that last part, which takes more calls, is left out.
        """
        value = self(setting)
        own = np.asarray((self.accuracy + ROUNDINGS * EPS) * np.abs(value))
        if not CAREFUL.get():
            return own
        if self.own:
            self._check_again(setting, value)
        return np.asarray(own + SPREAD * rounding(self, setting))


@contextmanager
def roughly() -> Iterator[None]:
    """Inside, tolerances are at most what they are outside, and cost nothing."""
    token = CAREFUL.set(False)
    try:
        yield
    finally:
        CAREFUL.reset(token)


def rounding(value_at: Callable[[Any], Array], setting: Any) -> Array:
    """What perturbed inputs change of a value, and what is not smooth about it: the rounding that it makes by itself."""
    value = value_at(setting)
    with np.errstate(all="ignore"):
        changes = [np.abs(value_at(perturbed(setting, step)) - value) for step in STEPS]
        stuck = value_at(perturbed(setting, FINE)) == value_at(perturbed(setting, -FINE))
        bends = [_bend(value_at, setting, step) for step in (FINEST, FINE)]
        if np.any(stuck):
            bends.append(np.where(stuck, _bend(value_at, setting, COARSE), 0.0))
        return np.asarray(np.max([np.where(np.isfinite(c), c, 0.0) for c in (*changes, *bends)], axis=0))


def _bend(value_at: Callable[[Any], Array], setting: Any, step: float) -> Array:
    """A fourth difference over perturbed inputs, a quarter of it: next to nothing where a value is smooth."""
    a, b, c, d = (value_at(perturbed(setting, k * step)) for k in (-2, -1, 1, 2))
    return np.asarray(np.abs(a - 4 * b + 6 * value_at(setting) - 4 * c + d) / 4)


def perturbed(setting: Any, step: float) -> Any:
    """A setting whose variances and times are off by `step` or less, relative, each by its own share of that; or a cloud."""
    if isinstance(setting, Cloud):
        return setting.perturbed(step)

    def off(values: Array, phase: float) -> Array:
        return np.asarray(values * (1 + step * np.cos(2.4 * np.arange(values.size) + phase)))

    manifold = setting.manifold
    parts = tuple(map(Subspace, off(manifold.variances, 0.0).tolist(), manifold.dimensions.tolist()))
    times = np.minimum(off(setting.times, 3.0), np.nextafter(setting.schedule.last_time, 0))
    return setting.at(manifold=LinearManifold(parts, manifold.ambient_dimension), times=times)


@lru_cache(maxsize=256)
def catalogued(name: str) -> Subject:
    """An observable of the catalogue by its name, PREDICTION.OBSERVABLE; or gibbs.NAME, a quantity of the engine at points.

    Raises:
        ValueError: for a name that is not there.
    """
    from theory.observable import observables
    from validation.claims import PREDICTIONS

    prediction, _, observable = name.partition(".")
    if prediction == "gibbs":
        from validation.properties.gibbs import quantity

        return quantity(observable)
    if prediction not in PREDICTIONS:
        raise ValueError(
            f"a quantity of the catalogue is PREDICTION.OBSERVABLE, of {', '.join(PREDICTIONS)}; got {name!r}"
        )
    module = importlib.import_module(f"theory.predictions.{prediction}")
    known = observables(module)
    if observable not in known:
        raise ValueError(f"{prediction} has the observables {', '.join(known)}; got {observable!r}")
    about = known[observable]
    return Subject(
        name,
        getattr(module, observable),
        about,
        about.accuracy,
        lambda s: f"{name}({written(s)})",
        f"from theory.predictions import {prediction}",
    )


def subject(
    function: Callable[..., Any], dims: Sequence[str] | None, like: Observable | None, accuracy: float
) -> Subject:
    """A user's function: of a setting, or of the letters that it names.

    Raises:
        ValueError: where it takes what no setting has.
    """
    name = getattr(function, "__name__", type(function).__name__)
    about = replace(like or DEFAULT, name=name)
    if dims is not None:
        about = replace(about, dims=tuple(dims))
    home = getattr(function, "__module__", None)
    origin = f"from {home} import {name}" if name.isidentifier() and home not in (None, "__main__") else ""
    letters = _letters(function, name)
    if letters is None:
        return Subject(name, function, about, accuracy, lambda s: f"{name}({written(s)})", origin, own=True)
    single, unnamed = "lam" in letters.values(), _positional(function)
    if dims is None and like is None:
        about = replace(about, dims=("time",) if "t" in letters.values() else ())
    return Subject(
        name,
        _of_letters(function, letters),
        about,
        accuracy,
        lambda s: f"{name}({', '.join(_passed(k, k in unnamed, _read(v, s)) for k, v in letters.items())})",
        origin,
        schedules=False,
        most_directions=1 if single and not {"m", "d"} & set(letters.values()) else None,
        most_subspaces=1 if single or "m" in letters.values() else None,
        own=True,
    )


def _letters(function: Callable[..., Any], name: str) -> dict[str, str] | None:
    """The parameters and the letters they stand for; None where there is one, which is the setting."""
    parameters = inspect.signature(function).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    known = {p: _ALIASES.get(p, p) for p in needed}
    strangers = [p for p, letter in known.items() if letter not in _READ]
    if len(needed) == 1 and (strangers or known[needed[0]] == "setting"):
        return None
    if strangers or not needed:
        raise ValueError(
            f"{name} must take a setting, or letters of {', '.join(_READ)}; got {', '.join(strangers) or 'no argument'}"
        )
    return known


def _positional(function: Callable[..., Any]) -> list[str]:
    """The parameters that are never named in a call."""
    return [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.POSITIONAL_ONLY and p.default is p.empty
    ]


def _passed(parameter: str, unnamed: bool, value: Any) -> str:
    return repr(value) if unnamed else f"{parameter}={value!r}"


def _read(letter: str, setting: Setting) -> Any:
    value = _READ[letter](setting)
    return (
        float(setting.t[0])
        if letter == "t"
        else value.tolist()
        if isinstance(value, np.ndarray | np.float64)
        else value
    )


def _of_letters(function: Callable[..., Any], letters: dict[str, str]) -> Callable[[Setting], Any]:
    """The function of a setting, called time by time where it takes t, with arrays of its own that it may write to.

    Its numbers are NumPy's, for which what overflows is infinite: Python's own raise.
    """
    unnamed = _positional(function)

    def called(setting: Setting, **given: Any) -> Any:
        values = {parameter: _READ[letter](setting) for parameter, letter in letters.items()} | given
        first = [values.pop(p) for p in unnamed]
        return function(*first, **values)

    def at(setting: Setting) -> Any:
        times = [parameter for parameter, letter in letters.items() if letter == "t"]
        if not times:
            return called(setting)
        found = [called(setting, **{times[0]: t}) for t in setting.t]
        return np.ma.masked if any(map(np.ma.is_masked, found)) else np.array(found)

    return at


def written(setting: Setting) -> str:
    """A setting as source."""
    manifold = setting.manifold
    parts = ",".join(f"{s.variance!r}x{s.dimension}" for s in manifold.subspaces)
    source = f"Setting.of({parts!r}"
    if manifold.ambient_dimension > manifold.intrinsic_dimension:
        source = f"Setting.of(LinearManifold.parse({parts!r}, {manifold.ambient_dimension})"
    others = [f"samples={setting.samples}", f"times={setting.times.tolist()}"]
    if setting.schedule.name != "ve":
        others.append(f"schedule={setting.schedule.name!r}")
    if setting.ensemble != "gaussian":
        others.append(f"ensemble={setting.ensemble!r}")
    if setting.query != "fresh":
        others.append(f"query={setting.query!r}")
    if setting.point is not None:
        others.append(f"point={setting.point!r}")
    others += [f"{name}={value!r}" for name, value in setting.extras.items()]
    others += [f"network={setting.network!r}"] if setting.network else []
    return f"{source}, {', '.join(others)})"
