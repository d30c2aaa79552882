"""The command line: `geomem`, or `python -m geomem`. It first sees that what it imports is its own."""

import os
import sys

__all__ = ["main"]

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# files that tell our packages from others of the same generic names
KNOWN = {"theory": "setting.py", "numerics": "gibbs.py", "validation": "cli.py"}


def main() -> None:
    """Run the command line of this process.

    A line on stderr and exit code 2 where another package hides one of ours, or one is missing.
    """
    _leave_the_working_folder()
    if fault := _fault():
        sys.stderr.write(f"geomem: {fault}\n")
        sys.exit(2)
    from validation.cli import main as command_line

    command_line()


def _leave_the_working_folder() -> None:
    """Import nothing from it, as `python -m` does first of all, unless this package itself lies there."""
    first = sys.path[0] or os.curdir
    if sys.flags.safe_path or not os.path.isdir(first) or os.path.samefile(first, HOME):
        return
    if os.path.samefile(first, os.curdir):
        del sys.path[0]


def _fault() -> str:
    """What is wrong with the packages that would be imported; empty where nothing is."""
    from importlib.util import find_spec

    for name, file in KNOWN.items():
        own = os.path.join(HOME, name)
        spec = find_spec(name)
        folder = next(iter(spec.submodule_search_locations or [spec.origin or name]), own) if spec else own
        if os.path.realpath(folder) != os.path.realpath(own):
            return (
                f"the name {name!r} is taken by {folder}, which hides the package of geomem in {own}; run in another "
                "folder, take it off PYTHONPATH, or install geomem in an environment of its own"
            )
        if not os.path.isfile(os.path.join(own, file)):
            return (
                f"the package {name!r} in {own} is not that of geomem, or not whole; reinstall it, with pip install "
                "--force-reinstall --no-deps geomem, in an environment of its own"
            )
    return ""


if __name__ == "__main__":
    main()
