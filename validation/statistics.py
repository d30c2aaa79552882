"""Statistics: when do a prediction and a measurement agree?

The suite has a family-wise false-alarm budget: the chance that a run in which every prediction is true reports any
disagreement is at most `FAMILY_BUDGET`. It is divided evenly (Bonferroni) over `COMPARISONS`, an upper bound on
the comparisons of the whole suite that a test holds it to, so a run of some claims is as strict as a run of all. A
standard error estimated from n normal draws has Student's t distribution, so small n asks for a larger z; skew draws ask
for a larger z on one side, and where they are so skew, or so few, that no z would do, for none (`limits`).

False alarms are bounded; false passes are what the negative controls are for. For each, `power` states how likely
the same measurement was to reject it, and `detectable` by how much a prediction must be off to be noticed.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "COMPARISONS",
    "FAMILY_BUDGET",
    "POWER",
    "Verdict",
    "beyond",
    "detectable",
    "distance",
    "judge",
    "limits",
    "power",
    "rejects",
    "threshold",
]

Array = NDArray[np.float64]

Verdict = Literal["agrees", "disagrees", "underpowered"]
FAMILY_BUDGET = 1e-6
COMPARISONS = 2000
POWER = 0.99  # of noticing what is detectable
SKEWEST = 0.5  # skewness of the mean, times the threshold, up to which the expansion of its law is trusted


def threshold(n: ArrayLike, rate: float | None = None) -> Any:
    """The |z| that a true prediction exceeds with probability `rate`, FAMILY_BUDGET / COMPARISONS, for n normal draws."""
    from scipy import stats  # slow to import

    return stats.t.isf((FAMILY_BUDGET / COMPARISONS if rate is None else rate) / 2, np.asarray(n) - 1)


def limits(n: ArrayLike, skewness: ArrayLike = 0.0, rate: float | None = None) -> tuple[Array, Array]:
    """How far z may lie below and above 0 by the same chance at most, for n draws of this sample skewness.

    The threshold where draws are many and symmetric. Skew draws have a mean and a standard error that go together, which
    stretches one tail of their ratio: z - g (1 + 2 z^2)/6 has Student's distribution to the order of g, the skewness of the
    mean (Johnson, J. Am. Stat. Assoc. 73 (1978) 536). A sample skewness is known to sqrt(6/n), which is added on either side.
    Infinite where g times the threshold is more than SKEWEST: such draws reject nothing on that side.
    """
    n, skewness = np.asarray(n), np.asarray(skewness)
    student = threshold(n, rate)
    return _stretched(student, n, skewness), _stretched(student, n, -skewness)


def _stretched(student: Array, n: Array, skewness: Array) -> Array:
    """The threshold on the side that a positive skewness stretches."""
    g = np.maximum(skewness + np.sqrt(6 / n), 0) / np.sqrt(n)
    known = g * student <= SKEWEST  # and no NaN
    g = np.where(known, g, 0.0)
    # the root of z - g (1 + 2 z^2)/6 = student
    root = 2 * (student + g / 6) / (1 + np.sqrt(1 - 4 * g / 3 * (student + g / 6)))
    return np.where(known, root, np.inf)


def rejects(z: ArrayLike, n: ArrayLike, skewness: ArrayLike = 0.0, rate: float | None = None) -> NDArray[np.bool_]:
    """Where z is beyond its limit; a NaN rejects nothing."""
    z = np.asarray(z, dtype=np.float64)
    below, above = limits(n, skewness, rate)
    return np.asarray((z < -below) | (z > above))


def beyond(value: ArrayLike, predicted: ArrayLike, allowed_bias: ArrayLike) -> Array:
    """How far a value lies outside predicted +- allowed_bias, with sign; 0 inside."""
    gap = np.asarray(value, dtype=np.float64) - np.asarray(predicted, dtype=np.float64)
    return np.asarray(np.sign(gap) * np.maximum(np.abs(gap) - allowed_bias, 0))


def distance(measured: ArrayLike, sem: ArrayLike, predicted: ArrayLike, allowed_bias: ArrayLike) -> Array:
    """z: how many standard errors the measurement lies outside predicted +- allowed_bias, with sign; 0 inside.

    NaN outside by a standard error of 0: draws that are all equal do not know how much they would scatter.
    """
    sem = np.asarray(sem, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gap = beyond(measured, predicted, allowed_bias)
        return np.where((gap == 0) & ~np.isnan(sem), 0.0, gap / np.where(sem > 0, sem, np.nan))


def judge(z: ArrayLike, z_control: ArrayLike, n: ArrayLike, skewness: ArrayLike = 0.0) -> tuple[list[Verdict], bool]:
    """The verdict of each point, and whether the control is rejected at any of them; n draws, of all points or of each.

    A prediction is not said to agree with data that would have agreed with anything: where the control survives,
    the points that do not disagree are underpowered. So is a point beyond the threshold of normal draws that its own do
    not reject. A NaN is no agreement either.
    """
    rejected = bool(rejects(z_control, n, skewness).any())
    agrees = (np.abs(z) <= threshold(n)) & rejected
    verdicts = np.where(rejects(z, n, skewness), "disagrees", np.where(agrees, "agrees", "underpowered"))
    return verdicts.ravel().tolist(), rejected


def power(gap: ArrayLike, sem: ArrayLike, n: ArrayLike, skewness: ArrayLike = 0.0) -> float:
    """The chance that data from the prediction reject a control `gap` above it, at the best of the points.

    Its complement is the false-pass rate of the claim.
    """
    gap, sem, n, skewness = np.broadcast_arrays(gap, sem, n, skewness)
    below, above = limits(n, skewness)
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = np.nan_to_num(np.abs(gap) / np.where(sem > 0, sem, np.nan), nan=0.0, posinf=np.inf)
    return float(np.max(np.vectorize(_power, otypes=[float])(shifts, n, np.where(gap > 0, below, above))))


def _power(shift: float, n: int, limit: float) -> float:
    from scipy import stats

    if math.isinf(limit):
        return 0.0
    # z has Student's distribution about its shift, since its standard error is estimated too
    return 1.0 if shift > 1e3 else float(stats.nct.sf(limit, n - 1, shift))


def detectable(
    predicted: ArrayLike, sem: ArrayLike, n: ArrayLike, allowed_bias: ArrayLike, skewness: ArrayLike = 0.0
) -> float:
    """The smallest relative error of a prediction, of either sign, that data like these reject with probability POWER.

    The true value may lie anywhere within the allowed bias of the prediction, which an error must cross. At the best of the
    points; infinite where there is none with a standard error and a prediction other than 0.
    """
    predicted, sem, n, skewness = np.broadcast_arrays(predicted, sem, n, skewness)
    shifts = _noticed(n, np.maximum(*limits(n, skewness)))
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = (2 * np.asarray(allowed_bias) + shifts * sem) / np.abs(predicted)
    return float(np.min(errors, initial=np.inf, where=np.isfinite(errors) & (sem > 0)))


def _noticed(n: Array, limit: Array) -> Array:
    """How many standard errors a prediction must be off to be rejected with probability POWER, by n draws."""
    from scipy.special import nctdtrinc

    known = (n >= 5) & np.isfinite(limit)  # fewer draws do not know their own error
    return np.where(known, nctdtrinc(np.where(known, n - 1.0, 9.0), 1 - POWER, np.where(known, limit, 1.0)), np.inf)
