"""Store: what jobs found, on disk, each whole or absent: a file whose check sum is wrong is as good as none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.measurement import Measurement
from numerics.storage.files import check_sum, write_atomic
from validation.job import Results

__all__ = ["Found", "Store"]

Found = Results | NDArray[np.float64]
"""What an experiment, or an evaluation, found."""
ARRAYS = "mean", "sem", "skewness"


@dataclass(frozen=True)
class Store:
    """Results kept as one file each, so that an interrupted run goes on where it stopped.

    Attributes:
        directory: where to; made when the first result is kept.
    """

    directory: Path

    def get(self, name: str, key: str) -> Found | None:
        """What was kept under the name, or None where there is nothing, or not with this key, or not whole."""
        try:
            kept = json.loads(self._path(name).read_bytes())
            whole = kept.pop("check_sum") == _check_sum(kept)
            return _read(kept) if whole and kept["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, name: str, key: str, found: Found) -> None:
        """Keep a result under the name, in place of an earlier one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        kept = {"key": key} | _written(found)
        write_atomic(self._path(name), json.dumps(kept | {"check_sum": _check_sum(kept)}).encode())

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"


def _check_sum(kept: dict[str, Any]) -> str:
    """Of the numbers to the last bit, for which JSON has one spelling each."""
    return check_sum(json.dumps(kept).encode())


def _written(found: Found) -> dict[str, Any]:
    if isinstance(found, np.ndarray):
        return {"value": found.tolist()}
    return {
        "measurements": {
            observable: {part: np.asarray(getattr(m, part)).tolist() for part in ARRAYS} | {"n": m.n}
            for observable, m in found.items()
        }
    }


def _read(kept: dict[str, Any]) -> Found:
    if "value" in kept:
        return np.array(kept["value"], dtype=float)
    return {
        observable: Measurement(n=m["n"], **{part: np.array(m[part], dtype=float) for part in ARRAYS})
        for observable, m in kept["measurements"].items()
    }
