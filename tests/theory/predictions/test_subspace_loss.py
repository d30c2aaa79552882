import numpy as np
import pytest
from hypothesis import given

from tests.theory.conftest import cases
from theory.disorder import Disorder
from theory.predictions import collapse, condensation, subspace_loss
from theory.setting import Setting


@given(cases())
def test_typical_lies_below_annealed_and_high_variance_goes_first(setting):
    annealed, typical = subspace_loss.loss_time_annealed(setting), subspace_loss.loss_time_typical(setting)
    assert (typical < annealed * (1 + 1e-12)).all()
    order = np.argsort(setting.manifold.variances, kind="stable")
    for times in (annealed, typical, subspace_loss.loss_time_published(setting)):
        assert (np.diff(times[order]) >= -1e-12 * times[order][1:]).all()


@given(cases())
def test_at_the_loss_time_the_critical_size_is_n(setting):
    for kind in ("annealed", "typical"):
        times = getattr(subspace_loss, f"loss_time_{kind}")(setting)
        for k, time in enumerate(times):
            found = getattr(subspace_loss, f"log_critical_samples_{kind}")(setting.at(times=[time]))[0, k]
            assert found == pytest.approx(np.log(setting.samples), rel=1e-8, abs=1e-8)


@given(cases())
def test_critical_sizes_fall_with_time_and_loss_times_with_n(setting):
    for kind in ("annealed", "typical"):
        log_sizes = getattr(subspace_loss, f"log_critical_samples_{kind}")(setting.at(times=np.geomspace(1e-4, 1e4, 9)))
        assert (np.diff(log_sizes, axis=0) < 1e-12 * np.abs(log_sizes[1:]) + 1e-12).all()
        f = getattr(subspace_loss, f"loss_time_{kind}")
        assert (f(setting.at(samples=3 * setting.samples)) < f(setting)).all()


@given(cases())
def test_the_published_time_is_the_fixed_point(setting):
    variances, m = setting.manifold.variances, setting.manifold.dimensions
    for ensemble, g in (("gaussian", 1), ("sphere", 0)):
        t = subspace_loss.loss_time_published(setting.at(ensemble=ensemble))
        right = np.sqrt((g / 2 * (m @ variances**2) + t * variances) / (2 * np.log(setting.samples)))
        np.testing.assert_allclose(t, right, rtol=1e-10)


# --- published numbers ---


def test_the_authors_own_setting():
    setting = Setting.of([(1.0, 2), (0.3**2, 5), (0.01**2, 23)], samples=1000)
    assert setting.manifold.ambient_dimension == 30
    np.testing.assert_allclose(subspace_loss.loss_time_published(setting), [0.310, 0.275, 0.272], atol=5e-4)
    sphere = subspace_loss.loss_time_published(setting.at(ensemble="sphere"))
    np.testing.assert_allclose(sphere, np.array([1, 0.09, 1e-4]) / (2 * np.log(1000)), rtol=1e-12)


def test_the_catalogues_times():
    setting = Setting.of("1x2,0.1x2", samples=300)
    np.testing.assert_allclose(subspace_loss.loss_time_annealed(setting), [0.219, 0.114], atol=5e-4)
    np.testing.assert_allclose(subspace_loss.loss_time_typical(setting), [0.085, 0.037], atol=5e-4)
    for samples, simulated in ((300, [0.123, 0.045]), (3000, [0.056, 0.022]), (30000, [0.026, 0.0113])):
        at = setting.at(samples=samples)
        assert (subspace_loss.loss_time_typical(at) < simulated).all()
        assert (subspace_loss.loss_time_annealed(at) > simulated).all()


# -- exact at finite N and D


def test_the_catalogues_loss_times():
    """Theory.md, by simulation: 0.123 and 0.045 at N = 300."""
    found = subspace_loss.loss_time_exact(Setting.of("1.0x2,0.1x2", samples=300))
    assert found == pytest.approx([0.123, 0.045], abs=5e-4)


def test_the_signal_passes_the_noise_at_the_loss_time():
    for query in ("fresh", "trajectory"):
        setting = Setting.of("1x6", samples=100, schedule="ou", times=np.array([0.5]), query=query)
        lost = subspace_loss.loss_time_exact(setting)
        assert subspace_loss.signal_to_noise(setting.at(times=lost)) == pytest.approx(1, rel=3e-4)


def test_at_a_point_the_signal_is_that_of_the_point():
    """Twice as far from the origin the score is twice as loud, and there the samples are fewer."""
    near = Setting.of("1x2", samples=100, times=np.array([0.3]), point=(0.5, 0.0))
    far = near.at(point=(2.0, 0.0))
    t, noise = 0.3, []
    for setting in (near, far):
        signal = setting.point[0] ** 2 / (1 + t) ** 2
        noise.append(signal / subspace_loss.signal_to_noise(setting)[0, 0])
    assert noise[1] > 2 * noise[0] > 0


def test_many_samples_are_the_leading_order():
    """The error is of order 1/N where t is far above the variance; closer, rare points slow it down."""
    off = []
    for N in (10**5, 10**6):
        setting = Setting.of("1x3", samples=N, times=np.array([5.0]))
        ratio = subspace_loss.signal_to_noise(setting) * subspace_loss.critical_samples_annealed(setting) / N
        off.append(ratio[0, 0] - 1)
    assert 0 < off[1] < 2e-5
    assert off[1] / off[0] == pytest.approx(0.1, rel=0.1)


def test_many_directions_are_lost_below_both_times():
    """The order 1/N of the noise has no bound, the noise has one: the bracket is for few directions."""
    few, many = Setting.of("1x4", samples=300), Setting.of("1x20", samples=20000)
    for setting, between in ((few, True), (many, False)):
        found = subspace_loss.loss_time_exact(setting)
        assert found < subspace_loss.loss_time_annealed(setting)
        assert (found > subspace_loss.loss_time_typical(setting)) == between


# -- the limit


@given(cases())
def test_the_limit_is_lost_below_collapse(setting):
    """And in the order of the variances."""
    lost = subspace_loss.loss_time_asymptotic(setting)
    assert (lost < collapse.collapse_time(setting)).all()
    order = np.argsort(setting.manifold.variances, kind="stable")
    assert (np.diff(lost[order]) >= -1e-12 * lost[order][1:]).all()
    own = subspace_loss.loss_time_asymptotic(setting.at(query="trajectory"))
    at_most = np.minimum(setting.manifold.variances, collapse.collapse_time(setting))
    np.testing.assert_allclose(own, at_most, rtol=1e-9)


@given(cases())
def test_the_limit_of_the_signal_to_noise_is_one_at_the_loss_time(setting):
    lost = subspace_loss.loss_time_asymptotic(setting)
    found = subspace_loss.signal_to_noise_asymptotic(setting.at(times=lost))
    np.testing.assert_allclose(np.diagonal(found), 1, rtol=1e-6)


def test_the_signal_to_noise_approaches_its_limit():
    """log N = m/4, t half the collapse time, at a typical x: the error of the noise falls as m grows."""
    t, off = 0.5 / np.expm1(0.5), []
    for m in (20, 80, 320):
        setting = Setting.of(f"1x{m}", samples=100, times=np.array([t])).at(samples=round(np.exp(m / 4)))
        exact = Disorder(setting.manifold, t, setting.samples, setting.offsets).mean_error()[0, 0]
        signal = setting.offsets[0, 0] * (t / (1 + t)) ** 2
        off.append(abs(signal / exact / subspace_loss.signal_to_noise_asymptotic(setting)[0, 0] - 1))
    assert off[2] < 0.4 * off[1] < 0.3 * off[0]
    assert off[2] < 0.1


def test_the_loss_time_approaches_its_limit():
    """100 directions, a million samples: 0.984, where the order 1/N has 5.04."""
    setting = Setting.of("1x100", samples=10**6)
    limit = subspace_loss.loss_time_asymptotic(setting)[0]
    assert limit == pytest.approx(subspace_loss.loss_time_exact(setting)[0], rel=0.08)
    assert subspace_loss.loss_time_typical(setting)[0] > 5 * limit


def test_the_limit_at_a_point():
    setting = Setting.of("1x2,0.1x3", samples=300, times=np.array([1e-3, 1.0]), point=(0.8, -0.5, 0.3, 0.0, -0.1))
    critical = condensation.condensation_time(setting)
    lost = subspace_loss.loss_time_asymptotic(setting)
    assert (lost < critical).all()
    assert subspace_loss.signal_to_noise_asymptotic(setting.at(times=lost[:1]))[0, 0] == pytest.approx(1, rel=1e-6)
    assert np.isinf(subspace_loss.signal_to_noise_asymptotic(setting)[1]).all()
    moving = setting.at(schedule="ou", times=np.array([0.1]))
    assert np.isnan(subspace_loss.loss_time_asymptotic(moving)).all()


def test_at_a_point_whose_signal_is_below_the_noise_at_all_times_nothing_is_regained():
    """N x^2 = lambda m in the first subspace: the ratio tends to 1 from below."""
    setting = Setting.of("1x2,0.25x2", samples=20, point=(0.3, 0.1, 0.2, 0.1))
    never, found = subspace_loss.loss_time_exact(setting)
    assert np.isnan(never)
    assert subspace_loss.signal_to_noise(setting.at(times=[found]))[0, 1] == pytest.approx(1, rel=1e-4)
