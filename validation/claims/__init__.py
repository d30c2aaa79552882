"""The claims: one module per prediction, under its stem, with `claims()` and `figures(results)`.

Attributes:
    PREDICTIONS: the list of predictions, the one place a new one is entered.
"""

PREDICTIONS = (
    "collapse",
    "score_covariance",
    "kl_bound",
    "subspace_loss",
    "condensation",
    "frozen_jacobian",
    "supervision_region",
    "generalization_time",
)
