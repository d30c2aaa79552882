"""What a run prints and keeps."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.goals import CONCENTRATED, DENSE_FROM, FASTER, OF_FLOOR, WRONG, engine_of, timed, verdicts, wrong
from benchmarks.peers import CONTESTANTS
from validation.report.tables import strict_json

__all__ = [
    "aligned",
    "block",
    "closing",
    "disturbances",
    "draw",
    "keep",
    "machine_lines",
    "milliseconds",
    "show",
    "text",
    "write",
]

Row = Mapping[str, Any]
DTYPES = ("float64", "float32")
BUSY = 0.02
COLUMNS = ("ms", "of floor", "ratio", "log Z err", "mean err")


def block(row: Row) -> str:
    """One size and t: everybody's time, share of the floor, time in units of the engine's, and errors."""
    dtypes = [dtype for dtype in DTYPES if timed(row, dtype)]
    floors = ", ".join(f"{dtype} {milliseconds(row['floor'][dtype])} ms" for dtype in dtypes)
    lines = [
        f"\nN = {row['N']:,}  M = {row['M']:,}  D = {row['D']:,}  t = {row['t']:.3g}  "
        f"effective samples {_short(row['effective_samples'])} (median)",
        f"floor, two products and the exponentials: {floors}; "
        f"one float32 product, of the screened path: {milliseconds(row['screened_floor'])} ms",
    ]
    header = ["", "computes", *(column.replace("ms", f"{dtype} ms") for dtype in dtypes for column in COLUMNS)]
    names = [c.name for c in CONTESTANTS if any(r["name"] == c.name for d in dtypes for r in timed(row, d))]
    cells = []
    for name in names:
        found = {d: r for d in dtypes for r in timed(row, d) if r["name"] == name}
        computes = next(iter(found.values()))["computes"]
        cells.append([name, computes, *(cell for d in dtypes for cell in _cells(found.get(d), row))])
    lines += aligned([header, *cells], left=2)
    lines += disturbances(row["others"])
    lines += [line for dtype in dtypes for line in _engine_lines(row, dtype)]
    lines += _skipped_lines(row)
    return "\n".join(lines)


def _cells(result: Row | None, row: Row) -> list[str]:
    if result is None:
        return ["-"] * len(COLUMNS)
    found = result["errors"]
    share = row["floor"][result["dtype"]] / result["median"]
    mark = dict.fromkeys(wrong(result), " !")
    return [
        milliseconds(result["median"]),
        f"{share:.0%}",
        f"{result['ratio']:.2f}",
        *(_power(found[name]) + mark.get(name, "") if name in found else "-" for name in ("log_partition", "mean")),
    ]


def _engine_lines(row: Row, dtype: str) -> list[str]:
    engine = engine_of(row, dtype)
    others = {k: v for k, v in engine["errors"].items() if k not in ("log_partition", "beyond_rounding", "mean")}
    certified = f"; certified error {_power(engine['certified'])}" if "certified" in engine else ""
    return [f"engine, {dtype}: " + ", ".join(f"{k} err {_power(v)}" for k, v in others.items()) + certified]


def disturbances(shares: Mapping[str, float | None]) -> list[str]:
    """What other processes had of the processors while a dtype was timed, where it matters."""
    return [
        f"disturbed: other processes had {share:.0%} of the processors, {dtype}"
        for dtype, share in shares.items()
        if share is not None and share > BUSY
    ]


def _skipped_lines(row: Row) -> list[str]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for r in row["results"]:
        if "skipped" in r:
            reasons.setdefault((r["name"], r["skipped"]), []).append(r["dtype"])
    return [f"left out: {name}, {' and '.join(dtypes)}: {reason}" for (name, reason), dtypes in reasons.items()]


def closing(results: Mapping[str, Any]) -> str:
    """The engine against the fastest peers and the floor, and the machine."""
    rows = results["rows"]
    met: list[bool] = []
    lines: list[str] = []
    for dtype in DTYPES:
        judged = list(verdicts(rows, dtype))
        if not judged:
            continue
        lines += ["", f"{dtype}: the engine, all statistics, against the fastest peer that is right, and the floor"]
        table = [_verdict_cells(*one, dtype) for one in judged]
        header = ["N", "M", "D", "t", "effective", "engine ms", "peer ms", "ratio", "goal", "", "of floor", "goal", ""]
        lines += aligned([[*header, "fastest peer", ""], *table], left=0, last=2)
        met += [v["met"] for _, *both in judged for v in both if v]
    lines += ["", f"{sum(met)} of {len(met)} goals met", "", *_goal_lines(), "", *machine_lines(results)]
    return "\n".join(lines)


def _verdict_cells(row: Row, peer: Row | None, floor: Row | None, dtype: str) -> list[str]:
    engine = engine_of(row, dtype)
    share = row["floor"][dtype] / engine["median"]
    cells = [f"{row['N']:,}", f"{row['M']:,}", f"{row['D']:,}", f"{row['t']:.3g}", _short(row["effective_samples"])]
    cells.append(milliseconds(engine["median"]))
    if peer is None:
        cells += ["-", "-", "-", ""]
    else:
        time = milliseconds(peer["peer"]["median"])
        cells += [time, f"{peer['ratio']:.2f}", f"{peer['goal']:.1f}", _met(peer["met"])]
    cells += [f"{share:.0%}", *((f"{floor['goal']:.0%}", _met(floor["met"])) if floor else ("-", ""))]
    if peer is None:
        return [*cells, "none", ""]
    faster = f"faster but wrong: {', '.join(peer['faster_but_wrong'])}" if peer["faster_but_wrong"] else ""
    return [*cells, f"{peer['peer']['name']} ({peer['peer']['computes']})", faster]


def _met(met: bool) -> str:
    return "met" if met else "MISS"


def _goal_lines() -> list[str]:
    return [
        "Times are medians over the rounds; a ratio is the median over the rounds of time / time of the engine.",
        "effective: 1 / participation ratio, median over the queries.",
        f"Goals, float64: no peer is faster, and where effective < {CONCENTRATED} the fastest takes {FASTER:g} times as long.",
        f"Goals, float32: no peer is faster, and where effective >= {CONCENTRATED} and D >= {DENSE_FROM} the floor is at least "
        f"{OF_FLOOR:.0%} of the time.",
        f"Wrong (!): log Z, or the mean in units of sqrt t, is off by more than {WRONG['float64']:g} in float64 or "
        f"{WRONG['float32']:g} in float32;",
        "the rounding of log Z itself is forgiven.",
    ]


def machine_lines(results: Mapping[str, Any]) -> list[str]:
    """The machine and the versions."""
    m, setting = results["machine"], results["setting"]
    git = m["git"]
    commit = f"; commit {git['commit'][:10]}{'' if git['clean'] else ' and changes'}" if git else ""
    rates = results.get("rates", {})
    gpu = f"{m['gpu']}; " if m["gpu"] else ""
    return [
        f"{gpu}{m['cpu']}, {m['cores']} cores, {m['threads']} threads; {m['platform']}; device {setting['device']}{commit}",
        ", ".join(f"{name} {version}" for name, version in m["versions"].items()),
        f"BLAS: {'; '.join(m['blas'])}",
        *(
            f"best rates, {d}: {r['flops'] / 1e9:.0f} GFLOP/s, {r['exponentials'] / 1e9:.1f} G exp/s"
            for d, r in rates.items()
        ),
    ]


def aligned(rows: Sequence[Sequence[str]], left: int, last: int = 0) -> list[str]:
    """Columns: the first `left` and the `last` ones flush left, numbers flush right."""
    columns = len(rows[0])
    widths = [max(len(row[k]) for row in rows) for k in range(columns)]
    flush = [k < left or k >= columns - last for k in range(columns)]
    return [
        "  ".join(
            cell.ljust(w) if to_left else cell.rjust(w) for cell, w, to_left in zip(row, widths, flush, strict=True)
        ).rstrip()
        for row in rows
    ]


def milliseconds(seconds: float) -> str:
    """Three digits."""
    value = 1e3 * seconds
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _power(error: float | None) -> str:
    return "nan" if error is None or math.isnan(error) else f"{error:.0e}" if error else "0"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(file: Path, output: Path | None) -> None:
    """Tables, and figure, of results kept."""
    results = json.loads(file.read_text())
    for row in results["rows"]:
        print(block(row))
    print(closing(results))
    if output:
        draw(results, output, file.stem)


def write(results: Mapping[str, Any], folder: Path, stem: str) -> None:
    """Keep results as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.json").write_text(text(results) + "\n")


def draw(results: Mapping[str, Any], folder: Path, stem: str) -> None:
    """Keep the figure as SVG."""
    from benchmarks.figure import figure
    from validation.report.figures import style

    folder.mkdir(parents=True, exist_ok=True)
    with style():
        figure(results).savefig(folder / f"{stem}.svg", metadata={"Date": None})


def text(results: Mapping[str, Any]) -> str:
    """JSON with four digits; lists of numbers, flat dictionaries and contestants take one line each."""

    def joined(found: re.Match[str]) -> str:
        return " ".join(found[0].split())

    lines = re.sub(r"[\[{][^\[\]{}]*[\]}]", joined, strict_json(keep(results)))
    return re.sub(r'\{\s+"name":([^{}]|\{[^{}]*\})*\}', joined, lines)


def keep(value: Any) -> Any:
    """Four digits are more than a time is good for."""
    if isinstance(value, Mapping):
        return {k: keep(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [keep(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
