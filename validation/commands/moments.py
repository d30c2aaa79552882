"""geomem moments."""

from __future__ import annotations

import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from validation.commands.options import COLUMNS, CONTEXT, numbers, progress
from validation.stopping import kept

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
    from numerics.storage.sources import open_source
    from validation.report import moments_file

    noise = numbers(times, "--t")
    _check_files(output, checkpoint, Path(data), Path(queries))
    if columns is not None and options["scheduler"] is not None:
        raise ValueError("workers of --scheduler open DATA whole; write these --columns to a file of their own")
    source = open_source(data, columns=columns)
    asked = open_source(queries, "queries", columns=columns if query_columns is None else query_columns)
    asked.taken.check_order(source.taken, queries)
    points = moments_file.points(asked)
    keeps = "what was finished is kept" if checkpoint else "nothing is kept without --checkpoint"
    with progress(source.shape[0], "samples", unit_scale=True) as bar, kept(keeps, checkpoint), _warnings_as_lines():
        found = gibbs_moments_of(
            source,
            points,
            [[t] for t in noise],
            dtype=_dtype(dtype),
            checkpoint=checkpoint,
            tick=bar.update,
            **options,
        )
        _write(output, checkpoint, moments_file.content(found))
    click.echo(moments_file.table(found))
    click.echo(f"\nread: {source.taken} ({data})\nqueries: {asked.taken} ({queries})")
    click.echo(f"output: {output}")


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = lambda message, *about: click.echo(f"geomem: {message}", err=True)
        yield


def _write(output: Path, checkpoint: Path | None, content: bytes) -> None:
    """The averages, elsewhere if need be: they may have taken days.

    Raises:
        OSError: that says where they are.
    """
    from numerics.storage.files import write_atomic

    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(output, content)
    except OSError as error:
        if checkpoint is not None and checkpoint.exists():
            raise OSError(f"{error}; the sum is kept in {checkpoint}, and the same command writes it") from None
        raise OSError(f"{error}; {_rescued(output.name, content)}") from None


def _rescued(name: str, content: bytes) -> str:
    """Where what could not be written to its place is now."""
    from numerics.storage.files import write_atomic

    for directory in (tempfile.gettempdir(), Path.cwd(), Path.home()):
        place = Path(directory) / f"geomem-{secrets.token_hex(4)}-{name}"
        with suppress(OSError):
            write_atomic(place, content)
            return f"the averages are in {place} instead"
    return "nor anywhere else, so the averages are lost"


def _check_files(output: Path, checkpoint: Path | None, *read: Path) -> None:
    """Refuse to write where nothing can be written, or over what is read, before any work is done."""
    from numerics.storage.files import check_directory, same_file

    written = {"--output": output} | ({"--checkpoint": checkpoint} if checkpoint else {})
    for option, path in written.items():
        if path.is_dir():
            raise ValueError(f"{option} must name a file, got the directory {path}")
        others = [*read, *(other for name, other in written.items() if name != option)]
        if any(same_file(path, other) or _part_of(path, other) for other in others):
            raise ValueError(
                f"{option} must be a file of its own, got {path}, which is another file of this command too"
            )
        check_directory(path.parent)
    if output.suffix.lower() != ".npz":
        raise ValueError(f"--output must be a file that ends in .npz, got {output}")


def _part_of(path: Path, other: Path) -> bool:
    """Whether a file would belong to a data set that is a directory: one of Parquet files, or a Zarr array."""
    from numerics.storage.files import same_file

    if not other.is_dir() or not any(same_file(place, other) for place in path.absolute().parents):
        return False
    return path.suffix.lower() == ".parquet" or any((other / name).exists() for name in (".zarray", "zarr.json"))


def _dtype(dtype: str | None) -> str | None:
    from numerics.arrays import DTYPES

    if dtype not in (None, *DTYPES):
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return dtype
