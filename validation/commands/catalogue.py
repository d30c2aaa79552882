"""geomem list."""

from __future__ import annotations

import click

from validation.commands.options import CONTEXT

__all__ = ["list_"]


@click.command("list", context_settings=CONTEXT)
def list_() -> None:
    """The catalogue: name, statement, source, regime."""
    from theory.source import constants
    from validation.claims import PREDICTIONS, SURVEYS

    for name in PREDICTIONS:
        told = constants(f"theory.predictions.{name}")
        click.echo(f"{name}\n    {told['STATEMENT']}\n    source: {told['SOURCE']}\n    regime: {told['REGIME']}\n")
    for name, stems in SURVEYS.items():
        told = constants(f"validation.claims.{name}")
        click.echo(f"{name}\n    {told['STATEMENT']}\n    survey, to validate: {', '.join(stems)}\n")
