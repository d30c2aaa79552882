"""Sweep: do jobs through any `concurrent.futures.Executor` of this machine, keeping each as soon as it is finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from os import cpu_count

from numerics.storage.cluster import executor as executor_of
from theory.one_thread import OneThreadEach
from validation.job import Job, Run
from validation.store import Found, Store
from validation.workers import WorkerLostError, Workers

__all__ = ["chosen_executor", "local_executor", "sweep"]


def sweep(
    jobs: Sequence[Job],
    run: Run,
    *,
    store: Store | None = None,
    executor: Executor | None = None,
    finished: Callable[[Job, Found], object] = lambda job, found: None,
) -> dict[str, Found]:
    """Do every job, by name; those the store holds from an earlier run with the same key are taken from it.

    Results do not depend on the executor, the order, or on what was resumed. Without an executor the jobs are done
    here, one after the other. With one, a failure is raised when the others are done and kept.

    Raises:
        WorkerLostError: as soon as a job has lost two workers; what is finished is kept.
    """
    results: dict[str, Found] = {}
    waiting = []
    for job in jobs:
        kept = store.get(job.name, job.key(run)) if store else None
        if kept is None:
            waiting.append(job)
        else:
            results[job.name] = kept
            finished(job, kept)

    def told(job: Job, found: Found) -> None:
        results[job.name] = found
        finished(job, found)

    if executor is None:
        for job in waiting:
            told(job, _kept(job, run, store))
        return results
    futures = {executor.submit(_done, batch, run, store): batch for batch in _batches(waiting)}
    failures = []
    try:
        for future in as_completed(futures):
            broken = future.exception()
            if isinstance(broken, WorkerLostError):
                raise WorkerLostError(
                    f"{futures[future][0].name} has lost two workers, the second by {broken}"
                ) from broken
            if broken is not None:
                failures.append(broken)
                continue
            for job, found in zip(futures[future], future.result(), strict=True):
                if isinstance(found, Exception):
                    failures.append(found)
                else:
                    told(job, found)
    finally:
        for future in futures:
            future.cancel()  # of what has not begun, where the user interrupts
    if failures:
        raise failures[0]
    return results


def local_executor(workers: int | None = None) -> Executor:
    """One process per core, each with one thread of linear algebra."""
    return Workers(workers or cpu_count() or 1)


@contextmanager
def chosen_executor(scheduler: str | None, device: str) -> Iterator[Executor | None]:
    """That of a dask scheduler, else the cores of this machine; none for a GPU, which is one.

    Raises:
        ValueError: where nobody answers at the address, or distributed is not installed.
    """
    if scheduler is not None:
        with executor_of(scheduler) as found:
            yield found
        return
    local = local_executor() if device == "cpu" else None
    try:
        yield local
    finally:
        if local:
            local.shutdown(wait=False, cancel_futures=True)


def _batches(jobs: Sequence[Job]) -> list[list[Job]]:
    """Evaluations of one module at one setting together, for they share what takes long; experiments one by one."""
    batches: dict[str, list[Job]] = {}
    for job in jobs:
        batches.setdefault(job.shared, []).append(job)
    return list(batches.values())


def _done(batch: Sequence[Job], run: Run, store: Store | None = None) -> list[Found | Exception]:
    """What each job found, or how it failed."""
    with OneThreadEach():
        return [_attempt(job, run, store) for job in batch]


def _attempt(job: Job, run: Run, store: Store | None) -> Found | Exception:
    try:
        return _kept(job, run, store)
    except Exception as failure:  # the others go on
        return failure


def _kept(job: Job, run: Run, store: Store | None) -> Found:
    """What a job finds, kept at once where it is found: neither a worker nor its driver takes it along when it dies."""
    if store is None:
        return job.do(run)
    key = job.key(run)
    found = store.get(job.name, key)  # by a worker that was killed
    if found is None:
        found = job.do(run)
        store.put(job.name, key, found)
    return found
