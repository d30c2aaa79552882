"""Store: measurements on disk, each whole or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numerics.measurement import Measurement
from numerics.storage.files import write_atomic

__all__ = ["Store"]


@dataclass(frozen=True)
class Store:
    """Measurements kept as one file each, so that an interrupted run goes on where it stopped.

    Attributes:
        directory: where to; made when the first measurement is kept.
    """

    directory: Path

    def get(self, name: str, key: str) -> dict[str, Measurement] | None:
        """What was kept under the name, or None where there is nothing, or not with this key, or not whole."""
        try:
            kept = json.loads(self._path(name).read_bytes())
            if kept["key"] != key:
                return None
            return {
                observable: Measurement(np.array(m["mean"], dtype=float), np.array(m["sem"], dtype=float), m["n"])
                for observable, m in kept["measurements"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, name: str, key: str, measurements: Mapping[str, Measurement]) -> None:
        """Keep measurements under the name, in place of earlier ones."""
        self.directory.mkdir(parents=True, exist_ok=True)
        content = {
            "key": key,
            "measurements": {
                observable: {"mean": np.asarray(m.mean).tolist(), "sem": np.asarray(m.sem).tolist(), "n": m.n}
                for observable, m in measurements.items()
            },
        }
        write_atomic(self._path(name), json.dumps(content).encode())

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"
