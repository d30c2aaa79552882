"""geomem simulate."""

from __future__ import annotations

from typing import Any

import click

from validation.commands.options import (
    CONTEXT,
    DEVICE,
    SEED,
    checked_seed,
    follows_x,
    progress,
    read_setting,
    setting_options,
    trains,
)

__all__ = ["simulate"]


@click.command(context_settings=CONTEXT)
@setting_options
@SEED
@click.option(
    "--repeats",
    "--seeds",
    "repeats",
    type=click.IntRange(2),
    default=100,
    show_default=True,
    help="Independent data sets, and networks.",
)
@DEVICE
@click.option("--dtype", default="float64", show_default=True, help="float64 or float32.")
def simulate(name: str, as_json: bool, seed: int, repeats: int, device: str, dtype: str, **options: Any) -> None:
    """Measure the observables of prediction NAME on simulated data sets, with standard errors."""
    import importlib

    from numerics.arrays import resolve_device
    from validation.report import tables
    from validation.suite import check_names

    (name,) = check_names([name])
    experiment = importlib.import_module(f"numerics.experiments.{name}")
    shown = follows_x(
        experiment.OBSERVABLES, getattr(experiment, "ANYWHERE", ()), name, options["query"], options["point"]
    )
    setting, device = read_setting(**options, network=trains(name)), resolve_device(device)
    with progress(repeats, "data sets") as bar:
        found = experiment.measure(
            setting, repeats=repeats, rng=checked_seed(seed), device=device, dtype=dtype, tick=bar.update
        )
    found = {observable: found[observable] for observable in shown if observable in found}
    click.echo(tables.render(name, setting, experiment.OBSERVABLES, found, as_json=as_json))
