import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from tests.theory.conftest import cases, manifolds
from theory.predictions import collapse, generalization_time, supervision_region
from theory.setting import Setting


@given(cases())
def test_the_order_of_the_times_in_the_limit(setting):
    best, onset = generalization_time.generalization_time_asymptotic(setting), generalization_time.onset_time(setting)
    assert best < collapse.collapse_time(setting) < onset


@given(cases())
def test_the_limit_is_the_nearest_distance_of_a_clean_point(setting):
    manifold = setting.manifold
    if manifold.intrinsic_dimension > 1000:
        return  # a point of so many coordinates is a long list
    clean = setting.at(point=np.sqrt(manifold.spectrum), times=[1.0])
    squared = supervision_region.nearest_distance_squared_asymptotic(clean)[0] / manifold.intrinsic_dimension
    assert generalization_time.generalization_time_asymptotic(setting) == pytest.approx(squared, rel=1e-9)


@given(manifolds)
def test_the_limit_of_the_divergence_turns_at_the_limit_of_the_time(manifold):
    setting = Setting(manifold, samples=1000)
    best = generalization_time.generalization_time_asymptotic(setting)
    around = best * np.array([0.9, 0.99, 1.0, 1.01, 1.1])
    found = generalization_time.kl_clean_asymptotic(setting.at(times=around))
    assert (np.diff(found)[:2] < 0).all()
    if around[-1] < generalization_time._critical(setting):
        assert (np.diff(found)[2:] > 0).all()


@pytest.mark.parametrize("t", [1e-9, 1e-4, 0.3, 1e5])
def test_the_bias_is_the_formula_of_the_derivation(t):
    setting = Setting.of("2x3,0.5x1", times=[t])
    formula = generalization_time.derivation()["bias"]
    expected = 3 * formula.reference(2.0, t) + formula.reference(0.5, t)
    assert generalization_time._bias(setting)[0] == pytest.approx(float(expected), rel=1e-12)


def test_the_divergence_by_sampling():
    """N = 3 in two directions, a million differences of logarithms."""
    setting = Setting.of("1x1,0.3x1", samples=3, times=np.array([0.2, 1.5]))
    random = np.random.default_rng(3)
    scale = np.sqrt(setting.manifold.spectrum)
    x, samples = random.standard_normal((300_000, 2)) * scale, random.standard_normal((300_000, 3, 2)) * scale
    log_clean = -(x**2 / scale**2).sum(axis=1) / 2 - np.log(2 * np.pi * scale.prod())
    energies = ((x[:, None] - samples) ** 2).sum(axis=2) / 2
    for found, t in zip(generalization_time.kl_clean(setting), setting.t, strict=True):
        log_ratio = log_clean - logsumexp(-energies / t, axis=1) + np.log(3 * 2 * np.pi * t)
        assert abs(log_ratio.mean() - found) < 5 * log_ratio.std() / np.sqrt(len(x))


@pytest.mark.parametrize(("spec", "samples"), [("1x1", 10), ("1x6", 300), ("1x20", 20000)])
def test_the_divergence_is_least_at_the_generalization_time(spec, samples):
    setting = Setting.of(spec, samples=samples)
    best = generalization_time.generalization_time(setting)

    def divergence(log_t):
        return generalization_time.kl_clean(setting.at(times=np.exp([log_t])))[0]

    found = minimize_scalar(divergence, bounds=(np.log(best) - 1, np.log(best) + 1), options={"xatol": 1e-4})
    assert np.exp(found.x) == pytest.approx(best, rel=1e-3)


def test_another_schedule_is_the_same_noise():
    setting = Setting.of("1x6", samples=300)
    other = setting.at(schedule="ou", times=[0.5])
    best = generalization_time.generalization_time(other)
    assert other.schedule.noise_variance(np.array(best)) == pytest.approx(
        generalization_time.generalization_time(setting), rel=1e-8
    )


def test_few_directions_turn_the_published_order():
    few, many = Setting.of("1x4", samples=100), Setting.of("1x60", samples=10**6)
    assert generalization_time.generalization_time(few) > 1.5 * generalization_time.onset_time(few)
    assert generalization_time.generalization_time(many) < 0.6 * collapse.collapse_time(many)
