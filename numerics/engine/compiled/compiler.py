"""The compiler: every compiled function is made here, and kept where an edit of any of their sources finds nothing.

numba looks for changes in the file of a function, and not in those of the functions it calls, whose code is part of its
own. What is kept therefore lies in a directory named by a hash of all of them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit

from theory.source import cache_directory, fingerprint

__all__ = ["SUMS", "compiled", "inlined"]

SUMS = {"contract", "nnan", "ninf", "nsz", "reassoc"}  # sums in any order, so that they are taken many at a time
UNUSED = 30 * 86400  # seconds after which what other sources left is removed


def inlined(**options: Any) -> Callable[..., Any]:
    """For a function that is part of those that call it."""
    return njit(nogil=True, **options)


def compiled(**options: Any) -> Callable[..., Any]:
    """For a function that is kept, unless there is nowhere to keep it."""

    def of(function: Callable[..., Any]) -> Any:
        directory, before = _kept(), config.CACHE_DIR
        config.CACHE_DIR = str(directory)  # numba reads it when the function is made
        try:
            made = njit(nogil=True, cache=directory is not None, **options)(function)
        finally:
            config.CACHE_DIR = before
        made._cache.save_overload = _where_it_can(made._cache.save_overload)
        return made

    return of


def _where_it_can(save: Callable[..., None]) -> Callable[..., None]:
    """numba's own way to keep a function raises where the disk is full or over its quota; what is compiled works all the same."""

    def attempt(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    return attempt


@cache
def _kept() -> Path | None:
    """The directory of these sources, below NUMBA_CACHE_DIR or that of this project; None where nothing can be written."""
    parent = Path(config.CACHE_DIR or cache_directory() / "compiled")
    own = parent / f"geomem-{fingerprint('numerics.engine.compiled')}"
    try:
        own.mkdir(parents=True, exist_ok=True)
        os.utime(own)
        if not os.access(own, os.W_OK):
            return None
    except OSError:
        return None
    for other in parent.glob("geomem-*"):
        if time.time() - other.stat().st_mtime > UNUSED:
            shutil.rmtree(other, ignore_errors=True)
    return own
