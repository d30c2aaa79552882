import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.conftest import cases, decades, observe, small_manifolds
from theory.averages.newtonian import Weighed
from theory.observable import observables
from theory.predictions import condensation, supervision_region
from theory.predictions import noise_unconditioning as prediction
from theory.setting import LinearManifold, Setting

LIMITS = [name for name, about in observables(prediction).items() if about.kind == "limit"]
POTENTIAL = Setting.of("1x5", samples=30)


def score(x, data, power):
    """grad log sum r^-power and the sum of second derivatives of the sum over the sum, at x."""
    D, gap = x.size, x - data
    s = (gap**2).sum(axis=1)
    w = s ** (-power / 2) / (s ** (-power / 2)).sum()
    return -power * (w / s) @ gap, power * (power + 2 - D) * (w / s).sum()


def climb(x, data, power, steps=4000):
    """Where gradient ascent ends, and whether that is at a sample."""
    for _ in range(steps):
        nearest = ((x - data) ** 2).sum(axis=1).min()
        x = x + 0.1 * nearest / power * score(x, data, power)[0]
    return x, nearest < 1e-6 * ((data[:, None] - data) ** 2).sum(axis=2)[np.triu_indices(len(data), 1)].min()


# the potential and its ascent


@pytest.mark.parametrize("power", [0.5, 3.0, 6.0])
def test_second_derivatives_of_the_sum(power):
    """By differences: they vanish for the power D - 2 alone."""
    rng = np.random.default_rng(0)
    data, x, h = rng.normal(size=(4, 5)), rng.normal(size=5), 1e-3
    f = lambda at: (((at - data) ** 2).sum(axis=1) ** (-power / 2)).sum()  # noqa: E731
    found = sum(f(x + h * e) + f(x - h * e) - 2 * f(x) for e in np.eye(5)) / h**2 / f(x)
    assert found == pytest.approx(score(x, data, power)[1], abs=1e-4)
    assert (abs(found) < 1e-4) == (power == 3.0)


@pytest.mark.parametrize(("D", "samples"), [(3, 4), (5, 30), (10, 8)])
def test_ascent_ends_on_samples(D, samples):
    rng = np.random.default_rng(1)
    ends = [climb(2 * rng.normal(size=D), rng.normal(size=(samples, D)), D - 2, 400)[1] for _ in range(20)]
    assert all(ends)
    assert prediction.collapsed_fraction(POTENTIAL) == 1


def test_flatter_weights_have_a_maximum_elsewhere():
    """r^-1/2 in ten dimensions: no start of a hundred ends on a sample, where the control of the claim has it."""
    rng = np.random.default_rng(2)
    data = rng.normal(size=(40, 10))
    ends = [climb(2 * rng.normal(size=10), data, 0.5, 200) for _ in range(100)]
    assert not any(at_sample for _, at_sample in ends)
    x, _ = climb(ends[0][0], data, 0.5, 2000)
    assert np.linalg.norm(score(x, data, 0.5)[0]) < 1e-6
    assert score(x, data, 0.5)[1] < 0


@pytest.mark.parametrize("D", [3, 8])
def test_on_a_schedule_the_squared_distance_falls_by_a_constant(D):
    """dx/dt = -s/2 about one sample, by small steps: r^2 falls by D - 2 per unit of t, at any r."""
    for r in (5.0, 20.0):
        x, steps = r * np.eye(D)[0], 20_000
        for _ in range(steps):
            x = x + score(x, np.zeros((1, D)), D - 2)[0] / 2 / steps
        assert x @ x == pytest.approx(r**2 - (D - 2), abs=1e-3)


# the values of the notes


def test_the_values_of_the_notes_at_a_point():
    setting = Setting.of("1x20", samples=2000, times=[0.3], point=(26**0.5, *[0.0] * 19))
    assert prediction.participation(setting)[0] == pytest.approx(0.1591, abs=5e-5)
    assert condensation.participation(setting)[0] == pytest.approx(0.6818, abs=5e-5)


def test_the_own_weight_of_the_notes():
    """Measured: .623(6), and .725(6) of the conditioned score."""
    setting = Setting.of("1x20", samples=2000, times=[0.7])
    assert prediction.own_weight(setting)[0] == pytest.approx(0.623, abs=0.012)
    assert prediction.own_weight(setting.at(query="trajectory")) == prediction.own_weight(setting)


@pytest.mark.parametrize(
    ("D", "expected"), [(20, 0.3333), (40, 0.2931), (80, 0.2692), (160, 0.2547), (320, 0.2461), (None, 0.2346)]
)
def test_the_participation_of_the_notes(D, expected):
    """log N = D/5, t = .3, at a typical x."""
    if D is None:
        size = 1000
        setting = Setting.of(f"1x{size}", samples=round(np.exp(size / 5)), times=[0.3])
        assert prediction.participation_asymptotic(setting)[0] == pytest.approx(expected, abs=5e-5)
    else:
        at = LinearManifold.parse(f"1x{D}"), 0.3, np.exp(D / 5), np.array([[1.3 * D]])
        assert Weighed(*at, own=False).found[0, 0] == pytest.approx(expected, abs=1e-4)


# the limits


def test_the_limits_are_approached():
    """Half way to the limit, and half of that: a typical x at log N = D/5 below, at and above its condensation."""
    manifold = "1x100", "1x400"
    for t, names in ((0.3, LIMITS), (20.0, ["implied_noise_asymptotic"])):
        for name in names:
            off = []
            for subspaces in manifold:
                D = int(subspaces[2:])
                setting = Setting.of(subspaces, samples=round(np.exp(D / 20)), times=[t])
                point = setting.at(point=tuple(np.full(D, np.sqrt(1 + t))))
                exact, limit = (getattr(prediction, o)(point)[0] for o in (name.removesuffix("_asymptotic"), name))
                off.append(abs(exact / limit - 1))
            assert off[1] < off[0] / 2
            assert off[1] < 0.05


@given(decades(-2, 2), decades(-3, 1), st.floats(0.05, 0.4))
def test_a_typical_x_of_one_subspace(lam, ratio, share):
    D = 400
    setting = Setting.of([(lam, D)], samples=round(np.exp(share * D)), times=[lam * ratio])
    t, critical = setting.t, condensation.critical_noise_variance(setting)
    expected = prediction.derivation()["participation_typical"](lam, t, critical)
    found = prediction.participation_asymptotic(setting)
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-9, atol=1e-12)
    assert (found > 0) == (t < critical)
    assert (found <= condensation.participation_asymptotic(setting) + 1e-12).all()


def test_the_effective_number_saturates():
    setting = Setting.of("0.7x300", samples=round(np.exp(60)), times=[1e-9, 1e-6])
    critical = condensation.critical_noise_variance(setting)[0]
    expected = (1 + 0.7 / critical) ** 2
    np.testing.assert_allclose(prediction.effective_samples_asymptotic(setting), expected, rtol=1e-5)
    assert expected > 3
    assert np.isinf(prediction.effective_samples_asymptotic(setting.at(times=[10.0])))


@given(cases(small_manifolds), st.integers(0, 9))
def test_the_implied_level_solves_its_equation(setting, normal):
    """t*: the posterior of x at that level has the mean squared distance (D - 2) t*."""
    D = setting.manifold.intrinsic_dimension + normal
    setting = setting.at(manifold=LinearManifold(setting.manifold.subspaces, max(D, 3)), samples=10**12, times=[1e3])
    manifold, room = setting.manifold, setting.manifold.ambient_dimension - 2
    found, critical = prediction.implied_noise_asymptotic(setting), condensation.critical_noise_variance(setting)
    level = np.where(found > critical, found, critical)[:, None]
    lam, m = manifold.variances, manifold.dimensions
    spread = m * lam * level / (lam + level) + (level / (lam + level)) ** 2 * setting.offsets
    distance = spread.sum(axis=1) + (manifold.ambient_dimension - manifold.intrinsic_dimension) * setting.t
    np.testing.assert_allclose(distance / room, found, rtol=1e-9)


def test_the_nearest_sample_sets_the_level_where_weights_condense():
    setting = Setting.of(LinearManifold.parse("1x2,0.3x4", 9), samples=500, times=[1e-3, 3e-3])
    nearest = supervision_region.nearest_distance_squared_asymptotic(setting)
    np.testing.assert_allclose(prediction.implied_noise_asymptotic(setting), nearest / 7, rtol=1e-12)
    own = setting.at(query="trajectory")
    nearest = supervision_region.nearest_distance_squared_asymptotic(own)
    np.testing.assert_allclose(prediction.implied_noise_asymptotic(own), nearest / 7, rtol=1e-12)
    assert (prediction.participation_asymptotic(own) == 1).all()


def test_far_from_its_sample_a_trajectory_is_as_good_as_fresh():
    setting = Setting.of("1x50", samples=100, times=[1e4])
    for name in LIMITS:
        assert observe("noise_unconditioning", name, setting) == observe(
            "noise_unconditioning", name, setting.at(query="trajectory")
        )


def test_normal_directions_count():
    """They are noise alone, and broaden the weights: their r^2 is the same for all samples."""
    flat = Setting.of("1x6", samples=200, times=[0.2])
    wide = flat.at(manifold=LinearManifold.parse("1x6", 60))
    assert prediction.participation(wide)[0] != pytest.approx(prediction.participation(flat)[0], rel=0.05)
    assert prediction.implied_noise(wide)[0] == pytest.approx(0.2, rel=0.15)
    on_it = wide.at(point=(1.0,) * 6 + (0.0,) * 54)
    assert prediction.implied_noise(on_it)[0] < prediction.implied_noise(on_it.at(point=(1.0,) * 6 + (0.5,) * 54))[0]
    assert not np.isnan(prediction.implied_noise_asymptotic(on_it)).any()


# domains


@pytest.mark.parametrize("name", list(observables(prediction)))
def test_two_dimensions_have_no_potential(name):
    with pytest.raises(ValueError, match=f"^{name} is known in 3 dimensions or more, got 1x2$"):
        getattr(prediction, name)(Setting.of("1x2"))
    assert getattr(prediction, name)(Setting.of("1x3", times=[0.1])) >= 0


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("point", [(0.0, 0.0, 0.0, 0.0), (1e6, 0.0, 0.0, 0.0), (1e-6, 1e-6, 0.0, 3.0)])
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_limits_at_any_point_are_numbers(name, point, query):
    setting = Setting.of(LinearManifold.parse("1x1,1e-3x1", 4), times=[1e-9, 1.0, 1e9], point=point, query=query)
    found = getattr(prediction, name)(setting)
    assert not np.isnan(found).any()
    assert (found >= 0).all()


def test_formulas_are_nan_outside_their_domain():
    level = prediction.derivation()["level"]
    for outside in ((0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, np.nan)):
        assert np.isnan(level(*outside))
    assert level(1.0, 1.0, 1.0) == pytest.approx(0.75, rel=1e-15)


def test_the_derivation_is_proved_but_for_the_limit():
    steps = {step.name: step.verdict for step in prediction.derivation().steps}
    unproved = {name: verdict for name, verdict in steps.items() if verdict != "proved"}
    assert unproved == {
        "ascent keeps volumes": "concluded",
        "ascent ends on samples": "concluded",
        "participation ratio at finite size": "supported",
    }
    assert steps["participation ratio at finite size"] == "supported"
