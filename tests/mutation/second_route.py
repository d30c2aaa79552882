"""The second route: the tests of the predictions, which hold each value against quadrature, mpmath, a limit or a sum over data.

Each test is run as it is, then once more for every mutant of an observable that it called, with the mutant in its place. A
formula of the prediction itself is broken for the whole test, references that read it included; one of another prediction as
the observable alone sees it.
"""

import contextlib
import inspect
import io
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

import hypothesis
import pytest
from _pytest.outcomes import Failed

from tests.mutation.mutants import formula_replaced, mutants, original

LONGEST = 1.0  # seconds of a test that is run for mutants
ARGUMENTS = [
    "-n0",
    "-q",
    "-m",
    "not slow",
    "--import-mode=importlib",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]


@contextmanager
def _in_place(name, function):
    """Inside, a function is called in place of an observable, whoever calls it; the observable itself where it calls that."""
    checked = original(name)
    cell = checked.__closure__[checked.__code__.co_freevars.index("function")]
    inner = cell.cell_contents

    def broken(*args, **named):
        cell.cell_contents = inner
        try:
            return function(*args, **named)
        finally:
            cell.cell_contents = broken

    cell.cell_contents = broken
    try:
        yield
    finally:
        cell.cell_contents = inner


@contextmanager
def _broken(name, mutant):
    if mutant.formula and mutant.formula[0] == name.partition(".")[0]:
        with formula_replaced(name, mutant.formula, mutant.by):
            yield
    else:
        with _in_place(name, mutant.function):
            yield


class SecondRoute:
    """A plugin of pytest that notes which tests fail with which mutants, {name: [mutants]}."""

    def __init__(self, alive):
        self.alive, self.caught = {name: list(found) for name, found in alive.items()}, {name: {} for name in alive}

    def pytest_collection_modifyitems(self, items):
        """First the tests that name an observable, and of one that has parameters each once before any again."""
        names, nth = [name.partition(".")[2] for name in self.alive], Counter()

        def late(item):
            text = item.name + inspect.getsource(item.function)
            nth[item.function] += 1
            return not any(name in text for name in names), nth[item.function]

        items.sort(key=late)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        if not any(self.alive.values()):
            return True
        called, begin = set(), time.process_time()
        with ExitStack() as stack:
            for name in self.alive:
                stack.enter_context(_in_place(name, self._noted(name, called)))
            self._run(pyfuncitem)
        if time.process_time() - begin < LONGEST:
            for name in called:
                self._try(pyfuncitem, name)
        return True

    def _noted(self, name, called):
        def noted(*args, **named):
            called.add(name)
            return original(name)(*args, **named)

        return noted

    def _try(self, item, name):
        for mutant in list(self.alive[name]):
            try:
                with _broken(name, mutant), contextlib.redirect_stdout(io.StringIO()):
                    self._run(item)
            except (Exception, Failed):
                self.alive[name].remove(mutant)
                self.caught[name][mutant.way] = item.name

    def _run(self, item):
        test = item.obj
        if hasattr(test, "hypothesis"):
            few = hypothesis.settings(
                test._hypothesis_internal_use_settings,
                phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
                database=None,
            )
            (test.__func__ if hasattr(test, "__func__") else test)._hypothesis_internal_use_settings = few
        test(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})


def by_second_route(wanted, file):
    """The test that fails, {observable: {mutant: test, or None}}, of the mutants that are wanted, {observable: [mutants]}.

    In a process of its own: pytest is run once in each.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(_caught, wanted, str(file)).result()


def _caught(wanted, file):
    plugin = SecondRoute({name: [m for m in mutants(name) if m.way in ways] for name, ways in wanted.items()})
    code = pytest.main([*ARGUMENTS, file], plugins=[plugin])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"{file} must pass as it is; pytest ended with {code!r}")
    return {name: {way: plugin.caught[name].get(way) for way in ways} for name, ways in wanted.items()}
