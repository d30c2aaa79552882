"""What a sample costs from each format: the same data in memory, .npy, Parquet and Zarr, side by side.

The files have just been written and are read again and again, so that a system with memory for them reads no disk: what is
measured is the format. Every format must give the same answer.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray

from benchmarks.clock import machine, rounds
from benchmarks.report import aligned, machine_lines
from numerics.partitions import gibbs_moments_of
from numerics.threads import workers

__all__ = ["main"]

BLOCK = 250_000  # samples written at once: a row group, and four chunks
QUERIES, TIMES = 16, (0.1, 1.0, 10.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, time and print what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("--samples", type=int, default=10**7, metavar="N", help="default 10^7, 2.6 GB a file")
    parser.add_argument("--dimension", type=int, default=64, metavar="D")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the best counts")
    parser.add_argument("--folder", type=Path, help="where to write; by default a temporary folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print("\n".join(_compared(Path(folder), options.samples, options.dimension, options.repeats)))


def _compared(folder: Path, samples: int, dimension: int, repeats: int) -> Iterator[str]:
    """The lines of the table."""
    sources = _written(folder, samples, dimension)
    queries = next(_blocks(QUERIES, dimension, seed=1))
    t = [[time] for time in TIMES]
    runs = {name: partial(gibbs_moments_of, path, queries, t) for name, path in sources.items()}
    answers = {name: run() for name, run in runs.items()}
    for name, found in answers.items():
        np.testing.assert_allclose(found.mean, answers[".npy"].mean, rtol=1e-5, atol=1e-5, err_msg=name)
    times, busy = rounds(runs, repeats)
    yield f"{samples:,} x {dimension} float32, {QUERIES} queries, {len(TIMES)} times"
    rows = [["", "us a sample", "size"]]
    for name, path in sources.items():
        rows.append([name, f"{1e6 * min(times[name]) / samples:.3f}", f"{_bytes(path) / 1e9:.2f} GB"])
    yield from aligned(rows, left=1)
    yield f"other processes had {100 * (busy or 0):.0f} % of the processors"
    yield from machine_lines({"machine": machine(workers(), "cpu"), "setting": {"device": "cpu"}})


def _blocks(samples: int, dimension: int, seed: int = 0) -> Iterator[NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    for start in range(0, samples, BLOCK):
        yield rng.standard_normal((min(BLOCK, samples - start), dimension), dtype=np.float32)


def _written(folder: Path, samples: int, dimension: int) -> dict[str, Path | NDArray[np.float32]]:
    """The same samples in every format."""
    shape = samples, dimension
    memory = np.empty(shape, dtype=np.float32)
    plain = np.lib.format.open_memmap(folder / "samples.npy", mode="w+", dtype="float32", shape=shape)
    chunks = min(samples, BLOCK // 4), dimension
    chunked = zarr.open_array(str(folder / "samples.zarr"), mode="w", shape=shape, chunks=chunks, dtype="float32")
    names = [f"x{k}" for k in range(dimension)]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(folder / "samples.parquet", schema, use_dictionary=False) as table:
        start = 0
        for block in _blocks(samples, dimension):
            part = slice(start, start + len(block))
            memory[part] = plain[part] = chunked[part] = block
            table.write_table(pa.table(list(block.T.copy()), names=names))
            start = part.stop
    plain.flush()
    files = {".npy": "samples.npy", "Parquet": "samples.parquet", "Zarr": "samples.zarr"}
    return {"in memory": memory} | {name: folder / file for name, file in files.items()}


def _bytes(source: Path | NDArray[np.float32]) -> int:
    if isinstance(source, np.ndarray):
        return source.nbytes
    return sum(path.stat().st_size for path in (source, *source.rglob("*")) if path.is_file())


if __name__ == "__main__":
    main()
