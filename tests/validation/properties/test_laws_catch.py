"""Each kind of law is broken by a formula that is wrong in its way, and held by the right one."""

import hypothesis
import numpy as np
import pytest

from theory.network import Network
from theory.predictions import (
    collapse,
    generalization_time,
    kernel_smoothing,
    kl_bound,
    led_kde,
    random_features,
    score_covariance,
    subspace_loss,
    training_times,
)
from theory.setting import Setting
from validation.laws import Case, Law, LawError, Sides, assert_laws
from validation.properties.catalogue import declared
from validation.properties.expression import expression
from validation.properties.law import law, lawgivers
from validation.properties.structure import scaled
from validation.properties.subject import catalogued, subject

QUICK = {"derandomize": True, "database": None, "max_examples": 60}


def information(setting):
    return collapse.information(setting)


def twice(setting):
    return 2 * collapse.information(setting)


def of_roots(setting):
    lam = np.sqrt(setting.manifold.variances)
    return np.log1p(lam / setting.t[:, None]) @ setting.manifold.dimensions / 2


def a_mean(setting):
    return collapse.information(setting) / setting.manifold.intrinsic_dimension


def of_subspaces(setting):
    return np.log1p(setting.manifold.variances / setting.t[:, None]).sum(axis=1)


def by_order(setting):
    return collapse.information(setting) * setting.manifold.variances[0]


def rising(setting):
    return -collapse.information(setting)


def of_the_space(setting):
    return collapse.information(setting) * setting.manifold.ambient_dimension


def squared(setting):
    return collapse.information(setting) ** 2


def not_a_number(setting):
    return collapse.information(setting) * np.nan


def of_samples(setting):
    return collapse.information(setting) + np.log(setting.samples)


def lens(setting):
    return collapse.information(setting) * setting.alpha


def log_density(setting):
    x = setting.point[0] if setting.point else 0.0
    v = setting.manifold.variances[0] + setting.t
    return -(x**2) / 2 / v - np.log(v) / 2


def reversed_times(setting):
    return subspace_loss.loss_time_annealed(setting)[::-1]


WRONG = [
    ("scaling(0)", ("time",), information, of_roots),
    ("schedule(0)", ("time",), information, lens),
    ("permutation", ("time",), information, by_order),
    ("splitting", ("time",), information, of_subspaces),
    ("normal_directions", ("time",), information, of_the_space),
    ("vanishing_direction", ("time",), information, a_mean),
    ("additive", ("time",), information, squared),
    ("multiplicative", ("time",), lambda s: np.exp(twice(s)), information),
    ("same_for(samples)", ("time",), information, of_samples),
    ("monotone(time, down)", ("time",), information, rising),
    ("monotone(samples, up)", ("time",), of_samples, lambda s: -of_samples(s)),
    ("data_processing", ("time",), information, rising),
    ("convex(time)", ("time",), information, rising),
    ("concave(time)", ("time",), rising, information),
    ("ordered", ("subspace",), subspace_loss.loss_time_annealed, reversed_times),
    ("at_least(0)", ("time",), information, rising),
    ("at_most(sum(m*lam)/(2*t))", ("time",), information, twice),
    ("finite", ("time",), information, not_a_number),
    ("limit(time, inf, sum(m*lam)/(2*t))", ("time",), information, twice),
    ("limit(time, 0, inf)", ("time",), information, rising),
    ("expansion(time, inf, sum(m*lam)/(2*t), -sum(m*lam**2)/(4*t**2))", ("time",), information, twice),
    ("equation(2*N*kl_bound.kl_leading, expm1(2*f))", ("time",), information, twice),
    ("slope(time, -collapse.dispersion/2)", ("time",), information, twice),
    ("slope_of(collapse.information, time, -f/2)", ("time",), collapse.dispersion, information),
    ("power(samples, -1)", ("time",), kl_bound.kl_leading, information),
    ("at(samples, 2, (exp(2*collapse.information) - 1)/4)", ("time",), kl_bound.kl_leading, information),
    ("on_a_line(log1p(lam/t)/2)", ("time",), information, twice),
    ("crosses(collapse.information, logN)", (), collapse.collapse_time, lambda s: 1.05 * collapse.collapse_time(s)),
    ("at_time(collapse.collapse_time, logN)", ("time",), information, twice),
    ("agrees(collapse.information)", ("time",), information, twice),
    ("log_scaling(1)", ("time",), lambda s: np.log(s.t) / 2, lambda s: np.log(s.t)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dims", "right", "wrong"), WRONG, ids=[w[0] for w in WRONG])
def test_a_law_tells_wrong_from_right(name, dims, right, wrong):
    assert_laws(right, dims=dims, laws=[name], **QUICK)
    with pytest.raises(LawError) as found:
        assert_laws(wrong, dims=dims, laws=[name], **QUICK)
    assert [one.law.name for one in found.value.broken] == [law(name).name]


def test_every_law_is_tried():
    tried = {name.partition("(")[0] for name, *_ in WRONG} | {
        *("approaches", "at_bandwidth", "at_samples", "least_at", "normalized", "vanishes_from"),
        *("balance_of_smoothing", "given", "intensive", "mean_square", "variance_of_smoothing"),
    }
    of_settings = {n for n, make in lawgivers().items() if not make.__module__.endswith((".points", ".calculus"))}
    assert tried == of_settings


def test_a_bandwidth_of_least_error_and_a_density_have_laws():
    least = "least_at(time, generalization_time.kl_clean_asymptotic)"
    right = generalization_time.generalization_time_asymptotic
    assert_laws(right, dims=(), laws=[least], **QUICK)
    with pytest.raises(LawError):
        assert_laws(lambda s: 1.05 * right(s), dims=(), laws=[least], **QUICK)
    few = QUICK | {"max_examples": 2}
    assert_laws(led_kde.log_density, like="led_kde.log_density", laws=["normalized"], **few)
    with pytest.raises(LawError, match=r"integral: 2\.5"):
        assert_laws(log_density, like="led_kde.log_density", laws=["normalized"], **few)


def slighter(name):
    """A quantity of kernel smoothing and the same of a kernel 5 % narrower, or of centres 5 % closer."""
    right = getattr(kernel_smoothing, name)
    yield lambda s: right(s.at(bandwidth=0.95 * s.bandwidth))
    yield lambda s: right(s.at(separation=0.95 * s.separation))


def test_a_smoothed_score_is_held_to_its_definition():
    few = QUICK | {"max_examples": 8, "phases": [hypothesis.Phase.generate]}  # a smaller one takes as long again
    variance = "given(separation, given(bandwidth, variance_of_smoothing))"
    for name, text, mutants in (
        ("score_variance", variance, slighter("score_variance")),
        ("best_bandwidth", "given(separation, balance_of_smoothing)", list(slighter("best_bandwidth"))[1:]),
    ):
        assert_laws(getattr(kernel_smoothing, name), like=f"kernel_smoothing.{name}", laws=[text], **few)
        for wrong in mutants:
            with pytest.raises(LawError, match="of_smoothing"):
                assert_laws(wrong, like=f"kernel_smoothing.{name}", laws=[text], **few)


def test_a_law_of_mixtures_says_nothing_of_gaussian_data_until_it_is_given_one():
    balance, case = law("balance_of_smoothing"), Case(Setting.of("1x2", times=[0.5]))
    best = catalogued("kernel_smoothing.best_bandwidth")
    assert balance.check(best, case) is None
    assert not law("given(separation, balance_of_smoothing)").check(best, case).broken
    assert not law("given(bandwidth, balance_of_smoothing)").needs(catalogued("collapse.information"))
    with pytest.raises(ValueError, match="given takes bandwidth or separation"):
        law("given(samples, at_least(0))")


def test_a_mean_square_is_taken_under_a_density():
    text, few = "given(separation, given(bandwidth, mean_square(led_kde.log_density)))", QUICK | {"max_examples": 3}
    assert_laws(led_kde.variance, like="led_kde.variance", laws=[text], **few)
    with pytest.raises(LawError, match="mean of x"):
        assert_laws(lambda s: led_kde.variance(s.plain), like="led_kde.variance", laws=[text], **few)


def test_a_size_that_the_catalogue_knows_gives_a_value():
    trusted = "at_samples(kl_bound.samples_trusted, 0.05)"
    few = QUICK | {"max_examples": 10}
    assert_laws(kl_bound.rare_share, like="kl_bound.rare_share", laws=[trusted], **few)
    with pytest.raises(LawError):
        assert_laws(lambda s: 1.05 * kl_bound.rare_share(s), dims=("time",), laws=[trusted], **few)


def test_where_modes_merge_is_held_from_both_sides():
    few = QUICK | {"max_examples": 20}
    for name, law_of_modes in (
        ("merging_bandwidth", "vanishes_from(led_kde.mode_separation)"),
        ("mode_separation", "at_bandwidth(led_kde.merging_bandwidth, 1.01, 0)"),
    ):
        right = getattr(led_kde, name)
        wrong = {"merging_bandwidth": lambda s: 1.05 * led_kde.merging_bandwidth(s), "mode_separation": lambda s: s.t}[
            name
        ]
        assert_laws(right, like=f"led_kde.{name}", laws=[law_of_modes], **few)
        with pytest.raises(LawError, match=r"law vanishes_from|law at_bandwidth"):
            assert_laws(wrong, like=f"led_kde.{name}", laws=[law_of_modes], **few)


def test_a_number_of_samples_is_held_to_the_value_there():
    law_of_sizes = "crosses(kl_bound.rare_share, 0.05, samples)"
    few = QUICK | {"max_examples": 10}
    assert_laws(kl_bound.samples_trusted, dims=("time",), laws=[law_of_sizes], **few)
    with pytest.raises(LawError, match="it is the number of samples at which"):
        assert_laws(lambda s: 1.5 * kl_bound.samples_trusted(s), dims=("time",), laws=[law_of_sizes], **few)


def test_of_a_crossing_steeper_than_rounding_nothing_is_said():
    place = law("crosses(subspace_loss.signal_to_noise_asymptotic, 1)")
    lost = catalogued("subspace_loss.loss_time_asymptotic")
    steep, usual = (Setting.of("0.0041x1", samples=N, times=[0.062]) for N in (510_000_000_000, 30))
    early = subject(lambda s: lost.function(s) / 1.05, None, lost.about, 1e-9)
    with np.errstate(all="ignore"):
        assert not place.check(lost, Case(steep)).broken
        assert not place.check(lost, Case(usual)).broken
        assert place.check(early, Case(usual)).broken


def test_a_limit_of_large_sizes_is_held_to_their_ratios():
    few, like = QUICK | {"max_examples": 10}, "random_features.resolvent"
    assert_laws(random_features.resolvent, like=like, laws=["intensive"], **few)
    for more in (lambda s: s.at(samples=s.samples + 1), lambda s: s.trained(features=s.network.features + 1)):
        with pytest.raises(LawError, match="twice the samples, features and directions change nothing"):
            assert_laws(lambda s, more=more: random_features.resolvent(more(s)), like=like, laws=["intensive"], **few)
    assert not law("intensive").needs(catalogued("collapse.information"))


@pytest.mark.parametrize("name", ["tau_gen", "tau_half"])
def test_a_training_time_is_held_to_what_happens_there(name):
    right = getattr(training_times, name)
    (place,) = (one for one in declared(f"training_times.{name}") if one.name.startswith(("crosses", "least_at")))
    case = Case(Setting.of("1x20", samples=80, times=[0.2], network=Network(features=160)), 2.0, 0)
    for function, broken in ((right, False), (lambda s: 1.05 * right(s), True)):
        assert place.check(subject(function, None, right.observable, 1e-9), case).broken == broken


def test_an_order_of_convergence_is_measured():
    def off(power):
        return lambda s: kl_bound.kl_leading(s) * (1 + s.samples**-power)

    law_of_order = "approaches(kl_bound.kl_leading, 1)"
    assert_laws(off(1.0), dims=("time",), laws=[law_of_order], **QUICK)
    with pytest.raises(LawError):
        assert_laws(off(0.5), dims=("time",), laws=[law_of_order], **QUICK)


def test_a_law_of_ones_own():
    def check(f, case):
        double = case.setting.at(samples=2 * case.setting.samples)
        return Sides(f(double), f(case.setting) / 2, f.tolerance(double), (double, case.setting))

    halves = Law("halves", "twice the samples halve it", "f(2N) = f(N)/2", check)
    assert_laws(kl_bound.kl_leading, dims=("time",), laws=[halves], **QUICK)
    with pytest.raises(LawError, match="breaks the law halves: twice the samples halve it"):
        assert_laws(score_covariance.effective_samples_annealed, dims=("time",), laws=[halves], **QUICK)


def test_other_units():
    setting = Setting.of("2x1", times=[0.5], point=(1.0,), schedule="ou")
    other = scaled(setting, 3.0)
    np.testing.assert_allclose(other.t, 9 * setting.t, rtol=1e-12)
    assert other.manifold.variances == [18.0]
    assert other.point == (3.0,)


def test_sides_are_missed_where_one_alone_is_infinite_and_not_where_both_are():
    one, two, inf, nan = np.array([1.0]), np.array([2.0]), np.array([np.inf]), np.array([np.nan])

    def broken(left, right, relation="=", tolerance=0.0):
        return Sides(left, right, np.array([tolerance]), (), relation=relation).broken

    assert broken(one, two)
    assert not broken(one, two, tolerance=1.0)
    assert broken(one, inf, tolerance=np.inf)
    assert broken(one, inf)
    assert broken(one, nan)
    assert not broken(inf, inf)
    assert not broken(nan, nan)
    assert not broken(one, nan, "<=")
    assert not broken(one, two, "<=")
    assert broken(one, two, ">=")
    assert not broken(1e-300 * one, 2e-300 * one)
    assert Sides(one, two, 0 * one, ()).worst == (1.0, 2.0)
    assert Case(Setting.of("1x1")).size == 2


def test_a_quantity_of_the_empirical_score_is_asked_without_the_network():
    trained = Setting.of("1x1", samples=3, times=[0.3], network=Network())
    plain = trained.at(network=None)
    for name in ("frozen_jacobian.retained_variance", "collapse.information"):
        assert expression(name)(trained) == catalogued(name)(plain)
    assert np.isfinite(expression("trained_network.least_loss_fresh")(trained)).all()
