"""Files that are whole or absent: what is written here is never seen half done, and what is kept has a check sum."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import tempfile
import time
from contextlib import suppress
from functools import cache
from glob import escape
from pathlib import Path

__all__ = ["check_directory", "check_sum", "same_file", "write_atomic"]

ABANDONED = 86400.0  # seconds after which a temporary file is nobody's, wherever it was written


def check_sum(*parts: bytes) -> str:
    """A hash of some bytes and of how they are parted, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def check_directory(directory: Path) -> None:
    """Refuse a directory that nothing could be written to, before any work is done for it.

    Raises:
        ValueError: the directory is a file, lies under one, or takes no file.
    """
    nearest = next(p for p in (directory, *directory.absolute().parents) if p.exists() or p.is_symlink())
    if not (nearest.is_dir() and _takes_files(nearest)):
        got = f"{nearest} is not {'writable' if nearest.is_dir() else 'a directory'}"
        raise ValueError(f"expected a writable directory for the output; {got}; name another directory")


def _takes_files(directory: Path) -> bool:
    """Tried, for permissions say nothing of file systems that are full, only read, or no place for files."""
    try:
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, there or to come, however they are spelled; links are followed."""
    with suppress(OSError):  # of which one is to come, or may not be looked at
        if one.samefile(other):
            return True
    return os.path.realpath(one) == os.path.realpath(other)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader, or a crash, sees either the old content or the new.

    What a killed writer of the same file left half done is removed.

    Raises:
        OSError: where the directory is missing or refuses the file, or the disk is full; the old content then stays.
    """
    # not tempfile, whose files nobody else may read
    temporary = path.with_name(f".{path.name}.{_here()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        _sweep(path)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _named(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _named(error: OSError, path: Path) -> OSError:
    """The error with the file that could not be written, and what to do; of the same class and number."""
    reason = error.strerror or str(error)
    named = type(error)(f"cannot write {path}: {reason}; free space there, or name a place that can be written")
    named.errno = error.errno
    return named


@cache
def _here() -> str:
    """A name of this machine: process numbers of others mean nothing here."""
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=3).hexdigest()


def _sweep(path: Path) -> None:
    """Remove what killed writers of a file left beside it."""
    for left in path.parent.glob(f".{escape(path.name)}.*-*-*.tmp"):
        with suppress(OSError, ValueError):  # somebody else was faster, or it is none of ours
            machine, process, _ = left.name.removeprefix(f".{path.name}.").split("-")
            dead = machine == _here() and not _runs(int(process))
            if dead or time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


def _runs(process: int) -> bool:
    """Whether there is such a process; where it cannot be asked for, yes."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
