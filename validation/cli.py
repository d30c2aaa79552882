"""The command line. Everything heavy is imported by the command that needs it, so that --help is instant."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from validation.commands.audit import audit
from validation.commands.catalogue import list_
from validation.commands.check import check
from validation.commands.compare import compare
from validation.commands.derive import derive
from validation.commands.doctor import doctor
from validation.commands.laws import laws
from validation.commands.moments import moments
from validation.commands.options import CONTEXT
from validation.commands.predict import predict
from validation.commands.simulate import simulate
from validation.commands.validate import validate
from validation.stopping import Terminated, heeded, leave_at_once, told
from validation.workers import WorkerLostError

__all__ = ["cli", "main"]

BAD_USAGE, WORKER_LOST, UNREAD = 2, 3, 141


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: whatever is wrong with the input is one line on stderr and exit code 2.

    Exit code 3 is for workers that were killed, 130 for Ctrl-C, 143 for SIGTERM, and 141 where nobody reads the output to its
    end, as before `head`. Without arguments it is those of the process that are meant, which then ends here.
    """
    whole = arguments is None
    with _surroundings(), heeded(at_once=whole):
        code, message = _outcome(arguments)
    if message:
        click.echo(f"geomem: {' '.join(message.split())}", err=True)
    if whole and message:
        leave_at_once(code)
    sys.exit(code)


def _outcome(arguments: list[str] | None) -> tuple[int, str]:
    """Exit code, and what is to be said."""
    try:
        code = cli.main(arguments, prog_name="geomem", standalone_mode=False)
    except click.ClickException as error:
        return BAD_USAGE, error.format_message()
    except (click.Abort, KeyboardInterrupt, Terminated) as stopped:
        message, code = told(stopped)
        return code, message
    except SystemExit:  # click's, with 1, which is said of claims
        return UNREAD, ""
    except WorkerLostError as error:
        return WORKER_LOST, (
            f"{error}, for want of memory perhaps; what was finished is kept, and the same command goes on from it"
        )
    except (ValueError, OSError, OverflowError) as error:
        return BAD_USAGE, str(error) or type(error).__name__
    except MemoryError:
        return BAD_USAGE, "this does not fit into memory; ask for fewer directions, samples or times"
    return code if isinstance(code, int) else 0, ""


@contextmanager
def _surroundings() -> Iterator[None]:
    """What the user's terminal or notebook is set to neither stops a command nor changes what it says."""
    backend = os.environ.get("MPLBACKEND")
    if backend is not None:
        os.environ["MPLBACKEND"] = "agg"  # a notebook's may not be there, and none is used
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `2>&-` and daemons
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # to the end of the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters
    try:
        yield
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(package_name="geomem")
@click.pass_context
def cli(context: click.Context) -> None:
    """The statistical physics of memorization in diffusion models: derived, simulated, judged.

    When does the score built from N samples stop describing the distribution and start reciting the samples?

    \b
      geomem list                                    what is predicted
      geomem derive collapse                         a derivation, step by step, with verdicts
      geomem check draft.derivation.py               yours, line by line, with verdicts
      geomem predict collapse --subspaces 1.0x20     numbers from the formulas
      geomem simulate collapse --subspaces 1.0x20    the same numbers, measured
      geomem compare collapse --subspaces 1.0x20     both, over the values you name, as a figure
      geomem validate                                do they agree? table and report
      geomem laws draft.py:my_kl --like kl_bound.kl_exact    your formula, held to the laws of the field
      geomem audit digits                            the same questions asked of your data
      geomem moments data.npy --queries x.npy ...    the score and its moments, for data larger than memory

    Times are noise variances t in units of the data (schedule ve) unless --schedule says otherwise.
    """  # noqa: D301  (a raw string would show the \b that keeps these lines apart)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (list_, derive, check, predict, simulate, compare, validate, laws, audit, moments, doctor):
    cli.add_command(command)

if __name__ == "__main__":
    main()
