"""Threads over independent blocks: NumPy and the compiled loops release the interpreter, the BLAS is held to one thread each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from theory.one_thread import OneThreadEach, controller

__all__ = ["parallel", "workers"]

S = TypeVar("S")
R = TypeVar("R")


def workers() -> int:
    """How many threads there are to use: the processors of this process, or fewer where the BLAS was told to use fewer."""
    limits = [pool["num_threads"] for pool in controller().info() if pool["user_api"] == "blas"]
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
