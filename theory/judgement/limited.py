"""Limited: the judge in a process of its own that can be killed, with limits of time and memory, and its verdicts kept.

A question is the name of a function and its arguments, pickled; the answer is a Judgement. One child process answers all
questions of a process, and is started anew after it was stopped. A verdict is kept in the cache directory by the
expressions, the assumptions, the versions of sympy and python-flint and the sources of the judge; one that was stopped
never is. A file that is truncated, altered or of another key is as good as none.
"""

from __future__ import annotations

import atexit
import faulthandler
import hashlib
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import IO, Any

from theory.judgement.judgement import Judgement
from theory.source import cache_directory, fingerprint, keep, kept

__all__ = ["MEMORY", "TIME", "ask", "import_path", "versions"]

TIME = 20.0  # seconds for a line
MEMORY = 4 << 30  # bytes of address space, much of which is never used
HELP = "a simpler form of the two sides, or two lines in place of one"
LENGTH = struct.Struct("!Q")
LISTS = "trusts", "sides", "exceptions"


def ask(function: str, *arguments: Any, timeout: float = TIME, **named: Any) -> Judgement:
    """The answer of a function, from the cache or from the child process; inconclusive where it is stopped.

    Args:
        function: `module:name`; it returns a Judgement.
        arguments: sympy expressions, text, and tuples of these.
        timeout: seconds.
        named: further arguments.

    Raises:
        ValueError: for a timeout that is not positive.
    """
    if not timeout > 0:
        raise ValueError(f"the timeout must be a positive number of seconds, got {timeout}")
    path = _place(function, arguments, named)
    if path is not None and (known := _read(path)) is not None:
        return known
    found, finished = _CHILD.answer((function, arguments, named), timeout)
    if finished and path is not None:
        _keep(path, found)
    return found


# the cache


def _place(function: str, arguments: Any, named: Any) -> Path | None:
    """Where the answer is kept; None where the question's text does not say all about it."""
    from sympy import srepr

    if not all(map(_told_in_full, _expressions((arguments, tuple(named.values()))))):
        return None
    question = "\n".join(
        [
            function,
            fingerprint(function.partition(":")[0]),
            *versions(),
            srepr(arguments),
            srepr(sorted(named.items())),
        ]
    )
    return cache_directory() / "judgements" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"


@cache
def versions() -> tuple[str, ...]:
    """Of what the judge asks."""
    try:
        z3 = version("z3-solver")
    except PackageNotFoundError:
        z3 = "none"
    return version("sympy"), version("python-flint"), z3


def _expressions(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [e for part in value for e in _expressions(part)]
    return [value] if hasattr(value, "free_symbols") else []


def _told_in_full(expression: Any) -> bool:
    """Whether srepr says all: not of a user's own classes, and not of functions with assumptions."""
    from sympy import Basic, preorder_traversal
    from sympy.core.function import AppliedUndef

    for node in preorder_traversal(expression):
        if isinstance(node, AppliedUndef):
            if node.func._kwargs:
                return False
        elif isinstance(node, Basic) and not type(node).__module__.startswith("sympy."):
            return False
    return True


def _read(path: Path) -> Judgement | None:
    if (content := kept(path)) is None:
        return None
    with suppress(KeyError, TypeError):
        return Judgement(**content | {name: tuple(content[name]) for name in LISTS})
    return None


def _keep(path: Path, found: Judgement) -> None:
    """Keep it; a directory that cannot be written is no error."""
    with suppress(OSError):
        keep(path, json.loads(json.dumps(asdict(found))))  # as it will be read


# the child


class _Child:
    """The process that answers, started where there is none."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = Lock()
        self.answered = 0

    def answer(self, question: Any, timeout: float) -> tuple[Judgement, bool]:
        """The answer, and whether it was finished, neither stopped nor failed."""
        try:
            sent = pickle.dumps((timeout, question))
        except Exception as error:  # whatever a user's class raises
            return _stopped(
                f"the line cannot be sent to another process: {error}", "expressions of sympy's classes"
            ), False
        with self.lock:
            found, finished = self._exchanged(sent, timeout)
            if not finished and found.evidence.startswith("MemoryError") and self.answered:
                self.close()  # earlier lines may have filled it
                found, finished = self._exchanged(sent, timeout)
        return found, finished

    def _exchanged(self, sent: bytes, timeout: float) -> tuple[Judgement, bool]:
        process = self._started()
        start = time.monotonic()
        try:
            _write(process.stdin, sent)
            received = _read_whole(process.stdout)
        except (EOFError, OSError):
            return self._buried(time.monotonic() - start, timeout), False
        except BaseException:
            self.close()  # or its answer would be taken for that of the next question
            raise
        self.answered += 1
        found, finished = pickle.loads(received)
        return found, finished

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.answered = 0
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "theory.judgement.limited"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": import_path()},
            )
        return self.process

    def _buried(self, seconds: float, timeout: float) -> Judgement:
        """What its end means."""
        process, self.process = self.process, None
        code = process.wait() if process else 0
        _close(process)
        if seconds >= timeout:
            return _stopped(f"stopped after {timeout:g} s", f"a longer timeout, {HELP}")
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return _stopped(f"the process of the judge died ({how}), for want of memory perhaps", HELP)

    def close(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            _close(process)


def _close(process: subprocess.Popen[bytes] | None) -> None:
    for pipe in (process.stdin, process.stdout) if process else ():
        with suppress(OSError):
            pipe.close()  # type: ignore[union-attr]


def _stopped(reason: str, remedy: str) -> Judgement:
    return Judgement("inconclusive", f"{reason}; what would help: {remedy}")


def import_path() -> str:
    """The import path of this process, for PYTHONPATH; without the working folder."""
    return os.pathsep.join(path for path in sys.path if path)


def _write(pipe: IO[bytes] | None, content: bytes) -> None:
    assert pipe is not None
    pipe.write(LENGTH.pack(len(content)) + content)
    pipe.flush()


def _read_whole(pipe: IO[bytes] | None) -> bytes:
    assert pipe is not None
    content = pipe.read(_length(pipe))
    if content is None:
        raise EOFError
    return content


def _length(pipe: IO[bytes]) -> int:
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return int(LENGTH.unpack(head)[0])


_CHILD = _Child()


def _start_over() -> None:
    """A fork shares no child with the process that it comes from."""
    global _CHILD
    _CHILD = _Child()


atexit.register(lambda: _CHILD.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)


# in the child


def _serve() -> None:
    """Answer until the other side closes; a question that takes too long ends this process."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other side, which then closes
    _limit_memory()
    with Path(os.devnull).open("w") as nowhere:
        while True:
            try:
                question = _read_whole(sys.stdin.buffer)
            except EOFError:
                return
            _write(answers, pickle.dumps(_answered(question, nowhere)))


def _answered(question: bytes, nowhere: IO[str]) -> tuple[Judgement, bool]:
    try:
        timeout, (function, arguments, named) = pickle.loads(question)
        module, _, name = function.partition(":")
        asked = getattr(import_module(module), name)
        faulthandler.dump_traceback_later(timeout, exit=True, file=nowhere)  # no code of ours or C's can evade it
        return asked(*arguments, **named), True
    except (Exception, RecursionError) as error:  # whatever sympy raises
        return _stopped(f"{type(error).__name__}: {str(error)[:200]}", HELP), False
    finally:
        faulthandler.cancel_dump_traceback_later()


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # there is none, or it cannot be set, on some systems
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    _serve()
