"""The figure: time in units of the floor against t, by size, and which answers are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from benchmarks.goals import timed, wrong
from benchmarks.peers import CONTESTANTS
from validation.report import figures as house

__all__ = ["figure"]

Row = Mapping[str, Any]
LIBRARY = {c.name: c.library for c in CONTESTANTS}
MARKERS = (*house.MARKERS[:5], "p")  # those that can be hollow
LIBRARIES = tuple(dict.fromkeys(LIBRARY.values()))  # the engine's own first: it is black


def figure(results: Mapping[str, Any]) -> Figure:
    """A column for each size, a row for each dtype; of each library the fastest form that is right, hollow if none is."""
    rows = results["rows"]
    sizes = list(dict.fromkeys((r["N"], r["M"], r["D"]) for r in rows))
    dtypes = [d for d in ("float64", "float32") if any(timed(r, d) for r in rows)]
    canvas = Figure(figsize=(1.75 * len(sizes) + 0.5, 2.0 * len(dtypes) + 0.5), layout="constrained")
    axes = canvas.subplots(len(dtypes), len(sizes), sharey=True, sharex=True, squeeze=False)
    shown: dict[str, bool] = {}  # libraries, and whether all they answered was right
    for across, dtype in zip(axes, dtypes, strict=True):
        for axis, size in zip(across, sizes, strict=True):
            for library, right in _panel(axis, [r for r in rows if (r["N"], r["M"], r["D"]) == size], dtype).items():
                shown[library] = right and shown.get(library, True)
        across[0].set_ylabel(f"time / floor, {dtype}")
    for axis, (N, M, D) in zip(axes[0], sizes, strict=True):
        axis.set_title(f"$D$ = {D:,}\n$N$ = {N:,}, $M$ = {M:,}")
    canvas.supxlabel("noise variance $t$, in units of the variance of the data", fontsize=9)
    handles = [_sample(library) for library in LIBRARIES if library in shown]
    if not all(shown.values()):
        handles.append(Line2D([], [], color="0.4", marker="o", mfc="white", linestyle="", label="hollow: wrong"))
    canvas.legend(handles=handles, loc="outside upper center", ncols=len(handles), handlelength=2.4, columnspacing=1.4)
    return canvas


def _panel(axis: Any, rows: list[Row], dtype: str) -> dict[str, bool]:
    """Draw a panel; which libraries are in it, and whether all they answered was right."""
    axis.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    axis.set(xscale="log", yscale="log")
    axis.minorticks_off()
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    shown = {}
    for library in LIBRARIES:
        found = [(row, best) for row in rows if (best := _best(row, dtype, library))]
        if not found:
            continue
        look = _look(library)
        t, time = [row["t"] for row, _ in found], [best["median"] / row["floor"][dtype] for row, best in found]
        right = [not wrong(best) for _, best in found]
        axis.plot(t, time, **look)
        axis.plot(
            t, time, **look | {"linestyle": "", "mfc": "white"}, markevery=[k for k, r in enumerate(right) if not r]
        )
        shown[library] = all(right)
    return shown


def _look(library: str) -> dict[str, Any]:
    k = LIBRARIES.index(library)
    own = k == 0
    look = {"color": house.COLOURS[k], "marker": MARKERS[k], "linewidth": 1.8 if own else 1.0}
    return look | {"markersize": 5 if own else 4.5, "zorder": 3 if own else 2}


def _sample(library: str) -> Line2D:
    return Line2D([], [], **_look(library), label=library)


def _best(row: Row, dtype: str, library: str) -> Row | None:
    forms = [r for r in timed(row, dtype) if LIBRARY[r["name"]] == library]
    return min(forms, key=lambda r: (bool(wrong(r)), r["median"]), default=None)
