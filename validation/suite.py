"""Suite: the claims of some predictions, held and written down."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from theory.derivation import Derivation
from theory.source import constants
from validation.claim import Claim, Done, holds
from validation.claims import CLAIMED, PREDICTIONS, SURVEYS
from validation.job import Evaluation, Experiment, Job, Run
from validation.store import Found, Store
from validation.sweep import sweep
from validation.workers import Workers

if TYPE_CHECKING:
    from validation.report.page import Figure

__all__ = [
    "Outcome",
    "check_names",
    "claims_module",
    "claims_of",
    "derive",
    "hold",
    "jobs_of",
    "prediction",
    "report",
    "statement",
]

INTRODUCTION = (
    "Each prediction is derived symbolically and held against simulations that do not know it. Errors are standard errors over "
    "independent data sets; the chance that the whole suite reports any false disagreement is below $10^{-6}$."
)


@dataclass(frozen=True)
class Outcome:
    """What a run found: the rows of its claims, its figures and the derivations behind them."""

    rows: list[dict[str, Any]]
    figures: list[Figure]
    derivations: list[Derivation]

    @property
    def holds(self) -> bool:
        """Whether every claim came out as expected, its control rejected."""
        return all(map(holds, self.rows))


def check_names(names: Sequence[str], known: Sequence[str] = PREDICTIONS) -> tuple[str, ...]:
    """The predictions named, all of them for none; surveys too where they are known.

    Raises:
        ValueError: for a name that is not known.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"prediction must be one of {', '.join(known)}, got {name!r}")
    return tuple(dict.fromkeys(names or known))


def prediction(name: str) -> ModuleType:
    """theory.predictions.NAME."""
    return importlib.import_module(f"theory.predictions.{name}")


def claims_module(name: str) -> ModuleType:
    """validation.claims.NAME, of a prediction or a survey."""
    return importlib.import_module(f"validation.claims.{name}")


def statement(name: str) -> str:
    """What a prediction or a survey says, a sentence."""
    wing = "validation.claims" if name in SURVEYS else "theory.predictions"
    return str(constants(f"{wing}.{name}")["STATEMENT"])


def claims_of(names: Sequence[str], budget: str = "standard") -> list[Claim]:
    """The claims of some predictions: with the budget `headline` those of a reader in a hurry, else all.

    Raises:
        ValueError: where one has no headline.
    """
    found = []
    for name in names:
        claims = claims_module(name).claims()
        if budget == "headline":
            claims = [claim for claim in claims if claim.headline]
        if not claims:
            raise ValueError(f"{name} has no headline; ask for all of its claims with --budget standard")
        found += claims
    return found


def jobs_of(names: Sequence[str], budget: str = "standard") -> list[Job]:
    """All that must be done for some predictions, each once: what claims look at, and the curves of their figures.

    Surveys come first, for they take longest, and the evaluations of each a prediction behind its experiments: by then
    its formulas are derived.
    """
    order = sorted(names, key=lambda name: name not in SURVEYS)
    experiments, evaluations = zip(*(_jobs_of(name, budget) for name in order), strict=True)
    waves = zip_longest(experiments, ((), *evaluations), fillvalue=())
    return list({job.name: job for wave in waves for part in wave for job in part}.values())


def _jobs_of(name: str, budget: str) -> tuple[list[Job], list[Job]]:
    """Experiments and evaluations."""
    jobs = [job for claim in claims_of([name], budget) for job in claim.jobs]
    if budget != "headline":
        jobs += claims_module(name).curves()
    return [job for job in jobs if isinstance(job, Experiment)], [job for job in jobs if isinstance(job, Evaluation)]


def hold(
    names: Sequence[str],
    run: Run,
    *,
    store: Store | None = None,
    executor: Executor | None = None,
    finished: Callable[[Job], object] = lambda job: None,
    decided: Callable[[list[dict[str, Any]]], object] = lambda rows: None,
) -> Outcome:
    """Hold the claims of some predictions; `decided` is told the rows of each as soon as its jobs are done."""
    undecided = claims_of(names, run.budget)
    rows: dict[str, list[dict[str, Any]]] = {claim.name: [] for claim in undecided}
    done: dict[str, Found] = {}

    def told(job: Job, found: Found) -> None:
        done[job.name] = found
        finished(job)
        for claim in [claim for claim in undecided if all(one.name in done for one in claim.jobs)]:
            undecided.remove(claim)
            rows[claim.name] = claim.rows(done)
            decided(rows[claim.name])

    meanwhile = Workers(1)
    try:
        judged = meanwhile.submit(judge, names)  # formulas first, which other workers then find in the cache
        sweep(jobs_of(names, run.budget), run, store=store, executor=executor, finished=told)
        found = [row for part in rows.values() for row in part]
        figures = list(_figures(names, run, done, found))
        judged.result()
        return Outcome(found, figures, derive(names))
    finally:
        meanwhile.shutdown(wait=False, cancel_futures=True)


def _figures(names: Sequence[str], run: Run, done: Done, rows: list[dict[str, Any]]) -> Iterator[Figure]:
    if run.budget == "headline":
        from validation.report.panels import headline_figure

        yield headline_figure(rows)
    else:
        for name in names:
            yield from claims_module(name).figures(done)


def derive(names: Sequence[str]) -> list[Derivation]:
    """The derivations behind some predictions and surveys, each once."""
    stems = [stem for name in names for stem in SURVEYS.get(name, (name,))]
    return [prediction(stem).derivation() for stem in dict.fromkeys(stems)]


def judge(names: Sequence[str]) -> None:
    """Derive the formulas behind some predictions and surveys, and judge the lines, all that is not in the cache."""
    for derivation in derive(names):
        derivation.judged()


def report(outcome: Outcome, directory: Path, manifest: dict[str, Any]) -> Path:
    """Write the page and everything beside it; return the page."""
    from validation.report.page import write_report

    return write_report(
        directory,
        title="geomem: theory and experiment on memorization",
        introduction=INTRODUCTION,
        claims=outcome.rows,
        derivations=outcome.derivations,
        figures=outcome.figures,
        manifest=manifest,
        statements={name: statement(name) for name in CLAIMED},
    )
