"""Statistics: when do a prediction and a measurement agree?

The suite has a family-wise false-alarm budget: the chance that a run in which every prediction is true reports any
disagreement is at most `FAMILY_BUDGET`. It is divided evenly (Bonferroni) over `COMPARISONS`, an upper bound on
the comparisons of the whole suite that a test holds it to, so a run of some claims is as strict as a run of all. A
standard error estimated from n draws has Student's t distribution, so small n asks for a larger z.

False alarms are bounded; false passes are what the negative controls are for. For each, `power` states how likely
the same measurement was to reject it, and `detectable` by how much a prediction must be off to be noticed.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["COMPARISONS", "FAMILY_BUDGET", "POWER", "Verdict", "detectable", "distance", "judge", "power", "threshold"]

Verdict = Literal["agrees", "disagrees", "underpowered"]
FAMILY_BUDGET = 1e-6
COMPARISONS = 2000
POWER = 0.99  # of noticing what is detectable


def threshold(n: int) -> float:
    """The |z| that a true prediction exceeds with probability FAMILY_BUDGET / COMPARISONS, for n draws."""
    from scipy import stats  # slow to import

    return float(stats.t.isf(FAMILY_BUDGET / COMPARISONS / 2, n - 1))


def distance(measured: ArrayLike, sem: ArrayLike, predicted: ArrayLike, allowed_bias: ArrayLike) -> NDArray[np.float64]:
    """z: how many standard errors the measurement lies outside predicted +- allowed_bias, with sign; 0 inside."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.asarray(measured, dtype=np.float64) - np.asarray(predicted, dtype=np.float64)
        beyond = np.sign(gap) * np.maximum(np.abs(gap) - allowed_bias, 0)
        return np.where((beyond == 0) & ~np.isnan(sem), 0.0, beyond / np.asarray(sem, dtype=np.float64))


def judge(z: ArrayLike, z_control: ArrayLike, n: ArrayLike) -> tuple[list[Verdict], bool]:
    """The verdict of each point, and whether the control is rejected at any of them; n draws, of all points or of each.

    A prediction is not said to agree with data that would have agreed with anything: where the control survives,
    the points that do not disagree are underpowered. A NaN is no agreement either.
    """
    limits = np.vectorize(threshold, otypes=[float])(n)
    rejected = bool((np.abs(z_control) > limits).any())
    verdicts: list[Verdict] = []
    for value, limit in zip(np.ravel(z), np.broadcast_to(limits, np.shape(z)).flat, strict=True):
        if abs(value) > limit:
            verdicts.append("disagrees")
        else:
            verdicts.append("agrees" if rejected and np.isfinite(value) else "underpowered")
    return verdicts, rejected


def power(gap: ArrayLike, sem: ArrayLike, n: ArrayLike) -> float:
    """The chance that data from the prediction reject a control `gap` away from it at the best of the points.

    Its complement is the false-pass rate of the claim.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = np.nan_to_num(np.abs(np.asarray(gap)) / sem, nan=0.0, posinf=np.inf)
    counts = np.broadcast_to(n, shifts.shape)
    return max(_power(float(shifts[counts == count].max()), int(count)) for count in np.unique(counts))


def _power(shift: float, n: int) -> float:
    from scipy import stats

    # z has Student's distribution about its shift, since its standard error is estimated too
    return 1.0 if shift > 1e3 else float(stats.nct.sf(threshold(n), n - 1, shift))


def detectable(predicted: ArrayLike, sem: ArrayLike, n: ArrayLike, allowed_bias: ArrayLike) -> float:
    """The smallest relative error of a prediction that data like these reject with probability POWER.

    The true value may lie anywhere within the allowed bias of the prediction, which an error must cross. At the best of the
    points; infinite where there is none with a standard error and a prediction other than 0.
    """
    predicted, sem = np.asarray(predicted, dtype=np.float64), np.asarray(sem, dtype=np.float64)
    shifts = np.vectorize(_noticed, otypes=[float])(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = (2 * np.asarray(allowed_bias) + shifts * sem) / np.abs(predicted)
    return float(np.min(errors, initial=np.inf, where=np.isfinite(errors)))


@cache
def _noticed(n: int) -> float:
    """How many standard errors a prediction must be off to be rejected with probability POWER, by n draws."""
    from scipy.optimize import brentq

    limit = threshold(n)
    if n < 5:  # so few draws do not know their own error
        return np.inf
    return float(brentq(lambda shift: _power(shift, n) - POWER, limit, 4 * limit + 10))
