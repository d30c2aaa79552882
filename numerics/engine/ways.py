"""Which way a block of queries goes, and what has been laid out of the samples for it so far."""

from __future__ import annotations

import threading
from typing import Any

from numerics.arrays import Array, is_torch, namespace
from numerics.engine.dense import dense, fused, product_will_do
from numerics.engine.door import compiled, kernels
from numerics.engine.layout import Measured, laid_out
from numerics.engine.question import Question
from numerics.engine.screening import screened
from numerics.moments import GibbsMoments

__all__ = ["Samples"]

NEIGHBOURS_UP_TO = 8  # dimensions; in more of them the balls of neighbours are as wide as the data
FUSED_AT_ONCE = 64  # bytes to a sample; the GPU kernel of differences is then faster than screening
FUSED_UP_TO = 20  # dimensions; it is then faster than matrix products


class Samples:
    """Samples, what has been laid out of them so far, and the way each block of queries goes."""

    def __init__(self, measured: Measured, size: float) -> None:
        self.measured, self.data, self.size = measured, measured.data, size
        self.made: dict[str, Any] = {}
        self.lock = threading.Lock()

    def moments(self, x: Array, t: Array, question: Question) -> GibbsMoments:
        """The moments at queries x, shape (m, D), and times t, shape (T, m)."""
        xp = namespace(x)
        if compiled(x) is not None and x.shape[1] <= NEIGHBOURS_UP_TO:
            from numerics.engine import tiling

            ordered = tiling.worth_order(t, question, self.data.shape[0], max(self.measured.norms))
            return tiling.tiled(x, self.once("tiles" if ordered else "slices"), t, question)
        if self.fuses(x, question) and x.shape[1] * x.itemsize <= FUSED_AT_ONCE:
            return fused(x, self.data, t, question)
        screen = self.once("float32") if compiled(x) is not None or is_torch(x) else None
        found = {} if screen is None else screened(x, self.data, screen, t, question)
        rest = [i for i in range(t.shape[0]) if i not in found]
        if rest:
            times = xp.stack([t[i, :] for i in rest])
            found |= dict(zip(rest, self.densely(x, times, question).apart(), strict=True))
        return GibbsMoments.joined([found[i] for i in range(t.shape[0])], axis=0)

    def densely(self, x: Array, t: Array, question: Question) -> GibbsMoments:
        """Where too many samples matter to pick them out."""
        rows = self.once("float32" if x.dtype == namespace(x).float32 else "float64")
        enough = product_will_do(x, rows, t, question)
        if compiled(x) is not None:
            from numerics.engine import products, tiling

            if enough:
                return products.moments(x, rows, t, question)
            return tiling.tiled(x, self.once("slices"), t, question)
        if self.fuses(x, question) and (x.shape[1] <= FUSED_UP_TO or not enough):
            return fused(x, self.data, t, question)
        return dense(x, self.data, rows, t, question)

    def fuses(self, x: Array, question: Question) -> bool:
        """Whether GPU kernels can do all that is asked."""
        found = kernels(x) if question.covariance is None else None
        return found is not None and found.supported(x, self.data)

    def once(self, what: str) -> Any:
        """The tiles, of neighbours or slices of the data, or the rows of a dtype, laid out when they are first asked for."""
        with self.lock:
            if what not in self.made:
                self.made[what] = self._lay_out(what)
            return self.made[what]

    def _lay_out(self, what: str) -> Any:
        if what in ("tiles", "slices"):
            from numerics.engine import tiling

            return tiling.tiles_of(self.data, ordered=what == "tiles")
        return laid_out(self.measured, self.size, getattr(namespace(self.data), what))
