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
    except (click.Abort, KeyboardInterrupt):
        click.echo("geomem: interrupted; what was finished is kept", err=True)
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
    r"""The statistical physics of memorization in diffusion models: derived, simulated, judged.

    When does the score built from N samples stop describing the distribution and start reciting the samples?

    \b
      geomem list                                    what is predicted
      geomem derive collapse                         a derivation, step by step, with verdicts
      geomem predict collapse --subspaces 1.0x20     numbers from the formulas
      geomem simulate collapse --subspaces 1.0x20    the same numbers, measured
      geomem validate                                do they agree? table and report
      geomem audit digits                            the same questions asked of your data

    Times are noise variances t in units of the data (schedule ve) unless --schedule says otherwise.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command("list", context_settings=CONTEXT)
def list_() -> None:
    """The catalogue: name, statement, source, regime."""
    from validation.claims import PREDICTIONS
    from validation.suite import prediction

    for name in PREDICTIONS:
        module = prediction(name)
        click.echo(f"{name}\n    {module.STATEMENT}\n    source: {module.SOURCE}\n    regime: {module.REGIME}\n")


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
) -> Setting:
    import numpy as np

    from theory.setting import LinearManifold, Setting

    manifold = LinearManifold.parse(subspaces, ambient_dimension)
    if times is not None:
        return Setting(manifold, samples, _numbers(times, "--times"), schedule, ensemble)  # type: ignore[arg-type]
    from theory.predictions.collapse import collapse_time

    gaussian = Setting(manifold, samples)
    setting = Setting(manifold, samples, schedule=schedule, ensemble=ensemble, times=np.array([0.5]))  # type: ignore[arg-type]
    return setting.at(times=setting.schedule.time(collapse_time(gaussian) * np.geomspace(0.1, 10, 9)))


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
def predict(name: str, as_json: bool, epsilon: float | None, **options: Any) -> None:
    """Numbers from the formulas of prediction NAME."""
    from validation import tables
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    module, setting = prediction(name), _setting(**options)
    if epsilon is not None and name != "kl_bound":
        raise ValueError(f"--kl belongs to kl_bound, got it for {name}")
    found, notes = tables.predicted(module, setting)
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
    setting, device = _setting(**options), resolve_device(device)
    experiment = importlib.import_module(f"numerics.experiments.{name}")
    with _progress(repeats, "data sets") as bar:
        found = experiment.measure(
            setting, repeats=repeats, rng=_seed(seed), device=device, dtype=dtype, tick=bar.update
        )
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
    from validation import suite, tables
    from validation.manifest import manifest
    from validation.store import Store, check_directory, write_atomic
    from validation.sweep import local_executor

    start = time.perf_counter()
    names, device, seed = suite.check_names(names), resolve_device(device), _seed(seed)
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
    from validation import audit as auditing
    from validation import audit_page, tables
    from validation.manifest import manifest
    from validation.report import write_report
    from validation.store import check_directory

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


def _progress(total: int, unit: str) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, unit=f" {unit}", leave=False, delay=1, disable=None, maxinterval=math.inf)
