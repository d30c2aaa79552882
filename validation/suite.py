"""Suite: the claims of some predictions, measured, judged and written down."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from theory.derivation import Derivation
from validation.claim import Claim, Experiment, Results, holds
from validation.claims import PREDICTIONS, SURVEYS
from validation.store import Store
from validation.sweep import sweep

if TYPE_CHECKING:
    from validation.report.page import Figure

__all__ = [
    "Outcome",
    "check_names",
    "claims_module",
    "derive",
    "experiments",
    "judge",
    "measure",
    "prediction",
    "prepare",
    "report",
]

INTRODUCTION = (
    "Each claim holds a formula, derived symbolically below, against a simulation that does not know it. Errors are standard "
    "errors over independent data sets; the chance that the whole suite reports any false disagreement is below $10^{-6}$. "
    "Some claims expect a disagreement: published approximations that fail at these sizes are shown to."
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


def _claims(names: Sequence[str]) -> list[Claim]:
    return [claim for name in names for claim in claims_module(name).claims()]


def experiments(names: Sequence[str]) -> list[Experiment]:
    """The experiments that the claims of some predictions look at, each once."""
    return list({e.name: e for claim in _claims(names) for e in claim.experiments}.values())


def measure(
    names: Sequence[str],
    *,
    budget: str = "standard",
    seed: int = 0,
    device: str = "cpu",
    store: Store | None = None,
    executor: Executor | None = None,
    finished: Callable[[Experiment], object] = lambda experiment: None,
) -> dict[str, Results]:
    """Run the experiments of some predictions."""
    return sweep(
        experiments(names),
        budget=budget,
        seed=seed,
        device=device,
        store=store,
        executor=executor,
        finished=finished,
    )


def derive(names: Sequence[str]) -> list[Derivation]:
    """The derivations behind some predictions and surveys, each once; the first call takes seconds, later ones none."""
    stems = [stem for name in names for stem in SURVEYS.get(name, (name,))]
    return [prediction(stem).derivation() for stem in dict.fromkeys(stems)]


def prepare(names: Sequence[str]) -> None:
    """Do beforehand what takes seconds and needs no measurement."""
    derive(names)
    for name in names:
        getattr(claims_module(name), "prepare", lambda: None)()


def judge(names: Sequence[str], results: dict[str, Results]) -> Outcome:
    """Hold the claims of some predictions against their results."""
    rows = [row for claim in _claims(names) for row in claim.rows(*(results[e.name] for e in claim.experiments))]
    figures = [figure for name in names for figure in claims_module(name).figures(results)]
    return Outcome(rows, figures, derive(names))


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
    )
