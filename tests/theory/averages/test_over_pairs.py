import numpy as np
import pytest
from scipy.special import eval_gegenbauer

from theory.averages import over_pairs, two_points
from theory.averages.over_pairs import _Angles, _gegenbauer, _in_planes, _log_bessel, _radii, smoothed_error
from theory.setting import LinearManifold


def drawn(text, t, h, x, N, *, sets=40, each=250, shifts=8):
    """Mean and standard error of |s_h - s|^2 over data sets: the product of two sets of shifts is an unbiased square."""
    manifold, random = LinearManifold.parse(text), np.random.default_rng(0)
    spectrum, x, found = manifold.spectrum, np.asarray(x, dtype=float), []
    for _ in range(sets):
        y = random.standard_normal((each, N, x.size)) * np.sqrt(spectrum)
        errors = []
        for _pair in range(2):
            half = random.standard_normal((each, shifts // 2, x.size))
            at = x + np.sqrt(h) * np.concatenate([half, -half], axis=1)
            away = ((at**2).sum(axis=2)[..., None] + (y**2).sum(axis=2)[:, None] - 2 * at @ y.transpose(0, 2, 1)) / (
                2 * t
            )
            weights = np.exp(away.min(axis=2, keepdims=True) - away)
            score = (weights / weights.sum(axis=2, keepdims=True) @ y - at) / t
            errors.append(score.mean(axis=1) + x / (spectrum + t))
        found.append((errors[0] * errors[1]).sum(axis=1))
    values = np.concatenate(found)
    return values.mean(), values.std() / np.sqrt(values.size)


@pytest.mark.parametrize(
    ("text", "t", "h", "x", "N"),
    [
        ("1x2", 1.0, 0.1, (1.0, 0.5), 2),
        ("1x3", 0.5, 0.3, (1.0, 0.0, 0.0), 50),
        ("1x3", 0.5, 0.3, (0.0, 0.0, 0.0), 20),
        ("1x8", 0.5, 0.2, (1.0, 1.0, 0, 0, 0, 0, 0, 0), 20),
    ],
)
def test_one_subspace_against_drawn_data_sets(text, t, h, x, N):
    found = smoothed_error(np.array(x), t, h, LinearManifold.parse(text), N)
    mean, sem = drawn(text, t, h, x, N)
    assert abs(found - mean) < 4 * sem
    assert sem < 0.02 * mean


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "t", "h", "x", "N"),
    [
        ("1x1,0.3x1", 0.2, 0.1, (0.7, -0.4), 20),
        ("1x1,0.3x2", 0.5, 0.5, (0.7, -0.4, 0.0), 5),
        ("1x4,0.3x4", 0.3, 0.1, (1.0, 0, 0, 0, 0.5, 0, 0, 0), 50),
    ],
)
def test_several_subspaces_against_drawn_data_sets(text, t, h, x, N):
    found = smoothed_error(np.array(x), t, h, LinearManifold.parse(text), N)
    mean, sem = drawn(text, t, h, x, N)
    assert abs(found - mean) < 4 * np.hypot(sem, over_pairs.SCATTER * mean)
    assert sem < 0.02 * mean


def test_shifts_of_several_subspaces_are_those_of_one(monkeypatch):
    """Sobol points against radii and an angle."""
    monkeypatch.setattr(over_pairs, "SCATTER", 4e-3)
    x, t, h, N = np.array([0.7, -0.4]), 1.0, 0.1, 20
    one, two = (LinearManifold.parse(text) for text in ("1x2", "1x1,1x1"))
    assert smoothed_error(x, t, h, two, N) == pytest.approx(smoothed_error(x, t, h, one, N), rel=1.5e-2)


def test_a_direction_that_hardly_varies_leaves_one(monkeypatch):
    monkeypatch.setattr(over_pairs, "SCATTER", 4e-3)
    x, t, h, N = np.array([0.7, 0.0]), 1.0, 0.1, 20
    found = smoothed_error(x, t, h, LinearManifold.parse("1x1,1e-9x1"), N)
    assert found == pytest.approx(two_points.smoothed_error(0.7, t, h, 1.0, N), rel=1.5e-2)


def test_a_narrow_kernel_is_none():
    x, plane = np.array([0.7, -0.4]), LinearManifold.parse("1x2")
    plain = smoothed_error(x, 0.5, 0.0, plane, 20)
    for h in (1e-12, 1e-6, 1e-4):
        assert smoothed_error(x, 0.5, h, plane, 20) == pytest.approx(plain, rel=2e-5 + 10 * h)


def test_what_would_take_too_long_is_nan():
    assert np.isnan(smoothed_error(np.array([0.7, -0.4]), 1e-3, 1e-4, LinearManifold.parse("1x2"), 2))


# laws of radii and angles


@pytest.mark.parametrize(("x", "h", "m"), [(0.0, 0.5, 2), (1.3, 0.5, 2), (1.3, 0.2, 3), (2.0, 1e-4, 5), (0.3, 2.0, 8)])
def test_radii_have_their_moments(x, h, m):
    r, weights = _radii(x, h, m, 6)
    mean = x**2 + m * h
    assert weights.sum() == pytest.approx(1, rel=1e-13)
    assert weights @ r**2 == pytest.approx(mean, rel=1e-11)
    assert weights @ (r**2 - mean) ** 2 == pytest.approx(2 * m * h**2 + 4 * h * x**2, rel=1e-7)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_the_law_of_an_angle_has_the_moments_of_two_points_on_spheres(m):
    """E cos = A_1 A_1, and E cos^2 from E of the product of both tensors."""
    kappa = np.array([0.0, 0.7, 30.0])
    angles = _Angles(kappa, m)
    first, second = angles.harmonics[:, 1], angles.harmonics[:, 2]
    for i in range(3):
        for j in range(3):
            cosines, weights = angles.rule(i, j, 5)
            assert weights @ cosines == pytest.approx(first[i] * first[j], abs=1e-12)
            square = 1 / m + (1 - 1 / m) * second[i] * second[j]
            assert weights @ cosines**2 == pytest.approx(square, abs=1e-12)


def test_sharp_laws_of_an_angle_are_flat():
    kappa, m = np.array([0.9, 1.1]) * over_pairs.LARGE, 3
    moments = []
    for scale in (0.9, 1.0):  # just below and above where the sphere is taken for flat
        angles = _Angles(scale * kappa, m)
        cosines, weights = angles.rule(0, 1, 5)
        moments.append(scale * (weights @ (1 - cosines)))
        assert angles.sharp == (scale == 1)
    assert moments[0] == pytest.approx(moments[1], rel=1e-4)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_polynomials_are_gegenbauers(m):
    cosines = np.linspace(-1, 1, 7)
    found = _gegenbauer(12, m, cosines)
    for k in range(12):
        if m == 2:
            expected = (1 if k == 0 else 2) * np.cos(k * np.arccos(cosines))
        else:
            expected = (2 * k + m - 2) / (m - 2) * eval_gegenbauer(k, m / 2 - 1, cosines)
        np.testing.assert_allclose(found[k], expected, atol=1e-11 * found[k, -1])


def test_a_large_bessel_function_joins_its_asymptotic_series():
    edge = over_pairs.LARGE
    for nu in (0.0, 0.5, 4.0):
        low, high = _log_bessel(nu, edge * np.array([1 - 1e-12, 1 + 1e-12]))
        assert high == pytest.approx(low, abs=nu**4 / edge**2 + 1e-10)  # the next order is below that


def test_planes_keep_lengths_and_angles():
    manifold = LinearManifold.parse("1x4,0.3x1,0.2x2")
    one, other = np.random.default_rng(0).standard_normal((2, 7))
    found = _in_planes(one, other, manifold)
    assert found.shape == (2, 5)
    for part, flat in zip(manifold.slices, (slice(0, 2), slice(2, 3), slice(3, 5)), strict=True):
        a, b = np.array([one, other])[:, part], found[:, flat]
        np.testing.assert_allclose(a @ a.T, b @ b.T, rtol=1e-12)
    np.testing.assert_array_equal(_in_planes(np.zeros(7), other, manifold)[0], np.zeros(5))
