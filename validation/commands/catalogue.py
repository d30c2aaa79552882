"""geomem list."""

from __future__ import annotations

import click

from validation.commands.options import CONTEXT

__all__ = ["list_"]


@click.command("list", context_settings=CONTEXT)
def list_() -> None:
    """The catalogue: name, statement, source, regime."""
    from validation.claims import PREDICTIONS, SURVEYS
    from validation.suite import claims_module, prediction

    for name in PREDICTIONS:
        module = prediction(name)
        click.echo(f"{name}\n    {module.STATEMENT}\n    source: {module.SOURCE}\n    regime: {module.REGIME}\n")
    for name, stems in SURVEYS.items():
        click.echo(f"{name}\n    {claims_module(name).STATEMENT}\n    survey, to validate: {', '.join(stems)}\n")
