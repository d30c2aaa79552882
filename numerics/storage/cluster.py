"""Cluster: the sum of what a function makes of many spans, by the workers of a dask scheduler.

Neighbours are added in a binary tree, so the order of the sum is that of the spans whatever the workers do. What a lost
worker had done, and was doing, is done again by others.
"""

from __future__ import annotations

import operator
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["connected", "executor", "reduced"]

ROUND = 256  # spans of a tree: the sum is associated alike on any number of workers
CONNECT_WITHIN = 10.0  # seconds
SOONER = 1  # additions before further spans, whose results would pile up

Span = tuple[int, int]


@contextmanager
def connected(scheduler: str | Client) -> Iterator[Client]:
    """A client of the scheduler: the one given, or one for the address.

    Raises:
        ValueError: where the address is none, nobody answers, or distributed is not installed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "computing on a cluster takes distributed, not found here; pip install 'geomem[dask]'"
        ) from None
    if isinstance(scheduler, Client):
        yield scheduler
        return
    _knock(scheduler)
    with Client(scheduler, set_as_default=False) as client:
        yield client


def _knock(address: str) -> None:
    """See that somebody listens: a client that finds nobody takes half a minute to say so."""
    try:
        url = urlsplit(address)
        if url.scheme in ("tcp", "tls"):
            socket.create_connection((url.hostname, url.port or 0), CONNECT_WITHIN).close()
        elif not (url.scheme and url.netloc):
            raise ValueError("it has no scheme")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"expected the address of a running dask scheduler, such as tcp://host:8786, got {address!r}: {error}"
        ) from None


def reduced(
    client: Client,
    function: Callable[[Span, Any], Any],
    spans: Sequence[Span],
    shared: Any,
    tick: Callable[[int], object] = lambda done: None,
) -> Iterator[tuple[Any, int]]:
    """The sums of `function(span, shared)` over rounds of consecutive spans, in order, each with the end of its last span.

    Args:
        client: of the scheduler.
        function: what a worker computes; the results must have an associative `+`.
        spans: (start, stop), each starting where the one before stops.
        shared: the second argument; it travels to each worker once.
        tick: called with the size of each span that is done.

    Raises:
        ValueError: where the function raised one, where a worker cannot run it, or where it kills one worker after the other.
        OSError: where the function raised one, or the scheduler was lost.
    """
    token = uuid4().hex  # keys of two runs on one scheduler must not meet
    common = _sent(client, shared, token)
    waiting = deque(spans[first : first + ROUND] for first in range(0, len(spans), ROUND))
    running: deque[_Round] = deque()
    try:
        while waiting or running:
            while waiting and len(running) < _rounds_at_once(client):
                running.append(_submitted(client, function, waiting.popleft(), common, token))
            now = running[0]
            _wait(client, now.leaves, tick)
            yield _result(now.root), now.stop
            running.popleft()
    finally:
        # not cancelled: the scheduler stumbles over what is cancelled and let go of at once
        for future in (common, *(f for one in running for f in (*one.leaves, one.root))):
            future.release()


@dataclass
class _Round:
    """A tree of futures: its leaves with the sizes of their spans, its root, and where its last span stops."""

    leaves: dict[Future, int]
    root: Future
    stop: int


def _sent(client: Client, shared: Any, token: str) -> Future:
    """The shared argument as the result of a task: unlike scattered data, it survives the worker that has it."""
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):  # it is large once, not per task
        return client.submit(_same, shared, key=f"shared-{token}", pure=False)


def _same(value: Any) -> Any:
    return value


def _rounds_at_once(client: Client) -> int:
    """Enough for every thread of the workers to have something to do while a round comes to its end."""
    return 2 + 2 * sum(client.nthreads().values()) // ROUND


def _submitted(
    client: Client, function: Callable[[Span, Any], Any], spans: Sequence[Span], common: Future, token: str
) -> _Round:
    keys = _keys(function, spans, token)
    level = client.map(function, spans, shared=common, key=keys, pure=False)
    leaves = {future: stop - start for future, (start, stop) in zip(level, spans, strict=True)}
    at = list(spans)
    while len(level) > 1:
        odd = len(level) % 2
        pairs = range(0, len(level) - odd, 2)
        sums = [(at[k][0], at[k + 1][1]) for k in pairs]
        left, right = [level[k] for k in pairs], [level[k + 1] for k in pairs]
        keys = _keys(operator.add, sums, token)
        added = client.map(operator.add, left, right, key=keys, pure=False, priority=SOONER)
        level, at = [*added, *level[len(level) - odd :]], [*sums, *at[len(at) - odd :]]
    return _Round(leaves, level[0], spans[-1][1])


def _keys(function: Callable[..., Any], spans: Sequence[Span], token: str) -> list[str]:
    # what stands before the first dash is how the dashboard groups them
    return [f"{function.__name__.strip('_')}-{start}-{stop}-{token}" for start, stop in spans]


def _wait(client: Client, leaves: dict[Future, int], tick: Callable[[int], object]) -> None:
    from distributed import as_completed

    for future in as_completed(list(leaves), loop=client.loop):
        if future.status != "finished":
            _result(future)
        tick(leaves.pop(future))  # and let go of it: its result is no longer wanted here


def _result(future: Future) -> Any:
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except (ValueError, OSError):
        raise
    except KilledWorker as error:
        raise ValueError(_killed(error)) from None
    except CancelledError:
        raise ConnectionError("the scheduler was lost, or cancelled the work") from None
    except Exception as error:
        raise ValueError(
            f"the cluster failed: {type(error).__name__}: {error}; scheduler and workers need the packages of this machine"
        ) from error


def _killed(error: Any) -> str:
    return (
        f"{error.task} killed {error.allowed_failures + 1} workers, for want of memory perhaps; ask for less at a time or "
        "give workers more memory"
    )


@contextmanager
def executor(scheduler: str | Client) -> Iterator[Executor]:
    """The workers of a scheduler as an executor of `concurrent.futures`; a call whose worker is lost is made by another.

    Raises:
        ValueError: as of `connected`, and where a call kills one worker after the other.
    """
    with connected(scheduler) as client:
        from distributed.scheduler import KilledWorker

        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise ValueError(_killed(error)) from None
