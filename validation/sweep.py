"""Sweep: do jobs through any `concurrent.futures.Executor`, keeping every finished one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from os import cpu_count

from numerics.threads import OneThreadEach
from validation.job import Job, Run
from validation.store import Found, Store

__all__ = ["local_executor", "sweep"]


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

    def keep(job: Job, found: Found) -> None:
        results[job.name] = found
        if store:
            store.put(job.name, job.key(run), found)
        finished(job, found)

    if executor is None:
        for job in waiting:
            keep(job, job.do(run))
        return results
    futures = {executor.submit(_done, batch, run): batch for batch in _batches(waiting)}
    failures = []
    try:
        for future in as_completed(futures):
            if (broken := future.exception()) is not None:
                failures.append(broken)
                continue
            for job, found in zip(futures[future], future.result(), strict=True):
                if isinstance(found, Exception):
                    failures.append(found)
                else:
                    keep(job, found)
    finally:
        for future in futures:
            future.cancel()  # of what has not begun, where the user interrupts
    if failures:
        raise failures[0]
    return results


def local_executor(workers: int | None = None) -> Executor:
    """One process per core, each with one thread of linear algebra."""
    return ProcessPoolExecutor(workers or cpu_count(), mp_context=get_context("spawn"))


def _batches(jobs: Sequence[Job]) -> list[list[Job]]:
    """Evaluations of one module at one setting together, for they share what takes long; experiments one by one."""
    batches: dict[str, list[Job]] = {}
    for job in jobs:
        batches.setdefault(job.shared, []).append(job)
    return list(batches.values())


def _done(batch: Sequence[Job], run: Run) -> list[Found | Exception]:
    """What each job found, or how it failed."""
    with OneThreadEach():
        return [_attempt(job, run) for job in batch]


def _attempt(job: Job, run: Run) -> Found | Exception:
    try:
        return job.do(run)
    except Exception as failure:  # the others go on
        return failure
