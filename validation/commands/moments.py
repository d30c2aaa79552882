"""geomem moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from validation.commands.options import COLUMNS, CONTEXT, numbers, progress

__all__ = ["moments"]


@click.command(context_settings=CONTEXT)
@click.argument("data")
@click.option("--queries", required=True, metavar="FILE", help="The points x, one per row; formats as for DATA.")
@COLUMNS
@click.option("--query-columns", metavar="1-6,8", help="The same of the queries; by default as --columns.")
@click.option(
    "--t", "times", required=True, metavar="T,...", help="Noise variances in data units squared, as 0.1,0.01."
)
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of the weights; 1 is the posterior.")
@click.option(
    "--covariance",
    type=click.Choice(["diagonal", "full"]),
    help="Also the posterior covariance; without it the sums are faster.",
)
@click.option("--dtype", help="Of distances and weights, float64 or float32; by default that of DATA and queries.")
@click.option("--tolerance", type=float, metavar="EPS", help="Share of the weight that may be neglected for speed.")
@click.option("--rows", type=click.IntRange(1), metavar="N", help="Samples read at a time; by default 256 MiB of them.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the sum there every minute; the same command goes on from it.",
)
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Compute on the workers of this dask scheduler.")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FILE.npz", help="The averages.")
def moments(
    data: str,
    queries: str,
    columns: str | None,
    query_columns: str | None,
    times: str,
    dtype: str | None,
    checkpoint: Path | None,
    output: Path,
    **options: Any,
) -> None:
    """Every Gibbs average over DATA at some points: score, energy, entropy, participation, ...

    DATA is a .npy or .parquet file with one sample per row, a directory of .parquet files, or a Zarr array. It is read
    in partitions, so it may be larger than memory, and summed by this machine or by a cluster that sees the same path. What
    was taken for data is printed; a column that numbers the rows is left out, or refused where it may be data.

    \b
      geomem moments samples.npy --queries x.npy --t 0.1,0.01 --checkpoint sum.npz --output moments.npz

    The output is read by numpy.load. For T times and M queries in D dimensions it holds log_partition, energy,
    energy_variance, entropy, participation, largest_weight, nearest (the number of the sample, from 0) and error (a
    bound on that of the weights), of shape (T, M); mean and score, (T, M, D); covariance if asked for, (T, M, D) or
    (T, M, D, D); t, queries and samples, their number.
    """  # noqa: D301
    from numerics.partitions import gibbs_moments_of
    from numerics.storage.files import write_atomic
    from numerics.storage.sources import open_source
    from validation.report import moments_file

    noise = numbers(times, "--t")
    _check_files(output, checkpoint, Path(data), Path(queries))
    if columns is not None and options["scheduler"] is not None:
        raise ValueError("workers of --scheduler open DATA whole; write these --columns to a file of their own")
    source = open_source(data, columns=columns)
    asked = open_source(queries, "queries", columns=columns if query_columns is None else query_columns)
    points = moments_file.points(asked)
    with progress(source.shape[0], "samples", unit_scale=True) as bar:
        try:
            found = gibbs_moments_of(
                source,
                points,
                [[t] for t in noise],
                dtype=_dtype(dtype),
                checkpoint=checkpoint,
                tick=bar.update,
                **options,
            )
        except KeyboardInterrupt:
            if checkpoint is None:
                raise click.Abort("nothing is kept without --checkpoint") from None
            raise
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(output, moments_file.content(found))
    click.echo(moments_file.table(found))
    click.echo(f"\nread: {source.taken} ({data})\nqueries: {asked.taken} ({queries})")
    click.echo(f"output: {output}")


def _check_files(output: Path, checkpoint: Path | None, *read: Path) -> None:
    """Refuse to write where nothing can be written, or over what is read, before any work is done."""
    from numerics.storage.files import check_directory

    written = {"--output": output} | ({"--checkpoint": checkpoint} if checkpoint else {})
    for option, path in written.items():
        if path.is_dir():
            raise ValueError(f"{option} must name a file, got the directory {path}")
        check_directory(path.parent)
    names = [path.absolute() for path in (*written.values(), *read)]
    for option, path in written.items():
        if names.count(path.absolute()) > 1:
            raise ValueError(
                f"{option} must be a file of its own, got {path}, which is another file of this command too"
            )


def _dtype(dtype: str | None) -> str | None:
    from numerics.arrays import DTYPES

    if dtype not in (None, *DTYPES):
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return dtype
