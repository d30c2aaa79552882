from functools import cache

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.theory.conftest import cases, cheap_observables, decades, manifolds, noise, observe, prediction
from theory.predictions import collapse, condensation, subspace_loss
from theory.setting import SCHEDULES, LinearManifold, Setting

SLOW = ("samples_trusted", "rare_share")  # tested in test_kl_bound
OBSERVED = [(name, o) for name, o in cheap_observables() if o not in SLOW]


def declared(name, observable):
    return getattr(prediction(name), observable).observable


def scaled(setting, c):
    parts = tuple((c * s.variance, s.dimension) for s in setting.manifold.subspaces)
    manifold = LinearManifold(parts, setting.manifold.ambient_dimension)
    return setting.at(manifold=manifold, times=c * setting.times)


def same(found, expected, rtol=1e-8, scale=0.0):
    found, expected = np.asarray(found), np.asarray(expected)
    # tiny and huge values are exponentials of sums of thousands, which lose that many digits
    with np.errstate(divide="ignore", over="ignore"):
        size = 1 + np.abs(np.log(np.clip(np.abs(expected), 1e-300, 1e300)))
        fits = np.isfinite(expected) & (np.abs(expected) > 1e-280) & (np.abs(expected) < 1e280)
    assert (np.isnan(found) == np.isnan(expected)).all()
    found, expected, size = found[fits], expected[fits], size[fits]
    assert (np.abs(found - expected) <= rtol * size * np.abs(expected) + scale).all()


@pytest.mark.parametrize(("name", "observable"), [known for known in OBSERVED if declared(*known).scaling is not None])
@settings(phases=[Phase.explicit, Phase.generate])
@example(setting=Setting.of("1x1", samples=10, times=[1e8]), c=10.0)
@example(setting=Setting.of("1e-6x1", samples=10, times=[1e3]), c=10.0)
@given(setting=cases(), c=decades(-4, 4))
def test_units_drop_out(name, observable, setting, c):
    plain = observe(name, observable, setting)
    found = observe(name, observable, scaled(setting, c))
    same(
        found,
        plain * c ** (declared(name, observable).scaling / 2),
        scale=1e-10 if observable.endswith("asymptotic") else 0,
    )


@pytest.mark.parametrize(("name", "observable"), OBSERVED)
@given(setting=cases(), random=st.randoms())
def test_order_only_permutes_and_normal_directions_change_nothing(name, observable, setting, random):
    order = list(range(len(setting.manifold.subspaces)))
    if "gaussian" in declared(name, observable).ensembles:  # the centres of a mixture lie along the first direction
        random.shuffle(order)
    parts = tuple(setting.manifold.subspaces[k] for k in order)
    more = 0 if (name, observable) in AMBIENT else 7
    moved = setting.at(manifold=LinearManifold(parts, setting.manifold.ambient_dimension + more))
    plain, found = observe(name, observable, setting), observe(name, observable, moved)
    same(
        found,
        plain[..., order] if "subspace" in declared(name, observable).dims else plain,
    )


AMBIENT = {  # where normal directions count
    ("supervision_region", "nearest_distance_squared_asymptotic"),
    ("supervision_region", "shell_ratio_asymptotic"),
    ("noise_unconditioning", "implied_noise_asymptotic"),
    ("noise_unconditioning", "participation_asymptotic"),
    ("noise_unconditioning", "effective_samples_asymptotic"),
    *(pair for pair in OBSERVED if pair[0] == "spectral_gap"),
}


@pytest.mark.parametrize(("name", "observable"), OBSERVED)
@given(setting=cases(), part=st.floats(0.1, 0.9))
def test_splitting_a_subspace_changes_nothing(name, observable, setting, part):
    first, *rest = setting.manifold.subspaces
    if first.dimension < 2:
        return
    m = min(max(1, int(part * first.dimension)), first.dimension - 1)
    pieces = ((first.variance, m), (first.variance, first.dimension - m), *rest)
    split = LinearManifold(pieces, setting.manifold.ambient_dimension)
    split = observe(name, observable, setting.at(manifold=split))
    plain = observe(name, observable, setting)
    if "subspace" in declared(name, observable).dims:
        same(split[..., 0], split[..., 1])
        split = split[..., 1:]
    same(split, plain)


EXPLODING = Setting.of("1x2,0.1x3", samples=500, times=[0.1, 0.3, 0.6])


@cache
def exploding(name, observable):
    """What all schedules are held against."""
    return observe(name, observable, EXPLODING)


@pytest.mark.parametrize("schedule", list(SCHEDULES))
@pytest.mark.parametrize(("name", "observable"), cheap_observables())
def test_schedules_commute(schedule, name, observable):
    own = EXPLODING.at(times=SCHEDULES[schedule].time(EXPLODING.t), schedule=SCHEDULES[schedule])
    found, expected = observe(name, observable, own), exploding(name, observable)
    if observable.endswith("_time") or "_time_" in observable:
        expected = own.schedule.time(expected)
    if observable in (
        "noise_variance_annealed",
        "score_variance",
        "score_variance_mean",
    ):  # of a score, which is divided by alpha
        expected = expected / own.alpha[:, None] ** 2
    if observable == "correlation_length":
        expected = expected * own.alpha[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize(("name", "observable"), OBSERVED)
@pytest.mark.parametrize("manifold", ["1x100000", "1e12x1,1x1", "1e-12x3,1x2", "1x1"])
@pytest.mark.parametrize("samples", [2, 10**12])
def test_extremes_neither_warn_nor_give_nan(name, observable, manifold, samples):
    setting = Setting.of(manifold, samples=samples, times=np.geomspace(1e-12, 1e12, 25))
    found = observe(name, observable, setting)
    assert not np.isnan(found).any()
    assert (found >= 0).all() or observable.startswith("log_")


@given(manifolds, noise)
def test_information_and_dispersion_are_sums_that_fall_with_time(manifold, t):
    for f in (collapse.information, collapse.dispersion):
        whole = f(Setting(manifold, times=[t, 2 * t]))
        parts = sum(f(Setting(LinearManifold((s,)), times=[t, 2 * t])) for s in manifold.subspaces)
        np.testing.assert_allclose(whole, parts, rtol=1e-12)
        assert whole[1] < whole[0] or whole[0] > 0.99 * manifold.intrinsic_dimension


@given(manifolds, st.integers(2, 10**12))
def test_the_collapse_time_is_where_information_is_log_n(manifold, samples):
    setting = Setting(manifold, samples=samples)
    found = collapse.collapse_time(setting)
    assert collapse.information(setting.at(times=found))[0] == pytest.approx(np.log(samples), rel=1e-10)
    assert collapse.collapse_time(setting.at(samples=2 * samples)) < found


def test_little_information_is_information():
    found = collapse.information(Setting.of("1x1", times=[1e12]))[0]
    assert found == pytest.approx(0.5e-12, rel=1e-10, abs=0)


# --- published numbers ---


@given(decades(-2, 2), st.integers(1, 200), st.integers(2, 10**9))
def test_the_isotropic_ornstein_uhlenbeck_time_is_the_papers(variance, dimension, samples):
    setting = Setting.of([(variance, dimension)], samples=samples, schedule="ou")
    expected = 0.5 * np.log1p(variance / np.expm1(2 * np.log(samples) / dimension))
    assert collapse.collapse_time(setting) == pytest.approx(expected, rel=1e-10, abs=0)


def test_the_memorized_probabilities_of_the_catalogue():
    setting = Setting.of("1x20", samples=20000)
    at = setting.at(times=collapse.collapse_time(setting) * np.array([3.0, 1.0, 0.3]))
    np.testing.assert_allclose(collapse.memorized_probability(at), [0.129, 0.673, 0.998], atol=1e-3)
    np.testing.assert_allclose(collapse.memorized_probability_asymptotic(at), [0.022, 0.5, 0.986], atol=1e-3)


def test_the_phi_of_the_asymptotic_probability():
    setting = Setting.of("1x20,0.1x4", samples=300, times=[0.1, 1.0, 10.0])
    from scipy.stats import norm

    z = (collapse.information(setting) - np.log(300)) / np.sqrt(collapse.dispersion(setting))
    np.testing.assert_allclose(collapse.memorized_probability_asymptotic(setting), norm.cdf(z), rtol=1e-12)


def test_loss_and_collapse_are_of_one_order():
    setting = Setting.of("1x40", samples=10**6)
    collapse_time = collapse.collapse_time(setting)
    assert subspace_loss.loss_time_typical(setting)[0] < 3 * collapse_time


@pytest.mark.parametrize(("spec", "samples"), [("1x20", 1000), pytest.param("1x3", 4, marks=pytest.mark.slow)])
def test_the_own_weight_is_the_participation_ratio_of_trajectories(spec, samples):
    setting = Setting.of(spec, samples=samples, times=np.array([0.05, 0.5, 5.0]))
    found = collapse.own_weight(setting)
    expected = condensation.participation(setting.at(query="trajectory"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (np.diff(found) < 0).all()
    assert (found > 1 / samples).all()
