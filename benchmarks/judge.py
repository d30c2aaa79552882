"""The judge beside sympy's own ways to tell whether a line holds: simplify, and Expr.equals.

Run: python -m benchmarks.judge [--lists NAME ...] [--alone]. Of each kind of line of these lists: how many true ones are proved
and how many false ones refuted; and how many verdicts are wrong. Alone, by the judge only.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import sympy as sp

from tests.theory.identities import LISTS
from tests.theory.identities.shown import Line
from theory.judgement.judge import judge
from theory.judgement.patience import patiently

SECONDS = 3.0  # for sympy's ways, which know no limit


def by_judge(line: Line) -> str:
    return judge(line.lhs, line.rhs, line.relation, at=line.at, assume=line.assume).verdict


def by_simplify(line: Line) -> str:
    if line.relation != "=":
        return "inconclusive"
    return "proved" if patiently(SECONDS, lambda: sp.simplify(line.lhs - line.rhs)) == 0 else "inconclusive"


def by_equals(line: Line) -> str:
    if line.relation != "=":
        return "inconclusive"
    found = patiently(SECONDS, lambda: line.lhs.equals(line.rhs))
    return "inconclusive" if found is None else "proved" if found else "refuted"


def table(lines: Sequence[Line], ways: dict[str, Callable[[Line], str]]) -> str:
    counts: dict[str, Counter[tuple[str, bool, str]]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for line in lines:
        for name, way in ways.items():
            start = time.process_time()
            counts[line.kind][name, line.truth, way(line)] += 1
            seconds[name] += time.process_time() - start
    counts["all"] = sum(counts.values(), Counter())
    head = " | ".join(f"{name}: true proved | false refuted | wrong" for name in ways)
    rows = [f"| kind | true | false | {head} |", "|---|" + "---|" * (2 + 3 * len(ways))]
    rows += [row(kind, found, list(ways)) for kind, found in counts.items()]
    rows.append("")
    rows += [f"{name}: {seconds[name] / len(lines):.2f} s of the processor a line" for name in ways]
    return "\n".join(rows)


def row(kind: str, found: Counter[tuple[str, bool, str]], names: list[str]) -> str:
    first = names[0]
    true, false = (
        sum(n for (name, truth, _), n in found.items() if name == first and truth is t) for t in (True, False)
    )
    cells = [kind, true, false]
    for name in names:
        wrong = found[name, True, "refuted"] + found[name, False, "proved"]
        cells += [found[name, True, "proved"], found[name, False, "refuted"], wrong]
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS))
    parser.add_argument("--alone", action="store_true", help="without simplify and equals")
    asked = parser.parse_args()
    every = {"judge": by_judge, "simplify": by_simplify, "equals": by_equals}
    chosen = {"judge": by_judge} if asked.alone else every
    print(table([line for name in asked.lists for line in LISTS[name]], chosen))
