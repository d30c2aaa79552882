"""The command line. Everything heavy is imported by the command that needs it, so that --help is instant."""

from __future__ import annotations

import sys

import click

from validation.commands.audit import audit
from validation.commands.catalogue import list_
from validation.commands.derive import derive
from validation.commands.doctor import doctor
from validation.commands.moments import moments
from validation.commands.options import CONTEXT
from validation.commands.predict import predict
from validation.commands.simulate import simulate
from validation.commands.validate import validate

__all__ = ["cli", "main"]

BAD_USAGE = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: whatever is wrong with the input is one line on stderr and exit code 2."""
    try:
        code = cli.main(arguments, prog_name="geomem", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt) as stopped:
        click.echo(f"geomem: interrupted; {str(stopped) or 'what was finished is kept'}", err=True)
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
    """The statistical physics of memorization in diffusion models: derived, simulated, judged.

    When does the score built from N samples stop describing the distribution and start reciting the samples?

    \b
      geomem list                                    what is predicted
      geomem derive collapse                         a derivation, step by step, with verdicts
      geomem predict collapse --subspaces 1.0x20     numbers from the formulas
      geomem simulate collapse --subspaces 1.0x20    the same numbers, measured
      geomem validate                                do they agree? table and report
      geomem audit digits                            the same questions asked of your data
      geomem moments data.npy --queries x.npy ...    the score and its moments, for data larger than memory

    Times are noise variances t in units of the data (schedule ve) unless --schedule says otherwise.
    """  # noqa: D301  (a raw string would show the \b that keeps these lines apart)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (list_, derive, predict, simulate, validate, audit, moments, doctor):
    cli.add_command(command)
