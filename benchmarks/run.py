"""A run: every contestant at every size, time and dtype, checked first and timed then."""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.clock import clock, floor, machine, rates, rounds, synchronizer
from benchmarks.peers import CONTESTANTS, ENGINE, Contestant, missing
from benchmarks.problem import CHECKED, Problem, dense_time, errors, reference, single
from numerics.arrays import resolve_device, to_host

__all__ = ["measure", "noise_variances", "run", "selected"]

Size = tuple[int, int, int]
Entry = dict[str, Any]
Array = np.ndarray
Truth = dict[str, Array]
Rates = dict[str, dict[str, float]]
PROBE_SAMPLES, PROBE_QUERIES = 16, 4  # what slow contestants get of each at first: one in so many
QUERIES = "first half noised training samples, x = y + sqrt(t) xi, then half fresh points"


class Skipped(Exception):  # noqa: N818
    """Why a contestant does not run."""


def run(options: argparse.Namespace) -> None:
    """Measure, print and keep what the command line asks for."""
    try:
        resolve_device(options.device)
    except ValueError as error:
        sys.exit(str(error))
    contestants = selected(options.peers, options.device)
    results: dict[str, Any] = {
        "setting": {
            "device": options.device,
            "repeats": options.repeats,
            "limit": options.limit,
            "data": "standard normal, variance 1",
            "queries": QUERIES,
            "checked_queries": CHECKED,
        },
        "rows": [],
    }
    for size in options.sizes:
        for t in noise_variances(options.t, size):
            with contextlib.redirect_stdout(sys.stderr):  # KeOps and compilers talk
                results["rates"] = _best(results.get("rates", {}), options)
                results["rows"].append(measure(size, t, contestants, options))
            results["machine"] = machine(options.threads, options.device)
            _add_floors(results)
            if not options.json:
                print(report.block(results["rows"][-1]), flush=True)
            if options.output:
                report.write(results, options.output, f"gibbs-{options.device}")
    print(report.text(results) if options.json else report.closing(results))
    if options.output:
        report.draw(results, options.output, f"gibbs-{options.device}")


def _best(before: Rates, options: argparse.Namespace) -> Rates:
    """The best rates seen in the run; they belong to the machine, and only get better."""
    dtypes = dict.fromkeys([*options.dtypes, "float32"])
    now = {d: rates(d, options.threads, options.device, options.patience) for d in dtypes}
    return {d: {name: max(rate, before.get(d, now[d])[name]) for name, rate in now[d].items()} for d in now}


def _add_floors(results: dict[str, Any]) -> None:
    for row in results["rows"]:
        size, best = (row["N"], row["M"], row["D"]), results["rates"]
        row["floor"] = {dtype: floor(size, best[dtype]) for dtype in row["others"]}
        row["screened_floor"] = floor(size, best["float32"], products=1)


def selected(names: Sequence[str] | None, device: str) -> list[Contestant]:
    """The engine, and the peers of those names that run on the device.

    Raises:
        SystemExit: for a name that there is not.
    """
    here = [c for c in CONTESTANTS if device in c.devices]
    if names is None:
        return here
    unknown = set(names) - {c.name for c in here} - {"none"}
    if unknown:
        sys.exit(f"no peer {', '.join(sorted(unknown))} on {device}; there are {', '.join(c.name for c in here)}")
    return [c for c in here if c.name in (ENGINE, *names)]


def noise_variances(asked: Sequence[float | str], size: Size) -> list[float]:
    """The noise variances as float32 numbers, largest first; 'dense' only where it is far above all of them."""
    N, _, D = size
    numbers = {single(t) for t in asked if not isinstance(t, str)}
    dense = single(float(f"{dense_time(N, D):.2g}"))
    if "dense" in asked and dense > 2 * max(numbers, default=0.0):
        numbers.add(dense)
    return sorted(numbers, reverse=True)


def measure(size: Size, t: float, contestants: Sequence[Contestant], options: argparse.Namespace) -> dict[str, Any]:
    """One block of the table."""
    problem = Problem.of(size, t)
    _say(f"N, M, D = {size}, t = {t:.3g}: reference")
    truth = reference(problem)
    timed = {dtype: _timed(problem, dtype, contestants, truth, options) for dtype in options.dtypes}
    N, M, D = size
    return {
        "N": N,
        "M": M,
        "D": D,
        "t": t,
        "effective_samples": next(entries[0]["effective"] for entries, _ in timed.values()),
        "others": {dtype: busy for dtype, (_, busy) in timed.items()},
        "results": [entry for entries, _ in timed.values() for entry in entries],
    }


def _timed(
    problem: Problem, dtype: str, contestants: Sequence[Contestant], truth: Truth, options: argparse.Namespace
) -> tuple[list[Entry], float | None]:
    """What is known of each contestant, the engine first, and what other processes took of the machine."""
    x, y = problem.arrays(dtype)
    started = [_started(contestant, x, y, problem, truth, options) for contestant in contestants]
    runs = {entry["name"]: run for entry, run in started if run}
    _say(f"  {dtype}: {options.repeats} rounds of {', '.join(runs)}")
    times, busy = rounds(runs, options.repeats, synchronizer(options.device), options.patience)
    entries = [entry | _summary(times.get(entry["name"]), times[ENGINE]) for entry, _ in started]
    gc.collect()
    return entries, busy


def _started(
    contestant: Contestant, x: Array, y: Array, problem: Problem, truth: Truth, options: argparse.Namespace
) -> tuple[Entry, Callable[[], Any] | None]:
    """What is known of a contestant before it is timed, and what is to be timed."""
    entry: Entry = {"name": contestant.name, "dtype": str(x.dtype), "computes": contestant.computes}
    try:
        answer, run = _warmed_up(contestant, x, y, problem.t, options)
    except Skipped as reason:
        _say(f"  {x.dtype}: {contestant.name} left out: {reason}")
        return entry | {"skipped": str(reason)}, None
    entry["errors"] = errors(answer, truth, problem, str(x.dtype))
    if contestant.name == ENGINE:
        entry["effective"] = float(np.median(1 / answer["participation"]))
    if "error" in answer:
        entry["certified"] = float(np.max(answer["error"]))
    return entry, run


def _warmed_up(
    contestant: Contestant, x: Array, y: Array, t: float, options: argparse.Namespace
) -> tuple[Truth, Callable[[], Any]]:
    """The answer, and the function that is compiled by now.

    Raises:
        Skipped: for one that cannot run here or takes too long.
    """
    if absent := missing(contestant):
        raise Skipped(f"needs {' and '.join(absent)}")
    if x.dtype not in contestant.dtypes:
        raise Skipped(f"has no {x.dtype}")
    wait, peer = synchronizer(options.device), contestant.name != ENGINE
    try:
        if contestant.slow:
            _probe(contestant, x, y, t, options)
        run = contestant.prepare(x, y, t, options.device)
        answer = run()
        seconds = clock(run, wait)
    except Skipped:
        raise
    except Exception as error:
        if not peer:
            raise
        raise Skipped(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:100]}") from error
    if peer and seconds > options.limit:
        raise Skipped(f"takes {seconds:.0f} s, more than {options.limit:g} s")
    return {name: to_host(value) for name, value in answer.items()}, run


def _probe(contestant: Contestant, x: Array, y: Array, t: float, options: argparse.Namespace) -> None:
    """Refuse what would take too long, judged by a part of the problem.

    Raises:
        Skipped: with the estimate.
    """
    step = max(1, min(PROBE_SAMPLES, len(y) // (y.shape[1] + 1)))  # a covariance wants more samples than dimensions
    few = np.ascontiguousarray(x[::PROBE_QUERIES]), np.ascontiguousarray(y[::step]), t, options.device
    run = contestant.prepare(*few)
    run()
    preparing = clock(lambda: contestant.prepare(*few))  # everything is imported by now, and compiled
    running = clock(run, synchronizer(options.device)) * PROBE_QUERIES
    for what, estimate in (("preparation", preparing * step), ("run", running * step)):
        if estimate > options.limit:
            raise Skipped(f"about {estimate:.0f} s for a {what}, more than {options.limit:g} s")


def _summary(times: Sequence[float] | None, engine: Sequence[float]) -> dict[str, float]:
    """Median, minimum, and the time in units of the engine's, round by round; nothing of what was not timed."""
    if times is None:
        return {}
    ratios = np.divide(times, engine)
    return {"median": float(np.median(times)), "minimum": min(times), "ratio": float(np.median(ratios))}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
