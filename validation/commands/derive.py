"""geomem derive."""

from __future__ import annotations

import click

from validation.commands.options import CONTEXT

__all__ = ["derive"]


@click.command(context_settings=CONTEXT)
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
def derive(name: str, form: str) -> None:
    """The derivation of prediction NAME, step by step, each with its reason and verdict."""
    from validation.report import derivation_text
    from validation.suite import check_names, prediction

    (name,) = check_names([name])
    click.echo(getattr(derivation_text, form)(prediction(name).derivation()))
