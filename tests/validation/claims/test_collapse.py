import numpy as np

from theory.predictions import collapse as prediction
from validation import comparison
from validation.claims import collapse

CLAIMS = {claim.name: claim for claim in collapse.claims()}
FAST = [name for name in CLAIMS if not name.endswith("memorized_probability")]  # the exact one takes seconds a call


def test_every_case_is_held_to_the_exact_probability_and_shows_the_approximation_to_fail():
    for case in collapse.CASES:
        assert CLAIMS[f"collapse.{case}.memorized_probability"].expected == "agrees"
    expected = {name for name, claim in CLAIMS.items() if claim.expected == "disagrees"}
    assert expected == {f"collapse.{case}.memorized_probability_asymptotic" for case in ("isotropic", "two_subspaces")}


def test_a_scaled_setting_has_scaled_variances_and_nothing_else():
    setting = collapse.CASES["two_subspaces"].setting
    scaled = comparison.scaled(setting, 1.1)
    np.testing.assert_allclose(scaled.manifold.variances, 1.1 * setting.manifold.variances)
    np.testing.assert_array_equal(scaled.manifold.dimensions, setting.manifold.dimensions)
    assert (scaled.samples, scaled.ensemble) == (setting.samples, setting.ensemble)
    np.testing.assert_array_equal(scaled.times, setting.times)


def test_the_times_bracket_the_collapse_where_it_is_claimed():
    for name in ("isotropic", "two_subspaces"):
        setting = collapse.CASES[name].setting
        assert setting.times[0] < prediction.collapse_time(setting) < setting.times[-1]
