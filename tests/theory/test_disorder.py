"""Exact averages over data sets, against enumeration, mpmath, identities between them, and their limits."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma, logsumexp

from tests.theory.conftest import decades, legendre
from theory import disorder
from theory.disorder import Disorder, averages, reference
from theory.predictions import collapse, kl_bound, score_covariance
from theory.setting import LinearManifold, Setting, Subspace


def at(spec, samples, t, offsets, **others):
    return Disorder(LinearManifold.parse(spec), t, samples, np.atleast_2d(offsets), **others)


# -- by other routes


def enumerated(variances, samples, t, x, temperature, own, nodes=41):
    """Sums over all data sets of a Gauss-Hermite rule, in one dimension for each of K directions: K = len(x) <= 2."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    lam, x = np.asarray(variances), np.asarray(x)
    m = lam / (lam + t) * x
    points = np.array(list(itertools.product(*(np.sqrt(v) * z for v in lam))))
    weight = np.array(list(itertools.product(*[w] * lam.size))).prod(axis=1)
    own_points = m + points * np.sqrt(t / (lam + t))
    sets = itertools.product(range(len(points)), repeat=samples)
    index = np.array(list(sets))
    y = points[index]
    if own:
        y[:, 0] = own_points[index[:, 0]]
    chance = weight[index].prod(axis=1)
    energy = ((y - x) ** 2).sum(-1) / (2 * t * temperature)
    boltzmann = np.exp(-energy)
    Z = boltzmann.sum(axis=1)
    share = boltzmann / Z[:, None]
    mean = (share[..., None] * y).sum(axis=1)
    mean_energy = (share * energy).sum(axis=1)
    return {
        "participation": chance @ (share**2).sum(axis=1),
        "own_weight": chance @ share[:, 0],
        "log_partition": chance @ np.log(Z),
        "entropy": chance @ -(share * np.log(share)).sum(axis=1),
        "energy": chance @ mean_energy,
        "heat_capacity": chance @ ((share * energy**2).sum(axis=1) - mean_energy**2),
        "mean": chance @ (mean - m) / x,
        "mean_error": chance @ (mean - m) ** 2,
        "spread": chance @ ((share[..., None] * y**2).sum(axis=1) - mean**2),
    }


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize(
    ("variances", "samples", "t", "x"),
    [((1.0,), 2, 1.5, (0.7,)), ((1.0,), 3, 2.0, (-1.3,)), ((1.0, 0.3), 2, 3.0, (0.4, -0.9))],
)
def test_few_samples_are_enumerated(own, temperature, variances, samples, t, x):
    nodes = {(2, 1): 81, (3, 1): 41, (2, 2): 23}[samples, len(x)]
    expected = enumerated(variances, samples, t, x, temperature, own, nodes)
    spec = ",".join(f"{v}x1" for v in variances)
    found = at(spec, samples, t, np.square(x), temperature=temperature, own=own)
    tolerance = 1e-4 if temperature < 1 else 1e-6  # of the rule, whose error grows with the steepness of the weights
    for name, value in expected.items():
        if name != "own_weight" or own:
            np.testing.assert_allclose(getattr(found, name)()[0], value, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("variance", "dimension", "t", "samples", "offset", "temperature"),
    [
        (1.0, 1, 0.3, 5, 0.5, 1.0),
        pytest.param(0.5, 3, 0.2, 40, 2.0, 1.0, marks=pytest.mark.slow),
        pytest.param(2.0, 6, 0.5, 1000, 9.0, 0.7, marks=pytest.mark.slow),
    ],
)
def test_one_subspace_is_the_reference(variance, dimension, t, samples, offset, temperature):
    expected = reference(variance, dimension, t, samples, offset, temperature)
    found = at(f"{variance}x{dimension}", samples, t, offset, temperature=temperature)
    for name, value in expected.items():
        assert getattr(found, name)()[0] == pytest.approx(value, rel=2e-9, abs=2e-9), name


def test_two_equal_subspaces_are_one():
    one, two = at("1x6", 200, 0.3, 5.0), at("1x2,1x4", 200, 0.3, [1.5, 3.5])
    for name in ("participation", "log_partition", "entropy", "heat_capacity", "divergence"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(two, name)(), rtol=1e-10, err_msg=name)
    for name in ("mean_error", "spread"):
        np.testing.assert_allclose(getattr(one, name)()[0], getattr(two, name)()[0].sum(), rtol=1e-10, err_msg=name)


# -- identities, over the whole domain


@st.composite
def questions(draw):
    """A manifold, t, N, T, radii, and whether a sample is the point's own: N to 10^9, D to 10^4, t/lambda from 1e-6 to 1e3."""
    parts = draw(st.lists(st.builds(Subspace, decades(-3, 3), decades(0, 3.5).map(round)), min_size=1, max_size=3))
    manifold = LinearManifold(tuple(parts))
    t = manifold.variances.max() * draw(decades(-6, 3))
    samples = round(draw(decades(0.31, 9)))
    typical = manifold.dimensions * (manifold.variances + t)
    offsets = typical * np.array([draw(decades(-1, 0.5)) for _ in parts])
    own = draw(st.booleans())
    return manifold, t, samples, offsets, {"temperature": draw(st.sampled_from([0.5, 1.0, 3.0])), "own": own}


@given(questions())
def test_weights_add_up_to_one(question):
    manifold, t, samples, offsets, others = question
    found = Disorder(manifold, t, samples, offsets, **others)
    assert found.error()[0] < 1e-8
    assert 1 / samples * (1 - 1e-8) <= found.participation()[0] <= 1 + 1e-8
    assert -1e-8 <= found.entropy()[0] <= np.log(samples) * (1 + 1e-8)
    for name in ("spread", "mean_error", "heat_capacity"):
        assert (getattr(found, name)() >= -1e-8).all(), name


@given(questions())
def test_on_trajectories_the_posterior_is_unbiased(question):
    """x is as likely to come from each sample as its weight says, at T = 1: E w_1 = E Y2, and the mean is right."""
    manifold, t, samples, offsets, _ = question
    found = Disorder(manifold, t, samples, offsets, own=True)
    assert found.own_weight()[0] == pytest.approx(found.participation()[0], rel=1e-8)
    assert abs(found.mean()).max() < 1e-8


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    ("spec", "samples", "t", "offsets"), [("1x20", 20000, 0.5, [31.0]), ("1x2,0.1x5", 30, 0.1, [2.0, 1.0])]
)
def test_energy_and_heat_capacity_are_derivatives_of_log_partition(spec, samples, t, offsets, own):
    """In b = log 1/T: E <E> = -d E log Z/db, and d E <E>/db = E <E> - heat capacity."""
    step = 1e-3
    below, here, above = (at(spec, samples, t, offsets, temperature=np.exp(b), own=own) for b in (step, 0.0, -step))
    slope = (above.log_partition() - below.log_partition()) / (2 * step)
    assert here.energy()[0] == pytest.approx(-slope[0], rel=1e-5)
    slope = (above.energy() - below.energy()) / (2 * step)
    assert here.heat_capacity()[0] == pytest.approx((here.energy() - slope)[0], rel=1e-4)


def test_the_divergence_falls_by_the_score_error():
    """d KL(p_t||p^_t)/dt = -E|s^ - s|^2/2, averaged over x: everything together, in both phases."""
    t, step = np.array([0.05, 0.3, 2.0]), 1e-3
    setting = Setting.of("1x3", samples=300, times=t)
    error = averages(setting, "mean_error")["mean_error"].sum(axis=1) / t**2
    up, down = (averages(setting.at(times=t * np.exp(s)), "divergence")["divergence"] for s in (step, -step))
    np.testing.assert_allclose((down - up) / (2 * step * t), error / 2, rtol=3e-5)


def test_units_do_not_matter():
    one, other = at("1x3,0.1x2", 50, 0.2, [2.0, 0.5]), at("1e6x3,1e5x2", 50, 2e5, [2e6, 5e5])
    for name in ("participation", "log_partition", "entropy", "heat_capacity"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(other, name)(), rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(one.spread() * 1e6, other.spread(), rtol=1e-9)


@pytest.mark.parametrize("spec", ["1x1", "1x20"])
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_any_noise_far_below_the_data_is_as_any_other(spec, query):
    """Down there one sample has all the weight, and the divergence is that to a delta: 1/t times a number."""
    names = ("participation", "entropy", "divergence", *(["own_weight"] if query == "trajectory" else []))
    times = np.array([1e-25, 1e-31, 1e-45, 1e-90])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = averages(Setting.of(spec, samples=300, times=times, query=query), *names)
    np.testing.assert_allclose(found["participation"], 1, rtol=1e-6)
    np.testing.assert_allclose(found["entropy"], 0, atol=1e-6)
    if query == "trajectory":
        np.testing.assert_allclose(found["own_weight"], 1, rtol=1e-6)
    else:
        np.testing.assert_allclose(found["divergence"] * times, found["divergence"][0] * times[0], rtol=1e-9)


@pytest.mark.parametrize("unit", [2.0**-300, 2.0**-110, 2.0**110, 2.0**300])
def test_no_unit_is_too_large_or_too_small(unit):
    spec, times = [(1.0, 2)], np.array([1e-5, 0.2])
    names = ("participation", "divergence", "heat_capacity", "mean_error", "spread")
    usual = averages(Setting.of(spec, samples=50, times=times), *names)
    found = averages(Setting.of([(v * unit, m) for v, m in spec], samples=50, times=unit * times), *names)
    for name in names:
        scale = unit if name in ("mean_error", "spread") else 1.0
        np.testing.assert_allclose(found[name], scale * usual[name], rtol=1e-6, atol=1e-12 * scale, err_msg=name)


def test_what_float64_does_not_hold_is_not_known():
    for spec, t in (("1e99x1", 1e-90), ("1e60x1,1e-60x1", 1e-20)):
        found = averages(Setting.of(spec, samples=50, times=[t]), "participation", "spread")
        assert np.isnan(found["participation"]).all()
        assert np.isnan(found["spread"]).all()


# -- limits


def test_many_samples_are_the_central_limit():
    """E Y2 -> R/N and E log p_t/p^_t -> (R - 1)/2N, the error an order of 1/N smaller."""
    R = np.exp(score_covariance.derivation()["log_weight_ratio"](1.0, 2.0, 0.8))
    off = []
    for samples in (1e4, 1e5, 1e6):
        found = at("1x1", samples, 0.8, 2.0)
        off.append((found.participation()[0] * samples / R - 1, found.divergence()[0] * 2 * samples / (R - 1) - 1))
    ratio = np.divide(off[1:], off[:-1])
    np.testing.assert_allclose(ratio, 0.1, rtol=0.02)


def test_deep_in_the_condensed_phase_weights_are_poisson_dirichlet():
    """With Y2 = 1 - m and the entropy psi(1) - psi(1 - m), where m = t/t_c is the slope of the law of energies at 1/N."""
    off = []
    for dimension in (20, 80, 320):
        samples = round(np.exp(dimension / 4))
        t = 0.5 / np.expm1(0.5)
        found = at(f"1x{dimension}", samples, t, dimension * (1 + t))
        paths = found.paths[0]
        centre = abs(samples * found.log_phi[0] + 1).argmin()
        slope = (paths.average(1) / -paths.average(0))[0, centre]
        assert 0.3 < slope < 0.9
        off.append((found.participation()[0] - (1 - slope), found.entropy()[0] - digamma(1) + digamma(1 - slope)))
    assert (np.diff(abs(np.array(off)), axis=0) < 0).all()
    assert abs(off[-1][0]) < 0.01
    assert abs(off[-1][1]) < 0.1  # of a logarithm


def test_the_leading_order_of_the_divergence():
    setting = Setting.of("1x2", samples=10**9, times=np.array([5.0]))
    np.testing.assert_allclose(averages(setting, "divergence")["divergence"], kl_bound.kl_leading(setting), rtol=1e-4)


# -- averages over x, and what is refused


def test_a_point_is_one_x():
    setting = Setting.of(
        "1x2,0.1x3", samples=50, times=np.array([0.2, 0.5]), schedule="ou", point=(0.3, 0.4, 0.1, 0, 0)
    )
    found = averages(setting, "participation", "divergence")
    own = averages(setting.at(query="trajectory"), "own_weight")
    for i, (t, alpha) in enumerate(zip(setting.t, setting.alpha, strict=True)):
        one = at("1x2,0.1x3", 50, t, np.array([0.25, 0.01]) / alpha**2)
        assert found["participation"][i] == pytest.approx(one.participation()[0], rel=1e-12)
        assert found["divergence"][i] == one.divergence()[0]
    assert (own["own_weight"] > 1 / 50).all()
    with pytest.raises(ValueError, match="got own_weight"):
        averages(setting, "own_weight")


@pytest.mark.parametrize(
    ("spec", "samples", "t", "nodes", "clean"),
    [
        ("1x5", 10**4, 0.3, 80, False),
        ("1x5", 10**4, 0.3, 80, True),
        ("1x20", 20000, 0.59, 80, False),
        ("1x20", 20000, 0.59, 80, True),
        ("1x2,0.1x3", 300, 0.1, 20, False),
        pytest.param("1x2,0.1x3", 300, 0.1, 20, True, marks=pytest.mark.slow),
        pytest.param("1x1", 100, 0.05, 120, False, marks=pytest.mark.slow),
        pytest.param("1x1", 100, 0.05, 120, True, marks=pytest.mark.slow),
    ],
)
def test_the_average_over_x_is_that_of_another_rule(spec, samples, t, nodes, clean):
    setting = Setting.of(spec, samples=samples, times=np.array([t]))
    manifold = setting.manifold
    squares, weights = legendre(manifold.dimensions, nodes)
    many = at(spec, samples, t, squares * (manifold.variances + (0 if clean else t)))
    names = ("participation", "log_partition", "divergence", "energy")
    found = averages(setting, *names, clean=clean)
    for name in names:
        expected = weights @ getattr(many, name)()
        assert found[name][0] == pytest.approx(expected, rel=1e-6, abs=1e-6 if name == "log_partition" else 0), name


def test_the_divergence_on_trajectories_is_that_of_the_samples():
    """KL(p^_t||p_t): log N less the information lost, far below collapse I - log N, and by sampling in between."""
    setting = Setting.of("1x2", samples=7, times=np.array([1e-4, 0.3]), query="trajectory")
    found = -averages(setting, "divergence")["divergence"]
    assert found[0] == pytest.approx(collapse.information(setting)[0] - np.log(7), abs=1e-3)
    random = np.random.default_rng(5)
    samples = random.standard_normal((20_000, 7, 2))
    x = samples[:, 0] + np.sqrt(0.3) * random.standard_normal((20_000, 2))
    energies = ((x[:, None] - samples) ** 2).sum(axis=2) / 0.6
    log_ratio = logsumexp(-energies, axis=1) - np.log(7 * 0.3 / 1.3) + (x**2).sum(axis=1) / 2.6
    assert abs(log_ratio.mean() - found[1]) < 5 * log_ratio.std() / np.sqrt(len(x))
    assert log_ratio.std() / np.sqrt(len(x)) < 0.02 * found[1]


def test_clean_points_are_fresh_and_averaged_over():
    setting = Setting.of("1x2", samples=7)
    for other in (setting.at(query="trajectory"), setting.at(point=(0.1, 0.2))):
        with pytest.raises(ValueError, match="clean points are fresh and averaged over"):
            averages(other, "energy", clean=True)


def test_a_fresh_point_has_no_sample_of_its_own():
    with pytest.raises(ValueError, match="no sample of its own"):
        at("1x2", 5, 0.1, 1.0).own_weight()


def test_what_is_not_accurate_says_so(monkeypatch):
    """Integrals that start too late lose mass, and the check on every call sees it."""
    setting = Setting.of("1x3", samples=777, times=np.array([0.2]), point=(1.0, 0.5, 0.2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert averages(setting, "entropy")["error"][0] < 1e-9
    disorder._at_time.cache_clear()
    monkeypatch.setattr(disorder, "LOWEST", 5.0)
    with pytest.warns(UserWarning, match=r"off by about 0\.00"):
        assert averages(setting, "entropy")["error"][0] > 1e-4
    disorder._at_time.cache_clear()


@pytest.mark.parametrize("samples", [2, 10**6])
def test_a_spread_that_is_not_reached_is_nothing(samples, monkeypatch):
    """Deep in memorization ties are rarer than the integrals reach: the spread is right, or 0."""
    times = np.geomspace(3e-3, 2, 12)

    def spreads():
        return np.array([at("1x40", samples, t, 40 * (1 + t), own=True).spread()[0, 0] for t in times])

    found = spreads()
    monkeypatch.setattr(disorder, "RARE", 0.0)
    monkeypatch.setattr(disorder, "LOWEST", 90.0)
    monkeypatch.setattr(disorder, "TAILS", 100.0)
    wider = spreads()
    reached = found > 0
    np.testing.assert_allclose(found[reached], wider[reached], rtol=1e-6)
    assert (wider[~reached] < 2e-35 * 40 * times[~reached]).all()
    assert reached.any()
    assert not reached.all()


def test_averages_over_x_have_the_accuracy_that_they_are_asked_to():
    """Of four equal directions, once in two groups: coefficients of one order were three times too small to tell."""
    setting = Setting.of("0.5x3,0.5x1", samples=30, times=[0.3])
    apart = averages(setting, "spread")["spread"][0] / [3, 1]
    exact = averages(setting.at(manifold=LinearManifold.parse("0.5x4")), "spread", accuracy=1e-9)["spread"][0] / 4
    np.testing.assert_allclose(apart, exact[[0, 0]], rtol=1e-6)
