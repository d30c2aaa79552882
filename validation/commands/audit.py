"""geomem audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from validation.commands.options import CONTEXT, DEVICE, SEED, checked_seed, progress, table_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numerics.storage.tables import Table

__all__ = ["audit"]


@click.command(context_settings=CONTEXT)
@click.argument("data")
@table_options
@click.option(
    "--wanted-time",
    type=float,
    metavar="T",
    help="The collapse time to reach by more samples; by default half.",
)
@click.option(
    "--resolution",
    type=float,
    default=2.0,
    show_default=True,
    help="Variances within this factor are one subspace.",
)
@click.option("--labels", metavar="FILE", help="The class of every sample: .npy, text with one a line, or digits.")
@click.option(
    "--generated", metavar="FILE", help="What a model generated, or a held-out set: how many are copies of samples."
)
@click.option("--standardize", is_flag=True, help="Divide every column by its deviation.")
@click.option(
    "--schedule", default="ve", help="Also when it collapses in the time of ou, ddpm, cosine, flow or, as sigma, edm."
)
@SEED
@DEVICE
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Also a page and figures.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def audit(
    data: str,
    wanted_time: float | None,
    resolution: float,
    labels: str | None,
    generated: str | None,
    standardize: bool,
    schedule: str,
    seed: int,
    device: str,
    output: Path | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """When will a diffusion model memorize DATA, what goes first, what would prevent it?

    DATA is a .npy, .npz, .parquet or text file (.csv, .tsv, .txt) with one sample per row, or the word digits. What was
    taken for data is printed. A column that numbers the rows is left out, or refused where it may be data; so is a first
    row of numbers that may be a header, and a missing cell.

    \b
      geomem audit table.csv --columns 2-7
      geomem audit table.csv --no-header --drop-missing
      geomem audit images.npy --labels classes.npy
      geomem audit features.npy --standardize --schedule ddpm --output audit-report
    """  # noqa: D301
    from numerics.arrays import resolve_device
    from numerics.data import read
    from numerics.storage.files import check_directory
    from numerics.storage.labels import read_labels
    from theory.setting import SCHEDULES
    from validation.audit import of_data as auditing
    from validation.audit import page as audit_page
    from validation.manifest import manifest
    from validation.report import figures, tables
    from validation.report.page import write_report

    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}")
    device, seed = resolve_device(device), checked_seed(seed)
    if output is not None:
        check_directory(output)
        figures.check()
    classes = None if labels is None else read_labels(labels)
    table = read(data, **reading)
    if classes is not None:
        _check_labels(labels, classes, table)
    new = None if generated is None else read(generated, **reading)
    if new is not None:
        new.taken.check_order(table.taken, str(generated))
    with progress(auditing.TICKS, "steps") as bar:
        found = auditing.audit(
            table.name,
            table.samples,
            taken=table.taken,
            labels=classes,
            generated=None if new is None else new.samples,
            wanted_time=wanted_time,
            resolution=resolution,
            standardize=standardize,
            seed=seed,
            device=device,
            tick=bar.update,
        )
    clock = {} if schedule == "ve" else {"clock": audit_page.on_the_clock(found.summary, schedule)}
    click.echo(tables.strict_json(found.summary | clock) if as_json else audit_page.text(found, schedule))
    if output is not None:
        page = write_report(
            output,
            title=f"geomem: audit of {table.name}",
            introduction=audit_page.introduction(found, schedule),
            claims=(),
            derivations=(),
            figures=audit_page.figures(found),
            manifest=manifest(data=data, read=table.taken.summary(), seed=seed, device=device),
            sections=audit_page.sections(found),
        )
        click.echo(f"report: {page}", err=True)


def _check_labels(file: str | None, labels: NDArray[Any], table: Table) -> None:
    """Raises ValueError where they are not one for each sample, with a remedy."""
    from numerics.storage.columns import CLASSES

    count, N = len(labels), len(table.samples)
    if count == N:
        first = str(labels[0])
        if CLASSES.fullmatch(first) and (labels == labels[0]).sum() == 1:
            raise ValueError(
                f"the first of the labels in {file!r}, {first!r}, looks like a header; give one a line, and no header"
            )
        return
    remedy = "give one a line"
    if count == N + 1:
        remedy = "give one a line, and no header"
    if any("missing cells" in what for what in table.taken.left_out):
        remedy = "rows with missing cells were left out: leave out their labels too"
    raise ValueError(f"labels must be one for each of {N:,} samples, got {count:,} in {file!r}; {remedy}")
