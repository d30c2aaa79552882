"""`python -m benchmarks.smoothing`: the smoothed score in passes of the engine, beside what one would use in its place.

The shifts are the same for everybody, so that all answers are of one sum. Contestants:

    one pass    of the engine, over the queries at one shift
    engine      `Smoothed`, which asks the engine for all shifts at once
    torch       a loop over the shifts: distances, softmax, product, in blocks of queries
    tilted      one pass of distances for all shifts, |x + d - y|^2 = |x - y|^2 + 2 d (x - y) + |d|^2, their weights added up
                before the one product with the samples
    nearest     the nearest sample of each shifted point in the place of its posterior mean (arXiv:2310.12395), by a product of
                matrices, which in many dimensions is faster than trees
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import machine, rounds
from benchmarks.problem import Problem
from benchmarks.report import aligned, machine_lines
from numerics.arrays import slices
from numerics.gibbs import gibbs_moments
from numerics.scores import Smoothed
from numerics.threads import workers

__all__ = ["main"]

Floats = NDArray[np.float64]
Run = Callable[[], Any]
SIZE = (20_000, 1000, 64)  # samples, queries, dimensions
SHIFTS = 16
TIMES = (0.1, 0.5, 2.0)  # in units of the variance of the data
WIDTH = 0.5  # bandwidth, in units of t
BLOCK = 64  # queries
PASS = "one pass"


def main(arguments: Sequence[str] | None = None) -> None:
    """Time and print what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoothing", description=__doc__)
    parser.add_argument("--size", nargs=3, type=int, default=SIZE, metavar=("N", "M", "D"), help="samples, queries, D")
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    options = parser.parse_args(arguments)
    print("\n".join(_compared(tuple(options.size), options.repeats)))


def _compared(size: tuple[int, int, int], repeats: int) -> Iterator[str]:
    """The lines of the table: of each contestant its median time, that in passes of the engine, and its largest error."""
    rows = [["t", "", "seconds", "passes", "error / sqrt t"]]
    for t in TIMES:
        problem = Problem.of(size, t)
        runs, right = _contestants(problem)
        at = problem.checked
        errors = {name: np.abs(run()[at] - right).max() * t**0.5 for name, run in runs.items() if name != PASS}
        seconds, _ = rounds(runs, repeats)
        for name, times in seconds.items():
            passes = np.median(np.divide(times, seconds[PASS]))
            error = f"{errors[name]:.1e}" if name in errors else ""
            rows.append([f"{t:g}", name, f"{np.median(times):.3f}", f"{passes:.1f}", error])
    yield f"{size[0]:,} samples, {size[1]:,} queries, {size[2]} dimensions; {SHIFTS} shifts, h = {WIDTH:g} t"
    yield from aligned(rows, left=2)
    yield from machine_lines({"machine": machine(workers(), "cpu"), "setting": {"device": "cpu"}})


def _contestants(problem: Problem) -> tuple[dict[str, Run], Floats]:
    """What is timed, by name, and the right score at the queries that are checked."""
    (x, y), t = problem.arrays("float64"), problem.t
    score = Smoothed(y, WIDTH * t, SHIFTS)
    points = (WIDTH * t) ** 0.5 * score.rule[0]
    runs: dict[str, Run] = {
        PASS: lambda: gibbs_moments(x + points[0], y, t).score,
        "engine": lambda: score(x, t),
        "tilted": lambda: (_tilted(x, y, points, t) - x) / t,
        "nearest": lambda: (_nearest(x, y, points) - x) / t,
    }
    if importlib.util.find_spec("torch"):
        runs["torch"] = _torch(x, y, points, t)
    else:
        print("torch is not installed, and is left out", file=sys.stderr)
    at = x[problem.checked]
    return runs, (_directly(at, y, points, t) - at) / t


def _directly(x: Floats, y: Floats, points: Floats, t: float) -> Floats:
    """The mean over shifts of the posterior mean, from differences."""
    return np.array([np.mean([_mean(one + point, y, t) for point in points], axis=0) for one in x])


def _mean(x: Floats, y: Floats, t: float) -> Floats:
    energy = ((x - y) ** 2).sum(axis=1) / (2 * t)
    weights = np.exp(energy.min() - energy)
    return np.asarray(weights @ y / weights.sum())


def _tilted(x: Floats, y: Floats, points: Floats, t: float) -> Floats:
    half = (y**2).sum(axis=1) / 2
    tilts = points @ y.T / t
    found = np.empty_like(x)
    for block in slices(len(x), BLOCK):
        plain = (x[block] @ y.T - half) / t
        total, weights = np.zeros_like(plain), np.empty_like(plain)
        for tilt in tilts:
            np.add(plain, tilt, out=weights)
            weights -= weights.max(axis=1, keepdims=True)
            np.exp(weights, out=weights)
            weights /= len(points) * weights.sum(axis=1, keepdims=True)
            total += weights
        found[block] = total @ y
    return found


def _nearest(x: Floats, y: Floats, points: Floats) -> Floats:
    half = (y**2).sum(axis=1) / 2
    found = np.zeros_like(x)
    for block in slices(len(x), BLOCK):
        for point in points:
            found[block] += y[np.argmax((x[block] + point) @ y.T - half, axis=1)] / len(points)
    return found


def _torch(x: Floats, y: Floats, points: Floats, t: float) -> Run:
    import torch

    queries, data, shifts = (torch.as_tensor(a) for a in (x, y, points))
    half = (data**2).sum(dim=1) / 2

    def mean(block: Any) -> Any:
        return sum(torch.softmax(((block + s) @ data.T - half) / t, dim=1) @ data for s in shifts) / len(shifts)

    def run() -> Floats:
        return np.asarray((torch.cat([mean(queries[block]) for block in slices(len(x), BLOCK)]) - queries) / t)

    return run


if __name__ == "__main__":
    main()
