"""`python -m benchmarks.gibbs`: the engine and its peers, side by side in one run. benchmarks/README.md explains."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

SIZES = ((20000, 2000, 2), (20000, 2000, 16), (50000, 1000, 64), (60000, 500, 784), (50000, 200, 3072))
TIMES = ("dense", 1.0, 0.1, 0.01, 1e-4)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NPROC")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parsed(arguments)
    limit_threads(options.threads)
    if options.show:
        from benchmarks import report

        report.show(options.show, options.output)
    elif options.scaling:
        from benchmarks import scaling

        scaling.run(options)
    else:
        from benchmarks import run

        run.run(options)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gibbs",
        description="Time the engine against its peers, check every answer, and hold the engine against its goals.",
    )
    add = parser.add_argument
    dtypes = ("float64", "float32")
    add("--sizes", nargs="+", type=_size, default=SIZES, metavar="N,M,D", help="samples, queries, dimensions")
    add(
        "--t",
        nargs="+",
        type=_time,
        default=TIMES,
        help="noise variances, in units of the variance of the data, or 'dense'",
    )
    add("--dtypes", nargs="+", choices=dtypes, default=dtypes)
    add("--peers", nargs="+", metavar="PEER", help="by name, or 'none'; all by default")
    add("--repeats", type=_positive, default=5, help="rounds (5)")
    add("--limit", type=float, default=5.0, help="seconds; a peer that takes longer is left out (5)")
    add(
        "--patience",
        type=float,
        default=0.0,
        help="seconds a block of the table may spend on repeating what was disturbed (0)",
    )
    add("--threads", type=_positive, default=_cores(), help="for everybody; all cores by default")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--scaling", action="store_true", help="instead: how time and memory grow with N, M and D")
    add("--output", type=Path, metavar="DIR", help="write the results as JSON and the figure as SVG")
    add("--json", action="store_true", help="print JSON instead of tables")
    add(
        "--show",
        type=Path,
        metavar="FILE",
        help="measure nothing: the tables of results kept, and with --output the figure",
    )
    return parser.parse_args(arguments)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {text}")
    return int(text)


def _time(text: str) -> float | str:
    if text != "dense" and not float(text) > 0:
        raise argparse.ArgumentTypeError(f"a positive number or 'dense', got {text}")
    return text if text == "dense" else float(text)


def _size(text: str) -> tuple[int, int, int]:
    size = tuple(map(_positive, text.split(",")))
    if len(size) != 3:
        raise argparse.ArgumentTypeError(f"N,M,D, got {text}")
    return size


def limit_threads(threads: int) -> None:
    """The same for everybody, and before anybody reads it: no array library is imported yet."""
    os.environ |= dict.fromkeys(THREADS, str(threads)) | {"JAX_PLATFORMS": "cpu"}
    if hasattr(os, "sched_setaffinity") and threads < _cores():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if any(module in sys.modules for module in ("numpy", "torch", "jax")):
        print("array libraries are imported already; --threads may not reach them", file=sys.stderr)


if __name__ == "__main__":
    main()
