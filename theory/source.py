"""Source: what a result depends on, as a hash, and where results are kept that are only a matter of time to have again.

What is kept is found again by the hash of the code that made it: the source of a module and of all modules of this
project that it imports, wherever in it. An edit anywhere below is another key, an edit elsewhere is none.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
import tempfile
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["cache_directory", "check_sum", "constants", "fingerprint", "keep", "kept", "sources", "write_whole"]

WINGS = ("theory", "numerics", "validation")
_WITHIN = rf"(?:{'|'.join(WINGS)})(?:\.\w+)*"
# what looks like an import in a docstring counts too: a module too many does no harm; parsing takes ten times as long
IMPORTS = re.compile(rf"^[ \t]*(?:import ({_WITHIN})|from ({_WITHIN}) import (\([^)]*\)|[^\n]*))", re.MULTILINE)
NAMED = re.compile(rf'"({_WITHIN})"')  # and a module named in quotes, which is imported where it is wanted
NAMES = re.compile(r"\w+")


def cache_directory() -> Path:
    """GEOMEM_CACHE_DIR, or the user's cache directory; safe to delete at any time."""
    if chosen := os.environ.get("GEOMEM_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "geomem/cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/geomem"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geomem"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is whole or not there, whatever happens meanwhile.

    Raises:
        OSError: where the disk refuses it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_sum(path: Path, content: Any) -> str:
    """Of what is kept, and of the key that it is found by."""
    return hashlib.sha256((path.name + json.dumps(content, sort_keys=True)).encode()).hexdigest()


def kept(path: Path) -> Any:
    """What `keep` put there; None where it is not whole, not what was put, or put under another name."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        whole = json.loads(path.read_text(encoding="utf-8"))
        if whole["check_sum"] == check_sum(path, whole["content"]):
            return whole["content"]
    return None


def keep(path: Path, content: Any) -> None:
    """Write what JSON can say, with its check sum.

    Raises:
        OSError: where the disk refuses it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"check_sum": check_sum(path, content), "content": content}, indent=1))


def fingerprint(*modules: str) -> str:
    """A hash of the source of some modules and of all of this project that they import, directly or not.

    Args:
        modules: dotted names; a package stands for all modules in it.

    Raises:
        ModuleNotFoundError: for a module that there is not.
    """
    digest = hashlib.sha256()
    for name, path in sorted(sources(*modules).items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def sources(*modules: str) -> dict[str, Path]:
    """The modules of this project that some modules depend on, themselves included, and their files."""
    found: dict[str, Path] = {}
    waiting = [name for module in modules for name in _members(module)]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None:
            raise ModuleNotFoundError(f"there is no module {name}")
        if name not in found:
            found[name] = path
            waiting += _imported(path, path.stat().st_mtime_ns)
    return found


def constants(module: str) -> dict[str, str]:
    """The strings that a module names in capitals, read from its source without importing it.

    Raises:
        ModuleNotFoundError: for a module that there is not.
    """
    path = _file(module)
    if path is None:
        raise ModuleNotFoundError(f"there is no module {module}")
    found = {}
    for node in ast.parse(path.read_bytes()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() as text)) if name.isupper():
                found[name] = text
    return found


def _members(module: str) -> list[str]:
    """A module, or every module of a package."""
    path = _file(module)
    if path is None or path.name != "__init__.py":
        return [module]
    inside = [p.relative_to(path.parent).with_suffix("").parts for p in path.parent.rglob("*.py")]
    return [".".join((module, *(part for part in parts if part != "__init__"))) for parts in inside]


@cache
def _imported(path: Path, _: int) -> tuple[str, ...]:
    """The modules of this project that a file imports, at its head or inside; the second argument is its age."""
    text = path.read_text(encoding="utf-8")
    wanted = set(NAMED.findall(text))
    for plain, module, names in IMPORTS.findall(text):
        wanted |= {plain or module} | {f"{module}.{name}" for name in NAMES.findall(names)}
    return tuple(sorted(name for name in wanted if _file(name)))


@cache
def _file(module: str) -> Path | None:
    """Where the source of a module of this project is; None where there is no such module."""
    wing, _, rest = module.partition(".")
    spec = find_spec(wing) if wing in WINGS else None
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent.joinpath(*rest.split(".")) if rest else Path(spec.origin).parent
    for path in (place.with_suffix(".py") if rest else place / "__init__.py", place / "__init__.py"):
        if path.is_file():
            return path
    return None
