"""Partitions: the Gibbs averages of data sets larger than memory, and larger than a machine.

Moments over disjoint samples add up, so a data set is taken in partitions, runs of rows that follow one another. Here
they are computed one after the other, and memory holds two of them whatever the number of samples; on a cluster they
are computed at once, each by a worker that opens the file itself, and added up in a binary tree of neighbours, which
keeps the numbering of `nearest`. What is kept between two partitions is the sum so far, a few numbers per query and
dimension: a checkpoint of it makes a run of days one that may be interrupted. A run that goes on from it reads the rows
that were summed once more, without computing, and refuses where they are others by their hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial, reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, checked, namespace, to_host
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.storage.checkpoint import Checkpoint
from numerics.storage.contents import MODULUS, Contents, block_hash
from numerics.storage.files import check_directory
from numerics.storage.sources import Source, open_source
from theory.real import whole

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
            same place (here or on a cluster), to the same bits as a run that was never interrupted. It goes with the
            question and with the contents of the rows, wherever they lie.
        every: seconds between checkpoints; there is also one at the end, and where the run fails or is interrupted.
        scheduler: address of a dask scheduler, such as tcp://host:8786, or its Client; its workers must see the same
            path. None computes here.
        tick: called with the number of samples that have been added, those of the checkpoint first.

    Raises:
        ValueError: for a question that `gibbs_moments` refuses, data that cannot be read or hold no finite numbers
            (naming the rows), a checkpoint that is torn or answers another question or is of other data, a scheduler
            that does not answer, or zarr or distributed needed and not installed.
        OSError: where the scheduler was lost, or the run ends early and the checkpoint cannot be written.

    Warns:
        RuntimeWarning: where the checkpoint cannot be written, and the sum goes on.
    """
    source = open_source(data)
    queries = checked(queries, "queries", "(M, D)")
    question = _Question(queries, t, temperature, covariance, basis, dtype, tolerance)
    _check(question, source)
    rows = whole(source.rows() if rows is None else rows, "rows, the samples of a partition,", 1)
    before = source.identity()
    keeper = None
    if checkpoint is not None:
        check_directory(Path(checkpoint).parent)
        keeper = Checkpoint(Path(checkpoint), _key(question, source))
    total = _Sum(keeper, every, rows)
    if start := total.resume(queries):
        _check_contents(source, total.contents, scheduler, Path(checkpoint or ""))
        tick(start)
    cut = _Cut(rows, hashed=keeper is not None)
    if scheduler is None:
        parts = _here(source, question, start, source.shape[0], cut, tick)
    else:
        parts = _on_cluster(source, question, start, cut, tick, scheduler)
    state = total.add(parts)
    if source.identity() != before:
        raise ValueError(f"{source.name} changed while it was read; run again on data that stay")
    return state


@dataclass(frozen=True)
class _Cut:
    """How the data are cut into partitions: rows of one, and whether their contents are to be known again."""

    rows: int
    hashed: bool


@dataclass(frozen=True)
class _Part:
    """The moments over some samples, and the sum of the hashes of their blocks."""

    moments: GibbsMoments
    total: int

    def __add__(self, other: _Part) -> _Part:
        return _Part(self.moments + other.moments, (self.total + other.total) % MODULUS)


class _Sum:
    """The moments over the first samples, kept in a checkpoint if there is one."""

    def __init__(self, keeper: Checkpoint | None, every: float, rows: int) -> None:
        # state and samples in one, so that an interruption cannot come between the two
        self.now: tuple[GibbsMoments | None, Contents] = (None, Contents())
        self.keeper, self.every, self.rows, self.saved = keeper, every, rows, 0

    @property
    def contents(self) -> Contents:
        """Of the samples that are done."""
        return self.now[1]

    def resume(self, queries: Array) -> int:
        """Take up what the checkpoint has; the number of samples that are done."""
        found = self.keeper.load() if self.keeper else None
        if found is None:
            return 0
        state, contents = found
        values = {f.name: getattr(state, f.name) for f in fields(state)}
        arrays = {name: _beside(queries, a) for name, a in values.items() if isinstance(a, np.ndarray)}
        self.now, self.saved = (replace(state, **arrays), contents), contents.stop
        return self.saved

    def add(self, parts: Iterator[tuple[_Part, int]]) -> GibbsMoments:
        """Add the moments over the samples that follow; each part comes with the number of its last sample, plus one."""
        clock = time.monotonic()
        try:
            for part, stop in parts:
                state, contents = self.now
                moments = part.moments if state is None else state + part.moments
                self.now = (moments, contents.extended(stop, self.rows, part.total))
                if time.monotonic() - clock >= self.every:
                    self._save_or_warn()
                    clock = time.monotonic()
        except BaseException:
            self._save()
            raise
        self._save_or_warn()
        state = self.now[0]
        assert state is not None
        return state

    def _save_or_warn(self) -> None:
        """A full disk does not cost the sum."""
        try:
            self._save()
        except OSError as error:
            warnings.warn(f"{error}; the sum goes on without a checkpoint", RuntimeWarning, stacklevel=4)

    def _save(self) -> None:
        state, contents = self.now
        if self.keeper and state is not None and contents.stop > self.saved:
            self.keeper.save(state, contents)
            self.saved = contents.stop


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


def _key(question: _Question, source: Source) -> str:
    """Changes with anything the answer depends on, but for rounding and the contents of the rows, which are hashed as they
    are read; options have one form for all their spellings.
    """
    given = [a for a in (question.queries, question.t, question.basis) if a is not None]
    arrays = [np.ascontiguousarray(to_host(a)) for a in given]
    parts = {
        "data": [source.shape, source.dtype.str],
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
    source: Source, question: _Question, start: int, stop: int, cut: _Cut, tick: Callable[[int], object]
) -> Iterator[tuple[_Part, int]]:
    """The moments over each partition from `start` to `stop`, with the number of its last sample, plus one."""
    blocks = source.blocks(start, stop, cut.rows)

    def read(first: int) -> tuple[NDArray[Any] | None, int]:
        block = next(blocks, None)
        return block, block_hash(first, block) if cut.hashed and block is not None else 0

    # the next partition is read while this one is computed with, in a thread too, or a Ctrl-C would wait for compiled loops
    with ThreadPoolExecutor(1, "geomem-read") as reader, _unwaited("geomem-compute") as computer:
        waiting = reader.submit(read, start)
        for first in range(start, stop, cut.rows):
            last = min(first + cut.rows, stop)
            block, total = _read(partial(_result, waiting), source, first, last)
            waiting = reader.submit(read, last)
            computed = computer.submit(copy_context().run, _moments, block, source, question, first, last)
            del block  # or three would be in memory
            moments = _result(computed)
            yield _Part(moments, total), last
            tick(last - first)


def _result(future: Future[Any]) -> Any:
    """What a thread finds. A signal that comes as a wait begins is not heeded before it ends, so that waits are short."""
    while wait([future], timeout=0.5).not_done:
        pass
    return future.result()


@contextmanager
def _unwaited(name: str) -> Iterator[ThreadPoolExecutor]:
    """A thread that is not waited for by whoever is interrupted."""
    pool = ThreadPoolExecutor(1, name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _check_contents(source: Source, contents: Contents, scheduler: str | Client | None, checkpoint: Path) -> None:
    """Read what a checkpoint has summed once more, and refuse where it is not that."""
    runs = contents.runs
    if scheduler is None or source.path is None:
        total = sum(_hash(source, start, stop, rows) for start, stop, rows in runs) % MODULUS
    else:
        total = sum(_hash_on_cluster(source, start, stop, rows, scheduler) for start, stop, rows in runs) % MODULUS
    if total != contents.total:
        raise ValueError(
            f"{checkpoint} is the checkpoint of another question: other data, for rows 0 to {contents.stop - 1} of "
            f"{source.name} have changed since; remove it or name another file"
        )


def _hash(source: Source, start: int, stop: int, rows: int) -> int:
    blocks, total = source.blocks(start, stop, rows), 0
    for first in range(start, stop, rows):
        block = _read(lambda: next(blocks), source, first, min(first + rows, stop))
        total += block_hash(first, block)
    return total


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
    cut: _Cut,
    tick: Callable[[int], object],
    scheduler: str | Client,
) -> Iterator[tuple[_Part, int]]:
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
    shared = (str(source.path), json.dumps(source.identity()), cut, question)
    with connected(scheduler) as client:
        yield from reduced(client, _moments_on_worker, _spans(start, N, cut.rows), shared, tick)


def _spans(start: int, stop: int, rows: int) -> list[tuple[int, int]]:
    """Whole partitions, as many in a task as it takes to have few tasks."""
    span = rows * math.ceil(stop / (rows * TASKS))
    return [(first, min(first + span, stop)) for first in range(start, stop, span)]


def _moments_on_worker(span: tuple[int, int], shared: tuple[str, str, _Cut, _Question]) -> _Part:
    path, identity, cut, question = shared
    parts = _here(_opened(path, identity), question, *span, cut, tick=lambda samples: None)
    return reduce(add, (part for part, _ in parts))


def _hash_on_cluster(source: Source, start: int, stop: int, rows: int, scheduler: str | Client) -> int:
    from numerics.storage.cluster import connected, reduced

    shared = (str(source.path), json.dumps(source.identity()), rows)
    with connected(scheduler) as client:
        return sum(total for total, _ in reduced(client, _hash_on_worker, _spans(start, stop, rows), shared))


def _hash_on_worker(span: tuple[int, int], shared: tuple[str, str, int]) -> int:
    path, identity, rows = shared
    return _hash(_opened(path, identity), *span, rows)


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
