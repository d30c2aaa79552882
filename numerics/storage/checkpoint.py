"""Checkpoints: how far a long sum has come, in one file that is whole or absent."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from numerics.arrays import to_host
from numerics.gibbs import GibbsMoments
from numerics.storage.files import write_atomic

__all__ = ["Checkpoint"]

FORMAT = "geomem checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """The moments over the first samples of a data set, kept as an .npz file without pickles.

    Attributes:
        path: the file.
        key: of the question that is answered; a file with another key is refused.
    """

    path: Path
    key: str

    def save(self, state: GibbsMoments, consumed: int) -> None:
        """Keep the moments over the first `consumed` samples, in place of earlier ones."""
        values = {field.name: getattr(state, field.name) for field in fields(state)}
        scalars = {name: value for name, value in values.items() if value is None or isinstance(value, int | float)}
        arrays: dict[str, Any] = {f"state_{k}": to_host(value) for k, value in values.items() if k not in scalars}
        header = {"format": FORMAT, "key": self.key, "consumed": consumed, "scalars": scalars}
        content = io.BytesIO()
        np.savez(content, header=np.array(json.dumps(header)), **arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, content.getvalue())

    def load(self) -> tuple[GibbsMoments, int] | None:
        """The moments that were kept, on the host, and over how many samples; None where there is no file.

        Raises:
            ValueError: for a file that is torn, is no checkpoint, or answers another question.
        """
        if not self.path.exists():
            return None
        try:
            header, arrays = self._read()
        except Exception as error:  # zipfile, zlib, json and numpy raise what they like on a broken file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{self.path} is no whole checkpoint ({reason}); remove it or name another file") from None
        if header["key"] != self.key:
            raise ValueError(
                f"{self.path} is the checkpoint of another question: other data, queries, times or options; "
                "remove it or name another file"
            )
        found = header["scalars"] | arrays
        if {field.name for field in fields(GibbsMoments)} != found.keys():
            raise ValueError(f"{self.path} was written by another version of geomem; remove it or name another file")
        return GibbsMoments(**found), header["consumed"]

    def _read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as archive:  # which it would leave open
            header = json.loads(str(archive["header"]))
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, not {FORMAT!r}")
            header = {"key": header["key"], "consumed": int(header["consumed"]), "scalars": dict(header["scalars"])}
            arrays = {n.removeprefix("state_"): archive[n] for n in archive.files if n != "header"}
        return header, arrays
