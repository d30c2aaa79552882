"""Patience: symbolic work that may take forever is given seconds of the processor, and given up.

Of the processor and not of the clock, so that a loaded machine finds the same verdicts.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

__all__ = ["GivenUpError", "for_seconds", "patiently", "unhurried"]

PATIENCE = ContextVar("PATIENCE", default=1.0)  # by which all limits are multiplied
CALLBACKS = "__del__", "gc_callback"
AGAIN = 0.1  # seconds after which what swallowed the exception, as a callback of C may, meets another
Result = TypeVar("Result")


class GivenUpError(BaseException):
    """The time is up. No Exception, so that what catches everything does not swallow it."""


@contextmanager
def for_seconds(seconds: float) -> Iterator[None]:
    """Raise GivenUpError where what is inside is not done in time; without limit off the main thread and without SIGVTALRM.

    Inner limits end no later than outer ones.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    seconds *= PATIENCE.get()
    inside = True

    def give_up(number: int, frame: FrameType | None) -> None:
        if inside and not _is_swallowed(frame):
            raise GivenUpError

    left = signal.getitimer(signal.ITIMER_VIRTUAL)[0]
    start = time.thread_time()
    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, min(seconds, left) if left else seconds, AGAIN)
    try:
        yield
    finally:
        inside = False
        signal.signal(signal.SIGVTALRM, before)
        rest = max(left - (time.thread_time() - start), 1e-3) if left else 0
        signal.setitimer(signal.ITIMER_VIRTUAL, rest, AGAIN if left else 0)


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether an exception would end in a callback of the collector, which goes on; the next alarm will do."""
    while frame is not None:
        code = frame.f_code
        if code.co_name in CALLBACKS or code.co_filename.endswith(("weakref.py", "_weakrefset.py")):
            return True
        frame = frame.f_back
    return False


@contextmanager
def unhurried(factor: float) -> Iterator[None]:
    """Inside, all limits are that many times as long: for lines that are known, on a machine that is not."""
    token = PATIENCE.set(factor)
    try:
        yield
    finally:
        PATIENCE.reset(token)


def patiently(seconds: float, work: Callable[..., Result], *arguments: Any) -> Result | None:
    """What symbolic work returns; None where it takes longer, or sympy gives up, which it does by any exception."""
    try:
        with for_seconds(seconds):
            return work(*arguments)
    except MemoryError:  # a process without memory cannot go on
        raise
    except (GivenUpError, Exception):
        return None
