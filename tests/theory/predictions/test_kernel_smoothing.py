import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from tests.theory.conftest import cases, decades, observe, small_manifolds
from theory.disorder import averages
from theory.observable import observables
from theory.predictions import kernel_smoothing, kl_bound, score_covariance
from theory.setting import Setting

CHEAP = [name for name, about in observables(kernel_smoothing).items() if not about.slow]
SMOOTHED = [name for name in CHEAP if name not in ("largest_bandwidth", "best_bandwidth")]  # what follows the bandwidth
ON_AVERAGE = "score_variance_mean", "kl_leading"
PLANE = Setting.of("1x1,0.3x1", samples=1000, times=[0.2], bandwidth=0.1, point=(0.7, -0.4))
LINE = Setting.of("1x1", samples=20, times=[0.2], bandwidth=0.1, point=(0.7,))
MIXTURE = Setting.of("0.1x1", samples=1000, times=[0.1], ensemble="mixture", separation=2.0, point=(0.4,))


def grid(reach, count=1201):
    """A trapezoidal rule, exact to all digits for what falls off within the reach."""
    z = np.linspace(-reach, reach, count)
    return z, np.full(count, z[1] - z[0])


def log_density(x, variance, centre):
    """Of two Gaussians about +-centre."""
    parts = [-((x - b) ** 2) / (2 * variance) for b in (centre, -centre)]
    return logsumexp(parts, axis=0) - np.log(2) - np.log(2 * np.pi * variance) / 2


def ratio_and_noise(x, t, h, lam, centre=0.0):
    """E F^2 and E (dF)^2, F = K * (g/p), by sums over shifts and samples."""
    y, dy = grid(25 * np.sqrt(lam) + centre)
    z, dz = grid(25 * np.sqrt(h))
    at = x + z[:, None]
    log_f = -((at - y) ** 2) / (2 * t) - np.log(2 * np.pi * t) / 2 - log_density(at, lam + t, centre)
    terms = dz[:, None] * np.exp(log_f - z[:, None] ** 2 / (2 * h)) / np.sqrt(2 * np.pi * h)
    F, slope = terms.sum(axis=0), (z[:, None] / h * terms).sum(axis=0)
    prior = dy * np.exp(log_density(y, lam, centre))
    return prior @ F**2, prior @ slope**2


# a fixed point


def test_the_values_of_the_notes():
    np.testing.assert_allclose(1000 * kernel_smoothing.score_variance(PLANE), [[4.252, 4.059]], atol=5e-4)
    np.testing.assert_allclose(kernel_smoothing.variance_gain(PLANE), [[1.6915, 1.4859]], atol=5e-5)
    centre = Setting.of("1x1", samples=1000, times=[0.2], bandwidth=2.0, point=(0.0,))
    np.testing.assert_allclose(1000 * kernel_smoothing.score_variance(centre), [[1.208]], atol=5e-4)
    assert kernel_smoothing.score_bias_exact(LINE) == pytest.approx(-0.03887, abs=5e-6)
    assert kernel_smoothing.score_error_exact(LINE) == pytest.approx(0.19452, abs=5e-6)
    mean = [kernel_smoothing.score_variance_mean(Setting.of("1x1", times=[0.1], bandwidth=h)) for h in (0, 0.1)]
    assert mean[0] / mean[1] == pytest.approx(0.07, abs=5e-3)
    mean = [kernel_smoothing.score_variance_mean(Setting.of("1x1", times=[1.0], bandwidth=h)) for h in (0, 1)]
    assert mean[0] / mean[1] == pytest.approx(0.65, abs=5e-3)


@pytest.mark.parametrize("h", [0.05, 0.3, 1.5])
def test_the_variance_is_that_of_its_definition(h):
    setting = PLANE.at(bandwidth=h, times=[0.5])
    parts = [ratio_and_noise(x, 0.5, h, lam) for x, lam in zip((0.7, -0.4), (1.0, 0.3), strict=True)]
    expected = [parts[0][1] * parts[1][0], parts[0][0] * parts[1][1]]
    np.testing.assert_allclose(1000 * kernel_smoothing.score_variance(setting), [expected], rtol=1e-10)


@pytest.mark.parametrize("h", [0.01, 0.06, 0.2])
@pytest.mark.parametrize("x", [0.0, 0.4, -1.3])
def test_the_variance_of_a_mixture_is_that_of_its_definition(x, h):
    expected = ratio_and_noise(x, 0.1, h, 0.1, 1.0)[1]
    found = kernel_smoothing.score_variance(MIXTURE.at(bandwidth=h, point=(x,)))
    np.testing.assert_allclose(1000 * found, [[expected]], rtol=1e-10)


def test_the_variance_of_a_mixture_in_several_directions():
    point = (0.4, 0.3, -0.6, 0.2)
    setting = MIXTURE.at(manifold=Setting.of("0.1x3,0.02x1").manifold, point=point, bandwidth=0.03)
    parts = np.array(
        [
            ratio_and_noise(x, 0.1, 0.03, lam, centre)
            for x, lam, centre in zip(point, (0.1, 0.1, 0.1, 0.02), (1.0, 0.0, 0.0, 0.0), strict=True)
        ]
    )
    each = parts[:, 0].prod() * parts[:, 1] / parts[:, 0]
    found = 1000 * kernel_smoothing.score_variance(setting)
    np.testing.assert_allclose(found, [[each[:3].mean(), each[3]]], rtol=1e-10)


def test_a_mixture_without_separation_is_gaussian():
    for observable in (kernel_smoothing.score_variance, kernel_smoothing.variance_gain):
        found = observable(PLANE.at(ensemble="mixture", separation=1e-8))
        np.testing.assert_allclose(found, observable(PLANE), rtol=1e-12)


@given(cases(small_manifolds))
def test_without_a_kernel_it_is_the_score_covariance(setting):
    m = setting.manifold
    x = tuple(np.sqrt(m.spectrum) * np.linspace(-1, 2, m.spectrum.size))
    found = kernel_smoothing.score_variance(setting.at(point=x))
    for t, row in zip(setting.t, found, strict=True):
        each = np.diag(score_covariance.covariance(x, t, m)) / setting.samples
        np.testing.assert_allclose(row, [each[part].mean() for part in m.slices], rtol=1e-9)


def test_the_variance_exists_up_to_its_bound():
    bound = 0.5 * 0.8 / 0.3  # (lambda + t)(2 lambda + t)/lambda, at lambda = 1 it is larger
    for observable in (kernel_smoothing.score_variance, kernel_smoothing.variance_gain):
        assert np.isfinite(observable(PLANE.at(bandwidth=0.999 * bound))).all()
        assert np.isnan(observable(PLANE.at(bandwidth=bound * (1 + 1e-12)))).all()
    below, above = (MIXTURE.at(bandwidth=f * 0.2 * 0.3 / 0.1) for f in (0.8, 1.0001))
    assert np.isfinite(kernel_smoothing.score_variance(below)).all()
    assert np.isnan(kernel_smoothing.score_variance(above)).all()


@given(decades(-3, 3), st.integers(1, 20), decades(-3, 3))
def test_in_the_middle_the_best_bandwidth_is_the_variance_of_the_noised_data(lam, D, t):
    setting = Setting.of([(lam, D)], times=[t], point=(0.0,) * D)
    assert kernel_smoothing.best_bandwidth(setting) == pytest.approx(lam + t, rel=1e-9)
    gain = kernel_smoothing.variance_gain(setting.at(bandwidth=lam + t))
    assert gain == pytest.approx(((lam + t) ** 2 / (t * (2 * lam + t))) ** (D / 2 + 1), rel=1e-9)


@given(cases(small_manifolds), st.floats(0, 2))
def test_the_best_bandwidth_has_the_least_variance(setting, r):
    m = setting.manifold
    setting = setting.at(times=m.variances[:1] * 0.3, point=tuple(r * np.sqrt(m.spectrum)))
    best = kernel_smoothing.best_bandwidth(setting)[0]

    def total(h):
        return kernel_smoothing.score_variance(setting.at(bandwidth=h))[0] @ m.dimensions

    least = total(best)
    for other in (0, 0.7 * best, 0.99 * best, 1.01 * best, 1.2 * best, 1e-3 * m.variances[0]):
        assert not total(other) < least * (1 - 1e-12)


def test_far_from_the_middle_no_bandwidth_is_better():
    assert kernel_smoothing.best_bandwidth(LINE.at(point=(6.0,))) == 0
    assert kernel_smoothing.variance_gain(LINE.at(point=(6.0,))) < 1
    assert kernel_smoothing.best_bandwidth(LINE.at(point=(1.0,))) > 0


# a mixture


@pytest.mark.parametrize(("x", "h"), [(0.4, 0.05), (-1.2, 0.3), (0.1, 3.0)])
def test_the_bias_is_that_of_the_density(x, h):
    with mpmath.workdps(25):

        def score(v):
            return (-v + mpmath.tanh(v / mpmath.mpf("0.2"))) / mpmath.mpf("0.2")

        scale = mpmath.sqrt(h)
        smoothed = mpmath.quad(lambda z: mpmath.npdf(z) * score(x + scale * z), np.linspace(-12, 12, 97).tolist())
        expected = float(smoothed - score(mpmath.mpf(x)))
    found = kernel_smoothing.score_bias(MIXTURE.at(bandwidth=h, point=(x,)))
    np.testing.assert_allclose(found, [[expected]], rtol=1e-10, atol=1e-12)


def test_gaussian_data_and_other_directions_have_no_bias():
    assert (kernel_smoothing.score_bias(PLANE) == 0).all()
    wide = MIXTURE.at(manifold=Setting.of("0.1x1,0.3x2").manifold, point=(0.4, 0.1, 0.2), bandwidth=0.05)
    found = kernel_smoothing.score_bias(wide)
    assert found[0, 1] == 0
    assert found[0, 0] == kernel_smoothing.score_bias(MIXTURE.at(bandwidth=0.05))[0, 0]


@pytest.mark.parametrize("point", [(0.4,), (0.4, 0.2, -0.3)])
def test_the_best_bandwidth_balances_bias_and_variance(point):
    """Slopes by central differences in h, which the sums over shifts take as h -> 0 from above."""
    spectrum = "0.1x1" if len(point) == 1 else "0.1x2,0.05x1"
    setting = MIXTURE.at(manifold=Setting.of(spectrum).manifold, point=point)
    m, e = setting.manifold.dimensions, 1e-4
    total = [kernel_smoothing.score_variance(setting.at(bandwidth=k * e))[0] @ m for k in range(5)]
    slope = (-25 * total[0] + 48 * total[1] - 36 * total[2] + 16 * total[3] - 3 * total[4]) / (12 * e)
    bias = [kernel_smoothing.score_bias(setting.at(bandwidth=k * e))[0, 0] for k in range(5)]
    bent = 2 * (-25 * bias[0] + 48 * bias[1] - 36 * bias[2] + 16 * bias[3] - 3 * bias[4]) / (12 * e)
    log_ratio = np.log([own_ratio(x) for x in (0.4 - 1e-4, 0.4, 0.4 + 1e-4)])
    rest = np.prod([ratio_and_noise(x, 0.1, 1e-12, lam)[0] for x, lam in zip(point[1:], (0.1, 0.05), strict=False)])
    beta = -rest * np.exp(log_ratio[1]) * (log_ratio[2] - log_ratio[0]) / 2e-4 / 2 / 1000
    found = kernel_smoothing.best_bandwidth(setting)[0]
    assert found == pytest.approx(-2 * (slope + beta * bent) / bent**2, rel=1e-6)
    if len(point) == 1:  # the notes leave out beta
        assert -2000 * slope / bent**2 == pytest.approx(0.9445, abs=2e-4)
        assert 1000 * found == pytest.approx(1.3525, abs=1e-4)


def own_ratio(x):
    """E (g/p)^2 of the mixture, without a kernel."""
    y, dy = grid(8, 4001)
    log_f = -((x - y) ** 2) / 0.2 - np.log(0.2 * np.pi) / 2 - log_density(x, 0.2, 1.0)
    return (dy * np.exp(2 * log_f + log_density(y, 0.1, 1.0))).sum()


def test_where_the_score_is_not_bent_there_is_no_bias_to_balance():
    assert kernel_smoothing.best_bandwidth(MIXTURE.at(point=(0.0,))) == np.inf
    assert kernel_smoothing.best_bandwidth(MIXTURE.at(point=(3.0,))) == 0


def test_where_next_to_no_samples_count_the_best_bandwidth_is_beyond_all_numbers():
    many, more = (MIXTURE.at(manifold=Setting.of(f"0.1x{D}").manifold, point=None) for D in (200, 2000))
    assert np.isfinite(kernel_smoothing.best_bandwidth(many)).all()
    assert kernel_smoothing.best_bandwidth(more) == np.inf


# what is left out


def test_the_next_order_falls_as_the_square_of_the_samples():
    assert kernel_smoothing.next_variance(PLANE.at(samples=2000)) == pytest.approx(
        kernel_smoothing.next_variance(PLANE) / 4
    )
    own, t = PLANE.at(schedule="ou"), PLANE.at(schedule="ou").t[0]
    same = PLANE.at(times=[t], point=tuple(np.array(PLANE.point) / own.alpha[0]))
    expected = kernel_smoothing.next_variance(same) / own.alpha[0] ** 2
    np.testing.assert_allclose(kernel_smoothing.next_variance(own), expected, rtol=1e-12)


def test_where_there_is_no_point_the_next_order_is_at_the_root_mean_square():
    setting = Setting.of("1x2,0.3x1", times=[0.5], bandwidth=0.1)
    at = setting.at(point=tuple(np.sqrt(setting.manifold.spectrum + 0.5)))
    np.testing.assert_allclose(kernel_smoothing.next_variance(setting), kernel_smoothing.next_variance(at), rtol=1e-12)


def test_the_next_order_is_for_gaussian_data():
    with pytest.raises(ValueError, match="the second order is known for Gaussian data, got 'mixture'"):
        kernel_smoothing.next_variance(MIXTURE)


@pytest.mark.parametrize("h", [0.005, 0.05])
def test_the_weight_ratio_is_that_of_its_definition(h):
    found = kernel_smoothing.weight_ratio(MIXTURE.at(bandwidth=h))
    np.testing.assert_allclose(found, ratio_and_noise(0.4, 0.1, h, 0.1, 1.0)[0], rtol=1e-10)


# averaged over x


@pytest.mark.parametrize("share", [0.2, 0.7, 0.95])
def test_the_average_is_one_over_points(share):
    setting = Setting.of("1x1,0.3x1", samples=1000, times=[0.4])
    h = share * kernel_smoothing.largest_bandwidth(setting)[0]
    d, (x, dx), parts = kernel_smoothing.derivation(), grid(120, 3001), []
    for lam in (1.0, 0.3):
        u = d["shrunk"](lam, 0.4, h)
        at = lam, x**2, 0.4, u, d["room"](lam, 0.4, u)
        log_p = -(x**2) / (2 * (lam + 0.4)) - np.log(2 * np.pi * (lam + 0.4)) / 2
        R = dx * np.exp(log_p + d["log_weight_ratio"](*at))
        parts.append((R.sum(), R @ d["noise"](*at)))
    expected = [parts[0][1] * parts[1][0], parts[0][0] * parts[1][1]]
    found = 1000 * kernel_smoothing.score_variance_mean(setting.at(bandwidth=h))
    np.testing.assert_allclose(found, [expected], rtol=1e-10)


@given(cases(small_manifolds), st.floats(0.001, 0.99))
def test_on_average_smoothing_gains_nothing(setting, share):
    setting = setting.at(times=setting.manifold.variances[:1])
    h = share * kernel_smoothing.largest_bandwidth(setting)[0]
    less, more = (getattr(kernel_smoothing, name)(setting.at(bandwidth=h)) for name in ON_AVERAGE)
    for name, smoothed in zip(ON_AVERAGE, (less, more), strict=True):
        assert (smoothed > getattr(kernel_smoothing, name)(setting)).all()
        assert (getattr(kernel_smoothing, name)(setting.at(bandwidth=1.001 * h)) > smoothed).all()


@given(cases(small_manifolds))
def test_without_a_kernel_the_averages_are_those_of_score_covariance_and_kl_bound(setting):
    found, expected = kernel_smoothing.score_variance_mean(setting), score_covariance.noise_variance_annealed(setting)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(kernel_smoothing.kl_leading(setting), kl_bound.kl_leading(setting), rtol=1e-8)


@pytest.mark.parametrize("name", ON_AVERAGE)
def test_the_averages_exist_below_the_largest_bandwidth(name):
    setting = Setting.of("1x1,0.3x2", times=[0.2, 0.5])
    bound = kernel_smoothing.largest_bandwidth(setting)
    np.testing.assert_allclose(bound, [0.24, 0.75], rtol=1e-14)
    below, above = (getattr(kernel_smoothing, name)(setting.at(bandwidth=f * bound[0])) for f in (0.999, 1.001))
    assert np.isfinite(below).all()
    assert np.isnan(above[0]).all()
    assert np.isfinite(above[1]).all()


def test_the_divergence_against_another_rule():
    setting = Setting.of("1x1,0.3x2", samples=100, times=[0.3], bandwidth=0.2)
    with mpmath.workdps(25):

        def rate(t):
            parts = [(mpmath.mpf(lam), m, lam * 0.2 / (lam + t)) for lam, m in ((1.0, 1), (0.3, 2))]
            X = mpmath.fprod(((lam + t) / mpmath.sqrt(t**2 - u**2)) ** m for lam, m, u in parts)
            return X * sum(m * lam * t / ((lam + t) * (t**2 - u**2)) for lam, m, u in parts)

        expected = mpmath.quad(rate, [0.3, 0.5, 1, 3, 10, 100, mpmath.inf]) / 200
    assert kernel_smoothing.kl_leading(setting) == pytest.approx(float(expected), rel=1e-10)


# exact at finite N


def of_two_samples(x, t, h):
    """E and E of the square of s_h - s for N = 2, lambda = 1, by a sum over both samples and the shifts."""
    y, dy = grid(9, 361)
    prior = dy * np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi)
    z, dz = grid(9 * np.sqrt(h), 181)
    kernel = dz * np.exp(-(z**2) / (2 * h)) / np.sqrt(2 * np.pi * h)
    middle, half = (y[:, None] + y) / 2, (y[:, None] - y) / 2
    mean = sum(k * (middle + half * np.tanh(half * (x + s - middle) / t)) for s, k in zip(z, kernel, strict=True))
    error = (mean - x / (1 + t)) / t
    weights = np.outer(prior, prior)
    return (weights * error).sum(), (weights * error**2).sum()


@pytest.mark.parametrize(("x", "h"), [(0.7, 0.5), (-1.5, 0.1)])
def test_the_exact_values_of_two_samples(x, h):
    setting = Setting.of("1x1", samples=2, times=[1.0], bandwidth=h, point=(x,))
    mean, square = of_two_samples(x, 1.0, h)
    assert kernel_smoothing.score_bias_exact(setting) == pytest.approx(mean, rel=1e-6)
    assert kernel_smoothing.score_error_exact(setting) == pytest.approx(square, rel=1e-6)


def test_many_samples_have_the_leading_error():
    setting = LINE.at(samples=10**6)
    np.testing.assert_allclose(
        kernel_smoothing.score_error_exact(setting), kernel_smoothing.score_variance(setting)[:, 0], rtol=1e-4
    )
    without = setting.plain
    np.testing.assert_allclose(
        kernel_smoothing.score_error_exact(without), kernel_smoothing.score_variance(without)[:, 0], rtol=1e-4
    )


def test_exact_values_in_another_unit_and_schedule(schedule):
    own = Setting.of("1x1", samples=200, times=[0.4], schedule=schedule, bandwidth=0.05, point=(0.3,))
    x = own.point[0] / own.alpha[0]
    wide = Setting.of([(9.0, 1)], samples=200, times=9 * own.t, bandwidth=0.45, point=(3 * x,))
    for name, d in (("score_error_exact", 2), ("score_bias_exact", 1)):
        found, expected = (getattr(kernel_smoothing, name)(at) for at in (own, wide))
        np.testing.assert_allclose(found, 3**d * expected / own.alpha**d, rtol=1e-6)


@pytest.mark.parametrize("t", [1e3, 1e6])
def test_a_kernel_much_narrower_than_the_noise_is_no_obstacle(t):
    found = kernel_smoothing.score_error_exact(Setting.of("1x1", samples=2, times=[t], bandwidth=1.0))
    assert 2 * t**2 * found == pytest.approx(1, abs=1 / t)


def test_what_would_take_too_long_is_nan():
    for name in ("score_error_exact", "score_bias_exact"):
        found = getattr(kernel_smoothing, name)(LINE.at(samples=2, times=[1e-3, 2.0]))
        assert np.isnan(found).tolist() == [True, False]
    with pytest.raises(ValueError, match=r"score_bias_exact is known in 1 direction, got 1x1,0\.3x1"):
        kernel_smoothing.score_bias_exact(PLANE)
    with pytest.raises(ValueError, match=r"score_error_exact is known in 1 subspace, got 1x1,0\.3x1"):
        kernel_smoothing.score_error_exact(PLANE)


def test_many_samples_of_several_directions_have_the_leading_error():
    for text, h in (("1x3", 0.1), ("1x3", 0.0), ("1x2,0.3x1", 0.0)):
        setting = Setting.of(text, samples=10**5, times=[0.5], bandwidth=h)
        leading = kernel_smoothing.score_variance(setting) @ setting.manifold.dimensions
        np.testing.assert_allclose(kernel_smoothing.score_error_sampled(setting), leading, rtol=1e-3)


def test_without_a_kernel_the_error_is_that_of_the_average_over_data_sets():
    plain = Setting.of("1x2,0.3x1", samples=20, times=[0.3, 1.0], point=(0.7, 0.1, -0.4))
    expected = averages(plain, "mean_error")["mean_error"].sum(axis=1) / plain.t**2
    np.testing.assert_allclose(kernel_smoothing.score_error_sampled(plain), expected, rtol=1e-6)


@pytest.mark.parametrize("schedule", ["ve", "vp", "flow"])
def test_the_error_in_several_directions_in_another_unit_and_schedule(schedule):
    own = Setting.of("1x2", samples=20, times=[0.4], schedule=schedule, bandwidth=0.02, point=(0.3, -0.2))
    x, y = (a / own.alpha[0] for a in own.point)
    wide = Setting.of("9x2", samples=20, times=9 * own.t, bandwidth=0.18, point=(3 * y, 3 * x))
    found, expected = (kernel_smoothing.score_error_exact(at) for at in (own, wide))
    np.testing.assert_allclose(found, 9 * expected / own.alpha**2, rtol=1e-6)


def test_the_sampled_error_of_one_subspace_is_the_exact_one():
    np.testing.assert_array_equal(kernel_smoothing.score_error_sampled(LINE), kernel_smoothing.score_error_exact(LINE))
    with pytest.raises(ValueError, match="derived for the gaussian ensemble, got 'mixture'"):
        kernel_smoothing.score_error_sampled(MIXTURE)


# units, schedules, domains


@pytest.mark.parametrize("name", SMOOTHED)
def test_what_follows_the_bandwidth_changes_with_it(name):
    setting = MIXTURE if name == "score_bias" else Setting.of("1x2,0.1x3", samples=50, times=[0.3])
    found, plain = (observe("kernel_smoothing", name, at) for at in (setting.at(bandwidth=0.02), setting))
    assert (np.abs(found - plain) > 1e-3 * np.abs(found)).all()


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("ensemble", ["gaussian", "mixture"])
def test_units_drop_out_with_a_kernel(name, ensemble):
    about = getattr(kernel_smoothing, name).observable
    if ensemble not in about.ensembles:
        return
    further = {"separation": 1.5, "ensemble": ensemble} if ensemble == "mixture" else {}
    setting = Setting.of("1x2,0.1x1", samples=50, times=[0.3, 0.7], bandwidth=0.1, point=(0.5, 0.2, 0.1), **further)
    further |= {"separation": 4.5} if further else {}
    scaled = Setting.of("9x2,0.9x1", samples=50, times=[2.7, 6.3], bandwidth=0.9, point=(1.5, 0.6, 0.3), **further)
    found, plain = (observe("kernel_smoothing", name, at) for at in (scaled, setting))
    np.testing.assert_allclose(found, 3.0**about.scaling * plain, rtol=1e-9)


@pytest.mark.parametrize("name", CHEAP)
def test_a_schedule_is_a_map_of_time_with_a_kernel(schedule, name):
    about = getattr(kernel_smoothing, name).observable
    own = Setting.of("1x2,0.1x3", samples=500, times=[0.3, 0.6], schedule=schedule, bandwidth=0.01)
    exploding = Setting(own.manifold, samples=500, times=own.t, bandwidth=0.01)
    if "mixture" in about.ensembles:
        own, exploding = (at.at(ensemble="mixture", separation=1.0) for at in (own, exploding))
    per_score = {-1.0: own.alpha, -2.0: own.alpha**2}.get(about.scaling, np.ones_like(own.alpha))
    found, expected = (observe("kernel_smoothing", name, at) for at in (own, exploding))
    np.testing.assert_allclose(found, (expected.T / per_score).T, rtol=1e-10)


def test_a_point_is_given_in_the_units_of_the_schedule(schedule):
    own = Setting.of("1x2,0.1x1", times=[0.3], schedule=schedule, bandwidth=0.05, point=(0.3, 0.1, 0.2))
    at = tuple(x / own.alpha[0] for x in own.point)
    exploding = Setting(own.manifold, times=own.t, bandwidth=0.05, point=at)
    for name in ("variance_gain", "best_bandwidth"):
        found, expected = (observe("kernel_smoothing", name, setting) for setting in (own, exploding))
        np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("h", [1e-20, 1e-3, 1e20])
def test_extreme_settings_are_finite_or_nan_without_a_warning(name, h):
    setting = Setting.of("1e6x3,1x2", samples=10**9, times=np.geomspace(1e-6, 1e9, 7), bandwidth=h)
    found = observe("kernel_smoothing", name, setting)
    assert not (found < 0).any()
    if h == 1e-20 and name != "kl_leading":
        assert not np.isnan(found).any()


def test_normal_directions_change_nothing():
    flat = LINE.at(manifold=type(LINE.manifold)(LINE.manifold.subspaces, 3))
    for name in (*CHEAP, "score_error_exact"):
        np.testing.assert_array_equal(observe("kernel_smoothing", name, flat), observe("kernel_smoothing", name, LINE))


def test_the_bias_far_above_the_data_is_its_limit_or_no_number():
    """-lambda/N t^(3/2): of many samples it is less than rounding from some t on."""
    far = Setting.of("1x1", samples=2, times=[1e9, 1e12, 1e20], bandwidth=0.01)
    found = kernel_smoothing.score_bias_exact(far)
    np.testing.assert_allclose(found[:2], -1 / (2 * far.t[:2] ** 1.5), rtol=1e-6)
    assert np.isnan(found[2])
    assert np.isnan(kernel_smoothing.score_bias_exact(far.at(samples=10**6))).all()
    np.testing.assert_allclose(kernel_smoothing.score_error_exact(far), 1 / (2 * far.t**2), rtol=1e-6)


@pytest.mark.parametrize("h", [0.0, 0.01])
def test_samples_beyond_number_are_given_up_at_once(h):
    """Of 10^300 samples a line of theta was as long as memory."""
    assert np.isnan(kernel_smoothing.score_error_exact(Setting.of("1x3", samples=10**300, times=[0.1], bandwidth=h)))
