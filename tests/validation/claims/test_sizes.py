import numpy as np

from theory.observable import observables
from theory.predictions import collapse, condensation, subspace_loss
from validation.claims import SURVEYS, sizes
from validation.job import BUDGETS
from validation.suite import prediction

CLAIMS = {claim.name: claim for claim in sizes.claims()}


def test_every_observable_is_claimed_over_the_sizes_and_allowed_no_bias():
    assert list(sizes.SIZED) == [*sizes.experiment.OBSERVABLES, "loss_time"]
    assert [claim.observable for claim in CLAIMS.values()] == list(sizes.SIZED)
    for claim in CLAIMS.values():
        experiments = sizes.LOSSES if claim.observable == "loss_time" else sizes.EXPERIMENTS
        assert claim.experiments == tuple(experiments.values())
    assert all(
        claim.allowed_bias == claim.relative_bias == 0 and claim.expected == "agrees" for claim in CLAIMS.values()
    )


def test_the_sizes():
    found = [(s.samples, s.manifold.ambient_dimension) for s in sizes.CASES.values()]
    assert found == [(10, 2), (100, 5), (1000, 10), (10**4, 30), (10**5, 60), (10**6, 100)]


def test_the_deep_budget_draws_ten_thousand_small_data_sets():
    for experiments in (sizes.EXPERIMENTS, sizes.LOSSES):
        repeats = {sizes.CASES[name].samples: e.repeats_at("deep") for name, e in experiments.items()}
        assert all(count >= 10**4 for samples, count in repeats.items() if samples <= 1000)
    assert BUDGETS["deep"] == 10


def test_the_times_are_below_collapse_and_bracket_the_loss():
    for setting in sizes.CASES.values():
        assert 0.45 < setting.times[0] / collapse.collapse_time(setting) < 0.55
    for name, experiment in sizes.LOSSES.items():
        setting, times = sizes.CASES[name], experiment.arguments["setting"].times
        assert times[times.size // 2 - 1] < subspace_loss.loss_time_exact(setting)[0] < times[times.size // 2]


def test_the_limit_comes_closer_with_the_size():
    for name in ("participation", "entropy", "heat_capacity", "estimated_dimension", "shell_ratio", "kl", "loss_time"):
        known = sizes.SIZED[name]
        small, *_, large = sizes.CASES.values()
        first, last = (abs(np.ravel(known.limit(s) / known.exact(s) - 1)[0]) for s in (small, large))
        assert last < 0.6 * first, name


def test_the_exact_values_are_those_of_the_predictions():
    names = {name.removesuffix("_exact") for stem in SURVEYS["sizes"] for name in observables(prediction(stem))}
    assert set(sizes.SIZED) <= names
    for setting in list(sizes.CASES.values())[::2]:  # x comes from a sample as often as its weight says
        square = condensation.participation(setting.at(query="trajectory"))
        np.testing.assert_allclose(sizes.SIZED["own_weight"].exact(setting), square, rtol=1e-5)
