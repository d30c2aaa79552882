"""geomem check."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from validation.commands.options import CONTEXT

if TYPE_CHECKING:
    from theory.derivation import Derivation

__all__ = ["check"]

FORMATS = "text", "html", "json", "latex", "sarif"
REFUTED, INCONCLUSIVE = 1, 3
EXAMPLE = "assets/draft.txt"


@click.command(context_settings=CONTEXT)
@click.argument("paths", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Exit code 3 for supported lines too.")
@click.option("--line", "only", default="", metavar="NAME", help="Judge the line of this name alone.")
@click.option("--timeout", type=float, default=20.0, show_default=True, metavar="S", help="Seconds for a line.")
@click.option("--needs", is_flag=True, help="Also which declared assumptions each line needs. It takes longer.")
@click.option("--example", is_flag=True, help="Print a file to begin from.")
def check(
    paths: tuple[Path, ...], form: str, strict: bool, only: str, timeout: float, needs: bool, example: bool
) -> int:
    """Judge the derivations in FILE, line by line: proved, supported, refuted or inconclusive, and why.

    FILE is Python, and is run: check only files that you would run. Verdicts are kept, so that a second run takes a moment.

    \b
      geomem check --example > draft.derivation.py    a file to begin from
      geomem check draft.derivation.py
      geomem check draft.derivation.py --format html > draft.html

    \b
    Exit code 0 if no line fails, 1 if one is refuted, 2 if a file cannot be used, 3 if a line is inconclusive.
    """  # noqa: D301
    from theory.derivation_file import checked

    if example:
        click.echo(files("validation").joinpath(EXAMPLE).read_text(encoding="utf-8"), nl=False)
        return 0
    if not paths:
        raise ValueError(
            "name a file, such as draft.derivation.py; geomem check --example > draft.derivation.py writes one"
        )
    if not timeout > 0:
        raise ValueError(f"--timeout must be a positive number of seconds, got {timeout}")
    try:
        found = [d for path in paths for d in checked(path, timeout=timeout, needs=needs, only=only)]
    except (FileNotFoundError, IsADirectoryError) as error:
        begin = "geomem check --example > draft.derivation.py writes one to begin from"
        raise ValueError(f"there is no file {error.filename}; {begin}") from None
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
