"""Sweep: run experiments through any `concurrent.futures.Executor`, keeping every finished one."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from validation.claim import Experiment, Results
from validation.store import Store

__all__ = ["fingerprint", "local_executor", "sweep"]


def sweep(
    experiments: Sequence[Experiment],
    *,
    budget: str = "standard",
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    store: Store | None = None,
    executor: Executor | None = None,
    finished: Callable[[Experiment], object] = lambda experiment: None,
) -> dict[str, Results]:
    """Measure every experiment, by name; those the store holds from an earlier run with the same settings are taken from it.

    Results do not depend on the executor, the order, or on what was resumed. Without an executor the experiments run
    here, one after the other. With one, a failure is raised when the others are done and kept.
    """
    settings: dict[str, Any] = {"budget": budget, "seed": seed, "device": device, "dtype": dtype}
    results: dict[str, Results] = {}
    waiting = []
    for experiment in experiments:
        kept = store.get(experiment.name, _key(experiment, settings)) if store else None
        if kept is None:
            waiting.append(experiment)
        else:
            results[experiment.name] = kept
            finished(experiment)

    def keep(experiment: Experiment, found: Results) -> None:
        results[experiment.name] = found
        if store:
            store.put(experiment.name, _key(experiment, settings), found)
        finished(experiment)

    if executor is None:
        for experiment in waiting:
            keep(experiment, experiment.run(**settings))
        return results
    jobs = {executor.submit(_run, experiment, settings): experiment for experiment in waiting}
    failures = []
    try:
        for job in as_completed(jobs):
            failure = job.exception()
            if isinstance(failure, Exception):
                failures.append(failure)
            else:
                keep(jobs[job], job.result())
    finally:
        for job in jobs:
            job.cancel()  # of what has not begun, where the user interrupts
    if failures:
        raise failures[0]
    return results


def local_executor(workers: int | None = None) -> Executor:
    """One process per core, each with one thread of linear algebra."""
    return ProcessPoolExecutor(workers or cpu_count(), mp_context=get_context("spawn"))


def _run(experiment: Experiment, settings: dict[str, Any]) -> Results:
    with threadpool_limits(limits=1):
        return experiment.run(**settings)


def _key(experiment: Experiment, settings: dict[str, Any]) -> str:
    """Changes with anything the result depends on: arguments, settings, and the code that measures."""
    # pickled, not printed: a repr shortens arrays and carries addresses
    e = experiment  # whose name keys the random streams
    parts = (e.name, e.measure, sorted(e.arguments.items()), e.repeats, sorted(settings.items()))
    content = pickle.dumps(parts, protocol=5)
    return hashlib.sha256(fingerprint().encode() + content).hexdigest()[:16]


def fingerprint() -> str:
    """A hash of the source that measurements depend on."""
    import numerics
    import theory.setting

    root = Path(numerics.__file__).parent
    digest = hashlib.sha256()
    for path in (*sorted(root.rglob("*.py")), Path(theory.setting.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
