"""Expressions in the letters of the field, as laws are written with: `sum(m * log(1 + lam / f)) / 2`.

They are arrays over times and subspaces, shape (T or 1, K or 1). `f` is the value that is asked about; N the samples, t the
noise variance, lam and m the variance and dimension of each subspace, d and D the dimensions of manifold and space, T the
temperature, h the bandwidth, x2 the mean of x^2 along each subspace, a the separation, w the share, alpha the contraction, g 1
for Gaussian data, 0 for others, own 1 at noised samples, 0 at fresh points; of a network p the features, training its training
time and ridge, and samples_bulk 1 for that bulk of its spectrum, 0 for others. lamj and mj are lam and m once
more, for `over`, the sum over pairs: over(mj * f(lamj, pairs(t))). A name of the catalogue, `collapse.information`, is that
quantity at the same setting, of networks or not as it is itself, `plain.NAME` that without bandwidth and temperature.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting
from validation.properties import cloud
from validation.properties.cloud import Cloud
from validation.properties.subject import CAREFUL, SPREAD, catalogued, rounding

__all__ = ["Expression", "expression"]

Array = NDArray[np.float64]


def _over_subspaces(reduce: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda values: reduce(np.atleast_2d(values), axis=1, keepdims=True)


def _special(name: str) -> Callable[..., Any]:
    def function(*values: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*values)

    return function


FUNCTIONS: dict[str, Any] = {
    "sum": _over_subspaces(np.sum),
    "prod": _over_subspaces(np.prod),
    "min": _over_subspaces(np.min),
    "max": _over_subspaces(np.max),
    "larger": np.maximum,
    "smaller": np.minimum,
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "tanh": np.tanh,
    "cosh": np.cosh,
    "arctan": np.arctan,
    "logcosh": lambda z: np.logaddexp(z, -z) - np.log(2),
    "if_positive": lambda where, then, other: np.where(where > 0, then, other),
    "pairs": lambda values: np.atleast_2d(values)[..., None],
    "over": lambda values: np.sum(values, axis=-1),
    "Phi": _special("ndtr"),
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "digamma": _special("digamma"),
    "pi": np.pi,
    "inf": np.inf,
}
LETTERS: dict[str, Callable[[Setting], Any]] = {
    "N": lambda s: np.array(float(s.samples)) if s.samples < 1e300 else np.array(np.inf),
    "logN": lambda s: np.array(s.log_samples),
    "t": lambda s: s.t[:, None],
    "tau": lambda s: s.times[:, None],
    "alpha": lambda s: s.alpha[:, None],
    "lam": lambda s: s.manifold.variances[None],
    "m": lambda s: s.manifold.dimensions[None].astype(float),
    "d": lambda s: np.array(float(s.manifold.intrinsic_dimension)),
    "D": lambda s: np.array(float(s.manifold.ambient_dimension)),
    "T": lambda s: np.array(s.temperature),
    "h": lambda s: np.array(s.bandwidth),
    "a": lambda s: np.array(s.separation),
    "w": lambda s: np.array(s.share),
    "p": lambda s: np.array(float(s.network.features) if s.network else np.nan),
    "training": lambda s: np.array(s.network.times[0] if s.network else np.nan),
    "ridge": lambda s: np.array(s.network.ridge if s.network else np.nan),
    "samples_bulk": lambda s: np.array([[0.0, 1.0, 0.0]]),
    "x2": lambda s: s.squares,
    "g": lambda s: np.array(float(s.ensemble == "gaussian")),
    "own": lambda s: np.array(float(s.query == "trajectory")),
    "lam1": lambda s: np.array(s.manifold.variances[0]),
    "first": lambda s: np.eye(1, s.manifold.variances.size),
    "lamj": lambda s: s.manifold.variances[None, None],
    "mj": lambda s: s.manifold.dimensions[None, None].astype(float),
}
LETTERS_AT: dict[type, dict[str, Callable[[Any], Any]]] = {Setting: LETTERS, Cloud: cloud.LETTERS}
ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Attribute, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd,
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """An expression, and what it is made of."""

    text: str
    code: CodeType
    letters: dict[str, Callable[[Any], Any]]
    others: frozenset[str]

    def __call__(self, setting: Any, f: Any = np.nan) -> Array:
        """Its value at a setting, for a value f."""
        return self._value(self._names(setting), f)

    def known(self, setting: Any) -> Any:
        """Where the quantities of the catalogue that it names are numbers, or infinite."""
        found: Any = np.ones((1, 1), bool)
        for other in self.others:
            found = found & ~np.isnan(_other(other, setting)[0]).any(axis=1, keepdims=True)
        return found

    def _names(self, setting: Any) -> dict[str, Any]:
        letters = {letter: read(setting) for letter, read in self.letters.items()}
        return letters | {_flat(other): _other(other, setting)[0] for other in self.others}

    def _value(self, names: dict[str, Any], f: Any) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(eval(self.code, {"__builtins__": {}}, FUNCTIONS | names | {"f": f}), dtype=np.float64)

    def tolerance(self, setting: Any, f: Array, of_f: Array) -> Array:
        """What it may be off by, where f is by `of_f`, besides its own rounding and that of the catalogue's quantities."""
        value = self(setting, f)
        own = 1e-13 * np.abs(value)
        if not CAREFUL.get():
            return own
        with np.errstate(all="ignore"):
            by_f = np.fmax(np.abs(self(setting, f + of_f) - value), np.abs(self(setting, f - of_f) - value))
        by_inputs = SPREAD * rounding(lambda at: self(at, f), setting)
        from_others = [self._by(other, setting, f) for other in self.others]
        return np.asarray(np.nan_to_num(by_f) + own + by_inputs + sum(from_others, np.zeros(())))

    def _by(self, other: str, setting: Any, f: Array) -> Array:
        """What it changes by where a quantity of the catalogue is off by its tolerance."""
        names = self._names(setting)
        value, tolerance = _other(other, setting, True)
        with np.errstate(all="ignore"):
            return np.nan_to_num(
                np.abs(self._value(names | {_flat(other): value + tolerance}, f) - self._value(names, f))
            )


def _other(name: str, setting: Any, off: bool = False) -> tuple[Array, Array | float]:
    """A quantity of the catalogue, and its tolerance if that is asked for."""
    if name.startswith("plain."):
        name, setting = name.removeprefix("plain."), setting.plain
    known = catalogued(name)
    if isinstance(setting, Setting):
        if setting.ensemble not in known.about.ensembles:
            return np.full((1, 1), np.nan), 0.0
        if not known.about.network:
            setting = setting.at(network=None)
    return known(setting), known.tolerance(setting) if off else 0.0


def _flat(name: str) -> str:
    return name.replace(".", "__")


class _Flatten(ast.NodeTransformer):
    def __init__(self) -> None:
        self.others: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # ast's own name
        name = ast.unparse(node)
        self.others.add(name)
        return ast.copy_location(ast.Name(_flat(name), ast.Load()), node)


@lru_cache(maxsize=1024)
def expression(text: str, of: type = Setting) -> Expression:
    """Read an expression, at a Setting or at a Cloud.

    Raises:
        ValueError: where it is none, or names what is not there.
    """
    try:
        tree = ast.parse(str(text).strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(
            f"an expression is arithmetic in the letters of the field; got {text!r} ({error.msg})"
        ) from None
    letters = LETTERS_AT[of]
    flatten = _Flatten()
    tree = flatten.visit(tree)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    wrong = [node for node in ast.walk(tree) if not isinstance(node, ARITHMETIC)]
    strangers = names - FUNCTIONS.keys() - letters.keys() - {"f"} - {_flat(other) for other in flatten.others}
    if wrong or strangers:
        what = ", ".join(sorted(strangers)) or ast.unparse(wrong[0])
        raise ValueError(
            f"an expression is arithmetic in f, {', '.join(letters)}, the functions {', '.join(FUNCTIONS)} and quantities of the "
            f"catalogue, as collapse.information; got {what} in {text!r}"
        )
    for other in flatten.others:
        if catalogued(other.removeprefix("plain.")).of_points != (of is Cloud):
            raise ValueError(
                f"{other} is {'not ' if of is Cloud else ''}a function of points and data; got it in {text!r}"
            )
    own = {letter: letters[letter] for letter in sorted(names & letters.keys())}
    return Expression(str(text), compile(tree, "<law>", "eval"), own, frozenset(flatten.others))
