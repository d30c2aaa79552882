"""geomem laws."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from validation.commands.options import CONTEXT
from validation.stopping import Terminated

if TYPE_CHECKING:
    from validation.properties.search import Found
    from validation.properties.subject import Subject

__all__ = ["laws"]

BROKEN = 1


@click.command(context_settings=CONTEXT)
@click.argument("target", required=False, metavar="[MODULE:FUNCTION]")
@click.option(
    "--like",
    metavar="P.OBSERVABLE",
    help="A quantity of the catalogue (geomem list --of P), or gibbs.score: all its laws, and itself.",
)
@click.option("--law", "named", multiple=True, metavar="LAW", help="A law by name, as scaling(2). Again for more.")
@click.option(
    "--dims", metavar="DIM,...", help="Of what it returns: time, subspace, sample, none; point,direction of a score."
)
@click.option("--accuracy", type=float, default=1e-9, show_default=True, help="Relative, of the function's own method.")
@click.option(
    "--examples", type=click.IntRange(1), default=100, show_default=True, help="Settings to try for each law."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def laws(
    target: str | None,
    like: str | None,
    named: tuple[str, ...],
    dims: str | None,
    accuracy: float,
    examples: int,
    as_json: bool,
) -> int:
    """Hold a formula of yours to the laws of the field, and show the simplest setting that breaks one.

    FUNCTION takes a Setting, letters such as lam, m, t and N, or points x, data and t, as a score does; MODULE is a
    module's name, or a file, which is run. Without it the laws are listed: all, or those of the quantity that --like names.

    \b
      geomem laws draft.py:my_kl --like kl_bound.kl_exact
      geomem laws draft.py:my_loss_time --dims subspace --law "scaling(2)" --law "monotone(samples, down)"
      geomem laws draft.py:my_score --like gibbs.score
      geomem laws --like collapse.collapse_time

    \b
    Exit code 0 if all hold, 1 if one is broken, 2 if the function cannot be used.
    """  # noqa: D301
    from validation.laws import examine

    if target is None:
        click.echo(_listed(like, as_json))
        return 0
    _check_hypothesis()
    asked = None if dims is None else tuple(part for part in dims.replace("none", "").split(",") if part)
    found = []
    answers = sys.stdout
    with redirect_stdout(sys.stderr), _ended(target):  # what code of the user's prints is no answer
        examined = examine(
            _function(target),
            dims=asked,
            laws=named,
            like=like,
            accuracy=accuracy,
            max_examples=examples,
            derandomize=True,
            database=None,
        )
        for tried, one in examined:
            found.append((tried, one))
            if not as_json:
                click.echo(_line(one), file=answers)
    click.echo(_as_json(found) if as_json else _told(found), nl=as_json)
    return BROKEN if any(one.broken for _, one in found) else 0


def _check_hypothesis() -> None:
    """Raises ValueError, which says how it is installed, where it is not."""
    try:
        import validation.properties.search  # noqa: F401
    except ImportError as error:
        raise ValueError(str(error)) from None


def _function(target: str) -> Callable[..., Any]:
    """Raises ValueError where there is no such function."""
    where, _, name = target.rpartition(":")
    if not where or not name:
        raise ValueError(f"a function is named MODULE:FUNCTION, as draft.py:my_kl; got {target!r}")
    with _ended(where):
        function = getattr(_module(where), name, None)
    if not callable(function):
        raise ValueError(f"{where} has no function {name!r}")
    return function


def _module(where: str) -> Any:
    """A module by its name or its file; what it raises while it is run is told in a line."""
    sys.path.insert(0, str(Path.cwd() if not where.endswith(".py") else Path(where).resolve().parent))
    name = Path(where).stem if where.endswith(".py") else where
    if where.endswith(".py") and not Path(where).is_file():
        raise ValueError(f"there is no file {where}")
    try:
        return _loaded(name, where) if where.endswith(".py") else importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"{where} cannot be imported: {error}") from None
    except SyntaxError as error:
        raise ValueError(f"{where}, line {error.lineno or 1}: {error.msg}") from None
    except Exception as error:  # whatever a file of the user's raises
        raise ValueError(f"{where}{_line_in(where, error)}: {type(error).__name__}: {error}") from None


def _loaded(name: str, where: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, where)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _ended(what: str) -> Iterator[None]:
    """Say so where code of the user's ends the process."""
    try:
        yield
    except (Exception, KeyboardInterrupt, Terminated):  # this one by a signal
        raise
    except SystemExit as error:
        raise ValueError(f"{what} ends the process, with exit code {error.code}; take that out") from None
    except BaseException as error:  # GeneratorExit, what pytest.fail raises
        raise ValueError(f"{what} raises {type(error).__name__}, which ends the process; take that out") from None


def _line_in(where: str, error: Exception) -> str:
    """The last line of the file that the error came through."""
    lines = [step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename.endswith(where)]
    return f", line {lines[-1]}" if lines else ""


def _listed(like: str | None, as_json: bool) -> str:
    from validation.laws import known_laws, laws_for

    listed = {law.name: law.sentence for law in laws_for(like)} if like else known_laws()
    if as_json:
        return json.dumps(listed, indent=1)
    width = min(40, max(map(len, listed)))
    return "\n".join(f"{name:{width}}  {sentence}" for name, sentence in listed.items())


def _verdict(one: Found) -> str:
    return "broken" if one.broken else "holds" if one.settings else "silent"


def _line(one: Found) -> str:
    verdict = _verdict(one)
    broken = "it raises" if one.broken and one.broken.raised else "BROKEN"
    said = {"holds": f"holds in {one.settings} settings", "silent": "says nothing here"}.get(verdict, broken)
    return f"{one.law.name}: {said}"


def _told(found: list[tuple[Subject, Found]]) -> str:
    from validation.properties.report import reports

    return "".join(f"\n{told}\n" for told in reports((tried, one.broken) for tried, one in found if one.broken))


def _as_json(found: list[tuple[Subject, Found]]) -> str:
    from validation.properties.report import record

    rows = [
        {
            "law": one.law.name,
            "sentence": one.law.sentence,
            "statement": one.law.statement,
            "verdict": _verdict(one),
            "settings": one.settings,
            "counterexample": record(tried, one.broken) if one.broken else None,
        }
        for tried, one in found
    ]
    return json.dumps({"function": found[0][0].name, "laws": rows}, indent=1)
