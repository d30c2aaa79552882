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
from numerics.storage.contents import Contents
from numerics.storage.files import check_sum, write_atomic

__all__ = ["Checkpoint"]

FORMAT = "geomem checkpoint 2"


@dataclass(frozen=True)
class Checkpoint:
    """The moments over the first samples of a data set, kept as an .npz file without pickles.

    Attributes:
        path: the file.
        key: of the question that is answered; a file with another key is refused.
    """

    path: Path
    key: str

    def save(self, state: GibbsMoments, contents: Contents) -> None:
        """Keep the moments over the first samples, which had these contents, in place of earlier ones."""
        values = {field.name: getattr(state, field.name) for field in fields(state)}
        scalars = {name: value for name, value in values.items() if value is None or isinstance(value, int | float)}
        arrays: dict[str, Any] = {f"state_{k}": to_host(value) for k, value in values.items() if k not in scalars}
        read = {"total": f"{contents.total:x}", "runs": contents.runs}
        header = {"format": FORMAT, "key": self.key, "consumed": contents.stop, "read": read, "scalars": scalars}
        header["check_sum"] = _check_sum(header, arrays)
        content = io.BytesIO()
        np.savez(content, header=np.array(json.dumps(header)), **arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, content.getvalue())

    def load(self) -> tuple[GibbsMoments, Contents] | None:
        """The moments that were kept, on the host, and the contents of the samples; None where there is no file.

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
        found = header["scalars"] | {name.removeprefix("state_"): array for name, array in arrays.items()}
        if {field.name for field in fields(GibbsMoments)} != found.keys():
            raise ValueError(f"{self.path} was written by another version of geomem; remove it or name another file")
        read = header["read"]
        return GibbsMoments(**found), Contents(int(read["total"], 16), tuple(map(tuple, read["runs"])))

    def _read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as archive:  # which it would leave open
            header = json.loads(str(archive["header"]))
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, not {FORMAT!r}")
            arrays = {name: archive[name] for name in archive.files if name != "header"}
        if header.pop("check_sum") != _check_sum(header, arrays):
            raise ValueError("its check sum is wrong")
        return header, arrays


def _check_sum(header: dict[str, Any], arrays: dict[str, Any]) -> str:
    parts = [json.dumps(header).encode()]
    for name in sorted(arrays):
        array = arrays[name]
        parts += [f"{name} {array.dtype.str} {array.shape}".encode(), array.tobytes()]
    return check_sum(*parts)
