"""Patience: symbolic work that may take forever is given seconds, and given up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["GivenUpError", "for_seconds"]


class GivenUpError(BaseException):
    """The time is up. No Exception, so that what catches everything does not swallow it."""


@contextmanager
def for_seconds(seconds: float) -> Iterator[None]:
    """Raise GivenUpError where what is inside is not done in time; without limit off the main thread and without SIGALRM.

    Inner limits end no later than outer ones.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise GivenUpError

    left = signal.getitimer(signal.ITIMER_REAL)[0]
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, left) if left else seconds)
    try:
        yield
    finally:
        used = seconds - signal.getitimer(signal.ITIMER_REAL)[0]
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, max(left - used, 1e-3) if left else 0)
