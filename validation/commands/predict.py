"""geomem predict."""

from __future__ import annotations

from typing import Any

import click

from validation.commands.options import CONTEXT, follows_x, progress, read_setting, setting_options, some_of, trains

__all__ = ["predict"]


@click.command(context_settings=CONTEXT)
@setting_options
@click.option(
    "--kl",
    "epsilon",
    type=float,
    metavar="EPS",
    help="kl_bound: also the samples for a divergence of EPS nats.",
)
@click.option(
    "--only", metavar="OBSERVABLE,...", help="Some observables, as geomem list --of NAME names them; by default all."
)
def predict(name: str, as_json: bool, epsilon: float | None, only: str | None, **options: Any) -> None:
    """Numbers from the formulas of prediction NAME.

    What is exact at finite N and D takes seconds, with several subspaces up to minutes: --only leaves it out, or the rest.
    """
    from theory.observable import observables
    from validation.report import tables
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    module = prediction(name)
    known = observables(module)
    anywhere = (observable for observable, about in known.items() if about.anywhere)
    shown = follows_x(known, anywhere, name, options["query"], options["point"])
    if only is not None:
        shown = some_of(shown, only)
    setting = read_setting(**options, network=trains(name))
    if epsilon is not None and name != "kl_bound":
        raise ValueError(f"--kl belongs to kl_bound, got it for {name}")
    with progress(len(shown), "observables") as bar:
        found, notes = tables.predicted(module, setting, shown, bar.update)
    dims = {observable: known[observable].dims for observable in found}
    if epsilon is not None:
        found["samples_for_kl"], dims["samples_for_kl"] = module.samples_for_kl(setting, epsilon), ("time",)
    for note in notes:
        click.echo(f"geomem: {note}", err=True)
    click.echo(tables.render(name, setting, dims, found, as_json=as_json))
