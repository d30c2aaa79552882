"""Files that are whole or absent: what is written here is never seen half done."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_atomic"]


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
