"""Strategies: simplest first, inside their domains, every kind within reach, in every library."""

import importlib
import math
import sys
from functools import cache

import hypothesis
import numpy as np
import pytest
from array_api_compat import array_namespace
from hypothesis import Phase, given

from numerics.data import Mixture
from theory.setting import LARGEST, SCHEDULES, SMALLEST, LinearManifold, Schedule, Setting, Subspace, group_spectrum
from validation import strategies
from validation.strategies import (
    DATA_SETS,
    SPECTRA,
    clouds,
    counts,
    data_sets,
    manifolds,
    mixtures,
    noise,
    orthogonal,
    permutations,
    points,
    schedules,
    settings,
    spectra,
    subspaces,
    variances,
)

EVERYTHING = settings(
    ensembles=("gaussian", "sphere", "mixture"),
    queries=("fresh", "trajectory"),
    schedules=tuple(SCHEDULES),
    points=True,
    remedies=("temperature", "bandwidth", "share"),
)
MANY = 150
MIXED = Setting.of("1x1", samples=2, times=[1.0], ensemble="mixture", separation=1.0)
THREE = Setting.of("1x1,0.01x2", samples=10, times=[0.5])


OPTIONS = {"database": None, "derandomize": True, "deadline": None, "suppress_health_check": ()}


def drawn(strategy, count=MANY):
    """What a test would be given, health checks and all."""
    found = []

    @hypothesis.settings(max_examples=count, phases=[Phase.generate], **OPTIONS)
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found


def find(strategy, condition, *phases):
    """The first that fulfils the condition, of two thousand."""
    how = hypothesis.settings(max_examples=2000, phases=[Phase.generate, *phases], **OPTIONS)
    return hypothesis.find(strategy, condition, settings=how)


def smallest(strategy, condition=lambda _: True):
    return find(strategy, condition, Phase.shrink)


@cache
def many_settings():
    return drawn(settings())


# --- what they shrink to ---


@pytest.mark.parametrize(
    ("strategy", "simplest"),
    [
        (settings(), Setting.of("1x1", samples=2, times=[1.0])),
        (settings(ambient=3), Setting(LinearManifold.parse("1x1", 3), samples=2, times=[1.0])),
        (settings(directions=2, points=True), Setting.of("1x2", samples=2, times=[1.0], point=[0, 0])),
        (EVERYTHING, Setting.of("1x1", samples=2, times=[1.0], point=[0])),
        (settings(ensembles=("mixture",)), MIXED),
        (manifolds(), LinearManifold.parse("1x1")),
        (manifolds(min_subspaces=2), LinearManifold.parse("1x1,1x1")),
        (subspaces(), Subspace(1.0, 1)),
        (schedules(), SCHEDULES["ve"]),
        (counts(), 2),
        (counts(at_least=11, at_most=15), 11),
        (variances(), 1.0),
        (noise(), 1.0),
        (mixtures(), Mixture((1.0,), ((0.0,),), (((1.0,),),))),
    ],
)
def test_the_simplest_is_what_a_person_would_write(strategy, simplest):
    assert smallest(strategy) == simplest


def test_the_simplest_arrays():
    assert smallest(spectra()).tolist() == [1.0]
    assert smallest(orthogonal(2)).tolist() == [[1, 0], [0, 1]]
    assert smallest(permutations(3)).tolist() == [0, 1, 2]
    assert smallest(data_sets()).shape == (2, 1)
    assert smallest(points(THREE)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("strategy", "wrong", "shown"),
    [
        (counts(), lambda n: n > 99, 100),
        (noise(), lambda t: t > 7.3, 8.0),
        (settings(), lambda s: s.samples > 55, Setting.of("1x1", samples=60, times=[1.0])),
        (settings(), lambda s: len(s.times) > 1, Setting.of("1x1", samples=2, times=[1.0, 2.0])),
        (settings(), lambda s: np.ptp(s.manifold.variances) > 0, Setting.of("1x1,2x1", samples=2, times=[1.0])),
        (settings(points=True), lambda s: any(s.point), Setting.of("1x1", samples=2, times=[1.0], point=[1.0])),
    ],
)
def test_counterexamples_are_the_simplest(strategy, wrong, shown):
    assert smallest(strategy, wrong) == shown


@pytest.mark.parametrize("wrong", [lambda lam, t: lam < 0.05, lambda lam, t: t > 7 * lam, lambda lam, t: t < 1e-4])
def test_counterexamples_are_of_one_digit(wrong):
    shown = smallest(settings(), lambda s: wrong(s.manifold.variances[0], s.t[0]))
    for number in (*shown.manifold.variances, *shown.t):
        assert float(f"{number:.0e}") == number
    assert len(shown.t) == len(shown.manifold.subspaces) == 1


# --- where they are drawn from ---


def test_settings_lie_in_their_domains():
    for setting in many_settings():
        assert 2 <= setting.samples <= 10**12
        assert 1 <= len(setting.manifold.subspaces) <= 3
        assert setting.manifold.dimensions.max() <= 100_000
        assert 1 <= setting.times.size <= 3
        assert (np.diff(setting.times) > 0).all()
        assert (setting.schedule.name, setting.extras, setting.point) == ("ve", {}, None)


def test_most_times_lie_about_the_collapse_time_and_some_far_away():
    def information(setting, factor):
        t = factor * setting.t[:, None]
        return (setting.manifold.dimensions / 2 * np.log1p(setting.manifold.variances / t)).sum(axis=1)

    near = [
        (information(setting, 300) < setting.log_samples) & (setting.log_samples < information(setting, 1 / 300))
        for setting in many_settings()
    ]
    assert 0.6 < np.concatenate(near).mean() < 1
    t = np.concatenate([setting.t for setting in many_settings()])
    assert t.min() < 1e-9
    assert t.max() > 1e9


@pytest.mark.parametrize("decades", [-100, 100])
def test_times_stay_in_the_domain_whatever_the_manifold(decades):
    far = hypothesis.strategies.just(LinearManifold(((10.0**decades, 1),)))
    for setting in drawn(settings(manifolds=far, schedules=tuple(SCHEDULES)), 50):
        assert ((setting.t >= SMALLEST) & (setting.t <= LARGEST)).all()


def test_options_are_obeyed():
    for setting in drawn(settings(directions=2, ambient=5, max_samples=30, times=1, schedules=("flow",)), 50):
        assert setting.manifold.intrinsic_dimension == 2
        assert setting.manifold.ambient_dimension >= 5
        assert setting.samples <= 30
        assert setting.times.size == 1
        assert setting.schedule is SCHEDULES["flow"]
    assert set(drawn(counts(at_least=11, at_most=15))) == {11, 12, 13, 14, 15}
    assert max(drawn(counts(at_most=1000))) <= 1000
    assert all(part.dimension <= 4 for part in drawn(subspaces(max_dimension=4)))
    own = manifolds(min_subspaces=3, max_dimension=2)
    assert all(len(setting.manifold.subspaces) == 3 for setting in drawn(settings(manifolds=own), 20))


@pytest.mark.parametrize(
    "kind",
    [
        lambda s: s.ensemble == "sphere",
        lambda s: s.ensemble == "mixture" and s.separation > 1,
        lambda s: s.share < 0.5,
        lambda s: s.query == "trajectory",
        lambda s: s.schedule.name == "flow",
        lambda s: s.temperature > 2,
        lambda s: s.bandwidth > s.t[0],
        lambda s: s.point is not None and not any(s.point),
        lambda s: s.point is not None and sum(np.square(s.point)) > 50 * sum(s.manifold.spectrum + s.t[0]),
        lambda s: s.manifold.ambient_dimension > s.manifold.intrinsic_dimension,
        lambda s: len(set(s.manifold.variances)) < len(s.manifold.subspaces),
        lambda s: 1 < s.manifold.variances.max() / s.manifold.variances.min() < 1 + 1e-8,
        lambda s: s.manifold.variances.max() / s.manifold.variances.min() > 1e8,
        lambda s: s.samples > 10**11,
    ],
)
def test_every_kind_of_setting_is_reached(kind):
    find(EVERYTHING, kind)


# --- arrays ---

GAPS = {
    "isotropic": lambda v: v.size > 2 and (v == v[0]).all(),
    "two scales": lambda v: v.size > 3 and len(set(v)) == 2 and v[1] == v[0] > 2 * v[-1],
    "power law": lambda v: v.size > 2 and math.isclose(math.log(v[1] / v[0]) * math.log(3) / math.log(2), math.log(v[2] / v[0])),
    "geometric": lambda v: v.size > 2 and math.isclose(v[1] * v[1], v[0] * v[2]) and v[1] < v[0],
    "nearly equal": lambda v: v.size > 2 and 0 < v[0] - v[-1] < 1e-6 * v[0],
    "degenerate": lambda v: v.size > 3 and v[0] == v[1] > v[2] == v[3],
}  # fmt: skip


@pytest.mark.parametrize("kind", SPECTRA)
def test_every_kind_of_spectrum_is_reached_by_name_and_among_all(kind):
    assert GAPS.keys() == SPECTRA.keys()
    find(spectra(), lambda v: GAPS[kind](v[v > 0]))
    find(spectra(kinds=(kind,)), lambda v: GAPS[kind](v[v > 0]))


def test_spectra_fall_and_are_those_of_covariances():
    found = drawn(spectra())
    for v in found:
        assert (np.diff(v) <= 0).all()
        assert v[0] > 0
        assert v[-1] >= 0
        assert group_spectrum(v, 1.0)
    assert max(v[0] / v[v > 0][-1] for v in found) > 1e9
    assert any(v[-1] == 0 for v in found)


TRAITS = {
    "gaussian": lambda x: len(x) > 5 and 0.1 < np.abs(np.diff(x, axis=0)).max() < 6,
    "sphere": lambda x: x.shape[1] > 1 and np.allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-14, atol=0),
    "mixture": lambda x: len(x) > 5 and 8 < np.ptp(x[:, 0]) < 16 and not ((x[:, 0] > 4) & (x[:, 0] < 6)).any(),
    "duplicates": lambda x: x.shape[1] > 2 and 1 < len(np.unique(x, axis=0)) <= (len(x) + 1) // 2,
    "collinear": lambda x: min(x.shape) > 2 and np.ptp(x) > 0 and np.linalg.matrix_rank(x) == 1,
    "heavy tails": lambda x: len(x) > 9 and np.abs(x).max() > 20 * np.median(np.abs(x)) > 0 and np.abs(x).max() < 9e5,
    "one outlier": lambda x: len(x) > 5 and np.abs(x[-1]).min() > 9e5 and np.abs(x[:-1]).max() < 10,
    "offset": lambda x: len(x) > 1 and x.min() > 9e7 and 0 < np.ptp(x) < 20,
    "constant": lambda x: len(x) > 2 and np.ptp(x, axis=0).max() == 0,
    "one sample": lambda x: len(x) == 1,
}


@pytest.mark.parametrize("kind", DATA_SETS)
def test_every_kind_of_data_is_reached_by_name_and_among_all(kind):
    assert TRAITS.keys() == DATA_SETS.keys()
    find(data_sets(), TRAITS[kind])
    find(data_sets(kinds=(kind,)), TRAITS[kind])


def test_data_sets_are_of_the_sizes_asked_for():
    for x in drawn(data_sets(max_samples=5, max_dimension=2)):
        assert 1 <= len(x) <= 5
        assert 1 <= x.shape[1] <= 2
        assert np.isfinite(x).all()


def test_clouds_lie_about_their_data_and_times_about_its_spacing():
    x, data, t = smallest(clouds())
    assert (x.tolist(), data.tolist(), t) == ([[0.0]], [[0.0], [1.0]], 1.0)
    sizes = [(x.shape, data.shape, t) for x, data, t in drawn(clouds(max_points=2, max_samples=5, max_dimension=2))]
    assert all(M <= 2 and N <= 5 and D == same <= 2 and t > 0 for (M, D), (N, same), t in sizes)
    assert max(t for *_, t in sizes) / min(t for *_, t in sizes) > 1e6
    x, data, t = find(clouds(max_points=1), lambda c: len(np.unique(c[1], axis=0)) == 1)
    assert t > 0


def test_orthogonal_maps_are_rotations_and_reflections():
    found = drawn(orthogonal(3), 30)
    for Q in found:
        np.testing.assert_allclose(Q @ Q.T, np.eye(3), atol=1e-15 * 8)  # eight roundings of numbers below one
    assert {round(np.linalg.det(Q)) for Q in found} == {-1, 1}
    assert {tuple(p) for p in drawn(permutations(3))} == {
        (0, 1, 2),
        (0, 2, 1),
        (1, 0, 2),
        (1, 2, 0),
        (2, 0, 1),
        (2, 1, 0),
    }


def test_points_are_of_their_setting_s_size_and_units():
    flow = Setting(LinearManifold(((100.0, 2),), 4), samples=10, times=[0.5], schedule="flow")
    found = drawn(points(flow))
    assert {x.shape for x in found} == {(4,)}
    typical = 0.5 * math.sqrt(101)
    assert any(0.9 * typical < abs(x[0]) < 1.1 * typical for x in found)
    assert any(abs(x[0]) > 50 * typical for x in found)
    assert flow.at(point=found[-1]).point == tuple(found[-1])


def test_mixtures_are_drawn_from():
    for mixture in drawn(mixtures(max_dimension=2), 20):
        assert math.isclose(sum(mixture.weights), 1)
        assert mixture(5, np.random.default_rng(0)).shape == (5, len(mixture.means[0]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", ["numpy", "array_api_strict", "torch", "jax.numpy"])
def test_arrays_come_in_the_library_and_dtype_asked_for(library, dtype):
    xp = pytest.importorskip(library)
    if library == "jax.numpy" and dtype == "float64":
        pytest.skip("jax rounds to float32 unless it is told not to")
    reals = [spectra, data_sets, lambda **how: orthogonal(3, **how), lambda **how: points(THREE, **how)]
    for strategy in reals:
        array = smallest(strategy(xp=xp, dtype=dtype))
        assert array_namespace(array) is array_namespace(xp.asarray([0.0]))
        assert array.dtype == getattr(xp, dtype)
    order = smallest(permutations(3, xp=xp))
    assert array_namespace(order) is array_namespace(xp.asarray([0]))
    assert [int(k) for k in order] == [0, 1, 2]


# --- options refused ---


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: counts(at_least=0), "at_least must be an integer from 1 to 1e.27, got 0"),
        (lambda: counts(at_least=5, at_most=4), "at_most must be an integer from 5 to 1e.27, got 4"),
        (lambda: settings(max_samples=1), "max_samples must be an integer from 2 to 1e.27, got 1"),
        (lambda: settings(times=0), "times must be an integer from 1 to more, got 0"),
        (lambda: settings(schedules=("vee",)), "schedules must be some of ve, ou, .*, got .'vee',."),
        (lambda: settings(schedules="ve"), "schedules must be some of .*, got 've'"),
        (lambda: settings(ensembles=()), "ensembles must be some of gaussian, sphere, mixture, got"),
        (lambda: settings(remedies=("heat",)), "remedies must be some of temperature, bandwidth, share, got"),
        (lambda: manifolds(min_subspaces=4), "min_subspaces must be an integer from 1 to 3, got 4"),
        (lambda: manifolds(directions=0), "directions must be an integer from 1 to 1e.08, got 0"),
        (lambda: subspaces(max_dimension=1.5), "max_dimension must be an integer from 1 to 1e.08, got 1.5"),
        (lambda: spectra(kinds=("flat",)), "kinds must be some of isotropic, two scales, .*, got"),
        (lambda: clouds(max_points=0), "max_points must be an integer from 1 to"),
        (lambda: data_sets(max_samples=1), "max_samples must be an integer from 2 to"),
        (lambda: orthogonal(0), "D must be an integer from 1 to 1e.08, got 0"),
        (lambda: permutations(0), "K must be an integer from 1 to more, got 0"),
    ],
)
def test_options_outside_their_domain_are_refused_at_once(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"hypothesis, which is not installed; pip install hypothesis"):
        importlib.reload(strategies)


# --- by type ---


def test_types_are_drawn_by_annotation():
    seen = set()

    @hypothesis.settings(max_examples=5, database=None)
    @given(...)
    def collect(setting: Setting, manifold: LinearManifold, part: Subspace, schedule: Schedule, mixture: Mixture):
        seen.update(type(value) for value in (setting, manifold, part, schedule, mixture))
        assert schedule in SCHEDULES.values()

    importlib.import_module("geomem.plugin").register()
    collect()
    assert seen == {Setting, LinearManifold, Subspace, Schedule, Mixture}
