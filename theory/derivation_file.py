"""Derivation file: Python that makes derivations, run and judged in a process of its own, and told as JSON.

The file is run as it is, so that it can do what its user can. Its own folder comes last on the import path: modules beside
it are found, and hide none of ours. What was found of a file that depends on nothing but its own text, sympy and this project
is kept whole, so that it need not be run to be told again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from theory.derivation import Derivation, Step, check, collected
from theory.judgement.limited import TIME, import_path, versions
from theory.source import cache_directory, fingerprint, keep, kept

__all__ = ["UnusableError", "checked", "main", "read"]

TOLD = "prediction", "statement", "source", "assumptions"
PLAIN = {
    "__future__",
    "collections",
    "fractions",
    "functools",
    "itertools",
    "math",
    "operator",
    "sympy",
    "theory",
    "typing",
}
TELLING = {"__builtins__", "__import__", "eval", "exec", "input", "open", "print", "randMatrix", "random_poly", "warn"}


@dataclass
class UnusableError(ValueError):
    """A file that cannot be judged: where, and why."""

    file: str
    number: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.message}"


def checked(path: Path, *, timeout: float = TIME, needs: bool = False, only: str = "") -> list[Derivation]:
    """The derivations of a file, judged in another process, whose memory and whose mistakes are its own.

    Args:
        path: the file.
        timeout: seconds for a line.
        needs: find which declared assumptions each line needs, too.
        only: the name of one line to judge alone.

    Raises:
        ValueError: where the file cannot be used, with the line that says why.
        OSError: where it cannot be read.
    """
    content = path.read_bytes()  # or say now that it cannot be
    place = _place(path, content, only) if not needs else None
    if place is not None and (known := kept(place)) is not None:
        return list(map(_told_again, known))
    options = json.dumps({"path": str(path), "timeout": timeout, "needs": needs, "only": only})
    done = subprocess.run(
        [sys.executable, "-P", "-m", "theory.derivation_file", options],
        env={**os.environ, "PYTHONPATH": import_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise ValueError(f"{path} ended its process before it was judged, with exit code {done.returncode}") from None
    if "unusable" in found:
        raise ValueError(found["unusable"])
    if place is not None and all(
        step["verdict"] != "inconclusive" for d in found["derivations"] for step in d["steps"]
    ):
        with suppress(OSError):
            keep(place, found["derivations"])
    return list(map(_told_again, found["derivations"]))


def _told_again(record: dict[str, Any]) -> Derivation:
    return Derivation(**{name: record[name] for name in TOLD}, steps=[Step.of(step) for step in record["steps"]])


def _place(path: Path, content: bytes, only: str) -> Path | None:
    """Where what is found of a file is kept; None where more than its text may bear on it."""
    modules = _modules_of(content)
    if modules is None:
        return None
    ours = [module for module in modules if module.partition(".")[0] == "theory"]
    try:
        source = fingerprint("theory.derivation_file", "theory.judgement", "theory.lines", *ours)
    except ModuleNotFoundError:
        return None
    key = "\n".join([str(path), only, source, sys.version, *versions(), content.decode("utf-8", "replace")])
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]  # of paths that are no UTF-8
    return cache_directory() / "files" / f"{name}.json"


def _modules_of(content: bytes) -> list[str] | None:
    """What a file imports, where that is sympy, this project and what knows no files and no chance, and it tells nothing."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError):
        return None
    if any(isinstance(node, ast.Name | ast.Attribute) and _named(node) in TELLING for node in nodes):
        return None
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            modules.append("." * node.level + (node.module or ""))
    return modules if all(module.partition(".")[0] in PLAIN for module in modules) else None


def _named(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def read(path: Path) -> list[Derivation]:
    """Run a file, and return the derivations that it makes, not judged.

    Raises:
        UnusableError: where it cannot be run, or makes none, or one without lines or with symbols that were not declared.
    """
    name = str(path)
    try:
        code = compile(path.read_text(encoding="utf-8-sig"), name, "exec")
    except SyntaxError as error:
        raise UnusableError(name, error.lineno or 1, f"SyntaxError: {error.msg}") from None
    except ValueError as error:  # not UTF-8, or null bytes
        raise UnusableError(name, 1, f"this is no Python: {error}") from None
    with collected() as made:
        try:
            exec(code, {"__name__": "__main__", "__file__": name})
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the file raises, SystemExit and GeneratorExit too
            raise UnusableError(name, _line_of(error, name), _told(error)) from None
    made = [d for d in made if d.place.file == name or any(line.place.file == name for line in d.lines)]
    if not made:
        raise UnusableError(name, 1, "no derivation is made; start with d = Derivation('title', source='...')")
    for derivation in made:
        _check(derivation)
    return made


def _told(error: BaseException) -> str:
    kind = type(error).__name__
    return str(error) if type(error) is ValueError else f"{kind}: {error}" if str(error) else kind


def _line_of(error: BaseException, name: str) -> int:
    """The last line of the file on the way to an error."""
    numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return (numbers[-1] if numbers else None) or 1


def _check(derivation: Derivation) -> None:
    """Refuse what a file may not leave open."""
    from theory.lines.declared import declaration

    if not derivation.lines:
        place = derivation.place
        raise UnusableError(place.file, place.number, f"the derivation {derivation.prediction!r} has no lines")
    for line in derivation.lines:
        for symbol in sorted(line.symbols - derivation.symbols, key=str):
            raise UnusableError(
                line.place.file,
                line.place.number,
                f"{symbol} is not declared; {declaration(symbol)}",
            )


def _judged(path: str, **options: Any) -> dict[str, Any]:
    """What the other side is told."""
    try:
        made = read(Path(path))
        for derivation in _holding(made, options["only"], path):
            check(derivation, **options)
    except ValueError as error:
        return {"unusable": str(error)}
    return {"derivations": [_record(d) for d in made if d.judged_steps]}


def _holding(made: list[Derivation], only: str, path: str) -> list[Derivation]:
    """Those that hold a line of a name; all where none is given."""
    if not only:
        return made
    names = [line.name for derivation in made for line in derivation.lines]
    if only not in names:
        raise UnusableError(path, 1, f"there is no line {only!r}; there are {', '.join(names)}")
    return [d for d in made if any(line.name == only for line in d.lines)]


def _record(derivation: Derivation) -> dict[str, Any]:
    steps = [asdict(step) for step in derivation.judged_steps]
    return {name: getattr(derivation, name) for name in TOLD} | {"steps": steps}


@contextmanager
def _own_output() -> Iterator[int]:
    """The descriptor of stdout; inside, what is printed goes to stderr."""
    answers = os.dup(1)
    os.dup2(2, 1)
    try:
        yield answers
    finally:
        os.close(answers)


def main() -> None:
    """The other side of `checked`: options as JSON in, the steps of every derivation as JSON out."""
    options = json.loads(sys.argv[1])
    folder = str(Path(options["path"]).resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    with suppress(KeyboardInterrupt), _own_output() as answers:  # the other side hears of it too
        os.write(answers, json.dumps(_judged(**options)).encode())


if __name__ == "__main__":
    main()
