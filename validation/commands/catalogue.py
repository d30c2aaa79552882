"""geomem list."""

from __future__ import annotations

import click

from validation.commands.options import CONTEXT

__all__ = ["list_"]


@click.command("list", context_settings=CONTEXT)
@click.option("--of", "name", metavar="NAME", help="Of this prediction alone, and its observables.")
def list_(name: str | None) -> None:
    """The catalogue: name, statement, source, regime."""
    from validation.claims import PREDICTIONS, SURVEYS

    if name is not None:
        click.echo(f"{_told(_known(name))}\n{_observables(name)}")
        return
    for prediction in PREDICTIONS:
        click.echo(_told(prediction))
    for survey, stems in SURVEYS.items():
        told = _constants(f"validation.claims.{survey}")
        click.echo(f"{survey}\n    {told['STATEMENT']}\n    survey, to validate: {', '.join(stems)}\n")


def _known(name: str) -> str:
    """Raises ValueError for a name that is no prediction."""
    from validation.suite import check_names

    (known,) = check_names([name])
    return known


def _constants(module: str) -> dict[str, str]:
    from theory.source import constants

    return constants(module)


def _told(name: str) -> str:
    told = _constants(f"theory.predictions.{name}")
    return f"{name}\n    {told['STATEMENT']}\n    source: {told['SOURCE']}\n    regime: {told['REGIME']}\n"


def _observables(name: str) -> str:
    """Each quantity of a prediction: its name, what it is said to be, what it is a number for each of, and in words."""
    from theory.observable import observables
    from validation.suite import prediction

    module = prediction(name)
    lines = [f"    observables, as {name}.NAME for laws --like, and NAME for predict --only and compare --observable:"]
    for one, about in observables(module).items():
        words = (getattr(module, one).__doc__ or "").strip().splitlines()[0]
        each = f", for each {' and '.join(about.dims)}" if about.dims else ""
        lines.append(f"    {one} ({about.kind}{each})\n        {words}")
    return "\n".join(lines)
