"""Contents: the rows that were read of a data set, as a hash by which they are known again wherever they lie.

The hash is the sum of those of the blocks, each with its place: blocks may be read in any order and by several machines.
How the rows were cut into blocks is remembered with it, so that they can be read alike once more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contents", "block_hash"]

MODULUS = 2**128


@dataclass(frozen=True)
class Contents:
    """What was read of a data set from its first row on.

    Attributes:
        total: the hash.
        runs: (start, stop, rows): where reading began and stopped, and the rows of a block, from the start on.
    """

    total: int = 0
    runs: tuple[tuple[int, int, int], ...] = ()

    @property
    def stop(self) -> int:
        """The number of rows."""
        return self.runs[-1][1] if self.runs else 0

    def extended(self, stop: int, rows: int, total: int) -> Contents:
        """With the rows up to before `stop`, in blocks of `rows`, whose hashes add up to `total`."""
        runs, start = self.runs, self.stop
        if runs and runs[-1][2] == rows and (start - runs[-1][0]) % rows == 0:
            runs, start = runs[:-1], runs[-1][0]
        return Contents((self.total + total) % MODULUS, (*runs, (start, stop, rows)))


def block_hash(first: int, block: NDArray[Any]) -> int:
    """The hash of a block of rows and of the number of its first."""
    content = np.ascontiguousarray(block).reshape(-1).view(np.uint8)
    return int.from_bytes(
        hashlib.blake2b(content.data, digest_size=16, salt=first.to_bytes(8, "little")).digest(), "little"
    )
