import numpy as np
import pytest

from theory.averages import two_points
from theory.averages.two_energies import Samples, pair, seen
from theory.disorder import Disorder
from theory.setting import LinearManifold

LINE = LinearManifold.parse("1x1")


def product(manifold, t, N, one, other, most=2):
    samples = Samples.of(manifold, t, N, most)
    return pair(samples, *(seen(samples, np.array(x, dtype=float)) for x in (one, other)))


@pytest.mark.parametrize(
    ("x", "t", "N"), [(0.7, 0.2, 20), (2.0, 0.2, 20), (0.7, 0.05, 20), (0.7, 0.2, 5), (0.7, 0.5, 2), (2.5, 1.0, 1000)]
)
def test_in_one_direction_against_sums_over_samples(x, t, N):
    found, error = product(LINE, t, N, [x], [x + 0.4])
    points, prior = two_points._points(np.array([x, x + 0.4]), t, 1.0, N)
    assert found == pytest.approx(two_points._pair(*points, prior, N), rel=3e-5)
    assert error < 3e-5


@pytest.mark.parametrize(
    ("text", "t", "N", "x"),
    [
        ("1x2,0.3x1", 0.2, 20, [0.7, 0.1, -0.4]),
        ("1x8", 0.5, 50, [2.0, 0.0]),
        ("1x3", 0.1, 3, [1.0, 0.0]),
        ("1x3", 1.0, 2, [1.0, 0.5]),
        ("1x2,0.1x6", 0.1, 30, [1.0, 0.0, 0.3, 0.1]),
        ("1x20", 0.3, 1000, [4.0, 0.0]),
    ],
)
def test_at_one_point_it_is_the_mean_squared_error(text, t, N, x):
    """Against one inversion along paths of steepest descent."""
    manifold = LinearManifold.parse(text)
    found, error = product(manifold, t, N, x, x)
    parts = [part for _, _, part in Samples.of(manifold, t, N, 2).subspaces]
    squares = np.array([[np.square(x[part]).sum() for part in parts]])
    assert found == pytest.approx(Disorder(manifold, t, N, squares).mean_error().sum(), rel=1e-4)
    assert error < 2e-4


def of_two_samples(manifold, t, one, other, count):
    """E of the product of posterior means less the true ones, by drawing pairs of samples; mean and standard error."""
    spectrum = manifold.spectrum
    y = np.random.default_rng(0).standard_normal((count, 2, spectrum.size)) * np.sqrt(spectrum)
    errors = []
    for x in (one, other):
        away = ((y - x) ** 2).sum(axis=2) / (2 * t)
        weight = 1 / (1 + np.exp(away[:, 0] - away[:, 1]))[:, None]
        errors.append(weight * y[:, 0] + (1 - weight) * y[:, 1] - spectrum / (spectrum + t) * x)
    drawn = (errors[0] * errors[1]).sum(axis=1)
    return drawn.mean(), drawn.std() / np.sqrt(count)


def test_two_points_in_a_plane_of_three_directions_against_drawn_samples():
    manifold, one, other = LinearManifold.parse("1x3"), np.array([1.0, 0.0, 0.0]), np.array([-0.3, 0.8, 0.0])
    mean, sem = of_two_samples(manifold, 0.6, one, other, 400_000)
    found, _ = product(manifold, 0.6, 2, one[:2], other[:2])
    assert abs(found - mean) < 4 * sem
    assert abs(found) > 40 * sem


def test_the_points_may_be_exchanged_and_turned():
    plane, one, other = LinearManifold.parse("0.7x5"), np.array([1.0, 0.2]), np.array([0.3, -0.9])
    found, _ = product(plane, 0.4, 12, one, other)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert product(plane, 0.4, 12, other, one)[0] == pytest.approx(found, rel=3e-5)
    assert product(plane, 0.4, 12, turn @ one, turn @ other)[0] == pytest.approx(found, rel=3e-5)


def test_coordinates_may_be_of_every_direction():
    manifold = LinearManifold.parse("1x2,0.3x3")
    found, _ = product(manifold, 0.4, 12, [1.0, 0, 0.3, 0], [0.2, 0.4, -0.3, 0.1])
    every = product(manifold, 0.4, 12, [1.0, 0, 0.3, 0, 0], [0.2, 0.4, -0.3, 0.1, 0], most=3)[0]
    assert every == pytest.approx(found, rel=1e-9)
