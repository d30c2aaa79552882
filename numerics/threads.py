"""Threads over independent blocks: NumPy and the compiled loops release the interpreter, the BLAS is held to one thread each."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["OneThreadEach", "parallel", "workers"]

S = TypeVar("S")
R = TypeVar("R")
_lock = threading.Lock()
_users = 0
_limiter: Any = None


@functools.cache
def _controller() -> ThreadpoolController:
    import_module("scipy.linalg.cython_blas")  # the BLAS of compiled loops: it is to be loaded before it can be found
    return ThreadpoolController()


def workers() -> int:
    """How many threads there are to use: the processors of this process, or fewer where the BLAS was told to use fewer."""
    limits = [pool["num_threads"] for pool in _controller().info() if pool["user_api"] == "blas"]
    return max(
        1, min([len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, *limits])
    )


def parallel(function: Callable[[S], R], items: Iterable[S], threads: int) -> list[R]:
    """The function of each item, in order, on so many threads."""
    items = list(items)
    if min(threads, len(items)) < 2:
        return [function(item) for item in items]
    with OneThreadEach(), ThreadPoolExecutor(min(threads, len(items))) as pool:
        return list(pool.map(function, items))


class OneThreadEach:
    """The BLAS of the whole process on one thread, until the last user is done: its setting knows no nesting."""

    def __enter__(self) -> None:
        global _users, _limiter
        with _lock:
            if _users == 0:
                _limiter = _controller().limit(limits=1, user_api="blas")
            _users += 1

    def __exit__(self, *error: object) -> None:
        global _users, _limiter
        with _lock:
            _users -= 1
            if _users == 0 and _limiter is not None:
                _limiter.restore_original_limits()
                _limiter = None
