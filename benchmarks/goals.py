"""What the engine is held against. Verdicts are computed from the results; a miss is a miss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.peers import ENGINE

__all__ = ["engine_of", "floor_verdict", "peer_verdict", "timed", "verdicts", "wrong"]

Row = Mapping[str, Any]
CONCENTRATED = 10  # effective samples, median over the queries
FASTER = 3.0  # float64, every statistic, against the fastest float64 peer, where weights are concentrated
OF_FLOOR, DENSE_FROM = 0.85, 64  # float32, where weights are not concentrated, from this D on
WRONG = {"float64": 1e-6, "float32": 1e-2}  # in log Z beyond its rounding, and in the mean over sqrt t


def timed(row: Row, dtype: str) -> list[Row]:
    """The contestants of a dtype that were timed."""
    return [r for r in row["results"] if r["dtype"] == dtype and "median" in r]


def wrong(result: Row) -> set[str]:
    """What of an answer is too far from the truth to compete: log_partition, mean, both or neither."""
    judged = {"log_partition": "beyond_rounding", "mean": "mean"}
    found = {name: result["errors"][error] for name, error in judged.items() if error in result["errors"]}
    limit = WRONG[result["dtype"]]
    return {name for name, error in found.items() if error is None or not error <= limit}  # NaN is kept as None


def verdicts(rows: list[Row], dtype: str) -> Iterator[tuple[Row, dict[str, Any] | None, dict[str, Any] | None]]:
    """Each row that has the dtype, with its verdict against the peers and that against the floor."""
    for row in rows:
        if timed(row, dtype):
            yield row, peer_verdict(row, dtype), floor_verdict(row, dtype)


def peer_verdict(row: Row, dtype: str) -> dict[str, Any] | None:
    """The engine against the fastest peer whose answer is right, or None where there is none."""
    engine = engine_of(row, dtype)
    peers = sorted((r for r in timed(row, dtype) if r["name"] != ENGINE), key=lambda r: r["ratio"])
    right = [r for r in peers if not wrong(r)]
    if not right:
        return None
    best = right[0]
    goal = FASTER if dtype == "float64" and row["effective_samples"] < CONCENTRATED else 1.0
    return {
        "peer": best,
        "faster_but_wrong": [r["name"] for r in peers[: peers.index(best)]],
        "ratio": best["ratio"],
        "goal": goal,
        "met": bool(best["ratio"] >= goal and not wrong(engine)),
    }


def floor_verdict(row: Row, dtype: str) -> dict[str, Any] | None:
    """The engine against the floor, or None where no goal is set."""
    if dtype != "float32" or row["D"] < DENSE_FROM or row["effective_samples"] < CONCENTRATED:
        return None
    share = row["floor"][dtype] / engine_of(row, dtype)["median"]
    return {"share": share, "goal": OF_FLOOR, "met": bool(share >= OF_FLOOR)}


def engine_of(row: Row, dtype: str) -> Row:
    """The engine's own result."""
    return next(r for r in timed(row, dtype) if r["name"] == ENGINE)
