"""geomem compare."""

from __future__ import annotations

import csv
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from validation.commands.options import (
    CONTEXT,
    checked_seed,
    follows_x,
    progress,
    read_setting,
    run_options,
    swept_options,
    times_of,
    trains,
)
from validation.stopping import kept

if TYPE_CHECKING:
    from theory.setting import Setting
    from validation.compare import Comparison

__all__ = ["compare"]

DISAGREES, UNDECIDED = 1, 3  # as of `check`
SWEPT = {
    "samples": "samples",
    "ambient_dimension": "ambient",
    "temperature": "temperature",
    "bandwidth": "bandwidth",
    "separation": "separation",
    "share": "share",
    "features": "features",
    "ridge": "ridge",
}


class _Told(click.Command):
    """A command that knows how it was typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments, of which parsing leaves nothing."""
        ctx.meta["typed"] = shlex.join(["geomem", "compare", *args])
        return super().parse_args(ctx, args)


@click.command(cls=_Told, context_settings=CONTEXT)
@swept_options
@click.option(
    "--observable",
    metavar="A,...",
    help="Of the prediction, as geomem list --of NAME names them; by default the first that is exact. Forms of one go together.",
)
@click.option(
    "--over",
    multiple=True,
    metavar="AXIS=a:b:n",
    help="n values from a to b, or AXIS=a,b,c. Axes: time, samples, variance.K, dimension.K (K a subspace, from 0), ambient, "
    "temperature, bandwidth, separation, share, features, training, ridge. Twice for curves, or a map.",
)
@click.option(
    "--measured",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Points of yours in place of the simulation: columns of an axis, such as time, measured, sem, and n and subspace "
    "where they are known.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The figure: .pdf, .svg or .png.")
@click.option("--style", metavar="S,...", help="Of the figure: prl, jmlr, slides, any of matplotlib, or a file.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="The points: .csv, .nc or .parquet.")
@click.option("--script", type=click.Path(path_type=Path), metavar="FILE.py", help="Redraws the figure without geomem.")
@click.option(
    "--repeats", default="200", show_default=True, help="Data sets at each point; auto:0.02 until that relative error."
)
@click.option("--control", is_flag=True, help="Also a wrong prediction: every variance off by 10 %.")
@click.option("--strict", is_flag=True, help="Exit code 3 where any point that is judged is undecided.")
@run_options(("quick", "standard", "deep"), "standard", "Half, once, ten times the data sets.", "--store")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("geomem-report/measurements"),
    show_default=True,
    help="Where what is found is kept; the same command goes on from it.",
)
@kept("what was finished is kept")
def compare(
    name: str,
    as_json: bool,
    observable: str | None,
    over: tuple[str, ...],
    measured: Path | None,
    output: Path | None,
    style: str | None,
    data: Path | None,
    script: Path | None,
    repeats: str,
    control: bool,
    strict: bool,
    budget: str,
    seed: int,
    device: str,
    scheduler: str | None,
    store: Path,
    **options: Any,
) -> int:
    """Draw theory against experiment at a setting of yours, over one axis or two.

    An option of one number takes a comma separated list too, and is an axis then; so are several --subspaces. What depends on
    time is drawn over --times.

    \b
      geomem compare collapse --subspaces 1.0x20 --samples 100,1000,10000 -o collapse.pdf
      geomem compare subspace_loss --subspaces 1.0x5,0.2x10 --over samples=100:30000:9 \\
          --observable loss_time_exact,loss_time_annealed,loss_time_published -o loss.pdf
      geomem compare collapse --subspaces 1.0x20 --observable memorized_probability --measured mine.csv -o mine.pdf

    Forms that are exact are judged, by a threshold that true predictions pass with a chance of less than 1e-6.

    \b
    Exit code 0 if no point disagrees, 1 if one does, 2 for bad usage, 3 if no point could be decided, with --strict if
    any could not, or if workers were killed, 130 if interrupted and 143 if terminated. What was finished is kept.
    """  # noqa: D301
    from numerics.arrays import resolve_device
    from numerics.storage.files import check_directory, write_atomic
    from validation import compare as comparing
    from validation.job import Run
    from validation.report import comparison_figure as drawing
    from validation.report import figures
    from validation.store import Store
    from validation.sweep import chosen_executor

    for path, suffixes, what in (
        (output, drawing.FIGURES, "-o"),
        (data, drawing.DATA, "--data"),
        (script, (".py",), "--script"),
    ):
        _check_file(path, suffixes, what)
    check_directory(store)
    figures.check()
    styles = style.split(",") if style else []
    with drawing.style(styles):
        pass  # before any work is done for it
    asked = tuple(observable.split(",")) if observable else ()
    _check_x(name, asked, options)
    setting, axes = _read(options, over, network=trains(name))
    device = resolve_device(device)
    with _point_lines() as finished, chosen_executor(scheduler, device) as executor:
        found = comparing.compare(
            name,
            setting,
            over=axes,
            observables=asked,
            measured=None if measured is None else _rows(measured),
            times=times_of(options["times"]) if options["times"] else None,
            repeats=repeats,
            control=control,
            run=Run(budget, checked_seed(seed), device),
            store=Store(store.absolute()),
            executor=executor,
            finished=finished,
        )
    typed = click.get_current_context().meta["typed"]
    written: list[tuple[Path | None, Callable[[], bytes]]] = [
        (output, lambda: drawing.saved(found, output.suffix if output else "", styles, typed)),
        (data, lambda: drawing.data(found, data.suffix if data else "", typed)),
        (script, lambda: drawing.script(found, styles, typed).encode(errors="replace")),
    ]
    click.echo(_json(found) if as_json else found.table())
    for place, content in written:
        if place is not None:
            write_atomic(place, content())
            click.echo(f"written: {place}", err=True)
    return _exit_code(found, strict)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of own points, text that is no number in none of the columns that are read.

    Raises:
        ValueError: where there are no rows, or a cell is no number.
    """
    from validation.axes import AXES

    read = {"measured", "sem", "n", "subspace", *(axis.partition(".")[0] for axis in AXES)}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows, names = list(reader), reader.fieldnames or ()
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {str(path)!r}: its text is not UTF-8; save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(
            f"cannot read {str(path)!r}: {reason}; --measured takes a file of text, a row a point"
        ) from None
    if not rows:
        raise ValueError(f"{path} has no rows; a first line of names, such as time,measured,sem, comes before them")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{path} must name every column once, got {twice[0]!r} twice; leave one out")
    for number, row in enumerate(rows, 1):
        if None in row:  # cells without a name, as decimal commas make them
            raise ValueError(
                f"{path}: row {number} must have a cell for each of {len(names)} columns, got more; write decimals with a point"
            )
        for name, cell in row.items():
            if name.partition(".")[0] in read and not _is_number(cell):
                raise ValueError(
                    f"{path}: {name} of row {number} must be a number, got {cell!r}; write it as in 0.95, or leave the row out"
                )
    return rows


def _is_number(cell: str | None) -> bool:
    try:
        return cell is not None and "_" not in cell and math.isfinite(float(cell))
    except ValueError:
        return False


def _exit_code(found: Comparison, strict: bool) -> int:
    if found.disagrees:
        return DISAGREES
    undecided = found.count("undecided")
    return UNDECIDED if undecided and (strict or not found.count("agrees")) else 0


def _json(found: Comparison) -> str:
    from validation.report.tables import strict_json

    return strict_json(
        {"name": found.name, "points": found.rows, "verdict": found.verdict, "threshold": found.threshold}
    )


def _check_file(path: Path | None, suffixes: tuple[str, ...], what: str) -> None:
    """Raises ValueError where it could not be written, before any work is done for it."""
    from numerics.storage.files import check_directory

    if path is None:
        return
    if path.suffix not in suffixes or path.is_dir():
        raise ValueError(f"{what} must be a file that ends in {' or '.join(suffixes)}, got {path}")
    check_directory(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)


def _check_x(name: str, asked: tuple[str, ...], options: dict[str, Any]) -> None:
    """Where x is asked for, observables must follow it."""
    from theory.observable import observables
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    known = observables(prediction(name))
    anywhere = [one for one, about in known.items() if about.anywhere]
    shown = follows_x(known, anywhere, name, options["query"], options["point"])
    if unmoved := [one for one in asked if one in known and one not in shown]:
        raise ValueError(f"--at and --x are for {', '.join(shown)}, which follow x; got {unmoved[0]!r}")


def _read(options: dict[str, Any], over: tuple[str, ...], *, network: bool) -> tuple[Setting, dict[str, Any]]:
    """The setting at the first value of every option, and the axes by name.

    Raises:
        ValueError: where an axis is named twice.
    """
    from validation.axes import ranged

    axes: dict[str, Any] = {}
    manifolds = options["subspaces"]
    lists = {SWEPT[option]: options[option] for option in SWEPT if len(options[option] or ()) > 1}
    if len(manifolds) > 1:
        lists["subspaces"] = manifolds
    for axis, values in [*map(ranged, over), *lists.items()]:
        if axis in axes:
            raise ValueError(f"the axes must be different, got {axis} twice; name two, or one")
        axes[axis] = values
    one = {option: options[option][0] if options[option] else None for option in SWEPT}
    one["ambient_dimension"] = None if one["ambient_dimension"] is None else int(one["ambient_dimension"])
    # a mixture takes a separation from the first
    if "separation" in axes:
        one["separation"] = axes["separation"][0]
    return read_setting(**options | one | {"subspaces": manifolds[0]}, network=network), axes


@contextmanager
def _point_lines() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; off it a line for each point that is done."""
    with progress(1, "jobs") as bar:

        def finished(told: str, done: int, of: int) -> None:
            bar.total, bar.n = of, done
            bar.refresh()
            if told and not sys.stderr.isatty():
                click.echo(f"geomem: {done} of {of}: {told}", err=True)

        yield finished
