"""The claims: one module per prediction, under its stem, and per survey, with `claims()` and `figures(results)`.

Attributes:
    PREDICTIONS: the list of predictions, the one place a new one is entered.
    SURVEYS: claims that hold several predictions against one experiment, and which predictions.
    CLAIMED: the modules of both.
    UNCLAIMED: observables, as prediction.observable, without an agreeing claim of their own, and why.
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
    "kernel_smoothing",
    "led_kde",
    "temperature",
    "noise_unconditioning",
    "speciation",
    "spectral_gap",
    "trained_network",
    "random_features",
    "training_times",
)
SURVEYS = {
    "sizes": ("condensation", "frozen_jacobian", "supervision_region", "subspace_loss", "kl_bound", "collapse"),
    "trade_off": ("generalization_time",),
}
CLAIMED = (*PREDICTIONS, *SURVEYS)
UNCLAIMED = {
    "subspace_loss.loss_time_annealed": "of few directions the truth is between it and loss_time_typical: subspace_loss.bracket",
    "subspace_loss.loss_time_typical": "of few directions the truth is between it and loss_time_annealed: subspace_loss.bracket",
    "subspace_loss.loss_time_published": "it disagrees: subspace_loss.published",
    "kl_bound.rare_share": "a bound, which kl_bound.leading_order holds",
    "kl_bound.samples_trusted": "where that bound is 5 %",
    "kernel_smoothing.largest_bandwidth": "at finite N nothing diverges there",
    "frozen_jacobian.log_critical_samples_jacobian": "no such N can be drawn: frozen_jacobian.order lies between two",
    "speciation.speciation_time": "it disagrees: speciation.published",
    "led_kde.atoms": "a count, of what led_kde.condensed finds this far apart",
    "trained_network.distance_to_true": "0, which no share is off: trained_network.small.least_loss_fresh holds it measured",
    "random_features.edge_lowest_published": "it disagrees: random_features.published.edge_lowest",
    "random_features.edge_highest_published": "it disagrees: random_features.published.edge_highest",
    "random_features.bulk_weight_published": "it disagrees: random_features.published.bulk_weight",
    "training_times.tau_mem": "the leading order of learning_clock for many features and samples, which no experiment reaches",
    "training_times.linear_range": "an order of magnitude: tau_half is claimed on both sides of it",
    "training_times.tau_mem_published": "it disagrees: training_times.published.mem",
    "training_times.tau_gen_published": "it disagrees: training_times.published.gen",
}
