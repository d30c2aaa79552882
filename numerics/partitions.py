"""Partitions: the Gibbs averages of data sets larger than memory, and larger than a machine.

Moments over disjoint samples add up, so a data set is taken in partitions, runs of rows that follow one another. Here
they are computed one after the other, and memory holds two of them whatever the number of samples; on a cluster they
are computed at once, each by a worker that opens the file itself, and added up in a binary tree of neighbours, which
keeps the numbering of `nearest`. What is kept between two partitions is the sum so far, a few numbers per query and
dimension: a checkpoint of it makes a run of days one that may be interrupted.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import lru_cache, reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, checked, namespace, to_host
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.storage.checkpoint import Checkpoint
from numerics.storage.files import check_directory
from numerics.storage.sources import Source, open_source

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["gibbs_moments_of"]

CHECKPOINT_EVERY = 60.0  # seconds
TASKS = 2**15  # of a cluster at most, for a task costs its scheduler milliseconds; beyond, a task is several partitions


def gibbs_moments_of(
    data: Any,
    queries: Array,
    t: Array | float,
    *,
    temperature: float = 1.0,
    covariance: Literal["diagonal", "full"] | None = None,
    basis: Array | None = None,
    dtype: Any = None,
    tolerance: float | None = None,
    rows: int | None = None,
    checkpoint: str | Path | None = None,
    every: float = CHECKPOINT_EVERY,
    scheduler: str | Client | None = None,
    tick: Callable[[int], object] = lambda samples: None,
) -> GibbsMoments:
    """`gibbs_moments` over samples that need not fit into memory: the same averages, but for rounding.

    Args:
        data: what `open_source` opens: a .npy or .parquet file, a directory of .parquet files, a Zarr array, or anything
            with a shape and rows to slice. Half precision is computed with in float32, integers in float64.
        queries: x, shape (M, D); partitions are taken to its library and device.
        t: noise variance, data units squared; shapes as for `gibbs_moments`.
        temperature: T; 1 is the posterior.
        covariance: also the posterior covariance, `diagonal` or `full`.
        basis: orthonormal columns to take the covariance along, as for `gibbs_moments`.
        dtype: of the distances and weights; by default that of queries and data.
        tolerance: as for `gibbs_moments`.
        rows: samples of a partition; by default what takes 256 MiB in float64.
        checkpoint: a file to keep the sum in. Where it exists the run goes on from it: with the same rows, and in the
            same place (here or on a cluster), to the same bits as a run that was never interrupted.
        every: seconds between checkpoints; there is also one at the end, and where the run fails or is interrupted.
        scheduler: address of a dask scheduler, such as tcp://host:8786, or its Client; its workers must see the same
            path. None computes here.
        tick: called with the number of samples that have been added, those of the checkpoint first.

    Raises:
        ValueError: for a question that `gibbs_moments` refuses, data that cannot be read or hold no finite numbers
            (naming the rows), a checkpoint that is torn or answers another question, a scheduler that does not answer,
            or zarr or distributed needed and not installed.
        OSError: where the checkpoint cannot be written, or the scheduler was lost.
    """
    source = open_source(data)
    queries = checked(queries, "queries", "(M, D)")
    question = _Question(queries, t, temperature, covariance, basis, dtype, tolerance)
    _check(question, source)
    rows = _checked_rows(source.rows() if rows is None else rows)
    before = source.identity()
    keeper = None
    if checkpoint is not None:
        check_directory(Path(checkpoint).parent)
        keeper = Checkpoint(Path(checkpoint), _key(question, before))
    total = _Sum(keeper, every)
    start = total.resume(queries)
    if start:
        tick(start)
    if scheduler is None:
        parts = _here(source, question, start, source.shape[0], rows, tick)
    else:
        parts = _on_cluster(source, question, start, rows, tick, scheduler)
    state = total.add(parts)
    if source.identity() != before:
        raise ValueError(f"{source.name} changed while it was read; run again on data that stay")
    return state


class _Sum:
    """The moments over the first samples, kept in a checkpoint if there is one."""

    def __init__(self, keeper: Checkpoint | None, every: float) -> None:
        # state and number of samples in one, so that an interruption cannot come between the two
        self.now: tuple[GibbsMoments | None, int] = (None, 0)
        self.keeper, self.every, self.saved = keeper, every, 0

    def resume(self, queries: Array) -> int:
        """Take up what the checkpoint has; the number of samples that are done."""
        found = self.keeper.load() if self.keeper else None
        if found is None:
            return 0
        state, self.saved = found
        values = {f.name: getattr(state, f.name) for f in fields(state)}
        arrays = {name: _beside(queries, a) for name, a in values.items() if isinstance(a, np.ndarray)}
        self.now = (replace(state, **arrays), self.saved)
        return self.saved

    def add(self, parts: Iterator[tuple[GibbsMoments, int]]) -> GibbsMoments:
        """Add the moments over the samples that follow; each part comes with the number of its last sample, plus one."""
        clock = time.monotonic()
        try:
            for moments, stop in parts:
                state = self.now[0]
                self.now = (moments if state is None else state + moments, stop)
                if time.monotonic() - clock >= self.every:
                    self._save()
                    clock = time.monotonic()
        finally:
            self._save()
        state = self.now[0]
        assert state is not None
        return state

    def _save(self) -> None:
        state, done = self.now
        if self.keeper and state is not None and done > self.saved:
            self.keeper.save(state, done)
            self.saved = done


# the question


@dataclass(frozen=True)
class _Question:
    """What is asked of every partition: the arguments of `gibbs_moments` but for the data."""

    queries: Array
    t: Any
    temperature: float
    covariance: Literal["diagonal", "full"] | None
    basis: Array | None
    dtype: Any
    tolerance: float | None

    def asked_of(self, samples: Array) -> GibbsMoments:
        return gibbs_moments(
            self.queries,
            samples,
            self.t,
            temperature=self.temperature,
            covariance=self.covariance,
            basis=self.basis,
            dtype=self.dtype,
            tolerance=self.tolerance,
        )


def _check(question: _Question, source: Source) -> None:
    """Say what is wrong with a question before any data are read for it."""
    D = question.queries.shape[1]
    if source.shape[1] != D:
        raise ValueError(f"queries and data must share the dimension D, got {D} and {source.shape[1]} in {source.name}")
    question.asked_of(question.queries[:1, :])


def _checked_rows(rows: int) -> int:
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise ValueError(f"rows, the samples of a partition, must be a positive integer, got {rows!r}")
    return int(rows)


def _key(question: _Question, identity: dict[str, Any]) -> str:
    """Changes with anything the answer depends on, but for rounding; options have one form for all their spellings."""
    given = [a for a in (question.queries, question.t, question.basis) if a is not None]
    arrays = [np.ascontiguousarray(to_host(a)) for a in given]
    parts = {
        "data": identity,
        "arrays": [[a.dtype.str, a.shape, hashlib.sha256(a.tobytes()).hexdigest()] for a in arrays],
        "temperature": float(question.temperature),
        "covariance": question.covariance,
        "dtype": _dtype_name(question.dtype),
        "tolerance": None if question.tolerance is None else float(question.tolerance),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _dtype_name(dtype: Any) -> str | None:
    try:
        return None if dtype is None else np.dtype(dtype).name
    except TypeError:  # of another library, as in torch.float32
        return str(dtype).rpartition(".")[2]


# here


def _here(
    source: Source, question: _Question, start: int, stop: int, rows: int, tick: Callable[[int], object]
) -> Iterator[tuple[GibbsMoments, int]]:
    """The moments over each partition from `start` to `stop`, with the number of its last sample, plus one."""
    blocks = source.blocks(start, stop, rows)
    with ThreadPoolExecutor(1, "geomem-read") as reader:  # of the next partition, while this one is computed with
        waiting = reader.submit(next, blocks, None)
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            block = _read(waiting.result, source, first, last)
            waiting = reader.submit(next, blocks, None)
            moments = _moments(block, source, question, first, last)
            del block  # or three would be in memory
            yield moments, last
            tick(last - first)


def _read(take: Callable[[], Any], source: Source, start: int, stop: int) -> NDArray[Any]:
    try:
        return take()
    except Exception as error:  # of the disk, or of the library of the format
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read {_named(source, start, stop)}: {reason}") from error


def _moments(block: NDArray[Any], source: Source, question: _Question, start: int, stop: int) -> GibbsMoments:
    try:
        return question.asked_of(_beside(question.queries, _working(block)))
    except ValueError as error:
        raise ValueError(f"{_named(source, start, stop)}: {error}") from error
    except MemoryError:
        raise ValueError(
            f"{_named(source, start, stop)} do not fit into memory; ask for fewer rows at a time"
        ) from None


def _named(source: Source, start: int, stop: int) -> str:
    return f"rows {start} to {stop - 1} of {source.name} (counted from 0)"


def _working(block: NDArray[Any]) -> NDArray[Any]:
    """A partition in a floating dtype of this machine that is worth computing with."""
    if block.dtype.kind != "f":
        return block.astype(np.float64)
    return block.astype(np.float32 if block.dtype.itemsize < 4 else block.dtype.newbyteorder("="), copy=False)


def _beside(queries: Array, a: NDArray[Any]) -> Array:
    """An array of the host in the library and on the device of the queries."""
    return a if isinstance(queries, np.ndarray) else namespace(queries).asarray(a, device=queries.device)


# on a cluster


def _on_cluster(
    source: Source,
    question: _Question,
    start: int,
    rows: int,
    tick: Callable[[int], object],
    scheduler: str | Client,
) -> Iterator[tuple[GibbsMoments, int]]:
    from numerics.storage.cluster import connected, reduced

    if source.path is None:
        raise ValueError(
            "workers of a cluster open the data themselves: name a file, not an array; numpy.save makes one"
        )
    if not isinstance(question.queries, np.ndarray):
        raise ValueError("on a cluster the queries must be a NumPy array; convert with numpy.asarray")
    N = source.shape[0]
    if start == N:
        return
    span = rows * math.ceil(N / (rows * TASKS))
    spans = [(first, min(first + span, N)) for first in range(start, N, span)]
    shared = (str(source.path), json.dumps(source.identity()), rows, question)
    with connected(scheduler) as client:
        yield from reduced(client, _moments_on_worker, spans, shared, tick)


def _moments_on_worker(span: tuple[int, int], shared: tuple[str, str, int, _Question]) -> GibbsMoments:
    path, identity, rows, question = shared
    parts = _here(_opened(path, identity), question, *span, rows, tick=lambda samples: None)
    return reduce(add, (moments for moments, _ in parts))


@lru_cache(maxsize=4)
def _opened(path: str, identity: str) -> Source:
    """The source as this process sees it, opened once."""
    source = open_source(path)
    here, there = (
        {k: known[k] for k in ("shape", "dtype", "bytes")} for known in (source.identity(), json.loads(identity))
    )
    if here != there:  # the time of change may differ between mounts, and between copies
        raise ValueError(f"{path} is not the same file on a worker: expected {there}, got {here}; share or copy it")
    return source
