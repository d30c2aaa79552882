"""Files that are whole or absent: what is written here is never seen half done."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["check_directory", "write_atomic"]


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
