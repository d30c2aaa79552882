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
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

__all__ = ["GivenUpError", "for_seconds", "patiently", "unhurried"]

PATIENCE = ContextVar("PATIENCE", default=1.0)  # by which all limits are multiplied
CALLBACKS = "__del__", "gc_callback"
AGAIN = 0.1  # seconds after which what swallowed the exception, as a callback of C may, meets another
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Limit:
    """Whose it is, and the time of the thread at which it ends."""

    limit: object
    end: float


LIMITS: list[_Limit] = []  # those that count, the innermost last, which ends first


class GivenUpError(BaseException):
    """The time is up. No Exception, so that what catches everything does not swallow it.

    Attributes:
        limit: that of whom the time is up; None where that is not known.
    """

    def __init__(self, limit: object = None) -> None:
        self.limit = limit


@contextmanager
def for_seconds(seconds: float) -> Iterator[object]:
    """Raise GivenUpError where what is inside is not done in time; without limit off the main thread and without SIGVTALRM.

    Where an outer limit ends sooner, it is the one that counts. What is entered tells the limits apart.
    """
    limit = object()
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield limit
        return

    now = time.thread_time()
    end = now + seconds * PATIENCE.get()
    if LIMITS and LIMITS[-1].end <= end:
        _raise_late(LIMITS[-1], now)
        yield limit
        return
    inside = True

    def give_up(number: int, frame: FrameType | None) -> None:
        if inside and not _is_swallowed(frame):
            raise GivenUpError(limit)

    before, outer = signal.signal(signal.SIGVTALRM, give_up), len(LIMITS)
    LIMITS.append(_Limit(limit, end))
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, end - now, AGAIN)
            yield limit
        finally:
            inside = False  # an alarm may come before: what has to be undone is one level farther out
    finally:
        inside = False
        del LIMITS[outer:]
        signal.signal(signal.SIGVTALRM, before)
        rest = max(LIMITS[-1].end - time.thread_time(), 1e-3) if LIMITS else 0
        signal.setitimer(signal.ITIMER_VIRTUAL, rest, AGAIN if LIMITS else 0)


def _raise_late(outer: _Limit, now: float) -> None:
    """Where the time is up already: an alarm counts whole ticks of the system, and many short calls have none."""
    if outer.end <= now:
        raise GivenUpError(outer.limit)


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
    with for_seconds(seconds) as limit:
        try:
            return work(*arguments)
        except MemoryError:  # a process without memory cannot go on
            raise
        except GivenUpError as error:
            if error.limit not in (None, limit):  # an outer one's: what is round this has to end too
                raise
            return None
        except Exception:
            return None
