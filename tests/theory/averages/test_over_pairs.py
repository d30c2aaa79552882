import numpy as np
import pytest

from theory.averages import over_pairs, two_points
from theory.averages.over_pairs import _angle, _in_planes, _log_bessel, _radius, smoothed_error
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


def with_two_samples(x, t, h, m):
    """The same at N = 2 in m directions of variance 1, where m^ = mean + d/2 tanh((z - mean).d/2t), d = y_1 - y_2.

    Of the kernel its shift g along d alone is seen, of the mean what is along d: trapezoids, with d in polar coordinates about x.
    """
    g, u = np.linspace(-9, 9, 121), np.linspace(-8, 8, 81)
    normal_g, normal_u = (np.exp(-(at**2) / 2) / np.exp(-(at**2) / 2).sum() for at in (g, u))
    z, fine = np.polynomial.legendre.leggauss(60)
    r, angle = 7 * (z + 1), np.pi / 2 * (z + 1)  # |d|, of variance 2 in each direction
    of_r, of_angle = fine * r ** (m - 1) * np.exp(-(r**2) / 4), fine * np.sin(angle) ** (m - 2)
    along, c = x * np.cos(angle)[:, None], 1 / (1 + t)
    mean = u * np.sqrt(0.5)
    total = 0.0
    for distance, weight in zip(r, of_r / of_r.sum(), strict=True):
        pull = np.tanh(distance * ((along - mean)[..., None] + np.sqrt(h) * g) / (2 * t)) @ normal_g
        square = (mean + distance / 2 * pull - c * along) ** 2 + (m - 1) / 2 + c**2 * (x**2 - along**2)
        total += weight * (of_angle / of_angle.sum()) @ square @ normal_u
    return total / t**2


@pytest.mark.parametrize(
    ("x", "t", "h", "m"),
    [
        (1.0, 1.0, 0.1, 2),
        (1.5, 1.0, 0.2, 3),
        pytest.param(0.5, 0.5, 0.3, 2, marks=pytest.mark.slow),
        pytest.param(2.0, 1.0, 0.5, 8, marks=pytest.mark.slow),
    ],
)
def test_two_samples_in_several_directions(x, t, h, m):
    point = np.zeros(m)
    point[-1] = x
    found = smoothed_error(point, t, h, LinearManifold.parse(f"1x{m}"), 2)
    assert found == pytest.approx(with_two_samples(x, t, h, m), rel=1e-6)


@pytest.mark.parametrize(
    ("x", "t", "h", "N"),
    [(0.7, 0.2, 0.1, 20), pytest.param(2.5, 1.0, 3.0, 20, marks=pytest.mark.slow), (-0.3, 0.5, 0.2, 10**4)],
)
def test_one_direction_is_that_of_the_double_integral(x, t, h, N):
    found = smoothed_error(np.array([x]), t, h, LinearManifold.parse("1x1"), N)
    assert found == pytest.approx(two_points.smoothed_error(x, t, h, 1.0, N), rel=1e-6)


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
    rule = _radius(x, h, m, 6)
    squares, mean = rule.squares[:, 0], x**2 + m * h
    assert rule.weights.sum() == pytest.approx(1, rel=1e-13)
    assert rule.weights @ squares == pytest.approx(mean, rel=1e-11)
    assert rule.weights @ (squares - mean) ** 2 == pytest.approx(2 * m * h**2 + 4 * h * x**2, rel=1e-7)


@pytest.mark.parametrize("m", [1, 2, 3, 8])
def test_angles_have_the_moments_of_a_sphere(m):
    rule = _angle(m, 4)
    for k in range(8):  # E cos^2k = (1/2)_k/(m/2)_k
        expected = np.prod([(1 + 2 * j) / (m + 2 * j) for j in range(k)])
        assert rule.weights @ rule.squares[:, 0] ** k == pytest.approx(expected, rel=1e-12)


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
