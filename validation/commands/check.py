"""geomem check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from validation.commands.options import CONTEXT

if TYPE_CHECKING:
    from theory.derivation import Derivation

__all__ = ["check"]

FORMATS = "text", "html", "json", "latex", "sarif"
REFUTED, INCONCLUSIVE = 1, 3


@click.command(context_settings=CONTEXT)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Exit code 3 for supported lines too.")
@click.option("--line", "only", default="", metavar="NAME", help="Judge the line of this name alone.")
@click.option("--timeout", type=float, default=20.0, show_default=True, metavar="S", help="Seconds for a line.")
@click.option("--needs", is_flag=True, help="Also which declared assumptions each line needs. It takes longer.")
def check(files: tuple[Path, ...], form: str, strict: bool, only: str, timeout: float, needs: bool) -> int:
    """Judge the derivations in FILE, line by line: proved, supported, refuted or inconclusive, and why.

    FILE is Python, and is run: check only files that you would run. Verdicts are kept, so that a second run takes a moment.

    \b
    Exit code 0 if no line fails, 1 if one is refuted, 2 if a file cannot be used, 3 if a line is inconclusive.
    """  # noqa: D301
    from theory.derivation_file import checked

    if not timeout > 0:
        raise ValueError(f"--timeout must be a positive number of seconds, got {timeout}")
    found = [d for file in files for d in checked(file, timeout=timeout, needs=needs, only=only)]
    click.echo(_written(found, form))
    verdicts = {derivation.verdict for derivation in found}
    if "refuted" in verdicts:
        return REFUTED
    return INCONCLUSIVE if verdicts & {"inconclusive", *(["supported"] if strict else [])} else 0


def _written(derivations: list[Derivation], form: str) -> str:
    from validation.report import derivation_text

    if form == "html":
        from validation.report.page import checked_page

        return checked_page("Derivations, checked", derivations)
    if form == "sarif":
        from validation.report.sarif import sarif

        return sarif(derivations)
    write = {"text": derivation_text.checked_text, "json": derivation_text.checked_json}
    return write.get(form, derivation_text.footnotes)(derivations)
