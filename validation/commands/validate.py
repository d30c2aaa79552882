"""geomem validate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from validation.commands.options import CONTEXT, checked_seed, progress, run_options
from validation.stopping import kept

__all__ = ["validate"]

BUDGETS = "headline", "quick", "standard", "deep"


@click.command(context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@run_options(
    BUDGETS,
    "headline",
    "headline: a few claims of each prediction, in a minute; standard: all, in minutes; quick: all, on half the "
    "data sets; deep: on ten times as many.",
    "--output",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("geomem-report"),
    show_default=True,
    help="Where the report goes; an interrupted run is taken up from there.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Also the claims as JSON.")
@kept("what was finished is kept")
def validate(
    names: tuple[str, ...],
    budget: str,
    device: str,
    seed: int,
    output: Path,
    scheduler: str | None,
    json_file: Path | None,
) -> int:
    """Hold predictions against experiments: a line per claim as it is decided, and a report.

    Without NAME all predictions, and with a budget other than headline the surveys over them too.

    \b
    Exit code 0 if every claim holds, 1 if one does not, 2 for bad usage, 3 if workers were killed, for want of memory
    perhaps, 130 if interrupted and 143 if terminated. What was finished is kept, and the same command goes on from it.
    """  # noqa: D301
    from numerics.arrays import resolve_device
    from numerics.storage.files import check_directory, same_file, write_atomic
    from validation import suite
    from validation.claims import CLAIMED, PREDICTIONS
    from validation.job import Run
    from validation.manifest import manifest
    from validation.report import figures, tables
    from validation.store import Store
    from validation.sweep import chosen_executor

    start = time.perf_counter()
    known = PREDICTIONS if budget == "headline" and not names else CLAIMED
    names, device, seed = suite.check_names(names, known), resolve_device(device), checked_seed(seed)
    check_directory(output)
    if json_file is not None:
        if json_file.is_dir():
            raise ValueError(f"--json must name a file, got the directory {json_file}")
        if any(same_file(json_file, output / name) for name in ("report.html", "claims.csv", "manifest.json")):
            raise ValueError(f"--json must be a file of its own, got {json_file}, which the report is written to")
        check_directory(json_file.parent)
    run = Run(budget, seed, device)
    jobs = suite.jobs_of(names, budget)
    figures.check()
    lines = tables.Verdicts(claim.name for claim in suite.claims_of(names, budget))
    click.echo(lines.header)
    with chosen_executor(scheduler, device) as executor, progress(len(jobs), "jobs") as bar:

        def decided(rows: list[dict[str, Any]]) -> None:
            with bar.external_write_mode():
                click.echo(lines.line(rows))

        outcome = suite.hold(
            names,
            run,
            store=Store((output / "measurements").absolute()),
            executor=executor,
            finished=lambda job: bar.update(),
            decided=decided,
        )
    asked = {"predictions": list(names), "budget": budget, "seed": seed, "device": device, "dtype": "float64"}
    made_with = manifest(**asked, seconds=round(time.perf_counter() - start, 1))
    page = suite.report(outcome, output, made_with)
    click.echo(tables.tally(outcome.rows))
    click.echo(f"report: {page}")
    if json_file is not None:
        content = {"claims": outcome.rows, "manifest": made_with}
        json_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(json_file, tables.strict_json(content).encode())
    return 0 if outcome.holds else 1
