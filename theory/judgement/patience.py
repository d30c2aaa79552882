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

__all__ = ["PATIENCE", "GivenUpError", "deadline", "in_time", "patiently", "unhurried"]

PATIENCE = ContextVar("PATIENCE", default=1.0)  # by which all limits are multiplied
CALLBACKS = "__del__", "gc_callback"
EARLY = 0.02  # seconds that an alarm, which counts ticks, may come before the time of the thread
AGAIN = 0.1  # seconds after which what swallowed the exception, as a callback of C may, meets another
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Limit:
    """The time of the thread at which work has to end."""

    end: float


LIMITS: list[_Limit] = []  # those that count, the innermost last, which ends first


class GivenUpError(BaseException):
    """The time of a limit is up. No Exception, so that what catches everything does not swallow it."""

    def __init__(self, limit: _Limit) -> None:
        self.limit = limit


def in_time(seconds: float, work: Callable[..., Result], *arguments: Any) -> Result:
    """What work returns, in that time of the processor; without limit off the main thread and without SIGVTALRM.

    Where the limit of what is round this ends sooner, that is the one that counts.

    Raises:
        TimeoutError: where it takes longer.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return work(*arguments)
    now, depth = time.thread_time(), len(LIMITS)
    limit = _Limit(deadline(seconds))
    if LIMITS and LIMITS[-1].end <= limit.end:
        _raise_late(LIMITS[-1], now)
        return work(*arguments)
    before = signal.signal(signal.SIGVTALRM, _give_up)
    try:
        LIMITS.append(limit)
        signal.setitimer(signal.ITIMER_VIRTUAL, max(limit.end - now, 1e-6), AGAIN)  # of 0 there would be no alarm
        return _within(limit, work, arguments)
    except GivenUpError as error:
        if error.limit is not limit:  # an outer one's: what is round this has to end too
            raise
        raise TimeoutError("the time was up") from None
    finally:
        del LIMITS[depth:]
        rest = max(LIMITS[-1].end - time.thread_time(), 1e-3) if LIMITS else 0
        signal.setitimer(signal.ITIMER_VIRTUAL, rest, AGAIN if LIMITS else 0)
        signal.signal(signal.SIGVTALRM, before)


def deadline(seconds: float) -> float:
    """The time of the thread at which that much of it is over, for work that looks at the clock itself."""
    return time.thread_time() + seconds * PATIENCE.get()


def _within(limit: _Limit, work: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    """Where this frame is below, and nowhere else, an alarm may raise: whoever set the limit is there to catch it."""
    return work(*arguments)


def _give_up(number: int, frame: FrameType | None) -> None:
    """Raise for the outermost limit that is up; where an alarm comes too early or can't be heard, the next one will do."""
    up = [limit for limit in LIMITS if limit.end <= time.thread_time() + EARLY]
    over = None
    while up and frame is not None:
        if _swallows(frame):
            return
        if frame.f_code is _within.__code__ and frame.f_locals["limit"] in up:
            over = frame.f_locals["limit"]
        frame = frame.f_back
    if over is not None:
        raise GivenUpError(over)


def _swallows(frame: FrameType) -> bool:
    """Whether an exception would end here, in a callback of the collector, which goes on."""
    code = frame.f_code
    return code.co_name in CALLBACKS or code.co_filename.endswith(("weakref.py", "_weakrefset.py"))


def _raise_late(outer: _Limit, now: float) -> None:
    """Where the time is up already: an alarm counts whole ticks of the system, and many short calls have none."""
    if outer.end <= now:
        raise GivenUpError(outer)


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
        return in_time(seconds, work, *arguments)
    except MemoryError:  # a process without memory cannot go on
        raise
    except Exception:
        return None
