"""How the engine's time and memory grow with N, M and D."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.clock import machine, rounds
from benchmarks.peers import engine
from benchmarks.problem import Problem
from numerics.gibbs import gibbs_moments

__all__ = ["closing", "exponent", "growth", "memory", "run", "timing"]

Size = tuple[int, int, int]
AXES = ("N", "M", "D")
TIMED: Size = (8000, 512, 64)  # doubled four times along each axis
HELD: Size = (50000, 500, 64)  # doubled three times
REGIMES: dict[str, Callable[[int], float]] = {
    "dense, t = D": float,  # all weights nearly equal
    "concentrated, t = 0.01": lambda D: 0.01,
}
STATUS = Path("/proc/self/status")
MEASURE = "peak resident set of a fresh process for each size, less what is resident before the call"


def run(options: argparse.Namespace) -> None:
    """Measure, print and keep what the command line asks for."""
    if options.device != "cpu":
        sys.exit("scaling is measured on the CPU")
    results: dict[str, Any] = {"setting": {"device": "cpu", "repeats": options.repeats, "memory": MEASURE}}
    results["time"] = [timing(dtype, options.repeats, options.patience) for dtype in options.dtypes]
    results["memory"] = [memory(dtype, regime) for dtype in options.dtypes for regime in REGIMES]
    results["machine"] = machine(options.threads, "cpu")
    print(report.text(results) if options.json else closing(results))
    if options.output:
        report.write(results, options.output, "scaling-cpu")


def doubled(base: Size, axis: int, times: int) -> list[Size]:
    """The size with one of its numbers doubled again and again."""
    return [tuple(n * 2**k if i == axis else n for i, n in enumerate(base)) for k in range(times + 1)]  # type: ignore[misc]


def timing(dtype: str, repeats: int, patience: float = 0.0) -> dict[str, Any]:
    """Seconds at each size in the dense regime, and the exponents fitted to them."""
    _say(f"time, {dtype}")
    sizes = list(dict.fromkeys(size for axis in range(3) for size in doubled(TIMED, axis, 4)))
    runs = {}
    for size in sizes:
        t = float(size[2])
        run = engine(*Problem.of(size, t).arrays(dtype), t, "cpu")
        run()
        runs[str(size)] = run
    found, busy = rounds(runs, repeats, patience=patience)
    times = {name: min(each) for name, each in found.items()}
    seconds = {axis: [times[str(size)] for size in doubled(TIMED, k, 4)] for k, axis in enumerate(AXES)}
    exponents = {
        axis: exponent([size[k] for size in doubled(TIMED, k, 4)], seconds[axis]) for k, axis in enumerate(AXES)
    }
    return {"dtype": dtype, "base": TIMED, "others": busy, "seconds": seconds, "exponents": exponents}


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log time against log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def memory(dtype: str, regime: str) -> dict[str, Any]:
    """Bytes held beyond the data and the queries at each size, and how they grow."""
    sizes = list(dict.fromkeys(size for axis in range(3) for size in doubled(HELD, axis, 3)))
    held = []
    for size in sizes:
        _say(f"memory, {dtype}, {regime}, N, M, D = {size}")
        command = [sys.executable, "-m", "benchmarks.scaling", json.dumps([*size, dtype, REGIMES[regime](size[2])])]
        held.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout))
    return {
        "dtype": dtype,
        "regime": regime,
        "sizes": sizes,
        "bytes": held,
        **growth(sizes, held, np.dtype(dtype).itemsize),
    }


def growth(sizes: Sequence[Size], held: Sequence[float], itemsize: int) -> dict[str, float]:
    """Least squares: bytes = per_data x size of the data + per_query x size of the queries + rows of D numbers + budget."""
    matrix = np.array([[N * D * itemsize, M * D * itemsize, D * itemsize, 1.0] for N, M, D in sizes])
    scale = matrix.max(axis=0)
    found = np.linalg.lstsq(matrix / scale, np.array(held, dtype=float), rcond=None)[0] / scale
    residual = float(np.abs(matrix @ found - held).max())
    return dict(zip(("per_data", "per_query", "rows", "budget"), found.tolist(), strict=True)) | {"residual": residual}


def beyond(N: int, M: int, D: int, dtype: str, t: float) -> int:
    """Bytes that one call holds at most, beyond what was there."""
    rng = np.random.default_rng(0)
    y, x = (rng.standard_normal((n, D), dtype=np.dtype(dtype).type) for n in (N, M))
    gibbs_moments(x[:64], y[:256], t)  # imports and compiles
    before = _status("VmRSS") if STATUS.exists() else _largest()
    gibbs_moments(x, y, t)
    return (_status("VmHWM") if STATUS.exists() else _largest()) - before


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


def _largest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def closing(results: dict[str, Any]) -> str:
    """The tables."""
    lines = []
    for one in results["time"]:
        N, M, D = one["base"]
        lines += [
            "",
            f"{one['dtype']}: ms in the dense regime, t = D, from N, M, D = {N:,}, {M:,}, {D:,} on, best of the rounds",
        ]
        rows = [
            [axis, f"{one['exponents'][axis]:.2f}", *map(report.milliseconds, one["seconds"][axis])] for axis in AXES
        ]
        header = ["", "exponent", *(f"x {2**k}" for k in range(len(rows[0]) - 2))]
        lines += report.aligned([header, *rows], left=1) + report.disturbances({one["dtype"]: one["others"]})
    for one in results["memory"]:
        lines += ["", f"{one['dtype']}, {one['regime']}: MB beyond the data and the queries"]
        itemsize = np.dtype(one["dtype"]).itemsize
        rows = [
            [
                *(f"{n:,}" for n in (N, M, D)),
                *(_megabytes(b) for b in (N * D * itemsize, M * D * itemsize, N * M * itemsize, held)),
            ]
            for (N, M, D), held in zip(one["sizes"], one["bytes"], strict=True)
        ]
        lines += report.aligned([[*AXES, "data", "queries", "M x N matrix", "held"], *rows], left=0)
        lines.append(
            f"held = {one['per_data']:.2f} x data + {one['per_query']:.2f} x queries + {one['rows']:,.0f} rows of D numbers + "
            f"{_megabytes(one['budget'])} MB, within {_megabytes(one['residual'])} MB"
        )
    return "\n".join([*lines, "", f"memory: {results['setting']['memory']}", "", *report.machine_lines(results)])


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f}" if abs(count) >= 1e7 else f"{count / 1e6:.1f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(beyond(*json.loads(sys.argv[1])))
