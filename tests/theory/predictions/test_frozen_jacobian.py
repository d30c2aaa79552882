import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit

from tests.theory.conftest import cases
from theory.observable import observables
from theory.predictions import collapse, condensation, frozen_jacobian, subspace_loss
from theory.setting import Setting


def two_samples(variance, t, x, own):
    """E C^ of two samples in one dimension, w (1 - w) (y - y')^2, by the trapezoidal rule over both."""
    z = np.linspace(-9, 9, 1001)
    weights = np.exp(-(z**2) / 2)
    weights /= weights.sum()
    impostor = np.sqrt(variance) * z
    first = variance / (variance + t) * x + np.sqrt(variance * t / (variance + t)) * z if own else impostor
    y, other = first[:, None], impostor[None, :]
    ratio = ((x - y) ** 2 - (x - other) ** 2) / (2 * t)
    spread = (y - other) ** 2 * expit(ratio) * expit(-ratio)
    return weights @ spread @ weights


@pytest.mark.parametrize("t", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("x", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_two_samples_by_quadrature(t, x, query):
    setting = Setting.of("1.3x1", samples=2, times=np.array([t]), point=(x,), query=query)
    expected = two_samples(1.3, t, x, query == "trajectory")
    # the averages reach 1e-8 here, but 3e-6 of two samples seen from x = 0
    assert frozen_jacobian.retained_variance(setting)[0, 0] == pytest.approx(expected, rel=1e-5 if x == 0 else 1e-7)


def test_averages_over_x_are_those_of_the_points():
    setting = Setting.of("1x1", samples=5, times=np.array([0.4]))
    z, weights = np.polynomial.hermite_e.hermegauss(60)
    at = [frozen_jacobian.retained_variance(setting.at(point=(np.sqrt(1.4) * x,)))[0, 0] for x in z]
    assert frozen_jacobian.retained_variance(setting)[0, 0] == pytest.approx(at @ weights / weights.sum(), rel=1e-5)


def test_many_samples_have_the_posterior_variance():
    setting = Setting.of("1x3", samples=10**9, times=np.array([1.0, 3.0]), point=(0.5, 0.5, -1.0))
    t = setting.t
    np.testing.assert_allclose(frozen_jacobian.retained_variance(setting)[:, 0], t / (1 + t), rtol=1e-6)
    np.testing.assert_allclose(frozen_jacobian.estimated_dimension(setting), 3 / (1 + t), rtol=1e-6)


def test_the_spread_is_frozen_at_any_size():
    """E C^/t has a limit as t falls, for ties between two samples are as frequent as t."""
    setting = Setting.of("1x3,0.1x2", samples=50, times=np.array([1e-8, 1e-6]), point=(1.0, 0.5, 0.2, 0.3, 0.1))
    share = frozen_jacobian.retained_variance(setting) / setting.t[:, None]
    np.testing.assert_allclose(share[0], share[1], rtol=1e-4)
    assert (share > 0.01).all()


@given(cases())
def test_the_limit_has_two_phases(setting):
    critical = collapse.collapse_time(setting)
    variances = setting.manifold.variances
    above, below = setting.at(times=critical * np.array([1, 7])), setting.at(times=critical * np.array([1e-3, 0.1]))
    at_x = condensation.critical_noise_variance(below)[:, None]
    assert (at_x < critical).all()
    t = above.t[:, None]
    np.testing.assert_allclose(
        frozen_jacobian.retained_variance_asymptotic(above), variances * t / (variances + t), rtol=1e-12
    )
    share = frozen_jacobian.retained_variance_asymptotic(below) / below.t[:, None]
    np.testing.assert_allclose(share, variances / (variances + at_x), rtol=1e-12)
    own = setting.at(query="trajectory", times=critical * np.array([0.5, 2]))
    assert (frozen_jacobian.retained_variance_asymptotic(own)[0] == 0).all()
    assert (frozen_jacobian.retained_variance_asymptotic(own)[1] > 0).all()


@given(cases())
def test_the_dimension_is_the_sum_over_directions(setting):
    share = frozen_jacobian.retained_variance_asymptotic(setting) / setting.t[:, None]
    found = frozen_jacobian.estimated_dimension_asymptotic(setting)
    np.testing.assert_allclose(found, (share * setting.manifold.dimensions).sum(axis=1), rtol=1e-12)
    assert (found <= setting.manifold.intrinsic_dimension * (1 + 1e-12)).all()


def test_the_exact_dimension_is_the_sum_over_directions():
    setting = Setting.of("1x2,0.1x3", samples=30, times=np.array([0.1, 0.5]), point=(1.0, 0.5, 0.2, 0.3, 0.1))
    share = frozen_jacobian.retained_variance(setting) / setting.t[:, None]
    np.testing.assert_allclose(frozen_jacobian.estimated_dimension(setting), share @ [2, 3], rtol=1e-12)


def test_a_direction_shows_from_its_critical_size_on():
    setting = Setting.of("1x6,0.3x5,0.04x7", times=np.array([1e-9]))
    sizes = np.exp(frozen_jacobian.log_critical_samples_jacobian(setting))
    for k, size in enumerate(sizes):
        for factor, shows in ((0.8, False), (1.25, True)):
            few = setting.at(samples=round(factor * size))
            share = frozen_jacobian.retained_variance_asymptotic(few)[0] / few.t[0]
            assert (share[k] > 0.5) == shows
        at = condensation.critical_noise_variance(setting.at(samples=round(size)))[0]
        assert at == pytest.approx(setting.manifold.variances[k], rel=0.05)  # N is a whole number


def test_the_orders_of_jacobian_and_score_are_opposite():
    setting = Setting.of("1x6,0.3x5,0.04x7", times=np.array([0.01, 0.1]))
    assert (np.diff(frozen_jacobian.log_critical_samples_jacobian(setting)) > 0).all()
    assert (np.diff(subspace_loss.log_critical_samples_annealed(setting), axis=1) < 0).all()
    assert (np.diff(subspace_loss.log_critical_samples_typical(setting), axis=1) < 0).all()


def test_trajectories_lose_the_spread():
    setting = Setting.of("1x12", samples=100, times=np.array([0.2, 20.0]))
    fresh, own = (frozen_jacobian.retained_variance(setting.at(query=q))[:, 0] for q in ("fresh", "trajectory"))
    assert own[0] < 0.05 * fresh[0]
    assert own[1] == pytest.approx(fresh[1], rel=0.05)


def test_a_point_that_moves_with_time():
    moving = Setting.of("1x2", schedule="ou", times=np.array([0.1, 0.5]), samples=50, point=(1.0, 0.0))
    for k, (t, alpha) in enumerate(zip(moving.t, moving.alpha, strict=True)):
        here = Setting.of("1x2", times=np.array([t]), samples=50, point=(1.0 / alpha, 0.0))
        for name in (name for name, about in observables(frozen_jacobian).items() if about.anywhere):
            f = getattr(frozen_jacobian, name)
            np.testing.assert_allclose(f(moving)[k], f(here)[0], rtol=1e-9)


def test_the_critical_noise_is_that_of_condensation():
    setting = Setting.of("1x4,0.1x4", samples=300, times=np.array([1e-3]), point=(1.0,) * 4 + (0.3,) * 4)
    critical = condensation.condensation_time(setting)
    share = frozen_jacobian.retained_variance_asymptotic(setting)[0] / 1e-3
    np.testing.assert_allclose(share, [1 / (1 + critical), 0.1 / (0.1 + critical)], rtol=1e-12)
