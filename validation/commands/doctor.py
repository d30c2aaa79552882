"""geomem doctor."""

from __future__ import annotations

import json

import click

from validation.commands.options import CONTEXT

__all__ = ["doctor"]


@click.command(context_settings=CONTEXT)
def doctor() -> None:
    """Versions, devices, precision flags: what to put into a bug report."""
    from validation.manifest import manifest

    for title, content in manifest().items():
        if title != "run":
            click.echo(f"{title}: {json.dumps(content, indent=2)}")
