"""Workers: processes that make calls, and that end when they are told to, or are killed, or left alone.

A call whose worker is killed is made once more, by a new one; killed twice, it is given up. Workers leave a Ctrl-C to their
driver, import nothing from the working folder, and end by themselves within a moment of their driver's end.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

__all__ = ["WorkerLostError", "Workers"]

ATTEMPTS = 2
_spawn = get_context("spawn")  # a fork would share locks and threads of numerical libraries

_Call = tuple[Future[Any], bytes]


class WorkerLostError(RuntimeError):
    """The worker of a call was killed, and so was the one that took over."""


class Workers(Executor):
    """An executor of processes, started when there is something for them to do.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        with _safe_path():
            resource_tracker.ensure_running()  # here, for where it is started it lets signals through
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock, self._closed = Lock(), False
        self._running: set[_Worker] = set()
        self._threads = [Thread(target=self._attend, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Have a call made: a picklable function of a module, and its arguments."""
        future: Future[Any] = Future()
        self._calls.put((future, pickle.dumps((function, arguments, named))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no further calls; without `wait` but with `cancel_futures` the workers are killed in the midst of theirs."""
        while cancel_futures and not self._calls.empty():
            if (call := self._calls.get()) is not None:
                call[0].cancel()
        for _ in self._threads:
            self._calls.put(None)
        if cancel_futures and not wait:
            with self._lock:
                self._closed = True
                for worker in self._running:
                    worker.process.kill()
        if wait:
            for thread in self._threads:
                thread.join()

    def _attend(self) -> None:
        """Hand one call after the other to a worker."""
        _leave_ctrl_c_to_the_main_thread()
        worker = None
        while (call := self._calls.get()) is not None:
            future, content = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker, (found, failure) = self._made(worker, content)
            except Exception as error:  # the worker is lost, or its answer cannot be read
                worker, found, failure = None, None, error
            if failure is None:
                future.set_result(found)
            else:
                future.set_exception(failure)
        if worker is not None:
            worker.pipe.close()
            self._buried(worker)

    def _made(self, worker: _Worker | None, content: bytes) -> tuple[_Worker, tuple[Any, Exception | None]]:
        """What a call returned or how it failed, and the worker that knows: a new one where the first is lost."""
        how = ""
        for _ in range(ATTEMPTS):
            worker = worker or self._started()
            try:
                return worker, worker.made(content)
            except (EOFError, OSError):
                how, worker = self._buried(worker), None
        raise WorkerLostError(how)

    def _started(self) -> _Worker:
        with self._lock, _safe_path():
            if self._closed:
                raise WorkerLostError("the end of its driver")
            worker = _Worker()
            self._running.add(worker)
            return worker

    def _buried(self, worker: _Worker) -> str:
        """Wait for a worker that ends; how it has ended."""
        worker.process.join()
        with self._lock:
            self._running.discard(worker)
        code = worker.process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class _Worker:
    """A process and the pipe to it, which breaks where it dies."""

    def __init__(self) -> None:
        self.pipe, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def made(self, content: bytes) -> tuple[Any, Exception | None]:
        """What a call returned, or how it failed."""
        self.pipe.send_bytes(content)
        found, failure = pickle.loads(self.pipe.recv_bytes())
        return found, failure


@contextmanager
def _safe_path() -> Iterator[None]:
    """Start processes that do not import what lies in the working folder, as a file called signal.py."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def _leave_ctrl_c_to_the_main_thread() -> None:
    """And so do processes that this thread starts: they inherit what it blocks, before they could be interrupted."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


# in the worker


def _serve(pipe: Connection) -> None:
    """Make calls until the pipe is closed."""
    Thread(target=_end_with_the_driver, daemon=True).start()
    try:
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))
    except (EOFError, OSError):
        return


def _end_with_the_driver() -> None:
    """In the midst of a compiled loop too: those let other threads run."""
    driver = parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)


def _answer(content: bytes) -> bytes:
    try:
        function, arguments, named = pickle.loads(content)
        return pickle.dumps((function(*arguments, **named), None))
    except Exception as failure:
        failure.add_note(traceback.format_exc())
        try:
            return pickle.dumps((None, failure))
        except Exception:  # as exceptions of foreign libraries may be
            return pickle.dumps((None, RuntimeError(f"{type(failure).__name__}: {failure}")))
