import copy
import functools
import importlib
import inspect
import itertools
import pickle
import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

import theory
from tests.theory.conftest import PREDICTIONS, fitting, manifolds, prediction, variances
from theory.observable import observables
from theory.setting import (
    FAIR,
    SCHEDULES,
    LinearManifold,
    Setting,
    Subspace,
    equal_classes,
    group_spectrum,
    without_remedies,
)

NAN, INF = float("nan"), float("inf")


def rejects(call, *words):
    """The call raises a ValueError, and only that, whose message has every word."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    message = str(caught.value)
    for word in words:
        assert word in message, message


# --- input that is refused ---


@pytest.mark.parametrize("value", [0, -1.0, NAN, INF, -INF, None, "a", 1j, [1.0, 2.0]])
def test_a_variance_that_is_not_positive_is_refused(value):
    rejects(lambda: Subspace(value, 2), "variance of a subspace must be", "positive", repr(value))


@pytest.mark.parametrize("value", [0, -3, 1.5, NAN, INF, None, "2"])
def test_a_dimension_that_is_not_a_count_is_refused(value):
    rejects(lambda: Subspace(1.0, value), "dimension of a subspace", "at least 1", repr(value))


@pytest.mark.parametrize("value", [1, 0, -5, 2.5, NAN, INF, None, "10", [5, 6]])
def test_a_number_of_samples_that_is_not_a_count_of_two_is_refused(value):
    rejects(lambda: Setting.of("1x2", samples=value), "number of samples", "at least 2", repr(value))


@pytest.mark.parametrize("value", [[], [[0.1, 0.2]], [0.1, 0.0], [-1.0], [NAN], [0.1, INF], "a", 1j, None])
def test_times_outside_the_domain_are_refused(value):
    rejects(lambda: Setting.of("1x2", times=value), "times", "got")


@pytest.mark.parametrize("name", ["ddpm", "cosine", "flow"])
@pytest.mark.parametrize("value", [1.0, 1.5, 1e6])
def test_times_beyond_the_end_of_a_schedule_are_refused(name, value):
    rejects(lambda: Setting.of("1x2", times=[0.5, value], schedule=name), name, "between 0 and 1", f"{value:g}")


def test_unknown_names_are_refused_with_the_known_ones():
    rejects(lambda: Setting.of("1x2", schedule="karras", times=[0.1]), *SCHEDULES, "'karras'")
    rejects(lambda: Setting.of("1x2", ensemble="ball"), "gaussian", "sphere", "'ball'")
    rejects(lambda: Setting.of("1x2", ensemble=None), "gaussian", "sphere", "None")


def test_a_setting_needs_a_manifold():
    rejects(lambda: Setting("1x2"), "LinearManifold", "got str")
    rejects(lambda: Setting.of([]), "at least one subspace", "got none")


@pytest.mark.parametrize("value", [1, 2, -1, 3.5, NAN])
def test_an_ambient_dimension_below_the_intrinsic_is_refused(value):
    rejects(lambda: LinearManifold(((1.0, 2), (0.5, 1)), value), "ambient dimension must be", f"got {value}")


@pytest.mark.parametrize(
    "text", ["", " ", "1x2,", "ax2", "1x2x3", "1x1.5", "nanx1", "infx1", "-1x2", "0x2", "1x0", "1X2"]
)
def test_text_that_is_no_manifold_is_refused(text):
    rejects(lambda: LinearManifold.parse(text), "VARIANCExDIMENSION", "1.0x20,0.1x4", "got")


def test_a_dangling_x_is_not_a_dimension():
    rejects(lambda: LinearManifold.parse("1.0x"), "VARIANCExDIMENSION")


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.ones((2, 3)), ("square", "(2, 3)")),
        (np.ones(4), ("square", "(4,)")),
        (np.ones((2, 2, 2)), ("square", "(2, 2, 2)")),
        (np.zeros((0, 0)), ("square", "(0, 0)")),
        ([[1.0, 0.5], [0.0, 1.0]], ("symmetric",)),
        ([[1.0, NAN], [NAN, 1.0]], ("finite", "NaN")),
        ([[INF, 0.0], [0.0, 1.0]], ("finite", "infinite")),
        ([[1.0, 2.0], [2.0, 1.0]], ("positive semi-definite", "-1")),
        (-np.eye(3), ("positive semi-definite", "-1")),
        (np.zeros((2, 2)), ("not all zero",)),
    ],
)
def test_a_matrix_that_is_no_covariance_is_refused(matrix, words):
    rejects(lambda: LinearManifold.from_covariance(matrix), *words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.arange(5.0), ("two-dimensional", "(5,)")),
        (np.ones((3, 2, 2)), ("two-dimensional", "(3, 2, 2)")),
        (np.full((3, 2), "a", dtype=object), ("numeric", "object")),
        (np.ones((3, 2)) * 1j, ("numeric", "complex")),
        ([["a", "b"], ["c", "d"]], ("numeric",)),
        (np.ma.masked_equal(np.eye(3), 1), ("masked", "data[0, 0]")),
        (np.array([[1, 2], [2**53 + 1, 3]]), ("9007199254740993", "data[1, 0]", "exactly")),
        (np.ones((1, 4)), ("at least 2 samples", "(1, 4)")),
        (np.ones((0, 4)), ("at least 2 samples", "(0, 4)")),
        (np.ones((4, 0)), ("1 dimension", "(4, 0)")),
        (np.ones((5, 3)), ("constant", "same point")),
        (np.full((7, 3), 0.1), ("constant", "same point")),  # rounding of the mean leaves 1e-34
        ([[0.0, NAN], [1.0, 2.0]], ("finite", "NaN")),
        ([[0.0, INF], [1.0, 2.0]], ("finite", "infinite")),
    ],
)
def test_data_without_a_manifold_are_refused(data, words):
    rejects(lambda: LinearManifold.from_data(data), *words)


@pytest.mark.parametrize("values", [[], [-1.0, 2.0], [NAN, 1.0], [INF], [0.0, 0.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_values_that_are_no_spectrum_are_refused(values):
    rejects(lambda: group_spectrum(values, 2.0), "spectrum must be")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: LinearManifold(((1.0, 2, 3),)), "subspace"),
        (lambda: LinearManifold((5,)), "subspace"),
        (lambda: Setting.of("1x2", schedule=None), "schedule"),
        (lambda: Setting.of("1x2", schedule=5), "schedule"),
        (lambda: Setting.of(5), "manifold"),
        (lambda: group_spectrum([1.0, 1.0], 0.5), "resolution"),
        (lambda: group_spectrum([1.0, 1.0], NAN), "resolution"),
        (lambda: group_spectrum([1.0, 0.1], -1.0), "resolution"),
        (lambda: LinearManifold.from_spectrum(3.0), "one-dimensional"),
        (lambda: LinearManifold.from_covariance(np.eye(2) * 1j), "covariance"),
        (lambda: LinearManifold.from_covariance([["a"]]), "covariance"),
        (lambda: LinearManifold.from_data([[1.0], [2.0, 3.0]]), "data"),
        (lambda: group_spectrum(["a"], 2.0), "spectrum"),
        (lambda: group_spectrum([1j], 2.0), "spectrum"),
    ],
    ids=range(14),
)
def test_structural_nonsense_is_refused_in_words(call, expected):
    rejects(call, expected)


@pytest.mark.parametrize(
    ("name", "time"), [("ve", 1e-101), ("ve", 1e101), ("edm", 1e-170), ("edm", 1e51), ("ou", 400.0), ("ou", 1e-102)]
)
def test_times_whose_noise_variance_squared_leaves_float64_are_refused(name, time):
    rejects(lambda: Setting.of("1x2", times=[time], schedule=name), "times", "between 1e-100 and 1e+100", f"{time:g}")


@pytest.mark.parametrize("variance", [1e-101, 1e101, 1e-300, 1e300])
def test_variances_whose_square_leaves_float64_are_refused(variance):
    rejects(lambda: Subspace(variance, 2), "between 1e-100 and 1e+100", repr(variance))


def test_more_directions_than_fit_in_memory_are_refused():
    rejects(lambda: Subspace(1.0, 10**8 + 1), "at most 1e+08", "100000001")
    rejects(lambda: LinearManifold(((1.0, 2),), 10**9), "ambient dimension", "at most 1e+08")
    rejects(lambda: LinearManifold(((1.0, 10**8), (2.0, 10**8))), "ambient dimension", "at most 1e+08")


def test_the_ends_of_the_range_are_inside():
    setting = Setting.of([(1e-100, 1), (1e100, 10**8 - 1)], times=[1e-100, 1e100])
    assert setting.manifold.ambient_dimension == 10**8


def test_a_sphere_is_refused_where_only_gaussian_is_derived():
    setting = Setting.of("1x3", ensemble="sphere")
    for name in PREDICTIONS:
        for observable, about in observables(prediction(name)).items():
            if "sphere" not in about.ensembles:
                rejects(lambda n=name, o=observable: getattr(prediction(n), o)(setting), about.ensembles[0], "'sphere'")


# --- input that is accepted ---


@given(manifolds)
def test_a_manifold_survives_its_text_when_the_numbers_are_short(manifold):
    short = LinearManifold(tuple(Subspace(float(f"{s.variance:g}"), s.dimension) for s in manifold.subspaces))
    assert LinearManifold.parse(str(short)) == short


@given(st.lists(st.tuples(variances, st.integers(1, 4)), min_size=1, max_size=4), st.integers(0, 5))
def test_spectrum_slices_and_dimensions_describe_the_same_directions(parts, normal):
    size = sum(m for _, m in parts)
    manifold = LinearManifold(tuple(parts), size + normal)
    assert manifold.spectrum.shape == (size + normal,)
    assert manifold.intrinsic_dimension == size
    for where, subspace in zip(manifold.slices, manifold.subspaces, strict=True):
        assert (manifold.spectrum[where] == subspace.variance).all()
        assert where.stop - where.start == subspace.dimension
    assert (manifold.spectrum[size:] == 0).all()


@given(st.lists(variances, min_size=1, max_size=12), st.floats(1.0, 100.0), st.randoms())
def test_grouping_keeps_the_total_variance_and_ignores_order(values, resolution, random):
    groups = group_spectrum(values, resolution)
    shuffled = list(values)
    random.shuffle(shuffled)
    assert group_spectrum(shuffled, resolution) == groups
    kept = [v for v in values if v > 1e-12 * max(values)]
    assert sum(g.dimension for g in groups) == len(kept)
    assert sum(g.dimension * g.variance for g in groups) == pytest.approx(sum(kept), rel=1e-12)
    assert all(a.variance > b.variance for a, b in itertools.pairwise(groups))


def test_a_covariance_is_read_whatever_its_axes():
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    matrix = rotation @ np.diag([2.0, 2.0, 0.1, 0.0, 0.0]) @ rotation.T
    manifold = LinearManifold.from_covariance((matrix + matrix.T) / 2)
    np.testing.assert_allclose(manifold.spectrum, [2, 2, 0.1, 0, 0], rtol=1e-12, atol=1e-15)
    assert [s.dimension for s in manifold.subspaces] == [2, 1]
    assert manifold.ambient_dimension == 5


@pytest.mark.parametrize("shape", [(400, 6), (4, 50)])
def test_data_are_read_as_their_own_covariance(shape):
    data = np.random.default_rng(1).normal(size=shape) + 7.0
    manifold = LinearManifold.from_data(data, resolution=1.0)
    expected = np.linalg.eigvalsh(np.cov(data.T, bias=True))[::-1]
    np.testing.assert_allclose(manifold.spectrum[: manifold.intrinsic_dimension], expected[expected > 1e-10])
    assert manifold.ambient_dimension == shape[1]


def test_integer_boolean_and_single_precision_data_are_data():
    data = np.random.default_rng(2).integers(0, 9, size=(30, 3))
    whole = LinearManifold.from_data(data)
    for dtype in (np.uint8, np.int32, np.float32):
        assert LinearManifold.from_data(data.astype(dtype)) == whole
    assert LinearManifold.from_data(data > 4).ambient_dimension == 3


def test_counts_may_be_floats_and_times_may_be_scalars():
    setting = Setting.of("1x2", samples=1e6, times=0.5)
    assert setting.samples == 1_000_000
    assert isinstance(setting.samples, int)
    assert setting.times.shape == (1,)
    with pytest.raises(ValueError, match="read-only"):
        setting.times[0] = 1.0


def test_a_setting_does_not_share_the_callers_times():
    times = np.array([0.1, 0.2])
    setting = Setting.of("1x2", times=times)
    times[0] = 5.0
    assert setting.times[0] == 0.1
    assert setting.at(samples=7).times is not None
    assert setting.at(samples=7).samples == 7
    assert setting.at(schedule="ou").schedule.name == "ou"


# --- precision ---


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_a_covariance_of_few_samples_has_their_rank(seed, dtype):
    data = np.random.default_rng(seed).standard_normal((20, 60))
    manifold = LinearManifold.from_covariance(np.cov(data.T).astype(dtype))
    assert (manifold.intrinsic_dimension, manifold.ambient_dimension) == (19, 60)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_variances_are_one_subspace_in_the_precision_of_their_dtype(dtype):
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    matrix = (rotation @ np.diag([2.0] * 5 + [0.5] * 4 + [0.0] * 3) @ rotation.T).astype(dtype)
    manifold = LinearManifold.from_covariance(matrix)
    assert [s.dimension for s in manifold.subspaces] == [5, 4]
    np.testing.assert_allclose(manifold.variances, [2.0, 0.5], rtol=12 * np.finfo(dtype).eps * 4)
    found = LinearManifold.from_spectrum(np.linalg.eigvalsh(matrix))
    assert [s.dimension for s in found.subspaces] == [5, 4]


def test_what_is_more_than_the_rounding_of_the_dtype_is_refused():
    off = np.array([[1.0, 1e-5], [0.0, 1.0]])
    rejects(lambda: LinearManifold.from_covariance(off.astype(np.float32)), "symmetric", "1e-05")
    rejects(lambda: LinearManifold.from_covariance(off * 1e-80), "symmetric", "1e-05")
    indefinite = np.diag([1.0, -1e-9])
    rejects(lambda: LinearManifold.from_covariance(indefinite), "positive semi-definite", "-1e-09", "float32")
    assert LinearManifold.from_covariance(indefinite.astype(np.float32)).intrinsic_dimension == 1
    rejects(lambda: group_spectrum([1.0, -1e-9], 2.0), "spectrum must be", "-1e-09")
    assert group_spectrum([1.0, -1e-16], 2.0) == (Subspace(1.0, 1),)


@pytest.mark.parametrize("scale", [1e-49, 1e-30, 1e30, 1e49])
def test_data_of_any_scale_have_their_own_manifold(scale):
    data = np.random.default_rng(3).normal(size=(30, 4)) * [1, 2, 3, 4]
    covariance = np.cov(data.T)
    for found, expected in (
        (LinearManifold.from_data(data * scale), LinearManifold.from_data(data)),
        (LinearManifold.from_covariance(covariance * scale**2), LinearManifold.from_covariance(covariance)),
    ):
        assert [s.dimension for s in found.subspaces] == [s.dimension for s in expected.subspaces]
        np.testing.assert_allclose(found.variances, expected.variances * scale**2, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e200, 1.7e308])
def test_data_whose_variance_leaves_the_range_are_not_called_constant(scale):
    data = np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 0.3]]) * scale
    rejects(lambda: LinearManifold.from_data(data), "variance of data", "1e-100", "1e+100", "change the unit")
    rejects(lambda: LinearManifold.from_data(np.full((5, 2), scale)), "constant", "same point")


def test_data_far_from_the_origin_vary():
    data = 1e6 + np.random.default_rng(4).normal(size=(50, 2))
    expected = np.trace(np.cov(data.T, bias=True)) / 2
    assert LinearManifold.from_data(data, resolution=1e3).variances[0] == pytest.approx(expected)
    rejects(lambda: LinearManifold.from_data(np.full((10**5, 2), 0.1)), "constant")


# --- equality ---

SAME = {"samples": 50, "times": [0.1, 0.5], "schedule": "ou", "ensemble": "gaussian", "point": (1.0, 2.0)}


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 51},
        {"times": [0.5, 0.1]},
        {"times": [0.1]},
        {"times": [0.1, np.nextafter(0.5, 1)]},
        {"schedule": "vp"},
        {"ensemble": "sphere"},
        {"query": "trajectory"},
        {"point": None},
        {"point": (1.0, 2.5)},
    ],
    ids=str,
)
def test_settings_that_differ_in_anything_differ(change):
    setting, other = Setting.of("1x2", **SAME), Setting.of("1x2", **SAME | change)
    assert setting != other
    assert hash(setting) != hash(other)
    assert Setting.of("1.5x2", **SAME) != setting != Setting(LinearManifold.parse("1x2", 3), **SAME)


def test_settings_of_the_same_values_are_one_key():
    lists = Setting.of("1x2", **SAME)
    arrays = Setting.of([(1, 2)], **SAME | {"samples": 50.0, "times": np.array([0.1, 0.5]), "point": np.array([1, 2])})
    assert lists == arrays
    assert {lists: 1}[arrays] == 1
    assert lists == pickle.loads(pickle.dumps(lists)) == lists.at() == copy.deepcopy(lists)
    assert lists != "1x2"
    kept = functools.lru_cache(lambda setting: setting.times[-1])
    assert (kept(lists), kept(arrays), kept(lists.at(times=[0.7]))) == (0.5, 0.5, 0.7)


# --- schedules ---


def test_a_schedule_is_shown_by_its_name(schedule):
    assert repr(schedule) == pretty(schedule) == f"SCHEDULES[{schedule.name!r}]"
    assert eval(repr(schedule)) is schedule


@pytest.mark.parametrize("decade", range(-12, 13))
def test_time_inverts_the_noise_variance(schedule, decade):
    t = 10.0**decade * np.array([1.0, 2.7, 6.1])
    tau = schedule.time(t)
    # no inverse can beat the rounding of tau itself: relative error of t = eps tau d(log t)/d tau
    nudge = schedule.noise_variance(tau * (1 - 1e-7))
    conditioning = np.abs(schedule.noise_variance(tau) - nudge) / t / 1e-7
    tolerance = 1e-14 + 5e-16 * conditioning
    assert (np.abs(schedule.noise_variance(tau) / t - 1) < 4 * tolerance).all()


def test_alpha_sigma_and_t_are_one_schedule(schedule):
    tau = np.linspace(0.01, 0.95, 20)
    alpha, t = schedule.alpha(tau), schedule.noise_variance(tau)
    sigma = {
        "ve": np.sqrt(tau),
        "ou": np.sqrt(-np.expm1(-2 * tau)),
        "vp": np.sqrt(-np.expm1(-2 * tau)),
        "ddpm": np.sqrt(-np.expm1(-(0.1 * tau + 19.9 * tau**2 / 2))),
        "cosine": np.sqrt(1 - (np.cos((tau + 0.008) / 1.008 * np.pi / 2) / np.cos(0.008 / 1.008 * np.pi / 2)) ** 2),
        "edm": tau,
        "flow": tau,
    }[schedule.name]
    np.testing.assert_allclose(sigma**2 / alpha**2, t, rtol=1e-11)
    assert (np.diff(t) > 0).all()
    if schedule.name in ("ou", "vp", "ddpm", "cosine"):
        np.testing.assert_allclose(alpha**2 * (1 + t), 1, rtol=1e-12)


# --- the modules themselves ---

MODULES = sorted(m.name for m in pkgutil.walk_packages(theory.__path__, "theory.") if not m.ispkg)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
def test_numbers_of_any_kind_are_taken_in_float64(schedule):
    for some in (np.uint8([20]), np.int8([20]), [20], np.array([20], dtype=object), np.float16([20])):
        assert schedule.time(some) == schedule.time(np.array([20.0]))
    for some in (np.uint8([0]), [False]):
        assert schedule.noise_variance(some) == schedule.noise_variance(np.array([0.0]))
    assert SCHEDULES["edm"].noise_variance(np.uint8(20)) == 400
    # by this the keys of stored results, and random streams, know a schedule
    assert schedule.noise_variance.__qualname__ in (
        "_schedules.<locals>.<lambda>",
        "_variance_preserving.<locals>.<lambda>",
    )
    with pytest.raises(ValueError, match="times must be a numeric array"):
        schedule.time(["20"])


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_the_public_names(name):
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value) if callable(value) else value))
        and getattr(value, "__module__", None) == name
    }
    listed = set(module.__all__)
    assert all(hasattr(module, key) for key in listed)
    assert defined - listed == set()


@pytest.mark.parametrize("name", PREDICTIONS)
def test_observables_return_the_declared_dimensions(name):
    module = prediction(name)
    two, one = (Setting.of(spec, samples=50, times=[6.0]) for spec in ("1x20,0.1x30", "1x20"))
    for observable, about in observables(module).items():
        at = fitting(about, one if about.slow else two)  # in two subspaces test_observable asks at a point
        size = {"time": 1, "training": 1, "subspace": len(at.manifold.subspaces), "sample": 50, "bulk": 3, "place": 3}
        value = np.asarray(getattr(module, observable)(at))
        assert observable in module.__all__
        assert value.shape == tuple(size[d] for d in about.dims), observable
        assert value.dtype == np.float64
        # infinite above t_c; no number where nothing is left to learn, or bulks are not apart
        names = "signal_to_noise_asymptotic", "effective_samples_asymptotic", "learning_clock"
        assert np.isfinite(value).all() or observable in names or "bulk" in about.dims
    for constant in ("STATEMENT", "SOURCE", "REGIME"):
        assert isinstance(getattr(module, constant), str)
    assert set(module.__all__) <= set(vars(module))


# the point


def test_a_point_has_radii_in_data_units():
    setting = Setting.of("1x2,0.1x1", times=np.array([0.5]), schedule="flow", point=(3.0, 4.0, 1.0))
    assert setting.query == "fresh"
    np.testing.assert_allclose(setting.offsets, [[25 / 0.25, 1 / 0.25]])
    wide = LinearManifold.parse("1x2", 4)
    assert Setting(wide, point=(1.0, 2.0, 9.0, 9.0)).offsets[0] == pytest.approx([5.0])  # not the normal ones
    assert Setting(wide, point=(1.0, 2.0)).offsets[0] == pytest.approx([5.0])


@pytest.mark.parametrize("point", [(1.0,), (1.0, 2.0, 3.0), (np.nan, 1.0), [[1.0, 2.0]], "ab"])
def test_a_point_that_does_not_fit_is_refused(point):
    with pytest.raises(ValueError, match="point must"):
        Setting.of("1x2", point=point)


def test_a_query_is_one_of_two():
    with pytest.raises(ValueError, match="fresh, trajectory"):
        Setting.of("1x2", query="stale")


def test_without_a_point_the_radii_are_those_of_a_typical_one():
    setting = Setting.of("1x2,0.1x3", times=np.array([0.5, 2.0]))
    np.testing.assert_allclose(setting.offsets, [[2 * 1.5, 3 * 0.6], [2 * 3.0, 3 * 2.1]])


# what is said to keep the score from memorizing


def test_remedies_are_none_by_default_and_part_of_the_setting():
    setting = Setting.of("1x2")
    assert setting.remedies == {}
    warm = setting.at(temperature=2, bandwidth=0.1)
    assert warm.remedies == {"temperature": 2.0, "bandwidth": 0.1}
    assert warm.plain == setting != warm
    assert setting.at(temperature=1, bandwidth=0) == setting


@pytest.mark.parametrize("name", ["temperature", "bandwidth"])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, "hot", None, 1e-300])
def test_remedies_outside_their_domain_are_refused(name, value):
    with pytest.raises(ValueError, match=f"the {name} must be"):
        Setting.of("1x2", **{name: value})


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="the temperature must be"):
        Setting.of("1x2", temperature=0.0)


# the ensemble of two Gaussians


def test_a_mixture_has_a_separation_and_no_other_ensemble_has():
    mixture = Setting.of("1x2", ensemble="mixture", separation=3)
    assert mixture.extras == {"separation": 3.0}
    assert mixture.remedies == {}
    assert mixture.plain == mixture
    assert mixture.at(temperature=2).extras == {"temperature": 2.0, "separation": 3.0}
    for others in ({"ensemble": "mixture"}, {"separation": 3.0}, {"ensemble": "sphere", "separation": 3.0}):
        with pytest.raises(ValueError, match="the ensemble mixture, and no other, takes a separation"):
            Setting.of("1x2", **others)


def test_a_mixture_has_a_share_and_no_other_ensemble_has():
    mixture = Setting.of("1x2", ensemble="mixture", separation=3)
    assert mixture.share == FAIR
    assert mixture.at(share=0.1).extras == {"separation": 3.0, "share": 0.1}
    assert mixture.at(share=0.1) != mixture
    with pytest.raises(ValueError, match="the ensemble mixture, and no other, takes a share"):
        Setting.of("1x2", share=0.1)
    for share in (0.0, 1.0, 1.5, -0.1, np.nan, "half"):
        with pytest.raises(ValueError, match="the share of a class must be"):
            mixture.at(share=share)


def test_a_share_that_is_not_followed_is_refused():
    unequal = Setting.of("1x2", ensemble="mixture", separation=3, share=0.1)
    without_remedies(unequal, "it", ("share",))
    for refuse in (without_remedies, equal_classes):
        refuse(unequal.at(share=FAIR), "it")
        with pytest.raises(
            ValueError, match=r"it is of two classes of equal weight, and does not follow a share; got 0\.1"
        ):
            refuse(unequal, "it")


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, "far", None, 1e-300])
def test_separations_outside_their_domain_are_refused(value):
    with pytest.raises(ValueError, match="the separation must be"):
        Setting.of("1x2", ensemble="mixture", separation=value)


NO_NUMBERS = [True, np.True_, "2", b"2", None, 2j, [2], np.timedelta64(2), 10**400]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_refused_wherever_one_is_asked_for(value):
    plane = LinearManifold.parse("1x3")
    for make in (
        lambda: Subspace(value),
        lambda: Setting(plane, times=[value]),
        lambda: Setting(plane, temperature=value),
        lambda: Setting(plane, bandwidth=value),
        lambda: Setting(plane, ensemble="mixture", separation=1.0, share=value),
        lambda: LinearManifold.from_spectrum([2, 1], resolution=value),
    ):
        with pytest.raises(ValueError, match="must be"):
            make()
    if isinstance(value, int) and value > 1:  # a number of samples
        return
    for make in (lambda: Subspace(1.0, value), lambda: Setting(plane, value)):
        with pytest.raises(ValueError, match="must be an integer"):
            make()


def test_masked_times_are_refused():
    with pytest.raises(ValueError, match="times must be numbers, got masked_array"):
        Setting.of("1x3", times=np.ma.array([0.1, 0.2], mask=[True, False]))
    assert Setting.of("1x3", times=np.ma.array([0.1, 0.2])).t.tolist() == [0.1, 0.2]


def test_a_point_whose_squares_are_no_numbers_is_refused():
    with pytest.raises(ValueError, match=r"coordinates up to 1e\+100, got 1e\+300; change the unit"):
        Setting.of("1x3", point=[1e300, 0, 0])
    assert np.isfinite(Setting.of("1x3", point=[1e100, 0, 0]).offsets).all()


def test_data_that_differ_by_rounding_alone_are_told_from_a_constant():
    data = 1e15 + np.random.default_rng(0).standard_normal((30, 3))
    with pytest.raises(ValueError, match=r"must vary by more than the rounding of numbers up to 1e\+15"):
        LinearManifold.from_data(data)
    with pytest.raises(ValueError, match="a constant data set"):
        LinearManifold.from_data(np.full((30, 3), 1e15))


def test_a_manifold_is_scaled_in_its_variances_alone():
    manifold = LinearManifold.parse("1x2,0.1x3", 9)
    assert manifold.scaled(4.0) == LinearManifold(((4.0, 2), (0.4, 3)), 9)
    assert manifold.scaled(4.0).scaled(0.25) == manifold
    with pytest.raises(ValueError, match="the variance of a subspace must be positive"):
        manifold.scaled(0.0)
