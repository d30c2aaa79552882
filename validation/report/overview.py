r"""Overview: the tables of README and docs, written from the declarations and from a run of `geomem validate --json`.

    python -m validation.report.overview claims.json

rewrites, in a checkout, what stands between `<!-- predictions -->`, `<!-- failures -->`, `<!-- lines -->`,
`<!-- detectable -->` or `<!-- claims -->`, and `<!-- end -->`. Of a run of some predictions, what is said of the others stays.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theory.observable import observables
from validation.claim import by_claim
from validation.claims import PREDICTIONS, SURVEYS
from validation.report.tables import seen
from validation.report.words import bracketed, short
from validation.suite import claims_of, prediction

__all__ = ["claims", "detectable", "failures", "index", "lines", "merged", "predictions", "rewritten"]

Row = Mapping[str, Any]
ROOT = Path(__file__).parents[2]
BAR = r"\|"  # within a cell
EXACT, APPROXIMATE = ("exact",), ("limit", "leading", "model", "published")


def index(folder: str = "predictions") -> str:
    """Every prediction with its statement, and what it knows exactly and approximately."""
    lines = ["| Page | Statement | Exact | Approximate |", "|---|---|---|---|"]
    for name in PREDICTIONS:
        module = prediction(name)
        known = [_kinds(module, kinds) for kinds in (EXACT, APPROXIMATE)]
        lines.append(f"| [`{name}`]({folder}/{name}.md) | {_sentence(module.STATEMENT)} | {known[0]} | {known[1]} |")
    return "\n".join(lines)


def _kinds(module: Any, kinds: Sequence[str]) -> str:
    return ", ".join(
        f"`{o.name}`" for o in observables(module).values() if o.kind in kinds and not o.name.startswith("log_")
    )


def _sentence(statement: str) -> str:
    return statement[0].upper() + statement[1:]


def predictions(rows: Sequence[Row]) -> str:
    """Every prediction that has rows with its statement and how well it holds: all its points, and one of a headline."""
    lines = [
        r"| Prediction | Statement | One point: predicted, measured | Points, largest $\lvert z\rvert$ "
        r"| Negative control, its largest $\lvert z\rvert$ |",
        "|---|---|---|---|---|",
    ]
    for name in PREDICTIONS:
        if not (of_it := _of(name, rows)):
            continue
        agreeing = [row for row in of_it if row["expected"] == "agrees"]
        claim = next(c for c in claims_of([name], "headline") if c.expected == "agrees")
        points = [row for row in agreeing if row["claim"] == claim.name]
        farthest = max(abs(row["z"]) for row in agreeing)
        cells = (
            f"[`{name}`](docs/predictions/{name}.md)",
            _sentence(prediction(name).STATEMENT),
            _point(max(points, key=lambda row: abs(row["control"]["z"]))),
            f"{len(of_it)}, {farthest:.2f}",
            _control(points),
        )
        lines.append(_line(cells))
    return "\n".join(lines)


def lines() -> str:
    """The lines of all derivations, by verdict, and the proofs by what they trust."""
    steps = [step for name in PREDICTIONS for step in prediction(name).derivation().steps]
    verdicts = Counter(step.verdict for step in steps)
    trusts = Counter(trust for step in steps if step.verdict == "proved" for trust in step.trusts)
    rows = [f"| {verdict} | {number} |" for verdict, number in verdicts.most_common()]
    rows += [f"| proved, trusting {trust} | {number} |" for trust, number in sorted(trusts.items(), key=_often_first)]
    return "\n".join(["| Lines of the catalogue | Number |", "|---|---|", *rows])


def _often_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def failures(rows: Sequence[Row]) -> str:
    """The claims of the headline that expect a disagreement."""
    wanted = {c.name for name in PREDICTIONS for c in claims_of([name], "headline") if c.expected == "disagrees"}
    lines = ["| What fails | Predicted | Measured | $z$ |", "|---|---|---|---|"]
    for name, group in by_claim(row for row in rows if row["claim"] in wanted).items():
        worst = _worst(group)
        what = f"`{name}` {_coordinates(worst)}".rstrip() + f": {worst['statement'].rpartition(': ')[2]}"
        measured = bracketed(worst["measured"], worst["sem"])
        lines.append(_line((what, f"{worst['predicted']:.4g}", measured, short(worst["z"]))))
    return "\n".join(lines)


def claims(name: str, rows: Sequence[Row]) -> str:
    """Every claim of a prediction, with its point of the largest error and its control."""
    lines = [
        r"| Claim | One point: predicted, measured | Points, largest $\lvert z\rvert$ | Control, its largest $\lvert z\rvert$ |",
        "|---|---|---|---|",
    ]
    for claim, group in by_claim(_of(name, rows)).items():
        worst = _worst(group)
        expected = "; expected to disagree" if worst["expected"] == "disagrees" else ""
        cells = (
            f"`{claim}`: {worst['statement']}{expected}",
            _values(worst),
            f"{len(group)}, {short(abs(worst['z']))}",
            _control(group),
        )
        lines.append(_line(cells))
    return "\n".join(lines)


def detectable(rows: Sequence[Row]) -> str:
    """Every agreeing claim with the smallest relative error that it sees, and why that is more than 5 %."""
    lines = ["| Claim | Observable | Sees errors of | Why no smaller ones |", "|---|---|---|---|"]
    for name, group in by_claim(row for row in rows if row["expected"] == "agrees").items():
        first = group[0]
        lines.append(_line((f"`{name}`", f"`{first['observable']}`", seen(first) or "none", first["coarse"])))
    return "\n".join(lines)


def _of(name: str, rows: Sequence[Row]) -> list[Row]:
    """The rows of a prediction."""
    return [row for row in rows if row["claim"].startswith(f"{name}.")]


def _worst(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: abs(row["z"]))


def _control(rows: Sequence[Row]) -> str:
    """What is wrong about the control of a claim, and its largest |z|."""
    return f"{rows[0]['control']['description']}, {short(max(abs(row['control']['z']) for row in rows))}"


def _point(row: Row) -> str:
    return f"`{row['claim']}` {_values(row)}"


def _values(row: Row) -> str:
    where = _coordinates(row)
    return f"{where}: {row['predicted']:.4g}, {bracketed(row['measured'], row['sem'])}".removeprefix(": ")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('||', '‖').replace('|', BAR) for cell in cells)} |"


def _coordinates(row: Row) -> str:
    letters = {"time": "t", "training": r"\tau", "subspace": "k"}
    return ", ".join(
        value if isinstance(value, str) else f"${letters.get(name, name)} = {value:.3g}$"
        for name, value in row["coordinates"].items()
    )


def merged(page: str, mark: str, new: str, order: Sequence[str]) -> str:
    """A table with its rows in order, by the first name in each: those of a new one, else those that a page has.

    Raises:
        ValueError: where the page has no such table.
    """
    block = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", page, flags=re.DOTALL)
    if block is None:
        raise ValueError(f"expected <!-- {mark} --> and <!-- end --> round a table, found none")
    rows = {_first_name(row): row for table in (block[1], new) for row in table.splitlines()[2:]}
    return "\n".join([*new.splitlines()[:2], *(rows[name] for name in order if name in rows)])


def _first_name(row: str) -> str:
    return row.split("`")[1]


def rewritten(text: str, tables: Mapping[str, str]) -> str:
    """A page with what stands between its marks replaced.

    Raises:
        ValueError: where a mark is missing.
    """
    for mark, table in tables.items():
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
        if not re.search(pattern, text, flags=re.DOTALL):
            raise ValueError(f"expected <!-- {mark} --> and <!-- end --> round a table, found none")
        text = re.sub(pattern, lambda m, table=table: m[1] + table + "\n" + m[2], text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def main(file: str) -> None:
    """Rewrite the tables from the claims of a standard run."""
    rows = json.loads(Path(file).read_text(encoding="utf-8"))["claims"]
    rows = [row | {"z": row["z"] if row["z"] is not None else np.nan} for row in rows]
    standard = claims_of([*PREDICTIONS, *SURVEYS], "standard")
    failing = [claim.name for claim in claims_of(PREDICTIONS, "headline") if claim.expected == "disagrees"]
    readme, statistics = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/statistics.md"))
    pages = {
        ROOT / "README.md": {
            "predictions": merged(readme, "predictions", predictions(rows), PREDICTIONS),
            "failures": merged(readme, "failures", failures(rows), failing),
            "lines": lines(),
        },
        ROOT / "docs/index.md": {"predictions": index()},
        ROOT / "docs/statistics.md": {
            "detectable": merged(
                statistics, "detectable", detectable(rows), [c.name for c in standard if c.expected == "agrees"]
            )
        },
    }
    folders = dict.fromkeys(PREDICTIONS, "docs/predictions") | dict.fromkeys(SURVEYS, "docs")
    for name, folder in folders.items():
        page = ROOT / folder / f"{name}.md"
        if _of(name, rows) and "<!-- claims -->" in page.read_text(encoding="utf-8"):
            pages[page] = {"claims": claims(name, rows)}
    for page, tables in pages.items():
        page.write_text(rewritten(page.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
