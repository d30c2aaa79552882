"""Stopping: how a command ends that is interrupted by Ctrl-C, or terminated by SIGTERM as schedulers and containers do.

Both raise an exception in the main thread, so that what was finished is kept. Python raises between two of its own steps: a
command that is in the midst of a compiled loop, and has nothing to keep, is ended from a thread beside it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["INTERRUPTED", "TERMINATED", "Terminated", "heeded", "kept", "leave_at_once", "told"]

INTERRUPTED, TERMINATED = 130, 143
GRACE = 2.5  # seconds
WORDS = {INTERRUPTED: "interrupted", TERMINATED: "terminated"}
NOTHING = "nothing is kept"
_keeping: list[tuple[str, Path | None]] = []
_heard = threading.Event()


class Terminated(SystemExit):
    """SIGTERM was sent."""


@contextmanager
def kept(what: str, where: Path | None = None) -> Iterator[None]:
    """Say so where the command is stopped within, if anything is there, and let it take its time to write it.

    Also a decorator.
    """
    _keeping.append((what, where))
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stopped:
        stopped.add_note(_there(what, where))
        raise
    finally:
        _keeping.pop()


def _there(what: str, where: Path | None) -> str:
    return what if where is None or where.exists() else NOTHING


def told(stopped: BaseException) -> tuple[str, int]:
    """The line for a command that was stopped, and its exit code."""
    cause = stopped.__cause__ or stopped  # which click wraps
    code = TERMINATED if isinstance(cause, Terminated) else INTERRUPTED
    return f"{WORDS[code]}; {'; '.join(getattr(cause, '__notes__', [NOTHING]))}", code


@contextmanager
def heeded(*, at_once: bool) -> Iterator[None]:
    """Raise KeyboardInterrupt or Terminated where the signals come; `at_once` is for a process that has no other purpose."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # what the caller ignores, as a shell does for what it runs in the background, stays ignored
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, _raise) for number in numbers}
    if at_once:
        _watch()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_at_once(code: int) -> NoReturn:
    """End the process without waiting for threads that are in the midst of something."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # of a full disk
            stream.flush()
    os._exit(code)


def _raise(number: int, frame: Any) -> NoReturn:
    _heard.set()
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(TERMINATED)


def _watch() -> None:
    """Have every signal written to a thread as well, which Python does at once."""
    here, there = socket.socketpair()
    there.setblocking(False)
    signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end, args=(here, there), daemon=True).start()


def _end(here: socket.socket, there: socket.socket) -> None:
    code = 0
    while code not in WORDS:
        code = 128 + here.recv(1)[0]
    time.sleep(GRACE)
    while _heard.is_set() and _keeping:  # it is being written
        time.sleep(0.1)
    print(f"geomem: {WORDS[code]}; {_there(*_keeping[-1]) if _keeping else NOTHING}", file=sys.stderr)
    leave_at_once(code)
