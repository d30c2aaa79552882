"""Files that are whole or absent: what is written here is never seen half done."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numerics.measurement import Measurement

__all__ = ["Store", "check_directory", "write_atomic"]


def check_directory(directory: Path) -> None:
    """Refuse a directory that nothing could be written to, before any work is done for it.

    Raises:
        ValueError: the directory is a file, lies under one, or is not writable.
    """
    nearest = next(p for p in (directory, *directory.absolute().parents) if p.exists() or p.is_symlink())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        got = f"{nearest} is not {'writable' if nearest.is_dir() else 'a directory'}"
        raise ValueError(f"expected a writable directory for the output; {got}; name another directory")


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader, or a crash, sees either the old content or the new.

    Raises:
        OSError: where the directory is missing or refuses the file; the old content then stays.
    """
    # not tempfile, whose files nobody else may read
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class Store:
    """Measurements kept as one file each, so that an interrupted run goes on where it stopped.

    Attributes:
        directory: where to; made when the first measurement is kept.
    """

    directory: Path

    def get(self, name: str, key: str) -> dict[str, Measurement] | None:
        """What was kept under the name, or None where there is nothing, or not with this key, or not whole."""
        try:
            kept = json.loads(self._path(name).read_bytes())
            if kept["key"] != key:
                return None
            return {
                observable: Measurement(np.array(m["mean"], dtype=float), np.array(m["sem"], dtype=float), m["n"])
                for observable, m in kept["measurements"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, name: str, key: str, measurements: Mapping[str, Measurement]) -> None:
        """Keep measurements under the name, in place of earlier ones."""
        self.directory.mkdir(parents=True, exist_ok=True)
        content = {
            "key": key,
            "measurements": {
                observable: {"mean": np.asarray(m.mean).tolist(), "sem": np.asarray(m.sem).tolist(), "n": m.n}
                for observable, m in measurements.items()
            },
        }
        write_atomic(self._path(name), json.dumps(content).encode())

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"
