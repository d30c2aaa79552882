r"""Over classes: averages over the noised points of two classes of weights w and 1 - w, of signal to noise gamma.

Half the log odds of the upper class are u ~ N(h + gamma, gamma) on its own points and N(h - gamma, gamma) on those of the lower,
with h = log(w/(1 - w))/2.
"""

from __future__ import annotations

import numpy as np

from theory.averages.over_shifts import excess, sech_squared

__all__ = ["surprise", "undecided"]


def undecided(gamma: float, field: float, share: float) -> float:
    """E sech^2 u over both classes, four times the mean of p(1 - p)."""
    upper, lower = (
        float(sech_squared(np.array(mean), float(np.sqrt(gamma)))) for mean in (field + gamma, field - gamma)
    )
    return share * upper + (1 - share) * lower


def surprise(gamma: float, field: float) -> tuple[float, float]:
    """E log(1 + e^{-2u}) over the upper class and E log(1 + e^{2u}) over the lower, minus the log of the odds of the own one."""
    return _of_own(field + gamma, gamma), _of_own(gamma - field, gamma)


def _of_own(mean: float, gamma: float) -> float:
    """E log(1 + e^{-2u}) over u ~ N(mean, gamma)."""
    return float(excess(np.array(mean), float(np.sqrt(gamma)))) + abs(mean) - mean
