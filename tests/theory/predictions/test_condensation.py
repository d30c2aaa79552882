import numpy as np
import pytest
from hypothesis import given

from tests.theory.conftest import cases
from theory.predictions import collapse, condensation
from theory.setting import Setting

AUTHORS = Setting.of("1.0x2,0.09x5,0.0001x23", samples=1000, times=np.array([0.01]), point=(0.1, *[0.0] * 29))


@given(cases())
def test_a_typical_point_condenses_at_collapse(setting):
    assert condensation.condensation_time(setting) == collapse.collapse_time(setting)
    squares = [
        m * (v + collapse.collapse_time(setting))
        for v, m in zip(setting.manifold.variances, setting.manifold.dimensions, strict=True)
    ]
    if setting.manifold.intrinsic_dimension > 1000:
        return  # a point of so many coordinates is a long list
    point = np.concatenate([[np.sqrt(s / m)] * m for s, m in zip(squares, setting.manifold.dimensions, strict=True)])
    assert condensation.condensation_time(setting.at(point=point)) == pytest.approx(
        collapse.collapse_time(setting), rel=1e-9
    )


@given(cases())
def test_more_samples_condense_later_in_the_reverse_process(setting):
    for f in (condensation.condensation_time, condensation.condensation_time_gaussian):
        assert f(setting.at(samples=10 * setting.samples)) < f(setting)


@given(cases())
def test_energies_are_gaussian_where_log_n_is_small(setting):
    """The ratio of the two times falls to one as log N/m does; it never is below."""
    t, g = condensation.condensation_time(setting), condensation.condensation_time_gaussian(setting)
    assert g > t * (1 - 1e-12)


def test_the_ratio_of_the_times_falls_with_the_dimension():
    settings = [Setting.of(f"1x{D}", samples=1000) for D in (10, 100, 1000, 10**4)]
    ratio = [condensation.condensation_time_gaussian(s) / condensation.condensation_time(s) - 1 for s in settings]
    assert (np.diff(ratio) < 0).all()
    assert ratio[-1] < 0.01


def test_the_authors_setting():
    """Theory.md: the published times are 0.27 and above, the exact condensation time at these points is 0.0108."""
    assert condensation.condensation_time(AUTHORS) == pytest.approx(0.0108, abs=5e-5)
    assert condensation.condensation_time_gaussian(AUTHORS) == pytest.approx(0.273, abs=5e-4)
    assert condensation.participation(AUTHORS)[0] == pytest.approx(0.53, abs=0.01)


def test_the_catalogues_participation():
    """Theory.md: D = 20, lambda = 1, N = 20000, at a typical x: 0.326 at t = 0.59, 0.460 at 0.3 (its x is not told).

    Its limit there, 0.49, has the collapse time for t_c, which is that of an x at the collapse time.
    """
    setting = Setting.of("1x20", samples=20000, times=np.array([0.3, 0.59]))
    found = condensation.participation(setting)
    assert (abs(found - [0.460, 0.326]) < 0.1).all()
    limit = condensation.participation_asymptotic(setting)
    assert limit[0] == pytest.approx(0.414, abs=5e-3)
    assert 1 - 0.3 / condensation.condensation_time(setting) == pytest.approx(0.49, abs=5e-3)


@pytest.mark.parametrize("observable", ["participation", "entropy", "heat_capacity"])
@pytest.mark.parametrize("share", [0.2, 2.0])
def test_the_limit_is_reached_at_a_typical_x(observable, share):
    """log N = m/4, t a share of the collapse time: errors fall as m grows, where x is typical at t and not at collapse."""
    t, errors = share / np.expm1(0.5), []
    for m in (80, 320):
        typical = Setting.of(f"1x{m}", samples=100, times=np.array([t]))
        typical = typical.at(samples=round(np.exp(m / 4)), point=(np.sqrt(1 + t),) * m)
        limit = getattr(condensation, f"{observable}_asymptotic")(typical)[0]
        errors.append(abs(getattr(condensation, observable)(typical)[0] - limit))
    assert errors[1] < min(0.4 * errors[0], 0.07)


def test_a_typical_x_condenses_ever_later_as_it_comes_closer():
    setting = Setting.of("1x12,0.1x12", samples=1000)
    collapse_time = condensation.condensation_time(setting)
    at = setting.at(times=collapse_time * np.array([1e-6, 0.3, 1.0, 3.0]))
    critical = condensation.critical_noise_variance(at)
    assert (np.diff(critical) > 0).all()
    assert critical[2] == pytest.approx(collapse_time, rel=1e-12)
    clean = setting.manifold.dimensions * setting.manifold.variances
    least = condensation.critical_noise_at(setting.manifold, 1000, clean[None])
    assert critical[0] == pytest.approx(least[0], rel=1e-5)


def test_entropy_and_participation_at_both_ends():
    setting = Setting.of("1x3", samples=50, times=np.array([1e-9, 1e9]))
    found = condensation.participation(setting), condensation.entropy(setting), condensation.heat_capacity(setting)
    np.testing.assert_allclose(found[0], [1, 1 / 50], atol=1e-3)
    np.testing.assert_allclose(found[1], [0, np.log(50)], atol=1e-3)
    np.testing.assert_allclose(found[2], 0, atol=1e-2)


def test_trajectories_condense_on_their_own_sample():
    setting = Setting.of("1x20", samples=1000, times=np.array([0.1, 30.0]), query="trajectory")
    assert condensation.participation_asymptotic(setting).tolist() == [1, 0]
    assert condensation.entropy_asymptotic(setting)[0] == condensation.heat_capacity_asymptotic(setting)[0] == 0
    assert condensation.participation(setting)[0] > 0.999
    fresh = condensation.participation(setting.at(query="fresh"))
    assert fresh[0] < 0.9
    assert condensation.participation(setting)[1] == pytest.approx(fresh[1], rel=0.2)


def test_a_point_that_moves_with_time_has_no_condensation_time_of_its_own():
    moving = Setting.of("1x2", schedule="ou", times=np.array([0.1, 0.5]), samples=50, point=(1.0, 0.0))
    assert np.isnan(condensation.condensation_time(moving))
    assert np.isnan(condensation.condensation_time_gaussian(moving))
    found = condensation.participation_asymptotic(moving)
    for k, (t, alpha) in enumerate(zip(moving.t, moving.alpha, strict=True)):
        here = Setting.of("1x2", times=np.array([t]), samples=50, point=(1.0 / alpha, 0.0))
        assert found[k] == pytest.approx(condensation.participation_asymptotic(here)[0], rel=1e-9)
        assert condensation.participation(moving)[k] == pytest.approx(condensation.participation(here)[0], rel=1e-9)
