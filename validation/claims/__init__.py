"""The claims: one module per prediction, under its stem, and per survey, with `claims()` and `figures(results)`.

Attributes:
    PREDICTIONS: the list of predictions, the one place a new one is entered.
    SURVEYS: claims that hold several predictions against one experiment, and which predictions.
    CLAIMED: the modules of both.
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
SURVEYS = {"sizes": ("condensation", "frozen_jacobian", "supervision_region", "subspace_loss", "kl_bound", "collapse")}
CLAIMED = (*PREDICTIONS, *SURVEYS)
