"""geomem audit."""

from __future__ import annotations

from pathlib import Path

import click

from validation.commands.options import CONTEXT, checked_seed, progress

__all__ = ["audit"]


@click.command(context_settings=CONTEXT)
@click.argument("data")
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
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Also a page and figures.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def audit(
    data: str,
    wanted_time: float | None,
    resolution: float,
    seed: int,
    device: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """When will a diffusion model memorize DATA, what goes first, what would prevent it?

    DATA is a .npy, .npz, .csv or .parquet file with one sample per row, or the word digits.
    """
    from numerics.arrays import resolve_device
    from numerics.data import load
    from numerics.storage.files import check_directory
    from validation.audit import of_data as auditing
    from validation.audit import page as audit_page
    from validation.manifest import manifest
    from validation.report import figures, tables
    from validation.report.page import write_report

    device, seed = resolve_device(device), checked_seed(seed)
    if output is not None:
        check_directory(output)
        figures.check()
    name, samples = load(data)
    with progress(auditing.TICKS, "steps") as bar:
        found = auditing.audit(
            name,
            samples,
            wanted_time=wanted_time,
            resolution=resolution,
            seed=seed,
            device=device,
            tick=bar.update,
        )
    text = audit_page.text(found)
    click.echo(tables.strict_json(found.summary) if as_json else text)
    if output is not None:
        page = write_report(
            output,
            title=f"geomem: audit of {name}",
            introduction=text,
            claims=(),
            derivations=(),
            figures=audit_page.figures(found),
            manifest=manifest(data=data, seed=seed, device=device),
            sections=audit_page.sections(found),
        )
        click.echo(f"report: {page}", err=True)
