import numpy as np
import pytest
from hypothesis import given

from tests.theory.conftest import cases, legendre
from theory.averages.nearest_sample import nearest_distance, tilted_is_nearest
from theory.predictions import collapse, supervision_region
from theory.setting import LinearManifold, Setting


@given(cases())
def test_extrapolation_begins_at_collapse(setting):
    assert supervision_region.extrapolation_time(setting) == collapse.collapse_time(setting)


@given(cases())
def test_a_typical_point_is_on_the_shell_at_collapse_and_outside_below(setting):
    t = collapse.collapse_time(setting) * np.array([0.7, 1.0, 1.4])
    below, at, above = supervision_region.shell_ratio_asymptotic(setting.at(times=t))
    assert at == pytest.approx(1, rel=1e-8)
    assert above < at < below


@given(cases())
def test_below_collapse_a_trajectory_stays_on_its_shell(setting):
    t = collapse.collapse_time(setting) * np.array([0.01, 0.99, 2.0])
    on, fresh = (
        supervision_region.shell_ratio_asymptotic(setting.at(times=t, query=q)) for q in ("trajectory", "fresh")
    )
    np.testing.assert_allclose(on[:2], 1, rtol=1e-9)
    assert on[2] == fresh[2]


def test_the_catalogues_distance():
    """Theory.md: r^2 = sum [lambda t_c/(lambda + t_c) + t_c^2 x^2/(lambda + t_c)^2] was found within 15 %."""
    setting = Setting.of("1x20", samples=20000, times=np.array([0.15, 0.3, 0.59, 1.2]))
    exact, limit = (
        supervision_region.nearest_distance_squared(setting),
        supervision_region.nearest_distance_squared_asymptotic(setting),
    )
    assert (np.abs(limit / exact - 1) < 0.18).all()
    assert (limit < exact).all()


def test_more_samples_and_directions_are_closer_to_the_limit():
    off = []
    for dimension, samples in ((20, 148), (40, 22026), (80, 485165195)):
        setting = Setting.of(f"1x{dimension}", samples=samples)
        at = setting.at(times=supervision_region.extrapolation_time(setting))
        off.append(supervision_region.shell_ratio(at)[0] - 1)
    assert (np.diff(off) < 0).all()
    assert 0 < off[-1] < 0.03


@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_normal_directions_add_their_noise(query):
    inside = Setting.of("1x20", samples=30, times=np.array([0.1, 0.5]), query=query)
    outside = inside.at(manifold=LinearManifold(inside.manifold.subspaces, 27))
    for f in (
        supervision_region.nearest_distance_squared,
        supervision_region.nearest_distance_squared_asymptotic,
    ):
        np.testing.assert_allclose(f(outside), f(inside) + 7 * inside.t, rtol=1e-12)
    np.testing.assert_allclose(
        supervision_region.shell_ratio(outside) ** 2,
        (20 * supervision_region.shell_ratio(inside) ** 2 + 7) / 27,
        rtol=1e-12,
    )
    np.testing.assert_array_equal(supervision_region.shell_overlap(outside), supervision_region.shell_overlap(inside))


def test_a_point_counts_its_own_normal_coordinates():
    manifold = LinearManifold.parse("1x2", 4)
    setting = Setting(manifold, 30, np.array([0.1, 0.4]), "ou", point=(0.5, -1.0))
    moved = setting.at(point=(0.5, -1.0, 0.3, 0.4))
    for f in (
        supervision_region.nearest_distance_squared,
        supervision_region.nearest_distance_squared_asymptotic,
    ):
        np.testing.assert_allclose(f(moved), f(setting) + 0.25 / setting.alpha**2, rtol=1e-12)
    here = nearest_distance(manifold, setting.t[1], 30, setting.offsets[1:], own=False)
    assert supervision_region.nearest_distance_squared(setting)[1] == here[0]


def test_on_a_trajectory_through_a_point_the_own_sample_is_drawn_from_the_posterior():
    setting = Setting.of("1x20", samples=100, times=np.array([1e-3, 0.05]), query="trajectory", point=np.full(20, 0.7))
    spread = setting.t / (1 + setting.t)
    mean = 20 * spread + setting.offsets[:, 0] * spread**2
    np.testing.assert_allclose(supervision_region.nearest_distance_squared(setting), mean, rtol=1e-6)
    np.testing.assert_allclose(supervision_region.nearest_distance_squared_asymptotic(setting), mean, rtol=1e-12)


@pytest.mark.parametrize(
    ("spec", "samples"),
    [
        ("1x1", 100),
        ("1x5", 10**4),
        ("1x20", 20000),
        pytest.param("1x2,0.1x3", 30, marks=pytest.mark.slow),
        pytest.param("1x1,0.01x5", 300, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_the_average_over_x_is_that_of_another_rule(spec, samples, query):
    setting = Setting.of(spec, samples=samples, times=np.array([0.2]), query=query)
    manifold, own = setting.manifold, query == "trajectory"
    squares, weights = legendre(manifold.dimensions, 100 if len(manifold.subspaces) == 1 else 24)
    at = nearest_distance(manifold, 0.2, samples, squares * (manifold.variances + 0.2), own=own)
    assert supervision_region.nearest_distance_squared(setting)[0] == pytest.approx(weights @ at, rel=2e-6)
    if own:
        return
    near = 1 / (1 / manifold.variances + 1 / (manifold.variances + 0.8))
    nearest = tilted_is_nearest(manifold, squares * near, 1 / 1.6, samples - 1)
    pair = np.prod((1 + manifold.spectrum / 0.4) ** -0.5)
    assert supervision_region.shell_overlap(setting)[0] == pytest.approx(
        (samples - 1) * pair * (weights @ nearest), rel=1e-7
    )


@pytest.mark.parametrize("samples", [2, 3, pytest.param(40, marks=pytest.mark.slow)])
def test_the_overlap_is_the_plain_experiment(samples):
    setting = Setting.of("1x2,0.1x3", samples=samples, times=np.array([0.05, 0.3, 2.0]))
    rng = np.random.default_rng(20260101)
    data = rng.normal(size=(40_000, samples, 5)) * np.sqrt(setting.manifold.spectrum)
    nearest = ((data[:, :1] - data[:, 1:]) ** 2).sum(axis=-1).min(axis=1)
    drawn = np.exp(-nearest / (8 * setting.t[:, None]))
    error = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    assert (np.abs(supervision_region.shell_overlap(setting) - drawn.mean(axis=1)) < 4.5 * error).all()


def test_the_overlap_at_both_ends():
    """Far apart, only pairs drawn together overlap, each of N - 1 alike; close together, all do."""
    setting = Setting.of("1x20", samples=1000, times=np.array([1e-6, 1e-4, 1e9]))
    pairs = 999 * (1 + 1 / (2 * setting.t)) ** -10
    found = supervision_region.shell_overlap(setting)
    np.testing.assert_allclose(found[:2], pairs[:2], rtol=1e-3)
    assert found[2] == pytest.approx(1, abs=1e-6)


def test_two_samples_overlap_as_a_pair():
    setting = Setting.of("1x3,0.2x2", samples=2, times=np.array([1e-3, 0.1, 10.0]))
    pair = np.prod((1 + setting.manifold.spectrum[:, None] / (2 * setting.t)) ** -0.5, axis=0)
    np.testing.assert_allclose(supervision_region.shell_overlap(setting), pair, rtol=1e-12)


@pytest.mark.parametrize(
    ("spec", "samples"),
    [("1x1", 2), ("1x10000", 2), pytest.param("1x1", 10**9, marks=pytest.mark.slow), ("1x10000", 10**9)],
)
def test_extremes_neither_warn_nor_give_nan(spec, samples):
    setting = Setting.of(spec, samples=samples, times=np.array([1e-6, 1.0, 1e3]))
    for query in ("fresh", "trajectory"):
        ratio = supervision_region.shell_ratio(setting.at(query=query))
        assert np.isfinite(ratio).all()
        assert (ratio > 0).all()
    overlap = supervision_region.shell_overlap(setting)
    assert ((overlap >= 0) & (overlap <= 1 + 1e-7)).all()


@pytest.mark.parametrize("observable", ["nearest_distance_squared", "shell_ratio", "shell_overlap"])
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_units_and_schedules_drop_out(observable, query):
    f = getattr(supervision_region, observable)
    plain = Setting.of("1x20", samples=50, times=np.array([0.1, 0.6]), query=query)
    scaled = Setting.of("1e6x20", samples=50, times=1e6 * plain.times, query=query)
    power = 1e6 if observable == "nearest_distance_squared" else 1
    np.testing.assert_allclose(f(scaled), power * f(plain), rtol=1e-9)
    flow = Setting.of("1x20", samples=50, times=np.sqrt(plain.t) / (1 + np.sqrt(plain.t)), schedule="flow", query=query)
    np.testing.assert_allclose(f(flow), f(plain), rtol=1e-9)
