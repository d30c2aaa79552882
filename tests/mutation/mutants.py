"""Mutants: an observable of the catalogue, broken in one way.

A formula is broken in its sympy tree, as the observable alone sees it; the assembly round it, which is no tree, by the setting
that it is given or the value that it returns.
"""

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, wraps

import numpy as np
import sympy as sp

from theory.algebra.enclosure import enclose, point
from theory.formula import Formula
from theory.network import Network
from theory.observable import observables
from theory.setting import FAIR, LinearManifold, Setting, Subspace
from validation.claims import PREDICTIONS

RAISED = ValueError, ArithmeticError, TypeError, IndexError, MemoryError  # by what a mutant makes of numbers
SIBLINGS = ("_typical", "_annealed"), ("_ode", "_sde"), ("_annealed", "_asymptotic"), ("_typical", "_published")
DEAR = "kl_bound.samples_trusted", "kernel_smoothing.kl_leading"
GUESSED = (
    "subspace_loss.loss_time_exact",
    "generalization_time.generalization_time",
)  # formulas say where a search begins
SAME = 1e-12  # relative, of values that are one
MOST = 4  # places of one tree that are broken in one way
POINTS = sp.Rational(3, 7), sp.Rational(13, 5), sp.Integer(7), sp.Rational(1, 9)


@dataclass(frozen=True)
class Mutant:
    """A way to break an observable; `formula` is the derivation and the name of one that is broken, `by` what it became."""

    way: str
    function: Callable
    formula: tuple[str, str] | None = None
    by: Formula | None = None


def module(name):
    """The prediction of an observable PREDICTION.OBSERVABLE."""
    return importlib.import_module(f"theory.predictions.{name.partition('.')[0]}")


def original(name):
    """The function of an observable."""
    return getattr(module(name), name.partition(".")[2])


# trees


def broken_trees(e):
    """Ways to break an expression, and what it becomes, each of another value."""
    letters = {s.name: s for s in e.free_symbols}
    yield "factor 1.05", sp.Rational(21, 20) * e
    yield "factor 2", 2 * e
    sums = [node for node in sp.preorder_traversal(e) if isinstance(node, sp.Add)]
    terms = [(node, term) for node in sums for term in node.args][:MOST]
    for node, term in terms:
        yield f"sign of {term}", e.xreplace({node: node - 2 * term})
        yield f"without {term}", e.xreplace({node: node - term})
    powers = [node for node in sp.preorder_traversal(e) if isinstance(node, sp.Pow) and node.base.free_symbols]
    for node in powers[:MOST]:
        yield f"exponent of {node}", e.xreplace({node: node.base ** (2 * node.exp)})
    for name, into in (("lambda", sp.sqrt), ("t", lambda t: t / 2), ("N", lambda n: n - 1)):
        if name in letters:
            yield f"{into(sp.Symbol(name))} for {name}", e.xreplace({letters[name]: into(letters[name])})


def same(one, other):
    """Whether two expressions agree at exact points: by Arb, where their enclosures overlap at all of them."""
    symbols = sorted(one.free_symbols | other.free_symbols, key=str)
    for shift in range(len(POINTS)):
        at = {s: point(5 if s.is_integer else POINTS[(k + shift) % len(POINTS)]) for k, s in enumerate(symbols)}
        try:
            if not enclose(one - other, at).contains(0):
                return False
        except (NotImplementedError, ZeroDivisionError, ValueError):
            return False
    return True


@cache
def formula_mutants(place, name):
    """A formula's mutants, each once."""
    formula = derivation(place)[name]
    found = [(way, tree) for way, tree in broken_trees(formula.expression) if tree != formula.expression]
    kept = [(way, tree) for way, tree in found if tree.free_symbols <= set(formula.symbols)]
    return [(way, Formula(name, tree, formula.symbols)) for way, tree in kept if not same(tree, formula.expression)]


def derivation(place):
    """The derivation of a prediction."""
    return importlib.import_module(f"theory.predictions.{place}").derivation()


def _forget(name):
    """Empty the caches of a prediction, that a formula is behind."""
    for found in vars(module(name)).values():
        if hasattr(found, "cache_clear") and found.__module__ == module(name).__name__ and found.__name__[0] == "_":
            found.cache_clear()


@contextmanager
def formula_replaced(name, formula, by):
    """Inside, another formula is evaluated; `name` is the observable whose caches it is behind."""
    formulas, key = derivation(formula[0]).formulas, formula[1]
    right = formulas[key]
    formulas[key] = by
    _forget(name)
    try:
        yield
    finally:
        formulas[key] = right
        _forget(name)


def _within(name, formula, by):
    right = original(name)

    @wraps(right)
    def broken(*args, **named):
        with formula_replaced(name, formula, by):
            return right(*args, **named)

    return broken


class _Recording(dict):
    def __init__(self, formulas, place, seen):
        super().__init__(formulas)
        self.place, self.seen = place, seen

    def __getitem__(self, key):
        self.seen[self.place, key] = True
        return super().__getitem__(key)


@cache
def formulas_of(name):
    """Which formulas, (prediction, name), an observable evaluates on its grid, in order."""
    seen = {}
    before = {place: derivation(place).formulas for place in PREDICTIONS}
    _forget(name)
    for place, formulas in before.items():
        derivation(place).formulas = _Recording(formulas, place, seen)
    try:
        list(OnGrid(name, original(name)))
    finally:
        for place, formulas in before.items():
            derivation(place).formulas = formulas
    return list(seen)


# settings and values


def _by_parts(change):
    """A change of the variances and dimensions of the subspaces; a point is left out where it no longer fits."""

    def changed(setting):
        manifold = setting.manifold
        lam, m = change(manifold.variances.tolist(), manifold.dimensions.tolist())
        parts = tuple(Subspace(float(one), count) for one, count in zip(lam, m, strict=True))
        gone = manifold.intrinsic_dimension - sum(m)
        other = LinearManifold(parts, manifold.ambient_dimension - gone)
        return setting.at(manifold=other, point=None if gone else setting.point)

    return changed


def _other_ensemble(s):
    mixed = {"ensemble": "mixture", "separation": float(np.sqrt(s.manifold.variances[0]))}
    return s.at(**mixed) if s.ensemble == "gaussian" else s.at(ensemble="gaussian", separation=0.0, share=FAIR)


def _of_a_sphere(s):
    return s.at(ensemble="sphere" if s.ensemble == "gaussian" else "gaussian", separation=0.0, share=FAIR)


GIVEN = {
    "sqrt(lambda) given for lambda": _by_parts(lambda lam, m: (np.sqrt(lam), m)),
    "t/2 given for t": lambda s: s.at(times=s.schedule.time(s.t / 2)),
    "N + 1 given for N": lambda s: s.at(samples=s.samples + 1),
    "swapped subspaces": _by_parts(lambda lam, m: (lam[::-1], m)),
    "missing dimension": _by_parts(lambda lam, m: (lam, [max(m[0] - 1, 1), *m[1:]])),
    "sum without degeneracy": _by_parts(lambda lam, m: (lam, [1] * len(m))),
    "without the last subspace": _by_parts(lambda lam, m: ([*lam[:-1], 1e-6 * min(lam)] if lam[1:] else lam, m)),
}
RETURNED = {
    "value times 1.05": lambda f, s: 1.05 * f,
    "value times 2": lambda f, s: 2 * f,
    "sign of the value": lambda f, s: -f,
    "square of the value": lambda f, s: f**2,
    "mean for sum": lambda f, s: f / s.manifold.intrinsic_dimension,
}


def _of_its_own(about):
    """Changes of what only some observables follow."""
    if about.anywhere:
        yield "wrong ensemble: other query", lambda s: s.at(query="trajectory" if s.query == "fresh" else "fresh")
    if {"gaussian", "mixture"} <= set(about.ensembles):
        yield "wrong ensemble: gaussian or mixture", _other_ensemble
    if {"gaussian", "sphere"} <= set(about.ensembles):
        yield "wrong ensemble: gaussian or sphere", _of_a_sphere
    if "bandwidth" in about.follows:
        yield "h/2 given for h", lambda s: s.at(bandwidth=s.bandwidth / 2)
    if "temperature" in about.follows:
        yield "sqrt(T) given for T", lambda s: s.at(temperature=float(np.sqrt(s.temperature)))
    if "mixture" in about.ensembles:
        yield "a/2 given for a", lambda s: s.at(separation=s.separation / 2)
    if "share" in about.follows:
        yield "w^2 given for w", lambda s: s.at(share=s.share**2)


def _sibling(name):
    """The observable of the same quantity in another ensemble or regime that costs no more."""
    known, own = observables(module(name)), name.partition(".")[2]
    about = known[own]
    pairs = [own.replace(a, b) for one in SIBLINGS for a, b in (one, one[::-1]) if own.endswith(a)]
    candidates = [about.of, *pairs, *(other for other, found in known.items() if found.of == own)]
    fits = [c for c in candidates if c in known and c != own and (about.slow or not known[c].slow)]
    return next((c for c in fits if known[c].dims == about.dims), None)


def mutants(name):
    """All mutants of an observable, equal ones too, each under a name of its own."""
    found = Counter()
    for mutant in _mutants(name):
        found[mutant.way] += 1
        again = found[mutant.way]
        yield mutant if again == 1 else replace(mutant, way=f"{mutant.way} ({again})")


def _mutants(name):
    right = original(name)

    def given(change):
        return wraps(right)(lambda setting, *others: right(change(setting), *others))

    def returned(change):
        return wraps(right)(lambda setting, *others: change(np.asarray(right(setting, *others)), setting))

    for place, formula in () if name in GUESSED else formulas_of(name):
        for way, by in formula_mutants(place, formula):
            yield Mutant(f"{formula}: {way}", _within(name, (place, formula), by), (place, formula), by)
    yield from (Mutant(way, returned(change)) for way, change in RETURNED.items())
    yield from (Mutant(way, given(change)) for way, change in GIVEN.items())
    yield from (Mutant(way, given(change)) for way, change in _of_its_own(right.observable))
    if sibling := _sibling(name):
        yield Mutant(f"wrong ensemble: {sibling}", getattr(module(name), sibling))


# which of them are equal


def slow(name):
    """Whether an observable takes seconds."""
    return original(name).observable.slow


def dear(name):
    """Whether an observable takes long."""
    return slow(name) or name in DEAR


@cache
def grid(name):
    """Settings that an observable is asked at; one, of few directions and samples, where it takes long."""
    about = original(name).observable
    if dear(name):
        one = "1x1" if about.directions else "0.5x2" if about.subspaces else "0.5x2,0.1x1"
        return [_fitted(about, one, 3, [0.3], 0, ensemble) for ensemble in about.ensembles]
    manifolds = ["1x1", "0.3x1"] if about.directions else ["1x1", "0.5x20", "1x2,0.1x3", "0.3x5,2x1,0.02x4"]
    times = [0.3] if about.network else [0.02, 0.3, 1.7, 40.0]  # of a network each takes long
    found = [
        _fitted(about, text, N, times, k, ensemble)
        for k, text in enumerate(manifolds)
        for N in (3, 1000, 10**6)
        for ensemble in about.ensembles
    ]
    trajectories = [s.at(query="trajectory") for s in found if about.anywhere]
    return [*found, *trajectories, found[1].at(schedule="vp")]


@cache
def cheap_settings(name):
    """Settings of few directions and samples, for laws of what takes long; first that of most, where it is known in as many.

    In one direction a mean is the sum, and subspaces that are swapped are as they were.
    """
    about = original(name).observable
    more = [("0.5x2,0.1x1", 3, [0.3], 0), ("0.5x3", 30, [0.3], 1)]
    one = [("0.5x1", 30, [2.0], 1), ("1x1", 2, [0.3], 0)]
    found = [_fitted(about, *at, ensemble) for at in more + one for ensemble in about.ensembles]
    return [setting for setting in found if about.fits(setting)]


def _fitted(about, text, N, times, normal, ensemble):
    parts = LinearManifold.parse(text)
    wide = LinearManifold(parts.subspaces, max(parts.intrinsic_dimension + normal, about.ambient))
    others = {"separation": 2.5} if ensemble == "mixture" else {}
    others |= {
        name: value
        for name, value in (("temperature", 1.7), ("bandwidth", 0.01), ("share", 0.25))
        if name in about.follows
    }
    others |= {"network": Network()} if about.network else {}
    return Setting(wide, N, np.array(times), ensemble=ensemble, **others)


class OnGrid(Sequence):
    """What a function returns on the grid of an observable, once it is asked for; infinite where it raises."""

    def __init__(self, name, function):
        self.function, self.settings, self.values = function, grid(name), {}

    def __len__(self):
        return len(self.settings)

    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(i)
        if i not in self.values:
            self.values[i] = self._at(self.settings[i])
        return self.values[i]

    def _at(self, setting):
        try:
            with np.errstate(all="ignore"):
                return np.ravel(np.asarray(self.function(setting), dtype=np.float64))
        except RAISED:
            return np.array([np.inf])


def _alike(one, other, accuracy):
    """Whether they agree everywhere; what is after the first difference is not asked for."""
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=accuracy, atol=0, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


@cache
def distinct(name):
    """The mutants of other values than the observable and one another on its grid, and how many were dropped."""
    seen, kept, dropped = [OnGrid(name, original(name))], [], 0
    accuracy = max(SAME, original(name).observable.accuracy)
    for mutant in mutants(name):
        values = OnGrid(name, mutant.function)
        if any(_alike(values, before, accuracy) for before in seen):
            dropped += 1
        else:
            seen.append(values)
            kept.append(mutant)
    return kept, dropped


def as_subject(known, mutant):
    """The mutant in place of the catalogue's function."""
    return replace(known, function=mutant.function, kept={})
