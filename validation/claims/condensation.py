"""Claims of condensation: the averages at finite N and D are exact, their thermodynamic limit is not there yet."""

from __future__ import annotations

import math

from numerics.experiments import collapse as of_collapse
from numerics.experiments import condensation as experiment
from theory.predictions import condensation as prediction
from theory.setting import Setting
from validation.claim import Claim, Control, Done
from validation.comparison import DEEP, LIMIT, cases, compare, off, wrong
from validation.job import Evaluation
from validation.report.page import Figure
from validation.report.panels import OverTime

__all__ = ["claims", "curves", "figures"]

CASES = cases(
    prediction,
    experiment.measure,
    {
        "small": (4000, Setting.of("1.0x2", samples=10, times=[0.05, 0.2, 0.8, 3.0])),
        "at_a_point": (
            3000,
            Setting.of("1.0x2,0.1x3", samples=300, times=[0.02, 0.1, 0.5], point=(0.8, -0.5, 0.3, 0.0, -0.1)),
        ),
        "large": (150, Setting.of("1.0x20", samples=20000, times=[0.3, 0.59, 1.2, 2.5])),
        "wide": (60, Setting.of("1.0x50", samples=100_000, times=[0.8, 1.7, 4.0])),
        "trajectory": (400, Setting.of("1.0x20", samples=1000, times=[0.3, 0.7, 1.0, 2.0], query="trajectory")),
    },
)
LIMITED = cases(prediction, experiment.measure, {"deep": (300, DEEP.at(times=[0.03, 0.1, 150.0, 300.0]))})["deep"]
MANY = Setting.of("1.0x3000", samples=100, times=[315.0, 336.0])
FEW = "few data sets, of many samples each"
ONSET = cases(prediction, of_collapse.measure, {"onset": (600, MANY)})["onset"]
PANELS = OverTime(
    "condensation",
    "Participation ratio, entropy of the weights and heat capacity (variance of $|x - y|^2/2t$) against the noise variance "
    "$t$ (data units squared): exact at finite $N$ and $D$, simulation, and dashed the thermodynamic limit, where entropy "
    "and heat capacity diverge. Error bars: one standard error over data sets. Grey line: the condensation time at the given "
    "$x$, or from which on typical $x$ condense.",
    CASES,
    {"participation": "$E\\,Y_2$", "entropy": "entropy (nats)", "heat_capacity": "heat capacity"},
    shares=("participation",),
    mark=prediction.condensation_time,
    count=12,
)


def claims() -> list[Claim]:
    """Three exact averages in every case, and the limit of one."""
    return [claim for name in CASES for claim in _of_case(name)] + _limits()


def _limits() -> list[Claim]:
    early, late, heat = slice(2), slice(2, 4), prediction.heat_capacity_asymptotic
    own = wrong("the limit on trajectories", prediction.participation_asymptotic, LIMITED[early].at(query="trajectory"))
    equal = Control("N equal weights", math.log(DEEP.samples))
    reached = "where the measured information falls to log N"
    return [
        compare(LIMITED, "participation_asymptotic", own, LIMIT, times=early, bias=0.01),
        compare(LIMITED, "entropy_asymptotic", equal, LIMIT, times=late, bias=1e-3),
        compare(LIMITED, "heat_capacity_asymptotic", off(1.2, heat, LIMITED[late]), LIMIT, times=late, bias=0.005),
        *(
            compare(
                ONSET, name, off(1.2, getattr(prediction, name), MANY), reached, measured="collapse_time", bias=bias
            )
            for name, bias in (("condensation_time", 1e-3), ("condensation_time_gaussian", 0.007))
        ),
    ]


def _of_case(name: str) -> list[Claim]:
    at, large = CASES[name], name == "large"
    limit = wrong("thermodynamic limit", prediction.participation_asymptotic)
    doubled = wrong("twice as many samples", prediction.entropy, at.setting.at(samples=2 * at.setting.samples))
    coarse = FEW if name == "wide" else ""
    found = [
        compare(at, "participation", limit, headline=large, coarse=coarse),
        compare(at, "entropy", doubled),
        compare(at, "heat_capacity", off(1.2, prediction.heat_capacity, at.setting)),
    ]
    if large:
        control, statement = (
            off(1.2, prediction.participation_asymptotic, at.setting),
            "the limit is off at this N and D",
        )
        found.append(compare(at, "participation_asymptotic", control, statement, expected="disagrees", headline=True))
    return found


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return PANELS.curves()


def figures(done: Done) -> list[Figure]:
    """Participation ratio, entropy and heat capacity against t in every case."""
    return [PANELS.figure(done)]
