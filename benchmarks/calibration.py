"""How often draws of seven laws are called a disagreement with their own mean, against the rate that is stated.

    python -m benchmarks.calibration

prints the table of docs/statistics.md: false alarms by Student's threshold alone, by the limits that `validation.statistics`
judges by, and how often these limits leave a point beyond the threshold undecided, each in units of the stated rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from numerics.measurement import Measurement
from validation.report.words import short
from validation.statistics import distance, rejects, threshold

__all__ = ["DRAWS", "LAWS", "RATES", "rates"]

Array = NDArray[np.float64]
Law = Callable[[np.random.Generator, tuple[int, int]], Array]
DRAWS = 20, 50, 400
RATES = 1e-2, 1e-3
BLOCK = 5000


def _events(p: float) -> Law:
    return lambda random, shape: (random.random(shape) < p) - p


def _lognormal(sigma: float) -> Law:
    return lambda random, shape: random.lognormal(0, sigma, shape) - np.exp(sigma**2 / 2)


LAWS: dict[str, Law] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "Student, 3 degrees of freedom": lambda random, shape: random.standard_t(3, shape),
    "exponential squared": lambda random, shape: random.standard_exponential(shape) ** 2 - 2,
    "lognormal, sigma 1": _lognormal(1.0),
    "lognormal, sigma 2": _lognormal(2.0),
    "events of 1 %": _events(0.01),
    "events of 0.1 %": _events(0.001),
}
"""Laws of mean zero: a generator and a shape -> draws."""


def rates(law: str, n: int, stated: float, repeats: int = 100_000, seed: int = 0) -> tuple[float, float, float]:
    """False alarms by the threshold alone, by the limits, and undecided points, of means of n draws, as shares of all."""
    random = np.random.default_rng(seed)
    found = np.zeros(3)
    for _ in range(repeats // BLOCK):
        m = Measurement.of(LAWS[law](random, (n, BLOCK)))
        z = distance(m.mean, m.sem, 0.0, 0.0)
        beyond, alarm = np.abs(z) > threshold(n, stated), rejects(z, n, m.skewness, stated)
        found += beyond.sum(), alarm.sum(), (np.isnan(z) | beyond & ~alarm).sum()
    return tuple(found / (repeats // BLOCK * BLOCK))


def _table() -> Iterator[str]:
    yield "| Draws of | " + " | ".join(f"{n} draws, {rate:g}" for n in DRAWS for rate in RATES) + " |"
    yield "|---|" + "---|" * (len(DRAWS) * len(RATES))
    for law in LAWS:
        cells = [[short(share / rate) for share in rates(law, n, rate)] for n in DRAWS for rate in RATES]
        yield f"| {law} | " + " | ".join(f"{alone} → {judged} ({left})" for alone, judged, left in cells) + " |"


if __name__ == "__main__":
    print("\n".join(_table()))
