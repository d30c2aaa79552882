"""The command line. Everything heavy is imported by the command that needs it, so that --help is instant."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from types import ModuleType

    from theory.setting import Setting

__all__ = ["cli", "main"]

BAD_USAGE = 2
INTERRUPTED = 130
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: whatever is wrong with the input is one line on stderr and exit code 2."""
    try:
        code = cli.main(arguments, prog_name="geomem", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt) as stopped:
        click.echo(f"geomem: interrupted; {str(stopped) or 'what was finished is kept'}", err=True)
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, OverflowError) as error:
        _fail(str(error))
    except MemoryError:
        _fail("this does not fit into memory; ask for fewer directions, samples or times")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    click.echo(f"geomem: {' '.join(message.split())}", err=True)
    sys.exit(BAD_USAGE)


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(package_name="geomem")
@click.pass_context
def cli(context: click.Context) -> None:
    """The statistical physics of memorization in diffusion models: derived, simulated, judged.

    When does the score built from N samples stop describing the distribution and start reciting the samples?

    \b
      geomem list                                    what is predicted
      geomem derive collapse                         a derivation, step by step, with verdicts
      geomem predict collapse --subspaces 1.0x20     numbers from the formulas
      geomem simulate collapse --subspaces 1.0x20    the same numbers, measured
      geomem validate                                do they agree? table and report
      geomem audit digits                            the same questions asked of your data
      geomem moments data.npy --queries x.npy ...    the score and its moments, for data larger than memory

    Times are noise variances t in units of the data (schedule ve) unless --schedule says otherwise.
    """  # noqa: D301  (a raw string would show the \b that keeps these lines apart)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command("list", context_settings=CONTEXT)
def list_() -> None:
    """The catalogue: name, statement, source, regime."""
    from validation.claims import PREDICTIONS, SURVEYS
    from validation.suite import claims_module, prediction

    for name in PREDICTIONS:
        module = prediction(name)
        click.echo(f"{name}\n    {module.STATEMENT}\n    source: {module.SOURCE}\n    regime: {module.REGIME}\n")
    for name, stems in SURVEYS.items():
        click.echo(f"{name}\n    {claims_module(name).STATEMENT}\n    survey, to validate: {', '.join(stems)}\n")


@cli.command(context_settings=CONTEXT)
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
def derive(name: str, form: str) -> None:
    """The derivation of prediction NAME, step by step, each with its reason and verdict."""
    from validation import derivation_text
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    click.echo(getattr(derivation_text, form)(prediction(name).derivation()))


def _setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.argument("name"),
        click.option("--subspaces", required=True, metavar="VxM,...", help="Variance x dimension, as in 1.0x20,0.1x4."),
        click.option("--ambient-dimension", type=int, metavar="D", help="Dimension of the space around the manifold."),
        click.option("--samples", type=float, default=1000, show_default=True, metavar="N", help="Training samples."),
        click.option("--times", metavar="T,...", help="Comma separated; by default nine around the collapse time."),
        click.option("--schedule", default="ve", show_default=True, help="ve, ou (or vp), ddpm, cosine, edm or flow."),
        click.option("--ensemble", default="gaussian", show_default=True, help="gaussian or sphere."),
        click.option(
            "--at", "query", metavar="WHERE", help="x is fresh, or on a trajectory: a noised training sample."
        ),
        click.option(
            "--x", "point", metavar="X,...", help="One x along the principal axes; by default an average over x."
        ),
        click.option("--json", "as_json", is_flag=True, help="JSON on stdout."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _setting(
    subspaces: str,
    ambient_dimension: int | None,
    samples: Any,
    times: str | None,
    schedule: str,
    ensemble: str,
    query: str | None,
    point: str | None,
) -> Setting:
    import numpy as np

    from theory.setting import LinearManifold, Setting

    manifold = LinearManifold.parse(subspaces, ambient_dimension)
    where = {"query": query or "fresh", "point": None if point is None else tuple(_numbers(point, "--x"))}
    if times is not None:
        return Setting(manifold, samples, _numbers(times, "--times"), schedule, ensemble, **where)  # type: ignore[arg-type]
    from theory.predictions.collapse import collapse_time

    gaussian = Setting(manifold, samples)
    setting = Setting(manifold, samples, np.array([0.5]), schedule, ensemble, **where)  # type: ignore[arg-type]
    return setting.at(times=setting.schedule.time(collapse_time(gaussian) * np.geomspace(0.1, 10, 9)))


def _follows_x(module: ModuleType, name: str, query: str | None, point: str | None) -> tuple[str, ...]:
    """The observables of a prediction or experiment to show: where x is asked for, those that depend on it.

    Raises:
        ValueError: for --at or --x where none does.
    """
    if query is None and point is None:
        return tuple(module.OBSERVABLES)
    if not (found := getattr(module, "ANYWHERE", ())):
        raise ValueError(f"--at and --x are for what is known at a given x, such as condensation; got them for {name}")
    return tuple(found)


def _some_of(known: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The names asked for by --only, in the order of those known."""
    asked = text.split(",")
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(f"--only must name some of {', '.join(known)}; got {unknown[0]!r}")
    return tuple(name for name in known if name in asked)


def _numbers(text: str, what: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{what} must be comma separated numbers, as in 0.1,0.5; got {text!r}") from None


@cli.command(context_settings=CONTEXT)
@_setting_options
@click.option(
    "--kl",
    "epsilon",
    type=float,
    metavar="EPS",
    help="kl_bound: also the samples for a divergence of EPS nats.",
)
@click.option("--only", metavar="OBSERVABLE,...", help="Some observables; by default all.")
def predict(name: str, as_json: bool, epsilon: float | None, only: str | None, **options: Any) -> None:
    """Numbers from the formulas of prediction NAME.

    What is exact at finite N and D takes seconds, with several subspaces up to minutes: --only leaves it out, or the rest.
    """
    from validation import tables
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    module = prediction(name)
    shown = _follows_x(module, name, options["query"], options["point"])
    if only is not None:
        shown = _some_of(shown, only)
    setting = _setting(**options)
    if epsilon is not None and name != "kl_bound":
        raise ValueError(f"--kl belongs to kl_bound, got it for {name}")
    with _progress(len(shown), "observables") as bar:
        found, notes = tables.predicted(module, setting, shown, bar.update)
    dims = {observable: module.OBSERVABLES[observable] for observable in found}
    if epsilon is not None:
        found["samples_for_kl"], dims["samples_for_kl"] = module.samples_for_kl(setting, epsilon), ("time",)
    for note in notes:
        click.echo(f"geomem: {note}", err=True)
    click.echo(tables.render(name, setting, dims, found, as_json=as_json))


@cli.command(context_settings=CONTEXT)
@_setting_options
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--repeats", type=click.IntRange(2), default=100, show_default=True, help="Independent data sets.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--dtype", default="float64", show_default=True, help="float64 or float32.")
def simulate(name: str, as_json: bool, seed: int, repeats: int, device: str, dtype: str, **options: Any) -> None:
    """Measure the observables of prediction NAME on simulated data sets, with standard errors."""
    import importlib

    from numerics.arrays import resolve_device
    from validation import tables
    from validation.suite import check_names

    (name,) = check_names([name])
    experiment = importlib.import_module(f"numerics.experiments.{name}")
    shown = _follows_x(experiment, name, options["query"], options["point"])
    setting, device = _setting(**options), resolve_device(device)
    with _progress(repeats, "data sets") as bar:
        found = experiment.measure(
            setting, repeats=repeats, rng=_seed(seed), device=device, dtype=dtype, tick=bar.update
        )
    found = {observable: found[observable] for observable in shown if observable in found}
    click.echo(tables.render(name, setting, experiment.OBSERVABLES, found, as_json=as_json))


@cli.command(context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--budget", type=click.Choice(["quick", "standard", "deep"]), default="standard", show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("geomem-report"),
    show_default=True,
    help="Where the report goes; an interrupted run is taken up from there.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Also the claims as JSON.")
def validate(names: tuple[str, ...], budget: str, device: str, seed: int, output: Path, json_file: Path | None) -> int:
    """Hold predictions against experiments: a table of verdicts, and a report.

    Exit code 0 if every claim holds, 1 if one does not, 2 for bad usage.
    """
    from concurrent.futures import ThreadPoolExecutor

    from numerics.arrays import resolve_device
    from numerics.files import check_directory, write_atomic
    from validation import suite, tables
    from validation.claims import CLAIMED
    from validation.manifest import manifest
    from validation.store import Store
    from validation.sweep import local_executor

    start = time.perf_counter()
    names, device, seed = suite.check_names(names, CLAIMED), resolve_device(device), _seed(seed)
    check_directory(output)
    if json_file is not None:
        if json_file.is_dir():
            raise ValueError(f"--json must name a file, got the directory {json_file}")
        check_directory(json_file.parent)
    # a GPU is one; cores are several
    executor = local_executor() if device == "cpu" else None
    with _progress(len(suite.experiments(names)), "experiments") as bar, ThreadPoolExecutor(1) as meanwhile:
        prepared = meanwhile.submit(suite.prepare, names)
        try:
            results = suite.measure(
                names,
                budget=budget,
                seed=seed,
                device=device,
                store=Store(output / "measurements"),
                executor=executor,
                finished=lambda experiment: bar.update(),
            )
        finally:
            if executor:
                executor.shutdown(wait=False, cancel_futures=True)
        prepared.result()
    outcome = suite.judge(names, results)
    run = {"predictions": list(names), "budget": budget, "seed": seed, "device": device, "dtype": "float64"}
    made_with = manifest(**run, seconds=round(time.perf_counter() - start, 1))
    page = suite.report(outcome, output, made_with)
    click.echo(tables.verdicts(outcome.rows))
    click.echo(f"report: {page}")
    if json_file is not None:
        content = {"claims": outcome.rows, "manifest": made_with}
        json_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(json_file, tables.strict_json(content).encode())
    return 0 if outcome.holds else 1


@cli.command(context_settings=CONTEXT)
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
    from numerics.files import check_directory
    from validation import audit as auditing
    from validation import audit_page, tables
    from validation.manifest import manifest
    from validation.report import write_report

    device, seed = resolve_device(device), _seed(seed)
    if output is not None:
        check_directory(output)
    name, samples = load(data)
    with _progress(auditing.TICKS, "steps") as bar:
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


@cli.command(context_settings=CONTEXT)
@click.argument("data")
@click.option("--queries", required=True, metavar="FILE", help="The points x, one per row; formats as for DATA.")
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
    times: str,
    dtype: str | None,
    checkpoint: Path | None,
    output: Path,
    **options: Any,
) -> None:
    """Every Gibbs average over DATA at some points: score, energy, entropy, participation, ...

    DATA is a .npy or .parquet file with one sample per row, a directory of .parquet files, or a Zarr array. It is read
    in partitions, so it may be larger than memory, and summed by this machine or by a cluster that sees the same path.

    \b
      geomem moments samples.npy --queries x.npy --t 0.1,0.01 --checkpoint sum.npz --output moments.npz

    The output is read by numpy.load. For T times and M queries in D dimensions it holds log_partition, energy,
    energy_variance, entropy, participation, largest_weight, nearest (the number of the sample, from 0) and error (a
    bound on that of the weights), of shape (T, M); mean and score, (T, M, D); covariance if asked for, (T, M, D) or
    (T, M, D, D); t, queries and samples, their number.
    """  # noqa: D301
    from numerics.files import write_atomic
    from numerics.partitions import gibbs_moments_of
    from numerics.sources import open_source
    from validation import moments_file

    noise = _numbers(times, "--t")
    _check_files(output, checkpoint, Path(data), Path(queries))
    source, points = open_source(data), moments_file.points(open_source(queries, "queries"))
    with _progress(source.shape[0], "samples", unit_scale=True) as bar:
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
    click.echo(f"output: {output}")


def _check_files(output: Path, checkpoint: Path | None, *read: Path) -> None:
    """Refuse to write where nothing can be written, or over what is read, before any work is done."""
    from numerics.files import check_directory

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


@cli.command(context_settings=CONTEXT)
def doctor() -> None:
    """Versions, devices, precision flags: what to put into a bug report."""
    from validation.manifest import manifest

    for title, content in manifest().items():
        if title != "run":
            click.echo(f"{title}: {json.dumps(content, indent=2)}")


def _seed(seed: int) -> int:
    if seed < 0:
        raise ValueError(f"the seed must be a non-negative integer, got {seed}")
    return seed


def _progress(total: int, unit: str, **options: Any) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, unit=f" {unit}", leave=False, delay=1, disable=None, maxinterval=math.inf, **options)
