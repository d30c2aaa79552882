import mpmath
import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import quad
from scipy.stats import norm

from tests.theory.conftest import decades
from theory.predictions import speciation
from theory.setting import Setting

TWO = Setting.of("1x1", ensemble="mixture", separation=4.0)
TENTH = TWO.at(share=0.1)
CATALOGUE = {0.1: 0.54567, 0.25: 0.60203, 0.5: 0.67506, 1: 0.77520, 2: 0.88449, 4: 0.96570}


def phi(gamma):
    """At a signal to noise: mu = 2, s^2 + t = 4/gamma, half of each."""
    half = 2 / gamma
    return speciation.cloning_probability(TWO.at(manifold=Setting.of([(half, 1)]).manifold, times=half))[0]


def published(gamma):
    """Half the integral of (G_+^2 + G_-^2)/(G_+ + G_-), of arXiv:2402.18491, by adaptive quadrature, centres at +-1."""
    width = gamma**-0.5

    def density(x):
        p, m = norm.pdf(x, 1, width), norm.pdf(x, -1, width)
        return (p**2 + m**2) / (p + m) / 2

    return 2 * quad(density, 0, 1 + 9 * width, epsabs=1e-12, limit=200)[0]


def at_signal(gamma, share):
    """A setting of that signal to noise, as `phi`, with directions besides along which classes do not differ."""
    half = 2 / gamma
    return TWO.at(manifold=Setting.of([(half, 1), (3 * half, 2)]).manifold, times=half, share=share)


def over_both(gamma, share, of):
    """The mean of a function of the probabilities of the classes, over x = +-1 + z/sqrt(gamma), in extended precision."""
    with mpmath.workdps(30):
        g, w = mpmath.mpf(gamma), mpmath.mpf(share)
        width = 1 / mpmath.sqrt(g)

        def at(x):
            upper, lower = w * mpmath.npdf(x, 1, width), (1 - w) * mpmath.npdf(x, -1, width)
            return (upper + lower) * of(upper / (upper + lower), lower / (upper + lower))

        places = sorted(
            {-1 - 12 * width, *(side + k * width for side in (-1, 1) for k in (-3, 0, 3)), 1 + 12 * width, 0}
        )
        return float(mpmath.quad(at, places))


def binary_divergence(share):
    """KL of the class given x against its weight."""
    w = mpmath.mpf(share)

    def of(p, other):
        return p * mpmath.log(p / w) + other * mpmath.log(other / (1 - w))

    return of


def modes(setting, t):
    """How many modes the density has along the first direction, on a grid."""
    x, v = np.linspace(-6, 6, 4002), setting.manifold.variances[0] + t
    weights = {1: setting.share, -1: 1 - setting.share}
    density = sum(weights[side] * norm.pdf(x, side * setting.separation / 2, np.sqrt(v)) for side in (1, -1))
    return int(((density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:])).sum())


@pytest.mark.parametrize(("gamma", "expected"), CATALOGUE.items())
def test_the_values_of_the_catalogue(gamma, expected):
    assert phi(gamma) == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("gamma", [0.02, 0.3, 1.0, 3.9, 4.1, 20.0])
def test_it_is_the_published_integral(gamma):
    assert phi(gamma) == pytest.approx(published(gamma), abs=1e-9)


@given(decades(-4, 3))
def test_it_is_a_u_turn(gamma):
    """E p over the own class, where it is not E[p^2 + (1 - p)^2] at each point, in extended precision."""
    with mpmath.workdps(25):
        g = mpmath.mpf(gamma)
        reach = 12 * mpmath.sqrt(g)
        places = sorted({g - reach, mpmath.mpf(0), g, g + reach, g - reach / 4, g + reach / 4})
        exact = mpmath.quad(lambda u: mpmath.npdf(u, g, mpmath.sqrt(g)) / (1 + mpmath.exp(-2 * u)), places)
    assert phi(gamma) == pytest.approx(float(exact), abs=1e-12)


def test_little_separation_is_the_expansion():
    for gamma in (1e-2, 1e-3):
        assert phi(gamma) - (1 / 2 + gamma / 2 - gamma**2 / 2) == pytest.approx(0, abs=gamma**3)


def test_much_separation_leaves_next_to_nothing():
    """1 - phi = e^(-gamma/2) E sech/2, at most e^(-gamma/2)/2, and sqrt(pi/2 gamma) of that as gamma grows."""
    for gamma in (10.0, 50.0):
        rest = 1 - phi(gamma)
        assert 0 < rest < np.exp(-gamma / 2) / 2
        assert rest / (np.exp(-gamma / 2) / 2 * np.sqrt(np.pi / (2 * gamma))) == pytest.approx(1, abs=3 / gamma)


def test_other_directions_drop_out():
    more = TWO.at(manifold=Setting.of("1x1,100x7").manifold)
    np.testing.assert_array_equal(speciation.cloning_probability(more), speciation.cloning_probability(TWO))
    assert speciation.bifurcation_time(more) == speciation.bifurcation_time(TWO) == 3


@pytest.mark.parametrize("mu", [1.1, 2.0, 3.0])
def test_the_second_mode_appears_there(mu):
    setting = TWO.at(separation=2 * mu)
    t = speciation.bifurcation_time(setting)
    assert (modes(setting, 0.9 * t), modes(setting, 1.1 * t)) == (2, 1)
    assert speciation.cloning_probability(setting.at(times=t))[0] == pytest.approx(phi(1), rel=1e-12)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.9, 1e-3])
@pytest.mark.parametrize("gamma", [1e-3, 0.1, 0.249, 0.251, 1.0, 4.1, 20.0])
def test_unequal_weights_are_averages_over_both_classes(gamma, share):
    setting = at_signal(gamma, share)
    agree = over_both(gamma, share, lambda p, other: p**2 + other**2)
    assert speciation.cloning_probability(setting)[0] == pytest.approx(agree, abs=1e-12)
    known = over_both(gamma, share, binary_divergence(share))
    assert speciation.class_information(setting)[0] == pytest.approx(known, rel=1e-10)


def test_which_class_is_the_upper_one_does_not_matter():
    for f in (speciation.cloning_probability, speciation.class_information, speciation.bifurcation_time):
        np.testing.assert_allclose(f(TENTH), f(TENTH.at(share=0.9)), rtol=1e-12)
    assert speciation.speciation_time(TENTH.at(separation=8.0)) == pytest.approx(4 * 0.09 * 16 + 1 - 1)


def test_the_information_falls_from_the_entropy_of_the_weights():
    whole = TENTH.at(separation=60.0, times=[1e-3, 1.0])
    np.testing.assert_allclose(speciation.class_information(whole), -0.1 * np.log(0.1) - 0.9 * np.log(0.9), rtol=1e-12)
    far = TENTH.at(times=[1e5, 1e10])
    np.testing.assert_allclose(speciation.class_information(far), 4 * 0.09 * 4 / far.t / 2, rtol=1e-4)


@pytest.mark.parametrize("share", [0.4, 0.1, 0.01, 0.9])
def test_a_smaller_class_has_its_mode_later(share):
    """A field parts the modes: the second appears beside the first, and at a larger signal to noise."""
    setting = TWO.at(separation=6.0, manifold=Setting.of("0.1x1").manifold, share=share)
    t = speciation.bifurcation_time(setting)
    assert (modes(setting, 0.97 * t), modes(setting, 1.03 * t)) == (2, 1)
    assert t < speciation.bifurcation_time(setting.at(share=0.5))


def test_a_weak_field_moves_the_time_as_its_power_two_thirds():
    for share in (0.5 + 1e-4, 0.5 + 1e-6):
        field = np.log(share / (1 - share)) / 2
        gamma = 4 / (1 + speciation.bifurcation_time(TWO.at(share=share)))
        assert (gamma - 1) / (1.5 * field) ** (2 / 3) == pytest.approx(1, abs=2 * (gamma - 1))


def test_one_hump_has_no_second_mode():
    assert np.isnan(speciation.bifurcation_time(TWO.at(separation=1.9)))
    assert np.isnan(speciation.bifurcation_time(TWO.at(separation=2.0, schedule="ou")))
    assert modes(TWO.at(separation=1.9), 1e-3) == 1


def test_the_clock_of_the_ornstein_uhlenbeck_process():
    for mu, variance in ((2.0, 1.0), (4.0, 0.25)):
        setting = Setting.of([(variance, 1)], ensemble="mixture", separation=2 * mu, schedule="ou")
        assert speciation.bifurcation_time(setting) == pytest.approx(np.log(1 + mu**2 - variance) / 2)
        assert speciation.speciation_time(setting) == pytest.approx(np.log(mu**2 + variance) / 2)


def test_the_published_time_is_not_at_a_value_of_its_own():
    """At mu = 4 it is near the second mode; where another direction varies more the classes have long been hidden."""
    for variance, expected in ((1.0, 0.7657), (0.25, 0.7802)):
        setting = Setting.of([(variance, 1)], ensemble="mixture", separation=8.0, schedule="ou")
        at = setting.at(times=speciation.speciation_time(setting))
        assert speciation.cloning_probability(at)[0] == pytest.approx(expected, abs=5e-5)
    wide = Setting.of("1x1,100x1", ensemble="mixture", separation=4.0, schedule="ou")
    late, true = speciation.speciation_time(wide), speciation.bifurcation_time(wide)
    assert (late, true) == pytest.approx((2.3026, 0.6931), abs=5e-5)
    assert speciation.cloning_probability(wide.at(times=late))[0] < 0.52


def test_the_published_time_knows_a_unit():
    setting = TWO.at(separation=8.0)
    scaled = Setting.of("9x1", ensemble="mixture", separation=24.0)
    assert speciation.bifurcation_time(scaled) == 9 * speciation.bifurcation_time(setting)
    assert speciation.speciation_time(scaled) == 9 * speciation.speciation_time(setting) + 8
    assert np.isnan(speciation.speciation_time(Setting.of("0.1x1", ensemble="mixture", separation=1.0)))


def test_without_classes_it_is_refused():
    with pytest.raises(ValueError, match="cloning_probability is derived for the mixture ensemble, got 'gaussian'"):
        speciation.cloning_probability(Setting.of("1x1"))
