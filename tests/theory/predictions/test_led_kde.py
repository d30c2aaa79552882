import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import quad
from scipy.special import erf

from tests.theory.conftest import cases, decades, fitting, observe, small_manifolds
from theory.observable import observables
from theory.predictions import kl_bound, led_kde
from theory.setting import LinearManifold, Setting

# two samples at -1 and 1 under noise 0.1, bandwidth 0.5, and the same of more noise, where one mode is left
TWO = Setting.of("0.05x1", times=[0.05, 0.3, 1.0], ensemble="mixture", separation=2.0, bandwidth=0.5)
PLACES = [
    (TWO.at(bandwidth=h, separation=b).at(times=t), b / 2, 0.05 + t, h)
    for t, b, h in ((0.05, 2.0, 0.5), (0.3, 2.0, 0.1), (1.0, 2.0, 3.0), (0.05, 2.5, 0.02), (0.01, 1.0, 1e-3))
]
NAMES = list(observables(led_kde))


def smoothed(x, a, v, h):
    """K_h * log p of two samples, by the trapezoid rule in x itself."""
    step = min(math.sqrt(h), v / a) / 16
    shifts = np.arange(-10 * math.sqrt(h), 10 * math.sqrt(h), step)
    weights = np.exp(-(shifts**2) / (2 * h))
    at = np.asarray(x)[..., None] + shifts
    log_p = np.logaddexp(-((at - a) ** 2) / (2 * v), -((at + a) ** 2) / (2 * v))
    return log_p @ (weights / weights.sum()) - math.log(8 * math.pi * v) / 2


def integral(f, a, v, h):
    """Of f exp(K_h * log p) over the line."""
    x = np.linspace(-a - 12 * math.sqrt(v), a + 12 * math.sqrt(v), 6001)
    return (f(x) * np.exp(smoothed(x, a, v, h))).sum() * (x[1] - x[0])


def probability(setting, low, high):
    return quad(lambda x: np.exp(led_kde.log_density(setting.at(point=(x,)))[0]), low, high, epsabs=1e-11)[0]


# the density


@pytest.mark.parametrize(("setting", "a", "v", "h"), PLACES)
def test_the_density_of_two_samples_against_quadrature(setting, a, v, h):
    norm = math.log(integral(np.ones_like, a, v, h))
    assert led_kde.normalization(setting)[0] == pytest.approx(norm, rel=1e-10)
    for x in (-1.2, 0.0, 0.3, 2.5):
        found = led_kde.log_density(setting.at(point=(x,)))[0]
        assert found == pytest.approx(smoothed(x, a, v, h) - norm, rel=1e-10, abs=1e-11)
    second = integral(np.square, a, v, h) / math.exp(norm)
    assert led_kde.variance(setting)[0, 0] == pytest.approx(second, rel=1e-10)


def log_mass(a, v, h):
    """log of int exp(K_h * log p) to 30 digits, both integrals by the trapezoid rule."""
    shifts = [mpmath.mpf(k) / 4 for k in range(-40, 41)]
    weights = [mpmath.npdf(xi) / 4 for xi in shifts]
    deviation, step = a * mpmath.sqrt(h) / v, min(mpmath.sqrt(v) / 4, v / a / 6)

    def mass(x):
        gains = (mpmath.log(mpmath.cosh(a * x / v + deviation * xi)) for xi in shifts)
        change = mpmath.fdot(weights, gains) - mpmath.log(mpmath.cosh(a * x / v)) - h / (2 * v)
        return mpmath.npdf(x, a, mpmath.sqrt(v)) * mpmath.expm1(change)

    far = int((a + 12 * mpmath.sqrt(v)) / step)
    return mpmath.log1p(step * mpmath.fsum(mass(k * step) for k in range(-far, far + 1)))


@pytest.mark.parametrize(
    ("a", "v", "h"), [(1.0, 0.125, 1e-9), (1.0, 0.375, 1e-6), (1.0, 1.0, 1e-3), (0.25, 1.0, 1e-12), (1.0, 0.5, 0.25)]
)
def test_the_normalization_under_a_narrow_kernel_against_mpmath(a, v, h):
    setting = Setting.of([(v / 2, 1)], times=[v / 2], ensemble="mixture", separation=2 * a, bandwidth=h)
    with mpmath.workdps(30):
        expected = float(log_mass(*map(mpmath.mpf, (a, v, h))))
    assert led_kde.normalization(setting)[0] == pytest.approx(expected, rel=1e-10)


def test_the_values_of_the_notes():
    """y = +-1, t = .1, h = .5: P(|x| < .5) = .3992; the notes have .39895, off by more than their digits."""
    assert probability(TWO.at(times=[0.05]), -0.5, 0.5) == pytest.approx(0.39916, abs=5e-6)
    assert probability(TWO.at(times=[0.05]), -8, 8) == pytest.approx(1, abs=1e-9)


@given(cases(small_manifolds), decades(-3, 3))
def test_of_infinitely_many_gaussian_samples_it_is_the_distribution(setting, bandwidth):
    line = Setting.of([(setting.manifold.variances[0], 1)], times=setting.times, bandwidth=bandwidth)
    v = line.manifold.variances[0] + line.t
    for x in (None, (0.3,)):
        square = v if x is None else 0.3**2
        expected = -np.log(2 * np.pi * v) / 2 - square / (2 * v)
        np.testing.assert_allclose(led_kde.log_density(line.at(point=x)), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(led_kde.normalization(line), -bandwidth / (2 * v), rtol=1e-13)
    wide = setting.at(bandwidth=bandwidth)
    np.testing.assert_allclose(led_kde.variance(wide), setting.manifold.variances + setting.t[:, None], rtol=1e-13)


@given(decades(-3, 1.5), decades(-3, 3))
def test_the_normalization_is_below_1(half, bandwidth):
    setting = TWO.at(separation=2 * half, bandwidth=bandwidth)
    assert (led_kde.normalization(setting) < 0).all()


def test_without_a_kernel_it_is_the_distribution():
    plain = TWO.plain
    v = 0.05 + plain.t
    np.testing.assert_allclose(led_kde.normalization(plain), 0, atol=1e-12)
    np.testing.assert_allclose(led_kde.variance(plain)[:, 0], 1 + v, rtol=1e-12)
    expected = -(np.log(2 * np.pi * v) + 0.3**2 / v + 1 / v) / 2 + np.log(np.cosh(0.3 / v))
    np.testing.assert_allclose(led_kde.log_density(plain.at(point=(-0.3,))), expected, rtol=1e-10)
    np.testing.assert_allclose(led_kde.mode_separation_asymptotic(plain), 2)


def test_where_no_point_is_given_x_has_its_mean_square():
    root = np.sqrt(1 + 0.05 + TWO.t)
    for i, r in enumerate(root):
        at = TWO.at(times=TWO.times[i], point=(r,))
        assert led_kde.log_density(TWO)[i] == pytest.approx(led_kde.log_density(at)[0], rel=1e-12)


def test_the_variance_of_a_mixture_is_one_of_its_first_direction():
    wide = TWO.at(manifold=LinearManifold.parse("0.05x3,2x1"))
    alone = led_kde.variance(TWO)[:, 0]
    np.testing.assert_allclose(led_kde.variance(wide)[:, 0], (alone + 2 * (0.05 + TWO.t)) / 3, rtol=1e-12)
    np.testing.assert_allclose(led_kde.variance(wide)[:, 1], 2 + TWO.t, rtol=1e-14)


# the modes


@pytest.mark.parametrize(("setting", "a", "v", "h"), PLACES)
def test_modes_are_where_the_density_is_largest(setting, a, v, h):
    mode = led_kde.mode_separation(setting)[0] / 2
    away = 1e-4 * max(mode, math.sqrt(v))
    here, left, right = smoothed(np.array([mode, mode - away, mode + away]), a, v, h)
    assert here > max(left, right)
    slope = (right - left) / (2 * away)
    curvature = (right + left - 2 * here) / away**2
    assert abs(slope / curvature) < 1e-7  # rounding over `away`, and its square


@pytest.mark.parametrize(("a", "v"), [(1.0, 0.1), (1.0, 0.9), (3.0, 0.01)])
def test_the_merging_bandwidth_against_mpmath(a, v):
    setting = Setting.of([(v / 2, 1)], times=[v / 2], ensemble="mixture", separation=2 * a, bandwidth=0.3)
    with mpmath.workdps(20):

        def excess(h):
            s = a * mpmath.sqrt(h) / v
            ends = sorted({-12 * s, -3, 0, 3, 12 * s} if s > 0.3 else {-12 * s, 0, 12 * s})
            return a**2 / v * mpmath.quad(lambda u: mpmath.sech(u) ** 2 * mpmath.npdf(u, 0, s), ends) - 1

        h = mpmath.findroot(excess, (0.8 * 2 * a**2 / mpmath.pi * (1 - v / a**2), 2 * a**2 / mpmath.pi))
    found = led_kde.merging_bandwidth(setting)[0]
    assert found == pytest.approx(float(h), rel=1e-10)
    below, above = (led_kde.mode_separation(setting.at(bandwidth=share * found))[0] for share in (0.999, 1.001))
    assert below > 0.01 * a
    assert above == 0
    assert found < led_kde.merging_bandwidth_asymptotic(setting)[0] == pytest.approx(2 * a**2 / math.pi, rel=1e-15)


def test_one_mode_without_a_kernel_is_one_at_every_bandwidth():
    close = TWO.at(separation=0.4)
    assert (led_kde.merging_bandwidth(close) == 0).all()
    assert (led_kde.mode_separation(close) == 0).all()
    assert (led_kde.mode_separation(close.plain) == 0).all()


def test_far_apart_the_modes_are_the_atoms():
    distances = []
    for v in (1e-1, 1e-2, 1e-3):
        far = Setting.of([(v / 2, 1)], times=[v / 2], ensemble="mixture", separation=2.0, bandwidth=0.3)
        distances.append(led_kde.mode_separation_asymptotic(far)[0] - led_kde.mode_separation(far)[0])
        h = led_kde.merging_bandwidth(far)[0] * math.pi / 2
        assert 1 - math.pi**3 * v**2 / 24 == pytest.approx(h, abs=3 * v**4)  # the next order
    assert distances[0] > 50 * distances[1] > 2500 * distances[2] > 0


@pytest.mark.parametrize("h", [1e-4, 0.1, 0.5, 0.6366])
def test_atoms_are_fixed_points(h):
    setting = TWO.at(bandwidth=h)
    x = led_kde.mode_separation_asymptotic(setting)[0] / 2
    assert x == pytest.approx(erf(x / math.sqrt(2 * h)), rel=1e-12)
    assert led_kde.derivation()["slope_asymptotic"](x, 1.0, h) < 1
    assert led_kde.atoms(setting) == 2


def test_beyond_the_merging_bandwidth_one_atom_is_left():
    setting = TWO.at(bandwidth=0.6367)
    assert led_kde.atoms(setting) == 1
    assert (led_kde.mode_separation_asymptotic(setting) == 0).all()


# the manifold, the divergence


def test_the_normal_variance_is_that_of_the_noise():
    flat = Setting.of(LinearManifold.parse("1x2", 5), times=[0.1, 0.7], bandwidth=0.4)
    np.testing.assert_array_equal(led_kde.normal_variance(flat), [0.1, 0.7])
    np.testing.assert_allclose(led_kde.normal_variance_plain(flat), [0.5, 1.1], rtol=1e-15)


def smoothed_weights(lam, t, h):
    """E_y (K_h * g/E g)^2 averaged over x, and E_y of the square of its average over x, by Gauss-Hermite."""
    z, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    v = lam + t
    x, y = math.sqrt(v) * z[:, None, None], math.sqrt(lam) * z[None, :, None]
    shifted = x + math.sqrt(h) * z
    g = math.sqrt(v / t) * np.exp(-((shifted - y) ** 2) / (2 * t) + shifted**2 / (2 * v))
    over = g @ w
    return w @ over**2 @ w, (w @ over) ** 2 @ w


@pytest.mark.parametrize(("lam", "t", "h"), [(0.3, 1.0, 0.2), (0.5, 2.0, 0.6), (0.2, 0.5, 0.0)])
def test_the_leading_divergence_against_quadrature(lam, t, h):
    setting = Setting.of([(lam, 2)], samples=100, times=[t], bandwidth=h)
    square, common = smoothed_weights(lam, t, h)
    assert led_kde.kl_leading(setting)[0] == pytest.approx((square**2 - common**2) / 200, rel=1e-10)


@given(cases(small_manifolds))
def test_without_a_kernel_it_is_the_divergence_of_kl_bound(setting):
    found, expected = led_kde.kl_leading(setting), kl_bound.kl_leading(setting)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-9)


def test_the_leading_divergence_exists_up_to_a_bandwidth():
    setting = Setting.of("1x1,0.1x2", samples=100, times=[0.2])
    last = 0.2 * 1.2
    grows = [led_kde.kl_leading(setting.at(bandwidth=share * last))[0] for share in (0.1, 0.5, 0.99)]
    assert np.diff([led_kde.kl_leading(setting)[0], *grows]).min() > 0
    for share in (1.01, 5.0):
        assert np.isnan(led_kde.kl_leading(setting.at(bandwidth=share * last))[0])


# units, schedules, domains


@pytest.mark.parametrize("name", NAMES)
def test_units_drop_out_at_every_bandwidth(name):
    about = getattr(led_kde, name).observable
    setting = fitting(about, Setting.of("1x4", samples=50, times=[0.2, 0.9], bandwidth=0.15))
    lam = [(9 * s.variance, s.dimension) for s in setting.manifold.subspaces]
    scaled = setting.at(
        manifold=LinearManifold(tuple(lam)), times=9 * setting.times, bandwidth=1.35, separation=3 * setting.separation
    )
    plain, found = (np.asarray(getattr(led_kde, name)(at)) for at in (setting, scaled))
    if name == "log_density":
        np.testing.assert_allclose(found, plain - math.log(3), rtol=1e-11)
    else:
        np.testing.assert_allclose(found, 3.0**about.scaling * plain, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_is_a_map_of_time(schedule, name):
    own = fitting(
        getattr(led_kde, name).observable,
        Setting.of("1x2", samples=500, times=[0.3, 0.6], schedule=schedule, bandwidth=0.01),
    )
    exploding = own.at(times=own.t, schedule="ve")
    np.testing.assert_allclose(observe("led_kde", name, own), observe("led_kde", name, exploding), rtol=1e-11)


def test_a_point_is_in_the_units_of_its_schedule():
    own = TWO.at(schedule="ou", times=[0.1], point=(0.4,))
    exploding = TWO.at(times=own.t, point=(0.4 / own.alpha[0],))
    np.testing.assert_allclose(led_kde.log_density(own), led_kde.log_density(exploding), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("h", [1e-12, 1e9])
def test_extreme_settings_neither_warn_nor_fail(name, h):
    for lam in (1e-8, 1e4):
        setting = Setting.of([(lam, 1)], times=np.geomspace(1e-9, 1e9, 4), bandwidth=h)
        found = observe("led_kde", name, setting)
        assert np.isfinite(found).all() or name == "kl_leading"


def test_what_is_not_known_is_refused_in_a_line():
    with pytest.raises(
        ValueError, match=r"^mode_separation is derived for the mixture ensemble, got 'gaussian'; geomem"
    ):
        led_kde.mode_separation(Setting.of("1x1"))
    with pytest.raises(ValueError, match=r"^log_density is known in 1 direction, got 1x2$"):
        led_kde.log_density(Setting.of("1x2"))
    with pytest.raises(ValueError, match="kl_leading is derived for the gaussian ensemble, got 'mixture'"):
        led_kde.kl_leading(TWO)
    with pytest.raises(ValueError, match="with temperature"):
        led_kde.variance(TWO.at(temperature=2.0))
